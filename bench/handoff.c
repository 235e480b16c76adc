/*
 * handoff.c - section `handoff`: moves bytes from one process to another, on two cores.
 *
 * There are seven transports, each in its best simple form. All are measured in one run, in turns:
 *
 *   shmsum       the channel of this project: shmsum_channel_acquire, copy in, publish; take
 *   pipe         write and read, the pipe as large as the system allows, up to 1 MiB
 *   socketpair   the same with a stream of the Unix domain
 *   mqueue       a POSIX message queue; messages of more than 8 KiB need a privilege
 *   semaphores   a ring in shared memory, one process-shared semaphore for full slots, one for free
 *   condvar      the same ring, a process-shared mutex and two condition variables
 *   lab          one slot and a flag; a process that must wait checks again after usleep(1000)
 *
 * The rings hold 1 MiB, in slots of the size of a message, at most 256 slots. One message is one
 * slot, one write or one send. The sender copies each message from a buffer; the receiver copies it
 * into another buffer and sums all of its words; the total is checked. Two further transports, only
 * for one way, pack messages that are smaller than 64 KiB, as a program with many small messages
 * does:
 *
 *   shmsum, packed   into slots of 64 KiB; a slot is published when it is full
 *   pipe, packed     into writes of 64 KiB
 *
 * Round trip: one message is sent, one of the same size comes back, then the next is sent. One way:
 * the sender sends without waiting for answers. Each process is bound to one CPU. System calls are
 * counted where they are made. Those of semaphores, mutexes and condition variables are made in the
 * C library; for them the number of voluntary context switches is a lower bound. CPU seconds are
 * the sum of both processes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmsum/channel.h>

#include "bench.h"

enum {
    MESSAGE_MAX = 64 * 1024,
    PACK = 64 * 1024,
    RING_BYTES = 1 << 20,
    SLOTS_MAX = 256,
    SAMPLES_MAX = 10000,
};
enum { RUN_LIMIT_S = 60 }; /* ends a process that waits for a peer that has died */

static uint64_t system_calls; /* made by this process */

/* ---- one way between two processes ---- */

/* The ring in shared memory of the transports that need one (not shmsum's). */
struct ring {
    sem_t full, free;
    pthread_mutex_t mutex;
    pthread_cond_t not_full, not_empty;
    uint32_t used;
    _Alignas(128) atomic_int flag;
    _Alignas(128) uint8_t slots[];
};

struct way {
    const struct transport *transport;
    size_t size;    /* the size of a message */
    uint32_t slots; /* the number of slots of a ring */
    uint32_t next;  /* the next slot of this process */
    int fds[2];     /* [0] for the receiver, [1] for the sender */
    mqd_t queue;
    struct ring *ring;
    size_t ring_bytes;
    struct shmsum_region region;
    struct shmsum_channel channel;
    struct shmsum_word stop;
    uint8_t *pack; /* packed messages: a slot or `buffer` in the sender, `buffer` in the receiver */
    size_t packed; /* how many bytes it holds */
    size_t taken;  /* how many of them the receiver has used */
};
static _Alignas(128) uint8_t buffer[PACK];

struct transport {
    const char *name;
    bool counted; /* all of its system calls are counted */
    bool slow;
    bool packs;
    bool (*open)(struct way *way);              /* before the fork; false: not possible here */
    void (*begin)(struct way *way, bool sends); /* in both processes, may be NULL */
    void (*send)(struct way *way, const void *message);
    void (*flush)(struct way *way); /* after the last message, may be NULL */
    /* Returns where the message is: in `message`, or in a buffer of this process. */
    const void *(*receive)(struct way *way, void *message);
    void (*close)(struct way *way);
};

static void need(int result, const char *what)
{
    if (result < 0)
        bench_die("%s: %s", what, strerror(errno));
}

/* -- shmsum -- */

static int counted_wake(const struct shmsum_os *os, const void *word)
{
    (void)os;
    system_calls++;
    return shmsum_os_default()->futex_wake(shmsum_os_default(), word);
}

static int counted_wait_two(const struct shmsum_os *os, const void *word, uint32_t expected,
                            const void *stop, uint32_t stop_expected)
{
    (void)os;
    system_calls++;
    return shmsum_os_default()->futex_waitv(shmsum_os_default(), word, expected, stop,
                                            stop_expected);
}

