/*
 * diagnostic.h - how an error in a line is told: in the results file, and on standard error with
 * the line and a caret under it, as compilers do.
 *
 * Pure: bytes in, text out. Nothing that stood in the input reaches the text unescaped, so no input
 * can drive the reader's terminal.
 */
#ifndef SHMSUM_SRC_DIAGNOSTIC_H
#define SHMSUM_SRC_DIAGNOSTIC_H

#include <shmsum/line_parser.h>

enum {
    EXCERPT_BEFORE = 40, /* bytes shown before the token */
    EXCERPT_BYTES = 76,  /* bytes shown in all */

    DIAGNOSTIC_RESULT_MAX = 256, /* longest text of diagnostic_result */
    DIAGNOSTIC_NAME_MAX = 1024,  /* a longer file name is cut */
    DIAGNOSTIC_TEXT_MAX = 4 * DIAGNOSTIC_NAME_MAX + DIAGNOSTIC_RESULT_MAX + 8 * EXCERPT_BYTES + 192,
};

/*
 * What is kept of the current line, over all its blocks, to show it in a message: the bytes around
 * one column, the anchor. Which bytes those are does not depend on how the line was cut into
 * blocks.
 */
struct excerpt {
    uint64_t anchor; /* column of the token that may be shown; 0: none yet */
    uint64_t first;  /* column of bytes[0] */
    size_t size;
    uint8_t bytes[EXCERPT_BYTES];
    size_t tail_size; /* the last bytes of the line so far */
    uint8_t tail[EXCERPT_BEFORE + 1];
};

/* A new line begins. */
void excerpt_clear(struct excerpt *excerpt);

/* The line goes on with bytes[0..size), the first of which is in `column`. anchor is the parser's
 * (shmsum_line_parser_anchor) after these bytes. */
void excerpt_keep(struct excerpt *excerpt, const uint8_t *bytes, size_t size, uint64_t column,
                  uint64_t anchor);

/* error: column 3: "two" is not a number. At most DIAGNOSTIC_RESULT_MAX bytes, no NUL, no '\n'. */
size_t diagnostic_result(char *to, const struct shmsum_line_error *error);

/* The reason alone: "two" is not a number. As above. */
size_t diagnostic_reason(char *to, const struct shmsum_line_error *error);

/* The message for standard error: three lines, '\n' and all, at most DIAGNOSTIC_TEXT_MAX bytes, no
 * NUL. line_bytes: the whole line's, without its end. color: with the sequences of ECMA-48 that
 * compilers use: the place bold, "error:" red, the caret green. */
size_t diagnostic_message(char *to, const char *file, uint64_t line, uint64_t line_bytes,
                          const struct shmsum_line_error *error, const struct excerpt *excerpt,
                          bool color);

/* file:line: warning: text '\n', at most DIAGNOSTIC_TEXT_MAX bytes, no NUL. text: at most 256
 * bytes. color: the place bold, "warning:" magenta. */
size_t diagnostic_warning(char *to, const char *file, uint64_t line, const char *text, bool color);

#endif
