"""Arithmetic as functions, methods and operators."""

from ..core import TensorBase, apply, call2, inplace
from ..dtypes import result_dtype, scalar_category
from ..ops import elementwise as ops
from .arguments import accepts_out, check_tensor
from .making import binary, binary_inplace, of_tensors, unary, unary_inplace
from .options import SURE, check_fits, check_held
from .outputs import found

# -- sums and differences


def add(input, other, *, alpha=1, out=None):
    """input + alpha * other. Raises TypeError for what is neither tensor nor number.

    >>> import rushlight
    >>> rushlight.add(rushlight.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([21., 22.])
    """
    if out is None and isinstance(input, TensorBase) and isinstance(other, TensorBase):
        if alpha == 1 and alpha is not True:
            return call2(ops.add, input, other)
        if type(alpha) is float and -SURE <= alpha <= SURE and _kind(input) == "f" == _kind(other):
            return apply(ops.add_scaled, (input, other), {"alpha": alpha})
    return _add(input, other, alpha, out=out)


def sub(input, other, *, alpha=1, out=None):
    """input - alpha * other. Truth values are refused (RuntimeError).

    >>> import rushlight
    >>> rushlight.sub(rushlight.tensor([1.0, 2.0]), 10)
    tensor([-9., -8.])
    """
    if out is None and isinstance(input, TensorBase) and isinstance(other, TensorBase):
        if alpha == 1 and alpha is not True:
            return call2(ops.sub, input, other)
        if type(alpha) is float and -SURE <= alpha <= SURE and _kind(input) == "f" == _kind(other):
            return apply(ops.sub_scaled, (input, other), {"alpha": alpha})
    return _sub(input, other, alpha, out=out)


