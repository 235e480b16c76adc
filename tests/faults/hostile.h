/*
 * hostile.h - a peer gone mad, as a whole program: what the driver (hostile.c) shares with the
 * hostile child that it puts in place of shmsum-child, and the hostile parent that it puts in place
 * of shmsum.
 *
 * A corruption is one word of the region that is given a wrong value while the other process, the
 * victim, lives; for the victims' sake everything else of the peer is the real code.
 */
#ifndef SHMSUM_TESTS_FAULTS_HOSTILE_H
#define SHMSUM_TESTS_FAULTS_HOSTILE_H

#include <stdatomic.h>

#include <shmsum/channel.h>

#include "roles/counters.h"

struct random;

/* What is corrupted: each is a row of the table of faults. */
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
    /* not in the region, but a child's to give */
    HOSTILE_RESULTS = HOSTILE_WORDS,
    HOSTILE_STATUS,
    HOSTILE_ROWS,
};
extern const char *const hostile_names[HOSTILE_ROWS];

#define HOSTILE_BIT(word) (UINT32_C(1) << (word))
enum { HOSTILE_ALL = (1 << HOSTILE_WORDS) - 1 };

enum { HOSTILE_PATIENCE_MS = 60000 }; /* only to turn a hang into a failure */

/* Memory that the driver shares with the peer: the file `notes` of the working directory. */
#define HOSTILE_NOTES "notes"
struct hostile_notes {
    _Atomic uint64_t corrupted[HOSTILE_ROWS];
    _Atomic uint32_t last; /* the word that was struck last */
    _Atomic bool stuck;    /* the child will not leave */
    /* What the hostile child left behind, when it left on its own. */
    bool left;
    int status;
    uint32_t closing;
    struct counters counters;
    /* What the hostile parent saw of the child. */
    pid_t child;
    bool reaped;
    bool hung;
    bool finished; /* all input was handed over, and END */
    int wait_status;
    unsigned long lines; /* of HOSTILE_EXACT */
};
struct hostile_notes *hostile_map_notes(void);

/* What is in the blocks, and so what can be asked of the results. */
enum hostile_content {
    HOSTILE_EXACT,  /* lines "k 1"; nothing is struck that may matter: all results must be right */
    HOSTILE_DIGITS, /* slot i holds lines of the digit i + 1, always: see check_digits */
    HOSTILE_ANY,    /* payload is struck too */
};

/* How a run goes; all of it follows from the seed. */
struct hostile_plan {
    enum hostile_content content;
    uint32_t words;       /* bits of those to strike, */
    uint32_t read;        /* and of those that the victim reads: struck more often */
    uint32_t corruptions; /* at most */
    uint32_t pace;        /* looks away between two, at most */
    bool brief;           /* takes a corruption back at once, if nobody has overwritten it */
    bool mild;            /* mostly values that could be */
    bool early;           /* begins before the child has attached */
    struct shmsum_geometry geometry;
    bool dialogue;
    uint32_t blank_lines;
    /* of the hostile child */
    bool consumes; /* runs the real consumer beside */
    bool lies;     /* at its end, about its work */
    bool stuck;    /* does not leave */
    /* of the hostile parent */
    uint32_t blocks;
    bool dies; /* before the end */
};
/* victim_is_child: for the hostile parent. */
struct hostile_plan hostile_make_plan(uint64_t seed, bool victim_is_child);

double hostile_now_ms(void);

struct hostile {
    const struct hostile_plan *plan;
    struct random *random;
    const struct shmsum_region *region;
};
/* Corrupts one word of the plan's; returns which. */
enum hostile_word hostile_strike(const struct hostile *hostile);
void hostile_count(struct hostile_notes *notes, enum hostile_word word, uint64_t times);
/* Looks away for a while. */
void hostile_pause(const struct hostile *hostile);

/* The two peers. Both end the process. */
_Noreturn void hostile_child(int argc, char *argv[], uint64_t seed);
/* A child that does all its work as it should, and then tells the lie of this name. */
_Noreturn void hostile_liar(int argc, char *argv[], const char *lie);
_Noreturn void hostile_parent(uint64_t seed, struct hostile_notes *notes);

#endif
