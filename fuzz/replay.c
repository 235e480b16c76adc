/*
 * replay.c - runs a fuzz target over files, without a fuzzer: `fuzz_NAME FILE|FOLDER...`.
 *
 * It works with every compiler and under Valgrind, and reproduces a crash for a debugger. The files
 * of a folder are run in the order of their names; a folder must not contain other folders. The
 * program prints how many inputs were run. A property that does not hold aborts it.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

static void die(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(3);
}

static size_t run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0)
        die(path);
    /* Exactly as large as the input, so that tools detect a read beyond its end. */
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size)
        die(path);
    fclose(file);
    if (getenv("SHMSUM_FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static size_t run_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        die(path);
    size_t inputs = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            char inside[4096];
            if ((size_t)snprintf(inside, sizeof inside, "%s/%s", path, entries[i]->d_name) >=
                sizeof inside) {
                errno = ENAMETOOLONG;
                die(path);
            }
            inputs += run_file(inside);
        }
        free(entries[i]);
    }
    free(entries);
    return inputs;
}

static size_t run_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        die(path);
    return S_ISDIR(status.st_mode) ? run_folder(path) : run_file(path);
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    size_t inputs = 0;
    for (int i = 1; i < argc; i++)
        inputs += run_path(argv[i]);
    printf("%zu inputs\n", inputs);
    return inputs > 0 ? 0 : 1;
}
