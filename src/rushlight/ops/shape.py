"""Views of other shapes, and the rearrangements of elements that are none: flip, roll, repeat."""

import numpy as np

from ..core import apply
from ..kernels import load
from .batch_rules import along, as_it_is, in_line, prefixed, reshape, shifted
from .copying import clone, copied, empty, sum_to, write
from .declare import general, linear, nondifferentiable, renamed
from .strided import strided_bytes

_kernels, _copying = load("strided"), load("copying")


# -- the same elements in the same order


# NumPy 2.0 copies where it must; later ones can be told to raise instead.
_WITHOUT_COPY = {} if np.__version__.startswith("2.0.") else {"copy": False}


class NoView(RuntimeError):
    """The strides of an array do not allow a view of that shape, or no array of its size has it."""


def reshaped(x, shape):
    """A tensor in another shape that fits: a view where the strides allow it, as PyTorch's reshape."""
    try:
        return apply(view, (x,), {"shape": shape})
    except NoView:
        return unsafe_view(clone(x, order="C"), shape=shape)


@general(
    batch=prefixed("shape"),
    view=True,
    x=lambda g, x_shape: reshaped(g, x_shape),
    push=lambda x_t, shape: reshaped(x_t, shape),
)
def view(x, *, shape):
    try:
        out = x.reshape(shape, **_WITHOUT_COPY)
    except (ValueError, TypeError):
        raise NoView from None
    # NumPy takes any negative size for the one to be inferred.
    negative = out.shape != shape and min(shape) < -1
    if negative or not (x.flags.c_contiguous or x.size == 0 or np.may_share_memory(x, out)):
        raise NoView
    return out


@linear(batch=prefixed("shape"), x=lambda g, x_shape: reshaped(g, x_shape))
def unsafe_view(x, *, shape):
    """A view of an array that nobody else sees, so that it does not count as one."""
    return x.reshape(shape)


def squeeze_samples(op, size, inputs, batched, params):
    (x,), dim = inputs, params["dim"]
    ones = [d for d, n in enumerate(x._array.shape) if n == 1 and d > 0] if dim is None else shifted(dim)
    return apply(op, (x,), {"dim": tuple(ones)})


@linear(batch=squeeze_samples, view=True, backward="SqueezeBackward0", x=lambda g, x_shape: reshaped(g, x_shape))
def squeeze(x, *, dim=None):
    """x without the dimensions of size 1 among `dim`, a tuple."""
    if dim is None:
        return x.reshape([n for n in x.shape if n != 1])
    return x.reshape([n for d, n in enumerate(x.shape) if n != 1 or d not in dim])


if _kernels is not None:
    squeeze.accelerate(_kernels.squeeze, x=np.ndarray.reshape)
squeeze_dim = renamed(squeeze, "SqueezeBackward1")
squeeze_dims = renamed(squeeze, "SqueezeBackward2")
# Behind a product of a vector and a matrix.
squeeze_after = renamed(squeeze, "SqueezeBackward4")
_INSERTED = tuple((slice(None),) * d + (None, ...) for d in range(64))


@linear(batch=along("dim"), view=True, x=lambda g, x_shape: reshaped(g, x_shape))
def unsqueeze(x, *, dim):
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise IndexError
    return x[_INSERTED[dim % (x.ndim + 1)]]


@nondifferentiable(batch=as_it_is, view=True)
def view_dtype(x, *, dtype):
    return x.view(dtype)


# -- dimensions in another order


@linear(batch=along("dim0", "dim1"), view=True, x=lambda g, dim0, dim1: transpose(g, dim0=dim0, dim1=dim1))
def transpose(x, *, dim0, dim1):
    return x.swapaxes(dim0, dim1)


def t_of_samples(op, size, inputs, batched, params):
    (x,) = inputs
    return transpose(x, dim0=1, dim1=2) if x._array.ndim > 2 else view(x, shape=x._array.shape)


@linear(batch=t_of_samples, view=True, x=lambda g: t(g))
def t(x):
    return x.T


def permute_samples(op, size, inputs, batched, params):
    n = len(params["dims"])
    return permute(inputs[0], dims=(0, *[d % n + 1 for d in params["dims"]]))


@linear(batch=permute_samples, view=True, x=lambda g, dims: permute(g, dims=inverse(dims)))
def permute(x, *, dims):
    return x.transpose(dims)


