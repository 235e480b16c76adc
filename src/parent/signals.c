/* signals.c - the signals of the parent. See signals.h. Called by main, verdict and child_process;
 * the kernel calls the handlers. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "child_process.h"

/* Written by handlers. All signals are blocked while a handler runs, so handlers do not nest. */
static struct {
    const struct shmsum_os *os;
    volatile sig_atomic_t first; /* the first signal that asked for a stop */
    unsigned tick_ms;            /* until the next tick */
    struct shmsum_word stop;
} signals;

enum { TICK_MS = 5, TICK_MAX_MS = 60 * 1000 };

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof stop_signals[0] };

static int set_handler(const struct shmsum_os *os, int signal, void (*handler)(int), int flags,
                       struct shmsum_failure *why)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&action.sa_mask);
    int result = os->sigaction(os, signal, &action, NULL);
    return result < 0 ? shmsum_failure_set(why, "sigaction", "signal handler", -result) : 0;
}

/* ---- ticks: SIGALRM interrupts a wait that began between the check of the stop word and it ----
 *
 * After one signal the time between two ticks doubles, so that a call that takes longer and starts
 * again when it is interrupted succeeds in the end. After two the time stays: an interrupted call
 * is given up. */

static void on_tick(int signal)
{
    (void)signal;
    int saved = errno;
    if (signals.first != 0) { /* else another process sent it */
        bool doubles = (shmsum_stop_bits(&signals.stop) & SHMSUM_STOP_NOW) == 0;
        if (doubles && signals.tick_ms < TICK_MAX_MS)
            signals.tick_ms *= 2;
        signals.os->setitimer(signals.os, signals.tick_ms);
    }
    errno = saved;
}

/* Before the first signal SIGALRM is nothing of ours: its default action ends the run. */
static void begin_ticks(void)
{
    signals.tick_ms = TICK_MS;
    if (set_handler(signals.os, SIGALRM, on_tick, 0, NULL) == 0)
        signals.os->setitimer(signals.os, signals.tick_ms);
}

static void on_stop_signal(int signal)
{
    int saved = errno;
    uint32_t bit = signals.first == 0 ? SHMSUM_STOP_INPUT : SHMSUM_STOP_NOW;
    if (signals.first == 0)
        signals.first = signal;
    shmsum_stop_raise(signals.os, &signals.stop, bit);
    begin_ticks();
    errno = saved;
}

/* Unblocks SIGCHLD; and SIGALRM, if the caller had blocked it, with a handler that does nothing. */
static int unblock(const struct shmsum_os *os, struct shmsum_failure *why)
{
    sigset_t mask, before;
    sigemptyset(&before);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    int result = os->sigprocmask(os, SIG_UNBLOCK, &mask, &before);
    if (result >= 0 && sigismember(&before, SIGALRM) == 1) {
        result = set_handler(os, SIGALRM, on_tick, 0, why);
        if (result < 0)
            return result;
        sigaddset(&mask, SIGALRM);
        result = os->sigprocmask(os, SIG_UNBLOCK, &mask, NULL);
    }
    return result < 0 ? shmsum_failure_set(why, "sigprocmask", "SIGCHLD", -result) : 0;
}

int signals_ignore(const struct shmsum_os *os, struct shmsum_failure *why)
{
    int result = set_handler(os, SIGPIPE, SIG_IGN, 0, why);
    return result < 0 ? result : set_handler(os, SIGXFSZ, SIG_IGN, 0, why);
}

int signals_unblock_child(const struct shmsum_os *os)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    return os->sigprocmask(os, SIG_UNBLOCK, &mask, NULL);
}

int signals_catch(const struct shmsum_os *os, struct shmsum_failure *why)
{
    signals.os = os;
    int result = set_handler(os, SIGCHLD, child_on_death, SA_NOCLDSTOP, why);
    for (int i = 0; i < STOP_SIGNALS && result == 0; i++) {
        struct sigaction old;
        result = os->sigaction(os, stop_signals[i], NULL, &old);
        if (result < 0)
            return shmsum_failure_set(why, "sigaction", "signal handler", -result);
        if (old.sa_handler != SIG_IGN)
            result = set_handler(os, stop_signals[i], on_stop_signal, 0, why);
    }
    return result < 0 ? result : unblock(os, why);
}

struct shmsum_word *signals_stop_word(void)
{
    return &signals.stop;
}

int signals_first(void)
{
    return signals.first;
}

void signals_die(const struct shmsum_os *os, int signal)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    os->sigaction(os, signal, &action, NULL);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    os->sigprocmask(os, SIG_UNBLOCK, &mask, NULL);
    os->kill(os, os->getpid(os), signal);
    _exit(128 + signal);
}
