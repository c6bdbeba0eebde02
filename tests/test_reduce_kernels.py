"""The reduction kernels: each against its meaning in NumPy, both against exact sums."""

import itertools
import math

import numpy as np
import pytest

from rushlight.kernels import meaning

try:
    from rushlight.kernels import extremes, parallel, reduce, scan
except ImportError:
    reduce = None

MODULES = [pytest.param(meaning, id="meaning")]
if reduce is not None:
    MODULES.append(pytest.param(reduce, id="kernel"))

compiled = pytest.mark.skipif(reduce is None, reason="the kernels are not compiled")
both = pytest.mark.parametrize("module", MODULES)
floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])

SHAPES = [(), (1,), (7,), (8,), (64,), (1000,), (3, 5), (40, 3), (300, 33), (5, 1, 6), (2, 3, 4), (70, 2, 9)]
SHAPES += [(0,), (0, 3), (3, 0), (2, 0, 4), (2, 3, 4, 5), (9, 600), (3, 2, 3, 2, 3)]
CALLS = {"sum": (), "mean": (), "square_sum": (), "var": (1,), "var_mean": (0.5,)}


def call(module, name, x, axes, keepdims=False):
    results = getattr(module, name)(x, axes, *CALLS[name], keepdims)
    return results if isinstance(results, tuple) else (results,)


def subsets(ndim):
    return itertools.chain.from_iterable(itertools.combinations(range(ndim), k) for k in range(ndim + 1))


def values(shape, dtype, seed=0):
    return np.asarray(np.random.default_rng(seed).standard_normal(shape) + 0.5).astype(dtype)


def groups(x, axes):
    """How many runs of kept and reduced axes there are, a kept one (maybe of no axes) first."""
    kinds = [k in axes for k in range(x.ndim) if x.shape[k] != 1]
    return 1 + sum(a != b for a, b in itertools.pairwise([False, *kinds]))


def agree(got, expected):
    assert type(got) is np.ndarray
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.flags.c_contiguous
    tolerance = 2 * np.finfo(got.dtype).eps
    if got.dtype == np.float64:
        tolerance *= 50  # NumPy's float64 sums are themselves rounded
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# ---- the kernels against their meaning ----


@compiled
@floats
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_kernel_agrees_with_meaning(shape, name, dtype):
    x = values(shape, dtype)
    for axes in subsets(x.ndim):
        for keepdims in (False, True):
            got = call(reduce, name, x, axes, keepdims)
            if got[0] is NotImplemented:
                assert groups(x, axes) > 4
                continue
            for ours, expected in zip(got, call(meaning, name, x, axes, keepdims), strict=True):
                agree(ours, expected)


@compiled
@floats
@pytest.mark.parametrize("name", CALLS)
def test_kernel_reads_strided_and_swapped_arrays_or_leaves_them(name, dtype):
    x = values((12, 10, 8), dtype)
    layouts = [x.T, x[::2, 1:, ::-1], x[:, :1].repeat(3, 1), np.broadcast_to(x[:1], x.shape)]
    layouts += [x.astype(x.dtype.newbyteorder()), np.frombuffer(b"-" + x.tobytes(), dtype, offset=1)]
    for layout in layouts:
        for axes in subsets(layout.ndim):
            got = call(reduce, name, layout, axes)
            native = layout.astype(dtype)
            for ours, expected in zip(got, call(meaning, name, native, axes), strict=True):
                assert ours is not NotImplemented
                agree(ours, expected)


@compiled
@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.bool_, np.complex64, np.longdouble, object])
def test_kernel_leaves_other_dtypes(dtype):
    x = np.ones((3, 4), dtype)
    assert reduce.sum_to(x, (4,)) is NotImplemented
    for name in CALLS:
        if name != "sum" or x.dtype.kind not in "bi":
            assert call(reduce, name, x, (0,)) == (NotImplemented,)


