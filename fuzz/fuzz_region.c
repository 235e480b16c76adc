/*
 * fuzz_region.c - an arbitrary object in shared memory.
 *
 * Property: shmsum_region_attach accepts an object if, and only if, region.h allows it, and reads
 * no byte outside of it, even if the size or the words of the object change meanwhile. All slots of
 * an accepted region are inside the mapping. shmsum_region_create reports a failure if, and only
 * if, one happened, and then leaves nothing behind. shmsum_region_reap removes the names of dead
 * processes of this user and no others. shmsum_region_init_in accepts memory if, and only if, it is
 * large and aligned enough.
 *
 * Input: a byte selects one of the four. The function below for it reads the rest byte by byte, as
 * its comment says. Bytes after the end of the input are 0 and change nothing.
 *
 * No real system is behind it: the objects are in a table. A small mapping is memory of exactly its
 * size, so that AddressSanitizer sees an access outside. fault_os records what stays open. The
 * offsets are repeated here from region.h on purpose.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <shmsum/region.h>

#include "fault_os.h"
#include "fuzz.h"
#include "channel/shared_word.h"

enum {
    USER = 1000,
    PROCESS = 4711,
    OBJECTS_MAX = 16,
    NAME_MAX_BYTES = 100,
    EDITS_MAX = 32,
    LATER_MAX = 8,
    HEAD_BYTES = 640, /* an object is zero after these */
    HEADER_BYTES = 512,
    PLAIN_MAX = 32768, /* a larger mapping is from mmap, because most of it is never touched */
    FIRST_FD = 3,
    FDS_MAX = 4,
};

struct object {
    bool exists; /* its name exists */
    char name[NAME_MAX_BYTES + 2];
    mode_t mode;
    uid_t user;
    uint64_t size;
    uint64_t next_size; /* the size after the first fstat */
    bool mounted;       /* something is mounted on its name */
    bool locked;        /* by a living process */
    bool loses_name;    /* another process removes the name before the lock is taken */
    bool removed;       /* by shm_unlink */
    int open_error, unlink_error;
    uint8_t head[HEAD_BYTES];
};

/* A word of the mapping that changes before access number `step`. */
struct later {
    uint32_t step;
    uint32_t word; /* its offset / 4 */
    uint32_t value;
    bool done;
};

static struct {
    struct object objects[OBJECTS_MAX];
    uint32_t object_count;
    struct object *opened[FDS_MAX];
    struct fuzz_input *random;
    uint32_t names_to_lose; /* how many objects lose their name before they are locked */
    uint64_t open_lists, listed;
    uint8_t *mapping; /* the last mapping */
    size_t mapped;    /* and its size */
    size_t allocated;
    uint32_t step;
    struct later later[LATER_MAX];
    uint32_t later_count;
} world;

static struct fault_os faults;

/* ---- the documented layout ---- */

enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_CREATOR = 12,
    AT_SLOTS = 16,
    AT_PAYLOAD = 20,
    AT_BYTES = 24,
    AT_NONCE = 32,
    VERSION = 3,
};

static uint32_t get_word(const uint8_t *bytes, size_t at)
{
    uint32_t word;
    memcpy(&word, bytes + at, sizeof word);
    return word;
}

static void put_word(uint8_t *bytes, size_t at, uint32_t word)
{
    memcpy(bytes + at, &word, sizeof word);
}

static uint64_t get_wide(const uint8_t *bytes, size_t at)
{
    uint64_t wide;
    memcpy(&wide, bytes + at, sizeof wide);
    return wide;
}

static void put_wide(uint8_t *bytes, size_t at, uint64_t wide)
{
    memcpy(bytes + at, &wide, sizeof wide);
}

/* Bytes of a region, 0 when there is none of that geometry. */
static uint64_t region_size(uint64_t slots, uint64_t payload_bytes)
{
    if (slots == 0 || slots > 1024 || payload_bytes == 0 || payload_bytes > 1048576)
        return 0;
    return 512 + slots * (128 + (payload_bytes + 127) / 128 * 128);
}

static uint64_t slot_offset(uint64_t slot, uint64_t payload_bytes)
{
    return 512 + slot * (128 + (payload_bytes + 127) / 128 * 128);
}

static void put_header(uint8_t *head, uint32_t slots, uint32_t payload_bytes,
                       const uint64_t nonce[2])
{
    memcpy(head, "shmsum01", 8);
    put_word(head, AT_VERSION, VERSION);
    put_word(head, AT_CREATOR, PROCESS);
    put_word(head, AT_SLOTS, slots);
    put_word(head, AT_PAYLOAD, payload_bytes);
    put_wide(head, AT_BYTES, region_size(slots, payload_bytes));
    put_wide(head, AT_NONCE, nonce[0]);
    put_wide(head, AT_NONCE + 8, nonce[1]);
}

