"""Joining tensors, and taking them apart into several."""

import numpy as np

from ..core import indexed
from ..kernels import load
from .batch_rules import all_full, along, each, shifted
from .copying import zero
from .declare import linear, renamed
from .index import getitem


def part_of(x, dim, start, stop):
    """The view of the entries from start up to stop along a dimension."""
    return indexed(getitem, x, (slice(None),) * dim + (slice(start, stop), ...))


def row_of(x, dim, i):
    """The view of entry i along a dimension."""
    return indexed(getitem, x, (slice(None),) * dim + (i, ...))


def parts(g, needs, dim, sizes):
    """The pieces of g that cat joined, None where nobody wants one; sizes are None for inputs it left out."""
    found, start = [], 0
    for needed, n in zip(needs, sizes):
        if n is None:
            found.append(g.new_zeros((0,)) if needed else None)
            continue
        found.append(part_of(g, dim, start, start + n) if needed else None)
        start += n
    return found


def join_samples(op, size, inputs, batched, params):
    if None in params.get("sizes", ()):
        kept = [i for i, n in enumerate(params["sizes"]) if n is not None]
        inputs, batched = [inputs[i] for i in kept], [batched[i] for i in kept]
        params = {**params, "sizes": tuple([params["sizes"][i] for i in kept])}
    return op(*all_full(size, inputs, batched), **{**params, "dim": shifted(params["dim"])})


@linear(
    batch=join_samples, jointly=True, promote="common", joint=lambda g, needs, dim, sizes: parts(g, needs, dim, sizes)
)
def cat(*xs, dim, sizes):
    """xs end to end along a dimension; `sizes` are theirs along it, None for an empty one to be left out."""
    if None in sizes:
        xs = [x for x, n in zip(xs, sizes) if n is not None]
    return np.concatenate(xs, dim)


def beside(a, b):
    """[a b]"""
    return cat(a, b, dim=a._array.ndim - 1, sizes=(a._array.shape[-1], b._array.shape[-1]))


def above(a, b):
    """[a; b]"""
    return cat(a, b, dim=a._array.ndim - 2, sizes=(a._array.shape[-2], b._array.shape[-2]))


@linear(
    jointly=True,
    promote="common",
    batch=join_samples,
    joint=lambda g, needs, dim: [row_of(g, dim, i) if needed else None for i, needed in enumerate(needs)],
)
def stack(*xs, dim):
    """xs side by side along a new dimension."""
    index = (slice(None),) * dim + (None,)
    return np.concatenate([x[index] for x in xs], dim)


_kernels = load("copying")
if _kernels is not None:
    cat.accelerate(_kernels.cat)
    stack.accelerate(_kernels.stack)


def listed(g):
    """The gradients of an operation that gave several outputs, or happened to give one."""
    return g if isinstance(g, list) else [g]


def rows_together(g, dim):
    """The adjoint of unbind: rows that nobody used are zero."""
    g = listed(g)
    model = next(row for row in g if row is not None)
    return stack(*[zero(model) if row is None else row for row in g], dim=dim)


@linear(batch=along("dim"), view=True, many=True, x=lambda g, dim: rows_together(g, dim))
def unbind(x, *, dim):
    before = (slice(None),) * dim
    return [x[(*before, i, ...)] for i in range(x.shape[dim])]


def _rows_by_kernel(g, dim):
    if type(g) is not list or dim != 0:
        return NotImplemented
    return _strided.rows_together([None if row is None else row._array for row in g])


_strided = load("strided")
if _strided is not None:
    unbind.accelerate(_strided.unbind, x=_rows_by_kernel)
    # All rows in one call: of 20,000 this is half the time of the backward pass.
    stack.accelerate(joint=lambda g, needs, dim: _strided.unbind(g, dim=dim) if min(needs) else NotImplemented)


def pieces_together(g, x_shape, sizes, dim):
    """The adjoint of split: pieces that nobody used are zero."""
    g = listed(g)
    used = [piece for piece in g if piece is not None]
    whole = [
        used[0].new_zeros((*x_shape[:dim], n, *x_shape[dim + 1 :])) if piece is None else piece
        for piece, n in zip(g, sizes)
    ]
    return cat(*whole, dim=dim, sizes=sizes)


@linear(
    batch=along("dim"), view=True, many=True, x=lambda g, x_shape, sizes, dim: pieces_together(g, x_shape, sizes, dim)
)
def split_with_sizes(x, *, sizes, dim):
    before, start, out = (slice(None),) * dim, 0, []
    for n in sizes:
        out.append(x[(*before, slice(start, start + n))])
        start += n
    return out


split = renamed(split_with_sizes, "SplitBackward0")


def blocks_of(g, needs, sizes):
    """The blocks on the diagonal of g that somebody wants."""
    found, row, column = [], 0, 0
    for needed, (rows, columns) in zip(needs, sizes):
        place = (slice(row, row + rows), slice(column, column + columns))
        found.append(getitem(g, index=place) if needed else None)
        row, column = row + rows, column + columns
    return found


@linear(batch=each, jointly=True, promote="common", joint=lambda g, needs, sizes: blocks_of(g, needs, sizes))
def block_diag(*xs, sizes):
    """Zeros with the matrices xs, of `sizes`, one after the other on the diagonal."""
    out = np.zeros((sum(n for n, _ in sizes), sum(m for _, m in sizes)), xs[0].dtype)
    row = column = 0
    for x, (rows, columns) in zip(xs, sizes):
        out[row : row + rows, column : column + columns] = x
        row, column = row + rows, column + columns
    return out
