"""Sorting, searching, sets."""

from collections import namedtuple

import numpy as np

import rushlight

from ..core import TensorBase
from .elementwise import together

unique_all_result = namedtuple("unique_all_result", ("values", "indices", "inverse_indices", "counts"))
unique_counts_result = namedtuple("unique_counts_result", ("values", "counts"))
unique_inverse_result = namedtuple("unique_inverse_result", ("values", "inverse_indices"))


def argsort(x, /, *, axis=-1, descending=False, stable=True):
    return rushlight.argsort(x, dim=axis, descending=descending, stable=stable)


def sort(x, /, *, axis=-1, descending=False, stable=True):
    return rushlight.sort(x, dim=axis, descending=descending, stable=stable).values


def isin(x1, x2, /, *, invert=False):
    return rushlight.isin(*together(x1, x2), invert=invert)


def nonzero(x, /):
    """A tuple of indices for each dimension."""
    if x.ndim == 0:
        raise ValueError("nonzero needs an array of at least one dimension")
    return tuple(rushlight.nonzero(x, as_tuple=True))


def searchsorted(x1, x2, /, *, side="left", sorter=None):
    x1, x2 = together(x1, x2) if isinstance(x2, TensorBase) else (x1, rushlight.tensor(x2, dtype=x1.dtype))
    return rushlight.searchsorted(x1, x2, side=side, sorter=sorter)


def unique_all(x, /):
    """The values that differ, where each is first, which of them each element is, and how many there are of each.

    Each nan is a value of its own.
    """
    _, first, inverse, counts = np.unique(
        x.detach().numpy(), return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    first, inverse, counts = [rushlight.from_numpy(a.astype(np.int64)) for a in (first, inverse, counts)]
    return unique_all_result(x.reshape(-1)[first], first, inverse.reshape(x.shape), counts)


def unique_counts(x, /):
    found = unique_all(x)
    return unique_counts_result(found.values, found.counts)


def unique_inverse(x, /):
    found = unique_all(x)
    return unique_inverse_result(found.values, found.inverse_indices)


def unique_values(x, /):
    return unique_all(x).values
