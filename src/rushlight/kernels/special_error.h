/* Error functions of a double or a float, and their inverses. */

#ifndef RL_SPECIAL_ERROR_H
#define RL_SPECIAL_ERROR_H

#include "special_error_fits.h"

/* erfcx on the right half line. */
RL_INLINE double rl_erfcx_right(double a) {
    double b = a < 1e300 ? a : 1e300;
    return rl_fit_erfcx((b - 3.75) / (b + 3.75)) / (1 + 2 * a);
}

RL_INLINE float rl_erfcx_rightf(float a) {
    float b = a < 1e30f ? a : 1e30f;
    return rl_fit_erfcx_f((b - 3.75f) / (b + 3.75f)) / (1 + 2 * a);
}

RL_INLINE double rl_erfc_right(double a) {
    a = a > 28 ? 28 : a;
    return rl_exp_square(a, 1) * rl_erfcx_right(a);
}

RL_INLINE float rl_erfc_rightf(float a) {
    a = a > 11 ? 11 : a;
    return rl_exp_squaref(a, 1) * rl_erfcx_rightf(a);
}

RL_INLINE double rl_erfc(double x) {
    double right = rl_erfc_right(fabs(x));
    return x < 0 ? 2 - right : right;
}

RL_INLINE float rl_erfcf(float x) {
    float right = rl_erfc_rightf(fabsf(x));
    return x < 0 ? 2 - right : right;
}

RL_INLINE double rl_erf(double x) {
    double a = fabs(x), b = a < 1 ? a : 1;
    double near = x * rl_fit_erf(2 * b * b - 1), far = copysign(1 - rl_erfc_right(a), x);
    return a < 1 ? near : far;
}

RL_INLINE float rl_erff(float x) {
    float a = fabsf(x), b = a < 1 ? a : 1;
    float near = x * rl_fit_erf_f(2 * b * b - 1), far = copysignf(1 - rl_erfc_rightf(a), x);
    return a < 1 ? near : far;
}

RL_INLINE double rl_erfcx(double x) {
    double a = fabs(x), right = rl_erfcx_right(a), square = a > 27 ? 27 : a;
    double high = (double)(float)square, low = (square - high) * (square + high);
    double left = 2 * rl_exp(high * high) * (1 + low * (1 + low * (0.5 + low * (1.0 / 6)))) - right;
    return x < 0 ? left : right;
}

/* The normal distribution function and its logarithm: erfc(-x / sqrt(2)) / 2, but x itself is squared. */
RL_INLINE double rl_ndtr(double x) {
    double a = fabs(x), b = a > 39 ? 39 : a, tail = rl_exp_square(b, 0.5) * rl_erfcx_right(a * RL_ROOT_HALF) / 2;
    return x > 0 ? 1 - tail : tail;
}

RL_INLINE float rl_ndtrf(float x) {
    float a = fabsf(x), b = a > 15 ? 15 : a;
    float tail = rl_exp_squaref(b, 0.5f) * rl_erfcx_rightf(a * (float)RL_ROOT_HALF) / 2;
    return x > 0 ? 1 - tail : tail;
}

RL_INLINE double rl_log_ndtr(double x) {
    double a = fabs(x), b = a > 39 ? 39 : a, tail = rl_erfcx_right(a * RL_ROOT_HALF) / 2;
    double w = -rl_exp_square(b, 0.5) * tail, u = 1 + w;
    return rl_log(x < 0 ? tail : u) + (x < 0 ? -(x * x) / 2 : (w - (u - 1)) / u);
}

/* erfinv(x) / x as a function of w = -log(1 - x * x): one polynomial up to 6.25, further ones in its root. */
RL_INLINE double rl_erfinv_near(double w) { return rl_fit_erfinv(w * (1 / 3.125) - 1); }

static double rl_erfinv_far(double w) {
    double s = sqrt(w);
    if (s < 4) return rl_fit_erfinv_mid((s - 3.25) * (1 / 0.75));
    if (s < 6.25) return rl_fit_erfinv_far((s - 5.125) * (1 / 1.125));
    return rl_fit_erfinv_end((s - 17.125) * (1 / 10.875));
}

#define RL_ERFINV_FAR(x) (fabs(x) > 0.999)
RL_INLINE double rl_erfinv_usual(double x) { return x * rl_erfinv_near(-rl_log((1 - x) * (1 + x))); }

static double rl_erfinv_rare(double x) {
    if (fabs(x) >= 1) return fabs(x) > 1 ? NAN : copysign(INFINITY, x);
    double w = -log((1 - x) * (1 + x));
    return x * (w < 6.25 ? rl_erfinv_near(w) : rl_erfinv_far(w));
}

RL_INLINE float rl_erfinvf(float x) {
    float a = fabsf(x), w = -rl_logf((1 - x) * (1 + x)), s = sqrtf(w);
    float near = rl_fit_erfinv_f((w < 5 ? w : 5) * 0.4f - 1), far = rl_fit_erfinv_far_f((s - 3.25f) * (1 / 1.05f));
    float out = x * (w < 5 ? near : far);
    out = a == 1 ? copysignf(INFINITY, x) : out;
    return a > 1 ? NAN : out;
}

/* The inverse of ndtr; p has digits near 0 that 1 - 2 p has not. */
#define RL_NDTRI_FAR(p) (fabs(p - 0.5) > 0.4995)
RL_INLINE double rl_ndtri_usual(double p) {
    return 1.41421356237309504880 * (2 * p - 1) * rl_erfinv_near(-rl_log(4 * p * (1 - p)));
}

static double rl_ndtri_rare(double p) {
    if (p < 0 || p > 1) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    double w = -log(4 * p * (1 - p));
    return 1.41421356237309504880 * (2 * p - 1) * (w < 6.25 ? rl_erfinv_near(w) : rl_erfinv_far(w));
}

#endif
