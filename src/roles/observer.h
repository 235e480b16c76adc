/*
 * observer.h - what happens to the slots, for a watcher: progress, a trace, an explanation.
 *
 * Each role has a list of observers. It notifies them in its own thread, after each step, except of
 * a release: the producer may go on at once after it. Without observers a step costs one call. An
 * event carries all that is known about the step, so that watchers keep no counts of their own and
 * agree on numbers and times.
 */
#ifndef SHMSUM_SRC_ROLES_OBSERVER_H
#define SHMSUM_SRC_ROLES_OBSERVER_H

#include <shmsum/channel.h>

enum observer_event_kind {
    OBSERVER_SLOT_PUBLISHED, /* the producer filled a slot: FREE -> READY */
    OBSERVER_END_PUBLISHED,  /* the producer put END into a slot: FREE -> END */
    OBSERVER_SLOT_TAKEN,     /* the consumer copied a slot's bytes out */
    OBSERVER_SLOT_RELEASED,  /* the consumer is about to release the slot: READY -> FREE */
    OBSERVER_END_TAKEN,      /* the consumer found END; the slot keeps it */
    OBSERVER_SLOT_DONE,      /* the consumer has summed the lines of the slot that it took */
};

struct observer_event {
    enum observer_event_kind kind;
    uint64_t time_ns; /* when the step was done, of the clock of struct shmsum_os */
    uint64_t number;  /* of the slot in this run, from 0; END has the number of a next slot */
    uint32_t slot;    /* its index in the ring */
    uint32_t bytes;   /* in the slot; 0 of END */
    uint64_t total;   /* bytes of all slots that this role published or took, with this one */
};

struct observer {
    void (*notify)(struct observer *observer, const struct observer_event *event);
    struct observer *next; /* NULL: the last */
};

/* Puts the observer in front of the list. The observer must outlive the role. */
static inline void observers_add(struct observer **first, struct observer *observer)
{
    observer->next = *first;
    *first = observer;
}

/*
 * Notifies every observer of the list, NULL: none. The role calls this after the step; of a release
 * before it, so that what an observer prints comes before the next prompt of the dialogue. The
 * event is about the slot that the consumer holds; if it holds none, about the slot that the
 * channel counted last. bytes and total: see struct observer_event.
 */
void observers_notify(struct observer *first, const struct shmsum_channel *channel,
                      enum observer_event_kind kind, uint32_t bytes, uint64_t total);

#endif
