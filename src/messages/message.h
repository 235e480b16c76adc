/* message.h - what either program says on standard error: one line, in one piece. */
#ifndef SHMSUM_SRC_MESSAGE_H
#define SHMSUM_SRC_MESSAGE_H

#include <shmsum/os.h>

/* Writes all of text[0..size), if need be in parts and once fd can be written. Errors are ignored:
 * there is nobody left to tell, and the results still say it all. */
void message_bytes(const struct shmsum_os *os, int fd, const char *text, size_t size);

/* Writes "shmsum: " and the formatted text and '\n'. Control characters in it are escaped, so that
 * neither a file's name nor an argument can drive the terminal. Cut at 2 KiB. */
__attribute__((format(printf, 2, 3))) void message(const struct shmsum_os *os, const char *format,
                                                   ...);

/* The same without "shmsum: ": for what is not a complaint. */
__attribute__((format(printf, 2, 3))) void message_plain(const struct shmsum_os *os,
                                                         const char *format, ...);

/* Takes back a line that was drawn to be drawn again: to the terminal's left edge, and nothing
 * behind it (ECMA-48). What comes between two drawings begins with it. */
#define MESSAGE_CLEAR_LINE "\r\033[K"
void message_clear_line(const struct shmsum_os *os);

/* "shmsum: call: object: reason". */
void message_failure(const struct shmsum_os *os, const struct shmsum_failure *why);

#endif
