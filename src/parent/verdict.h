/* verdict.h - the end of a run: what the child's end and its counters are worth. */
#ifndef SHMSUM_SRC_PARENT_VERDICT_H
#define SHMSUM_SRC_PARENT_VERDICT_H

#include "run.h"

/*
 * The end of a run whose child was started. `handed` is what handing over the input came to: 0;
 * SHMSUM_STOPPED, for a signal or the child's death (the stop word says which); or another negative
 * errno with *why filled. Waits for the child, decides how far to believe it, settles and closes
 * the results, and reports. Returns the exit status.
 */
int conclude(struct run *run, int handed, const struct shmsum_failure *why);

#endif
