/*
 * fault_limits.c - runs with too little of a resource, at every amount from none to enough:
 * descriptors, bytes of a file, memory, processes, pages and inodes of a disk and of /dev/shm. The
 * limit holds for both programs from their start, for the child alone, or from some moment of the
 * run on. Each run must end as point.h says.
 *
 * This program also replaces shmsum-child: it sets the limit for itself and executes the real child
 * (main, at the end).
 */
#define _GNU_SOURCE
#include "point.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The environment variable that gives "resource amount" to the replacement of shmsum-child. */
#define CHILD_LIMIT "FAULT_CHILD_LIMIT"

enum { LIMITED_STEPS = 4096, PAGE = 4096, KIB_64 = 65536 };

static const char *const from_file[] = {"-o", "results.txt", "input.txt", NULL};
static const char *const from_stdin[] = {"-o", "results.txt", NULL};
static const char *const append_file[] = {"--append", "-o", "results.txt", "input.txt", NULL};
static const char *const sync_file[] = {"--fsync", "-o", "results.txt", "input.txt", NULL};
/* With the smallest possible region: 768 bytes. */
static const char *const tiny_append[] = {"--slots=1",   "--slot-bytes=1", "--append", "-o",
                                          "results.txt", "input.txt",      NULL};
static const char *const tiny_file[] = {"--slots=1",   "--slot-bytes=1", "-o",
                                        "results.txt", "input.txt",      NULL};
enum { TINY_REGION = 768, DEFAULT_REGION = 512 + 16 * (65536 + 128) };

/* ---- limits from the start ---- */

/* The limit that limit_self sets in the new process. */
static struct {
    int resource;
    rlim_t amount;
} own_limit;

static void limit_self(void)
{
    /* Inherited descriptors would count against the limit. */
    for (int fd = 3; own_limit.resource == RLIMIT_NOFILE && fd < 1024; fd++)
        close(fd);
    struct rlimit limit = {own_limit.amount, own_limit.amount};
    if (setrlimit((__rlimit_resource_t)own_limit.resource, &limit) < 0)
        _exit(HARNESS_SKIP);
}

/* A series of runs with growing amounts of a resource, and the messages that are right when the
 * amount is too small. */
struct sweep {
    int resource;
    const char *what; /* "RLIMIT_AS" */
    bool child_alone;
    rlim_t step;        /* from one amount to the next in a sample */
    rlim_t finest_step; /* the same if SHMSUM_FAULTS=all */
    rlim_t speechless;  /* below this amount a program may end before its main() */
    const struct point_reason *reasons;
    const char *const *const *runs; /* the arguments of each run, NULL at the end */
};

static void skip_under_sanitizer(void)
{
    if (HARNESS_SANITIZED)
        test_skip("a sanitizer uses memory, descriptors and threads of its own");
}

static void place_programs(void)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    check(length > 0, "readlink: %s", strerror(errno));
    self[length] = '\0';
    check(mkdir("bin", 0755) == 0 && symlink(self, "bin/shmsum-child") == 0, "bin: %s",
          strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
}

static struct session start_limited(const struct sweep *sweep, rlim_t amount,
                                    const char *const *arguments)
{
    struct session_config config = {.arguments = arguments, .messages_by_pipe = true};
    char text[64];
    if (sweep->child_alone) {
        snprintf(text, sizeof text, "%d %llu", sweep->resource, (unsigned long long)amount);
        setenv(CHILD_LIMIT, text, 1);
        config.program = "bin/shmsum";
    } else {
        own_limit.resource = sweep->resource;
        own_limit.amount = amount;
        config.prepare = limit_self;
    }
    return session_start(&config);
}

static bool has_argument(const char *const *arguments, const char *argument)
{
    for (size_t i = 0; arguments[i] != NULL; i++)
        if (strcmp(arguments[i], argument) == 0)
            return true;
    return false;
}

/* How far above an amount that has sufficed another run may still fail. The kernel moves the top of
 * the stack by a random distance within two pages. */
static rlim_t sweep_slack(const struct sweep *sweep)
{
    return sweep->resource == RLIMIT_STACK ? (rlim_t)3 * PAGE : 0;
}

