/* random_read.c - takes apart what a run of process.random wrote. See random_read.h. */
#define _GNU_SOURCE
#include "random_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A place in the bytes that are read. There is a NUL behind the last one. */
struct cursor {
    const char *at, *end;
};

static bool begins(const struct cursor *cursor, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(cursor->end - cursor->at) >= size && memcmp(cursor->at, text, size) == 0;
}

static bool skip(struct cursor *cursor, const char *text)
{
    bool there = begins(cursor, text);
    if (there)
        cursor->at += strlen(text);
    return there;
}

static bool skip_digits(struct cursor *cursor)
{
    const char *first = cursor->at;
    while (cursor->at < cursor->end && isdigit((unsigned char)*cursor->at))
        cursor->at++;
    return cursor->at > first;
}

/* Behind the next LF; at the end when there is none. */
static bool skip_line(struct cursor *cursor)
{
    const char *newline = memchr(cursor->at, '\n', (size_t)(cursor->end - cursor->at));
    cursor->at = newline == NULL ? cursor->end : newline + 1;
    return newline != NULL;
}

/* "1.2 kB" */
static bool skip_amount(struct cursor *cursor)
{
    if (!skip_digits(cursor))
        return false;
    if (skip(cursor, "."))
        skip_digits(cursor);
    if (!skip(cursor, " "))
        return false;
    if (cursor->at < cursor->end && *cursor->at != '\0' && strchr("kMGTPE", *cursor->at) != NULL)
        cursor->at++;
    return skip(cursor, "B");
}

/* A drawing of the progress, or its erasure. */
static bool skip_progress(struct cursor *cursor)
{
    if (!skip(cursor, "\r\033[K"))
        return false;
    struct cursor text = *cursor, share = *cursor;
    if (skip_digits(&share) && skip(&share, " % of "))
        text = share;
    if (skip_amount(&text) && skip(&text, ", ") && skip_amount(&text) && skip(&text, "/s")) {
        *cursor = text;
        if (skip(&text, ", ") && skip_digits(&text)) {
            while (skip(&text, ":"))
                skip_digits(&text);
            if (skip(&text, " left"))
                *cursor = text;
        }
    }
    return true;
}

/* The first line of a message about an error: "NAME:1:2: error: "; or ":1: warning: ". */
static bool begins_diagnostic(const struct plan *plan, struct cursor cursor, bool *error)
{
    struct cursor first = cursor;
    for (size_t i = 0; i < plan->source_count; i++) {
        cursor = first;
        if (!skip(&cursor, plan->sources[i].shown) || !skip(&cursor, ":") || !skip_digits(&cursor))
            continue;
        *error = !begins(&cursor, ": warning: ");
        if (!*error || (skip(&cursor, ":") && skip_digits(&cursor) && begins(&cursor, ": error: ")))
            return true;
    }
    return false;
}

/* "     0.555 ms  parent  " */
static bool begins_event(struct cursor cursor)
{
    while (skip(&cursor, " "))
        continue;
    return skip_digits(&cursor) && skip(&cursor, ".") && skip_digits(&cursor) &&
           (begins(&cursor, " ms  parent  ") || begins(&cursor, " ms  child   "));
}

static bool begins_figure(const struct cursor *cursor)
{
    static const char *const names[] = {
        "lines: ",        "sums: ",        "errors: ",         "numbers: ",
        "bytes: ",        "seconds: ",     "MB/s: ",           "slots handed over: ",
        "parent slept: ", "child slept: ", "parent sandbox: ", "child sandbox: ",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (begins(cursor, names[i]))
            return true;
    return false;
}

static bool begins_summary(struct cursor cursor)
{
    return skip_digits(&cursor) && begins(&cursor, " line");
}

/* A message that the run can have written, with all its lines. */
static bool skip_message(const struct plan *plan, struct cursor *cursor)
{
    bool error;
    if (begins_diagnostic(plan, *cursor, &error)) {
        skip_line(cursor);
        for (int i = 0; error && i < 2 && begins(cursor, "    "); i++)
            skip_line(cursor);
        return true;
    }
    bool talks = plan->dialogue || plan->standard == STANDARD_TERMINAL;
    if (begins(cursor, "shmsum: ") || (plan->explain && begins_event(*cursor)) ||
        (plan->stats && begins_figure(cursor)) || (talks && begins_summary(*cursor)) ||
        (plan->dialogue && begins(cursor, "= "))) {
        skip_line(cursor);
        return true;
    }
    return false;
}

/* "\033[1m": what --color=always puts into messages. */
static void add_without_color(struct text *text, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\033') {
            text_add(text, bytes + i, 1);
            continue;
        }
        while (i < size && bytes[i] != 'm')
            i++;
    }
}

void foreign_line(struct text *text, size_t number)
{
    text_format(text, "#foreign %zu%s", number, number % 2 == 0 ? ";" : "\n");
}

void companion_input(struct text *text, size_t line)
{
    text_format(text, "%zu .5\n", line);
}

void companion_result(struct text *text, size_t line)
{
    text_format(text, "{\"file\":\"companion.txt\",\"line\":%zu,\"sum\":\"%zu.5\"}\n", line, line);
}

