/*
 * room.h - what the tests of the channel and of the roles share: a region in plain memory with both
 * of its ends, a table of system calls that counts, and that lets a test play the kernel, a random
 * generator, slots whose content can be checked, and a deadline that turns a hang into a failure.
 */
#ifndef SHMSUM_TESTS_ROLES_ROOM_H
#define SHMSUM_TESTS_ROLES_ROOM_H

#include <stdatomic.h>

#include <shmsum/channel.h>

/* ---- system calls ---- */

struct room_os {
    struct shmsum_os table; /* what to hand out; its context is this struct */
    atomic_uint waits_two, waits, wakes;
    atomic_uint interrupted;        /* waits on two words that a signal ended */
    _Atomic(const void *) woken;    /* the word of the last wake */
    _Atomic(const void *) asleep;   /* the word that is slept on now, of two: the first */
    _Atomic(uint32_t) asleep_while; /* and its value */

    /* Set before use, and only while no thread runs. */
    int wait_two_result; /* not 0: futex_wait_two returns it */
    bool patient;        /* futex_wait sleeps for ever: no time limit hides a lost wake */
    /* When set, this is called in place of sleeping, and may do what the other side would have done
     * meanwhile. stop is NULL in a timed wait. */
    int (*on_wait)(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                   uint32_t stop_expected);
    void *user;
};

/* Starts as the real table, counting. */
void room_os_init(struct room_os *os);
struct room_os *room_os_of(const struct shmsum_os *table);

/* What the system does when asked to sleep on two words: whether it would. */
bool room_would_sleep(const void *word, uint32_t expected, const void *stop,
                      uint32_t stop_expected);

/* Whether this kernel can wait on two words. */
bool room_has_wait_two(void);

/* ---- a region and its two ends ---- */

struct room {
    struct shmsum_region region;
    struct shmsum_word stops[2]; /* the producer's, the consumer's */
    struct shmsum_channel producer;
    struct shmsum_channel consumer;
    void *memory;
};

/* Both ends stop on every bit. Exits when there is no memory. */
void room_init(struct room *room, const struct shmsum_os *os, uint32_t slots,
               uint32_t payload_bytes);
void room_clean_up(struct room *room);

/* ---- chance: splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
 * generators") ---- */

uint64_t room_mix(uint64_t x);
uint64_t room_random(uint64_t *state);
uint32_t room_below(uint64_t *state, uint32_t limit); /* 0 .. limit - 1 */
/* From SHMSUM_SEED, or from the clock; printed. */
uint64_t room_seed(void);

/* ---- what a slot carries: made from its number, so that what is lost, doubled, out of order or
 * torn shows ---- */

enum { ROOM_PAYLOAD_MAX = 256, ROOM_WRONG_MAX = 128 };

/* Fills the payload of slot `number`, and returns its length: 1 .. payload_bytes. */
uint32_t room_content_fill(uint64_t seed, uint64_t number, uint8_t *payload,
                           uint32_t payload_bytes);
/* Checks what was taken as slot `number`, source included; what is wrong first stays in wrong. */
void room_content_check(uint64_t seed, uint64_t number, const struct shmsum_block *block,
                        const uint8_t *bytes, uint32_t payload_bytes, char wrong[ROOM_WRONG_MAX]);

/* ---- time ---- */

/* One call in so many (0: none) lets some time pass: none to speak of, or a pause, which is long
 * enough for the other side to fall asleep. */
void room_delay(uint64_t *random, uint32_t one_in);

/* After so many seconds the test program says that it hangs, and fails. 0: no more. */
void room_deadline(unsigned seconds);
void room_pause_us(uint32_t microseconds);

#endif
