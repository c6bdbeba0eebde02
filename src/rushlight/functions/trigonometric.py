"""Trigonometric and hyperbolic functions and their inverses."""

from ..ops import trigonometric as ops
from .making import binary_inplace, of_tensors, unary, unary_inplace

sin = unary(ops.sin, "The sine of each element, in radians.", "[0.0, 1.0]", "tensor([0.0000, 0.8415])")
cos = unary(ops.cos, "The cosine of each element, in radians.", "[0.0, 1.0]", "tensor([1.0000, 0.5403])")
tan = unary(ops.tan, "The tangent of each element, in radians.", "[0.0, 1.0]", "tensor([0.0000, 1.5574])")
asin = unary(
    ops.asin, "The angle whose sine each element is; nan outside [-1, 1].", "[0.0, 1.0]", "tensor([0.0000, 1.5708])"
)
acos = unary(
    ops.acos, "The angle whose cosine each element is; nan outside [-1, 1].", "[0.0, 1.0]", "tensor([1.5708, 0.0000])"
)
atan = unary(ops.atan, "The angle whose tangent each element is.", "[0.0, 1.0]", "tensor([0.0000, 0.7854])")
sinh = unary(ops.sinh, "The hyperbolic sine of each element.", "[0.0, 1.0]", "tensor([0.0000, 1.1752])")
cosh = unary(ops.cosh, "The hyperbolic cosine of each element.", "[0.0, 1.0]", "tensor([1.0000, 1.5431])")
tanh = unary(ops.tanh, "The hyperbolic tangent of each element.", "[0.0, 1.0]", "tensor([0.0000, 0.7616])")
asinh = unary(ops.asinh, "The inverse of sinh.", "[0.0, 1.0]", "tensor([0.0000, 0.8814])")
acosh = unary(ops.acosh, "The inverse of cosh; nan below 1.", "[1.0, 2.0]", "tensor([0.0000, 1.3170])")
atanh = unary(ops.atanh, "The inverse of tanh; nan outside [-1, 1].", "[0.0, 0.5]", "tensor([0.0000, 0.5493])")
sinc = unary(ops.sinc, "sin(pi x) / (pi x), and 1 at 0.", "[0.0, 0.5]", "tensor([1.0000, 0.6366])")
deg2rad = unary(ops.deg2rad, "Degrees as radians.", "[180.0, 45.0]", "tensor([3.1416, 0.7854])")
rad2deg = unary(ops.rad2deg, "Radians as degrees.", "[0.0, 1.0]", "tensor([ 0.0000, 57.2958])")
atan2 = of_tensors(
    ops.atan2,
    "The angle of the point with height `input` over `other`.",
    "[1.0, -1.0]",
    "[1.0, 0.0]",
    "tensor([ 0.7854, -1.5708])",
)
hypot = of_tensors(ops.hypot, "The length of the hypotenuse.", "[3.0, 5.0]", "[4.0, 12.0]", "tensor([ 5., 13.])")

arcsin = asin
arccos = acos
arctan = atan
arcsinh = asinh
arccosh = acosh
arctanh = atanh
arctan2 = atan2

_IN_PLACE = (
    ops.sin, ops.cos, ops.tan, ops.asin, ops.acos, ops.atan, ops.sinh, ops.cosh, ops.tanh, ops.asinh, ops.acosh,
    ops.atanh, ops.sinc, ops.deg2rad, ops.rad2deg,
)  # fmt: skip
FUNCTIONS = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinc",
    "deg2rad", "rad2deg", "atan2", "hypot", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
    "arctan2",
)  # fmt: skip
METHODS = FUNCTIONS
INPLACE = {f"{op.name}_": unary_inplace(op) for op in _IN_PLACE}
INPLACE |= {f"{op.name}_": binary_inplace(op, tensors=True) for op in (ops.atan2, ops.hypot)}
INPLACE |= {f"arc{name[1:]}": INPLACE[name] for name in (
    "asin_", "acos_", "atan_", "asinh_", "acosh_", "atanh_", "atan2_",
)}  # fmt: skip
