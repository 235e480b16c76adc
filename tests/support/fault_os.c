/* fault_os.c - a table of system calls that fails on demand and records what is open. See
 * fault_os.h. */
#include "fault_os.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define OS const struct shmsum_os *os

static struct fault_os *faults_of(OS)
{
    return os->context;
}

static int inject(struct fault_os *faults, enum fault_member member, int fd, int error)
{
    if (faults->injected < FAULT_LOG_MAX)
        faults->log[faults->injected] = (struct fault_injected){member, error, fd};
    faults->injected++;
    return -error;
}

/* Counts a call, on fd if it has one. Returns the negative errno that it has to fail with, or 0. */
static int count(struct fault_os *faults, enum fault_member member, int fd)
{
    uint64_t call = ++faults->calls[member];
    for (size_t i = 0; i < faults->rule_count; i++) {
        const struct fault_rule *rule = &faults->rules[i];
        if (rule->member == member && call >= rule->first && call - rule->first < rule->times) {
            return inject(faults, member, fd, rule->error);
        }
    }
    return 0;
}

/* The beginning of every member: counts the call, and returns when it has to fail. */
#define ENTER(name) ENTER_ON(name, FAULT_ANY_FD)
#define ENTER_ON(name, fd)                       \
    struct fault_os *faults = faults_of(os);     \
    const struct shmsum_os *real = faults->real; \
    int fault = count(faults, FAULT_##name, fd); \
    if (fault < 0)                               \
    return fault

/* ---- the records ---- */

static int note_open(struct fault_os *faults, int fd)
{
    if (fd >= FAULT_FDS_MAX)
        faults->wrong++;
    else if (fd >= 0)
        faults->fd_open[fd] = true;
    return fd;
}

static void note_name(struct fault_os *faults, const char *name)
{
    for (size_t i = 0; i < FAULT_NAMES_MAX; i++) {
        if (faults->names[i][0] == '\0' && strlen(name) < FAULT_NAME_BYTES) {
            strcpy(faults->names[i], name);
            return;
        }
    }
    faults->wrong++;
}

static void forget_name(struct fault_os *faults, const char *name)
{
    for (size_t i = 0; i < FAULT_NAMES_MAX; i++)
        if (strcmp(faults->names[i], name) == 0)
            faults->names[i][0] = '\0';
}

static void note_mapping(struct fault_os *faults, void *memory, size_t size)
{
    for (size_t i = 0; i < FAULT_MAPPINGS_MAX; i++) {
        if (faults->mappings[i].memory == NULL) {
            faults->mappings[i].memory = memory;
            faults->mappings[i].size = size;
            return;
        }
    }
    faults->wrong++;
}

static void forget_mapping(struct fault_os *faults, const void *memory, size_t size)
{
    for (size_t i = 0; i < FAULT_MAPPINGS_MAX; i++) {
        if (faults->mappings[i].memory == memory && faults->mappings[i].size == size) {
            faults->mappings[i].memory = NULL;
            return;
        }
    }
    faults->wrong++; /* never mapped, or unmapped in part */
}

/* ---- files ---- */

static int fault_open(OS, const char *path, int flags, mode_t mode)
{
    ENTER(open);
    return note_open(faults, real->open(real, path, flags, mode));
}

static int fault_close(OS, int fd)
{
    struct fault_os *faults = faults_of(os);
    int fault = count(faults, FAULT_close, fd);
    if (fd >= 0 && fd < FAULT_FDS_MAX && faults->fd_open[fd])
        faults->fd_open[fd] = false;
    else
        faults->wrong++;
    int result = faults->real->close(faults->real, fd);
    return fault < 0 ? fault : result;
}

static size_t at_most(size_t size, size_t limit)
{
    return limit > 0 && size > limit ? limit : size;
}

static ssize_t fault_read(OS, int fd, void *bytes, size_t size)
{
    ENTER_ON(read, fd);
    return real->read(real, fd, bytes, at_most(size, faults->read_max));
}

static ssize_t fault_pread(OS, int fd, void *bytes, size_t size, off_t offset)
{
    ENTER_ON(pread, fd);
    return real->pread(real, fd, bytes, at_most(size, faults->read_max), offset);
}

static ssize_t fault_write(OS, int fd, const void *bytes, size_t size)
{
    ENTER_ON(write, fd);
    size = at_most(size, faults->write_max);
    bool full =
        faults->full_error != 0 && (faults->full_fd == FAULT_ANY_FD || faults->full_fd == fd);
    if (full && size > 0) {
        if (faults->full_room == 0) {
            return inject(faults, FAULT_write, fd, faults->full_error);
        }
        if (size > faults->full_room)
            size = (size_t)faults->full_room;
    }
    ssize_t wrote = real->write(real, fd, bytes, size);
    if (full && wrote > 0)
        faults->full_room -= (uint64_t)wrote;
    return wrote;
}

static int forge(struct fault_os *faults, int result, struct stat *status)
{
    if (result >= 0 && faults->forge_stat != NULL)
        faults->forge_stat(faults, status);
    return result;
}

static int fault_stat(OS, const char *path, struct stat *status)
{
    ENTER(stat);
    return forge(faults, real->stat(real, path, status), status);
}

static int fault_lstat(OS, const char *path, struct stat *status)
{
    ENTER(lstat);
    return forge(faults, real->lstat(real, path, status), status);
}

static int fault_fstat(OS, int fd, struct stat *status)
{
    ENTER_ON(fstat, fd);
    return forge(faults, real->fstat(real, fd, status), status);
}

static off_t fault_lseek(OS, int fd, off_t offset, int whence)
{
    ENTER_ON(lseek, fd);
    return real->lseek(real, fd, offset, whence);
}

static int fault_ftruncate(OS, int fd, off_t size)
{
    ENTER_ON(ftruncate, fd);
    return real->ftruncate(real, fd, size);
}

static int fault_fchmod(OS, int fd, mode_t mode)
{
    ENTER_ON(fchmod, fd);
    return real->fchmod(real, fd, mode);
}

static int fault_fsync(OS, int fd)
{
    ENTER_ON(fsync, fd);
    return real->fsync(real, fd);
}

static int fault_flock(OS, int fd, bool wait)
{
    ENTER_ON(flock, fd);
    return real->flock(real, fd, wait);
}

static int fault_fcntl_lock(OS, int fd, bool asks)
{
    ENTER_ON(fcntl_lock, fd);
    return real->fcntl_lock(real, fd, asks);
}

static int fault_dup2(OS, int from, int to)
{
    ENTER(dup2);
    return note_open(faults, real->dup2(real, from, to));
}

static int fault_pipe(OS, int ends[2])
{
    ENTER(pipe);
    int result = real->pipe(real, ends);
    if (result >= 0) {
        note_open(faults, ends[0]);
        note_open(faults, ends[1]);
    }
    return result;
}

static int fault_isatty(OS, int fd)
{
    ENTER_ON(isatty, fd);
    return real->isatty(real, fd);
}

static int fault_tcgetattr_icanon(OS, int fd)
{
    ENTER_ON(tcgetattr_icanon, fd);
    return real->tcgetattr_icanon(real, fd);
}

static int fault_reopen(OS, int fd)
{
    ENTER_ON(reopen, fd);
    return note_open(faults, real->reopen(real, fd));
}

static ssize_t fault_readlink_self(OS, char *path, size_t size)
{
    ENTER(readlink_self);
    return real->readlink_self(real, path, size);
}

/* ---- shared memory objects ---- */

static int fault_shm_open(OS, const char *name, int flags, mode_t mode)
{
    ENTER(shm_open);
    int fd = note_open(faults, real->shm_open(real, name, flags, mode));
    if (fd >= 0 && (flags & O_EXCL) != 0)
        note_name(faults, name);
    return fd;
}

static int fault_shm_unlink(OS, const char *name)
{
    ENTER(shm_unlink);
    int result = real->shm_unlink(real, name);
    if (result >= 0 || result == -ENOENT)
        forget_name(faults, name);
    return result;
}

static int fault_shm_opendir(OS, void **list)
{
    ENTER(shm_opendir);
    int result = real->shm_opendir(real, list);
    if (result >= 0)
        faults->lists_open++;
    return result;
}

static int fault_shm_readdir(OS, void *list, const char **name)
{
    ENTER(shm_readdir);
    return real->shm_readdir(real, list, name);
}

static int fault_shm_statx(OS, void *list, const char *name, struct stat *status)
{
    ENTER(shm_statx);
    int result = real->shm_statx(real, list, name, status);
    if (result >= 0 && faults->forge_stat != NULL)
        faults->forge_stat(faults, status);
    return result;
}

static int fault_shm_closedir(OS, void *list)
{
    struct fault_os *faults = faults_of(os);
    int fault = count(faults, FAULT_shm_closedir, FAULT_ANY_FD);
    if (faults->lists_open > 0)
        faults->lists_open--;
    else
        faults->wrong++;
    int result = faults->real->shm_closedir(faults->real, list);
    return fault < 0 ? fault : result;
}

static int fault_posix_fallocate(OS, int fd, off_t size)
{
    ENTER_ON(posix_fallocate, fd);
    return real->posix_fallocate(real, fd, size);
}

static int fault_mmap(OS, int fd, size_t size, void **memory)
{
    ENTER_ON(mmap, fd);
    int result = real->mmap(real, fd, size, memory);
    if (result >= 0)
        note_mapping(faults, *memory, size);
    return result;
}

static int fault_munmap(OS, void *memory, size_t size)
{
    ENTER(munmap);
    forget_mapping(faults, memory, size);
    return real->munmap(real, memory, size);
}

static int fault_getrandom(OS, void *bytes, size_t size)
{
    ENTER(getrandom);
    return real->getrandom(real, bytes, size);
}

/* ---- waiting ---- */

static int fault_futex_waitv(OS, const void *word, uint32_t expected, const void *stop,
                             uint32_t stop_expected)
{
    ENTER(futex_waitv);
    return real->futex_waitv(real, word, expected, stop, stop_expected);
}

static int fault_futex_wait(OS, const void *word, uint32_t expected, int timeout_ms)
{
    ENTER(futex_wait);
    return real->futex_wait(real, word, expected, timeout_ms);
}

static int fault_futex_wake(OS, const void *word)
{
    ENTER(futex_wake);
    return real->futex_wake(real, word);
}

static int fault_ppoll(OS, struct pollfd *fds, size_t size, const sigset_t *mask)
{
    ENTER_ON(ppoll, size > 0 ? fds[0].fd : FAULT_ANY_FD);
    return real->ppoll(real, fds, size, mask);
}

/* ---- processes and signals ---- */

static pid_t fault_fork(OS)
{
    ENTER(fork);
    return real->fork(real);
}

static int fault_execve(OS, const char *path, char *const argv[], char *const envp[])
{
    ENTER(execve);
    return real->execve(real, path, argv, envp);
}

static pid_t fault_waitpid(OS, pid_t pid, int *status, bool wait)
{
    ENTER(waitpid);
    return real->waitpid(real, pid, status, wait);
}

static int fault_kill(OS, pid_t pid, int signal)
{
    ENTER(kill);
    return real->kill(real, pid, signal);
}

static pid_t fault_getpid(OS)
{
    ENTER(getpid);
    return real->getpid(real);
}

static pid_t fault_getppid(OS)
{
    ENTER(getppid);
    return real->getppid(real);
}

static uid_t fault_geteuid(OS) /* cannot fail */
{
    struct fault_os *faults = faults_of(os);
    faults->calls[FAULT_geteuid]++;
    return faults->real->geteuid(faults->real);
}

static int fault_set_pdeathsig(OS, int signal)
{
    ENTER(set_pdeathsig);
    return real->set_pdeathsig(real, signal);
}

static int fault_sigaction(OS, int signal, const struct sigaction *action, struct sigaction *old)
{
    ENTER(sigaction);
    return real->sigaction(real, signal, action, old);
}

static int fault_sigprocmask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    ENTER(sigprocmask);
    return real->sigprocmask(real, how, mask, old);
}

