/* hostile_word.c - the words that a hostile peer can corrupt, the values that it writes, and the
 * plan of a run. See hostile.h. */
#include "hostile.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../support/random.h"
#include "roles/consumer.h"
#include "channel/cpu_relax.h"

#define WAIT UINT32_C(0x80000000)
enum { SOURCES = 3 };

const char *const hostile_names[HOSTILE_ROWS] = {
    [HOSTILE_STATE] = "state",           [HOSTILE_WAIT] = "WAIT",
    [HOSTILE_LENGTH] = "length",         [HOSTILE_SOURCE] = "source",
    [HOSTILE_END_REASON] = "end_reason", [HOSTILE_PAYLOAD] = "payload",
    [HOSTILE_ATTACHED] = "attached",     [HOSTILE_CLOSING] = "closing",
    [HOSTILE_COUNTERS] = "counters",     [HOSTILE_MAGIC] = "magic",
    [HOSTILE_VERSION] = "version",       [HOSTILE_CREATOR] = "creator",
    [HOSTILE_GEOMETRY] = "geometry",     [HOSTILE_REGION_BYTES] = "region_bytes",
    [HOSTILE_NONCE] = "nonce",           [HOSTILE_RESULTS] = "results file",
    [HOSTILE_STATUS] = "exit status",
};

