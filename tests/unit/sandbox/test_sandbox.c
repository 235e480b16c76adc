/* test_sandbox.c - src/sandbox/sandbox.h: which rights are given up, in which order, and what
 * happens when the system refuses. The system here grants everything and does nothing;
 * tests/processes/test_sandbox.c uses the real one. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

#include "fault_os.h"
#include "sandbox/sandbox.h"

enum { ABI = 7, CHILD = 4711 };

static struct fault_os faults;
static struct shmsum_os granting;
static char order[16]; /* a letter for each right that was given up */
static int abi;
static bool reading;
static const char *foreign; /* what was loaded */
static int closed;          /* by the parent at its start */

static int give_up(char letter)
{
    size_t used = strlen(order);
    assert_true(used < sizeof order - 1);
    order[used] = letter;
    order[used + 1] = '\0';
    return 0;
}

static int no_new_privs(const struct shmsum_os *os)
{
    (void)os;
    return give_up('n');
}

static int not_dumpable(const struct shmsum_os *os)
{
    (void)os;
    return give_up('d');
}

static int set_limit(const struct shmsum_os *os, int resource, uint64_t limit)
{
    (void)os;
    assert_int_equal(limit, resource == RLIMIT_NOFILE ? 1 : 0);
    switch (resource) {
    case RLIMIT_NOFILE:
        return give_up('F');
    case RLIMIT_NPROC:
        return give_up('P');
    case RLIMIT_CORE:
        return give_up('C');
    case RLIMIT_AS:
        return give_up('A');
    default:
        return give_up('?');
    }
}

static int no_capabilities(const struct shmsum_os *os)
{
    (void)os;
    return give_up('k');
}

static int close_from(const struct shmsum_os *os, int first, int last)
{
    (void)os;
    assert_int_equal(first, 3);
    assert_int_equal(last, INT_MAX);
    return give_up('c');
}

static int forbid_paths(const struct shmsum_os *os, bool with_reading)
{
    (void)os;
    reading = with_reading;
    give_up('l');
    return abi;
}

static int filter_calls(const struct shmsum_os *os, const void *filter, size_t bytes)
{
    (void)os;
    assert_non_null(filter);
    assert_true(bytes > 0 && bytes % 8 == 0 && bytes < CALL_FILTER_BYTES_MAX);
    return give_up('s');
}

static int set_up(void **state)
{
    (void)state;
    granting = *shmsum_os_default();
    granting.set_no_new_privs = no_new_privs;
    granting.clear_dumpable = not_dumpable;
    granting.setrlimit = set_limit;
    granting.drop_capabilities = no_capabilities;
    granting.close_range = close_from;
    granting.landlock_restrict = forbid_paths;
    granting.seccomp = filter_calls;
    fault_os_init(&faults, &granting);
    order[0] = '\0';
    abi = ABI;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fault_os_leaks(&faults), 0);
    fault_os_clean_up(&faults);
    return 0;
}

static int enter(struct sandbox *sandbox, bool child, enum sandbox_mode mode,
                 struct shmsum_failure *why)
{
    *why = (struct shmsum_failure){0};
    order[0] = '\0';
    const struct sandbox_setting setting = {mode, foreign};
    if (child)
        sandbox_prepare_child(sandbox, &faults.os, &setting, false, 0);
    else
        sandbox_prepare_parent(sandbox, &faults.os, &setting, CHILD, closed);
    assert_string_equal(order, ""); /* preparing gives up nothing */
    return sandbox_enter(sandbox, why);
}

/* A build without libseccomp has no filters. */
static bool has_filters(void)
{
    struct call_filter filter;
    int result = call_filter_make_child(&filter, &faults.os, false, 0);
    assert_true(result == 0 || result == -ENOTSUP);
    return result == 0;
}

#define WITH_ABI(parts) ((uint64_t)(parts) | (uint64_t)ABI << SANDBOX_ABI_SHIFT)

static void test_everything(void **state)
{
    (void)state;
    if (!has_filters())
        skip();
    struct sandbox sandbox;
    struct shmsum_failure why;
    for (int i = 0; i < 2; i++) {
        enum sandbox_mode mode = i == 0 ? SANDBOX_AUTO : SANDBOX_REQUIRE;
        assert_int_equal(enter(&sandbox, true, mode, &why), 0);
        assert_null(why.call);
        assert_true(sandbox.granted == WITH_ABI(SANDBOX_CHILD));
        /* Landlock needs a descriptor, so it precedes the limits; seccomp forbids all these calls,
         * so it is last. */
        assert_string_equal(order, "nlcFPCAdks");
        assert_false(reading);
        assert_int_equal(enter(&sandbox, false, mode, &why), 0);
        assert_true(sandbox.granted == WITH_ABI(SANDBOX_PARENT));
        assert_string_equal(order, "nls");
        assert_true(reading);
    }
}

