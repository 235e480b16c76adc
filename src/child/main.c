/*
 * main.c (child) - shmsum-child: attaches to the shared memory and runs the consumer.
 *
 * Only shmsum starts this program: with the results on descriptor 1, messages on descriptor 2, its
 * job in argv and the environment (roles/job.h), SIGQUIT, SIGPIPE and SIGXFSZ ignored, and SIGINT,
 * SIGTERM and SIGHUP blocked or ignored, because the parent decides when to stop. STATUS_USAGE
 * means that a person started it.
 *
 * The order of things: catch the parent's death; attach and remove the name; prepare everything
 * that the consumer needs; enter the sandbox; let the parent know (attached); only then read the
 * first byte of input.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "messages/charset.h"
#include "messages/message.h"
#include "os/standard_fds.h"
#include "results/result_count.h"
#include "roles/job.h"
#include "sandbox/foreign.h"
#include "sandbox/sandbox.h"
#include "watchers/explain.h"
#include "watchers/trace.h"

enum { TRACE_FD = 0, RESULTS_FD = 1, MESSAGES_FD = 2 };

/* What the child works with. Only libseccomp allocates memory, before the sandbox closes. */
static struct {
    struct shmsum_channel channel;
    struct shmsum_results results;
    struct consumer consumer;
    char buffer[JOB_RESULTS_BUFFER];
    uint8_t block[SHMSUM_REGION_PAYLOAD_MAX];
    struct trace trace;
    struct explain explain;
} memory;

/* ---- the parent's death ----
 *
 * While the parent lives, it decides when to stop: SIGINT, SIGTERM and SIGHUP change nothing here.
 * Nobody decides for an orphan, so it obeys them, unless they were ignored when shmsum was started;
 * and it waits only ORPHAN_WAIT_S for a reader that takes nothing. Both end a write that waits, and
 * so the run, with a message. The table below gives up that write; SIGALRM interrupts it. */

enum { ORPHAN_WAIT_S = 10, ORPHAN_SOON_MS = 5 };

/* A signal handler gets no argument of ours. */
static struct {
    const struct shmsum_os *os;
    struct shmsum_os table;       /* in front of it */
    pid_t pid;                    /* getppid while it lives; 0: it is in another pid namespace */
    struct shmsum_word stop;      /* its death ends the consumer's waits */
    volatile sig_atomic_t signal; /* that has reached the orphan; 0: none */
    volatile sig_atomic_t waited; /* how many seconds the current write of the orphan has waited */
    bool waits;                   /* the next write or ppoll repeats one that was interrupted */
} parent;

static bool is_orphan(void)
{
    return (shmsum_stop_bits(&parent.stop) & SHMSUM_STOP_PEER) != 0;
}

static void become_orphan(void)
{
    shmsum_stop_raise(parent.os, &parent.stop, SHMSUM_STOP_PEER);
    parent.os->setitimer(parent.os, 1000);
}

/* The kernel sends SIGUSR1 when the parent dies. Any process of this user may send it too: check.
 * A parent in another pid namespace (unshare --pid) has the number 0, alive or dead: believe the
 * signal. */
static void on_parent_death(int signal)
{
    (void)signal;
    int saved = errno;
    if (parent.pid == 0 || parent.os->getppid(parent.os) != parent.pid)
        become_orphan();
    errno = saved;
}

static void on_stop_signal(int signal)
{
    int saved = errno;
    if (is_orphan()) {
        parent.signal = signal;
        parent.os->setitimer(parent.os, ORPHAN_SOON_MS);
    }
    errno = saved;
}

/* SIGALRM, once a second in an orphan. */
static void on_second(int signal)
{
    (void)signal;
    int saved = errno;
    if (is_orphan()) {
        parent.waited++;
        parent.os->setitimer(parent.os, parent.signal != 0 ? ORPHAN_SOON_MS : 1000);
    }
    errno = saved;
}

/* What the caller gets of a write, or of a wait for one, that returned `result`. */
static ssize_t given_up(ssize_t result)
{
    bool gives_up = parent.signal != 0 || parent.waited >= ORPHAN_WAIT_S;
    parent.waits = result == -EINTR || result == -EAGAIN;
    return result == -EINTR && gives_up ? SHMSUM_STOPPED : result;
}

static void begin_wait(void)
{
    if (!parent.waits)
        parent.waited = 0;
}

static ssize_t orphan_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os;
    begin_wait();
    return given_up(parent.os->write(parent.os, fd, bytes, size));
}

static int orphan_ppoll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                        const sigset_t *mask)
{
    (void)os;
    begin_wait();
    return (int)given_up(parent.os->ppoll(parent.os, fds, count, mask));
}

static int catch_signal(const struct shmsum_os *os, int signal, void (*handler)(int),
                        sigset_t *caught, struct shmsum_failure *why)
{
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    sigaddset(caught, signal);
    int result = os->sigaction(os, signal, &action, NULL);
    return result < 0 ? shmsum_failure_set(why, "sigaction", "signal handler", -result) : 0;
}

