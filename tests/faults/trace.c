/* trace.c - stops the two programs at every system call. See trace.h. */
#define _GNU_SOURCE
#include "trace.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A copy of struct ptrace_syscall_info: old headers of the C library lack it, and <linux/ptrace.h>
 * conflicts with <sys/ptrace.h>. */
#define GET_SYSCALL_INFO 0x420e
struct syscall_info {
    uint8_t op;
    uint8_t pad[3];
    uint32_t arch;
    uint64_t instruction_pointer;
    uint64_t stack_pointer;
    union {
        struct {
            uint64_t nr;
            uint64_t args[6];
        } entry;
        struct {
            int64_t rval;
            uint8_t is_error;
        } exit;
        uint64_t room[10];
    };
};
enum { OP_ENTRY = 1, OP_EXIT = 2 };

#include "harness.h"

enum {
    OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK |
              PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL
};

/* The new process waits until this pipe is closed. */
static int gate[2];

/* ---- the processor ---- */

#if defined(__x86_64__)
typedef struct user_regs_struct registers;
enum { BREAKPOINT_BYTES = 1, BEHIND_BREAKPOINT = 1 };
#define BREAKPOINT UINT32_C(0xcc)
#define INSTRUCTION(r) ((r).rip)
#define RESULT(r) ((r).rax)
#define THIRD(r) ((r).rdx)
#define SECOND(r) ((r).rsi)
#define HAS_TRACE 1
#elif defined(__aarch64__)
typedef struct user_regs_struct registers;
enum { BREAKPOINT_BYTES = 4, BEHIND_BREAKPOINT = 0 };
#define BREAKPOINT UINT32_C(0xd4200000)
#define INSTRUCTION(r) ((r).pc)
#define RESULT(r) ((r).regs[0])
#define THIRD(r) ((r).regs[2])
#define SECOND(r) ((r).regs[1])
#define HAS_TRACE 1
#else
#define HAS_TRACE 0
#endif

const char *trace_refusal(void)
{
    if (HARNESS_SANITIZED)
        return "a sanitizer makes calls of its own, and LeakSanitizer cannot work under ptrace";
    if (!HAS_TRACE)
        return "ptrace: this test does not know the registers of this processor";
    return NULL;
}

#if HAS_TRACE

static registers get_registers(pid_t pid)
{
    registers all;
    struct iovec iovec = {&all, sizeof all};
    check(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iovec) == 0 || errno == ESRCH,
          "ptrace: GETREGSET: %s", strerror(errno));
    return all;
}

/* Another signal may kill a stopped process at any moment (ESRCH). The registers are of no use
 * then. */
static void set_registers(pid_t pid, registers *all)
{
    struct iovec iovec = {all, sizeof *all};
    check(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iovec) == 0 || errno == ESRCH,
          "ptrace: SETREGSET: %s", strerror(errno));
}

static void set_number(pid_t pid, long number)
{
#if defined(__x86_64__)
    registers all = get_registers(pid);
    all.orig_rax = (unsigned long)number;
    set_registers(pid, &all);
#else
    int value = (int)number;
    struct iovec iovec = {&value, sizeof value};
    check(ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iovec) == 0 || errno == ESRCH,
          "ptrace: SETREGSET: %s", strerror(errno));
#endif
}

/* ---- the memory of a process ---- */

/* ptrace takes numbers as pointers. */
static void *as_pointer(uint64_t number)
{
    return (void *)(uintptr_t)number; /* NOLINT(performance-no-int-to-ptr) */
}

static long peek(pid_t pid, uint64_t at)
{
    errno = 0;
    return ptrace(PTRACE_PEEKDATA, pid, as_pointer(at), NULL);
}

static void read_text(pid_t pid, uint64_t at, char *text, size_t size)
{
    size_t used = 0;
    while (used < size) {
        long word = peek(pid, at + used);
        if (errno != 0)
            break;
        for (size_t i = 0; i < sizeof word && used < size; i++) {
            memcpy(&text[used], (char *)&word + i, 1);
            if (text[used++] == '\0')
                return;
        }
    }
    text[used < size ? used : size - 1] = '\0';
}

