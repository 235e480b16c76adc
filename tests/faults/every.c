/*
 * every.c - makes each system call of the two programs fail, and kills the programs at each call.
 *
 * `fault_every calls`: each call fails, once and from then on, with each errno that its man page
 * lists; each place fails with every errno; a call with a count of bytes gets a smaller count.
 * `fault_every instants`: at the entry and at the exit of each call one program or both are killed,
 * or one gets another signal; and each call in which a program can wait never returns by itself:
 * SIGINT arrives in it, and once more after the first has been handled.
 *
 * Learning runs of each scenario, without a fault, find its places (trace.h). A point is one fault
 * at one place. Two workers try all points, or a sample of them. After each point they check:
 *   - status 0 or 1 only with all results. A failure is reported, by the name of the call, if and
 *     only if it happened and mattered (calls.h). A failed start of the child is reported by the
 *     call that failed or, if the forked child could not report it, by its exit status;
 *   - the results are whole lines of a prefix of the right results, after any earlier results; or
 *     the file is unchanged, if the run failed before it began;
 *   - no process lives on for more than a second, and no name is left after the next start.
 * Because the two programs race, a run may not reach the place. Then the worker tries the point
 * again; a point that no run reaches counts as not fired.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"
#include "calls.h"
#include "scenarios.h"
#include "trace.h"

enum {
    SCENARIOS_MAX = 16,
    POINTS_MAX = 600000,
    ROWS_MAX = 400,
    WORKERS = 2,
    LEARNING_RUNS = 4,
    TRIES = 10,       /* runs to reach a place */
    AGAIN_MAX = 20,   /* EINTR and EAGAIN "for good" end after this many calls */
    STUCK_MAX = 8,    /* calls that may wait for a tick of 5 ms each, after the second signal */
    SHOWN_MAX = 15,   /* findings that each worker prints */
    SAMPLE = 2000,    /* points in a sample, unless SHMSUM_FAULT_POINTS is set */
    SAMPLE_LEAST = 4, /* points of each row in a sample */
    TEXT_MAX = 4096,
    LIMIT_SECONDS = 7000,
};

enum kind {
    FAIL_ONCE,
    FAIL_FOR_GOOD,
    CUT_TO_ONE,
    CUT_TO_HALF,
    CUT_THEN_FULL, /* the write is cut to half, all later ones fail with ENOSPC */
    CUT_THEN_KILL, /* the write is cut to half, then its writer is killed */
    SIGNAL,
    STUCK, /* the call never returns by itself, and the parent gets the signal twice */
};

struct point {
    uint8_t scenario;
    uint8_t kind;
    uint8_t site; /* index into the sites that the learning runs of the scenario have found */
    uint8_t signal;
    uint16_t nth;
    int16_t error;
    uint16_t row;
    bool at_exit;
    bool to_parent, to_child;
};

struct row {
    const char *kind, *role;
    char what[24];
    _Atomic uint64_t points, fired, survived, hangs, torn, false_successes, unreported, leaks;
};

/* How a run has ended. */
struct outcome {
    int status; /* the wait status of the parent */
    bool hangs;
    bool process_left;
    bool name_at_end, name_left; /* after the run, and after the next start */
    double late_ms;              /* how long the child outlived the parent */
    char results[TEXT_MAX], messages[TEXT_MAX];
    size_t results_size;
};

/* Memory that the workers share. */
struct common {
    struct {
        struct trace_site sites[TRACE_SITES_MAX];
        int count;
        char messages[TEXT_MAX];
    } learned[SCENARIOS_MAX];
    struct row rows[ROWS_MAX];
    int row_count;
    struct point points[POINTS_MAX];
    int point_count;
    _Atomic int next;
    _Atomic int not_clean;
};
static struct common *common;

/* ---- one run ---- */

/* The fault of the current run, and what has happened so far. */
static struct {
    const struct point *point; /* NULL: no fault */
    const struct trace_site *place;
    uint64_t fired;
    bool matters, either, messages_differ; /* the consequences of the failures so far */
    bool lost;                             /* the reason of the failed start is among them */
    int error;                             /* the errno of the first failure that matters */
    const struct call *call;               /* the call that failed with it */
    bool caught, ignored, blocked;         /* how the process handles the signal */
    unsigned waits;                        /* how often the parent has been in the stuck call */
} now;

static bool is_again(int error)
{
    return error == EINTR || error == EAGAIN || error == ETIMEDOUT;
}

static void note_failure(const struct trace_site *site, int error)
{
    now.fired++;
    switch (call_consequence(site, site->count, error)) {
    case REPORTED:
        if (!now.matters) {
            now.error = error;
            now.call = call_find(site->number);
        }
        now.matters = true;
        break;
    case EITHER:
        now.either = true;
        break;
    case MESSAGES_DIFFER:
        now.messages_differ = true;
        break;
    case REASON_LOST:
        now.lost = true;
        break;
    case HARMLESS:
        break;
    }
}

