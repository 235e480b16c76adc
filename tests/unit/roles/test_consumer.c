/*
 * test_consumer.c - the consumer's role, from slots to results and messages, in one thread.
 *
 * The producer's end fills a ring that is large enough; then the consumer runs. So neither end
 * waits. Results and messages go to scratch files.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "roles/consumer.h"
#include "channel/shared_word.h"

#include "fault_os.h"
#include "oracle.h"
#include "random.h"
#include "roles/source.h"
#include "unit.h"

enum {
    TEXT_BUFFER = 2 * RESULT_LINE_TEXT_MAX + 100,
    JSON_BUFFER = 2 * RESULT_LINE_JSON_MAX + 100,
    HANG_SECONDS = 20,
};

static struct random rng;
static struct oracle oracle;
static struct fault_os faults;

static const char *const names[] = {"a.txt", "b.txt", "stdin"};

struct scene {
    struct consumer_config config; /* tests change it before the run */
    struct shmsum_geometry geometry;
    uint8_t *memory;
    struct shmsum_region region;
    struct shmsum_word stop;
    struct shmsum_channel producer, channel;
    int results_fd;
    struct shmsum_results results;
    char *buffer;
    uint8_t *block;
    struct consumer consumer;
    enum consumer_end_reason end_reason;
    struct shmsum_failure why;
};

static void scene_begin(struct scene *scene, uint32_t slots, uint32_t payload_bytes)
{
    alarm(HANG_SECONDS); /* a hang is a failure */
    memset(scene, 0, sizeof *scene);
    fault_os_init(&faults, shmsum_os_default());
    scene->geometry = (struct shmsum_geometry){slots, payload_bytes};
    size_t bytes = shmsum_region_bytes(&scene->geometry);
    scene->memory = aligned_alloc(SHMSUM_REGION_LINE, bytes);
    assert_non_null(scene->memory);
    memset(scene->memory, 0, bytes);
    assert_int_equal(
        shmsum_region_init_in(&scene->region, &faults.os, scene->memory, bytes, &scene->geometry),
        0);
    shmsum_channel_init(&scene->producer, &scene->region, SHMSUM_PRODUCER, &scene->stop, 0);
    shmsum_channel_init(&scene->channel, &scene->region, SHMSUM_CONSUMER, &scene->stop,
                        SHMSUM_STOP_PEER);
    scene->channel.spins = 0;
    scene->results_fd = scratch_file();
    scene->buffer = malloc(JSON_BUFFER);
    scene->block = malloc(payload_bytes);
    scene->config = (struct consumer_config){
        .sources = names,
        .source_count = COUNT(names),
        .point = '.',
        .max_errors = 20,
        .messages = scratch_file(),
    };
}

static void send_bytes(struct scene *scene, uint32_t source, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    while (size > 0) {
        uint8_t *payload;
        size_t piece = size < scene->geometry.payload_bytes ? size : scene->geometry.payload_bytes;
        assert_int_equal(shmsum_channel_try_acquire(&scene->producer, &payload, NULL), 0);
        memcpy(payload, from, piece);
        shmsum_channel_publish(&scene->producer, (uint32_t)piece, source);
        from += piece;
        size -= piece;
    }
}

static void send_text(struct scene *scene, uint32_t source, const char *text)
{
    send_bytes(scene, source, text, strlen(text));
}

static void send_end(struct scene *scene, enum shmsum_end_reason end_reason)
{
    assert_int_equal(shmsum_channel_end(&scene->producer, end_reason, NULL), 0);
}

static int run(struct scene *scene)
{
    size_t size = scene->config.format == RESULT_JSON ? JSON_BUFFER : TEXT_BUFFER;
    assert_int_equal(shmsum_results_init(&scene->results, &faults.os, scene->results_fd,
                                         SHMSUM_RESULTS_OWN, "r", scene->buffer, size, NULL),
                     0);
    consumer_init(&scene->consumer, &faults.os, &scene->config, &scene->channel, &scene->results,
                  scene->block);
    return consumer_run(&scene->consumer, &scene->end_reason, &scene->why);
}

static void assert_results(const struct scene *scene, const char *text)
{
    assert_file_holds(scene->results_fd, text, strlen(text));
}

static void assert_messages(const struct scene *scene, const char *text)
{
    assert_file_holds(scene->config.messages, text, strlen(text));
}

static void scene_end(struct scene *scene)
{
    assert_int_equal(fault_os_leaks(&faults), 0);
    alarm(0);
    close(scene->results_fd);
    close(scene->config.messages);
    free(scene->memory);
    free(scene->buffer);
    free(scene->block);
}

