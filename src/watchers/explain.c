/* explain.c - what the lab is about, told while it happens. See explain.h. Called by the two mains;
 * by the roles through its watches. */
#include "explain.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/message.h"
#include "os/retry.h"

enum { TEXT_MAX = 512, LINE_MAX_BYTES = 512 };

void explain_event(const struct explain *explain, const char *format, ...)
{
    const struct shmsum_os *os = explain->os;
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    uint64_t us = (os->clock_ns(os) - explain->epoch_ns) / 1000;
    message_plain(os, "%6" PRIu64 ".%03u ms  %-6s  %s", us / 1000, (unsigned)(us % 1000),
                  explain->role, text);
}

static void handed_over(struct producer_watch *watch, uint64_t bytes)
{
    struct explain *explain =
        (struct explain *)(void *)((char *)watch - offsetof(struct explain, producer));
    if (explain->count++ < EXPLAIN_SLOTS_MAX)
        explain_event(explain, "slot %u: FREE -> READY, %" PRIu64 " bytes",
                      (unsigned)((explain->count - 1) % explain->slots), bytes - explain->bytes);
    explain->bytes = bytes;
}

void explain_handed_end(struct explain *explain)
{
    if (explain->count > EXPLAIN_SLOTS_MAX)
        explain_event(explain, "%" PRIu64 " more slots handed over, not told one by one",
                      explain->count - EXPLAIN_SLOTS_MAX);
    explain_event(explain, "slot %u: FREE -> END, and nothing will ever overwrite it",
                  (unsigned)(explain->count % explain->slots));
}

static void taken(struct consumer_watch *watch, uint32_t length)
{
    struct explain *explain =
        (struct explain *)(void *)((char *)watch - offsetof(struct explain, consumer));
    unsigned slot = (unsigned)(explain->count % explain->slots);
    if (length == 0)
        explain_event(explain, "slot %u: END seen, all input was taken", slot);
    else if (explain->count++ < EXPLAIN_SLOTS_MAX)
        explain_event(explain, "slot %u: copied %u bytes, READY -> FREE", slot, (unsigned)length);
}

static void dealt_with(struct consumer_watch *watch)
{
    (void)watch;
}

void explain_begin(struct explain *explain, const struct shmsum_os *os, const char *role,
                   uint64_t epoch_ns)
{
    *explain = (struct explain){
        .producer = {.handed_over = handed_over},
        .consumer = {.taken = taken, .dealt_with = dealt_with},
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

/* The line of /proc/self/maps about the mapping that begins at `address`, into line. */
static bool find_mapping(const struct shmsum_os *os, uintptr_t address, char line[LINE_MAX_BYTES])
{
    int fd = os->open(os, "/proc/self/maps", O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool found = false;
    size_t used = 0;
    for (;;) {
        char byte;
        ssize_t got;
        RETRY(got, os->read(os, fd, &byte, 1));
        if (got <= 0)
            break;
        if (byte != '\n') {
            if (used < LINE_MAX_BYTES - 1)
                line[used++] = byte;
            continue;
        }
        line[used] = '\0';
        used = 0;
        if (strtoull(line, NULL, 16) == address) {
            found = true;
            break;
        }
    }
    os->close(os, fd);
    return found;
}

/* The frame of physical memory behind a page, or 0: the kernel does not tell. The kernel's
 * Documentation/admin-guide/mm/pagemap.rst. */
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

void explain_mapping(struct explain *explain, const struct shmsum_region *region)
{
    explain->slots = region->geometry.slots;
    uintptr_t address = (uintptr_t)region->header;
    char line[LINE_MAX_BYTES], device[16] = "?", inode[24] = "?", frame[64];
    if (find_mapping(explain->os, address, line))
        sscanf(line, "%*s %*s %*s %15s %23s", device, inode);
    uint64_t number = find_frame(explain->os, address);
    if (number != 0)
        snprintf(frame, sizeof frame, "its first page is frame %#" PRIx64, number);
    else
        strcpy(frame, "the kernel tells its frames to root only");
    explain_event(explain, "mapped at %p: device %s, inode %s; %s", (void *)region->header, device,
                  inode, frame);
}
