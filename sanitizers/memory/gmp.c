/*
 * gmp.c - GMP for MemorySanitizer, which does not observe the writes of a library that was compiled
 * without it. Our code reads the struct of a number (mpz_sgn is a macro) and the text of a number,
 * so the wrappers mark both as written. Every program of the preset is linked with --wrap for these
 * names.
 */
#include <gmp.h>
#include <sanitizer/msan_interface.h>
#include <stdarg.h>
#include <stddef.h>

void __real___gmpz_init(mpz_ptr number);
void __real___gmpz_init_set(mpz_ptr number, mpz_srcptr from);
void __real___gmpz_init_set_si(mpz_ptr number, long from);
int __real___gmpz_init_set_str(mpz_ptr number, const char *text, int base);
char *__real___gmpz_get_str(char *text, int base, mpz_srcptr number);
void __wrap___gmpz_init(mpz_ptr number);
void __wrap___gmpz_inits(mpz_ptr number, ...);
void __wrap___gmpz_init_set(mpz_ptr number, mpz_srcptr from);
void __wrap___gmpz_init_set_si(mpz_ptr number, long from);
int __wrap___gmpz_init_set_str(mpz_ptr number, const char *text, int base);
char *__wrap___gmpz_get_str(char *text, int base, mpz_srcptr number);

void __wrap___gmpz_init(mpz_ptr number)
{
    __real___gmpz_init(number);
    __msan_unpoison(number, sizeof *number);
}

void __wrap___gmpz_inits(mpz_ptr number, ...)
{
    va_list others;
    va_start(others, number);
    for (; number != NULL; number = va_arg(others, mpz_ptr))
        __wrap___gmpz_init(number);
    va_end(others);
}

void __wrap___gmpz_init_set(mpz_ptr number, mpz_srcptr from)
{
    __real___gmpz_init_set(number, from);
    __msan_unpoison(number, sizeof *number);
}

void __wrap___gmpz_init_set_si(mpz_ptr number, long from)
{
    __real___gmpz_init_set_si(number, from);
    __msan_unpoison(number, sizeof *number);
}

int __wrap___gmpz_init_set_str(mpz_ptr number, const char *text, int base)
{
    int result = __real___gmpz_init_set_str(number, text, base);
    __msan_unpoison(number, sizeof *number);
    return result;
}

char *__wrap___gmpz_get_str(char *text, int base, mpz_srcptr number)
{
    char *result = __real___gmpz_get_str(text, base, number);
    __msan_unpoison_string(result);
    return result;
}
