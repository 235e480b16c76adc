/*
 * random_read.h - takes apart what a run of process.random wrote: results, messages, and what
 * another program wrote between them.
 */
#ifndef SHMSUM_TESTS_PROCESSES_RANDOM_READ_H
#define SHMSUM_TESTS_PROCESSES_RANDOM_READ_H

#include "random_plan.h"

struct reading {
    size_t results;       /* whole ones, which are the first ones expected */
    bool torn;            /* a part of the next one is behind them */
    size_t foreign;       /* texts of another program, in order */
    size_t companion;     /* results of the other shmsum, in order */
    struct text messages; /* lines of messages: no prompts, colors and drawings of the progress */
    const char *wrong;    /* what could not be read, or NULL; */
    size_t wrong_at;      /* and where */
};

/* What may be in the bytes that are read. */
enum { READ_RESULTS = 1, READ_MESSAGES = 2, READ_TORN = 4, READ_FOREIGN = 8 };

/* What the other shmsum reads, and the results that it adds, from line 1. */
void companion_input(struct text *text, size_t line);
void companion_result(struct text *text, size_t line);
/* What another program writes, the `number`th time from 0: a line, or the beginning of one. */
void foreign_line(struct text *text, size_t number);

/* Reads bytes[0..size). Its messages are to be cleared by the caller. */
struct reading read_mixed(const struct plan *plan, const char *bytes, size_t size, int what);

/* Compares the messages of a run that has `results` results. `exact`: all of them were looked at,
 * and nothing more; `complete`: the run came to its own end. Writes what is wrong to *wrong. */
void check_messages(const struct plan *plan, const struct text *messages, size_t results,
                    bool exact, bool complete, struct text *wrong);

/* Whether a line of the messages begins with "shmsum: " and has the text in it. */
bool says(const struct text *messages, const char *text);

#endif
