"""What the functions of nn.functional share in reading their arguments."""

import warnings
from functools import lru_cache

from ... import dtypes
from ...core import TensorBase
from ...errors import coded
from ...functions.arguments import check_flags as check_flags
from ...functions.arguments import check_optional as check_optional
from ...functions.arguments import check_tensor as check_tensor
from ...functions.arguments import check_tensors as check_tensors
from ...functions.arguments import type_name as type_name

_NUMBERS = {1: "one int", 2: "two ints", 3: "three ints"}


def is_int(value):
    return hasattr(value, "__index__") and not isinstance(value, (bool, TensorBase))


def ints(value, function, name, position=2):
    """A tuple of ints from an int or a sequence of ints."""
    if is_int(value):
        return (value.__index__(),)
    if not isinstance(value, (tuple, list)):
        raise TypeError(
            f"{function}(): argument '{name}' (position {position}) must be tuple of ints, not {type_name(value)}"
        )
    for i, entry in enumerate(value):
        if not is_int(entry):
            raise TypeError(
                f"{function}(): argument '{name}' (position {position}) must be tuple of ints, but found element of "
                "type "
                f"{type_name(entry)} at pos {i}"
            )
    return tuple([entry.__index__() for entry in value])


def window_ints(value, d, function, name, position=2, omitted=None):
    """The sizes of a window, one for each of d dimensions; `omitted` where `value` is None or empty."""
    if value is None or (value == () or value == []):
        if omitted is None:
            value = ()
        else:
            return omitted
    given = ints(value, function, name, position)
    if len(given) == 1:
        return given * d
    if len(given) == d:
        return given
    if d == 1:
        raise RuntimeError(f"{function}() argument '{name}' should contain one int (got {len(given)})")
    either = "be either" if name == "dilation" else "either be"
    single = "be omitted, a single int" if name == "stride" else "be a single int"
    if name == "stride":
        raise RuntimeError(f"{function}: stride must either {single}, or a tuple of {_NUMBERS[d]}")
    raise RuntimeError(f"{function}: {name} must {either} a single int, or a tuple of {_NUMBERS[d]}")


def remembered(work):
    """`work`, a function of sizes, which is done once for arguments that are plain: it is checks more than anything."""
    known = lru_cache(256, typed=True)(work)

    def asked(*args):
        for arg in args:
            if type(arg) not in _PLAIN and not (isinstance(arg, tuple) and _INTS.issuperset(map(type, arg))):
                return work(*args)
        return known(*args)

    return asked


# What may be compared by value without taking one type for another: within a tuple 2.0 and True equal integers.
_PLAIN, _INTS = {int, bool, str, type(None)}, {int}


def scalar_type(x):
    """The name that PyTorch's C++ gives the dtype of a tensor: Float, Long ..."""
    return dtypes.of(x._array.dtype).scalar_type


def shape_of(x):
    return list(x._array.shape)


def check_implemented(x, kernel, kinds="f"):
    """NotImplementedError where the dtype of x is none that PyTorch has the kernel for."""
    if kind_of(x) not in kinds:
        raise coded("RL322", NotImplementedError(f"\"{kernel}\" not implemented for '{scalar_type(x)}'"))


def kind_of(x):
    """ "f", "c", "i" (of any sign) or "b"."""
    kind = x._array.dtype.kind
    return "f" if kind == "V" else "i" if kind == "u" else kind


def check_constant(value, function, name):
    """RuntimeError where an argument without a derivative requires one."""
    if value is not None and value.requires_grad:
        raise RuntimeError(
            f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot "
            "have "
            "requires_grad True."
        )


def legacy_reduction(size_average, reduce):
    """What `reduction` the two deprecated arguments mean, with PyTorch's warning."""
    size_average = size_average is None or size_average
    reduce = reduce is None or reduce
    reduction = "mean" if size_average and reduce else "sum" if reduce else "none"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        UserWarning,
        stacklevel=4,
    )
    return reduction


def reduction_of(reduction, size_average=None, reduce=None):
    """The checked `reduction` of a loss."""
    if size_average is not None or reduce is not None:
        return legacy_reduction(size_average, reduce)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(losses, reduction):
    """A tensor of losses, or their mean or sum."""
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses
