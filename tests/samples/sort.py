"""Sorting, picking along a dimension, look-ups and counts."""

import numpy as np

from .reduce import distinct
from .row import Row

LANES = ("max_dim", "min_dim", "median_dim", "nanmedian_dim", "mode")

ROWS = [
    *[
        Row(op, lambda r: distinct(r(3, 4)), {"dim": dim, "keepdim": keep})
        for op in LANES
        for dim, keep in ((1, False), (0, True))
    ],
    Row("max_dim", lambda r: r(), {"dim": 0}),
    Row("kthvalue", lambda r: distinct(r(3, 4)), {"k": 2, "dim": 1}),
    Row("sort", lambda r: distinct(r(3, 4)), {"dim": 1}),
    Row("sort", lambda r: distinct(r(3, 4)), {"dim": 0, "descending": True}),
    Row("topk", lambda r: distinct(r(3, 4)), {"k": 2, "dim": -1}),
    Row("topk", lambda r: distinct(r(3, 4)), {"k": 2, "dim": 0, "largest": False}),
    Row("argsort", lambda r: r(3, 4), {"dim": 1}),
    Row("searchsorted", lambda r: (np.sort(r(5)), r(2, 3)), {"right": True}),
    Row("searchsorted", lambda r: (np.sort(r(2, 5)), r(2, 3))),
    Row("isin", lambda r: (r(4), r(2))),
    Row("bincount", lambda r: (np.array([0, 2, 2]), None), {"minlength": 4}, note="not differentiable: counts"),
    Row("bincount", lambda r: (np.array([0, 2, 2]), r(3)), {"minlength": 4}),
    Row("cell", lambda r: (r(9, 2), np.sort(r(4)), np.sort(r(3)))),
    Row("histc", lambda r: r(9), {"bins": 3, "low": -1.0, "high": 1.0}),
    Row("unique", lambda r: r(4), note="not differentiable"),
    Row("unique_dim", lambda r: r(2, 3), {"dim": 1}, note="not differentiable"),
    Row("unique_consecutive", lambda r: r(4), note="not differentiable"),
]
