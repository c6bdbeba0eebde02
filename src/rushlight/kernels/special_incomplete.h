/* The incomplete gamma functions P and Q of doubles, and the derivative of P by its first argument.

   Values by the power series and Lentz's continued fraction (Abramowitz and Stegun 6.5.29 and 6.5.31), for a small
   both as differences that do not cancel (Gautschi, "A computational procedure for incomplete gamma functions",
   1979), for a large and close to x by Temme's uniform expansion ("The asymptotic expansion of the incomplete gamma
   functions", 1979). The derivative differentiates each of these term by term, as Moore did ("Derivatives of the
   incomplete gamma integral", 1982): all terms of the series, and of the fraction, then have one sign. */

#ifndef RL_SPECIAL_INCOMPLETE_H
#define RL_SPECIAL_INCOMPLETE_H

#include "special_gamma.h"

typedef struct { double p, q, slope; } rl_incomplete;

/* m - log(1 + m) for 1 + m = x / a. */
RL_INLINE double rl_excess(double a, double x) {
    double m = (x - a) / a;
    if (fabs(m) > 0.5) return m - rl_log8(x / a);
    double r = m / (2 + m), y = r * r, sum = 0, power = 1;
    for (int k = 0; k < 16; k++) {
        sum += power / (2 * k + 3);
        power *= y;
    }
    return r * (m - 2 * y * sum);
}

/* x**a exp(-x) / gamma(a + 1). */
RL_INLINE double rl_front(double a, double x) {
    if (a < 8) {
        double p = 1, y = a + 1;
        for (; y >= 3; p *= y) y -= 1;
        return rl_exp8(a * rl_log8(x) - x - (y - 1) * (y - 2) * rl_fit_lgamma(y - 2)) / p;
    }
    double inverse = 1 / a, rest = inverse * rl_fit_stirling(128 * inverse * inverse - 1);
    return rl_exp8(-a * rl_excess(a, x) - rest) / sqrt(2 * RL_PI * a);
}

/* The series and the fraction as one quotient each, top / bottom, with their slopes by a where `sloped`: no division
   on the way, up to terms of a relative size of `least`. Both may grow beyond all bounds, so from here they are scaled down. */
#define RL_HUGE 1e140

/* P over its front: the sum of x**n / ((a + 1) ... (a + n)). */
RL_INLINE double rl_series(double a, double x, double least, int sloped, double *slope) {
    double top = 1, bottom = 1, power = 1, dtop = 0, dbottom = 0;
    for (double n = 1; n < 1e5; n++) {
        double t = a + n;
        power *= x;
        if (sloped) {
            dtop = dtop * t + top;
            dbottom = dbottom * t + bottom;
        }
        top = top * t + power;
        bottom *= t;
        if (power < least * top) break;
        if (bottom > RL_HUGE) {
            top *= 1 / RL_HUGE, bottom *= 1 / RL_HUGE, power *= 1 / RL_HUGE;
            dtop *= 1 / RL_HUGE, dbottom *= 1 / RL_HUGE;
        }
    }
    double out = top / bottom;
    if (sloped) *slope = (dtop - out * dbottom) / bottom;
    return out;
}

/* Q over x**a exp(-x) / gamma(a). */
RL_INLINE double rl_fraction(double a, double x, double least, int sloped, double *slope) {
    double b = x + 1 - a, top = 1, bottom = b, top0 = 0, bottom0 = 1;
    double dtop = 0, dbottom = -1, dtop0 = 0, dbottom0 = 0, out = 1 / b, dout = out * out;
    for (double n = 1; n < 1e5; n++) {
        double step = n * (a - n), next;
        b += 2;
        if (sloped) {
            next = dtop * b - top + dtop0 * step + top0 * n;
            dtop0 = dtop, dtop = next;
            next = dbottom * b - bottom + dbottom0 * step + bottom0 * n;
            dbottom0 = dbottom, dbottom = next;
        }
        next = top * b + top0 * step;
        top0 = top, top = next;
        next = bottom * b + bottom0 * step;
        bottom0 = bottom, bottom = next;
        if (fabs(bottom) > RL_HUGE) {
            top *= 1 / RL_HUGE, bottom *= 1 / RL_HUGE, top0 *= 1 / RL_HUGE, bottom0 *= 1 / RL_HUGE;
            dtop *= 1 / RL_HUGE, dbottom *= 1 / RL_HUGE, dtop0 *= 1 / RL_HUGE, dbottom0 *= 1 / RL_HUGE;
        }
        if ((long)n & 3) continue;
        double before = out, dbefore = dout;
        out = top / bottom;
        if (sloped) dout = (dtop - out * dbottom) / bottom;
        /* Where a is a whole number the value is there early, but not its slope. */
        if (fabs(out - before) <= 20 * least * fabs(out) && (!sloped || fabs(dout - dbefore) <= 100 * least * fabs(dout))) break;
    }
    *slope = dout;
    return out;
}

