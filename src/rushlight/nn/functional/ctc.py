"""Connectionist temporal classification."""

import numpy as np

from ... import casting, core
from ...core import TensorBase
from ...dtypes import int64
from ...ops import ctc as ops
from ...ops.hidden import values
from ...ops.selection import where
from .arguments import check_flags, check_implemented, kind_of, reduction_of, type_name


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """-log of the probability of `targets` under all alignments with `log_probs` (T, N, C), or (T, C) for one sample.

    `targets` are labels (N, S), or those of all samples one after the other; lengths are tensors (N,) or sequences of
    ints. `reduction` "mean" divides each loss by the length of its target first. `zero_infinity` makes infinite losses,
    of inputs too short for their targets, zero and without gradient. The derivative is right for log-probabilities,
    which come from a log-softmax.

    >>> import rushlight
    >>> log_probs = rushlight.zeros(3, 1, 2).log_softmax(2)
    >>> rushlight.nn.functional.ctc_loss(log_probs, rushlight.tensor([[1]]), (3,), (1,)).exp()
    tensor(1.3333)
    """
    check_flags("ctc_loss", 7, zero_infinity=zero_infinity)
    reduction = reduction_of(reduction)
    given = (log_probs, targets, input_lengths, target_lengths)
    if not all(isinstance(x, TensorBase) for x in given[:2]) or not all(_may_be_lengths(x) for x in given[2:]):
        raise TypeError(
            "ctc_loss() received an invalid combination of arguments - got "
            f"({', '.join([type_name(x) for x in given])}, int, int, bool), but expected one of:\n"
            " * (Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank, int reduction, "
            "bool zero_infinity)\n"
            " * (Tensor log_probs, Tensor targets, tuple of ints input_lengths, tuple of ints target_lengths, int blank, "
            "int reduction, bool zero_infinity)"
        )
    if casting.in_force:
        (log_probs,) = casting.wide(log_probs)
    spans, lengths = _lengths(input_lengths, "input_lengths"), _lengths(target_lengths, "target_lengths")
    alone = log_probs.ndim == 2
    if alone:
        log_probs = log_probs.unsqueeze(1)
    if not log_probs.numel():
        raise RuntimeError("log_probs tensor must not be empty")
    _check(log_probs, spans, lengths, blank)
    rows = _rows(targets, lengths, log_probs.shape[1])
    losses = ops.ctc_loss(log_probs, rows, spans, lengths, blank=blank, zero_infinity=zero_infinity)
    if zero_infinity:
        losses = where(losses == np.inf, 0.0, losses)
    return _reduced(losses, lengths, reduction, alone)


def ctc_loss_by_number(log_probs, targets, input_lengths, target_lengths, blank=0, reduction=1, zero_infinity=False):
    """The same with `reduction` 0 for "none", 1 for "mean", 2 for "sum": what the package calls ctc_loss."""
    reduction = {1: "mean", 2: "sum"}.get(reduction, "none")
    return ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)


def _may_be_lengths(value):
    return isinstance(value, (TensorBase, tuple, list))


def _lengths(value, name):
    """Lengths (N,) as a tensor of integers."""
    if not isinstance(value, TensorBase):
        value = core.wrap(np.asarray(value, np.int64))
    if kind_of(value) not in "ib":
        raise RuntimeError(f"{name} must be integral")
    return value.to(int64).reshape(-1)


def _check(log_probs, spans, lengths, blank):
    check_implemented(log_probs, "ctc_loss_cpu")
    if log_probs.element_size() < 4:
        check_implemented(log_probs, "ctc_loss_cpu", kinds="")
    _, count, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, given in (("input_lengths", spans), ("target_lengths", lengths)):
        if given.numel() != count:
            raise RuntimeError(f"{name} must be of size batch_size")


def _rows(targets, lengths, count):
    """The labels in rows (N, S), whichever way they were given."""
    targets = targets.to(int64)
    if targets.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, but got {targets.ndim}-dimensional tensor for argument #2 'targets' "
            f"{ops.WHILE}"
        )
    if targets.ndim == 2 and targets.shape[0] != count:
        raise _misfit(count, targets.shape[0])
    if targets.ndim == 2:
        return targets
    # One target takes no reading of lengths, so it may be one of a batch (vmap).
    return targets.unsqueeze(0) if count == 1 else _parted(values(targets._array), values(lengths._array))


def _misfit(wanted, size):
    return RuntimeError(
        f"Expected tensor to have size {wanted} at dimension 0, but got size {size} for argument #2 'targets' "
        f"{ops.WHILE}"
    )


def _parted(labels, lengths):
    """Labels of samples one after the other as rows, filled up with zeros."""
    if labels.size != lengths.sum():
        raise _misfit(lengths.sum(), labels.size)
    rows = np.zeros((lengths.size, lengths.max(initial=0)), np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = labels
    return core.wrap(rows)


def _reduced(losses, lengths, reduction, alone):
    if reduction == "mean":
        return (losses / lengths.clamp(min=1).to(losses.dtype)).mean()
    if reduction == "sum":
        return losses.sum()
    return losses.squeeze(0) if alone else losses
