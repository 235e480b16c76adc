#!/bin/sh
# region.sh FOLDER - writes the seeds of fuzz_region into FOLDER. fuzz_region.c explains the bytes: the
# first selects the part, 0 attach, 1 create, 2 reap, 3 memory.
set -eu
cd "$1"

# seed NAME FORMAT: writes the bytes, which are a format of printf.
seed() {
    # shellcheck disable=SC2059 # a format on purpose
    printf "$2" >"$1"
}

# attach: 4 slots of 100 bytes, the nonce, then edits of the object
good='\000\004\144\001\002'
seed attach "$good"
seed attach-smallest '\000\001\001\001\002'
seed attach-largest '\000\376\376\001\002'
seed attach-slots-0 '\000\000\144\001\002\004\000\002\000\000'
seed attach-slots-too-many '\000\375\144\001\002\004\000\377\000\000'
seed attach-payload-too-large '\000\001\375\001\002\004\000\377\020\000'
seed attach-size-1-more "$good"'\003\001'
seed attach-size-1-less "$good"'\003\377'
seed attach-header-cut "$good"'\004\377\001\000\000'
seed attach-size-of-header "$good"'\004\000\002\000\000'
seed attach-size-too-large "$good"'\004\377\377\377\177'
seed attach-size-grows "$good"'\006\100'
seed attach-fit "$good"'\002\004\007\000\000\000\005'
seed attach-mode-0644 "$good"'\007\244\001'
seed attach-mode-setuid "$good"'\007\200\011'
seed attach-directory "$good"'\010\001'
seed attach-other-user "$good"'\011\001'
seed attach-magic "$good"'\001\000\000x'
seed attach-version "$good"'\002\002\002\000\000\000'
seed attach-nonce "$good"'\020\005'
seed attach-bytes-word "$good"'\002\006\000\002\000\000'
seed attach-creator "$good"'\002\003\001\000\000\000'
seed attach-raw "$good"'\012\010shmsum01'
seed attach-version-changes-late "$good"'\013\006\002\310\000\000\000'
seed attach-name-51 "$good"'\017\062'
seed attach-name-52 "$good"'\017\063'
seed attach-open-interrupted "$good"'\014\001\003'
seed attach-open-refused "$good"'\014\000\001'
seed attach-fstat-fails "$good"'\015\007'
seed attach-map-fails "$good"'\016\004'

# create: how many names are lost, the number of faults; each fault is call, first - 1, times, error
random='abcdefghijklmnopqrstuvwxyz012345'
seed create '\001\004\144\000\000'"$random"'\000\005\000'
seed create-unlink-refused '\001\004\144\000\000'"$random"'\001\005\005'
seed create-unlink-gone '\001\004\144\000\000'"$random"'\001\005\006'
seed create-slots-0 '\001\000\144'
seed create-payload-0 '\001\004\000'
seed create-name-lost-twice '\001\004\144\002\000'"$random$random"
seed create-name-taken '\001\004\144\000\001\001\000\002\002'"$random"
seed create-name-always-taken '\001\004\144\000\001\001\000\377\002'"$random"
seed create-open-refused '\001\004\144\000\001\001\000\001\000'
seed create-no-nonce '\001\004\144\000\001\000\000\001\007'
seed create-no-random-name '\001\004\144\000\001\000\001\001\007'
seed create-all-interrupted '\001\004\144\000\003\002\000\002\001\004\000\003\001\001\000\001\001'"$random"
seed create-lock-fails '\001\004\144\000\001\002\000\001\004'"$random"
seed create-fstat-fails '\001\004\144\000\001\003\000\001\007'"$random"
seed create-no-space '\001\004\144\000\001\004\000\001\003'"$random"
seed create-no-space-no-unlink '\001\004\144\000\002\004\000\001\003\006\000\001\000'"$random"
seed create-map-fails '\001\004\144\000\001\005\000\001\004'"$random"

# reap: which calls fail, then names and the states of their objects
seed reap-nothing '\002\000'
seed reap-dead-alive-others '\002\000\004\000\005\002\006\001\007\004\010\010\011\020\012\000'
seed reap-near-names '\002\000\000\000\001\000\013\000\024\000\044\000\104\050G\000\104\047g\000\104\047-\000'
seed reap-strange-names '\002\000\323shmsum-1234\000\316passwd\000\001\000'
seed reap-list-refused '\002\001\004\000'
seed reap-list-breaks '\002\022\004\000\005\000\006\000'
seed reap-fstat-fails '\002\024\004\000\005\000\006\000'
seed reap-close-fails '\002\010\004\000'

# memory: slots, payload bytes, how many bytes more or less than needed, shift
seed memory-exact '\003\002\144\000\000'
seed memory-1-less '\003\002\144\377\000'
seed memory-1-more '\003\002\144\001\200'
seed memory-unaligned '\003\002\144\100\100'
seed memory-slots-0 '\003\000\144'
seed memory-overflow '\003\377\377\377\377\377\377\377\377\377\377'
