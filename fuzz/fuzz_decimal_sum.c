/*
 * fuzz_decimal_sum.c - asserts: after any sequence of additions and other calls, the sum has the
 * value that GMP computes (tests/support/oracle.h). Its text is canonical and reads back as that
 * value, and formatting does not change the value. Adding a number returns -ERANGE exactly if the
 * oracle finds it out of range, and then the sum is unchanged.
 *
 * The input is a list of steps of STEP bytes each. Zeros fill up the last one:
 *
 *     byte 0       the operation, a letter: see enum step_kind. Any other byte: ADD
 *     byte 1       bit 0: negative; bits 1..2: the meaning of the exponent, see exponent_of;
 *                  bits 3..5: the pieces in which the digits are pushed, see piece_of; bit 6: a
 *                  byte that is not a digit follows the digits
 *     bytes 2..3   a signed word, for the exponent
 *     bytes 4..15  six runs of digits, two bytes each: see put_run
 *
 * Steps other than ADD use these bytes in their own ways.
 */
#include <shmsum/decimal_sum.h>

#include <errno.h>

#include "fuzz.h"
#include "oracle.h"

enum step_kind {
    ADD = 'n',    /* adds a number */
    SMALL = 's',  /* adds a small number, byte 3 + 1 times */
    FORMAT = 'f', /* compares the text with the oracle; the end of the input does so too */
    CANCEL = 'c', /* adds the sum's own text, negated */
    AGAIN = 'a',  /* adds the last number many times: see add_again */
    TIMES = 't',  /* multiplies the sum: see multiply */
    CLEAR = 'z',  /* sets the sum to zero */
    BROKEN = 'v', /* checks that the invariants find a wrong field */
};

enum {
    STEP = 16,
    RUNS = 6,
    INPUT_MAX = 64 * STEP,
    DIGITS_MAX = 12000, /* in all steps together: keeps a run short */
};

/* The limbs are carried after this many additions, as in decimal_sum.c. AGAIN and TIMES count. */
static const uint32_t carry_after = UINT32_C(1) << 31;

static struct {
    struct shmsum_decimal_sum sum;
    mpz_t exact;    /* the same sum, times 10^1000 */
    uint64_t count; /* at least the count of the numbers in it */
    char *text;     /* of the sum; has exactly the size of the contract */

    /* The last number that was in range. */
    struct shmsum_decimal number;
    int64_t exponent;
    bool negative;
    mpz_t last;

    size_t digits_left;
    char digits[DIGITS_MAX];
} scene;

/* ---- numbers ---- */

/* Appends `count` digits to the `size` digits. `kind` 0 to 9 is that digit; above are patterns.
 * Returns the new size. */
static size_t put_digits(size_t size, unsigned kind, size_t count)
{
    uint32_t noise = (uint32_t)count * 2654435761U + kind;
    for (size_t i = 0; i < count && scene.digits_left > 0; i++, scene.digits_left--) {
        unsigned digit = kind;
        switch (kind) {
        case 10:
            digit = (unsigned)(i + 1) % 10;
            break;
        case 11: /* a power of ten */
            digit = i == 0;
            break;
        case 12:
            digit = i + 1 == count;
            break;
        case 13: /* 99...98 */
            digit = i + 1 == count ? 8 : 9;
            break;
        case 14:
        case 15:
            noise = noise * 1664525 + 1013904223;
            digit = (noise >> 24) % 10;
            break;
        default:
            break;
        }
        scene.digits[size++] = (char)('0' + digit);
    }
    return size;
}

/* Appends a run. The low four bits of byte 0 are the kind. The count is the high four bits of byte
 * 0 (at least 1) times byte 1. */
static size_t put_run(size_t size, const uint8_t *run)
{
    unsigned times = run[0] >> 4 == 0 ? 1 : run[0] >> 4;
    return put_digits(size, run[0] & 15, (size_t)times * run[1]);
}

static int16_t word_of(const uint8_t *step)
{
    return (int16_t)(step[2] | step[3] << 8);
}

