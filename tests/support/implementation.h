/* implementation.h - chooses the implementation of the line parser that a test program uses. */
#ifndef SHMSUM_TESTS_IMPLEMENTATION_H
#define SHMSUM_TESTS_IMPLEMENTATION_H

#include <stdio.h>
#include <stdlib.h>

#include <shmsum/line_parser.h>

/* Makes a new parser use the implementation that SHMSUM_PARSER names, if it is set. If this CPU
 * does not have it, exits with 77: the test is skipped. */
static inline void implementation_use_chosen(struct shmsum_line_parser *parser)
{
    const char *name = getenv("SHMSUM_PARSER");
    if (name == NULL)
        return;
    int implementation = shmsum_line_implementation_by_name(name);
    if (implementation < 0 ||
        shmsum_line_parser_use(parser, (enum shmsum_line_implementation)implementation) < 0) {
        printf("this CPU does not have the implementation %s\n", name);
        exit(77);
    }
}

#endif
