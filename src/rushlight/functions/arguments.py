"""What functions share in reading their arguments: tensors, dimensions, `out=`."""

import functools

from .. import casting
from ..casting import in_force
from ..core import TensorBase, inplace, transforms_entered, written
from ..dtypes import scalar_category
from ..errors import check_inference, check_memory, coded, not_a_flag, not_tensor, type_name
from ..ops.copying import copy


def check_tensor(value, function, position=1, name="input"):
    """TypeError in PyTorch's words where `value` is not a tensor."""
    if not isinstance(value, TensorBase):
        raise not_tensor(value, function, position, name)


def check_tensors(function, first=1, /, **given):
    """The same for several arguments in a row, of which one is at position `first`."""
    for position, (name, value) in enumerate(given.items(), first):
        if not isinstance(value, TensorBase):
            raise not_tensor(value, function, position, name)


def check_optional(value, function, position, name):
    """The same for an argument that may be None."""
    if value is not None and not isinstance(value, TensorBase):
        raise not_tensor(value, function, position, name)


def check_flags(function, position, /, **given):
    """TypeError in PyTorch's words where one of some flags in a row is neither True nor False.

    The first of them is at `position`, which is None where they are given by name only.
    """
    for i, (name, value) in enumerate(given.items()):
        if type(value) is not bool:
            raise not_a_flag(function, name, value, position and position + i)


def check_index(value, function, position, name):
    """An integer; TypeError in PyTorch's words where `value` is none."""
    if not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{name}' (position {position}) must be int, not {type_name(value)}")
    index = value.__index__()
    if not -(2**63) <= index < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return index


def check_number(value, function, position, name, wanted="Number"):
    """TypeError in PyTorch's words where `value` is no number."""
    if scalar_category(value) is None and not (isinstance(value, TensorBase) and value._array.ndim == 0):
        place = f" (position {position})" if position else ""
        raise TypeError(f"{function}(): argument '{name}'{place} must be {wanted}, not {type_name(value)}")


def wrap_dim(dim, ndim, *, scalar_as=1):
    """A dimension counted from the front; IndexError in PyTorch's words where there is none such.

    A 0-dim tensor counts as one of `scalar_as` dimensions.
    """
    n = ndim or scalar_as
    if not isinstance(dim, int):
        dim = _whole(dim, "int")
    if not -n <= dim < n:
        if not -(2**63) <= dim < 2**63:
            raise ValueError("Overflow when unpacking long long")
        raise coded(
            "RL308", IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
        )
    return dim + n if dim < 0 else dim


def wrap_dims(dims, ndim):
    """A tuple of distinct dimensions counted from the front; all of them for None or ()."""
    if dims is None:
        return tuple(range(ndim))
    if isinstance(dims, int):
        return (wrap_dim(dims, ndim),) if ndim else _no_dims(dims)
    if not isinstance(dims, (tuple, list)):
        return wrap_dims(_whole(dims, "tuple of ints"), ndim)
    wrapped = tuple([wrap_dim(d, ndim) for d in dims])
    if not wrapped:
        return tuple(range(ndim))
    if len(set(wrapped)) != len(wrapped):
        repeated = next(d for d in wrapped if wrapped.count(d) > 1)
        raise RuntimeError(f"dim {repeated} appears multiple times in the list of dims")
    return wrapped if ndim else ()


def _whole(dim, wanted):
    """A dimension given as another kind of integer: NumPy's, or a tensor's."""
    if not hasattr(dim, "__index__"):
        raise TypeError(f"argument 'dim' must be {wanted}, not {type(dim).__name__}")
    return dim.__index__()


def _no_dims(dim):
    wrap_dim(dim, 0)
    return ()


def numpy_names(function, named, dim, keepdim):
    """`dim` and `keepdim`, which may have been given by NumPy's names for them; TypeError for any other name."""
    for name, value in named.items():
        if name == "axis":
            dim = value
        elif name == "keepdims":
            check_flags(function, None, keepdim=value)
            keepdim = value
        else:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    return dim, keepdim


