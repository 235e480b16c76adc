/*
 * bench.h - what every section of the benchmark shares: options, a clock, medians, running a
 * program and watching what it costs, and keeping figures.
 *
 * A section is one program, bench-NAME. It prints Markdown tables for people on standard output and
 * puts every figure into a file of records for bench/run, which makes results.json and the charts
 * of them. Whatever goes wrong ends the section with a message and status 1: a figure that cannot
 * be trusted is not printed.
 *
 * The rule of all sections: what is compared is run in turns (one run of each, then the next round)
 * in one and the same call, so that a slow moment of the machine hits all alike; a figure is the
 * median of the rounds.
 */
#ifndef SHMSUM_BENCH_H
#define SHMSUM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How much to do: for figures, for a look (--quick), for seeing that it works at all (--smoke). */
enum bench_size { BENCH_FULL, BENCH_QUICK, BENCH_SMOKE };

struct bench {
    const char *section;
    enum bench_size size;
    const char *programs; /* folder of shmsum and the bench's own programs */
    const char *work;    /* folder for inputs and outputs, on a file system of memory if possible */
    const char *records; /* file that the figures are appended to, or NULL */
    uint64_t seed;
};

enum { BENCH_PATH_MAX = 4096, BENCH_ROUNDS_MAX = 7 };

/* Reads [--quick|--smoke] [--programs=FOLDER] [--work=FOLDER] [--records=FILE]. The seed is
 * SHMSUM_SEED's, if set. Prints the heading, and what the figures mean. */
void bench_begin(struct bench *bench, const char *section, const char *meaning, int argc,
                 char *argv[]);
/* Says on standard error why the section cannot go on, and exits with 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One of the three, by size. */
uint64_t bench_pick(const struct bench *bench, uint64_t full, uint64_t quick, uint64_t smoke);
/* 7, 3 or 1. */
size_t bench_rounds(const struct bench *bench);
/* Keeps one figure. The words are plain text without tabs, quotes and backslashes. */
void bench_record(const struct bench *bench, const char *what_case, const char *who,
                  const char *figure, double value);

uint64_t bench_now_ns(void); /* monotonic */
double bench_seconds_since(uint64_t begin_ns);
/* Both sort values[0..count), count > 0. fraction: 0.5 is the median, 0.99 p99 (nearest rank). */
double bench_median(double *values, size_t count);
double bench_percentile(double *values, size_t count, double fraction);
/* User and system time of this process so far, and of the children that it has waited for. */
double bench_cpu_seconds_self(void);
/* Times that this process gave up the CPU to wait. */
long bench_waits_self(void);
/* Lets this process run on the n-th CPU that it may use only; false when there is none such. */
bool bench_pin(int n);

/* folder/name into one of a few static buffers that are used in turns. */
char *bench_path(const char *folder, const char *name);
/* Whether a program is on PATH. */
bool bench_has(const char *program);

struct bench_cost {
    double wall_s;
    double cpu_s;  /* of the program and the children that it waited for */
    long peak_kb;  /* largest resident set, when watched */
    long child_kb; /* and of its first child */
    int status;    /* exit status, or 128 + signal */
};
/* Runs argv[0] (sought on PATH) with standard input from `in` and output to `out`, which is emptied
 * first. With watch, looks at the memory of it and its child every millisecond. */
struct bench_cost bench_run(char *const argv[], const char *in, const char *out, bool watch);
/* The same, and bench_die unless its status is 0. */
struct bench_cost bench_run_well(char *const argv[], const char *in, const char *out, bool watch);
/* The process id of the first child of pid, or -1. */
pid_t bench_child_of(pid_t pid);
/* A number from /proc/PID/status, such as "VmHWM:"; -1 when it is not there. */
long bench_status_of(pid_t pid, const char *field);

uint64_t bench_file_bytes(const char *path);
bool bench_same_files(const char *a, const char *b);

#endif
