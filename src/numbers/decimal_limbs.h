/*
 * decimal_limbs.h - the limbs of a sum, for the other files of this folder. decimal_sum.c defines
 * what is declared here.
 */
#ifndef SHMSUM_SRC_DECIMAL_LIMBS_H
#define SHMSUM_SRC_DECIMAL_LIMBS_H

#include <shmsum/decimal_sum.h>

enum {
    DECIMAL_BASE = 1000000000,  /* limb i + 1 is worth DECIMAL_BASE times limb i */
    DECIMAL_SCALED_POWER = 900, /* the largest |power| of decimal_sum_add_scaled */
};

/* decimal_powers_of_ten[i] is 10^i. The table is in a header because compilers then fold constants
 * of it into the loops of the parser: those are up to 10 % faster. */
static const uint64_t decimal_powers_of_ten[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* Carries: brings all limbs but the highest into [0, DECIMAL_BASE), and the highest into
 * (-DECIMAL_BASE, DECIMAL_BASE). Then the sign of the highest non-zero limb is the sign of the sum.
 * The value does not change. At least one limb must be in use. */
void decimal_sum_carry(struct shmsum_decimal_sum *sum);

/* Sets all limbs to zero. */
void decimal_sum_clear_limbs(struct shmsum_decimal_sum *sum);

/* Adds value * 10^power, negated if `negative`, to the limbs. value < 10^18 and |power| <=
 * DECIMAL_SCALED_POWER; so the number is always in range. */
void decimal_sum_add_scaled(struct shmsum_decimal_sum *sum, uint64_t value, int power,
                            bool negative);

#endif