/* Returns the exponent of the number digits[0..size). */
static int64_t exponent_of(const uint8_t *step, size_t size)
{
    size_t first = 0, last = size;
    while (first < size && scene.digits[first] == '0')
        first++;
    while (last > first && scene.digits[last - 1] == '0')
        last--;
    int64_t word = word_of(step);
    switch (step[1] >> 1 & 3) {
    case 1: /* puts the last non-zero digit at the lowest place, plus byte 2 */
        return SHMSUM_DECIMAL_LOWEST - (int64_t)(size - last) + (int8_t)step[2];
    case 2: /* puts the first non-zero digit at the highest place, plus byte 2 */
        return SHMSUM_DECIMAL_HIGHEST - (int64_t)(size - first) + 1 + (int8_t)step[2];
    case 3: /* near the largest or smallest exponent */
        return word < 0 ? -INT64_C(4000000000000000000) - word - 1
                        : INT64_C(4000000000000000000) - word;
    default:
        return word;
    }
}

static size_t piece_of(const uint8_t *step)
{
    static const size_t pieces[8] = {SIZE_MAX, 1, 3, 8, 9, 10, 64, 1000};
    return pieces[step[1] >> 3 & 7];
}

/* Pushes digits[0..size) piece by piece, from a copy of exactly that size. */
static void push(struct shmsum_decimal *number, size_t size, const uint8_t *step)
{
    bool behind = step[1] >> 6 & 1;
    uint8_t *bytes = malloc(size + behind > 0 ? size + behind : 1);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, scene.digits, size);
    if (behind)
        bytes[size] = step[1] >> 7 ? '0' - 1 : '9' + 1;
    size_t piece = piece_of(step);
    memset(number, 0xa5, sizeof *number);
    shmsum_decimal_clear(number);
    for (size_t at = 0; at < size;) {
        size_t now = size - at <= piece ? size - at : piece;
        bool last = now == size - at;
        FUZZ_CHECK(shmsum_decimal_push(number, bytes + at, now + (last && behind)) == now);
        FUZZ_CHECK(shmsum_decimal_is_valid(number));
        at += now;
    }
    free(bytes);
}

/* Adds digits[0..size) * 10^exponent to both sums. */
static void add(size_t size, int64_t exponent, bool negative, const uint8_t *step)
{
    static struct shmsum_decimal_sum before;
    struct shmsum_decimal number;
    mpz_t power, value;
    mpz_inits(power, value, NULL);
    mpz_set_si(power, (long)exponent);
    push(&number, size, step);
    before = scene.sum;
    bool fits = oracle_add(value, scene.digits, size, power, negative);
    int result = shmsum_decimal_sum_add(&scene.sum, &number, exponent, negative);
    FUZZ_CHECK(result == (fits ? 0 : -ERANGE));
    if (fits) {
        mpz_add(scene.exact, scene.exact, value);
        mpz_set(scene.last, value);
        scene.number = number;
        scene.exponent = exponent;
        scene.negative = negative;
        scene.count++;
    } else {
        /* Compare all bytes, also the padding: `before` is a copy of all of them. */
        FUZZ_CHECK(memcmp((const void *)&before, (const void *)&scene.sum, sizeof before) == 0);
    }
    mpz_clears(power, value, NULL);
}

/* ---- the other steps ---- */

static void add_small(const uint8_t *step)
{
    static const int64_t limit = INT64_C(1000000000000000000);
    int64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = (int64_t)((uint64_t)value << 8 | step[4 + i]);
    switch (step[1] >> 1 & 3) {
    case 1: /* near a power of ten */
        value = 1;
        for (int i = 0; i < step[4] % 19; i++)
            value *= 10;
        value += (int64_t)step[5] - 128;
        break;
    case 2: /* near the limit */
        value = limit - 1 - step[4];
        break;
    case 3:
        value = (int64_t)step[4] - 128;
        break;
    default:
        break;
    }
    value %= limit;
    if (step[1] & 1)
        value = -value;
    unsigned scale = step[2] % (SHMSUM_DECIMAL_SMALL_DIGITS + 1);
    unsigned times = step[3] + 1U;
    for (unsigned i = 0; i < times; i++)
        shmsum_decimal_sum_add_small(&scene.sum, value, scale);
    scene.count += times;
    mpz_t exact;
    mpz_init(exact);
    mpz_ui_pow_ui(exact, 10, 1000 - scale);
    mpz_mul_si(exact, exact, (long)value);
    mpz_mul_ui(exact, exact, times);
    mpz_add(scene.exact, scene.exact, exact);
    mpz_clear(exact);
}

