/* Elements of a table named by an index for each: table[o][index[o][k][j]][j] beside rows[o][k][j].

   The index may have steps of its own: one that is a vector, expanded, has step 0 over o and j. A part that meets an
   index outside sets `outside` and ends there. What is divided is the loop over o, or that over j, so that each element
   is written by one thread, in the order of k; or, where elements are only read, that over k. */

#ifndef RL_SCATTER_H
#define RL_SCATTER_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "kernels/wide.h"

enum { RL_BY_OUTER, RL_BY_INNER, RL_BY_COUNT };

typedef struct {
    char *table, *rows;
    float *narrow; /* what a table of doubles stands for */
    const int64_t *index;
    Py_ssize_t outer, places, count, inner;
    Py_ssize_t over_outer, over_count, over_inner; /* steps of the index */
    int divided, outside, often;
} rl_grid;

/* Elements lie anywhere, so where they are is asked for some time before; of an index outside, too, which harms nothing. */
#define RL_AHEAD 24
#define RL_FETCH(table, index, k, over, last) \
    if ((k) + RL_AHEAD < (last)) \
    __builtin_prefetch((void *)((uintptr_t)(table) + (uint64_t)(index)[((k) + RL_AHEAD) * (over)] * sizeof *(table)), 1)

#define RL_SCATTER_OF(NAME, T, R, STATEMENT)                                                       \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_grid *g = (rl_grid *)what;                                                           \
        const Py_ssize_t inner = g->inner, count = g->count, over = g->over_count;              \
        const Py_ssize_t first = g->divided == RL_BY_OUTER ? begin : 0, last = g->divided == RL_BY_OUTER ? end : g->outer; \
        const Py_ssize_t low = g->divided == RL_BY_INNER ? begin : 0, high = g->divided == RL_BY_INNER ? end : inner; \
        const Py_ssize_t top = g->divided == RL_BY_COUNT ? begin : 0, bottom = g->divided == RL_BY_COUNT ? end : count; \
        const uint64_t places = (uint64_t)g->places;                                            \
        if (inner == 1 && count == 1) {                                                         \
            for (Py_ssize_t o = first; o < last; o++) {                                         \
                const uint64_t at = (uint64_t)g->index[o * g->over_outer];                      \
                if (at >= places) { g->outside = 1; return; }                                   \
                T *t = (T *)g->table + o * g->places + at;                                      \
                R *r = (R *)g->rows + o;                                                        \
                STATEMENT                                                                       \
            }                                                                                   \
            return;                                                                             \
        }                                                                                       \
        for (Py_ssize_t o = first; o < last; o++) {                                             \
            T *table = (T *)g->table + o * g->places * inner;                                   \
            R *rows = (R *)g->rows + o * count * inner;                                         \
            const int64_t *index = g->index + o * g->over_outer;                                \
            if (inner == 1) {                                                                   \
                for (Py_ssize_t k = top; k < bottom; k++) {                                     \
                    RL_FETCH(table, index, k, over, bottom);                                    \
                    const uint64_t at = (uint64_t)index[k * over];                              \
                    if (at >= places) { g->outside = 1; return; }                               \
                    T *t = table + at;                                                          \
                    R *r = rows + k;                                                            \
                    STATEMENT                                                                   \
                }                                                                               \
                continue;                                                                       \
            }                                                                                   \
            for (Py_ssize_t k = top; k < bottom; k++) {                                         \
                const int64_t *own = index + k * over;                                          \
                if (g->over_inner == 0) {                                                       \
                    if ((uint64_t)*own >= places) { g->outside = 1; return; }                   \
                    T *t = table + *own * inner + low;                                          \
                    R *r = rows + k * inner + low;                                              \
                    for (Py_ssize_t j = low; j < high; j++, t++, r++) { STATEMENT }             \
                    continue;                                                                   \
                }                                                                               \
                for (Py_ssize_t j = low; j < high; j++) {                                       \
                    const uint64_t at = (uint64_t)own[j];                                       \
                    if (at >= places) { g->outside = 1; return; }                               \
                    T *t = table + at * inner + j;                                              \
                    R *r = rows + k * inner + j;                                                \
                    STATEMENT                                                                   \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
    }

#define RL_SCATTER(NAME, T, STATEMENT) RL_SCATTER_OF(NAME, T, T, STATEMENT)

/* Those of a number have `rows` point at it. */
#define RL_SCATTER_OF_NUMBER(NAME, T, STATEMENT) RL_SCATTER(NAME, T, (void)r; const T number = *(const T *)g->rows; STATEMENT)

#define RL_SCATTER_ANY(BITS, T)                                                                    \
    RL_SCATTER(rl_gather_##BITS, T, *r = *t;)                                                      \
    RL_SCATTER(rl_scatter_##BITS, T, *t = *r;)                                                     \
    RL_SCATTER_OF_NUMBER(rl_put_##BITS, T, *t = number;)

RL_SCATTER_ANY(1, uint8_t)
RL_SCATTER_ANY(2, uint16_t)
RL_SCATTER_ANY(4, uint32_t)
RL_SCATTER_ANY(8, uint64_t)

/* U is T without signs: sums and products of integers wrap around. A nan wins against any number; asked for apart, it
   is a branch that is foreseen, and the rest is one instruction. */
#define RL_SCATTER_SUMS(KIND, T, U)                                                                \
    RL_SCATTER(rl_sum_##KIND, U, *t += *r;)                                                        \
    RL_SCATTER(rl_prod_##KIND, U, *t *= *r;)                                                       \
    RL_SCATTER(rl_amax_##KIND, T, *t = *r != *r ? *r : *r > *t ? *r : *t;)                       \
    RL_SCATTER(rl_amin_##KIND, T, *t = *r != *r ? *r : *r < *t ? *r : *t;)

RL_SCATTER_SUMS(f4, float, float)
RL_SCATTER_SUMS(f8, double, double)
RL_SCATTER_SUMS(i4, int32_t, uint32_t)
RL_SCATTER_SUMS(i8, int64_t, uint64_t)
/* Sums into a new table, by its outer parts: each is emptied before. */
#define RL_SUM_NEW(KIND, T)                                                                        \
    static void rl_sum_new_##KIND(void *what, Py_ssize_t begin, Py_ssize_t end) {                  \
        rl_grid *g = (rl_grid *)what;                                                              \
        const Py_ssize_t size = g->places * g->inner;                                              \
        memset((T *)g->table + begin * size, 0, (end - begin) * size * sizeof(T));                 \
        rl_sum_##KIND(what, begin, end);                                                           \
    }
RL_SUM_NEW(f4, float)
RL_SUM_NEW(f8, double)
RL_SUM_NEW(i4, int32_t)
RL_SUM_NEW(i8, int64_t)
/* Counts how often each pair of elements along a vector is named, and stops where that is often. Steps are indices; those
   of a second thread have counts of their own. */
static void rl_meet_along(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_grid *g = (rl_grid *)what;
    uint8_t *counts = (uint8_t *)g->table + (begin ? RL_PAIRS(g->places) : 0);
    for (Py_ssize_t k = begin; k < end; k++) {
        const uint64_t at = (uint64_t)g->index[k * g->over_count];
        if (at >= (uint64_t)g->places) { g->outside = 1; return; }
        if (++counts[at >> 1] > RL_FEW) { g->often = 1; return; }
    }
}
/* How often an element is named. */
RL_SCATTER_OF(rl_meet, uint8_t, char, (void)r; if (++*t > RL_FEW) { g->often = 1; return; })

/* The elements that are named are copied to the table of doubles, added to, and copied back. */
#define RL_OWN (g->narrow + (t - (double *)g->table))
RL_SCATTER_OF(rl_open, double, float, (void)r; *t = *RL_OWN;)
RL_SCATTER_OF(rl_wide_sum, double, float, *t += *r;)
RL_SCATTER_OF(rl_close, double, float, (void)r; *RL_OWN = (float)*t;)

/* Sums in short tables; those of new ones begin with zeros. */
static inline void rl_sum_shortly(rl_grid *g, Py_ssize_t begin, Py_ssize_t end, int new_) {
    double wide[RL_SHORT];
    for (Py_ssize_t o = begin; o < end; o++) {
        rl_copies copies = {wide, (float *)g->table + o * g->places};
        const float *rows = (const float *)g->rows + o * g->count;
        const int64_t *index = g->index + o * g->over_outer;
        if (new_) memset(wide, 0, g->places * sizeof(double));
        else rl_widen(&copies, 0, g->places);
        for (Py_ssize_t k = 0; k < g->count; k++) {
            const uint64_t at = (uint64_t)index[k * g->over_count];
            if (at >= (uint64_t)g->places) { g->outside = 1; return; }
            wide[at] += rows[k];
        }
        rl_narrow(&copies, 0, g->places);
    }
}
static void rl_sum_short(void *what, Py_ssize_t begin, Py_ssize_t end) { rl_sum_shortly((rl_grid *)what, begin, end, 0); }
static void rl_sum_short_new(void *what, Py_ssize_t begin, Py_ssize_t end) { rl_sum_shortly((rl_grid *)what, begin, end, 1); }

RL_SCATTER_OF_NUMBER(rl_count, int64_t, *t += number;)

#endif
