/* unit.h - for unit tests: cmocka with the headers that must precede it, and scratch files. */
#ifndef SHMSUM_TESTS_UNIT_H
#define SHMSUM_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* An empty regular file without a name, open for reading and writing. */
static inline int scratch_file(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/shmsum-unit-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

/* Asserts that the file holds exactly expected[0..size). The buffer has a constant size: with one
 * of `size + 2` bytes, gcc 14 considers a size at which the sum overflows, and warns. */
static inline void assert_file_holds(int fd, const void *expected, size_t size)
{
    static char bytes[1 << 20];
    assert_true(size < sizeof bytes - 1);
    ssize_t got = pread(fd, bytes, sizeof bytes - 1, 0);
    bytes[got < 0 ? 0 : got] = '\0';
    if (got < 0 || (size_t)got != size || memcmp(bytes, expected, size) != 0)
        fail_msg("file holds %ld bytes \"%s\", expected %lu bytes \"%.*s\"", (long)got, bytes,
                 (unsigned long)size, (int)size, (const char *)expected);
}

#endif
