/*
 * producer.c - the role that reads input into the slots of the channel. See producer.h.
 */
#include "producer.h"

#include <errno.h>
#include <string.h>

#include "await_input.h"
#include "channel/shared_word.h"
#include "messages/message.h"
#include "source.h"

void producer_init(struct producer *producer, const struct shmsum_os *os,
                   struct shmsum_channel *channel)
{
    *producer = (struct producer){.os = os, .channel = channel};
}

/* One input, while it is read. */
struct input {
    int fd;
    const char *name; /* for messages */
    uint32_t source;  /* for slots: source.h */
    bool waits;       /* read(2) may have to wait: not a regular file */
};

/* Whether the kernel may drop the end of a long line. A terminal that does not tell its mode may.
 */
static bool may_cut(const struct shmsum_os *os, int fd, const struct stat *status)
{
    if (!S_ISCHR(status->st_mode))
        return false;
    int canonical = os->tcgetattr_icanon(os, fd);
    return canonical != 0 && canonical != -ENOTTY;
}

static int input_init(struct input *input, const struct shmsum_os *os, int fd, const char *name,
                      uint32_t source, struct shmsum_failure *why)
{
    struct stat status;
    int result = os->fstat(os, fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", name, -result);
    *input = (struct input){
        .fd = fd,
        .name = name,
        .source = source | (may_cut(os, fd, &status) ? SOURCE_CANONICAL : 0),
        .waits = !S_ISREG(status.st_mode),
    };
    return 0;
}

static bool is_stopped(const struct shmsum_channel *channel)
{
    return (shmsum_stop_bits(channel->stop) & channel->stop_mask) != 0;
}

/* read(2), but a stop bit ends the wait for input. Returns the bytes read, 0 at the end of the
 * input, SHMSUM_STOPPED, or another negative errno with *why filled. */
static ssize_t read_input(struct producer *producer, const struct input *input, void *bytes,
                          size_t size, struct shmsum_failure *why)
{
    const struct shmsum_os *os = producer->os;
    const struct shmsum_channel *channel = producer->channel;
    for (;;) {
        if (is_stopped(channel))
            return SHMSUM_STOPPED;
        if (input->waits) {
            int result =
                await_input(os, input->fd, input->name, channel->stop, channel->stop_mask, why);
            if (result == SHMSUM_AGAIN)
                continue;
            if (result < 0)
                return result;
        }
        ssize_t got = os->read(os, input->fd, bytes, size);
        if (got == -EINTR || (got == -EAGAIN && input->waits))
            continue;
        return got < 0 ? shmsum_failure_set(why, "read", input->name, (int)-got) : got;
    }
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
    struct input input = {0};
    int result = input_init(&input, producer->os, fd, name, source, why);
    if (result < 0)
        return result;
    for (;;) {
        uint8_t *payload;
        result = shmsum_channel_acquire(producer->channel, &payload, why);
        if (result < 0)
            return result;
        ssize_t got = read_input(producer, &input, payload,
                                 producer->channel->region->geometry.payload_bytes, why);
        if (got <= 0)
            return (int)got;
        publish(producer, (uint32_t)got, input.source);
    }
}

/* ---- the dialogue ---- */

struct dialogue {
    int terminal;        /* where the prompts go */
    uint8_t bytes[4096]; /* input: [used, have) is not published yet */
    size_t have, used;
    bool line_begins; /* the next byte is the first of a line */
    bool prompted;    /* the cursor is behind a prompt */
};

static void prompt(const struct producer *producer, struct dialogue *dialogue)
{
    if (!dialogue->line_begins || is_stopped(producer->channel) ||
        shmsum_channel_closing(producer->channel) != SHMSUM_OPEN)
        return;
    message_bytes(producer->os, dialogue->terminal, "> ", 2);
    dialogue->prompted = true;
}

/* Reads more input, after all of it was published. Returns 1; or what read_input returns. */
static int read_more(struct producer *producer, const struct input *input,
                     struct dialogue *dialogue, struct shmsum_failure *why)
{
    ssize_t got = read_input(producer, input, dialogue->bytes, sizeof dialogue->bytes, why);
    if (got == 0 && dialogue->prompted)
        message_bytes(producer->os, dialogue->terminal, "\n", 1);
    if (got <= 0)
        return (int)got;
    dialogue->have = (size_t)got;
    dialogue->used = 0;
    return 1;
}

/* Publishes the rest of the current line, or as much of it as was read and fits into a slot. */
static int publish_line(struct producer *producer, struct dialogue *dialogue, uint32_t source,
                        struct shmsum_failure *why)
{
    uint8_t *payload;
    int result = shmsum_channel_acquire(producer->channel, &payload, why);
    if (result < 0)
        return result;
    const uint8_t *from = dialogue->bytes + dialogue->used;
    size_t size = dialogue->have - dialogue->used;
    const uint8_t *newline = memchr(from, '\n', size);
    if (newline != NULL)
        size = (size_t)(newline + 1 - from);
    size_t room = producer->channel->region->geometry.payload_bytes;
    if (size > room)
        size = room;
    shared_copy_in(payload, from, size);
    dialogue->used += size;
    dialogue->line_begins = from[size - 1] == '\n';
    publish(producer, (uint32_t)size, source);
    return 0;
}

/* Publishes more of what was read; behind a line waits for the answer, after which the consumer
 * releases the slot. What was read is handed over whatever SHMSUM_STOP_INPUT says, as END is: where
 * the input is no terminal, many lines may have been read at once. */
static int hand_over_line(struct producer *producer, struct dialogue *dialogue, uint32_t source,
                          struct shmsum_failure *why)
{
    struct shmsum_channel *channel = producer->channel;
    uint32_t stop_mask = channel->stop_mask;
    channel->stop_mask &= ~(uint32_t)SHMSUM_STOP_INPUT;
    int result = publish_line(producer, dialogue, source, why);
    if (result == 0 && dialogue->line_begins) {
        dialogue->prompted = false;
        result = shmsum_channel_await_released(channel, why);
    }
    channel->stop_mask = stop_mask;
    return result;
}

int producer_dialogue(struct producer *producer, int fd, const char *name, uint32_t source,
                      int terminal, struct shmsum_failure *why)
{
    struct input input = {0};
    int result = input_init(&input, producer->os, fd, name, source, why);
    if (result < 0)
        return result;
    struct dialogue dialogue = {.terminal = terminal, .line_begins = true};
    for (;;) {
        prompt(producer, &dialogue);
        if (dialogue.used == dialogue.have) {
            result = read_more(producer, &input, &dialogue, why);
            if (result <= 0)
                return result;
        }
        result = hand_over_line(producer, &dialogue, input.source, why);
        if (result < 0)
            return result;
        if (dialogue.line_begins && shmsum_channel_closing(producer->channel) == SHMSUM_CLOSED)
            return 0;
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
