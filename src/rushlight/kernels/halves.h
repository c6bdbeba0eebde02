/* Numbers of 16 bits: IEEE 754's binary16, and the upper half of binary32 (bfloat16). Loops of float32 take them by blocks
   that stay in the nearest cache: brought to float32, computed with, and rounded once, to nearest, ties to even. */

#ifndef RL_HALVES_H
#define RL_HALVES_H

#include <Python.h>
#include <stdint.h>

#include "kernels/lanes.h"

#if defined(__x86_64__) && !defined(RL_INTRINSICS)
#include <immintrin.h>
#define RL_INTRINSICS
#endif

/* Numbers of a block. */
#define RL_HALVES 512
enum { RL_BINARY16 = 1, RL_BFLOAT16 = 2 };

static inline float rl_as_float(uint32_t bits) { float f; memcpy(&f, &bits, 4); return f; }
static inline uint32_t rl_as_bits(float f) { uint32_t bits; memcpy(&bits, &f, 4); return bits; }

static inline float rl_from_half(uint16_t h) {
    uint32_t exponent = h & 0x7C00, shifted = (uint32_t)(h & 0x7FFF) << 13;
    /* Read as binary32 the exponent is 112 too small, for subnormal numbers as well: a product sets that right. */
    uint32_t bits = rl_as_bits(rl_as_float(shifted) * 5.192296858534828e33f);
    bits = exponent == 0x7C00 ? bits | 0x7F800000 : bits;
    return rl_as_float(bits | (uint32_t)(h & 0x8000) << 16);
}

static inline uint16_t rl_to_half(float f) {
    uint32_t bits = rl_as_bits(f), size = bits & 0x7FFFFFFF, sign = bits >> 16 & 0x8000;
    uint32_t normal = (size - 0x38000000 + 0xFFF + (size >> 13 & 1)) >> 13;
    /* Added to 1/2, a number below 2^-14 is rounded to a multiple of 2^-24, the smallest of the format. */
    uint32_t small = rl_as_bits(rl_as_float(size) + 0.5f) - 0x3F000000;
    uint32_t large = size > 0x7F800000 ? 0x7E00 | (size >> 13 & 0x3FF) : 0x7C00;
    uint32_t out = size < 0x38800000 ? small : normal;
    return (uint16_t)((size >= 0x47800000 ? large : out) | sign);
}

static inline float rl_from_brain(uint16_t h) { return rl_as_float((uint32_t)h << 16); }

static inline uint16_t rl_to_brain(float f) {
    uint32_t bits = rl_as_bits(f), rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7FFFFFFF) > 0x7F800000 ? (bits >> 16 & 0x8000) | 0x7FC0 : rounded);
}

/* Most processors have instructions for half precision; Windows's C library cannot say whether this one has. */
#if defined(RL_INTRINSICS) && !defined(_WIN32)
__attribute__((target("avx,f16c"))) RL_UNUSED static void rl_halves(uint16_t *o, const float *a, Py_ssize_t n) {
    Py_ssize_t i = 0;
    for (; i + 8 <= n; i += 8) _mm_storeu_si128((__m128i *)(o + i), _mm256_cvtps_ph(_mm256_loadu_ps(a + i), 0));
    for (; i < n; i++) o[i] = rl_to_half(a[i]);
}
__attribute__((target("avx,f16c"))) RL_UNUSED static void rl_floats(float *o, const uint16_t *a, Py_ssize_t n) {
    Py_ssize_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(o + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(a + i))));
    for (; i < n; i++) o[i] = rl_from_half(a[i]);
}
RL_UNUSED static int rl_has_f16c(void) { return __builtin_cpu_supports("avx2"); }
#else
RL_UNUSED static void rl_halves(uint16_t *o, const float *a, Py_ssize_t n) { (void)o; (void)a; (void)n; }
RL_UNUSED static void rl_floats(float *o, const uint16_t *a, Py_ssize_t n) { (void)o; (void)a; (void)n; }
RL_UNUSED static int rl_has_f16c(void) { return 0; }
#endif

RL_CLONES static void rl_brains(uint16_t *o, const float *a, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++) o[i] = rl_to_brain(a[i]);
}
RL_CLONES static void rl_brain_floats(float *o, const uint16_t *a, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++) o[i] = rl_from_brain(a[i]);
}
RL_CLONES static void rl_soft_halves(uint16_t *o, const float *a, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++) o[i] = rl_to_half(a[i]);
}
RL_CLONES static void rl_soft_floats(float *o, const uint16_t *a, Py_ssize_t n) {
    for (Py_ssize_t i = 0; i < n; i++) o[i] = rl_from_half(a[i]);
}

RL_UNUSED static void rl_half_load(int kind, const void *from, float *to, Py_ssize_t n) {
    if (kind == RL_BFLOAT16) rl_brain_floats(to, (const uint16_t *)from, n);
    else if (rl_has_f16c()) rl_floats(to, (const uint16_t *)from, n);
    else rl_soft_floats(to, (const uint16_t *)from, n);
}

RL_UNUSED static void rl_half_store(int kind, const float *from, void *to, Py_ssize_t n) {
    if (kind == RL_BFLOAT16) rl_brains((uint16_t *)to, from, n);
    else if (rl_has_f16c()) rl_halves((uint16_t *)to, from, n);
    else rl_soft_halves((uint16_t *)to, from, n);
}

/* A loop over two operands of float32, each of step 1, or 0 for one number, over numbers of 16 bits. With `number` a y of
   step 0 is a float32; with `truth` the result is of bytes. */
RL_UNUSED static void rl_half_loop2(void (*loop)(const void *, int, const void *, int, void *, Py_ssize_t), int kind,
                                    int number, int truth, const char *x, int sx, const char *y, int sy, char *out,
                                    Py_ssize_t n) {
    float a[RL_HALVES], b[RL_HALVES], o[RL_HALVES];
    if (!sx) rl_half_load(kind, x, a, 1);
    if (!sy && number) memcpy(b, y, sizeof(float));
    else if (!sy) rl_half_load(kind, y, b, 1);
    for (Py_ssize_t i = 0; i < n; i += RL_HALVES) {
        Py_ssize_t m = n - i < RL_HALVES ? n - i : RL_HALVES;
        if (sx) rl_half_load(kind, x + 2 * i, a, m);
        if (sy) rl_half_load(kind, y + 2 * i, b, m);
        loop(a, sx, b, sy, truth ? (void *)(out + i) : (void *)o, m);
        if (!truth) rl_half_store(kind, o, out + 2 * i, m);
    }
}

#endif
