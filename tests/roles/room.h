/*
 * room.h - shared by the tests of the channel and of the roles: a region in plain memory with both
 * ends; a table of system calls that counts calls and lets a test replace the futex; random
 * numbers; slots whose content can be checked; a deadline that turns a hang into a failure.
 */
#ifndef SHMSUM_TESTS_ROLES_ROOM_H
#define SHMSUM_TESTS_ROLES_ROOM_H

#include <stdatomic.h>

#include <shmsum/channel.h>

/* ---- system calls ---- */

struct room_os {
    struct shmsum_os table; /* pass this on; its context is this struct */
    atomic_uint waits_two, waits, wakes;
    atomic_uint interrupted;        /* waits on two words that ended with EINTR */
    _Atomic(const void *) woken;    /* the word of the last wake */
    _Atomic(const void *) asleep;   /* the first word of the current sleep, NULL: none */
    _Atomic(uint32_t) asleep_while; /* the value on which it sleeps */

    /* To be set while no other thread runs. */
    int wait_two_result; /* the result of futex_waitv, 0: as the kernel's */
    bool patient;        /* futex_wait has no time limit, which would hide a lost wake */
    /* Replaces the sleep, NULL: none. It may take the steps of the other side. stop is NULL in a
     * timed wait. */
    int (*on_wait)(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                   uint32_t stop_expected);
    void *user;
};

/* The real table, with counters. */
void room_os_init(struct room_os *os);
struct room_os *room_os_of(const struct shmsum_os *table);

/* Whether the kernel would sleep on these words. */
bool room_would_sleep(const void *word, uint32_t expected, const void *stop,
                      uint32_t stop_expected);

/* Whether this kernel has futex_waitv. */
bool room_has_wait_two(void);

/* ---- a region and its two ends ---- */

struct room {
    struct shmsum_region region;
    struct shmsum_word stops[2]; /* the producer's, the consumer's */
    struct shmsum_channel producer;
    struct shmsum_channel consumer;
    void *memory;
};

/* Every stop bit ends the waits of both ends. Exits if there is no memory. */
void room_init(struct room *room, const struct shmsum_os *os, uint32_t slots,
               uint32_t payload_bytes);
void room_clean_up(struct room *room);

/* ---- random numbers: splitmix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
 * generators") ---- */

uint64_t room_mix(uint64_t x);
uint64_t room_random(uint64_t *state);
uint32_t room_below(uint64_t *state, uint32_t limit); /* 0 .. limit - 1 */
/* The seed: SHMSUM_SEED, or from the clock. Prints it. */
uint64_t room_seed(void);

/* ---- the content of a slot: made from its number, so that a lost, doubled, misplaced or torn slot
 * shows ---- */

enum { ROOM_PAYLOAD_MAX = 256, ROOM_WRONG_MAX = 128 };

/* Fills the payload of slot `number`, and returns its length: 1 .. payload_bytes. */
uint32_t room_content_fill(uint64_t seed, uint64_t number, uint8_t *payload,
                           uint32_t payload_bytes);
/* Checks bytes and source of slot `number`. Describes the first error in `wrong`. */
void room_content_check(uint64_t seed, uint64_t number, const struct shmsum_block *block,
                        const uint8_t *bytes, uint32_t payload_bytes, char wrong[ROOM_WRONG_MAX]);

/* ---- time ---- */

/* One call in `one_in` (0: none) takes some time: a little, or long enough for the other side to
 * sleep. */
void room_delay(uint64_t *random, uint32_t one_in);

/* After this many seconds the program reports a hang and fails. 0: no deadline. */
void room_deadline(unsigned seconds);
void room_pause_us(uint32_t microseconds);

#endif
