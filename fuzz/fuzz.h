/*
 * fuzz.h - shared code of the fuzz targets.
 *
 * A target is one C file that begins with the property that it asserts. It defines
 * LLVMFuzzerTestOneInput, which libFuzzer, AFL++ and replay.c call. A target keeps no state from
 * one input to the next, so that each input alone is a test.
 */
#ifndef SHMSUM_FUZZ_FUZZ_H
#define SHMSUM_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional: replaces data[0..size) by another input of at most max_size bytes; returns its size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
/* libFuzzer's own mutations. Other engines do not define it and do not call custom mutators. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Asserts a property. If it does not hold, prints it and aborts, which fuzzers and debuggers
 * detect. */
#define FUZZ_CHECK(holds)                                                       \
    do {                                                                        \
        if (!(holds)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds); \
            abort();                                                            \
        }                                                                       \
    } while (0)

/* An input, read from its beginning. Bytes beyond its end read as 0. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static inline uint32_t fuzz_word(struct fuzz_input *input)
{
    uint32_t word = 0;
    for (int i = 0; i < 4; i++)
        word |= (uint32_t)fuzz_byte(input) << 8 * i;
    return word;
}

/* A number in [0, limit), limit > 0. */
static inline uint32_t fuzz_below(struct fuzz_input *input, uint32_t limit)
{
    return (limit <= 256 ? fuzz_byte(input) : fuzz_word(input)) % limit;
}

/* For custom mutators: fuzz_mutate is libFuzzer's own mutation; fuzz_draw is a random number in
 * [0, limit), limit > 0. */
static inline size_t fuzz_mutate(uint8_t *data, size_t size, size_t max_size)
{
    return LLVMFuzzerMutate != NULL ? LLVMFuzzerMutate(data, size, max_size) : size;
}

static inline uint32_t fuzz_draw(struct random *random, size_t limit)
{
    return (uint32_t)random_below(random, limit);
}

#endif
