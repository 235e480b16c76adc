/*
 * fuzz_faults.c - the property: whichever system calls fail, a function reports a failure exactly
 * when a call failed that matters to it, with the name of that call, its object and its errno.
 * Nothing leaks. The results are whole lines, a prefix of the right answer.
 *
 * For each function under test a table (struct matters) lists the calls whose failure the function
 * must report, and the errnos that it must tolerate (EINTR: it repeats the call). It must tolerate
 * every other failure without a report:
 *   - close (of anything but the results) and other calls that clean up: nothing can be done;
 *   - messages and prompts: the results are complete without them;
 *   - finding, locking and removing what a dead process left behind;
 *   - the lock of the results, unless another process holds it: some file systems have no locks;
 *   - counting CPUs; waking the own process; waiting until a message can be written.
 * Only a function that would have to wait reports a wake that failed earlier.
 * A function that reports success leaves its struct shmsum_failure alone.
 *
 * Leaks are descriptors, mappings, names and listings, as fault_os counts them, except names and
 * mappings whose removal was made to fail.
 *
 * The input: the scenario, four bytes of setting, the number of faults and four bytes for each (the
 * call, the first to fail, how many or all, the errno), the limits of a read and of a write, and
 * text: lines of numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expected_results.h"
#include "fault_os.h"
#include "fuzz.h"
#include "memory_os.h"
#include "messages/message.h"
#include "roles/producer.h"
#include "os/standard_fds.h"

#include "messages/message.h"
#include "parent/inputs.h"
#include "parent/output.h"

/* _exit in these two modules jumps back to the scenario. They are included here, so that the target
 * can clear their state for each input. */
static jmp_buf process_end;
static int exit_status;
_Noreturn static void end_process(int status)
{
    exit_status = status;
    longjmp(process_end, 1);
}
#define _exit(status) end_process(status)
#include "parent/child_process.c"
#include "parent/signals.c"
#undef _exit

enum {
    FAULTS_MAX = 6,
    SLOTS_MAX = 16,
    PAYLOAD_MAX = 128,
    RESULTS_BUFFER = 2 * (RESULT_LINE_TEXT_MAX + 2),
};

static struct {
    struct memory_os world;
    struct fault_os faults;
    const struct shmsum_os *os;
    uint64_t mark; /* faults injected before the function that is being called */
    struct shmsum_failure why;
    uint8_t setting[4];
    struct expected_input input;
    struct shmsum_word stops[2];
    int polls;
} run;

/* ---- whether a failure was right ---- */

struct matters {
    enum fault_member member;
    const char *call;
    const char *object; /* NULL: any */
    int borne[5];       /* positive errnos that the function tolerates */
    int only;           /* not 0: it tolerates all errnos but this one */
    int fd;             /* not 0: only on this descriptor */
    int not_fd;         /* not 0: not on this one */
};

static void show_faults(void);

static const char untouched[] = "untouched";

/* Called before each function under test. */
static struct shmsum_failure *begin(void)
{
    run.mark = run.faults.injected;
    run.why = (struct shmsum_failure){untouched, untouched, 0};
    return &run.why;
}

static const struct matters *find_matter(const struct matters *matters,
                                         const struct fault_injected *fault)
{
    for (; matters->call != NULL; matters++) {
        if (matters->member != fault->member || (matters->fd != 0 && matters->fd != fault->fd) ||
            (matters->not_fd != 0 && matters->not_fd == fault->fd) ||
            (matters->only != 0 && matters->only != fault->error))
            continue;
        bool borne = false;
        for (size_t i = 0; i < sizeof matters->borne / sizeof matters->borne[0]; i++)
            borne |= matters->borne[i] == fault->error;
        if (!borne)
            return matters;
    }
    return NULL;
}

/* The first failure since begin() that had to be reported, or NULL. */
static const struct fault_injected *first_that_matters(const struct matters *matters,
                                                       const struct matters **matter)
{
    FUZZ_CHECK(run.faults.injected <= FAULT_LOG_MAX);
    for (uint64_t i = run.mark; i < run.faults.injected; i++) {
        *matter = find_matter(matters, &run.faults.log[i]);
        if (*matter != NULL)
            return &run.faults.log[i];
    }
    return NULL;
}

static bool reports(const char *call, const char *object, int error)
{
    return run.why.error == error && strcmp(run.why.call, call) == 0 &&
           (object == NULL || strcmp(run.why.object, object) == 0);
}

/* What memory_os itself refuses, without any fault. */
struct refusal {
    const char *call;
    const char *object;
    int error; /* positive; 0: nothing is refused */
};

/* Whether the function reports an earlier wake that failed. It does so only if it would have to
 * wait for the peer, which may be asleep forever. */
static bool reports_refused_wake(int result)
{
    for (uint64_t i = 0; i < run.faults.injected && i < FAULT_LOG_MAX; i++) {
        int error = run.faults.log[i].error;
        if (run.faults.log[i].member == FAULT_futex_wake && result == -error &&
            reports("futex", NULL, error))
            return true;
    }
    return false;
}

/* Checks that the function, which returned `result`, failed if and only if it had to, and with the
 * right report. Returns whether it failed. If there are both a refusal and a fault, either report
 * is right. */
static bool failed(int result, const struct matters *matters, const struct refusal *refusal)
{
    const struct matters *matter;
    const struct fault_injected *fault = first_that_matters(matters, &matter);
    bool refused = refusal != NULL && refusal->error != 0;
    if (result < 0 && reports_refused_wake(result))
        return true;
    if (fault == NULL && !refused) {
        FUZZ_CHECK(result >= 0);
        FUZZ_CHECK(run.why.call == untouched && run.why.error == 0);
        return false;
    }
    FUZZ_CHECK(result < 0);
    bool by_fault = fault != NULL && result == -fault->error &&
                    reports(matter->call, matter->object, fault->error);
    bool by_refusal = refused && result == -refusal->error &&
                      reports(refusal->call, refusal->object, refusal->error);
    if (!by_fault && !by_refusal) {
        show_faults();
        fprintf(stderr, "returned %d, says \"%s: %s: %d\"\n", result, run.why.call, run.why.object,
                run.why.error);
    }
    FUZZ_CHECK(by_fault || by_refusal);
    return true;
}

/* For the log of a finding. */
static void show_faults(void)
{
    for (uint64_t i = 0; i < run.faults.injected && i < FAULT_LOG_MAX; i++)
        fprintf(stderr, "%s %s: %s\n", i < run.mark ? "earlier" : "now",
                fault_os_member_name(run.faults.log[i].member), strerror(run.faults.log[i].error));
}

static bool was_injected(enum fault_member member)
{
    for (uint64_t i = 0; i < run.faults.injected && i < FAULT_LOG_MAX; i++)
        if (run.faults.log[i].member == member)
            return true;
    return false;
}

