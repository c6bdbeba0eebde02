/* Sums of rows of numbers, many at once, for the normalizations. Lanes are added up every RL_RUN numbers in double
   precision (columns every RL_STRETCH), so that rounding does not grow with the length of a row. */

#ifndef RL_NORMAL_H
#define RL_NORMAL_H

#include "totals.h"

/* Columns that are summed together. */
#define RL_BESIDE 64

/* Rows of which columns are summed before their sums join those in double precision. */
#define RL_STRETCH 16
#define RL_STRETCHES(START, END)                                                                               \
    for (Py_ssize_t START = 0, END = 0; END = rows - START < RL_STRETCH ? rows : START + RL_STRETCH, START < rows; \
         START = END)

#define NORMAL(T, S)                                                                                           \
    /* The sum of the squares of the distance of x from `centre`, and of g times that distance. */             \
    RL_SUMS static double rl_spread_##S(const T *x, Py_ssize_t n, T centre) {                                \
        double result;                                                                                         \
        RL_PLAIN_TOTAL(T, result, (x[i] - centre) * (x[i] - centre))                                                 \
        return result;                                                                                         \
    }                                                                                                          \
    RL_SUMS static double rl_along_##S(const T *g, const T *x, Py_ssize_t n, T centre) {                     \
        double result;                                                                                         \
        RL_PLAIN_TOTAL(T, result, g[i] * (x[i] - centre))                                                            \
        return result;                                                                                         \
    }                                                                                                          \
    /* out = (x - centre) * scale + shift. */                                                                  \
    RL_CLONES static void rl_scale_##S(const T *x, Py_ssize_t n, T centre, T scale, T shift, T *out) {         \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale + shift;                           \
    }                                                                                                          \
    /* out = (x - centre) * scale * weight + bias, entry by entry; either may be missing. */                   \
    RL_CLONES static void rl_affine_##S(const T *x, Py_ssize_t n, T centre, T scale, const T *weight,          \
                                        const T *bias, T *out) {                                               \
        if (weight && bias)                                                                                    \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale * weight[i] + bias[i];         \
        else if (weight)                                                                                       \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale * weight[i];                   \
        else if (bias)                                                                                         \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale + bias[i];                     \
        else                                                                                                   \
            for (Py_ssize_t i = 0; i < n; i++) out[i] = (x[i] - centre) * scale;                               \
    }                                                                                                          \
    /* out = g * a + (x - centre) * b + c. */                                                                  \
    RL_CLONES static void rl_back_##S(const T *g, const T *x, Py_ssize_t n, T centre, T a, T b, T c, T *out) { \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = g[i] * a + (x[i] - centre) * b + c;                        \
    }                                                                                                          \
    /* The same for g times weight, entry by entry. */                                                         \
    RL_SUMS static double rl_weighed_along_##S(const T *g, const T *w, const T *x, Py_ssize_t n, T centre) { \
        double result;                                                                                         \
        RL_PLAIN_TOTAL(T, result, g[i] * w[i] * (x[i] - centre))                                                     \
        return result;                                                                                         \
    }                                                                                                          \
    /* That sum, and that of g times weight, in one pass. */                                                   \
    RL_SUMS static double rl_weighed_both_##S(const T *g, const T *w, const T *x, Py_ssize_t n, T centre, double *slope) { \
        double whole = 0, tilt = 0;                                                                            \
        for (Py_ssize_t start = 0; start < n; start += RL_RUN) {                                               \
            Py_ssize_t end = n - start < RL_RUN ? n : start + RL_RUN;                                          \
            T part = 0, along = 0;                                                                             \
            for (Py_ssize_t i = start; i < end; i++) {                                                         \
                T d = g[i] * w[i];                                                                             \
                part += d;                                                                                     \
                along += d * (x[i] - centre);                                                                  \
            }                                                                                                  \
            whole += (double)part;                                                                             \
            tilt += (double)along;                                                                             \
        }                                                                                                      \
        *slope = tilt;                                                                                         \
        return whole;                                                                                          \
    }                                                                                                          \
    RL_CLONES static void rl_weighed_back_##S(const T *g, const T *w, const T *x, Py_ssize_t n, T centre, T a, T b, \
                                              T c, T *out) {                                                   \
        for (Py_ssize_t i = 0; i < n; i++) out[i] = g[i] * w[i] * a + (x[i] - centre) * b + c;                 \
    }                                                                                                          \
    /* Up to RL_BESIDE columns of `rows` rows that lie `step` apart: their means and variances, their gradients by \
       shift and scale (of rows with a centre and a scale of their own, or of columns with one), the sum of g. */ \
    RL_CLONES static void rl_columns_##S(const T *x, Py_ssize_t rows, Py_ssize_t step, int w, T *mean, T *var) {\
        double sum[RL_BESIDE];                                                                                 \
        for (int q = 0; q < w; q++) sum[q] = 0;                                                                \
        RL_STRETCHES(start, end) {                                                                             \
            T part[RL_BESIDE] = {0};                                                                           \
            for (Py_ssize_t r = start; r < end; r++) for (int q = 0; q < w; q++) part[q] += x[r * step + q];   \
            for (int q = 0; q < w; q++) sum[q] += part[q];                                                     \
        }                                                                                                      \
        for (int q = 0; q < w; q++) mean[q] = (T)(sum[q] / rows), sum[q] = 0;                                  \
        RL_STRETCHES(start, end) {                                                                             \
            T part[RL_BESIDE] = {0};                                                                           \
            for (Py_ssize_t r = start; r < end; r++)                                                           \
                for (int q = 0; q < w; q++) {                                                                  \
                    T away = x[r * step + q] - mean[q];                                                        \
                    part[q] += away * away;                                                                    \
                }                                                                                              \
            for (int q = 0; q < w; q++) sum[q] += part[q];                                                     \
        }                                                                                                      \
        for (int q = 0; q < w; q++) var[q] = (T)(sum[q] / rows);                                               \
    }                                                                                                          \
    RL_CLONES static void rl_scale_columns_##S(const T *x, Py_ssize_t rows, Py_ssize_t step, int w, const T *mean, \
                                               const T *by, const T *shift, T *out) {                          \
        for (Py_ssize_t r = 0; r < rows; r++)                                                                  \
            for (int q = 0; q < w; q++) out[r * step + q] = (x[r * step + q] - mean[q]) * by[q] + shift[q];    \
    }                                                                                                          \
    RL_CLONES static void rl_along_columns_##S(const T *g, const T *x, Py_ssize_t rows, Py_ssize_t step, int w,\
                                               const T *mean, double *total, double *slope) {                  \
        for (int q = 0; q < w; q++) total[q] = slope[q] = 0;                                                   \
        RL_STRETCHES(start, end) {                                                                             \
            T part[RL_BESIDE] = {0}, tilt[RL_BESIDE] = {0};                                                    \
            for (Py_ssize_t r = start; r < end; r++)                                                           \
                for (int q = 0; q < w; q++) {                                                                  \
                    T d = g[r * step + q];                                                                     \
                    part[q] += d;                                                                              \
                    tilt[q] += d * (x[r * step + q] - mean[q]);                                                \
                }                                                                                              \
            for (int q = 0; q < w; q++) {                                                                      \
                total[q] += part[q];                                                                           \
                slope[q] += tilt[q];                                                                           \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_along_rows_##S(const T *g, const T *x, Py_ssize_t rows, Py_ssize_t step, int w,   \
                                            const T *mean, const T *rstd, double *total, double *slope) {      \
        for (int q = 0; q < w; q++) total[q] = slope[q] = 0;                                                   \
        RL_STRETCHES(start, end) {                                                                             \
            T part[RL_BESIDE] = {0}, tilt[RL_BESIDE] = {0};                                                    \
            for (Py_ssize_t r = start; r < end; r++)                                                           \
                for (int q = 0; q < w; q++) {                                                                  \
                    T d = g[r * step + q];                                                                     \
                    part[q] += d;                                                                              \
                    tilt[q] += d * ((x[r * step + q] - mean[r]) * rstd[r]);                                    \
                }                                                                                              \
            for (int q = 0; q < w; q++) {                                                                      \
                total[q] += part[q];                                                                           \
                slope[q] += tilt[q];                                                                           \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void rl_back_columns_##S(const T *g, const T *x, Py_ssize_t rows, Py_ssize_t step, int w, \
                                              const T *mean, const T *a, const T *b, const T *c, T *out) {     \
        for (Py_ssize_t r = 0; r < rows; r++)                                                                  \
            for (int q = 0; q < w; q++)                                                                        \
                out[r * step + q] = g[r * step + q] * a[q] + (x[r * step + q] - mean[q]) * b[q] + c[q];        \
    }
NORMAL(float, f4)
NORMAL(double, f8)

#endif
