"""How far elementwise functions are from exact: `python -m benchmarks.errors` writes the table of docs/accuracy.md.

An error is in units of the last place (ulp) of the result's dtype, at the exact value; among denormals the unit is the
smallest of them. float32 is compared with SciPy's functions of float64 at every 1,024th number that a float32 can be
(`--every 1` takes all), float64 with mpmath at a few thousand points. Needs SciPy and mpmath.
"""

import argparse
import math
import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"
BEGIN, END = "<!-- written by python -m benchmarks.errors -->\n", "<!-- end -->\n"
# Functions without bounds are measured at sizes up to this one: beyond, exact values are seldom asked for.
FAR = 1e5


class Function:
    """A function by name, its exact one in SciPy and in mpmath, and the interval where it is measured."""

    def __init__(self, name, wide, exact, low=-math.inf, high=math.inf, *, of=None):
        self.name, self.wide, self.exact, self.low, self.high, self.of = name, wide, exact, low, high, of or name

    def ours(self, x):
        import rushlight as rl

        found = rl
        for part in self.of.split("."):
            found = getattr(found, part)
        return found(rl.from_numpy(x)).numpy()


def functions():
    """All that are measured."""
    import mpmath as mp
    from scipy import special as sp

    root = math.sqrt(0.5)
    F = Function
    bend = "nn.functional."
    return [
        F("exp", np.exp, mp.exp, -104, 89), F("exp2", np.exp2, lambda x: mp.mpf(2) ** x, -150, 128),
        F("expm1", np.expm1, mp.expm1, -104, 89),
        F("log", np.log, mp.log, 0), F("log2", np.log2, lambda x: mp.log(x, 2), 0),
        F("log10", np.log10, mp.log10, 0), F("log1p", np.log1p, mp.log1p, -1),
        F("sqrt", np.sqrt, mp.sqrt, 0), F("rsqrt", lambda x: 1 / np.sqrt(x), lambda x: 1 / mp.sqrt(x), 0),
        F("sin", np.sin, mp.sin, -FAR, FAR), F("cos", np.cos, mp.cos, -FAR, FAR), F("tan", np.tan, mp.tan, -FAR, FAR),
        F("asin", np.arcsin, mp.asin, -1, 1), F("acos", np.arccos, mp.acos, -1, 1), F("atan", np.arctan, mp.atan),
        F("sinh", np.sinh, mp.sinh, -89, 89), F("cosh", np.cosh, mp.cosh, -89, 89), F("tanh", np.tanh, mp.tanh),
        F("asinh", np.arcsinh, mp.asinh), F("acosh", np.arccosh, mp.acosh, 1), F("atanh", np.arctanh, mp.atanh, -1, 1),
        F("sigmoid", sp.expit, lambda x: 1 / (1 + mp.exp(-x)), -104, 104),
        F("logsigmoid", sp.log_expit, lambda x: -mp.log1p(mp.exp(-x)), -1e4, 104, of=bend + "logsigmoid"),
        F("softplus", lambda x: np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 30)))),
          lambda x: x if x > 20 else mp.log1p(mp.exp(x)), -104, 1e4, of=bend + "softplus"),
        F("silu", lambda x: x * sp.expit(x), lambda x: x / (1 + mp.exp(-x)), -104, 1e4, of=bend + "silu"),
        F("mish", lambda x: x * np.tanh(np.logaddexp(0, x)), lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
          -104, 1e4, of=bend + "mish"),
        F("gelu", lambda x: x * 0.5 * sp.erfc(-x * root), lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, -13, 1e4, of=bend + "gelu"),
        F("erf", sp.erf, mp.erf), F("erfc", sp.erfc, mp.erfc, -30, 10),
        F("special.erfcx", sp.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), -9, 1e4),
        F("erfinv", sp.erfinv, mp.erfinv, -1, 1),
        F("special.ndtr", sp.ndtr, mp.ncdf, -14, 10),
        F("special.ndtri", sp.ndtri, lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1), 1e-30, 1),
        F("lgamma", sp.gammaln, lambda x: mp.re(mp.loggamma(x)), 1e-30, 1e30),
        F("digamma", sp.digamma, mp.digamma, 1e-30, 1e30),
        F("special.i0", sp.i0, lambda x: mp.besseli(0, x), -80, 80),
        F("special.i0e", sp.i0e, lambda x: mp.exp(-abs(x)) * mp.besseli(0, x), -FAR, FAR),
        F("special.i1", sp.i1, lambda x: mp.besseli(1, x), -80, 80),
        F("special.i1e", sp.i1e, lambda x: mp.exp(-abs(x)) * mp.besseli(1, x), -FAR, FAR),
    ]  # fmt: skip


