/* The dot product of two runs of float32: a few products in float32, which are then added in float64. */

#ifndef RL_DOT_H
#define RL_DOT_H

#include "tiles.h"

/* Numbers in a part, of which each is a thread's. */
#define RL_DOT_PART ((Py_ssize_t)16384)

typedef struct { const float *a, *b; double *parts; Py_ssize_t n; } rl_dot;

/* Steps are parts. Each lane adds 16 products before they join the total. */
#define RL_DOT_PARTS(KIND, TARGET, T, V, VECTORS)                                                              \
    TARGET static void rl_dot_parts_##KIND(void *what, Py_ssize_t begin, Py_ssize_t end) {                     \
        const rl_dot *d = (const rl_dot *)what;                                                                \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                            \
        for (Py_ssize_t part = begin; part < end; part++) {                                                    \
            Py_ssize_t i = part * RL_DOT_PART, last = RL_LEAST(i + RL_DOT_PART, d->n);                         \
            double total = 0;                                                                                  \
            while (i + 4 * VECTORS * N <= last) {                                                              \
                V x, y, s[4 * VECTORS];                                                                        \
                T lanes[4 * VECTORS * sizeof(V) / sizeof(T)];                                                  \
                RL_UNROLL for (int k = 0; k < 4 * VECTORS; k++) s[k] = (V){0};                                 \
                for (int step = 0; step < 16 && i + 4 * VECTORS * N <= last; step++, i += 4 * VECTORS * N)     \
                    RL_UNROLL for (int k = 0; k < 4 * VECTORS; k++) {                                          \
                        memcpy(&x, d->a + i + k * N, sizeof x);                                                \
                        memcpy(&y, d->b + i + k * N, sizeof y);                                                \
                        s[k] += x * y;                                                                         \
                    }                                                                                          \
                RL_UNROLL for (int k = 0; k < 4 * VECTORS; k++) memcpy(lanes + k * N, &s[k], sizeof x);        \
                double few[8] = {0};                                                                           \
                for (int k = 0; k < 4 * VECTORS * N; k++) few[k % 8] += lanes[k];                              \
                total += ((few[0] + few[1]) + (few[2] + few[3])) + ((few[4] + few[5]) + (few[6] + few[7]));    \
            }                                                                                                  \
            for (; i < last; i++) total += (double)d->a[i] * d->b[i];                                          \
            d->parts[part] = total;                                                                            \
        }                                                                                                      \
    }
RL_FOR_FAMILIES(RL_DOT_PARTS, f4, float)
#define rl_dot_parts RL_OF_FAMILY(rl_dot_parts_f4)

static float rl_dot_total(const rl_dot *d) {
    double total = 0;
    for (Py_ssize_t part = 0; part * RL_DOT_PART < d->n; part++) total += d->parts[part];
    return (float)total;
}

#endif
