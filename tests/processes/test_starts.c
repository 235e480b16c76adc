/*
 * test_starts.c - what the programs inherit, and how they start or refuse to start: without a child
 * program, without descriptors, with signals ignored or blocked, with results or input that cannot
 * be used, beside many other instances, and after an instance that was killed.
 */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmsum/region.h>

static const char *const from_file[] = {"-o", "results.txt", "input.txt", NULL};

/* ---- the child program ---- */

static void close_others(void)
{
    close_range(3, ~0U, 0);
}

/* Starts a copy of shmsum in a folder of its own, with this text as the child program. */
static struct session start_with_child(const char *text, mode_t mode)
{
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    if (text != NULL) {
        write_file("bin/shmsum-child", text);
        check(chmod("bin/shmsum-child", mode) == 0, "chmod: %s", strerror(errno));
    }
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    return session_start(&(struct session_config){
        .program = "bin/shmsum", .arguments = from_file, .prepare = close_others});
}

static void check_not_started(struct session *session, const char *path, const char *reason)
{
    session_end(session, 3);
    char folder[4096];
    check(getcwd(folder, sizeof folder) != NULL, "getcwd: %s", strerror(errno));
    char text[8192];
    snprintf(text, sizeof text, "shmsum: exec: %s/bin/%s: %s\n", folder, path, reason);
    check_file(session->messages, text);
    check_file("results.txt", "old\n");
}

static void child_missing(const void *argument)
{
    (void)argument;
    struct session session = start_with_child(NULL, 0);
    session_end(&session, 3);
    char folder[4096], text[16384];
    check(getcwd(folder, sizeof folder) != NULL, "getcwd: %s", strerror(errno));
    snprintf(text, sizeof text,
             "shmsum: exec: %s/bin/shmsum-child, %s/bin/../libexec/shmsum/shmsum-child: No such "
             "file or directory; build or install shmsum again\n",
             folder, folder);
    check_file(session.messages, text);
    check_file("results.txt", "old\n");
}

static void child_not_executable(const void *argument)
{
    (void)argument;
    struct session session = start_with_child("#!/bin/sh\n", 0644);
    check_not_started(&session, "shmsum-child", "Permission denied");
}

static void child_no_program(const void *argument)
{
    struct session session = start_with_child(argument, 0755);
    check_not_started(&session, "shmsum-child", "Exec format error; build or install shmsum again");
}

