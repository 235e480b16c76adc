# find_package(shmsum): the targets shmsum::shmsum (shared) and shmsum::shmsum_static.
include(${CMAKE_CURRENT_LIST_DIR}/shmsumTargets.cmake)