/* Foreign code bears new privileges and Landlock; to require more is an error. */
static void test_foreign(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct shmsum_failure why;
    foreign = "LD_PRELOAD";
    for (int child = 0; child < 2; child++) {
        assert_int_equal(enter(&sandbox, child, SANDBOX_AUTO, &why), 0);
        assert_string_equal(order, "nl");
        assert_true(sandbox.granted == WITH_ABI(SANDBOX_NO_NEW_PRIVS | SANDBOX_LANDLOCK));
        assert_true(sandbox_is_plausible(SANDBOX_AUTO, sandbox.granted));
        assert_int_equal(enter(&sandbox, child, SANDBOX_OFF, &why), 0);
        assert_string_equal(order, "");
        assert_int_equal(enter(&sandbox, child, SANDBOX_REQUIRE, &why), -EPERM);
        assert_string_equal(order, "");
        assert_string_equal(why.call, "sandbox");
        assert_string_equal(why.object, "LD_PRELOAD");
    }
    assert_int_equal(sandbox_check(SANDBOX_AUTO, foreign, NULL), 0);
    assert_int_equal(sandbox_check(SANDBOX_OFF, foreign, NULL), 0);
    assert_int_equal(sandbox_check(SANDBOX_REQUIRE, foreign, NULL), -EPERM);
    assert_int_equal(sandbox_check(SANDBOX_REQUIRE, NULL, NULL), 0);
    foreign = NULL;
}

/* exit(3) runs what others registered; what is given up in every build does not forbid that. */
static void test_closed(void **state)
{
    (void)state;
    assert_false(sandbox_is_closed(0));
    assert_false(sandbox_is_closed(SANDBOX_NO_NEW_PRIVS | SANDBOX_DESCRIPTORS));
    assert_true(sandbox_is_closed(SANDBOX_LIMITS));
    assert_true(sandbox_is_closed(WITH_ABI(SANDBOX_LANDLOCK)));
    assert_true(sandbox_is_closed(SANDBOX_SECCOMP));
}

static void test_off(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct shmsum_failure why;
    for (int child = 0; child < 2; child++) {
        fault_os_fail(&faults, FAULT_memfd_create, 1, FAULT_FOR_GOOD, EMFILE);
        assert_int_equal(enter(&sandbox, child, SANDBOX_OFF, &why), 0);
        assert_true(sandbox.granted == 0);
        assert_string_equal(order, "");
        assert_int_equal(faults.injected, 0);
        fault_os_heal(&faults);
    }
}

static const struct refused_call {
    enum fault_member member;
    unsigned nth;
    enum sandbox_part part;
    const char *call;
    const char *before; /* rights that the child had given up when SANDBOX_REQUIRE failed */
} calls[] = {
    {FAULT_set_no_new_privs, 1, SANDBOX_NO_NEW_PRIVS, "prctl", ""},
    {FAULT_landlock_restrict, 1, SANDBOX_LANDLOCK, "landlock_create_ruleset", "n"},
    {FAULT_close_range, 1, SANDBOX_DESCRIPTORS, "close_range", "nl"},
    {FAULT_setrlimit, 1, SANDBOX_LIMITS, "setrlimit", "nlc"},
    {FAULT_setrlimit, 2, SANDBOX_LIMITS, "setrlimit", "nlcF"},
    {FAULT_setrlimit, 3, SANDBOX_LIMITS, "setrlimit", "nlcFP"},
    {FAULT_setrlimit, 4, SANDBOX_LIMITS, "setrlimit", "nlcFPC"},
    {FAULT_clear_dumpable, 1, SANDBOX_LIMITS, "prctl", "nlcFPCA"},
    {FAULT_drop_capabilities, 1, SANDBOX_CAPABILITIES, "capset", "nlcFPCAd"},
    {FAULT_seccomp, 1, SANDBOX_SECCOMP, "seccomp", "nlcFPCAdk"},
    {FAULT_memfd_create, 1, SANDBOX_SECCOMP, "seccomp", "nlcFPCAdk"},
    {FAULT_pread, 1, SANDBOX_SECCOMP, "seccomp", "nlcFPCAdk"},
};

