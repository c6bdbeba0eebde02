/* Where numbers belong among sorted ones, and runs of equal numbers. */

#ifndef RL_SEARCH_H
#define RL_SEARCH_H

#include <Python.h>
#include <stdint.h>

/* Values, `each` of them for every row of `n` edges (one row for all where rows is 1). */
typedef struct {
    const char *edges, *values;
    int64_t *places;
    Py_ssize_t n, each, rows;
    int right;
} rl_search;

/* nan lies above all numbers. */
#define RL_BELOW_FLOAT(a, b) ((a) < (b) || ((b) != (b) && (a) == (a)))
#define RL_BELOW_INT(a, b) ((a) < (b))

#define RL_SEARCH(NAME, T, BELOW)                                                               \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        const rl_search *s = (const rl_search *)what;                                           \
        for (Py_ssize_t i = begin; i < end; i++) {                                              \
            const T *edges = (const T *)s->edges + (s->rows == 1 ? 0 : i / s->each * s->n);     \
            const T v = ((const T *)s->values)[i];                                              \
            const T *at = edges;                                                                \
            Py_ssize_t left = s->n;                                                             \
            /* Halving without branches: the answer lies in at .. at + left. */                 \
            while (left > 0) {                                                                  \
                const Py_ssize_t half = left / 2;                                               \
                const int above = s->right ? !BELOW(v, at[half]) : BELOW(at[half], v);          \
                at += above ? half + 1 : 0;                                                     \
                left = above ? left - half - 1 : half;                                          \
            }                                                                                   \
            s->places[i] = at - edges;                                                          \
        }                                                                                       \
    }                                                                                           \
    /* The begins of runs of equal numbers, in `places`; how many there are. */                 \
    static Py_ssize_t NAME##_runs(const T *x, Py_ssize_t n, int64_t *begins) {                  \
        Py_ssize_t found = 0;                                                                   \
        for (Py_ssize_t i = 0; i < n; i++) {                                                    \
            begins[found] = i;                                                                  \
            found += i == 0 || x[i] != x[i - 1];                                                \
        }                                                                                       \
        return found;                                                                           \
    }

RL_SEARCH(rl_search_f4, float, RL_BELOW_FLOAT)
RL_SEARCH(rl_search_f8, double, RL_BELOW_FLOAT)
RL_SEARCH(rl_search_i4, int32_t, RL_BELOW_INT)
RL_SEARCH(rl_search_i8, int64_t, RL_BELOW_INT)

#endif
