/* test_options.c - the command line: what each option does, and what is said of a bad one. */
#include <errno.h>

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
    /* options behind a file, and what only looks like one */
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
    /* the next parse begins anew */
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

/* What is no ASCII letter is no option either, and the message says which argument it was. */
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

/* An abbreviation that fits several options names none of them. */
static void test_ambiguous(void **state)
{
    (void)state;
    static const char *const lines[] = {"--s", "--slot=5", "--s=5"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(parse(lines[i]), -EINVAL);
        assert_memory_equal(said, lines[i], strlen(lines[i]));
    }
}

/* The help knows every option that there is. */
static void test_help(void **state)
{
    (void)state;
    static const char *const names[] = {
        "-o, --output=",  "--format=", "--append ",     "--fsync ",           "--decimal-comma ",
        "--blank-lines=", "--prompt=", "--color=",      "--progress[=WHEN] ", "--max-errors=",
        "--stats ",       "--slots=",  "--slot-bytes=", "--sandbox=",         "--explain ",
        "--trace=",       "--help",    "--version"};
    for (size_t i = 0; i < COUNT(names); i++)
        assert_non_null(strstr(options_help, names[i]));
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
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
