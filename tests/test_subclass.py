"""Subclasses of Tensor, attributes on tensors, and the constructors of old scripts."""

import copy
import gc
import pickle
import weakref

import pytest

import rushlight as rl


class Marked(rl.Tensor):
    pass


def test_results_are_of_the_subclass():
    x = Marked([1.0, 2.0])
    for result in (x + 1, 1 + x, x.sum(), x[0], x.t(), x.exp(), x.detach()):
        assert type(result) is Marked
    assert (x + 1).tolist() == [2.0, 3.0]


def test_a_subclass_is_differentiated():
    x = Marked([1.0, 2.0])
    x.requires_grad_()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_an_operator_can_be_overridden():
    class Loud(rl.Tensor):
        def __mul__(self, other):
            return "mul"

    assert Loud([1.0]) * 2 == "mul"
    assert (Loud([1.0]) + 2).tolist() == [3.0]


def test_attributes_stay_with_the_tensor():
    x = rl.ones(2)
    assert "name_of_mine" not in x.__dict__
    x.name_of_mine = [1]
    assert x.name_of_mine == [1]
    assert not hasattr(x + 1, "name_of_mine")
    assert copy.deepcopy(x).name_of_mine == [1]
    assert pickle.loads(pickle.dumps(x)).name_of_mine == [1]
    del x.name_of_mine
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'name_of_mine'"):
        _ = x.name_of_mine


def test_a_tensor_that_holds_itself_is_collected():
    x = rl.ones(2)
    x.self = x
    reference = weakref.ref(x)
    del x
    gc.collect()
    assert reference() is None


def test_old_constructors():
    assert rl.Tensor([1, 2]).tolist() == [1.0, 2.0]
    assert rl.Tensor(2, 3).shape == (2, 3)
    assert rl.Tensor().shape == (0,)
    assert rl.LongTensor([1, 2]).dtype is rl.int64
    assert rl.FloatTensor(3).shape == (3,)
    with pytest.raises(TypeError, match=r"new\(\): data must be a sequence \(got float\)"):
        rl.Tensor(2.5)
    with pytest.raises(TypeError, match="invalid data type 'str'"):
        rl.Tensor("a")


def test_data_must_stay_differentiable():
    x = rl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="data set to a tensor that requires gradients must be floating point"):
        x.data = rl.ones(2, dtype=rl.int64)
    assert x.tolist() == [1.0, 1.0]