/* One call fails: SANDBOX_AUTO goes on without its right, SANDBOX_REQUIRE returns the errno. */
static void check_refused(const struct refused_call *call, bool child)
{
    /* The parent has closed its descriptors before. */
    enum sandbox_part parts = child ? SANDBOX_CHILD : SANDBOX_PARENT & ~SANDBOX_DESCRIPTORS;
    uint64_t granted =
        WITH_ABI((parts | SANDBOX_DESCRIPTORS) & ~(child ? call->part : call->part & parts));
    if (call->part == SANDBOX_LANDLOCK)
        granted &= SANDBOX_CHILD;
    struct sandbox sandbox;
    struct shmsum_failure why;
    enum fault_member member = call->member;
    uint64_t failures = faults.injected;
    fault_os_fail(&faults, member, faults.calls[member] + call->nth, 1, EPERM);
    assert_int_equal(enter(&sandbox, child, SANDBOX_AUTO, &why), 0);
    assert_null(why.call);
    assert_true(sandbox.granted == granted);
    fault_os_heal(&faults);
    if ((call->part & parts) == 0) {
        assert_true(faults.injected == failures);
        return;
    }
    assert_true(faults.injected == failures + 1);

    fault_os_fail(&faults, member, faults.calls[member] + call->nth, 1, EPERM);
    assert_int_equal(enter(&sandbox, child, SANDBOX_REQUIRE, &why), -EPERM);
    assert_string_equal(why.call, call->call);
    assert_string_equal(why.object, child ? "sandbox of the child" : "sandbox of the parent");
    assert_int_equal(why.error, EPERM);
    if (child)
        assert_string_equal(order, call->before);
    fault_os_heal(&faults);
}

/* What the parent could not close at its start is reported when it enters its sandbox. */
static void test_not_closed(void **state)
{
    (void)state;
    if (!has_filters())
        skip();
    struct sandbox sandbox;
    struct shmsum_failure why;
    closed = -ENOSYS;
    assert_int_equal(enter(&sandbox, false, SANDBOX_AUTO, &why), 0);
    assert_true((sandbox.granted & SANDBOX_PARENT) == (SANDBOX_PARENT & ~SANDBOX_DESCRIPTORS));
    assert_int_equal(enter(&sandbox, false, SANDBOX_REQUIRE, &why), -ENOSYS);
    assert_string_equal(why.call, "close_range");
    closed = 0;
}

/* Each call that gives up a right fails in turn. */
static void test_refused(void **state)
{
    (void)state;
    if (!has_filters())
        skip();
    for (size_t i = 0; i < COUNT(calls); i++)
        for (int child = 0; child < 2; child++)
            check_refused(&calls[i], child);
}

static void test_versions_of_landlock(void **state)
{
    (void)state;
    struct sandbox sandbox;
    struct shmsum_failure why;
    abi = 300;
    assert_int_equal(enter(&sandbox, true, SANDBOX_AUTO, &why), 0);
    assert_int_equal(sandbox.granted >> SANDBOX_ABI_SHIFT, SANDBOX_ABI_MAX);
    assert_true(sandbox_is_plausible(SANDBOX_AUTO, sandbox.granted));
}

static void test_plausible(void **state)
{
    (void)state;
    static const struct {
        uint64_t granted;
        bool with_auto, require, off;
    } cases[] = {
        {0, true, false, true},
        {SANDBOX_NO_NEW_PRIVS, true, false, false},
        {WITH_ABI(SANDBOX_CHILD), true, true, false},
        {WITH_ABI(SANDBOX_PARENT), true, false, false},
        {SANDBOX_CHILD, false, false, false},                     /* Landlock without a version */
        {WITH_ABI(SANDBOX_NO_NEW_PRIVS), false, false, false},    /* a version without Landlock */
        {WITH_ABI(SANDBOX_CHILD | 64), false, false, false},      /* an unknown right */
        {WITH_ABI(SANDBOX_CHILD) | 1 << 16, false, false, false}, /* the version is too large */
        {WITH_ABI(SANDBOX_CHILD) | UINT64_C(1) << 63, false, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(sandbox_is_plausible(SANDBOX_AUTO, cases[i].granted), cases[i].with_auto);
        assert_int_equal(sandbox_is_plausible(SANDBOX_REQUIRE, cases[i].granted), cases[i].require);
        assert_int_equal(sandbox_is_plausible(SANDBOX_OFF, cases[i].granted), cases[i].off);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
        cmocka_unit_test(test_closed),
        cmocka_unit_test_setup_teardown(test_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions_of_landlock, set_up, tear_down),
        cmocka_unit_test(test_plausible),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