static void child_is_folder(const void *argument)
{
    (void)argument;
    check(mkdir("bin", 0755) == 0 && mkdir("bin/shmsum-child", 0755) == 0, "mkdir: %s",
          strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    struct session session =
        session_start(&(struct session_config){.program = "bin/shmsum", .arguments = from_file});
    check_not_started(&session, "shmsum-child", "Permission denied");
}

/* The owners of shmsum and of what lies beside it as shmsum-child: another user may put a program,
 * or a link to one, into a sticky folder. */
struct owners {
    uid_t parent, child;
    bool is_link;     /* the child's file is a link of this owner, to a program of root */
    bool is_accepted; /* the program was started */
};

static void child_owners(const void *argument)
{
    const struct owners *owners = argument;
    if (geteuid() != 0)
        test_skip("only root can give files away");
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    write_file("bin/root", "#!/bin/sh\nexit 42\n");
    check(chmod("bin/root", 0755) == 0, "chmod: %s", strerror(errno));
    check((owners->is_link ? symlink("root", "bin/shmsum-child")
                           : rename("bin/root", "bin/shmsum-child")) == 0 &&
              lchown("bin/shmsum", owners->parent, 0) == 0 &&
              lchown("bin/shmsum-child", owners->child, 0) == 0,
          "cannot set up: %s", strerror(errno));
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    struct session session =
        session_start(&(struct session_config){.program = "bin/shmsum", .arguments = from_file});
    session_end(&session, 3);
    session_check_message(&session,
                          owners->is_accepted
                              ? "shmsum: child: exited with status 42; nothing was read\n"
                              : "/bin/shmsum-child: belongs to another user; its owner must be "
                                "root or the owner of shmsum\n");
    check_file("results.txt", "old\n");
}

/* The child starts and exits without attaching. Whatever its exit status is, the run fails. */
static void child_leaves(const void *argument)
{
    const char *const *texts = argument;
    struct session session = start_with_child(texts[0], 0755);
    session_end(&session, 3);
    session_check_message(&session, texts[1]);
    check_file("results.txt", "old\n");
}

/* The child inherits the standard descriptors and no other; the listing itself is 3. */
static void child_descriptors(const void *argument)
{
    (void)argument;
    struct session session = start_with_child("#!/bin/sh\nexec ls /proc/self/fd >&2\n", 0755);
    session_end(&session, 3);
    check_file(session.messages,
               "0\n1\n2\n3\n"
               "shmsum: child: status 0 does not fit its work; nothing was read\n");
}

/* A limit of descriptors, and the message of the start that fails with it. */
struct shortage {
    rlim_t descriptors;
    const char *message;
};
static const struct shortage no_descriptor_in_child = {
    7, "shmsum: open: /dev/null, for the child: Too many open files; see 'ulimit -n'\n"};
static const struct shortage no_descriptor_for_pipe = {
    6, "shmsum: pipe: start of the child: Too many open files; see 'ulimit -n'\n"};
static const struct shortage *shortage;

static void limit_descriptors(void)
{
    close_others();
    struct rlimit limit = {.rlim_cur = shortage->descriptors, .rlim_max = shortage->descriptors};
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* The results, the region and the pipe took the last descriptors. The message must name the call
 * that fails, which is not the exec. */
static void child_without_descriptor(const void *argument)
{
    shortage = argument;
    write_file("results.txt", "old\n");
    write_lines("input.txt", 1, 10);
    struct session session = session_start(
        &(struct session_config){.arguments = from_file, .prepare = limit_descriptors});
    session_end(&session, 3);
    check_file(session.messages, shortage->message);
    check_file("results.txt", "old\n");
}

/* ---- what is inherited ---- */

static int closed_bits;

static void close_standard(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (closed_bits & (1 << fd))
            close(fd);
}

/* Some standard descriptors are closed: no file that the programs open may take their numbers. */
static void closed_descriptors(const void *argument)
{
    closed_bits = *(const int *)argument;
    write_file("input.txt", "1 1\n2 1\nthree\n");
    struct session session =
        session_start(&(struct session_config){.arguments = from_file, .prepare = close_standard});
    session_end(&session, 1);
    check_file("results.txt", "2\n3\nerror: column 1: \"three\" is not a number\n");
    check_file("input.txt", "1 1\n2 1\nthree\n");
    check_file("output.txt", SESSION_BEFORE);
    check_file(session.messages,
               closed_bits & 4
                   ? ""
                   : "input.txt:3:1: error: \"three\" is not a number\n    three\n    ^~~~~\n");
}

static void closed_input_wanted(const void *argument)
{
    (void)argument;
    closed_bits = 1;
    struct session session = session_start(&(struct session_config){.prepare = close_standard});
    session_end(&session, 3);
    session_check_message(&session, "shmsum: read: stdin: Bad file descriptor");
    check_file("results.txt", "");
}

static void closed_output_wanted(const void *argument)
{
    (void)argument;
    closed_bits = 2;
    static const char *const arguments[] = {"-o", "-", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .prepare = close_standard});
    session_feed_lines(&session, 1, 3);
    session_end(&session, 3);
    session_check_message(&session, "shmsum: write: standard output: Bad file descriptor");
}

static void leave_open(void)
{
    for (int fd = 9; fd <= 11; fd++) {
        int opened = open(fd == 10 ? "input.txt" : "secret.txt", O_RDWR);
        if (opened < 0 || dup2(opened, fd) != fd)
            _exit(HARNESS_SKIP);
    }
}

static bool has_descriptor(pid_t pid, int fd)
{
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    return readlink(path, target, sizeof target) >= 0 || errno != ENOENT;
}

/* Descriptors that the caller left open: none stays, but one that an argument names.
 * --sandbox=off, the control, closes none in the parent. */
static void left_open(const void *argument)
{
    const char *const *names = argument; /* of the sandbox, of the first input */
    write_file("secret.txt", "secret\n");
    write_lines("input.txt", 1, 3);
    const char *arguments[] = {names[0], "-o", "results.txt", names[1], "-", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .prepare = leave_open});
    session_await_child(&session);
    session_await_results(&session, 3); /* the parent reads its standard input now */
    bool off = strcmp(names[0], "--sandbox=off") == 0;
    check(has_descriptor(session.parent, 9) == off && has_descriptor(session.parent, 11) == off,
          "the parent has what its caller left open");
    check(has_descriptor(session.parent, 10), "the parent closed its input");
    session_feed_lines(&session, 4, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
    check_file("secret.txt", "secret\n");
}

static void ignore_children(void)
{
    signal(SIGCHLD, SIG_IGN);
}

static void block_children(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void block_all(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* `unshare --pid shmsum`, without a fork of its own: the child is the first process of a pid
 * namespace, and its getppid() is 0, while the parent lives and after its death. */
static void enter_pid_namespace(void)
{
    if (unshare(CLONE_NEWPID) < 0)
        _exit(HARNESS_SKIP);
}

struct inherited {
    void (*prepare)(void);
    bool child_dies;
    bool parent_dies;
};

/* Signals that the starting process ignored or blocked, or a pid namespace that it entered. */
static void inherited_signals(const void *argument)
{
    const struct inherited *inherited = argument;
    struct session session = session_start(&(struct session_config){.prepare = inherited->prepare});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    if (inherited->child_dies) {
        session_signal(&session, session.child, SIGKILL);
        session_end(&session, 3);
        session_check_message(&session, "child: killed by signal 9 (Killed)");
    } else if (inherited->parent_dies) {
        session_signal(&session, session.parent, SIGKILL);
        session_end(&session, BY_SIGNAL(SIGKILL));
    } else {
        session_close_input(&session);
        session_end(&session, 0);
    }
    check(check_results("results.txt") == 3, "not all lines");
}

static int stranger_ends[2];

/* exec keeps children: the parent program gets a child that it did not start. */
static void beget_stranger(void)
{
    if (fork() != 0)
        return;
    char byte;
    close(stranger_ends[1]);
    _exit(read(stranger_ends[0], &byte, 1) == 0 ? 3 : 4);
}

static void unrelated_child(const void *argument)
{
    (void)argument;
    check(pipe2(stranger_ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
    struct session session = session_start(&(struct session_config){.prepare = beget_stranger});
    session_await_child(&session);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    close(stranger_ends[0]);
    close(stranger_ends[1]); /* the stranger exits */
    sleep_ms(50);
    session_feed_lines(&session, 4, 6);
    session_await_results(&session, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
    check(session.orphans == 1 && WEXITSTATUS(session.orphan_status) == 3,
          "the parent reaped the stranger");
}

/* ---- results and input that cannot be used ---- */

struct refusal {
    const char *results;
    const char *input; /* NULL: standard input, see `redirected` */
    const char *message;
    bool redirected; /* standard input is results.txt */
};

static void drop_rights(void)
{
    /* As root, become a user who does not own the folder; as a user, make the folder read-only. */
    if (geteuid() != 0 ? chmod(".", 0555) < 0 : setgid(65534) < 0 || setuid(65534) < 0)
        _exit(HARNESS_SKIP);
    if (access(getenv("SHMSUM"), X_OK) < 0)
        _exit(HARNESS_SKIP);
}

static void refuse(const void *argument)
{
    const struct refusal *refusal = argument;
    write_file("results.txt", "1 1\n");
    write_file("secret.txt", "1 1\n");
    check(mkdir("folder", 0755) == 0 && symlink("results.txt", "symlink.txt") == 0 &&
              symlink("nowhere.txt", "dangling.txt") == 0 && link("results.txt", "link.txt") == 0 &&
              chmod("secret.txt", 0) == 0 && chmod("results.txt", 0666) == 0 &&
              chmod(".", 0755) == 0,
          "cannot set up: %s", strerror(errno));
    write_file("protected.txt", "1 1\n");
    check(chmod("protected.txt", 0444) == 0, "chmod: %s", strerror(errno));
    const char *arguments[] = {"-o", refusal->results, refusal->input, NULL};
    struct session_config config = {.arguments = arguments};
    if (refusal->redirected) {
        config.input = INPUT_DESCRIPTOR;
        config.input_descriptor = open("results.txt", O_RDONLY | O_CLOEXEC);
        check(config.input_descriptor >= 0, "open: %s", strerror(errno));
    }
    bool rights = strstr(refusal->message, "Permission denied") != NULL;
    if (rights)
        config.prepare = drop_rights;
    struct session session = session_start(&config);
    if (refusal->redirected)
        close(config.input_descriptor);
    session_end(&session, 3);
    char text[256];
    snprintf(text, sizeof text, "shmsum: %s\n", refusal->message);
    check_file(session.messages, text);
    check_file("results.txt", "1 1\n");
    check_file("protected.txt", "1 1\n");
    check(access("nowhere.txt", F_OK) < 0, "a link was followed");
}

/* `shmsum -o - in.txt >> in.txt` would read its own results and never end. */
static void own_standard_output(const void *argument)
{
    (void)argument;
    write_file("input.txt", "1 1\n");
    static const char *const arguments[] = {"-o", "-", "input.txt", NULL};
    int fd = open("input.txt", O_WRONLY | O_APPEND | O_CLOEXEC);
    check(fd >= 0, "open: %s", strerror(errno));
    struct session session = session_start(&(struct session_config){
        .arguments = arguments, .output = OUTPUT_DESCRIPTOR, .output_descriptor = fd});
    close(fd);
    session_end(&session, 3);
    session_check_message(
        &session,
        "shmsum: open: input.txt: input file is the results file; name another one with -o");
    check_file("input.txt", "1 1\n");
}

/* Two runs do not write into one trace. The second leaves it, and the old results, alone; after the
 * death of the first run the lock is gone. */
static void locked_trace(const void *argument)
{
    (void)argument;
    static const char *const traced[] = {"--trace=trace.json", "-o", "results.txt", NULL};
    static const char *const again[] = {"--trace=trace.json", "-o", "other.txt", "input.txt", NULL};
    write_lines("input.txt", 1, 10);
    write_file("other.txt", "old\n");
    struct session first = session_start(&(struct session_config){.arguments = traced});
    session_feed_lines(&first, 1, 3);
    session_await_results(&first, 3);
    struct stat before, after;
    check(stat("trace.json", &before) == 0 && before.st_size > 0, "no trace");
    struct session second = session_start(&(struct session_config){.arguments = again});
    session_end(&second, 3);
    check_file(second.messages, "shmsum: lock: trace.json: another process is writing it\n");
    check_file("other.txt", "old\n");
    check(stat("trace.json", &after) == 0 && after.st_size == before.st_size, "it was emptied");
    session_signal(&first, first.parent, SIGKILL);
    session_end(&first, BY_SIGNAL(SIGKILL));
    struct session third = session_start(&(struct session_config){.arguments = again});
    session_end(&third, 0);
    check(check_results("other.txt") == 10, "not all lines");
}

/* Two instances would write over each other's results, so the second is refused. The lock is gone
 * when the first instance has ended, in whatever way. */
static void locked_results(const void *argument)
{
    (void)argument;
    write_lines("input.txt", 1, 10);
    struct session first = session_start(&(struct session_config){0});
    session_feed_lines(&first, 1, 3);
    session_await_results(&first, 3);
    struct session second = session_start(&(struct session_config){.arguments = from_file});
    session_end(&second, 3);
    check_file(second.messages, "shmsum: lock: results.txt: another process is writing it\n");
    session_feed_lines(&first, 4, 5);
    session_await_results(&first, 5);
    check(check_results("results.txt") == 5, "the first one was disturbed");
    session_signal(&first, first.parent, SIGKILL);
    session_end(&first, BY_SIGNAL(SIGKILL));
    struct session third = session_start(&(struct session_config){.arguments = from_file});
    session_end(&third, 0);
    check(check_results("results.txt") == 10, "not all lines");
}

/* Whoever can only read the results can hold these locks. They stop nobody. */
static void results_locked_by_reader(const void *argument)
{
    (void)argument;
    write_lines("input.txt", 1, 10);
    write_file("results.txt", "old\n");
    int fd = open("results.txt", O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    check(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0 && flock(fd, LOCK_EX) == 0, "lock: %s",
          strerror(errno));
    struct session session = session_start(&(struct session_config){.arguments = from_file});
    session_end(&session, 0);
    check(check_results("results.txt") == 10, "not all lines");
    check_file(session.messages, "");
    close(fd);
}

/* ---- a strange world ---- */

static mode_t mask;

/* Root could do without the rights that the umask takes. */
static void become_user_with_mask(void)
{
    umask(mask);
    if ((geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0)) ||
        access(getenv("SHMSUM"), X_OK) < 0)
        _exit(HARNESS_SKIP);
}

static void strange_umask(const void *argument)
{
    mask = *(const mode_t *)argument;
    check(chmod(".", 0777) == 0, "chmod: %s", strerror(errno));
    write_lines("input.txt", 1, 3);
    check(chmod("input.txt", 0644) == 0, "chmod: %s", strerror(errno));
    struct session session = session_start(
        &(struct session_config){.arguments = from_file, .prepare = become_user_with_mask});
    session_end(&session, 0);
    check_file(session.messages, "");
    struct stat status;
    check(stat("results.txt", &status) == 0, "stat: %s", strerror(errno));
    check((status.st_mode & 07777) == (0666 & ~mask), "mode 0%o", (unsigned)status.st_mode);
    check(chmod("results.txt", 0600) == 0 && check_results("results.txt") == 3, "not all lines");
}

/* A /dev with little in it. `argument`: something that is no folder is in the place of /dev/shm. */
static void no_shm(const void *argument)
{
    if (!private_mounts() || mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "size=1m") < 0 ||
        mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) < 0)
        test_skip("no mounts of our own: %s", strerror(errno));
    write_file("input.txt", "1 1\n");
    write_file("results.txt", "old\n");
    if (argument != NULL)
        write_file("/dev/shm", "");
    struct session session = session_start(&(struct session_config){.arguments = from_file});
    int status = session_await_parent(&session);
    check(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status 0x%x", (unsigned)status);
    session_check_message(&session, argument != NULL ? ": Not a directory; "
                                                     : ": No such file or directory; ");
    session_check_message(&session, "; if there is no /dev/shm, as root: mount -t tmpfs -o "
                                    "mode=1777 tmpfs /dev/shm\n");
    check_file("results.txt", "old\n");
    session_clean_up(&session);
}

static char padding[131000];

static void pad_environment(void)
{
    /* The kernel's least limit of arguments and environment: 131,072 bytes. */
    struct rlimit stack;
    if (getrlimit(RLIMIT_STACK, &stack) < 0)
        _exit(HARNESS_SKIP);
    stack.rlim_cur = 512 * 1024;
    if (setrlimit(RLIMIT_STACK, &stack) < 0 || setenv("PADDING", padding, 1) < 0)
        _exit(HARNESS_SKIP);
}

/* Whether shmsum can be started with `size` bytes of padding. */
static bool fits(size_t size)
{
    memset(padding, 'x', size);
    padding[size] = '\0';
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        pad_environment();
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, 1) < 0)
            _exit(2);
        const char *program = getenv("SHMSUM");
        setenv("NO_COLOR", "1", true); /* as session_start does */
        execl(program, "shmsum", "--version", "-o", "results.txt", "input.txt", (char *)NULL);
        _exit(errno == E2BIG ? 1 : 2);
    }
    int status;
    check(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
    check(WIFEXITED(status) && WEXITSTATUS(status) < 2, "status 0x%x", (unsigned)status);
    return WEXITSTATUS(status) == 0;
}

/* So many arguments, or so large an environment, that the parent could just be started: the child,
 * which gets its job too, cannot. */
static void arguments_too_long(const void *argument)
{
    (void)argument;
    size_t low = 0, high = sizeof padding - 1; /* low fits, high does not */
    check(fits(low) && !fits(high), "the limit is somewhere else");
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        *(fits(middle) ? &low : &high) = middle;
    }
    fits(low);
    write_file("input.txt", "1 1\n");
    write_file("results.txt", "old\n");
    static const char *const arguments[] = {"--slots=8", "-o", "results.txt", "input.txt", NULL};
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .prepare = pad_environment});
    session_end(&session, 3);
    session_check_message(&session, "shmsum-child: Argument list too long; name fewer files at "
                                    "once, or use a pipe: cat FILE... | shmsum\n");
    check_file("results.txt", "old\n");
}

