/* test_progress.c - the progress line: its text, and when it is drawn. */
#include "watchers/progress.h"
#include "messages/text_buffer.h"

#include "unit.h"

enum { SECOND = 1000000000 };

static void test_text(void **state)
{
    (void)state;
    static const struct {
        uint64_t done, total, elapsed_ns;
        const char *text;
    } cases[] = {
        {0, 0, 0, "0 B, 0 B/s"},
        {0, 100, 0, "0 % of 100 B, 0 B/s"},
        {0, 100, SECOND, "0 % of 100 B, 0 B/s"},
        {50, 100, SECOND, "50 % of 100 B, 50 B/s, 0:01 left"},
        {100, 100, SECOND, "100 % of 100 B, 100 B/s, 0:00 left"},
        {999, 1000, SECOND, "99 % of 1.0 kB, 999 B/s, 0:01 left"},
        {101, 100, SECOND, "101 B, 101 B/s"}, /* the inputs have grown */
        {999, 0, SECOND, "999 B, 999 B/s"},
        {9949, 0, SECOND, "9.9 kB, 9.9 kB/s"},
        {9950, 0, SECOND, "10 kB, 10 kB/s"},
        {999499, 0, SECOND, "999 kB, 999 kB/s"},
        {999500, 0, SECOND, "1.0 MB, 1.0 MB/s"},
        {UINT64_MAX, 0, SECOND, "18 EB, 18 EB/s"},
        {UINT64_C(1300000000), UINT64_C(3200000000), SECOND + SECOND / 2,
         "40 % of 3.2 GB, 867 MB/s, 0:03 left"},
        {1, 3600, SECOND, "0 % of 3.6 kB, 1 B/s, 59:59 left"},
        {1, 3601, SECOND, "0 % of 3.6 kB, 1 B/s, 1:00:00 left"},
        {1, 360000, SECOND, "0 % of 360 kB, 1 B/s, 99:59:59 left"},
        {1, 360002, SECOND, "0 % of 360 kB, 1 B/s"}, /* a hundred hours */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char bytes[80];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        progress_text(&text, cases[i].done, cases[i].total, cases[i].elapsed_ns);
        assert_string_equal(text.bytes, cases[i].text);
    }
    static const uint64_t extremes[] = {0, 1, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT(extremes) * COUNT(extremes) * COUNT(extremes); i++) {
        char bytes[80];
        struct text_buffer text = text_in(bytes, sizeof bytes);
        progress_text(&text, extremes[i % 4], extremes[i / 4 % 4], extremes[i / 16]);
        assert_false(text.cut);
    }
}

/* A system whose clock the test sets, and whose terminal it reads. */
static uint64_t now_ns;
static char shown[1024];

static uint64_t read_clock(const struct shmsum_os *os)
{
    (void)os;
    return now_ns;
}

static ssize_t show(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os;
    assert_int_equal(fd, STDERR_FILENO);
    strncat(shown, bytes, size);
    return (ssize_t)size;
}

static const struct shmsum_os terminal = {.clock_ns = read_clock, .write = show};

static void check_shown(const char *expected)
{
    assert_string_equal(shown, expected);
    shown[0] = '\0';
}

/* The producer has published `total` bytes. */
static void publish(struct progress *progress, uint64_t total)
{
    const struct observer_event event = {
        .kind = OBSERVER_SLOT_PUBLISHED,
        .time_ns = now_ns,
        .total = total,
    };
    progress->observer.notify(&progress->observer, &event);
}

static void test_drawing(void **state)
{
    (void)state;
    struct progress progress;
    now_ns = 5 * (uint64_t)SECOND;
    progress_begin(&progress, &terminal, 1000, 1000);
    publish(&progress, 1);
    now_ns += SECOND - 1;
    publish(&progress, 100);
    check_shown("");
    now_ns += 1;
    publish(&progress, 200);
    check_shown("\r\033[K20 % of 1.0 kB, 200 B/s, 0:04 left");
    now_ns += SECOND / 10 - 1;
    publish(&progress, 300); /* not more than ten times a second */
    check_shown("");
    now_ns += 1;
    publish(&progress, 330);
    check_shown("\r\033[K33 % of 1.0 kB, 300 B/s, 0:03 left");
    now_ns += SECOND;
    const struct observer_event end = {.kind = OBSERVER_END_PUBLISHED, .time_ns = now_ns};
    progress.observer.notify(&progress.observer, &end);
    check_shown(""); /* END is not one more slot */
    progress_end(&progress);
    check_shown("\r\033[K");
    progress_end(&progress);
    check_shown("");
}

static void test_short_run(void **state)
{
    (void)state;
    struct progress progress;
    progress_begin(&progress, &terminal, 1000, 1000);
    publish(&progress, 1000);
    progress_end(&progress);
    check_shown(""); /* nothing was drawn, so nothing is erased */
    progress_begin(&progress, &terminal, 0, 0);
    publish(&progress, 1000);
    progress_end(&progress);
    check_shown("\r\033[K1.0 kB, 0 B/s\r\033[K");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_drawing),
        cmocka_unit_test(test_short_run),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
