/* room.c - shared by the tests of the channel and of the roles. See room.h. */
#include "room.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel/shared_word.h"

/* ---- system calls ---- */

struct room_os *room_os_of(const struct shmsum_os *table)
{
    return table->context;
}

bool room_would_sleep(const void *word, uint32_t expected, const void *stop, uint32_t stop_expected)
{
    const struct shmsum_word *words[] = {word, stop};
    return shared_load_relaxed(words[0]) == expected &&
           (stop == NULL || shared_load_relaxed(words[1]) == stop_expected);
}

static int room_futex_wait_two(const struct shmsum_os *table, const void *word, uint32_t expected,
                               const void *stop, uint32_t stop_expected)
{
    struct room_os *os = room_os_of(table);
    atomic_fetch_add_explicit(&os->waits_two, 1, memory_order_relaxed);
    if (os->wait_two_result != 0)
        return os->wait_two_result;
    if (os->on_wait != NULL)
        return os->on_wait(os, word, expected, stop, stop_expected);
    const struct shmsum_os *real = shmsum_os_default();
    atomic_store_explicit(&os->asleep_while, expected, memory_order_relaxed);
    atomic_store_explicit(&os->asleep, word, memory_order_relaxed);
    int result = real->futex_waitv(real, word, expected, stop, stop_expected);
    atomic_store_explicit(&os->asleep, NULL, memory_order_relaxed);
    if (result == -EINTR)
        atomic_fetch_add_explicit(&os->interrupted, 1, memory_order_relaxed);
    return result;
}

static int room_futex_wait(const struct shmsum_os *table, const void *word, uint32_t expected,
                           int timeout_ms)
{
    struct room_os *os = room_os_of(table);
    atomic_fetch_add_explicit(&os->waits, 1, memory_order_relaxed);
    if (os->on_wait != NULL)
        return os->on_wait(os, word, expected, NULL, 0);
    const struct shmsum_os *real = shmsum_os_default();
    return real->futex_wait(real, word, expected, os->patient ? INT_MAX : timeout_ms);
}

static int room_futex_wake(const struct shmsum_os *table, const void *word)
{
    struct room_os *os = room_os_of(table);
    atomic_fetch_add_explicit(&os->wakes, 1, memory_order_relaxed);
    atomic_store_explicit(&os->woken, word, memory_order_relaxed);
    const struct shmsum_os *real = shmsum_os_default();
    return real->futex_wake(real, word);
}

void room_os_init(struct room_os *os)
{
    memset(os, 0, sizeof *os);
    os->table = *shmsum_os_default();
    os->table.context = os;
    os->table.futex_waitv = room_futex_wait_two;
    os->table.futex_wait = room_futex_wait;
    os->table.futex_wake = room_futex_wake;
}

bool room_has_wait_two(void)
{
    const struct shmsum_os *real = shmsum_os_default();
    struct shmsum_word words[2];
    memset(words, 0, sizeof words);
    return real->futex_waitv(real, &words[0], 1, &words[1], 1) == -EAGAIN;
}

/* ---- a region and its two ends ---- */

void room_init(struct room *room, const struct shmsum_os *os, uint32_t slots,
               uint32_t payload_bytes)
{
    memset(room, 0, sizeof *room);
    struct shmsum_geometry geometry = {.slots = slots, .payload_bytes = payload_bytes};
    size_t bytes = shmsum_region_bytes(&geometry);
    room->memory = aligned_alloc(SHMSUM_REGION_LINE, bytes);
    if (room->memory == NULL) {
        perror("aligned_alloc");
        exit(1);
    }
    memset(room->memory, 0, bytes);
    if (shmsum_region_init_in(&room->region, os, room->memory, bytes, &geometry) < 0) {
        fputs("shmsum_region_init_in refused\n", stderr);
        exit(1);
    }
    uint32_t all = SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER;
    shmsum_channel_init(&room->producer, &room->region, SHMSUM_PRODUCER, &room->stops[0], all);
    shmsum_channel_init(&room->consumer, &room->region, SHMSUM_CONSUMER, &room->stops[1], all);
}

void room_clean_up(struct room *room)
{
    free(room->memory);
    room->memory = NULL;
}

/* ---- random numbers ---- */

uint64_t room_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t room_random(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return room_mix(*state);
}

uint32_t room_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(room_random(state) % limit);
}

uint64_t room_seed(void)
{
    const struct shmsum_os *real = shmsum_os_default();
    const char *given = getenv("SHMSUM_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : real->clock_ns(real);
    printf("SHMSUM_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

/* ---- the content of a slot ---- */

/* Fills whole words, up to 7 bytes more than the length that it returns. */
static uint32_t content(uint64_t seed, uint64_t number, uint64_t words[ROOM_PAYLOAD_MAX / 8],
                        uint32_t payload_bytes)
{
    uint64_t word = room_mix(number + seed);
    uint32_t length = 1 + (uint32_t)((word >> 32) * payload_bytes >> 32);
    for (uint32_t i = 0; i < (length + 7) / 8; i++)
        words[i] = word + i * UINT64_C(0x9e3779b97f4a7c15);
    return length;
}

uint32_t room_content_fill(uint64_t seed, uint64_t number, uint8_t *payload, uint32_t payload_bytes)
{
    uint64_t words[ROOM_PAYLOAD_MAX / 8];
    uint32_t length = content(seed, number, words, payload_bytes);
    memcpy(payload, words, length);
    return length;
}

void room_content_check(uint64_t seed, uint64_t number, const struct shmsum_block *block,
                        const uint8_t *bytes, uint32_t payload_bytes, char wrong[ROOM_WRONG_MAX])
{
    uint64_t words[ROOM_PAYLOAD_MAX / 8];
    uint32_t length = content(seed, number, words, payload_bytes);
    bool is_right = block->length == length && memcmp(bytes, words, length) == 0;
    if (wrong[0] == '\0' && (!is_right || block->source != (uint32_t)number))
        snprintf(wrong, ROOM_WRONG_MAX, "slot %llu: number %u, %u bytes (not %u), bytes %s",
                 (unsigned long long)number, block->source, block->length, length,
                 is_right ? "right" : "wrong");
}

/* ---- time ---- */

void room_delay(uint64_t *random, uint32_t one_in)
{
    if (one_in == 0 || room_below(random, one_in) != 0)
        return;
    switch (room_below(random, 3)) {
    case 0:
        sched_yield();
        break;
    case 1:
        room_pause_us(1 + room_below(random, 30));
        break;
    default:
        for (uint32_t i = room_below(random, 3000); i > 0; i--)
            atomic_signal_fence(memory_order_seq_cst);
    }
}

static void on_deadline(int signal)
{
    (void)signal;
    static const char text[] = "it hangs: the deadline has passed\n";
    if (write(2, text, sizeof text - 1) < 0)
        _exit(2);
    _exit(1);
}

void room_deadline(unsigned seconds)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_deadline;
    sigaction(SIGALRM, &action, NULL);
#ifdef SHMSUM_SANITIZED
    seconds *= 5; /* sanitizers are slow */
#endif
    alarm(seconds);
}

void room_pause_us(uint32_t microseconds)
{
    struct timespec time = {.tv_sec = microseconds / 1000000,
                            .tv_nsec = (long)(microseconds % 1000000) * 1000};
    nanosleep(&time, NULL);
}
