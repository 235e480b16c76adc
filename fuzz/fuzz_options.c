/*
 * fuzz_options.c - the command line (src/parent/options.h).
 *
 * Property: options_parse agrees with a model of it that is written here without getopt: on whether
 * the command line is refused (-EINVAL, which is exit status 2) or taken (0), on the argument that
 * the message begins with, on every option, and on the inputs, which are the very pointers of argv
 * in their order. Of a refusal one line is printed, which cannot drive a terminal. The options,
 * written as a command line again, are the same options.
 *
 * Input: a byte of flags (1: POSIXLY_CORRECT, 2: not even argv[0]), then the arguments, each but
 * the last with a NUL behind it.
 */
#include <errno.h>
#include <inttypes.h>

#include "messages/message.h"
#include "parent/options.h"

#include "fuzz.h"

enum { ARGUMENTS_MAX = 64, FLAG_POSIX = 1, FLAG_NOTHING = 2, SHOWN_MAX = 100 };

/* ---- the model ---- */

enum kind {
    OUTPUT,
    APPEND,
    SYNC,
    COMMA,
    BLANKS,
    FORMAT,
    PROMPT,
    COLOR,
    PROGRESS,
    ERRORS,
    STATS,
    EXPLAIN,
    TRACE,
    SLOTS,
    BYTES,
    SANDBOX,
    HELP,
    VERSION
};

static const struct {
    const char *name;
    const char *values; /* NULL: takes none; else what may stand there: words, or a range */
} model_options[] = {
    [OUTPUT] = {"output", ""},
    [APPEND] = {"append", NULL},
    [SYNC] = {"fsync", NULL},
    [COMMA] = {"decimal-comma", NULL},
    [BLANKS] = {"blank-lines", "end zero skip"},
    [FORMAT] = {"format", "text json"},
    [PROMPT] = {"prompt", "auto always never"},
    [COLOR] = {"color", "auto always never"},
    [PROGRESS] = {"progress", "auto always never"},
    [ERRORS] = {"max-errors", "0-18446744073709551615"},
    [STATS] = {"stats", NULL},
    [EXPLAIN] = {"explain", NULL},
    [TRACE] = {"trace", ""},
    [SLOTS] = {"slots", "1-1024"},
    [BYTES] = {"slot-bytes", "1-1048576"},
    [SANDBOX] = {"sandbox", "auto require off"},
    [HELP] = {"help", NULL},
    [VERSION] = {"version", NULL},
};
enum { KINDS = sizeof model_options / sizeof model_options[0] };

struct model {
    bool refused;
    char blamed[64 + SHOWN_MAX]; /* what the message has to begin with */
    const char *output, *trace;
    bool given[KINDS];
    size_t word[KINDS];
    uint64_t number[KINDS];
    char *inputs[ARGUMENTS_MAX];
    int input_count;
};

static void refuse(struct model *model, const char *option, const char *value)
{
    model->refused = true;
    snprintf(model->blamed, sizeof model->blamed, "%.60s%.*s", option, (int)SHOWN_MAX, value);
}

/* Compares numbers written without leading zeros. */
static bool is_above(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size != b_size ? a_size > b_size : memcmp(a, b, a_size) > 0;
}

/* Whether `value` is a number of the range "low-high"; low is 0 or 1. */
static bool is_in_range(const char *value, const char *range, uint64_t *number)
{
    size_t size = strlen(value);
    if (size == 0 || strspn(value, "0123456789") != size)
        return false;
    size_t zeros = strspn(value, "0");
    value += zeros;
    size -= zeros;
    if ((size == 0 && range[0] == '1') || is_above(value, size, range + 2, strlen(range + 2)))
        return false;
    *number = 0;
    for (size_t i = 0; i < size; i++)
        *number = *number * 10 + (uint64_t)(value[i] - '0');
    return true;
}

