/*
 * job.h - what the parent tells the child: its arguments and one environment variable.
 *
 * The arguments are plain settings and names. Where the region is and its nonce go through the
 * environment, which other users cannot read; after the child has attached they are worth nothing.
 */
#ifndef SHMSUM_SRC_JOB_H
#define SHMSUM_SRC_JOB_H

#include "consumer.h"
#include "sandbox/sandbox.h"

#define JOB_ENVIRONMENT "SHMSUM_REGION"

enum {
    JOB_SETTINGS_MAX = 96,
    JOB_ARGUMENTS = 3, /* before the names of the inputs: program, settings, name of the results */
    JOB_REGION_MAX = sizeof JOB_ENVIRONMENT + SHMSUM_REGION_NAME_MAX + 1 + 32,
};

struct job {
    struct consumer_config config; /* messages is not part of it: the child's is standard error */
    enum sandbox_mode sandbox;
    bool trace;          /* descriptor 0 is the file of the trace */
    bool explain;        /* tell what happens */
    uint64_t epoch_ns;   /* of the monotonic clock: times are told from here on */
    const char *results; /* name of the results, for messages; points into argv */
    char region[SHMSUM_REGION_NAME_MAX];
    uint64_t nonce[2];
};

/* Writes the settings as one argument, with its NUL: all of the job but the names and the nonce. */
void job_format_settings(char settings[JOB_SETTINGS_MAX], const struct job *job);

/* Writes the environment entry "SHMSUM_REGION=name nonce", with its NUL. */
void job_format_region(char entry[JOB_REGION_MAX], const struct shmsum_region *region);

/* The way back, in the child. argv must outlive the job; region is the variable's value or NULL.
 * Returns 0, or -EINVAL when these are not what the two functions above make. Pure. */
int job_parse(struct job *job, int argc, char *const argv[], const char *region);

#endif
