/* trace.c - records what the two processes did, and when. See trace.h. Called by both mains, and by
 * the roles through its table of system calls and as an observer. */
#include "trace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>

#include "os/write_all.h"

enum { EVENT_MAX = 256, IDLE_MIN_NS = 5000 };

static void flush(struct trace *trace)
{
    if (trace->error == 0)
        trace->error = os_write_all(trace->real, trace->fd, trace->text.bytes, trace->text.size);
    text_clear(&trace->text);
}

/* Adds an event, which fits in EVENT_MAX bytes. */
__attribute__((format(printf, 2, 3))) static void put(struct trace *trace, const char *format, ...)
{
    char bytes[EVENT_MAX];
    struct text_buffer event = text_in(bytes, sizeof bytes);
    va_list arguments;
    va_start(arguments, format);
    text_addv(&event, format, arguments);
    va_end(arguments);
    assert(!event.cut);
    text_add_whole(&trace->text, event.bytes, event.size);
    if (trace->text.cut) { /* full: write the events before this one */
        flush(trace);
        text_add_whole(&trace->text, event.bytes, event.size);
    }
}

static uint64_t now_ns(const struct trace *trace)
{
    return trace->real->clock_ns(trace->real) - trace->epoch_ns;
}

/* The format has times in microseconds. MICROSECONDS are the arguments of TIME. */
#define MICROSECONDS(ns) (ns) / 1000, (unsigned)((ns) % 1000)
#define TIME "%" PRIu64 ".%03u"

/* Adds a span from begin_ns to end_ns, with the argument `what` = `count` unless `what` is NULL. */
static void put_span(struct trace *trace, const char *name, uint64_t begin_ns, uint64_t end_ns,
                     const char *what, int64_t count)
{
    char bytes[64];
    struct text_buffer arguments = text_in(bytes, sizeof bytes);
    if (what != NULL)
        text_addf(&arguments, ",\"args\":{\"%s\":%" PRId64 "}", what, count);
    put(trace,
        "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME ",\"dur\":" TIME
        "%s},\n",
        name, trace->process, trace->process, MICROSECONDS(begin_ns),
        MICROSECONDS(end_ns - begin_ns), arguments.bytes);
}

/* Adds a span about the slot of the event, from begin_ns to the event, and one end of the arrow
 * between the two processes: 's' where it starts, 'f' where it finishes. The viewer draws the arrow
 * only to a span that lasts: a nanosecond at least. */
static void put_slot(struct trace *trace, const char *name, uint64_t begin_ns,
                     const struct observer_event *event, char end)
{
    uint64_t took_ns = event->time_ns - trace->epoch_ns - begin_ns;
    put(trace,
        "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME ",\"dur\":" TIME
        ",\"args\":{\"number\":%" PRIu64 ",\"bytes\":%" PRIu32 "}},\n",
        name, trace->process, trace->process, MICROSECONDS(begin_ns),
        MICROSECONDS(took_ns > 0 ? took_ns : 1), event->number, event->bytes);
    put(trace,
        "{\"name\":\"hand-off\",\"cat\":\"slot\",\"ph\":\"%c\",\"bp\":\"e\",\"id\":%" PRIu64
        ",\"pid\":%u,\"tid\":%u,\"ts\":" TIME "},\n",
        end, event->number, trace->process, trace->process, MICROSECONDS(begin_ns));
}

/* ---- the table in front of the real one ---- */

static struct trace *trace_of(const struct shmsum_os *os)
{
    return os->context;
}

/* The wait for a slot is over. Adds its span, unless it was too short to be seen. */
static void end_idle(struct trace *trace, uint64_t now)
{
    if (trace->idle_ns != 0 && now - trace->idle_ns >= IDLE_MIN_NS)
        put_span(trace, "wait for a slot", trace->idle_ns, now, NULL, 0);
    trace->idle_ns = 0;
}

