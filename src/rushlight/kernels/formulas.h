/* Elementwise formulas of up to three arrays x, y, z and three numbers p, q, r: each written once for both types.

   RL(f) is the function f of the type, N(1.5) a number of it. In a formula of a gradient, x is the gradient. */

#ifndef RL_FORMULAS_H
#define RL_FORMULAS_H

#include "lanes.h"
#include "vector.h"

#define RL_SAME(NAME, F4, F8)                                  \
    static inline float rl_##NAME##4(float x) { return F4(x); } \
    static inline double rl_##NAME##8(double x) { return F8(x); }
RL_SAME(expm1, rl_expm1_4, rl_expm1_8)
RL_SAME(abs, fabsf, fabs)
RL_SAME(trunc, truncf, trunc)
static inline float rl_copysign4(float x, float y) { return copysignf(x, y); }
static inline double rl_copysign8(double x, double y) { return copysign(x, y); }

#define RL_CLAMPED(NAME, T)                     \
    static inline T NAME(T x, T low, T high) { \
        T up = x > low ? x : low;               \
        up = x != x ? x : up;                   \
        T out = up < high ? up : high;          \
        return up != up ? up : out;             \
    }
RL_CLAMPED(rl_clamped4, float)
RL_CLAMPED(rl_clamped8, double)
#define RL_NEXT(NAME, T, I, BITS_OF, OF_BITS, LEAST)                                     \
    static inline T NAME(T x, T y) {                                                     \
        I bits = BITS_OF(x);                                                             \
        bits += (x < y) == (bits >= 0) ? 1 : -1; /* larger bits are further from zero */ \
        T out = x == 0 ? (y < 0 ? -LEAST : LEAST) : OF_BITS(bits);                       \
        out = x == y ? y : out;                                                          \
        return x != x ? x : y != y ? y : out;                                            \
    }
RL_NEXT(rl_next4, float, int32_t, rl_bits_of4, rl_float_of, 1e-45f)
RL_NEXT(rl_next8, double, int64_t, rl_bits_of8, rl_double_of, 5e-324)
/* In double, or scaled by a power of two, squares neither overflow nor vanish. An infinite leg decides, also beside nan. */
static inline float rl_hypot4(float x, float y) {
    float root = (float)sqrt((double)x * x + (double)y * y);
    root = fabsf(x) == INFINITY ? INFINITY : root;
    return fabsf(y) == INFINITY ? INFINITY : root;
}
static inline double rl_hypot8(double x, double y) {
    double longer = fabs(x) > fabs(y) ? fabs(x) : fabs(y), scale = longer > 1e150 ? 0x1p-600 : 1.0;
    scale = longer < 1e-150 ? 0x1p600 : scale;
    double a = x * scale, b = y * scale, root = sqrt(a * a + b * b) / scale;
    root = fabs(x) == INFINITY ? INFINITY : root;
    return fabs(y) == INFINITY ? INFINITY : root;
}
/* The quotient of the doubles is never rounded to a whole number that the exact one has not reached: floats have 24
   bits, so the two differ by more than a double's 53. An infinite x has no remainder; beside an infinite y it is x. */
static inline float rl_floored4(float x, float y) {
    float whole = (float)floor((double)x / (double)y);
    whole = fabsf(x) == INFINITY && y == y ? (y == 0 ? x / y : NAN) : whole;
    return fabsf(y) == INFINITY && fabsf(x) < INFINITY ? (((x < 0) != (y < 0) && x != 0) ? -1.0f : 0.0f) : whole;
}
/* By the remainder, which is exact. */
static inline double rl_floored8(double x, double y) {
    double left = fmod(x, y), whole = (x - left) / y;
    whole = (left != 0 && (left < 0) != (y < 0)) ? whole - 1 : whole;
    double down = floor(whole), out = whole - down > 0.5 ? down + 1 : down;
    return y == 0 ? x / y : whole == 0 ? copysign(0.0, x / y) : out;
}

#define RL_LN2 0.693147180559945309
#define RL_ROOT_HALF 0.707106781186547524
#define RL_ROOT_TWO_BY_PI 0.797884560802865356
#define RL_INVERSE_ROOT_TWO_PI 0.398942280401432678

