/* await_input.h - sleeps until there is input, or a stop bit is set. */
#ifndef SHMSUM_SRC_AWAIT_INPUT_H
#define SHMSUM_SRC_AWAIT_INPUT_H

#include <shmsum/channel.h>

/*
 * Sleeps until fd is readable (or has failed; then read(2) reports the error), or a bit of
 * stop_mask is set in *stop. With fd -1 it waits for a stop bit only. `name` names fd in messages.
 *
 * A signal handler that runs in this thread and sets the stop word always ends the wait. A store of
 * another thread ends it only together with a signal.
 *
 * Returns 0; SHMSUM_STOPPED for a stop bit; SHMSUM_AGAIN after a signal that set none (call again);
 * or another negative errno with *why filled.
 */
int await_input(const struct shmsum_os *os, int fd, const char *name,
                const struct shmsum_word *stop, uint32_t stop_mask, struct shmsum_failure *why);

#endif
