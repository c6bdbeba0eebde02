"""Windows of signals: `rushlight.signal.windows`, and `hann_window` and its kin.

A symmetric window begins and ends alike; a periodic one is what remains of the next longer symmetric one without its last
entry, as transforms want it. They are computed in double precision. Formulas: F. J. Harris, "On the use of windows for
harmonic analysis with the discrete Fourier transform" (1978).
"""

import numpy as np

from ..allocation import checked
from ..device import strided
from ..dtypes import of as dtype_of
from .arguments import check_flags
from .options import check_place, finished, numpy_dtype, read_number

# -- shapes: n entries of a window whose first and last entry are `span` apart


def _cosines(n, span, a):
    """The sum of (-1)^k a_k cos(2 pi k i / span)."""
    angle = np.arange(n) * (2 * np.pi / span)
    return sum([(-weight if k % 2 else weight) * np.cos(k * angle) for k, weight in enumerate(a)])


def _triangle(n, span):
    return 1 - np.abs(np.arange(n) * (2 / span) - 1)


def _kaiser(n, span, beta):
    """I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1 (Kaiser and Schafer, 1980)."""
    x = np.arange(n) * (2 / span) - 1
    return np.i0(beta * np.sqrt(np.maximum(1 - x * x, 0))) / np.i0(beta)


_BLACKMAN = (0.42, 0.5, 0.08)
_NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)

# -- rushlight.signal.windows


def _signal(function, M, sym, dtype, layout, device, requires_grad, values, *given):
    """The tensor of values(n, span, *given), for which `M` and `dtype` are checked in the name of `function`."""
    if not hasattr(M, "__index__"):
        raise TypeError(f"{function}(): argument 'M' must be int, not {type(M).__name__}")
    if M < 0:
        raise ValueError(f"{function} requires non-negative window length, got M={M}")
    if layout is not None and layout is not strided:
        raise ValueError(f"{function} is implemented for strided tensors only, got: {layout}")
    target = numpy_dtype(dtype, function)
    if target not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"{function} expects float32 or float64 dtypes, got: {dtype_of(target)}")
    check_place(function, device, None, False)
    n = M.__index__()
    checked((n,), 8)
    array = np.ones(n) if n < 2 else values(n, n - 1 if sym else n, *given)
    return finished(array.astype(target, copy=False), requires_grad, function)


