/* Sums and maxima of rows of a table, bag by bag: the rows named from one start to the next. */

#ifndef RL_BAGS_H
#define RL_BAGS_H

#include <stdint.h>
#include "families.h"

/* Rows that are summed in their own type, before they join a sum of doubles. */
#define RL_FEW 16
typedef struct {
    const void *table, *factors;
    void *out;
    const int64_t *index, *starts;
    int64_t *winners;
    Py_ssize_t rows, width, count, bags;
    int outside;
} rl_bags;

/* n vectors V of the columns of a bag. */
#define RL_BAG(NAME, TARGET, T, V, MOST)                                                                       \
    TARGET RL_INLINE void NAME(const rl_bags *s, Py_ssize_t first, Py_ssize_t last, Py_ssize_t column, const int n, \
                               T *out) {                                                                       \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                            \
        const T *table = (const T *)s->table + column, *factors = s->factors;                                  \
        const int many = last - first > RL_FEW, most = MOST;                                                   \
        V few[MOST], u;                                                                                        \
        T lanes[sizeof(V) / sizeof(T)];                                                                        \
        double sum[(MOST) * sizeof(V) / sizeof(T)];                                                            \
        for (int q = 0; q < most * N; q++) sum[q] = 0;                                                         \
        do {                                                                                                   \
            const Py_ssize_t end = last - first < RL_FEW ? last : first + RL_FEW;                              \
            RL_UNROLL for (int q = 0; q < most; q++) few[q] = (V){0};                                          \
            for (; first < end; first++) {                                                                     \
                const T *row = table + s->index[first] * s->width;                                             \
                if (factors)                                                                                   \
                    RL_UNROLL for (int q = 0; q < n; q++) {                                                    \
                        memcpy(&u, row + q * N, sizeof u);                                                     \
                        few[q] += factors[first] * u;                                                          \
                    }                                                                                          \
                else                                                                                           \
                    RL_UNROLL for (int q = 0; q < n; q++) {                                                    \
                        memcpy(&u, row + q * N, sizeof u);                                                     \
                        few[q] += u;                                                                           \
                    }                                                                                          \
            }                                                                                                  \
            if (!many) break;                                                                                  \
            RL_UNROLL for (int q = 0; q < n; q++) {                                                            \
                memcpy(lanes, &few[q], sizeof u);                                                              \
                for (int l = 0; l < N; l++) sum[q * N + l] += lanes[l];                                        \
            }                                                                                                  \
        } while (first < last);                                                                                \
        if (many) for (int q = 0; q < n * N; q++) out[q] = (T)sum[q];                                          \
        else RL_UNROLL for (int q = 0; q < n; q++) memcpy(out + q * N, &few[q], sizeof u);                     \
    }

/* The last columns are summed twice where they are no whole vector. */
#define RL_BAGS(KIND, TARGET, T, V, VECTORS)                                                                   \
    RL_BAG(rl_bag_##KIND, TARGET, T, V, 2 * VECTORS)                                                           \
    RL_BAG(rl_narrow_bag_##KIND, TARGET, T, T, sizeof(V) / sizeof(T))                                          \
    TARGET static void rl_bags_##KIND(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        rl_bags *s = what;                                                                                     \
        const Py_ssize_t N = sizeof(V) / sizeof(T), width = s->width, block = 2 * VECTORS * N;                 \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            T *out = (T *)s->out + b * width;                                                                  \
            Py_ssize_t first = s->starts[b], last = b + 1 < s->bags ? s->starts[b + 1] : s->count, column = 0; \
            for (Py_ssize_t k = first; k < last; k++)                                                          \
                if ((uint64_t)s->index[k] >= (uint64_t)s->rows) { s->outside = 1; return; }                    \
            if (width < N) {                                                                                   \
                if (width) rl_narrow_bag_##KIND(s, first, last, 0, (int)width, out);                           \
                continue;                                                                                      \
            }                                                                                                  \
            for (; column + block <= width; column += block)                                                   \
                rl_bag_##KIND(s, first, last, column, 2 * VECTORS, out + column);                              \
            for (; column + N <= width; column += N) rl_bag_##KIND(s, first, last, column, 1, out + column);   \
            if (column < width) rl_bag_##KIND(s, first, last, width - N, 1, out + width - N);                  \
        }                                                                                                      \
    }
RL_FOR_FAMILIES(RL_BAGS, f4, float)
RL_FOR_FAMILIES(RL_BAGS, f8, double)
#define rl_bags_f4 RL_OF_FAMILY(rl_bags_f4)
#define rl_bags_f8 RL_OF_FAMILY(rl_bags_f8)

/* The first of the largest, or the first nan; zeros and row -1 for an empty bag. */
#define RL_BAG_MAXIMA(S, T)                                                                                    \
    RL_TWO_CLONES static void rl_maxima_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                        \
        rl_bags *s = what;                                                                                     \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            T *restrict out = (T *)s->out + b * s->width;                                                      \
            int64_t *restrict winners = s->winners + b * s->width;                                             \
            const Py_ssize_t first = s->starts[b], last = b + 1 < s->bags ? s->starts[b + 1] : s->count;       \
            for (Py_ssize_t q = 0; q < s->width; q++) out[q] = 0, winners[q] = -1;                             \
            for (Py_ssize_t k = first; k < last; k++) {                                                        \
                const int64_t at = s->index[k];                                                                \
                if ((uint64_t)at >= (uint64_t)s->rows) { s->outside = 1; return; }                             \
                const T *restrict row = (const T *)s->table + at * s->width;                                   \
                for (Py_ssize_t q = 0; q < s->width; q++) {                                                    \
                    const T v = row[q], best = out[q];                                                         \
                    const int better = (k == first) | (v > best) | ((v != v) & (best == best));                \
                    out[q] = better ? v : best;                                                                \
                    winners[q] = better ? at : winners[q];                                                     \
                }                                                                                              \
            }                                                                                                  \
        }                                                                                                      \
    }
RL_BAG_MAXIMA(f4, float)
RL_BAG_MAXIMA(f8, double)

#endif