#define TWO_AT_3(place)                        \
    place ": error: \"two\" is not a number\n" \
          "    1 two 3\n"                      \
          "      ^~~\n"
#define TWO_RESULT "error: column 3: \"two\" is not a number\n"
#define UNREAD                                                          \
    " warning: a blank line ends the input; what follows was not read " \
    "(--blank-lines=skip reads on)\n"

/* ---- lines ---- */

static void test_lines(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 8, 64);
    send_text(&scene, 0, "1 2 3\n0.1 0.2\n1 two 3\n");
    send_text(&scene, 0, "1e16 1 -1e16\n-7\n0 1e1000\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_int_equal(scene.end_reason, CONSUMER_COMPLETE);
    assert_results(&scene, "6\n0.3\n" TWO_RESULT "1\n-7\n"
                           "error: column 3: number out of range: \"1e1000\"\n");
    assert_messages(&scene, TWO_AT_3("a.txt:3:3") "a.txt:6:3: error: number out of range: "
                                                  "\"1e1000\"\n"
                                                  "    0 1e1000\n"
                                                  "      ^~~~~~\n");
    /* The counters, as the producer sees them. */
    static const uint64_t expected[COUNTERS] = {
        [COUNTER_SUMS] = 4,
        [COUNTER_ERRORS] = 2,
        [COUNTER_NUMBERS] = 9,
        [COUNTER_USED] = 47,
        [COUNTER_BYTES] = 47,
        [COUNTER_RESULT_LINES] = 6,
        [COUNTER_RESULT_BYTES] = 2 + 4 + 41 + 2 + 3 + 48,
    };
    for (enum counter i = COUNTER_SUMS; i < COUNTER_SLEPT; i++)
        if (i != COUNTER_BYTES && i != COUNTER_RESULT_BYTES)
            assert_int_equal(shmsum_channel_counter(&scene.producer, i), expected[i]);
    assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_BYTES),
                     strlen("1 2 3\n0.1 0.2\n1 two 3\n1e16 1 -1e16\n-7\n0 1e1000\n"));
    assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_RESULT_BYTES),
                     lseek(scene.results_fd, 0, SEEK_END));
    assert_int_equal(scene.channel.slots, scene.producer.slots); /* all are released */
    assert_false(shmsum_channel_closing(&scene.producer) == SHMSUM_CLOSED);
    scene_end(&scene);
}

/* A line of a terminal in canonical mode that has as many bytes as the kernel keeps may have had
 * more: it is an error, whatever the bytes are. The same line of a file is summed, and so is a
 * shorter one of a terminal. */
static void test_lines_that_may_be_cut(void **state)
{
    (void)state;
    static const struct {
        uint32_t source;
        size_t bytes;
        char byte;
        bool ended;
        const char *result;
    } cases[] = {
#define CUT                                                                              \
    "error: column 4096: the terminal may have dropped what is typed from here on; put " \
    "the line into a file\n"
        {0 | SOURCE_CANONICAL, 4093, ' ', true, "1\n"}, /* two more: "1 " */
        {0 | SOURCE_CANONICAL, 4094, ' ', true, CUT},
        {0 | SOURCE_CANONICAL, 4093, ' ', false, "1\n"},
        {0 | SOURCE_CANONICAL, 4094, ' ', false, CUT},
        {0 | SOURCE_CANONICAL, 10000, ' ', true, CUT}, /* in pieces, with Ctrl+D */
        {0 | SOURCE_CANONICAL, 4094, 'x', true, CUT},
        {0, 4094, ' ', true, "1\n"},
        {0, 10000, ' ', true, "1\n"},
    };
    static const uint32_t slot_bytes[] = {16, 100, 4096, 20000};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < COUNT(slot_bytes); j++) {
            for (int dialogue = 0; dialogue < 2; dialogue++) {
                static char line[12000];
                line[0] = '1';
                memset(line + 1, cases[i].byte, cases[i].bytes);
                line[1 + cases[i].bytes] = '\n';
                struct scene scene;
                scene_begin(&scene, 12000 / slot_bytes[j] + 3, slot_bytes[j]);
                scene.config.dialogue = dialogue != 0;
                send_bytes(&scene, cases[i].source, line, 1 + cases[i].bytes + cases[i].ended);
                send_text(&scene, 1, "5\n"); /* of a file, behind it */
                send_end(&scene, SHMSUM_END_COMPLETE);
                assert_int_equal(run(&scene), 0);
                char expected[256];
                snprintf(expected, sizeof expected, "%s5\n", cases[i].result);
                assert_results(&scene, expected);
                scene_end(&scene);
            }
        }
    }
    /* Not even a blank line is believed: numbers may have been behind the blanks. */
    struct scene scene;
    scene_begin(&scene, 8, 5000);
    scene.config.format = RESULT_JSON;
    char blanks[4096];
    memset(blanks, ' ', sizeof blanks);
    send_bytes(&scene, SOURCE_CANONICAL, blanks, 4095);
    send_text(&scene, SOURCE_CANONICAL, "\n1 2\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_results(
        &scene, "{\"file\":\"a.txt\",\"line\":1,\"column\":4096,\"error\":\"the terminal may have "
                "dropped what is typed from here on; put the line into a file\"}\n"
                "{\"file\":\"a.txt\",\"line\":2,\"sum\":\"3\"}\n");
    assert_messages(&scene,
                    "a.txt:1:4096: error: the terminal may have dropped what is typed from here "
                    "on; put the line into a file\n"
                    "    ...                                        \n"
                    "                                               ^\n");
    scene_end(&scene);
}

