/* Gamma functions of a double: the logarithm of gamma, its derivatives, and Hurwitz's zeta. */

#ifndef RL_SPECIAL_GAMMA_H
#define RL_SPECIAL_GAMMA_H

#include "special_elementary.h"
#include "special_gamma_fits.h"

/* log gamma(x) for x >= 0. From 8 on by Stirling's formula (Abramowitz and Stegun 6.1.41); below, gamma(x + 1) =
   x gamma(x) leads to an argument from 1 to 3, on which no two terms cancel. For float half as many terms do. */
RL_INLINE double rl_lgamma_right(double x, int is_float) {
    /* Asked each time: an int would be half as wide as the numbers that it chooses among. */
    double y = x, p = 1;
    for (int k = 0; k < 5; k++) {
        p = y >= 3 ? p * (y - 1) : p;
        y = y >= 3 ? y - 1 : y;
    }
    double l = rl_log8(x < 1 || x >= 8 ? x : p);
    double t = x < 1 ? x - 1 : y - 2;
    t = t < 1 ? t : 1;
    double fit = is_float ? rl_fit_lgamma_short(t) : rl_fit_lgamma(t);
    double near = (x < 1 ? x * (x - 1) : (y - 1) * (y - 2)) * fit + (x < 1 ? -l : l);
    double b = x >= 8 ? x : 8, inverse = 1 / b;
    double whole = x * (l - 1) - 0.5 * l + (0.91893853320467274178 + inverse * rl_fit_stirling(128 * inverse * inverse - 1));
    double out = x >= 8 ? whole : near;
    return x > 1e306 ? (x == INFINITY ? x : x * (l - 1)) : out;
}

static double rl_sin_pi(double x) {
    double r = fabs(x) - 2 * floor(fabs(x) / 2);
    r = r > 1 ? r - 2 : r;
    r = r > 0.5 ? 1 - r : r < -0.5 ? -1 - r : r;
    return copysign(1, x) * sin(RL_PI * r);
}

/* By reflection, 6.1.17. */
static double rl_lgamma_left(double x) {
    double sine = rl_sin_pi(x);
    if (sine == 0 || x == -INFINITY) return INFINITY;
    return log(RL_PI / fabs(x * sine)) - rl_lgamma_right(-x, 0);
}

/* digamma(x) for x > 0: eight steps up (6.3.6), their reciprocals added as one fraction, then 6.3.18. */
RL_INLINE double rl_digamma_right(double x) {
    int low = x < 8;
    double top = 0, bottom = 1, q = x;
    for (int k = 0; k < 8; k++) {
        top = top * q + bottom;
        bottom *= q;
        q += 1;
    }
    double y = low ? x + 8 : x, inverse = 1 / y, square = inverse * inverse;
    double out = rl_log8(y) - 0.5 * inverse - square * rl_fit_digamma(128 * square - 1);
    return low ? out - top / bottom : out;
}

static double rl_digamma_left(double x) {
    if (x == 0) return copysign(INFINITY, -x);
    double fraction = x - nearbyint(x);
    if (fraction == 0 || x == -INFINITY) return NAN;
    /* The fraction keeps the digits that pi * x would lose. */
    return rl_digamma_right(1 - x) - RL_PI / tan(RL_PI * fraction);
}

/* Its derivative for x > 0: 6.4.6 and 6.4.12. */
RL_INLINE double rl_trigamma_right(double x) {
    int low = x < 8;
    double top = 0, bottom = 1, step = x;
    for (int k = 0; k < 8; k++) {
        double q = step * step;
        top = top * q + bottom;
        bottom *= q;
        step += 1;
    }
    double y = low ? x + 8 : x, inverse = 1 / y, square = inverse * inverse;
    double out = inverse + square * (0.5 + inverse * rl_fit_trigamma(128 * square - 1));
    return low ? out + top / bottom : out;
}

static double rl_trigamma_left(double x) {
    double sine = RL_PI / rl_sin_pi(x);
    return sine * sine - rl_trigamma_right(1 - x);
}

