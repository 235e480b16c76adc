# shellcheck shell=sh
# options.sh FOLDER - writes the seeds of fuzz_options into FOLDER. A seed is a byte of flags and arguments,
# separated by NULs.
set -eu
cd "$1"

# seed NAME FLAGS ARGUMENTS: writes a seed. FLAGS and ARGUMENTS are formats of printf.
seed() {
    # shellcheck disable=SC2059
    printf "$2$3" >"$1"
}
seed nothing '\002' ''
seed defaults '\000' ''
seed files '\000' 'a.txt\000-\000b.txt'
seed every-option '\000' '-o\000x\000--append\000--fsync\000--decimal-comma\000--blank-lines=skip\000--format=json\000--prompt=never\000--color=always\000--progress\000--max-errors=7\000--stats\000--explain\000--trace=t\000--slots=3\000--slot-bytes=100\000--sandbox=off\000a.txt'
seed value-left-out '\000' '--progress\000never\000--progress=never'
seed help '\000' '--help'
seed version '\000' '--version'
seed separate-values '\000' '--output\000x\000--slots\00016\000--slot-bytes\0004096'
seed attached-value '\000' '-ox\000-o-'
seed options-behind-files '\000' 'a.txt\000--stats\000b.txt'
seed posix-order '\001' 'a.txt\000--stats\000b.txt'
seed end-of-options '\000' '--\000--stats\000-o'
seed largest '\000' '--max-errors=18446744073709551615\000--slots=1024\000--slot-bytes=1048576'
seed too-large '\000' '--slots=9999'
seed zero '\000' '--slot-bytes=0'
seed no-trace '\000' '--trace='
seed no-value '\000' '--output'
seed value-too-many '\000' '--stats=1'
seed unknown '\000' '--colour'
seed unknown-letter '\000' '-x'
seed abbreviated '\000' '--app\000--blank=zero\000--prom=always'
seed ambiguous '\000' '--slot=1'
seed empty-value '\000' '--output='
seed empty-argument '\000' '\000\000'
seed terminal '\000' '--\033[2J'
seed empty-number '\000' '--slots='
seed no-number '\000' '--slots=ten'
seed below-digits '\000' '--slots=1/'
seed bad-count '\000' '--max-errors=-1'
seed bad-word '\000' '--blank-lines=none'
seed bad-prompt '\000' '--prompt=no'
seed bad-sandbox '\000' '--sandbox=on'
seed not-ascii '\000' '--\302\251\303\251\340\240\200\342\202\254\355\237\277\357\277\275\360\220\200\200\361\200\200\200\364\217\277\277'
seed stray-bytes '\000' '--\302A\302\377\340\237\200\355\240\200\341\200A\341\200\377\360\217\277\277\364\220\200\200\200\365\377'
