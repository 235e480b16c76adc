/*
 * test_line_implementations.c - the fast implementations of the line parser against the plain one,
 * byte for byte.
 *
 * Property: for the same bytes in the same blocks, every implementation returns the same events,
 * sums, counts, error kinds, columns, tokens and anchors, and consumes the same count of bytes. It
 * does so line by line, and with many lines in one call, whichever of them the sink takes. Each
 * block ends at a page that cannot be read: an implementation that reads beyond the block crashes.
 *
 * SHMSUM_LINES sets the count of random lines to compare.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <sys/mman.h>

#include <shmsum/line_parser.h>

#include "random.h"
#include "unit.h"

enum {
    BLOCK = 65536,
    PAGE = 65536, /* a multiple of the page size of every machine we know */
};

static struct random rng;
static uint8_t *guarded; /* BLOCK bytes, followed by a page that cannot be read */

static int set_up(void **state)
{
    (void)state;
    uint8_t *memory =
        mmap(NULL, BLOCK + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + BLOCK, PAGE, PROT_NONE) < 0)
        return -1;
    guarded = memory;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return munmap(guarded, BLOCK + PAGE);
}

/* What a parser returned for a block, as text. */
struct record {
    char text[1 << 22];
    size_t size;
    uint64_t lines;
};
static struct record plain_record, record;

/* The parsers to compare. [0] is the plain one. Those in `many` read many lines in one call. */
struct implementations {
    struct shmsum_line_parser parsers[SHMSUM_LINE_IMPLEMENTATIONS];
    struct shmsum_line_parser many[SHMSUM_LINE_IMPLEMENTATIONS];
    bool has[SHMSUM_LINE_IMPLEMENTATIONS];
    uint64_t lines;
};

static void implementations_init(struct implementations *implementations, char point)
{
    memset(implementations, 0, sizeof *implementations);
    for (int i = 0; i < SHMSUM_LINE_IMPLEMENTATIONS; i++) {
        shmsum_line_parser_init(&implementations->parsers[i], point);
        implementations->has[i] = shmsum_line_parser_use(&implementations->parsers[i],
                                                         (enum shmsum_line_implementation)i) == 0;
        implementations->many[i] = implementations->parsers[i];
    }
    assert_true(implementations->has[SHMSUM_LINE_SCALAR] && implementations->has[SHMSUM_LINE_SWAR]);
}

static void show(const char *what, int implementation, const uint8_t *bytes, size_t size)
{
    print_error("%s differs, %s from scalar, at: ", what,
                shmsum_line_implementation_name((enum shmsum_line_implementation)implementation));
    for (size_t i = 0; i < size && i < 200; i++)
        print_error(bytes[i] >= ' ' && bytes[i] <= '~' ? "%c" : "\\x%02x", bytes[i]);
    print_error("\n");
    fail();
}

#define SAME(what, good)                             \
    do {                                             \
        if (!(good))                                 \
            show(what, implementation, bytes, size); \
    } while (0)

static void compare(struct implementations *implementations, int implementation,
                    enum shmsum_line event, const uint8_t *bytes, size_t size)
{
    struct shmsum_line_parser *plain = &implementations->parsers[0];
    struct shmsum_line_parser *fast = &implementations->parsers[implementation];
    SAME("validity", shmsum_line_parser_is_valid(fast));
    SAME("line", plain->line == fast->line);
    if (event == SHMSUM_LINE_UNFINISHED) {
        SAME("anchor", shmsum_line_parser_anchor(plain) == shmsum_line_parser_anchor(fast));
    } else if (event == SHMSUM_LINE_ERROR) {
        const struct shmsum_line_error *a = &plain->error, *b = &fast->error;
        SAME("kind", a->kind == b->kind);
        SAME("column", a->column == b->column);
        SAME("token's size", a->token_bytes == b->token_bytes);
        size_t head = a->token_bytes < SHMSUM_TOKEN_HEAD ? a->token_bytes : SHMSUM_TOKEN_HEAD;
        SAME("token", memcmp(a->token, b->token, head) == 0);
    } else if (event == SHMSUM_LINE_SUM) {
        char a[SHMSUM_DECIMAL_TEXT_MAX], b[SHMSUM_DECIMAL_TEXT_MAX];
        SAME("count", plain->numbers == fast->numbers);
        size_t a_size = shmsum_decimal_sum_format(&plain->sum, a);
        size_t b_size = shmsum_decimal_sum_format(&fast->sum, b);
        SAME("sum", a_size == b_size && memcmp(a, b, a_size) == 0);
    }
}

