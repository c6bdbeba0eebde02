"""Kernels of sorting, searching, masks and scatters against their Python meanings, on numbers that are hard to order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushlight.ops import scatter, search, select, sort

lanes = pytest.importorskip("rushlight.kernels.sort")
grids = pytest.importorskip("rushlight.kernels.scatter")
masks = pytest.importorskip("rushlight.kernels.masks")
searches = pytest.importorskip("rushlight.kernels.search")

DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
SIZES = (1, 2, 15, 17, 40, 193, 300, 5000)


def numbers(dtype, shape, random):
    """Many equal numbers; among floats nan, both zeros and infinities, among integers the limits."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return random.random(shape) < 0.5
    if dtype.kind == "f":
        hard = np.array([np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1.5], dtype)
        wide = random.normal(size=shape).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        hard = np.array([limits.min, limits.max, 0, 1], dtype)
        wide = random.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)
    return np.where(random.random(shape) < 0.4, random.choice(hard, shape), wide)


def same(found, meant):
    for a, b in zip(found, meant, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES), size=st.sampled_from(SIZES), dim=st.sampled_from((0, 1, -1)),
    turned=st.booleans(), flag=st.booleans(), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_orders_and_ranks(dtype, size, dim, turned, flag, seed):
    random = np.random.default_rng(seed)
    other = int(random.integers(1, 4))
    x = numbers(dtype, (size, other) if dim == 0 else (other, size), random)
    if turned:
        x = np.asfortranarray(x)
    n = x.shape[dim]
    same(lanes.sort(x, dim, flag), sort.sort.forward(x, dim=dim, descending=flag))
    for k in {0, 1, n // 30, n // 3, n}:
        same(lanes.topk(x, k, dim, flag), sort.topk.forward(x, k=k, dim=dim, largest=flag))
    k = int(random.integers(1, n + 1))
    same(lanes.kthvalue(x, k, dim, flag), sort.kthvalue.forward(x, k=k, dim=dim, keepdim=flag))
    for op in (sort.median_dim, sort.nanmedian_dim, sort.mode):
        same(getattr(lanes, op.name)(x, dim, flag), op.forward(x, dim=dim, keepdim=flag))


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if np.dtype(dtype).itemsize <= 4])
def test_short_lanes_side_by_side(dtype):
    random = np.random.default_rng(5)
    for size in (*range(1, 20), 31, 64, 65, 127, 255, 256, 257):
        x = numbers(dtype, (int(random.integers(7, 30)), size), random)
        for flag in (False, True):
            meant = sort.sort.forward(x, dim=1, descending=flag)
            same(lanes.sort(x, 1, flag), meant)
            same(lanes.sort(x.T, 0, flag), [part.T for part in meant])


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(("float32", "float64", "int64")), size=st.sampled_from(SIZES), seed=st.integers(0, 2**32 - 1)
)
def test_distinct_values(dtype, size, seed):
    x = numbers(dtype, size, np.random.default_rng(seed))
    values, inverse, counts = lanes.unique(x)
    meant, _, often = search.unique.forward(x)
    same((values, counts), (meant, often))
    np.testing.assert_array_equal(values[inverse], x)
    begins = searches.runs(x)
    assert begins.tolist() == [i for i in range(size) if i == 0 or x[i] != x[i - 1]]


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    rows=st.sampled_from((1, 2, 3, 17, 64, 100)),
    width=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_distinct_rows(dtype, rows, width, seed):
    random = np.random.default_rng(seed)
    x = (random.integers(0, 3, (rows, width)) - (np.dtype(dtype).kind in "if")).astype(dtype)
    values, inverse, counts = np.unique(x, axis=0, return_inverse=True, return_counts=True)
    found = search.unique_dim.forward(x, dim=0)
    same(found, (values, inverse.reshape(-1), counts))
    order, differs = searches.rows(x)
    assert order.tolist() == np.lexsort(x.T[::-1]).tolist()
    assert differs.sum() == len(values)
    turned = search.unique_dim.forward(np.ascontiguousarray(x.T), dim=1)
    same(turned, (values.T, inverse.reshape(-1), counts))


