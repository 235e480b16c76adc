/*
 * main.c (parent) - shmsum: reads lines of numbers and hands them through shared memory to
 * shmsum-child, which sums every line and writes the results.
 *
 * The order of things, and why: look at the inputs, open and lock the results (nothing is started
 * or emptied when these fail); signals; create the region; fork and exec; the child attaches;
 * remove the region's name (from here a crash leaves nothing); give up the rights that are not
 * needed any more; empty the results; hand over the input; END; reap the child and tell its
 * verdict.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <shmsum/results.h>

#include "watchers/explain.h"
#include "roles/job.h"
#include "messages/message.h"
#include "roles/producer.h"
#include "sandbox/sandbox.h"
#include "os/standard_fds.h"
#include "watchers/trace.h"
#include "inputs.h"
#include "life.h"
#include "options.h"
#include "output.h"
#include "watchers/progress.h"

enum { STATUS_OK = 0, STATUS_ERRORS = 1, STATUS_USAGE = 2, STATUS_SYSTEM = 3 };
enum { PROGRESS_DELAY_MS = 1000 };
enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

/* SHMSUM_VERSION and SHMSUM_CHILD_FROM_BIN come from CMake. */
static const char child_program[] = "shmsum-child";

struct run {
    const struct shmsum_os *os;
    struct options options;
    struct output output;
    bool begun;          /* the results are ours: emptied, or their end is known */
    bool terminal_input; /* standard input is a terminal */
    bool summary;        /* somebody sits there to read one */
    bool dialogue;
    char child_path[PATH_MAX];
    struct shmsum_region region;
    struct shmsum_channel channel;
    struct producer producer;
    bool shows_progress;
    struct progress progress;
    bool ended;  /* END was published */
    bool closed; /* or the child had said that it needs none: it leaves on its own */
    struct sandbox sandbox;
    struct explain explain;
    int trace_fd; /* 0: none */
    struct trace trace;
    uint64_t started_ns;
};

/* What became of the input, as far as the child is to be believed. */
struct verdict {
    uint64_t sums, errors, skipped, numbers, bytes, slept, sandbox;
    uint64_t result_lines; /* in the results, */
    uint64_t result_bytes; /* and their bytes */
    bool counted;          /* in the file, by ourselves */
};

static int write_all(const struct shmsum_os *os, const char *text)
{
    for (size_t size = strlen(text), done = 0; done < size;) {
        ssize_t wrote = os->write(os, STANDARD_OUTPUT, text + done, size - done);
        if (wrote == -EINTR)
            continue;
        if (wrote < 0) {
            message(os, "write: standard output: %s", strerror((int)-wrote));
            return STATUS_SYSTEM;
        }
        done += (size_t)wrote;
    }
    return STATUS_OK;
}

static int fail(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    message_failure(os, why);
    return STATUS_SYSTEM;
}

static const char *plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* ---- starting the child ---- */

/* The child stands beside this program (as built) or in libexec (as installed): never on PATH,
 * never in the working directory. */
static int find_child(struct run *run, struct shmsum_failure *why)
{
    static const char *const places[] = {child_program, SHMSUM_CHILD_FROM_BIN};
    const struct shmsum_os *os = run->os;
    char self[PATH_MAX];
    ssize_t length = os->self_path(os, self, sizeof self);
    if (length < 0)
        return shmsum_failure_set(why, "readlink", "/proc/self/exe", (int)-length);
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return shmsum_failure_set(why, "readlink", "/proc/self/exe", ENOENT);
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int size = snprintf(run->child_path, PATH_MAX, "%s%s", self, places[i]);
        if (size >= PATH_MAX)
            return shmsum_failure_set(why, "exec", child_program, ENAMETOOLONG);
        struct stat status;
        int result = os->stat(os, run->child_path, &status);
        if (result == 0)
            return 0;
        if (result != -ENOENT) /* it may be there: no reason to look for another */
            return shmsum_failure_set(why, "exec", run->child_path, -result);
    }
    return shmsum_failure_set(why, "exec", run->child_path, ENOENT);
}

extern char **environ;

/* Our environment with `entry` in it; to be freed. NULL: no memory. */
static char **with_entry(char *entry)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    if (copy == NULL)
        return NULL;
    size_t at = 0;
    copy[at++] = entry;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], JOB_ENVIRONMENT "=", sizeof JOB_ENVIRONMENT) != 0)
            copy[at++] = environ[i];
    return copy;
}

/* execve takes pointers to what might be changed, and changes nothing. */
static char *argument(const char *text)
{
    union {
        const char *constant;
        char *argument;
    } either = {.constant = text};
    return either.argument;
}

