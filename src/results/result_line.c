/* result_line.c - what a line of the results looks like. See result_line.h. Called by the consumer.
 */
#include "result_line.h"

#include <assert.h>
#include <string.h>

#include "messages/escape.h"

static size_t put(char *to, const char *text)
{
    size_t size = strlen(text);
    memcpy(to, text, size);
    return size;
}

static size_t put_count(char *to, uint64_t count)
{
    char digits[20];
    size_t size = 0;
    do
        digits[sizeof digits - ++size] = (char)('0' + count % 10);
    while ((count /= 10) > 0);
    memcpy(to, digits + sizeof digits - size, size);
    return size;
}

/* The inside of a JSON string, of text without control characters. At most 2 * size bytes. */
static size_t put_string(char *to, const char *text, size_t size)
{
    char *at = to;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            *at++ = '\\';
        *at++ = text[i];
    }
    return (size_t)(at - to);
}

void result_line_begin(struct result_line *result, enum result_format format, const char *file)
{
    result->format = format;
    result->max = RESULT_LINE_TEXT_MAX;
    result->head_size = 0;
    if (format == RESULT_TEXT)
        return;
    result->max = RESULT_LINE_JSON_MAX;
    char name[4 * DIAGNOSTIC_NAME_MAX];
    size_t size = escape_name(name, file, strnlen(file, DIAGNOSTIC_NAME_MAX));
    char *at = result->head;
    at += put(at, "{\"file\":\"");
    at += put_string(at, name, size);
    at += put(at, "\",\"line\":");
    result->head_size = (size_t)(at - result->head);
    assert(result->head_size <= RESULT_LINE_HEAD_MAX);
}

static size_t put_head(const struct result_line *result, char *to, uint64_t line)
{
    memcpy(to, result->head, result->head_size);
    return result->head_size + put_count(to + result->head_size, line);
}

size_t result_line_sum(const struct result_line *result, char *to, uint64_t line,
                       struct shmsum_decimal_sum *sum)
{
    if (result->format == RESULT_TEXT)
        return shmsum_decimal_sum_format(sum, to);
    char *at = to;
    at += put_head(result, at, line);
    at += put(at, ",\"sum\":\"");
    at += shmsum_decimal_sum_format(sum, at);
    at += put(at, "\"}");
    assert((size_t)(at - to) <= result->max);
    return (size_t)(at - to);
}

size_t result_line_error(const struct result_line *result, char *to, uint64_t line,
                         const struct shmsum_line_error *error)
{
    if (result->format == RESULT_TEXT)
        return diagnostic_result(to, error);
    char reason[DIAGNOSTIC_RESULT_MAX];
    size_t size = diagnostic_reason(reason, error);
    char *at = to;
    at += put_head(result, at, line);
    at += put(at, ",\"column\":");
    at += put_count(at, error->column);
    at += put(at, ",\"error\":\"");
    at += put_string(at, reason, size);
    at += put(at, "\"}");
    assert((size_t)(at - to) <= result->max);
    return (size_t)(at - to);
}
