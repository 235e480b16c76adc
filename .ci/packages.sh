# shellcheck shell=sh disable=SC2034,SC2154
# packages.sh - shared code of ./run, ./test and other scripts: installs packages, and builds a CMake
# preset. Source it after set -eu. $root is the folder of the project.

# Lists of Debian packages. After the colon is how to check that a package is installed: a program on PATH;
# or lib for a library, for which dpkg is asked. (Without dpkg, CMake reports a missing library.)
packages_to_build='gcc:gcc cmake:cmake ninja-build:ninja libc6-dev:lib libseccomp-dev:lib'
packages_to_test='libcmocka-dev:lib libgmp-dev:lib bc:bc util-linux:unshare binutils:readelf valgrind:valgrind zip:zip unzip:unzip patch:patch mandoc:mandoc zsh:zsh fish:fish jq:jq pkg-config:pkg-config'
# Without these packages the tests with the label model are skipped.
packages_for_model='g++:g++ relacy-dev:lib spin:spin'
# Without these packages the tests with the label cross are skipped. ./test -L cross installs them.
packages_for_cross='gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross:lib gcc-arm-linux-gnueabihf:arm-linux-gnueabihf-gcc libc6-dev-armhf-cross:lib gcc-i686-linux-gnu:i686-linux-gnu-gcc libc6-dev-i386-cross:lib gcc-s390x-linux-gnu:s390x-linux-gnu-gcc libc6-dev-s390x-cross:lib qemu-user:qemu-aarch64'
# Without these packages the tests with the label package are skipped.
packages_to_package='dpkg-dev:dpkg-shlibdeps file:file lintian:lintian xz-utils:xz'
packages_for_clang='clang:clang libclang-rt-dev:lib'
# For all presets of sanitizers/.
packages_to_sanitize="$packages_to_build $packages_to_test $packages_for_clang llvm:llvm-symbolizer libc6-dbg:lib"
# For fuzz/run, fuzz/check-targets and fuzz/coverage.
packages_to_fuzz="$packages_to_build $packages_for_clang libgmp-dev:lib llvm:llvm-symbolizer patch:patch"
packages_to_lint='clang-format:clang-format clang-tidy:clang-tidy cppcheck:cppcheck shellcheck:shellcheck nodejs:node'
# For fuzz/build.sh, which takes the compiler from its caller.
packages_to_build_by_oss_fuzz='cmake:cmake ninja-build:ninja libgmp-dev:lib zip:zip'
packages_to_bench='g++:g++ libfast-float-dev:lib mawk:mawk gawk:gawk perl:perl python3:python3 num-utils:numsum bc:bc coreutils:wc gnuplot-nox:gnuplot'

say() {
    printf 'shmsum: %s\n' "$*" >&2
}

# Prints a message about a slow step, but only on a terminal, not into logs.
say_to_people() {
    [ ! -t 2 ] || say "$@"
}

is_there() {
    case $2 in
    lib) # shellcheck disable=SC2016  # dpkg-query's own format
        # (one line per architecture)
        ! command -v dpkg-query >/dev/null ||
            dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
        ;;
    *) command -v "$2" >/dev/null ;;
    esac
}

# missing PACKAGE:HOW...: prints the packages that are not installed, each after a space.
missing() {
    for pair in "$@"; do
        is_there "${pair%%:*}" "${pair#*:}" || printf ' %s' "${pair%%:*}"
    done
}

# noise_of COMMAND...: runs the command without input, and shows its output only if it fails.
noise_of() {
    noise=$("$@" 2>&1 </dev/null) && return
    printf '%s\n' "$noise" >&2
    return 1
}

# need PACKAGE:HOW...: installs missing packages; if it cannot, prints how to install them and exits with 3.
need() {
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    install="apt-get install -y$packages"
    if ! command -v apt-get >/dev/null; then
        say "these Debian packages are missing, and there is no apt-get to install them:$packages"
        exit 3
    fi
    if [ "$(id -u)" -ne 0 ]; then
        say "some packages are missing; as root, run:"
        printf '%s\n' 'apt-get update' "$install" >&2
        exit 3
    fi
    say_to_people "installing$packages ..."
    # After its start a machine may run its own updates: wait until they release the lock.
    patience='-o DPkg::Lock::Timeout=300'
    # shellcheck disable=SC2086  # several words
    if ! noise_of apt-get $patience update ||
        ! noise_of env DEBIAN_FRONTEND=noninteractive $install $patience --no-install-recommends; then
        say "could not install$packages; see above for the reason"
        exit 3
    fi
}

could_not_build() {
    say "could not build; see above for the reason"
    exit 3
}

# is_configured FOLDER: whether the build folder was configured for this project, and has not been moved
# since.
is_configured() {
    [ -f "$1/build.ninja" ] && [ -f "$1/CMakeCache.txt" ] &&
        grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt"
}

# lock FOLDER: waits until no other build uses FOLDER, 10 minutes at most. Nobody else can open the lock file, so
# another user cannot hold the lock. The lock is descriptor 9.
lock() {
    if ! mkdir -p "${1%/*}" 2>/dev/null || ! (umask 077 && true >>"$1.lock") 2>/dev/null; then
        [ ! -x "$1/shmsum" ] || return 1 # another user's project with a complete build
        say "cannot write to $1.lock; who owns ${1%/*}?"
        exit 3
    fi
    chmod go= "$1.lock"
    exec 9>"$1.lock"
    flock -n 9 && return
    say_to_people "waiting for another build in $1 ..."
    flock -w "${SHMSUM_LOCK_SECONDS:-600}" 9 && return
    say "another build in $1 does not end; see 'fuser $1.lock'"
    exit 3
}

# build PRESET PACKAGES TARGET...: brings build/PRESET up to date; exits with 3 if it cannot. A lock allows
# one build at a time: a second one waits and then finds nothing to do. The commands do not inherit the lock
# (9>&-), because some tools start servers that live on after the build.
build() {
    preset=$1 packages=$2
    shift 2
    folder=$root/build/$preset
    lock "$folder" || return 0
    if is_configured "$folder"; then
        noise=$(ninja -C "$folder" "$@" 2>&1 </dev/null 9>&-) && exec 9>&- && return
        case $noise in
        *:[0-9]*:[0-9]*': error: '*) # an error in a source: a new build folder would not help
            printf '%s\n' "$noise" >&2
            could_not_build
            ;;
        esac
    fi
    # shellcheck disable=SC2086  # several words
    need $packages 9>&-
    say_to_people "building in build/$preset ..."
    rm -rf "$folder" # begin with an empty build folder
    if ! noise_of cmake --preset "$preset" -S "$root" 9>&- ||
        ! noise_of ninja -C "$folder" "$@" 9>&-; then
        could_not_build
    fi
    exec 9>&-
}
