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


/* The cells of a grid: `columns` numbers of each point, and the edges of each dimension. */
#define RL_CELL_DIMS 8
typedef struct {
    const char *points, *edges[RL_CELL_DIMS];
    Py_ssize_t bins[RL_CELL_DIMS], total;
    int columns;
    int64_t *places;
} rl_cells;

/* Where the edges are about even, the bin follows from the number, but for one to either side; else it is searched. */
#define RL_CELLS(NAME, T)                                                                       \
    static int NAME##_even(const T *e, Py_ssize_t n) {                                          \
        const double step = ((double)e[n] - (double)e[0]) / (double)n;                          \
        for (Py_ssize_t k = 0; k <= n; k++) {                                                   \
            const double away = (double)e[k] - ((double)e[0] + (double)k * step);               \
            if (!(away < step / 4 && -away < step / 4)) return 0;                               \
        }                                                                                       \
        return 1;                                                                               \
    }                                                                                           \
    static Py_ssize_t NAME##_bin(const T *e, Py_ssize_t n, T x, double per, int even) {         \
        Py_ssize_t at = 0, left = n - 1;                                                        \
        if (even) {                                                                             \
            const double guess = ((double)x - (double)e[0]) * per;                              \
            at = guess < (double)left ? (Py_ssize_t)guess : left;                               \
            at -= at > 0 && x < e[at];                                                          \
            return at + (at < left && x >= e[at + 1]);                                          \
        }                                                                                       \
        /* The last edge up to x, of the first n. */                                            \
        while (left > 0) {                                                                      \
            const Py_ssize_t half = (left + 1) / 2;                                             \
            const int above = x >= e[at + half];                                                \
            at += above ? half : 0;                                                             \
            left = above ? left - half : half - 1;                                              \
        }                                                                                       \
        return at;                                                                              \
    }                                                                                           \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        const rl_cells *s = (const rl_cells *)what;                                             \
        double per[RL_CELL_DIMS];                                                               \
        int even[RL_CELL_DIMS];                                                                 \
        for (int d = 0; d < s->columns; d++) {                                                  \
            const T *e = (const T *)s->edges[d];                                                \
            even[d] = NAME##_even(e, s->bins[d]);                                               \
            per[d] = (double)s->bins[d] / ((double)e[s->bins[d]] - (double)e[0]);               \
        }                                                                                       \
        for (Py_ssize_t i = begin; i < end; i++) {                                              \
            const T *x = (const T *)s->points + i * s->columns;                                 \
            Py_ssize_t place = 0;                                                               \
            for (int d = 0; d < s->columns; d++) {                                              \
                const T *e = (const T *)s->edges[d];                                            \
                const Py_ssize_t n = s->bins[d];                                                \
                if (!(x[d] >= e[0] && x[d] <= e[n])) {                                          \
                    place = s->total;                                                           \
                    break;                                                                      \
                }                                                                               \
                place = place * n + NAME##_bin(e, n, x[d], per[d], even[d]);                    \
            }                                                                                   \
            s->places[i] = place;                                                               \
        }                                                                                       \
    }

RL_CELLS(rl_cells_f4, float)
RL_CELLS(rl_cells_f8, double)

#endif
