/*
 * test_line_parser.c - the line parser, by its contract.
 *
 * The tests write what the parser returns for an input as one text, with a record for each line:
 *
 *     LINE sum SUM of NUMBERS | LINE blank | LINE column COLUMN KIND <TOKEN>/BYTES
 *
 * ('|' ends a record; bytes of the token that are not printable are \xNN). Properties: The text is
 * the one in the table, and the one of the oracle (oracle.h). It does not depend on how the input
 * is cut into blocks. At every cut the anchor is the one of the oracle.
 */
#include <shmsum/line_parser.h>

#include "implementation.h"
#include "oracle.h"
#include "random.h"
#include "unit.h"

static struct random rng;
static struct oracle oracle;

static void print_record(FILE *to, uint64_t line, const char *rest)
{
    fprintf(to, "%llu %s|", (unsigned long long)line, rest);
}

static void print_token(FILE *to, const uint8_t *token, uint64_t bytes)
{
    fputc('<', to);
    for (uint64_t i = 0; i < bytes && i < SHMSUM_TOKEN_HEAD; i++)
        fprintf(to, token[i] > ' ' && token[i] <= '~' ? "%c" : "\\x%02x", token[i]);
    fprintf(to, ">/%llu", (unsigned long long)bytes);
}

static const char *const kinds[] = {
    [SHMSUM_NOT_A_NUMBER] = "plain",
    [SHMSUM_NOT_A_NUMBER_COMMA] = "comma",
    [SHMSUM_NOT_A_NUMBER_POINT] = "point",
    [SHMSUM_OUT_OF_RANGE] = "range",
};

/* Writes the record of one event. */
static void print_event(FILE *to, struct shmsum_line_parser *parser, enum shmsum_line event)
{
    assert_true(shmsum_line_parser_is_valid(parser));
    switch (event) {
    case SHMSUM_LINE_UNFINISHED:
        return;
    case SHMSUM_LINE_BLANK:
        print_record(to, parser->line, "blank");
        return;
    case SHMSUM_LINE_SUM: {
        char text[SHMSUM_DECIMAL_TEXT_MAX];
        size_t size = shmsum_decimal_sum_format(&parser->sum, text);
        fprintf(to, "%llu sum %.*s of %llu|", (unsigned long long)parser->line, (int)size, text,
                (unsigned long long)parser->numbers);
        return;
    }
    case SHMSUM_LINE_ERROR:
        fprintf(to, "%llu column %llu %s ", (unsigned long long)parser->line,
                (unsigned long long)parser->error.column, kinds[parser->error.kind]);
        print_token(to, parser->error.token, parser->error.token_bytes);
        fputc('|', to);
        return;
    }
    fail_msg("event %d", (int)event);
}

/* Returns the same text for an input, from the oracle. The caller frees it. */
static char *oracle_text(const uint8_t *bytes, size_t size, char point)
{
    static const char *const reasons[] = {
        [ORACLE_PLAIN] = "plain",
        [ORACLE_COMMA] = "comma",
        [ORACLE_POINT] = "point",
        [ORACLE_RANGE] = "range",
    };
    char *text;
    size_t text_size;
    FILE *to = open_memstream(&text, &text_size);
    uint64_t line = 1;
    for (size_t at = 0, end; at < size; at = end + 1, line++) {
        end = at;
        while (end < size && bytes[end] != '\n')
            end++;
        oracle_read(&oracle, bytes + at, end - at, end < size, point);
        if (oracle.event == ORACLE_BLANK) {
            print_record(to, line, "blank");
        } else if (oracle.event == ORACLE_SUM) {
            char *sum = oracle_format(oracle.sum);
            fprintf(to, "%llu sum %s of %llu|", (unsigned long long)line, sum,
                    (unsigned long long)oracle.numbers);
            free(sum);
        } else {
            fprintf(to, "%llu column %lu %s ", (unsigned long long)line,
                    (unsigned long)oracle.column, reasons[oracle.reason]);
            print_token(to, bytes + at + oracle.column - 1, oracle.token_bytes);
            fputc('|', to);
        }
    }
    fclose(to);
    return text;
}

/* A parser and the text of what it returned. */
struct reading {
    struct shmsum_line_sink sink; /* first */
    struct shmsum_line_parser parser;
    uint64_t refuse; /* 0: line by line; else the sink refuses one sum in so many */
    FILE *to;
    char *text;
    size_t text_size;
};