/* ---- giving up rights ---- */

static int fault_setitimer(OS, unsigned milliseconds)
{
    ENTER(setitimer);
    return real->setitimer(real, milliseconds);
}

static int fault_set_no_new_privs(OS)
{
    ENTER(set_no_new_privs);
    return real->set_no_new_privs(real);
}

static int fault_clear_dumpable(OS)
{
    ENTER(clear_dumpable);
    return real->clear_dumpable(real);
}

static int fault_setrlimit(OS, int resource, uint64_t limit)
{
    ENTER(setrlimit);
    return real->setrlimit(real, resource, limit);
}

static int fault_drop_capabilities(OS)
{
    ENTER(drop_capabilities);
    return real->drop_capabilities(real);
}

static int fault_close_range(OS, int first, int last)
{
    ENTER_ON(close_range, first);
    int result = real->close_range(real, first, last);
    if (result >= 0)
        for (int fd = first; fd <= last && fd < FAULT_FDS_MAX; fd++)
            faults->fd_open[fd] = false;
    return result;
}

static int fault_landlock_restrict(OS, bool reading)
{
    ENTER(landlock_restrict);
    return real->landlock_restrict(real, reading);
}

static int fault_seccomp(OS, const void *filter, size_t bytes)
{
    ENTER(seccomp);
    return real->seccomp(real, filter, bytes);
}

