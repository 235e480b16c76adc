/*
 * line_parser_implementations.h - the fast implementations of the line parser, and what they share
 * with the plain one.
 *
 * DOC: line-parser-implementations
 *
 * A fast implementation reads the common tokens of a line: up to 18 digits with at most one
 * point, and a sign before them. Everything else - long tokens, exponents, errors, the last bytes
 * of a block - it leaves to the plain implementation, which is the specification: so there is one
 * place that knows what an error is and where it stands.
 */
#ifndef SHMSUM_SRC_LINE_PARSER_IMPLEMENTATIONS_H
#define SHMSUM_SRC_LINE_PARSER_IMPLEMENTATIONS_H

#include <shmsum/line_parser.h>

#include "decimal_small.h"

/* One call of feed_lines, as the implementations see it. */
struct line_parser_feed {
    struct shmsum_line_parser *parser;
    struct shmsum_line_sink *sink; /* NULL: every line is an event */
    const uint8_t *bytes;          /* what was fed, up to `end` */
    const uint8_t *end;
};

/*
 * Adds the numbers from `at` on, which stands between two tokens (or at a token's first byte), to
 * parser->sum and parser->numbers. Returns where it stopped: behind the LF of a line that is to be
 * an event, with *line_ended set; or, with it clear, between two tokens or at the first byte of a
 * token that it leaves to the plain implementation. Reads nothing outside [at, feed->end).
 */
typedef const uint8_t *line_parser_fast(struct line_parser_feed *feed, const uint8_t *at,
                                        bool *line_ended);

enum {
    LINE_PARSER_FAST_MIN =
        96, /* with fewer bytes than this a fast implementation would do nothing */
    LINE_PARSER_AHEAD = 1024, /* the most that it looks at, at once: where parser->ahead begins */
};

#if defined(__x86_64__)
line_parser_fast line_parser_avx2;
#endif
line_parser_fast line_parser_swar;

/* Adds the number that token[0..size) is, of a shape that no fast implementation knows, to the sum
 * of an open line; false when it is none or cannot be added, with nothing changed. */
bool line_parser_add_token(struct shmsum_line_parser *parser, const uint8_t *token, size_t size);

/* Of the fields that belong to a line only the sum and the numbers are not set here: they are clear
 * already. */
static inline void line_parser_begin_line(struct shmsum_line_parser *parser)
{
    parser->ended = false;
    parser->line = parser->next_line++;
    parser->bad = false;
    parser->column = 0;
}

/* A good line, if it is not blank, ends with the byte before `next`. If the sink takes its sum the
 * next line is begun; otherwise it is an event. */
static inline bool line_parser_put_line(struct line_parser_feed *feed, const uint8_t *next)
{
    struct shmsum_line_parser *parser = feed->parser;
    struct shmsum_line_sink *sink = feed->sink;
    if (sink == NULL || parser->numbers == 0 || !sink->take(sink, &parser->sum))
        return false;
    decimal_small_clear_sum(&parser->sum);
    sink->lines++;
    sink->numbers += parser->numbers;
    sink->bytes = (size_t)(next - feed->bytes);
    parser->numbers = 0;
    line_parser_begin_line(parser);
    parser->column -= sink->bytes; /* columns are counted from feed->bytes */
    return true;
}

#endif
