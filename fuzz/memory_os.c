/* memory_os.c - a system in memory, as a table of system calls. See memory_os.h. */
#include "memory_os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <shmsum/region.h>

#define OS const struct shmsum_os *os __attribute__((unused))

#ifndef O_DIRECTORY /* beyond POSIX.1-2001 in some headers */
#define O_DIRECTORY 0
#endif

static _Alignas(4096) uint8_t contents[MEMORY_FILES_MAX][MEMORY_FILE_BYTES];
/* The first bytes of each file that may be other than 0: what memory_os_init has to clear. */
static size_t dirty[MEMORY_FILES_MAX];

static struct memory_os *world_of(OS)
{
    return os->context;
}

uint8_t *memory_os_bytes(int file)
{
    return contents[file];
}

static int find(const struct memory_os *world, const char *name, bool shared)
{
    for (int i = 0; i < MEMORY_FILES_MAX; i++) {
        const struct memory_file *file = &world->files[i];
        if (file->used && file->shared == shared && name[0] != '\0' &&
            strcmp(file->name, name) == 0)
            return i;
    }
    return -ENOENT;
}

int memory_os_add(struct memory_os *world, const char *name, bool shared, mode_t mode,
                  const void *bytes, size_t size)
{
    if (strlen(name) >= MEMORY_NAME_BYTES)
        return -ENAMETOOLONG;
    for (int i = 0; i < MEMORY_FILES_MAX; i++) {
        struct memory_file *file = &world->files[i];
        if (file->used)
            continue;
        file->used = true;
        file->shared = shared;
        file->mode = mode;
        file->user = MEMORY_USER;
        file->lock = -1;
        file->somebody = 0;
        file->size = size;
        strcpy(file->name, name);
        if (size > 0)
            memcpy(contents[i], bytes, size);
        if (size > dirty[i])
            dirty[i] = size;
        return i;
    }
    return -ENFILE;
}

void memory_os_open(struct memory_os *world, int file, int fd, int flags)
{
    world->fds[fd] = (struct memory_fd){.open = true, .file = file, .flags = flags};
}

static struct memory_file *file_of(struct memory_os *world, int fd)
{
    if (fd < 0 || fd >= MEMORY_FDS_MAX || !world->fds[fd].open)
        return NULL;
    return &world->files[world->fds[fd].file];
}

static int new_fd(struct memory_os *world, int file, int flags)
{
    for (int fd = 3; fd < MEMORY_FDS_MAX; fd++) {
        if (!world->fds[fd].open) {
            memory_os_open(world, file, fd, flags);
            return fd;
        }
    }
    return -EMFILE;
}

/* ---- files ---- */

static int open_named(struct memory_os *world, const char *name, bool shared, int flags,
                      mode_t mode)
{
    int file = find(world, name, shared);
    if (file < 0) {
        if ((flags & O_CREAT) == 0)
            return file;
        file = memory_os_add(world, name, shared, S_IFREG | mode, NULL, 0);
        if (file < 0)
            return file;
    } else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        return -EEXIST;
    }
    mode_t kind = world->files[file].mode & S_IFMT;
    if (kind == S_IFLNK)
        return -ELOOP;
    if (kind == S_IFDIR && (flags & O_ACCMODE) != O_RDONLY)
        return -EISDIR;
    if (kind != S_IFDIR && O_DIRECTORY != 0 && (flags & O_DIRECTORY) != 0)
        return -ENOTDIR;
    return new_fd(world, file, flags);
}

static int memory_open(OS, const char *path, int flags, mode_t mode)
{
    return open_named(world_of(os), path, false, flags, mode);
}

static int memory_close(OS, int fd)
{
    struct memory_os *world = world_of(os);
    struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    world->fds[fd].open = false;
    if (file->lock == fd)
        file->lock = -1;
    return 0;
}

