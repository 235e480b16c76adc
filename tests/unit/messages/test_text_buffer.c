/*
 * test_text_buffer.c - the bounded text buffer.
 *
 * Property: whatever is added, in whatever room, the text is a beginning of what an unbounded one
 * would hold; `cut` says exactly when it is not all of it; behind it is a NUL; and no byte outside
 * the room is written.
 */
#include "messages/text_buffer.h"

#include <inttypes.h>

#include "random.h"
#include "unit.h"

enum { ROOM_MAX = 200, GUARD = 16, MODEL_MAX = 16384 };

/* What an unbounded buffer would hold, and where it would hold a whole piece. */
struct model {
    char bytes[MODEL_MAX];
    size_t size;
};

static struct random rng;

static void model_add(struct model *model, const void *bytes, size_t size)
{
    assert_true(model->size + size < sizeof model->bytes);
    memcpy(model->bytes + model->size, bytes, size);
    model->size += size;
    model->bytes[model->size] = '\0';
}

/* A number of 1 to 20 digits. */
static uint64_t random_number(void)
{
    return random_next(&rng) >> random_below(&rng, 64);
}

/* Adds a random piece to both. Returns the size that the text is cut at when the piece does not
 * fit into `room`. */
static size_t add_something(struct text_buffer *text, struct model *model)
{
    char piece[64];
    size_t size = random_size(&rng, sizeof piece - 1);
    for (size_t i = 0; i < size; i++)
        piece[i] = (char)('a' + random_below(&rng, 26));
    piece[size] = '\0';
    size_t begin = model->size, full = text->room - 1;
    uint64_t number = random_number();
    switch (random_below(&rng, 6)) {
    case 0:
        text_add(text, piece);
        model_add(model, piece, size);
        return full;
    case 1:
        text_add_bytes(text, piece, size);
        model_add(model, piece, size);
        return full;
    case 2:
        text_add_whole(text, piece, size);
        model_add(model, piece, size);
        return begin;
    case 3:
        text_add_number(text, number);
        model_add(model, piece, (size_t)snprintf(piece, sizeof piece, "%" PRIu64, number));
        return begin;
    case 4:
        text_add_repeated(text, '-', size);
        memset(piece, '-', size);
        model_add(model, piece, size);
        return full;
    default:
        text_addf(text, "%s=%" PRIu64 ";", piece, number);
        model_add(model, piece, size);
        model_add(model, piece, (size_t)snprintf(piece, sizeof piece, "=%" PRIu64 ";", number));
        return full;
    }
}

static void test_beginning_of_the_whole(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        static struct model model;
        model.size = 0;
        char bytes[GUARD + ROOM_MAX + GUARD];
        memset(bytes, 'Z', sizeof bytes);
        size_t room = 1 + random_size(&rng, ROOM_MAX - 1);
        struct text_buffer text = text_in(bytes + GUARD, room);
        size_t expected = 0;
        bool cut = false;
        for (uint64_t i = random_below(&rng, 12); i > 0; i--) {
            size_t cut_at = add_something(&text, &model);
            if (!cut && model.size >= room) {
                cut = true;
                expected = cut_at;
            }
            if (!cut)
                expected = model.size;
            assert_int_equal(text.cut, cut);
            assert_int_equal(text.size, expected);
            assert_memory_equal(text.bytes, model.bytes, expected);
            assert_int_equal(text.bytes[expected], '\0');
        }
        for (size_t i = 0; i < GUARD; i++)
            assert_true(bytes[i] == 'Z' && bytes[GUARD + room + i] == 'Z');
        text_clear(&text);
        assert_true(text.size == 0 && !text.cut && text.bytes[0] == '\0' && text.room == room);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {UINT64_C(10000000000000000000), "10000000000000000000"},
        {UINT64_MAX, "18446744073709551615"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[21];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        text_add_number(&text, cases[i].number);
        assert_string_equal(text.bytes, cases[i].text);
        assert_false(text.cut);
        /* Half a number would be another number. */
        text = text_in(bytes, strlen(cases[i].text));
        text_add_number(&text, cases[i].number);
        assert_string_equal(text.bytes, "");
        assert_true(text.cut);
    }
}

/* What does not fit ends the text: a shorter piece behind it is not added either. */
static void test_nothing_behind_a_cut(void **state)
{
    (void)state;
    char bytes[8];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    text_add(&text, "12345");
    text_add_whole(&text, "678", 3);
    text_add(&text, "9");
    text_add_number(&text, 9);
    text_add_repeated(&text, '9', 1);
    text_addf(&text, "%d", 9);
    assert_string_equal(text.bytes, "12345");
    assert_true(text.cut);
}

/* What is too long keeps its beginning and its end, and no character is torn. */
static void test_shortened(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t max;
        const char *shown;
    } cases[] = {
        {"0123456789abcdef", 16, "0123456789abcdef"},
        {"0123456789abcdefg", 16, "012345...abcdefg"},
        {"0123456789abcdefg", 17, "0123456789abcdefg"},
        {"01234\303\251789abcdefgh", 16, "01234...bcdefgh"}, /* the character begins at byte 5 */
        {"0123\303\251789abcdefgh", 16, "0123\303\251...bcdefgh"},
        {"0123456789\360\237\230\200abcde", 16, "012345...abcde"},
        {"01\200\200\200\200\200\200\200\200\200\200\200\200\200\200\200", 16,
         "01\200...\200\200\200\200"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[64];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        text_add_shortened(&text, cases[i].text, strlen(cases[i].text), cases[i].max);
        assert_string_equal(text.bytes, cases[i].shown);
        assert_true(text.size <= cases[i].max);
    }
}

int main(void)
{
    rng.state = random_seed("test_text_buffer");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beginning_of_the_whole),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_nothing_behind_a_cut),
        cmocka_unit_test(test_shortened),
    };
    return cmocka_run_group_tests_name("text_buffer", tests, NULL, NULL);
}
