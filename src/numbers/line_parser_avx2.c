/*
 * line_parser_avx2.c - the fast implementation for x86-64 CPUs with AVX2 and BMI. See
 * line_parser_implementations.h. The line parser calls it only if the CPU has them.
 *
 * DOC: line-parser-stages
 *
 * A stretch of bytes goes through three stages. Each stage is a loop with as few branches on the
 * data as possible:
 *
 *     ends     finds where each token ends, in bit masks of 64 bytes (Langdale and Lemire,
 *              "Parsing gigabytes of JSON per second", 2019)
 *     values   converts each token to an integer and a bucket, four tokens at a time: loads
 *              16 bytes from the beginning of the token, moves the digits to the right and over
 *              the point with one shuffle, multiplies neighbours (Muła, "SIMD-ized conversion of
 *              16 digits")
 *     lines    adds up the values of each line and gives the sum to the sink
 *
 * The second stage marks the tokens that it cannot convert. The third stage gives those to the
 * plain implementation.
 */
#include "line_parser_implementations.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

enum {
    CHUNK = 64,
    TOKEN = 16,
    STRETCH = LINE_PARSER_AHEAD,
    STRETCH_MIN = 2 * CHUNK,
    TOGETHER = 4, /* tokens converted at once */
    /* The bytes that must be readable from a chunk on. The last token may end with the chunk; its
     * sign and 16 bytes are read from its beginning. take_integers reads up to three more tokens
     * after it. */
    REACH = CHUNK + 1 + 2 * (TOGETHER - 1) + TOKEN,
    ENDS_AT_ONCE = 8, /* ends written in one step, needed or not */
    LINES_AT_ONCE = 2,
    TOKENS = STRETCH + ENDS_AT_ONCE,
    DIGITS = SHMSUM_DECIMAL_SMALL_DIGITS,
    LONG_TOKEN = DIGITS + 2, /* with a sign and a point */
    EXPONENT_DIGITS = 3,     /* the most digits of an exponent that is converted here */
};
_Static_assert((int)REACH < (int)LINE_PARSER_FAST_MIN, "a fast implementation can do something");

/* What the second stage sets for a token besides a bucket. */
enum {
    LONG = 0x20,   /* added to the bucket: a number of 17 or 18 digits */
    SCALED = 0x40, /* a number to multiply by a power of ten */
    EMPTY = 0x41,  /* no token: two separators in a row */
    ODD = 0x42,    /* not converted: for the plain implementation */
};

/* to_right + n is the shuffle that moves the first n bytes to the right end. A negative index
 * gives 0. */
static const int8_t to_right[32] = {
    -16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
    0,   1,   2,   3,   4,   5,   6,   7,  8,  9,  10, 11, 12, 13, 14, 15,
};
/* all_but_last + n is -1 in all but the last n of 16 bytes; 0 in all bytes for n >= 16. */
static const int8_t all_but_last[48] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                        -1, -1, -1, -1, -1, -1, -1, -1};

struct stretch {
    const uint8_t *bytes;
    uint32_t tokens;         /* count of the tokens that end in it */
    uint32_t lines;          /* count of the lines that end in it */
    bool plain;              /* it holds only digits and separators */
    bool empties;            /* some tokens are EMPTY */
    uint32_t kind;           /* a bucket, usually that of the first number */
    uint32_t kinds;          /* bits in which other buckets differ; 0: all numbers are in `kind` */
    uint16_t ends[TOKENS];   /* the end of each token; the next token begins after it */
    uint16_t last[TOKENS];   /* the last token of each line */
    int64_t values[TOKENS];  /* the digits of each number, with its sign */
    uint8_t buckets[TOKENS]; /* a bucket of struct shmsum_decimal_sum, or one of the above */
    int16_t powers[TOKENS];  /* the power of ten, for SCALED */
};

AVX2 static inline __m128i load16(const void *bytes)
{
    return _mm_loadu_si128((const __m128i *)bytes);
}

AVX2 static inline __m256i two(__m128i low, __m128i high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

AVX2 static inline __m256i load32(const uint8_t *bytes)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)bytes);
}

AVX2 static inline uint64_t mask64(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

AVX2 static inline bool all_set(__m256i bytes)
{
    return _mm256_testc_si256(bytes, _mm256_set1_epi8(-1));
}

/* Bit i of the result: byte i is `byte`. */
AVX2 static inline uint32_t mask_of(__m256i bytes, char byte)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte)));
}

