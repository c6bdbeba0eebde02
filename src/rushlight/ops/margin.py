"""Losses that keep the scores of classes apart by a margin: a loss for each sample, over the number of classes."""

import numpy as np

from .. import core
from ..kernels import load
from .batch_rules import full, merged, parted
from .declare import general
from .selection import where


def margins_of_samples(op, size, inputs, batched, params):
    x, target = [merged(full(y, size, b)) for y, b in zip(inputs, batched)]
    return parted(op(x, target, **params), size)


def is_own(x, target):
    """Where the class of each target is, as a tensor like x."""
    return target.unsqueeze(1) == core.wrap(np.arange(x.shape[1]))


def steepness(x, target, p, margin):
    """How each sample's loss moves with each class's distance from the sample's own."""
    short = margin - x.gather(1, target.unsqueeze(1)) + x
    slope = short.clamp(min=0) * 2 if p == 2 else where(short > 0, 1.0, short * 0)
    return where(is_own(x, target), 0.0, slope) / x.shape[1]


def through_multi_margin(g, x, target, p, margin):
    slope = steepness(x, target, p, margin) * g.unsqueeze(1)
    return where(is_own(x, target), -slope.sum(1, True), slope)


def push_multi_margin(x_t, x, target, p, margin):
    return (steepness(x, target, p, margin) * (x_t - x_t.gather(1, target.unsqueeze(1)))).sum(1)


@general(
    batch=margins_of_samples,
    backward="MultiMarginLossBackward0",
    x=through_multi_margin,
    push=push_multi_margin,
)
def multi_margin_loss(x, target, *, p, margin):
    """The sum over the other classes of max(0, margin - x[target] + x[class]) ** p, for x (N, C): (N,)."""
    rows = np.arange(len(x))
    short = np.maximum(margin - x[rows, target][:, None] + x, 0) ** p
    short[rows, target] = 0
    return (np.add.reduce(short, axis=1) / x.shape[1]).astype(x.dtype, copy=False)


_kernels = load("margin")
if _kernels is not None:
    multi_margin_loss.accelerate(_kernels.multi_margin_loss, x=_kernels.through_multi_margin)
