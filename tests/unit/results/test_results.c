/*
 * test_results.c - the results file holds whole lines only, whatever the system calls return.
 *
 * Property: the file is always a prefix of the right answer that ends where a line ends, `lines`
 * and `bytes` count it, and every call after a failure reports the failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <shmsum/results.h>

#include "fault_os.h"
#include "random.h"
#include "unit.h"

static struct random rng;

static const char answer[] = "1\n\n22\n-0.5\nerror: column 3: \"two\" is not a number\n0\n333\n";
enum { ANSWER_BYTES = sizeof answer - 1, BUFFER = 256 };

static struct fault_os faults;
static char buffer[BUFFER];

/* The whole lines at the beginning of answer[0..size). */
static size_t whole(size_t size, uint64_t *lines)
{
    size_t end = 0;
    *lines = 0;
    for (size_t i = 0; i < size; i++) {
        if (answer[i] == '\n') {
            end = i + 1;
            (*lines)++;
        }
    }
    return end;
}

static void begin(struct shmsum_results *results, int fd, size_t buffer_bytes)
{
    memset(results, 0x5a, sizeof *results);
    struct shmsum_failure why = {0};
    assert_int_equal(shmsum_results_init(results, &faults.os, fd, SHMSUM_RESULTS_OWN, "r", buffer,
                                         buffer_bytes, &why),
                     0);
    assert_null(why.call);
}

/* Puts the answer's lines into the buffer. Returns 0 or the first failure of a flush. */
static int put_answer(struct shmsum_results *results, struct shmsum_failure *why)
{
    for (const char *line = answer; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        char *text = shmsum_results_reserve(results, size, why);
        if (text == NULL)
            return results->error;
        memcpy(text, line, size);
        shmsum_results_commit(results, size);
        line += size + 1;
    }
    return 0;
}

static int write_answer(struct shmsum_results *results, struct shmsum_failure *why)
{
    int result = put_answer(results, why);
    return result < 0 ? result : shmsum_results_flush(results, why);
}

static int set_up(void **state)
{
    (void)state;
    fault_os_init(&faults, shmsum_os_default());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    int leaks = fault_os_leaks(&faults) != 0;
    fault_os_clean_up(&faults);
    return leaks;
}

/* ---- writing ---- */

static void test_all_is_well(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    assert_true(results.cuttable);
    struct shmsum_failure why = {0};
    assert_int_equal(put_answer(&results, &why), 0);
    assert_int_equal(faults.calls[FAULT_write], 0); /* not before a flush */
    assert_int_equal(results.lines, 0);
    assert_int_equal(shmsum_results_flush(&results, &why), 0);
    assert_int_equal(faults.calls[FAULT_write], 1);
    assert_int_equal(results.lines, 7);
    assert_int_equal(results.bytes, ANSWER_BYTES);
    assert_file_holds(fd, answer, ANSWER_BYTES);
    assert_int_equal(shmsum_results_flush(&results, &why), 0); /* an empty buffer is not written */
    assert_int_equal(faults.calls[FAULT_write], 1);
    assert_int_equal(shmsum_results_sync(&results, &why), 0);
    assert_int_equal(faults.calls[FAULT_fsync], 1);
    assert_null(why.call);
    close(fd);
}

/* With every buffer size that results.h allows, the file is the same. */
static void test_every_buffer_size(void **state)
{
    (void)state;
    size_t longest = strlen("error: column 3: \"two\" is not a number");
    for (size_t size = 2 * longest + 2; size <= BUFFER; size++) {
        int fd = scratch_file();
        struct shmsum_results results;
        memset(buffer, 0x5a, sizeof buffer);
        begin(&results, fd, size);
        for (int i = 0; i < 4; i++)
            assert_int_equal(put_answer(&results, NULL), 0);
        assert_int_equal(shmsum_results_flush(&results, NULL), 0);
        assert_int_equal(results.lines, 28);
        assert_int_equal(results.bytes, 4 * ANSWER_BYTES);
        char all[4 * ANSWER_BYTES + 1];
        snprintf(all, sizeof all, "%s%s%s%s", answer, answer, answer, answer);
        assert_file_holds(fd, all, sizeof all - 1);
        for (size_t i = size; i < sizeof buffer; i++)
            assert_int_equal(buffer[i], 0x5a);
        close(fd);
    }
}

