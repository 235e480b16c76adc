/*
 * test_stress.c - the channel under stress: runs of two sides over one region, with rings of every
 * size, late sides, signals and stops at any time. It checks every byte, and the order and the
 * number of the slots.
 *
 *     test_stress threads     both sides are threads of one process: for ThreadSanitizer
 *     test_stress processes   each side is a process with its own mapping; also at full speed
 *
 * Both run the same code. The sides sleep on two words, without a time limit, so a lost wake is a
 * hang. The main thread watches both sides; when no slot has passed for too long it prints the
 * state of each side, and fails.
 *
 * SHMSUM_HANDOFFS: the least number of slots, whatever time it takes; without it, a sample of some
 * seconds. SHMSUM_HANG_SECONDS: the time without a slot that counts as a hang. SHMSUM_SEED: seed of
 * the random numbers; it repeats the runs, but not their schedules. Exit status: 0; 1 with the
 * error on standard error; 2 usage; 77 skipped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "room.h"
#include "channel/shared_word.h"

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER 0
#endif

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NO_LIMIT UINT64_MAX
#define CALIBRATED UINT32_MAX /* for spins: the number that shmsum_channel_init has set */
#define US UINT64_C(1000)     /* in nanoseconds */
#define MS UINT64_C(1000000)

/* How a run ends. */
enum fate {
    FATE_WHOLE,     /* END, complete */
    FATE_INPUT,     /* STOP_INPUT to the producer: END, cut */
    FATE_NOW,       /* STOP_NOW to both, in any order */
    FATE_INPUT_NOW, /* STOP_INPUT, then STOP_NOW: a second signal */
    FATE_ORPHANED,  /* the producer exits without END, then STOP_PEER to the consumer */
    FATE_DESERTED,  /* the consumer exits, then STOP_PEER to the producer */
    FATE_COUNT,
};
static const char *const fates[] = {
    "whole", "input stopped", "given up", "stopped, given up", "producer gone", "consumer gone"};

enum cpus { CPUS_ANY, CPUS_ONE, CPUS_TWO };
static const char *const cpus_names[] = {"any", "one", "two"};

struct shape {
    uint32_t slots;
    uint32_t payload_bytes;
    uint32_t spins;   /* of both sides, or CALIBRATED */
    enum cpus cpus;   /* the CPUs that the sides may use */
    uint32_t delayed; /* one slot in `delayed` is late; 0: none */
    uint32_t awaits;  /* behind one slot in so many the producer waits until all are released, and
                       * the  consumer releases late; 0: never, and it releases at once */
    bool noise;       /* both sides get signals without a meaning */
    enum fate fate;
    uint64_t count;    /* slots until the end, or until the side that exits does so */
    uint64_t limit_ns; /* FATE_INPUT: when to stop; 0: at a random time */
};

/* The result of a side. */
enum { RUNNING = 1, LEFT = 2 }; /* otherwise 0 or a negative errno */

struct side {
    _Alignas(SHMSUM_REGION_LINE) struct room_os os;
    struct shmsum_word stop;
    atomic_uint orders; /* the stop bits that SIGUSR2 raises */
    struct shmsum_channel channel;
    const uint8_t *base; /* address of its mapping */
    pthread_t thread;
    pid_t process;

    /* Written by the side, for the main thread. */
    _Alignas(SHMSUM_REGION_LINE) atomic_ullong passed; /* slots published or taken */
    atomic_bool over;
    int result;
    enum shmsum_end_reason end_reason; /* published or taken; 0: none */
    char wrong[ROOM_WRONG_MAX];
};

/* Shared by the sides and the main thread, also between processes. */
struct board {
    struct side sides[2];
    struct shmsum_region region; /* of the main thread */
    struct shape shape;
    uint64_t seed; /* of this run */
    sem_t ended;   /* each side posts it at its end */

    /* The consumer writes these before it calls attached and release; the producer reads them after
     * await_attached and await_released. Not atomic, so that ThreadSanitizer checks that the
     * channel orders them. */
    _Alignas(SHMSUM_REGION_LINE) uint64_t dealt_with;
    bool began;
};

static struct board *board;
static bool processes;
static bool is_long; /* SHMSUM_HANDOFFS was given */
static uint64_t chance;
static uint64_t hang_ns;
static size_t cpus[2]; /* that this process may use */
static size_t cpu_count;
static uint64_t repeated; /* orders, see repeat_orders */
static _Thread_local struct side *self;

static uint64_t now_ns(void)
{
    const struct shmsum_os *real = shmsum_os_default();
    return real->clock_ns(real);
}

