"""Sorting, ranks and look-ups as people call them."""

import numpy as np

from ..core import TensorBase, wrap
from ..dtypes import result_dtype
from ..errors import coded
from ..ops import reduce, search
from ..ops import sort as sorting
from ..ops.copying import to_dtype
from . import return_types
from .arguments import accepts_out, check_flags, check_tensor, numpy_names, wrap_dim
from .reduction import cast, one_dim, refuse, scalar_type


def _sortable(input, what="Sort"):
    if input._array.dtype.kind == "c":
        raise RuntimeError(f" {what} does not support complex dtypes on CPU")


@accepts_out
def sort(input, dim=-1, descending=False, stable=False, **named):
    """(values, indices) in ascending order along `dim`; nan counts as larger than any number. Always stable.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, 2.0]).sort().indices
    tensor([1, 2, 0])
    """
    check_tensor(input, "sort")
    if type(descending) is not bool or type(stable) is not bool:
        check_flags("sort", 3, descending=descending, stable=stable is not None and stable)
    dim, _ = numpy_names("sort", named, dim, False)
    _sortable(input)
    dim = wrap_dim(dim, input._array.ndim)
    return return_types.sort(sorting.sort(input, dim=dim, descending=descending, stable=bool(stable)))


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that sort a tensor along `dim`.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, 2.0]).argsort()
    tensor([1, 2, 0])
    """
    check_tensor(input, "argsort")
    if type(descending) is not bool or type(stable) is not bool:
        check_flags("argsort", 3, descending=descending, stable=stable)
    _sortable(input)
    return sorting.argsort(input, dim=wrap_dim(dim, input._array.ndim), descending=descending, stable=bool(stable))


@accepts_out
def msort(input):
    """The values sorted along the first dimension.

    >>> import rushlight
    >>> rushlight.msort(rushlight.tensor([3.0, 1.0]))
    tensor([1., 3.])
    """
    check_tensor(input, "msort")
    return sort(input, 0)[0]


@accepts_out
def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the k largest (or smallest) elements along `dim`.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, 2.0]).topk(2).values
    tensor([3., 2.])
    """
    check_tensor(input, "topk")
    if type(largest) is not bool or type(sorted) is not bool:
        check_flags("topk", 4, largest=largest, sorted=sorted)
    _sortable(input, "topk")
    if input._array.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    dim = wrap_dim(dim, input._array.ndim)
    size = input._array.shape[dim] if input._array.ndim else 1
    if not 0 <= k <= size:
        raise coded("RL339", RuntimeError("selected index k out of range"))
    return return_types.topk(sorting.topk(input, k=int(k), dim=dim, largest=largest, sorted=sorted))


def kthvalue(input, k, dim=-1, keepdim=False, *, out=None):
    """(values, indices) of the k-th smallest element along `dim`, counted from 1.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, 2.0]).kthvalue(2).values
    tensor(2.)
    """
    if out is not None:
        return _kthvalue_out(input, k, dim, keepdim, out=out)
    check_tensor(input, "kthvalue")
    if keepdim is not False:
        check_flags("kthvalue", 4, keepdim=keepdim)
    dim = one_dim("kthvalue", input, dim)
    size = input._array.shape[dim] if input._array.ndim else 1
    if not 1 <= k <= size:
        raise coded("RL339", RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}"))
    refuse(input, "bc", "kthvalue_cpu")
    return return_types.kthvalue(sorting.kthvalue(input, k=int(k), dim=dim, keepdim=keepdim))


def _kthvalue_out(input, k, dim, keepdim, *, out):
    for target in out:
        if np.may_share_memory(target._array, input._array):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single "
                "memory location. Please clone() the tensor before performing the operation."
            )
    return accepts_out(kthvalue)(input, k, dim, keepdim, out=out)


@accepts_out
def median(input, dim=None, keepdim=False):
    """The lower median of all elements, or (values, indices) along `dim`; nan where there is a nan.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, 2.0, 4.0]).median()
    tensor(2.)
    """
    check_tensor(input, "median")
    if keepdim is not False:
        check_flags("median", 3, keepdim=keepdim)
    if dim is None:
        refuse(input, "bc", "median_cpu")
        return reduce.median(input)
    dim = one_dim("median", input, dim)
    refuse(input, "bc", "median_out")
    return return_types.median(sorting.median_dim(input, dim=dim, keepdim=keepdim))


@accepts_out
def nanmedian(input, dim=None, keepdim=False):
    """The lower median of the elements that are not nan, of all or (values, indices) along `dim`.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0, float("nan")]).nanmedian()
    tensor(1.)
    """
    check_tensor(input, "nanmedian")
    if keepdim is not False:
        check_flags("nanmedian", 3, keepdim=keepdim)
    if dim is None:
        refuse(input, "bc", "median_cpu")
        return reduce.nanmedian(input)
    dim = one_dim("nanmedian", input, dim)
    refuse(input, "bc", "median_out")
    return return_types.nanmedian(sorting.nanmedian_dim(input, dim=dim, keepdim=keepdim))


@accepts_out
def mode(input, dim=-1, keepdim=False):
    """(values, indices) of the most frequent element along `dim`, the smallest of several, where it is last.

    >>> import rushlight
    >>> rushlight.tensor([1, 2, 2]).mode().values
    tensor(2)
    """
    check_tensor(input, "mode")
    if keepdim is not False:
        check_flags("mode", 3, keepdim=keepdim)
    dim = one_dim("mode", input, dim)
    refuse(input, "c", "mode_cpu")
    return return_types.mode(sorting.mode(input, dim=dim, keepdim=keepdim))


# ---- look-ups


