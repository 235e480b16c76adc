/*
 * line_parser_forms.h - the fast forms of the line parser, and what they share with the plain one.
 *
 * DOC: line-parser-forms
 *
 * A fast form reads the common tokens of a line: up to 18 digits with at most one
 * point, and a sign before them. Everything else - long tokens, exponents, errors, the last bytes
 * of a block - it leaves to the plain form, which is the specification: so there is one place that
 * knows what an error is and where it stands.
 */
#ifndef SHMSUM_SRC_LINE_PARSER_FORMS_H
#define SHMSUM_SRC_LINE_PARSER_FORMS_H

#include <shmsum/line_parser.h>

/*
 * Adds the numbers of [at, end), which begins between two tokens (or at a token's first byte), to
 * parser->sum and parser->numbers. Returns where it stopped: behind the LF, with *line_ended set;
 * or, with it clear, between two tokens or at the first byte of a token that it leaves to the plain
 * form. Reads nothing outside [at, end).
 */
typedef const uint8_t *line_parser_fast(struct shmsum_line_parser *parser, const uint8_t *at,
                                        const uint8_t *end, bool *line_ended);

/* With fewer bytes than this a fast form would do nothing. */
enum { LINE_PARSER_FAST_MIN = 96 };

#if defined(__x86_64__)
line_parser_fast line_parser_avx2;
#endif
line_parser_fast line_parser_swar;

#endif
