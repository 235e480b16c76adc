/*
 * fuzz_channel_peer.c - a hostile peer, on either side of the channel.
 *
 * Property: the peer may put any values into the shared words, and change them at any time. Still
 * each function of the channel and each role ends, with SHMSUM_BROKEN, SHMSUM_STOPPED, the error of
 * a failed system call, or the right data. The right data are exactly the bytes, lengths, sources
 * and end reasons that one read of each word gave, taken once and in order. The results and
 * counters of the consumer are those of the bytes that it took. No call touches memory outside of
 * the payload of a slot and its private copy. No call sleeps on a word without WAIT, or after a
 * stop. A call wakes if, and only if, the old value had WAIT.
 *
 * Input: five bytes (struct setting), then a script. These steps use bytes of the script: a read of
 * a shared word (enum lie), the copy of a payload, a system call that waits, reads or writes, and
 * in the modes 0 and 1 the choice of the next call. After the end of the script the peer is honest
 * and writes nothing, and a sleep ends with a stop.
 *
 * The hooks of src/channel/shared_word.h are between the channel and the words. The stop word is
 * private; a mark in its unused bits tells it from shared words. The checks identify a word by the
 * order of reads in the documented algorithm (DOC: channel-protocol): state, then length and
 * source, or end reason, each once.
 */
#define _DEFAULT_SOURCE /* S_IFREG */
#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include <shmsum/channel.h>

#include "roles/consumer.h"
#include "fuzz.h"
#include "roles/producer.h"
#include "channel/shared_word.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum {
    INPUT_MAX = 4096, /* a longer input reaches nothing new */
    SLOTS_MAX = 4,
    PAYLOAD_MAX = 200,
    CALLS_MAX = 64,
    SOURCES = 3,
    READS = 8,                                   /* remembered: the first and the last of a call */
    TAKEN_MAX = INPUT_MAX / 4 + 1,               /* a block uses four bytes of the script */
    BYTES_MAX = TAKEN_MAX * (PAYLOAD_MAX + 100), /* payloads of all blocks */
    RESULTS_MAX = 1 << 20,
    RESULTS_BUFFER = 2 * RESULT_LINE_TEXT_MAX + 100,
    STEPS_MAX = 100 * INPUT_MAX, /* accesses; more mean a loop without end */
    STOP_MARK = 0x5ead0000,      /* in the private stop word */
    RESULTS_FD = 4,
    INPUT_FD = 5,
    TERMINAL_FD = 6,
};

/* What a read of a shared word gives. A byte of the script below 128: the true value. Others: a
 * lie, counted from 128. */
enum lie {
    LIE_FREE,
    LIE_READY,
    LIE_END,
    LIE_STATE, /* no state of the protocol */
    LIE_FREE_WAIT,
    LIE_READY_WAIT,
    LIE_END_WAIT,
    LIE_STATE_WAIT,
    LIE_FULL, /* lengths around that of a full payload */
    LIE_FULL_AND_1,
    LIE_FULL_BUT_1,
    LIE_LINES, /* the payload rounded up to lines */
    LIE_LARGEST,
    LIE_LARGEST_BUT_WAIT,
    LIE_BYTE,   /* a byte of the script */
    LIE_WORD,   /* 4 bytes of the script */
    LIE_PLUS_1, /* relative to the true value */
    LIE_MINUS_1,
    LIE_BIT_16, /* one bit flipped */
    LIE_BIT_30,
    LIE_AGAIN_2, /* what the last read but one gave */
    LIE_SOURCES,
    LIE_LAST_SOURCE,
    LIE_AGAIN, /* what the last read gave */
    LIE_4095,
    LIE_4096,
    LIE_FLIP_WAIT,
    LIE_WIDE,       /* 8 bytes of the script */
    LIE_STOP_INPUT, /* the true value, and a stop bit is set during the read */
    LIE_STOP_PEER,
    LIE_STOP_NOW,
    LIE_NONE,
    LIES,
};

struct setting {
    uint8_t mode;           /* 0 .. 4: see LLVMFuzzerTestOneInput */
    uint32_t slots;         /* 1 .. SLOTS_MAX */
    uint32_t payload_bytes; /* 1 .. PAYLOAD_MAX */
    /* 0-1: spins; 2: two CPUs; 3-4: blank lines; 5: dialogue; 6: terminal; 7: answers */
    uint8_t bits;
    /* 0: wakes fail; 1: the results are no regular file; 2: the input is a regular file; 3: await
     * the consumer first; 4: decimal comma; 5: writes of messages may fail; 6: sync */
    uint8_t more;
};

/* One block that the consumer took. */
struct taken {
    uint32_t source;
    uint32_t size;
    size_t at; /* in world.bytes */
};

static struct {
    struct setting setting;
    struct fuzz_input *input;
    struct shmsum_region region;
    struct shmsum_channel channel;
    struct shmsum_word stop;
    uint8_t *memory, *copy;
    uint64_t steps, wakes, wakes_at_read, copies;
    uint64_t first[READS], last[READS]; /* reads of this call; last[0] is the last */
    uint64_t reads, reads_at_copy, reads_at_stop;
    int error;            /* positive errno of a system call that failed for good */
    bool awaits_released; /* the call is shmsum_channel_await_released */
    bool notes;           /* before_sleep is note_sleep or fail_before_sleep */
    bool noted;           /* and it has run */

    uint64_t slots; /* channel.slots at the last observe() */
    uint32_t next;

    /* of the consumer */
    struct taken taken[TAKEN_MAX];
    size_t taken_count;
    uint8_t bytes[BYTES_MAX];
    size_t bytes_used;
    char results[RESULTS_MAX];
    size_t results_size;

    /* of the producer: bytes read from its input, bytes published; see stream_byte */
    uint64_t read, published;
    uint32_t last_read;
    bool owned; /* the producer fills the next slot; when the slot is READY, it must be complete */
} world;

