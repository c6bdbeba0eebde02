/* Rows of a table named by arrays of indices: table[o][i0[k]][i1[k]]..[j] beside rows[o][k][j].

   Indices are looked at a block at a time: checked, counted from the front, and brought to one number per row. A block
   with an index outside sets `outside`, and the loop ends there. Reading may be divided anywhere; what writes is divided
   so that each element is written by one thread, in the order of k. */

#ifndef RL_POINTS_H
#define RL_POINTS_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "kernels/lanes.h"
#include "kernels/wide.h"

#define RL_MOST_INDICES 8
#define RL_BLOCK 512

typedef struct {
    char *table, *rows;
    float *narrow; /* what a table of doubles stands for */
    /* inner is in elements; it is 2 for each complex number that is added */
    Py_ssize_t outer, count, inner, itemsize;
    Py_ssize_t places; /* rows of the table in each of the outer ones */
    int indices;
    const int64_t *index[RL_MOST_INDICES];
    int64_t size[RL_MOST_INDICES];
    int by_count; /* whether the indices are divided, which one number may meet in any order */
    int by_inner; /* otherwise, which loop of a writer is divided: that over inner, or that over outer */
    int strict; /* whether negative indices are outside */
    int anew; /* whether the table is to be emptied before rows are added */
    int outside, often;
    int shift; /* 64 less the bits of the number of heaps of rows in which these are counted; 0 for pairs */
    Py_ssize_t heaps;
    double factor; /* of rows that are added */
} rl_points;

/* Rows k .. k + size of the table, as numbers; whether all are inside. */
RL_CLONES static int rl_resolve(const rl_points *p, Py_ssize_t k, Py_ssize_t size, int64_t *at) {
    uint64_t wrong = 0;
    for (int d = 0; d < p->indices; d++) {
        const int64_t *index = p->index[d] + k, n = p->size[d], back = p->strict ? 0 : n;
        if (d == 0) {
            for (Py_ssize_t i = 0; i < size; i++) {
                int64_t v = index[i];
                v += v < 0 ? back : 0;
                wrong |= (uint64_t)v >= (uint64_t)n;
                at[i] = v;
            }
        } else {
            for (Py_ssize_t i = 0; i < size; i++) {
                int64_t v = index[i];
                v += v < 0 ? back : 0;
                wrong |= (uint64_t)v >= (uint64_t)n;
                at[i] = at[i] * n + v;
            }
        }
    }
    return !wrong;
}

/* Stores wait for their turn, so where they go is asked for some time before. */
#define RL_AHEAD 24
#define RL_FETCH(table, at, i, size) if ((i) + RL_AHEAD < (size)) __builtin_prefetch((table) + (at)[(i) + RL_AHEAD], 1)

#define RL_LEAST(a, b) ((a) < (b) ? (a) : (b))

/* Steps are (o, k) in a row. */
#define RL_READ(NAME, COPY)                                                                     \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_points *p = (rl_points *)what;                                                       \
        const Py_ssize_t width = p->inner * p->itemsize;                                        \
        int64_t at[RL_BLOCK];                                                                   \
        (void)width;                                                                            \
        while (begin < end) {                                                                   \
            Py_ssize_t o = begin / p->count, k = begin % p->count;                              \
            Py_ssize_t size = RL_LEAST(RL_LEAST(p->count - k, end - begin), RL_BLOCK);          \
            if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }                        \
            const Py_ssize_t before = o * p->places;                                            \
            for (Py_ssize_t i = 0; i < size; i++) { COPY }                                      \
            begin += size;                                                                      \
        }                                                                                       \
    }
#define RL_READ_ONE(NAME, T) RL_READ(NAME, ((T *)p->rows)[begin + i] = ((const T *)p->table)[before + at[i]];)

RL_READ_ONE(rl_read_1, uint8_t)
RL_READ_ONE(rl_read_2, uint16_t)
RL_READ_ONE(rl_read_4, uint32_t)
RL_READ_ONE(rl_read_8, uint64_t)
RL_READ(rl_read_rows, rl_copy(p->rows + (begin + i) * width, p->table + (before + at[i]) * width, width);)

/* Steps are those of the loop over inner, or of that over outer. */
#define RL_WRITE(NAME, T, STATEMENT) RL_WRITE_OF(NAME, T, T, STATEMENT)
#define RL_WRITE_OF(NAME, T, R, STATEMENT)                                                      \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_points *p = (rl_points *)what;                                                       \
        const Py_ssize_t first = p->by_inner ? 0 : begin, last = p->by_inner ? p->outer : end;  \
        const Py_ssize_t low = p->by_inner ? begin : 0, high = p->by_inner ? end : p->inner;    \
        const double factor = p->factor;                                                        \
        int64_t at[RL_BLOCK];                                                                   \
        (void)factor;                                                                           \
        for (Py_ssize_t o = first; o < last; o++) {                                             \
            T *table = (T *)p->table + o * p->places * p->inner;                                \
            const R *row = (const R *)p->rows + o * p->count * p->inner;                        \
            for (Py_ssize_t k = 0; k < p->count; k += RL_BLOCK) {                               \
                Py_ssize_t size = RL_LEAST(p->count - k, RL_BLOCK);                             \
                if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }                    \
                if (p->inner == 1) {                                                            \
                    for (Py_ssize_t i = 0; i < size; i++) {                                     \
                        RL_FETCH(table, at, i, size);                                           \
                        T *to = table + at[i]; const R from = row[k + i]; STATEMENT             \
                    }                                                                           \
                    continue;                                                                   \
                }                                                                               \
                for (Py_ssize_t i = 0; i < size; i++) {                                         \
                    T *to = table + at[i] * p->inner + low;                                     \
                    const R *source = row + (k + i) * p->inner;                                 \
                    for (Py_ssize_t j = low; j < high; j++, to++) { const R from = source[j]; STATEMENT } \
                }                                                                               \
            }                                                                                   \
        }                                                                                       \
    }

