/*
 * explain.h - prints what happens in shared memory, while it happens: --explain.
 *
 * The object's name, mode and size; the address at which each process sees it, and the one object
 * behind both (its device and inode, and the frame of physical memory where the kernel reports it);
 * each change of a slot's state, with its time; the removal of the name; the end of the mapping.
 * Each line is one write to standard error, so that lines of the two processes do not mix. Of a
 * long run only the first slots are printed.
 */
#ifndef SHMSUM_SRC_WATCHERS_EXPLAIN_H
#define SHMSUM_SRC_WATCHERS_EXPLAIN_H

#include <stdbool.h>

#include <shmsum/region.h>

#include "roles/observer.h"

enum { EXPLAIN_SLOTS_MAX = 12 }; /* slots that are printed */

struct explain {
    struct observer observer; /* of either role */
    const struct shmsum_os *os;
    const char *role;  /* "parent", "child" */
    uint64_t epoch_ns; /* the printed times count from here */
};

/* role must outlive the explanation. epoch_ns: see above. */
void explain_begin(struct explain *explain, const struct shmsum_os *os, const char *role,
                   uint64_t epoch_ns);

/* Prints the object. For its creator: the region still has its name and its descriptor. */
void explain_object(const struct explain *explain, const struct shmsum_region *region);
/* Prints the address of the mapping in this process, and the object behind it. */
void explain_mapping(const struct explain *explain, const struct shmsum_region *region);

/* Prints a line: the time, the role and the formatted text. */
__attribute__((format(printf, 2, 3))) void explain_event(const struct explain *explain,
                                                         const char *format, ...);

#endif
