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
#include "roles/job.h"

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

static int open_path(struct output *output, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    /* O_APPEND also without --append: when somebody else writes to the file or cuts it back, the
     * next result is written behind what is there, and no bytes are overwritten or left out. */
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY;
    RETRY(output->fd, os->open(os, output->path, flags, 0666));
    if (output->fd < 0)
        return shmsum_failure_set(why, "open", output->path, -output->fd);
    return 0;
}

bool output_lock(const struct shmsum_os *os, int fd)
{
    int result;
    RETRY(result, os->fcntl_lock(os, fd, false));
    if (result < 0)
        RETRY(result, os->fcntl_lock(os, fd, true));
    return result != 1;
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
    output->before = status.st_size;
    if (sync && !output->regular)
        return shmsum_failure_set(why, "fsync", output->name, REFUSED_NOT_REGULAR);
    if (!output->regular || output->standard)
        return 0;
    if (!output_lock(os, output->fd))
        return shmsum_failure_set(why, "lock", output->name, REFUSED_LOCKED);
    if (!output->append)
        return 0;
    /* Under the lock: no other instance appends now. */
    output->start = os->lseek(os, output->fd, 0, SEEK_END);
    if (output->start < 0)
        return shmsum_failure_set(why, "lseek", output->name, (int)-output->start);
    return output->start > 0 ? check_last_line(output, output->start, why) : 0;
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

/* ---- settling ---- */

/* A named regular file, as it is when the child has ended. The offset is that of the open file
 * description, which only this process and the child have: with O_APPEND it is the end of the
 * child's last write, whoever else writes to the file. */
struct found {
    off_t offset, size;
};

static int look(const struct output *output, struct found *found, struct shmsum_failure *why)
{
    const struct shmsum_os *os = output->os;
    struct stat status;
    int result = os->fstat(os, output->fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", output->name, -result);
    found->size = status.st_size;
    found->offset = os->lseek(os, output->fd, 0, SEEK_CUR);
    if (found->offset < 0)
        return shmsum_failure_set(why, "lseek", output->name, (int)-found->offset);
    return 0;
}

/* Whether the path still leads to the file that was opened. Returns 0 or a negative errno. */
static int check_place(const struct output *output, struct shmsum_failure *why)
{
    struct stat status;
    int result = output->os->stat(output->os, output->path, &status);
    if (result == -ENOENT)
        return shmsum_failure_set(why, "results", output->name, REFUSED_GONE);
    if (result < 0)
        return shmsum_failure_set(why, "stat", output->name, -result);
    if (status.st_dev != output->device || status.st_ino != output->inode)
        return shmsum_failure_set(why, "results", output->name, REFUSED_REPLACED);
    return 0;
}

/* The bytes from the start to the end of the child's last write; 0 also if somebody has cut the
 * file back behind them. */
static uint64_t written(const struct output *output, const struct found *found)
{
    bool there = found->offset >= output->start && found->size >= found->offset;
    return there ? (uint64_t)(found->offset - output->start) : 0;
}

/* Whether the child has not touched the file: it holds what it held before. */
static bool is_unchanged(const struct output *output, const struct found *found)
{
    return found->offset == output->start && found->size == output->before;
}

/* Whether the file holds the bytes that the child claims, and the last one ends a line. With
 * --append other processes may have written between and behind them; otherwise nothing else may be
 * there. */
static bool holds(const struct output *output, const struct found *found, uint64_t bytes)
{
    uint64_t there = written(output, found);
    if (output->append ? found->size < found->offset || there < bytes
                       : found->size != found->offset || there != bytes)
        return false;
    /* A file that cannot be read (its mode may forbid it) is judged by its size alone. */
    return there == 0 || line_ends_at(output, found->offset, NULL) != 0;
}

/* Cuts the file back to its last whole line, and counts the lines if that is soon done. Only where
 * the child's last write is the end of the file, and the child may have written all that is there
 * (it counts a buffer only when that is written): otherwise the last line may be somebody else's.
 */
static void cut_back(const struct output *output, const struct output_claim *claim,
                     const struct found *found, struct output_settled *settled)
{
    uint64_t there = written(output, found);
    if (found->size != found->offset ||
        (there > claim->bytes && there - claim->bytes > JOB_RESULTS_BUFFER)) {
        shmsum_failure_set(&settled->uncut, "cut", output->name, REFUSED_FOREIGN);
        return;
    }
    uint64_t lines;
    int result = shmsum_results_salvage(output->os, output->fd, output->name, output->start, &lines,
                                        &settled->uncut);
    if (result == SHMSUM_RESULTS_ENDLESS)
        shmsum_failure_set(&settled->uncut, "cut", output->name, REFUSED_ENDLESS);
    if (result != 0)
        return;
    /* With --append, some of the lines may be somebody else's. If bytes are missing, somebody may
     * have cut the file before the last write: then its lines are not the first results. */
    if (!output->append && there >= claim->bytes && lines != SHMSUM_RESULTS_UNCOUNTED)
        settled->count = (struct result_count){RESULTS_EXACT, lines};
}

void output_settle(const struct output *output, const struct output_claim *claim,
                   struct output_settled *settled)
{
    static const enum result_knowledge known[] = {
        [OUTPUT_UNBELIEVED] = RESULTS_UNKNOWN,
        [OUTPUT_KILLED] = RESULTS_AT_LEAST,
        [OUTPUT_STOPPED] = RESULTS_EXACT,
        [OUTPUT_COMPLETE] = RESULTS_EXACT,
    };
    *settled = (struct output_settled){.count = {known[claim->belief], claim->lines}};
    /* Others write to standard output too, and a pipe or a device keeps nothing to look at. */
    if (output->standard || !output->regular)
        return;
    struct found found = {0};
    struct shmsum_failure *mismatch = &settled->mismatch;
    if (check_place(output, mismatch) < 0 || look(output, &found, mismatch) < 0) {
        settled->count.known = RESULTS_UNKNOWN;
        return;
    }
    /* Only a run that came to its end replaces old results by none. */
    bool complete = claim->belief == OUTPUT_COMPLETE;
    if (is_unchanged(output, &found) && output->before > 0 && claim->bytes == 0 &&
        !(complete && claim->is_whole && !output->append)) {
        settled->count.known = RESULTS_UNCHANGED;
        return;
    }
    if (claim->belief >= OUTPUT_STOPPED && holds(output, &found, claim->bytes))
        return;
    if (complete)
        shmsum_failure_set(mismatch, "results", output->name, REFUSED_NOT_AS_CLAIMED);
    if (claim->belief != OUTPUT_KILLED || written(output, &found) < claim->bytes)
        settled->count.known = RESULTS_UNKNOWN;
    bool nothing = found.offset == output->start &&
                   (output->append ? found.size >= found.offset : found.size == found.offset);
    if (nothing)
        settled->count = (struct result_count){RESULTS_EXACT, 0};
    else
        cut_back(output, claim, &found, settled);
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
