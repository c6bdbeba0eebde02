"""Arithmetic, element by element."""

import numpy as np

from .. import kernels
from ..core import TensorBase, call1, call2
from ..dtypes import of
from ..errors import coded
from .copying import zero
from .declare import elementwise, renamed
from .selection import where
from .supported import FLOATING, REAL, in_float32, supports, without_derivative

# -- sums and differences


@elementwise(x=lambda g: g, y=lambda g: g)
def add(x, y):
    return np.add(x, y)


def _no_bools(x, y):
    """Refuse a difference with a truth value."""
    x_bool, y_bool = _is_bool(x), _is_bool(y)
    if x_bool and y_bool:
        raise coded(
            "RL324",
            RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            ),
        )
    if x_bool or y_bool:
        raise coded(
            "RL324",
            RuntimeError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            ),
        )


def _is_bool(x):
    return x.dtype.kind == "b" if isinstance(x, np.ndarray) else type(x) is bool


@elementwise(check=_no_bools, x=lambda g: g, y=lambda g: -g)
def sub(x, y):
    return np.subtract(x, y)


@elementwise(check=_no_bools, backward="RsubBackward1", x=lambda g: -g, y=lambda g: g)
def rsub(x, y):
    """y - x."""
    return np.subtract(y, x)


# The same with the second operand times `alpha`.
@elementwise(backward="AddBackward0", x=lambda g: g, y=lambda g, alpha: g * alpha)
def add_scaled(x, y, *, alpha):
    return np.add(x, np.multiply(y, np.asarray(alpha).astype(x.dtype)))


@elementwise(check=_no_bools, backward="SubBackward0", x=lambda g: g, y=lambda g, alpha: g * -alpha)
def sub_scaled(x, y, *, alpha):
    return np.subtract(x, np.multiply(y, np.asarray(alpha).astype(x.dtype)))


rsub_tensor = renamed(rsub, "RsubBackward0")


@elementwise(x=lambda g: -g)
def neg(x):
    if x.dtype.kind == "b":
        raise coded(
            "RL324",
            RuntimeError(
                "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
                "use the `~` or `logical_not()` operator instead."
            ),
        )
    return np.negative(x)


# -- products and quotients


@elementwise(wide_numbers=True, x=lambda g, y: g * y, y=lambda g, x: g * x)
def mul(x, y):
    return np.multiply(x, y)


mul.commutes = True


@elementwise(promote="float", wide_numbers=True, x=lambda g, y: g / y, y=lambda g, x, y: -g * ((x / y) / y))
def div(x, y):
    return np.true_divide(x, y)


@elementwise(promote="float", x=lambda g, out: -g * (out * out))
def reciprocal(x):
    return np.true_divide(1, x, dtype=x.dtype)


def difference_from(x, y):
    """y - x, as Python asks x for it."""
    return call2(rsub_tensor if isinstance(y, TensorBase) else rsub, x, y)


def quotient_of(x, y):
    """y / x, as Python asks x for it."""
    return call2(mul, call1(reciprocal, x), y)


def _divisible(x, y, kernel):
    """Refuse truth values and complex numbers, and whole numbers by zero."""
    supports(x, REAL, kernel)
    if x.dtype.kind in "iu" and not y.all():
        raise coded("RL341", RuntimeError("ZeroDivisionError"))


def _floored(x, y):
    _divisible(x, y, "div_floor_cpu")
    return np.floor_divide(x, y)


def _truncated(x, y):
    _divisible(x, y, "div_trunc_cpu")
    if x.dtype.kind in FLOATING:
        return np.trunc(np.true_divide(x, y))
    return (x - np.fmod(x, y)) // y


@elementwise(backward="DivBackward2", x=lambda g: zero(g), y=lambda g: zero(g))
def div_rounded(x, y, *, rounding_mode):
    """The quotient rounded down ("floor") or towards zero ("trunc")."""
    return _floored(x, y) if rounding_mode == "floor" else _truncated(x, y)


@elementwise(x=without_derivative("floor_divide"), y=without_derivative("floor_divide"))
def floor_divide(x, y):
    return _floored(x, y)


