/*
 * memory.c - section `memory`: from bytes in memory to sums, on one core, without a system call.
 *
 * Compares the implementations of the line parser with programs of binary doubles: strtod, and
 * fast_float, the fastest reader of doubles that we know. Both add up one double for each line. All
 * read the same lines in the same blocks of at most 64 KiB, which end where a line ends, from a
 * buffer of 4 MB that stays in the cache: this measures the code, not the memory. One pass only
 * adds up; another also formats the sums (shmsum_decimal_sum_format; "%.15g" for strtod;
 * std::to_chars, which is the shortest and fastest text, for fast_float).
 *
 * Before anything is timed, all implementations must return the same text, byte for byte. The
 * doubles must have the same count of numbers and nearly the same total.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shmsum/line_parser.h>

#include "bench.h"
#include "doubles.h"
#include "numbers.h"

enum { BLOCK = 64 * 1024 };

static struct memory_input input;
static char text_room[64 << 20];

struct memory_sink {
    struct shmsum_line_sink sink; /* first */
    struct memory_outcome *outcome;
};

static bool take_sum(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum)
{
    struct memory_outcome *outcome = ((struct memory_sink *)sink)->outcome;
    outcome->guard += (uint64_t)sum->small[0];
    if (outcome->text != NULL) {
        outcome->text_size += shmsum_decimal_sum_format(sum, outcome->text + outcome->text_size);
        outcome->text[outcome->text_size++] = '\n';
    }
    return true;
}

static void pass_shmsum(const struct memory_input *from,
                        enum shmsum_line_implementation implementation,
                        struct memory_outcome *outcome)
{
    static struct shmsum_line_parser parser;
    struct memory_sink to = {.sink = {.take = take_sum}, .outcome = outcome};
    shmsum_line_parser_init(&parser, '.');
    shmsum_line_parser_use(&parser, implementation);
    size_t at = 0;
    for (size_t block = 0; block < from->blocks; block++) {
        size_t consumed;
        if (shmsum_line_parser_feed_lines(&parser, (const uint8_t *)from->bytes + at,
                                          from->ends[block] - at, &to.sink,
                                          &consumed) != SHMSUM_LINE_UNFINISHED)
            bench_die("line %zu: not a sum", outcome->lines + (size_t)to.sink.lines + 1);
        at += consumed;
        outcome->lines += (size_t)to.sink.lines;
        outcome->numbers += to.sink.numbers;
    }
}

static void pass_scalar(const struct memory_input *from, struct memory_outcome *outcome)
{
    pass_shmsum(from, SHMSUM_LINE_SCALAR, outcome);
}

static void pass_swar(const struct memory_input *from, struct memory_outcome *outcome)
{
    pass_shmsum(from, SHMSUM_LINE_SWAR, outcome);
}

static void pass_avx2(const struct memory_input *from, struct memory_outcome *outcome)
{
    pass_shmsum(from, SHMSUM_LINE_AVX2, outcome);
}

static const char *strtod_read(const char *begin, const char *end, double *value)
{
    (void)end; /* strtod stops at the LF before it */
    char *next;
    *value = strtod(begin, &next);
    return next;
}

static char *printf_write(char *begin, size_t room, double value)
{
    return begin + snprintf(begin, room, "%.15g", value);
}

void pass_strtod(const struct memory_input *from, struct memory_outcome *outcome)
{
    pass_doubles(from, outcome, strtod_read, printf_write);
}

static const struct contestant {
    const char *name;
    void (*pass)(const struct memory_input *from, struct memory_outcome *outcome);
    int implementation; /* -1: doubles */
} contestants[] = {
    {"shmsum, scalar", pass_scalar, SHMSUM_LINE_SCALAR},
    {"shmsum, swar", pass_swar, SHMSUM_LINE_SWAR},
    {"shmsum, avx2", pass_avx2, SHMSUM_LINE_AVX2},
    {"strtod", pass_strtod, -1},
#ifdef BENCH_FAST_FLOAT
    {"fast_float", pass_fast_float, -1},
#endif
};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants };

static bool can_run(const struct contestant *who)
{
    static struct shmsum_line_parser parser;
    shmsum_line_parser_init(&parser, '.');
    return who->implementation < 0 ||
           shmsum_line_parser_use(&parser, (enum shmsum_line_implementation)who->implementation) ==
               0;
}

static void make_input(enum numbers_kind kind, size_t size, uint64_t seed)
{
    struct numbers numbers = {.kind = kind, .random = seed};
    free(input.bytes);
    memset(&input, 0, sizeof input);
    input.bytes = malloc(size + BLOCK + 1);
    if (input.bytes == NULL)
        bench_die("out of memory");
    for (size_t block = 0; input.size < size;) {
        size_t begin = input.size;
        for (unsigned left = numbers_in_line(&numbers); left > 0; left--) {
            input.size += numbers_next(&numbers, NUMBERS_FULL, input.bytes + input.size);
            input.bytes[input.size++] = left == 1 ? '\n' : ' ';
            input.numbers++;
        }
        input.lines++;
        if (input.size - block > BLOCK) {
            block = begin;
            input.ends[input.blocks++] = begin;
        }
    }
    input.ends[input.blocks++] = input.size;
    input.bytes[input.size] = '\0';
}

