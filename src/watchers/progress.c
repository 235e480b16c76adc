/* progress.c - draws how far a long run is. See progress.h. Called by the producer as an observer,
 * and by main at the end. */
#include "progress.h"

#include "messages/message.h"
#include "messages/text_buffer.h"

enum { STANDARD_ERROR = 2, REDRAW_MS = 100, NS_IN_MS = 1000000, NS_IN_S = 1000000000 };
enum { LINE_MAX_BYTES = 128, LEFT_MAX_S = 100 * 60 * 60 };

/* "999 B", "1.0 kB", "42 MB" */
static void add_amount(struct text_buffer *text, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1000;
        unit++;
    }
    text_addf(text, unit > 0 && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* "0:07", "1:00:00" */
static void add_time(struct text_buffer *text, unsigned seconds)
{
    unsigned minutes = seconds / 60, hours = minutes / 60;
    if (hours > 0)
        text_addf(text, "%u:%02u:%02u", hours, minutes % 60, seconds % 60);
    else
        text_addf(text, "%u:%02u", minutes, seconds % 60);
}

void progress_text(struct text_buffer *text, uint64_t done, uint64_t total, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / NS_IN_S;
    double speed = seconds > 0 ? (double)done / seconds : 0;
    bool known = total > 0 && done <= total; /* the inputs may have grown */
    if (known)
        text_addf(text, "%u %% of ", (unsigned)((double)done / (double)total * 100));
    add_amount(text, known ? (double)total : (double)done);
    text_add(text, ", ");
    add_amount(text, speed);
    text_add(text, "/s");
    double left = known && speed > 0 ? (double)(total - done) / speed : LEFT_MAX_S;
    if (left < LEFT_MAX_S) {
        text_add(text, ", ");
        add_time(text, (unsigned)(left + 0.999));
        text_add(text, " left");
    }
}

static void notify(struct observer *observer, const struct observer_event *event)
{
    struct progress *progress =
        (struct progress *)(void *)((char *)observer - offsetof(struct progress, observer));
    if (event->kind != OBSERVER_SLOT_PUBLISHED || event->time_ns < progress->next_ns)
        return;
    const struct shmsum_os *os = progress->os;
    progress->next_ns = event->time_ns + (uint64_t)REDRAW_MS * NS_IN_MS;
    char bytes[LINE_MAX_BYTES];
    struct text_buffer line = text_in(bytes, sizeof bytes);
    text_add(&line, MESSAGE_CLEAR_LINE);
    progress_text(&line, event->total, progress->total, event->time_ns - progress->begun_ns);
    os->write(os, STANDARD_ERROR, line.bytes, line.size); /* a lost line is drawn again soon */
    progress->shown = true;
}

void progress_begin(struct progress *progress, const struct shmsum_os *os, uint64_t total,
                    unsigned delay_ms)
{
    uint64_t now = os->clock_ns(os);
    *progress = (struct progress){
        .observer = {.notify = notify},
        .os = os,
        .total = total,
        .begun_ns = now,
        .next_ns = now + (uint64_t)delay_ms * NS_IN_MS,
    };
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        message_clear_line(progress->os);
    progress->shown = false;
}
