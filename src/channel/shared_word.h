/*
 * shared_word.h - the accessors of words that another process may change.
 *
 * Callers load a word once, check the private copy and use the copy. No other file of src/ has an
 * atomic operation; the test cli.source-rules checks this. The name of an accessor says its memory
 * order; the caller's comment names the access that it pairs with.
 *
 * DOC: shared-word-wait
 *
 * A word on which a side can sleep has its value in the low bits and WAIT in the highest bit. To
 * sleep, a side sets WAIT with compare-and-exchange on the value that it saw, and calls the futex
 * on that value with WAIT. To change the word, the other side exchanges it, and wakes if the old
 * value had WAIT. Value and WAIT are one word, so the two operations are ordered. If the exchange
 * comes first, the compare fails (or the kernel's compare in the futex call), and the waiting side
 * checks the word again. If WAIT comes first, the exchange sees it. No wake is lost.
 */
#ifndef SHMSUM_SRC_SHARED_WORD_H
#define SHMSUM_SRC_SHARED_WORD_H

#include <stdatomic.h>
#include <string.h>

#include <shmsum/region.h>

#define SHARED_WORD_WAIT UINT32_C(0x80000000)

/*
 * DOC: shared-word-hooks
 * The fuzz targets compile the channel once more, with SHARED_WORD_HOOKS. shared_word_step runs
 * before each access: another side may take its steps there. The other hooks run after each read
 * and copy, and replace what was read by what a hostile peer may have written. In the programs the
 * hooks are empty.
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

/* Returns the old value. For stop words; async-signal-safe. */
static inline uint32_t shared_or_release(struct shmsum_word *word, uint32_t bits)
{
    shared_word_step();
    return atomic_fetch_or_explicit(&word->value, bits, memory_order_release);
}

/* Sets WAIT if the word is still `seen`, a value without WAIT. Relaxed: it publishes nothing. */
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

/* Copies payload bytes into private memory, once. The acquire of the slot's state orders the copy.
 * A hostile peer may write meanwhile; then the copy is garbage, but it does not change while it is
 * parsed. */
static inline void shared_copy_out(void *to, const void *from, size_t size)
{
    shared_word_step();
    memcpy(to, from, size);
    shared_word_copied(to, size);
}

/* Fills the payload of an acquired slot: until it is published the producer alone uses it. */
static inline void shared_copy_in(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
}

#endif