def sizes(args, function="size"):
    """A tuple of sizes from `f(2, 3)` or `f((2, 3))`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = args[0]
    try:
        return tuple([a.__index__() for a in args])
    except (AttributeError, TypeError):
        wrong = next(a for a in args if not hasattr(a, "__index__"))
        raise TypeError(
            f"{function}(): argument 'size' must be tuple of ints, but found element of type {type(wrong).__name__}"
        ) from None


def accepts_out(function, check=None, accumulates=False, widens=False):
    """Give a function an `out=` argument: the result (or each of several) is written into it, and it is returned.

    `check(out, result)` may refuse what could otherwise be cast. What `accumulates` does so in the dtype of `out`. What
    `widens` computes in float32 under autocast.
    """

    @functools.wraps(function)
    def with_out(*args, out=None, **named):
        if out is None:
            return function(*args, **named)
        from .outputs import accumulator, check_dtype, full_name, pairs

        given = (out, *args, *named.values())
        if any(map(_has_tangent, given)):
            raise NotImplementedError(
                f"Trying to use forward AD with {function.__name__.lstrip('_')}_out that does not support it because it is "
                "an out= function"
            )
        refuse_histories(full_name(function), given)
        if accumulates:
            check_tensor_out(out, function.__name__)
            named["dtype"] = accumulator(out, named.get("dtype"))
        # Autocast leaves calls with `out=` alone: that has its dtype.
        result = casting.call_off(function, args, named) if in_force else function(*args, **named)
        written = pairs(function, out, result)
        if check is not None:
            check(out, result)
        parts = getattr(result, "_fields", (None,) * len(written))
        for part, (target, value) in zip(parts, written):
            check_dtype(full_name(function), target, value, part)
            check_out(target, value)
        for target, value in written:
            write_out(target, value)
        if isinstance(result, tuple):
            return type(result)(*out) if hasattr(result, "_fields") else tuple(out)
        return out

    if not widens:
        return with_out

    @functools.wraps(function)
    def with_out_or_wide(*args, out=None, **named):
        if out is not None:
            return with_out(*args, out=out, **named)
        return function(*args, **named) if not in_force else casting.call_wide(function, args, named)

    return with_out_or_wide


# For functions that take 16-bit floats in float32 under autocast, and refuse them else.
widening = functools.partial(accepts_out, widens=True)


def check_tensor_out(out, function):
    """TypeError in PyTorch's words where `out` is no tensor."""
    if not isinstance(out, TensorBase):
        raise TypeError(f"{function}(): argument 'out' must be Tensor, not {type_name(out)}")


def refuse_histories(function, given):
    """RuntimeError where one of the arguments of a call with `out=` has a history."""
    from ..modes import grad_enabled

    if grad_enabled() and any(map(_requires_grad, given)):
        from .outputs import dispatched

        raise coded(
            "RL132",
            RuntimeError(
                f"{dispatched(function)}(): functions with out=... arguments don't support automatic differentiation, but "
                "one of the arguments requires grad."
            ),
        )


def _has_tangent(value):
    if isinstance(value, (tuple, list)):
        return any(map(_has_tangent, value))
    return isinstance(value, TensorBase) and bool(value.tangent)


def _requires_grad(value):
    if isinstance(value, (tuple, list)):
        return any(map(_requires_grad, value))
    return isinstance(value, TensorBase) and value.requires_grad


def check_out(out, value):
    """RuntimeError where the array of `value` cannot be written into `out`."""
    from ..dtypes import can_cast, of

    check_inference(out)
    source, target = of(value._array.dtype), of(out._array.dtype)
    if not can_cast(source, target):
        raise coded(
            "RL315",
            RuntimeError(
                f"result type {source.scalar_type} can't be cast to the desired output type {target.scalar_type}"
            ),
        )
    if out._array.shape == value._array.shape:
        check_memory(out._array)


def write_out(out, value, warns=True):
    """Write the array of `value` into `out`, which takes its shape (where it `warns`, of the loss of elements)."""
    import warnings

    import numpy as np

    from .. import watching

    if out._array.shape != value._array.shape:
        if out._array.size and warns:
            warnings.warn(
                f"An output with one or more elements was resized since it had shape {list(out._array.shape)}, which does "
                f"not match the required output shape {list(value._array.shape)}. This behavior is deprecated, and in a "
                "future PyTorch release outputs will not be resized unless they have zero elements. You can explicitly "
                "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                UserWarning,
                stacklevel=3,
            )
        out._array = np.empty(value._array.shape, out._array.dtype)
    elif watching.in_force:
        watching.note("out", out, value)
    if transforms_entered(0):
        inplace(copy, out, (value.detach(),), {})
        return
    np.copyto(out._array, value._array, casting="unsafe")
    written(out)