static void test_short_writes(void **state)
{
    (void)state;
    for (size_t most = 1; most <= ANSWER_BYTES; most++) {
        int fd = scratch_file();
        struct shmsum_results results;
        begin(&results, fd, BUFFER);
        faults.write_max = most;
        struct shmsum_failure why = {0};
        assert_int_equal(write_answer(&results, &why), 0);
        assert_int_equal(results.lines, 7);
        assert_int_equal(results.bytes, ANSWER_BYTES);
        assert_file_holds(fd, answer, ANSWER_BYTES);
        close(fd);
    }
}

/* The disk is full after each possible number of bytes. The file may have content already. */
static void test_full_disk(void **state)
{
    (void)state;
    static const int errors[] = {ENOSPC, EDQUOT, EFBIG, EIO};
    static const char before[] = "earlier\n";
    for (int mode = 0; mode < 3; mode++) { /* from the start, at an offset, appending */
        for (size_t room = 0; room < ANSWER_BYTES; room++) {
            int fd = scratch_file(), error = errors[room % COUNT(errors)];
            size_t old = mode == 0 ? 0 : sizeof before - 1;
            assert_int_equal(write(fd, before, old), old);
            if (mode == 2) {
                assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
                assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
            }
            struct shmsum_results results;
            begin(&results, fd, BUFFER);
            faults.write_max = room % 7; /* in one write or in many */
            fault_os_fill(&faults, fd, room, error);
            struct shmsum_failure why = {0};
            assert_int_equal(write_answer(&results, &why), -error);
            assert_string_equal(why.call, "write");
            assert_string_equal(why.object, "r");
            assert_int_equal(why.error, error);
            uint64_t lines;
            size_t kept = whole(room, &lines);
            assert_int_equal(results.lines, lines);
            assert_int_equal(results.bytes, kept);
            char expected[sizeof before + ANSWER_BYTES];
            memcpy(expected, before, old);
            memcpy(expected + old, answer, kept);
            assert_file_holds(fd, expected, old + kept);
            /* another user of the descriptor continues from there */
            if (room > 0)
                assert_int_equal(lseek(fd, 0, SEEK_CUR), old + kept);
            /* The failure remains, even with room again. */
            fault_os_heal(&faults);
            uint64_t writes = faults.calls[FAULT_write];
            struct shmsum_failure again = {0};
            assert_int_equal(shmsum_results_flush(&results, &again), -error);
            assert_string_equal(again.call, "write");
            assert_int_equal(again.error, error);
            assert_int_equal(faults.calls[FAULT_write], writes);
            assert_int_equal(results.lines, lines);
            assert_file_holds(fd, expected, old + kept);
            close(fd);
        }
    }
}

/* Over several flushes: what was written before the failure stays. */
static void test_full_disk_later(void **state)
{
    (void)state;
    for (size_t room = 0; room < 2 * ANSWER_BYTES; room++) {
        int fd = scratch_file();
        struct shmsum_results results;
        begin(&results, fd, BUFFER);
        fault_os_fill(&faults, fd, room, ENOSPC);
        int result = write_answer(&results, NULL);
        assert_int_equal(result, room < ANSWER_BYTES ? -ENOSPC : 0);
        if (result == 0)
            assert_int_equal(write_answer(&results, NULL), -ENOSPC);
        uint64_t lines;
        size_t kept = whole(room % ANSWER_BYTES, &lines);
        size_t first = room < ANSWER_BYTES ? 0 : ANSWER_BYTES;
        assert_int_equal(results.lines, lines + (first > 0 ? 7 : 0));
        assert_int_equal(results.bytes, first + kept);
        char twice[2 * ANSWER_BYTES + 1];
        snprintf(twice, sizeof twice, "%s%s", answer, answer);
        assert_file_holds(fd, twice, first + kept);
        fault_os_heal(&faults);
        close(fd);
    }
}

