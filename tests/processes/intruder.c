/*
 * intruder.c - a replacement for shmsum-child that acts as if hostile input had taken it over. It
 * attaches, enters the same sandbox as shmsum-child, and makes the attack that $SHMSUM_TEST_ATTACK
 * names.
 *
 * The real parent starts it. It exits with INTRUDER_REFUSED when the attack fails and with
 * INTRUDER_DONE when it succeeds, unless the sandbox kills it. It attacks before it publishes
 * "attached", while the region still has its name.
 */
#define _GNU_SOURCE
#include "intruder.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "roles/job.h"

static struct job job;
static struct shmsum_region region;
static _Alignas(65536) char page[65536];

/* Each attack returns a value >= 0 if it succeeded. A successful attack does no harm. */

static long open_path(void)
{
    return open("/", O_RDONLY | O_DIRECTORY);
}

static long open_results(void)
{
    return open("results.txt", O_RDWR);
}

static long reopen_results(void)
{
    return open("/proc/self/fd/1", O_WRONLY);
}

static long create_file(void)
{
    return open("stolen.txt", O_WRONLY | O_CREAT, 0600);
}

static long remove_file(void)
{
    return unlink("spare.txt");
}

static long region_by_name(void)
{
    return shm_open(job.region, O_RDWR, 0);
}

static long region_by_mapping(void)
{
    char path[96];
    unsigned long begin = (unsigned long)region.header;
    unsigned long whole = (unsigned long)sysconf(_SC_PAGESIZE) - 1;
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", begin,
             (begin + region.bytes + whole) & ~whole);
    return open(path, O_RDWR);
}

static long truncate_region(void) /* to its present size: that the call works is proof enough */
{
    char path[96];
    snprintf(path, sizeof path, "/dev/shm%s", job.region);
    return truncate(path, (off_t)region.bytes);
}

static long remove_region(void)
{
    return shm_unlink(job.region);
}

static long make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long use_descriptor(void) /* descriptor 9: the test leaves it open */
{
    return write(9, "x", 1);
}

static long new_descriptor(void)
{
    return dup(2);
}

static long new_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid;
}

static long other_program(void) /* exits with our status for success */
{
    char status[8];
    snprintf(status, sizeof status, "exit %d", INTRUDER_DONE);
    return execl("/bin/sh", "sh", "-c", status, (char *)NULL);
}

static long trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
}

static long open_parent(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", (int)getppid());
    return open(path, O_RDWR);
}

static long signal_parent(void)
{
    return kill(getppid(), 0);
}

static long more_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                   MAP_FAILED
               ? -1
               : 0;
}

static long new_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -1
               : 0;
}

static long data_as_code(void)
{
    return mprotect(page, sizeof page, PROT_READ | PROT_EXEC);
}

static long raise_limits(void)
{
    struct rlimit limit = {64, 64};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static long become_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
}

static long kernel_keys(void) /* a call that neither program needs */
{
    return syscall(SYS_add_key, "user", "shmsum-test", "x", 1UL, -3L);
}

static long rewrite_old(void) /* the results of an earlier run */
{
    return lseek(1, 0, SEEK_SET);
}

static long cut_old(void)
{
    return ftruncate(1, 2);
}

static long move_output(void) /* standard output, where others write too */
{
    return lseek(1, 0, SEEK_CUR);
}

static long cut_output(void)
{
    return ftruncate(1, 0);
}

/* Uses `bytes` more of the stack, a page at a time. */
static long use_stack(size_t bytes) /* NOLINT(misc-no-recursion) */
{
    volatile char frame[4096];
    frame[0] = (char)bytes;
    return bytes <= sizeof frame ? frame[0] - (char)bytes
                                 : use_stack(bytes - sizeof frame) + frame[0] - (char)bytes;
}

static long grow_stack(void)
{
    return use_stack(64U << 20);
}

static long use_capability(void) /* one of root's */
{
    return chroot("/");
}

static long dump_core(void)
{
    abort();
}

static long
smash_stack(void) /* what the stack protector calls when it finds the stack overwritten */
{
#ifdef __GLIBC__
    extern _Noreturn void __stack_chk_fail(void);
    __stack_chk_fail();
#else
    return -1;
#endif
}

static const struct {
    const char *name;
    long (*attack)(void);
} attacks[] = {
    {"open_path", open_path},
    {"open_results", open_results},
    {"reopen_results", reopen_results},
    {"create_file", create_file},
    {"remove_file", remove_file},
    {"region_by_name", region_by_name},
    {"region_by_mapping", region_by_mapping},
    {"truncate_region", truncate_region},
    {"remove_region", remove_region},
    {"make_socket", make_socket},
    {"use_descriptor", use_descriptor},
    {"new_descriptor", new_descriptor},
    {"new_process", new_process},
    {"other_program", other_program},
    {"trace_parent", trace_parent},
    {"open_parent", open_parent},
    {"signal_parent", signal_parent},
    {"more_memory", more_memory},
    {"new_code", new_code},
    {"data_as_code", data_as_code},
    {"raise_limits", raise_limits},
    {"become_dumpable", become_dumpable},
    {"kernel_keys", kernel_keys},
    {"rewrite_old", rewrite_old},
    {"cut_old", cut_old},
    {"move_output", move_output},
    {"cut_output", cut_output},
    {"grow_stack", grow_stack},
    {"use_capability", use_capability},
    {"dump_core", dump_core},
    {"smash_stack", smash_stack},
};

int main(int argc, char *argv[])
{
    static struct sandbox sandbox;
    const struct shmsum_os *os = shmsum_os_default();
    const char *wanted = getenv("SHMSUM_TEST_ATTACK");
    long (*attack)(void) = NULL;
    for (size_t i = 0; wanted != NULL && i < sizeof attacks / sizeof attacks[0]; i++)
        if (strcmp(attacks[i].name, wanted) == 0)
            attack = attacks[i].attack;
    if (attack == NULL || job_parse(&job, argc, argv, getenv(JOB_ENVIRONMENT)) < 0 ||
        shmsum_region_attach(&region, os, job.region, job.nonce, NULL) < 0)
        return INTRUDER_LOST;
    const struct sandbox_setting setting = {.mode = job.sandbox};
    /* As shmsum-child does: it may cut only a file of the run's own. */
    bool cuts = job.owner == SHMSUM_RESULTS_OWN;
    sandbox_prepare_child(&sandbox, os, &setting, false, cuts ? lseek(1, 0, SEEK_CUR) : -1);
    if (sandbox_enter(&sandbox, NULL) < 0)
        return INTRUDER_LOST;
    _exit(attack() >= 0 ? INTRUDER_DONE : INTRUDER_REFUSED);
}
