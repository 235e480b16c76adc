# sanitizers.cmake - settings of the tools in SHMSUM_SANITIZE for everything that is built and tested. Each
# TOOL.cmake adds to these lists:
#
#     sanitizer_flags        flags for compiling and linking
#     sanitizer_environment  NAME=VALUE for every test
#     sanitizer_launcher     the command that starts a program under test
#     sanitizer_quick        patterns for whole names of tests: the selection for CI (label quick)
#
# and calls sanitizer_skip for the tests that cannot run under the tool. A tool writes the findings of each
# process to a file of its own in sanitizer_findings. The test "sanitizers.findings" runs after all others
# and fails if there is a finding. So a finding counts even if no test checks the exit status of its process.

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
    sanitizer_skip("the test runs nothing that is built for the tool"
        "cli\\.(hardening|hardening-proof|run-script|source-rules|documented-tests)"
        "fuzz-regression\\.(seeds-are-generated|seeded-bugs-apply|documented|usage|build-script-.*)"
        "sanitizer\\.seeded-mistakes-apply")
    sanitizer_skip("the test measures time or memory, which the tool changes" "process\\.soak\\.(idle|long_line)")
endif()
foreach(tool IN LISTS SHMSUM_SANITIZE)
    include(${CMAKE_CURRENT_LIST_DIR}/${tool}.cmake)
endforeach()