static int counted_wait(const struct shmsum_os *os, const void *word, uint32_t expected,
                        int timeout_ms)
{
    (void)os;
    system_calls++;
    return shmsum_os_default()->futex_wait(shmsum_os_default(), word, expected, timeout_ms);
}

static struct shmsum_os counting_os;

static bool channel_open(struct way *way)
{
    struct shmsum_failure why;
    bool packs = way->transport->packs;
    struct shmsum_geometry geometry = {
        .slots = packs ? RING_BYTES / PACK : way->slots,
        .payload_bytes = packs ? PACK : (uint32_t)way->size,
    };
    counting_os = *shmsum_os_default();
    counting_os.futex_wake = counted_wake;
    counting_os.futex_waitv = counted_wait_two;
    counting_os.futex_wait = counted_wait;
    if (shmsum_region_create(&way->region, &counting_os, &geometry, &why) < 0 ||
        shmsum_region_unlink(&way->region, &why) < 0)
        bench_die("%s: %s: %s", why.call, why.object, strerror(why.error));
    return true;
}

static void channel_begin(struct way *way, bool sends)
{
    shmsum_channel_init(&way->channel, &way->region, sends ? SHMSUM_PRODUCER : SHMSUM_CONSUMER,
                        &way->stop, SHMSUM_STOP_PEER);
}

static void channel_send(struct way *way, const void *message)
{
    uint8_t *payload;
    struct shmsum_failure why;
    if (shmsum_channel_acquire(&way->channel, &payload, &why) < 0)
        bench_die("%s: %s: %s", why.call, why.object, strerror(why.error));
    memcpy(payload, message, way->size);
    shmsum_channel_publish(&way->channel, (uint32_t)way->size, 0);
}

static const void *channel_receive(struct way *way, void *message)
{
    struct shmsum_block block;
    struct shmsum_failure why;
    if (shmsum_channel_take(&way->channel, message, &block, &why) < 0)
        bench_die("%s: %s: %s", why.call, why.object, strerror(why.error));
    shmsum_channel_release(&way->channel);
    if (block.end || block.length != way->size)
        bench_die("channel: a message of the wrong size");
    return message;
}

static void channel_flush(struct way *way)
{
    if (way->packed > 0)
        shmsum_channel_publish(&way->channel, (uint32_t)way->packed, 0);
    way->packed = 0;
}

static void channel_send_packed(struct way *way, const void *message)
{
    struct shmsum_failure why;
    if (way->packed == 0 && shmsum_channel_acquire(&way->channel, &way->pack, &why) < 0)
        bench_die("%s: %s: %s", why.call, why.object, strerror(why.error));
    memcpy(way->pack + way->packed, message, way->size);
    way->packed += way->size;
    if (way->packed == PACK)
        channel_flush(way);
}

static const void *channel_receive_packed(struct way *way, void *message)
{
    (void)message;
    if (way->taken == way->packed) {
        struct shmsum_block block;
        struct shmsum_failure why;
        if (shmsum_channel_take(&way->channel, buffer, &block, &why) < 0)
            bench_die("%s: %s: %s", why.call, why.object, strerror(why.error));
        shmsum_channel_release(&way->channel);
        if (block.end || block.length % way->size != 0)
            bench_die("channel: messages of the wrong size");
        way->packed = block.length;
        way->taken = 0;
    }
    way->taken += way->size;
    return buffer + way->taken - way->size;
}

static void channel_close(struct way *way)
{
    shmsum_region_clean_up(&way->region);
}

/* -- pipe and socketpair -- */

static bool pipe_open(struct way *way)
{
    need(pipe(way->fds), "pipe");
    for (int size = 1 << 20; size > 65536 && fcntl(way->fds[1], F_SETPIPE_SZ, size) < 0; size /= 2)
        ;
    return true;
}

