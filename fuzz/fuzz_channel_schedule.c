/*
 * fuzz_channel_schedule.c - orders of steps, signals and deaths of the two roles.
 *
 * Property: in every order of the steps of the two sides, with a signal or a death between any two
 * of them, every byte that was published before END arrives once and in order, or the survivor
 * reports a failure; and no side waits forever.
 *
 * In detail, for every input:
 *   - the consumer copies out exactly the bytes of the input, from the first byte on and in order;
 *   - the results file has the results of a prefix of the input, in whole lines. If the consumer
 *     exits by itself the prefix is what it took: COMPLETE all input; CUT, ORPHANED all that was
 *     published; CLOSED up to the blank line. If it was killed, salvaging the file gives a prefix;
 *   - in the dialogue, a prompt comes only after all earlier lines have their results;
 *   - a side reports a failure only if one was injected; SHMSUM_STOPPED only with a stop bit set;
 * never SHMSUM_BROKEN, because both sides keep the protocol;
 *   - both sides asleep is a finding, and so is one asleep after it was notified of the other's
 *     death: nobody would wake it. A sleeper whose word has changed without a wake is a finding
 * also if a time limit would end its sleep. So is a run without an end.
 *
 * Both sides are the real roles. Each is a coroutine with its own stack, in one thread, and can be
 * interrupted before each access to shared memory (DOC: shared-word-hooks) and in each system call.
 * The futex is modelled exactly. Memory is sequentially consistent here; Relacy checks weak orders.
 *
 * Input: bytes of setting (read_setting), a byte with the length of the text, the text, and the
 * schedule, a byte for each move (move). After the end of the schedule both sides take turns.
 */
#include <errno.h>
#include <fcntl.h>
#include <ucontext.h>

#include "expected_results.h"
#include "fuzz.h"
#include "memory_os.h"
#include "roles/producer.h"
#include "channel/shared_word.h"

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#elif defined __SANITIZE_ADDRESS__
#define HAS_ASAN
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum {
    STACK_BYTES = 256 * 1024,
    SLOTS_MAX = 4,
    PAYLOAD_MAX = 64,
    STEPS_MAX = 200000,
    IDLE_MAX = 6, /* rounds in which time limits expire and nothing else happens */
    QUANTUM = 48,
    RESULTS_BUFFER = 2 * (RESULT_LINE_TEXT_MAX + 2),

    MESSAGES_FD = 2,
    RESULTS_FD = 4,
    INPUTS_FD = 10,
};

enum state {
    RUNS,
    SLEEPS,   /* in a futex call */
    POLLS,    /* for input */
    AWAITS,   /* sleeps until the other side has exited */
    FINISHED, /* by itself */
    KILLED,
};

struct side {
    ucontext_t context;
    void *fake_stack;
    uint8_t *stack;
    enum state state;
    uint32_t budget; /* steps until the scheduler runs */

    const void *word, *stop_word; /* the words that it sleeps on */
    uint32_t expected;
    bool timed;
    int result; /* of the call that it sleeps in */

    struct shmsum_word stop;
    uint32_t pending; /* stop bits of pending signals */
    bool masked;
    bool notice; /* the signal of the other side's death is not sent yet */

    int futex_error;   /* positive errno for its next futex wait, 0: none */
    bool futex_failed; /* a futex wait has failed for good */
    struct shmsum_channel channel;
    struct shmsum_failure why;
    int outcome;
};

static struct {
    /* setting */
    struct shmsum_geometry geometry;
    bool dialogue, other_thread, no_wait_two, regular_input, regular_results;
    size_t read_max, write_max;
    struct expected_input input;
    struct consumer_config config;

    struct memory_os world;
    struct shmsum_os os;
    struct shmsum_region region;
    struct side producer_side, consumer_side;
    struct side *current; /* NULL: the scheduler or a signal handler runs */
    ucontext_t scheduler;
    void *scheduler_fake_stack;
    const void *scheduler_stack;
    size_t scheduler_stack_bytes;
    uint32_t steps;

    struct producer producer;
    int ended;   /* result of shmsum_channel_end; 1: not called */
    bool paused; /* there is no input for now */
    int read_error;
    bool read_failed;
    int write_error;
    bool write_failed;
    bool killed_by_producer;

    struct consumer consumer;
    struct shmsum_results results;
    enum consumer_end_reason end_reason;
    size_t taken;
    int results_file;
} run;

