/*
 * main.c (child) - shmsum-child: attaches to the region and runs the consumer.
 *
 * Started by shmsum only, with the results on descriptor 1, messages on descriptor 2, SIGINT,
 * SIGTERM, SIGHUP, SIGQUIT, SIGPIPE and SIGXFSZ ignored (the parent decides when to stop), and its
 * job in argv and the environment (job.h). Exit status: 0 every line was summed, 1 not all could
 * be, 3 the system refused something and a message says what; 2 when started by hand.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "watchers/explain.h"
#include "roles/job.h"
#include "messages/message.h"
#include "sandbox/sandbox.h"
#include "os/standard_fds.h"
#include "watchers/trace.h"

enum { RESULTS_BUFFER = 256 * 1024 };
enum { TRACE_FD = 0, RESULTS_FD = 1, MESSAGES_FD = 2 };

/* What the child works with. Nothing is allocated: in its sandbox it could not be. */
static struct {
    struct consumer consumer;
    char buffer[RESULTS_BUFFER];
    uint8_t block[SHMSUM_REGION_PAYLOAD_MAX];
    struct trace trace;
    struct explain explain;
} room;

/* For the handler: who our parent was, and the word that tells the consumer. */
static struct {
    const struct shmsum_os *os;
    pid_t parent;
    struct shmsum_word stop;
} life;

/* The kernel sends this when the parent dies. Anybody else may send it too: look. */
static void on_parent_death(int signal)
{
    (void)signal;
    int saved = errno;
    if (life.os->getppid(life.os) != life.parent)
        shmsum_stop_raise(life.os, &life.stop, SHMSUM_STOP_PEER);
    errno = saved;
}

static int watch_parent(const struct shmsum_os *os, pid_t parent, struct shmsum_failure *why)
{
    life.os = os;
    life.parent = parent;
    struct sigaction action = {.sa_handler = on_parent_death};
    sigemptyset(&action.sa_mask);
    int result = os->sigaction(os, SIGUSR1, &action, NULL);
    if (result < 0)
        return shmsum_failure_set(why, "sigaction", "SIGUSR1", -result);
    sigset_t unblock;
    sigemptyset(&unblock);
    sigaddset(&unblock, SIGUSR1);
    result = os->sigprocmask(os, SIG_UNBLOCK, &unblock, NULL);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "SIGUSR1", -result);
    result = os->set_pdeathsig(os, SIGUSR1);
    if (result < 0)
        return shmsum_failure_set(why, "prctl", "PR_SET_PDEATHSIG", -result);
    if (os->getppid(os) != parent) /* it died before the kernel was asked */
        shmsum_stop_raise(os, &life.stop, SHMSUM_STOP_PEER);
    return 0;
}

/* `bytes` of the input were taken; before the first one the results may still be the old ones. */
static void say_orphaned(const struct shmsum_os *os, const struct job *job, uint64_t bytes,
                         uint64_t lines)
{
    if (job->config.clears_line)
        message_clear_line(os);
    if (bytes == 0) {
        message(os, "parent: gone; nothing was read");
        return;
    }
    message(os, "parent: gone; %s holds the first %" PRIu64 " %s", job->results, lines,
            lines == 1 ? "result" : "results");
}

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

/* Attaches the observers that the job asks for to the consumer. */
static void add_observers(struct consumer *consumer, const struct job *job,
                          const struct shmsum_region *region)
{
    if (job->trace)
        observers_add(&consumer->observers, &room.trace.observer);
    if (job->explain) {
        explain_mapping(&room.explain, region);
        observers_add(&consumer->observers, &room.explain.observer);
    }
}

/* Everything that the consumer needs is made ready; then the sandbox, the first sign, and only then
 * the first byte of input. Returns the exit status. */
static int run(const struct shmsum_os *os, const struct job *job, struct shmsum_region *region,
               struct shmsum_failure *why)
{
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, region, SHMSUM_CONSUMER, &life.stop, SHMSUM_STOP_PEER);
    struct shmsum_results results;
    if (shmsum_results_init(&results, os, RESULTS_FD, job->results, room.buffer, RESULTS_BUFFER,
                            why) < 0)
        return 3;
    struct consumer *consumer = &room.consumer;
    consumer_init(consumer, os, &job->config, &channel, &results, room.block);
    struct sandbox sandbox;
    sandbox_prepare_child(&sandbox, os, job->sandbox, job->trace || job->explain);
    add_observers(consumer, job, region);
    if (choose_implementation(&consumer->parser, why) < 0 || sandbox_enter(&sandbox, why) < 0)
        return 3;
    consumer->counters.count[COUNTER_SANDBOX] = sandbox.granted;
    counters_publish(&consumer->counters, &channel);
    shmsum_channel_attached(&channel);
    enum consumer_end_reason end_reason;
    if (consumer_run(consumer, &end_reason, why) < 0)
        return 3;
    int result = os->close(os, RESULTS_FD); /* some file systems tell of a lost write only now */
    if (result < 0 && result != -EINTR) {
        shmsum_failure_set(why, "close", job->results, -result);
        return 3;
    }
    if (end_reason == CONSUMER_ORPHANED)
        say_orphaned(os, job, consumer->counters.count[COUNTER_BYTES], results.lines);
    return consumer->counters.count[COUNTER_ERRORS] > 0 || consumer->unread ? 1 : 0;
}

int main(int argc, char *argv[])
{
    const struct shmsum_os *os = shmsum_os_default();
    struct shmsum_failure why;
    if (standard_fds_open(os, &why) < 0) {
        message_failure(os, &why);
        return 3;
    }
    struct job job;
    if (job_parse(&job, argc, argv, getenv(JOB_ENVIRONMENT)) < 0) {
        message(os, "shmsum-child is started by shmsum, not by hand; try 'shmsum --help'");
        return 2;
    }
    job.config.messages = MESSAGES_FD;
    if (job.explain)
        explain_begin(&room.explain, os, "child", job.epoch_ns);
    const struct shmsum_os *real = os;
    if (job.trace) {
        const struct trace_setting setting = {
            .fd = TRACE_FD,
            .role = "shmsum-child (consumer)",
            .results = RESULTS_FD,
            .epoch_ns = job.epoch_ns,
        };
        trace_begin(&room.trace, real, &setting);
        os = &room.trace.os;
    }

    struct shmsum_region region;
    if (shmsum_region_attach(&region, os, job.region, job.nonce, &why) < 0) {
        message_failure(os, &why);
        return 3;
    }
    /* We have it: nobody needs the name any more, and this is the last that we do with a path. The
     * parent removes it as well, for it does not believe us. */
    os->shm_unlink(os, job.region);
    if (job.explain)
        explain_event(&room.explain, "opened it by its name, and removed the name");
    int status = 3;
    if (watch_parent(real, region.creator, &why) == 0)
        status = run(os, &job, &region, &why);
    if (status == 3) {
        if (job.config.clears_line)
            message_clear_line(os);
        message_failure(os, &why);
    }
    shmsum_region_clean_up(&region);
    if (job.explain)
        explain_event(&room.explain, "region unmapped; leaves with status %d", status);
    if (job.trace)
        trace_end(&room.trace, false); /* the parent tells when the file takes no more */
    return status;
}
