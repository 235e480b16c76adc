/*
 * call_filter.c - the seccomp filters of the two programs. See call_filter.h. Called by sandbox.c.
 *
 * libseccomp compiles the lists into the kernel's form, for the processor of this build. Calls that
 * this processor does not have are left out. A call in the way of another processor (i386 and x32
 * on x86-64) kills the process.
 */
#include "call_filter.h"

#ifdef SHMSUM_HAS_SECCOMP
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

struct condition {
    unsigned argument;
    uint64_t mask; /* of the bits that must equal those of datum; 0: no condition */
    int64_t datum;
};
/* Placeholders of `datum`, which are known only at run time: numbers of processes; and an offset,
 * from which on the argument is allowed. */
enum { OWN_PROCESS = -1, CHILD_PROCESS = -2, FROM_START = -3 };

enum { CONDITIONS = 3 };

/* A system call, the conditions of the rule, and its effect on the call. */
struct rule {
    int call;
    int error; /* the call fails with this errno; 0: it is allowed */
    struct condition conditions[CONDITIONS];
};

#define ANY(name)              \
    {                          \
        .call = SCMP_SYS(name) \
    }
#define IF(name, ...)                                         \
    {                                                         \
        .call = SCMP_SYS(name), .conditions = { __VA_ARGS__ } \
    }
#define FAILS(name, errno_)                       \
    {                                             \
        .call = SCMP_SYS(name), .error = (errno_) \
    }
/* The kernel reads 32 bits of such an argument, so the rule ignores the upper 32. */
#define IS(argument_, datum_)                                          \
    {                                                                  \
        .argument = (argument_), .mask = UINT32_MAX, .datum = (datum_) \
    }
#define OFFSET(argument_, datum_)                                      \
    {                                                                  \
        .argument = (argument_), .mask = UINT64_MAX, .datum = (datum_) \
    }
#define LACKS(argument_, bits)                  \
    {                                           \
        .argument = (argument_), .mask = (bits) \
    }

/*
 * DOC: call-filter
 *
 * Allowed to both: waiting, waking, returning from a signal handler, and leaving.
 */
static const struct rule both[] = {
    ANY(futex_waitv),
    IF(futex, IS(1, FUTEX_WAIT)), /* on kernels without futex_waitv */
    IF(futex, IS(1, FUTEX_WAKE)),
    ANY(ppoll),
    ANY(ppoll_time64),    /* on 32 bits */
    ANY(restart_syscall), /* the kernel makes it after SIGSTOP and SIGCONT */
    ANY(rt_sigreturn),
    ANY(sigreturn), /* i386, arm */
    ANY(rt_sigprocmask),
    IF(setitimer, IS(0, ITIMER_REAL)), /* interrupt a wait that began just before a signal */
    ANY(munmap),
    ANY(exit_group),
    /* abort(3), which checks of the compiler and of the C library call: its message, its signal. */
    IF(writev, IS(0, 2)),
    FAILS(mmap, ENOMEM), /* glibc keeps a copy of the message if it gets memory */
    FAILS(mmap2, ENOMEM),
    ANY(getpid),
    ANY(gettid),
    IF(tgkill, IS(0, OWN_PROCESS), IS(2, SIGABRT)),
};

/* The child opens nothing and allocates no memory. */
static const struct rule child_only[] = {
    IF(write, IS(0, 1)), /* results */
    IF(write, IS(0, 2)), /* messages */
    IF(fsync, IS(0, 1)), /* --fsync */
    IF(close, IS(0, 1)), /* some file systems report a lost write only then */
    ANY(getppid),        /* check whether the parent is dead */
};

/* The child cuts a file of the run's own to whole lines after a failed write: never before the
 * first result of this run. */
static const struct rule child_cuts[] = {
#if LONG_MAX > INT32_MAX
    IF(lseek, IS(0, 1), IS(2, SEEK_SET), OFFSET(1, FROM_START)),
    IF(lseek, IS(0, 1), IS(2, SEEK_CUR), OFFSET(1, 0)),
    IF(lseek, IS(0, 1), IS(2, SEEK_END), OFFSET(1, 0)),
    IF(ftruncate, IS(0, 1), OFFSET(1, FROM_START)),
#else
    /* An offset is two arguments, in an order that the processor chooses: it is not checked. */
    IF(_llseek, IS(0, 1)),
    IF(ftruncate64, IS(0, 1)),
#endif
};

/* Only with --trace or --explain, which print times. */
static const struct rule child_times[] = {
    IF(write, IS(0, 0)), /* the trace */
    ANY(clock_gettime),  /* where the vDSO has no clock */
    ANY(clock_gettime64),
};

enum { NOT_TO_READ = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };

