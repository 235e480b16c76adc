/* verdict.c - the end of a run: what the child's end and its counters are worth. See verdict.h.
 * Called by main, once. */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "child_process.h"
#include "signals.h"
#include "stats.h"

/* What the child's end means for the run. */
struct verdict {
    int status;                /* the exit status: the child's own, or STATUS_SYSTEM */
    enum output_belief belief; /* how far to believe what it claims about the results */
    struct shmsum_failure why; /* reported first; error 0: nothing */
    char subject[64];          /* reported with the number of results; "": nothing */
    bool forbidden;            /* the sandbox killed it */
};

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* ---- is the child to be believed? ---- */

/* Whether the child was allowed to leave: after END; or after a blank line, if the options let a
 * blank line end the input. Before the run has begun the child had no input, so it saw no blank
 * line. */
static bool may_have_left(const struct run *run, bool closed)
{
    return closed ? run->begun && run->options.blank_lines == BLANK_LINES_END : run->ended;
}

/* Whether so many results can have so many bytes: the shortest is a digit and LF. */
static bool are_results_plausible(const uint64_t *count)
{
    enum { LONGEST = RESULT_LINE_JSON_MAX + 1 };
    uint64_t lines = count[COUNTER_RESULT_LINES], bytes = count[COUNTER_RESULT_BYTES];
    return bytes / 2 >= lines && bytes / LONGEST + (bytes % LONGEST != 0) <= lines;
}

/* Whether the counters fit the input that was handed over, and each other. */
static bool are_counters_plausible(const struct run *run, const uint64_t *count, bool closed)
{
    uint64_t handed = run->producer.bytes, bytes = count[COUNTER_BYTES];
    if (closed ? bytes > handed : bytes != handed)
        return false; /* the child took less than it had to, or more than there was */
    /* Each line and each number takes at least one byte. These bounds also keep the sums below from
     * overflowing. */
    uint64_t sums = count[COUNTER_SUMS], errors = count[COUNTER_ERRORS];
    uint64_t skipped = count[COUNTER_SKIPPED];
    if (count[COUNTER_USED] > bytes || sums > bytes || errors > bytes || skipped > bytes ||
        count[COUNTER_NUMBERS] > bytes || sums + errors + skipped > bytes)
        return false;
    if (skipped > 0 && run->options.blank_lines != BLANK_LINES_SKIP)
        return false;
    return count[COUNTER_RESULT_LINES] == sums + errors && are_results_plausible(count) &&
           sandbox_is_plausible(run->options.sandbox, count[COUNTER_SANDBOX]);
}

/* Whether exit status 0 or 1 agrees with what the child claims and what the parent knows. */
static bool is_plausible(const struct run *run, const uint64_t *count, int status)
{
    bool closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    if (!may_have_left(run, closed) || !are_counters_plausible(run, count, closed))
        return false;
    /* At a terminal a blank line ends the dialogue at once: nothing behind it stays unread. */
    bool unread = closed && !(run->dialogue && run->terminal_input);
    bool errors = count[COUNTER_ERRORS] > 0;
    return status == STATUS_OK ? !errors && !unread : errors || unread;
}

/* The child has exited with `status`. */
static void judge_status(const struct run *run, int status, const uint64_t *count,
                         struct verdict *verdict)
{
    switch (status) {
    case STATUS_OK:
    case STATUS_ERRORS:
        if (is_plausible(run, count, status)) {
            verdict->status = status;
            verdict->belief = OUTPUT_COMPLETE;
            return;
        }
        snprintf(verdict->subject, sizeof verdict->subject,
                 "child: status %d does not fit its work", status);
        return;
    case STATUS_SYSTEM: /* the child has reported why */
        if (are_results_plausible(count))
            verdict->belief = OUTPUT_STOPPED;
        snprintf(verdict->subject, sizeof verdict->subject, "stopped early");
        return;
    case CHILD_NOT_STARTED:
        if (child_start_failed(&verdict->why))
            return;
        /* fall through */
    default:
        snprintf(verdict->subject, sizeof verdict->subject, "child: exited with status %d", status);
    }
}