#define RESULTS_NAME "results"
#define INPUT_NAME "input"

/* ---- the region ---- */

static const struct matters create_matters[] = {
    {.member = FAULT_getrandom, .call = "getrandom"},
    {.member = FAULT_shm_open, .call = "shm_open", .borne = {EINTR, EEXIST}},
    {.member = FAULT_fchmod, .call = "fchmod", .borne = {EINTR}},
    {.member = FAULT_flock, .call = "flock", .borne = {EINTR}},
    {.member = FAULT_fstat, .call = "fstat"},
    {.member = FAULT_posix_fallocate, .call = "posix_fallocate", .borne = {EINTR}},
    {.member = FAULT_mmap, .call = "mmap"},
    {.call = NULL},
};
static const struct matters attach_matters[] = {
    {.member = FAULT_shm_open, .call = "shm_open", .borne = {EINTR}},
    {.member = FAULT_fstat, .call = "fstat"},
    {.member = FAULT_mmap, .call = "mmap"},
    {.call = NULL},
};
static const struct matters unlink_matters[] = {
    {.member = FAULT_shm_unlink, .call = "shm_unlink", .borne = {ENOENT}},
    {.call = NULL},
};

static bool is_named(const char *name)
{
    for (int i = 0; i < MEMORY_FILES_MAX; i++) {
        const struct memory_file *file = &run.world.files[i];
        if (file->used && file->shared && strcmp(file->name, name) == 0)
            return true;
    }
    return false;
}

#define LEFT_NAME "/shmsum-12-0123456789abcdef0123456789abcdef"
#define LIVE_NAME "/shmsum-13-0123456789abcdef0123456789abcdef"
#define ALIEN_NAME "/shmsum-14-0123456789abcdef0123456789abcdef"
#define OTHER_NAME "/shmsum-15-0123456789ABCDEF0123456789abcdef"

/* Names of a dead process, of a live one, of another user, and of another program. */
static void reap(void)
{
    memory_os_add(&run.world, LEFT_NAME, true, S_IFREG | 0600, NULL, 0);
    int live = memory_os_add(&run.world, LIVE_NAME, true, S_IFREG | 0600, NULL, 0);
    run.world.files[live].somebody = 1;
    int alien = memory_os_add(&run.world, ALIEN_NAME, true, S_IFREG | 0600, NULL, 0);
    run.world.files[alien].user = MEMORY_USER + 1;
    memory_os_add(&run.world, OTHER_NAME, true, S_IFREG | 0600, NULL, 0);

    begin();
    int result = shmsum_region_reap(run.os);
    static const struct matters reap_matters[] = {
        {.member = FAULT_shm_opendir, .call = ""},
        {.member = FAULT_shm_readdir, .call = ""},
        {.call = NULL},
    };
    const struct matters *matter;
    const struct fault_injected *fault = first_that_matters(reap_matters, &matter);
    FUZZ_CHECK(fault != NULL ? result == -fault->error : result >= 0);
    FUZZ_CHECK(is_named(LIVE_NAME) && is_named(ALIEN_NAME) && is_named(OTHER_NAME));
    if (result >= 0)
        FUZZ_CHECK(result == !is_named(LEFT_NAME));
    if (run.faults.injected == run.mark)
        FUZZ_CHECK(result == 1);
}

/* Between the creation of the object and its lock, another program that starts takes the object for
 * a leftover, and removes its name. */
static void steal_name(struct fault_os *faults, struct stat *status)
{
    uint8_t *left = faults->forge_data;
    struct memory_file *file = &run.world.files[status->st_ino - 1];
    if (*left == 0 || !file->shared || file->name[0] != '/')
        return;
    (*left)--;
    file->name[0] = '\0';
    status->st_nlink = 0;
}

/* Creates a region with the setting's geometry. Returns whether that failed. */
static bool create(struct shmsum_region *region)
{
    struct shmsum_geometry geometry = {
        .slots = run.setting[0] % (SLOTS_MAX + 1),
        .payload_bytes = run.setting[1] % (PAYLOAD_MAX + 1),
    };
    struct refusal refusal = {"region", "geometry",
                              shmsum_region_bytes(&geometry) == 0 ? EINVAL : 0};
    begin();
    uint8_t thieves = (run.setting[2] & 128) != 0 ? run.setting[3] % 4 : 0;
    run.faults.forge_stat = steal_name;
    run.faults.forge_data = &thieves;
    int result = shmsum_region_create(region, run.os, &geometry, &run.why);
    run.faults.forge_stat = NULL;
    bool refused = failed(result, create_matters, &refusal);
    if (refused)
        FUZZ_CHECK(region->fd == -1 && region->header == NULL);
    return refused;
}

static void scenario_region(void)
{
    struct shmsum_region region, peer;
    reap();
    if (create(&region))
        return;
    uint64_t nonce[2] = {region.nonce[0], region.nonce[1] ^ (run.setting[2] & 1)};
    struct refusal wrong_nonce = {"protocol", "region: wrong nonce",
                                  nonce[1] != region.nonce[1] ? -SHMSUM_BROKEN : 0};
    begin();
    int result = shmsum_region_attach(&peer, run.os, region.name, nonce, &run.why);
    if (!failed(result, attach_matters, &wrong_nonce)) {
        FUZZ_CHECK(peer.fd == -1 && peer.header == region.header);
        shmsum_region_clean_up(&peer);
    }
    if ((run.setting[2] & 2) != 0) {
        begin();
        bool kept = failed(shmsum_region_unlink(&region, &run.why), unlink_matters, NULL);
        FUZZ_CHECK(region.named == kept && region.fd == -1);
    }
    shmsum_region_clean_up(&region);
    shmsum_region_clean_up(&region);
}

/* ---- the results ---- */

static const struct matters init_matters[] = {
    {.member = FAULT_fstat, .call = "fstat", .object = RESULTS_NAME},
    {.call = NULL},
};
static const struct matters flush_matters[] = {
    {.member = FAULT_write, .call = "write", .object = RESULTS_NAME, .borne = {EINTR, EAGAIN}},
    {.member = FAULT_ppoll, .call = "ppoll", .object = RESULTS_NAME, .borne = {EINTR}},
    {.call = NULL},
};
static const struct matters sync_matters[] = {
    {.member = FAULT_fsync, .call = "fsync", .object = RESULTS_NAME, .borne = {EINTR}},
    {.call = NULL},
};
static const struct matters salvage_matters[] = {
    {.member = FAULT_fstat, .call = "fstat", .object = RESULTS_NAME},
    {.member = FAULT_reopen, .call = "open", .object = RESULTS_NAME, .borne = {EINTR}},
    {.member = FAULT_pread, .call = "read", .object = RESULTS_NAME, .borne = {EINTR}},
    {.member = FAULT_ftruncate, .call = "ftruncate", .object = RESULTS_NAME, .borne = {EINTR}},
    {.member = FAULT_lseek, .call = "lseek", .object = RESULTS_NAME},
    {.call = NULL},
};

