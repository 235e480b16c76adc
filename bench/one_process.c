/*
 * one_process.c - bench-one-process FILE: does the work of shmsum in one process, without ring and
 * shared memory. It is the contestant of the section `pipeline`.
 *
 * It uses the parser, the sum and the writer of shmsum-child, with buffers of the same sizes, and
 * writes the results to standard output. A line that is not all numbers ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <shmsum/line_parser.h>
#include <shmsum/results.h>

#include "bench.h"

enum { READ_BUFFER = 64 * 1024, RESULTS_BUFFER = 256 * 1024 };

static struct shmsum_line_parser parser;
static struct shmsum_results results;
static uint8_t block[READ_BUFFER];
static char buffer[RESULTS_BUFFER];

static bool write_sum(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum)
{
    (void)sink;
    struct shmsum_failure why = {0};
    char *text = shmsum_results_reserve(&results, SHMSUM_DECIMAL_TEXT_MAX, &why);
    if (text == NULL)
        bench_die("%s: %s", why.call, strerror(why.error));
    shmsum_results_commit(&results, shmsum_decimal_sum_format(sum, text));
    return true;
}

int main(int argc, char *argv[])
{
    const struct shmsum_os *os = shmsum_os_default();
    struct shmsum_failure why = {0};
    if (argc != 2)
        bench_die("usage: bench-one-process FILE");
    int fd = os->open(os, argv[1], O_RDONLY, 0);
    if (fd < 0)
        bench_die("%s: %s", argv[1], strerror(-fd));
    if (shmsum_results_init(&results, os, 1, SHMSUM_RESULTS_SHARED, "stdout", buffer, sizeof buffer,
                            &why) < 0)
        bench_die("%s: %s", why.call, strerror(why.error));
    struct shmsum_line_sink sink = {.take = write_sum};
    shmsum_line_parser_init(&parser, '.');
    ssize_t got;
    while ((got = os->read(os, fd, block, sizeof block)) > 0) {
        for (size_t at = 0, consumed; at < (size_t)got; at += consumed) {
            if (shmsum_line_parser_feed_lines(&parser, block + at, (size_t)got - at, &sink,
                                              &consumed) != SHMSUM_LINE_UNFINISHED)
                bench_die("line %llu: not a sum", (unsigned long long)parser.line);
        }
    }
    if (got < 0)
        bench_die("%s: %s", argv[1], strerror((int)-got));
    if (shmsum_line_parser_finish(&parser) == SHMSUM_LINE_SUM)
        write_sum(&sink, &parser.sum);
    if (shmsum_results_flush(&results, &why) < 0)
        bench_die("%s: %s", why.call, strerror(why.error));
    return 0;
}