static void test_no_input(void **state)
{
    (void)state;
    for (int end_reason = SHMSUM_END_COMPLETE; end_reason <= SHMSUM_END_CUT; end_reason++) {
        struct scene scene;
        scene_begin(&scene, 1, 1);
        send_end(&scene, (enum shmsum_end_reason)end_reason);
        assert_int_equal(run(&scene), 0);
        assert_int_equal(scene.end_reason,
                         end_reason == SHMSUM_END_CUT ? CONSUMER_CUT : CONSUMER_COMPLETE);
        assert_results(&scene, "");
        assert_messages(&scene, "");
        scene_end(&scene);
    }
}

/* Slots of every size: the same results, the same messages. */
static void test_every_slot_size(void **state)
{
    (void)state;
    static const char input[] =
        "1 2\r\n\t1 two 3 \r\n0.5\n1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \rx 5 1 1 1 1 1 1 "
        "1 "
        "1 "
        "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\r\n1,5\n"
        "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefgh\n9\r";
    for (uint32_t bytes = 1; bytes <= sizeof input; bytes++) {
        struct scene scene;
        scene_begin(&scene, 512, bytes);
        send_bytes(&scene, 2, input, sizeof input - 1);
        send_end(&scene, SHMSUM_END_COMPLETE);
        assert_int_equal(run(&scene), 0);
        assert_results(&scene,
                       "3\nerror: column 4: \"two\" is not a number\n0.5\n"
                       "error: column 47: \"\\x0dx\" is not a number\n"
                       "error: column 1: \"1,5\" is not a number: use \".\" as the decimal point\n"
                       "error: column 1: \"abcdefghijklmnopqrstuvwxyz012345...\" is not a number\n"
                       "error: column 1: \"9\\x0d\" is not a number\n");
        assert_messages(
            &scene,
            "stdin:2:4: error: \"two\" is not a number\n     1 two 3 \n       ^~~\n"
            "stdin:4:47: error: \"\\x0dx\" is not a number\n"
            "    ...1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \\x0dx 5 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 "
            "1...\n"
            "                                               ^~~~~\n"
            "stdin:5:1: error: \"1,5\" is not a number: use \".\" as the decimal point\n"
            "    1,5\n    ^~~\n"
            "stdin:6:1: error: \"abcdefghijklmnopqrstuvwxyz012345...\" is not a number\n"
            "    abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcd...\n"
            "    ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
            "stdin:7:1: error: \"9\\x0d\" is not a number\n    9\\x0d\n    ^~~~~\n");
        scene_end(&scene);
    }
}

/* ---- blank lines ---- */

