"""Reading and writing along one dimension: index_select and its kin take a vector, gather and scatter a full index."""

import warnings

import numpy as np

from .. import core, errors
from ..core import TensorBase
from ..dtypes import of
from ..ops import index as ops
from ..ops import scatter as scatters
from ..ops.copying import expand
from ..ops.hidden import every
from .arguments import check_flags, check_tensor, wrap_dim
from .indexing import accepts_typed_out, write
from .options import check_fits

FUNCTIONS = (
    "index_select", "index_add", "index_copy", "index_fill", "index_reduce", "gather", "scatter", "scatter_add",
    "scatter_reduce",
)  # fmt: skip
METHODS = FUNCTIONS

_INDEX_DTYPES = (np.dtype(np.int64), np.dtype(np.int32))


# -- what the functions check


def type_of(x):
    return of(x._array.dtype).scalar_type


def refuse_combination(function, *given):
    kinds = ", ".join(["Tensor" if isinstance(g, TensorBase) else type(g).__name__ for g in given])
    raise TypeError(f"{function}() received an invalid combination of arguments - got ({kinds})")


def check_value(value, x, function, *before):
    """A fill value: a number that x's dtype can hold, or a 0-dim tensor."""
    if isinstance(value, TensorBase):
        if value._array.ndim:
            raise RuntimeError(
                f"{function}_ only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} "
                "dimension(s)."
            )
        if value._array.dtype.kind == "c" and x._array.dtype.kind != "c":
            check_fits(1j, x._array.dtype)
        return value
    if not isinstance(value, (int, float, complex, np.number, np.bool_)):
        refuse_combination(function, *before, value)
    return _cast(value, x)


def _cast(value, x):
    """A Python number as x's dtype would hold it."""
    if x._array.dtype.kind == "f" and type(value) in (float, int) and -1e4 < value < 1e4:
        return value
    return np.array(check_fits(value, x._array.dtype)).astype(x._array.dtype).item()


def check_range(index, n, error, sentence=None):
    """Raise `error` where an index is outside 0 .. n - 1; PyTorch's sentence first, then which one it is."""
    array = every(index._array)
    at = ops.first_outside(array, 0, n) if array.size else -1
    if at < 0:
        return
    value, where = (array.reshape(-1)[at], [int(p) for p in np.unravel_index(at, array.shape)])
    code = "RL414" if sentence == "index out of range in self" else "RL309"
    raise errors.coded(
        code, error((sentence or "index {value} is out of bounds").format(value=value, n=n)), position=where
    )


def _check_vector(index, function):
    if index._array.dtype not in _INDEX_DTYPES:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index but got: {type_of(index)}")
    if index._array.ndim > 1:
        raise IndexError(
            f"{function}(): Index is supposed to be a vector, but got dim: {index._array.ndim} with type: "
            f"{type_of(index)} and size: {list(index._array.shape)}"
        )


def _check_rows(x, dim, index, source, function):
    """What index_add and index_reduce ask of their arguments."""
    _check_vector(index, function)
    if source._array.dtype != x._array.dtype:
        raise errors.coded(
            "RL337",
            RuntimeError(
                f"{function}(): self ({type_of(x)}) and source ({type_of(source)}) must have the same scalar type"
            ),
        )
    own, given = x._array.shape, source._array.shape
    if own != given and (own[:dim] + own[dim + 1 :] != given[:dim] + given[dim + 1 :] or len(own) != len(given)):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(own)} source.shape = {list(given)}"
        )
    n = given[dim] if given else 1
    if index._array.size != n:
        if not given:
            raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
        raise RuntimeError(
            f"{function}(): Number of indices ({index._array.size}) should be equal to source.size(dim): ({n}), for "
            f"dim: {dim}"
        )


