/* Folds of float32 and float64 numbers in float64: sums of them, of their sizes, of squares, of exponentials; products.
   Bools and integers in int64: sums, products, and how many are not zero. */

#ifndef RL_SUMS_H
#define RL_SUMS_H

#include "families.h"
#include "fold.h"
#include <math.h>
#include <stdint.h>

/* Elements of a run, or rows, that are added without a level in between. */
#define RL_LEAF 1024

/* Four at a time, converted one by one: GCC makes one instruction of that, but halves a conversion of whole vectors. */
typedef double rl_four __attribute__((vector_size(32)));
typedef int64_t rl_four_bits __attribute__((vector_size(32)));
#define RL_VECTOR_float(V, X) V = (rl_four){(X)[0], (X)[1], (X)[2], (X)[3]};
#define RL_VECTOR_double(V, X) memcpy(&V, X, sizeof V);

/* e to a power from -708 to 0, to the last bit or two: a power of two times a polynomial (Taylor's, of degree 13 within
   +-log(2)/2). Adding RL_SHIFT rounds to an integer, which is then found in the low bits. */
#define RL_SHIFT 6755399441055744.0
#define RL_EXP_POLYNOMIAL(P, R)                                                                                \
    P = (R) * (1.0 / 6227020800) + 1.0 / 479001600;                                                            \
    P = P * (R) + 1.0 / 39916800; P = P * (R) + 1.0 / 3628800; P = P * (R) + 1.0 / 362880;                     \
    P = P * (R) + 1.0 / 40320; P = P * (R) + 1.0 / 5040; P = P * (R) + 1.0 / 720; P = P * (R) + 1.0 / 120;     \
    P = P * (R) + 1.0 / 24; P = P * (R) + 1.0 / 6; P = P * (R) + 0.5; P = P * (R) + 1.0; P = P * (R) + 1.0;

RL_INLINE double rl_exp(double x) {
    double t, r, p;
    int64_t bits, power;
    x = x < -708 ? -708 : x;
    t = x * 1.4426950408889634 + RL_SHIFT;
    r = t - RL_SHIFT;
    r = (x - r * 6.93147180369123816490e-01) - r * 1.90821492927058770002e-10;
    RL_EXP_POLYNOMIAL(p, r)
    memcpy(&bits, &p, sizeof bits);
    memcpy(&power, &t, sizeof power);
    bits = (int64_t)((uint64_t)bits + ((uint64_t)power << 52));
    memcpy(&p, &bits, sizeof p);
    return p;
}

/* What becomes of an element v (of a vector of them) before it is folded; c is the centre. */
#define RL_ITSELF(V)
#define RL_ITSELF_ONE(V)
#define RL_NUMBERS_ONE(V) V = V == V ? V : 0;
#define RL_SIZE_ONE(V) V = fabs(V);
#define RL_SQUARE(V) V = V * V;
#define RL_SQUARE_ONE(V) V = V * V;
#define RL_DISTANCE(V) V = V - c; V = V * V;
#define RL_DISTANCE_ONE(V) V = V - c; V = V * V;
#define RL_EXPONENTIAL_ONE(V) V = rl_exp(V - c);
/* By the bits: GCC 12 fails to compile V == V here. */
#define RL_NUMBERS(V) V = (rl_four)((rl_four_bits)V & (((rl_four_bits)V & INT64_MAX) <= 0x7ff0000000000000));
#define RL_SIZE(V) V = (rl_four)((rl_four_bits)V & INT64_MAX);

#define RL_FOUR ((Py_ssize_t)(sizeof(rl_four) / sizeof(double)))
#define RL_TAKE(T, A, X, TERM, OP) { rl_four v; RL_VECTOR_##T(v, X) TERM(v) A = A OP v; }

