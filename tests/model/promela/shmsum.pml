/*
 * shmsum.pml - the protocol between the two processes, for Spin: every interleaving of parent and
 * child, with a signal or a death between any two steps. The properties are the assertions of `judge`, at
 * the end, and those on the way. README.md says what the model leaves out.
 *
 * A step is one access to a word that the other side may change, or one system call. "MIRRORS file
 * function" names a function that an inline or a proctype restates; check-mirrors compares these functions
 * with their text when the model was last checked against them. Where the code reports a protocol error,
 * the model asserts that it cannot happen: neither side is hostile here. A variable that is not read again
 * is set to 0, because each value left over would multiply the states.
 *
 * A configuration sets:
 *   SLOTS        number of slots, at least 1
 *   LINES        the most lines of input; the input may end earlier
 *   DIALOGUE     1: producer_dialogue; 0: producer_send
 *   WAITS        1: the input is a terminal or a pipe, and may stay silent forever; 0: a file
 *   SIGNALS      the most SIGINT (SIGTERM, SIGHUP) that may come
 *   PARENT_DIES  1: the parent may get SIGKILL, at any step
 *   CHILD_DIES   1: the child may get SIGKILL, at any step
 *   SPURIOUS     the most sleeps, of both sides, that may end without a reason
 *   BLANK        1: any line may be a blank line that ends the input
 *   TIMED        1: the kernel has no futex_waitv
 *   FAILS        1: reading, and emptying the results, may fail
 */

/* ---- words (src/channel/shared_word.h, include/shmsum/channel.h) ---- */

#define WAIT 128
#define value(word_now) (word_now & 127)

#define FREE 0
#define READY 1
#define END 2

#define ATTACHED SLOTS       /* the word after those of the slots */
byte word[SLOTS + 1];
byte content[SLOTS];         /* number of the line, from 1; for length, source and payload */

#define COMPLETE 1
#define CUT 2
byte end_reason;             /* in the slot of END */

#define OPEN 0
#define CLOSING 1
#define CLOSED 2
byte closing;
byte counter_bytes;          /* what the child says it took */
bool name_there = true;      /* the name of the region is in /dev/shm */

/* ---- processes, as the kernel knows them ---- */

#define PARENT 0
#define CHILD 1
bool gone[2];
bool crashed[2];             /* by a SIGKILL that was not the parent's */
bool killed;                 /* the parent has killed the child: child.killed */
bool reaped;                 /* child.reaped */
bool masked;                 /* the parent has blocked its signals */
bool polls;                  /* the parent is in ppoll */
bool silent;                 /* no more input comes, and no end of it */
bool watches;                /* the child has called prctl(PR_SET_PDEATHSIG) */
bool death_signal;           /* the signal of the parent's death is pending */
#define NOTHING 255
byte sleeps_on[2] = NOTHING; /* the word that a side sleeps on, besides its stop word */

/* Stop words, private to each process. */
#define STOP_INPUT 1
#define STOP_NOW 2
#define STOP_PEER 4
byte stop[2];
bool signalled;              /* signals.first */

/* ---- for the assertions only ---- */

byte published, taken, answered, released;
bool end_published, end_taken, blank_seen;

/* Results of functions. */
#define OK 0
#define STOPPED 1
#define AGAIN 3
#define EIO 4
#define END_OF_FILE 5

/* ---- futexes: compare and sleep are one step; no wake comes in between ---- */

/* The kernel compares two words one after the other. But only handlers of this process change the
 * second, the stop word, and no handler runs within the call. So one step models both compares. */
inline futex_wait_two(me, at, expected, mask)
{
    d_step {
        if
        :: now & WAIT && word[at] == (expected) && (TIMED || stop[me] == look) -> sleeps_on[me] = at
        :: else /* EAGAIN; or the compare-and-exchange before failed, and there is no call */
        fi
    }
    /* Woken, interrupted by a handler, or without a reason. With TIMED the time limit ends the sleep
     * only for a stop bit: otherwise it would hide a lost wake. */
    d_step {
        sleeps_on[me] == NOTHING || (TIMED && (stop[me] & (mask))) ->
        sleeps_on[me] = NOTHING; now = 0; look = 0
    }
}

