/* test_options.c - the command line: what each option does, and the message for a bad one. */
#include <errno.h>
#include <inttypes.h>

#include "parent/options.h"

#include "unit.h"

enum { ARGUMENTS_MAX = 16 };

static struct options options;
static char said[OPTIONS_MESSAGE_MAX];

/* Parses "shmsum" and the words of the command line, which are separated by '|'. */
static int parse(const char *line)
{
    static char words[4096];
    static char *argv[ARGUMENTS_MAX + 2];
    int argc = 0;
    snprintf(words, sizeof words, "shmsum%s%s", *line != '\0' ? "|" : "", line);
    for (char *at = words; at != NULL;) {
        char *bar = strchr(at, '|');
        if (bar != NULL)
            *bar++ = '\0';
        assert_true(argc <= ARGUMENTS_MAX);
        argv[argc++] = at;
        at = bar;
    }
    argv[argc] = NULL;
    memset(&options, 0x5a, sizeof options);
    memset(said, 0, sizeof said);
    return options_parse(&options, argc, argv, said);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(options.action, OPTIONS_RUN);
    assert_string_equal(options.output, "results.txt");
    assert_false(options.append);
    assert_false(options.sync);
    assert_false(options.stats);
    assert_false(options.explain);
    assert_null(options.trace);
    assert_int_equal(options.point, '.');
    assert_int_equal(options.blank_lines, BLANK_LINES_END);
    assert_int_equal(options.format, RESULT_TEXT);
    assert_int_equal(options.prompt, WHEN_AUTO);
    assert_int_equal(options.color, WHEN_AUTO);
    assert_int_equal(options.progress, WHEN_AUTO);
    assert_int_equal(options.sandbox, SANDBOX_AUTO);
    assert_int_equal(options.max_errors, 20);
    assert_int_equal(options.geometry.slots, 16);
    assert_int_equal(options.geometry.payload_bytes, 65536);
    assert_int_equal(options.input_count, 1);
    assert_string_equal(options.inputs[0], "-");
}

static void test_values(void **state)
{
    (void)state;
    static const char *const outputs[] = {"-o|x",       "-ox",     "--output=x",
                                          "--output|x", "--out=x", "-o|y|--output=x"};
    for (size_t i = 0; i < COUNT(outputs); i++) {
        assert_int_equal(parse(outputs[i]), 0);
        assert_string_equal(options.output, "x");
        assert_string_equal(options.inputs[0], "-");
    }
    assert_int_equal(parse("-o|-"), 0);
    assert_string_equal(options.output, "-");
#define SETS(line, field, value)                  \
    do {                                          \
        assert_int_equal(parse(line), 0);         \
        assert_int_equal(options.field, (value)); \
    } while (0)
    SETS("--append", append, true);
    SETS("--app", append, true);
    SETS("--fsync", sync, true);
    SETS("--stats", stats, true);
    SETS("--explain", explain, true);
    assert_int_equal(parse("--trace|t.json"), 0);
    assert_string_equal(options.trace, "t.json");
    SETS("--decimal-comma", point, ',');
    SETS("--dec", point, ',');
    SETS("--blank-lines=end", blank_lines, BLANK_LINES_END);
    SETS("--blank-lines=zero", blank_lines, BLANK_LINES_ZERO);
    SETS("--blank-lines|skip", blank_lines, BLANK_LINES_SKIP);
    SETS("--blank-lines=zero|--blank-lines=end", blank_lines, BLANK_LINES_END);
    SETS("--format=text", format, RESULT_TEXT);
    SETS("--format|json", format, RESULT_JSON);
    SETS("--prompt=auto", prompt, WHEN_AUTO);
    SETS("--prompt=always", prompt, WHEN_ALWAYS);
    SETS("--prompt=never", prompt, WHEN_NEVER);
    SETS("--color=auto", color, WHEN_AUTO);
    SETS("--color=always", color, WHEN_ALWAYS);
    SETS("--color|never", color, WHEN_NEVER);
    SETS("--progress", progress, WHEN_ALWAYS);
    SETS("--progress=auto", progress, WHEN_AUTO);
    SETS("--progress=never", progress, WHEN_NEVER);
    SETS("--progress=never|--progress", progress, WHEN_ALWAYS);
    SETS("--max-errors=0", max_errors, 0);
    SETS("--max-errors=18446744073709551615", max_errors, UINT64_MAX);
    SETS("--max-errors=007", max_errors, 7);
    SETS("--slots=1", geometry.slots, 1);
    SETS("--slots=1024", geometry.slots, 1024);
    SETS("--slot-bytes=1", geometry.payload_bytes, 1);
    SETS("--slot-bytes=1048576", geometry.payload_bytes, 1048576);
    SETS("--sandbox=auto", sandbox, SANDBOX_AUTO);
    SETS("--sandbox=require", sandbox, SANDBOX_REQUIRE);
    SETS("--sandbox|off", sandbox, SANDBOX_OFF);
    SETS("--sandbox=off|--sandbox=auto", sandbox, SANDBOX_AUTO);
    SETS("--help", action, OPTIONS_HELP);
    SETS("--version", action, OPTIONS_VERSION);
#undef SETS
}

