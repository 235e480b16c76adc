/*
 * channel.h - the two ends of the ring of slots.
 *
 * DOC: channel-protocol
 *
 * The lab's flag, once per slot (FastForward, Giacomoni, Moseley, Vachharajani 2008: each slot
 * carries its own flag, there is no shared head or tail). The producer and the consumer walk the
 * same circle of slots, each with a private index.
 *
 *              publish (producer)                 end (producer)
 *     FREE ---------------------------> READY     FREE ------------> END
 *       ^                                 |
 *       `---------------------------------'
 *             release (consumer)
 *
 * Producer: wait until the next slot is FREE; fill payload, length, source; exchange READY
 * (release). Consumer: wait until the next slot is READY (acquire); load the length once and check
 * it; copy the payload out; exchange FREE (release), either at once, so that the producer can fill
 * the slot again, or when it has dealt with the bytes, so that the producer can wait for that. END
 * is published in a slot of its own, only once that slot is FREE, and the consumer never overwrites
 * it: it cannot be lost.
 *
 * Each state belongs to one side. A side that finds a state, length, source or end reason that the
 * other had no right to write stops with -EPROTO; nothing is repaired, guessed or followed.
 *
 * Waiting: a brief spin, calibrated to about the cost of a wake, then sleep in a futex on the
 * slot's word and the stop word at once (see DOC: shared-word-wait). There is no polling, except
 * that a kernel without futex_waitv is asked to wake 20 times a second to look at the stop word.
 *
 * An end belongs to one thread. The functions know nothing of processes: two threads over one
 * mapping run the very same code. None is for signal handlers, except shmsum_stop_raise.
 */
#ifndef SHMSUM_CHANNEL_H
#define SHMSUM_CHANNEL_H

#include <shmsum/decls.h>
#include <shmsum/region.h>

SHMSUM_BEGIN_DECLS

enum shmsum_state {
    SHMSUM_FREE = 0,
    SHMSUM_READY = 1,
    SHMSUM_END = 2,
};

/* Why there is no more input. */
enum shmsum_end_reason {
    SHMSUM_END_COMPLETE = 1, /* all of it was handed over */
    SHMSUM_END_CUT = 2,      /* stopped early: an unfinished last line is not a line */
};

/*
 * A wake that the kernel refuses (a filter, a mapping that went bad) leaves the other side asleep.
 * Nobody shall wait for one who sleeps: from then on each wait of this end that would sleep, and
 * shmsum_channel_end, return the negative errno of the refused call instead. Whoever gets it stops,
 * and his end wakes the other.
 */

/* Bits of a stop word: what may end a wait. Once set they stay. */
enum shmsum_stop {
    SHMSUM_STOP_INPUT = 1, /* take no more input */
    SHMSUM_STOP_NOW = 2,   /* give up */
    SHMSUM_STOP_PEER = 4,  /* the other side is gone */
};

/* Whether the consumer wants more input. */
enum shmsum_closing {
    SHMSUM_OPEN = 0,
    SHMSUM_CLOSING = 1, /* no; but it waits to see whether there is any */
    SHMSUM_CLOSED = 2,  /* no; it will leave on its own */
};

enum shmsum_role { SHMSUM_PRODUCER, SHMSUM_CONSUMER };

struct shmsum_channel {
    const struct shmsum_os *os;
    const struct shmsum_region *region;
    enum shmsum_role role;
    struct shmsum_word *stop; /* private to this process */
    uint32_t stop_mask;       /* the bits that end this end's waits; may be changed between calls */
    uint32_t spins;           /* looks before sleeping; may be set by the caller, 0: none */
    uint32_t next;            /* index of the slot that is next */
    bool held;                /* the consumer has taken the next slot and not released it */
    bool timed;               /* the kernel cannot wait on two words */
    /* Runs before this end sleeps on a slot, in the thread that calls acquire, end or take; NULL:
     * nothing. The sleep may be long: this is the place to write out what is buffered. A negative
     * errno, with *why filled, ends the wait and is returned; not -EAGAIN or -ECANCELED. The caller
     * sets both fields. */
    int (*before_sleep)(void *context, struct shmsum_failure *why);
    void *before_sleep_context;
    int unwoken;    /* 0; or why the other side could not be woken: see below */
    uint64_t slots; /* slots published or taken, for reports */
    uint64_t slept; /* times slept in the kernel, for reports */
};

