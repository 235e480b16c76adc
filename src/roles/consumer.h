/*
 * consumer.h - the role that takes blocks from the channel, sums every line and writes the results.
 *
 * It knows nothing of processes: the child runs it, and so does a thread in a test. It belongs to
 * one thread. No function may be called from a signal handler.
 */
#ifndef SHMSUM_SRC_CONSUMER_H
#define SHMSUM_SRC_CONSUMER_H

#include <shmsum/channel.h>
#include <shmsum/line_parser.h>
#include <shmsum/results.h>

#include "counters.h"
#include "observer.h"
#include "results/diagnostic.h"
#include "results/result_line.h"

enum blank_lines {
    BLANK_LINES_END,  /* a blank line ends the input: the lab's rule */
    BLANK_LINES_ZERO, /* the sum of a blank line is 0 */
    BLANK_LINES_SKIP, /* a blank line has no result */
};

struct consumer_config {
    const char *const *sources; /* names of the inputs, "-" for standard input; not owned; each has
                                   at most RESULT_LINE_NAME_MAX bytes */
    uint32_t source_count;      /* >= 1 */
    char point;                 /* decimal point of the input, '.' or ',' */
    enum blank_lines blank_lines;
    enum result_format format;
    uint64_t max_errors; /* messages about errors, at most; further errors are only counted */
    struct diagnostic_look look; /* of messages about lines */
    bool clears_line;            /* a message first erases the progress line of the producer */
    int messages;                /* descriptor for messages and answers */
    bool dialogue;               /* write each result at once, and release a slot only then */
    bool terminal;               /* the input is a terminal: a blank line ends it at once */
    bool answers;                /* write "= sum" to `messages` after each line; in the dialogue */
    bool sync;                   /* fsync the results at the end */
};

enum consumer_end_reason {
    CONSUMER_COMPLETE, /* all input was summed */
    CONSUMER_CUT,      /* the producer stopped early; an unfinished last line was dropped */
    CONSUMER_CLOSED,   /* a blank line ended the input */
    CONSUMER_ORPHANED, /* the producer has died; all that it had published was summed */
};

struct consumer {
    const struct shmsum_os *os;
    const struct consumer_config *config;
    struct shmsum_channel *channel;
    struct shmsum_results *results;
    uint8_t *block;             /* private copy of a slot's payload */
    struct observer *observers; /* the first, or NULL */

    struct shmsum_line_parser parser;
    struct shmsum_line_sink sink;
    struct excerpt excerpt;
    struct result_line result;             /* form of the results, for the current source */
    uint64_t column;                       /* bytes of the current line in earlier blocks */
    uint32_t source;                       /* of the current line, without SOURCE_CANONICAL */
    bool canonical;                        /* the terminal that it is from may have cut it */
    const struct shmsum_line_error *error; /* of the current line, if that is one */
    bool blank_seen;                       /* a blank line has ended the input */
    uint64_t blank_line;                   /* number of that line */
    uint64_t line_end; /* of the last line that the parser returned: bytes of all input */
    bool unread;       /* more input followed it */

    struct counters counters; /* COUNTER_SANDBOX is the caller's to set, after consumer_init */
};

/*
 * channel is the consumer's end; its before_sleep is set, so that the consumer writes out its
 * results before it sleeps. block has room for payload_bytes of the channel. The buffer of results
 * is larger than 2 * RESULT_LINE_TEXT_MAX; for JSON, than 2 * RESULT_LINE_JSON_MAX. All pointers
 * must outlive the consumer. Needs no clean-up.
 */
void consumer_init(struct consumer *consumer, const struct shmsum_os *os,
                   const struct consumer_config *config, struct shmsum_channel *channel,
                   struct shmsum_results *results, uint8_t *block);

/*
 * Runs until the input ends. Returns 0 with *end_reason set and all results written; or a negative
 * errno of shmsum_channel_take, shmsum_results_flush or shmsum_results_sync with *why filled. Then
 * the results that were ready are written if they can be.
 */
int consumer_run(struct consumer *consumer, enum consumer_end_reason *end_reason,
                 struct shmsum_failure *why);

#endif
