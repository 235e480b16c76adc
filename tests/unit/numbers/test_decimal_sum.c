/*
 * test_decimal_sum.c - exact sums of decimal numbers, and their text, against GMP.
 *
 * Properties: A sum has the value that GMP computes. Its text is canonical, reads back to the same
 * value and stays inside its buffer. A number out of range returns -ERANGE and changes nothing. The
 * pieces in which digits are pushed do not matter.
 */
#include <errno.h>

#include <shmsum/decimal_sum.h>

#include "oracle.h"
#include "random.h"
#include "unit.h"

enum { GUARD = 64, GUARD_BYTE = 0x5a };

static struct random rng;

/* The sum under test, and the same sum in GMP. */
struct pair {
    struct shmsum_decimal_sum sum;
    mpz_t exact;
};

static void pair_init(struct pair *pair)
{
    memset(&pair->sum, 0xa5, sizeof pair->sum); /* init must work on uninitialised memory */
    shmsum_decimal_sum_init(&pair->sum);
    mpz_init(pair->exact);
}

static void pair_clean_up(struct pair *pair)
{
    mpz_clear(pair->exact);
}

/* Pushes digits all at once (how: 0), one by one (1), or in random pieces (2). */
static void push(struct shmsum_decimal *number, const char *digits, size_t size, int how)
{
    const uint8_t *bytes = (const uint8_t *)digits;
    shmsum_decimal_clear(number);
    for (size_t at = 0; at < size;) {
        size_t piece = size - at;
        if (how == 1)
            piece = 1;
        else if (how == 2)
            piece = (size_t)random_between(&rng, 1, (int64_t)(piece < 40 ? piece : 40));
        assert_int_equal(shmsum_decimal_push(number, bytes + at, piece), piece);
        assert_true(shmsum_decimal_is_valid(number));
        at += piece;
    }
}

static bool pair_add(struct pair *pair, const char *digits, size_t size, int64_t exponent,
                     bool negative, int how)
{
    struct shmsum_decimal number;
    push(&number, digits, size, how);
    mpz_t power;
    mpz_init_set_si(power, (long)exponent);
    bool fits = oracle_add(pair->exact, digits, size, power, negative);
    mpz_clear(power);
    struct shmsum_decimal_sum before = pair->sum;
    int result = shmsum_decimal_sum_add(&pair->sum, &number, exponent, negative);
    assert_int_equal(result, fits ? 0 : -ERANGE);
    assert_true(shmsum_decimal_sum_is_valid(&pair->sum));
    if (!fits)
        assert_memory_equal(&before, &pair->sum, sizeof before);
    return fits;
}

/* Formats the sum twice, between guards, and compares the text with the oracle. */
static void pair_check(struct pair *pair)
{
    char *expected = oracle_format(pair->exact);
    size_t size = strlen(expected);
    for (int again = 0; again < 2; again++) {
        char text[GUARD + SHMSUM_DECIMAL_TEXT_MAX + GUARD], guard[GUARD];
        memset(text, GUARD_BYTE, sizeof text);
        memset(guard, GUARD_BYTE, sizeof guard);
        size_t length = shmsum_decimal_sum_format(&pair->sum, text + GUARD);
        assert_true(shmsum_decimal_sum_is_valid(&pair->sum));
        assert_memory_equal(text, guard, GUARD);
        assert_memory_equal(text + GUARD + SHMSUM_DECIMAL_TEXT_MAX, guard, GUARD);
        if (length != size || memcmp(text + GUARD, expected, size) != 0)
            fail_msg("sum is \"%.*s\", expected \"%s\"", (int)length, text + GUARD, expected);
        mpz_t back;
        mpz_init(back);
        assert_true(oracle_parse_canonical(back, text + GUARD, length));
        assert_int_equal(mpz_cmp(back, pair->exact), 0);
        mpz_clear(back);
    }
    free(expected);
}

static void random_digits(char *digits, size_t size)
{
    int kind = (int)random_below(&rng, 5); /* any, nines, mostly zeros, ones, any */
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = random_below(&rng, 10);
        if (kind == 1)
            digit = 9;
        if (kind == 2 && !random_one_in(&rng, 20))
            digit = 0;
        if (kind == 3)
            digit = 1;
        digits[i] = (char)('0' + digit);
    }
}

/* ---- cases ---- */