/* Sets the bytes that are 0 to 9 to all ones, the others to 0. */
AVX2 static inline __m256i up_to_nine(__m256i bytes)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(9)), bytes);
}

/* ---- ends ---- */

struct marks {
    uint64_t ends; /* bit i: byte i is a separator, LF, or CR directly before LF */
    uint64_t newlines;
};

/* Reads CHUNK bytes and one more. Clears *plain if a byte neither ends a token nor is a digit. */
AVX2 static inline struct marks find_marks(const uint8_t *chunk, bool *plain)
{
    /* At the index of its low four bits each byte that may end a token finds itself. No other byte
     * does. */
    const __m256i table =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0, ' ', 0, 0,
                         0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0);
    const __m256i zero = _mm256_set1_epi8('0');
    const __m256i cr = _mm256_set1_epi8('\r');
    const __m256i lf = _mm256_set1_epi8('\n');
    __m256i low = load32(chunk);
    __m256i high = load32(chunk + 32);
    __m256i low_ends = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, low), low);
    __m256i high_ends = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, high), high);
    __m256i low_plain = _mm256_or_si256(low_ends, up_to_nine(_mm256_sub_epi8(low, zero)));
    __m256i high_plain = _mm256_or_si256(high_ends, up_to_nine(_mm256_sub_epi8(high, zero)));
    *plain = *plain & all_set(_mm256_and_si256(low_plain, high_plain));

    struct marks marks = {
        .ends = mask64(low_ends, high_ends),
        .newlines = mask64(_mm256_cmpeq_epi8(low, lf), _mm256_cmpeq_epi8(high, lf)),
    };
    __m256i low_cr = _mm256_cmpeq_epi8(low, cr);
    __m256i high_cr = _mm256_cmpeq_epi8(high, cr);
    __m256i any_cr = _mm256_or_si256(low_cr, high_cr);
    if (!_mm256_testz_si256(any_cr, any_cr)) { /* a CR that is not directly before a LF is data */
        uint64_t next = marks.newlines >> 1 | (uint64_t)(chunk[CHUNK] == '\n') << (CHUNK - 1);
        uint64_t lone = mask64(low_cr, high_cr) & ~next;
        marks.ends &= ~lone;
        *plain = *plain & (lone == 0);
    }
    return marks;
}

/* Finds the ends of the tokens in the next `ahead` bytes from `bytes` on. */
AVX2 __attribute__((noinline)) static void
find_tokens(struct stretch *stretch, const uint8_t *bytes, const uint8_t *end, uint32_t ahead)
{
    bool plain = true;
    uint32_t tokens = 0, lines = 0;
    for (uint32_t at = 0; at < ahead && (size_t)(end - (bytes + at)) >= REACH; at += CHUNK) {
        struct marks marks = find_marks(bytes + at, &plain);
        uint32_t next_line = lines + (uint32_t)_mm_popcnt_u64(marks.newlines);
        uint64_t newlines = marks.newlines;
        do {
            for (uint32_t i = 0; i < LINES_AT_ONCE; i++) {
                uint64_t before = marks.ends & (_blsmsk_u64(newlines) >> 1);
                stretch->last[lines + i] = (uint16_t)(tokens + _mm_popcnt_u64(before));
                newlines = _blsr_u64(newlines);
            }
            lines += LINES_AT_ONCE;
        } while (lines < next_line);
        lines = next_line;
        uint32_t next = tokens + (uint32_t)_mm_popcnt_u64(marks.ends);
        uint64_t left = marks.ends;
        do {
            for (uint32_t i = 0; i < ENDS_AT_ONCE; i++) {
                stretch->ends[tokens + i] = (uint16_t)(at + _tzcnt_u64(left));
                left = _blsr_u64(left);
            }
            tokens += ENDS_AT_ONCE;
        } while (tokens < next);
        tokens = next;
    }
    stretch->bytes = bytes;
    stretch->tokens = tokens;
    stretch->lines = lines;
    stretch->plain = plain;
    stretch->empties = false;
    stretch->kind = 0;
    stretch->kinds = 0;
}

/* ---- values ---- */

/* Returns the shuffle that moves the first `length` bytes to the right end. length <= 16. If `cut`
 * is not 0, the point is the cut-th byte from the end: then the bytes before it move over it. */
AVX2 static inline __m128i order(uint32_t length, uint32_t cut)
{
    return _mm_add_epi8(load16(to_right + length), load16(all_but_last + ((cut - 1) & 31)));
}

