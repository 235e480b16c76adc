/*
 * region.c - creates, attaches, unlinks and unmaps the shared memory object. region.h specifies its
 * layout.
 *
 * The two mains call it at start and end; only shmsum_region_slot runs while data flows. A failure
 * leaves nothing behind.
 * Every word that another process wrote is checked before it is used.
 */
#include <shmsum/region.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "os/retry.h"
#include "shared_word.h"

#define NAME_PREFIX "shmsum-"

enum { CREATE_TRIES = 100 };

static size_t stride(const struct shmsum_geometry *geometry)
{
    size_t payload = ((size_t)geometry->payload_bytes + SHMSUM_REGION_LINE - 1) &
                     ~(size_t)(SHMSUM_REGION_LINE - 1);
    return sizeof(struct shmsum_slot) + payload;
}

size_t shmsum_region_bytes(const struct shmsum_geometry *geometry)
{
    if (geometry->slots < 1 || geometry->slots > SHMSUM_REGION_SLOTS_MAX ||
        geometry->payload_bytes < 1 || geometry->payload_bytes > SHMSUM_REGION_PAYLOAD_MAX)
        return 0;
    return sizeof(struct shmsum_region_header) + geometry->slots * stride(geometry);
}

struct shmsum_slot *shmsum_region_slot(const struct shmsum_region *region, uint32_t i)
{
    assert(i < region->geometry.slots);
    char *slots = (char *)(region->header + 1);
    return (struct shmsum_slot *)(void *)(slots + i * stride(&region->geometry));
}

/* Writes what the attaching side checks. The memory is zero, so all slots are FREE. */
static void write_header(const struct shmsum_region *region)
{
    struct shmsum_region_header *header = region->header;
    shared_store_wide(&header->magic, SHMSUM_REGION_MAGIC);
    shared_store_relaxed(&header->version, SHMSUM_REGION_VERSION);
    shared_store_relaxed(&header->creator, (uint32_t)region->creator);
    shared_store_relaxed(&header->slot_count, region->geometry.slots);
    shared_store_relaxed(&header->payload_bytes, region->geometry.payload_bytes);
    shared_store_wide(&header->region_bytes, region->bytes);
    shared_store_wide(&header->nonce[0], region->nonce[0]);
    shared_store_wide(&header->nonce[1], region->nonce[1]);
}

int shmsum_region_init_in(struct shmsum_region *region, const struct shmsum_os *os, void *memory,
                          size_t size, const struct shmsum_geometry *geometry)
{
    size_t bytes = shmsum_region_bytes(geometry);
    if (bytes == 0 || size < bytes || (uintptr_t)memory % SHMSUM_REGION_LINE != 0)
        return -EINVAL;
    *region = (struct shmsum_region){
        .os = os,
        .header = memory,
        .bytes = bytes,
        .geometry = *geometry,
        .creator = os->getpid(os),
        .fd = -1,
    };
    write_header(region);
    return 0;
}

/* Creates an object under a new random name and locks it. region->name has the last name that was
 * tried, also after a failure. */
static int create_named(struct shmsum_region *region, struct shmsum_failure *why)
{
    const struct shmsum_os *os = region->os;
    for (int i = 0; i < CREATE_TRIES; i++) {
        uint64_t random[2];
        int result = os->getrandom(os, random, sizeof random);
        if (result < 0)
            return shmsum_failure_set(why, "getrandom", "name of the region", -result);
        snprintf(region->name, sizeof region->name, "/" NAME_PREFIX "%u-%016" PRIx64 "%016" PRIx64,
                 (unsigned)region->creator, random[0], random[1]);
        int fd = os->shm_open(os, region->name, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd == -EEXIST || fd == -EINTR)
            continue;
        if (fd < 0)
            return shmsum_failure_set(why, "shm_open", region->name, -fd);
        region->fd = fd;
        region->named = true;
        /* The umask may have taken a right of the owner, without which the child cannot open it. */
        RETRY(result, os->fchmod(os, fd, 0600));
        if (result < 0)
            return shmsum_failure_set(why, "fchmod", region->name, -result);
        RETRY(result, os->flock(os, fd, true));
        if (result < 0)
            return shmsum_failure_set(why, "flock", region->name, -result);
        /* Between shm_open and flock another start may have taken this object for one of a dead
         * process and removed the name. It held the lock meanwhile, so the link count is 0 now. */
        struct stat status;
        result = os->fstat(os, fd, &status);
        if (result < 0)
            return shmsum_failure_set(why, "fstat", region->name, -result);
        if (status.st_nlink > 0)
            return 0;
        region->named = false;
        region->fd = -1;
        os->close(os, fd);
    }
    return shmsum_failure_set(why, "shm_open", region->name, EEXIST);
}

