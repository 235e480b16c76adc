/* test_ends.c - runs that end by themselves: END of input from every kind of input, the dialogue,
 * a blank line, and runs that are stopped and continued, or that wait for a slow peer. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void from_file(const void *argument)
{
    (void)argument;
    write_lines("input.txt", 1, 100000);
    static const char *const arguments[] = {"-o", "results.txt", "input.txt", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_end(&session, 0);
    check(check_results("results.txt") == 100000, "not all lines");
    check(session.orphans == 0, "the child outlived the parent");
    check_file(session.messages, "");
}

static void from_pipe(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3); /* results come while the input is open */
    session_feed_lines(&session, 4, 50000);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 50000, "not all lines");
    check(session.orphans == 0, "the child outlived the parent");
    check_file(session.messages, "");
}

static void empty_input(const void *argument)
{
    (void)argument;
    write_file("results.txt", "old\n");
    struct session session = session_start(&(struct session_config){0});
    session_close_input(&session);
    session_end(&session, 0);
    check_file("results.txt", "");
}

static void unfinished_last_line(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_feed(&session, "1 1\n2 1");
    session_close_input(&session);
    session_end(&session, 0);
    check_file("results.txt", "2\n3\n");
}

/* The dialogue that docs/design.md shows, with the echo of a terminal. */
static void dialogue(const void *argument)
{
    bool empty_line = argument != NULL;
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "1 2 3\n");
    session_expect(&session, "> ");
    session_feed(&session, "0.1 0.2\n");
    session_expect(&session, "> ");
    check_file("results.txt", "6\n0.3\n"); /* a shown answer is in the file */
    session_feed(&session, "1 two 3\n");
    session_expect(&session, "> ");
    session_feed(&session, empty_line ? "\n" : "\4");
    session_end(&session, 1);
    check_file("results.txt", "6\n0.3\nerror: column 3: \"two\" is not a number\n");
    /* The newline after the last prompt is the program's own after Ctrl+D, and otherwise the echo
     * of the empty line. */
    static const char expected[] =
        "> 1 2 3\r\n= 6\r\n> 0.1 0.2\r\n= 0.3\r\n> 1 two 3\r\n"
        "stdin:3:3: error: \"two\" is not a number\r\n    1 two 3\r\n      ^~~\r\n> \r\n"
        "3 lines, 2 sums, 1 error; results in results.txt\r\n";
    check(strcmp(session.transcript, expected) == 0, "the terminal shows \"%s\" instead of \"%s\"",
          session.transcript, expected);
}

static void dialogue_of_slow_typist(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){.input = INPUT_TERMINAL});
    session_expect(&session, "> ");
    session_feed(&session, "1 2\4"); /* Ctrl+D within a line sends the line so far */
    sleep_ms(20);
    session_feed(&session, "3\n");
    session_expect(&session, "= 24\r\n> ");
    session_feed(&session, "4 5\n6 7\n8 9\n"); /* typed ahead */
    session_expect(&session, "= 9\r\n> ");
    session_expect(&session, "= 13\r\n> ");
    session_expect(&session, "= 17\r\n> ");
    session_feed(&session, "5 5\4\4"); /* an unfinished last line */
    session_end(&session, 0);
    session_check_message(&session, "= 10\r\n");
    check_file("results.txt", "24\n9\n13\n17\n10\n");
}

/* The kernel keeps 4,095 bytes of a line that is typed and drops the rest. Such a line is an error,
 * in the dialogue, without it, and when the terminal is a file; with a result of its own, at its
 * place. One byte less is whole. */
static void long_line_at_terminal(const void *argument)
{
    static const char *const never[] = {"--prompt=never", NULL};
    static const char *const named[] = {"/dev/tty", NULL};
    const char *how = argument;
    bool dialogue = strcmp(how, "dialogue") == 0;
    const char *const *arguments = dialogue ? NULL : strcmp(how, "never") == 0 ? never : named;
    struct session session =
        session_start(&(struct session_config){.input = INPUT_TERMINAL, .arguments = arguments});
    struct termios mode; /* without the echo, which is longer than the terminal's buffer */
    check(tcgetattr(session.terminal, &mode) == 0, "tcgetattr");
    mode.c_lflag &= ~(tcflag_t)ECHO;
    check(tcsetattr(session.terminal, TCSANOW, &mode) == 0, "tcsetattr");
    if (dialogue)
        session_expect(&session, "> ");
    else
        session_await_child(&session);
    char line[5000];
    memset(line, ' ', sizeof line);
    line[0] = '1';
    line[4093] = '2', line[4094] = '\n', line[4095] = '\0'; /* 4,094 bytes */
    session_feed(&session, line);
    session_await_results(&session, 1);
    for (size_t i = 0; i < 2500; i++)
        memcpy(line + 2 * i, "1 ", 2);
    line[4998] = '\n', line[4999] = '\0';
    session_feed(&session, line);
    session_await_results(&session, 2);
    session_feed(&session, "3 4\n");
    session_await_results(&session, 3);
    session_feed(&session, "\4");
    session_end(&session, 1);
    check_file("results.txt",
               "3\nerror: column 4096: the terminal may have dropped what is typed from here on; "
               "put the line into a file\n7\n");
}