static const char *role_name(const struct side *side)
{
    return side == &board->sides[SHMSUM_PRODUCER] ? "producer" : "consumer";
}

/* ---- a side ---- */

static void on_noise(int signal)
{
    (void)signal;
}

static void on_order(int signal)
{
    (void)signal;
    int saved = errno;
    shmsum_stop_raise(&self->os.table, &self->stop,
                      atomic_load_explicit(&self->orders, memory_order_relaxed));
    errno = saved;
}

static void one_more(struct side *side)
{
    unsigned long long passed = atomic_load_explicit(&side->passed, memory_order_relaxed);
    atomic_store_explicit(&side->passed, passed + 1, memory_order_relaxed);
}

static int await_released(struct side *side, uint64_t published)
{
    int result = shmsum_channel_await_released(&side->channel, NULL);
    if (result == 0 && board->dealt_with != published && side->wrong[0] == '\0')
        snprintf(side->wrong, sizeof side->wrong,
                 "released after %llu slots, of which the consumer had dealt with %llu",
                 (unsigned long long)published, (unsigned long long)board->dealt_with);
    return result;
}

static int produce(struct side *side)
{
    const struct shape *shape = &board->shape;
    struct shmsum_channel *channel = &side->channel;
    uint64_t random = board->seed ^ 1;
    int result = shmsum_channel_await_attached(channel, NULL);
    if (result == 0 && !board->began)
        snprintf(side->wrong, sizeof side->wrong, "attached before it began");
    uint64_t number = 0;
    while (result == 0 && (number < shape->count || shape->fate == FATE_DESERTED)) {
        room_delay(&random, shape->delayed);
        uint8_t *payload;
        result = shmsum_channel_acquire(channel, &payload, NULL);
        if (result < 0)
            break;
        uint32_t length = room_content_fill(board->seed, number, payload, shape->payload_bytes);
        shmsum_channel_publish(channel, length, (uint32_t)number);
        number++;
        one_more(side);
        if (shape->awaits != 0 && room_below(&random, shape->awaits) == 0)
            result = await_released(side, number);
    }
    if (result == 0 && shape->fate == FATE_ORPHANED)
        return LEFT;
    enum shmsum_end_reason end_reason = SHMSUM_END_COMPLETE;
    if (result == SHMSUM_STOPPED && shmsum_stop_bits(&side->stop) == SHMSUM_STOP_INPUT) {
        end_reason = SHMSUM_END_CUT;
        result = 0;
    }
    if (result == 0)
        result = shmsum_channel_end(channel, end_reason, NULL);
    if (result == 0)
        side->end_reason = end_reason;
    return result;
}

static int consume(struct side *side)
{
    const struct shape *shape = &board->shape;
    struct shmsum_channel *channel = &side->channel;
    uint64_t random = board->seed ^ 2;
    uint8_t bytes[ROOM_PAYLOAD_MAX];
    room_delay(&random, shape->delayed);
    board->began = true;
    shmsum_channel_attached(channel);
    for (uint64_t number = 0; shape->fate != FATE_DESERTED || number < shape->count; number++) {
        struct shmsum_block block;
        int result = shmsum_channel_take(channel, bytes, &block, NULL);
        if (result < 0)
            return result;
        if (block.end) {
            side->end_reason = block.end_reason;
            return 0;
        }
        if (shape->awaits == 0)
            shmsum_channel_release(channel);
        room_content_check(board->seed, number, &block, bytes, shape->payload_bytes, side->wrong);
        room_delay(&random, shape->delayed);
        one_more(side);
        if (shape->awaits != 0) {
            board->dealt_with = number + 1;
            shmsum_channel_release(channel);
        }
    }
    return LEFT;
}

static void pin(const struct side *side)
{
    if (board->shape.cpus == CPUS_ANY || cpu_count == 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpus[board->shape.cpus == CPUS_ONE || side == &board->sides[0] ? 0 : 1], &set);
    (void)sched_setaffinity(0, sizeof set, &set); /* only this thread: sched_setaffinity(2) */
}

