/* options.c - the command line of shmsum. See options.h. Called by main, once. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "messages/text_buffer.h"

const char options_default_output[] = "results.txt";

const char options_help[] =
    "Usage: shmsum [OPTION]... [FILE]...\n"
    "Sum every line of numbers exactly: one result per line, in results.txt.\n"
    "  shmsum numbers.txt             results in results.txt, one line per input line\n"
    "  shmsum -o - < numbers.txt      results on standard output, for pipes\n"
    "\n"
    "With no FILE, or when FILE is -, read standard input; at a terminal, ask for lines.\n"
    "Results:\n"
    "  -o, --output=FILE         write them to FILE (default results.txt; - is standard output)\n"
    "      --format=WHAT         text (default), or json: an object for each line\n"
    "      --append              add to the end of FILE instead of replacing it\n"
    "      --fsync               put them on the disk before saying that all is well\n"
    "Numbers and lines:\n"
    "      --decimal-comma       the decimal point of the input is a comma\n"
    "      --blank-lines=WHAT    a blank line: end the input (default), zero (its sum is 0), skip\n"
    "Messages:\n"
    "      --prompt=WHEN         ask for each line: auto (at a terminal, default), always, never\n"
    "      --color=WHEN          in color: auto (at a terminal, default), always, never\n"
    "      --progress[=WHEN]     how far it is: auto (a terminal, after 1 s; default), always, "
    "never\n"
    "      --max-errors=N        show at most N errors in lines (default 20)\n"
    "To see inside:\n"
    "      --stats               say at the end how much was done and how fast\n"
    "      --explain             tell what happens in shared memory (for a small input)\n"
    "      --trace=FILE          write what both processes do, and when, for Perfetto\n"
    "      --slots=N             slots in the ring, 1 to 1024 (default 16)\n"
    "      --slot-bytes=N        bytes in a slot, 1 to 1048576 (default 65536)\n"
    "      --sandbox=HOW         give up rights: auto (as the kernel grants, default), require, "
    "off\n"
    "      --help, --version     print this, or the version, and exit\n"
    "\n"
    "Exit status: 0 every line was summed; 1 some lines were errors, or input after a blank\n"
    "line was not read; 2 usage; 3 the system refused something; or the signal that ended it.\n";

/* ---- the table ---- */

