"""The array API standard: names, signatures and results beside array-api-strict, which holds to the standard to the letter."""

import inspect
import math
import subprocess
import sys

import numpy as np
import pytest

import rushlight as rl
from rushlight import array_api as ours

strict = pytest.importorskip("array_api_strict")

EXTENSIONS = {"": (strict, ours), "linalg.": (strict.linalg, ours.linalg), "fft.": (strict.fft, ours.fft)}
# What rushlight has no dtype for, and what is array-api-strict's own.
ABSENT = {"uint16", "uint32", "uint64", "Device", "ArrayAPIStrictFlags", "__version__"}
FUNCTIONS = sorted(
    prefix + name
    for prefix, (theirs, _) in EXTENSIONS.items()
    for name in theirs.__all__
    if name not in ABSENT and "strict_flags" not in name and callable(getattr(theirs, name))
    if not inspect.isclass(getattr(theirs, name)) and not hasattr(getattr(theirs, name), "_np_dtype")
)
DTYPES = ("bool", "int8", "uint8", "int64", "float32", "float64", "complex64", "complex128")


def named(space, name):
    for part in name.split("."):
        space = getattr(space, part)
    return space


def is_array(x):
    return hasattr(x, "__array_namespace__")


@pytest.mark.parametrize("prefix", EXTENSIONS)
def test_every_name_of_the_standard_is_there(prefix):
    theirs, mine = EXTENSIONS[prefix]
    missing = {n for n in theirs.__all__ if not hasattr(mine, n) and "strict_flags" not in n}
    assert missing - ABSENT == set()
    assert set(mine.__all__) <= set(theirs.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters_are_those_of_the_standard(name):
    theirs, mine = [list(inspect.signature(named(s, name)).parameters.values()) for s in (strict, ours)]
    # Defaults that say "nothing" are spelled in several ways.
    assert [(p.name, p.kind) for p in mine] == [(p.name, p.kind) for p in theirs]
    for p, q in zip(mine, theirs):
        # That of expand_dims comes and goes with the versions.
        if "Undef" not in repr(q.default) and q.default is not q.empty:
            assert p.default == q.default, p.name


# -- results
def array(shape, dtype, seed=0, low=-4, high=5):
    draw = np.random.RandomState(seed)
    if dtype == "bool":
        return np.asarray(draw.uniform(size=shape) < 0.5)
    if "int" in dtype:
        return np.asarray(draw.randint(max(low, 0) if dtype[0] == "u" else low, high, shape), dtype)
    real = draw.uniform(low, high, shape)
    return np.asarray(real + 1j * draw.uniform(low, high, shape) if "complex" in dtype else real, dtype)


def results(found):
    if is_array(found):
        return [found]
    return [r for r in found] if isinstance(found, (tuple, list)) else [found]


def compare(name, *args, **kwargs):
    """Call both; False where the standard, as array-api-strict has it, does not allow these dtypes."""

    def called(space, take):
        def of(v):
            if isinstance(v, np.dtype):
                return getattr(space, v.name)
            if isinstance(v, np.ndarray):
                return take(v)
            return type(v)(map(of, v)) if isinstance(v, (tuple, list)) and type(v) in (tuple, list) else v

        return named(space, name)(*map(of, args), **{k: of(v) for k, v in kwargs.items()})

    try:
        theirs = results(called(strict, strict.asarray))
    except TypeError:
        return False
    mine = results(called(ours, lambda a: rl.tensor(a)))
    assert len(mine) == len(theirs)
    for x, y in zip(mine, theirs):
        if not is_array(y):
            assert x == y or str(x).rpartition(".")[2] == str(y).rpartition(".")[2], (x, y)
            continue
        assert type(x) is rl.Tensor
        assert (str(x.dtype).rpartition(".")[2], tuple(x.shape)) == (str(y.dtype).rpartition(".")[2], tuple(y.shape)), (
            args
        )
        y = np.asarray(y)
        np.testing.assert_allclose(
            x.numpy(), y, rtol=1e-9 if y.dtype.itemsize > 8 or y.dtype == "f8" else 2e-5, atol=1e-5
        )
    return True


ELEMENTWISE = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "conj", "cos", "cosh", "exp",
    "expm1", "floor", "imag", "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10", "logical_not", "negative",
    "positive", "real", "reciprocal", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
]  # fmt: skip
BINARY = [
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign",
    "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal", "logaddexp",
    "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow",
    "remainder", "subtract",
]  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_one_array(name):
    assert any([compare(name, array((3, 4), dtype)) for dtype in DTYPES])
    assert any([compare(name, array((), dtype)) for dtype in DTYPES])


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_functions_of_two_arrays(name):
    ordered = name.startswith(("less", "greater", "max", "min"))
    done = []
    for one in DTYPES:
        x = array((2, 3), one, 0, 1)
        for two in DTYPES:
            # An array without dimensions counts like others.
            done += [compare(name, x, array(shape, two, 1, 1)) for shape in ((3,), ())]
            done.append(compare(name, array((), one, 1, 1), x.astype(two)))
        # Of complex numbers the standard says no order.
        for number in (True, 2, 1.5) if ordered else (True, 2, 1.5, 2 + 1j):
            done += [compare(name, x, number), compare(name, number, x)]
    assert any(done)


