# shellcheck shell=sh disable=SC2034
# seeded.sh - what the scripts share that put mistakes into a copy, one at a time, to see whether a
# model finds them. Sourced by check-seeded of each model, which has set -eu. A mistake is a patch whose
# first line says what it is. Leaves $work, a folder that is gone afterwards. Exits with 77 when
# there is no patch(1).

command -v patch >/dev/null || {
    echo 'patch is not here'
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# put MISTAKE FROM...: copies FROM... into the empty folder $work/tree, and the mistake into them. Says so
# when it does not apply, or does not say what it is.
put() {
    mistake=$1
    shift
    case $(head -n 1 "$mistake") in
    '' | '---'* | 'diff '*)
        echo "$mistake: its first line does not say what the mistake is"
        return 1
        ;;
    esac
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cp -r "$@" "$work/tree"
    patch -s -d "$work/tree" -p1 --forward -i "$mistake" || {
        echo "$mistake: does not apply"
        return 1
    }
}
