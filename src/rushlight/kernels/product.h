/* c += a @ b in loops of our own: matrix products small enough that calling BLAS, or waking its threads, would cost
   more than it saves. Included by the kernels that multiply. */

#ifndef RL_PRODUCT_H
#define RL_PRODUCT_H

#include "tiles.h"
#include "kernels/squares.h"

#define RL_PACKED 32768

/* c (row-major, already holding what is to be added to) += a @ b, a column of W numbers at a time; b is packed so that
   such a column is contiguous, and padded with zeros. */
#define PRODUCT(KIND, TARGET, T, V, VECTORS)                                                                   \
    RL_UNUSED TARGET static void rl_product_##KIND(                                                            \
        const T *a, Py_ssize_t ai, Py_ssize_t ak, const T *b, Py_ssize_t bk, Py_ssize_t bj, T *c, Py_ssize_t m, \
        Py_ssize_t n, Py_ssize_t k) {                                                                          \
        V packed[RL_PACKED / sizeof(V)];                                                                       \
        T *to = (T *)packed;                                                                                   \
        const Py_ssize_t W = RL_W(T), N = VECTORS * sizeof(V) / sizeof(T), line = W * sizeof(T);               \
        for (Py_ssize_t j = 0; j < n; j += W) {                                                                \
            const Py_ssize_t w = RL_LEAST(n - j, W);                                                           \
            if (bj == 1 && w == W)                                                                             \
                for (Py_ssize_t p = 0; p < k; p++) memcpy(to + p * W, b + p * bk + j, W * sizeof(T));          \
            else {                                                                                             \
                const Py_ssize_t whole = w - w % 4, across[] = {line, sizeof(T)}, columns[] = {sizeof(T), bj * sizeof(T)}; \
                if (w < W) memset(to, 0, k * line);                                                            \
                const Py_ssize_t done = bk != 1 ? 0                                                            \
                    : rl_squares((char *)to, across, (const char *)(b + j * bj), columns, k, whole, sizeof(T)); \
                for (Py_ssize_t q = 0; q < w; q++) {                                                           \
                    const T *from = b + (j + q) * bj;                                                          \
                    for (Py_ssize_t p = q < whole ? done : 0; p < k; p++) to[p * W + q] = from[p * bk];        \
                }                                                                                              \
            }                                                                                                  \
            for (Py_ssize_t q = 0; q < w; q += N)                                                              \
                rl_strip_##KIND(a, ai, ak, to + q, W, c + j + q, n, m, RL_LEAST(w - q, N), k, 1);              \
        }                                                                                                      \
    }
RL_FOR_FAMILIES(PRODUCT, f4, float)
RL_FOR_FAMILIES(PRODUCT, f8, double)
#define rl_product_f4 RL_OF_FAMILY(rl_product_f4)
#define rl_product_f8 RL_OF_FAMILY(rl_product_f8)

/* c (as above) += a @ b where the rows of a lie together, and the columns of b: the dot products of these, four columns
   at a time. For a few rows, for which packing b would take longer than the product. */
#define BY_COLUMNS(KIND, TARGET, T, V, VECTORS)                                                                \
    TARGET static void rl_by_columns_##KIND(const T *a, Py_ssize_t ai, const T *b, Py_ssize_t bj, T *c,        \
                                            Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) {                        \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                            \
        for (Py_ssize_t i = 0; i < m; i++)                                                                     \
            for (Py_ssize_t j = 0; j < n; j += 4) {                                                            \
                const T *x = a + i * ai, *column[4];                                                           \
                V s[4][VECTORS], u[VECTORS], v;                                                                \
                T sums[4][sizeof(V) / sizeof(T)];                                                              \
                Py_ssize_t p = 0;                                                                              \
                /* Columns beyond the last read the last again. */                                             \
                RL_UNROLL for (int r = 0; r < 4; r++) {                                                        \
                    column[r] = b + RL_LEAST(j + r, n - 1) * bj;                                               \
                    RL_UNROLL for (int h = 0; h < VECTORS; h++) s[r][h] = (V){0};                              \
                }                                                                                              \
                for (; p + N * VECTORS <= k; p += N * VECTORS) {                                               \
                    RL_UNROLL for (int h = 0; h < VECTORS; h++) memcpy(&u[h], x + p + h * N, sizeof v);        \
                    RL_UNROLL for (int r = 0; r < 4; r++)                                                      \
                        RL_UNROLL for (int h = 0; h < VECTORS; h++) {                                          \
                            memcpy(&v, column[r] + p + h * N, sizeof v);                                       \
                            s[r][h] += u[h] * v;                                                               \
                        }                                                                                      \
                }                                                                                              \
                RL_UNROLL for (int r = 0; r < 4; r++) {                                                        \
                    RL_UNROLL for (int h = 1; h < VECTORS; h++) s[r][0] += s[r][h];                            \
                    memcpy(sums[r], &s[r][0], sizeof v);                                                       \
                }                                                                                              \
                for (Py_ssize_t w = N / 2; w; w /= 2)                                                          \
                    for (int r = 0; r < 4; r++)                                                                \
                        for (Py_ssize_t q = 0; q < w; q++) sums[r][q] += sums[r][q + w];                       \
                for (; p < k; p++)                                                                             \
                    for (int r = 0; r < 4; r++) sums[r][0] += x[p] * column[r][p];                             \
                for (int r = 0; r < 4 && j + r < n; r++) c[i * n + j + r] += sums[r][0];                       \
            }                                                                                                  \
    }
RL_FOR_FAMILIES(BY_COLUMNS, f4, float)
RL_FOR_FAMILIES(BY_COLUMNS, f8, double)
#define rl_by_columns_f4 RL_OF_FAMILY(rl_by_columns_f4)
#define rl_by_columns_f8 RL_OF_FAMILY(rl_by_columns_f8)

#endif
