/* diagnostic.c - how an error in a line is told. See diagnostic.h. Called by the consumer. */
#include "diagnostic.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "messages/escape.h"

void excerpt_clear(struct excerpt *excerpt)
{
    excerpt->anchor = 0;
    excerpt->size = 0;
    excerpt->tail_size = 0;
}

/* Appends those of bytes[0..size) (the first is in `column`) that come next in the excerpt. */
static void append(struct excerpt *excerpt, const uint8_t *bytes, size_t size, uint64_t column)
{
    uint64_t next = excerpt->first + excerpt->size;
    if (next < column || next >= column + size)
        return;
    size_t skip = (size_t)(next - column);
    size_t room = EXCERPT_BYTES - excerpt->size;
    size_t take = size - skip < room ? size - skip : room;
    memcpy(excerpt->bytes + excerpt->size, bytes + skip, take);
    excerpt->size += take;
}

void excerpt_keep(struct excerpt *excerpt, const uint8_t *bytes, size_t size, uint64_t column,
                  uint64_t anchor)
{
    if (anchor != excerpt->anchor) {
        excerpt->anchor = anchor;
        excerpt->first = anchor > EXCERPT_BEFORE ? anchor - EXCERPT_BEFORE : 1;
        excerpt->size = 0;
        append(excerpt, excerpt->tail, excerpt->tail_size, column - excerpt->tail_size);
    }
    if (anchor != 0)
        append(excerpt, bytes, size, column);

    size_t capacity = sizeof excerpt->tail;
    if (size >= capacity) {
        memcpy(excerpt->tail, bytes + size - capacity, capacity);
        excerpt->tail_size = capacity;
        return;
    }
    size_t keep = capacity - size < excerpt->tail_size ? capacity - size : excerpt->tail_size;
    memmove(excerpt->tail, excerpt->tail + excerpt->tail_size - keep, keep);
    memcpy(excerpt->tail + keep, bytes, size);
    excerpt->tail_size = keep + size;
}

static size_t put(char *to, const char *text)
{
    size_t size = strlen(text);
    memcpy(to, text, size);
    return size;
}

size_t diagnostic_reason(char *to, const struct shmsum_line_error *error)
{
    char *at = to;
    if (error->kind == SHMSUM_OUT_OF_RANGE)
        at += put(at, "number out of range: ");
    *at++ = '"';
    size_t head =
        error->token_bytes < SHMSUM_TOKEN_HEAD ? (size_t)error->token_bytes : SHMSUM_TOKEN_HEAD;
    at += escape_bytes(at, error->token, head);
    if (error->token_bytes > SHMSUM_TOKEN_HEAD)
        at += put(at, "...");
    *at++ = '"';
    switch (error->kind) {
    case SHMSUM_NOT_A_NUMBER:
        at += put(at, " is not a number");
        break;
    case SHMSUM_NOT_A_NUMBER_COMMA:
        at += put(at, " is not a number: use \".\" as the decimal point");
        break;
    case SHMSUM_NOT_A_NUMBER_POINT:
        at += put(at, " is not a number: use \",\" as the decimal point");
        break;
    case SHMSUM_OUT_OF_RANGE:
        break;
    }
    return (size_t)(at - to);
}

size_t diagnostic_result(char *to, const struct shmsum_line_error *error)
{
    char *at = to;
    at += sprintf(at, "error: column %" PRIu64 ": ", error->column);
    at += diagnostic_reason(at, error);
    assert(at - to <= DIAGNOSTIC_RESULT_MAX);
    return (size_t)(at - to);
}

/* ECMA-48, Select Graphic Rendition. */
#define PLACE "\033[1m"
#define ERROR "\033[1;31m"
#define WARNING "\033[1;35m"
#define CARET "\033[1;32m"
#define PLAIN "\033[0m"

static size_t put_rendition(char *to, const char *rendition, bool color)
{
    return color ? put(to, rendition) : 0;
}

static size_t put_place(char *to, const char *file, uint64_t line, bool color)
{
    char *at = to;
    at += put_rendition(at, PLACE, color);
    at += escape_name(at, file, strnlen(file, DIAGNOSTIC_NAME_MAX));
    at += sprintf(at, ":%" PRIu64 ":", line);
    return (size_t)(at - to);
}

size_t diagnostic_warning(char *to, const char *file, uint64_t line, const char *text, bool color)
{
    char *at = to;
    at += put_place(at, file, line, color);
    *at++ = ' ';
    at += put_rendition(at, WARNING, color);
    at += put(at, "warning:");
    at += put_rendition(at, PLAIN, color);
    at += sprintf(at, " %s\n", text);
    assert(at - to <= DIAGNOSTIC_TEXT_MAX);
    return (size_t)(at - to);
}

size_t diagnostic_message(char *to, const char *file, uint64_t line, uint64_t line_bytes,
                          const struct shmsum_line_error *error, const struct excerpt *excerpt,
                          bool color)
{
    char *at = to;
    at += put_place(at, file, line, color);
    at += sprintf(at, "%" PRIu64 ": ", error->column);
    at += put_rendition(at, ERROR, color);
    at += put(at, "error:");
    at += put_rendition(at, PLAIN, color);
    *at++ = ' ';
    at += diagnostic_reason(at, error);

    /* The line, or what is shown of it. */
    at += put(at, "\n    ");
    size_t before = 0; /* characters shown before the token */
    size_t under = 0;  /* and of the token */
    if (excerpt->first > 1)
        before += put(at, "...");
    at += before;
    uint64_t column = excerpt->first;
    for (size_t i = 0; i < excerpt->size && column <= line_bytes; i++, column++) {
        uint8_t c = excerpt->bytes[i];
        if (c == '\t' || c == '\v' || c == '\f')
            c = ' ';
        size_t width = escape_bytes(at, &c, 1);
        at += width;
        if (column < error->column)
            before += width;
        else if (column - error->column < error->token_bytes)
            under += width;
    }
    if (column <= line_bytes)
        at += put(at, "...");

    /* The caret. */
    at += put(at, "\n    ");
    memset(at, ' ', before);
    at += before;
    at += put_rendition(at, CARET, color);
    for (size_t i = 0; i < under; i++)
        *at++ = i == 0 ? '^' : '~';
    at += put_rendition(at, PLAIN, color);
    *at++ = '\n';
    assert(at - to <= DIAGNOSTIC_TEXT_MAX);
    return (size_t)(at - to);
}
