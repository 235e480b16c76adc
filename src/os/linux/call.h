/* call.h - what every function of the real table begins and ends with. */
#ifndef SHMSUM_SRC_OS_LINUX_CALL_H
#define SHMSUM_SRC_OS_LINUX_CALL_H

#include <errno.h>

#include <shmsum/os.h>

/* The first parameter of each member. The real table has no state, so its functions ignore it. */
#define OS const struct shmsum_os *os __attribute__((unused))

/* What a call returned, with its errno in place of -1. */
static inline long or_error(long result)
{
    return result < 0 ? -errno : result;
}

#endif
