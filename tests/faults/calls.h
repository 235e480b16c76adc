/*
 * calls.h - what the tests know about the system calls that the two programs make: how each call
 * may fail according to its man page, what must follow from each failure, and why.
 */
#ifndef SHMSUM_TESTS_FAULTS_CALLS_H
#define SHMSUM_TESTS_FAULTS_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#include "trace.h"

enum { CALL_ERRORS_MAX = 20 };

struct call {
    long number;
    const char *name;
    const char *manual;          /* the man page that lists `errors` */
    const char *words;           /* the names that a message may give the call, " word word " */
    int errors[CALL_ERRORS_MAX]; /* positive, 0 at the end; none: the call cannot fail */
};

/* The errnos that Linux has are 1 to CALL_ERRNO_LAST. It does not have CALL_ERRNO_UNKNOWN, but a
 * call filter may return it. */
enum { CALL_ERRNO_LAST = 133, CALL_ERRNO_UNKNOWN = 4000 };

/* "ENOSPC"; "errno 4000" of an errno without a name, valid until the next call. */
const char *call_error_name(int error);

/* Never NULL. An unknown call has some errors that any call may have, and empty `words`. */
const struct call *call_find(long number);

/* What must follow from a failure. */
enum consequence {
    REPORTED,        /* status 3, and a message that names the call and the reason */
    HARMLESS,        /* the run ends as it does without the failure */
    MESSAGES_DIFFER, /* the same, except that messages may be missing or different */
    REASON_LOST,     /* status 3, without the reason why the start of the child failed */
    EITHER,          /* REPORTED or HARMLESS: `why` says what decides */
};

/* The consequence of this error in the nth call (from 1 on) at the site. REPORTED where no rule
 * says otherwise. */
enum consequence call_consequence(const struct trace_site *site, unsigned nth, int error);

/* Whether the call can wait for something that another process or a device has to do, so that
 * signals interrupt it. */
bool call_can_wait(const struct trace_site *site);

/* Prints both tables. */
void call_print_all(void);

#endif
