"""Reductions as people call them: sums, means, variances, extrema, truth values, softmax."""

import functools
import warnings

from ..calls import call_with
from ..core import TensorBase, call1, call2
from ..dtypes import as_dtype, get_default_dtype
from ..dtypes import of as dtype_of
from ..errors import coded
from ..ops import reduce, selection, sort
from ..ops.axes import count_of
from ..ops.copying import to_dtype
from ..ops.softmax import log_softmax as _log_softmax
from ..ops.softmax import softmax as _softmax
from . import return_types
from .arguments import accepts_out, check_flags, check_tensor, numpy_names, wrap_dim, wrap_dims
from .outputs import expected


def cast(input, dtype):
    """`input` in the dtype, itself where that is None or its own."""
    if dtype is None:
        return input
    wanted = as_dtype(dtype).numpy
    return input if input._array.dtype == wanted else to_dtype(input, dtype=wanted)


def scalar_type(input):
    return dtype_of(input._array.dtype).scalar_type


def one_dim(function, input, dim):
    """A dimension along which to look for one element of each lane; PyTorch's refusal of several and of empty ones."""
    if not isinstance(dim, int) and not hasattr(dim, "__index__"):
        raise TypeError(f"{function}(): argument 'dim' (position 2) must be int, not {type(dim).__name__}")
    dim = wrap_dim(dim, input._array.ndim)
    if input._array.ndim and input._array.shape[dim] == 0:
        raise coded("RL328", IndexError(f"{function}(): Expected reduction dim {dim} to have non-zero size."))
    return dim


def refuse(input, kinds, kernel):
    """NotImplementedError for an input whose dtype is of one of the kinds."""
    if input._array.dtype.kind in kinds:
        raise coded("RL322", NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type(input)}'"))


def _dims(dim, ndim):
    """`dim` as the operations take it: None for all, an int, or a tuple."""
    if dim is None or (type(dim) is int and -ndim <= dim < ndim):
        return dim
    return wrap_dims(dim, ndim)


# ---- sums and means

_sum, _mean = reduce.sum, reduce.mean


def sum(input, dim=None, keepdim=False, *, dtype=None, out=None, **named):
    """The sum of all elements, or over `dim` (an int or several); integers and bools are summed as int64.

    >>> import rushlight
    >>> rushlight.ones(2, 3).sum(0)
    tensor([2., 2., 2.])
    """
    if dim is None and dtype is None and out is None and keepdim is False and not named:
        return call1(_sum, input)
    if out is not None:
        return _sum_out(input, dim, keepdim, dtype=dtype, out=out, **named)
    if not isinstance(input, TensorBase):
        check_tensor(input, "sum")
    if keepdim is not False:
        check_flags("sum", 3, keepdim=keepdim)
    if named:
        dim, keepdim = numpy_names("sum", named, dim, keepdim)
    if dtype is not None:
        input = cast(input, dtype)
    total = reduce.sum_dim(input, dim=_dims(dim, input._array.ndim), keepdim=keepdim)
    return cast(total, dtype)


def mean(input, dim=None, keepdim=False, *, dtype=None, out=None, **named):
    """The mean of all elements, or over `dim`; nan over none.

    Raises RuntimeError for integers and bools, unless `dtype` is a floating one.

    >>> import rushlight
    >>> rushlight.tensor([1.0, 2.0, 6.0]).mean()
    tensor(3.)
    """
    if dim is None and dtype is None and out is None and keepdim is False and not named:
        return call1(_mean, input)
    if out is not None:
        return _mean_out(input, dim, keepdim, dtype=dtype, out=out, **named)
    if not isinstance(input, TensorBase):
        check_tensor(input, "mean")
    if keepdim is not False:
        check_flags("mean", 3, keepdim=keepdim)
    if named:
        dim, keepdim = numpy_names("mean", named, dim, keepdim)
    if dtype is not None:
        if as_dtype(dtype).numpy.kind in "bui":
            raise RuntimeError(
                "mean(): could not infer output dtype. Optional dtype must be either a floating point or complex "
                f"dtype. Got: {as_dtype(dtype).scalar_type}"
            )
        input = cast(input, dtype)
    return reduce.mean_dim(input, dim=_dims(dim, input._array.ndim), keepdim=keepdim)


