/* user.c - a program that uses only the installed headers and library. It is valid C and C++. */
#include <shmsum/line_parser.h>

#include <stdio.h>

static struct shmsum_line_parser parser;
static char text[SHMSUM_DECIMAL_TEXT_MAX + 1];

int main(void)
{
    static const uint8_t line[] = "0.1 0.2\n";
    size_t consumed;
    shmsum_line_parser_init(&parser, '.');
    if (shmsum_line_parser_feed(&parser, line, sizeof line - 1, &consumed) != SHMSUM_LINE_SUM)
        return 1;
    text[shmsum_decimal_sum_format(&parser.sum, text)] = '\0';
    return puts(text) < 0;
}