static uint32_t times_of(const uint8_t *step)
{
    uint32_t times = 0;
    for (int i = 3; i >= 0; i--)
        times = times << 8 | step[4 + i];
    return times % carry_after;
}

/*
 * Adds the last number up to 2^31 times, but not so often that the limbs must be carried. Each
 * addition would change the limbs in the same way, so the change is multiplied, which takes no
 * time. The next additions then find the limbs full.
 */
static void add_again(const uint8_t *step)
{
    static struct shmsum_decimal_sum once;
    uint32_t times = times_of(step);
    uint32_t room = carry_after - 1 - scene.sum.pending;
    times = times < room ? times : room;
    if (scene.count > UINT64_MAX - times)
        return;
    shmsum_decimal_sum_init(&once);
    FUZZ_CHECK(shmsum_decimal_sum_add(&once, &scene.number, scene.exponent, scene.negative) == 0);
    struct shmsum_decimal_sum *sum = &scene.sum;
    for (uint32_t i = once.low; i < once.high; i++)
        sum->limbs[i] += once.limbs[i] * (int64_t)times;
    if (once.low < once.high) {
        sum->low = sum->low < once.low ? sum->low : once.low;
        sum->high = sum->high > once.high ? sum->high : once.high;
    }
    sum->pending += times;
    scene.count += times;
    mpz_addmul_ui(scene.exact, scene.last, times);
}

static void format(void)
{
    char *expected = oracle_format(scene.exact);
    size_t size = strlen(expected);
    FUZZ_CHECK(size <= SHMSUM_DECIMAL_TEXT_MAX);
    for (int again = 0; again < 2; again++) {
        memset(scene.text, 'x', SHMSUM_DECIMAL_TEXT_MAX);
        FUZZ_CHECK(shmsum_decimal_sum_format(&scene.sum, scene.text) == size);
        FUZZ_CHECK(memcmp(scene.text, expected, size) == 0);
        FUZZ_CHECK(shmsum_decimal_sum_is_valid(&scene.sum));
    }
    free(expected);
    mpz_t back;
    mpz_init(back);
    FUZZ_CHECK(oracle_parse_canonical(back, scene.text, size));
    FUZZ_CHECK(mpz_cmp(back, scene.exact) == 0);
    mpz_clear(back);
}

/* Subtracts the sum from itself, through its text. The result is zero, unless the sum is out of the
 * range of a number. */
static void cancel(const uint8_t *step)
{
    size_t size = shmsum_decimal_sum_format(&scene.sum, scene.text);
    size_t digits = 0, behind = 0;
    bool point = false, negative = scene.text[0] == '-';
    for (size_t i = negative; i < size; i++) {
        if (scene.text[i] == '.') {
            point = true;
        } else {
            scene.digits[digits++] = scene.text[i];
            behind += point;
        }
    }
    add(digits, -(int64_t)behind, !negative, step);
    if (mpz_sgn(scene.exact) == 0) {
        FUZZ_CHECK(shmsum_decimal_sum_format(&scene.sum, scene.text) == 1);
        FUZZ_CHECK(scene.text[0] == '0');
    }
}

/* Multiplies the sum by 2^(byte 4), as if each number were added that many times, if that is at
 * most 2^64 numbers. A carried limb is less than what one addition may add to it. */
