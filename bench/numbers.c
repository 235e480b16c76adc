/*
 * numbers.c - lines of numbers for the benchmarks. See numbers.h.
 */
#include "numbers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char *const kind_names[NUMBERS_KINDS] = {
    "integers", "hundredths", "mixed", "digits17", "single",
};
static const char *const spelling_names[NUMBERS_SPELLINGS] = {"full", "plain", "bc"};

const char *numbers_kind_name(enum numbers_kind kind)
{
    return kind_names[kind];
}

const char *numbers_spelling_name(enum numbers_spelling spelling)
{
    return spelling_names[spelling];
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(struct numbers *numbers)
{
    uint64_t z = numbers->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Returns 0 .. below - 1. The bias is too small to matter in a benchmark. */
static uint64_t draw_below(struct numbers *numbers, uint64_t below)
{
    return draw(numbers) % below;
}

unsigned numbers_in_line(struct numbers *numbers)
{
    if (numbers->per_line != 0)
        return numbers->per_line;
    switch (numbers->kind) {
    case NUMBERS_MIXED:
        return 1 + (unsigned)draw_below(numbers, 30);
    case NUMBERS_SINGLE:
        return 1;
    default:
        return 8;
    }
}

/* Writes the digits with a point before the last `scale` of them, and zeros between the digits and
 * a point outside them. Returns the length. */
static size_t spell(char *text, const char *digits, int count, int scale)
{
    size_t size = 0;
    int before = count - scale;
    if (before <= 0)
        text[size++] = '0';
    for (int i = 0; i < before; i++)
        text[size++] = (char)(i < count ? digits[i] : '0');
    if (scale > 0)
        text[size++] = '.';
    for (int i = before; i < 0 && i < count; i++)
        text[size++] = '0';
    for (int i = before > 0 ? before : 0; i < count; i++)
        text[size++] = digits[i];
    return size;
}

size_t numbers_next(struct numbers *numbers, enum numbers_spelling spelling, char *text)
{
    int count = 0, scale = 0, exponent = 0;
    bool negative = false, plus = false, has_exponent = false;
    uint64_t value = 0;
    switch (numbers->kind) {
    case NUMBERS_INTEGERS:
        value = draw_below(numbers, 1000000001);
        break;
    case NUMBERS_HUNDREDTHS:
    case NUMBERS_SINGLE:
        value = draw_below(numbers, 10000000);
        negative = draw_below(numbers, 2) != 0;
        scale = 2;
        break;
    case NUMBERS_DIGITS17:
        value = UINT64_C(10000000000000000) + draw_below(numbers, UINT64_C(90000000000000000));
        negative = draw_below(numbers, 2) != 0;
        scale = 1 + (int)draw_below(numbers, 17);
        break;
    default: {
        uint64_t bound = 10;
        for (uint64_t i = draw_below(numbers, 15); i > 0; i--)
            bound *= 10;
        value = draw_below(numbers, bound);
        uint64_t sign = draw_below(numbers, 8);
        negative = sign < 3;
        plus = sign == 3;
        scale = (int)draw_below(numbers, 9);
        has_exponent = draw_below(numbers, 4) == 0;
        if (has_exponent)
            exponent = (int)draw_below(numbers, 41) - 20;
    }
    }
    char digits[24];
    count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);

    size_t size = 0;
    if (negative)
        text[size++] = '-';
    if (spelling == NUMBERS_FULL) {
        if (plus)
            text[size++] = '+';
        size += spell(text + size, digits, count, scale);
        if (has_exponent)
            size += (size_t)snprintf(text + size, NUMBERS_TEXT_MAX - size, "e%d", exponent);
        return size;
    }
    return size + spell(text + size, digits, count, scale - exponent);
}

void numbers_write_file(const char *path, enum numbers_kind kind, enum numbers_spelling spelling,
                        unsigned per_line, uint64_t lines, uint64_t seed)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (file == NULL)
        bench_die("%s: %s", path, strerror(errno));
    struct numbers numbers = {.kind = kind, .per_line = per_line, .random = seed};
    char text[NUMBERS_TEXT_MAX + 1];
    char between = ' ';
    if (spelling == NUMBERS_BC)
        between = '+';
    for (uint64_t line = 0; line < lines; line++) {
        for (unsigned left = numbers_in_line(&numbers); left > 0; left--) {
            size_t size = numbers_next(&numbers, spelling, text);
            text[size++] = (char)(left == 1 ? '\n' : between);
            fwrite(text, 1, size, file);
        }
    }
    bool failed = ferror(file) != 0;
    failed |= file == stdout ? fflush(file) != 0 : fclose(file) != 0;
    if (failed)
        bench_die("%s: %s", path, strerror(errno));
}
