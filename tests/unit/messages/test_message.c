/* test_message.c - messages on standard error, byte for byte. */
#include "messages/message.h"

#include <errno.h>
#include <limits.h>

#include "unit.h"

static char said[16384];
static size_t said_size;

static ssize_t listen_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    int *interruptions = os->context;
    assert_int_equal(fd, 2);
    if ((*interruptions)-- > 0)
        return -EINTR;
    assert_true(said_size + size <= sizeof said);
    memcpy(said + said_size, bytes, size);
    said_size += size;
    return (ssize_t)size;
}

static void assert_said(const char *expected)
{
    if (said_size != strlen(expected) || memcmp(said, expected, said_size) != 0)
        fail_msg("said \"%.*s\", expected \"%s\"", (int)said_size, said, expected);
    said_size = 0;
}

static void test_one_line_messages(void **state)
{
    (void)state;
    int interruptions = 0;
    struct shmsum_os os = *shmsum_os_default();
    os.context = &interruptions;
    os.write = listen_write;
    message(&os, "%s is %d", "a\nb\033", 5);
    assert_said("shmsum: a\\x0ab\\x1b is 5\n");
    interruptions = 3;
    message_plain(&os, "done");
    assert_said("done\n");
    static const struct {
        struct shmsum_failure why;
        const char *text;
    } cases[] = {
        {{"open", "x\n", ENOENT}, "shmsum: open: x\\x0a: No such file or directory\n"},
        {{"protocol", "slot length", -SHMSUM_BROKEN},
         "shmsum: protocol: slot length: the other process broke the rules\n"},
        {{"write", "r", ENOSPC}, "shmsum: write: r: No space left on device\n"},
        {{"lock", "r", REFUSED_LOCKED}, "shmsum: lock: r: another process is writing it\n"},
        {{"open", "r", ELOOP}, "shmsum: open: r: is a symbolic link; name the file itself\n"},
        {{"open", "r", EEXIST}, "shmsum: open: r: File exists\n"},
        {{"read", "r", EPROTO}, "shmsum: read: r: Protocol error\n"},
        {{"open", "r", EMLINK}, "shmsum: open: r: Too many links\n"},
        {{"fsync", "r", EINVAL}, "shmsum: fsync: r: Invalid argument\n"},
        {{"open", "r", REFUSED_IS_RESULTS},
         "shmsum: open: r: input file is the results file; name another one with -o\n"},
        {{"shm_open", "r", EEXIST}, "shmsum: shm_open: r: File exists\n"},
        {{"write", "r", EMFILE}, "shmsum: write: r: Too many open files\n"},
        {{"open", "r", EMFILE}, "shmsum: open: r: Too many open files; see 'ulimit -n'\n"},
        {{"posix_fallocate", "r", ENOSPC},
         "shmsum: posix_fallocate: r: No space left on device; make room in /dev/shm, or use "
         "less of it: --slots=4\n"},
        {{"futex", "r", ENOSYS},
         "shmsum: futex: r: the kernel or the file system does not have this call\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        message_failure(&os, &cases[i].why);
        assert_said(cases[i].text);
    }
    /* Of a long object the middle is left out, not the reason. */
    static char object[100000];
    memset(object, 'm', sizeof object - 1);
    memcpy(object, "first/", 6);
    const struct shmsum_failure why = {"open", object, ENAMETOOLONG};
    message_failure(&os, &why);
    assert_memory_equal(said, "shmsum: open: first/mmm", 23);
    static const char reason[] = "mmm: File name too long\n";
    assert_memory_equal(said + said_size - strlen(reason), reason, strlen(reason));
    assert_true(said_size > 1000 && said_size < 1100);
    said_size = 0;
    /* Nor the words behind a name. */
    object[PATH_MAX - 1] = '\0';
    message(&os, "stopped early; %s holds the first %d results", object, 3);
    static const char words[] = "mmm holds the first 3 results\n";
    assert_memory_equal(said + said_size - strlen(words), words, strlen(words));
    assert_int_equal(said_size, strlen("shmsum: ") + 2048 + 1);
    said_size = 0;
    /* The environment says which characters the terminal shows. */
    setenv("LC_ALL", "C.UTF-8", 1);
    message(&os, "\303\251\342\200\256"); /* NOLINT(misc-misleading-bidirectional) */
    assert_said("shmsum: \303\251\\xe2\\x80\\xae\n");
    setenv("LC_ALL", "C", 1);
    message(&os, "\303\251");
    assert_said("shmsum: \\xc3\\xa9\n");
    /* A long text is one line even when every byte is escaped. */
    static char longest[5000];
    memset(longest, '\001', sizeof longest - 1);
    message(&os, "%s", longest);
    assert_true(said_size > 4000 && said_size < 8300);
    assert_int_equal(said[said_size - 1], '\n');
    assert_ptr_equal(memchr(said, '\n', said_size), said + said_size - 1);
    said_size = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line_messages),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
