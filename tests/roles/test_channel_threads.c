/*
 * test_channel_threads.c - the channel between two threads of one process, with the code that two
 * processes run. Every slot has a number and bytes made from it, so that a lost, doubled, misplaced
 * or torn slot shows. A lost wake is a hang, because no sleep has a time limit (see `patient`); the
 * deadline reports it.
 *
 * SHMSUM_HANDOFFS: the number of slots in all, 1,000,000 by default.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "room.h"

static uint64_t seed;
#ifdef SHMSUM_SANITIZED
static uint64_t handoffs = 200000;
#else
static uint64_t handoffs = 1000000;
#endif

/* How an end sleeps: on two words, if the kernel can; or on one, without the time limit that would
 * hide a lost wake. */
enum kernel { KERNEL_TWO_WORDS, KERNEL_ONE_WORD };

struct pair {
    struct room_os os;
    struct room room;
    uint64_t seed;
    uint64_t count;     /* slots to publish */
    uint32_t delayed;   /* one slot in `delayed` is late; 0: none */
    bool releases_late; /* the consumer releases a slot after it has dealt with it */

    /* The consumer writes these before it releases a slot, the producer reads them after
     * await_released. Not atomic, so that ThreadSanitizer checks that the channel orders them. */
    uint64_t dealt_with;
    bool began;

    /* The outcome, for the main thread after both have ended. */
    int producer_result, consumer_result;
    enum shmsum_end_reason end_reason;
    uint64_t taken;
    char wrong[ROOM_WRONG_MAX]; /* found by the consumer */
    char producer_wrong[128];
};

static void pair_init(struct pair *pair, enum kernel kernel, uint32_t slots, uint32_t payload_bytes)
{
    memset(pair, 0, sizeof *pair);
    room_os_init(&pair->os);
    if (kernel == KERNEL_ONE_WORD) {
        pair->os.wait_two_result = -ENOSYS;
        pair->os.patient = true;
    }
    room_init(&pair->room, &pair->os.table, slots, payload_bytes);
    pair->seed = seed;
    pair->releases_late = true;
}

static bool can_run(enum kernel kernel)
{
    return kernel == KERNEL_ONE_WORD || room_has_wait_two();
}

static int produce_one(struct pair *pair, uint64_t number)
{
    struct shmsum_channel *channel = &pair->room.producer;
    uint8_t *payload;
    int result = shmsum_channel_acquire(channel, &payload, NULL);
    if (result < 0)
        return result;
    uint32_t length =
        room_content_fill(pair->seed, number, payload, pair->room.region.geometry.payload_bytes);
    shmsum_channel_publish(channel, length, (uint32_t)number);
    return 0;
}

static int await_released(struct pair *pair, uint64_t published)
{
    if (!pair->releases_late)
        return 0;
    int result = shmsum_channel_await_released(&pair->room.producer, NULL);
    if (result == 0 && pair->dealt_with != published)
        snprintf(pair->producer_wrong, sizeof pair->producer_wrong,
                 "released after %llu slots, of which the consumer had dealt with %llu",
                 (unsigned long long)published, (unsigned long long)pair->dealt_with);
    return result;
}

static void *producer(void *argument)
{
    struct pair *pair = argument;
    uint64_t random = pair->seed ^ 1;
    int result = shmsum_channel_await_attached(&pair->room.producer, NULL);
    if (result == 0 && !pair->began)
        snprintf(pair->producer_wrong, sizeof pair->producer_wrong, "attached before it began");
    for (uint64_t i = 0; i < pair->count && result == 0; i++) {
        room_delay(&random, pair->delayed);
        result = produce_one(pair, i);
        if (result == 0 && room_below(&random, 64) == 0)
            result = await_released(pair, i + 1);
    }
    if (result == 0 && room_below(&random, 2) == 0)
        result = await_released(pair, pair->count);
    if (result == 0)
        result = shmsum_channel_end(&pair->room.producer, SHMSUM_END_COMPLETE, NULL);
    pair->producer_result = result;
    return NULL;
}

