#!/bin/sh
# fuzz/build.sh - builds all fuzz targets by the rules of OSS-Fuzz (and so of ClusterFuzzLite and
# AFL++): with $CC and $CFLAGS, linked to $LIB_FUZZING_ENGINE ($CXX links, if it is given), into
# $OUT, with TARGET_seed_corpus.zip, TARGET.dict and TARGET.options beside each. $WORK is for what
# is built on the way. Without $LIB_FUZZING_ENGINE the targets are run over files by replay.c.
# Installs nothing. Exit status: 0; 1 something could not be built.
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

# The runner of OSS-Fuzz has no libgmp.so.
gmp=
case $LIB_FUZZING_ENGINE in
?*)
    for library in /usr/lib/*/libgmp.a /usr/lib/libgmp.a; do
        [ ! -f "$library" ] || gmp=$library
    done
    ;;
esac
engine=replay
# shellcheck disable=SC2086  # several words
[ -z "$LIB_FUZZING_ENGINE" ] || engine=$(printf '%s;' $LIB_FUZZING_ENGINE)

build=$WORK/shmsum
rm -rf "$build"
# Debug: no optimisation and no hardening but those of $CFLAGS; assertions.
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG= \
    -DSHMSUM_TESTS=OFF -DSHMSUM_FUZZ=ON -DSHMSUM_FUZZ_ENGINE="${engine%;}" \
    -DSHMSUM_FUZZ_LINKER="${CXX:+CXX}" ${gmp:+"-DGMP_LIBRARY=$gmp"}
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
