/*
 * producer.c - the role that reads input straight into the slots of the channel. See producer.h.
 */
#include "producer.h"

#include <errno.h>
#include <string.h>

#include "await_input.h"
#include "messages/message.h"
#include "channel/shared_word.h"

void producer_init(struct producer *producer, const struct shmsum_os *os,
                   struct shmsum_channel *channel)
{
    *producer = (struct producer){.os = os, .channel = channel};
}

/* read(2) that waits for input without missing a stop bit. Regular files do not wait. */
static ssize_t read_input(struct producer *producer, int fd, bool waits, void *bytes, size_t size,
                          const char *name, struct shmsum_failure *why)
{
    const struct shmsum_os *os = producer->os;
    const struct shmsum_channel *channel = producer->channel;
    for (;;) {
        if (shmsum_stop_bits(channel->stop) & channel->stop_mask)
            return -ECANCELED;
        if (waits) {
            int result = await_input(os, fd, name, channel->stop, channel->stop_mask, why);
            if (result == -EINTR)
                continue;
            if (result < 0)
                return result;
        }
        ssize_t got = os->read(os, fd, bytes, size);
        if (got == -EINTR || (got == -EAGAIN && waits))
            continue;
        return got < 0 ? shmsum_failure_set(why, "read", name, (int)-got) : got;
    }
}

/* Whether reading from fd may have to wait. */
static int input_waits(const struct shmsum_os *os, int fd, const char *name, bool *waits,
                       struct shmsum_failure *why)
{
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", name, -result);
    *waits = !S_ISREG(status.st_mode);
    return 0;
}

static void publish(struct producer *producer, uint32_t length, uint32_t source)
{
    shmsum_channel_publish(producer->channel, length, source);
    producer->bytes += length;
    observers_notify(producer->observers, producer->channel, OBSERVER_SLOT_PUBLISHED, length,
                     producer->bytes);
}

int producer_send(struct producer *producer, int fd, const char *name, uint32_t source,
                  struct shmsum_failure *why)
{
    bool waits = true;
    int result = input_waits(producer->os, fd, name, &waits, why);
    if (result < 0)
        return result;
    for (;;) {
        uint8_t *payload;
        result = shmsum_channel_acquire(producer->channel, &payload, why);
        if (result < 0)
            return result;
        ssize_t got = read_input(producer, fd, waits, payload,
                                 producer->channel->region->geometry.payload_bytes, name, why);
        if (got <= 0)
            return (int)got;
        publish(producer, (uint32_t)got, source);
    }
}

int producer_dialogue(struct producer *producer, int fd, const char *name, uint32_t source,
                      int terminal, struct shmsum_failure *why)
{
    const struct shmsum_os *os = producer->os;
    struct shmsum_channel *channel = producer->channel;
    bool waits = true;
    int result = input_waits(os, fd, name, &waits, why);
    if (result < 0)
        return result;

    uint8_t input[4096];
    size_t have = 0, used = 0;
    bool line_begins = true;
    bool prompted = false; /* the cursor stands behind a prompt */
    for (;;) {
        if (shmsum_stop_bits(channel->stop) & channel->stop_mask)
            return -ECANCELED;
        if (line_begins && shmsum_channel_closing(channel) == SHMSUM_OPEN) {
            message_bytes(os, terminal, "> ", 2);
            prompted = true;
        }
        if (used == have) {
            ssize_t got = read_input(producer, fd, waits, input, sizeof input, name, why);
            if (got == 0 && prompted)
                message_bytes(os, terminal, "\n", 1);
            if (got <= 0)
                return (int)got;
            have = (size_t)got;
            used = 0;
        }
        uint8_t *payload;
        result = shmsum_channel_acquire(channel, &payload, why);
        if (result < 0)
            return result;
        const uint8_t *newline = memchr(input + used, '\n', have - used);
        size_t size = newline == NULL ? have - used : (size_t)(newline + 1 - (input + used));
        size_t room = channel->region->geometry.payload_bytes;
        if (size > room)
            size = room;
        shared_copy_in(payload, input + used, size);
        used += size;
        line_begins = input[used - 1] == '\n';
        publish(producer, (uint32_t)size, source);
        if (!line_begins)
            continue;
        prompted = false;
        result = shmsum_channel_await_released(channel, why);
        if (result < 0 || shmsum_channel_closing(channel) == SHMSUM_CLOSED)
            return result;
    }
}

int producer_end(struct producer *producer, enum shmsum_end_reason end_reason,
                 struct shmsum_failure *why)
{
    int result = shmsum_channel_end(producer->channel, end_reason, why);
    if (result == 0)
        observers_notify(producer->observers, producer->channel, OBSERVER_END_PUBLISHED, 0,
                         producer->bytes);
    return result;
}
