/*
 * fault_strangers.c - attacks by another user of the machine (the stranger) on a run of a user (the
 * victim). ctest runs each case (fault.strangers.*).
 *
 * Asserted is that
 *   - a stranger cannot open, change, remove or signal the region and the processes, neither while
 *     the region has a name nor later (region_under_attack);
 *   - names that a stranger has planted in /dev/shm stop no start, and a start neither removes nor
 *     follows them, even when the stranger has guessed the name (names_planted, name_guessed);
 *   - names and nonces are random, and without getrandom(2) there is no start (names_random,
 *     no_random);
 *   - the child refuses a forged region (child_refuses);
 *   - things that a stranger has planted or swapped in the folder of the results or for an input
 *     are refused and not changed (results_planted, results_swapped, input_swapped).
 *
 * The cases with two users need root, and are skipped otherwise. This program also replaces
 * shmsum-child: it stops itself before it executes the real child, so that the region keeps its
 * name until the case continues the child (main, at the end).
 */
#define _GNU_SOURCE
#include "point.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmsum/region.h>

#include "roles/job.h"
#include "channel/shared_word.h"

#define STALL "FAULT_CHILD_STALLS"         /* for the replacement: "stop", or "go" on at once */
#define REAL_CHILD "bin/real/shmsum-child" /* the session finds the child by its name */

enum { VICTIM = 61001, STRANGER = 61002 }; /* ids of users that own nothing here */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- users ---- */

static bool become(uid_t user)
{
    return setgroups(0, NULL) == 0 && setresgid(user, user, user) == 0 &&
           setresuid(user, user, user) == 0;
}

