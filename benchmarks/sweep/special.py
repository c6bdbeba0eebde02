"""Special functions: error, gamma and Bessel functions, Airy's, orthogonal polynomials.

PyTorch has no gradient of most Bessel functions and of the polynomials: only their values are compared.
"""

from .row import Timed, other, positive, uniform, unit, vector

wide = uniform(-9.0, 9.0)
right = uniform(0.1, 9.0)


def special(names, *inputs, **options):
    return [Timed(f"special.{name}", *inputs, **options) for name in names.split()]


POLYNOMIALS = [
    *special(
        "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v chebyshev_polynomial_w"
        " shifted_chebyshev_polynomial_t shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v"
        " shifted_chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l"
        " legendre_polynomial_p",
        vector,
        lambda n, random: 5,
        grad=False,
    )
]

ROWS = [
    *special("erf erfc erfcx log_ndtr ndtr i0 i0e i1 i1e sinc", wide),
    Timed("erfinv", vector),
    *special("ndtri logit", unit),
    *special("gammaln digamma entr", right),
    Timed("lgamma", right),
    Timed("polygamma", right, call=lambda m, x: m.polygamma(1, x), ops=("polygamma",)),
    Timed("polygamma 3", right, call=lambda m, x: m.polygamma(3, x)),
    Timed("mvlgamma", uniform(2.0, 9.0), call=lambda m, x: m.mvlgamma(x, 3)),
    *special("xlogy xlog1py", positive, other),
    Timed("xlogy a number", positive, call=lambda m, x: m.xlogy(x, 2.5)),
    *special("zeta", uniform(1.5, 9.0), right, grad=False),
    *special("gammainc gammaincc", right, right, grad=False, ops=("igamma", "igammac")),
    *special("modified_bessel_i0 modified_bessel_i1 bessel_j0 bessel_j1 spherical_bessel_j0 airy_ai", wide, grad=False),
    *special(
        "modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 scaled_modified_bessel_k1 bessel_y0 bessel_y1",
        right,
        grad=False,
    ),
    *POLYNOMIALS,
]
