/* await_input.c - sleeping until there is input, or a reason to stop. See await_input.h. */
#include "await_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

int await_input(const struct shmsum_os *os, int fd, const struct shmsum_word *stop,
                uint32_t stop_mask)
{
    /* Signals are held back between the look at the stop word and the wait, which lets them in
     * again by itself: none can slip in between and leave us asleep. */
    sigset_t all, before;
    sigfillset(&all);
    int result = os->set_mask(os, SIG_SETMASK, &all, &before);
    if (result < 0)
        return result;
    if (shmsum_stop_bits(stop) & stop_mask) {
        result = -ECANCELED;
    } else {
        struct pollfd input = {.fd = fd, .events = POLLIN};
        result = os->poll(os, &input, 1, &before);
    }
    os->set_mask(os, SIG_SETMASK, &before, NULL);
    return result < 0 ? result : 0;
}
