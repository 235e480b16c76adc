/* test_escape.c - which bytes of the input and of names are escaped. */
#include "messages/escape.h"

#include "unit.h"

static void test_escape_bytes(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        char bytes[5], expected[8];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        snprintf(expected, sizeof expected, c >= 0x20 && c <= 0x7e ? "%c" : "\\x%02x", c);
        escape_bytes(&text, &byte, 1);
        assert_string_equal(text.bytes, expected);
    }
}

/* The escaped name, for a terminal of UTF-8, in to[0..64); its size. */
static size_t escaped_name(char *to, const void *name, size_t size)
{
    struct text_buffer text = text_in(to, 64);
    escape_name(&text, name, size, true);
    assert_false(text.cut);
    return text.size;
}

/* Encodes a code point as RFC 3629 does, surrogates too. Returns the size. */
static size_t encode(uint8_t utf8[4], uint32_t value)
{
    if (value < 0x80) {
        utf8[0] = (uint8_t)value;
        return 1;
    }
    if (value < 0x800) {
        utf8[0] = (uint8_t)(0xc0 | value >> 6);
        utf8[1] = (uint8_t)(0x80 | (value & 63));
        return 2;
    }
    if (value < 0x10000) {
        utf8[0] = (uint8_t)(0xe0 | value >> 12);
        utf8[1] = (uint8_t)(0x80 | (value >> 6 & 63));
        utf8[2] = (uint8_t)(0x80 | (value & 63));
        return 3;
    }
    utf8[0] = (uint8_t)(0xf0 | value >> 18);
    utf8[1] = (uint8_t)(0x80 | (value >> 12 & 63));
    utf8[2] = (uint8_t)(0x80 | (value >> 6 & 63));
    utf8[3] = (uint8_t)(0x80 | (value & 63));
    return 4;
}

/* The characters of a name that are never shown, by what they do. */
static bool is_dangerous(uint32_t value)
{
    bool control = value < 0x20 || (value >= 0x7f && value < 0xa0);
    bool turns = value == 0x61c || value == 0x200e || value == 0x200f ||
                 (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
    bool ends_line = value == 0x2028 || value == 0x2029;
    bool annotates = value >= 0xfff9 && value <= 0xfffb;
    bool tags = value >= 0xe0000 && value <= 0xe0fff;
    static const uint32_t unseen[] = {
        0xad,    0x34f,   0x115f,  0x1160,  0x17b4,  0x17b5,  0x180b,  0x180c,  0x180d,  0x180e,
        0x180f,  0x200b,  0x200c,  0x200d,  0x2060,  0x2061,  0x2062,  0x2063,  0x2064,  0x2065,
        0x206a,  0x206b,  0x206c,  0x206d,  0x206e,  0x206f,  0x3164,  0xfeff,  0xffa0,  0xfff0,
        0xfff1,  0xfff2,  0xfff3,  0xfff4,  0xfff5,  0xfff6,  0xfff7,  0xfff8,  0x1bca0, 0x1bca1,
        0x1bca2, 0x1bca3, 0x1d173, 0x1d174, 0x1d175, 0x1d176, 0x1d177, 0x1d178, 0x1d179, 0x1d17a,
    };
    bool is_unseen = false;
    for (size_t i = 0; i < COUNT(unseen); i++)
        is_unseen = is_unseen || value == unseen[i];
    return control || turns || ends_line || annotates || tags || is_unseen;
}

static void test_every_code_point(void **state)
{
    (void)state;
    char text[64];
    for (uint32_t value = 1; value < 0x110000; value++) {
        uint8_t utf8[4];
        size_t size = encode(utf8, value);
        bool surrogate = value >= 0xd800 && value < 0xe000;
        size_t length = escaped_name(text, utf8, size);
        if (is_dangerous(value) || surrogate) {
            assert_int_equal(length, 4 * size);
        } else {
            assert_int_equal(length, size);
            assert_memory_equal(text, utf8, size);
        }
        /* every byte of an incomplete sequence is escaped */
        for (size_t cut = 1; cut < size; cut++)
            assert_int_equal(escaped_name(text, utf8, cut), 4 * cut);
    }
}

static void test_malformed_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } cases[] = {
        {"\300\200", "\\xc0\\x80"},                   /* overlong NUL */
        {"\301\277", "\\xc1\\xbf"},                   /* overlong DEL */
        {"\340\237\277", "\\xe0\\x9f\\xbf"},          /* overlong */
        {"\360\217\277\277", "\\xf0\\x8f\\xbf\\xbf"}, /* overlong */
        {"\364\220\200\200", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\365\200\200\200", "\\xf5\\x80\\x80\\x80"},
        {"\200", "\\x80"},
        {"\303a", "\\xc3a"}, /* the byte behind a malformed one begins a new sequence */
        {"\303\303\251", "\\xc3\303\251"},
        {"\342\202\303\251", "\\xe2\\x82\303\251"},
        {"a\\b", "a\\b"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        escaped_name(text, cases[i].name, strlen(cases[i].name));
        assert_string_equal(text, cases[i].shown);
    }
}

/* Of all sequences of two bytes the result is well-formed UTF-8 without control characters. */
static void test_every_pair(void **state)
{
    (void)state;
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
        char text[64];
        size_t length = escaped_name(text, bytes, 2);
        assert_true(length <= 8);
        for (size_t i = 0; i < length; i++) {
            uint8_t c = (uint8_t)text[i];
            assert_true(c >= 0x20 && c != 0x7f);
            if (c >= 0x80) { /* only as a sequence of two bytes that is not a control character */
                uint8_t next = i + 1 < length ? (uint8_t)text[++i] : 0;
                assert_true(c >= 0xc2 && c <= 0xdf && next >= 0x80 && next <= 0xbf);
                assert_false(c == 0xc2 && (next < 0xa0 || next == 0xad));
            }
        }
    }
}

/* Where the terminal does not show UTF-8, nothing but printable ASCII stays: the byte 0x9b, in the
 * middle of a letter of UTF-8, would begin an escape sequence there. */
static void test_other_terminals(void **state)
{
    (void)state;
    char bytes[64];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    static const char name[] = "a \303\233[2J~\360\237\230\200\377\n\177";
    escape_name(&text, name, strlen(name), false);
    assert_string_equal(text.bytes, "a \\xc3\\x9b[2J~\\xf0\\x9f\\x98\\x80\\xff\\x0a\\x7f");
}

/* A buffer that is too small holds no part of an escape or of a character. */
static void test_small_rooms(void **state)
{
    (void)state;
    static const char name[] = "a\001\320\264\360\237\230\200b";
    static const char *const shown[] = {"",
                                        "a",
                                        "a",
                                        "a",
                                        "a",
                                        "a\\x01",
                                        "a\\x01",
                                        "a\\x01\320\264",
                                        "a\\x01\320\264",
                                        "a\\x01\320\264",
                                        "a\\x01\320\264",
                                        "a\\x01\320\264\360\237\230\200",
                                        "a\\x01\320\264\360\237\230\200b"};
    for (size_t room = 1; room <= COUNT(shown); room++) {
        char bytes[16];
        memset(bytes, 'z', sizeof bytes);
        struct text_buffer text = text_in(bytes, room);
        escape_name(&text, name, strlen(name), true);
        assert_string_equal(text.bytes, shown[room - 1]);
        assert_int_equal(text.cut, room < COUNT(shown));
        assert_int_equal(bytes[room], 'z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape_bytes),    cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_malformed_names), cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_small_rooms),     cmocka_unit_test(test_other_terminals),
    };
    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
