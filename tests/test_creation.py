"""Tensors made from data, of given sizes, converted and drawn at random."""

import numpy as np
import pytest

import rushlight as rl


@pytest.mark.parametrize(
    "data, dtype",
    [
        ([1, 2], "int64"),
        ([1.0, 2], "float32"),
        ([True, False], "bool"),
        ([True, 2], "int64"),
        ([1j], "complex64"),
        (np.float64(2), "float64"),
        (np.array([1], np.int16), "int16"),
        ([np.float32(1), np.float32(2)], "float32"),
        ([np.float64(1), 2], "float64"),
        ([], "float32"),
        (range(3), "int64"),
    ],
)
def test_the_dtype_follows_from_the_data(data, dtype):
    assert rl.tensor(data).dtype is getattr(rl, dtype)


REFUSED = [
    (lambda: rl.tensor([[1, 2], [3]]), ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
    (lambda: rl.tensor([[1, 2], 3]), TypeError, "not a sequence"),
    (lambda: rl.tensor("a"), TypeError, "new(): invalid data type 'str'"),
    (lambda: rl.tensor(None), RuntimeError, "Could not infer dtype of NoneType"),
    (lambda: rl.tensor([2**63]), ValueError, "Overflow when unpacking long long"),
    (
        lambda: rl.tensor([300], dtype=rl.uint8),
        RuntimeError,
        "value cannot be converted to type uint8 without overflow",
    ),
    (lambda: rl.tensor([1j], dtype=rl.float32), TypeError, "must be real number, not complex"),
    (
        lambda: rl.tensor([1, 2], requires_grad=True),
        RuntimeError,
        "Only Tensors of floating point and complex dtype can require gradients",
    ),
    (lambda: rl.zeros(-1), RuntimeError, "zeros: Dimension size must be non-negative."),
    (lambda: rl.ones(2, -3), RuntimeError, "Trying to create tensor with negative dimension -3: [2, -3]"),
    (lambda: rl.zeros(2.5), TypeError, "zeros(): argument 'size' (position 1) must be tuple of ints, not float"),
    (lambda: rl.empty(2**62), RuntimeError, "Storage size calculation overflowed with sizes=[4611686018427387904]"),
    (lambda: rl.zeros(2**50), RuntimeError, "DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    (lambda: rl.ones(2, device="cuda"), AssertionError, "Torch not compiled with CUDA enabled"),
    (lambda: rl.arange(0, 5, 0), RuntimeError, "step must be nonzero"),
    (lambda: rl.arange(5, 1), RuntimeError, "upper bound and lower bound inconsistent with step sign"),
    (lambda: rl.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    (lambda: rl.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
    (
        lambda: rl.full((2,), 1e40, dtype=rl.float32),
        RuntimeError,
        "value cannot be converted to type float without overflow",
    ),
    (lambda: rl.from_numpy([1]), TypeError, "expected np.ndarray (got list)"),
    (lambda: rl.from_numpy(np.arange(3)[::-1]), ValueError, "At least one stride in the given numpy array is negative"),
    (
        lambda: rl.zeros(2).copy_(rl.ones(3)),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3)",
    ),
    (
        lambda: rl.randint(5, 3, (2,)),
        RuntimeError,
        "random_ expects 'from' to be less than 'to', but got from=5 >= to=3",
    ),
    (lambda: rl.rand(2, dtype=rl.int64), NotImplementedError, "\"check_uniform_bounds\" not implemented for 'Long'"),
]


@pytest.mark.parametrize("call, kind, words", REFUSED, ids=range(len(REFUSED)))
def test_refusals_are_in_pytorchs_words(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_a_tensor_of_a_tensor_is_a_copy_and_warns():
    x = rl.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="To copy construct from a tensor, it is recommended"):
        y = rl.tensor(x)
    assert not y.requires_grad
    assert y.data_ptr() != x.data_ptr()


def test_memory_is_shared_where_it_is_said_to_be():
    array = np.ones(3)
    shared = rl.from_numpy(array)
    array[0] = 5
    assert shared[0].item() == 5.0
    assert rl.as_tensor(shared) is shared
    assert rl.as_tensor(array).data_ptr() == shared.data_ptr()
    assert rl.tensor(array).data_ptr() != shared.data_ptr()


def test_a_read_only_array_warns():
    array = np.ones(3)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        rl.from_numpy(array)


def test_ranges():
    assert rl.arange(1, 2.5, 0.5).tolist() == [1.0, 1.5, 2.0]
    assert rl.arange(5, 1, -2).tolist() == [5, 3]
    assert rl.arange(3.0).dtype is rl.float32
    assert rl.linspace(0, 10, 5, dtype=rl.int64).tolist() == [0, 2, 5, 7, 10]
    assert rl.logspace(0, 2, 3).tolist() == [1.0, 10.0, 100.0]
    assert rl.linspace(3, 4, 1).tolist() == [3.0]


def test_likes_keep_dtype_and_order_of_memory():
    x = rl.ones(2, 3, dtype=rl.float64).t()
    assert rl.zeros_like(x).stride() == (1, 3)
    assert rl.empty_like(rl.ones(1, 3).expand(4, 3)).stride() == (3, 1)
    assert x.new_full((2,), 3).dtype is rl.float64
    assert rl.eye(3, 2).tolist() == [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]


def test_conversions_return_the_tensor_itself_where_nothing_changes():
    x = rl.ones(2, requires_grad=True)
    assert x.float() is x
    assert x.to("cpu") is x
    assert x.to(rl.float32, copy=True) is not x
    y = x.double()
    assert y.grad_fn.name() == "ToCopyBackward0"
    y.sum().backward()
    assert x.grad.dtype is rl.float32
    assert x.type() == "rushlight.FloatTensor"
    with pytest.warns(UserWarning, match="discards the imaginary part"):
        rl.tensor([1 + 2j]).float()


def test_writes_cut_the_history_off():
    x = rl.ones(3, requires_grad=True)
    y = x * 2
    y.fill_(5.0)
    assert y.grad_fn.name() == "FillBackward2"
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    z = rl.ones(2, 3)
    z.copy_(x)
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_channels_last():
    x = rl.arange(8.0).reshape(1, 2, 2, 2)
    y = x.contiguous(memory_format=rl.channels_last)
    assert y.stride() == (8, 1, 4, 2)
    assert y.tolist() == x.tolist()
    assert rl.empty(1, 2, 2, 2, memory_format=rl.channels_last).stride() == (8, 1, 4, 2)


def test_the_random_stream_is_pytorchs():
    rl.manual_seed(0)
    assert [round(v, 4) for v in rl.rand(3).tolist()] == [0.4963, 0.7682, 0.0885]
    assert rl.randn(2, 1).shape == (2, 1)
    rl.manual_seed(0)
    assert rl.randint(0, 10, (5,)).tolist() == [4, 9, 3, 0, 3]
    rl.manual_seed(0)
    assert rl.randperm(5).tolist() == [4, 0, 1, 3, 2]


def test_the_state_can_be_put_back():
    state = rl.get_rng_state()
    first = rl.rand(3)
    rl.set_rng_state(state)
    assert rl.rand(3).tolist() == first.tolist()


def test_a_fill_follows_the_order_of_memory():
    rl.manual_seed(0)
    plain = rl.empty(2, 3).uniform_()
    rl.manual_seed(0)
    turned = rl.empty(2, 3).t().uniform_()
    assert turned.t().tolist() == plain.tolist()


def test_draws_have_the_derivative_zero():
    x = rl.full((3,), 0.5, requires_grad=True)
    y = x.bernoulli() + rl.normal(x, 1.0)
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x.normal_()


@pytest.mark.parity
def test_fills_are_pytorchs():
    torch = pytest.importorskip("torch")

    def draws(m):
        m.manual_seed(3)
        turned = m.empty(3, 20).t().normal_()
        return [turned, m.empty(5).random_(2, 9), m.normal(m.arange(3.0), m.ones(3)), m.rand_like(m.ones(2, 3).t())]

    for ours, theirs in zip(draws(rl), draws(torch)):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