/* ---- many ---- */

enum { INSTANCES = HARNESS_SANITIZED ? 50 : 200 };

static void many_at_once(const void *argument)
{
    (void)argument;
    struct session *sessions = calloc(INSTANCES, sizeof *sessions);
    check(sessions != NULL, "malloc");
    for (int i = 0; i < INSTANCES; i++) {
        char name[32];
        snprintf(name, sizeof name, "results-%d.txt", i);
        const char *arguments[] = {"--slots=4", "--slot-bytes=4096", "-o", name, NULL};
        sessions[i] = session_start(&(struct session_config){.arguments = arguments});
        session_feed_lines(&sessions[i], 1, 3);
    }
    for (int i = 0; i < INSTANCES; i++)
        session_await_child(&sessions[i]);
    /* Now all instances run at once. */
    for (int i = 0; i < INSTANCES; i++)
        session_feed_lines(&sessions[i], 4, 100U + (unsigned)i);
    for (int i = 0; i < INSTANCES; i++)
        session_close_input(&sessions[i]);
    for (int i = 0; i < INSTANCES; i++) {
        int status = session_await_parent(&sessions[i]);
        check(status == 0, "instance %d ended with 0x%x", i, (unsigned)status);
        check_no_name(sessions[i].parent);
        char name[32];
        snprintf(name, sizeof name, "results-%d.txt", i);
        check(check_results(name) == 100U + (unsigned)i, "instance %d: not all lines", i);
        session_clean_up(&sessions[i]);
    }
    free(sessions);
}

