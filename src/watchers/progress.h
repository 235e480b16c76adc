/*
 * progress.h - the line that tells a person how far a long run has come. It is drawn over and over
 * on standard error, and taken back in the end.
 *
 *     42 % of 3.2 GB, 812 MB/s, 0:03 left
 */
#ifndef SHMSUM_SRC_PARENT_PROGRESS_H
#define SHMSUM_SRC_PARENT_PROGRESS_H

#include "roles/observer.h"

enum { PROGRESS_TEXT_MAX = 96 };

struct progress {
    struct observer observer; /* of the producer */
    const struct shmsum_os *os;
    uint64_t total;    /* bytes of all inputs; 0: unknown */
    uint64_t begun_ns; /* when the run began */
    uint64_t next_ns;  /* when to draw next */
    bool shown;        /* the line is there */
};

/* total: bytes that are to come, 0 if that is not known. delay_ms: shorter runs show nothing. */
void progress_begin(struct progress *progress, const struct shmsum_os *os, uint64_t total,
                    unsigned delay_ms);

/* Takes the line back, if it was shown. */
void progress_end(struct progress *progress);

/* The line, with its NUL; its length. Pure. done: bytes handed over; elapsed_ns: in this time. */
size_t progress_text(char to[PROGRESS_TEXT_MAX], uint64_t done, uint64_t total,
                     uint64_t elapsed_ns);

#endif
