/* foreign.h - code that was loaded into the program, though the program did not bring it. */
#ifndef SHMSUM_SRC_SANDBOX_FOREIGN_H
#define SHMSUM_SRC_SANDBOX_FOREIGN_H

#include <shmsum/os.h>

/* Returns what loads foreign code into this process: the name of a variable of the environment, or
 * of a file; NULL: nothing known. A constant. Not thread-safe, as getenv(3). */
const char *foreign_code(const struct shmsum_os *os);

#endif
