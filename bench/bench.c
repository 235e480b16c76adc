/*
 * bench.c - shared code of the sections of the benchmark. See bench.h.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static const char *value_of(const char *argument, const char *option)
{
    size_t length = strlen(option);
    return strncmp(argument, option, length) == 0 ? argument + length : NULL;
}

void bench_begin(struct bench *bench, const char *section, const char *meaning, int argc,
                 char *argv[])
{
    const char *seed = getenv("SHMSUM_SEED");
    *bench = (struct bench){
        .section = section,
        .programs = ".",
        .work = ".",
        .seed = seed != NULL ? strtoull(seed, NULL, 0) : 1,
    };
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--quick") == 0)
            bench->size = BENCH_QUICK;
        else if (strcmp(argv[i], "--smoke") == 0)
            bench->size = BENCH_SMOKE;
        else if ((value = value_of(argv[i], "--programs=")) != NULL)
            bench->programs = value;
        else if ((value = value_of(argv[i], "--work=")) != NULL)
            bench->work = value;
        else if ((value = value_of(argv[i], "--records=")) != NULL)
            bench->records = value;
        else
            bench_die("%s: unknown option", argv[i]);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("## %s\n\n%s Seed %llu.\n", section, meaning, (unsigned long long)bench->seed);
    setenv("LC_ALL", "C", 1); /* some contestants are many times slower in UTF-8 */
    setenv("BC_LINE_LENGTH", "0", 1);
}

uint64_t bench_pick(const struct bench *bench, uint64_t full, uint64_t quick, uint64_t smoke)
{
    return bench->size == BENCH_FULL ? full : bench->size == BENCH_QUICK ? quick : smoke;
}

size_t bench_rounds(const struct bench *bench)
{
    return (size_t)bench_pick(bench, BENCH_ROUNDS_MAX, 3, 1);
}

void bench_record(const struct bench *bench, const char *what_case, const char *who,
                  const char *figure, double value)
{
    if (bench->records == NULL)
        return;
    FILE *file = fopen(bench->records, "a");
    if (file == NULL)
        bench_die("%s: %s", bench->records, strerror(errno));
    fprintf(file, "%s\t%s\t%s\t%s\t%.9g\n", bench->section, what_case, who, figure, value);
    if (fclose(file) != 0)
        bench_die("%s: %s", bench->records, strerror(errno));
}

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double bench_seconds_since(uint64_t begin_ns)
{
    return (double)(bench_now_ns() - begin_ns) / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double bench_percentile(double *values, size_t count, double fraction)
{
    qsort(values, count, sizeof *values, by_value);
    size_t rank = (size_t)((double)count * fraction);
    return values[rank < count ? rank : count - 1];
}

static double seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

double bench_cpu_seconds_self(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds(&usage);
}

long bench_waits_self(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

bool bench_pin(int n)
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return false;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &all) && n-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            return sched_setaffinity(0, sizeof one, &one) == 0;
        }
    }
    return false;
}

char *bench_path(const char *folder, const char *name)
{
    static char paths[16][BENCH_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 16];
    int size = snprintf(path, BENCH_PATH_MAX, "%s/%s", folder, name);
    if (size < 0 || size >= BENCH_PATH_MAX)
        bench_die("%s: too long a name", folder);
    return path;
}

bool bench_has(const char *program)
{
    if (strchr(program, '/') != NULL)
        return access(program, X_OK) == 0;
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        size_t length = strcspn(path, ":");
        char file[BENCH_PATH_MAX];
        snprintf(file, sizeof file, "%.*s/%s", (int)length, path, program);
        if (access(file, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

pid_t bench_child_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
    FILE *file = fopen(path, "r");
    long child = -1;
    if (file == NULL)
        return -1;
    if (fscanf(file, "%ld", &child) != 1)
        child = -1;
    fclose(file);
    return (pid_t)child;
}

long bench_status_of(pid_t pid, const char *field)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "r");
    long value = -1;
    if (file == NULL)
        return -1;
    size_t length = strlen(field);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, length) == 0)
            value = strtol(line + length, NULL, 10);
    fclose(file);
    return value;
}

static void look(long *last, pid_t pid)
{
    long now = bench_status_of(pid, "VmHWM:");
    if (now >= 0)
        *last = now;
}

/* The peak of the resident set only grows, but exec resets it: so the last value counts. */
static void watch_until_exit(pid_t pid, struct bench_cost *cost)
{
    pid_t child = -1;
    siginfo_t info;
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
            return;
        if (child < 0)
            child = bench_child_of(pid);
        look(&cost->peak_kb, pid);
        if (child > 0)
            look(&cost->child_kb, child);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

struct bench_cost bench_run(char *const argv[], const char *in, const char *out, bool watch)
{
    struct bench_cost cost = {.peak_kb = -1, .child_kb = -1};
    fflush(stdout);
    uint64_t begin = bench_now_ns();
    pid_t pid = fork();
    if (pid < 0)
        bench_die("fork: %s", strerror(errno));
    if (pid == 0) {
        int input = open(in, O_RDONLY | O_CLOEXEC);
        int output = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (input < 0 || output < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0)
            bench_die("%s, %s: %s", in, out, strerror(errno));
        execvp(argv[0], argv);
        bench_die("%s: %s", argv[0], strerror(errno));
    }
    if (watch)
        watch_until_exit(pid, &cost);
    int status;
    struct rusage usage;
    while (wait4(pid, &status, 0, &usage) < 0)
        if (errno != EINTR)
            bench_die("wait4: %s", strerror(errno));
    cost.wall_s = bench_seconds_since(begin);
    cost.cpu_s = seconds(&usage);
    cost.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return cost;
}

struct bench_cost bench_run_well(char *const argv[], const char *in, const char *out, bool watch)
{
    struct bench_cost cost = bench_run(argv, in, out, watch);
    if (cost.status != 0)
        bench_die("%s: exit status %d", argv[0], cost.status);
    return cost;
}

uint64_t bench_file_bytes(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        bench_die("%s: %s", path, strerror(errno));
    return (uint64_t)status.st_size;
}

bool bench_same_files(const char *a, const char *b)
{
    FILE *left = fopen(a, "r"), *right = fopen(b, "r");
    if (left == NULL || right == NULL)
        bench_die("%s, %s: %s", a, b, strerror(errno));
    static char one[65536], other[65536];
    bool same = true;
    size_t size;
    do {
        size = fread(one, 1, sizeof one, left);
        same = fread(other, 1, sizeof other, right) == size && memcmp(one, other, size) == 0;
    } while (same && size > 0);
    fclose(left);
    fclose(right);
    return same;
}
