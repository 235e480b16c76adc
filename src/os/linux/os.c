/*
 * os.c (Linux) - the real table of system calls. The contract is in shmsum/os.h.
 *
 * Each function is one call and the translation of its errno, nothing more: what to retry, what to
 * refuse and what to say is decided by the callers, which tests can reach.
 */
#define _GNU_SOURCE
#include <shmsum/os.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox_calls.h"

#define OS const struct shmsum_os *os
#define SHM_FOLDER "/dev/shm" /* where glibc's and musl's shm_open keep their objects */

static long or_error(long result)
{
    return result < 0 ? -errno : result;
}

static int linux_open(OS, const char *path, int flags, mode_t mode)
{
    (void)os;
    return (int)or_error(open(path, flags | O_CLOEXEC, mode));
}

static int linux_close(OS, int fd)
{
    (void)os;
    return (int)or_error(close(fd));
}

static ssize_t linux_read(OS, int fd, void *bytes, size_t size)
{
    (void)os;
    return or_error(read(fd, bytes, size));
}

static ssize_t linux_pread(OS, int fd, void *bytes, size_t size, off_t offset)
{
    (void)os;
    return or_error(pread(fd, bytes, size, offset));
}

static ssize_t linux_write(OS, int fd, const void *bytes, size_t size)
{
    (void)os;
    return or_error(write(fd, bytes, size));
}

static int linux_stat(OS, const char *path, struct stat *status)
{
    (void)os;
    return (int)or_error(stat(path, status));
}

static int linux_fstat(OS, int fd, struct stat *status)
{
    (void)os;
    return (int)or_error(fstat(fd, status));
}

static off_t linux_seek(OS, int fd, off_t offset, int whence)
{
    (void)os;
    off_t result = lseek(fd, offset, whence);
    return result < 0 ? -errno : result;
}

static int linux_truncate(OS, int fd, off_t size)
{
    (void)os;
    return (int)or_error(ftruncate(fd, size));
}

static int linux_sync(OS, int fd)
{
    (void)os;
    return (int)or_error(fsync(fd));
}

static int linux_lock(OS, int fd, bool wait)
{
    (void)os;
    return (int)or_error(flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB));
}

static int linux_appends(OS, int fd)
{
    (void)os;
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : (flags & O_APPEND) != 0;
}

static int linux_duplicate(OS, int from, int to)
{
    (void)os;
    return (int)or_error(dup2(from, to));
}

static int linux_is_terminal(OS, int fd)
{
    (void)os;
    if (isatty(fd))
        return 1;
    return errno == EBADF ? -EBADF : 0;
}

static int linux_reopen(OS, int fd)
{
    (void)os;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return (int)or_error(open(path, O_RDONLY | O_CLOEXEC));
}

static ssize_t linux_self_path(OS, char *path, size_t size)
{
    (void)os;
    ssize_t length = readlink("/proc/self/exe", path, size);
    if (length < 0)
        return -errno;
    if ((size_t)length >= size)
        return -ENAMETOOLONG;
    path[length] = '\0';
    return length;
}

static int linux_shm_open(OS, const char *name, int flags, mode_t mode)
{
    (void)os;
    return (int)or_error(shm_open(name, flags | O_CLOEXEC, mode));
}

static int linux_shm_unlink(OS, const char *name)
{
    (void)os;
    return (int)or_error(shm_unlink(name));
}

static int linux_shm_list_open(OS, void **list)
{
    (void)os;
    *list = opendir(SHM_FOLDER);
    return *list == NULL ? -errno : 0;
}

static int linux_shm_list_next(OS, void *list, const char **name)
{
    (void)os;
    errno = 0;
    struct dirent *entry = readdir(list);
    if (entry == NULL)
        return -errno; /* 0 at the end */
    *name = entry->d_name;
    return 1;
}

static int linux_shm_list_close(OS, void *list)
{
    (void)os;
    return (int)or_error(closedir(list));
}

static int linux_allocate(OS, int fd, off_t size)
{
    (void)os;
    return -posix_fallocate(fd, 0, size);
}

static int linux_map_shared(OS, int fd, size_t size, void **memory)
{
    (void)os;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    *memory = mapped;
    return 0;
}

static int linux_unmap(OS, void *memory, size_t size)
{
    (void)os;
    return (int)or_error(munmap(memory, size));
}

static int linux_random(OS, void *bytes, size_t size)
{
    (void)os;
    ssize_t got = getrandom(bytes, size, 0); /* up to 256 bytes are not interrupted: getrandom(2) */
    if (got < 0)
        return -errno;
    return (size_t)got == size ? 0 : -EIO;
}

