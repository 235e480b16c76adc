/*
 * line_parser_implementations.h - the fast implementations of the line parser, and what they share
 * with the plain one.
 *
 * DOC: line-parser-implementations
 *
 * A fast implementation reads the common tokens of a line: up to 18 digits with at most one point,
 * and an optional sign. It leaves everything else to the plain implementation, which is the
 * specification: long tokens, exponents (AVX2 reads most of them), errors, and the last bytes of a
 * block. So only the plain implementation knows what an error is and where it is.
 */
#ifndef SHMSUM_SRC_LINE_PARSER_IMPLEMENTATIONS_H
#define SHMSUM_SRC_LINE_PARSER_IMPLEMENTATIONS_H

#include <shmsum/line_parser.h>

#include "decimal_small.h"

/* What one call of feed_lines shares with the implementations. */
struct line_parser_feed {
    struct shmsum_line_parser *parser;
    struct shmsum_line_sink *sink; /* NULL: every line is an event */
    const uint8_t *bytes;          /* the block, up to `end` */
    const uint8_t *end;
};

/*
 * Adds the numbers from `at` on to parser->sum and parser->numbers. `at` is between two tokens or
 * at the first byte of a token. Returns where it stopped. With *line_ended set, that is after the
 * LF of a line that must be an event. With *line_ended clear, it is between two tokens, or at the
 * first byte of a token that the plain implementation must read. Reads nothing outside [at,
 * feed->end).
 */
typedef const uint8_t *line_parser_fast(struct line_parser_feed *feed, const uint8_t *at,
                                        bool *line_ended);

enum {
    LINE_PARSER_FAST_MIN = 96, /* with fewer bytes a fast implementation does nothing */
    LINE_PARSER_AHEAD = 1024,  /* the first parser->ahead, and the largest */
};

#if defined(__x86_64__)
line_parser_fast line_parser_avx2;
#endif
line_parser_fast line_parser_swar;

/* Adds the number in token[0..size) to the sum of the open line, for a fast implementation that
 * cannot convert it. False: it is not a number or is out of range, and nothing has changed. */
bool line_parser_add_token(struct shmsum_line_parser *parser, const uint8_t *token, size_t size);

/* Begins a line: sets all fields of a line except the sum, the numbers and the state, which the
 * callers clear. */
static inline void line_parser_begin_line(struct shmsum_line_parser *parser)
{
    parser->ended = false;
    parser->line = parser->next_line++;
    parser->bad = false;
    parser->column = 0;
}

/* Ends a good line, whose last byte is before `next`. True: the sink took the sum, and the next
 * line has begun. False: the line is blank, or the sink did not take it, so it is an event. */
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
    parser->column -= sink->bytes; /* columns count from feed->bytes; wraps below 0 */
    return true;
}

#endif