/* Whether the signal is in this set of the process, according to /proc/PID/status. */
static bool has_signal(pid_t pid, const char *which, int signal)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[size < 0 ? 0 : size] = '\0';
    const char *line = strstr(text, which);
    return line != NULL && (strtoull(line + strlen(which), NULL, 16) >> (signal - 1) & 1) != 0;
}

static void send_signal(struct trace *trace, struct traced *process)
{
    const struct point *point = now.point;
    pid_t pid = point->kind == STUCK ? trace->processes[0].pid : process->pid;
    now.fired++;
    now.caught = has_signal(pid, "SigCgt:", point->signal);
    now.ignored = has_signal(pid, "SigIgn:", point->signal);
    now.blocked = has_signal(pid, "SigBlk:", point->signal);
    /* The call sets the handler of this very signal, perhaps after the signal has arrived. */
    if (pid == process->pid && process->site->number == SYS_rt_sigaction &&
        process->arguments[0] == (uint64_t)point->signal)
        now.either = true;
    if (point->to_parent)
        kill(trace->processes[0].pid, point->signal);
    if (point->to_child)
        kill(trace->processes[1].pid, point->signal);
}

static void send_again(struct trace *trace)
{
    if (now.fired != 1)
        return;
    now.fired++;
    kill(trace->processes[0].pid, now.point->signal);
}

/* Each signal, and each tick after the first, interrupts the call of the parent. The child does not
 * hear the signals to stop. */
static void be_stuck(struct trace *trace, struct traced *process)
{
    bool is_parent = process->role == TRACE_PARENT;
    if (now.fired == 0)
        send_signal(trace, process);
    else if (is_parent)
        send_again(trace);
    if (!is_parent)
        trace_hold(process);
    else if (!now.ignored && now.waits++ < 2 + STUCK_MAX)
        trace_fail(process, EINTR);
    now.messages_differ |= is_parent && strcmp(process->site->object, "messages") == 0;
}

static void at_call(struct trace *trace, struct traced *process, bool entry)
{
    const struct point *point = now.point;
    const struct trace_site *site = process->site;
    /* The handler of the first signal returns. */
    if (point != NULL && point->kind == STUCK && entry && now.place->role != TRACE_PARENT &&
        site->role == TRACE_PARENT && site->number == SYS_rt_sigreturn)
        send_again(trace);
    if (point == NULL || (entry == point->at_exit && point->kind != CUT_THEN_KILL) ||
        site->role != now.place->role || site->number != now.place->number ||
        strcmp(site->object, now.place->object) != 0)
        return;
    bool for_good = point->kind == FAIL_FOR_GOOD || point->kind == CUT_TO_ONE ||
                    point->kind == CUT_THEN_FULL || point->kind == STUCK;
    if (site->count < point->nth || (!for_good && site->count > point->nth))
        return;
    uint64_t bytes = trace_bytes(process);
    switch ((enum kind)point->kind) {
    case FAIL_FOR_GOOD:
        if (is_again(point->error) && now.fired >= AGAIN_MAX)
            return;
        /* fall through */
    case FAIL_ONCE:
        note_failure(site, point->error);
        trace_fail(process, point->error);
        if (point->kind == FAIL_ONCE)
            trace_let_run(trace);
        break;
    case CUT_TO_ONE:
    case CUT_TO_HALF:
        if (bytes < 2)
            return;
        if (site->number == SYS_getrandom ||
            call_consequence(site, site->count, EIO) == REASON_LOST)
            note_failure(site, EIO);
        else
            now.fired++;
        trace_cut(process, point->kind == CUT_TO_ONE ? 1 : bytes / 2);
        break;
    case CUT_THEN_FULL:
        if (site->count == point->nth) {
            if (bytes >= 2)
                trace_cut(process, bytes / 2);
        } else if (bytes >= 2) {
            note_failure(site, ENOSPC);
            trace_fail(process, ENOSPC);
        }
        break;
    case CUT_THEN_KILL:
        if (entry && bytes >= 2)
            trace_cut(process, bytes / 2);
        else if (!entry)
            send_signal(trace, process);
        break;
    case SIGNAL:
        if (point->to_child && trace->count < 2)
            return;
        send_signal(trace, process);
        trace_let_run(trace);
        break;
    case STUCK:
        be_stuck(trace, process);
        break;
    }
}

static void prepare(void)
{
    static const int more[] = {SIGALRM, SIGTSTP, SIGCONT, SIGUSR1};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        signal(more[i], SIG_DFL);
    trace_wait_for_hold();
}

#define LEFT_NAME "/dev/shm/shmsum-999999999-0123456789abcdef0123456789abcdef"

