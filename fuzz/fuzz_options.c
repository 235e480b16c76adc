/*
 * fuzz_options.c - the command line (src/parent/options.h).
 *
 * Property: options_parse agrees with the model below, which does not use getopt. They agree on
 * whether the command line is refused (-EINVAL, exit status 2) or accepted (0), on the argument
 * that the message begins with, on the value of every option, and on the inputs: the same pointers
 * as in argv, in the same order. The message of a refusal is one line without control characters.
 * The options, written as a command line and parsed again, are the same options.
 *
 * The model takes names, words and ranges from options_rows; tests/unit/parent/test_options.c
 * checks them against a list of its own.
 *
 * Input: a byte of flags (1: POSIXLY_CORRECT is set, 2: argc is 0), then the arguments, with a NUL
 * after each but the last.
 */
#include <errno.h>
#include <inttypes.h>

#include "messages/message.h"
#include "parent/options.h"

#include "fuzz.h"

enum { ARGUMENTS_MAX = 64, FLAG_POSIX = 1, FLAG_NOTHING = 2, SHOWN_MAX = 100 };

/* ---- the model ---- */

struct model {
    bool refused;
    char blamed[64 + SHOWN_MAX]; /* what the message has to begin with */
    bool given[OPTIONS_ROWS];
    const char *value[OPTIONS_ROWS]; /* the last one given, or the default */
    enum options_action action;
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

/* Whether `value` is a number of the row's range; low is 0 or 1. */
static bool is_in_range(const char *value, const struct option_row *row, uint64_t *number)
{
    char high[32];
    snprintf(high, sizeof high, "%" PRIu64, row->high);
    size_t size = strlen(value);
    if (size == 0 || strspn(value, "0123456789") != size)
        return false;
    size_t zeros = strspn(value, "0");
    value += zeros;
    size -= zeros;
    if ((size == 0 && row->low == 1) || is_above(value, size, high, strlen(high)))
        return false;
    *number = 0;
    for (size_t i = 0; i < size; i++)
        *number = *number * 10 + (uint64_t)(value[i] - '0');
    return true;
}

/* Whether `value` is one of the words, and which. */
static bool is_word(const char *value, const char *const words[], uint64_t *index)
{
    size_t size = strlen(value) + 1;
    for (*index = 0; words[*index] != NULL; (*index)++)
        if (strlen(words[*index]) + 1 == size && memcmp(value, words[*index], size) == 0)
            return true;
    return false;
}

/* Whether the row allows `value`. Sets *number for a word (its index) or a number. */
static bool is_allowed(const struct option_row *row, const char *value, uint64_t *number)
{
    switch (row->kind) {
    case OPTION_WORDS:
        return is_word(value, row->words, number);
    case OPTION_NUMBER:
        return is_in_range(value, row, number);
    case OPTION_TEXT:
        return *value != '\0';
    default:
        return true;
    }
}

static void take_option(struct model *model, size_t i, const char *value)
{
    const struct option_row *row = &options_rows[i];
    model->given[i] = true;
    model->value[i] = value;
    if (strcmp(row->name, "help") == 0)
        model->action = OPTIONS_HELP;
    if (strcmp(row->name, "version") == 0)
        model->action = OPTIONS_VERSION;
    uint64_t number;
    if (!is_allowed(row, value, &number)) {
        char option[64];
        snprintf(option, sizeof option, "--%s=", row->name);
        refuse(model, option, value);
    }
}

/* The row whose name name[0..size) is, or abbreviates alone; OPTIONS_ROWS: none. */
static size_t find_option(const char *name, size_t size)
{
    size_t found = OPTIONS_ROWS, count = 0;
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        if (strncmp(options_rows[i].name, name, size) != 0)
            continue;
        if (options_rows[i].name[size] == '\0')
            return i;
        found = i;
        count++;
    }
    return count == 1 ? found : OPTIONS_ROWS;
}

/* argv[i] begins with "-" and a letter. -o is the only short option, so no second can follow it.
 * Returns the number of the last argument that belongs to it. */
static int take_short_option(struct model *model, int i, int argc, char *argv[])
{
    const char *argument = argv[i];
    char letter[3] = {'-', argument[1], '\0'};
    if (letter[1] != 'o' || (argument[2] == '\0' && i + 1 == argc))
        refuse(model, letter, "");
    else
        take_option(model, find_option("output", 6),
                    argument[2] != '\0' ? argument + 2 : argv[++i]);
    return i;
}