/* Up to RL_LEAF numbers T, each through TERM, joined by OP, of which START is the neutral element. */
#define RL_LEAF_OF(NAME, T, TERM, OP, START)                                                                   \
    RL_INLINE double NAME##_leaf(const T *x, Py_ssize_t n, double c) {                                         \
        const Py_ssize_t W = RL_FOUR;                                                                          \
        rl_four zero = {0}, a0 = zero + START, a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;  \
        double lanes[sizeof(rl_four) / sizeof(double)], total = START, v;                                      \
        Py_ssize_t i = 0, k;                                                                                   \
        for (; i + 8 * W <= n; i += 8 * W) {                                                                   \
            RL_TAKE(T, a0, x + i, TERM, OP) RL_TAKE(T, a1, x + i + W, TERM, OP)                                \
            RL_TAKE(T, a2, x + i + 2 * W, TERM, OP) RL_TAKE(T, a3, x + i + 3 * W, TERM, OP)                    \
            RL_TAKE(T, a4, x + i + 4 * W, TERM, OP) RL_TAKE(T, a5, x + i + 5 * W, TERM, OP)                    \
            RL_TAKE(T, a6, x + i + 6 * W, TERM, OP) RL_TAKE(T, a7, x + i + 7 * W, TERM, OP)                    \
        }                                                                                                      \
        for (; i + W <= n; i += W) RL_TAKE(T, a0, x + i, TERM, OP)                                             \
        for (; i < n; i++) { v = x[i]; TERM##_ONE(v) total = total OP v; }                                     \
        if (n < W) return total;                                                                               \
        a0 = ((a0 OP a1) OP (a2 OP a3)) OP ((a4 OP a5) OP (a6 OP a7));                                         \
        memcpy(lanes, &a0, sizeof a0);                                                                         \
        for (k = W / 2; k > 0; k /= 2)                                                                         \
            for (i = 0; i < k; i++) lanes[i] = lanes[i] OP lanes[i + k];                                       \
        return lanes[0] OP total;                                                                              \
    }

/* The same in loops that the compiler makes vectors of: for terms that take long. */
#define RL_LANES 32
#define RL_LEAF_IN_LANES(NAME, T, TERM)                                                                        \
    RL_INLINE double NAME##_leaf(const T *x, Py_ssize_t n, double c) {                                         \
        double lanes[RL_LANES] = {0}, v;                                                                       \
        Py_ssize_t i, k;                                                                                       \
        (void)c;                                                                                               \
        for (i = 0; i + RL_LANES <= n; i += RL_LANES)                                                          \
            for (k = 0; k < RL_LANES; k++) { v = x[i + k]; TERM##_ONE(v) lanes[k] += v; }                      \
        for (k = 0; i + k < n; k++) { v = x[i + k]; TERM##_ONE(v) lanes[k] += v; }                             \
        for (i = RL_LANES / 2; i > 0; i /= 2)                                                                  \
            for (k = 0; k < i; k++) lanes[k] += lanes[k + i];                                                  \
        return lanes[0];                                                                                       \
    }

/* What is not nan: found before numbers are converted, when vectors hold twice as many. */
#define RL_LEAF_OF_NUMBERS(NAME, T, SUM)                                                                       \
    RL_INLINE double NAME##_leaf(const T *x, Py_ssize_t n, double c) {                                         \
        T numbers[RL_LEAF];                                                                                    \
        for (Py_ssize_t i = 0; i < n; i++) numbers[i] = x[i] == x[i] ? x[i] : 0;                               \
        return SUM##_leaf(numbers, n, c);                                                                      \
    }

/* Four rows onto as many totals as fill vectors; what is left of the columns is folded one by one. */
#define RL_IN_FOURS(T, TERM, OP, FEED)                                                                         \
    for (; k + RL_FOUR <= width; k += RL_FOUR) {                                                               \
        rl_four c, v, w, y, z, total;                                                                          \
        FEED##_FOUR(c, k)                                                                                      \
        (void)c;                                                                                               \
        RL_VECTOR_##T(v, x + k) RL_VECTOR_##T(w, x + k + stride)                                               \
        RL_VECTOR_##T(y, x + k + 2 * stride) RL_VECTOR_##T(z, x + k + 3 * stride)                              \
        TERM(v) TERM(w) TERM(y) TERM(z)                                                                        \
        memcpy(&total, block + k, sizeof total);                                                               \
        total = total OP ((v OP w) OP (y OP z));                                                               \
        memcpy(block + k, &total, sizeof total);                                                               \
    }
