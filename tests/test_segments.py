"""Reductions of segments; indices as numbers; masked indexing."""

import math

import numpy as np
import pytest

import rushlight as rl

X = rl.arange(6.0).reshape(3, 2)
EXPECTED = {
    "sum": ([[0, 1], [6, 8]], 0.0),
    "mean": ([[0, 1], [3, 4]], math.nan),
    "prod": ([[0, 1], [8, 15]], 1.0),
    "max": ([[0, 1], [4, 5]], -math.inf),
    "min": ([[0, 1], [2, 3]], math.inf),
}


@pytest.mark.parametrize("reduce", EXPECTED)
def test_each_segment_is_reduced(reduce):
    rows, empty = EXPECTED[reduce]
    for segments in ({"lengths": rl.tensor([1, 2, 0])}, {"offsets": rl.tensor([0, 1, 3, 3])}):
        out = rl.segment_reduce(X, reduce, **segments)
        np.testing.assert_array_equal(out.numpy(), [*rows, [empty, empty]])


def test_initial_values():
    found = {
        reduce: rl.segment_reduce(X[:, 0], reduce, lengths=rl.tensor([3, 0]), initial=3).tolist() for reduce in EXPECTED
    }
    assert found == {"sum": [9, 3], "mean": [3, 3], "prod": [0, 3], "max": [4, 3], "min": [0, 3]}


def test_rows_have_segments_of_their_own():
    x = rl.arange(12.0).reshape(2, 3, 2)
    out = rl.segment_reduce(x, "sum", lengths=rl.tensor([[1, 2], [3, 0]]), axis=1)
    assert out.tolist() == [[[0, 1], [6, 8]], [[24, 27], [0, 0]]]


@pytest.mark.parametrize("reduce", EXPECTED)
def test_gradients(reduce):
    x = rl.tensor(np.random.default_rng(5).uniform(0.5, 2, (5, 2)), requires_grad=True)

    def reduced(x):
        return rl.segment_reduce(x, reduce, lengths=rl.tensor([2, 3]))

    assert rl.autograd.gradcheck(reduced, (x,), check_forward_ad=True)
    assert rl.autograd.gradgradcheck(reduced, (x,))
    rows = rl.vmap(reduced)(rl.stack([x, 2 * x]))
    np.testing.assert_allclose(rows[1].detach().numpy(), reduced(2 * x).detach().numpy())


@pytest.mark.parametrize(
    "args, named, error, words",
    [
        (("sum",), {}, RuntimeError, "segment_reduce(): Either lengths or offsets must be defined."),
        (("sum",), {"indices": X}, RuntimeError, "indices based reduction is not supported yet."),
        (("all",), {"lengths": rl.tensor([3])}, RuntimeError, "must be either sum, prod, mean, amax or amin, got all"),
        (("sum",), {"lengths": rl.tensor([2])}, RuntimeError, "Expected all rows of lengths along axis to sum to"),
        (("sum",), {"lengths": rl.tensor([4, -1])}, RuntimeError, "lengths contains negative value!"),
        (("sum",), {"lengths": [3]}, TypeError, "segment_reduce(): argument 'lengths' must be Tensor, not list"),
        (("sum",), {"lengths": rl.ones(3)}, NotImplementedError, "_segment_reduce_lengths_cpu_kernel1"),
        (("sum",), {"lengths": rl.tensor([3]), "axis": 1}, RuntimeError, "Expected axis to be the last dimension of"),
        (("sum",), {"offsets": rl.tensor([0, 9])}, RuntimeError, "Expected all rows of lengths along axis to sum to"),
    ],
)
def test_refused(args, named, error, words):
    with pytest.raises(error) as caught:
        rl.segment_reduce(X, *args, **named)
    assert words in str(caught.value)


def test_lengths_may_leave_entries_out_if_unsafe():
    assert rl.segment_reduce(X, "sum", lengths=rl.tensor([2]), unsafe=True).tolist() == [[2, 4]]


# -- places


def test_unravel_index():
    found = rl.unravel_index(rl.tensor([[3, 7], [-3, 8]]), (2, 4))
    assert [f.tolist() for f in found] == [[[0, 1], [1, 0]], [[3, 3], [1, 0]]]
    assert rl.unravel_index(rl.tensor(3), 4)[0].item() == 3
    with pytest.raises(TypeError, match=r"expected 'indices' to be integer dtype, but got rushlight\.float32"):
        rl.unravel_index(rl.ones(1), (4,))
    with pytest.raises(ValueError, match=r"'shape' cannot have negative values, but got \(4, -1\)"):
        rl.unravel_index(rl.tensor(3), (4, -1))
    for shape in ((4, 2.5), "a"):
        with pytest.raises(TypeError, match="expected 'shape' sequence to only contain ints, but got <class"):
            rl.unravel_index(rl.tensor(3), shape)


def test_nonzero_static():
    x = rl.tensor([[0, 1], [2, 0]])
    assert rl.nonzero_static(x, size=1).tolist() == [[0, 1]]
    assert x.nonzero_static(size=3, fill_value=7).tolist() == [[0, 1], [1, 0], [7, 7]]
    assert rl.nonzero_static(x, size=0).shape == (0, 2)
    with pytest.raises(RuntimeError, match="nonzero_static: 'size' must be an non-negative integer"):
        rl.nonzero_static(x, size=-1)
    with pytest.raises(TypeError, match="argument 'size' must be int, not float"):
        rl.nonzero_static(x, size=2.5)


def test_masked_indices_may_lie_outside():
    x = rl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    mask, at = rl.tensor([True, False, True]), (rl.tensor([0, -9, 1]), rl.tensor([0, 7, 0]))
    picked = rl._unsafe_masked_index(x, mask, at, 7.0)
    assert picked.tolist() == [1, 7, 3]
    (grad,) = rl.autograd.grad(picked.sum(), x)
    assert grad.tolist() == [[1, 0], [1, 0]]
    values = rl.ones(3, requires_grad=True)
    added = rl._unsafe_masked_index_put_accumulate(x, mask, at, values)
    assert added.tolist() == [[2, 2], [4, 4]]
    assert rl.autograd.grad(added.sum(), values)[0].tolist() == [1, 0, 1]
    with pytest.raises(TypeError, match="expected Tensor as element 0 in argument 2, but got NoneType"):
        rl._unsafe_masked_index(x, mask, [None], 0)