/* Judges the child by its wait status and its counters. */
static struct verdict judge_child(const struct run *run, int wait_status, const uint64_t *count)
{
    struct verdict verdict = {.status = STATUS_SYSTEM, .belief = OUTPUT_UNBELIEVED};
    if (wait_status < 0) {
        shmsum_failure_set(&verdict.why, "waitpid", "shmsum-child", -wait_status);
        snprintf(verdict.subject, sizeof verdict.subject, "child: its end is unknown");
    } else if (!WIFSIGNALED(wait_status)) {
        judge_status(run, WEXITSTATUS(wait_status), count, &verdict);
    } else {
        if (are_results_plausible(count))
            verdict.belief = OUTPUT_KILLED;
        int signal = WTERMSIG(wait_status);
        if (!child_killed_by_us()) {
            snprintf(verdict.subject, sizeof verdict.subject, "child: killed by signal %d (%s)",
                     signal, strsignal(signal));
            verdict.forbidden = signal == SIGSYS;
        }
    }
    return verdict;
}

/* Settles the results. Before the run has begun, the file holds those of an earlier one. */
static struct output_settled settle(const struct run *run, struct verdict *verdict,
                                    const uint64_t *count, bool is_whole)
{
    struct output_settled settled = {.count = {RESULTS_UNKNOWN, 0}};
    if (!run->begun)
        return settled;
    const struct output_claim claim = {
        .belief = verdict->belief,
        .is_whole = is_whole,
        .lines = count[COUNTER_RESULT_LINES],
        .bytes = count[COUNTER_RESULT_BYTES],
    };
    output_settle(&run->output, &claim, &settled);
    if (settled.mismatch.error != 0 && verdict->why.error == 0) {
        verdict->status = STATUS_SYSTEM;
        verdict->why = settled.mismatch;
        if (verdict->subject[0] == '\0' && settled.count.known != RESULTS_UNKNOWN)
            snprintf(verdict->subject, sizeof verdict->subject, "stopped early");
    }
    return settled;
}

/* ---- reports ---- */

/* Once, if the results could not be cut. */
static void report_uncut(const struct run *run, struct output_settled *settled)
{
    if (settled->uncut.error == 0)
        return;
    message_failure(run->os, &settled->uncut);
    message(run->os, "%s: its last line may be unfinished", run->output.name);
    settled->uncut.error = 0;
}

/* "subject; results.txt holds the first 3 results". */
static void report_results(const struct run *run, struct output_settled *settled,
                           const char *subject)
{
    report_uncut(run, settled);
    const struct output *output = &run->output;
    char bytes[RESULT_COUNT_MAX];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    if (run->begun)
        result_count_add(&text, &settled->count, output->name,
                         output->regular && !output->standard);
    else
        text_add(&text, "nothing was read");
    message(run->os, "%s; %s", subject, text.bytes);
}

static void report_verdict(const struct run *run, const struct verdict *verdict,
                           struct output_settled *settled)
{
    if (verdict->why.error != 0)
        message_failure(run->os, &verdict->why);
    if (verdict->forbidden)
        message(run->os, "child: made a system call that its sandbox forbids; "
                         "if code was loaded into it, use --sandbox=off");
    if (verdict->subject[0] != '\0')
        report_results(run, settled, verdict->subject);
}

static void report_signal(const struct run *run, int signal, struct output_settled *settled)
{
    char subject[64];
    snprintf(subject, sizeof subject, "stopped by signal %d (%s)", signal, strsignal(signal));
    report_results(run, settled, subject);
}

static void report_summary(const struct run *run, const struct counters *counters)
{
    uint64_t lines = counters_lines(counters);
    uint64_t sums = counters->count[COUNTER_SUMS], errors = counters->count[COUNTER_ERRORS];
    bool standard = run->output.standard;
    message_plain(run->os, "%" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s%s%s", lines,
                  plural(lines, "line", "lines"), sums, plural(sums, "sum", "sums"), errors,
                  plural(errors, "error", "errors"), standard ? "" : "; results in ",
                  standard ? "" : run->output.name);
}