static char results_buffer[RESULTS_BUFFER];

/* The results, behind `start`, are a prefix of the right bytes; and whole lines, unless `torn`: the
 * file could not be cut back. */
static void check_results(int file, size_t start, const char *right, size_t right_size, bool torn)
{
    FUZZ_CHECK(run.world.files[file].size >= start);
    const void *bytes = memory_os_bytes(file);
    const char *text = (const char *)bytes + start;
    size_t size = run.world.files[file].size - start;
    FUZZ_CHECK(size <= right_size && memcmp(text, right, size) == 0);
    FUZZ_CHECK(torn || size == 0 || text[size - 1] == '\n');
}

static bool could_not_cut_back(void)
{
    return was_injected(FAULT_lseek) || was_injected(FAULT_fstat) || was_injected(FAULT_ftruncate);
}

/* What scenario_results has written, and where. */
struct written {
    int file;
    int full_error; /* positive errno of a write without room */
    struct shmsum_results results;
    char right[EXPECTED_TEXT_MAX + 64]; /* the lines that were committed */
    size_t size;
    uint64_t lines;
};

/* The failure of a flush when the file has no room for the buffer. */
static struct refusal no_room(const struct written *written)
{
    size_t size = run.world.files[written->file].size + written->results.used;
    int error = size > run.world.room ? written->full_error : 0;
    return (struct refusal){"write", RESULTS_NAME, error};
}

static bool flush_failed(struct written *written)
{
    struct refusal full = no_room(written);
    begin();
    return failed(shmsum_results_flush(&written->results, &run.why), flush_matters, &full);
}

/* Commits one line: the input's bytes, as digits. Returns whether that failed. */
static bool commit_failed(struct written *written, const uint8_t *line, size_t size)
{
    struct shmsum_results *results = &written->results;
    struct refusal full = no_room(written);
    uint64_t in_buffer = results->lines_in_buffer;
    begin();
    char *room = shmsum_results_reserve(results, 31, &run.why);
    bool flushed = in_buffer > 0 && results->lines_in_buffer == 0;
    if (room == NULL || flushed || run.faults.injected > run.mark) {
        bool broken =
            failed(room == NULL ? results->error : 0, flush_matters, room == NULL ? &full : NULL);
        if (broken || room == NULL)
            return true;
    }
    for (size_t i = 0; i < size; i++) /* no '\n' inside a line */
        written->right[written->size + i] = room[i] = (char)('0' + line[i] % 10);
    shmsum_results_commit(results, size);
    written->right[written->size + size] = '\n';
    written->size += size + 1;
    written->lines++;
    return false;
}

/* Writes the text as lines of up to 30 bytes, and flushes now and then. Returns whether it failed.
 */
static bool write_failed(struct written *written)
{
    const uint8_t *line = run.input.text;
    for (size_t left = run.input.size; left > 0 && written->size <= EXPECTED_TEXT_MAX;) {
        size_t size = left < 1u + *line % 30u ? left : 1u + *line % 30u;
        if (commit_failed(written, line, size))
            return true;
        line += size;
        left -= size;
        if (size % 4 == 0 && written->size <= EXPECTED_TEXT_MAX && flush_failed(written))
            return true;
    }
    return flush_failed(written);
}

/* The results count the lines of the file, and another flush returns the same failure. */
static void check_broken(struct written *written)
{
    uint64_t whole = 0;
    for (size_t i = 0; i < run.world.files[written->file].size; i++)
        whole += memory_os_bytes(written->file)[i] == '\n';
    FUZZ_CHECK(written->results.lines == whole);
    int error = written->results.error;
    const char *call = run.why.call;
    begin();
    FUZZ_CHECK(shmsum_results_flush(&written->results, &run.why) == error);
    FUZZ_CHECK(reports(call, RESULTS_NAME, -error));
}

static void scenario_results(void)
{
    static struct written written;
    written.size = written.lines = 0;
    mode_t kind = (run.setting[0] & 1) != 0 ? S_IFIFO : S_IFREG;
    int file = memory_os_add(&run.world, RESULTS_NAME, false, kind | 0600, NULL, 0);
    memory_os_open(&run.world, file, 1, O_WRONLY);
    if (run.setting[1] != 0)
        run.world.room = run.setting[1];
    run.world.full = (run.setting[0] & 2) != 0 ? 0 : -ENOSPC;
    written.file = file;
    written.full_error = run.world.full == 0 ? EIO : ENOSPC;
    begin();
    if (failed(shmsum_results_init(&written.results, run.os, 1, SHMSUM_RESULTS_OWN, RESULTS_NAME,
                                   results_buffer, 64 + run.setting[2], &run.why),
               init_matters, NULL))
        return;
    bool broken = write_failed(&written);
    check_results(file, 0, written.right, written.size,
                  broken && (!S_ISREG(kind) || could_not_cut_back()));
    if (broken) {
        check_broken(&written);
    } else {
        FUZZ_CHECK(run.world.files[file].size == written.size);
        FUZZ_CHECK(written.results.lines == written.lines);
        FUZZ_CHECK(written.results.bytes == written.size);
    }
    if (S_ISREG(kind)) {
        begin();
        (void)failed(shmsum_results_sync(&written.results, &run.why), sync_matters, NULL);
    }
}

static void scenario_salvage(void)
{
    mode_t kind = run.setting[0] % 8 == 7 ? S_IFIFO : S_IFREG;
    int file =
        memory_os_add(&run.world, RESULTS_NAME, false, kind | 0600, run.input.text, run.input.size);
    memory_os_open(&run.world, file, 1, O_WRONLY);
    size_t start = run.input.size == 0 ? 0 : run.setting[1] % run.input.size;
    size_t whole = start;
    uint64_t right_lines = 0;
    for (size_t i = start; i < run.input.size; i++) {
        if (run.input.text[i] == '\n') {
            whole = i + 1;
            right_lines++;
        }
    }
    uint64_t lines = 0;
    begin();
    int result = shmsum_results_salvage(run.os, 1, RESULTS_NAME, (off_t)start, &lines, &run.why);
    size_t size = run.world.files[file].size;
    if (!S_ISREG(kind) && result == -EINVAL && run.why.call == untouched) {
        FUZZ_CHECK(size == run.input.size);
        return;
    }
    if (failed(result, salvage_matters, NULL)) {
        bool was_cut = strcmp(run.why.call, "lseek") == 0;
        FUZZ_CHECK(size == (was_cut ? whole : run.input.size));
    } else {
        FUZZ_CHECK(S_ISREG(kind));
        FUZZ_CHECK(size == whole && lines == right_lines);
    }
    FUZZ_CHECK(memcmp(memory_os_bytes(file), run.input.text, size) == 0);
}

