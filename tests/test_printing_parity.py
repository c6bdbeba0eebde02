"""The text of random arrays against PyTorch's repr of the same values."""

import math
import random
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
ml_dtypes = pytest.importorskip("ml_dtypes")

from rushlight import dtypes, spelling  # noqa: E402
from rushlight.printing import array_repr, get_printoptions, printoptions, set_printoptions  # noqa: E402

pytestmark = pytest.mark.parity

DTYPES = [dtype.name for dtype in dtypes.DTYPES]
SHAPES = [
    (),
    (0,),
    (1,),
    (2,),
    (7,),
    (30,),
    (100,),
    (1000,),
    (1001,),
    (5000,),
    (0, 3),
    (2, 0),
    (1, 1),
    (3, 4),
]
SHAPES += [(40, 6), (6, 200), (7, 143), (2, 600), (600, 2), (0, 0, 2), (2, 3, 4), (1, 2, 25), (11, 10, 12)]
SHAPES += [
    (3, 1, 400),
    (2, 2, 2, 3),
    (1, 8, 8, 20),
    (7, 7, 7, 7),
    (2, 1, 1, 2, 2),
    (0, 1, 2, 3),
    (1, 1, 1, 1),
]
OPTIONS = [{}] * 6 + [
    {"precision": 0},
    {"precision": 2},
    {"precision": 10, "linewidth": 120},
    {"sci_mode": True},
    {"sci_mode": False},
    {"precision": 1, "sci_mode": True},
    {"linewidth": 33},
    {"linewidth": 1},
    {"linewidth": 61.5},
    {"threshold": 5},
    {"threshold": 0, "edgeitems": 1},
    {"threshold": 20, "edgeitems": 7, "linewidth": 50},
    {"edgeitems": 0},
    {"threshold": 0, "edgeitems": 0},
    {"profile": "short"},
    {"profile": "default"},
    {"profile": "full"},
    {"profile": "full", "edgeitems": 0, "precision": 3},
]


@pytest.fixture(autouse=True)
def torch_spelling(monkeypatch):
    monkeypatch.setattr(spelling, "module", "torch")
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_printoptions(profile="default")
    dtypes.set_default_dtype(dtypes.float32)


def set_default(name):
    torch.set_default_dtype(getattr(torch, name))
    dtypes.set_default_dtype(dtypes.NAMES[name])


def as_torch(array):
    """A torch tensor of the same values, bit for bit."""
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy())


def random_floats(rng, shape):
    """Values whose kind, magnitude, special values and zeros vary from call to call."""
    kind = rng.integers(8)
    if kind == 0:
        values = rng.integers(-3, 4, shape).astype(float)
    elif kind == 1:
        values = rng.integers(-2000, 2000, shape).astype(float)
    elif kind == 2:
        values = rng.random(shape) * 10.0 ** rng.integers(-9, 12)
    elif kind == 3:
        values = rng.standard_normal(shape) * 10.0 ** rng.integers(-300, 300)
    elif kind == 4:
        values = 10.0 ** rng.integers(-6, 10, shape) * rng.choice([-1.0, 1.0], shape)
    elif kind == 5:
        values = np.zeros(shape) * rng.choice([-1.0, 1.0], shape)
    elif kind == 6:
        values = rng.choice([1e-4, 1.0, 1000.0, 1e8, 1001.0, 9.9999e-5, 0.1, 100.0], shape)
    else:
        values = rng.standard_normal(shape)
    values = np.asarray(values)
    if rng.random() < 0.4:
        special = rng.choice([math.nan, math.inf, -math.inf, 0.0, -0.0], shape)
        values = np.where(rng.random(shape) < rng.choice([0.05, 0.5, 1.0]), special, values)
    return values


def random_array(rng, name, shape):
    if name == "bool":
        return np.asarray(rng.random(shape) < rng.choice([0.0, 0.5, 1.0]))
    dtype = dtypes.NAMES[name]
    if dtype.category == dtypes.INTEGRAL:
        info = np.iinfo(dtype.numpy)
        low, high = (info.min, info.max) if rng.random() < 0.3 else (max(info.min, -120), 100)
        return np.asarray(rng.integers(low, high, shape, dtype=dtype.numpy, endpoint=True))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = random_floats(rng, shape)
        if dtype.is_complex:
            values = np.array(values, complex)
            values.imag = random_floats(rng, shape)
        return np.asarray(values).astype(dtype.numpy)


@pytest.mark.parametrize("name", DTYPES)
def test_random_arrays(name):
    seed = DTYPES.index(name)
    rng, pick = np.random.default_rng(seed), random.Random(seed)
    for _ in range(12):
        for shape in SHAPES:
            options = pick.choice(OPTIONS)
            array = random_array(rng, name, shape)
            set_default(pick.choice(["float16", "bfloat16", "float32", "float32", "float32", "float64"]))
            with printoptions(**options), torch._tensor_str.printoptions(**options):
                # Whole prints of thousands of elements take PyTorch seconds, and say nothing new.
                if get_printoptions()["threshold"] == math.inf and array.size > 1500:
                    continue
                assert array_repr(array) == repr(as_torch(array)), (shape, options, array)
            torch.set_printoptions(profile="default")


@pytest.mark.parametrize("linewidth", range(20, 90))
@pytest.mark.parametrize("name", ["float32", "float64", "complex128"])
def test_where_suffixes_wrap(linewidth, name):
    rng = np.random.default_rng(linewidth)
    for shape in [(), (4,), (2, 5), (0, 3)]:
        array = rng.standard_normal(shape).astype(name)
        leaf = as_torch(array).requires_grad_()
        with printoptions(linewidth=linewidth), torch._tensor_str.printoptions(linewidth=linewidth):
            assert array_repr(array, requires_grad=True) == repr(leaf)
            got = array_repr(array, requires_grad=True, grad_fn_name="CloneBackward0")
            assert got == repr(leaf.clone())


def test_parameters_and_subclasses():
    class MyTensor(torch.Tensor):
        pass

    array = np.linspace(-1, 1, 60).reshape(3, 20)
    tensor = as_torch(array)
    assert array_repr(array, prefix="MyTensor(") == repr(tensor.as_subclass(MyTensor))
    got = array_repr(array, prefix="Parameter containing:\ntensor(", requires_grad=True)
    assert got == repr(torch.nn.Parameter(tensor))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("shape", [(), (2, 3), (3, 40)])
def test_tangents(shape):
    import torch.autograd.forward_ad as forward_ad

    array = np.full(shape, 2.5, np.float32)
    with forward_ad.dual_level():
        tangent = as_torch(array) * 3
        dual = forward_ad.make_dual(as_torch(array), tangent)
        assert array_repr(array, tangent=tangent) == repr(dual)


def test_views_with_any_strides():
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    for view in (array.T, array[:, ::2, 1:], array.transpose(1, 0, 2)[..., 3], array[:, None]):
        assert array_repr(view) == repr(as_torch(view))


def test_options_move_as_torchs_do():
    changes = [{"precision": 7}, {"sci_mode": True}, {"linewidth": 40}, {"profile": "short", "edgeitems": 9}]
    try:
        for change in [*changes, {"profile": "full"}, {"threshold": 3}, {"profile": "default"}]:
            set_printoptions(**change)
            torch.set_printoptions(**change)
            assert get_printoptions() == torch._tensor_str.get_printoptions()
    finally:
        set_printoptions(profile="default")