static ssize_t read_at(struct memory_os *world, int fd, void *bytes, size_t size, off_t at)
{
    struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    if (S_ISDIR(file->mode))
        return -EISDIR;
    if ((size_t)at >= file->size)
        return 0;
    size_t left = file->size - (size_t)at;
    if (size > left)
        size = left;
    memcpy(bytes, contents[world->fds[fd].file] + at, size);
    return (ssize_t)size;
}

static ssize_t memory_read(OS, int fd, void *bytes, size_t size)
{
    struct memory_os *world = world_of(os);
    if (file_of(world, fd) == NULL)
        return -EBADF;
    ssize_t got = read_at(world, fd, bytes, size, world->fds[fd].at);
    if (got > 0)
        world->fds[fd].at += got;
    return got;
}

static ssize_t memory_pread(OS, int fd, void *bytes, size_t size, off_t offset)
{
    return offset < 0 ? -EINVAL : read_at(world_of(os), fd, bytes, size, offset);
}

static int resize(struct memory_os *world, int number, off_t size)
{
    struct memory_file *file = &world->files[number];
    if (size < 0)
        return -EINVAL;
    if (size > MEMORY_FILE_BYTES)
        return -EFBIG;
    if ((size_t)size < file->size)
        memset(contents[number] + size, 0, file->size - (size_t)size);
    file->size = (size_t)size;
    return 0;
}

static ssize_t memory_write(OS, int fd, const void *bytes, size_t size)
{
    struct memory_os *world = world_of(os);
    struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    struct memory_fd *open = &world->fds[fd];
    if ((open->flags & O_APPEND) != 0 || !S_ISREG(file->mode))
        open->at = (off_t)file->size;
    size_t room = (size_t)open->at < world->room ? world->room - (size_t)open->at : 0;
    if (room == 0 && size > 0)
        return world->full;
    if (size > room)
        size = room;
    memcpy(contents[open->file] + open->at, bytes, size);
    open->at += (off_t)size;
    if ((size_t)open->at > file->size)
        file->size = (size_t)open->at;
    if (file->size > dirty[open->file])
        dirty[open->file] = file->size;
    return (ssize_t)size;
}

static int fill_status(const struct memory_os *world, int number, struct stat *status)
{
    const struct memory_file *file = &world->files[number];
    memset(status, 0, sizeof *status);
    status->st_mode = file->mode;
    status->st_uid = file->user;
    status->st_size = (off_t)file->size;
    status->st_nlink = file->name[0] != '\0';
    status->st_ino = (ino_t)number + 1;
    status->st_dev = 1;
    return 0;
}

static int memory_stat(OS, const char *path, struct stat *status)
{
    struct memory_os *world = world_of(os);
    int file = find(world, path, false);
    return file < 0 ? file : fill_status(world, file, status);
}

static int memory_fstat(OS, int fd, struct stat *status)
{
    struct memory_os *world = world_of(os);
    return file_of(world, fd) == NULL ? -EBADF : fill_status(world, world->fds[fd].file, status);
}

static off_t memory_lseek(OS, int fd, off_t offset, int whence)
{
    struct memory_os *world = world_of(os);
    const struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    if (!S_ISREG(file->mode))
        return -ESPIPE;
    struct memory_fd *open = &world->fds[fd];
    off_t at = whence == SEEK_SET   ? offset
               : whence == SEEK_CUR ? open->at + offset
                                    : (off_t)file->size + offset;
    if (at < 0)
        return -EINVAL;
    return open->at = at;
}

static int memory_ftruncate(OS, int fd, off_t size)
{
    struct memory_os *world = world_of(os);
    const struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    return S_ISREG(file->mode) ? resize(world, world->fds[fd].file, size) : -EINVAL;
}

static int memory_fchmod(OS, int fd, mode_t mode)
{
    struct memory_file *file = file_of(world_of(os), fd);
    if (file == NULL)
        return -EBADF;
    file->mode = (file->mode & S_IFMT) | mode;
    return 0;
}

static int memory_fsync(OS, int fd)
{
    const struct memory_file *file = file_of(world_of(os), fd);
    if (file == NULL)
        return -EBADF;
    return S_ISREG(file->mode) || S_ISDIR(file->mode) ? 0 : -EINVAL;
}