static uint32_t get_word(const void *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint64_t get_wide(const uint8_t *at)
{
    uint64_t wide;
    memcpy(&wide, at, sizeof wide);
    return wide;
}

static uint32_t stop_now(void)
{
    return get_word(&world.stop);
}

static void raise_stop(uint32_t bits)
{
    if (bits & ~stop_now() & world.channel.stop_mask)
        world.reads_at_stop = world.reads;
    shmsum_stop_raise(world.region.os, &world.stop, bits);
}

/* ---- the documented layout ---- */

enum { AT_ATTACHED = 128, AT_CLOSING = 256, AT_COUNTERS = 264, AT_SLOTS = 512 };

static size_t stride(void)
{
    return 128 + (world.setting.payload_bytes + 127) / 128 * 128;
}

static uint8_t *slot_at(uint32_t i)
{
    return world.memory + AT_SLOTS + i * stride();
}

/* The slot that the producer published last. */
static uint32_t last_slot(void)
{
    return world.channel.next == 0 ? world.setting.slots - 1 : world.channel.next - 1;
}

/* Poisons the bytes between words and payloads, which neither side may touch; or checks them. */
static void guard(bool on)
{
    static const uint16_t holes[][2] = {{48, 128}, {132, 256}, {260, 264}, {384, 512}};
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        uint8_t *at = world.memory + holes[i][0];
        size_t size = (size_t)holes[i][1] - holes[i][0];
        if (on)
            ASAN_POISON_MEMORY_REGION(at, size);
        else
            ASAN_UNPOISON_MEMORY_REGION(at, size);
    }
    for (uint32_t i = 0; i < world.setting.slots; i++) {
        uint8_t *slot = slot_at(i), *end = slot + 128 + world.setting.payload_bytes;
        if (on) {
            ASAN_POISON_MEMORY_REGION(slot + 16, 112);
            ASAN_POISON_MEMORY_REGION(end, (size_t)(slot + stride() - end));
        } else {
            ASAN_UNPOISON_MEMORY_REGION(slot, stride());
        }
    }
    if (!on)
        for (uint32_t i = 0; i < world.setting.slots; i++)
            for (size_t at = 128 + world.setting.payload_bytes; at < stride(); at++)
                FUZZ_CHECK(slot_at(i)[at] == 0);
}

/* ---- what the producer sends ---- */

/* The input of the producer: lines of up to 22 bytes. */
static uint8_t stream_byte(uint64_t at)
{
    return at % 23 == 10 || at % 37 == 0 ? '\n' : (uint8_t)('a' + at % 19);
}

/* Checks a slot that was published or released since the last call. */
static void observe(void)
{
    const struct shmsum_channel *channel = &world.channel;
    if (channel->slots == world.slots)
        return;
    FUZZ_CHECK(channel->slots == world.slots + 1);
    FUZZ_CHECK(channel->next == (world.next + 1) % world.setting.slots);
    const uint8_t *slot = slot_at(world.next);
    bool had_wait = world.last[0] & SHARED_WORD_WAIT;
    FUZZ_CHECK(world.wakes - world.wakes_at_read == had_wait);
    if (channel->role == SHMSUM_CONSUMER) {
        FUZZ_CHECK(get_word(slot) == SHMSUM_FREE);
    } else {
        uint32_t length = get_word(slot + 4);
        FUZZ_CHECK(get_word(slot) == SHMSUM_READY && get_word(slot + 8) == 1);
        FUZZ_CHECK(length >= 1 && length <= world.setting.payload_bytes);
        FUZZ_CHECK(length == world.last_read || world.setting.mode == 4);
        for (uint32_t i = 0; i < length; i++) {
            uint8_t byte = stream_byte(world.published++);
            FUZZ_CHECK(slot[128 + i] == byte);
            FUZZ_CHECK(world.setting.mode != 4 || byte != '\n' || i + 1 == length);
        }
        FUZZ_CHECK(world.published <= world.read);
    }
    world.slots = channel->slots;
    world.next = channel->next;
}

/* The producer starts to fill the next slot. It has read FREE, perhaps as a lie; make it true. */
static void own_slot(void)
{
    static const uint32_t state = SHMSUM_FREE;
    memcpy(slot_at(world.channel.next), &state, sizeof state);
    world.owned = true;
}

/* After an access: a slot that has become READY must be complete. */
static void check_published(void)
{
    const uint8_t *slot = slot_at(world.channel.next);
    if (!world.owned || get_word(slot) != SHMSUM_READY)
        return;
    FUZZ_CHECK(get_word(slot + 4) == world.last_read && get_word(slot + 8) == 1);
    world.owned = false;
}

/* ---- the hooks ---- */

void shared_word_step(void)
{
    observe();
    FUZZ_CHECK(++world.steps < STEPS_MAX);
}

static uint64_t lie(uint64_t value)
{
    struct fuzz_input *input = world.input;
    uint8_t op = fuzz_byte(input);
    if (op < 128)
        return value;
    uint32_t full = world.setting.payload_bytes;
    uint64_t wide;
    switch ((enum lie)((op - 128) % LIES)) {
    case LIE_FREE:
        return SHMSUM_FREE;
    case LIE_READY:
        return SHMSUM_READY;
    case LIE_END:
        return SHMSUM_END;
    case LIE_STATE:
        return 3;
    case LIE_FREE_WAIT:
        return SHMSUM_FREE | SHARED_WORD_WAIT;
    case LIE_READY_WAIT:
        return SHMSUM_READY | SHARED_WORD_WAIT;
    case LIE_END_WAIT:
        return SHMSUM_END | SHARED_WORD_WAIT;
    case LIE_STATE_WAIT:
        return 3 | SHARED_WORD_WAIT;
    case LIE_FULL:
        return full;
    case LIE_FULL_AND_1:
        return full + 1;
    case LIE_FULL_BUT_1:
        return full - 1;
    case LIE_LINES:
        return stride() - 128;
    case LIE_LARGEST:
        return UINT32_MAX;
    case LIE_LARGEST_BUT_WAIT:
        return UINT32_MAX ^ SHARED_WORD_WAIT;
    case LIE_BYTE:
        return fuzz_byte(input);
    case LIE_WORD:
        return fuzz_word(input);
    case LIE_PLUS_1:
        return value + 1;
    case LIE_MINUS_1:
        return value - 1;
    case LIE_BIT_16:
        return value ^ 1 << 16;
    case LIE_BIT_30:
        return value ^ 1 << 30;
    case LIE_AGAIN_2:
        return world.last[1];
    case LIE_SOURCES:
        return SOURCES;
    case LIE_LAST_SOURCE:
        return SOURCES - 1;
    case LIE_AGAIN:
        return world.last[0];
    case LIE_4095:
        return 4095;
    case LIE_4096:
        return 4096;
    case LIE_FLIP_WAIT:
        return value ^ SHARED_WORD_WAIT;
    case LIE_WIDE:
        wide = fuzz_word(input);
        return wide << 32 | fuzz_word(input);
    case LIE_STOP_INPUT:
        raise_stop(SHMSUM_STOP_INPUT);
        break;
    case LIE_STOP_PEER:
        raise_stop(SHMSUM_STOP_PEER);
        break;
    case LIE_STOP_NOW:
        raise_stop(SHMSUM_STOP_NOW);
        break;
    case LIE_NONE:
    case LIES:
        break;
    }
    return value;
}

