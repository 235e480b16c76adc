/*
 * hostile_child.c - the hostile child: a program that replaces shmsum-child. See hostile.h.
 *
 * It attaches and sums as the real one does, with the same library, while another thread of it
 * corrupts the region. Then it lies about its work, in the counters, in the results file and by its
 * exit status; writes down for the driver what it leaves; and exits, within some hundred
 * milliseconds. It may also die, or stop responding.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../support/random.h"
#include "roles/job.h"

enum {
    RESULTS_FD = 1,
    RESULTS_BUFFER = 256 * 1024,
    CORRUPT_MS = 200, /* the longest time of corruptions */
    FINISH_MS = 50,   /* the time that the consumer has to finish after that */
    EXACT_MS = 60000, /* the same with HOSTILE_EXACT, counted from the consumer's last progress */
    DISTURBED = 3,    /* the exit status of a child that reports an error */
};

static struct {
    struct hostile hostile;
    struct hostile_notes *notes;
    struct job job;
    struct shmsum_region region;
    struct shmsum_word stop;
    struct shmsum_channel channel;
    struct consumer consumer;
    struct shmsum_results results;
    char buffer[RESULTS_BUFFER];
    pthread_t thread;
    int status; /* the exit status, once the consumer has finished */
    atomic_bool finished, frozen;
} child;

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* ---- the honest part ---- */

static void *consume(void *nothing)
{
    enum consumer_end_reason end_reason;
    struct shmsum_failure why;
    const struct consumer *consumer = &child.consumer;
    if (consumer_run(&child.consumer, &end_reason, &why) < 0)
        child.status = DISTURBED;
    else
        child.status = consumer->counters.count[COUNTER_ERRORS] > 0 || consumer->unread;
    atomic_store(&child.finished, true);
    return nothing;
}

/* Signal handler: stops the consumer's thread for good, wherever it is. */
static void freeze(int signal)
{
    (void)signal;
    atomic_store(&child.frozen, true);
    for (;;)
        pause();
}

static bool start_consumer(const struct shmsum_os *os)
{
    struct shmsum_failure why;
    child.job.config.messages = 2;
    uint8_t *block = malloc(child.region.geometry.payload_bytes);
    shmsum_channel_init(&child.channel, &child.region, SHMSUM_CONSUMER, &child.stop,
                        SHMSUM_STOP_PEER);
    if (block == NULL ||
        shmsum_results_init(&child.results, os, RESULTS_FD, child.job.owner, child.job.results,
                            child.buffer, RESULTS_BUFFER, &why) < 0)
        return false;
    consumer_init(&child.consumer, os, &child.job.config, &child.channel, &child.results, block);
    return true;
}

/* Stops the consumer's thread. Afterwards only the caller changes the region and the results. */
static void stop_consumer(int patience_ms)
{
    double deadline = hostile_now_ms() + patience_ms;
    uint64_t bytes = 0;
    while (!atomic_load(&child.finished) && hostile_now_ms() < deadline) {
        uint64_t now = shmsum_channel_counter(&child.channel, COUNTER_BYTES);
        if (now != bytes && patience_ms == EXACT_MS)
            deadline = hostile_now_ms() + patience_ms;
        bytes = now;
        nap();
    }
    if (atomic_load(&child.finished)) {
        pthread_join(child.thread, NULL);
        return;
    }
    pthread_kill(child.thread, SIGUSR2);
    while (!atomic_load(&child.frozen) && !atomic_load(&child.finished))
        nap();
}

/* ---- the lies ---- */

/* Damages the results file in one of the ways that are possible through its descriptor. */
static void lie_in_results(struct random *random)
{
    struct stat status;
    if (fstat(RESULTS_FD, &status) < 0)
        return;
    off_t size = status.st_size, cut = (off_t)random_below(random, 8);
    bool done = false;
    switch (random_below(random, 6)) {
    case 0:
        done = write(RESULTS_FD, "12", 2) == 2; /* torn */
        break;
    case 1:
        done = write(RESULTS_FD, "12\n", 3) == 3; /* an invented result */
        break;
    case 2:
        done = cut > 0 && size >= cut && ftruncate(RESULTS_FD, size - cut) == 0;
        break;
    case 3:
        done = ftruncate(RESULTS_FD, size + cut + 1) == 0; /* a hole */
        break;
    case 4:
        done = size > 0 && ftruncate(RESULTS_FD, size - 1) == 0 && /* the same size, torn */
               lseek(RESULTS_FD, size - 1, SEEK_SET) >= 0 && write(RESULTS_FD, "5", 1) == 1;
        break;
    default:
        done = size > 0 && ftruncate(RESULTS_FD, 0) == 0;
    }
    if (done)
        hostile_count(child.notes, HOSTILE_RESULTS, 1);
}

