/* Elimination and substitution for matrices small enough that LAPACK's calls would cost more than the work. Matrices
   are row-major; those that are only read may have any strides, counted in numbers. */

#ifndef RL_DENSE_H
#define RL_DENSE_H

#include "lanes.h"
#include <math.h>
#include <stdint.h>

/* One batch: `a` and `b` begin anew each `a_step` and `b_step` numbers, 0 for one that all share. */
typedef struct {
    int kind, upper, unit, adjoint;
    Py_ssize_t m, n, columns, a_step, b_step, row, column;
    void *a, *b;
    int32_t *pivots, *info;
} rl_dense;

#define DENSE(T, ABS, LU, SUBSTITUTE, APPLY, LU_SPAN, SUBSTITUTE_SPAN, APPLY_SPAN)                                \
    /* a = P @ L @ U over a, by elimination with partial pivoting; the first zero pivot, counted from 1. */       \
    RL_CLONES static int32_t LU(T *a, Py_ssize_t m, Py_ssize_t n, int32_t *pivots) {                              \
        Py_ssize_t i, j, k, p;                                                                                    \
        int32_t info = 0;                                                                                         \
        for (k = 0; k < m && k < n; k++) {                                                                        \
            T *top = a + k * n, largest = ABS(top[k]), pivot;                                                     \
            for (p = k, i = k + 1; i < m; i++)                                                                    \
                if (ABS(a[i * n + k]) > largest) { largest = ABS(a[i * n + k]); p = i; }                          \
            pivots[k] = (int32_t)(p + 1);                                                                         \
            if (p != k)                                                                                           \
                for (j = 0; j < n; j++) { T t = top[j]; top[j] = a[p * n + j]; a[p * n + j] = t; }                \
            pivot = top[k];                                                                                       \
            if (pivot == 0) {                                                                                     \
                if (!info) info = (int32_t)(k + 1);                                                               \
                continue;                                                                                         \
            }                                                                                                     \
            for (i = k + 1; i < m; i++) {                                                                         \
                T *row = a + i * n, f = row[k] /= pivot;                                                          \
                for (j = k + 1; j < n; j++) row[j] -= f * top[j];                                                 \
            }                                                                                                     \
        }                                                                                                         \
        return info;                                                                                              \
    }                                                                                                             \
    /* b = inv(a) @ b for a triangular a. */                                                                      \
    RL_CLONES static void SUBSTITUTE(const T *a, Py_ssize_t ai, Py_ssize_t ak, int upper, int unit, T *b,         \
                                     Py_ssize_t n, Py_ssize_t columns) {                                          \
        Py_ssize_t step, i, j, k, first;                                                                          \
        for (step = 0; step < n; step++) {                                                                        \
            T *row;                                                                                               \
            i = upper ? n - 1 - step : step;                                                                      \
            row = b + i * columns;                                                                                \
            first = upper ? i + 1 : 0;                                                                            \
            if (columns == 1) {                                                                                   \
                T sum = 0;                                                                                        \
                for (k = first; k < first + step; k++) sum += a[i * ai + k * ak] * b[k];                          \
                row[0] -= sum;                                                                                    \
            } else                                                                                                \
                for (k = first; k < first + step; k++) {                                                          \
                    const T f = a[i * ai + k * ak], *other = b + k * columns;                                     \
                    for (j = 0; j < columns; j++) row[j] -= f * other[j];                                         \
                }                                                                                                 \
            if (!unit) {                                                                                          \
                const T d = a[i * (ai + ak)];                                                                     \
                for (j = 0; j < columns; j++) row[j] /= d;                                                        \
            }                                                                                                     \
        }                                                                                                         \
    }                                                                                                             \
    static void LU_SPAN(void *what, Py_ssize_t begin, Py_ssize_t end) {                                           \
        rl_dense *job = (rl_dense *)what;                                                                         \
        const Py_ssize_t k = job->m < job->n ? job->m : job->n;                                                   \
        for (Py_ssize_t i = begin; i < end; i++)                                                                  \
            job->info[i] = LU((T *)job->a + i * job->a_step, job->m, job->n, job->pivots + i * k);                \
    }                                                                                                             \
    static void SUBSTITUTE_SPAN(void *what, Py_ssize_t begin, Py_ssize_t end) {                                   \
        rl_dense *job = (rl_dense *)what;                                                                         \
        for (Py_ssize_t i = begin; i < end; i++)                                                                  \
            SUBSTITUTE((T *)job->a + i * job->a_step, job->row, job->column, job->upper, job->unit,               \
                       (T *)job->b + i * job->b_step, job->n, job->columns);                                      \
    }                                                                                                             \
    /* b = inv(a) @ b, or inv(a.T) @ b, of an a that LU has been at. */                                           \
    static void APPLY(const T *a, Py_ssize_t ai, Py_ssize_t ak, const int32_t *pivots, int adjoint, T *b,         \
                      Py_ssize_t n, Py_ssize_t columns) {                                                         \
        if (adjoint) {                                                                                            \
            SUBSTITUTE(a, ak, ai, 0, 0, b, n, columns);                                                           \
            SUBSTITUTE(a, ak, ai, 1, 1, b, n, columns);                                                           \
        }                                                                                                         \
        for (Py_ssize_t step = 0; step < n; step++) {                                                             \
            const Py_ssize_t k = adjoint ? n - 1 - step : step;                                                   \
            T *x = b + k * columns, *y = b + (pivots[k] - 1) * columns;                                           \
            if (x != y)                                                                                           \
                for (Py_ssize_t j = 0; j < columns; j++) { T t = x[j]; x[j] = y[j]; y[j] = t; }                   \
        }                                                                                                         \
        if (adjoint) return;                                                                                      \
        SUBSTITUTE(a, ai, ak, 0, 1, b, n, columns);                                                               \
        SUBSTITUTE(a, ai, ak, 1, 0, b, n, columns);                                                               \
    }                                                                                                             \
    static void APPLY_SPAN(void *what, Py_ssize_t begin, Py_ssize_t end) {                                        \
        rl_dense *job = (rl_dense *)what;                                                                         \
        for (Py_ssize_t i = begin; i < end; i++)                                                                  \
            APPLY((T *)job->a + i * job->a_step, job->row, job->column,                                           \
                  job->pivots + (job->a_step ? i * job->n : 0), job->adjoint, (T *)job->b + i * job->b_step,      \
                  job->n, job->columns);                                                                          \
    }
