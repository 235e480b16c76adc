/* run.h - one run of shmsum: what the files of the parent share. One struct, owned by main. */
#ifndef SHMSUM_SRC_PARENT_RUN_H
#define SHMSUM_SRC_PARENT_RUN_H

#include <limits.h>

#include "inputs.h"
#include "messages/message.h"
#include "options.h"
#include "output.h"
#include "roles/job.h"
#include "roles/producer.h"
#include "sandbox/sandbox.h"
#include "watchers/explain.h"
#include "watchers/progress.h"
#include "watchers/trace.h"

enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

struct run {
    const struct shmsum_os *system; /* stoppable.h: the table of system calls */
    const struct shmsum_os *os;     /* the same; with --trace, the table of the trace before it */
    struct options options;
    uint64_t started_ns;

    bool terminal_input; /* standard input is a terminal */
    bool dialogue;       /* lines are asked for one by one */
    bool summary;        /* a person is there to read one */
    bool shows_progress;

    struct output output;
    char child_path[3 * PATH_MAX]; /* or, for a message, the two places where it is not */
    struct shmsum_region region;
    struct shmsum_channel channel;
    struct producer producer;
    struct input_mark input_mark; /* standard input, where it is an input for the first time */
    bool ended;                   /* END was published */
    bool closed; /* END is not needed: the child has closed the input, and leaves without it */
    bool begun;  /* everything has started: input may be handed over */
    struct sandbox_setting sandbox_setting;
    int closed_descriptors; /* what inherited_close returned */
    struct sandbox sandbox;

    struct progress progress;
    struct explain explain;
    struct trace trace;
    int trace_fd; /* 0: none */
};

/* Reports the failure on standard error and returns STATUS_SYSTEM. */
static inline int run_fail(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    message_failure(os, why);
    return STATUS_SYSTEM;
}

#endif