@accepts_out
def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    """Where each element belongs in a sorted sequence (its last dimension), before equal ones, after them if `right`.

    >>> import rushlight
    >>> rushlight.searchsorted(rushlight.tensor([1, 3, 5]), rushlight.tensor([3, 6]))
    tensor([1, 3])
    """
    check_tensor(sorted_sequence, "searchsorted", name="sorted_sequence")
    check_flags("searchsorted", None, out_int32=out_int32, right=right)
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    if sorter is not None:
        sorted_sequence = _in_order(sorted_sequence, sorter)
    return _found(sorted_sequence, input, right or side == "right", out_int32)


def _in_order(sequence, sorter):
    if sorter._array.shape != sequence._array.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor "
            f"{list(sequence._array.shape)}and got sorter tensor {list(sorter._array.shape)}"
        )
    if scalar_type(sorter) != "Long":
        raise RuntimeError(
            f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {scalar_type(sorter)}"
        )
    order = sorter._array
    if order.size and not (order.min() >= 0 and order.max() < order.shape[-1]):
        raise RuntimeError("torch.searchsorted(): sorter index out of range")
    return sorting.gather(sequence, sorter, dim=order.ndim - 1)


def _found(boundaries, input, right, out_int32):
    edges = boundaries._array
    if edges.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension"
        )
    input = input if isinstance(input, TensorBase) else wrap(np.asarray(input))
    _check_values(boundaries, input)
    dtype = result_dtype([edges, input._array])
    boundaries, input = cast(boundaries, dtype), cast(input, dtype)
    refuse(boundaries, "bc", "searchsorted_out_cpu")
    found = search.searchsorted(boundaries, input, right=right)
    return to_dtype(found, dtype=np.dtype(np.int32)) if out_int32 else found


def _tensor(input):
    return input if isinstance(input, TensorBase) else wrap(np.asarray(input))


def _check_values(boundaries, input):
    edges, values = boundaries._array, input._array
    if values.ndim == 0 and edges.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we "
            f"got boundaries tensor dim({edges.ndim}) and input value's dim(0) numel(1)"
        )
    if edges.ndim != 1 and edges.shape[:-1] != values.shape[:-1]:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got boundaries tensor {list(edges.shape)} and input "
            f"value tensor {list(values.shape)}"
        )


@accepts_out
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The bucket of each element between sorted boundaries.

    >>> import rushlight
    >>> rushlight.bucketize(rushlight.tensor([0, 2]), rushlight.tensor([1, 2, 3]))
    tensor([0, 1])
    """
    check_tensor(boundaries, "bucketize", 2, "boundaries")
    check_flags("bucketize", None, out_int32=out_int32, right=right)
    if boundaries._array.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})")
    return _found(boundaries, input, right, out_int32)


@accepts_out
def isin(
    elements=None, test_elements=None, *, assume_unique=False, invert=False, element=None, test_element=None
):  # fmt: skip
    """Whether each element is among the test elements; one of the two may be a number (then also named in the singular).

    >>> import rushlight
    >>> rushlight.isin(rushlight.tensor([1, 2]), rushlight.tensor([2, 3]))
    tensor([False,  True])
    """
    check_flags("isin", None, assume_unique=assume_unique, invert=invert)
    elements = element if elements is None else elements
    test_elements = test_element if test_elements is None else test_elements
    if not isinstance(elements, TensorBase) and not isinstance(test_elements, TensorBase):
        raise TypeError(
            f"isin() received an invalid combination of arguments - got ({type(elements).__name__}, "
            f"{type(test_elements).__name__})"
        )
    for given in (elements, test_elements):
        if isinstance(given, TensorBase) and given._array.dtype.kind in "bc":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {scalar_type(given)}")
    elements, test_elements = (
        given if isinstance(given, TensorBase) else wrap(np.asarray(given)) for given in (elements, test_elements)
    )
    return search.isin(elements, test_elements, assume_unique=assume_unique, invert=invert)


# ---- distinct values


def _chosen(results, return_inverse, return_counts):
    values, inverse, counts = results
    if not return_inverse and not return_counts:
        return values
    return (values, *([inverse] if return_inverse else []), *([counts] if return_counts else []))


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements in order (of slices along `dim`); on demand where each came from, and how often.

    >>> import rushlight
    >>> rushlight.unique(rushlight.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    check_tensor(input, "unique")
    name = "_unique2" if dim is None else "unique_dim"
    check_flags(name, None, sorted=sorted, return_inverse=return_inverse, return_counts=return_counts)
    if dim is None:
        refuse(input, "c", "unique")
        return _chosen(
            search.unique(input, inverse=return_inverse, counts=return_counts),
            return_inverse,
            return_counts,
        )
    dim = wrap_dim(dim, input._array.ndim)
    if input._array.size == 0 and 0 in input._array.shape[:dim] + input._array.shape[dim + 1 :]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    refuse(input, "c", "unique_dim")
    return _chosen(search.unique_dim(input, dim=dim), return_inverse, return_counts)


def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements without the repetitions that follow each other.

    >>> import rushlight
    >>> rushlight.unique_consecutive(rushlight.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    check_tensor(input, "unique_consecutive")
    check_flags("unique_consecutive", 2, return_inverse=return_inverse, return_counts=return_counts)
    refuse(input, "c", "unique")
    dim = None if dim is None else wrap_dim(dim, input._array.ndim)
    results = search.unique_consecutive(input, dim=dim, inverse=return_inverse)
    return _chosen(results, return_inverse, return_counts)


METHODS = (
    "argsort", "isin", "kthvalue", "median", "mode", "msort", "nanmedian", "sort", "topk", "unique",
    "unique_consecutive",
)  # fmt: skip
FUNCTIONS = (*METHODS, "bucketize", "searchsorted")
INPLACE = {}
