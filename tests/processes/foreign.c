/*
 * foreign.c - code that the programs did not bring, as fakeroot, libeatmydata, a profiler or a leak
 * checker are. Loaded with LD_PRELOAD, or linked into shmsum-child. $SHMSUM_TEST_FOREIGN says what
 * it does:
 *
 *   work    at exit(3), creates a file
 *   calls   in each fstat(2) and fsync(2), makes a system call that the sandboxes forbid; if that
 *           fails, ends the process with status 1, as fakeroot's library does
 *   quits   ends the process with status 1 in the fstat of a file of FOREIGN_BYTES bytes
 */
#define _GNU_SOURCE
#include "foreign.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int does(const char *what)
{
    const char *wanted = getenv("SHMSUM_TEST_FOREIGN");
    return wanted != NULL && strcmp(wanted, what) == 0;
}

static void work(void)
{
    int fd = open(FOREIGN_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

__attribute__((constructor)) static void loaded(void)
{
    if (does("work"))
        atexit(work);
}

static void call(void)
{
    if (does("calls") && syscall(SYS_getuid) < 0)
        exit(1);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fstat(int fd, struct stat *status)
{
    call();
    int result = (int)syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH);
    if (result == 0 && does("quits") && status->st_size == FOREIGN_BYTES)
        exit(1);
    return result;
}

int fsync(int fd)
{
    call();
    return (int)syscall(SYS_fsync, fd);
}
