"""Reading and writing by index, mask and position."""

from .row import Timed, below, booleans, integers, matrix, other, side, uniform, value, vector

# Indices as large as a matrix, into its rows; a vector of rows; a mask of a matrix.
square = below(shape=lambda n: (side(n), side(n)), limit=side)
rows = below(shape=lambda n: (side(n),), limit=side)
few_rows = below(shape=lambda n: (side(n) // 2,), limit=side)
distinct = lambda n, random: random.permutation(n)
mask = lambda n, random: random.random((side(n), side(n))) < 0.5
row_mask = lambda n, random: random.random(side(n)) < 0.5
half = uniform(shape=lambda n: (side(n) // 2, side(n)))
half_columns = uniform(shape=lambda n: (side(n), side(n) // 2))
scalar = uniform(shape=lambda n: ())
tokens = below(limit=lambda n: 1_000)
table = uniform(shape=lambda n: (1_000, 64))
sparse_mask = lambda n, random: random.random(n) < 0.01
list_of_rows = lambda n, random: random.integers(0, side(n), 10).tolist()


def read(name, *inputs, **options):
    return Timed(f"x[{name}]", *inputs, **options)


def write(name, *inputs, put, **options):
    """x[...] = values, in a copy of x, so that both the write and its gradient are timed."""

    def call(m, x, *rest):
        out = x.clone()
        put(out, *rest)
        return out

    return Timed(f"x[{name}] = v", *inputs, call=call, **options)


def assign(key):
    """(x, value) -> x[key] = value"""

    def put(x, v):
        x[key] = v

    return put


def assign_at(x, i, v):
    x[i] = v


def assign_columns(x, i, v):
    x[:, i] = v


def assign_points(x, i, j, v):
    x[i, j] = v


READ = [
    read("i", matrix, call=lambda m, x: x[1], ops=("getitem", "slice_backward")),
    read("i, j", matrix, call=lambda m, x: x[1, 2]),
    read("a:b", vector, call=lambda m, x: x[2:-1]),
    read("a:b, c:d:2", matrix, call=lambda m, x: x[2:-1, 1:-1:2]),
    read("..., None, i", matrix, call=lambda m, x: x[..., None, 1]),
    read(":, None", matrix, call=lambda m, x: x[:, None]),
    read("list", matrix, list_of_rows, call=lambda m, x, i: x[i], ops=("index", "index_backward")),
    read("indices", vector, below(), call=lambda m, x, i: x[i]),
    read("rows", matrix, rows, call=lambda m, x, i: x[i]),
    read(":, columns", matrix, rows, call=lambda m, x, i: x[:, i]),
    read("rows, columns", matrix, square, square, call=lambda m, x, i, j: x[i, j]),
    read("rows, :, None", matrix, rows, call=lambda m, x, i: x[i, :, None]),
    read("mask", vector, booleans, call=lambda m, x, i: x[i]),
    read("matrix mask", matrix, mask, call=lambda m, x, i: x[i]),
    read("mask of rows", matrix, row_mask, call=lambda m, x, i: x[i]),
    read("sparse mask", vector, sparse_mask, call=lambda m, x, i: x[i]),
]

WRITE = [
    write("i", matrix, put=lambda x: assign(1)(x, 2.0)),
    write("i (tensor)", matrix, uniform(shape=lambda n: (side(n),)), put=assign(1)),
    write("a:b", vector, put=lambda x: assign(slice(1, -1))(x, 2.0)),
    write("a:b (tensor)", vector, scalar, put=assign(slice(1, -1))),
    write("mask (number)", vector, booleans, put=lambda x, i: assign_at(x, i, 2.0)),
    write("mask (0-dim)", vector, booleans, scalar, put=assign_at),
    write("indices (number)", vector, below(), put=lambda x, i: assign_at(x, i, 2.0)),
    write("indices", vector, distinct, other, put=assign_at, ops=("index_put",)),
    write("rows", matrix, few_rows, half, put=assign_at),
    write(":, columns", matrix, few_rows, half_columns, put=assign_columns),
    write("rows, columns", matrix, square, square, matrix, put=assign_points),
    Timed("index_put", vector, distinct, other, call=lambda m, x, i, v: m.index_put(x, (i,), v)),
    Timed("index_put accumulate", vector, below(), other, call=lambda m, x, i, v: m.index_put(x, (i,), v, True)),
    Timed(
        "index_put accumulate rows", matrix, rows, matrix, call=lambda m, x, i, v: m.index_put(x, (i,), v, True)
    ),
    Timed(
        "index_put accumulate rows, columns", matrix, square, square, matrix,
        call=lambda m, x, i, j, v: m.index_put(x, (i, j), v, True),
    ),
]  # fmt: skip


def along(name, *inputs, put=None, ops=(), **rest):
    """Along rows and columns of a matrix: name(x, dim, *inputs)."""
    return [
        Timed(f"{name} of rows", matrix, *inputs, call=lambda m, x, *a: getattr(m, name)(x, 0, *a, **rest), ops=ops),
        Timed(f"{name} of columns", matrix, *inputs, call=lambda m, x, *a: getattr(m, name)(x, 1, *a, **rest)),
    ]


ALONG = [
    Timed("index_select", vector, value(0), below(), ops=("index_select_backward",)),
    *along("index_select", rows),
    Timed("index_add", vector, value(0), below(), other),
    *along("index_add", rows, matrix),
    *along("index_add", rows, matrix, alpha=2),
    Timed("index_copy", vector, value(0), distinct, other),
    *along("index_copy", rows, matrix),
    Timed("index_fill", vector, value(0), below(), value(2.0)),
    *along("index_fill", few_rows, value(2.0)),
    *[
        Timed(
            f"index_reduce {name} of {what}", matrix, rows, matrix, ops=("index_reduce",),
            call=lambda m, x, i, v, dim=dim, name=name: m.index_reduce(x, dim, i, v, name),
        )
        for name in ("prod", "mean", "amax", "amin")
        for dim, what in enumerate(("rows", "columns"))
    ],
]  # fmt: skip

SCATTERS = [
    Timed("gather", vector, value(0), below(), ops=("gather_backward",)),
    *along("gather", square),
    Timed("scatter", vector, value(0), distinct, other),
    *along("scatter", square, matrix),
    *along("scatter", square, value(2.0)),
    Timed("scatter_add", vector, value(0), below(), other),
    *along("scatter_add", square, matrix),
    *[
        Timed(
            f"scatter_reduce {name} of {what}{words}", matrix, square, matrix, ops=("scatter_reduce",),
            call=lambda m, x, i, v, dim=dim, name=name, own=own: m.scatter_reduce(x, dim, i, v, name, include_self=own),
        )
        for name in ("sum", "prod", "mean", "amax", "amin")
        for dim, what in enumerate(("rows", "columns"))
        for own, words in ((True, ""), (False, " without self"))
    ],
    Timed("take_along_dim", matrix, square, value(1)),
]  # fmt: skip

PLACES = [
    Timed("take", vector, below(), ops=("take_backward",)),
    Timed("put", vector, distinct, other),
    Timed("put accumulate", vector, below(), other, call=lambda m, x, i, v: m.Tensor.put(x, i, v, True)),
    Timed("embedding", table, tokens, call=lambda m, w, i: m.embedding(w, i), most=100_000),
    Timed(
        "embedding with padding", table, tokens, most=100_000,
        call=lambda m, w, i: m.nn.functional.embedding(i, w, padding_idx=0),
    ),
]  # fmt: skip

MASKS = [
    Timed("masked_fill", vector, booleans, value(2.0)),
    Timed("masked_fill of columns", matrix, row_mask, call=lambda m, x, i: m.masked_fill(x, i, 2.0)),
    Timed("masked_fill (tensor)", vector, booleans, scalar, call=lambda m, x, i, v: m.masked_fill(x, i, v)),
    Timed("masked_select", vector, booleans, ops=("masked_select_backward",)),
    Timed("masked_scatter", vector, booleans, other),
    Timed("nonzero", vector, grad=False),
    Timed("nonzero_static", vector, call=lambda m, x: m.nonzero_static(x, size=len(x)), grad=False),
    Timed("nonzero of booleans", booleans, call=lambda m, x: m.nonzero(x)),
    Timed("nonzero of a matrix", mask, call=lambda m, x: m.nonzero(x)),
    Timed("nonzero as tuple", mask, call=lambda m, x: m.nonzero(x, as_tuple=True)),
    Timed("argwhere", mask),
    Timed("one_hot", integers(0, 10), call=lambda m, x: m.nn.functional.one_hot(x, 10)),
    Timed("select_scatter", matrix, uniform(shape=lambda n: (side(n),)), value(0), value(1)),
    Timed("slice_scatter", matrix, half, value(0), value(0), lambda n, random: side(n) // 2),
    Timed("diagonal_scatter", matrix, uniform(shape=lambda n: (side(n),))),
]

ROWS = [*READ, *WRITE, *ALONG, *SCATTERS, *PLACES, *MASKS]