/* ---- the hooks: words that change while they are read ---- */

void shared_word_step(void)
{
    world.step++;
    for (uint32_t i = 0; i < world.later_count; i++) {
        struct later *later = &world.later[i];
        if (later->step == world.step && world.mapping != NULL) {
            put_word(world.mapping, (size_t)4 * later->word, later->value);
            later->done = true;
        }
    }
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
    (void)bytes;
    (void)size;
}

/* ---- the system ---- */

#define OS const struct shmsum_os *os

static struct object *object_of(int fd)
{
    FUZZ_CHECK(fd >= FIRST_FD && fd < FIRST_FD + FDS_MAX);
    struct object *object = world.opened[fd - FIRST_FD];
    FUZZ_CHECK(object != NULL);
    return object;
}

static int open_object(struct object *object)
{
    for (int i = 0; i < FDS_MAX; i++) {
        if (world.opened[i] == NULL) {
            world.opened[i] = object;
            return i + FIRST_FD;
        }
    }
    return -EMFILE;
}

static int fake_shm_open(OS, const char *name, int flags, mode_t mode)
{
    (void)os;
    FUZZ_CHECK(name[0] == '/');
    for (uint32_t i = 0; i < world.object_count; i++) {
        struct object *object = &world.objects[i];
        if (object->exists && strcmp(object->name, name) == 0) {
            if (flags & O_CREAT)
                return -EEXIST;
            /* reap opens nothing that could make it wait */
            FUZZ_CHECK(world.open_lists == 0 || (S_ISREG(object->mode) && !object->mounted));
            return object->open_error != 0 ? -object->open_error : open_object(object);
        }
    }
    if (!(flags & O_CREAT))
        return -ENOENT;
    FUZZ_CHECK(flags == (O_RDWR | O_CREAT | O_EXCL) && mode == 0600);
    FUZZ_CHECK(strlen(name) < sizeof world.objects[0].name);
    if (world.object_count == OBJECTS_MAX)
        return -ENFILE;
    struct object *object = &world.objects[world.object_count];
    *object = (struct object){.exists = true, .mode = S_IFREG | mode, .user = USER};
    if (world.names_to_lose > 0) {
        world.names_to_lose--;
        object->loses_name = true;
    }
    strcpy(object->name, name);
    world.object_count++;
    return open_object(object);
}

static int fake_close(OS, int fd)
{
    (void)os;
    object_of(fd);
    world.opened[fd - FIRST_FD] = NULL;
    return 0;
}

static int fake_shm_unlink(OS, const char *name)
{
    (void)os;
    for (uint32_t i = 0; i < world.object_count; i++) {
        struct object *object = &world.objects[i];
        if (object->exists && strcmp(object->name, name) == 0) {
            if (object->unlink_error != 0)
                return -object->unlink_error;
            object->exists = false;
            object->removed = true;
            return 0;
        }
    }
    return -ENOENT;
}

static int fake_fstat(OS, int fd, struct stat *status)
{
    (void)os;
    struct object *object = object_of(fd);
    memset(status, 0, sizeof *status);
    status->st_mode = object->mode;
    status->st_uid = object->user;
    status->st_nlink = object->exists;
    status->st_size = (off_t)object->size;
    object->size = object->next_size;
    return 0;
}

static int fake_chmod(OS, int fd, mode_t mode)
{
    (void)os;
    object_of(fd);
    FUZZ_CHECK(mode == 0600);
    return 0;
}

static int fake_lock(OS, int fd, bool wait)
{
    (void)os;
    struct object *object = object_of(fd);
    if (object->locked) {
        FUZZ_CHECK(!wait); /* it would wait until another process dies */
        return -EWOULDBLOCK;
    }
    if (object->loses_name)
        object->exists = false;
    return 0;
}

static int fake_list_open(OS, void **list)
{
    (void)os;
    world.open_lists++;
    world.listed = 0;
    *list = &world;
    return 0;
}

static int fake_list_next(OS, void *list, const char **name)
{
    (void)os;
    FUZZ_CHECK(list == &world && world.open_lists == 1);
    if (world.listed == world.object_count)
        return 0;
    *name = world.objects[world.listed++].name + 1;
    return 1;
}

static int fake_list_look(OS, void *list, const char *name, struct stat *status)
{
    (void)os;
    FUZZ_CHECK(list == &world && world.open_lists == 1);
    memset(status, 0, sizeof *status);
    const struct object *object = &world.objects[world.listed - 1];
    FUZZ_CHECK(strcmp(object->name + 1, name) == 0);
    status->st_mode = object->mode;
    status->st_uid = object->user;
    return object->exists ? object->mounted : -ENOENT;
}