static _Alignas(64) uint8_t stacks[2][STACK_BYTES];
static _Alignas(SHMSUM_REGION_LINE)
    uint8_t memory[SHMSUM_REGION_HEADER_BYTES + SLOTS_MAX * 2 * SHMSUM_REGION_LINE];
static uint8_t block[PAYLOAD_MAX];
static char results_buffer[RESULTS_BUFFER];

static bool is_gone(const struct side *side)
{
    return side->state == FINISHED || side->state == KILLED;
}

static struct side *other(const struct side *side)
{
    return side == &run.producer_side ? &run.consumer_side : &run.producer_side;
}

/* ---- coroutines ---- */

static void leave(struct side *side)
{
    run.current = NULL;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(is_gone(side) ? NULL : &side->fake_stack, run.scheduler_stack,
                                   run.scheduler_stack_bytes);
#endif
    swapcontext(&side->context, &run.scheduler);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(side->fake_stack, NULL, NULL);
#endif
    run.current = side;
}

static void enter(struct side *side, uint32_t steps)
{
    side->budget = steps;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&run.scheduler_fake_stack, side->stack, STACK_BYTES);
#endif
    swapcontext(&run.scheduler, &side->context);
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(run.scheduler_fake_stack, NULL, NULL);
#endif
}

/* A point at which the other side may take its steps. */
static void step(void)
{
    struct side *side = run.current;
    if (side == NULL)
        return;
    FUZZ_CHECK(++run.steps < STEPS_MAX);
    if (side->budget > 0)
        side->budget--;
    if (side->budget == 0)
        leave(side);
}

void shared_word_step(void)
{
    step();
}

uint32_t shared_word_read(uint32_t value)
{
    return value;
}

uint64_t shared_wide_read(uint64_t value)
{
    return value;
}

void shared_word_copied(void *bytes, size_t size)
{
    if (run.current != &run.consumer_side)
        return;
    FUZZ_CHECK(run.taken + size <= run.input.size);
    FUZZ_CHECK(memcmp(bytes, run.input.text + run.taken, size) == 0);
    run.taken += size;
}

/* The current side sleeps. Returns the result of the call, after awaken(). */
static int sleep_in(enum state state)
{
    struct side *side = run.current;
    side->state = state;
    side->result = 0;
    leave(side);
    FUZZ_CHECK(side->state == RUNS);
    return side->result;
}

static void awaken(struct side *side, int result)
{
    side->state = RUNS;
    side->result = result;
}

/* ---- signals ---- */

/* Delivers the pending signals: runs their handler. */
static void deliver(struct side *side)
{
    if (side->pending == 0 || side->masked || is_gone(side))
        return;
    struct side *interrupted = run.current;
    run.current = NULL; /* the handler runs to its end: signals are blocked in it */
    uint32_t bits = side->pending;
    side->pending = 0;
    shmsum_stop_raise(&run.os, &side->stop, bits);
    run.current = interrupted;
    if (side->state == POLLS || (side->state == SLEEPS && !run.other_thread))
        awaken(side, -EINTR);
}

static void signal_side(struct side *side, uint32_t bits)
{
    side->pending |= bits;
    deliver(side);
}

/* The system sends the signal of the other side's death. */
static void notify(struct side *side)
{
    if (side->notice && !is_gone(side)) {
        side->notice = false;
        signal_side(side, SHMSUM_STOP_PEER);
    }
}

static void be_gone(struct side *side, enum state state)
{
    if (is_gone(side))
        return;
    side->state = state;
    if (other(side)->state == AWAITS)
        awaken(other(side), 0);
    else
        other(side)->notice = true;
}

/* ---- system calls ---- */

static bool is_still(const void *word, uint32_t expected)
{
    const struct shmsum_word *shared = word;
    return atomic_load_explicit(&shared->value, memory_order_relaxed) == expected;
}

static int take_futex_error(struct side *side)
{
    int error = side->futex_error;
    side->futex_error = 0;
    if (error == EINVAL)
        side->futex_failed = true;
    return -error;
}

static int schedule_wait_two(const struct shmsum_os *os, const void *word, uint32_t expected,
                             const void *stop, uint32_t stop_expected)
{
    (void)os;
    step();
    struct side *side = run.current;
    if (run.no_wait_two)
        return -ENOSYS;
    if (side->futex_error != 0)
        return take_futex_error(side);
    if (!is_still(word, expected) || !is_still(stop, stop_expected))
        return -EAGAIN;
    side->word = word;
    side->expected = expected;
    side->stop_word = stop;
    side->timed = false;
    return sleep_in(SLEEPS);
}

