"""In-place writes: versions, what they forbid, and the history they leave on tensors, views and bases."""

import numpy as np
import pytest

import rushlight as rl


def leaf(*values):
    return rl.tensor(values, requires_grad=True)


class TestVersions:
    def test_counts_writes(self):
        x = rl.ones(3)
        assert x._version == 0
        x.add_(1)
        x *= 2
        x[0] = 5.0
        assert x._version == 3
        assert x.tolist() == [5.0, 4.0, 4.0]

    def test_is_shared_by_views_and_detach_but_not_by_data(self):
        x = rl.ones(3)
        view, detached, data = x[1:], x.detach(), x.data
        view.add_(1)
        assert (x._version, view._version, detached._version, data._version) == (1, 1, 1, 0)
        data.add_(1)
        assert (x._version, data._version) == (1, 1)
        assert x.tolist() == [2.0, 3.0, 3.0]

    def test_reading_does_not_count(self):
        x = rl.ones(3)
        _ = x + 1, x.sum(), x[0], x.clone(), repr(x)
        assert x._version == 0


class TestSavedValues:
    def test_a_spoiled_input(self):
        x = leaf(1.0, 2.0)
        y = x * 1
        z = y * y
        y.add_(1)
        with pytest.raises(RuntimeError, match="has been modified by an inplace operation") as caught:
            z.sum().backward()
        assert "FloatTensor [2]], which is output 0 of" in str(caught.value)
        assert "is at version 1; expected version 0 instead" in str(caught.value)
        assert x.grad is None

    def test_a_spoiled_output(self):
        x = leaf(1.0, 2.0)
        y = x.exp()
        y.mul_(2)
        with pytest.raises(RuntimeError, match=r"which is output 0 of Exp.* at version 1; expected version 0"):
            y.sum().backward()

    def test_spoiled_through_a_view_and_through_detach(self):
        for share in (lambda t: t[:1], lambda t: t.detach()):
            x = leaf(1.0, 2.0)
            y = x.exp()
            with rl.no_grad():
                share(y).zero_()
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                y.sum().backward()

    def test_a_write_that_spoils_nothing(self):
        x = leaf(1.0, 2.0)
        y = x + 1
        y.mul_(3)
        y.sum().backward()
        assert x.grad.tolist() == [3.0, 3.0]

    def test_a_leaf_written_under_no_grad(self):
        x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
        y = x * w
        with rl.no_grad():
            w.add_(1)
        with pytest.raises(RuntimeError, match="is at version 1; expected version 0"):
            y.sum().backward()

    def test_data_goes_unnoticed(self):
        x = leaf(2.0)
        y = x * x
        x.data.mul_(10)
        y.sum().backward()
        assert x.grad.tolist() == [40.0]


class TestLeaves:
    def test_refused(self):
        x = leaf(1.0, 2.0)
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
            x.add_(1)
        with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
            x[0] += 1
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            x *= x
        assert x.tolist() == [1.0, 2.0]
        assert x._version == 0

    def test_allowed_under_no_grad(self):
        x = leaf(1.0, 2.0)
        with rl.no_grad():
            x.add_(1)
            x[0] = 9.0
        assert x.tolist() == [9.0, 3.0]
        assert x.is_leaf
        assert x.requires_grad

    def test_a_constant_takes_on_history(self):
        x, y = leaf(2.0), rl.ones(1)
        y.mul_(x)
        assert y.requires_grad
        y.sum().backward()
        assert x.grad.tolist() == [1.0]


