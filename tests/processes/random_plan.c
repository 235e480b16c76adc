/* random_plan.c - draws one run of process.random and what must come of it. See random_plan.h. */
#define _GNU_SOURCE
#include "random_plan.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "random.h"

enum { TOKEN_HEAD = 32, CACHE_SLOTS = 1024 };

/* ---- texts ---- */

static void *allocate(void *old, size_t size)
{
    void *memory = realloc(old, size);
    if (memory == NULL)
        abort();
    return memory;
}

void text_add(struct text *text, const void *bytes, size_t size)
{
    if (text->room < text->size + size + 1) {
        text->room = (text->size + size + 1) * 2;
        text->bytes = allocate(text->bytes, text->room);
    }
    if (size > 0)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_format(struct text *text, const char *format, ...)
{
    char *made;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&made, format, arguments);
    va_end(arguments);
    if (size < 0)
        abort();
    text_add(text, made, (size_t)size);
    free(made);
}

void text_clear(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

static void add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

static void add_byte(struct text *text, char byte)
{
    text_add(text, &byte, 1);
}

uint64_t plan_seed(void)
{
    return random_seed("process.random");
}

/* ---- what is in the inputs ---- */

/* What the lines of a run may be. */
struct flavor {
    char point;
    bool terminal; /* printable bytes and short lines only: others mean something there */
    bool full;     /* as many lines as there may be */
    bool plain;    /* so many lines that their results must be short */
    bool errors, blanks, crlf, longer;
};

static void draw_digits(struct random *random, struct text *line, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_byte(line, (char)('0' + random_below(random, 10)));
}

static void draw_number(struct random *random, struct text *line, const struct flavor *flavor)
{
    char point = flavor->point;
    static const char *const odd[] = {"0",     "-0",    "+0",      "0e999999999999999999999",
                                      "1e999", "9e999", "1e-1000", "-1e-1000",
                                      "+7",    "00012", "1E+0",    "-5e-1"};
    switch (flavor->plain ? 2 : random_below(random, 8)) {
    case 0:
        add_string(line, odd[random_below(random, sizeof odd / sizeof odd[0])]);
        return;
    case 1: /* as long as it likes */
        draw_digits(random, line, 1 + random_size(random, 400));
        if (random_one_in(random, 2)) {
            add_byte(line, point);
            draw_digits(random, line, random_size(random, 400));
        }
        return;
    default:
        break;
    }
    if (random_one_in(random, 3))
        add_byte(line, random_one_in(random, 3) ? '+' : '-');
    size_t form = random_below(random, 5); /* d, d, d., d.d, .d */
    if (form < 4)
        draw_digits(random, line, 1 + random_below(random, 6));
    if (form >= 2)
        add_byte(line, point);
    if (form >= 3)
        draw_digits(random, line, 1 + random_below(random, 6));
    if (!flavor->plain && random_one_in(random, 4)) {
        add_byte(line, random_one_in(random, 2) ? 'e' : 'E');
        if (random_one_in(random, 2))
            add_byte(line, random_one_in(random, 2) ? '+' : '-');
        text_format(line, "%u", (unsigned)random_below(random, random_one_in(random, 4) ? 900 : 9));
    }
}

static void draw_bad_token(struct random *random, struct text *line, bool terminal)
{
    static const char *const words[] = {
        "two",
        "1,5",
        "1.5.2",
        "1.5",
        "--1",
        "1e",
        "+",
        ".",
        ",",
        "0x10",
        "inf",
        "nan",
        "1_000",
        "1-2",
        "1e+",
        "e5",
        "1e1000",
        "1e-1001",
        "-",
        "\"",
        "\\x41",
        "1e99999999999999999999",
        "#foreign",
        "shmsum:",
        "=",
        ">",
        "in1.txt:1:1:",
        "a-word-of-more-than-thirty-two-bytes",
    };
    if (terminal || random_one_in(random, 2)) {
        add_string(line, words[random_below(random, sizeof words / sizeof words[0])]);
        return;
    }
    size_t size = 1 + random_below(random, 40);
    for (size_t i = 0; i < size; i++) {
        char byte;
        do
            byte = (char)random_below(random, 256);
        while (byte == '\n' || byte == ' ');
        add_byte(line, byte);
    }
}

static void draw_between(struct random *random, struct text *line, bool terminal)
{
    static const char kinds[] = " \t\v\f";
    size_t count = random_one_in(random, 4) ? random_below(random, 9) : 1;
    for (size_t i = 0; i < count + 1; i++)
        add_byte(line, kinds[random_below(random, terminal ? 2 : 4)]);
}

/* One line without its end. */
static void draw_line(struct random *random, struct text *line, const struct flavor *flavor)
{
    if (flavor->blanks && random_one_in(random, 10)) {
        if (random_one_in(random, 2))
            draw_between(random, line, flavor->terminal);
        return;
    }
    size_t numbers = 1 + random_below(random, 5);
    if (flavor->longer && random_one_in(random, 12))
        numbers = 200 + random_below(random, 2000);
    size_t bad =
        flavor->errors && random_one_in(random, 4) ? random_below(random, numbers) : numbers;
    if (random_one_in(random, 8))
        draw_between(random, line, flavor->terminal);
    for (size_t i = 0; i < numbers; i++) {
        if (i > 0)
            draw_between(random, line, flavor->terminal);
        if (i == bad)
            draw_bad_token(random, line, flavor->terminal);
        else if (numbers > 100) /* the size is in the count */
            text_format(line, "%u", (unsigned)random_below(random, 1000));
        else
            draw_number(random, line, flavor);
    }
    if (random_one_in(random, 8))
        draw_between(random, line, flavor->terminal);
}

/* Lines of a source: some that are drawn, in any order, any number of times. */
static void draw_bytes(struct random *random, struct text *bytes, const struct flavor *flavor,
                       size_t limit)
{
    struct text lines[32] = {{0}};
    size_t kinds = 1 + random_below(random, 32);
    for (size_t i = 0; i < kinds; i++)
        draw_line(random, &lines[i], flavor);
    size_t count = random_size(random, 60);
    if (flavor->full || (flavor->plain && random_one_in(random, 2)))
        count = limit;
    for (size_t i = 0; i < count && bytes->size < limit; i++) {
        const struct text *line = &lines[random_below(random, kinds)];
        text_add(bytes, line->bytes, line->size);
        add_string(bytes, flavor->crlf && random_one_in(random, 2) ? "\r\n" : "\n");
    }
    if (random_one_in(random, 5)) { /* an unfinished last line */
        draw_line(random, bytes, flavor);
        if (flavor->crlf && random_one_in(random, 4))
            add_byte(bytes, '\r');
    }
    for (size_t i = 0; i < kinds; i++)
        text_clear(&lines[i]);
}

/* ---- the model ---- */

/* What a line comes to. Kept, as many lines of a run are alike. */
struct judged {
    struct text line; /* the key, */
    bool ended;       /* with this */
    enum oracle_line event;
    size_t numbers, column;
    struct text result; /* the sum, or why there is none */
    size_t token_bytes; /* of the bad token; it is in the line, at its column */
};

struct model {
    struct oracle oracle;
    struct judged cache[CACHE_SLOTS];
    struct plan *plan;
};

/* As messages and results quote: printable ASCII as it is, other bytes as \xNN. */
static void add_escaped(struct text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >= 0x20 && bytes[i] < 0x7f)
            add_byte(text, (char)bytes[i]);
        else
            text_format(text, "\\x%02x", bytes[i]);
    }
}

