/*
 * point.h - a run of the two programs at one place of a fault, judged.
 *
 * For drivers that go over many places: where test cases end at the first thing that is wrong,
 * these count it in the row of their fault, say where it was, and go on to the next place. What is
 * right is the same everywhere: status 0 and all results, or a failure that is told and whole lines
 * of the right answer; old results stay when nothing was begun; no process and no name is left.
 */
#ifndef SHMSUM_TESTS_FAULTS_POINT_H
#define SHMSUM_TESTS_FAULTS_POINT_H

#include "account.h"
#include "session.h"

/* A line that may be said on standard error: how it begins, and how it ends. */
struct point_reason {
    const char *begins;
    const char *ends;
};

struct point {
    struct account_row row; /* the driver names it; the judge counts */
    const char *results;    /* the results file */
    unsigned long lines;    /* that it holds when all went well: those of check_results */
    unsigned long earlier;  /* that stood there before (--append) */
    const char *old;        /* or this did, to be replaced; NULL: no file */
    const struct point_reason *reasons; /* one of these tells a failure; NULL begins at the end */
    bool starved; /* the loader or the kernel may end a program before it can say a word … */
    bool mortal;  /* … also in the middle of its work */
};

enum point_end {
    POINT_WORKED,  /* all results, status 0 */
    POINT_REFUSED, /* a failure, told, before anything was begun: the file is as it was */
    POINT_CUT,     /* a failure, told: the first results are there */
    POINT_DIED,    /* starved: ended before it could say a word */
    POINT_BAD,     /* counted in the row and told */
};

/* Puts the results file into the state from before a run. */
void point_set_up(const struct point *point);

/*
 * Waits for the end of the run and judges it. `place` says where in the row, for people. Cleans up
 * the session and its messages. A hang ends the case.
 */
enum point_end point_end(struct point *point, struct session *session, const char *place);

/* Prints the row, and fails the case unless it is clean. */
void point_finish(const struct point *point);

/* Whether all places are asked for; and the distance between two places of a sample: 1, or every.
 */
bool point_all(void);
unsigned long point_step(unsigned long every);

#endif
