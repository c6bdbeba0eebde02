"""The Mersenne Twister and PyTorch's ways from its words to numbers: what `random.pyx` means, in NumPy.

Both modules have the same functions and give identical streams. `words` is a uint32 array of 625: the
twister's 624 words, then how many of them are consumed (0 after seeding). Each function fills or changes the
one-dimensional contiguous array `out` or `x`.
"""

import math

import numpy as np

from . import counts

_SIZE = 624


def seed(words, value):
    state = [value]
    for i in range(1, _SIZE):
        state.append(1812433253 * (state[-1] ^ (state[-1] >> 30)) + i & 0xFFFFFFFF)
    words[:] = state + [0]


def raw32(words, out):
    done, n = 0, out.size
    while done < n:
        if words[_SIZE] in (0, _SIZE):
            _twist(words)
        start = int(words[_SIZE])
        k = min(n - done, _SIZE - start)
        out[done : done + k] = words[start : start + k]
        words[_SIZE] += k
        done += k
    out ^= out >> 11
    out ^= (out << 7) & 0x9D2C5680
    out ^= (out << 15) & 0xEFC60000
    out ^= out >> 18


def raw64(words, out):
    halves = np.empty((out.size, 2), np.uint32)
    raw32(words, halves.reshape(-1))
    out[:] = halves[:, 0]
    out <<= 32
    out |= halves[:, 1]


def uniform_float64(words, out):
    raw = np.empty(out.size, np.uint64)
    raw64(words, raw)
    np.multiply(raw & (2**53 - 1), 2.0**-53, out=out)


def uniform_float32(words, out, low, span):
    raw = np.empty(out.size, np.uint32)
    raw32(words, raw)
    out[:] = (raw & 0xFFFFFF) * 2.0**-24 * span + low


def integers(words, out, span, base, wide):
    """`out` is int64; `span` 0 means all 64 bits."""
    raw = np.empty(out.size, np.uint64 if wide else np.uint32)
    (raw64 if wide else raw32)(words, raw)
    out[:] = raw if span == 0 else raw % raw.dtype.type(span)
    out += base


def permute(words, out, wide):
    """Fill the int64 `out` with a permutation; `wide` is the other algorithm, that of huge arrays."""
    n = out.size
    raw = np.empty(n if wide else max(n - 1, 0), np.uint64 if wide else np.uint32)
    (raw64 if wide else raw32)(words, raw)
    order = list(range(n))
    if wide:
        for i, other in enumerate((raw % np.arange(1, n + 1, dtype=raw.dtype)).tolist()):
            order[i] = order[other]
            order[other] = i
    else:
        for i, step in enumerate((raw % np.arange(n, 1, -1, dtype=raw.dtype)).tolist()):
            order[i], order[i + step] = order[i + step], order[i]
    out[:] = order


# Normal numbers, 16 or more, in blocks of 16: where the last block is not full, the last 16 are drawn anew.


@np.errstate(all="ignore")
def normal_float32(words, out, mean, std, spends=True):
    """Box-Muller, whose polynomials are Cephes' of single precision; `spends` uniforms also on what is drawn anew."""
    mean, std, rest = np.float32(mean), np.float32(std), out.size % 16
    _block_float32(words, out[: out.size - rest], mean, std)
    if not rest:
        return
    if spends:
        uniform_float32(words, out[-rest:], 0.0, 1.0)
    _block_float32(words, out[-16:], mean, std)


def _block_float32(words, out, mean, std):
    uniform_float32(words, out, 0.0, 1.0)
    block = out.reshape(-1, 16)
    radius = np.sqrt(np.float32(-2) * _log_float32(np.float32(1) - block[:, :8]))
    cos, sin = _cos_sin_float32(np.float32(2 * math.pi) * block[:, 8:])
    block[:, :8] = _fused_float32(radius * cos, std, mean)
    block[:, 8:] = _fused_float32(radius * sin, std, mean)


def normal_float64(words, out, mean, std):
    rest = out.size % 16
    _block_float64(words, out[: out.size - rest], mean, std)
    if rest:
        uniform_float64(words, out[-rest:])
        _block_float64(words, out[-16:], mean, std)


def _block_float64(words, out, mean, std):
    uniform_float64(words, out)
    block = out.reshape(-1, 16)
    radius = np.sqrt(-2 * libm("log", 1 - block[:, :8]))
    theta = 2 * math.pi * block[:, 8:]
    block[:, :8] = radius * libm("cos", theta)
    block[:, 8:] = radius * libm("sin", theta)
    fused(out, std, mean)


def normal_pairs(words, out):
    uniform_float64(words, out)
    pairs = out.reshape(-1, 2)
    radius = np.sqrt(-2 * libm("log1p", -pairs[:, 1]))
    theta = 2 * math.pi * pairs[:, 0]
    pairs[:, 0] = radius * libm("cos", theta)
    pairs[:, 1] = radius * libm("sin", theta)