static uint64_t read_value(uint64_t value, uint64_t mask)
{
    if ((value & 0xffff0000) == STOP_MARK)
        return value;
    check_published();
    world.reads++; /* before lie(): a stop that it sets counts as later than this read */
    value = lie(value) & mask;
    if (world.reads <= READS)
        world.first[world.reads - 1] = value;
    memmove(world.last + 1, world.last, sizeof world.last - sizeof world.last[0]);
    world.last[0] = value;
    world.wakes_at_read = world.wakes;
    return value;
}

uint32_t shared_word_read(uint32_t value)
{
    return (uint32_t)read_value(value, UINT32_MAX);
}

uint64_t shared_wide_read(uint64_t value)
{
    return read_value(value, UINT64_MAX);
}

/* The peer changes the payload during the copy: to a text (a byte of the script below 200) or to
 * bytes of the script. It changes it again after the copy. */
void shared_word_copied(void *bytes, size_t size)
{
    static const char *const texts[] = {
        "1 2\n", "\n",      "x\n",        "1.5 ", "1\r\n",  " ",   "-7e2\n0.5\n",
        "\r",    "1,5\n\n", "1e1000 2\n", "9",    "\t\v\f", "1 2", "\x00\x1b[\xff\n",
    };
    FUZZ_CHECK(bytes == world.copy);
    FUZZ_CHECK(size >= 1 && size <= world.setting.payload_bytes);
    uint8_t *to = bytes;
    uint8_t op = fuzz_byte(world.input);
    if (op >= 200) {
        for (size_t i = 0; i < size; i++)
            to[i] = fuzz_byte(world.input);
    } else {
        const char *text = texts[op % (sizeof texts / sizeof texts[0])];
        size_t length = text[0] == '\0' ? 5 : strlen(text);
        for (size_t i = 0; i < size; i++)
            to[i] = (uint8_t)text[i % length];
    }
    memset(slot_at(world.channel.next) + 128, '9', world.setting.payload_bytes);
    world.copies++;
    world.reads_at_copy = world.reads;
    FUZZ_CHECK(world.taken_count < TAKEN_MAX && world.bytes_used + size <= BYTES_MAX);
    /* One of the last two reads was the length, the other the source. */
    uint32_t a = (uint32_t)world.last[0], b = (uint32_t)world.last[1];
    FUZZ_CHECK(a == size || b == size);
    FUZZ_CHECK((world.last[2] & ~SHARED_WORD_WAIT) == SHMSUM_READY);
    world.taken[world.taken_count++] =
        (struct taken){b == size ? a : b, (uint32_t)size, world.bytes_used};
    memcpy(world.bytes + world.bytes_used, to, size);
    world.bytes_used += size;
}

/* ---- the system ---- */

#define OS const struct shmsum_os *os

static int fail(int error)
{
    world.error = error;
    return -error;
}

/* Calls may wait on a state or on `attached`; await_released only on the state of the last slot. */
static void check_waitable(const void *word)
{
    const uint8_t *at = word;
    bool found = at == world.memory + AT_ATTACHED;
    for (uint32_t i = 0; i < world.setting.slots; i++)
        found |= at == slot_at(i);
    FUZZ_CHECK(found && (!world.awaits_released || at == slot_at(last_slot())));
}

/* The part of both futex waits that is the same. A byte of the script says how the sleep ends. */
static int wait_for(const void *word, uint32_t expected, bool two)
{
    observe();
    check_waitable(word);
    FUZZ_CHECK(expected & SHARED_WORD_WAIT);
    FUZZ_CHECK(!world.notes || (world.noted && world.error == 0));
    FUZZ_CHECK(world.channel.wake_error == 0); /* the other side may be asleep forever */
    if (get_word(word) != expected)
        return -EAGAIN;
    if (world.input->left == 0) {
        raise_stop(SHMSUM_STOP_INPUT | SHMSUM_STOP_PEER | SHMSUM_STOP_NOW);
        return two ? 0 : -ETIMEDOUT;
    }
    switch (fuzz_byte(world.input) % 16) {
    case 1:
        return -EINTR;
    case 2:
        return -EAGAIN;
    case 3:
        return two ? 1 : -ETIMEDOUT;
    case 4:
        return two ? -ENOSYS : 0;
    case 5:
        return two ? -EPERM : 0;
    case 6:
        raise_stop(SHMSUM_STOP_INPUT);
        return 0;
    case 7:
        raise_stop(SHMSUM_STOP_PEER);
        return -EINTR;
    case 8:
        raise_stop(SHMSUM_STOP_NOW);
        return 0;
    case 9:
        return fail(EFAULT);
    case 10:
        return fail(EINVAL);
    default:
        return 0;
    }
}

static int fake_futex_wait_two(OS, const void *word, uint32_t expected, const void *stop,
                               uint32_t stop_expected)
{
    (void)os;
    FUZZ_CHECK(stop == &world.stop && !world.channel.timed);
    if (stop_now() != stop_expected)
        return -EAGAIN;
    FUZZ_CHECK(!(stop_now() & world.channel.stop_mask)); /* it would sleep forever */
    return wait_for(word, expected, true);
}

