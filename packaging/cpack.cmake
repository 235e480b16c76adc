# cpack.cmake - cpack reads this file before each of its generators. It sets the time stamp of all files in
# the packages and the dependencies of the Debian packages. ${SHMSUM_PROGRAMS} and ${SHMSUM_SHARED} are the
# built files.

# The time stamp is SOURCE_DATE_EPOCH, or else the date of the changelog.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/debian/changelog changed REGEX "^ -- " LIMIT_COUNT 1)
    string(REGEX REPLACE "^ -- .*>  " "" changed "${changed}")
    execute_process(COMMAND date -d "${changed}" +%s OUTPUT_VARIABLE epoch
        OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    set(ENV{SOURCE_DATE_EPOCH} ${epoch})
endif()
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/staged.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/packed.cmake)

# This function calls dpkg-shlibdeps, because cpack's own call would also add scripts that run ldconfig,
# although Debian has a trigger for that.
function(depends component)
    set(folder ${CPACK_PACKAGE_DIRECTORY}/_CPack_Packages/shlibdeps)
    file(WRITE ${folder}/debian/control "")
    # dpkg-shlibdeps warns that the files are not in the folder of a package; the warning is dropped.
    execute_process(COMMAND dpkg-shlibdeps -O ${ARGN} WORKING_DIRECTORY ${folder}
        OUTPUT_VARIABLE found ERROR_VARIABLE said RESULT_VARIABLE status)
    if(NOT status EQUAL 0 OR NOT found MATCHES "^shlibs:Depends=([^\n]+)")
        message(FATAL_ERROR "dpkg-shlibdeps: ${status}\n${said}${found}")
    endif()
    set(CPACK_DEBIAN_${component}_PACKAGE_DEPENDS "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()
if(CPACK_GENERATOR STREQUAL "DEB")
    depends(PROGRAMS ${SHMSUM_PROGRAMS})
    depends(LIBRARY ${SHMSUM_SHARED})
endif()
