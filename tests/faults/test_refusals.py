"""What is refused: PyTorch's type and sentence first, then the line of the program, then what to do; nothing is written."""

import warnings

import numpy as np
import pytest

import rushlight as rl
from beside import leaf
from faults.refusing import as_tests, collector
from rushlight import nn

PROGRAMS = []
refused = collector(PROGRAMS)

# -- backward


@refused(RuntimeError, "grad can be implicitly created only for scalar outputs", told=["loss.mean().backward()"])
def backward_on_a_non_scalar(m):
    x = leaf(m)
    yield x
    (x * 2).backward()


@refused(RuntimeError, "element 0 of tensors does not require grad and does not have a grad_fn", told=["detach()"])
def backward_without_grad(m):
    x = leaf(m)
    yield x
    x.detach().sum().backward()


@refused(RuntimeError, "Trying to backward through the graph a second time", "y = x * x", told=["retain_graph=True"])
def backward_twice(m):
    x = leaf(m)
    y = x * x
    y.sum().backward()
    yield x, y
    y.sum().backward()


@refused(RuntimeError, "Mismatch in shape: grad_output[0] has a shape of torch", told=["torch.ones_like(y)"])
def gradient_of_another_shape(m):
    x = leaf(m)
    yield x
    (x * 2).backward(m.ones(3))


@refused(TypeError, "gradients can be either Tensors or None, but got float", told=["a tensor or None"])
def gradient_in_a_list(m):
    x = leaf(m)
    yield x
    (x * 2).backward([1.0, 2.0])


# -- writes in place


@refused(RuntimeError, "a leaf Variable that requires grad is being used in an in-place", told=["torch.no_grad()"])
def write_on_a_leaf(m):
    x = leaf(m)
    yield x
    x.add_(1)


@refused(RuntimeError, "a view of a leaf Variable that requires grad is being used in", told=["torch.no_grad()"])
def write_on_a_view_of_a_leaf(m):
    x = leaf(m)
    yield x
    x[:1].mul_(2)


@refused(RuntimeError, "a view of a leaf Variable that requires grad is being used in", told=["x.clone()"])
def assignment_to_a_part_of_a_leaf(m):
    x = leaf(m)
    yield x
    x[0] = 3


SAVED = "one of the variables needed for gradient computation has been modified by an inplace operation"


@refused(RuntimeError, SAVED, "y = x.exp()", "y.mul_(2)", told=["is at version 1; expected version 0", "clone()"])
def saved_output_written(m):
    x = leaf(m)
    y = x.exp()
    y.mul_(2)
    yield x, y
    y.sum().backward()


@refused(RuntimeError, SAVED, "y = x * c", "c[:1].mul_(2)", told=["clone()"])
def saved_input_written_through_a_view(m):
    x, c = leaf(m), m.ones(2, dtype=m.float64)
    y = x * c
    c[:1].mul_(2)
    yield x, c
    y.sum().backward()


@refused(RuntimeError, SAVED, "y = x.exp()", "y.detach().mul_(2)", told=["clone()"])
def saved_output_written_through_detach(m):
    x = leaf(m)
    y = x.exp()
    y.detach().mul_(2)
    yield x, y
    y.sum().backward()


@refused(RuntimeError, SAVED, "loss = (w * w).sum()", "optimizer.step()", told=["clone()"])
def saved_input_written_by_an_optimizer(m):
    w = m.nn.Parameter(m.ones(2))
    optimizer = m.optim.SGD([w], lr=0.1)
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    yield (w,)
    loss.backward()


# -- shapes


@refused(
    RuntimeError, "The size of tensor a (3) must match the size of tensor b (2)", told=["[2, 3], [2]", "unsqueeze"]
)
def shapes_of_a_sum(m):
    yield ()
    m.ones(2, 3) + m.ones(2)


@refused(RuntimeError, "The size of tensor a (3) must match the size of tensor b (2)", told=["[2, 3], [2]"])
def shapes_of_a_sum_in_place(m):
    x = m.ones(2, 3)
    yield (x,)
    x.add_(m.ones(2))