static int fake_futex_wait(OS, const void *word, uint32_t expected, int timeout_ms)
{
    (void)os;
    FUZZ_CHECK(world.channel.timed && timeout_ms > 0 && timeout_ms <= 1000);
    return wait_for(word, expected, false);
}

/* The errno of a refused wake. The first three have a meaning for a wait, but not for a wake. */
static int wake_error(void)
{
    static const int errors[SLOTS_MAX] = {EAGAIN, ECANCELED, EPROTO, EPERM};
    return errors[(world.setting.slots - 1) % SLOTS_MAX];
}

static int fake_futex_wake(OS, const void *word)
{
    (void)os;
    if (word == &world.stop)
        return 0;
    check_waitable(word);
    world.wakes++;
    return world.setting.more & 1 ? -wake_error() : 1;
}

static int fake_cpu_count(OS)
{
    (void)os;
    return world.setting.bits & 4 ? 2 : 1;
}

static uint64_t fake_clock_ns(OS)
{
    (void)os;
    return world.steps * (world.setting.slots - 1);
}

static pid_t fake_get_pid(OS)
{
    (void)os;
    return 1;
}

static int fake_fstat(OS, int fd, struct stat *status)
{
    (void)os;
    memset(status, 0, sizeof *status);
    bool regular = fd == RESULTS_FD ? !(world.setting.more & 2) : world.setting.more & 4;
    status->st_mode = regular ? S_IFREG : S_IFIFO;
    status->st_size = (off_t)world.results_size;
    return 0;
}

static off_t fake_seek(OS, int fd, off_t offset, int whence)
{
    (void)os;
    FUZZ_CHECK(fd == RESULTS_FD);
    if (whence == SEEK_SET)
        FUZZ_CHECK((size_t)offset == world.results_size);
    return (off_t)world.results_size;
}

static int fake_truncate(OS, int fd, off_t size)
{
    (void)os;
    FUZZ_CHECK(fd == RESULTS_FD && size >= 0 && (size_t)size <= world.results_size);
    world.results_size = (size_t)size;
    return 0;
}

/* A byte of the script says how much is written, or how the write fails. Writes of messages and
 * prompts succeed unless the setting says otherwise; their failures must have no effect. */
static ssize_t fake_write(OS, int fd, const void *bytes, size_t size)
{
    (void)os;
    bool results = fd == RESULTS_FD;
    if (!results && !(world.setting.more & 32))
        return (ssize_t)size;
    uint8_t how = fuzz_byte(world.input);
    if (how == 255)
        return results ? fail(ENOSPC) : -EPIPE;
    if (how >= 248)
        return -EINTR;
    if (how >= 240)
        return -EAGAIN;
    if (how >= 200 && size > (size_t)how - 199)
        size = (size_t)how - 199;
    if (!results)
        return (ssize_t)size;
    if (world.results_size + size > RESULTS_MAX)
        return fail(EFBIG);
    memcpy(world.results + world.results_size, bytes, size);
    world.results_size += size;
    return (ssize_t)size;
}

static int fake_sync(OS, int fd)
{
    (void)os;
    FUZZ_CHECK(fd == RESULTS_FD);
    uint8_t how = fuzz_byte(world.input);
    return how == 255 ? fail(EIO) : how >= 200 ? -EINTR : 0;
}

/* A byte of the script: up to 219 the count of bytes read, 0 the end of the input; then failures.
 */
static ssize_t fake_read(OS, int fd, void *bytes, size_t size)
{
    (void)os;
    FUZZ_CHECK(fd == INPUT_FD);
    FUZZ_CHECK(world.setting.mode != 3 || bytes == slot_at(world.channel.next) + 128);
    uint8_t how = fuzz_byte(world.input);
    if (how >= 250)
        return fail(EIO);
    if (how >= 240)
        return world.setting.more & 4 ? fail(EAGAIN) : -EAGAIN;
    if (how >= 230)
        raise_stop(SHMSUM_STOP_INPUT);
    if (how >= 220)
        return -EINTR;
    if (size > how)
        size = how;
    uint8_t *to = bytes;
    for (size_t i = 0; i < size; i++)
        to[i] = stream_byte(world.read++);
    world.last_read = (uint32_t)size;
    if (world.setting.mode == 3 && size > 0)
        own_slot();
    return (ssize_t)size;
}

static int fake_poll(OS, struct pollfd *fds, size_t count, const sigset_t *mask)
{
    (void)os;
    (void)mask;
    FUZZ_CHECK(count == 1);
    if (fds->fd != INPUT_FD)
        return 1;
    uint8_t how = fuzz_byte(world.input);
    if (how >= 250)
        return fail(ENOMEM);
    if (how >= 240)
        raise_stop(SHMSUM_STOP_PEER);
    return how >= 200 ? -EINTR : 1;
}

static int fake_set_mask(OS, int how, const sigset_t *mask, sigset_t *old)
{
    (void)os;
    (void)how;
    (void)mask;
    if (old != NULL)
        sigemptyset(old);
    return 0;
}

static const struct shmsum_os fake_os = {
    .futex_waitv = fake_futex_wait_two,
    .futex_wait = fake_futex_wait,
    .futex_wake = fake_futex_wake,
    .cpu_count = fake_cpu_count,
    .clock_ns = fake_clock_ns,
    .getpid = fake_get_pid,
    .fstat = fake_fstat,
    .lseek = fake_seek,
    .ftruncate = fake_truncate,
    .write = fake_write,
    .fsync = fake_sync,
    .read = fake_read,
    .ppoll = fake_poll,
    .sigprocmask = fake_set_mask,
};

/* ---- what a call may return ---- */

static uint32_t without_wait(uint64_t value)
{
    return (uint32_t)value & ~SHARED_WORD_WAIT;
}

static void begin_call(void)
{
    observe();
    world.reads = world.reads_at_copy = world.reads_at_stop = 0;
    world.copies = 0;
    world.error = 0;
    world.awaits_released = world.notes = world.noted = false;
}

/* Whether the result is the errno of an earlier failed wake. */
static bool is_of_wake(int result)
{
    bool fails = world.setting.more & 1;
    FUZZ_CHECK(world.channel.wake_error == 0 ||
               (fails && world.channel.wake_error == -wake_error()));
    return result < 0 && result == world.channel.wake_error;
}

