/*
 * fuzz_line_parser.c - asserts: for any bytes, every implementation of the line parser returns what
 * the oracle returns (tests/support/oracle.h, on GMP), for each way to cut the bytes into blocks,
 * line by line and with a sink that takes some of the sums. Compared are for each line the sum, the
 * count of numbers and the line number, for its first error the kind, the column, the length and
 * the head of the token, and at every cut the anchor. Every byte is consumed once. No byte outside
 * the block is read. After the end of an input the parser is as after its initialisation.
 *
 * The input:
 *
 *     byte 0    bit 0: the decimal point is ','
 *               bit 1: FILLER blanks and a LF follow the text. The fast implementations leave the
 *               end of a block to the plain one; so they read all of the text.
 *               bits 2..7: one more way to cut, into blocks of one size: see step_of
 *     byte 1    the count of blanks before the text: see lead_of. They shift the text relative to
 *               the chunks of 64 bytes and the stretches of 1024 that the AVX2 one reads.
 *     byte 2    which lines a sink takes: see takes
 *     the rest  is the text. In it '|' is a cut, not a byte, and '\' makes the next byte literal.
 */
#include <shmsum/line_parser.h>

#include <errno.h>

#include "fuzz.h"
#include "oracle.h"

enum {
    HEADER = 3,
    INPUT_MAX = 4096,
    LEAD_NEAR = 224, /* up to so many blanks; or LEAD_FAR and more: about one stretch */
    LEAD_FAR = 992,
    LEAD_MAX = LEAD_FAR + 255 - LEAD_NEAR,
    FILLER = 112,
    CONTENT_MAX = LEAD_MAX + INPUT_MAX + FILLER + 1,
    SHORT = 384,    /* longer contents are not checked for the anchor at every step */
    FAST_STEP = 96, /* the smallest blocks that the fast implementations read */
};

/* What the oracle returns for one line. */
struct expected {
    size_t begin; /* offset of the line in the content */
    size_t after; /* offset after its LF */
    enum shmsum_line event;
    uint64_t numbers;
    char *sum;
    size_t sum_bytes;
    enum shmsum_line_error_kind kind;
    size_t column;
    size_t token_bytes;
};

static struct {
    char point;
    uint8_t content[CONTENT_MAX];
    size_t size;
    struct expected lines[CONTENT_MAX];
    size_t line_count;
    /* The cuts in the text: block i ends at ends[i], the last one at size. */
    size_t ends[INPUT_MAX + 1];
    size_t block_count;
    size_t step;
    uint8_t taking; /* which lines a sink takes */
} input;

/* The ways to cut the content. */
enum cuts { WHOLE, AS_GIVEN, IN_STEPS, CUTS };

static size_t lead_of(unsigned byte)
{
    return byte < LEAD_NEAR ? byte : LEAD_FAR + byte - LEAD_NEAR;
}

/* The size of blocks of IN_STEPS; 0: skip that way. */
static size_t step_of(unsigned bits)
{
    return bits < 32 ? bits : FAST_STEP + 5 * (bits - 32);
}

static void read_input(const uint8_t *data, size_t size)
{
    struct fuzz_input from = {.at = data, .left = size};
    uint8_t flags = fuzz_byte(&from);
    input.point = flags & 1 ? ',' : '.';
    input.step = step_of(flags >> 2);
    size_t lead = lead_of(fuzz_byte(&from));
    input.taking = fuzz_byte(&from);
    memset(input.content, ' ', lead);
    input.size = lead;
    input.block_count = 0;
    while (from.left > 0) {
        uint8_t c = fuzz_byte(&from);
        if (c == '|') {
            input.ends[input.block_count++] = input.size;
            continue;
        }
        if (c == '\\' && from.left > 0)
            c = fuzz_byte(&from);
        input.content[input.size++] = c;
    }
    if (flags & 2) {
        memset(input.content + input.size, ' ', FILLER);
        input.size += FILLER;
        input.content[input.size++] = '\n';
    }
    input.ends[input.block_count++] = input.size;
}

