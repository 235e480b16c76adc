/* start.c - finds shmsum-child and starts it with its job. See start.h. Called by main, once. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_process.h"
#include "inputs.h"
#include "roles/job.h"

/* SHMSUM_VERSION and SHMSUM_CHILD_FROM_BIN come from CMake. */
static const char child_program[] = "shmsum-child";

extern char **environ;

/* The child stands beside this program (as built) or in libexec (as installed): never on PATH,
 * never in the working directory. */
static int find_child(struct run *run, struct shmsum_failure *why)
{
    static const char *const places[] = {child_program, SHMSUM_CHILD_FROM_BIN};
    const struct shmsum_os *os = run->os;
    char self[PATH_MAX];
    ssize_t length = os->readlink_self(os, self, sizeof self);
    if (length < 0)
        return shmsum_failure_set(why, "readlink", "/proc/self/exe", (int)-length);
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return shmsum_failure_set(why, "readlink", "/proc/self/exe", ENOENT);
    slash[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int size = snprintf(run->child_path, PATH_MAX, "%s%s", self, places[i]);
        if (size >= PATH_MAX)
            return shmsum_failure_set(why, "exec", child_program, ENAMETOOLONG);
        struct stat status;
        int result = os->stat(os, run->child_path, &status);
        if (result == 0)
            return 0;
        if (result != -ENOENT) /* it may be there: no reason to look for another */
            return shmsum_failure_set(why, "exec", run->child_path, -result);
    }
    return shmsum_failure_set(why, "exec", run->child_path, ENOENT);
}

/* Our environment with `entry` in it; to be freed. NULL: no memory. */
static char **with_entry(char *entry)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **copy = calloc(count + 2, sizeof *copy);
    if (copy == NULL)
        return NULL;
    size_t at = 0;
    copy[at++] = entry;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], JOB_ENVIRONMENT "=", sizeof JOB_ENVIRONMENT) != 0)
            copy[at++] = environ[i];
    return copy;
}

/* execve takes pointers to what might be changed, and changes nothing. */
static char *argument(const char *text)
{
    union {
        const char *constant;
        char *argument;
    } either = {.constant = text};
    return either.argument;
}

/* NO_COLOR: no-color.org. */
static bool wants_color(const struct run *run)
{
    if (run->options.color != WHEN_AUTO)
        return run->options.color == WHEN_ALWAYS;
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return (no_color == NULL || *no_color == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0) &&
           run->os->isatty(run->os, STANDARD_ERROR) == 1;
}

int start_child(struct run *run, struct shmsum_failure *why)
{
    const struct options *options = &run->options;
    int result = find_child(run, why);
    if (result < 0)
        return result;
    bool results_on_terminal = run->os->isatty(run->os, run->output.fd) == 1;
    struct job job = {
        .sandbox = options->sandbox,
        .trace = options->trace != NULL,
        .explain = options->explain,
        .epoch_ns = run->started_ns,
    };
    job.config = (struct consumer_config){
        .point = options->point,
        .blank_lines = options->blank_lines,
        .format = options->format,
        .max_errors = options->max_errors,
        .dialogue = run->dialogue,
        .terminal = run->dialogue && run->terminal_input,
        .answers = run->dialogue && !results_on_terminal,
        .sync = options->sync,
        .color = wants_color(run),
        .clears_line = run->shows_progress,
    };
    char settings[JOB_SETTINGS_MAX];
    job_format_settings(settings, &job);
    char entry[JOB_REGION_MAX];
    job_format_region(entry, &run->region);
    size_t inputs = (size_t)options->input_count;
    char **argv = calloc(JOB_ARGUMENTS + inputs + 1, sizeof *argv);
    char **envp = with_entry(entry);
    if (argv == NULL || envp == NULL) {
        result = shmsum_failure_set(why, "malloc", "arguments of the child", ENOMEM);
        goto out_free;
    }
    argv[0] = argument(child_program);
    argv[1] = settings;
    argv[2] = argument(run->output.name);
    for (size_t i = 0; i < inputs; i++)
        argv[JOB_ARGUMENTS + i] = argument(input_name(options->inputs[i]));
    struct child_program child = {
        .path = run->child_path,
        .argv = argv,
        .envp = envp,
        .results = run->output.fd,
        .trace = run->trace_fd,
    };
    result = child_start(run->system, &child, why);

out_free:
    free(envp);
    free(argv);
    return result;
}
