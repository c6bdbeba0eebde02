"""rearrange: reshape, transpose and reshape again, written as a pattern of names."""

import math
import re

from ..core import TensorBase

_TOKEN = re.compile(r"\s*(\.\.\.|->|[()]|\w+|\S)")
_ELLIPSIS = "…"


class DimensionBindError(Exception):
    """Sizes that do not fit, or cannot be told."""


def rearrange(tensor, pattern, **axes_lengths):
    """The elements of `tensor` in other dimensions, told by a pattern such as "b (h w) c -> b c h w".

    Names stand for dimensions, a parenthesis for several in one, 1 or () for one of size 1, and ... for all others.
    Sizes that the shape does not tell are given by name. A list of tensors counts as their stack. ValueError for a
    faulty pattern, DimensionBindError for sizes that do not fit.

    >>> import rushlight
    >>> rushlight.func.rearrange(rushlight.arange(6), "(h w) -> w h", h=2)
    tensor([[0, 3],
            [1, 4],
            [2, 5]])
    """
    if not isinstance(tensor, TensorBase):
        from .. import stack

        tensor = stack(list(tensor))
    if pattern.count("->") != 1:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = [_groups(side) for side in pattern.split("->")]
    _check(left, right, pattern, axes_lengths)
    sizes = _sizes(left, tensor.shape, axes_lengths)
    # Each name of the left, in order; the ellipsis stands for as many as were left over.
    start, positions = 0, {}
    for name in _names(left):
        count = len(sizes[name]) if name == _ELLIPSIS else 1
        positions[name] = range(start, start + count)
        start += count
    apart = tensor.reshape([n for name in _names(left) for n in _listed(sizes[name])])
    order = [position for name in _names(right) for position in positions[name]]
    shape = []
    for group in right:
        parts = [n for name in group for n in _listed(sizes[name])]
        shape += parts if group == [_ELLIPSIS] and not group.composed else [math.prod(parts)]
    return apart.permute(order).reshape(shape)


class _Group(list):
    """The names in one dimension; `composed` where they are in parentheses."""

    composed = False


def _groups(side):
    """The dimensions of one side of a pattern."""
    groups, inner = [], None
    for token in _TOKEN.findall(side):
        if token == "(":
            if inner is not None:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            inner = _Group()
            inner.composed = True
        elif token == ")":
            if inner is None:
                raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
            groups.append(inner)
            inner = None
        else:
            names = _name(token, side)
            if inner is None:
                groups.append(_Group(names))
            else:
                inner += names
    if inner is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    names = _names(groups)
    for name in names:
        if names.count(name) > 1:
            if name == _ELLIPSIS:
                raise ValueError(
                    "Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor "
                )
            raise ValueError(f"Indexing expression contains duplicate dimension '{name}'")
    return groups


def _name(token, side):
    """[name] of a token, [] for a dimension of size 1."""
    if token == "...":
        return [_ELLIPSIS]
    if "." in token:
        raise ValueError("Expression may contain dots only inside ellipsis (...); only one ellipsis for tensor ")
    if token.isdecimal():
        if token != "1":
            raise ValueError("rearrange only supports unnamed axes of size 1")
        return []
    if not token.isidentifier():
        raise ValueError(
            f"Unknown character '{token[0]}'" if not token[0].isalnum() else f"Invalid axis identifier: {token}"
        )
    return [token]


def _names(groups):
    return [name for group in groups for name in group]


def _listed(size):
    return size if isinstance(size, tuple) else (size,)


def _check(left, right, pattern, lengths):
    for group in left:
        if group.composed and _ELLIPSIS in group:
            raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    ours, theirs = set(_names(left)), set(_names(right))
    if _ELLIPSIS in theirs - ours:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if ours != theirs:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {ours ^ theirs}")
    unknown = lengths.keys() - ours
    if unknown:
        raise ValueError(f"Identifiers not found in rearrange expression: {unknown}")


def _sizes(left, shape, lengths):
    """The size of each name; of the ellipsis a tuple."""
    others = len(shape) - len([group for group in left if group != [_ELLIPSIS]])
    if others < 0 or (others > 0 and [_ELLIPSIS] not in left):
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    sizes, dim = dict(lengths), 0
    for group in left:
        if group == [_ELLIPSIS]:
            sizes[_ELLIPSIS] = tuple(shape[dim : dim + others])
            dim += others
            continue
        _split(group, shape[dim], sizes)
        dim += 1
    return sizes


def _split(group, size, sizes):
    """Tell the sizes of the names that share a dimension of `size`."""
    unknown = [name for name in group if name not in sizes]
    if len(unknown) > 1:
        raise DimensionBindError(f"cannot infer the sizes of two dimensions at once {unknown[0]} and {unknown[1]}")
    known = math.prod([sizes[name] for name in group if name in sizes])
    if unknown:
        if known == 0 or size % known:
            raise DimensionBindError(f"inferred dimension does not evenly fit into larger dimension: {size} vs {known}")
        sizes[unknown[0]] = size // known
    elif known != size:
        raise DimensionBindError(f"Dimension sizes to do not match ({size} != {known}) when matching dimension pack")
