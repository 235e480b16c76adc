/*
 * os.c (Linux) - the real table of system calls. The contract is in shmsum/os.h.
 *
 * Each function makes one call and returns its errno as a negative number, nothing more. Callers
 * decide what to retry, what to refuse and what to report, because tests can reach callers.
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
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "sandbox_calls.h"

#define SHM_FOLDER "/dev/shm" /* the folder of shm_open in glibc and in musl */

static int linux_open(OS, const char *path, int flags, mode_t mode)
{
    return (int)or_error(open(path, flags | O_CLOEXEC, mode));
}

static int linux_close(OS, int fd)
{
    return (int)or_error(close(fd));
}

static ssize_t linux_read(OS, int fd, void *bytes, size_t size)
{
    return or_error(read(fd, bytes, size));
}

static ssize_t linux_pread(OS, int fd, void *bytes, size_t size, off_t offset)
{
    return or_error(pread(fd, bytes, size, offset));
}

static ssize_t linux_write(OS, int fd, const void *bytes, size_t size)
{
    return or_error(write(fd, bytes, size));
}

static int linux_stat(OS, const char *path, struct stat *status)
{
    return (int)or_error(stat(path, status));
}

static int linux_lstat(OS, const char *path, struct stat *status)
{
    return (int)or_error(lstat(path, status));
}

static int linux_fstat(OS, int fd, struct stat *status)
{
    return (int)or_error(fstat(fd, status));
}

static off_t linux_lseek(OS, int fd, off_t offset, int whence)
{
    off_t result = lseek(fd, offset, whence);
    return result < 0 ? -errno : result;
}

static int linux_ftruncate(OS, int fd, off_t size)
{
    return (int)or_error(ftruncate(fd, size));
}

static int linux_fchmod(OS, int fd, mode_t mode)
{
    return (int)or_error(fchmod(fd, mode));
}

static int linux_fsync(OS, int fd)
{
    return (int)or_error(fsync(fd));
}

static int linux_flock(OS, int fd, bool wait)
{
    return (int)or_error(flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB));
}

static int linux_fcntl_lock(OS, int fd, bool asks)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, asks ? F_OFD_GETLK : F_OFD_SETLK, &lock) < 0)
        return -errno;
    return asks && lock.l_type == F_WRLCK;
}

static int linux_dup2(OS, int from, int to)
{
    return (int)or_error(dup2(from, to));
}

