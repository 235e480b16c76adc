# memory.cmake - MemorySanitizer, which finds decisions that depend on memory that was never written.
# handle_segv=0, because tests kill programs with SIGSEGV.

list(APPEND sanitizer_flags -fsanitize=memory -fsanitize-memory-track-origins)
list(APPEND sanitizer_environment "MSAN_OPTIONS=log_path=${sanitizer_findings}/memory:handle_segv=0")

# Wrappers for functions whose writes MemorySanitizer does not observe; see the sources.
if(SHMSUM_TESTS OR SHMSUM_FUZZ)
    add_library(sanitizer_memory STATIC
        ${CMAKE_CURRENT_LIST_DIR}/memory/files.c ${CMAKE_CURRENT_LIST_DIR}/memory/gmp.c)
    target_compile_options(sanitizer_memory PRIVATE ${sanitizer_flags})
    find_library(GMP_LIBRARY gmp REQUIRED)
    target_link_libraries(sanitizer_memory PRIVATE ${GMP_LIBRARY}) # a static libgmp has to come after it
    foreach(name stat64 fstat64 lstat64 __gmpz_init __gmpz_inits __gmpz_init_set __gmpz_init_set_si
                 __gmpz_init_set_str __gmpz_get_str)
        target_link_options(sanitizer_memory INTERFACE -Wl,--wrap=${name})
    endforeach()
    target_link_libraries(shmsum_flags INTERFACE sanitizer_memory)
endif()
list(APPEND sanitizer_quick "unit\\..*" "fuzz-regression\\..*" "cli\\.(line|number|error|usage|ring).*")
sanitizer_skip("programs built elsewhere are not linked with the wraps above" "package\\.library")