static void *consumer(void *argument)
{
    struct pair *pair = argument;
    struct shmsum_channel *channel = &pair->room.consumer;
    uint64_t random = pair->seed ^ 2;
    uint8_t bytes[ROOM_PAYLOAD_MAX];
    room_delay(&random, pair->delayed);
    pair->began = true;
    shmsum_channel_attached(channel);
    for (;;) {
        struct shmsum_block block;
        int result = shmsum_channel_take(channel, bytes, &block, NULL);
        pair->consumer_result = result;
        if (result < 0)
            return NULL;
        if (block.end) {
            pair->end_reason = block.end_reason;
            return NULL;
        }
        if (!pair->releases_late)
            shmsum_channel_release(channel);
        room_content_check(pair->seed, pair->taken, &block, bytes,
                           pair->room.region.geometry.payload_bytes, pair->wrong);
        room_delay(&random, pair->delayed);
        pair->taken++;
        if (pair->releases_late) {
            pair->dealt_with = pair->taken;
            shmsum_channel_release(channel);
        }
    }
}

static void run_two(struct pair *pair)
{
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, producer, pair), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, consumer, pair), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_string_equal(pair->wrong, "");
    assert_string_equal(pair->producer_wrong, "");
}

/* ---- many slots ---- */

struct shape {
    uint32_t slots;
    uint32_t payload_bytes;
    bool spins;       /* otherwise it sleeps at once */
    uint32_t delayed; /* see struct pair */
    uint32_t share;   /* of all slots, in thousandths */
};

/* A shape that sleeps at every slot costs a hundred times one that never sleeps; so it has fewer
 * slots. */
static const struct shape shapes[] = {
    {1, 8, true, 0, 10},      {1, 64, false, 0, 10},   {1, 1, false, 200, 10},
    {2, 64, true, 0, 20},     {2, 64, false, 0, 15},   {2, 17, true, 200, 10},
    {3, 64, true, 0, 20},     {3, 128, false, 0, 15},  {3, 1, true, 200, 10},
    {8, 64, true, 0, 130},    {8, 64, false, 0, 60},   {8, 256, true, 200, 60},
    {64, 16, true, 0, 300},   {64, 64, false, 0, 150}, {64, 256, true, 200, 80},
    {64, 64, false, 200, 60}, {1, 256, true, 200, 10}, {2, 1, false, 200, 10},
    {8, 64, false, 200, 20},
};

/* On a busy machine, the rest of the shapes has fewer slots after this time. */
static const uint64_t unhurried_ns = UINT64_C(6000000000);

static void hand_over_many(enum kernel kernel)
{
    const struct shmsum_os *real = shmsum_os_default();
    uint64_t began = real->clock_ns(real);
    if (!can_run(kernel)) {
        print_message("this kernel cannot wait on two words\n");
        skip();
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *shape = &shapes[i];
        struct pair *pair = calloc(1, sizeof *pair);
        assert_non_null(pair);
        pair_init(pair, kernel, shape->slots, shape->payload_bytes);
        if (!shape->spins)
            pair->room.producer.spins = pair->room.consumer.spins = 0;
        pair->delayed = shape->delayed;
        pair->releases_late = i % 2 == 0;
        pair->count = handoffs * shape->share / 2000;
        if (real->clock_ns(real) - began > unhurried_ns)
            pair->count /= 20;
        run_two(pair);
        assert_int_equal(pair->producer_result, 0);
        assert_int_equal(pair->consumer_result, 0);
        assert_int_equal(pair->end_reason, SHMSUM_END_COMPLETE);
        assert_true(pair->taken == pair->count);
        assert_true(pair->room.consumer.slots == pair->count);
        assert_true(pair->room.producer.slots == pair->count);
        room_clean_up(&pair->room);
        free(pair);
    }
}

static void test_hand_over_on_two_words(void **state)
{
    (void)state;
    hand_over_many(KERNEL_TWO_WORDS);
}

