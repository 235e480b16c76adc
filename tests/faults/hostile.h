/*
 * hostile.h - hostile peers: what the driver (hostile.c) shares with the hostile child, which
 * replaces shmsum-child, and with the hostile parent, which replaces shmsum. The real program that
 * faces the hostile peer is called the victim.
 *
 * A corruption writes a wrong value into one word of the region while the victim runs. Apart from
 * the corruptions the peer runs the real code, so that the victim gets far enough to be tested.
 */
#ifndef SHMSUM_TESTS_FAULTS_HOSTILE_H
#define SHMSUM_TESTS_FAULTS_HOSTILE_H

#include <stdatomic.h>

#include <shmsum/channel.h>

#include "roles/counters.h"

struct random;

/* What a peer corrupts. Each is a row of the table of faults. */
enum hostile_word {
    HOSTILE_STATE,
    HOSTILE_WAIT, /* bit 31 of a state, or of attached */
    HOSTILE_LENGTH,
    HOSTILE_SOURCE,
    HOSTILE_END_REASON,
    HOSTILE_PAYLOAD,
    HOSTILE_ATTACHED,
    HOSTILE_CLOSING,
    HOSTILE_COUNTERS,
    HOSTILE_MAGIC,
    HOSTILE_VERSION,
    HOSTILE_CREATOR,
    HOSTILE_GEOMETRY,
    HOSTILE_REGION_BYTES,
    HOSTILE_NONCE,
    HOSTILE_WORDS,
    /* outside the region; only a hostile child corrupts these */
    HOSTILE_RESULTS = HOSTILE_WORDS,
    HOSTILE_STATUS,
    HOSTILE_ROWS,
};
extern const char *const hostile_names[HOSTILE_ROWS];

#define HOSTILE_BIT(word) (UINT32_C(1) << (word))
enum { HOSTILE_ALL = (1 << HOSTILE_WORDS) - 1 };

enum { HOSTILE_PATIENCE_MS = 60000 }; /* the limit for every wait: turns a hang into a failure */

/* Memory that the driver shares with the peer: the file `notes` of the working directory. */
#define HOSTILE_NOTES "notes"
struct hostile_notes {
    _Atomic uint64_t corrupted[HOSTILE_ROWS];
    _Atomic uint32_t last; /* the word that was corrupted last */
    _Atomic bool stuck;    /* the hostile child will not exit */
    /* The state that the hostile child left when it exited by itself. */
    bool left;
    int status;
    uint32_t closing;
    struct counters counters;
    /* What the hostile parent saw of the child. */
    pid_t child;
    bool reaped;
    bool hung;
    bool finished; /* all blocks and END were published */
    int wait_status;
    unsigned long lines; /* how many lines were published, with HOSTILE_EXACT */
};
struct hostile_notes *hostile_map_notes(void);

/* What the blocks contain, and so what the driver can check about the results. */
enum hostile_content {
    HOSTILE_EXACT,  /* lines "k 1"; no word that matters is corrupted: all results must be right */
    HOSTILE_DIGITS, /* slot i always holds lines of the digit i + 1: see check_digits */
    HOSTILE_ANY,    /* the payload is corrupted too */
};

/* The choices of a run, all derived from the seed. */
struct hostile_plan {
    enum hostile_content content;
    uint32_t words;       /* the words to corrupt, as bits */
    uint32_t read;        /* the words that the victim reads, as bits: corrupted more often */
    uint32_t corruptions; /* the largest number of corruptions */
    uint32_t pace;        /* the longest pause between two corruptions, in spins */
    bool brief;           /* restores the old value soon, unless the victim has overwritten it */
    bool mild;            /* mostly writes values that could be right */
    bool early;           /* begins before the child has attached */
    struct shmsum_geometry geometry;
    bool dialogue;
    uint32_t blank_lines;
    /* for the hostile child */
    bool consumes; /* runs the real consumer in another thread */
    bool lies;     /* lies about its work at the end */
    bool stuck;    /* does not exit */
    /* for the hostile parent */
    uint32_t blocks;
    bool dies; /* exits before the child has ended */
};
/* With victim_is_child the plan is for the hostile parent, otherwise for the hostile child. */
struct hostile_plan hostile_make_plan(uint64_t seed, bool victim_is_child);

double hostile_now_ms(void);

struct hostile {
    const struct hostile_plan *plan;
    struct random *random;
    const struct shmsum_region *region;
};
/* Corrupts one word of the plan; returns which one. */
enum hostile_word hostile_strike(const struct hostile *hostile);
void hostile_count(struct hostile_notes *notes, enum hostile_word word, uint64_t times);
/* Spins for a random time. */
void hostile_pause(const struct hostile *hostile);

/* The hostile peers. Each ends the process. */
_Noreturn void hostile_child(int argc, char *argv[], uint64_t seed);
/* A child that does all its work right, and then makes the one false claim of this name. */
_Noreturn void hostile_liar(int argc, char *argv[], const char *lie);
_Noreturn void hostile_parent(uint64_t seed, struct hostile_notes *notes);

#endif
