"""Exponentials, logarithms, roots and powers."""

from ..core import TensorBase, inplace
from ..dtypes import float64, of, scalar_category
from ..ops import copying
from ..ops import elementwise as arithmetic
from ..ops import exponential as ops
from . import return_types
from .arguments import accepts_out, check_number, check_tensor
from .making import of_tensors, unary, unary_inplace

exp = unary(ops.exp, "e to the power of each element.", "[0.0, 1.0]", "tensor([1.0000, 2.7183])")
exp2 = unary(ops.exp2, "2 to the power of each element.", "[0.0, 3.0]", "tensor([1., 8.])")
expm1 = unary(ops.expm1, "exp(x) - 1, accurate near 0.", "[0.0, 1e-5]", "tensor([0.0000e+00, 1.0000e-05])")
log = unary(ops.log, "The natural logarithm of each element.", "[1.0, 10.0]", "tensor([0.0000, 2.3026])")
log2 = unary(ops.log2, "The logarithm to base 2 of each element.", "[1.0, 8.0]", "tensor([0., 3.])")
log10 = unary(ops.log10, "The logarithm to base 10 of each element.", "[1.0, 10.0]", "tensor([0., 1.])")
log1p = unary(ops.log1p, "log(1 + x), accurate near 0.", "[0.0, 1e-5]", "tensor([0.0000e+00, 9.9999e-06])")
sqrt = unary(
    ops.sqrt, "The square root of each element; nan of a negative one.", "[4.0, 2.0]", "tensor([2.0000, 1.4142])"
)
rsqrt = unary(ops.rsqrt, "1 / sqrt(x).", "[4.0, 2.0]", "tensor([0.5000, 0.7071])")
square = unary(ops.square, "Each element times itself.", "[3.0, -2.0]", "tensor([9., 4.])")
reciprocal = unary(arithmetic.reciprocal, "1 / x.", "[4.0, -2.0]", "tensor([ 0.2500, -0.5000])")
logaddexp = of_tensors(
    ops.logaddexp,
    "log(exp(x) + exp(y)) without overflow.",
    "[0.0, 100.0]",
    "[0.0, 100.0]",
    "tensor([  0.6931, 100.6931])",
)
logaddexp2 = of_tensors(
    ops.logaddexp2, "log2(2**x + 2**y) without overflow.", "[0.0, 100.0]", "[0.0, 100.0]", "tensor([  1., 101.])"
)


def pow(input, exponent, *, out=None):
    """`input` to the power of `exponent`; one of them may be a number.

    Whole numbers have no negative powers (RuntimeError), unless the exponent is a tensor: then only 1 and -1 do, others
    give 0.

    >>> import rushlight
    >>> rushlight.pow(rushlight.tensor([1.0, 3.0]), 2)
    tensor([1., 9.])
    """
    if out is None and isinstance(input, TensorBase) and isinstance(exponent, (TensorBase, int, float)):
        return ops.power(input, exponent)
    return _pow(input, exponent, out=out)


def _power(input, exponent, name="pow"):
    if isinstance(input, TensorBase):
        if not isinstance(exponent, TensorBase) and scalar_category(exponent) is None:
            check_tensor(exponent, name, 2, "exponent")
        return ops.power(input, exponent)
    if scalar_category(input) is None:
        check_tensor(input, name)
    check_tensor(exponent, name, 2, "exponent")
    return ops.pow_of_number(input, exponent)


_power.__name__ = "pow"
_pow = accepts_out(_power)


def _pow_(self, exponent):
    """`pow` written over this tensor, which is returned."""
    op = ops.pow if isinstance(exponent, TensorBase) else ops.pow_number
    return inplace(op, self, (exponent,), op.defaults)


def __ipow__(self, other):
    if not isinstance(other, TensorBase) and scalar_category(other) is None:
        return NotImplemented
    return _pow_(self, other)


def _wide(x):
    """A tensor as float64, or complex128 for complex numbers; a number as it is."""
    if not isinstance(x, TensorBase):
        return x if isinstance(x, complex) else float(x)
    target = float64 if x._array.dtype.kind != "c" else of(x._array.dtype).to_complex()
    wide = "complex128" if x._array.dtype.kind == "c" else target.numpy
    return x if x._array.dtype == wide else copying.to_dtype(x, dtype=copying.np.dtype(wide))


@accepts_out
def float_power(input, exponent):
    """`pow` computed in float64 (complex128 for complex numbers), whatever the dtypes.

    >>> import rushlight
    >>> rushlight.float_power(rushlight.tensor([2]), 3)
    tensor([8.], dtype=rushlight.float64)
    """
    if not isinstance(input, TensorBase):
        check_number(input, "float_power", 1, "input", "Tensor")
    if not isinstance(exponent, TensorBase):
        check_number(exponent, "float_power", 2, "exponent", "Tensor")
    return _power(_wide(input), _wide(exponent), "float_power")


def _float_power_(self, exponent):
    """`float_power` written over this tensor, which is returned."""
    dtype = of(self._array.dtype)
    if _wide(self) is not self:
        wide = "ComplexDouble" if dtype.is_complex else "Double"
        raise RuntimeError(
            f"the base given to float_power_ has dtype {dtype.scalar_type} but the operation's "
            f"result requires dtype {wide}"
        )
    return _pow_(self, exponent)


@accepts_out
def frexp(input):
    """(mantissa, exponent), input = mantissa * 2**exponent: the mantissa in [0.5, 1) in size, the exponent int32.

    RuntimeError for dtypes that are not floating. The exponent of 0, inf and nan is 0.

    >>> import rushlight
    >>> rushlight.frexp(rushlight.tensor([3.0, -0.25])).exponent
    tensor([ 2, -1], dtype=rushlight.int32)
    """
    check_tensor(input, "frexp")
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return return_types.frexp(ops.frexp(input))


FUNCTIONS = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square", "reciprocal",
    "logaddexp", "logaddexp2", "pow", "float_power", "frexp",
)  # fmt: skip
METHODS = (*FUNCTIONS, "__ipow__")
INPLACE = {
    f"{op.name}_": unary_inplace(op)
    for op in (
        ops.exp,
        ops.exp2,
        ops.expm1,
        ops.log,
        ops.log2,
        ops.log10,
        ops.log1p,
        ops.sqrt,
        ops.rsqrt,
        ops.square,
        arithmetic.reciprocal,
    )
} | {"pow_": _pow_, "float_power_": _float_power_}
