/* options.h - the command line of shmsum. */
#ifndef SHMSUM_SRC_PARENT_OPTIONS_H
#define SHMSUM_SRC_PARENT_OPTIONS_H

#include "roles/consumer.h"
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
 * Reads argv[0..argc), which must outlive the options; argv may be reordered. Returns 0; or -EINVAL
 * with a message that names the offending argument. Uses getopt_long: not thread-safe.
 */
int options_parse(struct options *options, int argc, char *argv[],
                  char message[OPTIONS_MESSAGE_MAX]);

extern const char options_help[];

#endif