static void set_up(const struct scenario *scenario)
{
    static const char *const names[SCENARIO_FILES_MAX] = {"in1.txt", "in2.txt", "in3.txt"};
    for (size_t i = 0; i < SCENARIO_FILES_MAX; i++)
        if (scenario->files[i] != NULL)
            write_file(names[i], scenario->files[i]);
    unlink("results.txt");
    if (scenario->old != NULL)
        write_file("results.txt", scenario->old);
    if (scenario->child != NULL && mkdir("bin", 0755) == 0) {
        copy_program(getenv("SHMSUM"), "bin/shmsum");
        write_file("bin/shmsum-child", scenario->child); /* not executable */
    }
    if (scenario->left_behind) {
        write_file(LEFT_NAME, "");
        chmod(LEFT_NAME, 0600);
    }
}

/* Reads all bytes that are available now. */
static size_t drain(int fd, char *text)
{
    size_t size = 0;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (size < TEXT_MAX - 1 && poll(&ready, 1, 0) == 1) {
        ssize_t got = read(fd, text + size, TEXT_MAX - 1 - size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    text[size] = '\0';
    return size;
}

static size_t keep_file(const char *path, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, TEXT_MAX - 1);
    if (fd >= 0)
        close(fd);
    text[got < 0 ? 0 : got] = '\0';
    return got < 0 ? 0 : (size_t)got;
}

/* Removes the name of the folder from a message: runs in different folders are compared. */
static void forget_folder(char *text)
{
    char folder[4096];
    check(getcwd(folder, sizeof folder - 1) != NULL, "getcwd: %s", strerror(errno));
    strcat(folder, "/");
    size_t length = strlen(folder);
    for (char *at = text; (at = strstr(at, folder)) != NULL;)
        memmove(at, at + length, strlen(at + length) + 1);
}

/* One more start, which must remove the name that a dead instance has left. */
static void start_again(void)
{
    static const char *const nothing[] = {"-o", "-", "/dev/null", NULL};
    struct session_config config = {.arguments = nothing};
    struct session session = session_start(&config);
    int status = session_await_parent(&session);
    session_clean_up(&session);
    unlink(session.messages);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the next start failed: 0x%x",
          (unsigned)status);
    harness_await_orphans(NULL);
}

/* Runs a scenario with the fault of the point; NULL: without a fault. */
static void run(const struct scenario *scenario, const struct point *point, struct trace *trace,
                struct outcome *outcome)
{
    memset(&now, 0, sizeof now);
    now.point = point;
    if (point != NULL)
        now.place = &common->learned[point->scenario].sites[point->site];
    set_up(scenario);
    struct session_config config = {
        .program = scenario->child == NULL ? NULL : "bin/shmsum",
        .arguments = scenario->arguments,
        .input = scenario->input,
        .output = scenario->output,
        .prepare = prepare,
    };
    int output = -1;
    if (scenario->output == OUTPUT_DESCRIPTOR) {
        output = open("results.txt", O_WRONLY | O_APPEND | O_CLOEXEC);
        config.output_descriptor = output;
    }
    trace_open();
    struct session session = session_start(&config);
    if (scenario->fed != NULL)
        session_feed(&session, scenario->fed);
    session_close_input(&session);
    for (const char *at = scenario->fed; session.at_terminal && *at != '\0'; at++)
        if (*at == '\n')
            /* wait for the echo, so that it comes first in every run */
            session_expect(&session, "\r\n");

    trace->at_call = at_call;
    trace_only(trace, point == NULL ? -1 : now.place->number, SYS_rt_sigreturn);
    trace_run(trace, session.parent, now_ms() + DEADLINE_MS);
    harness_forget(session.parent);

    memset(outcome, 0, sizeof *outcome);
    outcome->status = trace->processes[0].status;
    outcome->hangs = trace->hangs;
    for (int i = 1; i < trace->count; i++) {
        double late = trace->processes[i].end_ms - trace->processes[0].end_ms;
        if (late > outcome->late_ms)
            outcome->late_ms = late;
    }
    outcome->process_left = outcome->late_ms > GONE_MS || harness_await_orphans(NULL) > 0;
    char name[HARNESS_NAME_MAX];
    outcome->name_at_end = find_name(session.parent, name);
    if (outcome->name_at_end) {
        start_again();
        outcome->name_left = find_name(session.parent, name);
    }
    if (session.at_terminal)
        drain(session.terminal, outcome->messages);
    else
        keep_file(session.messages, outcome->messages);
    forget_folder(outcome->messages);
    outcome->results_size = scenario->output == OUTPUT_PIPE
                                ? drain(session.output, outcome->results)
                                : keep_file("results.txt", outcome->results);
    session_clean_up(&session);
    if (output >= 0)
        close(output);
    unlink(session.messages);
    unlink("output.txt");
    if (scenario->left_behind)
        unlink(LEFT_NAME);
}

