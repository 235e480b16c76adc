/* test_output.c - how the results are settled when the child has ended: which claims are believed,
 * what is known of the number of results, and when the file is cut. Another program may have
 * written to the file between the results and behind them, cut it back, removed or replaced it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages/message.h"
#include "parent/output.h"
#include "roles/job.h"
#include "unit.h"

static char folder[] = "/tmp/shmsum-output-XXXXXX";
static char path[sizeof folder + 16], other_path[sizeof folder + 16];

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/results.txt", folder);
    snprintf(other_path, sizeof other_path, "%s/other.txt", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void write_text(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(write(fd, text, size), size);
}

/* Another program appends to the file. */
static void write_foreign(const char *text)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    write_text(fd, text);
    close(fd);
}

/* What is written, what the child claims, and what must come of it. */
struct settling {
    const char *first, *foreign, *second, *behind; /* ours and theirs, in turn */
    enum output_belief belief;
    uint64_t lines, bytes; /* claimed */
    enum result_knowledge known;
    uint64_t count; /* with RESULTS_EXACT and RESULTS_AT_LEAST */
    int mismatch;   /* expected errno */
    int uncut;
    const char *after; /* what the file must hold */
};

/* The results follow `old`, if it is not NULL. */
static void open_results(struct output *output, const char *old)
{
    unlink(path);
    if (old != NULL) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        write_text(fd, old);
        close(fd);
    }
    assert_int_equal(output_open(output, shmsum_os_default(), path, old != NULL, false, NULL), 0);
}

static void check_count(const struct result_count *count, enum result_knowledge known,
                        uint64_t lines)
{
    assert_int_equal(count->known, known);
    if (known == RESULTS_EXACT || known == RESULTS_AT_LEAST)
        assert_int_equal(count->lines, lines);
}

static void check_settling(const struct settling *row, const char *old)
{
    struct output output;
    open_results(&output, old);
    write_text(output.fd, row->first);
    write_foreign(row->foreign);
    write_text(output.fd, row->second);
    write_foreign(row->behind);
    const struct output_claim claim = {row->belief, true, row->lines, row->bytes};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    check_count(&settled.count, row->known, row->count);
    assert_int_equal(settled.mismatch.error, row->mismatch);
    assert_int_equal(settled.uncut.error, row->uncut);
    if (row->mismatch != 0) {
        assert_string_equal(settled.mismatch.call, "results");
        assert_string_equal(settled.mismatch.object, path);
    }
    char after[128];
    int size = snprintf(after, sizeof after, "%s%s", old == NULL ? "" : old, row->after);
    int reader = open(path, O_RDONLY);
    assert_file_holds(reader, after, (size_t)size);
    close(reader);
    /* The offset is at the end of what this run wrote: a cut moves it. */
    if (row->behind[0] == '\0' && row->uncut == 0 && row->mismatch == 0)
        assert_int_equal(lseek(output.fd, 0, SEEK_CUR),
                         row->first[0] == '\0' && row->second[0] == '\0' && old != NULL
                             ? (int)strlen(old)
                             : size);
    assert_int_equal(output_close(&output, NULL), 0);
    unlink(path);
}

/* Nobody else writes to the file. */
static void test_alone(void **state)
{
    (void)state;
    static const struct settling rows[] = {
        /* as claimed */
        {"1\n", "", "2\n", "", OUTPUT_COMPLETE, 2, 4, RESULTS_EXACT, 2, 0, 0, "1\n2\n"},
        {"", "", "", "", OUTPUT_COMPLETE, 0, 0, RESULTS_EXACT, 0, 0, 0, ""},
        {"1\n", "", "2\n", "", OUTPUT_STOPPED, 2, 4, RESULTS_EXACT, 2, 0, 0, "1\n2\n"},
        /* too few bytes, or a torn line */
        {"1\n2\n", "", "", "", OUTPUT_COMPLETE, 3, 6, RESULTS_UNKNOWN, 0, REFUSED_NOT_AS_CLAIMED, 0,
         "1\n2\n"},
        {"1\n2", "", "3", "", OUTPUT_COMPLETE, 2, 4, RESULTS_EXACT, 1, REFUSED_NOT_AS_CLAIMED, 0,
         "1\n"},
        {"1\n", "", "23", "", OUTPUT_STOPPED, 2, 3, RESULTS_EXACT, 1, 0, 0, "1\n"},
        /* killed, or not to be believed */
        {"1\n", "", "23", "", OUTPUT_KILLED, 1, 2, RESULTS_EXACT, 1, 0, 0, "1\n"},
        {"1\n2\n", "", "3\n", "", OUTPUT_KILLED, 1, 2, RESULTS_EXACT, 3, 0, 0, "1\n2\n3\n"},
        {"123", "", "", "", OUTPUT_KILLED, 0, 0, RESULTS_EXACT, 0, 0, 0, ""},
        {"", "", "", "", OUTPUT_KILLED, 0, 0, RESULTS_EXACT, 0, 0, 0, ""},
        {"1\n", "", "23", "", OUTPUT_UNBELIEVED, 99, 2, RESULTS_EXACT, 1, 0, 0, "1\n"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_settling(&rows[i], NULL);
    /* too many bytes */
    static const struct settling more = {
        "1\n2\n", "",      "", "", OUTPUT_COMPLETE, 1, 2, RESULTS_EXACT, 2, REFUSED_NOT_AS_CLAIMED,
        0,        "1\n2\n"};
    check_settling(&more, NULL);
}

/* With --append: who wrote which line is not known, so lines are not counted. */
static void test_appended(void **state)
{
    (void)state;
    static const struct settling rows[] = {
        {"1\n", "", "2\n", "", OUTPUT_COMPLETE, 2, 4, RESULTS_EXACT, 2, 0, 0, "1\n2\n"},
        {"1\n", "x\n", "2\n", "", OUTPUT_COMPLETE, 2, 4, RESULTS_EXACT, 2, 0, 0, "1\nx\n2\n"},
        {"1\n", "x", "2\n", "y", OUTPUT_COMPLETE, 2, 4, RESULTS_EXACT, 2, 0, 0, "1\nx2\ny"},
        {"", "x", "", "y", OUTPUT_COMPLETE, 0, 0, RESULTS_EXACT, 0, 0, 0, "xy"},
        {"1\n", "x\n", "2", "", OUTPUT_COMPLETE, 2, 3, RESULTS_UNKNOWN, 0, REFUSED_NOT_AS_CLAIMED,
         0, "1\nx\n"},
        {"1\n", "", "23", "", OUTPUT_KILLED, 1, 2, RESULTS_AT_LEAST, 1, 0, 0, "1\n"},
        {"", "x", "", "", OUTPUT_KILLED, 0, 0, RESULTS_EXACT, 0, 0, 0, "x"},
        /* What is last is not ours: not cut. */
        {"1\n", "", "23", "y", OUTPUT_KILLED, 1, 2, RESULTS_AT_LEAST, 1, 0, REFUSED_FOREIGN,
         "1\n23y"},
        {"1\n", "x", "", "y", OUTPUT_KILLED, 1, 2, RESULTS_AT_LEAST, 1, 0, REFUSED_FOREIGN,
         "1\nxy"},
        {"1\n", "", "", "y", OUTPUT_UNBELIEVED, 9, 2, RESULTS_UNKNOWN, 0, 0, REFUSED_FOREIGN,
         "1\ny"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        check_settling(&rows[i], "old\n");
}

/* The child has not written. Only a run that came to its end may leave no results in place of old
 * ones, and then the old ones are gone. */
static void test_unchanged(void **state)
{
    (void)state;
    static const struct {
        enum output_belief belief;
        bool append, is_whole, emptied;
        enum result_knowledge known;
        int mismatch;
    } rows[] = {
        {OUTPUT_COMPLETE, false, false, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_STOPPED, false, true, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_KILLED, false, true, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_UNBELIEVED, false, true, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_COMPLETE, true, true, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_KILLED, true, false, false, RESULTS_UNCHANGED, 0},
        {OUTPUT_COMPLETE, false, true, true, RESULTS_EXACT, 0},
        {OUTPUT_KILLED, false, false, true, RESULTS_EXACT, 0},
        {OUTPUT_COMPLETE, false, true, false, RESULTS_UNKNOWN, REFUSED_NOT_AS_CLAIMED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        write_text(fd, "old\n");
        close(fd);
        struct output output;
        assert_int_equal(
            output_open(&output, shmsum_os_default(), path, rows[i].append, false, NULL), 0);
        if (rows[i].emptied)
            assert_int_equal(ftruncate(output.fd, 0), 0);
        const struct output_claim claim = {rows[i].belief, rows[i].is_whole, 0, 0};
        struct output_settled settled;
        output_settle(&output, &claim, &settled);
        check_count(&settled.count, rows[i].known, 0);
        assert_int_equal(settled.mismatch.error, rows[i].mismatch);
        assert_int_equal(lseek(output.fd, 0, SEEK_END), rows[i].emptied ? 0 : 4);
        output_close(&output, NULL);
        unlink(path);
    }
}

/* More is there than the child may have written: it is not all ours. */
static void test_more_than_a_buffer(void **state)
{
    (void)state;
    static char text[JOB_RESULTS_BUFFER + 8];
    for (size_t more = 0; more <= 1; more++) {
        struct output output;
        open_results(&output, "old\n");
        memset(text, '1', sizeof text);
        text[0] = text[3] = '\n';
        write_text(output.fd, "12\n");
        size_t size = JOB_RESULTS_BUFFER + more;
        assert_int_equal(write(output.fd, text, size), size);
        const struct output_claim claim = {OUTPUT_KILLED, true, 1, 3};
        struct output_settled settled;
        output_settle(&output, &claim, &settled);
        assert_int_equal(settled.uncut.error, more ? REFUSED_FOREIGN : 0);
        assert_int_equal(lseek(output.fd, 0, SEEK_END), more ? 4 + 3 + size : 4 + 3 + 4);
        output_close(&output, NULL);
        unlink(path);
    }
}

static int truncates(void)
{
    assert_int_equal(truncate(path, 2), 0);
    return REFUSED_NOT_AS_CLAIMED;
}

static int empties(void)
{
    assert_int_equal(truncate(path, 0), 0);
    return REFUSED_NOT_AS_CLAIMED;
}

/* Behind what was written; then it is not whole lines. */
static int extends(void)
{
    assert_int_equal(truncate(path, 6), 0);
    return REFUSED_NOT_AS_CLAIMED;
}

static int removes(void)
{
    assert_int_equal(unlink(path), 0);
    return REFUSED_GONE;
}

static int renames(void)
{
    assert_int_equal(rename(path, other_path), 0);
    return REFUSED_GONE;
}

static int replaces(void)
{
    int fd = open(other_path, O_WRONLY | O_CREAT, 0600);
    write_text(fd, "1\n2\n");
    close(fd);
    assert_int_equal(rename(other_path, path), 0);
    return REFUSED_REPLACED;
}

/* Somebody changes the file, or what its name leads to. `what` returns the expected mismatch. */
static void check_change(int (*what)(void), enum output_belief belief)
{
    struct output output;
    open_results(&output, NULL);
    write_text(output.fd, "1\n2\n");
    int expected = what();
    const struct output_claim claim = {belief, true, 2, 4};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    bool reported = expected != REFUSED_NOT_AS_CLAIMED || belief == OUTPUT_COMPLETE;
    assert_int_equal(settled.mismatch.error, reported ? expected : 0);
    bool kept = what == extends && belief == OUTPUT_KILLED; /* what it claims is there */
    assert_int_equal(settled.count.known, kept ? RESULTS_AT_LEAST : RESULTS_UNKNOWN);
    /* What is there may end anywhere. */
    assert_int_equal(settled.uncut.error, expected == REFUSED_NOT_AS_CLAIMED ? REFUSED_FOREIGN : 0);
    output_close(&output, NULL);
    unlink(path);
    unlink(other_path);
}

static void test_changed(void **state)
{
    (void)state;
    static int (*const changes[])(void) = {truncates, empties, extends, removes, renames, replaces};
    for (size_t i = 0; i < COUNT(changes); i++)
        for (int belief = OUTPUT_UNBELIEVED; belief <= OUTPUT_COMPLETE; belief++)
            check_change(changes[i], (enum output_belief)belief);
}

/* After somebody has cut the file, the next result is written at its end, not behind a hole. */
static void test_no_hole(void **state)
{
    (void)state;
    struct output output;
    open_results(&output, NULL);
    write_text(output.fd, "1\n");
    assert_int_equal(truncate(path, 0), 0);
    write_text(output.fd, "2\n");
    int reader = open(path, O_RDONLY);
    assert_file_holds(reader, "2\n", 2);
    close(reader);
    const struct output_claim claim = {OUTPUT_COMPLETE, true, 2, 4};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    assert_int_equal(settled.mismatch.error, REFUSED_NOT_AS_CLAIMED);
    /* One result is there, and it is not the first one. */
    assert_int_equal(settled.count.known, RESULTS_UNKNOWN);
    output_close(&output, NULL);
    unlink(path);
}

/* A hole of 2^62 bytes: nothing is read for long, and nothing is said of the number. */
static void test_hole(void **state)
{
    (void)state;
    for (off_t size = (off_t)1 << 62; size > SHMSUM_RESULTS_TAIL; size /= 2) {
        struct output output;
        open_results(&output, NULL);
        write_text(output.fd, "1\n");
        if (ftruncate(output.fd, size) < 0) { /* larger than files of this system may be */
            output_close(&output, NULL);
            continue;
        }
        const struct output_claim claim = {OUTPUT_UNBELIEVED, true, 1, UINT64_MAX};
        struct output_settled settled;
        alarm(20);
        output_settle(&output, &claim, &settled);
        assert_int_equal(settled.uncut.error, REFUSED_FOREIGN);
        assert_int_equal(settled.count.known, RESULTS_UNKNOWN);
        write_text(output.fd, "2"); /* now the end is the child's */
        output_settle(&output, &claim, &settled);
        alarm(0);
        assert_int_equal(settled.uncut.error, REFUSED_ENDLESS);
        assert_string_equal(settled.uncut.call, "cut");
        assert_int_equal(settled.count.known, RESULTS_UNKNOWN);
        output_close(&output, NULL);
    }
    unlink(path);
}

/* Others may write to standard output, and a pipe keeps nothing: nothing is looked at. The
 * descriptor is not even open. */
static void test_not_looked_at(void **state)
{
    (void)state;
    static const enum result_knowledge known[] = {RESULTS_UNKNOWN, RESULTS_AT_LEAST, RESULTS_EXACT,
                                                  RESULTS_EXACT};
    for (int belief = OUTPUT_UNBELIEVED; belief <= OUTPUT_COMPLETE; belief++) {
        for (int standard = 0; standard <= 1; standard++) {
            const struct output output = {.os = shmsum_os_default(),
                                          .name = "results",
                                          .fd = -1,
                                          .regular = standard == 1,
                                          .standard = standard == 1};
            const struct output_claim claim = {(enum output_belief)belief, true, 77, 99};
            struct output_settled settled;
            output_settle(&output, &claim, &settled);
            check_count(&settled.count, known[belief], 77);
            assert_int_equal(settled.mismatch.error, 0);
            assert_int_equal(settled.uncut.error, 0);
        }
    }
}

/* A file that cannot be looked at: the failure is reported, and the number is not known. */
static void test_not_to_be_seen(void **state)
{
    (void)state;
    struct output output;
    open_results(&output, NULL);
    close(output.fd);
    const struct output_claim claim = {.belief = OUTPUT_COMPLETE};
    struct output_settled settled;
    output_settle(&output, &claim, &settled);
    assert_int_equal(settled.mismatch.error, EBADF);
    assert_string_equal(settled.mismatch.call, "fstat");
    assert_int_equal(settled.count.known, RESULTS_UNKNOWN);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_appended),
        cmocka_unit_test(test_unchanged),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_more_than_a_buffer),
        cmocka_unit_test(test_no_hole),
        cmocka_unit_test(test_hole),
        cmocka_unit_test(test_not_looked_at),
        cmocka_unit_test(test_not_to_be_seen),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
