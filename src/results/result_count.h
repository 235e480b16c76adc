/*
 * result_count.h - how many results there are, in words. Pure.
 *
 * Both programs report it at the end of a run that was cut short. A message says what is known, or
 * that it is not known.
 */
#ifndef SHMSUM_SRC_RESULTS_RESULT_COUNT_H
#define SHMSUM_SRC_RESULTS_RESULT_COUNT_H

#include "messages/text_buffer.h"

enum result_knowledge {
    RESULTS_UNKNOWN,   /* nobody knows how many there are */
    RESULTS_AT_LEAST,  /* there are `lines`, and there may be more */
    RESULTS_EXACT,     /* there are `lines` */
    RESULTS_UNCHANGED, /* the file is as it was before the run */
};

enum { RESULT_COUNT_MAX = 4096 + 64 }; /* bytes of the words with any path, and a NUL */

struct result_count {
    enum result_knowledge known;
    uint64_t lines;
};

/* Adds "results.txt holds the first 3 results"; or, when they are not kept in a file of this run's
 * own (`kept` is false), "the first 3 results went to standard output". */
void result_count_add(struct text_buffer *text, const struct result_count *count, const char *name,
                      bool kept);

#endif