/* ---- the object of a call ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static const char *of_path(const struct trace *trace, const struct traced *process,
                           const char *path, int fd)
{
    static char name[TRACE_OBJECT_BYTES];
    char ours[32];
    snprintf(ours, sizeof ours, "/dev/shm/shmsum-%d-", (int)trace->processes[0].pid);
    const char *base = strrchr(path, '/');
    base = base == NULL ? path : base + 1;
    if (fd == 2)
        return "messages";
    if (fd == 1 && process->role == TRACE_PARENT)
        return "stdout";
    if (begins(path, ours))
        return "region";
    if (begins(path, "/dev/shm/"))
        return "name left behind";
    if (begins(path, "/dev/shm"))
        return "names";
    if (begins(path, "/memfd:shmsum-scratch"))
        return "filter";
    if (begins(path, "/proc/self/fd/"))
        return "results again";
    if (begins(path, "pipe:") || begins(path, "/dev/pts/"))
        return fd == 0 ? "stdin" : fd == 1 ? "stdout" : "pipe";
    if (begins(base, "results.txt"))
        return "results";
    if (begins(base, "in") && strstr(base, ".txt") != NULL)
        return "input";
    if (strcmp(path, ".") == 0 || begins(base, "shmsum-test-"))
        return "folder";
    snprintf(name, sizeof name, "%s", base);
    return name;
}

/* Whether the descriptor is read-only. */
static bool is_reader(const struct traced *process, int fd)
{
    char path[64], line[64];
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)process->pid, fd);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    unsigned flags = O_WRONLY;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "flags: %o", &flags) == 1)
            break;
    fclose(file);
    return (flags & O_ACCMODE) == O_RDONLY;
}

static bool is_blind; /* the kernel does not show what a descriptor is */

static const char *of_fd(const struct trace *trace, const struct traced *process, uint64_t number)
{
    int fd = (int)number;
    char link[64], path[256];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)process->pid, fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) {
        is_blind |= errno == EACCES; /* a process that is not dumpable: that takes a capability */
        return "closed";
    }
    path[size] = '\0';
    const char *object = of_path(trace, process, path, fd);
    return strcmp(object, "results") == 0 && is_reader(process, fd) ? "results again" : object;
}

static const char *of_text(const struct trace *trace, const struct traced *process, uint64_t at)
{
    char path[256];
    read_text(process->pid, at, path, sizeof path);
    return of_path(trace, process, path, -1);
}

static const char *numbered(const char *what, uint64_t number)
{
    static char name[TRACE_OBJECT_BYTES];
    snprintf(name, sizeof name, "%.12s %d", what, (int)number);
    return name;
}

/* Whether sigprocmask(2) blocks signals ("hold") or unblocks them ("let in"). */
static const char *of_mask(const struct traced *process, uint64_t at)
{
    long word = at == 0 ? 0 : peek(process->pid, at);
    bool holds = ((uint64_t)word >> (SIGCHLD - 1) & 1) != 0;
    return process->arguments[0] == SIG_SETMASK && holds ? "hold" : "let in";
}