DENSE(float, fabsf, rl_lu_f4, rl_substitute_f4, rl_apply_f4, rl_lu_span_f4, rl_substitute_span_f4, rl_apply_span_f4)
DENSE(double, fabs, rl_lu_f8, rl_substitute_f8, rl_apply_f8, rl_lu_span_f8, rl_substitute_span_f8, rl_apply_span_f8)

/* The lower L of a = L @ L.T over the lower triangle of a, zeros above it; 0 where there is none. */
#define CHOLESKY(T, SQRT, NAME, SPAN)                                                                             \
    static int NAME(T *a, Py_ssize_t n) {                                                                         \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                      \
            T *row = a + i * n;                                                                                   \
            for (Py_ssize_t j = 0; j <= i; j++) {                                                                 \
                const T *other = a + j * n;                                                                       \
                T sum = row[j];                                                                                   \
                for (Py_ssize_t k = 0; k < j; k++) sum -= row[k] * other[k];                                      \
                if (j < i) row[j] = sum / other[j];                                                               \
                else if (sum > 0) row[i] = SQRT(sum);                                                             \
                else return 0;                                                                                    \
            }                                                                                                     \
            for (Py_ssize_t j = i + 1; j < n; j++) row[j] = 0;                                                    \
        }                                                                                                         \
        return 1;                                                                                                 \
    }                                                                                                             \
    static void SPAN(void *what, Py_ssize_t begin, Py_ssize_t end) {                                              \
        const rl_dense *job = (const rl_dense *)what;                                                             \
        for (Py_ssize_t i = begin; i < end; i++)                                                                  \
            if (!NAME((T *)job->a + i * job->a_step, job->n)) __atomic_store_n(job->info, 1, __ATOMIC_RELAXED);   \
    }
CHOLESKY(float, sqrtf, rl_cholesky_f4, rl_cholesky_span_f4)
CHOLESKY(double, sqrt, rl_cholesky_f8, rl_cholesky_span_f8)

#endif
