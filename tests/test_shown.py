"""Products that are recorded as one node, and what is seen of the nodes that PyTorch has in its place."""

import numpy as np
import pytest

import rushlight
from rushlight.nn.functional import linear


def leaf(*shape, grad=True):
    rng = np.random.default_rng(sum(shape))
    return rushlight.tensor(rng.standard_normal(shape), requires_grad=grad)


def shape_of_graph(node):
    if node is None:
        return "."
    inner = ",".join(shape_of_graph(edge) for edge, _ in node.next_functions)
    return type(node).__name__ + (f"({inner})" if inner else "")


def with_bias(x, w, b):
    return linear(x, w, b)


def without_bias(x, w, b):
    return linear(x, w)


def of_vector(x, w, b):
    return x[0] @ w.T


CALLS = {
    with_bias: "AddmmBackward0(AccumulateGrad,AccumulateGrad,TBackward0(AccumulateGrad))",
    without_bias: "MmBackward0(AccumulateGrad,TBackward0(AccumulateGrad))",
}


def gradients(call, look=None):
    inputs = leaf(2, 3), leaf(4, 3), leaf(4)
    out = call(*inputs)
    if look is not None:
        look(out.grad_fn)
    (out.exp() * rushlight.arange(out.shape[-1])).sum().backward()
    return [np.zeros(1) if x.grad is None else x.grad.numpy() for x in inputs]


@pytest.mark.parametrize("call", [with_bias, without_bias, of_vector])
def test_looking_changes_no_gradient(call):
    for want, got in zip(gradients(call), gradients(call, shape_of_graph)):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("call", CALLS)
def test_the_graph_has_the_nodes_of_its_steps(call):
    assert shape_of_graph(call(leaf(2, 3), leaf(4, 3), leaf(4)).grad_fn) == CALLS[call]
    constant = call(leaf(2, 3), leaf(4, 3, grad=False), leaf(4)).grad_fn
    assert shape_of_graph(constant) == CALLS[call].replace("TBackward0(AccumulateGrad)", ".")
    weight = call(leaf(2, 3, grad=False), leaf(4, 3), leaf(4)).grad_fn
    assert "TBackward0(AccumulateGrad)" in shape_of_graph(weight)


def test_a_vector_is_a_row_and_then_a_vector_again():
    want = "SqueezeBackward4(MmBackward0(UnsqueezeBackward0({}),{}))"
    x, w = leaf(3), leaf(3, 4)
    node = (x @ w).grad_fn
    assert shape_of_graph(node) == want.format("AccumulateGrad", "AccumulateGrad")
    inner = node.next_functions[0][0]
    assert inner._saved_self.shape == (1, 3)
    assert inner._saved_mat2 is w
    assert shape_of_graph((x @ w.detach()).grad_fn) == want.format("AccumulateGrad", ".")
    assert shape_of_graph((x.detach() @ w).grad_fn).startswith("SqueezeBackward4(MmBackward0(.,Acc")


@pytest.mark.parametrize("call", CALLS)
def test_hooks_of_the_shown_nodes_are_called(call):
    w, seen = leaf(4, 3), []
    out = call(leaf(2, 3), w, leaf(4))
    out.grad_fn.register_hook(lambda given, received: seen.append(given[-1].shape))
    turned = out.grad_fn.next_functions[-1][0]
    turned.register_hook(lambda given, received: seen.append((received[0].shape, given[0].shape)))
    turned.register_prehook(lambda received: (received[0] * 2,))
    out.sum().backward()
    assert seen == [(3, 4), ((3, 4), (4, 3))]
    np.testing.assert_allclose(w.grad.numpy(), 2 * np.tile(leaf(2, 3).detach().numpy().sum(0), (4, 1)))


@pytest.mark.parametrize("call", CALLS)
def test_what_was_kept_has_the_shape_that_was_multiplied(call):
    x, w = leaf(2, 3), leaf(4, 3)
    node = call(x, w, leaf(4)).grad_fn
    kept = node._saved_mat2
    assert kept.shape == (3, 4)
    assert kept.data_ptr() == w.data_ptr()
    assert type(kept.grad_fn).__name__ == "TBackward0"
    assert kept.grad_fn is node.next_functions[-1][0]
    x.sum().backward()
    out = call(x, w, leaf(4))
    out.sum().backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        out.sum().backward()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("look", [False, True])
def test_a_weight_that_was_written_to_is_named(call, look):
    w = leaf(4, 3)
    out = call(leaf(2, 3), w, leaf(4))
    if look:
        shape_of_graph(out.grad_fn)
    with rushlight.no_grad():
        w.mul_(2)
    with pytest.raises(
        RuntimeError,
        match="output 0 of AsStrided, is at version 1; expected version 0",
    ):
        out.sum().backward()


@pytest.mark.parametrize("call", [with_bias, without_bias, of_vector])
def test_looking_in_a_pass_to_some_inputs(call):
    x, w, b = leaf(2, 3), leaf(4, 3), leaf(4)
    out = call(x, w, b)
    late = out * 1
    late.register_hook(lambda g: shape_of_graph(out.grad_fn) and None)
    want = rushlight.autograd.grad(out.sum(), (x, w), retain_graph=True)
    for found, wanted in zip(rushlight.autograd.grad(late.sum(), (x, w)), want):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-12)


@pytest.mark.parametrize("call", [with_bias, without_bias, of_vector])
def test_second_derivatives(call):
    x, w, b = leaf(2, 3), leaf(4, 3), leaf(4)
    for look in (False, True):

        def slopes(x, w, b, look=look):
            out = call(x, w, b)
            if look:
                shape_of_graph(out.grad_fn)
            return (out**3).sum()

        assert rushlight.autograd.gradgradcheck(slopes, (x, w, b))


def test_layers_of_vectors_and_of_batches():
    x, w, b = leaf(3), leaf(4, 3, grad=False), leaf(4)
    want = w.numpy() @ x.detach().numpy() + b.detach().numpy()
    np.testing.assert_allclose(linear(x, w, b).detach().numpy(), want)
    with rushlight.no_grad():
        np.testing.assert_allclose(linear(x, w, b).numpy(), want)
        np.testing.assert_allclose(linear(x.expand(2, 1, 3), w, b).numpy(), np.tile(want, (2, 1, 1)))
        np.testing.assert_allclose(linear(x.expand(9, 1, 3), w).numpy(), np.tile(want - b.numpy(), (9, 1, 1)))
        assert linear(rushlight.zeros(0, 3), rushlight.zeros(4, 3), rushlight.zeros(4)).shape == (0, 4)


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (((2, 3), (4, 5), (4,)), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 5x4\)"),
        (((2, 3), (4, 5), None), r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 5x4\)"),
        (((2, 3), (4, 3), (5,)), "must match"),
    ],
)
def test_layers_that_do_not_fit(shapes, sentence):
    for grad in (True, False):
        given = [None if shape is None else rushlight.ones(shape, requires_grad=grad) for shape in shapes]
        with pytest.raises(RuntimeError, match=sentence):
            linear(*given)
