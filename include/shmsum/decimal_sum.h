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

#include <shmsum/decls.h>

SHMSUM_BEGIN_DECLS

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

    /* Small numbers: up to 18 digits, with or without a point among or behind them. What is added
     * to the buckets is counted in units of 10^16, rounded up; so many of them fit into 63 bits. */
    SHMSUM_DECIMAL_SMALL_DIGITS = 18,
    SHMSUM_DECIMAL_BUCKETS = SHMSUM_DECIMAL_SMALL_DIGITS + 2,
    SHMSUM_DECIMAL_SMALL_UNITS = 900,

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

/*
 * A sum: what is in the limbs, and what is in the buckets of small numbers. Most lines never touch
 * a limb: their sum is one bucket. All limbs outside [low, high) are zero, and all buckets whose
 * bit in small_used is not set.
 */
struct shmsum_decimal_sum {
    /* Bucket 0 is for integers, bucket i > 0 for numbers with a point and i - 1 digits behind it.
     */
    int64_t small[SHMSUM_DECIMAL_BUCKETS];
    uint32_t small_used;
    uint32_t small_units; /* added since the buckets were last emptied into limbs, at most */
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

/* Adds value * 10^-scale, |value| < 10^18, 0 <= scale <= 18: the quick way for a small number. */
void shmsum_decimal_sum_add_small(struct shmsum_decimal_sum *sum, int64_t value, unsigned scale);

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

SHMSUM_END_DECLS

#endif
