/*
 * decls.h - the two lines around the declarations of every header: C++ sees them as C, and the
 * shared library exports them and nothing else.
 *
 * All headers are for C11, and for C++11 and later. From C++ they hide the inside of a shared word
 * and the payload behind a slot (see region.h), which no user of the library needs.
 */
#ifndef SHMSUM_DECLS_H
#define SHMSUM_DECLS_H

#ifdef __cplusplus
#define SHMSUM_BEGIN_DECLS \
    extern "C" {           \
    _Pragma("GCC visibility push(default)")
#define SHMSUM_END_DECLS          \
    _Pragma("GCC visibility pop") \
    }
#else
#define SHMSUM_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define SHMSUM_END_DECLS _Pragma("GCC visibility pop")
#endif

#endif
