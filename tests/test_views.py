"""Views share memory and history; reshape copies only where it must."""

import numpy as np
import pytest

import rushlight as rl


def _shares(a, b):
    return np.shares_memory(a.detach().numpy(), b.detach().numpy())


VIEWS = {
    "view": lambda x: x.view(3, 2),
    "reshape": lambda x: x.reshape(-1),
    "flatten": lambda x: x.flatten(),
    "transpose": lambda x: x.transpose(0, 1),
    "t": lambda x: x.t(),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "permute": lambda x: x.permute(1, 0),
    "movedim": lambda x: x.movedim(0, 1),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x.squeeze(),
    "expand": lambda x: x.expand(4, 2, 3),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 2),
    "select of a vector": lambda x: x.view(6).select(0, 4),
    "diagonal": lambda x: x.diagonal(1),
    "unfold": lambda x: x.unfold(1, 2, 1),
    "as_strided": lambda x: x.as_strided((2, 2), (1, 1), 1),
    "unbind": lambda x: x.unbind(1)[2],
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2)[1],
    "tensor_split": lambda x: x.tensor_split(2, 1)[1],
    "unflatten": lambda x: x.unflatten(1, (3, 1)),
}


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_a_view_shares_memory_and_names_its_base(make):
    x = rl.arange(6.0).reshape(2, 3).clone()
    v = make(x)
    assert _shares(x, v)
    assert v._base is x
    assert v._version == x._version == 0
    x.fill_(7.0)
    assert v.flatten()[0] == 7.0
    assert v._version == 1


@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_the_gradient_of_a_view_is_where_it_looked(make):
    x = rl.arange(6.0).reshape(2, 3).clone().requires_grad_()
    make(x).sum().backward()
    counts = np.zeros(6)
    for place in make(rl.arange(6).reshape(2, 3)).numpy().reshape(-1):
        counts[place] += 1
    assert x.grad.flatten().tolist() == counts.tolist()


def test_a_write_through_a_view_reaches_the_base_and_its_gradient():
    x = rl.ones(2, 3, requires_grad=True)
    y = x * 2
    y.t()[0].mul_(10.0)
    assert y.tolist() == [[20.0, 2.0, 2.0], [20.0, 2.0, 2.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[20.0, 2.0, 2.0], [20.0, 2.0, 2.0]]


def test_reshape_copies_where_strides_do_not_allow_a_view():
    x = rl.arange(6.0).reshape(2, 3).t()
    y = x.reshape(6)
    assert not _shares(x, y)
    assert y._base is None
    assert y.tolist() == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    with pytest.raises(RuntimeError, match="view size is not compatible with input tensor's size and stride"):
        x.view(6)


def test_graph_names_of_views():
    x = rl.ones(2, 3, requires_grad=True)
    names = {
        "ViewBackward0": x.reshape(6),
        "UnsafeViewBackward0": x.t().reshape(6),
        "TBackward0": x.t(),
        "TransposeBackward0": x.transpose(0, 1),
        "PermuteBackward0": x.T,
        "SqueezeBackward0": x.squeeze(),
        "SqueezeBackward1": x.squeeze(0),
        "SqueezeBackward2": x.squeeze((0, 1)),
        "UnsqueezeBackward0": x.unsqueeze(0),
        "ExpandBackward0": x.expand(2, 2, 3),
        "SelectBackward0": x.select(0, 0),
        "SliceBackward0": x.narrow(0, 0, 1),
        "SplitBackward0": x.split(1)[0],
        "SplitWithSizesBackward0": x.split([1, 1])[0],
        "UnbindBackward0": x.unbind()[0],
        "DiagonalBackward0": x.diagonal(),
        "AsStridedBackward0": x.as_strided((2,), (1,)),
        "UnfoldBackward0": x.unfold(0, 2, 1),
    }
    assert [y.grad_fn.name() for y in names.values()] == list(names)


def test_memory_seen_as_another_dtype():
    x = rl.ones(2, 2)
    assert x.view(rl.int32)[0, 0].item() == 0x3F800000
    assert x.view(rl.float64).shape == (2, 1)
    assert x.view(rl.int16).shape == (2, 4)
    with pytest.raises(RuntimeError, match=r"self.size\(-1\) must be divisible by 2"):
        rl.ones(2, 3).view(rl.float64)


def test_shape_changes_in_place():
    x = rl.ones(1, 2, 3)
    assert x.transpose_(1, 2) is x
    assert x.shape == (1, 3, 2)
    assert x.squeeze_(0).shape == (3, 2)
    assert x.t_().shape == (2, 3)
    assert x.unsqueeze_(0).shape == (1, 2, 3)
    leaf = rl.ones(2, 3, requires_grad=True)
    y = leaf * 2
    y.t_()
    (y * rl.arange(6.0).reshape(3, 2)).sum().backward()
    assert leaf.grad.tolist() == [[0.0, 4.0, 8.0], [2.0, 6.0, 10.0]]


def test_an_overlapping_as_strided_adds_up_its_gradients():
    x = rl.arange(4.0).requires_grad_()
    x.as_strided((3, 2), (1, 1)).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 2.0, 1.0]


def test_as_strided_stays_within_the_storage():
    with pytest.raises(RuntimeError, match="are out of bounds for storage of size 16"):
        rl.ones(4).as_strided((2, 3), (2, 1))


def test_gradient_of_an_alias():
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    (rl.alias_copy(x) * rl.tensor([3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
