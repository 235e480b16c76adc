/*
 * foreign.c - code that was loaded into the program, though the program did not bring it. See
 * foreign.h. Called by both mains, before they give up rights.
 *
 * The dynamic loader loads what these name: fakeroot, libeatmydata, jemalloc, profilers. Such code
 * makes calls and opens files of its own, at any time, and may end the process when that fails.
 * What a user links into the programs is not found here.
 */
#include "foreign.h"

#include <stdlib.h>

const char *foreign_code(const struct shmsum_os *os)
{
    static const char *const variables[] = {"LD_PRELOAD", "LD_AUDIT"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && *value != '\0')
            return variables[i];
    }
    static const char file[] = "/etc/ld.so.preload";
    struct stat status;
    return os->stat(os, file, &status) == 0 && status.st_size > 0 ? file : NULL;
}