inline futex_wake(at)
{
    if
    :: sleeps_on[PARENT] == at -> sleeps_on[PARENT] = NOTHING
    :: else
    fi;
    if
    :: sleeps_on[CHILD] == at -> sleeps_on[CHILD] = NOTHING
    :: else
    fi
}

/* The call in which the side sleeps ends with EINTR: after a handler, or spuriously. */
inline interrupt(side)
{
    sleeps_on[side] = NOTHING;
    if
    :: side == PARENT -> polls = false
    :: else
    fi
}

inline die(side)
{
    gone[side] = true;
    interrupt(side);
    stop[side] = 0;
    if
    :: side == PARENT -> signalled = false; masked = false
    :: else
    fi;
    if
    :: side == PARENT && watches && !gone[CHILD] -> death_signal = true
    :: else
    fi
}

/* ---- src/channel/channel.c ---- */

/* The length of a spin does not matter here, the counters are the parser's, and a failed start is a death:
 * LEAVES OUT src/channel/channel.c calibrate
 * LEAVES OUT src/channel/channel.c shmsum_channel_init
 * LEAVES OUT src/channel/channel.c broken
 * LEAVES OUT src/channel/channel.c shmsum_channel_set_counter
 * LEAVES OUT src/channel/channel.c shmsum_channel_counter
 * These are one load or store each, written where they are called:
 * MIRRORS src/channel/channel.c shmsum_stop_bits
 * MIRRORS src/channel/channel.c shmsum_channel_set_closing
 * MIRRORS src/channel/channel.c shmsum_channel_closing */

/* MIRRORS src/channel/channel.c has_changed
 * MIRRORS src/channel/channel.c word_spin
 * One load: more loads in the same state would add no behaviour. */
#define spin_sees_change(at, seen) (value(word[at]) != seen)

/* MIRRORS src/channel/channel.c word_sleep
 * MIRRORS src/channel/shared_word.h shared_set_wait
 * MIRRORS src/os/linux/os.c linux_futex_waitv */
inline word_sleep(me, at, seen, mask)
{
    do
    :: atomic {
           look = stop[me];
           if
           :: look & (mask) -> result = STOPPED; look = 0; break
           :: else
           fi
       }
       atomic {
           now = word[at];
           if
           :: value(now) != seen -> result = OK; now = 0; look = 0; break
           :: else
           fi
       }
       d_step { /* compare and exchange */
           if
           :: !(now & WAIT) && word[at] == seen -> word[at] = seen | WAIT; now = seen | WAIT
           :: else
           fi
       }
       futex_wait_two(me, at, seen | WAIT, mask)
    od
}

/* MIRRORS src/channel/channel.c word_publish
 * MIRRORS src/channel/channel.c wake
 * MIRRORS src/channel/shared_word.h shared_exchange_release
 * A wake does not fail here; fault.table covers wake_error. In two parts, so that a caller can update
 * the variables of the assertions in the step of the exchange. */
inline exchange(at, new)
{
    old = word[at];
    word[at] = new
}
inline wake_if_awaited(at)
{
    if
    :: old & WAIT -> futex_wake(at)
    :: else
    fi;
    old = 0
}

/* MIRRORS src/channel/channel.c word_wait
 * MIRRORS src/channel/channel.c wait_failed */
inline word_wait(me, at, seen, mask)
{
    if
    :: spin_sees_change(at, seen) -> result = OK
    :: else -> word_sleep(me, at, seen, mask)
    fi
}

/* MIRRORS src/channel/channel.c shmsum_channel_attached */
inline channel_attached()
{
    d_step { exchange(ATTACHED, 1) }
    d_step { wake_if_awaited(ATTACHED) }
}

