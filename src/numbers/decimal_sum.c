/*
 * decimal_sum.c - exact sums of decimal numbers.
 *
 * The line parser calls it for every number. Promises: exact, no allocation, no system call.
 *
 * A limb holds the sum of all groups that were added at its place. It is signed and not yet
 * carried: an addition changes two limbs for each group of nine digits, and carries nothing
 * further. A group is below 10^9. Shifted to its place it is split into two halves, each below
 * 10^9. So one number changes a limb by less than 2 * 10^9, and 2^31 numbers fit into 63 bits
 * before the limbs must be carried.
 */
#include <shmsum/decimal_sum.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "decimal_limbs.h"
#include "decimal_push.h"
#include "decimal_small.h"

enum {
    GROUP = SHMSUM_DECIMAL_GROUP,
    LIMBS = SHMSUM_DECIMAL_LIMBS,
    BELOW = SHMSUM_DECIMAL_LIMBS_BELOW,
};
static const int64_t base = DECIMAL_BASE;
static const uint32_t carry_after = UINT32_C(1) << 31;

_Static_assert(BELOW *GROUP >= -SHMSUM_DECIMAL_LOWEST, "limbs reach the lowest digit");
_Static_assert((SHMSUM_DECIMAL_LIMBS_ABOVE - 1) * GROUP >= SHMSUM_DECIMAL_HIGHEST + 1 + 20,
               "limbs hold 2^64 of the largest numbers, and a sign");

bool shmsum_decimal_is_valid(const struct shmsum_decimal *number)
{
    return number->partial_digits < GROUP &&
           number->partial < decimal_powers_of_ten[number->partial_digits] &&
           number->digits == number->full * GROUP + number->partial_digits &&
           number->digits <= SHMSUM_DECIMAL_DIGITS && number->significant <= number->digits &&
           (number->significant > 0 || number->digits == 0) &&
           (number->dropped == 0 || number->digits == SHMSUM_DECIMAL_DIGITS);
}

bool shmsum_decimal_sum_is_valid(const struct shmsum_decimal_sum *sum)
{
    return sum->high <= LIMBS && (sum->low <= sum->high || (sum->low == LIMBS && sum->high == 0)) &&
           sum->pending <= carry_after && sum->small_units <= SHMSUM_DECIMAL_SMALL_UNITS &&
           sum->small_used >> SHMSUM_DECIMAL_BUCKETS == 0;
}

void shmsum_decimal_clear(struct shmsum_decimal *number)
{
    decimal_push_clear(number);
}

size_t shmsum_decimal_push(struct shmsum_decimal *number, const uint8_t *bytes, size_t size)
{
    size_t digits = decimal_push_run(number, bytes, size);
    assert(shmsum_decimal_is_valid(number));
    return digits;
}

static void set_no_limbs(struct shmsum_decimal_sum *sum)
{
    sum->low = LIMBS;
    sum->high = 0;
    sum->pending = 0;
}

void shmsum_decimal_sum_init(struct shmsum_decimal_sum *sum)
{
    memset(sum->limbs, 0, sizeof sum->limbs);
    memset(sum->small, 0, sizeof sum->small);
    set_no_limbs(sum);
    sum->small_used = 0;
    sum->small_units = 0;
}

void decimal_sum_clear_limbs(struct shmsum_decimal_sum *sum)
{
    for (uint32_t i = sum->low; i < sum->high; i++)
        sum->limbs[i] = 0;
    set_no_limbs(sum);
}

void shmsum_decimal_sum_clear(struct shmsum_decimal_sum *sum)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    decimal_small_clear_sum(sum);
}