/* ---- the checks after a run ---- */

enum { HELD_ALL = 1, HELD_PREFIX = 2, HELD_OLD = 4, HELD_TORN = 8 };

/* What the results file holds, as HELD bits. */
static int held_by_results(const struct scenario *scenario, const struct outcome *outcome)
{
    const char *old = scenario->old == NULL ? "" : scenario->old;
    const char *text = outcome->results;
    size_t size = outcome->results_size;
    int held = strcmp(text, old) == 0 ? HELD_OLD : 0;
    if (scenario->appends && scenario->output != OUTPUT_PIPE) {
        if (strncmp(text, old, strlen(old)) != 0)
            return HELD_TORN;
        text += strlen(old);
        size -= strlen(old);
    }
    if (size > strlen(scenario->right) || memcmp(text, scenario->right, size) != 0)
        return held != 0 ? held : HELD_TORN;
    if (size > 0 && text[size - 1] != '\n')
        return HELD_TORN;
    return held | HELD_PREFIX | (size == strlen(scenario->right) ? HELD_ALL : 0);
}

/* Whether a message reports this failure: one of the call's names, and the reason. */
static bool reports(const char *messages, const char *words, int error)
{
    static const struct {
        int error;
        const char *text;
    } special[] = {
        {ENOENT, "was removed or renamed during the run"}, /* stat */
        {ELOOP, "is a symbolic link; name the file itself"},
        {ENOSYS, "the kernel or the file system does not have this call"},
        {ENOSYS, "the kernel does not have this call"},
        /* The C library replaces these errnos by others that POSIX names. */
        {EISDIR, "Invalid argument"}, /* shm_open */
        {EPERM, "Permission denied"}, /* shm_unlink */
    };
    for (const char *line = messages; (line = strstr(line, "shmsum: ")) != NULL;) {
        line += strlen("shmsum: ");
        char word[40] = " ";
        size_t length = strcspn(line, ":\n");
        snprintf(word, sizeof word, " %.*s ", (int)(length < 30 ? length : 30), line);
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\r\n"), line);
        bool reason = strstr(text, strerror(error)) != NULL;
        for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
            reason |= special[i].error == error && strstr(text, special[i].text) != NULL;
        if (reason && strstr(words, word) != NULL)
            return true;
    }
    return false;
}

static void show(const struct scenario *scenario, const struct point *point,
                 const struct outcome *outcome, const char *what)
{
    static int shown;
    if (shown++ >= SHOWN_MAX)
        return;
    static const char *const kinds[] = {"fails",     "fails for good",        "gets 1 byte",
                                        "gets half", "gets half, then fails", "gets half, killed",
                                        ""};
    static const char *const roles[] = {"parent", "forked child", "child"};
    char how[64];
    if (point->kind == STUCK)
        snprintf(how, sizeof how, "never returns, SIG%s twice", sigabbrev_np(point->signal));
    else if (point->kind == SIGNAL || point->kind == CUT_THEN_KILL)
        snprintf(how, sizeof how, "%s: SIG%s to%s%s", point->at_exit ? "exit" : "entry",
                 sigabbrev_np(point->signal), point->to_parent ? " parent" : "",
                 point->to_child ? " child" : "");
    else
        snprintf(how, sizeof how, "%s %s", kinds[point->kind],
                 point->error == 0 ? "" : call_error_name(point->error));
    printf("finding: %s: %s, %s(%s) number %u, %s: %s\n", scenario->name, roles[now.place->role],
           call_find(now.place->number)->name, now.place->object, (unsigned)point->nth, how, what);
    printf("    status 0x%x, child %.0f ms later, results \"%s\", messages \"%s\"\n",
           (unsigned)outcome->status, outcome->late_ms, outcome->results, outcome->messages);
    fflush(stdout);
}

static bool fails(const struct scenario *scenario, const struct point *point,
                  const struct outcome *outcome, _Atomic uint64_t *column, const char *what)
{
    if (column != NULL)
        (*column)++;
    show(scenario, point, outcome, what);
    return false;
}

#define FAILS(column, what) return fails(scenario, point, outcome, (column), (what))

/* Whether the run ended as it does without a fault. */
static bool is_untouched(const struct scenario *scenario, const struct point *point,
                         const struct outcome *outcome, bool with_messages)
{
    return WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == scenario->status &&
           (held_by_results(scenario, outcome) & HELD_ALL) != 0 &&
           (!with_messages ||
            strcmp(outcome->messages, common->learned[point->scenario].messages) == 0);
}

/* In this scenario the start of the child fails anyway. The program reports the first failure: that
 * one, or an injected one before it. */
