/* Copies between strided arrays of any two dtypes. Sides may have any steps, also 0 and negative ones. */

#ifndef RL_COPYING_H
#define RL_COPYING_H

#include <Python.h>
#include <stdint.h>

#include "kernels/halves.h"
#include "kernels/lanes.h"
#include "kernels/squares.h"

typedef struct { float re, im; } rl_c8;
typedef struct { double re, im; } rl_c16;
typedef struct { uint64_t a, b; } rl_raw16;

/* n1 rows of n0 elements: steps of the target, of the source, in bytes; steps [0] are between rows. */
typedef void (*rl_copier)(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs, Py_ssize_t n1, Py_ssize_t n0);

/* -- one loop for each pair of dtypes */

#define RL_COPIER(NAME, S, D, EXPR)                                                                              \
    RL_TWO_CLONES static void NAME(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs,           \
                               Py_ssize_t n1, Py_ssize_t n0) {                                                   \
        Py_ssize_t i, t = ts[1], f = fs[1];                                                                      \
        for (; n1 > 0; n1--, to += ts[0], from += fs[0]) {                                                       \
            D *restrict o = (D *)to; const S *restrict a = (const S *)from;                                      \
            if (t == (Py_ssize_t)sizeof(D) && f == (Py_ssize_t)sizeof(S))                                        \
                for (i = 0; i < n0; i++) { S x = a[i]; o[i] = EXPR; }                                            \
            else                                                                                                 \
                for (i = 0; i < n0; i++) { S x = *(const S *)(from + i * f); *(D *)(to + i * t) = EXPR; }        \
        }                                                                                                        \
    }

/* The same for elements that are left as they are, also for one that fills a row, and for a row turned round. */
#define RL_RAW(NAME, T)                                                                                          \
    RL_TWO_CLONES static void NAME(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs,           \
                               Py_ssize_t n1, Py_ssize_t n0) {                                                   \
        Py_ssize_t i, t = ts[1], f = fs[1], size = sizeof(T);                                                    \
        Py_ssize_t done = rl_squares(to, ts, from, fs, n1, n0, size);                                            \
        n1 -= done; to += done * ts[0]; from += done * fs[0];                                                    \
        for (; n1 > 0; n1--, to += ts[0], from += fs[0]) {                                                       \
            T *restrict o = (T *)to; const T *restrict a = (const T *)from;                                      \
            if (t == size && f == size) rl_copy(to, from, n0 * size);                                            \
            else if (t == size && f == 0) { T x = *a; for (i = 0; i < n0; i++) o[i] = x; }                       \
            else if (t == size && f == -size) for (i = 0; i < n0; i++) o[i] = a[-i];                             \
            else for (i = 0; i < n0; i++) *(T *)(to + i * t) = *(const T *)(from + i * f);                       \
        }                                                                                                        \
    }

#define RL_WHOLE4(X) ((int32_t)(X))
#define RL_WHOLE8(X) ((int64_t)(X))
/* C leaves open what a float beyond the integer is as one; here it is the least integer, as x86 has it by itself. */
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define RL_CUT4(X) ((int32_t)(X))
#define RL_CUT8(X) ((int64_t)(X))
#else
#define RL_CUT4(X) ((X) >= -2147483648.0f && (X) < 2147483648.0f ? (int32_t)(X) : INT32_MIN)
#define RL_CUT8(X) ((X) >= -9223372036854775808.0f && (X) < 9223372036854775808.0f ? (int64_t)(X) : INT64_MIN)
#endif

