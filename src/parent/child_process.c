/* child_process.c - the child as a process. See child_process.h. Called by main, and by the kernel
 * when the child dies. */
#include "child_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roles/await_input.h"
#include "signals.h"

/* Written by child_on_death, and by the main flow only while signals are blocked or before the
 * fork. */
static struct {
    const struct shmsum_os *os;
    volatile pid_t pid;           /* 0: not started */
    volatile sig_atomic_t reaped; /* then status is valid */
    volatile sig_atomic_t status; /* its wait status */
    bool killed;                  /* by us */
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
    /* When it cannot be asked now, child_wait asks again. */
    if (child.pid > 0 && !child.reaped && reap_child(false) < 0)
        shmsum_stop_raise(child.os, signals_stop_word(), SHMSUM_STOP_PEER);
    errno = saved;
}

/* In the forked child, with all signals blocked: becomes the other program. Only async-signal-safe
 * calls. Returns the negative errno of what failed, which is in *call. */
static int become(const struct shmsum_os *os, const struct child_program *program,
                  const sigset_t *mask, enum shmsum_start_call *call)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    *call = SHMSUM_START_SIGACTION;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        int result = os->sigaction(os, ignored[i], &ignore, NULL);
        if (result < 0)
            return result;
    }
    *call = SHMSUM_START_OPEN;
    int input = program->trace > 0 ? program->trace : os->open(os, "/dev/null", O_RDONLY, 0);
    if (input < 0)
        return input;
    *call = SHMSUM_START_DUP2;
    int result = os->dup2(os, input, 0);
    if (result >= 0 && program->results != 1)
        result = os->dup2(os, program->results, 1);
    if (result < 0)
        return result;
    *call = SHMSUM_START_SIGPROCMASK;
    result = os->sigprocmask(os, SIG_SETMASK, mask, NULL);
    if (result < 0)
        return result;
    *call = SHMSUM_START_EXEC;
    return os->execve(os, program->path, program->argv, program->envp);
}

int child_start(const struct shmsum_os *os, const struct child_program *program,
                struct shmsum_channel *channel, struct shmsum_failure *why)
{
    child.os = os;
    sigset_t all, before;
    sigfillset(&all);
    int result = os->sigprocmask(os, SIG_SETMASK, &all, &before);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    pid_t pid = os->fork(os);
    if (pid == 0) {
        enum shmsum_start_call call;
        result = become(os, program, &before, &call);
        shmsum_channel_set_start_error(channel, call, -result);
        _exit(CHILD_NOT_STARTED);
    }
    if (pid > 0)
        child.pid = pid; /* before its death can be told */
    result = os->sigprocmask(os, SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return shmsum_failure_set(why, "fork", program->path, -pid);
    if (result < 0) { /* deaf to all signals: better no run at all */
        child_kill();
        if (child.killed)
            child_wait(0);
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    }
    return 0;
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
    if (!child.reaped) /* its number is still its own */
        child.killed = child.os->kill(child.os, child.pid, SIGKILL) == 0;
    child.os->sigprocmask(child.os, SIG_SETMASK, &before, NULL);
}

bool child_killed_by_us(void)
{
    return child.killed;
}

int child_wait(uint32_t kill_mask)
{
    bool heard = signals_unblock_child(child.os) >= 0;
    while (!child.reaped) {
        if (shmsum_stop_bits(signals_stop_word()) & kill_mask) {
            child_kill();
            kill_mask = 0;
        }
        /* One that was killed, or is told to be gone, keeps nobody waiting. Another one is waited
         * for so that a signal can end the wait; where that cannot be, so that its end does. */
        bool ends = child.killed || (shmsum_stop_bits(signals_stop_word()) & SHMSUM_STOP_PEER) != 0;
        if (heard && !ends) {
            int waited = await_input(child.os, -1, NULL, signals_stop_word(),
                                     SHMSUM_STOP_PEER | kill_mask, NULL);
            heard = waited == 0 || waited == -EINTR || waited == -ECANCELED;
        } else {
            int result = reap_child(true);
            if (result < 0 && result != -EINTR && !child.reaped)
                return result;
        }
    }
    return child.status;
}