/* Checks a result against what happened in the call. `broken`: the words read last break the
 * protocol. */
static void check_failure(int result, bool broken, const struct shmsum_failure *why)
{
    observe();
    FUZZ_CHECK(result == SHMSUM_STOPPED || result == 0
                   ? why->call == NULL
                   : why->call != NULL && why->error == -result);
    FUZZ_CHECK(world.error == 0 || result == -world.error); /* a failure ends the call at once */
    if (result == SHMSUM_STOPPED)
        FUZZ_CHECK(stop_now() & world.channel.stop_mask);
    else if (result == SHMSUM_BROKEN)
        FUZZ_CHECK(broken && strcmp(why->call, "protocol") == 0);
    else if (result < 0)
        FUZZ_CHECK(result == -world.error || is_of_wake(result));
    else
        FUZZ_CHECK(result == 0);
}

/* Whether the words that the consumer read last break the protocol. */
static bool is_broken_for_consumer(void)
{
    uint32_t state = without_wait(world.last[0]), before = without_wait(world.last[1]);
    uint32_t before_that = without_wait(world.last[2]);
    uint32_t value = (uint32_t)world.last[0];
    bool bad_length = value == 0 || value > world.setting.payload_bytes;
    return state > SHMSUM_END || (before == SHMSUM_END && value != 1 && value != 2) ||
           (bad_length && (before == SHMSUM_READY || before_that == SHMSUM_READY));
}

/* shmsum_channel_try_take returned `result`. */
static void check_try_take(int result, const struct shmsum_block *block)
{
    uint32_t state = without_wait(world.first[0]), value = (uint32_t)world.first[1];
    switch (state) {
    case SHMSUM_FREE:
        FUZZ_CHECK(result == SHMSUM_AGAIN && world.reads == 1);
        break;
    case SHMSUM_READY:
        FUZZ_CHECK(result == (world.copies == 1 ? 0 : SHMSUM_BROKEN));
        FUZZ_CHECK(world.reads == 3 || result < 0);
        break;
    case SHMSUM_END:
        FUZZ_CHECK(world.reads == 2 && result == (value == 1 || value == 2 ? 0 : SHMSUM_BROKEN));
        FUZZ_CHECK(result < 0 || (block->end && (uint32_t)block->end_reason == value));
        break;
    default:
        FUZZ_CHECK(result == SHMSUM_BROKEN);
    }
}

/* The call took a block, or END. */
static void check_block(const struct shmsum_block *block)
{
    if (block->end) {
        FUZZ_CHECK(world.copies == 0 && without_wait(world.last[1]) == SHMSUM_END);
        FUZZ_CHECK((uint32_t)block->end_reason == world.last[0]);
        FUZZ_CHECK(block->end_reason == SHMSUM_END_COMPLETE || block->end_reason == SHMSUM_END_CUT);
        return;
    }
    FUZZ_CHECK(world.copies == 1);
    const struct taken *taken = &world.taken[world.taken_count - 1];
    /* state, length and source were read once each */
    FUZZ_CHECK(without_wait(world.last[2]) == SHMSUM_READY && world.channel.held);
    FUZZ_CHECK(block->length == taken->size && block->source == taken->source);
    FUZZ_CHECK(memcmp(world.copy, world.bytes + taken->at, taken->size) == 0);
}

/* ---- what an end does before it sleeps on a slot ---- */

/* An end sleeps only if the slot that it read last belongs to the other side. */
static int note_sleep(void *context, struct shmsum_failure *why)
{
    (void)context, (void)why;
    bool consumes = world.channel.role == SHMSUM_CONSUMER;
    FUZZ_CHECK(without_wait(world.last[0]) == (consumes ? SHMSUM_FREE : SHMSUM_READY));
    world.noted = true;
    return 0;
}

static int fail_before_sleep(void *context, struct shmsum_failure *why)
{
    note_sleep(context, why);
    fail(ENOSPC);
    return shmsum_failure_set(why, "write", "results", ENOSPC);
}

typedef int before_sleep(void *context, struct shmsum_failure *why);

static void set_before_sleep(before_sleep *function)
{
    world.channel.before_sleep = function;
    world.notes = function != NULL;
}

/* ---- the consumer's end, call by call. Each returns whether another call may follow ---- */

static bool check_taken(int result, const struct shmsum_block *block,
                        const struct shmsum_failure *why)
{
    check_failure(result, is_broken_for_consumer(), why);
    if (result == 0)
        check_block(block);
    return result == 0 && !block->end;
}

static bool call_try_take(void)
{
    struct shmsum_failure why = {0};
    struct shmsum_block block;
    memset(&block, 0x5a, sizeof block);
    int result = shmsum_channel_try_take(&world.channel, world.copy, &block, &why);
    check_try_take(result, &block);
    return result == SHMSUM_AGAIN || check_taken(result, &block, &why);
}

static bool call_take(before_sleep *function)
{
    struct shmsum_failure why = {0};
    struct shmsum_block block;
    memset(&block, 0x5a, sizeof block);
    set_before_sleep(function);
    int result = shmsum_channel_take(&world.channel, world.copy, &block, &why);
    set_before_sleep(NULL);
    FUZZ_CHECK(without_wait(world.first[0]) <= SHMSUM_END || result == SHMSUM_BROKEN);
    if (result == SHMSUM_STOPPED) /* the read after the stop found no slot */
        FUZZ_CHECK(without_wait(world.last[0]) == SHMSUM_FREE && world.copies == 0 &&
                   world.reads > world.reads_at_stop);
    return check_taken(result, &block, &why);
}

