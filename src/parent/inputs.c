/* inputs.c - the files that the parent reads. See inputs.h. Called by main, start and onlookers. */
#include "inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "messages/message.h"
#include "os/retry.h"

enum { STANDARD_INPUT = 0 };

static bool is_standard(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* No input may be a folder, or the results file. */
static int check_status(const char *path, const struct stat *status, const struct output *output,
                        struct shmsum_failure *why)
{
    if (S_ISDIR(status->st_mode))
        return shmsum_failure_set(why, "read", message_input_name(path), EISDIR);
    if (output != NULL && output_is(output, status))
        return shmsum_failure_set(why, "open", message_input_name(path), REFUSED_IS_RESULTS);
    return 0;
}

static int status_of(const struct shmsum_os *os, const char *path, struct stat *status)
{
    return is_standard(path) ? os->fstat(os, STANDARD_INPUT, status) : os->stat(os, path, status);
}

static int open_path(const struct shmsum_os *os, const char *path, struct shmsum_failure *why)
{
    /* O_NONBLOCK: opening a FIFO does not wait for its writer. The wait comes later, in a ppoll
     * that a signal can interrupt. */
    int fd;
    RETRY(fd, os->open(os, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0));
    return fd < 0 ? shmsum_failure_set(why, "open", path, -fd) : fd;
}

int inputs_check(const struct shmsum_os *os, char *const *paths, int count,
                 const struct output *output, struct shmsum_failure *why)
{
    for (int i = 0; i < count; i++) {
        const char *path = paths[i];
        struct stat status;
        int result = status_of(os, path, &status);
        if (result < 0)
            return shmsum_failure_set(why, is_standard(path) ? "fstat" : "open",
                                      message_input_name(path), -result);
        result = check_status(path, &status, output, why);
        if (result < 0)
            return result;
        /* Only regular files: opening anything else may wait or have an effect. */
        if (output == NULL && S_ISREG(status.st_mode) && !is_standard(path)) {
            int fd = open_path(os, path, why);
            if (fd < 0)
                return fd;
            os->close(os, fd);
        }
    }
    return 0;
}

bool inputs_include(const struct shmsum_os *os, char *const *paths, int count,
                    const struct stat *status)
{
    for (int i = 0; i < count; i++) {
        struct stat input;
        if (status_of(os, paths[i], &input) == 0 && input.st_dev == status->st_dev &&
            input.st_ino == status->st_ino)
            return true;
    }
    return false;
}

uint64_t inputs_bytes(const struct shmsum_os *os, char *const *paths, int count)
{
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++) {
        struct stat status;
        if (status_of(os, paths[i], &status) < 0 || !S_ISREG(status.st_mode))
            return 0;
        off_t at = is_standard(paths[i]) ? os->lseek(os, STANDARD_INPUT, 0, SEEK_CUR) : 0;
        if (at >= 0 && status.st_size > at)
            bytes += (uint64_t)(status.st_size - at);
    }
    return bytes;
}

int input_open(const struct shmsum_os *os, const char *path, const struct output *output,
               struct shmsum_failure *why)
{
    if (is_standard(path))
        return STANDARD_INPUT;
    int fd = open_path(os, path, why);
    if (fd < 0)
        return fd;
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        shmsum_failure_set(why, "fstat", path, -result);
    else
        result = check_status(path, &status, output, why);
    if (result < 0) {
        os->close(os, fd);
        return result;
    }
    return fd;
}

void input_close(const struct shmsum_os *os, int fd)
{
    if (fd != STANDARD_INPUT)
        os->close(os, fd);
}

int input_mark(struct input_mark *mark, const struct shmsum_os *os, uint64_t handed_over,
               struct shmsum_failure *why)
{
    off_t offset = os->lseek(os, STANDARD_INPUT, 0, SEEK_CUR);
    if (offset < 0 && offset != -ESPIPE)
        return shmsum_failure_set(why, "lseek", message_input_name("-"), (int)-offset);
    *mark = (struct input_mark){.is_set = true, .offset = offset, .before = handed_over};
    return 0;
}

int input_give_back(const struct input_mark *mark, const struct shmsum_os *os, uint64_t used,
                    struct shmsum_failure *why)
{
    if (!mark->is_set || mark->offset < 0)
        return 0;
    uint64_t share = used > mark->before ? used - mark->before : 0;
    if (share > mark->length)
        share = mark->length;
    off_t moved = os->lseek(os, STANDARD_INPUT, mark->offset + (off_t)share, SEEK_SET);
    if (moved >= 0 || moved == -ESPIPE)
        return 0;
    return shmsum_failure_set(why, "lseek", message_input_name("-"), (int)-moved);
}
