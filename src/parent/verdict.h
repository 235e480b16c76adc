/* verdict.h - the end of a run: what the child's end and its counters are worth. */
#ifndef SHMSUM_SRC_PARENT_VERDICT_H
#define SHMSUM_SRC_PARENT_VERDICT_H

#include "run.h"

/*
 * Everything after the last byte was handed over, or could not be: `handed` is 0, -ECANCELED (a
 * signal or the child's death; the stop word says which) or another negative errno with *why
 * filled. Waits for the child, checks what it reports, reports it, and closes the results. Returns
 * the exit status.
 */
int conclude(struct run *run, int handed, const struct shmsum_failure *why);

#endif