static void test_oracle_knows_canonical(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "1", "-1", "10", "0.1", "-0.5", "12.34", "100.001"};
    static const char *const bad[] = {"",   "-",  "-0",    "+1",  "00",   "01",   "-01",
                                      "1.", ".1", "0.0",   "1.0", "1.10", "-0.0", "1e2",
                                      " 1", "1 ", "1.2.3", "0x1", "-.5",  "."};
    mpz_t value;
    mpz_init(value);
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(oracle_parse_canonical(value, good[i], strlen(good[i])));
        char *text = oracle_format(value);
        assert_string_equal(text, good[i]);
        free(text);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(oracle_parse_canonical(value, bad[i], strlen(bad[i])));
    mpz_clear(value);
}

struct addend {
    const char *digits;
    int64_t exponent;
    bool negative;
};

static void test_known_sums(void **state)
{
    (void)state;
    static const struct {
        struct addend addends[4];
        const char *sum;
    } cases[] = {
        {{{"", 0, false}}, "0"},
        {{{"0", 0, true}}, "0"},
        {{{"0", INT64_C(999999999999), false}}, "0"},
        {{{"000", -INT64_C(4000000000000000000), true}}, "0"},
        {{{"1", -1, false}, {"2", -1, false}}, "0.3"},
        {{{"1", 16, false}, {"1", 0, false}, {"1", 16, true}}, "1"},
        {{{"18446744073709551617", 0, false}, {"1", 0, false}}, "18446744073709551618"},
        {{{"999999999", 0, false}, {"1", 0, false}}, "1000000000"},
        {{{"999999999999999999", 0, false}, {"1", 0, false}}, "1000000000000000000"},
        {{{"1", 9, false}, {"1", 0, true}}, "999999999"},
        {{{"1", 18, false}, {"1", -9, true}}, "999999999999999999.999999999"},
        {{{"1", 0, true}, {"1", -9, false}}, "-0.999999999"},
        {{{"1", 9, true}, {"1", 0, false}}, "-999999999"},
        {{{"5", 0, false}, {"50", -1, true}}, "0"},
        {{{"12345", -2, false}, {"12345", -2, true}, {"7", -3, true}}, "-0.007"},
        {{{"100", 0, false}}, "100"},
        {{{"100", -2, false}}, "1"},
        {{{"100", -4, false}}, "0.01"},
        {{{"1", 0, true}, {"1", 1, true}, {"1", 2, true}}, "-111"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair pair;
        pair_init(&pair);
        for (size_t j = 0; j < 4 && cases[i].addends[j].digits != NULL; j++) {
            const struct addend *addend = &cases[i].addends[j];
            assert_true(pair_add(&pair, addend->digits, strlen(addend->digits), addend->exponent,
                                 addend->negative, 0));
        }
        pair_check(&pair);
        char text[SHMSUM_DECIMAL_TEXT_MAX];
        size_t size = shmsum_decimal_sum_format(&pair.sum, text);
        assert_int_equal(size, strlen(cases[i].sum));
        assert_memory_equal(text, cases[i].sum, size);
        pair_clean_up(&pair);
    }
}

/* One digit at every place in the range and around it, with both signs. */
static void test_every_place(void **state)
{
    (void)state;
    for (int64_t place = -1025; place <= 1025; place++) {
        struct pair pair;
        pair_init(&pair);
        bool fits = pair_add(&pair, "7", 1, place, place % 2 != 0, 0);
        assert_int_equal(fits, place >= -1000 && place <= 999);
        pair_check(&pair);
        pair_clean_up(&pair);
    }
}

/* Numbers of every length whose first or last digit is at a border of the range, or next to it. */
static void test_borders(void **state)
{
    (void)state;
    char digits[2101];
    for (size_t size = 1; size <= 2010; size += size < 40 || size > 1980 ? 1 : 61) {
        for (int off = -1; off <= 1; off++) {
            for (int low = 0; low < 2; low++) {
                memset(digits, '9', size);
                int64_t exponent = low ? -1000 + off : 999 + off - (int64_t)size + 1;
                bool inside = exponent >= -1000 && exponent + (int64_t)size - 1 <= 999;
                struct pair pair;
                pair_init(&pair);
                assert_int_equal(pair_add(&pair, digits, size, exponent, low, off + 1), inside);
                pair_check(&pair);
                /* A zero beyond the border does not matter. */
                digits[size] = '0';
                assert_int_equal(pair_add(&pair, digits, size + 1, exponent - 1, low, 0), inside);
                memmove(digits + 1, digits, size + 1);
                digits[0] = '0';
                assert_int_equal(pair_add(&pair, digits, size + 1, exponent, low, 0), inside);
                pair_check(&pair);
                pair_clean_up(&pair);
            }
        }
    }
}

/* More zeros, before and after the digits, than a number has room for. */
static void test_many_zeros(void **state)
{
    (void)state;
    enum { ZEROS = 5000 };
    static const size_t counts[] = {1, 8, 9, 10, 999, 1000, 1999, 2000, 2001, ZEROS};
    static char digits[3 * ZEROS];
    for (size_t f = 0; f < COUNT(counts); f++) {
        for (size_t b = 0; b < COUNT(counts); b++) {
            size_t front = counts[f], back = counts[b];
            size_t size = front + 3 + back;
            memset(digits, '0', size);
            memcpy(digits + front, "123", 3);
            for (int how = 0; how < 3; how += 2) {
                struct pair pair;
                pair_init(&pair);
                /* 123, at both borders of the range and just beyond them */
                assert_true(pair_add(&pair, digits, size, -(int64_t)back, false, how));
                assert_true(pair_add(&pair, digits, size, 997 - (int64_t)back, true, how));
                assert_true(pair_add(&pair, digits, size, -1000 - (int64_t)back, true, how));
                assert_false(pair_add(&pair, digits, size, 998 - (int64_t)back, true, how));
                assert_false(pair_add(&pair, digits, size, -1001 - (int64_t)back, true, how));
                pair_check(&pair);
                pair_clean_up(&pair);
            }
        }
    }
    /* A non-zero digit after the last digit that a number keeps is out of range, wherever the
     * point is. */
    memset(digits, '0', 2 * ZEROS);
    digits[0] = '1';
    struct pair pair;
    pair_init(&pair);
    for (size_t last = 1990; last < 2010; last++) {
        digits[last] = '5';
        assert_int_equal(pair_add(&pair, digits, 2 * ZEROS, 999 - 2 * ZEROS + 1, false, 2),
                         last <= 1999);
        digits[last] = '0';
    }
    pair_check(&pair);
    pair_clean_up(&pair);
}

static void test_extreme_exponents(void **state)
{
    (void)state;
    static const int64_t exponents[] = {INT64_C(4000000000000000000),
                                        INT64_C(1000000000000000000),
                                        999999999999,
                                        4294967296,
                                        2147483648,
                                        1000};
    for (size_t i = 0; i < COUNT(exponents); i++) {
        struct pair pair;
        pair_init(&pair);
        assert_false(pair_add(&pair, "1", 1, exponents[i], false, 0));
        assert_false(pair_add(&pair, "1", 1, -exponents[i] - 1, false, 0));
        assert_true(pair_add(&pair, "0", 1, exponents[i], true, 0));
        assert_true(pair_add(&pair, "00", 2, -exponents[i], true, 0));
        pair_check(&pair);
        pair_clean_up(&pair);
    }
}

/* A number that is pushed in two pieces, cut at every digit, equals the number pushed in one. */
static void test_push_in_every_split(void **state)
{
    (void)state;
    char digits[2020];
    for (int round = 0; round < 24; round++) {
        size_t size = round < 20 ? (size_t)random_between(&rng, 1, 60) : sizeof digits;
        random_digits(digits, size);
        struct shmsum_decimal whole;
        memset(&whole, 0, sizeof whole);
        push(&whole, digits, size, 0);
        for (size_t cut = 0; cut <= size; cut++) {
            struct shmsum_decimal number;
            memset(&number, 0, sizeof number);
            shmsum_decimal_clear(&number);
            const uint8_t *bytes = (const uint8_t *)digits;
            assert_int_equal(shmsum_decimal_push(&number, bytes, cut), cut);
            assert_int_equal(shmsum_decimal_push(&number, bytes + cut, 0), 0);
            assert_int_equal(shmsum_decimal_push(&number, bytes + cut, size - cut), size - cut);
            assert_memory_equal(&number, &whole, sizeof whole);
        }
    }
}

/* Pushing stops at the first byte that is not a digit, for every such byte. */
static void test_push_stops(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t bytes[4] = {'4', '2', (uint8_t)c, '7'};
        struct shmsum_decimal number;
        shmsum_decimal_clear(&number);
        size_t expected = c >= '0' && c <= '9' ? 4 : 2;
        assert_int_equal(shmsum_decimal_push(&number, bytes, sizeof bytes), expected);
        assert_int_equal(number.digits, expected);
    }
    /* Also among leading zeros, and among dropped digits. */
    struct shmsum_decimal number;
    shmsum_decimal_clear(&number);
    assert_int_equal(shmsum_decimal_push(&number, (const uint8_t *)"00x", 3), 2);
    char digits[SHMSUM_DECIMAL_DIGITS];
    memset(digits, '3', sizeof digits);
    push(&number, digits, sizeof digits, 0);
    assert_int_equal(shmsum_decimal_push(&number, (const uint8_t *)"00.5", 4), 2);
    assert_false(number.too_long);
    assert_int_equal(shmsum_decimal_push(&number, (const uint8_t *)"01", 2), 2);
    assert_true(number.too_long);
    assert_int_equal(number.dropped, 4);
}

