/*
 * test_sandbox.c - what the two programs can still do in their sandboxes, and how they behave on
 * kernels that lack a part of the sandbox.
 *
 * The lists of allowed calls here repeat those of src/sandbox/call_filter.c on purpose: the test
 * compares the calls that pass with its own lists.
 */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "intruder.h"
#include "sandbox/sandbox.h"

/* Newer calls have the same number on every processor. */
enum { CLOSE_RANGE = 436, LANDLOCK_CREATE_RULESET = 444, FUTEX_WAITV = 449 };

static int landlock_version(void)
{
    return (int)syscall(LANDLOCK_CREATE_RULESET, NULL, 0UL, 1UL);
}

/* Skips the case where the kernel or the build lacks a part of the sandbox. The test asks the
 * kernel itself: where the kernel has the part, the code under test must use it. */
static void need_everything(void)
{
#ifdef SHMSUM_INSTRUMENTED
    test_skip("a build with sanitizers or for coverage has no sandbox");
#endif
    uint32_t action = SCMP_ACT_KILL_PROCESS;
    if (landlock_version() < 1)
        test_skip("no Landlock: %s", strerror(errno));
    if (syscall(CLOSE_RANGE, 1U << 30, 1U << 30, 0U) != 0)
        test_skip("no close_range: %s", strerror(errno));
    if (syscall(SYS_seccomp, 2UL /* SECCOMP_GET_ACTION_AVAIL */, 0UL, &action) != 0)
        test_skip("no seccomp: %s", strerror(errno));
}

/* ---- every system call ---- */

/* The sets of arguments that each call is tried with; see fill(). A filter may check arguments, so
 * one bit per set says whether the call is expected to pass with it. */
enum { ZEROS = 1, ONES = 2, TWOS = 4, SELF = 8, NOBODY = 16, ALL = 31, VECTORS = 5 };
enum { NO_PROCESS = 0x3fffffff }; /* larger than any process id */

struct passing {
    long call;
    int vectors;
};

static const struct passing child_passes[] = {
    {SYS_write, ONES | TWOS},
    {SYS_writev, TWOS},
    {SYS_ftruncate, ONES}, /* test_offsets has more of these; no set of arguments passes lseek */
    {SYS_fsync, ONES},
    {SYS_close, ONES},
    {SYS_munmap, ALL},
#ifdef SYS__llseek
    {SYS__llseek, ONES},
    {SYS_ftruncate64, ONES},
#endif
    {SYS_futex, ZEROS | ONES | SELF}, /* FUTEX_WAIT, FUTEX_WAKE */
#ifdef SYS_futex_waitv
    {SYS_futex_waitv, ALL},
#endif
    {SYS_ppoll, ALL},
#ifdef SYS_ppoll_time64
    {SYS_ppoll_time64, ALL},
#endif
    {SYS_restart_syscall, ALL},
    {SYS_rt_sigreturn, ALL},
    {SYS_rt_sigprocmask, ALL},
    {SYS_setitimer, ZEROS}, /* ITIMER_REAL */
#ifdef SYS_sigreturn
    {SYS_sigreturn, ALL},
#endif
    {SYS_getpid, ALL},
    {SYS_gettid, ALL},
    {SYS_getppid, ALL},
    {SYS_tgkill, SELF}, /* SIGABRT */
    {SYS_exit_group, ALL},
};

