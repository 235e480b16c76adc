/*
 * test_region.c - the shared memory object: creating, attaching, what is refused, and that nothing
 * is left behind.
 *
 * Other tests create and reap regions at the same time. So this test checks only names with its own
 * process id, or that of its child. fault_os counts descriptors and mappings.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <shmsum/channel.h>
#include <shmsum/region.h>

#include "channel/shared_word.h"

#include "fault_os.h"
#include "unit.h"

static const struct shmsum_geometry geometry = {4, 1000};

static struct fault_os faults;

static int set_up(void **state)
{
    (void)state;
    fault_os_init(&faults, shmsum_os_default());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    int leaks = fault_os_leaks(&faults) != 0;
    fault_os_clean_up(&faults);
    return leaks;
}

/* The number of names of regions with this process id. */
static int count_names(pid_t pid)
{
    const struct shmsum_os *os = shmsum_os_default();
    void *list;
    assert_int_equal(os->shm_opendir(os, &list), 0);
    char prefix[32];
    snprintf(prefix, sizeof prefix, "shmsum-%d-", (int)pid);
    int count = 0;
    const char *name;
    while (os->shm_readdir(os, list, &name) > 0)
        count += strncmp(name, prefix, strlen(prefix)) == 0;
    os->shm_closedir(os, list);
    return count;
}

static bool name_exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void create(struct shmsum_region *region)
{
    struct shmsum_failure why = {0};
    memset(region, 0x5a, sizeof *region);
    assert_int_equal(shmsum_region_create(region, &faults.os, &geometry, &why), 0);
    assert_null(why.call);
}

static void assert_nothing_left(void)
{
    assert_int_equal(fault_os_leaks(&faults), 0);
    assert_int_equal(count_names(getpid()), 0);
}

