# shellcheck shell=sh disable=SC2034,SC2154
# packages.sh - what ./run and ./test share: the packages that they need, and a folder built from a
# CMake preset. Sourced; the caller has set -eu and $root, the folder of the project.

# Debian packages, each with how to see that it is there: a program on PATH, or lib: for a library,
# which dpkg is asked for (where there is no dpkg, CMake will tell).
packages_to_build='gcc:gcc cmake:cmake ninja-build:ninja libc6-dev:lib libseccomp-dev:lib'
packages_to_test='libcmocka-dev:lib libgmp-dev:lib bc:bc util-linux:unshare binutils:readelf valgrind:valgrind zip:zip unzip:unzip patch:patch mandoc:mandoc zsh:zsh fish:fish jq:jq pkg-config:pkg-config'
# Without them the tests with the label model are skipped.
packages_for_model='g++:g++ relacy-dev:lib spin:spin'
# The same for the label cross.
packages_for_cross='gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross:lib gcc-arm-linux-gnueabihf:arm-linux-gnueabihf-gcc libc6-dev-armhf-cross:lib gcc-i686-linux-gnu:i686-linux-gnu-gcc libc6-dev-i386-cross:lib gcc-s390x-linux-gnu:s390x-linux-gnu-gcc libc6-dev-s390x-cross:lib qemu-user:qemu-aarch64'
# And for the label package.
packages_to_package='dpkg-dev:dpkg-shlibdeps file:file lintian:lintian xz-utils:xz'
packages_for_clang='clang:clang libclang-rt-14-dev:lib'
# For every preset of sanitizers/.
packages_to_sanitize="$packages_to_build $packages_to_test $packages_for_clang llvm:llvm-symbolizer libc6-dbg:lib"
packages_to_bench='g++:g++ libfast-float-dev:lib mawk:mawk gawk:gawk perl:perl python3:python3 num-utils:numsum bc:bc coreutils:wc gnuplot-nox:gnuplot'

say() {
    printf 'shmsum: %s\n' "$*" >&2
}

# What takes a while is told to people, not to logs.
say_to_people() {
    [ ! -t 2 ] || say "$@"
}

is_there() {
    case $2 in
    lib) # shellcheck disable=SC2016  # dpkg-query's own format
        ! command -v dpkg-query >/dev/null ||
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
        ;;
    *) command -v "$2" >/dev/null ;;
    esac
}

# missing PACKAGE:HOW...: those that are not there, a space before each.
missing() {
    for pair in "$@"; do
        is_there "${pair%%:*}" "${pair#*:}" || printf ' %s' "${pair%%:*}"
    done
}

# noise_of COMMAND...: runs it without input; what it says is shown only when it fails.
noise_of() {
    noise=$("$@" 2>&1 </dev/null) && return
    printf '%s\n' "$noise" >&2
    return 1
}

# need PACKAGE:HOW...: installs what is missing, or says how, and then exits with 3.
need() {
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    install="apt-get install -y$packages"
    if ! command -v apt-get >/dev/null; then
        say "these Debian packages are missing, and there is no apt-get to install them:$packages"
        exit 3
    fi
    as_root='env DEBIAN_FRONTEND=noninteractive'
    if [ "$(id -u)" -ne 0 ]; then
        as_root="sudo -n $as_root"
        if ! sudo -n true 2>/dev/null; then
            say "some packages are missing; as root, run: $install"
            exit 3
        fi
    fi
    say_to_people "installing$packages ..."
    # A machine that was just started may be busy with its own updates: wait for them.
    patience='-o DPkg::Lock::Timeout=300'
    # shellcheck disable=SC2086  # several words
    if ! noise_of $as_root apt-get $patience update ||
        ! noise_of $as_root $install $patience --no-install-recommends; then
        say "could not install$packages; as root, run: $install"
        exit 3
    fi
}

could_not_build() {
    say "could not build; the reason stands above"
    exit 3
}

# Whether the folder of a preset was configured, and here: not in a place that it was moved from.
is_configured() {
    [ -f "$1/build.ninja" ] && [ -f "$1/CMakeCache.txt" ] &&
        grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$1/CMakeCache.txt"
}

# build PRESET PACKAGES TARGET...: brings build/PRESET up to date; exits with 3 when it cannot.
# One at a time: who comes second waits for the lock and then finds nothing to do. Nothing that is
# run in between inherits the lock (9>&-): it might outlive us, as the servers of some tools do.
build() {
    preset=$1 packages=$2
    shift 2
    folder=$root/build/$preset
    if ! mkdir -p "$root/build" 2>/dev/null || ! { true >>"$folder.lock"; } 2>/dev/null; then
        [ ! -x "$folder/shmsum" ] || return 0 # somebody else's, already built
        say "cannot write to $root/build"
        exit 3
    fi
    exec 9>"$folder.lock"
    flock 9
    if is_configured "$folder"; then
        noise=$(ninja -C "$folder" "$@" 2>&1 </dev/null 9>&-) && exec 9>&- && return
        case $noise in
        *:[0-9]*:[0-9]*': error: '*) # in a source, and not the folder's fault
            printf '%s\n' "$noise" >&2
            could_not_build
            ;;
        esac
    fi
    # shellcheck disable=SC2086  # several words
    need $packages 9>&-
    say_to_people "building in build/$preset ..."
    rm -rf "$folder" # and with it whatever was wrong with it
    if ! noise_of cmake --preset "$preset" -S "$root" 9>&- ||
        ! noise_of ninja -C "$folder" "$@" 9>&-; then
        could_not_build
    fi
    exec 9>&-
}
