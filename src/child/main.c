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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../job.h"
#include "../message.h"
#include "../standard_fds.h"

enum { RESULTS_BUFFER = 256 * 1024 };
enum { RESULTS_FD = 1, MESSAGES_FD = 2 };

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
    if (life.os->get_parent(life.os) != life.parent)
        shmsum_stop_raise(life.os, &life.stop, SHMSUM_STOP_PEER);
    errno = saved;
}

static int watch_parent(const struct shmsum_os *os, pid_t parent, struct shmsum_failure *why)
{
    life.os = os;
    life.parent = parent;
    struct sigaction action = {.sa_handler = on_parent_death};
    sigemptyset(&action.sa_mask);
    int result = os->set_action(os, SIGUSR1, &action, NULL);
    if (result < 0)
        return shmsum_failure_set(why, "sigaction", "SIGUSR1", -result);
    sigset_t unblock;
    sigemptyset(&unblock);
    sigaddset(&unblock, SIGUSR1);
    result = os->set_mask(os, SIG_UNBLOCK, &unblock, NULL);
    if (result < 0)
        return shmsum_failure_set(why, "sigprocmask", "SIGUSR1", -result);
    result = os->die_signal(os, SIGUSR1);
    if (result < 0)
        return shmsum_failure_set(why, "prctl", "PR_SET_PDEATHSIG", -result);
    if (os->get_parent(os) != parent) /* it died before the kernel was asked */
        shmsum_stop_raise(os, &life.stop, SHMSUM_STOP_PEER);
    return 0;
}

/* `bytes` of the input were taken; before the first one the results may still be the old ones. */
static void say_orphaned(const struct shmsum_os *os, const struct job *job, uint64_t bytes,
                         uint64_t lines)
{
    if (bytes == 0) {
        message(os, "parent: gone; nothing was read");
        return;
    }
    message(os, "parent: gone; %s holds the first %" PRIu64 " %s", job->results, lines,
            lines == 1 ? "result" : "results");
}

/* For tests: SHMSUM_FORCE names the form of the parser. */
static int force_form(struct shmsum_line_parser *parser, struct shmsum_failure *why)
{
    const char *name = getenv("SHMSUM_FORCE");
    if (name == NULL)
        return 0;
    int form = shmsum_line_form_by_name(name);
    int result = form < 0 ? -EINVAL : shmsum_line_parser_use(parser, (enum shmsum_line_form)form);
    return result < 0 ? shmsum_failure_set(why, "SHMSUM_FORCE", name, -result) : 0;
}

static int run(const struct shmsum_os *os, const struct job *job, struct shmsum_region *region,
               struct shmsum_failure *why)
{
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, region, SHMSUM_CONSUMER, &life.stop, SHMSUM_STOP_PEER);

    int status = 3;
    uint8_t *block = malloc(region->geometry.payload_bytes);
    char *buffer = malloc(RESULTS_BUFFER);
    struct consumer *consumer = malloc(sizeof *consumer);
    if (block == NULL || buffer == NULL || consumer == NULL) {
        shmsum_failure_set(why, "malloc", "buffers", ENOMEM);
        goto out_free;
    }
    struct shmsum_results results;
    if (shmsum_results_init(&results, os, RESULTS_FD, job->results, buffer, RESULTS_BUFFER, why) <
        0)
        goto out_free;

    consumer_init(consumer, os, &job->config, &channel, &results, block);
    if (force_form(&consumer->parser, why) < 0)
        goto out_free;
    shmsum_channel_attached(&channel);
    enum consumer_ending ending;
    if (consumer_run(consumer, &ending, why) < 0)
        goto out_free;
    int result = os->close(os, RESULTS_FD); /* some file systems tell of a lost write only now */
    if (result < 0 && result != -EINTR) {
        shmsum_failure_set(why, "close", job->results, -result);
        goto out_free;
    }
    status = consumer->errors > 0 || consumer->unread ? 1 : 0;
    if (ending == CONSUMER_ORPHANED) {
        say_orphaned(os, job, consumer->bytes, results.lines);
        os->shm_unlink(os, job->region); /* it may have died before it did so itself */
    }

out_free:
    free(consumer);
    free(buffer);
    free(block);
    return status;
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

    struct shmsum_region region;
    if (shmsum_region_attach(&region, os, job.region, job.nonce, &why) < 0) {
        message_failure(os, &why);
        return 3;
    }
    int status = 3;
    if (watch_parent(os, region.creator, &why) == 0)
        status = run(os, &job, &region, &why);
    if (status == 3)
        message_failure(os, &why);
    shmsum_region_clean_up(&region);
    return status;
}