static bool reading_take(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum)
{
    struct reading *reading = (struct reading *)sink;
    assert_ptr_equal(sum, &reading->parser.sum);
    if (random_one_in(&rng, reading->refuse))
        return false;
    print_event(reading->to, &reading->parser, SHMSUM_LINE_SUM);
    return true;
}

static void reading_begin(struct reading *reading, char point)
{
    static const uint64_t refusals[] = {0, UINT64_MAX, 2};
    reading->sink.take = reading_take;
    reading->refuse = refusals[random_below(&rng, COUNT(refusals))];
    memset(&reading->parser, 0x5a, sizeof reading->parser);
    shmsum_line_parser_init(&reading->parser, point);
    implementation_use_chosen(&reading->parser);
    reading->to = open_memstream(&reading->text, &reading->text_size);
}

/* Feeds bytes[from..to) as one block, all of which must be consumed. The block is a copy, so that
 * AddressSanitizer finds a read beyond its end. */
static void reading_feed(struct reading *reading, const uint8_t *bytes, size_t from, size_t to)
{
    uint8_t *block = malloc(to - from);
    assert_non_null(block);
    memcpy(block, bytes + from, to - from);
    for (size_t at = 0; at < to - from;) {
        size_t consumed = SIZE_MAX;
        enum shmsum_line event =
            reading->refuse == 0
                ? shmsum_line_parser_feed(&reading->parser, block + at, to - from - at, &consumed)
                : shmsum_line_parser_feed_lines(&reading->parser, block + at, to - from - at,
                                                &reading->sink, &consumed);
        assert_true(consumed > 0 && consumed <= to - from - at);
        assert_true(event == SHMSUM_LINE_UNFINISHED ? at + consumed == to - from
                                                    : block[at + consumed - 1] == '\n');
        at += consumed;
        print_event(reading->to, &reading->parser, event);
    }
    free(block);
}

/* Ends the input, and compares the text with `expected`. */
static void reading_end(struct reading *reading, const char *expected, const char *how)
{
    print_event(reading->to, &reading->parser, shmsum_line_parser_finish(&reading->parser));
    fclose(reading->to);
    if (strcmp(reading->text, expected) != 0)
        fail_msg("%s: said \"%s\", expected \"%s\"", how, reading->text, expected);
    free(reading->text);
}

static void check_anchor(const struct reading *reading, const uint8_t *bytes, size_t cut)
{
    size_t begin = cut;
    while (begin > 0 && bytes[begin - 1] != '\n')
        begin--;
    if (begin < cut) /* in a line; between lines the anchor is not defined */
        assert_int_equal(shmsum_line_parser_anchor(&reading->parser),
                         oracle_anchor(&oracle, bytes + begin, cut - begin, reading->parser.point));
}

enum cuts { CUT_NONE = 0, CUT_EVERYWHERE = 1 };

/* Reads the input whole, byte by byte, in random pieces, and with CUT_EVERYWHERE also cut in two at
 * every byte. */
static void check(const uint8_t *bytes, size_t size, char point, const char *expected,
                  enum cuts cuts)
{
    struct reading reading;
    for (int i = 0; i < 3; i++) {
        reading_begin(&reading, point);
        if (size > 0)
            reading_feed(&reading, bytes, 0, size);
        reading_end(&reading, expected, "whole");
    }

    reading_begin(&reading, point);
    for (size_t i = 0; i < size; i++) {
        size_t consumed = SIZE_MAX;
        assert_int_equal(shmsum_line_parser_feed(&reading.parser, bytes, 0, &consumed),
                         SHMSUM_LINE_UNFINISHED);
        assert_int_equal(consumed, 0);
        reading_feed(&reading, bytes, i, i + 1);
        if (size < 400)
            check_anchor(&reading, bytes, i + 1);
    }
    reading_end(&reading, expected, "byte by byte");

    reading_begin(&reading, point);
    for (size_t at = 0; at < size;) {
        size_t next = at + 1 + (size_t)random_below(&rng, size - at < 20 ? size - at : 20);
        reading_feed(&reading, bytes, at, next);
        at = next;
    }
    reading_end(&reading, expected, "in pieces");

    for (size_t cut = 1; cuts == CUT_EVERYWHERE && cut < size; cut++) {
        reading_begin(&reading, point);
        reading_feed(&reading, bytes, 0, cut);
        reading_feed(&reading, bytes, cut, size);
        reading_end(&reading, expected, "in two");
    }
}

