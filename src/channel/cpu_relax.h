/* cpu_relax.h - the hint to the CPU that a loop is spinning. */
#ifndef SHMSUM_SRC_CPU_RELAX_H
#define SHMSUM_SRC_CPU_RELAX_H

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif
