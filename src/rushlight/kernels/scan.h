/* Running sums, products, extrema and logarithms of sums of exponentials along an axis of an array (outer, n, inner). */

#ifndef RL_SCAN_H
#define RL_SCAN_H

#include "lanes.h"
#include <math.h>
#include <stdint.h>

/* Columns taken together, and runs: one need not wait for the other's addition. */
#define RL_WIDTH 256
#define RL_TOGETHER 4

typedef struct {
    const void *x;
    void *out;
    int64_t *places;
    Py_ssize_t n, inner, tiles;
    int reverse;
} rl_scan;

/* A task is RL_TOGETHER runs (fewer at the end), or up to RL_WIDTH columns. First and step lead along it. */
#define RL_RUNS(T, OUT)                                                                                        \
    const rl_scan *s = what;                                                                                   \
    Py_ssize_t inner = s->inner, n = s->n, from = s->reverse ? (n - 1) * inner : 0, step = s->reverse ? -inner : inner; \
    for (Py_ssize_t task = begin; task < end; task++) {                                                        \
        if (inner == 1) {                                                                                      \
            const T *x = (const T *)s->x + task * n + from;                                                    \
            OUT *out = (OUT *)s->out + task * n + from;                                                        \
            int64_t *places = s->places + task * n;                                                            \
            Py_ssize_t left = end - task;
#define RL_OR_COLUMNS(T, OUT)                                                                                  \
        } else {                                                                                               \
            Py_ssize_t tile = task % s->tiles * RL_WIDTH, at = task / s->tiles * n * inner + tile + from;      \
            Py_ssize_t width = inner - tile < RL_WIDTH ? inner - tile : RL_WIDTH;                              \
            const T *x = (const T *)s->x + at;                                                                 \
            OUT *out = (OUT *)s->out + at;                                                                     \
            int64_t *places = s->places + at;
#define RL_END }}

/* Sums and products of numbers T, accumulated in A. */
#define RL_ACCUMULATE(NAME, T, A, OUT, OP, START)                                                              \
    RL_TWO_CLONES static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                                 \
        RL_RUNS(T, OUT)                                                                                        \
            (void)places;                                                                                      \
            if (left >= RL_TOGETHER) {                                                                         \
                A a = START, b = START, c = START, d = START;                                                  \
                for (Py_ssize_t i = 0; i < n; i++, x += step, out += step) {                                   \
                    a = a OP (A)x[0];                                                                          \
                    b = b OP (A)x[n];                                                                          \
                    c = c OP (A)x[2 * n];                                                                      \
                    d = d OP (A)x[3 * n];                                                                      \
                    out[0] = (OUT)a;                                                                           \
                    out[n] = (OUT)b;                                                                           \
                    out[2 * n] = (OUT)c;                                                                       \
                    out[3 * n] = (OUT)d;                                                                       \
                }                                                                                              \
                task += RL_TOGETHER - 1;                                                                       \
            } else {                                                                                           \
                A total = START;                                                                               \
                for (Py_ssize_t i = 0; i < n; i++) out[i * step] = (OUT)(total = total OP (A)x[i * step]);     \
            }                                                                                                  \
        RL_OR_COLUMNS(T, OUT)                                                                                  \
            A total[RL_WIDTH];                                                                                 \
            (void)places;                                                                                      \
            for (Py_ssize_t k = 0; k < width; k++) total[k] = START;                                           \
            for (Py_ssize_t i = 0; i < n; i++, x += step, out += step)                                         \
                for (Py_ssize_t k = 0; k < width; k++) {                                                       \
                    total[k] = total[k] OP (A)x[k];                                                            \
                    out[k] = (OUT)total[k];                                                                    \
                }                                                                                              \
        RL_END                                                                                                 \
    }

/* The extreme so far, and where it was met last; a nan stays, and only another one takes its place. */
#define RL_TAKES(V, BEST, OP) (((V) OP (BEST)) | ((V) != (V)))
#define RL_RUNNING(NAME, T, OP)                                                                                \
    RL_TWO_CLONES static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                                 \
        RL_RUNS(T, T)                                                                                          \
            T best = x[0];                                                                                     \
            int64_t place = 0;                                                                                 \
            (void)left;                                                                                        \
            for (Py_ssize_t i = 0; i < n; i++) {                                                               \
                T v = x[i];                                                                                    \
                if (v OP best || v != v) {                                                                     \
                    best = v;                                                                                  \
                    place = i;                                                                                 \
                }                                                                                              \
                out[i] = best;                                                                                 \
                places[i] = place;                                                                             \
            }                                                                                                  \
        RL_OR_COLUMNS(T, T)                                                                                    \
            T best[RL_WIDTH];                                                                                  \
            int32_t place[RL_WIDTH];                                                                           \
            for (Py_ssize_t k = 0; k < width; k++) best[k] = x[k], place[k] = 0;                               \
            for (int32_t i = 0; i < n; i++, x += step, out += step, places += step) {                          \
                for (Py_ssize_t k = 0; k < width; k++) {                                                       \
                    int takes = RL_TAKES(x[k], best[k], OP);                                                   \
                    place[k] = takes ? i : place[k];                                                           \
                    best[k] = takes ? x[k] : best[k];                                                          \
                }                                                                                              \
                memcpy(out, best, width * sizeof(T));                                                          \
                for (Py_ssize_t k = 0; k < width; k++) places[k] = place[k];                                   \
            }                                                                                                  \
        RL_END                                                                                                 \
    }