RL_WRITE(rl_write_1, uint8_t, *to = from;)
RL_WRITE(rl_write_2, uint16_t, *to = from;)
RL_WRITE(rl_write_4, uint32_t, *to = from;)
RL_WRITE(rl_write_8, uint64_t, *to = from;)
/* Counts how often each pair of rows is named, or each heap of rows that a product throws together (Knuth, The Art of
   Computer Programming 3, 6.4) where there are many more rows than indices, and stops where that is often. Steps are indices; those of a second thread
   have counts of their own. */
#define RL_GOLDEN 0x9e3779b97f4a7c15u
static void rl_meet(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_points *p = (rl_points *)what;
    uint8_t *counts = (uint8_t *)p->table + (begin ? p->heaps : 0);
    int64_t at[RL_BLOCK];
    for (Py_ssize_t k = begin; k < end; k += RL_BLOCK) {
        Py_ssize_t size = RL_LEAST(end - k, RL_BLOCK);
        if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }
        for (Py_ssize_t i = 0; i < size; i++)
            if (++counts[p->shift ? (uint64_t)at[i] * RL_GOLDEN >> p->shift : (uint64_t)at[i] >> 1] > RL_FEW) { p->often = 1; return; }
    }
}
#define RL_OWN (p->narrow + (to - (double *)p->table))
RL_WRITE_OF(rl_open, double, float, (void)from; *to = *RL_OWN;)
RL_WRITE_OF(rl_add_wide, double, float, *to += factor * from;)
RL_WRITE_OF(rl_close, double, float, (void)from; *RL_OWN = (float)*to;)

/* Numbers added to short tables. */
static void rl_add_short(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_points *p = (rl_points *)what;
    double wide[RL_SHORT];
    int64_t at[RL_BLOCK];
    for (Py_ssize_t o = begin; o < end; o++) {
        rl_copies copies = {wide, (float *)p->table + o * p->places};
        const float *row = (const float *)p->rows + o * p->count;
        rl_widen(&copies, 0, p->places);
        for (Py_ssize_t k = 0; k < p->count; k += RL_BLOCK) {
            Py_ssize_t size = RL_LEAST(p->count - k, RL_BLOCK);
            if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }
            for (Py_ssize_t i = 0; i < size; i++) wide[at[i]] += p->factor * row[k + i];
        }
        rl_narrow(&copies, 0, p->places);
    }
}

/* Rows added. Steps are rows of the table: who has them adds those that belong there, and empties them before where the
   table is new, so that they are in his cache. F is what rows are multiplied with. */
#define RL_ADD(NAME, T, F)                                                                      \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_points *p = (rl_points *)what;                                                       \
        const Py_ssize_t inner = p->inner;                                                      \
        const F factor = (F)p->factor;                                                          \
        int64_t at[RL_BLOCK];                                                                   \
        int32_t own[RL_BLOCK];                                                                  \
        while (begin < end) {                                                                   \
            const Py_ssize_t o = begin / p->places, low = begin % p->places;                    \
            const Py_ssize_t rows = RL_LEAST(p->places - low, end - begin);                     \
            T *table = (T *)p->table + o * p->places * inner;                                   \
            if (p->anew) memset(table + low * inner, 0, rows * inner * sizeof(T));              \
            for (Py_ssize_t k = 0; k < p->count; k += RL_BLOCK) {                               \
                const Py_ssize_t size = RL_LEAST(p->count - k, RL_BLOCK);                       \
                const T *row = (const T *)p->rows + (o * p->count + k) * inner;                 \
                Py_ssize_t found = 0;                                                           \
                if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }                    \
                if (inner == 1 && rows == p->places) {                                          \
                    for (Py_ssize_t i = 0; i < size; i++) {                                     \
                        RL_FETCH(table, at, i, size);                                           \
                        table[at[i]] += factor * row[i];                                        \
                    }                                                                           \
                    continue;                                                                   \
                }                                                                               \
                for (Py_ssize_t i = 0; i < size; i++) {                                         \
                    own[found] = (int32_t)i;                                                    \
                    found += (uint64_t)(at[i] - low) < (uint64_t)rows;                          \
                }                                                                               \
                if (inner == 1) {                                                               \
                    for (Py_ssize_t f = 0; f < found; f++) {                                    \
                        RL_FETCH(table, at, own[f], size);                                      \
                        table[at[own[f]]] += factor * row[own[f]];                              \
                    }                                                                           \
                    continue;                                                                   \
                }                                                                               \
                for (Py_ssize_t f = 0; f < found; f++) {                                        \
                    T *restrict to = table + at[own[f]] * inner;                                \
                    const T *restrict from = row + own[f] * inner;                              \
                    for (Py_ssize_t j = 0; j < inner; j++) to[j] += factor * from[j];           \
                }                                                                               \
            }                                                                                   \
            begin += rows;                                                                      \
        }                                                                                       \
    }