/* Tries growing amounts, from 0 until three runs in a row have worked. */
static void sweep_up(const void *argument)
{
    const struct sweep *sweep = argument;
    skip_under_sanitizer();
    if (sweep->child_alone)
        place_programs();
    struct point point = {
        .row = {.kind = "limit",
                .role = sweep->child_alone ? "child" : "both",
                .what = sweep->what},
        .results = "results.txt",
        .reasons = sweep->reasons,
    };
    rlim_t step = point_all() ? sweep->finest_step : sweep->step;
    for (size_t run = 0; sweep->runs[run] != NULL; run++) {
        const char *const *arguments = sweep->runs[run];
        bool append = has_argument(arguments, "--append");
        point.earlier = append ? 10 : 0;
        point.old = append ? NULL : "old\n";
        point.lines = 40;
        write_lines("input.txt", point.earlier + 1, point.lines);
        bool failed = false;
        int worked = 0;             /* in a row */
        rlim_t last = 0, least = 0; /* the last amount that failed, the first that worked */
        for (rlim_t amount = 0; worked < 3; amount += step) {
            check(amount / step < LIMITED_STEPS, "%s of %llu is not enough", sweep->what,
                  (unsigned long long)amount);
            char place[96];
            snprintf(place, sizeof place, "%s %llu, run %zu", sweep->what,
                     (unsigned long long)amount, run);
            point.starved = amount < sweep->speechless;
            point.mortal = sweep->resource == RLIMIT_STACK; /* the stack may end anywhere */
            point_set_up(&point);
            struct session session = start_limited(sweep, amount, arguments);
            if (has_argument(arguments, "input.txt")) {
                session_close_input(&session);
            } else {
                session_feed_lines(&session, 1, point.lines);
                session_close_input(&session);
            }
            enum point_end end = point_end(&point, &session, place);
            if (end == POINT_WORKED) {
                if (least == 0)
                    least = amount;
                worked++;
            } else {
                check(least == 0 || amount - least <= sweep_slack(sweep),
                      "%s: a run with less has worked", place);
                worked = 0;
                failed = true;
                last = amount;
            }
        }
        check(failed, "%s: no amount is too little", sweep->what);
        printf("%s, run %zu: too little up to %llu\n", sweep->what, run, (unsigned long long)last);
    }
    point_finish(&point);
}

static const char *const *const descriptor_runs[] = {from_file, from_stdin, append_file, sync_file,
                                                     NULL};
static const char *const *const file_runs[] = {from_file, NULL};

static const struct point_reason no_descriptors[] = {
    {"shmsum: open: ",
     ": Too many open files; see 'ulimit -n'"}, /* also for "/dev/null, for the child" */
    {"shmsum: shm_open: /shmsum-", ": Too many open files; see 'ulimit -n'"},
    {"shmsum: pipe: start of the child", ": Too many open files; see 'ulimit -n'"},
    {"shmsum: exec: ", "shmsum-child: Too many open files"}, /* its shared libraries */
    {NULL, NULL},
};
/* The child's loader runs first and prints a message of its own. */
static const struct point_reason child_not_loaded[] = {
    {"shmsum: child: exited with status 127; nothing was read", ""},
    {NULL, NULL},
};

static const struct point_reason no_memory[] = {
    {"shmsum: mmap: /shmsum-", ": Cannot allocate memory"},
    {"shmsum: malloc: arguments of the child: Cannot allocate memory", ""},
    {"shmsum: malloc: buffers: Cannot allocate memory", ""},
    {"shmsum: fork: ", ": Cannot allocate memory"},
    {"shmsum: exec: ", ": Cannot allocate memory"},
    {"shmsum: exec: ", ": Argument list too long"}, /* the stack limit bounds the arguments */
    {"shmsum: child: exited with status 127; nothing was read", ""},
    {"shmsum: child: killed by signal 9 (Killed); nothing was read", ""},
    {"shmsum: child: killed by signal 11 (Segmentation fault); ", ""}, /* the stack overflows */
    {NULL, NULL},
};

/* ---- bytes of a file ---- */

static const struct point_reason too_large[] = {
    {"shmsum: posix_fallocate: /shmsum-",
     ": File too large; see 'ulimit -f', or use less: --slots=4"},
    {"shmsum: write: results.txt: File too large", ""},
    {NULL, NULL},
};