static void test_hand_over_on_one_word(void **state)
{
    (void)state;
    hand_over_many(KERNEL_ONE_WORD);
}

/* ---- short runs: END directly after READY ---- */

static void test_short_runs(void **state)
{
    (void)state;
    uint64_t random = seed;
    static const uint32_t slots[] = {1, 2, 3, 8};
    for (uint32_t i = 0; i < handoffs / 1000; i++) {
        enum kernel kernel = i % 2 == 0 ? KERNEL_TWO_WORDS : KERNEL_ONE_WORD;
        if (!can_run(kernel))
            continue;
        struct pair pair;
        pair_init(&pair, kernel, slots[room_below(&random, 4)], 8);
        if (i % 3 == 0)
            pair.room.producer.spins = pair.room.consumer.spins = 0;
        pair.seed = room_random(&random);
        pair.releases_late = room_below(&random, 2) == 0;
        pair.count = room_below(&random, 10);
        pair.delayed = 2;
        run_two(&pair);
        assert_int_equal(pair.producer_result, 0);
        assert_int_equal(pair.consumer_result, 0);
        assert_true(pair.taken == pair.count);
        room_clean_up(&pair.room);
    }
}

/* ---- stops, from a third thread, at any moment ---- */

enum role_to_stop {
    STOP_BOTH,     /* while they work */
    STOP_PRODUCER, /* no consumer takes */
    STOP_CONSUMER, /* no producer publishes */
    STOP_RELEASED, /* no consumer releases */
    STOP_AWAIT_ATTACHED,
    STOP_END, /* no consumer takes, after SHMSUM_STOP_INPUT */
    STOP_COUNT,
};

static void *producer_alone(void *argument)
{
    struct pair *pair = argument;
    int result = 0;
    for (uint64_t i = 0; result == 0; i++)
        result = produce_one(pair, i);
    pair->producer_result = result;
    return NULL;
}

static void *await_released_alone(void *argument)
{
    struct pair *pair = argument;
    int result = produce_one(pair, 0);
    pair->producer_result =
        result < 0 ? result : shmsum_channel_await_released(&pair->room.producer, NULL);
    return NULL;
}

static void *attach_alone(void *argument)
{
    struct pair *pair = argument;
    pair->producer_result = shmsum_channel_await_attached(&pair->room.producer, NULL);
    return NULL;
}

static void *end_alone(void *argument)
{
    struct pair *pair = argument;
    for (uint32_t i = 0; i < pair->room.region.geometry.slots; i++)
        produce_one(pair, i);
    pair->producer_result = shmsum_channel_end(&pair->room.producer, SHMSUM_END_COMPLETE, NULL);
    return NULL;
}

static void stop_once(enum role_to_stop which, enum kernel kernel, uint64_t *random)
{
    static void *(*const producers[STOP_COUNT])(void *) = {
        producer, producer_alone, NULL, await_released_alone, attach_alone, end_alone,
    };
    static const uint32_t slots[] = {1, 2, 3, 8, 64};
    struct pair pair;
    pair_init(&pair, kernel, slots[room_below(random, 5)], 8);
    pair.os.patient = false; /* on one word, only a time limit ends the sleep for a stop */
    if (room_below(random, 2) == 0)
        pair.room.producer.spins = pair.room.consumer.spins = 0;
    pair.count = UINT64_MAX;
    pair.delayed = 1 + room_below(random, 4);
    pair.releases_late = room_below(random, 2) == 0;
    pair.seed = room_random(random);

    pthread_t threads[2];
    int count = 0;
    if (producers[which] != NULL)
        assert_int_equal(pthread_create(&threads[count++], NULL, producers[which], &pair), 0);
    if (which == STOP_BOTH || which == STOP_CONSUMER)
        assert_int_equal(pthread_create(&threads[count++], NULL, consumer, &pair), 0);
    room_pause_us(room_below(random, 300));
    const struct shmsum_os *os = &pair.os.table;
    if (which == STOP_END) {
        shmsum_stop_raise(os, &pair.room.stops[0], SHMSUM_STOP_INPUT);
        room_pause_us(room_below(random, 100));
    }
    shmsum_stop_raise(os, &pair.room.stops[0], SHMSUM_STOP_NOW);
    shmsum_stop_raise(os, &pair.room.stops[1], SHMSUM_STOP_PEER);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    if (producers[which] != NULL)
        assert_int_equal(pair.producer_result, SHMSUM_STOPPED);
    if (which == STOP_BOTH || which == STOP_CONSUMER)
        assert_int_equal(pair.consumer_result, SHMSUM_STOPPED);
    assert_string_equal(pair.wrong, "");
    assert_string_equal(pair.producer_wrong, "");
    room_clean_up(&pair.room);
}

