/*
 * line_parser_avx2.c - the fast form for x86-64 CPUs with AVX2 and BMI. See line_parser_forms.h.
 *
 * Separators are found 64 bytes at a time, as bit masks (Langdale and Lemire, "Parsing gigabytes of
 * JSON per second", 2019). Each token between two of them is converted without a branch on its
 * length: load 16 bytes from its beginning, move the digits to the right and the point out of the
 * way with one shuffle, and multiply neighbours together (Muła, "SIMD-ized conversion of 16
 * digits").
 *
 * Called by the line parser only where the CPU has been asked.
 */
#include "line_parser_forms.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "decimal_small.h"

#define AVX2 __attribute__((target("avx2,bmi,bmi2")))

enum {
    CHUNK = 64,
    TOKEN = 16,
    LONG_TOKEN = SHMSUM_DECIMAL_SMALL_DIGITS + 2, /* with sign and point */
    /* A token may begin in the last byte of a chunk, with a sign: its 16 bytes end here. */
    REACH = CHUNK + TOKEN + 1,
};
_Static_assert((int)REACH < (int)LINE_PARSER_FAST_MIN, "a fast form can do something");

static const uint64_t ten16 = UINT64_C(10000000000000000);

/* Read at n: the shuffle that moves the first n bytes to the right end. A negative index gives 0.
 */
static const int8_t to_right[32] = {
    -16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1,
    0,   1,   2,   3,   4,   5,   6,   7,  8,  9,  10, 11, 12, 13, 14, 15,
};
/* Read at n: -1 in all but the last n bytes; 0 in all from n = 16 on. */
static const int8_t all_but_last[48] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                        -1, -1, -1, -1, -1, -1, -1, -1};

struct marks {
    uint64_t separators; /* everything that ends a token */
    uint64_t newlines;
};

/* What has been added since the sum was last told. Plain integers gather in a register. */
struct gathered {
    uint64_t integers; /* not negative: what has a sign goes to a bucket */
    uint32_t numbers;
    uint32_t used; /* bits of the buckets */
};

AVX2 static inline __m128i load16(const void *bytes)
{
    return _mm_loadu_si128((const __m128i *)bytes);
}

AVX2 static inline uint64_t mask64(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high)
                                                     << 32;
}

/* CHUNK bytes and one more can be read. */
AVX2 static inline struct marks find_marks(const uint8_t *chunk)
{
    /* Looked up by its low four bits, each separator finds itself, and nothing else does. */
    const __m256i table =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0, ' ', 0, 0,
                         0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0);
    const __m256i lf = _mm256_set1_epi8('\n');
    const __m256i cr = _mm256_set1_epi8('\r');
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)chunk);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(chunk + 32));
    struct marks marks = {
        .separators = mask64(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, low), low),
                             _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, high), high)),
        .newlines = mask64(_mm256_cmpeq_epi8(low, lf), _mm256_cmpeq_epi8(high, lf)),
    };
    __m256i low_cr = _mm256_cmpeq_epi8(low, cr);
    __m256i high_cr = _mm256_cmpeq_epi8(high, cr);
    __m256i any_cr = _mm256_or_si256(low_cr, high_cr);
    if (!_mm256_testz_si256(any_cr, any_cr)) { /* not directly before a LF: a byte of a token */
        uint64_t next = marks.newlines >> 1 | (uint64_t)(chunk[CHUNK] == '\n') << (CHUNK - 1);
        marks.separators &= ~(mask64(low_cr, high_cr) & ~next);
    }
    return marks;
}

/* Bit i: byte i is not a digit. */
AVX2 static inline uint32_t find_marks_in_token(__m128i bytes)
{
    /* '0' to '9' become the ten smallest signed bytes, -128 to -119 */
    __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(128 - '0'));
    return (uint32_t)_mm_movemask_epi8(_mm_cmpgt_epi8(moved, _mm_set1_epi8(-119)));
}

/* The value of 16 digits. Bytes count by their low four bits. */
AVX2 static inline uint64_t convert(__m128i bytes)
{
    __m128i digits = _mm_and_si128(bytes, _mm_set1_epi8(15));
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(1 << 8 | 10));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
    __m128i packed = _mm_packus_epi32(fours, fours);
    __m128i eights = _mm_madd_epi16(packed, _mm_set1_epi32(1 << 16 | 10000));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

static inline void tell(struct shmsum_line_parser *parser, struct gathered *gathered)
{
    parser->sum.small[0] += (int64_t)gathered->integers;
    parser->sum.small_used |= gathered->used | (gathered->integers != 0);
    parser->numbers += gathered->numbers;
    *gathered = (struct gathered){0};
}

/* The buckets are full: empties them, and makes room for `units` and what the chunk may still
 * bring. */
static void make_room(struct shmsum_line_parser *parser, struct gathered *gathered, uint32_t units)
{
    tell(parser, gathered);
    decimal_sum_empty_small(&parser->sum);
    decimal_reserve_small(&parser->sum, CHUNK / 2 + units);
}

/* The `length` bytes that `bytes` begins with, moved to the right; with `cut` (not 0) of them from
 * the point on, all before the point moves up by one place. */
AVX2 static inline __m128i put_in_order(__m128i bytes, uint32_t length, uint32_t cut)
{
    __m128i close_up = load16(all_but_last + ((cut - 1) & 31));
    return _mm_shuffle_epi8(bytes, _mm_add_epi8(load16(to_right + length), close_up));
}

