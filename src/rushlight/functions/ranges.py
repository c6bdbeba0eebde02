"""Evenly spaced numbers: arange, linspace, logspace."""

import math
import warnings

import numpy as np

from ..allocation import checked
from ..core import TensorBase
from ..dtypes import COMPLEX, FLOATING, default_complex, get_default_dtype, int64, scalar_category
from ..dtypes import of as dtype_of
from ..kernels import load
from ..ops.copying import empty
from .creation import dtype_beside
from .options import allocate, check_countable, check_fits, check_place, finished, numpy_dtype, read_number


def arange(
    *args, start=None, end=None, step=None, out=None, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False,
):  # fmt: skip
    """Numbers from start (0) up to but without end, `step` (1) apart: `arange(end)` or `arange(start, end, step)`.

    int64 where all are ints, the default dtype otherwise. Raises RuntimeError where step is 0 or leads away from end.

    >>> import rushlight
    >>> rushlight.arange(3)
    tensor([0, 1, 2])
    """
    if len(args) > 3 or (not args and end is None):
        raise TypeError(
            "arange() received an invalid combination of arguments - got "
            f"({', '.join(type(a).__name__ for a in args)}), "
            "but expected one of:\n * (Number end)\n * (Number start, Number end, Number step = 1)\n"
        )
    if len(args) == 1 and end is None:
        end = args[0]
    elif args:
        start, end, step = [*args, *(start, end, step)[len(args) :]]
    start, step = 0 if start is None else start, 1 if step is None else step
    if (
        type(start) is type(end) is type(step) is int
        and dtype is out is device is layout is None
        and pin_memory is False
    ):
        return finished(_arange(start, end, step, int64.numpy), requires_grad, "arange")
    start = read_number(start, "arange", "start", 1)
    end = read_number(end, "arange", "end", min(len(args), 2) or 1)
    step = read_number(step, "arange", "step", 3)
    check_place("arange", device, layout, pin_memory)
    numbers = _arange(start, end, step, _range_dtype(start, end, step, dtype, out))
    if out is not None:
        warn_of_size(out, numbers)
    return finished(numbers, requires_grad, "arange", out)


def warn_of_size(out, numbers):
    """Say that `out` has another number of elements than there are numbers."""
    if out._array.size not in (0, len(numbers)):
        warnings.warn(
            f"The number of elements in the out tensor of shape {list(out._array.shape)} is {out._array.size} which does "
            f"not match the computed number of elements {len(numbers)}. Note that this may occur as a result of rounding "
            f"error. The out tensor will be resized to a tensor of shape ({len(numbers)},).",
            UserWarning,
            stacklevel=3,
        )


def range(
    start=0, end=None, step=1, *, out=None, dtype=None, layout=None, device=None, requires_grad=False
):  # fmt: skip
    """Numbers from start to end, end included, `step` apart; the default dtype unless another is given. Deprecated."""
    if end is None:
        raise TypeError('range() missing 1 required positional arguments: "end"')
    start, end, step = [
        read_number(x, "range", name, 1) for name, x in (("start", start), ("end", end), ("step", step))
    ]
    check_place("range", device, layout, False)
    target = dtype_beside(out, dtype, "range")
    _check_range(start, end, step)
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    steps = math.floor((end - start) / step) + 1
    numbers = allocate(lambda size, dtype: np.arange(*size, dtype=dtype), (steps,), np.dtype("float64"))
    return finished((numbers * step + start).astype(target), requires_grad, "range", out)


_kernels = load("ranges")
_MANY = 1 << 24


def _range_dtype(start, end, step, dtype, out):
    if out is None and dtype is None:
        integral = all(scalar_category(v) < FLOATING for v in (start, end, step))
        return int64.numpy if integral else get_default_dtype().numpy
    target = dtype_beside(out, dtype, "arange")
    if target.kind in "bc":
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtype_of(target).scalar_type}'")
    return target


