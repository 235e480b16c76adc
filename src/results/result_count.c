/* result_count.c - how many results there are, in words. See result_count.h. Called by the parent's
 * verdict and by the child that has lost its parent. */
#include "result_count.h"

/* "the first 3 results" */
static void add_results(struct text_buffer *text, uint64_t lines)
{
    text_add(text, "the first ");
    if (lines > 1) {
        text_add_number(text, lines);
        text_add(text, " results");
    } else {
        text_add(text, "result");
    }
}

void result_count_add(struct text_buffer *text, const struct result_count *count, const char *name,
                      bool kept)
{
    bool at_least = count->known == RESULTS_AT_LEAST;
    if (count->known == RESULTS_UNCHANGED) {
        text_add(text, name);
        text_add(text, " is unchanged");
    } else if (count->known == RESULTS_UNKNOWN || (at_least && count->lines == 0)) {
        text_add(text, kept ? "how many results are in " : "how many results went to ");
        text_add(text, name);
        text_add(text, " is not known");
    } else if (kept) {
        text_add(text, name);
        text_add(text, at_least ? " holds at least " : " holds ");
        if (count->lines == 0)
            text_add(text, "no result of this run");
        else
            add_results(text, count->lines);
    } else {
        text_add(text, at_least ? "at least " : "");
        if (count->lines == 0)
            text_add(text, "no result");
        else
            add_results(text, count->lines);
        text_add(text, " went to ");
        text_add(text, name);
    }
}
