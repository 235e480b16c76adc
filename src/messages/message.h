/* message.h - messages of both programs on standard error: each is one line and one write. */
#ifndef SHMSUM_SRC_MESSAGES_MESSAGE_H
#define SHMSUM_SRC_MESSAGES_MESSAGE_H

#include <shmsum/os.h>

/* Writes text[0..size) as os_write_all does. Ignores errors: there is no other place to report
 * them, and the results are complete without the message. */
void message_bytes(const struct shmsum_os *os, int fd, const char *text, size_t size);

/* Writes "shmsum: ", the formatted text and '\n'. Escapes in the text what escape_name does, so
 * that neither a file name nor an argument can control the terminal. Of a text longer than 2 KiB it
 * shows the beginning and the end: what is long is a name, and the name is in the middle. The text
 * must be shorter than PATH_MAX + 1024 bytes. */
__attribute__((format(printf, 2, 3))) void message(const struct shmsum_os *os, const char *format,
                                                   ...);

/* The same without "shmsum: ": for text that is not a complaint. */
__attribute__((format(printf, 2, 3))) void message_plain(const struct shmsum_os *os,
                                                         const char *format, ...);

/* The name of an input in messages: the path, or "stdin" for "-". Pure. */
const char *message_input_name(const char *path);

/* Erases the progress line (ECMA-48: to the left edge, then erase to the end of the line). A
 * message begins with it when a progress line may be on the terminal. */
#define MESSAGE_CLEAR_LINE "\r\033[K"
void message_clear_line(const struct shmsum_os *os);

/* Why the program itself refuses something that no system call refused. Used as the error of a
 * struct shmsum_failure; no errno has these values (see enum shmsum_outcome). */
enum message_refusal {
    REFUSED_IS_RESULTS = 5101, /* an input is the file of the results */
    REFUSED_IN_USE,            /* the file of the trace is that of the results, or an input */
    REFUSED_HARD_LINK,         /* the file has a second name */
    REFUSED_UNFINISHED,        /* the last line of the file is not whole */
    REFUSED_NOT_AS_CLAIMED,    /* the file does not hold what the child says that it wrote */
    REFUSED_GONE,              /* the file has lost its name */
    REFUSED_REPLACED,          /* another file has its name */
    REFUSED_FOREIGN,           /* the end of the file is not of this run */
    REFUSED_LOCKED,            /* another process holds the lock of the file */
    REFUSED_ENDLESS,           /* the file has no line where it is searched for one */
    REFUSED_NOT_REGULAR,       /* not a regular file */
    REFUSED_OWNER,             /* the child's program belongs to a stranger */
};

/* Writes "shmsum: call: object: reason". Of a long object it shows the beginning and the end. */
void message_failure(const struct shmsum_os *os, const struct shmsum_failure *why);

#endif
