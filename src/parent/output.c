/* output.c - the file of the results, as the parent holds it. See output.h. Called by main,
 * verdict, inputs and onlookers. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <shmsum/results.h>

#include "messages/message.h"
#include "os/retry.h"

enum { STANDARD_OUTPUT = 1 };

/* Whether the first `size` bytes of the file (size > 0) end with a line: 1 or 0, or a negative
 * errno with *why filled. 1 when the file is shorter than that: compare has checked the size. */
static int line_ends_at(const struct output *output, off_t size, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    int reader;
    RETRY(reader, os->reopen(os, output->fd));
    if (reader < 0)
        return shmsum_failure_set(why, "open", output->name, -reader);
    char last;
    ssize_t got;
    RETRY(got, os->pread(os, reader, &last, 1, size - 1));
    os->close(os, reader);
    if (got < 0)
        return shmsum_failure_set(why, "read", output->name, (int)-got);
    return got == 0 || last == '\n';
}

/* Refuses to append behind an unfinished line: the first result would become part of that line. */
static int check_last_line(const struct output *output, off_t size, struct shmsum_failure *why)
{
    int result = line_ends_at(output, size, why);
    return result == 0 ? shmsum_failure_set(why, "append", output->name, REFUSED_UNFINISHED)
                       : (result < 0 ? result : 0);
}

/* Notes the offset of the first result, before the child can write: 0 if the file will be emptied,
 * its end with --append, the offset that the shell chose for standard output. */
static int find_start(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    off_t start = 0;
    if (output->append)
        start = os->lseek(os, output->fd, 0, SEEK_END);
    else if (output->standard) /* the shell chose the offset */
        start = os->lseek(os, output->fd, 0, SEEK_CUR);
    if (start < 0)
        return shmsum_failure_set(why, "lseek", output->name, (int)-start);
    output->start = start;
    return 0;
}

static int open_path(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | (output->append ? O_APPEND : 0);
    RETRY(output->fd, os->open(os, output->path, flags, 0666));
    if (output->fd < 0)
        return shmsum_failure_set(why, "open", output->path, -output->fd);
    return 0;
}

