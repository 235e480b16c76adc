/*
 * stoppable.h - a table of system calls in front of the real one, in which no signal to stop goes
 * unheard.
 *
 * A caller repeats a call that a signal has interrupted (os/retry.h). With this table it does so
 * only while nobody asks for giving up: then the call returns SHMSUM_STOPPED, which ends the loop
 * of every caller. Two kinds of members are replaced:
 *   - calls that can wait for another process: for a reader of a FIFO, the holder of a lock, a
 *     terminal that is stopped, the server of a file system;
 *   - shm_readdir: other users can create any number of names in /dev/shm, so the loop over these
 *     names can take long.
 * Before there is a child, the first signal to stop asks for giving up: there is nothing to end in
 * good order. After that only the second does, and for writes always: the first message may still
 * be read. signals.h says how a wait that began just before the signal is interrupted.
 *
 * The waits in which no signal can be missed are left alone: futex_waitv, futex_wait, and ppoll in
 * roles/await_input.c. waitpid is not given up: a child that was killed ends as soon as
 * the kernel lets it, and the results are not settled before.
 */
#ifndef SHMSUM_SRC_PARENT_STOPPABLE_H
#define SHMSUM_SRC_PARENT_STOPPABLE_H

#include <shmsum/os.h>

/* Returns the table, one per process because the stop word is. `real` must outlive it. The table
 * has no use for its context, so another table can be put in front of it. */
const struct shmsum_os *stoppable(const struct shmsum_os *real);

#endif
