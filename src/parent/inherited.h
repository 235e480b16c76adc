/* inherited.h - the descriptors that the caller of shmsum left open. */
#ifndef SHMSUM_SRC_PARENT_INHERITED_H
#define SHMSUM_SRC_PARENT_INHERITED_H

#include "options.h"

/* Closes every descriptor above 2, but those that an argument names: /dev/fd/N, /proc/self/fd/N.
 * Before this process opens anything. Returns 0, or the negative errno of close_range; then some
 * may be open still. */
int inherited_close(const struct shmsum_os *os, const struct options *options);

#endif
