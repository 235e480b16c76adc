/*
 * program.c - section `program`: shmsum and other programs that people use to sum lines.
 *
 * Each program sums every line of the same file, from a warm page cache into another file; the
 * programs run in turns. Before the measurement the section compares all results with those of bc,
 * number by number. The results of shmsum must agree in every line. For the others the table says
 * in how many lines they differ: they sum binary doubles and print 15 digits, which suits them
 * best.
 *
 * A slow program gets only the first 1/n of the file, and its time is multiplied by n; the table
 * says so. numsum does not know exponents and gets the same numbers without them; bc gets the lines
 * as expressions, 1+2+3. wc -l does not sum; it shows the cost of reading the file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "numbers.h"

struct contestant {
    const char *name;
    char *argv[6]; /* the input is its standard input */
    enum numbers_spelling spelling;
    unsigned part; /* the program gets the first 1/part of the lines */
    bool sums;
};

static char awk_program[] = "{ s = 0; for (i = 1; i <= NF; i++) s += $i; print s }";
static char python_program[] = "import sys\n"
                               "for line in sys.stdin:\n"
                               "    print('%.15g' % sum(map(float, line.split())))";
static struct contestant contestants[] = {
    {"shmsum", {NULL, "-o", "-"}, NUMBERS_FULL, 1, true},
    {"mawk", {"mawk", "-vOFMT=%.15g", awk_program}, NUMBERS_FULL, 1, true},
    {"gawk", {"gawk", "-vOFMT=%.15g", awk_program}, NUMBERS_FULL, 8, true},
    {"perl", {"perl", "-lane", "$s = 0; $s += $_ for @F; print $s"}, NUMBERS_FULL, 8, true},
    {"python", {"python3", "-c", python_program}, NUMBERS_FULL, 8, true},
    {"numsum", {"numsum", "-r"}, NUMBERS_PLAIN, 50, true},
    {"bc", {"bc", "-q"}, NUMBERS_BC, 20, true},
    {"wc -l", {"wc", "-l"}, NUMBERS_FULL, 1, false},
};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants, SHMSUM = 0, MAWK = 1, BC = 6 };

static const struct {
    enum numbers_kind kind;
    unsigned lines_divisor; /* divides the number of lines, so that all inputs have about as many
                             * numbers */
    const char *title;
} inputs[] = {
    {NUMBERS_INTEGERS, 1, "integers from 0 to 10^9, 8 a line"},
    {NUMBERS_HUNDREDTHS, 1, "`%.2f` between -10^5 and 10^5, 8 a line"},
    {NUMBERS_MIXED, 2, "mixed scales, signs and exponents, 1 to 30 a line"},
    {NUMBERS_DIGITS17, 1, "17 digits with a point, 8 a line"},
    {NUMBERS_SINGLE, 0, "`%.2f`, one a line"}, /* four times as many lines */
};

/* ---- comparing results ---- */

enum { TEXT_MAX = 4096, CANONICAL_MAX = TEXT_MAX + 32 };

/* The canonical form of a number, with or without an exponent; any other text stays as it is. This
 * code is independent of shmsum's on purpose, because it checks shmsum's results. */
static void canonical(const char *text, char *to)
{
    const char *all = text;
    char digits[TEXT_MAX];
    long count = 0, scale = 0;
    bool point = false, any = false;
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        any = true;
        scale += point;
        if (count > 0 || *text != '0')
            digits[count++] = *text;
    }
    if (any && *text == 'e') {
        char *end;
        scale -= strtol(text + 1, &end, 10);
        text = end;
    }
    if (!any || *text != '\0') {
        snprintf(to, CANONICAL_MAX, "%s", all);
        return;
    }
    while (count > 0 && digits[count - 1] == '0') {
        count--;
        scale--;
    }
    if (count == 0) {
        snprintf(to, CANONICAL_MAX, "0");
        return;
    }
    /* ddd x 10^-scale, without zeros at either end, is unique. */
    snprintf(to, CANONICAL_MAX, "%s%.*se%ld", negative ? "-" : "", (int)count, digits, -scale);
}

