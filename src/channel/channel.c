/*
 * channel.c - the two ends of the ring of slots. channel.h specifies the protocol.
 *
 * The producer and the consumer role call it, as processes or as threads. It allocates nothing. It
 * loses no wake and no END. It makes no system call while the other side keeps up. It checks every
 * word of the other side before it uses it.
 *
 * Where is what: spinning and sleeping on one word, and waking (word_spin, word_sleep,
 * word_publish); the wait for the next slot (wait_for_slot); the producer's end; the consumer's
 * end; the words beside the ring.
 */
#include <shmsum/channel.h>

#include <assert.h>
#include <errno.h>

#include "cpu_relax.h"
#include "shared_word.h"

enum {
    SPIN_NS = 50000,         /* about the cost of a wake across CPUs of a virtual machine */
    CALIBRATION_LOADS = 256, /* take some microseconds */
    STOP_CHECK_MS = 50,      /* limit of a sleep without futex_waitv */
};

void shmsum_stop_raise(const struct shmsum_os *os, struct shmsum_word *stop, uint32_t bits)
{
    /* pairs with the acquire in word_sleep and shmsum_stop_bits */
    shared_or_release(stop, bits);
    os->futex_wake(os, stop);
}

uint32_t shmsum_stop_bits(const struct shmsum_word *stop)
{
    return shared_load_acquire(stop); /* pairs with the release in shmsum_stop_raise */
}

/* Measures how many loads of a word take SPIN_NS. 0 with one CPU: a spin would only delay the other
 * side. */
static uint32_t calibrate(const struct shmsum_os *os, const struct shmsum_word *word)
{
    if (os->cpu_count(os) < 2)
        return 0;
    uint64_t begin = os->clock_ns(os);
    for (int i = 0; i < CALIBRATION_LOADS; i++) {
        (void)shared_load_relaxed(word);
        cpu_relax();
    }
    uint64_t took = os->clock_ns(os) - begin;
    if (took < CALIBRATION_LOADS) /* the clock is too coarse: assume 1 ns for each load */
        took = CALIBRATION_LOADS;
    return (uint32_t)((uint64_t)SPIN_NS * CALIBRATION_LOADS / took);
}

void shmsum_channel_init(struct shmsum_channel *channel, const struct shmsum_region *region,
                         enum shmsum_role role, struct shmsum_word *stop, uint32_t stop_mask)
{
    *channel = (struct shmsum_channel){
        .os = region->os,
        .region = region,
        .role = role,
        .stop = stop,
        .stop_mask = stop_mask,
        .spins = calibrate(region->os, stop),
    };
}

static int broken(struct shmsum_failure *why, const char *what)
{
    return shmsum_failure_set(why, "protocol", what, -SHMSUM_BROKEN);
}

/* ---- one word: waiting until its value (without WAIT) is no longer `seen`, and waking ---- */

static bool has_changed(uint32_t now, uint32_t seen)
{
    return (now & ~SHARED_WORD_WAIT) != seen;
}

/* Returns whether the word changed within channel->spins loads. The loads are relaxed, because the
 * caller loads the word again with acquire. */
static bool word_spin(struct shmsum_channel *channel, struct shmsum_word *word, uint32_t seen)
{
    for (uint32_t i = 0; i < channel->spins; i++) {
        if (has_changed(shared_load_relaxed(word), seen))
            return true;
        if (shared_load_relaxed(channel->stop) & channel->stop_mask)
            return false; /* word_sleep reports the stop */
        cpu_relax();
    }
    return false;
}

/* Sleeps until the word has changed. Returns 0, SHMSUM_STOPPED for a stop bit, or another negative
 * errno. DOC: shared-word-wait says why no wake is lost. */
