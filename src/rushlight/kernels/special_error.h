/* Error functions of a double or a float, and their inverses. */

#ifndef RL_SPECIAL_ERROR_H
#define RL_SPECIAL_ERROR_H

#include "special_elementary.h"

RL_INLINE double rl_erfcx(double x) {
    double a = fabs(x), right = rl_erfcx_right8(a), square = a > 27 ? 27 : a;
    double high = (double)(float)square, low = (square - high) * (square + high);
    double left = 2 * rl_exp8(high * high) * (1 + low * (1 + low * (0.5 + low * (1.0 / 6)))) - right;
    return x < 0 ? left : right;
}

RL_INLINE double rl_ndtr(double x) { return rl_ndtr8(x); }
RL_INLINE float rl_ndtrf(float x) { return rl_ndtr4(x); }

/* The logarithm of the normal distribution function. */
RL_INLINE double rl_log_ndtr(double x) {
    double a = fabs(x), b = rl_least8(a, 39), tail = rl_erfcx_right8(a * RL_ROOT_HALF) / 2;
    double w = -rl_exp_square8(b, 0.5) * tail, u = 1 + w;
    return rl_log8(x < 0 ? tail : u) + (x < 0 ? -(x * x) / 2 : (w - (u - 1)) / u);
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
RL_INLINE double rl_erfinv_usual(double x) { return x * rl_erfinv_near(-rl_log8((1 - x) * (1 + x))); }

static double rl_erfinv_rare(double x) {
    if (fabs(x) >= 1) return fabs(x) > 1 ? NAN : copysign(INFINITY, x);
    double w = -log((1 - x) * (1 + x));
    return x * (w < 6.25 ? rl_erfinv_near(w) : rl_erfinv_far(w));
}

RL_INLINE float rl_erfinvf(float x) {
    float a = fabsf(x), w = -rl_log4((1 - x) * (1 + x)), s = sqrtf(w);
    float near = rl_fit_erfinv_f((w < 5 ? w : 5) * 0.4f - 1), far = rl_fit_erfinv_far_f((s - 3.25f) * (1 / 1.05f));
    float out = x * (w < 5 ? near : far);
    out = a == 1 ? copysignf(INFINITY, x) : out;
    return a > 1 ? NAN : out;
}

/* The inverse of ndtr; p has digits near 0 that 1 - 2 p has not. */
#define RL_NDTRI_FAR(p) (fabs(p - 0.5) > 0.4995)
RL_INLINE double rl_ndtri_usual(double p) {
    return 1.41421356237309504880 * (2 * p - 1) * rl_erfinv_near(-rl_log8(4 * p * (1 - p)));
}

static double rl_ndtri_rare(double p) {
    if (p < 0 || p > 1) return NAN;
    if (p == 0 || p == 1) return p == 0 ? -INFINITY : INFINITY;
    double w = -log(4 * p * (1 - p));
    return 1.41421356237309504880 * (2 * p - 1) * (w < 6.25 ? rl_erfinv_near(w) : rl_erfinv_far(w));
}

#endif