static void test_random_sums(void **state)
{
    (void)state;
    char digits[2100];
    struct pair pair;
    pair_init(&pair);
    for (int round = 0; round < 3000; round++) {
        if (random_one_in(&rng, 6)) {
            shmsum_decimal_sum_clear(&pair.sum);
            mpz_set_ui(pair.exact, 0);
            pair_check(&pair);
        }
        int64_t numbers = random_between(&rng, 1, 8);
        for (int64_t i = 0; i < numbers; i++) {
            size_t size = random_size(&rng, sizeof digits);
            random_digits(digits, size);
            int64_t exponent = random_one_in(&rng, 2)
                                   ? random_between(&rng, -20, 20)
                                   : random_between(&rng, -1010 - (int64_t)size, 1010);
            bool negative = random_one_in(&rng, 2);
            bool added =
                pair_add(&pair, digits, size, exponent, negative, (int)random_below(&rng, 3));
            if (added && random_one_in(&rng, 4)) /* near or full cancellation */
                pair_add(&pair, digits, size, exponent, !negative, 0);
        }
        pair_check(&pair);
    }
    pair_clean_up(&pair);
}

/* Subtracts all that was added, in another order and in other pieces: the sum is zero. */
static void test_cancellation(void **state)
{
    (void)state;
    enum { NUMBERS = 40 };
    static char digits[NUMBERS][1000];
    for (int round = 0; round < 50; round++) {
        struct pair pair;
        pair_init(&pair);
        int64_t exponents[NUMBERS];
        for (int i = 0; i < NUMBERS; i++) {
            random_digits(digits[i], sizeof digits[i]);
            exponents[i] = random_between(&rng, -1000, 0);
            assert_true(pair_add(&pair, digits[i], sizeof digits[i], exponents[i], false, 0));
        }
        pair_check(&pair);
        for (int i = NUMBERS; i-- > 0;)
            assert_true(pair_add(&pair, digits[i], sizeof digits[i], exponents[i], true, 0));
        pair_check(&pair);
        assert_int_equal(mpz_sgn(pair.exact), 0);
        pair_clean_up(&pair);
    }
}