NUMPY = {
    "sum": lambda x, axes: np.add.reduce(x, axis=axes, dtype=meaning.accumulator(x.dtype)),
    "prod": lambda x, axes: np.multiply.reduce(x, axis=axes, dtype=meaning.accumulator(x.dtype)),
    "count_nonzero": lambda x, axes: np.add.reduce(x != 0, axis=axes, dtype=np.int64),
    "any": lambda x, axes: np.logical_or.reduce(x, axis=axes),
    "all": lambda x, axes: np.logical_and.reduce(x, axis=axes),
    "amax": lambda x, axes: np.maximum.reduce(x, axis=axes),
    "amin": lambda x, axes: np.minimum.reduce(x, axis=axes),
}
# Short and long runs, few and many columns, several blocks of either, runs apart from one another.
FORMS = [(), (7,), (1000,), (40_000,), (40, 3), (300, 33), (20_000, 3), (70, 600), (3, 20_000), (2, 3, 4), (20, 16, 49)]


@compiled
@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"])
def test_every_dtype_agrees_with_numpy(family, name, dtype):
    module = extremes if name in ("amax", "amin") else reduce
    for shape in FORMS:
        x = np.asarray(np.random.default_rng(0).integers(0 if dtype in ("bool", "uint8") else -2, 3, shape)).astype(
            dtype
        )
        for axes in subsets(x.ndim):
            got = getattr(module, name)(x, axes)
            wanted = np.asarray(NUMPY[name](x, axes))
            assert got.dtype == (x.dtype if x.dtype.kind == "f" and name in ("sum", "prod") else wanted.dtype)
            np.testing.assert_array_equal(got, wanted.astype(got.dtype))


@compiled
@floats
@pytest.mark.parametrize("shape", FORMS[1:], ids=str)
def test_nan_is_left_out_or_found_first(family, shape, dtype):
    x = values(shape, dtype)
    x[np.abs(x) < 0.05] = np.nan
    for axes in subsets(x.ndim):
        agree(reduce.nansum(x, axes), np.asarray(np.nansum(x.astype(np.float64), axis=axes)).astype(dtype))
        np.testing.assert_array_equal(extremes.amax(x, axes, True), np.maximum.reduce(x, axis=axes, keepdims=True))
    for axis in range(x.ndim):
        np.testing.assert_array_equal(extremes.argmin(x, axis), x.argmin(axis))
        highest, places = extremes.max_dim(x, axis, True)
        np.testing.assert_array_equal(highest, x.max(axis, keepdims=True))
        np.testing.assert_array_equal(places, x.argmax(axis, keepdims=True))


@compiled
@floats
@pytest.mark.parametrize("shape", FORMS[1:], ids=str)
def test_logarithms_of_sums_of_exponentials(shape, dtype):
    x = values(shape, dtype) * 30
    wide = x.astype(np.float64)
    for axes in subsets(x.ndim):
        high = np.max(wide, axis=axes, keepdims=True)
        wanted = np.log(np.exp(wide - high).sum(axis=axes, keepdims=True)) + high
        agree(reduce.logsumexp(x, extremes.amax(x, axes), axes, True), np.asarray(wanted).astype(dtype))
    x = np.array([[-np.inf, -np.inf], [np.inf, 1], [np.nan, 1], [-np.inf, 2], [-1e5, 0]], dtype)
    got = reduce.logsumexp(x, extremes.amax(x, (1,)), (1,))
    np.testing.assert_array_equal(got, [-np.inf, np.inf, np.nan, 2, 0])


@compiled
@floats
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_results_are_the_same_for_any_number_of_threads(axes, dtype):
    x = values((1000, 1003), dtype)
    before, found = parallel.threads(), []
    try:
        for n in (1, 2, 3, 7):
            parallel.set_threads(n)
            results = [f(x, axes) for f in (reduce.sum, reduce.prod, reduce.std, reduce.nansum, extremes.amax)]
            found.append([r.tobytes() for r in results])
    finally:
        parallel.set_threads(before)
    assert all(results == found[0] for results in found)