static const struct passing parent_passes[] = {
    {SYS_openat, ZEROS | NOBODY}, /* for reading only */
#ifdef SYS_open
    {SYS_open, ZEROS | SELF},
#endif
    {SYS_read, ALL},
    {SYS_pread64, ALL},
    {SYS_write, ALL},
    {SYS_writev, TWOS},
    {SYS_lseek, ALL},
    {SYS_ftruncate, ALL},
    {SYS_fsync, ALL},
    {SYS_close, ALL},
    {SYS_fstat, ALL},
#ifdef SYS_newfstatat
    {SYS_newfstatat, ALL},
#endif
#ifdef SYS_fstat64
    {SYS_fstat64, ALL},
    {SYS_fstatat64, ALL},
#endif
    {SYS_statx, ALL},
    {SYS_munmap, ALL},
    {SYS_brk, ALL},
#ifdef SYS__llseek
    {SYS__llseek, ALL},
    {SYS_ftruncate64, ALL},
#endif
    {SYS_futex, ZEROS | ONES | SELF},
#ifdef SYS_futex_waitv
    {SYS_futex_waitv, ALL},
#endif
    {SYS_ppoll, ALL},
#ifdef SYS_ppoll_time64
    {SYS_ppoll_time64, ALL},
#endif
    {SYS_restart_syscall, ALL},
    {SYS_rt_sigreturn, ALL},
    {SYS_rt_sigprocmask, ALL},
    {SYS_setitimer, ZEROS}, /* ITIMER_REAL */
    {SYS_rt_sigaction, ALL},
#ifdef SYS_sigreturn
    {SYS_sigreturn, ALL},
#endif
    {SYS_getpid, ALL},
    {SYS_gettid, ALL},
    {SYS_tgkill, SELF},
    {SYS_kill, SELF | NOBODY}, /* itself, and SIGKILL for its child */
    {SYS_wait4, ALL},
#ifdef SYS_waitpid
    {SYS_waitpid, ALL},
#endif
    {SYS_waitid, ALL},
    {SYS_clock_gettime, ALL},
#ifdef SYS_clock_gettime64
    {SYS_clock_gettime64, ALL},
#endif
    {SYS_exit_group, ALL},
};

struct sandbox_case {
    bool is_parent;
    const struct passing *passes;
    size_t count;
};
static const struct sandbox_case sandbox_of_child = {false, child_passes,
                                                     sizeof child_passes / sizeof child_passes[0]};
static const struct sandbox_case sandbox_of_parent = {
    true, parent_passes, sizeof parent_passes / sizeof parent_passes[0]};

enum { EXIT_ERRNO = 100, EXIT_NO_SANDBOX = 99 }; /* EXIT_ERRNO + errno: the call returned */

static void fill(long arguments[6], int vector)
{
    static const long all[] = {0, 1, 2};
    memset(arguments, 0, 6 * sizeof *arguments);
    for (int i = 0; vector < 3 && i < 6; i++)
        arguments[i] = all[vector];
    if (vector == 3) {
        arguments[0] = getpid();
        arguments[2] = SIGABRT;
    } else if (vector == 4) {
        arguments[0] = NO_PROCESS;
        arguments[1] = SIGKILL;
    }
}

static long call_native(long call, const long a[6])
{
    return syscall(call, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#ifdef __x86_64__
/* Makes the call as an i386 program does. */
static long call_i386(long call, const long a[6])
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(call), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "memory", "r8", "r9", "r10", "r11");
    return result < 0 && result > -4096 ? (errno = (int)-result, -1) : result;
}
#endif

static off_t start_of_results = 1;

/* Makes the call in a new process that has entered the sandbox, with these arguments or, if given
 * is NULL, with a set of them. Returns the wait status. */
static int try_arguments(const struct sandbox_case *kind, long (*make)(long call, const long a[6]),
                         long call, const long *given, int vector)
{
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        static struct sandbox sandbox;
        const struct shmsum_os *os = shmsum_os_default();
        int nothing = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            if (dup2(nothing, fd) < 0)
                _exit(98);
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(5); /* ends a call that blocks: such a call has passed the filter */
        long arguments[6];
        fill(arguments, vector);
        static const struct sandbox_setting setting = {.mode = SANDBOX_AUTO};
        if (kind->is_parent)
            sandbox_prepare_parent(&sandbox, os, &setting, NO_PROCESS, 0);
        else
            sandbox_prepare_child(&sandbox, os, &setting, false, start_of_results);
        if (sandbox_enter(&sandbox, NULL) < 0 || (sandbox.granted & SANDBOX_SECCOMP) == 0)
            _exit(EXIT_NO_SANDBOX);
        errno = 0;
        long result = make(call, given != NULL ? given : arguments);
        _exit(EXIT_ERRNO + (result == -1 && errno < 140 ? errno : 0));
    }
    int status;
    check(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
    return status;
}

