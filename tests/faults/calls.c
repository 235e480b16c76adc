/* calls.c - what the tests know about system calls. See calls.h. */
#define _GNU_SOURCE
#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

enum { ANY_CALL = -1 };
/* Old headers lack these numbers. They are the same on all processors. */
enum { CLOSE_RANGE = 436, LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446 };

static const struct call calls[] = {
    {SYS_read, "read", "read(2)", " read ", {EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EIO, EISDIR}},
    {SYS_pread64,
     "pread",
     "pread(2)",
     " read ",
     {EAGAIN, EBADF, EFAULT, EINTR, EINVAL, EIO, EISDIR, ENXIO, EOVERFLOW, ESPIPE}},
    {SYS_write,
     "write",
     "write(2)",
     " write ",
     {EAGAIN, EBADF, EDQUOT, EFAULT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM, EPIPE}},
    {SYS_pwrite64,
     "pwrite",
     "pwrite(2)",
     " posix_fallocate ",
     {EBADF, EDQUOT, EFBIG, EINTR, EINVAL, EIO, ENOSPC, EPERM}},
    {SYS_close, "close", "close(2)", " close ", {EBADF, EINTR, EIO, ENOSPC, EDQUOT}},
    {SYS_openat,
     "open",
     "open(2)",
     " open shm_open ",
     {EACCES, EDQUOT, EEXIST, EFAULT, EINTR, EISDIR, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENOENT,
      ENOMEM, ENOSPC, ENOTDIR, ENXIO, EOVERFLOW, EPERM, EROFS, ETXTBSY}},
    {SYS_newfstatat,
     "fstat",
     "stat(2)",
     " fstat stat results open exec ",
     {EACCES, EBADF, EFAULT, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW}},
#ifdef SYS_fstat
    {SYS_fstat,
     "fstat",
     "stat(2)",
     " fstat stat results open exec ",
     {EBADF, EFAULT, ENOMEM, EOVERFLOW}},
#endif
    {SYS_statx,
     "statx",
     "statx(2)",
     " ",
     {EACCES, EBADF, EFAULT, EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR}},
    {SYS_lseek, "lseek", "lseek(2)", " lseek ", {EBADF, EINVAL, ENXIO, EOVERFLOW, ESPIPE}},
    {SYS_ftruncate,
     "ftruncate",
     "truncate(2)",
     " ftruncate ",
     {EBADF, EFBIG, EINTR, EINVAL, EIO, EPERM, EROFS, ETXTBSY}},
    {SYS_fchmod,
     "fchmod",
     "chmod(2)",
     " fchmod ",
     {EBADF, EFAULT, EIO, ENOMEM, ENOTDIR, EPERM, EROFS}},
    {SYS_fsync, "fsync", "fsync(2)", " fsync ", {EBADF, EDQUOT, EINTR, EINVAL, EIO, ENOSPC, EROFS}},
    {SYS_flock, "flock", "flock(2)", " flock ", {EBADF, EINTR, EINVAL, ENOLCK, EWOULDBLOCK}},
    {SYS_fcntl, "fcntl", "fcntl(2)", " fcntl ", {EACCES, EBADF, EINVAL}},
    {SYS_ioctl, "ioctl", "ioctl(2)", " ioctl ", {EBADF, EFAULT, EINVAL, ENOTTY}},
    {SYS_dup3, "dup", "dup(2)", " dup ", {EBADF, EBUSY, EINTR, EINVAL, EMFILE}},
#ifdef SYS_dup2
    {SYS_dup2, "dup2", "dup(2)", " dup2 ", {EBADF, EBUSY, EINTR, EMFILE}},
    {SYS_unlink,
     "unlink",
     "unlink(2)",
     " shm_unlink ",
     {EACCES, EBUSY, EFAULT, EIO, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM,
      EROFS}},
    {SYS_readlink,
     "readlink",
     "readlink(2)",
     " readlink ",
     {EACCES, EFAULT, EINVAL, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR}},
#endif
    {SYS_pipe2, "pipe", "pipe(2)", " pipe ", {EFAULT, EINVAL, EMFILE, ENFILE}},
    {SYS_unlinkat,
     "unlinkat",
     "unlink(2)",
     " shm_unlink ",
     {EACCES, EBUSY, EFAULT, EIO, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM,
      EROFS}},
    {SYS_readlinkat,
     "readlinkat",
     "readlink(2)",
     " readlink ",
     {EACCES, EFAULT, EINVAL, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR}},
    {SYS_getdents64,
     "getdents",
     "getdents(2)",
     " getdents ",
     {EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR}},
    {SYS_fallocate,
     "fallocate",
     "fallocate(2)",
     " posix_fallocate ",
     {EBADF, EFBIG, EINTR, EINVAL, EIO, ENODEV, ENOSPC, ENOSYS, EOPNOTSUPP, EPERM, ESPIPE,
      ETXTBSY}},
    {SYS_mmap,
     "mmap",
     "mmap(2)",
     " mmap malloc ",
     {EACCES, EAGAIN, EBADF, EINVAL, ENFILE, ENODEV, ENOMEM, EOVERFLOW, EPERM, ETXTBSY}},
    {SYS_munmap, "munmap", "mmap(2)", " munmap ", {EINVAL, ENOMEM}},
    {SYS_brk, "brk", "brk(2)", " malloc ", {ENOMEM}},
    {SYS_getrandom,
     "getrandom",
     "getrandom(2)",
     " getrandom ",
     {EAGAIN, EFAULT, EINTR, EINVAL, ENOSYS}},
    {SYS_futex,
     "futex",
     "futex(2)",
     " futex ",
     {EACCES, EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM, ENOSYS, EPERM, ETIMEDOUT}},
#ifdef SYS_futex_waitv
    {SYS_futex_waitv,
     "futex_waitv",
     "futex_waitv(2)",
     " futex ",
     {EAGAIN, EFAULT, EINTR, EINVAL, ENOMEM, ENOSYS, EPERM, ETIMEDOUT}},
#endif
    {SYS_ppoll, "ppoll", "poll(2)", " ppoll ", {EFAULT, EINTR, EINVAL, ENOMEM}},
    {SYS_clone, "fork", "fork(2)", " fork ", {EAGAIN, ENOMEM, ENOSYS, EPERM}},
    {SYS_execve,
     "execve",
     "execve(2)",
     " exec ",
     {E2BIG, EACCES, EFAULT, EINVAL, EIO, EISDIR, ELIBBAD, ELOOP, EMFILE, ENAMETOOLONG, ENFILE,
      ENOENT, ENOEXEC, ENOMEM, ENOTDIR, EPERM, ETXTBSY}},
    {SYS_wait4, "waitpid", "wait(2)", " waitpid ", {ECHILD, EINTR, EINVAL}},
    {SYS_kill, "kill", "kill(2)", " kill ", {EINVAL, EPERM, ESRCH}},
    {SYS_prctl, "prctl", "prctl(2)", " prctl ", {EACCES, EFAULT, EINVAL, EPERM}},
    {SYS_rt_sigaction, "sigaction", "sigaction(2)", " sigaction ", {EFAULT, EINVAL}},
    {SYS_rt_sigprocmask, "sigprocmask", "sigprocmask(2)", " sigprocmask ", {EFAULT, EINVAL}},
    {SYS_setitimer, "setitimer", "setitimer(2)", " ", {EFAULT, EINVAL}},
    {SYS_sched_getaffinity,
     "sched_getaffinity",
     "sched_setaffinity(2)",
     " sched_getaffinity ",
     {EFAULT, EINVAL, ESRCH}},
    {SYS_memfd_create,
     "memfd_create",
     "memfd_create(2)",
     " ",
     {EFAULT, EINVAL, EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM}},
    {SYS_seccomp,
     "seccomp",
     "seccomp(2)",
     " seccomp ",
     {EACCES, EFAULT, EINVAL, ENOMEM, ENOSYS, EOPNOTSUPP, ESRCH}},
    {SYS_prlimit64, "setrlimit", "setrlimit(2)", " setrlimit ", {EFAULT, EINVAL, EPERM}},
    {LANDLOCK_CREATE,
     "landlock_create_ruleset",
     "landlock_create_ruleset(2)",
     " ",
     {E2BIG, EFAULT, EINVAL, EMFILE, ENOMSG, ENOSYS, EOPNOTSUPP}},
    {LANDLOCK_RESTRICT,
     "landlock_restrict_self",
     "landlock_restrict_self(2)",
     " ",
     {E2BIG, EBADF, EBADFD, EINVAL, ENOSYS, EOPNOTSUPP, EPERM}},
    {SYS_capset, "capset", "capset(2)", " ", {EFAULT, EINVAL, EPERM, ESRCH}},
    {CLOSE_RANGE, "close_range", "close_range(2)", " ", {EINVAL, EMFILE, ENOSYS}},
    {SYS_set_robust_list, "set_robust_list", "set_robust_list(2)", " ", {EINVAL}},
    /* These cannot fail: getpid(2), getuid(2), exit_group(2), sigreturn(2). */
    {SYS_getpid, "getpid", "getpid(2)", " ", {0}},
    {SYS_getppid, "getppid", "getpid(2)", " ", {0}},
    {SYS_geteuid, "geteuid", "getuid(2)", " ", {0}},
    {SYS_exit_group, "exit_group", "exit_group(2)", " ", {0}},
    {SYS_rt_sigreturn, "sigreturn", "sigreturn(2)", " ", {0}},
};