static void test_inputs(void **state)
{
    (void)state;
    assert_int_equal(parse("a|b|-|c"), 0);
    assert_int_equal(options.input_count, 4);
    assert_string_equal(options.inputs[0], "a");
    assert_string_equal(options.inputs[2], "-");
    assert_string_equal(options.inputs[3], "c");
    /* options after a file; and files that look like options */
    assert_int_equal(parse("a|--append|b"), 0);
    assert_true(options.append);
    assert_int_equal(options.input_count, 2);
    assert_string_equal(options.inputs[0], "a");
    assert_string_equal(options.inputs[1], "b");
    assert_int_equal(parse("--|--append|-o"), 0);
    assert_false(options.append);
    assert_int_equal(options.input_count, 2);
    assert_string_equal(options.inputs[0], "--append");
    assert_string_equal(options.inputs[1], "-o");
    /* the next call of options_parse starts from scratch */
    assert_int_equal(parse("z"), 0);
    assert_int_equal(options.input_count, 1);
    assert_string_equal(options.inputs[0], "z");
}

#define NINES "99999999999999999999999999999999999999999999999999"
#define SLOTS_WANTED "expected a number from 1 to 1024"

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"--foo", "--foo: unknown option"},
        {"a|--foo=1|b", "--foo=1: unknown option"},
        {"-x", "-x: unknown option"},
        {"-xyz", "-x: unknown option"},
        {"-ab|file", "-a: unknown option"},
        {"-o", "-o: needs a value"},
        {"--prompt", "--prompt: needs a value"},
        {"--append=1", "--append=1: takes no value"},
        {"--help=1", "--help=1: takes no value"},
        {"--slots", "--slots: needs a value"},
        {"-o|", "--output=: expected a file name"},
        {"--output=", "--output=: expected a file name"},
        {"--blank-lines=", "--blank-lines=: expected end, zero or skip"},
        {"--blank-lines=ends", "--blank-lines=ends: expected end, zero or skip"},
        {"--blank-lines=END", "--blank-lines=END: expected end, zero or skip"},
        {"--format=", "--format=: expected text or json"},
        {"--prompt=maybe", "--prompt=maybe: expected auto, always or never"},
        {"--color=yes", "--color=yes: expected auto, always or never"},
        {"--progress=", "--progress=: expected auto, always or never"},
        {"--sandbox", "--sandbox: needs a value"},
        {"--sandbox=on", "--sandbox=on: expected auto, require or off"},
        {"--trace", "--trace: needs a value"},
        {"--trace=", "--trace=: expected a file name"},
        {"--max-errors=", "--max-errors=: expected a number of messages, 0 or more"},
        {"--max-errors=-1", "--max-errors=-1: expected a number of messages, 0 or more"},
        {"--max-errors=18446744073709551616",
         "--max-errors=18446744073709551616: expected a number of messages, 0 or more"},
        {"--slots=0", "--slots=0: " SLOTS_WANTED},
        {"--slots=1025", "--slots=1025: " SLOTS_WANTED},
        {"--slots= 1", "--slots= 1: " SLOTS_WANTED},
        {"--slots=1 ", "--slots=1 : " SLOTS_WANTED},
        {"--slots=+1", "--slots=+1: " SLOTS_WANTED},
        {"--slots=0x1", "--slots=0x1: " SLOTS_WANTED},
        {"--slots=1k", "--slots=1k: " SLOTS_WANTED},
        {"--slots=4294967297", "--slots=4294967297: " SLOTS_WANTED},
        {"--slots=18446744073709551617", "--slots=18446744073709551617: " SLOTS_WANTED},
        {"--slot-bytes=0", "--slot-bytes=0: expected a number from 1 to 1048576"},
        {"--slot-bytes=1048577", "--slot-bytes=1048577: expected a number from 1 to 1048576"},
        {"--slots=" NINES NINES NINES, "--slots=" NINES NINES ": " SLOTS_WANTED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(parse(cases[i].line), -EINVAL);
        assert_string_equal(said, cases[i].said);
    }
}