static void judge_line(struct model *model, struct judged *judged)
{
    struct oracle *oracle = &model->oracle;
    const uint8_t *line = (const uint8_t *)judged->line.bytes;
    oracle_read(oracle, line, judged->line.size, judged->ended,
                model->plan->decimal_comma ? ',' : '.');
    judged->event = oracle->event;
    judged->numbers = oracle->numbers;
    judged->column = oracle->column;
    judged->token_bytes = oracle->token_bytes;
    if (oracle->event == ORACLE_SUM) {
        char *sum = oracle_format(oracle->sum);
        add_string(&judged->result, sum);
        free(sum);
    }
    if (oracle->event != ORACLE_ERROR)
        return;
    if (oracle->reason == ORACLE_RANGE)
        add_string(&judged->result, "number out of range: ");
    bool cut = oracle->token_bytes > TOKEN_HEAD;
    add_byte(&judged->result, '"');
    add_escaped(&judged->result, line + oracle->column - 1, cut ? TOKEN_HEAD : oracle->token_bytes);
    add_string(&judged->result, cut ? "...\"" : "\"");
    if (oracle->reason != ORACLE_RANGE)
        add_string(&judged->result, " is not a number");
    if (oracle->reason == ORACLE_COMMA)
        add_string(&judged->result, ": use \".\" as the decimal point");
    if (oracle->reason == ORACLE_POINT)
        add_string(&judged->result, ": use \",\" as the decimal point");
}

static const struct judged *judge(struct model *model, const char *line, size_t size, bool ended)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)line[i]) * UINT64_C(1099511628211);
    struct judged *judged = &model->cache[(hash ^ (hash >> 32) ^ ended) % CACHE_SLOTS];
    if (judged->line.bytes != NULL && judged->ended == ended && judged->line.size == size &&
        (size == 0 || memcmp(judged->line.bytes, line, size) == 0))
        return judged;
    text_clear(&judged->line);
    text_clear(&judged->result);
    text_add(&judged->line, line, size);
    judged->ended = ended;
    judge_line(model, judged);
    return judged;
}

/* The size of the UTF-8 character *code at bytes[0..size); 0 if there is none. */
static size_t read_utf8(const uint8_t *bytes, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = 0;
    while (length < 5 && (bytes[0] & 0x80U >> length) != 0)
        length++;
    if (length == 0)
        length = 1;
    else if (length == 1 || length == 5)
        return 0;
    if (length > size)
        return 0;
    *code = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        *code = *code * 64 + (bytes[i] & 63);
    }
    bool right = *code >= least[length] && *code < 0x110000 && (*code < 0xd800 || *code > 0xdfff);
    return right ? length : 0;
}