/* Divides and rounds down, so that the remainder is in [0, divisor). */
static int64_t divide_down(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

void decimal_sum_carry(struct shmsum_decimal_sum *sum)
{
    assert(sum->low < sum->high);
    sum->pending = 0;
    for (uint32_t i = sum->low; i + 1 < sum->high; i++) {
        int64_t up = divide_down(sum->limbs[i], base);
        sum->limbs[i] -= up * base;
        sum->limbs[i + 1] += up;
    }
    while (sum->limbs[sum->high - 1] >= base || sum->limbs[sum->high - 1] <= -base) {
        assert(sum->high < LIMBS);
        int64_t up = divide_down(sum->limbs[sum->high - 1], base);
        sum->limbs[sum->high - 1] -= up * base;
        sum->limbs[sum->high] += up;
        sum->high++;
    }
}

/* The place of a group: the limb that holds the power of ten of its last digit, and the factor from
 * the limb's lowest digit up to that power. */
struct place {
    uint32_t limb;
    uint64_t shift;
};

static struct place place_of(int64_t power)
{
    int64_t limb = divide_down(power, GROUP);
    return (struct place){
        .limb = (uint32_t)(limb + BELOW),
        .shift = decimal_powers_of_ten[power - limb * GROUP],
    };
}

/* Adds a group of nine digits at *place, and moves *place to the next limb up. */
static void add_group(struct shmsum_decimal_sum *sum, struct place *place, uint64_t group,
                      bool negative)
{
    uint64_t shifted = group * place->shift;
    int64_t here = (int64_t)(shifted % (uint64_t)base);
    int64_t above = (int64_t)(shifted / (uint64_t)base);
    sum->limbs[place->limb] += negative ? -here : here;
    place->limb++;
    sum->limbs[place->limb] += negative ? -above : above;
}

/* Includes the limbs of `groups` groups in [low, high). The last one was added below *place. */
static void touch(struct shmsum_decimal_sum *sum, const struct place *place, uint32_t groups)
{
    uint32_t low = place->limb - groups;
    uint32_t high = place->limb + 1;
    sum->low = low < sum->low ? low : sum->low;
    sum->high = high > sum->high ? high : sum->high;
}

int shmsum_decimal_sum_add(struct shmsum_decimal_sum *sum, const struct shmsum_decimal *number,
                           int64_t exponent, bool negative)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    assert(shmsum_decimal_is_valid(number));
    if (number->digits == 0)
        return 0;
    if (number->too_long)
        return -ERANGE;
    int64_t last = exponent + (int64_t)number->dropped; /* the power of the last kept digit */
    if (last + number->digits - 1 > SHMSUM_DECIMAL_HIGHEST ||
        last + number->digits - number->significant < SHMSUM_DECIMAL_LOWEST)
        return -ERANGE;

    /* Fill the last group with zeros, so that every group has nine digits. Skip groups of zeros
     * after the last significant digit: they may be below the lowest limb. */
    uint32_t groups = number->full;
    uint32_t tail = 0;
    if (number->partial_digits > 0) {
        tail = number->partial * (uint32_t)decimal_powers_of_ten[GROUP - number->partial_digits];
        last -= GROUP - number->partial_digits;
        groups++;
    }
    uint32_t used = (number->significant + GROUP - 1) / GROUP;
    last += (int64_t)GROUP * (groups - used);

    /* From the last group to the first. */
    struct place place = place_of(last);
    for (uint32_t i = used; i > 0; i--)
        add_group(sum, &place, i <= number->full ? number->groups[i - 1] : tail, negative);
    touch(sum, &place, used);
    if (++sum->pending == carry_after)
        decimal_sum_carry(sum);
    assert(shmsum_decimal_sum_is_valid(sum));
    return 0;
}

/* Adds value at `place`, as `groups` groups of nine digits. `groups` is the most that a value of
 * its kind has, so that no branch depends on the value. */
static void add_word(struct shmsum_decimal_sum *sum, struct place place, uint64_t value,
                     uint32_t groups, bool negative)
{
    for (uint32_t i = 0; i < groups; i++, value /= (uint64_t)base)
        add_group(sum, &place, value % (uint64_t)base, negative);
    touch(sum, &place, groups);
    if (++sum->pending == carry_after)
        decimal_sum_carry(sum);
}