/* A reserve that must flush first returns the failure of the flush. */
static void test_reserve_fails(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, 100);
    fault_os_fill(&faults, fd, 3, ENOSPC);
    struct shmsum_failure why = {0};
    int result = 0;
    for (int i = 0; i < 3 && result == 0; i++)
        result = put_answer(&results, &why);
    assert_int_equal(result, -ENOSPC);
    assert_int_equal(why.error, ENOSPC);
    assert_int_equal(results.lines, 2);
    assert_file_holds(fd, "1\n\n", 3);
    close(fd);
}

/* Cutting back: interrupted, refused, or impossible. */
static void test_cutting_back(void **state)
{
    (void)state;
    static const char *const left[] = {"1\n\n", "1\n\n22", "1\n\n22", "1\n\n22"};
    static const enum fault_member members[] = {FAULT_ftruncate, FAULT_ftruncate, FAULT_lseek,
                                                FAULT_lseek};
    static const int errors[] = {EINTR, EPERM, ESPIPE, EIO};
    static const unsigned nth[] = {1, 1, 1, 2};
    for (size_t i = 0; i < COUNT(members); i++) {
        int fd = scratch_file();
        struct shmsum_results results;
        begin(&results, fd, BUFFER);
        fault_os_fill(&faults, fd, 5, ENOSPC);
        fault_os_fail(&faults, members[i], faults.calls[members[i]] + nth[i],
                      errors[i] == EINTR ? 3 : FAULT_FOR_GOOD, errors[i]);
        struct shmsum_failure why = {0};
        assert_int_equal(write_answer(&results, &why),
                         -ENOSPC); /* the first failure, not that of cutting back */
        assert_int_equal(why.error, ENOSPC);
        assert_int_equal(results.lines, 2);
        assert_int_equal(results.bytes, 3);
        assert_file_holds(fd, left[i], strlen(left[i]));
        fault_os_heal(&faults);
        close(fd);
    }
    /* Another process wrote behind the results: its bytes are not cut off. */
    int fd = scratch_file();
    static const char theirs[] = "................";
    assert_int_equal(pwrite(fd, theirs, 16, 0), 16);
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    fault_os_fill(&faults, fd, 5, ENOSPC);
    assert_int_equal(write_answer(&results, NULL), -ENOSPC);
    assert_file_holds(fd, "1\n\n22...........", 16);
    close(fd);
}

/* Others may write to a shared file too: it is never cut, not even if it ends with our torn line.
 */
static void test_shared_is_not_cut(void **state)
{
    (void)state;
    for (size_t room = 0; room < ANSWER_BYTES; room++) {
        int fd = scratch_file();
        struct shmsum_results results;
        assert_int_equal(shmsum_results_init(&results, &faults.os, fd, SHMSUM_RESULTS_SHARED, "r",
                                             buffer, BUFFER, NULL),
                         0);
        fault_os_fill(&faults, fd, room, ENOSPC);
        assert_int_equal(write_answer(&results, NULL), -ENOSPC);
        uint64_t lines;
        assert_int_equal(results.bytes, whole(room, &lines));
        assert_int_equal(results.lines, lines);
        assert_file_holds(fd, answer, room);
        assert_int_equal(faults.calls[FAULT_ftruncate], 0);
        assert_int_equal(faults.calls[FAULT_lseek], 0);
        fault_os_heal(&faults);
        close(fd);
    }
}

