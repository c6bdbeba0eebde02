/* The distances of the rows of a table, pair by pair: row 0 and all after it, row 1 and all after it ... */

#ifndef RL_DISTANCES_H
#define RL_DISTANCES_H

#include <math.h>
#include "normal.h"

typedef struct {
    const void *x, *g, *distances;
    void *out;
    Py_ssize_t n, width;
    double p;
} rl_rows;

#define RL_AWAY(z) ((z) < 0 ? -(z) : (z))

/* Where the pairs of row i begin. */
static inline Py_ssize_t rl_pairs_before(Py_ssize_t n, Py_ssize_t i) { return i * n - i * (i + 1) / 2; }

#define DISTANCES(S, T)                                                                                        \
    RL_CLONES static double rl_distance_##S(const T *x, const T *y, Py_ssize_t n, double p) {                  \
        double sum = 0;                                                                                        \
        if (p == 2) {                                                                                          \
            RL_TOTAL(T, sum, (x[i] - y[i]) * (x[i] - y[i]))                                                    \
            return sqrt(sum);                                                                                  \
        }                                                                                                      \
        if (p == 1) {                                                                                          \
            RL_TOTAL(T, sum, RL_AWAY(x[i] - y[i]))                                                             \
            return sum;                                                                                        \
        }                                                                                                      \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                   \
            double away = RL_AWAY(x[i] - y[i]);                                                                \
            if (p == 0) sum += away != 0;                                                                      \
            else if (isinf(p)) sum = away > sum || away != away ? away : sum;                                  \
            else sum += pow(away, p);                                                                          \
        }                                                                                                      \
        return p == 0 || isinf(p) ? sum : pow(sum, 1 / p);                                                     \
    }                                                                                                          \
    static void rl_distances_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                               \
        const rl_rows *s = what;                                                                               \
        const T *x = s->x;                                                                                     \
        for (Py_ssize_t i = begin; i < end; i++) {                                                             \
            T *out = (T *)s->out + rl_pairs_before(s->n, i);                                                   \
            for (Py_ssize_t j = i + 1; j < s->n; j++)                                                          \
                *out++ = (T)rl_distance_##S(x + i * s->width, x + j * s->width, s->width, s->p);               \
        }                                                                                                      \
    }                                                                                                          \
    /* out += g times the derivative by x of its distance to y. */                                             \
    RL_CLONES static void rl_drawn_##S(const T *x, const T *y, Py_ssize_t n, double p, T g, T distance, T *out) { \
        if (p == 2) {                                                                                          \
            T by = distance == 0 ? 0 : g / distance;                                                           \
            for (Py_ssize_t i = 0; i < n; i++) out[i] += by * (x[i] - y[i]);                                   \
        } else if (p == 1) {                                                                                   \
            for (Py_ssize_t i = 0; i < n; i++) out[i] += g * (T)((x[i] > y[i]) - (x[i] < y[i]));               \
        } else if (isinf(p)) {                                                                                 \
            for (Py_ssize_t i = 0; i < n; i++)                                                                 \
                out[i] += RL_AWAY(x[i] - y[i]) == distance ? g * (T)((x[i] > y[i]) - (x[i] < y[i])) : 0;       \
        } else if (p != 0 && distance != 0) {                                                                  \
            for (Py_ssize_t i = 0; i < n; i++) {                                                               \
                T away = x[i] - y[i];                                                                          \
                if (away != 0) out[i] += (away < 0 ? -g : g) * (T)pow(RL_AWAY(away) / distance, p - 1);        \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_through_distances_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                       \
        const rl_rows *s = what;                                                                               \
        const T *x = s->x;                                                                                     \
        for (Py_ssize_t i = begin; i < end; i++) {                                                             \
            T *out = (T *)s->out + i * s->width;                                                               \
            memset(out, 0, s->width * sizeof(T));                                                              \
            for (Py_ssize_t j = 0; j < s->n; j++) {                                                            \
                if (j == i) continue;                                                                          \
                Py_ssize_t pair = j > i ? rl_pairs_before(s->n, i) + j - i - 1 : rl_pairs_before(s->n, j) + i - j - 1; \
                rl_drawn_##S(x + i * s->width, x + j * s->width, s->width, s->p, ((const T *)s->g)[pair],      \
                             ((const T *)s->distances)[pair], out);                                            \
            }                                                                                                  \
        }                                                                                                      \
    }
DISTANCES(f4, float)
DISTANCES(f8, double)

#endif