/* Adds many of the largest numbers: the limbs do not overflow, and are carried correctly. */
static void test_many_numbers(void **state)
{
    (void)state;
    enum { NUMBERS = 100000, DIGITS = 1000 };
    char digits[2 * DIGITS];
    memset(digits, '9', sizeof digits);
    struct shmsum_decimal number;
    push(&number, digits, DIGITS, 0);
    struct pair pair;
    pair_init(&pair);
    for (int i = 0; i < NUMBERS; i++)
        assert_int_equal(shmsum_decimal_sum_add(&pair.sum, &number, i % 2 ? 0 : -1000, false), 0);
    struct pair one;
    pair_init(&one);
    assert_true(pair_add(&one, digits, 2 * DIGITS, -1000, false, 0));
    mpz_mul_ui(pair.exact, one.exact, NUMBERS / 2);
    pair_check(&pair);
    pair_clean_up(&one);
    pair_clean_up(&pair);
}

/*
 * Carries after 2^31 additions. Most of the additions are simulated: they would multiply every limb
 * by their count, and increase `pending` by it. So the test does that.
 */
static void test_carry_after_many(void **state)
{
    (void)state;
    enum { DIGITS = 2000 };
    char digits[DIGITS];
    for (int negative = 0; negative < 2; negative++) {
        for (int kind = 0; kind < 10; kind++) {
            memset(digits, '9', sizeof digits);
            size_t size = DIGITS - (size_t)kind; /* for every alignment of groups and limbs */
            int64_t exponent = -1000 + kind / 2;
            const int64_t times = (INT64_C(1) << 31) - 2;
            struct pair pair;
            pair_init(&pair);
            assert_true(pair_add(&pair, digits, size, exponent, negative, 0));
            for (uint32_t i = 0; i < SHMSUM_DECIMAL_LIMBS; i++) {
                assert_true(pair.sum.limbs[i] <= INT64_MAX / (times + 4));
                assert_true(pair.sum.limbs[i] >= -INT64_MAX / (times + 4));
                pair.sum.limbs[i] *= times;
            }
            pair.sum.pending = (uint32_t)times;
            mpz_mul_si(pair.exact, pair.exact, (long)times);
            /* The second of these additions reaches the limit and must carry. */
            for (int more = 1; more <= 4; more++) {
                assert_true(pair_add(&pair, digits, size, exponent, negative, 0));
                assert_int_equal(pair.sum.pending, more == 1 ? times + 1 : more - 2);
                struct pair copy = pair; /* a copy, because pair_check carries */
                pair_check(&copy);
            }
            for (uint32_t i = 0; i < SHMSUM_DECIMAL_LIMBS; i++)
                assert_true(pair.sum.limbs[i] > -INT64_C(10000000000) &&
                            pair.sum.limbs[i] < INT64_C(10000000000));
            pair_check(&pair);
            pair_clean_up(&pair);
        }
    }
}