static bool skip_companion(struct cursor *cursor, size_t line)
{
    if (!begins(cursor, "{\"file\":\"companion.txt\""))
        return false;
    struct text result = {0};
    companion_result(&result, line);
    bool there = skip(cursor, result.bytes);
    text_clear(&result);
    return there;
}

static bool skip_foreign(struct cursor *cursor, size_t number)
{
    struct text line = {0};
    foreign_line(&line, number);
    bool there = skip(cursor, line.bytes);
    text_clear(&line);
    return there;
}

/* What is not a result: true when something was read. */
static bool read_other(const struct plan *plan, struct cursor *cursor, int what,
                       struct reading *reading)
{
    if ((what & READ_FOREIGN) && skip_foreign(cursor, reading->foreign)) {
        reading->foreign++;
        return true;
    }
    if ((what & READ_FOREIGN) && reading->companion < plan->companion &&
        skip_companion(cursor, reading->companion + 1)) {
        reading->companion++;
        return true;
    }
    if (!(what & READ_MESSAGES))
        return false;
    if (plan->dialogue && (skip(cursor, "> ") || skip(cursor, "\n")))
        return true;
    if ((plan->progress || plan->messages == SAY_TO_TERMINAL) && skip_progress(cursor))
        return true;
    const char *rest = cursor->at;
    size_t size = (size_t)(cursor->end - rest);
    struct text plain = {0};
    if (plan->color && size > 0 && *rest == '\033') { /* colors end with the line of the caret */
        const char *end = rest;
        for (int i = 0; i < 3 && end != NULL; i++) {
            const char *newline = memchr(end, '\n', (size_t)(cursor->end - end));
            end = newline == NULL ? NULL : newline + 1;
        }
        text_add(&plain, "", 0);
        add_without_color(&plain, rest, end == NULL ? size : (size_t)(end - rest));
        struct cursor without = {plain.bytes, plain.bytes + plain.size};
        bool there = plain.bytes != NULL && skip_message(plan, &without);
        if (there) {
            size_t kept = (size_t)(without.at - plain.bytes);
            text_add(&reading->messages, plain.bytes, kept);
            for (size_t i = 0; i < kept; i++)
                if (plain.bytes[i] == '\n')
                    skip_line(cursor);
            if (kept > 0 && plain.bytes[kept - 1] != '\n')
                cursor->at = cursor->end;
        }
        text_clear(&plain);
        return there;
    }
    if (!skip_message(plan, cursor))
        return false;
    text_add(&reading->messages, rest, (size_t)(cursor->at - rest));
    return true;
}

/* A beginning of the next result, at whose end something else begins: true when there is one. */
static bool read_torn(const struct plan *plan, struct cursor *cursor, int what,
                      struct reading *reading)
{
    size_t size;
    const char *next = plan_result(plan, reading->results, &size);
    size_t left = (size_t)(cursor->end - cursor->at), common = 0;
    while (common < size - 1 && common < left && cursor->at[common] == next[common])
        common++;
    for (; common > 0; common--) {
        struct cursor behind = {cursor->at + common, cursor->end};
        if (behind.at == behind.end || read_other(plan, &behind, what, reading)) {
            *cursor = behind;
            return true;
        }
    }
    return false;
}

struct reading read_mixed(const struct plan *plan, const char *bytes, size_t size, int what)
{
    struct reading reading = {0};
    struct cursor cursor = {bytes, bytes + size};
    while (cursor.at < cursor.end) {
        if (read_other(plan, &cursor, what, &reading))
            continue;
        if ((what & READ_RESULTS) && reading.results < plan->result_count && !reading.torn) {
            size_t result_size;
            const char *result = plan_result(plan, reading.results, &result_size);
            if ((size_t)(cursor.end - cursor.at) >= result_size &&
                memcmp(cursor.at, result, result_size) == 0) {
                cursor.at += result_size;
                reading.results++;
                continue;
            }
            if ((what & READ_TORN) && read_torn(plan, &cursor, what, &reading)) {
                reading.torn = true;
                continue;
            }
        }
        reading.wrong = cursor.at;
        reading.wrong_at = (size_t)(cursor.at - bytes);
        break;
    }
    return reading;
}

/* ---- messages ---- */

static unsigned long long figure(const char *line, const char *name)
{
    return strtoull(line + strlen(name), NULL, 10);
}

static void check_figure(const struct cursor *line, const char *name, size_t expected,
                         struct text *wrong)
{
    if (begins(line, name) && figure(line->at, name) != expected)
        text_format(wrong, "--stats says %s%llu instead of %zu\n", name, figure(line->at, name),
                    expected);
}

static void check_figures(const struct plan *plan, const struct cursor *line, struct text *wrong)
{
    check_figure(line, "lines: ", plan->sums + plan->header_count + plan->skipped, wrong);
    check_figure(line, "sums: ", plan->sums, wrong);
    check_figure(line, "errors: ", plan->header_count, wrong);
    check_figure(line, "numbers: ", plan->numbers, wrong);
}