static int fake_list_close(OS, void *list)
{
    (void)os;
    FUZZ_CHECK(list == &world && world.open_lists == 1);
    world.open_lists--;
    return 0;
}

static int fake_allocate(OS, int fd, off_t size)
{
    (void)os;
    struct object *object = object_of(fd);
    object->size = object->next_size = (uint64_t)size;
    world.allocated = (size_t)size;
    return 0;
}

static size_t in_pages(size_t size)
{
    return (size + 4095) & ~(size_t)4095;
}

static int fake_map_shared(OS, int fd, size_t size, void **memory)
{
    (void)os;
    struct object *object = object_of(fd);
    if (size == 0)
        return -EINVAL;
    void *mapping = NULL;
    if (size <= PLAIN_MAX) {
        FUZZ_CHECK(posix_memalign(&mapping, 4096, size) == 0);
        memset(mapping, 0, size);
    } else {
        mapping = mmap(NULL, in_pages(size), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        FUZZ_CHECK(mapping != MAP_FAILED);
    }
    memcpy(mapping, object->head, size < HEAD_BYTES ? size : HEAD_BYTES);
    world.mapping = *memory = mapping;
    world.mapped = size;
    return 0;
}

static int fake_unmap(OS, void *memory, size_t size)
{
    (void)os;
    if (memory == world.mapping)
        world.mapping = NULL;
    if (size <= PLAIN_MAX)
        free(memory);
    else
        munmap(memory, in_pages(size));
    return 0;
}

static int fake_random(OS, void *bytes, size_t size)
{
    (void)os;
    uint8_t *byte = bytes;
    for (size_t i = 0; i < size; i++)
        byte[i] = fuzz_byte(world.random);
    return 0;
}

static pid_t fake_get_pid(OS)
{
    (void)os;
    return PROCESS;
}

static uid_t fake_get_user(OS)
{
    (void)os;
    return USER;
}

static const struct shmsum_os fake_os = {
    .close = fake_close,
    .fstat = fake_fstat,
    .fchmod = fake_chmod,
    .flock = fake_lock,
    .shm_open = fake_shm_open,
    .shm_unlink = fake_shm_unlink,
    .shm_opendir = fake_list_open,
    .shm_readdir = fake_list_next,
    .shm_statx = fake_list_look,
    .shm_closedir = fake_list_close,
    .posix_fallocate = fake_allocate,
    .mmap = fake_map_shared,
    .munmap = fake_unmap,
    .getrandom = fake_random,
    .getpid = fake_get_pid,
    .geteuid = fake_get_user,
};

/* ---- parts of the input that several functions read ---- */

static int take_error(struct fuzz_input *input)
{
    static const int errors[] = {EACCES, EINTR, EEXIST, ENOSPC, ENOMEM, EMFILE, ENOENT, EIO};
    return errors[fuzz_byte(input) % 8];
}

/* A byte: 252 to 254 are numbers near a limit, 255 is followed by a word, others are the number. */
static uint32_t take_count(struct fuzz_input *input, uint32_t limit)
{
    uint8_t byte = fuzz_byte(input);
    switch (byte) {
    case 255:
        return fuzz_word(input);
    case 254:
        return limit;
    case 253:
        return limit + 1;
    case 252:
        return limit - 1;
    default:
        return byte;
    }
}

/* All slots are in the mapping, one after the other. Writes into the first few and the last. */
static void check_slots(const struct shmsum_region *region)
{
    uint32_t last = region->geometry.slots - 1;
    for (uint32_t i = 0;; i = i < 4 && i < last ? i + 1 : last) {
        uint8_t *slot = (uint8_t *)shmsum_region_slot(region, i);
        uint64_t at = slot_offset(i, region->geometry.payload_bytes);
        FUZZ_CHECK(slot == (uint8_t *)region->header + at);
        FUZZ_CHECK(at + 128 + region->geometry.payload_bytes <= region->bytes);
        slot[0] = 1;
        slot[128 + region->geometry.payload_bytes - 1] = 2;
        if (i == last)
            break;
    }
}

static void check_failure(int result, const struct shmsum_failure *why)
{
    FUZZ_CHECK(result < 0 ? why->error == -result && why->call != NULL && why->object != NULL
                          : why->call == NULL);
    if (result < 0)
        FUZZ_CHECK((strcmp(why->call, "protocol") == 0) == (result == SHMSUM_BROKEN));
}

/* ---- attach ---- */

enum edit {
    EDIT_NONE,   /* no more edits */
    EDIT_BYTE,   /* offset (2 bytes, of HEAD_BYTES), byte */
    EDIT_WORD,   /* offset / 4 (a byte, of 16), word */
    EDIT_SIZE,   /* a signed byte is added to the size */
    EDIT_RESIZE, /* word: the size */
    EDIT_FIT,    /* the size and its word become those of the geometry in the header */
    EDIT_GROW,   /* a signed byte: the size grows by it after the first fstat */
    EDIT_MODE,   /* 2 bytes: the permissions */
    EDIT_TYPE,   /* a byte: the type of the file */
    EDIT_USER,   /* a byte: added to the owner */
    EDIT_RAW,    /* a byte: a count; then as many bytes, for the beginning of the object */
    EDIT_LATER,  /* step (a byte, of 64), offset / 4 (a byte, of 16), word: see struct later */
    EDIT_OPEN,   /* error, times: shm_open fails */
    EDIT_FSTAT,  /* error: fstat fails */
    EDIT_MAP,    /* error: map_shared fails */
    EDIT_NAME,   /* a byte: length of the name, 1 to 100 */
    EDIT_NONCE,  /* a byte: this bit of the expected nonce differs from the object's */
    EDIT_KINDS,
};

struct attempt {
    struct object *object;
    uint64_t nonce[2];
    char name[NAME_MAX_BYTES + 2];
    int open_error, fstat_error, map_error; /* with which the calls fail, 0: they work */
    uint8_t open_times;                     /* how many calls of shm_open fail */
};

static void edit(struct attempt *attempt, enum edit kind, struct fuzz_input *input)
{
    static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFIFO, S_IFCHR, S_IFSOCK, S_IFLNK, 0};
    struct object *object = attempt->object;
    uint32_t at;
    switch (kind) {
    case EDIT_BYTE:
        at = fuzz_byte(input);
        at |= (uint32_t)fuzz_byte(input) << 8;
        object->head[at % HEAD_BYTES] = fuzz_byte(input);
        break;
    case EDIT_WORD:
        at = fuzz_below(input, 16);
        put_word(object->head, (size_t)4 * at, fuzz_word(input));
        break;
    case EDIT_SIZE:
        object->size += (uint64_t)(int8_t)fuzz_byte(input);
        if ((int64_t)object->size < 0)
            object->size = 0;
        object->next_size = object->size;
        break;
    case EDIT_RESIZE:
        object->size = object->next_size = fuzz_word(input);
        break;
    case EDIT_FIT:
        object->size = object->next_size =
            region_size(get_word(object->head, AT_SLOTS), get_word(object->head, AT_PAYLOAD));
        put_wide(object->head, AT_BYTES, object->size);
        break;
    case EDIT_GROW:
        object->next_size = object->size + (uint64_t)(int8_t)fuzz_byte(input);
        if ((int64_t)object->next_size < 0)
            object->next_size = 0;
        break;
    case EDIT_MODE:
        at = fuzz_byte(input);
        at |= (uint32_t)fuzz_byte(input) << 8;
        object->mode = (object->mode & S_IFMT) | (at & 07777);
        break;
    case EDIT_TYPE:
        object->mode = types[fuzz_below(input, 7)] | (object->mode & 07777);
        break;
    case EDIT_USER:
        object->user += fuzz_byte(input);
        break;
    case EDIT_RAW:
        at = fuzz_byte(input);
        for (uint32_t i = 0; i < at; i++)
            object->head[i] = fuzz_byte(input);
        break;
    case EDIT_LATER:
        if (world.later_count == LATER_MAX)
            break;
        at = fuzz_below(input, 64);
        struct later *later = &world.later[world.later_count++];
        *later = (struct later){.step = at, .word = fuzz_below(input, 16)};
        later->value = fuzz_word(input);
        break;
    case EDIT_OPEN:
        attempt->open_error = take_error(input);
        attempt->open_times = fuzz_byte(input) % 8;
        break;
    case EDIT_FSTAT:
        attempt->fstat_error = take_error(input);
        break;
    case EDIT_MAP:
        attempt->map_error = take_error(input);
        break;
    case EDIT_NAME:
        at = fuzz_below(input, NAME_MAX_BYTES) + 1;
        memset(attempt->name + 1, 'x', at - 1);
        attempt->name[at] = '\0';
        break;
    case EDIT_NONCE:
        at = fuzz_below(input, 128);
        attempt->nonce[at / 64] ^= UINT64_C(1) << at % 64;
        break;
    case EDIT_NONE:
    case EDIT_KINDS:
        break;
    }
}

