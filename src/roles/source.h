/*
 * source.h - what the word `source` of a slot means to the two roles: the number of the input that
 * the bytes are from, and whether that is a terminal which may have dropped some. To the library
 * the word has no meaning.
 */
#ifndef SHMSUM_SRC_ROLES_SOURCE_H
#define SHMSUM_SRC_ROLES_SOURCE_H

#include <stdint.h>

/* Set beside the number: the input is a terminal in canonical mode. The kernel keeps at most
 * SOURCE_LINE_MAX bytes of a line that is not read yet, and drops the others without a word
 * (termios(3), "Canonical and noncanonical mode"). So a line that has so many may be only the
 * beginning of what was typed. */
#define SOURCE_CANONICAL UINT32_C(0x80000000)

enum { SOURCE_LINE_MAX = 4095 }; /* bytes, without the LF */

#endif
