/* output.c - the parent's hold on the results. See output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "os/retry.h"

enum { STANDARD_OUTPUT = 1 };

/* Whether a line ends where the first `size` bytes of the file end, size > 0: 1, 0, or negative
 * errno with *why filled. Yes when the file is shorter. */
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

/* Refuses to append behind an unfinished line: it would make one wrong line of two halves. */
static int check_last_line(const struct output *output, off_t size, struct shmsum_failure *why)
{
    int result = line_ends_at(output, size, why);
    return result == 0 ? shmsum_failure_set(why, "append", output->name, EBADMSG)
                       : (result < 0 ? result : 0);
}

/* Where our first result will stand, whatever the child does from here on: behind what is there. */
static int find_start(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    off_t start = 0;
    if (output->append)
        start = os->lseek(os, output->fd, 0, SEEK_END);
    else if (output->standard) /* the shell chose the place */
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

/* What the open file has to be; takes note of it, and locks it. */
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
        return shmsum_failure_set(why, "fsync", output->name, EINVAL);
    if (!output->regular)
        return 0;
    if (output->standard) { /* "shmsum -o - >> FILE" is --append, said by the shell */
        result = os->fcntl_append(os, output->fd);
        if (result < 0)
            return shmsum_failure_set(why, "fcntl", output->name, -result);
        output->append = result == 1;
    } else {
        RETRY(result, os->flock(os, output->fd, false));
        if (result == -EWOULDBLOCK)
            return shmsum_failure_set(why, "flock", output->name, EWOULDBLOCK);
        /* Any other failure: a file system without locks. The lock is a kindness, not a need. */
    }
    result = find_start(output, why); /* now that nobody else writes behind it */
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
    return shmsum_failure_set(why, "open", output->name, EMLINK);
}

int output_begin(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    if (!output->regular || output->standard || output->append)
        return 0;
    int result;
    RETRY(result, os->ftruncate(os, output->fd, 0));
    if (result < 0)
        return shmsum_failure_set(why, "ftruncate", output->name, -result);
    off_t start = os->lseek(os, output->fd, 0, SEEK_SET);
    if (start < 0)
        return shmsum_failure_set(why, "lseek", output->name, (int)-start);
    return 0;
}

int output_check(const struct output *output, uint64_t bytes, struct shmsum_failure *why)
{
    if (!output->regular)
        return 0;
    struct stat status;
    int result = output->os->fstat(output->os, output->fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", output->name, -result);
    bool fits = status.st_size >= output->start;
    uint64_t there = fits ? (uint64_t)(status.st_size - output->start) : 0;
    /* What others write to standard output, behind ours, is not ours to judge. */
    fits = fits && (output->standard ? there >= bytes : there == bytes);
    /* A file that cannot be read (its mode may say so) is judged by its size alone. */
    if (fits && bytes > 0 && line_ends_at(output, output->start + (off_t)bytes, NULL) == 0)
        fits = false;
    return fits ? 0 : shmsum_failure_set(why, "results", output->name, EBADMSG);
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
    if (result < 0 && result != -EINVAL) /* EINVAL: a file system whose folders need none */
        return shmsum_failure_set(why, "fsync", "folder of the results", -result);
    return 0;
}

int output_close(struct output *output, struct shmsum_failure *why)
{
    if (output->standard || output->fd < 0)
        return 0;
    int result = output->os->close(output->os, output->fd);
    output->fd = -1;
    /* EINTR: closed, on Linux, and nothing to be told (close(2)) */
    return result < 0 && result != -EINTR ? shmsum_failure_set(why, "close", output->name, -result)
                                          : 0;
}