static void blank_line_ends_endless_pipe(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_feed_lines(&session, 1, 3);
    session_feed(&session, " \t\n");
    session_feed_endlessly(&session, 4);
    session_end(&session, 1);
    check(check_results("results.txt") == 3, "not the results of the lines before the blank line");
    session_check_message(&session, "stdin:4: warning: a blank line ends the input");
}

/* Each program is stopped and continued, then both: as job control and debuggers do. */
static void stopped_and_continued(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    session_await_child(&session);
    session_feed_endlessly(&session, 1);
    pid_t whom[] = {session.child, session.parent, -session.parent};
    for (int i = 0; i < 3; i++) {
        session_await_results(&session, 1000U * (unsigned)(i + 1));
        kill(whom[i], SIGSTOP);
        sleep_ms(50);
        kill(whom[i], SIGCONT);
    }
    size_t size;
    char *text = read_file("results.txt", &size);
    unsigned long before = check_result_text(text, size, true); /* a write may be under way */
    free(text);
    session_await_results(&session, before + 1000);
    session_signal(&session, session.parent, SIGTERM);
    unsigned long taken = session_end_counted(&session, BY_SIGNAL(SIGTERM));
    check(check_results("results.txt") == taken, "a line was lost");
}

static void set_nonblocking(int fd)
{
    check(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "fcntl: %s", strerror(errno));
}

static void nonblocking_input(const void *argument)
{
    (void)argument;
    struct session session = session_start(&(struct session_config){0});
    /* O_NONBLOCK belongs to the open file, which the programs share. */
    set_nonblocking(session.input_reader);
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    session_feed_lines(&session, 4, 6);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 6, "not all lines");
}

/* A writer opens the FIFO only after the programs have started. */
static void fifo(const void *argument)
{
    (void)argument;
    check(mkfifo("input.fifo", 0600) == 0, "mkfifo: %s", strerror(errno));
    static const char *const arguments[] = {"-o", "results.txt", "input.fifo", NULL};
    struct session session = session_start(&(struct session_config){.arguments = arguments});
    session_await_child(&session);
    sleep_ms(50);
    int fd = open("input.fifo", O_WRONLY | O_CLOEXEC);
    check(fd >= 0 && write(fd, "1 1\n2 1\n", 8) == 8, "input.fifo: %s", strerror(errno));
    session_await_results(&session, 2);
    check(write(fd, "3 1\n", 4) == 4, "write: %s", strerror(errno));
    close(fd);
    session_end(&session, 0);
    check(check_results("results.txt") == 3, "not all lines");
}

/* The reader of the results starts late and still receives all of them. */
static void slow_reader(const void *argument)
{
    bool nonblocking = argument != NULL;
    write_lines("input.txt", 1, 100000);
    static const char *const arguments[] = {"-o", "-", "input.txt", NULL};
    int ends[2];
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe: %s", strerror(errno));
    if (nonblocking)
        set_nonblocking(ends[1]);
    struct session session = session_start(&(struct session_config){
        .arguments = arguments, .output = OUTPUT_DESCRIPTOR, .output_descriptor = ends[1]});
    close(ends[1]);
    await_full(ends[0]);
    char *text = malloc(1 << 20);
    check(text != NULL, "malloc");
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], text + used, (1 << 20) - used)) > 0)
        used += (size_t)got;
    close(ends[0]);
    session_end(&session, 0);
    check(check_result_text(text, used, false) == 100000, "not all lines");
    free(text);
}

/* The layout that `cmake --install` makes, under any prefix. */
static void installed_layout(const void *argument)
{
    (void)argument;
    check(mkdir("bin", 0755) == 0 && mkdir("libexec", 0755) == 0 &&
              mkdir("libexec/shmsum", 0755) == 0,
          "mkdir: %s", strerror(errno));
    check(getenv("SHMSUM_CHILD") != NULL, "SHMSUM_CHILD is not set");
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    copy_program(getenv("SHMSUM_CHILD"), "libexec/shmsum/shmsum-child");
    struct session session = session_start(&(struct session_config){.program = "bin/shmsum"});
    session_feed_lines(&session, 1, 3);
    session_close_input(&session);
    session_end(&session, 0);
    check(check_results("results.txt") == 3, "not all lines");
}

/* The values of NO_COLOR and TERM, separated by a space, for the next run; "-" means unset. */
static const char *environment;

