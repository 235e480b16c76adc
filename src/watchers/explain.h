/*
 * explain.h - what the lab is about, told while it happens: --explain.
 *
 * The object's name, mode and size; the addresses at which the two processes see it, the one object
 * behind both (its device and inode, and the frame of physical memory where the kernel tells it);
 * each change of a slot's state, with its time; when the name was removed; what was given back.
 * Each line goes to standard error in one piece, so that those of the two processes do not mix. Of
 * a long run the first hand-offs are told.
 */
#ifndef SHMSUM_SRC_EXPLAIN_H
#define SHMSUM_SRC_EXPLAIN_H

#include <stdbool.h>

#include <shmsum/region.h>

#include "roles/observer.h"

enum { EXPLAIN_SLOTS_MAX = 12 }; /* hand-offs that are told */

struct explain {
    struct observer observer; /* of either role */
    const struct shmsum_os *os;
    const char *role;  /* "parent", "child" */
    uint64_t epoch_ns; /* the times are told from here on */
};

/* role is not copied. */
void explain_begin(struct explain *explain, const struct shmsum_os *os, const char *role,
                   uint64_t epoch_ns);

/* The object, by its creator. The region has its name and its descriptor. */
void explain_object(const struct explain *explain, const struct shmsum_region *region);
/* Where this process sees it. */
void explain_mapping(const struct explain *explain, const struct shmsum_region *region);

/* One line: the time, the role, and this. */
__attribute__((format(printf, 2, 3))) void explain_event(const struct explain *explain,
                                                         const char *format, ...);

#endif
