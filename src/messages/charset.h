/* charset.h - whether the user's terminal shows UTF-8, as far as the environment says. */
#ifndef SHMSUM_SRC_MESSAGES_CHARSET_H
#define SHMSUM_SRC_MESSAGES_CHARSET_H

#include <stdbool.h>

/*
 * Whether the user's locale for characters is one of UTF-8: the first of LC_ALL, LC_CTYPE and LANG
 * that is set and not empty names it (POSIX, 8.2), and its codeset is UTF-8, in any spelling, as in
 * "ru_RU.UTF-8" or "C.utf8@x". The locale itself is neither loaded nor set. Reads the environment;
 * thread-safe while nobody changes that.
 */
bool charset_is_utf8(void);

#endif