static bool call_consumer(uint8_t what)
{
    struct shmsum_channel *channel = &world.channel;
    uint64_t wakes = world.wakes;
    begin_call();
    switch (what % 8) {
    case 0:
        return call_try_take();
    case 3:
        if (channel->held)
            shmsum_channel_release(channel);
        FUZZ_CHECK(!channel->held);
        return true;
    case 4:
        shmsum_channel_attached(channel);
        FUZZ_CHECK(get_word(world.memory + AT_ATTACHED) == 1);
        FUZZ_CHECK(world.wakes - wakes == (world.last[0] >> 31 & 1));
        return true;
    case 5:
        shmsum_channel_set_closing(channel, what & 8 ? SHMSUM_CLOSING : SHMSUM_CLOSED);
        FUZZ_CHECK(get_word(world.memory + AT_CLOSING) == (what & 8 ? 1 : 2));
        return true;
    case 6:
        return call_take(note_sleep);
    case 7:
        return call_take(fail_before_sleep);
    default:
        return call_take(NULL);
    }
}

/* ---- the producer's end, call by call. Each returns whether another call may follow ---- */

static void check_acquired(int result, const uint8_t *payload)
{
    if (result == 0) {
        FUZZ_CHECK(without_wait(world.last[0]) == SHMSUM_FREE);
        FUZZ_CHECK(payload == slot_at(world.channel.next) + 128);
    }
}

static bool call_try_acquire(uint8_t **payload)
{
    struct shmsum_failure why = {0};
    int result = shmsum_channel_try_acquire(&world.channel, payload, &why);
    uint32_t state = without_wait(world.first[0]);
    FUZZ_CHECK(world.reads == 1);
    FUZZ_CHECK(result == (state == SHMSUM_FREE    ? 0
                          : state == SHMSUM_READY ? SHMSUM_AGAIN
                                                  : SHMSUM_BROKEN));
    if (result == SHMSUM_AGAIN)
        return true;
    check_failure(result, true, &why);
    check_acquired(result, *payload);
    return result == 0;
}

static bool call_acquire(uint8_t **payload, before_sleep *function)
{
    struct shmsum_failure why = {0};
    set_before_sleep(function);
    int result = shmsum_channel_acquire(&world.channel, payload, &why);
    set_before_sleep(NULL);
    FUZZ_CHECK(without_wait(world.first[0]) <= SHMSUM_READY || result == SHMSUM_BROKEN);
    check_failure(result, without_wait(world.last[0]) != SHMSUM_FREE, &why);
    check_acquired(result, *payload);
    return result == 0;
}

static bool call_await_released(void)
{
    struct shmsum_failure why = {0};
    world.awaits_released = true;
    int result = shmsum_channel_await_released(&world.channel, &why);
    uint32_t state = without_wait(world.first[0]);
    FUZZ_CHECK(state <= SHMSUM_READY || result == SHMSUM_BROKEN);
    FUZZ_CHECK(state != SHMSUM_FREE || (result == 0 && world.reads == 1));
    check_failure(result, without_wait(world.last[0]) > SHMSUM_READY, &why);
    FUZZ_CHECK(result < 0 || without_wait(world.last[0]) == SHMSUM_FREE);
    return result == 0;
}

static bool call_await_attached(void)
{
    struct shmsum_failure why = {0};
    int result = shmsum_channel_await_attached(&world.channel, &why);
    FUZZ_CHECK(without_wait(world.first[0]) <= 1 || result == SHMSUM_BROKEN);
    check_failure(result, without_wait(world.last[0]) > 1, &why);
    FUZZ_CHECK(result < 0 || without_wait(world.last[0]) == 1);
    return result == 0;
}

static bool call_end(enum shmsum_end_reason end_reason)
{
    struct shmsum_channel *channel = &world.channel;
    struct shmsum_failure why = {0};
    uint64_t wakes = world.wakes;
    begin_call();
    int result = shmsum_channel_end(channel, end_reason, &why);
    FUZZ_CHECK(!(channel->stop_mask & SHMSUM_STOP_INPUT));
    uint32_t state = without_wait(world.first[0]);
    FUZZ_CHECK(state <= SHMSUM_READY || result == SHMSUM_BROKEN);
    check_failure(result, without_wait(world.last[0]) != SHMSUM_FREE, &why);
    if (result == 0) {
        const uint8_t *slot = slot_at(channel->next);
        FUZZ_CHECK(channel->wake_error == 0);
        FUZZ_CHECK(get_word(slot) == SHMSUM_END && get_word(slot + 12) == (uint32_t)end_reason);
        FUZZ_CHECK(world.wakes - wakes == (world.last[0] >> 31 & 1));
        FUZZ_CHECK(without_wait(world.last[1]) == SHMSUM_FREE);
    }
    return false;
}

/* Reads a word beside the ring: `closing` with its range checked, a counter as it is. */
static bool read_beside(uint8_t which)
{
    const struct shmsum_channel *channel = &world.channel;
    begin_call();
    if (which % 3 == 0) {
        enum shmsum_closing closing = shmsum_channel_closing(channel);
        uint32_t value = (uint32_t)world.last[0];
        FUZZ_CHECK((uint32_t)closing == (value <= 2 ? value : 0));
    } else {
        uint64_t counter = shmsum_channel_counter(channel, which % SHMSUM_REGION_COUNTERS);
        FUZZ_CHECK(counter == world.last[0]);
    }
    FUZZ_CHECK(world.reads == 1);
    return true;
}

static void fill_and_publish(uint8_t *payload)
{
    uint32_t length = 1 + fuzz_below(world.input, world.setting.payload_bytes);
    for (uint32_t i = 0; i < length; i++)
        payload[i] = stream_byte(world.read++);
    world.last_read = length;
    own_slot();
    shmsum_channel_publish(&world.channel, length, 1);
}

static bool call_producer(uint8_t what)
{
    uint8_t *payload = NULL;
    bool may_follow;
    begin_call();
    switch (what % 8) {
    case 0:
        may_follow = call_try_acquire(&payload);
        break;
    case 3:
        return call_await_released();
    case 4:
        return call_await_attached();
    case 5:
        return read_beside(what >> 3);
    case 6:
        may_follow = call_acquire(&payload, what & 8 ? fail_before_sleep : note_sleep);
        break;
    case 7:
        return call_end(what & 8 ? SHMSUM_END_CUT : SHMSUM_END_COMPLETE);
    default:
        may_follow = call_acquire(&payload, NULL);
    }
    if (may_follow && payload != NULL && what & 8)
        fill_and_publish(payload);
    return may_follow;
}

