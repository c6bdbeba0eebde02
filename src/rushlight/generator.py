"""PyTorch's CPU random stream without PyTorch: the same seed gives the same numbers, bit for bit.

`Generator` holds a Mersenne Twister and draws arrays from it, through the compiled loops of
`kernels/random.pyx` or their meaning in NumPy, `kernels/twister.py`. The streams are those of PyTorch 2.13 on
x86-64 processors with AVX2; PyTorch itself draws `bernoulli` and `exponential` from Intel's MKL on Intel's
processors, and there those two differ.
"""

import math
import os
from _thread import RLock

import numpy as np

from .allocation import checked, negative
from .bounds import (
    C_NAMES,
    DIGITS,
    LIMITS,
    check_integers,
    check_multinomial,
    check_uniform,
    continuous_dtype,
    floating_bounds,
    floating_dtype,
    integer_dtype,
    narrow,
    open_end,
    real_dtype,
)
from .core import TensorBase, wrap
from .device import check_cpu
from .device import cpu as _cpu
from .dtypes import COMPLEX, FLOATING, as_dtype, get_default_dtype
from .kernels import load

if os.environ.get("RUSHLIGHT_PURE") == "1":
    from .kernels import twister
else:
    try:
        from .kernels import random as twister
    except ImportError:
        from .kernels import twister

_copying = load("copying")
# An unset array of so many numbers of a dtype.
_unset = np.empty if _copying is None else lambda n, dtype: _copying.empty((n,), dtype)
_FLOAT32, _FLOAT64, _INT64 = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)


def _room(out, n, dtype):
    return _unset(n, dtype) if out is None else out.reshape(-1)


_SIZE = 624
_FIRST_SEED = 67280421310721

# One lock for all generators: whoever forks waits until no draw is half done, so a child never inherits one.
_guard = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_guard.release)

# Byte for byte what torch.Generator.get_state() returns.
_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("words", "<u8", _SIZE),
        ("normal_x", "<f8"),
        ("normal", "<f8"),
        ("normal_rho", "<f8"),
        ("has_normal", "<i4"),
        ("padding", "<i4"),
        ("float_normal", "<f4"),
        ("has_float_normal", "<i4"),
    ]
)