static int memory_flock(OS, int fd, bool wait)
{
    (void)wait; /* nobody releases a lock here, so a wait would never end */
    struct memory_file *file = file_of(world_of(os), fd);
    if (file == NULL)
        return -EBADF;
    if (file->somebody || (file->lock >= 0 && file->lock != fd))
        return -EWOULDBLOCK;
    file->lock = fd;
    return 0;
}

static int memory_fcntl_lock(OS, int fd, bool asks)
{
    const struct memory_file *file = file_of(world_of(os), fd);
    if (file == NULL)
        return -EBADF;
    return asks ? file->somebody != 0 : (file->somebody ? -EAGAIN : 0);
}

static int memory_dup2(OS, int from, int to)
{
    struct memory_os *world = world_of(os);
    if (file_of(world, from) == NULL)
        return -EBADF;
    world->fds[to] = world->fds[from];
    return to;
}

static int memory_pipe(OS, int ends[2])
{
    struct memory_os *world = world_of(os);
    int file = memory_os_add(world, "", false, S_IFIFO | 0600, NULL, 0);
    if (file < 0)
        return file;
    ends[0] = new_fd(world, file, O_RDONLY);
    ends[1] = new_fd(world, file, O_WRONLY);
    return ends[1] < 0 ? ends[1] : 0;
}

static int memory_isatty(OS, int fd)
{
    const struct memory_file *file = file_of(world_of(os), fd);
    return file == NULL ? -EBADF : S_ISCHR(file->mode);
}

static int memory_tcgetattr_icanon(OS, int fd)
{
    const struct memory_file *file = file_of(world_of(os), fd);
    return file == NULL ? -EBADF : S_ISCHR(file->mode) ? 1 : -ENOTTY;
}

static int memory_reopen(OS, int fd)
{
    struct memory_os *world = world_of(os);
    return file_of(world, fd) == NULL ? -EBADF : new_fd(world, world->fds[fd].file, O_RDONLY);
}

static ssize_t memory_readlink_self(OS, char *path, size_t size)
{
    static const char self[] = "/bin/shmsum";
    if (size < sizeof self)
        return -ENAMETOOLONG;
    memcpy(path, self, sizeof self);
    return sizeof self - 1;
}

/* ---- shared memory objects ---- */

static int memory_shm_open(OS, const char *name, int flags, mode_t mode)
{
    return open_named(world_of(os), name, true, flags, mode);
}

static int memory_shm_unlink(OS, const char *name)
{
    struct memory_os *world = world_of(os);
    int file = find(world, name, true);
    if (file < 0)
        return file;
    world->files[file].name[0] = '\0';
    return 0;
}

static int memory_shm_opendir(OS, void **list)
{
    struct memory_os *world = world_of(os);
    world->listed = 0;
    *list = world;
    return 0;
}

static int memory_shm_readdir(OS, void *list, const char **name)
{
    (void)list;
    struct memory_os *world = world_of(os);
    while (world->listed < MEMORY_FILES_MAX) {
        const struct memory_file *file = &world->files[world->listed++];
        if (file->used && file->shared && file->name[0] == '/') {
            *name = file->name + 1;
            return 1;
        }
    }
    return 0;
}

static int memory_shm_statx(OS, void *list, const char *name, struct stat *status)
{
    (void)list;
    struct memory_os *world = world_of(os);
    char path[MEMORY_NAME_BYTES + 1];
    snprintf(path, sizeof path, "/%s", name);
    int file = find(world, path, true);
    return file < 0 ? file : fill_status(world, file, status);
}

static int memory_shm_closedir(OS, void *list)
{
    (void)list;
    return 0;
}

static int memory_posix_fallocate(OS, int fd, off_t size)
{
    struct memory_os *world = world_of(os);
    if (file_of(world, fd) == NULL)
        return -EBADF;
    return size > MEMORY_FILE_BYTES ? -ENOSPC : resize(world, world->fds[fd].file, size);
}

