/*
 * os.h - the one door to the operating system.
 *
 * Every system call of the library and of the two programs goes through a struct shmsum_os. A test
 * puts its own table in front of the real one and makes the Nth call fail. Library functions take
 * the table as an argument; there is no global one.
 *
 * Rules for every member:
 *   - Name: a member bears the name of the call that it makes, NAME(2) or NAME(3) of the manual.
 *     Where it makes one use of a call that has many, the name says the use and the comment names
 *     the call.
 *   - Parameters: the first is the table itself, so that a table of a test finds its state behind
 *     `context`. The others are those of the call, unless the comment says otherwise.
 *   - Return value: >= 0, or the negative errno of the call (-ENOENT). A successful call returns 0
 *     where the comment names no other value. Callers never read errno.
 *   - Errors: those of the manual page; a comment names only what a caller must treat in its own
 *     way.
 *   - Retries: none. Callers handle EINTR, EAGAIN and short counts.
 *   - Threads: any thread may call any member at any time, but one list of names belongs to one
 *     thread.
 *   - Signal handlers: every member of the real table is async-signal-safe, as a bare system call
 *     or by signal-safety(7), except isatty, reopen, the shm_ members, posix_fallocate and fork.
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
    void *context; /* for tables made by tests; NULL in the real table */

    /* ---- files ---- */

    /* open(2) with O_CLOEXEC added. Returns the new descriptor. `mode` counts with O_CREAT only. */
    int (*open)(const struct shmsum_os *os, const char *path, int flags, mode_t mode);

    /* close(2). After -EINTR too the descriptor is closed: never call it again. */
    int (*close)(const struct shmsum_os *os, int fd);

    /* read(2). Returns the count of bytes, which may be short; 0 at the end. */
    ssize_t (*read)(const struct shmsum_os *os, int fd, void *bytes, size_t size);

    /* pread(2). As read, at `offset` from the beginning of the file. */
    ssize_t (*pread)(const struct shmsum_os *os, int fd, void *bytes, size_t size, off_t offset);

    /* write(2). Returns the count of bytes, which may be short. */
    ssize_t (*write)(const struct shmsum_os *os, int fd, const void *bytes, size_t size);

    /* stat(2): follows symbolic links. */
    int (*stat)(const struct shmsum_os *os, const char *path, struct stat *status);

    /* lstat(2): of a symbolic link itself. */
    int (*lstat)(const struct shmsum_os *os, const char *path, struct stat *status);

    /* fstat(2). */
    int (*fstat)(const struct shmsum_os *os, int fd, struct stat *status);

    /* lseek(2). Returns the new offset in bytes from the beginning of the file. */
    off_t (*lseek)(const struct shmsum_os *os, int fd, off_t offset, int whence);

    /* ftruncate(2): the file is `size` bytes long afterwards. */
    int (*ftruncate)(const struct shmsum_os *os, int fd, off_t size);

    /* fchmod(2): the permissions become exactly `mode`, whatever the umask is. */
    int (*fchmod)(const struct shmsum_os *os, int fd, mode_t mode);

    /* fsync(2). -EINVAL: this kind of file cannot be synced. */
    int (*fsync)(const struct shmsum_os *os, int fd);

    /* flock(2), exclusive. The lock belongs to the open file description: it ends when the last
     * descriptor of that is closed. Without `wait`: -EWOULDBLOCK while another description of the
     * file holds the lock. */
    int (*flock)(const struct shmsum_os *os, int fd, bool wait);

    /* fcntl(2), F_OFD_SETLK: locks the whole file for writing, without a wait. The lock belongs to
     * the open file description, as that of flock. Only a descriptor for writing can have it; every
     * reader can hold one for reading against it. With `asks`, F_OFD_GETLK: returns 1 if another
     * description holds a lock for writing, else 0. */
    int (*fcntl_lock)(const struct shmsum_os *os, int fd, bool asks);

    /* dup2(2). Returns `to`, which stays open over execve. */
    int (*dup2)(const struct shmsum_os *os, int from, int to);

    /* pipe2(2) with O_CLOEXEC and O_NONBLOCK: ends[0] is to be read, ends[1] to be written. */
    int (*pipe)(const struct shmsum_os *os, int ends[2]);

    /* isatty(3). Returns 1 for a terminal, 0 for anything else; -EBADF. */
    int (*isatty)(const struct shmsum_os *os, int fd);

    /* tcgetattr(3). Returns 1 for a terminal in canonical mode, 0 for one in another mode; -ENOTTY
     * for anything else. */
    int (*tcgetattr_icanon)(const struct shmsum_os *os, int fd);

    /* open(2) of /proc/self/fd/FD, read-only: returns another descriptor of the file behind fd,
     * with an offset of its own. -ENOENT without /proc, -EACCES where the file's mode forbids
     * reading. */
    int (*reopen)(const struct shmsum_os *os, int fd);

    /* readlink(2) of /proc/self/exe: writes the absolute path of the running program into
     * path[0..size), with its NUL, and returns its length. -ENAMETOOLONG when it does not fit,
     * -ENOENT without /proc. */
    ssize_t (*readlink_self)(const struct shmsum_os *os, char *path, size_t size);

    /* ---- shared memory objects; a name is '/' and up to 254 bytes without '/' ---- */

    /* shm_open(3) with O_CLOEXEC added. Returns the new descriptor. */
    int (*shm_open)(const struct shmsum_os *os, const char *name, int flags, mode_t mode);

    /* shm_unlink(3). -ENOENT: there is no such name. */
    int (*shm_unlink)(const struct shmsum_os *os, const char *name);

    /* opendir(3) of the folder that holds the names (/dev/shm). Sets *list, which the caller gives
     * back to shm_closedir. */
    int (*shm_opendir)(const struct shmsum_os *os, void **list);

    /* readdir(3). Returns 1 with the next name in *name, without its '/' and valid until the next
     * call; 0 at the end. */
    int (*shm_readdir)(const struct shmsum_os *os, void *list, const char **name);

    /* statx(2) of a name in `list`. Fills in st_mode and st_uid only. Never waits: it follows no
     * symbolic link, mounts nothing, and asks no server of a file system that somebody mounted
     * there (AT_STATX_DONT_SYNC). Returns 1 if something is mounted there and the kernel says so
     * (Linux 5.8), else 0. */
    int (*shm_statx)(const struct shmsum_os *os, void *list, const char *name, struct stat *status);

    /* closedir(3). `list` is freed, also after an error. */
    int (*shm_closedir)(const struct shmsum_os *os, void *list);

    /* posix_fallocate(3): reserves the first `size` bytes, so that no later access to them fails
     * for want of space. -EINTR after a signal. */
    int (*posix_fallocate)(const struct shmsum_os *os, int fd, off_t size);

    /* mmap(2): maps the first `size` bytes, shared, to be read and written, where the kernel
     * likes. Sets *memory, which the caller gives back to munmap. */
    int (*mmap)(const struct shmsum_os *os, int fd, size_t size, void **memory);

    /* munmap(2) of all that mmap returned. */
    int (*munmap)(const struct shmsum_os *os, void *memory, size_t size);

    /* getrandom(2): fills all of bytes[0..size) with unpredictable bytes; size <= 256, so that no
     * signal interrupts it. */
    int (*getrandom)(const struct shmsum_os *os, void *bytes, size_t size);

    /* ---- waiting; futex words are 32 bits wide, aligned, and shared between processes ---- */

    /* futex_waitv(2): sleeps while *word == expected and *stop == stop_expected. Returns a value
     * >= 0 when woken, also without a reason; -EAGAIN when one of the words differs, -EINTR after
     * a signal, -ENOSYS where the kernel cannot wait on two words (Linux before 5.16). */
    int (*futex_waitv)(const struct shmsum_os *os, const void *word, uint32_t expected,
                       const void *stop, uint32_t stop_expected);

    /* futex(2), FUTEX_WAIT: sleeps while *word == expected, at most timeout_ms milliseconds (> 0).
     * Returns as futex_waitv does; -ETIMEDOUT when the time is over. */
    int (*futex_wait)(const struct shmsum_os *os, const void *word, uint32_t expected,
                      int timeout_ms);

    /* futex(2), FUTEX_WAKE: wakes all that sleep on the word. Returns their count. */
    int (*futex_wake)(const struct shmsum_os *os, const void *word);

    /* ppoll(2) without a time limit. `mask` replaces the signal mask during the wait only; NULL:
     * the mask stays. Returns the count of descriptors that are ready; -EINTR after a signal. */
    int (*ppoll)(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                 const sigset_t *mask);

    /* ---- processes and signals ---- */

    /* fork(2). Returns the child's number in the parent, 0 in the child. */
    pid_t (*fork)(const struct shmsum_os *os);

    /* execve(2). Returns only when it fails. */
    int (*execve)(const struct shmsum_os *os, const char *path, char *const argv[],
                  char *const envp[]);

    /* waitpid(2) for the child `pid`: returns pid with *status set when it has ended. With `wait`
     * it waits for that; without, it returns 0 while the child runs. */
    pid_t (*waitpid)(const struct shmsum_os *os, pid_t pid, int *status, bool wait);

    /* kill(2). */
    int (*kill)(const struct shmsum_os *os, pid_t pid, int signal);

    /* getpid(2). Cannot fail. */
    pid_t (*getpid)(const struct shmsum_os *os);

    /* getppid(2). Cannot fail. */
    pid_t (*getppid)(const struct shmsum_os *os);

    /* geteuid(2). Cannot fail. */
    uid_t (*geteuid)(const struct shmsum_os *os);

    /* prctl(2), PR_SET_PDEATHSIG: the kernel sends `signal` to this process when the thread that
     * forked it ends. If the parent has died before this call, no signal comes. */
    int (*set_pdeathsig)(const struct shmsum_os *os, int signal);

    /* sigaction(2). `action` and `old` may be NULL. */
    int (*sigaction)(const struct shmsum_os *os, int signal, const struct sigaction *action,
                     struct sigaction *old);

    /* sigprocmask(2). `mask` and `old` may be NULL. */
    int (*sigprocmask)(const struct shmsum_os *os, int how, const sigset_t *mask, sigset_t *old);

    /* setitimer(2), ITIMER_REAL: the kernel sends SIGALRM once, after `milliseconds` (> 0).
     * Replaces an earlier request, also one that was made before execve. */
    int (*setitimer)(const struct shmsum_os *os, unsigned milliseconds);

    /* ---- giving up rights, for this process and for good ----
     *
     * -ENOSYS where the kernel cannot do it; -ENOTSUP in a build whose tools would not survive it
     * (src/os/linux/sandbox_calls.c). */

    /* prctl(2), PR_SET_NO_NEW_PRIVS: no execve grants privileges any more. */
    int (*set_no_new_privs)(const struct shmsum_os *os);

    /* prctl(2), PR_SET_DUMPABLE 0: other processes of the user cannot trace this one, and it leaves
     * no core. */
    int (*clear_dumpable)(const struct shmsum_os *os);

    /* setrlimit(2): both the soft and the hard limit of the resource become `limit`. */
    int (*setrlimit)(const struct shmsum_os *os, int resource, uint64_t limit);

    /* capset(2): this process has no capabilities any more, as user root too. */
    int (*drop_capabilities)(const struct shmsum_os *os);

    /* close_range(2): closes the descriptors first .. last. */
    int (*close_range)(const struct shmsum_os *os, int first, int last);

    /* landlock_create_ruleset(2) and landlock_restrict_self(2), without one path, port or socket
     * that is allowed: open descriptors stay, nothing else can be reached. With `reading`, files
     * that this user may read can still be opened to be read. Returns the version of the kernel's
     * ABI, > 0. Needs set_no_new_privs before it. */
    int (*landlock_restrict)(const struct shmsum_os *os, bool reading);

    /* seccomp(2) with a filter in the kernel's form, filter[0..bytes). Needs set_no_new_privs
     * before it. */
    int (*seccomp)(const struct shmsum_os *os, const void *filter, size_t bytes);

    /* memfd_create(2). Returns the descriptor of a new empty file in memory, without a name. */
    int (*memfd_create)(const struct shmsum_os *os);

    /* ---- the machine ---- */

    /* sched_getaffinity(2). Returns the count of CPUs that this process may run on, >= 1. Cannot
     * fail: 2 where the set of CPUs is larger than the C library's. */
    int (*cpu_count)(const struct shmsum_os *os);

    /* clock_gettime(2), CLOCK_MONOTONIC, in nanoseconds. Cannot fail. */
    uint64_t (*clock_ns)(const struct shmsum_os *os);
};

