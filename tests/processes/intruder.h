/* intruder.h - the exit statuses of intruder.c. */
#ifndef SHMSUM_TESTS_PROCESSES_INTRUDER_H
#define SHMSUM_TESTS_PROCESSES_INTRUDER_H

enum { INTRUDER_REFUSED = 40, INTRUDER_DONE, INTRUDER_LOST };

#endif
