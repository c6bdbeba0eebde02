"""Special functions: error functions, gamma functions, Bessel functions, x log y, logit."""

import math

from ..core import TensorBase, call1, inplace
from ..dtypes import of
from ..ops import copying
from ..ops import special as ops
from .arguments import accepts_out, check_tensor
from .making import binary, binary_inplace, unary, unary_inplace

erf = unary(ops.erf, "The error function of each element.", "[0.0, 1.0]", "tensor([0.0000, 0.8427])")
erfc = unary(ops.erfc, "1 - erf(x), accurate for large x.", "[0.0, 1.0]", "tensor([1.0000, 0.1573])")
erfinv = unary(ops.erfinv, "The inverse of erf; nan outside [-1, 1].", "[0.0, 0.5]", "tensor([0.0000, 0.4769])")
erfcx = unary(
    ops.erfcx,
    "exp(x * x) times erfc(x), which does not vanish.",
    "[0.0, 10.0]",
    "tensor([1.0000, 0.0561])",
    inside="special.",
)
log_ndtr = unary(
    ops.log_ndtr,
    "The logarithm of the normal distribution function.",
    "[0.0, -10.0]",
    "tensor([ -0.6931, -53.2313])",
    inside="special.",
)
ndtri = unary(
    ops.ndtri,
    "The inverse of the normal distribution function; nan outside [0, 1].",
    "[0.5, 0.975]",
    "tensor([0.0000, 1.9600])",
    inside="special.",
)
lgamma = unary(ops.lgamma, "log |gamma(x)|.", "[1.0, 5.0]", "tensor([0.0000, 3.1781])")
digamma = unary(ops.digamma, "The derivative of lgamma.", "[1.0, 2.0]", "tensor([-0.5772,  0.4228])")
i0 = unary(ops.i0, "The modified Bessel function of order 0.", "[0.0, 1.0]", "tensor([1.0000, 1.2661])")
i0e = unary(ops.i0e, "exp(-|x|) times i0(x).", "[0.0, 1.0]", "tensor([1.0000, 0.4658])", inside="special.")
i1 = unary(
    ops.i1, "The modified Bessel function of order 1.", "[0.0, 1.0]", "tensor([0.0000, 0.5652])", inside="special."
)
i1e = unary(ops.i1e, "exp(-|x|) times i1(x).", "[0.0, 1.0]", "tensor([0.0000, 0.2079])", inside="special.")
entr = unary(ops.entr, "-x log x; 0 at 0 and -inf below.", "[0.5, 0.0]", "tensor([0.3466, 0.0000])", inside="special.")
xlogy = binary(
    ops.xlogy,
    "x log y; 0 where x is.",
    "[0.0, 2.0]",
    "[0.0, 3.0]",
    "tensor([0.0000, 2.1972])",
    number=ops.xlogy_number,
    of_number=ops.xlogy_of_number,
)
xlog1py = binary(
    ops.xlog1py,
    "x log(1 + y); 0 where x is.",
    "[0.0, 2.0]",
    "[-1.0, 3.0]",
    "tensor([0.0000, 2.7726])",
    of_number=ops.xlog1py,
    inside="special.",
)
zeta = binary(
    ops.zeta,
    "Hurwitz's zeta: the sum of (y + k)**-x over k.",
    "[2.0, 3.0]",
    "[1.0, 1.0]",
    "tensor([1.6449, 1.2021])",
    of_number=ops.zeta,
    inside="special.",
)


@accepts_out
def ndtr(input):
    """The normal distribution function: the probability of a number below each element.

    >>> import rushlight
    >>> rushlight.special.ndtr(rushlight.tensor([0.0, 1.96]))
    tensor([0.5000, 0.9750])
    """
    check_tensor(input, "ndtr")
    return call1(ops.erfc, input * -math.sqrt(0.5)) * 0.5


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


def logit(input, eps=None, *, out=None):
    """log(x / (1 - x)), x clamped to [eps, 1 - eps] where eps is given; nan outside [0, 1].

    >>> import rushlight
    >>> rushlight.logit(rushlight.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    return _logit(input, eps, out=out)


@accepts_out
def _logit(input, eps):
    check_tensor(input, "logit")
    return ops.logit(input, eps=eps)


def _logit_(self, eps=None):
    """`logit` written over this tensor, which is returned."""
    return inplace(ops.logit, self, (), {"eps": eps})


_OFFERED = (ops.erf, ops.erfc, ops.erfinv, ops.lgamma, ops.digamma, ops.i0)
FUNCTIONS = (
    "digamma", "erf", "erfc", "erfinv", "i0", "lgamma", "logit", "mvlgamma", "polygamma", "xlogy",
)  # fmt: skip
METHODS = ("digamma", "erf", "erfc", "erfinv", "i0", "lgamma", "logit", "mvlgamma", "xlogy")
INPLACE = {f"{op.name}_": unary_inplace(op) for op in _OFFERED} | {
    "logit_": _logit_,
    "polygamma": lambda self, n: polygamma(n, self),
    "mvlgamma_": _mvlgamma_,
    "polygamma_": _polygamma_,
    "xlogy_": binary_inplace(ops.xlogy, ops.xlogy_number),
}
