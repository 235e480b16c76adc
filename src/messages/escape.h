/*
 * escape.h - makes bytes from outside harmless to the reader's terminal. Pure.
 *
 * Both functions add at most 4 * size bytes to the text. An escape or a character that does not fit
 * is not torn: the text is cut before it.
 */
#ifndef SHMSUM_SRC_MESSAGES_ESCAPE_H
#define SHMSUM_SRC_MESSAGES_ESCAPE_H

#include "text_buffer.h"

/* Bytes of the input: all but printable ASCII becomes \xNN. */
void escape_bytes(struct text_buffer *text, const void *bytes, size_t size);

/* Names of files and arguments, which people write in their own language: well-formed UTF-8 stays
 * as it is; control characters (also the 8-bit ones) and stray bytes become \xNN. */
void escape_name(struct text_buffer *text, const void *name, size_t size);

#endif
