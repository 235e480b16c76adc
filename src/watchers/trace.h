/*
 * trace.h - records what the two processes did, and when, for a picture: --trace.
 *
 * The file has the JSON Array Format of Chrome's trace viewer ("Trace Event Format"), which
 * Perfetto and speedscope open too. It holds a span for each read, wait, hand-off, run of the
 * parser and write, and an arrow from the hand-off of a slot to its taking. Both processes append
 * whole events to it. A crash leaves a file that can still be opened: the format does not require
 * the closing bracket.
 *
 * The trace sees reads, writes and sleeps through a table of system calls in front of the real one,
 * and slots as an observer. The roles do not know of it. One thread; not for signal handlers.
 */
#ifndef SHMSUM_SRC_WATCHERS_TRACE_H
#define SHMSUM_SRC_WATCHERS_TRACE_H

#include <shmsum/os.h>

#include "messages/text_buffer.h"
#include "roles/observer.h"

enum { TRACE_BUFFER = 4096 }; /* PIPE_BUF: a write of it is atomic, also to a FIFO */

struct trace {
    struct shmsum_os os;      /* the roles use it in place of the real one */
    struct observer observer; /* of either role */
    const struct shmsum_os *real;
    int fd;
    int results;             /* as in struct trace_setting */
    uint64_t epoch_ns;       /* likewise */
    unsigned process;        /* the number of this process */
    uint64_t idle_ns;        /* when the wait for a slot began; 0: not waiting */
    uint64_t busy_ns;        /* when the work on the current slot began */
    uint64_t await_begin_ns; /* of a wait for input that is not recorded yet; 0: none */
    uint64_t await_end_ns;
    int error;               /* negative errno of a failed write, after which nothing is written */
    struct text_buffer text; /* whole events, not written yet */
    char bytes[TRACE_BUFFER];
};

/* What a trace begins with. */
struct trace_setting {
    int fd;            /* the file, opened to append; not owned */
    bool first;        /* begins the file: the parent, before there is a child */
    const char *role;  /* the name of this process in the picture, cut at 100 bytes; not kept */
    int results;       /* the descriptor of the results, whose writes are "write"; -1: none */
    uint64_t epoch_ns; /* the time that is 0 in the picture, of the clock of struct shmsum_os */
};

/* `real` must outlive the trace and have no use for its context. */
void trace_begin(struct trace *trace, const struct shmsum_os *real,
                 const struct trace_setting *setting);

/* Writes the events that are left. last: closes the bracket; for the parent, after the child's
 * exit. Returns 0, or the negative errno of the first write that failed. */
int trace_end(struct trace *trace, bool last);

#endif
