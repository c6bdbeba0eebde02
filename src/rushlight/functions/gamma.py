"""Gamma functions, whole and incomplete, and Hurwitz's zeta."""

import math

from ..core import TensorBase, call1, inplace
from ..dtypes import of
from ..ops import copying
from ..ops import gamma as ops
from .arguments import accepts_out, check_tensor
from .making import binary, binary_inplace, of_tensors, unary, unary_inplace

lgamma = unary(ops.lgamma, "log |gamma(x)|.", "[1.0, 5.0]", "tensor([0.0000, 3.1781])")
digamma = unary(ops.digamma, "The derivative of lgamma.", "[1.0, 2.0]", "tensor([-0.5772,  0.4228])")
zeta = binary(
    ops.zeta,
    "Hurwitz's zeta: the sum of (y + k)**-x over k.",
    "[2.0, 3.0]",
    "[1.0, 1.0]",
    "tensor([1.6449, 1.2021])",
    of_number=ops.zeta,
    inside="special.",
)
igamma = of_tensors(
    ops.igamma,
    "The lower incomplete gamma function of order `input` at `other`, divided by gamma(input).\n\n"
    "Differentiable by both; a second time by `input` it is not, and says so.",
    "[1.0, 2.0]",
    "[1.0, 2.0]",
    "tensor([0.6321, 0.5940])",
)
igammac = of_tensors(
    ops.igammac,
    "1 - igamma(input, other), accurate where that is small.",
    "[1.0, 2.0]",
    "[1.0, 2.0]",
    "tensor([0.3679, 0.4060])",
)


@accepts_out
def polygamma(n, input):
    """The n-th derivative of digamma; digamma itself for n = 0. RuntimeError for a negative n.

    >>> import rushlight
    >>> rushlight.polygamma(1, rushlight.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    if isinstance(n, TensorBase):
        n, input = input, n
    check_tensor(input, "polygamma", 2)
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return ops.polygamma(input, n=n) if n else call1(ops.digamma, input)


def _polygamma_(self, n):
    """`polygamma(n, self)` written over this tensor, which is returned."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return inplace(ops.polygamma, self, (), {"n": n}) if n else inplace(ops.digamma, self, (), {})


@accepts_out
def mvlgamma(input, p):
    """The logarithm of the multivariate gamma function of dimension p.

    >>> import rushlight
    >>> rushlight.mvlgamma(rushlight.tensor([3.0, 4.0]), 2)
    tensor([1.5502, 3.5651])
    """
    check_tensor(input, "mvlgamma")
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = p * (p - 1) / 4 * math.log(math.pi)
    for j in range(p):
        total = total + call1(ops.lgamma, input - j / 2)
    return total


def _mvlgamma_(self, p):
    """`mvlgamma` written over this tensor, which is returned."""
    if self._array.dtype.kind in "biu":
        kind = of(self._array.dtype).scalar_type
        raise RuntimeError(f"mvlgamma: result type {kind} can't be cast to the desired output type Float")
    return inplace(copying.copy, self, (mvlgamma(self, p),), {})


FUNCTIONS = ("digamma", "igamma", "igammac", "lgamma", "mvlgamma", "polygamma")
METHODS = ("digamma", "igamma", "igammac", "lgamma", "mvlgamma")
INPLACE = {f"{op.name}_": unary_inplace(op) for op in (ops.lgamma, ops.digamma)} | {
    "igamma_": binary_inplace(ops.igamma, tensors=True),
    "igammac_": binary_inplace(ops.igammac, tensors=True),
    "polygamma": lambda self, n: polygamma(n, self),
    "mvlgamma_": _mvlgamma_,
    "polygamma_": _polygamma_,
}