#define RL_ONE_BY_ONE(T, TERM, OP, FEED)

/* A fold named NAME of numbers T: its leaves are there; FEED makes c of a centre, where the terms have one. */
#define RL_FOLD_OF(NAME, T, TERM, OP, START, FEED, FOURS)                                                      \
    RL_CLONES static void NAME##_runs(const char *from, Py_ssize_t count, Py_ssize_t n, const double *centre, char *to) { \
        const T *x = (const T *)from;                                                                          \
        double *totals = (double *)to, parts[RL_BLOCK / RL_LEAF];                                              \
        for (Py_ssize_t k = 0; k < count; k++, x += n) {                                                       \
            Py_ssize_t i, p, q, half, used;                                                                    \
            double c = FEED(k);                                                                                \
            totals[k] = n <= RL_LEAF ? NAME##_leaf(x, n, c) : START;                                           \
            for (i = 0; n > RL_LEAF && i < n; i += used) {                                                     \
                used = n - i < RL_BLOCK ? n - i : RL_BLOCK;                                                    \
                for (p = 0; p * RL_LEAF < used; p++)                                                           \
                    parts[p] = NAME##_leaf(x + i + p * RL_LEAF, used - p * RL_LEAF < RL_LEAF ? used - p * RL_LEAF : RL_LEAF, c); \
                for (; p > 1; p = half) {                                                                      \
                    half = (p + 1) / 2;                                                                        \
                    for (q = 0; q + half < p; q++) parts[q] = parts[q] OP parts[q + half];                     \
                }                                                                                              \
                totals[k] = totals[k] OP parts[0];                                                             \
            }                                                                                                  \
        }                                                                                                      \
    }                                                                                                          \
    RL_CLONES static void NAME##_columns(const char *from, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, \
                                         const double *centre, char *to) {                                     \
        const T *x = (const T *)from;                                                                          \
        double *totals = (double *)to, space[RL_TILE], *block = rows > RL_LEAF / 4 ? space : totals;           \
        Py_ssize_t k, r, now;                                                                                  \
        for (k = 0; k < width; k++) totals[k] = START;                                                         \
        for (; rows > 0; rows -= now) {                                                                        \
            now = rows < RL_LEAF / 4 ? rows : RL_LEAF / 4;                                                     \
            for (k = 0; block == space && k < width; k++) block[k] = START;                                    \
            for (r = 0; r + 4 <= now; r += 4, x += 4 * stride) {                                               \
                k = 0;                                                                                         \
                FOURS(T, TERM, OP, FEED)                                                                       \
                for (; k < width; k++) {                                                                       \
                    double c = FEED(k), v = x[k], w = x[k + stride], y = x[k + 2 * stride], z = x[k + 3 * stride]; \
                    (void)c;                                                                                   \
                    TERM##_ONE(v) TERM##_ONE(w) TERM##_ONE(y) TERM##_ONE(z)                                    \
                    block[k] = block[k] OP ((v OP w) OP (y OP z));                                             \
                }                                                                                              \
            }                                                                                                  \
            for (; r < now; r++, x += stride)                                                                  \
                for (k = 0; k < width; k++) {                                                                  \
                    double c = FEED(k), v = x[k];                                                              \
                    (void)c;                                                                                   \
                    TERM##_ONE(v)                                                                              \
                    block[k] = block[k] OP v;                                                                  \
                }                                                                                              \
            for (k = 0; block == space && k < width; k++) totals[k] = totals[k] OP block[k];                   \
        }                                                                                                      \
    }