@refused(RuntimeError, "output with shape [2] doesn't match the broadcast shape [2, 2]", told=["out of place"])
def shapes_of_a_wider_sum_in_place(m):
    x = m.ones(2)
    yield (x,)
    x.add_(m.ones(2, 2))


@refused(RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", told=["x.mT"])
def shapes_of_a_product(m):
    yield ()
    m.ones(2, 3) @ m.ones(2, 3)


@refused(RuntimeError, "Expected size for first two dimensions of batch2 tensor to be: [4, 3] but got: [4, 2]")
def shapes_of_products_in_batches(m):
    yield ()
    m.ones(4, 2, 3) @ m.ones(4, 2, 3)


@refused(
    RuntimeError, "mat1 and mat2 shapes cannot be multiplied (2x4 and 3x2)", told=["Linear(in_features=3", "(2, 4)"]
)
def shapes_of_a_layer(m):
    layer = m.nn.Linear(3, 2)
    yield tuple(layer.parameters())
    layer(m.ones(2, 4))


@refused(
    RuntimeError, "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2", told=["shape"]
)
def shapes_of_cat(m):
    yield ()
    m.cat([m.ones(2, 3), m.ones(3, 2)])


@refused(RuntimeError, "stack expects each tensor to be equal size, but got [2, 3] at entry 0 and [3, 2] at entry 1")
def shapes_of_stack(m):
    yield ()
    m.stack([m.ones(2, 3), m.ones(3, 2)])


@refused(RuntimeError, "shape '[4, 2]' is invalid for input of size 6", told=["x.flatten(1)"])
def shape_of_a_view(m):
    yield ()
    m.ones(2, 3).view(4, 2)


@refused(RuntimeError, "view size is not compatible with input tensor's size and stride", told=["x.reshape(...)"])
def shape_of_a_view_that_would_need_a_copy(m):
    yield ()
    m.ones(2, 3).t().view(6)


@refused(RuntimeError, "shape '[-1, 4]' is invalid for input of size 6", told=["x.flatten(1)"])
def shape_of_reshape(m):
    yield ()
    m.ones(2, 3).reshape(-1, 4)


@refused(RuntimeError, "The expanded size of the tensor (4) must match the existing size (2)", told=["x.repeat(...)"])
def shape_of_expand(m):
    yield ()
    m.ones(2, 3).expand(4, 3)


# -- dtypes


@refused(RuntimeError, "expected m1 and m2 to have the same dtype, but got: double != float", told=["x.float()"])
def dtypes_of_a_product(m):
    yield ()
    m.ones(2, 3, dtype=m.float64) @ m.ones(3, 2)


@refused(
    RuntimeError, "mat1 and mat2 must have the same dtype, but got Double and Float", told=["Linear(", "x.float()"]
)
def dtypes_of_a_layer(m):
    yield ()
    m.nn.Linear(3, 2)(m.ones(2, 3, dtype=m.float64))


@refused(RuntimeError, "result type Float can't be cast to the desired output type Long", told=["out of place"])
def dtype_of_a_write(m):
    x = m.arange(3)
    yield (x,)
    x.add_(0.5)


# -- indices


@refused(IndexError, "index 5 is out of bounds for dimension 0 with size 3")
def index(m):
    yield ()
    m.ones(3)[5]


@refused(IndexError, "index 3 is out of bounds for dimension 0 with size 3", told=["at position [1]"])
def index_of_a_write(m):
    x = m.ones(3)
    yield (x,)
    x[m.tensor([0, 3])] = 5.0


@refused(RuntimeError, "index 2 is out of bounds for dimension 1 with size 2", told=["at position [0, 1]"])
def index_of_gather(m):
    yield ()
    m.ones(3, 2).gather(1, m.tensor([[0, 2]]))


@refused(RuntimeError, "index 2 is out of bounds for dimension 1 with size 2", told=["at position [0, 1]"])
def index_of_scatter(m):
    x = m.zeros(3, 2)
    yield (x,)
    x.scatter_(1, m.tensor([[0, 2]]), 1.0)


@refused(RuntimeError, "index 9 is out of bounds for dimension 0 with size 3", told=["at position [1]"])
def index_of_index_add(m):
    x = m.zeros(3, 2)
    yield (x,)
    x.index_add_(0, m.tensor([0, 9]), m.ones(2, 2))


@refused(IndexError, "index_copy_(): index 9 is out of bounds for dimension 0 with size 3", told=["at position [1]"])
def index_of_index_copy(m):
    x = m.zeros(3, 2)
    yield (x,)
    x.index_copy_(0, m.tensor([0, 9]), m.ones(2, 2))


@refused(IndexError, "index 9 is out of bounds for dimension 0 with size 3", told=["at position [1]"])
def index_of_index_fill(m):
    x = m.zeros(3, 2)
    yield (x,)
    x.index_fill_(0, m.tensor([0, 9]), 1.0)


@refused(IndexError, "out of range: tried to access index 9 on a tensor of 6 elements", told=["at position 1"])
def index_of_put(m):
    x = m.zeros(3, 2)
    yield (x,)
    x.put_(m.tensor([0, 9]), m.ones(2))


@refused(RuntimeError, "Number of elements of source < number of ones in mask", told=["mask.sum()"])
def source_of_masked_scatter(m):
    x = m.zeros(3)
    yield (x,)
    x.masked_scatter_(m.tensor([True, True, True]), m.ones(2))


@refused(IndexError, "Target 9 is out of bounds", told=["one column per class"])
def class_9_of_4(m):
    x = m.zeros(2, 4, requires_grad=True)
    yield (x,)
    m.nn.functional.cross_entropy(x, m.tensor([0, 9])).backward()


@refused(IndexError, "index out of range in self", told=["at position [1]", "Embedding(3, 2)", "indices.max()"])
def row_5_of_3(m):
    layer = m.nn.Embedding(3, 2)
    yield (layer.weight,)
    layer(m.tensor([0, 5])).sum().backward()


# -- empty tensors, zero divisors


@refused(RuntimeError, "max(): Expected reduction dim to be specified for input.numel() == 0", told=["x.numel() == 0"])
def max_of_nothing(m):
    yield ()
    m.ones(0).max()


@refused(IndexError, "max(): Expected reduction dim 0 to have non-zero size", told=["x.numel() == 0"])
def max_of_nothing_along(m):
    yield ()
    m.ones(0, 3).max(0)


@refused(ValueError, "torch.cat(): expected a non-empty list of Tensors", told=["loop that fills the list"])
def cat_of_nothing(m):
    yield ()
    m.cat([])


@refused(RuntimeError, "ZeroDivisionError", told=["x.float() // y"])
def division_by_zero(m):
    yield ()
    m.tensor([1]) // m.tensor([0])


@refused(RuntimeError, "ZeroDivisionError", told=["x.float() // y"])
def division_by_the_number_zero(m):
    yield ()
    m.tensor([1]) // 0


@refused(RuntimeError, "ZeroDivisionError", told=["x.float() // y"])
def division_by_zero_in_place(m):
    x = m.tensor([7, 8])
    yield (x,)
    x.floor_divide_(m.tensor([1, 0]))


@refused(RuntimeError, "ZeroDivisionError", told=["x.float() // y"])
def remainder_by_zero_in_place(m):
    x = m.tensor([7, 8])
    yield (x,)
    x.remainder_(m.tensor([2, 0]))


# -- anomalies


@refused(RuntimeError, "Function 'SqrtBackward0' returned nan values in its 0th output", "y = x.sqrt()", told=["nan"])
def detect_anomaly(m):
    x = m.tensor([-1.0], requires_grad=True)
    y = x.sqrt()
    yield (x,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with m.autograd.detect_anomaly():
            y.sum().backward()


test_refused, test_as_in_pytorch = as_tests(PROGRAMS)


# -- what is taken


def test_a_gradient_may_be_an_array():
    x = leaf(rl)
    (x * 2).backward(np.array([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0]
    with pytest.raises(
        RuntimeError, match=r"^Mismatch in shape: grad_output\[0\] has a shape of rushlight.Size\(\[3\]\)"
    ):
        (x * 2).backward(np.ones(3))
    assert x.grad.tolist() == [2.0, 20.0]


def test_sizes_that_broadcast_by_mistake_warn():
    words = (
        r"Using a target size \(.*\[4\]\)\) that is different to the input size \(.*\[3, 4\]\)\). This will likely lead to "
        "incorrect results due to broadcasting"
    )
    for loss in (nn.functional.mse_loss, nn.functional.l1_loss, nn.functional.smooth_l1_loss, nn.functional.huber_loss):
        with pytest.warns(UserWarning, match=words):
            loss(rl.ones(3, 4), rl.ones(4))


def of_no_elements(m):
    """Means, extrema, losses and products over nothing."""
    nothing, labels = m.ones(0, 3, requires_grad=True), m.ones(0, dtype=m.int64)
    loss = m.nn.functional.cross_entropy(nothing, labels)
    loss.backward()
    product = m.ones(2, 0, requires_grad=True) @ m.ones(0, 3)
    return [
        m.ones(0).mean().item(),
        m.ones(0).sum().item(),
        m.ones(0).prod().item(),
        loss.item(),
        list(nothing.grad.shape),
        product.tolist(),
        m.ones(0, 3).max(1).values.tolist(),
        m.ones(0, 3).mean(0).tolist(),
        m.cat([m.ones(0), m.ones(2)]).tolist(),
        m.ones(3, 0).softmax(1).tolist(),
        m.ones(0, 3).logsumexp(0).tolist(),
    ]


def test_what_has_no_elements():
    nan, zero = float("nan"), [0.0] * 3
    wanted = [nan, 0.0, 1.0, nan, [0, 3], [zero, zero], [], [nan] * 3, [1.0, 1.0], [[]] * 3, [-float("inf")] * 3]
    assert repr(of_no_elements(rl)) == repr(wanted)


@pytest.mark.parity
def test_what_has_no_elements_in_pytorch():
    torch = pytest.importorskip("torch")
    assert repr(of_no_elements(rl)) == repr(of_no_elements(torch))


NO_DIMENSIONS = [
    1.0,
    1.5,
    float("nan"),
    float("inf"),
    "1",
    b"1",
    {},
    {0},
    [0.0],
    ["0"],
    [None],
    object(),
    (i for i in (0,)),
    1j,
]
ALONG = {
    "sum": lambda m, x, d: m.sum(x, d),
    "amax": lambda m, x, d: m.amax(x, d),
    "var": lambda m, x, d: m.var(x, dim=d),
    "flip": lambda m, x, d: m.flip(x, d),
    "logsumexp": lambda m, x, d: m.logsumexp(x, d),
    "count_nonzero": lambda m, x, d: m.count_nonzero(x, d),
}


@pytest.mark.parametrize("name", ALONG)
def test_what_is_no_dimension(name):
    for dim in NO_DIMENSIONS:
        with pytest.raises(TypeError):
            ALONG[name](rl, rl.ones(2, 3), dim)
    with pytest.raises(IndexError, match="Dimension out of range"):
        ALONG[name](rl, rl.ones(2, 3), (-9,))
    with pytest.raises(RuntimeError, match="dim 1 appears multiple times in the list of dims"):
        ALONG[name](rl, rl.ones(2, 3), (1, -1))
    same = ALONG[name](rl, rl.ones(2, 3), (1,)).tolist()
    if name != "flip":
        assert (
            ALONG[name](rl, rl.ones(2, 3), np.int64(1)).tolist()
            == ALONG[name](rl, rl.ones(2, 3), rl.tensor(1)).tolist()
            == same
        )


@pytest.mark.parity
@pytest.mark.parametrize("name", ALONG)
def test_what_is_no_dimension_in_pytorch(name):
    torch = pytest.importorskip("torch")
    for dim in NO_DIMENSIONS:
        with pytest.raises(TypeError):
            ALONG[name](torch, torch.ones(2, 3), dim)
