/*
 * point.h - judges a run of the two programs under one fault (a "point").
 *
 * For drivers that try a fault at many points. An ordinary test case ends at the first error; these
 * drivers print the error, count it in the row of the fault and continue with the next point. The
 * rules are the same for all points: status 0 and all results, or a reported failure and whole
 * lines of the right results; the old results stay if the run failed before it began; no process
 * and no name is left.
 */
#ifndef SHMSUM_TESTS_FAULTS_POINT_H
#define SHMSUM_TESTS_FAULTS_POINT_H

#include "tally.h"
#include "session.h"

/* A line that standard error may contain: how the line begins, and how it ends. */
struct point_reason {
    const char *begins;
    const char *ends;
};

struct point {
    struct tally_row row;  /* the driver sets the names, point_end counts */
    const char *results;   /* the results file */
    unsigned long lines;   /* how many results the file has after success; see check_results */
    unsigned long earlier; /* how many of them it has before the run (--append) */
    const char *old;       /* or the text that it has before the run; NULL: there is no file */
    const struct point_reason *reasons; /* a failure is reported by one of these; ends with NULL */
    bool starved; /* the loader or the kernel may end a program before it can report anything … */
    bool mortal;  /* … also in the middle of its work */
};

enum point_end {
    POINT_WORKED,  /* all results, status 0 */
    POINT_REFUSED, /* a reported failure before the run began: the file is unchanged */
    POINT_CUT,     /* a reported failure: the file holds the first results */
    POINT_DIED,    /* starved: a program ended before it could report anything */
    POINT_BAD,     /* a broken promise: printed and counted in the row */
};

/* Puts the results file into the state that it has before a run. */
void point_set_up(const struct point *point);

/*
 * Waits for the end of the run and judges it. Messages name the point by `place`. Cleans up the
 * session and its messages. A hang ends the case.
 */
enum point_end point_end(struct point *point, struct session *session, const char *place);

/* Prints the row, and fails the case unless it is clean. */
void point_finish(const struct point *point);

/* Whether all points are to be tried; and the step from one point to the next: 1 for all points,
 * `every` for a sample. */
bool point_all(void);
unsigned long point_step(unsigned long every);

#endif
