/* Sums of rows of numbers, many at once, for the normalizations. Lanes are added up every RL_RUN numbers in double
   precision, so that rounding does not grow with the length of a row. */

#ifndef RL_NORMAL_H
#define RL_NORMAL_H

#include "lanes.h"

#define RL_RUN 1024

/* The sum over i < n of TERM, an expression in i. */
#define RL_TOTAL(T, RESULT, TERM)                                                                              \
    {                                                                                                          \
        double total = 0;                                                                                      \
        for (Py_ssize_t start = 0; start < n; start += RL_RUN) {                                               \
            Py_ssize_t end = n - start < RL_RUN ? n : start + RL_RUN, i = start;                               \
            T lanes[16] = {0}, rest = 0;                                                                       \
            for (; i + 16 <= end; i += 16) {                                                                   \
                const Py_ssize_t first = i;                                                                    \
                for (int q = 0; q < 16; q++) {                                                                 \
                    const Py_ssize_t i = first + q;                                                            \
                    lanes[q] += TERM;                                                                          \
                }                                                                                              \
            }                                                                                                  \
            for (; i < end; i++) rest += TERM;                                                                 \
            for (int half = 8; half > 0; half /= 2)                                                            \
                for (int q = 0; q < half; q++) lanes[q] += lanes[q + half];                                    \
            total += (double)lanes[0] + (double)rest;                                                          \
        }                                                                                                      \
        RESULT = total;                                                                                        \
    }

#define NORMAL(T, S)                                                                                           \
    /* The sum of x, of the squares of its distance from `centre`, and of g and g times that distance. */      \
    RL_CLONES static double rl_sum_##S(const T *x, Py_ssize_t n) {                                             \
        double result;                                                                                         \
        RL_TOTAL(T, result, x[i])                                                                              \
        return result;                                                                                         \
    }                                                                                                          \
    RL_CLONES static double rl_spread_##S(const T *x, Py_ssize_t n, T centre) {                                \
        double result;                                                                                         \
        RL_TOTAL(T, result, (x[i] - centre) * (x[i] - centre))                                                 \
        return result;                                                                                         \
    }                                                                                                          \
    RL_CLONES static double rl_along_##S(const T *g, const T *x, Py_ssize_t n, T centre) {                     \
        double result;                                                                                         \
        RL_TOTAL(T, result, g[i] * (x[i] - centre))                                                            \
        return result;                                                                                         \
    }                                                                                                          \
    /* out = (x - centre) * scale + shift. */                                                                  \
    RL_CLONES static void rl_scale_##S(const T *x, Py_ssize_t n, T centre, T scale, T shift, T *out) {         \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale + shift;                           \
    }                                                                                                          \
    /* out = (x - centre) * scale * weight + bias, entry by entry; either may be missing. */                   \
    RL_CLONES static void rl_affine_##S(const T *x, Py_ssize_t n, T centre, T scale, const T *weight,          \
                                        const T *bias, T *out) {                                               \
        if (weight && bias)                                                                                    \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale * weight[i] + bias[i];         \
        else if (weight)                                                                                       \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale * weight[i];                   \
        else                                                                                                   \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale + (bias ? bias[i] : 0);        \
    }                                                                                                          \
    /* out = g * a + (x - centre) * b + c. */                                                                  \
    RL_CLONES static void rl_back_##S(const T *g, const T *x, Py_ssize_t n, T centre, T a, T b, T c, T *out) { \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = g[i] * a + (x[i] - centre) * b + c;                        \
    }                                                                                                          \
    /* to = g * weight; gw += g * (x - centre) * scale and gb += g, where they are wanted. */                  \
    RL_CLONES static void rl_weighted_##S(const T *g, const T *x, const T *weight, Py_ssize_t n, T centre,     \
                                          T scale, T *to, T *gw, T *gb) {                                      \
        if (weight) for (Py_ssize_t i = 0; i < n; i++) to[i] = g[i] * weight[i];                               \
        if (gw) for (Py_ssize_t i = 0; i < n; i++) gw[i] += g[i] * (x[i] - centre) * scale;                    \
        if (gb) for (Py_ssize_t i = 0; i < n; i++) gb[i] += g[i];                                              \
    }
NORMAL(float, f4)
NORMAL(double, f8)

#endif
