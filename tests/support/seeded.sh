# shellcheck shell=sh disable=SC2034
# seeded.sh - shared code of the scripts that put mistakes into a copy of the sources, one at a time, to
# show that a check finds them. Each check-seeded sources this file after set -eu. A mistake is a patch; its
# first line describes the mistake. Makes the temporary folder $work. Exits with 77 if patch(1) is missing.

command -v patch >/dev/null || {
    echo 'patch is not installed'
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-seeded.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# copy FROM...: copies files and folders into the empty folder $work/tree.
copy() {
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cp -r "$@" "$work/tree"
}

# put MISTAKE FROM...: makes a copy and applies the mistake to it. Reports a patch that does not apply or
# that does not describe its mistake.
put() {
    mistake=$1
    shift
    case $(head -n 1 "$mistake") in
    '' | '---'* | 'diff '*)
        echo "$mistake: its first line does not describe the mistake"
        return 1
        ;;
    esac
    copy "$@"
    patch -s -d "$work/tree" -p1 --forward -i "$mistake" || {
        echo "$mistake: does not apply"
        return 1
    }
}