def _check_grid(x, dim, index, function, src=None):
    """What gather and scatter ask of their index; how many places it may name."""
    own, shape = x._array.shape, index._array.shape
    if index._array.size and index._array.dtype not in _INDEX_DTYPES:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if src is not None and src._array.dtype != x._array.dtype:
        raise errors.coded("RL337", RuntimeError(f"{function}(): Expected self.dtype to be equal to src.dtype"))
    if index._array.size == 0:
        return 0
    if own == shape and (src is None or src._array.shape == shape):
        # The common case, in which there is nothing more to say of shapes.
        return own[dim] if own else 1
    if max(len(shape), 1) != max(len(own), 1):
        name = "input" if function == "gather" else "self"
        raise errors.coded(
            "RL326", RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")
        )
    if src is not None and max(src._array.ndim, 1) != max(len(shape), 1):
        raise errors.coded("RL326", RuntimeError("Index tensor must have the same number of dimensions as src tensor"))
    sizes, places = own or (1,), shape or (1,)
    wide = [d for d, n in enumerate(places) if d != dim and n > sizes[d]]
    if function == "gather" and wide:
        raise errors.coded(
            "RL326",
            RuntimeError(
                f"Size does not match at dimension {wide[0]} expected index {list(shape)} to be no larger than self "
                f"{list(own)} apart from dimension {dim}"
            ),
        )
    given = None if src is None else src._array.shape or (1,)
    if wide or (given is not None and any([n > m for n, m in zip(places, given)])):
        behind = "" if src is None else f" and to be no larger size than src {list(src._array.shape)}"
        raise errors.coded(
            "RL326",
            RuntimeError(
                f"Expected index {list(shape)} to be no larger than self {list(own)} apart from dimension {dim}{behind}"
            ),
        )
    return sizes[dim]


def _check_places(index, dim, n):
    check_range(index, n, RuntimeError, f"index {{value}} is out of bounds for dimension {dim} with size {{n}}")


# -- along one dimension, by a vector of indices


