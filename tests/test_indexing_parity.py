"""Indexing beside PyTorch: values, shapes, dtypes, names in the graph, and the words of errors."""

import numpy as np
import pytest

import rushlight

INDICES = [
    "0", "1:3", "-2:", ":", "...", "None", "(0, 1)", "(slice(None), 1)", "(..., None, 0)", "[0, 2]",
    "[[0, 1]]", "(0, [0, 1])", "([0, 1], [1, 2])", "True", "False", "(0, True)", "x > 5", "(x[:, 0] > 3, 1)",
    "torch.tensor(1)", "torch.tensor([[0], [2]])", "(slice(None), None, torch.tensor([1, 0]))",
    "torch.tensor([1, 0, 1], dtype=torch.int32)", "range(2)", "7", "(0, 9)", "[0, 9]", "[-4]", "(0, 0, 0)",
    "1.5", "'a'", "torch.tensor([0.5])", "torch.tensor([0], dtype=torch.int16)", "object()",
    "torch.ones(2, 4, dtype=torch.bool)", "torch.ones(3, 4, 1, dtype=torch.bool)", "([0, 1], [0, 1, 2])",
    "slice(None, None, -1)", "slice(1.5, None)", "{}",
]  # fmt: skip


def outcome(torch, run):
    """(values, shape, dtype, graph name) of a call, or (type, first sentence) of its error."""
    try:
        out = run(torch)
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0].replace("rushlight.", "torch.").split(":")[0]
    kind = str(out.dtype).split(".")[-1]
    node = None if out.grad_fn is None else out.grad_fn.name().split("::")[-1]
    return out.tolist(), tuple(out.shape), kind, node


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("index", INDICES)
def test_reading_beside_torch(index):
    torch = pytest.importorskip("torch")

    def run(torch):
        x = torch.arange(12.0).reshape(3, 4).clone()
        key = eval(f"x_of[{index}]" if ":" in index else index, {"torch": torch, "x": x, "x_of": _Taker()})
        return x.requires_grad_()[key]

    assert outcome(rushlight, run) == outcome(torch, run)


class _Taker:
    def __getitem__(self, index):
        return index


VALUES = [
    "2",
    "2.5",
    "torch.zeros(4)",
    "torch.zeros(3)",
    "torch.zeros(1, 1, 4)",
    "torch.zeros(2, 4)",
    "torch.tensor(1)",
    "'a'",
    "1j",
]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "index", ["0", "1:3", "(0, 1)", "[0, 2]", "x > 5", "(slice(None), [1])", "True", "...", "9", "[9]"]
)
@pytest.mark.parametrize("recorded", [False, True])
def test_writing_beside_torch(index, value, recorded):
    torch = pytest.importorskip("torch")

    def run(torch):
        x = torch.zeros(3, 4, requires_grad=True) * 1 if recorded else torch.zeros(3, 4)
        key = eval(f"x_of[{index}]" if ":" in index else index, {"torch": torch, "x": x, "x_of": _Taker()})
        x[key] = eval(value, {"torch": torch})
        return x.detach()

    assert outcome(rushlight, run) == outcome(torch, run)


