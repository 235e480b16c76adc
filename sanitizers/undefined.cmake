# undefined.cmake - UndefinedBehaviorSanitizer, with further checks of clang: unsigned numbers that wrap,
# and numbers that a conversion without a cast changes. It reports a finding and continues, unless
# halt_on_error=1. handle_segv=0, because tests kill programs with SIGSEGV.

list(APPEND sanitizer_flags
    -fsanitize=undefined,integer,implicit-conversion,nullability,local-bounds,float-divide-by-zero
    -fsanitize-recover=all
    -fsanitize-ignorelist=${CMAKE_CURRENT_LIST_DIR}/undefined.ignorelist)
list(APPEND sanitizer_environment
    "UBSAN_OPTIONS=log_path=${sanitizer_findings}/undefined:print_stacktrace=1:handle_segv=0")
list(APPEND sanitizer_quick "unit\\..*" "fuzz-regression\\..*" "cli\\.(line|number|error|usage|ring).*")
