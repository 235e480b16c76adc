/* point.c - judges a run of the two programs under one fault. See point.h. */
#define _GNU_SOURCE
#include "point.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool point_all(void)
{
    const char *faults = getenv("SHMSUM_FAULTS");
    return faults != NULL && strcmp(faults, "all") == 0;
}

unsigned long point_step(unsigned long every)
{
    return point_all() ? 1 : every;
}

/* The results of the lines 1 .. lines, for the caller to free. */
static char *results_of(unsigned long lines)
{
    char *text = malloc(lines * 21 + 1);
    check(text != NULL, "malloc");
    size_t used = 0;
    text[0] = '\0';
    for (unsigned long i = 1; i <= lines; i++)
        used += (size_t)sprintf(text + used, "%lu\n", i + 1);
    return text;
}

void point_set_up(const struct point *point)
{
    unlink(point->results);
    if (point->earlier > 0) {
        char *text = results_of(point->earlier);
        write_file(point->results, text);
        free(text);
    } else if (point->old != NULL) {
        write_file(point->results, point->old);
    }
}

/* ---- broken promises ---- */

struct judgement {
    const char *place;
    bool bad;
};

__attribute__((format(printf, 3, 4))) static void blame(struct judgement *judgement,
                                                        uint64_t *counter, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("BAD %s: ", judgement->place);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    (*counter)++;
    judgement->bad = true;
}

/* ---- the results ---- */

struct held {
    bool untouched; /* the file is as it was before the run */
    bool whole;     /* the file holds all results */
    unsigned long lines;
};

static char *read_if_there(const char *path, size_t *size)
{
    *size = 0;
    return access(path, F_OK) == 0 ? read_file(path, size) : NULL;
}

static struct held judge_results(struct point *point, struct judgement *judgement)
{
    struct held held = {0};
    size_t size;
    char *text = read_if_there(point->results, &size);
    char *full = results_of(point->lines);
    char *earlier = results_of(point->earlier);
    const char *before = point->earlier > 0 ? earlier : point->old;
    if (before == NULL)
        held.untouched = size == 0; /* opening may have made an empty file */
    else
        held.untouched = text != NULL && strcmp(text, before) == 0;
    bool replaced = !held.untouched || point->old == NULL;
    if (text != NULL && replaced) {
        const char *end = memrchr(text, '\n', size);
        size_t whole = end == NULL ? 0 : (size_t)(end + 1 - text);
        bool prefix = size <= strlen(full) && memcmp(text, full, size) == 0;
        if (!prefix || whole != size || size < strlen(earlier))
            blame(judgement, &point->row.torn, "%s: %zu bytes, of which %zu in whole lines%s",
                  point->results, size, whole, prefix ? "" : "; not the right ones");
        for (size_t i = 0; i < whole; i++)
            held.lines += text[i] == '\n';
        held.whole = strcmp(text, full) == 0;
    }
    free(earlier);
    free(full);
    free(text);
    return held;
}

/* ---- the messages ---- */

struct report {
    bool reason;   /* one of the point's reasons is reported */
    bool ours;     /* a line comes from the programs */
    bool counted;  /* a line says how many results there are, */
    bool at_least; /* or more */
    unsigned long count;
};

static bool ends_with(const char *line, const char *end)
{
    size_t length = strlen(line), end_length = strlen(end);
    return length >= end_length && strcmp(line + length - end_length, end) == 0;
}

