/* progress.c - how far a long run has come. See progress.h. Called by the producer's role, and by
 * main at the end. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "messages/message.h"

enum { STANDARD_ERROR = 2, REDRAW_MS = 100, NS_IN_MS = 1000000, NS_IN_S = 1000000000 };

/* "999 B", "1.0 kB", "42 MB" */
static void put_amount(char to[16], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1000;
        unit++;
    }
    snprintf(to, 16, unit > 0 && bytes < 9.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* ", 0:07 left", ", 1:00:00 left"; its length. */
static int put_time(char *to, unsigned seconds)
{
    unsigned minutes = seconds / 60, hours = minutes / 60;
    return hours > 0 ? sprintf(to, ", %u:%02u:%02u left", hours, minutes % 60, seconds % 60)
                     : sprintf(to, ", %u:%02u left", minutes, seconds % 60);
}

size_t progress_text(char to[PROGRESS_TEXT_MAX], uint64_t done, uint64_t total, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / NS_IN_S;
    double speed = seconds > 0 ? (double)done / seconds : 0;
    char amount[16], rate[16];
    put_amount(rate, speed);
    int size;
    if (total == 0 || done > total) { /* unknown, or it has grown */
        put_amount(amount, (double)done);
        size = snprintf(to, PROGRESS_TEXT_MAX, "%s, %s/s", amount, rate);
    } else {
        put_amount(amount, (double)total);
        unsigned share = (unsigned)((double)done / (double)total * 100);
        size = snprintf(to, PROGRESS_TEXT_MAX, "%u %% of %s, %s/s", share, amount, rate);
        double left = speed > 0 ? (double)(total - done) / speed : 1e9;
        if (left < 360000) /* a hundred hours: it is known to be long */
            size += put_time(to + size, (unsigned)(left + 0.999));
    }
    return (size_t)size;
}

static void notify(struct observer *observer, const struct observer_event *event)
{
    struct progress *progress =
        (struct progress *)(void *)((char *)observer - offsetof(struct progress, observer));
    if (event->kind != OBSERVER_SLOT_PUBLISHED || event->time_ns < progress->next_ns)
        return;
    const struct shmsum_os *os = progress->os;
    progress->next_ns = event->time_ns + (uint64_t)REDRAW_MS * NS_IN_MS;
    char text[PROGRESS_TEXT_MAX];
    progress_text(text, event->total, progress->total, event->time_ns - progress->begun_ns);
    char line[sizeof MESSAGE_CLEAR_LINE + PROGRESS_TEXT_MAX];
    int size = snprintf(line, sizeof line, MESSAGE_CLEAR_LINE "%s", text);
    os->write(os, STANDARD_ERROR, line, (size_t)size); /* when that fails nobody is looking */
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
