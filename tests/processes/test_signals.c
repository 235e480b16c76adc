/* test_signals.c - a signal stops the run. The parent takes no more input; the child sums what the
 * parent has published, except an unfinished last line; the parent dies of the same signal. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct stop {
    int signal;
    bool bulk;
    bool group;
};

static void check_stopped(struct session *session, int signal, unsigned long lines)
{
    char text[96];
    snprintf(text, sizeof text, "shmsum: stopped by signal %d (%s)", signal, strsignal(signal));
    session_check_message(session, text);
    session_check_held(session, lines);
}

/* Stops a run whose input never ends, and checks that every line taken has its result. */
static void end_bulk(struct session *session, pid_t whom, int signal)
{
    session_await_results(session, 1000);
    session_signal(session, whom, signal);
    unsigned long taken = session_end_counted(session, BY_SIGNAL(signal));
    unsigned long held = check_results("results.txt");
    check(held == taken, "%lu lines were taken, %lu results written", taken, held);
    check_stopped(session, signal, held);
}

static void stop(const void *argument)
{
    const struct stop *how = argument;
    struct session session = session_start(&(struct session_config){0});
    pid_t whom = how->group ? -session.parent : session.parent;
    if (how->bulk) {
        session_feed_endlessly(&session, 1);
        end_bulk(&session, whom, how->signal);
        return;
    }
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_feed(&session, "4 1"); /* an unfinished line has no result, neither 4 nor 5 */
    session_signal(&session, whom, how->signal);
    session_end(&session, BY_SIGNAL(how->signal));
    check(check_results("results.txt") == 3, "not what was handed over");
    check_stopped(&session, how->signal, 3);
    check(session.orphans == 0, "the child outlived the parent");
}

static void ctrl_c_prompt(const void *argument)
{
    bool half_typed = argument != NULL;
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "1 1\n");
    session_expect(&session, "= 2\r\n> ");
    if (half_typed)
        session_feed(&session, "2 1");
    session.signalled_ms = now_ms();
    session_feed(&session, "\3");
    session_end(&session, BY_SIGNAL(SIGINT));
    check(check_results("results.txt") == 1, "not what was handed over");
    session_check_message(&session, "^C\r\nshmsum: stopped by signal 2 (Interrupt)");
    session_check_held(&session, 1);
    check(session.orphans == 0, "the child outlived the parent");
}

/* Before the first result: the results of an earlier run stay. */
static void ctrl_c_first_prompt(const void *argument)
{
    (void)argument;
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "\3");
    session_end(&session, BY_SIGNAL(SIGINT));
    check_file("results.txt", "old\n");
    session_check_message(&session,
                          "stopped by signal 2 (Interrupt); results.txt is unchanged\r\n");
}

static void ctrl_c_bulk(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){.controlled = true});
    session_feed_endlessly(&session, 1);
    session_await_results(&session, 1000);
    session.signalled_ms = now_ms();
    check(write(session.terminal, "\3", 1) == 1, "write: %s", strerror(errno));
    unsigned long taken = session_end_counted(&session, BY_SIGNAL(SIGINT));
    unsigned long held = check_results("results.txt");
    check(held == taken, "%lu lines were taken, %lu results written", taken, held);
}

/* The user closes the terminal's window, or the remote connection breaks. */
static void terminal_hung_up(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "1 1\n");
    session_expect(&session, "= 2\r\n> ");
    session.signalled_ms = now_ms();
    close(session.terminal);
    session.terminal = -1;
    session_end(&session, BY_SIGNAL(SIGHUP));
    check(check_results("results.txt") == 1, "not what was handed over");
}

/* SIGQUIT (Ctrl+\) kills the parent at once, like SIGKILL; the child finishes the work. */
static void quit(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, -session.parent, SIGQUIT);
    session_end(&session, BY_SIGNAL(SIGQUIT));
    check(check_results("results.txt") == 3, "not what was handed over");
}

static const int *ignored_signal;

static void ignore(void)
{
    signal(*ignored_signal, SIG_IGN);
}

/* A signal that was ignored at the start stays ignored: nohup, and background jobs of a shell. */
static void ignored_at_start(const void *argument)
{
    ignored_signal = argument;
    struct session session = session_start(&(struct session_config){.prepare = ignore});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, -session.parent, *ignored_signal);
    sleep_ms(50);
    session_feed_lines(&session, 4, 6);
    session_await_results(&session, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
}

