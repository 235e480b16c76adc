# shellcheck shell=sh disable=SC2034
# spin.sh - running Spin once. Sourced by check-scenario and check-seeded, which have set -eu.

# verify CC MODEL FOLDER DEFINITION...: all states of MODEL in this configuration, and whether they have a
# cycle (a run that never ends). FOLDER is empty, ours, and holds afterwards, in "run", what led to what was
# found. Sets $found, "nothing" when there was none, and $figures: "states | depth | MB". Whatever keeps the
# search from being complete is told as found.
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
    # Spin writes where it stands. -DNP and -l: cycles; -E: the model's own judge knows better which
    # states may be the last.
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
