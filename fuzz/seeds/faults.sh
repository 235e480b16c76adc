#!/bin/sh
# faults.sh FOLDER - writes the seeds of fuzz_faults into FOLDER.
# shellcheck disable=SC2154  # the numbers of the calls
set -eu
folder=$1

# The numbers of the calls, $open and so on, in the order of FAULT_FOR_EACH.
number=0
# shellcheck disable=SC2013  # words
for call in $(awk -F '[()]' '/^    X[(]/ { print $2 }' "${0%/*}/../../tests/support/fault_os.h"); do
    eval "$call=$number"
    number=$((number + 1))
done
# The numbers of the errnos, in the order of the list in fuzz_faults.c.
EINTR=0 EAGAIN=1 EIO=2 ENOSPC=3 EACCES=4 EPERM=5 ENOENT=6 ENOMEM=7 EMFILE=8 EINVAL=9 ENOSYS=10
EEXIST=11

bytes() {
    for byte in "$@"; do
        # shellcheck disable=SC2059 # the format is the byte on purpose
        printf "\\$(printf '%03o' "$byte")"
    done
}

# seed NAME SCENARIO "SETTING" "FAULTS" "READ_MAX WRITE_MAX" TEXT: writes a seed. SETTING is four numbers. A
# fault is four numbers: the call, how many of these calls succeed before it, how many fail after the first
# that fails, the errno.
seed() {
    {
        # shellcheck disable=SC2086 # lists of numbers
        set -- "$1" "$2" "$3" "$4" "$5" "$6" $4
        count=$((($# - 6) / 4))
        # shellcheck disable=SC2086
        bytes "$2" $3 "$count" $4 $5
        # shellcheck disable=SC2059 # a format on purpose, for its octal bytes
        printf "$6"
    } >"$folder/$1"
}

# Scenario 0, region. SETTING: slots, payload bytes, 1 wrong nonce + 2 unlink.
seed region 0 '2 8 2 0' '' '0 0' ''
seed region-no-geometry 0 '0 8 0 0' '' '0 0' ''
seed region-wrong-nonce 0 '1 8 1 0' '' '0 0' ''
seed region-interrupted 0 '1 8 2 0' "$shm_open 3 1 $EINTR $flock 2 1 $EINTR $posix_fallocate 0 1 $EINTR $shm_open 6 0 $EINTR" '0 0' ''
seed region-name-taken 0 '1 8 2 0' "$shm_open 3 2 $EEXIST" '0 0' ''
seed region-full 0 '1 8 2 0' "$posix_fallocate 0 0 $ENOSPC" '0 0' ''
seed region-no-map 0 '1 8 2 0' "$mmap 0 0 $ENOMEM" '0 0' ''
seed region-attach-fails 0 '1 8 0 0' "$mmap 1 0 $ENOMEM" '0 0' ''
seed region-no-random 0 '1 8 0 0' "$getrandom 1 0 $ENOSYS" '0 0' ''
seed region-no-nonce 0 '1 8 0 0' "$getrandom 0 0 $ENOSYS" '0 0' ''
seed region-no-object 0 '1 8 2 0' "$shm_open 3 0 $EACCES" '0 0' ''
seed region-no-mode 0 '1 8 2 0' "$fchmod 0 0 $EACCES" '0 0' ''
seed region-no-lock 0 '1 8 2 0' "$flock 2 0 $EIO" '0 0' ''
seed region-no-fstat 0 '1 8 2 0' "$fstat 3 0 $EIO" '0 0' ''
seed region-attach-no-fstat 0 '1 8 2 0' "$fstat 4 0 $EIO" '0 0' ''
seed region-attach-no-object 0 '1 8 2 0' "$shm_open 4 0 $EACCES" '0 0' ''
seed region-stolen-name 0 '1 8 130 2' '' '0 0' ''
seed region-names-all-taken 0 '1 8 2 0' "$shm_open 3 7 $EEXIST $shm_open 11 7 $EEXIST $flock 0 0 $EIO" '0 0' ''
seed region-keeps-name 0 '1 8 2 0' "$shm_unlink 1 0 $EACCES $munmap 0 0 $EINVAL" '0 0' ''
seed region-reap-fails 0 '1 8 2 0' "$shm_readdir 1 0 $EIO" '0 0' ''

long=0123456789012345678901234567890123456789012345678901234567890123

# Scenario 1, results. SETTING: 1 a pipe, free space (0: unlimited), size of the buffer.
seed results 1 '0 0 0 0' '' '0 0' '0123456789abcdefghij'
seed results-full 1 '0 40 0 0' '' '0 7' "$long"
seed results-interrupted 1 '0 0 0 0' "$write 1 2 $EINTR $fsync 0 1 $EINTR $write 5 0 $EAGAIN" '0 7' '0123456789'
seed results-first-line-torn 1 '0 10 0 0' '' '0 7' "$long"
seed results-cut-interrupted 1 '0 30 0 0' "$ftruncate 0 1 $EINTR" '0 7' "$long"
seed results-no-seek 1 '0 30 0 0' "$lseek 0 0 $EIO" '0 7' "$long"
seed results-take-nothing 1 '3 30 0 0' '' '0 7' "$long"
seed results-no-fsync 1 '0 0 0 0' "$fsync 0 0 $EIO" '0 0' '1'
seed results-torn 1 '0 30 0 0' "$ftruncate 0 0 $EIO" '0 7' "$long"
seed results-pipe-breaks 1 '1 0 0 0' "$write 2 0 $EIO" '0 7' "$long"

# Scenario 2, salvage. SETTING: 7 a pipe, start.
seed salvage 2 '0 0 0 0' '' '0 0' '1\n22\n3'
seed salvage-from-start 2 '0 4 0 0' "$pread 1 1 $EINTR $ftruncate 0 0 $EINTR" '3 0' '1\n22\n333\n4'
seed salvage-read-fails 2 '0 0 0 0' "$pread 1 0 $EIO" '3 0' '1\n22\n333\n4'
seed salvage-pipe 2 '7 0 0 0' '' '0 0' '1\n22'
seed salvage-no-fstat 2 '0 0 0 0' "$fstat 0 0 $EIO" '0 0' '1'
seed salvage-cannot-cut 2 '0 0 0 0' "$ftruncate 0 0 $EIO" '0 0' '1\n2'
seed salvage-no-reopen 2 '0 0 0 0' "$reopen 0 0 $EMFILE" '0 0' '1\n2'

# Scenario 3, files. SETTING: kind of the results + 8 standard output + 16 append + 32 sync + 64 locked,
# kind of the input + 8 times the number of the path + 32 one result too many is claimed.
seed files 3 '32 8 0 0' '' '0 0' '1\n'
seed files-append 3 '16 0 0 0' "$pread 0 1 $EINTR" '0 0' '1\n'
seed files-append-unfinished 3 '16 8 0 0' '' '0 0' '1\n2'
seed files-locked 3 '64 8 0 0' "$flock 0 0 $EINTR" '0 0' '1\n'
seed files-stdout 3 '152 0 0 0' "$stat 0 0 $EIO" '0 0' '1\n'
seed files-output-is-input 3 '0 16 0 0' '' '0 0' '1\n'
seed files-folder-fails 3 '0 8 0 0' "$open 3 0 $EIO $lseek 0 0 $EIO" '0 0' '1\n'
seed files-folder-no-fsync 3 '0 8 0 0' "$fsync 0 0 $EIO" '0 0' '1\n'
seed files-input-folder 3 '0 12 0 0' '' '0 0' '1\n'
seed files-no-input 3 '0 24 0 0' '' '0 0' '1\n'
seed files-input-unreadable 3 '0 8 0 0' "$open 0 0 $EACCES" '0 0' '1\n'
seed files-input-gone 3 '0 8 0 0' "$open 2 0 $ENOENT" '0 0' '1\n'
seed files-input-no-fstat 3 '0 8 0 0' "$fstat 1 0 $EIO" '0 0' '1\n'
seed files-interrupted 3 '16 8 0 0' "$open 0 0 $EINTR $open 2 0 $EINTR $open 4 0 $EINTR $ftruncate 0 1 $EINTR" '0 0' '1\n'
seed files-no-output 3 '0 8 0 0' "$open 1 0 $EACCES" '0 0' '1\n'
seed files-output-no-fstat 3 '0 8 0 0' "$fstat 0 0 $EIO" '0 0' '1\n'
seed files-output-pipe 3 '3 8 0 0' '' '0 0' '1\n'
seed files-output-link 3 '5 8 0 0' '' '0 0' '1\n'
seed files-fsync-of-pipe 3 '35 8 0 0' '' '0 0' '1\n'
seed files-cannot-empty 3 '0 8 0 0' "$ftruncate 0 0 $EIO" '0 0' '1\n'
seed files-close-fails 3 '0 8 0 0' "$close 3 0 $EIO" '0 0' '1\n'
seed files-append-no-reopen 3 '16 8 0 0' "$reopen 0 0 $EMFILE" '0 0' '1\n'
seed files-append-read-fails 3 '16 8 0 0' "$pread 0 0 $EIO" '0 0' '1\n'
seed files-results-fewer 3 '0 40 0 0' '' '0 0' '1\n'
seed files-results-fewer-in-stdout 3 '136 40 0 0' '' '0 0' '1\n'
seed files-results-torn 3 '8 8 0 0' '' '0 0' '1\n2'
seed files-results-no-fstat 3 '0 8 0 0' "$fstat 3 0 $EIO" '0 0' '1\n'
seed files-results-no-reopen 3 '8 8 0 0' "$reopen 0 0 $EACCES" '0 0' '1\n2'

# Scenario 4, roles. SETTING: slots, payload bytes, 1 spin + 2 dialogue + 4 input is a pipe + 8 results are
# a pipe + 16 CPUs + 32 sync + 64 not attached, messages + 4 comma + 8 times --blank-lines.
seed roles 4 '8 16 32 1' '' '0 0' '1 2\n3.5 -1\nx\ny\n'
seed roles-dialogue 4 '8 16 2 0' '' '0 0' '1 2\nx\n'
seed roles-pipes 4 '8 64 28 8' "$read 1 2 $EAGAIN $ppoll 2 1 $EINTR $sigprocmask 4 0 $EINVAL" '5 3' '1 2\n\n3\n'
seed roles-timed 4 '2 4 0 0' "$futex_waitv 0 7 $ENOSYS $futex_wait 0 0 $EIO" '0 0' '1 2 3 4\n5 6\n'
seed roles-interrupted 4 '8 16 33 0' "$write 0 3 $EINTR $futex_waitv 0 1 $EPERM" '0 9' '1\n2'
seed roles-no-fstat 4 '8 16 0 0' "$fstat 3 0 $ENOENT" '0 0' '1\n'
seed roles-input-no-fstat 4 '8 16 0 0' "$fstat 2 0 $ENOENT" '0 0' '1\n'
seed roles-dialogue-no-fstat 4 '8 16 2 0' "$fstat 2 0 $ENOENT" '0 0' '1\n'
seed roles-not-attached 4 '8 16 64 0' '' '0 0' '1\n'
seed roles-attach-wait-fails 4 '8 16 64 0' "$futex_waitv 0 0 $EINVAL" '0 0' '1\n'
seed roles-read-fails 4 '8 16 0 0' "$read 0 0 $EIO" '0 0' '1\n'
seed roles-read-again 4 '8 16 0 0' "$read 0 0 $EAGAIN" '0 0' '1\n'
seed roles-no-mask 4 '8 16 4 0' "$sigprocmask 0 0 $EINVAL" '0 0' '1\n'
seed roles-messages-fail 4 '8 16 0 3' "$write 0 0 $EINTR $write 1 0 $EAGAIN $write 3 0 $EIO" '0 9' 'x\ny\n'
seed roles-results-fail 4 '8 64 0 0' "$write 0 0 $EIO" '0 0' '1e999\n1e999\n1e999\n1e999\n1e999\n1e999\n'
seed roles-coarse-clock 4 '8 16 17 64' '' '0 0' '1\n'

# Scenario 5, standard descriptors.
seed closed-descriptors 5 '0 0 0 0' "$fstat 0 2 14 $open 1 0 $EACCES" '0 0' ''

# Scenario 6, start and end of the child. SETTING: 1 status + 2 nohup + 4 its start fails + 8 kill + 16 a
# second signal kills + 32 attached, waits, signals.
seed life 6 '27 2 2 0' "$waitpid 0 0 $EINTR $kill 2 0 $EPERM" '0 0' ''
seed life-child 6 '4 0 0 0' "$execve 1 0 $EACCES" '0 0' ''
seed life-attached 6 '32 1 0 0' '' '0 0' ''
seed life-no-pipe 6 '0 0 0 0' "$pipe 0 0 $EMFILE" '0 0' ''
seed life-child-report-interrupted 6 '4 0 0 0' "$write 0 1 $EINTR $read 0 1 $EINTR" '0 0' ''
seed life-child-report-fails 6 '4 0 0 0' "$write 0 0 $EIO" '0 0' ''
seed life-child-report-not-read 6 '4 0 0 0' "$read 0 0 $EIO" '0 0' ''
seed life-child-report-cut 6 '4 0 0 0' '' '0 7' ''
seed life-no-fork 6 '0 0 0 0' "$fork 0 0 $EAGAIN $sigaction 20 0 $EINVAL" '0 0' ''
seed life-no-mask 6 '0 0 0 0' "$sigprocmask 1 0 $EINVAL" '0 0' ''
seed life-no-handler 6 '0 0 0 0' "$sigaction 3 0 $EINVAL" '0 0' ''
seed life-child-no-null 6 '4 0 0 0' "$open 0 0 $EMFILE" '0 0' ''
seed life-child-no-handler 6 '4 0 0 0' "$sigaction 10 0 $EINVAL" '0 0' ''