struct hostile_notes *hostile_map_notes(void)
{
    int fd = open(HOSTILE_NOTES, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct hostile_notes)) < 0)
        return NULL;
    void *memory =
        mmap(NULL, sizeof(struct hostile_notes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

double hostile_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void hostile_count(struct hostile_notes *notes, enum hostile_word word, uint64_t times)
{
    atomic_fetch_add(&notes->corrupted[word], times);
    atomic_store(&notes->last, (uint32_t)word);
}

void hostile_pause(const struct hostile *hostile)
{
    uint32_t spins = (uint32_t)random_below(hostile->random, hostile->plan->pace + 1);
    for (uint32_t i = 0; i < spins; i++)
        cpu_relax();
    if (random_one_in(hostile->random, 64))
        sched_yield(); /* the victim must run, even on one CPU */
}

/* ---- one corruption ---- */

/* A value other than `now`. */
static uint32_t lie(const struct hostile *hostile, uint32_t now)
{
    struct random *random = hostile->random;
    uint32_t slots = hostile->plan->geometry.slots, full = hostile->plan->geometry.payload_bytes;
    const uint32_t lies[] = {
        0,
        1,
        2,
        now + 1,
        now - 1,
        WAIT | 0,
        WAIT | 1,
        WAIT | 2,
        /* MILD: the values above can be right at some time */
        3,
        WAIT | 3,
        full - 1,
        full,
        full + 1,
        (full + SHMSUM_REGION_LINE - 1) / SHMSUM_REGION_LINE * SHMSUM_REGION_LINE,
        UINT32_MAX,
        ~WAIT,
        now ^ WAIT,
        now - slots - 1,
        now - slots - 2,
        SOURCES - 1,
        SOURCES,
        4095,
        4096,
        SHMSUM_REGION_PAYLOAD_MAX,
        (uint32_t)random_next(random),
    };
    enum { LIES = sizeof lies / sizeof lies[0], MILD = 8 };
    bool mild = hostile->plan->mild && !random_one_in(random, 256);
    uint32_t value = lies[random_below(random, mild ? MILD : LIES)];
    return value == now ? now ^ UINT32_C(1) << random_below(random, 32) : value;
}

static void strike_word(const struct hostile *hostile, struct shmsum_word *word)
{
    uint32_t now = atomic_load(&word->value);
    uint32_t value = lie(hostile, now);
    /* Write and restore the value many times, to catch a victim that reads the word twice. This
     * counts as one corruption. */
    uint64_t times = hostile->plan->brief ? random_below(hostile->random, 200) : 0;
    for (uint64_t i = 0; i < times; i++) {
        uint32_t ours = value;
        atomic_store(&word->value, value);
        if (!atomic_compare_exchange_strong(&word->value, &ours, now))
            return;
    }
    atomic_store(&word->value, value);
    if (hostile->plan->brief) {
        hostile_pause(hostile);
        atomic_compare_exchange_strong(&word->value, &value, now);
    }
}

static void strike_wide(const struct hostile *hostile, struct shmsum_wide *wide)
{
    struct random *random = hostile->random;
    uint64_t now = atomic_load(&wide->value);
    const uint64_t lies[] = {
        0, 1, now + 1, now - 1, UINT64_MAX, UINT64_MAX / 2, random_next(random)};
    uint64_t value = lies[random_below(random, sizeof lies / sizeof lies[0])];
    if (value == now)
        value = now ^ UINT64_C(1) << random_below(random, 64);
    atomic_store(&wide->value, value);
    if (hostile->plan->brief) {
        hostile_pause(hostile);
        atomic_compare_exchange_strong(&wide->value, &value, now);
    }
}

static void strike_payload(const struct hostile *hostile, struct shmsum_slot *slot)
{
    static const char bytes[] = "\n\n\n\r \t0019.,eE+-x\x1b\xff\0";
    struct random *random = hostile->random;
    uint32_t at = (uint32_t)random_below(random, hostile->plan->geometry.payload_bytes);
    _Atomic uint8_t *byte = (_Atomic uint8_t *)(void *)(slot->payload + at);
    uint8_t now = atomic_load(byte);
    uint8_t value = (uint8_t)bytes[random_below(random, sizeof bytes)];
    atomic_store(byte, value == now ? (uint8_t)~now : value);
}

enum hostile_word hostile_strike(const struct hostile *hostile)
{
    struct random *random = hostile->random;
    const struct shmsum_region *region = hostile->region;
    struct shmsum_region_header *header = region->header;
    uint32_t words = hostile->plan->words;
    if ((words & hostile->plan->read) != 0 && !random_one_in(random, 4))
        words &= hostile->plan->read;
    enum hostile_word word;
    do
        word = (enum hostile_word)random_below(random, HOSTILE_WORDS);
    while (!(words & HOSTILE_BIT(word)));
    struct shmsum_slot *slot =
        shmsum_region_slot(region, (uint32_t)random_below(random, region->geometry.slots));
    switch (word) {
    case HOSTILE_STATE:
        strike_word(hostile, &slot->state);
        break;
    case HOSTILE_WAIT: {
        struct shmsum_word *waited[] = {&slot->state, &slot->state, &header->attached};
        atomic_fetch_xor(&waited[random_below(random, 3)]->value, WAIT);
        break;
    }
    case HOSTILE_LENGTH:
        strike_word(hostile, &slot->length);
        break;
    case HOSTILE_SOURCE:
        strike_word(hostile, &slot->source);
        break;
    case HOSTILE_END_REASON:
        strike_word(hostile, &slot->end_reason);
        break;
    case HOSTILE_PAYLOAD:
        strike_payload(hostile, slot);
        break;
    case HOSTILE_ATTACHED:
        strike_word(hostile, &header->attached);
        break;
    case HOSTILE_CLOSING:
        strike_word(hostile, &header->closing);
        break;
    case HOSTILE_COUNTERS:
        strike_wide(hostile, &header->counters[random_below(random, COUNTERS)]);
        break;
    case HOSTILE_MAGIC:
        strike_wide(hostile, &header->magic);
        break;
    case HOSTILE_VERSION:
        strike_word(hostile, &header->version);
        break;
    case HOSTILE_CREATOR:
        strike_word(hostile, &header->creator);
        break;
    case HOSTILE_GEOMETRY:
        strike_word(hostile,
                    random_one_in(random, 2) ? &header->slot_count : &header->payload_bytes);
        break;
    case HOSTILE_REGION_BYTES:
        strike_wide(hostile, &header->region_bytes);
        break;
    case HOSTILE_NONCE:
        strike_wide(hostile, &header->nonce[random_below(random, 2)]);
        break;
    case HOSTILE_WORDS:
    case HOSTILE_STATUS:
    case HOSTILE_ROWS:
        break;
    }
    return word;
}

/* ---- the plan ---- */

/* Words that the parent never reads again, or only if the child did not start. */
enum {
    OF_NO_USE_TO_PARENT = HOSTILE_BIT(HOSTILE_MAGIC) | HOSTILE_BIT(HOSTILE_VERSION) |
                          HOSTILE_BIT(HOSTILE_CREATOR) | HOSTILE_BIT(HOSTILE_GEOMETRY) |
                          HOSTILE_BIT(HOSTILE_REGION_BYTES) | HOSTILE_BIT(HOSTILE_NONCE),
    /* Words that the child never reads once it has attached. */
    OF_NO_USE_TO_CHILD = OF_NO_USE_TO_PARENT | HOSTILE_BIT(HOSTILE_ATTACHED) |
                         HOSTILE_BIT(HOSTILE_CLOSING) | HOSTILE_BIT(HOSTILE_COUNTERS) |
                         HOSTILE_BIT(HOSTILE_WAIT),
    /* Words that say where a block is, but not what it contains. */
    OF_THE_RING = HOSTILE_BIT(HOSTILE_STATE) | HOSTILE_BIT(HOSTILE_WAIT) |
                  HOSTILE_BIT(HOSTILE_LENGTH) | HOSTILE_BIT(HOSTILE_SOURCE) |
                  HOSTILE_BIT(HOSTILE_END_REASON),
};

/* A random selection of the bits of `words`: one, several or all. */
static uint32_t some_of(struct random *random, uint32_t words)
{
    uint32_t some;
    do {
        uint32_t masks[] = {HOSTILE_ALL, (uint32_t)random_next(random),
                            HOSTILE_BIT(random_below(random, HOSTILE_WORDS))};
        some = words & masks[random_below(random, 3)];
    } while (some == 0);
    return some;
}

struct hostile_plan hostile_make_plan(uint64_t seed, bool victim_is_child)
{
    struct random chance = {seed};
    struct random *random = &chance;
    static const uint32_t sizes[] = {1, 7, 64, 100, 4096, 65536};
    struct hostile_plan plan = {
        .corruptions = 1 + (uint32_t)random_below(random, random_one_in(random, 4) ? 8 : 500),
        .read =
            HOSTILE_ALL & ~(uint32_t)(victim_is_child ? OF_NO_USE_TO_CHILD : OF_NO_USE_TO_PARENT),
        .pace = (uint32_t)random_below(random, random_one_in(random, 4) ? 2000 : 40),
        .brief = random_one_in(random, 2),
        .mild = random_one_in(random, 2),
        .early = random_one_in(random, 4),
        .geometry = {.slots = 1 + (uint32_t)random_below(random, 4),
                     .payload_bytes = sizes[random_below(random, sizeof sizes / sizeof sizes[0])]},
        .dialogue = random_one_in(random, 3),
        .blank_lines = (uint32_t)random_below(random, 3),
        .consumes = !random_one_in(random, 4),
        .lies = !random_one_in(random, 3),
        .stuck = random_one_in(random, 32),
        .blocks = 1 + (uint32_t)random_below(random, 1000),
        .dies = random_one_in(random, 4),
    };
    uint64_t choice = random_below(random, 8);
    if (choice == 0) {
        plan.content = HOSTILE_EXACT;
        plan.words = some_of(random, victim_is_child ? OF_NO_USE_TO_CHILD : OF_NO_USE_TO_PARENT);
        plan.early = plan.lies = plan.stuck = plan.dies = false;
        plan.consumes = true;
        return plan;
    }
    if (!victim_is_child || choice < 4) {
        plan.content = HOSTILE_ANY;
        plan.words = some_of(random, HOSTILE_ALL);
        return plan;
    }
    plan.content = HOSTILE_DIGITS;
    /* A corrupted geometry that fits the same size is accepted at attach, but the slots are in
     * other places. */
    uint32_t elsewhere = plan.early ? HOSTILE_BIT(HOSTILE_GEOMETRY) : 0;
    plan.words = some_of(random, OF_THE_RING | (OF_NO_USE_TO_CHILD & ~elsewhere));
    return plan;
}
