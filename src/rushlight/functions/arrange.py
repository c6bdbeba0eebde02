"""Elements in other places: flip, roll, rot90, repeat, tile; and powers of a vector."""

import numpy as np

from ..allocation import LARGEST, checked
from ..core import TensorBase, wrap
from ..kernels import load
from ..ops import index as indexing
from ..ops import pad as padding
from ..ops import powers
from ..ops import shape as ops
from ..ops.hidden import values
from .arguments import check_flags, check_tensor, wrap_dim, wrap_dims
from .options import read_number
from .shape import flatten, given, integers

_kernels = load("ranges")


def flip(input, *args, dims=None):
    """A copy with the entries along the given dimensions in reverse order.

    >>> import rushlight
    >>> rushlight.arange(3).flip(0)
    tensor([2, 1, 0])
    """
    check_tensor(input, "flip")
    dims = given(args, dims, "flip", "dims")
    return ops.flip(input, dims=wrap_dims(dims, input._array.ndim) if dims else ())


def fliplr(input):
    """A copy with the columns in reverse order: dimension 1 of (n, m, *). RuntimeError for fewer than 2 dimensions."""
    check_tensor(input, "fliplr")
    if input._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return ops.flip(input, dims=(1,))


def flipud(input):
    """A copy with the rows in reverse order: dimension 0 of (n, *). RuntimeError for a scalar."""
    check_tensor(input, "flipud")
    if input._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return ops.flip(input, dims=(0,))


def roll(input, shifts, dims=None):
    """A copy with the entries moved on by `shifts` along `dims`, those at the end to the front.

    Without `dims` all elements move as if in a row.

    >>> import rushlight
    >>> rushlight.arange(3).roll(1)
    tensor([2, 0, 1])
    """
    check_tensor(input, "roll")
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not shifts:
        raise RuntimeError("`shifts` required")
    if len(shifts) != len(dims) and not (not dims and len(shifts) == 1):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not input._array.size:
        return input.clone()
    if dims and not input._array.ndim:
        raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    dims = tuple([wrap_dim(d, input._array.ndim) for d in dims])
    return ops.roll(input, shifts=shifts, dims=dims)


def rot90(input, k=1, dims=(0, 1)):
    """A copy turned by k right angles in the plane of two dimensions, from the first towards the second."""
    check_tensor(input, "rot90")
    ndim = input._array.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = [wrap_dim(d, ndim) for d in dims]
    if first == second:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    return ops.rot90(input, k=k, dims=(first, second))


def repeat(input, *args, repeats=None):
    """A copy of the tensor `repeats` times along each dimension, new ones first.

    >>> import rushlight
    >>> rushlight.arange(2).repeat(2, 2)
    tensor([[0, 1, 0, 1],
            [0, 1, 0, 1]])
    """
    repeats = given(args, repeats, "repeat", "repeats")
    integers(repeats, "repeat", "repeats")
    shape = input._array.shape
    if len(repeats) < len(shape):
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(n < 0 for n in repeats):
        whole = (1,) * (len(repeats) - len(shape)) + shape
        sizes = [n * times for n, times in zip(whole, repeats)]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {sizes}")
    return ops.repeat(input, repeats=repeats)