static int memory_mmap(OS, int fd, size_t size, void **memory)
{
    struct memory_os *world = world_of(os);
    struct memory_file *file = file_of(world, fd);
    if (file == NULL)
        return -EBADF;
    if (size == 0 || size > file->size)
        return -EINVAL;
    if (dirty[world->fds[fd].file] < file->size)
        dirty[world->fds[fd].file] = file->size;
    *memory = contents[world->fds[fd].file];
    return 0;
}

static int memory_munmap(OS, void *memory, size_t size)
{
    (void)memory;
    return size == 0 ? -EINVAL : 0;
}

static int memory_getrandom(OS, void *bytes, size_t size)
{
    struct memory_os *world = world_of(os);
    uint8_t *to = bytes;
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)((world->random = world->random * 6364136223846793005u + 1) >> 56);
    return 0;
}

/* ---- waiting ---- */

static bool is_still(const void *word, uint32_t expected)
{
    const struct shmsum_word *shared = word;
    return atomic_load_explicit(&shared->value, memory_order_relaxed) == expected;
}

static int memory_futex_waitv(OS, const void *word, uint32_t expected, const void *stop,
                              uint32_t stop_expected)
{
    struct memory_os *world = world_of(os);
    if (!is_still(word, expected) || !is_still(stop, stop_expected))
        return -EAGAIN;
    return world->on_sleep != NULL ? world->on_sleep(world, word, stop) : 0;
}

static int memory_futex_wait(OS, const void *word, uint32_t expected, int timeout_ms)
{
    (void)timeout_ms;
    struct memory_os *world = world_of(os);
    if (!is_still(word, expected))
        return -EAGAIN;
    return world->on_sleep != NULL ? world->on_sleep(world, word, NULL) : 0;
}

static int memory_futex_wake(OS, const void *word)
{
    (void)word;
    return 0;
}

static int memory_ppoll(OS, struct pollfd *fds, size_t count, const sigset_t *mask)
{
    (void)mask;
    struct memory_os *world = world_of(os);
    if (world->on_poll != NULL)
        return world->on_poll(world, fds, count);
    for (size_t i = 0; i < count; i++)
        fds[i].revents = fds[i].events;
    return (int)count;
}

/* ---- processes and signals ---- */

static pid_t memory_fork(OS)
{
    return world_of(os)->child;
}

static int memory_execve(OS, const char *path, char *const argv[], char *const envp[])
{
    (void)path;
    (void)argv;
    (void)envp;
    return -ENOEXEC; /* no program can run in this world */
}

static pid_t memory_waitpid(OS, pid_t pid, int *status, bool wait)
{
    struct memory_os *world = world_of(os);
    if (!world->child_gone && !wait)
        return 0;
    *status = world->status;
    return pid;
}

static int memory_kill(OS, pid_t pid, int signal)
{
    struct memory_os *world = world_of(os);
    world->whom = pid;
    world->killed = signal;
    if (pid == world->child) {
        world->child_gone = true;
        world->status = signal;
    }
    return 0;
}

static pid_t memory_getpid(OS)
{
    return MEMORY_PID;
}

static pid_t memory_getppid(OS)
{
    return 1;
}

static uid_t memory_geteuid(OS)
{
    return MEMORY_USER;
}

static int memory_set_pdeathsig(OS, int signal)
{
    (void)signal;
    return 0;
}

static int memory_sigaction(OS, int signal, const struct sigaction *action, struct sigaction *old)
{
    struct memory_os *world = world_of(os);
    if (signal <= 0 || signal >= MEMORY_SIGNALS_MAX)
        return -EINVAL;
    if (old != NULL)
        *old = world->actions[signal];
    if (action != NULL)
        world->actions[signal] = *action;
    return 0;
}

static int memory_sigprocmask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    struct memory_os *world = world_of(os);
    if (old != NULL)
        *old = world->mask;
    if (mask != NULL && how == SIG_SETMASK)
        world->mask = *mask;
    return 0;
}

static int memory_setitimer(OS, unsigned milliseconds)
{
    world_of(os)->timer_ms = milliseconds;
    return 0;
}

