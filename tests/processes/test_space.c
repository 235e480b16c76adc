/* test_space.c - writes that fail: /dev/shm or the disk is full, a file reaches its size limit, or
 * the reader of a pipe is gone. The exit status is 3, the message names the call and the reason,
 * and the results are whole lines. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void need_private_mounts(void)
{
    if (!private_mounts())
        test_skip("no mounts of our own: %s", strerror(errno));
}

static const char *const bulk_arguments[] = {"-o", "results.txt", "input.txt", NULL};

/* /dev/shm has less room than a region needs. The program reports that at the start; it does not
 * die of SIGBUS later. */
static void shm_full(const void *argument)
{
    need_private_mounts();
    mount_small("/dev/shm", argument, false);
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    struct session session = session_start(&(struct session_config){.arguments = bulk_arguments});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: posix_fallocate: /shmsum-");
    session_check_message(&session, ": No space left on device");
    check_file("results.txt", "old\n");
}

/* Exactly enough room: a region has 16 * (64 KiB + 128) + 512 bytes, rounded up to pages. */
static void shm_just_enough(const void *argument)
{
    (void)argument;
    need_private_mounts();
    mount_small("/dev/shm", "size=1052672", false);
    write_lines("input.txt", 1, 1000000);
    struct session session = session_start(&(struct session_config){.arguments = bulk_arguments});
    session_end(&session, 0);
    check(check_results("results.txt") == 1000000, "not all lines");
}

static void shm_read_only(const void *argument)
{
    (void)argument;
    need_private_mounts();
    mount_small("/dev/shm", "size=4m", true);
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    struct session session = session_start(&(struct session_config){.arguments = bulk_arguments});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: shm_open: /shmsum-");
    session_check_message(&session, ": Read-only file system");
    check_file("results.txt", "old\n");
}

static void full_device(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"-o", "/dev/full", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_feed_lines(&session, 1, 3);
    /* The input stays open: the program reports the failure at once, not at the end of input. */
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: /dev/full: No space left on device");
    session_check_message(&session, "stopped early; no result went to /dev/full");
}

static void full_device_as_standard_output(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"-o", "-", "input.txt", NULL};
    write_lines("input.txt", 1, 200000);
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    check(fd >= 0, "open: /dev/full: %s", strerror(errno));
    struct session session = session_start(&(struct session_config){
        .arguments = arguments, .output = OUTPUT_DESCRIPTOR, .output_descriptor = fd});
    close(fd);
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: standard output: No space left on device");
}

static void check_held_in(const struct session *session, const char *path, unsigned long lines)
{
    char text[96];
    snprintf(text, sizeof text, "stopped early; %s holds the first %lu results", path, lines);
    session_check_message(session, text);
}

/* The disk fills up. The results that fit stay, as whole lines. */
static void disk_full(const void *argument)
{
    need_private_mounts();
    check(mkdir("disk", 0755) == 0, "mkdir: %s", strerror(errno));
    mount_small("disk", argument, false);
    write_lines("input.txt", 1, 200000);
    static const char *const arguments[] = {"-o", "disk/results.txt", "input.txt", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: disk/results.txt: No space left on device");
    unsigned long held = check_results("disk/results.txt");
    check(held > 1000, "only %lu results", held);
    check_held_in(&session, "disk/results.txt", held);
}

/* The same with --append: the earlier results stay. */
static void disk_full_append(const void *argument)
{
    (void)argument;
    need_private_mounts();
    check(mkdir("disk", 0755) == 0, "mkdir: %s", strerror(errno));
    mount_small("disk", "size=64k", false);
    write_lines("input.txt", 4, 200000);
    write_file("disk/results.txt", "2\n3\n4\n");
    static const char *const arguments[] = {"--append", "-o", "disk/results.txt", "input.txt",
                                            NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_end(&session, 3);
    unsigned long held = check_results("disk/results.txt");
    check(held > 1000, "only %lu results", held);
    check_held_in(&session, "disk/results.txt", held - 3);
}

/* The disk fills up while the input is slow. The program reports the failure at the first line that
 * does not fit; the input stays open. */
static void disk_full_idle(const void *argument)
{
    (void)argument;
    need_private_mounts();
    check(mkdir("disk", 0755) == 0, "mkdir: %s", strerror(errno));
    mount_small("disk", "size=8k", false);
    static const char *const arguments[] = {"-o", "disk/results.txt", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_feed_lines(&session, 1, 3);
    sleep_ms(50);
    session_feed_lines(&session, 4, 5000);
    session_end(&session, 3);
    unsigned long held = check_results("disk/results.txt");
    check(held > 1000, "only %lu results", held);
    check_held_in(&session, "disk/results.txt", held);
}

enum { LIMIT_BYTES = 20001 };

static void limit_file_size(void)
{
    struct rlimit limit = {LIMIT_BYTES, LIMIT_BYTES};
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        _exit(HARNESS_SKIP);
}

/* A limit as of `ulimit -f`: SIGXFSZ must not kill the child. The region must be smaller than the
 * limit, because the limit applies to it as well. */
static void file_size_limit(const void *argument)
{
    (void)argument;
    write_lines("input.txt", 1, 200000);
    static const char *const arguments[] = {"--slots=2",   "--slot-bytes=4096", "-o",
                                            "results.txt", "input.txt",         NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .prepare = limit_file_size});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: results.txt: File too large");
    unsigned long held = check_results("results.txt");
    struct stat status;
    check(stat("results.txt", &status) == 0 && status.st_size > LIMIT_BYTES - 8 &&
              status.st_size <= LIMIT_BYTES,
          "the results do not fill the file up to the limit: %ld bytes", (long)status.st_size);
    session_check_held(&session, held);
}

static void file_size_limit_of_region(const void *argument)
{
    (void)argument;
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){.prepare = limit_file_size});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: posix_fallocate: /shmsum-");
    session_check_message(&session, ": File too large");
    check_file("results.txt", "old\n");
}

