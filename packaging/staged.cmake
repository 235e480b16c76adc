# staged.cmake - cpack runs this when the files of a package are in its folder. It compresses the files that
# Debian policy wants compressed, and sets modes and times to fixed values.
function(run_find)
    execute_process(COMMAND find ${CPACK_TEMPORARY_DIRECTORY} ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run_find(-name "changelog*" -exec gzip -9n {} +)
run_find(-path "*/man/man*" -type f -exec gzip -9n {} +)
run_find(-name "*.gz" -exec chmod 644 {} +)
run_find(-type d -exec chmod 755 {} +)
run_find(-exec touch -h -d @$ENV{SOURCE_DATE_EPOCH} {} +)
