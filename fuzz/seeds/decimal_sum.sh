# shellcheck shell=sh
# decimal_sum.sh FOLDER - writes the seeds of fuzz_decimal_sum into FOLDER. A seed is a list of steps of 16
# bytes.
set -eu
cd "$1"

# byte NUMBER: prints the byte as an octal escape of printf. The number may be negative.
byte() {
    printf '\\%03o' $(($1 & 255))
}
# step LETTER FLAGS WORD [BYTE]...: prints a step. At most twelve BYTEs are used; missing ones are 0.
step() {
    # shellcheck disable=SC2059
    printf "$1$(byte "$2")$(byte "$3")$(byte $(($3 >> 8)))"
    shift 3
    bytes=0
    for value in "$@" 0 0 0 0 0 0 0 0 0 0 0 0; do
        [ "$bytes" -lt 12 ] || break
        bytes=$((bytes + 1))
        # shellcheck disable=SC2059
        printf "$(byte "$value")"
    done
}

# number FLAGS EXPONENT [DIGIT COUNT]...: adds a number. Bits 1 and 2 of FLAGS say how the exponent is meant:
# 0 as it is, 2 the lowest digit so far above the lowest place, 4 the highest digit so far above the highest
# place, 6 as far as possible. 1: the number is negative. 8 times the size of the pieces in which the digits
# are pushed (1: one digit, 3: eight, 4: nine, 5: ten, 6: sixty-four, 7: a thousand). 64: a byte that is no
# digit follows. The digits are runs of COUNT digits; DIGIT 10 counts up, 11 is a power of ten, 12 zeros and a
# one, 13 nines and an eight, 14 noise.
number() {
    step n "$@"
}
# small FLAGS SCALE TIMES [BYTE]...: adds a small number TIMES times, at most 256. FLAGS: 2 near 10^(first
# byte), at the distance of the second byte; 4 so far below the limit; 6 the byte itself.
small() {
    flags=$1 word=$(($2 + 256 * ($3 - 1)))
    shift 3
    step s "$flags" "$word" "$@"
}
format() {
    step f 0 0
}
cancel() {
    step c 0 0
}
# again TIMES: adds the last number again; TIMES is less than 2^31.
again() {
    step a 0 0 "$1" $(($1 >> 8)) $(($1 >> 16)) $(($1 >> 24))
}
times_power_of_two() {
    step t 0 0 "$1"
}
clear_sum() {
    step z 0 0
}
most=2147483647

: >nothing
{ number 0 0 1 1; } >one
{ number 0 0 10 9 && number 1 -3 10 20 && format && number 0 5 5 1; } >few
{ number 8 0 0 40 10 30; } >leading-zeros
{ number 72 0 10 30 && number 200 -4 10 11 && number 224 0 9 10; } >a-byte-behind
{ number 24 0 10 40 && number 33 -9 10 40 && number 40 -1 14 200 && number 49 -70 14 130; } >pieces
{ number 0 0 9 18 && number 0 0 1 1 && format && number 1 0 1 1 && number 1 0 9 18; } >carry-over-two-limbs
{ number 0 -18 9 36 && number 0 -18 1 1 && format; } >carry-over-the-point
{ number 1 -9 9 90 && number 1 -9 1 1 && number 0 72 1 1 && number 0 -9 2 1; } >borrow-far
{ number 0 90 1 1 && number 1 -90 1 1; } >borrow-through-zeros
{ number 0 0 10 30 && number 1 0 10 30 && format && number 0 0 3 1; } >cancelled
{ number 0 90 10 30 && number 1 90 10 30 && format; } >cancelled-above-the-point
{ number 1 -20 14 60 && cancel && number 0 -20 14 60 && cancel && format; } >cancel-all
{ number 2 0 1 1 && number 4 0 1 1 && format && cancel; } >both-ends
{ number 2 -1 1 1 && number 4 1 1 1 && number 2 -1 0 5 && format; } >beyond-both-ends
{ number 2 0 142 250 && cancel && number 4 0 137 250; } >all-digits
{ number 2 0 1 1 128 250 && number 2 0 1 1 128 250 0 9; } >zeros-dropped
{ number 0 -1000 1 1 128 250 0 200 && number 0 -1000 1 1 128 250 1 1 5 9 && number 72 -1000 1 1 128 250 0 3; } >digits-dropped
{ number 6 0 10 20 && number 6 -1 10 20 && number 6 5 0 9 && number 6 -9 && number 7 -1 1 1; } >exponents-as-far-as-they-go
{ number 0 0 && number 1 5 0 200 && number 0 -3000; } >zeros-only
{ number 0 -5 10 12 0 20 && number 0 -5 1 1 0 5 1 1 0 5; } >zeros-at-the-end
{ number 0 0 1 1 && clear_sum && number 1 -2 5 3 && clear_sum && format && number 0 3 2 2; } >cleared
{ small 0 0 1 1 && small 1 3 2 0 5 && small 0 18 1 0 7 && format; } >small-numbers
{ small 2 0 1 16 255 && small 3 5 1 17 0 && small 2 18 1 18 255; } >small-near-powers-of-ten
{ small 4 0 9 && small 5 0 20 && format; } >small-full-bucket
{ small 4 18 8 && small 4 1 40 && small 5 2 200 && format; } >small-buckets-emptied
{ small 6 1 1 5 && small 7 1 1 5 && format && small 7 2 1 5; } >small-to-zero
{ small 6 0 1 1 && small 7 18 1 1 && format && small 7 1 4 5; } >small-mixed-signs
{ small 6 2 2 10 && format && small 7 5 3 120 && format; } >small-fraction-ends-in-zeros
{ small 6 1 25 9 && small 6 2 30 99 && small 6 3 1 111 && format; } >small-fractions-carry
{ small 2 0 256 16 255 && small 2 9 256 16 255 && small 2 18 256 16 255 && format; } >small-many
{ small 3 1 256 16 255 && small 3 2 256 16 255 && small 3 3 255 16 255 && format; } >small-many-negative
{ small 7 0 1 5 && format && small 7 0 1 100; } >small-negative
{ small 2 10 1 12 && format; } >small-zeros-behind-the-point
{ small 6 17 1 5 && format && clear_sum && small 7 18 1 120; } >small-scale-17
{ small 4 0 1 9 && format && clear_sum && small 5 3 1 9; } >small-digits-18
{ small 6 1 10 5 && small 6 0 1 1 && format && clear_sum && small 6 3 1 0; } >small-fraction-zero
{ small 0 3 2 0 210 4 && number 0 -3 10 25 && format && small 1 7 3 99; } >small-and-large
{ number 4 0 137 125 && again $most && number 4 0 137 125 && format; } >limbs-full
{ number 5 0 9 27 && again $most && small 4 0 9 && small 4 0 9 && format; } >limbs-full-by-small
{ number 4 0 137 125 && number 4 0 13 200 && format && again $most && times_power_of_two 30 && times_power_of_two 2 && format && cancel; } >two-to-the-64
{ number 3 0 142 250 && again $most && times_power_of_two 30 && format; } >all-digits-often
# invariant WHICH [BYTE]: breaks the invariant with this number.
invariant() {
    step v 0 0 "$@"
}
for which in 0 1 2 3 4 5 6 7 8 9 10 11; do
    invariant "$which"
done >invariants-of-zero
{
    number 0 0 10 5
    for which in 0 1 2 3 4 5 6 7 9 10 11; do
        invariant "$which"
    done
    invariant 8 1
} >invariants