/* Shuffles the bytes and converts each: 0 to 9 for a digit, 0 where there is no byte, more for any
 * other byte. */
AVX2 static inline __m256i digits_of(__m256i bytes, __m256i order)
{
    return _mm256_shuffle_epi8(_mm256_sub_epi8(bytes, _mm256_set1_epi8('0')), order);
}

/* Converts each four digits to a number of 32 bits. */
AVX2 static inline __m256i convert_fours(__m256i digits)
{
    __m256i pairs = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(1 << 8 | 10));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi32(1 << 16 | 100));
}

/* Converts four times sixteen digits. The four numbers are in this order: the low half of even, of
 * odd, the high half of even, of odd. */
AVX2 static inline __m256i convert(__m256i even, __m256i odd)
{
    __m256i fours = _mm256_packus_epi32(convert_fours(even), convert_fours(odd));
    __m256i eights = _mm256_madd_epi16(fours, _mm256_set1_epi32(1 << 16 | 10000));
    __m256i high = _mm256_mul_epu32(eights, _mm256_set1_epi64x(100000000));
    return _mm256_add_epi64(high, _mm256_srli_epi64(eights, 32));
}

/* Reads the exponent text[0..size). False: it is not an optional sign and one to three digits.
 * Reads four bytes from the first digit on. */
static inline bool read_exponent(const uint8_t *text, uint32_t size, int *exponent)
{
    uint32_t negative = *text == '-';
    uint32_t sign = negative | (*text == '+');
    text += sign;
    size -= sign;
    if (size - 1 >= EXPONENT_DIGITS)
        return false;
    uint32_t word;
    memcpy(&word, text, sizeof word);
    word = (word ^ UINT32_C(0x30303030)) << 8 * (4 - size); /* puts zero bytes first */
    if (((word + UINT32_C(0x76767676)) | word) & UINT32_C(0x80808080))
        return false;
    int value = (int)((word >> 8 & 15) * 100 + (word >> 16 & 15) * 10 + (word >> 24));
    *exponent = negative ? -value : value;
    return true;
}

/* Applies the exponent to token i, which is converted up to it. `text` is after the e. If the
 * number written without an exponent is a small number, it becomes that. */
static inline void scale(struct stretch *stretch, uint32_t i, const uint8_t *text)
{
    uint32_t bucket = stretch->buckets[i]; /* never LONG: the e is among the first 16 bytes */
    uint32_t size = (uint32_t)(stretch->bytes + stretch->ends[i] - text);
    int exponent;
    if (size == 0 || !read_exponent(text, size, &exponent)) {
        stretch->buckets[i] = ODD;
        return;
    }
    /* Which of these cases a number is cannot be predicted: no branches. */
    int power = exponent + (bucket == 0 ? 0 : 1 - (int)bucket);
    int64_t value = stretch->values[i];
    bool as_fraction = power <= 0 && power >= -DIGITS;
    uint32_t up = (uint32_t)power & (TOKEN - 1); /* below TOKEN in every case */
    int64_t limit = (int64_t)decimal_powers_of_ten[TOKEN - up];
    bool as_integer = (power == (int)up) & (value > -limit) & (value < limit);
    stretch->values[i] = value * (as_integer ? (int64_t)decimal_powers_of_ten[up] : 1);
    stretch->powers[i] = (int16_t)power;
    bool in_range = power >= -DECIMAL_SCALED_POWER && power <= DECIMAL_SCALED_POWER;
    uint32_t kind = in_range ? SCALED : ODD;
    kind = as_fraction ? (uint32_t)(1 - power) : kind;
    stretch->buckets[i] = (uint8_t)(as_integer ? 0 : kind);
}

