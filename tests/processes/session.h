/*
 * session.h - one run of the two programs under test: $SHMSUM, which starts shmsum-child.
 *
 * A case starts the run, feeds it, watches its output, may kill its processes, and checks how the
 * run ended and what it left.
 */
#ifndef SHMSUM_TESTS_PROCESSES_SESSION_H
#define SHMSUM_TESTS_PROCESSES_SESSION_H

#include <signal.h>

#include "harness.h"

enum session_input {
    INPUT_PIPE,       /* a pipe that the case feeds */
    INPUT_TERMINAL,   /* a pseudo-terminal, which also takes messages and standard output */
    INPUT_DESCRIPTOR, /* a descriptor that the case opened */
};
/* What is in output.txt before: it is a log, where nobody looks for results. */
#define SESSION_BEFORE "before\n"

enum session_output {
    OUTPUT_FILE, /* standard output goes to output.txt, behind SESSION_BEFORE */
    OUTPUT_PIPE,
    OUTPUT_DESCRIPTOR,
};

struct session_config {
    const char *program; /* NULL: $SHMSUM */
    const char *const
        *arguments; /* after argv[0], NULL at the end; NULL: the results go to results.txt */
    enum session_input input;
    int input_descriptor;
    enum session_output output;
    int output_descriptor;
    bool messages_by_pipe; /* a limit to file sizes must not cut messages: session.c copies them
                            * from a pipe to their file at the end */
    bool controlled;       /* the programs have a controlling terminal; the input is a pipe */
    void (*prepare)(void); /* in the new process, just before exec; exit 77 skips the case */
};

struct session {
    pid_t parent;
    pid_t child; /* set by session_await_child */
    pid_t writer;
    int input;           /* write end of the input pipe, or -1 */
    int input_reader;    /* read end of the input pipe: gives the bytes that the programs left */
    int output;          /* read end of standard output, or -1 */
    int terminal;        /* the master side of the pseudo-terminal, or -1 */
    bool at_terminal;    /* standard error is the terminal: messages are in the transcript */
    int messages_reader; /* read end of the pipe for messages, or -1 */
    char messages[32];   /* the file that holds standard error */
    char transcript[16384];
    size_t transcript_size;
    size_t transcript_seen; /* session_expect searches from here on */
    double signalled_ms;    /* when the case caused the end of the run */
    double end_ms;          /* how long the parent took to end after that */
    int orphans;            /* processes that outlived the parent, for at most GONE_MS */
    int orphan_status;
};

/* How a run is expected to end: an exit status, or BY_SIGNAL(n). */
#define BY_SIGNAL(signal) (-(signal))

struct session session_start(const struct session_config *config);

/* Waits until the parent has a child that runs the program with this file name; sets
 * session->child. */
void session_await_program(struct session *session, const char *name);
void session_await_child(struct session *session);

void session_feed(struct session *session, const char *text);
/* Feeds the lines first .. last; see check_results. */
void session_feed_lines(struct session *session, unsigned long first, unsigned long last);
/* Starts a process that feeds lines from `first` on and never stops. */
void session_feed_endlessly(struct session *session, unsigned long first);
void session_close_input(struct session *session);

/* Waits until the terminal shows the text, after the text of the call before. */
void session_expect(struct session *session, const char *text);
/* Waits until results.txt holds so many lines. Without more input, both programs are idle then. */
void session_await_results(const struct session *session, unsigned long lines);
/* Waits until the pipe is full and stays full: the reader has stopped. */
void await_full(int pipe);
/* Waits until the reader has taken all bytes from the pipe. */
void await_empty(int pipe);

/* How many whole lines of session_feed_endlessly the programs took. Ends the feeding. */
unsigned long session_lines_taken(struct session *session);

/* kill(2); starts the clock for end_ms. pid < 0: a process group. */
void session_signal(struct session *session, pid_t pid, int signal);

/*
 * Waits until the parent ends, as expected, and then until the child ends. Checks that no name of
 * the region is left. Closes all descriptors of the session. The messages stay.
 */
void session_end(struct session *session, int expected);
/* The same for sessions with session_feed_endlessly; returns session_lines_taken. */
unsigned long session_end_counted(struct session *session, int expected);
/* The parts of session_end, for runs that may end in several ways. */
int session_await_parent(struct session *session);
/* The same for callers that continue after a failure: false when the parent has not ended within
 * DEADLINE_MS. */
bool session_parent_ends(struct session *session, int *status);
void session_clean_up(struct session *session);

/* Standard error must contain the text. */
void session_check_message(const struct session *session, const char *text);
/* Standard error must contain "; results.txt holds the first N results", with this N. */
void session_check_held(const struct session *session, unsigned long lines);

#endif
