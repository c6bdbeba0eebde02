"""Comparisons, tests, logic and bits."""

from ..core import TensorBase
from ..dtypes import scalar_category
from ..ops import compare as ops
from .arguments import check_flags, check_tensor
from .making import binary, of_tensors, overwriting, unary

eq = binary(ops.eq, "Whether the elements of each pair are equal.", "[1.0, 2.0]", "2", "tensor([False,  True])")
ne = binary(ops.ne, "Whether the elements of each pair differ.", "[1.0, 2.0]", "2", "tensor([ True, False])")
lt = binary(
    ops.lt, "Whether the first element of each pair is the smaller.", "[1.0, 2.0]", "2", "tensor([ True, False])"
)
le = binary(
    ops.le, "Whether the first element of each pair is not the larger.", "[1.0, 2.0]", "2", "tensor([True, True])"
)
gt = binary(
    ops.gt, "Whether the first element of each pair is the larger.", "[1.0, 2.0]", "2", "tensor([False, False])"
)
ge = binary(
    ops.ge, "Whether the first element of each pair is not the smaller.", "[1.0, 2.0]", "2", "tensor([False,  True])"
)
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge

isnan = unary(ops.isnan, "Whether each element is nan.", "[1.0, rushlight.nan]", "tensor([False,  True])", writes=False)
isinf = unary(
    ops.isinf, "Whether each element is inf or -inf.", "[1.0, rushlight.inf]", "tensor([False,  True])", writes=False
)
isfinite = unary(
    ops.isfinite,
    "Whether each element is neither inf nor nan.",
    "[1.0, rushlight.inf]",
    "tensor([ True, False])",
    writes=False,
)
isposinf = unary(ops.isposinf, "Whether each element is inf.", "[1.0, rushlight.inf]", "tensor([False,  True])")
isneginf = unary(ops.isneginf, "Whether each element is -inf.", "[1.0, -rushlight.inf]", "tensor([False,  True])")
isreal = unary(
    ops.isreal, "Whether each element has no imaginary part.", "[1.0, 1j]", "tensor([ True, False])", writes=False
)
signbit = unary(
    ops.signbit,
    "Whether the sign of each element is negative; so it is for -0.",
    "[1.0, -0.0]",
    "tensor([False,  True])",
)

logical_and = of_tensors(
    ops.logical_and, "Whether both elements are other than zero.", "[0, 2]", "[1, 1]", "tensor([False,  True])"
)
logical_or = of_tensors(
    ops.logical_or, "Whether one of the elements is other than zero.", "[0, 2]", "[0, 1]", "tensor([False,  True])"
)
logical_xor = of_tensors(
    ops.logical_xor,
    "Whether just one of the elements is other than zero.",
    "[0, 2]",
    "[1, 1]",
    "tensor([ True, False])",
)
logical_not = unary(ops.logical_not, "Whether each element is zero.", "[0.0, 2.0]", "tensor([ True, False])")

bitwise_and = binary(
    ops.bitwise_and, "The bits that both have.", "[6, 5]", "3", "tensor([2, 1])", of_number=ops.bitwise_and
)
bitwise_or = binary(
    ops.bitwise_or, "The bits that one of them has.", "[6, 5]", "3", "tensor([7, 7])", of_number=ops.bitwise_or
)
bitwise_xor = binary(
    ops.bitwise_xor, "The bits that just one of them has.", "[6, 5]", "3", "tensor([5, 6])", of_number=ops.bitwise_xor
)
bitwise_left_shift = binary(
    ops.bitwise_left_shift,
    "Whole numbers, their bits moved to the left.",
    "[1, 5]",
    "2",
    "tensor([ 4, 20])",
    of_number=ops.bitwise_left_shift,
)
bitwise_right_shift = binary(
    ops.bitwise_right_shift,
    "Whole numbers, their bits moved to the right.",
    "[4, 5]",
    "1",
    "tensor([2, 2])",
    of_number=ops.bitwise_right_shift,
)
bitwise_not = unary(
    ops.bitwise_not, "Each bit of whole numbers inverted; `not` for truth values.", "[0, 5]", "tensor([-1, -6])"
)
gcd = of_tensors(ops.gcd, "The greatest common divisor.", "[12, 5]", "[8, 10]", "tensor([4, 5])")
lcm = of_tensors(ops.lcm, "The least common multiple.", "[12, 5]", "[8, 10]", "tensor([24, 10])")


def isclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |input - other| <= atol + rtol * |other| for each pair. One dtype for both (RuntimeError).

    >>> import rushlight
    >>> rushlight.isclose(rushlight.tensor([1.0, 2.0]), rushlight.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    check_tensor(input, "isclose")
    check_tensor(other, "isclose", 2, "other")
    if type(equal_nan) is not bool:
        check_flags("isclose", 5, equal_nan=equal_nan)
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance:g}")
    return ops.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(input, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether `isclose` holds for all pairs, as a bool.

    >>> import rushlight
    >>> rushlight.allclose(rushlight.tensor([1.0]), rushlight.tensor([1.0 + 1e-7]))
    True
    """
    check_tensor(other, "allclose", 2, "other")
    if type(equal_nan) is not bool:
        check_flags("allclose", 5, equal_nan=equal_nan)
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(input, other):
    """Whether both have the same shape and the same elements, as a bool.

    >>> import rushlight
    >>> rushlight.equal(rushlight.tensor([1, 2]), rushlight.tensor([1, 2]))
    True
    """
    check_tensor(input, "equal")
    check_tensor(other, "equal", 2, "other")
    return input._array.shape == other._array.shape and bool(ops.eq(input, other).all())


def is_nonzero(input):
    """Whether a tensor of one element is other than zero; RuntimeError for other sizes.

    >>> import rushlight
    >>> rushlight.is_nonzero(rushlight.tensor([2.0]))
    True
    """
    check_tensor(input, "is_nonzero")
    return bool(input)


# -- operators


def _operator(op):
    def operator(self, other):
        if not isinstance(other, TensorBase) and scalar_category(other) is None:
            return NotImplemented
        return op(self, other)

    return operator


def _reflected(op):
    def operator(self, other):
        check_tensor(self, op.name)
        if not isinstance(other, TensorBase) and scalar_category(other) is None:
            return NotImplemented
        return op(other, self)

    return operator


def _augmented(op):
    write = overwriting(op)

    def operator(self, other):
        if not isinstance(other, TensorBase) and scalar_category(other) is None:
            return NotImplemented
        return write(self, other)

    return operator


def __invert__(self):
    if self._array.dtype.kind not in "biu":
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return ops.bitwise_not(self)


_OPERATORS = {
    "and": ops.bitwise_and,
    "or": ops.bitwise_or,
    "xor": ops.bitwise_xor,
    "lshift": ops.bitwise_left_shift,
    "rshift": ops.bitwise_right_shift,
}
_ORDER = (ops.eq, ops.ne, ops.lt, ops.le, ops.gt, ops.ge)
_LOGIC = (ops.logical_and, ops.logical_or, ops.logical_xor, ops.logical_not, ops.bitwise_not, ops.gcd, ops.lcm)

FUNCTIONS = (
    "eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan",
    "isinf", "isfinite", "isposinf", "isneginf", "isreal", "signbit", "logical_and", "logical_or",
    "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift",
    "bitwise_right_shift", "bitwise_not", "gcd", "lcm", "isclose", "allclose", "equal", "is_nonzero",
)  # fmt: skip
METHODS = (*FUNCTIONS, "__invert__")
INPLACE = {f"{op.name}_": overwriting(op) for op in (*_ORDER, *_OPERATORS.values())}
INPLACE |= {f"{op.name}_": overwriting(op, tensors=True) for op in _LOGIC}
INPLACE |= {f"{long}_": INPLACE[f"{short}_"] for long, short in (
    ("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge"),
)}  # fmt: skip
for _name, _op in _OPERATORS.items():
    INPLACE |= {f"__{_name}__": _operator(_op), f"__r{_name}__": _reflected(_op), f"__i{_name}__": _augmented(_op)}
