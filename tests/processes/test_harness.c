/* test_harness.c - the harness detects every kind of leftover and failure: each case runs an inner
 * case through the harness and checks the result and the message that the harness gives. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct inner {
    struct test_case test;
    int result;
    const char *text; /* the message must contain this */
};

static pid_t outer_pid;

static void detect(const void *argument)
{
    const struct inner *inner = argument;
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
    pid_t pid = harness_fork_helper();
    if (pid == 0) {
        dup2(ends[1], 1);
        close(ends[1]); /* else a process that the case leaves would keep the pipe open, and our
                           read would not end */
        _exit(harness_run(&inner->test));
    }
    close(ends[1]);
    char text[4096];
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    close(ends[0]);
    int status;
    check(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
    harness_forget(pid);
    check(WIFEXITED(status) && WEXITSTATUS(status) == inner->result,
          "the runner returned 0x%x instead of %d and printed: %s", (unsigned)status, inner->result,
          text);
    check(strstr(text, inner->text) != NULL, "the runner printed \"%s\", which lacks \"%s\"", text,
          inner->text);
}

static void do_nothing(const void *argument)
{
    (void)argument;
}

static void skip(const void *argument)
{
    (void)argument;
    test_skip("because of the moon");
}

static void leave_descriptor(const void *argument)
{
    (void)argument;
    check(open("/dev/null", O_RDONLY) >= 0, "open");
}

static void close_foreign_descriptor(const void *argument)
{
    (void)argument;
    close(0);
}

static void leave_process(const void *argument)
{
    (void)argument;
    if (fork() == 0)
        for (;;)
            pause();
}

static void start_daemon(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (fork() == 0)
            for (;;)
                pause();
        _exit(0);
    }
    check(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* Ends the case before its own check, so that only the runner can find the process. */
static void leave_daemon(const void *argument)
{
    (void)argument;
    start_daemon();
    _exit(HARNESS_PASS);
}

static void skip_halfway(const void *argument)
{
    start_daemon();
    skip(argument);
}

static void leave_helper(const void *argument)
{
    (void)argument;
    if (harness_fork_helper() == 0)
        for (;;)
            pause();
}

static void leave_name(const void *argument)
{
    (void)argument;
    check_no_name(outer_pid);
}

/* The name lacks the random part of a region's name. With it, a start of shmsum elsewhere would
 * take the object for the leftover of a dead instance and remove it. */
static void detect_name(const void *argument)
{
    outer_pid = getpid();
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/shmsum-%d-left", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(fd >= 0, "open: %s: %s", path, strerror(errno));
    close(fd);
    pid_t pid = harness_fork_helper();
    if (pid == 0) {
        detect(argument);
        _exit(HARNESS_PASS);
    }
    int status;
    waitpid(pid, &status, 0);
    harness_forget(pid);
    unlink(path);
    check(status == 0, "the harness did not see a name that was left");
}

static void results_of(const void *argument)
{
    write_file("results.txt", argument);
    unsigned long lines = check_results("results.txt");
    check(lines == 3, "%lu lines", lines);
}

static void never_end(const void *argument)
{
    (void)argument;
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static void crash(const void *argument)
{
    (void)argument;
    raise(SIGKILL);
}

static void run_shell(const void *argument)
{
    const char *arguments[] = {"-c", argument, NULL};
    struct session session =
        session_start(&(struct session_config){.program = "/bin/sh", .arguments = arguments});
    session_end(&session, 0);
    session_check_message(&session, "said");
}

static void miss_text(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"-c", "echo here", NULL};
    struct session session = session_start(&(struct session_config){
        .program = "/bin/sh", .arguments = arguments, .input = INPUT_TERMINAL});
    session_expect(&session, "there");
}

/* When a case is killed, the processes that it started die too: here a helper and a program. */
static void kill_case(const void *argument)
{
    (void)argument;
    pid_t killed = fork(); /* this process acts as the case */
    check(killed >= 0, "fork: %s", strerror(errno));
    if (killed == 0) {
        static const char *const arguments[] = {"60", NULL};
        session_start(&(struct session_config){.program = "/bin/sleep", .arguments = arguments});
        if (harness_fork_helper() > 0)
            kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    int status;
    check(waitpid(killed, &status, 0) == killed && WIFSIGNALED(status), "0x%x", (unsigned)status);
    int last = 0;
    check(harness_await_orphans(&last) == 2, "expected two orphans: the helper and the program");
    check(WIFSIGNALED(last) && WTERMSIG(last) == SIGKILL, "it ended with 0x%x", (unsigned)last);
}

#define INNER(name_, run_, argument_, limit_, result_, text_) \
    static const struct inner name_ = {{#name_, run_, argument_, limit_}, HARNESS_##result_, text_}
INNER(good, do_nothing, NULL, 0, PASS, "");
INNER(skipped, skip, NULL, 0, SKIP, "SKIP because of the moon");
INNER(skipped_halfway, skip_halfway, NULL, 0, SKIP, "SKIP because of the moon");
INNER(descriptor, leave_descriptor, NULL, 0, FAIL, "left behind: descriptor");
INNER(foreign_descriptor, close_foreign_descriptor, NULL, 0, FAIL, "closed a descriptor");
INNER(process, leave_process, NULL, 0, FAIL, "outlived the run");
INNER(daemon_process, leave_daemon, NULL, 0, FAIL, "left behind: process");
INNER(helper, leave_helper, NULL, 0, FAIL, "left behind: a helper");
INNER(name, leave_name, NULL, 0, FAIL, "left behind: name");
INNER(whole_lines, results_of, "2\n3\n4\n", 0, PASS, "");
INNER(torn_line, results_of, "2\n3\n4", 0, FAIL, "result 3 of the file is \"4\"");
INNER(wrong_line, results_of, "2\n4\n4\n", 0, FAIL, "result 2 of the file is \"4");
INNER(lost_line, results_of, "2\n3\n", 0, FAIL, "2 lines");
INNER(hang, never_end, NULL, 1, FAIL, "time limit");
INNER(crashed, crash, NULL, 0, FAIL, "killed by signal 9");
INNER(right_end, run_shell, "echo it is said >&2", 0, PASS, "");
INNER(wrong_status, run_shell, "exit 4", 0, FAIL, "ended with status 4 instead of status 0");
INNER(wrong_signal, run_shell, "kill -TERM $$", 0, FAIL, "ended with signal 15 instead of");
INNER(wrong_message, run_shell, "echo nothing >&2", 0, FAIL, "lacks \"said\"");
INNER(left_by_program, run_shell, "sleep 60 & echo said >&2", 0, FAIL, "outlived the run");
INNER(wrong_terminal, miss_text, NULL, 0, FAIL, "and not \"there\"");

#define CASE(name_)               \
    {                             \
#name_, detect, &name_, 0 \
    }
static const struct test_case cases[] = {
    CASE(good),
    CASE(skipped),
    CASE(skipped_halfway),
    CASE(descriptor),
    CASE(foreign_descriptor),
    CASE(process),
    CASE(daemon_process),
    CASE(helper),
    {"name", detect_name, &name, 0},
    CASE(whole_lines),
    CASE(torn_line),
    CASE(wrong_line),
    CASE(lost_line),
    CASE(hang),
    CASE(crashed),
    CASE(right_end),
    CASE(wrong_status),
    CASE(wrong_signal),
    CASE(wrong_message),
    CASE(left_by_program),
    CASE(wrong_terminal),
    {"killed_case", kill_case, NULL, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
