"""Joining and splitting: few large parts and many small ones, along rows and along columns."""

from .row import Timed, matrix, row, side, uniform, vector

quarter = uniform(shape=lambda n: (max(1, n // 4),))
few = (quarter,) * 4
blocks = (uniform(shape=lambda n: (side(n), max(1, side(n) // 4))),) * 4
small = (uniform(shape=lambda n: (max(1, n // 50),)),) * 50
tiny = (uniform(shape=lambda n: (2,)),) * 50
eighth = uniform(shape=lambda n: (max(1, side(n) // 8),) * 2)


CAT = [
    Timed("cat", *few, call=lambda m, *xs: m.cat(xs)),
    Timed("cat of rows", *blocks, call=lambda m, *xs: m.cat(xs, 0)),
    Timed("cat of columns", *blocks, call=lambda m, *xs: m.cat(xs, 1)),
    Timed("cat of many", *small, call=lambda m, *xs: m.cat(xs)),
    Timed("cat of tiny ones", *tiny, call=lambda m, *xs: m.cat(xs)),
    Timed("cat of two dtypes", quarter, quarter, call=lambda m, x, y: m.cat((x, y.double()))),
    Timed("cat of transposed", *blocks, call=lambda m, *xs: m.cat([x.t() for x in xs], 1)),
    Timed("stack", *few, call=lambda m, *xs: m.stack(xs)),
    Timed("stack of columns", *few, call=lambda m, *xs: m.stack(xs, 1)),
    Timed("stack of many", *small, call=lambda m, *xs: m.stack(xs)),
    Timed("stack of tiny ones", *tiny, call=lambda m, *xs: m.stack(xs)),
    Timed("hstack", *few, call=lambda m, *xs: m.hstack(xs)),
    Timed("vstack", *few, call=lambda m, *xs: m.vstack(xs)),
    Timed("dstack", *few, call=lambda m, *xs: m.dstack(xs)),
    Timed("column_stack", *few, call=lambda m, *xs: m.column_stack(xs)),
    Timed("block_diag", *(eighth,) * 8),
    Timed("meshgrid", row, row, call=lambda m, x, y: m.meshgrid(x, y, indexing="ij")),
    Timed("cartesian_prod", row, row),
    Timed("combinations", uniform(shape=lambda n: (side(2 * n),))),
]  # fmt: skip

SPLIT = [
    Timed("split", matrix, call=lambda m, x: x.split(max(1, x.shape[0] // 4))),
    Timed("split of columns", matrix, call=lambda m, x: x.split(max(1, x.shape[1] // 4), 1)),
    Timed("split into many", vector, call=lambda m, x: x.split(max(1, x.shape[0] // 50))),
    Timed("split_with_sizes", vector, call=lambda m, x: x.split((1, 2, x.shape[0] - 3))),
    Timed("tensor_split", matrix, call=lambda m, x: x.tensor_split(4)),
    Timed("hsplit", matrix, call=lambda m, x: m.hsplit(x, (2, 3))),
    Timed("unbind", uniform(shape=lambda n: (10, max(1, n // 10))), call=lambda m, x: x.unbind()),
    Timed("unbind of columns", uniform(shape=lambda n: (max(1, n // 10), 10)), call=lambda m, x: x.unbind(1)),
    Timed("split and cat", matrix, call=lambda m, x: m.cat(x.chunk(4, 1), 1)),
    Timed("unbind and stack", uniform(shape=lambda n: (10, max(1, n // 10))), call=lambda m, x: m.stack(x.unbind())),
]

ROWS = [*CAT, *SPLIT]
