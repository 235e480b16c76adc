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
    off_t start;   /* where our first result is to be; regular files only */
    bool begun;    /* by output_begin: what is in it from start on is ours */
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

/* How far the child's end bears out what the child claims about the results. */
enum output_belief {
    OUTPUT_UNBELIEVED, /* it was killed, or claims what cannot be */
    OUTPUT_STOPPED,    /* it stopped after a failure, reported that, and left whole lines */
    OUTPUT_COMPLETE,   /* it finished, and its counters fit the input */
};

/* What the child claims. */
struct output_claim {
    enum output_belief belief;
    uint64_t lines, bytes; /* of results that it wrote */
    bool is_reported;      /* a message will say how many results there are */
};

/* How the results are settled. A failure with error 0 is none. */
struct output_settled {
    uint64_t lines;                 /* how many results there are */
    struct shmsum_failure mismatch; /* with OUTPUT_COMPLETE: why the file is not as claimed */
    struct shmsum_failure uncut;    /* why the file could not be cut to whole lines and counted */
};

/*
 * The child has ended: decides once what the results are worth. Compares the file with the claim,
 * or cuts it back to whole lines and counts them; the rules are in the function. Before
 * output_close.
 */
void output_settle(const struct output *output, const struct output_claim *claim,
                   struct output_settled *settled);

/* After success with --fsync: makes the file's name as durable as its bytes. 0 or negative errno.
 */
int output_sync_folder(const struct output *output, struct shmsum_failure *why);

/* Closes the file, if it is open and ours. 0, or the negative errno of close, by which some file
 * systems tell of a lost write; it is closed all the same. */
int output_close(struct output *output, struct shmsum_failure *why);

#endif
