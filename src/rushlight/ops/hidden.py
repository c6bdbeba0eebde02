"""The array that a tensor shows under vmap."""

import numpy as np

from .. import core, watching
from ..errors import coded


class Split(BaseException):
    """A value was read that differs between the samples of `level`: each of `groups` agrees on it.

    vmap catches it and goes on with each group; no `except Exception` of a user's shall.
    """

    def __init__(self, level, groups):
        self.level = level
        self.groups = groups


class Unlike(Exception):
    """The results of an operation differ in shape between samples: those of each of `groups` are alike."""

    def __init__(self, groups):
        self.groups = groups


class Batched(np.ndarray):
    """The shape, dtype and strides of one sample. Its values are not for computing: each sample has its own.

    `hidden` is the tensor of all samples: its first dimension is the batch, or (`batched` False) it is the same for all.
    """

    level = hidden = None
    batched = False
    # The array that the tensor showed when it was the same for all samples, where it was.
    before = None

    def _refuse(self, *_, **__):
        raise coded(
            "RL514",
            RuntimeError(
                "vmap: It looks like this operation reads the values of a batched tensor, which has no batching rule."
            ),
        )

    def __array_function__(self, func, types, args, kwargs):
        if func not in _OF_SHAPES:
            self._refuse()
        plain = [a.view(np.ndarray) if type(a) is Batched else a for a in args]
        return func(*plain, **kwargs)

    __array_ufunc__ = __setitem__ = __bool__ = __int__ = __float__ = _refuse
    __index__ = __complex__ = copy = astype = tobytes = any = all = nonzero = _refuse

    def __getitem__(self, index):
        """The part, whose values are as hidden; for its shape."""
        part = super().__getitem__(index)
        return part if isinstance(part, np.ndarray) else self._refuse()

    def __del__(self):
        # While one is left, operations go the way on which it is recognized.
        if self.level is not None:
            core.transforms_entered(-1)

    def item(self):
        return values(self).item()

    def tolist(self):
        return values(self).tolist()


# What NumPy tells of an array without looking at its values.
_OF_SHAPES = (np.empty_like, np.zeros_like, np.ones_like, np.full_like, np.shape, np.ndim, np.may_share_memory)


def values(array):
    """An array whose values are asked for. Under vmap it must be the same for all samples, or else the batch is split."""
    if type(array) is not Batched:
        if watching.in_force:
            watching.asked(array)
        return array
    if array.hidden is None:
        array._refuse()
    levels = []
    while type(array) is Batched:
        levels.append(array)
        array = array.hidden._array
    for shown in reversed(levels):
        if not shown.level.open:
            raise outlived()
        if shown.batched:
            array = _agreed(array, shown.level)
    return np.asarray(array)


def every(array):
    """The values of all samples, in an array that has the batches first: for what is to hold for each of them."""
    while type(array) is Batched:
        array = array.hidden._array
    return array


def _agreed(array, level):
    """The one value of all samples."""
    rows = [row.tobytes() for row in array]
    if not rows:
        return np.zeros(array.shape[1:], array.dtype)
    if all([row == rows[0] for row in rows]):
        return array[0, ...]
    groups = {}
    for place, row in enumerate(rows):
        groups.setdefault(row, []).append(place)
    raise Split(level, list(groups.values()))


def outlived():
    return coded("RL513", RuntimeError("vmap: a batched tensor was used outside of the vmap() that made it."))


def may_hold(x, value):
    """Whether an element of the tensor x equals `value`; where the elements are hidden, one may."""
    array = x._array
    return type(array) is Batched or bool((array == value).any())