/* ---- the parent's files ---- */

static const struct matters check_matters[] = {
    {.member = FAULT_fstat, .call = "fstat", .object = "stdin"},
    {.member = FAULT_stat, .call = "open", .object = INPUT_NAME},
    {.member = FAULT_open, .call = "open", .object = INPUT_NAME, .borne = {EINTR}},
    {.call = NULL},
};
static const struct matters input_matters[] = {
    {.member = FAULT_open, .call = "open", .object = INPUT_NAME, .borne = {EINTR}},
    {.member = FAULT_fstat, .call = "fstat", .object = INPUT_NAME},
    {.call = NULL},
};
static const struct matters output_matters[] = {
    {.member = FAULT_open, .call = "open", .object = RESULTS_NAME, .borne = {EINTR}},
    {.member = FAULT_fstat, .call = "fstat"},
    {.member = FAULT_lseek, .call = "lseek"},
    {.member = FAULT_reopen, .call = "open", .object = RESULTS_NAME, .borne = {EINTR}},
    {.member = FAULT_pread, .call = "read", .object = RESULTS_NAME, .borne = {EINTR}},
    {.call = NULL},
};
static const struct matters folder_matters[] = {
    {.member = FAULT_open, .call = "open", .object = "folder of the results", .borne = {EINTR}},
    {.member = FAULT_fsync,
     .call = "fsync",
     .object = "folder of the results",
     .borne = {EINVAL, EINTR}},
    {.call = NULL},
};

static const struct matters close_matters[] = {
    {.member = FAULT_close, .call = "close", .object = RESULTS_NAME, .borne = {EINTR}},
    {.call = NULL},
};

/* Opens the results as the parent does. Returns whether that failed. `file` is the file of that
 * name or, with `standard`, of descriptor 1. */
static bool open_output(struct output *output, int file, bool standard, bool append, bool sync)
{
    const struct memory_file *there = &run.world.files[file];
    struct refusal refusal = {"open", RESULTS_NAME, 0};
    const char *name = standard ? "standard output" : RESULTS_NAME;
    size_t size = there->size;
    begin();
    int result = output_open(output, run.os, standard ? "-" : RESULTS_NAME, append, sync, &run.why);
    bool sure = true; /* no call about the lock has failed, which may hide a lock of others */
    for (uint64_t i = run.mark; i < run.faults.injected && i < FAULT_LOG_MAX; i++)
        sure &= run.faults.log[i].member != FAULT_fcntl_lock || run.faults.log[i].error == EINTR;
    if (!standard && S_ISLNK(there->mode))
        refusal.error = ELOOP;
    else if (!standard && S_ISDIR(there->mode))
        refusal.error = EISDIR;
    else if (sync && !S_ISREG(there->mode))
        refusal = (struct refusal){"fsync", name, REFUSED_NOT_REGULAR};
    else if (!standard && there->somebody && S_ISREG(there->mode) &&
             (sure || result == -REFUSED_LOCKED))
        refusal = (struct refusal){"lock", name, REFUSED_LOCKED};
    else if (!standard && append && S_ISREG(there->mode) && size > 0 &&
             memory_os_bytes(file)[size - 1] != '\n')
        refusal = (struct refusal){"append", name, REFUSED_UNFINISHED};
    bool refused = failed(result, output_matters, &refusal);
    FUZZ_CHECK(there->size == size);
    return refused;
}

/* The results could not be cut: settled->uncut is an injected failure. */
static bool was_cut_refused(const struct output_settled *settled)
{
    for (uint64_t i = run.mark; i < run.faults.injected && i < FAULT_LOG_MAX; i++)
        if (run.faults.log[i].error == settled->uncut.error)
            return true;
    return false;
}

/* The child claims the right count of bytes; with `more`, one byte too many: then, and when the
 * last line is torn, whole lines are left. */
static void settle_results(const struct output *output, int number, bool more)
{
    static const struct matters holds_matters[] = {
        {.member = FAULT_stat, .call = "stat"},
        {.member = FAULT_fstat, .call = "fstat"},
        {.member = FAULT_lseek, .call = "lseek"},
        {.call = NULL},
    };
    const struct memory_file *file = &run.world.files[number];
    size_t start = (size_t)output->start;
    size_t bytes = file->size - start;
    struct refusal refusal = {"results", output->name, more ? REFUSED_NOT_AS_CLAIMED : 0};
    const struct output_claim claim = {
        .belief = OUTPUT_COMPLETE, .is_whole = true, .lines = 77, .bytes = bytes + more};
    bool looks = output->regular && !output->standard;
    if (!looks)
        refusal.error = 0;
    bool torn = looks && bytes > 0 && memory_os_bytes(number)[file->size - 1] != '\n';
    struct output_settled settled;
    begin();
    output_settle(output, &claim, &settled);
    int result = -settled.mismatch.error;
    if (result < 0)
        run.why = settled.mismatch;
    bool read = !was_injected(FAULT_reopen) && !was_injected(FAULT_pread);
    if (torn && (read || result < 0))
        refusal.error = REFUSED_NOT_AS_CLAIMED; /* a file that cannot be read passes */
    /* A stat that finds no file is no failure of the call. */
    if (looks && settled.mismatch.error == REFUSED_GONE && was_injected(FAULT_stat))
        refusal.error = REFUSED_GONE;
    size_t size = file->size;
    if (!failed(result, looks ? holds_matters : holds_matters + 3, &refusal)) {
        FUZZ_CHECK(settled.count.known == RESULTS_UNCHANGED ||
                   (settled.count.known == RESULTS_EXACT && settled.count.lines == 77));
        FUZZ_CHECK(settled.uncut.error == 0 && size - start == bytes);
        return;
    }
    if (settled.uncut.error != 0) {
        FUZZ_CHECK(settled.count.known == RESULTS_UNKNOWN && was_cut_refused(&settled));
        return;
    }
    if (settled.mismatch.error != REFUSED_NOT_AS_CLAIMED)
        return;
    uint64_t lines = 0;
    for (size_t at = start; at < size; at++)
        lines += memory_os_bytes(number)[at] == '\n';
    FUZZ_CHECK(settled.count.known != RESULTS_EXACT || settled.count.lines == lines);
    FUZZ_CHECK(size == start || memory_os_bytes(number)[size - 1] == '\n');
}

/* The files of scenario_files: the results, and one input. */
struct files {
    mode_t kind, input_kind;
    bool standard, append, sync; /* of the results */
    size_t size;                 /* of the results, before */
    int results;                 /* number of the file */
    char *path;                  /* of the input: one of the names below */
};
static char path_dash[] = "-", path_input[] = INPUT_NAME, path_results[] = RESULTS_NAME,
            path_none[] = "none";

static void make_files(struct files *files)
{
    static const mode_t kinds[] = {S_IFREG, S_IFREG, S_IFREG, S_IFIFO,
                                   S_IFDIR, S_IFLNK, S_IFCHR, S_IFREG};
    static char *const paths[] = {path_dash, path_input, path_results, path_none};
    uint8_t setting = run.setting[0];
    *files = (struct files){
        .kind = kinds[setting & 7],
        .standard = (setting & 8) != 0,
        .append = (setting & 16) != 0,
        .sync = (setting & 32) != 0,
        .input_kind = kinds[run.setting[1] & 7],
        .path = paths[run.setting[1] >> 3 & 3],
    };
    files->size = S_ISREG(files->kind) ? run.input.size : 0;
    memory_os_add(&run.world, ".", false, S_IFDIR | 0700, NULL, 0);
    files->results = memory_os_add(&run.world, RESULTS_NAME, false, files->kind | 0600,
                                   run.input.text, files->size);
    run.world.files[files->results].somebody = (setting & 64) != 0;
    if (files->standard)
        memory_os_open(&run.world, files->results, 1,
                       O_WRONLY | ((setting & 128) != 0 ? O_APPEND : 0));
    if (S_ISLNK(
            files->input_kind)) /* memory_os does not follow links: use what the link leads to */
        files->input_kind = S_IFREG;
    int input = memory_os_add(&run.world, INPUT_NAME, false, files->input_kind | 0600, NULL, 0);
    memory_os_open(&run.world, input, 0, O_RDONLY);
}

/* What makes the input unusable, as long as the parent does not know the file of the results. */
static struct refusal refusal_of_input(const struct files *files)
{
    struct refusal refusal = {"open", message_input_name(files->path), 0};
    mode_t kind = files->path == path_results ? files->kind : files->input_kind;
    if (files->path == path_none)
        refusal.error = ENOENT;
    else if (S_ISDIR(kind))
        refusal = (struct refusal){"read", message_input_name(files->path), EISDIR};
    return refusal;
}

/* Opens the input, as the parent does while the child runs, and closes it. */
static void check_input(const struct files *files, const struct output *output,
                        const struct refusal *refusal)
{
    struct matters matters[3];
    memcpy(matters, input_matters, sizeof matters);
    matters[0].object = matters[1].object = message_input_name(files->path);
    begin();
    int fd = input_open(run.os, files->path, output, &run.why);
    if (!failed(fd, matters, refusal)) {
        FUZZ_CHECK((fd == 0) == (files->path == path_dash));
        input_close(run.os, fd);
    }
}

/* Does what the child does: removes old results, and writes others, the last of which may be torn.
 */
