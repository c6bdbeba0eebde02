"""Special functions: error functions, x log y, logit."""

from ..core import TensorBase, call1, inplace
from ..ops import special as ops
from .arguments import accepts_out, check_number, check_tensor
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
ndtr = unary(
    ops.ndtr,
    "The normal distribution function: the probability of a number below each element.",
    "[0.0, 1.96]",
    "tensor([0.5000, 0.9750])",
    inside="special.",
)


def logit(input, eps=None, *, out=None):
    """log(x / (1 - x)), x clamped to [eps, 1 - eps] where eps is given; nan outside [0, 1].

    >>> import rushlight
    >>> rushlight.logit(rushlight.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """
    if eps is None and out is None and isinstance(input, TensorBase):
        return call1(ops.logit, input)
    return _logit(input, eps, out=out)


@accepts_out
def _logit(input, eps):
    check_tensor(input, "logit")
    if eps is not None:
        check_number(eps, "logit", 2, "eps", "float")
    return ops.logit(input, eps=eps)


def _logit_(self, eps=None):
    """`logit` written over this tensor, which is returned."""
    if eps is not None:
        check_number(eps, "logit_", 2, "eps", "float")
    return inplace(ops.logit, self, (), ops.logit.defaults if eps is None else {"eps": eps})


FUNCTIONS = ("erf", "erfc", "erfinv", "logit", "xlogy")
METHODS = FUNCTIONS
INPLACE = {f"{op.name}_": unary_inplace(op) for op in (ops.erf, ops.erfc, ops.erfinv)} | {
    "logit_": _logit_,
    "xlogy_": binary_inplace(ops.xlogy, ops.xlogy_number),
}