def singles(low, high, every):
    """Every so many of the float32 numbers in an interval, by their bits."""
    with np.errstate(all="ignore"):
        x = np.arange(every // 2, 2**32, every, dtype=np.uint64).astype(np.uint32).view(np.float32)
        return x[(x >= low) & (x <= high) & np.isfinite(x)]


def doubles(low, high, count):
    """Doubles of an interval: half of them evenly, half by their sizes."""
    random = np.random.default_rng(0)
    low, high = max(low, -1e300), min(high, 1e300)
    evenly = random.uniform(max(low, -1e3), min(high, 1e3), count // 2)
    sizes = 10 ** random.uniform(-12, math.log10(max(abs(low), abs(high))), count)
    by_size = sizes * random.choice([-1.0, 1.0], count)
    return np.concatenate([evenly, by_size[(by_size >= low) & (by_size <= high)][: count // 2]])


def units(got, exact):
    """The distances of `got` from exact values, in units of the last place; where either is infinite, 0 if both are."""
    with np.errstate(all="ignore"):
        near = exact.astype(got.dtype)
        unit = np.spacing(np.abs(np.where(np.isfinite(near), near, 1))).astype(exact.dtype)
        off = np.abs(got.astype(exact.dtype) - exact) / unit
    off = np.where(np.isfinite(near) & np.isfinite(got), off, np.where(near == got, 0, np.inf))
    return np.where(np.isnan(near) & np.isnan(got), 0, off)


def exact_values(function, x):
    """The values of mpmath, as long doubles: a double and what is left of it."""
    import mpmath as mp

    high, low = np.empty(len(x)), np.empty(len(x))
    with mp.workdps(40):
        for k, v in enumerate(x.tolist()):
            value = mp.mpf(function.exact(mp.mpf(v)))
            high[k] = float(value)
            low[k] = float(value - high[k]) if math.isfinite(high[k]) else 0
    return high.astype(np.longdouble) + low


def error_of_singles(function, every):
    """The largest error, and where it is."""
    x = singles(function.low, function.high, every)
    with np.errstate(all="ignore"):
        off = units(function.ours(x), np.asarray(function.wide(x.astype(np.float64))))
    return float(off.max()), float(x[off.argmax()])


def error_of_doubles(function, count):
    x = doubles(function.low, function.high, count)
    off = units(function.ours(x), exact_values(function, x))
    return float(off.max()), float(x[off.argmax()])


def rounded_up(error):
    return math.ceil(error * 10) / 10


def published(text=None):
    """{name: (float32, float64)} of the table on the page."""
    text = PAGE.read_text() if text is None else text
    rows = re.findall(r"^\| `([\w.]+)` \|[^|]*\| ([\d.]+) \|[^|]*\| ([\d.]+) \|", text, re.M)
    return {name: (float(single), float(double)) for name, single, double in rows}


def written(number):
    return "all" if math.isinf(number) else f"{number:g}"


def table(every, count):
    lines = ["| function | from, to | float32 | at | float64 | at |\n", "| --- | --- | --- | --- | --- | --- |\n"]
    for f in functions():
        single, at = error_of_singles(f, every)
        double, place = error_of_doubles(f, count)
        where = "all" if math.isinf(f.low) and math.isinf(f.high) else f"{f.low:g}, {f.high:g}"
        line = f"| `{f.name}` | {where} | {rounded_up(single)} | {at:.6g} | {rounded_up(double)} | {place:.6g} |\n"
        print(line, end="", flush=True)
        lines.append(line)
    return "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1024, help="which float32 numbers are taken")
    parser.add_argument("--points", type=int, default=2000, help="how many float64 numbers are")
    parser.add_argument("--keep", action="store_true", help="write docs/accuracy.md")
    asked = parser.parse_args()
    made = table(asked.every, asked.points)
    if asked.keep:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + made + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
