/*
 * stdatomic.h - replaces the compiler's header for src/channel/channel.c and shared_word.h. It
 * passes each access, with the memory order in the C code, to Relacy (../engine.h).
 */
#ifndef SHMSUM_MODEL_STDATOMIC_H
#define SHMSUM_MODEL_STDATOMIC_H

#include "../engine.h"

typedef enum {
    memory_order_relaxed = ENGINE_RELAXED,
    memory_order_consume = ENGINE_CONSUME,
    memory_order_acquire = ENGINE_ACQUIRE,
    memory_order_release = ENGINE_RELEASE,
    memory_order_acq_rel = ENGINE_ACQ_REL,
    memory_order_seq_cst = ENGINE_SEQ_CST,
} memory_order;

#define ATOMIC_INT_LOCK_FREE 2
#define ATOMIC_LLONG_LOCK_FREE 2

#define atomic_load_explicit(word, order) engine_load((word), (order))
#define atomic_store_explicit(word, value, order) engine_store((word), (value), (order))
#define atomic_exchange_explicit(word, value, order) engine_exchange((word), (value), (order))
#define atomic_fetch_or_explicit(word, bits, order) \
    ((uint32_t)engine_fetch_or((word), (bits), (order)))
#define atomic_compare_exchange_strong_explicit(word, expected, value, order, failure) \
    engine_compare_exchange((word), (expected), (value), (order), (failure))

#endif
