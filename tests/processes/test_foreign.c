/* test_foreign.c - shmsum with code in it that it did not bring; see foreign.c. */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "foreign.h"

static const char *behaviour = "";

static void behave(void)
{
    setenv("SHMSUM_TEST_FOREIGN", behaviour, 1);
}

static void preload(void)
{
    behave();
    setenv("LD_PRELOAD", getenv("SHMSUM_FOREIGN"), 1);
}

static void audit(void) /* such a library does not exist: the loader goes on without it */
{
    setenv("LD_AUDIT", "/nowhere.so", 1);
}

/* An input of exactly FOREIGN_BYTES bytes: "1", blanks, "2". */
static void write_input(void)
{
    char text[FOREIGN_BYTES + 1];
    memset(text, ' ', sizeof text);
    text[0] = '1';
    memcpy(text + FOREIGN_BYTES - 2, "2\n", 3);
    write_file("input.txt", text);
    write_file("results.txt", "old\n");
}

/* Runs shmsum, or a copy of it beside a child with foreign code in it. */
static struct session run(bool with_child, void (*prepare)(void), const char *what,
                          const char *sandbox, int status)
{
#ifdef SHMSUM_INSTRUMENTED
    test_skip("a build with sanitizers or for coverage has no sandbox, and its own runtime");
#endif
    check(getenv("SHMSUM_FOREIGN") != NULL && getenv("SHMSUM_FOREIGN_CHILD") != NULL, "not set");
    behaviour = what;
    write_input();
    unlink(FOREIGN_FILE);
    if (with_child && access("bin", F_OK) < 0) {
        check(mkdir("bin", 0755) == 0, "mkdir: %s", strerror(errno));
        copy_program(getenv("SHMSUM"), "bin/shmsum");
        copy_program(getenv("SHMSUM_FOREIGN_CHILD"), "bin/shmsum-child");
    }
    const char *arguments[] = {sandbox,       "--fsync",   "--stats", "-o",
                               "results.txt", "input.txt", NULL};
    struct session session = session_start(&(struct session_config){
        .program = with_child ? "bin/shmsum" : NULL, .arguments = arguments, .prepare = prepare});
    session_end(&session, status);
    return session;
}

/* What is linked into the child is not known to be foreign: the sandbox is whole. */
static void linked_work(const void *argument)
{
    (void)argument;
    struct session session = run(true, behave, "work", "--sandbox=auto", 0);
    check_file("results.txt", "3\n");
    session_check_message(&session, "seccomp\n");
    check(access(FOREIGN_FILE, F_OK) < 0, "the sandbox let it work");
    run(true, behave, "work", "--sandbox=off", 0);
    check_file("results.txt", "3\n");
    check(access(FOREIGN_FILE, F_OK) == 0, "this is no work at exit");
}

static void linked_calls(const void *argument)
{
    (void)argument;
    struct session session = run(true, behave, "calls", "--sandbox=auto", 3);
    session_check_message(&session,
                          "shmsum: child: made a system call that its sandbox forbids; if "
                          "code was loaded into it, use --sandbox=off\n");
    session_check_message(&session, "shmsum: child: killed by signal 31 (Bad system call); ");
    run(true, behave, "calls", "--sandbox=off", 0);
    check_file("results.txt", "3\n");
}

/* `argument`: what the library does. */
static void loaded(const void *argument)
{
    struct session session = run(false, preload, argument, "--sandbox=auto", 0);
    check_file("results.txt", "3\n");
    session_check_message(&session, "parent sandbox: no_new_privs");
    session_check_message(&session, "not granted: ");
    session_check_message(&session, "\nsandboxes: less, because of LD_PRELOAD\n");
    run(false, preload, argument, "--sandbox=off", 0);
    check_file("results.txt", "3\n");
}

/* `argument`: loads or names a library. */
static void refused(const void *argument)
{
    bool is_audit = argument != NULL;
    struct session session =
        run(false, is_audit ? audit : preload, "nothing", "--sandbox=require", 3);
    char text[128];
    snprintf(text, sizeof text,
             "shmsum: sandbox: %s: loads foreign code into the program; unset it, or use "
             "--sandbox=auto or off\n",
             is_audit ? "LD_AUDIT" : "LD_PRELOAD");
    session_check_message(&session, text);
    check_file("results.txt", "old\n");
}

/* Whatever status the library ends the process with: it is not that of a complete run. */
static void quits(const void *argument)
{
    struct session session = run(false, preload, "quits", argument, 3);
    session_check_message(&session, "shmsum: code that was loaded into the program ended it; unset "
                                    "LD_PRELOAD, or try --sandbox=off\n");
}

static const struct test_case cases[] = {
    {"linked_work", linked_work, NULL, 0}, {"linked_calls", linked_calls, NULL, 0},
    {"loaded_works", loaded, "work", 0},   {"loaded_calls", loaded, "calls", 0},
    {"refused", refused, NULL, 0},         {"refused_audit", refused, "", 0},
    {"quits", quits, "--sandbox=auto", 0}, {"quits_off", quits, "--sandbox=off", 0},
};

int main(int argc, char *argv[])
{
    return harness_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