/* Converts token i, of any kind. */
AVX2 __attribute__((noinline)) static void take_one(struct stretch *stretch, uint32_t i,
                                                    const uint8_t *token, char point)
{
    const uint8_t *end = stretch->bytes + stretch->ends[i];
    if (token == end) {
        stretch->empties = true;
        stretch->values[i] = 0;
        stretch->buckets[i] = EMPTY;
        return;
    }
    stretch->buckets[i] = ODD;
    uint64_t negative = *token == '-';
    token += negative || *token == '+';
    size_t size = (size_t)(end - token);
    if (size == 0 || size > TOKEN + 2 + EXPONENT_DIGITS)
        return;
    uint32_t length = (uint32_t)size;
    uint32_t whole = UINT32_C(1) << length;
    __m128i first = load16(token);
    /* The mantissa ends before the exponent. */
    __m128i es = _mm_cmpeq_epi8(_mm_or_si128(first, _mm_set1_epi8(0x20)), _mm_set1_epi8('e'));
    uint32_t mantissa = _tzcnt_u32((uint32_t)_mm_movemask_epi8(es) | whole);
    bool scaled = mantissa < length;
    if (mantissa > DIGITS + 1 || mantissa == 0)
        return;

    /* Two parts: the last 16 bytes of the mantissa (tail) and the bytes before them (head). */
    uint32_t head = mantissa > TOKEN ? mantissa - TOKEN : 0;
    uint32_t tail = mantissa - head;
    __m256i bytes = two(load16(token + head), first);
    uint32_t points = mask_of(bytes, point);
    uint32_t tail_points = _bzhi_u32(points, tail);
    uint32_t head_points = _bzhi_u32(points >> 16, head);
    uint32_t tail_cut = tail - _tzcnt_u32(tail_points | UINT32_C(1) << tail);
    uint32_t head_cut = head - _tzcnt_u32(head_points | UINT32_C(1) << head);
    uint32_t cut = head_cut != 0 ? head_cut + TOKEN : tail_cut;
    uint32_t digits = mantissa - (cut != 0);
    __m256i numbers = digits_of(bytes, two(order(tail, tail_cut), order(head, head_cut)));
    if (digits == 0 || digits > DIGITS || (head_cut != 0 && tail_cut != 0) ||
        !all_set(up_to_nine(numbers)))
        return;
    __m256i both = convert(numbers, numbers);
    uint64_t value =
        (uint64_t)_mm256_extract_epi64(both, 2) * decimal_powers_of_ten[TOKEN - (tail_cut != 0)];
    value += (uint64_t)_mm256_extract_epi64(both, 0);
    stretch->values[i] = (int64_t)((value ^ -negative) + negative);
    stretch->buckets[i] = (uint8_t)(cut | (digits > TOKEN ? LONG : 0));
    if (scaled)
        scale(stretch, i, token + mantissa + 1);
}

/* The signs of two tokens, one token in each half. */
struct signs {
    __m256i unsigned_bytes; /* the tokens with '0' in place of a sign */
    __m256i negative;       /* all bits of a half, or none */
    uint32_t bits;          /* bits 0 and TOKEN */
};

AVX2 static inline struct signs find_signs(__m256i bytes)
{
    const __m256i first = _mm256_set_epi64x(0, 0xff, 0, 0xff);
    __m256i minus = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('-')), first);
    __m256i plus = _mm256_and_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('+')), first);
    __m256i sign = _mm256_or_si256(minus, plus);
    return (struct signs){
        .unsigned_bytes = _mm256_blendv_epi8(bytes, _mm256_set1_epi8('0'), sign),
        .negative = _mm256_shuffle_epi8(minus, _mm256_setzero_si256()),
        .bits = (uint32_t)_mm256_movemask_epi8(sign),
    };
}

/* Converts two tokens of TOKEN + 1 to LONG_TOKEN bytes, in two parts each: the last 16 bytes (tail)
 * and the bytes before them (head). False: at least one is not such a number, and the caller must
 * convert both again. */
