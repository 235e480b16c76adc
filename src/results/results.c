/*
 * results.c - the results file: whole lines only. See results.h.
 *
 * Called by the consumer for every line, and by the parent when the child was killed.
 */
#include <shmsum/results.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "os/retry.h"

int shmsum_results_init(struct shmsum_results *results, const struct shmsum_os *os, int fd,
                        const char *name, char *buffer, size_t size, struct shmsum_failure *why)
{
    *results =
        (struct shmsum_results){.os = os, .fd = fd, .name = name, .buffer = buffer, .size = size};
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", name, -result);
    results->regular = S_ISREG(status.st_mode);
    return 0;
}

char *shmsum_results_reserve(struct shmsum_results *results, size_t size,
                             struct shmsum_failure *why)
{
    assert(size < results->size / 2);
    if (results->size - results->used <= size && shmsum_results_flush(results, why) < 0)
        return NULL;
    return results->buffer + results->used;
}

void shmsum_results_commit(struct shmsum_results *results, size_t size)
{
    assert(size < results->size - results->used);
    results->used += size;
    results->buffer[results->used++] = '\n';
    results->lines_in_buffer++;
}

/* The size of the whole lines at the beginning of bytes[0..size); adds their count to *lines. */
static size_t whole_lines(const char *bytes, size_t size, uint64_t *lines)
{
    size_t whole = 0;
    const char *newline;
    while ((newline = memchr(bytes + whole, '\n', size - whole)) != NULL) {
        whole = (size_t)(newline + 1 - bytes);
        (*lines)++;
    }
    return whole;
}

/* A write failed after `done` bytes of the buffer: count the whole lines among them, and take back
 * the part of a line behind them if the file still ends where we left it. */
static void keep_whole_lines(struct shmsum_results *results, size_t done)
{
    size_t whole = whole_lines(results->buffer, done, &results->lines);
    results->bytes += whole;
    if (!results->regular || done == whole)
        return;
    const struct shmsum_os *os = results->os;
    off_t at = os->lseek(os, results->fd, 0, SEEK_CUR);
    /* Not fstat: the sandbox of the child has no room for it, as libraries make a call with a path
     * of it. Nothing more is written, so it does not matter where this leaves us. */
    if (at >= 0 && os->lseek(os, results->fd, 0, SEEK_END) == at) {
        off_t cut = at - (off_t)(done - whole);
        int result;
        RETRY(result, os->ftruncate(os, results->fd, cut));
        os->lseek(os, results->fd, cut, SEEK_SET);
    }
}

int shmsum_results_flush(struct shmsum_results *results, struct shmsum_failure *why)
{
    const struct shmsum_os *os = results->os;
    if (results->error != 0)
        return shmsum_failure_set(why, results->call, results->name, -results->error);
    const char *call = "write";
    size_t done = 0;
    while (done < results->used) {
        ssize_t wrote;
        RETRY(wrote, os->write(os, results->fd, results->buffer + done, results->used - done));
        if (wrote == -EAGAIN) { /* somebody made it non-blocking; we wait all the same */
            struct pollfd ready = {.fd = results->fd, .events = POLLOUT};
            int waited;
            RETRY(waited, os->ppoll(os, &ready, 1, NULL));
            if (waited >= 0)
                continue;
            wrote = waited; /* as good as a write that fails: asking for ever would be no wait */
            call = "ppoll";
        }
        if (wrote <= 0) {
            if (wrote == 0)
                wrote = -EIO; /* a write of something that takes nothing and says nothing */
            keep_whole_lines(results, done);
            results->error = (int)wrote;
            results->call = call;
            return shmsum_failure_set(why, call, results->name, (int)-wrote);
        }
        done += (size_t)wrote;
    }
    results->lines += results->lines_in_buffer;
    results->bytes += results->used;
    results->lines_in_buffer = 0;
    results->used = 0;
    return 0;
}

int shmsum_results_sync(struct shmsum_results *results, struct shmsum_failure *why)
{
    const struct shmsum_os *os = results->os;
    int result;
    RETRY(result, os->fsync(os, results->fd));
    return result < 0 ? shmsum_failure_set(why, "fsync", results->name, -result) : 0;
}

int shmsum_results_salvage(const struct shmsum_os *os, int fd, const char *name, off_t start,
                           uint64_t *lines, struct shmsum_failure *why)
{
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", name, -result);
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    int reader;
    RETRY(reader, os->reopen(os, fd));
    if (reader < 0)
        return shmsum_failure_set(why, "open", name, -reader);

    *lines = 0;
    off_t whole = start;
    off_t at = start;
    for (;;) {
        char bytes[65536];
        ssize_t size;
        RETRY(size, os->pread(os, reader, bytes, sizeof bytes, at));
        if (size < 0)
            result = shmsum_failure_set(why, "read", name, (int)-size);
        if (size <= 0)
            break;
        size_t lines_end = whole_lines(bytes, (size_t)size, lines);
        if (lines_end > 0)
            whole = at + (off_t)lines_end;
        at += size;
    }
    os->close(os, reader);
    if (result == 0 && whole < at) {
        RETRY(result, os->ftruncate(os, fd, whole));
        if (result < 0)
            shmsum_failure_set(why, "ftruncate", name, -result);
    }
    return result;
}