static void check_against_oracle(const uint8_t *bytes, size_t size, char point, enum cuts cuts)
{
    char *expected = oracle_text(bytes, size, point);
    check(bytes, size, point, expected, cuts);
    free(expected);
}

/* ---- the table ---- */

#define INPUT(literal) (literal), sizeof(literal) - 1

struct entry {
    const char *input;
    size_t size;
    const char *expected;
};

static const struct entry with_point[] = {
    {INPUT(""), ""},
    {INPUT("1 2 3\n"), "1 sum 6 of 3|"},
    {INPUT("1 2 3"), "1 sum 6 of 3|"},
    {INPUT("0.1 0.2\n1\n"), "1 sum 0.3 of 2|2 sum 1 of 1|"},
    {INPUT("1e16 1 -1e16\n"), "1 sum 1 of 3|"},
    {INPUT("18446744073709551617 1\n"), "1 sum 18446744073709551618 of 2|"},
    /* lines and their ends */
    {INPUT("\n"), "1 blank|"},
    {INPUT("\n\n"), "1 blank|2 blank|"},
    {INPUT(" \t \v\f\n"), "1 blank|"},
    {INPUT("  "), "1 blank|"},
    {INPUT("\r\n"), "1 blank|"},
    {INPUT(" \r\n \r\n1\r\n"), "1 blank|2 blank|3 sum 1 of 1|"},
    {INPUT("1\r\n2\r\n"), "1 sum 1 of 1|2 sum 2 of 1|"},
    {INPUT("1 \r\n"), "1 sum 1 of 1|"},
    {INPUT("1\n2"), "1 sum 1 of 1|2 sum 2 of 1|"},
    {INPUT("1\n2\n\n"), "1 sum 1 of 1|2 sum 2 of 1|3 blank|"},
    {INPUT("\r"), "1 column 1 plain <\\x0d>/1|"},
    {INPUT("1\r"), "1 column 1 plain <1\\x0d>/2|"},
    {INPUT("1 \r"), "1 column 3 plain <\\x0d>/1|"},
    {INPUT("\r\r\n"), "1 column 1 plain <\\x0d>/1|"},
    {INPUT("1\r\r\n"), "1 column 1 plain <1\\x0d>/2|"},
    {INPUT("1\r2\n"), "1 column 1 plain <1\\x0d2>/3|"},
    {INPUT("1\r 2\n"), "1 column 1 plain <1\\x0d>/2|"},
    {INPUT("1 \r2\n"), "1 column 3 plain <\\x0d2>/2|"},
    {INPUT("1 \r 2\n"), "1 column 3 plain <\\x0d>/1|"},
    {INPUT("x\r\n"), "1 column 1 plain <x>/1|"},
    {INPUT("x\r"), "1 column 1 plain <x\\x0d>/2|"},
    {INPUT("-\r\n"), "1 column 1 plain <->/1|"},
    {INPUT("1e\r\n"), "1 column 1 plain <1e>/2|"},
    {INPUT("x y\r\n3\n"), "1 column 1 plain <x>/1|2 sum 3 of 1|"},
    {INPUT("x y\r"), "1 column 1 plain <x>/1|"},
    {INPUT("1e5000\r\n"), "1 column 1 range <1e5000>/6|"},
    {INPUT("1e5000\r"), "1 column 1 plain <1e5000\\x0d>/7|"},
    /* the bytes between numbers */
    {INPUT("1\t2\v3\f4 5\n"), "1 sum 15 of 5|"},
    {INPUT("   1     2   \n"), "1 sum 3 of 2|"},
    {INPUT("1\0012\n"), "1 column 1 plain <1\\x012>/3|"},
    {INPUT("1;2\n"), "1 column 1 plain <1;2>/3|"},
    {INPUT("1\302\2402\n"), "1 column 1 plain <1\\xc2\\xa02>/4|"},
    {INPUT("1\0342\n"), "1 column 1 plain <1\\x1c2>/3|"},
    /* numbers */
    {INPUT("0\n-0\n+0\n00\n"), "1 sum 0 of 1|2 sum 0 of 1|3 sum 0 of 1|4 sum 0 of 1|"},
    {INPUT("+5\n-5\n"), "1 sum 5 of 1|2 sum -5 of 1|"},
    {INPUT(".5\n5.\n-.5\n+5.\n"), "1 sum 0.5 of 1|2 sum 5 of 1|3 sum -0.5 of 1|4 sum 5 of 1|"},
    {INPUT("007.500\n"), "1 sum 7.5 of 1|"},
    {INPUT("1e3\n1E3\n1e+3\n1E-3\n"),
     "1 sum 1000 of 1|2 sum 1000 of 1|3 sum 1000 of 1|4 sum 0.001 of 1|"},
    {INPUT("1.e2\n.5e1\n1.25e1\n1e00002\n"),
     "1 sum 100 of 1|2 sum 5 of 1|3 sum 12.5 of 1|4 sum 100 of 1|"},
    {INPUT("1e-0\n0e0\n-0.0e-0\n"), "1 sum 1 of 1|2 sum 0 of 1|3 sum 0 of 1|"},
    {INPUT("0.5 -0.5\n"), "1 sum 0 of 2|"},
    /* tokens that are not numbers */
    {INPUT("two\n"), "1 column 1 plain <two>/3|"},
    {INPUT("1 two 3\n"), "1 column 3 plain <two>/3|"},
    {INPUT("1 two 3 four\n5\n"), "1 column 3 plain <two>/3|2 sum 5 of 1|"},
    {INPUT("--1\n"), "1 column 1 plain <--1>/3|"},
    {INPUT("+-1\n"), "1 column 1 plain <+-1>/3|"},
    {INPUT("1-2\n"), "1 column 1 plain <1-2>/3|"},
    {INPUT("1+\n"), "1 column 1 plain <1+>/2|"},
    {INPUT("+\n"), "1 column 1 plain <+>/1|"},
    {INPUT("-\n"), "1 column 1 plain <->/1|"},
    {INPUT("- 1\n"), "1 column 1 plain <->/1|"},
    {INPUT(".\n"), "1 column 1 plain <.>/1|"},
    {INPUT("-.\n"), "1 column 1 plain <-.>/2|"},
    {INPUT("..5\n"), "1 column 1 plain <..5>/3|"},
    {INPUT("1..5\n"), "1 column 1 plain <1..5>/4|"},
    {INPUT("1.2.3\n"), "1 column 1 plain <1.2.3>/5|"},
    {INPUT(".e5\n"), "1 column 1 plain <.e5>/3|"},
    {INPUT("e5\n"), "1 column 1 plain <e5>/2|"},
    {INPUT("-e5\n"), "1 column 1 plain <-e5>/3|"},
    {INPUT("1e\n"), "1 column 1 plain <1e>/2|"},
    {INPUT("1e+\n"), "1 column 1 plain <1e+>/3|"},
    {INPUT("1e-"), "1 column 1 plain <1e->/3|"},
    {INPUT("1e+-1\n"), "1 column 1 plain <1e+-1>/5|"},
    {INPUT("1e1-\n"), "1 column 1 plain <1e1->/4|"},
    {INPUT("1e1.5\n"), "1 column 1 plain <1e1.5>/5|"},
    {INPUT("1e.5\n"), "1 column 1 plain <1e.5>/4|"},
    {INPUT("1ee1\n"), "1 column 1 plain <1ee1>/4|"},
    {INPUT("1e1e1\n"), "1 column 1 plain <1e1e1>/5|"},
    {INPUT("inf\nnan\nInfinity\nNAN\n"), "1 column 1 plain <inf>/3|2 column 1 plain <nan>/3|"
                                         "3 column 1 plain <Infinity>/8|4 column 1 plain <NAN>/3|"},
    {INPUT("0x10\n0b1\n"), "1 column 1 plain <0x10>/4|2 column 1 plain <0b1>/3|"},
    {INPUT("1_000\n1'000\n"), "1 column 1 plain <1_000>/5|2 column 1 plain <1'000>/5|"},
    {INPUT("1f\n1L\n1u\n"),
     "1 column 1 plain <1f>/2|2 column 1 plain <1L>/2|3 column 1 plain <1u>/2|"},
    {INPUT("\0\n"), "1 column 1 plain <\\x00>/1|"},
    {INPUT("1\0\n"), "1 column 1 plain <1\\x00>/2|"},
    {INPUT("1 \0 2\n"), "1 column 3 plain <\\x00>/1|"},
    {INPUT("\357\273\2771\n"), "1 column 1 plain <\\xef\\xbb\\xbf1>/4|"},
    {INPUT("\342\210\2221\n"), "1 column 1 plain <\\xe2\\x88\\x921>/4|"},
    {INPUT("\331\241\n"), "1 column 1 plain <\\xd9\\xa1>/2|"},
    {INPUT("\377\n"), "1 column 1 plain <\\xff>/1|"},
    {INPUT("1/2\n1:2\n"), "1 column 1 plain <1/2>/3|2 column 1 plain <1:2>/3|"},
    /* the comma */
    {INPUT("1,5\n"), "1 column 1 comma <1,5>/3|"},
    {INPUT("1 ,5 2\n"), "1 column 3 comma <,5>/2|"},
    {INPUT("1.5,2\n"), "1 column 1 comma <1.5,2>/5|"},
    {INPUT("1e5,2\n"), "1 column 1 comma <1e5,2>/5|"},
    {INPUT("-,5\n"), "1 column 1 comma <-,5>/3|"},
    {INPUT("1x,5\n"), "1 column 1 plain <1x,5>/4|"},
    {INPUT("1,5x\n"), "1 column 1 comma <1,5x>/4|"},
    {INPUT("1, 2\n"), "1 column 1 comma <1,>/2|"},
    /* tokens as long as the part that is kept, and longer; errors far to the right */
    {INPUT("abcdefghijklmnopqrstuvwxyz012345\n"),
     "1 column 1 plain <abcdefghijklmnopqrstuvwxyz012345>/32|"},
    {INPUT("1 abcdefghijklmnopqrstuvwxyz0123456 2\n"),
     "1 column 3 plain <abcdefghijklmnopqrstuvwxyz012345>/33|"},
    {INPUT("12345678901234567890123456789012345678901234567890x"),
     "1 column 1 plain <12345678901234567890123456789012>/51|"},
    {INPUT("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n"), "1 column 37 plain <x>/1|"},
    /* range */
    {INPUT("1e999\n"), NULL},
    {INPUT("1e1000\n"), "1 column 1 range <1e1000>/6|"},
    {INPUT("-1e1000 x\n"), "1 column 1 range <-1e1000>/7|"},
    {INPUT("1e-1000\n"), NULL},
    {INPUT("1e-1001\n"), "1 column 1 range <1e-1001>/7|"},
    {INPUT("10e-1001\n"), NULL},
    {INPUT("10e999\n"), "1 column 1 range <10e999>/6|"},
    {INPUT("0.1e1000\n"), NULL},
    {INPUT("0.1e-1000\n"), "1 column 1 range <0.1e-1000>/9|"},
    {INPUT("5 1e1000\n1\n"), "1 column 3 range <1e1000>/6|2 sum 1 of 1|"},
    {INPUT("1e1000x\n"), "1 column 1 plain <1e1000x>/7|"},
    {INPUT("0e999999999999\n0e-999999999999\n"), "1 sum 0 of 1|2 sum 0 of 1|"},
    {INPUT("0e99999999999999999999999999999999\n"), "1 sum 0 of 1|"},
    {INPUT("0.000e-18446744073709551616 1\n"), "1 sum 1 of 2|"},
    /* exponents that would wrap to a small one in 8, 16, 32 or 64 bits, signed or not */
    {INPUT("1e256\n"), NULL},
    {INPUT("1e65536\n"), "1 column 1 range <1e65536>/7|"},
    {INPUT("1e4294967296\n"), "1 column 1 range <1e4294967296>/12|"},
    {INPUT("1e-4294967296\n"), "1 column 1 range <1e-4294967296>/13|"},
    {INPUT("1e18446744073709551616\n"), "1 column 1 range <1e18446744073709551616>/22|"},
    {INPUT("1e-18446744073709551617\n"), "1 column 1 range <1e-18446744073709551617>/23|"},
    {INPUT("1e9223372036854775808\n"), "1 column 1 range <1e9223372036854775808>/21|"},
    {INPUT("1e1000000000000000000\n"), "1 column 1 range <1e1000000000000000000>/21|"},
    {INPUT("1e-1000000000000000001\n"), "1 column 1 range <1e-1000000000000000001>/22|"},
    {INPUT("1e184467440737095516160\n"), "1 column 1 range <1e184467440737095516160>/23|"},
    {INPUT("1e000000000000000000000000000000000000002\n"), "1 sum 100 of 1|"},
};