static const struct rule parent_only[] = {
    /* The parent opens its inputs one after the other, as there may be more of them than
     * descriptors; at the end, it opens the results for checking and their folder for fsync. All
     * of them read-only. */
    IF(openat, LACKS(2, NOT_TO_READ)),
    IF(open, LACKS(1, NOT_TO_READ)),
    ANY(fstat),
    ANY(fstat64),
    ANY(newfstatat),
    ANY(fstatat64),
    ANY(statx),
    IF(ioctl, IS(1, TCGETS)), /* whether an input is a terminal that drops what is long */
    ANY(read),
    ANY(pread64),
    ANY(close),
    ANY(write), /* prompts, messages */
    ANY(lseek), /* from here to fsync: settling the results */
    ANY(_llseek),
    ANY(ftruncate),
    ANY(ftruncate64),
    ANY(fsync),
    ANY(rt_sigaction), /* to die of the signal that ended the run */
    IF(kill, IS(0, OWN_PROCESS)),
    IF(kill, IS(0, CHILD_PROCESS), IS(1, SIGKILL)),
    ANY(wait4),
    ANY(waitpid),
    ANY(waitid),
    ANY(clock_gettime), /* where the vDSO has no clock */
    ANY(clock_gettime64),
    ANY(brk), /* a little memory for the C library */
};

struct rules {
    const struct rule *first;
    size_t count;
};
#define RULES(array)                              \
    {                                             \
        (array), sizeof(array) / sizeof(array)[0] \
    }

/* What the placeholders stand for. */
struct known {
    pid_t own, child;
    off_t start;
};

static struct scmp_arg_cmp compare(const struct condition *condition, const struct known *known)
{
    switch (condition->datum) {
    case FROM_START:
        return SCMP_CMP64(condition->argument, SCMP_CMP_GE, (uint64_t)known->start, 0);
    case OWN_PROCESS:
        return SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                          (uint32_t)known->own);
    case CHILD_PROCESS:
        return SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                          (uint32_t)known->child);
    default:
        return SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                          (uint64_t)condition->datum & condition->mask);
    }
}

static int add(scmp_filter_ctx context, const struct rules *rules, const struct known *known)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->first[i];
        if (rule->call < 0) /* libseccomp: this processor has no such call */
            continue;
        struct scmp_arg_cmp compares[CONDITIONS];
        unsigned count = 0;
        for (; count < CONDITIONS && rule->conditions[count].mask != 0; count++)
            compares[count] = compare(&rule->conditions[count], known);
        uint32_t action = rule->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)rule->error);
        int result = seccomp_rule_add_array(context, action, rule->call, count, compares);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Copies the compiled filter out of libseccomp, which writes it to a descriptor only. */
static int export(scmp_filter_ctx context, struct call_filter *filter, const struct shmsum_os *os)
{
    int fd = os->memfd_create(os);
    if (fd < 0)
        return fd;
    int result = seccomp_export_bpf(context, fd);
    if (result == 0) {
        ssize_t got = os->pread(os, fd, filter->code, sizeof filter->code, 0);
        filter->bytes = got > 0 ? (size_t)got : 0;
        result = got < 0 ? (int)got : 0;
        if (got == 0 || filter->bytes == sizeof filter->code)
            result = -EIO; /* empty, or cut */
    }
    os->close(os, fd);
    return result;
}

/* Makes a filter of these rules. `otherwise`: the action for every other call. */
static int make(struct call_filter *filter, const struct shmsum_os *os, uint32_t otherwise,
                const struct rules *lists, size_t count, const struct known *known)
{
    scmp_filter_ctx context = seccomp_init(otherwise);
    if (context == NULL)
        return -ENOSYS; /* the kernel lacks that action, or there is no memory */
    int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < count && result == 0; i++)
        result = add(context, &lists[i], known);
    if (result == 0)
        result = export(context, filter, os);
    seccomp_release(context);
    return result;
}

int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced,
                           off_t start)
{
    struct rules lists[4] = {RULES(both), RULES(child_only)};
    size_t count = 2;
    if (start >= 0)
        lists[count++] = (struct rules)RULES(child_cuts);
    if (traced)
        lists[count++] = (struct rules)RULES(child_times);
    const struct known known = {.own = os->getpid(os), .start = start};
    return make(filter, os, SCMP_ACT_KILL_PROCESS, lists, count, &known);
}

int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child)
{
    static const struct rules lists[] = {RULES(both), RULES(parent_only)};
    const struct known known = {.own = os->getpid(os), .child = child};
    /* Return EPERM instead of killing: an unexpected call of the C library must not lose results.
     */
    return make(filter, os, SCMP_ACT_ERRNO(EPERM), lists, sizeof lists / sizeof lists[0], &known);
}

#else

#include <errno.h>

int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced,
                           off_t start)
{
    (void)filter, (void)os, (void)traced, (void)start;
    return -ENOTSUP;
}

int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child)
{
    (void)filter, (void)os, (void)child;
    return -ENOTSUP;
}

#endif
