/*
 * producer.h - the role that reads input into the slots of the channel.
 *
 * It knows nothing of processes: the parent runs it, and so does a thread in a test. It belongs to
 * one thread. No function may be called from a signal handler.
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

/* os and channel, the producer's end, must outlive the producer. Needs no clean-up. */
void producer_init(struct producer *producer, const struct shmsum_os *os,
                   struct shmsum_channel *channel);

/*
 * Publishes all that can be read from fd, as bytes of input number `source`: of a regular file in
 * full slots, of anything else as soon as it arrives. `source` is below 2^31; beside it the slots
 * say whether fd is a terminal that may drop the end of a long line (source.h). `name` names the
 * input in messages. The caller keeps fd; its offset is where reading stopped. A stop bit ends the
 * wait for input, as it ends the wait for a slot.
 *
 * Returns 0 at the end of the input; SHMSUM_STOPPED for a stop bit; or a negative errno with *why
 * filled: of shmsum_channel_acquire, or of fstat(2), read(2), ppoll(2) or sigprocmask(2) on `name`.
 */
int producer_send(struct producer *producer, int fd, const char *name, uint32_t source,
                  struct shmsum_failure *why);

/*
 * The dialogue of the lab: writes the prompt "> " to the descriptor `terminal`, reads a line,
 * publishes it and waits until the consumer has released it, which is after the answer. Repeats
 * this until the input ends, the consumer has closed it, or a stop bit is set. All that was read by
 * then is published and answered; only SHMSUM_STOP_NOW and SHMSUM_STOP_PEER end these waits.
 * Returns as producer_send, and 0 when the consumer has closed the input.
 */
int producer_dialogue(struct producer *producer, int fd, const char *name, uint32_t source,
                      int terminal, struct shmsum_failure *why);

/* Publishes END with `end_reason`. Parameters and result are those of shmsum_channel_end; no other
 * function of the producer may follow. */
int producer_end(struct producer *producer, enum shmsum_end_reason end_reason,
                 struct shmsum_failure *why);

#endif
