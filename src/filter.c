/*
 * filter.c - the seccomp filters of the two programs. See filter.h.
 *
 * libseccomp turns the lists into the kernel's form, for the processor that this is built for: a
 * name that this processor has not got is passed over, and the calls of any other (i386 and x32 on
 * x86-64) kill the process.
 */
#include "filter.h"

#ifdef SHMSUM_HAS_SECCOMP
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>

enum { CONDITIONS_MAX = 2 };

/* A system call, and what its arguments must be for the rule to hold. */
struct rule {
    int call;
    uint32_t action; /* 0: it is allowed */
    unsigned conditions;
    struct scmp_arg_cmp condition[CONDITIONS_MAX];
};

/* The kernel takes these arguments for 32 bits: whatever stands above them means nothing. */
#define IS(argument, value) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)(value))
#define HAS_NONE(argument, bits) SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, (uint32_t)(bits), 0)

#define ANY(name)              \
    {                          \
        .call = SCMP_SYS(name) \
    }
#define IF(name, first)                                                 \
    {                                                                   \
        .call = SCMP_SYS(name), .conditions = 1, .condition = { first } \
    }
#define IF_BOTH(name, first, second)                                            \
    {                                                                           \
        .call = SCMP_SYS(name), .conditions = 2, .condition = { first, second } \
    }
#define FAILS(name, error)                                      \
    {                                                           \
        .call = SCMP_SYS(name), .action = SCMP_ACT_ERRNO(error) \
    }

/*
 * DOC: call-filter
 *
 * What both may do: wait, wake, return from a signal handler, and end.
 */
#define BOTH_WAIT                                                                           \
    ANY(futex_waitv),                 /* a sleep */                                         \
        IF(futex, IS(1, FUTEX_WAIT)), /* the same, where there is no futex_waitv */         \
        IF(futex, IS(1, FUTEX_WAKE)), ANY(ppoll), ANY(ppoll_time64), /* 32 bits */          \
        ANY(restart_syscall),             /* the kernel's own, after SIGSTOP and SIGCONT */ \
        ANY(rt_sigreturn), ANY(sigreturn) /* i386, arm */
#define BOTH_END(self)                                                                         \
    ANY(munmap), ANY(exit_group), /* abort(3), from a check of the compiler's or of malloc: */ \
        ANY(getpid), ANY(gettid), IF_BOTH(tgkill, IS(0, self), IS(2, SIGABRT)),                \
        IF(writev, IS(0, 2)), FAILS(mmap, ENOMEM), /* it copies its message, if it can */      \
        FAILS(mmap2, ENOMEM)

static int add(scmp_filter_ctx context, const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if (rule->call < 0) /* this processor has no such call */
            continue;
        int result = seccomp_rule_add_array(context, rule->action ? rule->action : SCMP_ACT_ALLOW,
                                            rule->call, rule->conditions, rule->condition);
        if (result < 0)
            return result;
    }
    return 0;
}

/* libseccomp hands its work out through a descriptor only. */
static int export(scmp_filter_ctx context, struct filter *filter, const struct shmsum_os *os)
{
    int fd = os->scratch(os);
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

/* What is not in the rules ends with `otherwise`. */
static int make(struct filter *filter, const struct shmsum_os *os, uint32_t otherwise,
                const struct rule *rules, size_t count)
{
    scmp_filter_ctx context = seccomp_init(otherwise);
    if (context == NULL)
        return -ENOSYS; /* the kernel does not know that action; or there is no memory */
    int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (result == 0)
        result = add(context, rules, count);
    if (result == 0)
        result = export(context, filter, os);
    seccomp_release(context);
    return result;
}

int filter_make_child(struct filter *filter, const struct shmsum_os *os, bool traced)
{
    pid_t self = os->get_pid(os);
    const struct rule rules[] = {
        BOTH_WAIT,
        /* Its results are descriptor 1, its messages 2. Nothing is opened, nothing else written. */
        IF(write, IS(0, 1)),
        IF(write, IS(0, 2)),
        IF(lseek, IS(0, 1)), /* a write that failed is cut back to whole lines */
        IF(_llseek, IS(0, 1)),
        IF(ftruncate, IS(0, 1)),
        IF(ftruncate64, IS(0, 1)),
        IF(fsync, IS(0, 1)),
        IF(close, IS(0, 1)),
        ANY(getppid),        /* whether its parent is dead */
        ANY(rt_sigprocmask), /* abort(3) */
        BOTH_END(self),
        /* only when it tells the times of what it does: the last CHILD_TIMES */
        IF(write, IS(0, 0)),
        ANY(clock_gettime), /* where the kernel lends no clock to user space */
        ANY(clock_gettime64),
    };
    enum { CHILD_TIMES = 3 };
    size_t count = sizeof rules / sizeof rules[0];
    return make(filter, os, SCMP_ACT_KILL_PROCESS, rules, traced ? count : count - CHILD_TIMES);
}

int filter_make_parent(struct filter *filter, const struct shmsum_os *os, pid_t child)
{
    pid_t self = os->get_pid(os);
    enum { NOT_TO_READ = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC };
    const struct rule rules[] = {
        BOTH_WAIT,
        /* The inputs are opened one after the other, there may be more of them than descriptors; so
         * are, at the end, the results to be looked at and the folder to be synced. All to be read.
         */
        IF(openat, HAS_NONE(2, NOT_TO_READ)),
        IF(open, HAS_NONE(1, NOT_TO_READ)),
        ANY(fstat),
        ANY(fstat64),
        ANY(newfstatat),
        ANY(fstatat64),
        ANY(statx),
        ANY(read),
        ANY(pread64),
        ANY(close),
        ANY(write), /* prompts, messages */
        ANY(lseek), /* the results */
        ANY(_llseek),
        ANY(ftruncate),
        ANY(ftruncate64),
        ANY(fsync),
        ANY(rt_sigprocmask),
        ANY(rt_sigaction), /* to die of the signal that ended it */
        IF(kill, IS(0, self)),
        IF_BOTH(kill, IS(0, child), IS(1, SIGKILL)),
        ANY(wait4),
        ANY(waitpid),
        ANY(waitid),
        ANY(clock_gettime), /* where the kernel lends no clock to user space */
        ANY(clock_gettime64),
        ANY(brk), /* whatever the C library may want a little memory for */
        BOTH_END(self),
    };
    /* It fails, and is no death: a C library with other habits than those known here must not cost
     * anybody his results. */
    return make(filter, os, SCMP_ACT_ERRNO(EPERM), rules, sizeof rules / sizeof rules[0]);
}

#else

#include <errno.h>

int filter_make_child(struct filter *filter, const struct shmsum_os *os, bool traced)
{
    (void)filter, (void)os, (void)traced;
    return -ENOTSUP;
}

int filter_make_parent(struct filter *filter, const struct shmsum_os *os, pid_t child)
{
    (void)filter, (void)os, (void)child;
    return -ENOTSUP;
}

#endif
