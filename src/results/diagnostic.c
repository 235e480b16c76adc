/* diagnostic.c - the text of an error in a line. See diagnostic.h. Called by the consumer. */
#include "diagnostic.h"

#include <assert.h>
#include <string.h>

#include "messages/escape.h"

void excerpt_clear(struct excerpt *excerpt)
{
    excerpt->anchor = 0;
    excerpt->size = 0;
    excerpt->tail_size = 0;
}

/* Appends to the excerpt the bytes that come next in it. bytes[0] is in `column`. */
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

void diagnostic_reason(struct text_buffer *text, const struct shmsum_line_error *error)
{
    if (error->kind == SHMSUM_MAYBE_CUT) {
        text_add(
            text,
            "the terminal may have dropped what is typed from here on; put the line into a file");
        return;
    }
    if (error->kind == SHMSUM_OUT_OF_RANGE)
        text_add(text, "number out of range: ");
    text_add(text, "\"");
    size_t head =
        error->token_bytes < SHMSUM_TOKEN_HEAD ? (size_t)error->token_bytes : SHMSUM_TOKEN_HEAD;
    escape_bytes(text, error->token, head);
    text_add(text, error->token_bytes > SHMSUM_TOKEN_HEAD ? "...\"" : "\"");
    switch (error->kind) {
    case SHMSUM_NOT_A_NUMBER:
        text_add(text, " is not a number");
        break;
    case SHMSUM_NOT_A_NUMBER_COMMA:
        text_add(text, " is not a number: use \".\" as the decimal point");
        break;
    case SHMSUM_NOT_A_NUMBER_POINT:
        text_add(text, " is not a number: use \",\" as the decimal point");
        break;
    case SHMSUM_OUT_OF_RANGE:
    case SHMSUM_MAYBE_CUT:
        break;
    }
}

size_t diagnostic_result(char to[DIAGNOSTIC_RESULT_MAX], const struct shmsum_line_error *error)
{
    struct text_buffer text = text_in(to, DIAGNOSTIC_RESULT_MAX);
    text_add(&text, "error: column ");
    text_add_number(&text, error->column);
    text_add(&text, ": ");
    diagnostic_reason(&text, error);
    assert(!text.cut);
    return text.size;
}

/* ECMA-48, Select Graphic Rendition. */
#define PLACE "\033[1m"
#define ERROR "\033[1;31m"
#define WARNING "\033[1;35m"
#define CARET "\033[1;32m"
#define PLAIN "\033[0m"

static void add_rendition(struct text_buffer *text, const char *rendition, bool color)
{
    if (color)
        text_add(text, rendition);
}

/* "file:line:" */
static void add_place(struct text_buffer *text, const char *file, uint64_t line,
                      struct diagnostic_look look)
{
    char name_bytes[DIAGNOSTIC_NAME_MAX + 1];
    struct text_buffer name = text_in(name_bytes, sizeof name_bytes);
    text_add_shortened(&name, file, strlen(file), DIAGNOSTIC_NAME_MAX);
    add_rendition(text, PLACE, look.color);
    escape_name(text, name.bytes, name.size, look.utf8);
    text_add(text, ":");
    text_add_number(text, line);
    text_add(text, ":");
}

void diagnostic_warning(struct text_buffer *text, const char *file, uint64_t line,
                        const char *warning, struct diagnostic_look look)
{
    add_place(text, file, line, look);
    text_add(text, " ");
    add_rendition(text, WARNING, look.color);
    text_add(text, "warning:");
    add_rendition(text, PLAIN, look.color);
    text_add(text, " ");
    text_add(text, warning);
    text_add(text, "\n");
}

/* Widths in the line that is shown, in characters. */
struct shown {
    size_t before; /* before the token */
    size_t under;  /* of the token */
};

/* Adds the line, or the part of it that the excerpt has. */
static struct shown add_line(struct text_buffer *text, const struct diagnostic *diagnostic)
{
    const struct shmsum_line_error *error = diagnostic->error;
    const struct excerpt *excerpt = diagnostic->excerpt;
    struct shown shown = {0, 0};
    if (excerpt->first > 1) {
        text_add(text, "...");
        shown.before = 3;
    }
    uint64_t column = excerpt->first;
    for (size_t i = 0; i < excerpt->size && column <= diagnostic->line_bytes; i++, column++) {
        uint8_t c = excerpt->bytes[i];
        if (c == '\t' || c == '\v' || c == '\f')
            c = ' ';
        size_t begin = text->size;
        escape_bytes(text, &c, 1);
        size_t width = text->size - begin;
        if (column < error->column)
            shown.before += width;
        else if (column - error->column < error->token_bytes)
            shown.under += width;
    }
    if (column <= diagnostic->line_bytes)
        text_add(text, "...");
    return shown;
}

static void add_caret(struct text_buffer *text, struct shown shown, bool color)
{
    text_add_repeated(text, ' ', shown.before);
    add_rendition(text, CARET, color);
    if (shown.under > 0) {
        text_add(text, "^");
        text_add_repeated(text, '~', shown.under - 1);
    }
    add_rendition(text, PLAIN, color);
}

void diagnostic_message(struct text_buffer *text, const struct diagnostic *diagnostic)
{
    bool color = diagnostic->look.color;
    add_place(text, diagnostic->file, diagnostic->line, diagnostic->look);
    text_add_number(text, diagnostic->error->column);
    text_add(text, ": ");
    add_rendition(text, ERROR, color);
    text_add(text, "error:");
    add_rendition(text, PLAIN, color);
    text_add(text, " ");
    diagnostic_reason(text, diagnostic->error);
    text_add(text, "\n    ");
    struct shown shown = add_line(text, diagnostic);
    if (diagnostic->error->kind == SHMSUM_MAYBE_CUT)
        shown.under = 1; /* behind the end of the line */
    text_add(text, "\n    ");
    add_caret(text, shown, color);
    text_add(text, "\n");
}
