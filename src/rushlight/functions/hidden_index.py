"""x[index] and x[index] = value under vmap, where index tensors differ between the samples.

The values of such a tensor are hidden, so that it cannot become part of a key. Masks are read, which splits the batch;
integers gather from (or scatter into) the indexed dimensions in a row, by operations that know of batches.
"""

from math import prod

import numpy as np

from .. import core
from ..core import TensorBase, wrap
from ..ops import index as ops
from ..ops.copying import clone, copy, expand, to_dtype
from ..ops.hidden import Batched, values
from ..ops.scatter import scatter, scatter_add
from ..ops.selection import where
from ..ops.shape import inverse, permute, reshaped
from . import indexing


def is_hidden(index):
    """Whether a tensor in an index differs between samples."""
    parts = index if isinstance(index, (tuple, list)) else (index,)
    return any([isinstance(part, TensorBase) and type(part._array) is Batched for part in parts])


def getitem(x, index):
    """x[index] for such an index."""
    x, parts = _selected(x, _parts(x, index))
    view, dims, picked, _ = taken_apart(x, parts)
    if not dims:
        return view
    sizes = view._array.shape
    rows, _ = in_rows(view, dims)
    found = ops.index_select(rows, flat(picked, [sizes[d] for d in dims]), dim=0)
    if not _adjacent(dims):
        return found
    gathered = found._array.ndim - (len(sizes) - len(dims))
    before = list(range(gathered, gathered + dims[0]))
    rest = list(range(gathered + dims[0], found._array.ndim))
    return permute(found, dims=(*before, *range(gathered), *rest))


def setitem(x, index, value, accumulate=False):
    """x[index] = value for such an index; added to what is there with `accumulate`."""
    parts = _parts(x, index)
    chosen = {_dim_of(parts, k): part for k, part in enumerate(parts) if _is_hidden(part) and part._array.ndim == 0}
    if chosen:
        picked, rest = _selected(x, parts)
        setitem(picked, rest, value, accumulate)
        _put_rows(x, list(chosen), list(chosen.values()), picked, False)
        return
    view, dims, picked, one_mask = taken_apart(x, parts)
    if one_mask and value._array.ndim == 0:
        value = to_dtype(value, dtype=x._array.dtype)
    if not dims:
        core.inplace(copy, view, (view + value if accumulate else value,), {})
        return
    indexing.check_dtype(x._array, value._array)
    sizes = view._array.shape
    gathered = np.broadcast_shapes(*[p._array.shape for p in picked])
    lead = [sizes[d] for d in range(dims[0])] if _adjacent(dims) else []
    inner = [sizes[d] for d in range(len(sizes)) if d not in dims]
    value = indexing.fitted(value, (*lead, *gathered, *inner[len(lead) :]))
    value = expand(value, shape=(*lead, *gathered, *inner[len(lead) :]))
    # The gathered dimensions first.
    n, m = len(lead), len(lead) + len(gathered)
    value = permute(value, dims=(*range(n, m), *range(n), *range(m, value._array.ndim)))
    _put_rows(view, dims, picked, value, accumulate)


def index_put(x, indices, value, accumulate):
    """index_put for such indices."""
    out = clone(x)
    setitem(out, tuple(indices), value, accumulate)
    return out


def _put_rows(x, dims, picked, values, accumulate):
    """Write `values` over the entries of x that the index tensors `picked` name in the dimensions `dims`."""
    sizes = x._array.shape
    place = flat(picked, [sizes[d] for d in dims])
    rows, order = in_rows(x, dims)
    inner, n = rows._array.shape[1:], place._array.size
    place = expand(reshaped(place, (n, *[1] * len(inner))), shape=(n, *inner))
    op = scatter_add if accumulate else scatter
    rows = op(rows, place, reshaped(values, (n, *inner)), dim=0)
    turned = reshaped(rows, tuple([sizes[d] for d in order]))
    core.inplace(copy, x, (permute(turned, dims=inverse(order)),), {})


def _adjacent(dims):
    """Whether index tensors are side by side, and leave what they gather in their place."""
    return dims == list(range(dims[0], dims[0] + len(dims)))


def _parts(x, index):
    """The entries of an index, masks read and the ellipsis written out."""
    parts = list(index) if isinstance(index, (tuple, list)) else [index]
    parts = [wrap(values(p._array)) if _is_mask(p) else p for p in parts]
    if any([part is ... for part in parts]):
        at = next(k for k, part in enumerate(parts) if part is ...)
        spare = x._array.ndim - sum([_consumed(p) for p in parts])
        parts[at : at + 1] = [slice(None)] * spare
    return parts


def _consumed(part):
    return indexing._consumed(part._array if isinstance(part, TensorBase) else part)


def _dim_of(parts, k):
    """The dimension that entry k is for."""
    return sum([_consumed(part) for part in parts[:k]])


def taken_apart(x, parts):
    """(the view that the rest of the index makes, its dimensions with index tensors, these tensors, whether they are
    one mask)."""
    stand_ins = [np.zeros(p._array.shape, p._array.dtype) if _is_hidden(p) else p for p in parts]
    plain = tuple(indexing._parts(tuple(stand_ins)))
    op, basic, key, one_mask = indexing.split(x._array, plain)
    view = x if op is ops.alias and x._array.ndim else indexing._viewed(x, op, basic)
    if key is None:
        return view, [], [], False
    indexing._check_together(key)
    dims = [d for d, part in enumerate(key) if not isinstance(part, slice)]
    # A mask has an entry in the key for each of its dimensions.
    sources = []
    for given, part in zip(parts, plain):
        if isinstance(part, (bool, np.ndarray)):
            is_mask = isinstance(part, bool) or part.dtype == np.bool_
            sources += [None] * max(np.ndim(part), 1) if is_mask else [given if _is_hidden(given) else None]
    return view, dims, [wrap(key[d]) if found is None else found for d, found in zip(dims, sources)], one_mask


def _is_hidden(part):
    return isinstance(part, TensorBase) and type(part._array) is Batched


def _is_mask(part):
    return _is_hidden(part) and part._array.dtype in (np.bool_, np.uint8)


def _selected(x, parts):
    """Index tensors without dimensions choose one entry each, before all others, as integers do: the entries, in
    dimensions of size 1, and the parts with 0 for them."""
    rest = list(parts)
    for k, part in enumerate(parts):
        if _is_hidden(part) and part._array.ndim == 0:
            x = ops.index_select(x, reshaped(part, (1,)), dim=_dim_of(parts, k))
            rest[k] = 0
    return x, rest


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