F, I = np.dtype("float64"), np.dtype("int32")
X = array((2, 3, 4), "float64")
S = array((3, 3), "float64", 3)
P = S @ S.T + 3 * np.eye(3)
Z = array((4,), "complex128")
N = np.array([[3, 1, 2], [1, 3, 3]])
CASES = [
    ("arange", 5),
    ("arange", 1, 2.5, 0.5, {"dtype": F}),
    ("arange", 3, 1),
    ("arange", 5, 0, -2, {"dtype": I}),
    ("arange", 0, 2.5, 1, {"dtype": np.dtype("int64")}),
    ("asarray", [1, 2], {"dtype": F}),
    ("asarray", X, {"copy": True}),
    ("empty", (0, 2), {"dtype": F}),
    ("empty_like", X[:0]),
    ("eye", 3, {"dtype": F}),
    ("eye", 2, 4, {"k": 1, "dtype": I}),
    ("eye", 3, 2, {"k": -1, "dtype": F}),
    ("full", (2,), 3),
    ("full", 2, True),
    ("full", (2,), 1, {"dtype": F}),
    ("full_like", X, 2),
    ("full_like", X, 2, {"dtype": I}),
    ("linspace", 0, 1, 5, {"dtype": F}),
    ("linspace", 0, 1, 5, {"dtype": F, "endpoint": False}),
    ("linspace", 1, 2, 0, {"dtype": F}),
    ("meshgrid",),
    ("meshgrid", X[0, 0], X[0, 0, :2]),
    ("meshgrid", X[0, 0], X[0, 0, :2], {"indexing": "ij"}),
    ("ones", 3, {"dtype": F}),
    ("ones_like", X, {"dtype": I}),
    ("zeros", (2, 2), {"dtype": F}),
    ("zeros_like", N),
    ("tril", X),
    ("triu", X, {"k": 1}),
    ("astype", X, I),
    ("astype", X, F, {"copy": False}),
    ("can_cast", I, F),
    ("can_cast", F, I),
    ("can_cast", N, F),
    ("isdtype", F, "real floating"),
    ("isdtype", I, ("bool", "integral")),
    ("isdtype", I, F),
    ("isdtype", F, "numeric"),
    ("isdtype", np.dtype("bool"), "numeric"),
    ("result_type", I, np.dtype("int64")),
    ("result_type", np.float32(1) * np.ones(2, "f4"), F),
    ("result_type", np.ones(2, "f4"), 1),
    ("matmul", X, X.swapaxes(1, 2)),
    ("matmul", S, S[0]),
    ("matrix_transpose", X),
    ("tensordot", X, X, {"axes": 3}),
    ("tensordot", X, X, {"axes": ([0, 1], [0, 1])}),
    ("vecdot", Z, Z),
    ("vecdot", X, X[:1], {"axis": -2}),
    ("broadcast_arrays", X, X[0, 0]),
    ("broadcast_shapes", (2, 1), (3,)),
    ("broadcast_to", X[0], (2, 3, 4)),
    ("concat", [X, X], {"axis": 1}),
    ("concat", [X, X[0].astype("f4")], {"axis": None}),
    ("expand_dims", X, {"axis": -2}),
    ("flip", X),
    ("flip", X, {"axis": -1}),
    ("flip", X, {"axis": (0, 1)}),
    ("moveaxis", X, 0, -1),
    ("moveaxis", X, (0, 1), (2, 0)),
    ("permute_dims", X, (2, 0, 1)),
    ("repeat", X, 2),
    ("repeat", X, np.array([1, 2, 0]), {"axis": 1}),
    ("reshape", X, (4, -1)),
    ("reshape", X, (24,), {"copy": True}),
    ("roll", X, 2),
    ("roll", X, (1, -1), {"axis": (0, 2)}),
    ("roll", X, 1, {"axis": 1}),
    ("roll", X, 1, {"axis": ()}),
    ("squeeze", X[:1], 0),
    ("squeeze", X[:1, :1], (0, 1)),
    ("stack", [X, X], {"axis": -1}),
    ("tile", X, (2, 1)),
    ("unstack", X, {"axis": 1}),
    ("take", X, np.array([2, 0]), {"axis": 1}),
    ("take", X[0, 0], np.array([-1, 1])),
    ("take_along_axis", X, N[:, :, None] % 3),
    ("argmax", X),
    ("argmax", X, {"axis": 1, "keepdims": True}),
    ("argmin", X, {"keepdims": True}),
    ("count_nonzero", N, {"axis": 0}),
    ("cumulative_sum", X, {"axis": 1}),
    ("cumulative_sum", X[0, 0], {"include_initial": True}),
    ("cumulative_prod", N, {"axis": -1}),
    ("cumulative_prod", X, {"axis": 0, "include_initial": True}),
    ("diff", X),
    ("diff", X, {"n": 2, "axis": 1, "prepend": X[:, :1]}),
    *[
        (name, X, {"axis": axis, "keepdims": keep})
        for name in ("all", "any", "max", "min", "mean", "sum", "prod", "std", "var")
        for axis, keep in ((None, False), (1, True), ((0, -1), False), (None, True))
    ],
    *[(name, X, {"axis": ()}) for name in ("all", "any", "max", "min", "mean", "sum", "prod", "std", "var")],
    *[(name, np.ones((2, 0), "f8"), {"axis": 1}) for name in ("sum", "prod", "all", "any")],
    *[(name, array((), "float64")) for name in ("sum", "prod", "max", "mean", "all")],
    *[(name, array((2, 3), dtype)) for name in ("sum", "prod") for dtype in ("int8", "float32", "complex64")],
    ("sum", X, {"dtype": np.dtype("float32")}),
    ("std", X, {"correction": 1}),
    ("var", X, {"axis": 2, "correction": 1.0}),
    ("argsort", X, {"axis": 0}),
    ("argsort", N, {"descending": True}),
    ("sort", X, {"axis": 1, "descending": True}),
    ("isin", N, np.array([1, 7])),
    ("nonzero", N),
    ("searchsorted", np.arange(4.0), X[0]),
    ("searchsorted", np.arange(4.0), np.array([1.0, 2.0]), {"side": "right"}),
    ("unique_all", N),
    ("unique_counts", N),
    ("unique_inverse", N),
    ("unique_values", np.array([2.0, np.nan, 2.0, np.nan])),
    ("clip", X, -1, 1),
    ("clip", X, {"max": X[0]}),
    ("clip", N, N[0] - 1, 2),
    ("clip", N.astype("u1"), -1, 300),
    ("clip", X),
    ("where", X > 0, X, 0),
    ("where", X > 0, X[0].astype("f4"), X),
    ("linalg.cholesky", P),
    ("linalg.cholesky", P, {"upper": True}),
    ("linalg.cross", S, S + 1),
    ("linalg.cross", S, P, {"axis": -2}),
    ("linalg.cross", S, S[0]),
    ("linalg.det", S),
    ("linalg.diagonal", X, {"offset": 1}),
    ("linalg.eigvalsh", P),
    ("linalg.inv", S),
    ("linalg.matrix_norm", X),
    ("linalg.matrix_norm", X, {"ord": "nuc", "keepdims": True}),
    ("linalg.matrix_norm", X, {"ord": -math.inf}),
    ("linalg.matrix_power", S, -2),
    ("linalg.matrix_rank", S),
    ("linalg.matrix_rank", np.outer(S[0], S[0])),
    ("linalg.outer", S[0], S[1]),
    ("linalg.pinv", X),
    ("linalg.slogdet", S),
    ("linalg.solve", P, S),
    ("linalg.solve", P, S[0]),
    ("linalg.solve", np.stack([P, P]), S),
    ("linalg.solve", np.stack([P] * 3), S),
    ("linalg.solve", np.ones((1, 1, 1)), np.ones(1)),
    ("linalg.svdvals", X),
    ("linalg.trace", X),
    ("linalg.trace", N, {"offset": 1}),
    ("linalg.vector_norm", X),
    ("linalg.vector_norm", X, {"axis": 1, "ord": 1}),
    ("linalg.vector_norm", X, {"axis": (0, 2), "keepdims": True, "ord": math.inf}),
    ("linalg.vector_norm", X, {"ord": 0}),
    ("linalg.vector_norm", X, {"axis": (), "keepdims": True}),
    *[
        (f"fft.{name}", Z, {"n": n, "axis": -1, "norm": norm})
        for name in ("fft", "ifft", "irfft", "hfft")
        for n in (None, 3)
        for norm in ("ortho", "forward")
    ],
    *[
        (f"fft.{name}", X + 0j if name != "rfftn" else X, {"axes": (0, 1), "s": (2, 4)})
        for name in ("fftn", "ifftn", "rfftn", "irfftn")
    ],
    ("fft.rfft", X),
    ("fft.ihfft", X[0]),
    ("fft.fftshift", X),
    ("fft.ifftshift", X, {"axes": 1}),
    ("fft.ifftshift", X, {"axes": ()}),
    ("fft.fftfreq", 5, {"d": 0.5, "dtype": F}),
    ("fft.rfftfreq", 6, {"dtype": F}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_results(case):
    name, *args = case
    kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
    assert compare(name, *args, **kwargs)


NUMBERS = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1e-310, 1e300, math.inf]
NUMBERS = np.array([math.nan, *NUMBERS, *(-x for x in NUMBERS)])
# Of a complex number that is not finite Rushlight has PyTorch's, and the standard says nothing of the signs of zeros.
UNLIKE = {"reciprocal", "sign"}


def same_values(name, *arrays):
    """Equal to array-api-strict to rounding, nan where it is nan, and zeros of one sign."""
    try:
        theirs = getattr(strict, name)(*map(strict.asarray, arrays))
    except TypeError:
        return False
    mine, theirs = getattr(ours, name)(*map(rl.tensor, arrays)).numpy(), np.asarray(theirs)
    # Of several roundings one is allowed to be another; of float32 there are about 1e-7 between two numbers.
    tolerance = 2e-6 if mine.dtype in ("float32", "complex64") else 1e-12
    parts = [(mine.real, theirs.real), (mine.imag, theirs.imag)] if mine.dtype.kind == "c" else [(mine, theirs)]
    for x, y in parts:
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, strict=True)
        if x.dtype.kind == "f":
            zero = (x == 0) & (y == 0)
            np.testing.assert_array_equal(np.signbit(x[zero]), np.signbit(y[zero]))
    return True


