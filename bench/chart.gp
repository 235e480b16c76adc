# chart.gp - draws one chart. bench/run sets table, picture, heading, unit, style and columns. The table has
# one row per case and one column per contestant; the first row and the first column hold the names.
set terminal svg size 900,420 dynamic font "sans,12" background "white"
set output picture
set datafile separator "\t"
set datafile missing "-"
set title heading noenhanced
set ylabel unit noenhanced
set key outside right noenhanced
set xtics noenhanced
set grid ytics
set style fill solid 0.8 border -1
if (style eq "bars" || style eq "log bars") {
    set style data histogram
    set style histogram clustered gap 1
} else {
    set style data linespoints
}
if (style eq "log bars" || style eq "log lines") {
    set logscale y
} else {
    set yrange [0:*]
}
plot for [i = 2:columns] table using i:xtic(1) title columnheader(i)
