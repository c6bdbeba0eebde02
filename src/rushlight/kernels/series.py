"""Special functions by series, in float64 and NumPy alone: arrays in, arrays out."""

import math

import numpy as np

# Bernoulli numbers B2, B4, ... over which the asymptotic series run.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)
# From here on the asymptotic series of zeta are exact to double precision.
_FAR = 12.0


def by_element(function):
    """A function of one float, applied to each element."""
    each = np.frompyfunc(function, 1, 1)

    def apply(x):
        return np.asarray(each(x), np.float64)

    return apply


erf = by_element(math.erf)
erfc = by_element(math.erfc)


def _lgamma_of(x):
    # From 2.56e305 on the logarithm itself is beyond all floats.
    if x == -math.inf or x > 2.556348e305 or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


lgamma = by_element(_lgamma_of)


def erfinv(x):
    """The y with erf(y) = x; inf at 1, nan beyond."""
    size = np.abs(x)
    tail = np.log1p(-size * size)
    # Winitzki's approximation is good to two digits; each of Halley's steps triples them.
    a = 2 / (math.pi * 0.147) + tail / 2
    y = np.sqrt(np.maximum(np.sqrt(a * a - tail / 0.147) - a, 0))
    for _ in range(3):
        slope = 2 / math.sqrt(math.pi) * np.exp(-y * y)
        error = np.where(size < 0.5, erf(y) - size, (1 - size) - erfc(y))
        step = error / np.where(slope == 0, 1, slope)
        y = y - step / (1 + y * step)
    y = np.where(size == 1, np.inf, np.where(size > 1, np.nan, y))
    return np.copysign(y, x)


def digamma(x):
    """The derivative of lgamma; nan at the negative whole numbers."""
    reflected = x < 0
    y = np.where(reflected, 1 - x, x)
    out = np.zeros_like(y)
    for _ in range(int(_FAR)):
        low = y < _FAR
        out -= np.where(low, 1 / y, 0)
        y = np.where(low, y + 1, y)
    square = 1 / (y * y)
    term, total = np.ones_like(y), np.zeros_like(y)
    for k, b in enumerate(_BERNOULLI, 1):
        term = term * square
        total += b / (2 * k) * term
    out += np.log(y) - 0.5 / y - total
    # The remainder keeps the digits of the fraction that pi * x would lose.
    fraction = np.remainder(x, 1)
    out = np.where(reflected, out - math.pi / np.tan(math.pi * fraction), out)
    out = np.where(reflected & (fraction == 0), np.nan, out)
    out = np.where(x == np.inf, np.inf, np.where(x == -np.inf, np.nan, out))
    return np.where(x == 0, np.copysign(np.inf, -x), out)


def zeta(s, q):
    """Hurwitz's zeta, the sum of (q + k)**-s; inf at s = 1 and at whole q <= 0, nan for s < 1."""
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    low = q <= 0
    fraction = q - np.floor(q)
    whole = fraction == 0
    out = _zeta_right(s, np.where(low, np.where(whole, 1, fraction), q))
    if low.any():
        # The terms below zero are those above, with a sign, of the other fraction.
        left = _zeta_right(s, 1 - fraction) - _zeta_right(s, np.where(low, 1 - q, 1))
        out = np.where(low, out + np.where(np.remainder(s, 2) == 0, left, -left), out)
    out = np.where(low & whole, np.inf, np.where(low & (s != np.floor(s)), np.nan, out))
    return np.where(s < 1, np.nan, np.where(s == 1, np.inf, out))


def _zeta_right(s, q):
    """The same for q > 0."""
    out, y, far = np.zeros(q.shape), q, np.maximum(_FAR, s + 6)
    low = y < far
    while low.any():
        out += np.where(low, y**-s, 0)
        y = np.where(low, y + 1, y)
        low &= (y < far) & (y**-s > 1e-17 * out)
    tail = y ** (1 - s) / (s - 1) + 0.5 * y**-s
    factor = s * y ** (-s - 1)
    for k, b in enumerate(_BERNOULLI, 1):
        tail += b / math.factorial(2 * k) * factor
        factor = factor * (s + 2 * k - 1) * (s + 2 * k) / (y * y)
    # Where terms vanished earlier there is nothing left.
    return np.where(q == np.inf, 0.0, np.where(y < far, out, out + tail))