/* Adds the span of the last wait for input. */
static void end_await(struct trace *trace)
{
    uint64_t begin = trace->await_begin_ns;
    if (begin == 0)
        return;
    trace->await_begin_ns = 0;
    end_idle(trace, begin);
    put_span(trace, "wait for input", begin, trace->await_end_ns, NULL, 0);
}

static ssize_t traced_read(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    struct trace *trace = trace_of(os);
    uint64_t begin = now_ns(trace);
    end_await(trace);
    end_idle(trace, begin);
    ssize_t got = trace->real->read(trace->real, fd, bytes, size);
    trace->busy_ns = now_ns(trace);
    put_span(trace, "read", begin, trace->busy_ns, "bytes", got);
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

/* Callers may have blocked all signals until ppoll unblocks them, so no event is added here: its
 * write could wait for a reader of the trace, and no signal would end that wait. */
static int traced_ppoll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                        const sigset_t *mask)
{
    struct trace *trace = trace_of(os);
    if (trace->await_begin_ns == 0) /* else an interrupted wait goes on */
        trace->await_begin_ns = now_ns(trace);
    int result = trace->real->ppoll(trace->real, fds, count, mask);
    trace->await_end_ns = now_ns(trace);
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

/* ---- the observer ---- */

static void notify(struct observer *observer, const struct observer_event *event)
{
    struct trace *trace =
        (struct trace *)(void *)((char *)observer - offsetof(struct trace, observer));
    uint64_t now = event->time_ns - trace->epoch_ns;
    end_await(trace);
    switch (event->kind) {
    case OBSERVER_SLOT_PUBLISHED:
        put_slot(trace, "hand over", trace->busy_ns, event, 's');
        trace->idle_ns = trace->busy_ns = now; /* the dialogue may publish twice without a read */
        break;
    case OBSERVER_END_PUBLISHED:
        end_idle(trace, now);
        /* The child may already have taken END: start the arrow earlier. */
        put_slot(trace, "END", trace->busy_ns != 0 ? trace->busy_ns : now, event, 's');
        break;
    case OBSERVER_SLOT_TAKEN:
    case OBSERVER_END_TAKEN:
        end_idle(trace, now);
        put_slot(trace, event->kind == OBSERVER_SLOT_TAKEN ? "take" : "END", now, event, 'f');
        trace->busy_ns = now;
        break;
    case OBSERVER_SLOT_DONE:
        put_span(trace, "parse and sum", trace->busy_ns, now, NULL, 0);
        trace->idle_ns = now;
        break;
    case OBSERVER_SLOT_RELEASED:
        break; /* the arrow ends where the slot was taken */
    }
}

void trace_begin(struct trace *trace, const struct shmsum_os *real,
                 const struct trace_setting *setting)
{
    *trace = (struct trace){
        .os = *real,
        .observer = {.notify = notify},
        .real = real,
        .fd = setting->fd,
        .results = setting->results,
        .epoch_ns = setting->epoch_ns,
        .process = (unsigned)real->getpid(real),
    };
    trace->text = text_in(trace->bytes, sizeof trace->bytes);
    trace->os.context = trace;
    trace->os.read = traced_read;
    trace->os.write = traced_write;
    trace->os.ppoll = traced_ppoll;
    trace->os.futex_waitv = traced_wait_two;
    trace->os.futex_wait = traced_wait;
    trace->os.futex_wake = traced_wake;
    trace->os.fsync = traced_fsync;
    put(trace,
        "%s{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%u,\"args\":{\"name\":\"%.100s\"}},\n",
        setting->first ? "[\n" : "", trace->process, setting->role);
    if (setting->first)
        flush(trace); /* the bracket comes before anything of the child's */
}

int trace_end(struct trace *trace, bool last)
{
    uint64_t now = now_ns(trace);
    end_await(trace);
    if (last) /* an event without a comma behind it */
        put(trace,
            "{\"name\":\"end\",\"ph\":\"i\",\"s\":\"g\",\"pid\":%u,\"tid\":%u,\"ts\":" TIME
            "}\n]\n",
            trace->process, trace->process, MICROSECONDS(now));
    flush(trace);
    return trace->error;
}
