# packed.cmake - cpack runs this last. It packs each package again, so that the bytes do not depend on the
# user, the umask, or the order in which the file system lists names.
get_filename_component(folder ${CPACK_TEMPORARY_DIRECTORY} NAME)
get_filename_component(above ${CPACK_TEMPORARY_DIRECTORY} DIRECTORY)
foreach(package IN LISTS CPACK_PACKAGE_FILES)
    if(CPACK_GENERATOR STREQUAL "TGZ")
        execute_process(
            COMMAND tar -C ${above} --format=gnu --sort=name --owner=0 --group=0 --numeric-owner
                -cf - ${folder}
            COMMAND gzip -9n
            OUTPUT_FILE ${package} COMMAND_ERROR_IS_FATAL ANY)
    else()
        file(REMOVE_RECURSE ${above}/again)
        execute_process(
            COMMAND sh -c [[umask 022
                dpkg-deb -R "$1" "$2" && dpkg-deb --root-owner-group -b "$2" "$1"]]
                sh ${package} ${above}/again
            OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    endif()
endforeach()