/* MIRRORS src/channel/channel.c shmsum_channel_await_attached */
inline channel_await_attached()
{
    do
    :: atomic {
           if
           :: value(word[ATTACHED]) == 1 -> result = OK; break
           :: else
           fi
       }
       word_wait(PARENT, ATTACHED, 0, stop_mask);
       if
       :: result != OK -> break
       :: else
       fi
    od
}

/* MIRRORS src/channel/channel.c advance
 * MIRRORS src/channel/channel.c next_slot */
#define advance() next = (next + 1) % SLOTS

/* MIRRORS src/roles/consumer.c report
 * MIRRORS src/roles/consumer.c flush
 * MIRRORS src/roles/consumer.c flush_before_sleep */
#define report() counter_bytes = taken

/* MIRRORS src/channel/channel.c wait_for_slot
 * MIRRORS src/channel/channel.c their_state
 * `seen`: the state in which the next slot belongs to the other side. Only the child has a before_sleep. */
inline wait_for_slot(me, seen, ahead, mask)
{
    if
    :: spin_sees_change(next, seen) -> result = OK
    :: else ->
        if
        :: me == PARENT
        :: me == CHILD -> report() /* flush_before_sleep */
        fi;
        /* DOC: channel-batched-wake */
        word_sleep(me, (next + (ahead)) % SLOTS, seen, mask);
        if
        :: result != OK || (ahead) == 0
        :: else -> assert(value(word[next]) != seen)
        fi
    fi
}

/* MIRRORS src/channel/channel.c shmsum_channel_acquire
 * MIRRORS src/channel/channel.c shmsum_channel_try_acquire */
inline channel_acquire()
{
    do
    :: atomic {
           if
           :: value(word[next]) == FREE -> result = OK; break
           :: else -> assert(value(word[next]) == READY)
           fi
       }
       wait_for_slot(PARENT, READY, SLOTS / 2, stop_mask);
       if
       :: result != OK -> break
       :: else
       fi
    od
}

/* MIRRORS src/channel/channel.c shmsum_channel_publish
 * `content` stands for all that the producer fills. */
inline channel_publish()
{
    content[next] = produced;
    d_step { exchange(next, READY); published++ }
    d_step { wake_if_awaited(next); advance() }
}

/* MIRRORS src/channel/channel.c shmsum_channel_end */
inline channel_end(how)
{
    stop_mask = stop_mask & ~STOP_INPUT;
    channel_acquire();
    if
    :: result == OK ->
        end_reason = how; /* before END is published */
        d_step { exchange(next, END); end_published = true }
        d_step { wake_if_awaited(next) }
    :: else
    fi
}

/* MIRRORS src/channel/channel.c shmsum_channel_try_take */
inline channel_try_take()
{
    if
    :: atomic { value(word[next]) == FREE -> result = AGAIN }
    :: value(word[next]) == END ->
        d_step { assert(end_reason == COMPLETE || end_reason == CUT); is_end = true; result = OK }
    :: value(word[next]) == READY ->
        assert(content[next] == taken + 1); /* no line lost, doubled or out of order */
        d_step { taken++; result = OK }
    fi
}

/* MIRRORS src/channel/channel.c shmsum_channel_release */
inline channel_release()
{
    d_step { exchange(next, FREE); released++ }
    d_step { wake_if_awaited(next); advance() }
}

/* MIRRORS src/channel/channel.c shmsum_channel_await_released */
#define last ((next + SLOTS - 1) % SLOTS)
inline channel_await_released()
{
    do
    :: atomic {
           if
           :: value(word[last]) == FREE -> result = OK; break
           :: else -> assert(value(word[last]) == READY)
           fi
       }
       word_wait(PARENT, last, READY, stop_mask);
       if
       :: result != OK -> break
       :: else
       fi
    od
}