int shmsum_region_create(struct shmsum_region *region, const struct shmsum_os *os,
                         const struct shmsum_geometry *geometry, struct shmsum_failure *why)
{
    *region = (struct shmsum_region){
        .os = os,
        .bytes = shmsum_region_bytes(geometry),
        .geometry = *geometry,
        .creator = os->getpid(os),
        .fd = -1,
    };
    if (region->bytes == 0)
        return shmsum_failure_set(why, "region", "geometry", EINVAL);
    int result = os->getrandom(os, region->nonce, sizeof region->nonce);
    if (result < 0)
        return shmsum_failure_set(why, "getrandom", "nonce of the region", -result);
    result = create_named(region, why);
    if (result < 0)
        goto out_clean_up;
    RETRY(result, os->posix_fallocate(os, region->fd, (off_t)region->bytes));
    if (result < 0) {
        shmsum_failure_set(why, "posix_fallocate", region->name, -result);
        goto out_clean_up;
    }
    void *memory;
    result = os->mmap(os, region->fd, region->bytes, &memory);
    if (result < 0) {
        shmsum_failure_set(why, "mmap", region->name, -result);
        goto out_clean_up;
    }
    region->header = memory;
    write_header(region);
    return 0;

out_clean_up:
    shmsum_region_clean_up(region);
    return result;
}

static int refuse(struct shmsum_failure *why, const char *what)
{
    return shmsum_failure_set(why, "protocol", what, -SHMSUM_BROKEN);
}

/* Checks type, owner, mode and size of the object before any of it is mapped: another process may
 * have created it. */
static int check_object(const struct shmsum_region *region, off_t *size, struct shmsum_failure *why)
{
    const struct shmsum_os *os = region->os;
    struct stat status;
    int result = os->fstat(os, region->fd, &status);
    if (result < 0)
        return shmsum_failure_set(why, "fstat", region->name, -result);
    if (!S_ISREG(status.st_mode))
        return refuse(why, "region: not a regular object");
    if (status.st_uid != os->geteuid(os))
        return refuse(why, "region: belongs to another user");
    if ((status.st_mode & 07777) != 0600)
        return refuse(why, "region: mode is not 0600");
    if (status.st_size < (off_t)sizeof(struct shmsum_region_header))
        return refuse(why, "region: too small for its header");
    static const struct shmsum_geometry largest = {SHMSUM_REGION_SLOTS_MAX,
                                                   SHMSUM_REGION_PAYLOAD_MAX};
    if (status.st_size > (off_t)shmsum_region_bytes(&largest))
        return refuse(why, "region: too large");
    *size = status.st_size;
    return 0;
}

/* Loads each word of the header once, checks it and keeps a private copy. */
static int check_header(struct shmsum_region *region, const uint64_t nonce[2],
                        struct shmsum_failure *why)
{
    const struct shmsum_region_header *header = region->header;
    if (shared_load_wide(&header->magic) != SHMSUM_REGION_MAGIC)
        return refuse(why, "region: wrong magic");
    if (shared_load_relaxed(&header->version) != SHMSUM_REGION_VERSION)
        return refuse(why, "region: wrong version");
    uint64_t unequal = (shared_load_wide(&header->nonce[0]) ^ nonce[0]) |
                       (shared_load_wide(&header->nonce[1]) ^ nonce[1]);
    if (unequal != 0)
        return refuse(why, "region: wrong nonce");
    struct shmsum_geometry geometry = {
        .slots = shared_load_relaxed(&header->slot_count),
        .payload_bytes = shared_load_relaxed(&header->payload_bytes),
    };
    size_t bytes = shmsum_region_bytes(&geometry);
    if (bytes == 0)
        return refuse(why, "region: geometry out of range");
    if (bytes != region->bytes || shared_load_wide(&header->region_bytes) != bytes)
        return refuse(why, "region: size does not fit its geometry");
    region->geometry = geometry;
    region->creator = (pid_t)shared_load_relaxed(&header->creator);
    region->nonce[0] = nonce[0];
    region->nonce[1] = nonce[1];
    return 0;
}