static void ask_oracle(void)
{
    static const enum shmsum_line_error_kind kinds[] = {
        [ORACLE_PLAIN] = SHMSUM_NOT_A_NUMBER,
        [ORACLE_COMMA] = SHMSUM_NOT_A_NUMBER_COMMA,
        [ORACLE_POINT] = SHMSUM_NOT_A_NUMBER_POINT,
        [ORACLE_RANGE] = SHMSUM_OUT_OF_RANGE,
    };
    struct oracle oracle;
    oracle_init(&oracle);
    input.line_count = 0;
    for (size_t begin = 0; begin < input.size;) {
        const uint8_t *line = input.content + begin;
        const uint8_t *lf = memchr(line, '\n', input.size - begin);
        size_t bytes = lf != NULL ? (size_t)(lf - line) : input.size - begin;
        oracle_read(&oracle, line, bytes, lf != NULL, input.point);
        struct expected *expected = &input.lines[input.line_count++];
        *expected = (struct expected){.begin = begin, .after = begin + bytes + (lf != NULL)};
        if (oracle.event == ORACLE_BLANK) {
            expected->event = SHMSUM_LINE_BLANK;
        } else if (oracle.event == ORACLE_SUM) {
            expected->event = SHMSUM_LINE_SUM;
            expected->numbers = oracle.numbers;
            expected->sum = oracle_format(oracle.sum);
            expected->sum_bytes = strlen(expected->sum);
        } else {
            expected->event = SHMSUM_LINE_ERROR;
            expected->kind = kinds[oracle.reason];
            expected->column = oracle.column;
            expected->token_bytes = oracle.token_bytes;
        }
        begin = expected->after;
    }
    oracle_clean_up(&oracle);
}

/* The content in blocks. Each block has its own memory, so that a sanitizer finds a read beyond it.
 */
struct block {
    uint8_t *bytes;
    size_t begin;
    size_t size;
    uint64_t anchor; /* at its end; NOT_ASKED if a line ends there, or to save time */
};

#define NOT_ASKED UINT64_MAX

struct blocks {
    struct block *blocks;
    size_t count;
};

/* Returns the end of block `number`, from 0, which begins at `begin`. */
static size_t block_end(enum cuts cuts, size_t number, size_t begin)
{
    switch (cuts) {
    case AS_GIVEN:
        return input.ends[number];
    case IN_STEPS:
        return begin + input.step < input.size ? begin + input.step : input.size;
    default:
        return input.size;
    }
}

static void cut_content(enum cuts cuts, struct blocks *blocks)
{
    struct oracle oracle;
    oracle_init(&oracle);
    bool with_anchors = cuts == AS_GIVEN || (cuts == IN_STEPS && input.size <= SHORT);
    blocks->count = 0;
    blocks->blocks = malloc((input.size + input.block_count + 1) * sizeof *blocks->blocks);
    FUZZ_CHECK(blocks->blocks != NULL);
    size_t line = 0;
    for (size_t begin = 0; begin < input.size || (cuts == AS_GIVEN && blocks->count == 0);) {
        struct block *block = &blocks->blocks[blocks->count];
        size_t end = block_end(cuts, blocks->count, begin);
        *block = (struct block){.begin = begin, .size = end - begin, .anchor = NOT_ASKED};
        block->bytes = malloc(block->size > 0 ? block->size : 1);
        FUZZ_CHECK(block->bytes != NULL);
        memcpy(block->bytes, input.content + begin, block->size);
        while (line < input.line_count && input.lines[line].after <= end)
            line++;
        if (with_anchors && line < input.line_count && input.lines[line].begin < end) {
            size_t from = input.lines[line].begin;
            block->anchor = oracle_anchor(&oracle, input.content + from, end - from, input.point);
        }
        blocks->count++;
        begin = end;
    }
    oracle_clean_up(&oracle);
}

static void free_blocks(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++)
        free(blocks->blocks[i].bytes);
    free(blocks->blocks);
}

static void check_sum(struct shmsum_decimal_sum *sum, size_t number)
{
    static char text[SHMSUM_DECIMAL_TEXT_MAX];
    FUZZ_CHECK(number < input.line_count);
    const struct expected *expected = &input.lines[number];
    FUZZ_CHECK(expected->event == SHMSUM_LINE_SUM);
    size_t length = shmsum_decimal_sum_format(sum, text);
    FUZZ_CHECK(length == expected->sum_bytes);
    FUZZ_CHECK(memcmp(text, expected->sum, length) == 0);
}

