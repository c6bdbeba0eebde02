"""Copies, conversions, broadcasting and its undoing: what the engine itself needs."""

import numpy as np

from ..errors import coded
from ..kernels import load, meaning
from .batch_rules import as_it_is, in_line, like_first, reshape
from .declare import elementwise, linear

_kernels = load("copying")


def clone_samples(op, size, inputs, batched, params):
    order = params["order"]
    return clone(inputs[0], order=(0, *[d + 1 for d in order]) if isinstance(order, tuple) else order)


@linear(batch=clone_samples, x=lambda g: g)
def clone(x, *, order="K"):
    """A copy in the given order: NumPy's "C" or "K", or the dimensions as they shall follow in memory."""
    if isinstance(order, tuple):
        return copied(x.transpose(order)).transpose(_inverse(order))
    return np.array(x, order=order)


# np.empty of a tuple and a dtype, in memory that is kept where it is large.
empty = np.empty if _kernels is None else _kernels.empty
# np.zeros of these, in such memory.
zeros = np.zeros if _kernels is None else _kernels.zeros


def copied(x):
    """A copy of an array in row-major order."""
    out = _kernels.clone(x, order="C") if _kernels is not None else NotImplemented
    return np.array(x, order="C") if out is NotImplemented else out


def write(target, x):
    """Write the array x, which broadcasts, over another."""
    if _kernels is None or not _kernels.write(target, x):
        np.copyto(target, x, casting="unsafe")


def _inverse(order):
    return sorted(range(len(order)), key=order.__getitem__)


@linear(batch=as_it_is, x=lambda g: g, backward="CopyBackwards")
def copy_grad(x):
    """What becomes of a gradient that is put into .grad under create_graph."""
    return copied(x)


@linear(batch=as_it_is, x=lambda g: g, backward="ToCopyBackward0", holomorphic=False)
def to_dtype(x, *, dtype):
    """x as another dtype (a NumPy dtype); the engine brings the gradient back."""
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    if x.dtype == np.float64 and dtype == np.float16:
        # By way of float32, as PyTorch has it.
        with np.errstate(all="ignore"):
            return x.astype(np.float32).astype(dtype)
    if x.dtype.kind in _NARROWED and (dtype.kind in "iub" or dtype.itemsize < x.itemsize):
        with np.errstate(all="ignore"):
            return x.astype(dtype)
    return x.astype(dtype)


# Floats that an integer or a smaller float cannot hold are no concern of NumPy's warnings.
_NARROWED = "fcV"


@elementwise(
    batch=like_first, promote=None, x=lambda g: zero(g), y=lambda g: g, backward="CopyBackwards", holomorphic=False
)
def copy(x, y):
    """y in the shape and dtype of x: what `x.copy_(y)` writes."""
    if y.shape != x.shape:
        y = _broadcast(y, x.shape)
    return _cast(y, x.dtype)


@elementwise(batch=like_first, promote=None, x=lambda g: zero(g), value=lambda g: g)
def fill(x, value):
    """One number in the shape and dtype of x."""
    out, number = np.empty_like(x), _cast(np.asarray(value), x.dtype)
    if _kernels is None or not _kernels.write(out, number):
        out[...] = number
    return out


@linear(batch=as_it_is, x=lambda g: zero(g))
def zero(x):
    """Zeros in the shape and dtype of x."""
    return np.zeros_like(x)


def _cast(x, dtype):
    if x.dtype.kind == "c" and dtype.kind != "c":
        x = x.real
    return x.astype(dtype, copy=False)


def _broadcast(x, shape):
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise _misfit(x.shape, shape) from None


def _misfit(given, shape):
    """The error for a source that does not broadcast to a target."""
    for back in range(1, min(len(given), len(shape)) + 1):
        a, b = shape[-back], given[-back]
        if a != b and 1 not in (a, b):
            sentence = (
                f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension "
                f"{max(len(shape), len(given)) - back}"
            )
            return coded("RL301", RuntimeError(sentence), shapes=f"{list(shape)}, {list(given)}")
    whole = list(np.broadcast_shapes(shape, given))
    return coded("RL316", RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape {whole}"))


@linear(batch=as_it_is, x=lambda g: conj(g), holomorphic=False)
def conj(x):
    return np.conjugate(x)


@linear(batch=as_it_is, x=lambda g: conj_gradient(g), holomorphic=False, backward="ConjBackward0")
def conj_gradient(x):
    """The conjugate, in which a real number stays one: the engine turns gradients over twice, and none becomes 2 - 0j."""
    out = np.array(np.conjugate(x))
    if out.dtype.kind == "c":
        out.imag += 0.0
    return out


def expand_samples(op, size, inputs, batched, params):
    shape = params["shape"]
    return expand(in_line(inputs[0], len(shape)), shape=(size, *shape))


@linear(batch=expand_samples, view=True, x=lambda g, x_shape: sum_to(g, shape=x_shape))
def expand(x, *, shape):
    out = np.broadcast_to(x, shape)
    out.flags.writeable = x.flags.writeable
    return out


def sum_samples_to(op, size, inputs, batched, params):
    (x,), shape = inputs, params["shape"]
    ones = (1,) * (x._array.ndim - 1 - len(shape))
    return reshape(sum_to(x, shape=(size, *ones, *shape)), (size, *shape))


@linear(batch=sum_samples_to, x=lambda g, x_shape: expand(g, shape=x_shape))
def sum_to(x, *, shape):
    """x summed over the dimensions that broadcasting `shape` to x's added or stretched."""
    return meaning.sum_to(x, shape)


_reduce = load("reduce")
if _reduce is not None:
    sum_to.accelerate(lambda x, shape: _reduce.sum_to(x, shape))

if _kernels is not None:
    clone.accelerate(_kernels.clone)
    to_dtype.accelerate(_kernels.cast)
    conj.accelerate(_kernels.conj)
    conj_gradient.accelerate(_kernels.conj_gradient)
    copy.accelerate(_kernels.write_over)
    fill.accelerate(_kernels.fill)
    zero.accelerate(_kernels.zero)

_strided = load("strided")
if _strided is not None:
    expand.accelerate(_strided.expand)
