/*
 * trace.h - holds the two programs at every system call, from outside, with ptrace(2).
 *
 * A trace calls back at the entry and at the exit of each system call of the two programs, from the
 * first instruction of each program on. (The dynamic loader runs before that instruction and is not
 * under test.) The callback may make the call fail, cut its count of bytes, or send a signal. To
 * make a call fail without executing it, the trace replaces it by getppid(2), which has no effect
 * and passes every filter, and then overwrites the result.
 *
 * A call has a place: its role, its number, its object, and its index among the calls that agree in
 * these three. Places are the same in every run, although the two programs race.
 */
#ifndef SHMSUM_TESTS_FAULTS_TRACE_H
#define SHMSUM_TESTS_FAULTS_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum trace_role {
    TRACE_PARENT,
    TRACE_FORKED, /* the child between fork and exec */
    TRACE_CHILD,
    TRACE_ROLES,
};

enum { TRACE_OBJECT_BYTES = 24, TRACE_SITES_MAX = 160, TRACE_PROCESSES_MAX = 4 };

/* All calls with the same role, number and object. */
struct trace_site {
    enum trace_role role;
    long number;
    char object[TRACE_OBJECT_BYTES]; /* "results", "messages", "region", ...; "" is none */
    unsigned count;                  /* how many calls so far */
    unsigned alone;                  /* how many of them before the child existed */
};

struct traced {
    pid_t pid;
    enum trace_role role;
    bool alive;
    int status;    /* the wait status, once the process has ended */
    double end_ms; /* when it ended */

    /* The system call that the process is in. */
    struct trace_site *site; /* NULL: no call */
    uint64_t arguments[6];
    int64_t result; /* valid at the exit of the call */

    /* Internal state of trace.c. */
    bool started;       /* the process has passed its first instruction */
    uint64_t first_at;  /* where the first instruction is; a breakpoint replaces it until then */
    long first_word;    /* the original code at first_at */
    bool replaced;      /* the current call is made to fail */
    bool held;          /* the process stays at the current call until it is killed */
    int64_t instead;    /* the result that the current call returns then */
    uint64_t break_at;  /* the last result of brk(2): the end of the heap */
    uint64_t region_at; /* where the region is mapped */
    uint64_t region_bytes;
};

struct trace {
    struct traced processes[TRACE_PROCESSES_MAX]; /* [0]: the parent; [1]: the child */
    int count;
    struct trace_site sites[TRACE_SITES_MAX];
    int site_count;
    bool hangs;      /* the deadline passed, and the processes were killed */
    bool is_over;    /* trace_let_run was called */
    long numbers[2]; /* trace_only; numbers[0] < 0: all */

    /* Called at the entry and the exit of each call. `data` belongs to the caller. */
    void (*at_call)(struct trace *trace, struct traced *process, bool entry);
    void *data;
};

/* Why tracing is impossible in this build; NULL: it is possible. */
const char *trace_refusal(void);

/* trace_wait_for_hold is for session_config.prepare: it waits until trace_run traces the process.
 * Call trace_open before session_start. */
void trace_open(void);
void trace_wait_for_hold(void);

/* Runs the process, which waits in trace_wait_for_hold, and its descendants until they end, or
 * kills them at the deadline. The caller sets trace->at_call and trace->data before. */
void trace_run(struct trace *trace, pid_t root, double deadline_ms);

/* Between trace_open and trace_run: only calls with one of these numbers are looked at, which makes
 * a run faster. The sites of other calls are not counted. A number below 0: all calls. */
void trace_only(struct trace *trace, long number, long or_number);
/* In at_call: no later call is looked at; the processes run on without a stop. */
void trace_let_run(struct trace *trace);

/* At the entry of a call: the call is not executed and returns -error. Two exceptions: close(2) is
 * executed, because Linux closes the descriptor even when close fails; brk(2) returns the old
 * break. */
void trace_fail(struct traced *process, int error);
/* At the entry of a call with a count of bytes: sets the count. */
void trace_cut(struct traced *process, uint64_t count);
/* At the entry of a call: the process stays there, as if the call never returned, until it is
 * killed. Signals do not reach it. */
void trace_hold(struct traced *process);
/* The count of bytes among the call's arguments; 0 for a call without a count. */
uint64_t trace_bytes(const struct traced *process);

#endif
