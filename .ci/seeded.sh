# shellcheck shell=sh disable=SC2034,SC2154
# seeded.sh - what the scripts share that put mistakes into the project on purpose, one at a time
# (seeded/*.patch), and demand that somebody notices: fuzz/check-targets, sanitizers/check-seeded.
# Sourced, behind packages.sh; the caller has set -eu and $root, the folder of the project.

# seeded_copy: sets $work, a folder that goes when the caller ends, and $tree, a copy of what is
# built and tested, in it.
seeded_copy() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-seeded.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    tree=$work/tree
    mkdir "$tree"
    (cd "$root" && tar -cf - CMakeLists.txt CMakePresets.json include packaging sanitizers src tests fuzz examples) |
        tar -C "$tree" -xf -
}

# seeded_apply PATCH: puts it into the copy; ends it all when it does not fit, for a copy that is
# half patched is good for nothing.
seeded_apply() {
    noise_of patch -d "$tree" -p1 --forward --no-backup-if-mismatch -i "$1" || {
        say "$1: does not apply; the reason stands above"
        exit 1
    }
}

seeded_undo() {
    noise_of patch -d "$tree" -p1 -R --no-backup-if-mismatch -i "$1"
}

# seeded_check LEAST FOLDER PATCH...: whether there are so many patches, each of which applies to the
# project as it is and says in its first line what the mistake is.
seeded_check() {
    least=$1 folder=$2
    shift 2
    count=0
    good=0
    for patch in "$@"; do
        [ -f "$patch" ] || break
        count=$((count + 1))
        seeded_said=$(patch -d "$root" -p1 --forward --dry-run -i "$patch" 2>&1) || {
            printf '%s\n%s: does not apply\n' "$seeded_said" "$patch" >&2
            good=1
        }
        case $(head -n 1 "$patch") in
        '' | '---'* | 'diff '*)
            echo "$patch: its first line does not say what the mistake is" >&2
            good=1
            ;;
        esac
    done
    echo "$folder: $count mistakes"
    [ "$count" -ge "$least" ] || {
        echo "$folder: expected at least $least mistakes" >&2
        good=1
    }
    return "$good"
}