static void write_some(const struct output *output, const struct files *files)
{
    static const char *const texts[] = {"", "12\n", "12\n3", "4"};
    const char *text = texts[run.setting[2] % 4];
    struct shmsum_os *world = &run.world.os; /* whose calls do not fail */
    if (!files->standard && !files->append)
        FUZZ_CHECK(world->ftruncate(world, output->fd, 0) == 0);
    if (!files->standard)
        FUZZ_CHECK(world->write(world, output->fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void check_output(const struct files *files, struct output *output)
{
    if (S_ISREG(files->kind)) {
        FUZZ_CHECK(run.world.files[files->results].size == files->size);
        bool appends = files->append && !files->standard;
        FUZZ_CHECK((size_t)output->start == (appends ? files->size : 0));
        write_some(output, files);
        settle_results(output, files->results, (run.setting[1] & 32) != 0);
    }
    begin();
    (void)failed(output_sync_folder(output, &run.why), folder_matters, NULL);
    begin();
    (void)failed(output_close(output, &run.why), close_matters, NULL);
    FUZZ_CHECK(output->standard || output->fd < 0);
}

static void scenario_files(void)
{
    struct files files;
    make_files(&files);
    if (files.path == path_results && S_ISLNK(files.kind)) /* memory_os does not follow links */
        return;
    struct refusal refusal = refusal_of_input(&files);
    struct matters check[4];
    memcpy(check, check_matters, sizeof check);
    check[1].object = check[2].object = message_input_name(files.path);
    begin();
    if (failed(inputs_check(run.os, &files.path, 1, NULL, &run.why), check, &refusal))
        return;

    struct output output;
    if (open_output(&output, files.results, files.standard, files.append, files.sync))
        return;
    /* From here on the parent knows the file of the results. */
    if (files.path == path_results && S_ISREG(files.kind))
        refusal = (struct refusal){"open", message_input_name(files.path), REFUSED_IS_RESULTS};
    begin();
    if (failed(inputs_check(run.os, &files.path, 1, &output, &run.why), check, &refusal)) {
        output_close(&output, NULL);
        return;
    }
    check_input(&files, &output, &refusal);
    check_output(&files, &output);
}

static void scenario_standard_fds(void)
{
    memory_os_add(&run.world, "/dev/null", false, S_IFCHR | 0666, NULL, 0);
    int file = memory_os_add(&run.world, "terminal", false, S_IFCHR | 0600, NULL, 0);
    for (int fd = 0; fd <= 2; fd++)
        memory_os_open(&run.world, file, fd, O_RDWR); /* memory_os opens nothing below 3 */
    static const struct matters open_matters[] = {
        {.member = FAULT_open, .call = "open", .object = "/dev/null"},
        {.call = NULL},
    };
    begin();
    (void)failed(standard_fds_open(run.os, &run.why), open_matters, NULL);
    fault_os_heal(&run.faults);
    for (int fd = 3; fd < MEMORY_FDS_MAX; fd++)
        if (run.world.fds[fd].open)
            run.os->close(run.os, fd);
}

/* ---- the two roles, one after the other ---- */

static const struct matters send_matters[] = {
    {.member = FAULT_fstat, .call = "fstat", .object = INPUT_NAME},
    {.member = FAULT_read, .call = "read", .object = INPUT_NAME, .borne = {EINTR}},
    {.member = FAULT_ppoll, .call = "ppoll", .object = INPUT_NAME, .borne = {EINTR}, .not_fd = 2},
    {.member = FAULT_futex_waitv,
     .call = "futex",
     .borne = {EAGAIN, EINTR, ETIMEDOUT, ENOSYS, EPERM}},
    {.member = FAULT_futex_wait, .call = "futex", .borne = {EAGAIN, EINTR, ETIMEDOUT}},
    {.call = NULL},
};
static const struct matters consume_matters[] = {
    {.member = FAULT_write,
     .call = "write",
     .object = RESULTS_NAME,
     .borne = {EINTR, EAGAIN},
     .fd = 1},
    {.member = FAULT_ppoll, .call = "ppoll", .object = RESULTS_NAME, .borne = {EINTR}, .fd = 1},
    {.member = FAULT_futex_waitv,
     .call = "futex",
     .object = "slot",
     .borne = {EAGAIN, EINTR, ETIMEDOUT, ENOSYS, EPERM}},
    {.member = FAULT_futex_wait,
     .call = "futex",
     .object = "slot",
     .borne = {EAGAIN, EINTR, ETIMEDOUT}},
    {.member = FAULT_fsync, .call = "fsync", .object = RESULTS_NAME, .borne = {EINTR}},
    {.call = NULL},
};

/* No other process runs here that could wake this one: raise the stop bits instead. */
static int wake_by_stop(struct memory_os *world, const void *word, const void *stop)
{
    (void)word;
    (void)stop;
    shmsum_stop_raise(&world->os, &run.stops[0], SHMSUM_STOP_NOW);
    shmsum_stop_raise(&world->os, &run.stops[1], SHMSUM_STOP_PEER);
    return 0;
}

/* Returns whether the role ended with a stop, which is no failure, or with a failure. */
static bool role_failed(int result, const struct matters *matters)
{
    const struct matters *matter;
    if (result == SHMSUM_STOPPED && first_that_matters(matters, &matter) == NULL) {
        FUZZ_CHECK(run.why.call == untouched);
        FUZZ_CHECK(shmsum_stop_bits(&run.stops[0]) != 0);
        return true;
    }
    return failed(result, matters, NULL);
}

static void consume(struct shmsum_region *region, int file, size_t start,
                    const struct consumer_config *config, size_t handed, bool complete)
{
    static uint8_t block[PAYLOAD_MAX];
    static struct consumer consumer;
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, region, SHMSUM_CONSUMER, &run.stops[1], SHMSUM_STOP_PEER);
    channel.spins = run.setting[2] & 1;
    struct shmsum_results results;
    begin();
    if (failed(shmsum_results_init(&results, run.os, 1, SHMSUM_RESULTS_OWN, RESULTS_NAME,
                                   results_buffer, sizeof results_buffer, &run.why),
               init_matters, NULL))
        return;
    consumer_init(&consumer, run.os, config, &channel, &results, block);
    enum consumer_end_reason end_reason;
    begin();
    int result = consumer_run(&consumer, &end_reason, &run.why);
    bool broken = failed(result, consume_matters, NULL);
    const struct expected *right = expected_results(&run.input, handed, complete);
    check_results(file, start, right->text, right->size,
                  results.error != 0 && (!results.cuttable || could_not_cut_back()));
    if (broken)
        return;
    FUZZ_CHECK(run.world.files[file].size - start == right->size);
    FUZZ_CHECK(complete == (end_reason == CONSUMER_COMPLETE) || end_reason == CONSUMER_CLOSED);
    FUZZ_CHECK(results.lines == right->lines);
}

/* In the dialogue the producer waits for a consumer that does not run, until a stop bit is raised.
 */
static bool produce(struct shmsum_region *region, size_t *handed)
{
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, region, SHMSUM_PRODUCER, &run.stops[0],
                        SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW | SHMSUM_STOP_PEER);
    channel.spins = run.setting[2] & 1;
    struct producer producer;
    producer_init(&producer, run.os, &channel);
    begin();
    bool attached = !role_failed(shmsum_channel_await_attached(&channel, &run.why), send_matters);
    bool sent = false;
    struct matters matters[6];
    memcpy(matters, send_matters, sizeof matters);
    if (!S_ISREG(run.world.files[run.world.fds[0].file].mode))
        matters[1].borne[1] = EAGAIN; /* waits, and reads again */
    if (attached) {
        begin();
        int result = (run.setting[2] & 2) != 0
                         ? producer_dialogue(&producer, 0, INPUT_NAME, 0, 2, &run.why)
                         : producer_send(&producer, 0, INPUT_NAME, 0, &run.why);
        const struct matters *matter;
        bool other = first_that_matters(matters, &matter) != NULL;
        bool reported = strcmp(run.why.call, "sigprocmask") == 0;
        /* A mask that could not be restored hides the failure of the call before it. */
        bool masked = was_injected(FAULT_sigprocmask) && result < 0 && (reported || !other);
        if (masked)
            FUZZ_CHECK(reports("sigprocmask", INPUT_NAME, -result) || result == SHMSUM_STOPPED);
        else
            sent = !role_failed(result, matters);
    }
    begin();
    int ended = producer_end(&producer, sent ? SHMSUM_END_COMPLETE : SHMSUM_END_CUT, &run.why);
    bool ended_well = !role_failed(ended, send_matters);
    *handed = (size_t)producer.bytes;
    if (sent)
        FUZZ_CHECK(producer.bytes == run.input.size);
    return sent && ended_well;
}

static void scenario_roles(void)
{
    bool regular = (run.setting[2] & 4) == 0;
    static const char old[] = "7\n";
    int file = memory_os_add(&run.world, RESULTS_NAME, false,
                             ((run.setting[2] & 8) == 0 ? S_IFREG : S_IFIFO) | 0600, old, 2);
    memory_os_open(&run.world, file, 1, O_WRONLY | O_APPEND);
    int input = memory_os_add(&run.world, INPUT_NAME, false, (regular ? S_IFREG : S_IFIFO) | 0600,
                              run.input.text, run.input.size);
    memory_os_open(&run.world, input, 0, O_RDONLY);
    memory_os_open(&run.world, memory_os_add(&run.world, "terminal", false, S_IFCHR, NULL, 0), 2,
                   O_WRONLY);
    run.world.on_sleep = wake_by_stop;
    run.world.cpus = (run.setting[2] & 16) != 0 ? 2 : 1;
    run.world.tick = (run.setting[3] & 64) != 0 ? 1 : 1000;

    static const char *const sources[] = {INPUT_NAME};
    struct consumer_config config = {
        .sources = sources,
        .source_count = 1,
        .point = run.input.point,
        .blank_lines = run.input.blank_lines,
        .max_errors = run.setting[3] & 3,
        .messages = 2,
        .dialogue = (run.setting[2] & 2) != 0,
        .answers = (run.setting[2] & 2) != 0,
        .sync = (run.setting[2] & 32) != 0 && (run.setting[2] & 8) == 0,
    };
    struct shmsum_region region, peer;
    if (create(&region))
        return;
    begin();
    if (failed(shmsum_region_attach(&peer, run.os, region.name, region.nonce, &run.why),
               attach_matters, NULL)) {
        shmsum_region_clean_up(&region);
        return;
    }
    struct shmsum_channel channel;
    shmsum_channel_init(&channel, &peer, SHMSUM_CONSUMER, &run.stops[1], SHMSUM_STOP_PEER);
    if ((run.setting[2] & 64) == 0)
        shmsum_channel_attached(&channel);
    begin();
    (void)failed(shmsum_region_unlink(&region, &run.why), unlink_matters, NULL);
    size_t handed = 0;
    bool complete = produce(&region, &handed);
    consume(&peer, file, 2, &config, handed, complete);
    shmsum_region_clean_up(&peer);
    shmsum_region_clean_up(&region);
}

/* ---- the child process and signals ---- */

static const struct matters handler_matters[] = {
    {.member = FAULT_sigaction, .call = "sigaction", .object = "signal handler"},
    {.member = FAULT_sigprocmask, .call = "sigprocmask", .object = "SIGCHLD"},
    {.call = NULL},
};
static const struct matters start_matters[] = {
    {.member = FAULT_pipe, .call = "pipe", .object = "start of the child"},
    {.member = FAULT_sigprocmask, .call = "sigprocmask", .object = "all signals"},
    {.member = FAULT_fork, .call = "fork", .object = "child"},
    {.call = NULL},
};
static const struct matters become_matters[] = {
    {.member = FAULT_sigaction, .call = "sigaction", .object = "signals of the child"},
    {.member = FAULT_open, .call = "open", .object = "/dev/null, for the child"},
    {.member = FAULT_dup2, .call = "dup2", .object = "standard input or output of the child"},
    {.member = FAULT_sigprocmask, .call = "sigprocmask", .object = "signals of the child"},
    {.member = FAULT_execve, .call = "exec", .object = "child"},
    {.call = NULL},
};
/* Without these the parent does not learn why. */
static const struct matters report_matters[] = {
    {.member = FAULT_write, .call = "", .borne = {EINTR}},
    {.member = FAULT_read, .call = "", .borne = {EINTR}},
    {.call = NULL},
};

static void deliver(int signal)
{
    void (*handler)(int) = run.world.actions[signal].sa_handler;
    if (handler != SIG_DFL && handler != SIG_IGN)
        handler(signal);
}

/* ppoll while the parent waits: the child dies, at the first call or at a later one. */
static int child_dies(struct memory_os *world, struct pollfd *fds, size_t count)
{
    (void)fds;
    (void)count;
    if (++run.polls > run.setting[1] % 4)
        world->child_gone = true;
    if (world->child_gone)
        deliver(SIGCHLD);
    return -EINTR;
}

/* A read or a write that is cut to fewer bytes than the report has. */
static bool is_cut(size_t most)
{
    return most > 0 && most < sizeof(struct failed_step);
}

/* The forked child, and then its parent: the start fails, and the parent learns why. */
static void scenario_failed_start(const struct child_program *program)
{
    memory_os_add(&run.world, "/dev/null", false, S_IFCHR | 0666, NULL, 0);
    run.world.child = 0;
    begin();
    if (setjmp(process_end) == 0) {
        /* child_start returns only if there was no pipe or it could not fork */
        (void)failed(child_start(run.os, program, &run.why), start_matters, NULL);
        FUZZ_CHECK(was_injected(FAULT_sigprocmask) || was_injected(FAULT_fork) ||
                   was_injected(FAULT_pipe));
        return;
    }
    FUZZ_CHECK(exit_status == CHILD_NOT_STARTED);
    const struct matters *matter, *lost;
    const struct fault_injected *fault = first_that_matters(become_matters, &matter);

    /* the end of the process closes its descriptors and ends its signal mask */
    memset(run.faults.fd_open, 0, sizeof run.faults.fd_open);
    run.faults.fd_open[child.pipe] = true;
    sigemptyset(&run.world.mask);
    child.pid = run.world.child = MEMORY_CHILD;
    run.world.status = CHILD_NOT_STARTED << 8;
    run.world.child_gone = true;
    int status = child_wait(0);
    FUZZ_CHECK(status == run.world.status || (status < 0 && was_injected(FAULT_waitpid)));
    bool is_lost = first_that_matters(report_matters, &lost) != NULL ||
                   is_cut(run.faults.read_max) || is_cut(run.faults.write_max);
    FUZZ_CHECK(child_start_failed(&run.why) == !is_lost);
    if (is_lost)
        FUZZ_CHECK(run.why.call == untouched);
    else if (fault == NULL)
        FUZZ_CHECK(reports("exec", "child", ENOEXEC));
    else
        FUZZ_CHECK(reports(matter->call, matter->object, fault->error));
}

static void scenario_child_process(void)
{
    memset(&child, 0, sizeof child);
    memset(&signals, 0, sizeof signals);
    memory_os_open(&run.world, memory_os_add(&run.world, RESULTS_NAME, false, S_IFREG, NULL, 0), 5,
                   O_WRONLY);
    run.world.on_poll = child_dies;
    run.world.status = run.setting[0] & 1 ? 3 << 8 : 0;
    if ((run.setting[0] & 2) != 0)
        run.world.actions[SIGHUP].sa_handler = SIG_IGN; /* nohup */
    begin();
    if (failed(signals_ignore(run.os, &run.why), handler_matters, NULL))
        return;
    begin();
    if (failed(signals_catch(run.os, &run.why), handler_matters, NULL))
        return;
    char *nothing[] = {NULL};
    struct child_program program = {
        .path = "child", .argv = nothing, .envp = nothing, .results = 5};
    if ((run.setting[0] & 4) != 0) {
        scenario_failed_start(&program);
        return;
    }
    begin();
    int started = child_start(run.os, &program, &run.why);
    if (failed(started, start_matters, NULL)) {
        /* a child that was started is killed and waited for */
        FUZZ_CHECK(child.pid == 0 || child.reaped || was_injected(FAULT_kill) ||
                   was_injected(FAULT_waitpid));
        return;
    }

    int count = run.setting[2] % 3;
    for (int i = 0; i < count; i++) {
        errno = ENOTTY;
        deliver(SIGINT);
        FUZZ_CHECK(errno == ENOTTY); /* the interrupted code must not see another errno */
    }
    FUZZ_CHECK(signals_first() == (count > 0 ? SIGINT : 0));
    /* From the first signal on SIGALRM interrupts waits, after one signal at longer and longer
     * intervals. Without a handler there must be no timer: SIGALRM would end the run. */
    bool ticks = run.world.actions[SIGALRM].sa_handler == on_tick;
    FUZZ_CHECK(ticks || run.world.timer_ms == 0);
    if (!was_injected(FAULT_sigaction))
        FUZZ_CHECK(ticks == (count > 0));
    deliver(SIGALRM);
    if (!was_injected(FAULT_sigaction) && !was_injected(FAULT_setitimer))
        FUZZ_CHECK(run.world.timer_ms == (count == 0 ? 0 : count == 1 ? 2 * TICK_MS : TICK_MS));
    uint32_t bits = count == 0   ? 0
                    : count == 1 ? SHMSUM_STOP_INPUT
                                 : SHMSUM_STOP_INPUT | SHMSUM_STOP_NOW;
    FUZZ_CHECK(shmsum_stop_bits(signals_stop_word()) == bits);
    if ((run.setting[0] & 32) != 0)
        child_attached();
    uint64_t before = run.faults.injected;
    if ((run.setting[0] & 8) != 0)
        child_kill();
    int status = child_wait((run.setting[0] & 16) != 0 ? SHMSUM_STOP_NOW : 0);
    bool told =
        (run.setting[0] & 8) != 0 || ((run.setting[0] & 16) != 0 && (bits & SHMSUM_STOP_NOW) != 0);
    FUZZ_CHECK(told || !child_killed_by_us());
    if (told && run.faults.injected == before)
        FUZZ_CHECK(child_killed_by_us());
    if (child_killed_by_us())
        FUZZ_CHECK(run.world.killed == SIGKILL && run.world.whom == MEMORY_CHILD);
    FUZZ_CHECK(status == run.world.status || (status < 0 && was_injected(FAULT_waitpid)));
    FUZZ_CHECK((shmsum_stop_bits(signals_stop_word()) & SHMSUM_STOP_PEER) != 0 || status < 0);
    FUZZ_CHECK(!child_start_failed(NULL)); /* nothing came through the pipe */

    run.world.killed = 0;
    if (setjmp(process_end) == 0)
        signals_die(run.os, SIGTERM);
    FUZZ_CHECK(exit_status == 128 + SIGTERM);
    FUZZ_CHECK(was_injected(FAULT_kill) || was_injected(FAULT_getpid) ||
               (run.world.killed == SIGTERM && run.world.whom == MEMORY_PID));
}

/* ---- */

/* Every errno that Linux has, and one that it has not: a call filter may return any up to 4095. The
 * common ones stand first, where the seeds name them by their index. */
enum { ERRNO_LAST = 133, ERRNO_UNKNOWN = 4000, ERRORS = ERRNO_LAST + 1 };

static int error_at(uint32_t index)
{
    static const int common[] = {EINTR,  EAGAIN, EIO,    ENOSPC, EACCES, EPERM,     ENOENT, ENOMEM,
                                 EMFILE, EINVAL, ENOSYS, EEXIST, EPIPE,  ETIMEDOUT, EBADF,  EDQUOT};
    uint32_t count = sizeof common / sizeof common[0];
    if (index < count)
        return common[index];
    for (int error = 1; error <= ERRNO_LAST; error++) {
        bool is_common = false;
        for (uint32_t i = 0; i < sizeof common / sizeof common[0]; i++)
            is_common |= common[i] == error;
        if (!is_common && count++ == index)
            return error;
    }
    return ERRNO_UNKNOWN;
}

enum { TIMES_MAX = 8 };

/* Functions repeat a call that fails with one of these, without or with a high limit. */
static bool asks_again(int error)
{
    return error == EINTR || error == EAGAIN || error == ETIMEDOUT || error == EEXIST;
}

static void read_faults(struct fuzz_input *input)
{
    uint32_t count = fuzz_below(input, FAULTS_MAX + 1);
    for (uint32_t i = 0; i < count; i++) {
        enum fault_member member = (enum fault_member)fuzz_below(input, FAULT_MEMBERS);
        uint64_t first = 1 + fuzz_below(input, 64);
        uint64_t times = 1 + fuzz_below(input, TIMES_MAX);
        int error = error_at(fuzz_below(input, ERRORS));
        if (times == TIMES_MAX && !asks_again(error))
            times = FAULT_FOR_GOOD;
        fault_os_fail(&run.faults, member, first, times, error);
    }
    run.faults.read_max = fuzz_byte(input) % 64;
    run.faults.write_max = fuzz_byte(input) % 64;
}

static void read_text(struct fuzz_input *input)
{
    run.input.sources = 1;
    run.input.point = (run.setting[3] & 4) != 0 ? ',' : '.';
    run.input.blank_lines = (enum blank_lines)((run.setting[3] >> 3) % 3);
    while (input->left > 0 && run.input.size < EXPECTED_TEXT_MAX)
        run.input.text[run.input.size++] = fuzz_byte(input);
    run.input.ends[0] = run.input.size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const scenarios[])(void) = {
        scenario_region, scenario_results,      scenario_salvage,       scenario_files,
        scenario_roles,  scenario_standard_fds, scenario_child_process, scenario_roles,
    };
    struct fuzz_input input = {data, size};
    memset(&run, 0, sizeof run);
    memory_os_init(&run.world);
    fault_os_init(&run.faults, &run.world.os);
    run.os = &run.faults.os;
    uint8_t scenario = fuzz_byte(&input);
    for (size_t i = 0; i < sizeof run.setting; i++)
        run.setting[i] = fuzz_byte(&input);
    read_faults(&input);
    read_text(&input);
    scenarios[scenario & 7]();

    /* no leak: the call that removes or unmaps was made to fail */
    if (was_injected(FAULT_shm_unlink))
        memset(run.faults.names, 0, sizeof run.faults.names);
    if (was_injected(FAULT_munmap))
        memset(run.faults.mappings, 0, sizeof run.faults.mappings);
    FUZZ_CHECK(fault_os_leaks(&run.faults) == 0);
    if (!was_injected(FAULT_sigprocmask)) /* no signal stays blocked */
        FUZZ_CHECK(sigismember(&run.world.mask, SIGINT) != 1);
    return 0;
}

