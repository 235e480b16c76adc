/* cage.h - the members of the real table that give up rights. The contract is in shmsum/os.h. */
#ifndef SHMSUM_SRC_OS_LINUX_CAGE_H
#define SHMSUM_SRC_OS_LINUX_CAGE_H

#include <shmsum/os.h>

int cage_no_new_privs(const struct shmsum_os *os);
int cage_not_dumpable(const struct shmsum_os *os);
int cage_set_limit(const struct shmsum_os *os, int resource, uint64_t limit);
int cage_close_from(const struct shmsum_os *os, int first);
int cage_forbid_paths(const struct shmsum_os *os, bool reading);
int cage_filter_calls(const struct shmsum_os *os, const void *filter, size_t bytes);
int cage_scratch(const struct shmsum_os *os);

#endif
