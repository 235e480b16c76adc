/*
 * sandbox_calls.c (Linux) - the calls that give up rights. See sandbox_calls.h.
 *
 * src/sandbox/sandbox.c decides what to give up, when, and what a refusal of the kernel means.
 *
 * Sanitizers and gcov run inside the process that they watch. When it ends they open /proc, start
 * threads and write files. In such a build the members that would forbid this fail with ENOTSUP.
 */
#define _GNU_SOURCE
#include "sandbox_calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call.h"

/* CMake defines SHMSUM_INSTRUMENTED. The compiler shows sanitizers that were enabled by hand. */
#if !defined(SHMSUM_INSTRUMENTED) && (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__))
#define SHMSUM_INSTRUMENTED 1
#endif
#if !defined(SHMSUM_INSTRUMENTED) && defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SHMSUM_INSTRUMENTED 1
#endif
#endif
#ifdef SHMSUM_INSTRUMENTED
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif

int linux_set_no_new_privs(OS)
{
    return (int)or_error(prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL));
}

int linux_clear_dumpable(OS)
{
    if (INSTRUMENTED)
        return -ENOTSUP;
    return (int)or_error(prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL));
}

int linux_setrlimit(OS, int resource, uint64_t limit)
{
    if (INSTRUMENTED)
        return -ENOTSUP;
    struct rlimit both = {(rlim_t)limit, (rlim_t)limit};
    return (int)or_error(setrlimit((__rlimit_resource_t)resource, &both));
}

int linux_drop_capabilities(OS)
{
    if (INSTRUMENTED)
        return -ENOTSUP;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
    return (int)or_error(syscall(SYS_capset, &header, none));
}

int linux_close_range(OS, int first, int last)
{
#ifdef SYS_close_range
    return (int)or_error(syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0U));
#else
    (void)first, (void)last;
    return -ENOSYS;
#endif
}

/*
 * Landlock as of ABI 7 (Linux 6.15), from the kernel's Documentation/userspace-api/landlock.rst.
 * Copied from <linux/landlock.h>, because the headers of Debian 12 have ABI 2 only and its C
 * library has no wrappers.
 */
struct ruleset {
    uint64_t files;  /* handled_access_fs */
    uint64_t net;    /* handled_access_net, ABI 4 */
    uint64_t scoped; /* ABI 6 */
};
enum {
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    FILES_1 = (1 << 13) - 1, /* execute, write, read, remove and make of each kind */
    REFER = 1 << 13,         /* ABI 2 */
    TRUNCATE = 1 << 14,      /* ABI 3 */
    IOCTL_DEV = 1 << 15,     /* ABI 5 */
    BIND_TCP = 1 << 0,       /* ABI 4 */
    CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_SOCKET = 1 << 0, /* ABI 6 */
    SCOPE_SIGNAL = 1 << 1,
    CREATE_RULESET_VERSION = 1 << 0,
};
#ifndef SYS_landlock_create_ruleset /* the same numbers on every processor */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

int linux_landlock_restrict(OS, bool reading)
{
    if (INSTRUMENTED)
        return -ENOTSUP;
    int abi = (int)or_error(
        syscall(SYS_landlock_create_ruleset, NULL, 0UL, (unsigned long)CREATE_RULESET_VERSION));
    if (abi <= 0)
        return abi < 0 ? abi : -ENOSYS;
    struct ruleset ruleset = {.files = FILES_1};
    if (abi >= 2)
        ruleset.files |= REFER;
    if (abi >= 3)
        ruleset.files |= TRUNCATE;
    if (abi >= 4)
        ruleset.net = BIND_TCP | CONNECT_TCP;
    if (abi >= 5)
        ruleset.files |= IOCTL_DEV;
    if (abi >= 6) /* `reading` is the parent: it may have to kill its child */
        ruleset.scoped = reading ? SCOPE_ABSTRACT_SOCKET : SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
    if (reading)
        ruleset.files &= ~(uint64_t)(READ_FILE | READ_DIR);
    /* An older kernel accepts this longer structure, because the fields that it lacks are 0. */
    int fd = (int)or_error(
        syscall(SYS_landlock_create_ruleset, &ruleset, (unsigned long)sizeof ruleset, 0UL));
    if (fd < 0)
        return fd;
    int result = (int)or_error(syscall(SYS_landlock_restrict_self, (long)fd, 0UL));
    close(fd);
    return result < 0 ? result : abi;
}

int linux_seccomp(OS, const void *filter, size_t bytes)
{
    if (INSTRUMENTED)
        return -ENOTSUP;
    union { /* drops the const; the kernel only reads the filter */
        const void *constant;
        struct sock_filter *steps;
    } either = {.constant = filter};
    struct sock_fprog program = {
        .len = (unsigned short)(bytes / sizeof(struct sock_filter)),
        .filter = either.steps,
    };
    return (int)or_error(
        syscall(SYS_seccomp, (unsigned long)SECCOMP_SET_MODE_FILTER, 0UL, &program));
}

int linux_memfd_create(OS)
{
    return (int)or_error(memfd_create("shmsum-scratch", MFD_CLOEXEC));
}
