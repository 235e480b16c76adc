/* test_inherited.c - src/parent/inherited.h: which descriptors are closed. The system here only
 * notes the ranges. tests/processes/test_starts.c has descriptors. */
#include "parent/inherited.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

static char closed[256]; /* " first-last" of each call */
static int result;

static int note_range(const struct shmsum_os *os, int first, int last)
{
    (void)os;
    char range[32];
    snprintf(range, sizeof range, last == INT_MAX ? " %d-" : " %d-%d", first, last);
    assert_true(strlen(closed) + strlen(range) < sizeof closed);
    strcat(closed, range);
    return result;
}

static const struct shmsum_os noting = {.close_range = note_range};

static void check(const char *output, const char *trace, char *inputs[], const char *expected)
{
    struct options options = {.output = output, .trace = trace, .inputs = inputs};
    while (inputs[options.input_count] != NULL)
        options.input_count++;
    closed[0] = '\0';
    result = 0;
    assert_int_equal(inherited_close(&noting, &options), 0);
    assert_string_equal(closed, expected);
    result = -ENOSYS;
    assert_int_equal(inherited_close(&noting, &options), expected[0] == '\0' ? 0 : -ENOSYS);
}

#define INPUTS(...)       \
    (char *[])            \
    {                     \
        __VA_ARGS__, NULL \
    }

static void test_ranges(void **state)
{
    (void)state;
    static char stdin_name[] = "-", file[] = "file", second[] = "/dev/fd/2", three[] = "/dev/fd/3";
    static char ten[] = "/dev/fd/10", nine[] = "/proc/self/fd/9", far[] = "/proc/thread-self/fd/63";
    static char none[] = "/dev/fd/", sign[] = "/dev/fd/-4", word[] = "/dev/fd/4x";
    static char folder[] = "/dev/fd/4/", huge[] = "/dev/fd/99999999999999999999";
    static char other[] = "/proc/1/fd/5", relative[] = "dev/fd/5";
    check("-", NULL, INPUTS(stdin_name), " 3-");
    check("results.txt", "trace", INPUTS(file, second), " 3-");
    check("-", NULL, INPUTS(three), " 4-");
    check("-", NULL, INPUTS(ten), " 3-9 11-");
    check("-", NULL, INPUTS(far, ten, nine, ten, file), " 3-8 11-62 64-");
    check("/dev/fd/5", "/dev/fd/7", INPUTS(three), " 4-4 6-6 8-");
    check("-", NULL, INPUTS(none, sign, word, folder, huge, other, relative), " 3-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests_name("inherited", tests, NULL, NULL);
}
