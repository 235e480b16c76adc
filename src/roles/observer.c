/* observer.c - notifies the watchers of a step of a role. See observer.h. Called by the roles. */
#include "observer.h"

void observers_notify(struct observer *first, const struct shmsum_channel *channel,
                      enum observer_event_kind kind, uint32_t bytes, uint64_t total)
{
    if (first == NULL)
        return;
    bool is_end = kind == OBSERVER_END_PUBLISHED || kind == OBSERVER_END_TAKEN;
    /* END is not counted, nor is a slot that the consumer has not released yet. */
    bool counted = !is_end && !channel->held;
    uint64_t number = counted ? channel->slots - 1 : channel->slots;
    const struct observer_event event = {
        .kind = kind,
        .time_ns = channel->os->clock_ns(channel->os),
        .number = number,
        .slot = (uint32_t)(number % channel->region->geometry.slots),
        .bytes = bytes,
        .total = total,
    };
    for (struct observer *observer = first; observer != NULL; observer = observer->next)
        observer->notify(observer, &event);
}
