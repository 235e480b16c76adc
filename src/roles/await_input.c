/* await_input.c - sleeps until there is input, or a stop bit is set. See await_input.h. */
#include "await_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

int await_input(const struct shmsum_os *os, int fd, const char *name,
                const struct shmsum_word *stop, uint32_t stop_mask, struct shmsum_failure *why)
{
    /* All signals are blocked from before the check of the stop word until ppoll, which unblocks
     * them and waits in one step. So no handler can set the stop word in between unseen. */
    sigset_t all, before;
    sigfillset(&all);
    int result = os->sigprocmask(os, SIG_SETMASK, &all, &before);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", name, -result);
    bool stopped = (shmsum_stop_bits(stop) & stop_mask) != 0;
    struct pollfd input = {.fd = fd, .events = POLLIN};
    int ready = stopped ? 0 : os->ppoll(os, &input, 1, &before);
    result = os->sigprocmask(os, SIG_SETMASK, &before, NULL);
    if (result < 0) /* signals stay blocked: not even the child's death arrives */
        return shmsum_failure_set(why, "sigprocmask", name, -result);
    if (stopped)
        return SHMSUM_STOPPED;
    if (ready == -EINTR)
        return SHMSUM_AGAIN;
    return ready < 0 ? shmsum_failure_set(why, "ppoll", name, -ready) : 0;
}
