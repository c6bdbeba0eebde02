"""Tensors meet NumPy, DLPack, the buffer protocol and Python's own protocols."""

import copy
import pickle
import sys

import numpy as np
import pytest

import rushlight as rl
from rushlight import core


def leaf(*values):
    return rl.tensor(values, requires_grad=True)


def test_from_numpy_and_numpy_share_memory():
    array = np.arange(3.0)
    x = rl.from_numpy(array)
    array[0] = 7
    x[1] = 8
    assert x.tolist() == [7.0, 8.0, 2.0]
    assert x.numpy() is array


def test_array_protocol_copies_nothing_and_refuses_a_history():
    x = rl.arange(3.0)
    assert np.shares_memory(np.asarray(x), x.numpy())
    assert np.asarray(x, dtype="float64").dtype == "float64"
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        np.asarray(leaf(1.0))


@pytest.mark.parametrize(
    ("call", "name", "gradient"),
    [
        (lambda x: np.sin(x), "SinBackward0", [np.cos(1.0), np.cos(2.0)]),
        (lambda x: np.sum(x), "SumBackward0", [1.0, 1.0]),
        (lambda x: np.multiply(x, 3.0), "MulBackward0", [3.0, 3.0]),
        (lambda x: np.multiply(3.0, x), "MulBackward0", [3.0, 3.0]),
        (lambda x: np.array([3.0, 4.0], "float32") * x, "MulBackward0", [3.0, 4.0]),
        (lambda x: np.array([3.0, 4.0], "float32") + x, "AddBackward0", [1.0, 1.0]),
        (lambda x: x - np.array([3.0, 4.0], "float32"), "SubBackward0", [1.0, 1.0]),
        (lambda x: np.float32(2) * x, "MulBackward0", [2.0, 2.0]),
        (lambda x: np.add.reduce(x), "SumBackward1", [1.0, 1.0]),
        (lambda x: np.mean(x), "MeanBackward0", [0.5, 0.5]),
        (lambda x: np.stack([x, x]), "StackBackward0", [2.0, 2.0]),
        (lambda x: np.concatenate([x, np.ones(1, "float32")]), "CatBackward0", [1.0, 1.0]),
        (lambda x: np.transpose(x), "PermuteBackward0", [1.0, 1.0]),
    ],
)
def test_numpy_functions_are_recorded(call, name, gradient):
    x = leaf(1.0, 2.0)
    out = call(x)
    assert type(out) is rl.Tensor
    assert out.grad_fn.name() == name
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-6)


X = np.array([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]], "float32")


@pytest.mark.parametrize(
    "call",
    [
        np.flip, lambda x: np.flip(x, 0), lambda x: np.flip(x, axis=(0, 1)), np.cumsum, lambda x: np.cumprod(x, axis=1),
        lambda x: np.prod(x, axis=(0, 1)), lambda x: np.max(x, 1, keepdims=True), lambda x: np.min(x, axis=None),
        lambda x: np.concatenate([x, x], axis=None), lambda x: np.concatenate((x, x), 1), lambda x: np.expand_dims(x, -1),
        lambda x: np.roll(x, (1, 2), axis=(0, 1)), lambda x: np.roll(x, 1, 1), lambda x: np.tensordot(x, x, axes=([0], [0])),
        lambda x: np.tensordot(x, x, 2), lambda x: np.triu(x, k=1), lambda x: np.diag(x[0], k=1),
        lambda x: np.transpose(x, axes=[1, 0]), lambda x: np.diagonal(x, offset=1, axis1=1, axis2=0),
        lambda x: np.std(x, axis=0, ddof=1), lambda x: np.clip(x, a_min=2, a_max=None),
        lambda x: np.maximum(x, 1.5), lambda x: np.maximum(2, x), lambda x: np.arctan2(1.0, x), lambda x: np.hypot(x, 1),
        lambda x: np.logaddexp(x, 0.0), lambda x: np.add(x, [1, 2, 3]), lambda x: np.degrees(x),
    ],
)  # fmt: skip
def test_numpy_functions_take_its_own_arguments(call):
    out = call(rl.tensor(X, requires_grad=True))
    assert out.grad_fn is not None
    np.testing.assert_allclose(out.detach().numpy(), call(X), rtol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, initial=2.0), lambda x: np.reshape(x, (3, 2), order="F"), lambda x: np.sort(x, axis=None),
        lambda x: np.max(x, initial=9.0), lambda x: np.isclose(x, 3.0), lambda x: np.einsum("ij,kj", x, x, optimize=True),
    ],
)  # fmt: skip
def test_arguments_without_a_counterpart_run_on_the_arrays(call):
    np.testing.assert_array_equal(call(rl.tensor(X)), call(X))
    with pytest.raises(TypeError):
        call(rl.tensor(X, requires_grad=True))