/* log(sum(exp)) with another number v: `high` is the largest so far, `rest` the sum of the others' exponentials from it. */
static inline double rl_log_add(double v, double *high, double *rest) {
    double less = v - *high;
    if (v == *high) *rest += 1;
    else if (less < 0) *rest += exp(less);
    else if (less > 0) {
        *rest = isinf(less) ? 0 : (1 + *rest) * exp(-less);
        *high = v;
    } else *high = *rest = less;
    return isinf(*high) ? *high : *high + log1p(*rest);
}

#define RL_LOG_SUMS(NAME, T)                                                                                   \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                                           \
        RL_RUNS(T, T)                                                                                          \
            double high = x[0], rest = 0;                                                                      \
            (void)left, (void)places;                                                                          \
            out[0] = x[0];                                                                                     \
            for (Py_ssize_t i = 1; i < n; i++) out[i] = (T)rl_log_add(x[i], &high, &rest);                     \
        RL_OR_COLUMNS(T, T)                                                                                    \
            double high[RL_WIDTH], rest[RL_WIDTH];                                                             \
            (void)places;                                                                                      \
            for (Py_ssize_t k = 0; k < width; k++) high[k] = out[k] = x[k], rest[k] = 0;                       \
            for (Py_ssize_t i = 1; i < n; i++) {                                                               \
                x += step;                                                                                     \
                out += step;                                                                                   \
                for (Py_ssize_t k = 0; k < width; k++) out[k] = (T)rl_log_add(x[k], high + k, rest + k);       \
            }                                                                                                  \
        RL_END                                                                                                 \
    }

#define RL_SCANS(T, K, A, OUT)                                                                                 \
    RL_ACCUMULATE(rl_cumsum_##K, T, A, OUT, +, 0)                                                              \
    RL_ACCUMULATE(rl_cumprod_##K, T, A, OUT, *, 1)                                                             \
    RL_RUNNING(rl_cummax_##K, T, >=)                                                                           \
    RL_RUNNING(rl_cummin_##K, T, <=)
RL_SCANS(float, f4, double, float)
RL_SCANS(double, f8, double, double)
RL_SCANS(uint8_t, u1, uint64_t, int64_t)
RL_SCANS(int8_t, i1, uint64_t, int64_t)
RL_SCANS(int16_t, i2, uint64_t, int64_t)
RL_SCANS(int32_t, i4, uint64_t, int64_t)
RL_SCANS(int64_t, i8, uint64_t, int64_t)
RL_LOG_SUMS(rl_logcumsumexp_f4, float)
RL_LOG_SUMS(rl_logcumsumexp_f8, double)

typedef void (*rl_scan_span)(void *, Py_ssize_t, Py_ssize_t);
enum { RL_CUMSUM, RL_CUMPROD, RL_CUMMAX, RL_CUMMIN, RL_LOGCUMSUMEXP };
#define RL_SCANS_OF(K) rl_cumsum_##K, rl_cumprod_##K, rl_cummax_##K, rl_cummin_##K
static const rl_scan_span rl_scans[][RL_LOGCUMSUMEXP + 1] = {
    {RL_SCANS_OF(f4), rl_logcumsumexp_f4}, {RL_SCANS_OF(f8), rl_logcumsumexp_f8}, {RL_SCANS_OF(u1)}, {RL_SCANS_OF(i1)},
    {RL_SCANS_OF(i2)}, {RL_SCANS_OF(i4)}, {RL_SCANS_OF(i8)},
};

#endif