def _check_range(start, end, step):
    for value in (start, end, step):
        if isinstance(value, complex):
            raise RuntimeError("value cannot be converted to type double without overflow")
        if type(value) is int:
            check_countable(value)
    if step == 0 or step != step:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _arange(start, end, step, dtype):
    if dtype == np.int64 and type(start) is type(end) is int and step == 1 and 0 <= start <= end < _MANY:
        return np.arange(start, end)
    _check_range(start, end, step)
    if dtype == np.int64:
        start, end, step = int(start), int(end), int(step)
        _check_range(start, end, step)
    if dtype.kind in "iu":
        if not all(isinstance(v, int) for v in (start, end, step)):
            n = math.ceil((end - start) / step)
            start, step = int(start), int(step)
        else:
            n = -((start - end) // step)
        return _integers(start, step, n, dtype)
    n = math.ceil((end - start) / step)
    if n > 2**62:
        raise RuntimeError("invalid size, possible overflow?")
    array = allocate(empty, (n,), dtype)
    if _kernels is not None and _kernels.counted(array, start, step):
        return array
    return (np.arange(n, dtype=np.float64) * step + start).astype(dtype, copy=False)


def _integers(start, step, n, dtype):
    if n > 2**62:
        raise RuntimeError("invalid size, possible overflow?")
    if not -(2**63) <= start < 2**63:
        raise OverflowError("int too big to convert")
    if step == 0:
        return np.full(n, start, np.int64).astype(dtype)
    return allocate(lambda size, _: np.arange(start, start + size[0] * step, step, np.int64), (n,), dtype).astype(
        dtype, copy=False
    )


def linspace(
    start, end, steps, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """`steps` evenly spaced numbers from start to end, both included.

    Raises RuntimeError for negative steps, and where complex ends would lose their imaginary parts.

    >>> import rushlight
    >>> rushlight.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_place("linspace", device, layout, pin_memory)
    start, end, steps, target = _ends("linspace", start, end, steps, dtype, out)
    return finished(_spaced(start, end, steps, target), requires_grad, "linspace", out)


def logspace(
    start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False,
    requires_grad=False,
):  # fmt: skip
    """`steps` numbers from base**start to base**end whose logarithms are evenly spaced.

    >>> import rushlight
    >>> rushlight.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    check_place("logspace", device, layout, pin_memory)
    start, end, steps, target = _ends("logspace", start, end, steps, dtype, out)
    wide = np.dtype("complex128") if target.kind == "c" else np.dtype("float64")
    if target.kind in "iu":
        start, end = int(start), int(end)
    exponents = _spaced(start, end, steps, target if target.kind in "fcV" else wide).astype(wide)
    with np.errstate(all="ignore"):
        values = np.power(np.asarray(base, wide), exponents.astype(wide))
        return finished(values.astype(target), requires_grad, "logspace", out)


_PLAIN = (float, int)


def _ends(function, start, end, steps, dtype, out):
    if dtype is out is None and type(start) in _PLAIN and type(end) in _PLAIN and type(steps) is int and steps >= 0:
        # Half the time of the checks below, which is a quarter of what linspace(0, 1, 1000) takes.
        target = get_default_dtype().numpy
        return check_fits(start, target), check_fits(end, target), steps, target
    ranks = [v._array.ndim if isinstance(v, TensorBase) else 0 for v in (start, end)]
    if any(ranks):
        raise RuntimeError(
            f"{function} only supports 0-dimensional start and end tensors, but got start with {ranks[0]} "
            "dimension(s) and "
            f"end with {ranks[1]} dimension(s)."
        )
    start = read_number(start.detach() if isinstance(start, TensorBase) else start, function, "start", 1)
    end = read_number(end.detach() if isinstance(end, TensorBase) else end, function, "end", 2)
    if isinstance(steps, TensorBase):
        steps = steps.item()
    if isinstance(steps, bool) or not hasattr(steps, "__index__"):
        raise TypeError(f"{function}(): argument 'steps' (position 3) must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    inferred = default_complex() if COMPLEX in map(scalar_category, (start, end)) else get_default_dtype()
    target = numpy_dtype(dtype, function, inferred.numpy) if out is None else dtype_beside(out, dtype, function)
    if target.kind == "b":
        raise NotImplementedError(f"\"{function}_cpu\" not implemented for 'Bool'")
    if inferred.is_complex and target.kind != "c":
        raise RuntimeError(
            f"torch.{function}(): inferred dtype {inferred.scalar_type} can't be safely cast to passed dtype "
            f"{dtype_of(target).scalar_type}"
        )
    for number in (start, end):
        check_fits(number, target)
    return start, end, int(steps), target


def _spaced(start, end, steps, target):
    """The numbers, counted from both ends so that both are met exactly."""
    work = np.dtype("float64") if target.kind in "iu" or target.itemsize < 4 else target
    if target.kind in "iu":
        start, end = int(start), int(end)
    first, last = work.type(start), work.type(end)
    if steps == 0:
        return np.empty(0, target)
    checked((steps,), work.itemsize)
    if steps == 1:
        return np.full(1, first, work).astype(target)
    step = (last - first) / work.type(steps - 1)
    half = steps // 2
    values = empty((steps,), work)
    if _kernels is not None and work.kind == "f" and _kernels.spaced(values, first, last, step):
        return values if work is target else values.astype(target)
    counts = np.arange(steps).astype(work)
    values[:half] = first + step * counts[:half]
    values[half:] = last - step * counts[: steps - half][::-1]
    return values.astype(target)


FUNCTIONS = ("arange", "linspace", "logspace", "range")
METHODS = ()
INPLACE = {}
