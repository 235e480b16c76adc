/* output.c - the parent's hold on the results. See output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { STANDARD_OUTPUT = 1 };

/* Refuses to append behind an unfinished line: it would make one wrong line of two halves. */
static int check_last_line(const struct output *output, off_t size, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    int reader = os->reopen(os, output->fd);
    if (reader < 0)
        return shmsum_failure_set(why, "open", output->name, -reader);
    char last;
    ssize_t got;
    do
        got = os->pread(os, reader, &last, 1, size - 1);
    while (got == -EINTR);
    os->close(os, reader);
    if (got < 0)
        return shmsum_failure_set(why, "read", output->name, (int)-got);
    if (got == 1 && last != '\n')
        return shmsum_failure_set(why, "append", output->name, EBADMSG);
    return 0;
}

static int open_path(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NOCTTY | (output->append ? O_APPEND : 0);
    do
        output->fd = os->open(os, output->path, flags, 0666);
    while (output->fd == -EINTR);
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
    if (sync && !output->regular)
        return shmsum_failure_set(why, "fsync", output->name, EINVAL);
    if (output->standard) /* "shmsum -o - >> FILE" is --append, said by the shell */
        output->append = os->appends(os, output->fd) == 1;
    if (!output->regular)
        return 0;
    if (!output->standard) {
        do
            result = os->lock(os, output->fd, false);
        while (result == -EINTR);
        if (result == -EWOULDBLOCK)
            return shmsum_failure_set(why, "flock", output->name, EWOULDBLOCK);
        /* Any other failure: a file system without locks. The lock is a kindness, not a need. */
    }
    if (output->append && status.st_size > 0 && !output->standard)
        return check_last_line(output, status.st_size, why);
    return 0;
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

int output_begin(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    if (!output->regular)
        return 0;
    if (!output->standard && !output->append) {
        int result;
        do
            result = os->truncate(os, output->fd, 0);
        while (result == -EINTR);
        if (result < 0)
            return shmsum_failure_set(why, "ftruncate", output->name, -result);
    }
    /* Behind whatever is there: for standard output the shell chose the place. */
    off_t start = os->seek(os, output->fd, 0, output->append ? SEEK_END : SEEK_CUR);
    if (start < 0)
        return shmsum_failure_set(why, "lseek", output->name, (int)-start);
    output->start = start;
    return 0;
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
    int fd = os->open(os, folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return shmsum_failure_set(why, "open", "folder of the results", -fd);
    int result;
    do
        result = os->sync(os, fd);
    while (result == -EINTR);
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
