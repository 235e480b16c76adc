/*
 * line_parser.h - bytes in, one event for each line out.
 *
 * A push parser: it is given blocks of bytes as they come and keeps its state between them, so a
 * line, a number or a CRLF may be cut at any byte. It is pure: no I/O, no allocation, no globals;
 * any thread, one parser each.
 *
 *     number   = [sign] ( digits [ point [digits] ] | point digits ) [ ("e"|"E") [sign] digits ]
 *     between  = one or more of space, tab, vertical tab, form feed
 *     line     = [between] [ number { between number } ] [between] [CR] LF
 *
 * CR is part of the line's end only directly before LF. Anything else is an error of its line,
 * which then is read to its end and not summed.
 */
#ifndef SHMSUM_LINE_PARSER_H
#define SHMSUM_LINE_PARSER_H

#include <shmsum/decimal_sum.h>
#include <shmsum/decls.h>

SHMSUM_BEGIN_DECLS

enum shmsum_line {
    SHMSUM_LINE_UNFINISHED, /* all bytes were consumed; the line goes on in the next block */
    SHMSUM_LINE_SUM,        /* the line's sum is in parser->sum */
    SHMSUM_LINE_BLANK,      /* no number in it */
    SHMSUM_LINE_ERROR,      /* parser->error says which and where */
};

enum shmsum_line_error_kind {
    SHMSUM_NOT_A_NUMBER,
    SHMSUM_NOT_A_NUMBER_COMMA, /* a ',' where '.' is the decimal point */
    SHMSUM_NOT_A_NUMBER_POINT, /* a '.' where ',' is the decimal point */
    SHMSUM_OUT_OF_RANGE,
};

enum { SHMSUM_TOKEN_HEAD = 32 };

/* The implementations that the parser has: all give the same events, byte for byte. */
enum shmsum_line_implementation {
    SHMSUM_LINE_SCALAR, /* the plain one: the specification */
    SHMSUM_LINE_SWAR,   /* eight bytes at a time, on every CPU */
    SHMSUM_LINE_AVX2,   /* 64 bytes at a time, on x86-64 with AVX2 and BMI */
    SHMSUM_LINE_IMPLEMENTATIONS,
};

struct shmsum_line_error {
    enum shmsum_line_error_kind kind;
    uint64_t column;                  /* of the token's first byte; bytes, counted from 1 */
    uint64_t token_bytes;             /* length of the whole token */
    uint8_t token[SHMSUM_TOKEN_HEAD]; /* its first bytes, as they were read */
};

/* Callers read line, numbers, sum and error, and only after an event; the rest is private. */
struct shmsum_line_parser {
    uint64_t line;    /* number of the line that the last event was about, from 1 */
    uint64_t numbers; /* numbers in that line, when it was a sum */
    struct shmsum_decimal_sum sum;
    struct shmsum_line_error error; /* of the first bad token in that line */

    /* private */
    char point;
    uint8_t implementation;
    uint8_t state;     /* where in the grammar: see line_parser.c */
    uint8_t before_cr; /* the state to go back to when a CR proves to be data */
    bool ended;        /* the last call returned an event; the next byte starts a line */
    bool bad;          /* the line has an error */
    bool negative;
    bool exponent_negative;
    uint16_t
        ahead; /* how far a fast implementation looks at once: less after it had to stop early */
    uint64_t next_line;
    uint64_t column; /* bytes of the line consumed in earlier blocks */
    uint64_t fraction_digits;
    uint64_t exponent; /* saturates */
    struct shmsum_decimal number;
};

/* Starts at line 1, in the fastest implementation that this CPU has. `point` is '.' or ','. */
void shmsum_line_parser_init(struct shmsum_line_parser *parser, char point);

/* Chooses the implementation, between two lines. 0; or -ENOTSUP when this CPU or build does not
 * have it. */
int shmsum_line_parser_use(struct shmsum_line_parser *parser,
                           enum shmsum_line_implementation implementation);

/* "scalar", "swar", "avx2"; and back: -1 for any other name. */
const char *shmsum_line_implementation_name(enum shmsum_line_implementation implementation);
int shmsum_line_implementation_by_name(const char *name);

/*
 * Reads bytes[0..size) up to the end of the first line in them. Sets *consumed to how many bytes
 * were read: on an event, up to and with the LF; otherwise all. size may be 0. After an event the
 * next call begins the next line.
 */
enum shmsum_line shmsum_line_parser_feed(struct shmsum_line_parser *parser, const uint8_t *bytes,
                                         size_t size, size_t *consumed);

/* Who takes the sums of many lines in a row. */
struct shmsum_line_sink {
    /* Takes the sum of a line, which it may format but not keep: true. Or leaves it: false. The
     * parser's line and numbers are those of this line meanwhile. */
    bool (*take)(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum);
    uint64_t lines;   /* taken during the last call */
    uint64_t numbers; /* in these lines */
    size_t bytes;     /* that these lines were, of those fed */
};

/*
 * The same for many lines at once: the sum of a good line is given to sink->take, and then the line
 * is no event. So the event that is returned is of the first line that was blank, an error, or not
 * taken; it begins at bytes[sink->bytes]. Sets lines, numbers and bytes of the sink anew. *consumed
 * is as for feed, and counts the lines that were taken as well.
 */
enum shmsum_line shmsum_line_parser_feed_lines(struct shmsum_line_parser *parser,
                                               const uint8_t *bytes, size_t size,
                                               struct shmsum_line_sink *sink, size_t *consumed);

/*
 * The input ended. Returns the event of an unfinished last line, or SHMSUM_LINE_UNFINISHED when
 * there was none (the input was empty or ended in LF). Then the parser is at line 1 of a new input.
 * The parser's `line` is still that of the event until the next feed.
 */
enum shmsum_line shmsum_line_parser_finish(struct shmsum_line_parser *parser);

/* Column of the token that is being read or that was the line's first error; 0 when neither. What
 * must be kept of the line to show it in a message begins a little before this. */
uint64_t shmsum_line_parser_anchor(const struct shmsum_line_parser *parser);

bool shmsum_line_parser_is_valid(const struct shmsum_line_parser *parser);

SHMSUM_END_DECLS

#endif
