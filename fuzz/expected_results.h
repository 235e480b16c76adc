/*
 * expected_results.h - the expected content of the results file, for targets that test how the
 * bytes reach the parser. Here the parser gets each source as a whole, without channel, roles or
 * files.
 */
#ifndef SHMSUM_FUZZ_EXPECTED_RESULTS_H
#define SHMSUM_FUZZ_EXPECTED_RESULTS_H

#include "roles/consumer.h"

enum {
    EXPECTED_TEXT_MAX = 255,
    EXPECTED_SOURCES_MAX = 3,
    EXPECTED_BYTES = 65536, /* enough for the results of any text of EXPECTED_TEXT_MAX bytes */
};

struct expected_input {
    uint8_t text[EXPECTED_TEXT_MAX];
    size_t size;
    size_t ends[EXPECTED_SOURCES_MAX]; /* where in the text each source ends */
    uint32_t sources;
    char point;
    enum blank_lines blank_lines;
};

struct expected {
    char text[EXPECTED_BYTES];
    size_t size;
    uint64_t lines;
    bool blank; /* a blank line has ended the input */
};

/* The results of the first `size` bytes of the input. The unfinished last line of a source counts
 * if another source follows, or with `finish`. The result is valid until the next call. */
const struct expected *expected_results(const struct expected_input *input, size_t size,
                                        bool finish);

#endif
