/*
 * random_plan.h - one run of process.random: what is drawn for it, and what must come of it.
 *
 * A seed and the number of a run decide everything here: command line, inputs, outputs, and the
 * steps that the runner takes at given bytes of the input. The expected results come from a small
 * model: it splits the bytes into lines, and asks the oracle (GMP) about each line. The model
 * shares nothing with src/.
 */
#ifndef SHMSUM_TESTS_PROCESSES_RANDOM_PLAN_H
#define SHMSUM_TESTS_PROCESSES_RANDOM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; there is always a NUL behind them. */
struct text {
    char *bytes;
    size_t size, room;
};
void text_add(struct text *text, const void *bytes, size_t size);
__attribute__((format(printf, 2, 3))) void text_format(struct text *text, const char *format, ...);
void text_clear(struct text *text);

enum plan_source_kind { SOURCE_FILE, SOURCE_FIFO, SOURCE_STANDARD };

struct plan_source {
    enum plan_source_kind kind;
    char name[32];     /* as in the command line */
    char shown[128];   /* in messages */
    struct text bytes; /* what it holds */
    size_t begin;      /* where its bytes begin in the stream of all sources */
};

enum plan_standard { STANDARD_NULL, STANDARD_FILE, STANDARD_PIPE, STANDARD_TERMINAL };

/* Where the results go. */
enum plan_output {
    TO_NAMED,    /* a file that shmsum opens */
    TO_PIPE,     /* standard output: a pipe, */
    TO_FILE,     /* > file, with an offset behind what is there, */
    TO_APPENDED, /* >> file, */
    TO_NULL,     /* /dev/null, */
    TO_TERMINAL, /* or the terminal */
};

/* Where the messages go. */
enum plan_messages {
    SAY_TO_FILE,
    SAY_TO_PIPE,
    SAY_TO_TERMINAL,
    SAY_TO_OUTPUT, /* 2>&1 */
    SAY_TO_NULL,
};

enum plan_target { AT_PARENT, AT_CHILD, AT_GROUP, AT_KEYBOARD };

enum plan_action {
    STEP_CUT,     /* the bytes before and behind come by different writes */
    STEP_PAUSE,   /* some time passes */
    STEP_DRAINED, /* waits until the programs have read all that was fed */
    STEP_IDLE,    /* waits until both programs sleep and nothing is under way */
    STEP_CHILD,   /* waits until there is a child */
    STEP_FULL,    /* waits until the pipe of the results is full: nobody reads it before */
    STEP_SIGNAL,
    STEP_STOP,     /* SIGSTOP */
    STEP_CONTINUE, /* SIGCONT */
    STEP_LEAVE,    /* the reader of the results leaves */
    STEP_UNHEARD,  /* the reader of the messages leaves */
    STEP_FOREIGN,  /* another program writes to where the results go */
    STEP_TRUNCATE, /* somebody cuts the named results, */
    STEP_REMOVE,   /* or removes them, once there are some */
};

struct plan_step {
    size_t at; /* once so many bytes were fed */
    enum plan_action action;
    enum plan_target target;
    int signal;
    unsigned us;
};

/* What the whole disturbance of a run is: at most one that ends it early. */
enum plan_end {
    END_OWN,
    END_ORDERLY, /* one of SIGINT, SIGTERM, SIGHUP */
    END_TWICE,   /* two of them */
    END_QUIT,
    END_KILL_CHILD,
    END_KILL_PARENT,
    END_KILL_BOTH,
    END_READER,
    END_TRUNCATE,
    END_REMOVE,
};

enum plan_blank { BLANK_END, BLANK_ZERO, BLANK_SKIP };

enum { PLAN_SOURCES = 5, PLAN_STEPS = 64, PLAN_ARGUMENTS = 29 };

#define PLAN_AT_END (SIZE_MAX - 1) /* a line that only the end of all input completes */
#define PLAN_NEVER SIZE_MAX

struct plan {
    uint64_t seed;
    unsigned long run;

    /* the command line */
    char *arguments[PLAN_ARGUMENTS + 1];
    size_t argument_count;
    char output_name[32];
    bool usage_error; /* there is an option that shmsum does not know */
    bool json, append, sync, decimal_comma, explain, stats, progress, trace, color, utf8;
    bool prompt_always, prompt_never;
    enum plan_blank blank;
    uint64_t max_errors;
    size_t slot_bytes;

    /* the inputs */
    struct plan_source sources[PLAN_SOURCES];
    size_t source_count;
    size_t total; /* bytes of all */
    enum plan_standard standard;
    bool missing; /* the last source does not exist */
    int ignored;  /* a signal that is ignored from the start, as by nohup(1), or 0 */
    bool refused; /* status 2 or 3 before anything is read or changed */
    bool dialogue;
    bool full; /* a file whose results fill the pipe that they go to, and then an early end */
    bool errors, blanks; /* the lines that were drawn may be such */

    /* the outputs */
    enum plan_output output;
    enum plan_messages messages;
    bool exists;        /* there is a file before the run, */
    size_t companion;   /* another shmsum adds so many results to it at the same time, */
    struct text before; /* and this is in it, */
    bool unfinished;    /* whose last line lacks its LF */
    unsigned slow_us;   /* pause of the readers between two reads */
    size_t slow_bytes;  /* bytes of each read */

    /* the steps */
    enum plan_end end;
    struct plan_step steps[PLAN_STEPS];
    size_t step_count;
    size_t last_steps;      /* the first of those that end the run */
    bool closes_before_end; /* the input is closed before them */

    /* what must come of it */
    struct text results; /* of the whole input */
    size_t result_count;
    size_t *result_ends;    /* where in the text each result ends, */
    size_t *result_inputs;  /* and after how many bytes of the stream its line is complete */
    struct text headers;    /* first lines of the messages about errors, each with its LF */
    size_t header_count;    /* all, however many are shown */
    size_t *header_ends;    /* where each ends in the text */
    size_t *header_results; /* and which result it is about */
    struct text answers;    /* "= sum" of the dialogue, each with its LF */
    size_t answer_count;
    size_t *answer_ends, *answer_results;
    size_t sums, skipped, numbers;
    size_t blank_at; /* where in the stream the blank line ends that ends the input; PLAN_NEVER */
    size_t blank_line;
    size_t blank_source;
    bool unread; /* input behind it is not read: status 1 */
    int status;  /* of a run that nothing disturbs */
};

/* SHMSUM_SEED, or the clock; printed. */
uint64_t plan_seed(void);

/* Draws the run. What must come of it (from `results` on) takes longer, and is another step. */
void plan_draw(struct plan *plan, uint64_t seed, unsigned long run);
void plan_expect(struct plan *plan);
void plan_clean_up(struct plan *plan);

/* Whether the runner feeds the source, byte by byte if need be: a pipe, a FIFO, a terminal. */
bool plan_is_fed(const struct plan *plan, size_t source);
/* How many results the first `bytes` of the stream complete. */
size_t plan_results_of(const struct plan *plan, size_t bytes);
/* The text of result `index`, with its LF. */
const char *plan_result(const struct plan *plan, size_t index, size_t *size);
/* What is drawn, as a command of the shell and lines about the rest. To be freed. */
char *plan_describe(const struct plan *plan);
/* The same of one step. */
const char *plan_step_name(const struct plan_step *step);

#endif
