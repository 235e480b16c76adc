/*
 * harness.h - runs test cases of real processes, and sees to it that nothing remains of them.
 *
 * Each case runs in a process of its own, in a private folder that is its working directory, under
 * a time limit. When it has ended, the runner counts what is left: descriptors that the case opened
 * and did not close, processes that it started (also orphans: both the case and the runner are
 * subreapers). Whatever is left is removed, and fails the case. The manner is that of Wayland's
 * tests; test_harness.c has the cases that must fail.
 */
#ifndef SHMSUM_TESTS_PROCESSES_HARNESS_H
#define SHMSUM_TESTS_PROCESSES_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A tool of sanitizers/ looks on: everything takes longer and more memory. */
#ifdef SHMSUM_SANITIZED
#define HARNESS_SANITIZED 1
#else
#define HARNESS_SANITIZED 0
#endif

enum { HARNESS_NAME_MAX = 300 };
enum { HARNESS_PASS = 0, HARNESS_FAIL = 1, HARNESS_SKIP = 77 };

enum {
    /* What shall happen at once must happen within this: only to turn a hang into a failure. */
    DEADLINE_MS = HARNESS_SANITIZED ? 60000 : 20000,
    /* How long a process may outlive the end of its run. */
    GONE_MS = HARNESS_SANITIZED ? 5000 : 1000,
};

struct test_case {
    const char *name;
    void (*run)(const void *argument);
    const void *argument;
    int limit_seconds; /* 0: 60, and more when a tool looks on */
};

/* main() of a test program: without arguments lists the cases; with the name of one runs it;
 * with --expect and names fails unless these are the cases, in this order. */
int harness_main(int argc, char *argv[], const struct test_case *cases, size_t count);

/* Runs one case: HARNESS_PASS, HARNESS_FAIL or HARNESS_SKIP. */
int harness_run(const struct test_case *test);

/* Ends the case. */
_Noreturn __attribute__((format(printf, 3, 4))) void test_fail(const char *file, int line,
                                                               const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void test_skip(const char *format, ...);

#define check(condition, ...)                           \
    do {                                                \
        if (!(condition))                               \
            test_fail(__FILE__, __LINE__, __VA_ARGS__); \
    } while (0)

/* Milliseconds of the monotonic clock. */
double now_ms(void);
void sleep_ms(unsigned ms);

/* The environment variable's number, or `otherwise`. */
unsigned long number_from_environment(const char *name, unsigned long otherwise);

/* Random numbers from SHMSUM_SEED, or a seed of the moment, which is printed at the first call. */
uint32_t random_below(uint32_t limit);

/* A process of the case's own that may be there until harness_end_helper kills and awaits it:
 * fork(2) that is in the account. */
pid_t harness_fork_helper(void);
void harness_end_helper(pid_t helper);
/* In a new process: it is killed when its parent dies, also through an exec. */
void harness_die_with(pid_t parent);
/* Notes a process that was started otherwise, and forgets one that was awaited. */
void harness_register(pid_t pid);
void harness_forget(pid_t pid);

/* Children of this process that are neither registered nor gone: awaits them for GONE_MS, fails
 * when one remains, and returns how many there were. *status: of the last, as of waitpid. */
int harness_await_orphans(int *status);
/* The same for callers that go on: the process that remains, or 0. *count: how many are gone. */
pid_t harness_orphan_left(int *count, int *status);

/* The children of a process, at most `max` of them; how many. */
size_t children_of(pid_t pid, pid_t children[], size_t max);

/* The path of a shared memory object named after this process, if there is one. */
bool find_name(pid_t pid, char path[HARNESS_NAME_MAX]);
/* Whether there is one, and says so; and fails if there is. */
bool has_name(pid_t pid);
void check_no_name(pid_t pid);

/* Mounts of our own from here on: false when this process may not. */
bool private_mounts(void);
/* An empty tmpfs of its own over the folder; needs private_mounts. */
void mount_small(const char *folder, const char *options, bool read_only);

/* Files, in the working directory of the case. */
void write_file(const char *path, const char *text);
/* All of it, NUL-terminated, to be freed. *size may be NULL. Fails when it cannot be read. */
char *read_file(const char *path, size_t *size);
void check_file(const char *path, const char *text);
void copy_program(const char *from, const char *to);

/*
 * The lines of the tests: line k, from 1 on, is "k 1" and its result k + 1. Checks that the file
 * holds whole right results of a prefix of them, and returns how many.
 */
unsigned long check_results(const char *path);
/* The same of text in memory. An unfinished last line passes if `torn_end`. */
unsigned long check_result_text(const char *text, size_t size, bool torn_end);
/* A file of lines first .. last. */
void write_lines(const char *path, unsigned long first, unsigned long last);

#endif
