"""Values and refusals of the operations on shapes."""

import tracemalloc

import pytest

import rushlight as rl

REFUSED = [
    (lambda: rl.ones(3).view(2, 2), RuntimeError, "shape '[2, 2]' is invalid for input of size 3"),
    (lambda: rl.ones(3).reshape(-1, -1), RuntimeError, "only one dimension can be inferred"),
    (lambda: rl.ones(4).view(-2, 2), RuntimeError, "invalid shape dimension -2 at index 0 of shape [-2, 2]"),
    (
        lambda: rl.ones(3).reshape(2.5),
        TypeError,
        "reshape(): argument 'shape' (position 1) must be tuple of ints, not float",
    ),
    (
        lambda: rl.ones(2, 3).transpose(0, 2),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    (lambda: rl.ones(2, 3).permute(0, 0), RuntimeError, "permute(): duplicate dims are not allowed."),
    (lambda: rl.ones(2, 3, 2).t(), RuntimeError, "t() expects a tensor with <= 2 dimensions, but self is 3D"),
    (
        lambda: rl.ones(2, 3).expand(2, 4),
        RuntimeError,
        "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 1.  "
        "Target sizes: [2, 4].  Tensor sizes: [2, 3]",
    ),
    (lambda: rl.cat([]), ValueError, "torch.cat(): expected a non-empty list of Tensors"),
    (lambda: rl.cat([rl.ones(2), 1]), TypeError, "expected Tensor as element 1 in argument 0, but got int"),
    (
        lambda: rl.cat([rl.ones(2, 3), rl.ones(2, 2)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for tensor number 1 in the "
        "list.",
    ),
    (lambda: rl.cat([rl.tensor(1.0)]), RuntimeError, "zero-dimensional tensor (at position 0) cannot be concatenated"),
    (
        lambda: rl.stack([rl.ones(2), rl.ones(3)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1",
    ),
    (
        lambda: rl.ones(2).split(0),
        RuntimeError,
        "split_size can only be 0 if dimension size is 0, but got dimension size of 2",
    ),
    (lambda: rl.ones(2, 3).narrow(0, 1, 5), RuntimeError, "start (1) + length (5) exceeds dimension size (2)."),
    (
        lambda: rl.ones(2, 3).select(0, 5),
        IndexError,
        "select(): index 5 out of range for tensor of size [2, 3] at dimension 0",
    ),
    (lambda: rl.ones(2, 3).flip(0, 0), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    (lambda: rl.ones(2).tril(), RuntimeError, "tril: input tensor must have at least 2 dimensions"),
    (
        lambda: rl.ones(2, 3).repeat(2),
        RuntimeError,
        "Number of dimensions of repeat dims can not be smaller than number",
    ),
    (lambda: rl.ones(4).unfold(0, 5, 1), RuntimeError, "maximum size for tensor at dimension 0 is 4 but size is 5"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED, ids=range(len(REFUSED)))
def test_refusals_are_in_pytorchs_words(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_cat_leaves_out_empty_vectors_but_counts_their_dtype():
    y = rl.cat([rl.tensor([]), rl.ones(1, 3, dtype=rl.int32)])
    assert y.shape == (1, 3)
    assert y.dtype is rl.float32


def test_cat_promotes_and_gives_each_part_its_own_gradient():
    a = rl.ones(2, requires_grad=True)
    b = rl.ones(1, dtype=rl.float64, requires_grad=True)
    y = rl.cat([a, b, rl.tensor([3])])
    assert y.dtype is rl.float64
    assert y.grad_fn.name() == "CatBackward0"
    (y * rl.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert a.grad.tolist() == [1.0, 2.0]
    assert a.grad.dtype is rl.float32
    assert b.grad.tolist() == [3.0]


def test_stack_and_its_relatives():
    a, b = rl.tensor([1, 2]), rl.tensor([3, 4])
    assert rl.stack([a, b], 1).tolist() == [[1, 3], [2, 4]]
    assert rl.hstack([a, b]).tolist() == [1, 2, 3, 4]
    assert rl.vstack([a, b]).tolist() == [[1, 2], [3, 4]]
    assert rl.column_stack([a, b]).tolist() == [[1, 3], [2, 4]]
    assert rl.dstack([a, b]).tolist() == [[[1, 3], [2, 4]]]


def test_split_gives_zero_gradient_to_parts_that_nobody_used():
    x = rl.arange(5.0).requires_grad_()
    first, _, last = x.split(2)
    assert last.tolist() == [4.0]
    first.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("split", [lambda x: x.split(5)[0], lambda x: x.reshape(1, 5).unbind()[0]])
def test_a_split_into_one_part(split):
    x = rl.arange(5.0).requires_grad_()
    (split(x) * 2).sum().backward()
    assert x.grad.tolist() == [2.0] * 5


def test_pieces_of_several_sizes():
    x = rl.arange(5)
    assert [p.tolist() for p in x.chunk(3)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.tensor_split(3)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.tensor_split([1, 3])] == [[0], [1, 2], [3, 4]]
    assert [p.tolist() for p in x.split([2, 3])] == [[0, 1], [2, 3, 4]]


def test_grids():
    a, b = rl.arange(2), rl.arange(3)
    rows, columns = rl.meshgrid(a, b, indexing="ij")
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert columns.tolist() == [[0, 1, 2], [0, 1, 2]]
    across, down = rl.meshgrid(a, b, indexing="xy")
    assert across.tolist() == [[0, 1], [0, 1], [0, 1]]
    assert down.tolist() == [[0, 0], [1, 1], [2, 2]]
    with pytest.warns(UserWarning, match="it will be required to pass the indexing argument"):
        rl.meshgrid(a, b)


def test_elements_in_other_places():
    x = rl.tensor([[1, 2], [3, 4]])
    assert x.flip(0).tolist() == [[3, 4], [1, 2]]
    assert x.roll(1).tolist() == [[4, 1], [2, 3]]
    assert x.roll(1, 1).tolist() == [[2, 1], [4, 3]]
    assert x.rot90().tolist() == [[2, 4], [1, 3]]
    assert x.tile(2).tolist() == [[1, 2, 1, 2], [3, 4, 3, 4]]
    assert x.repeat_interleave(rl.tensor([1, 2]), 0).tolist() == [[1, 2], [3, 4], [3, 4]]
    assert all(s > 0 for s in x.flip(0, 1).stride())


def test_triangles_and_diagonals():
    x = rl.arange(9).reshape(3, 3)
    assert x.tril(-1).tolist() == [[0, 0, 0], [3, 0, 0], [6, 7, 0]]
    assert x.triu(1).tolist() == [[0, 1, 2], [0, 0, 5], [0, 0, 0]]
    assert x.diag(1).tolist() == [1, 5]
    assert rl.tensor([1, 2]).diag(-1).tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    assert x.trace().item() == 12
    assert rl.tril_indices(2, 2).tolist() == [[0, 1, 1], [0, 0, 1]]
    assert rl.full((2, 2), float("nan")).tril()[0, 1].item() == 0.0


def test_an_in_place_triangle_is_recorded():
    x = rl.ones(2, 2, requires_grad=True)
    y = x * 3
    y.tril_()
    y.sum().backward()
    assert x.grad.tolist() == [[3.0, 0.0], [3.0, 3.0]]


def test_broadcasting_by_name():
    assert rl.broadcast_shapes((2, 1), (3,)) == (2, 3)
    a, b = rl.broadcast_tensors(rl.ones(2, 1), rl.ones(3))
    assert a.shape == b.shape == (2, 3)
    with pytest.raises(RuntimeError, match="expected shape should be broadcastable to"):
        rl.broadcast_shapes((2,), (3,))


def test_small_constructions():
    assert rl.block_diag(rl.ones(1, 2), rl.tensor(5.0)).tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 5.0]]
    assert rl.cartesian_prod(rl.tensor([1, 2]), rl.tensor([3, 4])).tolist() == [[1, 3], [1, 4], [2, 3], [2, 4]]
    assert rl.combinations(rl.tensor([1, 2, 3])).tolist() == [[1, 2], [1, 3], [2, 3]]
    assert rl.vander(rl.tensor([1, 2, 3])).tolist() == [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    assert rl.constant_pad_nd(rl.ones(1, 2), (1, -1), 3.0).tolist() == [[3.0, 1.0]]


def test_a_view_that_cannot_be_is_refused_without_a_copy():
    x = rl.ones(400, 500).t()
    tracemalloc.start()
    try:
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            x.view(-1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.numel()


def test_flips_keep_the_order_of_memory():
    x = rl.arange(20.0).reshape(4, 5).t()
    assert x.flip(0).stride() == (1, 5)
    assert rl.rot90(x).stride() == (5, 1)
    assert x.flip(0).tolist() == x.contiguous().flip(0).tolist()
    # What is expanded has none.
    assert rl.arange(5.0).expand(3, 5).flip(0).stride() == (5, 1)
