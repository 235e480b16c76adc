/*
 * sandbox.h - the rights that each of the two programs gives up after its start.
 *
 * DOC: sandbox
 *
 * The child parses hostile bytes. Before it takes the first slot it has opened all that it needs,
 * and then gives up everything else: new privileges, files by path, the network, every descriptor
 * above 2, new descriptors, processes and memory, core dumps, being traced, the capabilities of
 * root, and all system calls outside its call filter. The parent reads what the child writes into
 * the region. It closes what its caller left open before it opens anything. When the child has
 * attached, the parent gives up what it no longer needs; it may still open files for reading.
 *
 * An old kernel is no reason to refuse service: with SANDBOX_AUTO a program keeps the rights that
 * the kernel cannot take, and --stats reports them. Nor is foreign code (foreign.h), which would
 * not survive most of this: with it, SANDBOX_AUTO takes new privileges and Landlock only.
 *
 * In a sandbox a program leaves with _exit: what others registered for exit(3), such as gcov, a
 * profiler or a leak checker, opens files, and the sandbox would kill it there.
 */
#ifndef SHMSUM_SRC_SANDBOX_SANDBOX_H
#define SHMSUM_SRC_SANDBOX_SANDBOX_H

#include "call_filter.h"

enum sandbox_mode {
    SANDBOX_AUTO,    /* what the kernel grants */
    SANDBOX_REQUIRE, /* all of it, or an error */
    SANDBOX_OFF,
};

/* The rights given up: one bit each, and the version of Landlock from bit SANDBOX_ABI_SHIFT on. */
enum sandbox_part {
    SANDBOX_NO_NEW_PRIVS = 1,
    SANDBOX_DESCRIPTORS = 2,
    SANDBOX_LIMITS = 4,
    SANDBOX_LANDLOCK = 8,
    SANDBOX_SECCOMP = 16,
    SANDBOX_CAPABILITIES = 32,
    SANDBOX_PARENT =
        SANDBOX_NO_NEW_PRIVS | SANDBOX_DESCRIPTORS | SANDBOX_LANDLOCK | SANDBOX_SECCOMP,
    SANDBOX_CHILD = SANDBOX_PARENT | SANDBOX_LIMITS | SANDBOX_CAPABILITIES,
};
enum { SANDBOX_ABI_SHIFT = 8, SANDBOX_ABI_MAX = 255 };

struct sandbox_setting {
    enum sandbox_mode mode;
    const char *foreign; /* what foreign_code returned */
};

struct sandbox {
    const struct shmsum_os *os;
    struct sandbox_setting setting;
    enum sandbox_part parts; /* the rights that this process has to give up */
    struct call_filter filter;
    int closed;       /* 0, or the negative errno of closing the descriptors above 2 */
    int made;         /* 0, or the negative errno of making the filter */
    uint64_t granted; /* the rights that it has given up */
};

/* Returns 0, or -EPERM with *why filled: foreign code was loaded, and the whole sandbox is
 * required. Before anything is started. */
int sandbox_check(enum sandbox_mode mode, const char *foreign, struct shmsum_failure *why);

/*
 * Prepare sandbox_enter, in the process that will call it: all that needs time and memory. No right
 * is given up yet. `child`: the process that the parent may have to kill. `closed`: what
 * inherited_close returned when the parent started, before it opened its own files. `traced`: the
 * child writes a trace or the times of --explain. `start`: see call_filter_make_child. With
 * SANDBOX_OFF they do nothing. sandbox_enter reports their failures. Nothing to clean up. Not
 * thread-safe.
 */
void sandbox_prepare_child(struct sandbox *sandbox, const struct shmsum_os *os,
                           const struct sandbox_setting *setting, bool traced, off_t start);
void sandbox_prepare_parent(struct sandbox *sandbox, const struct shmsum_os *os,
                            const struct sandbox_setting *setting, pid_t child, int closed);

/*
 * Gives up the rights of the calling process, for good. The child keeps descriptors 0, 1 and 2. The
 * process cannot allocate memory afterwards. Returns 0; or, with SANDBOX_REQUIRE only, a negative
 * errno with *why filled: then some rights may be given up already.
 */
int sandbox_enter(struct sandbox *sandbox, struct shmsum_failure *why);

/* Whether a process with these rights given up leaves with _exit, not with exit(3). Pure. */
bool sandbox_is_closed(uint64_t granted);

/* Whether `granted`, which the child reports of itself, is possible. Pure. */
bool sandbox_is_plausible(enum sandbox_mode mode, uint64_t granted);

#endif
