/* failure.c - call, object and reason of a failure. See shmsum/os.h. */
#include <shmsum/os.h>

int shmsum_failure_set(struct shmsum_failure *why, const char *call, const char *object, int error)
{
    if (why != NULL)
        *why = (struct shmsum_failure){.call = call, .object = object, .error = error};
    return -error;
}