#define RL_FOLD(NAME, T, TERM, OP, START, FEED)                                                                \
    RL_LEAF_OF(NAME, T, TERM, OP, START)                                                                       \
    RL_FOLD_OF(NAME, T, TERM, OP, START, FEED, RL_IN_FOURS)
#define RL_NO_CENTRE(K) 0
#define RL_NO_CENTRE_FOUR(C, K) C = (rl_four){0};
#define RL_CENTRE(K) centre[K]
#define RL_CENTRE_FOUR(C, K) memcpy(&C, centre + (K), sizeof C);

#define RL_JOIN(NAME, A, OP)                                                                                   \
    static void NAME(char *to, const char *from, Py_ssize_t n) {                                               \
        A *totals = (A *)to;                                                                                   \
        const A *others = (const A *)from;                                                                     \
        for (Py_ssize_t k = 0; k < n; k++) totals[k] = totals[k] OP others[k];                                 \
    }
RL_JOIN(rl_add_f8, double, +)
RL_JOIN(rl_multiply_f8, double, *)
RL_JOIN(rl_add_whole, int64_t, +)
RL_JOIN(rl_multiply_whole, int64_t, *)

/* The same of bools and integers T: products wrap around, as they do everywhere. */
#define RL_WHOLE_RUNS(NAME, T, TERM, OP, START)                                                                \
    RL_CLONES static void NAME##_runs(const char *from, Py_ssize_t count, Py_ssize_t n, const double *centre, char *to) { \
        const T *x = (const T *)from;                                                                          \
        int64_t *totals = (int64_t *)to;                                                                       \
        (void)centre;                                                                                          \
        for (Py_ssize_t k = 0; k < count; k++, x += n) {                                                       \
            uint64_t total = START;                                                                            \
            for (Py_ssize_t i = 0; i < n; i++) total = total OP (uint64_t)(int64_t)TERM(x[i]);                 \
            totals[k] = (int64_t)total;                                                                        \
        }                                                                                                      \
    }
#define RL_WHOLE_COLUMNS(NAME, T, TERM, OP, START)                                                             \
    RL_CLONES static void NAME##_columns(const char *from, Py_ssize_t rows, Py_ssize_t stride, Py_ssize_t width, \
                                         const double *centre, char *to) {                                     \
        const T *x = (const T *)from;                                                                          \
        uint64_t *totals = (uint64_t *)to;                                                                     \
        (void)centre;                                                                                          \
        for (Py_ssize_t k = 0; k < width; k++) totals[k] = START;                                              \
        for (; rows > 0; rows--, x += stride)                                                                  \
            for (Py_ssize_t k = 0; k < width; k++) totals[k] = totals[k] OP (uint64_t)(int64_t)TERM(x[k]);     \
    }
#define RL_WHOLE(NAME, T, TERM, OP, START)                                                                     \
    RL_WHOLE_RUNS(NAME, T, TERM, OP, START)                                                                    \
    RL_WHOLE_COLUMNS(NAME, T, TERM, OP, START)
#define RL_AS_IT_IS(V) (V)
#define RL_NONZERO(V) ((V) != 0)

