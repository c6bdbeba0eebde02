/* The distances of the rows of a table, pair by pair: row 0 and all after it, row 1 and all after it ... */

#ifndef RL_DISTANCES_H
#define RL_DISTANCES_H

#include <math.h>
#include "lanes.h"

typedef struct {
    const void *x, *columns, *g, *distances;
    void *out;
    Py_ssize_t n, width;
    double p;
} rl_rows;

#define RL_AWAY(z) ((z) < 0 ? -(z) : (z))

/* Where the pairs of row i begin. */
static inline Py_ssize_t rl_pairs_before(Py_ssize_t n, Py_ssize_t i) { return i * n - i * (i + 1) / 2; }

/* Rows that are compared with one at a time, and differences that are summed before they join a sum of sums. */
#define RL_TOGETHER 32
#define RL_SHORT 64

#define RL_SUMS_OF_DISTANCES(T, TERM)                                                                          \
    for (Py_ssize_t k = 0; k < width; k += RL_SHORT) {                                                         \
        Py_ssize_t last = width - k < RL_SHORT ? width : k + RL_SHORT;                                         \
        T part[RL_TOGETHER];                                                                                   \
        for (int q = 0; q < RL_TOGETHER; q++) part[q] = 0;                                                     \
        for (Py_ssize_t l = k; l < last; l++) {                                                                \
            const T own = x[l], *others = columns + l * rows;                                                  \
            for (int q = 0; q < RL_TOGETHER; q++) { T z = own - others[q]; part[q] += TERM; }                  \
        }                                                                                                      \
        for (int q = 0; q < RL_TOGETHER; q++) sum[q] += part[q];                                               \
    }

#define DISTANCES(S, T)                                                                                        \
    static double rl_distance_##S(const T *x, const T *columns, Py_ssize_t width, Py_ssize_t rows, double p) { \
        double sum = 0;                                                                                        \
        for (Py_ssize_t i = 0; i < width; i++) {                                                               \
            double away = fabs((double)x[i] - columns[i * rows]);                                              \
            if (p == 0) sum += away != 0;                                                                      \
            else if (isinf(p)) sum = away > sum || away != away ? away : sum;                                  \
            else sum += pow(away, p);                                                                          \
        }                                                                                                      \
        return p == 0 || isinf(p) ? sum : pow(sum, 1 / p);                                                     \
    }                                                                                                          \
    /* The distances of x to RL_TOGETHER rows, of which `columns` has the first elements, then the second ... */ \
    RL_TWO_CLONES static void rl_together_##S(const T *x, const T *columns, Py_ssize_t width, Py_ssize_t rows, double p, T *out) { \
        T sum[RL_TOGETHER];                                                                                    \
        for (int q = 0; q < RL_TOGETHER; q++) sum[q] = 0;                                                      \
        if (p == 2) {                                                                                          \
            RL_SUMS_OF_DISTANCES(T, z * z)                                                                     \
            for (int q = 0; q < RL_TOGETHER; q++) out[q] = sizeof(T) == 4 ? sqrtf((float)sum[q]) : (T)sqrt(sum[q]); \
        } else if (p == 1) {                                                                                   \
            RL_SUMS_OF_DISTANCES(T, RL_AWAY(z))                                                                \
            for (int q = 0; q < RL_TOGETHER; q++) out[q] = sum[q];                                             \
        } else for (int q = 0; q < RL_TOGETHER; q++) out[q] = (T)rl_distance_##S(x, columns + q, width, rows, p); \
    }                                                                                                          \
    /* Rows [begin, end) with all after them; the columns have RL_TOGETHER rows of padding. */                 \
    static void rl_distances_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                               \
        const rl_rows *s = what;                                                                               \
        const T *x = s->x, *columns = s->columns;                                                              \
        for (Py_ssize_t i = begin; i < end; i++) {                                                             \
            T *out = (T *)s->out + rl_pairs_before(s->n, i), last[RL_TOGETHER];                                \
            for (Py_ssize_t j = i + 1; j < s->n; j += RL_TOGETHER, out += RL_TOGETHER) {                       \
                int whole = s->n - j >= RL_TOGETHER;                                                           \
                rl_together_##S(x + i * s->width, columns + j, s->width, s->n + RL_TOGETHER, s->p, whole ? out : last); \
                if (!whole) memcpy(out, last, (s->n - j) * sizeof(T));                                         \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_turn_##S(const T *x, Py_ssize_t n, Py_ssize_t width, T *columns) {                          \
        for (Py_ssize_t k = 0; k < width; k++, columns += n + RL_TOGETHER) {                                   \
            for (Py_ssize_t i = 0; i < n; i++) columns[i] = x[i * width + k];                                  \
            memset(columns + n, 0, RL_TOGETHER * sizeof(T));                                                   \
        }                                                                                                      \
    }                                                                                                          \
    /* out += g times the derivative by x of its distance to y. */                                             \
    RL_INLINE void rl_drawn_##S(const T *x, const T *y, Py_ssize_t n, double p, T g, T distance, T *out) { \
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
    RL_TWO_CLONES static void rl_through_distances_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                       \
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