/* A byte other than "o" is no short option, and the message names it. */
static void test_strange_short_options(void **state)
{
    (void)state;
    assert_int_equal(parse("-\303\251|file"), -EINVAL); /* an e with an accent */
    assert_non_null(strstr(said, "\303"));
    assert_non_null(strstr(said, "unknown option"));
    assert_int_equal(parse("a|-\303\251tude"), -EINVAL);
    assert_non_null(strstr(said, "\303"));
    assert_non_null(strstr(said, "unknown option"));
    for (int c = 1; c < 256; c++) {
        char line[] = {'-', (char)c, '\0'};
        if (c == '-' || c == 'o' || c == '|')
            continue;
        assert_int_equal(parse(line), -EINVAL);
        assert_ptr_equal(strchr(said, c), said + 1);
        assert_string_equal(said + 2, ": unknown option");
    }
}

/* An abbreviation of several options is refused. */
static void test_ambiguous(void **state)
{
    (void)state;
    static const char *const lines[] = {"--s", "--slot=5", "--s=5"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i]), -EINVAL);
        assert_memory_equal(said, lines[i], strlen(lines[i]));
    }
}

/* ---- the rows of the table ---- */

/* Parses "--NAME" followed by the formatted text. */
__attribute__((format(printf, 2, 3))) static int parse_row(const struct option_row *row,
                                                           const char *format, ...)
{
    char line[256];
    int used = snprintf(line, sizeof line, "--%s", row->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    return parse(line);
}

static void takes(const struct option_row *row, const char *value, uint64_t number)
{
    assert_int_equal(parse_row(row, "=%s", value), 0);
    assert_true(member_get(&options, &row->where) == number);
    if (row->alone == NULL) {
        assert_int_equal(parse_row(row, "|%s", value), 0);
        assert_true(member_get(&options, &row->where) == number);
    }
}

/* The message names the option, the value and each word or limit of the row. */
static void refuses(const struct option_row *row, const char *value)
{
    char begin[256];
    snprintf(begin, sizeof begin, "--%s=%s: expected ", row->name, value);
    assert_int_equal(parse_row(row, "=%s", value), -EINVAL);
    assert_memory_equal(said, begin, strlen(begin));
    for (size_t i = 0; row->words != NULL && row->words[i] != NULL; i++)
        assert_non_null(strstr(said + strlen(begin), row->words[i]));
}

static void check_words(const struct option_row *row)
{
    for (size_t i = 0; row->words[i] != NULL; i++) {
        char other[32];
        takes(row, row->words[i], i);
        snprintf(other, sizeof other, "%ss", row->words[i]);
        refuses(row, other);
        snprintf(other, sizeof other, " %s", row->words[i]);
        refuses(row, other);
        snprintf(other, sizeof other, "%s", row->words[i]);
        other[strlen(other) - 1] = '\0';
        refuses(row, other);
        other[0] = (char)(row->words[i][0] - 'a' + 'A');
        refuses(row, other);
    }
    refuses(row, "");
    refuses(row, "0");
}

static void check_number(const struct option_row *row)
{
    char value[64];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t limit = i == 0 ? row->low : row->high;
        snprintf(value, sizeof value, "%" PRIu64, limit);
        takes(row, value, limit);
        snprintf(value, sizeof value, "000%" PRIu64, limit);
        takes(row, value, limit);
        snprintf(value, sizeof value, "+%" PRIu64, limit);
        refuses(row, value);
        snprintf(value, sizeof value, "%" PRIu64 " ", limit);
        refuses(row, value);
    }
    snprintf(value, sizeof value, "%" PRIu64 "0", row->high);
    refuses(row, value);
    if (row->low > 0) {
        snprintf(value, sizeof value, "%" PRIu64, row->low - 1);
        refuses(row, value);
    }
    if (row->high < UINT64_MAX) {
        snprintf(value, sizeof value, "%" PRIu64, row->high + 1);
        refuses(row, value);
    }
    refuses(row, "-1");
    refuses(row, "");
}

