/*
 * test_random.c - random runs of the two programs against a model (random_plan.c): command lines,
 * inputs, the ways in and out, signals, stops, deaths, readers that leave, and other programs that
 * write to the same file.
 *
 * After each run: the status, the exact results or a beginning of them, all that others wrote, the
 * messages, no process and no name left, no hang. SHMSUM_RUNS says how many runs (200), SHMSUM_SEED
 * from which seed. SHMSUM_RUN repeats one of them: run N of a seed is the same, whatever was run
 * before. SHMSUM_KEEP=1 leaves the files of a run that failed in a folder, which is named.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random_read.h"
#include "random_runner.h"

/* ---- deviations that are known ---- */

enum deviation {
    OTHER, /* not known: fails */
    DEVIATIONS,
};

/* ---- which runs may show them ---- */

/*
 * KNOWN: what process.random finds in the programs as they are, each with its line of an issue. An
 * entry excuses its deviation only. When the deviation did not come in `enough` runs that may show
 * it, the entry is not needed any more, and the test fails until it is removed, with its function
 * above.
 */
static const struct {
    enum deviation deviation;
    bool (*may_show)(const struct plan *plan);
    unsigned long enough; /* that it did not come by chance has less than one in a million */
    const char *issue;
} known[] = {
    {OTHER, NULL, 0, NULL}, /* the end */
};

static struct {
    unsigned long chances, hits;
} seen[DEVIATIONS];

/* What the runs came to, so that a reader sees that they did something. */
static struct {
    unsigned long complete, failed, by_signal, refused, excused;
    unsigned long long results;
} tally;

/* Something is not as it has to be. Fails, unless that is known. */
__attribute__((format(printf, 3, 4))) static void
deviate(struct runner *runner, enum deviation deviation, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *what;
    check(vasprintf(&what, format, arguments) >= 0, "vasprintf");
    va_end(arguments);
    for (size_t i = 0; known[i].may_show != NULL; i++)
        if (deviation != OTHER && known[i].deviation == deviation) {
            seen[deviation].hits++;
            runner->excused = true;
            free(what);
            return;
        }
    runner_fail(runner, what);
}

/* How many results there may be. */
static void find_bounds(struct runner *runner, size_t *low, size_t *high)
{
    const struct plan *plan = runner->plan;
    size_t low_bytes, high_bytes;
    runner_taken(runner, &low_bytes, &high_bytes);
    *low = runner->idle_results;
    *high = plan_results_of(plan, high_bytes);
    if (high_bytes == plan->total)
        *high = plan->result_count;
    bool orderly = runner->signal_count == 1 && !runner->killed_parent && !runner->killed_child;
    if (orderly && plan_results_of(plan, low_bytes) > *low)
        *low = plan_results_of(plan, low_bytes);
}

/* Whether the exit status, or signal, is one that this run may end with. */
static bool is_right_status(const struct runner *runner)
{
    const struct plan *plan = runner->plan;
    int found = runner->status;
    if (plan->refused)
        return found == plan->status;
    for (int i = 0; i < runner->signal_count; i++)
        if (found == BY_SIGNAL(runner->signals[i]))
            return true;
    if (found == 3 && (runner->killed_child || runner->left || runner->gone))
        return true;
    return found == plan->status && !runner->certain && !runner->gone;
}

static void judge_status(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    if (!is_right_status(runner))
        deviate(runner, OTHER, "%s %d instead of %d%s", runner->status < 0 ? "signal" : "status",
                abs(runner->status), plan->status,
                runner->certain ? ", which cannot be either" : "");
}

/* The file that the results went to, all of it; false when there is none. */
static bool read_output(const struct runner *runner, struct text *text)
{
    if (access(runner->output_path, F_OK) < 0)
        return false;
    size_t size;
    char *bytes = read_file(runner->output_path, &size);
    text_add(text, bytes, size);
    free(bytes);
    return true;
}

/* What was read must be right, and nothing of it may be missing. */
static void judge_reading(struct runner *runner, const struct reading *reading)
{
    if (reading->wrong != NULL)
        deviate(runner, OTHER, "behind %zu results, at byte %zu, there is \"%.200s\"",
                reading->results, reading->wrong_at, reading->wrong);
    else if (reading->foreign != runner->foreign)
        deviate(runner, OTHER, "%zu of %zu lines that others wrote are there", reading->foreign,
                runner->foreign);
    else if (reading->companion != runner->plan->companion)
        deviate(runner, OTHER, "%zu of %zu results of the other shmsum are there",
                reading->companion, runner->plan->companion);
}

