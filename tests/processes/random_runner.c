/* random_runner.c - takes the steps of one run of process.random. See random_runner.h. */
#define _GNU_SOURCE
#include "random_runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "random_read.h"

static const struct plan *starting; /* for the new process */

static void note_step(struct runner *runner, const char *text)
{
    text_format(&runner->log, "  %8.1f ms  %s\n", now_ms() - runner->session.signalled_ms, text);
}

void runner_fail(struct runner *runner, const char *what)
{
    const struct plan *plan = runner->plan;
    printf("FAIL run %lu of SHMSUM_SEED=%llu: %s\n%s%s", plan->run, (unsigned long long)plan->seed,
           what, runner->description, runner->log.bytes == NULL ? "" : runner->log.bytes);
    if (runner->ended)
        printf("  ended with %s %d\n", runner->status < 0 ? "signal" : "status",
               abs(runner->status));
    if (runner->from_messages.size > 0)
        printf("it said: %.2000s\n", runner->from_messages.bytes);
    if (number_from_environment("SHMSUM_KEEP", 0) != 0) {
        char *folder = get_current_dir_name();
        char kept[64];
        snprintf(kept, sizeof kept, "/tmp/shmsum-kept-%d", (int)getpid());
        if (rename(folder, kept) == 0)
            printf("its files: %s\n", kept);
        free(folder);
    }
    printf("this run alone: SHMSUM_SEED=%llu SHMSUM_RUN=%lu ./test -R '^process.random$'\n",
           (unsigned long long)plan->seed, plan->run);
    test_fail(__FILE__, __LINE__, "run %lu of SHMSUM_SEED=%llu: %s", plan->run,
              (unsigned long long)plan->seed, what);
}

/* ---- starting ---- */

/* Nothing is echoed, and newlines come as they are written. */
static void set_terminal(int fd)
{
    struct termios modes;
    if (tcgetattr(fd, &modes) < 0)
        return;
    modes.c_lflag &= ~(tcflag_t)ECHO;
    modes.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(fd, TCSANOW, &modes);
}

/* In the new process, just before exec. */
static void prepare(void)
{
    if (starting->messages == SAY_TO_TERMINAL)
        set_terminal(2);
    if (starting->ignored != 0)
        signal(starting->ignored, SIG_IGN);
    if (starting->output == TO_TERMINAL)
        dup2(2, 1);
    if (starting->messages == SAY_TO_OUTPUT)
        dup2(1, 2);
    if (starting->messages == SAY_TO_NULL) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, 2);
    }
    unsetenv("SHMSUM_SEED");
    setenv("LC_ALL", starting->utf8 ? "C.UTF-8" : "C", true);
}

static void write_bytes(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        check(wrote > 0 || errno == EINTR, "write: %s", strerror(errno));
        if (wrote > 0) {
            bytes += wrote;
            size -= (size_t)wrote;
        }
    }
}

static void write_text(const char *path, const struct text *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(fd >= 0, "open: %s: %s", path, strerror(errno));
    write_bytes(fd, text->bytes, text->size);
    close(fd);
}

/* The files of the run; returns standard input, or -1. */
static int make_inputs(const struct plan *plan)
{
    int input = -1;
    for (size_t i = 0; i < plan->source_count; i++) {
        const struct plan_source *source = &plan->sources[i];
        if (source->kind == SOURCE_FILE) {
            write_text(source->name, &source->bytes);
        } else if (source->kind == SOURCE_FIFO) {
            check(mkfifo(source->name, 0666) == 0, "mkfifo: %s", strerror(errno));
        } else if (plan->standard == STANDARD_FILE) {
            write_text("stdin.txt", &source->bytes);
            input = open("stdin.txt", O_RDONLY | O_CLOEXEC);
            check(input >= 0, "open: %s", strerror(errno));
        }
    }
    return input;
}

static void make_output(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    runner->output = -1;
    runner->output_path = plan->output == TO_NAMED ? plan->output_name : "file.txt";
    if (plan->output == TO_NULL) {
        runner->output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    } else if (plan->exists && plan->output != TO_PIPE && plan->output != TO_TERMINAL) {
        write_text(runner->output_path, &plan->before);
        if (plan->output != TO_NAMED) {
            int append = plan->output == TO_APPENDED ? O_APPEND : 0;
            runner->output = open(runner->output_path, O_WRONLY | O_CLOEXEC | append);
            lseek(runner->output, 0, SEEK_END);
        }
    }
}

