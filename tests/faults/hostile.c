/*
 * hostile.c - the driver of hostile peers: runs the real shmsum against a hostile child, and the
 * real shmsum-child against a hostile parent, many times. hostile.h describes the peers.
 *
 * What the parent guarantees, whatever its child does:
 *   - the parent does not crash, and it ends when the child exits. If the child does not exit, a
 *     second SIGINT ends the run;
 *   - no process and no name is left;
 *   - the results file holds whole lines, unless the run failed before it began;
 *   - the number of results that the parent reports is right;
 *   - status 0 or 1 only if the child's counters fit the input, the file and the status. The parent
 *     cannot know whether the sums are right.
 *
 * What the child guarantees, whatever its parent does:
 *   - the child does not crash. It ends at END and when the parent dies;
 *   - it writes whole lines: the right results of bytes that it took, each block once and in order;
 *   - status 0 or 1 for such results; otherwise status 3 and a message that names the error.
 *
 * Without arguments both cases run; `parent` or `child` selects one victim. SHMSUM_CORRUPTIONS is
 * the number of corruptions for each victim. SHMSUM_SEED repeats the choices of a run, but not how
 * the two processes interleave.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tally.h"
#include "roles/consumer.h"
#include "session.h"

enum {
    SAMPLE = 10000, /* corruptions for each victim */
    ALL = 500000,
    FAILURES = 5, /* the driver stops after so many failed runs */
    LIMIT_SECONDS = 7000,
};

enum failure { CRASH, HANG, TORN, FALSE_SUCCESS, UNREPORTED, LEAK, FAILURE_KINDS };

static struct {
    const char *victim;
    struct hostile_notes *notes;
    uint64_t target, corrupted, runs, ends[4]; /* ends: by exit status; [2] is SIGINT */
    uint64_t row_corrupted[HOSTILE_ROWS], row_survived[HOSTILE_ROWS];
    uint64_t row_failed[HOSTILE_ROWS][FAILURE_KINDS];
    unsigned failures;
    /* the current run */
    uint64_t seed;
    struct hostile_plan plan;
    bool failed;
    char *messages;
} driver;

/* The messages in which a victim may report its peer. That each of them was seen shows that the
 * driver reaches every check. */
struct report {
    const char *text;
    uint64_t times;
};
static struct report of_parent[] = {
    {"protocol: state of a slot, from the consumer", 0},
    {"protocol: attached, from the consumer", 0},
    {"does not fit its work", 0},
    {"child: killed by signal", 0},
    {"child: exited with status", 0},
    {"stopped early", 0},
    {"stopped by signal", 0},
    {NULL, 0},
};
static struct report of_child[] = {
    {"protocol: state of a slot, from the producer", 0},
    {"protocol: length of a slot, from the producer", 0},
    {"protocol: source of a slot, from the producer", 0},
    {"protocol: end reason of a slot, from the producer", 0},
    {"protocol: region: wrong magic", 0},
    {"protocol: region: wrong version", 0},
    {"protocol: region: wrong nonce", 0},
    {"protocol: region: geometry out of range", 0},
    {"protocol: region: size does not fit its geometry", 0},
    {"parent: gone", 0},
    {NULL, 0},
};

__attribute__((format(printf, 2, 3))) static void fails(enum failure kind, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    uint32_t word = atomic_load(&driver.notes->last);
    printf("run %" PRIu64 ", after %" PRIu64 " corruptions, seed %" PRIu64 ", %s corrupted last: ",
           driver.runs, driver.corrupted, driver.seed, hostile_names[word]);
    vprintf(format, arguments);
    printf("; messages: %.2000s\n", driver.messages == NULL ? "" : driver.messages);
    va_end(arguments);
    driver.row_failed[word][kind]++;
    driver.failed = true;
}

static void begin_run(bool victim_is_child)
{
    memset(driver.notes, 0, sizeof *driver.notes);
    uint64_t high = random_below(1U << 31), low = random_below(1U << 31);
    driver.seed = high << 31 | low;
    driver.plan = hostile_make_plan(driver.seed, victim_is_child);
    driver.failed = false;
    driver.runs++;
}

