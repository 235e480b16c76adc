/* test_trace.c - the events of a trace, byte for byte, and how they reach the file. */
#include <errno.h>
#include <limits.h>

#include "watchers/trace.h"

#include "unit.h"

/* A system whose clock advances by a microsecond with each reading, and with one file. */
static uint64_t clock_ns;
static char file[65536];
static size_t file_size, room = sizeof file, pieces;
static int refusals; /* writes that fail with EINTR first */

static uint64_t read_clock(const struct shmsum_os *os)
{
    (void)os;
    return clock_ns += 1000;
}

static ssize_t write_file(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os;
    if (fd != 5) /* not the trace */
        return (ssize_t)size;
    assert_true(size <= PIPE_BUF);
    if (refusals > 0) {
        refusals--;
        return -EINTR;
    }
    if (room < size)
        return -ENOSPC;
    assert_true(((const char *)bytes)[size - 1] == '\n'); /* whole events */
    memcpy(file + file_size, bytes, size);
    file_size += size;
    room -= size;
    pieces++;
    return (ssize_t)size;
}

static ssize_t read_ten(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    (void)os;
    (void)fd;
    (void)bytes;
    (void)size;
    return 10;
}

static int sleep_two(const struct shmsum_os *os, const void *word, uint32_t expected,
                     const void *stop, uint32_t stop_expected)
{
    (void)os;
    (void)word;
    (void)expected;
    (void)stop;
    (void)stop_expected;
    clock_ns += 1000000;
    return -EINTR;
}

static pid_t number(const struct shmsum_os *os)
{
    (void)os;
    return 77;
}

static const struct shmsum_os machine = {
    .clock_ns = read_clock,
    .write = write_file,
    .read = read_ten,
    .futex_waitv = sleep_two,
    .getpid = number,
};

/* The region and the channel that the events are about: a ring of four slots. */
static const struct shmsum_region region = {.geometry = {.slots = 4, .payload_bytes = 1000}};
static struct shmsum_channel channel;

/* The role has done `kind` with a slot of `bytes`. */
static void step(struct trace *trace, enum observer_event_kind kind, uint32_t bytes)
{
    channel.slots += kind == OBSERVER_SLOT_PUBLISHED || kind == OBSERVER_SLOT_TAKEN;
    observers_notify(&trace->observer, &channel, kind, bytes, 0);
}

static const struct trace_setting of_parent = {
    .fd = 5, .first = true, .role = "parent", .results = -1, .epoch_ns = 1000000000};
static const struct trace_setting of_child = {
    .fd = 5, .role = "child", .results = 1, .epoch_ns = 1000000000};

static int begin(void **state)
{
    (void)state;
    clock_ns = 1000000000;
    channel = (struct shmsum_channel){.os = &machine, .region = &region};
    file_size = pieces = 0;
    room = sizeof file;
    refusals = 0;
    return 0;
}

static void check_file(const char *expected)
{
    file[file_size] = '\0';
    assert_string_equal(file, expected);
}

#define SPAN(name, begun, took) \
    "{\"name\":\"" name "\",\"ph\":\"X\",\"pid\":77,\"tid\":77,\"ts\":" begun ",\"dur\":" took
#define ARROW(end, id, time)                                                             \
    "{\"name\":\"hand-off\",\"cat\":\"slot\",\"ph\":\"" end "\",\"bp\":\"e\",\"id\":" id \
    ",\"pid\":77,\"tid\":77,\"ts\":" time "},\n"
#define PARENT \
    "[\n{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":77,\"args\":{\"name\":\"parent\"}},\n"

static void test_producer(void **state)
{
    (void)state;
    struct trace trace;
    trace_begin(&trace, &machine, &of_parent);
    check_file(PARENT); /* at once, before a child can write */
    const struct shmsum_os *os = &trace.os;
    assert_int_equal(os->read(os, 0, NULL, 100), 10);
    step(&trace, OBSERVER_SLOT_PUBLISHED, 10);
    assert_int_equal(os->futex_waitv(os, NULL, 0, NULL, 0), -EINTR);
    assert_int_equal(os->read(os, 0, NULL, 100), 10);
    step(&trace, OBSERVER_SLOT_PUBLISHED, 20);
    step(&trace, OBSERVER_END_PUBLISHED, 0);
    assert_int_equal(trace_end(&trace, true), 0);
    /* Each event is read off the clock once, and so are the ends of a call. */
    check_file(
        PARENT SPAN("read", "1.000", "1.000") ",\"args\":{\"bytes\":10}},\n"               //
        SPAN("hand over", "2.000", "1.000") ",\"args\":{\"number\":0,\"bytes\":10}},\n"    //
        ARROW("s", "0", "2.000")                                                           //
        SPAN("sleep", "4.000", "1001.000") "},\n"                                          //
        SPAN("wait for a slot", "3.000", "1003.000") "},\n"                                //
        SPAN("read", "1006.000", "1.000") ",\"args\":{\"bytes\":10}},\n"                   //
        SPAN("hand over", "1007.000", "1.000") ",\"args\":{\"number\":1,\"bytes\":20}},\n" //
        ARROW("s", "1", "1007.000")                                                        //
        SPAN("END", "1008.000", "1.000") ",\"args\":{\"number\":2,\"bytes\":0}},\n"        //
        ARROW("s", "2", "1008.000")                                                        //
        "{\"name\":\"end\",\"ph\":\"i\",\"s\":\"g\",\"pid\":77,\"tid\":77,\"ts\":1010.000}\n]\n");
}

