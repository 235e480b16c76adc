# valgrind.cmake - Valgrind's memcheck: memory that is not ours, reads of what was never written,
# leaks of memory, and descriptors that are open at the end. It follows from program to program, so
# it sees both, and writes a log for each process. Programs of the system are not looked at; nor is
# what a process does between fork and exec, where it shares its parent's log.

find_program(VALGRIND valgrind REQUIRED)
list(APPEND sanitizer_launcher ${VALGRIND} --quiet --vgdb=no --leak-check=full
    --errors-for-leak-kinds=definite --show-leak-kinds=definite --track-fds=yes
    --trace-children=yes --trace-children-skip=/bin/*,/usr/bin/* --child-silent-after-fork=yes
    --error-exitcode=99 --log-file=${sanitizer_findings}/valgrind.%p)
# It is some twenty times slower than the program alone: fewer turns.
list(APPEND sanitizer_environment SHMSUM_SHORT_RUNS=10 SHMSUM_KILL_RUNS=10 SHMSUM_HANDOFFS=20000)
list(APPEND sanitizer_quick
    "unit\\.(region|results|job|options|diagnostic|decimal_sum)" "process\\.ends\\..*" "cli\\.(error|usage).*")
sanitizer_skip("Valgrind's own log takes the number of a descriptor that is closed"
    "cli\\.(input|output)-closed|process\\.starts\\.closed_.*")
sanitizer_skip("Valgrind does not know the seccomp call" "unit\\.sandbox")
sanitizer_skip("a signal that comes while Valgrind itself starts is lost" "process\\.soak\\.signal_runs")
sanitizer_skip("Valgrind's own log may not grow either" "fault\\.limits\\.file_size_.*")
sanitizer_skip("Valgrind raises the limit to descriptors" "process\\.starts\\.child_without_descriptor")
sanitizer_skip("SIGQUIT ends a program at once, with its files open" "process\\.signals\\.quit")
sanitizer_skip("the child is a script: the shell keeps descriptors" "process\\.starts\\.child_leaves_.*")
sanitizer_skip("other users cannot use Valgrind's log, and a copy of the test is one of Valgrind"
    "fault\\.strangers\\.(region_under_attack|names_planted|results_planted|results_swapped|input_swapped)"
    "cli\\.(files-unreadable|output-unwritable-file)")
sanitizer_skip("the copy of the program is one of what starts it" "cli\\.child-missing")
