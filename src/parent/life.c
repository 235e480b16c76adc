/* life.c - signals, and the life and death of the child. See life.h. */
#include "life.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roles/await_input.h"

/* Written by handlers, and by the main flow only while signals are blocked or before they are
 * installed. */
static struct {
    const struct shmsum_os *os;
    volatile sig_atomic_t signal; /* the first that asked for a stop */
    volatile pid_t child;
    volatile sig_atomic_t reaped;
    volatile sig_atomic_t status; /* the child's, once reaped */
    bool killed;                  /* by us */
    struct shmsum_word stop;
} life;

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof stop_signals[0] };

static void on_stop_signal(int signal)
{
    int saved = errno;
    uint32_t bit = life.signal == 0 ? SHMSUM_STOP_INPUT : SHMSUM_STOP_NOW;
    if (life.signal == 0)
        life.signal = signal;
    shmsum_stop_raise(life.os, &life.stop, bit);
    errno = saved;
}

/* Takes the child's status if it has ended; with `wait`, once it has. 0 or negative errno. */
static int reap_child(bool wait)
{
    int status;
    pid_t pid = life.os->wait_child(life.os, life.child, &status, wait);
    if (pid < 0)
        return pid;
    if (pid == life.child) {
        life.status = status;
        life.reaped = 1;
        shmsum_stop_raise(life.os, &life.stop, SHMSUM_STOP_PEER);
    }
    return 0;
}

static void on_child_death(int signal)
{
    (void)signal;
    int saved = errno;
    /* When it cannot be asked now, life_await_child asks again. */
    if (life.child > 0 && !life.reaped && reap_child(false) < 0)
        shmsum_stop_raise(life.os, &life.stop, SHMSUM_STOP_PEER);
    errno = saved;
}

static int set_handler(int signal, void (*handler)(int), int flags, struct shmsum_failure *why)
{
    /* All signals are held back while a handler runs: handlers do not meet. */
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&action.sa_mask);
    int result = life.os->set_action(life.os, signal, &action, NULL);
    return result < 0 ? shmsum_failure_set(why, "sigaction", "signal handler", -result) : 0;
}

int life_ignore(const struct shmsum_os *os, struct shmsum_failure *why)
{
    life.os = os;
    int result = set_handler(SIGPIPE, SIG_IGN, 0, why);
    return result < 0 ? result : set_handler(SIGXFSZ, SIG_IGN, 0, why);
}

/* Lets SIGCHLD in, whoever held it back. */
static int hear_child(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    return life.os->set_mask(life.os, SIG_UNBLOCK, &child, NULL);
}

int life_begin(const struct shmsum_os *os, struct shmsum_failure *why)
{
    life.os = os;
    int result = set_handler(SIGCHLD, on_child_death, SA_NOCLDSTOP, why);
    for (int i = 0; i < STOP_SIGNALS && result == 0; i++) {
        struct sigaction old;
        result = os->set_action(os, stop_signals[i], NULL, &old);
        if (result < 0)
            return shmsum_failure_set(why, "sigaction", "signal handler", -result);
        if (old.sa_handler != SIG_IGN)
            result = set_handler(stop_signals[i], on_stop_signal, 0, why);
    }
    if (result < 0)
        return result;
    result = hear_child();
    return result < 0 ? shmsum_failure_set(why, "sigprocmask", "SIGCHLD", -result) : 0;
}

struct shmsum_word *life_stop(void)
{
    return &life.stop;
}

int life_signal(void)
{
    return life.signal;
}

/* In the forked child, with all signals blocked: becomes the other program. Only async-signal-safe
 * calls. Returns the negative errno of what failed, which is in *call. */
static int become(const struct life_child *child, const sigset_t *mask,
                  enum shmsum_start_call *call)
{
    const struct shmsum_os *os = life.os;
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    *call = SHMSUM_START_SIGACTION;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        int result = os->set_action(os, ignored[i], &ignore, NULL);
        if (result < 0)
            return result;
    }
    *call = SHMSUM_START_OPEN;
    int input = child->trace > 0 ? child->trace : os->open(os, "/dev/null", O_RDONLY, 0);
    if (input < 0)
        return input;
    *call = SHMSUM_START_DUP2;
    int result = os->duplicate(os, input, 0);
    if (result >= 0 && child->results != 1)
        result = os->duplicate(os, child->results, 1);
    if (result < 0)
        return result;
    *call = SHMSUM_START_SIGPROCMASK;
    result = os->set_mask(os, SIG_SETMASK, mask, NULL);
    if (result < 0)
        return result;
    *call = SHMSUM_START_EXEC;
    return os->exec(os, child->path, child->argv, child->envp);
}

int life_start(const struct life_child *child, struct shmsum_channel *channel,
               struct shmsum_failure *why)
{
    const struct shmsum_os *os = life.os;
    sigset_t all, before;
    sigfillset(&all);
    int result = os->set_mask(os, SIG_SETMASK, &all, &before);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    pid_t pid = os->fork(os);
    if (pid == 0) {
        enum shmsum_start_call call;
        result = become(child, &before, &call);
        shmsum_channel_set_start_error(channel, call, -result);
        _exit(CHILD_NOT_STARTED);
    }
    if (pid > 0)
        life.child = pid; /* before its death can be told */
    result = os->set_mask(os, SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return shmsum_failure_set(why, "fork", child->path, -pid);
    if (result < 0) { /* deaf to all signals: better no run at all */
        life_kill_child();
        if (life.killed)
            life_await_child(0);
        return shmsum_failure_set(why, "sigprocmask", "all signals", -result);
    }
    return 0;
}

pid_t life_child_pid(void)
{
    return life.child;
}

void life_kill_child(void)
{
    sigset_t all, before;
    sigfillset(&all);
    life.os->set_mask(life.os, SIG_SETMASK, &all, &before);
    if (!life.reaped) /* its number is still its own */
        life.killed = life.os->kill(life.os, life.child, SIGKILL) == 0;
    life.os->set_mask(life.os, SIG_SETMASK, &before, NULL);
}

bool life_killed_child(void)
{
    return life.killed;
}

int life_await_child(uint32_t kill_mask)
{
    bool heard = hear_child() >= 0;
    while (!life.reaped) {
        if (shmsum_stop_bits(&life.stop) & kill_mask) {
            life_kill_child();
            kill_mask = 0;
        }
        /* One that was killed, or is told to be gone, keeps nobody waiting. Another one is waited
         * for so that a signal can end the wait; where that cannot be, so that its end does. */
        bool ends = life.killed || (shmsum_stop_bits(&life.stop) & SHMSUM_STOP_PEER) != 0;
        if (heard && !ends) {
            int waited =
                await_input(life.os, -1, NULL, &life.stop, SHMSUM_STOP_PEER | kill_mask, NULL);
            heard = waited == 0 || waited == -EINTR || waited == -ECANCELED;
        } else {
            int result = reap_child(true);
            if (result < 0 && result != -EINTR && !life.reaped)
                return result;
        }
    }
    return life.status;
}

void life_die(int signal)
{
    const struct shmsum_os *os = life.os;
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    os->set_action(os, signal, &action, NULL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    os->set_mask(os, SIG_UNBLOCK, &mask, NULL);
    os->kill(os, os->get_pid(os), signal);
    _exit(128 + signal);
}