/* The widest sum, of nearly 2^64 numbers, fills the text to its last byte, and no further. */
static void test_widest_sum(void **state)
{
    (void)state;
    char digits[2000];
    memset(digits, '9', sizeof digits);
    struct pair pair;
    pair_init(&pair);
    assert_true(pair_add(&pair, digits, sizeof digits, -1000, true, 0));
    /* Multiply by (2^16 - 1)^4, with carries in between. */
    char text[SHMSUM_DECIMAL_TEXT_MAX + GUARD];
    for (int f = 0; f < 4; f++) {
        shmsum_decimal_sum_format(&pair.sum, text);
        for (uint32_t i = 0; i < SHMSUM_DECIMAL_LIMBS; i++)
            pair.sum.limbs[i] *= 65535;
        mpz_mul_si(pair.exact, pair.exact, 65535);
        pair.sum.pending = 65536;
    }
    assert_int_equal(mpz_sizeinbase(pair.exact, 10), 1020 + 1000);
    pair_check(&pair);
    assert_int_equal(shmsum_decimal_sum_format(&pair.sum, text), SHMSUM_DECIMAL_TEXT_MAX);
    pair_clean_up(&pair);
}

static void test_number_invariant(void **state)
{
    (void)state;
    struct shmsum_decimal good, bad;
    push(&good, "123456789012", 12, 0);
    assert_true(shmsum_decimal_is_valid(&good));
#define REFUSES(field, value)                        \
    do {                                             \
        bad = good;                                  \
        bad.field = (value);                         \
        assert_false(shmsum_decimal_is_valid(&bad)); \
    } while (0)
    REFUSES(partial_digits, 9);
    REFUSES(partial_digits, 2);
    REFUSES(partial, 1000);
    REFUSES(digits, 11);
    REFUSES(digits, 13);
    REFUSES(full, 2);
    REFUSES(full, 0);
    REFUSES(significant, 13);
    REFUSES(significant, 0);
    REFUSES(dropped, 1);
#undef REFUSES
    bad = good;
    bad.full = SHMSUM_DECIMAL_GROUPS;
    bad.digits = bad.full * 9 + 3;
    assert_false(shmsum_decimal_is_valid(&bad));
}

static void test_sum_invariant(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair);
    assert_true(shmsum_decimal_sum_is_valid(&pair.sum));
    assert_true(pair_add(&pair, "5", 1, 0, false, 0));
    assert_true(shmsum_decimal_sum_is_valid(&pair.sum));
    struct shmsum_decimal_sum bad = pair.sum;
    bad.high = SHMSUM_DECIMAL_LIMBS + 1;
    assert_false(shmsum_decimal_sum_is_valid(&bad));
    bad = pair.sum;
    bad.low = bad.high + 1;
    assert_false(shmsum_decimal_sum_is_valid(&bad));
    bad = pair.sum;
    bad.pending = (UINT32_C(1) << 31) + 1;
    assert_false(shmsum_decimal_sum_is_valid(&bad));
    pair_clean_up(&pair);
}

