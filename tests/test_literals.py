"""Lists of floats are read at once where they are no more than that; others as ever."""

import numpy as np
import pytest

import rushlight as rl


@pytest.mark.parametrize(
    "data",
    [
        [0.5], [0.1, -2.5, 1e300, float("inf")], [[1.0, 2.0], [3.0, 4.0]], [[]], [[1.0], [2.0]], [1.0, 2], [True, 1.0],
        [[1.0, 2], [3.0, 4.0]], [[[1.0]], [[2.0]]], [(1.0, 2.0), (3.0, 4.0)], [1.0, 2j],
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [None, rl.float64, rl.float16, rl.int32])
def test_numbers(data, dtype):
    kinds = {type(x).__name__ for x in np.array(data, object).ravel()}
    if dtype is not None and ("complex" in kinds or (dtype is rl.int32 and "inf" in str(data))):
        with pytest.raises((TypeError, RuntimeError)):
            rl.tensor(data, dtype=dtype)
        return
    want = (rl.complex64 if "complex" in kinds else rl.float32) if dtype is None else dtype
    made = rl.tensor(data, dtype=dtype)
    assert made.dtype is want
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(made.numpy(), np.array(data).astype(made.numpy().dtype))


def test_default_dtype_and_refusals():
    rl.set_default_dtype(rl.float64)
    try:
        assert rl.tensor([0.1]).item() == 0.1
    finally:
        rl.set_default_dtype(rl.float32)
    with pytest.raises(ValueError, match="expected sequence of length 2 at dim 1"):
        rl.tensor([[1.0, 2.0], [3.0]])
    with pytest.raises(TypeError, match="not a sequence"):
        rl.tensor([[1.0], 2.0])
    data = [1.0, 2.0]
    made = rl.tensor(data)
    data[0] = 5.0
    assert made.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_places_of_extremes_of_all(dtype):
    x = rl.tensor(np.array([[3, 9, 1], [9, 0, 0]], dtype))
    assert (x.argmax().item(), x.argmin().item()) == (1, 4)
    assert (x.t().argmax().item(), x.argmax().dtype) == (1, rl.int64)
    assert x.argmax(keepdim=True).shape == (1, 1)
    if dtype.startswith("float"):
        x[1, 1] = float("nan")
        assert (x.argmax().item(), x.argmin().item()) == (4, 4)
    with pytest.raises(IndexError, match="Expected reduction dim to be specified"):
        x[:0].argmax()
