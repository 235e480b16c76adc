/*
 * consumer.c - the role that takes blocks from the channel, sums every line and writes the results.
 * See consumer.h.
 *
 * The way of a block: take_input takes it from the channel, take_slot releases its slot, take_block
 * handles a change of the input, take_bytes feeds the parser, take_line writes the result of a
 * line. In bulk take_sum writes the results of good lines without a return to take_bytes.
 */
#include "consumer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "messages/message.h"
#include "messages/text_buffer.h"
#include "source.h"

static const char unread_text[] =
    "a blank line ends the input; what follows was not read (--blank-lines=skip reads on)";

enum { MESSAGE_MAX = sizeof MESSAGE_CLEAR_LINE + DIAGNOSTIC_TEXT_MAX };

/* The parser calls this with the sum of each good line. Writes the result and returns true; returns
 * false in the dialogue, for lines that may be cut, and when there is no room for the result.
 * take_line handles those lines.
 */
static bool take_sum(struct shmsum_line_sink *sink, struct shmsum_decimal_sum *sum)
{
    struct consumer *consumer =
        (struct consumer *)(void *)((char *)sink - offsetof(struct consumer, sink));
    if (consumer->config->dialogue || consumer->canonical)
        return false;
    const struct result_line *result = &consumer->result;
    char *text = shmsum_results_reserve(consumer->results, result->max, NULL);
    if (text == NULL)
        return false;
    shmsum_results_commit(consumer->results,
                          result_line_sum(result, text, consumer->parser.line, sum));
    return true;
}

static void say(const struct consumer *consumer, const struct text_buffer *text)
{
    message_bytes(consumer->os, consumer->config->messages, text->bytes, text->size);
}

/* A message in bytes[0..MESSAGE_MAX), up to its text. */
static struct text_buffer begin_message(const struct consumer *consumer, char *bytes)
{
    struct text_buffer text = text_in(bytes, MESSAGE_MAX);
    if (consumer->config->clears_line)
        text_add(&text, MESSAGE_CLEAR_LINE);
    return text;
}

/* The current input, as the command line names it. */
static const char *source_path(const struct consumer *consumer)
{
    return consumer->config->sources[consumer->source];
}

/* The same, for messages. */
static const char *source_name(const struct consumer *consumer)
{
    return message_input_name(source_path(consumer));
}

/* Publishes all counters, for the parent's reports. */
static void report(struct consumer *consumer)
{
    uint64_t *count = consumer->counters.count;
    count[COUNTER_RESULT_LINES] = consumer->results->lines;
    count[COUNTER_RESULT_BYTES] = consumer->results->bytes;
    count[COUNTER_SLEPT] = consumer->channel->slept;
    count[COUNTER_USED] =
        consumer->blank_seen ? consumer->line_end : count[COUNTER_BYTES] - consumer->column;
    counters_publish(&consumer->counters, consumer->channel);
}

static int flush(struct consumer *consumer, struct shmsum_failure *why)
{
    int result = shmsum_results_flush(consumer->results, why);
    report(consumer);
    return result;
}

/* The channel calls this before it sleeps, so that results which are ready do not wait for more
 * input. */
static int flush_before_sleep(void *context, struct shmsum_failure *why)
{
    return flush(context, why);
}

void consumer_init(struct consumer *consumer, const struct shmsum_os *os,
                   const struct consumer_config *config, struct shmsum_channel *channel,
                   struct shmsum_results *results, uint8_t *block)
{
    *consumer = (struct consumer){
        .os = os,
        .config = config,
        .channel = channel,
        .results = results,
        .block = block,
    };
    shmsum_line_parser_init(&consumer->parser, config->point);
    channel->before_sleep = flush_before_sleep;
    channel->before_sleep_context = consumer;
    consumer->sink.take = take_sum;
    excerpt_clear(&consumer->excerpt);
    result_line_begin(&consumer->result, config->format, config->sources[0]);
}

/* A line is an error: counts it and shows it, if not too many were shown. line_bytes: its length.
 */
