/* child_process.c - the child as a process. See child_process.h. Called by start, main and
 * verdict, and by the kernel when the child dies. */
#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/retry.h"
#include "roles/await_input.h"
#include "signals.h"

/* What the forked child does on its way to the other program. */
enum step { STEP_SIGACTION, STEP_OPEN, STEP_DUP2, STEP_SIGPROCMASK, STEP_EXEC, STEPS };

/* A step that failed, as it goes through the pipe. Both sides are this very program. */
struct failed_step {
    uint32_t step;
    uint32_t error; /* positive errno */
};
enum { ERRNO_MAX = 4095 }; /* of the kernel */

/* Written by child_on_death, and by the main flow only while signals are blocked or before the
 * fork. */
static struct {
    const struct shmsum_os *os;
    volatile pid_t pid;           /* 0: not started */
    volatile sig_atomic_t reaped; /* then status is valid */
    volatile sig_atomic_t status; /* its wait status */
    bool killed;                  /* by us */

    /* The handler does not touch these. */
    const char *path;          /* of its program */
    int pipe;                  /* the reading end; 0: closed */
    struct failed_step failed; /* what came out of it; error 0: nothing, or nothing that is valid */
} child;

/* Takes the child's status if it has ended; with `wait`, once it has. 0 or negative errno. */
static int reap_child(bool wait)
{
    int status;
    pid_t pid = child.os->waitpid(child.os, child.pid, &status, wait);
    if (pid < 0)
        return pid;
    if (pid == child.pid) {
        child.status = status;
        child.reaped = 1;
        shmsum_stop_raise(child.os, signals_stop_word(), SHMSUM_STOP_PEER);
    }
    return 0;
}

void child_on_death(int signal)
{
    (void)signal;
    int saved = errno;
    /* When waitpid fails now, child_wait calls it again. */
    if (child.pid > 0 && !child.reaped && reap_child(false) < 0)
        shmsum_stop_raise(child.os, signals_stop_word(), SHMSUM_STOP_PEER);
    errno = saved;
}

/* ---- in the forked child: only async-signal-safe calls ---- */

/* With all signals blocked: becomes the other program. Returns the step that failed. */
static struct failed_step become(const struct shmsum_os *os, const struct child_program *program,
                                 const sigset_t *mask)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    int result = os->sigaction(os, SIGQUIT, &ignore, NULL);
    if (result < 0)
        return (struct failed_step){STEP_SIGACTION, (uint32_t)-result};
    int input = program->trace > 0 ? program->trace : os->open(os, "/dev/null", O_RDONLY, 0);
    if (input < 0)
        return (struct failed_step){STEP_OPEN, (uint32_t)-input};
    result = os->dup2(os, input, 0);
    if (result >= 0 && program->results != 1)
        result = os->dup2(os, program->results, 1);
    if (result < 0)
        return (struct failed_step){STEP_DUP2, (uint32_t)-result};
    /* The signals to stop stay blocked until the other program has handlers, or ignored. */
    sigset_t blocked = *mask;
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    result = os->sigprocmask(os, SIG_SETMASK, &blocked, NULL);
    if (result < 0)
        return (struct failed_step){STEP_SIGPROCMASK, (uint32_t)-result};
    result = os->execve(os, program->path, program->argv, program->envp);
    return (struct failed_step){STEP_EXEC, (uint32_t)-result};
}

/* One write: a pipe takes so few bytes whole or not at all. When it fails there is no other way to
 * report anything; the parent still sees the exit status. */
static void report_failed_step(const struct shmsum_os *os, int pipe,
                               const struct failed_step *failed)
{
    ssize_t wrote;
    RETRY(wrote, os->write(os, pipe, failed, sizeof *failed));
}

/* ---- in the parent ---- */

static void close_pipe(void)
{
    if (child.pipe > 0)
        child.os->close(child.os, child.pipe);
    child.pipe = 0;
}

/* Takes what the forked child reported, if it did. */
static void read_pipe(void)
{
    if (child.pipe <= 0)
        return;
    struct {
        struct failed_step failed;
        uint8_t more; /* so that a report that is too long has another size */
    } report;
    ssize_t got;
    RETRY(got, child.os->read(child.os, child.pipe, &report, sizeof report));
    /* An error of 0 is no failure, and so no report. */
    bool is_valid = got == (ssize_t)sizeof report.failed && report.failed.step < STEPS &&
                    report.failed.error <= ERRNO_MAX;
    if (is_valid)
        child.failed = report.failed;
    close_pipe();
}

