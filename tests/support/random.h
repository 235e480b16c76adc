/*
 * random.h - seeded random numbers for tests.
 *
 * splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014; constants
 * of Vigna's public-domain splitmix64.c. All random choices of a test program follow from one seed.
 * The program prints the seed at the start; SHMSUM_SEED repeats a run.
 */
#ifndef SHMSUM_TESTS_RANDOM_H
#define SHMSUM_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number in [0, limit), limit > 0. The bias is tiny and does not matter here. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

/* Returns a number in [low, high]. */
static inline int64_t random_between(struct random *random, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(random, (uint64_t)(high - low) + 1);
}

/* True with probability 1 / times. */
static inline int random_one_in(struct random *random, uint64_t times)
{
    return random_below(random, times) == 0;
}

/* A length: mostly small, sometimes up to `limit`. */
static inline size_t random_size(struct random *random, size_t limit)
{
    size_t bound = random_one_in(random, 8) ? limit : limit / 16 + 1;
    return (size_t)random_below(random, bound + 1);
}

/* The seed of this run: SHMSUM_SEED, or else the clock. Prints the seed, so that a failure can be
 * repeated. */
static inline uint64_t random_seed(const char *program)
{
    const char *given = getenv("SHMSUM_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL
                        ? strtoull(given, NULL, 0)
                        : (uint64_t)now.tv_sec * UINT64_C(1000000007) + (uint64_t)now.tv_nsec;
    printf("%s: SHMSUM_SEED=%llu\n", program, (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

#endif
