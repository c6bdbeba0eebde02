"""Arrays that lie oddly in memory, are empty, too large or out of range: the same values as ever, or a refusal."""

import importlib
import pkgutil

import numpy as np
import pytest

import rushlight as rl
from rushlight import ops
from rushlight.kernels import load
from rushlight.ops.declare import REGISTRY

from . import layouts

conv = load("conv")

for _module in pkgutil.iter_modules(ops.__path__):
    importlib.import_module(f"rushlight.ops.{_module.name}")

F = rl.nn.functional
HUGE = 2**40


@pytest.fixture(autouse=True)
def quiet_arithmetic():
    """Of the values nothing is asked here but that they are the same."""
    with np.errstate(all="ignore"):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("how", layouts.LAYOUTS, ids=lambda how: how.__name__)
def test_values_do_not_depend_on_how_arrays_lie(how, dtype, tolerance):
    unlike = []
    for case in layouts.cases(dtype):
        odd = case.laid(how)
        got = odd.run()
        if REGISTRY[case.row.op].is_view and isinstance(got, Exception):
            # A view that the strides have no room for.
            continue
        if found := layouts.unlike(got, odd.laid(layouts.contiguous).run(), tolerance):
            unlike.append(f"{case.row}: {found}")
    assert unlike == []


@pytest.mark.filterwarnings("ignore")
def test_empty_arrays_mean_the_same_with_kernels():
    unlike = []
    for case in layouts.emptied():
        got, want = case.run(), case.without_kernels()
        # A kernel may have an answer of no elements where NumPy refuses.
        if (
            isinstance(want, Exception)
            and not isinstance(got, Exception)
            and not any(a.size for a in got if a is not None)
        ):
            continue
        if found := layouts.unlike(got, want, 1e-9):
            unlike.append(f"{case.row}: {found}")
    assert unlike == []


@pytest.mark.filterwarnings("ignore")
def test_integers_that_are_out_of_range_reach_no_other_memory():
    unlike = []
    for case in layouts.astray():
        got, want = case.run(), case.without_kernels()
        if isinstance(got, Exception) or isinstance(want, Exception):
            continue
        if found := layouts.unlike(got, want, 1e-9):
            unlike.append(f"{case.row}: {found}")
    assert unlike == []


@pytest.mark.filterwarnings("ignore")
def test_kernels_decline_sizes_that_contradict_each_other():
    unlike = []
    for case in layouts.contradicting():
        got = case.run()
        if isinstance(got, Exception):
            continue
        want = case.without_kernels()
        if found := layouts.unlike(got, want, 1e-9):
            unlike.append(f"{case.row} {[x.shape for x in layouts.arrays_of(case)]}: {found}")
    assert unlike == []


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 4, 3)])
def test_lapack_is_given_square_matrices_only(shape):
    pytest.importorskip("scipy", reason="without our own loops SciPy's LAPACK is called")
    with pytest.raises(RuntimeError, match=r"batches of square matrices, but they are \d by \d matrices"):
        ops.ldl.ldl_factor.forward(np.ones(shape))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32"])
def test_the_extremes_of_a_dtype_come_to_an_end(dtype):
    unlike = []
    for case in layouts.extreme(dtype):
        got, want = case.run(), case.without_kernels()
        if isinstance(got, Exception) or isinstance(want, Exception):
            continue
        # In which order sums leave the floats is not asked.
        for a, b in zip(got, want, strict=True):
            if a is not None and b is not None and (a.shape, a.dtype) != (b.shape, b.dtype):
                unlike.append(f"{case.row}: {a.dtype}{a.shape} and {b.dtype}{b.shape}")
    assert unlike == []


def windows(**changed):
    given = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    return {**given, **changed}


