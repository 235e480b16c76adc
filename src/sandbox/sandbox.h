/*
 * sandbox.h - what each of the two programs gives up when it has started.
 *
 * DOC: sandbox
 *
 * The child parses hostile bytes. Before it takes the first of them it has opened all that it will
 * ever need, and gives up everything else: new privileges, files by path, network, every descriptor
 * above 2, new descriptors and processes, core dumps and being traced, and all system calls but
 * those of its filter. The parent reads what the child writes into the region, so when the child
 * has attached it gives up what it does not need any more: it may still open files, to be read.
 *
 * Nobody is refused service because his kernel is old: with SANDBOX_AUTO what cannot be given up is
 * kept, and --stats says so.
 */
#ifndef SHMSUM_SRC_SANDBOX_H
#define SHMSUM_SRC_SANDBOX_H

#include "call_filter.h"

enum sandbox_mode {
    SANDBOX_AUTO,    /* what the kernel grants */
    SANDBOX_REQUIRE, /* all of it, or an error */
    SANDBOX_OFF,
};

/* What was given up: bits, and from bit SANDBOX_ABI_SHIFT on the version of Landlock. */
enum sandbox_part {
    SANDBOX_NO_NEW_PRIVS = 1,
    SANDBOX_DESCRIPTORS = 2,
    SANDBOX_LIMITS = 4,
    SANDBOX_LANDLOCK = 8,
    SANDBOX_SECCOMP = 16,
    SANDBOX_PARENT = SANDBOX_NO_NEW_PRIVS | SANDBOX_LANDLOCK | SANDBOX_SECCOMP,
    SANDBOX_CHILD = SANDBOX_PARENT | SANDBOX_DESCRIPTORS | SANDBOX_LIMITS,
};
enum { SANDBOX_ABI_SHIFT = 8, SANDBOX_ABI_MAX = 255, SANDBOX_TEXT_MAX = 160 };

struct sandbox {
    const struct shmsum_os *os;
    enum sandbox_mode mode;
    enum sandbox_part parts; /* all that this process is to give up */
    struct call_filter filter;
    int made;         /* 0, or why there is no filter */
    uint64_t granted; /* what was given up */
};

/*
 * Make ready to enter, in the process that will: this is what takes time and memory, and nothing is
 * given up yet. `child` is the process that the parent may have to kill;
 * traced: the child tells what it does, and when. With SANDBOX_OFF there is
 * nothing to do. What cannot be made is told by sandbox_enter. Nothing to clean up.
 */
void sandbox_prepare_child(struct sandbox *sandbox, const struct shmsum_os *os,
                           enum sandbox_mode mode, bool traced);
void sandbox_prepare_parent(struct sandbox *sandbox, const struct shmsum_os *os,
                            enum sandbox_mode mode, pid_t child);

/*
 * Gives up the rights of the calling process, for good; the child keeps descriptors 0, 1 and 2.
 * Afterwards memory cannot be allocated. 0; or, with SANDBOX_REQUIRE only, a negative errno with
 * *why filled, and then a part of them may be given up already.
 */
int sandbox_enter(struct sandbox *sandbox, struct shmsum_failure *why);

/* Whether `granted`, which the child says of itself, can be true. Pure. */
bool sandbox_is_plausible(enum sandbox_mode mode, uint64_t granted);

/* "no_new_privs, landlock 7, seccomp", and what of `parts` was not granted, with its NUL. Pure. */
void sandbox_format(char text[SANDBOX_TEXT_MAX], enum sandbox_mode mode, enum sandbox_part parts,
                    uint64_t granted);

#endif
