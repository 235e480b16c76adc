/* test_signals.c - after a signal to stop, SIGALRM interrupts the process again and again. */
#include <signal.h>

#include "parent/signals.h"

#include "unit.h"

static volatile unsigned asked_ms; /* the last request for a timer, by a handler; 0: none */

static int note_timer(const struct shmsum_os *os, unsigned milliseconds)
{
    (void)os;
    asked_ms = milliseconds;
    return 0;
}

/* What the next tick asks for. */
static unsigned tick(void)
{
    asked_ms = 0;
    raise(SIGALRM);
    return asked_ms;
}

static void test_ticks(void **state)
{
    (void)state;
    struct shmsum_os os = *shmsum_os_default();
    os.setitimer = note_timer;
    /* The caller has blocked SIGALRM: it is unblocked, and does nothing. */
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGALRM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
    assert_int_equal(signals_catch(&os, NULL), 0);
    assert_int_equal(tick(), 0);

    /* After one signal the intervals double: a slow call that starts again succeeds in the end. */
    raise(SIGINT);
    assert_int_equal(signals_first(), SIGINT);
    unsigned first = asked_ms;
    assert_true(first > 0 && first <= 20);
    assert_int_equal(tick(), 2 * first);
    assert_int_equal(tick(), 4 * first);

    /* After two they are short. */
    raise(SIGTERM);
    assert_int_equal(asked_ms, first);
    assert_int_equal(tick(), first);
    assert_int_equal(tick(), first);
    assert_int_equal(signals_first(), SIGINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ticks)};
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
