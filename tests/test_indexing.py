"""Indexing: what x[index] reads and shares, what x[index] = value writes and records, and gathers and scatters."""

import math

import numpy as np
import pytest

import rushlight
from rushlight import core
from rushlight.functions import selecting


def matrix(rows=3, columns=4, **options):
    return rushlight.tensor(np.arange(float(rows * columns)).reshape(rows, columns), **options)


def name(x):
    return x.grad_fn.name()


# -- reading


@pytest.mark.parametrize(
    "index, shape, node",
    [
        (0, (4,), "SelectBackward0"),
        (-1, (4,), "SelectBackward0"),
        (slice(1, None), (2, 4), "SliceBackward0"),
        (slice(None), (3, 4), "SliceBackward0"),
        ((slice(None), slice(None)), (3, 4), "AliasBackward0"),
        (..., (3, 4), "AliasBackward0"),
        ((), (3, 4), "AliasBackward0"),
        (None, (1, 3, 4), "UnsqueezeBackward0"),
        ((..., None), (3, 4, 1), "UnsqueezeBackward0"),
        ((0, slice(None)), (4,), "SelectBackward0"),
        ((1, 2), (), "SelectBackward0"),
        ((0, slice(1, 3)), (2,), "SliceBackward0"),
        ((None, 0), (1, 4), "SelectBackward0"),
        ((..., ..., 0), (3,), "SelectBackward0"),
    ],
)
def test_a_basic_index_makes_a_view(index, shape, node):
    x = matrix(requires_grad=True) * 1
    view = x[index]
    assert tuple(view.shape) == shape
    assert name(view) == node
    assert view._base is x
    assert np.shares_memory(view._array, x._array)


def test_a_view_is_written_through():
    x = matrix()
    x[1][2] = -1
    x[0, 1:3].add_(10)
    assert x.tolist() == [[0, 11, 12, 3], [4, 5, -1, 7], [8, 9, 10, 11]]


@pytest.mark.parametrize(
    "index, expected",
    [
        ([0, 2], [[0, 1, 2, 3], [8, 9, 10, 11]]),
        ((0, [1, 3]), [1, 3]),
        (([0, 1], [3, -1]), [3, 7]),
        ((slice(None), [0]), [[0], [4], [8]]),
        ([True, False, True], [[0, 1, 2, 3], [8, 9, 10, 11]]),
        (np.array([[0], [1]]), [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]),
        ((None, [2], 1), [[9]]),
        ([], []),
    ],
)
def test_an_advanced_index_makes_a_copy(index, expected):
    x = matrix(requires_grad=True)
    out = x[index]
    assert out.tolist() == expected
    assert name(out) == "IndexBackward0"
    assert not out._is_view()


def test_integers_are_applied_before_arrays():
    x = rushlight.tensor(np.arange(24.0).reshape(2, 3, 4))
    assert x[0, :, [1, 2]].tolist() == [[1, 2], [5, 6], [9, 10]]
    assert tuple(x[[0, 1], :, [1, 2]].shape) == (2, 3)
    assert tuple(x[:, [0, 1], None, [1, 2]].shape) == (2, 2, 1)


def test_masks_and_truth_values():
    x = matrix()
    assert x[x > 8].tolist() == [9, 10, 11]
    assert x[x[:, 0] > 1, 0].tolist() == [4, 8]
    assert x[True].tolist() == [x.tolist()]
    assert tuple(x[False].shape) == (0, 3, 4)
    assert tuple(rushlight.tensor(3.0)[rushlight.tensor(True)].shape) == (1,)


def test_a_0_dim_integer_tensor_is_an_integer():
    x = matrix(requires_grad=True)
    assert name(x[rushlight.tensor(1)]) == "SelectBackward0"
    assert x[1 : rushlight.tensor(2)].tolist() == [[4, 5, 6, 7]]


