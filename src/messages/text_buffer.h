/*
 * text_buffer.h - builds a text piece by piece in a bounded buffer. Pure.
 *
 * No function writes outside the buffer. Text that does not fit is cut off: the buffer then holds
 * the beginning of what was added, `cut` is set, and nothing is added any more. So the text is
 * always a beginning of the whole, and the caller checks once, at the end, or not at all.
 *
 *     char bytes[64];
 *     struct text_buffer text = text_in(bytes, sizeof bytes);
 *     text_add(&text, "line ");
 *     text_add_number(&text, line);
 *     message(os, "%s", text.bytes);
 *
 * One thread. Only text_addf and text_addv are not for signal handlers.
 */
#ifndef SHMSUM_SRC_MESSAGES_TEXT_BUFFER_H
#define SHMSUM_SRC_MESSAGES_TEXT_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_buffer {
    char *bytes; /* not owned; bytes[size] is a NUL */
    size_t size; /* bytes of text */
    size_t room; /* bytes of the buffer, the NUL among them: size < room */
    bool cut;    /* a piece did not fit */
};

/* An empty text in bytes[0..room), room > 0. */
struct text_buffer text_in(char *bytes, size_t room);

/* Makes the text empty again. */
void text_clear(struct text_buffer *text);

/* Add a string, or bytes[0..size). What does not fit is cut at a byte. */
void text_add(struct text_buffer *text, const char *string);
void text_add_bytes(struct text_buffer *text, const void *bytes, size_t size);

/* Adds all of bytes[0..size), or nothing of it: for a piece that must not be torn, such as the
 * bytes of one character. */
void text_add_whole(struct text_buffer *text, const void *bytes, size_t size);

/* Adds bytes[0..size). If that is more than max (>= 16), adds their beginning, "..." and their end,
 * at most max bytes in all; a character in UTF-8 stays whole. */
void text_add_shortened(struct text_buffer *text, const void *bytes, size_t size, size_t max);

/* Adds the number in decimal, whole. */
void text_add_number(struct text_buffer *text, uint64_t number);

/* Adds `count` times the same byte. */
void text_add_repeated(struct text_buffer *text, char byte, size_t count);

/* Add what printf would print; cut at a byte. */
__attribute__((format(printf, 2, 3))) void text_addf(struct text_buffer *text, const char *format,
                                                     ...);
__attribute__((format(printf, 2, 0))) void text_addv(struct text_buffer *text, const char *format,
                                                     va_list arguments);

/* Writes the number in decimal, without a NUL, and returns its size. For a caller whose speed
 * matters and that has proved that there is room. */
enum { TEXT_NUMBER_MAX = 20 };
size_t text_write_number(char to[TEXT_NUMBER_MAX], uint64_t number);

#endif