static const struct entry with_comma[] = {
    {INPUT("1,5 2\n"), "1 sum 3.5 of 2|"},
    {INPUT(",5\n5,\n-,5e1\n"), "1 sum 0.5 of 1|2 sum 5 of 1|3 sum -5 of 1|"},
    {INPUT("1.5\n"), "1 column 1 point <1.5>/3|"},
    {INPUT("1 .5\n"), "1 column 3 point <.5>/2|"},
    {INPUT("1,5.2\n"), "1 column 1 point <1,5.2>/5|"},
    {INPUT("1,,5\n"), "1 column 1 plain <1,,5>/4|"},
    {INPUT("1.000,5\n"), "1 column 1 point <1.000,5>/7|"},
    {INPUT(",\n"), "1 column 1 plain <,>/1|"},
    {INPUT("1, 2\n"), "1 sum 3 of 2|"},
    {INPUT("x.\n"), "1 column 1 plain <x.>/2|"},
    {INPUT("1e5.\n"), "1 column 1 point <1e5.>/4|"},
};

static void check_table(const struct entry *entries, size_t count, char point)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = (const uint8_t *)entries[i].input;
        if (entries[i].expected != NULL)
            check(bytes, entries[i].size, point, entries[i].expected, CUT_EVERYWHERE);
        check_against_oracle(bytes, entries[i].size, point, CUT_NONE);
    }
}

