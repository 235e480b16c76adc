/*
 * test_soak.c - many short runs, kills and signals at random moments, a long idle time, a long
 * line. These environment variables set how much: SHMSUM_SHORT_RUNS, SHMSUM_KILL_RUNS,
 * SHMSUM_IDLE_SECONDS, SHMSUM_LINE_MB. SHMSUM_SEED repeats the random choices of a run.
 */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const from_file[] = {"-o", "results.txt", "input.txt", NULL};

static void short_runs(const void *argument)
{
    (void)argument;
    unsigned long runs = number_from_environment("SHMSUM_SHORT_RUNS", 200);
    for (unsigned long i = 0; i < runs; i++) {
        unsigned long lines = random_below(50);
        write_lines("input.txt", 1, lines);
        struct session session = session_start(&(struct session_config){.arguments = from_file});
        int status = session_await_parent(&session);
        check(status == 0, "run %lu ended with 0x%x", i, (unsigned)status);
        check(harness_await_orphans(NULL) == 0, "run %lu: the child outlived the parent", i);
        check_no_name(session.parent);
        check(check_results("results.txt") == lines, "run %lu: not all lines", i);
        check_file(session.messages, "");
        session_clean_up(&session);
    }
}

enum victim { PARENT, CHILD, BOTH };

/* Waits a random time: in half of the cases at most 3 ms, so that the start of a run is hit too. */
static void wait_a_moment(void)
{
    uint32_t us = random_below(2) == 0 ? random_below(3000) : random_below(30000);
    double until = now_ms() + us / 1e3;
    while (now_ms() < until) /* sleeping is too coarse */
        continue;
}

static void kill_victim(const struct session *session, enum victim victim)
{
    pid_t children[4];
    size_t count = children_of(session->parent, children, 4);
    if (victim == PARENT || victim == BOTH)
        kill(session->parent, SIGKILL);
    if (count > 0 && (victim == CHILD || victim == BOTH))
        kill(children[0], SIGKILL);
}

static void check_victim(struct session *session, enum victim victim, int status)
{
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0; /* the run ended before the kill */
    bool reported = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    check(ended || (victim == CHILD ? reported : killed), "the parent ended with 0x%x",
          (unsigned)status);
    if (reported)
        session_check_message(session, "child: killed by signal 9 (Killed)");
    size_t size;
    char *text = read_file("results.txt", &size);
    if (strcmp(text, "old\n") != 0) {
        unsigned long lines = check_result_text(text, size, victim == BOTH);
        if (reported && size > 0)
            session_check_held(session, lines);
        check(!ended || lines == 100000, "status 0 for %lu lines", lines);
    }
    free(text);
}

static void kill_runs(const void *argument)
{
    (void)argument;
    unsigned long runs = number_from_environment("SHMSUM_KILL_RUNS", 60);
    unsigned long in_time = 0;
    write_lines("input.txt", 1, 100000);
    write_lines("short.txt", 1, 3);
    for (unsigned long i = 0; i < runs; i++) {
        write_file("results.txt", "old\n");
        bool endless = random_below(2) == 0;
        struct session session =
            session_start(&(struct session_config){.arguments = endless ? NULL : from_file});
        if (endless)
            session_feed_endlessly(&session, 1);
        enum victim victim = (enum victim)random_below(3);
        wait_a_moment();
        session.signalled_ms = now_ms();
        if (endless && victim == CHILD)
            session_await_child(&session);
        kill_victim(&session, victim);
        int status = session_await_parent(&session);
        harness_await_orphans(NULL);
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)
            in_time++;
        if (access("results.txt", F_OK) == 0)
            check_victim(&session, victim, status);
        session_clean_up(&session);

        /* A kill during the start may leave the name of the region. The next start removes it. */
        static const char *const again[] = {"-o", "again.txt", "short.txt", NULL};
        struct session next = session_start(&(struct session_config){.arguments = again});
        status = session_await_parent(&next);
        check(status == 0 && check_results("again.txt") == 3, "the next start: 0x%x",
              (unsigned)status);
        check(harness_await_orphans(NULL) == 0, "the next start: the child outlived the parent");
        check_no_name(next.parent);
        check_no_name(session.parent);
        session_clean_up(&next);
    }
    printf("%lu of %lu runs were killed in time\n", in_time, runs);
}

/* Sends one or two of the signals that stop a run, at random moments, also during the start. After
 * one signal all lines that the programs took are summed; a second signal may lose some. Neither
 * leaves a process or a name. */
