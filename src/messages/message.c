/* message.c - messages of both programs on standard error. See message.h. */
#include "message.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "charset.h"
#include "escape.h"
#include "os/write_all.h"

enum {
    PREFIX_MAX = 8,
    OBJECT_MAX = 1024,            /* of a failure: the rest of its message is shorter than that */
    TEXT_MAX = 2048,              /* of a message, before it is escaped */
    FORMAT_MAX = PATH_MAX + 1024, /* the name of an open file, and words around it */
    MESSAGES_FD = 2,
};

void message_bytes(const struct shmsum_os *os, int fd, const char *text, size_t size)
{
    os_write_all(os, fd, text, size);
}

const char *message_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

__attribute__((format(printf, 3, 0))) static void
write_line(const struct shmsum_os *os, const char *prefix, const char *format, va_list arguments)
{
    char whole_bytes[FORMAT_MAX], plain_bytes[TEXT_MAX + 1];
    char line_bytes[PREFIX_MAX + 4 * TEXT_MAX + 2];
    struct text_buffer whole = text_in(whole_bytes, sizeof whole_bytes);
    text_addv(&whole, format, arguments);
    /* What is long is a name, and it is in the middle. */
    struct text_buffer plain = text_in(plain_bytes, sizeof plain_bytes);
    text_add_shortened(&plain, whole.bytes, whole.size, TEXT_MAX);
    struct text_buffer line = text_in(line_bytes, sizeof line_bytes);
    text_add(&line, prefix);
    escape_name(&line, plain.bytes, plain.size, charset_is_utf8());
    text_add(&line, "\n"); /* never cut: see the size of line_bytes */
    message_bytes(os, MESSAGES_FD, line.bytes, line.size);
}

void message(const struct shmsum_os *os, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(os, "shmsum: ", format, arguments);
    va_end(arguments);
}

void message_plain(const struct shmsum_os *os, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(os, "", format, arguments);
    va_end(arguments);
}

void message_clear_line(const struct shmsum_os *os)
{
    message_bytes(os, MESSAGES_FD, MESSAGE_CLEAR_LINE, strlen(MESSAGE_CLEAR_LINE));
}

/* strerror(ENOSYS) reads as if this program lacked a function. These texts say what lacks it. */
#define LACKING "the kernel does not have this call"
#define WITHOUT "--sandbox=auto does without it"

#define NO_SHM "if there is no /dev/shm, as root: mount -t tmpfs -o mode=1777 tmpfs /dev/shm"

/* Better texts, and advice, for errors whose text of errno is unclear here. The first row that
 * matches is used. */
static const struct reason {
    const char *call; /* NULL: any */
    int error;
    const char *text;   /* NULL: that of errno */
    const char *advice; /* what to do; NULL: the text is enough */
} reasons[] = {
    {"open", ELOOP, "is a symbolic link; name the file itself", NULL},
    {"open", EMFILE, NULL, "see 'ulimit -n'"},
    {"sandbox", EPERM, "loads foreign code into the program",
     "unset it, or use --sandbox=auto or off"},
    {"exec", E2BIG, NULL, "name fewer files at once, or use a pipe: cat FILE... | shmsum"},
    {"exec", ENOENT, NULL, "build or install shmsum again"},
    {"exec", ENOEXEC, NULL, "build or install shmsum again"},
    {"fork", EAGAIN, NULL, "see 'ulimit -u'"},
    {"pipe", EMFILE, NULL, "see 'ulimit -n'"},
    {"shm_open", EACCES, NULL, "/dev/shm must be open to all, as /tmp is"},
    {"shm_open", ENOENT, NULL, NO_SHM},
    {"shm_open", ENOTDIR, NULL, NO_SHM},
    {"shm_open", EMFILE, NULL, "see 'ulimit -n'"},
    {"shm_open", EROFS, NULL, "/dev/shm must be writable"},
    {"shm_open", ENOSPC, NULL, "make room in /dev/shm"},
    {"posix_fallocate", ENOSPC, NULL, "make room in /dev/shm, or use less of it: --slots=4"},
    {"posix_fallocate", EFBIG, NULL, "see 'ulimit -f', or use less: --slots=4"},
    {"readlink", ENOENT, NULL, "is /proc mounted?"},
    {"seccomp", ENOSYS, LACKING, WITHOUT},
    {"seccomp", EOPNOTSUPP, NULL, WITHOUT},
    {"landlock_create_ruleset", ENOSYS, LACKING, WITHOUT},
    {"landlock_create_ruleset", EOPNOTSUPP, NULL, WITHOUT},
    {"close_range", ENOSYS, LACKING, WITHOUT},
    {"capset", ENOSYS, LACKING, WITHOUT},
    {NULL, ENOSYS, "the kernel or the file system does not have this call", NULL},
    {NULL, -SHMSUM_STOPPED, "given up after a second signal", NULL},
    {NULL, -SHMSUM_BROKEN, "the other process broke the rules", NULL},
    {NULL, REFUSED_IS_RESULTS, "input file is the results file", "name another one with -o"},
    {NULL, REFUSED_IN_USE, "is the results file or an input", "name another file"},
    {NULL, REFUSED_HARD_LINK, "has another name (a hard link); name a new file", NULL},
    {NULL, REFUSED_UNFINISHED, "its last line is unfinished; end or remove that line first", NULL},
    {NULL, REFUSED_NOT_AS_CLAIMED, "is not what was written to it",
     "has another program changed it?"},
    {NULL, REFUSED_GONE, "was removed or renamed during the run", "run again"},
    {NULL, REFUSED_REPLACED, "was replaced by another file during the run", "run again"},
    {NULL, REFUSED_FOREIGN, "holds what this run did not write", NULL},
    {NULL, REFUSED_LOCKED, "another process is writing it", NULL},
    {NULL, REFUSED_ENDLESS, "no line ends in its last megabyte", NULL},
    {NULL, REFUSED_OWNER, "belongs to another user",
     "its owner must be root or the owner of shmsum"},
    {NULL, REFUSED_NOT_REGULAR, "not a regular file, so it cannot be put on a disk", NULL},
};

void message_failure(const struct shmsum_os *os, const struct shmsum_failure *why)
{
    const char *text = NULL, *advice = NULL;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        const struct reason *reason = &reasons[i];
        if (reason->error == why->error &&
            (reason->call == NULL || strcmp(reason->call, why->call) == 0)) {
            text = reason->text;
            advice = reason->advice;
            break;
        }
    }
    if (text == NULL)
        text = strerror(why->error);
    char object_bytes[OBJECT_MAX + 1];
    struct text_buffer object = text_in(object_bytes, sizeof object_bytes);
    text_add_shortened(&object, why->object, strlen(why->object), OBJECT_MAX);
    message(os, "%s: %s: %s%s%s", why->call, object.bytes, text, advice == NULL ? "" : "; ",
            advice == NULL ? "" : advice);
}
