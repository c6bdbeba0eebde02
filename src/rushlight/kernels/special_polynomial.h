/* Orthogonal polynomials and their derivatives, by the recurrences of Abramowitz and Stegun, table 22.7. */

#ifndef RL_SPECIAL_POLYNOMIAL_H
#define RL_SPECIAL_POLYNOMIAL_H

#include "special_elementary.h"

/* In the order of FAMILIES in kernels/polynomial.py. */
enum { RL_T, RL_U, RL_V, RL_W, RL_H, RL_HE, RL_L, RL_P, RL_SHIFTED };
#define RL_MOST_SLOPES 15

/* p(k+1) = (a x + b) p(k) - c p(k-1), from p(0) = 1 and p(-1) = 0. */
RL_INLINE void rl_recurrence(int family, double k, double *a, double *b, double *c) {
    const double share = 1 / (k + 1);
    *b = 0;
    switch (family) {
    case RL_T: *a = k == 0 ? 1 : 2, *c = 1; break;
    case RL_U: *a = 2, *c = 1; break;
    case RL_V: *a = 2, *b = k == 0 ? -1 : 0, *c = 1; break;
    case RL_W: *a = 2, *b = k == 0 ? 1 : 0, *c = 1; break;
    case RL_H: *a = 2, *c = 2 * k; break;
    case RL_HE: *a = 1, *c = k; break;
    case RL_L: *a = -share, *b = (2 * k + 1) * share, *c = k * share; break;
    default: *a = (2 * k + 1) * share, *c = k * share;
    }
}

RL_INLINE double rl_degree(double x, double n, int family) {
    double before = 0, now = 1, a, b, c;
    for (double k = 0; k < n; k++) {
        rl_recurrence(family, k, &a, &b, &c);
        double next = (a * x + b) * now - c * before;
        before = now;
        now = next;
    }
    return now;
}

/* The derivative of that order, each of whose recurrences takes one term from the order below. */
static double rl_degree_slope(double x, double n, int family, int order) {
    double before[RL_MOST_SLOPES + 1] = {0}, now[RL_MOST_SLOPES + 1] = {1}, a, b, c;
    for (double k = 0; k < n; k++) {
        rl_recurrence(family, k, &a, &b, &c);
        for (int j = order; j >= 0; j--) {
            double next = (a * x + b) * now[j] + (j ? j * a * now[j - 1] : 0) - c * before[j];
            before[j] = now[j];
            now[j] = next;
        }
    }
    return now[order];
}

static double rl_polynomial(double x, double n, long family, long order) {
    if (n != n) return n;
    if (n <= -1) return 0;
    n = trunc(n);
    int shifted = family >= RL_SHIFTED;
    double y = shifted ? 2 * x - 1 : x;
    int kind = (int)(shifted ? family - RL_SHIFTED : family);
    if (order > 0) return rl_degree_slope(y, n, kind, (int)order) * (shifted ? ldexp(1, (int)order) : 1);
    switch (kind) {
    /* A high degree would take as many steps. */
    case RL_T: return n > 100 && fabs(y) <= 1 ? cos(n * acos(y)) : rl_degree(y, n, RL_T);
    case RL_U: return rl_degree(y, n, RL_U);
    case RL_V: return rl_degree(y, n, RL_V);
    case RL_W: return rl_degree(y, n, RL_W);
    case RL_H: return rl_degree(y, n, RL_H);
    case RL_HE: return rl_degree(y, n, RL_HE);
    case RL_L: return rl_degree(y, n, RL_L);
    default: return rl_degree(y, n, RL_P);
    }
}

#endif
