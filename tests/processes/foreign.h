/* foreign.h - what foreign.c and its tests share. */
#ifndef SHMSUM_TESTS_PROCESSES_FOREIGN_H
#define SHMSUM_TESTS_PROCESSES_FOREIGN_H

#define FOREIGN_FILE "work.txt"

enum { FOREIGN_BYTES = 4711 };

#endif