/* MIRRORS src/channel/channel.c shmsum_channel_take */
inline channel_take()
{
    do
    :: channel_try_take();
       if
       :: result != AGAIN -> break
       :: else
       fi;
       wait_for_slot(CHILD, FREE, 0, STOP_PEER);
       if
       :: result == STOPPED -> /* a slot that was published before the stop comes first */
           channel_try_take();
           if
           :: result == AGAIN -> result = STOPPED
           :: else
           fi;
           break
       :: else
       fi
    od
}

/* ---- src/roles/await_input.c, src/roles/producer.c: in the parent ---- */

/* MIRRORS src/roles/await_input.c await_input
 * `ready`: whether fd is readable. ppoll unblocks signals and waits in one step. */
inline await_input(mask, ready)
{
    masked = true;
    if
    :: stop[PARENT] & (mask) -> result = STOPPED
    :: else ->
        d_step { polls = true; masked = false }
        if
        :: !polls -> result = AGAIN
        :: d_step { polls && ready -> polls = false; result = OK }
        fi
    fi;
    masked = false
}

/* MIRRORS src/roles/producer.c read_input
 * MIRRORS src/roles/producer.c is_stopped
 * OK: it has read one more line. */
inline read_input()
{
    do
    :: if
       :: stop[PARENT] & stop_mask -> result = STOPPED; break
       :: else
       fi;
       if
       :: WAITS -> await_input(stop_mask, !silent)
       :: else -> result = OK
       fi;
       if
       :: result == AGAIN
       :: result == STOPPED -> break
       :: result == OK && produced < LINES -> produced++; break
       :: result == OK -> result = END_OF_FILE; break
       :: result == OK && FAILS -> result = EIO; break
       fi
    od
}

/* MIRRORS src/roles/producer.c producer_send
 * MIRRORS src/roles/producer.c publish */
inline producer_send()
{
    do
    :: channel_acquire();
       if
       :: result != OK -> break
       :: else
       fi;
       read_input();
       if
       :: result != OK -> break
       :: else
       fi;
       channel_publish()
    od
}

/* MIRRORS src/roles/producer.c producer_dialogue
 * MIRRORS src/roles/producer.c prompt
 * MIRRORS src/roles/producer.c read_more
 * MIRRORS src/roles/producer.c publish_line
 * MIRRORS src/roles/producer.c hand_over_line
 * A read may return more than one line, and a line may need more than one slot. */
inline producer_dialogue()
{
    do
    :: if
       :: line_begins && !(stop[PARENT] & stop_mask) && closing == OPEN ->
           assert(answered == published && !blank_seen) /* a prompt comes after all answers */
       :: else
       fi;
       if
       :: read_input()
       :: produced > 0 && produced < LINES -> produced++; result = OK
       fi;
       if
       :: result != OK -> break
       :: else
       fi;
       stop_mask = stop_mask & ~STOP_INPUT;
       channel_acquire();
       if
       :: result != OK
       :: else ->
           channel_publish();
           if
           :: line_begins = false
           :: line_begins = true; channel_await_released()
           fi
       fi;
       stop_mask = stop_mask | STOP_INPUT;
       if
       :: result != OK || (line_begins && closing == CLOSED) -> break
       :: else
       fi
    od
}

/* ---- src/parent/ ---- */

/* MIRRORS src/parent/child_process.c child_kill */
inline child_kill()
{
    masked = true;
    d_step {
        if
        :: !reaped && !gone[CHILD] -> killed = true; die(CHILD)
        :: else /* it has exited already */
        fi
    }
    masked = false
}

/* MIRRORS src/parent/child_process.c await_end
 * MIRRORS src/parent/child_process.c reap_child
 * waitpid does not fail here. */
