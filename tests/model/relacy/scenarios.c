/*
 * scenarios.c - what two or three threads do with the real src/channel/channel.c under Relacy
 * (engine.h), and what must hold.
 *
 * A thread stands for a process, or for a signal that arrives in one. Besides the checks here, the
 * engine reports data races on payload bytes, waits that never end, and reads of uninitialised
 * bytes.
 */
#include <shmsum/channel.h>

#include <errno.h>

enum {
    SLOTS_MOST = 3,
    PAYLOAD = 2,
    SLOT_BYTES = 2 * SHMSUM_REGION_LINE,
};

static _Alignas(
    SHMSUM_REGION_LINE) uint8_t memory[SHMSUM_REGION_HEADER_BYTES + SLOTS_MOST * SLOT_BYTES];

/* The current run. Plain memory: only setup or one thread writes each member. */
static struct {
    struct shmsum_region region;
    struct shmsum_channel ends[2]; /* by role */
    struct shmsum_word stops[2];
    uint32_t blocks;    /* to publish */
    uint32_t leaves_at; /* blocks after which a side exits */
    uint32_t line_ends; /* bit i: block i ends a line of the dialogue */
    uint32_t published;
    uint32_t taken;
    enum shmsum_end_reason end_reason;
    uint64_t clock;
    int cpus;
    bool has_waitv;
} world;

/* Stand for things outside of memory that two sides must not use at once. */
static const uint8_t shm_name, terminal, reason;

/* ---- the operating system ---- */

/* The errno of the result of a futex wait. */
static int error_of(enum engine_waited how)
{
    static const int errors[] = {
        [ENGINE_WOKEN] = 0,
        [ENGINE_DIFFERED] = -EAGAIN,
        [ENGINE_INTERRUPTED] = -EINTR,
        [ENGINE_TIMED_OUT] = -ETIMEDOUT,
    };
    return errors[how];
}

static int model_wait_two(const struct shmsum_os *os, const void *word, uint32_t expected,
                          const void *stop, uint32_t stop_expected)
{
    (void)os;
    if (!world.has_waitv)
        return -ENOSYS;
    const void *words[] = {word, stop};
    const uint32_t values[] = {expected, stop_expected};
    return error_of(engine_futex_wait(words, values, 2, false));
}

static int model_wait(const struct shmsum_os *os, const void *word, uint32_t expected,
                      int timeout_ms)
{
    (void)os;
    engine_check(timeout_ms > 0, "a sleep without a time limit");
    return error_of(engine_futex_wait(&word, &expected, 1, true));
}

static int model_wake(const struct shmsum_os *os, const void *word)
{
    (void)os;
    return engine_futex_wake(word);
}

static int model_cpu_count(const struct shmsum_os *os)
{
    (void)os;
    return world.cpus;
}

static uint64_t model_clock_ns(const struct shmsum_os *os)
{
    (void)os;
    return world.clock += 1000;
}

static pid_t model_get_pid(const struct shmsum_os *os)
{
    (void)os;
    return 1;
}

static const struct shmsum_os model_os = {
    .futex_waitv = model_wait_two,
    .futex_wait = model_wait,
    .futex_wake = model_wake,
    .getpid = model_get_pid,
    .cpu_count = model_cpu_count,
    .clock_ns = model_clock_ns,
};

/* ---- for all scenarios ---- */

static struct shmsum_channel *const producer = &world.ends[SHMSUM_PRODUCER];
static struct shmsum_channel *const consumer = &world.ends[SHMSUM_CONSUMER];

/* Makes a ring of `slots` slots. If not small, also chooses spins, spurious wakes, and a kernel
 * without futex_waitv. */
