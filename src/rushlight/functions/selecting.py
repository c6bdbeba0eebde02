"""Selection by masks, by positions in the flattened tensor, and by value: masked_fill, take, nonzero, embedding ..."""

import numpy as np

from .. import core, errors
from ..bounds import C_NAMES
from ..core import TensorBase, wrap
from ..dtypes import of
from ..ops import index as ops
from ..ops import scatter as scatters
from ..ops import select
from ..ops.copying import copy, expand
from ..ops.hidden import every, values
from ..ops.strided import as_strided
from .arguments import accepts_out, check_flags, check_tensor, wrap_dim
from .indexing import accepts_typed_out, write
from .options import check_fits
from .scattering import check_range, check_value, refuse_combination, type_of

FUNCTIONS = (
    "masked_fill", "masked_select", "masked_scatter", "take", "put", "take_along_dim", "nonzero", "argwhere",
    "embedding",
)  # fmt: skip
METHODS = FUNCTIONS[:-1]

# -- masks


def _broadcast(a, b):
    """The common shape of two tensors; RuntimeError in PyTorch's words where there is none."""
    one, two = a._array.shape, b._array.shape
    if one == two:
        return one
    ndim = max(len(one), len(two))
    left, right = (1,) * (ndim - len(one)) + one, (1,) * (ndim - len(two)) + two
    for d in reversed(range(ndim)):
        if left[d] != right[d] and left[d] != 1 and right[d] != 1:
            raise RuntimeError(
                f"The size of tensor a ({left[d]}) must match the size of tensor b ({right[d]}) at non-singleton "
                f"dimension {d}"
            )
    return tuple([m if n == 1 else n for n, m in zip(left, right)])


def _expanded(x, shape):
    return x if x._array.shape == shape else expand(x, shape=shape)


def _mask_for_write(input, mask):
    """A mask in the shape of the tensor that is written in place."""
    own = input._array.shape
    shape = _broadcast(mask, input)
    if shape != own:
        raise RuntimeError(f"output with shape {list(own)} doesn't match the broadcast shape {list(shape)}")
    return _expanded(mask, own)


def _masked_fill(input, mask, value):
    check_tensor(input, "masked_fill")
    if not isinstance(mask, TensorBase):
        refuse_combination("masked_fill", mask, value)
    if mask._array.dtype != np.bool_:
        name = C_NAMES.get(of(mask._array.dtype).name, "complex")
        raise errors.coded(
            "RL325", RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {name}")
        )
    value = check_value(value, input, "masked_fill", mask)
    _broadcast(mask, input)
    return select.masked_fill_tensor if isinstance(value, TensorBase) else select.masked_fill, value


def masked_fill(input, mask, value):
    """`input` with `value`, a number or a 0-dim tensor, where the boolean `mask` (broadcast) is true.

    >>> rushlight.masked_fill(rushlight.tensor([1, 2]), rushlight.tensor([True, False]), 0)
    tensor([0, 2])
    """
    op, value = _masked_fill(input, mask, value)
    return op(input, mask, value)


def masked_fill_(input, mask, value):
    """The in-place form of `masked_fill`."""
    op, value = _masked_fill(input, mask, value)
    return write(op, select.write_masked_fill, input, (_mask_for_write(input, mask), value), {})


@accepts_typed_out
def masked_select(input, mask):
    """A vector of the elements of `input` where the boolean `mask` is true; both are broadcast to one shape."""
    check_tensor(input, "masked_select")
    check_tensor(mask, "masked_select", 2, "mask")
    if mask._array.dtype != np.bool_:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = _broadcast(mask, input)
    return select.masked_select(_expanded(input, shape), _expanded(mask, shape))


def _check_masked_scatter(input, mask, source):
    check_tensor(input, "masked_scatter")
    check_tensor(mask, "masked_scatter", 2, "mask")
    check_tensor(source, "masked_scatter", 3, "source")
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got"
            f"{type_of(input)} and {type_of(source)}"
        )
    if mask._array.dtype != np.bool_:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {type_of(mask)}")
    _broadcast(mask, input)


def _check_enough(mask, source):
    if source._array.size >= mask._array.size:
        return
    asked = every(mask._array)
    if asked.size and np.count_nonzero(asked.reshape(-1, max(mask._array.size, 1)), axis=-1).max() > source._array.size:
        raise errors.coded("RL342", RuntimeError("Number of elements of source < number of ones in mask"))


