/*
 * dialogue.c - section `dialogue`: how long a person at a terminal waits for an answer, and how
 * often the processes wake up while there is no input.
 *
 * The section acts as the terminal, with a pseudo-terminal without echo. It writes a line, measures
 * the time until the whole answer has arrived, and writes the next line. Two other programs are
 * measured in turns with shmsum: cat, which shows the cost of the terminal and one process, and
 * mawk with -W interactive, which sums. In shmsum the line passes through a second process, which
 * also writes the results file before it answers.
 *
 * Then the section sends nothing for a while and counts how often each process of shmsum wakes up,
 * and how often a process does that waits as in the lab: check, usleep(1000), check again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bench.h"

enum { LINES_MAX = 2000, PATIENCE_MS = 20000, ROOM = 4096 };

struct contestant {
    const char *name;
    char *argv[5];
    const char *answer; /* the text before the sum; NULL: the program sends the line back */
};

struct session {
    pid_t pid;
    int terminal;
    char text[ROOM]; /* received bytes that await_text has not used yet */
    size_t size;
};

static void fail(const char *what)
{
    bench_die("%s: %s", what, strerror(errno));
}

static void open_session(struct session *session, const struct contestant *who)
{
    session->size = 0;
    session->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (session->terminal < 0 || grantpt(session->terminal) != 0 ||
        unlockpt(session->terminal) != 0)
        fail("posix_openpt");
    const char *name = ptsname(session->terminal);
    if (name == NULL)
        fail("ptsname");
    fflush(stdout);
    session->pid = fork();
    if (session->pid < 0)
        fail("fork");
    if (session->pid > 0)
        return;
    setsid();
    int fd = open(name, O_RDWR); /* becomes the controlling terminal of the new session */
    struct termios settings;
    if (fd < 0 || tcgetattr(fd, &settings) != 0)
        fail(name);
    settings.c_lflag &= ~(tcflag_t)ECHO;
    settings.c_oflag &= ~(tcflag_t)OPOST; /* the terminal does not turn LF into CR LF */
    if (tcsetattr(fd, TCSANOW, &settings) != 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 ||
        dup2(fd, 2) < 0)
        fail("tcsetattr");
    if (fd > 2)
        close(fd);
    execvp(who->argv[0], who->argv);
    fail(who->argv[0]);
}

/* Reads until `wanted` has arrived, and discards everything up to its end. */
static void await_text(struct session *session, const char *wanted, const char *who)
{
    for (;;) {
        session->text[session->size] = '\0';
        char *found = strstr(session->text, wanted);
        if (found != NULL) {
            found += strlen(wanted);
            session->size -= (size_t)(found - session->text);
            memmove(session->text, found, session->size);
            return;
        }
        struct pollfd ready = {.fd = session->terminal, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE_MS) != 1)
            bench_die("%s: no answer; expected \"%s\", got \"%s\"", who, wanted, session->text);
        ssize_t got =
            read(session->terminal, session->text + session->size, ROOM - 1 - session->size);
        if (got <= 0)
            bench_die("%s: has ended; expected \"%s\", got \"%s\"", who, wanted, session->text);
        session->size += (size_t)got;
    }
}

static void say(struct session *session, const char *line)
{
    size_t size = strlen(line);
    if (write(session->terminal, line, size) != (ssize_t)size)
        fail("write to the terminal");
}

/* Sends the line "number number" and waits for its sum. */
static void ask(struct session *session, const struct contestant *who, unsigned number)
{
    char line[64], wanted[64];
    snprintf(line, sizeof line, "%u %u\n", number, number);
    if (who->answer == NULL)
        snprintf(wanted, sizeof wanted, "%s", line);
    else
        snprintf(wanted, sizeof wanted, "%s%u\n", who->answer, 2 * number);
    say(session, line);
    await_text(session, wanted, who->name);
}