static bool socket_open(struct way *way)
{
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, way->fds), "socketpair");
    int size = 1 << 20; /* the kernel reduces this to its limit */
    for (int i = 0; i < 2; i++) {
        setsockopt(way->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        setsockopt(way->fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    return true;
}

static void stream_send(struct way *way, const void *message)
{
    for (size_t done = 0; done < way->size;) {
        system_calls++;
        ssize_t wrote = write(way->fds[1], (const uint8_t *)message + done, way->size - done);
        need((int)wrote, "write");
        done += (size_t)wrote;
    }
}

static const void *stream_receive(struct way *way, void *message)
{
    for (size_t done = 0; done < way->size;) {
        system_calls++;
        ssize_t got = read(way->fds[0], (uint8_t *)message + done, way->size - done);
        need((int)got, "read");
        if (got == 0)
            bench_die("read: the sender is gone");
        done += (size_t)got;
    }
    return message;
}

static void stream_flush(struct way *way)
{
    for (size_t done = 0; done < way->packed;) {
        system_calls++;
        ssize_t wrote = write(way->fds[1], buffer + done, way->packed - done);
        need((int)wrote, "write");
        done += (size_t)wrote;
    }
    way->packed = 0;
}

static void stream_send_packed(struct way *way, const void *message)
{
    memcpy(buffer + way->packed, message, way->size);
    way->packed += way->size;
    if (way->packed == PACK)
        stream_flush(way);
}

static const void *stream_receive_packed(struct way *way, void *message)
{
    (void)message;
    if (way->taken == way->packed)
        way->packed = way->taken = 0;
    while (way->packed - way->taken < way->size) { /* PACK is a multiple of the size */
        system_calls++;
        ssize_t got = read(way->fds[0], buffer + way->packed, PACK - way->packed);
        need((int)got, "read");
        if (got == 0)
            bench_die("read: the sender is gone");
        way->packed += (size_t)got;
    }
    way->taken += way->size;
    return buffer + way->taken - way->size;
}

static void stream_close(struct way *way)
{
    close(way->fds[0]);
    close(way->fds[1]);
}

/* -- POSIX message queue -- */

static void write_setting(const char *path, const char *value)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return;
    fputs(value, file);
    fclose(file);
}

/* root may raise the limits. It does so in a new IPC namespace, so that the limits of the machine
 * do not change. Other users have 10 messages of 8 KiB. */
static void queue_raise_limits(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MSGQUEUE, &all);
    if (unshare(CLONE_NEWIPC) != 0)
        return;
    write_setting("/proc/sys/fs/mqueue/msg_max", "1024");
    write_setting("/proc/sys/fs/mqueue/msgsize_max", "65536");
}

static bool queue_open(struct way *way)
{
    char name[64];
    snprintf(name, sizeof name, "/shmsum-bench-%ld", (long)getpid());
    /* Try as many messages as the ring has slots, then 10, which every user may have, then fewer,
     * because the memory of all queues together is limited as well. */
    const long counts[] = {(long)way->slots, 10, 4, 1};
    way->queue = (mqd_t)-1;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && way->queue == (mqd_t)-1; i++) {
        struct mq_attr attributes = {.mq_maxmsg = counts[i], .mq_msgsize = (long)way->size};
        way->queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
    }
    if (way->queue == (mqd_t)-1)
        return false;
    mq_unlink(name);
    return true;
}

static void queue_send(struct way *way, const void *message)
{
    system_calls++;
    need(mq_send(way->queue, message, way->size, 0), "mq_send");
}

static const void *queue_receive(struct way *way, void *message)
{
    system_calls++;
    need((int)mq_receive(way->queue, message, way->size, NULL), "mq_receive");
    return message;
}

static void queue_close(struct way *way)
{
    mq_close(way->queue);
}

/* -- the rings -- */

