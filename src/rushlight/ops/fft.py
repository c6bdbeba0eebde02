"""Discrete Fourier transforms along dimensions: complex to complex, real to complex, complex to real.

`normalization` says what the sums are divided by: nothing (0), the square root of the number of points (1), or that
number (2). A transform of real numbers is Hermitian, so half of its last dimension says all: `onesided`.

Every rule is another transform. The matrix W of one is symmetric, and conj(W), W's adjoint, is the transform in the
other direction; so rules here are stated as adjoints.
"""

import numpy as np

from ..kernels import load
from .batch_rules import along
from .complex import real
from .declare import linear

NONE, BY_ROOT, BY_NUMBER = 0, 1, 2
# What NumPy calls them; there a direction has a normalization of its own.
_FORWARD, _INVERSE = ("backward", "ortho", "forward"), ("forward", "ortho", "backward")


@linear(
    batch=along("dim"),
    holomorphic=False,
    backward="FftC2CBackward0",
    x=lambda g, dim, normalization, forward: fft_c2c(g, dim=dim, normalization=normalization, forward=not forward),
)
def fft_c2c(x, *, dim, normalization=NONE, forward=True):
    """The transform of complex numbers along each dimension of the tuple `dim`."""
    norm = (_FORWARD if forward else _INVERSE)[normalization]
    if not dim:
        return np.array(x, _complex(x.dtype))
    if len(dim) == 1:
        return (np.fft.fft if forward else np.fft.ifft)(x, axis=dim[0], norm=norm)
    return (np.fft.fftn if forward else np.fft.ifftn)(x, axes=dim, norm=norm)


def _complex(dtype):
    return np.dtype("complex64" if dtype in ("float32", "complex64") else "complex128")


def _through_real(g, x_shape, dim, normalization, onesided):
    if not onesided:
        return real(fft_c2c(g, dim=dim, normalization=normalization, forward=False))
    n = x_shape[dim[-1]]
    g = scale_pairs(g, dim=dim[-1], size=n, factor=0.5)
    return fft_c2r(g, dim=dim, normalization=normalization, last_dim_size=n)


@linear(batch=along("dim"), holomorphic=False, backward="FftR2CBackward0", x=_through_real)
def fft_r2c(x, *, dim, normalization=NONE, onesided=True):
    """The forward transform of real numbers; where `onesided`, n // 2 + 1 entries of the n along the last of `dim`."""
    norm = _FORWARD[normalization]
    if len(dim) > 1:
        return (np.fft.rfftn if onesided else np.fft.fftn)(x, axes=dim, norm=norm)
    half = np.fft.rfft(x, axis=dim[0], norm=norm)
    return half if onesided else _both_sides(half, x.shape[dim[0]], dim[0])


def _both_sides(half, n, dim):
    """A one-sided transform along one dimension with the other side, the first's conjugate backwards."""
    out = np.empty((*half.shape[:dim], n, *half.shape[dim + 1 :]), half.dtype)
    before = (slice(None),) * dim
    out[(*before, slice(n // 2 + 1))] = half
    np.conjugate(half[(*before, slice((n - 1) // 2, 0, -1))], out=out[(*before, slice(n // 2 + 1, None))])
    return out


@linear(
    batch=along("dim"),
    holomorphic=False,
    backward="FftC2RBackward0",
    x=lambda g, dim, normalization, last_dim_size: scale_pairs(
        fft_r2c(g, dim=dim, normalization=normalization), dim=dim[-1], size=last_dim_size, factor=2.0
    ),
)
def fft_c2r(x, *, dim, normalization=NONE, last_dim_size):
    """The inverse transform to `last_dim_size` real numbers along the last of `dim`, of which x is the first half.

    Imaginary parts of what must be real (the entry of frequency zero) are left aside.
    """
    norm = _INVERSE[normalization]
    if len(dim) == 1:
        return np.fft.irfft(x, last_dim_size, axis=dim[0], norm=norm)
    return np.fft.irfftn(x, [*[x.shape[d] for d in dim[:-1]], last_dim_size], axes=dim, norm=norm)


@linear(
    batch=along("dim"),
    x=lambda g, dim, size, factor: scale_pairs(g, dim=dim, size=size, factor=factor),
)
def scale_pairs(x, *, dim, size, factor):
    """One side of a transform of `size` numbers, times `factor` where an entry stands for two, k and size - k."""
    out = x * x.real.dtype.type(factor)
    for alone in (0, -1) if size % 2 == 0 else (0,):
        at = (*(slice(None),) * dim, alone)
        out[at] = x[at]
    return out


_kernels = load("fft")
if _kernels is not None:
    fft_c2c.accelerate(_kernels.c2c)
    fft_r2c.accelerate(_kernels.r2c)
    fft_c2r.accelerate(_kernels.c2r)