const char *call_error_name(int error)
{
    static char text[24];
    const char *name = strerrorname_np(error);
    if (name != NULL)
        return name;
    snprintf(text, sizeof text, "errno %d", error);
    return text;
}

const struct call *call_find(long number)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (calls[i].number == number)
            return &calls[i];
    static char name[32];
    static struct call unknown = {
        .name = name, .manual = "none", .words = "", .errors = {EPERM, ENOSYS, ENOMEM, EINVAL}};
    snprintf(name, sizeof name, "call %ld", number);
    unknown.number = number;
    return &unknown;
}

/* ---- what follows from a failure ---- */

enum { P = 1 << TRACE_PARENT, F = 1 << TRACE_FORKED, C = 1 << TRACE_CHILD, ALL = P | F | C };

static const char is_open[] = "this call only asks whether the descriptor is open: after EBADF the "
                              "program opens /dev/null in its place, which is not used";
static const char old_names[] = "names of dead instances are removed only if that is possible";
static const char size_only[] = "reported before the run appends to them; in the end only their "
                                "size is checked";
static const char nothing_to_do[] = "the program can do nothing about it";
static const char granted[] = "the sandbox uses what the kernel grants; --stats lists the rest";
static const char again[] = "the program makes the interrupted call again";
static const char lost[] = "the parent then knows only the exit status of the forked child";