@compiled
def test_axes_are_folded_in_the_order_of_memory():
    x = values((6, 7, 8, 5), np.float32)
    for order in itertools.permutations(range(4)):
        turned = x.transpose(order)
        for axes in subsets(4):
            for keepdims in (False, True):
                got = extremes.amin(turned, axes, keepdims)
                if got is not NotImplemented:
                    np.testing.assert_array_equal(got, np.minimum.reduce(turned, axis=axes, keepdims=keepdims))
        for axis in range(4):
            np.testing.assert_array_equal(extremes.argmax(turned, axis), turned.argmax(axis))


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("shape", [(7,), (9, 50), (300, 700), (3, 20, 6)], ids=str)
def test_running_kernels_agree_with_numpy(shape, dtype):
    random = np.random.default_rng(0)
    x = (random.standard_normal(shape) if dtype[0] == "f" else random.integers(0, 2, shape)).astype(dtype)
    result = x.dtype if dtype[0] == "f" else np.int64
    for axis in range(-1, x.ndim):
        for name, ufunc in (("cumsum", np.add), ("cumprod", np.multiply)):
            got = getattr(scan, name)(x, axis)
            assert got.dtype == result
            wanted = ufunc.accumulate(x, axis=axis, dtype=meaning.accumulator(x.dtype))
            np.testing.assert_allclose(got, wanted.astype(result), rtol=1e-6)
        got = np.flip(scan.cumsum(np.flip(x, axis), axis, True), axis)
        np.testing.assert_array_equal(got, scan.cumsum(x, axis))
        spoilt = np.where(random.random(shape) < 0.02, np.nan, x).astype(dtype) if dtype[0] == "f" else x
        for name, ufunc in (("cummax", np.maximum), ("cummin", np.minimum)):
            got, places = getattr(scan, name)(spoilt, axis)
            np.testing.assert_array_equal(got, ufunc.accumulate(spoilt, axis=axis))
            np.testing.assert_array_equal(np.take_along_axis(spoilt, places, axis), got)


@compiled
@floats
def test_running_logarithms_of_sums_of_exponentials(dtype):
    x = values((40, 30), dtype) * 50
    for axis in (0, 1):
        wanted = np.logaddexp.accumulate(x.astype(np.float64), axis=axis).astype(dtype)
        np.testing.assert_allclose(scan.logcumsumexp(x, axis), wanted, rtol=1e-6 if dtype == np.float32 else 1e-14)
    x = np.array([-np.inf, -np.inf, 2, -800, np.inf, 3, np.inf, np.nan, 1], dtype)
    wanted = [-np.inf, -np.inf, 2, 2, np.inf, np.inf, np.inf, np.nan, np.nan]
    np.testing.assert_array_equal(scan.logcumsumexp(x, 0), wanted)


@compiled
@floats
def test_spreading_undoes_a_sum(dtype):
    for shape in FORMS[1:]:
        x = values(shape, dtype)
        for axes in subsets(x.ndim):
            total = reduce.sum(x, axes)
            wanted = np.broadcast_to(reduce.sum(x, axes, True), shape)
            np.testing.assert_array_equal(reduce.spread(total, axes, shape), wanted)
            np.testing.assert_array_equal(reduce.spread(total, axes, rl_size(shape)), wanted)


class rl_size(tuple):
    """As torch.Size is: a tuple by another name."""


@compiled
def test_kernel_leaves_what_is_not_an_array_or_an_axis():
    x = np.ones((3, 4))
    assert reduce.sum([1.0], (0,), False) is NotImplemented
    assert reduce.sum(np.ma.masked_array(x), (0,), False) is NotImplemented
    assert reduce.sum(x, (2,), False) is NotImplemented
    assert reduce.sum(x, (-3,), False) is NotImplemented
    assert reduce.sum_to(x, [4]) is NotImplemented
    assert reduce.sum_to(x, (3,)) is NotImplemented
    assert reduce.sum_to(x, (1, 3, 4)) is NotImplemented


@compiled
@floats
def test_kernel_repeats_exactly_and_ignores_alignment(dtype):
    x = values((100_003,), dtype)
    shifted = np.empty(x.size + 1, dtype)[1:]
    shifted[:] = x
    first = reduce.sum(x, (0,), False)
    assert first == reduce.sum(shifted, (0,), False) == reduce.sum(x.copy(), (0,), False)


# ---- both against exact values ----


