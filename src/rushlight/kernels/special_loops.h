/* Loops over the special functions: over [begin, end) of contiguous operands, in float and double. */

#ifndef RL_SPECIAL_LOOPS_H
#define RL_SPECIAL_LOOPS_H

#include "lanes.h"

#include "special_bessel.h"
#include "special_error.h"
#include "special_incomplete.h"
#include "special_polynomial.h"

typedef struct rl_job {
    void (*loop)(const struct rl_job *, Py_ssize_t, Py_ssize_t);
    const void *in[3];
    void *out;
    /* 0 where the second operand is one number for all, else 1; only loops of RL_STEPPED heed it. */
    Py_ssize_t step;
    long order, family;
    double factor;
} rl_job;
typedef void (*rl_loop)(const rl_job *, Py_ssize_t, Py_ssize_t);

static void rl_run(void *what, Py_ssize_t begin, Py_ssize_t end) {
    const rl_job *job = (const rl_job *)what;
    job->loop(job, begin, end);
}

/* Up to three operands x, y, z; the third is only read where COUNT says so. */
#define RL_LOOP_OF(NAME, T, COUNT, ...)                                                                    \
    RL_TWO_CLONES static void NAME(const rl_job *job, Py_ssize_t begin, Py_ssize_t end) {                      \
        const T *a = (const T *)job->in[0], *b = (const T *)job->in[1], *c = (const T *)job->in[2];        \
        T *out = (T *)job->out;                                                                            \
        for (Py_ssize_t i = begin; i < end; i++) {                                                         \
            const T x = a[i], y = COUNT > 1 ? b[i] : 0, z = COUNT > 2 ? c[i] : 0;                          \
            out[i] = (T)(__VA_ARGS__);                                                                     \
            (void)y, (void)z;                                                                              \
        }                                                                                                  \
    }
