/*
 * main.c (parent) - shmsum: reads lines of numbers and hands them through shared memory to
 * shmsum-child, which sums every line and writes the results.
 *
 * This file is the order of things. Read it from top to bottom as the story of a run:
 *
 *   begin            Look for foreign code; close what the caller left open.
 *   open_files       Check the inputs, open and lock the results. A run that fails here has started
 *                    nothing and emptied nothing.
 *   prepare          Catch signals, remove what dead runs left behind, open the trace.
 *   create_channel   Create the shared memory and the producer's end of it.
 *   start_child      Fork and exec shmsum-child (start.c).
 *   await_attached   The child attaches. Remove the name of the shared memory: from here on a crash
 *                    leaves nothing behind.
 *   give_up_rights   Enter the sandbox. From here on the child may write.
 *   send_inputs      Hand over the input, slot by slot.
 *   end_input        Publish END.
 *   conclude         Wait for the child's end and report what it is worth (verdict.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child_process.h"
#include "inherited.h"
#include "inputs.h"
#include "onlookers.h"
#include "os/standard_fds.h"
#include "os/write_all.h"
#include "run.h"
#include "sandbox/foreign.h"
#include "signals.h"
#include "start.h"
#include "stoppable.h"
#include "verdict.h"

/* SHMSUM_VERSION comes from CMake. */

static int begin(struct run *run, struct shmsum_failure *why)
{
    struct sandbox_setting *setting = &run->sandbox_setting;
    *setting = (struct sandbox_setting){run->options.sandbox, foreign_code(run->os)};
    if (setting->mode != SANDBOX_OFF && setting->foreign == NULL)
        run->closed_descriptors = inherited_close(run->os, &run->options);
    return sandbox_check(setting->mode, setting->foreign, why);
}

static int open_files(struct run *run, struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    int result = inputs_check(os, options->inputs, options->input_count, NULL, why);
    if (result == 0)
        result =
            output_open(&run->output, os, options->output, options->append, options->sync, why);
    /* Again, now that the file of the results is known: no input may be that file. */
    if (result == 0)
        result = inputs_check(os, options->inputs, options->input_count, &run->output, why);
    return result < 0 ? result : output_check_names(&run->output, why);
}

/* By the options and the terminals: is this a dialogue, is progress drawn, is there a summary? */
static void choose_mode(struct run *run)
{
    const struct shmsum_os *os = run->os;
    const struct options *options = &run->options;
    bool only_standard_input = options->input_count == 1 && strcmp(options->inputs[0], "-") == 0;
    run->terminal_input = os->isatty(os, STANDARD_INPUT) == 1;
    run->dialogue = only_standard_input && (options->prompt == WHEN_ALWAYS ||
                                            (options->prompt == WHEN_AUTO && run->terminal_input));
    run->summary = run->dialogue || (run->terminal_input && options->prompt != WHEN_NEVER);
    run->shows_progress =
        !run->dialogue && (options->progress == WHEN_ALWAYS ||
                           (options->progress == WHEN_AUTO && os->isatty(os, STANDARD_ERROR) == 1));
}

static int prepare(struct run *run, struct shmsum_failure *why)
{
    int result = signals_catch(run->os, why);
    if (result < 0)
        return result;
    choose_mode(run);
    /* Best effort: a failure is ignored, a stop is not. */
    if (shmsum_region_reap(run->os) == SHMSUM_STOPPED)
        return SHMSUM_STOPPED;
    explain_begin(&run->explain, run->os, "parent", run->started_ns);
    return run->options.trace != NULL ? onlookers_open_trace(run, why) : 0;
}

static int create_channel(struct run *run, struct shmsum_failure *why)
{
    int result = shmsum_region_create(&run->region, run->os, &run->options.geometry, why);
    if (result < 0)
        return result;
    shmsum_channel_init(&run->channel, &run->region, SHMSUM_PRODUCER, signals_stop_word(),
                        SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
    producer_init(&run->producer, run->os, &run->channel);
    onlookers_begin(run);
    return 0;
}

static int await_attached(struct run *run, struct shmsum_failure *why)
{
    /* Now, while the child starts: this takes about as long. */
    sandbox_prepare_parent(&run->sandbox, run->os, &run->sandbox_setting, child_pid(),
                           run->closed_descriptors);
    int result = shmsum_channel_await_attached(&run->channel, why);
    if (result < 0)
        return result;
    child_attached();
    result = shmsum_region_unlink(&run->region, why);
    if (result == 0 && run->options.explain)
        explain_event(&run->explain, "the child has it too; the name is gone, the descriptor is "
                                     "closed: nobody can open or truncate it any more");
    return result;
}

static int give_up_rights(struct run *run, struct shmsum_failure *why)
{
    int result = sandbox_enter(&run->sandbox, why);
    run->begun = result == 0;
    return result;
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
        uint64_t before = run->producer.bytes;
        bool first = fd == STANDARD_INPUT && !run->input_mark.is_set;
        int result = first ? input_mark(&run->input_mark, run->os, before, why) : 0;
        if (result < 0)
            return result; /* descriptor 0 stays open */
        result = run->dialogue
                     ? producer_dialogue(&run->producer, fd, message_input_name(path), source,
                                         STANDARD_ERROR, why)
                     : producer_send(&run->producer, fd, message_input_name(path), source, why);
        if (first) /* a second time there is nothing left to read */
            run->input_mark.length = run->producer.bytes - before;
        input_close(run->os, fd);
        if (result < 0)
            return result;
    }
    return 0;
}

