"""The incomplete gamma functions, element by element: arrays in, arrays out.

By the power series and Lentz's continued fraction (Abramowitz and Stegun 6.5.29 and 6.5.31), whose derivatives by the
first argument are taken term by term (Moore, "Derivatives of the incomplete gamma integral", 1982).
"""

import math

import numpy as np

from . import series


def _parts(a, x):
    """(P, Q, the derivative of P by a)."""
    if not (a >= 0 and x >= 0) or a == x == 0 or a == x == math.inf:
        return math.nan, math.nan, math.nan
    if a == 0 or x == math.inf:
        return 1.0, 0.0, math.nan if a == 0 else 0.0
    if x == 0 or a == math.inf:
        return 0.0, 1.0, 0.0
    if a > 1e9:
        return _uniform(a, x)
    front = math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    steepness = math.log(x) - float(series.digamma(np.float64(a)))
    if x < a + 1:
        total, slope = _series(a, x)
        return front * total, 1 - front * total, front * ((steepness - 1 / a) * total + slope)
    total, slope = _fraction(a, x)
    q = front * a * total
    return 1 - q, q, -(steepness * q + front * a * slope)


def _uniform(a, x):
    """The first terms of Temme's uniform expansion ("The asymptotic expansion of the incomplete gamma functions", 1979)."""
    m = (x - a) / a
    if abs(m) > 2e-3:
        # More than 60 deviations away.
        return (1.0, 0.0, 0.0) if m > 0 else (0.0, 1.0, 0.0)
    ratio = math.sqrt(1 - m * (2 / 3 - m * (1 / 2 - m * 2 / 5)))
    eta = m * ratio
    bell, z = math.exp(-a * eta * eta / 2) / math.sqrt(2 * math.pi * a), eta * math.sqrt(a / 2)
    rest = bell * (m / 12 - 1 / 3)
    slope = bell * (1 / ratio - eta / 2) + rest * (m - eta * eta / 2 - 1 / (2 * a))
    return math.erfc(-z) / 2 - rest, math.erfc(z) / 2 + rest, -slope


def _series(a, x):
    """The sum of x**n / ((a + 1) ... (a + n)), and its slope by a."""
    term = total = 1.0
    slope = logs = 0.0
    n = 0
    while term > 1e-17 * total:
        n += 1
        term *= x / (a + n)
        logs -= 1 / (a + n)
        total += term
        slope += term * logs
    return total, slope


def _fraction(a, x):
    """Q over x**a exp(-x) / gamma(a), and its slope by a."""
    b, c, c_slope = x + 1 - a, math.inf, 0.0
    d = h = 1 / b
    d_slope = h_slope = d * d
    for n in range(1, 100000):
        top = n * (a - n)
        b += 2
        bottom, bottom_slope = top * d + b, n * d + top * d_slope - 1
        c, c_slope = b + top / c, n / c - top * c_slope / (c * c) - 1
        d, d_slope = 1 / bottom, -bottom_slope / (bottom * bottom)
        before, step = h_slope, c * d
        h_slope = h_slope * step + h * (c_slope * d + c * d_slope)
        h *= step
        # Where a is a whole number the value is there early, but not its slope.
        if abs(step - 1) < 1e-16 and abs(h_slope - before) <= 1e-16 * abs(h_slope):
            break
    return h, h_slope


def _part(index):
    each = np.frompyfunc(lambda a, x: _parts(float(a), float(x))[index], 2, 1)
    return lambda a, x: np.asarray(each(a, x), np.float64)


gammainc, gammaincc, gammainc_slope = _part(0), _part(1), _part(2)


def gammainc_slopes(a, x, n):
    """The n-th derivative of P by a.

    P is the sum of x**(a + m) exp(-x) / gamma(a + m + 1), the chances of Poisson's distribution where a is whole: those
    further from x than 9 deviations are less than the rounding of the others. Every term is a Taylor polynomial in a.
    """
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    usual = (a > 0) & (a < np.inf) & (x > 0) & (x < np.inf)
    refused = ~usual & ~((a > 0) & (x >= 0) & ~((a == np.inf) & (x == np.inf)))
    y, order = np.where(usual, x, 1.0), np.where(usual, a, 1.0)
    deviation = 9 * np.sqrt(y) + 60
    b = order + 1 + np.maximum(np.floor(y - order - deviation), 0)
    terms = np.max(np.maximum(y - b, 0) + deviation, initial=0)
    if terms > 1e5:
        raise RuntimeError(
            "gammainc: its higher derivatives by input are sums, of too many terms where other is beyond 1e8"
        )
    logs = [np.log(y) - series.digamma(b)]
    logs += [-series.polygamma(k, b) / math.factorial(k) for k in range(1, n)]
    term = [np.exp((b - 1) * np.log(y) - y - series.lgamma(b))]
    for k in range(1, n + 1):
        term.append(sum(logs[j] * term[k - 1 - j] for j in range(k)) / k)
    total = [np.zeros_like(y)] * (n + 1)
    for _ in range(int(terms) + 1):
        total = [s + t for s, t in zip(total, term)]
        quotient = [term[0] / b]
        for t in term[1:]:
            quotient.append((t - quotient[-1]) / b)
        term = [t * y for t in quotient]
        b = b + 1
    out = math.factorial(n) * total[n]
    return np.where(refused, np.nan, np.where(usual, out, 0.0))
