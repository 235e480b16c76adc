# staged.cmake - what cpack runs when the files of its packages stand in their places: compresses
# what Debian wants compressed, and makes modes and times those of every other build.
function(run_find)
    execute_process(COMMAND find ${CPACK_TEMPORARY_DIRECTORY} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run_find(-name "changelog*" -exec gzip -9n {} +)
run_find(-path "*/man/man*" -type f -exec gzip -9n {} +)
run_find(-name "*.gz" -exec chmod 644 {} +)
run_find(-type d -exec chmod 755 {} +)
run_find(-exec touch -h -d @$ENV{SOURCE_DATE_EPOCH} {} +)
