/* test_stats.c - what --stats says of a sandbox. cli.stats has the whole report. */
#include "parent/stats.h"

#include "unit.h"

#define WITH_ABI(parts) ((uint64_t)(parts) | 7 << SANDBOX_ABI_SHIFT)

static void check(enum sandbox_mode mode, enum sandbox_part parts, uint64_t granted,
                  const char *expected)
{
    char bytes[160];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    stats_add_sandbox(&text, mode, parts, granted);
    assert_string_equal(text.bytes, expected);
}

static void test_sandbox(void **state)
{
    (void)state;
    check(SANDBOX_REQUIRE, SANDBOX_CHILD, WITH_ABI(SANDBOX_CHILD),
          "no_new_privs, descriptors, rlimits, capabilities, landlock 7, seccomp");
    check(SANDBOX_AUTO, SANDBOX_PARENT, WITH_ABI(SANDBOX_PARENT),
          "no_new_privs, descriptors, landlock 7, seccomp");
    check(SANDBOX_AUTO, SANDBOX_CHILD, SANDBOX_NO_NEW_PRIVS | SANDBOX_LIMITS,
          "no_new_privs, rlimits; not granted: descriptors, capabilities, landlock, seccomp");
    check(SANDBOX_AUTO, SANDBOX_PARENT, 0,
          "not granted: no_new_privs, descriptors, landlock, seccomp");
    check(SANDBOX_OFF, SANDBOX_PARENT, 0, "off");
}

/* Whatever a hostile child reports: two sandboxes leave room for the counts in the report. */
static void test_any_value(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 256; bits++) {
        char bytes[160];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        stats_add_sandbox(&text, SANDBOX_AUTO, SANDBOX_CHILD, UINT64_MAX << 8 | bits);
        assert_false(text.cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox),
        cmocka_unit_test(test_any_value),
    };
    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