AVX2 static inline bool take_wide(struct stretch *stretch, uint32_t i,
                                  const uint8_t *const tokens[2], const uint32_t lengths[2],
                                  char point)
{
    __m256i digits[2], negative[2];
    uint32_t tail_cuts[2];
    bool wrong = false;
    for (uint32_t k = 0; k < 2; k++) {
        uint32_t head = lengths[k] - TOKEN;
        if (head > LONG_TOKEN - TOKEN)
            return false;
        __m256i bytes = two(load16(tokens[k] + head), load16(tokens[k]));
        struct signs signs = find_signs(bytes);
        uint32_t points = mask_of(bytes, point);
        uint32_t all = _bzhi_u32(points, TOKEN) << head | _bzhi_u32(points >> TOKEN, head);
        uint32_t cut = lengths[k] - _tzcnt_u32(all | UINT32_C(1) << lengths[k]);
        uint32_t head_cut = cut > TOKEN ? cut - TOKEN : 0;
        tail_cuts[k] = cut > TOKEN ? 0 : cut;
        digits[k] =
            digits_of(signs.unsigned_bytes, two(order(TOKEN, tail_cuts[k]), order(head, head_cut)));
        negative[k] = signs.negative;
        uint32_t count = lengths[k] - (signs.bits >> TOKEN) - (cut != 0);
        wrong |= count > DIGITS || (signs.bits & 1) != 0; /* a sign in the middle */
        stretch->buckets[i + k] = (uint8_t)(cut | (count > TOKEN ? LONG : 0));
    }
    if (wrong || !all_set(up_to_nine(_mm256_max_epu8(digits[0], digits[1]))))
        return false;
    __m256i parts = convert(digits[0], digits[1]);
    uint64_t tails[2], heads[2], signs[2];
    _mm_storeu_si128((__m128i *)(void *)signs,
                     _mm256_extracti128_si256(_mm256_unpacklo_epi64(negative[0], negative[1]), 1));
    _mm_storeu_si128((__m128i *)(void *)tails, _mm256_castsi256_si128(parts));
    _mm_storeu_si128((__m128i *)(void *)heads, _mm256_extracti128_si256(parts, 1));
    for (uint32_t k = 0; k < 2; k++) {
        uint64_t value = heads[k] * decimal_powers_of_ten[TOKEN - (tail_cuts[k] != 0)] + tails[k];
        stretch->values[i + k] = (int64_t)((value ^ signs[k]) - signs[k]);
        stretch->kinds |= stretch->buckets[i + k] ^ stretch->kind;
    }
    return true;
}

/* Converts the tokens [from, to) one by one, the first of which begins at `token`. Returns where
 * the next token begins. */
AVX2 static const uint8_t *take_each(struct stretch *stretch, uint32_t from, uint32_t to,
                                     const uint8_t *token, char point)
{
    for (uint32_t i = from; i < to; i++) {
        take_one(stretch, i, token, point);
        if (stretch->buckets[i] != EMPTY)
            stretch->kinds |= stretch->buckets[i] ^ stretch->kind;
        token = stretch->bytes + stretch->ends[i] + 1;
    }
    return token;
}

/* Tokens that are converted together. Bit k of a mask is about token k. */
struct group {
    const uint8_t *tokens[TOGETHER];
    uint32_t lengths[TOGETHER]; /* up to the exponent, if there is one */
    uint32_t scaled;            /* mask: the token has an exponent */
    uint32_t others;            /* mask: take_one must convert the token, or find it bad */
};

/* Sets the tokens and lengths of the group whose first token has number i and begins at `token`.
 * Returns where the token after the group begins. */
static inline const uint8_t *find_group(struct group *group, const struct stretch *stretch,
                                        uint32_t i, const uint8_t *token)
{
    for (uint32_t k = 0; k < TOGETHER; k++) {
        const uint8_t *end = stretch->bytes + stretch->ends[i + k];
        group->tokens[k] = token;
        group->lengths[k] = (uint32_t)(end - token);
        token = end + 1;
    }
    return token;
}

/* The first 16 bytes of each token of a group. */
struct heads {
    __m256i even; /* of tokens 0 and 2 */
    __m256i odd;  /* of tokens 1 and 3 */
};

AVX2 static inline struct heads load_heads(const struct group *group)
{
    return (struct heads){
        .even = two(load16(group->tokens[0]), load16(group->tokens[2])),
        .odd = two(load16(group->tokens[1]), load16(group->tokens[3])),
    };
}

/* Converts the tokens of a plain stretch: each is an integer or empty. Fills up the last group with
 * tokens of one byte after the last token, whose values nobody uses. */
AVX2 __attribute__((noinline)) static void take_integers(struct stretch *stretch, char point)
{
    const uint8_t *token = stretch->bytes;
    for (uint32_t i = 0; i < TOGETHER - 1; i++)
        stretch->ends[stretch->tokens + i] =
            (uint16_t)(stretch->ends[stretch->tokens - 1] + 2 * (i + 1));
    for (uint32_t i = 0; i < stretch->tokens; i += TOGETHER) {
        struct group group;
        const uint8_t *next = find_group(&group, stretch, i, token);
        const uint32_t *lengths = group.lengths;
        uint32_t wrong = 0;
        for (uint32_t k = 0; k < TOGETHER; k++)
            wrong |= lengths[k] - 1;
        if (wrong >= TOKEN) { /* a token is empty or long */
            uint32_t rest = stretch->tokens - i;
            token = take_each(stretch, i, i + (rest < TOGETHER ? rest : TOGETHER), token, point);
            continue;
        }
        struct heads heads = load_heads(&group);
        __m256i even = digits_of(heads.even,
                                 two(load16(to_right + lengths[0]), load16(to_right + lengths[2])));
        __m256i odd =
            digits_of(heads.odd, two(load16(to_right + lengths[1]), load16(to_right + lengths[3])));
        _mm256_storeu_si256((__m256i *)(void *)&stretch->values[i], convert(even, odd));
        memset(&stretch->buckets[i], 0, TOGETHER);
        token = next;
    }
}