@elementwise(
    backward="RemainderBackward1", x=lambda g: g, y=lambda g, x, y: -g * div_rounded(x, y, rounding_mode="floor")
)
def remainder(x, y):
    """What division rounded down leaves: of the sign of y."""
    _divisible(x, y, "remainder_cpu")
    if x.dtype.kind in "iu":
        return np.remainder(x, y)
    # As NumPy's, but a remainder of zero keeps the sign of x.
    left = np.fmod(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


@elementwise(backward="FmodBackward1", x=lambda g: g, y=lambda g, x, y: -g * div_rounded(x, y, rounding_mode="trunc"))
def fmod(x, y):
    """What division rounded towards zero leaves: of the sign of x."""
    _divisible(x, y, "fmod_cpu")
    return np.fmod(x, y)


remainder_number, fmod_number = renamed(remainder, "RemainderBackward0"), renamed(fmod, "FmodBackward0")

# -- three operands


def _same_dtypes(start, end, weight=None):
    supports(start, "fcV", "lerp_kernel_scalar")
    for name, x in (("end", end), ("weight", weight)):
        if isinstance(x, np.ndarray) and x.dtype != start.dtype and (x.ndim or name == "end"):
            raise RuntimeError(
                f"expected dtype {of(start.dtype).scalar_type.lower()} for `{name}` but got dtype "
                f"{of(x.dtype).scalar_type.lower()}"
            )


@elementwise(
    check=_same_dtypes,
    wide_numbers=True,
    backward="LerpBackward1",
    start=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
    weight=lambda g, start, end: g * (end - start),
)
def lerp(start, end, weight):
    # From the nearer end, so that weight 1 gives `end` exactly.
    step = end - start
    return np.where(abs(weight) < 0.5, start + weight * step, end - step * (1 - weight))


@elementwise(
    check=_same_dtypes,
    backward="LerpBackward0",
    start=lambda g, weight: g * (1 - weight),
    end=lambda g, weight: g * weight,
)
def lerp_number(start, end, *, weight):
    return lerp.forward(start, end, weight)


@elementwise(
    x=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (tensor2 * value),
    tensor2=lambda g, tensor1, value: g * (tensor1 * value),
)
def addcmul(x, tensor1, tensor2, *, value=1):
    if x.dtype.kind in "biu":
        supports(x, "iu", "addcmul_cpu_out")
        value = np.asarray(int(value)).astype(x.dtype)
    return np.add(x, np.multiply(np.multiply(tensor1, value, dtype=x.dtype), tensor2))


def _no_integer_quotient(x, tensor1, tensor2):
    if tensor1.dtype.kind in "biu" and tensor2.dtype.kind in "biu":
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a "
            "true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value "
            "* torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
            "tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value "
            "* tensor1 / tensor2), for all dtypes."
        )


@elementwise(
    check=_no_integer_quotient,
    x=lambda g: g,
    tensor1=lambda g, tensor2, value: g * (value / tensor2),
    tensor2=lambda g, tensor1, tensor2, value: -g * (value * tensor1 / (tensor2 * tensor2)),
)
def addcdiv(x, tensor1, tensor2, *, value=1):
    return np.add(x, np.true_divide(np.multiply(tensor1, value, dtype=x.dtype), tensor2))


# -- signs


@elementwise(
    promote="float",
    backward="CopysignBackward0",
    x=lambda g, x, out: where(x == 0, 0, g * (out / x)),
    y=lambda g: zero(g),
)
def copysign(x, y):
    supports(x, FLOATING, "copysign_cpu")
    return np.copysign(x, y)


copysign_number = renamed(copysign, "CopysignBackward1")


@elementwise(x=lambda g, x, y: where(x == y, 0, g), y=lambda g: zero(g))
def nextafter(x, y):
    supports(x, FLOATING, "nextafter_cpu")
    return np.nextafter(x, y)


def _by_dtype(of_floats, of_integers):
    return lambda x, y: of_integers(x, y) if x.dtype.kind == "i" else of_floats(x, y)


in_float32(mul, div, add_scaled, sub_scaled, lerp, lerp_number, addcmul, addcdiv, copysign, copysign_number)
in_float32(floor_divide, div_rounded, remainder, remainder_number, fmod, fmod_number)


def _through_divisor(g, x, y):
    """The gradient in one pass; of 16-bit floats PyTorch rounds between its steps."""
    return NotImplemented if g.itemsize == 2 else _formula.through_divisor(g, x, y)


_fast, _formula, _ufuncs, _integers = (kernels.load(name) for name in ("elementwise", "formula", "ufuncs", "integers"))
if _fast is not None:
    for _op, _ufunc in ((add, np.add), (sub, np.subtract), (mul, np.multiply), (neg, np.negative)):
        _op.accelerate(otherwise=_ufuncs.Loop(_ufunc, "bBhHiIlLqQFD"))
    div.accelerate(otherwise=_ufuncs.Loop(np.true_divide, "FD"), y=_through_divisor)
    add_scaled.accelerate(_formula.add_scaled)
    sub_scaled.accelerate(_formula.sub_scaled)
    lerp.accelerate(_formula.lerp, start=_formula.through_lerp_start)
    lerp_number.accelerate(_formula.lerp_number)
    addcmul.accelerate(_formula.addcmul)
    addcdiv.accelerate(_formula.addcdiv)
    copysign.accelerate(_formula.copysign)
    copysign_number.accelerate(_formula.copysign)
    nextafter.accelerate(_formula.nextafter)
    _floored_by_kernel = _by_dtype(_formula.floored, _integers.floored)
    fmod.accelerate(_formula.fmod)
    fmod_number.accelerate(_formula.fmod)
    for _op in (remainder, remainder_number):
        _op.accelerate(_by_dtype(_formula.remainder, _integers.remainder))
    floor_divide.accelerate(_floored_by_kernel)
    div_rounded.accelerate(
        lambda x, y, rounding_mode: (_floored_by_kernel if rounding_mode == "floor" else _formula.truncated)(x, y)
    )
    for _op in (add, sub, rsub, mul, div, neg, reciprocal):
        _op.accelerate(getattr(_fast, _op.name))
    rsub_tensor.accelerate(_fast.rsub)
    mul.accelerate(x=_fast.mul, y=_fast.mul)
    div.accelerate(x=_fast.div)
    neg.accelerate(x=_fast.neg)
    reciprocal.accelerate(x=_fast.through_reciprocal)
