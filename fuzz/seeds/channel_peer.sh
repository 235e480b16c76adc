#!/bin/sh
# channel_peer.sh FOLDER - writes the seeds of fuzz_channel_peer into FOLDER. fuzz_channel_peer.c explains
# the bytes: mode, slots - 1, payload bytes - 1, two bytes of settings; then the script, in which bytes from
# \200 on are lies in the order of enum lie.
set -eu
cd "$1"

# seed NAME FORMAT: writes the bytes, which are a format of printf.
seed() {
    # shellcheck disable=SC2059 # a format on purpose
    printf "$2" >"$1"
}

# The values that the lying peer lets the other side read.
free='\200'
ready='\201'
end='\202'
none='\203' # an invalid state
full='\210'
wait='\232'      # the word with its WAIT bit inverted
true='\000'      # the true value
complete='\201'  # end reasons, as values
cut='\202'
source='\000'

# The consumer's side, one call after the other: 0 try_take, 1 take, 3 release, 4 attached, 5 closing, 6
# take that notes its sleeps, 7 take that fails before it sleeps. The ring has 4 slots of 100 bytes.
consumer='\000\003\143'
block="$ready$full$source"'\000' # followed by its payload
release='\003'"$true"             # followed by the slot's old state
seed take-blocks "$consumer"'\000\000\004\000\000'"$block$release"'\001'"$block$release"'\005\015\001'"$end$complete"
seed take-twice "$consumer"'\000\000\001'"$block"'\000'"$block$release"'\003\001'"$block$release"
seed take-after-waiting "$consumer"'\002\000\001\000\000\000\000\000\000\003'"$block$release"'\001\000\000\000\007'
seed take-one-byte '\000\000\000\000\001\000'"$ready"'\201'"$source"'\000\003'"$wait"'\004'"$wait"
seed take-length-0 "$consumer"'\000\000\000'"$ready"'\200'
seed take-length-largest "$consumer"'\000\000\000'"$ready"'\214'
seed take-source-largest "$consumer"'\000\000\000'"$ready$full"'\214\000\000'
seed take-no-state "$consumer"'\000\000\001'"$none"
seed take-no-state-wait "$consumer"'\000\000\000\207'
seed take-end-cut "$consumer"'\000\000\001'"$end$cut"
seed take-end-0 "$consumer"'\000\000\000'"$end"'\200'
seed take-end-wait "$consumer"'\000\000\000\206'"$complete"
seed take-stopped "$consumer"'\000\000\001'"$free"'\235'
seed take-stopped-late "$consumer"'\000\000\001'"$free$free"'\007'"$block"
seed take-stopped-while-spinning "$consumer"'\002\000\001'"$free"'\235'
seed take-no-waitv-filtered "$consumer"'\000\000\001'"$free$free"'\005'"$block"
seed take-while-spinning "$consumer"'\002\000\001'"$free$ready$block"
seed take-futex-fails "$consumer"'\000\000\001'"$free$free"'\011'
seed take-no-waitv "$consumer"'\000\000\001'"$free$free"'\004'"$free"'\003'"$free"'\005'"$block"
seed take-wake-fails "$consumer"'\000\001\001'"$block"'\003'"$wait"'\001'"$free"
seed take-notes-its-sleep "$consumer"'\000\000\006'"$true$true"'\000'"$ready$block$release"
seed take-fails-before-its-sleep "$consumer"'\003\000\007'"$free$free$free$free"