/* The results of an earlier run go with the first line, or at the end; not before. */
static void test_replaced(void **state)
{
    (void)state;
    for (int way = 0; way < 5; way++) {
        int fd = scratch_file();
        assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
        assert_int_equal(write(fd, "old\n", 4), 4);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        struct shmsum_results results;
        struct shmsum_failure why = {0};
        uint64_t before = faults.calls[FAULT_ftruncate];
        assert_int_equal(shmsum_results_init(&results, &faults.os, fd, SHMSUM_RESULTS_REPLACED, "r",
                                             buffer, BUFFER, NULL),
                         0);
        assert_int_equal(shmsum_results_flush(&results, &why), 0); /* no line yet */
        assert_file_holds(fd, "old\n", 4);
        switch (way) {
        case 0: /* twice, and then the end */
            for (int i = 0; i < 2; i++)
                assert_int_equal(write_answer(&results, &why), 0);
            assert_int_equal(shmsum_results_replace(&results, &why), 0);
            assert_int_equal(results.bytes, 2 * ANSWER_BYTES);
            assert_int_equal(lseek(fd, 0, SEEK_END), 2 * ANSWER_BYTES);
            assert_int_equal(faults.calls[FAULT_ftruncate] - before, 1);
            break;
        case 1: /* the end, without a result */
            assert_int_equal(shmsum_results_replace(&results, &why), 0);
            assert_file_holds(fd, "", 0);
            break;
        case 2: /* interrupted */
            fault_os_fail(&faults, FAULT_ftruncate, before + 1, 2, EINTR);
            assert_int_equal(write_answer(&results, &why), 0);
            assert_file_holds(fd, answer, ANSWER_BYTES);
            break;
        default: /* refused: the old results stay, and so does the failure */
            fault_os_fail(&faults, FAULT_ftruncate, before + 1, 1, EPERM);
            assert_int_equal(way == 3 ? write_answer(&results, &why)
                                      : shmsum_results_replace(&results, &why),
                             -EPERM);
            assert_string_equal(why.call, "ftruncate");
            assert_int_equal(shmsum_results_flush(&results, &why), -EPERM);
            assert_int_equal(shmsum_results_replace(&results, &why), -EPERM);
            assert_string_equal(why.call, "ftruncate");
            assert_file_holds(fd, "old\n", 4);
            assert_int_equal(results.lines, 0);
        }
        fault_os_heal(&faults);
        close(fd);
    }
    int ends[2]; /* a pipe has no old results */
    assert_int_equal(pipe(ends), 0);
    struct shmsum_results results;
    assert_int_equal(shmsum_results_init(&results, &faults.os, ends[1], SHMSUM_RESULTS_REPLACED,
                                         "r", buffer, BUFFER, NULL),
                     0);
    assert_int_equal(write_answer(&results, NULL), 0);
    assert_int_equal(shmsum_results_replace(&results, NULL), 0);
    close(ends[0]);
    close(ends[1]);
}

static void test_interrupted(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    faults.write_max = 4;
    fault_os_fail(&faults, FAULT_write, 1, 2, EINTR);
    fault_os_fail(&faults, FAULT_write, 5, 1, EINTR);
    fault_os_fail(&faults, FAULT_fsync, 1, 3, EINTR);
    struct shmsum_failure why = {0};
    assert_int_equal(write_answer(&results, &why), 0);
    assert_file_holds(fd, answer, ANSWER_BYTES);
    assert_int_equal(shmsum_results_sync(&results, &why), 0);
    assert_int_equal(faults.calls[FAULT_fsync], 4);
    assert_int_equal(faults.injected, 6);
    assert_null(why.call);
    close(fd);
}

/* The write would block and ppoll fails: that is a failure, not a loop. */
static void test_wait_fails(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    faults.write_max = 4;
    fault_os_fail(&faults, FAULT_write, 2, FAULT_FOR_GOOD, EAGAIN);
    fault_os_fail(&faults, FAULT_ppoll, 1, 3, EINTR);
    fault_os_fail(&faults, FAULT_ppoll, 4, FAULT_FOR_GOOD, ENOMEM);
    struct shmsum_failure why = {0};
    alarm(20); /* a hang is a failure */
    assert_int_equal(write_answer(&results, &why), -ENOMEM);
    alarm(0);
    assert_string_equal(why.call, "ppoll");
    assert_string_equal(why.object, "r");
    assert_int_equal(why.error, ENOMEM);
    assert_file_holds(fd, answer, 3); /* the whole lines of the first 4 bytes */
    assert_int_equal(results.lines, 2);
    close(fd);
}

