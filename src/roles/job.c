/* job.c - what the parent sends to the child at its start. See job.h. */
#include "job.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "member.h"

/*
 * The settings, in this order and without a gap:
 *
 *     1 byte      the decimal point, '.' or ','
 *     12 digits   the choices below, one digit each
 *     ',' and 16 hexadecimal digits   max_errors
 *     ',' and 16 hexadecimal digits   epoch_ns
 *
 * Every field has a fixed width, and every value one spelling.
 */
static const struct choice {
    struct member where; /* in struct job */
    int highest;
} choices[JOB_CHOICES] = {
    {MEMBER(struct job, config.blank_lines), BLANK_LINES_SKIP},
    {MEMBER(struct job, config.format), RESULT_JSON},
    {MEMBER(struct job, owner), SHMSUM_RESULTS_REPLACED},
    {MEMBER(struct job, sandbox), SANDBOX_OFF},
    {MEMBER(struct job, config.dialogue), true},
    {MEMBER(struct job, config.terminal), true},
    {MEMBER(struct job, config.answers), true},
    {MEMBER(struct job, config.sync), true},
    {MEMBER(struct job, config.look.color), true},
    {MEMBER(struct job, config.clears_line), true},
    {MEMBER(struct job, trace), true},
    {MEMBER(struct job, explain), true},
};

void job_format_settings(char settings[JOB_SETTINGS_MAX], const struct job *job)
{
    settings[0] = job->config.point;
    for (size_t i = 0; i < JOB_CHOICES; i++) {
        uint64_t value = member_get(job, &choices[i].where);
        assert(value <= (uint64_t)choices[i].highest);
        settings[1 + i] = (char)('0' + value);
    }
    snprintf(settings + 1 + JOB_CHOICES, JOB_SETTINGS_MAX - 1 - JOB_CHOICES,
             ",%016" PRIx64 ",%016" PRIx64, job->config.max_errors, job->epoch_ns);
}

void job_format_region(char entry[JOB_REGION_MAX], const struct shmsum_region *region)
{
    snprintf(entry, JOB_REGION_MAX, JOB_ENVIRONMENT "=%s %016" PRIx64 "%016" PRIx64, region->name,
             region->nonce[0], region->nonce[1]);
}

/* Reads 16 hexadecimal digits at *at, and moves *at behind them. */
static bool take_word(const char **at, uint64_t *word)
{
    static const char digits[] = "0123456789abcdef";
    *word = 0;
    for (int i = 0; i < 16; i++) {
        const char *digit = memchr(digits, **at, sizeof digits - 1);
        if (digit == NULL)
            return false;
        *word = *word << 4 | (uint64_t)(digit - digits);
        (*at)++;
    }
    return true;
}

static bool parse_settings(struct job *job, const char *at)
{
    if (*at != '.' && *at != ',')
        return false;
    job->config.point = *at++;
    for (size_t i = 0; i < JOB_CHOICES; i++) {
        int digit = *at - '0';
        if (digit < 0 || digit > choices[i].highest)
            return false;
        member_set(job, &choices[i].where, (uint64_t)digit);
        at++;
    }
    return *at++ == ',' && take_word(&at, &job->config.max_errors) && *at++ == ',' &&
           take_word(&at, &job->epoch_ns) && *at == '\0';
}

static bool parse_region(struct job *job, const char *region)
{
    size_t name = strcspn(region, " ");
    if (name >= sizeof job->region || region[name] != ' ')
        return false;
    memcpy(job->region, region, name); /* its NUL is there: the job was cleared */
    const char *at = region + name + 1;
    return take_word(&at, &job->nonce[0]) && take_word(&at, &job->nonce[1]) && *at == '\0';
}

int job_parse(struct job *job, int argc, char *const argv[], const char *region)
{
    memset(job, 0, sizeof *job);
    if (argc < JOB_ARGUMENTS + 1 || region == NULL || !parse_settings(job, argv[1]) ||
        !parse_region(job, region))
        return -EINVAL;
    for (int i = JOB_ARGUMENTS; i < argc; i++)
        if (strlen(argv[i]) > RESULT_LINE_NAME_MAX)
            return -EINVAL;
    job->results = argv[2];
    job->config.sources = (const char *const *)(argv + JOB_ARGUMENTS);
    job->config.source_count = (uint32_t)(argc - JOB_ARGUMENTS);
    return 0;
}
