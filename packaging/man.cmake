# man.cmake - makes the manual page out of shmsum.1.in and of the program's own help, so that they
# cannot disagree. Run as a script with SHMSUM (the program), VERSION, TEMPLATE and PAGE.
execute_process(COMMAND ${SHMSUM} --help OUTPUT_VARIABLE HELP COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE "^Usage: [^\n]*\n[^\n]*\n" "" HELP "${HELP}") # it stands above
# As text, for troff: no escapes, no requests.
string(REPLACE "\\" "\\e" HELP "${HELP}")
string(REPLACE "-" "\\-" HELP "${HELP}")
string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" HELP "${HELP}")
string(REGEX REPLACE "^\n|\n$" "" HELP "${HELP}")
configure_file(${TEMPLATE} ${PAGE} @ONLY)
