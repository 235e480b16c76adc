/* fault_os.c - a table of system calls that goes wrong on demand and keeps the books. See
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

/* Counts a call, on fd if it is on one; the negative errno that it is to fail with, or 0. */
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

/* The beginning of every member: the books, and the table behind. */
#define ENTER(name) ENTER_ON(name, FAULT_ANY_FD)
#define ENTER_ON(name, fd)                       \
    struct fault_os *faults = faults_of(os);     \
    const struct shmsum_os *real = faults->real; \
    int fault = count(faults, FAULT_##name, fd); \
    if (fault < 0)                               \
    return fault

/* ---- the books ---- */

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
    faults->wrong++; /* never mapped, or only a part of it given back */
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

static int fault_fstat(OS, int fd, struct stat *status)
{
    ENTER_ON(fstat, fd);
    return forge(faults, real->fstat(real, fd, status), status);
}

static off_t fault_seek(OS, int fd, off_t offset, int whence)
{
    ENTER_ON(seek, fd);
    return real->seek(real, fd, offset, whence);
}

static int fault_truncate(OS, int fd, off_t size)
{
    ENTER_ON(truncate, fd);
    return real->truncate(real, fd, size);
}

static int fault_sync(OS, int fd)
{
    ENTER_ON(sync, fd);
    return real->sync(real, fd);
}

static int fault_lock(OS, int fd, bool wait)
{
    ENTER_ON(lock, fd);
    return real->lock(real, fd, wait);
}

static int fault_appends(OS, int fd)
{
    ENTER_ON(appends, fd);
    return real->appends(real, fd);
}

static int fault_duplicate(OS, int from, int to)
{
    ENTER(duplicate);
    return note_open(faults, real->duplicate(real, from, to));
}

static int fault_is_terminal(OS, int fd)
{
    ENTER_ON(is_terminal, fd);
    return real->is_terminal(real, fd);
}

static int fault_reopen(OS, int fd)
{
    ENTER_ON(reopen, fd);
    return note_open(faults, real->reopen(real, fd));
}

static ssize_t fault_self_path(OS, char *path, size_t size)
{
    ENTER(self_path);
    return real->self_path(real, path, size);
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

static int fault_shm_list_open(OS, void **list)
{
    ENTER(shm_list_open);
    int result = real->shm_list_open(real, list);
    if (result >= 0)
        faults->lists_open++;
    return result;
}

static int fault_shm_list_next(OS, void *list, const char **name)
{
    ENTER(shm_list_next);
    return real->shm_list_next(real, list, name);
}

static int fault_shm_list_close(OS, void *list)
{
    struct fault_os *faults = faults_of(os);
    int fault = count(faults, FAULT_shm_list_close, FAULT_ANY_FD);
    if (faults->lists_open > 0)
        faults->lists_open--;
    else
        faults->wrong++;
    int result = faults->real->shm_list_close(faults->real, list);
    return fault < 0 ? fault : result;
}

static int fault_allocate(OS, int fd, off_t size)
{
    ENTER_ON(allocate, fd);
    return real->allocate(real, fd, size);
}

static int fault_map_shared(OS, int fd, size_t size, void **memory)
{
    ENTER_ON(map_shared, fd);
    int result = real->map_shared(real, fd, size, memory);
    if (result >= 0)
        note_mapping(faults, *memory, size);
    return result;
}

static int fault_unmap(OS, void *memory, size_t size)
{
    ENTER(unmap);
    forget_mapping(faults, memory, size);
    return real->unmap(real, memory, size);
}

static int fault_random(OS, void *bytes, size_t size)
{
    ENTER(random);
    return real->random(real, bytes, size);
}

/* ---- waiting ---- */

static int fault_futex_wait_two(OS, const void *word, uint32_t expected, const void *stop,
                                uint32_t stop_expected)
{
    ENTER(futex_wait_two);
    return real->futex_wait_two(real, word, expected, stop, stop_expected);
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

static int fault_poll(OS, struct pollfd *fds, size_t size, const sigset_t *mask)
{
    ENTER(poll);
    return real->poll(real, fds, size, mask);
}

/* ---- processes and signals ---- */

static pid_t fault_fork(OS)
{
    ENTER(fork);
    return real->fork(real);
}

static int fault_exec(OS, const char *path, char *const argv[], char *const envp[])
{
    ENTER(exec);
    return real->exec(real, path, argv, envp);
}

static pid_t fault_wait_child(OS, pid_t pid, int *status, bool wait)
{
    ENTER(wait_child);
    return real->wait_child(real, pid, status, wait);
}

static int fault_kill(OS, pid_t pid, int signal)
{
    ENTER(kill);
    return real->kill(real, pid, signal);
}

static pid_t fault_get_pid(OS)
{
    ENTER(get_pid);
    return real->get_pid(real);
}

static pid_t fault_get_parent(OS)
{
    ENTER(get_parent);
    return real->get_parent(real);
}

static uid_t fault_get_user(OS) /* cannot fail */
{
    struct fault_os *faults = faults_of(os);
    faults->calls[FAULT_get_user]++;
    return faults->real->get_user(faults->real);
}

static int fault_die_signal(OS, int signal)
{
    ENTER(die_signal);
    return real->die_signal(real, signal);
}

static int fault_set_action(OS, int signal, const struct sigaction *action, struct sigaction *old)
{
    ENTER(set_action);
    return real->set_action(real, signal, action, old);
}

static int fault_set_mask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    ENTER(set_mask);
    return real->set_mask(real, how, mask, old);
}

/* ---- giving up rights ---- */

static int fault_no_new_privs(OS)
{
    ENTER(no_new_privs);
    return real->no_new_privs(real);
}

static int fault_not_dumpable(OS)
{
    ENTER(not_dumpable);
    return real->not_dumpable(real);
}

static int fault_set_limit(OS, int resource, uint64_t limit)
{
    ENTER(set_limit);
    return real->set_limit(real, resource, limit);
}

static int fault_close_from(OS, int first)
{
    ENTER_ON(close_from, first);
    int result = real->close_from(real, first);
    if (result >= 0)
        for (int fd = first; fd < FAULT_FDS_MAX; fd++)
            faults->fd_open[fd] = false;
    return result;
}

static int fault_forbid_paths(OS, bool reading)
{
    ENTER(forbid_paths);
    return real->forbid_paths(real, reading);
}

static int fault_filter_calls(OS, const void *filter, size_t bytes)
{
    ENTER(filter_calls);
    return real->filter_calls(real, filter, bytes);
}

static int fault_scratch(OS)
{
    ENTER(scratch);
    return note_open(faults, real->scratch(real));
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

/* A name that somebody else has removed is no leak: starting programs reap each other. */
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
            real->unmap(real, faults->mappings[i].memory, faults->mappings[i].size);
    for (size_t i = 0; i < FAULT_NAMES_MAX; i++)
        if (faults->names[i][0] != '\0')
            real->shm_unlink(real, faults->names[i]);
    fault_os_init(faults, real);
}