static bool next_line(FILE *file, char *line)
{
    if (fgets(line, TEXT_MAX, file) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

/* The number of lines of `path` whose number differs from that of the reference. `path` must have
 * `lines` lines. */
static uint64_t wrong_lines(const char *path, const char *reference, uint64_t lines)
{
    static char ours[TEXT_MAX], theirs[TEXT_MAX], one[CANONICAL_MAX], other[CANONICAL_MAX];
    FILE *file = fopen(path, "r"), *right = fopen(reference, "r");
    if (file == NULL || right == NULL)
        bench_die("%s, %s: %s", path, reference, strerror(errno));
    uint64_t wrong = 0, read = 0;
    for (; read < lines && next_line(file, ours) && next_line(right, theirs); read++) {
        if (strcmp(ours, theirs) == 0)
            continue;
        canonical(ours, one);
        canonical(theirs, other);
        wrong += strcmp(one, other) != 0;
    }
    if (read != lines || next_line(file, ours))
        bench_die("%s: expected %llu lines of results", path, (unsigned long long)lines);
    fclose(file);
    fclose(right);
    return wrong;
}

/* ---- the race ---- */

static char *input_name(const struct bench *bench, const struct contestant *who, const char *kind)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%u", kind, numbers_spelling_name(who->spelling), who->part);
    return bench_path(bench->work, name);
}

static void race(const struct bench *bench, enum numbers_kind kind, const char *title,
                 uint64_t lines)
{
    const char *kind_name = numbers_kind_name(kind);
    char whole[BENCH_PATH_MAX], reference[BENCH_PATH_MAX], out[BENCH_PATH_MAX];
    snprintf(whole, sizeof whole, "%s/whole", bench->work);
    snprintf(reference, sizeof reference, "%s/reference", bench->work);
    snprintf(out, sizeof out, "%s/out", bench->work);

    numbers_write_file(whole, kind, NUMBERS_BC, 0, lines, bench->seed);
    bench_run_well(contestants[BC].argv, whole, reference, false);

    uint64_t wrong[CONTESTANTS] = {0}, got[CONTESTANTS];
    double seconds[CONTESTANTS][BENCH_ROUNDS_MAX];
    for (int i = 0; i < CONTESTANTS; i++) {
        const struct contestant *who = &contestants[i];
        got[i] = lines / who->part;
        if (!bench_has(who->argv[0]))
            continue;
        const char *in = input_name(bench, who, kind_name);
        numbers_write_file(in, kind, who->spelling, 0, got[i], bench->seed);
        bench_run_well(who->argv, in, out, false);
        if (who->sums)
            wrong[i] = wrong_lines(out, reference, got[i]);
    }
    if (wrong[SHMSUM] != 0)
        bench_die("%s: shmsum differs from bc in %llu lines; see %s", kind_name,
                  (unsigned long long)wrong[SHMSUM], bench->work);

    size_t rounds = bench_rounds(bench);
    for (size_t round = 0; round < rounds; round++)
        for (int i = 0; i < CONTESTANTS; i++)
            if (bench_has(contestants[i].argv[0]))
                seconds[i][round] =
                    bench_run_well(contestants[i].argv,
                                   input_name(bench, &contestants[i], kind_name), out, false)
                        .wall_s;

    uint64_t bytes = bench_file_bytes(input_name(bench, &contestants[SHMSUM], kind_name));
    printf("\n%s: %llu lines, %.1f MB\n\n", title, (unsigned long long)lines, (double)bytes / 1e6);
    printf("| program | seconds | MB/s | times mawk | exact |\n");
    printf("| --- | ---: | ---: | ---: | --- |\n");
    double mawk = bench_has("mawk") ? bench_median(seconds[MAWK], rounds) : 0;
    for (int i = 0; i < CONTESTANTS; i++) {
        const struct contestant *who = &contestants[i];
        if (!bench_has(who->argv[0])) {
            printf("| %s | not installed | | | |\n", who->name);
            continue;
        }
        double took = bench_median(seconds[i], rounds) * who->part;
        double speed = (double)bytes / took / 1e6;
        char exact[64];
        if (!who->sums)
            snprintf(exact, sizeof exact, "sums nothing");
        else if (wrong[i] == 0)
            snprintf(exact, sizeof exact, "yes");
        else
            snprintf(exact, sizeof exact, "no: %.3g %% of lines wrong",
                     100 * (double)wrong[i] / (double)got[i]);
        char part[32] = "";
        if (who->part > 1)
            snprintf(part, sizeof part, " (from 1/%u)", who->part);
        printf("| %s | %.3f%s | %.1f | %.2f | %s |\n", who->name, took, part, speed, mawk / took,
               exact);
        bench_record(bench, kind_name, who->name, "seconds", took);
        bench_record(bench, kind_name, who->name, "MB/s", speed);
        bench_record(bench, kind_name, who->name, "times mawk", mawk / took);
        bench_record(bench, kind_name, who->name, "wrong lines %",
                     100 * (double)wrong[i] / (double)got[i]);
        remove(input_name(bench, who, kind_name));
    }
    remove(whole);
    remove(reference);
    remove(out);
}

int main(int argc, char *argv[])
{
    struct bench bench;
    bench_begin(
        &bench, "program",
        "Whole programs, each from a file in a warm page cache into a file beside it, in turns; "
        "medians of wall time. What shmsum writes was compared with bc, line by line, before. "
        "\"from 1/n\": was given the first 1/n of the file, and its seconds are multiplied by n.",
        argc, argv);
    static char shmsum[BENCH_PATH_MAX];
    snprintf(shmsum, sizeof shmsum, "%s/shmsum", bench.programs);
    contestants[SHMSUM].argv[0] = shmsum;
    if (!bench_has(shmsum))
        bench_die("%s: not there", shmsum);
    if (!bench_has("bc"))
        bench_die("bc is needed to check the results, and is not installed");

    uint64_t lines = bench_pick(&bench, 1000000, 40000, 400);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        race(&bench, inputs[i].kind, inputs[i].title,
             inputs[i].lines_divisor == 0 ? 4 * lines : lines / inputs[i].lines_divisor);
    return 0;
}