static bool ring_open(struct way *way)
{
    way->ring_bytes = sizeof *way->ring + way->slots * way->size;
    void *memory =
        mmap(NULL, way->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_die("mmap: %s", strerror(errno));
    struct ring *ring = way->ring = memory;
    memset(ring->slots, 0, way->slots * way->size);
    need(sem_init(&ring->full, 1, 0), "sem_init");
    need(sem_init(&ring->free, 1, way->slots), "sem_init");
    pthread_mutexattr_t shared_mutex;
    pthread_condattr_t shared_condition;
    pthread_mutexattr_init(&shared_mutex);
    pthread_mutexattr_setpshared(&shared_mutex, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&ring->mutex, &shared_mutex);
    pthread_condattr_init(&shared_condition);
    pthread_condattr_setpshared(&shared_condition, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&ring->not_full, &shared_condition);
    pthread_cond_init(&ring->not_empty, &shared_condition);
    return true;
}

/* The next slot of this process. */
static uint8_t *ring_slot(struct way *way)
{
    uint8_t *slot = way->ring->slots + way->next * way->size;
    way->next = way->next + 1 == way->slots ? 0 : way->next + 1;
    return slot;
}

static void ring_close(struct way *way)
{
    munmap(way->ring, way->ring_bytes);
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        if (errno != EINTR)
            bench_die("sem_wait: %s", strerror(errno));
}

static void semaphores_send(struct way *way, const void *message)
{
    wait_for(&way->ring->free);
    memcpy(ring_slot(way), message, way->size);
    sem_post(&way->ring->full);
}

static const void *semaphores_receive(struct way *way, void *message)
{
    wait_for(&way->ring->full);
    memcpy(message, ring_slot(way), way->size);
    sem_post(&way->ring->free);
    return message;
}

/* The copy is outside the mutex: a slot belongs to one side at a time. */
static void condvar_send(struct way *way, const void *message)
{
    struct ring *ring = way->ring;
    pthread_mutex_lock(&ring->mutex);
    while (ring->used == way->slots)
        pthread_cond_wait(&ring->not_full, &ring->mutex);
    pthread_mutex_unlock(&ring->mutex);
    memcpy(ring_slot(way), message, way->size);
    pthread_mutex_lock(&ring->mutex);
    ring->used++;
    pthread_cond_signal(&ring->not_empty);
    pthread_mutex_unlock(&ring->mutex);
}

static const void *condvar_receive(struct way *way, void *message)
{
    struct ring *ring = way->ring;
    pthread_mutex_lock(&ring->mutex);
    while (ring->used == 0)
        pthread_cond_wait(&ring->not_empty, &ring->mutex);
    pthread_mutex_unlock(&ring->mutex);
    memcpy(message, ring_slot(way), way->size);
    pthread_mutex_lock(&ring->mutex);
    ring->used--;
    pthread_cond_signal(&ring->not_full);
    pthread_mutex_unlock(&ring->mutex);
    return message;
}

static void lab_wait(struct way *way, int flag)
{
    while (atomic_load_explicit(&way->ring->flag, memory_order_acquire) != flag) {
        system_calls++;
        usleep(1000);
    }
}

static void lab_send(struct way *way, const void *message)
{
    lab_wait(way, 0);
    memcpy(way->ring->slots, message, way->size);
    atomic_store_explicit(&way->ring->flag, 1, memory_order_release);
}

static const void *lab_receive(struct way *way, void *message)
{
    lab_wait(way, 1);
    memcpy(message, way->ring->slots, way->size);
    atomic_store_explicit(&way->ring->flag, 0, memory_order_release);
    return message;
}

static const struct transport transports[] = {
    {"shmsum", true, false, false, channel_open, channel_begin, channel_send, NULL, channel_receive,
     channel_close},
    {"shmsum, packed", true, false, true, channel_open, channel_begin, channel_send_packed,
     channel_flush, channel_receive_packed, channel_close},
    {"pipe", true, false, false, pipe_open, NULL, stream_send, NULL, stream_receive, stream_close},
    {"pipe, packed", true, false, true, pipe_open, NULL, stream_send_packed, stream_flush,
     stream_receive_packed, stream_close},
    {"socketpair", true, false, false, socket_open, NULL, stream_send, NULL, stream_receive,
     stream_close},
    {"mqueue", true, false, false, queue_open, NULL, queue_send, NULL, queue_receive, queue_close},
    {"semaphores", false, false, false, ring_open, NULL, semaphores_send, NULL, semaphores_receive,
     ring_close},
    {"condvar", false, false, false, ring_open, NULL, condvar_send, NULL, condvar_receive,
     ring_close},
    {"lab", true, true, false, ring_open, NULL, lab_send, NULL, lab_receive, ring_close},
};
enum { TRANSPORTS = sizeof transports / sizeof *transports, PIPE = 2 };

/* ---- one run ---- */

/* The receiver's report to the sender, in shared memory. */
struct report {
    atomic_int ready;
    uint64_t end_ns;
    double cpu_s;
    uint64_t system_calls;
    long waits;
};

struct result {
    bool possible;
    double seconds, cpu_s;
    double calls; /* system calls of both sides per message; or the context switches, where not all
                     calls are counted */
};

static double round_trips_us[SAMPLES_MAX];
static _Alignas(128) uint64_t out_message[MESSAGE_MAX / 8], in_message[MESSAGE_MAX / 8];

static uint64_t sum_words(const uint64_t *message, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size / 8; i++)
        sum += message[i];
    return sum;
}

