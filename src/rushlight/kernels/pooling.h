/* Pooling over windows of three dimensions. Maxima read from a table which elements each window meets; averages go row
   by row of the output, each tap of the window along the whole row before the next. */

#ifndef RL_POOLING_H
#define RL_POOLING_H

#include "families.h"
#include <math.h>
#include <stdint.h>

#define RL_TAPS 32

typedef struct {
    /* elements, windows, taps of a window, steps between windows and between taps, padding */
    Py_ssize_t n, size, kernel, stride, dilation, padding;
} rl_axis;

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
        RL_UNUSED Py_ssize_t place = 0;                                                                        \
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

/* The elements of a plane that each tap of each window meets, by tap, `width` of them in a row of the table. A tap
   outside of the plane is put on the one before it (the first ones on the first inside), which changes no maximum. Returns
   0 where a window meets nothing. */
static int rl_meetings(const rl_axis *axes, int32_t *table, Py_ssize_t width) {
    const rl_axis *a = axes, *b = axes + 1, *c = axes + 2;
    Py_ssize_t place = 0, tap, first;
    for (Py_ssize_t i = 0; i < a->size; i++)
        for (Py_ssize_t j = 0; j < b->size; j++)
            for (Py_ssize_t k = 0; k < c->size; k++, place++) {
                int32_t met = -1;
                for (Py_ssize_t u = tap = first = 0; u < a->kernel; u++)
                    for (Py_ssize_t v = 0; v < b->kernel; v++)
                        for (Py_ssize_t w = 0; w < c->kernel; w++, tap++) {
                            Py_ssize_t z = i * a->stride + u * a->dilation - a->padding;
                            Py_ssize_t y = j * b->stride + v * b->dilation - b->padding;
                            Py_ssize_t x = k * c->stride + w * c->dilation - c->padding;
                            int inside = z >= 0 && z < a->n && y >= 0 && y < b->n && x >= 0 && x < c->n;
                            if (inside) met = (int32_t)((z * b->n + y) * c->n + x);
                            if (met < 0) first = tap + 1;
                            table[tap * width + place] = met;
                        }
                if (met < 0) return 0;
                for (Py_ssize_t t = 0; t < first; t++) table[t * width + place] = table[first * width + place];
            }
    return 1;
}

/* The largest entry of each window, a nan above all, and its index in the plane, a vector of windows at once. I is an
   integer as wide as T. */
#define MAXIMA(KIND, TARGET, T, V, VECTORS, I)                                                                 \
    TARGET static void rl_maxima_##KIND(const int32_t *table, Py_ssize_t width, Py_ssize_t taps,               \
                                        Py_ssize_t planes, Py_ssize_t cells, Py_ssize_t places, const T *x,    \
                                        T *values, int64_t *indices) {                                         \
        typedef I truths __attribute__((vector_size(sizeof(V))));                                              \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                            \
        T numbers[sizeof(V) / sizeof(T)];                                                                      \
        I tap[sizeof(V) / sizeof(T)];                                                                          \
        for (Py_ssize_t plane = 0; plane < planes; plane++) {                                                  \
            for (Py_ssize_t p = 0; p < places; p += N) {                                                       \
                Py_ssize_t w = places - p < N ? places - p : N;                                                \
                const int32_t *from = table + p;                                                               \
                V best = (V){0} - (T)INFINITY, value = {0};                                                    \
                truths at = {0}, better, bits, others;                                                         \
                for (I t = 0; t < taps; t++, from += width) {                                                  \
                    if (N > 8) {                                                                               \
                        /* So many reach a register sooner by way of memory. */                                \
                        for (int q = 0; q < N; q++) numbers[q] = x[from[q]];                                   \
                        memcpy(&value, numbers, sizeof value);                                                 \
                    } else                                                                                     \
                        RL_UNROLL for (int q = 0; q < N; q++) value[q] = x[from[q]];                           \
                    better = (value > best) | (value != value);                                                \
                    memcpy(&bits, &value, sizeof bits);                                                        \
                    memcpy(&others, &best, sizeof others);                                                     \
                    bits = (better & bits) | (~better & others);                                               \
                    memcpy(&best, &bits, sizeof bits);                                                         \
                    at = (better & t) | (~better & at);                                                        \
                }                                                                                              \
                memcpy(numbers, &best, sizeof best);                                                           \
                memcpy(tap, &at, sizeof at);                                                                   \
                for (Py_ssize_t q = 0; q < w; q++) values[p + q] = numbers[q];                                 \
                for (Py_ssize_t q = 0; q < w; q++) indices[p + q] = table[tap[q] * width + p + q];             \
            }                                                                                                  \
            x += cells;                                                                                        \
            values += places;                                                                                  \
            indices += places;                                                                                 \
        }                                                                                                      \
    }