static int schedule_wait(const struct shmsum_os *os, const void *word, uint32_t expected,
                         int timeout_ms)
{
    (void)os;
    step();
    struct side *side = run.current;
    FUZZ_CHECK(timeout_ms > 0);
    if (side->futex_error == EPERM) /* only futex_waitv may fail so */
        side->futex_error = 0;
    if (side->futex_error != 0)
        return take_futex_error(side);
    if (!is_still(word, expected))
        return -EAGAIN;
    side->word = word;
    side->expected = expected;
    side->stop_word = NULL;
    side->timed = true;
    return sleep_in(SLEEPS);
}

static int schedule_wake(const struct shmsum_os *os, const void *word)
{
    (void)os;
    step();
    struct side *const sides[] = {&run.producer_side, &run.consumer_side};
    for (int i = 0; i < 2; i++)
        if (sides[i]->state == SLEEPS && (sides[i]->word == word || sides[i]->stop_word == word))
            awaken(sides[i], 0);
    return 1;
}

static int schedule_poll(const struct shmsum_os *os, struct pollfd *fds, size_t count,
                         const sigset_t *mask)
{
    (void)os;
    step();
    struct side *side = run.current;
    FUZZ_CHECK(count == 1);
    if (fds->events != POLLIN)
        return 1;
    if (mask != NULL && side->masked) {
        bool was_pending = side->pending != 0;
        side->masked = false;
        deliver(side);
        if (was_pending) {
            side->masked = true;
            return -EINTR;
        }
    }
    int result = run.paused ? sleep_in(POLLS) : 1;
    if (mask != NULL)
        side->masked = true;
    return result;
}

static int schedule_set_mask(const struct shmsum_os *os, int how, const sigset_t *mask,
                             sigset_t *old)
{
    (void)os;
    step();
    FUZZ_CHECK(how == SIG_SETMASK);
    struct side *side = run.current;
    if (old != NULL)
        sigemptyset(old);
    side->masked = sigismember(mask, SIGINT) == 1;
    deliver(side);
    step();
    return 0;
}

static ssize_t schedule_read(const struct shmsum_os *os, int fd, void *bytes, size_t size)
{
    (void)os;
    step();
    if (run.read_error != 0) {
        int error = run.read_error;
        run.read_error = 0;
        run.read_failed |= error == EIO || (error == EAGAIN && run.regular_input);
        return -error;
    }
    return run.world.os.read(&run.world.os, fd, bytes, size < run.read_max ? size : run.read_max);
}

static void check_prompt(void);

static ssize_t schedule_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os;
    step();
    if (fd == MESSAGES_FD) {
        if (run.current == &run.producer_side && size == 2)
            check_prompt();
        return (ssize_t)size;
    }
    FUZZ_CHECK(fd == RESULTS_FD);
    if (run.write_error != 0) {
        int error = run.write_error;
        run.write_error = error == ENOSPC ? ENOSPC : 0; /* the disk stays full */
        run.write_failed |= error == ENOSPC;
        return -error;
    }
    return run.world.os.write(&run.world.os, fd, bytes,
                              size < run.write_max ? size : run.write_max);
}

/* ---- the results that are right ---- */

static const struct expected *expect(size_t size, bool finish)
{
    return expected_results(&run.input, size, finish);
}

static const char *results_text(void)
{
    const void *bytes = memory_os_bytes(run.results_file);
    return bytes;
}

static size_t results_size(void)
{
    return run.world.files[run.results_file].size;
}

static void check_results_are(const struct expected *expected)
{
    FUZZ_CHECK(results_size() == expected->size);
    FUZZ_CHECK(memcmp(results_text(), expected->text, expected->size) == 0);
}

/* The results are a prefix of the expected ones, in whole lines; `torn`: the last may be cut. */
static void check_results_begin(const struct expected *expected, bool torn)
{
    size_t size = results_size();
    FUZZ_CHECK(size <= expected->size);
    FUZZ_CHECK(memcmp(results_text(), expected->text, size) == 0);
    FUZZ_CHECK(torn || size == 0 || results_text()[size - 1] == '\n');
}

/* The producer prompts: the results of all earlier lines must be written. */
static void check_prompt(void)
{
    if (run.consumer_side.state == KILLED || run.write_failed || run.consumer_side.futex_failed)
        return;
    check_results_are(expect(run.producer.bytes, false));
}

