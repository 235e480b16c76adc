# speed.awk - makes the chart of the README, docs/speed.svg: how many times as fast as mawk each program
# sums integers and %.2f. bench/run passes the file of records. The axis is linear and begins at 0, so the
# length of a bar is the speed. The color shows whether every sum is right. Prints nothing if the section
# `program` was not measured.
BEGIN {
    FS = "\t"
    programs = split("shmsum mawk gawk perl python bc", name, " ")
    split("integers hundredths", kind, " ")
    split("integers|amounts as %.2f", heading, "|")
    right = "#1f6feb"
    wrong = "#d9822b"
    top = 96; row = 26; thick = 17
    left[1] = 82; left[2] = 492; room = 250 # where the bars of each panel begin; the longest bar
}
$1 == "program" && $4 == "times mawk" { times[$2, $3] = $5 }
$1 == "program" && $4 == "wrong lines %" { missed[$2, $3] = $5 }
# Few digits: 15.5, 0.84
function figure(value) { return sprintf(value < 0.995 ? "%.2f" : "%.1f", value) }
function text(x, y, attributes, words) {
    printf "<text x=\"%.1f\" y=\"%g\"%s>%s</text>\n", x, y, attributes, words
}
function bar(x, y, width, color) {
    printf "<rect x=\"%g\" y=\"%g\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n",
        x, y, width, thick, color
}
END {
    # Scale by the programs that are drawn: wc -l, which does not sum, is faster than all.
    most = 0
    for (panel = 1; panel <= 2; panel++)
        for (i = 1; i <= programs; i++)
            if ((kind[panel], name[i]) in times && times[kind[panel], name[i]] > most)
                most = times[kind[panel], name[i]]
    if (most == 0) exit
    height = top + programs * row + 44
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 820 %d\" width=\"820\" height=\"%d\" role=\"img\"", height, height
    print " font-family=\"-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif\" font-size=\"14\" fill=\"#1f2328\">"
    print "<title>Speed of shmsum and of other programs, as a multiple of mawk's</title>"
    printf "<rect width=\"820\" height=\"%d\" rx=\"6\" fill=\"#ffffff\"/>\n", height
    text(20, 32, " font-size=\"17\" font-weight=\"600\"", "Summing lines of eight numbers")
    text(20, 54, " fill=\"#59636e\"", "times as fast as mawk; longer is better")
    for (panel = 1; panel <= 2; panel++) {
        x = left[panel]
        text(x, top - 12, " font-weight=\"600\"", heading[panel])
        for (i = 1; i <= programs; i++) {
            y = top + (i - 1) * row
            base = y + thick - 4
            bold = (i == 1 ? " font-weight=\"600\"" : "")
            text(x - 8, base, " text-anchor=\"end\"" bold, name[i])
            if (!((kind[panel], name[i]) in times)) {
                text(x + 6, base, " fill=\"#59636e\"", "not measured")
                continue
            }
            part = missed[kind[panel], name[i]] + 0
            width = room * times[kind[panel], name[i]] / most
            bar(x, y, width, part > 0 ? wrong : right)
            text(x + width + 6, base, bold, figure(times[kind[panel], name[i]]))
            if (part > 0) # behind the longest of the short bars
                text(x + 68, base, " fill=\"#59636e\"", sprintf("%.1f %% of the sums wrong", part))
        }
        # the line that the bars begin at
        printf "<path d=\"M%g %gv%g\" stroke=\"#59636e\"/>\n", x, top - 4, programs * row
    }
    y = top + programs * row + 10
    bar(left[1], y, 17, right)
    text(left[1] + 24, y + 13, " fill=\"#59636e\"", "every sum is exact")
    bar(left[1] + 170, y, 17, wrong)
    text(left[1] + 194, y + 13, " fill=\"#59636e\"", "some sums are not")
    print "</svg>"
}