def test_rows_with_nan_have_no_order():
    assert searches.rows(np.array([[1.0, np.nan], [0.0, 1.0]])) is NotImplemented


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(("float32", "float64", "int32", "int64")), right=st.booleans(), seed=st.integers(0, 2**32 - 1)
)
def test_places_among_edges(dtype, right, seed):
    random = np.random.default_rng(seed)
    for shape in ((7,), (3, 7), (0,)):
        edges = np.sort(numbers(dtype, shape, random), axis=-1)
        x = numbers(dtype, (*shape[:-1], 5), random)
        same([searches.searchsorted(edges, x, right)], [search.searchsorted.forward(edges, x, right=right)])


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(("float32", "float64", "int32", "int64", "bool")), rows=st.sampled_from((1, 3, 700)),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_masks(dtype, rows, seed):
    random = np.random.default_rng(seed)
    x = numbers(dtype, (rows, 2, 30), random)
    same([masks.nonzero(x)], [np.stack(x.nonzero(), axis=1)])
    same(masks.nonzero(x, True), x.nonzero())
    mask = random.random(x.shape) < 0.5
    same([masks.select(x, mask)], [x[mask]])
    source, out, meant = numbers(dtype, x.size, random), x.copy(), x.copy()
    assert masks.put(out, mask, source)
    meant[mask] = source[: np.count_nonzero(mask)]
    same([out], [meant])
    one = np.ones((), x.dtype)
    for shape in ((rows, 2, 30), (30,), (2, 30), (rows, 1, 1), (1, 1, 1), (rows, 2, 1)):
        mask = random.random(shape) < 0.5
        same([masks.fill(x, mask, one)], [np.where(mask, one, x)])
    assert masks.fill(x, random.random((2, 1)) < 0.5, one) is NotImplemented or rows == 1
    assert not masks.put(x, np.ones(x.shape, bool), source[:-1])


@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(("float32", "float64", "int32", "int64")), dim=st.sampled_from((0, 1, 2)),
    vector=st.booleans(), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_scattered_reductions(dtype, dim, vector, seed):
    random = np.random.default_rng(seed)
    out = numbers(dtype, (3, 4, 40), random)
    shape = [3, 4, 40]
    shape[dim] = 6
    if vector:
        steps = [1, 1, 1]
        steps[dim] = 6
        index = np.broadcast_to(random.integers(0, out.shape[dim], steps), shape)
    else:
        index = random.integers(0, out.shape[dim], shape)
    source = numbers(dtype, shape, random)
    key = scatter.grid(index, dim, out.shape)
    ufuncs = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}
    for how, ufunc in ufuncs.items():
        found, meant = out.copy(), out.copy()
        assert grids.reduce(found, dim, index, source, how)
        with np.errstate(all="ignore"):
            ufunc.at(meant, key, source)
        same([found], [meant])
    same([grids.gather(out, dim, index)], [out[key]])


def test_a_masked_fill_in_place_changes_only_what_the_mask_chooses():
    x = np.arange(6.0).reshape(2, 3)
    select.write_masked_fill(x, np.array([True, False, False]), 9)
    assert x.tolist() == [[9, 1, 2], [9, 4, 5]]


def clustered(dtype, n):
    """As many as are dealt out into buckets: some of one number, some close together, some far apart."""
    random = np.random.default_rng(3)
    x = np.concatenate([np.full(n // 3, 7), random.integers(-50, 50, n // 3), random.integers(-(2**30), 2**30, n)])
    random.shuffle(x)
    return (x * 2**29 if dtype == "i8" else x / 8 if dtype[0] == "f" else x).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_long_lanes_are_sorted_stably(dtype):
    x = clustered(dtype, 120_001)
    if dtype[0] == "f":
        x[::1001], x[::997], x[::499] = np.nan, -0.0, 0.0
    order = np.argsort(x, kind="stable")
    values, places = lanes.sort(x, 0)
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(values, x[order])
    if dtype[0] == "i":
        np.testing.assert_array_equal(lanes.sort(x, 0, True)[1], np.argsort(-x.astype("i8"), kind="stable"))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_distinct_values_of_long_lanes(dtype):
    x = clustered(dtype, 120_001)
    want = np.unique(x, return_inverse=True, return_counts=True)
    for a, b in zip(lanes.unique(x), want):
        np.testing.assert_array_equal(a, b)


def test_the_mode_of_a_long_lane():
    x = clustered("i8", 120_001)
    value, place = lanes.mode(x, 0)
    assert value == 7 * 2**29
    assert place == np.flatnonzero(x == value)[-1]