static void test_blank_lines(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        enum blank_lines mode;
        const char *results, *messages;
        enum consumer_end_reason end_reason;
        uint64_t skipped;
    } cases[] = {
        {"1\n\n", BLANK_LINES_END, "1\n", "", CONSUMER_COMPLETE, 0},
        {"1\n \t\r\n", BLANK_LINES_END, "1\n", "", CONSUMER_COMPLETE, 0},
        {"1\n ", BLANK_LINES_END, "1\n", "", CONSUMER_COMPLETE, 0},
        {"1\n\n2\n", BLANK_LINES_END, "1\n", "a.txt:2:" UNREAD, CONSUMER_CLOSED, 0},
        {"1\n\n\n", BLANK_LINES_END, "1\n", "a.txt:2:" UNREAD, CONSUMER_CLOSED, 0},
        {"1\n\nx", BLANK_LINES_END, "1\n", "a.txt:2:" UNREAD, CONSUMER_CLOSED, 0},
        {"\n1 two 3\n", BLANK_LINES_END, "", "a.txt:1:" UNREAD, CONSUMER_CLOSED, 0},
        {"1 two 3\n\n1\n", BLANK_LINES_END, TWO_RESULT, TWO_AT_3("a.txt:1:3") "a.txt:2:" UNREAD,
         CONSUMER_CLOSED, 0},
        {"1\n\n2\n\n", BLANK_LINES_ZERO, "1\n0\n2\n0\n", "", CONSUMER_COMPLETE, 0},
        {"1\n ", BLANK_LINES_ZERO, "1\n0\n", "", CONSUMER_COMPLETE, 0},
        {"\n\n1\n\r\n2\n ", BLANK_LINES_SKIP, "1\n2\n", "", CONSUMER_COMPLETE, 4},
        {"1\n\n1 two 3\n", BLANK_LINES_SKIP, "1\n" TWO_RESULT, TWO_AT_3("a.txt:3:3"),
         CONSUMER_COMPLETE, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (uint32_t bytes = 1; bytes < 20; bytes += 3) {
            struct scene scene;
            scene_begin(&scene, 64, bytes);
            scene.config.blank_lines = cases[i].mode;
            send_text(&scene, 0, cases[i].input);
            send_end(&scene, SHMSUM_END_COMPLETE);
            assert_int_equal(run(&scene), 0);
            assert_int_equal(scene.end_reason, cases[i].end_reason);
            assert_int_equal((shmsum_channel_closing(&scene.producer) == SHMSUM_CLOSED),
                             cases[i].end_reason == CONSUMER_CLOSED);
            assert_results(&scene, cases[i].results);
            assert_messages(&scene, cases[i].messages);
            assert_int_equal(scene.consumer.counters.count[COUNTER_SKIPPED], cases[i].skipped);
            assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_SKIPPED),
                             cases[i].skipped);
            scene_end(&scene);
        }
    }
}

/* ---- several inputs ---- */

static void test_several_inputs(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 16, 8);
    send_text(&scene, 0, "1\n1 2");     /* the last line is unfinished */
    send_text(&scene, 1, "3\n1 two 3"); /* the last line is unfinished and bad */
    send_text(&scene, 2, "\r\n4\n1 two 3\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    scene.config.blank_lines = BLANK_LINES_SKIP;
    assert_int_equal(run(&scene), 0);
    assert_int_equal(scene.end_reason, CONSUMER_COMPLETE);
    assert_results(&scene, "1\n3\n3\n" TWO_RESULT "4\n" TWO_RESULT);
    assert_messages(&scene, TWO_AT_3("b.txt:2:3") TWO_AT_3("stdin:3:3"));
    scene_end(&scene);

    /* An input in the middle is empty. A CR at the end of one input does not join the LF of the
     * next. */
    scene_begin(&scene, 16, 8);
    send_text(&scene, 0, "1\r");
    send_text(&scene, 2, "\n2");
    send_end(&scene, SHMSUM_END_COMPLETE);
    scene.config.blank_lines = BLANK_LINES_ZERO;
    assert_int_equal(run(&scene), 0);
    assert_results(&scene, "error: column 1: \"1\\x0d\" is not a number\n0\n2\n");
    assert_messages(&scene, "a.txt:1:1: error: \"1\\x0d\" is not a number\n    1\\x0d\n    "
                            "^~~~~\n");
    scene_end(&scene);
}

static void test_blank_line_in_another_input(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        const char *results, *messages;
    } cases[] = {
        {"1\n\n", "2\n", "1\n", "a.txt:2:" UNREAD}, /* the next input follows */
        {"1\n ", "2\n", "1\n", "a.txt:2:" UNREAD},  /* the blank line was unfinished */
        {"1\n", "\n2\n", "1\n", "b.txt:1:" UNREAD},
        {"1", "2\n \n3\n", "1\n2\n", "b.txt:2:" UNREAD},
        {"1\n", "2\n\n", "1\n2\n", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        scene_begin(&scene, 16, 4);
        send_text(&scene, 0, cases[i].first);
        send_text(&scene, 1, cases[i].second);
        send_end(&scene, SHMSUM_END_COMPLETE);
        assert_int_equal(run(&scene), 0);
        assert_results(&scene, cases[i].results);
        assert_messages(&scene, cases[i].messages);
        scene_end(&scene);
    }
}

/* ---- stopping early ---- */