static const char *object_of(const struct trace *trace, const struct traced *process, long number)
{
    const uint64_t *arguments = process->arguments;
    int fd;
    switch (number) {
#ifdef SYS_fstat
    case SYS_fstat:
#endif
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
    case SYS_close:
    case SYS_lseek:
    case SYS_ftruncate:
    case SYS_fchmod:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_flock:
    case SYS_fcntl:
    case SYS_ioctl:
    case SYS_fallocate:
    case SYS_fstatfs:
    case SYS_getdents64:
    case SYS_dup:
    case SYS_dup3:
        return of_fd(trace, process, arguments[0]);
#ifdef SYS_dup2
    case SYS_dup2:
        return of_fd(trace, process, arguments[0]);
    case SYS_open:
    case SYS_unlink:
    case SYS_readlink:
    case SYS_stat:
    case SYS_access:
        return of_text(trace, process, arguments[0]);
#endif
    case SYS_execve:
        return of_text(trace, process, arguments[0]);
    case SYS_newfstatat:
    case SYS_statx:
        if ((int)arguments[0] != AT_FDCWD)
            return of_fd(trace, process, arguments[0]);
        return of_text(trace, process, arguments[1]);
    case SYS_openat:
    case SYS_unlinkat:
    case SYS_readlinkat:
    case SYS_faccessat:
        return of_text(trace, process, arguments[1]);
    case SYS_mmap:
        return (int)arguments[4] < 0 ? "memory" : of_fd(trace, process, arguments[4]);
    case SYS_munmap:
        return arguments[0] == process->region_at ? "region" : "memory";
    case SYS_getrandom:
        return arguments[1] == 16 ? "region" : "malloc";
    case SYS_rt_sigaction:
        return numbered(arguments[1] == 0 ? "query" : "signal", arguments[0]);
    case SYS_rt_sigprocmask:
        return of_mask(process, arguments[1]);
    case SYS_prctl:
        return numbered("option", arguments[0]);
    case SYS_brk:
        return arguments[0] == 0 ? "query" : "";
    case SYS_ppoll:
        fd = (int)(peek(process->pid, arguments[0]) & 0xffffffff);
        return fd < 0 ? "nothing" : of_fd(trace, process, (uint64_t)fd);
    case SYS_futex:
        if (((int)arguments[1] & FUTEX_CMD_MASK) != FUTEX_WAKE)
            return "wait";
        return arguments[0] - process->region_at < process->region_bytes ? "wake" : "wake myself";
    default:
        return "";
    }
}

/* ---- stops ---- */

static struct trace_site *meet(struct trace *trace, enum trace_role role, long number,
                               const char *object)
{
    struct trace_site *site = trace->sites;
    for (; site < trace->sites + trace->site_count; site++)
        if (site->role == role && site->number == number && strcmp(site->object, object) == 0)
            break;
    if (site == trace->sites + trace->site_count) {
        check(trace->site_count < TRACE_SITES_MAX, "more places than there is room for");
        *site = (struct trace_site){.role = role, .number = number};
        snprintf(site->object, sizeof site->object, "%s", object);
        trace->site_count++;
    }
    site->count++;
    if (trace->count == 1)
        site->alone = site->count;
    return site;
}

void trace_fail(struct traced *process, int error)
{
    process->replaced = true;
    process->instead = -error;
    if (process->site->number == SYS_brk)
        process->instead = (int64_t)process->break_at;
    if (process->site->number != SYS_close)
        set_number(process->pid, SYS_getppid);
}

void trace_hold(struct traced *process)
{
    process->held = true;
}

uint64_t trace_bytes(const struct traced *process)
{
    switch (process->site->number) {
    case SYS_read:
    case SYS_write:
    case SYS_pread64:
    case SYS_pwrite64:
        return process->arguments[2];
    case SYS_getrandom:
        return process->arguments[1];
    default:
        return 0;
    }
}

void trace_cut(struct traced *process, uint64_t count)
{
    registers all = get_registers(process->pid);
    if (process->site->number == SYS_getrandom)
        SECOND(all) = count;
    else
        THIRD(all) = count;
    set_registers(process->pid, &all);
}

void trace_only(struct trace *trace, long number, long or_number)
{
    trace->numbers[0] = number;
    trace->numbers[1] = or_number;
}

void trace_let_run(struct trace *trace)
{
    trace->is_over = true;
}

/* mmap and brk tell where the region and the heap are. */
static bool is_looked_at(const struct trace *trace, long number)
{
    return trace->numbers[0] < 0 || number == trace->numbers[0] || number == trace->numbers[1] ||
           number == SYS_mmap || number == SYS_brk;
}

static void enter(struct trace *trace, struct traced *process, const struct syscall_info *info)
{
    long number = (long)info->entry.nr;
    if (!is_looked_at(trace, number))
        return;
    memcpy(process->arguments, info->entry.args, sizeof process->arguments);
    process->site = meet(trace, process->role, number, object_of(trace, process, number));
    process->replaced = false;
    trace->at_call(trace, process, true);
}

