/* test_result_line.c - the lines of the results, as text and as JSON. */
#include "results/result_line.h"

#include "unit.h"

static void assert_text(const char *text, size_t size, const char *expected)
{
    if (size != strlen(expected) || memcmp(text, expected, size) != 0)
        fail_msg("text is \"%.*s\", expected \"%s\"", (int)size, text, expected);
}

/* Parses the line. */
static struct shmsum_line_parser *parse(const char *line)
{
    static struct shmsum_line_parser parser;
    shmsum_line_parser_init(&parser, '.');
    size_t consumed;
    shmsum_line_parser_feed(&parser, (const uint8_t *)line, strlen(line), &consumed);
    shmsum_line_parser_finish(&parser);
    return &parser;
}

static void check_sum(enum result_format format, const char *file, uint64_t line,
                      const char *numbers, const char *expected)
{
    struct result_line result;
    char text[RESULT_LINE_JSON_MAX];
    result_line_begin(&result, format, file);
    assert_text(text, result_line_sum(&result, text, line, &parse(numbers)->sum), expected);
}

static void check_error(enum result_format format, const char *line, const char *expected)
{
    struct result_line result;
    char text[RESULT_LINE_JSON_MAX];
    result_line_begin(&result, format, "in");
    assert_text(text, result_line_error(&result, text, 7, &parse(line)->error), expected);
}

static void test_sums(void **state)
{
    (void)state;
    check_sum(RESULT_TEXT, "in", 1, "1 2 3", "6");
    check_sum(RESULT_TEXT, "in", 1, "-.5", "-0.5");
    check_sum(RESULT_JSON, "in", 1, "1 2 3", "{\"file\":\"in\",\"line\":1,\"sum\":\"6\"}");
    check_sum(RESULT_JSON, "in", 10, "-.5", "{\"file\":\"in\",\"line\":10,\"sum\":\"-0.5\"}");
    check_sum(RESULT_JSON, "", UINT64_MAX, "",
              "{\"file\":\"\",\"line\":18446744073709551615,\"sum\":\"0\"}");
}

/* A name is one string of JSON with the bytes of the name; what is not UTF-8 is in hexadecimal. */
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *file, *shown;
    } cases[] = {
        {"a b.txt", "a b.txt\""},
        {"-", "-\""},
        {"stdin", "stdin\""},
        {"\"", "\\\"\""},
        {"a\\b", "a\\\\b\""},
        {"a\nb", "a\\nb\""},
        {"a\\x0ab", "a\\\\x0ab\""}, /* not the same */
        {"\b\f\n\r\t\033[2J\177", "\\b\\f\\n\\r\\t\\u001b[2J\\u007f\""},
        {"\303\251\360\237\230\200", "\\u00e9\\ud83d\\ude00\""},
        {"a\377\303", "a\\ufffd\\ufffd\",\"file_hex\":\"61ffc3\""},
        {"\302\205", "\\u0085\""}, /* a control character of 8 bits */
        /* turns the text around; NOLINTNEXTLINE(misc-misleading-bidirectional) */
        {"a\342\200\256b", "a\\u202eb\""},
        {"\363\240\201\201", "\\udb40\\udc41\""}, /* U+E0041, in UTF-16 */
        {"\357\277\275", "\\ufffd\""},            /* U+FFFD itself is UTF-8 */
        {"\",\"line\":9", "\\\",\\\"line\\\":9\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "{\"file\":\"%s,\"line\":1,\"sum\":\"1\"}",
                 cases[i].shown);
        check_sum(RESULT_JSON, cases[i].file, 1, "1", expected);
    }
}

