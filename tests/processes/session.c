/* session.c - one run of the two programs under test. See session.h. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const to_results[] = {"-o", "results.txt", NULL};

static void make_pipe(int ends[2])
{
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
}

static int open_terminal(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char name[64];
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        test_skip("no pseudo-terminal: %s", strerror(errno));
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    check(*slave >= 0, "open: %s: %s", name, strerror(errno));
    return master;
}

/* The new process: becomes the parent program. */
static _Noreturn void become(const struct session_config *config, pid_t case_pid, int input,
                             int output, int messages, int slave)
{
    harness_die_with(case_pid); /* a case that is killed leaves no run behind */
    const char *program = config->program == NULL ? getenv("SHMSUM") : config->program;
    const char *const *arguments = config->arguments == NULL ? to_results : config->arguments;
    char *argv[32] = {NULL};
    argv[0] = strdup("shmsum");
    for (size_t i = 0; arguments[i] != NULL && i < 30; i++)
        argv[i + 1] = strdup(arguments[i]);
    if (slave >= 0)
        setsid();
    else
        setpgid(0, 0);
    if (slave >= 0 && ioctl(slave, TIOCSCTTY, 0) < 0)
        _exit(HARNESS_SKIP);
    /* dup2 clears close-on-exec, but not when both descriptors are the same. */
    int from[3] = {input, output, messages};
    for (int fd = 0; fd < 3; fd++)
        if (from[fd] == fd ? fcntl(fd, F_SETFD, 0) < 0 : dup2(from[fd], fd) < 0)
            _exit(99);
    /* The signal state that a shell gives to a program, whatever the tests inherited. */
    static const int defaults[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGXFSZ};
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        signal(defaults[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("NO_COLOR", "1", true); /* a case can undo this in prepare() */
    if (config->prepare != NULL)
        config->prepare();
    execv(program, argv);
    _exit(98);
}

struct session session_start(const struct session_config *config)
{
    static int number;
    struct session session = {.input = -1,
                              .input_reader = -1,
                              .output = -1,
                              .terminal = -1,
                              .messages_reader = -1,
                              .writer = 0};
    check(config->program != NULL || getenv("SHMSUM") != NULL, "SHMSUM is not set");
    int slave = -1, output = -1, messages = -1, input = -1;
    int ends[2];
    if (config->input == INPUT_TERMINAL || config->controlled)
        session.terminal = open_terminal(&slave);
    session.at_terminal = session.terminal >= 0;
    switch (config->input) {
    case INPUT_PIPE:
        make_pipe(ends);
        input = session.input_reader = ends[0];
        session.input = ends[1];
        break;
    case INPUT_TERMINAL:
        input = slave;
        break;
    case INPUT_DESCRIPTOR:
        input = config->input_descriptor;
        break;
    }
    if (config->output == OUTPUT_PIPE) {
        make_pipe(ends);
        session.output = ends[0];
        output = ends[1];
    } else if (config->output == OUTPUT_DESCRIPTOR) {
        output = config->output_descriptor;
    } else if (config->input == INPUT_TERMINAL) {
        output = slave;
    } else {
        output = open("output.txt", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        check(output >= 0, "open: output.txt: %s", strerror(errno));
        if (lseek(output, 0, SEEK_END) == 0)
            check(write(output, SESSION_BEFORE, strlen(SESSION_BEFORE)) > 0, "write: output.txt");
    }
    snprintf(session.messages, sizeof session.messages, "messages-%d.txt", ++number);
    messages = slave;
    if (config->messages_by_pipe) {
        make_pipe(ends);
        session.messages_reader = ends[0];
        messages = ends[1];
    } else if (slave < 0) {
        messages = open(session.messages, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        check(messages >= 0, "open: %s: %s", session.messages, strerror(errno));
    }

    fflush(stdout);
    pid_t case_pid = getpid();
    session.parent = fork();
    check(session.parent >= 0, "fork: %s", strerror(errno));
    if (session.parent == 0)
        become(config, case_pid, input, output, messages, slave);
    harness_register(session.parent);
    if (slave < 0)
        setpgid(session.parent, session.parent); /* both processes do this: one of them is first */
    session.signalled_ms = now_ms();

    if (slave >= 0)
        close(slave);
    if (messages != slave)
        close(messages);
    if (output != slave && config->output != OUTPUT_DESCRIPTOR)
        close(output);
    return session;
}

/* All of standard error so far, for the caller to free. */
static char *messages_of(const struct session *session)
{
    return session->at_terminal ? strdup(session->transcript) : read_file(session->messages, NULL);
}

/* Whether the process runs this program. /proc/PID/comm is no help: under Valgrind it names
 * Valgrind, and the program is one of the arguments. */
static bool is_named(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char *word = NULL;
    size_t room = 0;
    bool found = false;
    while (!found && getdelim(&word, &room, '\0', file) > 0) {
        const char *slash = strrchr(word, '/');
        found = strcmp(slash == NULL ? word : slash + 1, name) == 0;
    }
    free(word);
    fclose(file);
    return found;
}

void session_await_program(struct session *session, const char *name)
{
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        pid_t children[16];
        size_t count = children_of(session->parent, children, 16);
        for (size_t i = 0; i < count; i++)
            if (is_named(children[i], name)) {
                session->child = children[i];
                return;
            }
        int status;
        if (waitpid(session->parent, &status, WNOHANG) == session->parent) {
            harness_forget(session->parent);
            if (WIFEXITED(status) && WEXITSTATUS(status) == HARNESS_SKIP)
                test_skip("this run cannot be started on this system");
            test_fail(__FILE__, __LINE__, "no child: the parent has ended, 0x%x: %s",
                      (unsigned)status, messages_of(session));
        }
        check(now_ms() < deadline, "no child");
        sleep_ms(1);
    }
}

void session_await_child(struct session *session)
{
    session_await_program(session, "shmsum-child");
}

/* ---- input ---- */

static void feed(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        check(wrote > 0, "write: input: %s", strerror(errno));
        text += wrote;
        size -= (size_t)wrote;
    }
}

void session_feed(struct session *session, const char *text)
{
    feed(session->input >= 0 ? session->input : session->terminal, text, strlen(text));
}

void session_feed_lines(struct session *session, unsigned long first, unsigned long last)
{
    for (unsigned long i = first; i <= last; i++) {
        char line[32];
        snprintf(line, sizeof line, "%lu 1\n", i);
        session_feed(session, line);
    }
}

void session_feed_endlessly(struct session *session, unsigned long first)
{
    session->writer = harness_fork_helper();
    if (session->writer > 0)
        return;
    if (session->output >= 0)
        close(session->output); /* the case may close the last reader of this pipe */
    if (session->terminal >= 0)
        close(session->terminal);
    char text[8192];
    for (unsigned long i = first;;) {
        size_t used = 0;
        while (used < sizeof text - 32)
            used += (size_t)sprintf(text + used, "%lu 1\n", i++);
        for (size_t at = 0; at < used;) {
            ssize_t wrote = write(session->input, text + at, used - at);
            if (wrote < 0 && errno != EINTR)
                _exit(0);
            at += wrote < 0 ? 0 : (size_t)wrote;
        }
    }
}

void session_close_input(struct session *session)
{
    if (session->input >= 0)
        close(session->input);
    session->input = -1;
}

static void end_writer(struct session *session)
{
    if (session->writer > 0)
        harness_end_helper(session->writer);
    session->writer = 0;
}

unsigned long session_lines_taken(struct session *session)
{
    /* The rest of the input may begin in the middle of a line. The line after that one is whole and
     * begins with its number. */
    char text[256];
    size_t used = 0;
    const char *newline = NULL;
    while (newline == NULL || strchr(newline + 1, '\n') == NULL) {
        ssize_t got = read(session->input_reader, text + used, sizeof text - 1 - used);
        check(got > 0, "read: what is left of the input: %s", strerror(errno));
        used += (size_t)got;
        text[used] = '\0';
        newline = strchr(text, '\n');
    }
    end_writer(session);
    return strtoul(newline + 1, NULL, 10) - 2;
}

/* ---- watching ---- */

static bool read_terminal(struct session *session)
{
    size_t room = sizeof session->transcript - 1 - session->transcript_size;
    check(room > 0, "too much at the terminal");
    ssize_t got = read(session->terminal, session->transcript + session->transcript_size, room);
    if (got <= 0)
        return false; /* EIO: no process has the slave side open */
    session->transcript_size += (size_t)got;
    session->transcript[session->transcript_size] = '\0';
    return true;
}

void session_expect(struct session *session, const char *text)
{
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        const char *seen = session->transcript + session->transcript_seen;
        const char *found = strstr(seen, text);
        if (found != NULL) {
            session->transcript_seen = (size_t)(found - session->transcript) + strlen(text);
            return;
        }
        struct pollfd ready = {.fd = session->terminal, .events = POLLIN};
        int left = (int)(deadline - now_ms());
        bool more = left > 0 && poll(&ready, 1, left) == 1 && read_terminal(session);
        check(more, "the terminal shows \"%s\" and not \"%s\"", seen, text);
    }
}

static unsigned long count_lines(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    close(fd);
    char *text = read_file(path, NULL);
    unsigned long lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    free(text);
    return lines;
}

void session_await_results(const struct session *session, unsigned long lines)
{
    double deadline = now_ms() + DEADLINE_MS;
    while (count_lines("results.txt") < lines) {
        check(waitpid(session->parent, NULL, WNOHANG) == 0, "the parent has ended early");
        check(now_ms() < deadline, "results.txt did not receive the results in time");
        sleep_ms(1);
    }
}

void await_empty(int pipe)
{
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        int held = 0;
        check(ioctl(pipe, FIONREAD, &held) == 0, "ioctl: %s", strerror(errno));
        if (held == 0)
            return;
        check(now_ms() < deadline, "the pipe was not emptied: %d bytes", held);
        sleep_ms(1);
    }
}