#define RL_LOOP(NAME, COUNT, ...) \
    RL_LOOP_OF(rl_##NAME##_f4, float, COUNT, __VA_ARGS__) RL_LOOP_OF(rl_##NAME##_f8, double, COUNT, __VA_ARGS__)
#define RL_LOOP_EACH(NAME, COUNT, E4, E8) \
    RL_LOOP_OF(rl_##NAME##_f4, float, COUNT, E4) RL_LOOP_OF(rl_##NAME##_f8, double, COUNT, E8)

/* Two operands, where one number may stand for the second. */
#define RL_STEPPED_OF(NAME, T, ...)                                                                        \
    RL_TWO_CLONES static void NAME(const rl_job *job, Py_ssize_t begin, Py_ssize_t end) {                      \
        const T *a = (const T *)job->in[0], *b = (const T *)job->in[1];                                    \
        T *out = (T *)job->out;                                                                            \
        for (Py_ssize_t i = begin; i < end; i++) {                                                         \
            const T x = a[i], y = b[i * job->step];                                                        \
            out[i] = (T)(__VA_ARGS__);                                                                     \
        }                                                                                                  \
    }
#define RL_STEPPED(NAME, E4, E8) RL_STEPPED_OF(rl_##NAME##_f4, float, E4) RL_STEPPED_OF(rl_##NAME##_f8, double, E8)

/* The usual case for all, many at once; then, block by block, the other one where RARE(operand) says so. */
#define RL_RARE_OF(NAME, T, COUNT, OPERAND, RARE, REST, ...)                                               \
    RL_LOOP_OF(NAME##_usual, T, COUNT, __VA_ARGS__)                                                        \
    static void NAME(const rl_job *job, Py_ssize_t begin, Py_ssize_t end) {                                \
        const T *a = (const T *)job->in[0], *b = (const T *)job->in[1];                                    \
        T *out = (T *)job->out;                                                                            \
        for (Py_ssize_t start = begin, stop; start < end; start = stop) {                                  \
            stop = end - start < 512 ? end : start + 512;                                                  \
            NAME##_usual(job, start, stop);                                                                \
            for (Py_ssize_t i = start; i < stop; i++) {                                                    \
                const double x = a[i], y = COUNT > 1 ? b[i] : 0;                                           \
                if (RARE(OPERAND)) out[i] = (T)(REST);                                                     \
                (void)y;                                                                                   \
            }                                                                                              \
        }                                                                                                  \
    }
#define RL_RARE(NAME, COUNT, OPERAND, RARE, REST, ...)                       \
    RL_RARE_OF(rl_##NAME##_f4, float, COUNT, OPERAND, RARE, REST, __VA_ARGS__) \
    RL_RARE_OF(rl_##NAME##_f8, double, COUNT, OPERAND, RARE, REST, __VA_ARGS__)

#define RL_NEGATIVE(x) ((x) < 0)
#define RL_NOT_POSITIVE(x) ((x) <= 0)
#define RL_BEYOND_EIGHT(x) ((x) > 8 || (x) < -8)
#define RL_OUTSIDE_EIGHT(x) ((x) > 8 || (x) < 0)

/* -- error functions */
RL_LOOP(erfcx, 1, rl_erfcx(x))
RL_LOOP_OF(rl_erfinv_f4, float, 1, rl_erfinvf(x))
RL_RARE_OF(rl_erfinv_f8, double, 1, x, RL_ERFINV_FAR, rl_erfinv_rare(x), rl_erfinv_usual(x))
RL_LOOP_EACH(ndtr, 1, rl_ndtrf(x), rl_ndtr(x))
RL_LOOP(log_ndtr, 1, rl_log_ndtr(x))
RL_RARE(ndtri, 1, x, RL_NDTRI_FAR, rl_ndtri_rare(x), rl_ndtri_usual(x))
RL_LOOP_EACH(through_erf, 2, x * rl_exp_square4(fabsf(y) > 11 ? 11 : y, 1) * (float)RL_TWO_BY_ROOT_PI, x * rl_exp_square8(fabs(y) > 28 ? 28 : y, 1) * RL_TWO_BY_ROOT_PI)
RL_LOOP_EACH(through_erfc, 2, -x * rl_exp_square4(fabsf(y) > 11 ? 11 : y, 1) * (float)RL_TWO_BY_ROOT_PI, -x * rl_exp_square8(fabs(y) > 28 ? 28 : y, 1) * RL_TWO_BY_ROOT_PI)
RL_LOOP_EACH(through_erfinv, 2, x * rl_exp4(y * y) * (float)(1 / RL_TWO_BY_ROOT_PI), x * rl_exp8(y * y) * (1 / RL_TWO_BY_ROOT_PI))
RL_LOOP(through_erfcx, 3, x * (2 * (double)y * z - RL_TWO_BY_ROOT_PI))
RL_LOOP_EACH(through_ndtr, 2, x * rl_exp_square4(fabsf(y) > 15 ? 15 : y, 0.5f) * 0.398942280f, x * rl_exp_square8(fabs(y) > 39 ? 39 : y, 0.5) * 0.39894228040143267794)
RL_LOOP(through_log_ndtr, 2, x * (0.79788456080286535588 / rl_erfcx(y * -RL_ROOT_HALF)))
RL_LOOP_EACH(through_ndtri, 2, x * rl_exp4(y * y * 0.5f) * 2.50662827f, x * rl_exp8(y * y * 0.5) * 2.50662827463100050242)

/* -- gamma functions */
RL_RARE(lgamma, 1, x, RL_NEGATIVE, rl_lgamma_left(x), rl_lgamma_right(fabs((double)x), sizeof x == 4))
RL_RARE(digamma, 1, x, RL_NOT_POSITIVE, rl_digamma_left(x), rl_digamma_right(x))
RL_RARE(trigamma, 1, x, RL_NEGATIVE, rl_trigamma_left(x), rl_trigamma_right(x))
RL_RARE(through_lgamma, 2, y, RL_NOT_POSITIVE, x * rl_digamma_left(y), x * rl_digamma_right(y))
RL_RARE(through_digamma, 2, y, RL_NEGATIVE, x * rl_trigamma_left(y), x * rl_trigamma_right(y))
RL_LOOP(polygamma, 1, rl_polygamma(x, job->order, job->factor))
RL_STEPPED(zeta, rl_zeta(x, y), rl_zeta(x, y))
RL_STEPPED(zeta_slope, rl_zeta_slope(x, y), rl_zeta_slope(x, y))
RL_STEPPED(gammainc, rl_gammainc(x, y, 3e-9), rl_gammainc(x, y, 1e-17))
RL_STEPPED(gammaincc, rl_gammaincc(x, y, 3e-9), rl_gammaincc(x, y, 1e-17))
RL_STEPPED(gammainc_slope, rl_gammainc_slope(x, y, 3e-9), rl_gammainc_slope(x, y, 1e-17))

/* -- Bessel and Airy functions */
RL_LOOP_EACH(i0, 1, rl_i0_short(x), rl_i0(x))
RL_LOOP_EACH(i0e, 1, rl_i0e_short(x), rl_i0e(x))
RL_LOOP_EACH(i1, 1, rl_i1_short(x), rl_i1(x))
RL_LOOP_EACH(i1e, 1, rl_i1e_short(x), rl_i1e(x))
RL_LOOP(through_i0, 2, x * rl_i1(y))
RL_LOOP(through_i0e, 2, x * rl_i0e_slope(y))
RL_LOOP(through_i1, 2, x * rl_i1_slope(y))
RL_LOOP(through_i1e, 2, x * rl_i1e_slope(y))
RL_LOOP(k0, 1, rl_k0(x))
RL_LOOP(k0e, 1, rl_k0e(x))
RL_LOOP(k1, 1, rl_k1(x))
RL_LOOP(k1e, 1, rl_k1e(x))
RL_RARE(j0, 1, x, RL_BEYOND_EIGHT, rl_j0_far(x), rl_j0_near(x))
RL_RARE(j1, 1, x, RL_BEYOND_EIGHT, rl_j1_far(x), rl_j1_near(x))
RL_RARE(through_j1, 2, y, RL_BEYOND_EIGHT, x * rl_j1_slope_far(y), x * rl_j1_slope_near(y))
RL_RARE(y0, 1, x, RL_OUTSIDE_EIGHT, rl_y0_far(x), rl_y0_near(x))
RL_RARE(y1, 1, x, RL_OUTSIDE_EIGHT, rl_y1_far(x), rl_y1_near(x))
RL_RARE(spherical_j0, 1, x, RL_TURNS, rl_spherical_j0_far(x), rl_spherical_j0(x))
RL_RARE(through_spherical_j0, 2, y, RL_TURNS, x * rl_spherical_slope_far(y), x * rl_spherical_slope(y))
RL_LOOP(clifford, 1, rl_clifford(x, job->factor, job->order))
RL_LOOP(airy, 1, rl_airy(x))
RL_LOOP(airy_slope, 1, rl_airy_slope(x))

/* -- sin(pi x) / (pi x) */
#define RL_FAR_OUT(x) ((x) > 3e5 || (x) < -3e5)
RL_RARE(sinc, 1, x, RL_FAR_OUT, rl_spherical_j0_far(RL_PI * x), rl_spherical_j0(RL_PI * x))
RL_RARE(through_sinc, 2, y, RL_FAR_OUT, x * (RL_PI * rl_spherical_slope_far(RL_PI * y)), x * (RL_PI * rl_spherical_slope(RL_PI * y)))

/* -- x log y, -x log x, logit: 0 where the factor is, also of an infinite logarithm */
#define RL_FACTOR(x, y, log) ((y) != (y) ? (y) : (x) == 0 ? 0 : (x) * (log))
RL_LOOP(xlogy, 2, RL_FACTOR(x, y, rl_log8(y)))
RL_LOOP(xlog1py, 2, RL_FACTOR(x, y, rl_log1p8(y)))
RL_LOOP(through_xlogy_x, 3, y == 0 && z <= 0 ? 0 : x * rl_log8(z))
RL_LOOP(through_xlog1py_x, 3, y == 0 && z <= -1 ? 0 : x * rl_log1p8(z))
RL_LOOP(through_xlogy_y, 3, x * y / z)
RL_LOOP(through_xlog1py_y, 3, x * y / (z + 1))
RL_LOOP(entr, 1, x > 0 ? -x * rl_log8(x) : x == 0 ? 0 : x != x ? x : -INFINITY)
RL_LOOP(through_entr, 2, x * (-rl_log8(y) - 1))
RL_LOOP_EACH(logit, 1, rl_log4(x / (1 - x)), rl_log8(x / (1 - x)))
RL_LOOP(through_logit, 2, y >= 0 && y <= 1 ? x / (y * (1 - y)) : NAN)

/* -- orthogonal polynomials */
#define RL_POLYNOMIAL rl_polynomial(x, y, job->family, job->order)
RL_STEPPED(each_polynomial, RL_POLYNOMIAL, RL_POLYNOMIAL)

/* One degree for all: the recurrence takes its steps for 64 numbers at once, also those of the derivatives. */
#define RL_ONE_DEGREE(S, T)                                                                                \
    RL_TWO_CLONES static void rl_one_degree_##S(const rl_job *job, double n, Py_ssize_t begin, Py_ssize_t end) { \
        const T *x = (const T *)job->in[0];                                                                \
        T *out = (T *)job->out;                                                                            \
        const int shifted = job->family >= RL_SHIFTED, kind = (int)job->family - (shifted ? RL_SHIFTED : 0); \
        const int order = (int)job->order;                                                                 \
        const double scale = shifted ? ldexp(1, order) : 1;                                                \
        double at[64] = {0}, before[RL_MOST_SLOPES + 1][64], now[RL_MOST_SLOPES + 1][64], a, b, c;         \
        for (Py_ssize_t start = begin; start < end; start += 64) {                                         \
            const Py_ssize_t size = end - start < 64 ? end - start : 64;                                   \
            for (Py_ssize_t i = 0; i < size; i++) at[i] = shifted ? 2 * (double)x[start + i] - 1 : x[start + i]; \
            for (int j = 0; j <= order; j++)                                                               \
                for (int i = 0; i < 64; i++) before[j][i] = 0, now[j][i] = j == 0;                         \
            for (double k = 0; k < n; k++) {                                                               \
                rl_recurrence(kind, k, &a, &b, &c);                                                        \
                for (int j = order; j >= 0; j--) {                                                         \
                    const double *below = now[j ? j - 1 : 0], share = j * a;                               \
                    for (int i = 0; i < 64; i++) {                                                         \
                        double next = (a * at[i] + b) * now[j][i] - c * before[j][i] + share * below[i];   \
                        before[j][i] = now[j][i], now[j][i] = next;                                        \
                    }                                                                                      \
                }                                                                                          \
            }                                                                                              \
            for (Py_ssize_t i = 0; i < size; i++) out[start + i] = (T)(now[order][i] * scale);             \
        }                                                                                                  \
    }                                                                                                      \
    static void rl_polynomial_##S(const rl_job *job, Py_ssize_t begin, Py_ssize_t end) {                   \
        const double n = begin < end ? trunc(*(const T *)job->in[1]) : 0;                                  \
        if (job->step == 0 && n >= 0 && (n <= 100 || job->order)) rl_one_degree_##S(job, n, begin, end);    \
        else rl_each_polynomial_##S(job, begin, end);                                                      \
    }
RL_ONE_DEGREE(f4, float)
RL_ONE_DEGREE(f8, double)

/* `stepped` says that the second operand may be one number. */
typedef struct { const char *name; rl_loop f4, f8; int count, stepped; Py_ssize_t least; } rl_entry;
/* `least` elements are worth another thread. */
#define RL_QUICK(NAME, COUNT) {#NAME, rl_##NAME##_f4, rl_##NAME##_f8, COUNT, 0, 8192}
#define RL_SLOW(NAME, COUNT) {#NAME, rl_##NAME##_f4, rl_##NAME##_f8, COUNT, COUNT == 2, 512}
static const rl_entry RL_SPECIAL[] = {
    RL_QUICK(erfcx, 1), RL_QUICK(erfinv, 1), RL_QUICK(ndtr, 1),
    RL_QUICK(log_ndtr, 1), RL_QUICK(ndtri, 1), RL_QUICK(through_erf, 2), RL_QUICK(through_erfc, 2),
    RL_QUICK(through_erfinv, 2), RL_QUICK(through_erfcx, 3), RL_QUICK(through_ndtr, 2),
    RL_QUICK(through_log_ndtr, 2), RL_QUICK(through_ndtri, 2), RL_QUICK(lgamma, 1), RL_QUICK(digamma, 1),
    RL_QUICK(trigamma, 1), RL_QUICK(through_lgamma, 2), RL_QUICK(through_digamma, 2), RL_SLOW(polygamma, 1),
    RL_SLOW(zeta, 2), RL_SLOW(zeta_slope, 2), RL_SLOW(gammainc, 2), RL_SLOW(gammaincc, 2), RL_SLOW(gammainc_slope, 2), RL_QUICK(i0, 1),
    RL_QUICK(i0e, 1), RL_QUICK(i1, 1), RL_QUICK(i1e, 1), RL_QUICK(through_i0, 2), RL_QUICK(through_i0e, 2), RL_QUICK(through_i1, 2), RL_QUICK(through_i1e, 2),
    RL_QUICK(through_j1, 2), RL_QUICK(through_spherical_j0, 2), RL_QUICK(k0, 1), RL_QUICK(k0e, 1),
    RL_QUICK(k1, 1), RL_QUICK(k1e, 1), RL_QUICK(j0, 1), RL_QUICK(j1, 1), RL_QUICK(y0, 1), RL_QUICK(y1, 1),
    RL_QUICK(spherical_j0, 1), RL_SLOW(clifford, 1), RL_SLOW(airy, 1), RL_SLOW(airy_slope, 1), RL_QUICK(sinc, 1), RL_QUICK(through_sinc, 2), RL_QUICK(xlogy, 2), RL_QUICK(xlog1py, 2),
    RL_QUICK(through_xlogy_x, 3), RL_QUICK(through_xlog1py_x, 3), RL_QUICK(through_xlogy_y, 3),
    RL_QUICK(through_xlog1py_y, 3), RL_QUICK(entr, 1), RL_QUICK(through_entr, 2), RL_QUICK(logit, 1),
    RL_QUICK(through_logit, 2), RL_SLOW(polynomial, 2), {NULL, NULL, NULL, 0, 0, 0},
};

#endif