/* ---- the two sides ---- */

static int send_inputs(void)
{
    struct side *side = &run.producer_side;
    for (uint32_t i = 0; i < run.input.sources; i++) {
        int fd = INPUTS_FD + (int)i;
        int result = run.dialogue
                         ? producer_dialogue(&run.producer, fd, "input", i, MESSAGES_FD, &side->why)
                         : producer_send(&run.producer, fd, "input", i, &side->why);
        if (result < 0)
            return result;
    }
    return 0;
}

/* Does what the parent does: hand_over and conclude of src/parent. */
static void produce(void)
{
    struct side *side = &run.producer_side;
    struct shmsum_channel *channel = &side->channel;
    int result = shmsum_channel_await_attached(channel, &side->why);
    if (result == 0) {
        result = send_inputs();
        bool leaves_by_itself = shmsum_channel_closing(channel) == SHMSUM_CLOSED ||
                                (shmsum_stop_bits(&side->stop) & SHMSUM_STOP_PEER) != 0;
        if (!leaves_by_itself) {
            enum shmsum_end_reason end_reason = result == 0 ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT;
            struct shmsum_failure later;
            run.ended = shmsum_channel_end(channel, end_reason, result == 0 ? &side->why : &later);
        }
    }
    side->outcome = result;
    bool knows_end = run.ended == 0 || shmsum_channel_closing(channel) == SHMSUM_CLOSED;
    if (!knows_end && !is_gone(&run.consumer_side)) {
        run.killed_by_producer = true;
        be_gone(&run.consumer_side, KILLED);
    }
    if (!is_gone(&run.consumer_side))
        sleep_in(AWAITS);
}

static void consume(void)
{
    struct side *side = &run.consumer_side;
    shmsum_channel_attached(&side->channel);
    side->outcome = consumer_run(&run.consumer, &run.end_reason, &side->why);
}

static void begin_side(void)
{
    struct side *side = run.current;
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(NULL, &run.scheduler_stack, &run.scheduler_stack_bytes);
#endif
    if (side == &run.producer_side)
        produce();
    else
        consume();
    be_gone(side, FINISHED);
    leave(side);
    abort();
}

static void resume(struct side *side, uint32_t steps)
{
    if (side->state != RUNS)
        return;
    run.current = side;
    enter(side, steps);
    run.current = NULL;
}

/* ---- the schedule ---- */

static void run_out_of_time(struct side *side)
{
    if (side->state == SLEEPS && side->timed)
        awaken(side, -ETIMEDOUT);
}

/* A second signal makes the parent kill the child for whose exit it waits. */
static void kill_after_second_signal(void)
{
    struct side *side = &run.producer_side;
    if (side->state == AWAITS && (shmsum_stop_bits(&side->stop) & SHMSUM_STOP_NOW) != 0) {
        run.killed_by_producer = true;
        be_gone(&run.consumer_side, KILLED);
    }
}

enum event {
    EVENT_STOP = 0xc0, /* SIGINT: the first stops the input, the second gives up */
    EVENT_STOP_NOW,
    EVENT_KILL_PRODUCER,
    EVENT_KILL_CONSUMER,
    EVENT_WAKE_PRODUCER, /* a spurious wake */
    EVENT_WAKE_CONSUMER,
    EVENT_INTERRUPT_PRODUCER, /* a signal without a meaning here */
    EVENT_INTERRUPT_CONSUMER,
    EVENT_TIME_PRODUCER, /* the time limit of its sleep expires */
    EVENT_TIME_CONSUMER,
    EVENT_NOTIFY_PRODUCER, /* the signal of the other side's death arrives */
    EVENT_NOTIFY_CONSUMER,
    EVENT_FUTEX_PRODUCER, /* its next futex wait fails with EPERM */
    EVENT_FUTEX_CONSUMER,
    EVENT_FUTEX_BROKEN_PRODUCER, /* its next futex wait fails with EINVAL */
    EVENT_FUTEX_BROKEN_CONSUMER,
    EVENT_READ_AGAIN,
    EVENT_READ_INTERRUPTED,
    EVENT_READ_BROKEN,
    EVENT_WRITE_AGAIN,
    EVENT_WRITE_INTERRUPTED,
    EVENT_FULL, /* the disk is full from now on */
    EVENT_PAUSE,
    EVENT_INPUT,
    EVENTS_END,
};

