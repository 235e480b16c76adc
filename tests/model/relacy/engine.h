/*
 * engine.h - what the model's parts in C see of Relacy: words, payload bytes, futexes, a scheduler.
 *
 * A word or byte is known by its address, which is never read or written: its value and its history
 * are Relacy's. All are zero (bytes: not initialised) at the beginning of each run.
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

/* ---- what include/stdatomic.h and sites.h are made of ---- */

/* Names the next access; both strings are constants. */
void engine_site(const char *function, const char *access);

uint64_t engine_load(const volatile void *word, int order);
void engine_store(volatile void *word, uint64_t value, int order);
uint64_t engine_exchange(volatile void *word, uint64_t value, int order);
uint64_t engine_fetch_or(volatile void *word, uint64_t bits, int order);
bool engine_compare_exchange(volatile void *word, uint32_t *expected, uint32_t value, int order,
                             int failure);
void engine_copy_out(void *to, const void *from, size_t size);
/* Lets the others go first. */
void engine_yield(void);

/* ---- what the scenarios are made of ---- */

/* A name for the list of accesses; a state is told apart by its values, too. */
void engine_name_word(const void *word, const char *name, bool is_state);
/* A plain byte: two accesses that nothing orders, one of them a write, are a data race. Stands also
 * for things outside of memory (a file's name, a terminal) that two sides must not use at once. */
void engine_write_byte(const void *byte, uint8_t value);
uint8_t engine_read_byte(const void *byte);
/* What must hold. Does not return when it does not. */
void engine_check(bool holds, const char *what);
/* One of 0 .. limit-1, all of which the scheduler tries. */
unsigned engine_choose(unsigned limit);
/* Whether sleeps may end without a reason in this run. */
void engine_allow_spurious(bool allow);

/* futex(2) and futex_waitv(2): each word is compared in turn, its latest value, and queued in the
 * same step; the sleep begins when all are queued. A wake orders nothing. */
enum engine_waited {
    ENGINE_WOKEN,
    ENGINE_DIFFERED,    /* a word: EAGAIN */
    ENGINE_INTERRUPTED, /* EINTR */
    ENGINE_TIMED_OUT,
};
enum engine_waited engine_futex_wait(const void *const *words, const uint32_t *expected, int count,
                                     bool timed);
/* How many it woke. */
int engine_futex_wake(const void *word);

/* What the threads of a scenario do. setup is called before each run, finish behind it. */
struct engine_scenario {
    const char *name;
    const char *what;
    int threads; /* 2 or 3 */
    void (*setup)(void);
    void (*thread)(unsigned index);
    void (*finish)(void);
    unsigned random_runs; /* of the check, at random */
    int context_bound;    /* and all schedules with at most that many preemptions; -1: not so */
    bool small;           /* whether setup is to choose the smallest form; written by the engine */
};

extern struct engine_scenario engine_scenarios[];
extern const size_t engine_scenario_count;

/* An access that orders something, as Relacy sees it: all there are, or the check fails. */
struct engine_access {
    const char *name;    /* function: accessor(arguments), and what a shared function stores */
    const char *partner; /* what it pairs with */
    const char *excuse;  /* why nobody objects when it is made relaxed; NULL: somebody must */
};
extern const struct engine_access engine_accesses[];
extern const size_t engine_access_count;

#ifdef __cplusplus
}
#endif

#endif