void await_full(int pipe)
{
    int capacity = fcntl(pipe, F_GETPIPE_SZ);
    double deadline = now_ms() + DEADLINE_MS;
    int before = -1;
    double since = now_ms();
    for (;;) {
        int held = 0;
        check(ioctl(pipe, FIONREAD, &held) == 0, "ioctl: %s", strerror(errno));
        double now = now_ms();
        if (held != before)
            since = now;
        before = held;
        /* A writer whose line does not fit leaves the last page partly empty. */
        if (held > 0 && held >= capacity - 4096 && now - since > 150)
            return;
        check(now < deadline, "the pipe did not fill: %d of %d", held, capacity);
        sleep_ms(2);
    }
}

void session_signal(struct session *session, pid_t pid, int signal)
{
    session->signalled_ms = now_ms();
    check(kill(pid, signal) == 0, "kill: %d: %s", (int)pid, strerror(errno));
}

/* ---- the end ---- */

/* Copies the messages from their pipe to their file. */
static void store_messages(struct session *session)
{
    int fd = open(session->messages, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    check(fd >= 0, "open: %s: %s", session->messages, strerror(errno));
    struct pollfd ready = {.fd = session->messages_reader, .events = POLLIN};
    char text[4096];
    ssize_t got;
    while (poll(&ready, 1, 0) == 1 && (got = read(session->messages_reader, text, sizeof text)) > 0)
        feed(fd, text, (size_t)got);
    close(fd);
}

bool session_parent_ends(struct session *session, int *status)
{
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        pid_t got = waitpid(session->parent, status, WNOHANG);
        if (got == session->parent)
            break;
        check(got == 0, "waitpid: %s", strerror(errno));
        if (now_ms() > deadline)
            return false;
        if (session->terminal >= 0) {
            /* Read: the parent cannot end while its last message waits for room in the terminal. */
            struct pollfd ready = {.fd = session->terminal, .events = POLLIN};
            if (poll(&ready, 1, 1) == 1 && !read_terminal(session))
                sleep_ms(1);
        } else {
            sleep_ms(1);
        }
    }
    session->end_ms = now_ms() - session->signalled_ms;
    harness_forget(session->parent);
    if (session->messages_reader >= 0)
        store_messages(session);
    return true;
}