/* Whether `value` is one of the words, and which. */
static bool is_word(const char *value, const char *words, size_t *index)
{
    size_t size = strlen(value);
    *index = 0;
    for (const char *at = words; at != NULL; (*index)++) {
        const char *space = strchr(at, ' ');
        size_t length = space != NULL ? (size_t)(space - at) : strlen(at);
        if (size == length && memcmp(value, at, size) == 0)
            return true;
        at = space != NULL ? space + 1 : NULL;
    }
    return false;
}

static void take_option(struct model *model, size_t kind, const char *value)
{
    const char *values = model_options[kind].values;
    model->given[kind] = true;
    if (values == NULL)
        return;
    bool good;
    if (kind == OUTPUT || kind == TRACE) {
        *(kind == OUTPUT ? &model->output : &model->trace) = value;
        good = *value != '\0';
    } else if (values[1] == '-') {
        good = is_in_range(value, values, &model->number[kind]);
    } else {
        good = is_word(value, values, &model->word[kind]);
    }
    if (!good) {
        char option[64];
        snprintf(option, sizeof option, "--%s=", model_options[kind].name);
        refuse(model, option, value);
    }
}

/* The option that name[0..size) is, or abbreviates alone; KINDS: none. */
static size_t find_option(const char *name, size_t size)
{
    size_t found = KINDS, count = 0;
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (strncmp(model_options[kind].name, name, size) != 0)
            continue;
        if (model_options[kind].name[size] == '\0')
            return kind;
        found = kind;
        count++;
    }
    return count == 1 ? found : KINDS;
}

static void run_model(struct model *model, int argc, char *argv[], bool posix)
{
    *model = (struct model){.output = "results.txt"};
    model->number[ERRORS] = 20;
    model->number[SLOTS] = 16;
    model->number[BYTES] = 65536;
    bool options_end = false;
    for (int i = 1; i < argc && !model->refused; i++) {
        char *argument = argv[i];
        if (options_end || argument[0] != '-' || argument[1] == '\0') {
            model->inputs[model->input_count++] = argument;
            options_end = options_end || posix;
        } else if (argument[1] != '-') { /* -o is the only one, so no second can follow it */
            char letter[3] = {'-', argument[1], '\0'};
            if (letter[1] != 'o' || (argument[2] == '\0' && i + 1 == argc))
                refuse(model, letter, "");
            else
                take_option(model, OUTPUT, argument[2] != '\0' ? argument + 2 : argv[++i]);
        } else if (argument[2] == '\0') {
            options_end = true;
        } else {
            const char *name = argument + 2;
            const char *equals = strchr(name, '=');
            size_t kind =
                find_option(name, equals != NULL ? (size_t)(equals - name) : strlen(name));
            bool takes_value = kind < KINDS && model_options[kind].values != NULL;
            const char *without = kind == PROGRESS ? "always" : NULL; /* what that means alone */
            if (kind == KINDS || (equals != NULL && !takes_value) ||
                (equals == NULL && takes_value && without == NULL && i + 1 == argc))
                refuse(model, "", argument);
            else if (equals == NULL && (!takes_value || without != NULL))
                take_option(model, kind, without);
            else
                take_option(model, kind, equals != NULL ? equals + 1 : argv[++i]);
        }
    }
}

/* ---- the message ---- */

static struct {
    size_t writes, size;
    char bytes[16384];
} written;

static ssize_t keep_write(const struct shmsum_os *os, int fd, const void *bytes, size_t size)
{
    (void)os;
    FUZZ_CHECK(fd == 2 && size <= sizeof written.bytes);
    memcpy(written.bytes, bytes, size);
    written.size = size;
    written.writes++;
    return (ssize_t)size;
}

static const struct shmsum_os message_os = {.write = keep_write};

