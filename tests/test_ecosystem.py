"""Tensors in other packages: pandas, Arrow, matplotlib, tqdm, rich, jaxtyping with beartype, Hypothesis."""

import io

import numpy as np
import pytest

import rushlight as rl


# -- pandas
def test_frames_and_series_are_taken():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]}, index=[7, 9])
    assert rl.tensor(frame).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert rl.tensor(frame["b"]).dtype == rl.int64 and rl.as_tensor(frame["b"]).tolist() == [3, 4]
    assert rl.tensor(frame, dtype=rl.float32, requires_grad=True).is_leaf
    # Two columns of two dtypes are not one piece of memory; of one dtype they may be.
    assert rl.from_numpy(frame.to_numpy(copy=True)).dtype == rl.float64
    assert rl.tensor(pd.array([1, 2], dtype="Int64")).tolist() == [1, 2]
    with pytest.raises(TypeError, match=r"can't convert np\.ndarray of type numpy\.object_"):
        rl.tensor(pd.Series(["a", "b"]))


def test_frames_take_tensors():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(rl.ones(2, 3), columns=list("abc")).assign(d=rl.arange(2))
    assert frame.shape == (2, 4) and frame["d"].dtype == "int64" and frame["a"].dtype == "float32"
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        pd.Series(rl.ones(2, requires_grad=True))


# -- Arrow
def test_arrow_is_taken():
    pa = pytest.importorskip("pyarrow")
    numbers = pa.array([1.0, 2.0, 3.0])
    shared = rl.from_dlpack(numbers)
    assert shared.data_ptr() == numbers.buffers()[1].address
    assert rl.tensor(numbers).tolist() == rl.as_tensor(numbers).tolist() == [1.0, 2.0, 3.0]
    assert rl.tensor(pa.chunked_array([[1, 2], [3]])).tolist() == [1, 2, 3]
    assert rl.tensor(pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})).tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert rl.tensor(pa.array([True, False])).dtype == rl.bool
    gaps = rl.tensor(pa.array([1, None]))
    assert gaps.dtype == rl.float64 and gaps.isnan().tolist() == [False, True]


# -- matplotlib
@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar:UserWarning")
def test_tensors_are_plotted():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    x = rl.linspace(0, 1, 5)
    figure, axes = pyplot.subplots()
    (line,) = axes.plot(x, x**2)
    assert line.get_ydata().tolist() == (x**2).tolist()
    axes.scatter(x, x, c=x)
    axes.fill_between(x, x, x + 1)
    axes.errorbar(x, x, yerr=x / 10)
    axes.bar(rl.arange(3), rl.ones(3))
    axes.stackplot(x, rl.rand(2, 5))
    assert axes.hist(x, bins=2)[0].tolist() == [2, 3]
    picture = axes.imshow(rl.eye(3))
    assert np.array_equal(picture.get_array(), np.eye(3))
    figure.savefig(io.BytesIO())
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
        axes.plot(x.requires_grad_())
    pyplot.close(figure)


# -- SciPy's sparse matrices
def test_sparse_matrices_times_tensors():
    sparse = pytest.importorskip("scipy.sparse")
    twice = sparse.csr_array(2 * np.eye(3))
    for x in (rl.arange(3.0), rl.arange(3), rl.ones(3, 2)):
        product = twice @ x
        assert type(product) is np.ndarray and product.tolist() == (2 * x).tolist()
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
        twice @ rl.ones(3, requires_grad=True)


# -- tqdm and rich
def test_progress_bars_go_over_tensors():
    tqdm = pytest.importorskip("tqdm")
    out = io.StringIO()
    assert [int(x) for x in tqdm.tqdm(rl.arange(3), file=out)] == [0, 1, 2]
    assert "3/3" in out.getvalue()


def test_rich_prints_tensors():
    console = pytest.importorskip("rich.console")
    pretty = pytest.importorskip("rich.pretty")
    out = io.StringIO()
    console.Console(file=out, width=80).print(rl.ones(2, 2), {"weight": rl.zeros(1, requires_grad=True)})
    assert "tensor([[1., 1.],\n        [1., 1.]])" in out.getvalue()
    assert "tensor([0.], requires_grad=True)" in out.getvalue()
    assert pretty.pretty_repr([rl.ones(1)]) == "[tensor([1.])]"


# -- jaxtyping and beartype
def test_annotations_are_checked():
    jaxtyping = pytest.importorskip("jaxtyping")
    beartype = pytest.importorskip("beartype")
    Float, Int, Bool, Shaped = jaxtyping.Float, jaxtyping.Int, jaxtyping.Bool, jaxtyping.Shaped

    @jaxtyping.jaxtyped(typechecker=beartype.beartype)
    def project(x: Float[rl.Tensor, "*batch c"], weight: Float[rl.Tensor, "c d"]) -> Float[rl.Tensor, "*batch d"]:
        return x @ weight

    assert project(rl.ones(2, 5, 3), rl.ones(3, 4)).shape == (2, 5, 4)
    project(rl.ones(3, requires_grad=True), rl.nn.Parameter(rl.ones(3, 4)))
    for x, weight in [(rl.ones(2, 3), rl.ones(4, 4)), (rl.ones(3).long(), rl.ones(3, 1)), (np.ones(3), rl.ones(3, 1))]:
        with pytest.raises(jaxtyping.TypeCheckError):
            project(x, weight)
    for kind, dtype in [(Int, rl.int32), (Bool, rl.bool), (jaxtyping.BFloat16, rl.bfloat16), (Shaped, rl.uint8)]:
        assert isinstance(rl.zeros(2, dtype=dtype), kind[rl.Tensor, "2"])
        assert not isinstance(rl.zeros(3, dtype=dtype), kind[rl.Tensor, "2"])
    assert isinstance(rl.zeros(2, dtype=rl.complex64), jaxtyping.Complex[rl.Tensor, "n"])


# -- Hypothesis
def test_strategies_keep_to_what_is_asked():
    hypothesis = pytest.importorskip("hypothesis")
    from rushlight.testing import strategies

    settings = hypothesis.settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    seen = []

    @settings
    @hypothesis.given(
        strategies.tensors(dtypes=strategies.dtypes(complex=True, half=True), strided=True, requires_grad=True)
    )
    def any_tensor(x):
        seen.append(x)
        assert type(x) is rl.Tensor and x.ndim <= 4 and x.requires_grad == (x.is_floating_point() or x.is_complex())
        assert x.is_leaf and bool(rl.isfinite(x.detach()).all())

    @settings
    @hypothesis.given(strategies.tensors((2, 3), rl.int32, elements={"min_value": 3, "max_value": 5}))
    def bounded(x):
        assert x.shape == (2, 3) and x.dtype == rl.int32 and x.min() >= 3 and x.max() <= 5

    any_tensor()
    bounded()
    assert len({x.dtype for x in seen}) > 5
    assert not all(x.is_contiguous() for x in seen)


def test_counterexamples_are_small():
    hypothesis = pytest.importorskip("hypothesis")
    arrays = pytest.importorskip("hypothesis.extra.numpy")
    from rushlight.testing import strategies

    shapes = arrays.array_shapes(max_dims=2)
    # The profile of tests/properties, where that is loaded, takes examples as they come.
    settings = hypothesis.settings(database=None, derandomize=True, phases=list(hypothesis.Phase))
    found = hypothesis.find(strategies.tensors(shapes, rl.float64), lambda x: x.max() > 10, settings=settings)
    assert found.numel() == 1