def general_cosine(M, *, a, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """A sum of cosines: entry n is the sum over k of (-1)^k a[k] cos(2 pi k n / (M - 1)).

    `sym=False` is the periodic window. TypeError where `a` is no list, ValueError where it is empty, M negative or the
    dtype not float32 or float64.

    >>> import rushlight
    >>> rushlight.signal.windows.general_cosine(3, a=[0.5, 0.5])
    tensor([0., 1., 0.])
    """
    if not hasattr(a, "__iter__"):
        raise TypeError("Coefficients must be a list/tuple")
    weights = [float(weight) for weight in a]
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    return _signal("general_cosine", M, sym, dtype, layout, device, requires_grad, _cosines, weights)


def general_hamming(M, *, alpha=0.54, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """alpha - (1 - alpha) cos(2 pi n / (M - 1))."""
    return general_cosine(
        M, a=(alpha, 1 - alpha), sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def hamming(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.54 - 0.46 cos(2 pi n / (M - 1)).

    >>> import rushlight
    >>> rushlight.signal.windows.hamming(3)
    tensor([0.0800, 1.0000, 0.0800])
    """
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """sin(pi n / (M - 1)) squared.

    >>> import rushlight
    >>> rushlight.signal.windows.hann(4, sym=False)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def nuttall(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """The sum of four cosines with the least sidelobes (Nuttall, 1981)."""
    return general_cosine(
        M, a=_NUTTALL, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))."""
    return _signal("blackman", M, sym, dtype, layout, device, requires_grad, _cosines, _BLACKMAN)


def bartlett(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """A triangle from 0 up to 1 and back.

    >>> import rushlight
    >>> rushlight.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _signal("bartlett", M, sym, dtype, layout, device, requires_grad, _triangle)


def cosine(M, *, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """Half a wave: sin(pi (n + 1/2) / M)."""

    def values(n, span):
        return np.sin((np.arange(n) + 0.5) * (np.pi / (span + 1)))

    return _signal("cosine", M, sym, dtype, layout, device, requires_grad, values)


def exponential(
    M, *, center=None, tau=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False
):  # fmt: skip
    """exp(-|n - center| / tau), around the middle unless a periodic window is given a `center`."""
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def values(n, span):
        return np.exp(-np.abs(np.arange(n) - (span / 2 if center is None else center)) / tau)

    return _signal("exponential", M, sym, dtype, layout, device, requires_grad, values)


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """exp(-x^2 / (2 std^2)), x counted from the middle."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def values(n, span):
        return np.exp(-0.5 * ((np.arange(n) - span / 2) / std) ** 2)

    return _signal("gaussian", M, sym, dtype, layout, device, requires_grad, values)


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=None, device=None, requires_grad=False):
    """I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1: the larger beta, the narrower.

    >>> import rushlight
    >>> rushlight.signal.windows.kaiser(3, beta=2.0)
    tensor([0.4387, 1.0000, 0.4387])
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _signal("kaiser", M, sym, dtype, layout, device, requires_grad, _kaiser, beta)


# -- hann_window and its kin

_C_NAMES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int",
}  # fmt: skip


def _window(function, length, periodic, dtype, layout, device, pin_memory, requires_grad, values, *given):
    if isinstance(length, bool) or not hasattr(length, "__index__"):
        raise TypeError(f"{function}(): argument 'window_length' (position 1) must be int, not {type(length).__name__}")
    check_flags(function, 2, periodic=periodic)
    check_place(function, device, layout, pin_memory)
    target = numpy_dtype(dtype, function)
    read = dtype_of(target)
    if not (read.is_floating_point or read.is_complex):
        raise RuntimeError(
            f"{function} expects floating point dtypes, got: TensorOptions(dtype={_C_NAMES.get(read.name, read.name)}, "
            "device=cpu, layout=Strided (default), requires_grad=false (default), pinned_memory=false, "
            "memory_format=(nullopt))"
        )
    if length < 0:
        raise RuntimeError(f"{function} requires non-negative window_length, got window_length={length}")
    if read.is_complex:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{read.scalar_type}'")
    n = length.__index__()
    checked((n,), 8)
    array = np.ones(n) if n < 2 else values(n, n if periodic else n - 1, *given)
    return finished(array.astype(target, copy=False), requires_grad, function)


def hann_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """sin(pi n / N) squared, N the length of a periodic window, one less for a symmetric one.

    RuntimeError for a negative length and for integer dtypes.

    >>> import rushlight
    >>> rushlight.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window(
        "hann_window", window_length, periodic, dtype, layout, device, pin_memory, requires_grad, _cosines, (0.5, 0.5)
    )


def hamming_window(
    window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False,
):  # fmt: skip
    """alpha - beta cos(2 pi n / N), N the length of a periodic window, one less for a symmetric one.

    >>> import rushlight
    >>> rushlight.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    weights = read_number(alpha, "hamming_window", "alpha", 3), read_number(beta, "hamming_window", "beta", 4)
    return _window(
        "hamming_window", window_length, periodic, dtype, layout, device, pin_memory, requires_grad, _cosines, weights
    )


def blackman_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N) for n = 0, 1, ...: (window_length,), in radians."""
    return _window(
        "blackman_window",
        window_length,
        periodic,
        dtype,
        layout,
        device,
        pin_memory,
        requires_grad,
        _cosines,
        _BLACKMAN,
    )


def bartlett_window(
    window_length, periodic=True, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """A triangle from 0 up to 1 and back.

    >>> import rushlight
    >>> rushlight.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window(
        "bartlett_window", window_length, periodic, dtype, layout, device, pin_memory, requires_grad, _triangle
    )


def kaiser_window(
    window_length, periodic=True, beta=12.0, *, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False,
):  # fmt: skip
    """I0(beta sqrt(1 - x^2)) / I0(beta) for x from -1 to 1: the larger beta, the narrower."""
    beta = read_number(beta, "kaiser_window", "beta", 3)
    return _window(
        "kaiser_window", window_length, periodic, dtype, layout, device, pin_memory, requires_grad, _kaiser, beta
    )
