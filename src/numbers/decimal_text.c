/*
 * decimal_text.c - the text of a sum: shmsum_decimal_sum_format.
 *
 * The consumer calls it for every line. Promises: exact, no allocation, no system call.
 */
#include <shmsum/decimal_sum.h>

#include <assert.h>
#include <string.h>

#include "decimal_limbs.h"
#include "decimal_small.h"

enum {
    GROUP = SHMSUM_DECIMAL_GROUP,
    BELOW = SHMSUM_DECIMAL_LIMBS_BELOW,
};

static void negate(struct shmsum_decimal_sum *sum)
{
    for (uint32_t i = sum->low; i < sum->high; i++)
        sum->limbs[i] = -sum->limbs[i];
}

/* Returns the eight digits of value < 10^8 as the bytes of a word, the first digit in the lowest
 * byte. Each step splits every lane in two: thousands, hundreds, tens. The multiplications replace
 * divisions (Khuong, "How to print integers really fast", 2017). */
static uint64_t eight_digits(uint32_t value)
{
    uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
    uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = (pairs * 103 >> 10) & UINT64_C(0x000f000f000f000f);
    return (tens | (pairs - tens * 10) << 8) + UINT64_C(0x3030303030303030);
}

/* Writes the last `count` (1 to 8) of the eight digits. Always writes eight bytes. */
static void store_digits(char *to, uint64_t digits, unsigned count)
{
    digits >>= 64 - 8 * count;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    digits = __builtin_bswap64(digits);
#endif
    memcpy(to, &digits, sizeof digits);
}

/* Writes all nine digits of a carried limb. */
static void write_group(char *to, int64_t limb)
{
    assert(limb >= 0 && limb < DECIMAL_BASE);
    uint32_t digits = (uint32_t)limb;
    to[0] = (char)('0' + digits / 100000000);
    store_digits(to + 1, eight_digits(digits % 100000000), 8);
}

/* Returns the count of digits of value, at least 1. */
static unsigned count_digits(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* bits * log10(2): right, or one too few */
    return guess + (value >= decimal_powers_of_ten[guess] || guess == 0);
}

static const uint64_t ten8 = 100000000;
static const uint64_t ten16 = UINT64_C(10000000000000000);

static const uint64_t eight_zeros = UINT64_C(0x3030303030303030); /* "00000000" */

/* Sixteen digits: the first eight and the last eight, as eight_digits returns them. */
struct sixteen {
    uint64_t first;
    uint64_t last;
};

static struct sixteen sixteen_digits(uint64_t value)
{
    if (value < ten8)
        return (struct sixteen){.first = eight_zeros, .last = eight_digits((uint32_t)value)};
    return (struct sixteen){
        .first = eight_digits((uint32_t)(value / ten8)),
        .last = eight_digits((uint32_t)(value % ten8)),
    };
}

/* Writes the last `count` (1 to 16) of the digits, and up to seven more bytes. Reads nothing that
 * was just written: such a read would wait for the write. */
static void store_sixteen(char *to, struct sixteen digits, unsigned count)
{
    if (count > 8) {
        store_digits(to, digits.first, count - 8);
        to += count - 8;
        count = 8;
    }
    store_digits(to, digits.last, count);
}

/* Returns the count of zeros at the end. */
static unsigned trailing_zeros(struct sixteen digits)
{
    uint64_t last = digits.last ^ eight_zeros;
    if (last != 0)
        return (unsigned)__builtin_clzll(last) / 8;
    uint64_t first = digits.first ^ eight_zeros;
    return first != 0 ? 8 + (unsigned)__builtin_clzll(first) / 8 : 16;
}

/* Writes the last `count` (1 to 24) digits of value, and up to seven more bytes. */
static void write_digits(char *to, uint64_t value, unsigned count)
{
    if (count > 16) {
        store_digits(to, eight_digits((uint32_t)(value / ten16)), count - 16);
        to += count - 16;
        value %= ten16;
        count = 16;
    }
    store_sixteen(to, sixteen_digits(value), count);
}

/* Formats value * 10^-scale, |value| < 10^16, scale < 16. All divisions are by constants, and there
 * are few branches. */
static size_t format_one(int64_t value, unsigned scale, char *text)
{
    char *to = text;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    *to = '-';
    to += value < 0;
    struct sixteen digits = sixteen_digits(size);
    unsigned count = count_digits(size);
    count = count > scale ? count : scale + 1; /* at least one before the point */
    store_sixteen(to, digits, count);
    to += count - scale;
    unsigned behind = trailing_zeros(digits);
    if (behind < scale) {
        *to++ = '.';
        store_sixteen(to, digits, scale);
        to += scale - behind;
    }
    return (size_t)(to - text);
}

