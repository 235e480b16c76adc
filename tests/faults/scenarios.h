/* scenarios.h - the runs in which every.c fails each system call. The runs are small; together they
 * use all features of the programs. */
#ifndef SHMSUM_TESTS_FAULTS_SCENARIOS_H
#define SHMSUM_TESTS_FAULTS_SCENARIOS_H

#include "session.h"

enum { SCENARIO_FILES_MAX = 3 };

struct scenario {
    const char *name;
    const char *const *arguments;
    enum session_input input;
    const char *fed; /* the whole of standard input */
    enum session_output output;
    const char *files[SCENARIO_FILES_MAX]; /* in1.txt, in2.txt, in3.txt; NULL: none */
    const char *old;                       /* what stands in results.txt before */
    bool appends;                          /* … and stays */
    bool left_behind;                      /* a dead instance left a name */
    const char *right;                     /* the results */
    int status;                            /* the exit status that goes with them */
    const char *child; /* the text of a file in place of shmsum-child, which cannot be executed … */
    const char *says; /* … and what is said of that; NULL: the real one, and any text */
};

extern const struct scenario scenarios[];
extern const int scenario_count;

#endif
