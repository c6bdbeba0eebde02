"""Bessel functions and Airy's function."""

from ..ops import bessel as ops
from .making import unary, unary_inplace

i0 = unary(ops.i0, "The modified Bessel function of order 0.", "[0.0, 1.0]", "tensor([1.0000, 1.2661])")
i0e = unary(
    ops.i0e,
    "exp(-|x|) times i0(x).",
    "[0.0, 1.0]",
    "tensor([1.0000, 0.4658])",
    inside="special.",
)
i1 = unary(
    ops.i1,
    "The modified Bessel function of order 1.",
    "[0.0, 1.0]",
    "tensor([0.0000, 0.5652])",
    inside="special.",
)
i1e = unary(
    ops.i1e,
    "exp(-|x|) times i1(x).",
    "[0.0, 1.0]",
    "tensor([0.0000, 0.2079])",
    inside="special.",
)
modified_bessel_i0 = unary(
    ops.modified_bessel_i0,
    "The modified Bessel function of the first kind of order 0: i0.",
    "[0.0, 1.0]",
    "tensor([1.0000, 1.2661])",
    inside="special.",
)
modified_bessel_i1 = unary(
    ops.modified_bessel_i1,
    "The modified Bessel function of the first kind of order 1: i1.",
    "[0.0, 1.0]",
    "tensor([0.0000, 0.5652])",
    inside="special.",
)
modified_bessel_k0 = unary(
    ops.modified_bessel_k0,
    "The modified Bessel function of the second kind of order 0; inf at 0, nan below.",
    "[0.5, 1.0]",
    "tensor([0.9244, 0.4210])",
    inside="special.",
)
modified_bessel_k1 = unary(
    ops.modified_bessel_k1,
    "The modified Bessel function of the second kind of order 1; inf at 0, nan below.",
    "[0.5, 1.0]",
    "tensor([1.6564, 0.6019])",
    inside="special.",
)
scaled_modified_bessel_k0 = unary(
    ops.scaled_modified_bessel_k0,
    "exp(x) times modified_bessel_k0(x).",
    "[0.5, 1.0]",
    "tensor([1.5241, 1.1445])",
    inside="special.",
)
scaled_modified_bessel_k1 = unary(
    ops.scaled_modified_bessel_k1,
    "exp(x) times modified_bessel_k1(x).",
    "[0.5, 1.0]",
    "tensor([2.7310, 1.6362])",
    inside="special.",
)
bessel_j0 = unary(
    ops.bessel_j0,
    "The Bessel function of the first kind of order 0.",
    "[0.0, 1.0]",
    "tensor([1.0000, 0.7652])",
    inside="special.",
)
bessel_j1 = unary(
    ops.bessel_j1,
    "The Bessel function of the first kind of order 1.",
    "[0.0, 1.0]",
    "tensor([0.0000, 0.4401])",
    inside="special.",
)
bessel_y0 = unary(
    ops.bessel_y0,
    "The Bessel function of the second kind of order 0; -inf at 0, nan below.",
    "[0.5, 1.0]",
    "tensor([-0.4445,  0.0883])",
    inside="special.",
)
bessel_y1 = unary(
    ops.bessel_y1,
    "The Bessel function of the second kind of order 1; -inf at 0, nan below.",
    "[0.5, 1.0]",
    "tensor([-1.4715, -0.7812])",
    inside="special.",
)
spherical_bessel_j0 = unary(
    ops.spherical_bessel_j0,
    "sin(x) / x, 1 at 0: the spherical Bessel function of order 0.",
    "[0.0, 1.0]",
    "tensor([1.0000, 0.8415])",
    inside="special.",
)
airy_ai = unary(
    ops.airy_ai,
    "Airy's function Ai. Its rounding grows with |x|**1.5, as the function's own sensitivity does.",
    "[0.0, 1.0]",
    "tensor([0.3550, 0.1353])",
    inside="special.",
)

FUNCTIONS = ("i0",)
METHODS = FUNCTIONS
INPLACE = {"i0_": unary_inplace(ops.i0)}