static void *run_side(void *argument)
{
    struct side *side = argument;
    enum shmsum_role role =
        side == &board->sides[SHMSUM_PRODUCER] ? SHMSUM_PRODUCER : SHMSUM_CONSUMER;
    self = side;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    pin(side);
    struct shmsum_region region = board->region;
    region.os = &side->os.table;
    if (processes && role == SHMSUM_CONSUMER &&
        shmsum_region_attach(&region, &side->os.table, board->region.name, board->region.nonce,
                             NULL) < 0) {
        snprintf(side->wrong, sizeof side->wrong, "could not attach");
        _exit(1);
    }
    side->base = (const uint8_t *)region.header;
    uint32_t all = SHMSUM_STOP_NOW | SHMSUM_STOP_PEER;
    if (role == SHMSUM_PRODUCER)
        all |= SHMSUM_STOP_INPUT;
    shmsum_channel_init(&side->channel, &region, role, &side->stop, all);
    if (board->shape.spins != CALIBRATED)
        side->channel.spins = board->shape.spins;
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    side->result = role == SHMSUM_PRODUCER ? produce(side) : consume(side);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (side->channel.timed && side->wrong[0] == '\0')
        snprintf(side->wrong, sizeof side->wrong, "waited with a time limit");
    atomic_store_explicit(&side->over, true, memory_order_release); /* pairs with is_over */
    sem_post(&board->ended);
    return NULL;
}

static bool is_over(const struct side *side)
{
    return atomic_load_explicit(&side->over, memory_order_acquire); /* pairs with run_side */
}

/* ---- messages about an error ---- */

static const char *state_name(uint32_t state)
{
    static const char *const names[] = {"FREE", "READY", "END"};
    state &= ~SHARED_WORD_WAIT;
    return state < COUNT(names) ? names[state] : "broken";
}

static void print_word(const char *name, uint32_t word, bool is_state)
{
    if (is_state)
        fprintf(stderr, "%s %s%s", name, state_name(word), word & SHARED_WORD_WAIT ? "|WAIT" : "");
    else
        fprintf(stderr, "%s %u%s", name, word & ~SHARED_WORD_WAIT,
                word & SHARED_WORD_WAIT ? "|WAIT" : "");
}

static void print_sleep(const struct side *side)
{
    const void *asleep = atomic_load(&side->os.asleep);
    if (asleep == NULL) {
        fprintf(stderr, "is awake");
        return;
    }
    size_t at = (size_t)((const uint8_t *)asleep - side->base);
    uint32_t expected = atomic_load(&side->os.asleep_while);
    const struct shmsum_region *region = &board->region;
    if (at < SHMSUM_REGION_HEADER_BYTES) {
        print_word("sleeps while attached is", expected, false);
        return;
    }
    char text[64];
    size_t slots_bytes = shmsum_region_bytes(&region->geometry) - SHMSUM_REGION_HEADER_BYTES;
    size_t stride = slots_bytes / region->geometry.slots;
    snprintf(text, sizeof text, "sleeps while slot %zu is",
             (at - SHMSUM_REGION_HEADER_BYTES) / stride);
    print_word(text, expected, true);
}

/* The sides may still run, so the values may be of different moments. */
__attribute__((no_sanitize("thread"))) static void print_state(void)
{
    const struct shape *shape = &board->shape;
    fprintf(stderr, "  %s: %u slots of %u bytes, ", processes ? "processes" : "threads",
            shape->slots, shape->payload_bytes);
    if (shape->spins == CALIBRATED)
        fprintf(stderr, "calibrated spins");
    else
        fprintf(stderr, "%u spins", shape->spins);
    fprintf(stderr, ", CPUs: %s, one in %u late, one in %u awaited, %snoise, fate: %s\n",
            cpus_names[shape->cpus], shape->delayed, shape->awaits, shape->noise ? "" : "no ",
            fates[shape->fate]);
    for (int i = 0; i < 2; i++) {
        const struct side *side = &board->sides[i];
        fprintf(stderr, "  the %s ", role_name(side));
        if (is_over(side))
            fprintf(stderr, "has ended with %d", side->result);
        else
            print_sleep(side);
        fprintf(stderr, "; slots passed %llu, next slot %u%s, slept %llu times, ",
                atomic_load(&side->passed), side->channel.next, side->channel.held ? " (held)" : "",
                (unsigned long long)side->channel.slept);
        fprintf(stderr, "made %u wakes, stop word %u, sent %u\n", atomic_load(&side->os.wakes),
                shmsum_stop_bits(&side->stop), atomic_load(&side->orders));
    }
    const struct shmsum_region *region = &board->region;
    print_word("  attached", shared_load_relaxed(&region->header->attached), false);
    fprintf(stderr, "\n");
    for (uint32_t i = 0; i < shape->slots; i++) {
        const struct shmsum_slot *slot = shmsum_region_slot(region, i);
        char text[32];
        snprintf(text, sizeof text, "  slot %u:", i);
        print_word(text, shared_load_relaxed(&slot->state), true);
        fprintf(stderr, ", length %u, number %u, end_reason %u\n",
                shared_load_relaxed(&slot->length), shared_load_relaxed(&slot->source),
                shared_load_relaxed(&slot->end_reason));
    }
}