static int word_sleep(struct shmsum_channel *channel, struct shmsum_word *word, uint32_t seen)
{
    const struct shmsum_os *os = channel->os;
    for (;;) {
        /* An earlier wake failed: the other side may be asleep forever, so do not wait for it. */
        if (channel->wake_error < 0)
            return channel->wake_error;
        uint32_t stop = shared_load_acquire(channel->stop); /* pairs with shmsum_stop_raise */
        if (stop & channel->stop_mask)
            return SHMSUM_STOPPED;
        uint32_t now = shared_load_relaxed(word); /* the caller loads it with acquire */
        if (has_changed(now, seen))
            return 0;
        if (!(now & SHARED_WORD_WAIT) && !shared_set_wait(word, seen))
            continue;
        channel->slept++;
        int result;
        if (channel->timed) {
            result = os->futex_wait(os, word, seen | SHARED_WORD_WAIT, STOP_CHECK_MS);
        } else {
            /* The kernel compares the stop word with the value that was checked above: a bit that
             * was set since then ends the call at once. */
            result = os->futex_waitv(os, word, seen | SHARED_WORD_WAIT, channel->stop, stop);
            /* EPERM: the answer of call filters that are older than futex_waitv */
            if (result == -ENOSYS || result == -EPERM) {
                channel->timed = true;
                continue;
            }
        }
        if (result < 0 && result != -EAGAIN && result != -EINTR && result != -ETIMEDOUT)
            return result;
    }
}

/* Reports that a wait for `object` ended with `result`, negative. A stop is no failure: the stop
 * word says why. */
static int wait_failed(struct shmsum_failure *why, const char *object, int result)
{
    return result == SHMSUM_STOPPED ? result : shmsum_failure_set(why, "futex", object, -result);
}

static int word_wait(struct shmsum_channel *channel, struct shmsum_word *word, uint32_t seen)
{
    return word_spin(channel, word, seen) ? 0 : word_sleep(channel, word, seen);
}

static void wake(struct shmsum_channel *channel, const struct shmsum_word *word)
{
    int result = channel->os->futex_wake(channel->os, word);
    if (result < 0)
        channel->wake_error = result;
}

/* Gives the word its new value and wakes the other side if it sleeps on the word. */
static void word_publish(struct shmsum_channel *channel, struct shmsum_word *word, uint32_t value)
{
    /* pairs with the acquire of the side that waits for this value */
    uint32_t old = shared_exchange_release(word, value);
    if (old & SHARED_WORD_WAIT)
        wake(channel, word);
}

/* ---- slots ---- */

static struct shmsum_slot *next_slot(const struct shmsum_channel *channel)
{
    return shmsum_region_slot(channel->region, channel->next);
}

static void advance(struct shmsum_channel *channel)
{
    channel->next = channel->next + 1 == channel->region->geometry.slots ? 0 : channel->next + 1;
    channel->slots++;
}

/* The state in which the next slot belongs to the other side. */
static uint32_t their_state(const struct shmsum_channel *channel)
{
    return channel->role == SHMSUM_PRODUCER ? SHMSUM_READY : SHMSUM_FREE;
}

/* The wait of acquire, end and take: waits while the next slot belongs to the other side. Returns
 * 0, and the caller loads the slot's state again; or a negative errno. */
static int wait_for_slot(struct shmsum_channel *channel, struct shmsum_failure *why)
{
    uint32_t seen = their_state(channel);
    if (word_spin(channel, &next_slot(channel)->state, seen))
        return 0;
    if (channel->before_sleep != NULL) {
        int result = channel->before_sleep(channel->before_sleep_context, why);
        if (result < 0)
            return result;
    }
    /* DOC: channel-batched-wake
     * The consumer sleeps on the next slot, to get the first byte at once. The producer has found
     * the ring full: all slots are READY, and the consumer frees them in order. The producer sleeps
     * on the slot half a ring ahead: when that slot is FREE, so are all before it, and one wake
     * serves half a ring. */
    uint32_t ahead = channel->role == SHMSUM_PRODUCER ? channel->region->geometry.slots / 2 : 0;
    uint32_t at = (channel->next + ahead) % channel->region->geometry.slots;
    struct shmsum_word *word = &shmsum_region_slot(channel->region, at)->state;
    int result = word_sleep(channel, word, seen);
    if (result < 0)
        return wait_failed(why, "slot", result);
    if (ahead == 0)
        return 0;
    /* Pairs with the release in shmsum_channel_release. Slots are freed in order: if this one is
     * FREE, so is the next. Check that: a consumer that breaks the order would make acquire loop.
     */
    (void)shared_load_acquire(word);
    uint32_t next = shared_load_relaxed(&next_slot(channel)->state);
    return has_changed(next, seen) ? 0 : broken(why, "state of a slot, from the consumer");
}

