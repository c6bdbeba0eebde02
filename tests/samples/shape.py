"""Samples of the operations on shapes: views, joins, splits, copies and conversions."""

import numpy as np

from .row import Row

_MIDDLE = (slice(None), slice(1, 3))

ROWS = [
    Row("view", lambda r: (r(2, 6),), {"shape": (3, 4)}),
    Row("unsafe_view", lambda r: (r(2, 6),), {"shape": (3, 4)}),
    Row("squeeze", lambda r: (r(1, 3, 1),), {"dim": (0,)}),
    Row("unsqueeze", lambda r: (r(2, 3),), {"dim": 1}),
    Row("view_dtype", lambda r: (r(2, 4),), {"dtype": np.dtype("int64")}),
    Row("transpose", lambda r: (r(2, 3, 4),), {"dim0": 0, "dim1": -1}),
    Row("t", lambda r: (r(2, 3),)),
    Row("permute", lambda r: (r(2, 3, 4),), {"dims": (2, 0, 1)}),
    Row("diagonal", lambda r: (r(3, 2, 4),), {"offset": 1, "dim1": 0, "dim2": 2}),
    Row("diagonal_backward", lambda r: (r(2, 3),), {"shape": (3, 2, 4), "offset": 1, "dim1": 0, "dim2": 2}),
    Row("diagonal_copy", lambda r: (r(3, 4),), {"offset": -1}),
    Row("unfold", lambda r: (r(2, 7),), {"dim": 1, "size": 3, "step": 2}),
    Row("unfold_backward", lambda r: (r(2, 3, 3),), {"shape": (2, 7), "dim": 1, "size": 3, "step": 2}),
    Row("flip", lambda r: (r(2, 3),), {"dims": (0, 1)}),
    Row("roll", lambda r: (r(2, 3),), {"shifts": (1, 2), "dims": (0, 1)}),
    Row("roll", lambda r: (r(2, 3),), {"shifts": (2,)}),
    Row("rot90", lambda r: (r(2, 3),), {"k": 3, "dims": (1, 0)}),
    Row("repeat", lambda r: (r(2, 3),), {"repeats": (2, 1, 3)}),
    Row("repeat_interleave", lambda r: (r(2, 3),), {"repeats": 2, "dim": 1}),
    Row("interleaved_sum", lambda r: (r(2, 6),), {"repeats": 2, "dim": 1, "shape": (2, 3)}),
    Row("cat", lambda r: (r(2, 1), r(2, 3)), {"dim": 1, "sizes": (1, 3)}),
    Row("cat", lambda r: (r(0), r(2, 3)), {"dim": 1, "sizes": (None, 3)}),
    Row("stack", lambda r: (r(2, 3), r(2, 3)), {"dim": 1}),
    Row("unbind", lambda r: (r(3, 2),), {"dim": 1}),
    Row("split_with_sizes", lambda r: (r(2, 5),), {"sizes": (1, 0, 4), "dim": 1}),
    Row("block_diag", lambda r: (r(2, 1), r(1, 3)), {"sizes": ((2, 1), (1, 3))}),
    Row("shuffle", lambda r: (r(2, 6, 2),), {"parts": (2, 3, 2, 2), "order": (0, 2, 3, 1), "shape": (4, 6)}),
    Row("tril", lambda r: (r(2, 3, 3),), {"diagonal": -1}),
    Row("triu", lambda r: (r(3, 4),), {"diagonal": 1}),
    Row("diag_embed", lambda r: (r(2, 3),), {"offset": 1, "dim1": 0, "dim2": 2}),
    Row("trace", lambda r: (r(3, 2),)),
    Row("trace_backward", lambda r: (r(),), {"shape": (3, 2)}),
    Row("diagonal_scatter", lambda r: (r(3, 3), r(2)), {"offset": 1}),
    Row("slice_scatter", lambda r: (r(3, 4), r(3, 2)), {"index": _MIDDLE}),
    Row("as_strided", lambda r: (r(8),), {"size": (2, 3), "stride": (1, 2), "storage_offset": 1}),
    Row("as_strided", lambda r: (r(2, 3),), {"size": (2, 3), "stride": (1, 1)}),
    Row("strided_sum", lambda r: (r(2, 3),), {"shape": (6,), "size": (2, 3), "stride": (1, 1), "storage_offset": 1}),
    Row(
        "strided_scatter",
        lambda r: (r(6), r(2, 2)),
        {"size": (2, 2), "stride": (3, 1), "storage_offset": 1},
    ),
    Row("clone", lambda r: (r(2, 3),)),
    Row("clone", lambda r: (r(1, 2, 3, 2),), {"order": (0, 2, 3, 1)}),
    Row("copy_grad", lambda r: (r(2, 3),)),
    Row("to_dtype", lambda r: (r(2, 3),), {"dtype": np.dtype("float64")}),
    Row("copy", lambda r: (r(2, 3), r(3))),
    Row("fill", lambda r: (r(2, 3), r(1))),
    Row("zero", lambda r: (r(2, 3),)),
    Row("conj", lambda r: (r(2, 3),)),
    Row("conj_gradient", lambda r: (r(2, 3),)),
    Row("expand", lambda r: (r(2, 1),), {"shape": (3, 2, 4)}),
    Row("sum_to", lambda r: (r(3, 2, 4),), {"shape": (2, 1)}),
    Row("drawn", lambda r: (r(2, 3), np.ones((2, 3)))),
    Row(
        "normal", lambda r: (r(2, 3), r(3), np.ones((2, 3))), note="not differentiable: draws have the derivative zero"
    ),
]
