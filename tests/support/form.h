/* form.h - the form of the line parser that a test program runs with: SHMSUM_FORCE's. */
#ifndef SHMSUM_TESTS_FORM_H
#define SHMSUM_TESTS_FORM_H

#include <stdio.h>
#include <stdlib.h>

#include <shmsum/line_parser.h>

/* Makes a new parser use the form that SHMSUM_FORCE names, if it is set; ends the program with 77
 * when this CPU does not have it. */
static inline void use_forced_form(struct shmsum_line_parser *parser)
{
    const char *name = getenv("SHMSUM_FORCE");
    if (name == NULL)
        return;
    int form = shmsum_line_form_by_name(name);
    if (form < 0 || shmsum_line_parser_use(parser, (enum shmsum_line_form)form) < 0) {
        printf("this CPU does not have the form %s\n", name);
        exit(77);
    }
}

#endif
