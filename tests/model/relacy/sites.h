/*
 * sites.h - is included before the first line of src/channel/channel.c when the model compiles it
 * (-include), so that the source stays unchanged. It replaces the copy of payload bytes and the
 * pause of a spin by calls of the engine, and names each ordered access for the engine.
 */
#ifndef SHMSUM_MODEL_SITES_H
#define SHMSUM_MODEL_SITES_H

#include <string.h>

#include "engine.h"

/* instead of src/channel/cpu_relax.h */
#define SHMSUM_SRC_CPU_RELAX_H
#define cpu_relax() engine_yield()

#undef memcpy
#define memcpy(to, from, size) engine_copy_out((to), (from), (size))
#include "channel/shared_word.h"
#undef memcpy

#define shared_load_acquire(...)                                     \
    (engine_site(__func__, "shared_load_acquire(" #__VA_ARGS__ ")"), \
     shared_load_acquire(__VA_ARGS__))
#define shared_exchange_release(...)                                     \
    (engine_site(__func__, "shared_exchange_release(" #__VA_ARGS__ ")"), \
     shared_exchange_release(__VA_ARGS__))
#define shared_or_release(...) \
    (engine_site(__func__, "shared_or_release(" #__VA_ARGS__ ")"), shared_or_release(__VA_ARGS__))

#endif
