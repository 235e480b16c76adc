/*
 * consumer.h - the role that takes blocks out of the channel, sums every line and writes the
 * results.
 *
 * Knows nothing of processes: the child runs it, and so does a thread in a test.
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
    BLANK_LINES_ZERO, /* its sum is 0 */
    BLANK_LINES_SKIP, /* it has no result */
};

struct consumer_config {
    const char *const *sources; /* names of the inputs, for messages; not owned */
    uint32_t source_count;      /* >= 1 */
    char point;                 /* decimal point of the input, '.' or ',' */
    enum blank_lines blank_lines;
    enum result_format format;
    uint64_t max_errors; /* messages at most; the rest is counted */
    bool color;          /* errors in lines, on `messages` */
    bool clears_line;    /* the producer may have drawn a line there, which has to go first */
    int messages;        /* descriptor for messages and answers */
    bool dialogue; /* a slot carries a line, whose result is to be out before it is done with */
    bool terminal; /* somebody sits at the input: a blank line ends it at once */
    bool answers;  /* "= sum" after each line, on `messages` */
    bool sync;     /* fsync at the end */
};

enum consumer_end_reason {
    CONSUMER_COMPLETE, /* all input was summed */
    CONSUMER_CUT,      /* the producer stopped early; an unfinished last line was dropped */
    CONSUMER_CLOSED,   /* a blank line ended the input */
    CONSUMER_ORPHANED, /* the producer is gone; all that it had handed over was summed */
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
    struct result_line result; /* of the current source */
    uint64_t column;           /* of the current line: bytes in earlier blocks */
    uint32_t source;           /* of the current line */
    bool blank_seen;           /* the input has ended by a blank line … */
    uint64_t blank_line;       /* … which was this one */
    bool unread;               /* and more followed */

    struct counters counters; /* COUNTER_SANDBOX is the caller's to set, after consumer_init */
};

/*
 * Sets the channel's before_sleep: the consumer writes out its results before it sleeps.
 * All pointers must outlive the consumer. block has room for the channel's payload_bytes; the
 * results buffer is larger than 2 * RESULT_LINE_TEXT_MAX, or _JSON_MAX. Nothing to clean up.
 */
void consumer_init(struct consumer *consumer, const struct shmsum_os *os,
                   const struct consumer_config *config, struct shmsum_channel *channel,
                   struct shmsum_results *results, uint8_t *block);

/*
 * Runs until the input ends. Returns 0 with *end_reason set and all results written; or a negative
 * errno with *why filled (what could be written was): the errors of shmsum_channel_take and
 * shmsum_results_flush.
 */
int consumer_run(struct consumer *consumer, enum consumer_end_reason *end_reason,
                 struct shmsum_failure *why);

#endif
