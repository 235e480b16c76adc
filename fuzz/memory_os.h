/*
 * memory_os.h - a table of system calls whose whole world is a few kilobytes of memory.
 *
 * For fuzz targets that want files, shared memory and signals without the cost of a kernel, and
 * the same in every run. It does what its caller could tell from the real calls, as far as the
 * product uses them; what a sleeping call does is the target's to say (on_sleep, on_poll).
 */
#ifndef SHMSUM_FUZZ_MEMORY_OS_H
#define SHMSUM_FUZZ_MEMORY_OS_H

#include <shmsum/os.h>

enum {
    MEMORY_FILES_MAX = 10,
    MEMORY_FILE_BYTES = 65536,
    MEMORY_NAME_BYTES = 64,
    MEMORY_FDS_MAX = 32,
    MEMORY_SIGNALS_MAX = 65,
    MEMORY_USER = 1000,
    MEMORY_PID = 4711,
    MEMORY_CHILD = 4712,
};

struct memory_file {
    char name[MEMORY_NAME_BYTES]; /* "": without a name, or not in use */
    bool used;
    bool shared;  /* of /dev/shm */
    mode_t mode;  /* with its kind: S_IFREG, S_IFIFO, S_IFDIR, S_IFLNK, S_IFCHR (a terminal) */
    uid_t user;   /* who owns it */
    int lock;     /* the descriptor that holds its lock, or -1 */
    int somebody; /* holds its lock, from outside */
    size_t size;
};

struct memory_fd {
    bool open;
    int file;
    int flags;
    off_t at;
};

struct memory_os {
    struct shmsum_os os; /* what the code under test is given */
    struct memory_file files[MEMORY_FILES_MAX];
    struct memory_fd fds[MEMORY_FDS_MAX];
    struct sigaction actions[MEMORY_SIGNALS_MAX];
    sigset_t mask;
    uint64_t random, clock;
    uint64_t tick; /* nanoseconds from one look at the clock to the next */
    int cpus;
    int listed;  /* next file of a listing */
    size_t room; /* a file may grow to this; then … */
    int full;    /* … this is what a write returns: -ENOSPC, or 0 */
    pid_t child; /* what fork returns */
    int status;  /* what wait_child tells of it */
    int killed;  /* the last signal sent … */
    pid_t whom;  /* … and to whom */
    bool child_gone;

    /* A futex whose words are as expected: what it returns. NULL: 0, a wake for no reason. stop is
     * NULL for futex_wait. */
    int (*on_sleep)(struct memory_os *world, const void *word, const void *stop);
    /* What poll returns; NULL: all descriptors are ready. */
    int (*on_poll)(struct memory_os *world, struct pollfd *fds, size_t count);
};

/* An empty world, again. It has one set of files: one world at a time. */
void memory_os_init(struct memory_os *world);

/* A new file, of a kind (S_IFREG …) with mode bits; its number. */
int memory_os_add(struct memory_os *world, const char *name, bool shared, mode_t mode,
                  const void *bytes, size_t size);
/* Opens that file as descriptor fd. */
void memory_os_open(struct memory_os *world, int file, int fd, int flags);
/* The bytes of a file. */
uint8_t *memory_os_bytes(int file);

#endif
