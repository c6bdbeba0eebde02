/* Loops over vectors for thin.pyx. Steps count numbers. */

#ifndef RL_THIN_H
#define RL_THIN_H

#include "lanes.h"

/* m rows that begin as copies of one of `size` bytes, or as zeros. */
static void rl_start_rows(char *c, const char *row, Py_ssize_t size, Py_ssize_t m) {
    if (row == NULL) memset(c, 0, m * size);
    else for (Py_ssize_t i = 0; i < m; i++) memcpy(c + i * size, row, size);
}

#define THIN(T, ADD_ROWS, COMBINE, PAIRS)                                                                          \
    static void ADD_ROWS(T *c, const T *row, Py_ssize_t m, Py_ssize_t n) {                                         \
        for (Py_ssize_t i = 0; i < m; i++, c += n)                                                                 \
            for (Py_ssize_t j = 0; j < n; j++) c[j] += row[j];                                                     \
    }                                                                                                              \
    /* c = the rows of b, each times a number of a: two rows at a time. */                                         \
    static void COMBINE(const T *a, Py_ssize_t ai, const T *b, Py_ssize_t bi, T *c, Py_ssize_t k, Py_ssize_t n) {  \
        Py_ssize_t p = k & 1, j;                                                                                   \
        for (j = 0; j < n; j++) c[j] = p ? a[0] * b[j] : 0;                                                        \
        for (; p < k; p += 2) {                                                                                    \
            const T u = a[p * ai], v = a[(p + 1) * ai], *x = b + p * bi, *y = x + bi;                              \
            for (j = 0; j < n; j++) c[j] += u * x[j] + v * y[j];                                                   \
        }                                                                                                          \
    }                                                                                                              \
    static void PAIRS(const T *a, Py_ssize_t ai, const T *b, Py_ssize_t bi, T *c, Py_ssize_t m, Py_ssize_t n) {    \
        for (Py_ssize_t i = 0; i < m; i++, c += n) {                                                               \
            const T x = a[i * ai];                                                                                 \
            if (bi == 1) for (Py_ssize_t j = 0; j < n; j++) c[j] = x * b[j];                                       \
            else for (Py_ssize_t j = 0; j < n; j++) c[j] = x * b[j * bi];                                          \
        }                                                                                                          \
    }
THIN(float, rl_add_rows_f4, rl_combine_f4, rl_pairs_f4)
THIN(double, rl_add_rows_f8, rl_combine_f8, rl_pairs_f8)

#endif