/* ---- the producer's end ---- */

int shmsum_channel_try_acquire(struct shmsum_channel *channel, uint8_t **payload,
                               struct shmsum_failure *why)
{
    assert(channel->role == SHMSUM_PRODUCER);
    struct shmsum_slot *slot = next_slot(channel);
    /* Pairs with the release in shmsum_channel_release: the consumer has copied the payload out. */
    uint32_t state = shared_load_acquire(&slot->state) & ~SHARED_WORD_WAIT;
    if (state == SHMSUM_READY)
        return SHMSUM_AGAIN;
    if (state != SHMSUM_FREE)
        return broken(why, "state of a slot, from the consumer");
    *payload = slot->payload;
    return 0;
}

int shmsum_channel_acquire(struct shmsum_channel *channel, uint8_t **payload,
                           struct shmsum_failure *why)
{
    int result = shmsum_channel_try_acquire(channel, payload, why);
    while (result == SHMSUM_AGAIN) {
        result = wait_for_slot(channel, why);
        if (result == 0)
            result = shmsum_channel_try_acquire(channel, payload, why);
    }
    return result;
}

void shmsum_channel_publish(struct shmsum_channel *channel, uint32_t length, uint32_t source)
{
    assert(length > 0 && length <= channel->region->geometry.payload_bytes);
    struct shmsum_slot *slot = next_slot(channel);
    shared_store_relaxed(&slot->length, length);
    shared_store_relaxed(&slot->source, source);
    word_publish(channel, &slot->state, SHMSUM_READY); /* pairs with the acquire in try_take */
    advance(channel);
}

int shmsum_channel_end(struct shmsum_channel *channel, enum shmsum_end_reason end_reason,
                       struct shmsum_failure *why)
{
    channel->stop_mask &= ~(uint32_t)SHMSUM_STOP_INPUT;
    uint8_t *payload;
    int result = shmsum_channel_acquire(channel, &payload, why);
    if (result < 0)
        return result;
    struct shmsum_slot *slot = next_slot(channel);
    shared_store_relaxed(&slot->end_reason, (uint32_t)end_reason);
    word_publish(channel, &slot->state, SHMSUM_END); /* pairs with the acquire in try_take */
    /* A failed wake, of this word or an earlier one: the consumer may be asleep and miss END. */
    return channel->wake_error < 0 ? wait_failed(why, "slot", channel->wake_error) : 0;
}

int shmsum_channel_await_released(struct shmsum_channel *channel, struct shmsum_failure *why)
{
    assert(channel->role == SHMSUM_PRODUCER);
    /* Slots are released in order: if the slot published last is FREE, so are all. */
    uint32_t slots = channel->region->geometry.slots;
    uint32_t last = (channel->next + slots - 1) % slots;
    struct shmsum_word *word = &shmsum_region_slot(channel->region, last)->state;
    for (;;) {
        /* pairs with the release in shmsum_channel_release */
        uint32_t state = shared_load_acquire(word) & ~SHARED_WORD_WAIT;
        if (state == SHMSUM_FREE)
            return 0;
        if (state != SHMSUM_READY)
            return broken(why, "state of a slot, from the consumer");
        int result = word_wait(channel, word, SHMSUM_READY);
        if (result < 0)
            return wait_failed(why, "slot", result);
    }
}

int shmsum_channel_await_attached(struct shmsum_channel *channel, struct shmsum_failure *why)
{
    struct shmsum_word *attached = &channel->region->header->attached;
    for (;;) {
        /* pairs with the release in shmsum_channel_attached */
        uint32_t now = shared_load_acquire(attached) & ~SHARED_WORD_WAIT;
        if (now == 1)
            return 0;
        if (now != 0)
            return broken(why, "attached, from the consumer");
        int result = word_wait(channel, attached, now);
        if (result < 0)
            return wait_failed(why, "attached", result);
    }
}

