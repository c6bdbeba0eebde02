"""Samples of indexing: views by integers and slices, gathers and scatters, masks, lookups."""

import numpy as np

from .row import Row

FULL = slice(None)
VECTOR = np.array([2, 0, 2])
GRID = np.array([[0, 2, 1], [2, 2, 0]])
MASK = np.array([[True, False, True], [False, False, True]])


def with_zeros(array, *places):
    """The same array, zero at some flat positions."""
    array.reshape(-1)[list(places)] = 0
    return array


def reduced(reduce, include_self=True, zeros_x=(), zeros_src=()):
    return Row(
        "scatter_reduce",
        lambda r: (with_zeros(r(3, 3), *zeros_x), GRID, with_zeros(r(2, 3), *zeros_src)),
        {"dim": 0, "reduce": reduce, "include_self": include_self},
    )


def key(*parts):
    return {"key": parts}


VIEWS = [
    Row("getitem", lambda r: (r(3, 4),), {"index": (1, ...)}),
    Row("getitem", lambda r: (r(3, 4),), {"index": (FULL, slice(1, None, 2), None)}),
    Row("slice_backward", lambda r: (r(2, 3),), {"shape": (4, 3), "index": (slice(0, 3, 2), ...)}),
]

ADVANCED = [
    Row("index", lambda r: (r(3, 4),), key(VECTOR)),
    Row("index", lambda r: (r(2, 3, 4),), key(np.array([0, 1]), FULL, np.array([[3, -1]]))),
    Row("index_backward", lambda r: (r(2, 3),), {"shape": (2, 3), **key(FULL, VECTOR)}),
    Row(
        "index_backward",
        lambda r: (r(2, 2),),
        {"shape": (2, 3, 2), **key(np.array([1, 1]), np.array([0, 0]))},
    ),
    Row("index_put", lambda r: (r(3, 2), r(2)), {"accumulate": False, **key(np.array([0, 2]))}),
    Row("index_put", lambda r: (r(3, 2), r(3, 2)), {"accumulate": True, **key(VECTOR)}),
]

ALONG = [
    Row("index_select", lambda r: (r(2, 3), VECTOR), {"dim": 1}),
    Row("index_select_backward", lambda r: (r(2, 3), VECTOR), {"dim": 1, "shape": (2, 4)}),
    Row("index_add", lambda r: (r(2, 3), VECTOR, r(2, 3)), {"dim": 1, "alpha": 2}),
    Row("index_copy", lambda r: (r(3, 2), np.array([2, 0]), r(2, 2)), {"dim": 0}),
    Row("index_fill", lambda r: (r(3, 2), VECTOR, r()), {"dim": 0}),
    Row("take", lambda r: (r(2, 3), GRID), {}),
    Row("take_backward", lambda r: (r(2, 3), GRID), {"shape": (2, 2)}),
    Row("put", lambda r: (r(2, 3), np.array([4, 1]), r(2)), {"accumulate": False}),
    Row("put", lambda r: (r(2, 3), np.array([4, 4]), r(2)), {"accumulate": True}),
    Row("embedding", lambda r: (r(3, 2), GRID)),
]

SCATTERS = [
    Row("gather", lambda r: (r(3, 3), GRID), {"dim": 0}),
    Row("gather", lambda r: (r(3, 4), GRID), {"dim": 1}),
    Row("gather_backward", lambda r: (r(2, 3), GRID), {"dim": 0, "shape": (3, 3)}),
    Row("scatter", lambda r: (r(3, 3), np.array([[0, 2, 1]]), r(1, 3)), {"dim": 0}),
    Row("scatter", lambda r: (r(3, 3), GRID, 2.5), {"dim": 1}),
    Row("scatter_add", lambda r: (r(3, 3), GRID, r(2, 3)), {"dim": 0}),
    *[reduced(name, own) for name in ("sum", "mean", "prod", "amax", "amin") for own in (True, False)],
    reduced("prod", zeros_x=(0,)),
    reduced("prod", zeros_src=(1,)),
    reduced("prod", zeros_src=(1, 4)),
    reduced("prod", False, zeros_x=(7,), zeros_src=(1, 4)),
    reduced("prod", zeros_x=(7,), zeros_src=(1, 4)),
]

MASKS = [
    Row("masked_fill", lambda r: (r(2, 3), MASK, r())),
    Row("masked_fill", lambda r: (r(3), MASK, 2)),
    Row("masked_select", lambda r: (r(2, 3), MASK)),
    Row("masked_select_backward", lambda r: (r(3), MASK), {"shape": (2, 3)}),
    Row("masked_scatter", lambda r: (r(2, 3), MASK, r(5))),
    Row("nonzero", lambda r: (MASK,)),
    Row("nonzero_static", lambda r: (MASK,), {"size": 3, "fill_value": -1}),
    Row("one_hot", lambda r: (GRID,), {"num_classes": 4}),
]

ROWS = [*VIEWS, *ADVANCED, *ALONG, *SCATTERS, *MASKS]