static void interrupt(struct side *side)
{
    if (side->state == SLEEPS || side->state == POLLS)
        awaken(side, -EINTR);
}

static void wake_for_nothing(struct side *side)
{
    if (side->state == SLEEPS)
        awaken(side, 0);
}

static void bring_input(void)
{
    run.paused = false;
    if (run.producer_side.state == POLLS)
        awaken(&run.producer_side, 1);
}

static void stop_once_more(void)
{
    struct side *producer = &run.producer_side;
    uint32_t before = shmsum_stop_bits(&producer->stop) | producer->pending;
    signal_side(producer, (before & SHMSUM_STOP_INPUT) != 0 ? SHMSUM_STOP_NOW : SHMSUM_STOP_INPUT);
}

/* The events from EVENT_KILL_PRODUCER on come in pairs, one for each side. */
static void happen_to_side(enum event event)
{
    bool is_consumer = (event - EVENT_KILL_PRODUCER) % 2 == 1;
    struct side *side = is_consumer ? &run.consumer_side : &run.producer_side;
    switch (event - is_consumer) {
    case EVENT_KILL_PRODUCER:
        be_gone(side, KILLED);
        break;
    case EVENT_WAKE_PRODUCER:
        wake_for_nothing(side);
        break;
    case EVENT_INTERRUPT_PRODUCER:
        interrupt(side);
        break;
    case EVENT_TIME_PRODUCER:
        run_out_of_time(side);
        break;
    case EVENT_NOTIFY_PRODUCER:
        notify(side);
        break;
    case EVENT_FUTEX_PRODUCER:
        side->futex_error = EPERM;
        break;
    case EVENT_FUTEX_BROKEN_PRODUCER:
        side->futex_error = EINVAL;
        break;
    default:
        break;
    }
}

static void happen(enum event event)
{
    static const int read_errors[] = {EAGAIN, EINTR, EIO};
    static const int write_errors[] = {EAGAIN, EINTR, ENOSPC};
    if (event == EVENT_STOP)
        stop_once_more();
    else if (event == EVENT_STOP_NOW)
        signal_side(&run.producer_side, SHMSUM_STOP_NOW);
    else if (event < EVENT_READ_AGAIN)
        happen_to_side(event);
    else if (event < EVENT_WRITE_AGAIN)
        run.read_error = read_errors[event - EVENT_READ_AGAIN];
    else if (event < EVENT_PAUSE)
        run.write_error = write_errors[event - EVENT_WRITE_AGAIN];
    else if (event == EVENT_PAUSE)
        run.paused = true;
    kill_after_second_signal();
}

/* One byte of the schedule. */
static void move(uint8_t code)
{
    if (code < 0x40) { /* the producer takes some steps */
        resume(&run.producer_side, code + 1u);
    } else if (code < 0x80) { /* the consumer does */
        resume(&run.consumer_side, code - 0x40 + 1u);
    } else if (code < 0xc0) { /* both take steps in turn */
        for (int i = 0; i <= code - 0x80; i++) {
            resume(&run.producer_side, 1);
            resume(&run.consumer_side, 1);
        }
    } else {
        happen(EVENT_STOP + (code - EVENT_STOP) % (EVENTS_END - EVENT_STOP));
    }
}

static uint64_t progress(void)
{
    return run.producer_side.channel.slots + run.consumer_side.channel.slots + results_size() +
           is_gone(&run.producer_side) + is_gone(&run.consumer_side);
}

/* No side runs. A time limit may end the sleep, but the sleep must not have needed it. */
static void sleep_on(struct side *side)
{
    if (side->state != SLEEPS)
        return;
    FUZZ_CHECK(side->timed); /* otherwise it sleeps forever */
    /* The word is unchanged, or its wake was lost because the other side was killed before it. */
    FUZZ_CHECK(is_still(side->word, side->expected) || other(side)->state == KILLED);
    awaken(side, -ETIMEDOUT);
}