/* `sent` is what send_inputs returned. Publishes END, unless the child needs none: it closed the
 * input, it is dead, or it broke the rules, and then conclude kills it. Returns the first failure,
 * `sent` or END's. */
static int end_input(struct run *run, int sent, struct shmsum_failure *why)
{
    run->closed = shmsum_channel_closing(&run->channel) == SHMSUM_CLOSED;
    bool gone = (shmsum_stop_bits(signals_stop_word()) & SHMSUM_STOP_PEER) != 0;
    if (run->closed || gone || sent == SHMSUM_BROKEN)
        return sent;
    enum shmsum_end_reason end_reason = sent == 0 ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT;
    struct shmsum_failure second; /* not reported: *why or the stop word has the first reason */
    int ended = producer_end(&run->producer, end_reason, sent == 0 ? why : &second);
    run->ended = ended == 0;
    return sent < 0 ? sent : ended;
}

/* Hands over all input to a child that was started. Returns 0; SHMSUM_STOPPED, with the reason in
 * the stop word; or another negative errno with *why filled. */
static int hand_over(struct run *run, struct shmsum_failure *why)
{
    int result = await_attached(run, why);
    if (result == 0)
        result = give_up_rights(run, why);
    if (result < 0)
        return result;
    result = send_inputs(run, why);
    progress_end(&run->progress);
    return end_input(run, result, why);
}

/* The run ends before there is a child. Returns the exit status. */
static int end_early(const struct run *run, int result, const struct shmsum_failure *why)
{
    if (result != SHMSUM_STOPPED)
        return run_fail(run->os, why);
    int signal = signals_first();
    message(run->os, "stopped by signal %d (%s); nothing was read", signal, strsignal(signal));
    return STATUS_SYSTEM;
}

/* The whole run, but for the end of the process. Returns the exit status. */
static int sum_all(struct run *run)
{
    struct shmsum_failure why;
    run->started_ns = run->os->clock_ns(run->os);
    int result = begin(run, &why);
    if (result == 0)
        result = open_files(run, &why);
    if (result == 0)
        result = prepare(run, &why);
    if (result == 0)
        result = create_channel(run, &why);
    if (result < 0)
        return end_early(run, result, &why);
    int status;
    if (start_child(run, &why) < 0) {
        status = run_fail(run->os, &why);
    } else {
        int handed = hand_over(run, &why);
        status = conclude(run, handed, &why);
    }
    shmsum_region_clean_up(&run->region);
    return onlookers_end(run, status);
}

static int print(const struct shmsum_os *os, const char *text)
{
    int result = os_write_all(os, STANDARD_OUTPUT, text, strlen(text));
    if (result == 0)
        return STATUS_OK;
    struct shmsum_failure why;
    shmsum_failure_set(&why, "write", "standard output", -result);
    return run_fail(os, &why);
}

static int serve(struct run *run, int argc, char *argv[])
{
    const struct shmsum_os *os = shmsum_os_default();
    run->system = stoppable(os);
    run->os = run->system; /* --trace puts its own table in front of it */
    run->output.fd = -1;
    struct shmsum_failure why;
    if (standard_fds_open(os, &why) < 0 || signals_ignore(os, &why) < 0)
        return run_fail(os, &why);
    char text[OPTIONS_MESSAGE_MAX];
    if (options_parse(&run->options, argc, argv, text) < 0) {
        message(os, "%s; try 'shmsum --help'", text);
        return STATUS_USAGE;
    }
    if (run->options.action == OPTIONS_HELP)
        return print(os, options_help);
    if (run->options.action == OPTIONS_VERSION)
        return print(os, "shmsum " SHMSUM_VERSION "\n");
    int status = sum_all(run);
    output_close(&run->output, NULL); /* open still after a failed start; nothing was written */
    if (signals_first() != 0)
        signals_die(os, signals_first());
    return status;
}

/* Foreign code may call exit(3) at any moment and with any status: fakeroot's library calls exit(1)
 * when the system refuses a call of its own. */
static bool is_done;

static void on_early_exit(void)
{
    if (is_done)
        return;
    message(shmsum_os_default(), "code that was loaded into the program ended it; "
                                 "unset LD_PRELOAD, or try --sandbox=off");
    _exit(STATUS_SYSTEM);
}

int main(int argc, char *argv[])
{
    static struct run run;
    is_done = atexit(on_early_exit) != 0; /* then it goes without */
    int status = serve(&run, argc, argv);
    is_done = true;
    if (sandbox_is_closed(run.sandbox.granted))
        _exit(status);
    return status;
}
