/* onlookers.c - attaches --progress, --explain and --trace to a run. See onlookers.h. Called by
 * main. */
#include "onlookers.h"

#include <errno.h>
#include <fcntl.h>

#include "inputs.h"
#include "messages/message.h"
#include "os/retry.h"

enum { PROGRESS_DELAY_MS = 1000 };

/* Checks the open file of the trace as the results are checked (output.h), locks and empties it.
 * The lock belongs to the open file, which the child shares: it holds until both have ended. */
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
        return shmsum_failure_set(why, "trace", path, REFUSED_IN_USE);
    if (!S_ISREG(status.st_mode))
        return 0;
    if (status.st_nlink > 1)
        return shmsum_failure_set(why, "open", path, REFUSED_HARD_LINK);
    if (!output_lock(os, fd))
        return shmsum_failure_set(why, "lock", path, REFUSED_LOCKED);
    RETRY(result, os->ftruncate(os, fd, 0));
    return result < 0 ? shmsum_failure_set(why, "ftruncate", path, -result) : 0;
}

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
    const struct trace_setting setting = {
        .fd = fd,
        .first = true,
        .role = "shmsum (producer)",
        .results = -1,
        .epoch_ns = run->started_ns,
    };
    trace_begin(&run->trace, os, &setting);
    run->os = &run->trace.os;
    return 0;
}

void onlookers_begin(struct run *run)
{
    const struct options *options = &run->options;
    if (run->shows_progress) {
        progress_begin(&run->progress, run->os,
                       inputs_bytes(run->os, options->inputs, options->input_count),
                       options->progress == WHEN_ALWAYS ? 0 : PROGRESS_DELAY_MS);
        observers_add(&run->producer.observers, &run->progress.observer);
    }
    if (options->explain) {
        explain_object(&run->explain, &run->region);
        explain_mapping(&run->explain, &run->region);
        observers_add(&run->producer.observers, &run->explain.observer);
    }
    if (options->trace != NULL)
        observers_add(&run->producer.observers, &run->trace.observer);
}

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
        result = closed; /* some file systems report a lost write only at close */
    if (result == 0 || result == SHMSUM_STOPPED) /* a signal ends this process, not the status */
        return status;
    struct shmsum_failure why;
    shmsum_failure_set(&why, "write", options->trace, -result);
    return run_fail(real, &why);
}
