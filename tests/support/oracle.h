/*
 * oracle.h - what the line parser and the sum must say, worked out another way.
 *
 * It shares nothing with src/: a whole line is looked at at once; a token is a number when its
 * shape stands in a table of all shapes; values are GMP integers, scaled by 10^1000.
 */
#ifndef SHMSUM_TESTS_ORACLE_H
#define SHMSUM_TESTS_ORACLE_H

#include <gmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum oracle_line { ORACLE_BLANK, ORACLE_SUM, ORACLE_ERROR };

enum oracle_reason { ORACLE_PLAIN, ORACLE_COMMA, ORACLE_POINT, ORACLE_RANGE };

struct oracle {
    enum oracle_line event;
    uint64_t numbers;
    mpz_t sum; /* times 10^1000 */
    enum oracle_reason reason;
    size_t column; /* of the first bad token, from 1 */
    size_t token_bytes;
};

void oracle_init(struct oracle *oracle);
void oracle_clean_up(struct oracle *oracle);

/* Reads line[0..size), which has no LF in it. `ended`: an LF follows. */
void oracle_read(struct oracle *oracle, const uint8_t *line, size_t size, bool ended, char point);

/* Column of the token that is open at the end of this beginning of a line, or of the first bad one;
 * 0 when neither. */
size_t oracle_anchor(struct oracle *oracle, const uint8_t *line, size_t size, char point);

/* Whether `digits` (any count, no sign or point) times 10^exponent, negated or not, is in range; if
 * so it is added to sum. */
bool oracle_add(mpz_t sum, const char *digits, size_t size, const mpz_t exponent, bool negative);

/* The canonical text of sum, NUL-terminated, to be freed by the caller. */
char *oracle_format(const mpz_t sum);

/* Reads a canonical text back; false when it is not canonical: no leading or trailing zeros, no -0,
 * no '+', no lone point, no exponent. */
bool oracle_parse_canonical(mpz_t sum, const char *text, size_t size);

#endif
