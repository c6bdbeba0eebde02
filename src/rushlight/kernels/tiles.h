/* Matrix products of a few columns, whose sums stay in registers. */

#ifndef RL_TILES_H
#define RL_TILES_H

#include "families.h"

#define RL_LEAST(A, B) ((A) < (B) ? (A) : (B))

/* rl_strip: c (m, w) = a @ b, or c += a @ b, for at most VECTORS vectors of columns; a has any strides, and of b as many
   columns are read as the vectors have. */
#define RL_STRIP(KIND, TARGET, T, V, VECTORS)                                                                    \
    /* R rows of it. Rows beyond the last read the last again. */                                                \
    TARGET RL_INLINE void rl_group_##KIND(const int R, const T *a, Py_ssize_t ai, Py_ssize_t ak, const T *b,     \
                                          Py_ssize_t bk, T *c, Py_ssize_t ci, int rows, Py_ssize_t w,            \
                                          Py_ssize_t k, int add) {                                               \
        const Py_ssize_t N = sizeof(V) / sizeof(T);                                                              \
        const T *row[6];                                                                                         \
        V sums[6][VECTORS], line[VECTORS], u;                                                                    \
        RL_UNROLL for (int r = 0; r < R; r++) {                                                                  \
            row[r] = a + (r < rows ? r : rows - 1) * ai;                                                         \
            RL_UNROLL for (int v = 0; v < VECTORS; v++) sums[r][v] = (V){0};                                     \
        }                                                                                                        \
        for (Py_ssize_t p = 0; p < k; p++) {                                                                     \
            RL_UNROLL for (int v = 0; v < VECTORS; v++) memcpy(&line[v], b + p * bk + v * N, sizeof u);          \
            RL_UNROLL for (int r = 0; r < R; r++)                                                                \
                RL_UNROLL for (int v = 0; v < VECTORS; v++) sums[r][v] += row[r][p * ak] * line[v];              \
        }                                                                                                        \
        RL_UNROLL for (int r = 0; r < R; r++) {                                                                  \
            T *to = c + r * ci;                                                                                  \
            if (r >= rows) break;                                                                                \
            if (w < N * VECTORS) {                                                                               \
                T part[VECTORS * sizeof(V) / sizeof(T)];                                                         \
                RL_UNROLL for (int v = 0; v < VECTORS; v++) memcpy(part + v * N, &sums[r][v], sizeof u);         \
                for (Py_ssize_t q = 0; q < w; q++) to[q] = add ? to[q] + part[q] : part[q];                      \
                continue;                                                                                        \
            }                                                                                                    \
            RL_UNROLL for (int v = 0; v < VECTORS; v++) {                                                        \
                if (add) {                                                                                       \
                    memcpy(&u, to + v * N, sizeof u);                                                            \
                    sums[r][v] += u;                                                                             \
                }                                                                                                \
                memcpy(to + v * N, &sums[r][v], sizeof u);                                                       \
            }                                                                                                    \
        }                                                                                                        \
    }                                                                                                            \
    TARGET RL_INLINE void rl_strip_##KIND(const T *a, Py_ssize_t ai, Py_ssize_t ak, const T *b, Py_ssize_t bk,   \
                                          T *c, Py_ssize_t ci, Py_ssize_t m, Py_ssize_t w, Py_ssize_t k, int add) { \
        while (m > 0) {                                                                                          \
            const int together = m > 4 && m != 8 ? 6 : 4, rows = (int)RL_LEAST(m, together);                     \
            if (together == 6) rl_group_##KIND(6, a, ai, ak, b, bk, c, ci, rows, w, k, add);                     \
            else rl_group_##KIND(4, a, ai, ak, b, bk, c, ci, rows, w, k, add);                                   \
            a += rows * ai, c += rows * ci, m -= rows;                                                           \
        }                                                                                                        \
    }
RL_FOR_FAMILIES(RL_STRIP, f4, float)
RL_FOR_FAMILIES(RL_STRIP, f8, double)

#endif