/* Whether messages show the character only as an escape: a control, one that turns text around, or
 * one that nobody sees. */
static bool is_hidden(uint32_t code)
{
    static const uint32_t ranges[][2] = {
        {0x7f, 0x9f},       {0xad, 0xad},     {0x34f, 0x34f},     {0x61c, 0x61c},
        {0x115f, 0x1160},   {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f},
        {0x2028, 0x202e},   {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfeff, 0xfeff},
        {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
        {0xe0000, 0xe0fff},
    };
    bool hidden = code < 0x20;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        hidden = hidden || (code >= ranges[i][0] && code <= ranges[i][1]);
    return hidden;
}

/* "name":"bytes", and with "name_hex" if they are not UTF-8. */
static void add_json(struct text *text, const char *name, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    bool stray = false;
    text_format(text, "\"%s\":\"", name);
    for (size_t i = 0, length; i < size; i += length) {
        uint32_t code = 0;
        length = read_utf8(from + i, size - i, &code);
        if (length == 0) {
            code = 0xfffd;
            stray = true;
            length = 1;
        }
        const char *letter = code == 0 || code > '\r' ? NULL : strchr("\bb\ff\nn\rr\tt", (int)code);
        if (letter != NULL) {
            text_format(text, "\\%c", letter[1]);
        } else if (code > 0xffff) {
            text_format(text, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                        0xdc00 + (code & 0x3ff));
        } else if (code < 0x20 || code > 0x7e) {
            text_format(text, "\\u%04x", code);
        } else {
            if (code == '"' || code == '\\')
                add_byte(text, '\\');
            add_byte(text, (char)code);
        }
    }
    add_byte(text, '"');
    if (!stray)
        return;
    text_format(text, ",\"%s_hex\":\"", name);
    for (size_t i = 0; i < size; i++)
        text_format(text, "%02x", from[i]);
    add_byte(text, '"');
}

/* What an object has behind its line's number. */
static void add_json_error(struct text *text, const struct judged *judged)
{
    bool cut = judged->token_bytes > TOKEN_HEAD;
    text_format(text, "\"column\":%zu,", judged->column);
    add_json(text, "error", judged->result.bytes, judged->result.size);
    add_byte(text, ',');
    add_json(text, "token", judged->line.bytes + judged->column - 1,
             cut ? TOKEN_HEAD : judged->token_bytes);
    if (cut)
        text_format(text, ",\"token_bytes\":%zu", judged->token_bytes);
}

static void note(size_t **ends, size_t **others, size_t *count, size_t end, size_t other)
{
    if ((*count & (*count - 1)) == 0) { /* a power of two, or none: full */
        size_t room = *count == 0 ? 1 : *count * 2;
        *ends = allocate(*ends, room * sizeof **ends);
        *others = allocate(*others, room * sizeof **others);
    }
    (*ends)[*count] = end;
    (*others)[(*count)++] = other;
}

/* The result of a line, and what is said of it. */
static void add_result(struct plan *plan, const struct judged *judged, size_t source, size_t line,
                       size_t complete)
{
    const char *name = plan->sources[source].shown;
    bool error = judged->event == ORACLE_ERROR;
    const char *sum = judged->event == ORACLE_BLANK ? "0" : judged->result.bytes;
    struct text *results = &plan->results;
    if (plan->json) {
        const char *path = plan->sources[source].name;
        add_byte(results, '{');
        add_json(results, "file", path, strlen(path));
        text_format(results, ",\"line\":%zu,", line);
        if (error)
            add_json_error(results, judged);
        else
            add_json(results, "sum", sum, strlen(sum));
        add_string(results, "}\n");
    } else if (error) {
        text_format(results, "error: column %zu: %s\n", judged->column, sum);
    } else {
        text_format(results, "%s\n", sum);
    }
    size_t index = plan->result_count;
    note(&plan->result_ends, &plan->result_inputs, &plan->result_count, results->size, complete);
    if (error) {
        text_format(&plan->headers, "%s:%zu:%zu: error: %s\n", name, line, judged->column, sum);
        note(&plan->header_ends, &plan->header_results, &plan->header_count, plan->headers.size,
             index);
        return;
    }
    plan->sums++;
    plan->numbers += judged->event == ORACLE_SUM ? judged->numbers : 0;
    text_format(&plan->answers, "= %s\n", sum);
    note(&plan->answer_ends, &plan->answer_results, &plan->answer_count, plan->answers.size, index);
}

/* A line of a source; false when it ends the input. */
static bool add_line(struct model *model, size_t source, size_t line, const char *bytes,
                     size_t size, bool ended, size_t complete)
{
    struct plan *plan = model->plan;
    const struct judged *judged = judge(model, bytes, size, ended);
    if (judged->event != ORACLE_BLANK || plan->blank == BLANK_ZERO) {
        add_result(plan, judged, source, line, complete);
    } else if (plan->blank == BLANK_SKIP) {
        plan->skipped++;
    } else {
        plan->blank_at = complete;
        plan->blank_line = line;
        plan->blank_source = source;
        return false;
    }
    return true;
}

/* The lines of all sources, up to the blank one that ends the input. */
void plan_expect(struct plan *plan)
{
    static struct model model;
    oracle_init(&model.oracle);
    model.plan = plan;
    plan->blank_at = PLAN_NEVER;
    bool goes_on = true;
    for (size_t i = 0; i < plan->source_count && goes_on; i++) {
        const struct plan_source *source = &plan->sources[i];
        size_t at = 0, line = 0;
        while (goes_on && at < source->bytes.size) {
            const char *bytes = source->bytes.bytes + at;
            const char *newline = memchr(bytes, '\n', source->bytes.size - at);
            size_t size = newline == NULL ? source->bytes.size - at : (size_t)(newline - bytes);
            at += newline == NULL ? size : size + 1;
            /* Without an LF, the first byte of another source ends the line. */
            size_t complete = source->begin + at;
            if (newline == NULL)
                complete = complete < plan->total ? complete + 1 : PLAN_AT_END;
            goes_on = add_line(&model, i, ++line, bytes, size, newline != NULL, complete);
            if (!goes_on)
                plan->unread = source->begin + at < plan->total;
        }
    }
    if (plan->dialogue && plan->standard == STANDARD_TERMINAL)
        plan->unread = false;
    plan->status = plan->header_count > 0 || plan->unread ? 1 : 0;
    if (plan->refused)
        plan->status = plan->usage_error ? 2 : 3;
    oracle_clean_up(&model.oracle);
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        text_clear(&model.cache[i].line);
        text_clear(&model.cache[i].result);
    }
}

