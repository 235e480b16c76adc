# sanitizers.cmake - what the tools of SHMSUM_SANITIZE want of everything that is built and tested.
# Each TOOL.cmake adds to:
#
#     sanitizer_flags        to compile and to link with
#     sanitizer_environment  NAME=VALUE, for every test
#     sanitizer_launcher     what a program that is tested is started through
#     sanitizer_quick        tests of its selection for CI (label quick): their whole name matches one
#
# and names, with sanitizer_skip, the tests that cannot run under it. Whatever a tool finds, in
# whichever process, it writes to a file of its own in sanitizer_findings. There the test
# "sanitizers.findings", which is run behind all others, looks: nobody has to notice an exit status.

set(sanitizer_findings ${PROJECT_BINARY_DIR}/findings)
set(sanitizer_flags "")
set(sanitizer_environment "")
set(sanitizer_launcher "")
set(sanitizer_quick "")
set(sanitizer_skips "")

# sanitizer_skip(REASON PATTERN...): tests whose whole name matches are skipped.
macro(sanitizer_skip reason)
    foreach(pattern ${ARGN})
        list(APPEND sanitizer_skips "^(${pattern})$" "${reason}")
    endforeach()
endmacro()

if(SHMSUM_SANITIZE)
    sanitizer_skip("runs nothing that was built for the tool"
        "cli\\.(hardening|hardening-proof|run-script|source-rules|documented-tests)"
        "fuzz-regression\\.(seeds-are-generated|seeded-bugs-apply|documented|usage|build-script)"
        "sanitizer\\.seeded-mistakes-apply")
    sanitizer_skip("measures time or memory, which are the tool's" "process\\.soak\\.(idle|long_line)")
endif()
foreach(tool IN LISTS SHMSUM_SANITIZE)
    include(${CMAKE_CURRENT_LIST_DIR}/${tool}.cmake)
endforeach()
