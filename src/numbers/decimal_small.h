/*
 * decimal_small.h - the buckets of small numbers. The inline functions are the innermost step of
 * the fast implementations of the parser. shmsum_decimal_sum_add_small in decimal_sum.h has the
 * contract.
 */
#ifndef SHMSUM_SRC_DECIMAL_SMALL_H
#define SHMSUM_SRC_DECIMAL_SMALL_H

#include "decimal_limbs.h"

/* The value whole + fraction * 10^-scale, negated if `negative`. fraction < 10^scale. */
struct decimal_small_value {
    uint64_t whole;
    uint64_t fraction;
    uint32_t scale;
    bool negative;
};

/* Returns the value of the buckets. */
struct decimal_small_value decimal_sum_add_up_small(const struct shmsum_decimal_sum *sum);

/* Moves the value of the buckets to the limbs. */
void decimal_sum_empty_small(struct shmsum_decimal_sum *sum);

/* The digits after the point of the numbers in a bucket. */
static inline uint32_t decimal_small_scale(uint32_t bucket)
{
    return bucket == 0 ? 0 : bucket - 1;
}

/* The most units of 10^16 that a number of so many digits takes. digits <= 18. */
static inline uint32_t decimal_small_units(uint32_t digits)
{
    return digits <= 16 ? 1 : digits == 17 ? 10 : 100;
}

/* Reserves room for `units` more. False: there is none; the caller must empty the buckets first. */
static inline bool decimal_small_reserve(struct shmsum_decimal_sum *sum, uint32_t units)
{
    if (sum->small_units + units > SHMSUM_DECIMAL_SMALL_UNITS)
        return false;
    sum->small_units += units;
    return true;
}

static inline void decimal_small_add(struct shmsum_decimal_sum *sum, int64_t value, uint32_t scale)
{
    uint32_t bucket = scale + (scale != 0); /* bucket 0 is for integers without a point */
    sum->small[bucket] += value;
    sum->small_used |= UINT32_C(1) << bucket;
}

/* Sets all buckets to zero. */
static inline void decimal_small_clear(struct shmsum_decimal_sum *sum)
{
    for (uint32_t used = sum->small_used; used != 0; used &= used - 1)
        sum->small[__builtin_ctz(used)] = 0;
    sum->small_used = 0;
    sum->small_units = 0;
}

/* Sets the sum to zero; shmsum_decimal_sum_clear does this. */
static inline void decimal_small_clear_sum(struct shmsum_decimal_sum *sum)
{
    decimal_small_clear(sum);
    if (sum->high != 0)
        decimal_sum_clear_limbs(sum);
}

#endif
