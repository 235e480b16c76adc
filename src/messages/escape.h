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

/* Names of files and arguments, which people write in their own language. Printable ASCII stays as
 * it is; with `utf8`, because the reader's terminal shows UTF-8, so does what is well-formed. Stray
 * bytes, and the bytes of characters that act on a terminal, turn text around or show nothing,
 * become \xNN. At most 4 * size bytes. */
void escape_name(struct text_buffer *text, const void *name, size_t size, bool utf8);

/* The inside of a string of JSON (RFC 8259), whose value is exactly the bytes if they are
 * well-formed UTF-8; then it returns true. Each other byte is replaced by U+FFFD. All but printable
 * ASCII is escaped as JSON does: results do not depend on the locale, and no terminal obeys them.
 * At most 6 * size bytes. */
bool escape_json(struct text_buffer *text, const void *bytes, size_t size);

/* Two hexadecimal digits for each byte. */
void escape_hex(struct text_buffer *text, const void *bytes, size_t size);

#endif
