/*
 * results.h - the results file: whole lines only.
 *
 * Lines are put together in a buffer that the caller owns and written in large pieces that end
 * where a line ends. Short writes, EINTR and a non-blocking descriptor are handled here. When a
 * write fails for good, a regular file is cut back to its last whole line, so that what stands in
 * it is a prefix of the right answer.
 *
 * One thread; not for signal handlers.
 */
#ifndef SHMSUM_RESULTS_H
#define SHMSUM_RESULTS_H

#include <shmsum/decls.h>
#include <shmsum/os.h>

SHMSUM_BEGIN_DECLS

struct shmsum_results {
    const struct shmsum_os *os;
    int fd;           /* not owned */
    const char *name; /* for messages; not owned */
    char *buffer;     /* not owned */
    size_t size;
    size_t used;
    uint64_t lines_in_buffer;
    bool regular;     /* a regular file: can be cut back */
    uint64_t lines;   /* whole lines that the system has taken */
    uint64_t bytes;   /* and their bytes */
    int error;        /* a write failed with this negative errno: nothing more is written */
    const char *call; /* the call that failed, once error is set */
};

/*
 * Takes over an open descriptor at its present position (its end, when it was opened to append).
 * buffer[0..size) is used until the last call on *results; size must hold the longest line twice.
 * Returns 0, or a negative errno with *why filled. There is nothing to clean up.
 */
int shmsum_results_init(struct shmsum_results *results, const struct shmsum_os *os, int fd,
                        const char *name, char *buffer, size_t size, struct shmsum_failure *why);

/* Room for the text of the next line, `size` bytes of it (size < buffer size / 2): first writes out
 * what is in the way. NULL when that failed, with *why filled. */
char *shmsum_results_reserve(struct shmsum_results *results, size_t size,
                             struct shmsum_failure *why);

/* The first `size` bytes of the reserved room are a line; its '\n' is added here. */
void shmsum_results_commit(struct shmsum_results *results, size_t size);

/*
 * Writes out all whole lines. Returns 0, or a negative errno with *why filled: -ENOSPC, -EDQUOT,
 * -EFBIG, -EIO, -EPIPE (SIGPIPE and SIGXFSZ must be ignored by the caller), -EBADF. After a failure
 * every further flush returns it again, and lines and bytes count the whole lines that made it.
 */
int shmsum_results_flush(struct shmsum_results *results, struct shmsum_failure *why);

/* Asks the system to put what was written on its medium. Regular files only. */
int shmsum_results_sync(struct shmsum_results *results, struct shmsum_failure *why);

/*
 * For the survivor of a writer that was killed: cuts the regular file behind fd (open for writing)
 * back to its last whole line, not below `start`, and sets *lines to the whole lines from start on.
 * Returns 0; -EINVAL for anything but a regular file; -errno with *why filled.
 */
int shmsum_results_salvage(const struct shmsum_os *os, int fd, const char *name, off_t start,
                           uint64_t *lines, struct shmsum_failure *why);

SHMSUM_END_DECLS

#endif
