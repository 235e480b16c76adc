/*
 * harness.h - runs test cases that start real processes, and checks that each case cleans up.
 *
 * Each case runs in a process of its own, under a time limit. Its working directory is a private
 * folder. At the end of a case the harness looks for leftovers: descriptors that the case opened
 * and did not close, and processes that it started (orphans too, because both the case and the
 * runner are subreapers). The harness removes the leftovers and fails the case. Wayland's tests
 * work in the same way; test_harness.c has the cases that must fail.
 */
#ifndef SHMSUM_TESTS_PROCESSES_HARNESS_H
#define SHMSUM_TESTS_PROCESSES_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Under a sanitizer or Valgrind everything takes more time and memory. */
#ifdef SHMSUM_SANITIZED
#define HARNESS_SANITIZED 1
#else
#define HARNESS_SANITIZED 0
#endif

enum { HARNESS_NAME_MAX = 300 };
enum { HARNESS_PASS = 0, HARNESS_FAIL = 1, HARNESS_SKIP = 77 };

enum {
    /* The limit for every event that a test waits for. Long: it only turns a hang into a failure.
     */
    DEADLINE_MS = HARNESS_SANITIZED ? 60000 : 20000,
    /* How long a process of a run may live on after the parent has ended. */
    GONE_MS = HARNESS_SANITIZED ? 5000 : 1000,
};

struct test_case {
    const char *name;
    void (*run)(const void *argument);
    const void *argument;
    int limit_seconds; /* 0: 60. Under a sanitizer or Valgrind the limit is five times as long. */
};

/* main() of a test program. Without arguments it lists the cases; with the name of a case it runs
 * that case; with --expect and names it fails unless these are the cases, in this order. */
int harness_main(int argc, char *argv[], const struct test_case *cases, size_t count);

/* Runs one case: HARNESS_PASS, HARNESS_FAIL or HARNESS_SKIP. */
int harness_run(const struct test_case *test);

/* Both end the case. */
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

/* The number in the environment variable, or `otherwise` when the variable is unset or empty. */
unsigned long number_from_environment(const char *name, unsigned long otherwise);

/* A random number below `limit`. The seed is SHMSUM_SEED, or else the time; the first call prints
 * the seed. */
uint32_t random_below(uint32_t limit);

/* fork(2) for a helper process of the case, which does not count as a leftover until
 * harness_end_helper kills and awaits it. The helper dies with the case. */
pid_t harness_fork_helper(void);
void harness_end_helper(pid_t helper);
/* For a new process: the kernel kills it when `parent` dies, also after an exec. */
void harness_die_with(pid_t parent);
/* Registers a process that the case started in another way; forgets a process that was awaited. */
void harness_register(pid_t pid);
void harness_forget(pid_t pid);

/* Awaits, for GONE_MS, the children of this process that are not registered. Fails if a child
 * remains. Returns how many ended; *status is the wait status of the last one. */
int harness_await_orphans(int *status);
/* The same for callers that continue after a failure: returns a process that remains, or 0.
 * *count: how many ended. */
pid_t harness_orphan_left(int *count, int *status);

/* Lists at most `max` children of a process. Returns their number. */
size_t children_of(pid_t pid, pid_t children[], size_t max);

/* Finds a shared memory object that is named after the process; `path` receives its path. */
bool find_name(pid_t pid, char path[HARNESS_NAME_MAX]);
/* has_name prints the object that exists; check_no_name fails if an object exists. */
bool has_name(pid_t pid);
void check_no_name(pid_t pid);

/* Gives this process private mounts. Returns false, with errno, where the system does not allow
 * that. */
bool private_mounts(void);
/* Mounts an empty tmpfs over the folder. Call private_mounts first. */
void mount_small(const char *folder, const char *options, bool read_only);

/* Files, in the working directory of the case. */
void write_file(const char *path, const char *text);
/* What the file holds now, NUL-terminated, for the caller to free. `size` may be NULL. Fails the
 * case when the file cannot be read. */
char *read_file(const char *path, size_t *size);
void check_file(const char *path, const char *text);
void copy_program(const char *from, const char *to);

/*
 * The input of the tests: line k, counted from 1, is "k 1", so its result is k + 1. Checks that the
 * file holds the right results of a prefix of these lines, as whole lines, and returns how many.
 */
unsigned long check_results(const char *path);
/* The same for text in memory. With `torn_end` the last line may be unfinished. */
unsigned long check_result_text(const char *text, size_t size, bool torn_end);

/* What the programs say about the number of results. */
enum said {
    SAID_NOTHING,
    SAID_NOT_KNOWN,
    SAID_UNCHANGED, /* the file is as it was */
    SAID_AT_LEAST,
    SAID_EXACTLY,
};

/* Finds the last such statement in the messages; for the last two, sets *lines. */
enum said said_results(const char *messages, unsigned long *lines);

/* Writes a file of the lines first .. last. */
void write_lines(const char *path, unsigned long first, unsigned long last);

#endif