static bool judge_failed_start(const struct scenario *scenario, const struct point *point,
                               const struct outcome *outcome, struct row *row)
{
    if (!WIFEXITED(outcome->status) || WEXITSTATUS(outcome->status) != 3)
        FAILS(&row->unreported, "status 3 was expected");
    if (now.lost) {
        if (strcmp(outcome->messages,
                   "shmsum: child: exited with status 127; nothing was read\n") != 0)
            FAILS(&row->unreported,
                  "the message does not give the exit status, which is all that the parent knows");
        return true;
    }
    if (strcmp(outcome->messages, common->learned[point->scenario].messages) == 0 ||
        now.messages_differ)
        return true;
    if (now.either && strstr(outcome->messages, "shmsum: ") != NULL)
        return true;
    if (!now.matters)
        FAILS(NULL, "a harmless failure changed the run");
    if (!reports(outcome->messages, now.call->words, now.error))
        FAILS(&row->unreported, "the message does not name the call and the reason");
    return true;
}

static bool judge_failure(const struct scenario *scenario, const struct point *point,
                          const struct outcome *outcome, struct row *row)
{
    bool system = WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == 3;
    if (!now.matters) {
        if (is_untouched(scenario, point, outcome, !now.messages_differ && !now.either))
            return true;
        if (now.either && system && strstr(outcome->messages, "shmsum: ") != NULL)
            return true;
        FAILS(NULL, "the run must not change because of this failure, but it did");
    }
    if (!system)
        FAILS(&row->unreported, "status 3 was expected");
    const char *words = now.call->words;
    /* The write of the message may be among the calls that failed. */
    if (!reports(outcome->messages, words, now.error) && !now.messages_differ)
        FAILS(&row->unreported, "no message names the call and the reason");
    return true;
}

static bool reports_signal(const struct outcome *outcome, const char *what, int signal)
{
    char text[64];
    snprintf(text, sizeof text, "%s by signal %d (", what, signal);
    return strstr(outcome->messages, text) != NULL;
}

static bool judge_signal(const struct scenario *scenario, const struct point *point,
                         const struct outcome *outcome, struct row *row)
{
    int held = held_by_results(scenario, outcome);
    int killed_by = WIFSIGNALED(outcome->status) ? WTERMSIG(outcome->status) : 0;
    int signal = point->signal;
    if (now.either) {
        if (killed_by == signal || is_untouched(scenario, point, outcome, false) ||
            (WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) == 3))
            return true;
        FAILS(NULL, "the run ended in no way that this signal allows");
    }
    /* The forked child blocks all signals until it ignores SIGQUIT, and these until the child has
     * handlers for them. */
    bool forked =
        !point->to_parent &&
        (now.place->role == TRACE_FORKED || (now.place->role == TRACE_CHILD && now.blocked)) &&
        (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT);
    bool harmless = now.ignored || forked || signal == SIGTSTP || signal == SIGCHLD ||
                    (now.caught && !point->to_parent);
    if (harmless) {
        if (!is_untouched(scenario, point, outcome, true))
            FAILS(NULL, "the signal should have done nothing");
        return true;
    }
    if (point->to_parent) {
        if (killed_by == signal) {
            if (now.caught && (held & HELD_ALL) == 0 && !now.messages_differ &&
                !reports_signal(outcome, "stopped", signal))
                FAILS(&row->unreported, "the program was stopped and did not report it");
            return true;
        }
        if (is_untouched(scenario, point, outcome, false))
            return true; /* the signal came too late */
        FAILS(NULL, "the run ended in no way that this signal allows");
    }
    bool gone = now.place->number == SYS_exit_group ||
                (scenario->child != NULL && now.place->role == TRACE_PARENT);
    if (gone && is_untouched(scenario, point, outcome, true))
        return true; /* the same: the child was exiting, or dead */
    if (!WIFEXITED(outcome->status) || WEXITSTATUS(outcome->status) != 3)
        FAILS(&row->unreported, "status 3 was expected, because the child was killed");
    if (!reports_signal(outcome, "child: killed", signal))
        FAILS(&row->unreported, "no message says that the child was killed");
    return true;
}

/* Whether the last message about the number of results is right. */
static bool is_count_right(const struct scenario *scenario, const struct outcome *outcome)
{
    unsigned long lines = 0, reported;
    for (size_t i = 0; i < outcome->results_size; i++)
        lines += outcome->results[i] == '\n';
    unsigned long count = lines - (scenario->appends && scenario->old != NULL);
    switch (said_results(outcome->messages, &reported)) {
    case SAID_EXACTLY:
        return reported == count;
    case SAID_AT_LEAST:
        return reported <= count;
    case SAID_UNCHANGED:
        return scenario->old != NULL && strcmp(outcome->results, scenario->old) == 0;
    case SAID_NOT_KNOWN:
    case SAID_NOTHING:
        break;
    }
    return true;
}