/* Finds the tokens with an e among their first 16 bytes: sets the mask `scaled`, and cuts their
 * lengths to the bytes before it. */
AVX2 static inline void cut_exponents(struct group *group, const struct heads *heads)
{
    const __m256i small = _mm256_set1_epi8(0x20);
    const __m256i e = _mm256_set1_epi8('e');
    __m256i even_e = _mm256_cmpeq_epi8(_mm256_or_si256(heads->even, small), e);
    __m256i odd_e = _mm256_cmpeq_epi8(_mm256_or_si256(heads->odd, small), e);
    __m256i any = _mm256_or_si256(even_e, odd_e);
    group->scaled = 0;
    if (_mm256_testz_si256(any, any))
        return;
    uint32_t even_es = (uint32_t)_mm256_movemask_epi8(even_e);
    uint32_t odd_es = (uint32_t)_mm256_movemask_epi8(odd_e);
    const uint32_t es[TOGETHER] = {even_es & 0xffff, odd_es & 0xffff, even_es >> TOKEN,
                                   odd_es >> TOKEN};
    for (uint32_t k = 0; k < TOGETHER; k++) {
        uint32_t at = _tzcnt_u32(es[k]); /* 32 if there is no e */
        group->scaled |= (uint32_t)(at < group->lengths[k]) << k;
        group->lengths[k] = at < group->lengths[k] ? at : group->lengths[k];
    }
}

/* Sets the mask `others` to the tokens that are empty or longer than TOKEN. True: all tokens are
 * long, and are converted. False: the lengths of the others are now 1, so that convert_group can
 * read them. */
AVX2 static inline bool take_long(struct stretch *stretch, uint32_t i, struct group *group,
                                  char point)
{
    group->others = 0;
    for (uint32_t k = 0; k < TOGETHER; k++)
        group->others |= (uint32_t)(group->lengths[k] - 1 >= TOKEN) << k;
    if (group->others == 0)
        return false;
    if (group->others == (1 << TOGETHER) - 1 &&
        take_wide(stretch, i, group->tokens, group->lengths, point) &&
        take_wide(stretch, i + 2, group->tokens + 2, group->lengths + 2, point))
        return true;
    for (uint32_t k = 0; k < TOGETHER; k++)
        group->lengths[k] = group->others >> k & 1 ? 1 : group->lengths[k];
    return false;
}

/* Converts the tokens of a group up to their exponents, as 1 to TOKEN bytes: digits with at most a
 * sign and a point. Adds the tokens that are not of this kind to the mask `others`. Returns the
 * buckets, a byte each. */
AVX2 static inline uint32_t convert_group(struct stretch *stretch, uint32_t i, struct group *group,
                                          const struct heads *heads, char point)
{
    const uint32_t *lengths = group->lengths;
    const uint32_t even_points = mask_of(heads->even, point);
    const uint32_t odd_points = mask_of(heads->odd, point);
    const uint32_t points[TOGETHER] = {even_points, odd_points, even_points >> TOKEN,
                                       odd_points >> TOKEN};
    struct signs even_signs = find_signs(heads->even), odd_signs = find_signs(heads->odd);
    const uint32_t signs[TOGETHER] = {even_signs.bits & 1, odd_signs.bits & 1,
                                      even_signs.bits >> TOKEN, odd_signs.bits >> TOKEN};
    uint32_t cuts[TOGETHER];
    uint32_t others = group->others;
    for (uint32_t k = 0; k < TOGETHER; k++) {
        uint32_t first = _bzhi_u32(points[k], lengths[k]) | UINT32_C(1) << lengths[k];
        cuts[k] = lengths[k] - _tzcnt_u32(first);
        others |= (uint32_t)(lengths[k] == signs[k] + (cuts[k] != 0)) << k; /* has no digit */
    }
    __m256i even = digits_of(even_signs.unsigned_bytes,
                             two(order(lengths[0], cuts[0]), order(lengths[2], cuts[2])));
    __m256i odd = digits_of(odd_signs.unsigned_bytes,
                            two(order(lengths[1], cuts[1]), order(lengths[3], cuts[3])));
    __m256i negative = _mm256_unpacklo_epi64(even_signs.negative, odd_signs.negative);
    __m256i values = _mm256_xor_si256(convert(even, odd), negative);
    _mm256_storeu_si256((__m256i *)(void *)&stretch->values[i], _mm256_sub_epi64(values, negative));
    uint32_t buckets = cuts[0] | cuts[1] << 8 | cuts[2] << 16 | cuts[3] << 24;
    memcpy(&stretch->buckets[i], &buckets, sizeof buckets);
    if (i == 0)
        stretch->kind = cuts[0];
    __m256i even_good = up_to_nine(even);
    __m256i odd_good = up_to_nine(odd);
    if (!all_set(_mm256_and_si256(even_good, odd_good))) {
        uint32_t even_bad = ~(uint32_t)_mm256_movemask_epi8(even_good);
        uint32_t odd_bad = ~(uint32_t)_mm256_movemask_epi8(odd_good);
        others |= (uint32_t)((even_bad & 0xffff) != 0) | (uint32_t)((odd_bad & 0xffff) != 0) << 1 |
                  (uint32_t)(even_bad >> TOKEN != 0) << 2 | (uint32_t)(odd_bad >> TOKEN != 0) << 3;
    }
    group->others = others;
    return buckets;
}

