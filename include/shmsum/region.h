/*
 * region.h - the shared memory object: its layout, and how it is created, attached and removed.
 *
 * DOC: region-layout
 *
 * This layout specifies what the two processes share. Words are in the byte order of the machine
 * and naturally aligned; only the accessors of src/channel/shared_word.h touch them. A line is 128
 * bytes: two cache lines, which CPUs fetch in pairs.
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
 *        256      4  closing        consumer                producer: enum shmsum_closing
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

/* A word that another process may change at any moment. Only src/channel/shared_word.h uses the
 * value. C++ has no _Atomic; there the type only has the right size and alignment. */
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
    alignas(8) _Atomic uint64_t value; /* i386 would align it to 4 */
};
#endif

enum {
    SHMSUM_REGION_LINE = 128,
    SHMSUM_REGION_VERSION = 3,
    SHMSUM_REGION_HEADER_BYTES = 512,
    SHMSUM_REGION_SLOTS_MAX = 1024,
    SHMSUM_REGION_PAYLOAD_MAX = 1 << 20,
    SHMSUM_REGION_COUNTERS = 15, /* as many as fit into the consumer's line */
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
#ifndef __cplusplus /* C++ has no arrays without a size; there the payload follows the struct */
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
              "words are shared between processes, and a lock would be private to each");
#endif
#undef SHMSUM_AT

/* The number of slots, and the bytes of payload in each. */
struct shmsum_geometry {
    uint32_t slots;         /* 1 .. SHMSUM_REGION_SLOTS_MAX */
    uint32_t payload_bytes; /* 1 .. SHMSUM_REGION_PAYLOAD_MAX */
};

/* A region as one process has it: private memory, filled by the functions below, read by callers.
 * Every function that can fail returns 0 or a negative errno, with *why filled unless it is NULL.
 * No function is async-signal-safe. A region belongs to one thread. */
struct shmsum_region {
    const struct shmsum_os *os;
    struct shmsum_region_header *header;
    size_t bytes;
    struct shmsum_geometry geometry; /* checked private copy; the header's is not read again */
    uint64_t nonce[2];
    pid_t creator;
    int fd;         /* of the object, -1 if closed */
    bool named;     /* this process has created the name and not removed it */
    bool abandoned; /* attached: its creator was dead, or had closed the object */
    char name[SHMSUM_REGION_NAME_MAX];
};

/* Returns the size in bytes of a region of this geometry, 0 if the geometry is out of range. Pure.
 */
size_t shmsum_region_bytes(const struct shmsum_geometry *geometry);

/* Returns slot i, 0 .. geometry.slots - 1, in the mapping. Pure. */
struct shmsum_slot *shmsum_region_slot(const struct shmsum_region *region, uint32_t i);

/*
 * Creates an object and maps it, with all slots FREE. The object has mode 0600, whatever the umask
 * is, and a name that cannot be guessed (128 random bits). All its memory is allocated, so that a
 * full /dev/shm is an error now and not a SIGBUS later. It is locked, so that shmsum_region_reap
 * knows that its creator lives. The caller owns *region and ends with shmsum_region_clean_up.
 *
 * After a failure nothing is left behind. Errors: -EINVAL (geometry), -ENOSPC (/dev/shm is full),
 * and those of shm_open(3), fchmod(2), flock(2), mmap(2) and getrandom(2).
 */
int shmsum_region_create(struct shmsum_region *region, const struct shmsum_os *os,
                         const struct shmsum_geometry *geometry, struct shmsum_failure *why);

/*
 * Opens the object `name`, which another process created with `nonce`, and maps it. The descriptor
 * is closed before the function returns. The caller owns *region and ends with
 * shmsum_region_clean_up. The consumer then reports itself with shmsum_channel_attached.
 *
 * region->abandoned tells whether the creator's lock was free: then no producer will come. A caller
 * that wants to know of every death asks the kernel for a signal before it attaches.
 *
 * Returns SHMSUM_BROKEN, with the reason in *why, for anything but a regular object of this user
 * with mode 0600, the right magic, version and nonce, a geometry in range, and exactly the size of
 * that geometry; -ENAMETOOLONG; and the errors of shm_open(3), fstat(2) and mmap(2).
 */
int shmsum_region_attach(struct shmsum_region *region, const struct shmsum_os *os, const char *name,
                         const uint64_t nonce[2], struct shmsum_failure *why);

/*
 * Makes a region of memory[0..size), which the caller owns, is zero and is aligned to
 * SHMSUM_REGION_LINE. For two threads of one process. Returns 0, or -EINVAL for a geometry out of
 * range, memory that is too small or not aligned. Needs no clean-up.
 */
int shmsum_region_init_in(struct shmsum_region *region, const struct shmsum_os *os, void *memory,
                          size_t size, const struct shmsum_geometry *geometry);

/* Removes the name, if this process created it, and closes the descriptor. Afterwards no crash can
 * leave the name, and no process can open or truncate the object. A name that is gone already is no
 * error. Errors: those of shm_unlink(3); then shmsum_region_clean_up tries again. */
int shmsum_region_unlink(struct shmsum_region *region, struct shmsum_failure *why);

/* Does what shmsum_region_unlink does, ignoring errors, and unmaps. May be called twice. */
void shmsum_region_clean_up(struct shmsum_region *region);

/*
 * Removes the names that dead processes of this user left behind. A locked object belongs to a
 * living process and stays. Best effort: names that cannot be checked or removed stay. Another user
 * may plant any number of names: one that is not a regular object of this user is not opened, and
 * only the first SHMSUM_REGION_REAP_MAX names of the folder are looked at, of any form. The next
 * call looks at what is left. Returns the number of names removed, or a negative errno if the names
 * cannot be listed.
 */
enum { SHMSUM_REGION_REAP_MAX = 10000 };
int shmsum_region_reap(const struct shmsum_os *os);

SHMSUM_END_DECLS

#endif
