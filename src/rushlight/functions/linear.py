"""`linear`, which layers call: compiled, since for a small layer all else takes as long as the product."""

try:
    import cython
except ImportError:
    from .. import uncompiled as cython

from ..calls import call3, ordinary
from ..core import TensorBase, apply, call2, view_by
from ..ops import matrix as ops
from ..ops.shape import t as turned
from .arguments import check_tensor
from .matrix import multiplied, rows_of

if not cython.compiled:
    from ..calls import recording
    from ..core import fresh, plain
    from ..kernels.compare import as_tensor

_WITH_BIAS, _WITHOUT = ops.addmm_nt, ops.linear_nt
# The weight comes transposed, and its gradient is to lie in memory as the weight does.
_COLUMNS = {"beta": 1, "alpha": 1, "fortran": True}


def linear(input, weight, bias=None):
    """input @ weight.T + bias, for an input of (..., in), a weight of (out, in) and a bias of (out,)."""
    out = shortly(input, weight, bias)
    return long_way(input, weight, bias) if out is NotImplemented else out


def shortly(x, w, b):
    """The same in one step, for tensors that need no casts and no views; NotImplemented for others."""
    if not isinstance(x, TensorBase) or not isinstance(w, TensorBase) or not ordinary(x) or not plain(w):
        return NotImplemented
    if b is not None and not (isinstance(b, TensorBase) and plain(b)):
        return NotImplemented
    if as_tensor(x)._array.ndim == 2 == as_tensor(w)._array.ndim:
        return call2(_WITHOUT, x, w) if b is None else call3(_WITH_BIAS, b, x, w)
    kernel = _WITH_BIAS.kernel
    if kernel is None or recording(x, w, b):
        return NotImplemented
    out = kernel.call3(None if b is None else as_tensor(b)._array, as_tensor(x)._array, as_tensor(w)._array)
    return out if out is NotImplemented else fresh(out)


def long_way(input, weight, bias):
    """The same by operations that cast, take views and refuse what does not fit."""
    check_tensor(input, "linear")
    check_tensor(weight, "linear", 2, "weight")
    a, w = input._array, weight._array
    if a.ndim == 0 or w.ndim == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {a.ndim}D and {w.ndim}D")
    if bias is None:
        if a.ndim == w.ndim == 2:
            return call2(ops.mm_by_columns, input, view_by(turned, weight))
        return multiplied(input, weight.t())
    check_tensor(bias, "linear", 3, "bias")
    if a.ndim == w.ndim == 2:
        return apply(ops.addmm, (bias, input, view_by(turned, weight)), _COLUMNS)
    rows = input.reshape(rows_of(a.shape), a.shape[-1])
    out = ops.addmm(bias, rows, weight.t(), fortran=True)
    return out.view(*a.shape[:-1], out._array.shape[-1])