/* Returns the total of the absolute values: the error of the doubles' total is relative to it. */
static double total_size(void)
{
    double total = 0;
    for (char *at = input.bytes; at < input.bytes + input.size - 1;) {
        total += fabs(strtod(at, &at));
        while (*at == ' ' || *at == '\n')
            at++;
    }
    return total;
}

static void check(const char *kind)
{
    size_t text_size = 0;
    char *text = NULL;
    double ours = 0, size = total_size();
    for (int i = 0; i < CONTESTANTS; i++) {
        if (!can_run(&contestants[i]))
            continue;
        struct memory_outcome outcome = {.text = text_room};
        contestants[i].pass(&input, &outcome);
        if (outcome.lines != input.lines || outcome.numbers != input.numbers)
            bench_die("%s, %s: %zu lines and %zu numbers, expected %zu and %zu", kind,
                      contestants[i].name, outcome.lines, outcome.numbers, input.lines,
                      input.numbers);
        if (text == NULL) {
            text_size = outcome.text_size;
            text_room[text_size] = '\0';
            for (char *at = text_room; *at != '\0'; at++) /* skips the LF of each line */
                ours += strtod(at, &at);
            text = strdup(text_room);
            if (text == NULL)
                bench_die("out of memory");
        } else if (contestants[i].implementation >= 0) {
            if (outcome.text_size != text_size || memcmp(text, text_room, text_size) != 0)
                bench_die("%s: %s and %s differ", kind, contestants[i].name, contestants[0].name);
        } else if (!(fabs(outcome.total - ours) <= 1e-9 * size)) {
            bench_die("%s: %s has the total %g, expected %g", kind, contestants[i].name,
                      outcome.total, ours);
        }
    }
    free(text);
}

/* Returns the nanoseconds of one pass, over so many passes that the clock is precise enough. */
static double time_passes(const struct contestant *who, bool format, uint64_t at_least_ns)
{
    uint64_t begin = bench_now_ns(), took, passes = 0;
    do {
        struct memory_outcome outcome = {.text = format ? text_room : NULL};
        who->pass(&input, &outcome);
        passes++;
        took = bench_now_ns() - begin;
    } while (took < at_least_ns);
    return (double)took / (double)passes;
}

int main(int argc, char *argv[])
{
    struct bench bench;
    bench_begin(
        &bench, "memory",
        "One core, no system calls: blocks of 64 KiB out of a buffer that stays in the "
        "cache, to a sum for each line; then the same with the sums as text. Medians of "
        "passes in turns. All implementations gave the same text before; strtod and fast_float add "
        "binary doubles, which are not exact.",
        argc, argv);
    size_t size = (size_t)bench_pick(&bench, 4000000, 1000000, 100000);
    uint64_t at_least_ns = bench_pick(&bench, 100000000, 10000000, 1000000);
    size_t rounds = bench_rounds(&bench);

    for (int kind = 0; kind < NUMBERS_KINDS; kind++) {
        const char *kind_name = numbers_kind_name((enum numbers_kind)kind);
        make_input((enum numbers_kind)kind, size, bench.seed);
        check(kind_name);
        double ns[CONTESTANTS][2][BENCH_ROUNDS_MAX];
        for (size_t round = 0; round < rounds; round++)
            for (int i = 0; i < CONTESTANTS; i++)
                for (int format = 0; format < 2 && can_run(&contestants[i]); format++)
                    ns[i][format][round] = time_passes(&contestants[i], format, at_least_ns);

        printf("\n%s: %.1f MB, %zu numbers in %zu lines\n\n", kind_name, (double)input.size / 1e6,
               input.numbers, input.lines);
        printf("| | sums: ns a number | GB/s | times strtod "
               "| and text: ns a number | GB/s | times strtod |\n");
        printf("| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
        double strtod_ns[2] = {0};
        for (int i = 0; i < CONTESTANTS; i++)
            for (int format = 0; format < 2; format++)
                if (contestants[i].pass == pass_strtod)
                    strtod_ns[format] = bench_median(ns[i][format], rounds);
        for (int i = 0; i < CONTESTANTS; i++) {
            if (!can_run(&contestants[i])) {
                printf("| %s | not on this CPU | | | | | |\n", contestants[i].name);
                continue;
            }
            printf("| %s |", contestants[i].name);
            for (int format = 0; format < 2; format++) {
                double took = bench_median(ns[i][format], rounds);
                double a_number = took / (double)input.numbers;
                double gb_s = (double)input.size / took;
                printf(" %.2f | %.3f | %.2f |", a_number, gb_s, strtod_ns[format] / took);
                char figure[32];
                snprintf(figure, sizeof figure, "ns a number%s", format ? ", text" : "");
                bench_record(&bench, kind_name, contestants[i].name, figure, a_number);
                snprintf(figure, sizeof figure, "GB/s%s", format ? ", text" : "");
                bench_record(&bench, kind_name, contestants[i].name, figure, gb_s);
            }
            putchar('\n');
        }
    }
    free(input.bytes);
    return 0;
}
