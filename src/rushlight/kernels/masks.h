/* Elements that a mask chooses: where they are, what they are, and what is put in their place.

   The elements are divided into parts of RL_PART; `ends` holds how many are chosen up to the end of each part. */

#ifndef RL_MASKS_H
#define RL_MASKS_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

enum { RL_PART = 16384, RL_RUN = 256, RL_MOST_DIMS = 64 };

typedef struct {
    const char *mask, *x;
    char *out;
    int64_t *ends;
    Py_ssize_t n;
    /* of positions: the shape, and the steps from an element's position to the next, and from one dimension's */
    int ndim;
    Py_ssize_t shape[RL_MOST_DIMS], over_found, over_dims;
} rl_chosen;

#define RL_BOUNDS                                                                               \
    rl_chosen *c = (rl_chosen *)what;                                                           \
    for (Py_ssize_t part = begin; part < end; part++) {                                         \
        const Py_ssize_t first = part * RL_PART, last = first + RL_PART < c->n ? first + RL_PART : c->n;

#define RL_COUNT(NAME, T)                                                                       \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        RL_BOUNDS                                                                               \
            const T *mask = (const T *)c->mask;                                                 \
            int32_t total = 0;                                                                  \
            for (Py_ssize_t i = first; i < last; i++) total += mask[i] != 0;                    \
            c->ends[part] = total;                                                              \
        }                                                                                       \
    }

/* The places of the chosen of mask[i .. stop), at most RL_RUN of them; how many there are. */
#define RL_FIND(NAME, T)                                                                        \
    static inline Py_ssize_t NAME(const T *mask, Py_ssize_t i, Py_ssize_t stop, Py_ssize_t *found) { \
        Py_ssize_t m = 0;                                                                       \
        for (; i < stop; i++) {                                                                 \
            found[m] = i;                                                                       \
            m += mask[i] != 0;                                                                  \
        }                                                                                       \
        return m;                                                                               \
    }

static void rl_write_places(const rl_chosen *c, const Py_ssize_t *found, Py_ssize_t m, Py_ssize_t to) {
    int64_t *out = (int64_t *)c->out + to * c->over_found;
    if (c->ndim == 1) {
        for (Py_ssize_t i = 0; i < m; i++) out[i * c->over_found] = found[i];
        return;
    }
    if (c->ndim == 2) {
        const Py_ssize_t columns = c->shape[1];
        Py_ssize_t row = m ? found[0] / columns : 0, left = row * columns;
        for (Py_ssize_t i = 0; i < m; i++, out += c->over_found) {
            if (found[i] - left >= columns) {
                row = found[i] / columns;
                left = row * columns;
            }
            out[0] = row;
            out[c->over_dims] = found[i] - left;
        }
        return;
    }
    for (Py_ssize_t i = 0; i < m; i++, out += c->over_found) {
        Py_ssize_t place = found[i];
        for (int d = c->ndim; d-- > 0;) {
            const Py_ssize_t above = place / c->shape[d];
            out[d * c->over_dims] = place - above * c->shape[d];
            place = above;
        }
    }
}

#define RL_PLACES(NAME, FIND, T)                                                                \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        Py_ssize_t found[RL_RUN + 1];                                                           \
        RL_BOUNDS                                                                               \
            Py_ssize_t to = part ? c->ends[part - 1] : 0;                                       \
            for (Py_ssize_t i = first; i < last; i += RL_RUN) {                                 \
                const Py_ssize_t m = FIND((const T *)c->mask, i, i + RL_RUN < last ? i + RL_RUN : last, found); \
                rl_write_places(c, found, m, to);                                               \
                to += m;                                                                        \
            }                                                                                   \
        }                                                                                       \
    }

RL_COUNT(rl_count_b1, uint8_t)
RL_COUNT(rl_count_f4, float)
RL_COUNT(rl_count_f8, double)
RL_COUNT(rl_count_i4, int32_t)
RL_COUNT(rl_count_i8, int64_t)
RL_FIND(rl_find_b1, uint8_t)
RL_FIND(rl_find_f4, float)
RL_FIND(rl_find_f8, double)
RL_FIND(rl_find_i4, int32_t)
RL_FIND(rl_find_i8, int64_t)
RL_PLACES(rl_places_b1, rl_find_b1, uint8_t)
RL_PLACES(rl_places_f4, rl_find_f4, float)
RL_PLACES(rl_places_f8, rl_find_f8, double)
RL_PLACES(rl_places_i4, rl_find_i4, int32_t)
RL_PLACES(rl_places_i8, rl_find_i8, int64_t)