/* Checks the event of line `number`, from 0. */
static void check_event(struct shmsum_line_parser *parser, enum shmsum_line event, size_t number)
{
    FUZZ_CHECK(number < input.line_count);
    const struct expected *expected = &input.lines[number];
    FUZZ_CHECK(event == expected->event);
    FUZZ_CHECK(parser->line == number + 1);
    if (event == SHMSUM_LINE_SUM) {
        FUZZ_CHECK(parser->numbers == expected->numbers);
        check_sum(&parser->sum, number);
    }
    if (event == SHMSUM_LINE_ERROR) {
        const struct shmsum_line_error *error = &parser->error;
        FUZZ_CHECK(error->kind == expected->kind);
        FUZZ_CHECK(error->column == expected->column);
        FUZZ_CHECK(error->token_bytes == expected->token_bytes);
        size_t head = expected->token_bytes;
        head = head < SHMSUM_TOKEN_HEAD ? head : SHMSUM_TOKEN_HEAD;
        const uint8_t *token = input.content + expected->begin + expected->column - 1;
        FUZZ_CHECK(memcmp(error->token, token, head) == 0);
    }
    FUZZ_CHECK(shmsum_line_parser_anchor(parser) == expected->column);
}

/* Whether a sink takes the sum that is the `number`th, from 0, in one call. `taking` below 128: the
 * first `taking` sums. Else: by the low seven bits of `taking`, in turn. */
static bool takes(uint8_t taking, uint64_t number)
{
    return taking < 128 ? number < taking : taking >> number % 7 & 1;
}

struct sink {
    struct shmsum_line_sink sink;
    size_t line;      /* the next line */
    uint64_t offered; /* count of the sums of this call */
};

static bool take(struct shmsum_line_sink *is, struct shmsum_decimal_sum *sum)
{
    struct sink *sink = (struct sink *)is; /* its first member */
    bool taken = takes(input.taking, sink->offered++);
    if (taken || sink->offered % 2) /* a sink may format a sum that it does not take */
        check_sum(sum, sink->line);
    sink->line += taken;
    return taken;
}

/* Changes to the next implementation that this CPU has. */
static void use_next_implementation(struct shmsum_line_parser *parser)
{
    unsigned implementation = parser->implementation;
    do
        implementation = (implementation + 1) % SHMSUM_LINE_IMPLEMENTATIONS;
    while (shmsum_line_parser_use(parser, (enum shmsum_line_implementation)implementation) != 0);
}

/* The ways to feed the content: each line is an event; a sink takes some of the sums; both in turn,
 * with another implementation after each event. */
enum way { EVENTS, SINK, MIXED };

/* The state of one run over the content. */
struct run {
    struct shmsum_line_parser *parser;
    enum way way;
    size_t calls;
    size_t lines; /* count of the lines so far */
};

/* Feeds bytes[0..size), which begin at `begin` in the content, with a sink. */
static enum shmsum_line feed_to_sink(struct run *run, const uint8_t *bytes, size_t size,
                                     size_t begin, size_t *consumed)
{
    struct sink sink = {
        .sink = {.take = take, .lines = UINT64_MAX, .numbers = UINT64_MAX, .bytes = SIZE_MAX},
        .line = run->lines,
    };
    enum shmsum_line event =
        shmsum_line_parser_feed_lines(run->parser, bytes, size, &sink.sink, consumed);
    FUZZ_CHECK(sink.sink.lines == sink.line - run->lines);
    FUZZ_CHECK(sink.sink.bytes <= *consumed);
    uint64_t numbers = 0;
    for (; run->lines < sink.line; run->lines++)
        numbers += input.lines[run->lines].numbers;
    FUZZ_CHECK(sink.sink.numbers == numbers);
    if (sink.sink.lines > 0)
        FUZZ_CHECK(begin + sink.sink.bytes == input.lines[run->lines - 1].after);
    else
        FUZZ_CHECK(sink.sink.bytes == 0);
    /* A sum is an event only if the sink did not take it. */
    if (event == SHMSUM_LINE_SUM)
        FUZZ_CHECK(sink.offered > 0 && !takes(input.taking, sink.offered - 1));
    return event;
}