/* Checks the open file, notes what it is, and locks it. */
static int examine(struct output *output, bool sync, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    struct stat status;
    int result = os->fstat(os, output->fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", output->name, -result);
    output->regular = S_ISREG(status.st_mode);
    output->device = status.st_dev;
    output->inode = status.st_ino;
    output->names = status.st_nlink;
    if (sync && !output->regular)
        return shmsum_failure_set(why, "fsync", output->name, REFUSED_NOT_REGULAR);
    if (!output->regular)
        return 0;
    if (output->standard) { /* with >> the shell opened it to append, as --append does */
        result = os->fcntl_append(os, output->fd);
        if (result < 0)
            return shmsum_failure_set(why, "fcntl", output->name, -result);
        output->append = result == 1;
    } else {
        RETRY(result, os->flock(os, output->fd, false));
        if (result == -EWOULDBLOCK)
            return shmsum_failure_set(why, "flock", output->name, EWOULDBLOCK);
        /* Any other failure: a file system without locks. Go on without a lock. */
    }
    result = find_start(output, why); /* under the lock: no other instance appends now */
    if (result == 0 && output->append && output->start > 0 && !output->standard)
        result = check_last_line(output, output->start, why);
    return result;
}

int output_open(struct output *output, const struct shmsum_os *os, const char *path, bool append,
                bool sync, struct shmsum_failure *why)
{
    *output = (struct output){
        .os = os,
        .path = path,
        .name = path,
        .fd = STANDARD_OUTPUT,
        .append = append,
        .standard = strcmp(path, "-") == 0,
    };
    int result = 0;
    if (output->standard)
        output->name = "standard output";
    else
        result = open_path(output, why);
    if (result == 0)
        result = examine(output, sync, why);
    if (result < 0)
        output_close(output, NULL);
    return result;
}

bool output_is(const struct output *output, const struct stat *status)
{
    return output->regular && S_ISREG(status->st_mode) && status->st_dev == output->device &&
           status->st_ino == output->inode;
}

int output_check_names(const struct output *output, struct shmsum_failure *why)
{
    if (output->standard || !output->regular || output->names <= 1)
        return 0;
    return shmsum_failure_set(why, "open", output->name, REFUSED_HARD_LINK);
}

int output_begin(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    if (output->regular && !output->standard && !output->append) {
        int result;
        RETRY(result, os->ftruncate(os, output->fd, 0));
        if (result < 0)
            return shmsum_failure_set(why, "ftruncate", output->name, -result);
        off_t start = os->lseek(os, output->fd, 0, SEEK_SET);
        if (start < 0)
            return shmsum_failure_set(why, "lseek", output->name, (int)-start);
    }
    output->begun = true;
    return 0;
}

/* Compares the regular file with the bytes that the child claims: the size, and that the last
 * result ends a line. Returns 0; -REFUSED_NOT_AS_CLAIMED when they differ; or a negative errno. */
static int compare(const struct output *output, uint64_t bytes, struct shmsum_failure *why)
{
    struct stat status;
    int result = output->os->fstat(output->os, output->fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", output->name, -result);
    bool fits = status.st_size >= output->start;
    uint64_t there = fits ? (uint64_t)(status.st_size - output->start) : 0;
    /* Other processes may write to standard output too, behind our results. */
    fits = fits && (output->standard ? there >= bytes : there == bytes);
    /* A file that cannot be read (its mode may forbid it) is judged by its size alone. */
    if (fits && bytes > 0 && line_ends_at(output, output->start + (off_t)bytes, NULL) == 0)
        fits = false;
    return fits ? 0 : shmsum_failure_set(why, "results", output->name, REFUSED_NOT_AS_CLAIMED);
}

void output_settle(const struct output *output, const struct output_claim *claim,
                   struct output_settled *settled)
{
    *settled = (struct output_settled){.lines = claim->lines};
    /* Before output_begin the file holds the results of an earlier run: do not touch them. A pipe
     * or a device keeps nothing to compare, count or cut: use the claim. */
    if (!output->begun || !output->regular)
        return;
    /* Compare even after success: the child may lie, and other processes may change the file. */
    bool is_as_claimed =
        claim->belief == OUTPUT_COMPLETE && compare(output, claim->bytes, &settled->mismatch) == 0;
    /* Other processes may write to standard output too. If the child is believed, do not count or
     * cut the file: that would count and cut the lines of the others. */
    if (output->standard && (is_as_claimed || claim->belief == OUTPUT_STOPPED))
        return;
    /* The file is right and no message names the number: do not read the whole file again. */
    if (is_as_claimed && !claim->is_reported)
        return;
    /* The last write may be unfinished, and the claim may be wrong: cut and count. */
    uint64_t lines;
    if (shmsum_results_salvage(output->os, output->fd, output->name, output->start, &lines,
                               &settled->uncut) == 0)
        settled->lines = lines;
}

int output_sync_folder(const struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    if (output->standard)
        return 0;
    const char *slash = strrchr(output->path, '/');
    char folder[PATH_MAX] = ".";
    if (slash != NULL) {
        size_t length = slash == output->path ? 1 : (size_t)(slash - output->path);
        if (length >= sizeof folder)
            return shmsum_failure_set(why, "open", output->path, ENAMETOOLONG);
        memcpy(folder, output->path, length);
        folder[length] = '\0';
    }
    int fd;
    RETRY(fd, os->open(os, folder, O_RDONLY | O_DIRECTORY, 0));
    if (fd < 0)
        return shmsum_failure_set(why, "open", "folder of the results", -fd);
    int result;
    RETRY(result, os->fsync(os, fd));
    os->close(os, fd);
    if (result < 0 && result != -EINVAL) /* EINVAL: a file system whose folders need no fsync */
        return shmsum_failure_set(why, "fsync", "folder of the results", -result);
    return 0;
}

int output_close(struct output *output, struct shmsum_failure *why)
{
    if (output->standard || output->fd < 0)
        return 0;
    int result = output->os->close(output->os, output->fd);
    output->fd = -1;
    /* EINTR: Linux has closed the file, and no write was lost (close(2)). */
    return result < 0 && result != -EINTR ? shmsum_failure_set(why, "close", output->name, -result)
                                          : 0;
}