/* fork and exec, with the writing end of the pipe. */
static int fork_child(const struct child_program *program, int pipe, struct shmsum_failure *why)
{
    const struct shmsum_os *os = child.os;
    sigset_t all, before;
    sigfillset(&all);
    int result = os->sigprocmask(os, SIG_SETMASK, &all, &before);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    /* The C library blocks signals, too (glibc 2.41: in getrandom). If it could not restore the
     * mask, SIGCHLD is blocked, and this process would wait forever for a child that has ended. */
    sigdelset(&before, SIGCHLD);
    pid_t pid = os->fork(os);
    if (pid == 0) {
        struct failed_step failed = become(os, program, &before);
        report_failed_step(os, pipe, &failed);
        _exit(CHILD_NOT_STARTED);
    }
    if (pid > 0)
        child.pid = pid; /* before SIGCHLD is unblocked */
    result = os->sigprocmask(os, SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return shmsum_failure_set(why, "fork", program->path, -pid);
    if (result < 0) { /* All signals stay blocked: do not run without them. */
        child_kill();
        if (child.killed)
            child_wait(0);
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    }
    return 0;
}

int child_start(const struct shmsum_os *os, const struct child_program *program,
                struct shmsum_failure *why)
{
    int ends[2];
    int result = os->pipe(os, ends);
    if (result < 0)
        return shmsum_failure_set(why, "pipe", "start of the child", -result);
    child.os = os;
    child.path = program->path;
    child.pipe = ends[0];
    result = fork_child(program, ends[1], why);
    os->close(os, ends[1]);
    if (result < 0)
        close_pipe();
    return result;
}

void child_attached(void)
{
    close_pipe();
}

bool child_start_failed(struct shmsum_failure *why)
{
    const struct {
        const char *call, *object;
    } steps[STEPS] = {
        [STEP_SIGACTION] = {"sigaction", "signals of the child"},
        [STEP_OPEN] = {"open", "/dev/null, for the child"},
        [STEP_DUP2] = {"dup2", "standard input or output of the child"},
        [STEP_SIGPROCMASK] = {"sigprocmask", "signals of the child"},
        [STEP_EXEC] = {"exec", child.path},
    };
    const struct failed_step *failed = &child.failed;
    if (failed->error == 0)
        return false;
    shmsum_failure_set(why, steps[failed->step].call, steps[failed->step].object,
                       (int)failed->error);
    return true;
}

pid_t child_pid(void)
{
    return child.pid;
}

void child_kill(void)
{
    sigset_t all, before;
    sigfillset(&all);
    child.os->sigprocmask(child.os, SIG_SETMASK, &all, &before);
    if (!child.reaped) /* its process id is still its own */
        child.killed = child.os->kill(child.os, child.pid, SIGKILL) == 0;
    child.os->sigprocmask(child.os, SIG_SETMASK, &before, NULL);
}

bool child_killed_by_us(void)
{
    return child.killed;
}

/* 0 once the child is reaped, or the negative errno of waitpid. */
static int await_end(uint32_t kill_mask)
{
    bool heard = signals_unblock_child(child.os) >= 0;
    while (!child.reaped) {
        if (shmsum_stop_bits(signals_stop_word()) & kill_mask) {
            child_kill();
            kill_mask = 0;
        }
        /* If the child was killed or has reportedly exited, waitpid returns soon. Otherwise use
         * ppoll so that a signal can interrupt; if that is unavailable, block in waitpid. */
        bool ends = child.killed || (shmsum_stop_bits(signals_stop_word()) & SHMSUM_STOP_PEER) != 0;
        if (heard && !ends) {
            int waited = await_input(child.os, -1, NULL, signals_stop_word(),
                                     SHMSUM_STOP_PEER | kill_mask, NULL);
            heard = waited == 0 || waited == SHMSUM_AGAIN || waited == SHMSUM_STOPPED;
        } else {
            int result = reap_child(true);
            if (result < 0 && result != -EINTR && !child.reaped)
                return result;
        }
    }
    return 0;
}

int child_wait(uint32_t kill_mask)
{
    int result = await_end(kill_mask);
    read_pipe();
    return result < 0 ? result : child.status;
}
