/* test_job.c - the job that the parent sends to the child: what is written is read back, and every
 * other spelling is refused. */
#include <errno.h>
#include <limits.h>

#include "roles/job.h"

#include "random.h"
#include "unit.h"

#define NAME "/shmsum-12-0123456789abcdef0123456789abcdef"
#define NONCE "0123456789abcdeffedcba9876543210"
#define CHOICES "000000000000"
#define ERRORS "0000000000000014"
#define EPOCH "0000000000000007"
#define SETTINGS "." CHOICES "," ERRORS "," EPOCH

static struct random rng;

static char program[] = "shmsum-child", results[] = "results.txt", first[] = "a", second[] = "-";

/* Parses settings and region with two inputs. */
static int parse(struct job *job, const char *settings, const char *region)
{
    static char copy[256];
    static char *argv[] = {program, copy, results, first, second, NULL};
    snprintf(copy, sizeof copy, "%s", settings);
    memset(job, 0x5a, sizeof *job);
    return job_parse(job, 5, argv, region);
}

/* The longest name of an input, and one that is longer than any that can be open. */
static void test_long_names(void **state)
{
    (void)state;
    static char settings[] = SETTINGS, name[PATH_MAX + 1];
    static char *argv[] = {program, settings, results, first, name, NULL};
    struct job job;
    memset(name, 'a', PATH_MAX - 1);
    assert_int_equal(job_parse(&job, 5, argv, NAME " " NONCE), 0);
    assert_string_equal(job.config.sources[1], name);
    name[PATH_MAX - 1] = 'a';
    assert_int_equal(job_parse(&job, 5, argv, NAME " " NONCE), -EINVAL);
}

static void assert_same(const struct job *job, const struct job *given,
                        const struct shmsum_region *region)
{
    assert_int_equal(job->config.point, given->config.point);
    assert_int_equal(job->config.blank_lines, given->config.blank_lines);
    assert_int_equal(job->config.format, given->config.format);
    assert_int_equal(job->config.max_errors, given->config.max_errors);
    assert_int_equal(job->config.dialogue, given->config.dialogue);
    assert_int_equal(job->config.terminal, given->config.terminal);
    assert_int_equal(job->config.answers, given->config.answers);
    assert_int_equal(job->config.sync, given->config.sync);
    assert_int_equal(job->config.look.color, given->config.look.color);
    assert_int_equal(job->config.clears_line, given->config.clears_line);
    assert_int_equal(job->owner, given->owner);
    assert_int_equal(job->sandbox, given->sandbox);
    assert_int_equal(job->trace, given->trace);
    assert_int_equal(job->explain, given->explain);
    assert_int_equal(job->epoch_ns, given->epoch_ns);
    assert_int_equal(job->config.source_count, 2);
    assert_string_equal(job->config.sources[0], "a");
    assert_string_equal(job->config.sources[1], "-");
    assert_string_equal(job->results, "results.txt");
    assert_string_equal(job->region, region->name);
    assert_memory_equal(job->nonce, region->nonce, sizeof job->nonce);
}

static void test_there_and_back(void **state)
{
    (void)state;
    for (int round = 0; round < 500; round++) {
        struct job given = {
            .owner = (enum shmsum_results_owner)random_below(&rng, 3),
            .sandbox = (enum sandbox_mode)random_below(&rng, 3),
            .trace = random_one_in(&rng, 2),
            .explain = random_one_in(&rng, 2),
            .epoch_ns = random_one_in(&rng, 3) ? UINT64_MAX : random_below(&rng, 100),
        };
        given.config = (struct consumer_config){
            .point = random_one_in(&rng, 2) ? '.' : ',',
            .blank_lines = (enum blank_lines)random_below(&rng, 3),
            .format = (enum result_format)random_below(&rng, 2),
            .max_errors = random_one_in(&rng, 3) ? UINT64_MAX : random_below(&rng, 100),
            .dialogue = random_one_in(&rng, 2),
            .terminal = random_one_in(&rng, 2),
            .answers = random_one_in(&rng, 2),
            .sync = random_one_in(&rng, 2),
            .look.color = random_one_in(&rng, 2),
            .clears_line = random_one_in(&rng, 2),
        };
        struct shmsum_region region = {.nonce = {random_next(&rng), random_next(&rng)}};
        if (round == 0)
            region.nonce[0] = region.nonce[1] = 0;
        if (round == 1)
            region.nonce[0] = region.nonce[1] = UINT64_MAX;
        snprintf(region.name, sizeof region.name, "/shmsum-%u-%016llx%016llx",
                 round == 1 ? UINT32_MAX : (unsigned)random_below(&rng, 4194304),
                 (unsigned long long)random_next(&rng), (unsigned long long)random_next(&rng));

        char settings[JOB_SETTINGS_MAX + 8], entry[JOB_REGION_MAX + 8];
        memset(settings, 'z', sizeof settings);
        memset(entry, 'z', sizeof entry);
        job_format_settings(settings, &given);
        job_format_region(entry, &region);
        assert_non_null(memchr(settings, '\0', JOB_SETTINGS_MAX));
        assert_non_null(memchr(entry, '\0', JOB_REGION_MAX));
        assert_int_equal(settings[JOB_SETTINGS_MAX], 'z');
        assert_int_equal(entry[JOB_REGION_MAX], 'z');
        assert_memory_equal(entry, "SHMSUM_REGION=", 14);

        struct job job;
        assert_int_equal(parse(&job, settings, entry + 14), 0);
        assert_same(&job, &given, &region);
    }
}