static int linux_pipe(OS, int ends[2])
{
    (void)os;
    return (int)or_error(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
}

static int linux_isatty(OS, int fd)
{
    if (isatty(fd))
        return 1;
    return errno == EBADF ? -EBADF : 0;
}

static int linux_tcgetattr_icanon(OS, int fd)
{
    (void)os;
    struct termios settings;
    int result = (int)or_error(tcgetattr(fd, &settings));
    return result < 0 ? result : (settings.c_lflag & ICANON) != 0;
}

static int linux_reopen(OS, int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return (int)or_error(open(path, O_RDONLY | O_CLOEXEC));
}

static ssize_t linux_readlink_self(OS, char *path, size_t size)
{
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
    return (int)or_error(shm_open(name, flags | O_CLOEXEC, mode));
}

static int linux_shm_unlink(OS, const char *name)
{
    return (int)or_error(shm_unlink(name));
}

static int linux_shm_opendir(OS, void **list)
{
    *list = opendir(SHM_FOLDER);
    return *list == NULL ? -errno : 0;
}

static int linux_shm_readdir(OS, void *list, const char **name)
{
    errno = 0;
    struct dirent *entry = readdir(list);
    if (entry == NULL)
        return -errno; /* 0 at the end */
    *name = entry->d_name;
    return 1;
}

static int linux_shm_statx(OS, void *list, const char *name, struct stat *status)
{
    struct statx found = {0};
    int result =
        statx(dirfd(list), name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
              STATX_TYPE | STATX_MODE | STATX_UID, &found);
    if (result < 0)
        return -errno;
    *status = (struct stat){
        .st_mode = found.stx_mode,
        .st_uid = found.stx_uid,
    };
    return (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int linux_shm_closedir(OS, void *list)
{
    return (int)or_error(closedir(list));
}

static int linux_posix_fallocate(OS, int fd, off_t size)
{
    return -posix_fallocate(fd, 0, size);
}

static int linux_mmap(OS, int fd, size_t size, void **memory)
{
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    *memory = mapped;
    return 0;
}

static int linux_munmap(OS, void *memory, size_t size)
{
    return (int)or_error(munmap(memory, size));
}

static int linux_getrandom(OS, void *bytes, size_t size)
{
    ssize_t got = getrandom(bytes, size, 0); /* no EINTR up to 256 bytes */
    if (got < 0)
        return -errno;
    return (size_t)got == size ? 0 : -EIO;
}

static int linux_futex_waitv(OS, const void *word, uint32_t expected, const void *stop,
                             uint32_t stop_expected)
{
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
    struct {
        long seconds; /* SYS_futex takes two longs on every Linux that has it */
        long nanoseconds;
    } timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
    return (int)or_error(syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0));
}

static int linux_futex_wake(OS, const void *word)
{
    return (int)or_error(syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
}

static int linux_ppoll(OS, struct pollfd *fds, size_t count, const sigset_t *mask)
{
    return (int)or_error(ppoll(fds, count, NULL, mask));
}

static pid_t linux_fork(OS)
{
    return (pid_t)or_error(fork());
}

static int linux_execve(OS, const char *path, char *const argv[], char *const envp[])
{
    return (int)or_error(execve(path, argv, envp));
}

static pid_t linux_waitpid(OS, pid_t pid, int *status, bool wait)
{
    return (pid_t)or_error(waitpid(pid, status, wait ? 0 : WNOHANG));
}

static int linux_kill(OS, pid_t pid, int signal)
{
    return (int)or_error(kill(pid, signal));
}

static pid_t linux_getpid(OS)
{
    return getpid();
}

static pid_t linux_getppid(OS)
{
    return getppid();
}

static uid_t linux_geteuid(OS)
{
    return geteuid();
}

static int linux_set_pdeathsig(OS, int signal)
{
    return (int)or_error(prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0UL, 0UL, 0UL));
}

static int linux_sigaction(OS, int signal, const struct sigaction *action, struct sigaction *old)
{
    return (int)or_error(sigaction(signal, action, old));
}

static int linux_sigprocmask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    return (int)or_error(sigprocmask(how, mask, old));
}

static int linux_setitimer(OS, unsigned milliseconds)
{
    struct itimerval timer = {
        .it_value = {(time_t)(milliseconds / 1000), (suseconds_t)(milliseconds % 1000 * 1000)}};
    return (int)or_error(setitimer(ITIMER_REAL, &timer, NULL));
}

static int linux_cpu_count(OS)
{
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0)
        return 2; /* EINVAL: more CPUs than the set has room for */
    return CPU_COUNT(&cpus);
}

static uint64_t linux_clock_ns(OS)
{
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
    .lstat = linux_lstat,
    .fstat = linux_fstat,
    .lseek = linux_lseek,
    .ftruncate = linux_ftruncate,
    .fchmod = linux_fchmod,
    .fsync = linux_fsync,
    .flock = linux_flock,
    .fcntl_lock = linux_fcntl_lock,
    .dup2 = linux_dup2,
    .pipe = linux_pipe,
    .isatty = linux_isatty,
    .tcgetattr_icanon = linux_tcgetattr_icanon,
    .reopen = linux_reopen,
    .readlink_self = linux_readlink_self,
    .shm_open = linux_shm_open,
    .shm_unlink = linux_shm_unlink,
    .shm_opendir = linux_shm_opendir,
    .shm_readdir = linux_shm_readdir,
    .shm_statx = linux_shm_statx,
    .shm_closedir = linux_shm_closedir,
    .posix_fallocate = linux_posix_fallocate,
    .mmap = linux_mmap,
    .munmap = linux_munmap,
    .getrandom = linux_getrandom,
    .futex_waitv = linux_futex_waitv,
    .futex_wait = linux_futex_wait,
    .futex_wake = linux_futex_wake,
    .ppoll = linux_ppoll,
    .fork = linux_fork,
    .execve = linux_execve,
    .waitpid = linux_waitpid,
    .kill = linux_kill,
    .getpid = linux_getpid,
    .getppid = linux_getppid,
    .geteuid = linux_geteuid,
    .set_pdeathsig = linux_set_pdeathsig,
    .sigaction = linux_sigaction,
    .sigprocmask = linux_sigprocmask,
    .setitimer = linux_setitimer,
    .set_no_new_privs = linux_set_no_new_privs,
    .clear_dumpable = linux_clear_dumpable,
    .setrlimit = linux_setrlimit,
    .drop_capabilities = linux_drop_capabilities,
    .close_range = linux_close_range,
    .landlock_restrict = linux_landlock_restrict,
    .seccomp = linux_seccomp,
    .memfd_create = linux_memfd_create,
    .cpu_count = linux_cpu_count,
    .clock_ns = linux_clock_ns,
};

const struct shmsum_os *shmsum_os_default(void)
{
    return &linux_os;
}
