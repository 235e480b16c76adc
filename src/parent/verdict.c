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
#include "start.h"

/* What became of the input, as far as the child is to be believed. */
struct verdict {
    uint64_t sums, errors, skipped, numbers, bytes, slept, sandbox;
    uint64_t result_lines; /* in the results, */
    uint64_t result_bytes; /* and their bytes */
    bool counted;          /* in the file, by ourselves */
};

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

static void collect(struct run *run, struct verdict *verdict)
{
    const struct shmsum_channel *channel = &run->channel;
    *verdict = (struct verdict){
        .sums = shmsum_channel_account(channel, SHMSUM_ACCOUNT_SUMS),
        .errors = shmsum_channel_account(channel, SHMSUM_ACCOUNT_ERRORS),
        .skipped = shmsum_channel_account(channel, SHMSUM_ACCOUNT_SKIPPED),
        .numbers = shmsum_channel_account(channel, SHMSUM_ACCOUNT_NUMBERS),
        .bytes = shmsum_channel_account(channel, SHMSUM_ACCOUNT_BYTES),
        .slept = shmsum_channel_account(channel, SHMSUM_ACCOUNT_SLEPT),
        .sandbox = shmsum_channel_account(channel, SHMSUM_ACCOUNT_SANDBOX),
        .result_lines = shmsum_channel_account(channel, SHMSUM_ACCOUNT_RESULT_LINES),
        .result_bytes = shmsum_channel_account(channel, SHMSUM_ACCOUNT_RESULT_BYTES),
    };
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
    enum blank_lines blank_lines = run->options.blank_lines;
    bool closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    if (!run->ended && !closed)
        return false; /* it left before the end */
    if (closed && blank_lines != BLANK_LINES_END)
        return false; /* nothing could close the input */
    uint64_t handed = run->producer.bytes, bytes = verdict->bytes;
    if (closed ? bytes > handed : bytes != handed)
        return false; /* it did not take all, or more than there was */
    /* Each line takes a byte, and so does each number. Bounded, they cannot overflow together. */
    if (verdict->sums > bytes || verdict->errors > bytes || verdict->skipped > bytes ||
        verdict->numbers > bytes || verdict->sums + verdict->errors + verdict->skipped > bytes)
        return false;
    if (verdict->skipped > 0 && blank_lines != BLANK_LINES_SKIP)
        return false;
    if (verdict->result_lines != verdict->sums + verdict->errors ||
        !sandbox_is_plausible(run->options.sandbox, verdict->sandbox))
        return false;
    /* At a terminal, where a blank line is how one ends, nothing stays unread behind it. */
    bool unread = closed && !(run->dialogue && run->terminal_input);
    return status == STATUS_OK ? verdict->errors == 0 && !unread : verdict->errors > 0 || unread;
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
        if (output_check(&run->output, verdict->result_bytes, &why) == 0) {
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
        if (start_failed(run, &why)) {
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

static void say_summary(const struct run *run, const struct verdict *verdict)
{
    uint64_t lines = verdict->sums + verdict->errors + verdict->skipped;
    bool standard = run->output.standard;
    message_plain(run->os, "%" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " %s%s%s", lines,
                  plural(lines, "line", "lines"), verdict->sums,
                  plural(verdict->sums, "sum", "sums"), verdict->errors,
                  plural(verdict->errors, "error", "errors"), standard ? "" : "; results in ",
                  standard ? "" : run->output.name);
}

static void say_stats(const struct run *run, const struct verdict *verdict)
{
    double seconds = (double)(run->os->clock_ns(run->os) - run->started_ns) / 1e9;
    char parent[SANDBOX_TEXT_MAX], child[SANDBOX_TEXT_MAX], text[1024];
    sandbox_format(parent, run->options.sandbox, SANDBOX_PARENT, run->sandbox.granted);
    sandbox_format(child, run->options.sandbox, SANDBOX_CHILD, verdict->sandbox);
    int size =
        snprintf(text, sizeof text,
                 "lines: %" PRIu64 "\nsums: %" PRIu64 "\nerrors: %" PRIu64 "\nnumbers: %" PRIu64
                 "\nbytes: %" PRIu64 "\nseconds: %.3f\nMB/s: %.1f\nslots handed over: %" PRIu64
                 "\nparent slept: %" PRIu64 "\nchild slept: %" PRIu64
                 "\nparent sandbox: %s\nchild sandbox: %s\n",
                 verdict->sums + verdict->errors + verdict->skipped, verdict->sums, verdict->errors,
                 verdict->numbers, verdict->bytes, seconds, (double)verdict->bytes / 1e6 / seconds,
                 run->channel.slots, run->channel.slept, verdict->slept, parent, child);
    message_bytes(run->os, STANDARD_ERROR, text, (size_t)size);
}

/* No line and no number takes less than a byte: what a child gone mad claims beyond that is not
 * told. */
static void bound_figures(const struct run *run, struct verdict *verdict)
{
    uint64_t handed = run->producer.bytes;
    uint64_t *figures[] = {&verdict->sums, &verdict->errors, &verdict->skipped, &verdict->numbers,
                           &verdict->bytes};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        if (*figures[i] > handed)
            *figures[i] = handed;
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

    struct verdict verdict;
    collect(run, &verdict);
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

    bound_figures(run, &verdict);
    if (signals_first() != 0) {
        char subject[64];
        snprintf(subject, sizeof subject, "stopped by signal %d (%s)", signals_first(),
                 strsignal(signals_first()));
        say_what_is_left(run, &verdict, subject);
    } else if (run->summary && status <= STATUS_ERRORS) {
        say_summary(run, &verdict);
    }
    if (run->options.stats)
        say_stats(run, &verdict);
    return status;
}
