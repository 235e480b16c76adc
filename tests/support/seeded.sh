# shellcheck shell=sh disable=SC2034
# seeded.sh - what the checks share that put mistakes into copies of src/ and demand that they are
# found. Sourced by sh scripts; the caller has set -eu and SHMSUM_SOURCE, the project. Makes $work, a
# folder that is removed at the end; skips (77) where there is no patch(1).

command -v patch >/dev/null || {
    echo 'patch is not here'
    exit 77
}
work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-seeded.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# seed [PATCH]: $work/src becomes a copy of src/, with the mistake. False, and says so, when the patch
# does not apply.
seed() {
    rm -rf "$work/src"
    cp -r "$SHMSUM_SOURCE/src" "$work/src"
    [ $# -eq 0 ] || patch -s -d "$work" -p1 --forward -i "$1" || {
        echo "${1##*/}: does not apply"
        return 1
    }
}
