# thread.cmake - ThreadSanitizer, which finds unordered accesses of two threads to the same memory, at least
# one of them a write. It observes one process and one mapping of the memory, so the tests of the channel
# with two threads over one mapping are the ones that matter. handle_segv=0, because tests kill programs
# with SIGSEGV.

list(APPEND sanitizer_flags -fsanitize=thread)
list(APPEND sanitizer_environment "TSAN_OPTIONS=log_path=${sanitizer_findings}/thread:handle_segv=0")
list(APPEND sanitizer_quick "unit\\.(channel|channel_threads|roles|stress_threads)")
sanitizer_skip("ThreadSanitizer does not follow programs that switch stacks"
    "fuzz-regression\\.channel_schedule")
sanitizer_skip("the hostile peer races on purpose" "fault\\.hostile")
sanitizer_skip("ThreadSanitizer cannot start with a limit of file size" "fault\\.limits\\.file_size_region")
