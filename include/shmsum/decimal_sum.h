/*
 * decimal_sum.h - exact sums of decimal numbers.
 *
 * A number is a string of digits and the power of ten of its last digit; a sum is a row of signed
 * limbs, each worth a power of 10^9, wide enough for 2^64 of the largest numbers. There is no
 * rounding anywhere, no binary floating point, no allocation and no call to the system: both
 * structs are plain memory that the caller owns, and every function is thread-safe on distinct
 * objects and async-signal-safe.
 *
 * A number's non-zero digits must stand between 10^-1000 and 10^999. A sum may grow past that.
 */
#ifndef SHMSUM_DECIMAL_SUM_H
#define SHMSUM_DECIMAL_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SHMSUM_DECIMAL_HIGHEST = 999,  /* power of ten of the first digit that a number may have */
    SHMSUM_DECIMAL_LOWEST = -1000, /* and of the last */
    SHMSUM_DECIMAL_DIGITS = SHMSUM_DECIMAL_HIGHEST - SHMSUM_DECIMAL_LOWEST + 1,

    SHMSUM_DECIMAL_GROUP = 9, /* digits in a group of a number, and in a limb of a sum */
    SHMSUM_DECIMAL_GROUPS =
        (SHMSUM_DECIMAL_DIGITS + SHMSUM_DECIMAL_GROUP - 1) / SHMSUM_DECIMAL_GROUP,

    /* Limbs on each side of the decimal point. 2^64 numbers below 10^1000 stay below 10^1020, which
     * takes 114 limbs, and one more takes the sign of a carried sum. */
    SHMSUM_DECIMAL_LIMBS_BELOW = 112,
    SHMSUM_DECIMAL_LIMBS_ABOVE = 115,
    SHMSUM_DECIMAL_LIMBS = SHMSUM_DECIMAL_LIMBS_BELOW + SHMSUM_DECIMAL_LIMBS_ABOVE,

    /* The longest text of a sum: sign, 1020 digits, point, 1000 digits. */
    SHMSUM_DECIMAL_TEXT_MAX = 1 + 1020 + 1 + 1000,
};

/* The digits of one number, first to last, in groups of nine. Leading zeros are not kept. */
struct shmsum_decimal {
    uint32_t groups[SHMSUM_DECIMAL_GROUPS]; /* full groups, each below 10^9 */
    uint32_t full;                          /* how many groups are full */
    uint32_t partial;                       /* digits behind the last full group, as a number */
    uint32_t partial_digits;                /* how many those are, 0 to 8 */
    uint32_t digits;                        /* full * 9 + partial_digits, at most 2000 */
    uint32_t significant;                   /* digits up to the last non-zero one */
    uint64_t dropped;                       /* zeros behind the first 2000 digits, not kept */
    bool too_long;                          /* one of those was not a zero */
};

/* A sum. All limbs outside [low, high) are zero. */
struct shmsum_decimal_sum {
    int64_t limbs[SHMSUM_DECIMAL_LIMBS]; /* limb i is worth 10^(9 * (i - LIMBS_BELOW)) */
    uint32_t low;
    uint32_t high;
    uint32_t pending; /* numbers added since the limbs were last carried */
};

/* Makes *number the empty digit string, which is worth 0. */
void shmsum_decimal_clear(struct shmsum_decimal *number);

/* Puts the digits ('0' to '9') that bytes[0..size) begins with behind the digits of *number, and
 * returns how many those were. Any count of digits is accepted. */
size_t shmsum_decimal_push(struct shmsum_decimal *number, const uint8_t *bytes, size_t size);

/* Makes *sum zero, whatever it held: also for memory that was never a sum. */
void shmsum_decimal_sum_init(struct shmsum_decimal_sum *sum);

/* Makes an initialised *sum zero again, at the cost of what it holds. */
void shmsum_decimal_sum_clear(struct shmsum_decimal_sum *sum);

/*
 * Adds the number whose pushed digits end at the power of ten `exponent` (0: an integer, -2: two
 * digits behind the point), times -1 when `negative`. |exponent| <= 4 * 10^18.
 * Returns 0; or -ERANGE, with the sum unchanged, when a non-zero digit stands outside
 * 10^-1000 .. 10^999.
 */
int shmsum_decimal_sum_add(struct shmsum_decimal_sum *sum, const struct shmsum_decimal *number,
                           int64_t exponent, bool negative);

/*
 * Writes the sum in canonical form to text[0..SHMSUM_DECIMAL_TEXT_MAX), without a NUL, and returns
 * the length. Canonical: plain notation; no exponent, no '+', no leading zeros, no trailing zeros
 * behind the point, no point without digits behind it, "0" for zero. The value of the sum does not
 * change; its limbs are carried.
 */
size_t shmsum_decimal_sum_format(struct shmsum_decimal_sum *sum, char *text);

/* The invariant, in constant time: for assertions. */
bool shmsum_decimal_is_valid(const struct shmsum_decimal *number);
bool shmsum_decimal_sum_is_valid(const struct shmsum_decimal_sum *sum);

#endif