/* The sum of all words of `count` messages, where message i has i as its first word. */
static uint64_t expected_total(size_t size, uint64_t count)
{
    return (sum_words(out_message, size) - out_message[0]) * count + count * (count - 1) / 2;
}

static void begin_way(struct way *way, bool sends)
{
    if (way->transport->begin != NULL)
        way->transport->begin(way, sends);
}

/* The counters of this process at the start of a run. */
struct meter {
    double cpu_s;
    long waits;
};

static struct meter meter_begin(void)
{
    system_calls = 0;
    return (struct meter){.cpu_s = bench_cpu_seconds_self(), .waits = bench_waits_self()};
}

/* The receiver: takes `count` messages, and sends each back if there is a way back. */
static void receiver(struct way *way, struct way *back, uint64_t count, struct report *report)
{
    begin_way(way, false); /* before pinning, because the channel asks for the number of CPUs */
    if (back != NULL)
        begin_way(back, true);
    bench_pin(1);
    struct meter meter = meter_begin();
    atomic_store(&report->ready, 1);
    uint64_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
        const void *message = way->transport->receive(way, in_message);
        total += sum_words(message, way->size);
        if (back != NULL)
            back->transport->send(back, message);
    }
    report->end_ns = bench_now_ns(); /* the same clock in both processes */
    report->cpu_s = bench_cpu_seconds_self() - meter.cpu_s;
    report->system_calls = system_calls;
    report->waits = bench_waits_self() - meter.waits;
    if (total != expected_total(way->size, count))
        bench_die("%s: the messages did not arrive as they were sent", way->transport->name);
}

static struct result run(const struct transport *transport, size_t size, uint64_t count,
                         bool round_trip)
{
    static struct way way, back;
    struct way fresh = {
        .transport = transport,
        .size = size,
        .slots = transport->slow                 ? 1
                 : size * SLOTS_MAX > RING_BYTES ? (uint32_t)(RING_BYTES / size)
                                                 : SLOTS_MAX,
    };
    way = back = fresh;
    if (!transport->open(&way))
        return (struct result){0};
    if (round_trip && !transport->open(&back)) {
        transport->close(&way);
        return (struct result){0};
    }
    struct report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED)
        bench_die("mmap: %s", strerror(errno));

    fflush(stdout);
    alarm(RUN_LIMIT_S);
    pid_t pid = fork();
    need(pid, "fork");
    if (pid == 0) {
        alarm(RUN_LIMIT_S); /* alarms are not inherited */
        receiver(&way, round_trip ? &back : NULL, count, report);
        _exit(0);
    }
    begin_way(&way, true);
    if (round_trip)
        begin_way(&back, false);
    cpu_set_t all;
    sched_getaffinity(0, sizeof all, &all);
    bench_pin(0);
    while (atomic_load(&report->ready) == 0)
        usleep(100);

    struct meter meter = meter_begin();
    uint64_t begin = bench_now_ns();
    for (uint64_t i = 0; i < count; i++) {
        out_message[0] = i;
        uint64_t sent = round_trip ? bench_now_ns() : 0;
        transport->send(&way, out_message);
        if (round_trip) {
            transport->receive(&back, in_message);
            round_trips_us[i] = (double)(bench_now_ns() - sent) / 1e3;
            if (in_message[0] != i)
                bench_die("%s: another message came back", transport->name);
        }
    }
    if (transport->flush != NULL)
        transport->flush(&way);
    double cpu_s = bench_cpu_seconds_self() - meter.cpu_s;
    uint64_t calls = system_calls;
    long waits = bench_waits_self() - meter.waits;
    int status;
    need(waitpid(pid, &status, 0), "waitpid");
    sched_setaffinity(0, sizeof all, &all);
    if (status != 0)
        bench_die("%s: the receiver failed", transport->name);

    struct result result = {
        .possible = true,
        .seconds = (double)(report->end_ns - begin) / 1e9, /* until the last byte was summed */
        .cpu_s = cpu_s + report->cpu_s,
        .calls = transport->counted ? (double)(calls + report->system_calls)
                                    : (double)(waits + report->waits),
    };
    result.calls /= (double)count;
    munmap(report, sizeof *report);
    transport->close(&way);
    if (round_trip)
        transport->close(&back);
    return result;
}