class TestViews:
    def test_a_write_through_a_view_reaches_the_base(self):
        x = leaf(1.0, 2.0, 3.0)
        y = x * 1
        y[1:].mul_(10)
        assert y.tolist() == [1.0, 20.0, 30.0]
        assert y.grad_fn.name() == "torch::autograd::CopySlices"
        y.sum().backward()
        assert x.grad.tolist() == [1.0, 10.0, 10.0]

    def test_a_write_to_the_base_reaches_a_view(self):
        x = leaf(1.0, 2.0, 3.0)
        y = x * 1
        view = y[1:]
        y.mul_(10)
        assert view.tolist() == [20.0, 30.0]
        view.sum().backward()
        assert x.grad.tolist() == [0.0, 10.0, 10.0]

    def test_views_of_a_view_and_their_siblings(self):
        x = leaf(1.0, 2.0, 3.0, 4.0)
        y = x * 1
        first, second = y[:3], y[1:]
        first[1:].mul_(5)
        (second * 2).sum().backward()
        assert x.grad.tolist() == [0.0, 10.0, 10.0, 2.0]

    def test_transposed(self):
        x = rl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = x * 1
        y.t()[0].mul_(10)
        assert y.tolist() == [[10.0, 2.0], [30.0, 4.0]]
        y.sum().backward()
        assert x.grad.tolist() == [[10.0, 1.0], [10.0, 1.0]]

    def test_assigning_a_slice(self):
        x, w = leaf(1.0, 2.0, 3.0), leaf(7.0)
        y = x * 2
        y[0] = w[0] * w[0]
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 2.0, 2.0]
        assert w.grad.tolist() == [14.0]

    def test_a_constant_base_takes_on_history(self):
        buffer, x = rl.zeros(4), leaf(1.0, 2.0)
        buffer[1:3] = x
        assert buffer.requires_grad
        (buffer * buffer).sum().backward()
        assert x.grad.tolist() == [2.0, 4.0]

    def test_one_of_several_views_is_refused(self):
        y = leaf(1.0, 2.0) * 1
        first, _ = y.unbind(0)
        with pytest.raises(RuntimeError, match="is the output of a function that returns multiple views"):
            first.mul_(2)
        assert y.tolist() == [1.0, 2.0]

    def test_a_view_made_under_no_grad_is_refused(self):
        y = leaf(1.0, 2.0) * 1
        with rl.no_grad():
            view = y[:1]
        with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being modified inplace"):
            view.mul_(2)

    def test_is_view_and_base(self):
        x = rl.ones(4)
        assert x._base is None
        assert x[1:][1:]._base is x
        assert x[1:]._is_view()
        assert not x.clone()._is_view()


class TestRefusedBeforeWriting:
    def test_shapes_and_dtypes(self):
        x = rl.ones(2)
        with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
            x.add_(rl.ones(3, 2))
        whole = rl.ones(2, dtype=rl.int64)
        with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
            whole.mul_(1.5)
        assert x._version == whole._version == 0

    def test_memory_that_overlaps(self):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single"):
            rl.ones(1).expand(3).add_(1)

    def test_requires_grad_of_a_computed_tensor(self):
        y = leaf(1.0) * 2
        with pytest.raises(RuntimeError, match="you can only change requires_grad flags of leaf variables"):
            y.requires_grad = False


@pytest.mark.parity
def test_programs_agree_with_pytorch():
    torch = pytest.importorskip("torch")

    def first(m, x):
        y = x * 2
        y[0].mul_(3)
        y += x
        return y

    def second(m, x):
        y = x.clone()
        for row in range(1, 3):
            y[row] = y[row] - y[row - 1] * 2
        return y

    def third(m, x):
        y = m.zeros(3, 2)
        y.copy_(x)
        view = y.t()
        y.sub_(x * x)
        return view

    for program in (first, second, third):
        results = []
        for m in (rl, torch):
            x = m.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
            y = program(m, x)
            (y * y).sum().backward()
            results.append((y.tolist(), x.grad.tolist()))
        assert results[0] == results[1]


def test_a_write_through_a_view_of_another_dtype_is_followed():
    x = rl.tensor([1 + 2j, 3 + 4j], requires_grad=True)
    y = x * 1
    seen = y.imag
    y.real.mul_(3)
    assert y.tolist() == [3 + 2j, 9 + 4j]
    # |y|^2 = 9 re^2 + im^2, whose gradient is 18 re + 2 im i.
    (y * y.conj()).real.sum().backward(retain_graph=True)
    assert x.grad.tolist() == [18 + 4j, 54 + 8j]
    x.grad = None
    y.mul_(1j)
    seen.sum().backward()
    assert seen.tolist() == [3.0, 9.0]
    assert x.grad.tolist() == [3 + 0j, 3 + 0j]


def test_a_view_is_bound_by_the_view_it_was_made_from():
    base = rl.zeros(2, 3)
    part = base.unbind(0)[0][1:]
    with pytest.raises(RuntimeError, match="function that returns multiple views"):
        part.mul_(rl.ones(2, requires_grad=True))
    with rl.no_grad():
        outer = base[0]
    with pytest.raises(RuntimeError, match="created in no_grad mode and is being modified inplace"):
        outer[1:].mul_(rl.ones(2, requires_grad=True))
    assert base.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("dtype", [rl.float32, rl.float64])
@pytest.mark.parametrize("exponent", [2, 3, 1, -1, 0.5, -0.5, 2.5, 4, 0, -3])
@pytest.mark.parametrize("n", [3, 100])
def test_pow_in_place_has_the_bits_of_pow(n, exponent, dtype):
    x = rl.linspace(-3, 4, n, dtype=dtype)
    with np.errstate(invalid="ignore"):
        expected, written = x.pow(exponent), x.clone().pow_(exponent)
    np.testing.assert_array_equal(written.numpy(), expected.numpy())
    if exponent == 2:
        np.testing.assert_array_equal(written.numpy(), (x * x).numpy())
