/* trace.c - what the two processes did, and when. See trace.h. Called by the two mains; by the
 * roles through its table and its watches. */
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "os/write_all.h"

enum { EVENT_MAX = 256, IDLE_MIN_NS = 5000 };

static void flush(struct trace *trace)
{
    if (trace->error == 0)
        trace->error = os_write_all(trace->real, trace->fd, trace->buffer, trace->used);
    trace->used = 0;
}

/* One event, at most EVENT_MAX bytes. */
__attribute__((format(printf, 2, 3))) static void put(struct trace *trace, const char *format, ...)
{
    if (TRACE_BUFFER - trace->used < EVENT_MAX)
        flush(trace);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(trace->buffer + trace->used, EVENT_MAX, format, arguments);
    va_end(arguments);
    trace->used += (size_t)size;
}

static uint64_t now_ns(const struct trace *trace)
{
    return trace->real->clock_ns(trace->real) - trace->epoch_ns;
}

/* A time of the format, in microseconds: to be printed with "%" PRIu64 ".%03u". */
#define MICROSECONDS(ns) (ns) / 1000, (unsigned)((ns) % 1000)
#define TIME "%" PRIu64 ".%03u"

/* Something that went on from begin_ns to end_ns; `what` of it is `count`, unless that is NULL. */
static void put_span(struct trace *trace, const char *name, uint64_t begin_ns, uint64_t end_ns,
                     const char *what, int64_t count)
{
    char arguments[64] = "";
    if (what != NULL)
        snprintf(arguments, sizeof arguments, ",\"args\":{\"%s\":%" PRId64 "}", what, count);
    put(trace,
        "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME ",\"dur\":" TIME
        "%s},\n",
        name, trace->process, trace->process, MICROSECONDS(begin_ns),
        MICROSECONDS(end_ns - begin_ns), arguments);
}

/* A span about the next slot, and one end of the arrow between the two processes: 's' or 'f'. */
static void put_slot(struct trace *trace, const char *name, uint64_t begin_ns, uint64_t bytes,
                     char end)
{
    uint64_t end_ns = now_ns(trace);
    put(trace,
        "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME ",\"dur\":" TIME
        ",\"args\":{\"number\":%" PRIu64 ",\"bytes\":%" PRIu64 "}},\n",
        name, trace->process, trace->process, MICROSECONDS(begin_ns),
        MICROSECONDS(end_ns - begin_ns), trace->count, bytes);
    put(trace,
        "{\"name\":\"hand-off\",\"cat\":\"slot\",\"ph\":\"%c\",\"bp\":\"e\",\"id\":%" PRIu64
        ",\"pid\":%u,\"tid\":%u,\"ts\":" TIME "},\n",
        end, trace->count, trace->process, trace->process, MICROSECONDS(begin_ns));
    trace->count++;
}

/* ---- the table in front of the real one ---- */

static struct trace *trace_of(const struct shmsum_os *os)
{
    return os->context;
}

/* Whoever waited for a slot does something else now. */
static void end_idle(struct trace *trace, uint64_t now)
{
    if (trace->idle_ns != 0 && now - trace->idle_ns >= IDLE_MIN_NS)
        put_span(trace, "wait for a slot", trace->idle_ns, now, NULL, 0);
    trace->idle_ns = 0;
}

static ssize_t traced_read(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    end_idle(trace, begin);
    ssize_t got = trace->real->read(trace->real, fd, bytes, size);
    put_span(trace, "read", begin, now_ns(trace), "bytes", got);
    trace->busy_ns = now_ns(trace);
    return got;
}

static ssize_t traced_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    ssize_t wrote = trace->real->write(trace->real, fd, bytes, size);
    put_span(trace, fd == trace->results ? "write" : "message", begin, now_ns(trace), "bytes",
             wrote);
    return wrote;
}

static int traced_ppoll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                        const sigset_t *mask)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    end_idle(trace, begin);
    int result = trace->real->ppoll(trace->real, fds, count, mask);
    put_span(trace, "wait for input", begin, now_ns(trace), NULL, 0);
    return result;
}