@pytest.mark.parametrize("name", [n for n in [*ELEMENTWISE, *BINARY] if not n.startswith(("bitwise", "logical"))])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values(name):
    with_parts = np.empty((len(NUMBERS), len(NUMBERS)), "complex128")
    with_parts.real, with_parts.imag = NUMBERS[:, None], NUMBERS
    done = []
    for x in (NUMBERS, NUMBERS.astype("float32"), with_parts.ravel()[:: 1 if name in ELEMENTWISE else 7]):
        if x.dtype.kind != "c" or name not in UNLIKE:
            done.append(same_values(name, *([x] if name in ELEMENTWISE else [x[:, None], x])))
    assert any(done)


def test_decompositions():
    u, s, vh = ours.linalg.svd(rl.tensor(X), full_matrices=False)
    np.testing.assert_allclose((u * s[..., None, :] @ vh).numpy(), X)
    q, r = ours.linalg.qr(rl.tensor(S))
    np.testing.assert_allclose((q @ r).numpy(), S, rtol=1e-10)
    found = ours.linalg.eigh(rl.tensor(P))
    np.testing.assert_allclose((found.eigenvectors * found.eigenvalues @ found.eigenvectors.T).numpy(), P, rtol=1e-10)


def test_every_function_is_tried():
    tried = {*ELEMENTWISE, *BINARY, *(case[0] for case in CASES)}
    elsewhere = {"__array_namespace_info__", "from_dlpack", "finfo", "iinfo", "linalg.svd", "linalg.qr", "linalg.eigh"}
    # The same functions as those without the prefix.
    elsewhere |= {"linalg.matmul", "linalg.tensordot", "linalg.vecdot", "linalg.matrix_transpose"}
    assert set(FUNCTIONS) - tried == elsewhere


