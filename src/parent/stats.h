/* stats.h - the report of --stats: how much was done, how fast, and in which sandboxes. */
#ifndef SHMSUM_SRC_PARENT_STATS_H
#define SHMSUM_SRC_PARENT_STATS_H

#include "messages/text_buffer.h"
#include "roles/counters.h"
#include "run.h"

/* Prints the report on standard error. */
void stats_say(const struct run *run, const struct counters *counters);

/* Adds "no_new_privs, landlock 7, seccomp", and what of `parts` was not granted. Pure. */
void stats_add_sandbox(struct text_buffer *text, enum sandbox_mode mode, enum sandbox_part parts,
                       uint64_t granted);

#endif
