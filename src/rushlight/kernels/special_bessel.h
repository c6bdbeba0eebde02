/* Bessel, Hankel and Airy functions of a double, by the polynomials beside: Abramowitz and Stegun, chapters 9 and 10. */

#ifndef RL_SPECIAL_BESSEL_H
#define RL_SPECIAL_BESSEL_H

#include "special_bessel_fits.h"
#include "special_elementary.h"

/* exp(-|x|) I(x), odd where the order is; SHORT ones are as exact as float. */
#define RL_SCALED_I(N, SIGNED, SHORT)                                            \
    RL_INLINE double rl_i##N##e##SHORT(double x) {                               \
        double a = fabs(x), b = a < 8 ? a : 8, c = a > 8 ? a : 8;                \
        double near = rl_fit_i##N##SHORT(b * 0.25 - 1) * (SIGNED ? x : 1);       \
        double far = rl_fit_i##N##_far##SHORT(16 / c - 1) / sqrt(c);             \
        double out = a <= 8 ? near : SIGNED ? copysign(far, x) : far;            \
        return x != x ? x : out;                                                 \
    }                                                                            \
    RL_INLINE double rl_i##N##SHORT(double x) {                                  \
        double a = fabs(x);                                                      \
        return a == INFINITY ? (SIGNED ? x : a) : rl_exp8(a) * rl_i##N##e##SHORT(x); \
    }
RL_SCALED_I(0, 0, )
RL_SCALED_I(1, 1, )
RL_SCALED_I(0, 0, _short)
RL_SCALED_I(1, 1, _short)

/* exp(-|x|) (I0(x) - I1(x) / x): times exp(|x|) it is the derivative of I1. */
RL_INLINE double rl_i1_slope_scaled(double x) {
    double a = fabs(x), b = a < 8 ? a : 8, c = a > 8 ? a : 8, t = b * 0.25 - 1, u = 16 / c - 1;
    double near = rl_fit_i0(t) - rl_fit_i1(t), far = (rl_fit_i0_far(u) - rl_fit_i1_far(u) / c) / sqrt(c);
    return a <= 8 ? near : far;
}

RL_INLINE double rl_i1_slope(double x) {
    double a = fabs(x);
    return a == INFINITY ? a : rl_exp8(a) * rl_i1_slope_scaled(x);
}

#define RL_SIGN(x) ((x) > 0 ? 1 : (x) < 0 ? -1 : 0)
RL_INLINE double rl_i0e_slope(double x) { return rl_i1e(x) - RL_SIGN(x) * rl_i0e(x); }
RL_INLINE double rl_i1e_slope(double x) { return rl_i1_slope_scaled(x) - RL_SIGN(x) * rl_i1e(x); }

/* exp(x) K(x) for x > 2, and K(x) up to there: 9.6.13 and 9.6.11. */
RL_INLINE double rl_k0_near(double x) {
    double t = x * x / 2 - 1;
    return rl_fit_k0_near(t) - rl_log8(x / 2) * rl_fit_i0_near(t);
}

RL_INLINE double rl_k1_near(double x) {
    double t = x * x / 2 - 1;
    return rl_fit_k1_near(t) / x + rl_log8(x / 2) * (x * rl_fit_i1_near(t));
}

#define RL_K(N)                                                                  \
    RL_INLINE double rl_k##N##_far(double x) {                                   \
        double c = x > 2 ? x : 2;                                                \
        return rl_fit_k##N##_far(4 / c - 1) / sqrt(c);                           \
    }                                                                            \
    RL_INLINE double rl_k##N##e(double x) {                                      \
        double b = x < 2 ? x : 2, near = rl_exp8(b) * rl_k##N##_near(b);          \
        double out = x <= 2 ? near : rl_k##N##_far(x);                           \
        out = x == 0 ? INFINITY : out;                                           \
        return x >= 0 ? out : NAN;                                               \
    }                                                                            \
    RL_INLINE double rl_k##N(double x) {                                         \
        double b = x < 2 ? x : 2, near = rl_k##N##_near(b);                      \
        double out = x <= 2 ? near : rl_exp8(-x) * rl_k##N##_far(x);              \
        out = x == 0 ? INFINITY : out;                                           \
        return x >= 0 ? out : NAN;                                               \
    }
RL_K(0)
RL_K(1)

/* J and Y up to 8 (9.1.12, 9.1.13), and beyond by Hankel's P and Q (9.2.5). */
RL_INLINE double rl_j0_near(double x) { return rl_fit_j0(x * x * 0.03125 - 1); }
RL_INLINE double rl_j1_near(double x) { return x * rl_fit_j1(x * x * 0.03125 - 1); }

RL_INLINE double rl_y0_near(double x) {
    double t = x * x * 0.03125 - 1, out = rl_fit_y0(t) + RL_TWO_BY_PI * rl_log8(x) * rl_fit_j0(t);
    return x == 0 ? -INFINITY : out;
}

RL_INLINE double rl_y1_near(double x) {
    double t = x * x * 0.03125 - 1, out = x * rl_fit_y1(t) + RL_TWO_BY_PI * (rl_log8(x) * (x * rl_fit_j1(t)) - 1 / x);
    return x == 0 ? -INFINITY : out;
}

static void rl_sine_cosine(double x, double *sine, double *cosine) {
    if (!RL_TURNS(x)) rl_sincos(x, sine, cosine);
    else *sine = sin(x), *cosine = cos(x);
}

