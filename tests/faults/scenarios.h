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
    /* The texts of in1.txt, in2.txt, in3.txt; NULL: no file. */
    const char *files[SCENARIO_FILES_MAX];
    const char *old;   /* the text of results.txt before the run */
    bool appends;      /* … which stays */
    bool left_behind;  /* a dead instance has left a name */
    const char *right; /* the right results */
    int status;        /* the right exit status */
    const char *child; /* the text of shmsum-child, which cannot be executed; NULL: the real one */
    const char *says;  /* the message about that; NULL: any */
};

extern const struct scenario scenarios[];
extern const int scenario_count;

#endif