/* Signals to the child alone change nothing: only the parent decides when to stop. */
static void to_child_alone(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGUSR1};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        session_signal(&session, session.child, all[i]);
    sleep_ms(50);
    session_feed_lines(&session, 4, 6);
    session_await_results(&session, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
}

static const char *const to_standard_output[] = {"-o", "-", NULL};

static void check_running(const struct session *session)
{
    sleep_ms(200);
    check(waitpid(session->parent, NULL, WNOHANG) == 0, "the parent gave up at the first signal");
}

/* The child blocks in a write(2) to a pipe that is never read. */
static void second_signal_full_pipe(const void *argument)
{
    const int *signals = argument;
    struct session session = session_start(
        &(struct session_config){.arguments = to_standard_output, .output = OUTPUT_PIPE});
    session_feed_endlessly(&session, 1);
    await_full(session.output);
    session_signal(&session, session.parent, signals[0]);
    check_running(&session);
    session_signal(&session, session.parent, signals[1]);
    session_end(&session, BY_SIGNAL(signals[0]));
    check(session.orphans == 0, "the child outlived the parent");
}

/* The same with a reader that is only slow: no result is lost. */
static void first_signal_full_pipe(const void *argument)
{
    (void)argument;
    struct session session = session_start(
        &(struct session_config){.arguments = to_standard_output, .output = OUTPUT_PIPE});
    session_feed_endlessly(&session, 1);
    await_full(session.output);
    session_signal(&session, session.parent, SIGTERM);
    check_running(&session);
    size_t room = 8U << 20, used = 0;
    char *text = malloc(room);
    check(text != NULL, "malloc");
    ssize_t got;
    while ((got = read(session.output, text + used, room - used)) > 0)
        used += (size_t)got;
    unsigned long taken = session_lines_taken(&session);
    session_end(&session, BY_SIGNAL(SIGTERM));
    unsigned long held = check_result_text(text, used, false);
    check(held == taken, "%lu lines were taken, %lu results came", taken, held);
    free(text);
}

/* The ring is full and the child takes nothing: no slot is free for END. */
static void second_signal_full_ring(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_signal(&session, session.child, SIGSTOP);
    session_feed_endlessly(&session, 4);
    await_full(session.input_reader);
    session_signal(&session, session.parent, SIGTERM);
    check_running(&session);
    session_signal(&session, session.parent, SIGTERM);
    session_end(&session, BY_SIGNAL(SIGTERM));
    check(check_results("results.txt") == 3, "not what was written");
    /* nothing about the child, which the parent itself has killed */
    check_file(
        session.messages,
        "shmsum: stopped by signal 15 (Terminated); results.txt holds the first 3 results\n");
    check(session.orphans == 0, "the child outlived the parent");
}

/* The parent has published END and waits for the child, which blocks in its write(2). */
static void second_signal_after_end(const void *argument)
{
    (void)argument;
    write_lines("input.txt", 1, 50000); /* fits in the ring, but not in the pipe */
    static const char *const arguments[] = {"-o", "-", "input.txt", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .output = OUTPUT_PIPE});
    await_full(session.output);
    session_signal(&session, session.parent, SIGTERM);
    check_running(&session);
    session_signal(&session, session.parent, SIGTERM);
    session_end(&session, BY_SIGNAL(SIGTERM));
    check(session.orphans == 0, "the child outlived the parent");
}

/* The child never attaches. The parent does not wait for it: nothing has been published. */
static void before_attach(const void *argument)
{
    (void)argument;
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    write_file("bin/shmsum-child", "#!/bin/sh\nexec sleep 1000\n");
    check(chmod("bin/shmsum-child", 0755) == 0, "chmod: %s", strerror(errno));
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){.program = "bin/shmsum"});
    session_await_program(&session, "sleep");
    session_signal(&session, session.parent, SIGTERM);
    session_end(&session, BY_SIGNAL(SIGTERM));
    session_check_message(&session, "stopped by signal 15 (Terminated); nothing was read");
    check_file("results.txt", "old\n");
    check(session.orphans == 0, "the child outlived the parent");
}

/* The parent waits for a writer of a FIFO; a signal ends the wait. */
static void fifo_without_writer(const void *argument)
{
    (void)argument;
    check(mkfifo("input.fifo", 0600) == 0, "mkfifo: %s", strerror(errno));
    static const char *const arguments[] = {"-o", "results.txt", "input.fifo", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&session);
    check_running(&session);
    session_signal(&session, session.parent, SIGTERM);
    session_end(&session, BY_SIGNAL(SIGTERM));
}

