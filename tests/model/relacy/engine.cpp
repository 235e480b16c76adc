/*
 * engine.cpp - Relacy behind engine.h, and the program that runs the scenarios.
 *
 *     relacy_channel list             lists the ordered accesses
 *     relacy_channel check [NAME]     runs the scenarios, or one; 1 if one fails
 *     relacy_channel weaken           makes each ordered access relaxed in turn, and prints which
 *                                     scenarios fail
 *
 * SHMSUM_MODEL_FACTOR multiplies the number of random runs (1), SHMSUM_SEED is the number of the
 * first (1), SHMSUM_MODEL_PREEMPTIONS is added to the preemptions of the search through all
 * schedules (0). Exit status: 0; 1 a finding, or an access that may be relaxed; 2 usage.
 */
#include <relacy/relacy.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <streambuf>
#include <string>
#undef $

#include "engine.h"

#define HERE rl::debug_info(__FUNCTION__, __FILE__, __LINE__)

namespace
{

enum { WORDS = 32, BYTES = 16, THREADS = 3, SITES = 64, WEAKENED_RUNS = 5000 };

struct word {
    const volatile void *address;
    const char *name;
    bool is_state;
};

/* A thread that is queued on words[0..count). */
struct waiter {
    const void *words[2];
    int count;
    bool woken;
    bool parked;
};

/* An ordered access. of_value: the function stores several values, and this is one of them. */
struct site {
    const char *function;
    const char *access;
    const char *word;
    uint64_t value;
    bool of_value;
    int order;
};

const engine_scenario *scenario;
bool spurious;

/* Of the current run. */
word words[WORDS];
int word_count;
const void *bytes[BYTES];
int byte_count;
waiter waiters[THREADS];
rl::atomic<uint64_t> *word_values;
rl::var<unsigned> *byte_values;

site sites[SITES];
int site_count;
const char *site_function = "?";
const char *site_access = "?";
int weakened = -1; /* index of a site */
const char *failed_check;

int word_index(const volatile void *address)
{
    for (int i = 0; i < word_count; i++)
        if (words[i].address == address)
            return i;
    if (word_count == WORDS)
        std::abort();
    words[word_count] = word{address, "?", false};
    return word_count++;
}

rl::var<unsigned> &byte_at(const void *address)
{
    for (int i = 0; i < byte_count; i++)
        if (bytes[i] == address)
            return byte_values[i];
    if (byte_count == BYTES)
        std::abort();
    bytes[byte_count] = address;
    return byte_values[byte_count++];
}

/* The order of this access: that of the C code, or relaxed if this access is the weakened one. */
rl::memory_order order_of(int index, int order, const uint64_t *value)
{
    const char *function = site_function, *access = site_access;
    site_function = site_access = "?";
    if (order == ENGINE_RELAXED)
        return rl::mo_relaxed;
    bool of_value = value != nullptr && words[index].is_state;
    int i = 0;
    for (; i < site_count; i++) {
        const site &s = sites[i];
        if (s.function == function && s.access == access && s.order == order &&
            (value == nullptr ||
             (std::strcmp(s.word, words[index].name) == 0 && (!of_value || s.value == *value))))
            break;
    }
    if (i == site_count) {
        if (site_count == SITES)
            std::abort();
        sites[site_count++] =
            site{function, access, value == nullptr ? "" : words[index].name, of_value ? *value : 0,
                 of_value, order};
    }
    return i == weakened ? rl::mo_relaxed : static_cast<rl::memory_order>(order);
}

std::string site_name(const site &s)
{
    static const char *const states[] = {"FREE", "READY", "END"};
    std::string name = std::string(s.function) + ": " + s.access;
    if (*s.word != '\0')
        name += std::string(", ") + s.word;
    if (s.of_value)
        name += std::string(" = ") + (s.value < 3 ? states[s.value] : "?");
    return name;
}

} // namespace