_sum_out, _mean_out = accepts_out(sum, accumulates=True), accepts_out(mean)


@accepts_out
def nansum(input, dim=None, keepdim=False, *, dtype=None, **named):
    """The sum, with nan counted as zero.

    >>> import rushlight
    >>> rushlight.nansum(rushlight.tensor([1.0, float("nan")]))
    tensor(1.)
    """
    check_tensor(input, "nansum")
    if keepdim is not False:
        check_flags("nansum", 3, keepdim=keepdim)
    if input._array.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    dim, keepdim = numpy_names("nansum", named, dim, keepdim)
    if input._array.dtype.kind in "bui":
        return sum(input, dim, keepdim, dtype=dtype)
    input = cast(input, dtype)
    if input._array.dtype.kind in "bui":
        return sum(input, dim, keepdim, dtype=dtype)
    return reduce.nansum(input, dim=wrap_dims(dim, input._array.ndim), keepdim=keepdim)


@accepts_out
def nanmean(input, dim=None, keepdim=False, *, dtype=None, **named):
    """The mean of the elements that are not nan.

    >>> import rushlight
    >>> rushlight.nanmean(rushlight.tensor([1.0, 3.0, float("nan")]))
    tensor(2.)
    """
    check_tensor(input, "nanmean")
    if keepdim is not False:
        check_flags("nanmean", 3, keepdim=keepdim)
    if input._array.dtype.kind in "bui":
        raise RuntimeError(
            f"nanmean(): expected input to have floating point or complex dtype but got {scalar_type(input)}"
        )
    dim, keepdim = numpy_names("nanmean", named, dim, keepdim)
    numbers = reduce.count_nonzero(input == input, dim=wrap_dims(dim, input._array.ndim), keepdim=keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / numbers


@functools.partial(accepts_out, accumulates=True)
def prod(input, dim=None, keepdim=False, *, dtype=None, **named):
    """The product of all elements, or over one dimension; int64 for integers and bools.

    >>> import rushlight
    >>> rushlight.tensor([[1, 2], [3, 4]]).prod(1)
    tensor([ 2, 12])
    """
    check_tensor(input, "prod")
    if keepdim is not False:
        check_flags("prod", 3, keepdim=keepdim)
    dim, keepdim = numpy_names("prod", named, dim, keepdim)
    given = input if dtype is None else cast(input, dtype)
    if dim is None:
        return cast(reduce.prod(given), dtype)
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"prod(): argument 'dim' must be int, not {type(dim).__name__}")
    return cast(reduce.prod_dim(given, dim=wrap_dim(dim, input._array.ndim), keepdim=keepdim), dtype)


# ---- variance


def _spread(op, name, input, dim, unbiased, keepdim, correction, named):
    """The arguments of var and its kin, in each of PyTorch's forms, and the call."""
    check_tensor(input, name)
    if keepdim is not False:
        check_flags(name, 4, keepdim=keepdim)
    if named:
        dim, keepdim = numpy_names(name, named, dim, keepdim)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        check_flags(name, 3, unbiased=unbiased)
        if correction is not _UNGIVEN:
            raise TypeError(f"{name}() received an invalid combination of arguments: unbiased and correction")
        correction = 1 if unbiased else 0
    elif correction is _UNGIVEN or correction is None:
        correction = 1
    if input._array.dtype.kind in "bui":
        subject = "std and var" if name in ("std", "var") else name
        raise RuntimeError(f"{subject} only support floating point and complex dtypes")
    dims = wrap_dims(dim, input._array.ndim)
    if correction >= (count_of(input._array.shape, dims) if input._array.size else 0):
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input "
            "numel divided by output numel).",
            UserWarning,
            stacklevel=4,
        )
    return op(input, dim=dims, correction=correction, keepdim=keepdim)


_UNGIVEN = object()


@accepts_out
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=_UNGIVEN, **named):
    """The variance of all elements, or over `dim`; the divisor is n - correction (1 unless given).

    >>> import rushlight
    >>> rushlight.tensor([1.0, 3.0]).var()
    tensor(2.)
    """
    return _spread(reduce.var, "var", input, dim, unbiased, keepdim, correction, named)


@accepts_out
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=_UNGIVEN, **named):
    """The standard deviation, with the arguments of `var`.

    >>> import rushlight
    >>> rushlight.tensor([1.0, 3.0]).std(correction=0)
    tensor(1.)
    """
    return _spread(reduce.std, "std", input, dim, unbiased, keepdim, correction, named)


def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=_UNGIVEN, **named):
    """(variance, mean), with the arguments of `var`.

    >>> import rushlight
    >>> rushlight.var_mean(rushlight.tensor([1.0, 3.0]))
    (tensor(2.), tensor(2.))
    """
    return _spread(reduce.var_mean, "var_mean", input, dim, unbiased, keepdim, correction, named)


def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=_UNGIVEN, **named):
    """(standard deviation, mean), with the arguments of `var`.

    >>> import rushlight
    >>> rushlight.std_mean(rushlight.tensor([1.0, 3.0]), correction=0)
    (tensor(1.), tensor(2.))
    """
    return _spread(reduce.std_mean, "std_mean", input, dim, unbiased, keepdim, correction, named)


# ---- extrema


def _nothing_to_reduce(name):
    return coded(
        "RL328",
        RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument."
        ),
    )


def _extremum(name, whole, along, binary, input, dim, keepdim, other, named):
    check_tensor(input, name)
    if keepdim is not False:
        check_flags(name, 3, keepdim=keepdim)
    if named:
        dim, keepdim = numpy_names(name, named, dim, keepdim)
    if other is not None or isinstance(dim, TensorBase):
        return call2(binary, input, dim if other is None else other)
    if dim is None:
        refuse(input, "c", f"{name}_all")
        if input._array.size == 0:
            raise _nothing_to_reduce(name)
        return call1(whole, input)
    dim = one_dim(name, input, dim)
    if input._array.dtype.kind == "c":
        raise RuntimeError(f"{name}(): does not support complex input")
    return getattr(return_types, name)(along(input, dim=dim, keepdim=keepdim))


@accepts_out
def max(input, dim=None, keepdim=False, *, other=None, **named):
    """The largest element; with `dim` (values, indices) along it; with another tensor the larger of each two elements.

    >>> import rushlight
    >>> rushlight.tensor([[1.0, 5.0], [3.0, 2.0]]).max(1).indices
    tensor([1, 0])
    """
    return _extremum("max", reduce.max_all, sort.max_dim, selection.maximum, input, dim, keepdim, other, named)


@accepts_out
def min(input, dim=None, keepdim=False, *, other=None, **named):
    """The smallest element; with `dim` (values, indices) along it; with another tensor the smaller of each two.

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0]).min()
    tensor(1.)
    """
    return _extremum("min", reduce.min_all, sort.min_dim, selection.minimum, input, dim, keepdim, other, named)