/* ---- waits for somebody who never comes: a signal ends each of them ---- */

/* Standard error of the programs, in the cases below: a pipe that is full and that nobody reads. */
static int full_pipe[2];

static void fill_pipe(void)
{
    check(pipe2(full_pipe, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2: %s", strerror(errno));
    check(fcntl(full_pipe[1], F_SETPIPE_SZ, 4096) > 0, "fcntl: %s", strerror(errno));
    char bytes[512];
    memset(bytes, 'x', sizeof bytes);
    while (write(full_pipe[1], bytes, sizeof bytes) > 0)
        continue;
    check(errno == EAGAIN && fcntl(full_pipe[1], F_SETFL, 0) == 0, "pipe: %s", strerror(errno));
}

static void write_to_full_pipe(void)
{
    dup2(full_pipe[1], 2);
}

/* The number of the system call in which the process sleeps; -1: none. */
static long call_of(pid_t pid)
{
    char path[64], text[64];
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (got < 0 && (errno == EACCES || errno == EPERM))
        test_skip("%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
}

/* Waits until the process, or the other one, sleeps in this system call, and stays there. */
static void await_call(pid_t pid, pid_t other, long number)
{
    int seen = 0;
    for (double end = now_ms() + DEADLINE_MS; now_ms() < end && seen < 20; sleep_ms(2))
        seen = call_of(pid) == number || (other > 0 && call_of(other) == number) ? seen + 1 : 0;
    check(seen > 0, "process %d does not sleep in call %ld", (int)pid, number);
}

/* A run that waits for somebody who never comes. */
struct stuck {
    const char *arguments[8];
    long call; /* the parent, or the child, sleeps in it */
    bool child;
    bool one;        /* one signal ends the wait: there is nothing to end in good order */
    bool full_error; /* standard error is a full pipe */
    const char *fed;
    bool closed;         /* the input ends */
    const char *results; /* what the file holds at the end */
};

static void stuck(const void *argument)
{
    const struct stuck *how = argument;
    write_file("results.txt", "old\n");
    check(mkfifo("trace.fifo", 0600) == 0, "mkfifo: %s", strerror(errno));
    if (how->full_error)
        fill_pipe();
    struct session session = session_start(&(struct session_config){
        .arguments = how->arguments, .prepare = how->full_error ? write_to_full_pipe : NULL});
    if (how->fed != NULL)
        session_feed(&session, how->fed);
    if (how->closed)
        session_close_input(&session);
    if (how->child)
        session_await_child(&session);
    await_call(how->child ? session.child : session.parent, 0, how->call);
    session_signal(&session, session.parent, SIGINT);
    if (!how->one) {
        check_running(&session);
        session_signal(&session, session.parent, SIGINT);
    }
    session_end(&session, BY_SIGNAL(SIGINT));
    printf("%.0f ms after the last signal\n", session.end_ms);
    check_file("results.txt", how->results);
    if (!how->full_error)
        session_check_message(&session, "shmsum: stopped by signal 2 (Interrupt); ");
    check(session.orphans == 0, "the child outlived the parent");
    if (how->full_error) {
        close(full_pipe[0]);
        close(full_pipe[1]);
    }
}

/* Whatever the two programs do when the FIFO of the trace is full, they end. */
static void trace_reader_asleep(const void *argument)
{
    (void)argument;
    check(mkfifo("trace.fifo", 0600) == 0, "mkfifo: %s", strerror(errno));
    int reader = open("trace.fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    check(reader >= 0 && fcntl(reader, F_SETPIPE_SZ, 4096) > 0, "FIFO: %s", strerror(errno));
    static const char *const arguments[] = {"--trace=trace.fifo", "--slot-bytes=16", "-o",
                                            "results.txt", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    await_call(session.parent, session.child, SYS_write);
    session_signal(&session, session.parent, SIGINT);
    check_running(&session);
    session_signal(&session, session.parent, SIGINT);
    (void)session_end_counted(&session, BY_SIGNAL(SIGINT));
    printf("%.0f ms after the last signal\n", session.end_ms);
    (void)check_results("results.txt");
    session_check_message(&session, "shmsum: stopped by signal 2 (Interrupt); ");
    check(session.orphans == 0, "the child outlived the parent");
    close(reader);
}

/* The user has stopped the terminal with Ctrl+S. */
static void stopped_terminal(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "1 1\n");
    session_expect(&session, "= 2\r\n> ");
    session_await_child(&session);
    session_feed(&session, "\0232 1\n");
    session_await_results(&session, 2);
    await_call(session.child, 0, SYS_write); /* the answer */
    session_signal(&session, session.parent, SIGINT);
    check_running(&session);
    session_signal(&session, session.parent, SIGINT);
    session_end(&session, BY_SIGNAL(SIGINT));
    printf("%.0f ms after the last signal\n", session.end_ms);
    check(check_results("results.txt") == 2, "not what was written");
    check(session.orphans == 0, "the child outlived the parent");
}

/* ---- the parent is dead, and nobody reads the results ---- */

/* Whether the orphan has ended. This process is the reaper of orphans; the status stays. */
static bool is_gone(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* A run whose child sleeps in a write to a pipe that nobody reads; then its parent is killed. */
static struct session orphan(void (*prepare)(void))
{
    struct session session = session_start(&(struct session_config){
        .arguments = to_standard_output, .output = OUTPUT_PIPE, .prepare = prepare});
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    await_full(session.output);
    await_call(session.child, 0, SYS_write);
    check(!is_gone(session.child), "the child has ended");
    session_signal(&session, session.parent, SIGKILL);
    int status = session_await_parent(&session);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status 0x%x", (unsigned)status);
    check(!is_gone(session.child), "the child did not wait for the reader");
    return session;
}

static void end_orphan(struct session *session, const char *text)
{
    harness_await_orphans(NULL);
    session_clean_up(session);
    session_check_message(session, text);
    session_check_message(session, "shmsum: parent: gone; ");
}

/* The orphan obeys a signal to stop. It may not know yet that it is one. */
static void signal_to_orphan(const void *argument)
{
    const int *signal = argument;
    struct session session = orphan(NULL);
    double end = now_ms() + DEADLINE_MS;
    for (; !is_gone(session.child) && now_ms() < end; sleep_ms(5))
        session_signal(&session, session.child, *signal);
    check(is_gone(session.child), "the orphan is deaf");
    char text[64];
    snprintf(text, sizeof text, "shmsum: stopped by signal %d (", *signal);
    end_orphan(&session, text);
}

/* A signal that was ignored at the start is ignored by the orphan, too. */
static void ignored_by_orphan(const void *argument)
{
    ignored_signal = argument;
    struct session session = orphan(ignore);
    for (int i = 0; i < 20; i++, sleep_ms(10))
        session_signal(&session, session.child, *ignored_signal);
    check(!is_gone(session.child), "the orphan obeyed a signal that was ignored");
    int other = *ignored_signal == SIGTERM ? SIGHUP : SIGTERM;
    double end = now_ms() + DEADLINE_MS;
    for (; !is_gone(session.child) && now_ms() < end; sleep_ms(5))
        session_signal(&session, session.child, other);
    check(is_gone(session.child), "the orphan is deaf");
    end_orphan(&session, "shmsum: stopped by signal ");
}

/* The orphan ends by itself, ten seconds after the last byte was taken, and not before. */
static void orphan_of_stuck_reader(const void *argument)
{
    (void)argument;
    struct session session = orphan(NULL);
    double begun = now_ms();
    for (; now_ms() < begun + 6000; sleep_ms(100)) /* a slow reader keeps it alive */
        continue;
    char bytes[65536];
    check(read(session.output, bytes, sizeof bytes) > 0, "read: %s", strerror(errno));
    double taken = now_ms();
    while (!is_gone(session.child) && now_ms() < taken + DEADLINE_MS)
        sleep_ms(20);
    check(is_gone(session.child), "the orphaned child did not end");
    printf("%.1f s after the last byte was taken\n", (now_ms() - taken) / 1e3);
    check(now_ms() - taken > 8500, "the orphan left a slow reader");
    end_orphan(&session, "shmsum: write: standard output: took nothing for 10 s");
}

#define STUCK(...)        \
    &(const struct stuck) \
    {                     \
        __VA_ARGS__       \
    }
#define STOP(signal_, bulk_, group_) \
    &(const struct stop)             \
    {                                \
        signal_, bulk_, group_       \
    }
#define SIGNALS(...) \
    (const int[])    \
    {                \
        __VA_ARGS__  \
    }
static const struct test_case cases[] = {
    {"int_idle_parent", stop, STOP(SIGINT, false, false), 0},
    {"int_idle_group", stop, STOP(SIGINT, false, true), 0},
    {"int_bulk_parent", stop, STOP(SIGINT, true, false), 0},
    {"int_bulk_group", stop, STOP(SIGINT, true, true), 0},
    {"term_idle_parent", stop, STOP(SIGTERM, false, false), 0},
    {"term_idle_group", stop, STOP(SIGTERM, false, true), 0},
    {"term_bulk_parent", stop, STOP(SIGTERM, true, false), 0},
    {"term_bulk_group", stop, STOP(SIGTERM, true, true), 0},
    {"hup_idle_parent", stop, STOP(SIGHUP, false, false), 0},
    {"hup_idle_group", stop, STOP(SIGHUP, false, true), 0},
    {"hup_bulk_parent", stop, STOP(SIGHUP, true, false), 0},
    {"hup_bulk_group", stop, STOP(SIGHUP, true, true), 0},
    {"ctrl_c_prompt", ctrl_c_prompt, NULL, 0},
    {"ctrl_c_half_typed", ctrl_c_prompt, "", 0},
    {"ctrl_c_first_prompt", ctrl_c_first_prompt, NULL, 0},
    {"ctrl_c_bulk", ctrl_c_bulk, NULL, 0},
    {"terminal_hung_up", terminal_hung_up, NULL, 0},
    {"quit", quit, NULL, 0},
    {"hup_ignored", ignored_at_start, SIGNALS(SIGHUP), 0},
    {"int_ignored", ignored_at_start, SIGNALS(SIGINT), 0},
    {"term_ignored", ignored_at_start, SIGNALS(SIGTERM), 0},
    {"to_child_alone", to_child_alone, NULL, 0},
    {"twice_full_pipe", second_signal_full_pipe, SIGNALS(SIGTERM, SIGTERM), 0},
    {"two_kinds_full_pipe", second_signal_full_pipe, SIGNALS(SIGINT, SIGHUP), 0},
    {"twice_after_end", second_signal_after_end, NULL, 0},
    {"once_full_pipe", first_signal_full_pipe, NULL, 0},
    {"twice_full_ring", second_signal_full_ring, NULL, 0},
    {"before_attach", before_attach, NULL, 0},
    {"fifo_without_writer", fifo_without_writer, NULL, 0},
    {"trace_without_reader", stuck,
     STUCK(.arguments = {"--trace=trace.fifo", "-o", "results.txt"}, .call = SYS_openat,
           .one = true, .results = "old\n"),
     0},
    {"trace_reader_asleep", trace_reader_asleep, NULL, 0},

    {"explain_full_at_start", stuck,
     STUCK(.arguments = {"--explain", "-o", "results.txt"}, .call = SYS_write, .full_error = true,
           .results = "old\n"),
     0},
    {"prompt_full", stuck,
     STUCK(.arguments = {"--prompt=always", "-o", "results.txt"}, .call = SYS_write,
           .full_error = true, .results = "old\n"),
     0},
    {"progress_full", stuck,
     STUCK(.arguments = {"--progress=always", "-o", "results.txt"}, .call = SYS_write,
           .full_error = true, .fed = "1 1\n", .results = "2\n"),
     0},
    {"message_of_child_full", stuck,
     STUCK(.arguments = {"-o", "results.txt"}, .call = SYS_write, .child = true, .full_error = true,
           .fed = "1 1\nx\n", .results = "old\n"),
     0},
    {"stats_full", stuck,
     STUCK(.arguments = {"--stats", "-o", "results.txt"}, .call = SYS_write, .full_error = true,
           .fed = "1 1\n", .closed = true, .results = "2\n"),
     0},

    {"stopped_terminal", stopped_terminal, NULL, 0},
    {"int_to_orphan", signal_to_orphan, SIGNALS(SIGINT), 0},
    {"term_to_orphan", signal_to_orphan, SIGNALS(SIGTERM), 0},
    {"hup_to_orphan", signal_to_orphan, SIGNALS(SIGHUP), 0},
    {"hup_ignored_by_orphan", ignored_by_orphan, SIGNALS(SIGHUP), 0},
    {"term_ignored_by_orphan", ignored_by_orphan, SIGNALS(SIGTERM), 0},
    {"orphan_of_stuck_reader", orphan_of_stuck_reader, NULL, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