static int fault_memfd_create(OS)
{
    ENTER(memfd_create);
    return note_open(faults, real->memfd_create(real));
}

/* ---- the machine ---- */

static int fault_cpu_count(OS)
{
    ENTER(cpu_count);
    return real->cpu_count(real);
}

static uint64_t fault_clock_ns(OS) /* cannot fail */
{
    struct fault_os *faults = faults_of(os);
    faults->calls[FAULT_clock_ns]++;
    return faults->real->clock_ns(faults->real);
}

/* ---- */

void fault_os_init(struct fault_os *faults, const struct shmsum_os *real)
{
    memset(faults, 0, sizeof *faults);
    faults->real = real;
    faults->os.context = faults;
#define FAULT_SET(name) faults->os.name = fault_##name;
    FAULT_FOR_EACH(FAULT_SET)
#undef FAULT_SET
}

void fault_os_fail(struct fault_os *faults, enum fault_member member, uint64_t nth, uint64_t times,
                   int error)
{
    assert(faults->rule_count < FAULT_RULES_MAX);
    faults->rules[faults->rule_count++] = (struct fault_rule){member, nth, times, error};
}

void fault_os_fill(struct fault_os *faults, int fd, uint64_t room, int error)
{
    faults->full_fd = fd;
    faults->full_room = room;
    faults->full_error = error;
}

