/* standard_fds.c - descriptors 0, 1 and 2 are never anything else. See standard_fds.h. */
#include "standard_fds.h"

#include <errno.h>
#include <fcntl.h>

int standard_fds_open(const struct shmsum_os *os, struct shmsum_failure *why)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct stat status;
        if (os->fstat(os, fd, &status) != -EBADF)
            continue;
        /* The wrong way round: reading and writing fail with EBADF, as they should. The lowest free
         * number is this one. */
        int opened = os->open(os, "/dev/null", fd == 0 ? O_WRONLY : O_RDONLY, 0);
        if (opened < 0)
            return shmsum_failure_set(why, "open", "/dev/null", -opened);
    }
    return 0;
}
