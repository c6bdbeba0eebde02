/* Elements brought from columns into rows. */

#ifndef RL_SQUARES_H
#define RL_SQUARES_H

#include <Python.h>

#if defined(__x86_64__) && !defined(RL_INTRINSICS)
#include <immintrin.h>
#define RL_INTRINSICS
#endif

/* Rows that are columns of the source, in squares: whole registers at once. What is left over is for the loops. */
#ifdef RL_INTRINSICS
#define RL_SQUARES(NAME, SIDE, STEPS)                                                                            \
    static Py_ssize_t NAME(char *to, Py_ssize_t t, const char *from, Py_ssize_t f, Py_ssize_t n1, Py_ssize_t n0) { \
        const Py_ssize_t size = 16 / SIDE, across = 64 / size;                                                   \
        if (n0 % SIDE) return 0;                                                                                 \
        n1 -= n1 % SIDE;                                                                                         \
        for (Py_ssize_t i = 0; i < n1; i += across)                                                              \
            for (Py_ssize_t j = 0; j < n0; j += SIDE) {                                                          \
                const char *a = from + i * size + j * f;                                                         \
                char *o = to + i * t + j * size;                                                                 \
                for (int k = 0; k < SIDE; k++) _mm_prefetch(a + k * f + 128, _MM_HINT_T0);                        \
                for (Py_ssize_t k = i; k < i + across && k < n1; k += SIDE, a += 16, o += SIDE * t) { STEPS }    \
            }                                                                                                    \
        return n1;                                                                                               \
    }
RL_SQUARES(rl_squares_4, 4, {
    __m128 r0 = _mm_loadu_ps((const float *)a); __m128 r1 = _mm_loadu_ps((const float *)(a + f));
    __m128 r2 = _mm_loadu_ps((const float *)(a + 2 * f)); __m128 r3 = _mm_loadu_ps((const float *)(a + 3 * f));
    _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
    _mm_storeu_ps((float *)o, r0); _mm_storeu_ps((float *)(o + t), r1);
    _mm_storeu_ps((float *)(o + 2 * t), r2); _mm_storeu_ps((float *)(o + 3 * t), r3);
})
RL_SQUARES(rl_squares_8, 2, {
    __m128d r0 = _mm_loadu_pd((const double *)a); __m128d r1 = _mm_loadu_pd((const double *)(a + f));
    _mm_storeu_pd((double *)o, _mm_unpacklo_pd(r0, r1)); _mm_storeu_pd((double *)(o + t), _mm_unpackhi_pd(r0, r1));
})
#endif
/* n1 rows of n0 elements, with steps as in copying.h; how many of the rows were done. */
static Py_ssize_t rl_squares(char *to, const Py_ssize_t *ts, const char *from, const Py_ssize_t *fs, Py_ssize_t n1,
                             Py_ssize_t n0, Py_ssize_t size) {
#ifdef RL_INTRINSICS
    if (ts[1] == size && fs[0] == size && size == 4) return rl_squares_4(to, ts[0], from, fs[1], n1, n0);
    if (ts[1] == size && fs[0] == size && size == 8) return rl_squares_8(to, ts[0], from, fs[1], n1, n0);
#endif
    return 0;
}

#endif