static const double RL_BERNOULLI[] = {
    1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798,
    -174611.0 / 330,
};

RL_INLINE double rl_power(double y, long n) {
    double out = 1;
    for (; n; n >>= 1) {
        if (n & 1) out *= y;
        y *= y;
    }
    return out;
}

/* From here on ten terms of Euler and Maclaurin's formula are enough. */
#define RL_FAR(s) ((s) < 4 ? 10 : (s) + 6)

/* The sum of (q + k)**-s for q > 0, s > 1: Euler and Maclaurin's formula from where q + k is RL_FAR (Johansson, "Rigorous
   high-precision computation of the Hurwitz zeta function", 2015). `whole` is s where that is a whole number, or 0. */
static double rl_zeta_right(double s, double q, long whole) {
    const double far = RL_FAR(s);
    double sum = 0, y = q;
    for (; y < far; y += 1) {
        double term = whole ? 1 / rl_power(y, whole) : pow(y, -s);
        sum += term;
        if (!(term > 1e-17 * sum)) return sum;
    }
    double power = whole ? 1 / rl_power(y, whole) : pow(y, -s), square = 1 / (y * y);
    if (power == 0) return sum;
    sum += power * (y / (s - 1) + 0.5);
    double factor = s * power / y, over = 0.5;
    for (int k = 1; k <= 10; k++) {
        double term = RL_BERNOULLI[k - 1] * over * factor;
        sum += term;
        if (fabs(term) < 1e-17 * sum) break;
        factor *= (s + 2 * k - 1) * (s + 2 * k) * square;
        over /= (2 * k + 1) * (2 * k + 2);
    }
    return sum;
}

static double rl_zeta(double s, double q) {
    if (s == 1) return INFINITY;
    if (!(s > 1) || q != q) return NAN;
    if (q == INFINITY) return 0;
    long whole = s < 64 && s == floor(s) ? (long)s : 0;
    if (q > 0) return rl_zeta_right(s, q, whole);
    double floored = floor(q);
    if (q == floored) return INFINITY;
    if (s != floor(s)) return NAN;
    /* The terms below zero are those above, with a sign, of the other fraction. */
    double fraction = q - floored, sign = fmod(s, 2) == 0 ? 1 : -1;
    double left = rl_zeta_right(s, 1 - fraction, whole) - rl_zeta_right(s, 1 - q, whole);
    return rl_zeta_right(s, fraction, whole) + sign * left;
}

/* The derivative of zeta by s, for s > 1: every term of Euler and Maclaurin's formula times that of its logarithm. */
static double rl_zeta_slope(double s, double q) {
    if (!(s >= 1) || !(q > 0)) return NAN;
    if (q == INFINITY) return 0;
    const double far = RL_FAR(s);
    double sum = 0, y = q;
    for (; y < far; y += 1) {
        double l = log(y), term = l * exp(-s * l);
        sum -= term;
        if (y > 2 && !(term > 1e-17 * fabs(sum))) return sum;
    }
    double l = log(y), power = exp(-s * l), square = 1 / (y * y);
    double pole = y / (s - 1), factor = s * power / y, change = power / y * (1 - s * l), over = 0.5;
    sum -= power * (l * (pole + 0.5) + pole / (s - 1));
    for (int k = 1; k <= 10; k++) {
        double term = RL_BERNOULLI[k - 1] * over * change, high = s + 2 * k - 1, next = s + 2 * k;
        sum += term;
        if (fabs(term) < 1e-17 * fabs(sum)) break;
        change = (change * (high * next) + factor * (high + next)) * square;
        factor *= high * next * square;
        over /= (2 * k + 1) * (2 * k + 2);
    }
    return sum;
}

/* The n-th derivative of digamma, n >= 2: 6.4.10. */
RL_INLINE double rl_polygamma(double x, long n, double factor) { return factor * rl_zeta((double)n + 1, x); }

#endif