static void end_run(struct report *reports)
{
    for (int i = 0; i < HOSTILE_ROWS; i++) {
        uint64_t times = atomic_load(&driver.notes->corrupted[i]);
        driver.corrupted += times;
        driver.row_corrupted[i] += times;
        driver.row_survived[i] += driver.failed ? 0 : times;
    }
    driver.failures += driver.failed;
    for (struct report *report = reports; report->text != NULL; report++)
        report->times += strstr(driver.messages, report->text) != NULL;
    free(driver.messages);
    driver.messages = NULL;
}

/* ---- checks for both victims ---- */

struct file {
    char *text;
    size_t size;
    uint64_t lines;
    bool whole; /* the last line has its newline */
};

/* Reads the results; `start` is the size of the earlier results. */
static struct file read_results(size_t start)
{
    struct file file = {0};
    file.text = read_file("results.txt", &file.size);
    for (size_t at = start; at < file.size; at++)
        file.lines += file.text[at] == '\n';
    file.whole = file.size <= start || file.text[file.size - 1] == '\n';
    return file;
}

/* The number of right results before the first wrong one: line k is "k 1", its result is k + 1. */
static uint64_t right_results(const struct file *file)
{
    uint64_t lines = 0;
    for (const char *at = file->text; *at != '\0'; lines++) {
        char expected[32];
        size_t size = (size_t)snprintf(expected, sizeof expected, "%" PRIu64 "\n", lines + 2);
        if (strncmp(at, expected, size) != 0)
            return lines;
        at += size;
    }
    return lines;
}

/* No word that matters to the victim was corrupted: the run must end as if none was. */
static void check_exact(int status, const struct file *file, uint64_t lines)
{
    uint64_t right = right_results(file);
    if (status != 0 || right != lines || file->lines != lines)
        fails(FALSE_SUCCESS,
              "no word that matters was corrupted, but status %d, %" PRIu64
              " right results of %" PRIu64 " for %" PRIu64 " lines",
              status, right, file->lines, lines);
}

/* A number of results that is reported without "at least" must be right. `claimed`: what a child
 * that is believed claims, which is not counted again. */
static void check_reported_lines(uint64_t lines, uint64_t claimed)
{
    unsigned long reported;
    if (said_results(driver.messages, &reported) == SAID_EXACTLY && reported != lines &&
        reported != claimed)
        fails(FALSE_SUCCESS, "it reports %lu results, but there are %" PRIu64, reported, lines);
}

/* No name of a region of this process is left. Other tests make names of other formats. */
static void check_name_gone(pid_t pid)
{
    char prefix[32];
    int length = snprintf(prefix, sizeof prefix, "shmsum-%d-", (int)pid);
    DIR *folder = opendir("/dev/shm");
    check(folder != NULL, "opendir: /dev/shm: %s", strerror(errno));
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, prefix, (size_t)length) == 0 &&
            strspn(entry->d_name + length, "0123456789abcdef") == 32)
            fails(LEAK, "the name %s is left behind", entry->d_name);
    closedir(folder);
}

/* The exit status 0, 1 or 3; or -1 after any other end, which is a failure. */
static int check_end(int wait_status)
{
    int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
    if ((status != 0 && status != 1 && status != 3) ||
        strstr(driver.messages, "Sanitizer") != NULL ||
        strstr(driver.messages, "runtime error") != NULL) {
        fails(CRASH, "the victim crashed: wait status 0x%x", (unsigned)wait_status);
        return -1;
    }
    driver.ends[status]++;
    if (status == 3 && strstr(driver.messages, "shmsum: ") == NULL)
        fails(UNREPORTED, "status 3 without a message");
    return status;
}

/* ---- the parent as the victim ---- */

static void become_hostile(void)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, driver.seed);
    setenv("SHMSUM_HOSTILE", text, 1);
}

/* How one run of the parent is set up. */
struct setting {
    char slots[32], slot_bytes[32];
    const char *arguments[16];
    const char *input; /* NULL: a pipe that never ends */
    uint64_t input_bytes;
    unsigned long lines; /* lines of one input */
    bool append;
    size_t start;  /* the size of the earlier results */
    bool standard; /* the results go to standard output */
    int interrupts;
    double interrupt_ms;
    enum session_input kind;
};

