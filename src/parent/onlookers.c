/* onlookers.c - what --progress, --explain and --trace attach to a run. See onlookers.h. Called by
 * main. */
#include "onlookers.h"

#include <errno.h>
#include <fcntl.h>

#include "inputs.h"
#include "os/retry.h"

enum { PROGRESS_DELAY_MS = 1000 };
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
    result = S_ISREG(status.st_mode) ? os->ftruncate(os, fd, 0) : 0;
    return result < 0 ? shmsum_failure_set(why, "ftruncate", path, -result) : 0;
}

/* Opens the file of the trace, and has it written from here on. */
int onlookers_open_trace(struct run *run, struct shmsum_failure *why)
{
    const struct shmsum_os *os = run->os;
    const char *path = run->options.trace;
    int fd;
    RETRY(fd, os->open(os, path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY, 0666));
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
void onlookers_begin(struct run *run)
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

void onlookers_end_published(struct run *run)
{
    if (run->options.trace != NULL)
        trace_handed_end(&run->trace);
    if (run->options.explain)
        explain_handed_end(&run->explain);
}

/* All is over: `status` is what it came to. Returns what it comes to now. */
int onlookers_end(struct run *run, int status)
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
    return run_fail(real, &why);
}
