/* implementation.h - the implementation of the line parser that a test program runs with:
 * SHMSUM_PARSER's. */
#ifndef SHMSUM_TESTS_FORM_H
#define SHMSUM_TESTS_FORM_H

#include <stdio.h>
#include <stdlib.h>

#include <shmsum/line_parser.h>

/* Makes a new parser use the implementation that SHMSUM_PARSER names, if it is set; ends the
 * program with 77 when this CPU does not have it. */
static inline void use_chosen_implementation(struct shmsum_line_parser *parser)
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
