/*
 * shared_word.h - the only place that touches a word which another process may change.
 *
 * Callers load a word once, check the private copy and use that; nothing else in the tree includes
 * an atomic operation (a test looks for them). The order that each accessor gives is in its name;
 * the caller's comment names the partner.
 *
 * DOC: shared-word-wait
 *
 * A word that somebody waits on carries its value in the low bits and WAIT in the highest. The
 * waiter sets WAIT with compare-and-exchange on the very value it saw, then sleeps on that value
 * with WAIT. Whoever changes the word exchanges it and wakes only when the old value had WAIT. As
 * both meet in one word, either the exchange comes first, and then the waiter's compare (or the
 * kernel's, in the futex call) fails and it looks again; or WAIT comes first, and then the exchange
 * sees it. No wake can be lost.
 */
#ifndef SHMSUM_SRC_SHARED_WORD_H
#define SHMSUM_SRC_SHARED_WORD_H

#include <stdatomic.h>
#include <string.h>

#include <shmsum/region.h>

#define SHARED_WORD_WAIT UINT32_C(0x80000000)

/*
 * DOC: shared-word-hooks
 * The fuzz targets compile the channel once more with SHARED_WORD_HOOKS, and are asked before every
 * access (step: the other side may move now) and after every read (what a hostile peer has put
 * there meanwhile). In the programs there is nothing of it.
 */
#ifdef SHARED_WORD_HOOKS
void shared_word_step(void);
uint32_t shared_word_read(uint32_t value);
uint64_t shared_wide_read(uint64_t value);
void shared_word_copied(void *bytes, size_t size);
#else
#define shared_word_step() ((void)0)
#define shared_word_read(value) (value)
#define shared_wide_read(value) (value)
#define shared_word_copied(bytes, size) ((void)0)
#endif

static inline uint32_t shared_load_acquire(const struct shmsum_word *word)
{
    shared_word_step();
    return shared_word_read(atomic_load_explicit(&word->value, memory_order_acquire));
}

static inline uint32_t shared_load_relaxed(const struct shmsum_word *word)
{
    shared_word_step();
    return shared_word_read(atomic_load_explicit(&word->value, memory_order_relaxed));
}

static inline void shared_store_relaxed(struct shmsum_word *word, uint32_t value)
{
    shared_word_step();
    atomic_store_explicit(&word->value, value, memory_order_relaxed);
}

/* Returns the old value. */
static inline uint32_t shared_exchange_release(struct shmsum_word *word, uint32_t value)
{
    shared_word_step();
    return shared_word_read(atomic_exchange_explicit(&word->value, value, memory_order_release));
}

/* Returns the old value. For stop words, from a signal handler too. */
static inline uint32_t shared_or_release(struct shmsum_word *word, uint32_t bits)
{
    shared_word_step();
    return atomic_fetch_or_explicit(&word->value, bits, memory_order_release);
}

/* Sets WAIT if the word still is `seen` (which lacks it). Relaxed: it hands nothing over. */
static inline bool shared_set_wait(struct shmsum_word *word, uint32_t seen)
{
    shared_word_step();
    return atomic_compare_exchange_strong_explicit(&word->value, &seen, seen | SHARED_WORD_WAIT,
                                                   memory_order_relaxed, memory_order_relaxed);
}

static inline uint64_t shared_load_wide(const struct shmsum_wide *wide)
{
    shared_word_step();
    return shared_wide_read(atomic_load_explicit(&wide->value, memory_order_relaxed));
}

static inline void shared_store_wide(struct shmsum_wide *wide, uint64_t value)
{
    shared_word_step();
    atomic_store_explicit(&wide->value, value, memory_order_relaxed);
}

/* Takes a private copy of payload bytes, once. The slot's state orders it; the peer may break that
 * rule, and then the copy is garbage, but it does not change any more while it is parsed. */
static inline void shared_copy_out(void *to, const void *from, size_t size)
{
    shared_word_step();
    memcpy(to, from, size);
    shared_word_copied(to, size);
}

/* The slot's payload is ours until it is published: whoever fills it may write it as he likes. */
static inline void shared_copy_in(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}

#endif
