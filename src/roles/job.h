/*
 * job.h - what the parent sends to the child at its start: the arguments and one environment
 * variable.
 *
 * The arguments are settings and names, which every user of the machine can read. The region's name
 * and its nonce go through the environment, which other users cannot read. Both are worthless once
 * the child has attached. The exit status is the child's answer.
 */
#ifndef SHMSUM_SRC_JOB_H
#define SHMSUM_SRC_JOB_H

#include "consumer.h"
#include "sandbox/sandbox.h"

#define JOB_ENVIRONMENT "SHMSUM_REGION"

/* The exit status of both programs. */
enum {
    STATUS_OK = 0,     /* every line was summed */
    STATUS_ERRORS = 1, /* not every line could be */
    STATUS_USAGE = 2,
    STATUS_SYSTEM = 3, /* the system refused something, and a message says what */
};

enum {
    JOB_CHOICES = 12, /* settings of a few values each */
    JOB_SETTINGS_MAX = 1 + JOB_CHOICES + 2 * (1 + 16) + 1,
    JOB_ARGUMENTS = 3, /* before the names of the inputs: program, settings, name of the results */
    JOB_REGION_MAX = sizeof JOB_ENVIRONMENT + SHMSUM_REGION_NAME_MAX + 1 + 32,
    JOB_RESULTS_BUFFER = 256 * 1024, /* bytes of results that the child writes at once, at most */
};

struct job {
    struct consumer_config config;   /* but `messages` and look.utf8, which the child knows */
    enum shmsum_results_owner owner; /* of the results */
    enum sandbox_mode sandbox;
    bool trace;          /* descriptor 0 is the file of the trace */
    bool explain;        /* print what happens */
    uint64_t epoch_ns;   /* of the monotonic clock: printed times begin here */
    const char *results; /* name of the results, for messages; points into argv */
    char region[SHMSUM_REGION_NAME_MAX];
    uint64_t nonce[2];
};

/* Writes the settings as one argument, with its NUL: all of the job but the names and the nonce.
 * Pure. */
void job_format_settings(char settings[JOB_SETTINGS_MAX], const struct job *job);

/* Writes the environment entry "SHMSUM_REGION=name nonce", with its NUL. Pure. */
void job_format_region(char entry[JOB_REGION_MAX], const struct shmsum_region *region);

/* The way back, in the child. argv must outlive the job; `region` is the value of the environment
 * variable, or NULL. Returns 0; or -EINVAL for anything that the two functions above do not write:
 * every job has one spelling. Pure. */
int job_parse(struct job *job, int argc, char *const argv[], const char *region);

#endif
