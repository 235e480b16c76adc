/*
 * engine.h - Relacy for the C parts of the model: words, payload bytes, futexes, a scheduler.
 *
 * A word or byte is identified by its address. The memory there is never read or written: Relacy
 * keeps the value and its history. At the start of each run all words are zero and all bytes are
 * uninitialised.
 */
#ifndef SHMSUM_MODEL_ENGINE_H
#define SHMSUM_MODEL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The orders of C11, with Relacy's numbers. */
enum engine_order {
    ENGINE_RELAXED,
    ENGINE_CONSUME,
    ENGINE_ACQUIRE,
    ENGINE_RELEASE,
    ENGINE_ACQ_REL,
    ENGINE_SEQ_CST,
};

/* ---- for include/stdatomic.h and sites.h ---- */

/* Names the next access. Both strings must be constants. */
void engine_site(const char *function, const char *access);

uint64_t engine_load(const volatile void *word, int order);
void engine_store(volatile void *word, uint64_t value, int order);
uint64_t engine_exchange(volatile void *word, uint64_t value, int order);
uint64_t engine_fetch_or(volatile void *word, uint64_t bits, int order);
bool engine_compare_exchange(volatile void *word, uint32_t *expected, uint32_t value, int order,
                             int failure);
void engine_copy_out(void *to, const void *from, size_t size);
/* Lets the other threads run first. */
void engine_yield(void);

/* ---- for the scenarios ---- */

/* Names a word in the list of accesses. The list has a state once for each value stored. */
void engine_name_word(const void *word, const char *name, bool is_state);
/* A plain byte: two unordered accesses, one of them a write, are a data race. A byte can also stand
 * for something outside of memory (a file's name, a terminal) that two sides must not use at once.
 */
void engine_write_byte(const void *byte, uint8_t value);
uint8_t engine_read_byte(const void *byte);
/* Ends the run with a finding unless `holds`. */
void engine_check(bool holds, const char *what);
/* Returns one of 0 .. limit - 1; the scheduler tries all of them. */
unsigned engine_choose(unsigned limit);
/* Whether sleeps may end without a reason in this run. */
void engine_allow_spurious(bool allow);

/* futex(2) and futex_waitv(2): compares the latest value of each word in turn and queues the thread
 * on it in the same step. The sleep begins when the thread is queued on all. A wake orders nothing.
 */
enum engine_waited {
    ENGINE_WOKEN,
    ENGINE_DIFFERED,    /* a word had another value: EAGAIN */
    ENGINE_INTERRUPTED, /* EINTR */
    ENGINE_TIMED_OUT,
};
enum engine_waited engine_futex_wait(const void *const *words, const uint32_t *expected, int count,
                                     bool timed);
/* Returns the number of threads that it woke. */
int engine_futex_wake(const void *word);

/* A scenario. setup runs before each run, finish after it, thread in each thread. */
struct engine_scenario {
    const char *name;
    const char *what;
    int threads; /* 2 or 3 */
    void (*setup)(void);
    void (*thread)(unsigned index);
    void (*finish)(void);
    unsigned random_runs; /* runs of `check` with random schedules */
    int context_bound;    /* all schedules with at most this many preemptions; -1: no such search */
    bool small;           /* the engine asks setup for the smallest form */
};

extern struct engine_scenario engine_scenarios[];
extern const size_t engine_scenario_count;

/* An ordered access. The list must be complete, or the check fails. */
struct engine_access {
    const char *name; /* function: accessor(arguments); of a shared function also what it stores */
    const char *partner; /* the accesses that it pairs with */
    const char *excuse;  /* why no scenario fails when it is relaxed; NULL: one must fail */
};
extern const struct engine_access engine_accesses[];
extern const size_t engine_access_count;

#ifdef __cplusplus
}
#endif

#endif