@both
@pytest.mark.parametrize("shape, axes", [((1_000_000, 2), (0,)), ((2, 1_000_000), (1,)), ((2_000_003,), (0,))])
@floats
def test_long_reductions_are_exact_to_2e_6(module, shape, axes, dtype):
    x = (100 + np.random.default_rng(1).random(shape)).astype(dtype)
    exact = x.astype(np.float64)
    columns = exact if axes == (1,) else exact.reshape(len(x), -1).T
    totals = np.array([math.fsum(c) for c in columns])
    means = totals / columns.shape[1]
    squares = np.array([math.fsum((c - m) ** 2) for c, m in zip(columns, means, strict=True)])
    expected = {
        "sum": totals,
        "mean": means,
        "square_sum": np.array([math.fsum(c * c) for c in columns]),
        "var": squares / (columns.shape[1] - 1),
    }
    tolerance = 1e-7 if dtype == np.float32 else 1e-11
    for name, value in expected.items():
        got = call(module, name, x, axes)[0]
        np.testing.assert_allclose(got.reshape(value.shape), value, rtol=tolerance)


@both
def test_twenty_million_ones_over_a_leading_axis(module):
    x = np.ones((5_000_000, 4), np.float32)
    assert module.sum(np.ones((20_000_000, 1), np.float32), (0,), False) == 20_000_000
    assert module.sum(x, (0,), False).tolist() == [5_000_000] * 4
    assert module.mean(x, (0, 1), False) == 1