/* Of the larger and the distance; equal infinities have no distance. */
#define RL_LARGER (x > y ? x : y)
#define RL_DISTANCE (x == y ? N(0) : RL(abs)(x - y))
#define RL_UNDEFINED (x != x || y != y)
#define RL_INNER(y) (N(RL_ROOT_TWO_BY_PI) * ((y) + N(0.044715) * (y) * (y) * (y)))
/* Times zero, -inf counts as the lowest number. */
#define RL_LOWEST(x, E) ((x) == -INFINITY ? N(-0.0) : (E))
#define RL_STEPS(x) ((x) <= -3 ? N(0) : (x) >= 3 ? N(6) : (x) + 3)
#define RL_FROM_P (x < p || p != p ? p : x)
/* tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2) */
#define RL_POWER RL(exp)(y > 20 ? N(20) : y)
#define RL_MISH(y) (RL_POWER * (RL_POWER + 2) / (RL_POWER * (RL_POWER + 2) + 2))
#define RL_MISH_SLOPE (RL_MISH(y) + y * (RL(sigmoid)(y) * (1 - RL_MISH(y) * RL_MISH(y))))
#define RL_GELU_TANH RL(tanh)(RL_INNER(y))
#define RL_GELU_TANH_SLOPE                                                                       \
    (N(0.5) * (1 + RL_GELU_TANH) + N(0.5) * y * ((1 - RL_GELU_TANH * RL_GELU_TANH) *              \
                                                 (N(RL_ROOT_TWO_BY_PI) * (1 + N(0.134145) * y * y))))
#define RL_SQUARES (y * y + z * z)
#define RL_SOFTPLUS(y) ((y) * p > q ? (y) : RL(softplus)((y) * p) / p)

