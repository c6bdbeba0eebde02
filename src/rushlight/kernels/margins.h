/* Rows of scores, and how far each is within the margin of the score of the row's own class. */

#ifndef RL_MARGINS_H
#define RL_MARGINS_H

#include <stdint.h>
#include "totals.h"

typedef struct {
    const void *x, *g;
    const int64_t *target;
    void *out;
    Py_ssize_t classes;
    double margin;
    int squared;
} rl_margins;

#define RL_WITHIN(z) ((z) > 0 ? (z) : 0)

/* The own class, which is a margin within, is taken off the sums again. */
#define RL_MARGINS(S, T)                                                                                       \
    RL_TWO_CLONES static void rl_margins_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {                       \
        const rl_margins *m = what;                                                                            \
        Py_ssize_t n = m->classes;                                                                             \
        for (Py_ssize_t r = begin; r < end; r++) {                                                             \
            const T *x = (const T *)m->x + r * n, base = (T)m->margin - x[m->target[r]];                   \
            T own = RL_WITHIN(base + x[m->target[r]]);                                                     \
            double sum;                                                                                        \
            if (m->squared) {                                                                                  \
                RL_TOTAL(T, sum, RL_WITHIN(base + x[i]) * RL_WITHIN(base + x[i]))                      \
                sum -= (double)own * own;                                                                      \
            } else {                                                                                           \
                RL_TOTAL(T, sum, RL_WITHIN(base + x[i]))                                                   \
                sum -= own;                                                                                    \
            }                                                                                                  \
            ((T *)m->out)[r] = (T)(sum / n);                                                                   \
        }                                                                                                      \
    }                                                                                                          \
    RL_TWO_CLONES static void rl_through_margins_##S(void *what, Py_ssize_t begin, Py_ssize_t end) {               \
        const rl_margins *m = what;                                                                            \
        Py_ssize_t n = m->classes;                                                                             \
        for (Py_ssize_t r = begin; r < end; r++) {                                                             \
            const T *x = (const T *)m->x + r * n, base = (T)m->margin - x[m->target[r]];                   \
            T *out = (T *)m->out + r * n, share = ((const T *)m->g)[r] / n;                                    \
            double sum;                                                                                        \
            if (m->squared) for (Py_ssize_t i = 0; i < n; i++) out[i] = 2 * share * RL_WITHIN(base + x[i]); \
            else for (Py_ssize_t i = 0; i < n; i++) out[i] = base + x[i] > 0 ? share : 0;                  \
            out[m->target[r]] = 0;                                                                             \
            RL_TOTAL(T, sum, out[i])                                                                           \
            out[m->target[r]] = (T)-sum;                                                                       \
        }                                                                                                      \
    }
RL_MARGINS(f4, float)
RL_MARGINS(f8, double)

#endif
