"""Complex numbers: their parts, size and direction.

None of these is holomorphic, so the rules are stated whole, as PyTorch has them: the gradient of a real loss by a
complex number is dL/d(real) + i dL/d(imag).
"""

import math

import numpy as np

from .. import kernels
from ..core import restore
from ..errors import check_broadcast
from ..inplace import storage_geometry
from ..modes import flags, put_grad
from .batch_rules import aligned, as_it_is
from .copying import conj, zero
from .declare import elementwise, general, linear, renamed
from .selection import where
from .strided import as_strided, strided_scatter
from .supported import NUMBERS, supports


@linear(batch=as_it_is, view=True, holomorphic=False, backward="SelectBackward0", x=lambda g: complex(g, zero(g)))
def real(x):
    return x.real


@linear(batch=as_it_is, view=True, holomorphic=False, backward="SelectBackward0", x=lambda g: g * 1j)
def imag(x):
    return x.imag


def _real_of(x):
    return real(x) if x._array.dtype.kind == "c" else x


@general(
    batch=as_it_is,
    holomorphic=False,
    x=lambda g, x: g * sgn(x),
    push=lambda x, x_t: _real_of(conj(sgn(x)) * x_t),
)
def abs(x):
    supports(x, NUMBERS, "abs_cpu")
    return np.absolute(x)


def _through_direction(g, x, out):
    """What of g is across the direction of x, over the size of x; a real number has no such part."""
    if x._array.dtype.kind != "c":
        return zero(g)
    size = abs(x)
    return where(size == 0, 0, (g - out * real(conj(out) * g)) / size)


@elementwise(holomorphic=False, x=_through_direction)
def sgn(x):
    """x / |x|, 0 at 0."""
    if x.dtype.kind == "b":
        return x.copy()
    if x.dtype.kind != "c":
        return np.subtract(np.greater(x, 0), np.less(x, 0), dtype=np.int8).astype(x.dtype)
    size = np.absolute(x)
    return np.where(size == 0, 0, x / size).astype(x.dtype, copy=False)


def _through_angle(g, x):
    if x._array.dtype.kind != "c":
        return zero(g)
    size = abs(x)
    return where(size == 0, 0, x * 1j * (g / (size * size)))


def _push_angle(x, x_t):
    if x._array.dtype.kind != "c":
        return zero(x_t)
    size = abs(x)
    return where(size == 0, 0, imag(conj(x) * x_t) / (size * size))


@general(batch=as_it_is, promote="float", holomorphic=False, x=_through_angle, push=_push_angle)
def angle(x):
    """The angle of a complex number; pi for a negative one."""
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, math.pi, 0.0)).astype(x.dtype, copy=False)


@linear(
    batch=aligned,
    jointly=True,
    broadcasts=True,
    holomorphic=False,
    x=lambda g: real(g),
    y=lambda g: imag(g),
    aliases={"x": "real", "y": "imag"},
)
def complex(x, y):
    """x + iy of two real arrays."""
    try:
        shape = x.shape if x.shape == y.shape else np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        check_broadcast((x, y))
        raise
    dtype = np.complex128 if x.dtype == np.float64 else np.complex64
    if _copying is None:
        out = np.empty(shape, dtype)
    else:
        if x.shape == y.shape and x.dtype == y.dtype and x.dtype.char in "fd":
            pairs = _copying.stack(x, y, dim=x.ndim)
            if pairs is not NotImplemented:
                return pairs.view(dtype).reshape(shape)
        out = _copying.empty(shape, np.dtype(dtype))
        if _copying.write(out.real, x) and _copying.write(out.imag, y):
            return out
    out.real, out.imag = x, y
    return out


@linear(batch=as_it_is, view=True, holomorphic=False, x=lambda g: view_as_complex(g))
def view_as_real(x):
    """A view of shape (..., 2): real and imaginary part."""
    if x.flags.c_contiguous and x.ndim:
        return x.view(x.real.dtype).reshape(*x.shape, 2)
    return np.lib.stride_tricks.as_strided(x.real, (*x.shape, 2), (*x.strides, x.itemsize // 2))


@linear(batch=as_it_is, view=True, holomorphic=False, x=lambda g: view_as_real(g))
def view_as_complex(x):
    """The view of shape (..., 2) back as complex numbers."""
    return x.view(np.complex128 if x.dtype == np.float64 else np.complex64)[..., 0]


# -- views of real numbers as complex ones, and the other way round, whose history goes on from a write


def seen_as(x, view, base):
    """x, which lies in memory as the array `base` does, seen as the array `view` of that memory."""
    if view.dtype == base.dtype:
        return as_strided(x, **storage_geometry(view, base))
    if base.dtype.kind == "c":
        return as_strided(view_as_real(x), **storage_geometry(view, view_as_real.forward(base)))
    return view_as_complex(as_strided(x, **storage_geometry(view_as_real.forward(view), base)))


def view_across(view, base):
    """The history of a view whose dtype is not its base's, from the base as it is now."""
    before = flags()
    try:
        put_grad(True)
        node = seen_as(_recorded(base), view._array, base._array)._grad_fn
    finally:
        put_grad(before & 1)
    sequence = 0 if base._grad_fn is None else base._grad_fn.sequence
    node.sequence, node.edge0.sequence = sequence + 2, sequence + 1
    return node


def written_across(view, base, node, number):
    """The history of a base after output `number` of `node` was written through a view of another dtype."""
    written = restore(view._array, node, number, view.versions)
    if base._array.dtype.kind == "c":
        parts = view_as_real(_recorded(base))
        return _from_parts(strided_scatter(parts, written, **storage_geometry(view._array, parts._array)))._grad_fn
    parts = view_as_real(written)
    return strided_scatter(_recorded(base), parts, **storage_geometry(parts._array, base._array))._grad_fn


def _recorded(base):
    """The memory of a base with the history that it has; no views are linked to it."""
    edge = (base._grad_fn or base) if base._requires_grad else None
    return restore(base._array, edge, base.output_nr, base.versions)


_from_parts = renamed(view_as_complex, "CopySlices")
_fast, _formula, _ufuncs, _copying = (kernels.load(name) for name in ("elementwise", "formula", "ufuncs", "copying"))
if _fast is not None:
    abs.accelerate(_fast.abs, otherwise=_ufuncs.Loop(np.absolute, "bBhHiIlLqQFD"), x=_fast.through_abs)
    angle.accelerate(_formula.angle)
    sgn.accelerate(_formula.sign)
