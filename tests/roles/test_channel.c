/*
 * test_channel.c - the channel, step by step, in one thread: every change of a slot's state, every
 * word that the other side had no right to write, every way in which a wait ends. If a call has to
 * wait, the table of system calls (on_wait) takes the steps of the other side at the moment in
 * which the call would sleep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "room.h"
#include "channel/shared_word.h"

struct fixture {
    struct room_os os;
    struct room room;
    struct shmsum_channel *producer, *consumer;
    struct shmsum_word *producer_stop, *consumer_stop;
    struct shmsum_failure why;
    unsigned step;   /* counts calls of on_wait */
    unsigned sleeps; /* counts calls of before_sleep */
};

enum { BYTES_MAX = 4096, GUARD = 16, GUARD_BYTE = 0xa5 };

static void begin(struct fixture *f, uint32_t slots, uint32_t payload_bytes)
{
    memset(f, 0, sizeof *f);
    room_os_init(&f->os);
    f->os.user = f;
    room_init(&f->room, &f->os.table, slots, payload_bytes);
    f->producer = &f->room.producer;
    f->consumer = &f->room.consumer;
    f->producer_stop = &f->room.stops[0];
    f->consumer_stop = &f->room.stops[1];
    f->producer->spins = 0;
    f->consumer->spins = 0;
}

static void end(struct fixture *f)
{
    room_clean_up(&f->room);
}

static struct shmsum_slot *slot(const struct fixture *f, uint32_t i)
{
    return shmsum_region_slot(&f->room.region, i);
}

static void assert_failure(const struct fixture *f, const char *call, const char *object, int error)
{
    assert_non_null(f->why.call);
    assert_string_equal(f->why.call, call);
    assert_string_equal(f->why.object, object);
    assert_int_equal(f->why.error, error);
}

/* Publishes `length` bytes made from `number`. */
static void put(struct fixture *f, uint32_t length, uint32_t number)
{
    uint8_t *payload = NULL;
    assert_int_equal(shmsum_channel_try_acquire(f->producer, &payload, &f->why), 0);
    assert_non_null(payload);
    for (uint32_t i = 0; i < length; i++)
        payload[i] = (uint8_t)room_mix(number + ((uint64_t)i << 32));
    shmsum_channel_publish(f->producer, length, number);
}

/* Takes the next slot, checks its content, and checks that the bytes behind it are untouched. */
static void take(struct fixture *f, uint32_t length, uint32_t number)
{
    uint8_t bytes[BYTES_MAX + GUARD];
    memset(bytes, GUARD_BYTE, sizeof bytes);
    struct shmsum_block block = {.end = true};
    assert_int_equal(shmsum_channel_try_take(f->consumer, bytes, &block, &f->why), 0);
    assert_false(block.end);
    assert_int_equal(block.length, length);
    assert_int_equal(block.source, number);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], (uint8_t)room_mix(number + ((uint64_t)i << 32)));
    for (uint32_t i = length; i < length + GUARD; i++)
        assert_int_equal(bytes[i], GUARD_BYTE);
}

static void get(struct fixture *f, uint32_t length, uint32_t number)
{
    take(f, length, number);
    shmsum_channel_release(f->consumer);
}

static void get_end(struct fixture *f, enum shmsum_end_reason end_reason)
{
    uint8_t bytes[BYTES_MAX];
    struct shmsum_block block = {.end = false};
    assert_int_equal(shmsum_channel_try_take(f->consumer, bytes, &block, &f->why), 0);
    assert_true(block.end);
    assert_int_equal(block.end_reason, end_reason);
}

static int try_put(struct fixture *f)
{
    uint8_t *payload;
    return shmsum_channel_try_acquire(f->producer, &payload, &f->why);
}

static int try_get(struct fixture *f)
{
    uint8_t bytes[BYTES_MAX];
    struct shmsum_block block;
    int result = shmsum_channel_try_take(f->consumer, bytes, &block, &f->why);
    if (result == 0 && !block.end)
        shmsum_channel_release(f->consumer);
    return result;
}

static void fill_ring(struct fixture *f)
{
    for (uint32_t i = 0; i < f->room.region.geometry.slots; i++)
        put(f, 1, i);
    assert_int_equal(try_put(f), SHMSUM_AGAIN);
}

static unsigned waits(const struct fixture *f)
{
    return atomic_load(&f->os.waits_two) + atomic_load(&f->os.waits);
}

static unsigned wakes(const struct fixture *f)
{
    return atomic_load(&f->os.wakes);
}

/* ---- the states ---- */

static void test_states_of_a_slot(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2, 8);
    const struct shmsum_slot *first = slot(&f, 0);
    assert_int_equal(shared_load_relaxed(&first->state), SHMSUM_FREE);
    assert_int_equal(try_get(&f), SHMSUM_AGAIN);

    uint8_t *payload = NULL, *again = NULL;
    assert_int_equal(shmsum_channel_acquire(f.producer, &payload, &f.why), 0);
    assert_ptr_equal(payload, first->payload);
    assert_int_equal(shmsum_channel_acquire(f.producer, &again, &f.why), 0);
    assert_ptr_equal(again, payload);
    assert_int_equal(shared_load_relaxed(&first->state), SHMSUM_FREE);
    assert_int_equal(try_get(&f), SHMSUM_AGAIN);

    memcpy(payload, "abc", 3);
    shmsum_channel_publish(f.producer, 3, 7);
    assert_int_equal(shared_load_relaxed(&first->state), SHMSUM_READY);
    assert_int_equal(shared_load_relaxed(&first->length), 3);
    assert_int_equal(shared_load_relaxed(&first->source), 7);

    uint8_t bytes[8] = {0};
    struct shmsum_block block;
    for (int i = 0; i < 2; i++) { /* until the release the slot belongs to the consumer */
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), 0);
        assert_int_equal(shared_load_relaxed(&first->state), SHMSUM_READY);
        assert_int_equal(block.length, 3);
        assert_int_equal(block.source, 7);
        assert_memory_equal(bytes, "abc", 3);
        assert_int_equal(f.consumer->slots, 0);
    }
    shmsum_channel_release(f.consumer);
    assert_int_equal(shared_load_relaxed(&first->state), SHMSUM_FREE);

    const struct shmsum_slot *second = slot(&f, 1);
    assert_int_equal(shared_load_relaxed(&second->state), SHMSUM_FREE);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_CUT, &f.why), 0);
    assert_int_equal(shared_load_relaxed(&second->state), SHMSUM_END);
    assert_int_equal(shared_load_relaxed(&second->end_reason), SHMSUM_END_CUT);
    get_end(&f, SHMSUM_END_CUT);
    assert_int_equal(shared_load_relaxed(&second->state), SHMSUM_END);
    assert_int_equal(f.producer->slots, 1);
    assert_int_equal(f.consumer->slots, 1);
    end(&f);
}