/* Whether a word of the header was `value` at any time during the call. */
static bool was(const uint8_t *head, size_t at, uint32_t value)
{
    if (get_word(head, at) == value)
        return true;
    for (uint32_t i = 0; i < world.later_count; i++)
        if (world.later[i].done && world.later[i].word == at / 4 && world.later[i].value == value)
            return true;
    return false;
}

static bool was_wide(const uint8_t *head, size_t at, uint64_t value)
{
    return was(head, at, (uint32_t)value) && was(head, at + 4, (uint32_t)(value >> 32));
}

/* The result that is right for an object that does not change; `size`: at the first fstat. */
static int expect_attach(const struct attempt *attempt, uint64_t size)
{
    const struct object *object = attempt->object;
    const uint8_t *head = object->head;
    if (strlen(attempt->name) >= SHMSUM_REGION_NAME_MAX)
        return -ENAMETOOLONG;
    if (attempt->open_times > 0 && attempt->open_error != EINTR)
        return -attempt->open_error;
    if (attempt->fstat_error != 0)
        return -attempt->fstat_error;
    if (!S_ISREG(object->mode) || object->user != USER || (object->mode & 07777) != 0600 ||
        size < HEADER_BYTES || size > region_size(1024, 1048576))
        return SHMSUM_BROKEN;
    if (attempt->map_error != 0)
        return -attempt->map_error;
    bool right = get_wide(head, AT_MAGIC) == UINT64_C(0x31306d75736d6873) &&
                 get_word(head, AT_VERSION) == VERSION &&
                 get_wide(head, AT_NONCE) == attempt->nonce[0] &&
                 get_wide(head, AT_NONCE + 8) == attempt->nonce[1] &&
                 region_size(get_word(head, AT_SLOTS), get_word(head, AT_PAYLOAD)) == size &&
                 get_wide(head, AT_BYTES) == size;
    return right ? 0 : SHMSUM_BROKEN;
}

