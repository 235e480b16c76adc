/* message.c - what either program says on standard error. See message.h. */
#include "message.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

enum { PREFIX_MAX = 8, TEXT_MAX = 2048, MESSAGES_FD = 2 };

void message_bytes(const struct shmsum_os *os, int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t wrote = os->write(os, fd, text, size);
        if (wrote == -EAGAIN) { /* somebody made it non-blocking */
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            int waited = os->poll(os, &ready, 1, NULL);
            wrote = waited < 0 ? waited : -EINTR;
        }
        if (wrote == -EINTR)
            continue;
        if (wrote <= 0)
            return;
        text += wrote;
        size -= (size_t)wrote;
    }
}

__attribute__((format(printf, 3, 0))) static void
write_line(const struct shmsum_os *os, const char *prefix, const char *format, va_list arguments)
{
    char text[TEXT_MAX];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        return;
    size_t size = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;

    char line[PREFIX_MAX + 4 * TEXT_MAX + 1];
    size_t used = strlen(prefix);
    memcpy(line, prefix, used);
    used += escape_name(line + used, text, size);
    line[used++] = '\n';
    message_bytes(os, MESSAGES_FD, line, used);
}

void message(const struct shmsum_os *os, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(os, "shmsum: ", format, arguments);
    va_end(arguments);
}

void message_plain(const struct shmsum_os *os, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(os, "", format, arguments);
    va_end(arguments);
}

void message_clear_line(const struct shmsum_os *os)
{
    message_bytes(os, MESSAGES_FD, MESSAGE_CLEAR_LINE, strlen(MESSAGE_CLEAR_LINE));
}

/* What errno's text leaves unclear in the place where we meet it. */
static const char *reason(const struct shmsum_failure *why)
{
    if (why->error == EWOULDBLOCK && strcmp(why->call, "flock") == 0)
        return "another process is writing it";
    if (why->error == ELOOP && strcmp(why->call, "open") == 0)
        return "is a symbolic link; name the file itself";
    if (why->error == EMLINK && strcmp(why->call, "open") == 0)
        return "has another name (a hard link); name a new file";
    if (why->error == EEXIST && strcmp(why->call, "open") == 0)
        return "input file is the results file";
    if (why->error == EEXIST && strcmp(why->call, "trace") == 0)
        return "is the results file or an input";
    if (why->error == EBADMSG && strcmp(why->call, "append") == 0)
        return "its last line is unfinished; end or remove that line first";
    if (why->error == EBADMSG && strcmp(why->call, "results") == 0)
        return "is not what the child says that it wrote";
    if (why->error == EINVAL && strcmp(why->call, "fsync") == 0)
        return "not a regular file, so it cannot be put on a disk";
    return strerror(why->error);
}

void message_failure(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    if (why->error == EPROTO)
        message(os, "%s: %s: the other process broke the rules", why->call, why->object);
    else
        message(os, "%s: %s: %s", why->call, why->object, reason(why));
}