/* A limit too small for the region is reported at the start, whatever the number of bytes. */
static void file_size_region(const void *argument)
{
    (void)argument;
    struct point point = {
        .row = {.kind = "limit", .role = "both", .what = "RLIMIT_FSIZE of region"},
        .results = "results.txt",
        .lines = 40,
        .old = "old\n",
        .reasons = too_large,
    };
    write_lines("input.txt", 1, point.lines);
    static const struct {
        const char *const *arguments;
        rlim_t region;
        unsigned long every, least;
    } regions[] = {{tiny_file, TINY_REGION, 13, 1}, {from_file, DEFAULT_REGION, 131072, 8191}};
    for (int i = 0; i < 2; i++) {
        unsigned long step = point_all() ? regions[i].least : regions[i].every;
        for (rlim_t amount = 0, next; amount <= regions[i].region; amount = next) {
            next = amount + step;
            if (amount < regions[i].region - 1 && next > regions[i].region - 1)
                next = regions[i].region - 1; /* always try the largest amount that is too small */
            else if (amount == regions[i].region - 1)
                next = regions[i].region;
            char place[64];
            snprintf(place, sizeof place, "RLIMIT_FSIZE %llu of %llu", (unsigned long long)amount,
                     (unsigned long long)regions[i].region);
            point_set_up(&point);
            static const struct sweep whole = {.resource = RLIMIT_FSIZE};
            struct session session = start_limited(&whole, amount, regions[i].arguments);
            enum point_end end = point_end(&point, &session, place);
            check(end == POINT_BAD ||
                      end == (amount < regions[i].region ? POINT_REFUSED : POINT_WORKED),
                  "%s: does not fit the limit", place);
        }
    }
    point_finish(&point);
}

/* Bytes that the results of lines 1 .. lines take. */
static rlim_t size_of_results(unsigned long lines)
{
    rlim_t size = 0;
    for (unsigned long i = 1; i <= lines; i++)
        size += (rlim_t)snprintf(NULL, 0, "%lu\n", i + 1);
    return size;
}

/* The file must hold exactly the results that fit, as whole lines. */
static void check_cut(const struct point *point, enum point_end end, rlim_t amount,
                      const char *place)
{
    bool fits = size_of_results(point->lines) <= amount;
    /* Where not even the first result fits, the file is unchanged. */
    bool first_fits = size_of_results(point->earlier + 1) <= amount;
    check(end == POINT_BAD || end == (fits ? POINT_WORKED : POINT_CUT) ||
              (!first_fits && end == POINT_REFUSED),
          "%s: does not fit the limit", place);
    if (end != POINT_CUT)
        return;
    struct stat status;
    check(stat("results.txt", &status) == 0, "stat: %s", strerror(errno));
    unsigned long held = check_results("results.txt");
    if (held < point->lines && held > point->earlier)
        check(size_of_results(held + 1) > amount, "%s: a line that fits is missing", place);
}

/* The limit takes some 200 values, one byte apart, so that a write after earlier results fails at
 * each byte. The earlier results are longer than the region, so that the region fits. */
static void file_size_append(const void *argument)
{
    (void)argument;
    struct point point = {
        .row = {.kind = "limit", .role = "both", .what = "RLIMIT_FSIZE"},
        .results = "results.txt",
        .lines = 272,
        .earlier = 222,
        .reasons = too_large,
    };
    rlim_t first = size_of_results(point.earlier);
    rlim_t last = size_of_results(point.lines) + 1;
    check(first > TINY_REGION && last - first > 199, "from %llu to %llu", (unsigned long long)first,
          (unsigned long long)last);
    write_lines("input.txt", point.earlier + 1, point.lines);
    unsigned long step = point_step(5);
    for (rlim_t amount = TINY_REGION; amount <= last; amount += step) {
        char place[64];
        snprintf(place, sizeof place, "RLIMIT_FSIZE %llu", (unsigned long long)amount);
        point_set_up(&point);
        static const struct sweep whole = {.resource = RLIMIT_FSIZE};
        struct session session = start_limited(&whole, amount, tiny_append);
        enum point_end end = point_end(&point, &session, place);
        check_cut(&point, end, amount, place);
    }
    point_finish(&point);
}

/* ---- limits that begin during a run ---- */