static void multiply(const uint8_t *step)
{
    unsigned bits = step[4] % 31;
    shmsum_decimal_sum_format(&scene.sum, scene.text); /* carries */
    struct shmsum_decimal_sum *sum = &scene.sum;
    if (scene.count > UINT64_MAX >> bits || sum->small_used != 0 || sum->pending != 0)
        return;
    for (uint32_t i = sum->low; i < sum->high; i++)
        sum->limbs[i] *= INT64_C(1) << bits;
    sum->pending = UINT32_C(1) << bits;
    scene.count <<= bits;
    mpz_mul_2exp(scene.exact, scene.exact, bits);
}

static void check_invariants(const uint8_t *step)
{
    struct shmsum_decimal number = scene.number;
    struct shmsum_decimal_sum sum = scene.sum;
    switch (step[4] % 12) {
    case 0:
        number.partial_digits = SHMSUM_DECIMAL_GROUP;
        break;
    case 1:
        number.partial = UINT32_C(1000000000);
        break;
    case 2:
        number.digits++;
        break;
    case 3:
        number.full = SHMSUM_DECIMAL_GROUPS + 1;
        number.digits = number.full * SHMSUM_DECIMAL_GROUP + number.partial_digits;
        break;
    case 4:
        number.significant = number.digits + 1;
        break;
    case 5: /* the first digit is never zero, so at least one is significant */
        number.full = 1;
        number.digits = SHMSUM_DECIMAL_GROUP + number.partial_digits;
        number.significant = 0;
        break;
    case 6:
        number.full = 0;
        number.digits = number.partial_digits;
        number.significant = number.digits > 0;
        number.dropped = 1;
        break;
    case 7:
        sum.high = SHMSUM_DECIMAL_LIMBS + 1;
        break;
    case 8:
        sum.low = step[5] & 1 ? SHMSUM_DECIMAL_LIMBS : SHMSUM_DECIMAL_LIMBS - 1;
        sum.high = step[5] & 1 ? 1 : 0;
        break;
    case 9:
        sum.pending = carry_after + 1;
        break;
    case 10:
        sum.small_units = SHMSUM_DECIMAL_SMALL_UNITS + 1;
        break;
    default:
        sum.small_used |= UINT32_C(1) << SHMSUM_DECIMAL_BUCKETS;
    }
    FUZZ_CHECK(!shmsum_decimal_is_valid(&number) || !shmsum_decimal_sum_is_valid(&sum));
}