static void test_table_with_point(void **state)
{
    (void)state;
    check_table(with_point, COUNT(with_point), '.');
}

static void test_table_with_comma(void **state)
{
    (void)state;
    check_table(with_comma, COUNT(with_comma), ',');
}

/* Lines of the table one after the other: no line affects the next. */
static void test_lines_do_not_touch(void **state)
{
    (void)state;
    uint8_t all[8192];
    for (int round = 0; round < 60; round++) {
        size_t size = 0;
        while (size < 300) {
            const struct entry *entry = &with_point[random_below(&rng, COUNT(with_point))];
            memcpy(all + size, entry->input, entry->size);
            size += entry->size;
            if (random_one_in(&rng, 2))
                all[size++] = '\n';
        }
        check_against_oracle(all, size, round % 8 == 0 ? ',' : '.',
                             round < 10 ? CUT_EVERYWHERE : CUT_NONE);
    }
}

/* Every byte: alone, before, in and after a number, and between numbers. */
static void test_every_byte(void **state)
{
    (void)state;
    static const char *const frames[] = {"?",  "?1",  "1?",  "1?2",  "1 ? 2\n",
                                         "-?", "1.?", "1e?", "1e+?", "1e2?",
                                         "x?", "x ?", "?\n", "1?\n", ".?\n"};
    for (unsigned c = 0; c < 256; c++) {
        for (size_t i = 0; i < COUNT(frames); i++) {
            uint8_t input[16];
            size_t size = strlen(frames[i]);
            memcpy(input, frames[i], size);
            *(uint8_t *)memchr(input, '?', size) = (uint8_t)c;
            check_against_oracle(input, size, '.', CUT_EVERYWHERE);
            check_against_oracle(input, size, ',', CUT_NONE);
        }
    }
}

