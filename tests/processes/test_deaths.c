/* test_deaths.c - the child, the parent, or both are killed, in every state. The survivor notices
 * at once, whatever it waits for. It leaves whole lines of results, no process and no name. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roles/job.h"

/* Old headers lack these numbers. They are the same on all processors. */
enum { PIDFD_OPEN = 434, PIDFD_GETFD = 438 };

static const struct session_config at_pipe = {0};
static const struct session_config at_terminal = {.input = INPUT_TERMINAL};

/* AddressSanitizer turns SIGSEGV into an exit status unless handle_segv is 0. */
static void let_signals_kill(void)
{
    const char *options = getenv("ASAN_OPTIONS");
    char text[1024];
    snprintf(text, sizeof text, "%s%shandle_segv=0", options == NULL ? "" : options,
             options == NULL ? "" : ":");
    setenv("ASAN_OPTIONS", text, 1);
}

static void check_child_killed(const struct session *session, int signal, unsigned long lines)
{
    char text[96];
    snprintf(text, sizeof text, "shmsum: child: killed by signal %d (%s)", signal,
             strsignal(signal));
    session_check_message(session, text);
    session_check_held(session, lines);
}

struct death {
    const struct session_config *config;
    int signal;
    bool stopped; /* SIGSTOP comes before the signal */
};

static void child_while_waiting_for_input(const void *argument)
{
    const struct death *death = argument;
    let_signals_kill();
    struct session session = session_start(death->config);
    session_await_child(&session);
    if (session.at_terminal) {
        session_expect(&session, "> ");
        session_feed(&session, "1 1\n");
        session_expect(&session, "= 2\r\n> ");
    } else {
        session_feed(&session, "1 1\n");
        session_await_results(&session, 1);
    }
    if (death->stopped) {
        session_signal(&session, session.child, SIGSTOP);
        sleep_ms(100);
        check(waitpid(session.parent, NULL, WNOHANG) == 0,
              "the parent took a stopped child for dead");
    }
    session_signal(&session, session.child, death->signal);
    session_end(&session, 3);
    check(check_results("results.txt") == 1, "not what was written");
    check_child_killed(&session, death->signal, 1);
}

/* The parent sleeps until a slot is free, and the child never frees one. */
static void child_full_ring(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, session.child, SIGSTOP);
    session_feed_endlessly(&session, 4);
    await_full(session.input_reader);
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check(check_results("results.txt") == 3, "not what was written");
    check_child_killed(&session, SIGKILL, 3);
}

/* The child dies in the middle of its work, perhaps inside a write(2). */
static void child_bulk(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    session_await_results(&session, 1000);
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    unsigned long held = check_results("results.txt");
    check(held >= 1000, "results that were there have gone");
    check_child_killed(&session, SIGKILL, held);
}

/* The parent sleeps until the child has answered the line of the dialogue. */
static void child_with_line_of_dialogue(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_terminal);
    session_await_child(&session);
    session_expect(&session, "> ");
    session_feed(&session, "1 1\n");
    session_expect(&session, "= 2\r\n> ");
    session_signal(&session, session.child, SIGSTOP);
    session_feed(&session, "2 1\n");
    sleep_ms(100);
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check(check_results("results.txt") == 1, "not what was written");
    check_child_killed(&session, SIGKILL, 1);
}

/* The parent sleeps until the child has exited. */
static void child_after_end(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, session.child, SIGSTOP);
    session_feed_lines(&session, 4, 6);
    session_close_input(&session);
    sleep_ms(100);
    check(waitpid(session.parent, NULL, WNOHANG) == 0, "the parent did not wait for the child");
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check(check_results("results.txt") == 3, "not what was written");
    check_child_killed(&session, SIGKILL, 3);
}

/* The parent sleeps until the child has attached. */
static void child_before_attach(const void *argument)
{
    (void)argument;
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    write_file("bin/shmsum-child", "#!/bin/sh\nexec sleep 1000\n");
    check(chmod("bin/shmsum-child", 0755) == 0, "chmod: %s", strerror(errno));
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){.program = "bin/shmsum"});
    session_await_program(&session, "sleep");
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    session_check_message(&session, "child: killed by signal 9 (Killed); nothing was read");
    check_file("results.txt", "old\n");
}

/* The descriptor of another process: the same open file description, with the same offset. */
static int descriptor_of(pid_t pid, int fd)
{
    long process = syscall(PIDFD_OPEN, pid, 0);
    long copy = process < 0 ? -1 : syscall(PIDFD_GETFD, process, fd, 0);
    if (copy < 0)
        test_skip("the descriptor of another process cannot be had");
    close((int)process);
    return (int)copy;
}