def test_the_index_is_the_one_of_then():
    x = matrix(requires_grad=True)
    index = rushlight.tensor([0, 0])
    out = x[index]
    index[0] = 2
    out.sum().backward()
    assert x.grad[:, 0].tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    "read, error, words",
    [
        (lambda x: x[5], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        (lambda x: x[0, -5], IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
        (lambda x: x[[0, 5]], IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        (lambda x: x[:0][[0]], IndexError, "index is out of bounds for dimension with size 0"),
        (lambda x: x[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
        (lambda x: x[0, 0, [0]], IndexError, "too many indices for tensor of dimension 2"),
        (lambda x: x[0, 0][0], IndexError, "invalid index of a 0-dim tensor."),
        (lambda x: x[0, 0][:], IndexError, "slice() cannot be applied to a 0-dim tensor."),
        (lambda x: x[::-1], ValueError, "step must be greater than zero"),
        (lambda x: x[::0], ValueError, "slice step cannot be zero"),
        (lambda x: x["a":], TypeError, "slice indices must be integers or None or have an __index__ method"),
        (
            lambda x: x[1.0],
            IndexError,
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables",
        ),
        (lambda x: x["a"], TypeError, "new(): invalid data type 'str'"),
        (lambda x: x[x], IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
        (
            lambda x: x[x[0] > 1],
            IndexError,
            "The shape of the mask [4] at index 0 does not match the shape of the indexed tensor [3, 4] at index 0",
        ),
        (
            lambda x: x[[0, 1], [0, 1, 2]],
            IndexError,
            "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]",
        ),
        (lambda x: x[2**70], ValueError, "Overflow when unpacking long long"),
    ],
)
def test_errors_of_reading(read, error, words):
    with pytest.raises(error) as caught:
        read(matrix())
    assert str(caught.value).startswith(words)


def test_an_error_says_where_the_index_stands():
    with pytest.raises(IndexError) as caught:
        matrix()[rushlight.tensor([[0, 1], [2, 9]])]
    assert "position [1, 1]" in "".join(caught.value.__notes__)


# -- writing


@pytest.mark.parametrize(
    "index, value",
    [
        (0, 5),
        ((0, 1), 2.5),
        ((slice(None), slice(1, 3)), np.arange(2.0)),
        ([0, 2], 7),
        ([2, 0], np.arange(8.0).reshape(2, 4)),
        ((slice(None), [1]), np.arange(3.0).reshape(3, 1)),
        (np.arange(12).reshape(3, 4) % 3 == 0, -1.0),
        (np.arange(12).reshape(3, 4) % 6 == 0, np.array([1.0, 2.0])),
        (..., 3),
    ],
)
def test_writing_does_what_numpy_does(index, value):
    x, expected = matrix(), matrix().numpy().copy()
    expected[index] = value
    x[index] = value if np.isscalar(value) else rushlight.tensor(value)
    assert x.tolist() == expected.tolist()
    assert x._version == 1


def test_values_take_the_dtype_of_the_tensor():
    x = rushlight.tensor([1, 2, 3])
    x[0] = 1.7
    x[1:] = rushlight.tensor(2.9)
    assert x.tolist() == [1, 2, 2]
    half = rushlight.zeros(2, dtype=rushlight.float16)
    half[0] = 1e6
    assert half[0].item() == math.inf
    x[[True, False, False]] = rushlight.tensor(8.5)
    assert x[0].item() == 8


def test_truth_values_write_everything_or_nothing():
    x = rushlight.zeros(2)
    x[True] = 1
    x[False] = 5
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize(
    "index, value, error, words",
    [
        (0, "a", TypeError, "can't assign a str to a "),
        (0, [1, 2], TypeError, "can't assign a list to a "),
        (5, 1, IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        ([0, 5], 1.0, IndexError, "index 5 is out of bounds for dimension 0 with size 3"),
        (0, 1j, RuntimeError, "value cannot be converted to type double without overflow"),
        (
            0,
            np.zeros(3),
            RuntimeError,
            "The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 0.  "
            "Target sizes: [4].  Tensor sizes: [3]",
        ),
        (
            [0, 2],
            np.zeros((3, 4)),
            RuntimeError,
            "shape mismatch: value tensor of shape [3, 4] cannot be broadcast to indexing result of shape [2, 4]",
        ),
        (
            [0, 2],
            np.zeros(4, np.float32),
            RuntimeError,
            "Index put requires the source and destination dtypes match, got Double for the destination and Float for "
            "the source.",
        ),
    ],
)
def test_a_refused_write_writes_nothing(index, value, error, words):
    x = matrix()
    with pytest.raises(error) as caught:
        x[index] = rushlight.tensor(value) if isinstance(value, np.ndarray) else value
    assert str(caught.value).startswith(words)
    assert x.tolist() == matrix().tolist()
    assert x._version == 0


def test_leaves_that_require_grad_are_not_written():
    x = matrix(requires_grad=True)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used in an in-place"):
        x[0] = 1
    with pytest.raises(
        RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place operation"
    ):
        x[[0]] = 1
    with rushlight.no_grad():
        x[0] = 1
    assert x[0].tolist() == [1, 1, 1, 1]


def test_a_write_enters_the_history():
    x, v = (
        matrix(requires_grad=True),
        rushlight.tensor([1.0, 1.0], dtype=rushlight.float64, requires_grad=True),
    )
    y = x * 1
    y[0, :2] = v
    assert name(y) == "torch::autograd::CopySlices"
    y[[1, 1], [0, 1]] = v * 3
    assert name(y) == "IndexPutBackward0"
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 1, 1]]
    assert v.grad.tolist() == [4, 4]


def test_what_backward_needs_must_not_be_overwritten():
    x = matrix(requires_grad=True)
    y = x * 1
    z = y * y
    y[[0]] = 1
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        z.sum().backward()


def test_items_cannot_be_deleted():
    with pytest.raises(TypeError, match="Tensor does not support deleting items"):
        del matrix()[0]


def test_writing_from_the_tensor_itself():
    x = rushlight.arange(4)
    x[[0, 1]] = x[2:]
    x[1:] = x[:3].clone()
    assert x.tolist() == [2, 2, 3, 2]
    x.index_add_(0, rushlight.tensor([0, 1]), x[:2])
    assert x.tolist() == [4, 4, 3, 2]


# -- functions


def test_gather_and_scatter_are_each_others_adjoint():
    x = matrix(requires_grad=True)
    index = rushlight.tensor([[0, 1, 2, 0], [2, 2, 2, 2]])
    out = x.gather(0, index)
    assert out.tolist() == [[0, 5, 10, 3], [8, 9, 10, 11]]
    out.sum().backward()
    assert x.grad.tolist() == [[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 2, 1]]
    assert rushlight.zeros(3, 4).scatter_add(0, index, rushlight.ones(2, 4)).tolist() == x.grad.tolist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "int32", "complex64"])
def test_repeated_indices_add_up(dtype):
    dtype = getattr(rushlight, dtype)
    x, ones = rushlight.zeros(3, 2, dtype=dtype), rushlight.ones(4, 2, dtype=dtype)
    x.index_add_(0, rushlight.tensor([1, 1, 1, 2]), ones, alpha=2)
    assert x.tolist() == [[0, 0], [6, 6], [2, 2]]
    x.index_put_((rushlight.tensor([0, 0]), rushlight.tensor([1, 1])), ones[0], accumulate=True)
    assert x[0].tolist() == [0, 2]


def test_adding_along_any_dimension():
    x, source = rushlight.zeros(2, 3, 2), rushlight.ones(2, 4, 2)
    out = x.index_add(1, rushlight.tensor([0, 2, 2, 2]), source)
    assert out[:, :, 0].tolist() == [[1, 0, 3], [1, 0, 3]]
    turned = rushlight.zeros(3, 2).t()
    turned.index_add_(1, rushlight.tensor([1, 1]), rushlight.ones(2, 2))
    assert turned.tolist() == [[0, 2, 0], [0, 2, 0]]


def test_scatter_reduce():
    x, index = rushlight.tensor([1.0, 2.0, 3.0]), rushlight.tensor([0, 0, 1])
    src = rushlight.tensor([4.0, 5.0, 6.0])
    assert x.scatter_reduce(0, index, src, "sum").tolist() == [10, 8, 3]
    assert x.scatter_reduce(0, index, src, "prod", include_self=False).tolist() == [20, 6, 3]
    assert x.scatter_reduce(0, index, src, "mean", include_self=False).tolist() == [4.5, 6, 3]
    assert x.scatter_reduce(0, index, src, "amax").tolist() == [5, 6, 3]
    assert x.scatter_reduce(0, index, src, "amin").tolist() == [1, 2, 3]


def test_values_that_tie_share_the_gradient():
    x = rushlight.tensor([2.0], requires_grad=True)
    src = rushlight.tensor([2.0, 1.0, 2.0, 2.0], requires_grad=True)
    x.scatter_reduce(0, rushlight.tensor([0, 0, 0, 0]), src, "amax").backward(rushlight.tensor([1.0]))
    assert x.grad.tolist() == [0.25]
    assert src.grad.tolist() == [0.25, 0, 0.25, 0.25]


def test_masks():
    x = matrix(2, 2, requires_grad=True)
    on = rushlight.tensor([[True, False], [False, True]])
    x.masked_fill(on, 9).sum().backward()
    assert x.grad.tolist() == [[0, 1], [1, 0]]
    assert x.masked_select(on).tolist() == [0, 3]
    source = rushlight.tensor([7.0, 8.0, 9.0], dtype=rushlight.float64, requires_grad=True)
    out = x.masked_scatter(on, source)
    assert out.tolist() == [[7, 1], [2, 8]]
    out.sum().backward()
    assert source.grad.tolist() == [1, 1, 0]


def test_flat_positions():
    x = matrix(2, 3)
    index = rushlight.tensor([0, -1, 0])
    assert x.take(index).tolist() == [0, 5, 0]
    assert x.put(index, rushlight.ones(3, dtype=x.dtype), accumulate=True).tolist() == [[2, 1, 2], [3, 4, 6]]
    assert rushlight.take_along_dim(x, rushlight.tensor([[2], [-3]]), 1).tolist() == [[2], [3]]


def test_nonzero():
    x = rushlight.tensor([[0, 1], [2, 0]])
    assert rushlight.nonzero(x).tolist() == [[0, 1], [1, 0]]
    assert [part.tolist() for part in rushlight.nonzero(x, as_tuple=True)] == [[0, 1], [1, 0]]
    assert tuple(rushlight.nonzero(rushlight.tensor(3)).shape) == (1, 0)
    assert rushlight.argwhere(x).tolist() == [[0, 1], [1, 0]]


def test_embedding_adds_up_rows_but_the_padding():
    weight = matrix(3, 2, requires_grad=True)
    indices = rushlight.tensor([[0, 1], [1, 2]])
    out = rushlight.embedding(weight, indices, padding_idx=2)
    assert name(out) == "EmbeddingBackward0"
    out.sum().backward()
    assert weight.grad.tolist() == [[1, 1], [2, 2], [0, 0]]
    weight.grad = None
    rushlight.embedding(weight, indices, -1, True).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [1, 1], [1, 1]]


def test_one_hot():
    assert selecting.one_hot(rushlight.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(RuntimeError, match="Class values must be smaller than num_classes"):
        selecting.one_hot(rushlight.tensor([0, 2]), 2)


def test_fill_diagonal():
    x = rushlight.zeros(5, 2)
    x.fill_diagonal_(1, wrap=True)
    assert x.tolist() == [[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]
    y = matrix(2, 2, requires_grad=True) * 1
    y.fill_diagonal_(0)
    assert y.tolist() == [[0, 1], [2, 0]]
    assert name(y) == "torch::autograd::CopySlices"


def test_indices_outside_are_refused_before_anything_is_written():
    x, index = rushlight.zeros(3), rushlight.tensor([0, 3])
    ones = rushlight.ones(2)
    writes = [
        lambda: x.index_add_(0, index, ones),
        lambda: x.index_copy_(0, index, ones),
        lambda: x.index_fill_(0, index, 1),
        lambda: x.scatter_(0, index, ones),
        lambda: x.scatter_add_(0, index, ones),
        lambda: x.scatter_reduce_(0, index, ones, "sum"),
        lambda: x.put_(index, ones),
        lambda: x.index_put_((index,), ones),
        lambda: x.index_put_((index,), ones, accumulate=True),
    ]
    for write in writes:
        with pytest.raises((IndexError, RuntimeError), match=r"index 3|access index 3"):
            write()
    assert x.tolist() == [0, 0, 0]
    assert x._version == 0


def test_a_result_is_written_into_out():
    x, out = matrix(), rushlight.zeros(0, dtype=rushlight.float64)
    assert rushlight.index_select(x, 0, rushlight.tensor([1]), out=out) is out
    assert out.tolist() == [[4, 5, 6, 7]]
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype double, but got float instead"):
        rushlight.gather(x, 0, rushlight.tensor([[0]]), out=rushlight.zeros(0))
    with pytest.raises(RuntimeError, match="unsupported operation"):
        rushlight.take(x, rushlight.tensor([0]), out=x)


def test_gather_writes_over_its_index():
    x, index = rushlight.tensor([[5, 6], [7, 8]]), rushlight.tensor([[0, 1], [1, 0]])
    assert rushlight.gather(x, 0, index, out=index) is index
    assert index.tolist() == [[5, 8], [7, 6]]
    storage = rushlight.tensor([[0, 1], [1, 0], [0, 0]])
    with pytest.warns(UserWarning, match="was resized"):
        assert rushlight.gather(x, 0, storage[:1], out=storage).tolist() == [[5, 8]]
    with pytest.raises(RuntimeError, match="unsupported operation"):
        rushlight.gather(x, 0, storage[:1], out=x)


def test_kernels_decline_indices_outside():
    rows = pytest.importorskip("rushlight.kernels.index")
    grids = pytest.importorskip("rushlight.kernels.scatter")
    out, source = np.zeros((3, 2)), np.ones((1, 2))
    for write in (rows.add, rows.write):
        assert not write(out, 0, (np.array([3]),), source)
    assert not rows.fill(out, 1, (np.array([-3]),), np.array(1.0))
    assert rows.read(out, 0, (np.array([3]),)) is NotImplemented
    assert not grids.scatter(out, 0, np.array([[-1, 0]]), source)
    assert not grids.reduce(out, 0, np.array([[-1, 0]]), source, "sum")
    assert grids.gather(out, 0, np.array([[0, 7]])) is NotImplemented
    assert out.sum() == 0
    assert core.wrap(out)[0].tolist() == [0, 0]


@pytest.mark.parametrize(
    "look_up",
    [
        lambda x, index: x.index_select(0, index),
        lambda x, index: x.t().index_select(1, index).t(),
        lambda x, index: rushlight.nn.functional.embedding(index, x),
        lambda x, index: x[index],
    ],
)
def test_what_is_looked_up_in_an_expanded_view_alone_is_copied(look_up):
    """The view has 4 TB."""
    row = rushlight.arange(1000.0)
    x = row.expand(10**9, 1000)
    out = look_up(x, rushlight.tensor([10**9 - 1, 0, 5]))
    assert out.shape == (3, 1000)
    assert bool((out == row).all())


def test_take_reads_an_expanded_view_where_it_lies():
    x = rushlight.arange(1000.0).expand(10**9, 1000)
    assert x.take(rushlight.tensor([[3, -1], [10**12 - 2, 0]])).tolist() == [[3, 999], [998, 0]]
    for index in (10**12, -(10**12) - 1):
        with pytest.raises(IndexError, match="out of range"):
            x.take(rushlight.tensor([index]))


def test_an_index_beyond_its_dimension_is_refused_where_nothing_is_read():
    x, n = rushlight.ones(2, 2), np.ones((2, 2))
    for key in ((slice(0, 0), [2]), ([2], slice(0, 0)), (slice(0, 0), [-3])):
        with pytest.raises(IndexError):
            n[key]
        with pytest.raises(IndexError, match="is out of bounds for dimension 0 with size 2"):
            x[tuple([part if type(part) is slice else rushlight.tensor(part) for part in key])]


def test_an_index_beside_one_of_no_elements_names_nothing():
    x, nothing = rushlight.zeros(0, 4), rushlight.zeros(0, dtype=rushlight.int64)
    assert x[nothing, [4]].shape == (0,)
    for value in (1.0, rushlight.ones(1), rushlight.ones(1, requires_grad=True)):
        y = rushlight.zeros(0, 4)
        y[nothing, [4]] = value
        assert y.shape == (0, 4)


# -- the short ways


def test_what_is_refused_is_not_written():
    x, rows = rushlight.zeros(1000, 2), rushlight.ones(700, 2)
    index = rushlight.arange(700)
    index[699] = 1000
    for value in (rows, rows[0], 1.0):
        with pytest.raises(IndexError, match="index 1000 is out of bounds for dimension 0 with size 1000"):
            x[index] = value
    with pytest.raises(RuntimeError, match="shape mismatch"):
        x[index[:5]] = rows
    assert not x.any() and x._version == 0
    x[index[:699]] = rows[1:]
    assert x.sum() == 2 * 699 and x._version == 1


def test_rows_of_the_tensor_itself():
    x = rushlight.arange(5)
    x[rushlight.tensor([1, 2, 3, 4])] = x[:4]
    assert x.tolist() == [0, 0, 1, 2, 3]
    x[x] = x
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("value", [1.0, rushlight.ones(2, 4)])
def test_writes_to_what_is_expanded(value):
    x = rushlight.zeros(4).expand(3, 4)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x[1:3] = value
    x[0] = rushlight.ones(4)
    assert (x == 1).all()


def test_a_mask_is_kept_as_it_was():
    x = matrix(requires_grad=True)
    mask = x.detach() > 5
    y = x[mask]
    mask.fill_(False)
    assert name(y) == "IndexBackward0"
    (y * y).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0, 0], [0, 0, 12, 14], [16, 18, 20, 22]]


def test_an_index_is_kept_as_it_was():
    x, first, second = matrix(requires_grad=True), rushlight.tensor([0, -1]), rushlight.tensor([1, 1])
    y, z = x[first], x[first, second]
    first.fill_(1)
    (y.sum() + 10 * z.sum()).backward()
    assert x.grad.tolist() == [[1, 11, 1, 1], [0, 0, 0, 0], [1, 11, 1, 1]]


def test_nothing_is_deleted():
    with pytest.raises(TypeError, match="Tensor does not support deleting items"):
        del matrix()[0]


def test_rows_written_in_a_loop():
    x, a = matrix(requires_grad=True), rushlight.tensor(0.5, requires_grad=True)
    out = rushlight.zeros(3, 4)
    out[0] = x[0]
    for i in range(1, 3):
        out[i] = a * out[i - 1].clone() + x[i]
    out.sum().backward()
    assert x.grad.tolist() == [[1.75] * 4, [1.5] * 4, [1.0] * 4]
    # x[0] * (1 + a + a * a) + x[1] * (1 + a) + x[2]
    assert a.grad == 2 * 6 + 22