/* Ends a converted group in which some tokens are others: takes those one by one, and applies the
 * exponents of the rest. */
AVX2 static inline void take_others(struct stretch *stretch, uint32_t i, const struct group *group,
                                    char point)
{
    for (uint32_t k = 0; k < TOGETHER; k++) {
        if (group->others >> k & 1)
            take_one(stretch, i + k, group->tokens[k], point);
        else if (group->scaled >> k & 1)
            scale(stretch, i + k, group->tokens[k] + group->lengths[k] + 1);
        if (stretch->buckets[i + k] != EMPTY)
            stretch->kinds |= stretch->buckets[i + k] ^ stretch->kind;
    }
}

/* Converts the tokens of any stretch. */
AVX2 __attribute__((noinline)) static void take_decimals(struct stretch *stretch, char point)
{
    const uint8_t *token = stretch->bytes;
    uint32_t i = 0;
    for (; i + TOGETHER <= stretch->tokens; i += TOGETHER) {
        struct group group;
        token = find_group(&group, stretch, i, token);
        struct heads heads = load_heads(&group);
        cut_exponents(&group, &heads);
        if (take_long(stretch, i, &group, point))
            continue;
        uint32_t buckets = convert_group(stretch, i, &group, &heads, point);
        if (group.others != 0) {
            take_others(stretch, i, &group, point);
            continue;
        }
        stretch->kinds |= (buckets ^ stretch->kind * UINT32_C(0x01010101)) | group.scaled;
        for (uint32_t scaled = group.scaled; scaled != 0; scaled &= scaled - 1) {
            uint32_t k = _tzcnt_u32(scaled);
            scale(stretch, i + k, group.tokens[k] + group.lengths[k] + 1);
        }
    }
    take_each(stretch, i, stretch->tokens, token, point);
}

/* ---- lines ---- */

/* What was added to the current line but is not in the parser's fields yet. */
struct line {
    struct shmsum_line_parser *parser;
    uint32_t used; /* bits of sum.small_used */
    uint32_t numbers;
};

/* Moves the counts of the line into the parser. */
static inline void flush(struct line *line)
{
    line->parser->sum.small_used |= line->used;
    line->parser->numbers += line->numbers;
    line->used = 0;
    line->numbers = 0;
}

/* The most units that the numbers of up to 16 digits among `tokens` tokens take. */
static inline uint32_t units_of(uint32_t tokens)
{
    return tokens < STRETCH / 2 ? tokens : STRETCH / 2;
}

/* Reserves room in the buckets for `units`, and for the `rest` tokens that already had room. */
static void make_room(struct line *line, uint32_t units, uint32_t rest)
{
    struct shmsum_decimal_sum *sum = &line->parser->sum;
    if (decimal_small_reserve(sum, units))
        return;
    flush(line);
    decimal_sum_empty_small(sum);
    decimal_small_reserve(sum, units + units_of(rest));
}

static inline const uint8_t *begin_of(const struct stretch *stretch, uint32_t token)
{
    return token == 0 ? stretch->bytes : stretch->bytes + stretch->ends[token - 1] + 1;
}