/* Formats the sum of several buckets, or of one with a large value or scale. Not inline: the common
 * case, one bucket, then needs no stack frame for it. */
__attribute__((noinline)) static size_t format_small(const struct shmsum_decimal_sum *sum,
                                                     char *text)
{
    struct decimal_small_value value = decimal_sum_add_up_small(sum);
    char *to = text;
    *to = '-';
    to += value.negative;
    unsigned digits = count_digits(value.whole);
    write_digits(to, value.whole, digits);
    to += digits;
    if (value.fraction != 0) {
        for (; value.fraction % 10 == 0; value.fraction /= 10)
            value.scale--;
        *to++ = '.';
        write_digits(to, value.fraction, value.scale);
        to += value.scale;
    }
    return (size_t)(to - text);
}

/* Formats a sum that uses no limbs. */
static size_t format_buckets(const struct shmsum_decimal_sum *sum, char *text)
{
    uint32_t used = sum->small_used | (sum->small_used == 0); /* without numbers: bucket 0 */
    uint32_t bucket = (uint32_t)__builtin_ctz(used);
    uint32_t scale = decimal_small_scale(bucket);
    int64_t value = sum->small[bucket];
    bool one = (used & (used - 1)) == 0;
    /* Up to bucket 16 the scale is below 16. */
    if (one && bucket <= 16 && value < (int64_t)ten16 && value > -(int64_t)ten16)
        return format_one(value, scale, text);
    return format_small(sum, text);
}

/* Returns the index after the highest non-zero limb; 0 if all limbs are zero. */
static uint32_t end_of_limbs(const struct shmsum_decimal_sum *sum)
{
    for (uint32_t high = sum->high; high > sum->low; high--)
        if (sum->limbs[high - 1] != 0)
            return high;
    return 0;
}

/* Writes the integer part of a carried sum whose limbs end at `high`. Returns its end. */
static char *write_integer(char *to, const struct shmsum_decimal_sum *sum, uint32_t high)
{
    if (high <= BELOW) {
        *to++ = '0';
        return to;
    }
    uint64_t first = (uint64_t)sum->limbs[high - 1];
    unsigned digits = count_digits(first);
    write_digits(to, first, digits);
    to += digits;
    for (uint32_t i = high - 1; i-- > BELOW; to += GROUP)
        write_group(to, sum->limbs[i]);
    return to;
}

/* Writes the point and the fraction of a carried sum, without trailing zeros; for an integer writes
 * nothing. Returns its end. */
static char *write_fraction(char *to, const struct shmsum_decimal_sum *sum)
{
    uint32_t low = sum->low;
    while (low < BELOW && sum->limbs[low] == 0)
        low++;
    if (low >= BELOW)
        return to;
    *to++ = '.';
    for (uint32_t i = BELOW; i-- > low + 1; to += GROUP)
        write_group(to, sum->limbs[i]);
    char group[GROUP];
    write_group(group, sum->limbs[low]);
    size_t digits = GROUP;
    while (group[digits - 1] == '0')
        digits--;
    memcpy(to, group, digits);
    return to + digits;
}

/* Formats a sum whose buckets are empty. Not inline, like format_small. */
__attribute__((noinline)) static size_t format_limbs(struct shmsum_decimal_sum *sum, char *text)
{
    char *to = text;
    decimal_sum_carry(sum);
    uint32_t high = end_of_limbs(sum);
    bool negative = high > 0 && sum->limbs[high - 1] < 0;
    if (negative) { /* write the absolute value after a minus */
        *to++ = '-';
        negate(sum);
        decimal_sum_carry(sum);
        high = end_of_limbs(sum);
    }
    to = write_integer(to, sum, high);
    to = write_fraction(to, sum);
    if (negative)
        negate(sum);
    assert(to - text <= SHMSUM_DECIMAL_TEXT_MAX);
    return (size_t)(to - text);
}

size_t shmsum_decimal_sum_format(struct shmsum_decimal_sum *sum, char *text)
{
    assert(shmsum_decimal_sum_is_valid(sum));
    if (sum->high == 0)
        return format_buckets(sum, text);
    if (sum->small_used != 0)
        decimal_sum_empty_small(sum);
    return format_limbs(sum, text);
}
