/* test_result_count.c - the words for a number of results: singular, none, at least, not known. */
#include "results/result_count.h"
#include "unit.h"

static void test_words(void **state)
{
    (void)state;
    static const struct {
        struct result_count count;
        const char *kept, *went;
    } rows[] = {
        {{RESULTS_EXACT, 0}, "r holds no result of this run", "no result went to r"},
        {{RESULTS_EXACT, 1}, "r holds the first result", "the first result went to r"},
        {{RESULTS_EXACT, 2}, "r holds the first 2 results", "the first 2 results went to r"},
        {{RESULTS_AT_LEAST, 0},
         "how many results are in r is not known",
         "how many results went to r is not known"},
        {{RESULTS_AT_LEAST, 1},
         "r holds at least the first result",
         "at least the first result went to r"},
        {{RESULTS_AT_LEAST, UINT64_MAX},
         "r holds at least the first 18446744073709551615 results",
         "at least the first 18446744073709551615 results went to r"},
        {{RESULTS_UNKNOWN, 7},
         "how many results are in r is not known",
         "how many results went to r is not known"},
        {{RESULTS_UNCHANGED, 7}, "r is unchanged", "r is unchanged"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char bytes[RESULT_COUNT_MAX];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        result_count_add(&text, &rows[i].count, "r", true);
        assert_string_equal(bytes, rows[i].kept);
        text_clear(&text);
        result_count_add(&text, &rows[i].count, "r", false);
        assert_string_equal(bytes, rows[i].went);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
