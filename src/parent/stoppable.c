/* stoppable.c - a table of system calls in which no signal to stop goes unheard. See stoppable.h.
 * Called by main, and by everything in the parent that makes a system call. */
#include "stoppable.h"

#include <errno.h>

#include "child_process.h"
#include "signals.h"

static struct {
    const struct shmsum_os *real;
    struct shmsum_os os;
} table;

static bool is_asked(uint32_t bits)
{
    return (shmsum_stop_bits(signals_stop_word()) & bits) != 0;
}

/* The stop bits that ask for giving up a call that is no write. */
static uint32_t bits_now(void)
{
    return child_pid() == 0 ? SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW : SHMSUM_STOP_NOW;
}

/* What the caller gets of a call that returned `result`. */
static ssize_t given_up(ssize_t result, uint32_t bits)
{
    return result == -EINTR && is_asked(bits) ? SHMSUM_STOPPED : result;
}

#define OS const struct shmsum_os *os __attribute__((unused))

static int stoppable_open(OS, const char *path, int flags, mode_t mode)
{
    return (int)given_up(table.real->open(table.real, path, flags, mode), bits_now());
}

static ssize_t stoppable_read(OS, int fd, void *bytes, size_t size)
{
    return given_up(table.real->read(table.real, fd, bytes, size), bits_now());
}

static ssize_t stoppable_pread(OS, int fd, void *bytes, size_t size, off_t offset)
{
    return given_up(table.real->pread(table.real, fd, bytes, size, offset), bits_now());
}

/* A tick that came just before the call interrupts it too, even if it need not wait: what can be
 * written is not lost. */
static ssize_t stoppable_write(OS, int fd, const void *bytes, size_t size)
{
    ssize_t wrote = table.real->write(table.real, fd, bytes, size);
    if (wrote == -EINTR && is_asked(SHMSUM_STOP_NOW))
        wrote = table.real->write(table.real, fd, bytes, size);
    return given_up(wrote, SHMSUM_STOP_NOW);
}

static int stoppable_ftruncate(OS, int fd, off_t size)
{
    return (int)given_up(table.real->ftruncate(table.real, fd, size), bits_now());
}

static int stoppable_fsync(OS, int fd)
{
    return (int)given_up(table.real->fsync(table.real, fd), bits_now());
}

static int stoppable_flock(OS, int fd, bool wait)
{
    return (int)given_up(table.real->flock(table.real, fd, wait), bits_now());
}

static int stoppable_fcntl_lock(OS, int fd, bool asks)
{
    return (int)given_up(table.real->fcntl_lock(table.real, fd, asks), bits_now());
}

static int stoppable_reopen(OS, int fd)
{
    return (int)given_up(table.real->reopen(table.real, fd), bits_now());
}

static int stoppable_shm_open(OS, const char *name, int flags, mode_t mode)
{
    return (int)given_up(table.real->shm_open(table.real, name, flags, mode), bits_now());
}

static int stoppable_shm_readdir(OS, void *list, const char **name)
{
    return is_asked(bits_now()) ? SHMSUM_STOPPED : table.real->shm_readdir(table.real, list, name);
}

static int stoppable_posix_fallocate(OS, int fd, off_t size)
{
    return (int)given_up(table.real->posix_fallocate(table.real, fd, size), bits_now());
}

/* os_write_all waits with it until a descriptor is writable. */
static int stoppable_ppoll(OS, struct pollfd *fds, size_t count, const sigset_t *mask)
{
    return (int)given_up(table.real->ppoll(table.real, fds, count, mask), SHMSUM_STOP_NOW);
}

const struct shmsum_os *stoppable(const struct shmsum_os *real)
{
    table.real = real;
    table.os = *real;
    table.os.open = stoppable_open;
    table.os.read = stoppable_read;
    table.os.pread = stoppable_pread;
    table.os.write = stoppable_write;
    table.os.ftruncate = stoppable_ftruncate;
    table.os.fsync = stoppable_fsync;
    table.os.flock = stoppable_flock;
    table.os.fcntl_lock = stoppable_fcntl_lock;
    table.os.reopen = stoppable_reopen;
    table.os.shm_open = stoppable_shm_open;
    table.os.shm_readdir = stoppable_shm_readdir;
    table.os.posix_fallocate = stoppable_posix_fallocate;
    table.os.ppoll = stoppable_ppoll;
    return &table.os;
}
