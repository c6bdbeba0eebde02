"""Rounding and signs."""

from ..core import TensorBase, call1, inplace
from ..ops import rounding as ops
from .arguments import accepts_out, check_tensor
from .making import unary, unary_inplace

floor = unary(ops.floor, "The largest whole number not above each element.", "[1.5, -1.5]", "tensor([ 1., -2.])")
ceil = unary(ops.ceil, "The smallest whole number not below each element.", "[1.5, -1.5]", "tensor([ 2., -1.])")
trunc = unary(ops.trunc, "Each element without its fraction.", "[1.5, -1.5]", "tensor([ 1., -1.])")
frac = unary(ops.frac, "The fraction of each element, of its sign.", "[1.5, -1.25]", "tensor([ 0.5000, -0.2500])")
sign = unary(ops.sign, "-1, 0 or 1: the sign of each element.", "[1.5, -1.5, 0.0]", "tensor([ 1., -1.,  0.])")
fix = trunc


def round(input, *, decimals=0, out=None):
    """Each element rounded to the nearest whole number, halves to the even one; or to `decimals` places.

    >>> import rushlight
    >>> rushlight.round(rushlight.tensor([0.5, 1.5, -1.2]))
    tensor([ 0.,  2., -1.])
    """
    if out is None and decimals == 0 and isinstance(input, TensorBase):
        return call1(ops.round, input)
    return _round(input, decimals, out=out)


@accepts_out
def _round(input, decimals):
    check_tensor(input, "round")
    return ops.round_decimals(input, decimals=decimals) if decimals else ops.round(input)


def _round_(self, *, decimals=0):
    """`round` written over this tensor, which is returned."""
    return inplace(ops.round_decimals if decimals else ops.round, self, (), {"decimals": decimals})


FUNCTIONS = ("ceil", "fix", "floor", "frac", "round", "sign", "trunc")
METHODS = FUNCTIONS
INPLACE = {f"{op.name}_": unary_inplace(op) for op in (ops.ceil, ops.floor, ops.frac, ops.sign, ops.trunc)}
INPLACE |= {"fix_": INPLACE["trunc_"], "round_": _round_}