/* The number of messages that take about this long, sent one way. */
static uint64_t choose_count(const struct transport *transport, size_t size, uint64_t target_ns,
                             uint64_t most)
{
    uint64_t count = transport->slow ? 20 : 200;
    for (int look = 0; look < 2; look++) {
        struct result result = run(transport, size, count, false);
        if (!result.possible)
            return 0;
        double wanted = (double)count * (double)target_ns / 1e9 / result.seconds;
        uint64_t least = transport->slow ? 20 : 200;
        count = wanted < (double)least ? least : wanted > (double)most ? most : (uint64_t)wanted;
        if (transport->slow)
            break;
    }
    return count;
}

/* ---- the tables ---- */

static const char *calls_text(char *text, size_t room, const struct transport *transport,
                              double calls)
{
    snprintf(text, room, "%s%.3g", transport->counted ? "" : "at least ", calls);
    return text;
}

static void round_trips(const struct bench *bench, size_t size, const char *what)
{
    size_t rounds = bench_rounds(bench);
    const uint64_t fast = bench_pick(bench, 10000, 1000, 100);
    const uint64_t slow = bench_pick(bench, 200, 50, 5);
    double p50[TRANSPORTS][BENCH_ROUNDS_MAX], p99[TRANSPORTS][BENCH_ROUNDS_MAX],
        p999[TRANSPORTS][BENCH_ROUNDS_MAX], calls[TRANSPORTS][BENCH_ROUNDS_MAX],
        cpu[TRANSPORTS][BENCH_ROUNDS_MAX];
    uint64_t counts[TRANSPORTS];
    for (int i = 0; i < TRANSPORTS; i++)
        counts[i] = transports[i].packs ? 0 : transports[i].slow ? slow : fast;
    for (size_t round = 0; round < rounds; round++) {
        for (int i = 0; i < TRANSPORTS; i++) {
            if (counts[i] == 0)
                continue;
            struct result result = run(&transports[i], size, counts[i], true);
            if (!result.possible) {
                counts[i] = 0;
                continue;
            }
            p50[i][round] = bench_percentile(round_trips_us, counts[i], 0.5);
            p99[i][round] = bench_percentile(round_trips_us, counts[i], 0.99);
            p999[i][round] = bench_percentile(round_trips_us, counts[i], 0.999);
            calls[i][round] = result.calls;
            cpu[i][round] = result.cpu_s * 1e6 / (double)counts[i];
        }
    }
    printf("\nround trip, %s there and back\n\n", what);
    printf("| | p50 us | p99 us | p99.9 us | times the pipe | system calls | CPU us "
           "| of trips |\n");
    printf("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    double pipe_us = bench_median(p50[PIPE], rounds);
    for (int i = 0; i < TRANSPORTS; i++) {
        if (transports[i].packs)
            continue;
        if (counts[i] == 0) {
            printf("| %s | not allowed here | | | | | | |\n", transports[i].name);
            continue;
        }
        char text[32];
        double half = bench_median(p50[i], rounds);
        printf("| %s | %.2f | %.2f | %.2f | %.2f | %s | %.2f | %llu |\n", transports[i].name, half,
               bench_median(p99[i], rounds), bench_median(p999[i], rounds), pipe_us / half,
               calls_text(text, sizeof text, &transports[i], bench_median(calls[i], rounds)),
               bench_median(cpu[i], rounds), (unsigned long long)counts[i]);
        char name[64];
        snprintf(name, sizeof name, "round trip, %s", what);
        bench_record(bench, name, transports[i].name, "p50 us", half);
        bench_record(bench, name, transports[i].name, "p99 us", bench_median(p99[i], rounds));
        bench_record(bench, name, transports[i].name, "p99.9 us", bench_median(p999[i], rounds));
        bench_record(bench, name, transports[i].name,
                     transports[i].counted ? "system calls" : "waits",
                     bench_median(calls[i], rounds));
        bench_record(bench, name, transports[i].name, "CPU us", bench_median(cpu[i], rounds));
    }
}

static void one_way(const struct bench *bench, size_t size, const char *what)
{
    size_t rounds = bench_rounds(bench);
    uint64_t target_ns = bench_pick(bench, 500000000, 50000000, 5000000);
    double seconds[TRANSPORTS][BENCH_ROUNDS_MAX], calls[TRANSPORTS][BENCH_ROUNDS_MAX],
        cpu[TRANSPORTS][BENCH_ROUNDS_MAX];
    uint64_t counts[TRANSPORTS];
    for (int i = 0; i < TRANSPORTS; i++) /* no row where there is nothing to pack */
        counts[i] = transports[i].packs && size >= PACK
                        ? 0
                        : choose_count(&transports[i], size, target_ns, 1u << 26);
    for (size_t round = 0; round < rounds; round++) {
        for (int i = 0; i < TRANSPORTS; i++) {
            if (counts[i] == 0)
                continue;
            struct result result = run(&transports[i], size, counts[i], false);
            seconds[i][round] = result.seconds / (double)counts[i];
            calls[i][round] = result.calls;
            cpu[i][round] = result.cpu_s * 1e6 / (double)counts[i];
        }
    }
    printf("\none way, %s a message\n\n", what);
    printf("| | messages/s | GB/s | times the pipe | system calls a message | CPU us a message "
           "|\n");
    printf("| --- | ---: | ---: | ---: | ---: | ---: |\n");
    double pipe_s = bench_median(seconds[PIPE], rounds);
    for (int i = 0; i < TRANSPORTS; i++) {
        if (transports[i].packs && counts[i] == 0)
            continue;
        if (counts[i] == 0) {
            printf("| %s | not allowed here | | | | |\n", transports[i].name);
            continue;
        }
        char text[32];
        double took = bench_median(seconds[i], rounds);
        double gb_s = (double)size / took / 1e9;
        printf("| %s | %.0f | %.4f | %.2f | %s | %.3f |\n", transports[i].name, 1 / took, gb_s,
               pipe_s / took,
               calls_text(text, sizeof text, &transports[i], bench_median(calls[i], rounds)),
               bench_median(cpu[i], rounds));
        char name[64];
        snprintf(name, sizeof name, "one way, %s", what);
        bench_record(bench, name, transports[i].name, "messages/s", 1 / took);
        bench_record(bench, name, transports[i].name, "GB/s", gb_s);
        bench_record(bench, name, transports[i].name,
                     transports[i].counted ? "system calls" : "waits",
                     bench_median(calls[i], rounds));
        bench_record(bench, name, transports[i].name, "CPU us", bench_median(cpu[i], rounds));
    }
}

int main(int argc, char *argv[])
{
    static const struct {
        size_t bytes;
        const char *text;
    } sizes[] = {{64, "64 B"}, {4096, "4 KiB"}, {65536, "64 KiB"}};
    struct bench bench;
    bench_begin(&bench, "handoff",
                "Two processes, pinned to a CPU each; every message is copied in, copied out, and "
                "summed by the receiver, and the total is checked. Medians of runs in turns. "
                "System calls are both sides' together; \"at least\": times that a side gave up "
                "its CPU to wait, for the C library's own calls are not seen.",
                argc, argv);
    cpu_set_t cpus;
    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < 2)
        printf("\nOnly one CPU is available: both processes share it, so these measurements mean "
               "little.\n");
    queue_raise_limits();
    for (size_t i = 0; i < MESSAGE_MAX / 8; i++)
        out_message[i] = i * UINT64_C(0x9e3779b97f4a7c15) + bench.seed;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        round_trips(&bench, sizes[i].bytes, sizes[i].text);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        one_way(&bench, sizes[i].bytes, sizes[i].text);
    return 0;
}
