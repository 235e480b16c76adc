/* charset.c - whether the user's terminal shows UTF-8. See charset.h. Called for messages, by both
 * programs, which have the same environment. */
#include "charset.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Whether the codeset of language[_territory][.codeset][@modifier] is UTF-8. As the C library does,
 * compares letters and digits only, in either case. */
static bool names_utf8(const char *locale)
{
    const char *wanted = "utf8", *at = strchr(locale, '.');
    if (at == NULL)
        return false;
    for (at++; *at != '\0' && *at != '@'; at++) {
        int c = *at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at;
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (c != *wanted)
            return false;
        wanted++;
    }
    return *wanted == '\0';
}

bool charset_is_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *locale = getenv(variables[i]);
        if (locale != NULL && *locale != '\0')
            return names_utf8(locale);
    }
    return false;
}