static const char *const to_standard_output[] = {"-o", "-", NULL};

/* `shmsum -o - | head -n 0`: the program reports an error; SIGPIPE does not kill it. */
static void reader_gone_at_start(const void *argument)
{
    (void)argument;
    struct session session = session_start(
        &(struct session_config){.arguments = to_standard_output, .output = OUTPUT_PIPE});
    close(session.output);
    session.output = -1;
    session_feed_lines(&session, 1, 3);
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: standard output: Broken pipe");
    session_check_message(&session, "stopped early; no result went to standard output");
}

static void reader_gone_later(const void *argument)
{
    (void)argument;
    struct session session = session_start(
        &(struct session_config){.arguments = to_standard_output, .output = OUTPUT_PIPE});
    session_feed_endlessly(&session, 1);
    await_full(session.output);
    session.signalled_ms = now_ms();
    close(session.output);
    session.output = -1;
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: standard output: Broken pipe");
}

/* Makes standard error a pipe without a reader. */
static void lose_messages(void)
{
    int ends[2];
    if (pipe(ends) < 0 || close(ends[0]) < 0 || dup2(ends[1], 2) < 0 || close(ends[1]) < 0)
        _exit(99);
}

static void messages_reader_gone(const void *argument)
{
    (void)argument;
    write_file("input.txt", "1 1\ntwo\n3 1\n\nunread\n");
    struct session session = session_start(
        &(struct session_config){.arguments = bulk_arguments, .prepare = lose_messages});
    session_end(&session, 1);
    check_file("results.txt", "2\nerror: column 1: \"two\" is not a number\n4\n");
}

static void messages_reader_gone_at_start(const void *argument)
{
    (void)argument;
    struct session session = session_start(
        &(struct session_config){.arguments = bulk_arguments, .prepare = lose_messages});
    session_end(&session, 3); /* there is no input.txt */
}

static const struct test_case cases[] = {
    {"shm_full", shm_full, "size=512k", 0},
    {"shm_all_but_a_page", shm_full, "size=1048576", 0},
    {"shm_just_enough", shm_just_enough, NULL, 0},
    {"shm_read_only", shm_read_only, NULL, 0},
    {"full_device", full_device, NULL, 0},
    {"full_device_as_standard_output", full_device_as_standard_output, NULL, 0},
    {"disk_full", disk_full, "size=64k", 0},
    {"disk_full_in_second_write", disk_full, "size=512k", 0},
    {"disk_full_append", disk_full_append, NULL, 0},
    {"disk_full_idle", disk_full_idle, NULL, 0},
    {"file_size_limit", file_size_limit, NULL, 0},
    {"file_size_limit_of_region", file_size_limit_of_region, NULL, 0},
    {"reader_gone_at_start", reader_gone_at_start, NULL, 0},
    {"reader_gone_later", reader_gone_later, NULL, 0},
    {"messages_reader_gone", messages_reader_gone, NULL, 0},
    {"messages_reader_gone_at_start", messages_reader_gone_at_start, NULL, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