X, W = np.ones((2, 4, 5, 6)), np.ones((8, 4, 3, 3))
DECLINED = {
    "no samples": lambda: conv.convolution(X[:0], W, None, **windows()),
    "no weight": lambda: conv.convolution(X, W[:0], None, **windows()),
    "other channels": lambda: conv.convolution(X, W[:, :3], None, **windows()),
    "other groups": lambda: conv.convolution(X, W, None, **windows(groups=3)),
    "no groups": lambda: conv.convolution(X, W, None, **windows(groups=0)),
    "a short bias": lambda: conv.convolution(X, W, np.ones(7), **windows()),
    "padding in vast numbers": lambda: conv.convolution(X, W, None, **windows(padding=(2**32, 1), dilation=(2**32, 1))),
    "places beyond count": lambda: conv.convolution(X, W, None, **windows(padding=(2**31 - 8, 2**31 - 8))),
    "backwards": lambda: conv.convolution(X, W, None, **windows(dilation=(-1, 1))),
    "no places": lambda: conv.convolution(X, W, None, **windows(), size=(0, 3)),
    "transposed, other channels": lambda: conv.convolution_transpose(X, W, None, size=(7, 8), **windows()),
    "of a weight, no samples": lambda: conv.convolution_weight(X[:0], X[:0], kernel=(3, 3), **windows()),
    "of a weight, other samples": lambda: conv.convolution_weight(X, X[:1], kernel=(1, 1), **windows()),
    "of a weight, other groups": lambda: conv.convolution_weight(X, X[:, :3], kernel=(1, 1), **windows(groups=2)),
    "of a weight without places": lambda: conv.convolution_weight(X, X, kernel=(0, 1), **windows()),
}


@pytest.mark.skipif(conv is None, reason="the kernels are not compiled here")
@pytest.mark.parametrize("call", DECLINED.values(), ids=DECLINED)
def test_convolutions_without_sense_are_declined(call):
    assert call() is NotImplemented


WRITES = {
    "index_add_": lambda x, i: x.index_add_(0, i, rl.ones(3, 4)),
    "index_copy_": lambda x, i: x.index_copy_(0, i, rl.ones(3, 4)),
    "index_fill_": lambda x, i: x.index_fill_(0, i, 5.0),
    "scatter_": lambda x, i: x.scatter_(0, i.unsqueeze(1), rl.ones(3, 1)),
    "scatter_add_": lambda x, i: x.scatter_add_(0, i.unsqueeze(1), rl.ones(3, 1)),
    "scatter_reduce_": lambda x, i: x.scatter_reduce_(0, i.unsqueeze(1), rl.ones(3, 1), "amax"),
    "put_": lambda x, i: x[:, 0].put_(i, rl.ones(3)),
    "setitem": lambda x, i: x.__setitem__(i, 5.0),
    "index_put_": lambda x, i: x.index_put_((i,), rl.tensor(5.0), accumulate=True),
}


@pytest.mark.parametrize("wrong", [3, -4, 2**40, -(2**62)])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_an_index_out_of_range_writes_nothing(write, wrong):
    x = rl.zeros(3, 4)
    version = x._version
    with pytest.raises((IndexError, RuntimeError), match=r"out of (range|bounds)"):
        write(x, rl.tensor([0, 1, wrong]))
    assert not x.any()
    assert x._version == version


READS = {
    "gather": lambda i: rl.zeros(3, 4).gather(0, i.unsqueeze(1)),
    "take": lambda i: rl.zeros(3).take(i),
    "index_select": lambda i: rl.zeros(3, 4).index_select(0, i),
    "index": lambda i: rl.zeros(3, 4)[i],
    "embedding": lambda i: F.embedding(i, rl.zeros(3, 4)),
    "embedding_bag": lambda i: F.embedding_bag(i.unsqueeze(0), rl.zeros(3, 4)),
    "cross_entropy": lambda i: F.cross_entropy(rl.zeros(3, 3), i),
    "nll_loss": lambda i: F.nll_loss(rl.zeros(3, 3), i),
    "multi_margin_loss": lambda i: F.multi_margin_loss(rl.zeros(3, 3), i),
    "one_hot": lambda i: F.one_hot(i, 3),
    "lu_solve": lambda i: rl.linalg.lu_solve(rl.eye(3), i.int() + 1, rl.ones(3, 1)),
    "lu_unpack": lambda i: rl.lu_unpack(rl.eye(3), i.int() + 1),
}


