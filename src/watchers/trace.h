/*
 * trace.h - what the two processes did, and when, for a picture: --trace.
 *
 * The file is in the JSON Array Format of Chrome's trace viewer ("Trace Event Format"), which
 * Perfetto and speedscope open too: a span for each read, wait, hand-off, run of the parser and
 * write, and an arrow from where a slot was handed over to where it was taken. Both processes
 * append to it, whole events at a time, so what a crash leaves can still be opened: the format does
 * not ask for the closing bracket.
 *
 * Reads, writes and sleeps are seen by a table of system calls in front of the real one, slots by a
 * watch; neither changes what the roles do. One thread; not for signal handlers.
 */
#ifndef SHMSUM_SRC_TRACE_H
#define SHMSUM_SRC_TRACE_H

#include <shmsum/os.h>

#include "messages/text_buffer.h"
#include "roles/observer.h"

enum { TRACE_BUFFER = 4096 }; /* PIPE_BUF: a piece of it is never torn, also in a FIFO */

struct trace {
    struct shmsum_os os;      /* to be used in place of the real one */
    struct observer observer; /* of either role */
    const struct shmsum_os *real;
    int fd;
    int results;       /* the descriptor whose writes are those of results; -1: none */
    uint64_t epoch_ns; /* times are told from here on */
    unsigned process;  /* our number */
    uint64_t idle_ns;  /* since when there is nothing to do but wait for a slot; 0: there is */
    uint64_t busy_ns;  /* since when this slot is dealt with */
    int error;         /* a write failed with this negative errno: nothing more is written */
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

/* Writes out what is left; last: closes the bracket, for the parent when the child is gone. 0, or
 * the negative errno of the first write that failed. */
int trace_end(struct trace *trace, bool last);

#endif
