#!/bin/sh
# fuzz/build.sh - builds all fuzz targets by the rules of OSS-Fuzz, which ClusterFuzzLite and AFL++ share.
# Compiles with $CC and $CFLAGS, links with $LIB_FUZZING_ENGINE (by $CXX, if it is set), and writes to $OUT:
# each target with TARGET_seed_corpus.zip, TARGET.dict and TARGET.options. $WORK is for intermediate files.
# Without $LIB_FUZZING_ENGINE, replay.c runs the targets over files. Installs nothing. Exit status: 0; 1 a
# target could not be built; 3 something that the build needs is missing.
set -eu

self=$(readlink -f -- "$0")
fuzz=${self%/build.sh}
root=${fuzz%/fuzz}
: "${CC:=clang}" "${CFLAGS=-O1 -g}" "${CXX=}" "${CXXFLAGS=$CFLAGS}" "${LIB_FUZZING_ENGINE=}"
: "${OUT:=$root/build/fuzz-out}" "${WORK:=$root/build/fuzz-work}"
export CC CFLAGS CXX CXXFLAGS
mkdir -p "$OUT" "$WORK"
OUT=$(cd "$OUT" && pwd)
WORK=$(cd "$WORK" && pwd)

# shellcheck source=.ci/packages.sh
. "$root/.ci/packages.sh"
# shellcheck disable=SC2086  # several words
packages=$(missing $packages_to_build_by_oss_fuzz)
if [ -n "$packages" ]; then
    say "these Debian packages are missing:$packages"
    exit 3
fi
if ! command -v "${CC%% *}" >/dev/null; then
    say "$CC: there is no such compiler"
    exit 3
fi

# OSS-Fuzz runs the targets on machines without libgmp.so, so libgmp is linked statically. The compiler
# knows which of several architectures it builds for.
gmp=
if [ -n "$LIB_FUZZING_ENGINE" ]; then
    # shellcheck disable=SC2086  # several words
    gmp=$($CC $CFLAGS -print-file-name=libgmp.a)
    [ -f "$gmp" ] || gmp=
fi
# MemorySanitizer has to be informed of what GMP writes.
sanitize=
case $CFLAGS in
*-fsanitize=*memory*) sanitize=memory ;;
esac
engine=replay
# shellcheck disable=SC2086  # several words
[ -z "$LIB_FUZZING_ENGINE" ] || engine=$(printf '%s;' $LIB_FUZZING_ENGINE)

build=$WORK/shmsum
rm -rf "$build"
# The build type Debug adds no optimisation and no hardening to $CFLAGS, and keeps assertions.
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG= \
    -DSHMSUM_TESTS=OFF -DSHMSUM_FUZZ=ON -DSHMSUM_FUZZ_ENGINE="${engine%;}" \
    -DSHMSUM_FUZZ_LINKER="${CXX:+CXX}" -DSHMSUM_SANITIZE="$sanitize" ${gmp:+"-DGMP_LIBRARY=$gmp"}
ninja -C "$build" fuzz-targets

for source in "$fuzz"/fuzz_*.c; do
    target=${source##*/}
    target=${target%.c}
    name=${target#fuzz_}
    cp "$build/fuzz/$target" "$OUT/"
    archive=$OUT/${target}_seed_corpus.zip
    rm -f "$archive"
    for kind in corpus regressions; do
        [ ! -d "$fuzz/$kind/$name" ] || (cd "$fuzz/$kind/$name" && zip -q -X -r "$archive" .)
    done
    if [ -f "$fuzz/dictionaries/$name.dict" ]; then
        cp "$fuzz/dictionaries/$name.dict" "$OUT/$target.dict"
    fi
    if [ -f "$fuzz/options/$name.options" ]; then
        cp "$fuzz/options/$name.options" "$OUT/$target.options"
    fi
done
