"""What holds for every operation under vmap: run for a batch it gives what it gives sample by sample."""

import numpy as np
import pytest

import rushlight  # noqa: F401
from rushlight import autograd, core
from rushlight.ops import batching
from rushlight.ops.declare import REGISTRY
from rushlight.ops.hidden import Split
from samples import ROWS
from test_registry import Maker

SIZE = 3
# Sums in another order: a few hundred float64 numbers of order one.
CLOSE = dict(rtol=1e-10, atol=1e-11)


def samples(row):
    """The inputs of the row for each of SIZE samples, and which may differ between them: arrays of one shape."""
    drawn, makers = [], []
    for seed in range(SIZE):
        make = Maker(seed)
        inputs = row.inputs(make)
        drawn.append(list(inputs) if isinstance(inputs, (tuple, list)) else [inputs])
        makers.append(make)
    at = [i for i, x in enumerate(drawn[0]) if isinstance(x, np.ndarray)]
    floats = [i for i in at if any(drawn[0][i] is made for made in makers[0].made)]
    return drawn, at, floats


def subsets(at):
    """Each input alone, and all of them."""
    return list(dict.fromkeys([*[(i,) for i in at], tuple(at)]))


def outs(out):
    return list(out) if isinstance(out, tuple) else [out]


def run(op, inputs, params, leaves=()):
    tensors = [core.wrap(x) if isinstance(x, np.ndarray) else x for x in inputs]
    for i in leaves:
        tensors[i].requires_grad_()
    return tensors, outs(op(*tensors, **params))


def batched_call(row, drawn, chosen, leaves=()):
    """(inputs at the level, outputs at the level) with the inputs in `chosen` batched, the others those of sample 0."""
    op, level = REGISTRY[row.op], batching.innermost()
    inputs = []
    for i, x in enumerate(drawn[0]):
        if i in chosen:
            x = batching.show(core.wrap(np.stack([sample[i] for sample in drawn])), level)
        elif isinstance(x, np.ndarray):
            x = core.wrap(x)
        if i in leaves:
            x = batching.at_level(x, level)
            x.requires_grad_()
        inputs.append(x)
    return inputs, outs(op(*inputs, **row.params))


def hidden(x):
    """The values of all samples."""
    array = x._array
    if type(array) is not batching.Batched:
        return np.stack([array] * SIZE)
    return array.hidden._array if array.batched else np.stack([array.hidden._array] * SIZE)


def sample_of(drawn, chosen, k):
    return [(drawn[k][i] if i in chosen else x) for i, x in enumerate(drawn[0])]


CASES = [(row, chosen) for row in ROWS for chosen in subsets(samples(row)[1])]


@pytest.mark.parametrize(("row", "chosen"), CASES, ids=lambda v: repr(v) if not isinstance(v, tuple) else str(v))
def test_a_batch_gives_what_its_samples_give(row, chosen):
    drawn = samples(row)[0]
    op = REGISTRY[row.op]
    expected = [run(op, sample_of(drawn, chosen, k), row.params)[1] for k in range(SIZE)]
    if any(a._array.shape != b._array.shape for outs in expected for a, b in zip(outs, expected[0])):
        # vmap goes on with each group of samples whose results are alike.
        with pytest.raises(Split), batching.BatchLevel(SIZE, "error"):
            batched_call(row, drawn, chosen)
        return
    with batching.BatchLevel(SIZE, "error"):
        found = batched_call(row, drawn, chosen)[1]
        shapes = [x.shape for x in found]
        values = [hidden(x) for x in found]
    assert len(values) == len(expected[0])
    for number, (value, shape) in enumerate(zip(values, shapes)):
        one = np.stack([parts[number]._array for parts in expected])
        assert value.dtype == one.dtype
        assert tuple(shape) == one.shape[1:]
        np.testing.assert_allclose(value, one, **CLOSE)


@pytest.mark.parametrize(
    ("row", "chosen"),
    [case for case in CASES if REGISTRY[case[0].op].differentiable and "not differentiable" not in case[0].note],
    ids=lambda v: repr(v) if not isinstance(v, tuple) else str(v),
)
def test_gradients_of_a_batch_are_those_of_its_samples(row, chosen):
    drawn, _, floats = samples(row)
    op = REGISTRY[row.op]
    expected = [gradients(*run(op, sample_of(drawn, chosen, k), row.params, floats), floats) for k in range(SIZE)]
    with batching.BatchLevel(SIZE, "error"):
        found = [None if g is None else hidden(g) for g in gradients(*batched_call(row, drawn, chosen, floats), floats)]
    for number, value in enumerate(found):
        parts = [grads[number] for grads in expected]
        if value is None:
            assert parts == [None] * SIZE
            continue
        np.testing.assert_allclose(value, np.stack([g._array for g in parts]), **CLOSE)


@pytest.mark.parametrize(
    ("row", "chosen"),
    [case for case in CASES if REGISTRY[case[0].op].differentiable and "not differentiable" not in case[0].note],
    ids=lambda v: repr(v) if not isinstance(v, tuple) else str(v),
)
def test_gradients_through_a_batch_are_those_through_its_samples(row, chosen):
    drawn, _, floats = samples(row)
    op = REGISTRY[row.op]
    each = [gradients(*run(op, sample_of(drawn, chosen, k), row.params, floats), floats) for k in range(SIZE)]
    around = [x if not isinstance(x, np.ndarray) else core.wrap(x) for x in drawn[0]]
    for i in chosen:
        around[i] = core.wrap(np.stack([sample[i] for sample in drawn]))
    for i in floats:
        around[i].requires_grad_()
    with batching.BatchLevel(SIZE, "error") as level:
        shown = [batching.show(x, level) if i in chosen else x for i, x in enumerate(around)]
        results = [x._array.hidden for x in outs(op(*shown, **row.params)) if x._array.batched]
    results = [out for out in results if out.requires_grad]
    if not results:
        return
    weights = [core.wrap(np.stack([cosines(out._array[0]) for _ in range(SIZE)])) for out in results]
    found = autograd.grad(results, [around[i] for i in floats], weights, allow_unused=True)
    for i, g, parts in zip(floats, found, zip(*each)):
        if g is not None and parts[0] is not None:
            whole = np.stack([part._array for part in parts])
            np.testing.assert_allclose(g._array, whole if i in chosen else whole.sum(0), **CLOSE)


def cosines(array):
    return np.cos(np.arange(array.size)).reshape(array.shape).astype(array.dtype)


def gradients(inputs, results, leaves):
    """The gradients of the inputs `leaves` for fixed gradients of the results."""
    results = [out for out in results if out.requires_grad]
    if not results:
        return [None] * len(leaves)
    weights = []
    for out in results:
        weights.append(core.wrap(cosines(np.empty(out.shape, out._array.dtype))))
    return autograd.grad(results, [inputs[i] for i in leaves], weights, allow_unused=True)
