/*
 * channel.h - the two ends of a ring of slots, through which one process passes bytes to another.
 *
 * DOC: channel-protocol
 *
 * Each slot carries its own state, the flag of the lab; there is no shared head or tail
 * (FastForward: Giacomoni, Moseley, Vachharajani, "FastForward for Efficient Pipeline Parallelism",
 * PPoPP 2008). The producer and the consumer walk the same circle of slots, each with a private
 * index.
 *
 *              publish (producer)                 end (producer)
 *     FREE ---------------------------> READY     FREE ------------> END
 *       ^                                 |
 *       `---------------------------------'
 *             release (consumer)
 *
 * Producer: wait until the next slot is FREE (acquire); fill payload, length and source; exchange
 * the state for READY (release). At the end of the input: wait until the next slot is FREE; fill
 * the end reason; exchange the state for END (release).
 *
 * Consumer: wait until the next slot is READY or END (acquire). If READY: load the length once and
 * check it; copy the payload out; exchange the state for FREE (release). The consumer may release
 * the slot at once, so that the producer can fill it again; or after it has dealt with the bytes,
 * so that the producer can wait for that.
 *
 * END has a slot of its own, and the consumer never overwrites it: END cannot be lost.
 *
 * Each side may write only the states of its own arrows. A side that reads a state, length or end
 * reason that the other side had no right to write stops with SHMSUM_BROKEN. It repairs nothing and
 * uses nothing of it.
 *
 * Waiting: a side spins for about the cost of a wake, then sleeps in a futex on the slot's state
 * and its own stop word (DOC: shared-word-wait in src/channel/shared_word.h says why no wake is
 * lost). On a kernel without futex_waitv a sleep is limited to 50 ms, and the side then checks its
 * stop word.
 *
 * A failed wake: if the kernel refuses futex_wake (a call filter, a bad mapping), the other side
 * may be asleep forever. From then on every call of this end that would sleep, and
 * shmsum_channel_end, return the negative errno of the refused call. The caller must exit; its exit
 * wakes the other side.
 *
 * Threads and signals: an end of a channel belongs to one thread. The two ends may be in one
 * process. Only shmsum_stop_raise and shmsum_stop_bits are async-signal-safe and thread-safe.
 *
 * Results: a function that can fail returns 0, a negative errno of a system call, or one of enum
 * shmsum_outcome (shmsum/os.h), which no system call returns. It fills *why, unless why is NULL,
 * for every result but 0, SHMSUM_AGAIN and SHMSUM_STOPPED.
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
    SHMSUM_END_COMPLETE = 1, /* all of it was published */
    SHMSUM_END_CUT = 2,      /* stopped early: an unfinished last line is not a line */
};

/* Bits of a stop word, each a reason to end waits. A bit that is set stays set. */
enum shmsum_stop {
    SHMSUM_STOP_INPUT = 1, /* take no more input */
    SHMSUM_STOP_NOW = 2,   /* give up */
    SHMSUM_STOP_PEER = 4,  /* the other side has died */
};

/* Whether the consumer takes more input. */
enum shmsum_closing {
    SHMSUM_OPEN = 0,
    SHMSUM_CLOSING = 1, /* no: a blank line came; it still reads, to warn of unread input */
    SHMSUM_CLOSED = 2,  /* no, and it exits by itself */
};

enum shmsum_role { SHMSUM_PRODUCER, SHMSUM_CONSUMER };

/* One end of the channel: private memory of its process. Callers may set the fields marked "may
 * be set between calls"; the others are read-only. */
struct shmsum_channel {
    const struct shmsum_os *os;
    const struct shmsum_region *region;
    enum shmsum_role role;
    struct shmsum_word *stop; /* the stop word of this end */
    uint32_t stop_mask;       /* bits of it that end waits; may be set between calls */
    uint32_t spins; /* loads of a word before a sleep, 0: none; may be set between calls */
    uint32_t next;  /* index of the next slot, 0 .. slots - 1 of the geometry */
    bool held;      /* the consumer has taken the next slot and not released it */
    bool timed;     /* the kernel has no futex_waitv */
    /* Runs in the calling thread when acquire, end or take found nothing while spinning, before a
     * possible sleep; NULL: nothing. May be set between calls. The sleep may be long, so this is
     * the place to write out a buffer. A negative errno, with *why filled, ends the call and
     * becomes its result. */
    int (*before_sleep)(void *context, struct shmsum_failure *why);
    void *before_sleep_context;
    int wake_error; /* 0, or the negative errno of the first failed wake */
    uint64_t slots; /* count of slots published or released, END excepted */
    uint64_t slept; /* count of sleeps in the kernel */
};

/* What the consumer found in a slot. */
struct shmsum_block {
    bool end;
    enum shmsum_end_reason end_reason; /* if end */
    uint32_t length;                   /* if not end: bytes of payload, 1 .. payload_bytes */
    uint32_t source;                   /* if not end: as published, not checked */
};

/*
 * Sets `bits` (of enum shmsum_stop) in a stop word and wakes the thread of this process that sleeps
 * on it. Best effort: it ignores a failed wake. Async-signal-safe, thread-safe.
 */
