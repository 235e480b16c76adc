/*
 * doubles.h - reads and sums lines with binary doubles: for contestants of the section `memory`.
 * The same loop is compiled in C, with strtod, and in C++, with fast_float, so that each compiler
 * can inline the function that reads a number.
 */
#ifndef SHMSUM_BENCH_DOUBLES_H
#define SHMSUM_BENCH_DOUBLES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MEMORY_BLOCKS_MAX = 4096, MEMORY_NUMBER_MAX = 64 };

/* Whole lines, followed by a NUL for strtod, and the ends of the blocks that they form. */
struct memory_input {
    char *bytes;
    size_t size, lines, numbers;
    size_t ends[MEMORY_BLOCKS_MAX];
    size_t blocks;
};

/* The outcome of one pass over the input. */
struct memory_outcome {
    size_t numbers, lines;
    double total;     /* the sum of all numbers */
    uint64_t guard;   /* depends on all results, so that the compiler cannot omit any work */
    char *text;       /* room for the results, one per line; NULL: the sums are not formatted */
    size_t text_size; /* how many bytes of `text` are used */
};

void pass_strtod(const struct memory_input *from, struct memory_outcome *outcome);
void pass_fast_float(const struct memory_input *from, struct memory_outcome *outcome);

#ifdef __cplusplus
}
#endif

/* Stops at a token that is not a number. The caller detects this by the counts. */
static inline void pass_doubles(const struct memory_input *from, struct memory_outcome *outcome,
                                const char *read(const char *, const char *, double *),
                                char *write(char *, size_t, double))
{
    const char *at = from->bytes;
    for (size_t block = 0; block < from->blocks; block++) {
        const char *end = from->bytes + from->ends[block];
        double sum = 0;
        while (at < end) {
            if (*at == ' ') {
                at++;
            } else if (*at != '\n') {
                double value = 0;
                const char *next = read(at, end, &value);
                if (next == at)
                    return;
                at = next;
                sum += value;
                outcome->numbers++;
            } else {
                at++;
                outcome->total += sum;
                outcome->lines++;
                if (outcome->text != NULL) {
                    char *to = outcome->text + outcome->text_size;
                    char *behind = write(to, MEMORY_NUMBER_MAX, sum);
                    *behind = '\n';
                    outcome->text_size += (size_t)(behind + 1 - to);
                }
                sum = 0;
            }
        }
    }
}

#endif
