/*
 * decimal_push.h - putting digits behind a number, inline: the innermost loop of the line parser.
 * The contract is shmsum_decimal_push's, in decimal_sum.h.
 */
#ifndef SHMSUM_SRC_DECIMAL_PUSH_H
#define SHMSUM_SRC_DECIMAL_PUSH_H

#include <shmsum/decimal_sum.h>

static inline void decimal_clear(struct shmsum_decimal *number)
{
    number->full = 0;
    number->partial = 0;
    number->partial_digits = 0;
    number->digits = 0;
    number->significant = 0;
    number->dropped = 0;
    number->too_long = false;
}

/* Puts the digits that bytes[0..size) begins with behind the number; returns how many there were.
 */
static inline size_t decimal_push_run(struct shmsum_decimal *number, const uint8_t *bytes,
                                      size_t size)
{
    size_t i = 0;
    if (number->digits == 0)
        while (i < size && bytes[i] == '0') /* leading zeros */
            i++;
    /* Digits that are kept, in groups of nine. */
    size_t first = i;
    size_t room = SHMSUM_DECIMAL_DIGITS - number->digits;
    size_t stop = size - first < room ? size : first + room;
    size_t significant = first;
    uint32_t partial = number->partial;
    uint32_t partial_digits = number->partial_digits;
    for (uint32_t digit; i < stop && (digit = (uint32_t)(bytes[i] - '0')) <= 9; i++) {
        partial = partial * 10 + digit;
        if (digit != 0)
            significant = i + 1;
        if (++partial_digits == SHMSUM_DECIMAL_GROUP) {
            number->groups[number->full++] = partial;
            partial = 0;
            partial_digits = 0;
        }
    }
    number->partial = partial;
    number->partial_digits = partial_digits;
    if (significant > first)
        number->significant = number->digits + (uint32_t)(significant - first);
    number->digits += (uint32_t)(i - first);
    /* Digits that there is no room for: zeros only count, others are too much. */
    if (number->digits == SHMSUM_DECIMAL_DIGITS) {
        for (uint32_t digit; i < size && (digit = (uint32_t)(bytes[i] - '0')) <= 9; i++) {
            number->dropped++;
            number->too_long = number->too_long || digit != 0;
        }
    }
    return i;
}

#endif
