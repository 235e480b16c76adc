/*
 * life.h - signals, and the life and death of the child. One per process: signal handlers cannot be
 * told whose they are.
 */
#ifndef SHMSUM_SRC_PARENT_LIFE_H
#define SHMSUM_SRC_PARENT_LIFE_H

#include <shmsum/channel.h>

/* The child's exit status when it could not become the other program. */
enum { CHILD_NOT_STARTED = 127 };

/* Who the child will be. */
struct life_child {
    const char *path;
    char *const *argv;
    char *const *envp;
    int results; /* the descriptor that becomes its standard output */
    int trace;   /* the one that becomes its standard input; 0: none, it reads /dev/null */
};

/* First of all: ignores SIGPIPE and SIGXFSZ, which the calls then report. 0 or negative errno. */
int life_ignore(const struct shmsum_os *os, struct shmsum_failure *why);

/*
 * Installs the handlers: SIGINT, SIGTERM and SIGHUP (unless they were ignored: nohup) raise
 * SHMSUM_STOP_INPUT the first time and SHMSUM_STOP_NOW the second; the child's death raises
 * SHMSUM_STOP_PEER. 0 or negative errno.
 */
int life_begin(const struct shmsum_os *os, struct shmsum_failure *why);

/* The word that the handlers set. */
struct shmsum_word *life_stop(void);

/* The first signal that asked for a stop, or 0. */
int life_signal(void);

/*
 * fork and exec. The child ignores SIGINT, SIGTERM, SIGHUP and SIGQUIT (the parent decides when to
 * stop) and reads nothing. When the exec or a call before it fails, that call and its errno are
 * left in the channel's start error, and the child is gone with status CHILD_NOT_STARTED. 0 or
 * negative errno.
 */
int life_start(const struct life_child *child, struct shmsum_channel *channel,
               struct shmsum_failure *why);

/* Its process id, once it was started. */
pid_t life_child_pid(void);

/* Waits until the child has exited and returns its wait status, or the negative errno of waitpid. A
 * bit of kill_mask in the stop word kills it first. */
int life_await_child(uint32_t kill_mask);

/* Kills the child, if it still lives: for a peer that broke the protocol. */
void life_kill_child(void);

/* Whether it was us who killed it. */
bool life_killed_child(void);

/* Ends this process by `signal`, as if there were no handler, so that a shell sees it. */
_Noreturn void life_die(int signal);

#endif
