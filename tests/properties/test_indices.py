"""Any index of any layout: reads, writes, adds up and differentiates what NumPy's would, once integers are applied first."""

import math
from types import SimpleNamespace

import numpy as np
from hypothesis import given, note
from hypothesis import strategies as st
from programs import indices, shapes, tensors

import rushlight as rl

MISFIT = "does not match the shape of the indexed tensor"
ARRAYS = SimpleNamespace(
    tensor=np.array, zeros=lambda shape, dtype: np.zeros(shape, dtype), int64=np.int64, bool=np.bool_
)


class Taker:
    def __getitem__(self, index):
        return index


def index_of(torch, text):
    return eval(f"taker[{text}]", {"torch": torch, "taker": Taker()})


def places(shape, text):
    """Where in a contiguous array of `shape` the index finds its elements, or NumPy's error.

    PyTorch applies integers (and 0-dim arrays of them) before arrays, and a truth value as an array over a new dimension.
    """
    index = index_of(ARRAYS, text)
    parts = [np.array(p) if isinstance(p, list) else p for p in (index if isinstance(index, tuple) else (index,))]
    parts = [int(p) if isinstance(p, np.ndarray) and p.ndim == 0 and p.dtype != bool else p for p in parts]
    taken = sum([taken_by(p) for p in parts if p is not ...])
    if ... in [p if p is ... else None for p in parts]:
        at = next(i for i, p in enumerate(parts) if p is ...)
        parts[at : at + 1] = [slice(None)] * (len(shape) - taken)
    simple, arrays = [], []
    for part in parts:
        if isinstance(part, np.ndarray):
            simple += [slice(None)] * taken_by(part)
            arrays.append(part)
        elif isinstance(part, bool):
            simple.append(None)
            arrays.append(np.arange(int(part)))
        else:
            simple.append(part)
            arrays += [] if isinstance(part, int) else [slice(None)]
    found = np.arange(math.prod(shape)).reshape(shape)[tuple(simple)]
    return found[tuple(arrays)] if any(isinstance(a, np.ndarray) for a in arrays) else found


def taken_by(part):
    """How many dimensions a part of an index takes."""
    if part is None or isinstance(part, bool):
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == bool else 1


def made(text):
    return eval(text, {"torch": rl})


def attempt(run):
    try:
        return run(), None
    except IndexError as error:
        return None, error


@st.composite
def cases(draw, **options):
    """(a tensor, the text of an index, the places that it finds); those are None where it does not fit."""
    shape = draw(shapes())
    text, index = draw(tensors(shape, "float64", **options)), draw(indices(shape))
    note(f"{text}\n[{index}]")
    x, found = made(text), attempt(lambda: places(shape, index))[0]
    if found is not None and not found.size and MISFIT in str(attempt(lambda: x[index_of(rl, index)])[1]):
        # NumPy takes empty masks of other shapes.
        found = None
    return x, index, found


def ramp(shape):
    return np.arange(1.0, math.prod(shape) + 1).reshape(shape)


@given(cases())
def test_reading_and_its_gradient(case):
    x, index, found = case
    x.requires_grad_()
    out, error = attempt(lambda: x[index_of(rl, index)])
    assert (found is None) == (error is not None), error
    if found is None:
        return
    expected = x.detach().numpy().reshape(-1)[found]
    assert tuple(out.shape) == expected.shape
    np.testing.assert_array_equal(out.detach().numpy(), expected)
    weights = ramp(expected.shape)
    (grad,) = rl.autograd.grad(out, x, rl.tensor(weights))
    sums = np.zeros(x.numel())
    np.add.at(sums, found, weights)
    np.testing.assert_array_equal(grad.numpy().reshape(-1), sums)


@given(cases(kinds=("sliced", "permuted")), st.data())
def test_writing_and_its_gradient(case, data):
    x, index, found = case
    before = x.numpy().copy()
    if found is None:
        _, error = attempt(lambda: x.__setitem__(index_of(rl, index), 7.5))
        assert error is not None
        np.testing.assert_array_equal(x.numpy(), before)
        return
    value = 7.5
    if len(np.unique(found)) == found.size and data.draw(st.booleans()):
        value = -ramp(data.draw(narrower(found.shape)))
    given_value = value if isinstance(value, float) else rl.tensor(value, requires_grad=True)
    y = rl.tensor(before.copy(), requires_grad=True)
    z = y * 1
    z[index_of(rl, index)] = given_value
    x[index_of(rl, index)] = given_value if isinstance(value, float) else given_value.detach()
    expected = before.reshape(-1)
    expected[found] = value
    for written in (x, z):
        np.testing.assert_array_equal(written.detach().numpy().reshape(-1), expected)
    inputs = [y] if isinstance(value, float) else [y, given_value]
    weights = ramp(y.shape)
    # z[False] = value writes nothing, and records nothing.
    of_y, *of_value = rl.autograd.grad(z, inputs, rl.tensor(weights), allow_unused=index == "False")
    left = weights.reshape(-1).copy()
    left[found] = 0
    np.testing.assert_array_equal(of_y.numpy().reshape(-1), left)
    if of_value and of_value[0] is None:
        assert found.size == 0
    elif of_value:
        np.testing.assert_array_equal(of_value[0].numpy(), summed(weights.reshape(-1)[found], value.shape))


@st.composite
def narrower(draw, shape):
    """A shape that broadcasts to `shape`."""
    sizes = [1 if draw(st.booleans()) and draw(st.booleans()) else n for n in shape]
    while sizes and draw(st.booleans()) and (sizes[0] == 1 or draw(st.booleans())):
        del sizes[0]
    return tuple(sizes)


def summed(array, shape):
    """The transpose of broadcasting."""
    array = array.sum(tuple(range(array.ndim - len(shape))))
    return array.sum(tuple([i for i, n in enumerate(shape) if n == 1]), keepdims=True) if shape else array


@given(cases(kinds=("sliced", "permuted")))
def test_adding_up(case):
    x, _, found = case
    if found is None or not x.dim():
        return
    spots = tuple([rl.tensor(a) for a in np.unravel_index(found, tuple(x.shape))]) if x.numel() else None
    if spots is None:
        return
    values = ramp(found.shape)
    expected = x.numpy().copy().reshape(-1)
    np.add.at(expected, found, values)
    out = x.index_put(spots, rl.tensor(values), accumulate=True)
    np.testing.assert_array_equal(out.numpy().reshape(-1), expected)
