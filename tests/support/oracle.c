/* oracle.c - computes what the line parser and the sum must return. See oracle.h. */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

enum { SCALE = 1000 }; /* values are integers, times 10^SCALE */

/* Every shape of a number: s is a sign, d one digit or more, p the point, e the e. */
static const char *const shapes[] = {
    "d",    "dp",    "dpd",    "pd",    "ded",   "dped",   "dpded",   "pded",
    "desd", "dpesd", "dpdesd", "pdesd", "sd",    "sdp",    "sdpd",    "spd",
    "sded", "sdped", "sdpded", "spded", "sdesd", "sdpesd", "sdpdesd", "spdesd",
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static char shape_of(uint8_t c, char point)
{
    if (c >= '0' && c <= '9')
        return 'd';
    if (c == '+' || c == '-')
        return 's';
    if (c == (uint8_t)point)
        return 'p';
    return c == 'e' || c == 'E' ? 'e' : 'x';
}

static bool is_blank(uint8_t c)
{
    return memchr(" \t\v\f", c, 4) != NULL;
}

/* Returns the count of the token's first bytes that can begin a number. Sets *number: the whole
 * token is a number. */
static size_t good_beginning(const uint8_t *token, size_t size, char point, bool *number)
{
    char shape[16] = "";
    size_t length = 0;
    *number = false;
    for (size_t i = 0; i < size; i++) {
        char next = shape_of(token[i], point);
        if (next == 'd' && length > 0 && shape[length - 1] == 'd')
            continue; /* the shape does not change */
        shape[length++] = next;
        bool begins = false;
        *number = false;
        for (size_t s = 0; s < SHAPES; s++) {
            begins = begins || strncmp(shapes[s], shape, length) == 0;
            *number =
                *number || (strlen(shapes[s]) == length && strncmp(shapes[s], shape, length) == 0);
        }
        if (!begins)
            return i;
    }
    return size;
}

/* Returns 10^power, power <= 2 * SCALE. Keeps the powers: a fuzzer needs them in every run. */
static mpz_t *power_of_ten(size_t power)
{
    static mpz_t powers[2 * SCALE + 1];
    static bool known[2 * SCALE + 1];
    if (!known[power]) {
        mpz_init(powers[power]);
        mpz_ui_pow_ui(powers[power], 10, power);
        known[power] = true;
    }
    return &powers[power];
}

bool oracle_add(mpz_t sum, const char *digits, size_t size, const mpz_t exponent, bool negative)
{
    size_t first = 0;
    while (first < size && digits[first] == '0')
        first++;
    if (first == size)
        return true;
    size_t end = size;
    while (digits[end - 1] == '0')
        end--;
    mpz_t low, high;
    mpz_init_set(low, exponent);
    mpz_add_ui(low, low, size - end);
    mpz_init_set(high, low);
    mpz_add_ui(high, high, end - first - 1);
    bool fits = mpz_cmp_si(low, -1000) >= 0 && mpz_cmp_si(high, 999) <= 0;
    if (fits) {
        char *text = malloc(end - first + 1);
        memcpy(text, digits + first, end - first);
        text[end - first] = '\0';
        mpz_t value;
        mpz_init_set_str(value, text, 10);
        mpz_mul(value, value, *power_of_ten((size_t)(mpz_get_si(low) + SCALE)));
        if (negative)
            mpz_sub(sum, sum, value);
        else
            mpz_add(sum, sum, value);
        mpz_clear(value);
        free(text);
    }
    mpz_clears(low, high, NULL);
    return fits;
}

/* Adds a token that is a number. False: it is out of range. */
static bool add_token(mpz_t sum, const uint8_t *token, size_t size, char point)
{
    char *digits = malloc(size + 1);
    size_t count = 0, behind = 0, i = 0;
    bool negative = token[0] == '-', fraction = false;
    if (shape_of(token[0], point) == 's')
        i++;
    for (; i < size && shape_of(token[i], point) != 'e'; i++) {
        if (token[i] == (uint8_t)point) {
            fraction = true;
        } else {
            digits[count++] = (char)token[i];
            behind += fraction;
        }
    }
    mpz_t exponent;
    mpz_init(exponent);
    if (i < size) {
        char *text = malloc(size - i);
        memcpy(text, token + i + 1, size - i - 1);
        text[size - i - 1] = '\0';
        mpz_set_str(exponent, text[0] == '+' ? text + 1 : text, 10);
        free(text);
    }
    mpz_sub_ui(exponent, exponent, behind);
    bool fits = oracle_add(sum, digits, count, exponent, negative);
    mpz_clear(exponent);
    free(digits);
    return fits;
}

void oracle_init(struct oracle *oracle)
{
    memset(oracle, 0, sizeof *oracle);
    mpz_init(oracle->sum);
}

void oracle_clean_up(struct oracle *oracle)
{
    mpz_clear(oracle->sum);
}

void oracle_read(struct oracle *oracle, const uint8_t *line, size_t size, bool ended, char point)
{
    oracle->event = ORACLE_BLANK;
    oracle->numbers = 0;
    mpz_set_ui(oracle->sum, 0);
    if (ended && size > 0 && line[size - 1] == '\r')
        size--;
    for (size_t at = 0, end; at < size; at = end) {
        end = at + 1;
        if (is_blank(line[at]))
            continue;
        while (end < size && !is_blank(line[end]))
            end++;
        bool number;
        size_t good = good_beginning(line + at, end - at, point, &number);
        oracle->column = at + 1;
        oracle->token_bytes = end - at;
        if (number) {
            if (add_token(oracle->sum, line + at, end - at, point)) {
                oracle->event = ORACLE_SUM;
                oracle->numbers++;
                continue;
            }
            oracle->reason = ORACLE_RANGE;
        } else {
            uint8_t offender = at + good < end ? line[at + good] : 0;
            oracle->reason = point == '.' && offender == ','   ? ORACLE_COMMA
                             : point == ',' && offender == '.' ? ORACLE_POINT
                                                               : ORACLE_PLAIN;
        }
        oracle->event = ORACLE_ERROR;
        return;
    }
}

size_t oracle_anchor(struct oracle *oracle, const uint8_t *line, size_t size, char point)
{
    /* A CR at the end may be part of the line's end. */
    if (size > 0 && line[size - 1] == '\r')
        size--;
    size_t open = size;
    while (open > 0 && !is_blank(line[open - 1]))
        open--;
    oracle_read(oracle, line, open, false, point);
    if (oracle->event == ORACLE_ERROR)
        return oracle->column;
    return open < size ? open + 1 : 0;
}

char *oracle_format(const mpz_t sum)
{
    mpz_t absolute;
    mpz_init(absolute);
    mpz_abs(absolute, sum);
    char *digits = mpz_get_str(NULL, 10, absolute);
    mpz_clear(absolute);
    size_t count = strlen(digits);
    char *text = malloc(count + SCALE + 4);
    char *to = text;
    if (mpz_sgn(sum) < 0)
        *to++ = '-';
    /* Write leading zeros up to SCALE + 1 digits. */
    size_t padding = count > SCALE ? 0 : SCALE + 1 - count;
    for (size_t i = 0; i < padding + count; i++) {
        if (i == padding + count - SCALE)
            *to++ = '.';
        *to++ = (char)(i < padding ? '0' : digits[i - padding]);
    }
    while (to[-1] == '0')
        to--;
    if (to[-1] == '.')
        to--;
    *to = '\0';
    free(digits);
    return text;
}

bool oracle_parse_canonical(mpz_t sum, const char *text, size_t size)
{
    const char *end = text + size, *at = text;
    bool negative = at < end && *at == '-';
    at += negative;
    const char *integer = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == integer || (*integer == '0' && at - integer > 1))
        return false;
    size_t behind = 0;
    if (at < end) {
        if (*at++ != '.')
            return false;
        while (at < end && *at >= '0' && *at <= '9') {
            at++;
            behind++;
        }
        if (at != end || behind == 0 || behind > SCALE || end[-1] == '0')
            return false;
    }
    char *digits = malloc(size + SCALE + 1);
    size_t count = 0;
    for (const char *c = integer; c < end; c++)
        if (*c != '.')
            digits[count++] = *c;
    for (; behind < SCALE; behind++)
        digits[count++] = '0';
    digits[count] = '\0';
    mpz_set_str(sum, digits, 10);
    free(digits);
    if (negative)
        mpz_neg(sum, sum);
    return !(negative && mpz_sgn(sum) == 0);
}
