"""Reductions of neighbouring entries: each segment of a dimension to one entry."""

from math import nan

import numpy as np

from ..core import TensorBase, wrap
from ..ops import scatter
from ..ops.copying import expand
from ..ops.hidden import values
from ..ops.selection import where
from ..ops.shape import reshaped
from .arguments import check_flags, check_tensor
from .options import read_number
from .reduction import refuse

_REDUCTIONS = {"sum": ("sum", 0.0), "mean": ("sum", 0.0), "prod": ("prod", 1.0), "max": ("amax", -np.inf),
               "min": ("amin", np.inf)}  # fmt: skip


def segment_reduce(data, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None):
    """Each segment of `data` along `axis` reduced to one entry by sum, mean, prod, max or min.

    The segments have the given `lengths`, an integer tensor whose last dimension is `axis` and whose other sizes are
    those of `data` before it; or they begin and end at `offsets`. `initial` counts as one more entry at the start,
    which a mean does not count. Empty segments give it, or without it 0, nan, 1, -inf and inf. RuntimeError where
    lengths do not add up to the size of `data`, unless `unsafe`.

    >>> import rushlight
    >>> rushlight.segment_reduce(rushlight.arange(4.0), "sum", lengths=rushlight.tensor([1, 3]))
    tensor([0., 6.])
    """
    check_tensor(data, "segment_reduce", name="data")
    check_flags("segment_reduce", None, unsafe=unsafe)
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if reduce not in _REDUCTIONS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    by_offsets = offsets is not None
    lengths, start = _segments(data, lengths, offsets, axis)
    refuse(data, "biuc", "_segment_reduce_cpu")
    shape, lead = data._array.shape, lengths.shape[:-1]
    ends = start + lengths.sum(-1)
    whole = (ends <= shape[axis]) if unsafe or by_offsets else (ends == shape[axis])
    if not whole.all():
        raise RuntimeError(
            "segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe."
        )
    # All rows in one, their segments one after the other.
    rows = int(np.prod(lead))
    count, n = lengths.shape[-1], shape[axis]
    flat = lengths.reshape(rows, count)
    place = (np.arange(rows)[:, None] * n + start.reshape(rows, 1) + flat.cumsum(-1) - flat).reshape(-1)
    flat = flat.reshape(-1)
    ids = np.repeat(np.arange(rows * count), flat)
    taken = np.arange(flat.sum()) - np.repeat(flat.cumsum() - flat, flat) + np.repeat(place, flat)
    entries = reshaped(data, (rows * n, *shape[axis + 1 :]))[wrap(taken)]
    out = _reduced(
        entries, ids, flat, reduce, None if initial is None else read_number(initial, "segment_reduce", "initial", 7)
    )
    return reshaped(out, (*lead, count, *shape[axis + 1 :]))


def _reduced(entries, ids, lengths, reduce, initial):
    """The entries of each segment, which `ids` number, reduced to one."""
    by, neutral = _REDUCTIONS[reduce]
    rest = entries._array.shape[1:]
    start = entries.new_full((len(lengths), *rest), neutral if initial is None else initial)
    place = expand(wrap(ids.reshape(-1, *[1] * len(rest))), shape=entries._array.shape)
    out = scatter.scatter_reduce(start, place, entries, dim=0, reduce=by, include_self=True)
    if reduce != "mean":
        return out
    counts = lengths.reshape(-1, *[1] * len(rest))
    out = out / wrap(np.maximum(counts, 1).astype(entries._array.dtype))
    return where(wrap(counts == 0), nan, out) if initial is None else out


def _segments(data, lengths, offsets, axis):
    """(lengths, where the first segment of each row starts), arrays."""
    given = lengths if offsets is None else offsets
    name = "lengths" if offsets is None else "offsets"
    if not isinstance(given, TensorBase):
        raise TypeError(f"segment_reduce(): argument '{name}' must be Tensor, not {type(given).__name__}")
    if given._array.dtype not in (np.int64, np.int32):
        refuse(given, "fcVbiu", f"_segment_reduce_{name}_cpu_kernel1")
    array = values(given._array)
    if data._array.ndim < array.ndim or data._array.shape[: array.ndim - 1] != array.shape[:-1]:
        raise RuntimeError(
            f"segment_reduce(): data of shape {list(data._array.shape)} has no segments for {name} of shape "
            f"{list(array.shape)}"
        )
    if axis + data._array.ndim * (axis < 0) != array.ndim - 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}.")
    if offsets is None:
        sizes, start = array, np.zeros(array.shape[:-1], np.int64)
    else:
        sizes, start = np.diff(array, axis=-1), array[..., 0]
    if sizes.size and sizes.min() < 0:
        raise RuntimeError(f"{name} contains negative value!" if offsets is None else "offsets must not decrease")
    return sizes, start


_segment_reduce = segment_reduce
FUNCTIONS = ("_segment_reduce", "segment_reduce")
METHODS = ()
INPLACE = {}
