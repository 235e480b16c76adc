/*
 * fault_os.h - a table of system calls that fails on demand and records what is open.
 *
 * It forwards to another table, usually the real one. On the way it counts the calls of every
 * member, makes chosen calls fail, cuts reads and writes short, and records which descriptors,
 * mappings, listings and names of shared memory were opened through it and not closed again.
 *
 * Give &faults.os to the code under test. All state is behind os.context, none is global, so two
 * tables can be in use at once. One table belongs to one thread at a time. After a fork each
 * process has its own records.
 */
#ifndef SHMSUM_TESTS_FAULT_OS_H
#define SHMSUM_TESTS_FAULT_OS_H

#include <shmsum/os.h>

/* All members of struct shmsum_os, for loops over them. New ones go to the end: inputs of the fuzz
 * target faults hold the numbers. */
#define FAULT_FOR_EACH(X) \
    X(open)               \
    X(close)              \
    X(read)               \
    X(pread)              \
    X(write)              \
    X(stat)               \
    X(fstat)              \
    X(lseek)              \
    X(ftruncate)          \
    X(fsync)              \
    X(flock)              \
    X(dup2)               \
    X(isatty)             \
    X(tcgetattr_icanon)   \
    X(reopen)             \
    X(readlink_self)      \
    X(shm_open)           \
    X(shm_unlink)         \
    X(shm_opendir)        \
    X(shm_readdir)        \
    X(shm_closedir)       \
    X(posix_fallocate)    \
    X(mmap)               \
    X(munmap)             \
    X(getrandom)          \
    X(futex_waitv)        \
    X(futex_wait)         \
    X(futex_wake)         \
    X(ppoll)              \
    X(fork)               \
    X(execve)             \
    X(waitpid)            \
    X(kill)               \
    X(getpid)             \
    X(getppid)            \
    X(geteuid)            \
    X(set_pdeathsig)      \
    X(sigaction)          \
    X(sigprocmask)        \
    X(set_no_new_privs)   \
    X(clear_dumpable)     \
    X(setrlimit)          \
    X(close_range)        \
    X(landlock_restrict)  \
    X(seccomp)            \
    X(memfd_create)       \
    X(cpu_count)          \
    X(clock_ns)           \
    X(pipe)               \
    X(shm_statx)          \
    X(fchmod)             \
    X(lstat)              \
    X(setitimer)          \
    X(drop_capabilities)  \
    X(fcntl_lock)

enum fault_member {
#define FAULT_ENUM(name) FAULT_##name,
    FAULT_FOR_EACH(FAULT_ENUM)
#undef FAULT_ENUM
        FAULT_MEMBERS,
};

enum {
    FAULT_RULES_MAX = 16,
    FAULT_FDS_MAX = 1024,
    FAULT_MAPPINGS_MAX = 64,
    FAULT_NAMES_MAX = 64,
    FAULT_NAME_BYTES = 64,
    FAULT_LOG_MAX = 64,
};

#define FAULT_FOR_GOOD UINT64_MAX
#define FAULT_ANY_FD (-1)

/* Calls first .. first + times - 1 of a member (counted from 1) fail with `error`. */
struct fault_rule {
    enum fault_member member;
    uint64_t first;
    uint64_t times;
    int error; /* positive errno */
};

/* A call that was made to fail. */
struct fault_injected {
    enum fault_member member;
    int error; /* positive errno */
    int fd;    /* that the call was made on, or FAULT_ANY_FD */
};

struct fault_os {
    struct shmsum_os os; /* for the code under test */
    const struct shmsum_os *real;

    uint64_t calls[FAULT_MEMBERS];
    uint64_t injected;                        /* calls that were made to fail */
    struct fault_injected log[FAULT_LOG_MAX]; /* the first of them, in order */
    struct fault_rule rules[FAULT_RULES_MAX];
    size_t rule_count;

    /* May be set at any time. */
    size_t read_max;    /* limit of one read in bytes; 0: none */
    size_t write_max;   /* limit of one write */
    int full_fd;        /* this descriptor (or FAULT_ANY_FD) … */
    uint64_t full_room; /* … accepts that many more bytes, and then fails … */
    int full_error;     /* … with this positive errno; 0: it accepts everything */
    /* Called after each stat, fstat and shm_statx that succeeded, to forge its result. */
    void (*forge_stat)(struct fault_os *faults, struct stat *status);
    void *forge_data;

    /* The records. */
    bool fd_open[FAULT_FDS_MAX];
    struct {
        void *memory;
        size_t size;
    } mappings[FAULT_MAPPINGS_MAX];
    char names[FAULT_NAMES_MAX][FAULT_NAME_BYTES]; /* created here and not removed; "": unused */
    uint64_t lists_open;
    uint64_t wrong; /* closed or unmapped without being open, or no room in the records */
};

/* Makes a table in front of `real`, without faults. */
void fault_os_init(struct fault_os *faults, const struct shmsum_os *real);

/* Makes `times` calls of the member fail with the positive errno `error`, beginning with call
 * number `nth`, counted from the table's first call (FAULT_FOR_GOOD: all calls from there on). A
 * failing call does nothing, except that close and shm_closedir do close, as on Linux. */
void fault_os_fail(struct fault_os *faults, enum fault_member member, uint64_t nth, uint64_t times,
                   int error);

/* fd (or FAULT_ANY_FD) accepts `room` more bytes. The write that exceeds them is cut short, the
 * next one fails with `error`. */
void fault_os_fill(struct fault_os *faults, int fd, uint64_t room, int error);

/* Removes all faults; the counts and the records stay. */
void fault_os_heal(struct fault_os *faults);

/* The count of open descriptors, mappings, listings and names, plus `wrong`: 0 when everything that
 * was opened through the table is closed. */
uint64_t fault_os_leaks(const struct fault_os *faults);

/* "shm_open" for FAULT_shm_open. */
const char *fault_os_member_name(enum fault_member member);

/* Closes, unmaps and removes what is still open. */
void fault_os_clean_up(struct fault_os *faults);

#endif
