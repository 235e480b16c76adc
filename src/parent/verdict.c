/* verdict.c - what the child's end and its counters are worth. See verdict.h. Called by main, once.
 */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <shmsum/results.h>

#include "child_process.h"
#include "signals.h"
#include "stats.h"

/* What became of the input, as far as the child is to be believed. */
struct verdict {
    struct counters counters; /* what the child claims */
    uint64_t result_lines;    /* in the results: the child's claim, or counted by ourselves */
    bool counted;             /* in the file, by ourselves */
};

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* The child was killed, maybe in the middle of a write, or is not to be believed: leaves whole
 * lines only, and counts them. */
static void salvage(const struct run *run, struct verdict *verdict)
{
    if (!run->begun || !run->output.regular || verdict->counted)
        return;
    verdict->counted = true;
    uint64_t lines;
    struct shmsum_failure why;
    if (shmsum_results_salvage(run->os, run->output.fd, run->output.name, run->output.start, &lines,
                               &why) < 0) {
        message_failure(run->os, &why);
        message(run->os, "%s: its last line may be unfinished", run->output.name);
        return;
    }
    verdict->result_lines = lines;
}

/* The child has ended in order. On standard output others may write too, so that it is not ours to
 * cut or to count: there the child's word stands. */
static void believe(const struct run *run, struct verdict *verdict)
{
    verdict->counted = run->output.standard;
}

/* "subject; results.txt holds the first 3 results": so many as there are, whatever the child says.
 */
static void say_what_is_left(const struct run *run, struct verdict *verdict, const char *subject)
{
    salvage(run, verdict);
    uint64_t lines = verdict->result_lines;
    const char *results = plural(lines, "result", "results");
    const char *name = run->output.name;
    if (!run->begun)
        message(run->os, "%s; nothing was read", subject);
    else if (run->output.regular)
        message(run->os, "%s; %s holds the first %" PRIu64 " %s", subject, name, lines, results);
    else
        message(run->os, "%s; the first %" PRIu64 " %s went to %s", subject, lines, results, name);
}

/* Whether what the child says of its work can be true: it fits what was handed over, and itself. */
static bool is_plausible(const struct run *run, const struct verdict *verdict, int status)
{
    const uint64_t *count = verdict->counters.count;
    enum blank_lines blank_lines = run->options.blank_lines;
    bool closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    if (!run->ended && !closed)
        return false; /* it left before the end */
    if (closed && blank_lines != BLANK_LINES_END)
        return false; /* nothing could close the input */
    uint64_t handed = run->producer.bytes, bytes = count[COUNTER_BYTES];
    if (closed ? bytes > handed : bytes != handed)
        return false; /* it did not take all, or more than there was */
    /* Each line takes a byte, and so does each number. Bounded, they cannot overflow together. */
    uint64_t sums = count[COUNTER_SUMS], errors = count[COUNTER_ERRORS];
    uint64_t skipped = count[COUNTER_SKIPPED];
    if (sums > bytes || errors > bytes || skipped > bytes || count[COUNTER_NUMBERS] > bytes ||
        sums + errors + skipped > bytes)
        return false;
    if (skipped > 0 && blank_lines != BLANK_LINES_SKIP)
        return false;
    if (count[COUNTER_RESULT_LINES] != sums + errors ||
        !sandbox_is_plausible(run->options.sandbox, count[COUNTER_SANDBOX]))
        return false;
    /* At a terminal, where a blank line is how one ends, nothing stays unread behind it. */
    bool unread = closed && !(run->dialogue && run->terminal_input);
    return status == STATUS_OK ? errors == 0 && !unread : errors > 0 || unread;
}

