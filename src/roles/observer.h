/*
 * watch.h - who wants to know what the two roles do: a line that tells how far they are, a trace,
 * an explanation. The roles call each watch of their list, in the thread that they run in; without
 * watches they pay nothing.
 */
#ifndef SHMSUM_SRC_WATCH_H
#define SHMSUM_SRC_WATCH_H

#include <stdint.h>

struct producer_watch {
    /* A slot was handed over; bytes: all that were so far. */
    void (*handed_over)(struct producer_watch *watch, uint64_t bytes);
    struct producer_watch *next; /* NULL: the last */
};

struct consumer_watch {
    /* A slot was taken, with `length` bytes; 0: it was END. */
    void (*taken)(struct consumer_watch *watch, uint32_t length);
    /* The slot that was taken has been dealt with: its lines are summed. */
    void (*dealt_with)(struct consumer_watch *watch);
    struct consumer_watch *next; /* NULL: the last */
};

#endif