static void record_event(struct record *to, struct shmsum_line_parser *parser,
                         enum shmsum_line event)
{
    if (event == SHMSUM_LINE_UNFINISHED)
        return;
    assert_true(to->size + 2 * SHMSUM_DECIMAL_TEXT_MAX < sizeof to->text);
    char *text = to->text + to->size;
    size_t size = (size_t)sprintf(text, "%llu %d ", (unsigned long long)parser->line, (int)event);
    if (event == SHMSUM_LINE_SUM) {
        size += (size_t)sprintf(text + size, "%llu ", (unsigned long long)parser->numbers);
        size += shmsum_decimal_sum_format(&parser->sum, text + size);
    } else if (event == SHMSUM_LINE_ERROR) {
        const struct shmsum_line_error *error = &parser->error;
        size += (size_t)sprintf(text + size, "%d %llu %llu ", (int)error->kind,
                                (unsigned long long)error->column,
                                (unsigned long long)error->token_bytes);
        size_t head =
            error->token_bytes < SHMSUM_TOKEN_HEAD ? (size_t)error->token_bytes : SHMSUM_TOKEN_HEAD;
        memcpy(text + size, error->token, head);
        size += head;
    }
    text[size++] = '\n';
    to->size += size;
    to->lines++;
}

struct recorder {
    struct shmsum_line_sink sink; /* first */
    struct shmsum_line_parser *parser;
    uint64_t refuse; /* refuses one sum in so many; 0: none */
    uint64_t lines;
    uint64_t numbers;
};

static bool record_sum(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum)
{
    struct recorder *recorder = (struct recorder *)sink;
    assert_ptr_equal(sum, &recorder->parser->sum);
    if (recorder->refuse != 0 && random_one_in(&rng, recorder->refuse))
        return false;
    record_event(&record, recorder->parser, SHMSUM_LINE_SUM);
    recorder->lines++;
    recorder->numbers += recorder->parser->numbers;
    return true;
}

/* Feeds the block to one implementation, many lines in one call. The result must be that of the
 * plain implementation for each line. */
static void feed_many(struct implementations *implementations, int implementation,
                      const uint8_t *bytes, size_t size)
{
    struct shmsum_line_parser *parser = &implementations->many[implementation];
    struct recorder recorder = {.sink = {.take = record_sum}, .parser = parser};
    recorder.refuse = random_below(&rng, 4) * random_below(&rng, 20);
    record.size = 0;
    record.lines = 0;
    for (size_t at = 0, consumed; at < size; at += consumed) {
        recorder.lines = 0;
        recorder.numbers = 0;
        enum shmsum_line event =
            shmsum_line_parser_feed_lines(parser, bytes + at, size - at, &recorder.sink, &consumed);
        SAME("validity", shmsum_line_parser_is_valid(parser));
        SAME("taken lines", recorder.sink.lines == recorder.lines);
        SAME("their numbers", recorder.sink.numbers == recorder.numbers);
        size_t taken = recorder.sink.bytes;
        SAME("their bytes", taken <= consumed && (taken == 0) == (recorder.lines == 0) &&
                                (taken == 0 || bytes[at + taken - 1] == '\n'));
        SAME("consumed", event == SHMSUM_LINE_UNFINISHED
                             ? consumed == size - at
                             : consumed > taken && bytes[at + consumed - 1] == '\n');
        record_event(&record, parser, event);
    }
    SAME("anchor", parser->ended || shmsum_line_parser_anchor(parser) ==
                                        shmsum_line_parser_anchor(&implementations->parsers[0]));
    SAME("record of many lines", record.size == plain_record.size &&
                                     memcmp(record.text, plain_record.text, record.size) == 0);
}

