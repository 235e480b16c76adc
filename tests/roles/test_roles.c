/*
 * test_roles.c - the producer and the consumer as two threads of one process. With any slots and
 * any arrival of the input, the results are those of the line parser on the whole input. The
 * dialogue keeps its order. Stops, failed calls and a dead producer end the roles as producer.h and
 * consumer.h say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roles/consumer.h"
#include "roles/producer.h"
#include "room.h"
#include "channel/shared_word.h"

enum { INPUTS_MAX = 4, RESULTS_BUFFER = 8192, WAIT_SECONDS = 20 };

static uint64_t seed;

/* ---- bytes that grow ---- */

struct text {
    char *bytes;
    size_t size, room;
};

static void text_add(struct text *text, const void *bytes, size_t size)
{
    if (text->size + size + 1 > text->room) {
        text->room = 2 * (text->size + size + 1);
        text->bytes = realloc(text->bytes, text->room);
        assert_non_null(text->bytes);
    }
    if (size > 0)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

static void text_clear(struct text *text)
{
    free(text->bytes);
    memset(text, 0, sizeof *text);
}

static void assert_text(const struct text *got, const struct text *expected)
{
    if (got->size == expected->size && memcmp(got->bytes, expected->bytes, got->size) == 0)
        return;
    print_error("got:\n%.*s\nexpected:\n%.*s\n", (int)got->size, got->bytes, (int)expected->size,
                expected->bytes);
    fail();
}

static int temporary_file(void)
{
    char path[] = "/tmp/shmsum-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static void file_set(int fd, const char *bytes, size_t size)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

/* The whole text of a file; its offset stays. The caller clears it. */
static struct text file_text(int fd)
{
    struct text text = {0};
    text_add(&text, NULL, 0);
    char bytes[4096];
    ssize_t got;
    while ((got = pread(fd, bytes, sizeof bytes, (off_t)text.size)) > 0)
        text_add(&text, bytes, (size_t)got);
    assert_int_equal(got, 0);
    return text;
}

/* ---- a whole program in one process ---- */

struct play {
    struct room_os os;
    struct room room;

    /* to be set before the start */
    int inputs[INPUTS_MAX];
    const char *names[INPUTS_MAX];
    uint32_t input_count;
    bool is_dialogue;
    int terminal;
    struct consumer_config config;
    int results_fd;
    bool dies; /* the producer ends without END */

    struct producer producer;
    struct consumer consumer;
    struct shmsum_results results;
    uint8_t *block;
    char buffer[RESULTS_BUFFER];
    pthread_t producer_thread, consumer_thread;

    /* the outcome */
    int produced, consumed;
    struct shmsum_failure producer_why, consumer_why;
    enum consumer_end_reason end_reason;
};

static void play_init(struct play *play, uint32_t slots, uint32_t payload_bytes)
{
    memset(play, 0, sizeof *play);
    room_os_init(&play->os);
    room_init(&play->room, &play->os.table, slots, payload_bytes);
    play->room.consumer.stop_mask = SHMSUM_STOP_PEER;
    static const char *const names[INPUTS_MAX] = {"one", "two", "three", "four"};
    memcpy(play->names, names, sizeof names);
    play->input_count = 1;
    play->config = (struct consumer_config){
        .sources = play->names,
        .source_count = INPUTS_MAX,
        .point = '.',
        .max_errors = 1000,
        .messages = -1,
    };
    play->results_fd = temporary_file();
    play->block = malloc(payload_bytes);
    assert_non_null(play->block);
}

static void play_clean_up(struct play *play)
{
    close(play->results_fd);
    free(play->block);
    room_clean_up(&play->room);
}

static int send_all(struct play *play)
{
    for (uint32_t i = 0; i < play->input_count; i++) {
        int result = play->is_dialogue
                         ? producer_dialogue(&play->producer, play->inputs[i], play->names[i], i,
                                             play->terminal, &play->producer_why)
                         : producer_send(&play->producer, play->inputs[i], play->names[i], i,
                                         &play->producer_why);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Does what the parent does. */
static void *run_producer(void *argument)
{
    struct play *play = argument;
    struct shmsum_channel *channel = &play->room.producer;
    play->produced = shmsum_channel_await_attached(channel, &play->producer_why);
    if (play->produced == 0)
        play->produced = send_all(play);
    bool peer_is_gone = (shmsum_stop_bits(channel->stop) & SHMSUM_STOP_PEER) != 0;
    if (play->dies)
        shmsum_stop_raise(&play->os.table, &play->room.stops[1], SHMSUM_STOP_PEER);
    else if (!peer_is_gone && shmsum_channel_closing(channel) != SHMSUM_CLOSED)
        shmsum_channel_end(channel, play->produced == 0 ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT,
                           NULL);
    return NULL;
}

/* Does what the child does, and reports its end to the parent as SIGCHLD does. */
static void *run_consumer(void *argument)
{
    struct play *play = argument;
    shmsum_channel_attached(&play->room.consumer);
    play->consumed = consumer_run(&play->consumer, &play->end_reason, &play->consumer_why);
    shmsum_stop_raise(&play->os.table, &play->room.stops[0], SHMSUM_STOP_PEER);
    return NULL;
}

static void close_pipe(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void play_prepare(struct play *play)
{
    const struct shmsum_os *os = &play->os.table;
    producer_init(&play->producer, os, &play->room.producer);
    assert_int_equal(shmsum_results_init(&play->results, os, play->results_fd, SHMSUM_RESULTS_OWN,
                                         "results", play->buffer, sizeof play->buffer, NULL),
                     0);
    consumer_init(&play->consumer, os, &play->config, &play->room.consumer, &play->results,
                  play->block);
}

static void play_start(struct play *play)
{
    play_prepare(play);
    assert_int_equal(pthread_create(&play->consumer_thread, NULL, run_consumer, play), 0);
    assert_int_equal(pthread_create(&play->producer_thread, NULL, run_producer, play), 0);
}

static void play_join(struct play *play)
{
    pthread_join(play->producer_thread, NULL);
    pthread_join(play->consumer_thread, NULL);
}

static uint64_t counter(const struct play *play, enum counter which)
{
    return shmsum_channel_counter(&play->room.producer, which);
}

static void assert_failure(const struct shmsum_failure *why, const char *call, const char *object,
                           int error)
{
    assert_non_null(why->call);
    assert_string_equal(why->call, call);
    assert_string_equal(why->object, object);
    assert_int_equal(why->error, error);
}

/* ---- the right results ---- */

struct answer {
    struct text results;
    uint64_t sums, errors, skipped, numbers;
    bool closed; /* a blank line ended the input, and more followed */
};

static void answer_line(struct answer *answer, struct shmsum_line_parser *parser,
                        enum shmsum_line event)
{
    char text[RESULT_LINE_TEXT_MAX];
    size_t size;
    if (event == SHMSUM_LINE_ERROR) {
        size = diagnostic_result(text, &parser->error);
        answer->errors++;
    } else {
        size = shmsum_decimal_sum_format(&parser->sum, text);
        answer->sums++;
        answer->numbers += parser->numbers;
    }
    text_add(&answer->results, text, size);
    text_add(&answer->results, "\n", 1);
}

/* Adds the results of one input, parsed at once. `whole`: an unfinished last line counts. Returns
 * whether a blank line has ended all input. */
static bool answer_input(struct answer *answer, const char *bytes, size_t size,
                         enum blank_lines blank_lines, bool whole)
{
    struct shmsum_line_parser parser;
    shmsum_line_parser_init(&parser, '.');
    for (size_t at = 0;;) {
        enum shmsum_line event = SHMSUM_LINE_UNFINISHED;
        if (at < size) {
            size_t consumed;
            event =
                shmsum_line_parser_feed(&parser, (const uint8_t *)bytes + at, size - at, &consumed);
            at += consumed;
        }
        if (event == SHMSUM_LINE_UNFINISHED && whole)
            event = shmsum_line_parser_finish(&parser);
        if (event == SHMSUM_LINE_UNFINISHED)
            return false;
        if (event == SHMSUM_LINE_BLANK && blank_lines == BLANK_LINES_END) {
            answer->closed = at < size;
            return true;
        }
        if (event == SHMSUM_LINE_BLANK && blank_lines == BLANK_LINES_SKIP)
            answer->skipped++;
        else
            answer_line(answer, &parser, event);
    }
}

static void assert_answer(const struct play *play, const struct answer *answer)
{
    assert_int_equal(play->consumed, 0);
    assert_int_equal(play->end_reason, answer->closed ? CONSUMER_CLOSED : CONSUMER_COMPLETE);
    struct text results = file_text(play->results_fd);
    assert_text(&results, &answer->results);
    assert_true(counter(play, COUNTER_SUMS) == answer->sums);
    assert_true(counter(play, COUNTER_ERRORS) == answer->errors);
    assert_true(counter(play, COUNTER_SKIPPED) == answer->skipped);
    assert_true(counter(play, COUNTER_NUMBERS) == answer->numbers);
    assert_true(counter(play, COUNTER_RESULT_LINES) == answer->sums + answer->errors);
    assert_true(counter(play, COUNTER_RESULT_BYTES) == results.size);
    assert_true(play->consumer.unread == answer->closed);
    assert_true((shmsum_channel_closing(&play->room.producer) == SHMSUM_CLOSED) == answer->closed);
    if (!answer->closed) {
        assert_int_equal(play->produced, 0);
        assert_true(counter(play, COUNTER_BYTES) == play->producer.bytes);
    }
    text_clear(&results);
}

/* ---- inputs that are hard to cut into blocks ---- */

struct input {
    const char *bytes;
    size_t size;
};
#define INPUT(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct input inputs[] = {
    INPUT(""),
    INPUT("\n"),
    INPUT("7"),
    INPUT("1 2 3\n"),
    INPUT(
        "1 2 3\r\n-4.50 +.5e1\r\n\t1e-3\v2E+2\f\n0.1 0.2\n1e16 1 -1e16\n18446744073709551617 1\n"),
    INPUT("1e999 -1e999 1e-1000\n1e1000\n1e-1001 "
          "1\n0e99999999999999999999\n1e99999999999999999999\n"),
    INPUT("1 two 3\n1,5\n--1\n1-2 x\n.\ne5\n+\n1e\n1e+\ninf nan 0x10\n1_000\n5\n"),
    INPUT("a\0b 1\n\0\n\x1b[31mred\n\xd0\xbf\xd1\x80\xd0\xb8 1\n\xff\xfe\n8\n"),
    INPUT("1\r2\n\r1\n1 \r 2\n1\r\r\n2 \r\n3\t\r\n4\r"),
    INPUT("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 "
          "aVeryLongTokenThatIsNoNumberAtAllAndGoesOnForMoreThanTheHeadThatIsKeptOfIt 27 28 29 30 "
          "31 32 33 34 35 36 37 38 39 40 41 42\n1 bad\r\n9\n"),
    INPUT("x\n1 2\n\n3 4\n5\n"),
    INPUT("1\n \t\v\f\r\n"),
    INPUT("1\n   "),
    INPUT("\n\n\n1\n\n2\n\n"),
    INPUT("12345678901234567890123456789012345678901234567890.123456789012345678901234567890 "
          "-0.000000000000000000000000000000000000000000000000000000000000000000000000000000001\n"
          "000000000000000000000000000000000000000000000000000000000000000000000000000000000007"),
};

static const enum blank_lines blank_lines_all[] = {BLANK_LINES_END, BLANK_LINES_ZERO,
                                                   BLANK_LINES_SKIP};

/* Runs input through slots of payload_bytes; the messages go to *messages. */
static void run_file(const struct input *input, int input_fd, uint32_t slots,
                     uint32_t payload_bytes, enum blank_lines blank_lines,
                     const struct answer *answer, struct text *messages)
{
    static struct play play;
    play_init(&play, slots, payload_bytes);
    file_set(input_fd, input->bytes, input->size);
    play.inputs[0] = input_fd;
    play.config.blank_lines = blank_lines;
    play.config.messages = temporary_file();
    play_start(&play);
    play_join(&play);
    assert_answer(&play, answer);
    *messages = file_text(play.config.messages);
    close(play.config.messages);
    play_clean_up(&play);
}

static void cut_at_every_size(const struct input *input)
{
    int fd = temporary_file();
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = {0};
        text_add(&answer.results, NULL, 0);
        answer_input(&answer, input->bytes, input->size, blank_lines_all[i], true);
        struct text whole, cut;
        uint32_t size = (uint32_t)input->size;
        run_file(input, fd, 2, size + 1, blank_lines_all[i], &answer, &whole);
        for (uint32_t payload = 1; payload <= size; payload++) {
            run_file(input, fd, 1 + (payload + (uint32_t)i) % 5, payload, blank_lines_all[i],
                     &answer, &cut);
            assert_text(&cut, &whole);
            text_clear(&cut);
        }
        text_clear(&whole);
        text_clear(&answer.results);
    }
    close(fd);
}

static void test_every_input_cut_at_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        cut_at_every_size(&inputs[i]);
}

/* Results written by hand, so that the test does not rest on the parser alone. */
static void test_answers_by_hand(void **state)
{
    (void)state;
    static const struct input input =
        INPUT("1 2 3\r\n0.1 0.2\n1 two 3\n1e16 1 -1e16\n18446744073709551617 1\n5");
    static const struct input expected = INPUT("6\n0.3\nerror: column 3: \"two\" is not a number\n"
                                               "1\n18446744073709551618\n5\n");
    struct answer answer = {.sums = 5, .errors = 1, .numbers = 3 + 2 + 3 + 2 + 1};
    text_add(&answer.results, expected.bytes, expected.size);
    int fd = temporary_file();
    for (uint32_t payload = 1; payload < 64; payload += 9) {
        struct text messages;
        run_file(&input, fd, 3, payload, BLANK_LINES_END, &answer, &messages);
        assert_string_equal(messages.bytes, "one:3:3: error: \"two\" is not a number\n"
                                            "    1 two 3\n"
                                            "      ^~~\n");
        text_clear(&messages);
    }
    text_clear(&answer.results);
    close(fd);
}

/* Random lines, good and bad. The caller frees them. */
static char *random_input(uint64_t *random, size_t size)
{
    static const char alphabet[] = "0123456789012345678901234567890123456789..--+eE    \t\r,x";
    char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    uint32_t line = 1 + room_below(random, 60);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = alphabet[room_below(random, sizeof alphabet - 1)];
        if (room_below(random, line) == 0)
            bytes[i] = '\n';
        if (room_below(random, 500) == 0)
            bytes[i] = (char)room_below(random, 256);
    }
    return bytes;
}

static void write_in_pieces(int fd, const char *bytes, size_t size, uint64_t *random)
{
    for (size_t done = 0; done < size;) {
        size_t piece = 1 + room_below(random, room_below(random, 4) == 0 ? 5000 : 40);
        ssize_t wrote = write(fd, bytes + done, piece < size - done ? piece : size - done);
        if (wrote < 0)
            break; /* EPIPE: the reader has closed the pipe */
        done += (size_t)wrote;
        if (room_below(random, 8) == 0)
            room_pause_us(room_below(random, 50));
    }
}

/* Random inputs, from a file, and from a pipe that is filled in random pieces. */
static void test_random_inputs_from_file_and_pipe(void **state)
{
    (void)state;
    uint64_t random = seed;
    static const struct shmsum_geometry geometries[] = {
        {1, 1}, {1, 7}, {2, 2}, {3, 50}, {8, 64}, {8, 4096}, {64, 4096}, {2, 65536}, {64, 3},
    };
    static struct play play;
    for (uint32_t i = 0; i < 150; i++) {
        const struct shmsum_geometry *geometry =
            &geometries[i % (sizeof geometries / sizeof geometries[0])];
        size_t size = room_below(&random, i % 10 == 0 ? 60000 : 3000);
        if (geometry->payload_bytes < 4)
            size %= 1000;
        char *bytes = random_input(&random, size);
        struct answer answer = {0};
        text_add(&answer.results, NULL, 0);
        enum blank_lines blank_lines = blank_lines_all[i % 7 == 0 ? 0 : 1 + i % 2];
        answer_input(&answer, bytes, size, blank_lines, true);
        play_init(&play, geometry->slots, geometry->payload_bytes);
        play.config.blank_lines = blank_lines;
        if (i % 4 == 0)
            play.room.producer.spins = play.room.consumer.spins = 0;
        if (i / 2 % 2 == 0) {
            play.inputs[0] = temporary_file();
            file_set(play.inputs[0], bytes, size);
            play_start(&play);
            play_join(&play);
        } else {
            int pipes[2];
            assert_int_equal(pipe(pipes), 0);
            play.inputs[0] = pipes[0];
            /* a non-blocking pipe, as a shell may leave it: the producer waits all the same */
            if (i % 3 == 0)
                assert_int_equal(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
            play_start(&play);
            if (answer.closed) {
                /* it must fit into the pipe, because the rest would not be read */
                fcntl(pipes[1], F_SETFL, O_NONBLOCK);
            }
            write_in_pieces(pipes[1], bytes, size, &random);
            close(pipes[1]);
            play_join(&play);
        }
        assert_answer(&play, &answer);
        close(play.inputs[0]);
        play_clean_up(&play);
        text_clear(&answer.results);
        free(bytes);
    }
}

/* ---- several inputs ---- */

static void test_several_inputs(void **state)
{
    (void)state;
    /* An unfinished last line ends with its input. Each input counts its lines from 1. */
    static const struct input parts[] = {INPUT("1 2\n3"), INPUT(""), INPUT("4\nx"),
                                         INPUT("5 y\n6\n")};
    static struct play play;
    for (uint32_t payload = 1; payload < 9; payload++) {
        play_init(&play, 3, payload);
        struct answer answer = {0};
        for (uint32_t i = 0; i < 4; i++) {
            answer_input(&answer, parts[i].bytes, parts[i].size, BLANK_LINES_END, true);
            play.inputs[i] = temporary_file();
            file_set(play.inputs[i], parts[i].bytes, parts[i].size);
        }
        play.input_count = 4;
        play.config.messages = temporary_file();
        play_start(&play);
        play_join(&play);
        assert_answer(&play, &answer);
        struct text results = file_text(play.results_fd);
        assert_string_equal(results.bytes, "3\n3\n4\nerror: column 1: \"x\" is not a number\n"
                                           "error: column 3: \"y\" is not a number\n6\n");
        struct text messages = file_text(play.config.messages);
        assert_string_equal(messages.bytes,
                            "three:2:1: error: \"x\" is not a number\n    x\n    ^\n"
                            "four:1:3: error: \"y\" is not a number\n    5 y\n"
                            "      ^\n");
        text_clear(&messages);
        text_clear(&results);
        text_clear(&answer.results);
        close(play.config.messages);
        for (uint32_t i = 0; i < 4; i++)
            close(play.inputs[i]);
        play_clean_up(&play);
    }
}

/* A blank last line of one input, and more in the next input, which is then not read. */
static void test_blank_line_before_the_next_input(void **state)
{
    (void)state;
    static const char *const firsts[] = {"1\n\n", "1\n  ", "1\n \r\n"};
    static struct play play;
    for (size_t i = 0; i < 3; i++) {
        for (uint32_t payload = 1; payload < 9; payload++) {
            play_init(&play, 2, payload);
            play.input_count = 2;
            play.inputs[0] = temporary_file();
            play.inputs[1] = temporary_file();
            file_set(play.inputs[0], firsts[i], strlen(firsts[i]));
            file_set(play.inputs[1], "2\n", 2);
            play.config.messages = temporary_file();
            play_start(&play);
            play_join(&play);
            assert_int_equal(play.consumed, 0);
            assert_int_equal(play.end_reason, CONSUMER_CLOSED);
            assert_true(play.consumer.unread);
            struct text results = file_text(play.results_fd);
            assert_string_equal(results.bytes, "1\n");
            struct text messages = file_text(play.config.messages);
            static const char expected[] = "one:2: warning: a blank line ends the input; ";
            assert_true(strncmp(messages.bytes, expected, sizeof expected - 1) == 0);
            text_clear(&messages);
            text_clear(&results);
            close(play.config.messages);
            close(play.inputs[0]);
            close(play.inputs[1]);
            play_clean_up(&play);
        }
    }
}

/* A block with a wrong source is not summed. */
static void test_bad_sources(void **state)
{
    (void)state;
    static const uint32_t sources[][2] = {{0, INPUTS_MAX}, {0, UINT32_MAX}, {1, 0}, {3, 2}};
    static struct play play;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        play_init(&play, 4, 8);
        play_prepare(&play);
        for (size_t j = 0; j < 2; j++) {
            uint8_t *payload;
            assert_int_equal(shmsum_channel_acquire(&play.room.producer, &payload, NULL), 0);
            memcpy(payload, "1\n", 2);
            shmsum_channel_publish(&play.room.producer, 2, sources[i][j]);
        }
        run_consumer(&play);
        assert_int_equal(play.consumed, SHMSUM_BROKEN);
        assert_failure(&play.consumer_why, "protocol", "source of a slot, from the producer",
                       -SHMSUM_BROKEN);
        struct text results = file_text(play.results_fd);
        assert_string_equal(results.bytes, "1\n"); /* earlier results stay */
        text_clear(&results);
        play_clean_up(&play);
    }
}

static void test_error_messages_are_limited(void **state)
{
    (void)state;
    static const char input[] = "a\nb\nc\nd\n1\n";
    static struct play play;
    play_init(&play, 2, 3);
    play.inputs[0] = temporary_file();
    file_set(play.inputs[0], input, sizeof input - 1);
    play.config.max_errors = 1;
    play.config.messages = temporary_file();
    play_start(&play);
    play_join(&play);
    assert_int_equal(play.consumed, 0);
    assert_int_equal(play.consumer.counters.count[COUNTER_ERRORS], 4);
    struct text messages = file_text(play.config.messages);
    assert_string_equal(messages.bytes, "one:1:1: error: \"a\" is not a number\n    a\n    ^\n"
                                        "shmsum: 3 more errors not shown (--max-errors=1)\n");
    text_clear(&messages);
    close(play.config.messages);
    close(play.inputs[0]);
    play_clean_up(&play);
}

/* ---- results that are ready do not wait for more input ---- */

static void wait_for_text(int fd, const char *expected)
{
    for (int i = 0;; i++) {
        struct text text = file_text(fd);
        bool there = strcmp(text.bytes, expected) == 0;
        if (i == WAIT_SECONDS * 1000 && !there)
            print_error("waited for \"%s\", have \"%s\"\n", expected, text.bytes);
        text_clear(&text);
        if (there)
            return;
        assert_true(i < WAIT_SECONDS * 1000);
        room_pause_us(1000);
    }
}

static void test_results_are_written_while_the_input_pauses(void **state)
{
    (void)state;
    static struct play play;
    for (int spins = 0; spins < 2; spins++) {
        play_init(&play, 8, 64);
        if (!spins)
            play.room.producer.spins = play.room.consumer.spins = 0;
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        play.inputs[0] = pipes[0];
        play_start(&play);
        static const char *const steps[][2] = {
            {"1 2\n", "3\n"}, {"4\n5", "3\n4\n"}, {" 1\n", "3\n4\n6\n"}};
        for (size_t i = 0; i < 3; i++) {
            assert_true(write(pipes[1], steps[i][0], strlen(steps[i][0])) > 0);
            wait_for_text(play.results_fd, steps[i][1]);
        }
        close(pipes[1]);
        play_join(&play);
        assert_int_equal(play.produced, 0);
        assert_int_equal(play.consumed, 0);
        close(pipes[0]);
        play_clean_up(&play);
    }
}

/* ---- the dialogue ---- */

struct dialogue {
    struct play play;
    int keyboard; /* the test types into it */
    int screen;   /* the test reads from it */
};

static void dialogue_start(struct dialogue *dialogue, uint32_t slots, uint32_t payload_bytes)
{
    struct play *play = &dialogue->play;
    play_init(play, slots, payload_bytes);
    int keys[2], light[2];
    assert_int_equal(pipe(keys), 0);
    assert_int_equal(pipe(light), 0);
    play->inputs[0] = keys[0];
    dialogue->keyboard = keys[1];
    play->terminal = light[1];
    play->config.messages = light[1];
    dialogue->screen = light[0];
    play->is_dialogue = true;
    play->config.dialogue = true;
    play->config.terminal = true;
    play->config.answers = true;
    play_start(play);
}

static void type(struct dialogue *dialogue, const char *text)
{
    for (size_t size = strlen(text), done = 0; done < size;) {
        ssize_t wrote = write(dialogue->keyboard, text + done, size - done);
        assert_true(wrote > 0);
        done += (size_t)wrote;
    }
}

/* Reads until exactly this text has appeared. */
static void see(struct dialogue *dialogue, const char *expected)
{
    char seen[8192];
    size_t size = strlen(expected), have = 0;
    assert_true(size < sizeof seen);
    while (have < size) {
        struct pollfd ready = {.fd = dialogue->screen, .events = POLLIN};
        if (poll(&ready, 1, WAIT_SECONDS * 1000) <= 0)
            break;
        ssize_t got = read(dialogue->screen, seen + have, size - have);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    seen[have] = '\0';
    assert_string_equal(seen, expected);
}

static void see_nothing_more(struct dialogue *dialogue)
{
    struct pollfd ready = {.fd = dialogue->screen, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
}

static void have_results(const struct dialogue *dialogue, const char *expected)
{
    struct text results = file_text(dialogue->play.results_fd);
    assert_string_equal(results.bytes, expected);
    text_clear(&results);
}

static void dialogue_end(struct dialogue *dialogue, enum consumer_end_reason end_reason,
                         const char *results)
{
    play_join(&dialogue->play);
    /* The stop of the consumer's exit may end the wait for the release of the last slot. */
    if (end_reason != CONSUMER_CLOSED || dialogue->play.produced != SHMSUM_STOPPED)
        assert_int_equal(dialogue->play.produced, 0);
    assert_int_equal(dialogue->play.consumed, 0);
    assert_int_equal(dialogue->play.end_reason, end_reason);
    see_nothing_more(dialogue);
    have_results(dialogue, results);
    if (dialogue->keyboard >= 0)
        close(dialogue->keyboard);
    close(dialogue->screen);
    close(dialogue->play.inputs[0]);
    close(dialogue->play.terminal);
    play_clean_up(&dialogue->play);
}

static void hang_up(struct dialogue *dialogue)
{
    close(dialogue->keyboard);
    dialogue->keyboard = -1;
}

static const struct shmsum_geometry dialogue_geometries[] = {{1, 1}, {1, 64}, {2, 3}, {8, 4096}};
enum { DIALOGUE_GEOMETRIES = sizeof dialogue_geometries / sizeof dialogue_geometries[0] };

static void test_dialogue(void **state)
{
    (void)state;
    static struct dialogue dialogue;
    for (size_t i = 0; i < DIALOGUE_GEOMETRIES; i++) {
        dialogue_start(&dialogue, dialogue_geometries[i].slots,
                       dialogue_geometries[i].payload_bytes);
        see(&dialogue, "> ");
        type(&dialogue, "1 2 3\n");
        see(&dialogue, "= 6\n> ");
        have_results(&dialogue, "6\n"); /* written before the next prompt */
        type(&dialogue, "0.1 0.2\r\n");
        see(&dialogue, "= 0.3\n> ");
        type(&dialogue, "1\n2\n3\n"); /* pasted lines are answered one by one */
        see(&dialogue, "= 1\n> = 2\n> = 3\n> ");
        have_results(&dialogue, "6\n0.3\n1\n2\n3\n");
        type(&dialogue, "4 ");
        room_pause_us(2000);
        see_nothing_more(&dialogue); /* no prompt inside a line */
        type(&dialogue, "5\n6");
        see(&dialogue, "= 9\n> ");
        type(&dialogue, "\n");
        see(&dialogue, "= 6\n> ");
        type(&dialogue, "1 two 3\n");
        see(&dialogue, "one:8:3: error: \"two\" is not a number\n    1 two 3\n      ^~~\n> ");
        type(&dialogue, "\n");
        dialogue_end(&dialogue, CONSUMER_CLOSED,
                     "6\n0.3\n1\n2\n3\n9\n6\nerror: column 3: \"two\" is not a number\n");
        assert_false(dialogue.play.consumer.unread);
    }
}

static void test_dialogue_ends_with_the_input(void **state)
{
    (void)state;
    static struct dialogue dialogue;
    for (size_t i = 0; i < DIALOGUE_GEOMETRIES; i++) {
        dialogue_start(&dialogue, dialogue_geometries[i].slots,
                       dialogue_geometries[i].payload_bytes);
        see(&dialogue, "> ");
        type(&dialogue, "1 2\n");
        see(&dialogue, "= 3\n> ");
        hang_up(&dialogue);
        see(&dialogue, "\n"); /* leaves the line of the prompt */
        dialogue_end(&dialogue, CONSUMER_COMPLETE, "3\n");

        dialogue_start(&dialogue, dialogue_geometries[i].slots,
                       dialogue_geometries[i].payload_bytes);
        see(&dialogue, "> ");
        type(&dialogue, "1 2");
        hang_up(&dialogue);
        see(&dialogue, "\n= 3\n");
        dialogue_end(&dialogue, CONSUMER_COMPLETE, "3\n");
    }
}

/* Lines longer than a slot, and longer than the input buffer. */
static void test_dialogue_of_long_lines(void **state)
{
    (void)state;
    static struct dialogue dialogue;
    static char line[20001];
    for (size_t i = 1; i < DIALOGUE_GEOMETRIES; i++) {
        dialogue_start(&dialogue, dialogue_geometries[i].slots,
                       dialogue_geometries[i].payload_bytes);
        see(&dialogue, "> ");
        static const size_t sizes[] = {2, 4094, 4096, 4098, 20000};
        struct text results = {0};
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            for (size_t k = 0; k < sizes[j]; k += 2)
                memcpy(line + k, "1 ", 2);
            line[sizes[j] - 1] = '\n';
            line[sizes[j]] = '\0';
            type(&dialogue, line);
            char answer[32];
            int size = snprintf(answer, sizeof answer, "= %zu\n> ", sizes[j] / 2);
            see(&dialogue, answer);
            text_add(&results, answer + 2, (size_t)size - 4);
        }
        hang_up(&dialogue);
        see(&dialogue, "\n"); /* leaves the line of the prompt */
        dialogue_end(&dialogue, CONSUMER_COMPLETE, results.bytes);
        text_clear(&results);
    }
}

/* Without answers there are prompts only. */
static void test_dialogue_from_a_file(void **state)
{
    (void)state;
    static struct play play;
    play_init(&play, 2, 4);
    play.inputs[0] = temporary_file();
    static const char input[] = "1 2 3 4\n5 6\nx\n7";
    file_set(play.inputs[0], input, sizeof input - 1);
    play.is_dialogue = true;
    play.config.dialogue = true;
    play.terminal = temporary_file();
    play.config.messages = temporary_file();
    play_start(&play);
    play_join(&play);
    assert_int_equal(play.produced, 0);
    assert_int_equal(play.end_reason, CONSUMER_COMPLETE);
    struct text results = file_text(play.results_fd);
    assert_string_equal(results.bytes, "10\n11\nerror: column 1: \"x\" is not a number\n7\n");
    struct text prompts = file_text(play.terminal);
    assert_string_equal(prompts.bytes, "> > > > \n");
    text_clear(&prompts);
    text_clear(&results);
    close(play.terminal);
    close(play.config.messages);
    close(play.inputs[0]);
    play_clean_up(&play);
}

/* ---- stops ---- */

static struct play *stopped_play;

static void on_signal(int signal)
{
    (void)signal;
    int saved = errno;
    shmsum_stop_raise(&stopped_play->os.table, &stopped_play->room.stops[0], SHMSUM_STOP_INPUT);
    errno = saved;
}

static void handle_signal(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

/* The producer waits for input that never comes, and a signal at any time stops it. What was
 * published is summed, and the unfinished line is dropped. */
static void test_signal_while_waiting_for_input(void **state)
{
    (void)state;
    uint64_t random = seed + 1;
    static struct play play;
    stopped_play = &play;
    handle_signal();
    for (uint32_t i = 0; i < 200; i++) {
        play_init(&play, 2, 8);
        int pipes[2], terminal[2];
        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(pipe(terminal), 0);
        assert_int_equal(write(pipes[1], "1 2\n3 4\n5 6", 11), 11);
        play.inputs[0] = pipes[0];
        play.is_dialogue = play.config.dialogue = i % 2 == 0;
        play.terminal = terminal[1];
        play_start(&play);
        bool late = i % 4 < 2;
        if (late) /* by now it waits, or is about to */
            wait_for_text(play.results_fd, "3\n7\n");
        room_pause_us(room_below(&random, 200));
        assert_int_equal(pthread_kill(play.producer_thread, SIGUSR1), 0);
        play_join(&play);
        assert_int_equal(play.produced, SHMSUM_STOPPED);
        assert_int_equal(play.consumed, 0);
        assert_int_equal(play.end_reason, CONSUMER_CUT);
        struct text results = file_text(play.results_fd);
        assert_true(strncmp("3\n7\n", results.bytes, results.size) == 0);
        assert_int_equal(results.size % 2, 0);
        if (late)
            assert_int_equal(results.size, 4);
        text_clear(&results);
        close_pipe(pipes);
        close_pipe(terminal);
        play_clean_up(&play);
    }
}

/* The same at the two narrowest moments: just before signals are blocked, and just before the wait
 * that unblocks them. */
static int (*real_set_mask)(const struct shmsum_os *os, int how, const sigset_t *mask,
                            sigset_t *old);
static int (*real_poll)(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                        const sigset_t *mask);
static int polls;

static int signal_then_set_mask(const struct shmsum_os *os, int how, const sigset_t *mask,
                                sigset_t *old)
{
    if (old != NULL)
        pthread_kill(pthread_self(), SIGUSR1);
    return real_set_mask(os, how, mask, old);
}

static int signal_then_poll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                            const sigset_t *mask)
{
    polls++;
    pthread_kill(pthread_self(), SIGUSR1);
    return real_poll(os, fds, count, mask);
}

static void test_signal_just_before_the_wait(void **state)
{
    (void)state;
    static struct play play;
    stopped_play = &play;
    handle_signal();
    for (int before_mask = 0; before_mask < 2; before_mask++) {
        play_init(&play, 2, 8);
        polls = 0;
        real_set_mask = play.os.table.sigprocmask;
        real_poll = play.os.table.ppoll;
        if (before_mask)
            play.os.table.sigprocmask = signal_then_set_mask;
        play.os.table.ppoll = signal_then_poll;
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        play.inputs[0] = pipes[0];
        play_start(&play);
        play_join(&play);
        assert_int_equal(play.produced, SHMSUM_STOPPED);
        assert_int_equal(play.end_reason, CONSUMER_CUT);
        assert_int_equal(polls, before_mask ? 0 : 1);
        close_pipe(pipes);
        play_clean_up(&play);
    }
}

/* A signal without a meaning. */
static void on_other_signal(int signal)
{
    (void)signal;
}

static void test_other_signals_stop_nothing(void **state)
{
    (void)state;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_other_signal;
    assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
    uint64_t random = seed + 2;
    static struct play play;
    play_init(&play, 2, 8);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    play.inputs[0] = pipes[0];
    play_start(&play);
    struct text expected = {0};
    for (int i = 0; i < 300; i++) {
        pthread_kill(play.producer_thread, SIGUSR2);
        pthread_kill(play.consumer_thread, SIGUSR2);
        room_pause_us(room_below(&random, 50));
        assert_int_equal(write(pipes[1], "1 2\n", 4), 4);
        text_add(&expected, "3\n", 2);
    }
    close(pipes[1]);
    play_join(&play);
    assert_int_equal(play.produced, 0);
    assert_int_equal(play.consumed, 0);
    struct text results = file_text(play.results_fd);
    assert_text(&results, &expected);
    text_clear(&results);
    text_clear(&expected);
    close(pipes[0]);
    play_clean_up(&play);
}

/* Reading a file never waits, but a stop ends it, too. */
static ssize_t (*real_read)(const struct shmsum_os *os, int fd, void *bytes, size_t size);
static int reads, stop_at_read;

static ssize_t read_then_stop(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    if (++reads == stop_at_read)
        shmsum_stop_raise(os, &stopped_play->room.stops[0], SHMSUM_STOP_INPUT);
    return real_read(os, fd, bytes, size);
}

static void test_stop_while_reading_a_file(void **state)
{
    (void)state;
    static struct play play;
    stopped_play = &play;
    play_init(&play, 8, 4);
    reads = 0;
    stop_at_read = 3;
    real_read = play.os.table.read;
    play.os.table.read = read_then_stop;
    play.inputs[0] = temporary_file();
    file_set(play.inputs[0], "1 2\n3 4\n5 6\n7 8\n", 16);
    play_start(&play);
    play_join(&play);
    assert_int_equal(play.produced, SHMSUM_STOPPED);
    assert_int_equal(play.end_reason, CONSUMER_CUT);
    assert_int_equal(reads, 3);
    struct text results = file_text(play.results_fd);
    assert_string_equal(results.bytes, "3\n7\n11\n");
    text_clear(&results);
    close(play.inputs[0]);
    play_clean_up(&play);
}

/* In a dialogue one read may give many lines. A stop during that read drops none of them, only the
 * line that is not whole. */
static void test_stop_after_reading_many_lines(void **state)
{
    (void)state;
    for (uint32_t payload_bytes = 1; payload_bytes <= 16; payload_bytes += 5) {
        static struct play play;
        stopped_play = &play;
        play_init(&play, 2, payload_bytes);
        reads = 0;
        stop_at_read = 1;
        real_read = play.os.table.read;
        play.os.table.read = read_then_stop;
        int pipes[2], terminal[2];
        assert_int_equal(pipe(pipes), 0);
        assert_int_equal(pipe(terminal), 0);
        assert_int_equal(write(pipes[1], "1 2\n3 4\n5 6\n7", 13), 13);
        play.inputs[0] = pipes[0];
        play.is_dialogue = play.config.dialogue = true;
        play.terminal = terminal[1];
        play_start(&play);
        play_join(&play);
        assert_int_equal(play.produced, SHMSUM_STOPPED);
        assert_int_equal(play.consumed, 0);
        assert_int_equal(play.end_reason, CONSUMER_CUT);
        assert_int_equal(reads, 1);
        struct text results = file_text(play.results_fd);
        assert_string_equal(results.bytes, "3\n7\n11\n");
        text_clear(&results);
        close_pipe(pipes);
        close_pipe(terminal);
        play_clean_up(&play);
    }
}

/* ---- the producer dies ---- */

static void test_orphaned_consumer(void **state)
{
    (void)state;
    uint64_t random = seed + 3;
    static struct play play;
    for (uint32_t i = 0; i < 200; i++) {
        play_init(&play, 1 + room_below(&random, 8), 1 + room_below(&random, 20));
        if (i % 2 == 0)
            play.room.producer.spins = play.room.consumer.spins = 0;
        size_t size = room_below(&random, 200);
        char *bytes = random_input(&random, size);
        struct answer answer = {0};
        text_add(&answer.results, NULL, 0);
        answer_input(&answer, bytes, size, BLANK_LINES_SKIP, false);
        play.inputs[0] = temporary_file();
        file_set(play.inputs[0], bytes, size);
        play.config.blank_lines = BLANK_LINES_SKIP;
        play.dies = true;
        play_start(&play);
        play_join(&play);
        assert_int_equal(play.consumed, 0);
        assert_int_equal(play.end_reason, CONSUMER_ORPHANED);
        struct text results = file_text(play.results_fd);
        assert_text(&results, &answer.results);
        text_clear(&results);
        text_clear(&answer.results);
        free(bytes);
        close(play.inputs[0]);
        play_clean_up(&play);
    }
}

/* ---- failed calls ---- */

static int fail_at;

static ssize_t read_fails(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    return ++reads == fail_at ? -EIO : real_read(os, fd, bytes, size);
}

static void test_read_error(void **state)
{
    (void)state;
    static struct play play;
    for (int kind = 0; kind < 4; kind++) {
        for (fail_at = 1; fail_at <= 4; fail_at++) {
            bool from_pipe = kind % 2 == 1;
            play_init(&play, 2, 4);
            reads = 0;
            real_read = play.os.table.read;
            play.os.table.read = read_fails;
            play.is_dialogue = play.config.dialogue = kind >= 2;
            int pipes[2] = {-1, -1};
            if (from_pipe) {
                assert_int_equal(pipe(pipes), 0);
                assert_int_equal(write(pipes[1], "1 2\n3 4\n5 6\n", 12), 12);
                close(pipes[1]);
                play.inputs[0] = pipes[0];
            } else {
                play.inputs[0] = temporary_file();
                file_set(play.inputs[0], "1 2\n3 4\n5 6\n", 12);
            }
            play.terminal = temporary_file();
            play_start(&play);
            play_join(&play);
            /* the dialogue reads the whole input at once, and then its end */
            bool fails = !play.is_dialogue || fail_at <= 2;
            assert_int_equal(play.produced, fails ? -EIO : 0);
            if (fails)
                assert_failure(&play.producer_why, "read", "one", EIO);
            assert_int_equal(play.consumed, 0);
            assert_int_equal(play.end_reason, fails ? CONSUMER_CUT : CONSUMER_COMPLETE);
            static const char whole[] = "3\n7\n11\n";
            static const size_t prefixes[] = {0, 2, 4, 7};
            struct text results = file_text(play.results_fd);
            size_t prefix = play.is_dialogue ? (fail_at == 1 ? 0 : 7) : prefixes[fail_at - 1];
            assert_int_equal(results.size, prefix);
            assert_memory_equal(results.bytes, whole, prefix);
            text_clear(&results);
            close(play.terminal);
            close(play.inputs[0]);
            play_clean_up(&play);
        }
    }
}

static ssize_t read_stutters(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    if (++reads % 2 == 1)
        return reads % 4 == 1 ? -EINTR : real_read(os, fd, bytes, 1);
    return real_read(os, fd, bytes, size);
}

static int poll_stutters(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                         const sigset_t *mask)
{
    return ++polls % 2 == 1 ? -EINTR : real_poll(os, fds, count, mask);
}

static void test_interrupted_and_short_reads(void **state)
{
    (void)state;
    static const struct input input = INPUT("1 2\n3 4\n5 6\n-7 8\n");
    static struct play play;
    for (int from_pipe = 0; from_pipe < 2; from_pipe++) {
        play_init(&play, 2, 5);
        struct answer answer = {0};
        answer_input(&answer, input.bytes, input.size, BLANK_LINES_END, true);
        reads = polls = 0;
        real_read = play.os.table.read;
        real_poll = play.os.table.ppoll;
        play.os.table.read = read_stutters;
        play.os.table.ppoll = poll_stutters;
        int pipes[2] = {-1, -1};
        if (from_pipe) {
            assert_int_equal(pipe(pipes), 0);
            assert_int_equal(write(pipes[1], input.bytes, input.size), (ssize_t)input.size);
            close(pipes[1]);
            play.inputs[0] = pipes[0];
        } else {
            play.inputs[0] = temporary_file();
            file_set(play.inputs[0], input.bytes, input.size);
        }
        play_start(&play);
        play_join(&play);
        assert_answer(&play, &answer);
        text_clear(&answer.results);
        close(play.inputs[0]);
        play_clean_up(&play);
    }
}

static int poll_fails(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                      const sigset_t *mask)
{
    (void)os, (void)fds, (void)count, (void)mask;
    return -ENOMEM;
}

static int fstat_fails(const struct shmsum_os *os, int fd, struct stat *status)
{
    (void)os, (void)fd, (void)status;
    return -EOVERFLOW;
}

static void test_other_failed_calls_of_the_producer(void **state)
{
    (void)state;
    static struct play play;
    for (int dialogue = 0; dialogue < 2; dialogue++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        play_init(&play, 1, 8);
        play_prepare(&play);
        play.inputs[0] = pipes[0];
        play.terminal = pipes[1];
        play.is_dialogue = dialogue == 1;
        play.os.table.ppoll = poll_fails;
        assert_int_equal(send_all(&play), -ENOMEM);
        assert_failure(&play.producer_why, "ppoll", "one", ENOMEM);
        /* the signal mask is unchanged */
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        assert_int_equal(sigismember(&mask, SIGUSR1), 0);
        play.os.table.fstat = fstat_fails;
        assert_int_equal(send_all(&play), -EOVERFLOW);
        assert_failure(&play.producer_why, "fstat", "one", EOVERFLOW);
        play_clean_up(&play);
        close_pipe(pipes);
    }
    int folder = open("/", O_RDONLY);
    assert_true(folder >= 0);
    play_init(&play, 1, 8);
    play_prepare(&play);
    play.inputs[0] = folder;
    assert_int_equal(send_all(&play), -EISDIR);
    assert_failure(&play.producer_why, "read", "one", EISDIR);
    play_clean_up(&play);
    close(folder);
}

static ssize_t write_fails(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os, (void)fd, (void)bytes, (void)size;
    return -ENOSPC;
}

/* The consumer exits. The stop ends the wait of the producer, which may sleep at a full ring. */
static void test_write_error(void **state)
{
    (void)state;
    static char input[60000];
    for (size_t i = 0; i < sizeof input; i += 2)
        memcpy(input + i, "1\n", 2);
    static struct play play;
    for (int dialogue = 0; dialogue < 2; dialogue++) {
        play_init(&play, 2, 16);
        play.os.table.write = write_fails;
        play.config.dialogue = dialogue == 1;
        play.inputs[0] = temporary_file();
        file_set(play.inputs[0], input, sizeof input);
        play_start(&play);
        play_join(&play);
        assert_int_equal(play.consumed, -ENOSPC);
        assert_failure(&play.consumer_why, "write", "results", ENOSPC);
        assert_int_equal(counter(&play, COUNTER_RESULT_LINES), 0);
        assert_int_equal(play.produced, SHMSUM_STOPPED);
        close(play.inputs[0]);
        play_clean_up(&play);
    }
}

/* why may be NULL. */
static void test_failures_without_why(void **state)
{
    (void)state;
    static char input[30000];
    for (size_t i = 0; i < sizeof input; i += 2)
        memcpy(input + i, "1\n", 2);
    static struct play play;
    play_init(&play, 1, sizeof input);
    play.os.table.write = write_fails;
    play_prepare(&play);
    uint8_t *payload;
    assert_int_equal(shmsum_channel_acquire(&play.room.producer, &payload, NULL), 0);
    memcpy(payload, input, sizeof input);
    shmsum_channel_publish(&play.room.producer, sizeof input, 0);
    assert_int_equal(consumer_run(&play.consumer, &play.end_reason, NULL), -ENOSPC);
    play_clean_up(&play);
}

static void test_sync(void **state)
{
    (void)state;
    static struct play play;
    play_init(&play, 2, 8);
    play.config.sync = true;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    close(play.results_fd);
    play.results_fd = pipes[1]; /* a pipe cannot be synced */
    play.inputs[0] = temporary_file();
    file_set(play.inputs[0], "1 2\n", 4);
    play_start(&play);
    play_join(&play);
    assert_int_equal(play.consumed, -EINVAL);
    assert_failure(&play.consumer_why, "fsync", "results", EINVAL);
    char got[4];
    assert_int_equal(read(pipes[0], got, sizeof got), 2);
    assert_memory_equal(got, "3\n", 2);
    close(pipes[0]);
    close(play.inputs[0]);
    play_clean_up(&play);
}

int main(void)
{
    room_deadline(110);
    signal(SIGPIPE, SIG_IGN);
    seed = room_seed();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_input_cut_at_every_size),
        cmocka_unit_test(test_answers_by_hand),
        cmocka_unit_test(test_random_inputs_from_file_and_pipe),
        cmocka_unit_test(test_several_inputs),
        cmocka_unit_test(test_blank_line_before_the_next_input),
        cmocka_unit_test(test_bad_sources),
        cmocka_unit_test(test_error_messages_are_limited),
        cmocka_unit_test(test_results_are_written_while_the_input_pauses),
        cmocka_unit_test(test_dialogue),
        cmocka_unit_test(test_dialogue_ends_with_the_input),
        cmocka_unit_test(test_dialogue_of_long_lines),
        cmocka_unit_test(test_dialogue_from_a_file),
        cmocka_unit_test(test_signal_while_waiting_for_input),
        cmocka_unit_test(test_signal_just_before_the_wait),
        cmocka_unit_test(test_other_signals_stop_nothing),
        cmocka_unit_test(test_stop_while_reading_a_file),
        cmocka_unit_test(test_stop_after_reading_many_lines),
        cmocka_unit_test(test_orphaned_consumer),
        cmocka_unit_test(test_read_error),
        cmocka_unit_test(test_interrupted_and_short_reads),
        cmocka_unit_test(test_other_failed_calls_of_the_producer),
        cmocka_unit_test(test_write_error),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_failures_without_why),
    };
    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
