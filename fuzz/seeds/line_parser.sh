# shellcheck shell=sh
# line_parser.sh FOLDER - writes the seeds of fuzz_line_parser into FOLDER. A seed is a header of three
# bytes, then a text with marks where it is cut into blocks.
set -eu
cd "$1"

# octal NUMBER: prints the byte as an octal escape of printf.
octal() {
    printf '\\%03o' "$1"
}
# repeat TIMES TEXT: prints the text so many times.
repeat() {
    left=$1
    while [ "$left" -gt 0 ]; do
        printf '%s' "$2"
        left=$((left - 1))
    done
}
# seed NAME FLAGS LEAD TAKING TEXT: writes a seed. TEXT is a format of printf. FLAGS: 1 comma, 2 filler,
# plus four times the step.
seed() {
    # shellcheck disable=SC2059
    printf "$(octal "$2")$(octal "$3")$(octal "$4")$5" >"$1"
}

# 1. The grammar, in the portable implementation.
seed nothing 0 0 0 ''
seed blank-lines 4 0 1 '\n \n\t\v\f \r\n\r\n'
seed every-shape 4 0 3 '1 2. 3.4 .5 6e1 7.e1 8.9e1 .1e1\n+1 -2. +3.4 -.5\n-6e+1 +7.E-1 -8.9e+01 +.1E-0\n'
seed last-line-without-lf 0 0 0 '1 2\n3 4'
seed last-line-ends-in-blank 0 0 0 '1 2\n3 4 \t'
seed lone-marks 4 0 2 '+\n-\n.\ne\ne5\n1e\n1e+\n-.\n.e1\n+-1\n1-2\n1..2\n1e1.5\n1e1e1\n'
seed exponent-marks 4 0 2 '1ex\n1e.\n1e+x\n1e--1\n1e1-\n'
seed other-point-comma 0 0 1 '1,5 2\n1.5.6,7\n'
seed other-point-period 1 0 1 '1,5 2\n1.5 2\n,5 6,\n'
seed any-bytes 4 0 1 '1 \\\000\n\377\n\200 1\n1_000\n\\|\n0x1\nnan\n\357\274\221\n'
seed long-bad-token 12 0 0 'abcdefghijklmnopqrstuvwxyz0123456789abcdefgh 1\n'
seed first-error-counts 0 0 0 '1 a b,c 1.2.3\n'
seed cr-is-data 4 0 2 '1\r2\n\r\r\n1 \r 2\n1\r \nx\r\nx\ry\r\n1\r'
seed cr-at-the-cut 0 0 1 '1|\r|\n2\r|\n|3\r|4\n|\r|x\n|\r'
seed range 0 0 2 '1e999 1e-1000\n1e1000\n1e-1001\n0e9999\n10e999\n.01e-999\n-1e-1000\n00.0e5 12e998\n'
seed exponent-beyond-words 0 0 1 '0e99999999999999999999999\n1e-99999999999999999999999\n1e18446744073709551616 1\n'
seed digits-1000 2 0 0 "1$(repeat 99 '0000000000') -$(repeat 50 '09876543210987654321') .$(repeat 50 '12345678901234567890')"'\n'

# 2. Cuts into blocks.
seed cuts-in-a-number 0 0 3 '-|1|2|.|3|4|e|-|5| |6||7|\n||8\n'
seed cuts-in-an-error 0 0 3 '1 ab|cd|ef gh|\n2 |x| 3|\n1.|.2 |4\n'
seed every-byte-alone 4 0 1 '12 -3.25\r\n\r4 5\n 6e2 \n7,8'
seed steps-of-96 130 0 4 '1 22 333 4444 55555 666666 7777777 88888888 999999999\n1.5 -2.25 +3.125\n1 22 333 4444 55555 666666 7777777 88888888 999999999\n12345678901234567 x\n1 22 333 4444 55555 666666 7777777 88888888 999999999 10 11 12 13\n'