/* Inputs with a text have errors or blank lines: HOSTILE_EXACT does not use them. */
static const struct {
    const char *path;
    unsigned long lines;
    const char *text;
} inputs[] = {
    {"large.txt", 20000, NULL},
    {"medium.txt", 1000, NULL},
    {"small.txt", 10, NULL},
    {"empty.txt", 0, NULL},
    {"errors.txt", 0, "1 2\n3 x\n\x1b[2J\n4 5"},
    {"blank.txt", 0, "1 2\n3\n\n4\n"},
};
enum { INPUTS = sizeof inputs / sizeof inputs[0], RIGHT_INPUTS = 4 };

static void set_up(struct setting *setting, int *input, int *output)
{
    const struct hostile_plan *plan = &driver.plan;
    static const char *const blank_lines[] = {"--blank-lines=end", "--blank-lines=zero",
                                              "--blank-lines=skip"};
    bool exact = plan->content == HOSTILE_EXACT;
    *setting = (struct setting){.kind = INPUT_DESCRIPTOR};
    snprintf(setting->slots, sizeof setting->slots, "--slots=%u", plan->geometry.slots);
    snprintf(setting->slot_bytes, sizeof setting->slot_bytes, "--slot-bytes=%u",
             plan->geometry.payload_bytes);
    size_t count = 0;
    const char **arguments = setting->arguments;
    arguments[count++] = setting->slots;
    arguments[count++] = setting->slot_bytes;
    arguments[count++] = blank_lines[exact ? 0 : plan->blank_lines];
    write_file("results.txt", exact ? "" : "old\n");
    setting->standard = random_below(8) == 0;
    *output = -1;
    arguments[count++] = "-o";
    if (setting->standard) {
        arguments[count++] = "-";
        *output = open("results.txt", O_WRONLY | O_TRUNC | O_CLOEXEC);
        check(*output >= 0, "open: results.txt: %s", strerror(errno));
    } else {
        arguments[count++] = "results.txt";
        if (random_below(4) == 0) {
            arguments[count++] = "--append";
            setting->append = true;
            setting->start = exact ? 0 : 4;
        }
    }
    if (random_below(4) == 0)
        arguments[count++] = "--stats";
    if (plan->dialogue)
        arguments[count++] = "--prompt=always";
    uint32_t first =
        plan->dialogue || plan->geometry.payload_bytes < 64; /* the first is too long for these */
    uint32_t which = first + random_below((exact ? RIGHT_INPUTS : INPUTS) - first);
    struct stat status;
    check(stat(inputs[which].path, &status) == 0, "stat: %s", inputs[which].path);
    setting->input = inputs[which].path;
    setting->input_bytes = (uint64_t)status.st_size;
    setting->lines = inputs[which].lines;
    *input = -1;
    if (!exact && random_below(4) == 0) {
        setting->kind = INPUT_PIPE;
        setting->input = NULL;
    } else if (!plan->dialogue && random_below(4) == 0 && !exact) {
        arguments[count++] = setting->input; /* the same input twice */
        arguments[count++] = setting->input;
        setting->input_bytes *= 2;
        *input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    } else {
        *input = open(setting->input, O_RDONLY | O_CLOEXEC);
    }
    if (!exact && random_below(8) == 0) {
        setting->interrupts = 1 + (int)random_below(2);
        setting->interrupt_ms = random_below(30);
    }
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* Waits for the parent's end. Sends SIGINT as planned, and also when the child is stuck, because
 * only signals end such a run. Returns whether a signal was sent. */
static bool await_parent(const struct session *session, const struct setting *setting)
{
    double begun = now_ms(), next = begun + setting->interrupt_ms;
    int interrupts = setting->interrupts;
    bool interrupted = false, stuck = false, hung = false;
    /* With HOSTILE_EXACT the whole input is summed, which takes long on a busy machine. */
    double patience_ms = HOSTILE_PATIENCE_MS * (driver.plan.content == HOSTILE_EXACT ? 10.0 : 1.0);
    while (!has_ended(session->parent)) {
        double now = now_ms();
        stuck = stuck || atomic_load(&driver.notes->stuck);
        if (stuck) /* send signals repeatedly: two that are pending at once count as one */
            interrupts = 2;
        if (interrupts > 0 && now >= next) {
            kill(session->parent, SIGINT);
            interrupted = true;
            interrupts--;
            next = now + 5;
        }
        if (now - begun > patience_ms && !hung) {
            hung = true;
            driver.messages = read_file(session->messages, NULL);
            fails(HANG, "the parent did not end");
            free(driver.messages);
            driver.messages = NULL;
            kill(session->parent, SIGKILL);
        }
        if (now - begun < 3)
            usleep(100);
        else
            sleep_ms(1);
    }
    return interrupted;
}

/* Whether the parent reports that the child never started. A running child cannot claim that. */
static bool reports_no_start(void)
{
    return strstr(driver.messages, "exec: ") != NULL ||
           strstr(driver.messages, "signals of the child: ") != NULL ||
           strstr(driver.messages, "output of the child: ") != NULL ||
           strstr(driver.messages, "/dev/null, for the child: ") != NULL;
}

/* Status 0 or 1: the counters, the results and the status that the child left must fit it. */
static void check_verdict(const struct setting *setting, int status, const struct file *file)
{
    const struct hostile_notes *notes = driver.notes;
    const uint64_t *count = notes->counters.count;
    if (!notes->left || notes->status != status) {
        fails(FALSE_SUCCESS, "status %d, which is not the child's", status);
        return;
    }
    uint64_t sums = count[COUNTER_SUMS], errors = count[COUNTER_ERRORS];
    uint64_t skipped = count[COUNTER_SKIPPED], bytes = count[COUNTER_BYTES];
    uint64_t result_bytes = count[COUNTER_RESULT_BYTES];
    bool closed = notes->closing == SHMSUM_CLOSED;
    bool known = setting->input != NULL;
    const char *lie = NULL;
    if (count[COUNTER_RESULT_LINES] != sums + errors)
        lie = "its results are not its sums and errors";
    else if (known && (bytes > setting->input_bytes || (!closed && bytes < setting->input_bytes)))
        lie = "it did not take what was handed over";
    else if (known && (sums > bytes || errors > bytes || skipped > bytes))
        lie = "there are more lines than bytes";
    else if (closed && driver.plan.blank_lines != BLANK_LINES_END)
        lie = "blank lines do not end the input";
    else if (closed && status == 0)
        lie = "the input was cut, which is not status 0";
    else if (skipped > 0 && driver.plan.blank_lines != BLANK_LINES_SKIP)
        lie = "blank lines are not skipped";
    else if ((status == 0 && errors > 0) || (status == 1 && errors == 0 && !closed))
        lie = "its status is not that of its errors";
    else if (result_bytes / 2 < sums + errors)
        lie = "its results have no bytes";
    else if (setting->standard) /* others may write there: it is not looked at */
        lie = NULL;
    else if (result_bytes > file->size || file->size - setting->start < result_bytes)
        lie = "there are fewer results than it says";
    else if (!setting->append && file->size - setting->start != result_bytes)
        lie = "there are more results than it says";
    else if (!setting->append && !file->whole)
        lie = "its last result has no end";
    if (lie != NULL)
        fails(FALSE_SUCCESS, "status %d, but %s", status, lie);
}

static void check_parent(const struct setting *setting, int wait_status, bool interrupted)
{
    struct file file = read_results(setting->start);
    int status;
    if (interrupted && WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGINT) {
        status = -1;
        driver.ends[2]++;
    } else {
        status = check_end(wait_status);
    }
    bool success = status == 0 || status == 1;
    bool begun = strstr(driver.messages, "nothing was read") == NULL && driver.messages[0] != '\0';
    if (reports_no_start())
        fails(UNREPORTED, "the child was started, and the parent denies it");
    if (success)
        check_verdict(setting, status, &file);
    /* The parent does not check, cut or count standard output, because other processes may write to
     * it too. It does not cut a file that holds more than the child may have written. */
    const struct hostile_notes *notes = driver.notes;
    bool uncut = strstr(driver.messages, "its last line may be unfinished") != NULL;
    if ((success || begun) && !file.whole && !setting->standard && !setting->append && !uncut)
        fails(TORN, "results.txt ends in the middle of a line");
    if (!setting->standard)
        check_reported_lines(file.lines, notes->counters.count[COUNTER_RESULT_LINES]);
    if (driver.plan.content == HOSTILE_EXACT)
        check_exact(status, &file, setting->lines);
    free(file.text);
}

static void run_against_parent(void)
{
    begin_run(false);
    struct setting setting;
    int input, output;
    set_up(&setting, &input, &output);
    struct session_config config = {
        .program = "bin/shmsum",
        .arguments = setting.arguments,
        .input = setting.kind,
        .input_descriptor = input,
        .output = setting.standard ? OUTPUT_DESCRIPTOR : OUTPUT_FILE,
        .output_descriptor = output,
        .prepare = become_hostile,
    };
    struct session session = session_start(&config);
    if (input >= 0)
        close(input);
    if (output >= 0)
        close(output);
    if (setting.kind == INPUT_PIPE)
        session_feed_endlessly(&session, 1);
    bool interrupted = await_parent(&session, &setting);
    int wait_status = session_await_parent(&session);
    driver.messages = read_file(session.messages, NULL);
    if (harness_await_orphans(NULL) > 0 && WIFEXITED(wait_status))
        fails(LEAK, "the child is left behind");
    check_name_gone(session.parent);
    session_clean_up(&session);
    check_parent(&setting, wait_status, interrupted);
    unlink(session.messages);
    end_run(of_parent);
}

/* Each case is one false claim of a child that has done all its work right, and what the parent
 * must make of it. */
static const struct lie {
    const char *name;
    int status;
    const char *message; /* NULL: no message at all */
    unsigned long lines; /* new lines in results.txt */
    enum { WITHOUT_APPEND = 1, WITH_APPEND = 2, WITH_BOTH = 3 } how;
} lies[] = {
    {"none", 0, NULL, 10, WITH_BOTH},
    {"took less", 3, "child: status 0 does not fit its work; results.txt holds the first 10 ", 10,
     WITHOUT_APPEND},
    {"took less", 3,
     "child: status 0 does not fit its work; how many results are in results.txt is not known", 10,
     WITH_APPEND},
    {"more results than lines", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"more lines than bytes", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"more numbers than bytes", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"results without bytes", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"bytes without results", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"used more", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"skipped a line", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"errors", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"closed", 3, "child: status 0 does not fit its work", 10, WITH_BOTH},
    {"wrote more", 3, "results: results.txt: is not what was written to it", 10, WITH_BOTH},
    /* With --append another program may have written it. */
    {"one result too many", 3, "stopped early; results.txt holds the first 11 results", 11,
     WITHOUT_APPEND},
    {"half a line", 3, "stopped early; results.txt holds the first 9 results", 9, WITHOUT_APPEND},
    {"half a line", 3, "results: results.txt: is not what was written to it", 9, WITH_APPEND},
    {"a hole", 3, "results: results.txt: is not what was written to it", 10, WITHOUT_APPEND},
    {"stopped", 3, "stopped early; results.txt holds the first 10 results", 10, WITHOUT_APPEND},
    {"stopped", 3, "stopped early; how many results are in results.txt is not known", 10,
     WITH_APPEND},
    {"broke the rules", 3, "stopped early; how many results are in results.txt is not known", 10,
     WITH_APPEND},
    {"was not started", 3, "child: exited with status 127; results.txt holds the first 10 ", 10,
     WITHOUT_APPEND},
    {"read nothing", 3, "child: status 1 does not fit its work; nothing was read", 0, WITH_APPEND},
    {"cut what was there", 3, "results: results.txt: is not what was written to it", 0,
     WITH_APPEND},
};

static const char *current_lie;

static void become_liar(void)
{
    setenv("SHMSUM_HOSTILE", current_lie, 1);
}

static void check_lie(const struct lie *lie, bool append)
{
    const char *const arguments[] = {"-o", "results.txt", "small.txt", append ? "--append" : NULL,
                                     NULL};
    write_file("results.txt", "old\n");
    current_lie = lie->name;
    struct session session = session_start(&(struct session_config){
        .program = "bin/shmsum", .arguments = arguments, .prepare = become_liar});
    session_end(&session, lie->status);
    session_check_message(&session, lie->message == NULL ? "" : lie->message);
    if (lie->message == NULL)
        check_file(session.messages, "");
    struct file file = read_results(append ? 4 : 0);
    bool hole = strcmp(lie->name, "a hole") == 0; /* not of the child's writes: it is not cut */
    check(file.whole != hole && file.lines == lie->lines, "%s: %.500s", lie->name, file.text);
    if (hole)
        session_check_message(&session, "results.txt: its last line may be unfinished\n");
    free(file.text);
}

/* ---- the child as the victim ---- */

/*
 * HOSTILE_DIGITS: the first slot holds lines "1", the second holds lines "2", and so on. The child
 * takes the slots in turn, and of each slot as many bytes as the length says, at least one. So,
 * whatever the lengths are, the next digit of a result is that of the next slot, and the first
 * digit of the next result is that of the same slot or of the next one.
 */
static bool check_digits(const struct file *file)
{
    uint32_t slots = driver.plan.geometry.slots;
    uint32_t most = (driver.plan.geometry.payload_bytes + 1) / 2, same = 0;
    int now = -1;
    bool known = true; /* `now` is valid */
    bool first = true; /* the next digit is the first of its line */
    for (size_t at = 0; at < file->size; at++) {
        if (first && file->text[at] == 'e') { /* too many digits: the error does not show them */
            at += strcspn(file->text + at, "\n");
            known = false;
            continue;
        }
        if (!first && file->text[at] == '\n') {
            first = true;
            continue;
        }
        int digit = file->text[at] - '1';
        if (digit < 0 || digit >= (int)slots)
            return false;
        bool stays = first && digit == now && same < most;
        if (known && !stays && digit != (now + 1) % (int)slots)
            return false;
        same = digit == now ? same + 1 : 1;
        if (slots == 1)
            same = 0;
        now = digit;
        known = true;
        first = false;
    }
    return true;
}

/* Each line is a number in canonical form, or an error. */
static bool is_canonical(const struct file *file)
{
    for (const char *line = file->text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t length = strcspn(line, "\n");
        size_t sign = line[0] == '-';
        size_t digits = strspn(line + sign, "0123456789");
        size_t used = sign + digits;
        if (digits > 0 && line[used] == '.')
            used += 1 + strspn(line + used + 1, "0123456789");
        if (strncmp(line, "error: column ", 14) != 0 && (digits == 0 || used != length))
            return false;
    }
    return true;
}

static void check_child(void)
{
    const struct hostile_notes *notes = driver.notes;
    const struct hostile_plan *plan = &driver.plan;
    struct file file = read_results(0);
    if (notes->hung)
        fails(HANG, "the child did not end after END");
    int status = check_end(notes->wait_status);
    if (!file.whole)
        fails(TORN, "results.txt ends in the middle of a line");
    else if (plan->content == HOSTILE_DIGITS && !check_digits(&file))
        fails(FALSE_SUCCESS, "status %d, but the results are not those of the blocks: %.200s",
              status, file.text);
    else if (plan->content == HOSTILE_ANY && !is_canonical(&file))
        fails(FALSE_SUCCESS, "a result is neither a number nor an error");
    check_reported_lines(file.lines, file.lines);
    bool errors = strncmp(file.text, "error", 5) == 0 || strstr(file.text, "\nerror") != NULL;
    if (plan->content != HOSTILE_ANY && ((status == 0 && errors) || (status == 1 && !errors)))
        fails(FALSE_SUCCESS, "status %d does not fit the results", status);
    if (status == 3 && !plan->dies && strstr(driver.messages, "shmsum: protocol: ") == NULL)
        fails(UNREPORTED, "status 3 without a message about the protocol");
    if (plan->content == HOSTILE_EXACT && !notes->finished)
        fails(HANG, "no word that matters was corrupted, but the child did not take all blocks");
    else if (plan->content == HOSTILE_EXACT)
        check_exact(status, &file, notes->lines);
    free(file.text);
}

static void run_against_child(void)
{
    begin_run(true);
    struct hostile_notes *notes = driver.notes;
    pid_t parent = harness_fork_helper();
    if (parent == 0)
        hostile_parent(driver.seed, notes);
    int status;
    check(waitpid(parent, &status, 0) == parent, "waitpid: %s", strerror(errno));
    harness_forget(parent);
    check(status == 0, "the hostile parent ended with 0x%x", (unsigned)status);
    double deadline = now_ms() + HOSTILE_PATIENCE_MS;
    while (!notes->reaped) {
        notes->reaped = waitpid(notes->child, &notes->wait_status, WNOHANG) == notes->child;
        if (!notes->reaped && now_ms() > deadline) {
            fails(HANG, "the child outlived its parent");
            kill(notes->child, SIGKILL);
            deadline += HOSTILE_PATIENCE_MS;
        }
        if (!notes->reaped)
            usleep(200);
    }
    driver.messages = read_file("messages.txt", NULL);
    check_name_gone(parent);
    check_child();
    end_run(of_child);
}

/* ---- the two cases ---- */

static void drive(const char *victim, void (*run)(void), const struct report *reports)
{
    const char *faults = getenv("SHMSUM_FAULTS");
    bool all = faults != NULL && strcmp(faults, "all") == 0;
    driver.victim = victim;
    driver.target = number_from_environment("SHMSUM_CORRUPTIONS", all ? ALL : SAMPLE);
    driver.notes = hostile_map_notes();
    check(driver.notes != NULL, "notes: %s", strerror(errno));
    double begun = now_ms();
    while (driver.corrupted < driver.target && driver.failures < FAILURES)
        run();
    printf("victim %s: %" PRIu64 " corruptions in %" PRIu64 " runs, %.1f s; status 0: %" PRIu64
           ", 1: %" PRIu64 ", 3: %" PRIu64 ", by SIGINT: %" PRIu64 "\n",
           victim, driver.corrupted, driver.runs, (now_ms() - begun) / 1e3, driver.ends[0],
           driver.ends[1], driver.ends[3], driver.ends[2]);
    bool clean = true, all_reported = true;
    for (; reports->text != NULL; reports++) {
        printf("  reported %" PRIu64 " times: %s\n", reports->times, reports->text);
        all_reported = all_reported && reports->times > 0;
    }
    for (int i = 0; i < HOSTILE_ROWS; i++) {
        const uint64_t *failed = driver.row_failed[i];
        uint64_t any = 0;
        for (int kind = 0; kind < FAILURE_KINDS; kind++)
            any += failed[kind];
        if (driver.row_corrupted[i] == 0 && any == 0)
            continue;
        struct tally_row row = {
            .kind = "hostile peer",
            .role = victim,
            .what = hostile_names[i],
            .points = driver.row_corrupted[i],
            .fired = driver.row_corrupted[i],
            .survived = driver.row_survived[i],
            .hangs = failed[HANG],
            .torn = failed[TORN],
            .false_successes = failed[FALSE_SUCCESS],
            .unreported = failed[UNREPORTED],
            .leaks = failed[LEAK],
        };
        clean = tally_print(&row) && clean;
    }
    check(clean && driver.failures == 0, "%u runs did not end as promised", driver.failures);
    check(!all || all_reported, "the runs did not produce every report about a peer");
}

static void victim_parent(const void *program)
{
    check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
    copy_program(getenv("SHMSUM"), "bin/shmsum");
    copy_program(program, "bin/shmsum-child");
    for (size_t i = 0; i < INPUTS; i++) {
        if (inputs[i].text != NULL)
            write_file(inputs[i].path, inputs[i].text);
        else
            write_lines(inputs[i].path, 1, inputs[i].lines);
    }
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        if (lies[i].how & WITHOUT_APPEND)
            check_lie(&lies[i], false);
        if (lies[i].how & WITH_APPEND)
            check_lie(&lies[i], true);
    }
    drive("parent", run_against_parent, of_parent);
}

