/*
 * test_diagnostic.c - the text of an error in a line, byte for byte.
 *
 * Messages are compared with texts written out here, and with a second renderer that has the whole
 * line at once. Property: a message does not depend on how its line was cut into blocks.
 */
#include "results/diagnostic.h"
#include "messages/text_buffer.h"

#include "oracle.h"
#include "random.h"
#include "unit.h"

static struct random rng;
static struct oracle oracle;

/* One line on its way through parser and excerpt, as consumer.c drives them. */
struct course {
    struct shmsum_line_parser parser;
    struct excerpt excerpt;
    uint64_t column;
    enum shmsum_line event;
};

static void course_begin(struct course *course, char point)
{
    memset(course, 0x5a, sizeof *course);
    shmsum_line_parser_init(&course->parser, point);
    excerpt_clear(&course->excerpt);
    course->column = 0;
    course->event = SHMSUM_LINE_UNFINISHED;
}

static void course_feed(struct course *course, const uint8_t *bytes, size_t size)
{
    size_t consumed;
    if (size == 0)
        return;
    course->event = shmsum_line_parser_feed(&course->parser, bytes, size, &consumed);
    assert_int_equal(consumed, size);
    if (course->event == SHMSUM_LINE_UNFINISHED)
        excerpt_keep(&course->excerpt, bytes, size, course->column + 1,
                     shmsum_line_parser_anchor(&course->parser));
    else
        excerpt_keep(&course->excerpt, bytes, size - 1, course->column + 1,
                     course->parser.error.column);
    course->column += size;
}

/* The message, in to[0..DIAGNOSTIC_TEXT_MAX); its size. */
static size_t message_of(char *to, const struct diagnostic *diagnostic)
{
    struct text_buffer text = text_in(to, DIAGNOSTIC_TEXT_MAX);
    diagnostic_message(&text, diagnostic);
    assert_false(text.cut);
    return text.size;
}

/* The message about the line; its size. */
static size_t course_end(struct course *course, char *to, const char *file, uint64_t line,
                         uint64_t line_bytes)
{
    if (course->event == SHMSUM_LINE_UNFINISHED) {
        course->event = shmsum_line_parser_finish(&course->parser);
        excerpt_keep(&course->excerpt, (const uint8_t *)"", 0, course->column + 1,
                     course->parser.error.column);
    }
    assert_int_equal(course->event, SHMSUM_LINE_ERROR);
    const struct diagnostic diagnostic = {
        .file = file,
        .line = line,
        .line_bytes = line_bytes,
        .error = &course->parser.error,
        .excerpt = &course->excerpt,
        .look.utf8 = true,
    };
    return message_of(to, &diagnostic);
}

/* Length of a line without its end. */
static uint64_t bare_bytes(const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '\n') {
        size--;
        if (size > 0 && bytes[size - 1] == '\r')
            size--;
    }
    return size;
}

static void check_one(const uint8_t *bytes, size_t size, size_t cut, size_t step, char point,
                      const char *expected)
{
    char text[DIAGNOSTIC_TEXT_MAX];
    struct course course;
    course_begin(&course, point);
    course_feed(&course, bytes, cut);
    for (size_t at = cut; at < size;) {
        size_t piece = size - at < step ? size - at : step;
        course_feed(&course, bytes + at, piece);
        at += piece;
    }
    size_t length = course_end(&course, text, "in", 7, bare_bytes(bytes, size));
    if (length != strlen(expected) || memcmp(text, expected, length) != 0)
        fail_msg("cut at %lu, then every %lu:\n%.*sexpected:\n%s", (unsigned long)cut,
                 (unsigned long)step, (int)length, text, expected);
}

/* The line whole, cut in two at every byte, and in pieces of one and some other size. */
static void check_line(const uint8_t *bytes, size_t size, char point, const char *expected)
{
    for (size_t cut = 0; cut <= size; cut++)
        check_one(bytes, size, cut, size, point, expected);
    check_one(bytes, size, 0, 1, point, expected);
    size_t step = (size_t)random_between(&rng, 2, 50);
    check_one(bytes, size, (size_t)random_below(&rng, size), step, point, expected);
}

#define LINE(literal) (literal), sizeof(literal) - 1

