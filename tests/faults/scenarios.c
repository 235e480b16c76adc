/* scenarios.c - the runs in which each system call is failed. See scenarios.h. */
#include "scenarios.h"

#define RING "--slots=2", "--slot-bytes=8"

static const char *const one_file[] = {"-o", "results.txt", RING, "in1.txt", NULL};
static const char *const from_pipe[] = {"-o", "results.txt", "--slots=1", "--slot-bytes=16", NULL};
static const char *const appending[] = {"-o", "results.txt", "--append", RING, "in1.txt", NULL};
static const char *const synced[] = {"-o", "results.txt", "--fsync", RING, "in1.txt", NULL};
static const char *const errors[] = {"-o", "results.txt", "--max-errors=1", RING, "in1.txt", NULL};
static const char *const files[] = {
    "-o", "results.txt", "--blank-lines=zero", RING, "in1.txt", "in2.txt", "in3.txt", NULL};
static const char *const filter[] = {"-o", "-", RING, NULL};
static const char *const to_file[] = {"-o", "-", RING, "in1.txt", NULL};
static const char *const ended[] = {"-o", "results.txt", RING, NULL};
static const char *const dialogue[] = {"-o", "results.txt", "--slots=1", "--slot-bytes=64", NULL};

#define OLD "9\n"

const struct scenario scenarios[] = {
    {
        .name = "file",
        .arguments = one_file,
        .files = {"1 2\n0.1 0.2\n5\n1e16 1 -1e16\n7 7\n"},
        .old = OLD,
        .left_behind = true,
        .right = "3\n0.3\n5\n1\n14\n",
    },
    {
        .name = "pipe",
        .arguments = from_pipe,
        .fed = "1 2\n3 4\n5 6\n7 8\n9 10\n11 12\n13",
        .old = OLD,
        .right = "3\n7\n11\n15\n19\n23\n13\n",
    },
    {
        .name = "terminal",
        .arguments = dialogue,
        .input = INPUT_TERMINAL,
        .fed = "1 2\nx\n3\n\n\004", /* Ctrl+D ends the input even when isatty(3) fails */
        .old = OLD,
        .right = "3\nerror: column 1: \"x\" is not a number\n3\n",
        .status = 1,
    },
    {
        .name = "errors",
        .arguments = errors,
        .files = {"1 2\nx\n3 y\n4\n1e9999\n"},
        .old = OLD,
        .right = "3\nerror: column 1: \"x\" is not a number\n"
                 "error: column 3: \"y\" is not a number\n4\n"
                 "error: column 1: number out of range: \"1e9999\"\n",
        .status = 1,
    },
    {
        .name = "append",
        .arguments = appending,
        .files = {"1 2\n0.1 0.2\n5\n"},
        .old = OLD,
        .appends = true,
        .right = "3\n0.3\n5\n",
    },
    {
        .name = "fsync",
        .arguments = synced,
        .files = {"1 2\n0.1 0.2\n5\n"},
        .right = "3\n0.3\n5\n",
    },
    {
        .name = "several files",
        .arguments = files,
        .files = {"1 2\n\n3", "", "4 5\n6\n"},
        .old = OLD,
        .right = "3\n0\n3\n9\n6\n",
    },
    {
        .name = "filter",
        .arguments = filter,
        .fed = "1 2\n3 4\n5 6\n7 8\n",
        .output = OUTPUT_PIPE,
        .right = "3\n7\n11\n15\n",
    },
    {
        .name = "standard output is a file",
        .arguments = to_file,
        .files = {"1 2\n3 4\n5 6\n"},
        .output = OUTPUT_DESCRIPTOR,
        .old = OLD,
        .appends = true,
        .right = "3\n7\n11\n",
    },
    {
        .name = "failed start",
        .arguments = one_file,
        .files = {"1 2\n"},
        .old = OLD,
        .right = OLD,
        .status = 3,
        .child = "no program\n",
        .says = "shmsum: exec: bin/shmsum-child: Permission denied\n",
    },
    {
        .name = "blank line",
        .arguments = ended,
        .fed = "1 2\n3 4\n\n5 6\n7 8\n",
        .old = OLD,
        .right = "3\n7\n",
        .status = 1,
    },
};
const int scenario_count = sizeof scenarios / sizeof scenarios[0];
