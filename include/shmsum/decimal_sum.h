/*
 * decimal_sum.h - exact sums of decimal numbers.
 *
 * A number is a string of digits and the power of ten of its last digit. A sum is an array of
 * signed limbs, each worth a power of 10^9, wide enough for 2^64 of the largest numbers. Nothing
 * rounds, uses binary floating point, allocates or makes a system call. Both structs are plain
 * memory that the caller owns. Every function is thread-safe on distinct objects and
 * async-signal-safe.
 *
 * The non-zero digits of a number must be between 10^-1000 and 10^999. A sum may grow beyond that.
 */
#ifndef SHMSUM_DECIMAL_SUM_H
#define SHMSUM_DECIMAL_SUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shmsum/decls.h>

SHMSUM_BEGIN_DECLS

enum {
    SHMSUM_DECIMAL_HIGHEST = 999,  /* the highest power of ten of a digit of a number */
    SHMSUM_DECIMAL_LOWEST = -1000, /* the lowest */
    SHMSUM_DECIMAL_DIGITS = SHMSUM_DECIMAL_HIGHEST - SHMSUM_DECIMAL_LOWEST + 1,

    SHMSUM_DECIMAL_GROUP = 9, /* digits in a group of a number, and in a limb of a sum */
    SHMSUM_DECIMAL_GROUPS =
        (SHMSUM_DECIMAL_DIGITS + SHMSUM_DECIMAL_GROUP - 1) / SHMSUM_DECIMAL_GROUP,

    /* The limbs on each side of the decimal point. 2^64 numbers below 10^1000 add up to less than
     * 10^1020. That takes 114 limbs; one more takes the sign of a carried sum. */
    SHMSUM_DECIMAL_LIMBS_BELOW = 112,
    SHMSUM_DECIMAL_LIMBS_ABOVE = 115,
    SHMSUM_DECIMAL_LIMBS = SHMSUM_DECIMAL_LIMBS_BELOW + SHMSUM_DECIMAL_LIMBS_ABOVE,

    /* A small number has up to 18 digits, with or without a point among or after them. Each is
     * counted, by its size without the point, in units of 10^16, rounded up. 900 units fit into 63
     * bits. */
    SHMSUM_DECIMAL_SMALL_DIGITS = 18,
    SHMSUM_DECIMAL_BUCKETS = SHMSUM_DECIMAL_SMALL_DIGITS + 2,
    SHMSUM_DECIMAL_SMALL_UNITS = 900,

    /* The longest text of a sum: a sign, 1020 digits, a point, 1000 digits. */
    SHMSUM_DECIMAL_TEXT_MAX = 1 + 1020 + 1 + 1000,
};

/* The digits of one number, from first to last, in groups of nine, without leading zeros. */
struct shmsum_decimal {
    uint32_t groups[SHMSUM_DECIMAL_GROUPS]; /* full groups, each below 10^9 */
    uint32_t full;                          /* count of full groups */
    uint32_t partial;                       /* the value of the digits after the last full group */
    uint32_t partial_digits;                /* count of those digits, 0 to 8 */
    uint32_t digits;                        /* full * 9 + partial_digits, at most 2000 */
    uint32_t significant;                   /* count of digits up to the last non-zero one */
    uint64_t dropped;                       /* count of digits after the first 2000 */
    bool too_long;                          /* a dropped digit was not zero */
};

/*
 * A sum is the value of the limbs plus the value of the buckets of small numbers. Most lines use no
 * limb: their sum is one bucket. The limbs outside [low, high) are zero. So are the buckets whose
 * bit in small_used is not set.
 */
struct shmsum_decimal_sum {
    /* Bucket 0 holds integers, bucket i > 0 numbers with a point and i - 1 digits after it. */
    int64_t small[SHMSUM_DECIMAL_BUCKETS];
    uint32_t small_used;
    uint32_t small_units;                /* an upper bound of the units in the buckets */
    int64_t limbs[SHMSUM_DECIMAL_LIMBS]; /* limb i is worth 10^(9 * (i - LIMBS_BELOW)) */
    uint32_t low;
    uint32_t high;
    uint32_t pending; /* numbers added since the limbs were last carried */
};

/* Makes *number the empty digit string, which is worth 0. */
void shmsum_decimal_clear(struct shmsum_decimal *number);

/* Appends the digits ('0' to '9') that bytes[0..size) begins with to *number, and returns how many
 * there are. Accepts any count of digits. */
size_t shmsum_decimal_push(struct shmsum_decimal *number, const uint8_t *bytes, size_t size);

/* Sets *sum to zero. *sum may be uninitialised memory. */
void shmsum_decimal_sum_init(struct shmsum_decimal_sum *sum);

/* Sets an initialised *sum to zero. Costs less than _init when little of the sum is in use. */
void shmsum_decimal_sum_clear(struct shmsum_decimal_sum *sum);

/*
 * Adds the number, negated if `negative`. `exponent` is the power of ten of its last pushed digit
 * (0: an integer, -2: two digits after the point). |exponent| <= 4 * 10^18.
 * Returns 0; or -ERANGE if a non-zero digit is outside 10^-1000 .. 10^999: the sum is unchanged.
 */
int shmsum_decimal_sum_add(struct shmsum_decimal_sum *sum, const struct shmsum_decimal *number,
                           int64_t exponent, bool negative);

/* Adds value * 10^-scale: the fast way for a small number. |value| < 10^18, 0 <= scale <= 18. */
void shmsum_decimal_sum_add_small(struct shmsum_decimal_sum *sum, int64_t value, unsigned scale);

/*
 * Writes the sum in canonical form to text[0..SHMSUM_DECIMAL_TEXT_MAX), without a NUL, and returns
 * the length. Bytes after the text may be overwritten. Canonical form: plain notation; no
 * exponent, no '+', no leading zeros, no trailing zeros after the point, no point without digits
 * after it, "0" for zero. The value of the sum does not change; its limbs are carried.
 */
size_t shmsum_decimal_sum_format(struct shmsum_decimal_sum *sum, char *text);

/* Whether the invariant holds, in constant time: for assertions. */
bool shmsum_decimal_is_valid(const struct shmsum_decimal *number);
bool shmsum_decimal_sum_is_valid(const struct shmsum_decimal_sum *sum);

SHMSUM_END_DECLS

#endif
