/*
 * decimal_sum.c - exact sums of decimal numbers: the plain form, which is the specification.
 *
 * Called by the line parser for every number and by the consumer for every line. Promises: exact,
 * no allocation, no system call.
 *
 * A limb holds the sum of all groups that were added at its place, signed and not yet carried: an
 * addition touches two limbs per group of nine digits and never ripples. A group is at most 10^9 -
 * 1 before and its two shifted halves are below 10^9 each, so a limb grows by less than 2 * 10^9
 * per number and 2^31 numbers fit into 63 bits before the limbs must be carried.
 */
#include <shmsum/decimal_sum.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "decimal_push.h"

enum {
    GROUP = SHMSUM_DECIMAL_GROUP,
    LIMBS = SHMSUM_DECIMAL_LIMBS,
    BELOW = SHMSUM_DECIMAL_LIMBS_BELOW,
};
static const int64_t base = 1000000000;
static const uint32_t carry_after = UINT32_C(1) << 31;

static const uint32_t power_of_ten[GROUP + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

_Static_assert(BELOW *GROUP >= -SHMSUM_DECIMAL_LOWEST, "limbs reach the lowest digit");
_Static_assert((SHMSUM_DECIMAL_LIMBS_ABOVE - 1) * GROUP >= SHMSUM_DECIMAL_HIGHEST + 1 + 20,
               "limbs hold 2^64 of the largest numbers, and a sign");

bool shmsum_decimal_is_valid(const struct shmsum_decimal *number)
{
    return number->partial_digits < GROUP &&
           number->partial < power_of_ten[number->partial_digits] &&
           number->digits == number->full * GROUP + number->partial_digits &&
           number->digits <= SHMSUM_DECIMAL_DIGITS && number->significant <= number->digits &&
           (number->significant > 0 || number->digits == 0) &&
           (number->dropped == 0 || number->digits == SHMSUM_DECIMAL_DIGITS);
}

bool shmsum_decimal_sum_is_valid(const struct shmsum_decimal_sum *sum)
{
    return sum->high <= LIMBS && (sum->low <= sum->high || (sum->low == LIMBS && sum->high == 0)) &&
           sum->pending <= carry_after;
}

void shmsum_decimal_clear(struct shmsum_decimal *number)
{
    decimal_clear(number);
}

size_t shmsum_decimal_push(struct shmsum_decimal *number, const uint8_t *bytes, size_t size)
{
    size_t digits = decimal_push_run(number, bytes, size);
    assert(shmsum_decimal_is_valid(number));
    return digits;
}

static void set_empty(struct shmsum_decimal_sum *sum)
{
    sum->low = LIMBS;
    sum->high = 0;
    sum->pending = 0;
}

void shmsum_decimal_sum_init(struct shmsum_decimal_sum *sum)
{
    memset(sum->limbs, 0, sizeof sum->limbs);
    set_empty(sum);
}

void shmsum_decimal_sum_clear(struct shmsum_decimal_sum *sum)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    for (uint32_t i = sum->low; i < sum->high; i++)
        sum->limbs[i] = 0;
    set_empty(sum);
}

/* Division that rounds down, so that what remains is in [0, divisor). */
static int64_t divide_down(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0);
}

/* Brings all limbs but the highest into [0, 10^9), and that one into (-10^9, 10^9), where its sign
 * is the sign of the sum unless it is zero. The value stays. */