static void show_error(struct consumer *consumer, uint64_t line_bytes)
{
    if (++consumer->counters.count[COUNTER_ERRORS] > consumer->config->max_errors)
        return;
    char bytes[MESSAGE_MAX];
    struct text_buffer text = begin_message(consumer, bytes);
    const struct diagnostic diagnostic = {
        .file = source_name(consumer),
        .line = consumer->parser.line,
        .line_bytes = line_bytes,
        .error = consumer->error,
        .excerpt = &consumer->excerpt,
        .look = consumer->config->look,
    };
    diagnostic_message(&text, &diagnostic);
    say(consumer, &text);
}

/* The parser has ended a line of `bytes` bytes, its LF not counted, with `event`. Returns what it
 * is: an error too if a terminal may have cut it. No more than its beginning was typed then,
 * perhaps. */
static enum shmsum_line examine_line(struct consumer *consumer, enum shmsum_line event,
                                     uint64_t bytes)
{
    static const struct shmsum_line_error maybe_cut = {.kind = SHMSUM_MAYBE_CUT,
                                                       .column = SOURCE_LINE_MAX + 1};
    bool may_be_cut = consumer->canonical && bytes >= SOURCE_LINE_MAX;
    consumer->error = may_be_cut ? &maybe_cut : &consumer->parser.error;
    return may_be_cut ? SHMSUM_LINE_ERROR : event;
}

/* A line has ended with `event`: writes its result; in the dialogue also shows the answer. */
static int take_line(struct consumer *consumer, enum shmsum_line event, uint64_t line_bytes,
                     struct shmsum_failure *why)
{
    struct shmsum_line_parser *parser = &consumer->parser;
    if (event == SHMSUM_LINE_BLANK) {
        switch (consumer->config->blank_lines) {
        case BLANK_LINES_END:
            consumer->blank_seen = true;
            consumer->blank_line = parser->line;
            return 0;
        case BLANK_LINES_SKIP:
            consumer->counters.count[COUNTER_SKIPPED]++;
            return 0;
        case BLANK_LINES_ZERO:
            break; /* the empty sum is 0 */
        }
    }
    char *text = shmsum_results_reserve(consumer->results, consumer->result.max, why);
    if (text == NULL)
        return consumer->results->error;
    size_t size;
    if (event == SHMSUM_LINE_ERROR) {
        size = result_line_error(&consumer->result, text, parser->line, consumer->error);
        show_error(consumer, line_bytes);
    } else {
        size = result_line_sum(&consumer->result, text, parser->line, &parser->sum);
        consumer->counters.count[COUNTER_SUMS]++;
        consumer->counters.count[COUNTER_NUMBERS] += parser->numbers;
    }
    shmsum_results_commit(consumer->results, size);
    if (!consumer->config->dialogue)
        return 0;
    int result = flush(consumer, why);
    if (result == 0 && consumer->config->answers && event != SHMSUM_LINE_ERROR) {
        char answer[2 + SHMSUM_DECIMAL_TEXT_MAX + 1] = "= ";
        size = 2 + shmsum_decimal_sum_format(&parser->sum, answer + 2);
        answer[size++] = '\n';
        message_bytes(consumer->os, consumer->config->messages, answer, size);
    }
    return result;
}

/* The input of the current source has ended: an unfinished last line counts as a line. */
static int finish_source(struct consumer *consumer, struct shmsum_failure *why)
{
    enum shmsum_line event = shmsum_line_parser_finish(&consumer->parser);
    int result = 0;
    if (event != SHMSUM_LINE_UNFINISHED) {
        uint64_t bytes = consumer->column;
        event = examine_line(consumer, event, bytes);
        consumer->line_end = consumer->counters.count[COUNTER_BYTES];
        if (event == SHMSUM_LINE_ERROR) /* finish may have turned a last CR into a bad token */
            excerpt_keep(&consumer->excerpt, consumer->block, 0, bytes + 1,
                         consumer->error->column);
        result = take_line(consumer, event, bytes, why);
    }
    consumer->column = 0;
    excerpt_clear(&consumer->excerpt);
    return result;
}

/* Whether a CR is before the LF at bytes[at]. If at is 0, that byte is the last one of the
 * earlier block. */