def zeta_slope(s, q, n):
    """The n-th derivative of zeta by s, for q > 0; nan below s = 1.

    Every part of the sum is a Taylor polynomial in s: a list of its coefficients up to the n-th.
    """
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    out, y, far = np.zeros(q.shape), q, np.maximum(_FAR, s + 6)
    low = (q > 0) & (q < far)
    while low.any():
        out += np.where(low, y**-s * (-np.log(y)) ** n, 0)
        y = np.where(low, y + 1, y)
        # The term of 1 is zero, and says nothing of the next.
        low &= (y < far) & ((y < 3) | (y**-s > 1e-20 * np.abs(out)))
    power = [y**-s * (-np.log(y)) ** k / math.factorial(k) for k in range(n + 1)]
    pole = [(-1) ** k / (s - 1) ** (k + 1) for k in range(n + 1)]
    total = y * _product(power, pole)[n] + 0.5 * power[n]
    factor = _product(power, [s / y, 1 / y])
    for k, b in enumerate(_BERNOULLI, 1):
        total += b / math.factorial(2 * k) * factor[n]
        factor = _product(factor, [(s + 2 * k - 1) / y, 1 / y])
        factor = _product(factor, [(s + 2 * k) / y, 1 / y])
    out = np.where(y < far, out, out + math.factorial(n) * total)
    return np.where((s < 1) | (q <= 0), np.nan, np.where(q == np.inf, 0.0, out))


def _product(a, b):
    """The product of two Taylor polynomials, up to the degree of the first."""
    return [sum(a[i] * b[k - i] for i in range(k + 1) if k - i < len(b)) for k in range(len(a))]


def polygamma(n, x):
    """The n-th derivative of digamma, n >= 1."""
    if n == 1:
        # By reflection: zeta would have to climb from below zero.
        low = x < 0.5
        sine = np.sin(math.pi * np.remainder(x, 1))
        climbed = zeta(2.0, np.where(low, 1 - x, x))
        return np.where(low, (math.pi / sine) ** 2 - climbed, climbed)
    return (-1.0) ** (n + 1) * math.gamma(n + 1) * zeta(n + 1.0, x)


def bessel(order, x, scaled):
    """The modified Bessel function of order 0 or 1; `scaled` is times exp(-|x|)."""
    size = np.abs(x)
    near = np.minimum(size, 20.0)
    quarter = near * near / 4
    term = np.ones_like(near) if order == 0 else near / 2
    total = term.copy()
    for k in range(1, 60):
        term = term * quarter / (k * (k + order))
        total += term
    far = np.maximum(size, 20.0)
    term, series = np.ones_like(far), np.ones_like(far)
    for k in range(1, 25):
        term = term * ((2 * k - 1) ** 2 - 4 * order) / (8 * k * far)
        series += term
    series = series / np.sqrt(2 * math.pi * far)
    low = size <= 20.0
    out = np.where(low, total * np.exp(-near), series) if scaled else np.where(low, total, series * np.exp(far))
    if scaled:
        out = np.where(np.isinf(size), 0.0, out)
    elif order == 0 or order == 1:
        out = np.where(np.isinf(size), np.inf, out)
    return np.where(np.isnan(x), np.nan, np.copysign(out, x) if order else out)


def clifford(x, order, sign):
    """The sum of (sign * x**2 / 4)**k / (k! (order + 1) ... (order + k))."""
    if sign < 0:
        # Its terms cancel.
        return from_scipy("hyp0f1")(order + 1, -x * x / 4)
    term, total = np.ones_like(x), np.ones_like(x)
    for k in range(1, 500):
        term = term * (x * x / 4) / (k * (order + k))
        total = total + term
    return np.where(np.isinf(x), np.inf, total)


def from_scipy(name):
    """SciPy's function of that name: the meaning of those that have no short series everywhere."""

    def apply(*arrays):
        try:
            from scipy import special
        except ImportError:
            hint = "without its compiled kernels Rushlight takes it from SciPy: pip install rushlight[scipy]"
            raise ImportError(f"scipy.special.{name} is not installed; {hint}") from None
        return getattr(special, name)(*arrays)

    return apply


def erfcx(x):
    """exp(x * x) * erfc(x), also where one factor overflows and the other vanishes."""
    near = np.minimum(x, 5.0)
    direct = np.exp(near * near) * erfc(near)
    # Laplace's continued fraction, from the inside out.
    far = np.maximum(x, 5.0)
    fraction = np.zeros_like(far)
    for k in range(60, 0, -1):
        fraction = k / 2 / (far + fraction)
    return np.where(x < 5.0, direct, 1 / (math.sqrt(math.pi) * (far + fraction)))
