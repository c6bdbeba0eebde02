"""Broadcasting, products and reductions of any layout against NumPy: values, shapes, refusals and gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from programs import shapes, tensors
from test_indices import made, ramp, summed

import rushlight as rl

pytestmark = pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0")
TWO = {
    "add": (np.add, lambda x, y: (1 + 0 * x, 1 + 0 * y)),
    "sub": (np.subtract, lambda x, y: (1 + 0 * x, -1 + 0 * y)),
    "mul": (np.multiply, lambda x, y: (y, x)),
    "maximum": (np.maximum, lambda x, y: ((x > y) + (x == y) / 2, (y > x) + (x == y) / 2)),
    "hypot": (np.hypot, None),
    "eq": (np.equal, None),
    "lt": (np.less, None),
    "logical_xor": (np.logical_xor, None),
    "copysign": (np.copysign, None),
    "where": (lambda x, y: np.where(x > 0, x, y), lambda x, y: (x > 0, x <= 0)),
}
ONE = ("sum", "mean", "prod", "amax", "amin", "any", "all", "std")
several = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3).map(lambda s: s.input_shapes)


@given(several, st.sampled_from(sorted(TWO)), st.data())
def test_two_tensors(pair, name, data):
    x, y = [made(data.draw(tensors(shape, "float64"))).requires_grad_() for shape in pair]
    function, slopes = TWO[name]
    a, b = x.detach().numpy(), y.detach().numpy()
    out = rl.where(x > 0, x, y) if name == "where" else getattr(rl, name)(x, y)
    expected = function(a, b)
    assert tuple(out.shape) == expected.shape
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-15)
    if slopes is None:
        return
    weights = ramp(expected.shape)
    grads = rl.autograd.grad(out, (x, y), rl.tensor(weights))
    for grad, slope, shape in zip(grads, slopes(a, b), pair):
        np.testing.assert_allclose(grad.numpy(), summed(weights * slope, shape), rtol=1e-13)


@given(shapes(), shapes(), st.data())
def test_two_tensors_that_may_not_fit(first, second, data):
    x, y = [made(data.draw(tensors(shape, "float64", kinds=("sliced", "permuted")))) for shape in (first, second)]
    before = x.numpy().copy()
    try:
        shape = np.broadcast_shapes(first, second)
    except ValueError:
        for run in (lambda: x + y, lambda: rl.maximum(x, y), lambda: x.mul_(y), lambda: rl.broadcast_tensors(x, y)):
            with pytest.raises(
                RuntimeError, match=r"The size of tensor a \(\d\) must match the size of tensor b \(\d\)"
            ):
                run()
        np.testing.assert_array_equal(x.numpy(), before)
        return
    assert [tuple(t.shape) for t in rl.broadcast_tensors(x, y)] == [shape, shape]
    wide = x.expand(shape)
    np.testing.assert_array_equal(wide.numpy(), np.broadcast_to(before, shape))
    assert np.shares_memory(wide.numpy(), x.numpy()) or not wide.numel()
    if shape != first:
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            x.add_(y)
        np.testing.assert_array_equal(x.numpy(), before)
        return
    x.add_(y)
    np.testing.assert_array_equal(x.numpy(), before + y.numpy())


@given(shapes(), st.sampled_from(ONE), st.booleans(), st.data())
def test_reductions(shape, name, keepdim, data):
    x = made(data.draw(tensors(shape, "float64")))
    dims = tuple(data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True, min_size=1))) if shape else ()
    if not dims or 0 in [shape[d] for d in dims]:
        return
    if name == "prod":
        dims = dims[:1]
    out = getattr(x, name)(
        dims[0] if name == "prod" else dims, keepdim=keepdim, **{"correction": 0} if name == "std" else {}
    )
    expected = getattr(np, name)(x.numpy(), dims, keepdims=keepdim)
    assert tuple(out.shape) == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12, atol=1e-12)


@given(several, st.tuples(*[st.integers(0, 4)] * 3), st.tuples(st.booleans(), st.booleans()), st.data())
def test_products_of_matrices(batch, sizes, vectors, data):
    n, k, m = sizes
    left = (k,) if vectors[0] else (*batch[0], n, k)
    right = (k,) if vectors[1] else (*batch[1], k, m)
    x, y = [made(data.draw(tensors(shape, "float64"))).requires_grad_() for shape in (left, right)]
    a, b = x.detach().numpy(), y.detach().numpy()
    out, expected = x @ y, a @ b
    assert tuple(out.shape) == expected.shape
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    weights = ramp(expected.shape)
    of_x, of_y = rl.autograd.grad(out, (x, y), rl.tensor(weights))
    # A row and a column stand for the vectors.
    a2, b2 = (a[None] if vectors[0] else a), (b[:, None] if vectors[1] else b)
    w2 = weights.reshape((a2 @ b2).shape)
    np.testing.assert_allclose(of_x.numpy(), summed(w2 @ np.swapaxes(b2, -1, -2), a2.shape).reshape(left), atol=1e-10)
    np.testing.assert_allclose(of_y.numpy(), summed(np.swapaxes(a2, -1, -2) @ w2, b2.shape).reshape(right), atol=1e-10)