static void test_consumer(void **state)
{
    (void)state;
    struct trace trace;
    trace_begin(&trace, &machine, &of_child);
    assert_int_equal(file_size, 0);
    const struct shmsum_os *os = &trace.os;
    step(&trace, OBSERVER_SLOT_TAKEN, 300);
    assert_int_equal(os->write(os, 1, "6\n", 2), 2);
    assert_int_equal(os->write(os, 2, "error", 5), 5);
    step(&trace, OBSERVER_SLOT_DONE, 300);
    step(&trace, OBSERVER_END_TAKEN, 0);
    assert_int_equal(trace_end(&trace, false), 0);
    check_file(
        "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":77,\"args\":{\"name\":\"child\"}},\n" //
        SPAN("take", "1.000", "0.001") ",\"args\":{\"number\":0,\"bytes\":300}},\n"            //
        ARROW("f", "0", "1.000")                                                               //
        SPAN("write", "2.000", "1.000") ",\"args\":{\"bytes\":2}},\n"                          //
        SPAN("message", "4.000", "1.000") ",\"args\":{\"bytes\":5}},\n"                        //
        SPAN("parse and sum", "1.000", "5.000") "},\n"                                         //
        SPAN("END", "7.000", "0.001") ",\"args\":{\"number\":1,\"bytes\":0}},\n"               //
        ARROW("f", "1", "7.000"));
}

static pid_t largest_number(const struct shmsum_os *os)
{
    (void)os;
    return INT_MAX;
}

/* With the largest of all numbers each event is whole. */
static void test_longest_events(void **state)
{
    (void)state;
    struct shmsum_os large = machine;
    large.getpid = largest_number;
    static char role[1000];
    memset(role, 'r', sizeof role - 1);
    struct trace_setting setting = of_parent;
    setting.role = role;
    setting.epoch_ns = 1;
    struct trace trace;
    trace_begin(&trace, &large, &setting);
    const struct observer_event event = {
        .kind = OBSERVER_SLOT_PUBLISHED,
        .time_ns = UINT64_MAX,
        .number = UINT64_MAX,
        .bytes = UINT32_MAX,
    };
    trace.observer.notify(&trace.observer, &event);
    assert_int_equal(trace_end(&trace, true), 0);
    file[file_size] = '\0';
    size_t lines = 0;
    for (char *line = strtok(file, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++)
        if (lines > 0 && lines < 4)
            assert_string_equal(line + strlen(line) - 2, "},");
    assert_int_equal(lines, 6); /* "[", three events, the last one, "]" */
}

/* Many events are written in pieces of whole events. An interrupted write is repeated. */
static void test_pieces(void **state)
{
    (void)state;
    struct trace trace;
    trace_begin(&trace, &machine, &of_parent);
    for (int i = 0; i < 100; i++) {
        refusals = i % 3;
        trace.os.read(&trace.os, 0, NULL, 100);
    }
    assert_int_equal(trace_end(&trace, true), 0);
    size_t lines = 0;
    for (size_t i = 0; i < file_size; i++)
        lines += file[i] == '\n';
    assert_int_equal(lines, 2 + 100 + 2);
    assert_true(pieces > 2 && pieces < 20);
}

/* A failed write of the trace is reported at the end and changes nothing else. */
static void test_full(void **state)
{
    (void)state;
    struct trace trace;
    trace_begin(&trace, &machine, &of_parent);
    room = 5000;
    for (int i = 0; i < 200; i++)
        assert_int_equal(trace.os.read(&trace.os, 0, NULL, 100), 10);
    room = sizeof file - file_size; /* even with room again, nothing is written behind a gap */
    size_t before = file_size;
    assert_int_equal(trace_end(&trace, true), -ENOSPC);
    assert_int_equal(file_size, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_producer, begin),
        cmocka_unit_test_setup(test_consumer, begin),
        cmocka_unit_test_setup(test_longest_events, begin),
        cmocka_unit_test_setup(test_pieces, begin),
        cmocka_unit_test_setup(test_full, begin),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