/* The parent has blocked the signals to stop, or left them ignored. */
static int catch_stop_signals(const struct shmsum_os *os, sigset_t *caught,
                              struct shmsum_failure *why)
{
    static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
    int result = 0;
    for (size_t i = 0; i < sizeof stop_signals / sizeof stop_signals[0] && result == 0; i++) {
        struct sigaction old;
        result = os->sigaction(os, stop_signals[i], NULL, &old);
        if (result < 0)
            return shmsum_failure_set(why, "sigaction", "signal handler", -result);
        if (old.sa_handler != SIG_IGN)
            result = catch_signal(os, stop_signals[i], on_stop_signal, caught, why);
    }
    return result;
}

/* Before attach, which finds out whether the parent died before this call. Makes
 * parent.table, which the consumer uses in place of `os`. */
static int catch_parent_death(const struct shmsum_os *os, struct shmsum_failure *why)
{
    parent.os = os;
    parent.table = *os;
    parent.table.write = orphan_write;
    parent.table.ppoll = orphan_ppoll;
    parent.pid = os->getppid(os);
    sigset_t caught;
    sigemptyset(&caught);
    int result = catch_signal(os, SIGUSR1, on_parent_death, &caught, why);
    if (result == 0)
        result = catch_signal(os, SIGALRM, on_second, &caught, why);
    if (result == 0)
        result = catch_stop_signals(os, &caught, why);
    if (result < 0)
        return result;
    result = os->sigprocmask(os, SIG_UNBLOCK, &caught, NULL);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "SIGUSR1", -result);
    result = os->set_pdeathsig(os, SIGUSR1);
    if (result < 0)
        return shmsum_failure_set(why, "prctl", "PR_SET_PDEATHSIG", -result);
    return 0;
}

/* ---- the consumer ---- */

/* For tests: SHMSUM_PARSER names the implementation of the parser. */
static int choose_implementation(struct shmsum_line_parser *parser, struct shmsum_failure *why)
{
    const char *name = getenv("SHMSUM_PARSER");
    if (name == NULL)
        return 0;
    int implementation = shmsum_line_implementation_by_name(name);
    int result =
        implementation < 0
            ? -EINVAL
            : shmsum_line_parser_use(parser, (enum shmsum_line_implementation)implementation);
    return result < 0 ? shmsum_failure_set(why, "SHMSUM_PARSER", name, -result) : 0;
}

/* Attaches the observers that the job asks for. */
static void add_observers(const struct job *job, const struct shmsum_region *region)
{
    struct consumer *consumer = &memory.consumer;
    if (job->trace)
        observers_add(&consumer->observers, &memory.trace.observer);
    if (job->explain) {
        explain_mapping(&memory.explain, region);
        observers_add(&consumer->observers, &memory.explain.observer);
    }
}

static int prepare_consumer(const struct shmsum_os *os, const struct job *job,
                            const struct shmsum_region *region, struct shmsum_failure *why)
{
    shmsum_channel_init(&memory.channel, region, SHMSUM_CONSUMER, &parent.stop, SHMSUM_STOP_PEER);
    int result = shmsum_results_init(&memory.results, os, RESULTS_FD, job->owner, job->results,
                                     memory.buffer, JOB_RESULTS_BUFFER, why);
    if (result < 0)
        return result;
    consumer_init(&memory.consumer, os, &job->config, &memory.channel, &memory.results,
                  memory.block);
    add_observers(job, region);
    return choose_implementation(&memory.consumer.parser, why);
}

/* Sets *start to the offset of the first result, if the results are a file that may be cut; else to
 * -1. The parent has moved the offset there. */
static int find_start(const struct shmsum_os *os, const struct job *job, off_t *start,
                      struct shmsum_failure *why)
{
    *start = memory.results.cuttable ? os->lseek(os, RESULTS_FD, 0, SEEK_CUR) : -1;
    return memory.results.cuttable && *start < 0
               ? shmsum_failure_set(why, "lseek", job->results, (int)-*start)
               : 0;
}

/* Gives up the rights that the consumer does not need, and publishes which were given up. */
static int enter_sandbox(const struct shmsum_os *os, const struct job *job,
                         struct shmsum_failure *why)
{
    off_t start;
    int result = find_start(os, job, &start, why);
    if (result < 0)
        return result;
    struct sandbox sandbox;
    const struct sandbox_setting setting = {job->sandbox, foreign_code(os)};
    sandbox_prepare_child(&sandbox, os, &setting, job->trace || job->explain, start);
    result = sandbox_enter(&sandbox, why);
    if (result < 0)
        return result;
    memory.consumer.counters.count[COUNTER_SANDBOX] = sandbox.granted;
    counters_publish(&memory.consumer.counters, &memory.channel);
    return 0;
}

/* Some file systems report a lost write only at close. */
static int close_results(const struct shmsum_os *os, const struct job *job,
                         struct shmsum_failure *why)
{
    int result = os->close(os, RESULTS_FD);
    return result < 0 && result != -EINTR ? shmsum_failure_set(why, "close", job->results, -result)
                                          : 0;
}