RL_FOR_FAMILIES(MAXIMA, f4, float, int32_t)
RL_FOR_FAMILIES(MAXIMA, f8, double, int64_t)
#define rl_maxima_f4 RL_OF_FAMILY(rl_maxima_f4)
#define rl_maxima_f8 RL_OF_FAMILY(rl_maxima_f8)

/* Windows of two by two, side by side in rows and columns, all of them inside. */
static int rl_by_pairs(const rl_axis *axes) {
    const rl_axis *a = axes, *b = axes + 1, *c = axes + 2;
    if (a->kernel != 1 || a->stride != 1 || a->padding) return 0;
    if (b->kernel != 2 || b->stride != 2 || b->dilation != 1 || b->padding || 2 * b->size > b->n) return 0;
    return c->kernel == 2 && c->stride == 2 && c->dilation == 1 && !c->padding && 2 * c->size <= c->n;
}

/* The largest entries of B windows, and their indices if they are wanted. The last B end with the row, so that the
   compiler knows how many there are. */
#define RL_PAIRS(T, B)                                                                                         \
    for (Py_ssize_t k = 0; k < c->size; k = k + B < c->size && k + 2 * B > c->size ? c->size - B : k + B) {    \
        const T *up = x + row + 2 * k, *down = up + c->n;                                                      \
        T best[B];                                                                                             \
        int32_t at[B];                                                                                         \
        for (int32_t q = 0; q < B; q++) {                                                                      \
            best[q] = up[2 * q];                                                                               \
            at[q] = 2 * q;                                                                                     \
            RL_LARGER(T, up[2 * q + 1], 2 * q + 1)                                                             \
            RL_LARGER(T, down[2 * q], width + 2 * q)                                                           \
            RL_LARGER(T, down[2 * q + 1], width + 2 * q + 1)                                                   \
        }                                                                                                      \
        for (int q = 0; q < B; q++) values[k + q] = best[q];                                                   \
        for (int q = 0; q < B && indices; q++) indices[k + q] = row + 2 * k + at[q];                           \
    }
#define RL_LARGER(T, VALUE, AT)                                                                                \
    {                                                                                                          \
        const T value = VALUE;                                                                                 \
        const int better = (value > best[q]) | (value != value);                                               \
        best[q] = better ? value : best[q];                                                                    \
        at[q] = better ? AT : at[q];                                                                           \
    }
#define PAIRS(NAME, T, INDEXED)                                                                                \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict x, T *restrict values,\
                               int64_t *restrict chosen) {                                                     \
        const rl_axis *b = axes + 1, *c = axes + 2;                                                            \
        const int32_t width = (int32_t)c->n;                                                                   \
        int64_t *restrict indices = INDEXED ? chosen : NULL;                                                   \
        for (Py_ssize_t plane = 0; plane < planes; plane++, x += axes->n * b->n * c->n)                        \
            for (Py_ssize_t i = 0; i < axes->size * b->size; i++, values += c->size) {                         \
                const Py_ssize_t row = (i / b->size * b->n + i % b->size * 2) * c->n;                          \
                if (c->size >= 8) RL_PAIRS(T, 8)                                                               \
                else if (c->size >= 4) RL_PAIRS(T, 4)                                                          \
                else RL_PAIRS(T, 1)                                                                            \
                if (INDEXED) indices += c->size;                                                               \
            }                                                                                                  \
    }
PAIRS(rl_pairs_f4, float, 1)
PAIRS(rl_pairs_f8, double, 1)
PAIRS(rl_pair_values_f4, float, 0)
PAIRS(rl_pair_values_f8, double, 0)

/* Rows of fewer windows than this cost more to begin than to add up, and go window by window. */
#define RL_FEW_WINDOWS 8

