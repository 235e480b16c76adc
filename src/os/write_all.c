/* write_all.c - write(2) until all bytes are written. See write_all.h. */
#include "write_all.h"

#include "retry.h"

int os_write_all(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    const char *from = bytes;
    while (size > 0) {
        ssize_t wrote;
        RETRY(wrote, os->write(os, fd, from, size));
        if (wrote == -EAGAIN) {
            /* Another process made the open file non-blocking. */
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            int waited;
            RETRY(waited, os->ppoll(os, &ready, 1, NULL));
            if (waited < 0)
                return waited; /* without a wait this loop would spin */
            continue;
        }
        if (wrote <= 0)
            return wrote < 0 ? (int)wrote : -EIO;
        from += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}
