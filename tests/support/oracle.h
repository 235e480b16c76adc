/*
 * oracle.h - computes what the line parser and the sum must return, in another way.
 *
 * It shares nothing with src/. It reads a whole line at once. A token is a number if its shape is
 * in a table of all shapes. Values are GMP integers, scaled by 10^1000.
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

/* Reads line[0..size), which contains no LF. `ended`: an LF follows. */
void oracle_read(struct oracle *oracle, const uint8_t *line, size_t size, bool ended, char point);

/* Returns the column of the first bad token in line[0..size), the beginning of a line. If there is
 * none, returns the column of the token that is open at its end, or 0. */
size_t oracle_anchor(struct oracle *oracle, const uint8_t *line, size_t size, char point);

/* Adds `digits` (any count, no sign or point) times 10^exponent, negated if `negative`, to sum.
 * False: the number is out of range, and sum is unchanged. */
bool oracle_add(mpz_t sum, const char *digits, size_t size, const mpz_t exponent, bool negative);

/* Returns the canonical text of sum, NUL-terminated. The caller frees it. */
char *oracle_format(const mpz_t sum);

/* Reads a canonical text. False: it is not canonical. Canonical form: no leading or trailing zeros,
 * no -0, no '+', no lone point, no exponent. */
bool oracle_parse_canonical(mpz_t sum, const char *text, size_t size);

#endif