# -- the array, and inspection
def test_an_array_says_its_namespace():
    x = rl.ones(2)
    assert x.__array_namespace__() is x.__array_namespace__(api_version="2024.12") is ours
    with pytest.raises(
        ValueError, match=r"no version '2019.01' of the array API standard here; the newest is 2024\.12"
    ):
        x.__array_namespace__(api_version="2019.01")
    assert x.to_device("cpu") is x and x.device == ours.__array_namespace_info__().default_device()
    assert ours.from_dlpack(np.ones(2)).dtype == rl.float64


def test_inspection():
    info = ours.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] and info.devices() == [rl.device("cpu")]
    assert (
        info.default_dtypes()["real floating"] == rl.float32
        and info.default_dtypes()["complex floating"] == rl.complex64
    )
    assert set(info.dtypes(kind=("unsigned integer", "bool"))) == {"uint8", "bool"} and len(info.dtypes()) == 10
    assert ours.finfo(rl.ones(1)).bits == 32 and ours.iinfo(rl.int8).max == 127
    assert ours.isdtype(rl.bfloat16, "real floating")


def test_elements_that_are_not_there():
    assert ours.isin(rl.tensor([1, 2]), rl.tensor([1]), invert=True).tolist() == [False, True]


def test_gradients_pass():
    x = rl.arange(1.0, 5.0, requires_grad=True)
    space = x.__array_namespace__()
    y = space.sum(space.unique_values(space.pow(x, 2))) + space.vecdot(x, x)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0, 12.0, 16.0]