static void check_summary(const struct plan *plan, const struct cursor *line, struct text *wrong)
{
    struct text expected = {0};
    size_t lines = plan->sums + plan->header_count + plan->skipped;
    text_format(&expected, "%zu %s, %zu %s, %zu %s%s%s\n", lines, lines == 1 ? "line" : "lines",
                plan->sums, plan->sums == 1 ? "sum" : "sums", plan->header_count,
                plan->header_count == 1 ? "error" : "errors",
                plan->output == TO_NAMED ? "; results in " : "",
                plan->output == TO_NAMED ? plan->output_name : "");
    if (!begins(line, expected.bytes))
        text_format(wrong, "the summary is not \"%s\"\n", expected.bytes);
    text_clear(&expected);
}

/* How many of the ends[0..count) are about results before `results`. */
static size_t about(const size_t *about_results, size_t count, size_t results)
{
    size_t before = 0;
    while (before < count && about_results[before] < results)
        before++;
    return before;
}

static void check_expected(const char *kind, const struct text *found, const struct text *expected,
                           const size_t *ends, size_t count, size_t most, bool exact,
                           struct text *wrong)
{
    size_t shown = count < most ? count : most;
    size_t size = shown == 0 ? 0 : ends[shown - 1];
    if (found->size > size ||
        (found->size > 0 && memcmp(found->bytes, expected->bytes, found->size) != 0))
        text_format(wrong, "%s: \"%.300s\" instead of %zu: \"%.*s\"\n", kind, found->bytes, shown,
                    (int)(size < 300 ? size : 300), size == 0 ? "" : expected->bytes);
    else if (exact && found->size != size)
        text_format(wrong, "%s: %zu bytes instead of %zu (%zu of them)\n", kind, found->size, size,
                    shown);
}

void check_messages(const struct plan *plan, const struct text *messages, size_t results,
                    bool exact, bool complete, struct text *wrong)
{
    struct text headers = {0}, answers = {0};
    struct cursor cursor = {messages->bytes, messages->bytes + messages->size};
    bool warned = false, counted = false, summed_up = false;
    struct text more = {0}, warning = {0};
    size_t hidden =
        plan->header_count > plan->max_errors ? plan->header_count - plan->max_errors : 0;
    text_format(&more, "shmsum: %zu more %s not shown (--max-errors=%llu)\n", hidden,
                hidden == 1 ? "error" : "errors", (unsigned long long)plan->max_errors);
    text_format(&warning,
                "%s:%zu: warning: a blank line ends the input; what follows was not read"
                " (--blank-lines=skip reads on)\n",
                plan->sources[plan->blank_source].shown, plan->blank_line);
    while (cursor.at < cursor.end) {
        struct cursor line = cursor;
        bool error = false;
        skip_line(&cursor);
        if (begins_diagnostic(plan, line, &error) && error) {
            text_add(&headers, line.at, (size_t)(cursor.at - line.at));
        } else if (plan->dialogue && begins(&line, "= ")) {
            text_add(&answers, line.at, (size_t)(cursor.at - line.at));
        } else if (complete && plan->stats && begins_figure(&line)) {
            check_figures(plan, &line, wrong);
        } else if (complete && begins_summary(line)) {
            check_summary(plan, &line, wrong);
            summed_up = true;
        } else if (begins(&line, warning.bytes)) {
            warned = true;
        } else if (begins(&line, more.bytes)) {
            counted = true;
        } else if (complete && begins(&line, "shmsum: ")) {
            text_format(wrong, "a complaint: %.200s\n", line.at);
        }
    }
    size_t header_count = about(plan->header_results, plan->header_count, results);
    size_t answer_count = about(plan->answer_results, plan->answer_count, results);
    bool answered = plan->dialogue && plan->output != TO_TERMINAL;
    /* The child says it before the result is written. */
    check_expected("messages about errors", &headers, &plan->headers, plan->header_ends,
                   exact ? header_count : plan->header_count, plan->max_errors, exact, wrong);
    check_expected("answers", &answers, &plan->answers, plan->answer_ends,
                   !answered ? 0 : (exact ? answer_count : plan->answer_count), SIZE_MAX, exact,
                   wrong);
    if (complete && warned != plan->unread)
        text_format(wrong, warned ? "a warning of unread input\n" : "no warning of unread input\n");
    if (complete && counted != (hidden > 0))
        text_format(wrong,
                    counted ? "says \"not shown\"\n" : "does not say how many are not shown\n");
    bool sums_up = plan->dialogue || (plan->standard == STANDARD_TERMINAL && !plan->prompt_never);
    if (complete && summed_up != sums_up)
        text_format(wrong, summed_up ? "a summary\n" : "no summary\n");
    text_clear(&headers);
    text_clear(&answers);
    text_clear(&more);
    text_clear(&warning);
}

bool says(const struct text *messages, const char *text)
{
    for (const char *line = messages->bytes; line != NULL && *line != '\0';) {
        const char *end = strchrnul(line, '\n');
        const char *found = strstr(line, text);
        if (strncmp(line, "shmsum: ", 8) == 0 && found != NULL && found < end)
            return true;
        line = *end == '\0' ? end : end + 1;
    }
    return false;
}