/* Feeds one block to all implementations, line by line; then many lines in one call. */
static void feed_block(struct implementations *implementations, const uint8_t *block,
                       size_t block_size)
{
    const uint8_t *bytes = guarded + BLOCK - block_size;
    memcpy(guarded + BLOCK - block_size, block, block_size);
    plain_record.size = 0;
    plain_record.lines = 0;
    for (size_t size = block_size, consumed; size > 0; bytes += consumed, size -= consumed) {
        enum shmsum_line event =
            shmsum_line_parser_feed(&implementations->parsers[0], bytes, size, &consumed);
        for (int implementation = 1; implementation < SHMSUM_LINE_IMPLEMENTATIONS;
             implementation++) {
            if (!implementations->has[implementation])
                continue;
            size_t also;
            SAME("event", shmsum_line_parser_feed(&implementations->parsers[implementation], bytes,
                                                  size, &also) == event);
            SAME("consumed", also == consumed);
            compare(implementations, implementation, event, bytes, size);
        }
        implementations->lines += event != SHMSUM_LINE_UNFINISHED;
        record_event(&plain_record, &implementations->parsers[0], event);
    }
    for (int implementation = 0; implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++)
        if (implementations->has[implementation])
            feed_many(implementations, implementation, guarded + BLOCK - block_size, block_size);
}

static void finish(struct implementations *implementations)
{
    const uint8_t *bytes = guarded;
    size_t size = 0;
    enum shmsum_line event = shmsum_line_parser_finish(&implementations->parsers[0]);
    for (int implementation = 1; implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++) {
        if (!implementations->has[implementation])
            continue;
        SAME("event",
             shmsum_line_parser_finish(&implementations->parsers[implementation]) == event);
        compare(implementations, implementation, event, bytes, size);
    }
    plain_record.size = 0;
    record_event(&plain_record, &implementations->parsers[0], event);
    for (int implementation = 0; implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++) {
        if (!implementations->has[implementation])
            continue;
        record.size = 0;
        record_event(&record, &implementations->many[implementation],
                     shmsum_line_parser_finish(&implementations->many[implementation]));
        SAME("record at the end", record.size == plain_record.size &&
                                      memcmp(record.text, plain_record.text, record.size) == 0);
    }
}

/* ---- every kind of token at every place of a chunk ---- */

static const char *const tokens[] = {
    "0",
    "7",
    "-7",
    "+7",
    "12345678",
    "123456789",
    "123456789012345",
    "1234567890123456",
    "-1234567890123456",
    "12345678901234567",
    "9999999999999999",
    "-9999999999999999",
    "99999999999999999999",
    "0000000000000000",
    "00000000000000001",
    "1.",
    "-1.",
    ".5",
    "-.5",
    "+.5",
    "1.5",
    "-0.0",
    "123456.78",
    "1234567.8901234",
    "12345678.90123456",
    "123456789012345.",
    ".123456789012345",
    ".1234567890123456",
    "0.0000000000000001",
    "1234567890.12345",
    "-1234567890.12345",
    "123456789012345678",
    "-123456789012345678",
    "1234567890123456789",
    "12345678901234567.8",
    "-1234567890123456.78",
    "1.23456789012345678",
    "12.345678901234567",
    ".123456789012345678",
    "123456789012345678.",
    "1234567890123456789.",
    "12345678901x345678",
    "1x3456789012345678",
    "1.3456789012x45678",
    "12345678901234567-",
    "12.4567890123.5678",
    "1.2.56789012345678",
    "1e5",
    "1E-5",
    "-1.5e+3",
    "1e1000",
    ".",
    "-",
    "+",
    "-.",
    "+.",
    "--1",
    "+-1",
    "1-2",
    "1+",
    "-1-",
    "1..2",
    "1.2.3",
    ".1.",
    "..",
    "1,5",
    ",5",
    "5,",
    ",",
    "1_0",
    "two",
    "1x",
    "x1",
    "1/2",
    "1:2",
    "\x80",
    "1\xb0",
    "\xff",
    "1\x01",
    "\x10",
    "1\x1a",
    "inf",
    "0x10",
    "1\r",
    "\r1",
    "\r",
    "1\r2",
};

static const char *const ends[] = {" ",  "\n",    "\r\n", "\t",    "\v",
                                   "\f", " \r\n", "  ",   "\r \n", "\r\r\n"};

