/* Loops that keep many vectors in registers, compiled for each family of processors with the vectors that it has: of
   wider ones GCC keeps every one in memory. */

#ifndef RL_FAMILIES_H
#define RL_FAMILIES_H

#include "lanes.h"

/* Registers of 16, 32 and 64 bytes. */
#ifdef __GNUC__
typedef float rl_f4_16 __attribute__((vector_size(16)));
typedef float rl_f4_32 __attribute__((vector_size(32)));
typedef double rl_f8_16 __attribute__((vector_size(16)));
typedef double rl_f8_32 __attribute__((vector_size(32)));
#if defined(__clang__) || __GNUC__ >= 12
#define RL_SHUFFLES
#endif
#else
typedef float rl_f4_16;
typedef double rl_f8_16;
#endif

/* Of families 0, 1 (v3) and 2 (v4) the newest that this processor is of. */
#if defined(__GLIBC__) && defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12
#define RL_V3 __attribute__((target("arch=x86-64-v3")))
#define RL_V4 __attribute__((target("arch=x86-64-v4")))
RL_UNUSED static int rl_newest_family(void) {
    return __builtin_cpu_supports("x86-64-v4") ? 2 : __builtin_cpu_supports("x86-64-v3") ? 1 : 0;
}
#else
RL_UNUSED static int rl_newest_family(void) { return 0; }
#endif

#endif
