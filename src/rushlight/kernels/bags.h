/* Sums and maxima of rows of a table, bag by bag: the rows named from one start to the next. */

#ifndef RL_BAGS_H
#define RL_BAGS_H

#include <stdint.h>
#include "lanes.h"

/* Rows that are summed in their own type, before they join a sum of doubles. */
#define RL_FEW 16
/* Columns that are summed in registers. */
#define RL_COLUMNS 16

typedef struct {
    const void *table, *factors;
    void *out;
    const int64_t *index, *starts;
    int64_t *winners;
    Py_ssize_t rows, width, count, bags;
    int outside;
} rl_bags;

#define RL_BAGS(S, T)                                                                                          \
    RL_INLINE void rl_bag_##S(const rl_bags *s, Py_ssize_t first, Py_ssize_t last, Py_ssize_t column, int n, T *out) { \
        const T *table = (const T *)s->table + column, *factors = s->factors;                                  \
        double sum[RL_COLUMNS];                                                                                \
        T few[RL_COLUMNS];                                                                                     \
        for (int q = 0; q < n; q++) sum[q] = 0;                                                                \
        while (first < last) {                                                                                 \
            const Py_ssize_t end = last - first < RL_FEW ? last : first + RL_FEW;                              \
            for (int q = 0; q < n; q++) few[q] = 0;                                                            \
            if (factors)                                                                                       \
                for (; first < end; first++)                                                                   \
                    for (int q = 0; q < n; q++) few[q] += factors[first] * table[s->index[first] * s->width + q]; \
            else                                                                                               \
                for (; first < end; first++)                                                                   \
                    for (int q = 0; q < n; q++) few[q] += table[s->index[first] * s->width + q];               \
            for (int q = 0; q < n; q++) sum[q] += few[q];                                                      \
        }                                                                                                      \
        for (int q = 0; q < n; q++) out[q] = (T)sum[q];                                                        \
    }                                                                                                          \
    RL_TWO_CLONES static void rl_bags_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        rl_bags *s = what;                                                                                     \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            T *out = (T *)s->out + b * s->width;                                                               \
            Py_ssize_t first = s->starts[b], last = b + 1 < s->bags ? s->starts[b + 1] : s->count, column = 0; \
            for (Py_ssize_t k = first; k < last; k++)                                                          \
                if ((uint64_t)s->index[k] >= (uint64_t)s->rows) { s->outside = 1; return; }                    \
            for (; column + RL_COLUMNS <= s->width; column += RL_COLUMNS)                                      \
                rl_bag_##S(s, first, last, column, RL_COLUMNS, out + column);                                  \
            if (column < s->width) rl_bag_##S(s, first, last, column, (int)(s->width - column), out + column); \
        }                                                                                                      \
    }
RL_BAGS(f4, float)
RL_BAGS(f8, double)

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
