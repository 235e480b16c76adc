/* escape.c - makes bytes from outside harmless to the reader's terminal. See escape.h. */
#include "escape.h"

#include <stdbool.h>
#include <stdio.h>

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

/* Returns the length of the well-formed UTF-8 sequence at the beginning of bytes[0..size), size >
 * 0, and its character in *code; 0 if there is none. RFC 3629, section 4. */
static size_t decode(const uint8_t *bytes, size_t size, uint32_t *code)
{
    uint8_t first = bytes[0];
    uint8_t low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t length;
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
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
    *code = first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < 0x80 || bytes[i] > 0xbf)
            return 0;
        *code = *code << 6 | (bytes[i] & 0x3fU);
    }
    return length;
}

/* Characters that act on a terminal, change the order or the lines of what is around them, or show
 * nothing: the controls (Cc), the line and paragraph separators (Zl, Zp), the interlinear
 * annotations, and Default_Ignorable_Code_Point, among which are the bidirectional controls; but
 * not the variation selectors U+FE00 to U+FE0F, which are part of what people write. Unicode
 * Character Database 15.0, DerivedCoreProperties.txt. */
static const struct {
    uint32_t first, last;
} unshown[] = {
    {0x0000, 0x001f},   {0x007f, 0x009f},   {0x00ad, 0x00ad},   {0x034f, 0x034f}, {0x061c, 0x061c},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f}, {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x3164, 0x3164},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

static bool is_shown(uint32_t code)
{
    for (size_t i = 0; i < sizeof unshown / sizeof unshown[0]; i++)
        if (code >= unshown[i].first && code <= unshown[i].last)
            return false;
    return true;
}

void escape_name(struct text_buffer *text, const void *name, size_t size, bool utf8)
{
    const uint8_t *from = name;
    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = decode(from + i, size - i, &code);
        if (length > 0 && is_shown(code) && (utf8 || code < 0x80)) {
            text_add_whole(text, from + i, length);
            i += length;
        } else {
            escape_byte(text, from[i]);
            i++;
        }
    }
}

/* Adds the character as an escape of JSON: of two letters if there is one, else of its UTF-16. */
static void escape_code(struct text_buffer *text, uint32_t code)
{
    static const char letters[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    for (size_t i = 0; i < sizeof letters - 1; i += 2) {
        if ((uint8_t)letters[i + 1] == code) {
            const char escaped[2] = {'\\', letters[i]};
            text_add_whole(text, escaped, sizeof escaped);
            return;
        }
    }
    char units[24];
    int size = code < 0x10000 ? snprintf(units, sizeof units, "\\u%04x", (unsigned)code)
                              : snprintf(units, sizeof units, "\\u%04x\\u%04x",
                                         (unsigned)(0xd7c0 + (code >> 10)),
                                         (unsigned)(0xdc00 | (code & 0x3ff)));
    text_add_whole(text, units, (size_t)size);
}

bool escape_json(struct text_buffer *text, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    bool exact = true;
    for (size_t i = 0; i < size;) {
        uint32_t code;
        size_t length = decode(from + i, size - i, &code);
        if (length == 0) {
            code = 0xfffd; /* the replacement character */
            exact = false;
            length = 1;
        }
        if (code < ' ' || code > '~' || code == '"' || code == '\\')
            escape_code(text, code);
        else
            text_add_whole(text, from + i, 1);
        i += length;
    }
    return exact;
}

void escape_hex(struct text_buffer *text, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", from[i]);
        text_add_whole(text, digits, 2);
    }
}