/* The table of the system that the library was built for: constant, never NULL. May be called by
 * any thread and by a signal handler. */
const struct shmsum_os *shmsum_os_default(void);

/*
 * What a function of this library may say that is no error of the system. Such a function returns
 * it where it could return a negative errno. The values cannot meet: the kernel's errnos end at
 * 4095, so no system call, of whatever file system, device or call filter, returns one of these.
 */
enum shmsum_outcome {
    SHMSUM_STOPPED = -5001, /* a stop bit ended the wait; the stop word says which */
    SHMSUM_BROKEN = -5002,  /* the other side broke the rules of the protocol */
    SHMSUM_AGAIN = -5003,   /* not now: the slot still belongs to the other side */
};

/*
 * What went wrong, for a message: the call, the object that it was made on, and why. A function
 * that takes a `struct shmsum_failure *why` fills it before it returns a negative errno or
 * SHMSUM_BROKEN, and leaves it alone otherwise; why may be NULL. The strings are constants or
 * belong to the object that the caller passed: the caller frees none, and they are valid as long as
 * that object.
 */
struct shmsum_failure {
    const char *call;   /* "shm_open", or "protocol" when the other side broke the rules */
    const char *object; /* "/shmsum-12-ab…", "slot length" */
    int error;          /* positive errno; or -SHMSUM_BROKEN, or a caller's own reason above 4095 */
};

/* Fills *why (unless NULL) and returns -error; error > 0. Thread-safe and async-signal-safe. */
int shmsum_failure_set(struct shmsum_failure *why, const char *call, const char *object, int error);

SHMSUM_END_DECLS

#endif