/* NO_COLOR: no-color.org. */
static bool wants_color(const struct run *run)
{
    if (run->options.color != WHEN_AUTO)
        return run->options.color == WHEN_ALWAYS;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return (no_color == NULL || *no_color == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0) &&
           run->os->is_terminal(run->os, STANDARD_ERROR) == 1;
}

static int start_child(struct run *run, struct shmsum_failure *why)
{
    const struct options *options = &run->options;
    int result = find_child(run, why);
    if (result < 0)
        return result;
    bool results_on_terminal = run->os->is_terminal(run->os, run->output.fd) == 1;
    struct job job = {
        .sandbox = options->sandbox,
        .trace = options->trace != NULL,
        .explain = options->explain,
        .epoch_ns = run->started_ns,
    };
    job.config = (struct consumer_config){
        .point = options->point,
        .blank_lines = options->blank_lines,
        .format = options->format,
        .max_errors = options->max_errors,
        .dialogue = run->dialogue,
        .terminal = run->dialogue && run->terminal_input,
        .answers = run->dialogue && !results_on_terminal,
        .sync = options->sync,
        .color = wants_color(run),
        .clears_line = run->shows_progress,
    };
    char settings[JOB_SETTINGS_MAX];
    job_format_settings(settings, &job);
    char entry[JOB_REGION_MAX];
    job_format_region(entry, &run->region);
    size_t inputs = (size_t)options->input_count;
    char **argv = calloc(JOB_ARGUMENTS + inputs + 1, sizeof *argv);
    char **envp = with_entry(entry);
    if (argv == NULL || envp == NULL) {
        result = shmsum_failure_set(why, "malloc", "arguments of the child", ENOMEM);
        goto out_free;
    }
    argv[0] = argument(child_program);
    argv[1] = settings;
    argv[2] = argument(run->output.name);
    for (size_t i = 0; i < inputs; i++)
        argv[JOB_ARGUMENTS + i] = argument(input_name(options->inputs[i]));
    struct life_child child = {
        .path = run->child_path,
        .argv = argv,
        .envp = envp,
        .results = run->output.fd,
        .trace = run->trace_fd,
    };
    result = life_start(&child, &run->channel, why);

out_free:
    free(envp);
    free(argv);
    return result;
}

/* ---- the way of the data ---- */

static int send_inputs(struct run *run, struct shmsum_failure *why)
{
    const struct options *options = &run->options;
    for (int i = 0; i < options->input_count; i++) {
        const char *path = options->inputs[i];
        int fd = input_open(run->os, path, &run->output, why);
        if (fd < 0)
            return fd;
        uint32_t source = (uint32_t)i;
        int result = run->dialogue
                         ? producer_converse(&run->producer, fd, input_name(path), source,
                                             STANDARD_ERROR, why)
                         : producer_send(&run->producer, fd, input_name(path), source, why);
        input_close(run->os, fd);
        if (result < 0)
            return result;
    }
    return 0;
}

static void tell_end(struct run *run)
{
    if (run->options.trace != NULL)
        trace_handed_end(&run->trace);
    if (run->options.explain)
        explain_handed_end(&run->explain);
}

/* Hands over all input, and END when the child has to be told. Returns 0; -ECANCELED, whose reason
 * stands in the stop word; or another negative errno with *why filled. */
static int hand_over(struct run *run, struct shmsum_failure *why)
{
    /* While the child starts, so that nobody waits for it. */
    sandbox_prepare_parent(&run->sandbox, run->os, run->options.sandbox, life_child_pid());
    int result = shmsum_channel_await_attached(&run->channel, why);
    if (result < 0)
        return result;
    result = shmsum_region_unlink(&run->region, why);
    if (result == 0 && run->options.explain)
        explain_event(&run->explain, "the child has it too; the name is gone, the descriptor is "
                                     "closed: nobody can open or truncate it any more");
    if (result == 0)
        result = sandbox_enter(&run->sandbox, why);
    if (result == 0)
        result = output_begin(&run->output, why);
    if (result < 0)
        return result;
    run->begun = true;

    result = send_inputs(run, why);
    progress_end(&run->progress);
    run->closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    bool gone = (shmsum_stop_bits(life_stop()) & SHMSUM_STOP_PEER) != 0;
    if (run->closed || gone || result == -EPROTO)
        return result;
    enum shmsum_ending ending = result == 0 ? SHMSUM_ENDING_COMPLETE : SHMSUM_ENDING_CUT;
    struct shmsum_failure later; /* the first failure is the one to tell */
    int ended = shmsum_channel_end(&run->channel, ending, result == 0 ? why : &later);
    run->ended = ended == 0;
    if (run->ended)
        tell_end(run);
    return result == 0 ? ended : result;
}

