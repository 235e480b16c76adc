/* output.h - the parent's hold on the results: opened, checked and locked before anything starts.
 */
#ifndef SHMSUM_SRC_PARENT_OUTPUT_H
#define SHMSUM_SRC_PARENT_OUTPUT_H

#include <shmsum/os.h>

struct output {
    const struct shmsum_os *os;
    const char *path; /* "-": standard output; not owned */
    const char *name; /* for messages */
    int fd;           /* -1: closed */
    bool standard;    /* standard output, not ours to close or lock */
    bool regular;     /* a regular file */
    bool append;
    dev_t device; /* which file it is */
    ino_t inode;
    nlink_t names; /* how many it has */
    off_t start;   /* where our first result is to stand; regular files only */
};

/*
 * Opens `path` ("-": standard output) to be written, creating it if needed and following no
 * symbolic link, and locks it against other instances. What stands in it stays until output_begin.
 * With `append` its last line must be whole; with `sync` it must be a regular file. 0, or a
 * negative errno with *why filled and nothing left open.
 */
int output_open(struct output *output, const struct shmsum_os *os, const char *path, bool append,
                bool sync, struct shmsum_failure *why);

/* Whether a file is the very one that the results go to, and so cannot be read from. */
bool output_is(const struct output *output, const struct stat *status);

/*
 * Refuses a regular file that has other names: what is written here would change it there too. In a
 * folder that others may write to, such a name may be somebody's trap. 0 or negative errno. To be
 * asked after output_is, which has the better message.
 */
int output_check_names(const struct output *output, struct shmsum_failure *why);

/* Everything has started: empties the file, unless it is appended to. 0 or negative errno. */
int output_begin(struct output *output, struct shmsum_failure *why);

/* After success: whether the regular file holds so many bytes of results, the last of which ends a
 * line; what was in it before does not count. 0; -EBADMSG when not; or a negative errno. */
int output_check(const struct output *output, uint64_t bytes, struct shmsum_failure *why);

/* After success with --fsync: makes the file's name as durable as its bytes. 0 or negative errno.
 */
int output_sync_folder(const struct output *output, struct shmsum_failure *why);

/* Closes the file, if it is open and ours. 0, or the negative errno of close, by which some file
 * systems tell of a lost write; it is closed all the same. */
int output_close(struct output *output, struct shmsum_failure *why);

#endif
