/*
 * memory_os.h - a system of files, shared memory and signals in a few kilobytes of memory, as a
 * table of system calls.
 *
 * For fuzz targets: without the cost of a kernel, and the same in every run. A caller cannot
 * distinguish it from the real calls, as far as shmsum uses them. The target decides what a call
 * that sleeps does (on_sleep, on_poll).
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
    bool shared;  /* in /dev/shm */
    mode_t mode;  /* with its kind: S_IFREG, S_IFIFO, S_IFDIR, S_IFLNK, S_IFCHR (a terminal) */
    uid_t user;   /* the owner */
    int lock;     /* the descriptor that holds its lock, or -1 */
    int somebody; /* another process holds its lock */
    size_t size;
};

struct memory_fd {
    bool open;
    int file;
    int flags;
    off_t at;
};

struct memory_os {
    struct shmsum_os os; /* for the code under test */
    struct memory_file files[MEMORY_FILES_MAX];
    struct memory_fd fds[MEMORY_FDS_MAX];
    struct sigaction actions[MEMORY_SIGNALS_MAX];
    sigset_t mask;
    unsigned timer_ms; /* until SIGALRM; 0: no timer */
    uint64_t random, clock;
    uint64_t tick; /* nanoseconds between two calls of clock_ns */
    int cpus;
    int listed;  /* next file of a listing */
    size_t room; /* a file grows to this size; then … */
    int full;    /* … a write returns this: -ENOSPC, or 0 */
    pid_t child; /* what fork returns */
    int status;  /* its wait status, for waitpid */
    int killed;  /* the last signal sent … */
    pid_t whom;  /* … and the process that it was sent to */
    bool child_gone;

    /* What a futex wait returns when its words are as expected; stop is NULL for futex_wait. NULL:
     * it returns 0, as after a wake without a reason. */
    int (*on_sleep)(struct memory_os *world, const void *word, const void *stop);
    /* What ppoll returns. NULL: all descriptors are ready. */
    int (*on_poll)(struct memory_os *world, struct pollfd *fds, size_t count);
};

/* Makes an empty world. All worlds share one set of files, so use one at a time. */
void memory_os_init(struct memory_os *world);

/* Adds a file; `mode` is its kind (S_IFREG …) and mode bits. Returns its number, or a negative
 * errno. */
int memory_os_add(struct memory_os *world, const char *name, bool shared, mode_t mode,
                  const void *bytes, size_t size);
/* Opens that file as descriptor fd. */
void memory_os_open(struct memory_os *world, int file, int fd, int flags);
/* The bytes of a file. */
uint8_t *memory_os_bytes(int file);

#endif
