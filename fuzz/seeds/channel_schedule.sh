#!/bin/sh
# channel_schedule.sh FOLDER - writes the seeds of fuzz_channel_schedule into FOLDER.
set -eu
folder=$1

# seed NAME SETTING TEXT SCHEDULE: writes the bytes; the last three are formats of printf. SETTING is slots
# - 1, payload bytes - 1, two bytes of flags, read size - 1, write size - 1, and the lengths of three
# sources (see read_setting). SCHEDULE begins with the number of spins of each side.
# shellcheck disable=SC2059 # formats on purpose: they contain octal bytes
seed() {
    {
        printf "$2"
        printf "\\$(printf '%03o' "$(printf "$3" | wc -c)")"
        printf "$3"
        printf "$4"
    } >"$folder/$1"
}

many='1 2 3\n4.5 -1\nx\n1e3 7\n0.1 0.2\n9\n8\n7\n6\n'

# The first byte of flags: 1 dialogue, 2 signals go to another thread, 4 no futex_waitv, 8 input is a pipe,
# 16 output is a pipe, 32 no input yet, 64 two CPUs, 128 terminal. The second byte: 16 --blank-lines=zero,
# 32 --blank-lines=skip, 128 messages cannot be written.
seed one-slot '\000\007\000\000\020\077\000\000\000' "$many" '\000\000'
seed four-slots '\003\007\000\000\020\077\000\000\000' "$many" '\001\002'
seed nothing '\001\077\000\000\117\077\000\000\000' '' '\000\000'
seed one-byte-blocks '\001\000\000\000\000\002\000\000\000' '12 3\n-4\n' '\000\000'
seed unfinished-line '\001\003\110\000\020\077\000\000\000' '1 2\n3 4' '\001\001'
seed turns '\001\003\000\000\020\077\000\000\000' "$many" '\000\000\277\277\277\277'
seed consumer-first '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\177\177\077\177'
seed producer-first '\003\003\000\000\020\077\000\000\000' "$many" '\000\000\100\077\077\077\077'
seed three-sources '\001\007\000\002\020\077\005\003\000' '1 2 3 4\n5\n6 7\n8 9' '\001\000'
seed timed-waits '\001\007\004\000\020\077\000\000\000' "$many" '\000\000\100\077\177\077\310\311\177'
seed waitv-not-permitted '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\314\315\177\177'
seed futex-broken '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\316\177\077\077\077\077'
seed futex-broken-in-child '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\317\177'
seed futex-broken-timed '\000\007\004\000\020\077\000\000\000' "$many" '\000\000\317\177\077'
seed spurious-wakes '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\177\305\177\307\177\077\077\304\077\306\077'
seed dialogue '\001\077\001\000\117\117\000\000\000' '1 2\n3\nx\n' '\000\000'
seed dialogue-long-lines '\001\003\051\000\010\117\000\000\000' '1 2 3 4 5 6\n3\n' '\001\001\277\327'
seed dialogue-closed '\001\077\201\000\117\117\000\000\000' '1 2\n\n3\n' '\000\000'
seed dialogue-closing '\001\077\001\000\117\117\000\000\000' '1 2\n\n3\n' '\000\000'
seed blank-ends '\001\007\000\000\020\077\000\000\000' '1 2\n\n3 4 5 6 7 8 9\n1\n2\n3\n' '\000\000'
seed blank-is-zero '\001\007\000\020\020\077\000\000\000' '1 2\n\n3 4\n' '\000\000'
seed blank-is-skipped '\001\007\000\040\020\077\000\000\000' '1 2\n\n3 4\n' '\000\000'
seed stop '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\237\177\077\300\077'
seed stop-in-sleep '\000\007\002\000\020\077\000\000\000' "$many" '\000\000\237\103\077\077\300\177'
seed stop-twice '\000\003\000\000\020\077\000\000\000' "$many" '\000\000\237\103\077\077\300\077\300\077'
seed stop-before-input '\001\007\050\000\020\077\000\000\000' "$many" '\000\000\277\277\300\077'
seed stop-at-the-end '\001\007\000\000\117\077\000\000\000' '1\n' '\000\000\240\077\077\301'
seed producer-killed '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\237\077\302\177\313\177'
seed producer-killed-asleep '\000\007\004\000\020\077\000\000\000' "$many" '\000\000\237\103\077\077\302\177'
seed consumer-killed '\001\007\000\000\020\000\000\000\000' '1e9 1\n123456789\n5\n' '\000\000\237\077\177\175\303\077\312'
seed consumer-killed-pipe '\001\007\020\000\020\000\000\000\000' '1e9 1\n123456789\n5\n' '\000\000\237\077\177\175\303\077\312'
seed full '\001\007\000\000\020\003\000\000\000' "$many" '\000\000\237\077\325\177'
seed full-in-dialogue '\001\007\001\000\020\003\000\000\000' "$many" '\000\000\325'
seed read-fails '\001\007\000\000\020\077\000\000\000' "$many" '\000\000\237\322\077'
seed read-interrupted '\001\007\010\000\020\077\000\000\000' "$many" '\000\000\237\321\077\320\077\327'
seed write-interrupted '\001\007\000\000\020\003\000\000\000' "$many" '\000\000\237\324\077\177\177\177\323\077\177'
seed no-messages '\001\007\100\200\020\077\000\000\000' 'x\ny\n1 z\n' '\002\002'
seed carriage-returns '\001\001\000\000\020\077\000\000\000' 'x\r\n1\r' '\000\000'
# The other side changes a word, or a signal arrives, between two checks of the word.
seed stop-seen-spinning '\000\117\077\000\000\000\000\000\000' '' '\001\001\300\300\301'
seed acquired-spinning '\000\001\003\110\000\020\077\000\000' '\000' '\001\002\000\000\056\313\056\310\000\237\324\077\177\000\077\012'
seed taken-spinning '\001\007\000\000\000\020\000\000\000' '\000\000\020\077\000\000\000\045' '\001\002\012\050\264\056\065\040\055\061\145\063\031\004\012\066\012\000\000\237\322\077'
seed stop-before-prompt '\001\077\307\001\000\000\000\000\000' '' '\000\000\000\000\077\000\117\000\000\303'
seed stop-between-looks '\000\100\015\114\342\014\225\361\125' '' '\000\001\377\377\377\377\003\355\000\000\000\167\000\000\000\000\322\000\000'
seed dialogue-left '\000\000\001\000\000\002\000\000\000' '\n1 2 3 4 5 6' '\000\000'
seed publish-beats-wait-bit '\001\007\000\000\020\077\000\000\000' '1 2\n' '\000\000\114\077\177'
