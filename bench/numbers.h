/*
 * numbers.h - lines of numbers for the benchmarks, the same for the same seed.
 */
#ifndef SHMSUM_BENCH_NUMBERS_H
#define SHMSUM_BENCH_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum numbers_kind {
    NUMBERS_INTEGERS,   /* 0 to 10^9, 8 a line */
    NUMBERS_HUNDREDTHS, /* %.2f between -10^5 and 10^5, 8 a line */
    NUMBERS_MIXED,      /* 1 to 15 digits, any scale, sign, exponents to 20, 1 to 30 a line */
    NUMBERS_DIGITS17,   /* 17 digits with a point among them, as %.17g prints, 8 a line */
    NUMBERS_SINGLE,     /* %.2f, one a line */
    NUMBERS_KINDS,
};

/* The ways to spell a number. Its value is the same. */
enum numbers_spelling {
    NUMBERS_FULL,  /* with exponents and plus signs, if the kind has them */
    NUMBERS_PLAIN, /* without them: numsum reads neither */
    NUMBERS_BC,    /* without them, with '+' between the numbers: an expression for bc */
    NUMBERS_SPELLINGS,
};

struct numbers {
    enum numbers_kind kind;
    unsigned per_line; /* numbers in a line; 0: as the kind has */
    uint64_t random;   /* the state of the generator; at first the seed */
};

enum { NUMBERS_TEXT_MAX = 64 }; /* one number with its sign */

/* The names, "integers" and so on, "full" and so on. */
const char *numbers_kind_name(enum numbers_kind kind);
const char *numbers_spelling_name(enum numbers_spelling spelling);

/* Returns the count of numbers in the next line. */
unsigned numbers_in_line(struct numbers *numbers);
/* Writes the next number to text[0..NUMBERS_TEXT_MAX) and returns its length. */
size_t numbers_next(struct numbers *numbers, enum numbers_spelling spelling, char *text);

/* Writes a new file of `lines` lines; "-" is standard output. Calls bench_die if that fails. */
void numbers_write_file(const char *path, enum numbers_kind kind, enum numbers_spelling spelling,
                        unsigned per_line, uint64_t lines, uint64_t seed);

#endif
