/*
 * output.h - the file of the results, as the parent holds it: opened, checked and locked before
 * anything starts, settled when the child has ended.
 */
#ifndef SHMSUM_SRC_PARENT_OUTPUT_H
#define SHMSUM_SRC_PARENT_OUTPUT_H

#include <shmsum/os.h>

#include "results/result_count.h"

struct output {
    const struct shmsum_os *os;
    const char *path; /* "-": standard output; not owned */
    const char *name; /* for messages */
    int fd;           /* -1: closed */
    bool standard;    /* standard output: others may write there; never locked, cut or judged */
    bool regular;     /* a regular file */
    bool append;
    dev_t device; /* with inode: which file it is */
    ino_t inode;
    nlink_t names; /* how many the file has */
    off_t before;  /* its size when it was opened */
    off_t start;   /* with a file of our own: the offset of the first result */
};

/*
 * Opens `path` ("-": standard output) for writing, creates it if needed, follows no symbolic link,
 * and locks it against other instances. Its contents stay: the child removes them before the first
 * result. With `append` its last line must be whole; with `sync` it must be a regular file. Returns
 * 0, or a negative errno with *why filled and nothing left open.
 */
int output_open(struct output *output, const struct shmsum_os *os, const char *path, bool append,
                bool sync, struct shmsum_failure *why);

/*
 * Locks a file that only this run writes. Returns false if another process writes it. Only who may
 * write the file can lock it for writing, so nobody else can stop a run: a lock for reading, which
 * every reader can hold, is passed over. So is any failure: there are file systems without locks.
 */
bool output_lock(const struct shmsum_os *os, int fd);

/* Whether the file that `status` describes is the file of the results, so that it cannot be input.
 */
bool output_is(const struct output *output, const struct stat *status);

/*
 * Refuses a regular file with more than one name: writing it would change the file behind the other
 * name. In a folder that other users can write to, another user may have made the name as a trap.
 * Returns 0 or a negative errno. Call it after output_is, which has the better message.
 */
int output_check_names(const struct output *output, struct shmsum_failure *why);

/* How far the child's end bears out what the child claims about the results. */
enum output_belief {
    OUTPUT_UNBELIEVED, /* its claims cannot be true */
    OUTPUT_KILLED,     /* it was killed: what it claims is true, and it may have written more */
    OUTPUT_STOPPED,    /* it stopped after a failure, reported that, and left whole lines */
    OUTPUT_COMPLETE,   /* it finished, and its counters fit the input */
};

/* What the child claims. */
struct output_claim {
    enum output_belief belief;
    bool is_whole;         /* the input came to its end */
    uint64_t lines, bytes; /* of results that it wrote */
};

/* How the results are settled. A failure with error 0 is none. */
struct output_settled {
    struct result_count count; /* what is known of the number of results */
    /* Why the results are not there, or not as a believed child claims. */
    struct shmsum_failure mismatch;
    struct shmsum_failure uncut; /* why the file could not be cut to whole lines */
};

/*
 * The child has ended: decides, once, what is known of the results. A named regular file must be
 * where it was opened and hold what a believed child claims; otherwise it is cut back to whole
 * lines, if nobody else has written to it. Reads no more than SHMSUM_RESULTS_TAIL bytes. The rules
 * are in the function, each with its reason. Call it before output_close.
 */
void output_settle(const struct output *output, const struct output_claim *claim,
                   struct output_settled *settled);

/* After success with --fsync: syncs the folder, so that the file's name is as durable as its bytes.
 * Returns 0 or a negative errno. */
int output_sync_folder(const struct output *output, struct shmsum_failure *why);

/* Closes the file, if it is open and not standard output. Returns 0, or the negative errno of
 * close, with which some file systems report a lost write; the file is closed in any case. */
int output_close(struct output *output, struct shmsum_failure *why);

#endif