/* ---- the roles ---- */

/* What the consumer has to make of the blocks that it took. */
struct model {
    const struct consumer_config *config;
    struct shmsum_line_parser parser;
    uint32_t source;
    bool canonical;
    size_t line_bytes; /* of the current line, so far, with its LF */
    bool blank_seen, unread, broken;
    uint64_t sums, errors, skipped, numbers, bytes, lines;
    size_t at; /* the results are right up to here */
    bool cut;  /* the results end before the model does */
};

static void expect_line(struct model *model, enum shmsum_line event)
{
    char text[RESULT_LINE_TEXT_MAX + 1];
    size_t size;
    static const struct shmsum_line_error cut = {.kind = SHMSUM_MAYBE_CUT, .column = 4096};
    const struct shmsum_line_error *error = &model->parser.error;
    if (model->canonical && model->line_bytes >= 4095) {
        error = &cut;
        event = SHMSUM_LINE_ERROR;
    }
    model->line_bytes = 0;
    if (event == SHMSUM_LINE_BLANK && model->config->blank_lines == BLANK_LINES_SKIP) {
        model->skipped++;
        return;
    }
    if (event == SHMSUM_LINE_BLANK && model->config->blank_lines == BLANK_LINES_END) {
        model->blank_seen = true;
        return;
    }
    if (event == SHMSUM_LINE_ERROR) {
        model->errors++;
        size = diagnostic_result(text, error);
    } else {
        model->sums++;
        model->numbers += event == SHMSUM_LINE_SUM ? model->parser.numbers : 0;
        size = shmsum_decimal_sum_format(&model->parser.sum, text);
    }
    text[size++] = '\n';
    size_t there = world.results_size - model->at;
    if (there < size) {
        model->cut = true;
        size = there;
    }
    FUZZ_CHECK(memcmp(world.results + model->at, text, size) == 0);
    model->at += size;
    model->lines++;
}

static void expect_end_of_source(struct model *model)
{
    enum shmsum_line event = shmsum_line_parser_finish(&model->parser);
    if (event != SHMSUM_LINE_UNFINISHED)
        expect_line(model, event);
}

static bool is_closed(const struct model *model)
{
    return model->blank_seen && (model->unread || model->config->terminal);
}

static void expect_block(struct model *model, const struct taken *taken)
{
    FUZZ_CHECK(!is_closed(model) && !model->broken); /* or the consumer should not have taken it */
    uint32_t source = taken->source & 0x7fffffff;
    if (source >= SOURCES || source < model->source) {
        model->broken = true;
        return;
    }
    if (source != model->source) {
        expect_end_of_source(model);
        if (!model->blank_seen)
            model->source = source;
    }
    model->canonical = taken->source != source;
    model->bytes += taken->size;
    size_t used = 0;
    while (used < taken->size) {
        if (model->blank_seen) {
            model->unread = true;
            return;
        }
        size_t consumed;
        enum shmsum_line event = shmsum_line_parser_feed(
            &model->parser, world.bytes + taken->at + used, taken->size - used, &consumed);
        used += consumed;
        model->line_bytes += consumed;
        if (event == SHMSUM_LINE_UNFINISHED)
            continue;
        model->line_bytes--;
        expect_line(model, event);
    }
}

static void check_counter(enum counter which, uint64_t value)
{
    FUZZ_CHECK(get_wide(world.memory + AT_COUNTERS + (size_t)8 * which) == value);
}

/* The consumer ended with 0 and this end reason. */
static void check_end(struct model *model, enum consumer_end_reason end_reason)
{
    FUZZ_CHECK(!model->broken);
    switch (end_reason) {
    case CONSUMER_COMPLETE:
        expect_end_of_source(model);
        FUZZ_CHECK(without_wait(world.last[1]) == SHMSUM_END && world.last[0] == 1);
        break;
    case CONSUMER_CUT:
        FUZZ_CHECK(without_wait(world.last[1]) == SHMSUM_END && world.last[0] == 2);
        FUZZ_CHECK(!is_closed(model));
        break;
    case CONSUMER_CLOSED:
        FUZZ_CHECK(is_closed(model) && get_word(world.memory + AT_CLOSING) == 2);
        break;
    case CONSUMER_ORPHANED:
        FUZZ_CHECK(!is_closed(model) && (stop_now() & SHMSUM_STOP_PEER));
        FUZZ_CHECK(world.reads > world.reads_at_stop); /* it checked the slot after the stop */
        FUZZ_CHECK(without_wait(world.last[0]) == SHMSUM_FREE);
        break;
    }
}

/* The consumer ended with a negative errno. */
static void check_error(struct model *model, int result)
{
    if (result == SHMSUM_BROKEN) {
        FUZZ_CHECK(model->broken || is_broken_for_consumer());
        return;
    }
    FUZZ_CHECK(result == -world.error || is_of_wake(result));
    /* The call may have failed after END was taken, and after the last line was finished. */
    if (world.reads - world.reads_at_copy >= (world.copies > 0 ? 3 : 2) &&
        without_wait(world.last[1]) == SHMSUM_END && world.last[0] == SHMSUM_END_COMPLETE)
        expect_end_of_source(model);
}

static void check_counters(const struct model *model)
{
    check_counter(COUNTER_SUMS, model->sums);
    check_counter(COUNTER_ERRORS, model->errors);
    check_counter(COUNTER_SKIPPED, model->skipped);
    check_counter(COUNTER_NUMBERS, model->numbers);
    check_counter(COUNTER_BYTES, model->bytes);
    check_counter(COUNTER_RESULT_LINES, model->lines);
    check_counter(COUNTER_RESULT_BYTES, world.results_size);
    check_counter(COUNTER_SLEPT, world.channel.slept);
}

static struct consumer_config consumer_config(void)
{
    static const char *const sources[SOURCES] = {"one", "two", "three"};
    const struct setting *setting = &world.setting;
    return (struct consumer_config){
        .sources = sources,
        .source_count = SOURCES,
        .point = setting->more & 16 ? ',' : '.',
        .blank_lines = (enum blank_lines)((setting->bits >> 3 & 3) % 3),
        .max_errors = 3,
        .messages = 2,
        .dialogue = setting->bits & 32,
        .terminal = setting->bits & 64,
        .answers = setting->bits & 128,
        .sync = setting->more & 64,
    };
}

