"""Functions of views that copy; writes through views as copies; parts that nobody writes to."""

import numpy as np
import pytest

import rushlight as rl

X = np.arange(12.0).reshape(3, 4)
# (copying function, its arguments, what it shows as NumPy has it)
COPIES = [
    ("alias_copy", (), X),
    ("as_strided_copy", ((2, 2), (1, 5), 1), [[1, 6], [2, 7]]),
    ("detach_copy", (), X),
    ("diagonal_copy", (1,), [1, 6, 11]),
    ("expand_copy", ((2, 3, 4),), np.stack([X, X])),
    ("narrow_copy", (1, 1, 2), X[:, 1:3]),
    ("permute_copy", ((1, 0),), X.T),
    ("select_copy", (0, -1), X[-1]),
    ("slice_copy", (1, 0, 4, 2), X[:, ::2]),
    ("squeeze_copy", (0,), X),
    ("t_copy", (), X.T),
    ("transpose_copy", (0, 1), X.T),
    ("unfold_copy", (0, 2, 1), np.stack([X[:2], X[1:]]).transpose(0, 2, 1)),
    ("unsqueeze_copy", (1,), X[:, None]),
    ("view_copy", ((4, -1),), X.reshape(4, 3)),
]


@pytest.mark.parametrize("name, args, expected", COPIES, ids=[row[0] for row in COPIES])
def test_a_copy_has_memory_of_its_own(name, args, expected):
    x = rl.tensor(X)
    out = getattr(rl, name)(x, *args)
    np.testing.assert_array_equal(out.numpy(), expected)
    assert out.is_contiguous() and not np.may_share_memory(out.numpy(), x.numpy())
    target = rl.empty(0, dtype=rl.float64)
    assert getattr(rl, name)(x, *args, out=target) is target
    np.testing.assert_array_equal(target.numpy(), expected)


@pytest.mark.parametrize("name, args, expected", COPIES, ids=[row[0] for row in COPIES])
def test_the_gradient_of_a_copy_is_that_of_the_view(name, args, expected):
    x = rl.tensor(X, requires_grad=True)
    out = getattr(rl, name)(x, *args)
    if name == "detach_copy":
        assert not out.requires_grad
        return
    assert type(out.grad_fn).__name__.removesuffix("_copy").endswith("Backward0")
    weight = rl.arange(1.0, out.numel() + 1, dtype=rl.float64).reshape(out.shape)
    (grad,) = rl.autograd.grad((out * weight).sum(), x)
    shown = [(int(v), w) for v, w in zip(np.ravel(expected), np.ravel(weight.numpy()))]
    wanted = np.zeros(12)
    for place, w in shown:
        wanted[place] += w
    np.testing.assert_array_equal(grad.numpy().ravel(), wanted)


def test_copies_in_several_parts():
    x = rl.tensor(X, requires_grad=True)
    for name, args, expected in (
        ("split_copy", (2,), [X[:2], X[2:]]),
        ("split_with_sizes_copy", ([1, 2],), [X[:1], X[1:]]),
        ("unbind_copy", (1,), list(X.T)),
    ):
        parts = getattr(rl, name)(x, *args)
        assert len(parts) == len(expected)
        for part, shown in zip(parts, expected):
            np.testing.assert_array_equal(part.detach().numpy(), shown)
            assert not np.may_share_memory(part.detach().numpy(), x.detach().numpy())
    with pytest.raises(RuntimeError, match="expected an out= argument of size 3, got size 1"):
        rl.unbind_copy(x.detach(), out=[rl.empty(0)])


def test_complex_copies():
    z = rl.tensor([1 + 2j])
    pairs = rl.view_as_real_copy(z)
    assert pairs.tolist() == [[1, 2]]
    assert rl.view_as_complex_copy(pairs).tolist() == [1 + 2j]
    pairs.zero_()
    assert z.item() == 1 + 2j


def test_view_copy_reads_bits_and_needs_no_strides():
    assert rl.view_copy(rl.ones(2), dtype=rl.int32).tolist() == [0x3F800000] * 2
    assert rl.view_copy(rl.tensor(X).t(), (12,)).tolist() == X.T.ravel().tolist()