def inverse(dims):
    """The permutation that undoes `dims`, which may count from the back."""
    n = len(dims)
    order = [0] * n
    for place, d in enumerate(dims):
        order[d % n] = place
    return tuple(order)


# -- views of some of the elements


@linear(
    batch=along("dim1", "dim2"),
    view=True,
    x=lambda g, x_shape, offset, dim1, dim2: diagonal_backward(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2),
)
def diagonal(x, *, offset=0, dim1=0, dim2=1):
    out = x.diagonal(offset, dim1, dim2)
    out.flags.writeable = x.flags.writeable
    return out


@linear(
    batch=along("dim1", "dim2", shapes=("shape",)),
    x=lambda g, offset, dim1, dim2: clone(diagonal(g, offset=offset, dim1=dim1, dim2=dim2)),
)
def diagonal_backward(x, *, shape, offset, dim1, dim2):
    """Zeros of `shape` with x on a diagonal."""
    out = np.zeros(shape, x.dtype)
    on = out.diagonal(offset, dim1, dim2)
    on.flags.writeable = True
    on[...] = x
    return out


@linear(
    batch=along("dim1", "dim2"),
    backward="DiagonalBackward0_copy",
    x=lambda g, x_shape, offset, dim1, dim2: diagonal_backward(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2),
)
def diagonal_copy(x, *, offset=0, dim1=0, dim2=1):
    return copied(x.diagonal(offset, dim1, dim2))


@linear(
    batch=along("dim"),
    view=True,
    x=lambda g, x_shape, dim, size, step: unfold_backward(g, shape=x_shape, dim=dim, size=size, step=step),
)
def unfold(x, *, dim, size, step):
    """Windows of `size` entries along a dimension, `step` apart, as a new last dimension."""
    if x.ndim == 0:
        return x.reshape(1)[:size]
    shape, strides = list(x.shape), list(x.strides)
    shape[dim] = (shape[dim] - size) // step + 1
    strides[dim] *= step
    return strided_bytes(x, (*shape, size), (*strides, x.strides[dim]), 0)


