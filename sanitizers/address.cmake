# address.cmake - AddressSanitizer, which finds accesses outside of objects and after their end; and
# LeakSanitizer, which finds lost memory when a program ends.

list(APPEND sanitizer_flags -fsanitize=address)
list(APPEND sanitizer_environment
    "ASAN_OPTIONS=log_path=${sanitizer_findings}/address:detect_leaks=1:detect_stack_use_after_return=1")
list(APPEND sanitizer_quick
    "unit\\..*" "fuzz-regression\\..*" "cli\\..*" "process\\.(ends|starts|space)\\..*")
sanitizer_skip("LeakSanitizer, which traces its own process, needs /proc of the same pid namespace"
    "process\\.starts\\.pid_namespace.*" "process\\.deaths\\.parent_before_.*_in_namespace")
