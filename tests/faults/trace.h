/*
 * trace.h - holds the two programs at every system call, from outside, with ptrace(2).
 *
 * Whoever runs a trace is told at the entry and at the exit of each call that one of the programs
 * makes, from its first instruction on: what the dynamic loader does before that is not ours. There
 * he may let the call fail without making it, cut it short, or send a signal. A call that is to
 * fail is replaced by getppid(2), which does nothing and which any filter of calls allows, and
 * whose result is then overwritten.
 *
 * A call has a place: the role that makes it, its number, what it is made on, and that it is the
 * nth one with these three. Places are the same in every run, though the two programs race.
 */
#ifndef SHMSUM_TESTS_FAULTS_TRACE_H
#define SHMSUM_TESTS_FAULTS_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum trace_role {
    TRACE_PARENT,
    TRACE_FORKED, /* the child, until it has become the other program */
    TRACE_CHILD,
    TRACE_ROLES,
};

enum { TRACE_OBJECT_BYTES = 24, TRACE_SITES_MAX = 160, TRACE_PROCESSES_MAX = 4 };

/* A call that was met. */
struct trace_site {
    enum trace_role role;
    long number;
    char object[TRACE_OBJECT_BYTES]; /* "results", "messages", "region", ...; "" is none */
    unsigned count;                  /* how often, so far */
    unsigned alone;                  /* of those, before there was a child */
};

struct traced {
    pid_t pid;
    enum trace_role role;
    bool alive;
    int status;    /* as of waitpid, once it is not */
    double end_ms; /* when that was */

    /* The call that it is in. */
    struct trace_site *site; /* NULL: it is in none */
    uint64_t arguments[6];
    int64_t result; /* at its exit */

    /* The tracer's own. */
    bool started;       /* behind its first instruction */
    uint64_t first_at;  /* that instruction, while a breakpoint stands there */
    long first_word;    /* and what it was */
    bool replaced;      /* the call that it is in */
    int64_t instead;    /* and what it is to return */
    uint64_t break_at;  /* the end of its heap, as it was told last */
    uint64_t region_at; /* its mapping of the region */
    uint64_t region_bytes;
};

struct trace {
    struct traced processes[TRACE_PROCESSES_MAX]; /* [0]: the parent; [1]: the child */
    int count;
    struct trace_site sites[TRACE_SITES_MAX];
    int site_count;
    bool hangs; /* it had to be killed */

    /* Called at each stop; data is the caller's. */
    void (*at_call)(struct trace *trace, struct traced *process, bool entry);
    void *data;
};

/* Why nothing can be traced here; NULL: it can. */
const char *trace_refusal(void);

/* For session_config.prepare: waits until trace_run has taken hold. trace_open comes before the
 * session's start. */
void trace_open(void);
void trace_wait_for_hold(void);

/* Runs the process (which is in trace_wait_for_hold) and all that come of it to their ends, or
 * kills them at the deadline. trace->at_call and data are the caller's to set before. */
void trace_run(struct trace *trace, pid_t root, double deadline_ms);

/* At entry: the call is not made, and returns -error. close(2) is made all the same, as Linux does
 * when it reports one; brk(2) returns the old break. */
void trace_fail(struct traced *process, int error);
/* At entry of a call that is given a count of bytes: makes it `count`. */
void trace_cut(struct traced *process, uint64_t count);
/* The count of bytes that a call is given; 0: this one is given none. */
uint64_t trace_bytes(const struct traced *process);

#endif