@both
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrow_dtypes_are_accumulated_wide(module, dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    x = np.full((3000, 2), 1.25, dtype)
    x[::2] = 0.75
    if module is not meaning and x.dtype != np.float32:
        assert module.mean(x, (0,), False) is NotImplemented
        return
    for axes in [(0,), (1,), (0, 1), ()]:
        variance, mean = module.var_mean(x, axes, 0, False)
        assert variance.dtype == mean.dtype == module.sum(x, axes, False).dtype == x.dtype
    assert module.mean(x, (0, 1), False) == 1
    assert module.var(x, (0, 1), 0, False) == 0.0625
    assert module.sum(x, (0,), False).tolist() == [3000, 3000] or x.dtype.itemsize == 2
    assert module.square_sum(x[:2], (0, 1), False).astype(np.float64) == 4.25


@both
def test_cancelling_terms_leave_the_small_one(module):
    x = np.array([1e8, 1.0, -1e8, 0.5] * 16, np.float32)
    assert module.sum(x, (0,), False) == 24
    assert module.sum(x.reshape(16, 4), (0, 1), False) == 24
    np.testing.assert_array_equal(module.sum(x.reshape(64, 1).repeat(2, 1), (0,), False), [24, 24])


@both
def test_variance_of_equal_values_is_zero(module):
    x = np.full((1000, 3), 0.1, np.float32)
    for axes in [(0,), (1,), (0, 1)]:
        assert not module.var(x, axes, 1, False).any()


# ---- golden cases ----


@both
def test_small_cases(module):
    x = np.array([[1.0, 2, 3], [4, 5, 9]], np.float32)
    assert module.sum(x, (), False).tolist() == x.tolist()
    assert module.sum(x, (0,), False).tolist() == [5, 7, 12]
    assert module.sum(x, (0,), True).shape == (1, 3)
    assert module.sum(x, (0, 1), True).tolist() == [[24]]
    assert module.mean(x, (1,), False).tolist() == [2, 6]
    assert module.var(x, (1,), 1, False).tolist() == [1, 7]
    assert module.square_sum(x, (0, 1), False) == 136
    variance, mean = module.var_mean(x, (0, 1), 0, False)
    assert (variance, mean) == (np.float32(40 / 6), 4)
    assert variance.shape == mean.shape == ()


@both
def test_no_elements_and_no_degrees_of_freedom(module):
    empty = np.empty((2, 0), np.float32)
    assert module.sum(empty, (1,), False).tolist() == [0, 0]
    assert module.sum(empty, (0,), False).shape == (0,)
    assert np.isnan(module.mean(empty, (1,), False)).all()
    assert np.isnan(module.var(empty, (1,), -1, False)).all()
    x = np.array([1.0, 2, 4], np.float32)
    assert np.isnan(module.var(x[:1], (0,), 1, False))
    assert module.var(x[:1], (0,), 0, False) == 0
    assert module.var(x, (0,), 5, False) == np.inf


@both
@pytest.mark.parametrize("length", [1, 5, 8, 300])
def test_nan_and_infinity_pass_through(module, length):
    for special in (np.nan, np.inf, -np.inf):
        x = np.ones((length, 3), np.float32)
        x[-1, 1] = special
        for axes, place in [((0,), (1,)), ((1,), (length - 1,)), ((0, 1), ())]:
            np.testing.assert_equal(module.sum(x, axes, False)[place], np.float32(special))
            np.testing.assert_equal(module.mean(x, axes, False)[place], np.float32(special))
            assert np.isnan(module.var(x, axes, 0, False)[place])
        assert module.sum(x, (0,), False)[0] == length


@both
def test_float32_sums_beyond_its_range(module):
    x = np.full(64, 3e38, np.float32)
    assert module.sum(x, (0,), False) == np.inf
    assert module.mean(x, (0,), False) == np.float32(3e38)


def test_integers_booleans_and_complex_numbers():
    assert meaning.sum(np.array([True, True, False]), (0,), False).dtype == np.int64
    assert meaning.sum(np.full((4, 3), 200, np.uint8), (0,), False).tolist() == [800] * 3
    z = np.array([1 + 2j, 3 - 1j, 0], np.complex64)
    variance, mean = meaning.var_mean(z, (0,), 1, False)
    assert (variance.dtype, mean.dtype) == (np.float32, np.complex64)
    np.testing.assert_allclose(variance, 14 / 3, rtol=1e-7)
    np.testing.assert_allclose(mean, (4 + 1j) / 3, rtol=1e-7)
    assert meaning.square_sum(z, (0,), False) == 15
    assert z.tolist() == [1 + 2j, 3 - 1j, 0]


# ---- undoing a broadcast ----


@both
@floats
@pytest.mark.parametrize(
    "wide, shape",
    [
        ((32, 64), (64,)),
        ((8,), ()),
        ((32, 1), (1,)),
        ((32, 1), (1, 1)),
        ((32, 64), (32, 1)),
        ((5, 4, 3), (4, 1)),
        ((2, 3, 4, 5), (3, 1, 5)),
        ((2, 3, 4, 5), (1, 3, 1, 1)),
        ((2, 3, 2, 3, 2), (1, 3, 1, 3, 1)),
        ((0, 3), (3,)),
        ((3, 0), (3, 1)),
    ],
)
def test_sum_to(module, wide, shape, dtype):
    g = values(wide, dtype)
    got = module.sum_to(g, shape)
    lead = g.ndim - len(shape)
    axes = (*range(lead), *(lead + k for k, size in enumerate(shape) if size == 1))
    if got is NotImplemented:
        assert groups(g, axes) > 4
        return
    agree(got, np.asarray(np.sum(g, axes, dtype=np.float64).astype(dtype)).reshape(shape))


@both
def test_sum_to_its_own_shape_is_itself(module):
    for g in (np.ones((2, 3), np.float32), np.ones((2, 3), np.float16).T, np.array(1.0)):
        assert module.sum_to(g, g.shape) is g


@both
def test_sum_to_takes_a_subclass_of_tuple(module):
    class Size(tuple):
        pass

    assert module.sum_to(np.ones((3, 2)), Size((2,))).tolist() == [3, 3]


@pytest.mark.parity
@both
@floats
@pytest.mark.parametrize("correction", [0, 1, 2.5, -1])
def test_variance_is_torch_s(module, dtype, correction):
    torch = pytest.importorskip("torch")
    x = values((3, 6, 4), dtype)
    for axes in [(0,), (1,), (2,), (0, 2), (0, 1, 2)]:
        expected = torch.var_mean(torch.from_numpy(x), dim=axes, correction=correction)
        for ours, theirs in zip(module.var_mean(x, axes, correction, False), expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-6)