/* ---- small numbers ---- */

static void add_small(struct pair *pair, int64_t value, unsigned scale)
{
    char digits[32];
    int size = sprintf(digits, "%llu", (unsigned long long)(value < 0 ? -value : value));
    mpz_t power;
    mpz_init_set_si(power, -(long)scale);
    assert_true(oracle_add(pair->exact, digits, (size_t)size, power, value < 0));
    mpz_clear(power);
    shmsum_decimal_sum_add_small(&pair->sum, value, scale);
    assert_true(shmsum_decimal_sum_is_valid(&pair->sum));
}

static int64_t random_small(void)
{
    int64_t limit = 10;
    for (uint64_t digits = random_below(&rng, SHMSUM_DECIMAL_SMALL_DIGITS); digits > 0; digits--)
        limit *= 10;
    return random_one_in(&rng, 10) ? limit - 1 : random_between(&rng, -limit + 1, limit - 1);
}

/* The text of one number in each bucket. */
static void test_one_small_number(void **state)
{
    (void)state;
    for (unsigned scale = 0; scale <= SHMSUM_DECIMAL_SMALL_DIGITS; scale++) {
        int64_t value = 1;
        for (int digits = 1; digits <= SHMSUM_DECIMAL_SMALL_DIGITS; digits++, value *= 10) {
            const int64_t around[] = {0,         value,     -value,        value - 1,
                                      1 - value, 5 * value, random_small()};
            for (size_t i = 0; i < COUNT(around); i++) {
                struct pair pair;
                pair_init(&pair);
                add_small(&pair, around[i], scale);
                pair_check(&pair);
                shmsum_decimal_sum_clear(&pair.sum);
                mpz_set_ui(pair.exact, 0);
                pair_check(&pair);
                pair_clean_up(&pair);
            }
        }
    }
}

/* Small and large numbers, of one sign or both, so many that the buckets must be emptied. */
static void test_small_numbers(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct pair pair;
        pair_init(&pair);
        uint64_t count = random_size(&rng, 3000);
        unsigned only = (unsigned)random_below(&rng, SHMSUM_DECIMAL_SMALL_DIGITS + 1);
        bool mixed = random_one_in(&rng, 2);
        bool largest = random_one_in(&rng, 4);
        for (uint64_t i = 0; i < count; i++) {
            unsigned scale = only;
            if (mixed)
                scale = (unsigned)random_below(&rng, SHMSUM_DECIMAL_SMALL_DIGITS + 1);
            add_small(&pair, largest ? INT64_C(999999999999999999) : random_small(), scale);
            if (random_one_in(&rng, 500))
                pair_check(&pair); /* and goes on with the same sum */
            if (mixed && random_one_in(&rng, 50)) {
                char digits[60];
                size_t size = 1 + (size_t)random_below(&rng, sizeof digits - 1);
                random_digits(digits, size);
                pair_add(&pair, digits, size, random_between(&rng, -80, 80), random_one_in(&rng, 2),
                         0);
            }
        }
        pair_check(&pair);
        pair_clean_up(&pair);
    }
}

int main(void)
{
    rng.state = random_seed("test_decimal_sum");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oracle_knows_canonical),
        cmocka_unit_test(test_known_sums),
        cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_borders),
        cmocka_unit_test(test_many_zeros),
        cmocka_unit_test(test_extreme_exponents),
        cmocka_unit_test(test_push_in_every_split),
        cmocka_unit_test(test_push_stops),
        cmocka_unit_test(test_random_sums),
        cmocka_unit_test(test_cancellation),
        cmocka_unit_test(test_many_numbers),
        cmocka_unit_test(test_carry_after_many),
        cmocka_unit_test(test_widest_sum),
        cmocka_unit_test(test_one_small_number),
        cmocka_unit_test(test_small_numbers),
        cmocka_unit_test(test_number_invariant),
        cmocka_unit_test(test_sum_invariant),
    };
    return cmocka_run_group_tests_name("decimal_sum", tests, NULL, NULL);
}
