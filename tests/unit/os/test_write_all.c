/* test_write_all.c - src/os/write_all.h: every byte once, in order, whatever write(2) accepts; and
 * which failures end it. */
#include <errno.h>

#include "os/write_all.h"

#include "fault_os.h"
#include "unit.h"

static const char text[] = "every byte, once, and in order";
enum { SIZE = sizeof text - 1 };

static struct fault_os faults;

static int set_up(void **state)
{
    (void)state;
    fault_os_init(&faults, shmsum_os_default());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fault_os_clean_up(&faults);
    return 0;
}

static void test_in_one_piece(void **state)
{
    (void)state;
    int fd = scratch_file();
    assert_int_equal(os_write_all(&faults.os, fd, text, 0), 0);
    assert_int_equal(faults.calls[FAULT_write], 0);
    assert_int_equal(os_write_all(&faults.os, fd, text, SIZE), 0);
    assert_int_equal(faults.calls[FAULT_write], 1);
    assert_file_holds(fd, text, SIZE);
    close(fd);
}

static void test_short_and_interrupted(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= SIZE; piece++) {
        int fd = scratch_file();
        uint64_t before = faults.calls[FAULT_write];
        fault_os_heal(&faults);
        faults.write_max = piece;
        fault_os_fail(&faults, FAULT_write, before + 1, 3, EINTR);
        assert_int_equal(os_write_all(&faults.os, fd, text, SIZE), 0);
        assert_int_equal(faults.calls[FAULT_write] - before, 3 + (SIZE + piece - 1) / piece);
        assert_file_holds(fd, text, SIZE);
        close(fd);
    }
}

/* Each write that would block is followed by one wait; an interrupted wait is repeated. */
static void test_non_blocking(void **state)
{
    (void)state;
    int fd = scratch_file(); /* always ready for ppoll */
    faults.write_max = 10;
    fault_os_fail(&faults, FAULT_write, 2, 2, EAGAIN);
    fault_os_fail(&faults, FAULT_ppoll, 1, 2, EINTR);
    assert_int_equal(os_write_all(&faults.os, fd, text, SIZE), 0);
    assert_int_equal(faults.calls[FAULT_ppoll], 4); /* 2 interrupted, 2 successful */
    assert_file_holds(fd, text, SIZE);
    close(fd);
}

static ssize_t write_nothing(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os, (void)fd, (void)bytes, (void)size;
    return 0;
}

static void test_failures(void **state)
{
    (void)state;
    int fd = scratch_file();
    faults.write_max = 10;
    fault_os_fail(&faults, FAULT_write, 2, 1, ENOSPC);
    assert_int_equal(os_write_all(&faults.os, fd, text, SIZE), -ENOSPC);
    assert_file_holds(fd, text, 10);
    close(fd);

    /* The wait fails: its errno, and no loop. */
    fault_os_heal(&faults);
    fault_os_fail(&faults, FAULT_write, faults.calls[FAULT_write] + 1, FAULT_FOR_GOOD, EAGAIN);
    fault_os_fail(&faults, FAULT_ppoll, 1, FAULT_FOR_GOOD, ENOMEM);
    assert_int_equal(os_write_all(&faults.os, 1, text, SIZE), -ENOMEM);
    assert_int_equal(faults.calls[FAULT_ppoll], 1);

    /* write accepts nothing and reports no error. */
    const struct shmsum_os silent = {.write = write_nothing};
    assert_int_equal(os_write_all(&silent, 1, text, SIZE), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_one_piece, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short_and_interrupted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_non_blocking, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("write_all", tests, NULL, NULL);
}