void fault_os_heal(struct fault_os *faults)
{
    faults->rule_count = 0;
    faults->read_max = 0;
    faults->write_max = 0;
    faults->full_error = 0;
    faults->forge_stat = NULL;
}

/* A name that another process removed is no leak: programs that start reap old names. */
static bool name_exists(const struct shmsum_os *real, const char *name)
{
    int fd = real->shm_open(real, name, O_RDONLY, 0);
    if (fd >= 0)
        real->close(real, fd);
    return fd != -ENOENT;
}

uint64_t fault_os_leaks(const struct fault_os *faults)
{
    uint64_t leaks = faults->lists_open + faults->wrong;
    for (size_t i = 0; i < FAULT_FDS_MAX; i++)
        leaks += faults->fd_open[i];
    for (size_t i = 0; i < FAULT_MAPPINGS_MAX; i++)
        leaks += faults->mappings[i].memory != NULL;
    for (size_t i = 0; i < FAULT_NAMES_MAX; i++)
        leaks += faults->names[i][0] != '\0' && name_exists(faults->real, faults->names[i]);
    return leaks;
}

const char *fault_os_member_name(enum fault_member member)
{
    static const char *const names[] = {
#define FAULT_NAME(name) #name,
        FAULT_FOR_EACH(FAULT_NAME)
#undef FAULT_NAME
    };
    return names[member];
}

void fault_os_clean_up(struct fault_os *faults)
{
    const struct shmsum_os *real = faults->real;
    for (int fd = 0; fd < FAULT_FDS_MAX; fd++)
        if (faults->fd_open[fd])
            real->close(real, fd);
    for (size_t i = 0; i < FAULT_MAPPINGS_MAX; i++)
        if (faults->mappings[i].memory != NULL)
            real->munmap(real, faults->mappings[i].memory, faults->mappings[i].size);
    for (size_t i = 0; i < FAULT_NAMES_MAX; i++)
        if (faults->names[i][0] != '\0')
            real->shm_unlink(real, faults->names[i]);
    fault_os_init(faults, real);
}