/* Runs every side that can run, until both have ended. */
static void finish_fairly(void)
{
    struct side *producer = &run.producer_side;
    struct side *consumer = &run.consumer_side;
    int idle = 0;
    for (uint64_t before = progress(); !is_gone(producer) || !is_gone(consumer);) {
        notify(producer);
        notify(consumer);
        kill_after_second_signal();
        bool runs = producer->state == RUNS || consumer->state == RUNS;
        resume(producer, QUANTUM);
        resume(consumer, QUANTUM);
        if (runs)
            continue;
        uint64_t now = progress();
        idle = now == before ? idle + 1 : 0;
        before = now;
        FUZZ_CHECK(idle < IDLE_MAX);
        if (producer->state == POLLS) { /* if a stop were pending, it would be missed */
            FUZZ_CHECK((shmsum_stop_bits(&producer->stop) & producer->channel.stop_mask) == 0);
            bring_input();
        } else {
            FUZZ_CHECK(producer->state == SLEEPS || consumer->state == SLEEPS);
            sleep_on(producer);
            sleep_on(consumer);
        }
    }
}

/* ---- the verdict ---- */

static void check_failure(const struct side *side, int error, const char *call)
{
    FUZZ_CHECK(side->outcome == -error);
    FUZZ_CHECK(side->why.error == error && strcmp(side->why.call, call) == 0);
}

static void check_producer(void)
{
    const struct side *side = &run.producer_side;
    const struct shmsum_channel *channel = &side->channel;
    FUZZ_CHECK(run.producer.bytes <= run.input.size);
    if (side->state == KILLED)
        return;
    uint32_t stop = shmsum_stop_bits(&side->stop);
    bool closed = shmsum_channel_closing(channel) == SHMSUM_CLOSED;
    if (side->outcome == 0) {
        FUZZ_CHECK(run.producer.bytes == run.input.size || (run.dialogue && closed));
    } else if (side->outcome == SHMSUM_STOPPED) {
        FUZZ_CHECK(stop != 0);
    } else if (side->outcome == -EINVAL) {
        FUZZ_CHECK(side->futex_failed);
        check_failure(side, EINVAL, "futex");
    } else {
        FUZZ_CHECK(run.read_failed);
        check_failure(side, side->outcome == -EIO ? EIO : EAGAIN, "read");
    }
    if (run.ended == 1) /* it had a reason not to publish END */
        FUZZ_CHECK(closed || (stop & SHMSUM_STOP_PEER) != 0 || side->outcome < 0);
    else if (run.ended == SHMSUM_STOPPED)
        FUZZ_CHECK((stop & ~(uint32_t)SHMSUM_STOP_INPUT) != 0);
    else if (run.ended == -EINVAL)
        FUZZ_CHECK(side->futex_failed);
    else
        FUZZ_CHECK(run.ended == 0);
}

/* No published slot is left in the ring. */
static void check_ring_is_empty(void)
{
    for (uint32_t i = 0; i < run.geometry.slots; i++) {
        const struct shmsum_word *state = &shmsum_region_slot(&run.region, i)->state;
        FUZZ_CHECK(is_still(state, SHMSUM_FREE) || is_still(state, SHMSUM_FREE | SHARED_WORD_WAIT));
    }
}

/* Does what the parent does with the results of a killed child. */
static void check_salvage(void)
{
    check_results_begin(expect(run.taken, true), true);
    uint64_t lines = UINT64_MAX;
    int result = shmsum_results_salvage(&run.world.os, RESULTS_FD, "results", 0, &lines,
                                        &run.producer_side.why);
    if (!run.regular_results) {
        FUZZ_CHECK(result == -EINVAL);
        return;
    }
    FUZZ_CHECK(result == 0);
    check_results_begin(expect(run.taken, true), false);
    uint64_t count = 0;
    for (size_t i = 0; i < results_size(); i++)
        count += results_text()[i] == '\n';
    FUZZ_CHECK(lines == count);
}

static void check_counters(void)
{
    const struct shmsum_channel *channel = &run.producer_side.channel;
    const struct expected *expected = expect(run.taken, run.end_reason == CONSUMER_COMPLETE);
    uint64_t sums = shmsum_channel_counter(channel, COUNTER_SUMS);
    uint64_t errors = shmsum_channel_counter(channel, COUNTER_ERRORS);
    FUZZ_CHECK(sums + errors == expected->lines);
    FUZZ_CHECK(shmsum_channel_counter(channel, COUNTER_RESULT_LINES) == expected->lines);
    FUZZ_CHECK(shmsum_channel_counter(channel, COUNTER_RESULT_BYTES) == expected->size);
    FUZZ_CHECK(shmsum_channel_counter(channel, COUNTER_BYTES) == run.taken);
}

