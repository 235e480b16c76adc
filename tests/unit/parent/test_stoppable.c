/* test_stoppable.c - a call that a signal interrupts is repeated until a signal asks for giving up.
 */
#include <errno.h>

#include "parent/signals.h"
#include "parent/stoppable.h"

#include "fault_os.h"
#include "unit.h"

static struct fault_os faults;
static const struct shmsum_os *os;

/* Makes the call of the member, which is made to fail with EINTR. */
static int64_t make(enum fault_member member)
{
    char byte = 0;
    struct pollfd none = {.fd = -1};
    switch (member) {
    case FAULT_open:
        return os->open(os, "/dev/null", 0, 0);
    case FAULT_read:
        return os->read(os, -1, &byte, 1);
    case FAULT_pread:
        return os->pread(os, -1, &byte, 1, 0);
    case FAULT_write:
        return os->write(os, -1, &byte, 1);
    case FAULT_ftruncate:
        return os->ftruncate(os, -1, 0);
    case FAULT_fsync:
        return os->fsync(os, -1);
    case FAULT_flock:
        return os->flock(os, -1, true);
    case FAULT_fcntl_lock:
        return os->fcntl_lock(os, -1, false);
    case FAULT_reopen:
        return os->reopen(os, -1);
    case FAULT_shm_open:
        return os->shm_open(os, "/shmsum-test", 0, 0);
    case FAULT_posix_fallocate:
        return os->posix_fallocate(os, -1, 1);
    case FAULT_ppoll:
        return os->ppoll(os, &none, 1, NULL);
    default:
        return 0;
    }
}

static const enum fault_member members[] = {
    FAULT_open,       FAULT_read,   FAULT_pread,    FAULT_ftruncate,       FAULT_fsync, FAULT_flock,
    FAULT_fcntl_lock, FAULT_reopen, FAULT_shm_open, FAULT_posix_fallocate, FAULT_write, FAULT_ppoll,
};

/* The last two wait for a reader of messages: they are not given up at the first signal. */
enum { MEMBERS = sizeof members / sizeof members[0], WRITES = 2 };

/* Checks what each member returns after EINTR. `given_up`: so many of them are given up. */
static void check_all(size_t given_up)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        fault_os_heal(&faults);
        fault_os_fail(&faults, members[i], faults.calls[members[i]] + 1, FAULT_FOR_GOOD, EINTR);
        assert_int_equal(make(members[i]), i < given_up ? SHMSUM_STOPPED : -EINTR);
        /* Another failure is reported as it is, also after a signal. */
        fault_os_heal(&faults);
        fault_os_fail(&faults, members[i], faults.calls[members[i]] + 1, 1, EIO);
        assert_int_equal(make(members[i]), -EIO);
    }
    fault_os_heal(&faults);
}

/* A tick that comes just before a write does not lose a message that can be written. */
static void check_one_tick(void)
{
    fault_os_fail(&faults, FAULT_write, faults.calls[FAULT_write] + 1, 1, EINTR);
    assert_int_equal(make(FAULT_write), -EBADF); /* what the second call returns */
    fault_os_heal(&faults);
}

/* A listing that others made long ends at once. */
static int64_t list_one(void)
{
    void *list;
    const char *name;
    assert_int_equal(os->shm_opendir(os, &list), 0);
    int result = os->shm_readdir(os, list, &name);
    os->shm_closedir(os, list);
    return result;
}

static void test_before_the_child(void **state)
{
    (void)state;
    fault_os_init(&faults, shmsum_os_default());
    os = stoppable(&faults.os);
    check_all(0);
    assert_int_equal(list_one(), 1);
    shmsum_stop_raise(os, signals_stop_word(), SHMSUM_STOP_INPUT);
    check_all(MEMBERS - WRITES);
    assert_int_equal(list_one(), SHMSUM_STOPPED);
    shmsum_stop_raise(os, signals_stop_word(), SHMSUM_STOP_NOW);
    check_all(MEMBERS);
    check_one_tick();
    assert_int_equal(list_one(), SHMSUM_STOPPED);
    assert_int_equal(fault_os_leaks(&faults), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_before_the_child)};
    return cmocka_run_group_tests_name("stoppable", tests, NULL, NULL);
}
