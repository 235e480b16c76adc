# thread.cmake - ThreadSanitizer: two threads at the same memory, one of them writing, that nothing
# orders. It looks at one process, and at one address of the memory: the channel under two threads
# over one mapping is what it is for. handle_segv=0: tests kill programs with SIGSEGV.

list(APPEND sanitizer_flags -fsanitize=thread)
list(APPEND sanitizer_environment "TSAN_OPTIONS=log_path=${sanitizer_findings}/thread:handle_segv=0")
list(APPEND sanitizer_quick "unit\\.(channel|channel_threads|roles|stress_threads)")
sanitizer_skip("ThreadSanitizer does not follow programs that change stacks by themselves"
    "fuzz-regression\\.channel_schedule")
sanitizer_skip("the hostile peer races on purpose" "fault\\.hostile")
sanitizer_skip("ThreadSanitizer cannot start where no file may grow" "fault\\.limits\\.file_size_region")