/* SELECT: out = the chosen of x. PUT: the chosen of out = x, one after the other; zeros elsewhere where `zeros`. */
#define RL_CHOSEN(SELECT, PUT, T)                                                               \
    static void SELECT(void *what, Py_ssize_t begin, Py_ssize_t end) {                          \
        Py_ssize_t found[RL_RUN + 1];                                                           \
        RL_BOUNDS                                                                               \
            T *out = (T *)c->out + (part ? c->ends[part - 1] : 0);                              \
            const T *x = (const T *)c->x;                                                       \
            for (Py_ssize_t i = first; i < last; i += RL_RUN) {                                 \
                const Py_ssize_t m = rl_find_b1((const uint8_t *)c->mask, i, i + RL_RUN < last ? i + RL_RUN : last, found); \
                for (Py_ssize_t k = 0; k < m; k++) *out++ = x[found[k]];                        \
            }                                                                                   \
        }                                                                                       \
    }                                                                                           \
    static void PUT(void *what, Py_ssize_t begin, Py_ssize_t end) {                             \
        Py_ssize_t found[RL_RUN + 1];                                                           \
        RL_BOUNDS                                                                               \
            T *out = (T *)c->out;                                                               \
            const T *x = (const T *)c->x + (part ? c->ends[part - 1] : 0);                      \
            for (Py_ssize_t i = first; i < last; i += RL_RUN) {                                 \
                const Py_ssize_t m = rl_find_b1((const uint8_t *)c->mask, i, i + RL_RUN < last ? i + RL_RUN : last, found); \
                for (Py_ssize_t k = 0; k < m; k++) out[found[k]] = *x++;                        \
            }                                                                                   \
        }                                                                                       \
    }

RL_CHOSEN(rl_select_1, rl_put_1, uint8_t)
RL_CHOSEN(rl_select_2, rl_put_2, uint16_t)
RL_CHOSEN(rl_select_4, rl_put_4, uint32_t)
RL_CHOSEN(rl_select_8, rl_put_8, uint64_t)

/* out[i] = number where the mask holds, else x[i]; the mask has steps over the two dimensions that x is seen with. */
typedef struct {
    const uint8_t *mask;
    const char *x, *number;
    char *out;
    Py_ssize_t inner, over_outer, over_inner;
} rl_filling;

#define RL_MASKED(NAME, T)                                                                      \
    static void NAME(void *what, Py_ssize_t begin, Py_ssize_t end) {                            \
        const rl_filling *f = (const rl_filling *)what;                                         \
        const T number = *(const T *)f->number;                                                 \
        while (begin < end) {                                                                   \
            const Py_ssize_t o = begin / f->inner, j = begin % f->inner;                        \
            const Py_ssize_t m = f->inner - j < end - begin ? f->inner - j : end - begin;       \
            const T *x = (const T *)f->x + begin;                                               \
            T *out = (T *)f->out + begin;                                                       \
            const uint8_t *mask = f->mask + o * f->over_outer + j * f->over_inner;              \
            if (f->over_inner) {                                                                \
                for (Py_ssize_t i = 0; i < m; i++) out[i] = mask[i] ? number : x[i];            \
            } else if (*mask) {                                                                 \
                for (Py_ssize_t i = 0; i < m; i++) out[i] = number;                             \
            } else {                                                                            \
                memmove(out, x, m * sizeof(T));                                                 \
            }                                                                                   \
            begin += m;                                                                         \
        }                                                                                       \
    }

RL_MASKED(rl_masked_1, uint8_t)
RL_MASKED(rl_masked_2, uint16_t)
RL_MASKED(rl_masked_4, uint32_t)
RL_MASKED(rl_masked_8, uint64_t)

#endif