/* ---- the end ---- */

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

/* Whether the forked child said that it could not become the other program; then *why is filled. */
static bool start_failed(const struct run *run, struct shmsum_failure *why)
{
    enum shmsum_start_call which;
    int error = run->begun ? 0 : shmsum_channel_start_error(&run->channel, &which);
    if (error == 0)
        return false;
    const char *const calls[SHMSUM_START_CALL_COUNT][2] = {
        [SHMSUM_START_EXEC] = {"exec", run->child_path},
        [SHMSUM_START_SIGACTION] = {"sigaction", "signals of the child"},
        [SHMSUM_START_OPEN] = {"open", "/dev/null, for the child"},
        [SHMSUM_START_DUP2] = {"dup2", "standard input or output of the child"},
        [SHMSUM_START_SIGPROCMASK] = {"sigprocmask", "signals of the child"},
    };
    shmsum_failure_set(why, calls[which][0], calls[which][1], error);
    return true;
}

/* Reads the child's end, says what there is to say, and returns our exit status. */
static int judge_child(struct run *run, int wait_status, struct verdict *verdict)
{
    char subject[64];
    if (wait_status < 0) {
        message(run->os, "waitpid: %s: %s", child_program, strerror(-wait_status));
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
static int conclude(struct run *run, int handed, const struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    /* A child that breaks the rules is not waited for; nor one that was not told of an end. */
    bool told = run->ended || run->closed;
    if (handed == -EPROTO || !told)
        life_kill_child();
    int wait_status = life_await_child(SHMSUM_STOP_NOW);

    struct verdict verdict;
    collect(run, &verdict);
    if (run->dialogue && life_signal() != 0)
        message_bytes(os, STANDARD_ERROR, "\n", 1); /* leave the line of the prompt */
    int status = STATUS_SYSTEM;
    if (wait_status >= 0 && life_killed_child() && WIFSIGNALED(wait_status))
        salvage(run, &verdict);
    else
        status = judge_child(run, wait_status, &verdict);
    if (handed < 0 && handed != -ECANCELED) {
        message_failure(os, why);
        say_what_is_left(run, &verdict, "stopped early");
        status = STATUS_SYSTEM;
    }
    if (life_signal() != 0)
        salvage(run, &verdict); /* what is to be told of it below, while it is open */
    struct shmsum_failure end_why;
    int closed = output_close(&run->output, &end_why);
    if (status <= STATUS_ERRORS &&
        (closed < 0 || (run->options.sync && output_sync_folder(&run->output, &end_why) < 0)))
        status = fail(os, &end_why);

    bound_figures(run, &verdict);
    if (life_signal() != 0) {
        char subject[64];
        snprintf(subject, sizeof subject, "stopped by signal %d (%s)", life_signal(),
                 strsignal(life_signal()));
        say_what_is_left(run, &verdict, subject);
    } else if (run->summary && status <= STATUS_ERRORS) {
        say_summary(run, &verdict);
    }
    if (run->options.stats)
        say_stats(run, &verdict);
    return status;
}

/* ---- who wants to know ---- */

/* What the open file of the trace has to be; empties it. */
static int examine_trace(const struct run *run, int fd, struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    const char *path = options->trace;
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", path, -result);
    if (output_is(&run->output, &status) ||
        inputs_include(os, options->inputs, options->input_count, &status))
        return shmsum_failure_set(why, "trace", path, EEXIST);
    result = S_ISREG(status.st_mode) ? os->truncate(os, fd, 0) : 0;
    return result < 0 ? shmsum_failure_set(why, "ftruncate", path, -result) : 0;
}

/* Opens the file of the trace, and has it written from here on. */
static int open_trace(struct run *run, struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    const char *path = run->options.trace;
    int fd;
    do
        fd = os->open(os, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY, 0666);
    while (fd == -EINTR);
    if (fd < 0)
        return shmsum_failure_set(why, "open", path, -fd);
    int result = examine_trace(run, fd, why);
    if (result < 0) {
        os->close(os, fd);
        return result;
    }
    run->trace_fd = fd;
    trace_begin(&run->trace, os, fd, true, "shmsum (producer)", -1, run->started_ns);
    run->os = &run->trace.os;
    return 0;
}

static void add_watch(struct run *run, struct producer_watch *watch)
{
    watch->next = run->producer.watch;
    run->producer.watch = watch;
}

/* Who wants to know what the producer does. The region is there, and the producer. */
static void watch(struct run *run)
{
    const struct options *options = &run->options;
    if (run->shows_progress) {
        progress_begin(&run->progress, run->os,
                       inputs_bytes(run->os, options->inputs, options->input_count),
                       options->progress == WHEN_ALWAYS ? 0 : PROGRESS_DELAY_MS);
        add_watch(run, &run->progress.watch);
    }
    if (options->explain) {
        explain_object(&run->explain, &run->region);
        explain_mapping(&run->explain, &run->region);
        add_watch(run, &run->explain.producer);
    }
    if (options->trace != NULL)
        add_watch(run, &run->trace.producer);
}

/* All is over: `status` is what it came to. Returns what it comes to now. */
static int end_watch(struct run *run, int status)
{
    const struct options *options = &run->options;
    if (options->explain)
        explain_event(&run->explain, "the child is gone and the region unmapped: its memory is the "
                                     "system's again");
    if (options->trace == NULL)
        return status;
    const struct shmsum_os *real = run->trace.real;
    int result = trace_end(&run->trace, true);
    int closed = real->close(real, run->trace_fd);
    if (result == 0 && closed != -EINTR)
        result = closed; /* some file systems tell of a lost write only now */
    if (result == 0)
        return status;
    struct shmsum_failure why;
    shmsum_failure_set(&why, "write", options->trace, -result);
    return fail(real, &why);
}

/* The results are open: does the work, and says what became of it. */
static int run_child(struct run *run)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    struct shmsum_failure why;
    if (inputs_check(os, options->inputs, options->input_count, &run->output, &why) < 0 ||
        output_check_names(&run->output, &why) < 0 || life_begin(os, &why) < 0)
        return fail(os, &why);

    bool only_standard_input = options->input_count == 1 && strcmp(options->inputs[0], "-") == 0;
    run->terminal_input = os->is_terminal(os, STANDARD_INPUT) == 1;
    run->dialogue = only_standard_input && (options->prompt == WHEN_ALWAYS ||
                                            (options->prompt == WHEN_AUTO && run->terminal_input));
    run->summary = run->dialogue || (run->terminal_input && options->prompt != WHEN_NEVER);

    run->shows_progress =
        !run->dialogue &&
        (options->progress == WHEN_ALWAYS ||
         (options->progress == WHEN_AUTO && os->is_terminal(os, STANDARD_ERROR) == 1));

    shmsum_region_reap(os); /* what others left behind; when it cannot be seen, so be it */
    explain_begin(&run->explain, os, "parent", run->started_ns);
    if (options->trace != NULL && open_trace(run, &why) < 0)
        return fail(os, &why);
    os = run->os;
    if (shmsum_region_create(&run->region, os, &options->geometry, &why) < 0)
        return fail(os, &why);
    shmsum_channel_init(&run->channel, &run->region, SHMSUM_PRODUCER, life_stop(),
                        SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
    producer_init(&run->producer, os, &run->channel);
    watch(run);
    int status;
    if (start_child(run, &why) < 0) {
        status = fail(os, &why);
    } else {
        int handed = hand_over(run, &why);
        status = conclude(run, handed, &why);
    }
    shmsum_region_clean_up(&run->region);
    return end_watch(run, status);
}

static int run_job(struct run *run)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    struct shmsum_failure why;
    run->started_ns = os->clock_ns(os);
    if (inputs_check(os, options->inputs, options->input_count, NULL, &why) < 0 ||
        output_open(&run->output, os, options->output, options->append, options->sync, &why) < 0)
        return fail(os, &why);
    int status = run_child(run);
    output_close(&run->output, NULL); /* after a failed start; nothing was written */
    return status;
}

int main(int argc, char *argv[])
{
    static struct run run;
    const struct shmsum_os *os = run.os = shmsum_os_default();
    struct shmsum_failure why;
    if (standard_fds_open(os, &why) < 0 || life_ignore(os, &why) < 0)
        return fail(os, &why);
    char text[OPTIONS_MESSAGE_MAX];
    if (options_parse(&run.options, argc, argv, text) < 0) {
        message(os, "%s; try 'shmsum --help'", text);
        return STATUS_USAGE;
    }
    if (run.options.action == OPTIONS_HELP)
        return write_all(os, options_help);
    if (run.options.action == OPTIONS_VERSION)
        return write_all(os, "shmsum " SHMSUM_VERSION "\n");
    int status = run_job(&run);
    if (life_signal() != 0)
        life_die(life_signal());
    return status;
}