size_t plan_results_of(const struct plan *plan, size_t bytes)
{
    size_t low = 0, high = plan->result_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->result_inputs[middle] <= bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *plan_result(const struct plan *plan, size_t index, size_t *size)
{
    size_t begin = index == 0 ? 0 : plan->result_ends[index - 1];
    *size = plan->result_ends[index] - begin;
    return plan->results.bytes + begin;
}

/* ---- drawing ---- */

__attribute__((format(printf, 2, 3))) static void add_argument(struct plan *plan,
                                                               const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (plan->argument_count == PLAN_ARGUMENTS ||
        vasprintf(&plan->arguments[plan->argument_count++], format, arguments) < 0)
        abort();
    va_end(arguments);
}

static void draw_output(struct random *random, struct plan *plan)
{
    static const enum plan_output outputs[] = {
        TO_NAMED, TO_NAMED, TO_NAMED,    TO_NAMED,    TO_PIPE, TO_PIPE,    TO_PIPE,
        TO_FILE,  TO_FILE,  TO_APPENDED, TO_APPENDED, TO_NULL, TO_TERMINAL};
    plan->output = outputs[random_below(random, sizeof outputs / sizeof outputs[0])];
    if (plan->full) {
        plan->output = TO_PIPE;
        plan->messages = SAY_TO_FILE;
    } else if (plan->standard == STANDARD_TERMINAL || plan->output == TO_TERMINAL) {
        plan->messages = SAY_TO_TERMINAL;
    } else {
        static const enum plan_messages messages[] = {SAY_TO_FILE, SAY_TO_FILE, SAY_TO_PIPE,
                                                      SAY_TO_TERMINAL, SAY_TO_NULL};
        plan->messages = messages[random_below(random, sizeof messages / sizeof messages[0])];
        bool shares =
            plan->output == TO_PIPE || plan->output == TO_FILE || plan->output == TO_APPENDED;
        if (shares && random_one_in(random, 2))
            plan->messages = SAY_TO_OUTPUT;
    }
    strcpy(plan->output_name, random_one_in(random, 4) ? "a result.txt" : "results.txt");
    plan->exists = plan->output != TO_NAMED || random_one_in(random, 2);
    if (plan->exists && !random_one_in(random, 4)) {
        add_string(&plan->before, "#before, in two lines\n#");
        draw_digits(random, &plan->before, random_below(random, 50));
        plan->unfinished = random_one_in(random, 8);
        if (!plan->unfinished)
            add_byte(&plan->before, '\n');
    }
    if (plan->output == TO_APPENDED && random_one_in(random, 3))
        plan->companion = 1 + random_size(random, 3000);
    if (!plan->full && random_one_in(random, 6)) {
        plan->slow_bytes = 1 + random_below(random, 4096);
        plan->slow_us = (unsigned)random_below(random, 300);
    } else {
        plan->slow_bytes = 65536;
    }
}

static void draw_options(struct random *random, struct plan *plan)
{
    static const char *const blanks[] = {"end", "zero", "skip"};
    if (plan->output != TO_NAMED)
        add_argument(plan, random_one_in(random, 2) ? "-o-" : "--output=-");
    else if (strcmp(plan->output_name, "results.txt") != 0 || random_one_in(random, 2))
        add_argument(plan, "--output=%s", plan->output_name);
    plan->slot_bytes = 65536;
    if (random_one_in(random, 2)) {
        plan->slot_bytes = 1 + random_below(random, random_one_in(random, 2) ? 100 : 70000);
        add_argument(plan, "--slot-bytes=%zu", plan->slot_bytes);
    }
    if (random_one_in(random, 2))
        add_argument(plan, "--slots=%u", 1 + (unsigned)random_below(random, 20));
    if ((plan->append = random_one_in(random, plan->output == TO_NAMED ? 2 : 6)))
        add_argument(plan, "--append");
    if ((plan->sync = random_one_in(random, 20)))
        add_argument(plan, "--fsync");
    if ((plan->decimal_comma = random_one_in(random, 4)))
        add_argument(plan, "--decimal-comma");
    if ((plan->json = random_one_in(random, 4)))
        add_argument(plan, "--format=json");
    else if (random_one_in(random, 8))
        add_argument(plan, "--format=text");
    plan->blank = (enum plan_blank)random_below(random, 3);
    if (plan->blank != BLANK_END || random_one_in(random, 8))
        add_argument(plan, "--blank-lines=%s", blanks[plan->blank]);
    plan->max_errors = 20;
    if (random_one_in(random, 3)) {
        plan->max_errors = random_below(random, random_one_in(random, 2) ? 3 : 200);
        add_argument(plan, "--max-errors=%u", (unsigned)plan->max_errors);
    }
    /* In a pipe, what the parent says during the run may come into the middle of results. */
    bool parent_may_say = plan->output != TO_PIPE || plan->messages != SAY_TO_OUTPUT;
    if (parent_may_say && (plan->explain = random_one_in(random, 8)))
        add_argument(plan, "--explain");
    if (parent_may_say && (plan->progress = random_one_in(random, 8)))
        add_argument(plan, random_one_in(random, 2) ? "--progress" : "--progress=always");
    else if (random_one_in(random, 8))
        add_argument(plan, "--progress=never");
    if ((plan->stats = random_one_in(random, 8)))
        add_argument(plan, "--stats");
    if ((plan->trace = random_one_in(random, 10)))
        add_argument(plan, "--trace=trace.json");
    if (random_one_in(random, 4))
        add_argument(plan, random_one_in(random, 2) ? "--sandbox=off" : "--sandbox=auto");
    if ((plan->color = random_one_in(random, 10)))
        add_argument(plan, "--color=always");
    if ((plan->prompt_always = random_one_in(random, 6)))
        add_argument(plan, "--prompt=always");
    else if ((plan->prompt_never = random_one_in(random, 8)))
        add_argument(plan, "--prompt=never");
    if ((plan->usage_error = random_one_in(random, 60)))
        add_argument(plan, random_one_in(random, 2) ? "--no-such-option" : "--slots=0");
    /* getopt takes the last of two alike; there are none here, so any order will do. */
    for (size_t i = plan->argument_count; i > 1; i--) {
        size_t other = random_below(random, i);
        char *argument = plan->arguments[other];
        plan->arguments[other] = plan->arguments[i - 1];
        plan->arguments[i - 1] = argument;
    }
}

/* How messages name the source, by what the terminal is said to show. */
static void show_source(const struct plan *plan, struct plan_source *source)
{
    const char *name = source->kind == SOURCE_STANDARD ? "stdin" : source->name;
    char *to = source->shown;
    for (size_t i = 0, size = strlen(name), length; i < size; i += length) {
        uint32_t code = 0;
        length = read_utf8((const uint8_t *)name + i, size - i, &code);
        bool whole = length > 0 && !is_hidden(code) && (plan->utf8 || code < 0x80);
        length = length == 0 ? 1 : length;
        for (size_t j = i; j < i + length; j++)
            to += sprintf(to, whole ? "%c" : "\\x%02x", (uint8_t)name[j]);
    }
}

static void draw_sources(struct random *random, struct plan *plan)
{
    static const char *const names[] = {/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
                                        "turned\342\200\256%zu", "in%zu.txt",     "two words %zu",
                                        "числа%zu.txt",          "\"quoted\\%zu", "new\nline%zu",
                                        "stray\xff%zu"};
    plan->utf8 = random_one_in(random, 2);
    size_t count = plan->full || random_one_in(random, 2) ? 1 : 1 + random_below(random, 4);
    bool only_standard = count == 1 && !plan->full && !random_one_in(random, 3);
    bool terminal = only_standard && random_one_in(random, 4);
    plan->source_count = count;
    for (size_t i = 0; i < count; i++) {
        struct plan_source *source = &plan->sources[i];
        if (only_standard ||
            (!plan->full && plan->standard == STANDARD_NULL && random_one_in(random, 3))) {
            source->kind = SOURCE_STANDARD;
            strcpy(source->name, "-");
            plan->standard = terminal                   ? STANDARD_TERMINAL
                             : random_one_in(random, 3) ? STANDARD_FILE
                                                        : STANDARD_PIPE;
        } else {
            source->kind = !plan->full && random_one_in(random, 3) ? SOURCE_FIFO : SOURCE_FILE;
            const char *name = names[random_below(random, sizeof names / sizeof names[0])];
            char made[64];
            /* The formats are those above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(made, sizeof made, name, i + 1);
#pragma GCC diagnostic pop
            snprintf(source->name, sizeof source->name, "%.31s", made);
        }
        show_source(plan, source);
    }
}

static void fill_sources(struct random *random, struct plan *plan)
{
    struct flavor flavor = {
        .point = plan->decimal_comma ? ',' : '.',
        .terminal = plan->standard == STANDARD_TERMINAL,
        .errors = !random_one_in(random, 3),
        .blanks = random_one_in(random, plan->blank == BLANK_END ? 4 : 2),
        .crlf = plan->standard != STANDARD_TERMINAL && random_one_in(random, 3),
        .longer = plan->standard != STANDARD_TERMINAL && random_one_in(random, 4),
    };
    size_t limit = plan->full || random_one_in(random, 12) ? 400000 : 60000;
    if (plan->full)
        flavor.blanks = false;
    if (plan->slot_bytes < 512 && !plan->full)
        limit = plan->slot_bytes * 2000;
    if (plan->dialogue || plan->slow_us > 0)
        limit = limit < 8000 ? limit : 8000;
    flavor.plain = limit > 100000;
    flavor.full = plan->full;
    plan->errors = flavor.errors;
    plan->blanks = flavor.blanks;
    for (size_t i = 0; i < plan->source_count; i++) {
        struct plan_source *source = &plan->sources[i];
        if (plan->full || !random_one_in(random, 8))
            draw_bytes(random, &source->bytes, &flavor, limit);
        source->begin = plan->total;
        plan->total += source->bytes.size;
    }
}

bool plan_is_fed(const struct plan *plan, size_t source)
{
    enum plan_source_kind kind = plan->sources[source].kind;
    return kind == SOURCE_FIFO || (kind == SOURCE_STANDARD && plan->standard >= STANDARD_PIPE);
}

static struct plan_step *add_step(struct plan *plan, size_t at, enum plan_action action)
{
    if (plan->step_count == PLAN_STEPS)
        abort();
    plan->steps[plan->step_count] = (struct plan_step){.at = at, .action = action};
    return &plan->steps[plan->step_count++];
}

static int orderly_signal(struct random *random)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    return signals[random_below(random, 3)];
}

static void draw_stop(struct random *random, struct plan *plan, size_t fed)
{
    enum plan_target target = (enum plan_target)random_below(random, 3);
    size_t first = random_below(random, fed + 1), second = random_below(random, fed + 1);
    add_step(plan, first < second ? first : second, STEP_STOP)->target = target;
    add_step(plan, first < second ? second : first, STEP_CONTINUE)->target = target;
}

static bool others_may_write(const struct plan *plan)
{
    return plan->output == TO_FILE || plan->output == TO_APPENDED ||
           (plan->output == TO_NAMED && plan->append && plan->exists);
}

/* What does not end the run. */
static void draw_small_steps(struct random *random, struct plan *plan, size_t fed)
{
    static const enum plan_action actions[] = {STEP_CUT,   STEP_CUT,     STEP_CUT,
                                               STEP_PAUSE, STEP_DRAINED, STEP_IDLE};
    size_t count = random_below(random, 6);
    for (size_t i = 0; i < count; i++) {
        enum plan_action action = actions[random_below(random, sizeof actions / sizeof actions[0])];
        add_step(plan, random_below(random, fed + 1), action)->us =
            (unsigned)random_below(random, 2000);
    }
    if (random_one_in(random, 8))
        draw_stop(random, plan, fed);
    if (random_one_in(random, 10)) {
        struct plan_step *step = add_step(plan, random_below(random, fed + 1), STEP_SIGNAL);
        step->target = AT_CHILD;
        step->signal = random_one_in(random, 4) ? SIGQUIT : orderly_signal(random);
    }
    if (plan->messages == SAY_TO_PIPE && random_one_in(random, 6))
        add_step(plan, random_below(random, fed + 1), STEP_UNHEARD);
    if (others_may_write(plan) && random_one_in(random, 2)) {
        count = 1 + random_below(random, 4);
        for (size_t i = 0; i < count; i++)
            add_step(plan, random_below(random, fed + 1), STEP_FOREIGN);
    }
}

static enum plan_end draw_end(struct random *random, const struct plan *plan, bool feeds)
{
    static const enum plan_end ends[] = {END_ORDERLY,    END_ORDERLY,     END_ORDERLY,
                                         END_TWICE,      END_QUIT,        END_KILL_CHILD,
                                         END_KILL_CHILD, END_KILL_PARENT, END_KILL_BOTH};
    if (plan->full)
        return random_one_in(random, 2) ? END_TWICE : END_KILL_CHILD;
    if (random_one_in(random, 2))
        return END_OWN;
    if (plan->output == TO_PIPE && plan->messages != SAY_TO_OUTPUT && random_one_in(random, 3))
        return END_READER;
    if (plan->output == TO_NAMED && feeds && random_one_in(random, 4))
        return random_one_in(random, 2) ? END_TRUNCATE : END_REMOVE;
    return ends[random_below(random, sizeof ends / sizeof ends[0])];
}

static void add_signal(struct plan *plan, size_t at, enum plan_target target, int signal)
{
    struct plan_step *step = add_step(plan, at, STEP_SIGNAL);
    step->target = target;
    step->signal = signal;
}

/* The step that ends the run; what comes at the same byte before it says how quiet it is then. */
static void draw_last_step(struct random *random, struct plan *plan, size_t fed)
{
    size_t at = random_one_in(random, 4) ? 0 : random_below(random, fed + 1);
    bool spoils = plan->end == END_TRUNCATE || plan->end == END_REMOVE;
    /* What happens to the results behind the last look at them is not the program's to see: while
     * the input is open, that look is still to come. */
    plan->closes_before_end = random_one_in(random, 5) && !spoils;
    if (plan->closes_before_end)
        at = fed;
    enum plan_target target = random_one_in(random, 2) ? AT_PARENT : AT_GROUP;
    if (target == AT_GROUP && plan->standard == STANDARD_TERMINAL && random_one_in(random, 2))
        target = AT_KEYBOARD;
    static const enum plan_action quiet[] = {STEP_CUT,  STEP_PAUSE, STEP_DRAINED,
                                             STEP_IDLE, STEP_IDLE,  STEP_CHILD};
    enum plan_action first = quiet[random_below(random, sizeof quiet / sizeof quiet[0])];
    if (spoils)
        first = STEP_IDLE;
    if (plan->end == END_KILL_CHILD || plan->end == END_KILL_BOTH)
        add_step(plan, at, STEP_CHILD);
    add_step(plan, at, first)->us =
        (unsigned)random_below(random, random_one_in(random, 2) ? 3000 : 30000);
    bool fills = plan->output == TO_PIPE && plan->end != END_OWN && plan->end != END_READER;
    if (fills && plan->messages != SAY_TO_OUTPUT && (plan->full || random_one_in(random, 2)))
        add_step(plan, at, STEP_FULL);
    if (others_may_write(plan) && random_one_in(random, 2)) /* what is last is not ours */
        add_step(plan, at, STEP_FOREIGN);
    switch (plan->end) {
    case END_OWN:
        break;
    case END_TWICE:
        add_signal(plan, at, target, target == AT_KEYBOARD ? SIGINT : orderly_signal(random));
        if (random_one_in(random, 2))
            add_step(plan, at, STEP_PAUSE)->us = (unsigned)random_below(random, 1000);
        add_signal(plan, at, target, target == AT_KEYBOARD ? SIGINT : orderly_signal(random));
        break;
    case END_ORDERLY:
        add_signal(plan, at, target, target == AT_KEYBOARD ? SIGINT : orderly_signal(random));
        break;
    case END_QUIT:
        add_signal(plan, at, target == AT_KEYBOARD ? AT_GROUP : target, SIGQUIT);
        break;
    case END_KILL_CHILD:
        if (random_one_in(random, 3))
            add_step(plan, at, STEP_STOP)->target = AT_CHILD;
        add_signal(plan, at, AT_CHILD, SIGKILL);
        break;
    case END_KILL_PARENT:
        add_signal(plan, at, AT_PARENT, SIGKILL);
        break;
    case END_KILL_BOTH:
        add_signal(plan, at, AT_GROUP, SIGKILL);
        break;
    case END_READER:
        add_step(plan, at, STEP_LEAVE);
        break;
    case END_TRUNCATE:
        add_step(plan, at, STEP_TRUNCATE);
        break;
    case END_REMOVE:
        add_step(plan, at, STEP_REMOVE);
        break;
    }
}

static void draw_steps(struct random *random, struct plan *plan)
{
    size_t fed = 0;
    bool feeds = false;
    for (size_t i = 0; i < plan->source_count; i++)
        if (plan_is_fed(plan, i)) {
            feeds = true;
            fed += plan->sources[i].bytes.size;
        }
    draw_small_steps(random, plan, fed);
    /* By place; those of one place in the order in which they were drawn. */
    for (size_t i = 1; i < plan->step_count; i++)
        for (size_t j = i; j > 0 && plan->steps[j - 1].at > plan->steps[j].at; j--) {
            struct plan_step step = plan->steps[j];
            plan->steps[j] = plan->steps[j - 1];
            plan->steps[j - 1] = step;
        }
    plan->end = draw_end(random, plan, feeds);
    if (plan->end == END_OWN)
        return;
    size_t before = plan->step_count;
    draw_last_step(random, plan, fed);
    /* Nothing comes behind what ends the run, except for what has been stopped. */
    size_t at = plan->steps[before].at, kept = 0;
    struct plan_step steps[PLAN_STEPS];
    for (size_t i = 0; i < plan->step_count; i++) {
        if (i == before)
            plan->last_steps = kept;
        if (i >= before || plan->steps[i].at <= at)
            steps[kept++] = plan->steps[i];
    }
    memcpy(plan->steps, steps, kept * sizeof *steps);
    plan->step_count = kept;
}

void plan_draw(struct plan *plan, uint64_t seed, unsigned long run)
{
    *plan = (struct plan){.seed = seed, .run = run};
    struct random random = {.state = seed};
    random.state = random_next(&random) + run * UINT64_C(0x632be59bd9b4e019);
    plan->full = random_one_in(&random, 40);
    draw_sources(&random, plan);
    draw_output(&random, plan);
    draw_options(&random, plan);
    bool only_standard = plan->source_count == 1 && plan->sources[0].kind == SOURCE_STANDARD;
    plan->dialogue =
        only_standard &&
        (plan->prompt_always || (!plan->prompt_never && plan->standard == STANDARD_TERMINAL));
    fill_sources(&random, plan);
    plan->missing = random_one_in(&random, 60);
    if (random_one_in(&random, 12))
        plan->ignored = orderly_signal(&random);
    if (!only_standard || plan->missing || random_one_in(&random, 2))
        for (size_t i = 0; i < plan->source_count; i++)
            add_argument(plan, "%s", plan->sources[i].name);
    if (plan->missing)
        add_argument(plan, "missing.txt");

    bool regular = plan->output <= TO_APPENDED && plan->output != TO_PIPE;
    bool unfinished = plan->output == TO_NAMED && plan->append && plan->exists && plan->unfinished;
    plan->refused = plan->usage_error || plan->missing || (plan->sync && !regular) || unfinished;
    if (!plan->refused)
        draw_steps(&random, plan);
}

void plan_clean_up(struct plan *plan)
{
    for (size_t i = 0; i < plan->argument_count; i++)
        free(plan->arguments[i]);
    for (size_t i = 0; i < PLAN_SOURCES; i++)
        text_clear(&plan->sources[i].bytes);
    text_clear(&plan->before);
    text_clear(&plan->results);
    text_clear(&plan->headers);
    text_clear(&plan->answers);
    free(plan->result_ends);
    free(plan->result_inputs);
    free(plan->header_ends);
    free(plan->header_results);
    free(plan->answer_ends);
    free(plan->answer_results);
}

/* ---- describing ---- */

const char *plan_step_name(const struct plan_step *step)
{
    static const char *const names[] = {
        "cut",
        "pause",
        "await drained",
        "await idle",
        "await child",
        "await full pipe",
        "signal",
        "SIGSTOP",
        "SIGCONT",
        "the reader leaves",
        "nobody reads messages",
        "another program writes",
        "truncate the results",
        "remove the results",
    };
    return names[step->action];
}

char *plan_describe(const struct plan *plan)
{
    static const char *const inputs[] = {"< /dev/null", "< FILE", "PIPE |", "at a TERMINAL"};
    static const char *const outputs[] = {
        "", "| READER", "> file.txt", ">> file.txt", "> /dev/null", "to the TERMINAL"};
    static const char *const messages[] = {"2> FILE", "2> PIPE", "2> TERMINAL", "2>&1",
                                           "2> /dev/null"};
    static const char *const targets[] = {"parent", "child", "group", "keyboard"};
    struct text text = {0};
    add_string(&text, "shmsum");
    for (size_t i = 0; i < plan->argument_count; i++)
        text_format(&text, " '%s'", plan->arguments[i]);
    text_format(&text, "   %s %s %s\n", inputs[plan->standard], messages[plan->messages],
                outputs[plan->output]);
    static const char *const kinds[] = {"file", "FIFO", "standard input"};
    for (size_t i = 0; i < plan->source_count; i++)
        text_format(&text, "  input %zu: %s %s, %zu bytes\n", i + 1, kinds[plan->sources[i].kind],
                    plan->sources[i].name, plan->sources[i].bytes.size);
    text_format(&text, "  results: %zu, %zu errors, %zu blank skipped; %zu bytes there before%s\n",
                plan->result_count, plan->header_count, plan->skipped, plan->before.size,
                plan->exists ? "" : " (no file)");
    if (plan->blank_at != PLAN_NEVER)
        text_format(&text, "  a blank line ends the input at byte %zu%s\n", plan->blank_at,
                    plan->unread ? ", more follows" : "");
    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];
        text_format(&text, "  at byte %zu fed: %s", step->at, plan_step_name(step));
        if (step->action == STEP_PAUSE)
            text_format(&text, " of %u us", step->us);
        if (step->action == STEP_SIGNAL)
            text_format(&text, " %d (%s)", step->signal, strsignal(step->signal));
        if (step->action >= STEP_SIGNAL && step->action <= STEP_CONTINUE)
            text_format(&text, " to %s", targets[step->target]);
        add_byte(&text, '\n');
    }
    if (plan->companion > 0)
        text_format(&text, "  at the same time another shmsum adds %zu results there\n",
                    plan->companion);
    if (plan->ignored != 0)
        text_format(&text, "  signal %d is ignored from the start\n", plan->ignored);
    if (plan->closes_before_end)
        add_string(&text, "  the input is closed before the step that ends the run\n");
    return text.bytes;
}