static void test_cut_drops_the_unfinished_line(void **state)
{
    (void)state;
    for (int orphaned = 0; orphaned < 2; orphaned++) {
        struct scene scene;
        scene_begin(&scene, 16, 4);
        send_text(&scene, 0, "1 2\n3 two");
        send_text(&scene, 1, "10\n20");
        if (orphaned)
            shmsum_stop_raise(&faults.os, &scene.stop, SHMSUM_STOP_PEER);
        else
            send_end(&scene, SHMSUM_END_CUT);
        assert_int_equal(run(&scene), 0);
        assert_int_equal(scene.end_reason, orphaned ? CONSUMER_ORPHANED : CONSUMER_CUT);
        /* a.txt was read to its end, so its unfinished line counts; b.txt was not. */
        assert_results(&scene, "3\n" TWO_RESULT "10\n");
        assert_int_equal(scene.consumer.counters.count[COUNTER_ERRORS], 1);
        assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_USED), strlen("1 2\n3 two"
                                                                                       "10\n"));
        scene_end(&scene);
    }
}

/* How much was used: up to the end of the blank line that ends the input, wherever blocks end. */
static void test_used_up_to_the_blank_line(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        size_t used;
    } cases[] = {
        {"1\n \n2\n", "3\n", 4}, {"1\n\n", "3\n", 3}, {"1\n\r\n\n\n", "", 4},
        {"1\n\t", "3\n4\n", 3},  {"\n5", "", 1},      {"1\n2", "\n3\n", 4},
        {"1\n2", "3\n4", 6},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (uint32_t bytes = 1; bytes < 10; bytes++) {
            struct scene scene;
            scene_begin(&scene, 32, bytes);
            send_text(&scene, 0, cases[i].first);
            send_text(&scene, 1, cases[i].second);
            send_end(&scene, SHMSUM_END_COMPLETE);
            assert_int_equal(run(&scene), 0);
            assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_USED), cases[i].used);
            scene_end(&scene);
        }
    }
}

/* ---- the number of errors shown ---- */

static void test_max_errors(void **state)
{
    (void)state;
    static const struct {
        uint64_t max;
        const char *messages;
    } cases[] = {
        {0, "shmsum: 3 more errors not shown (--max-errors=0)\n"},
        {1, TWO_AT_3("a.txt:1:3") "shmsum: 2 more errors not shown (--max-errors=1)\n"},
        {2, TWO_AT_3("a.txt:1:3")
                TWO_AT_3("a.txt:3:3") "shmsum: 1 more error not shown (--max-errors=2)\n"},
        {3, TWO_AT_3("a.txt:1:3") TWO_AT_3("a.txt:3:3") TWO_AT_3("a.txt:4:3")},
        {UINT64_MAX, TWO_AT_3("a.txt:1:3") TWO_AT_3("a.txt:3:3") TWO_AT_3("a.txt:4:3")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        scene_begin(&scene, 4, 64);
        scene.config.max_errors = cases[i].max;
        send_text(&scene, 0, "1 two 3\n5\n1 two 3\n1 two 3\n");
        send_end(&scene, SHMSUM_END_COMPLETE);
        assert_int_equal(run(&scene), 0);
        assert_results(&scene, TWO_RESULT "5\n" TWO_RESULT TWO_RESULT);
        assert_messages(&scene, cases[i].messages);
        assert_int_equal(scene.consumer.counters.count[COUNTER_ERRORS], 3);
        scene_end(&scene);
    }
    /* Both messages at the end: the count comes first. */
    struct scene scene;
    scene_begin(&scene, 4, 64);
    scene.config.max_errors = 0;
    send_text(&scene, 0, "x\n\n1\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_messages(&scene, "shmsum: 1 more error not shown (--max-errors=0)\n"
                            "a.txt:2:" UNREAD);
    scene_end(&scene);
}

/* ---- the dialogue ---- */

/* When a result or an answer is written, the slot of its line is not released yet, and all slots
 * before it are. */
static struct scene *watched;
static ssize_t watch_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    uint32_t line = (uint32_t)faults.calls[FAULT_write] / 2;
    for (uint32_t i = 0; i < line; i++)
        assert_int_equal(shared_load_relaxed(&shmsum_region_slot(&watched->region, i)->state),
                         SHMSUM_FREE);
    assert_int_equal(shared_load_relaxed(&shmsum_region_slot(&watched->region, line)->state),
                     SHMSUM_READY);
    faults.calls[FAULT_write]++;
    return shmsum_os_default()->write(os, fd, bytes, size);
}

static void test_dialogue(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 16, 16);
    scene.config.dialogue = scene.config.answers = true;
    scene.config.blank_lines = BLANK_LINES_ZERO;
    watched = &scene;
    faults.os.write = watch_write;
    send_text(&scene, 2, "1 2 3\n");
    send_text(&scene, 2, "0.1 0.2\r\n");
    send_text(&scene, 2, "1 two 3\n");
    send_text(&scene, 2, "\n");
    send_text(&scene, 2, "5\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_int_equal(scene.end_reason, CONSUMER_COMPLETE);
    assert_results(&scene, "6\n0.3\n" TWO_RESULT "0\n5\n");
    assert_messages(&scene, "= 6\n= 0.3\n" TWO_AT_3("stdin:3:3") "= 0\n= 5\n");
    assert_int_equal(faults.calls[FAULT_write], 10); /* a result and an answer for each line */
    scene_end(&scene);
}