/* Prints the error and the state of both sides, and ends the program. */
_Noreturn __attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fflush(stdout);
    fprintf(stderr, "test_stress: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    print_state();
    for (int i = 0; i < 2 && processes; i++) {
        if (board->sides[i].process > 0) {
            kill(board->sides[i].process, SIGKILL);
            waitpid(board->sides[i].process, NULL, 0);
        }
    }
    shmsum_region_clean_up(&board->region);
    _exit(1);
}

/* ---- a run, seen by the main thread ---- */

/* A stop or a kill of a side, and its time. */
struct step {
    enum shmsum_role role;
    uint32_t bits;     /* to set in its stop word; 0: kill it */
    uint64_t after_ns; /* time since the previous step */
    bool behind_peer;  /* only after the other side has ended */
};

static uint64_t some_time(void)
{
    switch (room_below(&chance, 4)) {
    case 0:
        return 0;
    case 1:
        return room_below(&chance, 3000) * US;
    default:
        return room_below(&chance, 300) * US;
    }
}

static size_t plan(const struct shape *shape, struct step steps[3])
{
    size_t count = 0;
    enum shmsum_role first = room_below(&chance, 2) == 0 ? SHMSUM_PRODUCER : SHMSUM_CONSUMER;
    enum shmsum_role second = first == SHMSUM_PRODUCER ? SHMSUM_CONSUMER : SHMSUM_PRODUCER;
    switch (shape->fate) {
    case FATE_WHOLE:
    case FATE_COUNT:
        break;
    case FATE_INPUT:
        steps[count++] = (struct step){SHMSUM_PRODUCER, SHMSUM_STOP_INPUT, some_time(), false};
        if (shape->limit_ns != 0)
            steps[0].after_ns = shape->limit_ns;
        break;
    case FATE_INPUT_NOW:
        steps[count++] = (struct step){SHMSUM_PRODUCER, SHMSUM_STOP_INPUT, some_time(), false};
        /* fall through */
    case FATE_NOW:
        steps[count++] = (struct step){first, SHMSUM_STOP_NOW, some_time(), false};
        steps[count++] = (struct step){second, SHMSUM_STOP_NOW, some_time(), false};
        break;
    case FATE_ORPHANED:
    case FATE_DESERTED:
        first = shape->fate == FATE_ORPHANED ? SHMSUM_PRODUCER : SHMSUM_CONSUMER;
        second = shape->fate == FATE_ORPHANED ? SHMSUM_CONSUMER : SHMSUM_PRODUCER;
        if (processes)
            steps[count++] = (struct step){first, 0, some_time(), false};
        steps[count++] = (struct step){second, SHMSUM_STOP_PEER, some_time(), true};
        break;
    }
    return count;
}

static void send(const struct side *side, int signal)
{
    if (processes)
        kill(side->process, signal);
    else
        pthread_kill(side->thread, signal);
}

static void await_exit(struct side *side, int expected)
{
    int status = 0;
    while (waitpid(side->process, &status, 0) < 0)
        if (errno != EINTR)
            fail("waitpid: %s", strerror(errno));
    side->process = 0;
    if (status != expected)
        fail("the %s ended with status %#x: %s", role_name(side), (unsigned)status, side->wrong);
}

static void take_step(const struct step *step)
{
    struct side *side = &board->sides[step->role];
    if (step->bits == 0) {
        send(side, SIGKILL);
        await_exit(side, SIGKILL);
        atomic_store_explicit(&side->over, true, memory_order_release);
    } else if (processes || room_below(&chance, 2) == 0) {
        atomic_fetch_or_explicit(&side->orders, step->bits, memory_order_relaxed);
        send(side, SIGUSR2);
    } else {
        shmsum_stop_raise(&side->os.table, &side->stop, step->bits);
    }
}

