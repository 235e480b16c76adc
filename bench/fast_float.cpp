/*
 * fast_float.cpp - the only C++ file: fast_float (Lemire, "Number parsing at a gigabyte per
 * second", 2021) as a contestant of the section `memory`.
 */
#include "doubles.h"

#include <charconv>

#include <fast_float/fast_float.h>

static inline const char *read_one(const char *begin, const char *end, double *value)
{
    /* from_chars accepts no plus sign */
    return fast_float::from_chars(begin + (*begin == '+'), end, *value).ptr;
}

static inline char *write_one(char *begin, size_t room, double value)
{
    return std::to_chars(begin, begin + room, value).ptr;
}

void pass_fast_float(const struct memory_input *from, struct memory_outcome *outcome)
{
    pass_doubles(from, outcome, read_one, write_one);
}