/* ---- names that dead instances left ---- */

/* Starts a process that holds a region with its name, as the parent does until the child has
 * attached. */
static pid_t hold_region(char name[SHMSUM_REGION_NAME_MAX])
{
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
    pid_t pid = harness_fork_helper();
    if (pid == 0) {
        struct shmsum_region region;
        static const struct shmsum_geometry geometry = {2, 4096};
        if (shmsum_region_create(&region, shmsum_os_default(), &geometry, NULL) < 0)
            _exit(1);
        if (write(ends[1], region.name, sizeof region.name) != sizeof region.name)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    check(read(ends[0], name, SHMSUM_REGION_NAME_MAX) == SHMSUM_REGION_NAME_MAX, "no region");
    close(ends[0]);
    return pid;
}

static bool name_exists(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    return access(path, F_OK) == 0;
}

static void make_name(const char *name, uid_t owner, bool locked, int *fd)
{
    char path[128];
    snprintf(path, sizeof path, "/dev/shm/%s", name);
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(*fd >= 0, "open: %s: %s", path, strerror(errno));
    check(!locked || flock(*fd, LOCK_EX) == 0, "flock: %s", strerror(errno));
    if (owner != geteuid() && fchown(*fd, owner, (gid_t)-1) < 0)
        test_skip("cannot give files away: %s", strerror(errno));
}

static void run_once(void)
{
    struct session session = session_start(&(struct session_config){0});
    session_feed_lines(&session, 1, 3);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 3, "not all lines");
}

