/* Rows of a matrix in lexicographic order: the first element in which two differ decides. Equal rows keep their order. */

#ifndef RL_ROWS_H
#define RL_ROWS_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const void *x;
    Py_ssize_t n, width;
    int64_t *order, *spare; /* of n numbers each; the order is left in the first */
    uint8_t *begins;        /* whether a row of the order differs from the one before */
} rl_rows;

/* False for rows that hold a nan, which has no place in such an order. Runs of 1, 2, 4, ... rows are merged. */
#define RL_ROWS(NAME, T)                                                                                        \
    static inline int NAME##_compared(const T *a, const T *b, Py_ssize_t width) {                               \
        for (Py_ssize_t j = 0; j < width; j++)                                                                  \
            if (a[j] != b[j]) return a[j] < b[j] ? -1 : 1;                                                      \
        return 0;                                                                                               \
    }                                                                                                           \
    static int NAME(rl_rows *r) {                                                                               \
        const T *x = (const T *)r->x;                                                                           \
        const Py_ssize_t n = r->n, width = r->width;                                                            \
        int64_t *from = r->order, *to = r->spare;                                                               \
        int nan = 0;                                                                                            \
        for (Py_ssize_t i = 0; i < n * width; i++) nan |= x[i] != x[i];                                         \
        if (nan) return 0;                                                                                      \
        for (Py_ssize_t i = 0; i < n; i++) from[i] = i;                                                         \
        for (Py_ssize_t run = 1; run < n; run *= 2) {                                                           \
            for (Py_ssize_t begin = 0; begin < n; begin += 2 * run) {                                           \
                Py_ssize_t middle = begin + run < n ? begin + run : n;                                          \
                Py_ssize_t end = middle + run < n ? middle + run : n, a = begin, b = middle;                    \
                for (Py_ssize_t k = begin; k < end; k++) {                                                      \
                    int first = b == end || (a < middle && NAME##_compared(x + from[a] * width, x + from[b] * width, width) <= 0); \
                    to[k] = first ? from[a++] : from[b++];                                                      \
                }                                                                                               \
            }                                                                                                   \
            int64_t *done = to;                                                                                 \
            to = from;                                                                                          \
            from = done;                                                                                        \
        }                                                                                                       \
        if (from != r->order) memcpy(r->order, from, n * sizeof *from);                                         \
        for (Py_ssize_t i = 0; i < n; i++)                                                                      \
            r->begins[i] = i == 0 || NAME##_compared(x + r->order[i - 1] * width, x + r->order[i] * width, width) != 0; \
        return 1;                                                                                               \
    }

RL_ROWS(rl_rows_f4, float)
RL_ROWS(rl_rows_f8, double)
RL_ROWS(rl_rows_i8, int64_t)
RL_ROWS(rl_rows_i4, int32_t)
RL_ROWS(rl_rows_i2, int16_t)
RL_ROWS(rl_rows_i1, int8_t)
RL_ROWS(rl_rows_u1, uint8_t)

#endif