static void test_every_token_at_every_place(void **state)
{
    (void)state;
    for (int point = 0; point < 2; point++) {
        struct implementations implementations;
        implementations_init(&implementations, point == 0 ? '.' : ',');
        for (size_t t = 0; t < COUNT(tokens); t++) {
            for (size_t e = 0; e < COUNT(ends); e++) {
                for (size_t place = 0; place < 140; place += (place > 70 ? 8 : 1)) {
                    /* numbers, the token, and numbers to the end of the block */
                    char block[512];
                    size_t size = 0;
                    while (size < place) {
                        block[size] = size % 5 == 4 ? ' ' : '1';
                        size++;
                    }
                    if (size > 0)
                        block[size - 1] = ' ';
                    size += (size_t)sprintf(block + size, "%s%s", tokens[t], ends[e]);
                    size +=
                        (size_t)sprintf(block + size, "%s",
                                        "1 22 333.3 4444 55555 -6.66 7777777 8 99 1 22 333 4444 "
                                        "5 66 777 8888 99999 1 2 3 4 5 6 7 8 9 10 11 12 13 14\n");
                    feed_block(&implementations, (const uint8_t *)block, size);
                }
            }
        }
        finish(&implementations);
        assert_true(implementations.lines > COUNT(tokens) * COUNT(ends) * 70);
    }
}

/* Rows of tokens of one kind: short, long, with an exponent. The AVX2 implementation converts
 * several of these together. */
static void test_every_byte_at_every_place(void **state)
{
    (void)state;
    static const char *const rows[] = {"111111 ", "12345678.123456789 ", "-1.25e-12 "};
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct implementations implementations;
        implementations_init(&implementations, '.');
        size_t period = strlen(rows[row]);
        for (int c = 0; c < 256; c++) {
            for (size_t place = 0; place < 100; place++) {
                char block[300];
                for (size_t i = 0; i < sizeof block; i++)
                    block[i] = rows[row][i % period];
                block[place] = (char)c;
                block[sizeof block - 1] = '\n';
                feed_block(&implementations, (const uint8_t *)block, sizeof block);
            }
        }
        finish(&implementations);
    }
}

/* ---- random lines in random blocks ---- */

static size_t put_digits(char *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (char)('0' + random_below(&rng, 10));
    return count;
}

static size_t put_token(char *to, int dialect)
{
    char *at = to;
    if (random_one_in(&rng, 3))
        *at++ = random_one_in(&rng, 4) ? '+' : '-';
    if (dialect == 0) { /* plain integers */
        at += put_digits(at, 1 + random_below(&rng, 10));
        return (size_t)(at - to);
    }
    if (dialect == 1) { /* %.2f */
        at += put_digits(at, 1 + random_below(&rng, 6));
        *at++ = '.';
        at += put_digits(at, 2);
        return (size_t)(at - to);
    }
    at += put_digits(at, random_below(&rng, random_one_in(&rng, 9) ? 40 : 17));
    if (random_one_in(&rng, 2)) {
        *at++ = random_one_in(&rng, 50) ? ',' : '.';
        at += put_digits(at, random_below(&rng, random_one_in(&rng, 9) ? 40 : 9));
    }
    if (random_one_in(&rng, 8))
        at += sprintf(at, "%c%d", random_one_in(&rng, 2) ? 'e' : 'E',
                      random_one_in(&rng, 8) ? (int)random_between(&rng, -1100, 1100)
                                             : (int)random_between(&rng, -60, 60));
    if (at == to)
        *at++ = '0';
    if (dialect == 3 && random_one_in(&rng, 30)) /* damage */
        to[random_below(&rng, (uint64_t)(at - to))] = (char)random_below(&rng, 256);
    return (size_t)(at - to);
}

static size_t put_line(char *to, int dialect)
{
    static const char separators[] = {' ', ' ', ' ', ' ', ' ', ' ', '\t', '\v', '\f'};
    char *at = to;
    uint64_t count = random_below(&rng, random_one_in(&rng, 10) ? 60 : 12);
    for (uint64_t i = 0; i < count; i++) {
        at += put_token(at, dialect);
        do
            *at++ = separators[dialect < 2 ? 0 : random_below(&rng, sizeof separators)];
        while (dialect >= 2 && random_one_in(&rng, 12));
    }
    if (count > 0 && random_one_in(&rng, 2))
        at--; /* without a separator at the end */
    if (random_one_in(&rng, 6))
        *at++ = '\r';
    *at++ = '\n';
    return (size_t)(at - to);
}