static void test_dialogue_without_answers(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 16, 16);
    scene.config.dialogue = true;
    send_text(&scene, 2, "1 2 3\n");
    send_text(&scene, 2, "x\n");
    send_text(&scene, 2, "5"); /* Ctrl+D in the middle of a line */
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_results(&scene, "6\nerror: column 1: \"x\" is not a number\n5\n");
    assert_messages(&scene, "stdin:2:1: error: \"x\" is not a number\n    x\n    ^\n");
    scene_end(&scene);
}

/* At a terminal a blank line ends the input at once, without a warning. */
static void test_dialogue_ends_at_blank_line(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 16, 16);
    scene.config.dialogue = scene.config.terminal = scene.config.answers = true;
    send_text(&scene, 2, "1\n");
    send_text(&scene, 2, " \n");
    assert_int_equal(run(&scene), 0); /* no END was sent */
    assert_int_equal(scene.end_reason, CONSUMER_CLOSED);
    assert_true(shmsum_channel_closing(&scene.producer) == SHMSUM_CLOSED);
    assert_int_equal(shmsum_channel_await_released(&scene.producer, NULL), 0);
    assert_results(&scene, "1\n");
    assert_messages(&scene, "= 1\n");
    scene_end(&scene);
}

/* A slot that the producer publishes just before it dies is summed, too. Here it comes while the
 * consumer, which found no slot, writes its results. */
static ssize_t die_while_writing(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    if (fd == watched->results_fd && faults.calls[FAULT_write]++ == 0) {
        send_text(watched, 0, "5 6\n");
        shmsum_stop_raise(os, &watched->stop, SHMSUM_STOP_PEER);
    }
    return shmsum_os_default()->write(os, fd, bytes, size);
}

static void test_orphan_takes_what_came_last(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 16, 4);
    watched = &scene;
    faults.os.write = die_while_writing;
    send_text(&scene, 0, "1 2\n");
    assert_int_equal(run(&scene), 0);
    assert_int_equal(scene.end_reason, CONSUMER_ORPHANED);
    assert_results(&scene, "3\n11\n");
    scene_end(&scene);
}

/* ---- a producer that breaks the protocol ---- */

static void test_protocol_violations(void **state)
{
    (void)state;
    static const char source[] = "source of a slot, from the producer";
    static const char length[] = "length of a slot, from the producer";
    static const char slot_state[] = "state of a slot, from the producer";
    static const struct {
        uint32_t state, length, source, end_reason;
        const char *object;
    } cases[] = {
        {SHMSUM_READY, 1, 3, 0, source},
        {SHMSUM_READY, 1, UINT32_MAX, 0, source},
        {SHMSUM_READY, 1, 0, 0, source}, /* back from 1 to 0 */
        {SHMSUM_READY, 0, 1, 0, length},
        {SHMSUM_READY, 65, 1, 0, length},
        {SHMSUM_READY, UINT32_MAX, 1, 0, length},
        {3, 1, 1, 0, slot_state},
        {0x7fffffff, 1, 1, 0, slot_state},
        {SHMSUM_END, 1, 1, 0, "end reason of a slot, from the producer"},
        {SHMSUM_END, 1, 1, 3, "end reason of a slot, from the producer"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        scene_begin(&scene, 8, 64);
        send_text(&scene, 1, "1 2\nx\n3");
        struct shmsum_slot *slot = shmsum_region_slot(&scene.region, 1);
        shared_store_relaxed(&slot->length, cases[i].length);
        shared_store_relaxed(&slot->source, cases[i].source);
        shared_store_relaxed(&slot->end_reason, cases[i].end_reason);
        shared_store_relaxed(&slot->state, cases[i].state);
        assert_int_equal(run(&scene), SHMSUM_BROKEN);
        assert_string_equal(scene.why.call, "protocol");
        assert_string_equal(scene.why.object, cases[i].object);
        assert_int_equal(scene.why.error, -SHMSUM_BROKEN);
        /* Earlier results are written, and counted. */
        assert_results(&scene, "3\nerror: column 1: \"x\" is not a number\n");
        assert_messages(&scene, "b.txt:2:1: error: \"x\" is not a number\n    x\n    ^\n");
        scene_end(&scene);
    }
}

/* ---- failing system calls ---- */

static void test_results_cannot_be_written(void **state)
{
    (void)state;
    for (int dialogue = 0; dialogue < 2; dialogue++) {
        struct scene scene;
        scene_begin(&scene, 16, 4);
        scene.config.dialogue = scene.config.answers = dialogue;
        scene.config.sync = true;
        fault_os_fill(&faults, scene.results_fd, 5, ENOSPC);
        send_text(&scene, 0, "11\n22\n33\n44\n");
        send_end(&scene, SHMSUM_END_COMPLETE);
        assert_int_equal(run(&scene), -ENOSPC);
        assert_string_equal(scene.why.call, "write");
        assert_string_equal(scene.why.object, "r");
        assert_results(&scene, "11\n");
        assert_messages(&scene, dialogue ? "= 11\n" : ""); /* no answer without its result */
        assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_RESULT_LINES), 1);
        assert_int_equal(faults.calls[FAULT_fsync], 0);
        scene_end(&scene);
    }
}

