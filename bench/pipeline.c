/*
 * pipeline.c - section `pipeline`: what the second process and the ring gain.
 *
 * shmsum reads in one process and parses in another; bench-one-process does both in one process,
 * with the same code. Both read the same file from a warm page cache and write the same results to
 * a file; the section compares the results byte by byte before it measures. Wall time is the time
 * that a user waits, CPU time is the cost of all processes together.
 */
#include <stdio.h>

#include "bench.h"
#include "numbers.h"

int main(int argc, char *argv[])
{
    struct bench bench;
    bench_begin(&bench, "pipeline",
                "The same parser and writer in two processes with the ring between them, and in "
                "one process without. Wall time and the CPU time of all processes, medians of runs "
                "in turns. The results were the same, byte by byte, before.",
                argc, argv);
    uint64_t lines = bench_pick(&bench, 1000000, 40000, 400);
    char *in = bench_path(bench.work, "in");
    const char *out[2] = {bench_path(bench.work, "out.two"), bench_path(bench.work, "out.one")};
    char *two[] = {bench_path(bench.programs, "shmsum"), "-o", "-", in, NULL};
    char *one[] = {bench_path(bench.programs, "bench-one-process"), in, NULL};
    char *const *commands[2] = {two, one};
    static const char *const names[2] = {"two processes", "one process"};
    size_t rounds = bench_rounds(&bench);

    printf("\n| input | | seconds | MB/s | CPU seconds | two is faster by |\n");
    printf("| --- | --- | ---: | ---: | ---: | ---: |\n");
    for (int kind = 0; kind < NUMBERS_KINDS; kind++) {
        const char *kind_name = numbers_kind_name((enum numbers_kind)kind);
        uint64_t count = kind == NUMBERS_SINGLE  ? 4 * lines
                         : kind == NUMBERS_MIXED ? lines / 2
                                                 : lines;
        numbers_write_file(in, (enum numbers_kind)kind, NUMBERS_FULL, 0, count, bench.seed);
        double mb = (double)bench_file_bytes(in) / 1e6;
        for (int i = 0; i < 2; i++)
            bench_run_well(commands[i], "/dev/null", out[i], false);
        if (!bench_same_files(out[0], out[1]))
            bench_die("%s: the results differ; see %s", kind_name, bench.work);

        double wall[2][BENCH_ROUNDS_MAX], cpu[2][BENCH_ROUNDS_MAX];
        for (size_t round = 0; round < rounds; round++) {
            for (int i = 0; i < 2; i++) {
                struct bench_cost cost = bench_run_well(commands[i], "/dev/null", out[i], false);
                wall[i][round] = cost.wall_s;
                cpu[i][round] = cost.cpu_s;
            }
        }
        double seconds[2];
        for (int i = 0; i < 2; i++)
            seconds[i] = bench_median(wall[i], rounds);
        for (int i = 0; i < 2; i++) {
            double cpu_s = bench_median(cpu[i], rounds);
            printf("| %s | %s | %.4f | %.1f | %.4f |", kind_name, names[i], seconds[i],
                   mb / seconds[i], cpu_s);
            if (i == 0)
                printf(" %.2f |\n", seconds[1] / seconds[0]);
            else
                printf(" |\n");
            bench_record(&bench, kind_name, names[i], "seconds", seconds[i]);
            bench_record(&bench, kind_name, names[i], "MB/s", mb / seconds[i]);
            bench_record(&bench, kind_name, names[i], "CPU seconds", cpu_s);
        }
    }
    remove(in);
    remove(out[0]);
    remove(out[1]);
    return 0;
}