static void test_every_geometry(void **state)
{
    (void)state;
    static const uint32_t slots[] = {1, 2, 3, 8, 64};
    static const uint32_t sizes[] = {1, 2, 127, 128, 129, 4096};
    for (size_t i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            struct fixture f;
            begin(&f, slots[i], sizes[j]);
            uint32_t number = 0;
            for (uint32_t lap = 0; lap < 3; lap++) {
                /* a full slot must not reach into its neighbour */
                for (uint32_t k = 0; k < slots[i]; k++)
                    put(&f, 1 + (k + lap) % sizes[j], number + k);
                assert_int_equal(try_put(&f), SHMSUM_AGAIN);
                for (uint32_t k = 0; k < slots[i]; k++)
                    get(&f, 1 + (k + lap) % sizes[j], number + k);
                assert_int_equal(try_get(&f), SHMSUM_AGAIN);
                for (uint32_t k = 0; k < slots[i]; k++)
                    put(&f, sizes[j], number + k);
                assert_int_equal(try_put(&f), SHMSUM_AGAIN);
                for (uint32_t k = 0; k < slots[i]; k++)
                    get(&f, sizes[j], number + k);
                assert_int_equal(try_get(&f), SHMSUM_AGAIN);
                put(&f, 1, number); /* so that each lap begins in another slot */
                get(&f, 1, number);
                number += slots[i];
            }
            assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
            get_end(&f, SHMSUM_END_COMPLETE);
            end(&f);
        }
    }
}

static void test_ring_takes_one_for_one_when_full(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 3, 4);
    for (uint32_t i = 0; i < 3; i++)
        put(&f, 4, i);
    for (uint32_t i = 3; i < 20; i++) {
        assert_int_equal(try_put(&f), SHMSUM_AGAIN);
        take(&f, 4, i - 3);
        assert_int_equal(try_put(&f), SHMSUM_AGAIN); /* taken, and not released */
        shmsum_channel_release(f.consumer);
        put(&f, 4, i);
    }
    end(&f);
}

/* ---- waiting until all slots are released ---- */

/* From any slot on, with any number of published slots: the wait ends when the last is released. */
static void test_await_released(void **state)
{
    (void)state;
    for (uint32_t slots = 1; slots <= 5; slots++) {
        for (uint32_t published = 0; published <= slots; published++) {
            for (uint32_t start = 0; start < slots; start++) {
                struct fixture f;
                begin(&f, slots, 8);
                for (uint32_t i = 0; i < start; i++) {
                    put(&f, 8, 99);
                    get(&f, 8, 99);
                }
                for (uint32_t i = 0; i < published; i++)
                    put(&f, 8, i);
                shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_NOW);
                for (uint32_t i = 0; i < published; i++) {
                    assert_int_equal(shmsum_channel_await_released(f.producer, &f.why),
                                     SHMSUM_STOPPED);
                    take(&f, 8, i);
                    assert_int_equal(shmsum_channel_await_released(f.producer, &f.why),
                                     SHMSUM_STOPPED);
                    shmsum_channel_release(f.consumer);
                }
                assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), 0);
                assert_int_equal(waits(&f), 0);
                end(&f);
            }
        }
    }
}

/* One wake, on the last slot, for any number of slots. */
static int release_until_woken(struct room_os *os, const void *word, uint32_t expected,
                               const void *stop, uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_int_equal(f->step++, 0);
    assert_ptr_equal(word, &slot(f, f->room.region.geometry.slots - 1)->state);
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    for (uint32_t i = 0; i < f->room.region.geometry.slots; i++) {
        assert_int_equal(wakes(f), 0);
        assert_true(room_would_sleep(word, expected, stop, stop_expected));
        get(f, 1, i);
    }
    assert_int_equal(wakes(f), 1);
    assert_ptr_equal(atomic_load(&os->woken), word);
    return 0;
}

static void test_await_released_sleeps_once(void **state)
{
    (void)state;
    for (uint32_t slots = 1; slots <= 5; slots++) {
        struct fixture f;
        begin(&f, slots, 8);
        fill_ring(&f);
        f.os.on_wait = release_until_woken;
        assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), 0);
        assert_int_equal(f.step, 1);
        end(&f);
    }
}

/* ---- END ---- */

/* The race of the lab: READY, END directly after it, and the consumer overwrites END with FREE.
 * With one slot, END has to wait: it must neither replace READY nor be replaced by FREE. */
static int take_then_look(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                          uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    assert_int_equal(f->step++, 0);
    assert_int_equal(expected, SHMSUM_READY | SHARED_WORD_WAIT);
    get(f, 5, 1);
    assert_int_equal(shared_load_relaxed(&slot(f, 0)->state), SHMSUM_FREE);
    assert_int_equal(wakes(f), 1);
    return 0;
}

static void test_end_right_behind_ready_in_one_slot(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 8);
    put(&f, 5, 1);
    f.os.on_wait = take_then_look;
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
    assert_int_equal(f.step, 1);
    assert_int_equal(shared_load_relaxed(&slot(&f, 0)->state), SHMSUM_END);
    for (int i = 0; i < 3; i++) {
        get_end(&f, SHMSUM_END_COMPLETE);
        assert_int_equal(shared_load_relaxed(&slot(&f, 0)->state), SHMSUM_END);
    }
    end(&f);
}

static void test_end_given_up_leaves_ready(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 8);
    put(&f, 5, 1);
    shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_NOW);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), SHMSUM_STOPPED);
    assert_int_equal(shared_load_relaxed(&slot(&f, 0)->state), SHMSUM_READY);
    get(&f, 5, 1);
    assert_int_equal(try_get(&f), SHMSUM_AGAIN);
    end(&f);
}