static int try_call(const struct sandbox_case *kind, long (*make)(long call, const long a[6]),
                    long call, int vector)
{
    return try_arguments(kind, make, call, NULL, vector);
}

/* uretprobe and uprobe bypass seccomp filters. The kernel itself refuses them, with SIGILL or
 * ENXIO, unless the call comes from a place where the kernel inserted it. */
static bool is_probe(long call)
{
#ifdef __x86_64__
    return call == 335 || call == 336;
#else
    (void)call;
    return false;
#endif
}

/* Whether the filter let the call pass: the filter neither killed the process nor answered with its
 * own error, which is EPERM in the parent and ENOMEM for mmap. */
static bool has_passed(const struct sandbox_case *kind, long call, int vector, int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) != SIGSYS && !(is_probe(call) && WTERMSIG(status) == SIGILL);
    long arguments[6];
    fill(arguments, vector);
    if (call == SYS_exit_group && vector != 3 && WEXITSTATUS(status) == (arguments[0] & 255))
        return true;
    int error = WEXITSTATUS(status) - EXIT_ERRNO;
    if (is_probe(call) && error == ENXIO)
        return false;
    return !(kind->is_parent && error == EPERM) && !(call == SYS_mmap && error == ENOMEM);
}

/* Fails without a sandbox: then the calls that follow would do harm. */
static void need_sandbox(const struct sandbox_case *kind)
{
    need_everything();
    int status = try_call(kind, call_native, SYS_getuid, 0);
    check(!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_NO_SANDBOX, "no filter");
    check(!has_passed(kind, SYS_getuid, 0, status), "getuid passed: no sandbox at all (0x%x)",
          (unsigned)status);
}

static void every_call(const void *argument)
{
    const struct sandbox_case *kind = argument;
    need_sandbox(kind);
    /* Calls that exist today (below CALLS), numbers of future calls, and impossible numbers. */
    static const long beyond[] = {600, 1023, 4095, 0x3fffffff, 0x7fffffff, -1};
    enum { CALLS = 512, BEYOND = sizeof beyond / sizeof beyond[0] };
    unsigned long tried = 0, passed = 0, wrong = 0;
    for (int i = 0; i < CALLS + BEYOND; i++) {
        long call = i < CALLS ? i : beyond[i - CALLS];
        int expected = 0, found = 0;
        for (size_t p = 0; p < kind->count; p++)
            if (kind->passes[p].call == call)
                expected = kind->passes[p].vectors;
        for (int vector = 0; vector < VECTORS; vector++) {
            int status = try_call(kind, call_native, call, vector);
            tried++;
            if (has_passed(kind, call, vector, status))
                found |= 1 << vector;
        }
        passed += found != 0;
        if (found != expected) {
            printf("system call %ld: passed with arguments 0x%x, expected 0x%x\n", call,
                   (unsigned)found, (unsigned)expected);
            wrong++;
        }
    }
    printf("%lu calls made, %lu numbers passed\n", tried, passed);
    check(wrong == 0, "%lu system calls are not as they should be", wrong);
    check(passed == kind->count, "%lu passed, the list has %zu", passed, kind->count);
}