static void leave(struct trace *trace, struct traced *process, const struct syscall_info *info)
{
    if (process->site == NULL)
        return;
    process->result = info->exit.rval;
    long number = process->site->number;
    if (process->replaced) {
        registers all = get_registers(process->pid);
        RESULT(all) = (unsigned long)process->instead;
        set_registers(process->pid, &all);
        process->result = process->instead;
    } else if (number == SYS_brk) {
        process->break_at = (uint64_t)info->exit.rval;
    } else if (number == SYS_mmap && !info->exit.is_error && (int)process->arguments[4] >= 0) {
        process->region_at = (uint64_t)info->exit.rval;
        process->region_bytes = process->arguments[1];
    }
    trace->at_call(trace, process, false);
    process->site = NULL;
}

static void at_syscall_stop(struct trace *trace, struct traced *process)
{
    struct syscall_info info;
    if (ptrace((enum __ptrace_request)GET_SYSCALL_INFO, process->pid, as_pointer(sizeof info),
               &info) < 0) {
        if (errno == EIO)
            test_skip("ptrace: no PTRACE_GET_SYSCALL_INFO: Linux 5.3 or later is needed");
        return; /* killed meanwhile */
    }
    if (info.op == OP_ENTRY)
        enter(trace, process, &info);
    else if (info.op == OP_EXIT)
        leave(trace, process, &info);
}

/* The program's entry point, from the auxiliary vector that the kernel gives to a program. */
static uint64_t entry_point(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Elf64_auxv_t entries[64];
    ssize_t size = fd < 0 ? -1 : read(fd, entries, sizeof entries);
    if (fd >= 0)
        close(fd);
    for (size_t i = 0; size > 0 && i < (size_t)size / sizeof entries[0]; i++)
        if (entries[i].a_type == AT_ENTRY)
            return entries[i].a_un.a_val;
    return 0;
}

/* After an exec the loader runs first. A breakpoint at the entry point stops the process when the
 * program itself begins. */
static void at_exec(struct traced *process)
{
    if (process->role == TRACE_FORKED)
        process->role = TRACE_CHILD;
    process->site = NULL;
    process->started = false;
    process->region_at = process->region_bytes = 0;
    process->first_at = entry_point(process->pid);
    if (process->first_at == 0)
        return; /* killed meanwhile */
    process->first_word = peek(process->pid, process->first_at);
    long word = process->first_word;
    static const uint32_t breakpoint = BREAKPOINT;
    memcpy(&word, &breakpoint, BREAKPOINT_BYTES);
    ptrace(PTRACE_POKETEXT, process->pid, as_pointer(process->first_at),
           as_pointer((uint64_t)word));
}

/* Whether the process has stopped at the breakpoint. If so, removes the breakpoint. */
static bool at_breakpoint(struct traced *process)
{
    registers all = get_registers(process->pid);
    if (process->started || INSTRUCTION(all) != process->first_at + BEHIND_BREAKPOINT)
        return false;
    ptrace(PTRACE_POKETEXT, process->pid, as_pointer(process->first_at),
           as_pointer((uint64_t)process->first_word));
    INSTRUCTION(all) = process->first_at;
    set_registers(process->pid, &all);
    process->started = true;
    return true;
}

static struct traced *find(struct trace *trace, pid_t pid)
{
    for (int i = 0; i < trace->count; i++)
        if (trace->processes[i].pid == pid && trace->processes[i].alive)
            return &trace->processes[i];
    return NULL;
}

/* The record of a forked process. Either its own first stop or the fork event of its parent may
 * come first. */
static struct traced *find_or_add(struct trace *trace, pid_t pid)
{
    struct traced *known = find(trace, pid);
    if (known != NULL)
        return known;
    check(trace->count < TRACE_PROCESSES_MAX, "more processes than there is room for");
    struct traced *process = &trace->processes[trace->count++];
    *process = (struct traced){.pid = pid, .alive = true, .role = TRACE_FORKED, .started = true};
    return process;
}

/* A call that is looked at still gets its result at its exit. */
static void resume(const struct trace *trace, const struct traced *process, int signal)
{
    bool stops = process->started && (!trace->is_over || process->site != NULL);
    ptrace(stops ? PTRACE_SYSCALL : PTRACE_CONT, process->pid, NULL, as_pointer((uint64_t)signal));
}

