/*
 * call_filter.h - the seccomp filters of the two programs: the system calls that each may still
 * make after its start.
 *
 * Both filters are allow lists. DOC: call-filter in call_filter.c lists every call with its reason.
 */
#ifndef SHMSUM_SRC_SANDBOX_CALL_FILTER_H
#define SHMSUM_SRC_SANDBOX_CALL_FILTER_H

#include <shmsum/os.h>

enum { CALL_FILTER_BYTES_MAX = 8192 };

/* A filter in the kernel's form, for shmsum_os.seccomp. */
struct call_filter {
    size_t bytes;
    uint8_t code[CALL_FILTER_BYTES_MAX];
};

/*
 * Make the filter of the calling process. It contains the process's own number and, for the parent,
 * that of the child. Nothing is forbidden yet. Return 0, or a negative errno: -ENOTSUP in a build
 * without libseccomp. `traced`: the child may write to descriptor 0, the trace, and read the
 * clock. `start`: the offset in bytes of the first result in a file that the child may cut, but not
 * before it; negative: the child may neither cut the results nor move their offset. They allocate
 * memory and free it. Not thread-safe.
 */
int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced,
                           off_t start);
int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child);

#endif
