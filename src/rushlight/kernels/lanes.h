/* How loops are compiled that compute many numbers at once. */

#ifndef RL_LANES_H
#define RL_LANES_H

#include <Python.h>
#include <string.h>

/* One compilation per family of processors, chosen when the module is loaded. Families of
   loops that are many and seldom called do with two, which keeps the package small. */
#if defined(__GLIBC__) && defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12
#define RL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define RL_TWO_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define RL_CLONES
#define RL_TWO_CLONES
#endif

/* For a function of a header that not all who include it call. */
#ifdef __GNUC__
#define RL_UNUSED __attribute__((unused))
#else
#define RL_UNUSED
#endif

/* What loops of clones call: a function of its own would not be one of their vectors. */
#ifdef __GNUC__
#define RL_INLINE static inline __attribute__((always_inline))
#else
#define RL_INLINE static inline
#endif

/* W numbers, added and multiplied at once. */
#ifdef __GNUC__
typedef float rl_f4 __attribute__((vector_size(64)));
typedef double rl_f8 __attribute__((vector_size(64)));
#define RL_W(T) (64 / (Py_ssize_t)sizeof(T))
#else
typedef float rl_f4;
typedef double rl_f8;
#define RL_W(T) 1
#endif

#endif