/* sin and cos of x - pi/4 from those of x: the difference would be rounded. */
#define RL_HANKEL(N, C, S)                                                                    \
    static double rl_j##N##_far(double x) {                                                   \
        double a = fabs(x), s, c, t = 128 / (a * a) - 1;                                      \
        rl_sine_cosine(a, &s, &c);                                                            \
        if (a == INFINITY) return 0;                                                          \
        double out = (rl_fit_p##N(t) * (C) - rl_fit_q##N(t) / a * (S)) / sqrt(RL_PI * a);     \
        return N == 1 && x < 0 ? -out : out;                                                  \
    }                                                                                         \
    static double rl_y##N##_far(double x) {                                                   \
        if (x != x || x < 0) return NAN;                                                      \
        if (x == INFINITY) return 0;                                                          \
        double s, c, t = 128 / (x * x) - 1;                                                   \
        rl_sine_cosine(x, &s, &c);                                                            \
        return (rl_fit_p##N(t) * (S) + rl_fit_q##N(t) / x * (C)) / sqrt(RL_PI * x);           \
    }
RL_HANKEL(0, c + s, s - c)
RL_HANKEL(1, s - c, -(c + s))

/* The derivative of J1: J0 - J1 / x. */
RL_INLINE double rl_j1_slope_near(double x) {
    double t = x * x * 0.03125 - 1;
    return rl_fit_j0(t) - rl_fit_j1(t);
}
static double rl_j1_slope_far(double x) { return rl_j0_far(x) - rl_j1_far(x) / x; }

RL_INLINE double rl_spherical_j0(double x) {
    double s, c;
    rl_sincos(x, &s, &c);
    return fabs(x) < 1e-4 ? 1 - x * x / 6 : s / x;
}

static double rl_spherical_j0_far(double x) { return fabs(x) == INFINITY ? 0 : sin(x) / x; }

/* The derivative of sin(x) / x; near 0, where its two terms would cancel, by its series. */
RL_INLINE double rl_spherical_slope(double x) {
    double u = x * x, s, c;
    rl_sincos(x, &s, &c);
    double near = 1 / 3. - u * (1 / 30. - u * (1 / 840. - u * (1 / 45360. - u * (1 / 3991680. - u * (1 / 518918400. - u * (1 / 93405312000. - u * (1 / 22230464256000.)))))));
    return u < 0.5 ? -x * near : (c - s / x) / x;
}

static double rl_spherical_slope_far(double x) { return fabs(x) == INFINITY ? NAN : (cos(x) - sin(x) / x) / x; }

/* The sum of (sign x**2 / 4)**k / (k! (order + 1) ... (order + k)), 1 at 0: J or I over a power of x. Where terms
   would cancel, by recurrence (9.1.27, 9.6.26) from order 0 and 1, or from -1/2 and 1/2, which are cos and sin. */
static double rl_clifford(double x, double order, long sign) {
    double a = fabs(x), q = (double)sign * x * x / 4;
    if (a < 6 || a < order || (sign > 0 && a < 30)) {
        double term = 1, sum = 1;
        for (double k = 1; fabs(term) > 1e-17 * fabs(sum); k++) {
            term *= q / (k * (order + k));
            sum += term;
        }
        return sum;
    }
    if (x != x) return x;
    if (sign > 0 && a > 709) return INFINITY;
    if (a == INFINITY) return 0;
    double k = order - floor(order), before, now;
    if (k > 0) {
        k = 0.5, before = cos(a), now = sin(a) / a;
    } else {
        k = 1;
        before = sign > 0 ? rl_i0(a) : a > 8 ? rl_j0_far(a) : rl_j0_near(a);
        now = 2 * (sign > 0 ? rl_i1(a) : a > 8 ? rl_j1_far(a) : rl_j1_near(a)) / a;
    }
    for (; k < order; k++) {
        double next = k * (k + 1) * (before - now) / q;
        before = now;
        now = next;
    }
    return now;
}

/* Ai and Ai': 10.4.59 to 10.4.62 beyond 2.5 and below -5. */
#define RL_AIRY(NAME, SLOPE)                                                                       \
    static double rl_##NAME(double x) {                                                            \
        if (x != x) return x;                                                                      \
        if (x >= 2.5) {                                                                            \
            double root = sqrt(x), zeta = x * root * (2.0 / 3), quarter = sqrt(root);              \
            if (zeta > 745) return SLOPE ? -0.0 : 0;                                               \
            double p = rl_fit_##NAME##_far(2 * 2.6352313834736494 / zeta - 1) * exp(-zeta);        \
            return (SLOPE ? -quarter * p : p / quarter) * (RL_TWO_BY_ROOT_PI / 4);                 \
        }                                                                                          \
        if (x >= 1) return rl_fit_##NAME##_high((x - 1.75) * (1 / 0.75));                          \
        if (x >= -2) return rl_fit_##NAME##_mid((x + 0.5) * (1 / 1.5));                            \
        if (x >= -5) return rl_fit_##NAME##_low((x + 3.5) * (1 / 1.5));                            \
        double root = sqrt(-x), zeta = -x * root * (2.0 / 3), quarter = sqrt(root);                \
        double s, c, t = 2 * (500.0 / 9) / (zeta * zeta) - 1;                                      \
        rl_sine_cosine(zeta, &s, &c);                                                              \
        double sine = (s + c) * RL_ROOT_HALF, cosine = (c - s) * RL_ROOT_HALF;                     \
        double p = rl_fit_##NAME##_p(t), q = rl_fit_##NAME##_q(t) / zeta;                          \
        return (SLOPE ? -(p * cosine + q * sine) * quarter : (p * sine - q * cosine) / quarter) *  \
               (RL_TWO_BY_ROOT_PI / 2);                                                            \
    }
RL_AIRY(airy, 0)
RL_AIRY(airy_slope, 1)

#endif