/* Runs the action in a process of that user. Returns what the action returned. */
static int run_as(uid_t user, int (*action)(void *argument), void *argument)
{
    pid_t pid = harness_fork_helper();
    if (pid == 0) {
        umask(0);
        _exit(user != geteuid() && !become(user) ? HARNESS_SKIP : action(argument));
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        check(errno == EINTR, "waitpid: %s", strerror(errno));
    harness_forget(pid);
    check(WIFEXITED(status), "a helper died of signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == HARNESS_SKIP)
        test_skip("cannot become user %u", (unsigned)user);
    return WEXITSTATUS(status);
}

static void become_victim(void)
{
    if (!become(VICTIM))
        _exit(HARNESS_SKIP);
}

static int run_programs(void *argument)
{
    (void)argument;
    return access("bin/shmsum", X_OK) == 0 && access(REAL_CHILD, X_OK) == 0 ? 0 : 1;
}

/* Copies the programs to where every user may run them, and makes a private /dev/shm. */
static void set_the_stage(void)
{
    if (geteuid() != 0)
        test_skip("needs root, to become other users");
    umask(022); /* the other users must be able to read our files */
    check(chmod(".", 0777) == 0 && mkdir("bin", 0755) == 0 && mkdir("bin/real", 0755) == 0,
          "cannot set up: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    copy_program("/proc/self/exe", "bin/shmsum-child");
    copy_program(getenv("SHMSUM_CHILD"), REAL_CHILD);
    if (private_mounts())
        mount_small("/dev/shm", "size=16m,mode=1777", false);
    if (run_as(VICTIM, run_programs, NULL) != 0)
        test_skip("other users cannot reach the folder of the tests");
}

/* Starts a run as the victim. With `stalls` the child stops before it attaches. */
static struct session start_victim(const char *const *arguments, bool stalls)
{
    setenv(STALL, stalls ? "stop" : "go", 1);
    struct session session = session_start(&(struct session_config){
        .program = "bin/shmsum", .arguments = arguments, .prepare = become_victim});
    return session;
}

/* Makes a file that belongs to the victim. */
static void victim_file(const char *path, const char *text, mode_t mode)
{
    write_file(path, text);
    check(chown(path, VICTIM, VICTIM) == 0 && chmod(path, mode) == 0, "%s: %s", path,
          strerror(errno));
}

/* ---- attacks on the region and on the processes ---- */

struct target {
    pid_t parent, child;
    char path[HARNESS_NAME_MAX]; /* the object in /dev/shm */
};

static int opened(int fd)
{
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

static int proc_open(pid_t pid, const char *name, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return opened(open(path, flags | O_CLOEXEC));
}

static int try_read(const struct target *target)
{
    return opened(open(target->path, O_RDONLY | O_CLOEXEC));
}
static int try_write(const struct target *target)
{
    return opened(open(target->path, O_RDWR | O_CLOEXEC));
}
static int try_create(const struct target *target)
{
    return opened(open(target->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
}
static int try_truncate(const struct target *target)
{
    return outcome(truncate(target->path, 0));
}
static int try_chmod(const struct target *target)
{
    return outcome(chmod(target->path, 0666));
}
static int try_chown(const struct target *target)
{
    return outcome(chown(target->path, STRANGER, STRANGER));
}
static int try_unlink(const struct target *target)
{
    return outcome(unlink(target->path));
}
static int try_rename(const struct target *target)
{
    return outcome(rename(target->path, "/dev/shm/shmsum-taken"));
}
static int try_signal_0(const struct target *target)
{
    return outcome(kill(target->parent, 0));
}
static int try_kill(const struct target *target)
{
    return outcome(kill(target->parent, SIGKILL));
}
static int try_kill_child(const struct target *target)
{
    return outcome(kill(target->child, SIGKILL));
}
static int try_wake_child(const struct target *target)
{
    return outcome(kill(target->child, SIGUSR1));
}
static int try_environ(const struct target *target)
{
    return proc_open(target->child, "environ", O_RDONLY);
}
static int try_maps(const struct target *target)
{
    return proc_open(target->parent, "maps", O_RDONLY);
}
static int try_map_files(const struct target *target)
{
    return proc_open(target->parent, "map_files", O_RDONLY);
}
static int try_fds(const struct target *target)
{
    return proc_open(target->parent, "fd", O_RDONLY);
}
static int try_memory(const struct target *target)
{
    return proc_open(target->child, "mem", O_RDWR);
}
static int try_ptrace(const struct target *target)
{
    return outcome(ptrace(PTRACE_SEIZE, target->child, NULL, NULL));
}
static int try_limit(const struct target *target)
{
    struct rlimit old;
    return outcome(prlimit(target->parent, RLIMIT_CORE, NULL, &old));
}

static int try_peek(const struct target *target)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    /* Any address will do: the kernel checks the permission before the address. */
    if (process_vm_readv(target->child, &here, 1, &there, 1, 0) < 0 && errno != EFAULT)
        return errno;
    return 0;
}

struct probe {
    const char *name;
    int (*attempt)(const struct target *target);
    bool of_path; /* uses the object's name */
    bool control; /* harmless, so the owner tries it as well and must succeed: this shows that the
                   * stranger fails because of its user id */
};

static const struct probe probes[] = {
    {"open to read", try_read, true, true},
    {"open to write", try_write, true, true},
    {"open to create", try_create, true, false},
    {"truncate", try_truncate, true, false},
    {"chmod", try_chmod, true, false},
    {"chown", try_chown, true, false},
    {"unlink", try_unlink, true, false},
    {"rename", try_rename, true, false},
    {"signal 0", try_signal_0, false, true},
    {"SIGKILL to the parent", try_kill, false, false},
    {"SIGKILL to the child", try_kill_child, false, false},
    {"SIGUSR1 to the child", try_wake_child, false, false},
    {"environment", try_environ, false, true},
    {"maps", try_maps, false, true},
    {"mapped files", try_map_files, false, true},
    {"descriptors", try_fds, false, true},
    {"memory", try_memory, false, false},
    {"ptrace", try_ptrace, false, false},
    {"limits", try_limit, false, true},
    {"process_vm_readv", try_peek, false, false},
};

struct attempt {
    const struct probe *probe;
    const struct target *target;
};

static int make_attempt(void *argument)
{
    const struct attempt *attempt = argument;
    return attempt->probe->attempt(attempt->target);
}

static void probe_all(struct tally_row *row, const struct target *target, bool named)
{
    for (size_t i = 0; i < COUNT(probes); i++) {
        const struct probe *probe = &probes[i];
        if (!named && probe->attempt == try_create)
            continue; /* without the name this creates a file of the stranger's own */
        struct attempt attempt = {probe, target};
        /* Later the processes are not dumpable, which stops the owner as well. */
        if (probe->control && named) {
            int error = run_as(VICTIM, make_attempt, &attempt);
            check(error == 0, "%s: the owner fails too: %s", probe->name, strerror(error));
        }
        int error = run_as(STRANGER, make_attempt, &attempt);
        row->points++;
        row->fired++;
        bool refused = error == EACCES || error == EPERM;
        if (probe->of_path && !named)
            refused = error == ENOENT;
        row->survived += refused;
        if (!refused)
            printf("BAD %s, %s: %s\n", probe->name, named ? "with a name" : "attached",
                   error == 0 ? "the stranger succeeds" : strerror(error));
    }
}

static void await_stopped(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        char *text = read_file(path, NULL);
        const char *state = strrchr(text, ')');
        bool stopped = state != NULL && strncmp(state, ") T", 3) == 0;
        free(text);
        if (stopped)
            return;
        check(now_ms() < deadline, "the child does not stall");
        sleep_ms(1);
    }
}

static void region_under_attack(const void *argument)
{
    (void)argument;
    set_the_stage();
    struct tally_row row = {.kind = "stranger", .role = "both", .what = "region, processes"};
    static const char *const arguments[] = {"-o", "results.txt", NULL};
    struct session session = start_victim(arguments, true);
    session_await_child(&session);
    await_stopped(session.child);
    struct target target = {.parent = session.parent, .child = session.child};
    check(find_name(session.parent, target.path), "the region has no name");
    struct stat status;
    check(stat(target.path, &status) == 0 && (status.st_mode & 07777) == 0600 &&
              status.st_uid == VICTIM,
          "%s: mode %o, owner %u", target.path, status.st_mode, (unsigned)status.st_uid);
    off_t size = status.st_size;
    probe_all(&row, &target, true);
    check(stat(target.path, &status) == 0 && (status.st_mode & 07777) == 0600 &&
              status.st_size == size,
          "%s was changed", target.path);

    check(kill(session.child, SIGCONT) == 0, "kill: %s", strerror(errno));
    session_feed_lines(&session, 1, 1);
    session_await_results(&session, 1);
    check(access(target.path, F_OK) < 0, "%s still has its name", target.path);
    probe_all(&row, &target, false);
    session_feed_lines(&session, 2, 40);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 40, "not all lines");
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

/* ---- names in /dev/shm ---- */

enum planted {
    PLANT_FILE,
    PLANT_OPEN_FILE, /* every user may write to this one */
    PLANT_LOCKED_FILE,
    PLANT_FOLDER,
    PLANT_SYMLINK, /* to a file of the victim */
    PLANT_DANGLING,
    PLANT_FIFO,
    PLANT_SOCKET,
    PLANTED,
};

struct plant {
    enum planted what;
    const char *path;
    const char *target; /* where a symbolic link points to */
};

static int bind_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int error = outcome(bind(fd, (const struct sockaddr *)&address, sizeof address));
    close(fd);
    return error;
}

/* Makes the planted thing. Returns 0 or an errno. */
static int plant(void *argument)
{
    const struct plant *plant = argument;
    switch (plant->what) {
    case PLANT_FILE:
    case PLANT_LOCKED_FILE:
        return opened(open(plant->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    case PLANT_OPEN_FILE:
        return opened(open(plant->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    case PLANT_FOLDER:
        return outcome(mkdir(plant->path, 0777));
    case PLANT_SYMLINK:
        return outcome(symlink(plant->target, plant->path));
    case PLANT_DANGLING:
        return outcome(symlink("/dev/shm/shmsum-nowhere", plant->path));
    case PLANT_FIFO:
        return outcome(mkfifo(plant->path, 0666));
    case PLANT_SOCKET:
        return bind_socket(plant->path);
    case PLANTED:
        break;
    }
    return EINVAL;
}

static bool same_file(const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_mode == other->st_mode &&
           one->st_uid == other->st_uid && one->st_size == other->st_size &&
           one->st_nlink == other->st_nlink;
}

/* Planted names with the format of ours do not stop a start; the start neither removes nor follows
 * them. */
static void names_planted(const void *argument)
{
    (void)argument;
    set_the_stage();
    struct tally_row row = {.kind = "stranger", .role = "parent", .what = "names in /dev/shm"};
    victim_file("secret.txt", "secret\n", 0600);
    char secret[4200];
    check(getcwd(secret, 4096) != NULL, "getcwd: %s", strerror(errno));
    strcat(secret, "/secret.txt");
    char paths[PLANTED][128];
    struct stat before[PLANTED], after;
    int lock = -1;
    for (int i = 0; i < PLANTED; i++) {
        snprintf(paths[i], sizeof paths[i], "/dev/shm/shmsum-%d-%032x", (int)getpid(), i);
        struct plant thing = {(enum planted)i, paths[i], secret};
        int error = run_as(STRANGER, plant, &thing);
        check(error == 0, "%s: %s", paths[i], strerror(error));
        if (i == PLANT_LOCKED_FILE) {
            lock = open(paths[i], O_RDWR | O_CLOEXEC);
            check(lock >= 0 && flock(lock, LOCK_EX) == 0, "flock: %s", strerror(errno));
        }
        check(lstat(paths[i], &before[i]) == 0, "lstat: %s", strerror(errno));
    }
    static const char *const arguments[] = {"-o", "results.txt", NULL};
    for (int as_root = 0; as_root < 2; as_root++) {
        unlink("results.txt");
        setenv(STALL, "go", 1);
        struct session session =
            session_start(&(struct session_config){.program = "bin/shmsum",
                                                   .arguments = arguments,
                                                   .prepare = as_root ? NULL : become_victim});
        session_feed_lines(&session, 1, 10);
        session_close_input(&session);
        session_end(&session, 0);
        check(check_results("results.txt") == 10, "not all lines");
        for (int i = 0; i < PLANTED; i++) {
            row.points++;
            row.fired++;
            bool same = lstat(paths[i], &after) == 0 && same_file(&before[i], &after);
            row.survived += same;
            if (!same)
                printf("BAD planted thing %d: removed or changed\n", i);
        }
        check_file("secret.txt", "secret\n");
    }
    close(lock);
    for (int i = 0; i < PLANTED; i++)
        remove(paths[i]);
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

/* A system whose random bytes for names are known to the stranger for the first `guesses` calls,
 * and really random afterwards. */
struct guessed {
    const struct shmsum_os *real;
    int calls, guesses;
};

static int guessed_random(const struct shmsum_os *os, void *bytes, size_t size)
{
    struct guessed *guessed = os->context;
    guessed->calls++;
    if (guessed->calls < 2 ||
        guessed->calls > 1 + guessed->guesses) /* the first call is for the nonce */
        return guessed->real->getrandom(guessed->real, bytes, size);
    memset(bytes, 0xab, size);
    return 0;
}

/* Whatever exists under a guessed name, it is never used as the region. */
static void name_guessed(const void *argument)
{
    (void)argument;
    struct tally_row row = {.kind = "stranger", .role = "parent", .what = "guessed name"};
    /* asked first: private_mounts may make us root of a user namespace */
    bool users = geteuid() == 0;
    if (private_mounts())
        mount_small("/dev/shm", "size=16m,mode=1777", false);
    uid_t stranger = users ? STRANGER : geteuid();
    char path[128];
    snprintf(path, sizeof path, "/dev/shm/shmsum-%d-abababababababababababababababab",
             (int)getpid());
    write_file("secret.txt", "secret\n");
    char secret[4200];
    check(getcwd(secret, 4096) != NULL, "getcwd: %s", strerror(errno));
    strcat(secret, "/secret.txt");
    for (int what = 0; what < PLANTED; what++) {
        struct plant thing = {(enum planted)what, path, secret};
        int error = run_as(stranger, plant, &thing);
        if (error == EPERM || error == EACCES)
            test_skip("a user cannot make names here: %s", strerror(error));
        check(error == 0, "%s: %s", path, strerror(error));
        struct stat before, after;
        check(lstat(path, &before) == 0, "lstat: %s", strerror(errno));
        /* After 3 names that exist another name succeeds; a start gives up after a hundred. */
        for (int guesses = 3; guesses <= 1000; guesses += 997) {
            struct guessed guessed = {shmsum_os_default(), 0, guesses};
            struct shmsum_os os = *guessed.real;
            os.context = &guessed;
            os.getrandom = guessed_random;
            static const struct shmsum_geometry geometry = {2, 4096};
            struct shmsum_region region;
            struct shmsum_failure why = {0};
            int result = shmsum_region_create(&region, &os, &geometry, &why);
            row.points++;
            row.fired++;
            bool right = guesses == 3 ? result == 0 && guessed.calls == 5 &&
                                            strcmp(region.name, path + 8) != 0
                                      : result == -EEXIST && strcmp(why.call, "shm_open") == 0;
            shmsum_region_clean_up(&region);
            right = right && lstat(path, &after) == 0 && same_file(&before, &after);
            row.survived += right;
            if (!right)
                printf("BAD planted thing %d, %d guesses: %d\n", what, guesses, result);
        }
        check_file("secret.txt", "secret\n");
        check(remove(path) == 0, "remove: %s: %s", path, strerror(errno));
    }
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

/* Each name ends with 128 random bits as hexadecimal digits, each nonce has 128 random bits, and
 * none occurs twice. */
static void names_random(const void *argument)
{
    (void)argument;
    enum { REGIONS = 500, DIGITS = 32 };
    static char seen[REGIONS][SHMSUM_REGION_NAME_MAX];
    static uint64_t nonces[REGIONS][2];
    unsigned digits[DIGITS] = {0};
    char prefix[32];
    int prefix_size = snprintf(prefix, sizeof prefix, "/shmsum-%d-", (int)getpid());
    static const struct shmsum_geometry geometry = {1, 1};
    for (int i = 0; i < REGIONS; i++) {
        struct shmsum_region region;
        check(shmsum_region_create(&region, shmsum_os_default(), &geometry, NULL) == 0,
              "no region");
        memcpy(seen[i], region.name, sizeof seen[i]);
        memcpy(nonces[i], region.nonce, sizeof nonces[i]);
        shmsum_region_clean_up(&region);
        const char *random = seen[i] + prefix_size;
        check(strncmp(seen[i], prefix, (size_t)prefix_size) == 0 && strlen(random) == DIGITS &&
                  strspn(random, "0123456789abcdef") == DIGITS,
              "the name %s", seen[i]);
        for (int digit = 0; digit < DIGITS; digit++)
            digits[digit] |=
                1U << (random[digit] <= '9' ? random[digit] - '0' : random[digit] - 'a' + 10);
        char nonce[DIGITS + 1];
        snprintf(nonce, sizeof nonce, "%016llx%016llx", (unsigned long long)nonces[i][0],
                 (unsigned long long)nonces[i][1]);
        check(strcmp(nonce, random) != 0, "the nonce equals the random part of the name");
        for (int other = 0; other < i; other++)
            check(strcmp(seen[i], seen[other]) != 0 &&
                      memcmp(nonces[i], nonces[other], sizeof nonces[i]) != 0,
                  "a name or a nonce occurs twice");
    }
    /* The probability that some value of some digit is missing among 500 names is below 10^-11. */
    for (int digit = 0; digit < DIGITS; digit++)
        check(digits[digit] == 0xffff, "digit %d does not take all values: 0x%x", digit,
              digits[digit]);
    struct tally_row row = {
        "stranger", "parent", "names are random", REGIONS, REGIONS, REGIONS, 0, 0, 0, 0, 0};
    check(tally_print(&row), "not as promised");
}

/* Makes getrandom(2) fail: the program must not use a weaker source instead. */
static void refuse_random(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {COUNT(code), code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        _exit(HARNESS_SKIP);
}

static void no_random(const void *argument)
{
    (void)argument;
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){.prepare = refuse_random});
    session_end(&session, 3);
    check_file(session.messages,
               "shmsum: getrandom: nonce of the region: Operation not permitted\n");
    check_file("results.txt", "old\n");
    struct tally_row row = {.kind = "stranger",
                            .role = "parent",
                            .what = "no getrandom",
                            .points = 1,
                            .fired = 1,
                            .survived = 1};
    check(tally_print(&row), "not as promised");
}

/* ---- forged regions for the child ---- */

enum forged {
    FORGE_NOTHING,
    FORGE_MAGIC,
    FORGE_VERSION,
    FORGE_NONCE_0,
    FORGE_NONCE_1,
    FORGE_SLOTS,
    FORGE_PAYLOAD,
    FORGE_BYTES,
    FORGE_SIZE,  /* ftruncate: less than the header says, so that access would raise SIGBUS */
    FORGE_SHIFT, /* the same, relative to the right size */
    FORGE_MODE,
    FORGE_OWNER,
    FORGE_OWNER_MODE, /* belongs to another user, and every user may open it */
    FORGE_ABSENT,
    FORGE_FOLDER,
    FORGE_FIFO,
    FORGE_SYMLINK, /* to the right object, which now has another name */
    FORGE_SOCKET,
};

struct forgery {
    enum forged what;
    uint64_t value;
    const char *message; /* without "shmsum: "; "%s" is the object's name */
};

#define BROKEN(what) "protocol: region: " what ": the other process broke the rules"

static const struct forgery forgeries[] = {
    {FORGE_MAGIC, 0, BROKEN("wrong magic")},
    {FORGE_MAGIC, SHMSUM_REGION_MAGIC + 1, BROKEN("wrong magic")},
    {FORGE_VERSION, 0, BROKEN("wrong version")},
    {FORGE_VERSION, SHMSUM_REGION_VERSION + 1, BROKEN("wrong version")},
    {FORGE_NONCE_0, 1, BROKEN("wrong nonce")},
    {FORGE_NONCE_1, UINT64_C(1) << 63, BROKEN("wrong nonce")},
    {FORGE_SLOTS, 0, BROKEN("geometry out of range")},
    {FORGE_SLOTS, UINT32_MAX, BROKEN("geometry out of range")},
    {FORGE_SLOTS, 1, BROKEN("size does not fit its geometry")},
    {FORGE_SLOTS, 1024, BROKEN("size does not fit its geometry")},
    {FORGE_PAYLOAD, 0, BROKEN("geometry out of range")},
    {FORGE_PAYLOAD, UINT32_MAX, BROKEN("geometry out of range")},
    {FORGE_PAYLOAD, 8192, BROKEN("size does not fit its geometry")},
    {FORGE_BYTES, 0, BROKEN("size does not fit its geometry")},
    {FORGE_BYTES, UINT64_MAX, BROKEN("size does not fit its geometry")},
    {FORGE_SIZE, 0, BROKEN("too small for its header")},
    {FORGE_SIZE, 511, BROKEN("too small for its header")},
    {FORGE_SIZE, 512, BROKEN("size does not fit its geometry")},
    {FORGE_SIZE, 4096, BROKEN("size does not fit its geometry")},
    {FORGE_SHIFT, (uint64_t)-4096, BROKEN("size does not fit its geometry")},
    {FORGE_SHIFT, (uint64_t)-1, BROKEN("size does not fit its geometry")},
    {FORGE_SHIFT, 1, BROKEN("size does not fit its geometry")},
    {FORGE_SHIFT, 4096, BROKEN("size does not fit its geometry")},
    {FORGE_SIZE, UINT64_C(1) << 31, BROKEN("too large")},
    {FORGE_MODE, 0644, BROKEN("mode is not 0600")},
    {FORGE_MODE, 0666, BROKEN("mode is not 0600")},
    {FORGE_MODE, 04600, BROKEN("mode is not 0600")},
    {FORGE_ABSENT, 0,
     "shm_open: %s: No such file or directory; if there is no /dev/shm, as root: "
     "mount -t tmpfs -o mode=1777 tmpfs /dev/shm"},
    {FORGE_FOLDER, 0, "shm_open: %s: Invalid argument"}, /* glibc turns EISDIR into EINVAL */
    {FORGE_FIFO, 0, BROKEN("not a regular object")},
    {FORGE_SYMLINK, 0, "shm_open: %s: Too many levels of symbolic links"},
    {FORGE_SOCKET, 0, "shm_open: %s: No such device or address"},
    /* These need root: */
    {FORGE_OWNER, STRANGER, BROKEN("belongs to another user")}, /* root can open it nevertheless */
    {FORGE_OWNER_MODE, STRANGER, BROKEN("belongs to another user")},
};

static void forge(const struct shmsum_region *region, const struct forgery *forgery)
{
    struct shmsum_region_header *header = region->header;
    char path[128], aside[160];
    snprintf(path, sizeof path, "/dev/shm%s", region->name);
    snprintf(aside, sizeof aside, "%s.aside", path);
    uint64_t value = forgery->value;
    int result = 0;
    switch (forgery->what) {
    case FORGE_NOTHING:
        break;
    case FORGE_MAGIC:
        shared_store_wide(&header->magic, value);
        break;
    case FORGE_VERSION:
        shared_store_relaxed(&header->version, (uint32_t)value);
        break;
    case FORGE_NONCE_0:
        shared_store_wide(&header->nonce[0], region->nonce[0] ^ value);
        break;
    case FORGE_NONCE_1:
        shared_store_wide(&header->nonce[1], region->nonce[1] ^ value);
        break;
    case FORGE_SLOTS:
        shared_store_relaxed(&header->slot_count, (uint32_t)value);
        break;
    case FORGE_PAYLOAD:
        shared_store_relaxed(&header->payload_bytes, (uint32_t)value);
        break;
    case FORGE_BYTES:
        shared_store_wide(&header->region_bytes, value);
        break;
    case FORGE_SIZE:
        result = ftruncate(region->fd, (off_t)value);
        break;
    case FORGE_SHIFT:
        result = ftruncate(region->fd, (off_t)(region->bytes + value));
        break;
    case FORGE_MODE:
        result = fchmod(region->fd, (mode_t)value);
        break;
    case FORGE_OWNER_MODE:
        result = fchmod(region->fd, 0666);
        /* fall through */
    case FORGE_OWNER:
        result = result < 0 ? result : fchown(region->fd, (uid_t)value, (gid_t)-1);
        break;
    case FORGE_ABSENT:
    case FORGE_FOLDER:
    case FORGE_FIFO:
    case FORGE_SYMLINK:
    case FORGE_SOCKET:
        result = rename(path, aside);
        if (forgery->what == FORGE_FOLDER)
            result = mkdir(path, 0600);
        else if (forgery->what == FORGE_FIFO)
            result = mkfifo(path, 0600);
        else if (forgery->what == FORGE_SYMLINK)
            result = symlink(aside, path);
        else if (forgery->what == FORGE_SOCKET)
            result = plant(&(struct plant){PLANT_SOCKET, path, NULL}) == 0 ? 0 : -1;
        break;
    }
    check(result == 0, "cannot forge: %s", strerror(errno));
}

static char forged_entry[JOB_REGION_MAX];

static void hand_over_forged(void)
{
    if (putenv(forged_entry) != 0)
        _exit(99);
}

/* Starts shmsum-child on this region. */
static struct session start_child_on(const struct shmsum_region *region, void (*prepare)(void))
{
    char settings[JOB_SETTINGS_MAX];
    static const struct job job = {.config = {.point = '.', .max_errors = 20}};
    job_format_settings(settings, &job);
    const char *const arguments[] = {settings, "results.txt", "stdin", NULL};
    job_format_region(forged_entry, region);
    return session_start(&(struct session_config){
        .program = getenv("SHMSUM_CHILD"), .arguments = arguments, .prepare = prepare});
}

static void child_refuses(const void *argument)
{
    (void)argument;
    struct tally_row row = {.kind = "stranger", .role = "child", .what = "forged region"};
    bool users = geteuid() == 0; /* before private_mounts */
    if (private_mounts())
        mount_small("/dev/shm", "size=16m,mode=1777", false);
    static const struct shmsum_geometry geometry = {2, 4096};
    for (size_t i = 0; i < COUNT(forgeries); i++) {
        const struct forgery *forgery = &forgeries[i];
        if (!users && (forgery->what == FORGE_OWNER || forgery->what == FORGE_OWNER_MODE))
            continue;
        struct shmsum_region region;
        check(shmsum_region_create(&region, shmsum_os_default(), &geometry, NULL) == 0,
              "no region");
        forge(&region, forgery);
        struct session session = start_child_on(&region, hand_over_forged);
        int status = session_await_parent(&session);
        session_clean_up(&session);
        char reason[256], expected[300];
        snprintf(reason, sizeof reason, strchr(forgery->message, '%') ? "shm_open: %s%s" : "%s%s",
                 strchr(forgery->message, '%') ? region.name : forgery->message,
                 strchr(forgery->message, '%') ? strchr(forgery->message, '%') + 2 : "");
        snprintf(expected, sizeof expected, "shmsum: %s\n", reason);
        char *messages = read_file(session.messages, NULL);
        char *wrote = read_file("output.txt", NULL);
        row.points++;
        row.fired++;
        bool right = WIFEXITED(status) && WEXITSTATUS(status) == 3 &&
                     strcmp(messages, expected) == 0 && strcmp(wrote, SESSION_BEFORE) == 0;
        row.survived += right;
        if (!right)
            printf("BAD forgery %zu: 0x%x, \"%s\" and not \"%s\"\n", i, (unsigned)status, messages,
                   expected);
        free(wrote);
        free(messages);
        char path[128], aside[160];
        snprintf(path, sizeof path, "/dev/shm%s", region.name);
        snprintf(aside, sizeof aside, "%s.aside", path);
        shmsum_region_clean_up(&region);
        remove(path);
        remove(aside);
    }
    /* The control: to a region without a forgery the child attaches, and END ends it. */
    struct shmsum_region region;
    check(shmsum_region_create(&region, shmsum_os_default(), &geometry, NULL) == 0, "no region");
    struct shmsum_word stop = {0};
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, &region, SHMSUM_PRODUCER, &stop, 0);
    struct session session = start_child_on(&region, hand_over_forged);
    check(shmsum_channel_await_attached(&channel, NULL) == 0 &&
              shmsum_channel_end(&channel, SHMSUM_END_COMPLETE, NULL) == 0,
          "the child does not attach to a right region");
    int status = session_await_parent(&session);
    session_clean_up(&session);
    check(status == 0, "the child fails with a right region: 0x%x", (unsigned)status);
    shmsum_region_clean_up(&region);
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

/* ---- results in a folder that every user can write to ---- */

static unsigned long kernel_protects(const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/sys/fs/protected_%s", what);
    if (access(path, R_OK) < 0)
        return 0;
    char *text = read_file(path, NULL);
    unsigned long value = strtoul(text, NULL, 10);
    free(text);
    return value;
}

static int plant_link(void *argument)
{
    (void)argument;
    return outcome(link("secret.txt", "shared/results.txt"));
}

/* A run of the victim refuses the results with this message. Neither the victim's file nor the
 * planted thing changes. */
static void expect_refusal(struct tally_row *row, const char *what, const char *results,
                           const char *message)
{
    struct stat before, after;
    bool there = lstat(results, &before) == 0;
    const char *arguments[] = {"-o", results, "input.txt", NULL};
    struct session session = start_victim(arguments, false);
    session_end(&session, 3);
    row->points++;
    row->fired++;
    char expected[256];
    snprintf(expected, sizeof expected, "shmsum: %s\n", message);
    char *messages = read_file(session.messages, NULL);
    bool right = strcmp(messages, expected) == 0;
    if (!right)
        printf("BAD %s: \"%s\" and not \"%s\"\n", what, messages, expected);
    free(messages);
    bool is_there = lstat(results, &after) == 0;
    if (there != is_there || (there && !same_file(&before, &after))) {
        printf("BAD %s: what was planted has changed\n", what);
        right = false;
    }
    check_file("secret.txt", "secret\n");
    row->survived += right;
}

static void results_planted(const void *argument)
{
    (void)argument;
    set_the_stage();
    struct tally_row row = {.kind = "stranger", .role = "parent", .what = "results file"};
    check(mkdir("shared", 0777) == 0 && chmod("shared", 01777) == 0 && mkdir("common", 0777) == 0 &&
              chmod("common", 0777) == 0 && mkdir("protected", 0755) == 0 &&
              mkdir("closed", 0700) == 0,
          "mkdir: %s", strerror(errno));
    victim_file("secret.txt", "secret\n", 0600);
    write_lines("input.txt", 1, 10);
    static const char path[] = "shared/results.txt";
    /* In a sticky folder the kernel itself refuses O_CREAT on things of another user. */
    static const char denied[] = "Permission denied";
    static const struct {
        enum planted what;
        const char *name, *sticky, *plain;
    } things[] = {
        {PLANT_FILE, "another's file", denied, denied},
        {PLANT_FOLDER, "a folder", "Is a directory", "Is a directory"},
        {PLANT_SYMLINK, "a link to the victim's file", denied,
         "is a symbolic link; name the file itself"},
        {PLANT_DANGLING, "a link to nowhere", denied, "is a symbolic link; name the file itself"},
        {PLANT_SOCKET, "a socket", denied, "No such device or address"},
    };
    char message[160];
    for (size_t i = 0; i < 2 * COUNT(things); i++) {
        bool sticky = i % 2 == 0;
        const char *results = sticky ? path : "common/results.txt";
        struct plant thing = {things[i / 2].what, results, "../secret.txt"};
        int error = run_as(STRANGER, plant, &thing);
        check(error == 0, "%s: %s", things[i / 2].name, strerror(error));
        snprintf(message, sizeof message, "open: %s: %s", results,
                 sticky ? things[i / 2].sticky : things[i / 2].plain);
        expect_refusal(&row, things[i / 2].name, results, message);
        remove(results);
    }
    check(access("/dev/shm/shmsum-nowhere", F_OK) < 0, "a link was followed");

    /* A hard link to the victim's file. Where the kernel does not let the stranger make it
     * (fs.protected_hardlinks), root makes it. */
    int error = run_as(STRANGER, plant_link, NULL);
    check(error == (kernel_protects("hardlinks") ? EPERM : 0), "link: %s", strerror(error));
    check(error == 0 || plant_link(NULL) == 0, "link: %s", strerror(errno));
    snprintf(message, sizeof message, "open: %s: has another name (a hard link); name a new file",
             path);
    expect_refusal(&row, "a hard link to the victim's file", path, message);
    remove(path);

    expect_refusal(&row, "a folder of another", "protected/results.txt",
                   "open: protected/results.txt: Permission denied");
    expect_refusal(&row, "a closed folder", "closed/results.txt",
                   "open: closed/results.txt: Permission denied");
    if (mknod("shared/device", S_IFCHR | 0600, makedev(1, 3)) == 0)
        expect_refusal(&row, "a device of another", "shared/device",
                       "open: shared/device: Permission denied");

    /* Things that every user may write to: only the kernel can refuse them, if its protection is
     * on. */
    struct plant thing = {PLANT_OPEN_FILE, path, NULL};
    check(run_as(STRANGER, plant, &thing) == 0, "cannot plant a file");
    snprintf(message, sizeof message, "open: %s: Permission denied", path);
    if (kernel_protects("regular") > 0)
        expect_refusal(&row, "another's file that all may write to", path, message);
    else
        printf("fs.protected_regular is off: a stranger's writable file is not refused\n");
    remove(path);
    thing.what = PLANT_FIFO;
    check(run_as(STRANGER, plant, &thing) == 0, "cannot plant a FIFO");
    if (kernel_protects("fifos") > 0) {
        expect_refusal(&row, "another's FIFO", path, message);
    } else {
        /* The run does not begin before another process reads the FIFO, and SIGINT ends the wait.
         */
        const char *arguments[] = {"-o", path, "input.txt", NULL};
        struct session session = start_victim(arguments, false);
        sleep_ms(100);
        session_signal(&session, session.parent, SIGINT);
        session_end(&session, BY_SIGNAL(SIGINT));
        row.points++;
        row.fired++;
        row.survived++;
    }
    remove(path);
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

static int swap_results(void *argument)
{
    (void)argument;
    int error = outcome(rename("common/results.txt", "common/taken.txt"));
    return error != 0 ? error : outcome(symlink("../secret.txt", "common/results.txt"));
}

/* In a folder without the sticky bit a stranger replaces the results file by a link. The current
 * run continues to write to the file that it opened, and says in the end that the results are not
 * where they were to be; the next run refuses the link. */
static void results_swapped(const void *argument)
{
    (void)argument;
    set_the_stage();
    struct tally_row row = {.kind = "stranger", .role = "parent", .what = "results swapped"};
    check(mkdir("common", 0777) == 0 && chmod("common", 0777) == 0, "mkdir: %s", strerror(errno));
    victim_file("secret.txt", "secret\n", 0600);
    write_lines("input.txt", 1, 10);
    static const char *const arguments[] = {"-o", "common/results.txt", NULL};
    struct session session = start_victim(arguments, false);
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    double deadline = now_ms() + DEADLINE_MS;
    struct stat status = {0};
    while ((stat("common/results.txt", &status) < 0 || status.st_size < 6) && now_ms() < deadline)
        sleep_ms(1);
    int error = run_as(STRANGER, swap_results, NULL);
    check(error == 0, "cannot swap: %s", strerror(error));
    session_feed_lines(&session, 4, 10);
    session_close_input(&session);
    session_end(&session, 3);
    check_file(session.messages,
               "shmsum: results: common/results.txt: was replaced by another file "
               "during the run; run again\n");
    check(check_results("common/taken.txt") == 10, "not all lines");
    check_file("secret.txt", "secret\n");
    row.points = row.fired = row.survived = 1;
    expect_refusal(&row, "the next run", "common/results.txt",
                   "open: common/results.txt: is a symbolic link; name the file itself");
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

/* ---- an input that is replaced before it is opened ---- */

enum swapped { SWAP_GONE, SWAP_FOLDER, SWAP_RESULTS, SWAP_RESULTS_LINK, SWAP_CLOSED, SWAP_FIFO };

static void swap_input(enum swapped what)
{
    int result = unlink("second.txt");
    if (what == SWAP_FOLDER)
        result = mkdir("second.txt", 0755);
    else if (what == SWAP_RESULTS)
        result = link("results.txt", "second.txt");
    else if (what == SWAP_RESULTS_LINK)
        result = symlink("results.txt", "second.txt");
    else if (what == SWAP_CLOSED)
        result = opened(open("second.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0)) == 0 ? 0 : -1;
    else if (what == SWAP_FIFO)
        result = mkfifo("second.txt", 0666);
    check(result == 0, "cannot swap: %s", strerror(errno));
}

/* The program checks its inputs at the start. A later input is something else when the program
 * opens it. */
static void input_swapped(const void *argument)
{
    (void)argument;
    set_the_stage();
    struct tally_row row = {.kind = "stranger", .role = "parent", .what = "input swapped"};
    static const char *const messages[] = {
        [SWAP_GONE] = "shmsum: open: second.txt: No such file or directory\n",
        [SWAP_FOLDER] = "shmsum: read: second.txt: Is a directory\n",
        [SWAP_RESULTS] =
            "shmsum: open: second.txt: input file is the results file; name another one with -o\n",
        [SWAP_RESULTS_LINK] =
            "shmsum: open: second.txt: input file is the results file; name another one with -o\n",
        [SWAP_CLOSED] = "shmsum: open: second.txt: Permission denied\n",
        [SWAP_FIFO] = NULL, /* the run waits for a writer; SIGINT ends the wait */
    };
    static const char *const arguments[] = {"-o", "results.txt", "-", "second.txt", NULL};
    for (size_t i = 0; i < COUNT(messages); i++) {
        write_lines("second.txt", 4, 6);
        unlink("results.txt");
        struct session session = start_victim(arguments, false);
        session_await_child(&session);
        session_feed_lines(&session, 1, 3);
        session_await_results(&session, 3);
        swap_input((enum swapped)i);
        session_close_input(&session);
        if (messages[i] == NULL) {
            sleep_ms(100);
            session_signal(&session, session.parent, SIGINT);
            session_end(&session, BY_SIGNAL(SIGINT));
        } else {
            session_end(&session, 3);
            session_check_message(&session, messages[i]);
            session_check_message(&session, "shmsum: stopped early");
        }
        session_check_held(&session, 3);
        check(check_results("results.txt") == 3, "not the results of the first input");
        row.points++;
        row.fired++;
        row.survived++;
        remove("second.txt");
    }
    check(tally_print(&row), "some attacks did not end as promised: see above");
}

static const struct test_case cases[] = {
    {"region_under_attack", region_under_attack, NULL, 0},
    {"names_planted", names_planted, NULL, 0},
    {"name_guessed", name_guessed, NULL, 0},
    {"names_random", names_random, NULL, 0},
    {"no_random", no_random, NULL, 0},
    {"child_refuses", child_refuses, NULL, 0},
    {"results_planted", results_planted, NULL, 0},
    {"results_swapped", results_swapped, NULL, 0},
    {"input_swapped", input_swapped, NULL, 0},
};

int main(int argc, char *argv[])
{
    const char *stall = getenv(STALL);
    if (stall != NULL && strcmp(argv[0], "shmsum-child") == 0) {
        if (strcmp(stall, "stop") == 0)
            raise(SIGSTOP);
        unsetenv(STALL);
        execv(REAL_CHILD, argv);
        return 127;
    }
    return harness_main(argc, argv, cases, COUNT(cases));
}