def test_a_remainder_that_is_zero_has_derivatives():
    x = rl.tensor([3.0, 4.0], requires_grad=True)
    out = ours.remainder(x, -1.5)
    out.sum().backward()
    assert out.signbit().all() and out.tolist() == [0.0, -0.5] and x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: ours.add(1, 2), lambda: ours.squeeze(rl.ones(2), 0), lambda: ours.take(rl.ones(2, 2), rl.tensor([0])),
        lambda: ours.cumulative_sum(rl.ones(2, 2)), lambda: ours.reshape(rl.ones(2, 3).T, (6,), copy=False),
        lambda: ours.astype(rl.ones(2, dtype=rl.complex64), rl.float32), lambda: ours.isdtype(rl.int8, "integer"),
        lambda: ours.nonzero(rl.tensor(1)), lambda: ours.vecdot(rl.ones(2), rl.ones(1)), lambda: ours.matrix_transpose(rl.ones(2)),
        lambda: ours.result_type(1), lambda: ours.expand_dims(rl.ones(2), axis=3),
    ],
)  # fmt: skip
def test_what_the_standard_forbids_raises(call):
    with pytest.raises((TypeError, ValueError, IndexError)):
        call()


def test_array_api_compat_knows_the_namespace():
    compat = pytest.importorskip("array_api_compat")
    assert compat.array_namespace(rl.ones(1), rl.ones(2)) is ours
    assert compat.device(rl.ones(1)) == rl.device("cpu")


