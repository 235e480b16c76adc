/* await_input.h - sleeping until there is input, or a reason to stop. */
#ifndef SHMSUM_SRC_AWAIT_INPUT_H
#define SHMSUM_SRC_AWAIT_INPUT_H

#include <shmsum/channel.h>

/*
 * Sleeps until fd can be read (or has failed: read then says how), or a bit of stop_mask is set in
 * *stop. fd may be -1: only for a stop bit. Race-free against signal handlers that set the stop
 * word and run in this thread; other threads' stores are seen only with a signal. Returns 0,
 * -ECANCELED for a stop bit, -EINTR (look again), or a negative errno with *why filled, about
 * `name`.
 */
int await_input(const struct shmsum_os *os, int fd, const char *name,
                const struct shmsum_word *stop, uint32_t stop_mask, struct shmsum_failure *why);

#endif
