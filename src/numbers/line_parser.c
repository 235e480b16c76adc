/*
 * line_parser.c - bytes in, one event for each line out: the plain implementation, which is the
 * specification.
 *
 * The consumer calls it for every block. It is a state machine over bytes. A run of digits takes
 * one step, and so does the rest of a bad line.
 *
 * DOC: line-parser-states
 *
 *     BETWEEN --sign--> SIGN --digit--> INTEGER --point--> FRACTION --e--> EXPONENT --sign--> …
 *        |               `----point--> POINT --digit--> FRACTION        --digit--> EXPONENT_DIGITS
 *        |                                     INTEGER --e--> EXPONENT
 *        `--anything else--> BAD (the rest of the token) --separator--> SKIP (the rest of the line)
 *
 * INTEGER, FRACTION and EXPONENT_DIGITS accept. A CR leads from any state but SKIP to CR. There an
 * LF ends the line as if the CR were not there. Any other byte makes the CR a byte of a token, and
 * so an error.
 */
#include <shmsum/line_parser.h>

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "decimal_push.h"
#include "line_parser_implementations.h"

enum state {
    BETWEEN,
    SIGN,
    INTEGER,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
    BAD,
    SKIP,
    CR,
};

/* Exponents saturate here. No input has enough digits to bring such a number into range. */
static const uint64_t exponent_max = UINT64_C(1000000000000000000);

bool shmsum_line_parser_is_valid(const struct shmsum_line_parser *parser)
{
    return (parser->point == '.' || parser->point == ',') && parser->state <= CR &&
           parser->before_cr < SKIP && parser->exponent <= exponent_max &&
           shmsum_decimal_is_valid(&parser->number) && shmsum_decimal_sum_is_valid(&parser->sum);
}

static const char *const implementation_names[SHMSUM_LINE_IMPLEMENTATIONS] = {"scalar", "swar",
                                                                              "avx2"};

const char *shmsum_line_implementation_name(enum shmsum_line_implementation implementation)
{
    assert(implementation < SHMSUM_LINE_IMPLEMENTATIONS);
    return implementation_names[implementation];
}

int shmsum_line_implementation_by_name(const char *name)
{
    for (int implementation = 0; implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++)
        if (strcmp(name, implementation_names[implementation]) == 0)
            return implementation;
    return -1;
}

static bool has_implementation(enum shmsum_line_implementation implementation)
{
    switch (implementation) {
    case SHMSUM_LINE_SCALAR:
    case SHMSUM_LINE_SWAR:
        return true;
    case SHMSUM_LINE_AVX2:
#if defined(__x86_64__)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
               __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
#else
        return false;
#endif
    default:
        return false;
    }
}

int shmsum_line_parser_use(struct shmsum_line_parser *parser,
                           enum shmsum_line_implementation implementation)
{
    assert(parser->ended);
    if (!has_implementation(implementation))
        return -ENOTSUP;
    parser->implementation = (uint8_t)implementation;
    return 0;
}

void shmsum_line_parser_init(struct shmsum_line_parser *parser, char point)
{
    assert(point == '.' || point == ',');
    memset(parser, 0, sizeof *parser);
    parser->point = point;
    parser->state = BETWEEN;
    parser->before_cr = BETWEEN;
    parser->ended = true;
    parser->next_line = 1;
    parser->ahead = LINE_PARSER_AHEAD;
    parser->implementation =
        has_implementation(SHMSUM_LINE_AVX2) ? SHMSUM_LINE_AVX2 : SHMSUM_LINE_SWAR;
    decimal_push_clear(&parser->number);
    shmsum_decimal_sum_init(&parser->sum);
}

uint64_t shmsum_line_parser_anchor(const struct shmsum_line_parser *parser)
{
    bool between =
        parser->state == BETWEEN || (parser->state == CR && parser->before_cr == BETWEEN);
    return between && !parser->bad ? 0 : parser->error.column;
}

static void begin_line(struct shmsum_line_parser *parser)
{
    line_parser_begin_line(parser);
    parser->numbers = 0;
    parser->state = BETWEEN;
    shmsum_decimal_sum_clear(&parser->sum);
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') <= 9;
}

