/*
 * results.c - writes the results file, whole lines only. See results.h.
 *
 * Called by the consumer for every line, and by the parent after the child was killed.
 */
#include <shmsum/results.h>

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "os/retry.h"

int shmsum_results_init(struct shmsum_results *results, const struct shmsum_os *os, int fd,
                        enum shmsum_results_owner owner, const char *name, char *buffer,
                        size_t size, struct shmsum_failure *why)
{
    *results =
        (struct shmsum_results){.os = os, .fd = fd, .name = name, .buffer = buffer, .size = size};
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", name, -result);
    results->cuttable = owner != SHMSUM_RESULTS_SHARED && S_ISREG(status.st_mode);
    results->replaces = owner == SHMSUM_RESULTS_REPLACED && S_ISREG(status.st_mode);
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

/* Returns the size of the whole lines at the beginning of bytes[0..size). Adds their count to
 * *lines. */
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

/* A write failed after `done` bytes of the buffer. Counts the whole lines among them. Cuts off the
 * part of a line behind them, if the file still ends where the last write ended. */
static void keep_whole_lines(struct shmsum_results *results, size_t done)
{
    size_t whole = whole_lines(results->buffer, done, &results->lines);
    results->bytes += whole;
    if (!results->cuttable || done == whole)
        return;
    const struct shmsum_os *os = results->os;
    off_t at = os->lseek(os, results->fd, 0, SEEK_CUR);
    if (at < 0)
        return;
    /* Use lseek: libc may implement fstat with a system call that takes a path, which seccomp
     * forbids. */
    off_t end = os->lseek(os, results->fd, 0, SEEK_END);
    if (end == at) {
        int result;
        end = at - (off_t)(done - whole);
        RETRY(result, os->ftruncate(os, results->fd, end));
        if (result == 0)
            at = end;
    }
    /* The offset, which the parent shares, is where the results end. */
    os->lseek(os, results->fd, at, SEEK_SET);
}

int shmsum_results_replace(struct shmsum_results *results, struct shmsum_failure *why)
{
    if (results->error != 0)
        return shmsum_failure_set(why, results->call, results->name, -results->error);
    if (!results->replaces)
        return 0;
    int result;
    RETRY(result, results->os->ftruncate(results->os, results->fd, 0));
    if (result < 0) {
        results->error = result;
        results->call = "ftruncate";
        return shmsum_failure_set(why, results->call, results->name, -result);
    }
    results->replaces = false;
    return 0;
}

int shmsum_results_flush(struct shmsum_results *results, struct shmsum_failure *why)
{
    const struct shmsum_os *os = results->os;
    if (results->error != 0)
        return shmsum_failure_set(why, results->call, results->name, -results->error);
    if (results->used > 0) {
        int result = shmsum_results_replace(results, why);
        if (result < 0)
            return result;
    }
    const char *call = "write";
    size_t done = 0;
    while (done < results->used) {
        ssize_t wrote;
        RETRY(wrote, os->write(os, results->fd, results->buffer + done, results->used - done));
        if (wrote == -EAGAIN) { /* another process made the open file non-blocking */
            struct pollfd ready = {.fd = results->fd, .events = POLLOUT};
            int waited;
            RETRY(waited, os->ppoll(os, &ready, 1, NULL));
            if (waited >= 0)
                continue;
            wrote = waited; /* treat it as a failed write: without a wait this loop would spin */
            call = "ppoll";
        }
        if (wrote <= 0) {
            if (wrote == 0)
                wrote = -EIO; /* write accepts nothing and reports no error */
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

/* Reads the file from `at` up to `end`, or to its end if that comes first. Sets *whole to the end
 * of the last whole line, and *lines to the number of lines that end. Returns 0 or a negative
 * errno. */
static int find_lines(const struct shmsum_os *os, int reader, off_t at, off_t end, off_t *whole,
                      uint64_t *lines)
{
    *whole = at;
    *lines = 0;
    while (at < end) {
        char bytes[65536];
        size_t left = (size_t)(end - at);
        ssize_t size;
        RETRY(size, os->pread(os, reader, bytes, left < sizeof bytes ? left : sizeof bytes, at));
        if (size <= 0)
            return (int)size;
        size_t lines_end = whole_lines(bytes, (size_t)size, lines);
        if (lines_end > 0)
            *whole = at + (off_t)lines_end;
        at += size;
    }
    return 0;
}

/* Makes `end` the end of the file and the offset of fd. */
static int cut(const struct shmsum_os *os, int fd, const char *name, off_t end,
               struct shmsum_failure *why)
{
    int result;
    RETRY(result, os->ftruncate(os, fd, end));
    if (result < 0)
        return shmsum_failure_set(why, "ftruncate", name, -result);
    off_t at = os->lseek(os, fd, end, SEEK_SET);
    return at < 0 ? shmsum_failure_set(why, "lseek", name, (int)-at) : 0;
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
    off_t end = status.st_size, from = start, whole;
    bool partly = end > start && end - start > SHMSUM_RESULTS_TAIL;
    if (partly)
        from = end - SHMSUM_RESULTS_TAIL;
    result = find_lines(os, reader, from, end, &whole, lines);
    os->close(os, reader);
    if (result < 0)
        return shmsum_failure_set(why, "read", name, -result);
    if (partly && *lines == 0)
        return SHMSUM_RESULTS_ENDLESS;
    if (partly)
        *lines = SHMSUM_RESULTS_UNCOUNTED;
    return whole < end ? cut(os, fd, name, whole, why) : 0;
}