/* The object was accepted: each word that was used had its value at some time. */
static void check_attached(const struct shmsum_region *region, const struct attempt *attempt,
                           uint64_t size)
{
    const uint8_t *head = attempt->object->head;
    FUZZ_CHECK(region->header != NULL && (uint8_t *)region->header == world.mapping);
    FUZZ_CHECK(region->bytes == world.mapped && region->bytes == size);
    FUZZ_CHECK(region->bytes ==
               region_size(region->geometry.slots, region->geometry.payload_bytes));
    FUZZ_CHECK(was(head, AT_SLOTS, region->geometry.slots));
    FUZZ_CHECK(was(head, AT_PAYLOAD, region->geometry.payload_bytes));
    FUZZ_CHECK(was(head, AT_CREATOR, (uint32_t)region->creator));
    FUZZ_CHECK(was(head, AT_VERSION, VERSION));
    FUZZ_CHECK(was_wide(head, AT_MAGIC, UINT64_C(0x31306d75736d6873)));
    FUZZ_CHECK(was_wide(head, AT_BYTES, region->bytes));
    FUZZ_CHECK(was_wide(head, AT_NONCE, attempt->nonce[0]) &&
               was_wide(head, AT_NONCE + 8, attempt->nonce[1]));
    FUZZ_CHECK(memcmp(region->nonce, attempt->nonce, sizeof attempt->nonce) == 0);
    check_slots(region);
}

/* Slots, bytes of payload, nonce (2 bytes), edits of the object and of the calls. */
static void attach(struct fuzz_input *input)
{
    struct attempt attempt = {.object = &world.objects[world.object_count++], .name = "/region"};
    struct object *object = attempt.object;
    *object = (struct object){.exists = true, .mode = S_IFREG | 0600, .user = USER};
    uint32_t slots = take_count(input, 1024);
    uint32_t payload_bytes = take_count(input, 1048576);
    attempt.nonce[0] = fuzz_byte(input) * UINT64_C(0x0101010101010101);
    attempt.nonce[1] = fuzz_byte(input) * UINT64_C(0x0101010101010101);
    put_header(object->head, slots, payload_bytes, attempt.nonce);
    object->size = object->next_size = region_size(slots, payload_bytes);
    for (int i = 0; i < EDITS_MAX; i++) {
        enum edit kind = (enum edit)(fuzz_byte(input) % EDIT_KINDS);
        if (kind == EDIT_NONE)
            break;
        edit(&attempt, kind, input);
    }
    strcpy(object->name, attempt.name);
    fault_os_fail(&faults, FAULT_shm_open, 1, attempt.open_times, attempt.open_error);
    if (attempt.fstat_error != 0)
        fault_os_fail(&faults, FAULT_fstat, 1, 1, attempt.fstat_error);
    if (attempt.map_error != 0)
        fault_os_fail(&faults, FAULT_mmap, 1, 1, attempt.map_error);
    uint64_t size = object->size;

    struct shmsum_region region;
    struct shmsum_failure why = {0};
    memset(&region, 0x5a, sizeof region);
    int result = shmsum_region_attach(&region, &faults.os, attempt.name, attempt.nonce, &why);
    check_failure(result, &why);
    bool changed = false;
    for (uint32_t i = 0; i < world.later_count; i++)
        changed |= world.later[i].done;
    if (!changed)
        FUZZ_CHECK(result == expect_attach(&attempt, size));
    FUZZ_CHECK(result <= 0 && region.fd == -1 && !region.named);
    if (result == 0)
        check_attached(&region, &attempt, size);
    else
        FUZZ_CHECK(region.header == NULL);
    shmsum_region_clean_up(&region);
    shmsum_region_clean_up(&region);
    FUZZ_CHECK(object->exists); /* only the creator removes the name */
}