/* Waits until a side ends, but not longer than this. */
static void await_end(uint64_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    ns += (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(ns / 1000000000U);
    until.tv_nsec = (long)(ns % 1000000000U);
    (void)sem_timedwait(&board->ended, &until);
}

/* ThreadSanitizer delays a signal until the thread makes a call that it intercepts; a thread that
 * is about to sleep then sleeps first. A signal during the handler of another may also leave all
 * signals blocked (LLVM 14 has one place for the saved mask). So with ThreadSanitizer only, the
 * main thread raises the stop itself if the signal does not in time. */
static void repeat_orders(void)
{
    for (int i = 0; i < 2 && THREAD_SANITIZER; i++) {
        struct side *side = &board->sides[i];
        uint32_t orders = atomic_load(&side->orders);
        if (is_over(side) || (orders & ~shmsum_stop_bits(&side->stop)) == 0)
            continue;
        shmsum_stop_raise(&side->os.table, &side->stop, orders);
        repeated++;
    }
}

/* A side that ends without being killed has set `over` before. */
static void look_for_dead(void)
{
    for (int i = 0; i < 2 && processes; i++) {
        struct side *side = &board->sides[i];
        siginfo_t info = {.si_pid = 0};
        if (!is_over(side) &&
            waitid(P_PID, (id_t)side->process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid != 0 && !is_over(side))
            await_exit(side, -1);
    }
}

/* A side that sleeps and is not woken hangs. A side that is awake may only be waiting for a CPU of
 * a busy machine, so it gets more time. */
static uint64_t patience_ns(const struct side sides[2])
{
    for (int i = 0; i < 2; i++)
        if (!is_over(&sides[i]) && atomic_load(&sides[i].os.asleep) == NULL)
            return 4 * hang_ns;
    return hang_ns;
}

static void watch(const struct side sides[2], const struct step *steps, size_t count)
{
    const uint64_t idle_ns = 100 * MS;
    uint64_t last = now_ns(), moved = last, looked = last;
    unsigned long long seen = 0;
    while (!is_over(&sides[0]) || !is_over(&sides[1])) {
        uint64_t now = now_ns();
        uint64_t pause = idle_ns;
        while (count > 0 && now - last >= steps->after_ns &&
               !(steps->behind_peer && !is_over(&sides[1 - steps->role]))) {
            take_step(steps);
            steps++, count--;
            last = moved = now;
        }
        if (count > 0 && now - last < steps->after_ns)
            pause = steps->after_ns - (now - last);
        if (board->shape.noise) {
            const struct side *side = &sides[room_below(&chance, 2)];
            if (!is_over(side))
                send(side, SIGUSR1);
            uint64_t quiet = room_below(&chance, 200) * US;
            pause = quiet < pause ? quiet : pause;
        }
        await_end(pause < idle_ns ? pause : idle_ns);

        unsigned long long sum = atomic_load(&sides[0].passed) + atomic_load(&sides[1].passed) +
                                 is_over(&sides[0]) + is_over(&sides[1]);
        now = now_ns();
        if (sum != seen) {
            seen = sum;
            moved = now;
        } else if (now - moved > patience_ns(sides)) {
            fail("it hangs: no slot was handed over for %.1f s", (double)(now - moved) / 1e9);
        }
        if (now - looked < idle_ns)
            continue;
        looked = now;
        repeat_orders();
        look_for_dead();
    }
}

static void start(struct side *side)
{
    if (!processes) {
        int error = pthread_create(&side->thread, NULL, run_side, side);
        if (error != 0)
            fail("pthread_create: %s", strerror(error));
        return;
    }
    pid_t parent = getpid();
    pid_t process = fork();
    if (process < 0)
        fail("fork: %s", strerror(errno));
    if (process == 0) {
        const struct shmsum_os *real = shmsum_os_default();
        real->set_pdeathsig(real, SIGKILL);
        if (getppid() == parent)
            run_side(side);
        _exit(0);
    }
    side->process = process;
}

/* Whether both sides ended as they may with this fate. */
static bool ended_well(const struct shape *shape, const struct side *producer,
                       const struct side *consumer)
{
    unsigned long long published = atomic_load(&producer->passed);
    unsigned long long taken = atomic_load(&consumer->passed);
    bool ended = producer->result == 0 && consumer->result == 0 && taken == published &&
                 producer->end_reason != 0 && producer->end_reason == consumer->end_reason;
    bool stopped = producer->result == SHMSUM_STOPPED;
    switch (shape->fate) {
    case FATE_WHOLE:
        return ended && published == shape->count && producer->end_reason == SHMSUM_END_COMPLETE;
    case FATE_INPUT:
        return ended && (producer->end_reason == SHMSUM_END_CUT || published == shape->count);
    case FATE_NOW:
        return stopped && consumer->result == SHMSUM_STOPPED && taken <= published;
    case FATE_INPUT_NOW: /* END may have been taken before STOP_NOW; then it was last */
        return (stopped || (producer->result == 0 && producer->end_reason == SHMSUM_END_CUT)) &&
               taken <= published &&
               (consumer->result == SHMSUM_STOPPED ||
                (consumer->result == 0 && consumer->end_reason == SHMSUM_END_CUT &&
                 producer->end_reason == SHMSUM_END_CUT && taken == published));
    case FATE_ORPHANED: /* all published slots arrive; a killed producer may not have counted one */
        return consumer->result == SHMSUM_STOPPED &&
               (taken == published || (processes && taken == published + 1));
    case FATE_DESERTED: /* the ring may be full again, and one taken slot may not be counted */
        return stopped && taken <= published && published <= taken + shape->slots + processes;
    case FATE_COUNT:
        break;
    }
    return false;
}

static void check_outcome(void)
{
    const struct side *producer = &board->sides[SHMSUM_PRODUCER];
    const struct side *consumer = &board->sides[SHMSUM_CONSUMER];
    for (int i = 0; i < 2; i++)
        if (board->sides[i].wrong[0] != '\0')
            fail("the %s: %s", role_name(&board->sides[i]), board->sides[i].wrong);
    if (!ended_well(&board->shape, producer, consumer))
        fail("published %llu, taken %llu; results %d and %d, end reasons %d and %d",
             atomic_load(&producer->passed), atomic_load(&consumer->passed), producer->result,
             consumer->result, (int)producer->end_reason, (int)consumer->end_reason);
}

/* ---- many runs ---- */

struct tally {
    uint64_t runs, handoffs, unslept, wakes, interrupted;
    uint64_t slept[2];
    uint64_t fates[FATE_COUNT];
    uint64_t ns;
};

static void run_shape(const struct shape *shape, struct tally *tally)
{
    memset(board, 0, sizeof *board);
    board->region.fd = -1;
    board->shape = *shape;
    board->seed = room_random(&chance);
    struct shmsum_geometry geometry = {shape->slots, shape->payload_bytes};
    struct shmsum_failure why;
    if (shmsum_region_create(&board->region, shmsum_os_default(), &geometry, &why) < 0) {
        fprintf(stderr, "test_stress: %s: %s: %s\n", why.call, why.object, strerror(why.error));
        exit(1);
    }
    sem_init(&board->ended, 1, 0);
    struct step steps[3];
    size_t count = plan(shape, steps);
    for (int i = 0; i < 2; i++) {
        board->sides[i].result = RUNNING;
        room_os_init(&board->sides[i].os);
    }
    uint64_t began = now_ns();
    uint32_t first = room_below(&chance, 2);
    start(&board->sides[first]);
    start(&board->sides[1 - first]);
    watch(board->sides, steps, count);
    uint64_t ns = now_ns() - began;
    for (int i = 0; i < 2; i++) {
        struct side *side = &board->sides[i];
        if (!processes)
            pthread_join(side->thread, NULL);
        else if (side->process > 0)
            await_exit(side, 0);
    }
    check_outcome();

    tally->runs++;
    tally->fates[shape->fate]++;
    tally->ns += ns;
    uint64_t taken = atomic_load(&board->sides[SHMSUM_CONSUMER].passed);
    tally->handoffs += taken;
    for (int i = 0; i < 2; i++) {
        tally->slept[i] += board->sides[i].channel.slept;
        tally->wakes += atomic_load(&board->sides[i].os.wakes);
        tally->interrupted += atomic_load(&board->sides[i].os.interrupted);
    }
    uint64_t slept = board->sides[0].channel.slept + board->sides[1].channel.slept;
    tally->unslept += taken > slept ? taken - slept : 0;
    sem_destroy(&board->ended);
    shmsum_region_clean_up(&board->region);
}

static void add(struct tally *sum, const struct tally *tally)
{
    sum->runs += tally->runs;
    sum->handoffs += tally->handoffs;
    sum->unslept += tally->unslept;
    sum->wakes += tally->wakes;
    sum->interrupted += tally->interrupted;
    sum->ns += tally->ns;
    for (int i = 0; i < 2; i++)
        sum->slept[i] += tally->slept[i];
    for (int i = 0; i < FATE_COUNT; i++)
        sum->fates[i] += tally->fates[i];
}

static void print_row(const char *slots, const char *spins, const char *on,
                      const struct tally *tally)
{
    double seconds = (double)tally->ns / 1e9;
    printf("| %-8s | %-10s | %-4s | %11llu | %7.2f | %7.0f | %10llu | %10llu |\n", slots, spins, on,
           (unsigned long long)tally->handoffs, seconds,
           tally->handoffs > 0 ? (double)tally->ns / (double)tally->handoffs : 0.0,
           (unsigned long long)tally->slept[SHMSUM_PRODUCER],
           (unsigned long long)tally->slept[SHMSUM_CONSUMER]);
    fflush(stdout);
}

/* Prints the progress of a long test now and then. */
static void print_progress(const struct tally *tally)
{
    static uint64_t last;
    uint64_t now = now_ns();
    if (last == 0)
        last = now;
    if (!is_long || now - last < 30000 * MS)
        return;
    last = now;
    fprintf(stderr, "%llu hand-offs so far, %llu sleeps\n", (unsigned long long)tally->handoffs,
            (unsigned long long)(tally->slept[0] + tally->slept[1]));
}

/* Runs of every kind, most of them short, until `goal` slots or limit_ns. */
static void mix(uint64_t goal, uint64_t limit_ns, struct tally *tally)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 64};
    const uint64_t at_least = COUNT(sizes) * (FATE_COUNT - 1);
    uint64_t began = now_ns();
    for (uint64_t i = 0; i < at_least || (tally->handoffs < goal && now_ns() - began < limit_ns);
         i++) {
        /* With few spins a side goes to sleep at about the time of the other side's publish. */
        const uint32_t spins[] = {CALIBRATED, 0, 0, room_below(&chance, 200)};
        static const uint32_t delays[] = {0, 0, 1000, 100, 10, 2};
        static const uint32_t awaits[] = {0, 1000, 64, 4};
        struct shape shape = {
            .slots = sizes[i % COUNT(sizes)],
            .payload_bytes = 1 + room_below(&chance, room_below(&chance, 2) == 0 ? 16 : 256),
            .spins = spins[room_below(&chance, COUNT(spins))],
            .cpus = room_below(&chance, 8) == 0   ? CPUS_ONE
                    : room_below(&chance, 4) == 0 ? CPUS_TWO
                                                  : CPUS_ANY,
            .delayed = delays[room_below(&chance, COUNT(delays))],
            .awaits = awaits[room_below(&chance, COUNT(awaits))],
            .noise = room_below(&chance, 3) == 0,
            .count = room_below(&chance, UINT32_C(1) << room_below(&chance, 16)),
        };
        if (shape.cpus == CPUS_TWO && cpu_count < 2)
            shape.cpus = CPUS_ANY;
        if (i < at_least || room_below(&chance, 2) == 0)
            shape.fate = (enum fate)(1 + i / COUNT(sizes) % (FATE_COUNT - 1));
        if (shape.delayed != 0 && shape.delayed < 100)
            shape.count %= 1000;
        bool leaves = shape.fate == FATE_ORPHANED || shape.fate == FATE_DESERTED;
        if (shape.fate != FATE_WHOLE && (processes || !leaves))
            shape.count = NO_LIMIT;
        run_shape(&shape, tally);
        if (!processes)
            print_progress(tally);
    }
}