/* ---- giving up rights: this system cannot ---- */

static int memory_keeps_rights(OS)
{
    return -ENOSYS;
}

static int memory_setrlimit(OS, int resource, uint64_t limit)
{
    (void)resource, (void)limit;
    return -ENOSYS;
}

static int memory_drop_capabilities(OS)
{
    (void)os;
    return -ENOSYS;
}

static int memory_close_range(OS, int first, int last)
{
    struct memory_os *world = world_of(os);
    for (int fd = first; fd <= last && fd < MEMORY_FDS_MAX; fd++)
        if (world->fds[fd].open)
            os->close(os, fd);
    return 0;
}

static int memory_landlock_restrict(OS, bool reading)
{
    (void)reading;
    return -ENOSYS;
}

static int memory_seccomp(OS, const void *filter, size_t bytes)
{
    (void)filter, (void)bytes;
    return -ENOSYS;
}

/* ---- the machine ---- */

static int memory_cpu_count(OS)
{
    return world_of(os)->cpus;
}

static uint64_t memory_clock_ns(OS)
{
    struct memory_os *world = world_of(os);
    return world->clock += world->tick;
}

static const struct shmsum_os table = {
    .open = memory_open,
    .close = memory_close,
    .read = memory_read,
    .pread = memory_pread,
    .write = memory_write,
    .stat = memory_stat,
    .lstat = memory_stat, /* there are no links here */
    .fstat = memory_fstat,
    .lseek = memory_lseek,
    .ftruncate = memory_ftruncate,
    .fchmod = memory_fchmod,
    .fsync = memory_fsync,
    .flock = memory_flock,
    .fcntl_lock = memory_fcntl_lock,
    .dup2 = memory_dup2,
    .pipe = memory_pipe,
    .isatty = memory_isatty,
    .tcgetattr_icanon = memory_tcgetattr_icanon,
    .reopen = memory_reopen,
    .readlink_self = memory_readlink_self,
    .shm_open = memory_shm_open,
    .shm_unlink = memory_shm_unlink,
    .shm_opendir = memory_shm_opendir,
    .shm_readdir = memory_shm_readdir,
    .shm_statx = memory_shm_statx,
    .shm_closedir = memory_shm_closedir,
    .posix_fallocate = memory_posix_fallocate,
    .mmap = memory_mmap,
    .munmap = memory_munmap,
    .getrandom = memory_getrandom,
    .futex_waitv = memory_futex_waitv,
    .futex_wait = memory_futex_wait,
    .futex_wake = memory_futex_wake,
    .ppoll = memory_ppoll,
    .fork = memory_fork,
    .execve = memory_execve,
    .waitpid = memory_waitpid,
    .kill = memory_kill,
    .getpid = memory_getpid,
    .getppid = memory_getppid,
    .geteuid = memory_geteuid,
    .set_pdeathsig = memory_set_pdeathsig,
    .sigaction = memory_sigaction,
    .sigprocmask = memory_sigprocmask,
    .setitimer = memory_setitimer,
    .set_no_new_privs = memory_keeps_rights,
    .clear_dumpable = memory_keeps_rights,
    .setrlimit = memory_setrlimit,
    .drop_capabilities = memory_drop_capabilities,
    .close_range = memory_close_range,
    .landlock_restrict = memory_landlock_restrict,
    .seccomp = memory_seccomp,
    .memfd_create = memory_keeps_rights,
    .cpu_count = memory_cpu_count,
    .clock_ns = memory_clock_ns,
};

void memory_os_init(struct memory_os *world)
{
    for (int i = 0; i < MEMORY_FILES_MAX; i++) {
        memset(contents[i], 0, dirty[i]);
        dirty[i] = 0;
    }
    *world = (struct memory_os){
        .os = table,
        .random = 1,
        .cpus = 1,
        .room = MEMORY_FILE_BYTES,
        .full = -ENOSPC,
        .tick = 1000,
        .child = MEMORY_CHILD,
    };
    world->os.context = world;
}
