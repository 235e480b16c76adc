/* escape.c - makes bytes from outside harmless to the reader's terminal. See escape.h. */
#include "escape.h"

static void escape_byte(struct text_buffer *text, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    if (c >= ' ' && c <= '~') {
        text_add_whole(text, &c, 1);
    } else {
        const char escaped[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
        text_add_whole(text, escaped, sizeof escaped);
    }
}

void escape_bytes(struct text_buffer *text, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++)
        escape_byte(text, from[i]);
}

/* Returns the length of the UTF-8 sequence of 2 to 4 bytes at the beginning of bytes[0..size), if
 * it is well-formed and not a control character; 0 otherwise. RFC 3629, section 4. */
static size_t utf8_sequence(const uint8_t *bytes, size_t size)
{
    uint8_t first = bytes[0];
    uint8_t low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t length;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
        if (first == 0xc2)
            low = 0xa0; /* U+0080 to U+009F are control characters */
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

void escape_name(struct text_buffer *text, const void *name, size_t size)
{
    const uint8_t *from = name;
    for (size_t i = 0; i < size;) {
        size_t length = utf8_sequence(from + i, size - i);
        if (length > 0) {
            text_add_whole(text, from + i, length);
            i += length;
        } else {
            escape_byte(text, from[i]);
            i++;
        }
    }
}
