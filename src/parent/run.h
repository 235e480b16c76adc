/* run.h - one run of shmsum: what the files of the parent share. One struct, owned by main. */
#ifndef SHMSUM_SRC_PARENT_RUN_H
#define SHMSUM_SRC_PARENT_RUN_H

#include <limits.h>

#include "messages/message.h"
#include "options.h"
#include "output.h"
#include "roles/producer.h"
#include "sandbox/sandbox.h"
#include "watchers/explain.h"
#include "watchers/progress.h"
#include "watchers/trace.h"

/* The exit status of both programs. */
enum { STATUS_OK = 0, STATUS_ERRORS = 1, STATUS_USAGE = 2, STATUS_SYSTEM = 3 };
enum { STANDARD_INPUT = 0, STANDARD_OUTPUT = 1, STANDARD_ERROR = 2 };

struct run {
    const struct shmsum_os *system; /* the real table of system calls */
    const struct shmsum_os *os;     /* the same, or the table of the trace in front of it */
    struct options options;
    struct output output;
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

/* Reports the failure on standard error and returns STATUS_SYSTEM. */
static inline int run_fail(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    message_failure(os, why);
    return STATUS_SYSTEM;
}

#endif