static int rl_all_inside(const rl_axis *axes) {
    for (int i = 0; i < 3; i++)
        if (axes[i].padding || (axes[i].size - 1) * axes[i].stride + (axes[i].kernel - 1) * axes[i].dilation >= axes[i].n)
            return 0;
    return 1;
}

/* For each window, all of them inside: BEFORE, then for its tap at `at` BODY, then AFTER. */
#define RL_OVER_WINDOWS(BEFORE, BODY, AFTER)                                                                   \
    const rl_axis *a = axes, *b = axes + 1, *c = axes + 2;                                                     \
    for (Py_ssize_t plane = 0; plane < planes; plane++, x += a->n * b->n * c->n) {                             \
        Py_ssize_t place = 0;                                                                                  \
        for (Py_ssize_t i = 0; i < a->size; i++)                                                               \
            for (Py_ssize_t j = 0; j < b->size; j++)                                                           \
                for (Py_ssize_t k = 0; k < c->size; k++, place++) {                                            \
                    BEFORE                                                                                     \
                    for (Py_ssize_t u = 0; u < a->kernel; u++)                                                 \
                        for (Py_ssize_t v = 0; v < b->kernel; v++) {                                           \
                            const Py_ssize_t z = i * a->stride + u * a->dilation, y = j * b->stride + v * b->dilation; \
                            const Py_ssize_t row = (z * b->n + y) * c->n + k * c->stride;                      \
                            for (Py_ssize_t w = 0; w < c->kernel; w++) {                                       \
                                const Py_ssize_t at = row + w * c->dilation;                                   \
                                BODY                                                                           \
                            }                                                                                  \
                        }                                                                                      \
                    AFTER                                                                                      \
                }                                                                                              \
    }

