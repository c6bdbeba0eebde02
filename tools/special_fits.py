"""Writes the polynomials of src/rushlight/kernels/special_*_fits.h: `python tools/special_fits.py` (needs mpmath).

Each is the Chebyshev series of a function on [-1, 1], computed to 40 digits and cut off where the rest is below the
rounding of the type; see Clenshaw, "Chebyshev series for mathematical functions" (1962), for the method.
"""

from pathlib import Path

from mpmath import mp, mpf

mp.dps = 40
NODES = 72
TARGET = Path(__file__).parents[1] / "src/rushlight/kernels"
# "short": computed in double, for results that are rounded to float.
ROUNDING = {"double": mpf(2) ** -55, "float": mpf(2) ** -27, "short": mpf(2) ** -27}
k = mpf("3.75")


def interval(low, high):
    """The map of [-1, 1] onto [low, high]."""
    return lambda t: low + (high - low) * (t + 1) / 2


def chebyshev(f):
    """The coefficients of f's Chebyshev series, from its values at the nodes."""
    nodes = [mp.cos(mp.pi * (j + mpf(1) / 2) / NODES) for j in range(NODES)]
    values = [f(t) for t in nodes]
    angles = [mp.pi * (j + mpf(1) / 2) / NODES for j in range(NODES)]
    found = [2 * mp.fsum(v * mp.cos(n * a) for v, a in zip(values, angles, strict=True)) / NODES for n in range(NODES)]
    found[0] /= 2
    return found, values


def monomials(series):
    """The coefficients of powers of t, of a Chebyshev series."""
    before, now = [mpf(1)], [mpf(0), mpf(1)]
    total = [mpf(0)] * len(series)
    for n, c in enumerate(series):
        term = before if n == 0 else now
        for i, x in enumerate(term):
            total[i] += c * x
        if n:
            following = [mpf(0)] + [2 * x for x in now]
            for i, x in enumerate(before):
                following[i] -= x
            before, now = now, following
    return total


def fitted(f, type, absolute):
    series, values = chebyshev(f)
    scale = max(abs(v) for v in values) if absolute else min(abs(v) for v in values)
    rest, degree = mpf(0), NODES - 1
    while rest + abs(series[degree]) < ROUNDING[type] * scale:
        rest += abs(series[degree])
        degree -= 1
    if degree > NODES - 12:
        raise ValueError(f"no convergence: {degree}")
    return monomials(series[: degree + 1])


def spelled(name, comment, f, type="double", absolute=False, reach=1):
    """The C function of a fit; with `reach` one on [-reach, reach], its polynomial in the argument itself."""
    digits, suffix, kind = (9, "f", "float") if type == "float" else (17, "", "double")
    coefficients = [c / reach**i for i, c in enumerate(fitted(lambda t: f(t * reach), type, absolute))]
    numbers = [mp.nstr(c, digits, min_fixed=-3, max_fixed=3) for c in reversed(coefficients)]
    numbers = [(n if "." in n or "e" in n else n + ".0") + suffix for n in numbers]
    lines, line = [], f"    {kind} p = {numbers[0]};"
    for number in numbers[1:]:
        step = f" p = p * t {'-' if number[0] == '-' else '+'} {number.lstrip('-')};"
        if len(line) + len(step) > 118:
            lines.append(line)
            line = "   "
        line += step
    return "\n".join(
        [f"/* {comment} */", f"RL_INLINE {kind} rl_fit_{name}({kind} t) {{", *lines, line, "    return p;", "}"]
    )


# -- sine and cosine


def sine_rest(u):
    """(sin(r) - r) / r**3 for u = r**2."""
    return mp.fsum((-1) ** (n + 1) * u**n / mp.factorial(2 * n + 3) for n in range(24))


def cosine_rest(u):
    """(cos(r) - 1 + r**2 / 2) / r**4."""
    return mp.fsum((-1) ** n * u**n / mp.factorial(2 * n + 4) for n in range(24))


ELEMENTARY = [
    ("sin", "(sin(r) - r) / r**3, t = r**2, |r| <= pi / 4.", sine_rest, "double", False, mpf("0.62")),
    ("cos", "(cos(r) - 1 + r**2 / 2) / r**4, t as above.", cosine_rest, "double", False, mpf("0.62")),
]


