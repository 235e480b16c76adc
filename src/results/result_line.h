/*
 * result_line.h - formats a line of the results: as text, or as an object of JSON (RFC 8259).
 *
 *     6
 *     error: column 3: "two" is not a number
 *
 *     {"file":"numbers.txt","line":1,"sum":"6"}
 *     {"file":"numbers.txt","line":2,"column":3,"error":"\"two\" is not a number"}
 *
 * A sum is a string, because readers of JSON convert numbers to binary doubles. Pure: no I/O.
 */
#ifndef SHMSUM_SRC_RESULTS_RESULT_LINE_H
#define SHMSUM_SRC_RESULTS_RESULT_LINE_H

#include <shmsum/line_parser.h>

#include "diagnostic.h"

enum result_format { RESULT_TEXT, RESULT_JSON };

enum {
    RESULT_LINE_TEXT_MAX = SHMSUM_DECIMAL_TEXT_MAX, /* longest line of text, without its end */
    /* {"file":"…","line": with each byte of the name as \\xNN */
    RESULT_LINE_HEAD_MAX = 5 * DIAGNOSTIC_NAME_MAX + 32,
    /* then the line's number, and a sum or a column and a reason */
    RESULT_LINE_JSON_MAX = RESULT_LINE_HEAD_MAX + 64 + SHMSUM_DECIMAL_TEXT_MAX,
};
_Static_assert((int)RESULT_LINE_TEXT_MAX >= (int)DIAGNOSTIC_RESULT_MAX, "room for either");
_Static_assert((int)SHMSUM_DECIMAL_TEXT_MAX >= 2 * (int)DIAGNOSTIC_RESULT_MAX, "room for either");

struct result_line {
    enum result_format format;
    size_t max; /* bytes of the longest line, without '\n' */
    size_t head_size;
    char head[RESULT_LINE_HEAD_MAX];
};

/* Begins the lines of `file`. The name is copied, cut at DIAGNOSTIC_NAME_MAX bytes. */
void result_line_begin(struct result_line *result, enum result_format format, const char *file);

/* Write a line's result to to[0..max), without '\n'; return its size. A NUL follows the text of
 * an error, inside of `max`. */
size_t result_line_sum(const struct result_line *result, char *to, uint64_t line,
                       struct shmsum_decimal_sum *sum);
size_t result_line_error(const struct result_line *result, char *to, uint64_t line,
                         const struct shmsum_line_error *error);

#endif
