/*
 * files.c - stat(2), fstat(2) and lstat(2) for MemorySanitizer. The run-time library of LLVM 14
 * intercepts only the names that these functions had before glibc 2.33, so it does not know that
 * they fill the struct. Every program of the preset is linked with --wrap for the present names,
 * those for 64-bit offsets.
 */
#include <sanitizer/msan_interface.h>
#include <sys/stat.h>

int __real_stat64(const char *path, struct stat *status);
int __real_fstat64(int fd, struct stat *status);
int __real_lstat64(const char *path, struct stat *status);
int __wrap_stat64(const char *path, struct stat *status);
int __wrap_fstat64(int fd, struct stat *status);
int __wrap_lstat64(const char *path, struct stat *status);

int __wrap_stat64(const char *path, struct stat *status)
{
    int result = __real_stat64(path, status);
    if (result == 0)
        __msan_unpoison(status, sizeof *status);
    return result;
}

int __wrap_fstat64(int fd, struct stat *status)
{
    int result = __real_fstat64(fd, status);
    if (result == 0)
        __msan_unpoison(status, sizeof *status);
    return result;
}

int __wrap_lstat64(const char *path, struct stat *status)
{
    int result = __real_lstat64(path, status);
    if (result == 0)
        __msan_unpoison(status, sizeof *status);
    return result;
}