# 3. The fast implementations, and sinks.
seed fast-integers 2 0 9 '1 22 333 4444\n55555 666666 7777777 88888888\n999999999 1234567890123456 0 00\n'
seed fast-decimals 2 0 9 '1.5 -22.25 +333. .4444\n-.5 6.66666 7777.777 -88888888\n0.1 0.2\n-0.5 0.25\n'
seed fast-comma 3 0 9 '1,5 -22,25 ,5 3,\n1.5\n1,5,6\n'
seed fast-digits-15-to-20 2 0 9 '123456789012345 1234567890123456 12345678901234567 123456789012345678 1234567890123456789 12345678901234567890\n1.23456789012345678 12345678901234567.8 .123456789012345678 123456789012345678. -1234567890123456.78\n0.1234567890123456789 -99999999999999999 +999999999999999999\n'
seed fast-full-buckets 2 0 9 "$(repeat 11 '999999999999999999 -999999999999999999 ')$(repeat 10 '99999999999999999.9 ')"'\n'
seed fast-exponents 2 0 9 '1e0 1e5 1.5e3 -2e-3 12e+14 1e16 1.5e-17 1e18\n1e999 1e900 1e901 1e-900 1e-901 12345678901234567e1 1e0001\n.5e1 5.e-1 1e-19\n'
seed fast-errors 2 0 9 '1 2 3 x 5\n1 2 3 4 .\n1 2 3 1.2.3\n- 1 2 3\n1 2 1e 4\n1 2 1e+ 4\n1 2 e5 4\n1 2 1e1x 4\n5 1e2000 4 3\n1 2 : 4\n1 / 2 3\n1 2 3 \\|\n1.\\| 2 3 4\n1: 2 3 4\n12345678901234567/ 1\n'
seed fast-odd-tokens 2 0 9 '1 2 3 12345678901234567890123456789 5\n1 2 3 0000000000000000000000000000001 5\n1 2 3 1.50000000000000000000000000000000e3 5\n'
seed fast-blanks 2 0 9 '  1  2   3    4\t\t5\v6\f7 \n\n 8\n\t\n9 10 11 12\r\n\r\n13\r\n'
seed fast-lone-cr 2 0 9 '1 2 3 4\r5\n1 2 3 4\r\r\n1 2 3 \r 4\n'
seed fast-chunk-end-number 2 56 9 '1234567 1234567890 -5\n6 7\n'
seed fast-chunk-end-cr 2 55 9 '1234567\r\n89\n'
seed fast-chunk-end-lf 2 55 9 '12345678\n9\n'
seed fast-stretch-end 2 240 9 '1 -2.5 123456789012 1.5e2 77\n8 9\n10\n'
seed fast-stretch-end-bad 2 252 9 '1 2x 3\n4\n'
seed fast-control-byte 2 0 9 '1 2 3 \\\001 4\n1 2 3 4\\\000\n'
seed fast-two-points 2 0 9 '1 2 3 1.2345678901234.67\n1 2 3 .5. 4\n'
seed fast-scaled 2 0 9 '1 -1e20 2e-20 -5e300\n12345678901234567e-1 1 2 3\n-12345678901234567e-1 1 2 3 4 1e2\n'
seed sink-takes-none 2 0 0 '1 2\n3\n\n4 x\n'
seed sink-takes-one 2 0 1 '1 2\n3\n\n4 x\n5\n6\n'
seed sink-takes-some 2 0 173 '1 2\n3\n4\n5\n6\n\n7\n8\n9 x\n10\n11\n12\n'
seed sink-and-cut 2 0 127 '1 2\n3 4\n5 |6\n7|\n8\n|\n9 x\n10\n'
seed sink-to-the-end 2 0 127 '1 2\n3 4'
seed sink-takes-the-block 0 0 127 '1 2\n3 4\n|5\n|6 7\n|x\n|8'
seed fast-wide-rows 2 0 9 '12345678901234567 -99999999999999999 1234567890.1234567 +123456789012345.678\n1.2345678901234567 -.12345678901234567 12345678901234567. 123456789012345678\n1.234567890123456 .1234567890123456 1234567890123456. -12345.67890123456\n'
seed fast-wide-bad 2 0 9 '12345678901234567 x2345678901234567 12345678901234567 12345678901234567\n12345678901234567 12345678901234567 12345678901234567 1234567890123456x\n1234567890123456789 1234567890123456789 1234567890123456789 1234567890123456789\n'
seed fast-exponent-too-large-to-write-out 2 0 9 '123456789e9 -123456789e9 1e1 2e2 12345678e9 -1e16\n'
seed fast-wide-sign-in-the-middle 2 0 9 '12-456789012345678 12-456789012345678 12-456789012345678 12+456789012345678\n1 2\n'
seed fast-eight-zeros 2 0 9 '1.5000000000 -2.2500000000\n1 2\n'