CALLS = [
    "x.index_select(0, i)", "x.index_select(0, torch.tensor([-1]))", "x.index_select(0, torch.tensor([1.0]))",
    "x.gather(0, torch.tensor([[0, 2]]))", "x.gather(0, torch.tensor([[3]]))",
    "x.gather(0, torch.tensor([0]))", "x.gather(0, torch.zeros(2, 5, dtype=torch.int64))",
    "x.scatter(0, torch.tensor([[0, 1]]), 2.0)", "x.scatter(0, torch.tensor([[0, 1]]), torch.ones(1, 1))",
    "x.scatter(0, torch.tensor([[0, -1]]), 1.0)", "x.scatter(0, torch.tensor([[0]]), 1.0, reduce='foo')",
    "x.scatter_add(0, torch.tensor([[1, 1]]), torch.ones(1, 3))",
    "x.scatter_reduce(0, torch.tensor([[1, 1]]), torch.ones(1, 2), 'amax')",
    "x.index_add(0, i, torch.ones(2, 4), alpha=2)", "x.index_add(0, i, torch.ones(2, 3))",
    "x.index_add(0, torch.tensor([5, 0]), torch.ones(2, 4))", "x.index_copy(0, i, torch.ones(2, 4))",
    "x.index_copy(0, i, torch.ones(3, 4))", "x.index_fill(0, i, 3)", "x.index_fill(0, torch.tensor([-4]), 3)",
    "x.masked_fill(x > 4, 1)", "x.masked_fill(x, 1)", "x.masked_fill(torch.ones(2, dtype=torch.bool), 1)",
    "x.masked_select(x > 4)", "x.masked_scatter(x > 4, torch.ones(2))", "x.take(torch.tensor([12]))",
    "x.put(i, torch.ones(3))", "x.put(i, torch.ones(2))", "torch.take_along_dim(x, i)", "torch.nonzero(x > 9)",
    "torch.embedding(x, i)", "torch.embedding(x, torch.tensor([3]))", "torch.embedding(x[0], i)",
    "x.index_put((i,), torch.ones(4))", "x.index_put((i, i, i), torch.ones(4))",
    "x.index_put(i, torch.ones(4))",
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("call", CALLS)
def test_functions_beside_torch(call):
    torch = pytest.importorskip("torch")

    def run(torch):
        x = torch.arange(12.0).reshape(3, 4).clone().requires_grad_()
        return eval(call, {"torch": torch, "x": x, "i": torch.tensor([0, 2])})

    assert outcome(rushlight, run) == outcome(torch, run)


def random_index(random, shape):
    """Parts of an index, each (kind, what): integers, slices, None, Ellipsis, truth values, masks, arrays."""
    parts, d, dots = [], 0, False
    gathered = [(), (1,), (3,), (2, 1), (2, 3), (0,)][random.integers(0, 6)]
    while d < len(shape) and len(parts) < 6:
        n, kind = shape[d], random.integers(0, 12)
        if kind < 2:
            parts.append(("plain", int(random.integers(-n, n))))
        elif kind < 5:
            low, high = sorted(random.integers(-n, n + 1, 2).tolist())
            step = [None, 1, 2][random.integers(0, 3)]
            parts.append(("plain", slice(low, high, step) if random.random() < 0.7 else slice(None)))
        elif kind == 5:
            parts.append(("plain", None))
            continue
        elif kind == 6 and not dots:
            dots = True
            parts.append(("plain", ...))
            d += int(random.integers(0, len(shape) - d + 1))
            continue
        elif kind == 7 and random.random() < 0.3:
            parts.append(("plain", bool(random.random() < 0.7)))
            continue
        elif kind == 8:
            parts.append(("tensor", random.random(n) < 0.5 if random.random() < 0.5 else np.ones(n, bool)))
        elif kind == 9:
            parts.append(("plain", random.integers(-n, n, 3).tolist()))
        else:
            parts.append(("tensor", random.integers(-n, n, gathered)))
        d += 1
    return parts


def as_index(torch, parts):
    index = [torch.from_numpy(np.asarray(what)) if kind == "tensor" else what for kind, what in parts]
    return tuple(index)


def gradients(torch, parts, shape, write):
    x = torch.arange(float(np.prod(shape))).reshape(shape).clone().requires_grad_()
    index = as_index(torch, parts)
    if not write:
        out = x[index]
        weights = torch.arange(float(out.numel())).reshape(out.shape) + 1
        (out * weights).sum().backward()
        return [out.tolist(), tuple(out.shape), x.grad.tolist()]
    y, value = x * 1, torch.tensor(7.0, requires_grad=True)
    y[index] = value
    (y * (torch.arange(float(y.numel())).reshape(y.shape) + 1)).sum().backward()
    return [y.tolist(), x.grad.tolist(), value.grad.item()]


def result_of(torch, *call):
    try:
        return gradients(torch, *call)
    except (IndexError, RuntimeError, ValueError, TypeError) as error:
        return type(error).__name__


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("write", [False, True])
def test_mixed_indices_beside_torch(write):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(7)
    worked = 0
    for _ in range(400):
        shape = tuple(random.integers(1, 5, random.integers(1, 5)).tolist())
        parts = random_index(random, shape)
        ours, theirs = result_of(rushlight, parts, shape, write), result_of(torch, parts, shape, write)
        assert ours == theirs, (shape, parts)
        worked += not isinstance(ours, str)
    assert worked > 200
