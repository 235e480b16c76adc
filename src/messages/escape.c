/* escape.c - making bytes that came from outside harmless to the reader's terminal. See escape.h.
 */
#include "escape.h"

#include <stdint.h>
#include <string.h>

static size_t escape_byte(char *to, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    if (c >= ' ' && c <= '~') {
        to[0] = (char)c;
        return 1;
    }
    to[0] = '\\';
    to[1] = 'x';
    to[2] = digits[c >> 4];
    to[3] = digits[c & 15];
    return 4;
}

size_t escape_bytes(char *to, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    char *at = to;
    for (size_t i = 0; i < size; i++)
        at += escape_byte(at, from[i]);
    return (size_t)(at - to);
}

/* Length of the well-formed UTF-8 sequence of 2 to 4 bytes at the beginning of bytes[0..size) that
 * is not a control character; 0 when there is none. RFC 3629, section 4. */
static size_t utf8_sequence(const uint8_t *bytes, size_t size)
{
    uint8_t first = bytes[0];
    uint8_t low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t length;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
        if (first == 0xc2)
            low = 0xa0; /* U+0080 to U+009F are controls */
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        if (first == 0xe0)
            low = 0xa0;
        if (first == 0xed)
            high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        if (first == 0xf0)
            low = 0x90;
        if (first == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (size < length || bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf)
            return 0;
    return length;
}

size_t escape_name(char *to, const void *name, size_t size)
{
    const uint8_t *from = name;
    char *at = to;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence(from + i, size - i);
        if (length > 0) {
            memcpy(at, from + i, length);
            at += length;
            i += length;
        } else {
            at += escape_byte(at, from[i]);
            i++;
        }
    }
    return (size_t)(at - to);
}
