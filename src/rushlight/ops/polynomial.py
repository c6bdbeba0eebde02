"""Orthogonal polynomials by degree, and their derivatives to any order."""

from .. import kernels
from ..errors import coded
from ..kernels import polynomial as families
from .declare import elementwise, renamed
from .special import of_any_layout, precise


def _of_degree(g, family):
    raise coded("RL129", NotImplementedError(f"the derivative for 'special_{family}: n' is not implemented."))


@elementwise(
    promote="float",
    x=lambda g, x, n, family, order: g * polynomial(x, n, family=family, order=order + 1),
    n=_of_degree,
)
def polynomial(x, n, *, family, order=0):
    """The order-th derivative at x of the family's polynomial of degree n, n cut to a whole number; 0 for n < 0."""
    return precise(x, f"{family}_cpu", families.polynomial, n, family, order)


_made = {}


def _by_kernel(x, n, family, order):
    kernel = _made.get((family, order))
    if kernel is None:
        kernel = _fast.polynomial_of(families.FAMILIES.index(family), order)
        if kernel is None:
            return NotImplemented
        _made[family, order] = kernel
    out = kernel(x, n)
    return of_any_layout(kernel, "fd")(x, n) if out is NotImplemented else out


_fast = kernels.load("special")
if _fast is not None:
    polynomial.accelerate(_by_kernel)

# The operation of each family, under its name in the graph.
BY_FAMILY = {
    family: renamed(polynomial, "Special" + "".join(part.capitalize() for part in family.split("_")) + "Backward0")
    for family in families.FAMILIES
}
