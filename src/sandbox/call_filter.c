/*
 * filter.c - the seccomp filters of the two programs. See filter.h.
 *
 * libseccomp turns the lists into the kernel's form, for the processor that this is built for: a
 * name that this processor has not got is passed over, and the calls of any other (i386 and x32 on
 * x86-64) kill the process.
 */
#include "call_filter.h"

#ifdef SHMSUM_HAS_SECCOMP
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>

/* The kernel takes the arguments that we look at for 32 bits: what stands above them means nothing.
 */
struct condition {
    unsigned argument;
    uint32_t mask; /* 0: no condition */
    int64_t datum;
};
/* Values of this run. */
enum { OWN_PROCESS = -1, CHILD_PROCESS = -2 };

/* A system call, the conditions under which the rule holds, and what then becomes of the call. */
struct rule {
    int call;
    int error; /* it fails with this; 0: it is let through */
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
 * What both may do: wait, wake, return from a signal handler, and leave.
 */
static const struct rule both[] = {
    ANY(futex_waitv),
    IF(futex, IS(1, FUTEX_WAIT)), /* where there is no futex_waitv */
    IF(futex, IS(1, FUTEX_WAKE)),
    ANY(ppoll),
    ANY(ppoll_time64),    /* of 32 bits */
    ANY(restart_syscall), /* the kernel's own, after SIGSTOP and SIGCONT */
    ANY(rt_sigreturn),
    ANY(sigreturn), /* i386, arm */
    ANY(rt_sigprocmask),
    ANY(munmap),
    ANY(exit_group),
    /* abort(3), called by a check of the compiler or the C library: its message, and the signal */
    IF(writev, IS(0, 2)),
    FAILS(mmap, ENOMEM), /* it keeps a copy of its message, if it can */
    FAILS(mmap2, ENOMEM),
    ANY(getpid),
    ANY(gettid),
    IF(tgkill, IS(0, OWN_PROCESS), IS(2, SIGABRT)),
};

/* The child opens nothing and asks for no memory. */
static const struct rule child_only[] = {
    IF(write, IS(0, 1)),       /* results */
    IF(write, IS(0, 2)),       /* messages */
    IF(lseek, IS(0, 1)),       /* a write that failed is cut back to whole lines */
    IF(_llseek, IS(0, 1)),     /* 32 bits */
    IF(ftruncate, IS(0, 1)),   /* the cut */
    IF(ftruncate64, IS(0, 1)), /* 32 bits */
    IF(fsync, IS(0, 1)),       /* --fsync */
    IF(close, IS(0, 1)),       /* some file systems tell of a lost write only then */
    ANY(getppid),              /* whether its parent is dead */
    /* When it tells the times of what it does (--trace, --explain), also the last CHILD_TIMES. */
    IF(write, IS(0, 0)), /* the trace */
    ANY(clock_gettime),  /* where the kernel lends no clock to user space */
    ANY(clock_gettime64),
};
enum { CHILD_TIMES = 3 };

enum { NOT_TO_READ = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };

static const struct rule parent_only[] = {
    /* The inputs are opened one after the other, for there may be more of them than descriptors; so
     * are, at the end, the results to be looked at and the folder to be synced. All to be read. */
    IF(openat, LACKS(2, NOT_TO_READ)),
    IF(open, LACKS(1, NOT_TO_READ)),
    ANY(fstat),
    ANY(fstat64),
    ANY(newfstatat),
    ANY(fstatat64),
    ANY(statx),
    ANY(read),
    ANY(pread64),
    ANY(close),
    ANY(write), /* prompts, messages */
    ANY(lseek), /* the results, here and below */
    ANY(_llseek),
    ANY(ftruncate),
    ANY(ftruncate64),
    ANY(fsync),
    ANY(rt_sigaction), /* to die of the signal that ended it */
    IF(kill, IS(0, OWN_PROCESS)),
    IF(kill, IS(0, CHILD_PROCESS), IS(1, SIGKILL)),
    ANY(wait4),
    ANY(waitpid),
    ANY(waitid),
    ANY(clock_gettime), /* where the kernel lends no clock to user space */
    ANY(clock_gettime64),
    ANY(brk), /* whatever the C library may want a little memory for */
};

static int add(scmp_filter_ctx context, const struct rule *rules, size_t count, pid_t own,
               pid_t child)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if (rule->call < 0) /* this processor has no such call */
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

/* libseccomp hands its work out through a descriptor only. */
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
            result = -EIO; /* none, or not all of it */
    }
    os->close(os, fd);
    return result;
}

/* What is neither in `both` nor in these rules ends with `otherwise`. */
static int make(struct call_filter *filter, const struct shmsum_os *os, uint32_t otherwise,
                const struct rule *rules, size_t count, pid_t child)
{
    scmp_filter_ctx context = seccomp_init(otherwise);
    if (context == NULL)
        return -ENOSYS; /* the kernel does not know that action; or there is no memory */
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
    /* It fails, and is no death: a C library with other habits than those known here must not cost
     * anybody his results. */
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