/* All inputs of up to five bytes of those that the grammar has. */
static void test_every_short_input(void **state)
{
    (void)state;
    static const uint8_t alphabet[] = {'1', '0', '.', 'e', '-', ' ', '\r', '\n', ',', 'x'};
    enum { LETTERS = sizeof alphabet, LONGEST = 5 };
    for (size_t size = 1; size <= LONGEST; size++) {
        size_t count = 1;
        for (size_t i = 0; i < size; i++)
            count *= LETTERS;
        size_t step = size < LONGEST ? 1 : 7; /* all short inputs, a sample of the longest */
        for (size_t n = random_below(&rng, step); n < count; n += step) {
            uint8_t input[LONGEST];
            size_t rest = n;
            for (size_t i = 0; i < size; i++, rest /= LETTERS)
                input[i] = alphabet[rest % LETTERS];
            char *expected = oracle_text(input, size, '.');
            struct reading reading;
            reading_begin(&reading, '.');
            reading_feed(&reading, input, 0, size);
            reading_end(&reading, expected, "whole");
            reading_begin(&reading, '.');
            for (size_t i = 0; i < size; i++) {
                reading_feed(&reading, input, i, i + 1);
                check_anchor(&reading, input, i + 1);
            }
            reading_end(&reading, expected, "byte by byte");
            free(expected);
        }
    }
}

/* ---- random inputs from the grammar, and damaged ones ---- */

struct text {
    uint8_t bytes[16384];
    size_t size;
};

static void put(struct text *text, uint8_t c)
{
    if (text->size < sizeof text->bytes)
        text->bytes[text->size++] = c;
}