static void print_mix(const struct tally *tally)
{
    print_row("1-16, 64", "mixed", "any", tally);
}

/* At full speed, each for a share of the time; the fastest have the largest share. */
struct run {
    uint32_t slots, payload_bytes, spins;
    enum cpus cpus;
    uint32_t awaits;
    uint32_t share; /* in units of RUN_NS */
};

/* Spins of some milliseconds. With fewer, on a busy machine, a late wake of one side makes the
 * other side sleep, and so on. */
enum { NEVER_SLEEPS = 1000000 };

static const struct run runs[] = {
    {1, 8, NEVER_SLEEPS, CPUS_TWO, 0, 2},
    {3, 8, NEVER_SLEEPS, CPUS_TWO, 100, 2},
    {64, 8, NEVER_SLEEPS, CPUS_TWO, 0, 4},
    {1, 8, CALIBRATED, CPUS_TWO, 0, 1},
    {2, 8, CALIBRATED, CPUS_TWO, 0, 1},
    {3, 8, CALIBRATED, CPUS_TWO, 100, 1},
    {4, 8, 20, CPUS_TWO, 0, 2},
    {8, 8, CALIBRATED, CPUS_TWO, 0, 6},
    {64, 64, CALIBRATED, CPUS_TWO, 0, 10},
    {64, 256, CALIBRATED, CPUS_ANY, 100, 6},
    {1024, 8, CALIBRATED, CPUS_TWO, 0, 12},
    {1, 8, 0, CPUS_TWO, 0, 1},
    {2, 8, 0, CPUS_TWO, 100, 1},
    {3, 8, 0, CPUS_TWO, 0, 1},
    {8, 8, 0, CPUS_TWO, 0, 1},
    {64, 8, 0, CPUS_TWO, 0, 4},
    {1024, 8, 0, CPUS_TWO, 0, 8},
    {1, 8, 0, CPUS_ONE, 0, 1},
    {2, 8, 0, CPUS_ONE, 0, 1},
    {8, 8, 0, CPUS_ONE, 100, 1},
    {64, 8, 0, CPUS_ONE, 0, 6},
    {1024, 8, 0, CPUS_ONE, 0, 20},
};
static const uint64_t RUN_NS = 70 * MS;