def poisson(words, out):
    """Write over each rate in the float64 `out` a count of that rate."""
    uniform = _one_by_one(words)
    out[:] = [counts.poisson(rate, uniform) for rate in out.tolist()]


def binomial(words, out, probs):
    """Write over each number of trials in the float64 `out` how many succeed, with the chances in `probs`."""
    uniform = _one_by_one(words)
    out[:] = [counts.binomial(count, prob, uniform) for count, prob in zip(out.tolist(), probs.tolist())]


def _one_by_one(words):
    """A function that returns the next float64 of the stream."""
    one = np.empty(1)

    def uniform():
        uniform_float64(words, one)
        return float(one[0])

    return uniform


@np.errstate(all="ignore")
def turn_back(x, high, low):
    """Where rounding made a number the open end, the other end stands for it."""
    x[x == x.dtype.type(high)] = low


def fused(x, scale, shift):
    """x = x * scale + shift in float64, rounded once: the rounding of the sum's rest is made odd."""
    plain = x * scale + shift
    product, error = _two_product(x, scale)
    high, low = _two_sum(np.float64(shift), error)
    total, rest = _two_sum(product, high)
    once = total + _sum_to_odd(low, rest)
    x[:] = np.where(np.isfinite(once), once, plain)


def libm(name, x):
    """Return the C library's function of a float64 array; NumPy's own differs in the last bit."""
    return np.array([_LIBM[name](v) for v in x.ravel().tolist()], np.float64).reshape(x.shape)


_LIBM = {
    "log": lambda v: math.log(v) if v > 0 else -math.inf,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": lambda v: math.exp(v) if v <= 709.782712893384 else math.inf,
}


def _twist(words):
    state = words[:_SIZE]
    mixed = _mixed(state[:-1], state[1:])
    # Three strides of 227 words, because each word depends on one renewed 227 words before it.
    state[:227] = state[397:] ^ mixed[:227]
    state[227:454] = state[:227] ^ mixed[227:454]
    state[454:-1] = state[227:396] ^ mixed[454:]
    state[-1:] = state[396:397] ^ _mixed(state[-1:], state[:1])
    words[_SIZE] = 0


def _mixed(high, low):
    y = (high & 0x80000000) | (low & 0x7FFFFFFF)
    return (y >> 1) ^ (y & 1) * np.uint32(0x9908B0DF)


# -- float32 as PyTorch's vector code computes it, where a * b + c is rounded once


def _fused_float32(a, b, c):
    return (np.float64(a) * b + c).astype(np.float32)


def _polynomial(x, coefficients):
    y = np.float32(coefficients[0])
    for c in coefficients[1:]:
        y = _fused_float32(y, x, np.float32(c))
    return y


_LOG = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)


def _log_float32(x):
    mantissa, exponent = np.frexp(x)
    small = mantissa < np.float32(math.sqrt(0.5))
    exponent = (exponent - small).astype(np.float32)
    x = (mantissa - np.float32(1)) + np.where(small, mantissa, np.float32(0))
    square = x * x
    y = _polynomial(x, _LOG) * x
    y = _fused_float32(y, square, exponent * np.float32(-2.12194440e-4)) - square * np.float32(0.5)
    return (x + y) + exponent * np.float32(0.693359375)


def _cos_sin_float32(x):
    octant = ((x * np.float32(4 / math.pi)).astype(np.int32) + 1) & ~1
    for part in _QUARTER_PI:
        x = _fused_float32(octant.astype(np.float32), np.float32(-part), x)
    square = x * x
    cos = _polynomial(square, _COS) * square
    cos = _fused_float32(cos, square, square * np.float32(-0.5)) + np.float32(1)
    sin = _fused_float32(_polynomial(square, _SIN) * square, x, x)
    swapped = octant & 2 != 0
    cos, sin = np.where(swapped, sin, cos), np.where(swapped, cos, sin)
    return np.where(octant + 2 & 4, -cos, cos), np.where(octant & 4, -sin, sin)


# -- float64 sums and products with their errors


def _two_sum(a, b):
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a, b):
    product = a * b
    (a, a_low), (b, b_low) = _halves(a), _halves(b)
    return product, ((a * b - product) + a * b_low + a_low * b) + a_low * b_low


def _halves(x):
    wide = x * 134217729.0
    high = wide - (wide - x)
    return high, x - high


def _sum_to_odd(a, b):
    total, error = _two_sum(a, b)
    bits = total.view(np.int64)
    step = np.where((error > 0) == (total > 0), 1, -1)
    return np.where((error != 0) & (bits & 1 == 0), bits + step, bits).view(np.float64)