/* Whether the run has ended as promised; see the top of this file. */
static bool judge(const struct scenario *scenario, const struct point *point,
                  const struct outcome *outcome, struct row *row)
{
    if (outcome->hangs)
        FAILS(&row->hangs, "hangs");
    if (outcome->process_left)
        FAILS(&row->leaks, "a process is left behind");
    /* The name may stay until the next start only if the parent was killed or could not remove it.
     */
    bool may_stay = (WIFSIGNALED(outcome->status) && !now.caught) ||
                    strcmp(call_find(now.place->number)->words, " shm_unlink ") == 0;
    if (outcome->name_left || (outcome->name_at_end && !may_stay))
        FAILS(&row->leaks, "a name is left behind");
    int held = held_by_results(scenario, outcome);
    bool both = point->to_parent && point->to_child;
    /* The program takes no bytes back from standard output. From a file of its own it does, unless
     * the calls for that fail; then it says so. */
    bool kept = strstr(outcome->messages, "its last line may be unfinished") != NULL ||
                (scenario->output != OUTPUT_FILE &&
                 (point->kind == CUT_THEN_FULL || point->kind == CUT_THEN_KILL));
    if ((held & HELD_TORN) != 0 && !both && !kept)
        FAILS(&row->torn, "the results are torn");
    if (!is_count_right(scenario, outcome))
        FAILS(NULL, "the number of results is not the reported one");
    bool success = WIFEXITED(outcome->status) && WEXITSTATUS(outcome->status) <= 1;
    if (success && (held & HELD_ALL) == 0)
        FAILS(&row->false_successes, "success without the results");
    if (success && WEXITSTATUS(outcome->status) != scenario->status)
        FAILS(&row->false_successes, "the wrong status");
    if (now.waits > 2 + STUCK_MAX)
        FAILS(&row->hangs, "waits again and again after the second signal");
    bool by_signal = point->kind == SIGNAL || point->kind == CUT_THEN_KILL || point->kind == STUCK;
    if (by_signal)
        return judge_signal(scenario, point, outcome, row);
    return scenario->child != NULL ? judge_failed_start(scenario, point, outcome, row)
                                   : judge_failure(scenario, point, outcome, row);
}

static void try_point(const struct point *point)
{
    static struct trace trace;
    static struct outcome outcome;
    const struct scenario *scenario = &scenarios[point->scenario];
    struct row *row = &common->rows[point->row];
    row->points++;
    for (int i = 0; i < TRIES; i++) {
        run(scenario, point, &trace, &outcome);
        if (now.fired > 0) {
            row->fired++;
            if (judge(scenario, point, &outcome, row))
                row->survived++;
            return;
        }
        /* The place was not reached, so the run must end as it does without a fault. */
        if (!is_untouched(scenario, point, &outcome, true)) {
            show(scenario, point, &outcome, "wrong although no fault was caused");
            common->not_clean++;
        }
    }
}

/* ---- the points ---- */

static uint16_t row_of(const char *kind, const char *role, const char *what)
{
    int i = 0;
    for (; i < common->row_count; i++) {
        const struct row *row = &common->rows[i];
        if (strcmp(row->kind, kind) == 0 && strcmp(row->role, role) == 0 &&
            strcmp(row->what, what) == 0)
            return (uint16_t)i;
    }
    check(i < ROWS_MAX, "more rows than there is room for");
    struct row *row = &common->rows[common->row_count++];
    row->kind = kind;
    row->role = role;
    snprintf(row->what, sizeof row->what, "%s", what);
    return (uint16_t)i;
}

static void add(struct point point, const char *kind, const char *what)
{
    check(common->point_count < POINTS_MAX, "more points than there is room for");
    const struct trace_site *site = &common->learned[point.scenario].sites[point.site];
    const char *role = site->role == TRACE_PARENT ? "parent" : "child";
    if (point.kind != STUCK && (point.to_parent || point.to_child))
        role = !point.to_child ? "parent" : !point.to_parent ? "child" : "both";
    point.row = row_of(kind, role, what);
    common->points[common->point_count++] = point;
}

/* The row of all errnos that the man page of the call does not list. */
#define OTHER_ERRNO "errno of no man page"

static bool is_in_manual(const struct call *call, int error)
{
    for (size_t i = 0; i < CALL_ERRORS_MAX && call->errors[i] != 0; i++)
        if (call->errors[i] == error)
            return true;
    return false;
}

