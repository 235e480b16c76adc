/* test_output.c - how the results are settled when the child has ended: which claims are believed,
 * when the file is compared, and when it is cut and counted. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "messages/message.h"
#include "parent/output.h"
#include "unit.h"

enum { CLAIMED = 77, START = 4 };

/* What is in the file from START on, what the child claims, and what must come of it. */
struct settling {
    const char *text;
    enum output_belief belief;
    uint64_t bytes;
    bool is_reported;
    uint64_t lines;    /* expected */
    int mismatch;      /* expected errno */
    const char *after; /* expected */
};

static int new_file(const char *text)
{
    int fd = scratch_file();
    size_t size = strlen(text);
    assert_int_equal(write(fd, "old\n", START), START);
    assert_int_equal(write(fd, text, size), size);
    return fd;
}

static void check_settling(const struct settling *row, bool begun, bool regular, bool standard)
{
    struct output output = {
        .os = shmsum_os_default(),
        .name = "results",
        .fd = new_file(row->text),
        .regular = regular,
        .standard = standard,
        .begun = begun,
        .start = START,
    };
    const struct output_claim claim = {row->belief, CLAIMED, row->bytes, row->is_reported};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    assert_int_equal(settled.lines, row->lines);
    assert_int_equal(settled.mismatch.error, row->mismatch);
    if (row->mismatch != 0) {
        assert_string_equal(settled.mismatch.call, "results");
        assert_string_equal(settled.mismatch.object, "results");
    }
    assert_int_equal(settled.uncut.error, 0);
    char after[64];
    int size = snprintf(after, sizeof after, "old\n%s", row->after);
    assert_file_holds(output.fd, after, (size_t)size);
    close(output.fd);
}

static void test_file(void **state)
{
    (void)state;
    static const struct settling rows[] = {
        /* as claimed: the claim is the number, unless a message needs it counted */
        {"1\n2\n", OUTPUT_COMPLETE, 4, false, CLAIMED, 0, "1\n2\n"},
        {"1\n2\n", OUTPUT_COMPLETE, 4, true, 2, 0, "1\n2\n"},
        {"", OUTPUT_COMPLETE, 0, false, CLAIMED, 0, ""},
        /* not as claimed: too few bytes, too many, or a torn line */
        {"1\n2\n", OUTPUT_COMPLETE, 6, false, 2, REFUSED_NOT_AS_CLAIMED, "1\n2\n"},
        {"1\n2\n", OUTPUT_COMPLETE, 2, false, 2, REFUSED_NOT_AS_CLAIMED, "1\n2\n"},
        {"1\n23", OUTPUT_COMPLETE, 4, false, 1, REFUSED_NOT_AS_CLAIMED, "1\n"},
        /* the child stopped, or is not believed: always cut and counted */
        {"1\n2\n", OUTPUT_STOPPED, 4, false, 2, 0, "1\n2\n"},
        {"1\n23", OUTPUT_STOPPED, 4, false, 1, 0, "1\n"},
        {"1\n23", OUTPUT_UNBELIEVED, 4, false, 1, 0, "1\n"},
        {"123", OUTPUT_UNBELIEVED, 3, false, 0, 0, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_settling(&rows[i], true, true, false);
}

/* Other processes may write to standard output, behind the results. */
static void test_standard_output(void **state)
{
    (void)state;
    static const struct settling rows[] = {
        {"1\nothers", OUTPUT_COMPLETE, 2, false, CLAIMED, 0, "1\nothers"},
        {"1\nothers", OUTPUT_COMPLETE, 2, true, CLAIMED, 0, "1\nothers"},
        {"1\nothers", OUTPUT_STOPPED, 2, true, CLAIMED, 0, "1\nothers"},
        {"1\n2\n", OUTPUT_COMPLETE, 6, false, 2, REFUSED_NOT_AS_CLAIMED, "1\n2\n"},
        {"1\n2", OUTPUT_COMPLETE, 3, false, 1, REFUSED_NOT_AS_CLAIMED, "1\n"},
        {"1\n2", OUTPUT_UNBELIEVED, 3, false, 1, 0, "1\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_settling(&rows[i], true, true, true);
}

/* What was there before the run is left alone, and what keeps nothing cannot be examined. */
static void test_not_ours(void **state)
{
    (void)state;
    static const struct settling rows[] = {
        {"torn", OUTPUT_COMPLETE, 99, true, CLAIMED, 0, "torn"},
        {"torn", OUTPUT_STOPPED, 99, true, CLAIMED, 0, "torn"},
        {"torn", OUTPUT_UNBELIEVED, 99, true, CLAIMED, 0, "torn"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        check_settling(&rows[i], false, true, false);
        check_settling(&rows[i], false, true, true);
        check_settling(&rows[i], true, false, false);
        check_settling(&rows[i], true, false, true);
    }
}

/* A file that cannot be counted: the claim stays the number, and the reason is reported. */
static void test_uncut(void **state)
{
    (void)state;
    struct output output = {
        .os = shmsum_os_default(), .name = "results", .fd = -1, .regular = true, .begun = true};
    const struct output_claim claim = {.belief = OUTPUT_UNBELIEVED, .lines = CLAIMED};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    assert_int_equal(settled.lines, CLAIMED);
    assert_int_equal(settled.uncut.error, EBADF);
    assert_string_equal(settled.uncut.call, "fstat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_standard_output),
        cmocka_unit_test(test_not_ours),
        cmocka_unit_test(test_uncut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
