"""Compiled copies against NumPy's: every pair of dtypes, every order of memory, joined, cut, counted."""

import itertools

import numpy as np
import pytest

import rushlight as rl
from rushlight.kernels import load

copying, ranges = load("copying"), load("ranges")
pytestmark = pytest.mark.skipif(copying is None or ranges is None, reason="kernels are off")

DTYPES = [np.dtype(t) for t in ("?", "i1", "u1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16")]
SHAPES = [(3, 4, 5), (50, 60), (7,), (), (0, 3), (40, 50, 3), (300, 301)]


def numbers(dtype, n=2000, seed=0):
    random = np.random.default_rng(seed)
    if dtype.kind == "b":
        return random.random(n) < 0.5
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return random.integers(limits.min, limits.max, n, dtype, endpoint=True)
    if dtype.kind == "c":
        return (random.normal(size=n) + 1j * random.normal(size=n)).astype(dtype)
    # Up to the limits of float16, down to where it loses digits.
    x = random.normal(size=n) * 10.0 ** random.integers(-9, 4, n)
    return np.concatenate([x, [0, -0.0, 65504, 65519, 6e-8, 3e-8, 2.98e-8, 6.1e-5]]).astype(dtype)


def test_there_are_loops_for_all_conversions_but_these():
    without = [
        (a, b) for a, b in itertools.product(DTYPES, DTYPES) if copying.cast(np.zeros(2, a), dtype=b) is NotImplemented
    ]
    assert all(a.kind == "c" != b.kind for a, b in without)
    assert len(without) == 18


@pytest.mark.parametrize("source", DTYPES, ids=str)
@pytest.mark.parametrize("target", DTYPES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_conversions_are_numpys(source, target):
    x = numbers(source)
    if source.kind == "f" and target.kind in "iu":
        x = x[np.abs(x) < 2**31]
    for y in (x, x[::2], x[::-1], x[:1000].reshape(10, 100).T, x[:1].reshape(()), x[:0]):
        got = copying.cast(y, dtype=target)
        if got is NotImplemented:
            continue
        # As PyTorch has it, a float64 becomes a float16 by way of float32.
        want = y.astype("f4").astype(target) if target == np.float16 and source.kind != "c" else y.astype(target)
        assert got.dtype == want.dtype
        assert got.strides == want.strides
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_conjugates_of_gradients_are_what_the_operation_means(dtype):
    x = np.zeros((30, 40), dtype)
    x.real, x.imag = np.random.default_rng(0).normal(size=(2, 30, 40))
    x[0, :4] = complex(-0.0, 0.0), complex(0.0, -0.0), complex(1, np.inf), complex(2, np.nan)
    for y in (x, x.T, x[:, ::2], x[0, 0]):
        y = np.asarray(y)
        got, want = copying.conj_gradient(y), rl.ops.copying.conj_gradient.forward(y)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
        for a, b in ((got.real, want.real), (got.imag, want.imag)):
            np.testing.assert_array_equal(np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b))


def test_special_values_of_halves():
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    np.testing.assert_array_equal(copying.cast(every, dtype=np.dtype("f4")), every.astype("f4"))
    special = np.array([np.inf, -np.inf, np.nan, 65520, -1e9, 1e-30], "f4")
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(copying.cast(special, dtype=np.dtype("f2")), special.astype("f2"))


@pytest.mark.parametrize("name", ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_bfloat16_there_and_back(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    brain = np.dtype(ml_dtypes.bfloat16)
    x = numbers(np.dtype(name))
    x = x[:1000] % 100
    there = copying.cast(x, dtype=brain)
    np.testing.assert_array_equal(there.astype("f4"), x.astype("f4").astype(brain).astype("f4"))
    np.testing.assert_array_equal(copying.cast(there, dtype=x.dtype), there.astype(x.dtype))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_copies_of_any_order_of_memory(shape):
    x = np.asarray(np.random.default_rng(0).normal(size=shape), "f4")
    for order in itertools.permutations(range(len(shape))):
        for signs in itertools.product((1, -1), repeat=len(shape)):
            view = x.transpose(order)[(..., *[slice(None, None, s) for s in signs])]
            for kept in "CK":
                got, want = copying.clone(view, order=kept), np.array(view, order=kept)
                assert got.strides == want.strides
                np.testing.assert_array_equal(got, want)
            for target in (np.zeros(view.shape, "f4"), np.zeros(view.shape[::-1], "f8").T):
                assert copying.write(target, view)
                np.testing.assert_array_equal(target, view)


def test_writes_broadcast_and_decline_what_overlaps():
    target, row = np.zeros((30, 40)), np.arange(40)
    assert copying.write(target, row)
    np.testing.assert_array_equal(target, np.broadcast_to(row, (30, 40)))
    assert copying.write(target[:, ::2], np.array(2.0))
    assert (target[:, ::2] == 2).all() and (target[:, 1::2] == row[1::2]).all()
    assert not copying.write(target[1:], target[:-1])
    assert not copying.write(target, np.zeros(3))
    assert not copying.write(np.broadcast_to(np.zeros(1), 3), np.ones(3))


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3), (2, 4, 5), (0, 3), (3, 0), (400, 500)], ids=str)
@pytest.mark.parametrize("diagonal", [-9, -1, 0, 2, 2**40])
def test_triangles(shape, diagonal):
    x = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_array_equal(copying.triangle(x, diagonal=diagonal, upper=False), np.tril(x, diagonal))
    np.testing.assert_array_equal(copying.triangle(x, diagonal=diagonal, upper=True), np.triu(x, diagonal))


