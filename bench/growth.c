/*
 * growth.c - section `growth`: how time and memory grow with the input, what long lines cost, and
 * which geometry of the ring is worth its memory.
 *
 * The input is `%.2f`, 8 numbers a line unless the table says otherwise. The results go to
 * /dev/null, because writing the results of 4 GB would dominate the time. An input of more than
 * 100 MB is the same file named several times, so that it stays in the page cache; wc -l gets the
 * same arguments. Peak memory is the largest resident set (VmHWM) of each process, which includes
 * the pages of the ring in both. It is measured in a run of its own, whose time does not count.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "numbers.h"

enum { FILES_MAX = 64, NAME_MAX_BYTES = 32 };

static char *shmsum;

/* Makes a file of about so many bytes. A number takes 9.5 bytes on average. */
static uint64_t make_file(const struct bench *bench, const char *path, uint64_t bytes,
                          unsigned per_line)
{
    uint64_t lines = bytes * 2 / 19 / per_line;
    numbers_write_file(path, NUMBERS_HUNDREDTHS, NUMBERS_FULL, per_line, lines > 0 ? lines : 1,
                       bench->seed);
    return bench_file_bytes(path);
}

static const char *size_text(double bytes)
{
    static char text[NAME_MAX_BYTES];
    if (bytes >= 999e6)
        snprintf(text, sizeof text, "%.3g GB", bytes / 1e9);
    else
        snprintf(text, sizeof text, "%.3g MB", bytes / 1e6);
    return text;
}

static void input_sizes(const struct bench *bench)
{
    static const struct {
        double bytes;
        uint64_t rounds; /* the largest number of rounds */
    } sizes[] = {{1e6, 7}, {1e7, 7}, {1e8, 7}, {1e9, 3}, {4e9, 1}};
    double most = (double)bench_pick(bench, 5000000000, 100000000, 1000000);
    printf("\n| input | seconds | ns a byte | MB/s | wc -l: MB/s "
           "| peak KiB: shmsum | shmsum-child |\n");
    printf("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    char *path = bench_path(bench->work, "in");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && sizes[i].bytes <= most; i++) {
        size_t files = sizes[i].bytes > 1e8 ? (size_t)(sizes[i].bytes / 1e8) : 1;
        double bytes =
            (double)make_file(bench, path, (uint64_t)(sizes[i].bytes / (double)files), 8) *
            (double)files;
        char *ours[FILES_MAX] = {shmsum, "-o", "-"}, *wc[FILES_MAX] = {"wc", "-l"};
        for (size_t file = 0; file < files; file++)
            ours[3 + file] = wc[2 + file] = path;

        struct bench_cost peak = bench_run_well(ours, "/dev/null", "/dev/null", true);
        size_t rounds = bench_rounds(bench);
        if (rounds > sizes[i].rounds)
            rounds = sizes[i].rounds;
        double seconds[BENCH_ROUNDS_MAX], wc_seconds[BENCH_ROUNDS_MAX];
        for (size_t round = 0; round < rounds; round++) {
            seconds[round] = bench_run_well(ours, "/dev/null", "/dev/null", false).wall_s;
            wc_seconds[round] = bench_run_well(wc, "/dev/null", "/dev/null", false).wall_s;
        }
        double took = bench_median(seconds, rounds), wc_took = bench_median(wc_seconds, rounds);
        const char *name = size_text(sizes[i].bytes);
        printf("| %s | %.4f | %.3f | %.1f | %.1f | %ld | %ld |\n", name, took, took * 1e9 / bytes,
               bytes / took / 1e6, bytes / wc_took / 1e6, peak.peak_kb, peak.child_kb);
        bench_record(bench, "input", name, "bytes", bytes);
        bench_record(bench, "input", name, "seconds", took);
        bench_record(bench, "input", name, "ns a byte", took * 1e9 / bytes);
        bench_record(bench, "input", name, "wc ns a byte", wc_took * 1e9 / bytes);
        bench_record(bench, "input", name, "peak KiB shmsum", (double)peak.peak_kb);
        bench_record(bench, "input", name, "peak KiB child", (double)peak.child_kb);
    }
    remove(path);
}

static void line_lengths(const struct bench *bench)
{
    enum { LENGTHS = 7 };
    uint64_t bytes = bench_pick(bench, 64000000, 4000000, 100000);
    size_t rounds = bench_rounds(bench);
    unsigned per_line[LENGTHS];
    char paths[LENGTHS][BENCH_PATH_MAX];
    double seconds[LENGTHS][BENCH_ROUNDS_MAX], sizes[LENGTHS];
    size_t lengths = 0;
    for (unsigned numbers = 1; lengths < LENGTHS; numbers *= 10, lengths++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "in.%u", numbers);
        per_line[lengths] = numbers;
        snprintf(paths[lengths], BENCH_PATH_MAX, "%s/%s", bench->work, name);
        sizes[lengths] = (double)make_file(bench, paths[lengths], bytes, numbers);
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < lengths; i++) {
            char *argv[] = {shmsum, "-o", "-", paths[i], NULL};
            seconds[i][round] = bench_run_well(argv, "/dev/null", "/dev/null", false).wall_s;
        }
    }
    printf("\n| numbers a line | MB | ns a byte | MB/s | times 10 a line |\n");
    printf("| ---: | ---: | ---: | ---: | ---: |\n");
    double ten = bench_median(seconds[1], rounds) / sizes[1];
    for (size_t i = 0; i < lengths; i++) {
        double a_byte = bench_median(seconds[i], rounds) / sizes[i];
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "%u", per_line[i]);
        printf("| %s | %.1f | %.3f | %.1f | %.2f |\n", name, sizes[i] / 1e6, a_byte * 1e9,
               1 / a_byte / 1e6, ten / a_byte);
        bench_record(bench, "numbers a line", name, "ns a byte", a_byte * 1e9);
        remove(paths[i]);
    }
}

static void ring_geometry(const struct bench *bench)
{
    static const unsigned slots[] = {1, 2, 4, 8, 16, 32, 64}, kib[] = {1, 4, 16, 64, 256};
    enum { SLOTS = sizeof slots / sizeof *slots, SIZES = sizeof kib / sizeof *kib };
    static double seconds[SLOTS][SIZES][BENCH_ROUNDS_MAX];
    size_t rounds = bench_rounds(bench);
    char *path = bench_path(bench->work, "in");
    double bytes = (double)make_file(bench, path, bench_pick(bench, 32000000, 4000000, 100000), 8);
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < SLOTS; i++) {
            for (size_t j = 0; j < SIZES; j++) {
                char slots_option[NAME_MAX_BYTES], bytes_option[NAME_MAX_BYTES];
                snprintf(slots_option, sizeof slots_option, "--slots=%u", slots[i]);
                snprintf(bytes_option, sizeof bytes_option, "--slot-bytes=%u", kib[j] * 1024);
                char *argv[] = {shmsum, slots_option, bytes_option, "-o", "-", path, NULL};
                seconds[i][j][round] = bench_run_well(argv, "/dev/null", "/dev/null", false).wall_s;
            }
        }
    }
    printf("\nMB/s, by slots in the ring and KiB in a slot (%.1f MB)\n\n| slots |", bytes / 1e6);
    for (size_t j = 0; j < SIZES; j++)
        printf(" %u KiB |", kib[j]);
    printf("\n| ---: |");
    for (size_t j = 0; j < SIZES; j++)
        printf(" ---: |");
    printf("\n");
    for (size_t i = 0; i < SLOTS; i++) {
        printf("| %u |", slots[i]);
        for (size_t j = 0; j < SIZES; j++) {
            double speed = bytes / bench_median(seconds[i][j], rounds) / 1e6;
            char what_case[NAME_MAX_BYTES], who[NAME_MAX_BYTES];
            snprintf(what_case, sizeof what_case, "%u KiB a slot", kib[j]);
            snprintf(who, sizeof who, "%u", slots[i]);
            printf(" %.1f |", speed);
            bench_record(bench, what_case, who, "MB/s", speed);
        }
        printf("\n");
    }
    remove(path);
}

int main(int argc, char *argv[])
{
    struct bench bench;
    bench_begin(&bench, "growth",
                "Whole runs, results to /dev/null, `%.2f` from a warm page cache. Peak: the "
                "largest resident set of each process; the ring is in both.",
                argc, argv);
    static char program[BENCH_PATH_MAX];
    snprintf(program, sizeof program, "%s/shmsum", bench.programs);
    shmsum = program;
    input_sizes(&bench);
    line_lengths(&bench);
    ring_geometry(&bench);
    return 0;
}