void decimal_sum_add_scaled(struct shmsum_decimal_sum *sum, uint64_t value, int power,
                            bool negative)
{
    assert(power >= -DECIMAL_SCALED_POWER && power <= DECIMAL_SCALED_POWER);
    add_word(sum, place_of(power), value, 2, negative);
}

/* The largest scale of the buckets in use. */
static uint32_t largest_scale(uint32_t used)
{
    return decimal_small_scale(31 - (uint32_t)__builtin_clz(used | 1));
}

/*
 * Adds up the buckets. The units keep all buckets together below 900 * 10^16. There are two
 * implementations: the portable one makes whole lines of fractions up to 20 % slower (AVX2, sums as
 * text), because it divides once for each bucket.
 */
#ifdef __SIZEOF_INT128__

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/* Brings all buckets to the largest scale in use. The total is below 2^63 * 10^18. */
struct decimal_small_value decimal_sum_add_up_small(const struct shmsum_decimal_sum *sum)
{
    uint32_t used = sum->small_used;
    uint32_t scale = largest_scale(used);
    uint64_t one = decimal_powers_of_ten[scale];
    int128 total = 0;
    for (; used != 0; used &= used - 1) {
        uint32_t bucket = (uint32_t)__builtin_ctz(used);
        uint64_t up = decimal_powers_of_ten[scale - decimal_small_scale(bucket)];
        total += (int128)sum->small[bucket] * (int64_t)up;
    }
    bool negative = total < 0;
    uint128 size = negative ? -(uint128)total : (uint128)total;
    uint64_t whole = (uint64_t)(size / one);
    return (struct decimal_small_value){
        .whole = whole,
        .fraction = (uint64_t)size - whole * one,
        .scale = scale,
        .negative = negative,
    };
}

#else

/* Splits each bucket into a whole part, rounded down, and a fraction that is not negative. */
struct decimal_small_value decimal_sum_add_up_small(const struct shmsum_decimal_sum *sum)
{
    uint32_t used = sum->small_used;
    uint32_t scale = largest_scale(used);
    uint64_t one = decimal_powers_of_ten[scale];
    int64_t whole = 0;
    uint64_t fraction = 0;
    for (; used != 0; used &= used - 1) {
        uint32_t bucket = (uint32_t)__builtin_ctz(used);
        uint64_t unit = decimal_powers_of_ten[decimal_small_scale(bucket)];
        uint64_t value = (uint64_t)sum->small[bucket];
        uint64_t sign = -(value >> 63); /* all bits or none: rounds down without a branch */
        uint64_t up = ((value ^ sign) / unit) ^ sign;
        fraction +=
            (value - up * unit) * decimal_powers_of_ten[scale - decimal_small_scale(bucket)];
        bool over = fraction >= one;
        fraction -= over ? one : 0;
        whole += (int64_t)up + over;
    }
    bool negative = whole < 0;
    if (negative && fraction != 0) {
        whole++;
        fraction = one - fraction;
    }
    return (struct decimal_small_value){
        .whole = negative ? -(uint64_t)whole : (uint64_t)whole,
        .fraction = fraction,
        .scale = scale,
        .negative = negative,
    };
}

#endif

void decimal_sum_empty_small(struct shmsum_decimal_sum *sum)
{
    struct decimal_small_value value = decimal_sum_add_up_small(sum);
    add_word(sum, place_of(0), value.whole, 3, value.negative);
    add_word(sum, place_of(-(int64_t)value.scale), value.fraction, 2, value.negative);
    decimal_small_clear(sum);
}

void shmsum_decimal_sum_add_small(struct shmsum_decimal_sum *sum, int64_t value, unsigned scale)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    assert(scale <= SHMSUM_DECIMAL_SMALL_DIGITS);
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    assert(size < decimal_powers_of_ten[SHMSUM_DECIMAL_SMALL_DIGITS]);
    uint32_t units = (uint32_t)(size / decimal_powers_of_ten[16]) + 1;
    if (!decimal_small_reserve(sum, units)) {
        decimal_sum_empty_small(sum);
        decimal_small_reserve(sum, units);
    }
    decimal_small_add(sum, value, scale);
}
