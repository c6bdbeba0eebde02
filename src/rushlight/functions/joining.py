"""Several tensors as one: cat, stack and their kin, grids and blocks."""

import itertools
import math

import numpy as np

from ..core import TensorBase, apply, wrap
from ..errors import check_memory, coded
from ..ops import index as indexing
from ..ops import join as ops
from ..ops.triangle import indices
from .arguments import accepts_out, check_flags, check_tensor, wrap_dim
from .broadcasting import expand
from .options import allocate
from .shape import reshape, unsqueeze


def _tensors(tensors, function, name="tensors"):
    """A sequence of tensors; TypeError in PyTorch's words for anything else."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument '{name}' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    for place, x in enumerate(tensors):
        if not isinstance(x, TensorBase):
            raise TypeError(f"expected Tensor as element {place} in argument 0, but got {type(x).__name__}")
    return tensors


def cat(tensors, dim=0, *, axis=None, out=None):
    """The tensors end to end along a dimension, in their common dtype; empty 1-D ones are left out.

    Raises RuntimeError where the other sizes differ, ValueError for no tensors.

    >>> import rushlight
    >>> rushlight.cat([rushlight.ones(2), rushlight.zeros(1)])
    tensor([1., 1., 0.])
    """
    dim = dim if axis is None else axis
    if out is None:
        try:
            return _fitting(tensors, dim)
        except (ValueError, IndexError, AttributeError, TypeError):
            pass  # What is wrong is said outside of this block: its error is of no interest.
        return _cat(_tensors(tensors, "cat"), dim)
    _tensors(tensors, "cat")
    check_memory(out._array)
    for x in tensors:
        if x is out or np.may_share_memory(x._array, out._array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
    return _cat_into(tensors, dim, out=out)


def _fitting(tensors, dim):
    """The common case, where all parts fit; where they do not, an error that says little."""
    if type(tensors) is not list and type(tensors) is not tuple:
        raise TypeError
    if dim < 0:
        dim += tensors[0]._array.ndim
        if dim < 0:
            raise IndexError
    sizes = tuple([x._array.shape[dim] for x in tensors])
    return apply(ops.cat, tuple(tensors), {"dim": dim, "sizes": sizes})


def _cat(tensors, dim):
    """The same with every check, and with empty parts left out."""
    if not tensors:
        raise coded("RL314", ValueError("torch.cat(): expected a non-empty list of Tensors"))
    shapes = [x._array.shape for x in tensors]
    model = next((shape for shape in shapes if shape != (0,)), (0,))
    for place, shape in enumerate(shapes):
        if not shape:
            raise RuntimeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    dim = wrap_dim(dim, len(model))
    sizes = tuple([_size_along(shape, model, dim, place) for place, shape in enumerate(shapes)])
    if model == (0,):
        sizes = (0,) * len(sizes)
    return apply(ops.cat, tuple(tensors), {"dim": dim, "sizes": sizes})


_cat_into = accepts_out(_cat)


def _size_along(shape, model, dim, place):
    """The size of one part along the dimension of a cat, None for an empty part that is left out."""
    if shape == (0,):
        return None
    if len(shape) != len(model):
        raise coded(
            "RL313", RuntimeError(f"Tensors must have same number of dimensions: got {len(model)} and {len(shape)}")
        )
    if shape[:dim] != model[:dim] or shape[dim + 1 :] != model[dim + 1 :]:
        other = next(d for d in range(len(shape)) if d != dim and shape[d] != model[d])
        raise coded(
            "RL313",
            RuntimeError(
                f"Sizes of tensors must match except in dimension {dim}. Expected size {model[other]} but got size "
                f"{shape[other]} "
                f"for tensor number {place} in the list."
            ),
        )
    return shape[dim]


def concat(tensors, dim=0, *, axis=None, out=None):
    """The same as `cat`."""
    return cat(tensors, dim if axis is None else axis, out=out)


def concatenate(tensors, dim=0, *, axis=None, out=None):
    """The same as `cat`."""
    return cat(tensors, dim if axis is None else axis, out=out)


@accepts_out
def stack(tensors, dim=0):
    """The tensors, all of one shape, side by side along a new dimension.

    >>> import rushlight
    >>> rushlight.stack([rushlight.ones(2), rushlight.zeros(2)])
    tensor([[1., 1.],
            [0., 0.]])
    """
    tensors = _tensors(tensors, "stack")
    if not tensors:
        raise coded("RL314", RuntimeError("stack expects a non-empty TensorList"))
    shape = tensors[0]._array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    for place, x in enumerate(tensors):
        if x._array.shape != shape:
            raise coded(
                "RL313",
                RuntimeError(
                    f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                    f"{list(x._array.shape)} at entry {place}"
                ),
            )
    return apply(ops.stack, tuple(tensors), {"dim": dim})


def _joined(function, tensors, prepare, dim):
    tensors = _tensors(tensors, function)
    if not tensors:
        raise coded("RL314", RuntimeError(f"{function} expects a non-empty TensorList"))
    return cat([prepare(x) for x in tensors], dim)


@accepts_out
def hstack(tensors):
    """The tensors side by side: along dimension 1, along 0 where they have only one."""
    tensors = [x if x._array.ndim else reshape(x, (1,)) for x in _tensors(tensors, "hstack")]
    if not tensors:
        raise coded("RL314", RuntimeError("hstack expects a non-empty TensorList"))
    return cat(tensors, 0 if tensors[0]._array.ndim == 1 else 1)


@accepts_out
def vstack(tensors):
    """The tensors on top of each other, 1-D ones as rows."""
    return _joined("vstack", tensors, atleast_2d, 0)


@accepts_out
def row_stack(tensors):
    """The same as `vstack`."""
    return _joined("vstack", tensors, atleast_2d, 0)


@accepts_out
def dstack(tensors):
    """The tensors behind each other, along dimension 2."""
    return _joined("dstack", tensors, atleast_3d, 2)


@accepts_out
def column_stack(tensors):
    """The tensors side by side, 1-D ones as columns."""
    return _joined("column_stack", tensors, lambda x: reshape(x, (x.numel(), 1)) if x._array.ndim < 2 else x, 1)


def _each(tensors, change):
    if len(tensors) == 1:
        if not isinstance(tensors[0], (tuple, list)):
            return change(tensors[0])
        tensors = tensors[0]
    return tuple([change(x) for x in _tensors(tuple(tensors), "atleast")])


def atleast_1d(*tensors):
    """The tensors, 0-dim ones with one dimension; a tuple for several."""
    return _each(tensors, lambda x: reshape(x, (1,)) if x.dim() == 0 else x)


def atleast_2d(*tensors):
    """The tensors, those of fewer dimensions with two; a tuple for several."""
    return _each(tensors, _as_rows)


def _as_rows(x):
    return reshape(x, (1, 1)) if x.dim() == 0 else unsqueeze(x, 0) if x.dim() == 1 else x


def atleast_3d(*tensors):
    """The tensors, those of fewer dimensions with three; a tuple for several."""
    return _each(tensors, lambda x: unsqueeze(_as_rows(x), -1) if x.dim() < 3 else x)


# -- grids and blocks


def meshgrid(*tensors, indexing=None):
    """Each 1-D tensor spread over the grid that they all span, as views; `indexing` is "ij" or "xy".

    >>> import rushlight
    >>> x, y = rushlight.meshgrid(rushlight.arange(2), rushlight.arange(3), indexing="ij")
    >>> x
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    _tensors(tensors, "meshgrid")
    if indexing is None:
        import warnings

        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.",
            UserWarning,
            stacklevel=2,
        )
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if not tensors:
        raise coded("RL314", RuntimeError("meshgrid expects a non-empty TensorList"))
    for x in tensors:
        if x._array.ndim > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
    swaps = indexing == "xy" and len(tensors) >= 2
    if swaps:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    grids = _grids(tensors)
    if swaps:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def _grids(tensors):
    """Each tensor along a dimension of its own, expanded to the sizes of all."""
    for x in tensors:
        if x._array.dtype != tensors[0]._array.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    shape = tuple([x._array.size for x in tensors])
    ones = (1,) * (len(shape) - 1)
    return [expand(reshape(x, (*ones[:i], shape[i], *ones[i:])), shape) for i, x in enumerate(tensors)]


