"""Orthogonal polynomials of a degree: function(x, n, *, out=None), either of the two a number or a tensor."""

from ..core import TensorBase
from ..ops.polynomial import BY_FAMILY
from .arguments import accepts_out, check_tensor


def _of_degree(family, named, shown):
    op = BY_FAMILY[family]

    def function(x, n):
        if not isinstance(x, TensorBase) and not isinstance(n, TensorBase):
            check_tensor(x, f"special_{family}", 1, "x")
        return op(x, n, family=family)

    function.__name__ = function.__qualname__ = family
    function.__doc__ = (
        f"The {named} of degree n at x, broadcast against each other; n is cut to a whole number, and 0 comes of n < 0.\n\n"
        f"Differentiable by x to any order; NotImplementedError where a gradient by n is wanted. float32 or float64.\n\n"
        f">>> import rushlight\n>>> rushlight.special.{family}(rushlight.tensor([0.5, 2.0]), 2)\n{shown}\n"
    )
    return accepts_out(function)


chebyshev_polynomial_t = _of_degree(
    "chebyshev_polynomial_t", "Chebyshev polynomial of the first kind", "tensor([-0.5000,  7.0000])"
)
chebyshev_polynomial_u = _of_degree(
    "chebyshev_polynomial_u", "Chebyshev polynomial of the second kind", "tensor([ 0., 15.])"
)
chebyshev_polynomial_v = _of_degree(
    "chebyshev_polynomial_v", "Chebyshev polynomial of the third kind", "tensor([-1., 11.])"
)
chebyshev_polynomial_w = _of_degree(
    "chebyshev_polynomial_w", "Chebyshev polynomial of the fourth kind", "tensor([ 1., 19.])"
)
shifted_chebyshev_polynomial_t = _of_degree(
    "shifted_chebyshev_polynomial_t", "Chebyshev polynomial of the first kind of 2x - 1", "tensor([-1., 17.])"
)
shifted_chebyshev_polynomial_u = _of_degree(
    "shifted_chebyshev_polynomial_u", "Chebyshev polynomial of the second kind of 2x - 1", "tensor([-1., 35.])"
)
shifted_chebyshev_polynomial_v = _of_degree(
    "shifted_chebyshev_polynomial_v", "Chebyshev polynomial of the third kind of 2x - 1", "tensor([-1., 29.])"
)
shifted_chebyshev_polynomial_w = _of_degree(
    "shifted_chebyshev_polynomial_w", "Chebyshev polynomial of the fourth kind of 2x - 1", "tensor([-1., 41.])"
)
hermite_polynomial_h = _of_degree("hermite_polynomial_h", "physicist's Hermite polynomial", "tensor([-1., 14.])")
hermite_polynomial_he = _of_degree(
    "hermite_polynomial_he", "probabilist's Hermite polynomial", "tensor([-0.7500,  3.0000])"
)
laguerre_polynomial_l = _of_degree("laguerre_polynomial_l", "Laguerre polynomial", "tensor([ 0.1250, -1.0000])")
legendre_polynomial_p = _of_degree("legendre_polynomial_p", "Legendre polynomial", "tensor([-0.1250,  5.5000])")
