/*
 * signals.h - the signals of the parent: which it ignores, which stop it, and how one ends it.
 *
 * A signal handler gets no argument of ours, so the state is one per process. Handlers only set
 * words, call waitpid and wake the futex; the main flow does everything else.
 */
#ifndef SHMSUM_SRC_PARENT_SIGNALS_H
#define SHMSUM_SRC_PARENT_SIGNALS_H

#include <shmsum/channel.h>

/* Ignores SIGPIPE and SIGXFSZ, so that writes report EPIPE and EFBIG. main calls it before anything
 * can write. Returns 0, or a negative errno with *why filled. */
int signals_ignore(const struct shmsum_os *os, struct shmsum_failure *why);

/*
 * Installs the handlers. SIGINT, SIGTERM and SIGHUP raise SHMSUM_STOP_INPUT the first time and
 * SHMSUM_STOP_NOW the second; a signal that was ignored at the start (nohup) stays ignored.
 * SIGCHLD runs child_on_death and is unblocked. Returns 0, or a negative errno with *why filled.
 *
 * From the first signal to stop on, SIGALRM interrupts this process again and again until its end:
 * a call that began to wait just before a signal returns -EINTR a little later (stoppable.h).
 * Before, SIGALRM does what it did at the start; if it was blocked then, it does nothing.
 */
int signals_catch(const struct shmsum_os *os, struct shmsum_failure *why);

/* Unblocks SIGCHLD. Returns 0 or a negative errno. */
int signals_unblock_child(const struct shmsum_os *os);

/* The stop word that the handlers raise bits of. Async-signal-safe. */
struct shmsum_word *signals_stop_word(void);

/* The first signal that asked for a stop, or 0. */
int signals_first(void);

/* Ends this process by `signal` with its default action, so that a shell sees the signal. */
_Noreturn void signals_die(const struct shmsum_os *os, int signal);

#endif
