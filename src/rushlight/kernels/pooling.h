/* Pooling over windows of three dimensions, row by row of the output: each tap of the window is met along the whole row
   before the next, where it lies inside of the plane. */

#ifndef RL_POOLING_H
#define RL_POOLING_H

#include "product.h"
#include <math.h>
#include <stdint.h>

#define RL_TAPS 32

typedef struct {
    /* elements, windows, taps of a window, steps between windows and between taps, padding */
    Py_ssize_t n, size, kernel, stride, dilation, padding;
} rl_axis;

/* The first element that window i meets. */
static inline Py_ssize_t rl_first(const rl_axis *a, Py_ssize_t i) {
    Py_ssize_t at = i * a->stride - a->padding;
    return at < 0 ? at + (a->dilation - 1 - at) / a->dilation * a->dilation : at;
}

/* The windows lo <= k < hi along a that have their tap w inside. */
static void rl_inside(const rl_axis *a, Py_ssize_t *lo, Py_ssize_t *hi) {
    for (Py_ssize_t w = 0; w < a->kernel; w++) {
        Py_ssize_t o = w * a->dilation - a->padding, s = a->stride;
        lo[w] = o < 0 ? (s - 1 - o) / s : 0;
        hi[w] = o < a->n ? (a->n - o + s - 1) / s : 0;
        if (hi[w] > a->size) hi[w] = a->size;
    }
}

/* For each output row of each plane: BEFORE, then for each of its windows k and their tap at `row + at` BODY, then
   AFTER. */
#define RL_OVER_ROWS(BEFORE, BODY, AFTER)                                                                      \
    const rl_axis *a = axes, *b = axes + 1, *c = axes + 2;                                                     \
    Py_ssize_t lo[RL_TAPS], hi[RL_TAPS], s = c->stride, plane, i, j, k, u, v, w;                               \
    rl_inside(c, lo, hi);                                                                                      \
    for (plane = 0; plane < planes; plane++) {                                                                 \
        Py_ssize_t place = 0;                                                                                  \
        for (i = 0; i < a->size; i++)                                                                          \
            for (j = 0; j < b->size; j++) {                                                                    \
                BEFORE                                                                                         \
                for (u = 0; u < a->kernel; u++) {                                                              \
                    Py_ssize_t z = i * a->stride + u * a->dilation - a->padding;                               \
                    if (z < 0 || z >= a->n) continue;                                                          \
                    for (v = 0; v < b->kernel; v++) {                                                          \
                        Py_ssize_t y = j * b->stride + v * b->dilation - b->padding;                           \
                        if (y < 0 || y >= b->n) continue;                                                      \
                        for (w = 0; w < c->kernel; w++) {                                                      \
                            Py_ssize_t row = (z * b->n + y) * c->n + w * c->dilation - c->padding;             \
                            if (s == 1) for (k = lo[w]; k < hi[w]; k++) { Py_ssize_t at = row + k; BODY }      \
                            else if (s == 2) for (k = lo[w]; k < hi[w]; k++) { Py_ssize_t at = row + 2 * k; BODY }\
                            else for (k = lo[w]; k < hi[w]; k++) { Py_ssize_t at = row + s * k; BODY }         \
                        }                                                                                      \
                    }                                                                                          \
                }                                                                                              \
                AFTER                                                                                          \
                place += c->size;                                                                              \
            }                                                                                                  \
        x += a->n * b->n * c->n;                                                                               \
    }

/* The largest entry of each window, a nan above all, and its index in the plane. */
#define MAXIMA(NAME, T)                                                                                        \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict x, T *restrict values,\
                               int64_t *restrict indices) {                                                    \
        RL_OVER_ROWS(                                                                                          \
            for (k = 0; k < c->size; k++) {                                                                    \
                values[k] = -INFINITY;                                                                         \
                indices[k] = (rl_first(a, i) * b->n + rl_first(b, j)) * c->n + rl_first(c, k);                 \
            },                                                                                                 \
            T value = x[at]; T best = values[k]; int better = (value > best) | (value != value);               \
            values[k] = better ? value : best; indices[k] = better ? at : indices[k];,                         \
            values += c->size; indices += c->size;)                                                            \
    }
MAXIMA(rl_maxima_f4, float)
MAXIMA(rl_maxima_f8, double)

/* The sum of each window, divided by its count; `steps` is 0 where all have the same. */
#define AVERAGES(NAME, T)                                                                                      \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict x, const T *restrict counts,\
                               Py_ssize_t steps, T *restrict out) {                                            \
        RL_OVER_ROWS(                                                                                          \
            memset(out, 0, c->size * sizeof(T));,                                                              \
            out[k] += x[at];,                                                                                  \
            for (k = 0; k < c->size; k++) out[k] /= counts[(place + k) * steps];                               \
            out += c->size;)                                                                                   \
    }
AVERAGES(rl_averages_f4, float)
AVERAGES(rl_averages_f8, double)

/* Each entry of g divided by its count and added to all of its window in x. */
#define SPREAD(NAME, T)                                                                                        \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict g, const T *restrict counts,\
                               Py_ssize_t steps, T *restrict x) {                                              \
        RL_OVER_ROWS(                                                                                          \
            ,                                                                                                  \
            x[at] += g[k] / counts[(place + k) * steps];,                                                      \
            g += c->size;)                                                                                     \
    }
SPREAD(rl_spread_f4, float)
SPREAD(rl_spread_f8, double)

#endif
