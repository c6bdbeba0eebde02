/* How loops are compiled that compute many numbers at once.

   Kernels are written in GNU C, for its vectors and atomic instructions: GCC compiles them, and Clang, also as clang-cl. */

#ifndef RL_LANES_H
#define RL_LANES_H

#include <Python.h>
#include <stdint.h>
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
#define RL_UNUSED __attribute__((unused))

/* What loops of clones call: a function of its own would not be one of their vectors. */
#define RL_INLINE static inline __attribute__((always_inline))

/* W numbers, added and multiplied at once. */
typedef float rl_f4 __attribute__((vector_size(64)));
typedef double rl_f8 __attribute__((vector_size(64)));
#define RL_W(T) (64 / (Py_ssize_t)sizeof(T))

/* memcpy. Where a target lies up to 64 bytes beyond its source within their pages of 4 KB, a loop instead: the string
   instructions that C libraries take from 2 KB on need 14 times as long then on AMD's processors (glibc 2.36, Zen 4). */
RL_UNUSED static void rl_copy(char *to, const char *from, Py_ssize_t n) {
#ifdef __GNUC__
    typedef char rl_v32 __attribute__((vector_size(32), aligned(1), may_alias));
    if (n >= 2048 && (((uintptr_t)to - (uintptr_t)from - 1) & 4095) < 63) {
        Py_ssize_t ahead = -(uintptr_t)to & 63;
        memcpy(to, from, ahead);
        to += ahead; from += ahead; n -= ahead;
        for (; n >= 128; n -= 128, to += 128, from += 128) {
            const rl_v32 *a = (const rl_v32 *)from;
            rl_v32 *o = (rl_v32 *)to, p = a[0], q = a[1], r = a[2], s = a[3];
            o[0] = p; o[1] = q; o[2] = r; o[3] = s;
        }
    }
#endif
    memcpy(to, from, n);
}

#endif
