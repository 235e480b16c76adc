/* expected_results.c - the expected content of the results file. See expected_results.h. */
#include "expected_results.h"

#include "fuzz.h"

static void add_line(struct expected *expected, const struct expected_input *input,
                     struct shmsum_line_parser *parser, enum shmsum_line event)
{
    char *text = expected->text + expected->size;
    FUZZ_CHECK(sizeof expected->text - expected->size > RESULT_LINE_TEXT_MAX);
    size_t size = 0;
    switch (event) {
    case SHMSUM_LINE_ERROR:
        size = diagnostic_result(text, &parser->error);
        break;
    case SHMSUM_LINE_BLANK:
        if (input->blank_lines == BLANK_LINES_END)
            expected->blank = true;
        if (input->blank_lines != BLANK_LINES_ZERO)
            return;
        text[size++] = '0';
        break;
    default:
        size = shmsum_decimal_sum_format(&parser->sum, text);
    }
    text[size] = '\n';
    expected->size += size + 1;
    expected->lines++;
}

const struct expected *expected_results(const struct expected_input *input, size_t size,
                                        bool finish)
{
    static struct expected expected;
    static struct shmsum_line_parser parser;
    expected.size = 0;
    expected.lines = 0;
    expected.blank = false;
    shmsum_line_parser_init(&parser, input->point);
    size_t at = 0;
    for (uint32_t i = 0; i < input->sources && !expected.blank; i++) {
        size_t end = input->ends[i] < size ? input->ends[i] : size;
        while (at < end && !expected.blank) {
            size_t consumed;
            enum shmsum_line event =
                shmsum_line_parser_feed(&parser, input->text + at, end - at, &consumed);
            at += consumed;
            if (event != SHMSUM_LINE_UNFINISHED)
                add_line(&expected, input, &parser, event);
        }
        if (!expected.blank && (end < size || finish)) {
            enum shmsum_line event = shmsum_line_parser_finish(&parser);
            if (event != SHMSUM_LINE_UNFINISHED)
                add_line(&expected, input, &parser, event);
        }
    }
    return &expected;
}
