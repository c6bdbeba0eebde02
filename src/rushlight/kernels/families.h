/* Loops that keep many vectors in registers, compiled for each family of processors with the vectors that it has: of
   wider ones GCC keeps every one in memory. */

#ifndef RL_FAMILIES_H
#define RL_FAMILIES_H

#include "lanes.h"

/* Registers of 16, 32 and 64 bytes. */
typedef float rl_f4_16 __attribute__((vector_size(16)));
typedef float rl_f4_32 __attribute__((vector_size(32)));
typedef double rl_f8_16 __attribute__((vector_size(16)));
typedef double rl_f8_32 __attribute__((vector_size(32)));
#if defined(__clang__) || __GNUC__ >= 12
#define RL_SHUFFLES
#endif
#define RL_UNROLL _Pragma("GCC unroll 8")

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

/* The family whose loops run: `family` of parallel.pyx, which every module that includes this names here at import. */
RL_UNUSED static const int *rl_family;

/* DEFINE(KIND, TARGET, T, V, VECTORS, ...) for each family: V is a register, and a line of sums has VECTORS of them where
   there is room. RL_OF_FAMILY(rl_NAME_f4) is the one of rl_NAME_f4_v1, _v3 and _v4 that is to run. */
#ifdef RL_V4
#define RL_FOR_FAMILIES(DEFINE, S, T, ...)                                                                     \
    DEFINE(S##_v1, , T, rl_##S##_16, 2, ##__VA_ARGS__)                                                         \
    DEFINE(S##_v3, RL_V3, T, rl_##S##_32, 2, ##__VA_ARGS__)                                                    \
    DEFINE(S##_v4, RL_V4, T, rl_##S, 1, ##__VA_ARGS__)
#define RL_OF_FAMILY(NAME) (*rl_family > 1 ? NAME##_v4 : *rl_family ? NAME##_v3 : NAME##_v1)
#else
#ifdef __aarch64__
#define RL_FOR_FAMILIES(DEFINE, S, T, ...) DEFINE(S##_v1, , T, rl_##S##_16, 4, ##__VA_ARGS__)
#else
#define RL_FOR_FAMILIES(DEFINE, S, T, ...) DEFINE(S##_v1, , T, rl_##S##_16, 2, ##__VA_ARGS__)
#endif
#define RL_OF_FAMILY(NAME) NAME##_v1
#endif

#endif