/* Feeds the block from `at` on, up to an event or its end; checks the result; returns where it
 * stopped. */
static size_t feed(struct run *run, const struct block *block, size_t at)
{
    struct shmsum_line_parser *parser = run->parser;
    const uint8_t *bytes = block->bytes + at;
    size_t size = block->size - at, consumed = SIZE_MAX;
    enum shmsum_line event;
    if (run->way == SINK || (run->way == MIXED && run->calls++ % 2))
        event = feed_to_sink(run, bytes, size, block->begin + at, &consumed);
    else
        event = shmsum_line_parser_feed(parser, bytes, size, &consumed);
    FUZZ_CHECK(consumed <= size);
    at += consumed;
    if (event == SHMSUM_LINE_UNFINISHED) {
        FUZZ_CHECK(at == block->size);
        if (block->anchor != NOT_ASKED && block->size > 0)
            FUZZ_CHECK(block->anchor == shmsum_line_parser_anchor(parser));
    } else {
        check_event(parser, event, run->lines);
        FUZZ_CHECK(block->begin + at == input.lines[run->lines++].after);
        if (run->way == MIXED)
            use_next_implementation(parser);
    }
    return at;
}

/* Feeds all blocks, and ends the input. */
static void check_run(struct shmsum_line_parser *parser, const struct blocks *blocks, enum way way)
{
    struct run run = {.parser = parser, .way = way};
    for (size_t i = 0; i < blocks->count; i++) {
        size_t at = 0;
        do
            at = feed(&run, &blocks->blocks[i], at);
        while (at < blocks->blocks[i].size);
    }
    enum shmsum_line event = shmsum_line_parser_finish(parser);
    if (event != SHMSUM_LINE_UNFINISHED)
        check_event(parser, event, run.lines++);
    FUZZ_CHECK(run.lines == input.line_count);
    /* The parser is as after its initialisation: no line is unfinished. */
    FUZZ_CHECK(shmsum_line_parser_finish(parser) == SHMSUM_LINE_UNFINISHED);
}

/* Checks the names of the implementations. */
static void check_implementations(struct shmsum_line_parser *parser)
{
    for (enum shmsum_line_implementation implementation = 0;
         implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++)
        FUZZ_CHECK(shmsum_line_implementation_by_name(
                       shmsum_line_implementation_name(implementation)) == (int)implementation);
    FUZZ_CHECK(shmsum_line_implementation_by_name("") == -1);
    FUZZ_CHECK(shmsum_line_parser_use(parser, SHMSUM_LINE_IMPLEMENTATIONS) == -ENOTSUP);
}

/* Checks that the invariant holds, and that it finds a wrong field. */
static void check_invariant(const struct shmsum_line_parser *parser, unsigned which)
{
    static struct shmsum_line_parser broken;
    FUZZ_CHECK(shmsum_line_parser_is_valid(parser));
    broken = *parser;
    switch (which % 6) {
    case 0:
        broken.point = 'x';
        break;
    case 1:
        broken.state = UINT8_MAX;
        break;
    case 2:
        broken.before_cr = UINT8_MAX;
        break;
    case 3:
        broken.exponent = UINT64_MAX;
        break;
    case 4:
        broken.number.digits = UINT32_MAX;
        break;
    default:
        broken.sum.high = UINT32_MAX;
    }
    FUZZ_CHECK(!shmsum_line_parser_is_valid(&broken));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    read_input(data, size);
    ask_oracle();

    static struct shmsum_line_parser parser;
    memset(&parser, 0xa5, sizeof parser);
    shmsum_line_parser_init(&parser, input.point);
    for (enum cuts cuts = 0; cuts < CUTS; cuts++) {
        if ((cuts == IN_STEPS && input.step == 0) || (cuts == AS_GIVEN && input.block_count == 1))
            continue;
        struct blocks blocks;
        cut_content(cuts, &blocks);
        bool all_implementations = cuts != IN_STEPS;
        for (unsigned implementation = 0;
             all_implementations && implementation < SHMSUM_LINE_IMPLEMENTATIONS;
             implementation++) {
            if (shmsum_line_parser_use(&parser, (enum shmsum_line_implementation)implementation) !=
                0)
                continue;
            if (cuts == WHOLE)
                check_run(&parser, &blocks, EVENTS);
            check_run(&parser, &blocks, SINK);
        }
        if (cuts != WHOLE)
            check_run(&parser, &blocks, MIXED);
        free_blocks(&blocks);
    }
    check_implementations(&parser);
    check_invariant(&parser, (unsigned)input.step + input.taking);
    for (size_t i = 0; i < input.line_count; i++)
        free(input.lines[i].sum);
    return 0;
}

