/*
 * two_processes.c - cat(1) through shared memory: the parent reads standard input, and a forked
 * child writes the same bytes to standard output.
 *
 *     cc two_processes.c $(pkg-config --cflags --libs shmsum) -o two_processes
 */
#include <shmsum/channel.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 8, SLOT_BYTES = 4096 };

static struct shmsum_word stop; /* set when the child has died: ends every wait of the parent */

static void on_child_death(int signal)
{
    (void)signal;
    shmsum_stop_raise(shmsum_os_default(), &stop, SHMSUM_STOP_PEER);
}

/* Exits on a failure. No cleanup is needed: the kernel frees the region when no process maps it any
 * more, and each process is informed when the other one dies. */
static void check(const char *call, int result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "two_processes: %s: %s\n", call, strerror(-result));
    exit(EXIT_FAILURE);
}

static void produce(struct shmsum_channel *channel)
{
    ssize_t size;
    do {
        uint8_t *payload;
        check("acquire", shmsum_channel_acquire(channel, &payload, NULL));
        size = read(STDIN_FILENO, payload, SLOT_BYTES);
        check("read", size < 0 ? -errno : 0);
        if (size > 0)
            shmsum_channel_publish(channel, (uint32_t)size, 0);
    } while (size > 0);
    check("end", shmsum_channel_end(channel, SHMSUM_END_COMPLETE, NULL));
}

static void consume(struct shmsum_channel *channel)
{
    uint8_t bytes[SLOT_BYTES];
    struct shmsum_block block;
    for (;;) {
        check("take", shmsum_channel_take(channel, bytes, &block, NULL));
        if (block.end)
            break;
        shmsum_channel_release(channel); /* the bytes are ours, the slot is the producer's again */
        check("fwrite", fwrite(bytes, block.length, 1, stdout) == 1 ? 0 : -errno);
    }
    check("fclose", fclose(stdout) == 0 ? 0 : -errno);
}

int main(void)
{
    const struct shmsum_os *os = shmsum_os_default();
    const struct shmsum_geometry geometry = {.slots = SLOTS, .payload_bytes = SLOT_BYTES};
    struct shmsum_region region;
    check("region_create", shmsum_region_create(&region, os, &geometry, NULL));
    check("region_unlink", shmsum_region_unlink(&region, NULL)); /* fork needs no name */

    struct sigaction action = {.sa_handler = on_child_death};
    check("sigaction", sigaction(SIGCHLD, &action, NULL) < 0 ? -errno : 0);
    pid_t parent = getpid();
    pid_t child = fork();
    check("fork", child < 0 ? -errno : 0);
    enum shmsum_role role = child == 0 ? SHMSUM_CONSUMER : SHMSUM_PRODUCER;
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, &region, role, &stop, SHMSUM_STOP_PEER);

    if (child == 0) {
        check("prctl", os->set_pdeathsig(os, SIGKILL)); /* do not outlive the parent */
        check("getppid", getppid() == parent ? 0 : -ESRCH);
        consume(&channel);
        return EXIT_SUCCESS;
    }
    produce(&channel);
    int status;
    while (waitpid(child, &status, 0) < 0)
        check("waitpid", errno == EINTR ? 0 : -errno);
    shmsum_region_clean_up(&region);
    return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