/* ---- create ---- */

/* "/shmsum-4711-" 32 hexadecimal digits. */
static void check_created_name(const char *name)
{
    static const char begin[] = "/shmsum-4711-";
    size_t prefix = sizeof begin - 1;
    FUZZ_CHECK(strncmp(name, begin, prefix) == 0 && strlen(name) == prefix + 32);
    FUZZ_CHECK(strspn(name + prefix, "0123456789abcdef") == 32);
}

static bool is_fatal(enum fault_member member, int error)
{
    switch (member) {
    case FAULT_shm_open:
        return error != EEXIST && error != EINTR;
    case FAULT_flock:
    case FAULT_posix_fallocate:
        return error != EINTR;
    default:
        return member != FAULT_shm_unlink && member != FAULT_close;
    }
}

/* Count of faults, then for each: member, first call, calls, error. Returns whether a failed
 * shm_unlink may leave a name, which is no fault of create. */
static bool take_faults(struct fuzz_input *input)
{
    static const enum fault_member members[] = {
        FAULT_getrandom,       FAULT_shm_open, FAULT_flock,      FAULT_fstat,
        FAULT_posix_fallocate, FAULT_mmap,     FAULT_shm_unlink, FAULT_close,
    };
    uint32_t count = fuzz_below(input, 5);
    bool may_stay = false;
    for (uint32_t i = 0; i < count; i++) {
        enum fault_member member = members[fuzz_byte(input) % 8];
        uint64_t first = fuzz_byte(input) + UINT64_C(1), times = fuzz_byte(input);
        int error = take_error(input);
        if (member == FAULT_shm_unlink && error == ENOENT)
            error = EACCES; /* ENOENT would be wrong: the name exists */
        fault_os_fail(&faults, member, first, times, error);
        may_stay |= member == FAULT_shm_unlink;
    }
    return may_stay;
}

/* create failed if, and only if, a fault or the geometry gave it a reason, and reported a reason
 * that was there. */
static void check_reported(int result, uint64_t size)
{
    bool failed = size == 0, reported = size == 0 && result == -EINVAL;
    for (size_t i = 0; i < faults.rule_count && size > 0; i++) {
        const struct fault_rule *rule = &faults.rules[i];
        bool first = true; /* of the rules of this call: the first one decides */
        for (size_t j = 0; j < i; j++)
            first &= faults.rules[j].member != rule->member;
        if (rule->times > 0 && faults.calls[rule->member] >= rule->first &&
            is_fatal(rule->member, rule->error)) {
            failed |= first;
            reported |= result == -rule->error;
        }
    }
    FUZZ_CHECK(!failed || result < 0);
    FUZZ_CHECK(result <= 0);
    if (result == -EEXIST)
        reported |= faults.calls[FAULT_shm_open] == 100;
    if (result == -ENFILE) /* the table of objects is full */
        reported |= world.object_count == OBJECTS_MAX;
    FUZZ_CHECK(result == 0 || reported);
}

static void check_created(const struct shmsum_region *region, struct object *object, uint64_t size)
{
    check_created_name(region->name);
    FUZZ_CHECK(region->named && object->exists && strcmp(object->name, region->name) == 0);
    FUZZ_CHECK(region->bytes == size && world.mapped == size && world.allocated == size);
    uint8_t head[HEAD_BYTES] = {0};
    put_header(head, region->geometry.slots, region->geometry.payload_bytes, region->nonce);
    FUZZ_CHECK(memcmp(region->header, head, size < HEAD_BYTES ? (size_t)size : HEAD_BYTES) == 0);
    check_slots(region);
    memcpy(object->head, head, sizeof head);
}

