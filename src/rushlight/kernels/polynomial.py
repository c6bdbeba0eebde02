"""Orthogonal polynomials by their recurrences (Abramowitz and Stegun, table 22.7): arrays in, arrays out."""

import numpy as np

_CHEBYSHEV = tuple(f"chebyshev_polynomial_{kind}" for kind in "tuvw")
_PLAIN = (
    *_CHEBYSHEV,
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
)
# The compiled loops know the families by their places here.
FAMILIES = (*_PLAIN, *(f"shifted_{family}" for family in _CHEBYSHEV))


def _recurrence(family, k):
    """a, b, c of p(k+1) = (a x + b) p(k) - c p(k-1)."""
    match family:
        case "chebyshev_polynomial_t":
            return (2 if k else 1), 0, 1
        case "chebyshev_polynomial_u":
            return 2, 0, 1
        case "chebyshev_polynomial_v":
            return 2, (0 if k else -1), 1
        case "chebyshev_polynomial_w":
            return 2, (0 if k else 1), 1
        case "hermite_polynomial_h":
            return 2, 0, 2 * k
        case "hermite_polynomial_he":
            return 1, 0, k
        case "laguerre_polynomial_l":
            return -1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)
    return (2 * k + 1) / (k + 1), 0, k / (k + 1)


def polynomial(x, n, family, order):
    """The order-th derivative at x of the polynomial of degree n, whose recurrence takes a term from the order below."""
    shifted = family.startswith("shifted_")
    if shifted:
        return polynomial(2 * x - 1, n, family.removeprefix("shifted_"), order) * 2.0**order
    x, n = np.broadcast_arrays(x, np.trunc(n))
    before = [np.zeros(x.shape) for _ in range(order + 1)]
    now = [np.full(x.shape, float(j == 0)) for j in range(order + 1)]
    for k in range(int(np.max(n, initial=0, where=np.isfinite(n)))):
        a, b, c = _recurrence(family, k)
        lower, on = 0, k < n
        for j in range(order + 1):
            current = now[j]
            now[j] = np.where(on, (a * x + b) * current + j * a * lower - c * before[j], current)
            lower, before[j] = current, current
    return np.where(np.isnan(n), n, np.where(n < 0, 0, now[order]))