static void victim_child(const void *argument)
{
    (void)argument;
    copy_program(getenv("SHMSUM_CHILD"), "shmsum-child");
    drive("child", run_against_child, of_child);
}

int main(int argc, char *argv[])
{
    const char *seed = getenv("SHMSUM_HOSTILE");
    if (seed != NULL && (*seed < '0' || *seed > '9'))
        hostile_liar(argc, argv, seed);
    if (seed != NULL)
        hostile_child(argc, argv, strtoull(seed, NULL, 10));
    if (getenv("SHMSUM") == NULL || getenv("SHMSUM_CHILD") == NULL) {
        printf("SKIP SHMSUM and SHMSUM_CHILD do not name the programs\n");
        return HARNESS_SKIP;
    }
    /* The status of a sanitizer's finding must differ from those of the programs. */
    setenv("ASAN_OPTIONS", "exitcode=99", 1);
    setenv("UBSAN_OPTIONS", "exitcode=99", 1);
    const struct test_case cases[] = {
        {"parent", victim_parent, "/proc/self/exe", LIMIT_SECONDS},
        {"child", victim_child, NULL, LIMIT_SECONDS},
    };
    int result = HARNESS_PASS;
    for (int i = 0; i < 2; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        int one = harness_run(&cases[i]);
        if (result == HARNESS_PASS || one == HARNESS_FAIL)
            result = one;
    }
    return result;
}