/* ---- mutations: mostly of the faults ---- */

enum { COUNT_AT = 5, FAULT_BYTES = 4 };

/* Adds or changes one fault, half of the time, and keeps the rest of the input. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    unsigned int chance = seed * 2654435761u;
    if (size <= COUNT_AT || chance >> 31 != 0)
        return fuzz_mutate(data, size, max_size);
    size_t count = data[COUNT_AT] % (FAULTS_MAX + 1u);
    size_t faults_end = COUNT_AT + 1 + count * FAULT_BYTES;
    if (faults_end > size)
        return fuzz_mutate(data, size, max_size);
    size_t which = count == 0 ? 0 : (chance >> 8 & 0xff) % count;
    bool adds = count == 0 || (count < FAULTS_MAX && (chance & 1) != 0);
    if (adds) {
        if (size + FAULT_BYTES > max_size)
            return size;
        memmove(data + faults_end + FAULT_BYTES, data + faults_end, size - faults_end);
        data[COUNT_AT] = (uint8_t)(count + 1);
        which = count;
        size += FAULT_BYTES;
    }
    uint8_t *fault = data + COUNT_AT + 1 + which * FAULT_BYTES;
    unsigned int value = chance >> 16 & 0xff;
    if (adds || (chance & 6) == 0)
        fault[0] = (uint8_t)(value % FAULT_MEMBERS);
    if (adds || (chance & 6) == 2)
        fault[1] = (uint8_t)((chance >> 12 & 0xff) % 8);
    if (adds)
        fault[2] = 0;
    if (adds || (chance & 6) >= 4)
        fault[3] = (uint8_t)(chance >> 20 & 15);
    return size;
}