inline child_wait(mask)
{
    kill_mask = mask;
    do
    :: reaped -> break
    :: else ->
        if
        :: stop[PARENT] & kill_mask ->
            child_kill();
            kill_mask = 0
        :: else
        fi;
        if
        :: killed || (stop[PARENT] & STOP_PEER) -> /* waitpid: until it is gone; reap_child */
            d_step { gone[CHILD] -> reaped = true; stop[PARENT] = stop[PARENT] | STOP_PEER }
        :: else -> await_input(STOP_PEER | kill_mask, false)
        fi
    od
}

/* MIRRORS src/parent/main.c hand_over
 * MIRRORS src/parent/main.c await_attached
 * MIRRORS src/parent/main.c give_up_rights
 * MIRRORS src/parent/main.c end_input
 * MIRRORS src/parent/verdict.c await_child
 * MIRRORS src/parent/verdict.c may_have_left
 * MIRRORS src/parent/verdict.c are_counters_plausible
 * MIRRORS src/parent/verdict.c is_plausible
 * Starts after the fork in child_start. */
active proctype parent()
{
    byte next, stop_mask = STOP_INPUT | STOP_NOW | STOP_PEER;
    byte result, look, now, old, produced, kill_mask;
    bool line_begins = true, closed, leaves_by_itself, begun, ended;
    {
        channel_await_attached();
        if
        :: result != OK -> goto concludes
        :: else
        fi;
        name_there = false;
        if
        :: begun = true /* give_up_rights */
        :: FAILS -> goto concludes
        fi;

        if
        :: DIALOGUE -> producer_dialogue()
        :: else -> producer_send()
        fi;
        closed = (closing == CLOSED);
        leaves_by_itself = closed || (stop[PARENT] & STOP_PEER);
        if
        :: leaves_by_itself -> goto concludes
        :: else
        fi;
        if
        :: result == OK || result == END_OF_FILE -> channel_end(COMPLETE)
        :: else -> channel_end(CUT)
        fi;
        ended = (result == OK);

concludes:
        if
        :: ended || closed
        :: else ->
            /* One signal is no reason to kill: what was published is summed. */
            assert(!begun || (stop[PARENT] & (STOP_NOW | STOP_PEER)));
            child_kill()
        fi;
        child_wait(STOP_NOW);
        /* If the child exited by itself, its counters are right. */
        assert(killed || crashed[CHILD] || closing == CLOSED || (ended && counter_bytes == published));
        name_there = false; /* shmsum_region_clean_up */
        d_step { die(PARENT) }
    } unless {
        d_step { /* after death: no leftovers, for fewer states */
            gone[PARENT] -> next = 0; stop_mask = 0; result = 0; look = 0; now = 0;
            old = 0; produced = 0; kill_mask = 0; line_begins = false;
            closed = false; leaves_by_itself = false; begun = false; ended = false
        }
    }
}

/* ---- src/child/main.c, src/roles/consumer.c ---- */

/* MIRRORS src/roles/consumer.c take_block
 * MIRRORS src/roles/consumer.c is_closed
 * At a terminal a blank line closes the input at once, elsewhere only when more follows. */
inline take_block()
{
    if
    :: blank_seen -> is_closed = true
    :: !blank_seen
    :: !blank_seen && BLANK -> blank_seen = true
    :: !blank_seen && BLANK -> blank_seen = true; is_closed = true
    fi;
    d_step { report(); answered++ }
    if
    :: blank_seen && is_closed -> closing = CLOSED
    :: blank_seen && !is_closed -> closing = CLOSING
    :: else
    fi
}

/* MIRRORS src/child/main.c catch_parent_death
 * MIRRORS src/child/main.c attach
 * MIRRORS src/roles/consumer.c take_input
 * MIRRORS src/roles/consumer.c take_slot
 * MIRRORS src/roles/consumer.c take_end */