enum { PARENT = 1, CHILD = 2 };

static void limit_running(const struct session *session, int who, int resource, rlim_t amount)
{
    struct rlimit limit = {amount, amount};
    if (((who & PARENT) != 0 &&
         prlimit(session->parent, (__rlimit_resource_t)resource, &limit, NULL) < 0) ||
        ((who & CHILD) != 0 &&
         prlimit(session->child, (__rlimit_resource_t)resource, &limit, NULL) < 0))
        test_skip("prlimit: %s", strerror(errno));
}

/* Starts a run, which writes the result of its first line and waits for more input. */
static struct session start_idle(const char *const *arguments)
{
    struct session session =
        session_start(&(struct session_config){.arguments = arguments, .messages_by_pipe = true});
    session_await_child(&session);
    session_feed_lines(&session, 1, 1);
    session_await_results(&session, 1);
    return session;
}

static const char *role_of(int who)
{
    return who == PARENT ? "parent" : who == CHILD ? "child" : "both";
}

static void file_size_running(const void *argument)
{
    int who = *(const int *)argument;
    struct point point = {
        .row = {.kind = "limit", .role = role_of(who), .what = "RLIMIT_FSIZE later"},
        .results = "results.txt",
        .lines = 68,
        .old = "old", /* no newline: the first newline in the file shows that the run has begun */
        .reasons = too_large,
    };
    rlim_t last = size_of_results(point.lines) + 1;
    unsigned long step = point_step(7);
    for (rlim_t amount = 0; amount <= last; amount += step) {
        char place[64];
        snprintf(place, sizeof place, "RLIMIT_FSIZE %llu", (unsigned long long)amount);
        point_set_up(&point);
        struct session session = start_idle(from_stdin);
        limit_running(&session, who, RLIMIT_FSIZE, amount);
        session_feed_lines(&session, 2, point.lines);
        session_close_input(&session);
        enum point_end end = point_end(&point, &session, place);
        check_cut(&point, end, amount < 2 ? 2 : amount, place);
    }
    point_finish(&point);
}

/* Once they run, the programs only read and write: they need no more memory, processes or
 * descriptors. */
static void nothing_more(const void *argument)
{
    int who = *(const int *)argument;
    static const struct {
        int resource;
        const char *name;
    } resources[] = {
        {RLIMIT_AS, "RLIMIT_AS"},         {RLIMIT_DATA, "RLIMIT_DATA"},
        {RLIMIT_STACK, "RLIMIT_STACK"},   {RLIMIT_NPROC, "RLIMIT_NPROC"},
        {RLIMIT_NOFILE, "RLIMIT_NOFILE"}, {RLIMIT_MEMLOCK, "RLIMIT_MEMLOCK"},
    };
    static const struct point_reason none[] = {
        {"shmsum: ppoll: stdin: Invalid argument",
         ""}, /* ppoll refuses more entries than RLIMIT_NOFILE */
        {NULL, NULL},
    };
    skip_under_sanitizer();
    struct point point = {
        .row = {.kind = "limit", .role = role_of(who), .what = "nothing more"},
        .results = "results.txt",
        .lines = 6000, /* fits in the input pipe: after a failure no program reads the rest */
        .old = "old",  /* no newline: the first newline in the file shows that the run has begun */
        .reasons = none,
    };
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
        point_set_up(&point);
        /* With small slots the parent reads many times: a ppoll that fails always loses input. */
        static const char *const small_slots[] = {"--slot-bytes=64", "-o", "results.txt", "-",
                                                  NULL};
        struct session session = start_idle(small_slots);
        limit_running(&session, who, resources[i].resource, 0);
        session_feed_lines(&session, 2, point.lines);
        session_close_input(&session);
        enum point_end end = point_end(&point, &session, resources[i].name);
        bool polls = (who & PARENT) != 0 && resources[i].resource == RLIMIT_NOFILE;
        check(end == POINT_BAD || end == POINT_WORKED || polls,
              "%s: the programs need this resource", resources[i].name);
    }
    point_finish(&point);
}

/* ---- processes ---- */

enum { LONELY_USER = 61234 }; /* a user without any process */

static void limit_lonely_user(void)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(LONELY_USER, LONELY_USER, LONELY_USER) < 0 ||
         setresuid(LONELY_USER, LONELY_USER, LONELY_USER) < 0))
        _exit(HARNESS_SKIP);
    limit_self();
}

