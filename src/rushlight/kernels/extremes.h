/* The largest or the smallest number of an array along some of its axes, and where it is: the first nan, or else the
   first of several. */

#ifndef RL_EXTREMES_H
#define RL_EXTREMES_H

#include "families.h"
#include "fold.h"
#include <stdint.h>

/* Runs are compared as integers that are in the order of the numbers, whole vectors at a time. */
#define RL_BITS(S, I)                                                                                          \
    typedef I rl_##S##_16 __attribute__((vector_size(16)));                                                    \
    typedef I rl_##S##_32 __attribute__((vector_size(32)));                                                    \
    typedef I rl_##S __attribute__((vector_size(64)));
#define RL_CHOOSE(M, A, B) (((A) & (M)) | ((B) & ~(M)))
#define RL_ORDER_FLOATING(V, I) V ^ ((V >> (8 * sizeof(I) - 1)) & (((I)1 << (8 * sizeof(I) - 2)) - 1 + ((I)1 << (8 * sizeof(I) - 2))))
#define RL_ORDER_WHOLE(V, I) V
/* Negative where a nan is. */
#define RL_NANS_f4(V) (0x7f800000 - (V & INT32_MAX))
#define RL_NANS_f8(V) (0x7ff0000000000000 - (V & INT64_MAX))
#define RL_NO_NANS(V) (V & 0)

/* v instead of the best one so far: where it is better, or is nan. */
#define RL_BETTER(V, BEST, OP) (((V) OP (BEST)) | ((V) != (V)))

/* A fold of numbers T to the one for which OP holds against all others, or to a nan: no number is better than that. V is
   a vector of integers I as wide. */
#define RL_EXTREME_RUN(RUN, RUNS, TARGET, T, V, I, OP, ORDER, NANS)                                            \
    TARGET RL_INLINE T RUN(const T *x, Py_ssize_t n) {                                                         \
        const Py_ssize_t W = sizeof(V) / sizeof(T);                                                            \
        T best = n ? x[0] : 0;                                                                                 \
        Py_ssize_t i = 0;                                                                                      \
        if (n >= 2 * W) {                                                                                      \
            I lanes[sizeof(V) / sizeof(T)], nan[sizeof(V) / sizeof(T)], top, any = 0;                          \
            V a, b, v, w, nans = {0};                                                                          \
            memcpy(&v, x, sizeof v);                                                                           \
            memcpy(&w, x + W, sizeof w);                                                                       \
            a = ORDER(v, I);                                                                                   \
            b = ORDER(w, I);                                                                                   \
            nans |= NANS(v) | NANS(w);                                                                         \
            for (i = 2 * W; i + 2 * W <= n; i += 2 * W) {                                                      \
                memcpy(&v, x + i, sizeof v);                                                                   \
                memcpy(&w, x + i + W, sizeof w);                                                               \
                nans |= NANS(v) | NANS(w);                                                                     \
                v = ORDER(v, I);                                                                               \
                w = ORDER(w, I);                                                                               \
                a = RL_CHOOSE((V)(v OP a), v, a);                                                              \
                b = RL_CHOOSE((V)(w OP b), w, b);                                                              \
            }                                                                                                  \
            a = RL_CHOOSE((V)(b OP a), b, a);                                                                  \
            memcpy(lanes, &a, sizeof a);                                                                       \
            memcpy(nan, &nans, sizeof nans);                                                                   \
            top = lanes[0];                                                                                    \
            for (Py_ssize_t q = 0; q < W; q++) {                                                               \
                if (lanes[q] OP top) top = lanes[q];                                                           \
                any |= nan[q] < 0;                                                                             \
            }                                                                                                  \
            top = ORDER(top, I);                                                                               \
            if (any) i = 0;                                                                                    \
            else memcpy(&best, &top, sizeof best);                                                             \
        }                                                                                                      \
        for (; i < n; i++) if (RL_BETTER(x[i], best, OP)) best = x[i];                                         \
        return best;                                                                                           \
    }                                                                                                          \
    TARGET static void RUNS(const char *from, Py_ssize_t count, Py_ssize_t n, char *to) {                      \
        const T *x = (const T *)from;                                                                          \
        for (Py_ssize_t k = 0; k < count; k++) ((T *)to)[k] = RUN(x + k * n, n);                               \
    }
