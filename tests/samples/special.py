"""Samples of special functions, activations and complex numbers."""

import numpy as np

from rushlight.kernels.polynomial import FAMILIES

from .elementwise import STEPS, TIES, binary, unary
from .row import Row

SPECIAL = [
    unary("erf"),
    unary("erfc"),
    unary("erfinv", low=-0.7, high=0.7),
    unary("erfcx"),
    unary("ndtr", low=-3.0, high=2.0),
    unary("log_ndtr", low=-3.0, high=2.0),
    unary("ndtri", low=0.2, high=0.8),
    unary("lgamma", low=0.5, high=3.0),
    unary("digamma", low=0.5, high=3.0),
    unary("polygamma", low=0.5, high=3.0, params={"n": 1}),
    Row("zeta", lambda r: (r(2, 3, low=1.5, high=4.0), r(2, 3, low=1.0, high=2.0))),
    *[
        Row("zeta_slope", lambda r: (r(2, 3, low=1.5, high=4.0), r(2, 3, low=0.3, high=2.0)), {"n": n})
        for n in (0, 1, 2)
    ],
    unary("polygamma", low=-2.9, high=-2.1, params={"n": 2}),
    *[
        Row(name, lambda r: (r(2, 3, low=0.5, high=6.0), r(2, 3, low=0.5, high=6.0)), params)
        for name, params in (("igamma", {}), ("igammac", {}), ("igamma_slope", {"n": 1}), ("igamma_slope", {"n": 2}))
    ],
    binary("xlogy", low=0.5, high=2.0),
    binary("xlog1py", low=0.5, high=2.0),
    unary("entr", low=0.2, high=2.0),
    unary("logit", low=0.2, high=0.8),
    unary("logit", low=0.2, high=0.8, params={"eps": 0.1}),
]

BESSEL = [
    *[unary(name, low=0.2, high=1.5) for name in ("i0", "i0e", "i1", "i1e")],
    *[unary(f"modified_bessel_{name}", low=0.5, high=4.0) for name in ("i0", "i1", "k0", "k1")],
    *[unary(f"scaled_modified_bessel_{name}", low=0.5, high=4.0) for name in ("k0", "k1")],
    *[unary(f"bessel_{name}", low=6.0, high=11.0) for name in ("j0", "j1", "y0", "y1")],
    unary("spherical_bessel_j0", low=-4.0, high=4.0),
    *[
        unary("clifford", low=1.0, high=9.0, params={"order": order, "sign": sign})
        for order, sign in ((1, 1), (1, -1), (2, -1), (1.5, -1))
    ],
    *[unary(name, low=-3.0, high=3.0) for name in ("airy_ai", "airy_slope")],
]

POLYNOMIAL = [
    Row("polynomial", lambda r: (r(2, 3, low=-1.5, high=1.5), np.array([2.0, 3.0, 5.0])), {"family": family})
    for family in FAMILIES
]

ACTIVATION = [
    *[unary(name, low=-2.0, high=2.0) for name in ("sigmoid", "logsigmoid", "softplus", "silu", "mish", "gelu")],
    unary("softplus", params={"beta": 2.0, "threshold": 1.0}, note=TIES),
    unary("gelu", low=-2.0, high=2.0, params={"approximate": "tanh"}),
    *[unary(name, low=0.2, high=2.0) for name in ("relu", "leaky_relu", "elu", "celu")],
    *[unary(name, low=-2.0, high=-0.2) for name in ("relu", "leaky_relu", "elu", "celu")],
    unary("elu", low=-2.0, high=-0.2, params={"alpha": 1.5, "scale": 1.1, "input_scale": 0.7}),
    unary("celu", low=-2.0, high=-0.2, params={"alpha": 1.5}),
    Row("prelu", lambda r: (r(2, 3, low=-2.0, high=-0.5), r(1, 3))),
    unary("threshold", low=0.2, high=1.0, params={"threshold": 0.1, "value": 3.0}),
    unary("hardtanh", low=-0.8, high=0.8),
    unary("hardsigmoid", low=-2.0, high=2.0),
    unary("hardswish", low=-2.0, high=2.0),
    unary("softshrink", low=0.6, high=2.0),
    unary("hardshrink", low=0.6, high=2.0),
]

COMPLEX = [
    unary("abs", low=0.2, high=1.0),
    unary("sgn", low=0.2, high=1.0, note=STEPS),
    unary("angle", low=0.2, high=1.0, note=STEPS),
    Row("real", lambda r: (np.array([1 + 2j, 3 - 1j]),)),
    Row("imag", lambda r: (np.array([1 + 2j, 3 - 1j]),)),
    Row("view_as_real", lambda r: (np.array([1 + 2j, 3 - 1j]),)),
    Row("view_as_complex", lambda r: (r(3, 2),)),
    binary("complex"),
]

ROWS = [*SPECIAL, *BESSEL, *POLYNOMIAL, *ACTIVATION, *COMPLEX]
