/*
 * line_parser_swar.c - the fast implementation for every CPU: eight bytes at a time in a 64-bit
 * word. See line_parser_implementations.h.
 *
 * Three multiplications convert eight digits at once (Lemire, "Quickly parsing eight digits", 2018,
 * after Johnny Lee).
 */
#include "line_parser_implementations.h"

#include <string.h>

enum { WORD = 8 };

/* Loads eight bytes. The first is the lowest byte of the word on every CPU. */
static inline uint64_t load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Returns the count of digits that the word begins with. */
static inline unsigned count_digits(uint64_t word)
{
    const uint64_t every = UINT64_C(0x0101010101010101);
    uint64_t offset = word ^ every * '0';                         /* a digit becomes 0 to 9 */
    uint64_t over = (offset & every * 0x7f) + every * (0x7f - 9); /* 10 to 127 sets the top bit */
    uint64_t bad = (over | offset) & every * 0x80;
    return bad == 0 ? WORD : (unsigned)__builtin_ctzll(bad) / 8;
}

/* Converts the first `count` (1 to 8) bytes of the word, which are digits. */
static inline uint64_t convert(uint64_t word, unsigned count)
{
    word <<= 64 - 8 * count; /* puts zero bytes first, which count as '0' below */
    word &= UINT64_C(0x0f0f0f0f0f0f0f0f);
    word = word * 10 + (word >> 8);
    word =
        (word & UINT64_C(0x00ff00ff00ff00ff)) * 100 + ((word >> 16) & UINT64_C(0x00ff00ff00ff00ff));
    word = (word & UINT64_C(0x0000ffff0000ffff)) * 10000 +
           ((word >> 32) & UINT64_C(0x0000ffff0000ffff));
    return word & UINT32_MAX;
}

/* Takes the digits at *at, at most `room` of them, and appends them to *value. Returns their count,
 * or room + 1 if there are more. The caller guarantees that three words can be read. */
static inline unsigned take_run(const uint8_t **at, uint64_t *value, unsigned room)
{
    unsigned taken = 0;
    for (;;) { /* at most three times: room is less than three words */
        uint64_t word = load(*at);
        unsigned count = count_digits(word);
        if (taken + count > room)
            return room + 1;
        if (count > 0)
            *value = *value * decimal_powers_of_ten[count] + convert(word, count);
        *at += count;
        taken += count;
        if (count < WORD)
            return taken;
    }
}

static inline bool is_separator(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\f' && c != '\n');
}

/* Aligned: at other addresses its loop is up to 7 % slower. */
__attribute__((aligned(64))) const uint8_t *line_parser_swar(struct line_parser_feed *feed,
                                                             const uint8_t *at, bool *line_ended)
{
    struct shmsum_line_parser *parser = feed->parser;
    struct shmsum_decimal_sum *sum = &parser->sum;
    const uint8_t point = (uint8_t)parser->point;
    *line_ended = false;
    while ((size_t)(feed->end - at) >= LINE_PARSER_FAST_MIN) {
        if (is_separator(*at)) {
            at++;
            continue;
        }
        const uint8_t *token = at;
        bool negative = *at == '-';
        at += negative || *at == '+';
        uint64_t value = 0;
        unsigned before = take_run(&at, &value, SHMSUM_DECIMAL_SMALL_DIGITS);
        unsigned behind = 0;
        if (before <= SHMSUM_DECIMAL_SMALL_DIGITS && *at == point) {
            at++;
            behind = take_run(&at, &value, SHMSUM_DECIMAL_SMALL_DIGITS - before);
        }
        unsigned digits = before + behind;
        bool newline = *at == '\n' || (*at == '\r' && at[1] == '\n');
        bool ends = newline || is_separator(*at);
        bool nothing = at == token && newline; /* the end of the line, and no token */
        if (!nothing) {
            if (digits == 0 || digits > SHMSUM_DECIMAL_SMALL_DIGITS || !ends)
                return token;
            uint32_t units = decimal_small_units(digits);
            if (!decimal_small_reserve(sum, units)) {
                decimal_sum_empty_small(sum);
                decimal_small_reserve(sum, units);
            }
            decimal_small_add(sum, negative ? -(int64_t)value : (int64_t)value, behind);
            parser->numbers++;
        }
        at++;
        if (newline) {
            at += at[-1] == '\r';
            if (!line_parser_put_line(feed, at)) {
                *line_ended = true;
                return at;
            }
        }
    }
    return at;
}
