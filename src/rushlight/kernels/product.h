/* c += a @ b in loops of our own: matrix products small enough that calling BLAS, or waking its threads, would cost
   more than it saves. Included by the kernels that multiply. */

#ifndef RL_PRODUCT_H
#define RL_PRODUCT_H

#include "lanes.h"
#include "kernels/squares.h"

#define RL_PACKED 32768

/* c (row-major, already holding what is to be added to) += a @ b, a column of W numbers at a time, four rows
   together; b is packed so that such a column is contiguous, and padded with zeros. */
#define PRODUCT(NAME, T, V)                                                                                    \
    RL_CLONES static void NAME(const T *a, Py_ssize_t ai, Py_ssize_t ak, const T *b, Py_ssize_t bk,            \
                     Py_ssize_t bj, T *c, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) {                          \
        V packed[RL_PACKED / sizeof(V)], sums[4];                                                              \
        const Py_ssize_t W = RL_W(T);                                                                          \
        Py_ssize_t i, j, p, q, r, w, rows;                                                                     \
        for (j = 0; j < n; j += W) {                                                                           \
            w = n - j < W ? n - j : W;                                                                         \
            if (bj == 1 && w == W)                                                                             \
                for (p = 0; p < k; p++) memcpy(packed + p, b + p * bk + j, sizeof(V));                         \
            else {                                                                                             \
                T *to = (T *)packed;                                                                           \
                const Py_ssize_t whole = w - w % 4;                                                            \
                const Py_ssize_t across[] = {sizeof(V), sizeof(T)}, columns[] = {sizeof(T), bj * sizeof(T)};   \
                if (w < W) memset(packed, 0, k * sizeof(V));                                                   \
                const Py_ssize_t done = bk != 1 ? 0                                                            \
                    : rl_squares((char *)to, across, (const char *)(b + j * bj), columns, k, whole, sizeof(T)); \
                for (q = 0; q < w; q++) {                                                                      \
                    const T *from = b + (j + q) * bj;                                                          \
                    for (p = q < whole ? done : 0; p < k; p++) to[p * W + q] = from[p * bk];                   \
                }                                                                                              \
            }                                                                                                  \
            for (i = 0; i < m; i += 4) {                                                                       \
                rows = m - i < 4 ? m - i : 4;                                                                  \
                V x = {0}, y = {0}, z = {0}, t = {0};                                                          \
                /* Rows beyond the last read the last again. */                                                \
                const T *d = a + i * ai, *e = d + (rows > 1) * ai;                                             \
                const T *f = e + (rows > 2) * ai, *g = f + (rows > 3) * ai;                                    \
                for (p = 0; p < k; p++) {                                                                      \
                    V u = packed[p];                                                                           \
                    x += d[p * ak] * u;                                                                        \
                    y += e[p * ak] * u;                                                                        \
                    z += f[p * ak] * u;                                                                        \
                    t += g[p * ak] * u;                                                                        \
                }                                                                                              \
                sums[0] = x; sums[1] = y; sums[2] = z; sums[3] = t;                                            \
                for (r = 0; r < rows; r++) {                                                                   \
                    T *to = c + (i + r) * n + j, *from = (T *)(sums + r);                                      \
                    for (q = 0; q < w; q++) to[q] += from[q];                                                  \
                }                                                                                              \
            }                                                                                                  \
        }                                                                                                      \
    }
PRODUCT(rl_product_f4, float, rl_f4)
PRODUCT(rl_product_f8, double, rl_f8)

/* c (as above) += a @ b where the rows of a lie together, and the columns of b: the dot products of these, four columns
   at a time. For a few rows, for which packing b would take longer than the product. */
#define BY_COLUMNS(NAME, T, V)                                                                                 \
    RL_CLONES static void NAME(const T *a, Py_ssize_t ai, const T *b, Py_ssize_t bj, T *c, Py_ssize_t m,       \
                               Py_ssize_t n, Py_ssize_t k) {                                                   \
        const Py_ssize_t W = RL_W(T);                                                                          \
        Py_ssize_t i, j, p, q, r, w;                                                                           \
        for (i = 0; i < m; i++)                                                                                \
            for (j = 0; j < n; j += 4) {                                                                       \
                const Py_ssize_t columns = n - j < 4 ? n - j : 4;                                              \
                const T *x = a + i * ai, *d = b + j * bj, *e = d + (columns > 1) * bj;                         \
                const T *f = e + (columns > 2) * bj, *g = f + (columns > 3) * bj;                              \
                V s[4] = {{0}, {0}, {0}, {0}}, u, v;                                                           \
                T sums[4][RL_W(T)];                                                                            \
                for (p = 0; p + W <= k; p += W) {                                                              \
                    memcpy(&u, x + p, sizeof(V));                                                              \
                    memcpy(&v, d + p, sizeof(V)); s[0] += u * v;                                               \
                    memcpy(&v, e + p, sizeof(V)); s[1] += u * v;                                               \
                    memcpy(&v, f + p, sizeof(V)); s[2] += u * v;                                               \
                    memcpy(&v, g + p, sizeof(V)); s[3] += u * v;                                               \
                }                                                                                              \
                memcpy(sums, s, sizeof(sums));                                                                 \
                for (w = W / 2; w; w /= 2)                                                                     \
                    for (r = 0; r < 4; r++)                                                                    \
                        for (q = 0; q < w; q++) sums[r][q] += sums[r][q + w];                                  \
                for (; p < k; p++) {                                                                           \
                    sums[0][0] += x[p] * d[p]; sums[1][0] += x[p] * e[p];                                      \
                    sums[2][0] += x[p] * f[p]; sums[3][0] += x[p] * g[p];                                      \
                }                                                                                              \
                for (r = 0; r < columns; r++) c[i * n + j + r] += sums[r][0];                                  \
            }                                                                                                  \
    }
BY_COLUMNS(rl_by_columns_f4, float, rl_f4)
BY_COLUMNS(rl_by_columns_f8, double, rl_f8)

#endif