/* ---- the mutator: it knows what a token is ---- */

/* A short text, put together from pieces. Drops what does not fit. */
struct draft {
    uint8_t bytes[1100];
    size_t size;
};

static void put(struct draft *draft, uint8_t c)
{
    if (draft->size < sizeof draft->bytes)
        draft->bytes[draft->size++] = c;
}

static void put_text(struct draft *draft, const char *text)
{
    while (*text != '\0')
        put(draft, (uint8_t)*text++);
}

/* Returns a count of digits: usually one near which an implementation behaves differently. */
static size_t draw_length(struct random *random)
{
    static const uint16_t lengths[] = {7,  8,  9,  15, 16,  17,   18,   19,
                                       20, 21, 24, 27, 999, 1000, 1001, 40};
    uint32_t pick = fuzz_draw(random, 64);
    return pick < 16 ? lengths[pick] : pick < 40 ? 1 + pick % 8 : 9 + pick % 12;
}

static void put_digits(struct draft *draft, struct random *random, size_t count)
{
    uint32_t kind = fuzz_draw(random, 4);
    for (size_t i = 0; i < count; i++)
        put(draft, kind == 0   ? '9'
                   : kind == 1 ? (uint8_t)('0' + (i == 0))
                               : (uint8_t)('0' + fuzz_draw(random, 10)));
}

static void put_number(struct draft *draft, struct random *random, char point)
{
    static const char *const exponents[] = {"999", "1000", "-1000", "-1001", "0", "-0",
                                            "18",  "1",    "2",     "5",     "9", "15",
                                            "-15", "-19",  "16",    "-2"};
    if (fuzz_draw(random, 3) == 0)
        put(draft, fuzz_draw(random, 2) ? '+' : '-');
    size_t digits = draw_length(random);
    size_t behind = fuzz_draw(random, 2) ? fuzz_draw(random, (uint32_t)digits + 1) : 0;
    put_digits(draft, random, digits - behind);
    if (behind > 0 || fuzz_draw(random, 8) == 0)
        put(draft, (uint8_t)point);
    put_digits(draft, random, behind);
    if (fuzz_draw(random, 8) == 0) {
        put(draft, fuzz_draw(random, 2) ? 'e' : 'E');
        put_text(draft, exponents[fuzz_draw(random, sizeof exponents / sizeof exponents[0])]);
    }
}

/* Puts numbers of one shape. */
static void put_alike(struct draft *draft, struct random *random, char point)
{
    size_t digits = 1 + fuzz_draw(random, 19);
    size_t behind = fuzz_draw(random, 2) ? fuzz_draw(random, (uint32_t)digits + 1) : 0;
    bool scaled = fuzz_draw(random, 4) == 0;
    for (uint32_t left = 4 + fuzz_draw(random, 9); left > 0; left--) {
        if (fuzz_draw(random, 3) == 0)
            put(draft, '-');
        put_digits(draft, random, digits - behind);
        if (behind > 0)
            put(draft, (uint8_t)point);
        put_digits(draft, random, behind);
        if (scaled) {
            put(draft, 'e');
            put_digits(draft, random, 1 + fuzz_draw(random, 3));
        }
        put(draft, ' ');
    }
}

