/* standard_fds.h - descriptors 0, 1 and 2 are never anything else. */
#ifndef SHMSUM_SRC_STANDARD_FDS_H
#define SHMSUM_SRC_STANDARD_FDS_H

#include <shmsum/os.h>

/* Puts something that cannot be read or written in place of each standard descriptor that we were
 * started without, so that no file that is opened later takes its number and a message's bytes. For
 * both mains, first of all. 0, or a negative errno with *why filled. */
int standard_fds_open(const struct shmsum_os *os, struct shmsum_failure *why);

#endif