static struct report judge_messages(const struct point *point, char *messages)
{
    struct report report = {0};
    char *rest = NULL;
    for (char *line = strtok_r(messages, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        report.ours = report.ours || strncmp(line, "shmsum: ", 8) == 0;
        for (const struct point_reason *reason = point->reasons; reason->begins != NULL; reason++)
            if (strncmp(line, reason->begins, strlen(reason->begins)) == 0 &&
                ends_with(line, reason->ends))
                report.reason = true;
        unsigned long count;
        enum said said = said_results(line, &count);
        if (said == SAID_AT_LEAST || said == SAID_EXACTLY) {
            report.counted = true;
            report.at_least = said == SAID_AT_LEAST;
            report.count = count;
        }
    }
    return report;
}

/* ---- the end ---- */

static enum point_end judge_failure(struct point *point, struct judgement *judgement,
                                    const struct held *held, const char *messages)
{
    char *copy = strdup(messages);
    check(copy != NULL, "malloc");
    struct report report = judge_messages(point, copy);
    free(copy);
    uint64_t *unreported = &point->row.unreported;
    if (!report.reason)
        blame(judgement, unreported, "the failure is not reported: \"%s\"", messages);
    unsigned long lines = held->lines - point->earlier;
    if (report.counted && (report.at_least ? report.count > lines : report.count != lines))
        blame(judgement, unreported, "%s holds %lu new results, but the message says %lu",
              point->results, held->lines - point->earlier, report.count);
    if (!report.counted && !held->untouched)
        blame(judgement, unreported, "the run had not begun, but %s has changed", point->results);
    if (report.counted && held->whole)
        blame(judgement, unreported, "a failure is reported, but all results are there: \"%s\"",
              messages);
    return report.counted ? POINT_CUT : POINT_REFUSED;
}

/* A program died, or did not start, before it could report anything. */
static enum point_end judge_death(struct point *point, struct judgement *judgement, int status,
                                  const struct held *held, const char *messages)
{
    bool killed = WIFSIGNALED(status);
    int number = killed ? WTERMSIG(status) : WEXITSTATUS(status);
    bool loader = number == 127 && strstr(messages, "shmsum: error while loading shared") != NULL;
    bool known = killed ? number == SIGKILL || number == SIGSEGV : number == 127 || number == 98;
    bool spoken = strncmp(messages, "shmsum: ", 8) == 0 && !loader;
    if (!point->starved || !known || spoken)
        blame(judgement, &point->row.unreported, "ended with %s %d: \"%s\"",
              killed ? "signal" : "status", number, messages);
    else if (!held->untouched && !point->mortal)
        blame(judgement, &point->row.torn, "ended with %s %d, with results in %s",
              killed ? "signal" : "status", number, point->results);
    return POINT_DIED;
}

static void judge_leaks(struct point *point, struct judgement *judgement, pid_t parent, bool died)
{
    static pid_t suspect; /* died and left its name, which the next start must remove */
    int count;
    pid_t left = harness_orphan_left(&count, NULL);
    if (left > 0) {
        blame(judgement, &point->row.leaks, "process %d is left behind", (int)left);
        kill(left, SIGKILL);
        waitpid(left, NULL, 0);
    }
    if (suspect != 0 && !died) {
        if (has_name(suspect))
            blame(judgement, &point->row.leaks,
                  "the next start did not remove the name of a dead process");
        suspect = 0;
    }
    if (has_name(parent)) {
        if (died)
            suspect = parent;
        else
            blame(judgement, &point->row.leaks, "a name is left behind");
    }
}

enum point_end point_end(struct point *point, struct session *session, const char *place)
{
    struct judgement judgement = {.place = place};
    struct tally_row *row = &point->row;
    row->points++;
    int status;
    if (!session_parent_ends(session, &status)) {
        row->hangs++;
        row->fired++;
        tally_print(row);
        test_fail(__FILE__, __LINE__, "%s: the run hangs", place);
    }
    bool died = WIFSIGNALED(status);
    judge_leaks(point, &judgement, session->parent, died);
    struct held held = judge_results(point, &judgement);
    char *messages = read_file(session->messages, NULL);
    enum point_end end = POINT_WORKED;
    if (!died && WEXITSTATUS(status) == 0) {
        if (!held.whole)
            blame(&judgement, &row->false_successes, "status 0, but only %lu of %lu results",
                  held.lines, point->lines);
    } else {
        row->fired++;
        if (!died && WEXITSTATUS(status) == 3)
            end = judge_failure(point, &judgement, &held, messages);
        else
            end = judge_death(point, &judgement, status, &held, messages);
        row->survived += !judgement.bad;
    }
    free(messages);
    unlink(session->messages);
    unlink("output.txt");
    session_clean_up(session);
    return judgement.bad ? POINT_BAD : end;
}

void point_finish(const struct point *point)
{
    check(tally_print(&point->row), "some runs did not end as promised: see above");
}