/* The producer prompts when a slot is released: not when its result could not be written. */
static void test_dialogue_does_not_release_a_failure(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 4, 64);
    scene.config.dialogue = true;
    send_text(&scene, 0, "1 2\n");
    send_text(&scene, 0, "3 4\n");
    fault_os_fill(&faults, scene.results_fd, 2, ENOSPC);
    assert_int_equal(run(&scene), -ENOSPC);
    assert_int_equal(shared_load_relaxed(&shmsum_region_slot(&scene.region, 0)->state),
                     SHMSUM_FREE);
    assert_int_equal(shared_load_relaxed(&shmsum_region_slot(&scene.region, 1)->state),
                     SHMSUM_READY);
    scene_end(&scene);
}

/* More results than the buffer holds: the failure comes in the middle of a block. */
static void test_results_cannot_be_written_later(void **state)
{
    (void)state;
    enum { LINES = 6000 };
    struct scene scene;
    scene_begin(&scene, 4, 65536);
    fault_os_fill(&faults, scene.results_fd, 5001, ENOSPC);
    char *input = malloc(2 * LINES);
    for (size_t i = 0; i < LINES; i++)
        memcpy(input + 2 * i, "7\n", 2);
    send_bytes(&scene, 0, input, 2 * LINES);
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), -ENOSPC);
    assert_int_equal(scene.why.error, ENOSPC);
    assert_file_holds(scene.results_fd, input, 5000);
    assert_int_equal(shmsum_channel_counter(&scene.producer, COUNTER_RESULT_LINES), 2500);
    free(input);
    scene_end(&scene);
}

static void test_sync(void **state)
{
    (void)state;
    for (int sync = 0; sync < 2; sync++) {
        for (int fails = 0; fails < 2; fails++) {
            struct scene scene;
            scene_begin(&scene, 4, 16);
            scene.config.sync = sync;
            if (fails)
                fault_os_fail(&faults, FAULT_fsync, 1, FAULT_FOR_GOOD, EIO);
            send_text(&scene, 0, "1\n");
            send_end(&scene, SHMSUM_END_COMPLETE);
            assert_int_equal(run(&scene), sync && fails ? -EIO : 0);
            if (sync && fails)
                assert_string_equal(scene.why.call, "fsync");
            assert_int_equal(faults.calls[FAULT_fsync], sync);
            assert_results(&scene, "1\n");
            scene_end(&scene);
        }
    }
}