struct consequence_rule {
    unsigned roles;     /* bits 1 << enum trace_role */
    long number;        /* or ANY_CALL; applies to all calls of the same name */
    const char *object; /* NULL: any */
    unsigned first;     /* only the first so many calls; 0: all */
    enum consequence consequence;
    const char *why;
    int errors[8]; /* 0 at the end; none: all errors */
    bool all_but;  /* all errors except these */
};

/* The first rule that applies decides. */
static const struct consequence_rule rules[] = {
    {P, SYS_newfstatat, "stdin", 1, HARMLESS, is_open, {0}, false},
    {P, SYS_newfstatat, "stdout", 1, HARMLESS, is_open, {0}, false},
    {C, SYS_newfstatat, "null", 1, HARMLESS, is_open, {0}, false},
    {C, SYS_newfstatat, "results", 1, HARMLESS, is_open, {0}, false},
    {C, SYS_newfstatat, "stdout", 1, HARMLESS, is_open, {0}, false},
    {ALL, SYS_newfstatat, "messages", 1, HARMLESS, is_open, {0}, false},
    {ALL,
     SYS_newfstatat,
     "ld.so.preload",
     0,
     HARMLESS,
     "nothing is known to be preloaded",
     {0},
     false},
    {P, ANY_CALL, "names", 0, HARMLESS, old_names, {0}, false},
    {P, ANY_CALL, "name left behind", 0, HARMLESS, old_names, {0}, false},

    {ALL, ANY_CALL, "filter", 0, HARMLESS, granted, {0}, false},
    {ALL, SYS_memfd_create, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, SYS_seccomp, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, SYS_prlimit64, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, LANDLOCK_CREATE, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, LANDLOCK_RESTRICT, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, SYS_capset, NULL, 0, HARMLESS, granted, {0}, false},
    {ALL, CLOSE_RANGE, NULL, 0, HARMLESS, granted, {0}, false},
    {C,
     SYS_prctl,
     "option 1",
     0,
     REPORTED,
     "the child would not notice the parent's death",
     {0},
     false},
    {ALL, SYS_prctl, NULL, 0, HARMLESS, granted, {0}, false},

    {P, SYS_close, "results", 0, REPORTED, "close may report a lost write", {EINTR}, true},
    {C, SYS_close, "results", 0, REPORTED, "close may report a lost write", {EINTR}, true},
    {C, SYS_close, "stdout", 0, REPORTED, "close may report a lost write", {EINTR}, true},
    {ALL, SYS_close, NULL, 0, HARMLESS, nothing_to_do, {0}, false},
    {ALL, SYS_munmap, NULL, 0, HARMLESS, nothing_to_do, {0}, false},
    {ALL,
     SYS_write,
     "messages",
     0,
     MESSAGES_DIFFER,
     "the failure itself cannot be reported; the results are right",
     {EINTR, EAGAIN},
     true},
    {F, SYS_write, "pipe", 0, REASON_LOST, lost, {EINTR}, true},
    {P, SYS_read, "pipe", 0, REASON_LOST, lost, {EINTR}, true},
    {ALL,
     SYS_write,
     NULL,
     0,
     HARMLESS,
     "written again, once poll allows it",
     {EINTR, EAGAIN},
     false},
    {ALL, SYS_read, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_read, "stdin", 0, HARMLESS, "read again, once poll allows it", {EAGAIN}, false},
    {ALL, SYS_pread64, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P | C, SYS_openat, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_openat, "results again", 0, EITHER, size_only, {0}, false},
    {P, SYS_pread64, "results again", 0, EITHER, size_only, {0}, false},
    {P, SYS_openat, "region", 0, EITHER, "a hundred other names are tried", {EEXIST}, false},
    {C, SYS_flock, NULL, 0, HARMLESS, "the parent is taken for alive", {0}, false},
    {P, SYS_fchmod, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_flock, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_fcntl, "results", 0, HARMLESS, "a file system without locks", {0}, false},
    {P, SYS_fallocate, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_fallocate, NULL, 0, HARMLESS, "the C library writes instead", {EOPNOTSUPP}, false},
    {P | C, SYS_ftruncate, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P | C, SYS_fsync, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_fsync, "folder", 0, HARMLESS, "some file systems do not sync folders", {EINVAL}, false},
#ifdef SYS_unlink
    {C, SYS_unlink, "region", 0, HARMLESS, "the parent removes it too", {0}, false},
    {P, SYS_unlink, "region", 0, HARMLESS, "the name is gone, as intended", {ENOENT}, false},
#endif
    {C, SYS_unlinkat, "region", 0, HARMLESS, "the parent removes it too", {0}, false},
    {P, SYS_unlinkat, "region", 0, HARMLESS, "the name is gone, as intended", {ENOENT}, false},

    {P, SYS_lseek, "stdin", 0, HARMLESS, "a pipe: nothing can be given back", {ESPIPE}, false},
    {ALL,
     SYS_ioctl,
     NULL,
     0,
     MESSAGES_DIFFER,
     "taken as no terminal, or as one that cuts lines",
     {0},
     false},
    {ALL, SYS_sched_getaffinity, NULL, 0, HARMLESS, "two CPUs are assumed", {0}, false},
    {ALL,
     SYS_set_robust_list,
     NULL,
     0,
     HARMLESS,
     "made by the C library; no robust mutexes here",
     {0},
     false},
    {ALL,
     SYS_getrandom,
     "malloc",
     0,
     HARMLESS,
     "made by the C library, which then uses the clock",
     {0},
     false},
    {ALL, SYS_brk, NULL, 0, EITHER, "malloc tries mmap", {0}, false},
    {ALL, SYS_mmap, "memory", 0, EITHER, "malloc tries brk", {0}, false},

#ifdef SYS_futex_waitv
    {P | C,
     SYS_futex_waitv,
     NULL,
     0,
     HARMLESS,
     "checks the word again, or waits for one word only",
     {EAGAIN, EINTR, ETIMEDOUT, ENOSYS, EPERM},
     false},
#endif
    {P | C,
     SYS_futex,
     "wait",
     0,
     HARMLESS,
     "checks the word again",
     {EAGAIN, EINTR, ETIMEDOUT},
     false},
    {P,
     SYS_futex,
     "wake myself",
     0,
     HARMLESS,
     "the signal that set the stop word ends the wait anyway",
     {0},
     false},
    {P | C, SYS_futex, "wake", 0, EITHER, "the peer may not be asleep", {0}, false},
    {P | C, SYS_ppoll, NULL, 0, HARMLESS, again, {EINTR}, false},
    {P, SYS_ppoll, "nothing", 0, HARMLESS, "waits for the child in waitpid instead", {0}, false},
    {P, SYS_wait4, NULL, 0, EITHER, "called again when the status is needed", {0}, false},
    {F,
     SYS_rt_sigprocmask,
     "hold",
     0,
     HARMLESS,
     "made by fork of the C library; the forked child then sets a mask of its own",
     {0},
     false},
    {P,
     SYS_rt_sigprocmask,
     NULL,
     0,
     EITHER,
     "not needed while the parent only waits for the child's end",
     {0},
     false},
};

