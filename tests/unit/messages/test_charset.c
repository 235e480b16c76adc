/* test_charset.c - whether the environment names a locale of UTF-8. */
#include "messages/charset.h"

#include "unit.h"

static void set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

static void test_environments(void **state)
{
    (void)state;
    static const struct {
        const char *all, *ctype, *lang;
        bool utf8;
    } cases[] = {
        {NULL, NULL, NULL, false},
        {NULL, NULL, "ru_RU.UTF-8", true},
        {NULL, NULL, "C.utf8", true},
        {NULL, NULL, "de_DE.UTF8@euro", true},
        {NULL, NULL, "en_US.Utf-8", true},
        {NULL, NULL, "C", false},
        {NULL, NULL, "POSIX", false},
        {NULL, NULL, "UTF-8", false}, /* no codeset */
        {NULL, NULL, "de_DE", false},
        {NULL, NULL, "de_DE@utf8", false},
        {NULL, NULL, "de_DE@x.utf-16", false},
        {NULL, NULL, "de_DE.ISO-8859-1", false},
        {NULL, NULL, "de_DE.UTF-16", false},
        {NULL, NULL, "de_DE.UTF-80", false},
        {NULL, NULL, "de_DE.utf", false},
        {NULL, NULL, "de_DE.", false},
        {"C", "C.UTF-8", "C.UTF-8", false}, /* the first that is set */
        {"C.UTF-8", "C", "C", true},
        {NULL, "C", "C.UTF-8", false},
        {NULL, "C.UTF-8", "C", true},
        {"", "", "C.UTF-8", true}, /* and not empty */
        {"", "C", "C.UTF-8", false},
        {"", "", "", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        set("LC_ALL", cases[i].all);
        set("LC_CTYPE", cases[i].ctype);
        set("LANG", cases[i].lang);
        if (charset_is_utf8() != cases[i].utf8)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_environments),
    };
    return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