# -- error functions


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x) if x < 20 else mp.hyperu(mpf(1) / 2, mpf(1) / 2, x * x) / mp.sqrt(mp.pi)


def over_the_whole(t):
    x = k * (1 + t) / (1 - t)
    return (1 + 2 * x) * erfcx(x)


def erf_over_x(u):
    x = mp.sqrt(u)
    return mp.erf(x) / x if x else 2 / mp.sqrt(mp.pi)


def erfinv_of(w):
    """erfinv(x) / x for w = -log(1 - x * x)."""
    if w == 0:
        return mp.sqrt(mp.pi) / 2
    if w < 40:
        x = mp.sqrt(-mp.expm1(-w))
        return mp.erfinv(x) / x
    # 1 - x**2 = exp(-w), so erfc(y) = 1 - x; by Newton's method on its logarithm.
    complement = -mp.expm1(mp.log1p(-mp.exp(-w)) / 2)
    y = mp.sqrt(w)
    for _ in range(60):
        tail = mp.erfc(y)
        step = (mp.log(tail) - mp.log(complement)) * tail * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y += step
        if abs(step) < mpf(10) ** -36 * y:
            break
    return y / (1 - complement)


def in_w(low, high):
    to = interval(mpf(low), mpf(high))
    return lambda t: erfinv_of(to(t))


def in_root(low, high):
    to = interval(mpf(low), mpf(high))
    return lambda t: erfinv_of(to(t) ** 2)


def normal_tail(t):
    b = 3 * (1 - t) / (t + mpf("1.4"))
    return (b + 3) * erfcx(b / mp.sqrt(2)) / 2


ERROR = [
    ("erfcx", "(1 + 2x) erfcx(x), t = (x - 3.75) / (x + 3.75); Shepherd and Laframboise (1981).", over_the_whole),
    ("erf", "erf(x) / x, t = 2x**2 - 1.", lambda t: erf_over_x(interval(0, 1)(t))),
    ("erfinv", "erfinv(x) / x, w = -log(1 - x**2) = 3.125 (t + 1); after Giles (2010).", in_w(0, "6.25")),
    ("erfinv_mid", "The same, sqrt(w) = 3.25 + 0.75 t.", in_root("2.5", "4")),
    ("erfinv_far", "The same, sqrt(w) = 5.125 + 1.125 t.", in_root("4", "6.25")),
    ("erfinv_end", "The same, sqrt(w) = 17.125 + 10.875 t.", in_root("6.25", "28")),
    ("erfcx_f", "As above, for float.", over_the_whole, "float"),
    ("tail_f", "(b + 3) erfcx(b / sqrt(2)) / 2, t = (3 - 1.4 b) / (b + 3).", normal_tail, "float"),
    ("erfinv_f", "erfinv(x) / x, w = 2.5 (t + 1).", in_w(0, 5), "float"),
    ("erfinv_far_f", "The same, sqrt(w) = 3.25 + 1.05 t.", in_root("2.2", "4.3"), "float"),
]


# -- gamma functions


def lgamma_core(y):
    if abs((y - 1) * (y - 2)) < mpf(10) ** -25:
        y += mpf(10) ** -18
    return mp.loggamma(y) / ((y - 1) * (y - 2))


def stirling(u):
    """x (log gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) for u = (8 / x)**2."""
    return mp.fsum(mp.bernoulli(2 * n) / (2 * n * (2 * n - 1)) * (u / 64) ** (n - 1) for n in range(1, 24))


def digamma_tail(u):
    """x**2 (log x - 1 / (2x) - digamma(x))."""
    return mp.fsum(mp.bernoulli(2 * n) / (2 * n) * (u / 64) ** (n - 1) for n in range(1, 22))


def trigamma_tail(u):
    """x**3 (trigamma(x) - 1/x - 1/(2 x**2))."""
    return mp.fsum(mp.bernoulli(2 * n) * (u / 64) ** (n - 1) for n in range(1, 20))


def by_eighth(f):
    """f of u = (8 / x)**2 where x >= 8."""
    return lambda t: f(interval(0, 1)(t))


