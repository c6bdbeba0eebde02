"""Sequences of different lengths: padded to one length, or packed one time after the other."""

from collections import namedtuple

import numpy as np

from ... import core, dtypes
from ...core import TensorBase
from ...functions.arguments import check_tensor
from ...functions.broadcasting import common_shape
from ...functions.joining import stack
from ...ops.hidden import values
from ..functional.pad import pad

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip

PackedSequence_ = namedtuple("PackedSequence_", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


class PackedSequence(PackedSequence_):
    """Sequences sorted by length, the first entries of all, then the second of those that have one, and so on.

    `batch_sizes` (T,) says how many there are at each time. `sorted_indices` brings the sequences from the user's order
    into that of the lengths, `unsorted_indices` brings them back; both are None for sequences that came sorted.
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """The sequences with their data of another dtype."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self, *args, **kwargs):
        """Itself: all data is in the memory of the CPU."""
        return self.to(*args, device="cpu", **kwargs)

    def double(self):
        return self.to(dtypes.float64)

    def float(self):
        return self.to(dtypes.float32)

    def half(self):
        return self.to(dtypes.float16)

    def long(self):
        return self.to(dtypes.int64)

    def int(self):
        return self.to(dtypes.int32)

    def short(self):
        return self.to(dtypes.int16)

    def char(self):
        return self.to(dtypes.int8)

    def byte(self):
        return self.to(dtypes.uint8)

    @property
    def is_cuda(self):
        return self.data.is_cuda

    def is_pinned(self):
        return False

    def pin_memory(self):
        """Itself: no memory is pinned."""
        return self


def invert_permutation(permutation):
    """The permutation (N,) that undoes another; None for None.

    >>> import rushlight
    >>> invert_permutation(rushlight.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    return core.wrap(np.argsort(permutation._array, kind="stable"))


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack padded sequences (T, N, *), or (N, T, *) with batch_first, of the given lengths (N,).

    The lengths must be sorted, the longest first, or `enforce_sorted` be False. RuntimeError where they are not, are not
    positive, or are not as many as the sequences.

    >>> import rushlight
    >>> packed = pack_padded_sequence(rushlight.tensor([[1, 2], [3, 0]]), [2, 1])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 2, 3]), tensor([2, 1]))
    """
    lengths = (values(lengths._array) if isinstance(lengths, TensorBase) else np.asarray(lengths)).astype(np.int64)
    if lengths.ndim != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu Long tensor"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-lengths, kind="stable")
        lengths = lengths[order]
    check_tensor(input, "_pack_padded_sequence")
    if not batch_first:
        input = input.transpose(0, 1)
    _check_lengths(input, lengths)
    sizes = _sizes(lengths)
    # Which entry of all the sequences' entries, one sequence after the other, comes where.
    rows = np.arange(len(lengths)) if order is None else order
    place = rows * input.shape[1] + np.arange(len(sizes))[:, None]
    place = place[np.arange(len(lengths)) < sizes[:, None]]
    data = input.reshape(-1, *input.shape[2:]).index_select(0, core.wrap(place))
    return PackedSequence(data, core.wrap(sizes), None if order is None else core.wrap(order))


def _check_lengths(input, lengths):
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != input.shape[0]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={input.shape[0]})"
        )
    if lengths.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (np.diff(lengths) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do "
            "not need ONNX exportability."
        )
    if lengths[0] > input.shape[1]:
        raise RuntimeError(
            f"Expected lengths to be at most the padded length, but got {lengths[0]} (padded length {input.shape[1]})"
        )


def _sizes(lengths):
    """How many sequences there are at each time."""
    return (lengths > np.arange(lengths.max())[:, None]).sum(1)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(padded sequences, lengths) of packed ones, in the user's order: (T, N, *), or (N, T, *) with batch_first.

    They are padded to the length of the longest, or to `total_length`; ValueError where that is shorter.
    """
    sizes = values(sequence.batch_sizes._array)
    steps = len(sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    count, data, order = int(sizes[0]), sequence.data, sequence.unsorted_indices
    there = np.arange(count) < sizes[:, None]
    time, row = np.nonzero(there)
    if order is not None:
        order = values(order._array)
        row = np.argsort(order)[row]
    place = row * steps + time if batch_first else time * count + row
    flat = data.new_full((steps * count, *data.shape[1:]), padding_value).index_copy(0, core.wrap(place), data)
    lengths = there.sum(0) if order is None else there.sum(0)[order]
    first = (count, steps) if batch_first else (steps, count)
    return flat.reshape(*first, *data.shape[1:]), core.wrap(lengths)


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L_i, *) as one tensor (T, N, *), or (N, T, *) with batch_first, filled up at `padding_side`.

    >>> import rushlight
    >>> pad_sequence([rushlight.tensor([1, 2]), rushlight.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequences, TensorBase) and not hasattr(sequences, "__iter__"):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = tuple(sequences.unbind(0) if isinstance(sequences, TensorBase) else sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for i, sequence in enumerate(sequences):
        if not isinstance(sequence, TensorBase):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(sequence).__name__}")
        if sequence.ndim == 0:
            raise RuntimeError("ArrayRef: invalid slice, N = 1; size = 0")
    return _padded(sequences, 0 if batch_first else 1, padding_value, padding_side == "left")


def _padded(sequences, axis, value, left):
    first, steps = sequences[0], max([len(s) for s in sequences])
    whole = []
    for sequence in sequences:
        if sequence.dtype != first.dtype:
            sequence = sequence.to(first.dtype)
        if sequence.shape[1:] != first.shape[1:]:
            common_shape([first[:1], sequence[:1]])
            sequence = sequence.expand(len(sequence), *first.shape[1:])
        missing = steps - len(sequence)
        if missing:
            sides = (missing, 0) if left else (0, missing)
            sequence = pad(sequence, (0, 0) * (sequence.ndim - 1) + sides, value=value)
        whole.append(sequence)
    return stack(whole, axis)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """A list of the sequences that were padded to (T, N, *), or (N, T, *) with batch_first."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[: int(length)] for row, length in zip(padded_sequences.unbind(0), lengths.tolist())]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of sequences (L_i, *), the longest first unless `enforce_sorted` is False."""
    lengths = core.wrap(np.array([len(sequence) for sequence in sequences]))
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """A list of the sequences that were packed, in the user's order."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
