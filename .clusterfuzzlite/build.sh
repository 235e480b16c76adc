#!/bin/sh
# build.sh - what ClusterFuzzLite runs in the image of the Dockerfile beside it.
set -eu
exec "$SRC/shmsum/fuzz/build.sh"
