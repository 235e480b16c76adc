/* start.h - starting the child: where its program is, its arguments, its environment. */
#ifndef SHMSUM_SRC_PARENT_START_H
#define SHMSUM_SRC_PARENT_START_H

#include "run.h"

/* Finds shmsum-child, makes its job (roles/job.h) of the options and starts it. The region and the
 * channel are there. 0, or a negative errno with *why filled. */
int start_child(struct run *run, struct shmsum_failure *why);

#endif