/* The system calls of the other ABIs of the same kernel: x32 and i386. */
static void every_foreign_call(const void *argument)
{
#ifdef __x86_64__
    const struct sandbox_case *kind = argument;
    need_sandbox(kind);
    enum { CALLS = 560, X32 = 0x40000000 }; /* x32 has calls of its own from 512 on */
    unsigned long wrong = 0;
    for (long call = 0; call < CALLS; call++) {
        for (int abi = 0; abi < 2; abi++) {
            int status = abi == 0 ? try_call(kind, call_native, call | X32, 1)
                                  : try_call(kind, call_i386, call, 1);
            /* SIGSEGV: the kernel has no i386 calls */
            if (WIFSIGNALED(status) &&
                (WTERMSIG(status) == SIGSYS || (abi == 1 && WTERMSIG(status) == SIGSEGV)))
                continue;
            printf("%s call %ld: 0x%x\n", abi == 0 ? "x32" : "i386", call, (unsigned)status);
            wrong++;
        }
    }
    check(wrong == 0, "%lu system calls are not as they should be", wrong);
#else
    (void)argument;
    test_skip("this processor has one kind of system calls");
#endif
}

/* The child may cut its results, but not before their start, and move their offset there. */
static void offsets(const void *argument)
{
    (void)argument;
#if LONG_MAX > INT32_MAX
    enum { SET = SEEK_SET, CUR = SEEK_CUR, END = SEEK_END };
    static const long start = (1L << 33) + 5;
    static const struct {
        long call, arguments[6];
        bool passes, passes_without_start;
    } cases[] = {
        {SYS_lseek, {1, start, SET}, true, false},
        {SYS_lseek, {1, start + 1, SET}, true, false},
        {SYS_lseek, {1, LONG_MAX, SET}, true, false},
        {SYS_lseek, {1, start - 1, SET}, false, false},
        {SYS_lseek, {1, 5, SET}, false, false}, /* the lower half of the start */
        {SYS_lseek, {1, 6, SET}, false, false},
        {SYS_lseek, {1, 0, SET}, false, false},
        {SYS_lseek, {1, 1L << 33, SET}, false, false},
        {SYS_lseek, {1, 0, CUR}, true, false},
        {SYS_lseek, {1, -1, CUR}, false, false},
        {SYS_lseek, {1, 1L << 32, CUR}, false, false},
        {SYS_lseek, {1, start, CUR}, false, false},
        {SYS_lseek, {1, 0, END}, true, false},
        {SYS_lseek, {1, -1, END}, false, false},
        {SYS_lseek, {1, 1L << 32, END}, false, false},
        {SYS_lseek, {1, start, SEEK_DATA}, false, false},
        {SYS_lseek, {1, start, SEEK_HOLE}, false, false},
        {SYS_lseek, {0, start, SET}, false, false},
        {SYS_lseek, {2, start, SET}, false, false},
        {SYS_ftruncate, {1, start}, true, false},
        {SYS_ftruncate, {1, start + 1}, true, false},
        {SYS_ftruncate, {1, start - 1}, false, false},
        {SYS_ftruncate, {1, 6}, false, false},
        {SYS_ftruncate, {1, 0}, false, false},
        {SYS_ftruncate, {0, start}, false, false},
        {SYS_ftruncate, {2, start}, false, false},
    };
    need_sandbox(&sandbox_of_child);
    unsigned wrong = 0;
    for (int has_start = 0; has_start < 2; has_start++) {
        start_of_results = has_start ? start : -1;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            int status =
                try_arguments(&sandbox_of_child, call_native, cases[i].call, cases[i].arguments, 0);
            bool passes = has_start ? cases[i].passes : cases[i].passes_without_start;
            if ((WIFEXITED(status) && WEXITSTATUS(status) >= EXIT_ERRNO) == passes)
                continue;
            printf("call %ld(%ld, %ld, %ld): 0x%x\n", cases[i].call, cases[i].arguments[0],
                   cases[i].arguments[1], cases[i].arguments[2], (unsigned)status);
            wrong++;
        }
    }
    check(wrong == 0, "%u calls are not as they should be", wrong);