static ssize_t write_nothing(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os, (void)fd, (void)bytes, (void)size;
    return 0;
}

static void test_write_of_nothing(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    faults.os.write = write_nothing;
    alarm(20); /* a hang is a failure */
    assert_int_equal(write_answer(&results, NULL), -EIO);
    alarm(0);
    assert_int_equal(results.lines, 0);
    close(fd);
}

static void test_bad_descriptor(void **state)
{
    (void)state;
    int fd = scratch_file();
    close(fd);
    struct shmsum_results results;
    struct shmsum_failure why = {0};
    assert_int_equal(shmsum_results_init(&results, &faults.os, fd, SHMSUM_RESULTS_OWN, "r", buffer,
                                         BUFFER, &why),
                     -EBADF);
    assert_string_equal(why.call, "fstat");
    assert_string_equal(why.object, "r");
    assert_int_equal(why.error, EBADF);
    /* open, but only for reading */
    fd = open("/dev/null", O_RDONLY);
    begin(&results, fd, BUFFER);
    assert_false(results.cuttable);
    assert_int_equal(write_answer(&results, &why), -EBADF);
    close(fd);
}

static void test_sync_fails(void **state)
{
    (void)state;
    int fd = scratch_file();
    struct shmsum_results results;
    begin(&results, fd, BUFFER);
    fault_os_fail(&faults, FAULT_fsync, 1, FAULT_FOR_GOOD, EIO);
    struct shmsum_failure why = {0};
    assert_int_equal(write_answer(&results, &why), 0);
    assert_int_equal(shmsum_results_sync(&results, &why), -EIO);
    assert_string_equal(why.call, "fsync");
    assert_string_equal(why.object, "r");
    assert_int_equal(why.error, EIO);
    close(fd);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fault_os_heal(&faults);
    begin(&results, ends[1], BUFFER);
    assert_int_equal(shmsum_results_sync(&results, &why), -EINVAL);
    close(ends[0]);
    close(ends[1]);
}

/* ---- pipes ---- */

