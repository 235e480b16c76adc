/*
 * results.h - writes the results file, whole lines only.
 *
 * Lines are collected in a buffer that the caller owns, and written in large pieces. Each piece
 * ends where a line ends. Short writes, EINTR and a non-blocking descriptor are handled here. When
 * a write fails for good, a regular file of the caller's own is cut back to its last whole line:
 * its content is then a prefix of the right answer.
 *
 * One thread; not for signal handlers.
 */
#ifndef SHMSUM_RESULTS_H
#define SHMSUM_RESULTS_H

#include <shmsum/decls.h>
#include <shmsum/os.h>

SHMSUM_BEGIN_DECLS

/* Whose the file is. */
enum shmsum_results_owner {
    SHMSUM_RESULTS_SHARED, /* others may write to it too, as to standard output: it is never cut */
    SHMSUM_RESULTS_OWN,    /* a file that this run writes: it may be cut */
    /* The same, with contents of an earlier run: they are removed when the first line is written,
     * or by shmsum_results_replace. */
    SHMSUM_RESULTS_REPLACED,
};

struct shmsum_results {
    const struct shmsum_os *os;
    int fd;           /* not owned */
    const char *name; /* for messages; not owned */
    char *buffer;     /* not owned */
    size_t size;
    size_t used;
    uint64_t lines_in_buffer;
    bool cuttable;    /* a regular file of the run's own */
    bool replaces;    /* its earlier contents are still to be removed */
    uint64_t lines;   /* whole lines that write(2) accepted */
    uint64_t bytes;   /* and their bytes */
    int error;        /* negative errno of a failed write, after which nothing is written */
    const char *call; /* the call that failed, once error is set */
};

/*
 * Begins to write to an open descriptor, at its present offset (at its end, if it was opened to
 * append). The descriptor stays the caller's. buffer[0..size) is in use until the last call on
 * *results; it must have room for the longest line twice. Returns 0, or a negative errno with *why
 * filled. There is nothing to clean up.
 */
int shmsum_results_init(struct shmsum_results *results, const struct shmsum_os *os, int fd,
                        enum shmsum_results_owner owner, const char *name, char *buffer,
                        size_t size, struct shmsum_failure *why);

/* Returns room for the text of the next line, `size` bytes (size < buffer size / 2). Flushes first
 * when the buffer is too full; if that fails, returns NULL with *why filled. */
char *shmsum_results_reserve(struct shmsum_results *results, size_t size,
                             struct shmsum_failure *why);

/* Makes the first `size` bytes of the reserved room a line, and adds its '\n'. */
void shmsum_results_commit(struct shmsum_results *results, size_t size);

/*
 * Writes all lines of the buffer; before the first one, removes the contents that are replaced.
 * Returns 0, or a negative errno with *why filled: -ENOSPC,
 * -EDQUOT, -EFBIG, -EIO, -EPIPE (the caller must ignore SIGPIPE and SIGXFSZ), -EBADF. After a
 * failure every further flush returns the same error, and `lines` and `bytes` count the whole lines
 * in the file.
 */
int shmsum_results_flush(struct shmsum_results *results, struct shmsum_failure *why);

/* The end of a run that may have no results: removes earlier contents that are still there. Returns
 * 0, or a negative errno of ftruncate(2) with *why filled; it remains, as that of a flush. */
int shmsum_results_replace(struct shmsum_results *results, struct shmsum_failure *why);

/* Flushes the file to its medium with fsync(2). Regular files only. Returns 0, or a negative errno
 * with *why filled. */
int shmsum_results_sync(struct shmsum_results *results, struct shmsum_failure *why);

/* shmsum_results_salvage reads at most this many bytes, the last ones of the file. So it takes
 * little time even if a faulty writer has made the file very large. Every line of results is much
 * shorter.
 */
enum { SHMSUM_RESULTS_TAIL = 1 << 20 };
#define SHMSUM_RESULTS_UNCOUNTED UINT64_MAX
enum { SHMSUM_RESULTS_ENDLESS = 1 };

/*
 * Repairs a file whose writer was killed: cuts the regular file behind fd (open for writing) back
 * to its last whole line, not below `start`. The offset of fd is then at the new end. Sets *lines
 * to the number of whole lines from `start` on; or, if that is more than SHMSUM_RESULTS_TAIL before
 * the end, to SHMSUM_RESULTS_UNCOUNTED. Returns 0; SHMSUM_RESULTS_ENDLESS, with nothing cut, if no
 * line ends in the bytes that were read; -EINVAL for anything but a regular file; or a negative
 * errno with *why filled.
 */
int shmsum_results_salvage(const struct shmsum_os *os, int fd, const char *name, off_t start,
                           uint64_t *lines, struct shmsum_failure *why);

SHMSUM_END_DECLS

#endif
