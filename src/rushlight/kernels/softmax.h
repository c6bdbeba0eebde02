/* Softmax along one dimension of (outer, n, inner) numbers, and what is made of it. Where inner is 1 a row is done at a
   time, else RL_ABREAST columns at once. Sums are in double precision from one run of numbers to the next. */

#ifndef RL_SOFTMAX_H
#define RL_SOFTMAX_H

#include "totals.h"
#include "vector.h"

#define RL_ABREAST 64

typedef struct {
    const void *x, *y;
    void *out;
    Py_ssize_t outer, n, inner;
    int logs;
} rl_lines;

/* The largest of n numbers; a nan shows in the sum of exponentials anyhow. */
#if defined(__GNUC__) && !defined(__clang__)
#define RL_ORDERED RL_CLONES __attribute__((optimize("finite-math-only", "no-signed-zeros", "no-trapping-math")))
#else
#define RL_ORDERED RL_CLONES
#endif
#define HIGHEST(S, T)                                                                                          \
    RL_ORDERED static T rl_highest_##S(const T *x, Py_ssize_t n) {                                             \
        T high = x[0];                                                                                         \
        for (Py_ssize_t i = 1; i < n; i++) high = x[i] > high ? x[i] : high;                                   \
        return high;                                                                                           \
    }
HIGHEST(f4, float)
HIGHEST(f8, double)

/* The blocks of columns, from begin to end; x, y and out are where the block begins, w how many columns it has. */
#define RL_OVER_COLUMNS(T, BODY)                                                                               \
    {                                                                                                          \
        Py_ssize_t blocks = (s->inner + RL_ABREAST - 1) / RL_ABREAST, inner = s->inner, n = s->n;              \
        for (Py_ssize_t b = begin; b < end; b++) {                                                             \
            Py_ssize_t column = b % blocks * RL_ABREAST, first = b / blocks * n * inner + column;              \
            int w = (int)(inner - column < RL_ABREAST ? inner - column : RL_ABREAST);                          \
            const T *x = (const T *)s->x + first;                                                              \
            T *out = (T *)s->out + first;                                                                      \
            BODY                                                                                               \
        }                                                                                                      \
    }

