# valgrind.cmake - Valgrind's memcheck, which finds accesses outside of allocated memory, uses of memory
# that was never written, lost memory, and descriptors that are open at the end. It follows fork and exec,
# so it observes both programs, and writes a log for each process. It does not check programs of the system,
# nor a process between fork and exec, which shares the log of its parent.

find_program(VALGRIND valgrind REQUIRED)
list(APPEND sanitizer_launcher ${VALGRIND} --quiet --vgdb=no --leak-check=full
    --errors-for-leak-kinds=definite --show-leak-kinds=definite --track-fds=yes
    --trace-children=yes --trace-children-skip=/bin/*,/usr/bin/* --child-silent-after-fork=yes
    --error-exitcode=99 --log-file=${sanitizer_findings}/valgrind.%p)
# A program is about twenty times slower under Valgrind, so the tests do fewer rounds.
list(APPEND sanitizer_environment SHMSUM_SHORT_RUNS=10 SHMSUM_KILL_RUNS=10 SHMSUM_HANDOFFS=20000)
list(APPEND sanitizer_quick
    "unit\\.(region|results|job|options|diagnostic|decimal_sum)" "process\\.ends\\..*" "cli\\.(error|usage).*")
sanitizer_skip("Valgrind's own log gets the number of a closed descriptor"
    "cli\\.(input|output)-closed|process\\.starts\\.closed_.*")
sanitizer_skip("Valgrind does not know the seccomp call" "unit\\.sandbox")
sanitizer_skip("a signal during the start of Valgrind is lost"
    "process\\.soak\\.signal_runs" "process\\.random")
sanitizer_skip("the limit also stops Valgrind's own log" "fault\\.limits\\.file_size_.*")
sanitizer_skip("Valgrind raises the limit of descriptors" "process\\.starts\\.child_without_descriptor")
sanitizer_skip("SIGQUIT ends a program at once, with its files open" "process\\.signals\\.quit")
sanitizer_skip("the child is a script, and the shell keeps descriptors open" "process\\.starts\\.child_leaves_.*")
sanitizer_skip("other users cannot write Valgrind's log, and a copy of /proc/self/exe is a copy of Valgrind"
    "fault\\.strangers\\.(region_under_attack|names_planted|results_planted|results_swapped|input_swapped)"
    "cli\\.(files-unreadable|output-unwritable-file)")
sanitizer_skip("the case would copy the launcher instead of the program" "cli\\.child-missing")
