"""Rows looked up in a table, alone or in bags."""

import numpy as np

from ... import core, dtypes
from ...core import written
from ...errors import tensor_type
from ...functions import selecting
from ...functions.arguments import check_number, check_optional, check_tensors
from ...functions.scattering import check_range
from ...functions.selecting import one_hot
from ...ops import bags
from ...ops import index as ops
from ...ops.copying import to_dtype
from ...ops.hidden import Batched, every, values
from .arguments import check_flags, check_tensor

__all__ = ["embedding", "embedding_bag", "one_hot"]


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (V, D) at the indices `input` (*): (*, D).

    The row `padding_idx` gets no gradient; rows longer than `max_norm` are shortened in place first;
    `scale_grad_by_freq` divides gradients by how often a row was looked up. Gradients are dense also with `sparse`.
    IndexError for an index out of range.

    >>> import rushlight
    >>> table = rushlight.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> rushlight.nn.functional.embedding(rushlight.tensor([1, 0]), table)
    tensor([[3., 4.],
            [1., 2.]])
    """
    check_tensor(weight, "embedding", 1, "weight")
    check_tensor(input, "embedding", 2, "indices")
    padding_idx = _padding(padding_idx, weight)
    if max_norm is not None:
        check_rows(input, weight)
        _shorten(weight, input, max_norm, norm_type)
    return selecting.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _padding(padding_idx, weight):
    if padding_idx is None:
        return -1
    rows = weight.shape[0]
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def check_rows(indices, weight):
    if indices._array.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{tensor_type(indices._array)} instead (while checking arguments for embedding_bag)"
        )
    check_range(indices, weight.shape[0], IndexError, "index out of range in self")


def _shorten(weight, indices, max_norm, norm_type):
    """Scale the rows that are longer than max_norm down to it, in place."""
    check_number(max_norm, "embedding_renorm_", 3, "max_norm", "float")
    check_number(norm_type, "embedding_renorm_", 4, "norm_type", "float")
    if type(weight._array) is Batched:
        _shorten_samples(weight, indices, max_norm, norm_type)
        return
    rows = np.unique(every(indices._array))
    lengths = np.linalg.norm(weight._array[rows].astype(np.float64), norm_type, axis=1)
    long = lengths > max_norm
    scale = max_norm / (lengths[long] + 1e-7)
    weight._array[rows[long]] = (weight._array[rows[long]] * scale[:, None]).astype(weight._array.dtype)
    written(weight)


def _shorten_samples(weight, indices, max_norm, norm_type):
    """The same for tables that differ between samples (vmap), by operations."""
    table = weight.detach()
    named = table.new_zeros(len(table)).index_fill(0, indices.reshape(-1), 1) > 0
    lengths = table.norm(norm_type, 1)
    scale = (max_norm / (lengths + 1e-7)).masked_fill(~named | (lengths <= max_norm), 1)
    table.mul_(scale.unsqueeze(1))
    written(weight)


def embedding_bag(
    input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
    per_sample_weights=None, include_last_offset=False, padding_idx=None,
):  # fmt: skip
    """The mean, sum or max of the rows of `weight` at each bag of indices.

    `input` (B, N): each row is a bag; `input` (N,) with `offsets` (B,): a bag goes from one offset to the next.
    Entries equal to `padding_idx` are left out; `per_sample_weights` (for mode "sum") multiply the rows.

    >>> import rushlight
    >>> table = rushlight.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> rushlight.nn.functional.embedding_bag(rushlight.tensor([[0, 1]]), table)
    tensor([[2., 3.]])
    """
    check_tensors("embedding_bag", weight=weight, indices=input)
    check_optional(offsets, "embedding_bag", 3, "offsets")
    if weight.dtype == dtypes.int64 and input.is_floating_point():
        input, weight = weight, input
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    indices, starts, per_sample_weights = _bags(input, offsets, per_sample_weights, include_last_offset)
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    check_flags("embedding_bag", 4, scale_grad_by_freq=scale_grad_by_freq)
    check_flags("embedding_bag", 6, sparse=sparse)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            "(got "
            f"mode='{mode}'). Please open a feature request on GitHub."
        )
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    padding = _padding(padding_idx, weight)
    check_rows(indices, weight)
    if max_norm is not None:
        _shorten(weight, indices, max_norm, norm_type)
    return _summed(weight, indices, starts, padding, mode, per_sample_weights, scale_grad_by_freq)


def _bags(input, offsets, per_sample_weights, include_last_offset):
    """The indices in one row, where each bag of them begins, and their weights in one row."""
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then it must "
            "have the "
            f"same shape as the input ({list(input.shape)})"
        )
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        n, width = input.shape
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
        return input.reshape(-1), np.arange(n) * width, per_sample_weights
    if input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    check_flags("embedding_bag", 8, include_last_offset=include_last_offset)
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    starts = values(offsets._array)
    _check_starts(starts, input.shape[0], include_last_offset)
    if not include_last_offset:
        return input, starts, per_sample_weights
    end = int(starts[-1])
    if end < input.shape[0]:
        input, per_sample_weights = input[:end], None if per_sample_weights is None else per_sample_weights[:end]
    return input, starts[:-1], per_sample_weights


def _check_starts(starts, count, include_last_offset):
    if not starts.size:
        if include_last_offset:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        return
    if starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. "
            "However, got "
            f"{starts[0]}"
        )
    if starts[-1] > count:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {count} but got offsets[-1] of {starts[-1]}"
        )
    if (starts[1:] < starts[:-1]).any():
        raise RuntimeError("embedding_bag: offsets must not decrease: each says where a sequence begins")


def _summed(weight, indices, starts, padding, mode, per_sample_weights, by_frequency):
    chosen = indices
    if padding >= 0:
        array = values(indices._array)
        kept = np.flatnonzero(array != padding)
        starts, chosen = np.searchsorted(kept, starts), core.wrap(array[kept])
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.index_select(0, core.wrap(kept))
    count, dtype = chosen._array.size, weight._array.dtype
    if mode == "mean" and dtype.itemsize == 2:
        # The sum may be beyond what half precision holds.
        out = _summed(to_dtype(weight, dtype=np.dtype(np.float32)), chosen, starts, -1, mode, None, by_frequency)
        return to_dtype(out, dtype=dtype)
    if mode == "max":
        return bags.bag_max(weight, chosen, core.wrap(starts))[0]
    if by_frequency:
        weight = ops.embedding(weight, chosen, scale_grad_by_freq=True)
        chosen = core.wrap(np.arange(count))
    out = bags.bag_sum(weight, per_sample_weights, chosen, core.wrap(starts))
    if mode == "sum":
        return out
    sizes = np.maximum(np.diff(starts, append=count), 1).astype(dtype)
    return out / core.wrap(sizes[:, None])


def bookkeeping(out, weight, indices, offsets, mode, include_last_offset, padding_idx):
    """What the native embedding_bag tells besides: the bag of each index, the bags' sizes, where their maxima are."""
    starts = values(offsets._array)
    starts = starts[:-1] if include_last_offset else starts
    if mode == 0:
        return np.empty(0, np.int64), np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    named = values(indices._array)
    bag = np.searchsorted(starts, np.arange(len(named)), side="right") - 1
    kept = np.arange(len(named)) if padding_idx is None else np.flatnonzero(named != padding_idx % weight.shape[0])
    sizes = np.bincount(bag[kept], minlength=len(starts))
    if mode == 1:
        return bag, sizes, sizes
    _, winners = bags.bag_max.compute([weight._array, named[kept], np.searchsorted(kept, starts)], {})
    return bag, sizes, np.maximum(winners, 0)
