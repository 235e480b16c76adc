/* standard_fds.h - keeps descriptors 0, 1 and 2 for the standard streams. */
#ifndef SHMSUM_SRC_OS_STANDARD_FDS_H
#define SHMSUM_SRC_OS_STANDARD_FDS_H

#include <shmsum/os.h>

/* Opens /dev/null on each standard descriptor that is closed, so that reading standard input or
 * writing standard output and error fails as before. Otherwise a file that the program opens later
 * would get that number, and messages would be written into it. Both mains call this first. Returns
 * 0, or a negative errno with *why filled. Not thread-safe. */
int standard_fds_open(const struct shmsum_os *os, struct shmsum_failure *why);

#endif