#define RL_EXTREME_RUNS(KIND, TARGET, T, V, VECTORS, I, ORDER, NANS)                                           \
    RL_EXTREME_RUN(rl_high_run_##KIND, rl_high_runs_##KIND, TARGET, T, V, I, >, ORDER, NANS)                   \
    RL_EXTREME_RUN(rl_low_run_##KIND, rl_low_runs_##KIND, TARGET, T, V, I, <, ORDER, NANS)

/* The same in a fold. */
#define RL_EXTREME(NAME, T, OP, RUNS)                                                                          \
    static void NAME##_runs(const char *from, Py_ssize_t count, Py_ssize_t n, const double *centre, char *to) { \
        (void)centre;                                                                                          \
        RUNS(from, count, n, to);                                                                              \
    }                                                                                                          \
    RL_CLONES static void NAME##_columns(const char *from, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, \
                                         const double *centre, char *to) {                                     \
        const T *x = (const T *)from;                                                                          \
        T *totals = (T *)to;                                                                                   \
        (void)centre;                                                                                          \
        for (Py_ssize_t k = 0; k < width; k++) totals[k] = x[k];                                               \
        for (; rows > 1; rows--) {                                                                             \
            x += stride;                                                                                       \
            for (Py_ssize_t k = 0; k < width; k++) totals[k] = RL_BETTER(x[k], totals[k], OP) ? x[k] : totals[k]; \
        }                                                                                                      \
    }                                                                                                          \
    static void NAME##_join(char *to, const char *from, Py_ssize_t n) {                                        \
        T *totals = (T *)to;                                                                                   \
        const T *others = (const T *)from;                                                                     \
        for (Py_ssize_t k = 0; k < n; k++) if (RL_BETTER(others[k], totals[k], OP)) totals[k] = others[k];     \
    }                                                                                                          \
    /* The same down columns with the row in which each is found. */                                           \
    RL_CLONES static void NAME##_found(const T *x, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, T *best, int64_t *place) { \
        int32_t row[RL_TILE];                                                                                  \
        for (Py_ssize_t k = 0; k < width; k++) best[k] = x[k], row[k] = 0;                                     \
        for (int32_t r = 1; r < rows; r++) {                                                                   \
            x += stride;                                                                                       \
            for (Py_ssize_t k = 0; k < width; k++) {                                                           \
                T v = x[k];                                                                                    \
                int better = (v OP best[k]) | ((v != v) & (best[k] == best[k]));                               \
                row[k] = better ? r : row[k];                                                                  \
                best[k] = better ? v : best[k];                                                                \
            }                                                                                                  \
        }                                                                                                      \
        for (Py_ssize_t k = 0; k < width; k++) place[k] = row[k];                                              \
    }

/* The first place of what is the extreme of n numbers. */
#define RL_FIND(NAME, T)                                                                                       \
    RL_CLONES static Py_ssize_t NAME(const T *x, Py_ssize_t n, T wanted) {                                     \
        Py_ssize_t i = 0, k;                                                                                   \
        for (; i + 64 <= n; i += 64) {                                                                         \
            int hits = 0;                                                                                      \
            for (k = 0; k < 64; k++) hits |= (x[i + k] == wanted) | (x[i + k] != x[i + k]);                    \
            if (hits) break;                                                                                   \
        }                                                                                                      \
        for (; i < n; i++) if (wanted == wanted ? x[i] == wanted : x[i] != x[i]) return i;                     \
        return 0;                                                                                              \
    }