static void signal_runs(const void *argument)
{
    (void)argument;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    unsigned long runs = number_from_environment("SHMSUM_KILL_RUNS", 60);
    unsigned long in_bulk = 0;
    for (unsigned long i = 0; i < runs; i++) {
        write_file("results.txt", "old\n");
        struct session session = session_start(&(struct session_config){0});
        session_feed_endlessly(&session, 1);
        int signal = signals[random_below(3)];
        pid_t whom = random_below(2) == 0 ? session.parent : -session.parent;
        bool twice = random_below(4) == 0;
        int second = signal;
        wait_a_moment();
        session_signal(&session, whom, signal);
        if (twice) {
            double until = now_ms() + random_below(1000) / 1e3;
            while (now_ms() < until)
                continue;
            second = signals[random_below(3)];
            kill(whom, second);
        }
        int status = session_await_parent(&session);
        /* When both signals are pending, the kernel delivers the lower number first. */
        check(WIFSIGNALED(status) && (WTERMSIG(status) == signal || WTERMSIG(status) == second),
              "run %lu: signal %d, but the parent ended with 0x%x", i, signal, (unsigned)status);
        check(harness_await_orphans(NULL) == 0, "run %lu: the child outlived the parent", i);
        check_no_name(session.parent);
        unsigned long taken = session_lines_taken(&session);
        size_t size;
        char *text = read_file("results.txt", &size);
        if (strcmp(text, "old\n") == 0) {
            check(taken == 0 || twice, "run %lu: %lu lines were taken, and none written", i, taken);
        } else {
            unsigned long held = check_result_text(text, size, false);
            check(held == taken || (twice && held < taken),
                  "run %lu: %lu lines were taken, %lu results written", i, taken, held);
            session_check_held(&session, held);
            in_bulk += held > 0;
        }
        free(text);
        session_clean_up(&session);
    }
    printf("%lu of %lu runs were stopped in the middle\n", in_bulk, runs);
}

/* ---- idle ---- */

static unsigned long status_number(pid_t pid, const char *field)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    check(file != NULL, "open: %s: %s", path, strerror(errno));
    char line[256];
    unsigned long number = 0;
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':') {
            number = strtoul(line + strlen(field) + 1, NULL, 10);
            found = true;
        }
    fclose(file);
    check(found, "%s has no %s", path, field);
    return number;
}

/* No process polls: while it waits, at the prompt or at a pipe, it never wakes up. */
static void idle(const void *argument)
{
    (void)argument;
    bool waits_on_two = false;
#ifdef SYS_futex_waitv
    /* EINVAL: the kernel has the call and refuses these arguments */
    waits_on_two = syscall(SYS_futex_waitv, NULL, 0, 0, NULL, 0) < 0 && errno == EINVAL;
#endif
    if (!waits_on_two)
        test_skip("the kernel has no futex_waitv: waits wake up periodically");
    struct session prompt = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_await_child(&prompt);
    session_expect(&prompt, "> ");
    session_feed(&prompt, "1 1\n");
    session_expect(&prompt, "= 2\r\n> ");
    const char *arguments[] = {"-o", "-", NULL};
    struct session pipe = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&pipe);
    session_feed_lines(&pipe, 1, 3);
    sleep_ms(300); /* until they sleep */
    pid_t who[] = {prompt.parent, prompt.child, pipe.parent, pipe.child};
    static const char *const names[] = {"the parent at the prompt", "its child",
                                        "the parent at a pipe", "its child"};
    unsigned long before[4];
    for (int i = 0; i < 4; i++)
        before[i] = status_number(who[i], "voluntary_ctxt_switches");
    sleep_ms(1000U * (unsigned)number_from_environment("SHMSUM_IDLE_SECONDS", 2));
    for (int i = 0; i < 4; i++) {
        unsigned long after = status_number(who[i], "voluntary_ctxt_switches");
        check(after == before[i], "%s woke %lu times", names[i], after - before[i]);
    }
    session_feed(&prompt, "\4");
    session_end(&prompt, 0);
    session_close_input(&pipe);
    session_end(&pipe, 0);
}

/* ---- a long line ---- */

/* One line of many megabytes, in constant memory. */
static void long_line(const void *argument)
{
    (void)argument;
    unsigned long numbers = number_from_environment("SHMSUM_LINE_MB", 20) * 500000;
    struct session session = session_start(&(struct session_config){0});
    session_await_child(&session);
    char text[8001];
    for (size_t i = 0; i < 8000; i += 2)
        memcpy(text + i, "1 ", 2);
    text[8000] = '\0';
    for (unsigned long i = 0; i < numbers; i += 4000)
        session_feed(&session, text);
    session_feed(&session, "\n");
    session_await_results(&session, 1);
    unsigned long peak_kb =
        status_number(session.parent, "VmHWM") + status_number(session.child, "VmHWM");
    printf("peak: %lu KB\n", peak_kb);
    session_close_input(&session);
    session_end(&session, 0);
    char expected[32];
    snprintf(expected, sizeof expected, "%lu\n", numbers);
    check_file("results.txt", expected);
    check(HARNESS_SANITIZED || peak_kb < 32 * 1024, "both together took %lu KB", peak_kb);
}

static const struct test_case cases[] = {
    {"short_runs", short_runs, NULL, 110},   {"kill_runs", kill_runs, NULL, 110},
    {"signal_runs", signal_runs, NULL, 110}, {"idle", idle, NULL, 110},
    {"long_line", long_line, NULL, 110},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
