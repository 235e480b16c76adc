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
#include <string.h>

#include "child_process.h"
#include "inputs.h"
#include "onlookers.h"
#include "os/standard_fds.h"
#include "os/write_all.h"
#include "run.h"
#include "signals.h"
#include "start.h"
#include "verdict.h"
/* SHMSUM_VERSION comes from CMake. */

static int print(const struct shmsum_os *os, const char *text)
{
    int result = os_write_all(os, STANDARD_OUTPUT, text, strlen(text));
    if (result == 0)
        return STATUS_OK;
    struct shmsum_failure why;
    shmsum_failure_set(&why, "write", "standard output", -result);
    return run_fail(os, &why);
}

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
                         ? producer_dialogue(&run->producer, fd, input_name(path), source,
                                             STANDARD_ERROR, why)
                         : producer_send(&run->producer, fd, input_name(path), source, why);
        input_close(run->os, fd);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Hands over all input, and END when the child has to be told. Returns 0; -ECANCELED, whose reason
 * stands in the stop word; or another negative errno with *why filled. */
static int hand_over(struct run *run, struct shmsum_failure *why)
{
    /* While the child starts, so that nobody waits for it. */
    sandbox_prepare_parent(&run->sandbox, run->os, run->options.sandbox, child_pid());
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
    bool gone = (shmsum_stop_bits(signals_stop_word()) & SHMSUM_STOP_PEER) != 0;
    if (run->closed || gone || result == -EPROTO)
        return result;
    enum shmsum_end_reason end_reason = result == 0 ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT;
    struct shmsum_failure later; /* the first failure is the one to tell */
    int ended = shmsum_channel_end(&run->channel, end_reason, result == 0 ? why : &later);
    run->ended = ended == 0;
    if (run->ended)
        onlookers_end_published(run);
    return result == 0 ? ended : result;
}

/* The results are open: does the work, and says what became of it. */
static int run_parent(struct run *run)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    struct shmsum_failure why;
    if (inputs_check(os, options->inputs, options->input_count, &run->output, &why) < 0 ||
        output_check_names(&run->output, &why) < 0 || signals_catch(os, &why) < 0)
        return run_fail(os, &why);

    bool only_standard_input = options->input_count == 1 && strcmp(options->inputs[0], "-") == 0;
    run->terminal_input = os->isatty(os, STANDARD_INPUT) == 1;
    run->dialogue = only_standard_input && (options->prompt == WHEN_ALWAYS ||
                                            (options->prompt == WHEN_AUTO && run->terminal_input));
    run->summary = run->dialogue || (run->terminal_input && options->prompt != WHEN_NEVER);

    run->shows_progress =
        !run->dialogue && (options->progress == WHEN_ALWAYS ||
                           (options->progress == WHEN_AUTO && os->isatty(os, STANDARD_ERROR) == 1));

    shmsum_region_reap(os); /* what others left behind; when it cannot be seen, so be it */
    explain_begin(&run->explain, os, "parent", run->started_ns);
    if (options->trace != NULL && onlookers_open_trace(run, &why) < 0)
        return run_fail(os, &why);
    os = run->os;
    if (shmsum_region_create(&run->region, os, &options->geometry, &why) < 0)
        return run_fail(os, &why);
    shmsum_channel_init(&run->channel, &run->region, SHMSUM_PRODUCER, signals_stop_word(),
                        SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
    producer_init(&run->producer, os, &run->channel);
    onlookers_begin(run);
    int status;
    if (start_child(run, &why) < 0) {
        status = run_fail(os, &why);
    } else {
        int handed = hand_over(run, &why);
        status = conclude(run, handed, &why);
    }
    shmsum_region_clean_up(&run->region);
    return onlookers_end(run, status);
}

static int run_job(struct run *run)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    struct shmsum_failure why;
    run->started_ns = os->clock_ns(os);
    if (inputs_check(os, options->inputs, options->input_count, NULL, &why) < 0 ||
        output_open(&run->output, os, options->output, options->append, options->sync, &why) < 0)
        return run_fail(os, &why);
    int status = run_parent(run);
    output_close(&run->output, NULL); /* after a failed start; nothing was written */
    return status;
}

int main(int argc, char *argv[])
{
    static struct run run;
    const struct shmsum_os *os = shmsum_os_default();
    run.system = run.os = os;
    struct shmsum_failure why;
    if (standard_fds_open(os, &why) < 0 || signals_ignore(os, &why) < 0)
        return run_fail(os, &why);
    char text[OPTIONS_MESSAGE_MAX];
    if (options_parse(&run.options, argc, argv, text) < 0) {
        message(os, "%s; try 'shmsum --help'", text);
        return STATUS_USAGE;
    }
    if (run.options.action == OPTIONS_HELP)
        return print(os, options_help);
    if (run.options.action == OPTIONS_VERSION)
        return print(os, "shmsum " SHMSUM_VERSION "\n");
    int status = run_job(&run);
    if (signals_first() != 0)
        signals_die(os, signals_first());
    return status;
}
