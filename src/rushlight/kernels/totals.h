/* Sums of rows of numbers. Lanes are added up every RL_RUN numbers in double precision, so that rounding does not grow
   with the length of a row. */

#ifndef RL_TOTALS_H
#define RL_TOTALS_H

#include "lanes.h"

#define RL_RUN 1024

/* The sum over i < n of TERM, an expression in i. */
#define RL_TOTAL(T, RESULT, TERM)                                                                              \
    {                                                                                                          \
        double total = 0;                                                                                      \
        for (Py_ssize_t start = 0; start < n; start += RL_RUN) {                                               \
            Py_ssize_t end = n - start < RL_RUN ? n : start + RL_RUN, i = start;                               \
            T lanes[16] = {0}, rest = 0;                                                                       \
            for (; i + 16 <= end; i += 16) {                                                                   \
                const Py_ssize_t first = i;                                                                    \
                for (int q = 0; q < 16; q++) {                                                                 \
                    const Py_ssize_t i = first + q;                                                            \
                    lanes[q] += TERM;                                                                          \
                }                                                                                              \
            }                                                                                                  \
            for (; i < end; i++) rest += TERM;                                                                 \
            for (int half = 8; half > 0; half /= 2)                                                            \
                for (int q = 0; q < half; q++) lanes[q] += lanes[q + half];                                    \
            total += (double)lanes[0] + (double)rest;                                                          \
        }                                                                                                      \
        RESULT = total;                                                                                        \
    }

/* The same, for a function that only sums: the compiler chooses the lanes. Not for what rounds on purpose, as exp does. */
#if defined(__GNUC__) && !defined(__clang__)
#define RL_SUMS RL_CLONES __attribute__((optimize("associative-math", "no-signed-zeros", "no-trapping-math")))
#else
#define RL_SUMS RL_CLONES
#endif
#define RL_PLAIN_TOTAL(T, RESULT, TERM)                                                                        \
    {                                                                                                          \
        double whole = 0;                                                                                      \
        for (Py_ssize_t start = 0; start < n; start += RL_RUN) {                                               \
            Py_ssize_t end = n - start < RL_RUN ? n : start + RL_RUN;                                          \
            T part = 0;                                                                                        \
            for (Py_ssize_t i = start; i < end; i++) part += TERM;                                             \
            whole += (double)part;                                                                             \
        }                                                                                                      \
        RESULT = whole;                                                                                        \
    }

#define TOTALS(T, S)                                                                                           \
    RL_UNUSED RL_SUMS static double rl_sum_##S(const T *x, Py_ssize_t n) {                                     \
        double result;                                                                                         \
        RL_PLAIN_TOTAL(T, result, x[i])                                                                        \
        return result;                                                                                         \
    }                                                                                                          \
    RL_UNUSED RL_SUMS static double rl_weighed_##S(const T *g, const T *w, Py_ssize_t n) {                     \
        double result;                                                                                         \
        RL_PLAIN_TOTAL(T, result, g[i] * w[i])                                                                 \
        return result;                                                                                         \
    }
TOTALS(float, f4)
TOTALS(double, f8)

#endif