static void test_settings_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".",
        CHOICES "," ERRORS "," EPOCH,
        ";" CHOICES "," ERRORS "," EPOCH,
        "0" CHOICES "," ERRORS "," EPOCH,
        " " SETTINGS,
        SETTINGS " ",
        SETTINGS "0",
        SETTINGS ",",
        SETTINGS "," EPOCH,
        ".0" CHOICES "," ERRORS "," EPOCH, /* a choice too many */
        ".00000000000," ERRORS "," EPOCH,  /* one too few */
        ".300000000000," ERRORS "," EPOCH, /* each beyond its highest value */
        ".020000000000," ERRORS "," EPOCH,
        ".003000000000," ERRORS "," EPOCH,
        ".000300000000," ERRORS "," EPOCH,
        ".000020000000," ERRORS "," EPOCH,
        ".000002000000," ERRORS "," EPOCH,
        ".000000200000," ERRORS "," EPOCH,
        ".000000020000," ERRORS "," EPOCH,
        ".000000002000," ERRORS "," EPOCH,
        ".000000000200," ERRORS "," EPOCH,
        ".000000000020," ERRORS "," EPOCH,
        ".000000000002," ERRORS "," EPOCH,
        ".-00000000000," ERRORS "," EPOCH,
        ".+00000000000," ERRORS "," EPOCH,
        ". 00000000000," ERRORS "," EPOCH,
        "." CHOICES "," ERRORS,
        "." CHOICES "," ERRORS ",",
        "." CHOICES "," EPOCH,
        "." CHOICES ",," EPOCH,
        "." CHOICES ERRORS EPOCH,
        "." CHOICES "," ERRORS EPOCH,
        "." CHOICES ";" ERRORS "," EPOCH,
        "." CHOICES ",0" ERRORS "," EPOCH, /* a leading zero too many */
        "." CHOICES ",000000000000014," EPOCH,
        "." CHOICES ",14," EPOCH,
        "." CHOICES ",+000000000000014," EPOCH,
        "." CHOICES ",-000000000000014," EPOCH,
        "." CHOICES ", 000000000000014," EPOCH,
        "." CHOICES ",0x00000000000014," EPOCH,
        "." CHOICES ",000000000000001A," EPOCH,
        "." CHOICES ",000000000000001g," EPOCH,
        "." CHOICES ",0000000000000014 ," EPOCH,
        "." CHOICES "," ERRORS ",10000000000000000",
        "." CHOICES "," ERRORS ",000000000000007",
        "." CHOICES "," ERRORS ", 000000000000007",
        "." CHOICES "," ERRORS ",-000000000000007",
        "--help",
    };
    struct job job;
    assert_int_equal(parse(&job, SETTINGS, NAME " " NONCE), 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        if (parse(&job, bad[i], NAME " " NONCE) != -EINVAL)
            fail_msg("settings \"%s\" were taken", bad[i]);
}