static void close_session(struct session *session)
{
    close(session->terminal); /* hangs up */
    kill(session->pid, SIGTERM);
    while (waitpid(session->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static long wakes_of(pid_t pid)
{
    return bench_status_of(pid, "voluntary_ctxt_switches:");
}

static pid_t start_lab(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        alarm(60);
        for (volatile int flag = 0; flag == 0;)
            usleep(1000);
        _exit(0);
    }
    return pid;
}

static void idle(const struct bench *bench, const struct contestant *shmsum)
{
    struct session session;
    open_session(&session, shmsum);
    ask(&session, shmsum, 1);
    pid_t lab = start_lab();
    usleep(200000); /* until all processes sleep */
    pid_t pids[3] = {session.pid, bench_child_of(session.pid), lab};
    static const char *const names[3] = {"shmsum", "shmsum-child", "lab: usleep(1000)"};
    unsigned seconds = (unsigned)bench_pick(bench, 5, 2, 1);
    long before[3], after[3];
    for (int i = 0; i < 3; i++)
        before[i] = wakes_of(pids[i]);
    uint64_t begin = bench_now_ns();
    sleep(seconds);
    double took = bench_seconds_since(begin);
    for (int i = 0; i < 3; i++)
        after[i] = wakes_of(pids[i]);
    kill(lab, SIGKILL);
    waitpid(lab, NULL, 0);
    close_session(&session);

    printf("\nidle for %u s\n\n| process | wake-ups a second |\n| --- | ---: |\n", seconds);
    for (int i = 0; i < 3; i++) {
        if (before[i] < 0 || after[i] < 0) {
            printf("| %s | not to be seen here |\n", names[i]);
            continue;
        }
        double wakes = (double)(after[i] - before[i]) / took;
        printf("| %s | %.1f |\n", names[i], wakes);
        bench_record(bench, "idle", names[i], "wake-ups/s", wakes);
    }
}

int main(int argc, char *argv[])
{
    struct bench bench;
    bench_begin(&bench, "dialogue",
                "At a pseudo-terminal without echo: from writing the line to having read the whole "
                "answer. shmsum answers after its second process has written the results file.",
                argc, argv);
    char *results = bench_path(bench.work, "results");
    const struct contestant contestants[] = {
        {"shmsum", {bench_path(bench.programs, "shmsum"), "-o", results}, "= "},
        {"cat", {"cat"}, NULL},
        {"mawk", {"mawk", "-W", "interactive", "{ print \"= \" $1 + $2 }"}, "= "},
    };
    enum { CONTESTANTS = sizeof contestants / sizeof *contestants, CAT = 1 };
    size_t lines = (size_t)bench_pick(&bench, LINES_MAX, 300, 20);
    size_t rounds = bench_rounds(&bench);
    static double us[CONTESTANTS][LINES_MAX];
    double p50[CONTESTANTS][BENCH_ROUNDS_MAX], p99[CONTESTANTS][BENCH_ROUNDS_MAX];
    struct session sessions[CONTESTANTS];
    bool there[CONTESTANTS];
    for (int i = 0; i < CONTESTANTS; i++) {
        there[i] = bench_has(contestants[i].argv[0]);
        if (!there[i])
            continue;
        open_session(&sessions[i], &contestants[i]);
        for (unsigned number = 0; number < 10; number++) /* let the program start and warm up */
            ask(&sessions[i], &contestants[i], number);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t line = 0; line < lines; line++) {
            for (int i = 0; i < CONTESTANTS; i++) {
                if (!there[i])
                    continue;
                uint64_t begin = bench_now_ns();
                ask(&sessions[i], &contestants[i], (unsigned)(100000 + line));
                us[i][line] = bench_seconds_since(begin) * 1e6;
            }
        }
        for (int i = 0; i < CONTESTANTS; i++) {
            if (there[i]) {
                p50[i][round] = bench_percentile(us[i], lines, 0.5);
                p99[i][round] = bench_percentile(us[i], lines, 0.99);
            }
        }
    }
    printf("\n%zu lines, from the newline to the whole answer\n\n", lines);
    printf("| program | p50 us | p99 us | times cat's p50 |\n| --- | ---: | ---: | ---: |\n");
    double cat_us = bench_median(p50[CAT], rounds);
    for (int i = 0; i < CONTESTANTS; i++) {
        if (!there[i]) {
            printf("| %s | not installed | | |\n", contestants[i].name);
            continue;
        }
        double half = bench_median(p50[i], rounds), most = bench_median(p99[i], rounds);
        printf("| %s | %.1f | %.1f | %.2f |\n", contestants[i].name, half, most, half / cat_us);
        bench_record(&bench, "answer", contestants[i].name, "p50 us", half);
        bench_record(&bench, "answer", contestants[i].name, "p99 us", most);
        close_session(&sessions[i]);
    }
    idle(&bench, &contestants[0]);
    remove(results);
    return 0;
}
