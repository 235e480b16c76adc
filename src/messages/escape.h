/*
 * escape.h - makes bytes from outside harmless to the reader's terminal. Pure.
 *
 * An escape or a character that does not fit into the text is not torn: the text is cut before it.
 */
#ifndef SHMSUM_SRC_MESSAGES_ESCAPE_H
#define SHMSUM_SRC_MESSAGES_ESCAPE_H

#include "text_buffer.h"

/* Bytes of the input: all but printable ASCII becomes \xNN. At most 4 * size bytes. */
void escape_bytes(struct text_buffer *text, const void *bytes, size_t size);

/* Names of files and arguments, which people write in their own language: well-formed UTF-8 stays
 * as it is; stray bytes, and the bytes of characters that act on a terminal, turn text around or
 * show nothing, become \xNN. At most 4 * size bytes. */
void escape_name(struct text_buffer *text, const void *name, size_t size);

/* The inside of a string of JSON (RFC 8259), whose value is exactly the bytes if they are
 * well-formed UTF-8; then it returns true. Each other byte is replaced by U+FFFD. What escape_name
 * would escape is escaped as JSON does, so that the string can be shown. At most 6 * size bytes. */
bool escape_json(struct text_buffer *text, const void *bytes, size_t size);

/* Two hexadecimal digits for each byte. */
void escape_hex(struct text_buffer *text, const void *bytes, size_t size);

#endif
