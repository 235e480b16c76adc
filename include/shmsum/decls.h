/*
 * decls.h - what stands around the declarations of every header: to C++ they are C, and the shared
 * library exports them, and nothing else.
 *
 * All headers are for C11 and for C++11 and later. C++ sees one thing less: what is inside a word
 * that another process may change, and behind a slot (see region.h). No user of the library has to
 * look there.
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