# Those who compute with arrays of any library look at the variable and the setting when they are imported.
CONSUMERS = """
import os
os.environ["SCIPY_ARRAY_API"] = "1"
import numpy as np, rushlight as rl, scipy.fft, scipy.signal, scipy.special, scipy.stats, sklearn
from scipy.spatial.transform import Rotation
from sklearn import decomposition, discriminant_analysis, linear_model, metrics, pipeline, preprocessing
sklearn.set_config(array_api_dispatch=True)
X = np.random.RandomState(0).randn(30, 3)
y = (X[:, 0] > 0).astype("int64")
def lda(x, y):
    return discriminant_analysis.LinearDiscriminantAnalysis().fit(x, y).predict(x)
def chain(x, y):
    steps = preprocessing.StandardScaler(), decomposition.PCA(2), linear_model.Ridge(solver="svd")
    return pipeline.make_pipeline(*steps).fit(x, x[:, 0]).predict(x)
for call in [
    lambda x, y: scipy.special.logsumexp(x, axis=1), lambda x, y: scipy.special.xlogy(x, x**2), lambda x, y: scipy.fft.rfft(x),
    lambda x, y: scipy.stats.skew(x), lambda x, y: scipy.stats.ttest_ind(x, x**2).pvalue, lambda x, y: scipy.stats.zscore(x),
    lambda x, y: scipy.signal.fftconvolve(x, x), lambda x, y: Rotation.from_rotvec(x).as_matrix(), lda, chain,
    lambda x, y: preprocessing.PolynomialFeatures().fit_transform(x), lambda x, y: metrics.pairwise.rbf_kernel(x),
]:
    found = call(rl.tensor(X), rl.tensor(y))
    assert type(found) is rl.Tensor
    np.testing.assert_allclose(found.numpy(), call(X, y), atol=1e-10)
assert metrics.f1_score(rl.tensor(y), rl.tensor(1 - y)) == 0 == metrics.r2_score(rl.tensor(X), rl.tensor(X)) - 1
x = rl.tensor(X, requires_grad=True)
scipy.special.logsumexp(x, axis=1).sum().backward()
np.testing.assert_allclose(x.grad.numpy(), scipy.special.softmax(X, axis=1))
"""


def test_scipy_and_scikit_learn_compute_with_tensors():
    pytest.importorskip("scipy")
    pytest.importorskip("sklearn")
    done = subprocess.run([sys.executable, "-c", CONSUMERS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Of uint16, uint32 and uint64.
@pytest.mark.filterwarnings("ignore:Array module rushlight.array_api does not have the following dtypes")
def test_hypothesis_draws_tensors():
    hypothesis = pytest.importorskip("hypothesis")
    from hypothesis.extra.array_api import make_strategies_namespace

    drawn = make_strategies_namespace(ours)
    settings = hypothesis.settings(max_examples=30, deadline=None, database=None, derandomize=True)
    seen = set()

    @settings
    @hypothesis.given(drawn.arrays(drawn.scalar_dtypes(), drawn.array_shapes(min_dims=0, max_dims=2, max_side=3)))
    def any_tensor(x):
        assert type(x) is rl.Tensor
        seen.add(x.dtype)

    any_tensor()
    assert len(seen) > 5


def test_array_api_extra_computes_with_tensors():
    extra = pytest.importorskip("array_api_extra")
    x = rl.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(extra.cov(x).numpy(), np.cov(x.numpy()))
    assert extra.pad(x, 1).shape == (4, 5) and extra.nunique(x) == 6
    assert extra.at(x)[0, :].add(1.0).tolist() == [[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]