/* Messages cannot be written: the results are the same. */
static void test_messages_cannot_be_written(void **state)
{
    (void)state;
    struct scene scene;
    scene_begin(&scene, 4, 64);
    fault_os_fill(&faults, scene.config.messages, 10, EPIPE);
    send_text(&scene, 0, "1 two 3\n5\n\n6\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_results(&scene, TWO_RESULT "5\n");
    assert_messages(&scene, "a.txt:1:3:");
    scene_end(&scene);

    /* Short, interrupted and delayed writes: the messages are complete. */
    scene_begin(&scene, 4, 64);
    faults.write_max = 3;
    fault_os_fail(&faults, FAULT_write, 2, 2, EINTR);
    fault_os_fail(&faults, FAULT_write, 5, 1, EAGAIN);
    send_text(&scene, 0, "1 two 3\n");
    send_end(&scene, SHMSUM_END_COMPLETE);
    assert_int_equal(run(&scene), 0);
    assert_results(&scene, TWO_RESULT);
    assert_messages(&scene, TWO_AT_3("a.txt:1:3"));
    assert_int_equal(faults.calls[FAULT_ppoll], 1);
    scene_end(&scene);
}

/* ---- random inputs, against the oracle ---- */

/* Adds the result of one line. Returns whether a blank line ends the input there. */
static bool expect_line(FILE *to, const struct scene *scene, const uint8_t *line, size_t size,
                        bool ended)
{
    oracle_read(&oracle, line, size, ended, scene->config.point);
    if (oracle.event == ORACLE_BLANK && scene->config.blank_lines != BLANK_LINES_ZERO)
        return scene->config.blank_lines == BLANK_LINES_END;
    if (oracle.event != ORACLE_ERROR) {
        char *sum = oracle_format(oracle.sum);
        fprintf(to, "%s\n", sum);
        free(sum);
        return false;
    }
    fprintf(to, "error: column %lu: %s\"", (unsigned long)oracle.column,
            oracle.reason == ORACLE_RANGE ? "number out of range: " : "");
    for (size_t i = 0; i < oracle.token_bytes && i < 32; i++) {
        uint8_t c = line[oracle.column - 1 + i];
        fprintf(to, c >= ' ' && c <= '~' ? "%c" : "\\x%02x", c);
    }
    fprintf(to, "%s\"%s", oracle.token_bytes > 32 ? "..." : "",
            oracle.reason == ORACLE_RANGE ? "" : " is not a number");
    if (oracle.reason == ORACLE_COMMA || oracle.reason == ORACLE_POINT)
        fprintf(to, ": use \"%c\" as the decimal point", scene->config.point);
    fputc('\n', to);
    return false;
}

static void test_random_inputs(void **state)
{
    (void)state;
    static const char letters[] = "12345678900 \t  \n\n\r\n.,e-+x";
    for (int round = 0; round < 1500; round++) {
        struct scene scene;
        scene_begin(&scene, 1024, (uint32_t)random_between(&rng, 1, 40));
        scene.config.point = random_one_in(&rng, 4) ? ',' : '.';
        scene.config.blank_lines = (enum blank_lines)random_below(&rng, 3);
        scene.config.dialogue = random_one_in(&rng, 4);
        bool cut = random_one_in(&rng, 4);
        char *expected;
        size_t expected_size;
        FILE *to = open_memstream(&expected, &expected_size);
        bool ended = false;
        for (uint32_t source = 0; source < COUNT(names); source++) {
            uint8_t bytes[300];
            size_t size = random_one_in(&rng, 5) ? 0 : (size_t)random_below(&rng, sizeof bytes);
            uint64_t kinds = random_one_in(&rng, 2) ? 20 : sizeof letters - 1;
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)letters[random_below(&rng, kinds)];
            send_bytes(&scene, source, bytes, size);
            /* Only the last source may have been cut. */
            bool last = source + 1 == COUNT(names);
            if (last && size == 0 && cut)
                cut = false, send_text(&scene, source, "8\n"), memcpy(bytes, "8\n", size = 2);
            for (size_t at = 0; at < size && !ended;) {
                size_t end = at;
                while (end < size && bytes[end] != '\n')
                    end++;
                if (end == size && last && cut)
                    break;
                ended = expect_line(to, &scene, bytes + at, end - at, end < size);
                at = end + 1;
            }
        }
        fclose(to);
        send_end(&scene, cut ? SHMSUM_END_CUT : SHMSUM_END_COMPLETE);
        assert_int_equal(run(&scene), 0);
        assert_file_holds(scene.results_fd, expected, expected_size);
        free(expected);
        scene_end(&scene);
    }
}

int main(void)
{
    rng.state = random_seed("test_consumer");
    oracle_init(&oracle);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lines_that_may_be_cut),
        cmocka_unit_test(test_no_input),
        cmocka_unit_test(test_every_slot_size),
        cmocka_unit_test(test_blank_lines),
        cmocka_unit_test(test_several_inputs),
        cmocka_unit_test(test_blank_line_in_another_input),
        cmocka_unit_test(test_cut_drops_the_unfinished_line),
        cmocka_unit_test(test_used_up_to_the_blank_line),
        cmocka_unit_test(test_max_errors),
        cmocka_unit_test(test_dialogue),
        cmocka_unit_test(test_dialogue_without_answers),
        cmocka_unit_test(test_dialogue_ends_at_blank_line),
        cmocka_unit_test(test_orphan_takes_what_came_last),
        cmocka_unit_test(test_protocol_violations),
        cmocka_unit_test(test_results_cannot_be_written),
        cmocka_unit_test(test_dialogue_does_not_release_a_failure),
        cmocka_unit_test(test_results_cannot_be_written_later),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_messages_cannot_be_written),
        cmocka_unit_test(test_random_inputs),
    };
    int failed = cmocka_run_group_tests_name("consumer", tests, NULL, NULL);
    oracle_clean_up(&oracle);
    return failed;
}