/* The sum of each window, divided by its count; `steps` is 0 where all have the same. */
#define AVERAGES(NAME, T)                                                                                      \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict x, const T *restrict counts,\
                               Py_ssize_t steps, T *restrict out) {                                            \
        if (axes[2].size < RL_FEW_WINDOWS && rl_all_inside(axes)) {                                            \
            RL_OVER_WINDOWS(T sum = 0;, sum += x[at];, *out++ = sum / counts[place * steps];)                  \
            return;                                                                                            \
        }                                                                                                      \
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

/* The largest entry of each window, a nan above all. */
#define LARGEST(NAME, T)                                                                                       \
    RL_CLONES static void NAME(const rl_axis *axes, Py_ssize_t planes, const T *restrict x, T *restrict out) { \
        RL_OVER_ROWS(                                                                                          \
            for (k = 0; k < c->size; k++) out[k] = -INFINITY;,                                                 \
            out[k] = ((x[at] > out[k]) | (x[at] != x[at])) ? x[at] : out[k];,                                  \
            out += c->size;)                                                                                   \
    }
LARGEST(rl_largest_f4, float)
LARGEST(rl_largest_f8, double)

/* A whole pooling, of which a thread does some planes. `starts` and `ends` say for each axis in turn where its windows
   begin and end, and again for each plane where `own` is set. */
typedef struct {
    rl_axis axes[3];
    Py_ssize_t cells, places, taps, steps, width, own;
    const int32_t *table;
    const int64_t *starts, *ends;
    const void *x, *counts;
    void *out;
    int64_t *indices;
    int outside;
} rl_pooling;

#define POOLING(S, T)                                                                                          \
    static void rl_max_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        const rl_pooling *s = what;                                                                            \
        const T *x = (const T *)s->x + begin * s->cells;                                                       \
        T *out = (T *)s->out + begin * s->places;                                                              \
        int64_t *indices = s->indices + begin * s->places;                                                     \
        if (rl_by_pairs(s->axes)) rl_pairs_##S(s->axes, end - begin, x, out, indices);                         \
        else rl_maxima_##S(s->table, s->width, s->taps, end - begin, s->cells, s->places, x, out, indices);    \
    }                                                                                                          \
    static void rl_value_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        const rl_pooling *s = what;                                                                            \
        const T *x = (const T *)s->x + begin * s->cells;                                                       \
        T *out = (T *)s->out + begin * s->places;                                                              \
        if (rl_by_pairs(s->axes)) rl_pair_values_##S(s->axes, end - begin, x, out, NULL);                      \
        else rl_largest_##S(s->axes, end - begin, x, out);                                                     \
    }                                                                                                          \
    static void rl_average_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        const rl_pooling *s = what;                                                                            \
        rl_averages_##S(s->axes, end - begin, (const T *)s->x + begin * s->cells, s->counts, s->steps,         \
                        (T *)s->out + begin * s->places);                                                      \
    }                                                                                                          \
    static void rl_spread_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                           \
        const rl_pooling *s = what;                                                                            \
        rl_spread_##S(s->axes, end - begin, (const T *)s->x + begin * s->places, s->counts, s->steps,          \
                      (T *)s->out + begin * s->cells);                                                         \
    }                                                                                                          \
    /* Between the places of a plane and the cells that they name: added up, written over, read. */            \
    static void rl_put_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                              \
        rl_pooling *s = what;                                                                                  \
        for (Py_ssize_t plane = begin; plane < end; plane++) {                                                 \
            const T *x = (const T *)s->x + plane * s->places;                                                  \
            const int64_t *at = s->indices + plane * s->places;                                                \
            T *out = (T *)s->out + plane * s->cells;                                                           \
            for (Py_ssize_t i = 0; i < s->places; i++)                                                         \
                if ((size_t)at[i] < (size_t)s->cells) out[at[i]] += x[i]; else s->outside = 1;                 \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_write_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_pooling *s = what;                                                                                  \
        for (Py_ssize_t plane = begin; plane < end; plane++) {                                                 \
            const T *x = (const T *)s->x + plane * s->places;                                                  \
            const int64_t *at = s->indices + plane * s->places;                                                \
            T *out = (T *)s->out + plane * s->cells;                                                           \
            for (Py_ssize_t i = 0; i < s->places; i++)                                                         \
                if ((size_t)at[i] < (size_t)s->cells) out[at[i]] = x[i]; else s->outside = 1;                  \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_take_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                             \
        rl_pooling *s = what;                                                                                  \
        for (Py_ssize_t plane = begin; plane < end; plane++) {                                                 \
            const T *x = (const T *)s->x + plane * s->cells;                                                   \
            const int64_t *at = s->indices + plane * s->places;                                                \
            T *out = (T *)s->out + plane * s->places;                                                          \
            for (Py_ssize_t i = 0; i < s->places; i++)                                                         \
                if ((size_t)at[i] < (size_t)s->cells) out[i] = x[at[i]]; else s->outside = 1;                  \
        }                                                                                                      \
    }                                                                                                          \
    /* Windows that begin and end anywhere. */                                                                 \
    static void rl_uneven_planes_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                           \
        const rl_pooling *s = what;                                                                            \
        const rl_axis *a = s->axes, *b = a + 1, *c = a + 2;                                                    \
        Py_ssize_t bounds = a->size + b->size + c->size;                                                       \
        for (Py_ssize_t plane = begin; plane < end; plane++) {                                                 \
            const int64_t *za = s->starts + (s->own ? plane * bounds : 0), *zb = s->ends + (s->own ? plane * bounds : 0); \
            const int64_t *ya = za + a->size, *yb = zb + a->size, *xa = ya + b->size, *xb = yb + b->size;      \
            const T *x = (const T *)s->x + plane * s->cells;                                                   \
            T *out = (T *)s->out + plane * s->places;                                                          \
            int64_t *indices = s->indices + plane * s->places;                                                 \
            for (Py_ssize_t i = 0; i < a->size; i++) for (Py_ssize_t j = 0; j < b->size; j++)                  \
                for (Py_ssize_t k = 0; k < c->size; k++) {                                                     \
                    Py_ssize_t best = (za[i] * b->n + ya[j]) * c->n + xa[k];                                   \
                    T high = x[best];                                                                          \
                    for (Py_ssize_t z = za[i]; z < zb[i]; z++) for (Py_ssize_t y = ya[j]; y < yb[j]; y++) {    \
                        Py_ssize_t row = (z * b->n + y) * c->n;                                                \
                        for (Py_ssize_t w = xa[k]; w < xb[k]; w++) {                                           \
                            T v = x[row + w];                                                                  \
                            if (v > high || (v != v && high == high)) high = v, best = row + w;                \
                        }                                                                                      \
                    }                                                                                          \
                    *out++ = high;                                                                             \
                    *indices++ = best;                                                                         \
                }                                                                                              \
        }                                                                                                      \
    }
POOLING(f4, float)
POOLING(f8, double)

#endif
