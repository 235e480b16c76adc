/*
 * diagnostic.h - the text of an error in a line: for the results file, and for standard error with
 * the line and a caret under it, as compilers print it.
 *
 * Pure: bytes in, text out. All bytes of the input are escaped, so no input can control the
 * reader's terminal.
 */
#ifndef SHMSUM_SRC_RESULTS_DIAGNOSTIC_H
#define SHMSUM_SRC_RESULTS_DIAGNOSTIC_H

#include <shmsum/line_parser.h>

struct text_buffer; /* messages/text_buffer.h */

enum {
    EXCERPT_BEFORE = 40, /* bytes shown before the token */
    EXCERPT_BYTES = 76,  /* bytes shown in all */

    DIAGNOSTIC_RESULT_MAX = 256, /* room for the text of diagnostic_result, with its NUL */
    DIAGNOSTIC_NAME_MAX = 1024,  /* of a longer file name the middle is left out */
    DIAGNOSTIC_TEXT_MAX = 4 * DIAGNOSTIC_NAME_MAX + DIAGNOSTIC_RESULT_MAX + 8 * EXCERPT_BYTES + 192,
};

/*
 * The part of the current line that a message would show, collected over all its blocks: the bytes
 * around one column, the anchor. How the line was cut into blocks makes no difference.
 */
struct excerpt {
    uint64_t anchor; /* column of the token that may be shown; 0: none yet */
    uint64_t first;  /* column of bytes[0] */
    size_t size;
    uint8_t bytes[EXCERPT_BYTES];
    size_t tail_size; /* the last bytes of the line so far */
    uint8_t tail[EXCERPT_BEFORE + 1];
};

/* Begins a new line. */
void excerpt_clear(struct excerpt *excerpt);

/* Continues the line with bytes[0..size), the first of which is in `column`. anchor: what
 * shmsum_line_parser_anchor returns after these bytes. */
void excerpt_keep(struct excerpt *excerpt, const uint8_t *bytes, size_t size, uint64_t column,
                  uint64_t anchor);

/* Writes the line of the results: error: column 3: "two" is not a number. Without '\n'; with a NUL,
 * which its size does not count. Returns the size. */
size_t diagnostic_result(char to[DIAGNOSTIC_RESULT_MAX], const struct shmsum_line_error *error);

/* Adds the reason alone: "two" is not a number. */
void diagnostic_reason(struct text_buffer *text, const struct shmsum_line_error *error);

/* What the reader's terminal can show. */
struct diagnostic_look {
    bool color; /* the sequences of ECMA-48: the place bold, "error:" red, "warning:" magenta, the
                   caret green */
    bool utf8;  /* UTF-8, in the file's name */
};

/* An error in a line, for standard error. */
struct diagnostic {
    const char *file;
    uint64_t line;
    uint64_t line_bytes; /* of the whole line, without its end */
    const struct shmsum_line_error *error;
    const struct excerpt *excerpt;
    struct diagnostic_look look;
};

/* Adds the message: three lines. A text of DIAGNOSTIC_TEXT_MAX bytes has room for it. */
void diagnostic_message(struct text_buffer *text, const struct diagnostic *diagnostic);

/* Adds "file:line: warning: ", the warning (at most 256 bytes) and '\n'; the room is the same. */
void diagnostic_warning(struct text_buffer *text, const char *file, uint64_t line,
                        const char *warning, struct diagnostic_look look);

#endif