static void test_errors(void **state)
{
    (void)state;
    check_error(RESULT_TEXT, "1 two 3", "error: column 3: \"two\" is not a number");
    check_error(
        RESULT_JSON, "1 two 3",
        "{\"file\":\"in\",\"line\":7,\"column\":3,\"error\":\"\\\"two\\\" is not a number\","
        "\"token\":\"two\"}");
    check_error(RESULT_JSON, "\"\\\033",
                "{\"file\":\"in\",\"line\":7,\"column\":1,\"error\":\"\\\"\\\"\\\\\\\\x1b\\\" is "
                "not a number\",\"token\":\"\\\"\\\\\\u001b\"}");
    check_error(RESULT_JSON, "1 1,5",
                "{\"file\":\"in\",\"line\":7,\"column\":3,\"error\":\"\\\"1,5\\\" is not a number: "
                "use \\\".\\\" as the decimal point\",\"token\":\"1,5\"}");
    check_error(RESULT_JSON, "1e1000",
                "{\"file\":\"in\",\"line\":7,\"column\":1,\"error\":\"number out of range: "
                "\\\"1e1000\\\"\",\"token\":\"1e1000\"}");
    check_error(
        RESULT_JSON, "\342\210\2221", /* U+2212, a minus */
        "{\"file\":\"in\",\"line\":7,\"column\":1,\"error\":\"\\\"\\\\xe2\\\\x88\\\\x921\\\" "
        "is not a number\",\"token\":\"\\u22121\"}");
    check_error(RESULT_JSON, "x\2221",
                "{\"file\":\"in\",\"line\":7,\"column\":1,\"error\":\"\\\"x\\\\x921\\\" is not a "
                "number\",\"token\":\"x\\ufffd1\",\"token_hex\":\"789231\"}");
    check_error(RESULT_JSON, "abcdefghijklmnopqrstuvwxyz0123456",
                "{\"file\":\"in\",\"line\":7,\"column\":1,\"error\":"
                "\"\\\"abcdefghijklmnopqrstuvwxyz012345...\\\" is not a number\","
                "\"token\":\"abcdefghijklmnopqrstuvwxyz012345\",\"token_bytes\":33}");
}

/* With the longest name, sum and error nothing is cut, and nothing is written behind the line. */
static void test_longest(void **state)
{
    (void)state;
    static char file[RESULT_LINE_NAME_MAX + 1]; /* what takes most: escapes, and all again in hex */
    memset(file, '\001', sizeof file - 1);
    file[0] = '\377';
    struct shmsum_decimal_sum sum = parse("-1e999 -1e-1000")->sum;
    struct shmsum_line_error error = {.column = UINT64_MAX, .token_bytes = 1000};
    memset(error.token, '\001', sizeof error.token);
    error.token[0] = 0xff;
    for (int format = RESULT_TEXT; format <= RESULT_JSON; format++) {
        struct result_line result;
        static char text[RESULT_LINE_JSON_MAX + 1];
        result_line_begin(&result, (enum result_format)format, file);
        assert_true(result.max <= RESULT_LINE_JSON_MAX);
        memset(text, 'z', sizeof text);
        size_t size = result_line_sum(&result, text, UINT64_MAX, &sum);
        assert_int_equal(size, strnlen(text, size));
        assert_int_equal(text[size], 'z');
        assert_true(size > 2000 && size <= result.max);
        text[size] = '\0';
        if (format == RESULT_JSON)
            assert_non_null(strstr(text, "01\",\"line\":18446744073709551615,\"sum\":\"-1000"));
        for (int kind = SHMSUM_NOT_A_NUMBER; kind <= SHMSUM_OUT_OF_RANGE; kind++) {
            error.kind = (enum shmsum_line_error_kind)kind;
            memset(text, 'z', sizeof text);
            size = result_line_error(&result, text, UINT64_MAX, &error);
            assert_true(size <= result.max);
            assert_null(memchr(text, '\n', size));
            assert_int_equal(text[size + 1], 'z');
            if (format == RESULT_JSON) { /* nothing was cut */
                assert_non_null(strstr(text, "01\",\"line\":18446744073709551615,\"column\":"
                                             "18446744073709551615,\"error\":\""));
                assert_non_null(strstr(text, "01\",\"token_bytes\":1000}"));
                assert_int_equal(text[size - 1], '}');
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests_name("result_line", tests, NULL, NULL);
}