static void check_message(const struct model *model, const char *said)
{
    FUZZ_CHECK(memchr(said, '\0', OPTIONS_MESSAGE_MAX) != NULL);
    FUZZ_CHECK(strncmp(said, model->blamed, strlen(model->blamed)) == 0);
    FUZZ_CHECK(strlen(said) > strlen(model->blamed) + 2); /* and a reason */

    written.writes = 0;
    message(&message_os, "%s; try 'shmsum --help'", said); /* as main does */
    FUZZ_CHECK(written.writes == 1);
    FUZZ_CHECK(written.size > 0 && written.bytes[written.size - 1] == '\n');
    for (size_t i = 0; i + 1 < written.size; i++) {
        uint8_t byte = (uint8_t)written.bytes[i];
        FUZZ_CHECK(byte >= ' ' && byte != 0x7f);
        /* U+0080 to U+009F, which are controls too */
        if (byte == 0xc2)
            FUZZ_CHECK((uint8_t)written.bytes[i + 1] >= 0xa0);
        /* a stray byte, which an 8-bit terminal would obey */
        FUZZ_CHECK(byte < 0x80 || (uint8_t)written.bytes[i + 1] >= 0x80 ||
                   (i > 0 && (uint8_t)written.bytes[i - 1] >= 0x80));
    }
}

/* ---- the options ---- */

static void check_options(const struct options *options, const struct model *model)
{
    enum options_action action = options->action;
    FUZZ_CHECK((action == OPTIONS_RUN) == (!model->given[HELP] && !model->given[VERSION]));
    FUZZ_CHECK(action != OPTIONS_HELP || model->given[HELP]);
    FUZZ_CHECK(action != OPTIONS_VERSION || model->given[VERSION]);
    FUZZ_CHECK(strcmp(options->output, model->output) == 0);
    FUZZ_CHECK(options->append == model->given[APPEND]);
    FUZZ_CHECK(options->sync == model->given[SYNC]);
    FUZZ_CHECK(options->stats == model->given[STATS]);
    FUZZ_CHECK(options->explain == model->given[EXPLAIN]);
    FUZZ_CHECK(options->trace == model->trace);
    FUZZ_CHECK(options->point == (model->given[COMMA] ? ',' : '.'));
    FUZZ_CHECK((size_t)options->blank_lines == model->word[BLANKS]);
    FUZZ_CHECK((size_t)options->format == model->word[FORMAT]);
    FUZZ_CHECK((size_t)options->prompt == model->word[PROMPT]);
    FUZZ_CHECK((size_t)options->color == model->word[COLOR]);
    FUZZ_CHECK((size_t)options->progress == model->word[PROGRESS]);
    FUZZ_CHECK((size_t)options->sandbox == model->word[SANDBOX]);
    FUZZ_CHECK(options->max_errors == model->number[ERRORS]);
    FUZZ_CHECK(options->geometry.slots == model->number[SLOTS]);
    FUZZ_CHECK(options->geometry.payload_bytes == model->number[BYTES]);
    if (model->input_count == 0) {
        FUZZ_CHECK(options->input_count == 1 && strcmp(options->inputs[0], "-") == 0);
        return;
    }
    FUZZ_CHECK(options->input_count == model->input_count);
    for (int i = 0; i < model->input_count; i++)
        FUZZ_CHECK(options->inputs[i] == model->inputs[i]);
}