static void put_something(struct draft *draft, struct random *random, char point)
{
    static const char *const pieces[] = {
        "\n",  "\r\n", "\r", "\n\n", "|",   "||",  "  ",   "\t",  "\v",  "\f",
        " \r", "+",    "-",  ".",    ",",   "e",   "E",    "-.",  "1-2", "1..2",
        "1,5", "1.5",  "e5", "1e",   "1e+", "\\|", "\\\\", "nan",
    };
    enum { PIECES = sizeof pieces / sizeof pieces[0] };
    switch (fuzz_draw(random, 9)) {
    case 0:
    case 1:
    case 2:
        put_number(draft, random, point);
        break;
    case 3: /* many numbers */
        for (uint32_t left = 2 + fuzz_draw(random, 30); left > 0; left--) {
            put_number(draft, random, point);
            put(draft, fuzz_draw(random, 8) == 0 ? '\n' : ' ');
        }
        break;
    case 4:
        put_alike(draft, random, point);
        break;
    case 5: /* a number with one arbitrary byte */
        put_number(draft, random, point);
        draft->bytes[fuzz_draw(random, (uint32_t)draft->size)] = (uint8_t)fuzz_draw(random, 256);
        break;
    default:
        put_text(draft, pieces[fuzz_draw(random, PIECES)]);
    }
}

static bool ends_token(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Replaces data[at..at + old) by the draft, if there is room. Returns the new size. */
static size_t splice(uint8_t *data, size_t size, size_t max_size, size_t at, size_t old,
                     const struct draft *draft)
{
    size_t after = size - at - old;
    if (at + draft->size + after > max_size)
        return size;
    memmove(data + at + draft->size, data + at + old, after);
    memcpy(data + at, draft->bytes, draft->size);
    return at + draft->size + after;
}

static void mutate_header(uint8_t *data, struct random *random)
{
    static const uint8_t steps[] = {0, 1, 2, 3, 8, 16, 31, 32};
    switch (fuzz_draw(random, 6)) {
    case 0:
        data[0] ^= (uint8_t)(1 + fuzz_draw(random, 3));
        break;
    case 1:
        data[0] = (uint8_t)((data[0] & 3) | steps[fuzz_draw(random, sizeof steps)] << 2);
        break;
    case 2:
        data[1] = (uint8_t)(data[1] + fuzz_draw(random, 5) - 2);
        break;
    default:
        data[fuzz_draw(random, HEADER)] = (uint8_t)fuzz_draw(random, 256);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct random random = {.state = seed};
    if (size < HEADER || fuzz_draw(&random, 4) == 0)
        return fuzz_mutate(data, size, max_size);
    char point = data[0] & 1 ? ',' : '.';
    /* Choose a token, or a blank, in the text. */
    size_t at = HEADER + fuzz_draw(&random, (uint32_t)(size - HEADER + 1));
    size_t old = 0;
    while (at > HEADER && !ends_token(data[at - 1]))
        at--;
    while (at + old < size && !ends_token(data[at + old]))
        old++;
    struct draft draft = {.size = 0};
    switch (fuzz_draw(&random, 8)) {
    case 0:
        mutate_header(data, &random);
        return size;
    case 1: /* cut inside the token */
        put(&draft, '|');
        return splice(data, size, max_size, at + fuzz_draw(&random, (uint32_t)old + 1), 0, &draft);
    case 2: /* double the token */
        for (size_t i = 0; i < old; i++)
            put(&draft, data[at + i]);
        put(&draft, ' ');
        return splice(data, size, max_size, at, 0, &draft);
    case 3: /* remove the token */
        return splice(data, size, max_size, at, old < size - at ? old + 1 : old, &draft);
    case 4: /* insert inside the token */
        put_something(&draft, &random, point);
        return splice(data, size, max_size, at + fuzz_draw(&random, (uint32_t)old + 1), 0, &draft);
    case 5: /* replace the token */
        put_something(&draft, &random, point);
        return splice(data, size, max_size, at, old, &draft);
    default: /* insert before the token */
        put_something(&draft, &random, point);
        put(&draft, fuzz_draw(&random, 6) == 0 ? '\n' : ' ');
        return splice(data, size, max_size, at, 0, &draft);
    }
}
