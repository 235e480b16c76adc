/*
 * doubles.h - how a program of binary doubles reads and sums lines: the peers of the section
 * `memory`. The same loop in C, around strtod, and in C++, around fast_float, so that each compiler
 * can put the reading of a number right into it.
 */
#ifndef SHMSUM_BENCH_DOUBLES_H
#define SHMSUM_BENCH_DOUBLES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MEMORY_BLOCKS_MAX = 4096, MEMORY_NUMBER_MAX = 64 };

/* Whole lines, with a NUL behind them for strtod, and where the blocks of them end. */
struct memory_input {
    char *bytes;
    size_t size, lines, numbers;
    size_t ends[MEMORY_BLOCKS_MAX];
    size_t blocks;
};

/* What came of one pass over the input. */
struct memory_outcome {
    size_t numbers, lines;
    double total;     /* of the doubles */
    uint64_t guard;   /* so that nothing of a pass can be left out */
    char *text;       /* room for the results, a LF behind each; NULL: only the sums are made */
    size_t text_size; /* how much of it was used */
};

void pass_strtod(const struct memory_input *from, struct memory_outcome *outcome);
void pass_fast_float(const struct memory_input *from, struct memory_outcome *outcome);

#ifdef __cplusplus
}
#endif

/* Stops at what is no number: the caller sees by the counts that something is missing. */
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
