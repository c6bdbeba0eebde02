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


def test_numpy_functions_without_a_counterpart():
    assert np.linalg.norm(rl.tensor([3.0, 4.0])) == 5.0
    with pytest.raises(RuntimeError, match="requires grad"):
        np.linalg.norm(leaf(3.0, 4.0))


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