#define TEN_ONES "1 1 1 1 1 1 1 1 1 1 "
#define FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 "

static void test_messages(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        size_t size;
        char point;
        const char *message;
    } cases[] = {
        {LINE("1 two 3\n"), '.',
         "in:7:3: error: \"two\" is not a number\n"
         "    1 two 3\n"
         "      ^~~\n"},
        {LINE("x\n"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x\n"
         "    ^\n"},
        {LINE("x"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x\n"
         "    ^\n"},
        {LINE("x\r\n"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x\n"
         "    ^\n"},
        {LINE("1 2\r"), '.',
         "in:7:3: error: \"2\\x0d\" is not a number\n"
         "    1 2\\x0d\n"
         "      ^~~~~\n"},
        {LINE("1 \r"), '.',
         "in:7:3: error: \"\\x0d\" is not a number\n"
         "    1 \\x0d\n"
         "      ^~~~\n"},
        {LINE("1\r\r\n"), '.',
         "in:7:1: error: \"1\\x0d\" is not a number\n"
         "    1\\x0d\n"
         "    ^~~~~\n"},
        {LINE("1,5 2\n"), '.',
         "in:7:1: error: \"1,5\" is not a number: use \".\" as the decimal point\n"
         "    1,5 2\n"
         "    ^~~\n"},
        {LINE("2 1.5\n"), ',',
         "in:7:3: error: \"1.5\" is not a number: use \",\" as the decimal point\n"
         "    2 1.5\n"
         "      ^~~\n"},
        {LINE("0 1e1000 2\n"), '.',
         "in:7:3: error: number out of range: \"1e1000\"\n"
         "    0 1e1000 2\n"
         "      ^~~~~~\n"},
        {LINE("\t1\t\vx\f2\n"), '.',
         "in:7:5: error: \"x\" is not a number\n"
         "     1  x 2\n"
         "        ^\n"},
        {LINE("1 \033[31m\n"), '.',
         "in:7:3: error: \"\\x1b[31m\" is not a number\n"
         "    1 \\x1b[31m\n"
         "      ^~~~~~~~\n"},
        {LINE("\0 x\n"), '.',
         "in:7:1: error: \"\\x00\" is not a number\n"
         "    \\x00 x\n"
         "    ^~~~\n"},
        {LINE("1 x \303\251\n"), '.',
         "in:7:3: error: \"x\" is not a number\n"
         "    1 x \\xc3\\xa9\n"
         "      ^\n"},
        /* before the token: exactly as many bytes as are shown, and one more */
        {LINE(TEN_ONES "1 1 1 1 1 1 1 1 1 1x\n"), '.',
         "in:7:39: error: \"1x\" is not a number\n"
         "    " TEN_ONES "1 1 1 1 1 1 1 1 1 1x\n"
         "                                          ^~\n"},
        {LINE(FORTY "x\n"), '.',
         "in:7:41: error: \"x\" is not a number\n"
         "    " FORTY "x\n"
         "                                            ^\n"},
        {LINE(" " FORTY "x\n"), '.',
         "in:7:42: error: \"x\" is not a number\n"
         "    ..." FORTY "x\n"
         "                                               ^\n"},
        {LINE(FORTY FORTY "xyz " FORTY FORTY "\n"), '.',
         "in:7:81: error: \"xyz\" is not a number\n"
         "    ..." FORTY "xyz 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ...\n"
         "                                               ^~~\n"},
        /* 76 bytes are shown whole, 77 are cut */
        {LINE("x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"
         "    ^\n"},
        {LINE("x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \r\n"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \n"
         "    ^\n"},
        {LINE("x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n"), '.',
         "in:7:1: error: \"x\" is not a number\n"
         "    x " FORTY "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ...\n"
         "    ^\n"},
        /* a token of 32 bytes, of 33, and one longer than the whole excerpt */
        {LINE("1 abcdefghijklmnopqrstuvwxyz012345\n"), '.',
         "in:7:3: error: \"abcdefghijklmnopqrstuvwxyz012345\" is not a number\n"
         "    1 abcdefghijklmnopqrstuvwxyz012345\n"
         "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
        {LINE("1 abcdefghijklmnopqrstuvwxyz0123456\n"), '.',
         "in:7:3: error: \"abcdefghijklmnopqrstuvwxyz012345...\" is not a number\n"
         "    1 abcdefghijklmnopqrstuvwxyz0123456\n"
         "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
        {LINE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
              "a\n"),
         '.',
         "in:7:1: error: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is not a number\n"
         "    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\n"
         "    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_line((const uint8_t *)cases[i].line, cases[i].size, cases[i].point, cases[i].message);
}

/* ---- a second renderer, which has the whole line ---- */

static size_t print_shown(FILE *to, const uint8_t *bytes, uint64_t first, uint64_t end, bool blanks)
{
    size_t width = 0;
    for (uint64_t i = first; i < end; i++) {
        uint8_t c = bytes[i];
        if (blanks && (c == '\t' || c == '\v' || c == '\f'))
            c = ' ';
        bool plain = c >= ' ' && c < 0x7f;
        fprintf(to, plain ? "%c" : "\\x%02x", c);
        width += plain ? 1 : 4;
    }
    return width;
}

static char *render(const uint8_t *bytes, size_t size, char point)
{
    char *text;
    size_t text_size;
    FILE *to = open_memstream(&text, &text_size);
    uint64_t bare = bare_bytes(bytes, size);
    uint64_t token = oracle.column - 1, token_end = token + oracle.token_bytes;
    uint64_t head = oracle.token_bytes < 32 ? token_end : token + 32;
    fprintf(to, "in:7:%lu: error: %s\"", (unsigned long)oracle.column,
            oracle.reason == ORACLE_RANGE ? "number out of range: " : "");
    print_shown(to, bytes, token, head, false);
    fprintf(to, "%s\"%s", head < token_end ? "..." : "",
            oracle.reason == ORACLE_RANGE ? "" : " is not a number");
    if (oracle.reason == ORACLE_COMMA || oracle.reason == ORACLE_POINT)
        fprintf(to, ": use \"%c\" as the decimal point", point);
    uint64_t first = token > 40 ? token - 40 : 0;
    uint64_t end = bare < first + 76 ? bare : first + 76;
    fprintf(to, "\n    %s", first > 0 ? "..." : "");
    size_t before = (first > 0 ? 3 : 0) + print_shown(to, bytes, first, token, true);
    size_t under = print_shown(to, bytes, token, token_end < end ? token_end : end, true);
    print_shown(to, bytes, token_end < end ? token_end : end, end, true);
    fprintf(to, "%s\n    %*s^", end < bare ? "..." : "", (int)before, "");
    while (--under > 0)
        fputc('~', to);
    fputc('\n', to);
    fclose(to);
    return text;
}

/* Lines of numbers and random bytes of all lengths, cut everywhere. */
static void test_random_lines(void **state)
{
    (void)state;
    static const char letters[] = "1234567890  \t\t  11111111   \v\f \r.,e-x\033\377";
    int shown = 0;
    for (int round = 0; round < 1500; round++) {
        uint8_t line[600];
        char point = random_one_in(&rng, 4) ? ',' : '.';
        size_t size = 1 + random_size(&rng, sizeof line - 4);
        size_t rubbish = (size_t)random_below(&rng, size); /* only numbers before this byte */
        uint64_t mixed = sizeof letters - 1, plain = sizeof "1234567890  \t\t  11111111" - 1;
        for (size_t i = 0; i < size; i++)
            line[i] = (uint8_t)letters[random_below(&rng, i < rubbish ? plain : mixed)];
        if (random_one_in(&rng, 4))
            line[size++] = '\r';
        bool ended = !random_one_in(&rng, 4);
        oracle_read(&oracle, line, size, ended, point);
        if (oracle.event != ORACLE_ERROR)
            continue;
        if (ended)
            line[size++] = '\n';
        char *expected = render(line, size, point);
        check_line(line, size, point, expected);
        free(expected);
        shown++;
    }
    assert_true(shown > 300);
}

/* The warning, in to[0..DIAGNOSTIC_TEXT_MAX); its size. */
static size_t warning_of(char *to, const char *file, uint64_t line, const char *warning, bool color)
{
    struct text_buffer text = text_in(to, DIAGNOSTIC_TEXT_MAX);
    diagnostic_warning(&text, file, line, warning, (struct diagnostic_look){color, true});
    assert_false(text.cut);
    return text.size;
}

/* The longest of everything stays inside the room that is promised. */
static void test_longest_texts(void **state)
{
    (void)state;
    char file[2 * DIAGNOSTIC_NAME_MAX];
    memset(file, '\001', sizeof file - 1);
    file[sizeof file - 1] = '\0';
    struct shmsum_line_error error = {.column = UINT64_MAX - 100, .token_bytes = 1000};
    memset(error.token, 0xff, sizeof error.token);
    struct excerpt excerpt = {.anchor = error.column, .first = error.column - 40};
    memset(excerpt.bytes, 0xff, sizeof excerpt.bytes);
    excerpt.size = sizeof excerpt.bytes;
    char text[DIAGNOSTIC_TEXT_MAX + 1];
    for (int kind = SHMSUM_NOT_A_NUMBER; kind <= SHMSUM_OUT_OF_RANGE; kind++) {
        error.kind = (enum shmsum_line_error_kind)kind;
        memset(text, 'z', sizeof text);
        const struct diagnostic diagnostic = {
            .file = file,
            .line = UINT64_MAX,
            .line_bytes = UINT64_MAX - 1,
            .error = &error,
            .excerpt = &excerpt,
            .look.color = true,
        };
        size_t size = message_of(text, &diagnostic);
        assert_int_equal(text[size - 1], '\n');
        assert_int_equal(text[DIAGNOSTIC_TEXT_MAX], 'z');
        memset(text, 'z', sizeof text);
        size = diagnostic_result(text, &error);
        assert_true(size < DIAGNOSTIC_RESULT_MAX - 1); /* one byte longer would not have been cut */
        assert_null(memchr(text, '\n', size));
        assert_int_equal(text[DIAGNOSTIC_RESULT_MAX], 'z');
    }
    /* Of a long name the middle is left out: DIAGNOSTIC_NAME_MAX bytes stay, three of them "...".
     */
    size_t size = warning_of(text, file, UINT64_MAX, "w", false);
    assert_int_equal(size, 4 * (DIAGNOSTIC_NAME_MAX - 3) + 3 +
                               strlen(":18446744073709551615: warning: w\n"));
}

/* However long the name is, its beginning and its end are there, and line, column and reason. */
static void test_long_name(void **state)
{
    (void)state;
    char file[3000];
    memset(file, 'm', sizeof file);
    memcpy(file, "first/", 6);
    snprintf(file + sizeof file - 6, 6, "/last");
    struct shmsum_line_error error = {.column = 3, .token_bytes = 3, .token = "two"};
    struct excerpt excerpt = {.anchor = 3, .first = 1, .size = 5, .bytes = "1 two"};
    const struct diagnostic diagnostic = {
        .file = file, .line = 7, .line_bytes = 5, .error = &error, .excerpt = &excerpt};
    char text[DIAGNOSTIC_TEXT_MAX];
    text[message_of(text, &diagnostic)] = '\0';
    assert_memory_equal(text, "first/mmm", 9);
    assert_non_null(strstr(text, "mm...mm"));
    assert_non_null(strstr(text, "mm/last:7:3: error: \"two\" is not a number\n    1 two\n"));
}

static void assert_text(const char *text, size_t size, const char *expected)
{
    if (size != strlen(expected) || memcmp(text, expected, size) != 0)
        fail_msg("text is \"%.*s\", expected \"%s\"", (int)size, text, expected);
}

/* The column behind the token does not fit 64 bits: the caret still has the token's length. */
static void test_token_without_end(void **state)
{
    (void)state;
    struct shmsum_line_error error = {
        .column = 3, .token_bytes = UINT64_MAX, .token = "twotwotwotwotwotwotwotwotwotwotw"};
    struct excerpt excerpt = {.anchor = 3, .first = 1, .size = 6, .bytes = "1 twot"};
    char text[DIAGNOSTIC_TEXT_MAX];
    const struct diagnostic diagnostic = {
        .file = "f", .line = 1, .line_bytes = UINT64_MAX, .error = &error, .excerpt = &excerpt};
    assert_text(text, message_of(text, &diagnostic),
                "f:1:3: error: \"twotwotwotwotwotwotwotwotwotwotw...\" is not a number\n"
                "    1 twot...\n"
                "      ^~~~\n");
}

static void test_results(void **state)
{
    (void)state;
    static const struct {
        struct shmsum_line_error error;
        const char *text;
    } cases[] = {
        {{SHMSUM_NOT_A_NUMBER, 3, 3, "two"}, "error: column 3: \"two\" is not a number"},
        {{SHMSUM_NOT_A_NUMBER_COMMA, 1, 3, "1,5"},
         "error: column 1: \"1,5\" is not a number: use \".\" as the decimal point"},
        {{SHMSUM_NOT_A_NUMBER_POINT, 1, 3, "1.5"},
         "error: column 1: \"1.5\" is not a number: use \",\" as the decimal point"},
        {{SHMSUM_OUT_OF_RANGE, 12, 6, "1e1000"},
         "error: column 12: number out of range: \"1e1000\""},
        {{SHMSUM_NOT_A_NUMBER, 5, 4, "\033\0\n\177"},
         "error: column 5: \"\\x1b\\x00\\x0a\\x7f\" is not a number"},
        {{SHMSUM_NOT_A_NUMBER, UINT64_MAX, UINT64_MAX, "abcdefghijklmnopqrstuvwxyz012345"},
         "error: column 18446744073709551615: \"abcdefghijklmnopqrstuvwxyz012345...\" is not a "
         "number"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[DIAGNOSTIC_RESULT_MAX];
        assert_text(text, diagnostic_result(text, &cases[i].error), cases[i].text);
    }
}

/* In color the text is the same, and every sequence of color is reset. */
static void test_color(void **state)
{
    (void)state;
    struct course course;
    course_begin(&course, '.');
    static const char line[] = "1 two 3\n";
    course_feed(&course, (const uint8_t *)line, strlen(line));
    char text[DIAGNOSTIC_TEXT_MAX];
    const struct diagnostic diagnostic = {
        .file = "in",
        .line = 7,
        .line_bytes = strlen(line) - 1,
        .error = &course.parser.error,
        .excerpt = &course.excerpt,
        .look.color = true,
    };
    assert_text(text, message_of(text, &diagnostic),
                "\033[1min:7:3: \033[1;31merror:\033[0m \"two\" is not a number\n"
                "    1 two 3\n"
                "      \033[1;32m^~~\033[0m\n");
    assert_text(text, warning_of(text, "in", 7, "beware", true),
                "\033[1min:7: \033[1;35mwarning:\033[0m beware\n");
}

static void test_warnings_and_names(void **state)
{
    (void)state;
    static const struct {
        const char *file, *shown;
    } cases[] = {
        {"numbers.txt", "numbers.txt"},
        {"\033]0;x\007", "\\x1b]0;x\\x07"},
        {"two\nlines", "two\\x0alines"},
        {"\320\264\320\260", "\320\264\320\260"}, /* Cyrillic */
        {"a\302\233b", "a\\xc2\\x9bb"},           /* U+009B, the 8-bit CSI */
        {"\233", "\\x9b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[DIAGNOSTIC_TEXT_MAX], expected[256];
        snprintf(expected, sizeof expected, "%s:12: warning: beware\n", cases[i].shown);
        assert_text(text, warning_of(text, cases[i].file, 12, "beware", false), expected);
        struct course course;
        course_begin(&course, '.');
        course_feed(&course, (const uint8_t *)"x\n", 2);
        snprintf(expected, sizeof expected, "%s:3:1: error: \"x\" is not a number\n    x\n    ^\n",
                 cases[i].shown);
        assert_text(text, course_end(&course, text, cases[i].file, 3, 1), expected);
    }
}

int main(void)
{
    rng.state = random_seed("test_diagnostic");
    oracle_init(&oracle);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),           cmocka_unit_test(test_random_lines),
        cmocka_unit_test(test_longest_texts),      cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_token_without_end),  cmocka_unit_test(test_results),
        cmocka_unit_test(test_warnings_and_names), cmocka_unit_test(test_color),
    };
    int failed = cmocka_run_group_tests_name("diagnostic", tests, NULL, NULL);
    oracle_clean_up(&oracle);
    return failed;
}
