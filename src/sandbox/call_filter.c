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
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/ioctl.h>

/* The kernel reads 32 bits of each argument that a rule checks, so the rules ignore the upper 32.
 */
struct condition {
    unsigned argument;
    uint32_t mask; /* 0: no condition */
    int64_t datum;
};
/* Placeholders of `datum`: numbers of processes that are known only at run time. */
enum { OWN_PROCESS = -1, CHILD_PROCESS = -2 };

/* A system call, the conditions of the rule, and its effect on the call. */
struct rule {
    int call;
    int error; /* the call fails with this errno; 0: it is allowed */
    struct condition conditions[2];
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
#define IS(argument_, datum_)                                          \
    {                                                                  \
        .argument = (argument_), .mask = UINT32_MAX, .datum = (datum_) \
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
    IF(write, IS(0, 1)),       /* results */
    IF(write, IS(0, 2)),       /* messages */
    IF(lseek, IS(0, 1)),       /* cut the results to whole lines after a failed write */
    IF(_llseek, IS(0, 1)),     /* on 32 bits */
    IF(ftruncate, IS(0, 1)),   /* the cut itself */
    IF(ftruncate64, IS(0, 1)), /* on 32 bits */
    IF(fsync, IS(0, 1)),       /* --fsync */
    IF(close, IS(0, 1)),       /* some file systems report a lost write only then */
    ANY(getppid),              /* check whether the parent is dead */
    /* The last CHILD_TIMES rules: only with --trace or --explain, which print times. */
    IF(write, IS(0, 0)), /* the trace */
    ANY(clock_gettime),  /* where the vDSO has no clock */
    ANY(clock_gettime64),
};
enum { CHILD_TIMES = 3 };

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

static int add(scmp_filter_ctx context, const struct rule *rules, size_t count, pid_t own,
               pid_t child)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if (rule->call < 0) /* libseccomp: this processor has no such call */
            continue;
        struct scmp_arg_cmp compare[2];
        unsigned compares = 0;
        for (; compares < 2 && rule->conditions[compares].mask != 0; compares++) {
            const struct condition *condition = &rule->conditions[compares];
            int64_t datum = condition->datum == OWN_PROCESS     ? own
                            : condition->datum == CHILD_PROCESS ? child
                                                                : condition->datum;
            compare[compares] = SCMP_CMP64(condition->argument, SCMP_CMP_MASKED_EQ, condition->mask,
                                           (uint32_t)datum);
        }
        uint32_t action = rule->error == 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO((uint32_t)rule->error);
        int result = seccomp_rule_add_array(context, action, rule->call, compares, compare);
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

/* Makes a filter of `both` and these rules. `otherwise`: the action for every other call. */
static int make(struct call_filter *filter, const struct shmsum_os *os, uint32_t otherwise,
                const struct rule *rules, size_t count, pid_t child)
{
    scmp_filter_ctx context = seccomp_init(otherwise);
    if (context == NULL)
        return -ENOSYS; /* the kernel lacks that action, or there is no memory */
    int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    pid_t own = os->getpid(os);
    if (result == 0)
        result = add(context, both, sizeof both / sizeof both[0], own, child);
    if (result == 0)
        result = add(context, rules, count, own, child);
    if (result == 0)
        result = export(context, filter, os);
    seccomp_release(context);
    return result;
}

int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced)
{
    size_t count = sizeof child_only / sizeof child_only[0];
    return make(filter, os, SCMP_ACT_KILL_PROCESS, child_only, traced ? count : count - CHILD_TIMES,
                0);
}

int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child)
{
    /* Return EPERM instead of killing: an unexpected call of the C library must not lose results.
     */
    return make(filter, os, SCMP_ACT_ERRNO(EPERM), parent_only,
                sizeof parent_only / sizeof parent_only[0], child);
}

#else

#include <errno.h>

int call_filter_make_child(struct call_filter *filter, const struct shmsum_os *os, bool traced)
{
    (void)filter, (void)os, (void)traced;
    return -ENOTSUP;
}

int call_filter_make_parent(struct call_filter *filter, const struct shmsum_os *os, pid_t child)
{
    (void)filter, (void)os, (void)child;
    return -ENOTSUP;
}

#endif