static void set_environment(void)
{
    char no_color[32], terminal[32];
    if (sscanf(environment, "%31s %31s", no_color, terminal) != 2)
        _exit(99);
    unsetenv("NO_COLOR");
    unsetenv("TERM");
    if (strcmp(no_color, "-") != 0)
        setenv("NO_COLOR", strcmp(no_color, "empty") == 0 ? "" : no_color, true);
    if (strcmp(terminal, "-") != 0)
        setenv("TERM", terminal, true);
}

/* Feeds a bad line at a terminal and checks whether the message is colored. */
static void check_color(const char *in, const char *when, bool color)
{
    environment = in;
    const char *const arguments[] = {"-o", "results.txt", when, NULL};
    struct session session = session_start(&(struct session_config){
        .input = INPUT_TERMINAL, .arguments = arguments, .prepare = set_environment});
    session_expect(&session, "> ");
    session_feed(&session, "two\n\n");
    session_end(&session, 1);
    bool colored =
        strstr(session.transcript, "\r\n\033[1mstdin:1:1: \033[1;31merror:\033[0m ") != NULL &&
        strstr(session.transcript, "\r\n    \033[1;32m^~~\033[0m\r\n") != NULL;
    bool escapes = strchr(session.transcript, '\033') != NULL;
    check(color ? colored : !escapes, "NO_COLOR and TERM \"%s\", %s: the terminal shows \"%s\"", in,
          when, session.transcript);
}

static void color(const void *argument)
{
    (void)argument;
    check_color("- xterm", "--color=auto", true);
    check_color("empty xterm", "--color=auto", true);
    check_color("- -", "--color=auto", true);
    check_color("1 xterm", "--color=auto", false);
    check_color("- dumb", "--color=auto", false);
    check_color("- xterm", "--color=never", false);
    check_color("1 dumb", "--color=always", true);
}

/* The terminal must show `first` and then `second`, and every progress line must be erased. */
static void check_drawn(const struct session *session, const char *first, const char *second)
{
    const char *at = strstr(session->transcript, first);
    check(at != NULL && strstr(at, second) != NULL,
          "the terminal shows \"%s\" instead of \"%s\", then \"%s\"", session->transcript, first,
          second);
    const char *drawn = session->transcript;
    for (const char *next; (next = strstr(drawn, "B/s")) != NULL; drawn = next + 3)
        check(strncmp(next, "B/s\r\033[K", 7) == 0, "the terminal keeps \"%s\"", next);
}

/* A run of more than a second at a terminal shows a progress line. An error message erases the line
 * first, and so does the end of the run. */
static void progress(const void *argument)
{
    bool stopped = argument != NULL;
    struct session session = session_start(&(struct session_config){.controlled = true});
    session_feed_lines(&session, 1, 3);
    session_await_results(&session, 3);
    check(session.transcript_size == 0, "something is shown before a second has passed");
    sleep_ms(1100);
    session_feed_lines(&session, 4, 6);
    session_expect(&session, "B/s");
    session_feed(&session, "two\n");
    session_expect(&session, "\r\033[Kstdin:7:1: error: ");
    session_expect(&session, "^~~\r\n");
    sleep_ms(150);
    session_feed_lines(&session, 8, 9);
    session_expect(&session, "B/s");
    if (stopped)
        session_signal(&session, session.parent, SIGTERM);
    else
        session_close_input(&session);
    session_end(&session, stopped ? BY_SIGNAL(SIGTERM) : 1);
    check_drawn(&session, "B/s\r\033[Kstdin:7:1: error: ",
                stopped ? "B/s\r\033[Kshmsum: stopped by signal" : "B/s\r\033[K");
}

static const struct test_case cases[] = {
    {"file", from_file, NULL, 0},
    {"pipe", from_pipe, NULL, 0},
    {"empty_input", empty_input, NULL, 0},
    {"unfinished_last_line", unfinished_last_line, NULL, 0},
    {"dialogue_ctrl_d", dialogue, NULL, 0},
    {"dialogue_empty_line", dialogue, "", 0},
    {"dialogue_of_slow_typist", dialogue_of_slow_typist, NULL, 0},
    {"long_line_at_terminal", long_line_at_terminal, "dialogue", 0},
    {"long_line_at_terminal_without_prompt", long_line_at_terminal, "never", 0},
    {"long_line_of_terminal_as_file", long_line_at_terminal, "file", 0},
    {"blank_line_ends_endless_pipe", blank_line_ends_endless_pipe, NULL, 0},
    {"stopped_and_continued", stopped_and_continued, NULL, 0},
    {"nonblocking_input", nonblocking_input, NULL, 0},
    {"fifo", fifo, NULL, 0},
    {"slow_reader", slow_reader, NULL, 0},
    {"nonblocking_output", slow_reader, "", 0},
    {"installed_layout", installed_layout, NULL, 0},
    {"color", color, NULL, 0},
    {"progress", progress, NULL, 0},
    {"progress_stopped", progress, "", 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
