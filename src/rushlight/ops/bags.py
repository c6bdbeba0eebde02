"""Rows of a table added up, bag by bag."""

import numpy as np

from .. import core
from ..kernels import load
from .batch_rules import each
from .declare import linear
from .index import index_select, index_select_backward
from .search import searchsorted


def bag_of(indices, offsets):
    """The bag of each index, as a tensor."""
    return searchsorted(offsets, core.wrap(np.arange(indices.shape[0])), right=True) - 1


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
    if indices.size and (indices.min() < 0 or indices.max() >= len(weight)):
        raise IndexError("index out of range in self")
    rows = weight[indices]
    if factors is not None:
        rows = rows * factors[:, None]
    bag = np.searchsorted(offsets, np.arange(len(indices)), side="right") - 1
    out = np.zeros((len(offsets), weight.shape[1]), weight.dtype)
    np.add.at(out, bag, rows)
    return out


_kernels = load("bags")
if _kernels is not None:
    bag_sum.accelerate(_kernels.bag_sum)