/* A non-blocking pipe is full: flush waits. A child empties the pipe slowly and compares. */
static void test_full_pipe(void **state)
{
    (void)state;
    enum { TIMES = 3000 }; /* more than a pipe holds */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[1]);
        alarm(60);
        size_t at = 0;
        char bytes[1000];
        for (;;) {
            poll(NULL, 0, at < 20000 ? 10 : 0);
            ssize_t got = read(ends[0], bytes, sizeof bytes);
            if (got <= 0)
                _exit(got == 0 && at == (size_t)TIMES * ANSWER_BYTES ? 0 : 1);
            for (ssize_t i = 0; i < got; i++, at++)
                if (bytes[i] != answer[at % ANSWER_BYTES])
                    _exit(2);
        }
    }
    close(ends[0]);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    struct shmsum_results results;
    begin(&results, ends[1], BUFFER);
    fault_os_fail(&faults, FAULT_ppoll, 2, 2, EINTR);
    struct shmsum_failure why = {0};
    for (int i = 0; i < TIMES; i++)
        assert_int_equal(put_answer(&results, &why), 0);
    assert_int_equal(shmsum_results_flush(&results, &why), 0);
    assert_int_equal(results.lines, 7 * TIMES);
    assert_true(faults.calls[FAULT_ppoll] > 0);
    close(ends[1]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_closed_pipe(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct shmsum_results results;
    begin(&results, ends[1], BUFFER);
    assert_false(results.cuttable);
    assert_int_equal(write_answer(&results, NULL), 0);
    close(ends[0]);
    struct shmsum_failure why = {0};
    assert_int_equal(write_answer(&results, &why), -EPIPE);
    assert_string_equal(why.call, "write");
    assert_int_equal(why.error, EPIPE);
    assert_int_equal(results.lines, 7);
    assert_int_equal(results.bytes, ANSWER_BYTES);
    close(ends[1]);
    signal(SIGPIPE, SIG_DFL);
}

/* A pipe cannot be cut back. The whole lines that it accepted before the failure are counted. */
static void test_pipe_counts_whole_lines(void **state)
{
    (void)state;
    for (size_t room = 0; room < ANSWER_BYTES; room++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        struct shmsum_results results;
        begin(&results, ends[1], BUFFER);
        fault_os_fill(&faults, ends[1], room, EIO);
        assert_int_equal(write_answer(&results, NULL), -EIO);
        uint64_t lines;
        assert_int_equal(results.bytes, whole(room, &lines));
        assert_int_equal(results.lines, lines);
        assert_int_equal(faults.calls[FAULT_ftruncate], 0);
        close(ends[0]);
        close(ends[1]);
    }
}

/* ---- salvage ---- */

static void check_salvage(const char *bytes, size_t size, size_t start, size_t read_max)
{
    int fd = scratch_file();
    for (size_t at = 0; at < size;) {
        ssize_t wrote = write(fd, bytes + at, size - at);
        assert_true(wrote > 0);
        at += (size_t)wrote;
    }
    faults.read_max = read_max;
    uint64_t lines = 99, expected_lines = 0;
    size_t expected = start < size ? start : size;
    for (size_t i = start; i < size; i++) {
        if (bytes[i] == '\n') {
            expected = i + 1;
            expected_lines++;
        }
    }
    struct shmsum_failure why = {0};
    assert_int_equal(shmsum_results_salvage(&faults.os, fd, "r", (off_t)start, &lines, &why), 0);
    assert_null(why.call);
    assert_int_equal(lines, expected_lines);
    assert_file_holds(fd, bytes, expected);
    close(fd);
}

static void test_salvage_every_tail(void **state)
{
    (void)state;
    for (size_t size = 0; size <= ANSWER_BYTES; size++)
        for (size_t start = 0; start <= size; start++)
            check_salvage(answer, size, start, (size_t)random_below(&rng, 9));
    check_salvage(answer, 5, 9, 0); /* the file is shorter than its start was: no line is ours */
}

/* Lines end around the borders of the pieces in which the file is read. */
static void test_salvage_large(void **state)
{
    (void)state;
    static char bytes[200000];
    memset(bytes, '7', sizeof bytes);
    check_salvage(bytes, sizeof bytes, 0, 0);
    check_salvage(bytes, sizeof bytes, 70000, 0);
    static const size_t ends[] = {0, 65535, 65536, 65537, 131071, 131072, 199998, 199999};
    for (size_t i = 0; i < COUNT(ends); i++) {
        bytes[ends[i]] = '\n';
        check_salvage(bytes, sizeof bytes, 0, 0);
        check_salvage(bytes, sizeof bytes, 60000, 50001);
    }
}

/* Of a large file only the tail is read: its last line is cut off, and its lines are not counted;
 * without the end of a line in the tail, nothing is done. */
static void test_salvage_tail(void **state)
{
    (void)state;
    static const off_t holes[] = {SHMSUM_RESULTS_TAIL, (off_t)1 << 40};
    for (size_t i = 0; i < COUNT(holes); i++) {
        int fd = scratch_file();
        assert_int_equal(write(fd, "1\n", 2), 2);
        assert_int_equal(ftruncate(fd, 2 + holes[i]), 0);
        uint64_t lines = 0, reads = faults.calls[FAULT_pread];
        struct shmsum_failure why = {0};
        alarm(20);
        assert_int_equal(shmsum_results_salvage(&faults.os, fd, "r", 0, &lines, &why),
                         SHMSUM_RESULTS_ENDLESS);
        assert_null(why.call);
        assert_int_equal(lseek(fd, 0, SEEK_END), 2 + holes[i]);
        assert_int_equal(write(fd, "2\n3", 3), 3);
        assert_int_equal(shmsum_results_salvage(&faults.os, fd, "r", 0, &lines, &why), 0);
        alarm(0);
        assert_true(lines == SHMSUM_RESULTS_UNCOUNTED);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 2 + holes[i] + 2);
        assert_int_equal(lseek(fd, 0, SEEK_END), 2 + holes[i] + 2);
        assert_true(faults.calls[FAULT_pread] - reads <= 2 * SHMSUM_RESULTS_TAIL / 65536);
        close(fd);
    }
}

