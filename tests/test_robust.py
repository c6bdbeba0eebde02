"""What must hold when something is wrong: mistakes are refused before anything is written, sums of float32 are accurate."""

import numpy as np
import pytest

import rushlight as rl

# -- mistakes are refused before anything is written


def table(*shape):
    return rl.arange(float(np.prod(shape))).reshape(shape)


# (a write to a tensor of shape (2, 3), what the message must say)
REFUSED = {
    "add_": (lambda t: t.add_(rl.ones(4)), "must match"),
    "+=": (lambda t: t.__iadd__(rl.ones(2, 2)), "must match"),
    "mul_ broadcasts": (
        lambda t: t.mul_(rl.ones(5, 2, 3)),
        "output with shape [2, 3] doesn't match the broadcast shape [5, 2, 3]",
    ),
    "sub_ of complex": (lambda t: t.sub_(rl.ones(3, dtype=rl.complex64)), "can't be cast"),
    "copy_": (lambda t: t.copy_(rl.ones(2, 4)), "must match"),
    "fill_": (lambda t: t.fill_(rl.ones(2)), "0-dimension"),
    "clamp_": (lambda t: t.clamp_(min=rl.ones(4)), ""),
    "where out": (lambda t: rl.add(rl.ones(2, 4), rl.ones(3, 1), out=t), "must match"),
    "out of another dtype": (lambda t: rl.exp(rl.ones(2, 3, dtype=rl.complex64), out=t), "can't be cast"),
    "addmm_": (lambda t: t.addmm_(rl.ones(2, 4), rl.ones(5, 3)), "2x4 and 5x3"),
    "matmul out": (lambda t: rl.matmul(rl.ones(2, 4), rl.ones(5, 3), out=t), "2x4 and 5x3"),
    "slice": (lambda t: t.__setitem__(slice(1), rl.ones(2)), ""),
    "row": (lambda t: t.__setitem__(2, 1.0), "out of bounds"),
    "column": (lambda t: t.__setitem__((0, 3), 1.0), "out of bounds"),
    "rows": (lambda t: t.__setitem__(rl.tensor([0, 2]), 1.0), "out of"),
    "mask": (lambda t: t.__setitem__(rl.ones(3, 2, dtype=rl.bool), 1.0), "[3, 2]"),
    "too many": (lambda t: t.__setitem__((0, 0, 0), 1.0), "too many indices"),
    "index_put_": (lambda t: t.index_put_((rl.tensor([0, 5]),), rl.tensor(1.0)), "5"),
    "index_put_ values": (lambda t: t.index_put_((rl.tensor([0, 1]),), rl.ones(4)), "shape"),
    "index_add_": (lambda t: t.index_add_(0, rl.tensor([0, 2]), rl.ones(2, 3)), "out of"),
    "index_add_ sizes": (lambda t: t.index_add_(0, rl.tensor([0, 1]), rl.ones(3, 3)), ""),
    "index_copy_": (lambda t: t.index_copy_(1, rl.tensor([0, 3]), rl.ones(2, 2)), "3"),
    "index_fill_": (lambda t: t.index_fill_(1, rl.tensor([0, 3]), 1.0), "3"),
    "scatter_": (
        lambda t: t.scatter_(1, rl.tensor([[0, 3]]), 1.0),
        "index 3 is out of bounds for dimension 1 with size 3",
    ),
    "scatter_ sizes": (lambda t: t.scatter_(0, rl.zeros(1, 2, dtype=rl.int64), rl.ones(1, 1)), "[1, 2]"),
    "scatter_add_": (lambda t: t.scatter_add_(0, rl.tensor([[0, 2, 0]]), rl.ones(1, 3)), "2"),
    "scatter_ index dtype": (lambda t: t.scatter_(0, rl.zeros(1, 3), 1.0), "int64"),
    "masked_fill_": (lambda t: t.masked_fill_(rl.ones(2, 2, dtype=rl.bool), 1.0), "must match"),
    "masked_scatter_": (lambda t: t.masked_scatter_(rl.ones(2, 3, dtype=rl.bool), rl.ones(5)), ""),
    "fill_diagonal_": (lambda t: t[0].fill_diagonal_(1.0), ""),
    "put_": (lambda t: t.put_(rl.tensor([0, 6]), rl.ones(2)), ""),
    "unknown dimension": (lambda t: t.cumsum_(2), "Dimension out of range"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("tracked", [False, True], ids=["constant", "tracked"])
def test_a_refused_write_leaves_no_trace(case, tracked):
    write, words = case
    t = table(2, 3)
    if tracked:
        t = t.requires_grad_() * 1.0
    before, version, node = t.tolist(), t._version, t.grad_fn
    with pytest.raises((RuntimeError, IndexError, ValueError)) as refused:
        write(t)
    assert words in str(refused.value) or (tracked and "functions with out=" in str(refused.value))
    assert (t.tolist(), t._version, t.grad_fn) == (before, version, node)


# -- accuracy


def accurately(name, x, axis):
    """NumPy's result in float64."""
    x = x.astype(np.float64)
    return x.var(axis, ddof=1) if name == "var" else getattr(x, name)(axis)


@pytest.mark.parametrize("name", ["sum", "mean", "var"])
@pytest.mark.parametrize("shape", [(200_000, 4), (4, 200_000), (60, 80, 90), (1_000_003,)], ids=str)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_float32_reductions_are_accurate(name, shape, order):
    wide = (*shape[:-1], shape[-1] * 2) if order == "strided" else shape
    x = np.random.default_rng(1).uniform(100, 101, wide).astype(np.float32)
    x = x[..., ::2] if order == "strided" else np.asarray(x, order=order)
    for axis in [None, *range(len(shape))]:
        ours = getattr(rl.from_numpy(x), name)(*[] if axis is None else [axis]).numpy()
        np.testing.assert_allclose(ours, accurately(name, x, axis), rtol=2e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "var"])
def test_a_long_leading_axis_is_summed_accurately(name):
    x = np.full((5_000_000, 4), 0.1, np.float32)
    x[::2] = 100.0
    ours = getattr(rl.from_numpy(x), name)(0).numpy()
    np.testing.assert_allclose(ours, accurately(name, x, 0), rtol=2e-6)