static void add_failures(struct point point, const struct trace_site *site)
{
    const struct call *call = call_find(site->number);
    if (site->number == SYS_brk && strcmp(site->object, "query") == 0)
        return; /* brk(0) cannot fail */
    for (size_t i = 0; i < CALL_ERRORS_MAX && call->errors[i] != 0; i++) {
        point.error = (int16_t)call->errors[i];
        for (int kind = FAIL_ONCE; kind <= FAIL_FOR_GOOD; kind++) {
            point.kind = (uint8_t)kind;
            add(point, "call fails", call_error_name(point.error));
        }
    }
    /* What no man page names, file systems, devices and call filters return all the same: each such
     * errno once at each place, by turns in its first call, its second, and so on. A call with one
     * errno, or without any, cannot fail in another way. */
    point.kind = FAIL_ONCE;
    for (int error = 1; error <= CALL_ERRNO_LAST + 1 && call->errors[1] != 0; error++) {
        point.error = (int16_t)(error <= CALL_ERRNO_LAST ? error : CALL_ERRNO_UNKNOWN);
        bool is_its_turn = (unsigned)point.error % site->count == point.nth - 1U;
        if (is_its_turn && !is_in_manual(call, point.error))
            add(point, "call fails", OTHER_ERRNO);
    }
    point.error = 0;
    bool has_bytes = site->number == SYS_read || site->number == SYS_write ||
                     site->number == SYS_pread64 || site->number == SYS_getrandom;
    for (int kind = CUT_TO_ONE; kind <= CUT_TO_HALF && has_bytes; kind++) {
        point.kind = (uint8_t)kind;
        add(point, "short count", kind == CUT_TO_ONE ? "one byte" : "half");
    }
    if (site->number != SYS_write || site->role != TRACE_CHILD ||
        strcmp(site->object, "messages") == 0)
        return;
    point.kind = CUT_THEN_FULL;
    add(point, "short count", "half, then ENOSPC");
}

static void add_signals(struct point point, const struct trace_site *site)
{
    static const int signals[] = {SIGKILL, SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                                  SIGXFSZ, SIGALRM, SIGTSTP, SIGUSR1, SIGCHLD};
    point.kind = CUT_THEN_KILL;
    point.signal = SIGKILL;
    if (site->number == SYS_write && strcmp(site->object, "messages") != 0) {
        point.to_child = true;
        add(point, "killed", "SIGKILL in a write");
        point.to_parent = true;
        add(point, "killed", "SIGKILL in a write");
    }
    point.kind = STUCK;
    point.signal = SIGINT;
    point.to_parent = true;
    point.to_child = false;
    if (site->role != TRACE_PARENT || call_can_wait(site))
        add(point, "stuck", "SIGINT twice");
    point.kind = SIGNAL;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        point.signal = (uint8_t)signals[i];
        char what[24];
        snprintf(what, sizeof what, "SIG%s", sigabbrev_np(point.signal));
        const char *kind = point.signal == SIGKILL ? "killed" : "signal";
        for (int to = 0; to < 3; to++) {
            point.to_parent = to == 2 || (to == 0 && site->role == TRACE_PARENT);
            point.to_child = to == 2 || (to == 0 && site->role != TRACE_PARENT);
            /* A signal to both is only SIGKILL. No signal goes to the other process alone: the
             * places of that process are points of their own. */
            if (to == 1 || (to == 2 && (point.signal != SIGKILL || point.nth <= site->alone)))
                continue;
            for (int at_exit = 0; at_exit < 2; at_exit++) {
                point.at_exit = at_exit == 1;
                if (!point.at_exit ||
                    (site->number != SYS_exit_group && site->number != SYS_execve))
                    add(point, kind, what);
            }
        }
    }
}

/* Runs each scenario without a fault, and adds a point for each fault that is possible at the
 * places that were found. */
static void learn(const void *argument)
{
    bool calls = strcmp(argument, "calls") == 0;
    static struct trace trace;
    static struct outcome outcome;
    for (int s = 0; s < scenario_count; s++) {
        const struct scenario *scenario = &scenarios[s];
        struct trace_site *sites = common->learned[s].sites;
        int *count = &common->learned[s].count;
        for (int i = 0; i < LEARNING_RUNS; i++) {
            run(scenario, NULL, &trace, &outcome);
            struct point none = {.scenario = (uint8_t)s};
            if (i == 0)
                memcpy(common->learned[s].messages, outcome.messages, TEXT_MAX);
            check(is_untouched(scenario, &none, &outcome, true) && !outcome.hangs &&
                      !outcome.name_at_end,
                  "%s, untouched: status 0x%x, results \"%s\", messages \"%s\"", scenario->name,
                  (unsigned)outcome.status, outcome.results, outcome.messages);
            check(scenario->says == NULL || strcmp(outcome.messages, scenario->says) == 0,
                  "%s, untouched: messages \"%s\"", scenario->name, outcome.messages);
            for (int t = 0; t < trace.site_count; t++) {
                const struct trace_site *found = &trace.sites[t];
                int at = 0;
                while (at < *count &&
                       (sites[at].role != found->role || sites[at].number != found->number ||
                        strcmp(sites[at].object, found->object) != 0))
                    at++;
                check(at < TRACE_SITES_MAX, "more places than there is room for");
                if (at == *count)
                    sites[(*count)++] = *found;
                if (found->count > sites[at].count)
                    sites[at].count = found->count;
                if (found->alone > sites[at].alone)
                    sites[at].alone = found->alone;
            }
        }
        for (int at = 0; at < *count; at++) {
            for (unsigned nth = 1; nth <= sites[at].count; nth++) {
                struct point point = {
                    .scenario = (uint8_t)s, .site = (uint8_t)at, .nth = (uint16_t)nth};
                if (calls)
                    add_failures(point, &sites[at]);
                else
                    add_signals(point, &sites[at]);
            }
        }
    }
}

