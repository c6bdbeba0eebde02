/* The distances of the rows of a table, pair by pair: row 0 and all after it, row 1 and all after it ... */

#ifndef RL_DISTANCES_H
#define RL_DISTANCES_H

#include <math.h>
#include <stdlib.h>
#include "lanes.h"

typedef struct {
    const void *x, *columns, *g, *distances;
    void *out;
    Py_ssize_t n, width;
    double p;
} rl_rows;

/* The rows of a table x beside those of another, y, in a batch of such pairs of tables. For distances y comes in tiles
   of RL_TOGETHER rows: their first elements, then their second ... For p = 2 the gradient takes rows that are
   `padded` long. Gradients and distances of pairs are `own` and `other` elements apart from row to row. */
typedef struct {
    const void *x, *y, *g, *distances;
    void *out;
    Py_ssize_t rows, others, width, padded, own, other;
    double p;
} rl_tables;

/* Numbers that are worked on at once. Vectors of 64 bytes were kept in memory by gcc 12 where registers have 32. */
typedef float rl_few_f4 __attribute__((vector_size(32), aligned(4), may_alias));
typedef double rl_few_f8 __attribute__((vector_size(32), aligned(8), may_alias));
/* The same in registers. */
typedef float rl_held_f4 __attribute__((vector_size(32), may_alias));
typedef double rl_held_f8 __attribute__((vector_size(32), may_alias));
#define RL_FEW(T) (32 / (Py_ssize_t)sizeof(T))
/* Unrolled: vectors that a loop counts through lie in memory. */
#define RL_EACH_FEW(T) _Pragma("GCC unroll 8") for (int q = 0; q < RL_TOGETHER / RL_FEW(T); q++)

#define RL_AWAY(z) ((z) < 0 ? -(z) : (z))

/* Where the pairs of row i begin. */
static inline Py_ssize_t rl_pairs_before(Py_ssize_t n, Py_ssize_t i) { return i * n - i * (i + 1) / 2; }

/* Rows that are compared with one at a time, and differences that are summed before they join a sum of sums. */
#define RL_TOGETHER 32
#define RL_SHORT 64
/* Rows that go over the tiles of the others together: results are written along so many rows at once. */
#define RL_ABREAST 4
/* Rows whose weights are found together, and numbers of a row whose gradients are. */
#define RL_OWN 16

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