def masked_scatter(input, mask, source):
    """`input` with the elements of `source`, in order, where the boolean `mask` is true."""
    _check_masked_scatter(input, mask, source)
    shape = _broadcast(mask, input)
    input, mask = _expanded(input, shape), _expanded(mask, shape)
    _check_enough(mask, source)
    return select.masked_scatter(input, mask, source)


def masked_scatter_(input, mask, source):
    """The in-place form of `masked_scatter`."""
    _check_masked_scatter(input, mask, source)
    mask = _mask_for_write(input, mask)
    _check_enough(mask, source)
    return write(select.masked_scatter, select.write_masked_scatter, input, (mask, source), {})


# -- positions in the flattened tensor


def _check_long(index, function):
    if index._array.dtype != np.int64:
        raise RuntimeError(f"{function}(): Expected a long tensor for index, but got {type_of(index)}")


def _check_flat(input, index):
    n = input._array.size
    array = every(index._array)
    at = ops.first_outside(array, -n, n)
    if at >= 0:
        value = array.reshape(-1)[at]
        raise errors.coded(
            "RL309",
            IndexError(f"out of range: tried to access index {value} on a tensor of {n} elements."),
            position=at,
        )


@accepts_typed_out
def take(input, index):
    """The elements of the flattened `input` at `index`, in the shape of `index`; negative ones count from the end."""
    check_tensor(input, "take")
    check_tensor(index, "take", 1, "index")
    if input._array.size == 0 and index._array.size:
        raise IndexError("take(): tried to take from an empty tensor")
    _check_long(index, "take")
    try:
        return ops.take(input, index)
    except IndexError:
        _check_flat(input, index)
        raise


def _check_put(input, index, source):
    check_tensor(input, "put")
    check_tensor(index, "put", 2, "index")
    check_tensor(source, "put", 3, "source")
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            "put_(): self and source expected to have the same dtype, but got self.dtype = "
            f"{type_of(input)} and source.dtype = {type_of(source)}"
        )
    if index._array.size != source._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source._array.size}, index.numel() = {index._array.size}"
        )
    _check_long(index, "put_")
    _check_flat(input, index)


def put(input, index, source, accumulate=False):
    """`input` with the elements of `source` written (added with accumulate=True) at `index` of its flattened form."""
    check_flags("put", 4, accumulate=accumulate)
    _check_put(input, index, source)
    return ops.put(input, index, source, accumulate=accumulate)


def put_(input, index, source, accumulate=False):
    """The in-place form of `put`."""
    check_flags("put_", 4, accumulate=accumulate)
    _check_put(input, index, source)
    return write(ops.put, ops.write_flat, input, (index, source), {"accumulate": accumulate})


@accepts_typed_out
def take_along_dim(input, indices, dim=None):
    """The elements of `input` at `indices` along `dim`, both broadcast in the other dimensions.

    Without a `dim` both are flattened first.

    >>> x = rushlight.tensor([[3, 1, 2]])
    >>> rushlight.take_along_dim(x, rushlight.argsort(x), dim=1)
    tensor([[1, 2, 3]])
    """
    check_tensor(input, "take_along_dim")
    check_tensor(indices, "take_along_dim", 2, "indices")
    if indices._array.dtype != np.int64:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {type_of(indices)}")
    if dim is None:
        return scatters.gather(input.reshape(-1), _wrapped(indices.reshape(-1), input._array.size), dim=0)
    ndim = input._array.ndim
    if ndim != indices._array.ndim:
        raise RuntimeError(
            "torch.take_along_dim(): input and indices should have the same number of dimensions, but got "
            f"{ndim} dimensions for input, and {indices._array.ndim} dimensions for indices"
        )
    if not ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, ndim)
    own, given = input._array.shape, indices._array.shape
    one, two = list(own), list(given)
    one[dim] = two[dim] = 1
    shape = _broadcast(wrap(np.empty(one, np.bool_)), wrap(np.empty(two, np.bool_)))
    wide = shape[:dim] + own[dim : dim + 1] + shape[dim + 1 :]
    tall = shape[:dim] + given[dim : dim + 1] + shape[dim + 1 :]
    indices = _wrapped(_expanded(indices, tall), own[dim] if ndim else 1)
    return scatters.gather(_expanded(input, wide), indices, dim=dim)