static void put_digits(struct text *text, size_t limit)
{
    size_t size = 1 + random_size(&rng, limit);
    int zeros = random_one_in(&rng, 6);
    for (size_t i = 0; i < size; i++)
        put(text, (uint8_t)(zeros ? '0' : '0' + random_below(&rng, 10)));
}

static void put_number(struct text *text, char point, size_t limit)
{
    if (random_one_in(&rng, 3))
        put(text, random_one_in(&rng, 2) ? '-' : '+');
    bool integer = !random_one_in(&rng, 5);
    if (integer)
        put_digits(text, limit);
    if (!integer || random_one_in(&rng, 2)) {
        put(text, (uint8_t)point);
        if (!integer || random_one_in(&rng, 4))
            put_digits(text, limit);
    }
    if (random_one_in(&rng, 3)) {
        put(text, random_one_in(&rng, 2) ? 'e' : 'E');
        if (random_one_in(&rng, 2))
            put(text, random_one_in(&rng, 2) ? '-' : '+');
        int64_t exponent =
            random_one_in(&rng, 2) ? random_between(&rng, 0, 20) : random_between(&rng, 900, 1100);
        char digits[24];
        int size = snprintf(digits, sizeof digits, "%lld", (long long)exponent);
        for (int i = 0; i < size; i++)
            put(text, (uint8_t)digits[i]);
        if (random_one_in(&rng, 30))
            put_digits(text, 40);
    }
}

static void put_line(struct text *text, char point, size_t limit)
{
    static const uint8_t blanks[] = " \t\v\f  ";
    int64_t numbers = random_between(&rng, 0, 6);
    for (int64_t i = 0; i < numbers; i++) {
        while (random_one_in(&rng, 3) || i > 0) {
            put(text, blanks[random_below(&rng, 6)]);
            if (random_one_in(&rng, 2))
                break;
        }
        put_number(text, point, limit);
    }
    if (random_one_in(&rng, 4))
        put(text, ' ');
    if (random_one_in(&rng, 4))
        put(text, '\r');
    put(text, '\n');
}

static void damage(struct text *text)
{
    static const uint8_t letters[] = "0159.,eE+-  \t\r\r\n\n\0x\377";
    if (text->size == 0)
        return;
    size_t at = (size_t)random_below(&rng, text->size);
    uint8_t letter = random_one_in(&rng, 8) ? (uint8_t)random_next(&rng)
                                            : letters[random_below(&rng, sizeof letters - 1)];
    switch (random_below(&rng, 4)) {
    case 0:
        text->bytes[at] = letter;
        break;
    case 1: /* insert a byte */
        put(text, 0);
        memmove(text->bytes + at + 1, text->bytes + at, text->size - at - 1);
        text->bytes[at] = letter;
        break;
    case 2: /* remove a byte */
        memmove(text->bytes + at, text->bytes + at + 1, text->size - at - 1);
        text->size--;
        break;
    default: /* cut off the end */
        text->size = at;
    }
}

static void check_random(int rounds, size_t limit, int lines_max, enum cuts cuts)
{
    static struct text text;
    for (int round = 0; round < rounds; round++) {
        char point = random_one_in(&rng, 4) ? ',' : '.';
        text.size = 0;
        int64_t lines = random_between(&rng, 1, lines_max);
        for (int64_t i = 0; i < lines; i++)
            put_line(&text, point, limit);
        if (round % 2 == 0)
            for (int64_t i = random_between(&rng, 1, 4); i > 0; i--)
                damage(&text);
        check_against_oracle(text.bytes, text.size, point, cuts);
    }
}

static void test_random_short_lines(void **state)
{
    (void)state;
    check_random(1500, 4, 3, CUT_EVERYWHERE);
}

static void test_random_long_lines(void **state)
{
    (void)state;
    check_random(400, 1100, 2, CUT_NONE);
}

/* Numbers with about as many digits as a number keeps, and more. */
static void test_longest_numbers(void **state)
{
    (void)state;
    static uint8_t bytes[8200];
    static const size_t lengths[] = {999, 1000, 1001, 1999, 2000, 2001, 4000};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        for (int kind = 0; kind < 4; kind++) {
            size_t size = 0;
            memset(bytes, kind % 2 ? '9' : '0', sizeof bytes);
            if (kind >= 2)
                bytes[size++] = '.';
            size += lengths[i];
            if (kind == 0) /* 000…01 */
                bytes[size - 1] = '1';
            bytes[size++] = ' ';
            bytes[size++] = '1';
            bytes[size++] = '\n';
            check_against_oracle(bytes, size, '.', CUT_NONE);
            /* the same with an exponent that moves it to the other border */
            size -= 3;
            size += (size_t)sprintf((char *)bytes + size, "e%c%d 1\n", kind >= 2 ? '+' : '-', 1000);
            check_against_oracle(bytes, size, '.', CUT_NONE);
        }
    }
}