/* A start removes the names of dead instances and keeps those of living ones. */
static void reap_names(const void *argument)
{
    (void)argument;
    if (private_mounts())
        mount_small("/dev/shm", "size=16m",
                    false); /* else a start outside this test could remove the names first */
    char dead_name[SHMSUM_REGION_NAME_MAX], living_name[SHMSUM_REGION_NAME_MAX];
    pid_t dead = hold_region(dead_name);
    pid_t living = hold_region(living_name);
    run_once();
    check(name_exists(dead_name) && name_exists(living_name), "a name of the living was removed");
    harness_end_helper(dead);
    run_once();
    check(!name_exists(dead_name), "left behind: the name of a dead process");
    check(name_exists(living_name), "a name of the living was removed");
    harness_end_helper(living);
    run_once();
    check(!name_exists(living_name), "left behind: the name of a dead process");
}

/* Names of almost the right format, locked objects and those of other users stay. */
static void leave_foreign_names(const void *argument)
{
    (void)argument;
    if (!private_mounts())
        test_skip("no mounts of our own: %s", strerror(errno));
    mount_small("/dev/shm", "size=16m", false);
    static const char *const foreign[] = {
        "shmsum-12-0123456789abcdef0123456789abcde",
        "shmsum-12-0123456789abcdef0123456789abcdef0",
        "shmsum-12-0123456789ABCDEF0123456789abcdef",
        "shmsum-0123456789abcdef0123456789abcdef",
        "shmsum--0123456789abcdef0123456789abcdef",
        "shmsun-12-0123456789abcdef0123456789abcdef",
        "shmsum-12345678901-0123456789abcdef0123456789abcdef",
    };
    enum { FOREIGN = sizeof foreign / sizeof foreign[0] };
    int fd;
    for (int i = 0; i < FOREIGN; i++) {
        make_name(foreign[i], geteuid(), false, &fd);
        close(fd);
    }
    static const char ours[] = "shmsum-12-0123456789abcdef0123456789abcdef";
    static const char locked[] = "shmsum-13-0123456789abcdef0123456789abcdef";
    static const char others[] = "shmsum-14-0123456789abcdef0123456789abcdef";
    make_name(ours, geteuid(), false, &fd);
    close(fd);
    int lock;
    make_name(locked, geteuid(), true, &lock);
    run_once();
    check(!name_exists(ours), "left behind: a name of a dead process");
    check(name_exists(locked), "a name of the living was removed");
    for (int i = 0; i < FOREIGN; i++)
        check(name_exists(foreign[i]), "%s was removed", foreign[i]);
    close(lock);
    make_name(others, 65534, false, &fd);
    close(fd);
    run_once();
    check(name_exists(others), "a name of another user was removed");
}

