/* result_line.c - formats a line of the results. See result_line.h. Called by the consumer. */
#include "result_line.h"

#include <assert.h>
#include <string.h>

#include "messages/escape.h"
#include "messages/text_buffer.h"

/* Adds "name":"bytes"; and "name_hex":"all of them" too, where a string of JSON cannot have them.
 */
static void add_exactly(struct text_buffer *text, const char *name, const void *bytes, size_t size)
{
    text_add(text, "\"");
    text_add(text, name);
    text_add(text, "\":\"");
    bool exact = escape_json(text, bytes, size);
    text_add(text, "\"");
    if (exact)
        return;
    text_add(text, ",\"");
    text_add(text, name);
    text_add(text, "_hex\":\"");
    escape_hex(text, bytes, size);
    text_add(text, "\"");
}

void result_line_begin(struct result_line *result, enum result_format format, const char *file)
{
    result->format = format;
    result->max = RESULT_LINE_TEXT_MAX;
    result->head_size = 0;
    if (format == RESULT_TEXT)
        return;
    struct text_buffer head = text_in(result->head, sizeof result->head);
    text_add(&head, "{");
    add_exactly(&head, "file", file, strlen(file));
    text_add(&head, ",\"line\":");
    assert(!head.cut);
    result->head_size = head.size;
    result->max = head.size + RESULT_LINE_TAIL_MAX;
}

/* The text around a sum in JSON, between the line's number and the end. */
#define SUM_BEGIN ",\"sum\":\""
#define SUM_END "\"}"
_Static_assert(TEXT_NUMBER_MAX + sizeof SUM_BEGIN + SHMSUM_DECIMAL_TEXT_MAX + sizeof SUM_END <=
                   RESULT_LINE_TAIL_MAX,
               "room for the longest sum");

/* Called for every good line: writes straight into the results, without a bounded buffer. */
size_t result_line_sum(const struct result_line *result, char *to, uint64_t line,
                       struct shmsum_decimal_sum *sum)
{
    if (result->format == RESULT_TEXT)
        return shmsum_decimal_sum_format(sum, to);
    char *at = to;
    memcpy(at, result->head, result->head_size);
    at += result->head_size;
    at += text_write_number(at, line);
    memcpy(at, SUM_BEGIN, strlen(SUM_BEGIN));
    at += strlen(SUM_BEGIN);
    at += shmsum_decimal_sum_format(sum, at);
    memcpy(at, SUM_END, strlen(SUM_END));
    at += strlen(SUM_END);
    return (size_t)(at - to);
}

size_t result_line_error(const struct result_line *result, char *to, uint64_t line,
                         const struct shmsum_line_error *error)
{
    if (result->format == RESULT_TEXT)
        return diagnostic_result(to, error);
    char reason_bytes[DIAGNOSTIC_RESULT_MAX];
    struct text_buffer reason = text_in(reason_bytes, sizeof reason_bytes);
    diagnostic_reason(&reason, error);
    struct text_buffer text = text_in(to, result->max);
    text_add_bytes(&text, result->head, result->head_size);
    text_add_number(&text, line);
    text_add(&text, ",\"column\":");
    text_add_number(&text, error->column);
    text_add(&text, ",");
    add_exactly(&text, "error", reason.bytes, reason.size);
    if (error->kind == SHMSUM_MAYBE_CUT) {
        text_add(&text, "}");
        return text.size;
    }
    text_add(&text, ",");
    bool cut = error->token_bytes > SHMSUM_TOKEN_HEAD;
    add_exactly(&text, "token", error->token, cut ? SHMSUM_TOKEN_HEAD : (size_t)error->token_bytes);
    if (cut) {
        text_add(&text, ",\"token_bytes\":");
        text_add_number(&text, error->token_bytes);
    }
    text_add(&text, "}");
    assert(!text.cut);
    return text.size;
}