class Generator:
    """A stream of random numbers on the CPU, equal to that of `torch.Generator` with the same seed.

    Starts at PyTorch's fixed first seed. Every method that draws takes a shape (an int or a tuple) and a
    dtype (default: the default dtype) and returns a new C-contiguous array filled in row-major order. Draws
    of several threads do not disturb each other. Can be copied and pickled.

    >>> from rushlight.generator import Generator
    >>> Generator().manual_seed(0).uniform(2)
    array([0.4962566, 0.7682218], dtype=float32)
    """

    __slots__ = ("__weakref__", "_float_normal", "_normal", "_seed", "_words")

    def __init__(self, device="cpu"):
        check_cpu(device, "Generator(): argument 'device' (position 1)")
        self._words = np.empty(_SIZE + 1, np.uint32)
        self._start(_FIRST_SEED)

    def _start(self, seed):
        with _guard:
            self._seed = seed
            self._normal = self._float_normal = None
            twister.seed(self._words, seed & 0xFFFFFFFF)

    @property
    def device(self):
        """The CPU's device object."""
        return _cpu

    def manual_seed(self, seed):
        """Start the stream of `seed` and return the generator.

        A negative seed counts from 2**64 down. Raises RuntimeError for anything but an int, ValueError
        outside of [-2**63, 2**64).

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(-1).initial_seed() == 2**64 - 1
        True
        """
        if isinstance(seed, bool | np.bool_) or not isinstance(seed, int | np.integer):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: the seed {seed} does not fit in 64 bits")
        self._start(seed % 2**64)
        return self

    def seed(self):
        """Start at a seed taken from the operating system, and return it."""
        self._start(int.from_bytes(os.urandom(8), "little"))
        return self._seed

    def initial_seed(self):
        """Return the seed at which the stream started."""
        return self._seed

    def get_state(self):
        """Return the state as a uint8 tensor of shape (5056,), laid out as PyTorch's."""
        state = np.zeros((), _STATE)
        with _guard:
            position = int(self._words[_SIZE])
            state["seed"] = self._seed
            state["left"] = _SIZE + 1 - position if position else 1
            state["seeded"] = 1
            state["next"] = position
            state["words"] = self._words[:_SIZE]
            if self._normal is not None:
                state["normal"], state["has_normal"] = self._normal, 1
            if self._float_normal is not None:
                state["float_normal"], state["has_float_normal"] = self._float_normal, 1
        return wrap(state.reshape(1).view(np.uint8))

    def set_state(self, new_state):
        """Continue from a state that `get_state()`, here or in PyTorch, returned; return the generator.

        Takes uint8 of shape (5056,). Raises TypeError for another type or dtype, RuntimeError for another
        length or a state that no generator has.
        """
        if not hasattr(new_state, "dtype"):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        array = new_state._array if isinstance(new_state, TensorBase) else np.asarray(new_state)
        if array.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor, but its dtype is {array.dtype}")
        if array.size != _STATE.itemsize:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {_STATE.itemsize} but found the input RNG state "
                f"size to be {array.size}"
            )
        state = np.ascontiguousarray(array).reshape(-1).view(_STATE)[0]
        position = int(state["next"])
        left = _SIZE + 1 - position if position else 1
        if state["seeded"] != 1 or position > _SIZE or state["left"] != left:
            raise RuntimeError("Invalid mt19937 state")
        with _guard:
            self._seed = int(state["seed"])
            self._words[:_SIZE] = state["words"]
            self._words[_SIZE] = position
            self._normal = float(state["normal"]) if state["has_normal"] else None
            self._float_normal = float(state["float_normal"]) if state["has_float_normal"] & 1 else None
        return self

    def clone_state(self):
        """Return a new generator that continues as this one would."""
        return Generator().set_state(self.get_state())

    def __reduce__(self):
        return Generator, (), self.get_state()

    def __setstate__(self, state):
        self.set_state(state)

    # -- single words

    def random(self):
        """Return the next 32 bits of the stream as an int."""
        return int(self._fill("raw32", np.empty(1, np.uint32))[0])

    def random64(self):
        """Return the next 64 bits of the stream as an int."""
        return int(self._fill("raw64", np.empty(1, np.uint64))[0])

    def _fill(self, kernel, out, *args):
        with _guard:
            getattr(twister, kernel)(self._words, out, *args)
        return out

    # -- continuous distributions

    def uniform(self, shape, dtype=None, low=0.0, high=1.0, out=None):
        """Draw from [low, high): 24 random bits per number, 53 for float64.

        `out`, a C-contiguous float32 or float64 array of that shape and dtype, is filled and returned. A number that
        rounding would make `high` becomes `low`. For complex dtypes both parts are drawn.
        Raises NotImplementedError for integral dtypes, RuntimeError where low > high or a bound or the span
        is beyond the dtype.

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).uniform(2, "float64", -1.0, 1.0)
        array([0.940106  , 0.41563973])
        """
        dtype = real_dtype(dtype, "check_uniform_bounds")
        if dtype.category == COMPLEX:
            return self._both_parts(self.uniform, shape, dtype, low, high)
        low, high = float(low), float(high)
        if low or high != 1:
            check_uniform(dtype, low, high)
        n = _count(shape)
        if dtype.name == "float64":
            out = self._fill("uniform_float64", _room(out, n, _FLOAT64))
            span = high - low
            if low or span != 1:
                twister.fused(out, span, low)
        else:
            bottom, top = np.float32(low), np.float32(high)
            out = self._fill("uniform_float32", _room(out, n, _FLOAT32), float(bottom), float(top - bottom))
            low, high = bottom, top
        out = narrow(out, dtype)
        if dtype.itemsize == 2:
            out[out == out.dtype.type(high)] = low
        elif low or high != 1:
            twister.turn_back(out, high, low)
        return out.reshape(shape)

    def normal(self, shape, dtype=None, mean=0.0, std=1.0, contiguous=True, out=None):
        """Draw from the normal distribution; `out` as in `uniform`.

        Sixteen or more numbers come from uniforms of their own precision, fewer from float64 pairs, whose
        second number waits for the next call. `contiguous=False` takes the pairs at any size, as PyTorch does
        when it fills a tensor that is not contiguous (and then in the order of memory). For complex dtypes
        the variance is divided between the parts. Raises NotImplementedError for integral dtypes,
        RuntimeError for a negative std.

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).normal(2)
        array([ 1.5409961, -0.2934289], dtype=float32)
        """
        dtype = real_dtype(dtype, "normal_kernel_cpu")
        mean, std = float(mean), float(std)
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
        if dtype.category == COMPLEX:
            return self._both_parts(self.normal, shape, dtype, mean, std / math.sqrt(2))
        n = _count(shape)
        with _guard:
            if n < 16 or not contiguous:
                drawn = self._scalar_normals(n, mean, std)
                if out is not None:
                    out[...] = drawn.reshape(shape)
                out = drawn
            elif dtype.name == "float64":
                out = _room(out, n, _FLOAT64)
                twister.normal_float64(self._words, out, mean, std)
            else:
                out = _room(out, n, _FLOAT32)
                # Half precision has not used up the uniforms of what is drawn anew.
                twister.normal_float32(self._words, out, mean, std, dtype.itemsize > 2)
        return narrow(out, dtype).reshape(shape)

    def _scalar_normals(self, n, mean, std):
        """Draw n float64 normals; caller holds the lock."""
        waiting = 0 if self._normal is None or n == 0 else 1
        pairs = np.empty(n + (n - waiting) % 2)
        if waiting:
            pairs[0] = self._normal
        twister.normal_pairs(self._words, pairs[waiting:])
        if n:
            self._normal = float(pairs[n]) if pairs.size > n else None
        out = pairs[:n]
        twister.fused(out, std, mean)
        return out

    def log_normal(self, shape, dtype=None, mean=1.0, std=2.0):
        """Draw numbers whose logarithm is normal, computed in float64.

        Raises NotImplementedError for integral dtypes, RuntimeError unless std > 0.
        """
        dtype = floating_dtype(dtype, "log_normal_cpu")
        mean, std = float(mean), float(std)
        if not std > 0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
        with _guard:
            out = self._scalar_normals(_count(shape), mean, std)
        return narrow(twister.libm("exp", out), dtype).reshape(shape)

    def exponential(self, shape, dtype=None, rate=1.0):
        """Draw from the exponential distribution, computed in float64; `rate` is PyTorch's lambda.

        Raises RuntimeError for integral dtypes and unless rate > 0. Equal to PyTorch but on Intel's
        processors.
        """
        dtype = continuous_dtype(dtype, "Exponential", lambda d: d.scalar_type)
        rate = float(rate)
        if not rate > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
        out = twister.libm("log1p", -self._uniforms(shape))
        out *= -1 / rate
        return narrow(out, dtype).reshape(shape)

    def cauchy(self, shape, dtype=None, median=0.0, sigma=1.0):
        """Draw from the Cauchy distribution, computed in float64.

        Raises RuntimeError for integral dtypes and unless sigma > 0.
        """
        dtype = continuous_dtype(dtype, "Cauchy", lambda d: C_NAMES[d.name])
        median, sigma = float(median), float(sigma)
        if not sigma > 0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        out = twister.libm("tan", math.pi * (self._uniforms(shape) - 0.5))
        twister.fused(out, sigma, median)
        return narrow(out, dtype).reshape(shape)

    def _uniforms(self, shape):
        return self._fill("uniform_float64", _unset(_count(shape), _FLOAT64))

    def _both_parts(self, draw, shape, dtype, *args):
        parts = draw(2 * _count(shape), dtype.to_real(), *args)
        return parts.view(dtype.numpy).reshape(shape)

    # -- discrete distributions

    def random_(self, shape, dtype=None):
        """Draw from all of the dtype's non-negative integers (for floating dtypes up to 2**digits).

        Raises NotImplementedError for complex dtypes.
        """
        dtype = integer_dtype(dtype)
        limit = 1 << DIGITS[dtype.name] if dtype.category == FLOATING else LIMITS[dtype.name][1]
        return self._integers(shape, dtype, 0, limit + 1, dtype.name in ("int64", "float64"))

    def randint(self, low, high, shape, dtype="int64"):
        """Draw integers from [low, high); `high=None` means up to the dtype's largest.

        Raises RuntimeError where low >= high, for bounds beyond the dtype and for complex dtypes. Warns where
        a floating dtype cannot tell all integers of the range apart.

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).randint(0, 10, 5)
        array([4, 9, 3, 0, 3])
        """
        dtype = as_dtype(dtype)
        if dtype.category == COMPLEX:
            raise RuntimeError(
                f"check_random_bounds handles only integral, floating-point and boolean types, but got {dtype.name}"
            )
        if high is None:
            high = open_end(dtype, low)
        elif low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        elif dtype.category == FLOATING:
            low, high = floating_bounds(dtype, low, high)
        else:
            check_integers(dtype, low, high)
        return self._integers(shape, dtype, low, high, high - low >= 1 << 28)

    def _integers(self, shape, dtype, low, high, wide):
        # All 64 bits are taken as they are: a span of 0, from 0 on.
        span, low = (0, 0) if high - low == 2**64 else (high - low, low)
        out = self._fill("integers", _unset(_count(shape), _INT64), span, low, wide)
        return narrow(out, dtype).reshape(shape)

    def randperm(self, n, dtype="int64"):
        """Return a random permutation of 0 to n - 1.

        Raises RuntimeError for a negative n and where the dtype cannot hold n - 1 exactly.

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).randperm(5)
        array([4, 0, 1, 3, 2])
        """
        dtype = as_dtype(dtype)
        if n < 0:
            raise negative((n,), n)
        if dtype.category == COMPLEX or dtype.name == "bool":
            raise NotImplementedError(f"\"randperm\" not implemented for '{dtype.scalar_type}'")
        if dtype.category == FLOATING:
            most = (1 << DIGITS[dtype.name]) + 1
            if n > most and dtype.name != "float64":
                raise RuntimeError(f"n cannot be greater than {most} for {dtype.scalar_type} type.")
        elif n > LIMITS[dtype.name][1]:
            raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
        checked((n,), 8)
        return narrow(self._fill("permute", _unset(n, _INT64), n >= 0xFFFFFFFF // 20), dtype)

    def bernoulli(self, p, shape=None, dtype=None):
        """Draw ones with probability p, a number or a floating array that broadcasts to `shape`.

        The defaults are p's own shape and dtype. Float64 arrays and numbers are compared with 53 random bits,
        other arrays with 24. Raises RuntimeError for a p outside of [0, 1], NotImplementedError for an
        integral array and complex dtypes. Equal to PyTorch but for numbers on Intel's processors.

        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).bernoulli(0.5, 4)
        array([0., 0., 1., 0.], dtype=float32)
        """
        if isinstance(p, np.ndarray):
            return self._bernoulli_of_array(p, shape, dtype)
        dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
        p = float(p)
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        if dtype.category == COMPLEX:
            raise NotImplementedError(f"\"bernoulli_scalar_cpu_\" not implemented for '{dtype.scalar_type}'")
        shape = () if shape is None else shape
        return (self._uniforms(shape) < p).astype(dtype.numpy).reshape(shape)

    def _bernoulli_of_array(self, p, shape, dtype):
        own = as_dtype(p.dtype)
        dtype = own if dtype is None else as_dtype(dtype)
        if own.category != FLOATING:
            raise NotImplementedError(f"\"bernoulli_tensor_cpu_p_\" not implemented for '{own.scalar_type}'")
        if dtype.category == COMPLEX:
            raise NotImplementedError(f"\"bernoulli_tensor_cpu_self_\" not implemented for '{dtype.scalar_type}'")
        if not ((p >= 0) & (p <= 1)).all():
            raise RuntimeError(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false. bernoulli needs probabilities within [0, 1]"
            )
        shape = p.shape if shape is None else shape
        precision = "float64" if own.name == "float64" else "float32"
        ones = self.uniform(shape, precision) < p.astype(precision, copy=False)
        return ones.astype(dtype.numpy)

    def geometric(self, p, shape, dtype=None):
        """Draw how many trials of probability p the first success takes, computed in float64.

        Raises RuntimeError unless 0 < p < 1, NotImplementedError for bool and complex dtypes.
        """
        dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
        p = float(p)
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        if dtype.category == COMPLEX or dtype.name == "bool":
            raise NotImplementedError(f"\"geometric_cpu\" not implemented for '{dtype.scalar_type}'")
        out = np.ceil(twister.libm("log", self._uniforms(shape)) / math.log1p(-p))
        if dtype.category != FLOATING:
            with np.errstate(invalid="ignore"):
                out = out.astype(np.int64)
        return narrow(out, dtype).reshape(shape)

    def poisson(self, rates):
        """Draw a count for each rate of a floating array, computed in float64; in its shape and dtype.

        Raises RuntimeError for a rate that is negative, nan or inf, NotImplementedError for other dtypes.

        >>> import numpy as np
        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).poisson(np.array([1.0, 100.0]))
        array([  2., 117.])
        """
        dtype = floating_dtype(rates.dtype, "poisson_cpu")
        out = rates.astype(np.float64, order="C").reshape(-1)
        if not ((out >= 0) & (out < np.inf)).all():
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        return narrow(self._fill("poisson", out), dtype).reshape(rates.shape)

    def binomial(self, counts, probs):
        """Draw how many of `counts` trials with the chances `probs` succeed; floating arrays of one shape.

        A chance below 0 or above 1 counts as 0 or 1; where one of both is nan the result is.

        >>> import numpy as np
        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).binomial(np.array([10.0, 1000.0]), np.array([0.5, 0.25]))
        array([  7., 253.])
        """
        dtype = as_dtype(counts.dtype)
        out, chances = [x.astype(np.float64, order="C").reshape(-1) for x in (counts, probs)]
        return narrow(self._fill("binomial", out, chances), dtype).reshape(counts.shape)

    def multinomial(self, probs, num_samples, replacement=False):
        """Draw int64 indices of shape (..., num_samples), each with a chance in proportion to its `probs`.

        `probs` is a floating array of shape (n,) or (rows, n); rows need not sum to 1. Without replacement,
        ties of float16 and bfloat16 keys may be broken otherwise than by PyTorch. Raises RuntimeError for
        other shapes and dtypes, for negative, infinite or all-zero probabilities, and for more samples than
        categories without replacement.

        >>> import numpy as np
        >>> from rushlight.generator import Generator
        >>> Generator().manual_seed(0).multinomial(np.float32([0, 3, 0, 1]), 4, replacement=True)
        array([3, 1, 1, 3])
        """
        dtype = as_dtype(probs.dtype)
        check_multinomial(probs, dtype, num_samples, replacement)
        checked((num_samples,), 8)
        with np.errstate(all="ignore"):
            if not replacement or num_samples == 1:
                return self._without_replacement(probs, dtype, num_samples)
            return self._with_replacement(probs, dtype, num_samples)

    def _without_replacement(self, probs, dtype, num_samples):
        # Whoever's exponential clock of rate p rings first is drawn first.
        keys = probs / self.exponential(probs.shape, dtype)
        if num_samples == 1:
            return keys.argmax(-1, keepdims=True)
        sorting = load("sort")
        order = NotImplemented if sorting is None else sorting.argsort(keys, keys.ndim - 1, True)
        if order is NotImplemented:
            order = np.argsort(-keys, axis=-1, kind="stable")
        return order[..., :num_samples].copy()

    def _with_replacement(self, probs, dtype, num_samples):
        wide = np.float64 if dtype.name == "float64" else np.float32
        steps = np.cumsum(probs, axis=-1, dtype=wide)
        steps /= steps[..., -1:].copy()
        steps[..., -1] = 1
        at = self._uniforms((*probs.shape[:-1], num_samples)).reshape(*probs.shape[:-1], num_samples)
        if probs.ndim == 1:
            return np.searchsorted(steps, at)
        rows = [np.searchsorted(row, u) for row, u in zip(steps, at)]
        return np.array(rows, np.int64).reshape(at.shape)


def _count(shape):
    return math.prod(shape) if isinstance(shape, tuple) else int(shape)


default_generator = Generator()
default_generator.seed()