def test_ufuncs_give_tensors():
    x = rl.tensor(X)
    for one, two in [(np.cbrt(x), np.cbrt(X)), *zip(np.modf(x), np.modf(X)), (np.add.accumulate(x), X.cumsum(0))]:
        assert type(one) is rl.Tensor
        np.testing.assert_allclose(one.numpy(), two, rtol=1e-6)
    assert np.frompyfunc(str, 1, 1)(x).dtype == object
    assert np.maximum(rl.tensor(1.0), 0.1).dtype == rl.float32
    assert np.maximum(rl.tensor(0.0, dtype=rl.float64), 0.1).item() == 0.1


def test_functions_of_scipy_special_are_recorded():
    special = pytest.importorskip("scipy.special")
    x = rl.tensor([0.3, 0.7], dtype=rl.float64, requires_grad=True)
    for name in ("gammaln", "expit", "erf", "ndtri", "entr", "i0e"):
        out = getattr(special, name)(x)
        assert out.grad_fn is not None
        np.testing.assert_allclose(out.detach().numpy(), getattr(special, name)(x.detach().numpy()), rtol=1e-10)
    assert type(special.gamma(x.detach())) is rl.Tensor
    with pytest.raises(RuntimeError, match="requires grad"):
        special.gamma(x)


def test_numpy_functions_without_a_counterpart():
    assert np.linalg.norm(rl.tensor([3.0, 4.0])) == 5.0
    with pytest.raises(RuntimeError, match="requires grad"):
        np.linalg.norm(leaf(3.0, 4.0))


@pytest.mark.parametrize("dtype", [rl.bool, rl.uint8, rl.int64, rl.float16, rl.float32, rl.complex128])
def test_numpy_takes_dtypes(dtype):
    assert np.zeros(2, dtype=dtype).dtype == np.dtype(dtype) == dtype.numpy
    assert np.promote_types(dtype, rl.float64) == rl.promote_types(dtype, rl.float64).numpy


def test_numpy_writes_into_its_own_array():
    array = np.ones(2, "float32")
    array += rl.ones(2)
    assert isinstance(array, np.ndarray)
    assert array.tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        np.add(array, leaf(1.0, 1.0), out=array)
    assert array.tolist() == [2.0, 2.0]


def test_dlpack_both_ways_with_numpy():
    x = rl.arange(4.0)
    assert np.shares_memory(np.from_dlpack(x), x.numpy())
    array = np.arange(3.0)
    assert np.shares_memory(rl.from_dlpack(array).numpy(), array)
    with pytest.raises(BufferError, match="require gradient"):
        leaf(1.0).__dlpack__()


@pytest.mark.parity
def test_dlpack_both_ways_with_pytorch():
    torch = pytest.importorskip("torch")
    x = rl.arange(4.0)
    theirs = torch.from_dlpack(x)
    theirs[0] = 9.0
    assert x[0].item() == 9.0
    ours = rl.from_dlpack(torch.arange(3.0))
    assert ours.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.skipif(
    core.__file__.endswith(".py") and sys.version_info < (3, 12),
    reason="Python finds __buffer__ itself only from 3.12 on",
)
def test_buffer_protocol():
    x = rl.arange(3.0)
    view = memoryview(x)
    assert view.format == "f"
    assert view.tolist() == [0.0, 1.0, 2.0]
    x[0] = 5
    assert view[0] == 5.0


def test_numbers():
    assert float(rl.tensor(2.5)) == 2.5
    assert int(rl.tensor(2.7)) == 2
    assert complex(rl.tensor(1.0)) == 1 + 0j
    assert [10, 20, 30][rl.tensor(2)] == 30
    assert bool(rl.tensor([0.0])) is False
    with pytest.raises(TypeError, match="only integer tensors of a single element"):
        [1, 2][rl.tensor(1.0)]
    with pytest.raises(ValueError, match="only one element tensors can be converted"):
        float(rl.ones(2))
    with pytest.raises(RuntimeError, match="a Tensor with 2 elements cannot be converted to Scalar"):
        rl.ones(2).item()
    with pytest.warns(UserWarning, match="Converting a tensor with requires_grad=True to a scalar"):
        float(leaf(1.0))


def test_format_contains_length_and_iteration():
    assert f"{rl.tensor(2.0):.3f}" == "2.000"
    assert f"{rl.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    assert 2.0 in rl.tensor([1.0, 2.0])
    assert len(rl.ones(3, 2)) == 3
    assert [row.tolist() for row in rl.ones(2, 1)] == [[1.0], [1.0]]
    assert [x.item() for x in reversed(rl.arange(3))] == [2, 1, 0]
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(rl.tensor(1.0))
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(rl.tensor(1.0))


def test_copies_and_pickles():
    x = leaf(1.0, 2.0)
    (x * 3).sum().backward()
    again = copy.deepcopy(x)
    assert again.requires_grad
    assert again.grad.tolist() == [3.0, 3.0]
    again.data[0] = 9
    assert x.tolist() == [1.0, 2.0]
    assert pickle.loads(pickle.dumps(x)).requires_grad
    assert pickle.loads(pickle.dumps(rl.float32)) is rl.float32
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(x * 2)