#define BITS(bits) \
    &(const int)   \
    {              \
        bits       \
    }
#define SIGNALS(prepare_, child_, parent_) \
    &(const struct inherited)              \
    {                                      \
        prepare_, child_, parent_          \
    }
#define MODE(mode)  \
    &(const mode_t) \
    {               \
        mode        \
    }
#define OWNERS(...)        \
    &(const struct owners) \
    {                      \
        __VA_ARGS__        \
    }
#define REFUSAL(...)        \
    &(const struct refusal) \
    {                       \
        __VA_ARGS__         \
    }
#define TEXTS(...)        \
    (const char *const[]) \
    {                     \
        __VA_ARGS__       \
    }
static const struct test_case cases[] = {
    {"child_missing", child_missing, NULL, 0},
    {"child_not_executable", child_not_executable, NULL, 0},
    {"child_no_program", child_no_program, "just some text\n", 0},
    {"child_empty", child_no_program, "", 0},
    {"child_is_folder", child_is_folder, NULL, 0},
    {"child_of_root", child_owners, OWNERS(12345, 0, false, true), 0},
    {"child_of_owner", child_owners, OWNERS(12345, 12345, false, true), 0},
    {"child_of_stranger", child_owners, OWNERS(0, 12345, false, false), 0},
    {"child_of_other_stranger", child_owners, OWNERS(12345, 54321, false, false), 0},
    {"child_link_of_owner", child_owners, OWNERS(12345, 12345, true, true), 0},
    {"child_link_of_stranger", child_owners, OWNERS(12345, 54321, true, false), 0},
    {"child_descriptors", child_descriptors, NULL, 0},
    {"child_without_descriptor", child_without_descriptor, &no_descriptor_in_child, 0},
    {"child_without_pipe", child_without_descriptor, &no_descriptor_for_pipe, 0},
    {"child_leaves_0", child_leaves,
     TEXTS("#!/bin/sh\nexit 0\n", "child: status 0 does not fit its work; nothing was read"), 0},
    {"child_leaves_1", child_leaves,
     TEXTS("#!/bin/sh\nexit 1\n", "child: status 1 does not fit its work; nothing was read"), 0},
    {"child_leaves_42", child_leaves,
     TEXTS("#!/bin/sh\nexit 42\n", "child: exited with status 42; nothing was read"), 0},
    {"child_leaves_127", child_leaves,
     TEXTS("#!/bin/sh\nexit 127\n", "child: exited with status 127; nothing was read"), 0},
    {"closed_0", closed_descriptors, BITS(1), 0},
    {"closed_1", closed_descriptors, BITS(2), 0},
    {"closed_2", closed_descriptors, BITS(4), 0},
    {"closed_01", closed_descriptors, BITS(3), 0},
    {"closed_02", closed_descriptors, BITS(5), 0},
    {"closed_12", closed_descriptors, BITS(6), 0},
    {"closed_012", closed_descriptors, BITS(7), 0},
    {"closed_input_wanted", closed_input_wanted, NULL, 0},
    {"closed_output_wanted", closed_output_wanted, NULL, 0},
    {"umask_0277", strange_umask, MODE(0277), 0},
    {"umask_0777", strange_umask, MODE(0777), 0},
    {"umask_0", strange_umask, MODE(0), 0},
    {"no_shm_folder", no_shm, NULL, 0},
    {"shm_is_no_folder", no_shm, "", 0},
    {"arguments_too_long", arguments_too_long, NULL, 0},
    {"left_open", left_open, TEXTS("--sandbox=auto", "/dev/fd/10"), 0},
    {"left_open_proc", left_open, TEXTS("--sandbox=auto", "/proc/self/fd/10"), 0},
    {"left_open_thread", left_open, TEXTS("--sandbox=auto", "/proc/thread-self/fd/10"), 0},
    {"left_open_off", left_open, TEXTS("--sandbox=off", "/dev/fd/10"), 0},
    {"sigchld_ignored", inherited_signals, SIGNALS(ignore_children, false, false), 0},
    {"sigchld_ignored_child_dies", inherited_signals, SIGNALS(ignore_children, true, false), 0},
    {"sigchld_blocked", inherited_signals, SIGNALS(block_children, false, false), 0},
    {"sigchld_blocked_child_dies", inherited_signals, SIGNALS(block_children, true, false), 0},
    {"all_blocked", inherited_signals, SIGNALS(block_all, false, false), 0},
    {"all_blocked_child_dies", inherited_signals, SIGNALS(block_all, true, false), 0},
    {"all_blocked_parent_dies", inherited_signals, SIGNALS(block_all, false, true), 0},
    {"pid_namespace", inherited_signals, SIGNALS(enter_pid_namespace, false, false), 0},
    {"pid_namespace_child_dies", inherited_signals, SIGNALS(enter_pid_namespace, true, false), 0},
    {"pid_namespace_parent_dies", inherited_signals, SIGNALS(enter_pid_namespace, false, true), 0},
    {"unrelated_child", unrelated_child, NULL, 0},
    {"results_in_no_folder", refuse,
     REFUSAL("no/such.txt", NULL, "open: no/such.txt: No such file or directory", false), 0},
    {"results_protected", refuse,
     REFUSAL("protected.txt", NULL, "open: protected.txt: Permission denied", false), 0},
    {"results_in_protected_folder", refuse,
     REFUSAL("new.txt", NULL, "open: new.txt: Permission denied", false), 0},
    {"results_is_folder", refuse, REFUSAL("folder", NULL, "open: folder: Is a directory", false),
     0},
    {"results_is_symlink", refuse,
     REFUSAL("symlink.txt", NULL, "open: symlink.txt: is a symbolic link; name the file itself",
             false),
     0},
    {"results_is_dangling_symlink", refuse,
     REFUSAL("dangling.txt", NULL, "open: dangling.txt: is a symbolic link; name the file itself",
             false),
     0},
    {"input_missing", refuse,
     REFUSAL("results.txt", "missing.txt", "open: missing.txt: No such file or directory", false),
     0},
    {"input_is_folder", refuse,
     REFUSAL("results.txt", "folder", "read: folder: Is a directory", false), 0},
    {"input_unreadable", refuse,
     REFUSAL("results.txt", "secret.txt", "open: secret.txt: Permission denied", false), 0},
    {"input_is_results_path", refuse,
     REFUSAL("results.txt", "./results.txt",
             "open: ./results.txt: input file is the results file; name another one with -o",
             false),
     0},
    {"input_is_results_redirected", refuse,
     REFUSAL("results.txt", NULL,
             "open: stdin: input file is the results file; name another one with -o", true),
     0},
    {"input_is_results_link", refuse,
     REFUSAL("results.txt", "link.txt",
             "open: link.txt: input file is the results file; name another one with -o", false),
     0},
    {"input_is_results_symlink", refuse,
     REFUSAL("results.txt", "symlink.txt",
             "open: symlink.txt: input file is the results file; name another one with -o", false),
     0},
    {"input_is_standard_output", own_standard_output, NULL, 0},
    {"results_locked", locked_results, NULL, 0},
    {"results_locked_by_reader", results_locked_by_reader, NULL, 0},
    {"trace_locked", locked_trace, NULL, 0},
    {"many_at_once", many_at_once, NULL, 0},
    {"reap_names", reap_names, NULL, 0},
    {"leave_foreign_names", leave_foreign_names, NULL, 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