/* A kill can cut a write(2) short and leave a part of a line. The test writes that part itself,
 * through the child's descriptor, because it cannot make the kernel cut a write at a given place.
 */
static void child_torn_write(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"--sandbox=off", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, session.child, SIGSTOP);
    int fd = descriptor_of(session.child, 1);
    check(write(fd, "5", 1) == 1, "results.txt: %s", strerror(errno));
    close(fd);
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check(check_results("results.txt") == 3, "not what was written");
    check_child_killed(&session, SIGKILL, 3);
}

/* The child counts the results after its write(2) has returned, so later than the file has them. */
static void await_count(void)
{
    sleep_ms(50);
}

/* Another program has written behind the results: that is not cut. */
static void child_foreign_write(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    await_count();
    session_signal(&session, session.child, SIGSTOP);
    int fd = open("results.txt", O_WRONLY | O_APPEND | O_CLOEXEC);
    check(fd >= 0 && write(fd, "5", 1) == 1, "results.txt: %s", strerror(errno));
    close(fd);
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check_file("results.txt", "2\n3\n4\n5");
    session_check_message(&session, "cut: results.txt: holds what this run did not write\n");
    session_check_message(&session, "results.txt: its last line may be unfinished\n");
    session_check_message(&session, "(Killed); results.txt holds at least the first 3 results\n");
}

/* With --append the earlier results are not changed, and lines are not counted. */
static void child_append(const void *argument)
{
    (void)argument;
    write_file("results.txt", "old\n");
    static const char *const arguments[] = {"--append", "-o", "results.txt", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 4);
    await_count();
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check_file("results.txt", "old\n2\n3\n4\n");
    session_check_message(&session, "(Killed); results.txt holds at least the first 3 results\n");
}

struct standard_output {
    const char *before;
    int flags;
    off_t offset;
    unsigned long lines;
    const char *after, *message;
};

#define AT_LEAST_3 "(Killed); at least the first 3 results went to standard output\n"
#define NOT_KNOWN "(Killed); how many results went to standard output is not known\n"

/* The shell has set where the results begin: `>>`, or `{ echo ...; shmsum -o -; } >`. The program
 * neither counts nor cuts the bytes before that place. */
static void child_standard_output(const void *argument)
{
    const struct standard_output *output = argument;
    write_file("results.txt", output->before);
    int fd = open("results.txt", O_WRONLY | O_CLOEXEC | output->flags);
    check(fd >= 0 && lseek(fd, output->offset, SEEK_SET) >= 0, "results.txt: %s", strerror(errno));
    static const char *const arguments[] = {"-o", "-", NULL};
    struct session session = session_start(&(struct session_config){
        .arguments = arguments, .output = OUTPUT_DESCRIPTOR, .output_descriptor = fd});
    close(fd);
    session_await_child(&session);
    session_feed_lines(&session, 1, output->lines);
    session_await_results(&session, output->lines + (strchr(output->before, '\n') != NULL));
    /* Once the parent has read this, the run has begun, even without a whole line. */
    session_feed(&session, "1");
    await_empty(session.input_reader);
    await_count();
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    check_file("results.txt", output->after);
    session_check_message(&session, output->message);
}

/* The results go to a pipe. The message counts the results that were written to it. */
static void child_output_pipe(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"-o", "-", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .output = OUTPUT_PIPE});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    char text[16];
    size_t used = 0;
    while (used < 6) {
        ssize_t got = read(session.output, text + used, sizeof text - used);
        check(got > 0, "read: %s", strerror(errno));
        used += (size_t)got;
    }
    await_count();
    session_signal(&session, session.child, SIGKILL);
    session_end(&session, 3);
    session_check_message(
        &session,
        "child: killed by signal 9 (Killed); at least the first 3 results went to standard output");
}

/* ---- the parent ---- */

static void parent_at_prompt(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_terminal);
    session_await_child(&session);
    session_expect(&session, "> ");
    session_feed(&session, "1 1\n");
    session_expect(&session, "= 2\r\n> ");
    session_signal(&session, session.parent, SIGKILL);
    session_end(&session, BY_SIGNAL(SIGKILL));
    check(check_results("results.txt") == 1, "not what was handed over");
}

static void check_orphan(const struct session *session, unsigned long lines)
{
    session_check_message(session, "shmsum: parent: gone");
    session_check_held(session, lines);
    check(session->orphans == 1 && WIFEXITED(session->orphan_status), "the child ended with 0x%x",
          (unsigned)session->orphan_status);
}