/*
 * Adds the token of `length` bytes (1 to TOKEN), of which those in `marks` are no digits, if it is
 * a small number all the same; false when it is not. Without a branch on sign or point: in real
 * data both come as they like.
 */
AVX2 static inline bool add_marked_token(struct shmsum_decimal_sum *sum, struct gathered *gathered,
                                         const uint8_t *token, __m128i bytes, uint32_t length,
                                         uint32_t marks, __m128i point)
{
    uint64_t negative = *token == '-';
    uint32_t sign = (uint32_t)negative | (*token == '+');
    uint32_t points = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, point));
    uint32_t others = (marks & ~points) ^ sign; /* marks that are neither point nor sign */
    token += sign;
    length -= sign;
    marks >>= sign;
    uint32_t no_digit = (marks + 1) >> length;
    if (others | _blsr_u32(marks) | no_digit)
        return false;

    uint32_t cut = length - _tzcnt_u32(marks | UINT32_C(1) << length); /* 0: no point */
    uint64_t value = convert(put_in_order(load16(token), length, cut));
    sum->small[cut] += (int64_t)((value ^ -negative) + negative);
    gathered->used |= UINT32_C(1) << cut;
    return true;
}

/* Adds a token of TOKEN + 1 to LONG_TOKEN bytes if it is a number of up to 18 digits; false when it
 * is not. In two parts: the last 16 bytes, and what is before them. */
AVX2 static bool add_long_token(struct shmsum_line_parser *parser, struct gathered *gathered,
                                const uint8_t *token, uint32_t length, __m128i point)
{
    uint64_t negative = *token == '-';
    uint32_t sign = (uint32_t)negative | (*token == '+');
    token += sign;
    length -= sign;
    if (length <= TOKEN || length > SHMSUM_DECIMAL_SMALL_DIGITS + 1)
        return false;
    uint32_t head_length = length - TOKEN;
    __m128i head = load16(token);
    __m128i tail = load16(token + head_length);
    uint32_t head_marks = _bzhi_u32(find_marks_in_token(head), head_length);
    uint32_t tail_marks = find_marks_in_token(tail);
    uint32_t marks = head_marks | tail_marks << head_length;
    uint32_t digits = length - (marks != 0);
    uint32_t at = _tzcnt_u32(marks | UINT32_C(1) << length);
    if (_blsr_u32(marks) != 0 || digits > SHMSUM_DECIMAL_SMALL_DIGITS ||
        (marks != 0 && token[at] != (uint8_t)_mm_cvtsi128_si32(point)))
        return false;

    uint32_t cut = length - at;
    uint32_t tail_cut = tail_marks == 0 ? 0 : cut;
    uint32_t head_cut = head_marks == 0 ? 0 : cut - TOKEN;
    uint64_t low = convert(put_in_order(tail, TOKEN, tail_cut));
    uint64_t high = convert(put_in_order(head, head_length, head_cut));
    uint64_t value = high * (tail_marks == 0 ? ten16 : ten16 / 10) + low;

    uint32_t units = decimal_small_units(digits);
    if (!decimal_reserve_small(&parser->sum, units))
        make_room(parser, gathered, units);
    parser->sum.small[cut] += (int64_t)((value ^ -negative) + negative);
    gathered->used |= UINT32_C(1) << cut;
    return true;
}

AVX2 const uint8_t *line_parser_avx2(struct shmsum_line_parser *parser, const uint8_t *at,
                                     const uint8_t *end, bool *line_ended)
{
    struct shmsum_decimal_sum *sum = &parser->sum;
    const __m128i point = _mm_set1_epi8(parser->point);
    struct gathered gathered = {0};
    const uint8_t *token = at;
    *line_ended = false;
    for (const uint8_t *chunk = at; (size_t)(end - chunk) >= REACH; chunk += CHUNK) {
        if (!decimal_reserve_small(sum, CHUNK / 2))
            make_room(parser, &gathered, 0);
        struct marks marks = find_marks(chunk);
        /* Up to the end of the line; to the end of the chunk when that is further. */
        uint64_t left = marks.separators & _blsmsk_u64(marks.newlines);
        for (; left != 0; left = _blsr_u64(left)) {
            const uint8_t *token_end = chunk + _tzcnt_u64(left);
            size_t length = (size_t)(token_end - token);
            if (length - 1 < TOKEN) { /* 1 to TOKEN */
                __m128i bytes = load16(token);
                uint32_t token_marks = _bzhi_u32(find_marks_in_token(bytes), (uint32_t)length);
                if (token_marks == 0)
                    gathered.integers +=
                        convert(_mm_shuffle_epi8(bytes, load16(to_right + length)));
                else if (!add_marked_token(sum, &gathered, token, bytes, (uint32_t)length,
                                           token_marks, point))
                    goto out;
                gathered.numbers++;
            } else if (length != 0) {
                if (length > LONG_TOKEN ||
                    !add_long_token(parser, &gathered, token, (uint32_t)length, point))
                    goto out;
                gathered.numbers++;
            }
            token = token_end + 1;
        }
        if (marks.newlines != 0) {
            *line_ended = true;
            goto out;
        }
        if (chunk + CHUNK - token > LONG_TOKEN) /* a long token is not for us */
            break;
    }
out:
    tell(parser, &gathered);
    return token;
}

#endif