static bool is_separator(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* Begins a token at `column`. If the token is bad, this is the column of the error. */
static void begin_token(struct shmsum_line_parser *parser, uint64_t column)
{
    parser->error.column = column;
    parser->error.token_bytes = 0;
    parser->negative = false;
    parser->exponent_negative = false;
    parser->fraction_digits = 0;
    parser->exponent = 0;
    decimal_push_clear(&parser->number);
}

/* Keeps [from, to) as the next bytes of the token, for a message. A good token that is in one block
 * is never kept. */
static void keep_token(struct shmsum_line_parser *parser, const uint8_t *from, const uint8_t *to)
{
    struct shmsum_line_error *error = &parser->error;
    size_t size = (size_t)(to - from);
    if (error->token_bytes < SHMSUM_TOKEN_HEAD) {
        size_t room = SHMSUM_TOKEN_HEAD - (size_t)error->token_bytes;
        memcpy(error->token + error->token_bytes, from, size < room ? size : room);
    }
    error->token_bytes += size;
}

static void reject(struct shmsum_line_parser *parser, enum shmsum_line_error_kind kind)
{
    parser->bad = true;
    parser->error.kind = kind;
}

/* Rejects the token: it cannot have the byte c at this place. */
static void reject_byte(struct shmsum_line_parser *parser, uint8_t c)
{
    if (c == ',' && parser->point == '.')
        reject(parser, SHMSUM_NOT_A_NUMBER_COMMA);
    else if (c == '.' && parser->point == ',')
        reject(parser, SHMSUM_NOT_A_NUMBER_POINT);
    else
        reject(parser, SHMSUM_NOT_A_NUMBER);
    parser->state = BAD;
}

/* Ends the token and adds its number. False: the token is not a number or is out of range, and the
 * line is bad; the caller must keep the bytes of the token that are not kept yet. */
static bool end_token(struct shmsum_line_parser *parser)
{
    switch (parser->state) {
    case INTEGER:
    case FRACTION:
    case EXPONENT_DIGITS:
        break;
    case BAD:
        return false;
    default:
        reject(parser, SHMSUM_NOT_A_NUMBER);
        return false;
    }
    int64_t exponent = (int64_t)parser->exponent;
    if (parser->exponent_negative)
        exponent = -exponent;
    exponent -= (int64_t)parser->fraction_digits;
    if (shmsum_decimal_sum_add(&parser->sum, &parser->number, exponent, parser->negative) != 0) {
        reject(parser, SHMSUM_OUT_OF_RANGE);
        return false;
    }
    parser->numbers++;
    return true;
}

static enum shmsum_line end_line(struct shmsum_line_parser *parser)
{
    parser->ended = true;
    parser->state = BETWEEN;
    if (parser->bad)
        return SHMSUM_LINE_ERROR;
    return parser->numbers > 0 ? SHMSUM_LINE_SUM : SHMSUM_LINE_BLANK;
}

/* Whether a token is open that has bytes in this block that are not kept yet. */
static bool in_token(const struct shmsum_line_parser *parser)
{
    return parser->state != BETWEEN && parser->state != SKIP && parser->state != CR;
}

/* Takes the digits at the beginning of bytes[0..size), of which there is at least one, in a state
 * that accepts digits. Returns their count. */
static size_t take_digits(struct shmsum_line_parser *parser, const uint8_t *bytes, size_t size)
{
    size_t digits;
    switch (parser->state) {
    case BETWEEN:
    case SIGN:
    case INTEGER:
        digits = decimal_push_run(&parser->number, bytes, size);
        parser->state = INTEGER;
        break;
    case POINT:
    case FRACTION:
        digits = decimal_push_run(&parser->number, bytes, size);
        parser->fraction_digits += digits;
        parser->state = FRACTION;
        break;
    default:
        for (digits = 0; digits < size && is_digit(bytes[digits]); digits++) {
            uint64_t exponent = parser->exponent * 10 + (uint64_t)(bytes[digits] - '0');
            parser->exponent = exponent < exponent_max ? exponent : exponent_max;
        }
        parser->state = EXPONENT_DIGITS;
    }
    return digits;
}

/* Takes a byte of a token that is not a digit, separator, CR or LF. */
static void take_mark(struct shmsum_line_parser *parser, uint8_t c)
{
    bool point = c == (uint8_t)parser->point;
    bool e = c == 'e' || c == 'E';
    bool sign = c == '+' || c == '-';
    switch (parser->state) {
    case BETWEEN:
        if (sign) {
            parser->negative = c == '-';
            parser->state = SIGN;
            return;
        }
        /* fall through */
    case SIGN:
        if (point) {
            parser->state = POINT;
            return;
        }
        break;
    case INTEGER:
        if (point) {
            parser->state = FRACTION;
            return;
        }
        /* fall through */
    case FRACTION:
        if (e) {
            parser->state = EXPONENT;
            return;
        }
        break;
    case EXPONENT:
        if (sign) {
            parser->exponent_negative = c == '-';
            parser->state = EXPONENT_SIGN;
            return;
        }
        break;
    case BAD: /* the token already has an error */
        return;
    default:
        break;
    }
    reject_byte(parser, c);
}

/* Takes the digits at the beginning of bytes[0..size), or one other byte. Returns the count of
 * bytes taken. */
static inline size_t take_some(struct shmsum_line_parser *parser, const uint8_t *bytes, size_t size)
{
    if (is_digit(*bytes) && parser->state != BAD)
        return take_digits(parser, bytes, size);
    take_mark(parser, *bytes);
    return 1;
}

/* Takes the CR at `column` as a byte of a token, and rejects the token: no LF followed the CR. */
static void take_cr_as_data(struct shmsum_line_parser *parser, uint64_t column)
{
    static const uint8_t cr = '\r';
    if (parser->state == BETWEEN)
        begin_token(parser, column);
    keep_token(parser, &cr, &cr + 1);
    if (parser->state != BAD)
        reject_byte(parser, cr);
}

bool line_parser_add_token(struct shmsum_line_parser *parser, const uint8_t *token, size_t size)
{
    begin_token(parser, 0);
    for (size_t at = 0; at < size && parser->state != BAD;)
        at += take_some(parser, token + at, size - at);
    bool good = end_token(parser);
    parser->bad = false;
    parser->state = BETWEEN;
    return good;
}

/* Takes the common tokens from `at` on: see DOC: line-parser-implementations. */
static const uint8_t *take_fast(struct line_parser_feed *feed, const uint8_t *at, bool *line_ended)
{
    switch (feed->parser->implementation) {
#if defined(__x86_64__)
    case SHMSUM_LINE_AVX2:
        return line_parser_avx2(feed, at, line_ended);
#endif
    case SHMSUM_LINE_SWAR:
        return line_parser_swar(feed, at, line_ended);
    default:
        *line_ended = false;
        return at;
    }
}

/* Takes the LF at `at`. True: the sink took the sum and the next line has begun. False: the line is
 * an event. */
static inline bool take_newline(struct line_parser_feed *feed, const uint8_t *token,
                                const uint8_t *at)
{
    struct shmsum_line_parser *parser = feed->parser;
    if (in_token(parser) && !end_token(parser))
        keep_token(parser, token, at);
    if (parser->bad || !line_parser_put_line(feed, at + 1))
        return false;
    parser->state = BETWEEN;
    return true;
}

/* Ends the line whose last byte is before `next`. */
static enum shmsum_line end_line_at(struct line_parser_feed *feed, const uint8_t *next,
                                    size_t *consumed)
{
    *consumed = (size_t)(next - feed->bytes);
    return end_line(feed->parser);
}

/* Takes the CR at `at`, which may begin the line's end. Returns where an open token goes on. */
static inline const uint8_t *take_cr(struct shmsum_line_parser *parser, const uint8_t *token,
                                     const uint8_t *at)
{
    if (in_token(parser)) {
        keep_token(parser, token, at);
        token = at + 1;
    }
    parser->before_cr = parser->state;
    parser->state = CR;
    return token;
}

/* Decides what a CR was from the next byte, c, which is at bytes[offset] of the block. True: the CR
 * begins the line's end. False: the CR is data, and a token is open. */
static inline bool take_after_cr(struct shmsum_line_parser *parser, uint8_t c, ptrdiff_t offset)
{
    parser->state = parser->before_cr;
    if (c == '\n')
        return true;
    take_cr_as_data(parser, parser->column + (uint64_t)offset);
    return false;
}

/* Takes the separator at `at`. True: it ends a good token. */
static inline bool take_separator(struct shmsum_line_parser *parser, const uint8_t *token,
                                  const uint8_t *at)
{
    if (!in_token(parser))
        return false;
    bool good = end_token(parser);
    if (!good)
        keep_token(parser, token, at);
    parser->state = good ? BETWEEN : SKIP;
    return good;
}

/* Ends a block whose last line goes on in the next block. */
static void end_block(struct line_parser_feed *feed, const uint8_t *token)
{
    struct shmsum_line_parser *parser = feed->parser;
    size_t size = (size_t)(feed->end - feed->bytes);
    if (feed->sink != NULL && feed->sink->bytes == size) {
        /* The block ends with a line that the sink took. Take back the beginning of the next line:
         * there may be none. */
        parser->ended = true;
        parser->next_line--;
        return;
    }
    if (in_token(parser))
        keep_token(parser, token, feed->end);
    parser->column += size;
}

static enum shmsum_line feed_lines(struct shmsum_line_parser *parser, const uint8_t *bytes,
                                   size_t size, struct shmsum_line_sink *sink, size_t *consumed)
{
    assert(shmsum_line_parser_is_valid(parser));
    *consumed = size;
    if (size == 0)
        return SHMSUM_LINE_UNFINISHED;
    if (parser->ended)
        begin_line(parser);

    const uint8_t *end = bytes + size;
    struct line_parser_feed feed = {.parser = parser, .sink = sink, .bytes = bytes, .end = end};
    const uint8_t *token = bytes; /* the part of the open token in this block */
    bool try_fast = parser->state == BETWEEN;
    bool line_ended = false;
    for (const uint8_t *at = bytes; at < end; at++) {
        if (try_fast && (size_t)(end - at) >= LINE_PARSER_FAST_MIN) {
            at = take_fast(&feed, at, &line_ended);
            if (line_ended)
                return end_line_at(&feed, at, consumed);
        }
        try_fast = false; /* until the plain implementation has taken a token */
        if (parser->state == SKIP && (at = memchr(at, '\n', (size_t)(end - at))) == NULL)
            break;
        uint8_t c = *at;
        if (parser->state == CR && !take_after_cr(parser, c, at - bytes))
            token = at;
        if (c == '\n') {
            if (!take_newline(&feed, token, at))
                return end_line_at(&feed, at + 1, consumed);
            try_fast = true;
        } else if (c == '\r') {
            token = take_cr(parser, token, at);
        } else if (is_separator(c)) {
            try_fast = take_separator(parser, token, at);
        } else {
            if (parser->state == BETWEEN) {
                token = at;
                begin_token(parser, parser->column + (uint64_t)(at - bytes) + 1);
            }
            at += take_some(parser, at, (size_t)(end - at)) - 1;
        }
    }
    end_block(&feed, token);
    assert(shmsum_line_parser_is_valid(parser));
    return SHMSUM_LINE_UNFINISHED;
}

enum shmsum_line shmsum_line_parser_feed(struct shmsum_line_parser *parser, const uint8_t *bytes,
                                         size_t size, size_t *consumed)
{
    return feed_lines(parser, bytes, size, NULL, consumed);
}

enum shmsum_line shmsum_line_parser_feed_lines(struct shmsum_line_parser *parser,
                                               const uint8_t *bytes, size_t size,
                                               struct shmsum_line_sink *sink, size_t *consumed)
{
    sink->lines = 0;
    sink->numbers = 0;
    sink->bytes = 0;
    return feed_lines(parser, bytes, size, sink, consumed);
}

enum shmsum_line shmsum_line_parser_finish(struct shmsum_line_parser *parser)
{
    assert(shmsum_line_parser_is_valid(parser));
    enum shmsum_line event = SHMSUM_LINE_UNFINISHED;
    if (!parser->ended) {
        if (parser->state == CR) {
            parser->state = parser->before_cr;
            take_cr_as_data(parser, parser->column);
        }
        if (in_token(parser))
            end_token(parser);
        event = end_line(parser);
    }
    parser->next_line = 1;
    return event;
}
