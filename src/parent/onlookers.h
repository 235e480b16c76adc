/* onlookers.h - attaches --progress, --explain and --trace to a run. */
#ifndef SHMSUM_SRC_PARENT_ONLOOKERS_H
#define SHMSUM_SRC_PARENT_ONLOOKERS_H

#include "run.h"

/* Opens the file of the trace, begins it, and puts its table of system calls into run->os. Returns
 * 0, or a negative errno with *why filled. */
int onlookers_open_trace(struct run *run, struct shmsum_failure *why);

/* Attaches the observers to the producer. After shmsum_region_create and producer_init. */
void onlookers_begin(struct run *run);

/* Ends the explanation and the trace. `status` is the exit status of the run. Returns it, or
 * STATUS_SYSTEM when the trace could not be written. */
int onlookers_end(struct run *run, int status);

#endif
