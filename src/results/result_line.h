/*
 * result_line.h - formats a line of the results: as text, or as an object of JSON (RFC 8259).
 *
 *     6
 *     error: column 3: "two" is not a number
 *
 *     {"file":"numbers.txt","line":1,"sum":"6"}
 *     {"file":"-","line":2,"column":3,"error":"\"two\" is not a number","token":"two"}
 *
 * A sum is a string, because readers of JSON convert numbers to binary doubles. The strings are
 * exactly the file's name as it was given, "-" for standard input, and the token. A name or a token
 * that is not UTF-8 has U+FFFD for each stray byte, and then all its bytes are in "file_hex" or
 * "token_hex". A token longer than SHMSUM_TOKEN_HEAD bytes is cut there, and then "token_bytes" is
 * its whole length. Pure: no I/O.
 */
#ifndef SHMSUM_SRC_RESULTS_RESULT_LINE_H
#define SHMSUM_SRC_RESULTS_RESULT_LINE_H

#include <limits.h>

#include <shmsum/line_parser.h>

#include "diagnostic.h"

enum result_format { RESULT_TEXT, RESULT_JSON };

enum {
    RESULT_LINE_TEXT_MAX = SHMSUM_DECIMAL_TEXT_MAX, /* longest line of text, without its end */
    RESULT_LINE_NAME_MAX = PATH_MAX - 1,            /* bytes of a name; no longer one can be open */
    /* {"file":"…","file_hex":"…","line": with each byte of the name as \u0001 and 01 */
    RESULT_LINE_HEAD_MAX = 8 * RESULT_LINE_NAME_MAX + 40,
    /* then the line's number, and a sum; or a column, a reason and a token */
    RESULT_LINE_TAIL_MAX = 64 + SHMSUM_DECIMAL_TEXT_MAX,
    RESULT_LINE_JSON_MAX = RESULT_LINE_HEAD_MAX + RESULT_LINE_TAIL_MAX,
};
_Static_assert((int)RESULT_LINE_TEXT_MAX >= (int)DIAGNOSTIC_RESULT_MAX, "room for either");
_Static_assert((int)SHMSUM_DECIMAL_TEXT_MAX >=
                   2 * (int)DIAGNOSTIC_RESULT_MAX + 8 * (int)SHMSUM_TOKEN_HEAD + 128,
               "room for either");

struct result_line {
    enum result_format format;
    size_t max; /* bytes of the longest line of this file, without '\n' */
    size_t head_size;
    char head[RESULT_LINE_HEAD_MAX];
};

/* Begins the lines of `file`, which has at most RESULT_LINE_NAME_MAX bytes and is copied. */
void result_line_begin(struct result_line *result, enum result_format format, const char *file);

/* Write a line's result to to[0..max), without '\n'; return its size. A NUL follows the text of
 * an error, inside of `max`. */
size_t result_line_sum(const struct result_line *result, char *to, uint64_t line,
                       struct shmsum_decimal_sum *sum);
size_t result_line_error(const struct result_line *result, char *to, uint64_t line,
                         const struct shmsum_line_error *error);

#endif