/* ---- the consumer's end ---- */

void shmsum_channel_attached(struct shmsum_channel *channel)
{
    /* pairs with the acquire in await_attached */
    word_publish(channel, &channel->region->header->attached, 1);
}

int shmsum_channel_try_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                            struct shmsum_failure *why)
{
    assert(channel->role == SHMSUM_CONSUMER);
    struct shmsum_slot *slot = next_slot(channel);
    /* pairs with the release in publish and end */
    uint32_t state = shared_load_acquire(&slot->state) & ~SHARED_WORD_WAIT;
    if (state == SHMSUM_FREE)
        return SHMSUM_AGAIN;
    if (state == SHMSUM_END) {
        uint32_t end_reason = shared_load_relaxed(&slot->end_reason);
        if (end_reason != SHMSUM_END_COMPLETE && end_reason != SHMSUM_END_CUT)
            return broken(why, "end reason of a slot, from the producer");
        *block =
            (struct shmsum_block){.end = true, .end_reason = (enum shmsum_end_reason)end_reason};
        return 0;
    }
    if (state != SHMSUM_READY)
        return broken(why, "state of a slot, from the producer");
    uint32_t length = shared_load_relaxed(&slot->length);
    if (length == 0 || length > channel->region->geometry.payload_bytes)
        return broken(why, "length of a slot, from the producer");
    *block = (struct shmsum_block){
        .length = length,
        .source = shared_load_relaxed(&slot->source),
    };
    shared_copy_out(bytes, slot->payload, length);
    channel->held = true;
    return 0;
}

int shmsum_channel_take(struct shmsum_channel *channel, void *bytes, struct shmsum_block *block,
                        struct shmsum_failure *why)
{
    int result = shmsum_channel_try_take(channel, bytes, block, why);
    while (result == SHMSUM_AGAIN) {
        int waited = wait_for_slot(channel, why);
        if (waited < 0 && waited != SHMSUM_STOPPED)
            return waited;
        /* Also after a stop: a slot that was published before the stop comes first. */
        result = shmsum_channel_try_take(channel, bytes, block, why);
        if (result == SHMSUM_AGAIN && waited == SHMSUM_STOPPED)
            return SHMSUM_STOPPED;
    }
    return result;
}

void shmsum_channel_release(struct shmsum_channel *channel)
{
    assert(channel->held);
    channel->held = false;
    /* pairs with the acquire in try_acquire, wait_for_slot and await_released */
    word_publish(channel, &next_slot(channel)->state, SHMSUM_FREE);
    advance(channel);
}

/* ---- the words beside the ring ----
 * Relaxed: they order nothing. In the dialogue the release of a slot orders the `closing` before
 * it. In bulk an old `closing` does no harm: the producer then publishes END needlessly. The
 * counters are read when the consumer's process has ended. */

void shmsum_channel_set_closing(struct shmsum_channel *channel, enum shmsum_closing closing)
{
    shared_store_relaxed(&channel->region->header->closing, (uint32_t)closing);
}

enum shmsum_closing shmsum_channel_closing(const struct shmsum_channel *channel)
{
    uint32_t closing = shared_load_relaxed(&channel->region->header->closing);
    return closing <= SHMSUM_CLOSED ? (enum shmsum_closing)closing : SHMSUM_OPEN;
}

void shmsum_channel_set_counter(struct shmsum_channel *channel, uint32_t index, uint64_t value)
{
    assert(index < SHMSUM_REGION_COUNTERS);
    shared_store_wide(&channel->region->header->counters[index], value);
}

uint64_t shmsum_channel_counter(const struct shmsum_channel *channel, uint32_t index)
{
    assert(index < SHMSUM_REGION_COUNTERS);
    return shared_load_wide(&channel->region->header->counters[index]);
}