/* ---- more than one input ---- */

static void test_finish_begins_anew(void **state)
{
    (void)state;
    struct shmsum_line_parser parser;
    shmsum_line_parser_init(&parser, '.');
    implementation_use_chosen(&parser);
    size_t consumed;
    assert_int_equal(shmsum_line_parser_anchor(&parser), 0);
    assert_int_equal(shmsum_line_parser_finish(&parser), SHMSUM_LINE_UNFINISHED);
    const uint8_t first[] = "1\n2\nx 3";
    size_t at = 0;
    for (uint64_t line = 1; line <= 2; line++) {
        assert_int_equal(shmsum_line_parser_feed(&parser, first + at, 7 - at, &consumed),
                         SHMSUM_LINE_SUM);
        assert_int_equal(parser.line, line);
        at += consumed;
    }
    assert_int_equal(shmsum_line_parser_feed(&parser, first + at, 7 - at, &consumed),
                     SHMSUM_LINE_UNFINISHED);
    assert_int_equal(shmsum_line_parser_anchor(&parser), 1);
    assert_int_equal(shmsum_line_parser_finish(&parser), SHMSUM_LINE_ERROR);
    assert_int_equal(parser.line, 3);
    assert_int_equal(parser.error.column, 1);
    assert_int_equal(shmsum_line_parser_finish(&parser), SHMSUM_LINE_UNFINISHED);
    assert_int_equal(parser.line, 3);
    /* The next input begins with line 1. Nothing is left of the one before. */
    assert_int_equal(shmsum_line_parser_feed(&parser, (const uint8_t *)"4 5", 3, &consumed),
                     SHMSUM_LINE_UNFINISHED);
    assert_int_equal(shmsum_line_parser_finish(&parser), SHMSUM_LINE_SUM);
    assert_int_equal(parser.line, 1);
    assert_int_equal(parser.numbers, 2);
    char text[SHMSUM_DECIMAL_TEXT_MAX];
    assert_int_equal(shmsum_decimal_sum_format(&parser.sum, text), 1);
    assert_int_equal(text[0], '9');
    /* Also after an input that ends in LF. */
    assert_int_equal(shmsum_line_parser_feed(&parser, (const uint8_t *)"7\n", 2, &consumed),
                     SHMSUM_LINE_SUM);
    assert_int_equal(shmsum_line_parser_finish(&parser), SHMSUM_LINE_UNFINISHED);
    assert_int_equal(shmsum_line_parser_feed(&parser, (const uint8_t *)"\n", 1, &consumed),
                     SHMSUM_LINE_BLANK);
    assert_int_equal(parser.line, 1);
}

static void test_invariant(void **state)
{
    (void)state;
    struct shmsum_line_parser good, bad;
    shmsum_line_parser_init(&good, ',');
    assert_true(shmsum_line_parser_is_valid(&good));
#define REFUSES(field, value)                            \
    do {                                                 \
        bad = good;                                      \
        bad.field = (value);                             \
        assert_false(shmsum_line_parser_is_valid(&bad)); \
    } while (0)
    REFUSES(point, ';');
    REFUSES(state, 200);
    REFUSES(before_cr, 200);
    REFUSES(exponent, UINT64_C(1000000000000000001));
    REFUSES(number.partial_digits, 9);
    REFUSES(sum.high, SHMSUM_DECIMAL_LIMBS + 1);
#undef REFUSES
}

int main(void)
{
    rng.state = random_seed("test_line_parser");
    oracle_init(&oracle);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_with_point),   cmocka_unit_test(test_table_with_comma),
        cmocka_unit_test(test_lines_do_not_touch), cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_every_short_input),  cmocka_unit_test(test_random_short_lines),
        cmocka_unit_test(test_random_long_lines),  cmocka_unit_test(test_longest_numbers),
        cmocka_unit_test(test_finish_begins_anew), cmocka_unit_test(test_invariant),
    };
    int failed = cmocka_run_group_tests_name("line_parser", tests, NULL, NULL);
    oracle_clean_up(&oracle);
    return failed;
}