static void check_consumer(void)
{
    const struct side *side = &run.consumer_side;
    const struct side *producer = &run.producer_side;
    if (side->state == KILLED) {
        check_salvage();
        return;
    }
    if (side->outcome == -ENOSPC) {
        FUZZ_CHECK(run.write_failed);
        check_failure(side, ENOSPC, "write");
        check_results_begin(expect(run.taken, true), !run.regular_results);
        return;
    }
    if (side->outcome < 0) {
        FUZZ_CHECK(side->futex_failed);
        check_failure(side, EINVAL, "futex");
        if (run.write_failed)
            check_results_begin(expect(run.taken, true), !run.regular_results);
        else
            check_results_are(expect(run.taken, false));
        return;
    }
    FUZZ_CHECK(side->outcome == 0 && !run.write_failed);
    check_results_are(expect(run.taken, run.end_reason == CONSUMER_COMPLETE));
    check_counters();
    switch (run.end_reason) {
    case CONSUMER_COMPLETE:
        FUZZ_CHECK(run.taken == run.input.size);
        FUZZ_CHECK(producer->state == KILLED || (producer->outcome == 0 && run.ended == 0));
        break;
    case CONSUMER_CUT:
        FUZZ_CHECK(run.taken == run.producer.bytes);
        FUZZ_CHECK(producer->state == KILLED || (producer->outcome < 0 && run.ended == 0));
        break;
    case CONSUMER_CLOSED:
        FUZZ_CHECK(expect(run.taken, false)->blank);
        break;
    case CONSUMER_ORPHANED:
        FUZZ_CHECK(producer->state == KILLED);
        FUZZ_CHECK(run.taken >= run.producer.bytes);
        check_ring_is_empty();
        break;
    }
}

/* ---- the setting ---- */

static void begin(struct side *side, int index, enum shmsum_role role, uint32_t mask,
                  uint32_t spins)
{
    side->stack = stacks[index];
#ifdef HAS_ASAN
    /* a killed side has left its stack poisoned */
    __asan_unpoison_memory_region(side->stack, STACK_BYTES);
#endif
    shmsum_channel_init(&side->channel, &run.region, role, &side->stop, mask);
    side->channel.spins = spins;
    getcontext(&side->context);
    side->context.uc_stack.ss_sp = side->stack;
    side->context.uc_stack.ss_size = STACK_BYTES;
    side->context.uc_link = NULL;
    makecontext(&side->context, begin_side, 0);
}

static void make_files(void)
{
    struct memory_os *world = &run.world;
    mode_t kind = run.regular_results ? S_IFREG : S_IFIFO;
    run.results_file = memory_os_add(world, "results", false, kind | 0600, NULL, 0);
    memory_os_open(world, run.results_file, RESULTS_FD, O_RDWR);
    size_t begin = 0;
    for (uint32_t i = 0; i < run.input.sources; i++) {
        size_t end = run.input.ends[i];
        int file = memory_os_add(world, "input", false, run.regular_input ? S_IFREG : S_IFIFO,
                                 run.input.text + begin, end - begin);
        memory_os_open(world, file, INPUTS_FD + (int)i, O_RDONLY);
        begin = end;
    }
}

