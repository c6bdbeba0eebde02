"""x[index] and x[index] = value under vmap, where index tensors differ between the samples.

The values of such a tensor are hidden, so that it cannot become part of a key. Masks are read, which splits the batch;
integers gather from (or scatter into) the indexed dimensions in a row, by operations that know of batches.
"""

from math import prod

import numpy as np

from .. import core
from ..core import TensorBase, wrap
from ..ops import index as ops
from ..ops.copying import clone, copy, expand
from ..ops.hidden import Batched, values
from ..ops.scatter import scatter
from ..ops.selection import where
from ..ops.shape import inverse, permute, reshaped
from . import indexing


def is_hidden(index):
    """Whether a tensor in an index differs between samples."""
    parts = index if isinstance(index, (tuple, list)) else (index,)
    return any([isinstance(part, TensorBase) and type(part._array) is Batched for part in parts])


def getitem(x, index):
    """x[index] for such an index."""
    view, dims, picked = taken_apart(x, index)
    if not dims:
        return view
    sizes = view._array.shape
    rows, _ = in_rows(view, dims)
    found = ops.index_select(rows, flat(picked, [sizes[d] for d in dims]), dim=0)
    if dims != list(range(dims[0], dims[0] + len(dims))):
        return found
    # Index tensors side by side leave what they gather in their place.
    gathered = found._array.ndim - (len(sizes) - len(dims))
    before = list(range(gathered, gathered + dims[0]))
    rest = list(range(gathered + dims[0], found._array.ndim))
    return permute(found, dims=(*before, *range(gathered), *rest))


def setitem(x, index, value):
    """x[index] = value for such an index."""
    view, dims, picked = taken_apart(x, index, written=True)
    if not dims:
        core.inplace(copy, view, (value,), {})
        return
    sizes = view._array.shape
    place = flat(picked, [sizes[d] for d in dims])
    rows, order = in_rows(view, dims)
    inner, gathered = rows._array.shape[1:], place._array.shape
    n = place._array.size
    adjacent = dims == list(range(dims[0], dims[0] + len(dims)))
    lead = [sizes[d] for d in range(dims[0])] if adjacent else []
    value = expand(value, shape=(*lead, *gathered, *inner[len(lead) :]))
    value = permute(value, dims=(*range(len(lead), len(lead) + len(gathered)), *range(len(lead)),
                                 *range(len(lead) + len(gathered), value._array.ndim)))  # fmt: skip
    place = expand(reshaped(place, (n, *[1] * len(inner))), shape=(n, *inner))
    rows = scatter(rows, place, reshaped(value, (n, *inner)), dim=0)
    turned = reshaped(rows, tuple([sizes[d] for d in order]))
    core.inplace(copy, view, (permute(turned, dims=inverse(order)),), {})


def taken_apart(x, index, written=False):
    """(the view that the rest of the index makes, its dimensions with index tensors, these tensors)."""
    parts = list(index) if isinstance(index, (tuple, list)) else [index]
    parts = [wrap(values(p._array)) if _is_mask(p) else p for p in parts]
    if any([part is ... for part in parts]):
        at = next(k for k, part in enumerate(parts) if part is ...)
        spare = x._array.ndim - sum([indexing._consumed(p._array if isinstance(p, TensorBase) else p) for p in parts])
        parts[at : at + 1] = [slice(None)] * spare
    x, parts = _selected(x, parts, written)
    hidden = {}
    for k, part in enumerate(parts):
        if _is_hidden(part):
            hidden[id(stand_in := np.zeros(part._array.shape, np.int64))] = part
            parts[k] = stand_in
    op, basic, key, _ = indexing.split(x._array, tuple(parts))
    view = x if op is ops.alias and x._array.ndim else indexing._viewed(x, op, basic)
    if key is None:
        return view, [], []
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    order = [part for part in parts if isinstance(part, np.ndarray)]
    named = iter([hidden.get(id(part)) for part in order if part.dtype != np.bool_])
    return view, dims, [_tensor_of(key[d], named) for d in dims]


def _tensor_of(array, named):
    """The hidden tensor that an array of the key stands for, or the array."""
    found = next(named, None)
    return wrap(array) if found is None else found


def _is_hidden(part):
    return isinstance(part, TensorBase) and type(part._array) is Batched


def _is_mask(part):
    return _is_hidden(part) and part._array.dtype == np.bool_


def _selected(x, parts, written):
    """Index tensors without dimensions choose one entry each, before all others, as integers do."""
    dim = 0
    parts = list(parts)
    for k, part in enumerate(parts):
        if _is_hidden(part) and part._array.ndim == 0:
            if written:
                parts[k] = reshaped(part, (1,))
            else:
                x = ops.index_select(x, reshaped(part, (1,)), dim=dim)
                parts[k] = 0
        dim += 1 if isinstance(part, TensorBase) else indexing._consumed(part)
    return x, parts


def in_rows(x, dims):
    """x with the dimensions `dims` in one, which comes first, and the order of dimensions that this took."""
    order = [*dims, *[d for d in range(x._array.ndim) if d not in dims]]
    sizes = [x._array.shape[d] for d in order]
    turned = clone(permute(x, dims=tuple(order)), order="C")
    return reshaped(turned, (prod(sizes[: len(dims)]), *sizes[len(dims) :])), tuple(order)


def flat(picked, sizes):
    """Index tensors for several dimensions as one for these dimensions in a row; IndexError for one that is outside."""
    total = None
    for k, (index, n) in enumerate(zip(picked, sizes)):
        _check_inside(index, k, n)
        index = where(index < 0, index + n, index)
        total = index if total is None else total * n + index
    return total


def _check_inside(index, k, n):
    array = index._array
    while type(array) is Batched:
        array = array.hidden._array
    if array.size and not -n <= array.min() <= array.max() < n:
        wrong = array[(array < -n) | (array >= n)].reshape(-1)[0]
        raise IndexError(f"index {wrong} is out of bounds for dimension {k} with size {n}")