/* ---- pure parts ---- */

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        struct shmsum_geometry geometry;
        size_t bytes;
    } cases[] = {
        {{1, 1}, 512 + 256},
        {{1, 128}, 512 + 256},
        {{1, 129}, 512 + 384},
        {{16, 65536}, 512 + 16 * (128 + 65536)},
        {{1024, 1 << 20}, 512 + (size_t)1024 * (128 + (1 << 20))},
        {{0, 1}, 0},
        {{1, 0}, 0},
        {{1025, 1}, 0},
        {{1, (1 << 20) + 1}, 0},
        {{UINT32_MAX, UINT32_MAX}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(shmsum_region_bytes(&cases[i].geometry), cases[i].bytes);
}

static void test_init_in(void **state)
{
    (void)state;
    static _Alignas(SHMSUM_REGION_LINE) uint8_t memory[8192];
    struct shmsum_region region;
    size_t bytes = shmsum_region_bytes(&geometry);
    memset(memory, 0, sizeof memory);
    assert_int_equal(shmsum_region_init_in(&region, &faults.os, memory, bytes - 1, &geometry),
                     -EINVAL);
    assert_int_equal(shmsum_region_init_in(&region, &faults.os, memory + 64, bytes, &geometry),
                     -EINVAL);
    struct shmsum_geometry none = {0, 1};
    assert_int_equal(shmsum_region_init_in(&region, &faults.os, memory, bytes, &none), -EINVAL);
    assert_int_equal(shmsum_region_init_in(&region, &faults.os, memory, bytes, &geometry), 0);
    assert_int_equal(region.bytes, bytes);
    /* Slots follow each other, aligned, inside the region, and are FREE. */
    for (uint32_t i = 0; i < geometry.slots; i++) {
        struct shmsum_slot *slot = shmsum_region_slot(&region, i);
        assert_ptr_equal(slot, memory + 512 + (size_t)i * (128 + 1024));
        assert_int_equal(shared_load_relaxed(&slot->state), SHMSUM_FREE);
        assert_true(slot->payload + geometry.payload_bytes <= memory + bytes);
    }
    assert_memory_equal(memory, "shmsum01", 8); /* on a little-endian machine, as documented */
}

/* ---- creating, attaching, removing ---- */

static void test_create_and_attach(void **state)
{
    (void)state;
    struct shmsum_region ours, theirs;
    struct shmsum_failure why = {0};
    create(&ours);
    /* The name has this process id and random digits; the object is private and fully allocated. */
    char prefix[32];
    snprintf(prefix, sizeof prefix, "/shmsum-%d-", (int)getpid());
    assert_memory_equal(ours.name, prefix, strlen(prefix));
    assert_int_equal(strlen(ours.name), strlen(prefix) + 32);
    assert_int_equal(strspn(ours.name + strlen(prefix), "0123456789abcdef"), 32);
    struct stat status;
    assert_int_equal(fstat(ours.fd, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, shmsum_region_bytes(&geometry));
    assert_true((uint64_t)status.st_blocks * 512 >= shmsum_region_bytes(&geometry));
    assert_int_equal(fcntl(ours.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_true(ours.named);
    assert_int_equal(count_names(getpid()), 1);

    assert_int_equal(shmsum_region_attach(&theirs, &faults.os, ours.name, ours.nonce, &why), 0);
    assert_int_equal(theirs.fd, -1);
    assert_false(theirs.named);
    assert_false(theirs.abandoned);
    assert_int_equal(theirs.bytes, ours.bytes);
    assert_int_equal(theirs.geometry.slots, geometry.slots);
    assert_int_equal(theirs.geometry.payload_bytes, geometry.payload_bytes);
    assert_int_equal(theirs.creator, getpid());
    assert_memory_equal(theirs.nonce, ours.nonce, sizeof ours.nonce);
    assert_ptr_not_equal(theirs.header, ours.header);
    shmsum_region_slot(&ours, 3)->payload[999] = 77; /* both map the same memory */
    assert_int_equal(shmsum_region_slot(&theirs, 3)->payload[999], 77);

    assert_int_equal(shmsum_region_unlink(&ours, &why), 0);
    assert_int_equal(count_names(getpid()), 0);
    assert_int_equal(ours.fd, -1);
    assert_int_equal(shmsum_region_unlink(&ours, &why), 0); /* a second call is harmless */
    shmsum_region_slot(&ours, 0)->payload[0] = 78;          /* still mapped */
    shmsum_region_clean_up(&theirs);                        /* keeps the other mapping */
    shmsum_region_slot(&ours, 0)->payload[0] = 79;
    shmsum_region_clean_up(&ours);
    shmsum_region_clean_up(&ours);
    assert_null(why.call);
    assert_nothing_left();
}

static void test_clean_up_alone(void **state)
{
    (void)state;
    struct shmsum_region region;
    create(&region);
    shmsum_region_clean_up(&region);
    assert_nothing_left();
    shmsum_region_clean_up(&region);
    assert_nothing_left();
}

/* Two regions of one process have different names and nonces. */
static void test_two_regions(void **state)
{
    (void)state;
    struct shmsum_region one, two;
    create(&one);
    create(&two);
    assert_string_not_equal(one.name, two.name);
    assert_memory_not_equal(one.nonce, two.nonce, sizeof one.nonce);
    assert_null(strstr(one.name, "0000000000000000")); /* 128 random bits */
    shmsum_region_clean_up(&one);
    assert_true(name_exists(two.name));
    shmsum_region_clean_up(&two);
    assert_nothing_left();
}

static void test_unlink_failures(void **state)
{
    (void)state;
    struct shmsum_region region;
    struct shmsum_failure why = {0};
    create(&region);
    assert_int_equal(shm_unlink(region.name), 0); /* another process removes it */
    assert_int_equal(shmsum_region_unlink(&region, &why), 0);
    assert_null(why.call);
    shmsum_region_clean_up(&region);
    assert_nothing_left();

    create(&region);
    fault_os_fail(&faults, FAULT_shm_unlink, faults.calls[FAULT_shm_unlink] + 1, 1, EACCES);
    assert_int_equal(shmsum_region_unlink(&region, &why), -EACCES);
    assert_string_equal(why.call, "shm_unlink");
    assert_string_equal(why.object, region.name);
    assert_int_equal(region.fd, -1);
    char name[SHMSUM_REGION_NAME_MAX];
    strcpy(name, region.name);
    shmsum_region_clean_up(&region);
    faults.os.shm_unlink(&faults.os, name);
    assert_nothing_left();
}

/* ---- creating: every call fails in turn ---- */

static void test_create_fails(void **state)
{
    (void)state;
    static const struct {
        enum fault_member member;
        uint64_t nth;
        const char *call;
        int error;
    } cases[] = {
        {FAULT_getrandom, 1, "getrandom", ENOSYS},
        {FAULT_getrandom, 2, "getrandom", EIO},
        {FAULT_shm_open, 1, "shm_open", EMFILE},
        {FAULT_shm_open, 1, "shm_open", ENFILE},
        {FAULT_shm_open, 1, "shm_open", EACCES},
        {FAULT_fchmod, 1, "fchmod", EPERM},
        {FAULT_flock, 1, "flock", ENOLCK},
        {FAULT_fstat, 1, "fstat", EIO},
        {FAULT_posix_fallocate, 1, "posix_fallocate", ENOSPC},
        {FAULT_mmap, 1, "mmap", ENOMEM},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        fault_os_init(&faults, shmsum_os_default());
        fault_os_fail(&faults, cases[i].member, cases[i].nth, 1, cases[i].error);
        struct shmsum_region region;
        struct shmsum_failure why = {0};
        assert_int_equal(shmsum_region_create(&region, &faults.os, &geometry, &why),
                         -cases[i].error);
        assert_int_equal(faults.injected, 1);
        assert_string_equal(why.call, cases[i].call);
        assert_int_equal(why.error, cases[i].error);
        assert_non_null(why.object);
        assert_true(why.object[0] != '\0');
        assert_nothing_left();
        /* A clean-up by the caller is harmless. */
        shmsum_region_clean_up(&region);
        assert_nothing_left();
        /* Without a struct for the reason. */
        fault_os_fail(&faults, cases[i].member, faults.calls[cases[i].member] + cases[i].nth, 1,
                      cases[i].error);
        assert_int_equal(shmsum_region_create(&region, &faults.os, &geometry, NULL),
                         -cases[i].error);
        assert_nothing_left();
    }
}

/* Each call that create makes fails once. create either reports it or goes on without it, and
 * leaves nothing behind. */
static void test_create_survives_any_failure(void **state)
{
    (void)state;
    struct shmsum_region region;
    create(&region);
    shmsum_region_clean_up(&region);
    uint64_t calls[FAULT_MEMBERS];
    memcpy(calls, faults.calls, sizeof calls);
    assert_nothing_left();
    for (int member = 0; member < FAULT_MEMBERS; member++) {
        if (member == FAULT_munmap || member == FAULT_shm_unlink || member == FAULT_getpid)
            continue; /* these clean up, or cannot fail */
        for (uint64_t nth = 1; nth <= calls[member]; nth++) {
            fault_os_init(&faults, shmsum_os_default());
            fault_os_fail(&faults, (enum fault_member)member, nth, 1, EPERM);
            struct shmsum_failure why = {0};
            int result = shmsum_region_create(&region, &faults.os, &geometry, &why);
            if (result < 0) {
                assert_int_equal(result, -EPERM);
                assert_int_equal(why.error, EPERM);
            } else {
                shmsum_region_clean_up(&region);
            }
            assert_int_equal(faults.injected, 1);
            assert_nothing_left();
        }
    }
}

static void test_create_refuses_geometry(void **state)
{
    (void)state;
    static const struct shmsum_geometry bad[] = {{0, 1}, {1, 0}, {1025, 1}, {1, 1 << 21}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct shmsum_region region;
        struct shmsum_failure why = {0};
        assert_int_equal(shmsum_region_create(&region, &faults.os, &bad[i], &why), -EINVAL);
        assert_int_equal(why.error, EINVAL);
        assert_int_equal(faults.calls[FAULT_shm_open], 0);
    }
}

/* A name that is taken, and signals: the next try works. */
static void test_create_tries_again(void **state)
{
    (void)state;
    struct shmsum_region region;
    fault_os_fail(&faults, FAULT_shm_open, 1, 3, EEXIST);
    fault_os_fail(&faults, FAULT_shm_open, 4, 1, EINTR);
    fault_os_fail(&faults, FAULT_flock, 1, 2, EINTR);
    fault_os_fail(&faults, FAULT_posix_fallocate, 1, 2, EINTR);
    create(&region);
    assert_int_equal(faults.injected, 8);
    assert_int_equal(faults.calls[FAULT_getrandom], 1 + 5); /* a new name each time */
    shmsum_region_clean_up(&region);
    assert_nothing_left();

    fault_os_heal(&faults);
    fault_os_fail(&faults, FAULT_shm_open, 1, FAULT_FOR_GOOD, EEXIST);
    struct shmsum_failure why = {0};
    alarm(20); /* a hang is a failure */
    assert_int_equal(shmsum_region_create(&region, &faults.os, &geometry, &why), -EEXIST);
    alarm(0);
    assert_string_equal(why.call, "shm_open");
    assert_nothing_left();
}

/* Another start took the creator for dead between shm_open and flock, and removed the name. */
static void forget_links_once(struct fault_os *table, struct stat *status)
{
    int *times = table->forge_data;
    if ((*times)-- > 0) {
        status->st_nlink = 0;
        for (size_t i = 0; i < FAULT_NAMES_MAX; i++)
            if (table->names[i][0] != '\0')
                table->real->shm_unlink(table->real, table->names[i]);
    }
}

static void test_reaped_while_created(void **state)
{
    (void)state;
    int times = 1;
    faults.forge_stat = forget_links_once;
    faults.forge_data = &times;
    struct shmsum_region region;
    create(&region);
    assert_int_equal(faults.calls[FAULT_shm_open], 2);
    assert_int_equal(faults.calls[FAULT_close], 1); /* the object without a name */
    assert_int_equal(count_names(getpid()), 1);
    assert_true(name_exists(region.name));
    shmsum_region_clean_up(&region);
    assert_int_equal(count_names(getpid()), 0);
    memset(faults.names, 0,
           sizeof faults.names); /* fault_os did not see that the first was removed */
    assert_nothing_left();
}

/* ---- attaching: what is refused ---- */

struct forgery {
    uid_t user;
    mode_t mode;
    off_t size;
    int which;
};

static void forge_object(struct fault_os *table, struct stat *status)
{
    const struct forgery *forgery = table->forge_data;
    if (forgery->which == 0)
        status->st_uid = forgery->user;
    else if (forgery->which == 1)
        status->st_mode = forgery->mode;
    else
        status->st_size = forgery->size;
}

/* attach refuses, gives `object` as the reason, and leaves nothing behind. */
static void refuses(const char *name, const uint64_t nonce[2], const char *object)
{
    uint64_t before = fault_os_leaks(&faults);
    struct shmsum_region region;
    struct shmsum_failure why = {0};
    assert_int_equal(shmsum_region_attach(&region, &faults.os, name, nonce, &why), SHMSUM_BROKEN);
    assert_string_equal(why.call, "protocol");
    assert_string_equal(why.object, object);
    assert_int_equal(why.error, -SHMSUM_BROKEN);
    assert_int_equal(fault_os_leaks(&faults), before);
    shmsum_region_clean_up(&region);
    assert_int_equal(fault_os_leaks(&faults), before);
    assert_true(name_exists(name)); /* only the creator removes it */
}

static void test_attach_refuses_object(void **state)
{
    (void)state;
    struct shmsum_region region;
    create(&region);
    off_t size = (off_t)region.bytes;
    const struct {
        struct forgery forgery;
        const char *object;
    } cases[] = {
        {{.which = 0, .user = geteuid() + 1}, "region: belongs to another user"},
        {{.which = 1, .mode = S_IFREG | 0644}, "region: mode is not 0600"},
        {{.which = 1, .mode = S_IFREG | 0400}, "region: mode is not 0600"},
        {{.which = 1, .mode = S_IFREG | 04600}, "region: mode is not 0600"},
        {{.which = 1, .mode = S_IFREG | 01600}, "region: mode is not 0600"},
        {{.which = 1, .mode = S_IFIFO | 0600}, "region: not a regular object"},
        {{.which = 1, .mode = S_IFDIR | 0600}, "region: not a regular object"},
        {{.which = 1, .mode = S_IFCHR | 0600}, "region: not a regular object"},
        {{.which = 2, .size = 0}, "region: too small for its header"},
        {{.which = 2, .size = 511}, "region: too small for its header"},
        {{.which = 2, .size = -1}, "region: too small for its header"},
        {{.which = 2, .size = INT64_MAX}, "region: too large"},
        {{.which = 2, .size = 513 + (off_t)1024 * (128 + (1 << 20))}, "region: too large"},
        {{.which = 2, .size = 512}, "region: size does not fit its geometry"},
        {{.which = 2, .size = size - 1}, "region: size does not fit its geometry"},
        {{.which = 2, .size = size + 1}, "region: size does not fit its geometry"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct forgery forgery = cases[i].forgery;
        faults.forge_stat = forge_object;
        faults.forge_data = &forgery;
        refuses(region.name, region.nonce, cases[i].object);
    }
    faults.forge_stat = NULL;
    /* Really another mode, and another size. */
    assert_int_equal(fchmod(region.fd, 0640), 0);
    refuses(region.name, region.nonce, "region: mode is not 0600");
    assert_int_equal(fchmod(region.fd, 0600), 0);
    assert_int_equal(ftruncate(region.fd, size + 4096), 0);
    refuses(region.name, region.nonce, "region: size does not fit its geometry");
    assert_int_equal(ftruncate(region.fd, 0), 0);
    refuses(region.name, region.nonce, "region: too small for its header");
    shmsum_region_clean_up(&region);
    assert_nothing_left();
}

static void test_attach_refuses_header(void **state)
{
    (void)state;
    struct shmsum_region region;
    create(&region);
    struct shmsum_region_header *header = region.header;
#define REFUSES_WIDE(word, value, object)                \
    do {                                                 \
        uint64_t good = shared_load_wide(&header->word); \
        shared_store_wide(&header->word, (value));       \
        refuses(region.name, region.nonce, (object));    \
        shared_store_wide(&header->word, good);          \
    } while (0)
#define REFUSES(word, value, object)                        \
    do {                                                    \
        uint32_t good = shared_load_relaxed(&header->word); \
        shared_store_relaxed(&header->word, (value));       \
        refuses(region.name, region.nonce, (object));       \
        shared_store_relaxed(&header->word, good);          \
    } while (0)
    for (int bit = 0; bit < 64; bit += 7) {
        REFUSES_WIDE(magic, SHMSUM_REGION_MAGIC ^ UINT64_C(1) << bit, "region: wrong magic");
        REFUSES_WIDE(nonce[0], region.nonce[0] ^ UINT64_C(1) << bit, "region: wrong nonce");
        REFUSES_WIDE(nonce[1], region.nonce[1] ^ UINT64_C(1) << bit, "region: wrong nonce");
    }
    REFUSES_WIDE(magic, 0, "region: wrong magic");
    REFUSES(version, 0, "region: wrong version");
    REFUSES(version, SHMSUM_REGION_VERSION - 1, "region: wrong version");
    REFUSES(version, SHMSUM_REGION_VERSION + 1, "region: wrong version");
    REFUSES(slot_count, 0, "region: geometry out of range");
    REFUSES(slot_count, 1025, "region: geometry out of range");
    REFUSES(slot_count, UINT32_MAX, "region: geometry out of range");
    REFUSES(payload_bytes, 0, "region: geometry out of range");
    REFUSES(payload_bytes, (1 << 20) + 1, "region: geometry out of range");
    REFUSES(slot_count, 3, "region: size does not fit its geometry");
    REFUSES(slot_count, 5, "region: size does not fit its geometry");
    REFUSES(payload_bytes, 1025, "region: size does not fit its geometry");
    REFUSES_WIDE(region_bytes, 0, "region: size does not fit its geometry");
    REFUSES_WIDE(region_bytes, region.bytes + 1, "region: size does not fit its geometry");
#undef REFUSES
#undef REFUSES_WIDE
    struct shmsum_region theirs; /* the object is unchanged */
    assert_int_equal(shmsum_region_attach(&theirs, &faults.os, region.name, region.nonce, NULL), 0);
    shmsum_region_clean_up(&theirs);
    shmsum_region_clean_up(&region);
    assert_nothing_left();
}

static void test_attach_fails(void **state)
{
    (void)state;
    static const struct {
        enum fault_member member;
        const char *call;
        int error;
    } cases[] = {
        {FAULT_shm_open, "shm_open", ENOENT}, {FAULT_shm_open, "shm_open", EMFILE},
        {FAULT_fstat, "fstat", EIO},          {FAULT_mmap, "mmap", ENOMEM},
        {FAULT_shm_open, NULL, EINTR},        {FAULT_close, NULL, EINTR},
    };
    struct shmsum_region ours;
    create(&ours);
    uint64_t before = fault_os_leaks(&faults);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shmsum_region region;
        struct shmsum_failure why = {0};
        fault_os_fail(&faults, cases[i].member, faults.calls[cases[i].member] + 1, 1,
                      cases[i].error);
        int result = shmsum_region_attach(&region, &faults.os, ours.name, ours.nonce, &why);
        assert_int_equal(result, cases[i].call == NULL ? 0 : -cases[i].error);
        assert_int_equal(faults.injected, i + 1);
        if (cases[i].call != NULL) {
            assert_string_equal(why.call, cases[i].call);
            assert_string_equal(why.object, ours.name);
            assert_int_equal(why.error, cases[i].error);
            assert_int_equal(fault_os_leaks(&faults), before);
        }
        shmsum_region_clean_up(&region);
        assert_int_equal(fault_os_leaks(&faults), before);
    }
    fault_os_heal(&faults);
    struct shmsum_region region;
    struct shmsum_failure why = {0};
    assert_int_equal(shmsum_region_attach(&region, &faults.os, "/shmsum-0-none", ours.nonce, &why),
                     -ENOENT);
    assert_string_equal(why.call, "shm_open");
    shmsum_region_clean_up(&region);
    char longest[SHMSUM_REGION_NAME_MAX + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(shmsum_region_attach(&region, &faults.os, longest, ours.nonce, &why),
                     -ENAMETOOLONG);
    shmsum_region_clean_up(&region);
    shmsum_region_clean_up(&ours);
    assert_nothing_left();
}

/* ---- reaping ---- */

/* A child creates a region, reports its name, and ends as `end` says without removing it. */
static pid_t leave_one(char name[SHMSUM_REGION_NAME_MAX])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct shmsum_region region;
        const struct shmsum_os *os = shmsum_os_default();
        if (shmsum_region_create(&region, os, &geometry, NULL) < 0)
            _exit(1);
        if (write(ends[1], region.name, sizeof region.name) != (ssize_t)sizeof region.name)
            _exit(1);
        alarm(60);
        pause(); /* until it is killed */
        _exit(1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], name, SHMSUM_REGION_NAME_MAX), SHMSUM_REGION_NAME_MAX);
    close(ends[0]);
    return child;
}

static void test_reap(void **state)
{
    (void)state;
    char name[SHMSUM_REGION_NAME_MAX];
    struct shmsum_region ours;
    create(&ours);
    pid_t child = leave_one(name);

    /* While both processes live, both names stay. (Names of other tests may be removed and
     * counted.) */
    assert_true(shmsum_region_reap(&faults.os) >= 0);
    assert_true(name_exists(name));
    assert_true(name_exists(ours.name));
    assert_int_equal(count_names(child), 1);

    /* After the child's death its name is removed and ours stays. Another test may remove it first.
     */
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(shmsum_region_reap(&faults.os) >= 0);
    assert_false(name_exists(name));
    assert_int_equal(count_names(child), 0);
    assert_true(name_exists(ours.name));
    shmsum_region_clean_up(&ours);
    assert_nothing_left();
}

/* Names that are only similar stay. They are created here, without a lock. */
static void test_reap_leaves_others(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "/shmsum-%d",
        "/shmsum-abc-%d",
        "/shmsum-%d-0123456789abcdef0123456789abcde",
        "/shmsum-%d-0123456789abcdef0123456789abcdef0",
        "/shmsum-%d-0123456789ABCDEF0123456789abcdef",
        "/shmsum-%d-0123456789abcdef0123456789abcdeg",
        "/shmsum-%d_0123456789abcdef0123456789abcdef",
        "/shmsum-x%d-0123456789abcdef0123456789abcdef",
        "/shmsum--%d-0123456789abcdef0123456789abcdef",
        "/shmsum-00000%011d-0123456789abcdef0123456789abcdef",
        "/xshmsum-%d-0123456789abcdef0123456789abcdef",
        "/shmsum-%d-0123456789abcdef0123456789abcdef.bak",
    };
    char names[COUNT(forms)][80];
    for (size_t i = 0; i < COUNT(forms); i++) {
        snprintf(names[i], sizeof names[i], forms[i], (int)getpid());
        int fd = shm_open(names[i], O_RDWR | O_CREAT | O_EXCL, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
    assert_true(shmsum_region_reap(&faults.os) >= 0);
    size_t left = 0;
    for (size_t i = 0; i < COUNT(forms); i++) {
        left += name_exists(names[i]);
        shm_unlink(names[i]);
    }
    assert_int_equal(left, COUNT(forms));
    assert_nothing_left();
}

/* An object of another user stays, although its lock is free. */
static void forge_user(struct fault_os *table, struct stat *status)
{
    (void)table;
    status->st_uid = geteuid() + 1;
}

static void test_reap_leaves_other_users(void **state)
{
    (void)state;
    /* Other tests would remove an unlocked name. So the object is locked, and only the table of
     * system calls reports that its lock is free. */
    struct shmsum_region ours;
    create(&ours);
    faults.forge_stat = forge_user;
    uint64_t opens = faults.calls[FAULT_shm_open], unlinks = faults.calls[FAULT_shm_unlink];
    assert_int_equal(shmsum_region_reap(&faults.os), 0);
    assert_int_equal(faults.calls[FAULT_shm_open], opens); /* an open may wait */
    assert_int_equal(faults.calls[FAULT_shm_unlink], unlinks);
    assert_true(name_exists(ours.name));
    fault_os_heal(&faults);
    shmsum_region_clean_up(&ours);
    assert_nothing_left();
}

/* A list of a planted folder that never ends: each name has the right form. */
static struct {
    mode_t mode;
    int mounted; /* what shm_statx returns */
    uint64_t listed;
} planted;

static int plant_names(const struct shmsum_os *os, void *list, const char **name)
{
    (void)os, (void)list;
    planted.listed++;
    *name = "shmsum-12-0123456789abcdef0123456789abcdef";
    return 1;
}

static int look_at_planted(const struct shmsum_os *os, void *list, const char *name,
                           struct stat *status)
{
    (void)os, (void)list, (void)name;
    *status = (struct stat){.st_mode = planted.mode, .st_uid = geteuid()};
    return planted.mounted;
}

/* Planted names delay a start by a bounded time, and no kind of them is opened. */
static void test_reap_planted(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        int mounted;
    } kinds[] = {{S_IFIFO | 0666, 0}, {S_IFSOCK | 0666, 0}, {S_IFDIR | 0777, 0},
                 {S_IFLNK | 0777, 0}, {S_IFCHR | 0666, 0},  {S_IFREG | 0600, 1}};
    struct shmsum_os table = faults.os;
    table.shm_readdir = plant_names;
    table.shm_statx = look_at_planted;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        planted.mode = kinds[i].mode;
        planted.mounted = kinds[i].mounted;
        planted.listed = 0;
        uint64_t opens = faults.calls[FAULT_shm_open];
        assert_int_equal(shmsum_region_reap(&table), 0);
        assert_int_equal(planted.listed, SHMSUM_REGION_REAP_MAX);
        assert_int_equal(faults.calls[FAULT_shm_open], opens);
    }
    assert_nothing_left();
}

static void test_reap_fails(void **state)
{
    (void)state;
    struct shmsum_region ours;
    create(&ours);
    uint64_t before = fault_os_leaks(&faults);
    fault_os_fail(&faults, FAULT_shm_opendir, 1, 1, EMFILE);
    assert_int_equal(shmsum_region_reap(&faults.os), -EMFILE);
    fault_os_fail(&faults, FAULT_shm_readdir, 1, 1, EIO);
    assert_int_equal(shmsum_region_reap(&faults.os), -EIO);
    assert_int_equal(fault_os_leaks(&faults), before);
    static const enum fault_member members[] = {FAULT_shm_statx, FAULT_shm_open, FAULT_fstat,
                                                FAULT_flock};
    for (size_t i = 0; i < COUNT(members); i++) {
        fault_os_fail(&faults, members[i], faults.calls[members[i]] + 1, FAULT_FOR_GOOD, EACCES);
        uint64_t unlinks = faults.calls[FAULT_shm_unlink];
        assert_int_equal(shmsum_region_reap(&faults.os), 0);
        assert_int_equal(faults.calls[FAULT_shm_unlink], unlinks);
        assert_int_equal(fault_os_leaks(&faults), before);
        fault_os_heal(&faults);
    }
    assert_true(name_exists(ours.name));
    shmsum_region_clean_up(&ours);
    assert_nothing_left();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_bytes),
        CASE(test_init_in),
        CASE(test_create_and_attach),
        CASE(test_clean_up_alone),
        CASE(test_two_regions),
        CASE(test_unlink_failures),
        CASE(test_create_fails),
        CASE(test_create_survives_any_failure),
        CASE(test_create_refuses_geometry),
        CASE(test_create_tries_again),
        CASE(test_reaped_while_created),
        CASE(test_attach_refuses_object),
        CASE(test_attach_refuses_header),
        CASE(test_attach_fails),
        CASE(test_reap),
        CASE(test_reap_leaves_others),
        CASE(test_reap_leaves_other_users),
        CASE(test_reap_planted),
        CASE(test_reap_fails),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