/* The other side attaches with the right nonce, and cannot with another. A byte for the bit. */
static void attach_to_created(const struct shmsum_region *region, struct fuzz_input *input)
{
    struct shmsum_region peer;
    struct shmsum_failure why = {0};
    uint64_t nonce[2] = {region->nonce[0], region->nonce[1]};
    FUZZ_CHECK(shmsum_region_attach(&peer, &faults.os, region->name, nonce, &why) == 0);
    FUZZ_CHECK(peer.creator == PROCESS);
    shmsum_region_clean_up(&peer);
    nonce[fuzz_byte(input) & 1] ^= UINT64_C(1) << fuzz_byte(input) % 64;
    FUZZ_CHECK(shmsum_region_attach(&peer, &faults.os, region->name, nonce, NULL) == SHMSUM_BROKEN);
}

/* The name is removed once, also after a first failure. A byte says what happens. */
static void remove_name(struct shmsum_region *region, struct object *object, uint8_t how)
{
    if (how & 1)
        object->unlink_error = EACCES;
    if (how & 2)
        object->exists = false; /* the other side has removed it */
    struct shmsum_failure why = {0};
    int result = shmsum_region_unlink(region, &why);
    check_failure(result, &why);
    FUZZ_CHECK(result == ((how & 3) == 1 ? -EACCES : 0));
    FUZZ_CHECK(region->fd == -1 && region->named == (result < 0));
    object->unlink_error = 0;
    if (how & 4)
        FUZZ_CHECK(shmsum_region_unlink(region, NULL) == 0);
    shmsum_region_clean_up(region);
    FUZZ_CHECK(!object->exists);
}

/* Slots, bytes of payload, count of names that are lost, faults; then the random bytes of create.
 */
static void create(struct fuzz_input *input)
{
    struct shmsum_geometry geometry;
    geometry.slots = take_count(input, 1024);
    geometry.payload_bytes = take_count(input, 1048576);
    world.names_to_lose = fuzz_below(input, 8);
    bool may_stay = take_faults(input);
    world.random = input;

    struct shmsum_region region;
    struct shmsum_failure why = {0};
    memset(&region, 0x5a, sizeof region);
    int result = shmsum_region_create(&region, &faults.os, &geometry, &why);
    uint64_t size = region_size(geometry.slots, geometry.payload_bytes);
    check_failure(result, &why);
    check_reported(result, size);
    fault_os_heal(&faults);
    if (result < 0) {
        FUZZ_CHECK(may_stay || fault_os_leaks(&faults) == 0);
        FUZZ_CHECK(region.header == NULL && region.fd == -1);
        shmsum_region_clean_up(&region);
        return;
    }
    struct object *object = &world.objects[world.object_count - 1];
    check_created(&region, object, size);
    attach_to_created(&region, input);
    remove_name(&region, object, fuzz_byte(input));
}

/* ---- reap ---- */

/* Whether shmsum_region_create gives such names. */
static bool is_ours(const char *name)
{
    static const char prefix[] = "/shmsum-";
    size_t at = 0, digits = 0;
    for (; prefix[at] != '\0'; at++)
        if (name[at] != prefix[at])
            return false;
    for (; name[at] >= '0' && name[at] <= '9'; at++)
        digits++;
    if (digits < 1 || digits > 10 || name[at++] != '-')
        return false;
    for (digits = 0; digits < 32; digits++, at++)
        if (!((name[at] >= '0' && name[at] <= '9') || (name[at] >= 'a' && name[at] <= 'f')))
            return false;
    return name[at] == '\0';
}

/* A byte. Below 200: a name with this many (modulo 16) digits in the process id; bits 4 and up say
 * what is wrong with it. From 200 on: this many less 200 raw bytes, up to a 0. */
static void take_name(char *name, struct fuzz_input *input)
{
    uint8_t kind = fuzz_byte(input);
    size_t size = 0;
    name[size++] = '/';
    if (kind >= 200) {
        for (uint8_t i = 200; i < kind; i++) {
            uint8_t byte = fuzz_byte(input);
            if (byte == 0)
                break;
            name[size++] = (char)byte;
        }
    } else {
        memcpy(name + size, "shmsum-", 7);
        size += 7;
        for (int i = 0; i < kind % 16; i++)
            name[size++] = (char)('0' + (i + 1) % 10);
        name[size++] = '-';
        int digits = 32 + (kind >> 4 & 1) - (kind >> 5 & 1);
        for (int i = 0; i < digits; i++)
            name[size++] = "0123456789abcdef"[i % 16];
        if (kind >= 64) { /* one byte is replaced */
            uint8_t at = fuzz_byte(input), byte = fuzz_byte(input);
            if (byte != 0)
                name[1 + at % (size - 1)] = (char)byte;
        }
    }
    name[size] = '\0';
}