static int linux_futex_wait_two(OS, const void *word, uint32_t expected, const void *stop,
                                uint32_t stop_expected)
{
    (void)os;
#ifdef SYS_futex_waitv
    struct futex_waitv waiters[2] = {
        {.val = expected, .uaddr = (uintptr_t)word, .flags = FUTEX_32},
        {.val = stop_expected, .uaddr = (uintptr_t)stop, .flags = FUTEX_32},
    };
    return (int)or_error(syscall(SYS_futex_waitv, waiters, 2, 0, NULL, CLOCK_MONOTONIC));
#else
    (void)word, (void)expected, (void)stop, (void)stop_expected;
    return -ENOSYS;
#endif
}

static int linux_futex_wait(OS, const void *word, uint32_t expected, int timeout_ms)
{
    (void)os;
    struct {
        long seconds; /* what SYS_futex takes on every Linux that has it: two longs */
        long nanoseconds;
    } timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    return (int)or_error(syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0));
}

static int linux_futex_wake(OS, const void *word)
{
    (void)os;
    return (int)or_error(syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
}

static int linux_poll(OS, struct pollfd *fds, size_t count, const sigset_t *mask)
{
    (void)os;
    return (int)or_error(ppoll(fds, count, NULL, mask));
}

static pid_t linux_fork(OS)
{
    (void)os;
    return (pid_t)or_error(fork());
}

static int linux_exec(OS, const char *path, char *const argv[], char *const envp[])
{
    (void)os;
    return (int)or_error(execve(path, argv, envp));
}

static pid_t linux_wait_child(OS, pid_t pid, int *status, bool wait)
{
    (void)os;
    return (pid_t)or_error(waitpid(pid, status, wait ? 0 : WNOHANG));
}

static int linux_kill(OS, pid_t pid, int signal)
{
    (void)os;
    return (int)or_error(kill(pid, signal));
}

static pid_t linux_get_pid(OS)
{
    (void)os;
    return getpid();
}

static pid_t linux_get_parent(OS)
{
    (void)os;
    return getppid();
}

static uid_t linux_get_user(OS)
{
    (void)os;
    return geteuid();
}

static int linux_die_signal(OS, int signal)
{
    (void)os;
    return (int)or_error(prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL));
}

static int linux_set_action(OS, int signal, const struct sigaction *action, struct sigaction *old)
{
    (void)os;
    return (int)or_error(sigaction(signal, action, old));
}

static int linux_set_mask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    (void)os;
    return (int)or_error(sigprocmask(how, mask, old));
}

static int linux_cpu_count(OS)
{
    (void)os;
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0)
        return 2; /* more CPUs than fit the set: EINVAL */
    return CPU_COUNT(&cpus);
}

static uint64_t linux_clock_ns(OS)
{
    (void)os;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static const struct shmsum_os linux_os = {
    .open = linux_open,
    .close = linux_close,
    .read = linux_read,
    .pread = linux_pread,
    .write = linux_write,
    .stat = linux_stat,
    .fstat = linux_fstat,
    .seek = linux_seek,
    .truncate = linux_truncate,
    .sync = linux_sync,
    .lock = linux_lock,
    .appends = linux_appends,
    .duplicate = linux_duplicate,
    .is_terminal = linux_is_terminal,
    .reopen = linux_reopen,
    .self_path = linux_self_path,
    .shm_open = linux_shm_open,
    .shm_unlink = linux_shm_unlink,
    .shm_list_open = linux_shm_list_open,
    .shm_list_next = linux_shm_list_next,
    .shm_list_close = linux_shm_list_close,
    .allocate = linux_allocate,
    .map_shared = linux_map_shared,
    .unmap = linux_unmap,
    .random = linux_random,
    .futex_wait_two = linux_futex_wait_two,
    .futex_wait = linux_futex_wait,
    .futex_wake = linux_futex_wake,
    .poll = linux_poll,
    .fork = linux_fork,
    .exec = linux_exec,
    .wait_child = linux_wait_child,
    .kill = linux_kill,
    .get_pid = linux_get_pid,
    .get_parent = linux_get_parent,
    .get_user = linux_get_user,
    .die_signal = linux_die_signal,
    .set_action = linux_set_action,
    .set_mask = linux_set_mask,
    .no_new_privs = cage_no_new_privs,
    .not_dumpable = cage_not_dumpable,
    .set_limit = cage_set_limit,
    .close_from = cage_close_from,
    .forbid_paths = cage_forbid_paths,
    .filter_calls = cage_filter_calls,
    .scratch = cage_scratch,
    .cpu_count = linux_cpu_count,
    .clock_ns = linux_clock_ns,
};

const struct shmsum_os *shmsum_os_default(void)
{
    return &linux_os;
}
