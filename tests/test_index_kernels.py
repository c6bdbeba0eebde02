"""Kernels of indexing against their Python meanings: rows that are read, written, added and put among zeros."""

import contextlib

import numpy as np
import pytest

import rushlight
from rushlight.ops import index, scatter, strided

rows = pytest.importorskip("rushlight.kernels.index")
grids = pytest.importorskip("rushlight.kernels.scatter")
strides = pytest.importorskip("rushlight.kernels.strided")
copies = pytest.importorskip("rushlight.kernels.copying")
whole = pytest.importorskip("rushlight.kernels.integers")
masks = pytest.importorskip("rushlight.kernels.masks")

# Shape of the table, the dimension of the first index, how many dimensions are indexed, shape of the indices. The last
# are shared among threads.
ROWS = [
    ((5,), 0, 1, (7,)), ((5, 3), 0, 1, (2, 3)), ((4, 5, 3), 1, 1, (9,)), ((4, 5, 3), 0, 2, (40,)), ((4, 5, 3), 1, 2, (6,)),
    ((3, 4), 0, 1, ()), ((6, 2), 0, 1, (0,)), ((40, 700), 1, 1, (600,)), ((3000, 64), 0, 1, (900,)),
    ((90000,), 0, 1, (700,)), ((300, 400), 0, 2, (5000,)),
]  # fmt: skip
GRIDS = [((5,), 0, 7), ((4, 5), 1, 3), ((4, 5, 3), 1, 8), ((3000, 40), 1, 1), ((3000, 40), 1, 60), ((60, 900), 0, 200)]
DTYPES = ("float32", "float64", "int32", "int64", "complex64")


@pytest.fixture
def random():
    return np.random.default_rng(3)


def drawn(random, shape, dtype):
    """Whole numbers, so that no sum is rounded."""
    return random.integers(-50, 50, shape).astype(dtype)


@contextlib.contextmanager
def pure(module):
    """The module without its kernels."""
    kept, module._kernels = module._kernels, None
    try:
        yield
    finally:
        module._kernels = kept


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, dim, count, size", ROWS)
def test_rows_added_to_a_new_table(random, shape, dim, count, size, dtype):
    key = tuple([random.integers(-n, n, size) for n in shape[dim : dim + count]])
    g = drawn(random, shape[:dim] + size + shape[dim + count :], dtype)
    found = rows.add_new(shape, dim, key, g)
    with pure(index):
        meant = index.index_backward.forward(g, shape=shape, key=(slice(None),) * dim + key)
    assert found.dtype == meant.dtype
    np.testing.assert_array_equal(found, meant)
    table = drawn(random, shape, dtype)
    meant += table
    assert rows.add(table, dim, key, g)
    np.testing.assert_array_equal(table, meant)


def test_many_rows_in_one_place_are_added_in_double_precision(random):
    for places, count in ((100_000, 3000), (40, 3000)):
        key = random.integers(0, places, count)
        key[::3] = 7
        g = np.full((count, 2), 0.1, np.float32)
        g[0] = 1e6
        assert key[0] == 7
        meant = np.zeros((places, 2))
        np.add.at(meant, key, g)
        np.testing.assert_array_equal(rows.add_new((places, 2), 0, (key,), g), meant.astype(np.float32))


def test_an_index_outside_is_declined(random):
    g = np.ones((3, 2), np.float32)
    for key, strict in (([0, 5, 1], False), ([0, -6, 1], False), ([0, -1, 1], True)):
        assert rows.add_new((5, 2), 0, (np.array(key),), g, strict) is NotImplemented
        assert rows.read(np.ones((5, 2), np.float32), 0, (np.array(key),), strict) is NotImplemented


@pytest.mark.parametrize("dtype", ("float32", "float64", "int32", "int64"))
@pytest.mark.parametrize("shape, dim, count", GRIDS)
def test_sums_into_a_new_array(random, shape, dim, count, dtype):
    size = (*shape[:dim], count, *shape[dim + 1 :])
    key, g = random.integers(0, shape[dim], size), drawn(random, size, dtype)
    vector = random.integers(0, shape[dim], count).reshape([-1 if d == dim else 1 for d in range(len(shape))])
    for at in (key, np.broadcast_to(vector, size)):
        meant = np.zeros(shape, dtype)
        np.add.at(meant, scatter.grid(at, dim, shape), g)
        np.testing.assert_array_equal(grids.sum_new(shape, dim, at, g), meant)
        np.testing.assert_array_equal(scatter.gather_backward.forward(g, at, dim=dim, shape=shape), meant)
        np.testing.assert_array_equal(scatter.gather.forward(meant, at, dim=dim), meant[scatter.grid(at, dim, shape)])


def test_an_expanded_index_may_not_be_negative():
    x, at = rushlight.ones(4, 3), rushlight.tensor([0, -1]).unsqueeze(1).expand(2, 3)
    for call in (lambda: x.gather(0, at), lambda: x.scatter_add(0, at, x[:2]), lambda: x.scatter_add_(0, at, x[:2])):
        with pytest.raises((RuntimeError, IndexError), match="index -1 is out of bounds"):
            call()
    assert (x == 1).all()