RL_CLONES RL_ADD(rl_add_f4, float, float)
RL_CLONES RL_ADD(rl_add_f8, double, double)
RL_ADD(rl_add_i4, uint32_t, uint32_t)
RL_ADD(rl_add_i8, uint64_t, uint64_t)

/* One number, of which `rows` holds one, in every row that is named. Steps may be indices, too. */
#define RL_FILL(NAME, T)                                                                        \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        rl_points *p = (rl_points *)what;                                                       \
        const T from = *(const T *)p->rows;                                                     \
        if (p->by_count) {                                                                      \
            int64_t at[RL_BLOCK];                                                               \
            for (Py_ssize_t k = begin; k < end; k += RL_BLOCK) {                                \
                Py_ssize_t size = RL_LEAST(end - k, RL_BLOCK);                                  \
                if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }                    \
                for (Py_ssize_t i = 0; i < size; i++) {                                         \
                    RL_FETCH((T *)p->table, at, i, size);                                       \
                    ((T *)p->table)[at[i]] = from;                                              \
                }                                                                               \
            }                                                                                   \
            return;                                                                             \
        }                                                                                       \
        const Py_ssize_t first = p->by_inner ? 0 : begin, last = p->by_inner ? p->outer : end;  \
        const Py_ssize_t low = p->by_inner ? begin : 0, high = p->by_inner ? end : p->inner;    \
        int64_t at[RL_BLOCK];                                                                   \
        for (Py_ssize_t o = first; o < last; o++) {                                             \
            T *table = (T *)p->table + o * p->places * p->inner;                                \
            for (Py_ssize_t k = 0; k < p->count; k += RL_BLOCK) {                               \
                Py_ssize_t size = RL_LEAST(p->count - k, RL_BLOCK);                             \
                if (!rl_resolve(p, k, size, at)) { p->outside = 1; return; }                    \
                if (p->inner == 1) {                                                            \
                    for (Py_ssize_t i = 0; i < size; i++) {                                     \
                        RL_FETCH(table, at, i, size);                                           \
                        table[at[i]] = from;                                                    \
                    }                                                                           \
                    continue;                                                                   \
                }                                                                               \
                for (Py_ssize_t i = 0; i < size; i++)                                           \
                    for (Py_ssize_t j = low; j < high; j++) table[at[i] * p->inner + j] = from; \
            }                                                                                   \
        }                                                                                       \
    }

RL_FILL(rl_fill_1, uint8_t)
RL_FILL(rl_fill_2, uint16_t)
RL_FILL(rl_fill_4, uint32_t)
RL_FILL(rl_fill_8, uint64_t)

/* Whether indices lie in [low, high); without a branch inside of a block. */
typedef struct { const int64_t *index; int64_t low; uint64_t width; int outside; } rl_range;

RL_CLONES static void rl_within(void *what, Py_ssize_t begin, Py_ssize_t end) {
    rl_range *r = (rl_range *)what;
    const int64_t *index = r->index;
    const int64_t low = r->low;
    const uint64_t width = r->width;
    while (begin < end) {
        Py_ssize_t stop = RL_LEAST(begin + 1024, end);
        int wrong = 0;
        for (; begin < stop; begin++) wrong |= (uint64_t)(index[begin] - low) >= width;
        if (wrong) { r->outside = 1; return; }
    }
}

/* Weights summed in double by what they belong to: each part of them in a table of its own, begun with zeros. */
#define RL_WEIGHTS (1 << 17)
typedef struct {
    const int64_t *at;
    const void *weights;
    double *tables;
    Py_ssize_t count, places;
} rl_weights;
#define RL_WEIGH(NAME, T)                                                                       \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        const rl_weights *s = (const rl_weights *)what;                                         \
        for (Py_ssize_t part = begin; part < end; part++) {                                     \
            double *table = s->tables + part * s->places;                                       \
            const Py_ssize_t last = RL_LEAST((part + 1) * RL_WEIGHTS, s->count);                \
            memset(table, 0, s->places * sizeof *table);                                        \
            for (Py_ssize_t i = part * RL_WEIGHTS; i < last; i++)                               \
                table[s->at[i]] += ((const T *)s->weights)[i];                                  \
        }                                                                                       \
    }
RL_WEIGH(rl_weigh_f4, float)
RL_WEIGH(rl_weigh_f8, double)

#endif