int session_await_parent(struct session *session)
{
    int status;
    check(session_parent_ends(session, &status), "the parent did not end");
    return status;
}

void session_clean_up(struct session *session)
{
    end_writer(session);
    session_close_input(session);
    if (session->input_reader >= 0)
        close(session->input_reader);
    if (session->output >= 0)
        close(session->output);
    if (session->terminal >= 0)
        close(session->terminal);
    if (session->messages_reader >= 0)
        close(session->messages_reader);
    session->input_reader = session->output = session->terminal = session->messages_reader = -1;
}

static void finish(struct session *session, int expected)
{
    int status = session_await_parent(session);
    printf("end took %.1f ms\n", session->end_ms);
    if (WIFEXITED(status) && WEXITSTATUS(status) == HARNESS_SKIP && expected != HARNESS_SKIP)
        test_skip("this run cannot be started on this system");
    int found = WIFSIGNALED(status) ? BY_SIGNAL(WTERMSIG(status)) : WEXITSTATUS(status);
    if (found != expected) {
        test_fail(__FILE__, __LINE__,
                  "the run ended with %s %d instead of %s %d; standard error: %s",
                  found < 0 ? "signal" : "status", abs(found), expected < 0 ? "signal" : "status",
                  abs(expected), messages_of(session));
    }
    if (session->terminal >= 0) {
        struct pollfd ready = {.fd = session->terminal, .events = POLLIN};
        while (poll(&ready, 1, 0) == 1 && read_terminal(session))
            continue;
    }
    session->orphans = harness_await_orphans(&session->orphan_status);
    check_no_name(session->parent);
}