def rsub(input, other, *, alpha=1):
    """other - alpha * input.

    >>> import rushlight
    >>> rushlight.rsub(rushlight.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    check_tensor(input, "rsub")
    if alpha != 1:
        return _sub(other, input, alpha)
    out = ops.difference_from(input, other)
    return out if out is not NotImplemented else check_tensor(other, "rsub", 2, "other")


def _operands(input, other, function):
    if not isinstance(input, TensorBase) and scalar_category(input) is None:
        check_tensor(input, function)
    if not isinstance(other, TensorBase) and (scalar_category(other) is None or not isinstance(input, TensorBase)):
        check_tensor(other, function, 2, "other")


def _check_alpha(alpha, *operands):
    """Refuse an `alpha` that the dtype of the result cannot hold."""
    kinds = {_kind(x) for x in operands}
    if isinstance(alpha, bool) and kinds != {"b"}:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and kinds <= set("biu"):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and "c" not in kinds:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    _held(alpha, *operands)


def _kind(x):
    return x._array.dtype.kind if isinstance(x, TensorBase) else "biufc"[(0, 1, 3, 4)[scalar_category(x)]]


def _added(op, scaled, input, other, alpha, function):
    _operands(input, other, function)
    if alpha == 1 and alpha is not True:
        return op(input, other)
    _check_alpha(alpha, input, other)
    return scaled(input, other, alpha=alpha)


@accepts_out
def _add(input, other, alpha=1):
    return _added(ops.add, ops.add_scaled, input, other, alpha, "add")


@accepts_out
def _sub(input, other, alpha=1):
    return _added(ops.sub, ops.sub_scaled, input, other, alpha, "sub")


_add.__name__, _sub.__name__ = "add", "sub"


def _add_(self, other, *, alpha=1):
    """`add` written over this tensor, which is returned."""
    if type(alpha) is int and alpha == 1 and isinstance(other, TensorBase):
        return inplace(ops.add, self, (other,), ops.add.defaults)
    return _write_sum(ops.add, ops.add_scaled, self, other, alpha)


def _sub_(self, other, *, alpha=1):
    """`sub` written over this tensor, which is returned."""
    if type(alpha) is int and alpha == 1 and isinstance(other, TensorBase):
        return inplace(ops.sub, self, (other,), ops.sub.defaults)
    return _write_sum(ops.sub, ops.sub_scaled, self, other, alpha)


def _write_sum(op, scaled, x, other, alpha):
    _operands(x, other, op.name + "_")
    if alpha == 1 and alpha is not True:
        return inplace(op, x, (other,), op.defaults)
    _check_alpha(alpha, x, other)
    return inplace(scaled, x, (other,), {"alpha": alpha})


neg = unary(
    ops.neg, "Each element with its sign changed. Truth values are refused.", "[1.0, -2.0]", "tensor([-1.,  2.])"
)
negative = neg


def positive(input):
    """`input` itself. Truth values are refused (RuntimeError).

    >>> import rushlight
    >>> rushlight.positive(rushlight.tensor([1.0]))
    tensor([1.])
    """
    check_tensor(input, "positive")
    if input._array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


# -- products and quotients

mul = binary(ops.mul, "The product of each pair of elements.", "[1.0, 2.0]", "3", "tensor([3., 6.])", of_number=ops.mul)
remainder = binary(
    ops.remainder,
    "What division rounded down leaves, of the sign of the divisor.",
    "[5.0, -5.0]",
    "3",
    "tensor([2., 1.])",
    number=ops.remainder_number,
    of_number=ops.remainder,
)
fmod = binary(
    ops.fmod,
    "What division rounded towards zero leaves, of the sign of the dividend.",
    "[5.0, -5.0]",
    "3",
    "tensor([ 2., -2.])",
    number=ops.fmod_number,
)
floor_divide = binary(
    ops.floor_divide, "The quotient rounded down.", "[5.0, -5.0]", "3", "tensor([ 1., -2.])", of_number=ops.floor_divide
)
copysign = binary(
    ops.copysign,
    "The size of each element with the sign of the other.",
    "[1.0, 2.0]",
    "-1",
    "tensor([-1., -2.])",
    number=ops.copysign_number,
)
nextafter = of_tensors(
    ops.nextafter, "The next number after each element towards the other.", "[1.0]", "[2.0]", "tensor([1.0000])"
)


def div(input, other, *, rounding_mode=None, out=None):
    """input / other, in a floating dtype; with rounding_mode="floor" or "trunc" rounded, in the common dtype.

    Raises RuntimeError for other modes, and where whole numbers are divided by zero with rounding.

    >>> import rushlight
    >>> rushlight.div(rushlight.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if out is None and rounding_mode is None and isinstance(input, TensorBase) and isinstance(other, TensorBase):
        return call2(ops.div, input, other)
    return _div(input, other, rounding_mode, out=out)


@accepts_out
def _div(input, other, rounding_mode=None):
    _operands(input, other, "div")
    if rounding_mode is None:
        return ops.div(input, other) if isinstance(input, TensorBase) else ops.quotient_of(other, input)
    return ops.div_rounded(input, other, rounding_mode=_mode(rounding_mode))


_div.__name__ = "div"


def _mode(rounding_mode):
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return rounding_mode


def _div_(self, other, *, rounding_mode=None):
    """`div` written over this tensor, which is returned."""
    _operands(self, other, "div_")
    if rounding_mode is None:
        return inplace(ops.div, self, (other,), ops.div.defaults)
    return inplace(ops.div_rounded, self, (other,), {"rounding_mode": _mode(rounding_mode)})


def true_divide(input, other, *, out=None):
    """The same as `div` without rounding."""
    return div(input, other, out=out)


def _true_divide_(self, other):
    """`true_divide` written over this tensor, which is returned."""
    return _div_(self, other)


subtract, multiply, divide = sub, mul, div

# -- three operands


def lerp(input, end, weight, *, out=None):
    """input + weight * (end - input): on the way from `input` to `end`. One dtype for all (RuntimeError).

    >>> import rushlight
    >>> rushlight.lerp(rushlight.tensor([0.0, 1.0]), rushlight.tensor([10.0, 10.0]), 0.5)
    tensor([5.0000, 5.5000])
    """
    by_tensor = isinstance(weight, TensorBase) and weight._array.ndim
    return (_lerp_by_tensor if by_tensor else _lerp_by_number)(input, end, weight, out=out)


def _lerp(input, end, weight):
    check_tensor(input, "lerp")
    check_tensor(end, "lerp", 2, "end")
    if _is_tensor(weight, input):
        return ops.lerp(input, end, weight)
    return ops.lerp_number(input, end, weight=weight)


_lerp.__name__ = "lerp"
_lerp_by_tensor, _lerp_by_number = accepts_out(_lerp, check=found), accepts_out(_lerp)


def _is_tensor(weight, input):
    if isinstance(weight, TensorBase):
        return True
    if scalar_category(weight) is None:
        check_tensor(weight, "lerp", 3, "weight")
    check_held(weight, input)
    return False


def _lerp_(self, end, weight):
    """`lerp` written over this tensor, which is returned."""
    if _is_tensor(weight, self):
        return inplace(ops.lerp, self, (end, weight), {})
    return inplace(ops.lerp_number, self, (end,), {"weight": weight})


@accepts_out
def addcmul(input, tensor1, tensor2, *, value=1):
    """input + value * tensor1 * tensor2.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0])
    >>> rushlight.addcmul(x, x, x, value=0.5)
    tensor([1.5000, 4.0000])
    """
    return ops.addcmul(*_three("addcmul", input, tensor1, tensor2), value=_held(value, input, tensor1, tensor2))


@accepts_out
def addcdiv(input, tensor1, tensor2, *, value=1):
    """input + value * tensor1 / tensor2. Quotients of whole numbers are refused (RuntimeError).

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0])
    >>> rushlight.addcdiv(x, x, x, value=0.5)
    tensor([1.5000, 2.5000])
    """
    return ops.addcdiv(*_three("addcdiv", input, tensor1, tensor2), value=_held(value, input, tensor1, tensor2))


def _three(function, input, tensor1, tensor2):
    check_tensor(input, function)
    check_tensor(tensor1, function, 2, "tensor1")
    check_tensor(tensor2, function, 3, "tensor2")
    return input, tensor1, tensor2


def _held(value, *operands):
    """The number `value`, refused where the common dtype of the operands cannot hold it."""
    if isinstance(value, TensorBase) or (type(value) is int and 0 <= value < 128):
        return value
    arrays = [x._array if isinstance(x, TensorBase) else x for x in operands]
    return check_fits(value, result_dtype(arrays).numpy)


def _addcmul_(self, tensor1, tensor2, *, value=1):
    """`addcmul` written over this tensor, which is returned."""
    return inplace(
        ops.addcmul,
        self,
        _three("addcmul_", self, tensor1, tensor2)[1:],
        {"value": _held(value, self, tensor1, tensor2)},
    )


def _addcdiv_(self, tensor1, tensor2, *, value=1):
    """`addcdiv` written over this tensor, which is returned."""
    return inplace(
        ops.addcdiv,
        self,
        _three("addcdiv_", self, tensor1, tensor2)[1:],
        {"value": _held(value, self, tensor1, tensor2)},
    )


@accepts_out
def ldexp(input, other):
    """input * 2**other, in a floating dtype.

    >>> import rushlight
    >>> rushlight.ldexp(rushlight.tensor([1.0, 3.0]), rushlight.tensor([2, 3]))
    tensor([ 4., 24.])
    """
    check_tensor(input, "ldexp")
    check_tensor(other, "ldexp", 2, "other")
    return call2(ops.mul, input, 2.0**other)


def _ldexp_(self, other):
    """`ldexp` written over this tensor, which is returned."""
    check_tensor(other, "ldexp_", 1, "other")
    return inplace(ops.mul, self, (2.0**other,), {})


# -- operators


def _takes(value):
    return isinstance(value, TensorBase) or scalar_category(value) is not None


def __pos__(self):
    return positive(self)


def __mod__(self, other):
    return remainder(self, other) if _takes(other) else NotImplemented


def __rmod__(self, other):
    return ops.remainder(other, self) if _takes(other) else NotImplemented


def __imod__(self, other):
    return _IN_PLACE["remainder_"](self, other) if _takes(other) else NotImplemented


def __rdiv__(self, other):
    check_tensor(self, "div")
    return ops.quotient_of(self, other)


def __floordiv__(self, other):
    return floor_divide(self, other) if _takes(other) else NotImplemented


def __rfloordiv__(self, other):
    return ops.floor_divide(other, self) if _takes(other) else NotImplemented


def __ifloordiv__(self, other):
    return _IN_PLACE["floor_divide_"](self, other) if _takes(other) else NotImplemented


_IN_PLACE = {
    "add_": _add_,
    "sub_": _sub_,
    "mul_": binary_inplace(ops.mul),
    "div_": _div_,
    "true_divide_": _true_divide_,
    "floor_divide_": binary_inplace(ops.floor_divide),
    "remainder_": binary_inplace(ops.remainder, ops.remainder_number),
    "fmod_": binary_inplace(ops.fmod, ops.fmod_number),
    "neg_": unary_inplace(ops.neg),
    "copysign_": binary_inplace(ops.copysign, ops.copysign_number),
    "nextafter_": binary_inplace(ops.nextafter, tensors=True),
    "lerp_": _lerp_,
    "addcmul_": _addcmul_,
    "addcdiv_": _addcdiv_,
    "ldexp_": _ldexp_,
}
FUNCTIONS = (
    "add", "addcdiv", "addcmul", "copysign", "div", "divide", "floor_divide", "fmod", "ldexp", "lerp", "mul",
    "multiply", "neg", "negative", "nextafter", "positive", "remainder", "rsub", "sub", "subtract",
    "true_divide",
)  # fmt: skip
METHODS = (
    *[name for name in FUNCTIONS if name != "rsub"],
    "__pos__", "__mod__", "__rmod__", "__imod__", "__rdiv__", "__floordiv__", "__rfloordiv__", "__ifloordiv__",
)  # fmt: skip
INPLACE = _IN_PLACE | {
    f"{long}_": _IN_PLACE[f"{short}_"]
    for long, short in (("subtract", "sub"), ("multiply", "mul"), ("divide", "div"), ("negative", "neg"))
}