static bool applies(const struct consequence_rule *rule, const struct trace_site *site,
                    unsigned nth, int error)
{
    /* glibc makes fstat(3) with newfstatat(2) or, since 2.39, with fstat(2). */
    const char *name = call_find(site->number)->name;
    if ((rule->roles >> site->role & 1) == 0 ||
        (rule->number != ANY_CALL && strcmp(call_find(rule->number)->name, name) != 0) ||
        (rule->object != NULL && strcmp(rule->object, site->object) != 0) ||
        (rule->first != 0 && nth > rule->first))
        return false;
    bool listed = false;
    for (size_t i = 0; rule->errors[i] != 0; i++)
        listed |= rule->errors[i] == error;
    return rule->errors[0] == 0 || listed != rule->all_but;
}

enum consequence call_consequence(const struct trace_site *site, unsigned nth, int error)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (applies(&rules[i], site, nth, error))
            return rules[i].consequence;
    return call_find(site->number)->words[0] == '\0' ? EITHER : REPORTED;
}

bool call_can_wait(const struct trace_site *site)
{
    switch (site->number) {
    case SYS_read:
    case SYS_pread64:
    case SYS_write:
    case SYS_openat:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_fsync:
    case SYS_flock:
    case SYS_fcntl: /* locks: a file system may ask a server */
    case SYS_ppoll:
#ifdef SYS_open
    case SYS_open:
#endif
#ifdef SYS_futex_waitv
    case SYS_futex_waitv:
#endif
        return true;
    case SYS_futex:
        return strcmp(site->object, "wait") == 0;
    default:
        return false;
    }
}

static void print_errors(const int *errors)
{
    for (; *errors != 0; errors++)
        printf(" %s", call_error_name(*errors));
}

void call_print_all(void)
{
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        printf("%s, %s:", calls[i].name, calls[i].manual);
        print_errors(calls[i].errors);
        printf("\n");
    }
    static const char *const consequences[] = {"must be reported", "harmless",
                                               "messages may differ", "reason lost", "either"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const struct consequence_rule *rule = &rules[i];
        printf("%s%s%s %s of %s%s%s", rule->roles & P ? "parent " : "",
               rule->roles & F ? "forked " : "", rule->roles & C ? "child" : "",
               rule->number == ANY_CALL ? "any call" : call_find(rule->number)->name,
               rule->object == NULL ? "anything" : rule->object,
               rule->first != 0 ? ", the first" : "", rule->all_but ? ", all but" : ",");
        print_errors(rule->errors);
        printf(": %s: %s\n", consequences[rule->consequence], rule->why);
    }
}
