# shellcheck shell=sh disable=SC2154
# common.sh - shared code of the scripts in sanitizers/, which source it after set -eu. $root is the folder
# of the project.

# shellcheck source=.ci/packages.sh
. "$root/.ci/packages.sh"

# all_tools: prints the names of all tools, one per line.
all_tools() {
    for file in "$root"/sanitizers/*.cmake; do
        name=${file##*/}
        [ "$name" = sanitizers.cmake ] || printf '%s\n' "${name%.cmake}"
    done
}

# expect_tool NAME: exits with 2 if there is no tool of this name.
expect_tool() {
    for name in $(all_tools); do
        [ "$1" != "$name" ] || return 0
    done
    # shellcheck disable=SC2046  # words
    say "$1: expected a tool:" $(all_tools)
    exit 2
}