def _extreme_values(op, kernel, input, dim, keepdim, named):
    name = op.name
    check_tensor(input, name)
    if keepdim is not False:
        check_flags(name, 3, keepdim=keepdim)
    dim, keepdim = numpy_names(name, named, dim, keepdim)
    shape, dims = input._array.shape, wrap_dims(dim, input._array.ndim)
    if input._array.size == 0:
        if len(dims) == len(shape) and (dim is None or dim == ()):
            raise _nothing_to_reduce(name)
        for d in dims:
            if shape[d] == 0:
                raise coded("RL328", IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size."))
    refuse(input, "c", kernel)
    return op(input, dim=dims, keepdim=keepdim)


def _same_dtype(out, result):
    own, given = scalar_type(result), scalar_type(out)
    if own != given:
        raise RuntimeError(
            f"Expected the dtype for input and out to match, but got {own} for input's dtype and {given} for out's dtype."
        )


_within_its_dtype = functools.partial(accepts_out, check=_same_dtype)


@_within_its_dtype
def amax(input, dim=None, keepdim=False, **named):
    """The largest element, of all or over `dim`; its gradient is shared by all elements that are as large.

    >>> import rushlight
    >>> rushlight.tensor([[1.0, 5.0], [3.0, 2.0]]).amax(0)
    tensor([3., 5.])
    """
    return _extreme_values(reduce.amax, "max_values_cpu", input, dim, keepdim, named)


@_within_its_dtype
def amin(input, dim=None, keepdim=False, **named):
    """The smallest element, of all or over `dim`; its gradient is shared by all elements that are as small.

    >>> import rushlight
    >>> rushlight.tensor([[1.0, 5.0], [3.0, 2.0]]).amin(0)
    tensor([1., 2.])
    """
    return _extreme_values(reduce.amin, "min_values_cpu", input, dim, keepdim, named)


def aminmax(input, *, dim=None, keepdim=False, out=None):
    """(min, max) of all elements, or along one dimension.

    >>> import rushlight
    >>> rushlight.aminmax(rushlight.tensor([3.0, 1.0])).max
    tensor(3.)
    """
    check_tensor(input, "aminmax")
    if keepdim is not False:
        check_flags("aminmax", 3, keepdim=keepdim)
    if out is not None:
        for target in out:
            expected(target, dtype_of(input._array.dtype))
        return accepts_out(aminmax)(input, dim=dim, keepdim=keepdim, out=out)
    if dim is None and input._array.size == 0:
        raise RuntimeError(
            "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity."
        )
    if dim is not None:
        dim = wrap_dim(dim, input._array.ndim)
        if input._array.ndim and input._array.shape[dim] == 0:
            raise coded("RL328", IndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size."))
    refuse(input, "c", "aminmax_cpu")
    return return_types.aminmax(reduce.aminmax(input, dim=dim, keepdim=keepdim))


def _place(op, input, dim, keepdim, named):
    name = op.name
    check_tensor(input, name)
    if dim is None and keepdim is False and not named and input._array.size and input._array.dtype.kind not in "bc":
        return call1(op, input)
    if keepdim is not False:
        check_flags(name, 3, keepdim=keepdim)
    dim, keepdim = numpy_names(name, named, dim, keepdim)
    if dim is not None:
        dim = one_dim(name, input, dim)
    elif input._array.size == 0:
        raise coded("RL328", IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0."))
    if input._array.dtype.kind in "bc":
        raise RuntimeError(
            f"{name}(): does not support {'bool' if input._array.dtype.kind == 'b' else 'complex'} input"
        )
    return op(input, dim=dim if input._array.ndim else None, keepdim=keepdim)


@accepts_out
def argmax(input, dim=None, keepdim=False, **named):
    """Where the largest element is (the first of several; nan counts as largest), of all or along `dim`.

    >>> import rushlight
    >>> rushlight.tensor([1.0, 5.0, 5.0]).argmax()
    tensor(1)
    """
    return _place(reduce.argmax, input, dim, keepdim, named)


@accepts_out
def argmin(input, dim=None, keepdim=False, **named):
    """Where the smallest element is (the first of several; nan counts as smallest).

    >>> import rushlight
    >>> rushlight.tensor([3.0, 1.0]).argmin()
    tensor(1)
    """
    return _place(reduce.argmin, input, dim, keepdim, named)


# ---- truth and counts


def _truth(op, input, dim, keepdim, named):
    check_tensor(input, op.name)
    if keepdim is not False:
        check_flags(op.name, 3, keepdim=keepdim)
    dim, keepdim = numpy_names(op.name, named, dim, keepdim)
    if dim is not None:
        # Unlike elsewhere, no dimensions mean none here, not all.
        dim = () if dim in ((), []) else wrap_dims(dim, input._array.ndim)
    out = op(input, dim=dim, keepdim=keepdim)
    return to_dtype(out, dtype=input._array.dtype) if scalar_type(input) == "Byte" else out


@accepts_out
def any(input, dim=None, keepdim=False, **named):
    """Whether some element is not zero, of all or over `dim`.

    >>> import rushlight
    >>> rushlight.tensor([0, 2]).any()
    tensor(True)
    """
    return _truth(reduce.any, input, dim, keepdim, named)


@accepts_out
def all(input, dim=None, keepdim=False, **named):
    """Whether no element is zero, of all or over `dim`.

    >>> import rushlight
    >>> rushlight.tensor([0, 2]).all()
    tensor(False)
    """
    return _truth(reduce.all, input, dim, keepdim, named)


def count_nonzero(input, dim=None, **named):
    """How many elements are not zero, of all or over `dim`.

    >>> import rushlight
    >>> rushlight.count_nonzero(rushlight.tensor([0, 2, 3]))
    tensor(2)
    """
    check_tensor(input, "count_nonzero")
    dim, _ = numpy_names("count_nonzero", named, dim, False)
    return reduce.count_nonzero(input, dim=wrap_dims(dim, input._array.ndim))


# ---- softmax and its kin


@accepts_out
def logsumexp(input, dim, keepdim=False, **named):
    """log(sum(exp(input))) over `dim`, without overflow.

    >>> import rushlight
    >>> rushlight.logsumexp(rushlight.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    check_tensor(input, "logsumexp")
    if keepdim is not False:
        check_flags("logsumexp", 3, keepdim=keepdim)
    dim, keepdim = numpy_names("logsumexp", named, dim, keepdim)
    if dim is None:
        raise TypeError("logsumexp(): argument 'dim' (position 2) must be tuple of ints, not NoneType")
    if input._array.dtype.kind in "bui":
        input = to_dtype(input, dtype=get_default_dtype().numpy)
    return reduce.logsumexp(input, dim=wrap_dims(dim, input._array.ndim), keepdim=keepdim)


def _soft(op, input, dim, dtype):
    if not isinstance(input, TensorBase):
        check_tensor(input, op.name)
    if dtype is not None:
        input = cast(input, dtype)
    dim = wrap_dim(dim, input._array.ndim)
    if input._array.dtype.kind in "buic":
        last = "_lastdim" if dim == (input._array.ndim or 1) - 1 else ""
        refuse(input, "buic", f"{op.name}{last}_kernel_impl")
    return call_with(op, input, dim)


def softmax(input, dim, dtype=None, *, out=None):
    """exp(input) divided by its sum along `dim`, computed in `dtype` if given.

    Raises NotImplementedError for integers and complex numbers.

    >>> import rushlight
    >>> rushlight.softmax(rushlight.tensor([0.0, 0.0]), 0)
    tensor([0.5000, 0.5000])
    """
    if out is not None:
        return accepts_out(softmax)(input, dim, dtype, out=out)
    return _soft(_softmax, input, dim, dtype)


def log_softmax(input, dim, dtype=None, *, out=None):
    """log(softmax(input)) along `dim`, computed without a logarithm of small numbers.

    >>> import rushlight
    >>> rushlight.log_softmax(rushlight.tensor([0.0, 0.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    if out is not None:
        return accepts_out(log_softmax)(input, dim, dtype, out=out)
    return _soft(_log_softmax, input, dim, dtype)


METHODS = (
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "log_softmax", "logsumexp",
    "max", "mean", "min", "nanmean", "nansum", "prod", "softmax", "std", "sum", "var",
)  # fmt: skip
FUNCTIONS = (*METHODS, "std_mean", "var_mean")
INPLACE = {}