static void carry(struct shmsum_decimal_sum *sum)
{
    sum->pending = 0;
    if (sum->low >= sum->high)
        return;
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

int shmsum_decimal_sum_add(struct shmsum_decimal_sum *sum, const struct shmsum_decimal *number,
                           int64_t exponent, bool negative)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    assert(shmsum_decimal_is_valid(number));
    if (number->digits == 0)
        return 0;
    if (number->too_long)
        return -ERANGE;
    int64_t last = exponent + (int64_t)number->dropped; /* power of ten of the last kept digit */
    if (last + number->digits - 1 > SHMSUM_DECIMAL_HIGHEST ||
        last + number->digits - number->significant < SHMSUM_DECIMAL_LOWEST)
        return -ERANGE;

    /* Fill the last group with zeros, so that all groups have nine digits, and forget groups of
     * zeros behind the last significant digit: they may reach below the lowest limb. */
    uint32_t groups = number->full;
    uint32_t tail = 0;
    if (number->partial_digits > 0) {
        tail = number->partial * power_of_ten[GROUP - number->partial_digits];
        last -= GROUP - number->partial_digits;
        groups++;
    }
    uint32_t used = (number->significant + GROUP - 1) / GROUP;
    last += (int64_t)GROUP * (groups - used);

    int64_t place = divide_down(last, GROUP);
    uint64_t shift = power_of_ten[last - place * GROUP];
    uint32_t limb = (uint32_t)(place + BELOW); /* of the last group */
    for (uint32_t i = used; i-- > 0; limb++) {
        uint64_t shifted = (i < number->full ? number->groups[i] : tail) * shift;
        int64_t here = (int64_t)(shifted % (uint64_t)base);
        int64_t above = (int64_t)(shifted / (uint64_t)base);
        sum->limbs[limb] += negative ? -here : here;
        sum->limbs[limb + 1] += negative ? -above : above;
    }
    uint32_t first = (uint32_t)(place + BELOW);
    sum->low = first < sum->low ? first : sum->low;
    sum->high = limb + 1 > sum->high ? limb + 1 : sum->high;
    if (++sum->pending == carry_after)
        carry(sum);
    assert(shmsum_decimal_sum_is_valid(sum));
    return 0;
}

static void negate(struct shmsum_decimal_sum *sum)
{
    for (uint32_t i = sum->low; i < sum->high; i++)
        sum->limbs[i] = -sum->limbs[i];
}

/* Writes the digits of a carried limb, all nine of them. */
static void write_group(int64_t limb, char *text)
{
    assert(limb >= 0 && limb < base);
    uint32_t rest = (uint32_t)limb;
    for (int i = GROUP - 1; i >= 0; i--) {
        text[i] = (char)('0' + rest % 10);
        rest /= 10;
    }
}

size_t shmsum_decimal_sum_format(struct shmsum_decimal_sum *sum, char *text)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    char *to = text;
    carry(sum);
    uint32_t high = sum->high;
    while (high > sum->low && sum->limbs[high - 1] == 0)
        high--;
    if (high <= sum->low) {
        *to++ = '0';
        return 1;
    }
    bool negative = sum->limbs[high - 1] < 0;
    if (negative) { /* its absolute value is what is written */
        *to++ = '-';
        negate(sum);
        carry(sum);
        while (sum->limbs[high - 1] == 0)
            high--;
    }

    /* Integer part. */
    if (high <= BELOW) {
        *to++ = '0';
    } else {
        char group[GROUP];
        write_group(sum->limbs[high - 1], group);
        int zeros = 0;
        while (group[zeros] == '0')
            zeros++;
        memcpy(to, group + zeros, (size_t)(GROUP - zeros));
        to += GROUP - zeros;
        for (uint32_t i = high - 1; i-- > BELOW; to += GROUP)
            write_group(sum->limbs[i], to);
    }

    /* Fraction, without the zeros at its end. */
    uint32_t low = sum->low;
    while (low < BELOW && sum->limbs[low] == 0)
        low++;
    if (low < BELOW) {
        *to++ = '.';
        for (uint32_t i = BELOW; i-- > low + 1; to += GROUP)
            write_group(sum->limbs[i], to);
        char group[GROUP];
        write_group(sum->limbs[low], group);
        size_t digits = GROUP;
        while (group[digits - 1] == '0')
            digits--;
        memcpy(to, group, digits);
        to += digits;
    }
    if (negative)
        negate(sum);
    assert(to - text <= SHMSUM_DECIMAL_TEXT_MAX);
    return (size_t)(to - text);
}
