/* Fourier transforms of many vectors at once: each lane of a vector register holds a complex number of another
   transform, so no pass shuffles numbers between lanes. The passes are Stockham's, which sort themselves (Cochran et
   al., "What is the fast Fourier transform?", 1967), of radix 4, 2, 3, 5 and odd primes up to RL_FFT_PRIME.

   fft_rows.h is included once for each type: T and S(name), which adds the type's ending. fft_passes.h is included once for
   each type and family of processors: also V (a vector of T), D (one of doubles), PAIRS, SWAP, TRANSPOSE, TARGET and N(name),
   which adds the ending of both. */

#ifndef RL_FFT_H
#define RL_FFT_H

#include "families.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define RL_FFT_PRIME 31
#define RL_FFT_STAGES 64

/* `count` transforms in each of `groups`; steps count complex numbers: from a group, a transform, an entry to the next. */
typedef struct {
    Py_ssize_t groups, count;
    Py_ssize_t in_group, in_lane, in_step, out_group, out_lane, out_step;
} rl_fft_layout;

/* exp(sign 2 pi i e / n) for e < n as the product of two entries of tables that have about sqrt(n) each. */
typedef struct {
    Py_ssize_t n, low;
    int shift;
    double *near, *far;
} rl_fft_roots;

typedef struct {
    Py_ssize_t n;
    int stages, radix[RL_FFT_STAGES];
    double sign;
    void *twiddles;
} rl_fft_plan;

/* What a transform of n complex numbers, the even and odd ones of 2 n real numbers, is made into or comes from. */
enum { RL_FFT_PLAIN, RL_FFT_ONE_SIDE, RL_FFT_BOTH_SIDES, RL_FFT_FROM_SIDE };

typedef struct {
    const rl_fft_plan *plan;
    /* Where entry k of transform t is to be multiplied by root k t of these (the first step of a long transform), and
       roots k l of its lanes l. */
    const rl_fft_roots *roots;
    const void *lanes;
    /* Of 2 n, where the numbers are real. */
    const rl_fft_roots *real;
    int kind, failed;
    /* Numbers of the type whose work this is. */
    const void *x;
    void *y;
    double scale;
    rl_fft_layout at;
} rl_fft_job;

typedef struct {
    const rl_fft_roots *roots;
    const void *x;
    void *y;
    double scale;
    int kind;
} rl_fft_rows_job;

typedef struct {
    Py_ssize_t n, width;
    const void *x;
    void *y;
} rl_fft_columns_job;

static void rl_fft_root(double *to, double e, double n, double sign) {
    double angle = sign * 6.283185307179586476925 * (e / n);
    to[0] = cos(angle);
    to[1] = sin(angle);
}

static int rl_fft_make_roots(rl_fft_roots *r, Py_ssize_t n, double sign) {
    r->n = n;
    for (r->shift = 0; (Py_ssize_t)1 << (2 * r->shift) < n;) r->shift++;
    r->low = (Py_ssize_t)1 << r->shift;
    Py_ssize_t high = (n >> r->shift) + 1;
    r->near = malloc(2 * sizeof(double) * r->low);
    r->far = malloc(2 * sizeof(double) * high);
    if (!r->near || !r->far) return 0;
    for (Py_ssize_t i = 0; i < r->low; i++) rl_fft_root(r->near + 2 * i, (double)i, (double)n, sign);
    for (Py_ssize_t i = 0; i < high; i++) rl_fft_root(r->far + 2 * i, (double)(i << r->shift), (double)n, sign);
    return 1;
}

static inline void rl_fft_get_root(const rl_fft_roots *r, Py_ssize_t e, double *to) {
    const double *a = r->far + 2 * (e >> r->shift), *b = r->near + 2 * (e & (r->low - 1));
    to[0] = a[0] * b[0] - a[1] * b[1];
    to[1] = a[0] * b[1] + a[1] * b[0];
}

/* The radices of n, 0 where it has a prime factor that is too large. */
static int rl_fft_factors(Py_ssize_t n, int *radix) {
    int stages = 0;
    while (n % 4 == 0) radix[stages++] = 4, n /= 4;
    for (int p = 2; p <= RL_FFT_PRIME; p++)
        while (n % p == 0) radix[stages++] = p, n /= p;
    return n == 1 ? stages : 0;
}

/* Lanes of a block; a family transforms as many of them together as its vectors hold. */
#define RL_FFT_LANES(T) (32 / (Py_ssize_t)sizeof(T))

#ifdef RL_SHUFFLES
#define RL_PICK(I, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t rl_fft_i4 __attribute__((vector_size(16)));
typedef int64_t rl_fft_i8 __attribute__((vector_size(16)));
#define RL_PICK(I, a, b, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})
#endif

/* Vectors of doubles exchange every second entry, pair, or four. */
#define RL_EXCHANGE(NAME, TARGET, D, LOW, HIGH)     \
    TARGET RL_INLINE void NAME(D *a, D *b) {        \
        const D low = LOW, high = HIGH;             \
        *a = low;                                   \
        *b = high;                                  \
    }
RL_EXCHANGE(rl_fft_ones_v1, , rl_f8_16, RL_PICK(rl_fft_i8, *a, *b, 0, 2), RL_PICK(rl_fft_i8, *a, *b, 1, 3))

