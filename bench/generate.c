/*
 * generate.c - bench-generate KIND SPELLING LINES [SEED [NUMBERS-A-LINE]]: writes an input of the
 * benchmarks to standard output. KIND and SPELLING are names in numbers.c.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "numbers.h"

int main(int argc, char *argv[])
{
    if (argc < 4 || argc > 6)
        bench_die("usage: bench-generate KIND SPELLING LINES [SEED [NUMBERS-A-LINE]]");
    int kind = 0, spelling = 0;
    while (kind < NUMBERS_KINDS && strcmp(argv[1], numbers_kind_name((enum numbers_kind)kind)) != 0)
        kind++;
    while (spelling < NUMBERS_SPELLINGS &&
           strcmp(argv[2], numbers_spelling_name((enum numbers_spelling)spelling)) != 0)
        spelling++;
    if (kind == NUMBERS_KINDS || spelling == NUMBERS_SPELLINGS)
        bench_die("%s %s: expected a kind of numbers and a spelling", argv[1], argv[2]);
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
    unsigned per_line = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 0) : 0;
    numbers_write_file("-", (enum numbers_kind)kind, (enum numbers_spelling)spelling, per_line,
                       strtoull(argv[3], NULL, 0), seed);
    return 0;
}