static void test_salvage_appended(void **state)
{
    (void)state;
    int fd = scratch_file();
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    assert_int_equal(write(fd, "old\n1\n2", 7), 7);
    uint64_t lines;
    assert_int_equal(shmsum_results_salvage(&faults.os, fd, "r", 4, &lines, NULL), 0);
    assert_int_equal(lines, 1);
    assert_file_holds(fd, "old\n1\n", 6);
    close(fd);
}

static void test_salvage_failures(void **state)
{
    (void)state;
    static const struct {
        enum fault_member member;
        const char *call;
        int error;
        const char *left;
    } cases[] = {
        {FAULT_fstat, "fstat", EIO, "1\n2"}, {FAULT_reopen, "open", ENOENT, "1\n2"},
        {FAULT_pread, "read", EIO, "1\n2"},  {FAULT_ftruncate, "ftruncate", EPERM, "1\n2"},
        {FAULT_pread, NULL, EINTR, "1\n"},   {FAULT_ftruncate, NULL, EINTR, "1\n"},
        {FAULT_close, NULL, EIO, "1\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int fd = scratch_file();
        assert_int_equal(write(fd, "1\n2", 3), 3);
        fault_os_fail(&faults, cases[i].member, faults.calls[cases[i].member] + 1,
                      cases[i].call == NULL ? 2 : FAULT_FOR_GOOD, cases[i].error);
        uint64_t lines = 0;
        struct shmsum_failure why = {0};
        int result = shmsum_results_salvage(&faults.os, fd, "r", 0, &lines, &why);
        assert_int_equal(result, cases[i].call == NULL ? 0 : -cases[i].error);
        if (cases[i].call != NULL) {
            assert_string_equal(why.call, cases[i].call);
            assert_string_equal(why.object, "r");
            assert_int_equal(why.error, cases[i].error);
        }
        assert_file_holds(fd, cases[i].left, strlen(cases[i].left));
        assert_int_equal(fault_os_leaks(&faults), 0);
        fault_os_heal(&faults);
        close(fd);
    }
    /* The second piece cannot be read: nothing is cut, since its lines are unknown. */
    int fd = scratch_file();
    assert_int_equal(write(fd, "1\n2\n3", 5), 5);
    faults.read_max = 3;
    fault_os_fail(&faults, FAULT_pread, faults.calls[FAULT_pread] + 2, FAULT_FOR_GOOD, EIO);
    uint64_t lines;
    assert_int_equal(shmsum_results_salvage(&faults.os, fd, "r", 0, &lines, NULL), -EIO);
    assert_file_holds(fd, "1\n2\n3", 5);
    close(fd);

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fault_os_heal(&faults);
    assert_int_equal(shmsum_results_salvage(&faults.os, ends[1], "r", 0, &lines, NULL), -EINVAL);
    close(ends[0]);
    close(ends[1]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    rng.state = random_seed("test_results");
    const struct CMUnitTest tests[] = {
        CASE(test_all_is_well),
        CASE(test_every_buffer_size),
        CASE(test_short_writes),
        CASE(test_full_disk),
        CASE(test_full_disk_later),
        CASE(test_reserve_fails),
        CASE(test_cutting_back),
        CASE(test_shared_is_not_cut),
        CASE(test_replaced),
        CASE(test_interrupted),
        CASE(test_wait_fails),
        CASE(test_write_of_nothing),
        CASE(test_bad_descriptor),
        CASE(test_sync_fails),
        CASE(test_full_pipe),
        CASE(test_closed_pipe),
        CASE(test_pipe_counts_whole_lines),
        CASE(test_salvage_every_tail),
        CASE(test_salvage_large),
        CASE(test_salvage_tail),
        CASE(test_salvage_appended),
        CASE(test_salvage_failures),
    };
    return cmocka_run_group_tests_name("results", tests, NULL, NULL);
}