static void test_end_right_behind_ready_in_many_slots(void **state)
{
    (void)state;
    for (uint32_t slots = 2; slots <= 64; slots++) {
        for (uint32_t ready = 0; ready < slots; ready++) {
            struct fixture f;
            begin(&f, slots, 8);
            for (uint32_t i = 0; i < slots / 2; i++) { /* so that it does not begin in slot 0 */
                put(&f, 8, 99);
                get(&f, 8, 99);
            }
            for (uint32_t i = 0; i < ready; i++)
                put(&f, 1 + i % 8, i);
            assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
            for (uint32_t i = 0; i < ready; i++)
                get(&f, 1 + i % 8, i);
            get_end(&f, SHMSUM_END_COMPLETE);
            get_end(&f, SHMSUM_END_COMPLETE);
            assert_int_equal(waits(&f), 0);
            end(&f);
        }
    }
}

/* ---- what the other side had no right to write ---- */

enum { BAD_STATE_COUNT = 5 };
static const uint32_t bad_states[BAD_STATE_COUNT] = {
    3, 4, 0x7fffffff, 3 | SHARED_WORD_WAIT, UINT32_MAX,
};

static void expect_broken_for_producer(uint32_t value)
{
    static const char what[] = "state of a slot, from the consumer";
    struct fixture f;
    begin(&f, 2, 8);
    uint8_t *payload;
    shared_store_relaxed(&slot(&f, 0)->state, value);
    assert_int_equal(shmsum_channel_try_acquire(f.producer, &payload, NULL), SHMSUM_BROKEN);
    assert_int_equal(shmsum_channel_try_acquire(f.producer, &payload, &f.why), SHMSUM_BROKEN);
    assert_failure(&f, "protocol", what, -SHMSUM_BROKEN);
    memset(&f.why, 0, sizeof f.why);
    assert_int_equal(shmsum_channel_acquire(f.producer, &payload, &f.why), SHMSUM_BROKEN);
    assert_failure(&f, "protocol", what, -SHMSUM_BROKEN);
    memset(&f.why, 0, sizeof f.why);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), SHMSUM_BROKEN);
    assert_failure(&f, "protocol", what, -SHMSUM_BROKEN);
    assert_int_equal(shared_load_relaxed(&slot(&f, 0)->state), value); /* nothing is repaired */
    memset(&f.why, 0, sizeof f.why);
    shared_store_relaxed(&slot(&f, 1)->state, value); /* the last */
    assert_int_equal(shmsum_channel_await_released(f.producer, NULL), SHMSUM_BROKEN);
    assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), SHMSUM_BROKEN);
    assert_failure(&f, "protocol", what, -SHMSUM_BROKEN);
    assert_int_equal(shared_load_relaxed(&slot(&f, 1)->state), value);
    assert_int_equal(waits(&f), 0);
    end(&f);
}

static void test_bad_states_from_the_consumer(void **state)
{
    (void)state;
    for (int i = 0; i < BAD_STATE_COUNT; i++)
        expect_broken_for_producer(bad_states[i]);
    expect_broken_for_producer(SHMSUM_END); /* only the producer writes END */
    expect_broken_for_producer(SHMSUM_END | SHARED_WORD_WAIT);
}

/* The producer sleeps half a ring ahead (DOC: channel-batched-wake), because slots are freed in
 * order. A slot that was freed out of order must not make it loop forever. */
static void *stop_after_a_while(void *argument)
{
    struct fixture *f = argument;
    for (int i = 0; i < 500 && shared_load_relaxed(f->consumer_stop) == 0; i++)
        room_pause_us(10000);
    shmsum_stop_raise(&f->os.table, f->producer_stop, SHMSUM_STOP_NOW);
    return NULL;
}

static void test_slot_freed_out_of_order(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4, 8);
    fill_ring(&f);
    shared_store_relaxed(&slot(&f, 2)->state, SHMSUM_FREE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_after_a_while, &f), 0);
    uint8_t *payload;
    int result = shmsum_channel_acquire(f.producer, &payload, &f.why);
    shared_or_release(f.consumer_stop, SHMSUM_STOP_NOW); /* the thread may end now */
    pthread_join(thread, NULL);
    assert_int_equal(result, SHMSUM_BROKEN);
    assert_failure(&f, "protocol", "state of a slot, from the consumer", -SHMSUM_BROKEN);
    end(&f);
}

/* Takes a broken slot, with and without waiting. */
static void expect_broken_for_consumer(struct fixture *f, const char *what)
{
    uint32_t before = shared_load_relaxed(&slot(f, 0)->state);
    for (int waiting = 0; waiting < 2; waiting++) {
        uint8_t bytes[BYTES_MAX];
        memset(bytes, GUARD_BYTE, sizeof bytes);
        struct shmsum_block block;
        memset(&f->why, 0, sizeof f->why);
        int result = waiting ? shmsum_channel_take(f->consumer, bytes, &block, &f->why)
                             : shmsum_channel_try_take(f->consumer, bytes, &block, &f->why);
        assert_int_equal(result, SHMSUM_BROKEN);
        assert_failure(f, "protocol", what, -SHMSUM_BROKEN);
        for (size_t i = 0; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], GUARD_BYTE);
        assert_int_equal(shared_load_relaxed(&slot(f, 0)->state), before);
        assert_int_equal(shmsum_channel_try_take(f->consumer, bytes, &block, NULL), SHMSUM_BROKEN);
    }
    assert_int_equal(waits(f), 0);
    assert_int_equal(wakes(f), 0);
    assert_int_equal(f->consumer->slots, 0);
}

static void test_bad_states_from_the_producer(void **state)
{
    (void)state;
    for (int i = 0; i < BAD_STATE_COUNT; i++) {
        struct fixture f;
        begin(&f, 2, 8);
        put(&f, 8, 1);
        shared_store_relaxed(&slot(&f, 0)->state, bad_states[i]);
        expect_broken_for_consumer(&f, "state of a slot, from the producer");
        end(&f);
    }
}

static void test_bad_lengths(void **state)
{
    (void)state;
    static const uint32_t payloads[] = {1, 8, 128, 4096};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        const uint32_t lengths[] = {0, payloads[i] + 1, 0x7fffffff, 0x80000001, UINT32_MAX};
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            struct fixture f;
            begin(&f, 2, payloads[i]);
            put(&f, 1, 1);
            shared_store_relaxed(&slot(&f, 0)->length, lengths[j]);
            expect_broken_for_consumer(&f, "length of a slot, from the producer");
            end(&f);
        }
    }
}