static void judge_count(struct runner *runner, size_t results, bool complete)
{
    size_t low, high;
    find_bounds(runner, &low, &high);
    if (complete)
        low = high = runner->plan->result_count;
    if (runner->plan->refused)
        low = high = 0;
    if (runner->left)
        low = 0;
    if (results < low || results > high)
        deviate(runner, OTHER, "%zu results instead of %zu to %zu of %zu", results, low, high,
                runner->plan->result_count);
}

/* The old content of a named file may be there still, when there is nothing new. */
static bool is_untouched(struct runner *runner, bool there, const struct text *text)
{
    const struct plan *plan = runner->plan;
    if (!plan->exists)
        return !there;
    return there && text->size == plan->before.size &&
           (text->size == 0 || memcmp(text->bytes, plan->before.bytes, text->size) == 0);
}

static void judge_said(struct runner *runner, size_t results, bool knows, bool complete)
{
    const struct plan *plan = runner->plan;
    const struct text *messages = &runner->from_messages;
    bool lossy = plan->messages == SAY_TO_TERMINAL && runner->typed;
    if (plan->messages == SAY_TO_NULL || runner->unheard || lossy)
        return;
    bool hung_up = plan->messages == SAY_TO_TERMINAL && runner->killed_parent;
    if (runner->status >= 2 && !hung_up && !says(messages, ": "))
        deviate(runner, OTHER, "status %d, and no message says why", runner->status);
    if (knows && !runner->gone && messages->bytes != NULL) {
        unsigned long lines;
        enum said said = said_results(messages->bytes, &lines);
        if ((said == SAID_EXACTLY && lines != results) ||
            (said == SAID_AT_LEAST && lines > results))
            deviate(runner, OTHER, "it says %s%lu results, and there are %zu",
                    said == SAID_AT_LEAST ? "at least " : "", lines, results);
    }
    if (runner->excused)
        return;
    if (complete) /* whatever its reader took */
        results = plan->result_count;
    struct text wrong = {0};
    bool orderly = runner->signal_count == 1 && !runner->killed_parent && !runner->killed_child;
    bool exact = complete || (orderly && knows && results == plan->result_count &&
                              plan->blank_at == PLAN_NEVER);
    if (complete || !hung_up)
        check_messages(plan, messages, results, exact, complete, &wrong);
    if (wrong.size > 0)
        deviate(runner, OTHER, "%s", wrong.bytes);
    text_clear(&wrong);
}

/* What is behind the blank line that ended the input is the next reader's, where the input can
 * seek (POSIX, 1.11 Utility Description Defaults, INPUT FILES). */
static void judge_offset(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    const struct plan_source *source = &plan->sources[plan->blank_source];
    if (plan->blank_at >= PLAN_AT_END || plan->blank_at > source->begin + source->bytes.size ||
        source->kind != SOURCE_STANDARD || plan->standard != STANDARD_FILE)
        return;
    size_t right = plan->blank_at - source->begin;
    off_t at = lseek(runner->feeds[plan->blank_source].reader, 0, SEEK_CUR);
    if (at != (off_t)right)
        deviate(runner, OTHER, "standard input is left at byte %lld instead of %zu", (long long)at,
                right);
}

static void judge_trace(struct runner *runner, bool complete)
{
    if (!runner->plan->trace || !complete)
        return;
    size_t size;
    char *text = read_file("trace.json", &size);
    if (size < 4 || memcmp(text, "[\n", 2) != 0 || memcmp(text + size - 2, "]\n", 2) != 0)
        deviate(runner, OTHER, "the trace is not one array: \"%.40s ... %s\"", text,
                size < 40 ? text : text + size - 40);
    free(text);
}

