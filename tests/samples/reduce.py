"""Reductions, running sums and products, recurrences, softmax."""

import math

from .row import Row


def zeroed(x, *places):
    """x with zeros at the places: where quotients by an element are no derivative of a product."""
    for place in places:
        x[place] = 0.0
    return x


def distinct(x):
    """x spread out, so that no step changes which element is larger."""
    x += 10.0 * x.ravel().argsort().argsort().reshape(x.shape)
    return x


FORMS = [{}, {"dim": 1}, {"dim": (0, 2), "keepdim": True}, {"dim": -1, "keepdim": True}]

WHOLE = (
    "sum",
    "mean",
    "nansum",
    "var",
    "std",
    "var_mean",
    "std_mean",
    "amax",
    "amin",
    "aminmax",
    "logsumexp",
)

ROWS = [
    *[Row(op, lambda r: distinct(r(2, 3, 4)), form) for op in WHOLE for form in FORMS],
    *[Row(op, lambda r: distinct(r(2, 3, 4)), {"dim": ()}) for op in ("sum", "nansum", "amax", "logsumexp")],
    Row("sum", lambda r: r(2, 0), {"dim": 1}),
    Row("var", lambda r: r(4), {"correction": 0}),
    Row("std", lambda r: r(4, 3), {"dim": 0, "correction": 2}),
    *[
        Row("vector_norm", lambda r: distinct(r(3, 4)), {"ord": p, "dim": 1})
        for p in (0, 0.5, 1, 1.5, 2, 3, -2, math.inf, -math.inf)
    ],
    Row("vector_norm", lambda r: r(3, 4), {"keepdim": True}),
    Row("prod", lambda r: r(2, 3, 2)),
    Row("prod", lambda r: zeroed(r(2, 3), (0, 1))),
    Row("prod", lambda r: zeroed(r(2, 3), (0, 1), (1, 1))),
    Row("prod", lambda r: zeroed(r(3, 5), (0, 1), (1, 1), (1, 3)), {"dim": 1}),
    Row("prod", lambda r: r(3, 4), {"dim": 0, "keepdim": True}),
    Row("prod", lambda r: r()),
    Row("median", lambda r: distinct(r(2, 4))),
    Row("nanmedian", lambda r: distinct(r(7))),
    Row("spread", lambda r: r(2), {"dim": 1, "shape": (2, 3)}),
    Row("spread", lambda r: r(2, 1, 1), {"dim": (1, 2), "shape": (2, 3, 2)}),
    *[Row(op, lambda r: r(2, 3) > 0, {"dim": 1}) for op in ("any", "all", "count_nonzero")],
    *[Row(op, lambda r: r(2, 3), {"dim": 1}, note="not differentiable") for op in ("argmax", "argmin")],
    Row("shift", lambda r: r(2, 5), {"dim": 1, "by": 2, "fill": 3.0}),
    Row("shift", lambda r: r(2, 5), {"dim": 0, "by": -1}),
    Row("shift", lambda r: r(3), {"dim": 0, "by": 4}),
    Row("cumsum", lambda r: r(2, 4), {"dim": 1}),
    Row("cumsum", lambda r: r(2, 4), {"dim": 0, "reverse": True}),
    Row("cumprod", lambda r: r(2, 5), {"dim": 1}),
    Row("cumprod", lambda r: zeroed(r(3, 5), (0, 1), (0, 3), (1, 0), (2, 4)), {"dim": 1}),
    Row("logcumsumexp", lambda r: r(2, 5), {"dim": 1}),
    Row("cummax", lambda r: distinct(r(2, 5)), {"dim": 1}),
    Row("cummin", lambda r: distinct(r(2, 5)), {"dim": 0}),
    Row("softmax", lambda r: r(3, 4), {"dim": -1}),
    Row("softmax", lambda r: r(3, 4, 2), {"dim": 1}),
    Row("log_softmax", lambda r: r(3, 4), {"dim": 1}),
    Row("log_softmax", lambda r: r(3, 4, 2), {"dim": 0}),
    Row("log_softmax", lambda r: r(), {"dim": 0}),
]