#else
    test_skip("on 32 bits the filter does not check offsets");
#endif
}

/* ---- kernels that lack something ---- */

enum lack {
    LACK_NOTHING = 0,
    LACK_SECCOMP = 1,
    LACK_LANDLOCK = 2,
    LACK_CLOSE_RANGE = 4,
    LACK_WAITV = 8
};
static int lacking;

/* For the process that becomes shmsum: from here on these calls fail with ENOSYS. */
static void take_away(void)
{
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
    uint32_t gone = SCMP_ACT_ERRNO(ENOSYS);
    bool good = context != NULL;
    if ((lacking & LACK_LANDLOCK) != 0)
        good = good && seccomp_rule_add(context, gone, LANDLOCK_CREATE_RULESET, 0) == 0;
    if ((lacking & LACK_CLOSE_RANGE) != 0)
        good = good && seccomp_rule_add(context, gone, CLOSE_RANGE, 0) == 0;
    if ((lacking & LACK_WAITV) != 0)
        good = good && seccomp_rule_add(context, gone, FUTEX_WAITV, 0) == 0;
    if ((lacking & LACK_SECCOMP) != 0)
        good = good && seccomp_rule_add(context, gone, SCMP_SYS(seccomp), 0) == 0 &&
               seccomp_rule_add(context, gone, SCMP_SYS(prctl), 1,
                                SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0;
    if (!good || seccomp_load(context) != 0)
        _exit(HARNESS_SKIP);
}

/* Runs shmsum, or `program` in its place, over two lines. Returns the messages, for the caller to
 * free. */
static char *run_lines(const char *program, const char *sandbox, int lack, int status)
{
    write_file("input.txt", "1 1\n2 1\n");
    const char *arguments[] = {sandbox, "--stats", "-o", "results.txt", "input.txt", NULL};
    lacking = lack;
    struct session session = session_start(&(struct session_config){
        .program = program, .arguments = arguments, .prepare = lack != 0 ? take_away : NULL});
    session_end(&session, status);
    return read_file(session.messages, NULL);
}

static void check_contains(const char *messages, const char *text)
{
    check(strstr(messages, text) != NULL, "\"%s\" is not in the messages:\n%s", text, messages);
}

static void granted(const void *argument)
{
    (void)argument;
    need_everything();
    char *messages = run_lines(NULL, "--sandbox=require", LACK_NOTHING, 0);
    check_file("results.txt", "2\n3\n");
    const char *landlock = strstr(messages, "landlock ");
    check(landlock != NULL && landlock[9] >= '1' && landlock[9] <= '9', "Landlock's version: %s",
          messages);
    check_contains(messages, "\nparent sandbox: no_new_privs, descriptors, landlock ");
    check_contains(messages,
                   "\nchild sandbox: no_new_privs, descriptors, rlimits, capabilities, landlock ");
    check_contains(messages, ", seccomp\nchild");
    free(messages);
}

static void off(const void *argument)
{
    (void)argument;
    char *messages = run_lines(NULL, "--sandbox=off", LACK_NOTHING, 0);
    check_file("results.txt", "2\n3\n");
    check_contains(messages, "\nparent sandbox: off\nchild sandbox: off\n");
    free(messages);
}

struct lacks {
    int lack;
    const char *parent, *child; /* what --sandbox=auto reports as not granted */
    const char *refusal;        /* what --sandbox=require reports; NULL: the run succeeds */
};

static void kernel_lacks(const void *argument)
{
    const struct lacks *lacks = argument;
    need_everything();
    char *messages = run_lines(NULL, "--sandbox=auto", lacks->lack, 0);
    check_file("results.txt", "2\n3\n");
    check_contains(messages, lacks->parent);
    check_contains(messages, lacks->child);
    free(messages);
    write_file("results.txt", "old\n");
    messages = run_lines(NULL, "--sandbox=require", lacks->lack, lacks->refusal != NULL ? 3 : 0);
    if (lacks->refusal != NULL) {
        check_contains(messages, lacks->refusal);
        check_contains(messages, "; nothing was read\n");
    }
    check_file("results.txt", lacks->refusal != NULL ? "old\n" : "2\n3\n");
    free(messages);
}

/* Without futex_waitv(2) the child sleeps with a time limit. When SIGSTOP interrupts such a sleep,
 * the kernel resumes it through restart_syscall(2), which the filter must allow. */
static void stopped_in_old_sleep(const void *argument)
{
    (void)argument;
    need_everything();
    static const char *const arguments[] = {"--sandbox=require", "-o", "results.txt", NULL};
    lacking = LACK_WAITV;
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .prepare = take_away});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    for (int i = 0; i < 20; i++) {
        session_signal(&session, session.child, SIGSTOP);
        sleep_ms(5);
        session_signal(&session, session.child, SIGCONT);
        sleep_ms(5);
    }
    session_feed_lines(&session, 4, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
}

