/*
 * docker-filter.c - runs a command under the call filter that Docker puts around a container.
 *
 * docker-filter [--cap-add=CAPABILITY]... COMMAND [ARGUMENT]...
 *
 * For .ci/in-container. Docker's profile is a list of allowed calls. Here stands its complement,
 * the calls that it refuses with EPERM, and the capability of the container that lifts a refusal.
 * clone3 is refused with ENOSYS, so that the C library calls clone, whose flags a filter can see.
 * Source: profiles/seccomp/default.json of Moby, from which Docker is made.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct refused {
    const char *capability; /* NULL: none lifts it */
    const char *calls;      /* separated by spaces */
} refused[] = {
    {NULL, "_sysctl add_key create_module get_kernel_syms io_uring_enter io_uring_register "
           "io_uring_setup kexec_file_load kexec_load keyctl migrate_pages move_pages nfsservctl "
           "pivot_root query_module request_key swapoff swapon sysfs uselib userfaultfd ustat vm86 "
           "vm86old"},
    {"SYS_ADMIN",
     "bpf fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr "
     "move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns "
     "syslog umount umount2 unshare"},
    {"SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    {"SYS_NICE", "get_mempolicy mbind set_mempolicy"},
    {"SYS_BOOT", "reboot"},
    {"SYS_MODULE", "delete_module finit_module init_module"},
    {"SYS_PACCT", "acct"},
    {"SYS_RAWIO", "ioperm iopl"},
    {"SYS_TIME", "clock_adjtime clock_settime settimeofday stime"},
    {"SYS_TTY_CONFIG", "vhangup"},
    {"DAC_READ_SEARCH", "open_by_handle_at"},
};

/* The flags of clone(2) that make a namespace, one bit each. */
static const scmp_datum_t new_namespace[] = {0x00020000, 0x02000000, 0x04000000, 0x08000000,
                                             0x10000000, 0x20000000, 0x40000000};
/* ADDR_NO_RANDOMIZE of personality(2). A query, 0xffffffff, has the upper bit too. */
enum { NO_RANDOMIZE = 0x00040000 };
#define PERSONALITY_BITS (UINT32_C(0x80000000) | NO_RANDOMIZE)

static bool has(const char *capability, int count, char *const options[])
{
    for (int i = 0; i < count; i++)
        if (strcmp(options[i] + strlen("--cap-add="), capability) == 0)
            return true;
    return false;
}

/* The functions return 0 or a negative errno. */

/* Refuses each call of the list that this processor has. */
static int refuse_all(scmp_filter_ctx filter, const char *calls)
{
    char names[512];
    snprintf(names, sizeof names, "%s", calls);
    int result = 0;
    for (char *name = strtok(names, " "); name != NULL && result == 0; name = strtok(NULL, " ")) {
        int number = seccomp_syscall_resolve_name(name);
        if (number >= 0)
            result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
    }
    return result;
}

static int refuse_namespaces(scmp_filter_ctx filter)
{
    int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    for (size_t i = 0; i < sizeof new_namespace / sizeof new_namespace[0] && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespace[i], new_namespace[i]));
    return result;
}

static int load(int count, char *const options[])
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return -ENOMEM;
    /* A container may gain rights by exec, so the filter must not take that from it. */
    int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0] && result == 0; i++)
        if (refused[i].capability == NULL || !has(refused[i].capability, count, options))
            result = refuse_all(filter, refused[i].calls);
    if (result == 0 && !has("SYS_ADMIN", count, options))
        result = refuse_namespaces(filter);
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, PERSONALITY_BITS, NO_RANDOMIZE));
    if (result == 0)
        result = seccomp_load(filter);
    seccomp_release(filter);
    return result;
}

int main(int argc, char *argv[])
{
    int first = 1;
    while (first < argc && strncmp(argv[first], "--cap-add=", strlen("--cap-add=")) == 0)
        first++;
    if (first == argc) {
        fprintf(stderr, "usage: docker-filter [--cap-add=CAPABILITY]... COMMAND [ARGUMENT]...\n");
        return 2;
    }
    int result = load(first - 1, argv + 1);
    if (result < 0) {
        fprintf(stderr, "docker-filter: seccomp: %s\n", strerror(-result));
        return 125;
    }
    execvp(argv[first], argv + first);
    fprintf(stderr, "docker-filter: exec: %s: %s\n", argv[first], strerror(errno));
    return 127;
}