@accepts_typed_out
def index_select(input, dim, index):
    """The entries of `input` along `dim` that the vector `index` names; IndexError for one that there is not.

    >>> rushlight.index_select(rushlight.tensor([[1, 2], [3, 4]]), 1, rushlight.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    check_tensor(input, "index_select")
    check_tensor(index, "index_select", 2, "index")
    ndim = input._array.ndim
    dim = wrap_dim(dim, ndim)
    if index._array.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index._array.dtype not in _INDEX_DTYPES:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if ndim == 0 and index._array.size != 1:
        raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index._array.size} value(s)")
    n = input._array.shape[dim] if ndim else 1
    if n == 0 and ndim > 1 and index._array.size:
        raise RuntimeError("index_select(): self indexing axis dim should be positive")
    check_range(index, n, IndexError, "index out of range in self")
    if index._array.ndim == 0:
        index = _vector(index)
    return ops.index_select(input, index, dim=dim)


def _vector(index):
    return ops.unsqueeze(index, index=(None,))


def _index_add(input, dim, index, source, alpha, function="index_add_"):
    check_tensor(input, "index_add")
    check_tensor(index, "index_add", 2, "index")
    check_tensor(source, "index_add", 3, "source")
    dim = wrap_dim(dim, input._array.ndim)
    _check_rows(input, dim, index, source, function)
    n = input._array.shape[dim] if input._array.ndim else 1
    if input._array.ndim > 1:
        check_range(index, n, RuntimeError, "index {value} is out of bounds for dimension 0 with size {n}")
    else:
        words = "index out of range in self. The index {value} is out of bounds for dimension 0 with size {n}"
        check_range(index, n, IndexError, words)
    return (index, source), {"dim": dim, "alpha": alpha if type(alpha) is int and alpha == 1 else _cast(alpha, input)}


@accepts_typed_out
def index_add(input, dim, index, source, *, alpha=1):
    """`input` with alpha * source[..., k, ...] added to its entry index[k] along `dim`."""
    rest, params = _index_add(input, dim, index, source, alpha)
    return ops.index_add(input, *rest, **params)


def index_add_(input, dim, index, source, *, alpha=1):
    """The in-place form of `index_add`."""
    rest, params = _index_add(input, dim, index, source, alpha)
    return write(ops.index_add, ops.write_index_add, input, rest, params)


def _index_copy(input, dim, index, source):
    check_tensor(input, "index_copy")
    check_tensor(index, "index_copy", 2, "index")
    check_tensor(source, "index_copy", 3, "source")
    dim = wrap_dim(dim, input._array.ndim)
    own, given, count = input._array.shape, source._array.shape, index._array.size
    if index._array.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index._array.ndim})")
    if not given and count != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {count})")
    if given and own and len(given) != len(own):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source "
            f"dimensionality ({len(given)}), destination dimensionality ({len(own)})"
        )
    if index._array.dtype != np.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {type_of(index)}")
    if input._array.dtype != source._array.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{type_of(input)} and (source) {type_of(source)}"
        )
    mine, theirs = own[:dim] + own[dim + 1 :], given[:dim] + given[dim + 1 :]
    if mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, mine))} at dimension {dim} and source slice shape: {' '.join(map(str, theirs))} at "
            "dimension 0."
        )
    rows = given[dim if own else 0] if given else count
    if count != rows:
        raise IndexError(f"index_copy_(): Number of indices ({count}) should be equal to source.size(dim) ({rows})")
    n = own[dim] if own else 1
    sentence = f"index_copy_(): index {{value}} is out of bounds for dimension {dim} with size {n}"
    check_range(index, n, IndexError, sentence)
    return (index, source), {"dim": dim}


@accepts_typed_out
def index_copy(input, dim, index, source):
    """`input` with its entry index[k] along `dim` replaced by source[..., k, ...].

    Where an index comes twice, the last entry stays; the gradient there, as in PyTorch, goes to both.
    """
    rest, params = _index_copy(input, dim, index, source)
    return ops.index_copy(input, *rest, **params)


def index_copy_(input, dim, index, source):
    """The in-place form of `index_copy`."""
    rest, params = _index_copy(input, dim, index, source)
    return write(ops.index_copy, ops.write_index_copy, input, rest, params)


def _index_fill(input, dim, index, value):
    check_tensor(input, "index_fill")
    check_tensor(index, "index_fill", 2, "index")
    dim = wrap_dim(dim, input._array.ndim)
    if isinstance(value, complex) and input._array.dtype.kind != "c":
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    if index._array.dtype not in _INDEX_DTYPES:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index._array.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    value = check_value(value, input, "index_fill", dim, index)
    n = input._array.shape[dim] if input._array.ndim else 1
    array = every(index._array)
    at = ops.first_outside(array, -n, n)
    if at >= 0:
        wrong = array.reshape(-1)[at]
        raise errors.coded(
            "RL309", IndexError(f"index {wrong} is out of bounds for dimension 0 with size {n}"), position=[at]
        )
    op = ops.index_fill_tensor if isinstance(value, TensorBase) else ops.index_fill
    return op, (index, value), {"dim": dim}


def index_fill(input, dim, index, value):
    """`input` with the entries along `dim` that `index` names filled with a number or a 0-dim tensor."""
    op, rest, params = _index_fill(input, dim, index, value)
    return op(input, *rest, **params)


def index_fill_(input, dim, index, value):
    """The in-place form of `index_fill`."""
    op, rest, params = _index_fill(input, dim, index, value)
    return write(op, ops.write_index_fill, input, rest, params)


def _index_reduce(input, dim, index, source, reduce, include_self):
    check_tensor(input, "index_reduce")
    check_tensor(index, "index_reduce", 2, "index")
    check_tensor(source, "index_reduce", 3, "source")
    dim = wrap_dim(dim, input._array.ndim)
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    _check_rows(input, dim, index, source, "index_reduce_")
    if input._array.dtype.kind in "bc":
        raise errors.coded("RL322", NotImplementedError(f"\"index_func_\" not implemented for '{type_of(input)}'"))
    check_range(index, input._array.shape[dim] if input._array.ndim else 1, IndexError, "index out of range in self")
    warnings.warn("index_reduce() is in beta and the API may change at any time.", UserWarning, stacklevel=3)
    shape = source._array.shape
    if not shape:
        index = ops.getitem(index, index=(0, ...)) if index._array.ndim else index
    else:
        place = (None,) * dim + (slice(None),) + (None,) * (len(shape) - dim - 1)
        vector = index if index._array.ndim else _vector(index)
        index = expand(ops.getitem(vector, index=place), shape=shape)
    return (index, source), {"dim": dim, "reduce": reduce, "include_self": include_self}


@accepts_typed_out
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """`input` with source[..., k, ...] reduced into its entry index[k] along `dim`, by prod, mean, amax or amin.

    `index` is (n,) int32 or int64; `source` has the shape of `input`, but for n along `dim`.
    """
    check_flags("index_reduce", None, include_self=include_self)
    rest, params = _index_reduce(input, dim, index, source, reduce, include_self)
    return scatters.index_reduce(input, *rest, **params)


def index_reduce_(input, dim, index, source, reduce, *, include_self=True):
    """The in-place form of `index_reduce`."""
    check_flags("index_reduce_", None, include_self=include_self)
    rest, params = _index_reduce(input, dim, index, source, reduce, include_self)
    return write(scatters.index_reduce, scatters.write_scatter_reduce, input, rest, params)


# -- by an index as large as what is read or written


@accepts_typed_out
def gather(input, dim, index, *, sparse_grad=False):
    """The elements of `input` at `index` along `dim`: out[i][j] = input[index[i][j]][j] for dim=0.

    >>> rushlight.gather(rushlight.tensor([[1, 2], [3, 4]]), 1, rushlight.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    check_tensor(input, "gather")
    check_tensor(index, "gather", 2, "index")
    if type(sparse_grad) is not bool:
        check_flags("gather", None, sparse_grad=sparse_grad)
    dim = wrap_dim(dim, input._array.ndim)
    n = _check_grid(input, dim, index, "gather")
    try:
        return scatters.gather(input, index, dim=dim)
    except IndexError:
        _check_places(index, dim, n)
        raise


_OLD_REDUCE = (
    "The reduce argument of torch.scatter with Tensor src is deprecated and will be removed in a future PyTorch "
    "release. Use torch.scatter_reduce instead for more reduction options."
)


def _scatter(input, dim, index, src, value, reduce):
    """(operation, writer, inputs, parameters, number of places) of scatter in one of its forms."""
    check_tensor(input, "scatter")
    src = value if src is None else src
    if not isinstance(index, TensorBase) or not isinstance(src, (TensorBase, int, float, complex, np.number, np.bool_)):
        refuse_combination("scatter", dim, index, src)
    dim = wrap_dim(dim, input._array.ndim)
    tensor = isinstance(src, TensorBase)
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    n = _check_grid(input, dim, index, "scatter", src if tensor else None)
    if tensor:
        src = _trimmed(src, index)
        if reduce is not None:
            warnings.warn(_OLD_REDUCE, UserWarning, stacklevel=3)
    else:
        src = _cast(src, input)
    if reduce is None:
        op = scatters.scatter if tensor else scatters.scatter_value
        return op, scatters.write_scatter, (index, src), {"dim": dim}, n
    if not tensor:
        src = core.wrap(np.full(index._array.shape, src, input._array.dtype))
    if reduce == "add":
        return (scatters.scatter_add, scatters.write_scatter_add, (index, src), {"dim": dim}, n)
    params = {"dim": dim, "reduce": "prod", "include_self": True}
    return (scatters.scatter_reduce, scatters.write_scatter_reduce, (index, src), params, n)


def _scattered(op, x, rest, params, n):
    """A scatter into a new tensor, which finds the indices that are outside by itself."""
    try:
        return op(x, *rest, **params)
    except IndexError:
        _check_places(rest[0], params["dim"], n)
        raise


def _scattered_into(op, writer, x, rest, params, n):
    """A scatter in place: no element is written where one of the indices is outside."""
    _check_places(rest[0], params["dim"], n)
    return write(op, writer, x, rest, params)


def _trimmed(src, index):
    """The part of src that the index speaks of."""
    shape = index._array.shape
    if src._array.shape == shape:
        return src
    if src._array.ndim != len(shape):
        return ops.getitem(src, index=(None,) if shape else (0, ...)) if index._array.size else src
    return ops.getitem(src, index=tuple([slice(n) for n in shape]))


@accepts_typed_out
def scatter(input, dim, index, src=None, value=None, *, reduce=None):
    """`input` with `src`, a tensor or a number, written at `index` along `dim`.

    For dim=0 that is out[index[i][j]][j] = src[i][j]. reduce="add" or "multiply" combines it with what is there. Of
    elements written to one place the last stays; the gradient there, as in PyTorch, goes to each of them.
    """
    op, _, *call = _scatter(input, dim, index, src, value, reduce)
    return _scattered(op, input, *call)


def scatter_(input, dim, index, src=None, value=None, *, reduce=None):
    """The in-place form of `scatter`."""
    op, writer, *call = _scatter(input, dim, index, src, value, reduce)
    return _scattered_into(op, writer, input, *call)


def _scatter_add(input, dim, index, src):
    check_tensor(input, "scatter_add")
    check_tensor(index, "scatter_add", 2, "index")
    check_tensor(src, "scatter_add", 3, "src")
    dim = wrap_dim(dim, input._array.ndim)
    n = _check_grid(input, dim, index, "scatter", src)
    return (index, _trimmed(src, index)), {"dim": dim}, n


@accepts_typed_out
def scatter_add(input, dim, index, src):
    """`input` with `src` added at `index` along `dim`: out[index[i][j]][j] += src[i][j] for dim=0."""
    return _scattered(scatters.scatter_add, input, *_scatter_add(input, dim, index, src))


def scatter_add_(input, dim, index, src):
    """The in-place form of `scatter_add`."""
    return _scattered_into(
        scatters.scatter_add, scatters.write_scatter_add, input, *_scatter_add(input, dim, index, src)
    )


def _scatter_reduce(input, dim, index, src, reduce, include_self):
    check_tensor(input, "scatter_reduce")
    check_tensor(index, "scatter_reduce", 2, "index")
    check_tensor(src, "scatter_reduce", 3, "src")
    dim = wrap_dim(dim, input._array.ndim)
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    n = _check_grid(input, dim, index, "scatter", src)
    params = {"dim": dim, "reduce": reduce, "include_self": include_self}
    return (index, _trimmed(src, index)), params, n


@accepts_typed_out
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """`input` with `src` reduced into it at `index` along `dim`, by sum, prod, mean, amax or amin.

    With include_self=False the elements of `input` that are written to do not count themselves.
    """
    check_flags("scatter_reduce", None, include_self=include_self)
    return _scattered(scatters.scatter_reduce, input, *_scatter_reduce(input, dim, index, src, reduce, include_self))


def scatter_reduce_(input, dim, index, src, reduce, *, include_self=True):
    """The in-place form of `scatter_reduce`."""
    check_flags("scatter_reduce_", None, include_self=include_self)
    return _scattered_into(
        scatters.scatter_reduce,
        scatters.write_scatter_reduce,
        input,
        *_scatter_reduce(input, dim, index, src, reduce, include_self),
    )


INPLACE = {
    "index_add_": index_add_,
    "index_copy_": index_copy_,
    "index_fill_": index_fill_,
    "index_reduce_": index_reduce_,
    "scatter_": scatter_,
    "scatter_add_": scatter_add_,
    "scatter_reduce_": scatter_reduce_,
}