/* Reads the child's end, says what there is to say, and returns our exit status. */
static int judge_child(struct run *run, int wait_status, struct verdict *verdict)
{
    char subject[64];
    if (wait_status < 0) {
        message(run->os, "waitpid: %s: %s", "shmsum-child", strerror(-wait_status));
        say_what_is_left(run, verdict, "child: its end cannot be told");
        return STATUS_SYSTEM;
    }
    if (WIFSIGNALED(wait_status)) {
        int signal = WTERMSIG(wait_status);
        snprintf(subject, sizeof subject, "child: killed by signal %d (%s)", signal,
                 strsignal(signal));
        say_what_is_left(run, verdict, subject);
        return STATUS_SYSTEM;
    }
    int status = WEXITSTATUS(wait_status);
    struct shmsum_failure why;
    switch (status) {
    case STATUS_OK:
    case STATUS_ERRORS:
        if (!is_plausible(run, verdict, status)) {
            snprintf(subject, sizeof subject, "child: status %d does not fit its work", status);
            break;
        }
        if (output_check(&run->output, verdict->counters.count[COUNTER_RESULT_BYTES], &why) == 0) {
            believe(run, verdict);
            return status;
        }
        message_failure(run->os, &why);
        say_what_is_left(run, verdict, "stopped early");
        return STATUS_SYSTEM;
    case STATUS_SYSTEM: /* it has said why, and kept whole lines */
        believe(run, verdict);
        say_what_is_left(run, verdict, "stopped early");
        return STATUS_SYSTEM;
    case CHILD_NOT_STARTED:
        if (child_start_failed(&why)) {
            message_failure(run->os, &why);
            return STATUS_SYSTEM;
        }
        /* fall through */
    default:
        snprintf(subject, sizeof subject, "child: exited with status %d", status);
    }
    say_what_is_left(run, verdict, subject);
    return STATUS_SYSTEM;
}

static void say_summary(const struct run *run, const struct counters *counters)
{
    uint64_t lines = counters_lines(counters);
    uint64_t sums = counters->count[COUNTER_SUMS], errors = counters->count[COUNTER_ERRORS];
    bool standard = run->output.standard;
    message_plain(run->os, "%" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s%s%s", lines,
                  plural(lines, "line", "lines"), sums, plural(sums, "sum", "sums"), errors,
                  plural(errors, "error", "errors"), standard ? "" : "; results in ",
                  standard ? "" : run->output.name);
}

/* A child that broke the rules may claim anything: clamps what counts input to the bytes that were
 * handed over. */
static void clamp_counters(const struct run *run, struct counters *counters)
{
    for (enum counter i = 0; i <= COUNTER_BYTES; i++)
        if (counters->count[i] > run->producer.bytes)
            counters->count[i] = run->producer.bytes;
}

/* Everything after the last byte was handed over, or could not be. Returns the exit status. */
int conclude(struct run *run, int handed, const struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    /* A child that breaks the rules is not waited for; nor one that was not told of an end. */
    bool told = run->ended || run->closed;
    if (handed == -EPROTO || !told)
        child_kill();
    int wait_status = child_wait(SHMSUM_STOP_NOW);

    struct verdict verdict = {.counted = false};
    counters_collect(&verdict.counters, &run->channel);
    verdict.result_lines = verdict.counters.count[COUNTER_RESULT_LINES];
    if (run->dialogue && signals_first() != 0)
        message_bytes(os, STANDARD_ERROR, "\n", 1); /* leave the line of the prompt */
    int status = STATUS_SYSTEM;
    if (wait_status >= 0 && child_killed_by_us() && WIFSIGNALED(wait_status))
        salvage(run, &verdict);
    else
        status = judge_child(run, wait_status, &verdict);
    if (handed < 0 && handed != -ECANCELED) {
        message_failure(os, why);
        say_what_is_left(run, &verdict, "stopped early");
        status = STATUS_SYSTEM;
    }
    if (signals_first() != 0)
        salvage(run, &verdict); /* what is to be told of it below, while it is open */
    struct shmsum_failure end_why;
    int closed = output_close(&run->output, &end_why);
    if (status <= STATUS_ERRORS &&
        (closed < 0 || (run->options.sync && output_sync_folder(&run->output, &end_why) < 0)))
        status = run_fail(os, &end_why);

    clamp_counters(run, &verdict.counters);
    if (signals_first() != 0) {
        char subject[64];
        snprintf(subject, sizeof subject, "stopped by signal %d (%s)", signals_first(),
                 strsignal(signals_first()));
        say_what_is_left(run, &verdict, subject);
    } else if (run->summary && status <= STATUS_ERRORS) {
        say_summary(run, &verdict.counters);
    }
    if (run->options.stats)
        stats_say(run, &verdict.counters);
    return status;
}
