/*
 * region.h - the shared memory object: its layout, and how it comes and goes.
 *
 * DOC: region-layout
 *
 * This layout is the specification of what the two processes share. All words are in the byte order
 * of the machine; every word is naturally aligned and is only touched by the accessors in
 * src/channel/shared_word.h. A line is 128 bytes: two cache lines, which CPUs fetch in pairs.
 *
 *     offset  bytes  word           written by              read by
 *     ------  -----  -------------  ----------------------  ---------------------------------
 *          0      8  magic          creator, before attach  the other side, once, at attach
 *          8      4  version        creator                 ditto
 *         12      4  creator        creator                 ditto: the creator's process id
 *         16      4  slot_count     creator                 ditto
 *         20      4  payload_bytes  creator                 ditto
 *         24      8  region_bytes   creator                 ditto
 *         32     16  nonce          creator                 ditto
 *        128      4  attached       consumer                producer, waits for it
 *        256      4  closing        consumer                producer: it wants no more input
 *        264    120  counters       consumer                producer: 15 wide words for reports
 *        512         slots          both
 *
 * Slot i begins at 512 + i * stride, with stride = 128 + payload_bytes rounded up to 128:
 *
 *          0      4  state          both (see channel.h)    both
 *          4      4  length         producer before READY   consumer after acquire
 *          8      4  source         producer before READY   consumer: which input file it came from
 *         12      4  end_reason     producer before END     consumer: complete or cut short
 *        128         payload        producer before READY   consumer after acquire
 */
#ifndef SHMSUM_REGION_H
#define SHMSUM_REGION_H

#include <assert.h>
#include <stdalign.h>
#ifndef __cplusplus
#include <stdatomic.h>
#endif

#include <shmsum/decls.h>
#include <shmsum/os.h>

SHMSUM_BEGIN_DECLS

/* A word that another process may change at any moment. Only src/channel/shared_word.h looks
 * inside: to C++, which has no _Atomic, it is so many bytes. */
#ifdef __cplusplus
struct shmsum_word {
    alignas(4) uint32_t value;
};
struct shmsum_wide {
    alignas(8) uint64_t value;
};
#else
struct shmsum_word {
    _Atomic uint32_t value;
};
struct shmsum_wide {
    _Atomic uint64_t value;
};
#endif

enum {
    SHMSUM_REGION_LINE = 128,
    SHMSUM_REGION_VERSION = 3,
    SHMSUM_REGION_HEADER_BYTES = 512,
    SHMSUM_REGION_SLOTS_MAX = 1024,
    SHMSUM_REGION_PAYLOAD_MAX = 1 << 20,
    SHMSUM_REGION_COUNTERS = 15, /* as many as the consumer's line has room for */
    /* "/shmsum-" pid "-" 32 hexadecimal digits NUL */
    SHMSUM_REGION_NAME_MAX = 8 + 10 + 1 + 32 + 1,
};
#define SHMSUM_REGION_MAGIC UINT64_C(0x31306d75736d6873) /* "shmsum01" in little-endian bytes */

struct shmsum_region_header {
    alignas(SHMSUM_REGION_LINE) struct shmsum_wide magic;
    struct shmsum_word version;
    struct shmsum_word creator;
    struct shmsum_word slot_count;
    struct shmsum_word payload_bytes;
    struct shmsum_wide region_bytes;
    struct shmsum_wide nonce[2];

    alignas(SHMSUM_REGION_LINE) struct shmsum_word attached;

    alignas(SHMSUM_REGION_LINE) struct shmsum_word closing;
    struct shmsum_wide counters[SHMSUM_REGION_COUNTERS];

    alignas(SHMSUM_REGION_LINE) uint8_t reserved[SHMSUM_REGION_LINE];
};

struct shmsum_slot {
    alignas(SHMSUM_REGION_LINE) struct shmsum_word state;
    struct shmsum_word length;
    struct shmsum_word source;
    struct shmsum_word end_reason;
#ifndef __cplusplus /* which has no arrays without a size: there the payload is what follows */
    alignas(SHMSUM_REGION_LINE) uint8_t payload[];
#endif
};