/* What the consumer found. */
struct shmsum_block {
    bool end;
    enum shmsum_end_reason end_reason; /* when end */
    uint32_t length;                   /* when not: bytes of payload, 1 .. payload_bytes */
    uint32_t source;                   /* and which input they came from; not checked here */
};

/* Sets bits in a stop word and wakes whoever sleeps on it in this process. Async-signal-safe. */
void shmsum_stop_raise(const struct shmsum_os *os, struct shmsum_word *stop, uint32_t bits);
/* The bits that are set. Async-signal-safe. */
uint32_t shmsum_stop_bits(const struct shmsum_word *stop);

/*
 * One end of the channel over a region that outlives it. stop is a word in this process's own
 * memory, zero at first; stop_mask says which of its bits end a wait of this end (with -ECANCELED).
 * Needs no clean-up. Takes some microseconds to calibrate its spin.
 */
void shmsum_channel_init(struct shmsum_channel *channel, const struct shmsum_region *region,
                         enum shmsum_role role, struct shmsum_word *stop, uint32_t stop_mask);

/* ---- the producer's end ---- */

/* Looks whether the next slot is FREE: 0 and its payload (payload_bytes of it, the producer's to
 * fill until it is published), -EAGAIN, or -EPROTO. */
int shmsum_channel_try_acquire(struct shmsum_channel *channel, uint8_t **payload,
                               struct shmsum_failure *why);
/* The same, waiting. Also -ECANCELED. Acquiring twice gives the same slot. */
int shmsum_channel_acquire(struct shmsum_channel *channel, uint8_t **payload,
                           struct shmsum_failure *why);
/* Hands the acquired slot over, with `length` (1 .. payload_bytes) bytes of input `source`. */
void shmsum_channel_publish(struct shmsum_channel *channel, uint32_t length, uint32_t source);
/* Waits for a FREE slot, whatever SHMSUM_STOP_INPUT says, and publishes END in it. 0, -ECANCELED,
 * -EPROTO, or the errno of a refused wake. After it the producer's end is done. */
int shmsum_channel_end(struct shmsum_channel *channel, enum shmsum_end_reason end_reason,
                       struct shmsum_failure *why);
/* Waits until the consumer has released every slot that was published, and so has dealt with what
 * was in them if it releases late. Not after shmsum_channel_end. 0, -ECANCELED, -EPROTO, or the
 * errno of a refused wake. */
int shmsum_channel_await_released(struct shmsum_channel *channel, struct shmsum_failure *why);
/* Waits until the consumer has attached. 0, -ECANCELED, -EPROTO. */
int shmsum_channel_await_attached(struct shmsum_channel *channel, struct shmsum_failure *why);

/* ---- the consumer's end ---- */

/* Tells the producer that the region is mapped here. */
void shmsum_channel_attached(struct shmsum_channel *channel);
/* Looks at the next slot. 0: *block tells what is in it, and its bytes were copied to
 * bytes[0..payload_bytes); the slot stays READY until shmsum_channel_release, and taking again
 * before that gives the same slot. At END, *block says so and there is nothing to release.
 * -EAGAIN: nothing there. -EPROTO. */
int shmsum_channel_try_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                            struct shmsum_failure *why);
/* The same, waiting. Also -ECANCELED: after all that had been published before the stop was taken.
 */
int shmsum_channel_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                        struct shmsum_failure *why);
/* Gives the slot that was taken back to the producer, to be filled again. */
void shmsum_channel_release(struct shmsum_channel *channel);

/* ---- words beside the ring ---- */

/* The consumer tells whether it wants more input. */
void shmsum_channel_set_closing(struct shmsum_channel *channel, enum shmsum_closing closing);
/* What it last told; SHMSUM_OPEN when that is none of the three. */
enum shmsum_closing shmsum_channel_closing(const struct shmsum_channel *channel);
/* Counter `index` (0 .. SHMSUM_REGION_COUNTERS - 1) is a 64-bit word that the consumer writes and
 * the producer reads. The library gives it no meaning. Accesses are relaxed: a counter orders
 * nothing else, and each is whole but no two are of the same moment. The producer must check what
 * it reads before it believes it. */
void shmsum_channel_set_counter(struct shmsum_channel *channel, uint32_t index, uint64_t value);
uint64_t shmsum_channel_counter(const struct shmsum_channel *channel, uint32_t index);

SHMSUM_END_DECLS

#endif