/* Keeps about `size` random points: a proportional share of each row, at least SAMPLE_LEAST. */
static void take_sample(int size)
{
    struct point *points = common->points;
    int count = common->point_count;
    for (int i = count - 1; i > 0; i--) {
        int other = (int)random_below((uint32_t)i + 1);
        struct point point = points[i];
        points[i] = points[other];
        points[other] = point;
    }
    static int of_row[ROWS_MAX], taken_of_row[ROWS_MAX];
    for (int i = 0; i < count; i++)
        of_row[points[i].row]++;
    /* One row must not leave too little of the sample to the others. */
    int counted = 0;
    for (int i = 0; i < count; i++)
        counted += of_row[points[i].row] <= count / 4;
    int taken = 0;
    for (int i = 0; i < count; i++) {
        bool large = of_row[points[i].row] > count / 4;
        int share = large ? size / 4 : (int)((int64_t)of_row[points[i].row] * size / counted);
        if (share < SAMPLE_LEAST)
            share = SAMPLE_LEAST;
        if (taken_of_row[points[i].row]++ < share)
            points[taken++] = points[i];
    }
    common->point_count = taken;
}

/* ---- the workers ---- */

static void isolate(void)
{
    /* In a shared /dev/shm, names of other programs would add calls to a start. */
    if (private_mounts())
        mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=8m,mode=1777");
}

static void learn_alone(const void *argument)
{
    isolate();
    learn(argument);
}

static void work(const void *argument)
{
    (void)argument;
    isolate();
    int i;
    while ((i = common->next++) < common->point_count)
        try_point(&common->points[i]);
}

static int work_in_two(void)
{
    pid_t workers[WORKERS];
    static const struct test_case test = {"work", work, NULL, LIMIT_SECONDS};
    fflush(stdout);
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        if (workers[i] == 0)
            _exit(harness_run(&test));
    }
    int result = HARNESS_PASS;
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;
        while (waitpid(workers[i], &status, 0) < 0 && errno == EINTR)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != HARNESS_PASS)
            result = HARNESS_FAIL;
    }
    return result;
}

static bool print_rows(void)
{
    bool clean = true;
    for (int i = 0; i < common->row_count; i++) {
        const struct row *row = &common->rows[i];
        struct tally_row tally = {
            row->kind,     row->role,  row->what, row->points,          row->fired,
            row->survived, row->hangs, row->torn, row->false_successes, row->unreported,
            row->leaks,
        };
        clean &= tally_print(&tally);
    }
    return clean;
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--tables") == 0) {
        call_print_all();
        return 0;
    }
    if (argc != 2 || (strcmp(argv[1], "calls") != 0 && strcmp(argv[1], "instants") != 0)) {
        fprintf(stderr, "usage: %s calls|instants|--tables\n", argv[0]);
        return 2;
    }
    const char *refusal = trace_refusal();
    if (refusal != NULL) {
        printf("SKIP %s\n", refusal);
        return HARNESS_SKIP;
    }
    common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (common == MAP_FAILED) {
        perror("mmap");
        return HARNESS_FAIL;
    }
    struct test_case learning = {"learn", learn_alone, argv[1], LIMIT_SECONDS};
    int result = harness_run(&learning);
    if (result != HARNESS_PASS)
        return result;
    const char *which = getenv("SHMSUM_FAULTS");
    if (which == NULL || strcmp(which, "all") != 0)
        take_sample((int)number_from_environment("SHMSUM_FAULT_POINTS", SAMPLE));
    printf("%d points in %d scenarios\n", common->point_count, scenario_count);
    double begun = now_ms();
    result = work_in_two();
    bool clean = print_rows();
    printf("%.1f s\n", (now_ms() - begun) / 1e3);
    return result == HARNESS_PASS && clean && common->not_clean == 0 ? HARNESS_PASS : HARNESS_FAIL;
}
