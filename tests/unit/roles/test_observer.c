/*
 * test_observer.c - the events of both roles: each step once, in order, with the slot, the bytes
 * and the time that every observer of the list receives alike.
 */
#include <errno.h>

#include "channel/shared_word.h"
#include "roles/consumer.h"
#include "roles/producer.h"

#include "unit.h"

enum { SLOTS = 3, PAYLOAD = 4, EVENTS_MAX = 16, HANG_SECONDS = 20 };

struct recorder {
    struct observer observer;
    struct observer_event events[EVENTS_MAX];
    size_t count;
};

static void record(struct observer *observer, const struct observer_event *event)
{
    struct recorder *recorder = (struct recorder *)observer;
    assert_true(recorder->count < EVENTS_MAX);
    recorder->events[recorder->count++] = *event;
}

/* The clock advances by one with each reading, so that a second reading shows. */
static uint64_t clock_ns;

static uint64_t read_clock(const struct shmsum_os *os)
{
    (void)os;
    return ++clock_ns;
}

static struct shmsum_os os;
static uint8_t *memory;
static struct shmsum_region region;
static struct shmsum_word stop;
static struct shmsum_channel channels[2];
static struct producer producer;
static struct consumer consumer;
static struct recorder recorders[2]; /* of the role under test */
static bool is_dialogue;

static int set_up(void **state)
{
    (void)state;
    alarm(HANG_SECONDS); /* a hang is a failure */
    os = *shmsum_os_default();
    os.clock_ns = read_clock;
    static const struct shmsum_geometry geometry = {SLOTS, PAYLOAD};
    size_t bytes = shmsum_region_bytes(&geometry);
    memory = aligned_alloc(SHMSUM_REGION_LINE, bytes);
    assert_non_null(memory);
    memset(memory, 0, bytes);
    assert_int_equal(shmsum_region_init_in(&region, &os, memory, bytes, &geometry), 0);
    shmsum_channel_init(&channels[0], &region, SHMSUM_PRODUCER, &stop, 0);
    shmsum_channel_init(&channels[1], &region, SHMSUM_CONSUMER, &stop, SHMSUM_STOP_PEER);
    producer_init(&producer, &os, &channels[0]);
    memset(&consumer, 0, sizeof consumer);
    memset(&stop, 0, sizeof stop);
    is_dialogue = false;
    memset(recorders, 0, sizeof recorders);
    for (int i = 0; i < 2; i++)
        recorders[i].observer.notify = record;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    alarm(0);
    free(memory);
    return 0;
}

static void send_text(const char *text)
{
    int fd = scratch_file();
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(producer_send(&producer, fd, "input", 0, NULL), 0);
    close(fd);
}

/* Takes what was published up to END, or nothing behind it when the producer is gone. */
static void receive(enum consumer_end_reason expected)
{
    static const char *const sources[] = {"input"};
    static char buffer[3 * RESULT_LINE_TEXT_MAX];
    static uint8_t block[PAYLOAD];
    struct consumer_config config = {
        .sources = sources,
        .source_count = 1,
        .point = '.',
        .messages = scratch_file(),
        .dialogue = is_dialogue,
    };
    int results_fd = scratch_file();
    struct shmsum_results results;
    assert_int_equal(shmsum_results_init(&results, &os, results_fd, SHMSUM_RESULTS_OWN, "r", buffer,
                                         sizeof buffer, NULL),
                     0);
    struct observer *observers = consumer.observers;
    consumer_init(&consumer, &os, &config, &channels[1], &results, block);
    consumer.observers = observers;
    enum consumer_end_reason end_reason;
    assert_int_equal(consumer_run(&consumer, &end_reason, NULL), 0);
    assert_int_equal(end_reason, expected);
    close(results_fd);
    close(config.messages);
}

static void check_events(const struct observer_event *expected, size_t count)
{
    for (size_t i = 0; i < COUNT(recorders); i++) {
        assert_int_equal(recorders[i].count, count);
        for (size_t j = 0; j < count; j++) {
            const struct observer_event *event = &recorders[i].events[j];
            assert_int_equal(event->kind, expected[j].kind);
            assert_int_equal(event->number, expected[j].number);
            assert_int_equal(event->slot, expected[j].slot);
            assert_int_equal(event->bytes, expected[j].bytes);
            assert_int_equal(event->total, expected[j].total);
            assert_true(j == 0 || event->time_ns > event[-1].time_ns);
            assert_int_equal(event->time_ns, recorders[0].events[j].time_ns);
        }
    }
}