#define RL_FORMULAS(OF)                                                                                             \
    OF(sign, 1, "", N((x > 0) - (x < 0)))                                                                           \
    OF(frac, 1, "", x - RL(trunc)(x))                                                                               \
    OF(angle, 1, "", x < 0 ? N(3.14159265358979323846) : x != x ? x : N(0))                                         \
    OF(deg2rad, 1, "", x * N(0.0174532925199432957692))                                                             \
    OF(rad2deg, 1, "", x * N(57.2957795130823208768))                                                               \
    OF(nan_to_num, 1, "nan posinf neginf", x != x ? p : x == INFINITY ? q : x == -INFINITY ? r : x)                 \
    OF(clip, 1, "low high", (RL_FROM_P > q || q != q) ? q : RL_FROM_P)                                              \
    OF(leaky, 1, "negative_slope", x > 0 ? x : x * p)                                                               \
    OF(threshold, 1, "threshold value", x <= p ? q : x)                                                             \
    OF(softshrink, 1, "lambd", x > p ? x - p : x < -p ? x + p : x * 0)                                              \
    OF(hardshrink, 1, "lambd", (x >= -p && x <= p) ? N(0) : x)                                                      \
    OF(elu, 1, "alpha scale input_scale", x > 0 ? x * q : RL(expm1)(x * r) * (p * q))                               \
    OF(celu, 1, "alpha", x > 0 ? x : RL(expm1)(x / p) * p)                                                          \
    OF(softplus, 1, "beta threshold", RL_SOFTPLUS(x))                                                               \
    OF(gelu_tanh, 1, "", RL_LOWEST(x, x * (N(0.5) * (1 + RL(tanh)(RL_INNER(x))))))                                  \
    OF(through_clip, 2, "low high", (y >= p && y <= q) ? x : N(0))                                                  \
    OF(through_hardtanh, 2, "min_val max_val", (y <= p || y >= q) ? N(0) : x)                                       \
    OF(through_leaky, 2, "negative_slope", y > 0 ? x : x * p)                                                       \
    OF(through_threshold, 2, "threshold", y <= p ? N(0) : x)                                                        \
    OF(through_shrink, 2, "lambd", (y >= -p && y <= p) ? N(0) : x)                                                  \
    OF(through_elu, 2, "alpha scale input_scale", y > 0 ? x * q : x * (RL(exp)(y * r) * (p * q * r)))               \
    OF(through_celu, 2, "alpha", y > 0 ? x : x * RL(exp)(y / p))                                                    \
    OF(through_softplus, 2, "beta threshold", y * p > q ? x : x * RL(sigmoid)(y * p))                               \
    OF(through_logsigmoid, 2, "", x * RL(sigmoid)(-y))                                                              \
    OF(through_hardsigmoid, 2, "", (y > -3 && y < 3) ? x / 6 : N(0))                                                \
    OF(through_hardswish, 2, "", y <= -3 ? N(0) : y < 3 ? x * (y / 3 + N(0.5)) : x)                                 \
    OF(through_mish, 2, "", x * RL_MISH_SLOPE)                                                               \
    OF(through_gelu_tanh, 2, "", x * RL_GELU_TANH_SLOPE)                                                     \
    OF(through_where_finite, 2, "", RL(abs)(y) < INFINITY ? x : N(0))                                               \
    OF(hypot, 2, "", RL(hypot)(x, y))                                                                            \
    OF(fmax, 2, "", (x >= y || y != y) ? x : y)                                                                     \
    OF(fmin, 2, "", (x <= y || y != y) ? x : y)                                                                     \
    OF(nextafter, 2, "", RL(next)(x, y))                                                                            \
    OF(heaviside, 2, "", x == 0 ? y : N(x > 0))                                                                     \
    OF(floored, 2, "", RL(floored)(x, y))                                                                           \
    OF(truncated, 2, "", RL(trunc)(x / y))                                                                          \
    OF(copysign, 2, "", RL(copysign)(x, y))                                                                      \
    OF(logaddexp, 2, "", RL_UNDEFINED ? x + y : RL_LARGER + RL(log1p_unit)(RL(exp)(-RL_DISTANCE)))                       \
    OF(logaddexp2, 2, "", RL_UNDEFINED ? x + y : RL_LARGER + RL(log1p_unit)(RL(exp2_)(-RL_DISTANCE)) * N(1.44269504088896341)) \
    OF(add_scaled, 2, "alpha", x + y * p)                                                                           \
    OF(sub_scaled, 2, "alpha", x - y * p)                                                                           \
    OF(gated, 2, "", x * RL(sigmoid)(y))                                                                            \
    OF(through_gate, 3, "", x * y * (RL(sigmoid)(z) * (1 - RL(sigmoid)(z))))                                        \
    OF(prelu, 2, "", x > 0 ? x : x * y)                                                                             \
    OF(addcmul, 3, "value", x + y * p * z)                                                                          \
    OF(addcdiv, 3, "value", x + y * p / z)                                                                          \
    OF(lerp, 3, "", RL(abs)(z) < N(0.5) ? x + z * (y - x) : y - (y - x) * (1 - z))                                  \
    OF(lerp_number, 2, "weight", RL(abs)(p) < N(0.5) ? x + p * (y - x) : y - (y - x) * (1 - p))                     \
    OF(clamp, 3, "", RL(clamped)(x, y, z))                                                                           \
    OF(through_prelu, 3, "", y > 0 ? x : x * z)                                                                     \
    OF(through_weight, 2, "", y > 0 ? N(0) : x * y)                                                                 \
    OF(through_hypot, 3, "", x * (y / z))                                                                           \
    OF(through_height, 3, "", RL_SQUARES == 0 ? N(0) : x * (z / RL_SQUARES))                                        \
    OF(through_width, 3, "", RL_SQUARES == 0 ? N(0) : x * (-y / RL_SQUARES))                                        \
    OF(through_logaddexp, 3, "", x / (1 + RL(exp)(z - y)))                                                          \
    OF(through_lerp_start, 2, "", x * (1 - y))                                                                      \
    OF(through_divisor, 3, "", -x * ((y / z) / z))                                                                  \
    OF(where_at_least, 3, "", y >= z ? x : N(0))                                                                    \
    OF(where_at_most, 3, "", y <= z ? x : N(0))

#define RL_LOOP(NAME, SUFFIX, T, EXPRESSION)                                                                    \
    RL_CLONES static void rl_##NAME##_##SUFFIX(const void *px, const void *py, const void *pz, void *po,         \
                                               const double *numbers, Py_ssize_t n) {                           \
        const T *xs = (const T *)px, *ys = (const T *)py, *zs = (const T *)pz;                                   \
        T *out = (T *)po, p = (T)numbers[0], q = (T)numbers[1], r = (T)numbers[2];                               \
        (void)p, (void)q, (void)r;                                                                              \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                    \
            T x = xs[i], y = ys[i], z = zs[i];                                                                  \
            (void)x, (void)y, (void)z;                                                                          \
            out[i] = EXPRESSION;                                                                                \
        }                                                                                                       \
    }