/* Takes token i, which has no bucket. False: it is bad, and the plain implementation must report
 * that. */
static bool take_other(struct line *line, const struct stretch *stretch, uint32_t i)
{
    struct shmsum_line_parser *parser = line->parser;
    int64_t value = stretch->values[i];
    switch (stretch->buckets[i]) {
    case ODD:
        return line_parser_add_token(
            parser, begin_of(stretch, i),
            (size_t)(stretch->bytes + stretch->ends[i] - begin_of(stretch, i)));
    case SCALED:
        decimal_sum_add_scaled(&parser->sum, value < 0 ? -(uint64_t)value : (uint64_t)value,
                               stretch->powers[i], value < 0);
        line->numbers++;
        return true;
    default: /* EMPTY */
        return true;
    }
}

/* Takes the tokens [from, to) if all numbers are in one bucket. */
static inline void take_same(struct line *line, const struct stretch *stretch, uint32_t from,
                             uint32_t to)
{
    uint64_t sum = 0;
    uint32_t numbers = to - from;
    for (uint32_t i = from; i < to; i++)
        sum += (uint64_t)stretch->values[i];
    if (stretch->empties)
        for (uint32_t i = from; i < to; i++)
            numbers -= stretch->buckets[i] == EMPTY;
    line->parser->sum.small[stretch->kind] += (int64_t)sum;
    line->used |= (uint32_t)(numbers != 0) << stretch->kind;
    line->numbers += numbers;
}

/* Takes the tokens [from, to) of any kind. Returns `to`, or the first token that the plain
 * implementation must take. */
static inline uint32_t take_mixed(struct line *line, const struct stretch *stretch, uint32_t from,
                                  uint32_t to)
{
    int64_t *small = line->parser->sum.small;
    for (uint32_t i = from; i < to; i++) {
        uint32_t bucket = stretch->buckets[i];
        if (bucket < SCALED) {
            if (bucket >= LONG) {
                make_room(line, decimal_small_units(DIGITS), to - i);
                bucket -= LONG;
            }
            small[bucket] += stretch->values[i];
            line->used |= UINT32_C(1) << bucket;
            line->numbers++;
        } else if (!take_other(line, stretch, i)) {
            return i;
        }
    }
    return to;
}

/* Adds up the lines of the stretch. Returns as line_parser_fast does. */
AVX2 __attribute__((noinline)) static const uint8_t *
take_lines(struct line_parser_feed *feed, const struct stretch *stretch, bool *line_ended)
{
    struct line line = {.parser = feed->parser};
    make_room(&line, units_of(stretch->tokens), 0);
    uint32_t token = 0;
    for (uint32_t i = 0; i <= stretch->lines; i++) {
        uint32_t to = i < stretch->lines ? stretch->last[i] + 1U : stretch->tokens;
        if (stretch->kinds == 0) {
            take_same(&line, stretch, token, to);
        } else {
            uint32_t stopped = take_mixed(&line, stretch, token, to);
            if (stopped < to) {
                flush(&line);
                return begin_of(stretch, stopped);
            }
        }
        token = to;
        flush(&line);
        if (i < stretch->lines) {
            if (!line_parser_put_line(feed, begin_of(stretch, token))) {
                *line_ended = true;
                break;
            }
            decimal_small_reserve(&feed->parser->sum, units_of(stretch->tokens - token));
        }
    }
    return begin_of(stretch, token);
}

const uint8_t *line_parser_avx2(struct line_parser_feed *feed, const uint8_t *at, bool *line_ended)
{
    struct stretch stretch;
    uint16_t *ahead = &feed->parser->ahead;
    *line_ended = false;
    for (;;) {
        find_tokens(&stretch, at, feed->end, *ahead);
        if (stretch.tokens == 0) /* a very long token, or the end of the block */
            return at;
        if (stretch.plain)
            take_integers(&stretch, feed->parser->point);
        else
            take_decimals(&stretch, feed->parser->point);
        const uint8_t *next = take_lines(feed, &stretch, line_ended);
        /* The next call reads what is after an event again. If most of the stretch is after it,
         * read less ahead. */
        if (*line_ended || next != begin_of(&stretch, stretch.tokens)) {
            if (*ahead > STRETCH_MIN && (size_t)(next - at) < *ahead / 4)
                *ahead /= 2;
            return next;
        }
        if (*ahead < LINE_PARSER_AHEAD)
            *ahead *= 2;
        at = next;
    }
}

#endif