static void test_region_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        NAME,
        NAME " ",
        NONCE,
        NAME NONCE,
        NAME " 0123456789abcdef",
        NAME " 0123456789abcdef0123456789abcde",
        NAME " 0123456789abcdef0123456789abcdef0",
        NAME "  0123456789abcdef0123456789abcde",
        NAME " 0123456789abcdef0123456789abcdef ",
        NAME "\t0123456789abcdef0123456789abcdef",
        NAME " 0123456789abcdeg0123456789abcdef",
        NAME " 0123456789abcdef0123456789abcdeg",
        NAME " 0123456789ABCDEF0123456789abcdef",
        NAME " 0x23456789abcdef0123456789abcdef",
        NAME " -123456789abcdef0123456789abcdef",
        NAME " +123456789abcdef0123456789abcdef",
        NAME "    23456789abcdef0123456789abcdef",
        NAME " 0123456789abcdef-123456789abcdef",
        NAME " 0123456789abcdef 123456789abcdef",
        NAME " 0123456789abcde.0123456789abcdef",
        NAME " g123456789abcdef0123456789abcdef",
        ("/shmsum-4294967295-0123456789abcdef0123456789abcdef0 " NONCE),
    };
    struct job job;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (parse(&job, SETTINGS, bad[i]) != -EINVAL)
            fail_msg("region \"%s\" was taken", bad[i]);
    assert_int_equal(parse(&job, SETTINGS, NULL), -EINVAL);
    /* the longest name that region.c makes */
    assert_int_equal(
        parse(&job, SETTINGS, "/shmsum-4294967295-0123456789abcdef0123456789abcdef " NONCE), 0);
}

/* Parses a changed text. It must be refused, or be the one spelling of another job. */
static void check_spelling(const char *settings, const char *region)
{
    struct job job;
    if (parse(&job, settings, region) < 0)
        return;
    char again[JOB_SETTINGS_MAX], entry[JOB_REGION_MAX];
    job_format_settings(again, &job);
    if (strcmp(again, settings) != 0)
        fail_msg("settings \"%s\" were taken for \"%s\"", settings, again);
    struct shmsum_region other = {.nonce = {job.nonce[0], job.nonce[1]}};
    memcpy(other.name, job.region, sizeof other.name);
    job_format_region(entry, &other);
    if (strcmp(entry + strlen(JOB_ENVIRONMENT "="), region) != 0)
        fail_msg("region \"%s\" was taken for \"%s\"", region, entry);
}

/* Changes each byte of two right texts to every other byte, inserts every byte everywhere, removes
 * each byte, and cuts the text everywhere. */
static void test_one_spelling(void **state)
{
    (void)state;
    static const char *const right[2][2] = {
        {SETTINGS, NAME " " NONCE},
        {",21211111111,ffffffffffffffff,000000e8d4a51000", "/s ffffffffffffffff0000000000000000"},
    };
    for (size_t i = 0; i < COUNT(right); i++) {
        for (size_t which = 0; which < 2; which++) {
            const char *text = right[i][which];
            size_t size = strlen(text);
            for (size_t at = 0; at <= size; at++) {
                char changed[128];
                const char *settings = which == 0 ? changed : right[i][0];
                const char *region = which == 1 ? changed : right[i][1];
                for (int byte = 1; byte < 256; byte++) {
                    snprintf(changed, sizeof changed, "%.*s%c%s", (int)at, text, byte, text + at);
                    check_spelling(settings, region);
                    if (at == size)
                        continue;
                    snprintf(changed, sizeof changed, "%s", text);
                    changed[at] = (char)byte;
                    check_spelling(settings, region);
                }
                snprintf(changed, sizeof changed, "%.*s", (int)at, text);
                if (at < size) {
                    struct job job;
                    assert_int_equal(parse(&job, settings, region), -EINVAL);
                    snprintf(changed, sizeof changed, "%.*s%s", (int)at, text, text + at + 1);
                    check_spelling(settings, region);
                }
            }
        }
    }
}

static void test_arguments_missing(void **state)
{
    (void)state;
    char settings[] = SETTINGS;
    char *argv[] = {program, settings, results, first, NULL};
    struct job job;
    assert_int_equal(job_parse(&job, 4, argv, NAME " " NONCE), 0);
    assert_int_equal(job.config.source_count, 1);
    for (int argc = 0; argc < 4; argc++) {
        argv[argc] = NULL;
        assert_int_equal(job_parse(&job, argc, argv, NAME " " NONCE), -EINVAL);
        argv[0] = program;
        argv[1] = settings;
        argv[2] = results;
        argv[3] = first;
    }
}

int main(void)
{
    rng.state = random_seed("test_job");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),   cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_settings_refused), cmocka_unit_test(test_region_refused),
        cmocka_unit_test(test_one_spelling),     cmocka_unit_test(test_arguments_missing),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
