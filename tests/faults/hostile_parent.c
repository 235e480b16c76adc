/*
 * hostile_parent.c - the hostile parent: it creates the region as shmsum does and starts the real
 * shmsum-child. See hostile.h.
 *
 * One thread publishes blocks according to the protocol while another thread corrupts the region.
 * Then either this process exits, or it stores END into every slot, again and again. Either must
 * end the child. The plan sets the content of the blocks: see enum hostile_content.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../support/random.h"
#include "roles/job.h"

enum {
    BATCH = 16,       /* corruptions between two checks that the child is alive */
    CORRUPT_MS = 200, /* the longest time of corruptions */
    FEED_MS = 100,    /* the longest time of publishing blocks; */
    EXACT_MS = 60000, /* with HOSTILE_EXACT the longest wait for a free slot */
};

static struct {
    struct hostile hostile;
    struct random random; /* for the thread that corrupts */
    struct hostile_notes *notes;
    struct shmsum_region region;
    struct shmsum_word stop;
    struct shmsum_channel channel;
    unsigned long line; /* the current line of HOSTILE_EXACT */
    size_t line_at;     /* how many of its bytes are published */
    atomic_bool enough;
} parent;

static bool is_alive(void)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)parent.notes->child, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

/* ---- corruption ---- */

static void *corrupt(void *nothing)
{
    double deadline = hostile_now_ms() + CORRUPT_MS;
    uint32_t left = parent.hostile.plan->corruptions;
    while (left > 0 && !atomic_load(&parent.enough) && hostile_now_ms() < deadline) {
        uint64_t struck[HOSTILE_WORDS] = {0};
        for (int i = 0; i < BATCH && left > 0; i++, left--) {
            enum hostile_word word = hostile_strike(&parent.hostile);
            struck[word]++;
            atomic_store(&parent.notes->last, (uint32_t)word);
            hostile_pause(&parent.hostile);
        }
        if (!is_alive())
            break; /* the child may have died before all of these: count none */
        for (int i = 0; i < HOSTILE_WORDS; i++)
            if (struck[i] > 0)
                hostile_count(parent.notes, (enum hostile_word)i, struck[i]);
    }
    return nothing;
}

/* ---- the honest part ---- */