def tile(input, *args, dims=None):
    """A copy of the tensor `dims` times along its last dimensions."""
    check_tensor(input, "tile")
    dims = given(args, dims, "tile", "dims")
    integers(dims, "tile", "dims")
    return repeat(input, (1,) * (input._array.ndim - len(dims)) + dims)


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each entry along a dimension (of all in a row, without `dim`) repeated; `repeats` is a number or one for each.

    With one tensor of counts: each index as often as its count says.

    >>> import rushlight
    >>> rushlight.arange(2).repeat_interleave(2)
    tensor([0, 0, 1, 1])
    """
    check_tensor(input, "repeat_interleave")
    if repeats is None:
        if input._array.ndim != 1:
            raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
        counts = _counts(input)
        return wrap(_repeated(counts, len(counts), 0, output_size).astype(input._array.dtype, copy=False))
    if dim is None:
        input, dim = flatten(input), 0
    elif not input._array.ndim:
        wrap_dim(dim, 0)
        input, dim = flatten(input), 0
    dim = wrap_dim(dim, input._array.ndim)
    if isinstance(repeats, TensorBase):
        return _by_counts(input, _counts(repeats), dim, output_size)
    if isinstance(repeats, (tuple, list)):
        return _by_counts(input, np.array(repeats, np.int64), dim, output_size)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    total = input._array.shape[dim] * repeats
    if output_size is not None and output_size != total:
        raise RuntimeError(f"repeat_interleave: Invalid output_size, expected {total} but got {output_size}")
    return ops.repeat_interleave(input, repeats=repeats, dim=dim)


def _counts(repeats):
    array = values(repeats._array)
    if array.dtype.kind != "i" or array.itemsize < 4:
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{repeats.dtype.scalar_type}'")
    if array.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    return np.ascontiguousarray(array.reshape(-1), np.int64)


def _by_counts(input, counts, dim, output_size):
    n = input._array.shape[dim]
    if len(counts) == 1 and n != 1:
        counts = counts.repeat(n)
    return indexing.index_select(input, wrap(_repeated(counts, n, dim, output_size)), dim=dim)


def _repeated(counts, n, dim, output_size):
    """Each index below n as often as its count says."""
    if len(counts) != n:
        raise RuntimeError(
            f"repeats must have the same size as input along dim, but got repeats.size(0) = {len(counts)} and "
            f"input.size({dim}) = {n}"
        )
    if n and counts.min() < 0:
        raise RuntimeError("repeats can not be negative")
    if n and counts.max() > LARGEST // n:
        checked((sum(counts.tolist()),), 8)
    indices = np.repeat(np.arange(n), counts) if _kernels is None else _kernels.repeated(counts)
    if output_size is not None and output_size != len(indices):
        raise RuntimeError(f"allocated size does not match required size: {output_size} and {len(indices)}")
    return indices


def constant_pad_nd(input, pad, value=0):
    """The tensor with `value` around it: (low, high) for each dimension, the last first; negative numbers crop."""
    check_tensor(input, "constant_pad_nd")
    pad, shape = tuple(pad), input._array.shape
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) // 2 > len(shape):
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad length is "
            f"{len(pad)} while "
            f"the input has {len(shape)} dimensions."
        )
    if not pad:
        return input.clone()
    for back in range(len(pad) // 2):
        n = shape[-1 - back] + pad[2 * back] + pad[2 * back + 1]
        if n < 0:
            raise RuntimeError(
                f"The input size {shape[-1 - back]}, plus negative padding {pad[2 * back]} and {pad[2 * back + 1]} "
                "resulted in a "
                f"negative output size, which is invalid. Check dimension {len(shape) - 1 - back} of your input."
            )
    return padding.constant_pad_nd(input, pad=pad, value=read_number(value, "constant_pad_nd", "value", 3))


def vander(x, N=None, increasing=False):
    """The powers of a 1-D tensor as columns: N (as many as entries) of them, the highest first unless `increasing`."""
    check_tensor(x, "vander", 1, "x")
    check_flags("vander", 3, increasing=increasing)
    if x._array.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x._array.size if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    if x._array.dtype.kind in "bui":
        x = x.long()
    if n < 2:
        return x.new_ones((x._array.size, n))
    out = powers.vander(x, n=n)
    return out if increasing else ops.flip(out, dims=(1,))


FUNCTIONS = (
    "constant_pad_nd", "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90", "tile", "vander",
)  # fmt: skip
METHODS = ("flip", "fliplr", "flipud", "repeat", "repeat_interleave", "roll", "rot90", "tile")
INPLACE = {}
