/*
 * expected_results.h - what the results file must hold, for targets whose matter is how the bytes
 * come to the parser: it is fed whole sources here, with no channel, role or file in between.
 */
#ifndef SHMSUM_FUZZ_EXPECTED_RESULTS_H
#define SHMSUM_FUZZ_EXPECTED_RESULTS_H

#include "roles/consumer.h"

enum {
    EXPECTED_TEXT_MAX = 255,
    EXPECTED_SOURCES_MAX = 3,
    EXPECTED_BYTES = 65536, /* more than the results of any text of that size */
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
    bool blank; /* ended by a blank line */
};

/* The results of the first `size` bytes of the input. With `finish` an unfinished last line counts,
 * otherwise only that of a source with another behind it. Valid until the next call. */
const struct expected *expected_results(const struct expected_input *input, size_t size,
                                        bool finish);

#endif
