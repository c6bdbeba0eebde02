"""Views and rearrangements, triangles and diagonals, copies and conversions between dtypes."""

from .row import Timed, booleans, complexes, integers, matrix, other, row, side, uniform, vector

deep = uniform(shape=lambda n: (max(1, n // 100), 10, 10))
half = uniform(shape=lambda n: (max(1, n // 2),))
third = uniform(shape=lambda n: (max(1, n // 3),))
short = uniform(shape=lambda n: (max(1, side(n) - 1),))
middle = uniform(shape=lambda n: (side(n), max(1, side(n) // 2)))
narrow = uniform(shape=lambda n: (max(1, n // 100), 1, 100))


VIEWS = [
    Timed("view", vector, call=lambda m, x: x.view(-1, 2)),
    Timed("view as bits", vector, call=lambda m, x: x.view(m.uint8), ops=("view_dtype",), grad=False),
    Timed("view_as", deep, call=lambda m, x: x.view_as(x)),
    Timed("reshape", deep, call=lambda m, x: x.reshape(-1, 20), ops=("unsafe_view",)),
    Timed("reshape of transposed", matrix, call=lambda m, x: x.t().reshape(-1)),
    Timed("squeeze", narrow, call=lambda m, x: x.squeeze()),
    Timed("squeeze dim", narrow, call=lambda m, x: x.squeeze(1)),
    Timed("squeeze dims", narrow, call=lambda m, x: x.squeeze((0, 1))),
    Timed("unsqueeze", matrix, call=lambda m, x: x.unsqueeze(1)),
    Timed("transpose", deep, call=lambda m, x: x.transpose(1, 2)),
    Timed("swapaxes", deep, call=lambda m, x: m.swapaxes(x, 0, 2)),
    Timed("t", matrix),
    Timed("permute", deep, call=lambda m, x: x.permute(2, 0, 1)),
    Timed("movedim", deep, call=lambda m, x: m.movedim(x, 0, -1)),
    Timed("flatten", deep, call=lambda m, x: m.flatten(x, 1)),
    Timed("ravel", deep),
    Timed("unflatten", narrow, call=lambda m, x: x.unflatten(-1, (10, -1))),
    Timed("expand", row, call=lambda m, x: x.expand(x.shape[0], -1), ops=("sum_to",)),
    Timed("broadcast_to", row, call=lambda m, x: m.broadcast_to(x, (x.shape[0], x.shape[0]))),
    Timed("diagonal", matrix, ops=("diagonal_backward",)),
    Timed("unfold", vector, call=lambda m, x: x.unfold(0, 4, 2), ops=("unfold_backward",)),
    Timed("unfold of columns", matrix, call=lambda m, x: x.unfold(1, 3, 3)),
    Timed("as_strided", matrix, call=lambda m, x: x.as_strided((x.shape[0],), (x.shape[1] + 1,)), ops=("strided_sum",)),
    Timed("as_strided overlapping", half, call=lambda m, x: x.as_strided((x.shape[0] - 3, 4), (1, 1))),
    Timed("narrow", matrix, call=lambda m, x: x.narrow(1, 1, x.shape[1] // 2)),
    Timed("select", matrix, call=lambda m, x: x.select(1, 3)),
    Timed("chunk", matrix, call=lambda m, x: x.chunk(4)),
    Timed("detach", matrix, call=lambda m, x: x.detach(), grad=False),
    Timed("alias", matrix, call=lambda m, x: x[...]),
    Timed("view_as_complex", uniform(shape=lambda n: (max(1, n // 2), 2))),
    Timed("real of transposed", complexes, call=lambda m, x: x.view(-1, 2).t().real),
]  # fmt: skip

REARRANGED = [
    Timed("constant_pad_nd", matrix, call=lambda m, x: m.constant_pad_nd(x, (1, 2, 3, 4), 0.5)),
    Timed("flip", matrix, call=lambda m, x: m.flip(x, (0, 1))),
    Timed("flip of rows", matrix, call=lambda m, x: m.flip(x, (0,))),
    Timed("flip of a vector", vector, call=lambda m, x: m.flip(x, (0,))),
    Timed("fliplr", matrix), Timed("flipud", matrix),
    Timed("roll", matrix, call=lambda m, x: m.roll(x, (3, 5), (0, 1))),
    Timed("roll of a vector", vector, call=lambda m, x: m.roll(x, 7)),
    Timed("rot90", matrix), Timed("rot90 twice", matrix, call=lambda m, x: m.rot90(x, 2)),
    Timed("repeat", half, call=lambda m, x: x.repeat(2)),
    Timed("repeat of rows", row, call=lambda m, x: x.repeat(x.shape[0], 1)),
    Timed("tile", middle, call=lambda m, x: m.tile(x, (1, 2))),
    Timed("repeat_interleave", half, call=lambda m, x: m.repeat_interleave(x, 2), ops=("interleaved_sum",)),
    Timed("repeat_interleave of columns", middle, call=lambda m, x: m.repeat_interleave(x, 2, 1)),
    Timed("repeat_interleave by a tensor", third, integers(0, 6, lambda n: (max(1, n // 3),)),
           call=lambda m, x, n: m.repeat_interleave(x, n)),
]  # fmt: skip

TRIANGLES = [
    Timed("tril", matrix), Timed("triu", matrix), Timed("triu above", matrix, call=lambda m, x: m.triu(x, 1)),
    Timed("tril_", matrix, call=lambda m, x: x.tril_(), grad=False),
    Timed("diag", row, ops=("diag_embed",)),
    Timed("diag of a matrix", matrix, call=lambda m, x: m.diag(x), ops=("diagonal_copy",)),
    Timed("diag_embed", uniform(shape=lambda n: (max(1, n // 100), 10)), call=lambda m, x: m.diag_embed(x)),
    Timed("diagflat", row), Timed("trace", matrix, ops=("trace_backward",)),
    Timed("as_strided_scatter", matrix, row, ops=("strided_scatter",),
           call=lambda m, x, y: m.as_strided_scatter(x, y, (x.shape[0],), (x.shape[1] + 1,))),
    Timed("tril_indices", row, call=lambda m, x: m.tril_indices(x.shape[0], x.shape[0]), grad=False),
    Timed("triu_indices", row, call=lambda m, x: m.triu_indices(x.shape[0], x.shape[0]), grad=False),
    Timed("vander", uniform(shape=lambda n: (max(1, n // 10),)), call=lambda m, x: m.vander(x, 10), grad=False),
]  # fmt: skip

COPIES = [
    Timed("clone of transposed", matrix, call=lambda m, x: x.t().clone()),
    Timed("contiguous", matrix, call=lambda m, x: x.contiguous()),
    Timed("contiguous of permuted", deep, call=lambda m, x: x.permute(2, 1, 0).contiguous()),
    Timed("clone channels last", uniform(shape=lambda n: (max(1, n // 400), 4, 10, 10)),
           call=lambda m, x: x.clone(memory_format=m.channels_last)),
    Timed("copy_ of transposed", matrix, matrix, call=lambda m, x, y: x.copy_(y.t()), grad=False),
    Timed("copy_ of a row", matrix, row, call=lambda m, x, y: x.copy_(y), grad=False),
    Timed("copy_ of another dtype", vector, integers(), call=lambda m, x, y: x.copy_(y), grad=False),
    Timed("copy_ recorded", vector, other, call=lambda m, x, y: (x * 1).copy_(y)),
    Timed("fill_ of columns", matrix, call=lambda m, x: x[:, ::2].fill_(1.0), grad=False),
    Timed("fill", vector, call=lambda m, x: m.fill(x, 2.0)),
    Timed("zero_ of rows", matrix, call=lambda m, x: x[::2].zero_(), grad=False),
    Timed("as_tensor", vector, call=lambda m, x: m.as_tensor(x), grad=False),
    Timed("from_numpy and back", vector, call=lambda m, x: m.from_numpy(x.numpy()), grad=False),
    Timed("tolist", vector, call=lambda m, x: x.tolist(), grad=False),
    Timed("item", vector, call=lambda m, x: x[3].item(), grad=False),
    Timed("tensor of a list", vector, call=lambda m, x: m.tensor([1.0, 2.0, 3.0]), grad=False),
]  # fmt: skip

SOURCES = {
    "float": vector, "double": vector, "half": vector, "bfloat16": vector,
    "long": integers(), "int": integers(), "short": integers(), "char": integers(), "byte": integers(), "bool": booleans,
    "cfloat": complexes,
}  # fmt: skip


def conversions():
    """From each dtype to each other one."""
    for source, make in SOURCES.items():
        for target in SOURCES:
            if source not in (target, "cfloat"):
                yield Timed(f"{source} to {target}", make, call=conversion(source, target), grad=False)


def conversion(source, target):
    """Only the second step is timed: the tensor that it begins with is made in the first call of each module."""
    made = {}

    def call(m, x):
        if m not in made or made[m][0] is not x:
            made[m] = x, getattr(x, source)()
        return getattr(made[m][1], target)()

    return call


ROWS = [*VIEWS, *REARRANGED, *TRIANGLES, *COPIES, *conversions()]