static void print_run(const struct run *run, const struct tally *tally)
{
    char slots[16], spins[16] = "calibrated";
    snprintf(slots, sizeof slots, "%u", run->slots);
    if (run->spins != CALIBRATED)
        snprintf(spins, sizeof spins, "%u", run->spins);
    if (tally->runs == 0)
        printf("| %-8s | %-10s | two  | skipped: this process may run on one CPU only |\n", slots,
               spins);
    else
        print_row(slots, spins, cpus_names[run->cpus], tally);
}

/* Rounds of the mix and of all runs, until `goal` slots. */
static void run_rounds(uint64_t goal, struct tally *sum)
{
    struct tally mixed = {0}, each[COUNT(runs)] = {{0}};
    do {
        struct tally tally = {0};
        mix(NO_LIMIT, 1600 * MS, &tally);
        add(&mixed, &tally);
        add(sum, &tally);
        for (size_t i = 0; i < COUNT(runs); i++) {
            const struct run *run = &runs[i];
            if (run->cpus == CPUS_TWO && cpu_count < 2)
                continue;
            struct shape shape = {
                .slots = run->slots,
                .payload_bytes = run->payload_bytes,
                .spins = run->spins,
                .cpus = run->cpus,
                .awaits = run->awaits,
                .fate = FATE_INPUT,
                .count = NO_LIMIT,
                .limit_ns = run->share * RUN_NS,
            };
            tally = (struct tally){0};
            run_shape(&shape, &tally);
            add(&each[i], &tally);
            add(sum, &tally);
        }
        print_progress(sum);
    } while (sum->handoffs < goal);
    print_mix(&mixed);
    for (size_t i = 0; i < COUNT(runs); i++)
        print_run(&runs[i], &each[i]);
}