static void test_random_lines(void **state)
{
    (void)state;
    const char *wanted = getenv("SHMSUM_LINES");
    uint64_t lines = wanted != NULL ? strtoull(wanted, NULL, 10) : 300000;
    enum { TEXT = 4 * BLOCK, LINE = 60 * 100 };
    char *text = malloc(TEXT + LINE);
    assert_non_null(text);
    struct implementations implementations;
    uint64_t compared = 0;
    while (compared < lines) {
        int dialect = (int)random_below(&rng, 4);
        size_t size = 0;
        while (size < TEXT)
            size += put_line(text + size, dialect);
        implementations_init(&implementations, random_one_in(&rng, 5) ? ',' : '.');
        size_t largest = random_one_in(&rng, 2) ? BLOCK : 1 + random_below(&rng, 400);
        for (size_t at = 0, block; at < size; at += block) {
            block = 1 + random_below(&rng, largest);
            if (block > size - at)
                block = size - at;
            feed_block(&implementations, (const uint8_t *)text + at, block);
        }
        finish(&implementations);
        compared += implementations.lines;
    }
    free(text);
    print_message("%llu lines compared\n", (unsigned long long)compared);
}

/* A line with so many small numbers that the buckets must be emptied within it. */
static void test_many_small_numbers(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "9999999999999999 ",   "-9999999999999999 ",    "99999999999999.99 ",
        ".999999999999999 ",   "9999999999999999. ",    "99999999999999999 ",
        "999999999999999999 ", "-999999999999999.999 ", "9.99999999999999999 ",
    };
    for (size_t kind = 0; kind <= COUNT(kinds); kind++) {
        struct implementations implementations;
        implementations_init(&implementations, '.');
        for (int i = 0; i < 5000; i++) {
            const char *token =
                kinds[kind < COUNT(kinds) ? kind : random_below(&rng, COUNT(kinds))];
            char block[256];
            size_t size = 0;
            for (int j = 0; j < 8; j++)
                size += (size_t)sprintf(block + size, "%s", token);
            feed_block(&implementations, (const uint8_t *)block, size);
        }
        feed_block(&implementations, (const uint8_t *)"\n", 1);
        assert_true(implementations.lines == 1);
        finish(&implementations);
    }
}

/* The same with lines that begin and end anywhere in a block and just fill the buckets. */
static void test_full_lines(void **state)
{
    (void)state;
    static const char token[] = "9999999999999999";
    struct implementations implementations;
    implementations_init(&implementations, '.');
    static char block[BLOCK];
    size_t size = 0;
    uint64_t left = 1;
    for (int i = 0; i < 300000; i++) {
        if (size + sizeof token > sizeof block) {
            feed_block(&implementations, (const uint8_t *)block, size);
            size = 0;
        }
        memcpy(block + size, token, sizeof token - 1);
        size += sizeof token;
        bool last = --left == 0;
        block[size - 1] = last ? '\n' : ' ';
        if (last)
            left =
                random_one_in(&rng, 2) ? 1 + random_below(&rng, 60) : 850 + random_below(&rng, 200);
    }
    feed_block(&implementations, (const uint8_t *)block, size);
    assert_true(implementations.lines > 300);
    finish(&implementations);
}

static void test_names(void **state)
{
    (void)state;
    for (int implementation = 0; implementation < SHMSUM_LINE_IMPLEMENTATIONS; implementation++)
        assert_int_equal(shmsum_line_implementation_by_name(shmsum_line_implementation_name(
                             (enum shmsum_line_implementation)implementation)),
                         implementation);
    assert_int_equal(shmsum_line_implementation_by_name("mmx"), -1);
    assert_int_equal(shmsum_line_implementation_by_name(""), -1);
    struct shmsum_line_parser parser;
    shmsum_line_parser_init(&parser, '.');
    assert_int_not_equal(shmsum_line_parser_use(&parser, SHMSUM_LINE_IMPLEMENTATIONS), 0);
}

int main(void)
{
    rng.state = random_seed("line_implementations");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_token_at_every_place),
        cmocka_unit_test(test_every_byte_at_every_place),
        cmocka_unit_test(test_many_small_numbers),
        cmocka_unit_test(test_full_lines),
        cmocka_unit_test(test_random_lines),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