def _wrapped(indices, n):
    """Indices counted from the front; IndexError for one outside."""
    array = every(indices._array)
    at = ops.first_outside(array, -n, n)
    if at >= 0:
        raise errors.coded(
            "RL309",
            IndexError(f"index {array.reshape(-1)[at]} is out of bounds for a dimension of size {n}"),
            position=[int(p) for p in np.unravel_index(at, array.shape)],
        )
    return indices.where(indices >= 0, indices + n) if (array < 0).any() else indices


# -- by value


@accepts_out
def _nonzero_rows(input):
    return select.nonzero(input)


def nonzero(input, *, out=None, as_tuple=False):
    """The indices of the elements that are not zero: one row each, or with as_tuple=True one vector per dimension.

    >>> rushlight.nonzero(rushlight.tensor([0, 5, 6]))
    tensor([[1],
            [2]])
    """
    check_tensor(input, "nonzero")
    if type(as_tuple) is not bool:
        check_flags("nonzero", None, as_tuple=as_tuple)
    if out is not None and out._array.dtype != np.int64:
        raise RuntimeError(f"nonzero: Expected out tensor to have scalar type Long but got scalar type{type_of(out)}")
    if not as_tuple:
        return _nonzero_rows(input, out=out)
    if core.transforms_entered(0):
        return _nonzero_rows(input if input._array.ndim else input.reshape(1)).unbind(1)
    array = input._array
    return tuple([wrap(part) for part in select.places(array if array.ndim else array.reshape(1))])


def argwhere(input):
    """The indices of the elements that are not zero, one row each."""
    check_tensor(input, "argwhere")
    return select.nonzero(input)


def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """The rows of the matrix `weight` that `indices`, of any shape, name; IndexError for one that there is not.

    The row `padding_idx` gets no gradient. With scale_grad_by_freq gradients are divided by how often a row was named.
    """
    check_tensor(weight, "embedding", 1, "weight")
    check_tensor(indices, "embedding", 2, "indices")
    if type(scale_grad_by_freq) is not bool or type(sparse) is not bool:
        check_flags("embedding", 4, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if indices._array.dtype not in (np.int64, np.int32):
        name = errors.tensor_name(indices._array).split(" ")[0]
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{name} instead (while checking arguments for embedding)"
        )
    check_range(indices, weight._array.shape[0], IndexError, "index out of range in self")
    return ops.embedding(weight, indices, padding_idx=padding_idx, scale_grad_by_freq=scale_grad_by_freq)


def one_hot(tensor, num_classes=-1):
    """Rows of zeros with a one at each index: shape (*, num_classes), int64.

    num_classes=-1 takes one class more than the largest index.

    >>> rushlight.nn.functional.one_hot(rushlight.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    check_tensor(tensor, "one_hot", 1, "tensor")
    array = tensor._array
    if array.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if array.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    elif every(array).min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    elif num_classes == -1:
        num_classes = int(values(array).max()) + 1
    elif every(array).max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return select.one_hot(tensor, num_classes=num_classes)


def fill_diagonal_(input, fill_value, wrap=False):
    """Fill the main diagonal in place. With wrap=True that of a tall matrix begins anew below each square."""
    check_tensor(input, "fill_diagonal_")
    check_flags("fill_diagonal_", 3, wrap=wrap)
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    value = check_fits(fill_value, input._array.dtype)
    stride = input.stride()
    views = [_diagonal(input, 0, min(shape), stride)]
    if wrap and len(shape) == 2:
        step = shape[1] + 1
        for row in range(step, shape[0], step):
            views.append(_diagonal(input, row * stride[0], min(shape[1], shape[0] - row), stride))
    filler = core.wrap(np.array(value).astype(input._array.dtype))
    for view in views:
        core.inplace(copy, view, (filler,), {})
    return input


def _diagonal(input, offset, count, stride):
    return as_strided(input, size=(count,), stride=(sum(stride),), storage_offset=offset, base_stride=stride)


INPLACE = {
    "masked_fill_": masked_fill_,
    "masked_scatter_": masked_scatter_,
    "put_": put_,
    "fill_diagonal_": fill_diagonal_,
}
