/*
 * counters.h - what the consumer has done, in numbers: their names, and their way from the consumer
 * to the producer's process.
 *
 * The consumer counts in its own memory and copies all counters into the region with each flush and
 * each block. The parent copies them back once the child has ended. It believes them only as far as
 * it can check them (parent/verdict.c). This is the only list of their names: to the library they
 * are so many words.
 */
#ifndef SHMSUM_SRC_ROLES_COUNTERS_H
#define SHMSUM_SRC_ROLES_COUNTERS_H

#include <shmsum/channel.h>

/* Each of the first, up to COUNTER_BYTES, is at most the number of bytes of input: a line takes at
 * least one byte, and so does a number. */
enum counter {
    COUNTER_SUMS,         /* lines summed */
    COUNTER_ERRORS,       /* lines that were errors */
    COUNTER_SKIPPED,      /* blank lines skipped */
    COUNTER_NUMBERS,      /* numbers in the lines summed */
    COUNTER_USED,         /* bytes of input up to the end of the last line that was dealt with */
    COUNTER_BYTES,        /* bytes of input taken out of slots */
    COUNTER_RESULT_LINES, /* results handed to the system */
    COUNTER_RESULT_BYTES, /* and their bytes */
    COUNTER_SLEPT,        /* times that the consumer slept in the kernel */
    COUNTER_SANDBOX,      /* what the child gave up before the input: bits of sandbox/sandbox.h */
    COUNTERS,
};
static_assert((int)COUNTERS <= (int)SHMSUM_REGION_COUNTERS, "the region holds them all");

struct counters {
    uint64_t count[COUNTERS];
};

/* Lines of input. */
static inline uint64_t counters_lines(const struct counters *counters)
{
    return counters->count[COUNTER_SUMS] + counters->count[COUNTER_ERRORS] +
           counters->count[COUNTER_SKIPPED];
}

/* The consumer's side: copies all counters into the region. */
static inline void counters_publish(const struct counters *counters, struct shmsum_channel *channel)
{
    for (uint32_t i = 0; i < COUNTERS; i++)
        shmsum_channel_set_counter(channel, i, counters->count[i]);
}

/* The producer's side: copies them out, once, so that what is checked is what is used. */
static inline void counters_collect(struct counters *counters, const struct shmsum_channel *channel)
{
    for (uint32_t i = 0; i < COUNTERS; i++)
        counters->count[i] = shmsum_channel_counter(channel, i);
}

#endif
