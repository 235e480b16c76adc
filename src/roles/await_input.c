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
    const char *call = "sigprocmask";
    int result = os->sigprocmask(os, SIG_SETMASK, &all, &before);
    if (result >= 0) {
        if (shmsum_stop_bits(stop) & stop_mask) {
            result = -ECANCELED;
        } else {
            struct pollfd input = {.fd = fd, .events = POLLIN};
            call = "ppoll";
            result = os->ppoll(os, &input, 1, &before);
        }
        int restored = os->sigprocmask(os, SIG_SETMASK, &before, NULL);
        if (restored < 0) { /* signals stay blocked: not even the child's death arrives */
            call = "sigprocmask";
            result = restored;
        }
    }
    if (result < 0 && result != -EINTR && result != -ECANCELED)
        return shmsum_failure_set(why, call, name, -result);
    return result < 0 ? result : 0;
}
