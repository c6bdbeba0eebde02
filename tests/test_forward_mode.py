"""Dual numbers: through operations, views and in-place writes, and together with reverse mode."""

import gc
import weakref

import pytest

import rushlight as rl
from rushlight import autograd
from rushlight.autograd import forward_ad as fw


def test_a_product_and_a_sum():
    with fw.dual_level():
        x = fw.make_dual(rl.tensor(3.0), rl.tensor(1.0))
        y = x**2 + x
        primal, tangent = fw.unpack_dual(y)
    assert (primal.item(), tangent.item()) == (12.0, 7.0)


def test_a_tangent_is_broadcast_and_promoted_like_its_value():
    with fw.dual_level():
        x = fw.make_dual(rl.ones(3), rl.tensor([1.0, 2.0, 3.0]))
        y = x * rl.ones(2, 1, dtype=rl.float64)
        tangent = fw.unpack_dual(y).tangent
    assert tangent.dtype is rl.float64
    assert tangent.tolist() == [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]


def test_what_has_no_tangent_keeps_none():
    with fw.dual_level():
        x = fw.make_dual(rl.ones(2), rl.ones(2))
        assert fw.unpack_dual(rl.ones(2) * 2).tangent is None
        assert fw.unpack_dual(x > 0).tangent is None
        assert fw.unpack_dual(x.detach()).tangent is None


def test_tangents_end_with_their_level():
    with fw.dual_level():
        x = fw.make_dual(rl.ones(2), rl.ones(2))
    assert fw.unpack_dual(x).tangent is None
    with fw.dual_level():
        assert fw.unpack_dual(x * 2).tangent is None


def test_in_place_writes_move_the_tangent():
    with fw.dual_level():
        x = fw.make_dual(rl.tensor([1.0, 2.0]), rl.tensor([1.0, 1.0]))
        y = x * 1
        y *= x
        assert fw.unpack_dual(y).tangent.tolist() == [2.0, 4.0]
        y[0] = 5.0
        assert fw.unpack_dual(y).tangent.tolist() == [0.0, 4.0]


def test_a_write_through_a_view_reaches_the_base():
    with fw.dual_level():
        base = rl.zeros(3)
        base[1:] = fw.make_dual(rl.ones(2), rl.tensor([4.0, 5.0]))
        assert fw.unpack_dual(base).tangent.tolist() == [0.0, 4.0, 5.0]


def test_forward_over_reverse_is_the_second_derivative():
    x = rl.tensor([0.5, 2.0], requires_grad=True)
    with fw.dual_level():
        dual = fw.make_dual(x, rl.ones(2))
        (slope,) = autograd.grad((dual**3).sum(), dual, create_graph=True)
        tangent = fw.unpack_dual(slope).tangent
    assert tangent.tolist() == pytest.approx([3.0, 12.0])


def test_reverse_through_a_tangent():
    x = rl.tensor(2.0, requires_grad=True)
    with fw.dual_level():
        tangent = fw.unpack_dual(fw.make_dual(x, rl.tensor(1.0)) ** 3).tangent
    assert autograd.grad(tangent, x)[0].item() == 12.0


def test_refusals():
    with pytest.raises(RuntimeError, match="no level exists"):
        fw.make_dual(rl.ones(1), rl.ones(1))
    with fw.dual_level():
        with pytest.raises(RuntimeError, match="Nested forward mode AD is not supported"):
            fw.enter_dual_level()
        with pytest.raises(RuntimeError, match="different size"):
            fw.make_dual(rl.ones(2), rl.ones(3))
        with pytest.raises(ValueError, match="Expected primal to be floating point or complex"):
            fw.make_dual(rl.arange(2), rl.ones(2))
    with pytest.raises(RuntimeError, match="Dual level must be a positive number"):
        fw.exit_dual_level()


def test_a_level_holds_nothing_after_it_closes():
    with fw.dual_level():
        x = fw.make_dual(rl.ones(2), rl.ones(2))
        tangent = weakref.ref(fw.unpack_dual(x * 2).tangent)
    gc.collect()
    assert tangent() is None


@pytest.mark.parity
def test_programs_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    import torch.autograd.forward_ad as theirs

    def program(m, dual):
        y = dual.sin() * m.ones(2, 3)
        y = m.nn.functional.softmax(y, dim=1)
        z = y.clone()
        z[0] = z[1] * 2
        return (z @ y.t()).sum(dim=0)

    tangents = []
    for m, ad in ((rl, fw), (torch, theirs)):
        with ad.dual_level():
            out = program(m, ad.make_dual(m.tensor([0.1, 0.2, 0.3]), m.tensor([1.0, -1.0, 2.0])))
            tangents.append(ad.unpack_dual(out).tangent.tolist())
    assert tangents[0] == pytest.approx(tangents[1], rel=1e-5)