/* How a number is stored as another dtype. Beyond what a small integer holds, the bits of an int32 count. */
#define RL_FROM(S, ST, NUMBER, AS)                                                                               \
    RL_COPIER(rl_##S##_b1, ST, uint8_t, NUMBER != 0) RL_COPIER(rl_##S##_i1, ST, int8_t, (int8_t)AS##4(NUMBER))   \
    RL_COPIER(rl_##S##_u1, ST, uint8_t, (uint8_t)AS##4(NUMBER))                                                  \
    RL_COPIER(rl_##S##_i2, ST, int16_t, (int16_t)AS##4(NUMBER))                                                  \
    RL_COPIER(rl_##S##_i4, ST, int32_t, AS##4(NUMBER)) RL_COPIER(rl_##S##_i8, ST, int64_t, AS##8(NUMBER))        \
    RL_COPIER(rl_##S##_f4, ST, float, (float)NUMBER) RL_COPIER(rl_##S##_f8, ST, double, (double)NUMBER)          \
    RL_COPIER(rl_##S##_c8, ST, rl_c8, ((rl_c8){(float)NUMBER, 0}))                                               \
    RL_COPIER(rl_##S##_c16, ST, rl_c16, ((rl_c16){(double)NUMBER, 0}))                                           \
    RL_COPIER(rl_##S##_h2, ST, uint16_t, rl_to_brain((float)NUMBER))

RL_FROM(b1, uint8_t, x, RL_WHOLE)
RL_FROM(i1, int8_t, x, RL_WHOLE)
RL_FROM(u1, uint8_t, x, RL_WHOLE)
RL_FROM(i2, int16_t, x, RL_WHOLE)
RL_FROM(i4, int32_t, x, RL_WHOLE)
RL_FROM(i8, int64_t, x, RL_WHOLE)
RL_FROM(f4, float, x, RL_CUT)
RL_FROM(f8, double, x, RL_CUT)
RL_FROM(h2, uint16_t, rl_from_brain(x), RL_CUT)
RL_COPIER(rl_c8_c16, rl_c8, rl_c16, ((rl_c16){x.re, x.im}))
RL_COPIER(rl_c16_c8, rl_c16, rl_c8, ((rl_c8){(float)x.re, (float)x.im}))
RL_COPIER(rl_conj_c8, rl_c8, rl_c8, ((rl_c8){x.re, -x.im}))
RL_COPIER(rl_conj_c16, rl_c16, rl_c16, ((rl_c16){x.re, -x.im}))
/* In a gradient no part that is zero gets a sign. */
RL_COPIER(rl_conj_gradient_c8, rl_c8, rl_c8, ((rl_c8){x.re, 0 - x.im}))
RL_COPIER(rl_conj_gradient_c16, rl_c16, rl_c16, ((rl_c16){x.re, 0 - x.im}))
RL_COPIER(rl_soft_f4_f2, float, uint16_t, rl_to_half(x))
RL_COPIER(rl_soft_f2_f4, uint16_t, float, rl_from_half(x))
/* Adds to what is there; entries of the target may be in one place. */
#define RL_ADDER(NAME, T)                                                                                        \
    static void NAME(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs, Py_ssize_t n1,      \
                     Py_ssize_t n0) {                                                                            \
        for (; n1 > 0; n1--, to += ts[0], from += fs[0])                                                         \
            for (Py_ssize_t i = 0; i < n0; i++) *(T *)(to + i * ts[1]) += *(const T *)(from + i * fs[1]);        \
    }
RL_ADDER(rl_add_f4, float)
RL_ADDER(rl_add_f8, double)
RL_RAW(rl_raw_1, uint8_t)
RL_RAW(rl_raw_2, uint16_t)
RL_RAW(rl_raw_4, uint32_t)
RL_RAW(rl_raw_8, uint64_t)
RL_RAW(rl_raw_16, rl_raw16)

static void rl_f4_f2(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs, Py_ssize_t n1, Py_ssize_t n0) {
    if (ts[1] != 2 || fs[1] != 4 || !rl_has_f16c()) {
        rl_soft_f4_f2(to, ts, from, fs, n1, n0);
        return;
    }
    for (; n1 > 0; n1--, to += ts[0], from += fs[0]) rl_halves((uint16_t *)to, (const float *)from, n0);
}

static void rl_f2_f4(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs, Py_ssize_t n1, Py_ssize_t n0) {
    if (ts[1] != 4 || fs[1] != 2 || !rl_has_f16c()) {
        rl_soft_f2_f4(to, ts, from, fs, n1, n0);
        return;
    }
    for (; n1 > 0; n1--, to += ts[0], from += fs[0]) rl_floats((float *)to, (const uint16_t *)from, n0);
}

enum { RL_B1, RL_I1, RL_U1, RL_I2, RL_I4, RL_I8, RL_F4, RL_F8, RL_C8, RL_C16, RL_F2, RL_H2, RL_KINDS };

#define RL_ROW(S) {rl_##S##_b1, rl_##S##_i1, rl_##S##_u1, rl_##S##_i2, rl_##S##_i4, rl_##S##_i8, rl_##S##_f4, \
                   rl_##S##_f8, rl_##S##_c8, rl_##S##_c16, NULL, rl_##S##_h2}

/* The loop from one dtype to another, or two, with float32 between them: what there is for binary16 is for whole
   registers. Whether there are such. */
static int rl_choose(int from, int to, rl_copier *first, rl_copier *second) {
    static const rl_copier table[RL_KINDS][RL_KINDS] = {
        [RL_B1] = RL_ROW(b1), [RL_I1] = RL_ROW(i1), [RL_U1] = RL_ROW(u1), [RL_I2] = RL_ROW(i2), [RL_I4] = RL_ROW(i4),
        [RL_I8] = RL_ROW(i8), [RL_F4] = RL_ROW(f4), [RL_F8] = RL_ROW(f8), [RL_H2] = RL_ROW(h2)};
    *first = *second = NULL;
    if (from < 0 || to < 0) return 0;
    if (from == RL_C8 || from == RL_C16) {
        *first = from == RL_C8 && to == RL_C16 ? rl_c8_c16 : from == RL_C16 && to == RL_C8 ? rl_c16_c8 : NULL;
        return *first != NULL;
    }
    if (from == RL_F2) {
        *first = rl_f2_f4;
        from = RL_F4;
    }
    if (to == RL_F2) {
        *second = rl_f4_f2;
        to = RL_F4;
    }
    if (from == to) {
        if (*first == NULL) {
            *first = *second;
            *second = NULL;
        }
        return *first != NULL;
    }
    if (*first == NULL) *first = table[from][to];
    else *second = table[from][to];
    return 1;
}

/* The loop that copies elements of a size as they are. */
static rl_copier rl_raw_copier(Py_ssize_t size) {
    return size == 4 ? rl_raw_4 : size == 8 ? rl_raw_8 : size == 1 ? rl_raw_1 : size == 2 ? rl_raw_2 : size == 16 ? rl_raw_16 : NULL;
}

/* -- from two rows to any number of dimensions */

#define RL_MOST_DIMS 64
/* Elements of a row that are copied before the rows beside it are, where a source lies across its target. */
#define RL_BLOCK 32
/* Elements and rows that are few. */
#define RL_FEW_ELEMENTS 2048
#define RL_SHORT_ROW 8
/* Elements that are float32 for a moment. */
#define RL_BETWEEN 1024

typedef struct {
    int nd, split, blocked;
    Py_ssize_t dims[RL_MOST_DIMS + 2], ts[RL_MOST_DIMS + 2], fs[RL_MOST_DIMS + 2];
    char *to;
    const char *from;
    /* The second takes the float32 that the first makes. */
    rl_copier copier, second;
} rl_copying;

static inline Py_ssize_t rl_size_of(Py_ssize_t n) { return n < 0 ? -n : n; }

static inline void rl_exchange(rl_copying *c, int i, int j) {
    Py_ssize_t dim = c->dims[j], t = c->ts[j], f = c->fs[j];
    c->dims[j] = c->dims[i]; c->ts[j] = c->ts[i]; c->fs[j] = c->fs[i];
    c->dims[i] = dim; c->ts[i] = t; c->fs[i] = f;
}

/* Order the dimensions by the steps of the target, join those that follow one another, and choose which is shared. */
static void rl_arrange(rl_copying *c) {
    int i, j, n = 0;
    Py_ssize_t most = 0;
    for (i = 0; i < c->nd; i++) {
        Py_ssize_t dim = c->dims[i], t = c->ts[i], f = c->fs[i];
        if (dim == 1) continue;
        if (t < 0) {
            c->to += (dim - 1) * t;
            c->from += (dim - 1) * f;
            t = -t;
            f = -f;
        }
        for (j = n++; j > 0 && (c->ts[j - 1] < t || (c->ts[j - 1] == t && rl_size_of(c->fs[j - 1]) < rl_size_of(f))); j--) {
            c->dims[j] = c->dims[j - 1];
            c->ts[j] = c->ts[j - 1];
            c->fs[j] = c->fs[j - 1];
        }
        c->dims[j] = dim;
        c->ts[j] = t;
        c->fs[j] = f;
    }
    for (i = j = 0; i < n; i++) {
        if (j > 0 && c->ts[j - 1] == c->ts[i] * c->dims[i] && c->fs[j - 1] == c->fs[i] * c->dims[i]) {
            c->dims[j - 1] *= c->dims[i];
        } else {
            c->dims[j] = c->dims[i];
            j++;
        }
        c->ts[j - 1] = c->ts[i];
        c->fs[j - 1] = c->fs[i];
    }
    /* Always two dimensions at least. */
    for (n = j; n < 2; n++) {
        for (i = n; i > 0; i--) {
            c->dims[i] = c->dims[i - 1];
            c->ts[i] = c->ts[i - 1];
            c->fs[i] = c->fs[i - 1];
        }
        c->dims[0] = 1;
        c->ts[0] = c->fs[0] = 0;
    }
    c->nd = n;
    c->split = 0;
    c->blocked = 0;
    /* Next to the last dimension comes the one in which the source is closest together. */
    for (i = 0, j = n - 2; i < n - 2; i++)
        if (c->fs[i] != 0 && rl_size_of(c->fs[i]) < rl_size_of(c->fs[n - 1]) &&
            (c->fs[j] == 0 || rl_size_of(c->fs[i]) < rl_size_of(c->fs[j]))) j = i;
    if (j < n - 2) rl_exchange(c, n - 2, j);
    /* But short rows of what the nearest cache holds take longer to begin than to copy: the longest dimensions go last. */
    Py_ssize_t all = 1;
    for (i = 0; i < n && all <= RL_FEW_ELEMENTS; i++) all *= c->dims[i];
    if (n > 2 && all <= RL_FEW_ELEMENTS && c->dims[n - 1] < RL_SHORT_ROW) {
        for (int place = n - 1; place >= n - 2; place--) {
            for (i = 0, j = place; i < place; i++)
                if (c->dims[i] > c->dims[j]) j = i;
            rl_exchange(c, place, j);
        }
        return;
    }
    for (i = 0; i < n; i++) {
        if (c->dims[i] > most) {
            most = c->dims[i];
            c->split = i;
        }
        if (i < n - 1 && c->fs[i] != 0 && c->dims[i] > 1 && rl_size_of(c->fs[i]) < rl_size_of(c->fs[n - 1])) c->blocked = 1;
    }
}

static void rl_copy_rows(const rl_copying *c, char *to, const char *from, Py_ssize_t n1, Py_ssize_t n0) {
    const Py_ssize_t *ts = c->ts + c->nd - 2, *fs = c->fs + c->nd - 2;
    if (c->second == NULL) {
        c->copier(to, ts, from, fs, n1, n0);
        return;
    }
    float between[RL_BETWEEN];
    Py_ssize_t steps[2] = {0, sizeof(float)}, i;
    for (; n1 > 0; n1--, to += ts[0], from += fs[0])
        for (i = 0; i < n0; i += RL_BETWEEN) {
            Py_ssize_t n = n0 - i < RL_BETWEEN ? n0 - i : RL_BETWEEN;
            c->copier((char *)between, steps, from + i * fs[1], fs, 1, n);
            c->second(to + i * ts[1], ts, (const char *)between, steps, 1, n);
        }
}

static void rl_walk(const rl_copying *c, const Py_ssize_t *dims, int at, char *to, const char *from) {
    if (at == c->nd - 2) {
        rl_copy_rows(c, to, from, dims[at], dims[at + 1]);
        return;
    }
    for (Py_ssize_t i = 0; i < dims[at]; i++) rl_walk(c, dims, at + 1, to + i * c->ts[at], from + i * c->fs[at]);
}

/* The part of the work from `begin` to `end` of the dimension that is shared among threads. */
static void rl_copy_part(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_copying *c = (const rl_copying *)what;
    Py_ssize_t dims[RL_MOST_DIMS + 2], last = c->nd - 1, done;
    char *to = c->to + begin * c->ts[c->split];
    const char *from = c->from + begin * c->fs[c->split];
    memcpy(dims, c->dims, c->nd * sizeof(Py_ssize_t));
    dims[c->split] = end - begin;
    if (!c->blocked) {
        rl_walk(c, dims, 0, to, from);
        return;
    }
    Py_ssize_t n = dims[last];
    for (done = 0; done < n; done += RL_BLOCK) {
        dims[last] = n - done < RL_BLOCK ? n - done : RL_BLOCK;
        rl_walk(c, dims, 0, to + done * c->ts[last], from + done * c->fs[last]);
    }
}

/* -- triangles: the entries of each row before (or from) a column on, zeros for the others */

typedef struct {
    Py_ssize_t rows, columns, size, diagonal, ts, fs;
    int upper;
    char *to;
    const char *from;
} rl_triangle;

static void rl_triangle_part(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_triangle *t = (const rl_triangle *)what;
    Py_ssize_t width = t->columns * t->size;
    for (Py_ssize_t i = begin; i < end; i++) {
        Py_ssize_t cut = i % t->rows + t->diagonal + (t->upper ? 0 : 1);
        cut = (cut < 0 ? 0 : cut > t->columns ? t->columns : cut) * t->size;
        char *to = t->to + i * width;
        const char *from = t->from + i * width;
        if (t->upper) {
            memset(to, 0, cut);
            if (to != from) rl_copy(to + cut, from + cut, width - cut);
        } else {
            if (to != from) rl_copy(to, from, cut);
            memset(to + cut, 0, width - cut);
        }
    }
}

/* -- joining: bytes of the result, each row of which is a stretch of every part in turn */

typedef struct {
    /* `element`: the size of all stretches, where that is 4 or 8; else 0. */
    Py_ssize_t count, width, element;
    const char **from;
    Py_ssize_t *stretch;
    char *to;
} rl_joining;

#define RL_INTERLEAVED(NAME, T)                                                                                  \
    RL_TWO_CLONES static void NAME##_pairs(T *restrict o, const T *restrict a, const T *restrict b, Py_ssize_t n) { \
        for (Py_ssize_t i = 0; i < n; i++) { o[2 * i] = a[i]; o[2 * i + 1] = b[i]; }                             \
    }                                                                                                            \
    static void NAME(const rl_joining *j, Py_ssize_t begin, Py_ssize_t end) {                                    \
        Py_ssize_t row = begin / j->count, part = begin % j->count, pairs;                                       \
        T *o = (T *)j->to + begin;                                                                               \
        if (j->count == 2 && part == 0) {                                                                        \
            pairs = (end - begin) / 2;                                                                           \
            NAME##_pairs(o, (const T *)j->from[0] + row, (const T *)j->from[1] + row, pairs);                    \
            row += pairs; begin += 2 * pairs; o += 2 * pairs;                                                    \
        }                                                                                                        \
        for (; begin < end; begin++) {                                                                           \
            *o++ = ((const T *)j->from[part])[row];                                                              \
            if (++part == j->count) { part = 0; row++; }                                                         \
        }                                                                                                        \
    }
RL_INTERLEAVED(rl_interleave_4, uint32_t)
RL_INTERLEAVED(rl_interleave_8, uint64_t)

static void rl_join_part(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_joining *j = (const rl_joining *)what;
    if (j->element == 4) {
        rl_interleave_4(j, begin / 4, end / 4);
        return;
    }
    if (j->element == 8) {
        rl_interleave_8(j, begin / 8, end / 8);
        return;
    }
    Py_ssize_t row = begin / j->width, skip = begin % j->width, part = 0;
    char *to = j->to + begin;
    while (begin < end) {
        Py_ssize_t n = j->stretch[part];
        if (skip >= n) {
            skip -= n;
        } else {
            Py_ssize_t taken = n - skip < end - begin ? n - skip : end - begin;
            rl_copy(to, j->from[part] + row * n + skip, taken);
            to += taken;
            begin += taken;
            skip = 0;
        }
        if (++part == j->count) {
            part = 0;
            row++;
        }
    }
}

#endif