static void processes(const void *argument)
{
    (void)argument;
    skip_under_sanitizer();
    bool lonely = geteuid() == 0;
    static const struct point_reason no_process[] = {
        {"shmsum: fork: ", "shmsum-child: Resource temporarily unavailable; see 'ulimit -u'"},
        {NULL, NULL},
    };
    struct point point = {
        .row = {.kind = "limit", .role = "both", .what = "RLIMIT_NPROC"},
        .results = "results.txt",
        .lines = 40,
        .old = "old\n",
        .reasons = no_process,
    };
    umask(022); /* the other user must be able to read our files */
    check(chmod(".", 0777) == 0 && mkdir("bin", 0755) == 0, "cannot set up: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    copy_program(getenv("SHMSUM_CHILD"), "bin/shmsum-child");
    write_lines("input.txt", 1, point.lines);
    /* For a user with other processes the amount that is enough is unknown. */
    for (rlim_t amount = 0; amount <= (lonely ? 3 : 1); amount++) {
        char place[64];
        snprintf(place, sizeof place, "RLIMIT_NPROC %llu", (unsigned long long)amount);
        own_limit.resource = RLIMIT_NPROC;
        own_limit.amount = amount;
        point_set_up(&point);
        check(chmod("results.txt", 0666) == 0, "chmod: %s", strerror(errno));
        struct session session = session_start(&(struct session_config){
            .program = "bin/shmsum", .arguments = from_file, .prepare = limit_lonely_user});
        enum point_end end = point_end(&point, &session, place);
        check(end == POINT_BAD || end == (amount < 2 ? POINT_REFUSED : POINT_WORKED),
              "%s: does not fit the limit", place);
    }
    point_finish(&point);
}

/* ---- pages and inodes ---- */

static void need_private_mounts(void)
{
    if (!private_mounts())
        test_skip("no mounts of our own: %s", strerror(errno));
}

static const struct point_reason no_space[] = {
    {"shmsum: open: disk/results.txt: No space left on device", ""},
    {"shmsum: write: disk/results.txt: No space left on device", ""},
    {"shmsum: shm_open: /shmsum-", ": No space left on device; make room in /dev/shm"},
    {"shmsum: posix_fallocate: /shmsum-",
     ": No space left on device; make room in /dev/shm, or use less of it: --slots=4"},
    {NULL, NULL},
};

/* Mounts a tmpfs with so many free pages. A tmpfs of size 0 would have no limit, so a filler file
 * takes one page. */
static void mount_pages(const char *folder, unsigned long pages)
{
    char options[64], filler[128];
    snprintf(options, sizeof options, "mode=1777,size=%lu", (pages + 1) * PAGE);
    mount_small(folder, options, false);
    snprintf(filler, sizeof filler, "%s/filler", folder);
    write_file(filler, "one page");
}

static void unmount(const char *folder)
{
    check(umount2(folder, MNT_DETACH) == 0, "umount: %s: %s", folder, strerror(errno));
}

/* The disk has so many pages. The file holds exactly the results that fit, as whole lines. */
static void disk_pages(const void *argument)
{
    bool append = argument != NULL;
    need_private_mounts();
    struct point point = {
        .row = {.kind = "full", .role = "child", .what = append ? "disk, --append" : "disk"},
        .results = "disk/results.txt",
        .lines = 60000,
        .earlier = append ? 3 : 0,
        .reasons = no_space,
    };
    check(mkdir("disk", 0755) == 0, "mkdir: %s", strerror(errno));
    write_lines("input.txt", point.earlier + 1, point.lines);
    static const char *const fresh[] = {"-o", "disk/results.txt", "input.txt", NULL};
    static const char *const behind[] = {"--append", "-o", "disk/results.txt", "input.txt", NULL};
    unsigned long enough = (size_of_results(point.lines) + PAGE - 1) / PAGE;
    /* Some 80 pages, in two or more writes. A sample tries the first, the last and some others. */
    unsigned long step = point_step(13);
    for (unsigned long pages = append ? 1 : 0, next; pages <= enough + 1; pages = next) {
        next = pages < 4 || pages >= enough - 2 ? pages + 1 : pages + step;
        if (pages < enough - 2 && next > enough - 2)
            next = enough - 2;
        char place[64];
        snprintf(place, sizeof place, "%lu of %lu pages", pages, enough);
        mount_pages("disk", pages);
        point_set_up(&point);
        struct session session =
            session_start(&(struct session_config){.arguments = append ? behind : fresh});
        enum point_end end = point_end(&point, &session, place);
        check(end == POINT_BAD || end == (pages < enough ? POINT_CUT : POINT_WORKED),
              "%s: does not fit the disk", place);
        if (end == POINT_CUT) {
            unsigned long held = check_results("disk/results.txt");
            check(size_of_results(held + 1) > pages * PAGE, "%s: a line that fits is missing",
                  place);
        }
        unmount("disk");
    }
    point_finish(&point);
}

static void disk_inodes(const void *argument)
{
    (void)argument;
    need_private_mounts();
    struct point point = {
        .row = {.kind = "full", .role = "parent", .what = "disk, inodes"},
        .results = "disk/results.txt",
        .lines = 40,
        .reasons = no_space,
    };
    check(mkdir("disk", 0755) == 0, "mkdir: %s", strerror(errno));
    write_lines("input.txt", 1, point.lines);
    static const char *const arguments[] = {"-o", "disk/results.txt", "input.txt", NULL};
    for (int inodes = 1; inodes <= 3; inodes++) { /* the folder itself takes one */
        char options[64];
        snprintf(options, sizeof options, "size=1m,nr_inodes=%d", inodes);
        mount_small("disk", options, false);
        struct session session = session_start(&(struct session_config){.arguments = arguments});
        enum point_end end = point_end(&point, &session, options);
        check(end == POINT_BAD || end == (inodes < 2 ? POINT_REFUSED : POINT_WORKED),
              "%s: does not fit the disk", options);
        unmount("disk");
    }
    point_finish(&point);
}

/* /dev/shm has so many pages. If they are too few for the region, the program reports that at the
 * start; it does not die of SIGBUS later. */
static void shm_pages(const void *argument)
{
    (void)argument;
    need_private_mounts();
    struct point point = {
        .row = {.kind = "full", .role = "parent", .what = "/dev/shm"},
        .results = "results.txt",
        .lines = 40,
        .old = "old\n",
        .reasons = no_space,
    };
    write_lines("input.txt", 1, point.lines);
    static const char *const small[] = {"--slots=2",   "--slot-bytes=4096", "-o",
                                        "results.txt", "input.txt",         NULL};
    static const struct {
        const char *const *arguments;
        unsigned long needed, every;
    } regions[] = {
        {tiny_file, 1, 1}, {small, 3, 1}, {from_file, (DEFAULT_REGION + PAGE - 1) / PAGE, 32}};
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        unsigned long needed = regions[i].needed, step = point_step(regions[i].every);
        for (unsigned long pages = 0, next; pages <= needed + 1; pages = next) {
            next = pages >= needed - 1 ? pages + 1 : pages + step;
            if (pages < needed - 1 && next > needed - 1)
                next = needed - 1;
            char place[64];
            snprintf(place, sizeof place, "%lu of %lu pages", pages, needed);
            mount_pages("/dev/shm", pages);
            point_set_up(&point);
            struct session session =
                session_start(&(struct session_config){.arguments = regions[i].arguments});
            enum point_end end = point_end(&point, &session, place);
            check(end == POINT_BAD || end == (pages < needed ? POINT_REFUSED : POINT_WORKED),
                  "%s: does not fit /dev/shm", place);
            unmount("/dev/shm");
        }
    }
    point_finish(&point);
}