static void test_producer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorders); i++)
        observers_add(&producer.observers, &recorders[i].observer);
    send_text("1 2\n5");
    assert_int_equal(producer_end(&producer, SHMSUM_END_COMPLETE, NULL), 0);
    receive(CONSUMER_COMPLETE);
    static const struct observer_event expected[] = {
        {OBSERVER_SLOT_PUBLISHED, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_PUBLISHED, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_END_PUBLISHED, .number = 2, .slot = 2, .bytes = 0, .total = 5},
    };
    check_events(expected, COUNT(expected));
}

static void test_consumer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorders); i++)
        observers_add(&consumer.observers, &recorders[i].observer);
    send_text("1 2\n5");
    assert_int_equal(producer_end(&producer, SHMSUM_END_COMPLETE, NULL), 0);
    receive(CONSUMER_COMPLETE);
    static const struct observer_event expected[] = {
        {OBSERVER_SLOT_TAKEN, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_RELEASED, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_DONE, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_TAKEN, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_SLOT_RELEASED, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_SLOT_DONE, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_END_TAKEN, .number = 2, .slot = 2, .bytes = 0, .total = 5},
    };
    check_events(expected, COUNT(expected));
}

/* In the dialogue the release comes last, and the slot is still READY when the observers learn of
 * it: what they print comes before the next prompt. */
static void check_state(struct observer *observer, const struct observer_event *event)
{
    (void)observer;
    if (event->kind != OBSERVER_END_TAKEN)
        assert_int_equal(shared_load_relaxed(&shmsum_region_slot(&region, event->slot)->state),
                         SHMSUM_READY);
}

static void test_consumer_in_the_dialogue(void **state)
{
    (void)state;
    struct observer checks = {.notify = check_state};
    observers_add(&consumer.observers, &checks);
    for (size_t i = 0; i < COUNT(recorders); i++)
        observers_add(&consumer.observers, &recorders[i].observer);
    send_text("1 2\n5");
    assert_int_equal(producer_end(&producer, SHMSUM_END_COMPLETE, NULL), 0);
    is_dialogue = true;
    receive(CONSUMER_COMPLETE);
    static const struct observer_event expected[] = {
        {OBSERVER_SLOT_TAKEN, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_DONE, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_RELEASED, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_TAKEN, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_SLOT_DONE, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_SLOT_RELEASED, .number = 1, .slot = 1, .bytes = 1, .total = 5},
        {OBSERVER_END_TAKEN, .number = 2, .slot = 2, .bytes = 0, .total = 5},
    };
    check_events(expected, COUNT(expected));
}

/* Behind the last slot comes the first again; the number goes on. */
static void test_ring_begins_anew(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(recorders); i++)
        observers_add(&producer.observers, &recorders[i].observer);
    send_text("1\n2\n3\n4\n");
    shmsum_stop_raise(&os, &stop,
                      SHMSUM_STOP_PEER); /* the consumer leaves when the ring is empty */
    receive(CONSUMER_ORPHANED);
    send_text("5\n6\n7\n");
    static const struct observer_event expected[] = {
        {OBSERVER_SLOT_PUBLISHED, .number = 0, .slot = 0, .bytes = 4, .total = 4},
        {OBSERVER_SLOT_PUBLISHED, .number = 1, .slot = 1, .bytes = 4, .total = 8},
        {OBSERVER_SLOT_PUBLISHED, .number = 2, .slot = 2, .bytes = 4, .total = 12},
        {OBSERVER_SLOT_PUBLISHED, .number = 3, .slot = 0, .bytes = 2, .total = 14},
    };
    check_events(expected, COUNT(expected));
}

/* An END that could not be published is no event. */
static void test_failed_end(void **state)
{
    (void)state;
    observers_add(&producer.observers, &recorders[0].observer);
    channels[0].stop_mask = SHMSUM_STOP_NOW;
    channels[0].spins = 0;
    for (uint32_t i = 0; i < SLOTS; i++) { /* the ring is full */
        uint8_t *payload;
        assert_int_equal(shmsum_channel_try_acquire(&channels[0], &payload, NULL), 0);
        shmsum_channel_publish(&channels[0], 1, 0);
    }
    shmsum_stop_raise(&os, &stop, SHMSUM_STOP_NOW);
    assert_int_equal(producer_end(&producer, SHMSUM_END_CUT, NULL), SHMSUM_STOPPED);
    assert_int_equal(recorders[0].count, 0);
}

/* Without observers nobody reads the clock. */
static void test_no_observers(void **state)
{
    (void)state;
    uint64_t before = clock_ns;
    send_text("1 2\n5");
    assert_int_equal(producer_end(&producer, SHMSUM_END_COMPLETE, NULL), 0);
    receive(CONSUMER_COMPLETE);
    assert_int_equal(clock_ns, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_producer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_consumer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_consumer_in_the_dialogue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ring_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_observers, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("observer", tests, NULL, NULL);
}