/* argv[i] begins with "--" and a name. */
static int take_long_option(struct model *model, int i, int argc, char *argv[])
{
    const char *name = argv[i] + 2;
    const char *equals = strchr(name, '=');
    size_t found = find_option(name, equals != NULL ? (size_t)(equals - name) : strlen(name));
    if (found == OPTIONS_ROWS) {
        refuse(model, "", argv[i]);
        return i;
    }
    bool takes_value = options_rows[found].kind != OPTION_FLAG;
    const char *alone = options_rows[found].alone;
    if ((equals != NULL && !takes_value) ||
        (equals == NULL && takes_value && alone == NULL && i + 1 == argc))
        refuse(model, "", argv[i]);
    else if (equals == NULL && (!takes_value || alone != NULL))
        take_option(model, found, alone);
    else
        take_option(model, found, equals != NULL ? equals + 1 : argv[++i]);
    return i;
}

static void run_model(struct model *model, int argc, char *argv[], bool posix)
{
    *model = (struct model){.action = OPTIONS_RUN};
    for (size_t i = 0; i < OPTIONS_ROWS; i++)
        model->value[i] = options_rows[i].initial;
    bool options_end = false;
    for (int i = 1; i < argc && !model->refused; i++) {
        char *argument = argv[i];
        if (options_end || argument[0] != '-' || argument[1] == '\0') {
            model->inputs[model->input_count++] = argument;
            options_end = options_end || posix;
        } else if (argument[1] != '-') {
            i = take_short_option(model, i, argc, argv);
        } else if (argument[2] == '\0') {
            options_end = true;
        } else {
            i = take_long_option(model, i, argc, argv);
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
    setenv("LC_ALL", "C.UTF-8", 1);                        /* the most that a terminal may get */
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

static const char *text_of(const struct options *options, const struct option_row *row)
{
    const char *text;
    memcpy(&text, (const char *)options + row->where.offset, sizeof text);
    return text;
}

/* The options and the model have the same value for this row. */
static void check_row(const struct options *options, const struct model *model, size_t i)
{
    const struct option_row *row = &options_rows[i];
    const char *value = model->value[i];
    uint64_t number = 0;
    if (row->where.offset == offsetof(struct options, action)) {
        FUZZ_CHECK(options->action == model->action);
    } else if (row->kind == OPTION_FLAG) {
        number = model->given[i] ? row->on : row->off;
        FUZZ_CHECK(member_get(options, &row->where) == number);
    } else if (row->kind == OPTION_TEXT) {
        const char *text = text_of(options, row);
        FUZZ_CHECK(model->given[i] || text == NULL ? text == value : strcmp(text, value) == 0);
    } else {
        FUZZ_CHECK(is_allowed(row, value, &number));
        FUZZ_CHECK(member_get(options, &row->where) == number);
    }
}

static void check_options(const struct options *options, const struct model *model)
{
    for (size_t i = 0; i < OPTIONS_ROWS; i++)
        check_row(options, model, i);
    if (model->input_count == 0) {
        FUZZ_CHECK(options->input_count == 1 && strcmp(options->inputs[0], "-") == 0);
        return;
    }
    FUZZ_CHECK(options->input_count == model->input_count);
    for (int i = 0; i < model->input_count; i++)
        FUZZ_CHECK(options->inputs[i] == model->inputs[i]);
}

enum { WRITTEN_MAX = 4096 };

/* Writes the option of a row as an argument; false when it is not needed. */
static bool write_option(char argument[WRITTEN_MAX], const struct options *options,
                         const struct option_row *row)
{
    uint64_t number = row->kind == OPTION_TEXT ? 0 : member_get(options, &row->where);
    const char *text = row->kind == OPTION_TEXT ? text_of(options, row) : NULL;
    switch (row->kind) {
    case OPTION_FLAG:
        snprintf(argument, WRITTEN_MAX, "--%s", row->name);
        return number == row->on;
    case OPTION_WORDS:
        snprintf(argument, WRITTEN_MAX, "--%s=%s", row->name, row->words[number]);
        return true;
    case OPTION_NUMBER:
        snprintf(argument, WRITTEN_MAX, "--%s=%" PRIu64, row->name, number);
        return true;
    case OPTION_TEXT:
        snprintf(argument, WRITTEN_MAX, "--%s=%s", row->name, text != NULL ? text : "");
        return text != NULL;
    }
    return false;
}

/* Writes the options as a command line, with the same inputs, and parses that. */
static void check_again(const struct options *options)
{
    static char program[] = "shmsum", end_of_options[] = "--";
    static char arguments[OPTIONS_ROWS][WRITTEN_MAX];
    char *argv[ARGUMENTS_MAX + OPTIONS_ROWS + 3];
    int argc = 0;
    argv[argc++] = program;
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        if (write_option(arguments[i], options, &options_rows[i]))
            argv[argc++] = arguments[i];
        if (strlen(arguments[i]) == WRITTEN_MAX - 1)
            return; /* it may be cut */
    }
    argv[argc++] = end_of_options;
    for (int i = 0; i < options->input_count; i++)
        argv[argc++] = options->inputs[i];
    argv[argc] = NULL;

    struct options again;
    char said[OPTIONS_MESSAGE_MAX];
    FUZZ_CHECK(options_parse(&again, argc, argv, said) == 0);
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        const struct option_row *row = &options_rows[i];
        if (row->kind != OPTION_TEXT) {
            FUZZ_CHECK(member_get(&again, &row->where) == member_get(options, &row->where));
            continue;
        }
        const char *text = text_of(options, row), *again_text = text_of(&again, row);
        FUZZ_CHECK((text == NULL) == (again_text == NULL));
        FUZZ_CHECK(text == NULL || strcmp(text, again_text) == 0);
    }
    FUZZ_CHECK(again.input_count == options->input_count);
    for (int i = 0; i < options->input_count; i++)
        FUZZ_CHECK(strcmp(again.inputs[i], options->inputs[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "shmsum";
    struct fuzz_input input = {.at = data, .left = size};
    uint8_t flags = fuzz_byte(&input);

    /* Each argument in an allocation of its exact size, so that ASan sees a read beyond it. */
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

/* ---- mutations: whole arguments, mostly names and values of options ---- */

static const char *const odd_words[] = {
    "-",
    "--",
    "-o",
    "-ox",
    "-o-",
    "-x",
    "",
    "--output=",
    "--trace=",
    "--s",
    "--slot",
    "--a",
    "=",
    "=0",
    "=1",
    "=-1",
    "=+1",
    "= 1",
    "=0x10",
    "=18446744073709551616",
    "=18446744073709551617",
    "=4294967297",
    "=00000000000000000000000000000000000000016",
    "\x1b[2J",
    "\xc3\xa9",
    "\xc2\x9b",
};

enum { WORD_MAX = 64 };

/* Draws an odd word, the name of an option, or "=" and a word or a limit of some option (or that
 * limit plus or minus 1). Returns its size. */
static size_t draw_word(uint8_t with[WORD_MAX], struct random *random)
{
    const struct option_row *row = &options_rows[fuzz_draw(random, OPTIONS_ROWS)];
    char word[WORD_MAX];
    size_t kind = fuzz_draw(random, 3);
    if (kind == 0) {
        snprintf(word, sizeof word, "%s",
                 odd_words[fuzz_draw(random, sizeof odd_words / sizeof odd_words[0])]);
    } else if (kind == 1 || row->kind == OPTION_FLAG || row->kind == OPTION_TEXT) {
        snprintf(word, sizeof word, "--%s", row->name);
    } else if (row->kind == OPTION_NUMBER) {
        uint64_t limit = fuzz_draw(random, 2) == 0 ? row->low : row->high;
        snprintf(word, sizeof word, "=%" PRIu64, limit + fuzz_draw(random, 3) - 1);
    } else {
        size_t count = 1;
        while (row->words[count] != NULL)
            count++;
        snprintf(word, sizeof word, "=%s", row->words[fuzz_draw(random, count)]);
    }
    memcpy(with, word, sizeof word);
    return strlen(word);
}

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

    uint8_t with[WORD_MAX + 1];
    size_t length = draw_word(with, &random);
    switch (fuzz_draw(&random, 4)) {
    case 0: /* instead of the argument */
        break;
    case 1: /* before it */
        with[length++] = '\0';
        end = begin;
        break;
    case 2: /* after it */
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
