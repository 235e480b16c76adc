/* start.c - finds shmsum-child and starts it with its job. See start.h. Called by main, once. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child_process.h"
#include "inputs.h"
#include "messages/message.h"
#include "roles/job.h"

/* SHMSUM_VERSION and SHMSUM_CHILD_FROM_BIN come from CMake. */
static const char child_program[] = "shmsum-child";

extern char **environ;

/* Whether the file at `path` may be the child: 0; -ENOENT when there is none, with *why alone; or
 * another negative errno with *why filled. In a sticky folder anyone may have put it there: so its
 * owner, and the owner of a symbolic link to it, must be root or the owner of this program. */
static int check_child(const struct shmsum_os *os, const char *path, uid_t owner,
                       struct shmsum_failure *why)
{
    struct stat status = {0};
    int result = os->lstat(os, path, &status);
    bool is_ours = status.st_uid == 0 || status.st_uid == owner;
    if (result == 0 && is_ours && S_ISLNK(status.st_mode)) {
        result = os->stat(os, path, &status);
        is_ours = status.st_uid == 0 || status.st_uid == owner;
    }
    if (result == -ENOENT)
        return result;
    if (result < 0) /* it may exist, so do not take another one */
        return shmsum_failure_set(why, "exec", path, -result);
    return is_ours ? 0 : shmsum_failure_set(why, "child", path, REFUSED_OWNER);
}

/* The child is beside this program (as built) or in libexec (as installed). PATH and the working
 * directory are never searched: another user may have put a program there. */
static int find_child(struct run *run, struct shmsum_failure *why)
{
    static const char *const places[] = {child_program, SHMSUM_CHILD_FROM_BIN};
    static const char self_link[] = "/proc/self/exe";
    const struct shmsum_os *os = run->os;
    char self[PATH_MAX];
    ssize_t length = os->readlink_self(os, self, sizeof self);
    if (length < 0)
        return shmsum_failure_set(why, "readlink", self_link, (int)-length);
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return shmsum_failure_set(why, "readlink", self_link, ENOENT);
    slash[1] = '\0';
    struct stat own;
    int result = os->stat(os, self_link, &own);
    if (result < 0)
        return shmsum_failure_set(why, "stat", self_link, -result);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int size = snprintf(run->child_path, PATH_MAX, "%s%s", self, places[i]);
        if (size >= PATH_MAX)
            return shmsum_failure_set(why, "exec", child_program, ENAMETOOLONG);
        result = check_child(os, run->child_path, own.st_uid, why);
        if (result != -ENOENT)
            return result;
    }
    snprintf(run->child_path, sizeof run->child_path, "%s%s, %s%s", self, places[0], self,
             places[1]);
    return shmsum_failure_set(why, "exec", run->child_path, ENOENT);
}

/* The environment of this process with `entry` in it; the caller frees it. NULL: no memory. */
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

/* execve takes pointers to non-const text for historical reasons; it changes nothing. */
static char *argument(const char *text)
{
    union {
        const char *constant;
        char *argument;
    } either = {.constant = text};
    return either.argument;
}

/* Follows no-color.org. */
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

static struct job make_job(const struct run *run)
{
    const struct options *options = &run->options;
    bool results_on_terminal = run->os->isatty(run->os, run->output.fd) == 1;
    return (struct job){
        .owner = run->output.standard ? SHMSUM_RESULTS_SHARED
                 : run->output.append ? SHMSUM_RESULTS_OWN
                                      : SHMSUM_RESULTS_REPLACED,
        .sandbox = options->sandbox,
        .trace = options->trace != NULL,
        .explain = options->explain,
        .epoch_ns = run->started_ns,
        .config =
            {
                .point = options->point,
                .blank_lines = options->blank_lines,
                .format = options->format,
                .max_errors = options->max_errors,
                .dialogue = run->dialogue,
                .terminal = run->dialogue && run->terminal_input,
                .answers = run->dialogue && !results_on_terminal,
                .sync = options->sync,
                .look.color = wants_color(run),
                .clears_line = run->shows_progress,
            },
    };
}

/* The child's arguments, with the settings of its job; the caller frees them. NULL: no memory. */
static char **make_arguments(const struct run *run, char *settings)
{
    size_t inputs = (size_t)run->options.input_count;
    char **argv = calloc(JOB_ARGUMENTS + inputs + 1, sizeof *argv);
    if (argv == NULL)
        return NULL;
    argv[0] = argument(child_program);
    argv[1] = settings;
    argv[2] = argument(run->output.name);
    for (size_t i = 0; i < inputs; i++)
        argv[JOB_ARGUMENTS + i] = argument(run->options.inputs[i]);
    return argv;
}

int start_child(struct run *run, struct shmsum_failure *why)
{
    int result = find_child(run, why);
    if (result < 0)
        return result;
    const struct job job = make_job(run);
    char settings[JOB_SETTINGS_MAX];
    job_format_settings(settings, &job);
    char entry[JOB_REGION_MAX];
    job_format_region(entry, &run->region);
    const struct child_program child = {
        .path = run->child_path,
        .argv = make_arguments(run, settings),
        .envp = with_entry(entry),
        .results = run->output.fd,
        .trace = run->trace_fd,
    };
    if (child.argv != NULL && child.envp != NULL)
        /* Not the table of the trace: handlers use it, and the forked child. */
        result = child_start(run->system, &child, why);
    else
        result = shmsum_failure_set(why, "malloc", "arguments of the child", ENOMEM);
    free(child.envp);
    free(child.argv);
    return result;
}