#define SOFTMAX(S, T, EXP)                                                                                     \
    /* The sum of the exponentials of x - high, of which a run at a time is kept. */                           \
    RL_CLONES static double rl_mass_##S(const T *x, Py_ssize_t n, T high) {                                    \
        double mass = 0;                                                                                       \
        for (Py_ssize_t start = 0; start < n; start += RL_RUN) {                                               \
            T powers[RL_RUN];                                                                                  \
            Py_ssize_t count = n - start < RL_RUN ? n - start : RL_RUN;                                        \
            for (Py_ssize_t i = 0; i < count; i++) powers[i] = EXP(x[start + i] - high);                       \
            mass += rl_sum_##S(powers, count);                                                                 \
        }                                                                                                      \
        return mass;                                                                                           \
    }                                                                                                          \
    RL_CLONES static void rl_soft_row_##S(const T *x, T *out, Py_ssize_t n, int logs) {                        \
        T high = rl_highest_##S(x, n);                                                                         \
        double whole;                                                                                          \
        if (logs) {                                                                                            \
            T shift = (T)log(rl_mass_##S(x, n, high));                                                         \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = x[i] - high - shift;                                   \
            return;                                                                                            \
        }                                                                                                      \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = EXP(x[i] - high);                                          \
        whole = rl_sum_##S(out, n);                                                                            \
        T share = (T)(1 / whole);                                                                              \
        for (Py_ssize_t i = 0; i < n; i++) out[i] *= share;                                                    \
    }                                                                                                          \
    RL_CLONES static void rl_back_row_##S(const T *x, const T *y, T *out, Py_ssize_t n, int logs) {            \
        double whole;                                                                                          \
        if (logs) {                                                                                            \
            whole = rl_sum_##S(x, n);                                                                          \
            T sum = (T)whole;                                                                                  \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = x[i] - EXP(y[i]) * sum;                                \
        } else {                                                                                               \
            whole = rl_weighed_##S(x, y, n);                                                                   \
            T sum = (T)whole;                                                                                  \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = y[i] * (x[i] - sum);                                   \
        }                                                                                                      \
    }                                                                                                          \
    RL_UNUSED static void rl_soft_rows_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                     \
        const rl_lines *s = what;                                                                              \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_soft_row_##S((const T *)s->x + r * s->n, (T *)s->out + r * s->n, s->n, s->logs);                \
    }                                                                                                          \
    RL_UNUSED static void rl_through_rows_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                     \
        const rl_lines *s = what;                                                                              \
        for (Py_ssize_t r = begin; r < end; r++)                                                               \
            rl_back_row_##S((const T *)s->x + r * s->n, (const T *)s->y + r * s->n, (T *)s->out + r * s->n, s->n, s->logs); \
    }                                                                                                          \
    RL_CLONES static void rl_high_mass_##S(const T *x, T *out, Py_ssize_t n, Py_ssize_t inner, int w, T *high, double *mass) { \
        for (int q = 0; q < w; q++) high[q] = x[q], mass[q] = 0;                                               \
        for (Py_ssize_t k = 1; k < n; k++)                                                                     \
            for (int q = 0; q < w; q++) high[q] = x[k * inner + q] > high[q] ? x[k * inner + q] : high[q];     \
        for (Py_ssize_t k = 0; k < n; k++)                                                                     \
            for (int q = 0; q < w; q++) {                                                                      \
                T power = EXP(x[k * inner + q] - high[q]);                                                     \
                if (out) out[k * inner + q] = power;                                                           \
                mass[q] += power;                                                                              \
            }                                                                                                  \
    }                                                                                                          \
    RL_UNUSED RL_CLONES static void rl_soft_columns_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {        \
        const rl_lines *s = what;                                                                              \
        T high[RL_ABREAST];                                                                                    \
        double mass[RL_ABREAST];                                                                               \
        RL_OVER_COLUMNS(T,                                                                                     \
            rl_high_mass_##S(x, s->logs ? NULL : out, n, inner, w, high, mass);                                \
            T by[RL_ABREAST];                                                                                  \
            for (int q = 0; q < w; q++) by[q] = (T)(s->logs ? log(mass[q]) : 1 / mass[q]);                     \
            for (Py_ssize_t k = 0; k < n; k++)                                                                 \
                if (s->logs) for (int q = 0; q < w; q++) out[k * inner + q] = x[k * inner + q] - high[q] - by[q]; \
                else for (int q = 0; q < w; q++) out[k * inner + q] *= by[q];                                  \
        )                                                                                                      \
    }                                                                                                          \
    RL_UNUSED RL_CLONES static void rl_through_columns_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {        \
        const rl_lines *s = what;                                                                              \
        double sum[RL_ABREAST];                                                                                \
        RL_OVER_COLUMNS(T,                                                                                     \
            const T *y = (const T *)s->y + first;                                                              \
            for (int q = 0; q < w; q++) sum[q] = 0;                                                            \
            for (Py_ssize_t k = 0; k < n; k++)                                                                 \
                if (s->logs) for (int q = 0; q < w; q++) sum[q] += x[k * inner + q];                           \
                else for (int q = 0; q < w; q++) sum[q] += x[k * inner + q] * y[k * inner + q];                \
            for (Py_ssize_t k = 0; k < n; k++)                                                                 \
                for (int q = 0; q < w; q++) {                                                                  \
                    Py_ssize_t at = k * inner + q;                                                             \
                    out[at] = s->logs ? x[at] - EXP(y[at]) * (T)sum[q] : y[at] * (x[at] - (T)sum[q]);          \
                }                                                                                              \
        )                                                                                                      \
    }
SOFTMAX(f4, float, rl_exp4)
SOFTMAX(f8, double, rl_exp8)

#endif