static void parent_idle(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_feed(&session, "4 1"); /* an unfinished line has no result */
    sleep_ms(20);
    session_signal(&session, session.parent, SIGKILL);
    session_end(&session, BY_SIGNAL(SIGKILL));
    check(check_results("results.txt") == 3, "not what was handed over");
    check_orphan(&session, 3);
}

static void parent_bulk(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    session_await_results(&session, 1000);
    session_signal(&session, session.parent, SIGKILL);
    unsigned long taken = session_end_counted(&session, BY_SIGNAL(SIGKILL));
    unsigned long held = check_results("results.txt");
    /* The parent may have read one more slot than it has published. */
    check(held <= taken && held + 65536 / 4 >= taken, "%lu lines were taken, %lu results written",
          taken, held);
    check_orphan(&session, held);
}

/* All slots are READY and the parent fills none: no line may be lost. */
static void parent_full_ring(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, session.child, SIGSTOP);
    session_feed_endlessly(&session, 4);
    await_full(session.input_reader);
    session_signal(&session, session.parent, SIGKILL);
    /* The kernel may have continued the child already, because its process group is orphaned. */
    kill(session.child, SIGCONT);
    unsigned long taken = session_end_counted(&session, BY_SIGNAL(SIGKILL));
    unsigned long held = check_results("results.txt");
    check(held == taken, "%lu lines were taken, %lu results written", taken, held);
    check(held > 10000, "the ring was not full: %lu lines", held);
    check_orphan(&session, held);
}

/* The orphan blocks in a write(2) to a full pipe. It exits when the reader is gone. */
static void parent_full_pipe(const void *argument)
{
    (void)argument;
    static const char *const arguments[] = {"-o", "-", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .output = OUTPUT_PIPE});
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    await_full(session.output);
    /* Then the ring is full as well, and the child blocks in its write(2). */
    await_full(session.input_reader);
    session_signal(&session, session.parent, SIGKILL);
    int status = session_await_parent(&session);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x", (unsigned)status);
    close(session.output);
    session.output = -1;
    check(harness_await_orphans(&status) == 1, "no orphan");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 3, "the child ended with 0x%x",
          (unsigned)status);
    check_no_name(session.parent);
    session_clean_up(&session);
}

/* No process is left to cut the file back. An unfinished last line lacks its newline. */
static void both_bulk(const void *argument)
{
    (void)argument;
    struct session session = session_start(&at_pipe);
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    session_await_results(&session, 1000);
    session_signal(&session, -session.parent, SIGKILL);
    session_end(&session, BY_SIGNAL(SIGKILL));
    size_t size;
    char *text = read_file("results.txt", &size);
    check(check_result_text(text, size, true) >= 999, "results that were there have gone");
    free(text);
}

/* ---- the parent dies during the start, while the region has a name: acted by the test ---- */

static void be_child(const struct shmsum_region *region, int gate)
{
    static const struct job job = {.config = {.point = '.', .max_errors = 20}};
    static char region_entry[JOB_REGION_MAX], settings[JOB_SETTINGS_MAX];
    static char program[] = "shmsum-child", results[] = "results.txt", input[] = "stdin";
    job_format_region(region_entry, region);
    job_format_settings(settings, &job);
    char *argv[] = {program, settings, results, input, NULL};
    char byte;
    if (gate >= 0 && read(gate, &byte, 1) != 0) /* read returns 0 when the parent is dead */
        _exit(97);
    int fd = open(results, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0 && dup2(fd, 1) == 1 && putenv(region_entry) == 0)
        execv(getenv("SHMSUM_CHILD"), argv);
    _exit(98);
}

struct window {
    bool attached;  /* the parent dies after the child has attached */
    bool namespace; /* the child has a pid namespace of its own: its getppid() is always 0 */
};

/* The parent dies before the child has attached, or after that but before the parent has removed
 * the name. The child removes the name and writes the results of the published lines. */
