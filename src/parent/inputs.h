/* inputs.h - the files that the parent reads. */
#ifndef SHMSUM_SRC_PARENT_INPUTS_H
#define SHMSUM_SRC_PARENT_INPUTS_H

#include "output.h"

/*
 * Checks all inputs before anything is started or written. Each must exist and be no folder. A
 * regular file must also be readable, and must not be the results file (output may be NULL: not
 * known yet). Returns 0, or a negative errno with *why filled; -REFUSED_IS_RESULTS: it is the
 * results file.
 */
int inputs_check(const struct shmsum_os *os, char *const *paths, int count,
                 const struct output *output, struct shmsum_failure *why);

/* Whether the file that `status` describes is one of the inputs. Inputs that cannot be stat'ed do
 * not match. */
bool inputs_include(const struct shmsum_os *os, char *const *paths, int count,
                    const struct stat *status);

/* How many bytes will be read from all inputs; 0 when some input is no regular file, so that the
 * number is not known. */
uint64_t inputs_bytes(const struct shmsum_os *os, char *const *paths, int count);

/* Opens one input ("-": descriptor 0) and repeats the checks of inputs_check on it, because the
 * path may lead to another file by now. Returns its descriptor, or a negative errno with *why
 * filled. input_close leaves descriptor 0 open. */
int input_open(const struct shmsum_os *os, const char *path, const struct output *output,
               struct shmsum_failure *why);
void input_close(const struct shmsum_os *os, int fd);

/* Standard input, where it can seek, before this run reads it. */
struct input_mark {
    bool is_set;
    off_t offset;    /* of its descriptor; < 0: it cannot seek */
    uint64_t before; /* bytes of other inputs that were handed over before it */
    uint64_t length; /* bytes of it that were handed over; the caller sets it behind the last */
};

/* Notes where standard input is. Returns 0, or a negative errno with *why filled. */
int input_mark(struct input_mark *mark, const struct shmsum_os *os, uint64_t handed_over,
               struct shmsum_failure *why);

/* Moves the offset of standard input to where the first `used` bytes of all inputs end, so that the
 * next reader gets the rest; but never out of what was handed over. Does nothing where it cannot
 * seek. Returns 0, or a negative errno with *why filled. */
int input_give_back(const struct input_mark *mark, const struct shmsum_os *os, uint64_t used,
                    struct shmsum_failure *why);

#endif
