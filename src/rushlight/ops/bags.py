"""Rows of a table added up, or the largest of them, bag by bag."""

import numpy as np

from .. import core
from ..kernels import load, meaning
from .batch_rules import each
from .declare import general, linear
from .index import index_select, index_select_backward
from .scatter import gather, gather_backward
from .search import searchsorted
from .selection import where


def bag_of(indices, offsets):
    """The bag of each index, as a tensor."""
    return searchsorted(offsets, core.wrap(np.arange(indices.shape[0])), right=True) - 1


def refuse_rows(weight, indices):
    if indices.size and (indices.min() < 0 or indices.max() >= len(weight)):
        raise IndexError("index out of range in self")


def of_rows(g, indices, offsets):
    """The gradient of each row that was looked up."""
    return index_select(g, bag_of(indices, offsets), dim=0)


def through_weight(g, weight_shape, factors, indices, offsets):
    rows = of_rows(g, indices, offsets)
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    return index_select_backward(rows, indices, dim=0, shape=weight_shape)


@linear(
    batch=each,
    backward="EmbeddingBagBackward0",
    weight=through_weight,
    factors=lambda g, weight, indices, offsets: (
        of_rows(g, indices, offsets) * index_select(weight, indices, dim=0)
    ).sum(1),
)
def bag_sum(weight, factors, indices, offsets):
    """The rows of weight (V, D) at indices (N,), each by its factor, added up from one offset to the next: (B, D).

    Offsets (B,) ascend from 0; the last bag goes to the end. IndexError for an index out of range.
    """
    refuse_rows(weight, indices)
    rows = weight[indices].astype(meaning.accumulator(weight.dtype))
    if factors is not None:
        rows = rows * factors[:, None]
    bag = np.searchsorted(offsets, np.arange(len(indices)), side="right") - 1
    out = np.zeros((len(offsets), weight.shape[1]), rows.dtype)
    np.add.at(out, bag, rows)
    with np.errstate(over="ignore"):
        return out.astype(weight.dtype, copy=False)


def through_max(g, weight_shape, rows):
    empty = rows < 0
    return gather_backward(where(empty, 0.0, g[0]), where(empty, 0, rows), dim=0, shape=weight_shape)


def push_max(weight_t, rows):
    empty = rows < 0
    return where(empty, 0.0, gather(weight_t, where(empty, 0, rows), dim=0)), None


@general(
    batch=each,
    outputs=("values", "rows"),
    backward="EmbeddingBagBackward0",
    weight=through_max,
    push=push_max,
)
def bag_max(weight, indices, offsets):
    """The largest element of each column among the rows of weight (V, D) in a bag, and its row: the first, a nan first.

    As in bag_sum; an empty bag has zeros, and the row -1.
    """
    refuse_rows(weight, indices)
    bags, width = len(offsets), weight.shape[1]
    values, rows = np.zeros((bags, width), weight.dtype), np.full((bags, width), -1)
    for bag, (first, last) in enumerate(zip(offsets, [*offsets[1:], len(indices)])):
        if first < last:
            named = indices[first:last]
            rows[bag] = named[weight[named].argmax(0)]
            values[bag] = weight[rows[bag], np.arange(width)]
    return values, rows


_kernels = load("bags")
if _kernels is not None:
    bag_sum.accelerate(_kernels.bag_sum)
    bag_max.accelerate(_kernels.bag_max)