/* `shmsum FILE > out`: the user looks for the results in a file that is empty. Says where they are,
 * unless -o was given. A pipe is how other programs run this one, and a file that has the messages
 * too, or anything else, is a log: there nobody looks for results. */
static void mention_results(const struct run *run)
{
    const struct shmsum_os *os = run->os;
    struct stat output, error;
    if (run->options.output != options_default_output ||
        os->fstat(os, STANDARD_OUTPUT, &output) < 0 || !S_ISREG(output.st_mode) ||
        output.st_size > 0 || os->fstat(os, STANDARD_ERROR, &error) < 0 ||
        (error.st_dev == output.st_dev && error.st_ino == output.st_ino))
        return;
    message(os, "the results are in %s; -o - writes them to standard output", run->output.name);
}

/* A child that broke the rules may claim anything: clamps what counts input to the bytes that were
 * handed over. */
static void clamp_counters(const struct run *run, struct counters *counters)
{
    for (enum counter i = 0; i <= COUNTER_BYTES; i++)
        if (counters->count[i] > run->producer.bytes)
            counters->count[i] = run->producer.bytes;
}

/* ---- the end ---- */

/* Gives back what was read of standard input and not used, to the next reader: where a blank line
 * or a signal ended the input, and the child's count of what it used can be believed. */
static int give_back(const struct run *run, int handed, const struct counters *counters,
                     struct shmsum_failure *why)
{
    bool closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    if (!closed && handed != SHMSUM_STOPPED)
        return 0;
    return input_give_back(&run->input_mark, run->os, counters->count[COUNTER_USED], why);
}

/* Waits for the child's end. A child that broke the rules, or that END could not reach, would not
 * leave by itself: it is killed. */
static int await_child(const struct run *run, int handed)
{
    bool leaves = run->ended || run->closed;
    if (handed == SHMSUM_BROKEN || !leaves)
        child_kill();
    return child_wait(SHMSUM_STOP_NOW);
}

/* Closes the results, and with --fsync makes their name durable. Returns the exit status. */
static int close_results(struct run *run, int status)
{
    struct shmsum_failure why;
    int closed = output_close(&run->output, &why);
    if (status > STATUS_ERRORS)
        return status; /* a failure was reported already */
    if (closed < 0 || (run->options.sync && output_sync_folder(&run->output, &why) < 0))
        return run_fail(run->os, &why);
    return status;
}

int conclude(struct run *run, int handed, const struct shmsum_failure *why)
{
    int wait_status = await_child(run, handed);
    struct counters counters;
    counters_collect(&counters, &run->channel);
    struct verdict verdict = judge_child(run, wait_status, counters.count);
    if (handed == SHMSUM_BROKEN) /* a child that broke the rules may claim anything */
        verdict.belief = OUTPUT_UNBELIEVED;
    bool failed = handed < 0 && handed != SHMSUM_STOPPED;
    struct output_settled settled = settle(run, &verdict, counters.count, handed == 0);

    if (run->dialogue && signals_first() != 0)
        message_bytes(run->os, STANDARD_ERROR, "\n", 1); /* leave the line of the prompt */
    report_verdict(run, &verdict, &settled);
    int status = verdict.status;
    if (failed) {
        message_failure(run->os, why);
        report_results(run, &settled, "stopped early");
        status = STATUS_SYSTEM;
    }
    struct shmsum_failure kept;
    if (verdict.status <= STATUS_ERRORS && give_back(run, handed, &counters, &kept) < 0)
        status = run_fail(run->os, &kept);
    report_uncut(run, &settled); /* also where no message says how many there are */
    status = close_results(run, status);
    clamp_counters(run, &counters);
    if (signals_first() != 0)
        report_signal(run, signals_first(), &settled);
    else if (run->summary && status <= STATUS_ERRORS)
        report_summary(run, &counters);
    else if (status <= STATUS_ERRORS)
        mention_results(run);
    if (run->options.stats)
        stats_say(run, &counters);
    return status;
}
