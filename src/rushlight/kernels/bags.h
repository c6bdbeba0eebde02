/* Sums and maxima of rows of a table, bag by bag: the rows named from one start to the next. */

#ifndef RL_BAGS_H
#define RL_BAGS_H

#include <stdint.h>
#include "lanes.h"

/* Rows that are summed in their own type, before they join a sum of doubles. */
#define RL_FEW 16
/* Vectors of columns that are summed in registers. */
#define RL_VECTORS 2

/* Those of lanes.h, wherever they lie. */
#ifdef __GNUC__
typedef float rl_f4_there __attribute__((vector_size(64), aligned(4), may_alias));
typedef double rl_f8_there __attribute__((vector_size(64), aligned(8), may_alias));
/* As many doubles as there are floats. */
typedef double rl_f4_wide __attribute__((vector_size(128)));
#define RL_CONVERTED(x, V) __builtin_convertvector(x, V)
#else
typedef float rl_f4_there;
typedef double rl_f8_there;
typedef double rl_f4_wide;
#define RL_CONVERTED(x, V) ((V)(x))
#endif
typedef rl_f8 rl_f8_wide;
#define RL_CAST(x, V) ((V)(x))

typedef struct {
    const void *table, *factors;
    void *out;
    const int64_t *index, *starts;
    int64_t *winners;
    Py_ssize_t rows, width, count, bags;
    int outside;
} rl_bags;

/* n vectors of the columns of a bag (of type V, as R in a row, as W of doubles). */
#define RL_BAG(NAME, T, V, R, W, MOST, AS)                                                                     \
    RL_INLINE void NAME(const rl_bags *s, Py_ssize_t first, Py_ssize_t last, Py_ssize_t column, int n, T *out) { \
        const T *table = (const T *)s->table + column, *factors = s->factors;                                  \
        const int many = last - first > RL_FEW;                                                                \
        V few[MOST];                                                                                           \
        W sum[MOST];                                                                                           \
        for (int q = 0; q < n; q++) sum[q] = (W){0};                                                           \
        do {                                                                                                   \
            const Py_ssize_t end = last - first < RL_FEW ? last : first + RL_FEW;                              \
            for (int q = 0; q < n; q++) few[q] = (V){0};                                                       \
            if (factors)                                                                                       \
                for (; first < end; first++)                                                                   \
                    for (int q = 0; q < n; q++) few[q] += factors[first] * ((const R *)(table + s->index[first] * s->width))[q]; \
            else                                                                                               \
                for (; first < end; first++)                                                                   \
                    for (int q = 0; q < n; q++) few[q] += ((const R *)(table + s->index[first] * s->width))[q]; \
            if (many)                                                                                          \
                for (int q = 0; q < n; q++) sum[q] += AS(few[q], W);                                           \
        } while (first < last);                                                                                \
        for (int q = 0; q < n; q++) ((R *)out)[q] = many ? AS(sum[q], V) : few[q];                             \
    }

/* The last columns are summed twice where they are no whole vector. */
#define RL_BAGS(S, T)                                                                                          \
    RL_BAG(rl_bag_##S, T, rl_##S, rl_##S##_there, rl_##S##_wide, RL_VECTORS, RL_CONVERTED)                     \
    RL_BAG(rl_narrow_bag_##S, T, T, T, double, RL_W(T), RL_CAST)                                               \
    RL_CLONES static void rl_bags_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        rl_bags *s = what;                                                                                     \
        const Py_ssize_t width = s->width, block = RL_VECTORS * RL_W(T);                                       \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            T *out = (T *)s->out + b * width;                                                                  \
            Py_ssize_t first = s->starts[b], last = b + 1 < s->bags ? s->starts[b + 1] : s->count, column = 0; \
            for (Py_ssize_t k = first; k < last; k++)                                                          \
                if ((uint64_t)s->index[k] >= (uint64_t)s->rows) { s->outside = 1; return; }                    \
            if (width < RL_W(T)) {                                                                             \
                if (width) rl_narrow_bag_##S(s, first, last, 0, (int)width, out);                              \
                continue;                                                                                      \
            }                                                                                                  \
            for (; column + block <= width; column += block) rl_bag_##S(s, first, last, column, RL_VECTORS, out + column); \
            for (; column + RL_W(T) <= width; column += RL_W(T)) rl_bag_##S(s, first, last, column, 1, out + column); \
            if (column < width) rl_bag_##S(s, first, last, width - RL_W(T), 1, out + width - RL_W(T));         \
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
