/*
 * os.h - the one door to the operating system.
 *
 * Every system call that the library and the two programs make goes through a struct shmsum_os, so
 * that a test can put its own table in front of the real one and make the Nth call fail. Library
 * functions take the table as an argument; there is no global one to forget about.
 *
 * Conventions of every member:
 *   - it returns a value >= 0, or the negative errno of the call (-ENOENT); errno is not touched on
 *     purpose and never read by callers;
 *   - it does not retry: EINTR, EAGAIN and short counts are the caller's to handle, in one place;
 *   - its first argument is the table itself, so that a table in a test can carry state behind
 *     `context`;
 *   - it is as thread-safe and as async-signal-safe as the call that it wraps. Of the members,
 *     wait_child, get_parent, kill and futex_wake may be called from a signal handler.
 */
#ifndef SHMSUM_OS_H
#define SHMSUM_OS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <shmsum/decls.h>

SHMSUM_BEGIN_DECLS

struct shmsum_os {
    void *context; /* for tables made by tests; the real table leaves it NULL */

    /* Files. Descriptors are opened close-on-exec. */
    int (*open)(const struct shmsum_os *os, const char *path, int flags, mode_t mode);
    int (*close)(const struct shmsum_os *os, int fd);
    ssize_t (*read)(const struct shmsum_os *os, int fd, void *bytes, size_t size);
    ssize_t (*pread)(const struct shmsum_os *os, int fd, void *bytes, size_t size, off_t offset);
    ssize_t (*write)(const struct shmsum_os *os, int fd, const void *bytes, size_t size);
    int (*stat)(const struct shmsum_os *os, const char *path, struct stat *status);
    int (*fstat)(const struct shmsum_os *os, int fd, struct stat *status);
    off_t (*lseek)(const struct shmsum_os *os, int fd, off_t offset, int whence);
    int (*ftruncate)(const struct shmsum_os *os, int fd, off_t size);
    int (*fsync)(const struct shmsum_os *os, int fd);
    /* flock(2), exclusive: the lock belongs to the open file description. -EWOULDBLOCK when
     * `wait` is false and somebody else holds it. */
    int (*flock)(const struct shmsum_os *os, int fd, bool wait);
    int (*fcntl_append)(const struct shmsum_os *os, int fd); /* opened with O_APPEND: 1, or 0 */
    int (*dup2)(const struct shmsum_os *os, int from, int to);
    /* pipe2(2), non-blocking too: ends[0] is to be read, ends[1] to be written. */
    int (*pipe)(const struct shmsum_os *os, int ends[2]);
    int (*isatty)(const struct shmsum_os *os, int fd); /* 1, 0, or negative errno */
    /* A second, independent, read-only open of what fd refers to; -errno where that cannot be. */
    int (*reopen)(const struct shmsum_os *os, int fd);
    /* Absolute path of the running program into path[0..size), with its NUL; its length. */
    ssize_t (*readlink_self)(const struct shmsum_os *os, char *path, size_t size);

    /* Shared memory objects. Names start with '/'. */
    int (*shm_open)(const struct shmsum_os *os, const char *name, int flags, mode_t mode);
    int (*shm_unlink)(const struct shmsum_os *os, const char *name);
    /* Walk over the names that exist. list_next sets *name (valid until the next call, without
     * the '/') and returns 1, or 0 at the end. */
    int (*shm_opendir)(const struct shmsum_os *os, void **list);
    int (*shm_readdir)(const struct shmsum_os *os, void *list, const char **name);
    int (*shm_closedir)(const struct shmsum_os *os, void *list);
    int (*posix_fallocate)(const struct shmsum_os *os, int fd, off_t size);
    int (*mmap)(const struct shmsum_os *os, int fd, size_t size, void **memory);
    int (*munmap)(const struct shmsum_os *os, void *memory, size_t size);
    /* Fills all of bytes[0..size) with unpredictable bytes, or fails; size <= 256. */
    int (*getrandom)(const struct shmsum_os *os, void *bytes, size_t size);

