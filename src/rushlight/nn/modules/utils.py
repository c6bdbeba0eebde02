"""Sizes given once for all dimensions, or for each."""

from collections.abc import Iterable
from itertools import repeat


def _ntuple(n, name):
    def parse(x):
        return tuple(x) if isinstance(x, Iterable) else tuple(repeat(x, n))

    parse.__name__ = parse.__qualname__ = name
    return parse


_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t, n):
    """(a, b) as (b, b, a, a) for n=2: the order in which `pad` wants sizes."""
    return tuple(x for x in reversed(t) for _ in range(n))
