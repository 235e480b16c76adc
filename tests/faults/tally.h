/*
 * tally.h - a row of the table that tests/faults/run prints: how many faults of one kind a
 * driver has caused, and how the programs ended.
 */
#ifndef SHMSUM_TESTS_FAULTS_TALLY_H
#define SHMSUM_TESTS_FAULTS_TALLY_H

#include <stdbool.h>
#include <stdint.h>

struct tally_row {
    const char *kind;  /* "call fails", "killed", "signal", "limit", "full", "stranger", ... */
    const char *role;  /* "parent", "child", "both" */
    const char *what;  /* errno, signal or limit: "ENOSPC", "SIGKILL", "RLIMIT_FSIZE" */
    uint64_t points;   /* faults that the driver tried to cause */
    uint64_t fired;    /* of those, faults that certainly happened */
    uint64_t survived; /* of those, faults after which the run ended as promised */
    uint64_t hangs, torn, false_successes, unreported, leaks; /* broken promises: must be 0 */
};

/*
 * Prints the row on standard output. If $SHMSUM_FAULT_TABLE is set, also appends the row,
 * tab-separated, to the file that it names (one write(2) with O_APPEND). Returns whether the row is
 * clean: fired == survived, and all counters that must be 0 are 0.
 */
bool tally_print(const struct tally_row *row);

#endif
