# shellcheck shell=sh disable=SC2034,SC2154
# common.sh - shared code of fuzz/run, fuzz/check-targets and fuzz/coverage, which source it after set -eu.
# $root is the folder of the project.

# shellcheck source=.ci/packages.sh
. "$root/.ci/packages.sh"

# all_targets: prints the names of all targets, one per line.
all_targets() {
    for source in "$root"/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        printf '%s\n' "${name%.c}"
    done
}

# expect_target NAME: exits with 2 if there is no target of this name.
expect_target() {
    [ -f "$root/fuzz/fuzz_$1.c" ] || {
        # shellcheck disable=SC2046  # words
        say "$1: expected a fuzz target:" $(all_targets)
        exit 2
    }
}

# fuzz PROGRAM TARGET SECONDS FINDINGS SCRATCH TREE [OPTION]...: replaces this process by libFuzzer, so call
# it in a subshell. The inputs are the scratch corpus, to which libFuzzer adds, and the committed inputs in
# TREE.
fuzz() {
    program=$1 target=$2 seconds=$3 findings=$4 scratch=$5 tree=$6
    shift 6
    # libFuzzer uses the last value of an option, so the options of the caller come last, after those of
    # the target and the defaults.
    if [ -f "$tree/fuzz/options/$target.options" ]; then # lines of the form "name = value"
        while IFS=' =' read -r name value; do
            [ -z "$value" ] || set -- "-$name=$value" "$@"
        done <"$tree/fuzz/options/$target.options"
    fi
    [ ! -f "$tree/fuzz/dictionaries/$target.dict" ] ||
        set -- "-dict=$tree/fuzz/dictionaries/$target.dict" "$@"
    [ -z "${SHMSUM_SEED-}" ] || set -- "-seed=$SHMSUM_SEED" "$@"
    set -- -max_total_time="$seconds" -artifact_prefix="$findings/" -print_final_stats=1 \
        -timeout=10 -rss_limit_mb=2048 -max_len=4096 "$@"
    set -- "$@" "$scratch"
    for kind in corpus regressions; do
        [ ! -d "$tree/fuzz/$kind/$target" ] || set -- "$@" "$tree/fuzz/$kind/$target"
    done
    exec env UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS-}" "$program" "$@"
}

# executions LOG: prints how many inputs were run, according to the log.
executions() {
    awk '/^stat::number_of_executed_units:/ { exact = $2 }
         /^#[0-9]+[ \t]/ { seen = substr($1, 2) }
         END { print exact != "" ? exact : seen + 0 }' "$1"
}

# finding LOG: prints the finding in a few words; nothing if the fuzzer itself failed.
finding() {
    awk '
        / not so: / { sub(/^.*\//, ""); sub(/: not so: .*/, ""); check = "FUZZ_CHECK " $0 }
        /: runtime error: / { sub(/.*: runtime error: /, ""); if (what == "") what = "UBSan: " $0 }
        /ERROR: AddressSanitizer: / { sub(/.*AddressSanitizer: /, ""); if (what == "") what = "ASan: " $1 }
        /ERROR: LeakSanitizer: / { if (what == "") what = "LeakSanitizer" }
        /: Assertion / { sub(/.*: Assertion /, ""); if (what == "") what = "assert " $0 }
        /ERROR: libFuzzer: / { sub(/.*libFuzzer: /, ""); sub(/ after .*/, ""); fuzzer = "libFuzzer: " $0 }
        END { print check != "" ? check : what != "" ? what : fuzzer }' "$1"
}
