# shellcheck shell=sh disable=SC2034,SC2154
# seeded.sh - shared code of the scripts that put mistakes (seeded/*.patch) into a copy of the project, one
# at a time, and check that a tool finds them: fuzz/check-targets, sanitizers/check-seeded. Source it after
# packages.sh and set -eu. $root is the folder of the project.

# seeded_copy: makes the temporary folder $work, and in it $tree, a copy of the project.
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

# seeded_apply PATCH: applies the patch to the copy. Exits if the patch does not apply, because a
# half-patched copy is useless.
seeded_apply() {
    noise_of patch -d "$tree" -p1 --forward --no-backup-if-mismatch -i "$1" || {
        say "$1: does not apply; see above for the reason"
        exit 1
    }
}

seeded_undo() {
    noise_of patch -d "$tree" -p1 -R --no-backup-if-mismatch -i "$1"
}

# seeded_check LEAST FOLDER PATCH...: checks that there are at least LEAST patches, and that each applies to
# the present project and describes its mistake in its first line.
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
            echo "$patch: its first line does not describe the mistake" >&2
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
