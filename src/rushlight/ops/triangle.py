"""Triangles and diagonals of matrices."""

import numpy as np

from ..kernels import load
from .batch_rules import along, as_it_is, at_front
from .copying import clone, copied, expand, write
from .declare import general, linear
from .index import getitem
from .shape import diagonal as diagonal_view
from .shape import diagonal_backward, unsqueeze
from .supported import in_float32


@linear(batch=as_it_is, x=lambda g, diagonal: tril(g, diagonal=diagonal))
def tril(x, *, diagonal=0):
    return np.where(below(x.shape, diagonal), x, x.dtype.type(0))


@linear(batch=as_it_is, x=lambda g, diagonal: triu(g, diagonal=diagonal))
def triu(x, *, diagonal=0):
    return np.where(below(x.shape, diagonal - 1), x.dtype.type(0), x)


class Cut:
    """The kernel of a triangle; `into` writes it over the matrices."""

    def __init__(self, upper):
        self.upper = upper

    def __call__(self, x, diagonal):
        out = _kernels.triangle(x, diagonal=diagonal, upper=self.upper)
        if out is NotImplemented:
            # In another order of memory.
            whole = copied(x)
            return whole if self.into(whole, diagonal) else out
        return out

    def into(self, x, diagonal):
        return _kernels.cut_to_triangle(x, diagonal=diagonal, upper=self.upper)


_kernels = load("copying")
if _kernels is not None:
    tril.accelerate(Cut(upper=False))
    triu.accelerate(Cut(upper=True))


@general(batch=as_it_is, x=lambda g: tril(g, diagonal=-1), push=lambda x_t: tril(x_t, diagonal=-1))
def unit_lower(x):
    """x below its diagonal, and ones on it."""
    out = tril.compute([x], {"diagonal": -1})
    on = out.diagonal(0, -2, -1)
    on.flags.writeable = True
    on[...] = 1
    return out


def indices(rows, columns, offset, upper):
    """Rows and columns of the entries of a triangle: int64 of shape (2, n)."""
    if _kernels is not None:
        return _kernels.triangle_indices(rows, columns, offset, upper)
    mask = below((rows, columns), offset - upper)
    return np.array(np.nonzero(~mask if upper else mask)).reshape(2, -1)


def below(shape, diagonal):
    """A mask of the entries on and below a diagonal of the last two dimensions."""
    rows, columns = shape[-2:]
    return np.arange(rows)[:, None] + diagonal >= np.arange(columns)


@linear(
    batch=along("dim1", "dim2"),
    x=lambda g, offset, dim1, dim2: clone(diagonal_view(g, offset=offset, dim1=dim1, dim2=dim2)),
)
def diag_embed(x, *, offset=0, dim1=-2, dim2=-1):
    """The last dimension of x on a diagonal of zeros; dim1 and dim2 count from the front."""
    n = x.shape[-1] + abs(offset)
    shape = list(x.shape[:-1])
    for dim in sorted((dim1, dim2)):
        shape.insert(dim, n)
    out = np.zeros(shape, x.dtype)
    on = out.diagonal(offset, dim1, dim2)
    on.flags.writeable = True
    on[...] = x
    return out


def trace_of_samples(op, size, inputs, batched, params):
    return diagonal_view(inputs[0], offset=0, dim1=1, dim2=2).sum(1)


def trace_of_samples_backward(op, size, inputs, batched, params):
    shape = params["shape"]
    on = expand(unsqueeze(inputs[0], dim=1), shape=(size, min(shape)))
    return diagonal_backward(on, shape=(size, *shape), offset=0, dim1=1, dim2=2)


@linear(batch=trace_of_samples, x=lambda g, x_shape: trace_backward(g, shape=x_shape))
def trace(x):
    return np.asarray(x.trace(dtype=np.int64 if x.dtype.kind in "iub" else None))


in_float32(trace)


if _kernels is not None:
    trace.accelerate(_kernels.trace)


@linear(batch=trace_of_samples_backward, x=lambda g: trace(g))
def trace_backward(x, *, shape):
    """x on the diagonal of zeros of `shape`."""
    out = np.zeros(shape, x.dtype)
    out.reshape(-1)[: min(shape) * shape[1] : shape[1] + 1] = x
    return out


@linear(
    batch=along("dim1", "dim2"),
    jointly=True,
    x=lambda g, src_shape, offset, dim1, dim2: diagonal_scatter(
        g, g.new_zeros(src_shape), offset=offset, dim1=dim1, dim2=dim2
    ),
    src=lambda g, offset, dim1, dim2: clone(diagonal_view(g, offset=offset, dim1=dim1, dim2=dim2)),
)
def diagonal_scatter(x, src, *, offset=0, dim1=0, dim2=1):
    """x with src on a diagonal."""
    out = copied(x)
    on = out.diagonal(offset, dim1, dim2)
    on.flags.writeable = True
    write(on, src)
    return out


@linear(
    batch=at_front(),
    jointly=True,
    x=lambda g, src_shape, index: slice_scatter(g, g.new_zeros(src_shape), index=index),
    src=lambda g, index: clone(getitem(g, index=index)),
)
def slice_scatter(x, src, *, index):
    """x with src where a basic index points."""
    out = copied(x)
    write(out[index], src)
    return out
