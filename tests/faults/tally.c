/* tally.c - a row of the table of faults. See tally.h. */
#include "tally.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROW_MAX = 512 };

#define COLUMNS                                                                          \
    row->points, row->fired, row->survived, row->hangs, row->torn, row->false_successes, \
        row->unreported, row->leaks

/* One write(2) per row, because drivers that run at the same time share the file. */
static bool append(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool whole = fd >= 0 && write(fd, text, size) == (ssize_t)size;
    if (!whole)
        fprintf(stderr, "tally: %s: %s\n", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return whole;
}

bool tally_print(const struct tally_row *row)
{
    printf("%-12s %-7s %-22s points %" PRIu64 ", fired %" PRIu64 ", survived %" PRIu64
           ", hangs %" PRIu64 ", torn %" PRIu64 ", false successes %" PRIu64 ", unreported %" PRIu64
           ", leaks %" PRIu64 "\n",
           row->kind, row->role, row->what, COLUMNS);
    fflush(stdout);
    bool clean = row->fired == row->survived && (row->hangs | row->torn | row->false_successes |
                                                 row->unreported | row->leaks) == 0;

    const char *path = getenv("SHMSUM_FAULT_TABLE");
    if (path == NULL || *path == '\0')
        return clean;
    char text[ROW_MAX];
    int size = snprintf(text, sizeof text,
                        "%s\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
                        "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
                        row->kind, row->role, row->what, COLUMNS);
    bool fits = size > 0 && size < ROW_MAX;
    return append(path, text, fits ? (size_t)size : 0) && fits && clean;
}
