# shellcheck shell=sh disable=SC2034
# common.sh - shared code of the package tests, which source it after set -eu.

work=$(mktemp -d "${TMPDIR:-/tmp}/shmsum-package.XXXXXX")
work=$(cd "$work" && pwd -P)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset DESTDIR
export LC_ALL=C HOME="$work" # no user's settings

failed=0
problem() {
    failed=1
    echo "${0##*/}: $*" >&2
}

# need_tools TOOL...: skips the test where one is missing.
need_tools() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || {
            echo "skipped: no $tool"
            exit 77
        }
    done
}

# make_packages TREE: copies the project into the new folder TREE and makes its packages in
# TREE/build/packages, with the documented command.
make_packages() {
    mkdir "$1"
    for part in CMakeLists.txt CMakePresets.json CHANGELOG.md LICENSE README.md docs \
        examples include packaging sanitizers src; do
        cp -R "$SHMSUM_SOURCE/$part" "$1/"
    done
    (cd "$1" && cmake --workflow --preset package) >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        exit 1
    }
}

# packages_made FOLDER: skips the test unless the test package.make has made the packages.
packages_made() {
    if [ ! -d "$1" ]; then
        echo "skipped: no packages (the test package.make makes them)"
        exit 77
    fi
}
