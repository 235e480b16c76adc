/*
 * child_process.h - the child as a process: fork and exec, its death, waiting for it, killing it.
 *
 * There is one child per process, because the handler of SIGCHLD gets no argument of ours.
 *
 * A start that fails is reported through a pipe, as libuv and s6 do it. Both ends are
 * close-on-exec, so a successful exec closes the pipe without a word. When the exec, or a call
 * before it, fails, the forked child writes which call it was and its errno, and exits with
 * CHILD_NOT_STARTED. The parent reads the pipe once, when the child has ended. The pipe is
 * non-blocking: whatever keeps its writing end open, neither side can hang on it.
 */
#ifndef SHMSUM_SRC_PARENT_CHILD_PROCESS_H
#define SHMSUM_SRC_PARENT_CHILD_PROCESS_H

#include <shmsum/channel.h>

/* The child's exit status when it could not exec the other program. */
enum { CHILD_NOT_STARTED = 127 };

/* What to exec, and the descriptors that the child gets. */
struct child_program {
    const char *path; /* valid for the rest of the process: messages name it */
    char **argv;      /* not owned, nor is envp */
    char **envp;
    int results; /* the descriptor that becomes its standard output */
    int trace;   /* the descriptor that becomes its standard input; 0: none, it reads /dev/null */
};

/*
 * fork and exec. The child ignores SIGQUIT and begins with SIGINT, SIGTERM and SIGHUP blocked (or
 * ignored, as this process), because the parent decides when to stop. After signals_catch. 0, or a
 * negative errno with *why filled; a call that fails in the forked child is not among these: see
 * child_start_failed.
 */
int child_start(const struct shmsum_os *os, const struct child_program *program,
                struct shmsum_failure *why);

/* The child has attached, so its start did not fail: closes the pipe. */
void child_attached(void);

/* After child_wait: whether the forked child reported that a call failed before it was the other
 * program; then *why is filled with that call. Never after child_attached. */
bool child_start_failed(struct shmsum_failure *why);

/* The handler of SIGCHLD: reaps the child if it has ended, and raises SHMSUM_STOP_PEER. */
void child_on_death(int signal);

/* Its process id, after child_start. */
pid_t child_pid(void);

/* Waits until the child has ended and returns its wait status, or the negative errno of waitpid. A
 * bit of kill_mask in the stop word kills the child first. Closes the pipe. */
int child_wait(uint32_t kill_mask);

/* Kills the child, if it still lives: for a peer that broke the protocol. */
void child_kill(void);

/* Whether child_kill killed it. */
bool child_killed_by_us(void);

#endif