# The producer's side: 0 try_acquire, 1 acquire (9: acquire and publish), 3 await_released, 4
# await_attached, 5 the words beside the ring, 6 acquire that notes its sleeps (14: that fails before
# them), 7 end. The length of a block follows.
producer='\001\003\143'
put='\011'"$free"'\143'"$true"
seed put-blocks "$producer"'\000\000\004'"$ready$put$put"'\010'"$free"'\000'"$wait"'\003'"$free"'\007'"$free$wait"
seed put-one-slot '\001\000\000\002\000'"$put"'\001'"$ready$ready"'\000\000\000'"$free"'\017'"$free$true"
seed put-waits "$producer"'\000\000'"$put"'\001'"$ready$ready"'\000'"$free$free$free$free"
seed put-wake-fails "$producer"'\000\001\011'"$free"'\143'"$wait"'\001'"$ready$ready"
seed put-wake-fails-with-eagain '\001\000\143\000\001\011'"$free"'\143'"$wait"'\003'"$ready$ready"
seed put-wake-fails-with-ecanceled '\001\001\143\000\001\011'"$free"'\143'"$wait"'\003'"$ready$ready"
seed end-wake-fails "$producer"'\000\001\007'"$free$wait"
seed put-notes-its-sleep "$producer"'\000\000\006'"$ready$ready$free$free$free$free"
seed put-fails-before-its-sleep "$producer"'\003\000\016'"$ready$ready$ready$ready"
seed put-state-end "$producer"'\000\000\000'"$end"
seed put-no-state "$producer"'\000\000\001'"$ready$ready"'\000'"$free$free$free$none"
seed put-out-of-turn "$producer"'\000\000\001'"$ready$free$free$ready"
seed put-interrupted "$producer"'\000\000\001'"$ready$ready"'\001'"$ready"'\002'"$ready"'\006'
seed released-at-once "$producer"'\000\000\003\000'
seed released-late "$producer"'\000\000'"$put"'\003'"$ready$true$ready"'\000'"$free$free"
seed released-while-spinning "$producer"'\002\000'"$put"'\003'"$ready$ready$free$free"
seed released-one-slot '\001\000\000\002\000'"$put"'\003'"$ready$free$free"
seed released-stopped "$producer"'\000\000'"$put"'\003'"$ready$ready"'\010'
seed released-no-state "$producer"'\000\000'"$put"'\003'"$none"
seed released-end "$producer"'\000\000'"$put"'\003'"$end"
seed released-end-late "$producer"'\000\000'"$put"'\003'"$ready$ready"'\000'"$end$end"
seed attached-late "$producer"'\000\000\004\000\000\000\201\201\007\200\000'
seed attached-2 "$producer"'\000\000\004\202'
seed beside "$producer"'\000\000\005\202\005\203\005\222\005\217\001\000\001\000\015\233abcdefgh\025\230\025\231\006\222'
seed calibrates "$producer"'\004\000\000'"$ready"
seed calibrates-slow-clock '\001\000\143\004\000\000'"$ready"
seed attached-stopped "$producer"'\000\000\004\000\000\010'
seed end-broken "$producer"'\000\000\007'"$end"

# consumer_run. The bits of the settings: 8 --blank-lines=zero, 16 --blank-lines=skip, 32 dialogue, 64
# terminal, 128 answers.
role='\002\003\143'
text() { # text OP: a block with the text that OP selects
    printf '%s' "$ready$full$source\\$1$true"
}
w='\000' # a write
seed run-complete "$role"'\000\000'"$(text 000)$(text 003)$(text 005)$end$complete$w"
seed run-cut "$role"'\010\000'"$(text 001)$(text 002)$(text 013)$end$cut$w"
seed run-blank-line "$role"'\000\000'"$(text 006)$(text 010)$(text 000)$end$complete$w"
seed run-skips "$role"'\020\020'"$(text 001)$(text 010)$(text 011)$end$complete$w"
seed run-dialogue "$role"'\340\000'"$ready$full$source"'\000\000'"$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$true$(text 001)$w"
seed run-sources "$role"'\000\000'"$(text 004)$ready$full"'\201\000\000'"$ready$full"'\226\002\000'"$end$complete$w"
seed run-source-3 "$role"'\000\000'"$(text 000)$ready$full"'\225\000\000'"$w"
seed run-source-back "$role"'\000\000'"$ready$full"'\202\000\000'"$ready$full"'\201\000\000'"$w"
seed run-dialogue-source-back "$role"'\040\000'"$ready$full"'\202\000'"$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$w$true$ready$full"'\201\000'"$w"
seed run-sync-fails "$role"'\000\100'"$(text 000)$end$complete$w"'\311\377'
seed run-messages-fail "$role"'\000\040'"$(text 002)"'\364\374\310\000'"$(text 002)"'\377'"$end$complete$w"
seed run-wake-fails "$role"'\000\001'"$ready$full$source"'\000'"$wait$free$w"
seed run-orphaned "$role"'\001\000'"$(text 000)"
seed run-broken-length "$role"'\000\000'"$(text 000)$ready"'\214'"$w"
seed run-no-space "$role"'\000\000'"$(text 000)$free$free\\313\\361\\371\\377"
seed run-no-space-pipe "$role"'\000\002'"$(text 000)$free$free\\313\\377"

# producer_send and producer_dialogue: each read of the input has a byte that says how many bytes it returns.
seed send-file '\003\003\143\000\004'"$free"'\062'"$true$free"'\310'"$true$free"'\000'"$free$true"
seed send-pipe '\003\001\017\000\010\201'"$free"'\000\005'"$true$free"'\312\000\360\000\334\000\003'"$true$free"'\000\000'"$free$true"
seed send-read-fails '\003\001\017\000\004'"$free"'\377'
seed send-poll-fails '\003\001\017\000\000'"$free"'\377'
seed send-stopped '\003\001\017\000\000'"$free"'\360'"$free$true"
seed send-broken '\003\001\017\000\004'"$free"'\005'"$true$none"
seed converse-lines '\004\003\143\000\000\000\000\036'"$free$true$free"'\000\000'"$free$true$ready$ready"'\000'"$free$free"'\000'
seed converse-closed '\004\003\007\000\000\000\000\013'"$free$true$free$true$free"'\202'"$free$true"
seed converse-broken '\004\003\143\000\000\000\000\013'"$free$true$none"