static void lie_in_counters(struct random *random)
{
    enum counter which = (enum counter)random_below(random, COUNTERS);
    uint64_t now = shmsum_channel_counter(&child.channel, which);
    const uint64_t lies[] = {now + 1, now - 1, 0, UINT64_MAX, now + 1000};
    uint64_t value = lies[random_below(random, sizeof lies / sizeof lies[0])];
    if (value == now)
        return;
    shmsum_channel_set_counter(&child.channel, which, value);
    hostile_count(child.notes, HOSTILE_COUNTERS, 1);
    if (random_one_in(random, 2))
        return;
    /* Make the lie consistent: the number of results is that of sums and errors. */
    uint64_t sums = shmsum_channel_counter(&child.channel, COUNTER_SUMS);
    uint64_t errors = shmsum_channel_counter(&child.channel, COUNTER_ERRORS);
    shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_LINES, sums + errors);
    hostile_count(child.notes, HOSTILE_COUNTERS, 1);
}

static void lie_in_closing(struct random *random)
{
    uint32_t now = (uint32_t)shmsum_channel_closing(&child.channel);
    uint32_t value = (uint32_t)random_below(random, 4);
    if (value == now)
        return;
    shmsum_channel_set_closing(&child.channel, (enum shmsum_closing)value);
    hostile_count(child.notes, HOSTILE_CLOSING, 1);
}

/* An exit status that no child has, or that does not fit; or death by a signal. */
static int lie_in_status(struct random *random, int honest)
{
    static const int lies[] = {0, 0, 1, 1, 2, 3, 42, 127};
    static const int signals[] = {SIGKILL, SIGSEGV, SIGABRT};
    int value = lies[random_below(random, sizeof lies / sizeof lies[0])];
    if (random_one_in(random, 8)) {
        hostile_count(child.notes, HOSTILE_STATUS, 1);
        int signal = signals[random_below(random, sizeof signals / sizeof signals[0])];
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        kill(getpid(), signal);
        nap();
    }
    if (value != honest)
        hostile_count(child.notes, HOSTILE_STATUS, 1);
    return value;
}

static int tell_lies(struct random *random, int status)
{
    for (uint64_t lies = random_below(random, 3); lies > 0; lies--) {
        switch (random_below(random, 4)) {
        case 0:
            lie_in_results(random);
            break;
        case 1:
            lie_in_closing(random);
            break;
        default:
            lie_in_counters(random);
        }
    }
    return random_one_in(random, 2) ? lie_in_status(random, status) : status;
}

static _Noreturn void leave(int status)
{
    struct hostile_notes *notes = child.notes;
    notes->status = status;
    notes->closing = (uint32_t)shmsum_channel_closing(&child.channel);
    counters_collect(&notes->counters, &child.channel);
    notes->left = true;
    _exit(status);
}

/* Attaches to the region, but does not publish "attached" yet. */
static void begin(int argc, char *argv[])
{
    const struct shmsum_os *os = shmsum_os_default();
    struct shmsum_failure why;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* do not outlive a parent that has crashed */
    child.notes = hostile_map_notes();
    if (child.notes == NULL || job_parse(&child.job, argc, argv, getenv(JOB_ENVIRONMENT)) < 0 ||
        shmsum_region_attach(&child.region, os, child.job.region, child.job.nonce, &why) < 0 ||
        !start_consumer(os))
        _exit(99);
}

/* ---- the two programs ---- */

static void add_to_counter(enum counter which, uint64_t more)
{
    uint64_t now = shmsum_channel_counter(&child.channel, which);
    shmsum_channel_set_counter(&child.channel, which, now + more);
}

/* Writes the ten results, claims one more in the same bytes, which would be possible, and gives a
 * slot a state that it cannot have. The parent ends this process. */
static _Noreturn void break_rules(void)
{
    static const char results[] = "2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n";
    if (write(RESULTS_FD, results, sizeof results - 1) != (ssize_t)sizeof results - 1)
        _exit(99);
    shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_LINES, 11);
    shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_BYTES, sizeof results - 1);
    atomic_store(&shmsum_region_slot(&child.region, 0)->state.value, 77);
    shmsum_channel_attached(&child.channel);
    for (;;)
        pause();
}

