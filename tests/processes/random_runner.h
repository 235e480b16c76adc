/*
 * random_runner.h - takes the steps of one run of process.random, and notes what came of them.
 */
#ifndef SHMSUM_TESTS_PROCESSES_RANDOM_RUNNER_H
#define SHMSUM_TESTS_PROCESSES_RANDOM_RUNNER_H

#include "random_plan.h"
#include "session.h"

struct runner {
    const struct plan *plan;
    struct session session;
    struct session companion; /* another run that adds to the same file */
    bool ended;               /* the parent was awaited */
    int status;               /* then: an exit status, or BY_SIGNAL(n) */
    int output;               /* the description that standard output has, or -1 */
    int slave;                /* the terminal from the programs' side, or -1 */
    const char *output_path;
    struct text from_output, from_messages, from_terminal;

    struct {
        int writer, reader; /* of a FIFO, or the pipe's; -1: not open */
        size_t fed;
        bool closed;
    } feeds[PLAN_SOURCES];
    size_t current;   /* the source that is fed; what is before was fed and closed */
    size_t fed_total; /* bytes of all that were fed */

    bool stopped[3];     /* by enum plan_target: SIGSTOP was sent */
    bool stalled;        /* nobody reads the results for now */
    bool over;           /* what ends the run was done: nothing more is fed */
    size_t idle_results; /* both programs slept: so many results are out */
    size_t foreign;      /* texts that another program wrote */
    bool left, unheard;  /* the reader of the results, or of the messages, has left */
    bool gone;           /* the named results were cut or removed */
    int signals[2];      /* that were sent to the parent */
    int signal_count;
    bool killed_child, killed_parent;
    bool typed;   /* Ctrl+C: the terminal drops what was typed or written and is still under way */
    bool certain; /* the run cannot come to its own end any more */
    struct text log;
    char *description;

    int orphans;          /* processes that outlived the parent, */
    int orphan_status;    /* and how the last of them ended: an exit status, or BY_SIGNAL(n) */
    int companion_status; /* likewise */
    bool companion_name;  /* the companion left a name in /dev/shm */

    bool excused; /* a known deviation was met: what else is wrong comes of it */
};

/* Makes the files of the plan in the working directory, and starts the programs. */
void runner_start(struct runner *runner, const struct plan *plan);
/* Feeds the inputs and takes the steps. */
void runner_take_steps(struct runner *runner);
/* Waits until all processes have ended, and reads what they wrote to pipes and the terminal. */
void runner_await_end(struct runner *runner);
/* How many bytes of the stream the programs took: between *low and *high. */
void runner_taken(const struct runner *runner, size_t *low, size_t *high);
/* The caller goes on writing to standard output: right behind what is there. */
void runner_write_after(struct runner *runner);
/* Closes all descriptors and removes all files. */
void runner_clean_up(struct runner *runner);

/* What is wrong, all that is known of the run, and how to repeat it. Ends the case. */
_Noreturn void runner_fail(struct runner *runner, const char *what);

#endif