#define RL_OF_FLOAT(NAME, ARRAYS, NUMBERS, EXPRESSION) RL_LOOP(NAME, f4, float, EXPRESSION)
#define RL_OF_DOUBLE(NAME, ARRAYS, NUMBERS, EXPRESSION) RL_LOOP(NAME, f8, double, EXPRESSION)
#define RL_ROW(NAME, ARRAYS, NUMBERS, EXPRESSION) {#NAME, ARRAYS, NUMBERS, rl_##NAME##_f4, rl_##NAME##_f8},

#define RL(F) rl_##F##4
#define N(X) ((float)(X))
RL_FORMULAS(RL_OF_FLOAT)
#undef RL
#undef N
#define RL(F) rl_##F##8
#define N(X) ((double)(X))
RL_FORMULAS(RL_OF_DOUBLE)
#undef RL
#undef N

/* What a quotient that was rounded towards zero leaves. It is exact where the quotient has fewer bits than a number has;
   the C library does the rest, also what an infinite y leaves. */
static inline float rl_left4(float x, float y) {
    double left = (double)x - trunc((double)x / (double)y) * (double)y;
    return (float)(left == 0 ? copysign(0.0, (double)x) : left);
}
static inline double rl_left8(double x, double y) {
    double size = fabs(y), left = fma(-trunc(x / y), y, x);
    left += left != 0 && (left < 0) != (x < 0) ? copysign(size, x) : 0;
    left -= fabs(left) >= size ? copysign(size, x) : 0;
    return left == 0 ? copysign(0.0, x) : left;
}
#define RL_REST(NAME, T, LEFT, ABS, MOST, LIBRARY, FROM)                                                        \
    RL_CLONES static void NAME(const void *px, const void *py, const void *unused, void *po,                    \
                               const double *numbers, Py_ssize_t n) {                                           \
        const T *xs = (const T *)px, *ys = (const T *)py;                                                       \
        T *out = (T *)po;                                                                                       \
        Py_ssize_t odd = 0;                                                                                     \
        (void)unused, (void)numbers;                                                                            \
        for (Py_ssize_t i = 0; i < n; i++) {                                                                    \
            T x = xs[i], y = ys[i], left = LEFT(x, y);                                                          \
            out[i] = FROM;                                                                                      \
            odd += !((ABS(x / y) < (T)MOST) & (ABS(y) < INFINITY));                                             \
        }                                                                                                       \
        for (Py_ssize_t i = 0; odd && i < n; i++) {                                                             \
            T x = xs[i], y = ys[i], left;                                                                       \
            if (ABS(x / y) < (T)MOST && ABS(y) < INFINITY) continue;                                            \
            left = LIBRARY(x, y);                                                                               \
            out[i] = FROM;                                                                                      \
        }                                                                                                       \
    }
/* A remainder has the sign of y; one of zero keeps the sign of x. */
#define RL_SIGNED ((left != 0 && (left < 0) != (y < 0)) ? left + y : left)
RL_REST(rl_fmod_f4, float, rl_left4, fabsf, 1e8, fmodf, left)
RL_REST(rl_fmod_f8, double, rl_left8, fabs, 1e15, fmod, left)
RL_REST(rl_remainder_f4, float, rl_left4, fabsf, 1e8, fmodf, RL_SIGNED)
RL_REST(rl_remainder_f8, double, rl_left8, fabs, 1e15, fmod, RL_SIGNED)

typedef void (*rl_formula_loop)(const void *, const void *, const void *, void *, const double *, Py_ssize_t);

typedef struct {
    const char *name;
    int arrays;
    const char *numbers;
    rl_formula_loop f4, f8;
} rl_formula;

static const rl_formula rl_formulas[] = {
    RL_FORMULAS(RL_ROW) RL_ROW(fmod, 2, "", ) RL_ROW(remainder, 2, "", )
};

#define RL_FORMULAS_COUNT ((int)(sizeof rl_formulas / sizeof rl_formulas[0]))

#endif
