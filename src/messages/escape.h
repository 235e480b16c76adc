/*
 * escape.h - making bytes that came from outside harmless to the reader's terminal. Pure.
 *
 * Both functions write at most 4 * size bytes to `to`, without a NUL, and return how many.
 */
#ifndef SHMSUM_SRC_ESCAPE_H
#define SHMSUM_SRC_ESCAPE_H

#include <stddef.h>

/* Bytes of the input: all but printable ASCII becomes \xNN. */
size_t escape_bytes(char *to, const void *bytes, size_t size);

/* Names of files and arguments, which people write in their own language: well-formed UTF-8 stays
 * as it is; control characters (also the 8-bit ones) and stray bytes become \xNN. */
size_t escape_name(char *to, const void *name, size_t size);

#endif