#define RL_EXTREMES(T, K, I, ORDER, NANS)                                                                      \
    RL_BITS(bits_##K, I)                                                                                       \
    RL_FOR_FAMILIES(RL_EXTREME_RUNS, bits_##K, T, I, ORDER, NANS)                                              \
    RL_EXTREME(rl_high_##K, T, >, RL_OF_FAMILY(rl_high_runs_bits_##K))                                         \
    RL_EXTREME(rl_low_##K, T, <, RL_OF_FAMILY(rl_low_runs_bits_##K))                                           \
    RL_FIND(rl_find_##K, T)                                                                                    \
    static void rl_copy_##K(const rl_job *job, const char *totals, Py_ssize_t first, Py_ssize_t n) {           \
        memcpy(job->out + first * sizeof(T), totals, n * sizeof(T));                                           \
    }                                                                                                          \
    /* Extremes of the runs from begin to end, and where they are. */                                          \
    static void rl_places_##K(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \
        const rl_search *s = what;                                                                             \
        for (Py_ssize_t k = begin; k < end; k++) {                                                             \
            const T *x = (const T *)s->x + k * s->n;                                                           \
            T *value = (T *)s->values + k;                                                                     \
            (s->least ? rl_low_##K##_runs : rl_high_##K##_runs)((const char *)x, 1, s->n, NULL, (char *)value); \
            s->places[k] = rl_find_##K(x, s->n, *value);                                                       \
        }                                                                                                      \
    }                                                                                                          \
    static void rl_search_##K(void *what, Py_ssize_t begin, Py_ssize_t end) {                                  \
        const rl_search *s = what;                                                                             \
        for (Py_ssize_t task = begin; task < end; task++) {                                                    \
            Py_ssize_t a = task / s->tiles, tile = task % s->tiles * RL_TILE;                                  \
            Py_ssize_t width = s->columns - tile < RL_TILE ? s->columns - tile : RL_TILE, at = a * s->columns + tile; \
            (s->least ? rl_low_##K##_found : rl_high_##K##_found)((const T *)s->x + a * s->n * s->columns + tile, s->n, \
                s->columns, width, (T *)s->values + at, s->places + at);                                       \
        }                                                                                                      \
    }

/* Where extremes are along an axis of n: of runs, or of columns. */
typedef struct {
    const void *x;
    void *values;
    int64_t *places;
    Py_ssize_t n, columns, tiles;
    int least;
} rl_search;

RL_EXTREMES(float, f4, int32_t, RL_ORDER_FLOATING, RL_NANS_f4)
RL_EXTREMES(double, f8, int64_t, RL_ORDER_FLOATING, RL_NANS_f8)
RL_EXTREMES(uint8_t, u1, uint8_t, RL_ORDER_WHOLE, RL_NO_NANS)
RL_EXTREMES(int8_t, i1, int8_t, RL_ORDER_WHOLE, RL_NO_NANS)
RL_EXTREMES(int16_t, i2, int16_t, RL_ORDER_WHOLE, RL_NO_NANS)
RL_EXTREMES(int32_t, i4, int32_t, RL_ORDER_WHOLE, RL_NO_NANS)
RL_EXTREMES(int64_t, i8, int64_t, RL_ORDER_WHOLE, RL_NO_NANS)

typedef struct {
    rl_fold folds[2];
    void (*copy)(const rl_job *, const char *, Py_ssize_t, Py_ssize_t);
    void (*places)(void *, Py_ssize_t, Py_ssize_t), (*search)(void *, Py_ssize_t, Py_ssize_t);
} rl_extremes;

#define RL_EXTREMES_OF(T, K)                                                                                   \
    {{{sizeof(T), sizeof(T), rl_high_##K##_runs, rl_high_##K##_columns, rl_high_##K##_join},                   \
      {sizeof(T), sizeof(T), rl_low_##K##_runs, rl_low_##K##_columns, rl_low_##K##_join}},                     \
     rl_copy_##K, rl_places_##K, rl_search_##K}
static const rl_extremes rl_extremes_of[] = {
    RL_EXTREMES_OF(float, f4), RL_EXTREMES_OF(double, f8), RL_EXTREMES_OF(uint8_t, u1), RL_EXTREMES_OF(int8_t, i1),
    RL_EXTREMES_OF(int16_t, i2), RL_EXTREMES_OF(int32_t, i4), RL_EXTREMES_OF(int64_t, i8),
};

#endif