GAMMA = [
    ("lgamma", "lgamma(y) / ((y - 1) (y - 2)), y = 2 + t.", lambda t: lgamma_core(2 + t)),
    ("lgamma_short", "The same, for float.", lambda t: lgamma_core(2 + t), "short"),
    ("stirling", "x times the rest of Stirling's formula, t = 128 / x**2 - 1, x >= 8.", by_eighth(stirling)),
    ("digamma", "x**2 (log x - 1/(2x) - digamma(x)), t as above.", by_eighth(digamma_tail)),
    ("trigamma", "x**3 (trigamma(x) - 1/x - 1/(2x**2)), t as above.", by_eighth(trigamma_tail)),
]

# -- Bessel and Airy functions


def bessel_i(order, x):
    if x == 0:
        return mpf(1) if order == 0 else mpf(1) / 2
    return mp.besseli(order, x) * mp.exp(-x) / x**order


def from_inverse(f, most):
    """f(x) for most / x = (t + 1) / 2 ... that is, x from `most` to infinity."""
    return lambda t: f(2 * most / (1 + t))


def k_rest(order, u):
    """What is left of K near 0 without its logarithm: K0 + log(x/2) I0, and x (K1 - log(x/2) I1)."""
    x = mp.sqrt(u)
    if order == 0:
        return mp.besselk(0, x) + mp.log(x / 2) * mp.besseli(0, x)
    return x * (mp.besselk(1, x) - mp.log(x / 2) * mp.besseli(1, x))


def hankel(order, x, part):
    """P and Q / x**-1 with J = sqrt(2 / (pi x)) (P cos - Q sin)(x - order pi / 2 - pi / 4)."""
    chi = x - order * mp.pi / 2 - mp.pi / 4
    h = (mp.besselj(order, x) + mp.mpc(0, 1) * mp.bessely(order, x)) * mp.expj(-chi) * mp.sqrt(mp.pi * x / 2)
    return h.real if part == "P" else h.imag * x


def y_rest(order, u):
    x = mp.sqrt(u)
    if order == 0:
        return mp.bessely(0, x) - 2 / mp.pi * mp.log(x) * mp.besselj(0, x)
    return (mp.bessely(1, x) - 2 / mp.pi * (mp.log(x) * mp.besselj(1, x) - 1 / x)) / x


def over_power(f, order):
    return lambda u: f(order, mp.sqrt(u)) / mp.sqrt(u) ** order


def squares(f, most):
    """f(x**2) for x from 0 to `most`."""
    return lambda t: f(interval(0, mpf(most) ** 2)(t))


def beyond_eight(order, part):
    return lambda t: hankel(order, 8 / mp.sqrt(interval(0, 1)(t)), part)


def bessel(order):
    n = order
    near = lambda t: bessel_i(n, interval(0, 8)(t))
    far = from_inverse(lambda x: mp.besseli(n, x) * mp.exp(-x) * mp.sqrt(x), 8)
    return [
        (f"i{n}", f"exp(-x) I{n}(x) / x**{n}, t = x / 4 - 1.", near),
        (f"i{n}_far", f"exp(-x) I{n}(x) sqrt(x), t = 16 / x - 1.", far),
        (f"i{n}_short", f"exp(-x) I{n}(x) / x**{n}, t = x / 4 - 1, for float.", near, "short"),
        (f"i{n}_far_short", f"exp(-x) I{n}(x) sqrt(x), t = 16 / x - 1, for float.", far, "short"),
        (f"i{n}_near", f"I{n}(x) / x**{n}, t = x**2 / 2 - 1.", squares(over_power(mp.besseli, n), 2)),
        (f"k{n}_near", "K0 + log(x/2) I0, or x (K1 - log(x/2) I1), t as above.",
         squares(lambda u: k_rest(n, u), 2), "double", True),
        (f"k{n}_far", f"exp(x) K{n}(x) sqrt(x), t = 4 / x - 1.",
         from_inverse(lambda x: mp.besselk(n, x) * mp.exp(x) * mp.sqrt(x), 2)),
        (f"j{n}", f"J{n}(x) / x**{n}, t = x**2 / 32 - 1.", squares(over_power(mp.besselj, n), 8), "double", True),
        (f"y{n}", "Y0 - 2/pi log(x) J0, or (Y1 - 2/pi (log(x) J1 - 1/x)) / x, t as above.",
         squares(lambda u: y_rest(n, u), 8), "double", True),
        (f"p{n}", f"P of Hankel's expansion of order {n}, t = 128 / x**2 - 1.", beyond_eight(n, "P")),
        (f"q{n}", "x times its Q.", beyond_eight(n, "Q")),
    ]  # fmt: skip


