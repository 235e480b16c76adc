/* text_buffer.c - builds a text in a bounded buffer. See text_buffer.h. */
#include "text_buffer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct text_buffer text_in(char *bytes, size_t room)
{
    assert(room > 0);
    bytes[0] = '\0';
    return (struct text_buffer){.bytes = bytes, .room = room};
}

void text_clear(struct text_buffer *text)
{
    *text = text_in(text->bytes, text->room);
}

/* Returns how many of `size` more bytes fit. Marks the text as cut if that is not all of them. */
static size_t fit(struct text_buffer *text, size_t size)
{
    size_t left = text->cut ? 0 : text->room - 1 - text->size;
    if (size <= left)
        return size;
    text->cut = true;
    return left;
}

void text_add(struct text_buffer *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_add_bytes(struct text_buffer *text, const void *bytes, size_t size)
{
    size = fit(text, size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_add_whole(struct text_buffer *text, const void *bytes, size_t size)
{
    if (fit(text, size) == size)
        text_add_bytes(text, bytes, size);
}

/* Whether the byte continues a character of UTF-8. */
static bool continues(char byte)
{
    return ((uint8_t)byte & 0xc0) == 0x80;
}

void text_add_shortened(struct text_buffer *text, const void *bytes, size_t size, size_t max)
{
    const char *from = bytes;
    if (size <= max) {
        text_add_bytes(text, from, size);
        return;
    }
    enum { DOTS = 3, CONTINUATIONS = 3 };
    size_t end = (max - DOTS) / 2, begin = size - (max - DOTS - end);
    for (int i = 0; i < CONTINUATIONS && continues(from[end]); i++)
        end--;
    for (int i = 0; i < CONTINUATIONS && begin < size && continues(from[begin]); i++)
        begin++;
    text_add_bytes(text, from, end);
    text_add(text, "...");
    text_add_bytes(text, from + begin, size - begin);
}

void text_add_number(struct text_buffer *text, uint64_t number)
{
    char digits[TEXT_NUMBER_MAX];
    text_add_whole(text, digits, text_write_number(digits, number));
}

void text_add_repeated(struct text_buffer *text, char byte, size_t count)
{
    count = fit(text, count);
    memset(text->bytes + text->size, byte, count);
    text->size += count;
    text->bytes[text->size] = '\0';
}

void text_addf(struct text_buffer *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_addv(text, format, arguments);
    va_end(arguments);
}

void text_addv(struct text_buffer *text, const char *format, va_list arguments)
{
    if (text->cut)
        return;
    char *end = text->bytes + text->size;
    int size = vsnprintf(end, text->room - text->size, format, arguments);
    if (size < 0) { /* longer than INT_MAX */
        *end = '\0';
        text->cut = true;
        return;
    }
    text->size += fit(text, (size_t)size);
}

size_t text_write_number(char to[TEXT_NUMBER_MAX], uint64_t number)
{
    char digits[TEXT_NUMBER_MAX];
    size_t size = 0;
    do
        digits[sizeof digits - ++size] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    memcpy(to, digits + sizeof digits - size, size);
    return size;
}