static void test_stop_at_any_moment(void **state)
{
    (void)state;
    if (!room_has_wait_two()) {
        print_message("this kernel cannot wait on two words\n");
        skip();
    }
    uint64_t random = seed + 1;
    for (uint64_t i = 0; i < handoffs / 500; i++)
        stop_once((enum role_to_stop)(i % STOP_COUNT), KERNEL_TWO_WORDS, &random);
}

static void test_stop_at_any_moment_on_one_word(void **state)
{
    (void)state;
    uint64_t random = seed + 2;
    for (uint64_t i = 0; i < 3 * STOP_COUNT; i++)
        stop_once((enum role_to_stop)(i % STOP_COUNT), KERNEL_ONE_WORD, &random);
}

/* ---- the producer dies without END ---- */

static void *dying_producer(void *argument)
{
    struct pair *pair = argument;
    uint64_t random = pair->seed ^ 1;
    for (uint64_t i = 0; i < pair->count; i++) {
        room_delay(&random, pair->delayed);
        produce_one(pair, i);
    }
    room_delay(&random, 1);
    shmsum_stop_raise(&pair->os.table, &pair->room.stops[1], SHMSUM_STOP_PEER);
    return NULL;
}

static void test_producer_dies(void **state)
{
    (void)state;
    uint64_t random = seed + 3;
    static const uint32_t slots[] = {1, 2, 3, 8, 64};
    for (uint64_t i = 0; i < handoffs / 1000; i++) {
        enum kernel kernel = i % 50 != 0 ? KERNEL_TWO_WORDS : KERNEL_ONE_WORD;
        if (!can_run(kernel))
            continue;
        struct pair pair;
        pair_init(&pair, kernel, slots[room_below(&random, 5)], 8);
        pair.os.patient = false;
        if (room_below(&random, 2) == 0)
            pair.room.producer.spins = pair.room.consumer.spins = 0;
        pair.count = room_below(&random, 20);
        pair.delayed = room_below(&random, 4);
        pair.releases_late = room_below(&random, 2) == 0;
        pair.seed = room_random(&random);
        pthread_t threads[2];
        assert_int_equal(pthread_create(&threads[0], NULL, dying_producer, &pair), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, consumer, &pair), 0);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        assert_int_equal(pair.consumer_result, SHMSUM_STOPPED);
        assert_int_equal(pair.taken, pair.count);
        assert_string_equal(pair.wrong, "");
        room_clean_up(&pair.room);
    }
}

int main(void)
{
    room_deadline(110);
    seed = room_seed();
    const char *given = getenv("SHMSUM_HANDOFFS");
    if (given != NULL)
        handoffs = strtoull(given, NULL, 10);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hand_over_on_two_words),
        cmocka_unit_test(test_hand_over_on_one_word),
        cmocka_unit_test(test_short_runs),
        cmocka_unit_test(test_stop_at_any_moment),
        cmocka_unit_test(test_stop_at_any_moment_on_one_word),
        cmocka_unit_test(test_producer_dies),
    };
    return cmocka_run_group_tests_name("channel threads", tests, NULL, NULL);
}
