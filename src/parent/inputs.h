/* inputs.h - the files that the parent reads. */
#ifndef SHMSUM_SRC_PARENT_INPUTS_H
#define SHMSUM_SRC_PARENT_INPUTS_H

#include "output.h"

/* The name of an input in messages: the path, or "stdin" for "-". */
const char *input_name(const char *path);

/*
 * Looks at all inputs before anything is started or written: each must exist, be no folder, and, if
 * it is a regular file, be readable and not be the results file itself (output may be NULL: not yet
 * known). 0, or a negative errno with *why filled; -EEXIST: it is the results file.
 */
int inputs_check(const struct shmsum_os *os, char *const *paths, int count,
                 const struct output *output, struct shmsum_failure *why);

/* Whether the file that `status` describes is one of them. Such as cannot be seen are not. */
bool inputs_include(const struct shmsum_os *os, char *const *paths, int count,
                    const struct stat *status);

/* Bytes that will be read from all of them; 0 when that is not known: not all are regular files. */
uint64_t inputs_bytes(const struct shmsum_os *os, char *const *paths, int count);

/* Opens one input ("-": descriptor 0) and checks that again: since then it may have changed. Its
 * descriptor, or a negative errno with *why filled. input_close leaves descriptor 0 alone. */
int input_open(const struct shmsum_os *os, const char *path, const struct output *output,
               struct shmsum_failure *why);
void input_close(const struct shmsum_os *os, int fd);

#endif