    /* Waiting. The words are 32 bits wide and aligned; futexes are process-shared. */
    /* Sleeps while *word == expected and *stop == stop_expected. Returns a value >= 0 when woken,
     * -EAGAIN when a word differed, -EINTR after a signal, -ENOSYS where the kernel cannot wait on
     * two words (Linux before 5.16). */
    int (*futex_waitv)(const struct shmsum_os *os, const void *word, uint32_t expected,
                       const void *stop, uint32_t stop_expected);
    /* Sleeps while *word == expected, at most timeout_ms (> 0). -ETIMEDOUT, -EAGAIN, -EINTR. */
    int (*futex_wait)(const struct shmsum_os *os, const void *word, uint32_t expected,
                      int timeout_ms);
    int (*futex_wake)(const struct shmsum_os *os, const void *word);
    /* ppoll(2) without a time limit; `mask` (may be NULL) is in force during the wait only. */
    int (*ppoll)(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                 const sigset_t *mask);

    /* Processes and signals. */
    pid_t (*fork)(const struct shmsum_os *os);
    int (*execve)(const struct shmsum_os *os, const char *path, char *const argv[],
                  char *const envp[]);
    pid_t (*waitpid)(const struct shmsum_os *os, pid_t pid, int *status, bool wait);
    int (*kill)(const struct shmsum_os *os, pid_t pid, int signal);
    pid_t (*getpid)(const struct shmsum_os *os);
    pid_t (*getppid)(const struct shmsum_os *os);
    uid_t (*geteuid)(const struct shmsum_os *os); /* the effective user */
    int (*set_pdeathsig)(const struct shmsum_os *os,
                         int signal); /* sent to us when our parent dies */
    int (*sigaction)(const struct shmsum_os *os, int signal, const struct sigaction *action,
                     struct sigaction *old);
    int (*sigprocmask)(const struct shmsum_os *os, int how, const sigset_t *mask, sigset_t *old);

    /* Giving up rights, for this process and for good. -ENOSYS where the kernel cannot do it,
     * -ENOTSUP where this build could not bear it: see src/os/linux/sandbox_calls.c. */
    int (*set_no_new_privs)(const struct shmsum_os *os); /* no set-user-id program will help us */
    int (*clear_dumpable)(
        const struct shmsum_os *os); /* nobody of our user can trace us, no core */
    /* setrlimit(2), soft and hard. */
    int (*setrlimit)(const struct shmsum_os *os, int resource, uint64_t limit);
    int (*close_range)(const struct shmsum_os *os, int first); /* first, and all above it */
    /* Landlock without a single path, port or socket: what is open stays, nothing else can be
     * reached, and with `reading` what this user may read can still be opened to be read. Returns
     * the version of the kernel's ABI, > 0. After no_new_privs. */
    int (*landlock_restrict)(const struct shmsum_os *os, bool reading);
    /* seccomp(2) with a filter of the kernel's form, filter[0..bytes). After no_new_privs. */
    int (*seccomp)(const struct shmsum_os *os, const void *filter, size_t bytes);
    int (*memfd_create)(const struct shmsum_os *os); /* a new file in memory, without a name */

    /* The machine. */
    int (*cpu_count)(const struct shmsum_os *os);     /* CPUs that this process may run on, >= 1 */
    uint64_t (*clock_ns)(const struct shmsum_os *os); /* monotonic */
};

/* The table of the system that the library was built for. Never NULL, constant, any thread. */
const struct shmsum_os *shmsum_os_default(void);

/*
 * What went wrong, for a message: the call, the object it was made on, and why. Functions that take
 * a `struct shmsum_failure *why` fill it before they return a negative errno, and leave it alone
 * otherwise; why may be NULL. The strings are constants or belong to the object that was passed in:
 * nothing is to be freed, and they are valid as long as that object.
 */
struct shmsum_failure {
    const char *call;   /* "shm_open", or "protocol" when the other side broke the rules */
    const char *object; /* "/shmsum-12-ab…", "slot length" */
    int error;          /* positive errno; EPROTO for a broken protocol */
};

/* Fills *why (unless NULL) and returns -error. error > 0. Async-signal-safe. */
int shmsum_failure_set(struct shmsum_failure *why, const char *call, const char *object, int error);

SHMSUM_END_DECLS

#endif
