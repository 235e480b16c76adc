/* sample.c - the program that proof builds: it has something for each check of hardening/run. */
#include <stdio.h>
#include <string.h>

int sample_sum(const char *text);

int sample_sum(const char *text)
{
    char page[10000]; /* a frame of more than a page, and an array on the stack */
    size_t size = strlen(text);
    memcpy(page, text, size); /* the size is unknown at compile time: for FORTIFY */
    int sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += page[i];
    return sum;
}

int main(int argc, char *argv[])
{
    int (*volatile pointer)(const char *) = sample_sum;
    printf("%d\n", pointer(argv[argc - 1]));
    return 0;
}
