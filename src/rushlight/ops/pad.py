"""Padding of trailing dimensions, `pad` in PyTorch's order: (low, high) of the last one first; negative ones crop."""

from functools import lru_cache

import numpy as np

from ..kernels import load
from .batch_rules import as_it_is
from .declare import general, linear, renamed


def negated(pad):
    return tuple([-p for p in pad])


def pairs(pad):
    """(low, high) for each padded dimension, the first dimension first."""
    return [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]


@general(
    batch=as_it_is,
    backward="ConstantPadNdBackward0",
    x=lambda g, pad: constant_pad_nd(g, pad=negated(pad), value=0),
    push=lambda x_t, pad: constant_pad_nd(x_t, pad=pad, value=0),
)
def constant_pad_nd(x, *, pad, value):
    sides = [(0, 0)] * (x.ndim - len(pad) // 2) + pairs(pad)
    shape = tuple([n + low + high for n, (low, high) in zip(x.shape, sides)])
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    target = tuple([slice(max(low, 0), n + low + min(high, 0)) for n, (low, high) in zip(x.shape, sides)])
    source = tuple([slice(max(-low, 0), n + min(high, 0)) for n, (low, high) in zip(x.shape, sides)])
    out[target] = x[source]
    return out


def sources(mode, n, low, high):
    """The entry that each place of a padded dimension of size n shows."""
    if mode == "circular":
        # What a negative size crops does not come round again.
        first, last = max(-low, 0), n - max(-high, 0)
        return first + np.arange(-max(low, 0), last - first + max(high, 0)) % (last - first)
    place = np.arange(-low, n + high)
    if mode == "replicate":
        return np.clip(place, 0, n - 1)
    place = np.abs(place)
    return np.where(place >= n, 2 * (n - 1) - place, place)


@linear(
    batch=as_it_is,
    backward="ReflectionPad1DBackward0",
    x=lambda g, x_shape, pad, mode: unpad(g, size=x_shape[len(x_shape) - len(pad) // 2 :], pad=pad, mode=mode),
)
def pad_by(x, *, pad, mode):
    """x with the padded places showing entries of its own: mode "reflect", "replicate" or "circular"."""
    for axis, (low, high) in zip(range(x.ndim - len(pad) // 2, x.ndim), pairs(pad)):
        if low or high:
            x = x.take(sources(mode, x.shape[axis], low, high), axis)
    return x


@linear(batch=as_it_is, x=lambda g, pad, mode: pad_by(g, pad=pad, mode=mode))
def unpad(x, *, size, pad, mode):
    """The adjoint of pad_by: every place added to the entry that it shows, one of the trailing `size`."""
    for axis, n, (low, high) in zip(range(x.ndim - len(size), x.ndim), size, pairs(pad)):
        if not low and not high:
            continue
        moved = np.moveaxis(x, axis, 0)
        total = np.zeros((n, *moved.shape[1:]), x.dtype)
        total[max(-low, 0) : n + min(high, 0)] = moved[max(low, 0) : max(low, 0) + n + min(low, 0) + min(high, 0)]
        shown = sources(mode, n, low, high)
        for place in (*range(low), *range(len(shown) - high, len(shown))):
            total[shown[place]] += moved[place]
        x = np.moveaxis(total, 0, axis)
    return np.ascontiguousarray(x)


PADS = {
    (mode, d): renamed(pad_by, f"{name}{d}DBackward0")
    for mode, name in (("reflect", "ReflectionPad"), ("replicate", "ReplicationPad"), ("circular", "CircularPad"))
    for d in (1, 2, 3)
}


@lru_cache(64)
def _tables(spatial, pad, mode):
    """What each place of each padded dimension shows (-1: nothing), and where entries of the last stand side by side.

    None where a place would show what is not there.
    """
    tables = []
    for n, (low, high) in zip(spatial, pairs(pad)):
        if mode == "constant":
            place = np.arange(-low, n + high)
            tables.append(np.where((place < 0) | (place >= n), -1, place))
        else:
            place = np.ascontiguousarray(sources(mode, n, low, high), np.int64)
            if len(place) and not 0 <= place.min() <= place.max() < n:
                return None
            tables.append(place)
    low, high = max(pad[0], 0), len(tables[-1]) - max(pad[1], 0)
    return tuple(tables), min(low, len(tables[-1])), max(high, low)


def _constant(x, pad, value):
    d = len(pad) // 2
    tables, low, high = _tables(x.shape[x.ndim - d :], pad, "constant")
    return _kernels.pad(x, tables, low, high, value) if d and 0 not in map(len, tables) else NotImplemented


def _pad_by(x, pad, mode):
    tables = _tables(x.shape[x.ndim - len(pad) // 2 :], pad, mode)
    return NotImplemented if tables is None else _kernels.pad(x, *tables, 0)


def _unpad(x, size, pad, mode):
    tables = _tables(size, pad, mode)
    if tables is None or x.shape[x.ndim - len(size) :] != tuple(map(len, tables[0])):
        return NotImplemented
    return _kernels.unpad(x, tables[0], size, *tables[1:])


_kernels = load("resample")
if _kernels is not None:
    constant_pad_nd.accelerate(_constant)
    pad_by.accelerate(_pad_by)
    unpad.accelerate(_unpad)
    for _op in PADS.values():
        _op.accelerate(_pad_by)
