/* job.c - what the parent tells the child. See job.h. */
#include "job.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void job_format_settings(char settings[JOB_SETTINGS_MAX], const struct job *job)
{
    const struct consumer_config *config = &job->config;
    snprintf(settings, JOB_SETTINGS_MAX, "%c,%u,%u,%" PRIu64 ",%d,%d,%d,%d,%d,%d,%u,%d,%d,%" PRIu64,
             config->point, (unsigned)config->blank_lines, (unsigned)config->format,
             config->max_errors, config->dialogue, config->terminal, config->answers, config->sync,
             config->color, config->clears_line, (unsigned)job->sandbox, job->trace, job->explain,
             job->epoch_ns);
}

void job_format_region(char entry[JOB_REGION_MAX], const struct shmsum_region *region)
{
    snprintf(entry, JOB_REGION_MAX, JOB_ENVIRONMENT "=%s %016" PRIx64 "%016" PRIx64, region->name,
             region->nonce[0], region->nonce[1]);
}

int job_parse(struct job *job, int argc, char *const argv[], const char *region)
{
    memset(job, 0, sizeof *job);
    if (argc < JOB_ARGUMENTS + 1 || region == NULL)
        return -EINVAL;

    struct consumer_config *config = &job->config;
    unsigned blank_lines, format, sandbox;
    int dialogue, terminal, answers, sync, color, clears_line, trace, explain;
    if (sscanf(argv[1], "%c,%u,%u,%" SCNu64 ",%d,%d,%d,%d,%d,%d,%u,%d,%d,%" SCNu64, &config->point,
               &blank_lines, &format, &config->max_errors, &dialogue, &terminal, &answers, &sync,
               &color, &clears_line, &sandbox, &trace, &explain, &job->epoch_ns) != 14 ||
        blank_lines > BLANK_LINES_SKIP || format > RESULT_JSON || sandbox > SANDBOX_OFF)
        return -EINVAL;
    config->blank_lines = (enum blank_lines)blank_lines;
    config->format = (enum result_format)format;
    config->dialogue = dialogue == 1;
    config->terminal = terminal == 1;
    config->answers = answers == 1;
    config->sync = sync == 1;
    config->color = color == 1;
    config->clears_line = clears_line == 1;
    job->sandbox = (enum sandbox_mode)sandbox;
    job->trace = trace == 1;
    job->explain = explain == 1;
    config->sources = (const char *const *)(argv + JOB_ARGUMENTS);
    config->source_count = (uint32_t)(argc - JOB_ARGUMENTS);
    job->results = argv[2];
    /* One spelling only: what it was made from must make it again. */
    char settings[JOB_SETTINGS_MAX];
    job_format_settings(settings, job);
    if (strcmp(settings, argv[1]) != 0 || (config->point != '.' && config->point != ','))
        return -EINVAL;

    size_t name = strcspn(region, " ");
    if (name >= sizeof job->region || region[name] != ' ' || strlen(region + name + 1) != 32 ||
        strspn(region + name + 1, "0123456789abcdef") != 32 ||
        sscanf(region + name + 1, "%16" SCNx64 "%16" SCNx64, &job->nonce[0], &job->nonce[1]) != 2)
        return -EINVAL;
    memcpy(job->region, region, name);
    job->region[name] = '\0';
    return 0;
}