@pytest.mark.parametrize("rows, columns", [(3, 3), (2, 5), (5, 2), (0, 3), (3, 0)])
@pytest.mark.parametrize("offset", [-7, -1, 0, 1, 7])
def test_indices_of_triangles(rows, columns, offset):
    lower = copying.triangle_indices(rows, columns, offset, False)
    np.testing.assert_array_equal(lower, np.tril_indices(rows, offset, columns))
    np.testing.assert_array_equal(
        copying.triangle_indices(rows, columns, offset, True), np.triu_indices(rows, offset, columns)
    )


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (300, 7, 9), (3, 40, 500)], ids=str)
def test_joining(shape):
    random = np.random.default_rng(0)
    for dim in range(len(shape)):
        parts = [random.normal(size=(*shape[:dim], n, *shape[dim + 1 :])) for n in (1, 0, 5, 2)]
        sizes = (1, 0, 5, 2)
        np.testing.assert_array_equal(copying.cat(*parts, dim=dim, sizes=sizes), np.concatenate(parts, dim))
        across = [np.asfortranarray(part) for part in parts]
        np.testing.assert_array_equal(copying.cat(*across, dim=dim, sizes=sizes), np.concatenate(parts, dim))
    parts = [random.normal(size=shape) for _ in range(3)]
    for dim in range(len(shape) + 1):
        np.testing.assert_array_equal(copying.stack(*parts, dim=dim), np.stack(parts, dim))
    assert copying.stack(parts[0], parts[1][1:], dim=0) is NotImplemented
    assert copying.stack(parts[0], parts[1].astype("f4"), dim=0) is NotImplemented


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_counting(dtype):
    n = 100_003
    out = np.empty(n, dtype)
    assert ranges.counted(out, 0.5, 0.3)
    np.testing.assert_array_equal(out, (np.arange(n) * 0.3 + 0.5).astype(dtype))
    first, last, step = [out.dtype.type(v) for v in (-1, 3, 4 / (n - 1))]
    assert ranges.spaced(out, first, last, step)
    counts = np.arange(n).astype(dtype)
    np.testing.assert_array_equal(out[: n // 2], first + step * counts[: n // 2])
    np.testing.assert_array_equal(out[n // 2 :], last - step * counts[: n - n // 2][::-1])
    assert not ranges.counted(np.empty(3, np.int64), 0.0, 1.0)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_adding_where_entries_meet(dtype):
    x = np.random.default_rng(0).integers(-9, 9, (50, 7)).astype(dtype)
    total = np.zeros(200, dtype)
    assert copying.add_over(np.lib.stride_tricks.as_strided(total, (50, 7), (3 * total.itemsize, total.itemsize)), x)
    want = np.zeros(200, dtype)
    np.add.at(want, np.arange(50)[:, None] * 3 + np.arange(7), x)
    np.testing.assert_array_equal(total, want)
    assert not copying.add_over(np.zeros(3, np.int64), np.ones(3, np.int64))


@pytest.mark.parity
def test_float64_to_half_is_pytorchs():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=100_000)
    np.testing.assert_array_equal(rl.from_numpy(x).half().numpy(), torch.from_numpy(x).half().numpy())


def test_numbers_written_in_place():
    x = rl.zeros(3, 4)
    x.fill_(2)
    x[:, ::2].fill_(rl.tensor(7))
    assert x.tolist() == [[7, 2, 7, 2]] * 3
    assert rl.arange(2).fill_(2.7).tolist() == [2, 2]
    assert rl.ones(2, dtype=rl.complex64).fill_(3).tolist() == [3, 3]
    assert x._version == 2
    assert x.t().zero_().sum() == 0