/* Standard error that is nobody else's: nothing but messages. */
static void read_messages(struct runner *runner, bool torn)
{
    const struct plan *plan = runner->plan;
    struct text *said = &runner->from_messages;
    if (plan->messages == SAY_TO_FILE) {
        size_t size;
        char *bytes = read_file(runner->session.messages, &size);
        text_add(said, bytes, size);
        free(bytes);
    } else if (plan->messages == SAY_TO_TERMINAL && plan->output != TO_TERMINAL) {
        text_add(said, runner->from_terminal.bytes, runner->from_terminal.size);
    } else if (plan->messages != SAY_TO_PIPE) {
        return;
    }
    struct reading reading = read_mixed(plan, said->bytes, said->size, READ_MESSAGES);
    if (reading.wrong != NULL && !torn)
        deviate(runner, OTHER, "among the messages there is \"%.200s\"", reading.wrong);
    text_clear(said);
    *said = reading.messages;
}

/* The results, wherever they are. */
static void judge_output(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    bool complete = runner->status >= 0 && runner->status <= 1;
    bool killed = runner->killed_child || runner->signal_count == 2;
    bool alone = runner->killed_parent && runner->killed_child; /* nobody was there to cut */
    int what = READ_RESULTS;
    if (plan->messages == SAY_TO_OUTPUT || plan->output == TO_TERMINAL)
        what |= READ_MESSAGES;
    bool hung_up = plan->output == TO_TERMINAL && runner->killed_parent;
    /* Only a file that is all ours is cut back to whole lines. */
    bool ours = plan->output == TO_NAMED && runner->foreign == 0;
    if (runner->left || hung_up || (ours ? alone : killed))
        what |= READ_TORN;

    if (plan->output == TO_FILE || plan->output == TO_APPENDED)
        runner_write_after(runner);
    struct text text = {0};
    const char *bytes = NULL;
    size_t size = 0;
    switch (plan->output) {
    case TO_NULL:
        judge_said(runner, plan->result_count, false, complete);
        return;
    case TO_PIPE:
    case TO_TERMINAL: {
        if (plan->output == TO_TERMINAL && runner->typed)
            return; /* Ctrl+C drops what the terminal has not shown yet */
        const struct text *from =
            plan->output == TO_PIPE ? &runner->from_output : &runner->from_terminal;
        bytes = from->bytes;
        size = from->size;
        break;
    }
    case TO_NAMED:
    case TO_FILE:
    case TO_APPENDED: {
        bool there = read_output(runner, &text);
        size_t skipped = plan->output != TO_NAMED || plan->append ? plan->before.size : 0;
        what |= READ_FOREIGN;
        bool untouched = plan->output == TO_NAMED && is_untouched(runner, there, &text);
        if (plan->output == TO_NAMED && !complete && runner->foreign == 0 &&
            runner->idle_results == 0 && untouched)
            goto out_text; /* there was nothing to write */
        if (plan->refused && plan->output == TO_NAMED) {
            deviate(runner, OTHER, "a run that did not begin changed the results");
            goto out_text;
        }
        if (runner->gone)
            goto out_text;
        if (!there || text.size < skipped ||
            (skipped > 0 && memcmp(text.bytes, plan->before.bytes, skipped) != 0)) {
            deviate(runner, OTHER,
                    there ? "what was there before is not there any more" : "there are no results");
            goto out_text;
        }
        bytes = text.bytes + skipped;
        size = text.size - skipped;
        bool stopped = runner->signal_count == 1 && !runner->killed_parent;
        /* Only a run that came to the end of its input replaces old results by none. */
        if (plan->output == TO_NAMED && !plan->append && plan->before.size > 0 && stopped &&
            !complete && plan->result_count > 0 && size == 0)
            deviate(runner, OTHER, "nothing was written, and the old results are gone");
        break;
    }
    }
    struct reading reading = read_mixed(plan, bytes, size, what);
    if (what & READ_MESSAGES) {
        text_clear(&runner->from_messages);
        runner->from_messages = reading.messages;
    }
    judge_reading(runner, &reading);
    tally.results += reading.results;
    if (!runner->excused || plan->output == TO_NAMED) {
        if (hung_up)
            runner->idle_results = 0;
        if (reading.wrong == NULL)
            judge_count(runner, reading.results, complete);
        judge_said(runner, reading.results, !runner->left && !hung_up && !plan->refused, complete);
    }
out_text:
    text_clear(&text);
}