static void shm_inodes(const void *argument)
{
    (void)argument;
    need_private_mounts();
    struct point point = {
        .row = {.kind = "full", .role = "parent", .what = "/dev/shm, inodes"},
        .results = "results.txt",
        .lines = 40,
        .old = "old\n",
        .reasons = no_space,
    };
    write_lines("input.txt", 1, point.lines);
    for (int inodes = 1; inodes <= 3; inodes++) {
        char options[64];
        snprintf(options, sizeof options, "size=4m,nr_inodes=%d", inodes);
        mount_small("/dev/shm", options, false);
        point_set_up(&point);
        struct session session = session_start(&(struct session_config){.arguments = from_file});
        enum point_end end = point_end(&point, &session, options);
        check(end == POINT_BAD || end == (inodes < 2 ? POINT_REFUSED : POINT_WORKED),
              "%s: does not fit /dev/shm", options);
        unmount("/dev/shm");
    }
    point_finish(&point);
}

/* ---- cases ---- */

#define SWEEP(...)        \
    &(const struct sweep) \
    {                     \
        __VA_ARGS__       \
    }
#define WHO(who) \
    &(const int) \
    {            \
        who      \
    }
enum { LONG_SECONDS = 3600 };

static const struct test_case cases[] = {
    {"descriptors", sweep_up,
     SWEEP(RLIMIT_NOFILE, "RLIMIT_NOFILE", false, 1, 1, 4, no_descriptors, descriptor_runs),
     LONG_SECONDS},
    {"descriptors_of_child", sweep_up,
     SWEEP(RLIMIT_NOFILE, "RLIMIT_NOFILE", true, 1, 1, 0, child_not_loaded, file_runs),
     LONG_SECONDS},
    {"memory", sweep_up,
     SWEEP(RLIMIT_AS, "RLIMIT_AS", false, KIB_64, PAGE, 64 * KIB_64, no_memory, file_runs),
     LONG_SECONDS},
    {"memory_of_child", sweep_up,
     SWEEP(RLIMIT_AS, "RLIMIT_AS", true, KIB_64, PAGE, 0, no_memory, file_runs), LONG_SECONDS},
    {"data", sweep_up,
     SWEEP(RLIMIT_DATA, "RLIMIT_DATA", false, KIB_64, PAGE, 4 * KIB_64, no_memory, file_runs),
     LONG_SECONDS},
    {"data_of_child", sweep_up,
     SWEEP(RLIMIT_DATA, "RLIMIT_DATA", true, KIB_64, PAGE, 0, no_memory, file_runs), LONG_SECONDS},
    {"stack", sweep_up,
     SWEEP(RLIMIT_STACK, "RLIMIT_STACK", false, PAGE, PAGE, 16 * PAGE, no_memory, file_runs),
     LONG_SECONDS},
    {"stack_of_child", sweep_up,
     SWEEP(RLIMIT_STACK, "RLIMIT_STACK", true, PAGE, PAGE, 0, no_memory, file_runs), LONG_SECONDS},
    {"file_size_region", file_size_region, NULL, LONG_SECONDS},
    {"file_size_append", file_size_append, NULL, LONG_SECONDS},
    {"file_size_running", file_size_running, WHO(PARENT | CHILD), LONG_SECONDS},
    {"file_size_running_child", file_size_running, WHO(CHILD), LONG_SECONDS},
    {"nothing_more", nothing_more, WHO(PARENT | CHILD), LONG_SECONDS},
    {"nothing_more_parent", nothing_more, WHO(PARENT), LONG_SECONDS},
    {"nothing_more_child", nothing_more, WHO(CHILD), LONG_SECONDS},
    {"processes", processes, NULL, LONG_SECONDS},
    {"disk_pages", disk_pages, NULL, LONG_SECONDS},
    {"disk_pages_append", disk_pages, "", LONG_SECONDS},
    {"disk_inodes", disk_inodes, NULL, LONG_SECONDS},
    {"shm_pages", shm_pages, NULL, LONG_SECONDS},
    {"shm_inodes", shm_inodes, NULL, LONG_SECONDS},
};

/* The replacement of shmsum-child: sets the limit and executes the real child. */
static int stand_in(char *argv[], const char *text)
{
    int resource;
    unsigned long long amount;
    if (sscanf(text, "%d %llu", &resource, &amount) != 2)
        return 99;
    unsetenv(CHILD_LIMIT);
    own_limit.resource = resource;
    own_limit.amount = (rlim_t)amount;
    limit_self();
    execv(getenv("SHMSUM_CHILD"), argv);
    return 127; /* the status with which the parent's fork exits when its exec fails */
}

int main(int argc, char *argv[])
{
    const char *limit = getenv(CHILD_LIMIT);
    if (limit != NULL && strcmp(argv[0], "shmsum-child") == 0)
        return stand_in(argv, limit);
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
