/* test_child_process.c - a start that failed, as the parent reads it out of the pipe: what is
 * believed, what is not, and that the pipe is closed once, whatever happens. The processes are the
 * test's own inventions; tests/processes starts real ones. */
#include "unit.h"

#include <errno.h>
#include <string.h>

/* Its state is cleared for each test, so it is built in. */
#include "parent/child_process.c" /* NOLINT(bugprone-suspicious-include) */

enum { CHILD = 4712, READING_END = 8, WRITING_END = 9 };

/* What the system calls do, and what became of it. */
static struct {
    int pipe_error, fork_error;
    const void *bytes; /* in the pipe */
    ssize_t size;      /* or the negative errno of the read */
    int interrupted;   /* times that the read is, first */
    int reads, closed[2];
    bool blocks; /* all signals were blocked before */
    sigset_t mask;
} world;

static int fake_pipe(const struct shmsum_os *os, int ends[2])
{
    (void)os;
    ends[0] = READING_END;
    ends[1] = WRITING_END;
    return world.pipe_error;
}

static int fake_close(const struct shmsum_os *os, int fd)
{
    (void)os;
    assert_true(fd == READING_END || fd == WRITING_END);
    world.closed[fd - READING_END]++;
    return 0;
}

static ssize_t fake_read(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    (void)os;
    assert_int_equal(fd, READING_END);
    assert_int_equal(world.closed[0], 0);
    world.reads++;
    if (world.interrupted-- > 0)
        return -EINTR;
    if (world.size < 0)
        return world.size;
    size_t got = (size_t)world.size < size ? (size_t)world.size : size;
    memcpy(bytes, world.bytes, got);
    return (ssize_t)got;
}

static pid_t fake_fork(const struct shmsum_os *os)
{
    (void)os;
    return world.fork_error < 0 ? world.fork_error : CHILD;
}

static pid_t fake_waitpid(const struct shmsum_os *os, pid_t pid, int *status, bool wait)
{
    (void)os, (void)wait;
    assert_int_equal(pid, CHILD);
    *status = CHILD_NOT_STARTED << 8;
    return pid;
}

static int fake_sigprocmask(const struct shmsum_os *os, int how, const sigset_t *mask,
                            sigset_t *old)
{
    (void)os;
    if (old != NULL && world.blocks)
        sigfillset(old);
    else if (old != NULL)
        sigemptyset(old);
    if (how == SIG_SETMASK)
        world.mask = *mask;
    return 0;
}

static int fake_ppoll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                      const sigset_t *mask)
{
    (void)os, (void)fds, (void)count, (void)mask;
    child_on_death(SIGCHLD);
    return -EINTR;
}

static int fake_futex_wake(const struct shmsum_os *os, const void *word)
{
    (void)os, (void)word;
    return 0;
}

static struct shmsum_os fake_os = {
    .pipe = fake_pipe,
    .close = fake_close,
    .read = fake_read,
    .fork = fake_fork,
    .waitpid = fake_waitpid,
    .sigprocmask = fake_sigprocmask,
    .ppoll = fake_ppoll,
    .futex_wake = fake_futex_wake,
};

static void begin(void)
{
    memset(&child, 0, sizeof child);
    memset(&world, 0, sizeof world);
}

static int start(struct shmsum_failure *why)
{
    char *nothing[] = {NULL};
    const struct child_program program = {.path = "/bin/child", .argv = nothing, .envp = nothing};
    return child_start(&fake_os, &program, why);
}

/* The child ends with these bytes in the pipe: whether its start is believed to have failed. */
static bool is_believed(const void *bytes, ssize_t size, struct shmsum_failure *why)
{
    begin();
    world.bytes = bytes;
    world.size = size;
    assert_int_equal(start(NULL), 0);
    assert_int_equal(world.closed[1], 1);
    assert_int_equal(child_wait(0), CHILD_NOT_STARTED << 8);
    assert_int_equal(world.reads, 1);
    assert_int_equal(world.closed[0], 1);
    return child_start_failed(why);
}