static int traced_wait_two(const struct shmsum_os *os, const void *word, uint32_t expected,
                           const void *stop, uint32_t stop_expected)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    int result = trace->real->futex_waitv(trace->real, word, expected, stop, stop_expected);
    put_span(trace, "sleep", begin, now_ns(trace), NULL, 0);
    return result;
}

static int traced_wait(const struct shmsum_os *os, const void *word, uint32_t expected,
                       int timeout_ms)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    int result = trace->real->futex_wait(trace->real, word, expected, timeout_ms);
    put_span(trace, "sleep", begin, now_ns(trace), NULL, 0);
    return result;
}

static int traced_wake(const struct shmsum_os *os, const void *word)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    int result = trace->real->futex_wake(trace->real, word);
    put_span(trace, "wake", begin, now_ns(trace), NULL, 0);
    return result;
}

static int traced_fsync(const struct shmsum_os *os, int fd)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    int result = trace->real->fsync(trace->real, fd);
    put_span(trace, "sync", begin, now_ns(trace), NULL, 0);
    return result;
}

/* ---- the watches ---- */

static void handed_over(struct producer_watch *watch, uint64_t bytes)
{
    struct trace *trace =
        (struct trace *)(void *)((char *)watch - offsetof(struct trace, producer));
    put_slot(trace, "hand over", trace->busy_ns, bytes - trace->bytes, 's');
    trace->bytes = bytes;
    trace->idle_ns = trace->busy_ns = now_ns(trace); /* in the dialogue there may be no read */
}

void trace_handed_end(struct trace *trace)
{
    uint64_t now = now_ns(trace);
    end_idle(trace, now);
    /* It has been seen by now, maybe: the arrow begins before. */
    put_slot(trace, "END", trace->busy_ns != 0 ? trace->busy_ns : now, 0, 's');
}

static void taken(struct consumer_watch *watch, uint32_t length)
{
    struct trace *trace =
        (struct trace *)(void *)((char *)watch - offsetof(struct trace, consumer));
    uint64_t now = now_ns(trace);
    end_idle(trace, now);
    put_slot(trace, length > 0 ? "take" : "END", now, length, 'f');
    trace->busy_ns = now;
}

static void dealt_with(struct consumer_watch *watch)
{
    struct trace *trace =
        (struct trace *)(void *)((char *)watch - offsetof(struct trace, consumer));
    put_span(trace, "parse and sum", trace->busy_ns, now_ns(trace), NULL, 0);
    trace->idle_ns = now_ns(trace);
}

void trace_begin(struct trace *trace, const struct shmsum_os *real, int fd, bool first,
                 const char *role, int results, uint64_t epoch_ns)
{
    *trace = (struct trace){
        .os = *real,
        .producer = {.handed_over = handed_over},
        .consumer = {.taken = taken, .dealt_with = dealt_with},
        .real = real,
        .fd = fd,
        .results = results,
        .epoch_ns = epoch_ns,
        .process = (unsigned)real->getpid(real),
    };
    trace->os.context = trace;
    trace->os.read = traced_read;
    trace->os.write = traced_write;
    trace->os.ppoll = traced_ppoll;
    trace->os.futex_waitv = traced_wait_two;
    trace->os.futex_wait = traced_wait;
    trace->os.futex_wake = traced_wake;
    trace->os.fsync = traced_fsync;
    put(trace,
        "%s{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%u,\"args\":{\"name\":\"%s\"}},\n",
        first ? "[\n" : "", trace->process, role);
    if (first)
        flush(trace); /* the bracket comes before anything of the child's */
}

int trace_end(struct trace *trace, bool last)
{
    uint64_t now = now_ns(trace);
    if (last) /* an event without a comma behind it */
        put(trace,
            "{\"name\":\"end\",\"ph\":\"i\",\"s\":\"g\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME
            "}\n]\n",
            trace->process, trace->process, MICROSECONDS(now));
    flush(trace);
    return trace->error;
}
