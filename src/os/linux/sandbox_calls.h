/* sandbox_calls.h - the members of the real table that give up rights. The contract is in
 * shmsum/os.h. For os.c. */
#ifndef SHMSUM_SRC_OS_LINUX_SANDBOX_CALLS_H
#define SHMSUM_SRC_OS_LINUX_SANDBOX_CALLS_H

#include <shmsum/os.h>

int linux_set_no_new_privs(const struct shmsum_os *os);
int linux_clear_dumpable(const struct shmsum_os *os);
int linux_setrlimit(const struct shmsum_os *os, int resource, uint64_t limit);
int linux_drop_capabilities(const struct shmsum_os *os);
int linux_close_range(const struct shmsum_os *os, int first, int last);
int linux_landlock_restrict(const struct shmsum_os *os, bool reading);
int linux_seccomp(const struct shmsum_os *os, const void *filter, size_t bytes);
int linux_memfd_create(const struct shmsum_os *os);

#endif