static void parent_in_window(const void *argument)
{
    const struct window *window = argument;
    bool attached = window->attached;
    /* Without a private /dev/shm, another start of shmsum could remove the name before the child
     * opens it. */
    if (!private_mounts())
        test_skip("no mounts of our own: %s", strerror(errno));
    mount_small("/dev/shm", "size=16m", false);
    check(getenv("SHMSUM_CHILD") != NULL, "SHMSUM_CHILD is not set");
    int gate[2];
    check(pipe2(gate, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
    pid_t parent = harness_fork_helper();
    if (parent == 0) {
        const struct shmsum_os *os = shmsum_os_default();
        static const struct shmsum_geometry geometry = {4, 4096};
        static struct shmsum_word stop;
        struct shmsum_region region;
        struct shmsum_channel channel;
        uint8_t *payload;
        if (shmsum_region_create(&region, os, &geometry, NULL) < 0)
            _exit(1);
        shmsum_channel_init(&channel, &region, SHMSUM_PRODUCER, &stop, 0);
        if (shmsum_channel_acquire(&channel, &payload, NULL) < 0)
            _exit(2);
        memcpy(payload, "1 1\n2 1\n3", 9);
        shmsum_channel_publish(&channel, 9, 0);
        if (window->namespace && unshare(CLONE_NEWPID) < 0)
            _exit(4);
        if (fork() == 0) {
            close(gate[1]);
            be_child(&region, attached ? -1 : gate[0]);
        }
        if (attached && shmsum_channel_await_attached(&channel, NULL) < 0)
            _exit(3);
        raise(SIGKILL);
    }
    close(gate[0]);
    close(gate[1]);
    int status;
    check(waitpid(parent, &status, 0) == parent, "waitpid: %s", strerror(errno));
    harness_forget(parent);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the actor failed: 0x%x",
          (unsigned)status);
    check(harness_await_orphans(&status) == 1, "no orphan");
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with 0x%x",
          (unsigned)status);
    check_no_name(parent);
    check(check_results("results.txt") == 2, "not what was handed over");
}

#define OUTPUT(...)                 \
    &(const struct standard_output) \
    {                               \
        __VA_ARGS__                 \
    }
#define DEATH(config_, signal_, stopped_) \
    &(const struct death)                 \
    {                                     \
        &config_, signal_, stopped_       \
    }
static const struct test_case cases[] = {
    {"child_kill_pipe", child_while_waiting_for_input, DEATH(at_pipe, SIGKILL, false), 0},
    {"child_segv_pipe", child_while_waiting_for_input, DEATH(at_pipe, SIGSEGV, false), 0},
    {"child_stop_kill_pipe", child_while_waiting_for_input, DEATH(at_pipe, SIGKILL, true), 0},
    {"child_kill_terminal", child_while_waiting_for_input, DEATH(at_terminal, SIGKILL, false), 0},
    {"child_segv_terminal", child_while_waiting_for_input, DEATH(at_terminal, SIGSEGV, false), 0},
    {"child_stop_kill_terminal", child_while_waiting_for_input, DEATH(at_terminal, SIGKILL, true),
     0},
    {"child_full_ring", child_full_ring, NULL, 0},
    {"child_bulk", child_bulk, NULL, 0},
    {"child_with_line_of_dialogue", child_with_line_of_dialogue, NULL, 0},
    {"child_after_end", child_after_end, NULL, 0},
    {"child_before_attach", child_before_attach, NULL, 0},
    {"child_torn_write", child_torn_write, NULL, 0},
    {"child_foreign_write", child_foreign_write, NULL, 0},
    {"child_append", child_append, NULL, 0},
    {"child_standard_output", child_standard_output,
     OUTPUT("old\n", 0, 4, 3, "old\n2\n3\n4\n", AT_LEAST_3), 0},
    {"child_standard_output_append", child_standard_output,
     OUTPUT("old\n", O_APPEND, 0, 3, "old\n2\n3\n4\n", AT_LEAST_3), 0},
    {"child_standard_output_append_nothing", child_standard_output,
     OUTPUT("old", O_APPEND, 0, 0, "old", NOT_KNOWN), 0},
    {"child_output_pipe", child_output_pipe, NULL, 0},
    {"parent_at_prompt", parent_at_prompt, NULL, 0},
    {"parent_idle", parent_idle, NULL, 0},
    {"parent_bulk", parent_bulk, NULL, 0},
    {"parent_full_ring", parent_full_ring, NULL, 0},
    {"parent_full_pipe", parent_full_pipe, NULL, 0},
    {"both_bulk", both_bulk, NULL, 0},
    {"parent_before_attach", parent_in_window, &(const struct window){false, false}, 0},
    {"parent_before_unlink", parent_in_window, &(const struct window){true, false}, 0},
    {"parent_before_attach_in_namespace", parent_in_window, &(const struct window){false, true}, 0},
    {"parent_before_unlink_in_namespace", parent_in_window, &(const struct window){true, true}, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
