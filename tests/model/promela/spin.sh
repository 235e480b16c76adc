# shellcheck shell=sh disable=SC2034
# spin.sh - running Spin once. Sourced by check-scenario and check-seeded, which have set -eu.

# verify CC MODEL FOLDER DEFINITION...: searches all states of MODEL in this configuration, and checks
# that they have no cycle (a run that never ends). FOLDER is empty; afterwards its file "run" has the steps
# to the finding. Sets $found, "nothing" if there is no finding, and $figures: "states | depth | MB". A
# search that is not complete is a finding, too.
verify() {
    cc=$1 model=$2 folder=$3
    shift 3
    for setting in SLOTS=1 LINES=2 DIALOGUE=0 WAITS=0 SIGNALS=0 PARENT_DIES=0 CHILD_DIES=0 SPURIOUS=0 \
        BLANK=0 TIMED=0 FAILS=0; do
        case " $* " in
        *" ${setting%=*}="*) ;;
        *) set -- "$@" "$setting" ;;
        esac
    done
    for definition; do
        shift
        set -- "$@" "-D$definition"
    done
    optimise=-O0 # compiles in a second, where -O2 takes ten
    [ "${SHMSUM_MODEL-}" != all ] || optimise=-O2
    cp "$model" "$folder/model.pml"
    found='' figures='- | - | -'
    # Spin writes into the current folder. -DNP and -l: search for cycles. -E: the process `judge` of the
    # model decides which states may be the last, not Spin.
    if ! (cd "$folder" && spin -a "$@" model.pml >log 2>&1 &&
        "$cc" "$optimise" -w -DNP -DMEMLIM=8000 -o pan pan.c >log 2>&1 &&
        ./pan -l -E -m100000 -w20 >log 2>&1) </dev/null || ! grep -q '^State-vector' "$folder/log"; then
        cat "$folder/log" >&2
        found='WRONG: it does not run'
        return
    fi
    figures=$(awk '/ states, stored/ { states = $1 } /depth reached/ { depth = $6 + 0 }
        /total actual memory/ { megabytes = $1 } END { print states " | " depth " | " megabytes }' "$folder/log")
    found=$(sed -n 's/^pan:1: assertion violated //p; s/^pan:1: non-progress cycle.*/a run without an end/p' "$folder/log" |
        sed 's/ (at depth.*//')
    [ -n "$found" ] || found=$(sed -n 's/^pan:1: //p; s/^error: /WRONG: /p' "$folder/log")
    if [ -n "$found" ]; then
        (cd "$folder" && spin -t -p -g "$@" model.pml >run 2>&1) || :
    elif grep -q 'Search not completed' "$folder/log"; then
        found='WRONG: search not completed'
    else
        found='nothing'
    fi
}