void shmsum_stop_raise(const struct shmsum_os *os, struct shmsum_word *stop, uint32_t bits);

/* Returns the bits that are set. Async-signal-safe, thread-safe. */
uint32_t shmsum_stop_bits(const struct shmsum_word *stop);

/*
 * Makes *channel an end of the channel over `region`. `stop` is a word in the memory of this
 * process, zero at first, whose bits in `stop_mask` end every wait of this end with SHMSUM_STOPPED.
 * region and stop must outlive the channel. Calibrates the spin, which takes some microseconds.
 * Needs no clean-up.
 */
void shmsum_channel_init(struct shmsum_channel *channel, const struct shmsum_region *region,
                         enum shmsum_role role, struct shmsum_word *stop, uint32_t stop_mask);

/* ---- the producer's end ---- */

/*
 * Acquires the next slot if it is FREE. Sets *payload to its payload_bytes bytes, which the
 * producer may fill until shmsum_channel_publish. Returns 0; SHMSUM_AGAIN if the slot is READY;
 * SHMSUM_BROKEN. A second call without a publish gives the same slot.
 */
int shmsum_channel_try_acquire(struct shmsum_channel *channel, uint8_t **payload,
                               struct shmsum_failure *why);

/*
 * Waits for the next slot and acquires it, as shmsum_channel_try_acquire. Returns 0; SHMSUM_STOPPED
 * for a stop bit; SHMSUM_BROKEN; the errno of before_sleep, of a failed futex call or of an earlier
 * failed wake.
 */
int shmsum_channel_acquire(struct shmsum_channel *channel, uint8_t **payload,
                           struct shmsum_failure *why);

/*
 * Publishes the acquired slot with the first `length` bytes of its payload, 1 .. payload_bytes.
 * `source` says where they are from, any number. A failed wake is reported by the next call that
 * would sleep, and by shmsum_channel_end.
 */
void shmsum_channel_publish(struct shmsum_channel *channel, uint32_t length, uint32_t source);

/*
 * Waits until the consumer has released every slot that was published. If the consumer releases a
 * slot after it has dealt with the bytes, this waits for that. Not after shmsum_channel_end.
 * Returns 0; SHMSUM_STOPPED; SHMSUM_BROKEN; the errno of a failed futex call or of an earlier
 * failed wake.
 */
int shmsum_channel_await_released(struct shmsum_channel *channel, struct shmsum_failure *why);

/*
 * Waits for the next slot, whatever SHMSUM_STOP_INPUT says, and publishes END in it. Returns as
 * shmsum_channel_acquire, and the errno of a failed wake. Call no other function of the producer's
 * end afterwards.
 */
int shmsum_channel_end(struct shmsum_channel *channel, enum shmsum_end_reason end_reason,
                       struct shmsum_failure *why);

/* Waits until the consumer has called shmsum_channel_attached. Returns as
 * shmsum_channel_await_released. */
int shmsum_channel_await_attached(struct shmsum_channel *channel, struct shmsum_failure *why);

/* ---- the consumer's end ---- */

/* Reports to the producer that the consumer has mapped the region. */
void shmsum_channel_attached(struct shmsum_channel *channel);

/*
 * Takes the next slot if it is READY: copies its payload to `bytes`, which has room for
 * payload_bytes, and describes it in *block. The slot stays READY until shmsum_channel_release; a
 * second call before that takes the same slot. At END, *block says so; there is nothing to release,
 * and further calls find END again. Returns 0; SHMSUM_AGAIN if the slot is FREE; SHMSUM_BROKEN.
 */
int shmsum_channel_try_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                            struct shmsum_failure *why);

/*
 * Waits for the next slot and takes it, as shmsum_channel_try_take. Returns 0; SHMSUM_STOPPED for a
 * stop bit, after every slot that was published before the stop; SHMSUM_BROKEN; the errno of
 * before_sleep, of a failed futex call or of an earlier failed wake.
 */
int shmsum_channel_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                        struct shmsum_failure *why);

/* Releases the slot that was taken: the producer may fill it again. A failed wake is reported by
 * the next call that would sleep. */
void shmsum_channel_release(struct shmsum_channel *channel);

/* ---- words beside the ring ---- */

/* The consumer reports whether it takes more input. A release orders this for
 * shmsum_channel_await_released. */
void shmsum_channel_set_closing(struct shmsum_channel *channel, enum shmsum_closing closing);

/* Returns what the consumer reported last; SHMSUM_OPEN for a value that is none of the three. */
enum shmsum_closing shmsum_channel_closing(const struct shmsum_channel *channel);

/*
 * Counter `index` (0 .. SHMSUM_REGION_COUNTERS - 1) is a 64-bit word that the consumer writes and
 * the producer reads. The library gives it no meaning. Accesses are relaxed: each value is whole,
 * but a counter orders nothing, and two counters may be of different moments. The producer must
 * check what it reads.
 */
void shmsum_channel_set_counter(struct shmsum_channel *channel, uint32_t index, uint64_t value);
uint64_t shmsum_channel_counter(const struct shmsum_channel *channel, uint32_t index);

SHMSUM_END_DECLS

#endif