/* Another shmsum that adds its results to the same file. */
static void start_companion(struct runner *runner)
{
    static const char *const arguments[] = {"-o-", "--format=json", "companion.txt", NULL};
    struct text input = {0};
    for (size_t line = 1; line <= runner->plan->companion; line++)
        companion_input(&input, line);
    write_text("companion.txt", &input);
    text_clear(&input);
    int output = open(runner->output_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(output >= 0 && null >= 0, "open: %s", strerror(errno));
    runner->companion = session_start(&(struct session_config){
        .arguments = arguments,
        .input = INPUT_DESCRIPTOR,
        .input_descriptor = null,
        .output = OUTPUT_DESCRIPTOR,
        .output_descriptor = output,
    });
    close(null);
    close(output);
}

void runner_start(struct runner *runner, const struct plan *plan)
{
    *runner = (struct runner){.plan = plan, .description = plan_describe(plan)};
    int input = make_inputs(plan);
    make_output(runner);
    int null = -1;
    if (input < 0 && plan->standard < STANDARD_PIPE)
        input = null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct session_config config = {
        .arguments = (const char *const *)plan->arguments,
        .input = plan->standard == STANDARD_PIPE       ? INPUT_PIPE
                 : plan->standard == STANDARD_TERMINAL ? INPUT_TERMINAL
                                                       : INPUT_DESCRIPTOR,
        .input_descriptor = input,
        .output = plan->output == TO_PIPE ? OUTPUT_PIPE
                  : runner->output >= 0   ? OUTPUT_DESCRIPTOR
                                          : OUTPUT_FILE,
        .output_descriptor = runner->output,
        .messages_by_pipe = plan->messages == SAY_TO_PIPE,
        .controlled = plan->messages == SAY_TO_TERMINAL,
        .prepare = prepare,
    };
    starting = plan;
    runner->session = session_start(&config);
    for (size_t i = 0; i < plan->step_count; i++)
        runner->stalled = runner->stalled || plan->steps[i].action == STEP_FULL;
    for (size_t i = 0; i < PLAN_SOURCES; i++)
        runner->feeds[i].writer = runner->feeds[i].reader = -1;
    for (size_t i = 0; i < plan->source_count; i++) {
        if (plan->sources[i].kind != SOURCE_STANDARD)
            continue;
        if (plan->standard == STANDARD_PIPE) {
            runner->feeds[i].writer = runner->session.input;
            runner->feeds[i].reader = runner->session.input_reader;
            fcntl(runner->session.input, F_SETFL, O_NONBLOCK);
        } else if (plan->standard == STANDARD_TERMINAL) {
            runner->feeds[i].writer = runner->session.terminal;
        } else {
            runner->feeds[i].reader = input; /* the offset is shared */
        }
    }
    if (null >= 0)
        close(null);
    runner->slave = -1;
    if (runner->session.terminal >= 0) {
        char name[64];
        set_terminal(runner->session.terminal);
        fcntl(runner->session.terminal, F_SETFL, O_NONBLOCK);
        if (ptsname_r(runner->session.terminal, name, sizeof name) == 0)
            runner->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        check(runner->slave >= 0, "open: terminal: %s", strerror(errno));
    }
    if (plan->companion > 0)
        start_companion(runner);
}

/* ---- pumping: whatever happens, the readers read ---- */

/* One read; false when nothing comes any more. */
static bool read_some(int fd, struct text *text, size_t most)
{
    static char bytes[65536];
    ssize_t got = read(fd, bytes, most < sizeof bytes ? most : sizeof bytes);
    if (got > 0)
        text_add(text, bytes, (size_t)got);
    return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

/* An exit status, or BY_SIGNAL(n). */
static int end_of(int status)
{
    return WIFSIGNALED(status) ? BY_SIGNAL(WTERMSIG(status)) : WEXITSTATUS(status);
}

static void reap_parent(struct runner *runner)
{
    int status;
    if (runner->ended ||
        waitpid(runner->session.parent, &status, WNOHANG) != runner->session.parent)
        return;
    harness_forget(runner->session.parent);
    runner->ended = true;
    runner->status = end_of(status);
    note_step(runner, "the parent has ended");
}

/* Reads what there is, waiting at most `ms` for it. False when there was nothing. */
static bool pump(struct runner *runner, int ms)
{
    struct session *session = &runner->session;
    int *from[] = {&session->output, &session->messages_reader, &session->terminal};
    struct text *to[] = {&runner->from_output, &runner->from_messages, &runner->from_terminal};
    struct pollfd ready[3];
    for (int i = 0; i < 3; i++)
        ready[i] = (struct pollfd){.fd = *from[i], .events = POLLIN};
    if (runner->stalled)
        ready[0].fd = -1;
    bool any = poll(ready, 3, ms) > 0;
    bool read_any = false;
    for (int i = 0; any && i < 3; i++) {
        if (ready[i].revents == 0)
            continue;
        if (read_some(*from[i], to[i], runner->plan->slow_bytes)) {
            read_any = true;
        } else if (i < 2) { /* no writer is left */
            close(*from[i]);
            *from[i] = -1;
        }
    }
    if (read_any && runner->plan->slow_us > 0)
        usleep(runner->plan->slow_us);
    reap_parent(runner);
    return read_any;
}

static pid_t child_of(struct runner *runner)
{
    pid_t children[4];
    return !runner->ended && children_of(runner->session.parent, children, 4) > 0 ? children[0] : 0;
}

/* The state of a process, as in /proc/PID/stat; '-' when it is gone. */
static char state_of(pid_t pid)
{
    char path[64], state = '-';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return '-';
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '-';
    fclose(file);
    return state;
}

static _Noreturn void fail_hang(struct runner *runner, const char *what)
{
    char text[200];
    snprintf(text, sizeof text, "%s does not come within %d ms; parent %c, child %c", what,
             DEADLINE_MS, runner->ended ? '-' : state_of(runner->session.parent),
             child_of(runner) == 0 ? '-' : state_of(child_of(runner)));
    runner_fail(runner, text);
}

static bool any_stopped(const struct runner *runner)
{
    return runner->stopped[AT_PARENT] || runner->stopped[AT_CHILD] || runner->stopped[AT_GROUP];
}

static void send_signal(struct runner *runner, enum plan_target target, int signal)
{
    pid_t parent = runner->session.parent;
    if (runner->ended)
        return;
    if (target == AT_CHILD) {
        pid_t child = child_of(runner); /* asked once: it may end now, and 0 is our own group */
        if (child != 0)
            kill(child, signal);
    }
    if (target == AT_PARENT || (target == AT_GROUP && kill(-parent, signal) < 0))
        kill(parent, signal);
    if (target == AT_KEYBOARD && write(runner->session.terminal, "\3", 1) != 1)
        note_step(runner, "the key was not taken");
}

/* The group is that of the parent, and is there as long as one of the two is. */
static void continue_all(struct runner *runner)
{
    if (!any_stopped(runner))
        return;
    memset(runner->stopped, 0, sizeof runner->stopped);
    if (kill(-runner->session.parent, SIGCONT) < 0 && !runner->ended)
        kill(runner->session.parent, SIGCONT);
}

static bool both_asleep(struct runner *runner)
{
    pid_t child = child_of(runner);
    return child != 0 && state_of(runner->session.parent) == 'S' && state_of(child) == 'S';
}

/* Both programs may sleep because nobody reads the results. The caller waits for something else:
 * the reader has to begin. */
static void relieve(struct runner *runner)
{
    if (runner->stalled && both_asleep(runner))
        runner->stalled = false;
}

/* ---- feeding ---- */

static bool feeds_now(const struct runner *runner)
{
    return runner->current < runner->plan->source_count;
}

/* The next source that is fed. */
static void find_current(struct runner *runner)
{
    while (feeds_now(runner) && !plan_is_fed(runner->plan, runner->current))
        runner->current++;
}

static bool is_last_fed(const struct runner *runner)
{
    for (size_t i = runner->current + 1; i < runner->plan->source_count; i++)
        if (plan_is_fed(runner->plan, i))
            return false;
    return true;
}

/* The writing end of the current source; -1 when the run has ended before it came to it. */
static int open_feed(struct runner *runner)
{
    const struct plan_source *source = &runner->plan->sources[runner->current];
    int *writer = &runner->feeds[runner->current].writer;
    double deadline = now_ms() + DEADLINE_MS;
    while (*writer < 0 && !runner->ended) {
        *writer = open(source->name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (*writer >= 0) {
            runner->feeds[runner->current].reader =
                open(source->name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
            break;
        }
        check(errno == ENXIO, "open: %s: %s", source->name, strerror(errno));
        continue_all(runner);
        relieve(runner);
        pump(runner, 1);
        if (now_ms() > deadline)
            fail_hang(runner, "the opening of a FIFO");
    }
    return *writer;
}

/* All of the current source was fed: its end. */
static void close_feed(struct runner *runner)
{
    size_t current = runner->current;
    const struct plan_source *source = &runner->plan->sources[current];
    int writer = open_feed(runner);
    if (source->kind == SOURCE_STANDARD && runner->plan->standard == STANDARD_TERMINAL) {
        bool whole = source->bytes.size == 0 || source->bytes.bytes[source->bytes.size - 1] == '\n';
        const char *keys = whole ? "\4" : "\4\4";
        double deadline = now_ms() + DEADLINE_MS;
        while (*keys != '\0' && !runner->ended) {
            if (write(runner->session.terminal, keys, 1) == 1)
                keys++;
            else
                pump(runner, 1);
            if (now_ms() > deadline)
                fail_hang(runner, "the taking of Ctrl+D");
        }
    } else if (source->kind == SOURCE_STANDARD) {
        session_close_input(&runner->session);
    } else if (writer >= 0) {
        close(writer);
    }
    runner->feeds[current].writer = -1;
    runner->feeds[current].closed = true;
    runner->current++;
    find_current(runner);
}

/* Feeds until `at` bytes were fed in all. Ends early with the run, or when it is over. */
static void feed_until(struct runner *runner, size_t at)
{
    double deadline = now_ms() + DEADLINE_MS;
    find_current(runner);
    while (!runner->ended && !runner->over && feeds_now(runner)) {
        const struct text *bytes = &runner->plan->sources[runner->current].bytes;
        size_t *fed = &runner->feeds[runner->current].fed;
        if (*fed == bytes->size) {
            if (is_last_fed(runner))
                return;
            close_feed(runner);
            continue;
        }
        if (runner->fed_total >= at)
            return;
        int writer = open_feed(runner);
        if (writer < 0)
            return;
        size_t size = bytes->size - *fed;
        if (size > at - runner->fed_total)
            size = at - runner->fed_total;
        ssize_t wrote = write(writer, bytes->bytes + *fed, size);
        if (wrote > 0) {
            *fed += (size_t)wrote;
            runner->fed_total += (size_t)wrote;
            deadline = now_ms() + DEADLINE_MS;
        } else {
            check(errno == EAGAIN || errno == EINTR || errno == EPIPE || errno == EIO, "write: %s",
                  strerror(errno));
            continue_all(runner); /* the pipe is full: nobody would read */
            relieve(runner);
            pump(runner, 1);
        }
        pump(runner, 0);
        if (now_ms() > deadline)
            fail_hang(runner, "the taking of input");
    }
}

/* Where in the stream of all sources the feeding is. */
static size_t fed_place(const struct runner *runner)
{
    return feeds_now(runner)
               ? runner->plan->sources[runner->current].begin + runner->feeds[runner->current].fed
               : runner->plan->total;
}

/* ---- states that are waited for ---- */

static size_t held(int fd)
{
    int bytes = 0;
    return fd >= 0 && ioctl(fd, FIONREAD, &bytes) == 0 ? (size_t)bytes : 0;
}

static size_t count_prompts(const struct text *text)
{
    size_t count = 0;
    const char *line = text->bytes;
    while (line != NULL) {
        while (strncmp(line, "> ", 2) == 0) {
            count++;
            line += 2;
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return count;
}

/* Whether the programs have read all whole lines that were typed. The kernel takes its time to hand
 * them over, so that only the prompt for the next one shows it. */
static bool has_prompted(const struct runner *runner)
{
    const struct text *bytes = &runner->plan->sources[runner->current].bytes;
    size_t lines = 0;
    for (size_t i = 0; i < runner->feeds[runner->current].fed; i++)
        lines += bytes->bytes[i] == '\n';
    return count_prompts(&runner->from_terminal) == lines + 1;
}

/* Whether the programs have read all that was fed. */
static bool is_drained(const struct runner *runner)
{
    if (!feeds_now(runner))
        return true;
    if (runner->plan->standard == STANDARD_TERMINAL)
        return runner->plan->dialogue ? has_prompted(runner) : held(runner->slave) == 0;
    return held(runner->feeds[runner->current].reader) == 0;
}

static bool is_idle(struct runner *runner)
{
    const struct session *session = &runner->session;
    return is_drained(runner) && held(session->output) == 0 &&
           held(session->messages_reader) == 0 && held(session->terminal) == 0 &&
           both_asleep(runner);
}

static bool has_child(struct runner *runner)
{
    return child_of(runner) != 0;
}

static bool is_drained_now(struct runner *runner)
{
    return is_drained(runner);
}

/* Waits until the state was seen twice in a row; false when the run ended before. */
static bool await_state(struct runner *runner, bool (*is_there)(struct runner *), const char *name)
{
    double deadline = now_ms() + DEADLINE_MS;
    int times = 0;
    while (!runner->ended) {
        bool quiet = !pump(runner, 0);
        times = quiet && is_there(runner) ? times + 1 : 0;
        if (times == 2)
            return true;
        if (times == 0)
            relieve(runner);
        pump(runner, 1);
        if (now_ms() > deadline)
            fail_hang(runner, name);
    }
    return false;
}

/* Both programs sleep: the results of all that was fed are out. */
static void note_idle(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    if (!feeds_now(runner) || runner->feeds[runner->current].fed == 0)
        return; /* the start may not be over */
    if (plan->standard == STANDARD_TERMINAL && !plan->dialogue)
        return; /* what was typed may be on its way */
    size_t place = fed_place(runner);
    runner->idle_results = plan_results_of(plan, place);
}

/* ---- the steps ---- */

static int open_shared(const struct runner *runner)
{
    return runner->plan->output == TO_NAMED
               ? open(runner->output_path, O_WRONLY | O_APPEND | O_CLOEXEC)
               : dup(runner->output);
}

/* Another program writes a line to where the results go. */
static void write_foreign(struct runner *runner)
{
    int fd = open_shared(runner);
    if (fd < 0)
        return;
    struct text line = {0};
    foreign_line(&line, runner->foreign++);
    write_bytes(fd, line.bytes, line.size);
    text_clear(&line);
    close(fd);
}

/* Somebody cuts or removes the named results. Only once there are some. */
static void spoil_results(struct runner *runner, bool removes)
{
    const struct plan *plan = runner->plan;
    struct stat status;
    size_t kept = plan->append ? plan->before.size : 0;
    if (runner->ended || runner->idle_results == 0 || stat(runner->output_path, &status) < 0 ||
        (size_t)status.st_size <= kept)
        return;
    int result = removes ? unlink(runner->output_path) : truncate(runner->output_path, (off_t)kept);
    check(result == 0, "%s: %s", runner->output_path, strerror(errno));
    runner->gone = true;
}

/* A signal; and whether it must decide how the run ends: while there is input to come, the run
 * cannot end by itself. */
static void take_signal(struct runner *runner, const struct plan_step *step)
{
    const struct plan *plan = runner->plan;
    reap_parent(runner);
    if (runner->ended)
        return;
    bool open = feeds_now(runner) && plan->blank_at > fed_place(runner) && !runner->left;
    bool kills = step->signal == SIGKILL;
    bool to_parent = step->target != AT_CHILD;
    if (step->target == AT_KEYBOARD || step->signal == plan->ignored)
        continue_all(runner); /* the programs must have begun */
    if (step->target == AT_KEYBOARD && !await_state(runner, has_child, "the child"))
        return;
    if (!to_parent && (!kills || child_of(runner) == 0)) {
        send_signal(runner, AT_CHILD, step->signal); /* which ignores it */
        return;
    }
    if (step->signal == plan->ignored) {
        if (await_state(runner, has_child, "the child")) /* from here on it is ignored */
            /* Not by the key: the terminal would drop what is typed and not read. */
            send_signal(runner, step->target == AT_KEYBOARD ? AT_GROUP : step->target,
                        step->signal);
        return;
    }
    runner->certain = runner->certain || open;
    runner->over = true;
    runner->typed = runner->typed || step->target == AT_KEYBOARD;
    if (!to_parent)
        runner->killed_child = true;
    else if (kills || step->signal == SIGQUIT)
        runner->killed_parent = true;
    if (kills && step->target == AT_GROUP)
        runner->killed_child = true;
    if (to_parent && runner->signal_count < 2)
        runner->signals[runner->signal_count++] = step->signal;
    send_signal(runner, step->target, step->signal);
    if (!kills || to_parent)
        continue_all(runner);
}

static void take_step(struct runner *runner, const struct plan_step *step)
{
    struct session *session = &runner->session;
    bool waits = !any_stopped(runner);
    note_step(runner, plan_step_name(step));
    switch (step->action) {
    case STEP_CUT:
        pump(runner, 0);
        break;
    case STEP_PAUSE: {
        double until = now_ms() + step->us / 1e3;
        while (now_ms() < until && !runner->ended)
            pump(runner, 0);
        break;
    }
    case STEP_DRAINED:
        if (waits)
            await_state(runner, is_drained_now, "the taking of what was fed");
        break;
    case STEP_IDLE:
        /* Without a source that is fed, the programs do not wait for anything. */
        if (waits && feeds_now(runner) && runner->feeds[runner->current].fed > 0 &&
            await_state(runner, is_idle, "the sleep of both programs"))
            note_idle(runner);
        break;
    case STEP_CHILD:
        if (waits)
            await_state(runner, has_child, "the child");
        break;
    case STEP_FULL:
        /* How many bytes a full pipe holds depends on the writes, so that their count shows
         * nothing. Both programs sleep: the child before the pipe, or both for input. */
        if (waits)
            await_state(runner, both_asleep, "a full pipe");
        break;
    case STEP_SIGNAL:
        take_signal(runner, step);
        break;
    case STEP_STOP:
        runner->stopped[step->target] = true;
        send_signal(runner, step->target, SIGSTOP);
        break;
    case STEP_CONTINUE:
        runner->stopped[step->target] = false;
        send_signal(runner, step->target, SIGCONT);
        break;
    case STEP_LEAVE:
        reap_parent(runner);
        if (session->output < 0)
            break;
        runner->left = true;
        close(session->output);
        session->output = -1;
        /* What is still to be fed has results, which nobody takes. */
        runner->certain = !runner->ended && feeds_now(runner) &&
                          plan_results_of(runner->plan, fed_place(runner)) <
                              plan_results_of(runner->plan, runner->plan->total);
        break;
    case STEP_UNHEARD:
        if (session->messages_reader >= 0)
            close(session->messages_reader);
        session->messages_reader = -1;
        runner->unheard = true;
        break;
    case STEP_FOREIGN:
        reap_parent(runner);
        /* Not before the named file is open: a run does not append behind an unfinished line. */
        if (runner->plan->output == TO_NAMED &&
            (!waits || !await_state(runner, has_child, "the child")))
            break;
        if (!runner->ended)
            write_foreign(runner);
        break;
    case STEP_TRUNCATE:
        spoil_results(runner, false);
        break;
    case STEP_REMOVE:
        spoil_results(runner, true);
        break;
    }
}

void runner_take_steps(struct runner *runner)
{
    const struct plan *plan = runner->plan;
    find_current(runner);
    for (size_t i = 0; i < plan->step_count && !runner->ended; i++) {
        feed_until(runner, plan->steps[i].at);
        bool last = plan->end != END_OWN && i >= plan->last_steps;
        if (last && plan->closes_before_end && feeds_now(runner) && !runner->ended)
            close_feed(runner);
        if (!runner->ended)
            take_step(runner, &plan->steps[i]);
    }
    runner->stalled = false;
    feed_until(runner, SIZE_MAX);
    continue_all(runner);
    while (feeds_now(runner) && !runner->ended && !runner->over)
        close_feed(runner);
}

/* ---- the end ---- */

static void await_companion(struct runner *runner)
{
    pid_t pid = runner->companion.parent;
    int status;
    double deadline = now_ms() + DEADLINE_MS;
    while (waitpid(pid, &status, WNOHANG) != pid) {
        pump(runner, 1);
        if (now_ms() > deadline)
            fail_hang(runner, "the end of the other shmsum");
    }
    harness_forget(pid);
    runner->companion_name = has_name(pid);
    runner->companion_status = end_of(status);
    session_clean_up(&runner->companion);
}

static void await_orphans(struct runner *runner)
{
    double deadline = now_ms() + DEADLINE_MS;
    for (;;) {
        pid_t children[16];
        size_t count = children_of(getpid(), children, 16);
        if (count == 0)
            return;
        for (size_t i = 0; i < count; i++) {
            int status;
            if (waitpid(children[i], &status, WNOHANG) != children[i])
                continue;
            runner->orphans++;
            runner->orphan_status = end_of(status);
        }
        pump(runner, 1);
        if (now_ms() > deadline)
            fail_hang(runner, "the end of the child");
    }
}

/* All that is in pipes and terminals. */
static void read_rest(struct runner *runner)
{
    if (runner->slave >= 0)
        close(runner->slave);
    runner->slave = -1;
    struct session *session = &runner->session;
    while (session->output >= 0 || session->messages_reader >= 0)
        pump(runner, 10);
    while (session->terminal >= 0 && read_some(session->terminal, &runner->from_terminal, 65536)) {
        struct pollfd ready = {.fd = session->terminal, .events = POLLIN};
        poll(&ready, 1, 1000);
    }
}

void runner_await_end(struct runner *runner)
{
    double deadline = now_ms() + DEADLINE_MS;
    while (!runner->ended) {
        pump(runner, 1);
        if (now_ms() > deadline)
            fail_hang(runner, "the end");
    }
    if (runner->plan->companion > 0)
        await_companion(runner);
    await_orphans(runner);
    read_rest(runner);
}

void runner_taken(const struct runner *runner, size_t *low, size_t *high)
{
    const struct plan *plan = runner->plan;
    *low = 0;
    *high = plan->total;
    for (size_t i = 0; i < plan->source_count; i++) {
        const struct plan_source *source = &plan->sources[i];
        int reader = runner->feeds[i].reader;
        size_t taken;
        if (source->kind == SOURCE_FILE)
            continue;
        if (source->kind == SOURCE_STANDARD && plan->standard == STANDARD_TERMINAL) {
            *high = source->begin + runner->feeds[i].fed;
            continue;
        }
        if (source->kind == SOURCE_STANDARD && plan->standard == STANDARD_FILE) {
            off_t at = lseek(reader, 0, SEEK_CUR);
            taken = at < 0 ? 0 : (size_t)at;
        } else {
            taken = runner->feeds[i].fed - held(reader);
        }
        if (taken > 0) {
            *low = source->begin + taken;
            *high = taken < source->bytes.size ? *low : plan->total;
        } else if (source->bytes.size > 0 && source->begin < *high) {
            *high = source->begin;
        }
    }
}

void runner_write_after(struct runner *runner)
{
    struct text line = {0};
    foreign_line(&line, runner->foreign++);
    write_bytes(runner->output, line.bytes, line.size);
    text_clear(&line);
}

/* ---- cleaning up ---- */

static void remove_files(void)
{
    DIR *folder = opendir(".");
    check(folder != NULL, "opendir: %s", strerror(errno));
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(entry->d_name);
    closedir(folder);
}

void runner_clean_up(struct runner *runner)
{
    session_clean_up(&runner->session);
    for (size_t i = 0; i < PLAN_SOURCES; i++) {
        bool fifo = i < runner->plan->source_count && runner->plan->sources[i].kind == SOURCE_FIFO;
        if (fifo && runner->feeds[i].writer >= 0)
            close(runner->feeds[i].writer);
        bool pipe = i < runner->plan->source_count &&
                    runner->plan->sources[i].kind == SOURCE_STANDARD &&
                    runner->plan->standard == STANDARD_PIPE;
        if (!pipe && runner->feeds[i].reader >= 0)
            close(runner->feeds[i].reader);
    }
    if (runner->output >= 0)
        close(runner->output);
    text_clear(&runner->from_output);
    text_clear(&runner->from_messages);
    text_clear(&runner->from_terminal);
    text_clear(&runner->log);
    free(runner->description);
    remove_files();
}