@linear(batch=along("dim", shapes=("shape",)), x=lambda g, dim, size, step: unfold(g, dim=dim, size=size, step=step))
def unfold_backward(x, *, shape, dim, size, step):
    """Zeros of `shape`, each entry of a window added where unfold read it."""
    if not shape:
        return np.add.reduce(x, keepdims=False)
    if step >= size:
        out = np.zeros(shape, x.dtype)
        windows = unfold.forward(out, dim=dim, size=size, step=step)
        write(windows, x)
        return out
    # As blocks of `step` entries, so that the same part of all windows is added at once.
    count, parts = x.shape[dim], -(-size // step)
    before, after = shape[:dim], shape[dim + 1 :]
    blocks = max(count + parts - 1, -(-shape[dim] // step))
    out = np.zeros((*before, blocks, step, *after), x.dtype)
    windows, lead = np.moveaxis(x, -1, dim + 1), (slice(None),) * dim
    for k in range(parts):
        width = min(step, size - k * step)
        out[(*lead, slice(k, k + count), slice(width))] += windows[
            (*lead, slice(None), slice(k * step, k * step + width))
        ]
    return np.ascontiguousarray(out.reshape(*before, blocks * step, *after)[(*lead, slice(shape[dim]))])


# -- copies


@linear(batch=along("dims"), x=lambda g, dims: flip(g, dims=dims))
def flip(x, *, dims):
    return np.array(flipped(x, dims), order="C" if 0 in x.strides else "K")


def flipped(x, dims):
    """A view of an array whose entries run backwards along `dims`."""
    index = [slice(None)] * x.ndim
    for d in dims:
        index[d] = slice(None, None, -1)
    return x[tuple(index)] if x.ndim else x


def roll_samples(op, size, inputs, batched, params):
    (x,), shifts, dims = inputs, params["shifts"], params["dims"]
    if dims:
        return roll(x, shifts=shifts, dims=shifted(dims))
    return reshape(roll(reshape(x, (size, x._array.size // max(size, 1))), shifts=shifts, dims=(1,)), x._array.shape)


@linear(batch=roll_samples, x=lambda g, shifts, dims: roll(g, shifts=tuple([-s for s in shifts]), dims=dims))
def roll(x, *, shifts, dims=()):
    """x with its entries moved on along each of `dims`, round the end; along all of them in a row for ()."""
    if not dims:
        return roll.forward(x.reshape(-1), shifts=shifts, dims=(0,)).reshape(x.shape)
    moves = [0] * x.ndim
    for shift, d in zip(shifts, dims):
        moves[d] += shift
    dims = [d for d, shift in enumerate(moves) if shift]
    if len(dims) == 1:
        (d,) = dims
        before, cut = (slice(None),) * d, -moves[d] % max(x.shape[d], 1)
        return np.concatenate((x[(*before, slice(cut, None))], x[(*before, slice(cut))]), axis=d)
    return rolled(x, np.empty(x.shape, x.dtype), [moves[d] for d in dims], dims)


def rolled(x, out, shifts, dims):
    """`out`, with x written into it: both are cut in two along each of `dims`."""
    if not len(dims) or not x.size:
        write(out, x)
        return out
    before, n = (slice(None),) * dims[0], x.shape[dims[0]]
    cut = n - shifts[0] % n
    for here, there in ((slice(cut, n), slice(0, n - cut)), (slice(0, cut), slice(n - cut, n))):
        rolled(x[(*before, here)], out[(*before, there)], shifts[1:], dims[1:])
    return out


@linear(batch=along("dims"), x=lambda g, k, dims: rot90(g, k=-k, dims=dims))
def rot90(x, *, k=1, dims=(0, 1)):
    k %= 4
    backwards = dims if k == 2 else (dims[k == 1],) if k else ()
    out = NotImplemented if _copying is None else _copying.flip(x, dims=backwards)
    if out is NotImplemented:
        out = flip.forward(x, dims=backwards)
    return out.swapaxes(*dims) if k % 2 else out


def sum_of_repeats(g, x_shape, repeats):
    """The adjoint of repeat: each copy of x added to it."""
    shape = (1,) * (len(repeats) - len(x_shape)) + x_shape
    if 0 in repeats:
        return g.new_zeros(x_shape)
    parts = [n for pair in zip(repeats, shape) for n in pair]
    kept = [n for size in shape for n in (1, size)]
    return reshaped(sum_to(reshaped(g, tuple(parts)), shape=tuple(kept)), x_shape)


def repeat_samples(op, size, inputs, batched, params):
    repeats = params["repeats"]
    return repeat(in_line(inputs[0], len(repeats)), repeats=(1, *repeats))


@linear(batch=repeat_samples, x=lambda g, x_shape, repeats: sum_of_repeats(g, x_shape, repeats))
def repeat(x, *, repeats):
    lead = len(repeats) - x.ndim
    shape = (1,) * lead + x.shape
    parts = [n for pair in zip(repeats, shape) for n in pair]
    out = empty(parts, x.dtype)
    write(out, x.reshape([m for n in shape for m in (1, n)]))
    return out.reshape([n * m for n, m in zip(repeats, shape)])


@linear(
    batch=along("dim"), x=lambda g, x_shape, repeats, dim: interleaved_sum(g, repeats=repeats, dim=dim, shape=x_shape)
)
def repeat_interleave(x, *, repeats, dim):
    """Each entry along a dimension `repeats` times."""
    return np.repeat(x, repeats, dim)


@linear(batch=along("dim", shapes=("shape",)), x=lambda g, repeats, dim: repeat_interleave(g, repeats=repeats, dim=dim))
def interleaved_sum(x, *, repeats, dim, shape):
    """The adjoint of repeat_interleave: each entry's repeats added up."""
    parts = x.reshape((*shape[: dim + 1], repeats, *shape[dim + 1 :]))
    if repeats == 0 or repeats > _FEW or x.dtype.kind not in "fc":
        return np.add.reduce(parts, dim + 1)
    parts = np.moveaxis(parts, dim + 1, 0)
    out = copied(parts[0])
    for part in parts[1:]:
        out += part
    return out


# So many numbers are added faster one after the other, each for all sums, than within each sum.
_FEW = 8


if _kernels is not None:
    view.accelerate(_kernels.view, x=np.ndarray.reshape)
    view_dtype.accelerate(_kernels.view_dtype)
    unsqueeze.accelerate(_kernels.unsqueeze, x=np.ndarray.reshape)
    transpose.accelerate(_kernels.transpose)
    t.accelerate(_kernels.t)
    permute.accelerate(_kernels.permute)
    diagonal.accelerate(_kernels.diagonal)
if _copying is not None:
    flip.accelerate(_copying.flip)
    roll.accelerate(_copying.roll)
