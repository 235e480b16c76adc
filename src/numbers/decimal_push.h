/*
 * decimal_push.h - appending digits to a number, inline: the innermost loop of the line parser.
 * shmsum_decimal_push in decimal_sum.h has the contract.
 */
#ifndef SHMSUM_SRC_DECIMAL_PUSH_H
#define SHMSUM_SRC_DECIMAL_PUSH_H

#include <shmsum/decimal_sum.h>

/* Makes *number the empty digit string. */
static inline void decimal_push_clear(struct shmsum_decimal *number)
{
    number->full = 0;
    number->partial = 0;
    number->partial_digits = 0;
    number->digits = 0;
    number->significant = 0;
    number->dropped = 0;
    number->too_long = false;
}

/* Appends the digits that bytes[0..size) begins with; returns how many. */
static inline size_t decimal_push_run(struct shmsum_decimal *number, const uint8_t *bytes,
                                      size_t size)
{
    size_t i = 0;
    if (number->digits == 0)
        while (i < size && bytes[i] == '0') /* leading zeros */
            i++;
    /* Keep digits, in groups of nine, while there is room. */
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
    /* Drop digits without room: count zeros; any other digit makes the number too long. */
    if (number->digits == SHMSUM_DECIMAL_DIGITS) {
        for (uint32_t digit; i < size && (digit = (uint32_t)(bytes[i] - '0')) <= 9; i++) {
            number->dropped++;
            number->too_long = number->too_long || digit != 0;
        }
    }
    return i;
}

#endif