static void find_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return;
    for (size_t i = 0; i < CPU_SETSIZE && cpu_count < COUNT(cpus); i++)
        if (CPU_ISSET(i, &set))
            cpus[cpu_count++] = i;
}

static void handle_signals(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_noise; /* no SA_RESTART: a wait ends with EINTR */
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = on_order;
    sigaction(SIGUSR2, &action, NULL);
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &both, NULL); /* each side unblocks them when it is ready */
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given != NULL ? strtoull(given, NULL, 10) : otherwise;
}

int main(int argc, char *argv[])
{
    processes = argc == 2 && strcmp(argv[1], "processes") == 0;
    if (!processes && (argc != 2 || strcmp(argv[1], "threads") != 0)) {
        fprintf(stderr, "usage: test_stress threads|processes\n");
        return 2;
    }
    if (!room_has_wait_two()) {
        printf("this kernel cannot wait on two words, and a time limit would hide a lost wake\n");
        return 77;
    }
    hang_ns = from_environment("SHMSUM_HANG_SECONDS", 30) * 1000 * MS;
    uint64_t goal = from_environment("SHMSUM_HANDOFFS", 0);
    is_long = goal != 0;
    chance = room_seed();
    find_cpus();
    handle_signals();
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (board == MAP_FAILED) {
        perror("test_stress: mmap");
        return 1;
    }

    printf("| %-8s | %-10s | %-4s | %11s | %7s | %7s | %10s | %10s |\n", "slots", "spins", "CPUs",
           "hand-offs", "seconds", "ns each", "P slept", "C slept");
    struct tally sum = {0};
    uint64_t began = now_ns();
    if (processes) {
        run_rounds(goal, &sum);
    } else {
        mix(is_long ? goal : 1000000, is_long ? NO_LIMIT : 8000 * MS, &sum);
        print_mix(&sum);
    }
    sum.ns = now_ns() - began;
    print_row("all", "", "", &sum);
    printf("%llu runs; %llu wakes; %llu waits cut by a signal; ends:", (unsigned long long)sum.runs,
           (unsigned long long)sum.wakes, (unsigned long long)sum.interrupted);
    for (int i = 0; i < FATE_COUNT; i++)
        printf("%s %s %llu", i > 0 ? "," : "", fates[i], (unsigned long long)sum.fates[i]);
    printf("\n");
    if (repeated > 0)
        printf("%llu signals were kept back by ThreadSanitizer\n", (unsigned long long)repeated);
    if (sum.slept[0] == 0 || sum.slept[1] == 0 || sum.unslept == 0) {
        fprintf(stderr, "test_stress: expected runs with sleeps and runs without\n");
        return 1;
    }
    return 0;
}