#define DISTANCES(S, T, V, W)                                                                                        \
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
    /* Those of p = 2. */                                                                                      \
    RL_TWO_CLONES static void rl_euclid_##S(const T *x, const T *columns, Py_ssize_t width, Py_ssize_t rows, T *out) { \
        W sum[RL_TOGETHER / RL_FEW(T)];                                                                        \
        RL_EACH_FEW(T) sum[q] = (W){0};                                                                        \
        for (Py_ssize_t k = 0; k < width; k += RL_SHORT) {                                                     \
            const Py_ssize_t last = width - k < RL_SHORT ? width : k + RL_SHORT;                               \
            W part[RL_TOGETHER / RL_FEW(T)];                                                                   \
            RL_EACH_FEW(T) part[q] = (W){0};                                                                   \
            for (Py_ssize_t l = k; l < last; l++)                                                              \
                RL_EACH_FEW(T) {                                                                               \
                    W z = x[l] - *(const V *)(columns + l * rows + q * RL_FEW(T));                             \
                    part[q] += z * z;                                                                          \
                }                                                                                              \
            RL_EACH_FEW(T) sum[q] += part[q];                                                                  \
        }                                                                                                      \
        const T *squares = (const T *)sum;                                                                     \
        for (int q = 0; q < RL_TOGETHER; q++) out[q] = sizeof(T) == 4 ? sqrtf((float)squares[q]) : (T)sqrt(squares[q]);\
    }                                                                                                          \
    /* The distances of x to RL_TOGETHER rows, of which `columns` has the first elements, then the second ... */ \
    RL_TWO_CLONES static void rl_together_##S(const T *x, const T *columns, Py_ssize_t width, Py_ssize_t rows, double p, T *out) { \
        if (p == 2) rl_euclid_##S(x, columns, width, rows, out);                                               \
        else if (p == 1) {                                                                                     \
            T sum[RL_TOGETHER] = {0};                                                                          \
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
    }                                                                                                          \
    static void rl_tiles_##S(const T *y, Py_ssize_t n, Py_ssize_t width, T *tiles) {                           \
        for (Py_ssize_t j = 0; j < n; j += RL_TOGETHER)                                                        \
            for (Py_ssize_t k = 0; k < width; k++)                                                             \
                for (Py_ssize_t q = 0; q < RL_TOGETHER; q++) *tiles++ = j + q < n ? y[(j + q) * width + k] : 0; \
    }                                                                                                          \
    /* Rows [begin, end) of all x with the rows of the table that stands beside theirs. */                     \
    static void rl_across_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \
        const rl_tables *s = what;                                                                             \
        const Py_ssize_t all = (s->others + RL_TOGETHER - 1) / RL_TOGETHER * RL_TOGETHER;                      \
        for (Py_ssize_t i = begin, stop; i < end; i = stop) {                                                  \
            const Py_ssize_t batch = i / s->rows;                                                              \
            const T *tile = (const T *)s->y + batch * all * s->width;                                          \
            stop = (batch + 1) * s->rows < end ? (batch + 1) * s->rows : end;                                  \
            if (stop > i + RL_ABREAST) stop = i + RL_ABREAST;                                                  \
            for (Py_ssize_t j = 0; j < s->others; j += RL_TOGETHER, tile += RL_TOGETHER * s->width)            \
                for (Py_ssize_t r = i; r < stop; r++) {                                                        \
                    T *out = (T *)s->out + r * s->others + j, last[RL_TOGETHER];                               \
                    int whole = s->others - j >= RL_TOGETHER;                                                  \
                    rl_together_##S((const T *)s->x + r * s->width, tile, s->width, RL_TOGETHER, s->p, whole ? out : last); \
                    if (!whole) memcpy(out, last, (s->others - j) * sizeof(T));                                \
                }                                                                                              \
        }                                                                                                      \
    }                                                                                                          \
    /* sums += the differences of two rows x to at most RL_SHORT rows of y, each times its weight: RL_OWN numbers of them. */ \
    RL_TWO_CLONES static void rl_pulled_##S(const T *x, const T *y, Py_ssize_t padded, const T *u, const T *v, Py_ssize_t rows, \
                                            double *sums, double *beside) {                                    \
        V own[2 * RL_OWN / RL_FEW(T)], part[2 * RL_OWN / RL_FEW(T)] = {0};                                     \
        memcpy(own, x, sizeof own);                                                                            \
        for (Py_ssize_t i = 0; i < rows; i++)                                                                  \
            _Pragma("GCC unroll 8") for (int q = 0; q < RL_OWN / RL_FEW(T); q++) {                             \
                V z = *(const V *)(y + i * padded + q * RL_FEW(T));                                            \
                part[q] += u[i] * (own[q] - z);                                                                \
                part[RL_OWN / RL_FEW(T) + q] += v[i] * (own[RL_OWN / RL_FEW(T) + q] - z);                      \
            }                                                                                                  \
        for (int q = 0; q < RL_OWN; q++) sums[q] += ((const T *)part)[q], beside[q] += ((const T *)part)[RL_OWN + q]; \
    }                                                                                                          \
    /* weights[q * n + j] = what row j gives to row q: g / distance, and 0 where there is no distance. */      \
    RL_TWO_CLONES static void rl_weights_##S(const rl_tables *s, const T *g, const T *distances, Py_ssize_t count, T *weights) { \
        const Py_ssize_t n = s->others;                                                                        \
        if (s->other == 1) {                                                                                   \
            for (Py_ssize_t q = 0; q < count; q++)                                                             \
                for (Py_ssize_t j = 0; j < n; j++) {                                                           \
                    T away = distances[q * s->own + j];                                                        \
                    weights[q * n + j] = away == 0 ? 0 : g[q * s->own + j] / away;                             \
                }                                                                                              \
            return;                                                                                            \
        }                                                                                                      \
        /* In the order in which they lie: a line of the cache has those of RL_OWN rows. */                    \
        for (Py_ssize_t j = 0; j < n; j++) {                                                                   \
            T given[RL_OWN];                                                                                   \
            for (Py_ssize_t q = 0; q < count; q++) {                                                           \
                T away = distances[j * s->other + q];                                                          \
                given[q] = away == 0 ? 0 : g[j * s->other + q] / away;                                         \
            }                                                                                                  \
            for (Py_ssize_t q = 0; q < count; q++) weights[q * n + j] = given[q];                              \
        }                                                                                                      \
    }                                                                                                          \
    /* The gradient of `count` rows, at most RL_OWN, for p = 2; sums has room for one more, as weights do. */  \
    static void rl_through_euclid_##S(const rl_tables *s, const T *x, const T *y, Py_ssize_t count, const T *weights, \
                                      double *sums, T *out) {                                                  \
        const Py_ssize_t n = s->others;                                                                        \
        memset(sums, 0, (count + 1) * s->padded * sizeof *sums);                                               \
        for (Py_ssize_t j = 0; j < n; j += RL_SHORT)                                                           \
            for (Py_ssize_t k = 0; k < s->width; k += RL_OWN)                                                  \
                for (Py_ssize_t q = 0; q < count; q += 2) {                                                    \
                    T own[2 * RL_OWN] = {0};                                                                   \
                    const Py_ssize_t size = (s->width - k < RL_OWN ? s->width - k : RL_OWN) * sizeof(T);       \
                    memcpy(own, x + q * s->width + k, size);                                                   \
                    if (q + 1 < count) memcpy(own + RL_OWN, x + (q + 1) * s->width + k, size);                 \
                    rl_pulled_##S(own, y + j * s->padded + k, s->padded, weights + q * n + j, weights + (q + 1) * n + j, \
                                  n - j < RL_SHORT ? n - j : RL_SHORT, sums + q * s->padded + k, sums + (q + 1) * s->padded + k); \
                }                                                                                              \
        for (Py_ssize_t q = 0; q < count; q++)                                                                 \
            for (Py_ssize_t k = 0; k < s->width; k++) out[q * s->width + k] = (T)sums[q * s->padded + k];      \
    }                                                                                                          \
    /* The gradient of rows [begin, end) of all x. */                                                          \
    static void rl_through_across_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        const rl_tables *s = what;                                                                             \
        const Py_ssize_t pairs = s->rows * s->others;                                                          \
        /* One row more, which is read where the last has no second beside it. */                              \
        T *weights = s->p == 2 ? calloc((RL_OWN + 1) * s->others, sizeof(T)) : NULL;                           \
        double *sums = weights != NULL ? malloc((RL_OWN + 1) * s->padded * sizeof(double)) : NULL;             \
        for (Py_ssize_t i = begin, count; i < end; i += count) {                                               \
            const Py_ssize_t batch = i / s->rows, row = i % s->rows;                                           \
            count = end - i < s->rows - row ? end - i : s->rows - row;                                         \
            if (count > RL_OWN) count = RL_OWN;                                                                \
            const T *g = (const T *)s->g + batch * pairs + row * s->own;                                       \
            const T *distances = (const T *)s->distances + batch * pairs + row * s->own;                       \
            const T *x = (const T *)s->x + i * s->width, *y = (const T *)s->y + batch * s->others * s->padded; \
            T *out = (T *)s->out + i * s->width;                                                               \
            if (sums != NULL) {                                                                             \
                rl_weights_##S(s, g, distances, count, weights);                                               \
                rl_through_euclid_##S(s, x, y, count, weights, sums, out);                                          \
                continue;                                                                                      \
            }                                                                                                  \
            memset(out, 0, count * s->width * sizeof(T));                                                      \
            for (Py_ssize_t j = 0; j < s->others; j++)                                                         \
                for (Py_ssize_t q = 0; q < count; q++)                                                         \
                    rl_drawn_##S(x + q * s->width, y + j * s->padded, s->width, s->p, g[q * s->own + j * s->other], \
                                 distances[q * s->own + j * s->other], out + q * s->width);                    \
        }                                                                                                      \
        free(sums);                                                                                            \
        free(weights);                                                                                         \
    }
DISTANCES(f4, float, rl_few_f4, rl_held_f4)
DISTANCES(f8, double, rl_few_f8, rl_held_f8)

#endif