static void at_stop(struct trace *trace, struct traced *process, int status)
{
    int signal = WSTOPSIG(status);
    int event = status >> 16;
    if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
        /* A stop signal has stopped the process. Leave it stopped, then continue it. */
        ptrace(PTRACE_LISTEN, process->pid, NULL, NULL);
        kill(process->pid, SIGCONT);
        return;
    }
    if (event == PTRACE_EVENT_EXEC)
        at_exec(process);
    unsigned long forked;
    if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
         event == PTRACE_EVENT_CLONE) &&
        ptrace(PTRACE_GETEVENTMSG, process->pid, NULL, &forked) == 0)
        find_or_add(trace, (pid_t)forked);
    if (event != 0) {
        resume(trace, process, 0);
    } else if (signal == (SIGTRAP | 0x80)) {
        at_syscall_stop(trace, process);
        if (!process->held)
            resume(trace, process, 0);
    } else if (signal == SIGTRAP && at_breakpoint(process)) {
        resume(trace, process, 0);
    } else {
        resume(trace, process, signal);
    }
}

/* Waits for the next event of any traced process. Returns its pid, or 0 at the deadline. */
static pid_t await_event(int *status, double deadline_ms)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    for (;;) {
        pid_t pid = waitpid(-1, status, WNOHANG | __WALL);
        if (pid != 0)
            return pid;
        double left = deadline_ms - now_ms();
        if (left <= 0)
            return 0;
        struct timespec time = {(time_t)(left / 1e3), 1000000L};
        sigtimedwait(&child, NULL, &time);
    }
}

static bool any_alive(const struct trace *trace)
{
    for (int i = 0; i < trace->count; i++)
        if (trace->processes[i].alive)
            return true;
    return false;
}

void trace_open(void)
{
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    check(pipe2(gate, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
}

void trace_wait_for_hold(void)
{
    char byte;
    close(gate[1]);
    while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
        continue;
}

void trace_run(struct trace *trace, pid_t root, double deadline_ms)
{
    memset(trace->processes, 0, sizeof trace->processes);
    trace->count = 1;
    trace->site_count = 0;
    trace->hangs = trace->is_over = false;
    trace->processes[0] = (struct traced){.pid = root, .alive = true, .role = TRACE_PARENT};
    if (ptrace(PTRACE_SEIZE, root, NULL, as_pointer(OPTIONS)) < 0)
        test_skip("ptrace: %s", strerror(errno));
    close(gate[0]);
    close(gate[1]); /* the process continues */

    while (any_alive(trace)) {
        int status;
        pid_t pid = await_event(&status, deadline_ms);
        if (pid < 0)
            break; /* no child of ours is left: a traced process reaped the last one */
        if (pid == 0) {
            trace->hangs = true;
            for (int i = 0; i < trace->count; i++)
                if (trace->processes[i].alive)
                    kill(trace->processes[i].pid, SIGKILL);
            deadline_ms = now_ms() + DEADLINE_MS;
            continue;
        }
        struct traced *process = find(trace, pid);
        if (WIFSTOPPED(status)) {
            at_stop(trace, process == NULL ? find_or_add(trace, pid) : process, status);
        } else if (process != NULL) {
            process->alive = false;
            process->status = status;
            process->end_ms = now_ms();
        }
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) /* orphans of the run became our children */
        continue;
    if (is_blind)
        test_skip("not permitted to see descriptors of the child (it takes CAP_SYS_PTRACE)");
}

#else

void trace_open(void)
{
}

void trace_wait_for_hold(void)
{
}

void trace_run(struct trace *trace, pid_t root, double deadline_ms)
{
    (void)trace, (void)root, (void)deadline_ms;
}

void trace_fail(struct traced *process, int error)
{
    (void)process, (void)error;
}

void trace_cut(struct traced *process, uint64_t count)
{
    (void)process, (void)count;
}

void trace_only(struct trace *trace, long number, long or_number)
{
    (void)trace, (void)number, (void)or_number;
}

void trace_let_run(struct trace *trace)
{
    (void)trace;
}

void trace_hold(struct traced *process)
{
    (void)process;
}

uint64_t trace_bytes(const struct traced *process)
{
    (void)process;
    return 0;
}

#endif
