/* options.h - the command line of shmsum. */
#ifndef SHMSUM_SRC_PARENT_OPTIONS_H
#define SHMSUM_SRC_PARENT_OPTIONS_H

#include "roles/consumer.h"
#include "roles/member.h"
#include "sandbox/sandbox.h"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

enum { OPTIONS_MESSAGE_MAX = 512 };

struct options {
    enum options_action action;
    const char *output; /* path of the results, or "-" */
    bool append;
    bool sync;
    bool stats;
    bool explain;
    const char *trace; /* path, or NULL */
    char point;
    enum blank_lines blank_lines;
    enum result_format format;
    enum when prompt;
    enum when color;
    enum when progress;
    enum sandbox_mode sandbox;
    uint64_t max_errors;
    struct shmsum_geometry geometry;
    char *const *inputs; /* paths, or "-"; point into argv */
    int input_count;     /* >= 1 */
};

/*
 * Parses argv[0..argc), which must outlive the options; getopt_long may reorder argv. Returns 0; or
 * -EINVAL with a message that names the offending argument. Not thread-safe.
 */
int options_parse(struct options *options, int argc, char *argv[],
                  char message[OPTIONS_MESSAGE_MAX]);

/* The file of the results, without -o: `output` of the options is this very string then. */
extern const char options_default_output[];

/* What --help prints. */
extern const char options_help[];

/*
 * The table of the options: options_parse reads every option, its default and its error message
 * from its row. Here so that tests walk the same rows.
 */
enum option_kind {
    OPTION_FLAG,   /* takes no value */
    OPTION_WORDS,  /* one of the words; its index is stored */
    OPTION_NUMBER, /* a plain decimal number in [low, high], high >= 9 */
    OPTION_TEXT,   /* any text but the empty one; `where` is a const char * */
};

struct option_row {
    const char *name; /* without "--" */
    enum option_kind kind;
    char letter;              /* of the short option; 0: none */
    struct member where;      /* in struct options */
    uint64_t off, on;         /* OPTION_FLAG: what is stored without and with it */
    const char *const *words; /* OPTION_WORDS: ends with NULL */
    uint64_t low, high;       /* OPTION_NUMBER */
    const char *wanted;       /* of an error message; NULL: made of the words or the range */
    const char *initial;      /* the default value; NULL: none */
    const char *alone;        /* "--name" means "--name=alone"; NULL: it must have a value */
};

enum { OPTIONS_ROWS = 18 };
extern const struct option_row options_rows[OPTIONS_ROWS];

#endif
