/*
 * filter.h - the seccomp filters of the two programs: which system calls each still may make when
 * it has started.
 *
 * Both are allow lists. DOC: call-filter in filter.c has them, call by call, with the reason.
 */
#ifndef SHMSUM_SRC_FILTER_H
#define SHMSUM_SRC_FILTER_H

#include <shmsum/os.h>

enum { CALL_FILTER_BYTES_MAX = 8192 };

/* A filter in the kernel's form, for shmsum_os.seccomp. */
struct call_filter {
    size_t bytes;
    uint8_t code[CALL_FILTER_BYTES_MAX];
};

/*
 * Make the filter of the calling process: its own number goes into it, and in the parent's that of
 * the child. Nothing is forbidden yet. 0, or a negative errno: -ENOTSUP when libseccomp was not
 * there when this was built. traced: the child writes a trace to descriptor 0. They allocate, and
 * give back, memory.
 */
int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced);
int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child);

#endif
