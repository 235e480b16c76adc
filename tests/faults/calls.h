/*
 * calls.h - what is known of the system calls that the two programs make: how each may fail, as its
 * man page says, and which of its failures the programs may bear in silence, and why.
 */
#ifndef SHMSUM_TESTS_FAULTS_CALLS_H
#define SHMSUM_TESTS_FAULTS_CALLS_H

#include <stddef.h>

#include "trace.h"

enum { CALL_ERRORS_MAX = 20 };

struct call {
    long number;
    const char *name;
    const char *manual;          /* the page that `errors` are from */
    const char *words;           /* what a message may name it, " word word " */
    int errors[CALL_ERRORS_MAX]; /* positive, 0 at the end; none: it cannot fail */
};

/* Never NULL: a call that is not known fails as any call may, and has an empty `words`. */
const struct call *call_find(long number);

/* What has to follow from a failure. */
enum bearing {
    MUST_BE_TOLD, /* status 3, and a message that names the call and the reason */
    BORNE,        /* as if nothing had happened */
    BORNE_UNTOLD, /* the same, but for what is said, or not */
    REASON_LOST,  /* status 3: the forked child could not hand over why its start failed */
    EITHER,       /* one or the other: `why` says on what it depends */
};

/* MUST_BE_TOLD where no rule says otherwise. `nth` of the place, from 1 on. */
enum bearing call_bearing(const struct trace_site *site, unsigned nth, int error);

/* Prints both tables for people. */
void call_print_all(void);

#endif