/* While there is input: a name, and a byte that describes its object. */
static void take_objects(struct fuzz_input *input)
{
    while (input->left > 0 && world.object_count < OBJECTS_MAX) {
        struct object *object = &world.objects[world.object_count++];
        *object = (struct object){.exists = true, .mode = S_IFREG | 0600, .user = USER};
        take_name(object->name, input);
        uint8_t state = fuzz_byte(input);
        object->user += state & 1;
        object->locked = state & 2;
        object->unlink_error = state & 4 ? EACCES : 0;
        object->open_error = state & 8 ? EACCES : 0;
        object->exists = !(state & 16); /* removed after it was listed */
        object->mounted = state & 32;
        if (state & 64)
            object->mode = S_IFIFO | 0600;
        bool again = false; /* a name is in the table only once */
        for (struct object *other = world.objects; other < object; other++)
            again |= strcmp(other->name, object->name) == 0;
        world.object_count -= again;
    }
}

/* Faults of the list (a byte), then the objects. */
static void reap(struct fuzz_input *input)
{
    uint8_t broken = fuzz_byte(input);
    if (broken & 1)
        fault_os_fail(&faults, FAULT_shm_opendir, 1, 1, EACCES);
    if (broken & 2)
        fault_os_fail(&faults, FAULT_shm_readdir, (broken >> 4) + UINT64_C(1), 1, EIO);
    if (broken & 4)
        fault_os_fail(&faults, FAULT_fstat, (broken >> 4) + UINT64_C(1), 1, EIO);
    if (broken & 8)
        fault_os_fail(&faults, FAULT_shm_closedir, 1, 1, EIO);
    take_objects(input);

    int result = shmsum_region_reap(&faults.os);
    FUZZ_CHECK(world.open_lists == 0);
    int removed = 0;
    uint64_t fstats = 0; /* calls, in the order of the list */
    for (uint32_t i = 0; i < world.object_count; i++) {
        const struct object *object = &world.objects[i];
        bool dead = is_ours(object->name) && object->exists | object->removed;
        dead &= i < world.listed && !(broken & 1) && object->open_error == 0;
        dead &= object->user == USER && S_ISREG(object->mode) && !object->mounted;
        if (dead && ++fstats == (broken >> 4) + UINT64_C(1) && broken & 4)
            dead = false;
        dead &= !object->locked && object->unlink_error == 0;
        FUZZ_CHECK(object->removed == dead);
        removed += object->removed;
    }
    if (broken & 1)
        FUZZ_CHECK(result == -EACCES);
    else if (broken & 2 && faults.calls[FAULT_shm_readdir] > (uint64_t)(broken >> 4))
        FUZZ_CHECK(result == -EIO);
    else
        FUZZ_CHECK(result == removed && world.listed == world.object_count);
}

/* ---- init_in ---- */

/* Slots, bytes of payload, difference from the size that is needed (a signed byte), alignment. */
static void init_in(struct fuzz_input *input)
{
    struct shmsum_geometry geometry;
    geometry.slots = take_count(input, 1024);
    geometry.payload_bytes = take_count(input, 1048576);
    uint64_t needed = region_size(geometry.slots, geometry.payload_bytes);
    FUZZ_CHECK(shmsum_region_bytes(&geometry) == needed);
    if (needed > PLAIN_MAX)
        return;
    size_t size = (size_t)needed + (size_t)(int8_t)fuzz_byte(input);
    size_t shift = fuzz_below(input, 129);
    if (size > 2 * PLAIN_MAX)
        size = 0;
    void *memory;
    FUZZ_CHECK(posix_memalign(&memory, 128, shift + size + 1) == 0);
    memset(memory, 0, shift + size + 1);
    uint8_t *at = (uint8_t *)memory + shift;
    struct shmsum_region region;
    int result = shmsum_region_init_in(&region, &faults.os, at, size, &geometry);
    bool right = needed > 0 && size >= needed && shift % 128 == 0;
    FUZZ_CHECK(result == (right ? 0 : -EINVAL));
    if (right) {
        uint8_t head[HEADER_BYTES] = {0};
        const uint64_t nonce[2] = {0, 0};
        put_header(head, geometry.slots, geometry.payload_bytes, nonce);
        FUZZ_CHECK(memcmp(at, head, sizeof head) == 0);
        FUZZ_CHECK((uint8_t *)region.header == at && region.bytes == needed && region.fd == -1);
        FUZZ_CHECK(!region.named && region.creator == PROCESS);
        check_slots(&region);
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(struct fuzz_input *) = {attach, create, reap, init_in};
    struct fuzz_input input = {data, size};
    memset(&world, 0, sizeof world);
    fault_os_init(&faults, &fake_os);
    parts[fuzz_byte(&input) % 4](&input);
    fault_os_heal(&faults);
    FUZZ_CHECK(fault_os_leaks(&faults) == 0);
    return 0;
}