/* Coefficients in eta of Temme's c_0, c_1, c_2 (DLMF 8.12.11). */
static const double RL_TEMME[3][12] = {
    {-0.3333333333333333, 0.08333333333333333, -0.014814814814814815, 0.0011574074074074073,
     0.0003527336860670194, -0.0001787551440329218, 3.919263178522438e-05, -2.185448510679992e-06,
     -1.85406221071516e-06, 8.296711340953087e-07, -1.7665952736826078e-07, 6.707853543401498e-09},
    {-0.001851851851851852, -0.003472222222222222, 0.0026455026455026454, -0.0009902263374485596,
     0.00020576131687242798, -4.018775720164609e-07, -1.8098550334489977e-05, 7.64916091608111e-06,
     -1.6120900894563446e-06, 4.647127802807434e-09, 1.378633446915721e-07, -5.752545603517705e-08},
    {0.004133597883597883, -0.0026813271604938273, 0.0007716049382716049, 2.0093878600823047e-06,
     -0.0001073665322636516, 5.2923448829120125e-05, -1.2760635188618728e-05, 3.423578734096138e-08,
     1.3721957309062934e-06, -6.298992138380055e-07, 1.4280614206064242e-07, -2.0477098421990866e-10},
};

static rl_incomplete rl_uniform(double a, double x) {
    double m = (x - a) / a, eta = copysign(sqrt(2 * rl_excess(a, x)), m);
    double c[3], slope0 = 0, sum = 0, steep = 0;
    for (int k = 0; k < 3; k++) {
        double value = 0, change = 0;
        for (int n = 11; n >= 0; n--) {
            change = change * eta + value;
            value = value * eta + RL_TEMME[k][n];
        }
        c[k] = value;
        if (k == 0) slope0 = value;
        sum += value / rl_power(a, k);
        steep += change / rl_power(a, k);
    }
    /* d eta / d a = -m / (a eta), where eta / m = 1 + eta c_0. */
    double ratio = 1 / (1 + eta * slope0), bell = exp(-a * eta * eta / 2) / sqrt(2 * RL_PI * a);
    double rest = bell * sum;
    rl_incomplete out;
    out.q = erfc(eta * sqrt(a / 2)) / 2 + rest;
    out.p = erfc(-eta * sqrt(a / 2)) / 2 - rest;
    double first = bell * (ratio - eta / 2);
    double second = rest * (m - eta * eta / 2 - 1 / (2 * a)) - bell * (steep * ratio / a + (c[1] + 2 * c[2] / a) / (a * a));
    out.slope = -(first + second);
    return out;
}

RL_INLINE rl_incomplete rl_gammainc_all(double a, double x, double least, int sloped) {
    rl_incomplete out = {NAN, NAN, NAN};
    if (!(a >= 0) || !(x >= 0) || (a == 0 && x == 0) || (a == INFINITY && x == INFINITY)) return out;
    if (a == 0 || x == INFINITY) {
        out.p = 1, out.q = 0, out.slope = a == 0 ? NAN : 0;
        return out;
    }
    if (x == 0 || a == INFINITY) {
        out.p = 0, out.q = 1, out.slope = 0;
        return out;
    }
    if (a > 1e5 && fabs(x - a) < 0.12 * a) return rl_uniform(a, x);
    double front = rl_front(a, x), slope = 0;
    if (x < a + 1) {
        double sum = rl_series(a, x, least, sloped, &slope);
        out.p = front * sum;
        out.q = 1 - out.p;
        if (sloped) out.slope = front == 0 ? 0 : front * ((rl_log8(x) - rl_digamma_right(a + 1)) * sum + slope);
        if (a < 1 && x <= 1.1) {
            /* Q = 1 - x**a / gamma(a + 1) plus what P's series lacks after its first term. */
            double term = 1, rest = 0;
            for (int n = 1; n < 25; n++) {
                term *= -x / n;
                rest += term / (a + n);
            }
            double exponent = a * rl_log8(x) - a * (a - 1) * rl_fit_lgamma(a - 1);
            out.q = -rl_expm1_8(exponent) - a * rl_exp8(exponent) * rest;
        }
        return out;
    }
    /* So far out the fraction may be beyond all numbers. */
    out.q = front == 0 ? 0 : front * a * rl_fraction(a, x, least, sloped, &slope);
    out.p = 1 - out.q;
    if (sloped) out.slope = front == 0 ? 0 : -((rl_log8(x) - rl_digamma_right(a)) * out.q + front * a * slope);
    return out;
}

RL_TWO_CLONES static double rl_gammainc(double a, double x, double least) { return rl_gammainc_all(a, x, least, 0).p; }
RL_TWO_CLONES static double rl_gammaincc(double a, double x, double least) { return rl_gammainc_all(a, x, least, 0).q; }
RL_TWO_CLONES static double rl_gammainc_slope(double a, double x, double least) { return rl_gammainc_all(a, x, least, 1).slope; }

#endif
