/* options.c - the command line of shmsum. See options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

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

enum {
    OPTION_APPEND = 256,
    OPTION_FSYNC,
    OPTION_DECIMAL_COMMA,
    OPTION_BLANK_LINES,
    OPTION_FORMAT,
    OPTION_PROMPT,
    OPTION_COLOR,
    OPTION_PROGRESS,
    OPTION_MAX_ERRORS,
    OPTION_STATS,
    OPTION_EXPLAIN,
    OPTION_TRACE,
    OPTION_SLOTS,
    OPTION_SLOT_BYTES,
    OPTION_SANDBOX,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"append", no_argument, NULL, OPTION_APPEND},
    {"fsync", no_argument, NULL, OPTION_FSYNC},
    {"decimal-comma", no_argument, NULL, OPTION_DECIMAL_COMMA},
    {"blank-lines", required_argument, NULL, OPTION_BLANK_LINES},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"prompt", required_argument, NULL, OPTION_PROMPT},
    {"color", required_argument, NULL, OPTION_COLOR},
    {"progress", optional_argument, NULL, OPTION_PROGRESS},
    {"max-errors", required_argument, NULL, OPTION_MAX_ERRORS},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"explain", no_argument, NULL, OPTION_EXPLAIN},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"slots", required_argument, NULL, OPTION_SLOTS},
    {"slot-bytes", required_argument, NULL, OPTION_SLOT_BYTES},
    {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* The index of `value` among the words, or -1. */
static int word_index(const char *value, const char *const words[], int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    return -1;
}

/* The value of an option that says when. */
static bool parse_when(const char *value, enum when *when)
{
    static const char *const words[] = {"auto", "always", "never"};
    int word = word_index(value, words, 3);
    if (word >= 0)
        *when = (enum when)word;
    return word >= 0;
}

/* A plain decimal number in [low, high]. */
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

static int bad_value(char *message, const char *option, const char *value, const char *wanted)
{
    snprintf(message, OPTIONS_MESSAGE_MAX, "--%s=%.100s: expected %s", option, value, wanted);
    return -EINVAL;
}

/* One option with its value; 0 or -EINVAL. */
static int apply(struct options *options, int option, const char *value, char *message)
{
    static const char *const blank_words[] = {"end", "zero", "skip"};
    static const char *const format_words[] = {"text", "json"};
    static const char *const sandbox_words[] = {"auto", "require", "off"};
    static const char when_wanted[] = "auto, always or never";
    uint64_t number;
    int word;
    switch (option) {
    case 'o':
        if (*value == '\0')
            return bad_value(message, "output", value, "a file name");
        options->output = value;
        return 0;
    case OPTION_APPEND:
        options->append = true;
        return 0;
    case OPTION_FSYNC:
        options->sync = true;
        return 0;
    case OPTION_DECIMAL_COMMA:
        options->point = ',';
        return 0;
    case OPTION_BLANK_LINES:
        word = word_index(value, blank_words, 3);
        if (word < 0)
            return bad_value(message, "blank-lines", value, "end, zero or skip");
        options->blank_lines = (enum blank_lines)word;
        return 0;
    case OPTION_FORMAT:
        word = word_index(value, format_words, 2);
        if (word < 0)
            return bad_value(message, "format", value, "text or json");
        options->format = (enum result_format)word;
        return 0;
    case OPTION_PROMPT:
        if (!parse_when(value, &options->prompt))
            return bad_value(message, "prompt", value, when_wanted);
        return 0;
    case OPTION_COLOR:
        if (!parse_when(value, &options->color))
            return bad_value(message, "color", value, when_wanted);
        return 0;
    case OPTION_PROGRESS:
        if (!parse_when(value == NULL ? "always" : value, &options->progress))
            return bad_value(message, "progress", value, when_wanted);
        return 0;
    case OPTION_MAX_ERRORS:
        if (!parse_number(value, 0, UINT64_MAX, &options->max_errors))
            return bad_value(message, "max-errors", value, "a number of messages, 0 or more");
        return 0;
    case OPTION_STATS:
        options->stats = true;
        return 0;
    case OPTION_EXPLAIN:
        options->explain = true;
        return 0;
    case OPTION_TRACE:
        if (*value == '\0')
            return bad_value(message, "trace", value, "a file name");
        options->trace = value;
        return 0;
    case OPTION_SLOTS:
        if (!parse_number(value, 1, SHMSUM_REGION_SLOTS_MAX, &number))
            return bad_value(message, "slots", value, "a number from 1 to 1024");
        options->geometry.slots = (uint32_t)number;
        return 0;
    case OPTION_SLOT_BYTES:
        if (!parse_number(value, 1, SHMSUM_REGION_PAYLOAD_MAX, &number))
            return bad_value(message, "slot-bytes", value, "a number from 1 to 1048576");
        options->geometry.payload_bytes = (uint32_t)number;
        return 0;
    case OPTION_SANDBOX:
        word = word_index(value, sandbox_words, 3);
        if (word < 0)
            return bad_value(message, "sandbox", value, "auto, require or off");
        options->sandbox = (enum sandbox_mode)word;
        return 0;
    case OPTION_HELP:
        options->action = OPTIONS_HELP;
        return 0;
    case OPTION_VERSION:
        options->action = OPTIONS_VERSION;
        return 0;
    default:
        return -EINVAL;
    }
}

int options_parse(struct options *options, int argc, char *argv[],
                  char message[OPTIONS_MESSAGE_MAX])
{
    static char standard_input[] = "-";
    static char *const only_standard_input[] = {standard_input};
    *options = (struct options){
        .action = OPTIONS_RUN,
        .output = "results.txt",
        .point = '.',
        .max_errors = 20,
        .geometry = {.slots = 16, .payload_bytes = 65536},
        .inputs = only_standard_input,
        .input_count = 1,
    };
    optind = 0; /* glibc and musl: begin anew */
    opterr = 0;
    for (;;) {
        int option = getopt_long(argc, argv, ":o:", long_options, NULL);
        if (option == -1)
            break;
        if (option == ':' || option == '?') {
            const char *what = option == ':' ? "needs a value" : "unknown option";
            /* optopt: a short option, the code of a long one with a value too many, or 0 */
            const char *last = argv[optind - 1];
            bool is_short =
                option == ':' ? strncmp(last, "--", 2) != 0 : optopt != 0 && optopt < 256;
            if (is_short)
                snprintf(message, OPTIONS_MESSAGE_MAX, "-%c: %s", optopt, what);
            else if (option == '?' && optopt != 0)
                snprintf(message, OPTIONS_MESSAGE_MAX, "%.100s: takes no value", last);
            else
                snprintf(message, OPTIONS_MESSAGE_MAX, "%.100s: %s", last, what);
            return -EINVAL;
        }
        int result = apply(options, option, optarg, message);
        if (result < 0)
            return result;
    }
    if (optind < argc) {
        options->inputs = argv + optind;
        options->input_count = argc - optind;
    }
    return 0;
}
