/*
 * table.c - makes each call through the table of system calls (struct shmsum_os) fail, in one
 * process.
 *
 * The fuzz target fuzz_faults is compiled in. Its inputs describe scenes: regions, results, files,
 * the two roles and the start and end of processes, over system calls in memory. The target checks
 * in each scene which failures must be reported and that nothing leaks. The fuzzer chooses faults
 * at random; this test tries all of them: each member of the table, each of its calls, every errno
 * of Linux and one that it has not, once and from then on. The scenes are the inputs of the
 * target's corpus, without the faults in them, and also with them if one more fault fits: so pairs
 * of faults are tried as well. A scene that fails a check or does not end costs only the forked
 * process that runs it.
 */
#define _GNU_SOURCE
#include "../../fuzz/fuzz_faults.c" /* NOLINT(bugprone-suspicious-include) */

#include <dirent.h>
#include <sys/mman.h>

#include "tally.h"

enum {
    SCENES_MAX = 256,
    SCENE_BYTES = 512,
    NTH_MAX = 64, /* the largest index of a call that an input can express */
    LIMIT_SECONDS = 20,
};

struct scene {
    uint8_t bytes[SCENE_BYTES]; /* bytes[COUNT_AT] is the number of faults in the scene */
    size_t size;
};
static struct scene scenes[SCENES_MAX];
static int scene_count;

struct at {
    int scene, member, error, for_good;
    int nth;
};

/* Shared with the forked process. */
static struct shared {
    struct at at;
    struct {
        uint64_t points, fired, survived, hangs;
    } rows[ERRORS];
} * shared;

/* "ENOSPC"; "errno 41", which Linux does not have. */
static const char *error_name(int index)
{
    static char names[ERRORS][16];
    int error = error_at((uint32_t)index);
    const char *name = strerrorname_np(error);
    if (name != NULL)
        return name;
    snprintf(names[index], sizeof names[index], "errno %d", error);
    return names[index];
}

static void keep_scene(const uint8_t *bytes, size_t size)
{
    struct scene *scene = &scenes[scene_count];
    memcpy(scene->bytes, bytes, size);
    scene->size = size;
    for (int i = 0; i < scene_count; i++)
        if (scenes[i].size == size && memcmp(scenes[i].bytes, bytes, size) == 0)
            return;
    if (scene_count < SCENES_MAX - 1)
        scene_count++;
}

/* Adds two scenes: the input as it is, if one more fault fits, and the input without faults. */
static void add_scene(const char *path)
{
    uint8_t bytes[SCENE_BYTES];
    FILE *file = fopen(path, "rb");
    size_t size = file == NULL ? 0 : fread(bytes, 1, sizeof bytes, file);
    if (file != NULL)
        fclose(file);
    if (size <= COUNT_AT)
        return;
    size_t count = bytes[COUNT_AT] % (FAULTS_MAX + 1u);
    size_t faults_end = COUNT_AT + 1 + count * FAULT_BYTES;
    if (faults_end > size)
        return;
    bytes[COUNT_AT] = (uint8_t)count;
    if (count < FAULTS_MAX)
        keep_scene(bytes, size);
    bytes[COUNT_AT] = 0;
    memmove(bytes + COUNT_AT + 1, bytes + faults_end, size - faults_end);
    keep_scene(bytes, size - count * FAULT_BYTES);
}

static void add_scenes(const char *folder)
{
    DIR *list = opendir(folder);
    if (list == NULL) {
        perror(folder);
        exit(1);
    }
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            add_scene(path);
    }
    closedir(list);
}

/* Runs the scene with the fault of this point in addition. */
static void run_point(const struct at *at)
{
    const struct scene *scene = &scenes[at->scene];
    uint8_t input[SCENE_BYTES + FAULT_BYTES];
    memcpy(input, scene->bytes, COUNT_AT);
    input[COUNT_AT] = (uint8_t)(scene->bytes[COUNT_AT] + 1);
    input[COUNT_AT + 1] = (uint8_t)at->member;
    input[COUNT_AT + 2] = (uint8_t)(at->nth - 1);
    input[COUNT_AT + 3] = at->for_good ? TIMES_MAX - 1 : 0;
    input[COUNT_AT + 4] = (uint8_t)at->error;
    memcpy(input + COUNT_AT + 1 + FAULT_BYTES, scene->bytes + COUNT_AT + 1,
           scene->size - COUNT_AT - 1);
    (void)LLVMFuzzerTestOneInput(input, scene->size + FAULT_BYTES);
}

/* Moves to the next point; false after the last one. */
static bool next(struct at *at, const int calls[FAULT_MEMBERS])
{
    if (++at->error < ERRORS)
        return true;
    at->error = 0;
    if (++at->for_good < 2)
        return true;
    at->for_good = 0;
    at->nth++;
    while (at->nth > calls[at->member]) {
        at->nth = 1;
        if (++at->member == FAULT_MEMBERS)
            return false;
    }
    return true;
}

/* Whether the fault has happened: another fault of the scene may have ended the run before. */
static bool has_happened(const struct at *at)
{
    return run.faults.calls[at->member] >= (uint64_t)at->nth &&
           was_injected((enum fault_member)at->member);
}

/* Tries all points after shared->at; returns at the end of the scene. */
static void walk(const int calls[FAULT_MEMBERS])
{
    while (next(&shared->at, calls)) {
        int error = shared->at.error;
        shared->rows[error].points++;
        alarm(LIMIT_SECONDS);
        run_point(&shared->at);
        if (has_happened(&shared->at)) {
            shared->rows[error].fired++;
            shared->rows[error].survived++;
        }
    }
}

/* Counts the calls of each member when no further call fails. */
static void count_calls(int scene, int calls[FAULT_MEMBERS])
{
    LLVMFuzzerTestOneInput(scenes[scene].bytes, scenes[scene].size);
    for (int i = 0; i < FAULT_MEMBERS; i++) {
        uint64_t count = run.faults.calls[i];
        calls[i] = count > NTH_MAX ? NTH_MAX : (int)count;
    }
}

static void say_point(const struct at *at, int status)
{
    printf("finding: scene %d (of scenario %d): %s number %d fails %s%s: ended with 0x%x\n",
           at->scene, scenes[at->scene].bytes[0] & 7,
           fault_os_member_name((enum fault_member)at->member), at->nth, error_name(at->error),
           at->for_good ? " for good" : "", (unsigned)status);
    fflush(stdout);
}

static void walk_scene(int scene)
{
    int calls[FAULT_MEMBERS];
    count_calls(scene, calls);
    shared->at = (struct at){.scene = scene, .nth = 0, .error = ERRORS - 1, .for_good = 1};
    for (;;) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            walk(calls);
            exit(0);
        }
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            return;
        /* A finding: continue after it. */
        shared->rows[shared->at.error].fired++;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
            shared->rows[shared->at.error].hangs++;
        say_point(&shared->at, status);
    }
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    int fd = open("/dev/zero", O_RDWR);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    add_scenes(argv[1]);
    for (int scene = 0; scene < scene_count; scene++)
        walk_scene(scene);
    printf("%d scenes\n", scene_count);
    bool clean = scene_count > 0;
    for (int i = 0; i < ERRORS; i++) {
        struct tally_row row = {
            .kind = "table fails",
            .role = "both",
            .what = error_name(i),
            .points = shared->rows[i].points,
            .fired = shared->rows[i].fired,
            .survived = shared->rows[i].survived,
            .hangs = shared->rows[i].hangs,
        };
        clean &= tally_print(&row) && row.fired > 0;
    }
    return clean ? 0 : 1;
}