static bool ends_in_cr(const struct consumer *consumer, const uint8_t *bytes, size_t at)
{
    const struct excerpt *excerpt = &consumer->excerpt;
    if (at > 0)
        return bytes[at - 1] == '\r';
    return excerpt->tail_size > 0 && excerpt->tail[excerpt->tail_size - 1] == '\r';
}

/* Counts the lines whose results take_sum has written during the last call of the parser. */
static void pass_lines(struct consumer *consumer)
{
    if (consumer->sink.lines == 0)
        return;
    consumer->counters.count[COUNTER_SUMS] += consumer->sink.lines;
    consumer->counters.count[COUNTER_NUMBERS] += consumer->sink.numbers;
    consumer->column = 0;
    excerpt_clear(&consumer->excerpt);
}

/* Sums the lines of bytes[0..size), up to a blank line that ends the input. `column` counts the
 * bytes of the current line in earlier blocks. */
static int take_bytes(struct consumer *consumer, const uint8_t *bytes, size_t size,
                      struct shmsum_failure *why)
{
    struct shmsum_line_parser *parser = &consumer->parser;
    for (size_t at = 0, consumed; at < size; at += consumed) {
        if (consumer->blank_seen) {
            consumer->unread = true;
            return 0;
        }
        enum shmsum_line event = shmsum_line_parser_feed_lines(parser, bytes + at, size - at,
                                                               &consumer->sink, &consumed);
        pass_lines(consumer);
        const uint8_t *line = bytes + at + consumer->sink.bytes;
        size_t length = consumed - consumer->sink.bytes;
        if (event == SHMSUM_LINE_UNFINISHED) {
            excerpt_keep(&consumer->excerpt, line, length, consumer->column + 1,
                         shmsum_line_parser_anchor(parser));
            consumer->column += length;
            return 0;
        }
        uint64_t line_bytes = 0;
        event = examine_line(consumer, event, consumer->column + length - 1);
        consumer->line_end = consumer->counters.count[COUNTER_BYTES] - (size - at - consumed);
        if (event == SHMSUM_LINE_ERROR) {
            length--; /* without the LF */
            line_bytes = consumer->column + length - ends_in_cr(consumer, line, length);
            excerpt_keep(&consumer->excerpt, line, length, consumer->column + 1,
                         consumer->error->column);
        }
        int result = take_line(consumer, event, line_bytes, why);
        if (result < 0)
            return result;
        if (consumer->column > 0 || event == SHMSUM_LINE_ERROR) {
            consumer->column = 0;
            excerpt_clear(&consumer->excerpt);
        }
    }
    return 0;
}

/* Whether the consumer takes no more: a blank line has ended the input, and it is known that more
 * follows. At a terminal it does not wait to learn that, because the user would have to type more.
 */
static bool is_closed(const struct consumer *consumer)
{
    return consumer->blank_seen && (consumer->unread || consumer->config->terminal);
}

/* Sums the lines of a block. Publishes the counters, which the parent reads in the end, and whether
 * the consumer takes more input, which the producer reads in the dialogue and before END. */
static int take_block(struct consumer *consumer, const struct shmsum_block *block,
                      struct shmsum_failure *why)
{
    uint32_t source = block->source & ~SOURCE_CANONICAL;
    if (source >= consumer->config->source_count || source < consumer->source)
        return shmsum_failure_set(why, "protocol", "source of a slot, from the producer",
                                  -SHMSUM_BROKEN);
    if (source != consumer->source) {
        int result = finish_source(consumer, why);
        if (result < 0)
            return result;
        /* not before finish_source: the unfinished line belongs to the earlier source */
        if (!consumer->blank_seen) {
            consumer->source = source;
            result_line_begin(&consumer->result, consumer->config->format, source_path(consumer));
        }
    }
    consumer->canonical = (block->source & SOURCE_CANONICAL) != 0;
    consumer->counters.count[COUNTER_BYTES] += block->length;
    int result = take_bytes(consumer, consumer->block, block->length, why);
    report(consumer);
    if (consumer->blank_seen)
        shmsum_channel_set_closing(consumer->channel,
                                   is_closed(consumer) ? SHMSUM_CLOSED : SHMSUM_CLOSING);
    return result;
}

