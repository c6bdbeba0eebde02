"""Choices between elements: where, the larger and the smaller, clamping, repairs."""

from ..core import TensorBase, apply, call2, inplace
from ..dtypes import scalar_category
from ..ops import selection as ops
from .arguments import accepts_out, check_number, check_tensor, type_name
from .making import binary_inplace, of_tensors
from .options import SURE, check_held
from .outputs import found

maximum = of_tensors(
    ops.maximum, "The larger of each pair; nan where one is.", "[1.0, 4.0]", "[3.0, 2.0]", "tensor([3., 4.])"
)
minimum = of_tensors(
    ops.minimum, "The smaller of each pair; nan where one is.", "[1.0, 4.0]", "[3.0, 2.0]", "tensor([1., 2.])"
)
fmax = of_tensors(
    ops.fmax, "The larger of each pair; the number where one is nan.", "[1.0, 4.0]", "[3.0, 2.0]", "tensor([3., 4.])"
)
fmin = of_tensors(
    ops.fmin, "The smaller of each pair; the number where one is nan.", "[1.0, 4.0]", "[3.0, 2.0]", "tensor([1., 2.])"
)
_NOTHING = {}


@accepts_out
def heaviside(input, values):
    """0 below zero, 1 above, and `values` at zero. One dtype for both.

    >>> import rushlight
    >>> rushlight.heaviside(rushlight.tensor([-1.0, 0.0, 2.0]), rushlight.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_tensor(input, "heaviside")
    check_tensor(values, "heaviside", 2, "values")
    return call2(ops.heaviside, input, values)


def where(condition, input=None, other=None, *, out=None):
    """`input` where `condition` (bool) holds, else `other`; both broadcast, and either may be a number.

    With the condition alone, the indices where it holds, a tensor for each dimension.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, -1.0])
    >>> rushlight.where(x > 0, x, 0)
    tensor([1., 0.])
    """
    if input is None and other is None:
        check_tensor(condition, "where", 1, "condition")
        return condition.nonzero(as_tuple=True)
    if out is None and isinstance(condition, TensorBase) and isinstance(input, TensorBase) and _is_operand(other):
        check_held(other, input)
        return apply(ops.where, (condition, input, other), _NOTHING)
    return _where(condition, input, other, out=out)


def _is_operand(value):
    return isinstance(value, TensorBase) or scalar_category(value) is not None


@accepts_out
def _where(condition, input, other):
    check_tensor(condition, "where", 1, "condition")
    for position, name, value in ((2, "input", input), (3, "other", other)):
        if not _is_operand(value):
            check_tensor(value, "where", position, name)
    for value, beside in ((input, other), (other, input)):
        if isinstance(beside, TensorBase):
            check_held(value, beside)
    return ops.where(condition, input, other)


_where.__name__ = "where"


def _method_where(self, condition, other):
    """This tensor where `condition` holds, else `other`."""
    return where(condition, self, other)


# -- clamping

_NUMBERS = (int, float)


def clamp(input, min=None, max=None, *, out=None):
    """Each element, but not below `min` nor above `max`: tensors or numbers, one of which may be left out.

    Raises RuntimeError where both are left out. The gradient passes where the element is within the bounds or on them.

    >>> import rushlight
    >>> rushlight.clamp(rushlight.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if out is None and type(min) in _NUMBERS and isinstance(input, TensorBase) and -SURE <= min <= SURE:
        if max is None and input._array.dtype.kind == "f":
            return call2(ops.clamp_from, input, min)
        if type(max) in _NUMBERS and -SURE <= max <= SURE and input._array.dtype.kind == "f":
            return apply(ops.clamp_numbers, (input,), {"low": min, "high": max})
    tensors = isinstance(min, TensorBase) or isinstance(max, TensorBase)
    return (_clamp_by_tensors if tensors else _clamp_by_numbers)(input, min, max, out=out)


def _clamp(input, min, max):
    check_tensor(input, "clamp")
    op, bounds = _clamping(input, min, max)
    return call2(op, input, *bounds) if len(bounds) == 1 else op(input, *bounds)


_clamp.__name__ = "clamp"
_clamp_by_tensors, _clamp_by_numbers = accepts_out(_clamp), accepts_out(_clamp, check=found)


def _clamping(input, min, max):
    """The operation for these bounds, and those that there are."""
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, TensorBase) and scalar_category(bound) is None:
            raise TypeError(f"clamp(): argument '{name}' must be Number, not {type_name(bound)}")
        if bound is not None:
            _check_bound(bound, input)
    tensors = isinstance(min, TensorBase) or isinstance(max, TensorBase)
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if max is None:
        return (ops.clamp_from_tensor if tensors else ops.clamp_from), (min,)
    if min is None:
        return (ops.clamp_to_tensor if tensors else ops.clamp_to), (max,)
    return (ops.clamp if tensors else ops.clamp_between), (min, max)


