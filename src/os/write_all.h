/* write_all.h - write(2) until all bytes are written. For every room above os. */
#ifndef SHMSUM_SRC_OS_WRITE_ALL_H
#define SHMSUM_SRC_OS_WRITE_ALL_H

#include <shmsum/os.h>

/*
 * Writes bytes[0..size) to fd. Repeats the call after EINTR and after a short write; when fd is
 * non-blocking and full, waits until fd is writable. Returns 0, or the negative errno of the call
 * that failed (write or ppoll); -EIO when write accepts nothing and reports no error. After a
 * failure part of the bytes may be written. Async-signal-safe, thread-safe.
 */
int os_write_all(const struct shmsum_os *os, int fd, const void *bytes, size_t size);

#endif
