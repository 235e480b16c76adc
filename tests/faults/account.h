/*
 * account.h - what a driver of faults has tried and seen: one row of the table that
 * tests/faults/run prints.
 */
#ifndef SHMSUM_TESTS_FAULTS_ACCOUNT_H
#define SHMSUM_TESTS_FAULTS_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct account_row {
    const char *kind;  /* "call fails", "killed", "signal", "limit", "full", "stranger", ... */
    const char *role;  /* "parent", "child", "both" */
    const char *what;  /* errno, signal or limit: "ENOSPC", "SIGKILL", "RLIMIT_FSIZE" */
    uint64_t points;   /* places tried */
    uint64_t fired;    /* where the fault surely happened */
    uint64_t survived; /* of those, ended as promised */
    uint64_t hangs, torn, false_successes, unreported, leaks; /* what must be 0 */
};

/*
 * Prints the row for people on standard output, and appends it, tab-separated, to the file that
 * $SHMSUM_FAULT_TABLE names, if set (one write(2) with O_APPEND). Returns whether the row is clean:
 * fired == survived, and nothing that must be 0 is not.
 */
bool account_print(const struct account_row *row);

#endif