def _clamp_(self, min=None, max=None):
    """`clamp` written over this tensor, which is returned."""
    op, bounds = _clamping(self, min, max)
    return inplace(op, self, bounds, {})


def _check_bound(bound, input):
    if not isinstance(bound, complex) and input._array.dtype.kind != "c":
        check_held(bound, input)


def clamp_min(input, min, *, out=None):
    """Each element, but not below `min`.

    >>> import rushlight
    >>> rushlight.clamp_min(rushlight.tensor([-2.0, 0.5]), 0)
    tensor([0.0000, 0.5000])
    """
    return (_min_tensor if isinstance(min, TensorBase) else _min_number)(input, min, out=out)


def clamp_max(input, max, *, out=None):
    """Each element, but not above `max`.

    >>> import rushlight
    >>> rushlight.clamp_max(rushlight.tensor([-2.0, 0.5]), 0)
    tensor([-2.,  0.])
    """
    return (_max_tensor if isinstance(max, TensorBase) else _max_number)(input, max, out=out)


def _bounded(name, by_tensor, by_number):
    """clamp_min or clamp_max by a tensor and by a number."""

    def tensor(input, bound):
        check_tensor(input, name)
        return call2(by_tensor, input, bound)

    def number(input, bound):
        check_tensor(input, name)
        if scalar_category(bound) is None:
            check_number(bound, name, 2, name[-3:])
        _check_bound(bound, input)
        return call2(by_number, input, bound)

    tensor.__name__ = number.__name__ = name
    return accepts_out(tensor), accepts_out(number, check=found)


_min_tensor, _min_number = _bounded("clamp_min", ops.clamp_min, ops.clamp_min_number)
_max_tensor, _max_number = _bounded("clamp_max", ops.clamp_max, ops.clamp_max_number)
clip = clamp


# -- repairs


@accepts_out
def nan_to_num(input, nan=None, posinf=None, neginf=None):
    """Numbers in the place of nan (0 by default), inf and -inf (the largest and smallest of the dtype).

    >>> import rushlight
    >>> rushlight.nan_to_num(rushlight.tensor([1.0, float("nan"), float("inf")]), posinf=9.0)
    tensor([1., 0., 9.])
    """
    check_tensor(input, "nan_to_num")
    for position, (name, value) in enumerate({"nan": nan, "posinf": posinf, "neginf": neginf}.items(), 2):
        if value is not None:
            check_number(value, "nan_to_num", position, name, "float")
    return ops.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


def _nan_to_num_(self, nan=None, posinf=None, neginf=None):
    """`nan_to_num` written over this tensor, which is returned."""
    return inplace(ops.nan_to_num, self, (), {"nan": nan, "posinf": posinf, "neginf": neginf})


_into_clamped_min = binary_inplace(ops.clamp_min, ops.clamp_min_number)
_into_clamped_max = binary_inplace(ops.clamp_max, ops.clamp_max_number)


def _clamp_min_(input, min):
    """`clamp_min` written over this tensor, which is returned."""
    if scalar_category(min) is not None:
        _check_bound(min, input)
    return _into_clamped_min(input, min)


def _clamp_max_(input, max):
    """`clamp_max` written over this tensor, which is returned."""
    if scalar_category(max) is not None:
        _check_bound(max, input)
    return _into_clamped_max(input, max)


def _heaviside_(input, values):
    """`heaviside` written over this tensor, which is returned."""
    check_tensor(values, "heaviside_", 1, "values")
    return inplace(ops.heaviside, input, (values,), _NOTHING)


FUNCTIONS = (
    "clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "heaviside", "maximum", "minimum", "nan_to_num", "where",
)  # fmt: skip
METHODS = tuple([name for name in FUNCTIONS if name != "where"])
INPLACE = {
    "where": _method_where,
    "clamp_": _clamp_,
    "clip_": _clamp_,
    "clamp_min_": _clamp_min_,
    "clamp_max_": _clamp_max_,
    "heaviside_": _heaviside_,
    "nan_to_num_": _nan_to_num_,
}