void session_end(struct session *session, int expected)
{
    finish(session, expected);
    session_clean_up(session);
}

unsigned long session_end_counted(struct session *session, int expected)
{
    finish(session, expected);
    unsigned long taken = session_lines_taken(session);
    session_clean_up(session);
    return taken;
}

void session_check_message(const struct session *session, const char *text)
{
    char *found = messages_of(session);
    check(strstr(found, text) != NULL, "standard error is \"%s\", which lacks \"%s\"", found, text);
    free(found);
}

enum { RESULTS_TAIL = 1 << 20 }; /* SHMSUM_RESULTS_TAIL */

void session_check_held(const struct session *session, unsigned long lines)
{
    char text[96];
    /* Of a file of more than a megabyte the parent does not read all. */
    struct stat status;
    if (stat("results.txt", &status) == 0 && status.st_size > RESULTS_TAIL) {
        size_t size;
        char *messages = read_file(session->messages, &size);
        static const char words[] = "; results.txt holds at least the first ";
        const char *at = strstr(messages, words);
        unsigned long least = at == NULL ? 0 : strtoul(at + strlen(words), NULL, 10);
        bool is_right = at == NULL || (least > 0 && least <= lines);
        free(messages);
        check(is_right, "at least %lu results, of %lu", least, lines);
        if (at != NULL)
            return;
    }
    if (lines == 0)
        snprintf(text, sizeof text, "; results.txt holds no result of this run");
    else if (lines == 1)
        snprintf(text, sizeof text, "; results.txt holds the first result");
    else
        snprintf(text, sizeof text, "; results.txt holds the first %lu results", lines);
    session_check_message(session, text);
}
