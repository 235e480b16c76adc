/*
 * line_parser.h - reads bytes, and returns one event for each line.
 *
 * It is a push parser: the caller feeds it blocks of bytes as they arrive, and it keeps its state
 * between them. So a block may end inside a line, a number or a CRLF. It is pure: no I/O, no
 * allocation, no globals. Every function is thread-safe on distinct parsers.
 *
 *     number   = [sign] ( digits [ point [digits] ] | point digits ) [ ("e"|"E") [sign] digits ]
 *     between  = one or more of space, tab, vertical tab, form feed
 *     line     = [between] [ number { between number } ] [between] [CR] LF
 *
 * A CR is part of the line's end only directly before LF. Anything else is an error of its line. A
 * line with an error is read to its end and not summed.
 */
#ifndef SHMSUM_LINE_PARSER_H
#define SHMSUM_LINE_PARSER_H

#include <shmsum/decimal_sum.h>
#include <shmsum/decls.h>

SHMSUM_BEGIN_DECLS

enum shmsum_line {
    SHMSUM_LINE_UNFINISHED, /* all bytes are consumed; the line goes on in the next block */
    SHMSUM_LINE_SUM,        /* the line's sum is in parser->sum */
    SHMSUM_LINE_BLANK,      /* the line has no number */
    SHMSUM_LINE_ERROR,      /* parser->error has the first error of the line */
};

enum shmsum_line_error_kind {
    SHMSUM_NOT_A_NUMBER,
    SHMSUM_NOT_A_NUMBER_COMMA, /* a ',' where '.' is the decimal point */
    SHMSUM_NOT_A_NUMBER_POINT, /* a '.' where ',' is the decimal point */
    SHMSUM_OUT_OF_RANGE,
    /* Never from the parser: its caller knows that bytes may be missing from `column` on. There is
     * no token. */
    SHMSUM_MAYBE_CUT,
};

enum { SHMSUM_TOKEN_HEAD = 32 };

/* The implementations of the parser. All return the same events, byte for byte. */
enum shmsum_line_implementation {
    SHMSUM_LINE_SCALAR, /* byte by byte: the specification */
    SHMSUM_LINE_SWAR,   /* eight bytes at a time, on every CPU */
    SHMSUM_LINE_AVX2,   /* 64 bytes at a time, on x86-64 with AVX2 and BMI */
    SHMSUM_LINE_IMPLEMENTATIONS,
};

struct shmsum_line_error {
    enum shmsum_line_error_kind kind;
    uint64_t column;                  /* of the token's first byte, in bytes from 1 */
    uint64_t token_bytes;             /* length of the whole token */
    uint8_t token[SHMSUM_TOKEN_HEAD]; /* its first bytes */
};

/* Callers may read line, numbers, sum and error, and only after an event. The rest is private. */
struct shmsum_line_parser {
    uint64_t line;    /* number of the last event's line, from 1 */
    uint64_t numbers; /* count of the numbers in that line, if the event is a sum */
    struct shmsum_decimal_sum sum;
    struct shmsum_line_error error; /* of the first bad token in that line */

    /* private */
    char point;
    uint8_t implementation;
    uint8_t state;     /* of the grammar: see DOC: line-parser-states */
    uint8_t before_cr; /* the state before the last CR, which may prove to be data */
    bool ended;        /* the last call returned an event; the next byte begins a line */
    bool bad;          /* the line has an error */
    bool negative;
    bool exponent_negative;
    uint16_t ahead; /* bytes that the AVX2 implementation reads at once: fewer among events */
    uint64_t next_line;
    uint64_t column; /* bytes of the line in earlier blocks */
    uint64_t fraction_digits;
    uint64_t exponent; /* saturates */
    struct shmsum_decimal number;
};

/* Initialises a parser at line 1, with the fastest implementation that this CPU has. `point` is the
 * decimal point, '.' or ','. */
void shmsum_line_parser_init(struct shmsum_line_parser *parser, char point);

/* Chooses the implementation. Only between two lines. Returns 0; or -ENOTSUP if this CPU or build
 * does not have it. */
int shmsum_line_parser_use(struct shmsum_line_parser *parser,
                           enum shmsum_line_implementation implementation);

/* Returns "scalar", "swar" or "avx2". And back: returns -1 for any other name. */
const char *shmsum_line_implementation_name(enum shmsum_line_implementation implementation);
int shmsum_line_implementation_by_name(const char *name);

/*
 * Reads bytes[0..size) up to the end of the first line. Sets *consumed to the count of bytes read:
 * up to and with the LF on an event, otherwise all. size may be 0. After an event the next call
 * begins the next line.
 */
enum shmsum_line shmsum_line_parser_feed(struct shmsum_line_parser *parser, const uint8_t *bytes,
                                         size_t size, size_t *consumed);

/* Takes the sums of many lines in one call. */
struct shmsum_line_sink {
    /* Returns true if it takes the sum of the line, false if the line must be an event. It may
     * format the sum but not keep it. During the call, the parser's line and numbers are those of
     * this line. */
    bool (*take)(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum);
    uint64_t lines;   /* count of the lines taken by the last call */
    uint64_t numbers; /* count of the numbers in these lines */
    size_t bytes;     /* count of the fed bytes up to the end of the last of them */
};

/*
 * Reads many lines in one call. Passes the sum of each good line to sink->take. A line that the
 * sink takes is not an event. So the call returns the event of the first line that is blank, has an
 * error or is not taken. That line begins at bytes[sink->bytes]. Sets lines, numbers and bytes of
 * the sink. *consumed is as for feed, and includes the lines that were taken.
 */
enum shmsum_line shmsum_line_parser_feed_lines(struct shmsum_line_parser *parser,
                                               const uint8_t *bytes, size_t size,
                                               struct shmsum_line_sink *sink, size_t *consumed);

/*
 * Ends the input. Returns the event of the unfinished last line, or SHMSUM_LINE_UNFINISHED if there
 * is none (the input is empty or ends in LF). The next feed begins line 1 of a new input. Until
 * then the parser's `line` is that of the event.
 */
enum shmsum_line shmsum_line_parser_finish(struct shmsum_line_parser *parser);

/* Returns the column of the open token, or of the line's first error; 0 if there is neither. A
 * caller that shows the line in a message must keep it from a little before this column on. */
uint64_t shmsum_line_parser_anchor(const struct shmsum_line_parser *parser);

/* Whether the invariant holds, in constant time: for assertions. */
bool shmsum_line_parser_is_valid(const struct shmsum_line_parser *parser);

SHMSUM_END_DECLS

#endif