/* Parses the options again, written as a command line; the inputs are handed on as they are. */
static void check_again(const struct options *options)
{
    static const char *const blank_words[] = {"end", "zero", "skip"};
    static const char *const format_words[] = {"text", "json"};
    static const char *const sandbox_words[] = {"auto", "require", "off"};
    static const char *const when_words[] = {"auto", "always", "never"};
    static char output[4096 + ARGUMENTS_MAX], trace[4096 + ARGUMENTS_MAX], blanks[32], format[32],
        prompt[32], color[32], progress[32], errors[48], slots[32], bytes[32], sandbox[32];
    static char program[] = "shmsum", append[] = "--append", sync[] = "--fsync",
                stats[] = "--stats", explain[] = "--explain", comma[] = "--decimal-comma",
                help[] = "--help", version[] = "--version", end_of_options[] = "--";
    if (strlen(options->output) >= 4096 ||
        (options->trace != NULL && strlen(options->trace) >= 4096))
        return;
    snprintf(output, sizeof output, "--output=%s", options->output);
    snprintf(blanks, sizeof blanks, "--blank-lines=%s", blank_words[options->blank_lines]);
    snprintf(format, sizeof format, "--format=%s", format_words[options->format]);
    snprintf(prompt, sizeof prompt, "--prompt=%s", when_words[options->prompt]);
    snprintf(color, sizeof color, "--color=%s", when_words[options->color]);
    snprintf(progress, sizeof progress, "--progress=%s", when_words[options->progress]);
    snprintf(errors, sizeof errors, "--max-errors=%" PRIu64, options->max_errors);
    snprintf(slots, sizeof slots, "--slots=%" PRIu32, options->geometry.slots);
    snprintf(bytes, sizeof bytes, "--slot-bytes=%" PRIu32, options->geometry.payload_bytes);
    snprintf(sandbox, sizeof sandbox, "--sandbox=%s", sandbox_words[options->sandbox]);

    char *argv[ARGUMENTS_MAX + KINDS + 3];
    int argc = 0;
    argv[argc++] = program;
    argv[argc++] = output;
    argv[argc++] = blanks;
    argv[argc++] = format;
    argv[argc++] = prompt;
    argv[argc++] = color;
    argv[argc++] = progress;
    argv[argc++] = errors;
    argv[argc++] = slots;
    argv[argc++] = bytes;
    argv[argc++] = sandbox;
    if (options->append)
        argv[argc++] = append;
    if (options->sync)
        argv[argc++] = sync;
    if (options->stats)
        argv[argc++] = stats;
    if (options->explain)
        argv[argc++] = explain;
    if (options->trace != NULL) {
        snprintf(trace, sizeof trace, "--trace=%s", options->trace);
        argv[argc++] = trace;
    }
    if (options->point == ',')
        argv[argc++] = comma;
    if (options->action != OPTIONS_RUN)
        argv[argc++] = options->action == OPTIONS_HELP ? help : version;
    argv[argc++] = end_of_options;
    for (int i = 0; i < options->input_count; i++)
        argv[argc++] = options->inputs[i];
    argv[argc] = NULL;

    struct options again;
    char said[OPTIONS_MESSAGE_MAX];
    FUZZ_CHECK(options_parse(&again, argc, argv, said) == 0);
    FUZZ_CHECK(again.action == options->action);
    FUZZ_CHECK(strcmp(again.output, options->output) == 0);
    FUZZ_CHECK(again.append == options->append && again.sync == options->sync);
    FUZZ_CHECK(again.explain == options->explain);
    FUZZ_CHECK((again.trace == NULL) == (options->trace == NULL));
    FUZZ_CHECK(again.trace == NULL || strcmp(again.trace, options->trace) == 0);
    FUZZ_CHECK(again.stats == options->stats && again.point == options->point);
    FUZZ_CHECK(again.blank_lines == options->blank_lines && again.prompt == options->prompt);
    FUZZ_CHECK(again.format == options->format && again.color == options->color);
    FUZZ_CHECK(again.progress == options->progress);
    FUZZ_CHECK(again.sandbox == options->sandbox);
    FUZZ_CHECK(again.max_errors == options->max_errors);
    FUZZ_CHECK(again.geometry.slots == options->geometry.slots);
    FUZZ_CHECK(again.geometry.payload_bytes == options->geometry.payload_bytes);
    FUZZ_CHECK(again.input_count == options->input_count);
    for (int i = 0; i < options->input_count; i++)
        FUZZ_CHECK(strcmp(again.inputs[i], options->inputs[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "shmsum";
    struct fuzz_input input = {.at = data, .left = size};
    uint8_t flags = fuzz_byte(&input);

    /* Every argument in a block of its own, exactly as large as it is. */
    char *argv[ARGUMENTS_MAX + 2];
    int argc = 0;
    if ((flags & FLAG_NOTHING) == 0) {
        argv[argc++] = program;
        for (const uint8_t *at = input.at; input.left > 0 && argc <= ARGUMENTS_MAX;) {
            const uint8_t *end = memchr(at, '\0', input.left);
            size_t length = end != NULL ? (size_t)(end - at) : input.left;
            char *argument = malloc(length + 1);
            if (argument == NULL)
                abort();
            memcpy(argument, at, length);
            argument[length] = '\0';
            argv[argc++] = argument;
            at += length + (end != NULL);
            input.left -= length + (end != NULL);
        }
    }
    argv[argc] = NULL;
    char *to_free[ARGUMENTS_MAX + 2];
    memcpy(to_free, argv, sizeof to_free);

    bool posix = (flags & FLAG_POSIX) != 0;
    if (posix)
        setenv("POSIXLY_CORRECT", "1", 1);
    else
        unsetenv("POSIXLY_CORRECT");
    struct model model;
    run_model(&model, argc, argv, posix);

    struct options options;
    char said[OPTIONS_MESSAGE_MAX];
    memset(&options, 0x5a, sizeof options);
    memset(said, 'x', sizeof said);
    int result = options_parse(&options, argc, argv, said);
    FUZZ_CHECK(result == (model.refused ? -EINVAL : 0));
    if (result < 0) {
        check_message(&model, said);
    } else {
        check_options(&options, &model);
        check_again(&options);
    }
    for (int i = 1; i < argc; i++)
        free(to_free[i]);
    return 0;
}

/* ---- mutations: whole arguments, and those that mean something ---- */

static const char *const words[] = {
    "-",
    "--",
    "-o",
    "-ox",
    "-o-",
    "-x",
    "",
    "--output",
    "--output=",
    "--append",
    "--fsync",
    "--stats",
    "--explain",
    "--trace=",
    "--help",
    "--version",
    "--decimal-comma",
    "--blank-lines",
    "--format",
    "--prompt",
    "--color",
    "--progress",
    "--max-errors",
    "--slots",
    "--slot-bytes",
    "--sandbox",
    "--s",
    "--slot",
    "--a",
    "=",
    "=0",
    "=1",
    "=end",
    "=zero",
    "=skip",
    "=text",
    "=json",
    "=auto",
    "=always",
    "=never",
    "=require",
    "=off",
    "=1024",
    "=1025",
    "=1048576",
    "=1048577",
    "=18446744073709551615",
    "=18446744073709551616",
    "=18446744073709551617",
    "=4294967297",
    "=-1",
    "=+1",
    "= 1",
    "=0x10",
    "=00000000000000000000000000000000000000016",
    "\x1b[2J",
    "\xc3\xa9",
    "\xc2\x9b",
};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct random random = {.state = seed};
    if (size == 0 || fuzz_draw(&random, 3) == 0)
        return fuzz_mutate(data, size, max_size);
    /* an argument: data[begin..end) */
    size_t begin = 1 + fuzz_draw(&random, size);
    while (begin > 1 && data[begin - 1] != '\0')
        begin--;
    size_t end = begin;
    while (end < size && data[end] != '\0')
        end++;

    const char *word = words[fuzz_draw(&random, sizeof words / sizeof words[0])];
    size_t length = strlen(word);
    uint8_t with[64];
    memcpy(with, word, length);
    switch (fuzz_draw(&random, 4)) {
    case 0: /* instead of the argument */
        break;
    case 1: /* before it */
        with[length++] = '\0';
        end = begin;
        break;
    case 2: /* behind its end */
        begin = end;
        break;
    default: { /* instead of its value */
        const uint8_t *equals = memchr(data + begin, '=', end - begin);
        begin = equals != NULL ? (size_t)(equals - data) : end;
    }
    }
    if (size - (end - begin) + length > max_size)
        return fuzz_mutate(data, size, max_size);
    memmove(data + begin + length, data + end, size - end);
    memcpy(data + begin, with, length);
    return size - (end - begin) + length;
}
