/* retry.h - a system call again, for as long as a signal interrupts it. For every room above os. */
#ifndef SHMSUM_SRC_OS_RETRY_H
#define SHMSUM_SRC_OS_RETRY_H

#include <errno.h>

/*
 * RETRY(fd, os->open(os, path, flags, 0));
 *
 * Makes the call and stores what it returns in `result`, until that is not -EINTR. Both arguments
 * are evaluated each time. Not for calls that must notice a signal (a wait for input) and not for
 * close, which Linux never repeats: see close(2).
 */
#define RETRY(result, call) \
    do                      \
        (result) = (call);  \
    while ((result) == -EINTR)

#endif