#define SHMSUM_AT(type, field, offset) \
    static_assert(offsetof(struct type, field) == (offset), #type "." #field)
SHMSUM_AT(shmsum_region_header, magic, 0);
SHMSUM_AT(shmsum_region_header, version, 8);
SHMSUM_AT(shmsum_region_header, creator, 12);
SHMSUM_AT(shmsum_region_header, slot_count, 16);
SHMSUM_AT(shmsum_region_header, payload_bytes, 20);
SHMSUM_AT(shmsum_region_header, region_bytes, 24);
SHMSUM_AT(shmsum_region_header, nonce, 32);
SHMSUM_AT(shmsum_region_header, attached, 128);
SHMSUM_AT(shmsum_region_header, closing, 256);
SHMSUM_AT(shmsum_region_header, counters, 264);
SHMSUM_AT(shmsum_region_header, reserved, 384);
static_assert(sizeof(struct shmsum_region_header) == SHMSUM_REGION_HEADER_BYTES, "header");
SHMSUM_AT(shmsum_slot, state, 0);
SHMSUM_AT(shmsum_slot, length, 4);
SHMSUM_AT(shmsum_slot, source, 8);
SHMSUM_AT(shmsum_slot, end_reason, 12);
static_assert(sizeof(struct shmsum_slot) == SHMSUM_REGION_LINE, "payload");
static_assert(sizeof(struct shmsum_word) == 4 && sizeof(struct shmsum_wide) == 8, "words");
#ifndef __cplusplus
SHMSUM_AT(shmsum_slot, payload, SHMSUM_REGION_LINE);
static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2,
              "words are shared between processes: a lock would be private to one of them");
#endif
#undef SHMSUM_AT

/* How many slots, of how many bytes each. */
struct shmsum_geometry {
    uint32_t slots;         /* 1 .. SHMSUM_REGION_SLOTS_MAX */
    uint32_t payload_bytes; /* 1 .. SHMSUM_REGION_PAYLOAD_MAX */
};

/* One process's hold on a region: private memory, filled by the functions below, read by callers.
 */
struct shmsum_region {
    const struct shmsum_os *os;
    struct shmsum_region_header *header;
    size_t bytes;
    struct shmsum_geometry geometry; /* a private copy: never read again from the region */
    uint64_t nonce[2];
    pid_t creator;
    int fd;     /* -1 once closed */
    bool named; /* this side created the name and has not removed it */
    char name[SHMSUM_REGION_NAME_MAX];
};

/* Bytes that a region of this geometry takes, or 0 when the geometry is out of range. Pure. */
size_t shmsum_region_bytes(const struct shmsum_geometry *geometry);

/* Slot i, 0 <= i < geometry.slots. Pure. */
struct shmsum_slot *shmsum_region_slot(const struct shmsum_region *region, uint32_t i);

/*
 * Creates the object: mode 0600, a name nobody can guess (128 random bits), all its memory
 * allocated at once, locked so that the next start can tell it from one left behind by a crash,
 * mapped, all slots FREE. The caller owns *region and ends with shmsum_region_clean_up. Returns 0,
 * or a negative errno with *why filled and nothing left behind: -EINVAL (geometry), -ENOSPC
 * (/dev/shm is full), -EACCES, -EMFILE, -ENFILE, -ENOMEM, -ENOSYS. Not for signal handlers. One
 * thread per region.
 */
int shmsum_region_create(struct shmsum_region *region, const struct shmsum_os *os,
                         const struct shmsum_geometry *geometry, struct shmsum_failure *why);

/*
 * Opens by name an object that another process created. Refuses (-EPROTO, with what was wrong in
 * *why) anything but a regular object of the caller's user, mode 0600, of the exact size that its
 * header says, with the right magic, version, geometry and nonce. The descriptor is closed again
 * before it returns. Errors as above. Then announces itself: see shmsum_channel_await_attached.
 */
int shmsum_region_attach(struct shmsum_region *region, const struct shmsum_os *os, const char *name,
                         const uint64_t nonce[2], struct shmsum_failure *why);

/*
 * Lays a region out in memory that the caller owns: memory[0..size), aligned to
 * SHMSUM_REGION_LINE, zeroed. For two threads over one mapping, and for tests.
 * Returns 0 or -EINVAL. Needs no clean-up.
 */
int shmsum_region_init_in(struct shmsum_region *region, const struct shmsum_os *os, void *memory,
                          size_t size, const struct shmsum_geometry *geometry);

/* Removes the name and closes the descriptor: from now on nothing is left to leak, to open or to
 * truncate. Returns 0, or a negative errno with *why filled. */
int shmsum_region_unlink(struct shmsum_region *region, struct shmsum_failure *why);

/* Unmaps; removes the name when this side still has it. The region may be cleaned up twice. */
void shmsum_region_clean_up(struct shmsum_region *region);

/*
 * Removes the names that dead processes of this user left behind. A name whose object is locked
 * belongs to somebody alive and stays. Returns how many were removed; or a negative errno when the
 * names cannot be listed.
 */
int shmsum_region_reap(const struct shmsum_os *os);

SHMSUM_END_DECLS

#endif
