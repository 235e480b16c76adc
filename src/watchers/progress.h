/*
 * progress.h - the line that shows how far a long run is. It is drawn again and again on standard
 * error, and erased at the end.
 *
 *     42 % of 3.2 GB, 812 MB/s, 0:03 left
 */
#ifndef SHMSUM_SRC_WATCHERS_PROGRESS_H
#define SHMSUM_SRC_WATCHERS_PROGRESS_H

#include "roles/observer.h"

struct text_buffer; /* messages/text_buffer.h */

struct progress {
    struct observer observer; /* of the producer */
    const struct shmsum_os *os;
    uint64_t total;    /* bytes of all inputs; 0: unknown */
    uint64_t begun_ns; /* when the run began */
    uint64_t next_ns;  /* when to draw next */
    bool shown;        /* the line is on the terminal */
};

/* Begins the run. total: bytes of all inputs, 0 if unknown. delay_ms: a shorter run shows nothing.
 */
void progress_begin(struct progress *progress, const struct shmsum_os *os, uint64_t total,
                    unsigned delay_ms);

/* Erases the line, if it was drawn. */
void progress_end(struct progress *progress);

/* Adds the text of the line, less than 80 bytes. Pure. done: bytes published; elapsed_ns: since the
 * run began. */
void progress_text(struct text_buffer *text, uint64_t done, uint64_t total, uint64_t elapsed_ns);

#endif