static int start_child(const struct hostile_plan *plan)
{
    struct job job = {0};
    job.config = (struct consumer_config){
        .point = '.',
        .blank_lines =
            plan->content == HOSTILE_ANY ? (enum blank_lines)plan->blank_lines : BLANK_LINES_END,
        .max_errors = 3,
        .dialogue = plan->dialogue,
        .answers = plan->dialogue,
    };
    char settings[JOB_SETTINGS_MAX], entry[JOB_REGION_MAX];
    job_format_settings(settings, &job);
    job_format_region(entry, &parent.region);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int results = open("results.txt", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int messages = open("messages.txt", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (dup2(nothing, 0) < 0 || dup2(results, 1) < 0 || dup2(messages, 2) < 0 || putenv(entry) != 0)
        _exit(98);
    execl("./shmsum-child", "shmsum-child", settings, "results.txt", "one", "two", "three", NULL);
    _exit(98);
}

/* Fills a block with the next lines of HOSTILE_EXACT and returns the number of bytes. A line may
 * continue in the next block. */
static uint32_t fill_lines(uint8_t *payload, uint32_t room)
{
    uint32_t used = 0;
    while (used < room) {
        char text[32];
        size_t size = (size_t)snprintf(text, sizeof text, "%lu 1\n", parent.line);
        while (parent.line_at < size && used < room)
            payload[used++] = (uint8_t)text[parent.line_at++];
        if (parent.line_at == size) {
            parent.line++;
            parent.line_at = 0;
        }
    }
    return used;
}

static void fill_digits(struct shmsum_slot *slot, uint32_t index)
{
    for (uint32_t i = 0; i < parent.region.geometry.payload_bytes; i++)
        slot->payload[i] = i % 2 == 0 ? (uint8_t)('1' + index) : '\n';
}

static void wake_all(void)
{
    const struct shmsum_os *os = parent.region.os;
    for (uint32_t i = 0; i < parent.region.geometry.slots; i++)
        os->futex_wake(os, &shmsum_region_slot(&parent.region, i)->state);
}

/* Waits for the next free slot; NULL if none becomes free. This function polls, because a sleep on
 * a corrupted word might never end. It also wakes the child now and then, because a corruption may
 * have removed the WAIT bit on which a wake depends. */
static uint8_t *next_payload(double deadline)
{
    for (unsigned tries = 1;; tries++) {
        uint8_t *payload;
        if (shmsum_channel_try_acquire(&parent.channel, &payload, NULL) == 0)
            return payload;
        if (tries % 64 != 0)
            continue;
        sched_yield();
        if (tries % 1024 == 0)
            wake_all();
        if (!is_alive() || hostile_now_ms() > deadline)
            return NULL;
    }
}

static void feed(const struct hostile_plan *plan)
{
    bool exact = plan->content == HOSTILE_EXACT;
    uint32_t room = plan->geometry.payload_bytes;
    uint32_t source = 0;
    double deadline = hostile_now_ms() + (exact ? EXACT_MS : FEED_MS);
    struct random random = {plan->blocks};
    for (uint32_t i = 0; i < plan->blocks; i++) {
        if (exact)
            deadline = hostile_now_ms() + EXACT_MS;
        uint8_t *payload = next_payload(deadline);
        if (payload == NULL)
            return;
        uint32_t length = 1 + (uint32_t)random_below(&random, exact && room > 256 ? 256 : room);
        if (plan->content != HOSTILE_DIGITS)
            length = fill_lines(payload, length);
        shmsum_channel_publish(&parent.channel, length, source);
        if (!exact && source < 2 && random_one_in(&random, plan->blocks))
            source++;
    }
    while (exact && parent.line_at != 0) {
        uint8_t *payload = next_payload(deadline);
        if (payload == NULL)
            return;
        char text[32];
        size_t size = (size_t)snprintf(text, sizeof text, "%lu 1\n", parent.line);
        payload[0] = (uint8_t)text[parent.line_at++];
        shmsum_channel_publish(&parent.channel, 1, source);
        if (parent.line_at == size) {
            parent.line++;
            parent.line_at = 0;
        }
    }
    if (next_payload(deadline) == NULL)
        return;
    parent.notes->lines = parent.line - 1;
    parent.notes->finished = shmsum_channel_end(&parent.channel, SHMSUM_END_COMPLETE, NULL) == 0;
}

/* Waits for the child's end; with `storm`, stores END into every slot until then. */
static void end(bool storm)
{
    struct hostile_notes *notes = parent.notes;
    double deadline = hostile_now_ms() + HOSTILE_PATIENCE_MS;
    for (bool first = true; !notes->reaped; first = false) {
        for (uint32_t i = 0; storm && i < parent.region.geometry.slots; i++) {
            struct shmsum_slot *slot = shmsum_region_slot(&parent.region, i);
            atomic_store(&slot->end_reason.value, SHMSUM_END_CUT);
            atomic_store(&slot->state.value, SHMSUM_END);
        }
        wake_all();
        notes->reaped = waitpid(notes->child, &notes->wait_status, WNOHANG) == notes->child;
        if (!notes->reaped && hostile_now_ms() > deadline) {
            notes->hung = true;
            kill(notes->child, SIGKILL);
            deadline += HOSTILE_PATIENCE_MS;
        }
        if (!notes->reaped && !first)
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
}

void hostile_parent(uint64_t seed, struct hostile_notes *notes)
{
    const struct shmsum_os *os = shmsum_os_default();
    struct hostile_plan plan = hostile_make_plan(seed, true);
    struct random random = {~seed};
    struct shmsum_failure why;
    parent.notes = notes;
    parent.line = 1;
    if (shmsum_region_create(&parent.region, os, &plan.geometry, &why) < 0)
        _exit(99);
    shmsum_channel_init(&parent.channel, &parent.region, SHMSUM_PRODUCER, &parent.stop,
                        SHMSUM_STOP_NOW);
    for (uint32_t i = 0; plan.content == HOSTILE_DIGITS && i < plan.geometry.slots; i++)
        fill_digits(shmsum_region_slot(&parent.region, i), i);
    parent.random = (struct random){random_next(&random)};
    parent.hostile = (struct hostile){&plan, &parent.random, &parent.region};

    notes->child = start_child(&plan);
    if (notes->child < 0)
        _exit(99);
    struct shmsum_word *attached = &parent.region.header->attached;
    while (!plan.early && atomic_load(&attached->value) == 0 && is_alive())
        sched_yield();
    pthread_t thread;
    if (pthread_create(&thread, NULL, corrupt, NULL) != 0)
        _exit(99);
    feed(&plan);
    if (plan.dies) {
        shmsum_region_unlink(&parent.region, NULL);
        _exit(0); /* the other thread may be anywhere */
    }
    if (plan.content != HOSTILE_EXACT && random_one_in(&random, 4))
        atomic_store(&parent.enough, true);
    pthread_join(thread, NULL);
    end(!notes->finished || plan.content != HOSTILE_EXACT);
    shmsum_region_clean_up(&parent.region);
    _exit(0);
}