static void take_step(const uint8_t *step)
{
    switch (step[0]) {
    case SMALL:
        add_small(step);
        break;
    case FORMAT:
        format();
        break;
    case CANCEL:
        cancel(step);
        break;
    case AGAIN:
        add_again(step);
        break;
    case TIMES:
        multiply(step);
        break;
    case BROKEN:
        check_invariants(step);
        break;
    case CLEAR:
        shmsum_decimal_sum_clear(&scene.sum);
        mpz_set_ui(scene.exact, 0);
        scene.count = 0;
        break;
    default: {
        size_t size = 0;
        for (int i = 0; i < RUNS; i++)
            size = put_run(size, step + 4 + 2 * i);
        add(size, exponent_of(step, size), step[1] & 1, step);
    }
    }
    FUZZ_CHECK(shmsum_decimal_sum_is_valid(&scene.sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    memset(&scene.sum, 0xa5, sizeof scene.sum);
    shmsum_decimal_sum_init(&scene.sum);
    shmsum_decimal_clear(&scene.number);
    scene.exponent = 0;
    scene.count = 0;
    scene.digits_left = DIGITS_MAX;
    scene.text = malloc(SHMSUM_DECIMAL_TEXT_MAX);
    FUZZ_CHECK(scene.text != NULL);
    mpz_inits(scene.exact, scene.last, NULL);
    for (size_t at = 0; at < size; at += STEP) {
        uint8_t step[STEP] = {0};
        memcpy(step, data + at, size - at < STEP ? size - at : STEP);
        take_step(step);
    }
    format();
    mpz_clears(scene.exact, scene.last, NULL);
    free(scene.text);
    return 0;
}

/* ---- the mutator: it keeps steps whole ---- */

static void invent_step(uint8_t *step, struct random *random)
{
    static const uint8_t kinds[] = {ADD,   ADD,    ADD,    ADD,   ADD,   SMALL, SMALL,
                                    SMALL, FORMAT, CANCEL, AGAIN, TIMES, CLEAR, BROKEN};
    step[0] = kinds[fuzz_draw(random, sizeof kinds)];
    step[1] = (uint8_t)fuzz_draw(random, 128);
    int32_t exponent = (int32_t)fuzz_draw(random, 41) - 20;
    step[2] = (uint8_t)exponent;
    step[3] = (uint8_t)(exponent < 0 ? -1 : 0);
    uint32_t runs = 1 + fuzz_draw(random, 3);
    for (uint32_t i = 0; i < RUNS; i++) {
        step[4 + 2 * i] =
            (uint8_t)(fuzz_draw(random, 16) | (fuzz_draw(random, 16) == 0 ? 0x80 : 0));
        step[5 + 2 * i] =
            (uint8_t)(i < runs ? fuzz_draw(random, fuzz_draw(random, 8) == 0 ? 256 : 22) : 0);
    }
    if (step[0] == AGAIN && fuzz_draw(random, 2)) /* the most, which fills the limbs */
        memcpy(step + 4, "\xff\xff\xff\x7f", 4);
    if (step[0] == SMALL && fuzz_draw(random, 2)) { /* likely to add up to an integer */
        static const uint8_t values[] = {1, 2, 5, 9, 10, 20, 25, 50, 75, 80, 90, 100};
        step[1] |= 6;
        step[2] = (uint8_t)fuzz_draw(random, 4);
        step[3] = (uint8_t)(fuzz_draw(random, 4) ? 0 : fuzz_draw(random, 20));
        step[4] = values[fuzz_draw(random, sizeof values)];
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct random random = {.state = seed};
    size_t steps = size / STEP, steps_max = max_size / STEP;
    if (steps_max == 0 || fuzz_draw(&random, 6) == 0)
        return fuzz_mutate(data, size, max_size);
    uint32_t kind = steps == 0 ? 0 : fuzz_draw(&random, 10);
    size_t which = steps == 0 ? 0 : fuzz_draw(&random, (uint32_t)steps);
    uint8_t *step = data + which * STEP;
    uint8_t copy[STEP];
    switch (kind) {
    case 0: /* insert a new step */
    case 1:
        invent_step(copy, &random);
        break;
    case 2: /* copy a step to another place; in case 3 negated, so that it cancels */
    case 3:
        memcpy(copy, step, STEP);
        if (kind == 3)
            copy[1] ^= 1;
        break;
    case 4: /* remove a step */
        memmove(step, step + STEP, (steps - which - 1) * STEP);
        return (steps - 1) * STEP;
    case 5: /* change a flag */
        step[1] ^= (uint8_t)(1U << fuzz_draw(&random, 8));
        return steps * STEP;
    case 6: { /* change the exponent: a little, or by whole limbs */
        static const int8_t moves[] = {-9, -1, 1, 9, -18, 18, 8, -8};
        int moved = word_of(step) + moves[fuzz_draw(&random, sizeof moves)];
        step[2] = (uint8_t)moved;
        step[3] = (uint8_t)((unsigned)moved >> 8);
        return steps * STEP;
    }
    case 7: { /* change a run */
        uint32_t run = fuzz_draw(&random, RUNS);
        step[4 + 2 * run] = (uint8_t)fuzz_draw(&random, fuzz_draw(&random, 4) == 0 ? 256 : 16);
        step[5 + 2 * run] = (uint8_t)fuzz_draw(&random, fuzz_draw(&random, 4) == 0 ? 256 : 20);
        return steps * STEP;
    }
    default: /* let libFuzzer mutate the bytes of a step */
        fuzz_mutate(step, STEP, STEP);
        return steps * STEP;
    }
    if (steps == steps_max) {
        memcpy(step, copy, STEP);
        return steps * STEP;
    }
    size_t to = fuzz_draw(&random, (uint32_t)steps + 1) * STEP;
    memmove(data + to + STEP, data + to, steps * STEP - to);
    memcpy(data + to, copy, STEP);
    return (steps + 1) * STEP;
}
