/* explain.c - prints what happens in shared memory. See explain.h. Called by both mains, and by the
 * roles as an observer. */
#include "explain.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages/message.h"
#include "messages/text_buffer.h"
#include "os/retry.h"

enum { TEXT_MAX = 512 };

/* Prints a line: the time, the role and the text. */
__attribute__((format(printf, 3, 0))) static void
write_line(const struct explain *explain, uint64_t time_ns, const char *format, va_list arguments)
{
    char bytes[TEXT_MAX];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    text_addv(&text, format, arguments);
    uint64_t us = (time_ns - explain->epoch_ns) / 1000;
    message_plain(explain->os, "%6" PRIu64 ".%03u ms  %-6s  %s", us / 1000, (unsigned)(us % 1000),
                  explain->role, text.bytes);
}

void explain_event(const struct explain *explain, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(explain, explain->os->clock_ns(explain->os), format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void explain_slot(const struct explain *explain,
                                                               const struct observer_event *event,
                                                               const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(explain, event->time_ns, format, arguments);
    va_end(arguments);
}

static void notify(struct observer *observer, const struct observer_event *event)
{
    const struct explain *explain =
        (struct explain *)(void *)((char *)observer - offsetof(struct explain, observer));
    unsigned slot = event->slot, bytes = event->bytes;
    bool explained = event->number < EXPLAIN_SLOTS_MAX;
    switch (event->kind) {
    case OBSERVER_SLOT_PUBLISHED:
        if (explained)
            explain_slot(explain, event, "slot %u: FREE -> READY, %u bytes", slot, bytes);
        break;
    case OBSERVER_END_PUBLISHED:
        if (event->number > EXPLAIN_SLOTS_MAX)
            explain_slot(explain, event, "%" PRIu64 " more slots handed over, not shown one by one",
                         event->number - EXPLAIN_SLOTS_MAX);
        explain_slot(explain, event, "slot %u: FREE -> END, and nothing will ever overwrite it",
                     slot);
        break;
    case OBSERVER_SLOT_RELEASED:
        if (explained)
            explain_slot(explain, event, "slot %u: copied %u bytes, READY -> FREE", slot, bytes);
        break;
    case OBSERVER_END_TAKEN:
        explain_slot(explain, event, "slot %u: END seen, all input was taken", slot);
        break;
    case OBSERVER_SLOT_TAKEN:
    case OBSERVER_SLOT_DONE:
        break; /* the slot's state changes when it is released */
    }
}

void explain_begin(struct explain *explain, const struct shmsum_os *os, const char *role,
                   uint64_t epoch_ns)
{
    *explain = (struct explain){
        .observer = {.notify = notify},
        .os = os,
        .role = role,
        .epoch_ns = epoch_ns,
    };
}

void explain_object(const struct explain *explain, const struct shmsum_region *region)
{
    struct stat status;
    if (explain->os->fstat(explain->os, region->fd, &status) < 0)
        return;
    explain_event(explain,
                  "object %s: mode %04o, %" PRIu64 " bytes: a header, %u slots of %u bytes",
                  region->name, (unsigned)status.st_mode & 07777U, (uint64_t)status.st_size,
                  (unsigned)region->geometry.slots, (unsigned)region->geometry.payload_bytes);
}

/* Reads the line of /proc/self/maps about the mapping that begins at `address`. */
static bool find_mapping(const struct shmsum_os *os, uintptr_t address, struct text_buffer *line)
{
    int fd = os->open(os, "/proc/self/maps", O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool found = false;
    while (!found) {
        char byte;
        ssize_t got;
        RETRY(got, os->read(os, fd, &byte, 1));
        if (got <= 0)
            break;
        if (byte != '\n')
            text_add_bytes(line, &byte, 1);
        else if (strtoull(line->bytes, NULL, 16) == address)
            found = true;
        else
            text_clear(line);
    }
    os->close(os, fd);
    return found;
}

/* Returns the frame of physical memory behind a page, or 0: the kernel reports it to root only. See
 * the kernel's Documentation/admin-guide/mm/pagemap.rst. */
static uint64_t find_frame(const struct shmsum_os *os, uintptr_t address)
{
    enum { PAGE_BYTES = 4096 };
    int fd = os->open(os, "/proc/self/pagemap", O_RDONLY, 0);
    if (fd < 0)
        return 0;
    uint64_t entry = 0;
    ssize_t got =
        os->pread(os, fd, &entry, sizeof entry, (off_t)(address / PAGE_BYTES * sizeof entry));
    os->close(os, fd);
    bool present = entry >> 63 != 0;
    return got == (ssize_t)sizeof entry && present ? entry & ((UINT64_C(1) << 55) - 1) : 0;
}

void explain_mapping(const struct explain *explain, const struct shmsum_region *region)
{
    uintptr_t address = (uintptr_t)region->header;
    char line_bytes[TEXT_MAX], device[16] = "?", inode[24] = "?";
    struct text_buffer line = text_in(line_bytes, sizeof line_bytes);
    if (find_mapping(explain->os, address, &line))
        sscanf(line.bytes, "%*s %*s %*s %15s %23s", device, inode);

    char text_bytes[TEXT_MAX];
    struct text_buffer text = text_in(text_bytes, sizeof text_bytes);
    text_addf(&text, "mapped at %p: device %s, inode %s; ", (void *)region->header, device, inode);
    uint64_t frame = find_frame(explain->os, address);
    if (frame != 0)
        text_addf(&text, "its first page is frame %#" PRIx64, frame);
    else
        text_add(&text, "the kernel shows frames to root only");
    explain_event(explain, "%s", text.bytes);
}