static void test_bad_end_reasons(void **state)
{
    (void)state;
    static const uint32_t end_reasons[] = {0, 3, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < sizeof end_reasons / sizeof end_reasons[0]; i++) {
        struct fixture f;
        begin(&f, 2, 8);
        assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
        shared_store_relaxed(&slot(&f, 0)->end_reason, end_reasons[i]);
        expect_broken_for_consumer(&f, "end reason of a slot, from the producer");
        end(&f);
    }
}

/* Only the private copy of the geometry is used. */
static void test_geometry_is_not_read_again(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2, 8);
    shared_store_relaxed(&f.room.region.header->slot_count, 1000);
    shared_store_relaxed(&f.room.region.header->payload_bytes, 1 << 20);
    for (uint32_t i = 0; i < 5; i++) {
        put(&f, 8, i);
        get(&f, 8, i);
    }
    put(&f, 8, 1);
    shared_store_relaxed(&slot(&f, f.consumer->next)->length, 9);
    assert_int_equal(try_get(&f), SHMSUM_BROKEN);
    end(&f);
}

static void test_bad_attached(void **state)
{
    (void)state;
    static const uint32_t values[] = {2, 0x7fffffff, 2 | SHARED_WORD_WAIT, UINT32_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct fixture f;
        begin(&f, 2, 8);
        shared_store_relaxed(&f.room.region.header->attached, values[i]);
        assert_int_equal(shmsum_channel_await_attached(f.producer, &f.why), SHMSUM_BROKEN);
        assert_failure(&f, "protocol", "attached, from the consumer", -SHMSUM_BROKEN);
        end(&f);
    }
}

/* ---- WAIT ---- */

static void set_wait(struct shmsum_word *word)
{
    shared_store_relaxed(word, shared_load_relaxed(word) | SHARED_WORD_WAIT);
}

static void test_wait_of_the_other_side_is_harmless(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2, 8);
    struct shmsum_word *first = &slot(&f, 0)->state;

    set_wait(first); /* FREE, and the consumer sleeps */
    assert_int_equal(try_get(&f), SHMSUM_AGAIN);
    put(&f, 8, 1);
    assert_int_equal(shared_load_relaxed(first), SHMSUM_READY);
    assert_int_equal(wakes(&f), 1);
    assert_ptr_equal(atomic_load(&f.os.woken), first);

    put(&f, 8, 2);
    set_wait(first); /* READY, and the producer sleeps */
    assert_int_equal(try_put(&f), SHMSUM_AGAIN);
    get(&f, 8, 1);
    assert_int_equal(shared_load_relaxed(first), SHMSUM_FREE);
    assert_int_equal(wakes(&f), 2);
    assert_ptr_equal(atomic_load(&f.os.woken), first);
    get(&f, 8, 2);
    assert_int_equal(wakes(&f), 2);

    set_wait(first);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
    assert_int_equal(wakes(&f), 3);
    set_wait(first);
    get_end(&f, SHMSUM_END_COMPLETE);
    get_end(&f, SHMSUM_END_COMPLETE);

    struct shmsum_word *attached = &f.room.region.header->attached;
    set_wait(attached);
    shmsum_channel_attached(f.consumer);
    assert_int_equal(wakes(&f), 4);
    assert_ptr_equal(atomic_load(&f.os.woken), attached);
    set_wait(attached);
    assert_int_equal(shmsum_channel_await_attached(f.producer, &f.why), 0);

    assert_int_equal(waits(&f), 0);
    end(&f);

    begin(&f, 2, 8);
    put(&f, 8, 1);
    set_wait(first = &slot(&f, 0)->state); /* READY, and the producer waits for its release */
    get(&f, 8, 1);
    assert_int_equal(wakes(&f), 1);
    assert_ptr_equal(atomic_load(&f.os.woken), first);
    set_wait(first);
    assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), 0);
    assert_int_equal(waits(&f), 0);
    end(&f);
}

/* No system call while the other side keeps up. */
static void test_busy_ring_makes_no_call(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4, 8);
    f.producer->spins = f.consumer->spins = 10;
    shmsum_channel_attached(f.consumer);
    assert_int_equal(shmsum_channel_await_attached(f.producer, &f.why), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        put(&f, 8, i);
        if (i % 3 != 0)
            put(&f, 8, i);
        get(&f, 8, i);
        if (i % 3 != 0)
            get(&f, 8, i);
        assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), 0);
    }
    assert_int_equal(waits(&f), 0);
    assert_int_equal(wakes(&f), 0);
    assert_int_equal(f.producer->slept, 0);
    assert_int_equal(f.consumer->slept, 0);
    end(&f);
}

/* The consumer frees one slot after the other while the producer sleeps. `step` counts the slots
 * until the wake. */
static int take_until_woken(struct room_os *os, const void *word, uint32_t expected,
                            const void *stop, uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    unsigned before = wakes(f);
    while (wakes(f) == before) {
        assert_int_equal(try_get(f), 0);
        f->step++;
    }
    assert_ptr_equal(atomic_load(&os->woken), word);
    return 0;
}

static void test_one_wake_serves_half_a_ring(void **state)
{
    (void)state;
    for (uint32_t slots = 1; slots <= 9; slots++) {
        struct fixture f;
        begin(&f, slots, 8);
        f.os.on_wait = take_until_woken;
        for (uint32_t i = 0; i < slots + slots / 2; i++) { /* from any slot on */
            if (i == slots)
                while (try_get(&f) == 0)
                    continue;
            put(&f, 8, i);
        }
        while (try_put(&f) == 0)
            put(&f, 8, 0);
        uint8_t *payload;
        assert_int_equal(shmsum_channel_acquire(f.producer, &payload, &f.why), 0);
        assert_int_equal(f.step, slots / 2 + 1);
        assert_int_equal(wakes(&f), 1);
        assert_int_equal(f.producer->slept, 1);
        for (uint32_t i = 0; i < slots / 2 + 1; i++)
            put(&f, 8, i);
        assert_int_equal(try_put(&f), SHMSUM_AGAIN);
        end(&f);
    }
}

