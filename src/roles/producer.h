/*
 * producer.h - the role that reads input straight into the slots of the channel.
 *
 * Knows nothing of processes: the parent runs it, and so does a thread in a test.
 */
#ifndef SHMSUM_SRC_PRODUCER_H
#define SHMSUM_SRC_PRODUCER_H

#include <shmsum/channel.h>

#include "observer.h"

struct producer {
    const struct shmsum_os *os;
    struct shmsum_channel *channel;
    struct observer *observers; /* the first, or NULL */
    uint64_t bytes;             /* published */
};

void producer_init(struct producer *producer, const struct shmsum_os *os,
                   struct shmsum_channel *channel);

/*
 * Hands over all that can be read from fd, as input number `source`: from a regular file in full
 * slots, from anything else as soon as it comes. Waiting for input ends as waiting for the channel
 * does. fd's offset is where reading stopped.
 * Returns 0 at the end of the input; -ECANCELED on a stop bit; or a negative errno with *why
 * filled: those of shmsum_channel_acquire, and of read(2) and ppoll(2) on `name`.
 */
int producer_send(struct producer *producer, int fd, const char *name, uint32_t source,
                  struct shmsum_failure *why);

/*
 * The lab's dialogue: writes "> " to `terminal`, reads a line, hands it over and waits until the
 * consumer is done with it, until the input ends or the consumer wants no more. Returns as above.
 */
int producer_dialogue(struct producer *producer, int fd, const char *name, uint32_t source,
                      int terminal, struct shmsum_failure *why);

/* Publishes END, and why there is no more input. Parameters and result are those of
 * shmsum_channel_end. Afterwards the producer is done. */
int producer_end(struct producer *producer, enum shmsum_end_reason end_reason,
                 struct shmsum_failure *why);

#endif