static const char *const when_words[] = {
    [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never", NULL};
static const char *const format_words[] = {[RESULT_TEXT] = "text", [RESULT_JSON] = "json", NULL};
static const char *const blank_words[] = {
    [BLANK_LINES_END] = "end", [BLANK_LINES_ZERO] = "zero", [BLANK_LINES_SKIP] = "skip", NULL};
static const char *const sandbox_words[] = {
    [SANDBOX_AUTO] = "auto", [SANDBOX_REQUIRE] = "require", [SANDBOX_OFF] = "off", NULL};

/* The part of a row that its kind needs; `name` is the member of struct options. */
#define WHERE(name) .where = MEMBER(struct options, name)
#define FLAG(name, off_, on_) .kind = OPTION_FLAG, WHERE(name), .off = (off_), .on = (on_)
#define WORDS(name, words_, initial_) \
    .kind = OPTION_WORDS, WHERE(name), .words = (words_), .initial = (initial_)
#define NUMBER(name, low_, high_, initial_) \
    .kind = OPTION_NUMBER, WHERE(name), .low = (low_), .high = (high_), .initial = (initial_)
#define FILE_NAME(name, initial_) \
    .kind = OPTION_TEXT, WHERE(name), .wanted = "a file name", .initial = (initial_)

/* In the order of --help. */
const struct option_row options_rows[OPTIONS_ROWS] = {
    {"output", FILE_NAME(output, options_default_output), .letter = 'o'},
    {"format", WORDS(format, format_words, "text")},
    {"append", FLAG(append, false, true)},
    {"fsync", FLAG(sync, false, true)},
    {"decimal-comma", FLAG(point, '.', ',')},
    {"blank-lines", WORDS(blank_lines, blank_words, "end")},
    {"prompt", WORDS(prompt, when_words, "auto")},
    {"color", WORDS(color, when_words, "auto")},
    {"progress", WORDS(progress, when_words, "auto"), .alone = "always"},
    {"max-errors", NUMBER(max_errors, 0, UINT64_MAX, "20"),
     .wanted = "a number of messages, 0 or more"},
    {"stats", FLAG(stats, false, true)},
    {"explain", FLAG(explain, false, true)},
    {"trace", FILE_NAME(trace, NULL)},
    {"slots", NUMBER(geometry.slots, 1, SHMSUM_REGION_SLOTS_MAX, "16")},
    {"slot-bytes", NUMBER(geometry.payload_bytes, 1, SHMSUM_REGION_PAYLOAD_MAX, "65536")},
    {"sandbox", WORDS(sandbox, sandbox_words, "auto")},
    {"help", FLAG(action, OPTIONS_RUN, OPTIONS_HELP)},
    {"version", FLAG(action, OPTIONS_RUN, OPTIONS_VERSION)},
};

/* ---- values ---- */

/* Looks the value up among the words, which end with NULL. */
static bool parse_word(const char *value, const char *const words[], uint64_t *index)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* A plain decimal number in [low, high]; high >= 9. */
static bool parse_number(const char *value, uint64_t low, uint64_t high, uint64_t *number)
{
    uint64_t result = 0;
    if (*value == '\0')
        return false;
    for (; *value != '\0'; value++) {
        if (*value < '0' || *value > '9')
            return false;
        uint64_t digit = (uint64_t)(*value - '0');
        if (result > (high - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    *number = result;
    return result >= low;
}

/* Stores the value of one option; a flag has none. False when the row does not allow the value. */
static bool set_option(struct options *options, const struct option_row *row, const char *value)
{
    uint64_t number = row->on;
    bool allowed = true;
    switch (row->kind) {
    case OPTION_FLAG:
        break;
    case OPTION_WORDS:
        allowed = parse_word(value, row->words, &number);
        break;
    case OPTION_NUMBER:
        allowed = parse_number(value, row->low, row->high, &number);
        break;
    case OPTION_TEXT:
        memcpy((char *)options + row->where.offset, &value, sizeof value);
        return *value != '\0';
    }
    if (allowed)
        member_set(options, &row->where, number);
    return allowed;
}

static void set_defaults(struct options *options)
{
    static char standard_input[] = "-";
    static char *const only_standard_input[] = {standard_input};
    *options = (struct options){.inputs = only_standard_input, .input_count = 1};
    for (size_t i = 0; i < OPTIONS_ROWS; i++) {
        const struct option_row *row = &options_rows[i];
        if (row->kind == OPTION_FLAG)
            member_set(options, &row->where, row->off);
        else if (row->initial != NULL)
            set_option(options, row, row->initial);
    }
}

/* ---- refusals ---- */

/* Adds what the value of this option has to be: "auto, always or never". */
static void add_wanted(struct text_buffer *text, const struct option_row *row)
{
    if (row->wanted != NULL) {
        text_add(text, row->wanted);
    } else if (row->kind == OPTION_NUMBER) {
        text_addf(text, "a number from %" PRIu64 " to %" PRIu64, row->low, row->high);
    } else {
        for (const char *const *word = row->words; *word != NULL; word++) {
            text_add(text, word == row->words ? "" : word[1] == NULL ? " or " : ", ");
            text_add(text, *word);
        }
    }
}

static int refuse_value(char message[OPTIONS_MESSAGE_MAX], const struct option_row *row,
                        const char *value)
{
    struct text_buffer text = text_in(message, OPTIONS_MESSAGE_MAX);
    text_addf(&text, "--%s=%.100s: expected ", row->name, value);
    add_wanted(&text, row);
    return -EINVAL;
}

/* What getopt_long returns for a long option: this plus the number of its row. A short option is
 * its letter, below this. */
enum { LONG_OPTION = 256 };

/* getopt_long refused an argument with `code`: ':' or '?'. */
static int refuse_argument(char message[OPTIONS_MESSAGE_MAX], int code, const char *argument)
{
    struct text_buffer text = text_in(message, OPTIONS_MESSAGE_MAX);
    const char *what = code == ':' ? "needs a value" : "unknown option";
    /* optopt: a short option, the code of a long one that takes no value but has one, or 0 */
    bool is_short =
        code == ':' ? strncmp(argument, "--", 2) != 0 : optopt != 0 && optopt < LONG_OPTION;
    if (is_short)
        text_addf(&text, "-%c: %s", optopt, what);
    else if (code == '?' && optopt != 0)
        text_addf(&text, "%.100s: takes no value", argument);
    else
        text_addf(&text, "%.100s: %s", argument, what);
    return -EINVAL;
}

/* ---- the command line ---- */

/* Makes the two descriptions of the options that getopt_long reads. */
static void describe(char letters[2 * OPTIONS_ROWS + 2], struct option longs[OPTIONS_ROWS + 1])
{
    *letters++ = ':'; /* report a missing value as ':' */
    for (int i = 0; i < OPTIONS_ROWS; i++) {
        const struct option_row *row = &options_rows[i];
        bool takes_value = row->kind != OPTION_FLAG;
        longs[i] = (struct option){
            .name = row->name,
            .has_arg = !takes_value         ? no_argument
                       : row->alone != NULL ? optional_argument
                                            : required_argument,
            .val = LONG_OPTION + i,
        };
        if (row->letter != '\0') {
            *letters++ = row->letter;
            if (takes_value)
                *letters++ = ':';
        }
    }
    *letters = '\0';
    longs[OPTIONS_ROWS] = (struct option){.name = NULL};
}

/* The row of what getopt_long returned. */
static const struct option_row *find_row(int code)
{
    if (code >= LONG_OPTION)
        return &options_rows[code - LONG_OPTION];
    const struct option_row *row = options_rows;
    while (row->letter != code)
        row++;
    return row;
}

int options_parse(struct options *options, int argc, char *argv[],
                  char message[OPTIONS_MESSAGE_MAX])
{
    char letters[2 * OPTIONS_ROWS + 2];
    struct option longs[OPTIONS_ROWS + 1];
    describe(letters, longs);
    set_defaults(options);
    optind = 0; /* glibc and musl: begin anew */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (code == ':' || code == '?')
            return refuse_argument(message, code, argv[optind - 1]);
        const struct option_row *row = find_row(code);
        const char *value = optarg != NULL ? optarg : row->alone;
        if (!set_option(options, row, value))
            return refuse_value(message, row, value);
    }
    if (optind < argc) {
        options->inputs = argv + optind;
        options->input_count = argc - optind;
    }
    return 0;
}