@pytest.mark.parametrize(
    "shape, at",
    [
        ((5,), (slice(1, 3), ...)), ((5, 4), (2, ...)), ((5, 4), (slice(None), 2, ...)), ((3, 0), (1, ...)), ((4,), (1, ...)),
        ((6, 5), (slice(None, None, 2), None, ...)), ((2, 3), (slice(2, 2), ...)), ((500, 300), (slice(70, 400), ...)),
        ((500, 300), (slice(None), slice(1, 299), ...)),
    ],
)  # fmt: skip
def test_a_slice_put_among_zeros(random, shape, at):
    meant = np.zeros(shape, np.float32)
    x = drawn(random, meant[at].shape, "float32")
    meant[at] = x
    for given in (x, np.asfortranarray(x), np.repeat(x[..., None], 2, -1)[..., 0]):
        np.testing.assert_array_equal(rows.put_in_zeros(given, shape, at), meant)


def test_what_a_write_through_a_view_leaves_and_takes(random):
    g = drawn(random, (3, 4, 5), "float64")
    for size, stride, offset in (
        ((4, 5), (5, 1), 20), ((3, 5), (20, 1), 5), ((3, 1, 2), (20, 0, 2), 7), ((), (), 59), ((2, 0), (1, 1), 0),
    ):  # fmt: skip
        for base in (None, (20, 5, 1)):
            call = (g, size, stride, offset, base)
            with pure(strided):
                left, taken = strided.cut_out(*call), strided.read_out(*call)
            np.testing.assert_array_equal(strided.cut_out(*call), left)
            np.testing.assert_array_equal(strided.read_out(*call), taken)
    assert strides.read_out(g, (4,), (1,), 57, None) is NotImplemented
    assert strides.cut_out(g, (3,), (1,), 0, (1, 3, 12)) is NotImplemented


def test_zeros_of_every_size():
    for shape in ((), (0,), (3, 4), (70_000,), (300, 1000)):
        for dtype in ("float32", "int64", "bool", "complex128"):
            # Memory that was given back just before is not empty.
            full = copies.empty(shape, np.dtype(dtype))
            full[...] = 1
            del full
            found = copies.zeros(shape, np.dtype(dtype))
            assert found.shape == shape and found.dtype == dtype and not found.any()


@pytest.mark.parametrize("dtype", ("int32", "int64"))
def test_quotients_by_one_number(random, dtype):
    limits = np.iinfo(dtype)
    x = np.concatenate([random.integers(-300, 300, 700), random.integers(limits.min, limits.max, 700)]).astype(dtype)
    near = min(2**51, limits.max)
    x = np.concatenate([x, np.arange(near - 600, near), -np.arange(near - 600, near)]).astype(dtype)
    for y in (1, -1, 2, 3, -7, 64, -64, 999983, near - 1, 1 - near, limits.max, limits.min):
        y = np.array(y, dtype)
        np.testing.assert_array_equal(whole.floored(x, y), x // y)
        np.testing.assert_array_equal(whole.remainder(x, y), x % y)
    assert whole.remainder(x, np.array(0, dtype)) is NotImplemented


def test_masks_of_arrays_that_lie_anywhere(random):
    x, mask = random.normal(size=(30, 40)), random.random((40, 30)) < 0.5
    np.testing.assert_array_equal(masks.select(x, mask.T), x[mask.T])
    np.testing.assert_array_equal(masks.select(x.T, mask), x.T[mask])
    out, meant = np.zeros((40, 30)), np.zeros((40, 30))
    assert masks.put(out, mask, np.broadcast_to(np.float64(3), mask.sum()))
    meant[mask] = 3
    np.testing.assert_array_equal(out, meant)


@pytest.mark.parametrize("beyond", [0, 1, 4, 8, 16, 60, 63, 64, 65, 4095])
@pytest.mark.parametrize("size", [2047, 2048, 2049, 2200, 9000])
def test_long_copies_to_just_beyond_their_source(random, beyond, size):
    """By addresses within their pages of 4096 bytes: where C's own copies are slow, a loop does it."""
    memory = np.zeros(40_000, np.uint8)
    source = memory[3 : size + 3]
    source[:] = given = random.integers(1, 256, size, np.uint8)
    target = memory[12_291 + beyond : 12_291 + beyond + size]
    assert copies.write(target, source)
    np.testing.assert_array_equal(target, given)
    target[:] = source[:] = 0
    assert not memory.any()


@pytest.mark.parametrize(
    "count, places", [(0, 3), (1, 1), (50, 7), (300_000, 1000), (131_072, 40_000), (131_073, 40_000)]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_weights_of_numbers(count, places, dtype):
    random = np.random.default_rng(0)
    x, weights = random.integers(0, places, count), random.normal(size=count).astype(dtype)
    out = rows.weighed(x, weights, places)
    if out is NotImplemented:
        # A table for each part would be longer than the part.
        assert (count, places) == (131_073, 40_000)
        return
    np.testing.assert_allclose(out, np.bincount(x, weights, places), rtol=0, atol=1e-12)
    assert rows.weighed(x[::2], weights[::2], places) is NotImplemented or count < 2