static void check_flag(const struct option_row *row)
{
    assert_int_equal(parse_row(row, "%s", ""), 0);
    assert_true(member_get(&options, &row->where) == row->on);
    assert_int_equal(parse(""), 0);
    assert_true(member_get(&options, &row->where) == row->off);
    assert_true(row->on != row->off);
    assert_int_equal(parse_row(row, "=%s", "x"), -EINVAL);
    assert_non_null(strstr(said, "=x: takes no value"));
}

/* Each row of the table behaves as its kind demands. test_values has the values once more. */
static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        const struct option_row *row = &options_rows[i];
        if (row->kind == OPTION_FLAG) {
            check_flag(row);
            continue;
        }
        if (row->kind == OPTION_WORDS)
            check_words(row);
        else if (row->kind == OPTION_NUMBER)
            check_number(row);
        else
            refuses(row, "");
        if (row->alone == NULL) {
            assert_int_equal(parse_row(row, "%s", ""), -EINVAL);
            assert_non_null(strstr(said, ": needs a value"));
        } else {
            assert_int_equal(parse_row(row, "|%s", row->words[0]), 0);
            assert_string_equal(options.inputs[0], row->words[0]); /* not its value */
        }
    }
}

/* The description of a row in --help, up to its '\n', names its words or range, and its default. */
static void check_description(const struct option_row *row, const char *description)
{
    char text[160], expected[64];
    snprintf(text, sizeof text, "%.*s", (int)strcspn(description, "\n"), description);
    for (size_t i = 0; row->kind == OPTION_WORDS && row->words[i] != NULL; i++) {
        assert_non_null(strstr(text, row->words[i]));
        if (strcmp(row->words[i], row->initial) == 0) {
            /* "default" is between this word and the next one */
            const char *next = row->words[i + 1] == NULL ? NULL : strstr(text, row->words[i + 1]);
            const char *mark = strstr(strstr(text, row->words[i]), "default");
            assert_non_null(mark);
            assert_true(next == NULL || mark < next);
        }
    }
    if (row->kind == OPTION_NUMBER && row->high < UINT64_MAX) {
        snprintf(expected, sizeof expected, "%" PRIu64 " to %" PRIu64, row->low, row->high);
        assert_non_null(strstr(text, expected));
    }
    if (row->kind == OPTION_NUMBER || (row->kind == OPTION_TEXT && row->initial != NULL)) {
        snprintf(expected, sizeof expected, "(default %s", row->initial);
        assert_non_null(strstr(text, expected));
    }
}

/* --help has one entry for each row, in their order, and none besides. */
static void test_help_is_the_table(void **state)
{
    (void)state;
    const char *at = options_help;
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        const struct option_row *row = &options_rows[i];
        at = strstr(at, "--");
        assert_non_null(at);
        if (row->letter != '\0') {
            char letter[] = {' ', '-', row->letter, ',', ' ', '\0'};
            assert_memory_equal(at - strlen(letter), letter, strlen(letter));
        }
        at += 2;
        assert_memory_equal(at, row->name, strlen(row->name));
        at += strlen(row->name);
        if (row->kind == OPTION_FLAG)
            assert_true(*at == ' ' || *at == ',');
        else
            assert_memory_equal(at, row->alone == NULL ? "=" : "[=", row->alone == NULL ? 1 : 2);
        const char *description = strstr(at, "  ");
        assert_non_null(description);
        check_description(row, description);
    }
    assert_null(strstr(at, "--"));
}

static void test_help(void **state)
{
    (void)state;
    size_t size = strlen(options_help);
    assert_int_equal(options_help[size - 1], '\n');
    for (const char *line = options_help; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= 100);
}

int main(void)
{
    unsetenv("POSIXLY_CORRECT"); /* else getopt stops at the first file */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_inputs),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_ambiguous), cmocka_unit_test(test_strange_short_options),
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_help_is_the_table),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