def cartesian_prod(*tensors):
    """All combinations of one entry of each 1-D tensor, as rows."""
    for x in _tensors(tensors, "cartesian_prod"):
        if x._array.ndim != 1:
            raise RuntimeError("Expect a 1D vector, but got shape " + str(list(x._array.shape)))
    if len(tensors) == 1:
        return tensors[0]
    if not tensors:
        raise coded("RL314", RuntimeError("meshgrid expects a non-empty TensorList"))
    return reshape(stack(_grids(tensors), len(tensors)), (-1, len(tensors)))


def combinations(input, r=2, with_replacement=False):
    """All choices of r entries of a 1-D tensor, as rows in order."""
    check_tensor(input, "combinations")
    check_flags("combinations", 3, with_replacement=with_replacement)
    if input._array.ndim != 1:
        raise RuntimeError("Expect a 1D vector, but got shape " + str(list(input._array.shape)))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty((0,))
    places = _pairs(input._array.size, with_replacement) if r == 2 else _choices(input._array.size, r, with_replacement)
    return reshape(indexing.index_select(input, wrap(places.reshape(-1)), dim=0), (len(places), r))


def _pairs(n, with_replacement):
    return np.ascontiguousarray(indices(n, n, 0 if with_replacement else 1, True).T)


def _choices(n, r, with_replacement):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    size = math.comb(n + r - 1 if with_replacement else n, r) if n else 0, r
    places = allocate(np.empty, size, np.dtype(np.int64))
    places.reshape(-1)[:] = np.fromiter(itertools.chain.from_iterable(choose(range(n), r)), np.int64, places.size)
    return places


def block_diag(*tensors):
    """The matrices (rows for fewer dimensions) one after the other on the diagonal of zeros."""
    for place, x in enumerate(_tensors(tensors, "block_diag")):
        if x._array.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {place} has {x._array.ndim} "
                "dimensions"
            )
    blocks = [atleast_2d(x) for x in tensors]
    if not blocks:
        from .creation import empty

        return empty(1, 0)
    return ops.block_diag(*blocks, sizes=tuple([x._array.shape for x in blocks]))


FUNCTIONS = (
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "cartesian_prod", "cat", "column_stack", "combinations",
    "concat", "concatenate", "dstack", "hstack", "meshgrid", "row_stack", "stack", "vstack",
)  # fmt: skip
METHODS = ()
INPLACE = {}