static void read_setting(struct fuzz_input *input)
{
    run.geometry.slots = 1 + fuzz_below(input, SLOTS_MAX);
    run.geometry.payload_bytes = 1 + fuzz_below(input, PAYLOAD_MAX);
    uint8_t flags = fuzz_byte(input);
    run.dialogue = (flags & 1) != 0;
    run.other_thread = (flags & 2) != 0;
    run.no_wait_two = (flags & 4) != 0;
    run.regular_input = (flags & 8) == 0;
    run.regular_results = (flags & 16) == 0;
    run.paused = (flags & 32) != 0;
    run.world.cpus = (flags & 64) != 0 ? 2 : 1;
    uint8_t more = fuzz_byte(input);
    static const char *const names[EXPECTED_SOURCES_MAX] = {"a", "b", "c"};
    run.input.sources = run.dialogue ? 1 : 1 + (more & 15u) % EXPECTED_SOURCES_MAX;
    run.config = (struct consumer_config){
        .sources = names,
        .source_count = run.input.sources,
        .point = '.',
        .blank_lines = (enum blank_lines)((more >> 4) % 3),
        .max_errors = (more & 128) != 0 ? 0 : 20,
        .messages = MESSAGES_FD,
        .dialogue = run.dialogue,
        .terminal = run.dialogue && (flags & 128) != 0,
        .answers = run.dialogue,
        .sync = (more & 128) != 0 && run.regular_results,
    };
    run.input.point = run.config.point;
    run.input.blank_lines = run.config.blank_lines;
    run.read_max = 1 + fuzz_below(input, 80);
    run.write_max = 1 + fuzz_below(input, 200);
    uint8_t parts[EXPECTED_SOURCES_MAX];
    for (int i = 0; i < EXPECTED_SOURCES_MAX; i++)
        parts[i] = fuzz_byte(input);
    run.input.size = fuzz_byte(input);
    for (size_t i = 0; i < run.input.size; i++)
        run.input.text[i] = fuzz_byte(input);
    for (uint32_t i = 0; i < run.input.sources; i++) {
        size_t before = i == 0 ? 0 : run.input.ends[i - 1];
        size_t end = before + parts[i];
        run.input.ends[i] =
            i + 1 == run.input.sources || end > run.input.size ? run.input.size : end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    memset(&run, 0, sizeof run);
    memory_os_init(&run.world);
    read_setting(&input);
    make_files();
    run.os = run.world.os;
    run.os.futex_waitv = schedule_wait_two;
    run.os.futex_wait = schedule_wait;
    run.os.futex_wake = schedule_wake;
    run.os.ppoll = schedule_poll;
    run.os.sigprocmask = schedule_set_mask;
    run.os.read = schedule_read;
    run.os.write = schedule_write;

    memset(memory, 0, sizeof memory);
    FUZZ_CHECK(shmsum_region_init_in(&run.region, &run.os, memory, sizeof memory, &run.geometry) ==
               0);
    begin(&run.producer_side, 0, SHMSUM_PRODUCER,
          SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER, fuzz_below(&input, 3));
    begin(&run.consumer_side, 1, SHMSUM_CONSUMER, SHMSUM_STOP_PEER, fuzz_below(&input, 3));
    producer_init(&run.producer, &run.os, &run.producer_side.channel);
    run.ended = 1;
    FUZZ_CHECK(shmsum_results_init(&run.results, &run.os, RESULTS_FD, SHMSUM_RESULTS_OWN, "results",
                                   results_buffer, sizeof results_buffer, NULL) == 0);
    consumer_init(&run.consumer, &run.os, &run.config, &run.consumer_side.channel, &run.results,
                  block);

    while (input.left > 0 && (!is_gone(&run.producer_side) || !is_gone(&run.consumer_side)))
        move(fuzz_byte(&input));
    finish_fairly();
    check_producer();
    check_consumer();
    return 0;
}

/* ---- mutations, mostly of the schedule ---- */

enum { TEXT_SIZE_AT = 9 };

/* Puts an event into a run of steps: in its middle or at its end. */
static size_t cut_run(uint8_t *data, size_t size, size_t at, size_t max_size, unsigned int chance)
{
    uint8_t code = data[at];
    uint8_t event = chance % 3 == 0
                        ? (uint8_t)(chance >> 8 & 0xbf)
                        : (uint8_t)(EVENT_STOP + (chance >> 8) % (EVENTS_END - EVENT_STOP));
    if (code >= EVENT_STOP || size + 2 > max_size) {
        data[at] = event;
        return size;
    }
    uint8_t kind = code & 0xc0;
    uint8_t steps = (code & 0x3f) + 1;
    uint8_t first = (uint8_t)((chance >> 16) % steps) + 1;
    memmove(data + at + 2, data + at, size - at);
    data[at] = (uint8_t)(kind | (first - 1));
    data[at + 1] = event;
    data[at + 2] = (uint8_t)(kind | (first < steps ? steps - first - 1 : 0));
    return size + 2;
}

/* Changes only the schedule, three times in four. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    size_t begin = size > TEXT_SIZE_AT ? TEXT_SIZE_AT + 1u + data[TEXT_SIZE_AT] + 2u : size;
    unsigned int chance = seed * 2654435761u;
    if (begin > size || chance % 4 == 0)
        return fuzz_mutate(data, size, max_size);
    chance /= 4;
    if (begin == size) { /* no schedule yet */
        if (size == max_size)
            return size;
        data[size++] = (uint8_t)(chance >> 8);
        return size;
    }
    if (chance % 4 == 0)
        return begin + fuzz_mutate(data + begin, size - begin, max_size - begin);
    chance /= 4;
    return cut_run(data, size, begin + (chance >> 4) % (size - begin), max_size, chance);
}