#define T float
#define S(name) name##_f4
#include "fft_rows.h"
#define V rl_f4_16
#define PAIRS(x, y) {x, y}
#define D rl_f8_16
#define TARGET
#define N(name) name##_f4_v1
#define SWAP(v) RL_PICK(rl_fft_i4, v, v, 1, 0, 3, 2)
#define TRANSPOSE(r) rl_fft_ones_v1(r, r + 1)
#include "fft_passes.h"
#ifdef RL_V4
RL_EXCHANGE(rl_fft_ones_v3, RL_V3, rl_f8_32, RL_PICK(, *a, *b, 0, 4, 2, 6), RL_PICK(, *a, *b, 1, 5, 3, 7))
RL_EXCHANGE(rl_fft_twos_v3, RL_V3, rl_f8_32, RL_PICK(, *a, *b, 0, 1, 4, 5), RL_PICK(, *a, *b, 2, 3, 6, 7))
RL_EXCHANGE(rl_fft_ones_v4, RL_V4, rl_f8, RL_PICK(, *a, *b, 0, 8, 2, 10, 4, 12, 6, 14),
            RL_PICK(, *a, *b, 1, 9, 3, 11, 5, 13, 7, 15))
RL_EXCHANGE(rl_fft_twos_v4, RL_V4, rl_f8, RL_PICK(, *a, *b, 0, 1, 8, 9, 4, 5, 12, 13),
            RL_PICK(, *a, *b, 2, 3, 10, 11, 6, 7, 14, 15))
RL_EXCHANGE(rl_fft_fours_v4, RL_V4, rl_f8, RL_PICK(, *a, *b, 0, 1, 2, 3, 8, 9, 10, 11),
            RL_PICK(, *a, *b, 4, 5, 6, 7, 12, 13, 14, 15))
RL_V3 RL_INLINE void rl_transpose_f4_v3(rl_f8_32 *r) {
    RL_UNROLL for (int i = 0; i < 4; i += 2) rl_fft_ones_v3(r + i, r + i + 1);
    RL_UNROLL for (int i = 0; i < 2; i++) rl_fft_twos_v3(r + i, r + i + 2);
}
RL_V4 RL_INLINE void rl_transpose_f4_v4(rl_f8 *r) {
    RL_UNROLL for (int i = 0; i < 8; i += 2) rl_fft_ones_v4(r + i, r + i + 1);
    RL_UNROLL for (int i = 0; i < 8; i += 4)
        RL_UNROLL for (int j = i; j < i + 2; j++) rl_fft_twos_v4(r + j, r + j + 2);
    RL_UNROLL for (int i = 0; i < 4; i++) rl_fft_fours_v4(r + i, r + i + 4);
}
RL_V4 RL_INLINE void rl_transpose_f8_v4(rl_f8 *r) {
    RL_UNROLL for (int i = 0; i < 4; i += 2) rl_fft_twos_v4(r + i, r + i + 1);
    RL_UNROLL for (int i = 0; i < 2; i++) rl_fft_fours_v4(r + i, r + i + 2);
}
#define V rl_f4_32
#define PAIRS(x, y) {x, y, x, y}
#define D rl_f8_32
#define TARGET RL_V3
#define N(name) name##_f4_v3
#define SWAP(v) RL_PICK(, v, v, 1, 0, 3, 2, 5, 4, 7, 6)
#define TRANSPOSE(r) rl_transpose_f4_v3(r)
#include "fft_passes.h"
#define V rl_f4
#define PAIRS(x, y) {x, y, x, y, x, y, x, y}
#define D rl_f8
#define TARGET RL_V4
#define N(name) name##_f4_v4
#define SWAP(v) RL_PICK(, v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define TRANSPOSE(r) rl_transpose_f4_v4(r)
#include "fft_passes.h"
#endif
#undef T
#undef S

#define T double
#define S(name) name##_f8
#include "fft_rows.h"
#define V rl_f8_16
#define PAIRS(x, y) {x, y}
#define D rl_f8_16
#define TARGET
#define N(name) name##_f8_v1
#define SWAP(v) RL_PICK(rl_fft_i8, v, v, 1, 0)
#define TRANSPOSE(r)
#include "fft_passes.h"
#ifdef RL_V4
#define V rl_f8_32
#define PAIRS(x, y) {x, y, x, y}
#define D rl_f8_32
#define TARGET RL_V3
#define N(name) name##_f8_v3
#define SWAP(v) RL_PICK(, v, v, 1, 0, 3, 2)
#define TRANSPOSE(r) rl_fft_twos_v3(r, r + 1)
#include "fft_passes.h"
#define V rl_f8
#define PAIRS(x, y) {x, y, x, y, x, y, x, y}
#define D rl_f8
#define TARGET RL_V4
#define N(name) name##_f8_v4
#define SWAP(v) RL_PICK(, v, v, 1, 0, 3, 2, 5, 4, 7, 6)
#define TRANSPOSE(r) rl_transpose_f8_v4(r)
#include "fft_passes.h"
#endif
#undef T
#undef S
#define rl_fft_work_f4 RL_OF_FAMILY(rl_fft_work_f4)
#define rl_fft_work_f8 RL_OF_FAMILY(rl_fft_work_f8)

#endif