active proctype child()
{
    byte next, result, look, now, old;
    bool is_end, is_closed, orphaned;
    {
        watches = true;
        if
        :: gone[PARENT] -> stop[CHILD] = stop[CHILD] | STOP_PEER
        :: else
        fi;
        channel_attached();
        do
        :: is_closed -> break
        :: else ->
            channel_take();
            if
            :: result == STOPPED -> orphaned = true; break
            :: result == OK && is_end -> end_taken = true; break
            :: result == OK && !is_end ->
                if
                :: DIALOGUE -> take_block(); channel_release()
                :: else -> channel_release(); take_block()
                fi
            fi
        od;
        report();
        assert(is_closed || taken == published);
        assert(!orphaned || !end_published);
        if
        :: orphaned -> name_there = false
        :: else
        fi;
        d_step { die(CHILD) }
    } unless {
        d_step {
            gone[CHILD] -> next = 0; result = 0; look = 0; now = 0; old = 0;
            is_end = false; is_closed = false; orphaned = false
        }
    }
}

/* ---- signals ---- */

/* MIRRORS src/parent/signals.c on_stop_signal
 * MIRRORS src/channel/channel.c shmsum_stop_raise
 * A handler is one step between two steps of its process, because it writes only private words. The wake
 * on the stop word finds no sleeper: the process runs the handler, and its sleep ends with EINTR. */
inline on_stop_signal()
{
    if
    :: !signalled -> signalled = true; stop[PARENT] = stop[PARENT] | STOP_INPUT
    :: else -> stop[PARENT] = stop[PARENT] | STOP_NOW
    fi;
    interrupt(PARENT)
}

/* MIRRORS src/parent/child_process.c child_on_death */
inline on_child_death()
{
    reaped = true;
    stop[PARENT] = stop[PARENT] | STOP_PEER;
    interrupt(PARENT)
}

/* MIRRORS src/child/main.c on_parent_death */
inline on_parent_death()
{
    stop[CHILD] = stop[CHILD] | STOP_PEER;
    interrupt(CHILD)
}

/* Pending signals: they always arrive. */
active proctype kernel()
{
    do
    :: d_step { gone[CHILD] && !gone[PARENT] && !reaped && !masked -> on_child_death() }
    :: d_step { death_signal && !gone[CHILD] -> death_signal = false; on_parent_death() }
    od
}

/* What may happen at any step, or not at all. A signal that comes while it is blocked is the same as one
 * that comes later. */
active proctype chance()
{
    byte signals = SIGNALS, spurious = SPURIOUS;
    do
    :: d_step { signals > 0 && !masked && !gone[PARENT] -> signals--; on_stop_signal() }
    :: d_step { PARENT_DIES && !gone[PARENT] -> crashed[PARENT] = true; die(PARENT) }
    :: d_step { CHILD_DIES && !gone[CHILD] -> crashed[CHILD] = true; die(CHILD) }
    :: d_step { spurious > 0 && sleeps_on[PARENT] != NOTHING -> spurious--; interrupt(PARENT) }
    :: d_step { spurious > 0 && sleeps_on[CHILD] != NOTHING -> spurious--; interrupt(CHILD) }
    :: d_step { WAITS && polls && !silent -> silent = true } /* only there it is read */
    :: break
    od
}

/* When nothing can happen any more, both processes must have ended. The one exception: the parent waits
 * for a user who types no more, and all lines are answered. */
active proctype judge()
{
    bool waits_for_user, nobody_waits_forever, end_arrived, name_removed;
    timeout ->
    d_step {
        waits_for_user = polls && silent && !gone[PARENT] && !gone[CHILD] && stop[PARENT] == 0 &&
            sleeps_on[CHILD] != NOTHING && taken == published && answered == published &&
            released == published && counter_bytes == taken;
        nobody_waits_forever = waits_for_user || (gone[PARENT] && gone[CHILD]);
        assert(nobody_waits_forever);
        end_arrived = !end_published || end_taken || killed || crashed[CHILD] || closing == CLOSED;
        assert(end_arrived);
        name_removed = !name_there || (crashed[PARENT] && (crashed[CHILD] || killed));
        assert(name_removed)
    }
}
