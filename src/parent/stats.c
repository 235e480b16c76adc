/* stats.c - the report of --stats. See stats.h. Called by verdict.c, at the end of the run. */
#include "stats.h"

static const struct {
    enum sandbox_part part;
    const char *name;
} names[] = {
    {SANDBOX_NO_NEW_PRIVS, "no_new_privs"},
    {SANDBOX_DESCRIPTORS, "descriptors"},
    {SANDBOX_LIMITS, "rlimits"},
    {SANDBOX_CAPABILITIES, "capabilities"},
    {SANDBOX_LANDLOCK, "landlock"},
    {SANDBOX_SECCOMP, "seccomp"},
};

/* Adds the names of the parts with a comma between them. abi: the version of Landlock, 0: none. */
static void add_names(struct text_buffer *text, uint64_t parts, uint64_t abi)
{
    const char *between = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((parts & (uint64_t)names[i].part) == 0)
            continue;
        text_add(text, between);
        text_add(text, names[i].name);
        if (names[i].part == SANDBOX_LANDLOCK && abi > 0)
            text_addf(text, " %u", (unsigned)abi);
        between = ", ";
    }
}

void stats_add_sandbox(struct text_buffer *text, enum sandbox_mode mode, enum sandbox_part parts,
                       uint64_t granted)
{
    uint64_t kept = (uint64_t)parts & granted, refused = (uint64_t)parts & ~granted;
    if (mode == SANDBOX_OFF) {
        text_add(text, "off");
        return;
    }
    add_names(text, kept, (granted >> SANDBOX_ABI_SHIFT) & SANDBOX_ABI_MAX);
    if (refused != 0) {
        text_add(text, kept != 0 ? "; not granted: " : "not granted: ");
        add_names(text, refused, 0);
    }
}

static void add_count(struct text_buffer *text, const char *what, uint64_t count)
{
    text_addf(text, "%s: ", what);
    text_add_number(text, count);
    text_add(text, "\n");
}

void stats_say(const struct run *run, const struct counters *counters)
{
    const uint64_t *count = counters->count;
    double seconds = (double)(run->os->clock_ns(run->os) - run->started_ns) / 1e9;
    char bytes[1024];
    struct text_buffer text = text_in(bytes, sizeof bytes);
    add_count(&text, "lines", counters_lines(counters));
    add_count(&text, "sums", count[COUNTER_SUMS]);
    add_count(&text, "errors", count[COUNTER_ERRORS]);
    add_count(&text, "numbers", count[COUNTER_NUMBERS]);
    add_count(&text, "bytes", count[COUNTER_BYTES]);
    text_addf(&text, "seconds: %.3f\n", seconds);
    text_addf(&text, "MB/s: %.1f\n", (double)count[COUNTER_BYTES] / 1e6 / seconds);
    add_count(&text, "slots handed over", run->channel.slots);
    add_count(&text, "parent slept", run->channel.slept);
    add_count(&text, "child slept", count[COUNTER_SLEPT]);
    text_add(&text, "parent sandbox: ");
    stats_add_sandbox(&text, run->options.sandbox, SANDBOX_PARENT, run->sandbox.granted);
    text_add(&text, "\nchild sandbox: ");
    stats_add_sandbox(&text, run->options.sandbox, SANDBOX_CHILD, count[COUNTER_SANDBOX]);
    text_add(&text, "\n");
    if (run->sandbox_setting.foreign != NULL && run->options.sandbox != SANDBOX_OFF)
        text_addf(&text, "sandboxes: less, because of %s\n", run->sandbox_setting.foreign);
    message_bytes(run->os, STANDARD_ERROR, text.bytes, text.size);
}
