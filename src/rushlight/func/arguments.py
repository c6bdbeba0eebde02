"""Which arguments a function is differentiated by, and the checks of what it returns."""

from .. import pytree
from ..core import TensorBase
from ..errors import coded


def chosen(args, argnums):
    """The argument(s) of `argnums`: one, or a tuple of them."""
    if isinstance(argnums, int):
        return args[_position(argnums, len(args))]
    return tuple([args[i] for i in _positions(argnums, len(args))])


def replaced(args, argnums, new):
    """args with `new`, shaped as `chosen` gave them, in their places."""
    args = list(args)
    if isinstance(argnums, int):
        args[argnums] = new
        return args
    for i, value in zip(argnums, new):
        args[i] = value
    return args


def _position(i, count):
    if not -count <= i < count:
        raise coded("RL507", RuntimeError(f"Got argnum={i}, but only {count} positional inputs"))
    return i % count


def _positions(argnums, count):
    if not isinstance(argnums, tuple):
        raise coded("RL507", RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}"))
    if not argnums:
        raise coded("RL507", RuntimeError("argnums must be non-empty"))
    for i in argnums:
        if not isinstance(i, int):
            raise coded("RL507", RuntimeError(f"argnum must be int, got: {type(i)}"))
    positions = [_position(i, count) for i in argnums]
    if len(set(positions)) != len(positions):
        raise coded("RL507", RuntimeError(f"argnums elements must be unique, got {tuple(positions)}"))
    return positions


def split_aux(result, has_aux, api):
    """(output, aux) of what a function returned; aux is None where none is promised."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def outputs(result, api):
    """(leaves, spec) of an output, which must be of tensors and not empty."""
    leaves, spec = ([result], pytree.LEAF) if isinstance(result, TensorBase) else pytree.flatten(result)
    if not leaves:
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = [])")
    for leaf in leaves:
        if not isinstance(leaf, TensorBase):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(leaf)}")
    return leaves, spec


def map_aux(function, aux):
    """`function` of every tensor of an aux; anything but tensors is refused."""

    def mapped(leaf):
        if not isinstance(leaf, TensorBase):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(leaf)}")
        return function(leaf)

    return pytree.tree_map(mapped, aux)