/* The consumer sleeps on the next slot, so the first published slot wakes it. */
static int put_one(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                   uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    assert_int_equal(expected, SHMSUM_FREE | SHARED_WORD_WAIT);
    assert_ptr_equal(word, &slot(f, f->consumer->next)->state);
    put(f, 8, ++f->step);
    assert_int_equal(wakes(f), f->step);
    return 0;
}

static void test_consumer_is_woken_by_the_first_slot(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 8, 8);
    f.os.on_wait = put_one;
    for (uint32_t i = 1; i <= 20; i++) {
        uint8_t bytes[8];
        struct shmsum_block block;
        assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), 0);
        assert_int_equal(block.source, i);
        assert_int_equal(f.consumer->slept, i);
        shmsum_channel_release(f.consumer);
    }
    end(&f);
}

/* ---- the ways in which a wait ends ---- */

enum waiting { ACQUIRE, END, RELEASED, ATTACHED, TAKE, WAITING_COUNT };

/* Makes a channel in which this call has to wait. */
static void prepare(struct fixture *f, enum waiting waiting)
{
    begin(f, 2, 8);
    if (waiting == ACQUIRE || waiting == END || waiting == RELEASED)
        fill_ring(f);
}

static int call(struct fixture *f, enum waiting waiting)
{
    uint8_t *payload;
    uint8_t bytes[8];
    struct shmsum_block block;
    switch (waiting) {
    case ACQUIRE:
        return shmsum_channel_acquire(f->producer, &payload, &f->why);
    case END:
        return shmsum_channel_end(f->producer, SHMSUM_END_COMPLETE, &f->why);
    case RELEASED:
        return shmsum_channel_await_released(f->producer, &f->why);
    case ATTACHED:
        return shmsum_channel_await_attached(f->producer, &f->why);
    default:
        return shmsum_channel_take(f->consumer, bytes, &block, &f->why);
    }
}

/* The step of the other side for which the call waits. */
static void answer(struct fixture *f, enum waiting waiting)
{
    switch (waiting) {
    case ACQUIRE:
    case END:
    case RELEASED:
        while (try_get(f) == 0)
            continue;
        break;
    case ATTACHED:
        shmsum_channel_attached(f->consumer);
        break;
    default:
        put(f, 8, 1);
    }
}

static struct shmsum_word *stop_of(struct fixture *f, enum waiting waiting)
{
    return waiting == TAKE ? f->consumer_stop : f->producer_stop;
}

static struct shmsum_channel *end_of(struct fixture *f, enum waiting waiting)
{
    return waiting == TAKE ? f->consumer : f->producer;
}

static const char *object_of(enum waiting waiting)
{
    return waiting == ATTACHED ? "attached" : "slot";
}

static void test_stop_set_before_a_wait(void **state)
{
    (void)state;
    static const uint32_t bits[] = {SHMSUM_STOP_INPUT, SHMSUM_STOP_NOW, SHMSUM_STOP_PEER};
    for (enum waiting waiting = 0; waiting < WAITING_COUNT; waiting++) {
        for (size_t i = 0; i < 3; i++) {
            for (uint32_t spins = 0; spins < 2000; spins += 1000) {
                if (waiting == END && bits[i] == SHMSUM_STOP_INPUT)
                    continue;
                struct fixture f;
                prepare(&f, waiting);
                end_of(&f, waiting)->spins = spins;
                shmsum_stop_raise(&f.os.table, stop_of(&f, waiting), bits[i]);
                assert_int_equal(call(&f, waiting), SHMSUM_STOPPED);
                assert_int_equal(waits(&f), 0);
                assert_int_equal(end_of(&f, waiting)->slept, 0);
                end(&f);
            }
        }
    }
}

/* A stop ends waits, but a call that need not wait succeeds. */
static void test_stop_does_not_hide_what_is_there(void **state)
{
    (void)state;
    for (enum waiting waiting = 0; waiting < WAITING_COUNT; waiting++) {
        struct fixture f;
        prepare(&f, waiting);
        answer(&f, waiting);
        shmsum_stop_raise(&f.os.table, stop_of(&f, waiting), SHMSUM_STOP_PEER);
        assert_int_equal(call(&f, waiting), 0);
        end(&f);
    }
}

/* The kernel's answer after the words have changed. */
static int kernel(const void *word, uint32_t expected, const void *stop, uint32_t stop_expected)
{
    assert_false(room_would_sleep(word, expected, stop,
                                  stop_expected)); /* otherwise the sleep would not end */
    return -EAGAIN;
}

static enum waiting playing;

/* The stop comes between the check of the stop word and the sleep. */
static int stop_at_the_sleep(struct room_os *os, const void *word, uint32_t expected,
                             const void *stop, uint32_t stop_expected)
{
    struct fixture *f = os->user;
    f->step++;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    assert_ptr_equal(stop, stop_of(f, playing));
    shmsum_stop_raise(&os->table, stop_of(f, playing), SHMSUM_STOP_NOW);
    return kernel(word, expected, stop, stop_expected);
}

static void test_stop_while_falling_asleep(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        struct fixture f;
        prepare(&f, playing);
        f.os.on_wait = stop_at_the_sleep;
        assert_int_equal(call(&f, playing), SHMSUM_STOPPED);
        assert_int_equal(f.step, 1);
        end(&f);
    }
}

/* The answer comes there. */
static int answer_at_the_sleep(struct room_os *os, const void *word, uint32_t expected,
                               const void *stop, uint32_t stop_expected)
{
    struct fixture *f = os->user;
    f->step++;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    assert_true(expected & SHARED_WORD_WAIT);
    unsigned before = wakes(f);
    answer(f, playing);
    assert_int_equal(wakes(f), before + 1); /* the other side sees WAIT */
    return kernel(word, expected, stop, stop_expected);
}

static void test_answer_while_falling_asleep(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        struct fixture f;
        prepare(&f, playing);
        f.os.on_wait = answer_at_the_sleep;
        assert_int_equal(call(&f, playing), 0);
        assert_int_equal(f.step, 1);
        end(&f);
    }
}

/* Spurious wakes, a signal, a stop bit outside of the mask: the call sleeps again each time. */
static int disturb(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                   uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    switch (f->step++) {
    case 0:
        return 0;
    case 1:
        return 1; /* futex_waitv returns the index of the word */
    case 2:
        return -EINTR;
    case 3:
        return -EAGAIN;
    case 4:
        return -ETIMEDOUT;
    case 5:
        shmsum_stop_raise(&os->table, stop_of(f, playing), SHMSUM_STOP_INPUT); /* not in the mask */
        return -EAGAIN;
    default:
        answer(f, playing);
        return 0;
    }
}

