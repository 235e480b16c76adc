/*
 * session.h - one run of the two programs under test ($SHMSUM, which starts shmsum-child), held by
 * a case: started, fed, watched, killed and brought to account.
 */
#ifndef SHMSUM_TESTS_PROCESSES_SESSION_H
#define SHMSUM_TESTS_PROCESSES_SESSION_H

#include <signal.h>

#include "harness.h"

enum session_input {
    INPUT_PIPE,       /* a pipe that the case feeds */
    INPUT_TERMINAL,   /* a pseudo-terminal, which also takes messages and standard output */
    INPUT_DESCRIPTOR, /* the case's own */
};
enum session_output {
    OUTPUT_FILE, /* standard output goes to output.txt */
    OUTPUT_PIPE,
    OUTPUT_DESCRIPTOR,
};

struct session_config {
    const char *program; /* NULL: $SHMSUM */
    const char *const
        *arguments; /* after argv[0], NULL at the end; NULL: the results to results.txt */
    enum session_input input;
    int input_descriptor;
    enum session_output output;
    int output_descriptor;
    bool messages_by_pipe; /* they come to their file at the end: a limit to files is not theirs */
    bool controlled;       /* a pseudo-terminal rules the programs, though the input is a pipe */
    void (*prepare)(void); /* in the new process, just before exec; exit 77 skips the case */
};

struct session {
    pid_t parent;
    pid_t child; /* once session_await_child found it */
    pid_t writer;
    int input;           /* writing end of the pipe, or -1 */
    int input_reader;    /* its reading end: what the programs have left there */
    int output;          /* reading end of standard output, or -1 */
    int terminal;        /* the pseudo-terminal's other side, or -1 */
    bool at_terminal;    /* messages go there: to the transcript */
    int messages_reader; /* reading end of the pipe that messages come by, or -1 */
    char messages[32];   /* file that standard error goes to */
    char transcript[16384];
    size_t transcript_size;
    size_t transcript_seen; /* session_expect looks behind this */
    double signalled_ms;    /* when the end was asked for */
    double end_ms;          /* what it took */
    int orphans;            /* processes that outlived the parent (briefly) */
    int orphan_status;
};

/* How a run is expected to end: an exit status, or BY_SIGNAL(n). */
#define BY_SIGNAL(signal) (-(signal))

struct session session_start(const struct session_config *config);

/* Waits until the child runs as `name` (its file name), and notes its id. */
void session_await_program(struct session *session, const char *name);
void session_await_child(struct session *session);

void session_feed(struct session *session, const char *text);
/* Lines first .. last, see check_results. */
void session_feed_lines(struct session *session, unsigned long first, unsigned long last);
/* A process that feeds lines from `first` on and never stops. */
void session_feed_for_ever(struct session *session, unsigned long first);
void session_close_input(struct session *session);

/* Waits for text at the terminal, behind what was waited for before. */
void session_expect(struct session *session, const char *text);
/* Waits until results.txt holds so many lines: then, with no more input, both programs idle. */
void session_await_results(const struct session *session, unsigned long lines);
/* Waits until nothing moves any more: the descriptor, a pipe, is full and stays so. */
void await_full(int pipe);
/* Waits until all that a pipe held was taken. */
void await_empty(int pipe);

/* How many of the lines of session_feed_for_ever the programs took whole. Ends the feeding. */
unsigned long session_lines_taken(struct session *session);

/* kill(2), and the clock of the end starts. pid < 0: a group. */
void session_signal(struct session *session, pid_t pid, int signal);

/*
 * Waits for the parent's end, which must be as expected; then for that of the child, and checks
 * that no name is left. Closes all that the session holds. The messages stay.
 */
void session_end(struct session *session, int expected);
/* The same; returns session_lines_taken, and so needs session_feed_for_ever. */
unsigned long session_end_counted(struct session *session, int expected);
/* In parts, for runs whose end is left to chance. */
int session_await_parent(struct session *session);
/* The same for callers that go on: false when it has not ended within DEADLINE_MS. */
bool session_parent_ends(struct session *session, int *status);
void session_clean_up(struct session *session);

/* What was said on standard error must hold the text. */
void session_check_message(const struct session *session, const char *text);
/* "…; results.txt holds the first N results", with this N. */
void session_check_held(const struct session *session, unsigned long lines);

#endif
