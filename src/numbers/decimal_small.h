/*
 * decimal_small.h - adding small numbers, inline: the innermost step of the fast implementations of
 * the parser. The contract is shmsum_decimal_sum_add_small's, in decimal_sum.h.
 */
#ifndef SHMSUM_SRC_DECIMAL_SMALL_H
#define SHMSUM_SRC_DECIMAL_SMALL_H

#include <shmsum/decimal_sum.h>

/* Empties the buckets into the limbs. */
void decimal_sum_empty_small(struct shmsum_decimal_sum *sum);

/* Makes all limbs zero. */
void decimal_sum_clear_limbs(struct shmsum_decimal_sum *sum);

/* Adds value * 10^power, negated or not, to the limbs: value < 10^18, |power| <= SCALED_POWER, so
 * that it is in range. */
enum { DECIMAL_SCALED_POWER = 900 };
void decimal_sum_add_scaled(struct shmsum_decimal_sum *sum, uint64_t value, int power,
                            bool negative);

extern const uint64_t decimal_powers_of_ten[20];

/* How many units of 10^16 a number of up to 18 digits may take. */
static inline uint32_t decimal_small_units(uint32_t digits)
{
    return digits <= 16 ? 1 : digits == 17 ? 10 : 100;
}

/* Makes room for `units` more; false when the buckets have to be emptied first. */
static inline bool decimal_reserve_small(struct shmsum_decimal_sum *sum, uint32_t units)
{
    if (sum->small_units + units > SHMSUM_DECIMAL_SMALL_UNITS)
        return false;
    sum->small_units += units;
    return true;
}

static inline void decimal_add_small(struct shmsum_decimal_sum *sum, int64_t value, uint32_t scale)
{
    uint32_t bucket = scale + (scale != 0); /* digits behind the point, and the point */
    sum->small[bucket] += value;
    sum->small_used |= UINT32_C(1) << bucket;
}

/* Makes the sum zero again, as shmsum_decimal_sum_clear does. */
static inline void decimal_sum_clear_line(struct shmsum_decimal_sum *sum)
{
    for (uint32_t used = sum->small_used; used != 0; used &= used - 1)
        sum->small[__builtin_ctz(used)] = 0;
    sum->small_used = 0;
    sum->small_units = 0;
    if (sum->high != 0)
        decimal_sum_clear_limbs(sum);
}

#endif
