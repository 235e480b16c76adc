/* standard_fds.c - keeps descriptors 0, 1 and 2 for the standard streams. See standard_fds.h. */
#include "standard_fds.h"

#include <errno.h>
#include <fcntl.h>

int standard_fds_open(const struct shmsum_os *os, struct shmsum_failure *why)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat status;
        if (os->fstat(os, fd, &status) != -EBADF)
            continue;
        /* Open with the opposite access mode, so that use fails with EBADF. open returns the lowest
         * free descriptor: this one. */
        int opened = os->open(os, "/dev/null", fd == 0 ? O_WRONLY : O_RDONLY, 0);
        if (opened < 0)
            return shmsum_failure_set(why, "open", "/dev/null", -opened);
    }
    return 0;
}