void hostile_liar(int argc, char *argv[], const char *lie)
{
    begin(argc, argv);
    bool done = true;
    int status = 0;
    if (strcmp(lie, "read nothing") == 0) {
        shmsum_channel_set_closing(&child.channel, SHMSUM_CLOSED);
        leave(1);
    }
    if (strcmp(lie, "broke the rules") == 0)
        break_rules();
    shmsum_channel_attached(&child.channel);
    consume(NULL);
    off_t size = lseek(RESULTS_FD, 0, SEEK_END);
    if (strcmp(lie, "took less") == 0)
        add_to_counter(COUNTER_BYTES, UINT64_MAX);
    else if (strcmp(lie, "more results than lines") == 0)
        add_to_counter(COUNTER_RESULT_LINES, 1);
    else if (strcmp(lie, "more lines than bytes") == 0) {
        add_to_counter(COUNTER_SUMS, 1000000);
        add_to_counter(COUNTER_RESULT_LINES, 1000000);
    } else if (strcmp(lie, "more numbers than bytes") == 0)
        add_to_counter(COUNTER_NUMBERS, 1000000);
    else if (strcmp(lie, "used more") == 0)
        add_to_counter(COUNTER_USED, 1000000);
    else if (strcmp(lie, "skipped a line") == 0)
        add_to_counter(COUNTER_SKIPPED, 1);
    else if (strcmp(lie, "errors") == 0) {
        add_to_counter(COUNTER_SUMS, UINT64_MAX);
        add_to_counter(COUNTER_ERRORS, 1);
    } else if (strcmp(lie, "closed") == 0)
        shmsum_channel_set_closing(&child.channel, SHMSUM_CLOSED);
    else if (strcmp(lie, "wrote more") == 0)
        add_to_counter(COUNTER_RESULT_BYTES, 1);
    else if (strcmp(lie, "results without bytes") == 0)
        shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_BYTES,
                                   2 * shmsum_channel_counter(&child.channel, COUNTER_SUMS) - 1);
    else if (strcmp(lie, "bytes without results") == 0)
        add_to_counter(COUNTER_RESULT_BYTES, UINT64_MAX / 2);
    else if (strcmp(lie, "a hole") == 0)
        done = ftruncate(RESULTS_FD, size + 8) == 0;
    else if (strcmp(lie, "one result too many") == 0)
        done = write(RESULTS_FD, "12\n", 3) == 3;
    else if (strcmp(lie, "cut what was there") == 0) {
        done = ftruncate(RESULTS_FD, 2) == 0;
        shmsum_channel_set_counter(&child.channel, COUNTER_SUMS, 0);
        shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_LINES, 0);
        shmsum_channel_set_counter(&child.channel, COUNTER_RESULT_BYTES, 0);
    } else if (strcmp(lie, "half a line") == 0)
        done = ftruncate(RESULTS_FD, size - 1) == 0 &&
               lseek(RESULTS_FD, size - 1, SEEK_SET) == size - 1 && write(RESULTS_FD, "5", 1) == 1;
    else if (strcmp(lie, "stopped") == 0) {
        done = write(RESULTS_FD, "12", 2) == 2;
        add_to_counter(COUNTER_RESULT_LINES, 1000);
        status = 3;
    } else if (strcmp(lie, "was not started") == 0)
        status = 127;
    leave(done ? status : 99);
}

void hostile_child(int argc, char *argv[], uint64_t seed)
{
    struct hostile_plan plan = hostile_make_plan(seed, false);
    struct random random = {~seed};
    begin(argc, argv);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = freeze}, NULL);
    child.hostile = (struct hostile){&plan, &random, &child.region};

    uint32_t before = plan.early ? 1 + (uint32_t)random_below(&random, 8) : 0;
    for (uint32_t i = 0; i < before; i++) {
        hostile_count(child.notes, hostile_strike(&child.hostile), 1);
        hostile_pause(&child.hostile);
    }
    shmsum_channel_attached(&child.channel);
    if (plan.consumes && pthread_create(&child.thread, NULL, consume, NULL) != 0)
        _exit(99);
    double deadline = hostile_now_ms() + CORRUPT_MS;
    for (uint32_t i = 0; i < plan.corruptions && hostile_now_ms() < deadline; i++) {
        hostile_count(child.notes, hostile_strike(&child.hostile), 1);
        hostile_pause(&child.hostile);
    }
    if (plan.consumes)
        stop_consumer(plan.content == HOSTILE_EXACT ? EXACT_MS : FINISH_MS);
    else
        child.status = (int)random_below(&random, 2);

    if (plan.stuck) {
        atomic_store(&child.notes->stuck, true);
        for (;;)
            pause();
    }
    leave(plan.lies ? tell_lies(&random, child.status) : child.status);
}
