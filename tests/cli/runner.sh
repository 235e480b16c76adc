#!/bin/sh
# runner.sh CASE... - runs cases of the command line. A case states the exact standard output, standard
# error, exit status and files of each run.
#
# A case is a file of the verbs below, read from top to bottom. TEXT may contain \n, \r, \t, \\, \ooo
# (octal) and %%, as in printf. Without TEXT a verb takes the lines that follow it literally (<<'END' ...
# END).
#
#     file NAME [TEXT]     put a file into the case's own empty folder, the working directory
#     input [TEXT]         standard input of the next run: a file (default: an empty one)
#     input_pipe [TEXT]    the same, but a pipe
#     run ARGUMENT...      run shmsum
#     run_child ARG...     run shmsum-child
#     run_command C ARG... run another command ("$SHMSUM" and "$SHMSUM_CHILD" are the programs)
#     status N             the run exited with N (default: 0)
#     stdout [TEXT]        its standard output was exactly this (default: empty)
#     stderr [TEXT]        its standard error was exactly this (default: empty)
#     stderr_mask SED      apply this sed script to standard error before the comparison
#     results [TEXT]       results.txt has exactly this content
#     holds NAME [TEXT]    the same for another file that the run made or changed
#     unprivileged         the runs that follow have the rights of an ordinary user
#
# A run must not do what its case does not state: print more, or make, change or remove other files. The
# environment is that of the caller, without the locale.
#
# Exit status: 0 all good, 1 not, 77 cannot run here.

# The cases call most of these functions, and some variables hold several words:
# shellcheck disable=SC2317,SC2086
set -eu

unset LC_ALL LANG LANGUAGE LC_NUMERIC LC_MESSAGES LC_CTYPE CDPATH
work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

failed=0
problem() {
    failed=1
    echo "$case_file: run $runs: $*" >&2
}

# write_text TO [TEXT]: writes TEXT, or standard input, into the file TO.
write_text() {
    write_text_to=$1
    shift
    case $# in
    0) cat >"$write_text_to" ;;
    *) # shellcheck disable=SC2059  # TEXT is a format on purpose, for its escape sequences
        printf "$1" >"$write_text_to" ;;
    esac
}

# same WHAT EXPECTED FOUND: compares two files byte by byte and shows the difference, with control
# characters escaped.
same() {
    cmp -s "$2" "$3" && return
    problem "$1 differs (- expected, + found):"
    cat -A "$2" >"$work/expected.seen"
    cat -A "$3" >"$work/found.seen"
    diff -u "$work/expected.seen" "$work/found.seen" | tail -n +3 >&2
}

file() {
    file_name=$1
    shift
    write_text "$file_name" "$@"
}

input() {
    write_text "$work/stdin" "$@"
}

input_pipe() {
    piped=yes
    input "$@"
}

# Prints every file of the working directory with a checksum.
manifest() {
    find . -type f -exec cksum {} + | LC_ALL=C sort -k 3
}

# Checks the last run against what the case states, and that it did nothing else.
judge() {
    [ "$runs" -gt 0 ] || return 0
    [ "$found_status" -eq "$expected_status" ] ||
        problem "status is $found_status, expected $expected_status"
    same "standard output" "$work/stdout.expected" "$work/stdout"
    sed "$mask" "$work/stderr" >"$work/stderr.masked"
    same "standard error" "$work/stderr.expected" "$work/stderr.masked"
    # $work/touched was made directly after the run: the case may have made more files since then.
    while IFS= read -r name; do
        grep -qxF -e "$name" "$work/claimed" || problem "made, changed or removed $name"
    done <"$work/touched"
}

run_command() {
    judge
    runs=$((runs + 1))
    expected_status=0
    mask=''
    : >"$work/stdout.expected"
    : >"$work/stderr.expected"
    : >"$work/claimed"
    manifest >"$work/before"
    found_status=0
    echo before >"$work/captured" # not empty: a log, where nobody looks for results
    if [ "$piped" = yes ]; then
        # Without messages of cat: in some cases the program exits before it has read everything.
        cat <"$work/stdin" 2>/dev/null | "$@" >>"$work/captured" 2>"$work/stderr" || found_status=$?
    else
        "$@" <"$work/stdin" >>"$work/captured" 2>"$work/stderr" || found_status=$?
    fi
    tail -c +8 "$work/captured" >"$work/stdout"
    manifest >"$work/after"
    diff "$work/before" "$work/after" | sed -n 's/^[<>] [0-9]* [0-9]* \.\///p' | sort -u \
        >"$work/touched"
    : >"$work/stdin"
    piped=no
}

run() {
    run_command $as_user "$SHMSUM" "$@"
}

run_child() {
    run_command "$SHMSUM_CHILD" "$@"
}

status() {
    expected_status=$1
}

stdout() {
    write_text "$work/stdout.expected" "$@"
}

stderr() {
    write_text "$work/stderr.expected" "$@"
}

stderr_mask() {
    mask=$1
}

holds() {
    holds_name=$1
    shift
    write_text "$work/holds.expected" "$@"
    printf '%s\n' "$holds_name" >>"$work/claimed"
    if [ -f "$holds_name" ]; then
        same "$holds_name" "$work/holds.expected" "$holds_name"
    else
        problem "there is no $holds_name"
    fi
}

results() {
    holds results.txt "$@"
}

# For cases about permissions, which do not bind root. Skips the case if another user cannot run the programs.
unprivileged() {
    [ "$(id -u)" -eq 0 ] || return 0
    as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
    if ! $as_user test -x "$SHMSUM" || ! $as_user test -x "$SHMSUM_CHILD"; then
        skip "another user cannot reach the programs"
    fi
    chmod 777 .
}

skip() {
    echo "$case_file: skipped: $*"
    exit 77
}

: "${SHMSUM:?the program to test}" "${SHMSUM_CHILD:?its child}"
[ $# -gt 0 ] || {
    echo "usage: runner.sh CASE..." >&2
    exit 1
}
here=$(pwd -P)
chmod 755 "$work"
for case_file in "$@"; do
    case $case_file in
    /*) ;;
    *) case_file=$here/$case_file ;;
    esac
    runs=0
    piped=no
    as_user=
    : >"$work/stdin"
    rm -rf "$work/folder"
    mkdir "$work/folder"
    cd "$work/folder"
    # shellcheck source=/dev/null
    . "$case_file" # an unknown verb ends this script, because of -e
    judge
    [ "$runs" -gt 0 ] || problem "the case runs nothing"
done
exit "$failed"