static void set_up(uint32_t slots, bool small)
{
    world.blocks = world.leaves_at = world.published = world.taken = 0;
    world.end_reason = 0;
    world.clock = 0;
    world.cpus = 1; /* init calibrates no spin; one may be set below */
    world.has_waitv = small || engine_choose(4) > 0;
    engine_allow_spurious(!small && engine_choose(2) == 1);
    struct shmsum_geometry geometry = {.slots = slots, .payload_bytes = PAYLOAD};
    int result = shmsum_region_init_in(&world.region, &model_os, memory, sizeof memory, &geometry);
    engine_check(result == 0, "no region");
    for (int role = 0; role < 2; role++) {
        shmsum_channel_init(&world.ends[role], &world.region, (enum shmsum_role)role,
                            &world.stops[role], SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
        world.ends[role].spins = small ? 0 : engine_choose(2);
        engine_name_word(&world.stops[role], "stop", false);
    }
    for (uint32_t i = 0; i < slots; i++)
        engine_name_word(&shmsum_region_slot(&world.region, i)->state, "state", true);
    engine_name_word(&world.region.header->attached, "attached", false);
}

/* The length of block i. */
static uint32_t block_length(uint32_t i)
{
    return 1 + i % PAYLOAD;
}

/* Publishes a block. Returns the result of acquire. */
static int publish_one(void)
{
    uint8_t *payload;
    int result = shmsum_channel_acquire(producer, &payload, NULL);
    if (result < 0) {
        engine_check(result == SHMSUM_STOPPED,
                     "the producer took a correct consumer for a broken one");
        return result;
    }
    uint32_t length = block_length(world.published);
    for (uint32_t i = 0; i < length; i++)
        engine_write_byte(payload + i, (uint8_t)(world.published * PAYLOAD + i));
    shmsum_channel_publish(producer, length, world.published);
    world.published++;
    return 0;
}

/* Returns 1 for a block, which it does not release, 0 for END, or the error of take. */
static int take_one(void)
{
    uint8_t bytes[PAYLOAD];
    struct shmsum_block block;
    int result = shmsum_channel_take(consumer, bytes, &block, NULL);
    if (result < 0) {
        engine_check(result == SHMSUM_STOPPED,
                     "the consumer took a correct producer for a broken one");
        return result;
    }
    if (block.end) {
        world.end_reason = block.end_reason;
        return 0;
    }
    engine_check(block.source == world.taken, "a block lost, doubled or out of order");
    engine_check(block.length == block_length(world.taken), "the length of another block");
    for (uint32_t i = 0; i < block.length; i++)
        engine_check(bytes[i] == world.taken * PAYLOAD + i, "the bytes of another block");
    world.taken++;
    return 1;
}

/* The same, but releases the block at once, as in bulk. */
static int take_and_release_one(void)
{
    int result = take_one();
    if (result == 1)
        shmsum_channel_release(consumer);
    return result;
}

static void nothing_more(void)
{
}

/* ---- ring: all blocks and END arrive ---- */

static void ring_setup(void)
{
    bool small = engine_scenarios[0].small;
    set_up(1 + engine_choose(small ? 2 : SLOTS_MOST), small);
    world.blocks = small ? 2 : 2 + engine_choose(3);
}

static void ring_thread(unsigned index)
{
    if (index == SHMSUM_PRODUCER) {
        while (world.published < world.blocks)
            engine_check(publish_one() == 0, "the producer was stopped by nobody");
        engine_check(shmsum_channel_end(producer, SHMSUM_END_COMPLETE, NULL) == 0, "no END");
    } else {
        int result;
        while ((result = take_and_release_one()) > 0)
            ;
        engine_check(result == 0, "the consumer was stopped by nobody");
    }
}

static void ring_finish(void)
{
    engine_check(world.taken == world.blocks, "END before all blocks");
    engine_check(world.end_reason == SHMSUM_END_COMPLETE, "another end_reason");
}

/* ---- dialogue: after await_released the producer sees the consumer's results and counters ---- */

static void dialogue_setup(void)
{
    bool small = engine_scenarios[1].small;
    set_up(1 + (small ? 0 : engine_choose(SLOTS_MOST)), small);
    world.blocks = small ? 1 : 1 + engine_choose(3);
    /* A line may have several blocks; the last block ends a line. */
    world.line_ends = (small ? 0 : engine_choose(8)) | 1u << (world.blocks - 1);
}

static void dialogue_thread(unsigned index)
{
    for (uint32_t i = 1; i <= world.blocks; i++) {
        enum shmsum_closing closing = i == world.blocks ? SHMSUM_CLOSED : SHMSUM_OPEN;
        if (index == SHMSUM_PRODUCER) {
            engine_check(publish_one() == 0, "the producer was stopped by nobody");
            if (!(world.line_ends >> (i - 1) & 1))
                continue;
            engine_check(shmsum_channel_await_released(producer, NULL) == 0,
                         "the producer took a correct consumer for a broken one");
            engine_write_byte(&terminal, 0); /* a prompt */
            engine_check(shmsum_channel_counter(producer, 0) == i, "an old counter");
            engine_check(shmsum_channel_closing(producer) == closing, "an old closing");
        } else {
            engine_check(take_one() == 1, "no block");
            engine_write_byte(&terminal, 1); /* a result */
            shmsum_channel_set_counter(consumer, 0, i);
            shmsum_channel_set_closing(consumer, closing);
            shmsum_channel_release(consumer);
        }
    }
}

/* ---- attach: the producer removes the name only after the consumer has used it ---- */

static void attach_setup(void)
{
    set_up(1, engine_scenarios[2].small);
}

static void attach_thread(unsigned index)
{
    if (index == SHMSUM_PRODUCER)
        engine_check(shmsum_channel_await_attached(producer, NULL) == 0, "never attached");
    engine_write_byte(&shm_name, (uint8_t)index); /* unlink; open */
    if (index == SHMSUM_CONSUMER)
        shmsum_channel_attached(consumer);
}

/* ---- stop: a signal at any time; what was published arrives, and then END ---- */

static void stop_setup(void)
{
    bool small = engine_scenarios[3].small;
    set_up(1 + (small ? 0 : engine_choose(SLOTS_MOST)), small);
    world.blocks = small ? 2 : 2 + engine_choose(3);
    producer->stop_mask |= SHMSUM_STOP_INPUT;
}

static void stop_thread(unsigned index)
{
    if (index == SHMSUM_PRODUCER) {
        enum shmsum_end_reason end_reason = SHMSUM_END_COMPLETE;
        while (end_reason == SHMSUM_END_COMPLETE && world.published < world.blocks)
            if (publish_one() < 0)
                end_reason = SHMSUM_END_CUT;
        if (end_reason == SHMSUM_END_CUT)
            (void)engine_read_byte(&reason);
        engine_check(shmsum_channel_end(producer, end_reason, NULL) == 0, "no END");
    } else if (index == SHMSUM_CONSUMER) {
        int result;
        while ((result = take_and_release_one()) > 0)
            ;
        engine_check(result == 0, "the consumer was stopped by nobody");
    } else {
        engine_write_byte(&reason, 1);
        shmsum_stop_raise(&model_os, &world.stops[SHMSUM_PRODUCER], SHMSUM_STOP_INPUT);
    }
}

static void stop_finish(void)
{
    engine_check(world.taken == world.published, "not all that was published");
    engine_check((world.end_reason == SHMSUM_END_COMPLETE) == (world.published == world.blocks),
                 "another end_reason");
}

/* ---- deserted: the consumer exits, and a signal reports it; the producer's wait ends ---- */

static void deserted_setup(void)
{
    bool small = engine_scenarios[4].small;
    set_up(1 + (small ? 0 : engine_choose(SLOTS_MOST)), small);
    world.leaves_at = small ? 0 : engine_choose(3);
    world.blocks = world.leaves_at + world.region.geometry.slots + 1; /* one more than fits */
}

static void deserted_thread(unsigned index)
{
    if (index == SHMSUM_PRODUCER) {
        int result = 0;
        while (result == 0 && world.published < world.blocks)
            result = publish_one();
        engine_check(result == SHMSUM_STOPPED, "more published than the ring holds");
        (void)engine_read_byte(&reason);
    } else {
        while (world.taken < world.leaves_at)
            engine_check(take_and_release_one() == 1, "no block");
        engine_write_byte(&reason, 1);
        shmsum_stop_raise(&model_os, &world.stops[SHMSUM_PRODUCER], SHMSUM_STOP_PEER);
    }
}

/* ---- orphaned: the producer exits without END; the consumer takes what was published ---- */

static void orphaned_setup(void)
{
    bool small = engine_scenarios[5].small;
    set_up(1 + (small ? 0 : engine_choose(SLOTS_MOST)), small);
    world.blocks = small ? 1 : engine_choose(4);
}

static void orphaned_thread(unsigned index)
{
    if (index == SHMSUM_PRODUCER) {
        while (world.published < world.blocks)
            engine_check(publish_one() == 0, "the producer was stopped by nobody");
        shmsum_stop_raise(&model_os, &world.stops[SHMSUM_CONSUMER], SHMSUM_STOP_PEER);
    } else {
        int result;
        while ((result = take_and_release_one()) > 0)
            ;
        engine_check(result == SHMSUM_STOPPED, "an END that nobody published");
    }
}

static void orphaned_finish(void)
{
    engine_check(world.taken == world.published,
                 "a slot that was published before the stop was left");
}

/* ---- look: a thread that sees a stop bit sees what was written before it ---- */

static void look_setup(void)
{
    set_up(1, true);
}

static void look_thread(unsigned index)
{
    struct shmsum_word *stop = &world.stops[SHMSUM_PRODUCER];
    if (index == 0) {
        while (shmsum_stop_bits(stop) == 0)
            engine_yield();
        (void)engine_read_byte(&reason);
    } else {
        engine_write_byte(&reason, 1);
        shmsum_stop_raise(&model_os, stop, SHMSUM_STOP_NOW);
    }
}

/* ---- calibrate: nothing depends on the order ---- */

static void calibrate_thread(unsigned index)
{
    struct shmsum_word *stop = &world.stops[SHMSUM_PRODUCER];
    if (index == 0) {
        world.cpus = 2;
        shmsum_channel_init(producer, &world.region, SHMSUM_PRODUCER, stop, SHMSUM_STOP_NOW);
        engine_check(producer->spins > 0, "no spin with two CPUs");
    } else {
        shmsum_stop_raise(&model_os, stop, SHMSUM_STOP_NOW);
    }
}

struct engine_scenario engine_scenarios[] = {
    {.name = "ring",
     .threads = 2,
     .setup = ring_setup,
     .thread = ring_thread,
     .finish = ring_finish,
     .random_runs = 100000,
     .context_bound = 2},
    {.name = "dialogue",
     .threads = 2,
     .setup = dialogue_setup,
     .thread = dialogue_thread,
     .finish = nothing_more,
     .random_runs = 30000,
     .context_bound = 2},
    {.name = "attach",
     .threads = 2,
     .setup = attach_setup,
     .thread = attach_thread,
     .finish = nothing_more,
     .random_runs = 20000,
     .context_bound = 3},
    {.name = "stop",
     .threads = 3,
     .setup = stop_setup,
     .thread = stop_thread,
     .finish = stop_finish,
     .random_runs = 100000,
     .context_bound = 1},
    {.name = "deserted",
     .threads = 2,
     .setup = deserted_setup,
     .thread = deserted_thread,
     .finish = nothing_more,
     .random_runs = 30000,
     .context_bound = 2},
    {.name = "orphaned",
     .threads = 2,
     .setup = orphaned_setup,
     .thread = orphaned_thread,
     .finish = orphaned_finish,
     .random_runs = 30000,
     .context_bound = 2},
    {.name = "look",
     .threads = 2,
     .setup = look_setup,
     .thread = look_thread,
     .finish = nothing_more,
     .random_runs = 10000,
     .context_bound = -1},
    {.name = "calibrate",
     .threads = 2,
     .setup = look_setup,
     .thread = calibrate_thread,
     .finish = nothing_more,
     .random_runs = 300,
     .context_bound = -1},
};
const size_t engine_scenario_count = sizeof engine_scenarios / sizeof engine_scenarios[0];

const struct engine_access engine_accesses[] = {
    {"shmsum_channel_try_take: shared_load_acquire(&slot->state)", "READY, END: publish, end",
     NULL},
    {"shmsum_channel_try_acquire: shared_load_acquire(&slot->state)", "FREE: release", NULL},
    {"wait_for_slot: shared_load_acquire(word)", "FREE, half a ring ahead: release", NULL},
    {"shmsum_channel_await_released: shared_load_acquire(word)", "FREE, the last slot: release",
     NULL},
    {"shmsum_channel_await_attached: shared_load_acquire(attached)", "attached: attached", NULL},
    {"word_sleep: shared_load_acquire(channel->stop)", "stop: shmsum_stop_raise", NULL},
    {"shmsum_stop_bits: shared_load_acquire(stop)", "stop: shmsum_stop_raise", NULL},
    {"word_publish: shared_exchange_release(word, value), state = READY", "try_take", NULL},
    {"word_publish: shared_exchange_release(word, value), state = END", "try_take", NULL},
    {"word_publish: shared_exchange_release(word, value), state = FREE",
     "try_acquire, wait_for_slot, await_released", NULL},
    {"word_publish: shared_exchange_release(word, value), attached", "await_attached", NULL},
    {"shmsum_stop_raise: shared_or_release(stop, bits)", "word_sleep, shmsum_stop_bits", NULL},
};
const size_t engine_access_count = sizeof engine_accesses / sizeof engine_accesses[0];
