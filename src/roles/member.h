/* member.h - access to a member of a struct by its offset and size, for tables of members. */
#ifndef SHMSUM_SRC_ROLES_MEMBER_H
#define SHMSUM_SRC_ROLES_MEMBER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A bool, a char, an enum, a uint32_t or a uint64_t of a struct. */
struct member {
    size_t offset;
    size_t bytes; /* 1, 4 or 8 */
};

#define MEMBER(type, name)                                 \
    {                                                      \
        offsetof(type, name), sizeof(((type *)NULL)->name) \
    }

static inline void member_set(void *object, const struct member *member, uint64_t value)
{
    void *at = (char *)object + member->offset;
    uint8_t byte = (uint8_t)value;
    uint32_t word = (uint32_t)value;
    switch (member->bytes) {
    case sizeof byte:
        memcpy(at, &byte, sizeof byte);
        break;
    case sizeof word:
        memcpy(at, &word, sizeof word);
        break;
    default:
        memcpy(at, &value, sizeof value);
    }
}

static inline uint64_t member_get(const void *object, const struct member *member)
{
    const void *at = (const char *)object + member->offset;
    uint8_t byte;
    uint32_t word;
    uint64_t value;
    switch (member->bytes) {
    case sizeof byte:
        memcpy(&byte, at, sizeof byte);
        return byte;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    default:
        memcpy(&value, at, sizeof value);
        return value;
    }
}

#endif