int shmsum_region_attach(struct shmsum_region *region, const struct shmsum_os *os, const char *name,
                         const uint64_t nonce[2], struct shmsum_failure *why)
{
    *region = (struct shmsum_region){.os = os, .fd = -1};
    size_t length = strlen(name);
    if (length >= sizeof region->name)
        return shmsum_failure_set(why, "shm_open", "name of the region", ENAMETOOLONG);
    memcpy(region->name, name, length + 1);
    int result;
    RETRY(result, os->shm_open(os, region->name, O_RDWR, 0));
    if (result < 0)
        return shmsum_failure_set(why, "shm_open", region->name, -result);
    region->fd = result;

    off_t size = 0;
    result = check_object(region, &size, why);
    if (result < 0)
        goto out_clean_up;
    void *memory;
    result = os->mmap(os, region->fd, (size_t)size, &memory);
    if (result < 0) {
        shmsum_failure_set(why, "mmap", region->name, -result);
        goto out_clean_up;
    }
    region->header = memory;
    region->bytes = (size_t)size;
    result = check_header(region, nonce, why);
    if (result < 0)
        goto out_clean_up;
    /* An error: another process holds the lock, or nobody knows. */
    region->abandoned = os->flock(os, region->fd, false) == 0;
    os->close(os, region->fd); /* drops the lock again */
    region->fd = -1;
    return 0;

out_clean_up:
    shmsum_region_clean_up(region);
    return result;
}

int shmsum_region_unlink(struct shmsum_region *region, struct shmsum_failure *why)
{
    const struct shmsum_os *os = region->os;
    int result = 0;
    if (region->named) {
        result = os->shm_unlink(os, region->name);
        if (result == -ENOENT)
            result = 0; /* the other side has removed the name already */
        if (result < 0)
            shmsum_failure_set(why, "shm_unlink", region->name, -result);
        region->named = result < 0; /* then shmsum_region_clean_up tries again */
    }
    if (region->fd >= 0) {
        os->close(os, region->fd); /* drops the lock, so the name has to be gone before */
        region->fd = -1;
    }
    return result;
}

void shmsum_region_clean_up(struct shmsum_region *region)
{
    shmsum_region_unlink(region, NULL);
    if (region->header != NULL) {
        region->os->munmap(region->os, region->header, region->bytes);
        region->header = NULL;
    }
}

/* Whether a dead process of this user may have left the name: it is a regular file of this user,
 * and nothing is mounted there. Looks at the name without opening it: another user may have planted
 * a FIFO, or have mounted a file system whose server never answers. */
static bool may_be_left(const struct shmsum_os *os, void *list, const char *name)
{
    struct stat status;
    return os->shm_statx(os, list, name, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_uid == os->geteuid(os);
}

/* Removes one name if its object belongs to this user and no living process holds its lock. */
static bool reap_one(const struct shmsum_os *os, const char *name)
{
    int fd = os->shm_open(os, name, O_RDWR | O_NONBLOCK, 0);
    if (fd < 0)
        return false;
    struct stat status; /* again: another object may have the name now */
    bool reaped = os->fstat(os, fd, &status) == 0 && status.st_uid == os->geteuid(os) &&
                  os->flock(os, fd, false) == 0 && os->shm_unlink(os, name) == 0;
    os->close(os, fd);
    return reaped;
}

/* Whether create_named makes such names: "shmsum-" digits "-" 32 hexadecimal digits. */
static bool is_region_name(const char *name)
{
    size_t prefix = strlen(NAME_PREFIX);
    if (strncmp(name, NAME_PREFIX, prefix) != 0)
        return false;
    size_t digits = strspn(name + prefix, "0123456789");
    const char *random = name + prefix + digits;
    return digits > 0 && digits <= 10 && random[0] == '-' && strlen(random + 1) == 32 &&
           strspn(random + 1, "0123456789abcdef") == 32;
}

int shmsum_region_reap(const struct shmsum_os *os)
{
    void *list;
    int result = os->shm_opendir(os, &list);
    if (result < 0)
        return result;
    int reaped = 0;
    const char *name;
    for (int i = 0; i < SHMSUM_REGION_REAP_MAX; i++) {
        result = os->shm_readdir(os, list, &name);
        if (result <= 0)
            break;
        if (!is_region_name(name) || !may_be_left(os, list, name))
            continue;
        char path[SHMSUM_REGION_NAME_MAX + 1];
        snprintf(path, sizeof path, "/%s", name);
        reaped += reap_one(os, path);
    }
    os->shm_closedir(os, list);
    return result < 0 ? result : reaped;
}
