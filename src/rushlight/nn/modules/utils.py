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


def consume_prefix_in_state_dict_if_present(state_dict, prefix):
    """Take `prefix` off the keys of a state dict that have it, and off those of its metadata, in place.

    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> state
    {'bias': 2, 'weight': 1}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", {})
    # The entry of a module is its path, without the dot.
    for key in list(metadata):
        if key and (key == prefix[:-1] or key.startswith(prefix)):
            metadata[key[len(prefix) :]] = metadata.pop(key)


def _reverse_repeat_tuple(t, n):
    """(a, b) as (b, b, a, a) for n=2: the order in which `pad` wants sizes."""
    return tuple(x for x in reversed(t) for _ in range(n))
