"""nn.init: the numbers of a seed, the spread of each scheme, what is refused."""

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight.nn import init


def test_the_numbers_of_seed_zero():
    rl.manual_seed(0)
    layer = rl.nn.Linear(1, 3)
    np.testing.assert_allclose(layer.weight.detach().numpy().ravel(), [-0.0075, 0.5364, -0.8230], atol=5e-5)
    np.testing.assert_allclose(layer.bias.detach().numpy(), [-0.7359, -0.3852, 0.2682], atol=5e-5)


def test_functions_fill_in_place_without_history():
    for fill in (init.ones_, init.zeros_, init.uniform_, init.normal_, init.xavier_normal_, init.eye_):
        parameter = rl.nn.Parameter(rl.full((3, 4), 9.0))
        assert fill(parameter) is parameter
        assert parameter.is_leaf
        assert not (parameter.detach().numpy() == 9).any()


@pytest.mark.parametrize(
    ("fill", "bound"),
    [
        (lambda t: init.xavier_uniform_(t, gain=2), 2 * math.sqrt(6 / 70)),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), math.sqrt(2) * math.sqrt(3 / 30)),
        (lambda t: init.kaiming_uniform_(t, mode="fan_out", a=1), math.sqrt(3 / 40)),
        (lambda t: init.uniform_(t, -3, 3), 3),
    ],
)
def test_uniform_schemes_stay_within_and_fill_their_bounds(fill, bound):
    values = fill(rl.empty(40, 30)).numpy()
    assert 0.95 * bound < np.abs(values).max() <= bound


@pytest.mark.parametrize(
    ("fill", "std"),
    [
        (init.xavier_normal_, math.sqrt(2 / 500)),
        (lambda t: init.kaiming_normal_(t, nonlinearity="relu"), math.sqrt(2 / 200)),
        (lambda t: init.normal_(t, 0, 5), 5),
    ],
)
def test_normal_schemes_have_their_deviation(fill, std):
    values = fill(rl.empty(300, 200)).numpy()
    assert values.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize(("a", "b"), [(-2, 2), (-0.5, 0.5), (-0.1, 0.1), (1, 3)])
def test_truncated_normal_stays_inside(a, b):
    values = init.trunc_normal_(rl.empty(2000), a=a, b=b).numpy()
    assert a <= values.min() < a + 0.1 * (b - a)
    assert b - 0.3 * (b - a) < values.max() <= b


def test_orthogonal():
    for shape in ((5, 3), (3, 5), (4, 2, 3)):
        values = init.orthogonal_(rl.empty(*shape, dtype=rl.float64), gain=2).numpy().reshape(shape[0], -1)
        small = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_sparse_eye_and_dirac():
    values = init.sparse_(rl.empty(10, 3), 0.35).numpy()
    np.testing.assert_array_equal((values == 0).sum(0), [4, 4, 4])
    np.testing.assert_array_equal(init.eye_(rl.empty(2, 3)).numpy(), np.eye(2, 3))
    kernel = init.dirac_(rl.empty(4, 2, 3), groups=2).numpy()
    np.testing.assert_array_equal(kernel[:, :, 1], [[1, 0], [0, 1], [1, 0], [0, 1]])
    assert kernel.sum() == 4


def test_what_is_refused():
    with pytest.raises(ValueError, match="Fan in and fan out can not be computed"):
        init.xavier_uniform_(rl.empty(3))
    with pytest.raises(ValueError, match="Unsupported nonlinearity foo"):
        init.calculate_gain("foo")
    with pytest.raises(ValueError, match="negative_slope True not a valid number"):
        init.calculate_gain("leaky_relu", True)
    with pytest.raises(ValueError, match="Mode x not supported"):
        init.kaiming_normal_(rl.empty(2, 2), mode="x")
    with pytest.raises(ValueError, match="Only tensors with 2 dimensions"):
        init.eye_(rl.empty(2))
    with pytest.raises(ValueError, match="dim 0 must be divisible by groups"):
        init.dirac_(rl.empty(3, 1, 1), 2)
    with pytest.raises(RuntimeError, match="normal expects std >= 0"):
        init.normal_(rl.empty(2), std=-1)
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(rl.empty(0, 2))
    with pytest.warns(FutureWarning, match="deprecated in favor of `nn.init.uniform_`"):
        init.uniform(rl.empty(2))


@pytest.mark.parity
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("xavier_uniform_", (7, 5), {}),
        ("xavier_normal_", (7, 5), {"gain": 2.0}),
        ("kaiming_uniform_", (4, 3, 2, 2), {"a": math.sqrt(5)}),
        ("kaiming_normal_", (4, 3, 2, 2), {"mode": "fan_out", "nonlinearity": "relu"}),
        ("trunc_normal_", (6, 5), {}),
        ("trunc_normal_", (30,), {"a": -0.5, "b": 0.5}),
        ("trunc_normal_", (30,), {"a": -0.1, "b": 0.1}),
        ("trunc_normal_", (30,), {"a": 1.0, "b": 3.0}),
        ("orthogonal_", (5, 3), {}),
        ("orthogonal_", (3, 5), {"gain": 2}),
        ("sparse_", (10, 4), {"sparsity": 0.3}),
        ("dirac_", (4, 2, 3, 3), {"groups": 2}),
        ("normal_", (3,), {}),
    ],
)
def test_the_same_numbers_as_pytorch(name, shape, options):
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    rl.manual_seed(3)
    wanted = getattr(torch.nn.init, name)(torch.empty(shape), **options)
    found = getattr(init, name)(rl.empty(*shape), **options)
    np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=2e-6, atol=1e-7)


LAYERS = [
    "Linear(5, 4)",
    "Conv2d(4, 6, 3, groups=2)",
    "ConvTranspose1d(4, 6, 3)",
    "Bilinear(2, 3, 4)",
    "Embedding(6, 3, padding_idx=1)",
    "EmbeddingBag(5, 2)",
]


@pytest.mark.parity
@pytest.mark.parametrize("text", LAYERS)
def test_layers_start_as_in_pytorch(text):
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    rl.manual_seed(5)
    wanted, found = eval(f"torch.nn.{text}").state_dict(), eval(f"rl.nn.{text}").state_dict()
    assert list(wanted) == list(found)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name].numpy(), value.numpy(), rtol=2e-6, atol=1e-7)