static void run_consumer(void)
{
    const struct consumer_config config = consumer_config();
    char *buffer = malloc(RESULTS_BUFFER);
    FUZZ_CHECK(buffer != NULL);
    struct shmsum_results results;
    struct shmsum_failure why = {0};
    struct consumer consumer;
    enum consumer_end_reason end_reason = (enum consumer_end_reason)99;
    FUZZ_CHECK(shmsum_results_init(&results, &fake_os, RESULTS_FD, SHMSUM_RESULTS_OWN, "results",
                                   buffer, RESULTS_BUFFER, &why) == 0);
    consumer_init(&consumer, &fake_os, &config, &world.channel, &results, world.copy);
    begin_call();
    int result = consumer_run(&consumer, &end_reason, &why);
    observe();
    free(buffer);

    struct model model = {.config = &config};
    shmsum_line_parser_init(&model.parser, config.point);
    FUZZ_CHECK(shmsum_line_parser_use(&model.parser, SHMSUM_LINE_SCALAR) == 0);
    for (size_t i = 0; i < world.taken_count; i++)
        expect_block(&model, &world.taken[i]);
    bool wrote = results.error == 0;
    FUZZ_CHECK(result == 0 ? why.call == NULL && wrote : why.call != NULL && why.error == -result);
    if (result == 0)
        check_end(&model, end_reason);
    else
        check_error(&model, result);
    FUZZ_CHECK(model.at == world.results_size && !(wrote && model.cut));
    if (!wrote && !(world.setting.more & 2) && world.results_size > 0)
        FUZZ_CHECK(world.results[world.results_size - 1] == '\n'); /* whole lines */
    if (result == 0 || (result == SHMSUM_BROKEN && wrote)) {
        check_counters(&model);
        /* Every block that was taken was released; in the dialogue, unless its source was wrong. */
        FUZZ_CHECK(world.channel.slots == world.taken_count - (model.broken && config.dialogue));
    }
}

static void run_producer(void)
{
    struct shmsum_channel *channel = &world.channel;
    struct shmsum_failure why = {0};
    struct producer producer;
    if (world.setting.more & 8) {
        begin_call();
        if (!call_await_attached())
            return;
    }
    producer_init(&producer, &fake_os, channel);
    begin_call();
    bool is_dialogue = world.setting.mode == 4;
    int result = is_dialogue ? producer_dialogue(&producer, INPUT_FD, "input", 1, TERMINAL_FD, &why)
                             : producer_send(&producer, INPUT_FD, "input", 1, &why);
    check_failure(result, without_wait(world.last[0]) != SHMSUM_FREE, &why);
    FUZZ_CHECK(producer.bytes == world.published);
    if (result == 0) /* the whole input, unless the consumer closed the dialogue */
        FUZZ_CHECK(world.published == world.read ||
                   (is_dialogue && world.last[0] == SHMSUM_CLOSED));
    if (result == 0 || result == SHMSUM_STOPPED)
        call_end(result == 0 ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT);
    for (uint8_t i = 0; i < 3; i++)
        read_beside(i);
}

static void reset_world(struct fuzz_input *input)
{
    /* Not the large arrays: only their used parts are read. */
    world.taken_count = world.bytes_used = world.results_size = 0;
    world.steps = world.wakes = world.wakes_at_read = world.copies = world.reads = 0;
    world.slots = world.read = world.published = 0;
    world.next = world.last_read = 0;
    world.error = 0;
    world.owned = false;
    memset(world.first, 0, sizeof world.first);
    memset(world.last, 0, sizeof world.last);
    memset(&world.channel, 0, sizeof world.channel);
    struct setting *setting = &world.setting;
    setting->mode = fuzz_byte(input) % 5;
    setting->slots = 1 + fuzz_below(input, SLOTS_MAX);
    setting->payload_bytes = 1 + fuzz_below(input, PAYLOAD_MAX);
    setting->bits = fuzz_byte(input);
    setting->more = fuzz_byte(input);
    world.input = input;
}

/* In memory of exactly its size, so that AddressSanitizer sees what is outside. */
static void init_region(void)
{
    struct shmsum_geometry geometry = {world.setting.slots, world.setting.payload_bytes};
    size_t bytes = shmsum_region_bytes(&geometry);
    void *memory;
    FUZZ_CHECK(posix_memalign(&memory, 128, bytes) == 0);
    memset(memory, 0, bytes);
    world.memory = memory;
    world.copy = malloc(world.setting.payload_bytes);
    FUZZ_CHECK(world.copy != NULL);
    FUZZ_CHECK(shmsum_region_init_in(&world.region, &fake_os, memory, bytes, &geometry) == 0);
}

static void init_channel(void)
{
    const struct setting *setting = &world.setting;
    bool consumes = setting->mode == 0 || setting->mode == 2;
    atomic_init(&world.stop.value, STOP_MARK);
    shmsum_channel_init(
        &world.channel, &world.region, consumes ? SHMSUM_CONSUMER : SHMSUM_PRODUCER, &world.stop,
        consumes ? SHMSUM_STOP_PEER : SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
    FUZZ_CHECK(world.channel.spins <= 50000 && (setting->bits & 4 || world.channel.spins == 0));
    world.channel.spins = setting->bits & 3;
}

/* Modes: 0 the consumer's end, 1 the producer's end, call by call; 2 consumer_run; 3
 * producer_send; 4 producer_dialogue. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    struct fuzz_input input = {data, size};
    reset_world(&input);
    init_region();
    guard(true);
    init_channel();
    uint8_t mode = world.setting.mode;
    bool may_follow = mode < 2;
    for (int i = 0; i < CALLS_MAX && input.left > 0 && may_follow; i++)
        may_follow =
            mode == 0 ? call_consumer(fuzz_byte(&input)) : call_producer(fuzz_byte(&input));
    if (mode == 2)
        run_consumer();
    else if (mode > 2)
        run_producer();
    observe();
    guard(false);
    free(world.copy);
    free(world.memory);
    return 0;
}