/* The child, when it outlives its parent, ends in order; and so does the companion. */
static void judge_processes(struct runner *runner)
{
    int end = runner->orphan_status;
    if (runner->orphans > 0 && !runner->killed_parent)
        deviate(runner, OTHER, "the child outlived its parent");
    if (end != 0 && end != 1 && end != 3 && end != BY_SIGNAL(SIGKILL))
        deviate(runner, OTHER, "the child, without its parent, ended with %d", end);
    if (runner->companion_name)
        deviate(runner, OTHER, "left behind: a name of the other shmsum");
    if (runner->companion_status != 0)
        deviate(runner, OTHER, "the other shmsum ended with %d", runner->companion_status);
}

/* After a death in the window of the start a name may be left: the next start removes it. */
static void judge_name(struct runner *runner)
{
    char path[HARNESS_NAME_MAX];
    if (!find_name(runner->session.parent, path))
        return;
    if (!runner->killed_parent)
        deviate(runner, OTHER, "left behind: the name %s", path);
    static const char *const again[] = {"-o", "-", "/dev/null", NULL};
    struct session next = session_start(&(struct session_config){.arguments = again});
    session_end(&next, 0);
    if (find_name(runner->session.parent, path))
        deviate(runner, OTHER, "the next start leaves the name %s", path);
}

static void run_plan(const struct plan *plan)
{
    for (size_t i = 0; known[i].may_show != NULL; i++)
        seen[known[i].deviation].chances += known[i].may_show(plan);
    struct runner runner;
    runner_start(&runner, plan);
    runner_take_steps(&runner);
    runner_await_end(&runner);
    judge_processes(&runner);
    judge_name(&runner);
    bool torn =
        runner.killed_child || runner.killed_parent || runner.signal_count == 2 || runner.typed;
    read_messages(&runner, torn);
    judge_status(&runner);
    if (!runner.excused) {
        judge_output(&runner);
        judge_trace(&runner, runner.status >= 0 && runner.status <= 1);
        if (runner.status == plan->status && !plan->refused)
            judge_offset(&runner);
    }
    if (runner.excused)
        tally.excused++;
    else if (plan->refused)
        tally.refused++;
    else if (runner.status < 0)
        tally.by_signal++;
    else if (runner.status > 1)
        tally.failed++;
    else
        tally.complete++;
    runner_clean_up(&runner);
}

static void run_one(uint64_t seed, unsigned long run)
{
    struct plan plan;
    plan_draw(&plan, seed, run);
    plan_expect(&plan);
    run_plan(&plan);
    plan_clean_up(&plan);
}

/* Each entry of known[] is needed: when it was not met yet, takes more runs that may show it. */
static void check_known(uint64_t seed, unsigned long run)
{
    for (size_t i = 0; known[i].may_show != NULL; i++) {
        enum deviation deviation = known[i].deviation;
        while (seen[deviation].hits == 0 && seen[deviation].chances < known[i].enough) {
            struct plan plan;
            plan_draw(&plan, seed, ++run);
            if (known[i].may_show(&plan) && !plan.refused) {
                plan_expect(&plan);
                run_plan(&plan);
            }
            plan_clean_up(&plan);
        }
        printf("known: %s: %lu times in %lu runs that may show it\n", known[i].issue,
               seen[deviation].hits, seen[deviation].chances);
        check(seen[deviation].hits > 0, "this is mended; remove it from known[]: %s",
              known[i].issue);
    }
}

static void run_all(const void *argument)
{
    (void)argument;
    uint64_t seed = plan_seed();
    unsigned long runs = number_from_environment("SHMSUM_RUNS", HARNESS_SANITIZED ? 40 : 200);
    unsigned long one = number_from_environment("SHMSUM_RUN", 0);
    if (one != 0) {
        run_one(seed, one);
        return;
    }
    double begin = now_ms();
    for (unsigned long run = 1; run <= runs; run++)
        run_one(seed, run);
    printf("%lu runs in %.1f s: %lu complete, %lu failed, %lu ended by a signal, %lu refused, %lu "
           "known deviations; %llu results compared\n",
           runs, (now_ms() - begin) / 1e3, tally.complete, tally.failed, tally.by_signal,
           tally.refused, tally.excused, tally.results);
    check_known(seed, runs);
}

int main(int argc, char *argv[])
{
    /* Three seconds for each run are plenty, as runs that hang fail by themselves. */
    unsigned long runs = number_from_environment("SHMSUM_RUNS", 200);
    const struct test_case cases[] = {{"runs", run_all, NULL, (int)(60 + 3 * runs)}};
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
