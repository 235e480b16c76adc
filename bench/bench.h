/*
 * bench.h - shared code of the sections of the benchmark: options, a clock, medians, running a
 * program and measuring its cost, and recording the measurements.
 *
 * A section is one program, bench-NAME. It prints Markdown tables on standard output and appends
 * each measurement to a file of records, from which bench/run makes results.json and the charts.
 * Any error ends the section with a message and status 1, so that no wrong measurement is printed.
 *
 * Rules for all sections: the contestants run in turns (one run of each, then the next round)
 * within one run of the section, so that a slow moment of the machine affects all of them; a
 * measurement is the median of the rounds.
 */
#ifndef SHMSUM_BENCH_H
#define SHMSUM_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How much to do: for publication, for a quick impression (--quick), or as a test (--smoke). */
enum bench_size { BENCH_FULL, BENCH_QUICK, BENCH_SMOKE };

struct bench {
    const char *section;
    enum bench_size size;
    const char *programs; /* folder of shmsum and the benchmark programs */
    const char *work;     /* folder for inputs and outputs, in memory (tmpfs) if possible */
    const char *records;  /* file to which the measurements are appended, or NULL */
    uint64_t seed;
};

enum { BENCH_PATH_MAX = 4096, BENCH_ROUNDS_MAX = 7 };

/* Reads the options [--quick|--smoke] [--programs=FOLDER] [--work=FOLDER] [--records=FILE] and the
 * seed from SHMSUM_SEED, if set. Prints the heading and the meaning of the measurements. */
void bench_begin(struct bench *bench, const char *section, const char *meaning, int argc,
                 char *argv[]);
/* Prints on standard error why the section cannot continue, and exits with 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One of the three values, according to bench->size. */
uint64_t bench_pick(const struct bench *bench, uint64_t full, uint64_t quick, uint64_t smoke);
/* The number of rounds: 7, 3 or 1. */
size_t bench_rounds(const struct bench *bench);
/* Records one measurement. The words are plain text without tabs, quotes and backslashes. */
void bench_record(const struct bench *bench, const char *what_case, const char *who,
                  const char *figure, double value);

uint64_t bench_now_ns(void); /* monotonic */
double bench_seconds_since(uint64_t begin_ns);
/* Both sort values[0..count), count > 0. fraction: 0.5 is the median, 0.99 p99 (nearest rank). */
double bench_median(double *values, size_t count);
double bench_percentile(double *values, size_t count, double fraction);
/* User and system time so far of this process and of the children that it has waited for. */
double bench_cpu_seconds_self(void);
/* How often this process has given up the CPU to wait (voluntary context switches). */
long bench_waits_self(void);
/* Binds this process to the n-th of the CPUs that it may use; false if there are fewer. */
bool bench_pin(int n);

/* Returns "folder/name" in one of a few static buffers, which are used in turn. */
char *bench_path(const char *folder, const char *name);
/* Whether a program is on PATH. */
bool bench_has(const char *program);

struct bench_cost {
    double wall_s;
    double cpu_s;  /* CPU time of the program and of the children that it waited for */
    long peak_kb;  /* with `watch`: the largest resident set of the program */
    long child_kb; /* the same of its first child */
    int status;    /* exit status, or 128 + signal */
};
/* Runs argv[0], found on PATH, with standard input from `in` and standard output to `out`, which is
 * emptied first. With `watch`, reads the memory use of the program and its child every
 * millisecond. */
struct bench_cost bench_run(char *const argv[], const char *in, const char *out, bool watch);
/* The same; calls bench_die unless the exit status is 0. */
struct bench_cost bench_run_well(char *const argv[], const char *in, const char *out, bool watch);
/* The process id of the first child of pid, or -1. */
pid_t bench_child_of(pid_t pid);
/* The number of a field of /proc/PID/status, such as "VmHWM:"; -1 if there is none. */
long bench_status_of(pid_t pid, const char *field);

uint64_t bench_file_bytes(const char *path);
bool bench_same_files(const char *a, const char *b);

#endif