/* ---- words ---- */

void engine_site(const char *function, const char *access)
{
    site_function = function;
    site_access = access;
}

uint64_t engine_load(const volatile void *address, int order)
{
    int i = word_index(address);
    return word_values[i].load(order_of(i, order, nullptr), HERE);
}

void engine_store(volatile void *address, uint64_t value, int order)
{
    int i = word_index(address);
    word_values[i].store(value, order_of(i, order, &value), HERE);
}

uint64_t engine_exchange(volatile void *address, uint64_t value, int order)
{
    int i = word_index(address);
    return word_values[i].exchange(value, order_of(i, order, &value), HERE);
}

uint64_t engine_fetch_or(volatile void *address, uint64_t bits, int order)
{
    int i = word_index(address);
    return word_values[i].fetch_or(bits, order_of(i, order, nullptr), HERE);
}

bool engine_compare_exchange(volatile void *address, uint32_t *expected, uint32_t value, int order,
                             int failure)
{
    int i = word_index(address);
    uint64_t seen = *expected;
    bool exchanged = word_values[i].compare_exchange(
        rl::bool_t<false>(), seen, static_cast<uint64_t>(value), order_of(i, order, nullptr),
        static_cast<rl::memory_order>(failure), HERE);
    *expected = static_cast<uint32_t>(seen);
    return exchanged;
}

void engine_name_word(const void *address, const char *name, bool is_state)
{
    int i = word_index(address);
    words[i].name = name;
    words[i].is_state = is_state;
}

/* ---- bytes ---- */

void engine_write_byte(const void *byte, uint8_t value)
{
    byte_at(byte)(HERE).store(value);
}

uint8_t engine_read_byte(const void *byte)
{
    return static_cast<uint8_t>(byte_at(byte)(HERE).load());
}

void engine_copy_out(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        static_cast<uint8_t *>(to)[i] = engine_read_byte(static_cast<const uint8_t *>(from) + i);
}

/* ---- the scheduler ---- */

void engine_yield(void)
{
    rl::ctx().yield(1, HERE);
}

unsigned engine_choose(unsigned limit)
{
    return limit < 2 ? 0 : rl::rand(limit);
}

void engine_allow_spurious(bool allow)
{
    spurious = allow;
}

void engine_check(bool holds, const char *what)
{
    if (holds)
        return;
    failed_check = what;
    rl::ctx().fail_test(what, rl::test_result_user_assert_failed, HERE);
}

/* ---- futexes ---- */

/* The latest value, which the kernel reads under its lock. Relacy lets loads return old values, but
 * not a compare-and-exchange, so this is one that cannot succeed. */
static uint32_t kernel_load(const void *address)
{
    uint64_t never = UINT64_C(1) << 40, seen = never;
    word_values[word_index(address)].compare_exchange(rl::bool_t<false>(), seen, never,
                                                      rl::mo_relaxed, rl::mo_relaxed, HERE);
    return static_cast<uint32_t>(seen);
}

enum engine_waited engine_futex_wait(const void *const *addresses, const uint32_t *expected,
                                     int count, bool timed)
{
    waiter &w = waiters[rl::thread_index()];
    w = waiter{};
    for (int i = 0; i < count; i++) {
        if (kernel_load(addresses[i]) != expected[i]) {
            w.count = 0;
            return w.woken ? ENGINE_WOKEN : ENGINE_DIFFERED;
        }
        w.words[w.count++] = addresses[i];
    }
    rl::unpark_reason reason = rl::unpark_reason_normal;
    if (!w.woken) {
        w.parked = true;
        reason = rl::ctx().park_current_thread(timed, spurious, false, HERE);
        w.parked = false;
    }
    w.count = 0;
    if (w.woken)
        return ENGINE_WOKEN;
    return reason == rl::unpark_reason_timeout ? ENGINE_TIMED_OUT : ENGINE_INTERRUPTED;
}