static void test_disturbed_sleep(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        struct fixture f;
        prepare(&f, playing);
        end_of(&f, playing)->stop_mask = SHMSUM_STOP_NOW | SHMSUM_STOP_PEER;
        f.os.on_wait = disturb;
        assert_int_equal(call(&f, playing), 0);
        assert_true(f.step >= 7);
        assert_int_equal(end_of(&f, playing)->slept, f.step);
        end(&f);
    }
}

static void test_stop_input_does_not_stop_end(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct fixture f;
        playing = END;
        prepare(&f, END);
        if (!late)
            shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_INPUT);
        else
            f.step = 5; /* it comes while END waits */
        f.os.on_wait = disturb;
        assert_int_equal(call(&f, END), 0);
        assert_true(f.step >= 7);
        get_end(&f, SHMSUM_END_COMPLETE);
        end(&f);
    }
}

/* The producer publishes and dies while the consumer goes to sleep. The consumer first takes all
 * that was published; then its wait ends. */
static int put_and_die(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                       uint32_t stop_expected)
{
    struct fixture *f = os->user;
    put(f, 8, 1);
    put(f, 8, 2);
    shmsum_stop_raise(&os->table, f->consumer_stop, SHMSUM_STOP_PEER);
    return kernel(word, expected, stop, stop_expected);
}

static void test_take_gives_all_that_was_published_before_a_stop(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 4, 8);
    f.os.on_wait = put_and_die;
    uint8_t bytes[8];
    struct shmsum_block block;
    for (uint32_t i = 1; i <= 2; i++) {
        assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), 0);
        assert_int_equal(block.source, i);
        shmsum_channel_release(f.consumer);
    }
    assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), SHMSUM_STOPPED);
    end(&f);
}

static void test_failed_futex_is_reported(void **state)
{
    (void)state;
    static const int errors[] = {EFAULT, EINVAL, ENOMEM};
    for (enum waiting waiting = 0; waiting < WAITING_COUNT; waiting++) {
        for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
            struct fixture f;
            prepare(&f, waiting);
            f.os.wait_two_result = -errors[i];
            assert_int_equal(call(&f, waiting), -errors[i]);
            assert_failure(&f, "futex", object_of(waiting), errors[i]);
            assert_int_equal(atomic_load(&f.os.waits_two), 1);
            assert_int_equal(atomic_load(&f.os.waits), 0);
            end(&f);
        }
    }
}

/* After a failed wake the other side may be asleep forever. No call may sleep any more, END is not
 * known to arrive, and each such call returns the errno of the wake. */
static int refusal = -EPERM;

static int refuse_wake(const struct shmsum_os *os, const void *word)
{
    (void)os, (void)word;
    return refusal;
}

static int must_not_wait(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                         uint32_t stop_expected)
{
    (void)os, (void)word, (void)expected, (void)stop, (void)stop_expected;
    fail_msg("it sleeps");
    return -EINVAL;
}

static void begin_with_failing_wakes(struct fixture *f)
{
    begin(f, 2, 8);
    f->os.table.futex_wake = refuse_wake;
    f->os.on_wait = must_not_wait;
}

static void test_failed_wake_ends_every_wait(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t *payload;
    begin_with_failing_wakes(&f);
    assert_true(shared_set_wait(&slot(&f, 0)->state, SHMSUM_FREE)); /* the consumer sleeps */
    put(&f, 1, 1);
    put(&f, 1, 2);
    assert_int_equal(shmsum_channel_acquire(f.producer, &payload, &f.why), -EPERM);
    assert_failure(&f, "futex", "slot", EPERM);
    assert_int_equal(shmsum_channel_await_released(f.producer, &f.why), -EPERM);
    assert_failure(&f, "futex", "slot", EPERM);
    end(&f);

    begin_with_failing_wakes(&f); /* END is in a slot of its own, but the consumer still sleeps */
    assert_true(shared_set_wait(&slot(&f, 0)->state, SHMSUM_FREE));
    put(&f, 1, 1);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), -EPERM);
    assert_failure(&f, "futex", "slot", EPERM);
    end(&f);

    begin_with_failing_wakes(&f); /* the producer sleeps */
    put(&f, 1, 1);
    assert_true(shared_set_wait(&slot(&f, 0)->state, SHMSUM_READY));
    get(&f, 1, 1);
    uint8_t bytes[8];
    struct shmsum_block block;
    assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), -EPERM);
    assert_failure(&f, "futex", "slot", EPERM);
    end(&f);

    /* Errnos that sound like something inside: they are failures of the call like any other. */
    static const int refusals[] = {-EAGAIN, -ECANCELED, -EPROTO, -EINTR, -ETIMEDOUT};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        begin_with_failing_wakes(&f);
        refusal = refusals[i];
        assert_true(shared_set_wait(&slot(&f, 0)->state, SHMSUM_FREE));
        put(&f, 1, 1);
        assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), refusal);
        assert_failure(&f, "futex", "slot", -refusal);
        end(&f);
    }
    refusal = -EPERM;

    begin_with_failing_wakes(&f); /* neither side slept: no wake, no failure */
    put(&f, 1, 1);
    get(&f, 1, 1);
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
    end(&f);
}

/* ---- a kernel that cannot wait on two words ---- */

static int (*real_futex_wait)(const struct shmsum_os *os, const void *word, uint32_t expected,
                              int timeout_ms);

/* Without a time limit the call would never check the stop word. */
static int checked_futex_wait(const struct shmsum_os *os, const void *word, uint32_t expected,
                              int timeout_ms)
{
    assert_in_range(timeout_ms, 1, 1000);
    return real_futex_wait(os, word, expected, timeout_ms);
}

static void without_wait_two(struct fixture *f, int error)
{
    f->os.wait_two_result = -error;
    real_futex_wait = f->os.table.futex_wait;
    f->os.table.futex_wait = checked_futex_wait;
}

static int answer_in_time(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                          uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_null(stop);
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    if (f->step++ < 3)
        return -ETIMEDOUT;
    answer(f, playing);
    return 0;
}