static void notify(const struct consumer *consumer, enum observer_event_kind kind, uint32_t bytes,
                   uint64_t total)
{
    observers_notify(consumer->observers, consumer->channel, kind, bytes, total);
}

/* Sums the lines of a slot and releases it. In bulk the release comes first: the producer refills
 * the slot while its copy is summed. In the dialogue the release comes last: the producer prompts
 * when the slot is FREE, after the answer and after `closing`. A slot that failed is not released,
 * so that the producer does not prompt once more; the consumer exits, and its exit ends the wait.
 */
static int take_slot(struct consumer *consumer, const struct shmsum_block *block,
                     struct shmsum_failure *why)
{
    bool release_late = consumer->config->dialogue;
    uint64_t total = consumer->counters.count[COUNTER_BYTES] + block->length;
    notify(consumer, OBSERVER_SLOT_TAKEN, block->length, total);
    if (!release_late) {
        notify(consumer, OBSERVER_SLOT_RELEASED, block->length, total);
        shmsum_channel_release(consumer->channel);
    }
    int result = take_block(consumer, block, why);
    notify(consumer, OBSERVER_SLOT_DONE, block->length, total);
    if (release_late && result == 0) {
        notify(consumer, OBSERVER_SLOT_RELEASED, block->length, total);
        shmsum_channel_release(consumer->channel);
    }
    return result;
}

static int take_end(struct consumer *consumer, const struct shmsum_block *block,
                    enum consumer_end_reason *end_reason, struct shmsum_failure *why)
{
    notify(consumer, OBSERVER_END_TAKEN, 0, consumer->counters.count[COUNTER_BYTES]);
    if (block->end_reason == SHMSUM_END_CUT) {
        *end_reason = CONSUMER_CUT; /* an unfinished last line is dropped */
        return 0;
    }
    *end_reason = CONSUMER_COMPLETE;
    return finish_source(consumer, why);
}

/* Takes all input; 0 with *end_reason set. */
static int take_input(struct consumer *consumer, enum consumer_end_reason *end_reason,
                      struct shmsum_failure *why)
{
    while (!is_closed(consumer)) {
        struct shmsum_block block;
        int result = shmsum_channel_take(consumer->channel, consumer->block, &block, why);
        if (result == SHMSUM_STOPPED) { /* after every slot that was published before the stop */
            *end_reason = CONSUMER_ORPHANED;
            return 0;
        }
        if (result < 0)
            return result;
        if (block.end)
            return take_end(consumer, &block, end_reason, why);
        result = take_slot(consumer, &block, why);
        if (result < 0)
            return result;
    }
    *end_reason = CONSUMER_CLOSED;
    return 0;
}

/* Messages about the run as a whole. */
static void say_last_words(struct consumer *consumer)
{
    char bytes[MESSAGE_MAX];
    uint64_t errors = consumer->counters.count[COUNTER_ERRORS];
    uint64_t shown = consumer->config->max_errors;
    if (errors > shown) {
        struct text_buffer text = begin_message(consumer, bytes);
        text_addf(&text, "shmsum: %" PRIu64 " more %s not shown (--max-errors=%" PRIu64 ")\n",
                  errors - shown, errors - shown == 1 ? "error" : "errors", shown);
        say(consumer, &text);
    }
    if (consumer->unread) {
        struct text_buffer text = begin_message(consumer, bytes);
        diagnostic_warning(&text, source_name(consumer), consumer->blank_line, unread_text,
                           consumer->config->look);
        say(consumer, &text);
    }
}

int consumer_run(struct consumer *consumer, enum consumer_end_reason *end_reason,
                 struct shmsum_failure *why)
{
    int result = take_input(consumer, end_reason, why);
    if (result < 0) {
        struct shmsum_failure later;
        flush(consumer, &later); /* *why keeps the first failure */
    } else {
        result = flush(consumer, why);
        /* A run that came to its end without a result leaves no results of an earlier one. */
        bool whole = *end_reason == CONSUMER_COMPLETE || *end_reason == CONSUMER_CLOSED;
        if (result == 0 && whole)
            result = shmsum_results_replace(consumer->results, why);
    }
    say_last_words(consumer);
    if (result == 0 && consumer->config->sync)
        result = shmsum_results_sync(consumer->results, why);
    return result;
}