/* ---- attacks from the inside ---- */

enum outcome { KILLED, FAULTED, REFUSED, DONE, OTHER };

/* How the sandbox stops the attack, and whether it does without seccomp too. */
struct attack {
    const char *name;
    enum outcome sandboxed;
    int landlock; /* the first version of Landlock with which it is stopped without seccomp, 1 also
                   * where something else stops it; 0: nothing does */
    enum outcome otherwise; /* and how; KILLED: it is refused */
    const char *results;    /* NULL: results.txt, to which is appended */
};

static void raise_core(void)
{
    struct rlimit core;
    if (getrlimit(RLIMIT_CORE, &core) == 0) {
        core.rlim_cur = core.rlim_max; /* allow core dumps */
        setrlimit(RLIMIT_CORE, &core);
    }
    struct rlimit stack;
    if (getrlimit(RLIMIT_STACK, &stack) == 0) {
        stack.rlim_cur = stack.rlim_max; /* and a large stack */
        setrlimit(RLIMIT_STACK, &stack);
    }
    if (lacking != 0)
        take_away();
}

static enum outcome intrude(const char *name, const char *results, const char *sandbox, int lack,
                            char **messages)
{
    write_file("results.txt", "old\n");
    write_file("input.txt", "1 1\n");
    write_file("spare.txt", "spare\n");
    check(setenv("SHMSUM_TEST_ATTACK", name, 1) == 0, "setenv");
    int secret = open("secret.txt", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(secret >= 0 && dup2(secret, 9) == 9, "secret.txt: %s", strerror(errno));
    close(secret);
    const char *arguments[] = {
        sandbox, "--append", "-o", results == NULL ? "results.txt" : results, "input.txt", NULL};
    lacking = lack;
    struct session session = session_start(&(struct session_config){
        .program = "bin/shmsum", .arguments = arguments, .prepare = raise_core});
    close(9);
    session_end(&session, 3);
    *messages = read_file(session.messages, NULL);
    char refused[32], done[32];
    snprintf(refused, sizeof refused, "status %d;", INTRUDER_REFUSED);
    snprintf(done, sizeof done, "status %d;", INTRUDER_DONE);
    return strstr(*messages, "child: killed by signal 31 (Bad system call)") != NULL      ? KILLED
           : strstr(*messages, "child: killed by signal 11 (Segmentation fault)") != NULL ? FAULTED
           : strstr(*messages, refused) != NULL                                           ? REFUSED
           : strstr(*messages, done) != NULL                                              ? DONE
                                                                                          : OTHER;
}

static void build_trap(void)
{
    need_everything();
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    check(getenv("SHMSUM_INTRUDER") != NULL, "SHMSUM_INTRUDER is not set");
    copy_program(getenv("SHMSUM_INTRUDER"), "bin/shmsum-child");
}

static void attacked(const void *argument)
{
    static const char *const names[] = {"killed", "faulted", "refused", "done", "otherwise"};
    const struct attack *attack = argument;
    build_trap();
    char *messages;
    enum outcome outcome =
        intrude(attack->name, attack->results, "--sandbox=require", LACK_NOTHING, &messages);
    check(outcome == attack->sandboxed, "%s in the sandbox: %s, expected %s\n%s", attack->name,
          names[outcome], names[attack->sandboxed], messages);
    free(messages);
    if (attack->landlock > 0 && landlock_version() >= attack->landlock) {
        enum outcome expected = attack->otherwise == KILLED ? REFUSED : attack->otherwise;
        outcome = intrude(attack->name, attack->results, "--sandbox=auto", LACK_SECCOMP, &messages);
        check(outcome == expected, "%s without seccomp: %s\n%s", attack->name, names[outcome],
              messages);
        free(messages);
    }
    /* Without the sandbox the attack succeeds: so the sandbox is what stops it. */
    outcome = intrude(attack->name, attack->results, "--sandbox=off", LACK_NOTHING, &messages);
    if (outcome == REFUSED)
        test_skip(
            "%s: the sandbox stops the attack, but this system stops it without a sandbox as well",
            attack->name);
    check(outcome == DONE, "%s without a sandbox: %s\n%s", attack->name, names[outcome], messages);
    free(messages);
}

/* Whether the attack left a core in the working directory. Removes the core. */
static bool core_left(void)
{
    return unlink("core") == 0 || unlink("bin/core") == 0;
}

static void dump_core(const void *argument)
{
    (void)argument;
    build_trap();
    char *pattern = read_file("/proc/sys/kernel/core_pattern", NULL);
    char *messages;
    intrude("dump_core", NULL, "--sandbox=require", LACK_NOTHING, &messages);
    check_contains(messages, "child: killed by signal 6 (Aborted); nothing was read");
    check(!core_left(), "a core was dumped");
    free(messages);
    intrude("dump_core", NULL, "--sandbox=auto", LACK_SECCOMP, &messages);
    check_contains(messages, "child: killed by signal 6 (Aborted); nothing was read");
    check(!core_left(), "a core was dumped without seccomp");
    free(messages);
    intrude("dump_core", NULL, "--sandbox=off", LACK_NOTHING, &messages);
    check_contains(messages, "child: killed by signal 6 (Aborted); nothing was read");
    bool left = core_left();
    free(messages);
    if (strcmp(pattern, "core\n") != 0)
        test_skip("cores do not go to the working directory here");
    free(pattern);
    if (!left)
        test_skip("no core is dumped here without the sandbox either");
}

/* In the sandbox the stack protector can still report and abort. */
static void smash_stack(const void *argument)
{
    (void)argument;
#ifdef __GLIBC__
    build_trap();
    char *messages;
    intrude("smash_stack", NULL, "--sandbox=require", LACK_NOTHING, &messages);
    check_contains(messages, "stack smashing detected");
    check_contains(messages, "child: killed by signal 6 (Aborted); nothing was read");
    free(messages);
#else
    test_skip("this test knows only the message of glibc");
#endif
}

#define LACKS(...)        \
    &(const struct lacks) \
    {                     \
        __VA_ARGS__       \
    }
#define LACKING "the kernel does not have this call; --sandbox=auto does without it\n"
#define ATTACK_WITH(name_, sandboxed_, landlock_, ...)                                           \
    {                                                                                            \
#name_, attacked,                                                                        \
            &(const struct attack){                                                              \
                .name = #name_, .sandboxed = sandboxed_, .landlock = landlock_, __VA_ARGS__ }, 0 \
    }
#define ATTACK(name_, sandboxed_, landlock_) \
    ATTACK_WITH(name_, sandboxed_, landlock_, .results = NULL)
static const struct test_case cases[] = {
    {"every_call_of_child", every_call, &sandbox_of_child, 600},
    {"every_call_of_parent", every_call, &sandbox_of_parent, 600},
    {"foreign_calls_of_child", every_foreign_call, &sandbox_of_child, 600},
    {"foreign_calls_of_parent", every_foreign_call, &sandbox_of_parent, 600},
    {"offsets", offsets, NULL, 0},
    {"granted", granted, NULL, 0},
    {"off", off, NULL, 0},
    {"kernel_lacks_seccomp", kernel_lacks,
     LACKS(LACK_SECCOMP, "; not granted: seccomp\nchild", "; not granted: seccomp\n",
           "shmsum: seccomp: sandbox of the child: " LACKING),
     0},
    {"kernel_lacks_landlock", kernel_lacks,
     LACKS(LACK_LANDLOCK, "; not granted: landlock\nchild", "; not granted: landlock\n",
           "shmsum: landlock_create_ruleset: sandbox of the child: " LACKING),
     0},
    {"kernel_lacks_close_range", kernel_lacks,
     LACKS(LACK_CLOSE_RANGE, "; not granted: descriptors\nchild", "; not granted: descriptors\n",
           "shmsum: close_range: sandbox of the child: " LACKING),
     0},
    {"kernel_lacks_everything", kernel_lacks,
     LACKS(
         LACK_SECCOMP | LACK_LANDLOCK | LACK_CLOSE_RANGE | LACK_WAITV,
         "parent sandbox: no_new_privs; not granted: descriptors, landlock, seccomp\n",
         "child sandbox: no_new_privs, rlimits, capabilities; not granted: descriptors, landlock, "
         "seccomp\n",
         "shmsum: landlock_create_ruleset: sandbox of the child: " LACKING),
     0},
    {"kernel_lacks_futex_waitv", kernel_lacks,
     LACKS(LACK_WAITV, ", seccomp\nchild", ", seccomp\n", NULL), 0},
    {"stopped_in_old_sleep", stopped_in_old_sleep, NULL, 0},
    ATTACK(open_path, KILLED, 1),
    ATTACK(open_results, KILLED, 1),
    ATTACK(reopen_results, KILLED, 1),
    ATTACK(create_file, KILLED, 1),
    ATTACK(remove_file, KILLED, 1),
    ATTACK(region_by_name, KILLED, 1),
    ATTACK(region_by_mapping, KILLED, 1),
    ATTACK(truncate_region, KILLED, 3),
    ATTACK(remove_region, KILLED, 1),
    ATTACK(make_socket, KILLED, 1), /* the limit of descriptors stops it too */
    ATTACK(use_descriptor, KILLED, 1),
    ATTACK(new_descriptor, KILLED, 1),
    ATTACK(new_process, KILLED, 0), /* RLIMIT_NPROC does not bind root */
    ATTACK(other_program, KILLED, 1),
    ATTACK(trace_parent, KILLED, 1),
    ATTACK(open_parent, KILLED, 1),
    ATTACK(signal_parent, KILLED, 6),
    ATTACK(more_memory, REFUSED, 1), /* by the limit of memory */
    ATTACK(new_code, REFUSED, 1),
    ATTACK(data_as_code, KILLED, 0),
    ATTACK(raise_limits, KILLED, 0),
    ATTACK(become_dumpable, KILLED, 0),
    ATTACK(kernel_keys, KILLED, 0),
    ATTACK(rewrite_old, KILLED, 0),
    ATTACK(cut_old, KILLED, 0),
    ATTACK_WITH(move_output, KILLED, 0, .results = "-"),
    ATTACK_WITH(cut_output, KILLED, 0, .results = "-"),
    ATTACK_WITH(grow_stack, FAULTED, 1, .otherwise = FAULTED), /* by the limit of memory */
    ATTACK(use_capability, KILLED, 1),
    {"dump_core", dump_core, NULL, 0},
    {"smash_stack", smash_stack, NULL, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
