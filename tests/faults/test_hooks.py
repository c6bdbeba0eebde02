"""Hooks that return what is no gradient, or write over the one that they got: PyTorch's words, and nothing is accumulated."""

import pytest

import rushlight as rl
from beside import leaf
from faults.refusing import as_tests, collector

PROGRAMS = []
refused = collector(PROGRAMS)


@refused(
    RuntimeError, "hook 'shorter' has changed the size of value", told=["[2], and the hook returned [1]", "g * mask"]
)
def a_hook_that_returns_another_shape(m):
    def shorter(g):
        return g[:1]

    x = leaf(m)
    y = x * 2
    y.register_hook(shorter)
    yield (x,)
    (y + x).sum().backward()


@refused(
    RuntimeError,
    "hook 'narrower' has changed the type of value (was torch.DoubleTensor got torch.FloatTensor)",
    told=["g.to(...)"],
)
def a_hook_that_returns_another_dtype(m):
    def narrower(g):
        return g.float()

    x = leaf(m)
    y = x * 2
    y.register_hook(narrower)
    yield (x,)
    (y + x).sum().backward()


@refused(TypeError, "expected Variable, but hook returned 'str'", told=["Return a tensor, or nothing"])
def a_hook_that_returns_a_text(m):
    x = leaf(m)
    y = x * 2
    y.register_hook(lambda g: "no")
    yield (x,)
    (y + x).sum().backward()


@refused(TypeError, "expected Variable, but hook returned 'float'", told=["Return a tensor, or nothing"])
def a_hook_of_a_leaf_that_returns_a_number(m):
    x = leaf(m)
    x.register_hook(lambda g: 2.0)
    yield (x,)
    (x * 2).sum().backward()


@refused(TypeError, "expected tuple, but hook returned 'int'", told=["a tensor (for hooks of nodes a tuple of them)"])
def a_hook_of_a_node_that_returns_a_number(m):
    x = leaf(m)
    y = x * 2
    y.grad_fn.register_hook(lambda *_: 1)
    yield (x,)
    (y + x).sum().backward()


@refused(RuntimeError, "hook '", told=["must return as many as it got"])
def a_hook_of_a_node_that_returns_too_many(m):
    x = leaf(m)
    y = x * 2
    y.grad_fn.register_hook(lambda gx, gy: (*gx, *gx, *gx))
    yield (x,)
    (y + x).sum().backward()


@refused(RuntimeError, "cannot register a hook on a tensor that doesn't require gradient")
def a_hook_of_a_tensor_without_gradient(m):
    x = m.ones(2)
    yield (x,)
    x.register_hook(print)


test_refused, test_as_in_pytorch = as_tests(PROGRAMS)


# Each makes several tensors of one leaf, so that one gradient reaches all of them; the last hands it on broadcast.
SHARED = {
    "sum": lambda x: ((x * 1, x * 1), lambda a, b: (a + b).sum()),
    "expand": lambda x: ((x * 1, x * 1), lambda a, b: (a.expand(3, 2) + b).sum()),
    "mean": lambda x: ((x * 1, x * 1), lambda a, b: (a + b).mean() * 4),
    "cat": lambda x: ((x * 1, x * 1), lambda a, b: rl.cat([a, b]).sum()),
    "stack": lambda x: ((x * 1, x.clone()), lambda a, b: rl.stack([a, b]).sum()),
    "views": lambda x: ((x.view(2), x.view(1, 2)), lambda a, b: (a + b[0]).sum()),
}


@pytest.mark.parametrize("name", SHARED)
def test_a_hook_that_writes_changes_its_own_gradient_only(name):
    """Refused, or written to memory that no other gradient sees; never another gradient."""
    x = leaf(rl)
    (a, b), joined = SHARED[name](x)
    seen = []
    b.register_hook(lambda g: seen.append(g.clone()))
    clean = leaf(rl)
    joined(*SHARED[name](clean)[0]).backward()
    a.register_hook(lambda g: g.mul_(100) and None if g.numel() == 1 else g.mul_(100) * 0 + 7)
    try:
        joined(a, b).backward()
    except RuntimeError as error:
        assert str(error).startswith("unsupported operation: more than one element of the written-to tensor refers to")
        assert x.grad is None
        return
    of_b = seen[0].reshape(-1)
    assert x.grad.tolist() == (7 + of_b).tolist()
    assert (2 * of_b).tolist() == clean.grad.tolist()


def test_a_hook_that_writes_to_a_broadcast_gradient():
    x, y = leaf(rl), leaf(rl)
    for tensor in (x, x * 1):
        tensor.register_hook(lambda g: g.mul_(2))
    g = rl.ones(1, dtype=rl.float64).expand(2)
    try:
        (x + y).backward(g)
    except RuntimeError:
        assert x.grad is y.grad is None
    else:
        assert x.grad.tolist() == [2.0, 2.0]
        assert y.grad.tolist() == [1.0, 1.0]
    assert g.tolist() == [1.0, 1.0]