/* A stop causes no wake here: the call has to see it when the time limit expires. */
static int stop_in_time(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                        uint32_t stop_expected)
{
    struct fixture *f = os->user;
    assert_null(stop);
    assert_true(room_would_sleep(word, expected, stop, stop_expected));
    if (f->step++ == 3)
        shared_or_release(stop_of(f, playing), SHMSUM_STOP_PEER);
    return -ETIMEDOUT;
}

static void test_timed_fallback(void **state)
{
    (void)state;
    static const int errors[] = {ENOSYS, EPERM};
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        for (size_t i = 0; i < 2; i++) {
            struct fixture f;
            prepare(&f, playing);
            without_wait_two(&f, errors[i]);
            f.os.on_wait = answer_in_time;
            assert_int_equal(call(&f, playing), 0);
            assert_int_equal(f.step, 4);
            assert_true(end_of(&f, playing)->timed);
            assert_int_equal(atomic_load(&f.os.waits_two), 1); /* tried once */
            end(&f);

            prepare(&f, playing);
            without_wait_two(&f, errors[i]);
            f.os.on_wait = stop_in_time;
            assert_int_equal(call(&f, playing), SHMSUM_STOPPED);
            assert_int_equal(f.step, 4);
            assert_int_equal(atomic_load(&f.os.waits_two), 1);
            end(&f);
        }
    }
}

static int fault_in_time(struct room_os *os, const void *word, uint32_t expected, const void *stop,
                         uint32_t stop_expected)
{
    (void)os, (void)word, (void)expected, (void)stop, (void)stop_expected;
    return -EFAULT;
}

static void test_failed_timed_futex_is_reported(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        struct fixture f;
        prepare(&f, playing);
        without_wait_two(&f, ENOSYS);
        f.os.on_wait = fault_in_time;
        assert_int_equal(call(&f, playing), -EFAULT);
        assert_failure(&f, "futex", object_of(playing), EFAULT);
        end(&f);
    }
}

/* The real timed wait, and a stop that another thread raises. */
static void *raise_peer(void *argument)
{
    struct fixture *f = argument;
    room_pause_us(20000);
    shmsum_stop_raise(&f->os.table, f->producer_stop, SHMSUM_STOP_PEER);
    shmsum_stop_raise(&f->os.table, f->consumer_stop, SHMSUM_STOP_PEER);
    return NULL;
}

static void test_timed_fallback_sees_a_stop(void **state)
{
    (void)state;
    for (enum waiting waiting = 0; waiting < WAITING_COUNT; waiting++) {
        struct fixture f;
        prepare(&f, waiting);
        without_wait_two(&f, ENOSYS);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, raise_peer, &f), 0);
        int result = call(&f, waiting);
        pthread_join(thread, NULL);
        assert_int_equal(result, SHMSUM_STOPPED);
        end(&f);
    }
}

/* ---- stop words, and the words beside the ring ---- */

static void test_stop_word(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 1);
    assert_int_equal(shmsum_stop_bits(f.producer_stop), 0);
    shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_INPUT);
    assert_int_equal(shmsum_stop_bits(f.producer_stop), SHMSUM_STOP_INPUT);
    assert_int_equal(wakes(&f), 1);
    assert_ptr_equal(atomic_load(&f.os.woken), f.producer_stop);
    shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_PEER);
    shmsum_stop_raise(&f.os.table, f.producer_stop, SHMSUM_STOP_PEER);
    assert_int_equal(shmsum_stop_bits(f.producer_stop), SHMSUM_STOP_INPUT | SHMSUM_STOP_PEER);
    assert_int_equal(shmsum_stop_bits(f.consumer_stop), 0);
    end(&f);
}

static void test_words_beside_the_ring(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 1);
    for (uint32_t i = 0; i < SHMSUM_REGION_COUNTERS; i++)
        assert_int_equal(shmsum_channel_counter(f.producer, i), 0);
    for (uint32_t i = 0; i < SHMSUM_REGION_COUNTERS; i++)
        shmsum_channel_set_counter(f.consumer, i, UINT64_MAX - i);
    for (uint32_t i = 0; i < SHMSUM_REGION_COUNTERS; i++)
        assert_true(shmsum_channel_counter(f.producer, i) == UINT64_MAX - i);

    assert_int_equal(shmsum_channel_closing(f.producer), SHMSUM_OPEN);
    shmsum_channel_set_closing(f.consumer, SHMSUM_CLOSING);
    assert_int_equal(shmsum_channel_closing(f.producer), SHMSUM_CLOSING);
    shmsum_channel_set_closing(f.consumer, SHMSUM_CLOSED);
    assert_int_equal(shmsum_channel_closing(f.producer), SHMSUM_CLOSED);
    shared_store_relaxed(&f.room.region.header->closing, 3);
    assert_int_equal(shmsum_channel_closing(f.producer), SHMSUM_OPEN);
    /* the ring is unchanged */
    assert_int_equal(shared_load_relaxed(&slot(&f, 0)->state), SHMSUM_FREE);
    assert_int_equal(shared_load_relaxed(&f.room.region.header->attached), 0);
    end(&f);
}

/* ---- the spin ---- */

static int one_cpu(const struct shmsum_os *os)
{
    (void)os;
    return 1;
}

static int two_cpus(const struct shmsum_os *os)
{
    (void)os;
    return 2;
}

static uint64_t clock_step_ns, clock_now_ns;

static uint64_t stepping_clock(const struct shmsum_os *os)
{
    (void)os;
    return clock_now_ns += clock_step_ns;
}

static uint32_t calibrated(struct fixture *f, uint64_t step_ns)
{
    clock_step_ns = step_ns;
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, &f->room.region, SHMSUM_CONSUMER, f->consumer_stop, 0);
    return channel.spins;
}

static void test_calibration(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 1, 1);
    f.os.table.clock_ns = stepping_clock;
    f.os.table.cpu_count = one_cpu;
    assert_int_equal(calibrated(&f, 10000),
                     0); /* with one CPU no other side can change the word meanwhile */
    f.os.table.cpu_count = two_cpus;
    uint32_t usual = calibrated(&f, 10000);
    assert_in_range(usual, 100, 10000);
    assert_in_range(calibrated(&f, 20000), usual / 2 - 1, usual / 2 + 1);
    assert_in_range(calibrated(&f, 0), 1, 1000000); /* a clock that stands still */
    assert_in_range(calibrated(&f, UINT64_MAX / 2), 0, 1);
    end(&f);
}