def airy(slope, x):
    return mp.airyai(x, derivative=slope)


def airy_scaled(slope, inverse):
    """Ai, or -Ai', without its decay, as a function of 1 / zeta."""
    x = (mpf(3) / 2 / inverse) ** (mpf(2) / 3)
    power = x ** (mpf(1) / 4) if slope == 0 else -(x ** (-mpf(1) / 4))
    return 2 * mp.sqrt(mp.pi) * power * mp.exp(1 / inverse) * airy(slope, x)


def airy_wave(slope, u, part):
    """Ai(-x) = (P sin - Q cos)(zeta + pi/4) / (sqrt(pi) x**(1/4)) from Ai and Bi, zeta**2 = 1 / u; Q times zeta."""
    zeta = 1 / mp.sqrt(u)
    x = (mpf(3) / 2 * zeta) ** (mpf(2) / 3)
    power = mp.sqrt(mp.pi) * x ** (mpf(1) / 4 if slope == 0 else -mpf(1) / 4)
    a, b = power * mp.airyai(-x, derivative=slope), power * mp.airybi(-x, derivative=slope)
    s, c = mp.sin(zeta + mp.pi / 4), mp.cos(zeta + mp.pi / 4)
    if slope == 0:
        return a * s + b * c if part == "P" else (b * s - a * c) * zeta
    return b * s - a * c if part == "P" else -(a * s + b * c) * zeta


def airy_fits(slope):
    name = "airy" if slope == 0 else "airy_slope"
    what = "Ai" if slope == 0 else "Ai'"
    zeta = lambda x: mpf(2) / 3 * mpf(x) ** (mpf(3) / 2)
    return [
        (f"{name}_low", f"{what}(x), x = -3.5 + 1.5 t.", lambda t: airy(slope, interval(-5, -2)(t)), "double", True),
        (f"{name}_mid", f"{what}(x), x = -0.5 + 1.5 t.", lambda t: airy(slope, interval(-2, 1)(t)), "double", True),
        (f"{name}_high", f"{what}(x), x = 1.75 + 0.75 t.", lambda t: airy(slope, interval(1, mpf("2.5"))(t))),
        (f"{name}_far", f"{what}(x) without its decay, zeta = 2.6352313834736494 * 2 / (1 + t).",
         lambda t: airy_scaled(slope, interval(0, 1 / zeta("2.5"))(t))),
        (f"{name}_p", "P on the left, zeta**2 = 500 / 9 * 2 / (1 + t).",
         lambda t: airy_wave(slope, interval(0, 1 / zeta(5) ** 2)(t), "P")),
        (f"{name}_q", "zeta times its Q.", lambda t: airy_wave(slope, interval(0, 1 / zeta(5) ** 2)(t), "Q")),
    ]  # fmt: skip


FILES = {
    "elementary": ("elementary functions", ELEMENTARY),
    "error": ("error functions", ERROR),
    "gamma": ("gamma functions", GAMMA),
    "bessel": ("Bessel and Airy functions", [*bessel(0), *bessel(1), *airy_fits(0), *airy_fits(1)]),
}


INCLUDE = '#include "lanes.h"'


def main():
    for family, (subject, fits) in FILES.items():
        guard = f"RL_SPECIAL_{family.upper()}_FITS_H"
        head = f"/* Polynomials of the {subject}. Written by tools/special_fits.py. */\n\n#ifndef {guard}\n#define {guard}\n"
        body = "\n\n".join(spelled(*fit) for fit in fits)
        (TARGET / f"special_{family}_fits.h").write_text(f"{head}\n{INCLUDE}\n\n{body}\n\n#endif\n")


if __name__ == "__main__":
    main()