def test_samples_of_copies_are_copies():
    x = rl.arange(6.0).reshape(2, 3)
    out = rl.vmap(lambda row: rl.narrow_copy(row, 0, 1, 2).mul_(2))(x)
    assert out.tolist() == [[2, 4], [8, 10]]
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda x: rl.narrow_copy(x, 0, 0, -1), RuntimeError, "start (0) + length (-1) exceeds dimension size (3)."),
        (lambda x: rl.slice_copy(x, step=0), RuntimeError, "slice step must be positive"),
        (lambda x: rl.slice_copy(x[0, 0]), IndexError, "slice() cannot be applied to a 0-dim tensor."),
        (lambda x: rl.view_copy(x, (5,)), RuntimeError, "shape '[5]' is invalid for input of size 12"),
        (
            lambda x: rl.as_strided_scatter(x, rl.ones(3, dtype=rl.float64), (2,), (1,)),
            RuntimeError,
            "expected src to have a size equal to the slice of self. src size = [3], slice size = [2]",
        ),
        (
            lambda x: rl.as_strided_scatter(x, rl.ones(2), (2,), (200,)),
            RuntimeError,
            "are out of bounds for storage of size 96",
        ),
        (
            lambda x: rl.as_strided_scatter(x[1], rl.ones(2), (2,), (1,), 0),
            RuntimeError,
            "the place reaches beyond the elements of a view",
        ),
        (lambda x: rl._chunk_cat([], 0, 2), RuntimeError, "_chunk_cat expects a non-empty input tensor list"),
        (lambda x: rl._chunk_cat([x], 0, 0), RuntimeError, "_chunk_cat expects positive num_chunks"),
        (lambda x: rl._chunk_cat([x, x[0]], -1, 2), RuntimeError, "expects non-negative dim when input tensors have"),
        (lambda x: rl._chunk_cat([x, x.long()], 0, 2), RuntimeError, "all input tensors with the same dtype"),
        (lambda x: rl._chunk_cat([x, x[:0]], 0, 2), RuntimeError, "_chunk_cat expects non-empty tensor"),
        (lambda x: rl._chunk_cat([x, x[0]], 1, 2), RuntimeError, "expects dim < ndim for all input tensors"),
        (lambda x: rl._chunk_cat([x, x[:2]], 1, 2), RuntimeError, "same sizes of 0,...,dim-1 dimensions"),
    ],
)
def test_refused(call, error, words):
    with pytest.raises(error) as caught:
        call(rl.tensor(X))
    assert words in str(caught.value)


def test_a_scatter_by_strides_and_its_gradients():
    x = rl.zeros(2, 3, dtype=rl.float64, requires_grad=True)
    src = rl.tensor([5.0, 6.0], dtype=rl.float64, requires_grad=True)
    out = rl.as_strided_scatter(x.t(), src, (2,), (1,), 1)
    assert out.tolist() == [[0, 0], [5, 0], [6, 0]]
    for_x, for_src = rl.autograd.grad(out.sum(), (x, src))
    assert for_x.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert for_src.tolist() == [1, 1]


def test_slice_inverse_shows_the_whole_storage():
    x = rl.arange(6.0).reshape(2, 3)
    assert rl.slice_inverse(x[:1], x, 0, 0, 1).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 12"):
        rl.slice_inverse(rl.ones(1, 3), x, 0, 0, 1)


def test_chunks_of_several_tensors():
    a, b = rl.arange(6.0).reshape(2, 3), rl.ones(1, 3)
    assert rl._chunk_cat([a, b], 0, 2).tolist() == [[0, 1, 2, 1, 1, 1], [3, 4, 5, 0, 0, 0]]


def test_unsafe_parts_are_the_parts():
    x = rl.tensor(X)
    assert [p.tolist() for p in x.unsafe_chunk(2)] == [p.tolist() for p in x.chunk(2)]
    assert [p.tolist() for p in rl.unsafe_split(x, 2, 1)] == [p.tolist() for p in x.split(2, 1)]
    assert [p.tolist() for p in x.unsafe_split_with_sizes([1, 2])] == [p.tolist() for p in x.split([1, 2])]