int engine_futex_wake(const void *address)
{
    rl::ctx().sched();
    int woken = 0;
    for (int t = 0; t < THREADS; t++) {
        waiter &w = waiters[t];
        bool waits = false;
        for (int i = 0; i < w.count; i++)
            waits = waits || w.words[i] == address;
        if (!waits || w.woken)
            continue;
        w.woken = true;
        woken++;
        if (w.parked)
            rl::ctx().unpark_thread(t, false, HERE);
    }
    return woken;
}

/* ---- running a scenario ---- */

namespace
{

template <int threads> struct suite : rl::test_suite<suite<threads>, threads> {
    rl::atomic<uint64_t> all_words[WORDS];
    rl::var<unsigned> all_bytes[BYTES];

    void before()
    {
        word_count = byte_count = 0;
        word_values = all_words;
        byte_values = all_bytes;
        std::memset(waiters, 0, sizeof waiters);
        spurious = false;
        for (int i = 0; i < WORDS; i++)
            all_words[i].store(0, rl::mo_relaxed, HERE);
        scenario->setup();
    }
    void thread(unsigned index)
    {
        scenario->thread(index);
    }
    void after()
    {
        scenario->finish();
    }
};

uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = std::getenv(variable);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/* The preemptions that the search through all schedules allows. */
int bound_of(const engine_scenario &s)
{
    return s.context_bound + static_cast<int>(number_of("SHMSUM_MODEL_PREEMPTIONS", 0));
}

/* Where Relacy writes. It does so while it has replaced operator new, so this must not allocate. */
struct fixed_buffer : std::streambuf {
    char text[1 << 18];
    void clear()
    {
        setp(text, text + sizeof text);
    }
    std::string written() const
    {
        return std::string(pbase(), pptr());
    }
};

/* Runs one scenario. Returns an empty string, or the finding. */
std::string run(engine_scenario &which, bool all_schedules, uint64_t runs, uint64_t *made,
                std::string *history)
{
    static fixed_buffer buffer;
    buffer.clear();
    std::ostream out(&buffer);
    rl::test_params params;
    params.output_stream = params.progress_stream = &out;
    params.execution_depth_limit = 20000;
    if (all_schedules) {
        params.search_type = rl::sched_bound;
        params.context_bound = static_cast<unsigned>(bound_of(which));
    } else {
        uint64_t seed = number_of("SHMSUM_SEED", 1);
        params.search_type = rl::sched_random;
        params.initial_state = std::to_string(seed).c_str();
        params.iteration_count = seed + runs - 1;
    }
    which.small = all_schedules;
    scenario = &which;
    failed_check = nullptr;
    if (which.threads == 2)
        rl::simulate<suite<2>>(params);
    else
        rl::simulate<suite<3>>(params);
    *made = params.stop_iteration - (all_schedules ? 0 : number_of("SHMSUM_SEED", 1) - 1);
    if (params.test_result == rl::test_result_success)
        return "";
    if (history != nullptr)
        *history = buffer.written();
    switch (params.test_result) {
    case rl::test_result_user_assert_failed:
        return failed_check;
    case rl::test_result_data_race:
        return "data race";
    case rl::test_result_unitialized_access:
        return "bytes read before they were written";
    case rl::test_result_deadlock:
        return "waits forever";
    case rl::test_result_livelock:
        return "runs forever";
    default:
        return rl::test_result_str(params.test_result);
    }
}

double seconds()
{
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

int check(const char *only)
{
    bool any = false;
    std::printf(
        "| scenario | schedules | runs | seconds | found |\n| --- | --- | ---: | ---: | --- |\n");
    for (size_t i = 0; i < engine_scenario_count; i++) {
        engine_scenario &s = engine_scenarios[i];
        if (only != nullptr && std::strcmp(only, s.name) != 0)
            continue;
        any = true;
        for (int all = 0; all < 2; all++) {
            if (all && s.context_bound < 0)
                continue;
            uint64_t made;
            std::string history;
            double begun = seconds();
            std::string found =
                run(s, all, s.random_runs * number_of("SHMSUM_MODEL_FACTOR", 1), &made, &history);
            char schedules[64] = "at random";
            if (all)
                std::snprintf(schedules, sizeof schedules, "all, preemptions <= %d", bound_of(s));
            std::printf("| %s | %s | %llu | %.1f | %s |\n", s.name, schedules,
                        static_cast<unsigned long long>(made), seconds() - begun,
                        found.empty() ? "nothing" : found.c_str());
            std::fflush(stdout);
            if (!found.empty()) {
                std::fputs(history.c_str(), stderr);
                return 1;
            }
        }
    }
    return any ? 0 : 2;
}

/* Runs every scenario a little, so that all ordered accesses are known. */
void find_sites()
{
    uint64_t made;
    for (size_t i = 0; i < engine_scenario_count; i++) {
        std::string found = run(engine_scenarios[i], false, 200, &made, nullptr);
        if (!found.empty()) {
            std::fprintf(stderr, "%s: %s\n", engine_scenarios[i].name, found.c_str());
            std::exit(1);
        }
    }
}

int list()
{
    find_sites();
    for (int i = 0; i < site_count; i++)
        std::printf("%s\n", site_name(sites[i]).c_str());
    return 0;
}

/* The scenarios that fail when access i is relaxed, each with its finding. */
std::string failures(int i)
{
    std::string all;
    uint64_t made;
    weakened = i;
    for (size_t j = 0; j < engine_scenario_count; j++) {
        engine_scenario &s = engine_scenarios[j];
        uint64_t runs = WEAKENED_RUNS * number_of("SHMSUM_MODEL_FACTOR", 1);
        runs = runs < s.random_runs ? runs : s.random_runs;
        std::string found = run(s, false, runs, &made, nullptr);
        if (!found.empty())
            all += (all.empty() ? "" : "; ") + std::string(s.name) + ": " + found;
    }
    weakened = -1;
    return all;
}

int weaken()
{
    int status = 0;
    find_sites();
    int count = site_count;
    std::printf("| access | pairs with | what fails when it is relaxed |\n| --- | --- | --- |\n");
    for (size_t j = 0; j < engine_access_count; j++) {
        const engine_access &access = engine_accesses[j];
        int i = 0;
        while (i < count && site_name(sites[i]) != access.name)
            i++;
        std::string said = i == count ? "" : failures(i);
        if (i == count) {
            said = "WRONG: no such access";
            status = 1;
        } else if (access.excuse != nullptr && !said.empty()) {
            said = "WRONG: expected none, but " + said;
            status = 1;
        } else if (access.excuse != nullptr) {
            said = std::string("none: ") + access.excuse;
        } else if (said.empty()) {
            said = "WRONG: none, and no reason why";
            status = 1;
        }
        std::printf("| `%s` | %s | %s |\n", access.name, access.partner, said.c_str());
        std::fflush(stdout);
    }
    for (int i = 0; i < count; i++) {
        bool known = false;
        for (size_t j = 0; j < engine_access_count; j++)
            known = known || site_name(sites[i]) == engine_accesses[j].name;
        if (!known) {
            std::printf("| `%s` | WRONG: not in the list | - |\n", site_name(sites[i]).c_str());
            status = 1;
        }
    }
    return status;
}

} // namespace

int main(int count, char **arguments)
{
    std::string command = count > 1 ? arguments[1] : "";
    if (command == "list" && count == 2)
        return list();
    if (command == "check" && count <= 3)
        return check(count == 3 ? arguments[2] : nullptr);
    if (command == "weaken" && count == 2)
        return weaken();
    std::fprintf(stderr, "usage: %s list | check [SCENARIO] | weaken\n", arguments[0]);
    return 2;
}