/* The parent is dead: this process reports the end in its place. */
static void report_orphaned(const struct shmsum_os *os, const struct job *job)
{
    if (job->config.clears_line)
        message_clear_line(os);
    /* Before the first byte of input the file may still hold the results of an earlier run. */
    if (memory.consumer.counters.count[COUNTER_BYTES] == 0) {
        message(os, "parent: gone; nothing was read");
        return;
    }
    const struct result_count count = {memory.results.replaces ? RESULTS_UNCHANGED : RESULTS_EXACT,
                                       memory.results.lines};
    char bytes[RESULT_COUNT_MAX];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    result_count_add(&text, &count, job->results, memory.results.cuttable);
    message(os, "parent: gone; %s", text.bytes);
}

/* A write of the results was given up. */
static void report_given_up(const struct shmsum_os *os, const struct job *job,
                            const struct shmsum_failure *why)
{
    if (parent.signal != 0)
        message(os, "stopped by signal %d (%s)", parent.signal, strsignal(parent.signal));
    else
        message(os, "%s: %s: took nothing for %d s", why->call, why->object, ORPHAN_WAIT_S);
    report_orphaned(os, job);
}

/* Attached: sums all input. Returns the exit status, with *why filled for STATUS_SYSTEM. */
static int consume(const struct shmsum_os *os, const struct job *job,
                   const struct shmsum_region *region, struct shmsum_failure *why)
{
    struct consumer *consumer = &memory.consumer;
    if (prepare_consumer(os, job, region, why) < 0 || enter_sandbox(os, job, why) < 0)
        return STATUS_SYSTEM;
    shmsum_channel_attached(&memory.channel);
    enum consumer_end_reason end_reason;
    if (consumer_run(consumer, &end_reason, why) < 0 || close_results(os, job, why) < 0)
        return STATUS_SYSTEM;
    if (end_reason == CONSUMER_ORPHANED)
        report_orphaned(os, job);
    bool all_summed = consumer->counters.count[COUNTER_ERRORS] == 0 && !consumer->unread;
    return all_summed ? STATUS_OK : STATUS_ERRORS;
}

/* ---- the process ---- */

/* Returns the table of system calls for all that is to be in the trace. */
static const struct shmsum_os *begin_watchers(const struct shmsum_os *os, const struct job *job)
{
    if (job->explain)
        explain_begin(&memory.explain, os, "child", job->epoch_ns);
    if (!job->trace)
        return os;
    const struct trace_setting setting = {
        .fd = TRACE_FD,
        .role = "shmsum-child (consumer)",
        .results = RESULTS_FD,
        .epoch_ns = job->epoch_ns,
    };
    trace_begin(&memory.trace, os, &setting);
    return &memory.trace.os;
}

static void end_watchers(const struct job *job, int status)
{
    if (job->explain)
        explain_event(&memory.explain, "region unmapped; leaves with status %d", status);
    if (job->trace)
        trace_end(&memory.trace, false); /* the parent reports when the trace cannot be written */
}

static int attach(struct shmsum_region *region, const struct shmsum_os *os, const struct job *job,
                  struct shmsum_failure *why)
{
    int result = shmsum_region_attach(region, os, job->region, job->nonce, why);
    if (result < 0)
        return result;
    if (region->abandoned) /* it died before the kernel was asked to send the signal */
        become_orphan();
    /* Both have it: no process needs the name any more. The parent removes it as well, because it
     * does not believe this process. Without --explain this is the last call with a path. */
    os->shm_unlink(os, job->region);
    if (job->explain)
        explain_event(&memory.explain, "opened it by its name, and removed the name");
    return 0;
}

static int fail(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    message_failure(os, why);
    return STATUS_SYSTEM;
}

int main(int argc, char *argv[])
{
    const struct shmsum_os *system = shmsum_os_default();
    struct shmsum_failure why;
    if (standard_fds_open(system, &why) < 0)
        return fail(system, &why);
    struct job job;
    if (job_parse(&job, argc, argv, getenv(JOB_ENVIRONMENT)) < 0) {
        message(system, "shmsum-child is started by shmsum, not by hand; try 'shmsum --help'");
        return STATUS_USAGE;
    }
    job.config.messages = MESSAGES_FD;
    job.config.look.utf8 = charset_is_utf8();
    if (catch_parent_death(system, &why) < 0)
        return fail(system, &why);
    const struct shmsum_os *os = begin_watchers(&parent.table, &job);

    struct shmsum_region region;
    if (attach(&region, os, &job, &why) < 0)
        return fail(os, &why);
    int status = consume(os, &job, &region, &why);
    if (status == STATUS_SYSTEM) {
        if (job.config.clears_line)
            message_clear_line(os);
        if (why.error == -SHMSUM_STOPPED)
            report_given_up(os, &job, &why);
        else
            message_failure(os, &why);
    }
    shmsum_region_clean_up(&region);
    end_watchers(&job, status);
    if (sandbox_is_closed(memory.consumer.counters.count[COUNTER_SANDBOX]))
        _exit(status);
    return status;
}