/* The spin ends when the slot changes: there is no sleep, and no call of before_sleep. */
static int must_not_sleep(void *context, struct shmsum_failure *why)
{
    (void)context, (void)why;
    fail_msg("it is about to sleep");
    return -EINVAL;
}

static void *put_after_a_while(void *argument)
{
    room_pause_us(20000);
    put(argument, 8, 1);
    return NULL;
}

static void test_spin(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2, 8);
    f.consumer->spins = UINT32_MAX;
    f.consumer->before_sleep = must_not_sleep;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, put_after_a_while, &f), 0);
    uint8_t bytes[8];
    struct shmsum_block block;
    int result = shmsum_channel_take(f.consumer, bytes, &block, &f.why);
    pthread_join(thread, NULL);
    assert_int_equal(result, 0);
    assert_int_equal(f.consumer->slept, 0);
    assert_int_equal(waits(&f), 0);
    end(&f);
}

static void test_spin_ignores_wait(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        struct fixture f;
        prepare(&f, playing);
        end_of(&f, playing)->spins = 3;
        set_wait(&slot(&f, 0)->state);
        f.os.on_wait = disturb;
        f.step = 6; /* the answer comes while it sleeps */
        assert_int_equal(call(&f, playing), 0);
        assert_int_equal(end_of(&f, playing)->slept, 1);
        end(&f);
    }
}

/* ---- what an end does before it sleeps on a slot ---- */

static bool waits_for_slot(enum waiting waiting)
{
    return waiting == ACQUIRE || waiting == END || waiting == TAKE;
}

static int note_sleep(void *context, struct shmsum_failure *why)
{
    struct fixture *f = context;
    (void)why;
    assert_int_equal(waits(f), 0);
    f->sleeps++;
    return 0;
}

static void test_before_sleep(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        for (uint32_t spins = 0; spins < 20; spins += 10) {
            struct fixture f;
            prepare(&f, playing);
            struct shmsum_channel *channel = end_of(&f, playing);
            channel->spins = spins;
            channel->before_sleep = note_sleep;
            channel->before_sleep_context = &f;
            f.os.on_wait = disturb; /* several sleeps, but one wait */
            f.step = 1;
            channel->stop_mask = SHMSUM_STOP_NOW | SHMSUM_STOP_PEER;
            assert_int_equal(call(&f, playing), 0);
            assert_int_equal(f.sleeps, waits_for_slot(playing) ? 1 : 0);
            end(&f);
        }
    }
}

static void test_before_sleep_only_runs_before_a_sleep(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, 2, 8);
    f.producer->before_sleep = f.consumer->before_sleep = must_not_sleep;
    uint8_t *payload;
    uint8_t bytes[8];
    struct shmsum_block block;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(shmsum_channel_acquire(f.producer, &payload, &f.why), 0);
        shmsum_channel_publish(f.producer, 1, i);
        assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), 0);
        shmsum_channel_release(f.consumer);
    }
    assert_int_equal(shmsum_channel_end(f.producer, SHMSUM_END_COMPLETE, &f.why), 0);
    assert_int_equal(shmsum_channel_take(f.consumer, bytes, &block, &f.why), 0);
    assert_true(block.end);
    end(&f);
}

static int fail_before_sleep(void *context, struct shmsum_failure *why)
{
    (void)context;
    return shmsum_failure_set(why, "write", "results", ENOSPC);
}

static void test_before_sleep_fails(void **state)
{
    (void)state;
    for (playing = 0; playing < WAITING_COUNT; playing++) {
        if (!waits_for_slot(playing))
            continue;
        struct fixture f;
        prepare(&f, playing);
        f.os.on_wait = must_not_wait;
        end_of(&f, playing)->before_sleep = fail_before_sleep;
        assert_int_equal(call(&f, playing), -ENOSPC);
        assert_failure(&f, "write", "results", ENOSPC);
        assert_int_equal(end_of(&f, playing)->slept, 0);
        end(&f);
    }
}

int main(void)
{
    room_deadline(60);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_of_a_slot),
        cmocka_unit_test(test_every_geometry),
        cmocka_unit_test(test_ring_takes_one_for_one_when_full),
        cmocka_unit_test(test_await_released),
        cmocka_unit_test(test_await_released_sleeps_once),
        cmocka_unit_test(test_end_right_behind_ready_in_one_slot),
        cmocka_unit_test(test_end_given_up_leaves_ready),
        cmocka_unit_test(test_end_right_behind_ready_in_many_slots),
        cmocka_unit_test(test_bad_states_from_the_consumer),
        cmocka_unit_test(test_slot_freed_out_of_order),
        cmocka_unit_test(test_bad_states_from_the_producer),
        cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_bad_end_reasons),
        cmocka_unit_test(test_geometry_is_not_read_again),
        cmocka_unit_test(test_bad_attached),
        cmocka_unit_test(test_wait_of_the_other_side_is_harmless),
        cmocka_unit_test(test_busy_ring_makes_no_call),
        cmocka_unit_test(test_one_wake_serves_half_a_ring),
        cmocka_unit_test(test_consumer_is_woken_by_the_first_slot),
        cmocka_unit_test(test_stop_set_before_a_wait),
        cmocka_unit_test(test_stop_does_not_hide_what_is_there),
        cmocka_unit_test(test_stop_while_falling_asleep),
        cmocka_unit_test(test_answer_while_falling_asleep),
        cmocka_unit_test(test_disturbed_sleep),
        cmocka_unit_test(test_stop_input_does_not_stop_end),
        cmocka_unit_test(test_take_gives_all_that_was_published_before_a_stop),
        cmocka_unit_test(test_failed_futex_is_reported),
        cmocka_unit_test(test_failed_wake_ends_every_wait),
        cmocka_unit_test(test_timed_fallback),
        cmocka_unit_test(test_failed_timed_futex_is_reported),
        cmocka_unit_test(test_timed_fallback_sees_a_stop),
        cmocka_unit_test(test_stop_word),
        cmocka_unit_test(test_words_beside_the_ring),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_spin),
        cmocka_unit_test(test_spin_ignores_wait),
        cmocka_unit_test(test_before_sleep),
        cmocka_unit_test(test_before_sleep_only_runs_before_a_sleep),
        cmocka_unit_test(test_before_sleep_fails),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