#define RL_FLOAT_FOLDS(T, K)                                                                                   \
    RL_FOLD(rl_sum_##K, T, RL_ITSELF, +, 0, RL_NO_CENTRE)                                                      \
    RL_LEAF_OF_NUMBERS(rl_numbers_##K, T, rl_sum_##K)                                                          \
    RL_FOLD_OF(rl_numbers_##K, T, RL_NUMBERS, +, 0, RL_NO_CENTRE, RL_IN_FOURS)                                 \
    RL_FOLD(rl_size_##K, T, RL_SIZE, +, 0, RL_NO_CENTRE)                                                       \
    RL_FOLD(rl_square_##K, T, RL_SQUARE, +, 0, RL_NO_CENTRE)                                                   \
    RL_FOLD(rl_distance_##K, T, RL_DISTANCE, +, 0, RL_CENTRE)                                                  \
    RL_LEAF_IN_LANES(rl_exponential_##K, T, RL_EXPONENTIAL)                                                    \
    RL_FOLD_OF(rl_exponential_##K, T, RL_EXPONENTIAL, +, 0, RL_CENTRE, RL_ONE_BY_ONE)                          \
    RL_FOLD(rl_product_##K, T, RL_ITSELF, *, 1, RL_NO_CENTRE)                                                  \
    RL_WHOLE(rl_count_##K, T, RL_NONZERO, +, 0)

#define RL_WHOLE_FOLDS(T, K)                                                                                   \
    RL_WHOLE(rl_sum_##K, T, RL_AS_IT_IS, +, 0)                                                                 \
    RL_WHOLE(rl_product_##K, T, RL_AS_IT_IS, *, 1)                                                             \
    RL_WHOLE_COLUMNS(rl_count_##K, T, RL_NONZERO, +, 0)

RL_FLOAT_FOLDS(float, f4)
RL_FLOAT_FOLDS(double, f8)
RL_WHOLE_FOLDS(uint8_t, u1)
RL_WHOLE_FOLDS(int8_t, i1)
RL_WHOLE_FOLDS(int16_t, i2)
RL_WHOLE_FOLDS(int32_t, i4)
RL_WHOLE_FOLDS(int64_t, i8)
RL_WHOLE_RUNS(rl_count_i2, int16_t, RL_NONZERO, +, 0)
RL_WHOLE_RUNS(rl_count_i4, int32_t, RL_NONZERO, +, 0)
RL_WHOLE_RUNS(rl_count_i8, int64_t, RL_NONZERO, +, 0)

/* How many bytes are not zero: up to 255 of them in bytes, which then are added. */
#define RL_FULL 255
typedef uint8_t rl_bytes_16 __attribute__((vector_size(16)));
typedef uint8_t rl_bytes_32 __attribute__((vector_size(32)));
typedef uint8_t rl_bytes __attribute__((vector_size(64)));
#define RL_COUNT_BYTES(KIND, TARGET, T, V, VECTORS)                                                            \
    TARGET static void rl_count_##KIND(const T *x, Py_ssize_t count, Py_ssize_t n, int64_t *to) {              \
        for (Py_ssize_t k = 0; k < count; k++, x += n) {                                                       \
            const Py_ssize_t N = sizeof(V);                                                                    \
            int64_t total = 0;                                                                                 \
            Py_ssize_t i = 0;                                                                                  \
            while (i + N <= n) {                                                                               \
                V v, hits = {0};                                                                               \
                T lanes[sizeof(V)];                                                                            \
                for (int r = 0; r < RL_FULL && i + N <= n; r++, i += N) {                                      \
                    memcpy(&v, x + i, sizeof v);                                                               \
                    hits -= (V)(v != 0);                                                                       \
                }                                                                                              \
                memcpy(lanes, &hits, sizeof hits);                                                             \
                for (int q = 0; q < N; q++) total += lanes[q];                                                 \
            }                                                                                                  \
            for (; i < n; i++) total += x[i] != 0;                                                             \
            to[k] = total;                                                                                     \
        }                                                                                                      \
    }
RL_FOR_FAMILIES(RL_COUNT_BYTES, bytes, uint8_t)
static void rl_count_u1_runs(const char *from, Py_ssize_t count, Py_ssize_t n, const double *centre, char *to) {
    (void)centre;
    RL_OF_FAMILY(rl_count_bytes)((const uint8_t *)from, count, n, (int64_t *)to);
}
#define rl_count_i1_runs rl_count_u1_runs

enum { RL_SUM_OF, RL_NUMBERS_OF, RL_SIZE_OF, RL_SQUARE_OF, RL_DISTANCE_OF, RL_EXPONENTIAL_OF, RL_PRODUCT_OF, RL_COUNT_OF };

#define RL_ENTRY(NAME, T, JOIN) {sizeof(T), 8, NAME##_runs, NAME##_columns, JOIN}
#define RL_FLOAT_ENTRIES(T, K)                                                                                 \
    {RL_ENTRY(rl_sum_##K, T, rl_add_f8), RL_ENTRY(rl_numbers_##K, T, rl_add_f8), RL_ENTRY(rl_size_##K, T, rl_add_f8), \
     RL_ENTRY(rl_square_##K, T, rl_add_f8), RL_ENTRY(rl_distance_##K, T, rl_add_f8),                           \
     RL_ENTRY(rl_exponential_##K, T, rl_add_f8), RL_ENTRY(rl_product_##K, T, rl_multiply_f8),                  \
     RL_ENTRY(rl_count_##K, T, rl_add_whole)}
#define RL_WHOLE_ENTRIES(T, K)                                                                                 \
    {RL_ENTRY(rl_sum_##K, T, rl_add_whole), {0}, {0}, {0}, {0}, {0}, RL_ENTRY(rl_product_##K, T, rl_multiply_whole), \
     RL_ENTRY(rl_count_##K, T, rl_add_whole)}

static const rl_fold rl_folds[][RL_COUNT_OF + 1] = {
    RL_FLOAT_ENTRIES(float, f4), RL_FLOAT_ENTRIES(double, f8), RL_WHOLE_ENTRIES(uint8_t, u1), RL_WHOLE_ENTRIES(int8_t, i1),
    RL_WHOLE_ENTRIES(int16_t, i2), RL_WHOLE_ENTRIES(int32_t, i4), RL_WHOLE_ENTRIES(int64_t, i8),
};

/* ---- from totals to results ---- */

#define RL_QUOTIENT(NAME, T)                                                                                   \
    static void NAME(const rl_job *job, const char *from, Py_ssize_t first, Py_ssize_t n) {                    \
        const double *totals = (const double *)from;                                                           \
        T *out = (T *)job->out + first;                                                                        \
        if (job->root) for (Py_ssize_t k = 0; k < n; k++) out[k] = (T)sqrt(totals[k] / job->divisor);          \
        else if (job->divisor == 1) for (Py_ssize_t k = 0; k < n; k++) out[k] = (T)totals[k];                  \
        else for (Py_ssize_t k = 0; k < n; k++) out[k] = (T)(totals[k] / job->divisor);                        \
    }
RL_QUOTIENT(rl_quotient_f4, float)
RL_QUOTIENT(rl_quotient_f8, double)

/* The logarithm of a sum of exponentials from their centre, which is the largest: it counts as itself where infinite. */
#define RL_LOGARITHM(NAME, T)                                                                                  \
    static void NAME(const rl_job *job, const char *from, Py_ssize_t first, Py_ssize_t n) {                    \
        const double *totals = (const double *)from, *centre = job->centre + first;                            \
        T *out = (T *)job->out + first;                                                                        \
        for (Py_ssize_t k = 0; k < n; k++) out[k] = (T)(isfinite(centre[k]) ? log(totals[k]) + centre[k] : centre[k]); \
    }
RL_LOGARITHM(rl_logarithm_f4, float)
RL_LOGARITHM(rl_logarithm_f8, double)

#define RL_TALLY(NAME, T, RESULT)                                                                              \
    static void NAME(const rl_job *job, const char *from, Py_ssize_t first, Py_ssize_t n) {                    \
        const int64_t *totals = (const int64_t *)from;                                                         \
        T *out = (T *)job->out + first;                                                                        \
        for (Py_ssize_t k = 0; k < n; k++) out[k] = RESULT;                                                    \
    }
RL_TALLY(rl_tally, int64_t, totals[k])
RL_TALLY(rl_some, uint8_t, totals[k] != 0)
RL_TALLY(rl_every, uint8_t, totals[k] == job->count)

#endif
