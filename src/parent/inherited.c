/*
 * inherited.c - closes the descriptors that the caller of shmsum left open. See inherited.h.
 * Called by main, once.
 *
 * A program gets all descriptors of its caller that are not close-on-exec: the log of a shell, the
 * socket of a service. Neither process needs them, and the call filters allow read and write on any
 * descriptor that the parent has. A shell's <(COMMAND) is the argument /dev/fd/63: that one stays.
 */
#include "inherited.h"

#include <limits.h>
#include <string.h>

enum { FIRST = 3 };

/* The descriptor that the path names, or -1. */
static int named_by(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t length = strlen(folders[i]);
        if (strncmp(path, folders[i], length) != 0)
            continue;
        const char *digit = path + length;
        int fd = 0;
        while (*digit >= '0' && *digit <= '9' && fd <= (INT_MAX - 9) / 10)
            fd = 10 * fd + (*digit++ - '0');
        return *digit == '\0' && digit > path + length ? fd : -1;
    }
    return -1;
}

/* The lowest descriptor from `from` on that an argument names, or -1. Arguments are few: no list of
 * them is made. */
static int next_named(const struct options *options, int from)
{
    const char *const others[] = {options->output, options->trace};
    int lowest = -1;
    for (int i = 0; i < options->input_count + 2; i++) {
        const char *path = i < 2 ? others[i] : options->inputs[i - 2];
        int fd = path != NULL ? named_by(path) : -1;
        if (fd >= from && (lowest < 0 || fd < lowest))
            lowest = fd;
    }
    return lowest;
}

int inherited_close(const struct shmsum_os *os, const struct options *options)
{
    int from = FIRST;
    for (;;) {
        int named = next_named(options, from);
        int last = named < 0 ? INT_MAX : named - 1;
        int result = last < from ? 0 : os->close_range(os, from, last);
        if (result < 0 || named < 0)
            return result;
        from = named + 1;
    }
}