static void test_reported(void **state)
{
    (void)state;
    static const char *const expected[STEPS][2] = {
        {"sigaction", "signals of the child"},
        {"open", "/dev/null, for the child"},
        {"dup2", "standard input or output of the child"},
        {"sigprocmask", "signals of the child"},
        {"exec", "/bin/child"},
    };
    for (uint32_t step = 0; step < STEPS; step++) {
        for (uint32_t error = 1; error <= 4095; error += 4094) {
            struct shmsum_failure why = {"", "", 0};
            assert_true(is_believed(&(struct failed_step){step, error}, 8, &why));
            assert_string_equal(why.call, expected[step][0]);
            assert_string_equal(why.object, expected[step][1]);
            assert_int_equal(why.error, error);
        }
    }
}

static void test_not_believed(void **state)
{
    (void)state;
    static const struct failed_step wrong[] = {
        {STEPS, ENOENT},   {UINT32_MAX, ENOENT},    {STEP_EXEC, 0},
        {STEP_EXEC, 4096}, {STEP_EXEC, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(is_believed(&wrong[i], sizeof wrong[i], NULL));
    /* Any other size, though the bytes be right. */
    static const struct failed_step right[2] = {{STEP_EXEC, ENOENT}, {STEP_EXEC, ENOENT}};
    assert_true(is_believed(right, 8, NULL));
    for (ssize_t size = 0; size <= 16; size++)
        if (size != 8)
            assert_false(is_believed(right, size, NULL));
    /* Nothing that can be read: the writing end is open still, or the call fails. */
    assert_false(is_believed(right, -EAGAIN, NULL));
    assert_false(is_believed(right, -EIO, NULL));
}

static void test_interrupted(void **state)
{
    (void)state;
    begin();
    world.bytes = &(struct failed_step){STEP_OPEN, EMFILE};
    world.size = sizeof(struct failed_step);
    world.interrupted = 3;
    assert_int_equal(start(NULL), 0);
    assert_int_equal(child_wait(0), CHILD_NOT_STARTED << 8);
    assert_int_equal(world.reads, 4);
    assert_true(child_start_failed(NULL));
}

/* Once the child has attached, its start cannot have failed. */
static void test_attached(void **state)
{
    (void)state;
    begin();
    world.bytes = &(struct failed_step){STEP_OPEN, EMFILE};
    world.size = sizeof(struct failed_step);
    assert_int_equal(start(NULL), 0);
    child_attached();
    assert_int_equal(world.closed[0], 1);
    assert_int_equal(child_wait(0), CHILD_NOT_STARTED << 8);
    assert_false(child_start_failed(NULL));
    assert_int_equal(world.reads, 0);
    assert_int_equal(world.closed[0], 1);
}

static void test_no_start(void **state)
{
    (void)state;
    struct shmsum_failure why = {"", "", 0};
    begin();
    world.pipe_error = -EMFILE;
    assert_int_equal(start(&why), -EMFILE);
    assert_string_equal(why.call, "pipe");
    assert_string_equal(why.object, "start of the child");
    assert_int_equal(world.closed[0] + world.closed[1], 0);
    begin();
    world.fork_error = -EAGAIN;
    assert_int_equal(start(&why), -EAGAIN);
    assert_string_equal(why.call, "fork");
    assert_int_equal(world.closed[0], 1);
    assert_int_equal(world.closed[1], 1);
}

/* SIGCHLD is needed, even if the C library has left it blocked. The other signals are not ours. */
static void test_mask(void **state)
{
    (void)state;
    for (int blocks = 0; blocks < 2; blocks++) {
        begin();
        world.blocks = blocks;
        assert_int_equal(start(NULL), 0);
        assert_int_equal(sigismember(&world.mask, SIGCHLD), 0);
        assert_int_equal(sigismember(&world.mask, SIGINT), blocks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reported),    cmocka_unit_test(test_not_believed),
        cmocka_unit_test(test_interrupted), cmocka_unit_test(test_attached),
        cmocka_unit_test(test_no_start),    cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