@pytest.mark.parametrize("wrong", [3, -4, 2**30])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_an_index_out_of_range_reads_nothing(read, wrong):
    with pytest.raises((IndexError, RuntimeError)):
        read(rl.tensor([0, 1, wrong]))


TOO_LARGE = {
    "empty": lambda: rl.empty(2**62),
    "a product": lambda: rl.empty(2**31, 2**31, 8),
    "beyond int64": lambda: rl.empty(2**63),
    "4 TB": lambda: rl.zeros(10**6, 10**6),
    "randn": lambda: rl.randn(HUGE),
    "linspace": lambda: rl.linspace(0, 1, 2**45),
    "expand": lambda: rl.zeros(1).expand(HUGE) + 1,
    "clone": lambda: rl.zeros(1).expand(HUGE).clone(),
    "repeat": lambda: rl.zeros(1).repeat(2**62),
    "repeat_interleave": lambda: rl.zeros(2).repeat_interleave(2**62),
    "resize": lambda: rl.zeros(1).resize_(2**62),
    "pad": lambda: F.pad(rl.zeros(1), (2**62, 2**62)),
    "one_hot": lambda: F.one_hot(rl.tensor([1]), 2**62),
    "bincount": lambda: rl.bincount(rl.tensor([2**62])),
    "outer": lambda: rl.outer(rl.zeros(1).expand(HUGE), rl.zeros(1).expand(HUGE)),
    "conv": lambda: F.conv2d(rl.zeros(1, 1, 3, 3), rl.zeros(1, 1, 1, 1), padding=HUGE),
    "transposed conv": lambda: F.conv_transpose1d(rl.zeros(1, 1, 3), rl.zeros(1, 1, 3), stride=2**62),
    "interpolate": lambda: F.interpolate(rl.zeros(1, 1, 2), size=2**60),
    "pooling": lambda: F.adaptive_avg_pool2d(rl.zeros(1, 1, 3, 3), 2**62),
    "fft": lambda: rl.fft.fft(rl.zeros(3), n=2**62),
    "as_strided": lambda: rl.zeros(3).as_strided((2**62, 2), (2**62, 1)),
    "one place too far": lambda: rl.zeros(3).as_strided((2,), (1,), 2),
    "before the first": lambda: rl.zeros(3).as_strided((2,), (1,), -1),
    "backwards": lambda: rl.zeros(3).as_strided((2,), (-1,)),
    "unfold": lambda: rl.zeros(3).unfold(0, 2**62, 1),
    "frombuffer": lambda: rl.frombuffer(bytearray(4), dtype=rl.float32, count=2**62),
}


@pytest.mark.parametrize("make", TOO_LARGE.values(), ids=TOO_LARGE)
def test_sizes_that_cannot_be_are_refused(make):
    with pytest.raises((ValueError, RuntimeError, MemoryError)):
        make()


def test_what_has_no_entries_unbinds_into_nothing():
    x = rl.zeros(3, 0, requires_grad=True)
    assert x.unbind(1) == ()
    assert list(rl.zeros(0, requires_grad=True)) == []


def test_what_has_no_entries_has_a_gradient_without_any():
    for shape, dim in [((0, 3, 4), 1), ((2, 3, 0), 1), ((2, 0, 4), (0, 2))]:
        x = rl.zeros(*shape, requires_grad=True)
        x.mean(dim).sum().backward()
        assert x.grad.shape == shape


def test_other_byte_orders_are_refused():
    with pytest.raises(ValueError, match="byte order"):
        rl.from_numpy(np.zeros(3, np.dtype("float32").newbyteorder()))


@pytest.mark.parametrize("source", [rl.float32, rl.float64, rl.bfloat16, rl.float16], ids=str)
@pytest.mark.parametrize("target, least", [(rl.int64, -(2**63)), (rl.int32, -(2**31))], ids=str)
def test_floats_that_no_integer_holds_become_the_least(source, target, least):
    x = rl.tensor([float("nan"), float("inf"), -float("inf"), 3e38, -3e38, -5.5, 7.0] * 9, dtype=source)
    for y in (x.to(target), x[::2].clone().to(target), x.flip(0).to(target).flip(0)):
        assert set(y.tolist()) == {least, -5, 7}
