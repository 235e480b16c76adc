/* sandbox.c - the rights that each of the two programs gives up after its start. See sandbox.h.
 * Called by the two mains, and by the parent's report of the rights. */
#include "sandbox.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>

/* Records that `call`, which gives up `part`, returned `result`. Returns 0 to continue, or the
 * negative errno that ends sandbox_enter. */
static int note(struct sandbox *sandbox, enum sandbox_part part, const char *call, int result,
                struct shmsum_failure *why)
{
    if (result >= 0) {
        sandbox->granted |= (uint64_t)part;
        return 0;
    }
    if (sandbox->setting.mode == SANDBOX_AUTO)
        return 0;
    const char *object =
        sandbox->parts == SANDBOX_CHILD ? "sandbox of the child" : "sandbox of the parent";
    return shmsum_failure_set(why, call, object, -result);
}

int sandbox_check(enum sandbox_mode mode, const char *foreign, struct shmsum_failure *why)
{
    return mode == SANDBOX_REQUIRE && foreign != NULL
               ? shmsum_failure_set(why, "sandbox", foreign, EPERM)
               : 0;
}

void sandbox_prepare_child(struct sandbox *sandbox, const struct shmsum_os *os,
                           const struct sandbox_setting *setting, bool traced, off_t start)
{
    *sandbox = (struct sandbox){.os = os, .setting = *setting, .parts = SANDBOX_CHILD};
    if (setting->mode != SANDBOX_OFF && setting->foreign == NULL)
        sandbox->made = call_filter_make_child(&sandbox->filter, os, traced, start);
}

void sandbox_prepare_parent(struct sandbox *sandbox, const struct shmsum_os *os,
                            const struct sandbox_setting *setting, pid_t child, int closed)
{
    *sandbox =
        (struct sandbox){.os = os, .setting = *setting, .parts = SANDBOX_PARENT, .closed = closed};
    if (setting->mode != SANDBOX_OFF && setting->foreign == NULL)
        sandbox->made = call_filter_make_parent(&sandbox->filter, os, child);
}

/* Makes the stack as large as the child will ever need it, as later it cannot grow. The handler of
 * the parent's death runs on it too. */
__attribute__((noinline)) static void grow_stack(void)
{
    enum { STACK_BYTES = 256 * 1024 };
    volatile char lowest[STACK_BYTES];
    lowest[0] = 0;
    (void)lowest[0];
}

static int limit_child(const struct shmsum_os *os, const char **call)
{
    /* RLIMIT_AS 0: what is mapped stays, and nothing grows, the stack neither. RLIMIT_NOFILE 1:
     * descriptor 0 is open, so no new one can be opened. 0 would make ppoll(2) fail, which takes no
     * more descriptors than this limit. */
    static const struct {
        int resource;
        uint64_t limit;
    } limits[] = {{RLIMIT_NOFILE, 1}, {RLIMIT_NPROC, 0}, {RLIMIT_CORE, 0}, {RLIMIT_AS, 0}};
    grow_stack();
    *call = "setrlimit";
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        int result = os->setrlimit(os, limits[i].resource, limits[i].limit);
        if (result < 0)
            return result;
    }
    *call = "prctl";
    return os->clear_dumpable(os);
}

/* What foreign code bears. */
static int enter_gently(struct sandbox *sandbox, struct shmsum_failure *why)
{
    const struct shmsum_os *os = sandbox->os;
    int result = note(sandbox, SANDBOX_NO_NEW_PRIVS, "prctl", os->set_no_new_privs(os), why);
    if (result < 0)
        return result;
    int abi = os->landlock_restrict(os, sandbox->parts != SANDBOX_CHILD);
    if (abi >= 0)
        sandbox->granted |= (uint64_t)(abi < SANDBOX_ABI_MAX ? abi : SANDBOX_ABI_MAX)
                            << SANDBOX_ABI_SHIFT;
    return note(sandbox, SANDBOX_LANDLOCK, "landlock_create_ruleset", abi, why);
}

int sandbox_enter(struct sandbox *sandbox, struct shmsum_failure *why)
{
    const struct shmsum_os *os = sandbox->os;
    bool is_child = sandbox->parts == SANDBOX_CHILD;
    if (sandbox->setting.mode == SANDBOX_OFF)
        return 0;
    int result = sandbox_check(sandbox->setting.mode, sandbox->setting.foreign, why);
    /* Landlock needs a descriptor for a moment, so it comes before the limit of descriptors. */
    if (result == 0)
        result = enter_gently(sandbox, why);
    if (result < 0 || sandbox->setting.foreign != NULL)
        return result;
    if (is_child)
        sandbox->closed = os->close_range(os, 3, INT_MAX);
    result = note(sandbox, SANDBOX_DESCRIPTORS, "close_range", sandbox->closed, why);
    if (result < 0)
        return result;
    if (is_child) {
        const char *call;
        int limited = limit_child(os, &call);
        result = note(sandbox, SANDBOX_LIMITS, call, limited, why);
        if (result < 0)
            return result;
        result = note(sandbox, SANDBOX_CAPABILITIES, "capset", os->drop_capabilities(os), why);
        if (result < 0)
            return result;
    }
    int filtered = sandbox->made < 0 ? sandbox->made
                                     : os->seccomp(os, sandbox->filter.code, sandbox->filter.bytes);
    return note(sandbox, SANDBOX_SECCOMP, "seccomp", filtered, why);
}

bool sandbox_is_closed(uint64_t granted)
{
    return (granted & (SANDBOX_LANDLOCK | SANDBOX_LIMITS | SANDBOX_SECCOMP)) != 0;
}

bool sandbox_is_plausible(enum sandbox_mode mode, uint64_t granted)
{
    uint64_t parts = granted & ((UINT64_C(1) << SANDBOX_ABI_SHIFT) - 1);
    uint64_t abi = granted >> SANDBOX_ABI_SHIFT;
    if ((parts & ~(uint64_t)SANDBOX_CHILD) != 0 || abi > SANDBOX_ABI_MAX ||
        (abi > 0) != ((parts & SANDBOX_LANDLOCK) != 0))
        return false;
    return mode == SANDBOX_AUTO || parts == (mode == SANDBOX_OFF ? 0 : SANDBOX_CHILD);
}
