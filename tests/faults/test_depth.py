"""Graphs and models of any size: no recursion, time in proportion, and all of it freed."""

import copy
import gc
import os
import sys
import threading
import weakref

import pytest

import rushlight as rl
from rushlight import autograd, nn, optim

from .beneath import Same, in_a_small_stack, leaf, seconds


def hooked(y):
    y.register_hook(lambda g: g)
    return y + 0.0


def written(y):
    y = y + 0.0
    y += 0.0
    return y


def written_through_a_view(y):
    y = y + 0.0
    y[0] = 1.0
    return y


# Each step holds the one before in another way: by an edge, a kept input or output, a list, a hook, a base.
STEPS = {
    "add": lambda y: y + 0.0,
    "kept inputs": lambda y: y * y,
    "kept output": lambda y: y.tanh(),
    "three inputs": lambda y: rl.addcmul(y, y, y),
    "list": lambda y: rl.cat([y, y])[:2],
    "several outputs": lambda y: rl.stack(y.unbind(0)[::-1]),
    "view": lambda y: y.view(2),
    "hook": hooked,
    "in place": written,
    "in place through a view": written_through_a_view,
    "custom": Same.apply,
    "rule in Python": lambda y: rl.where(y > 0, y, y),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_long_chain_of_any_kind(step, compiled):
    length = 40_000 if compiled else 5_000

    def work():
        x = leaf(0.5, 0.5)
        for run in (True, False):
            y = x
            for _ in range(length):
                y = step(y)
            if run:
                y.sum().backward()
            del y
        return x.grad is not None

    assert in_a_small_stack(work)


def test_a_long_chain_of_second_derivatives(compiled):
    def work():
        x = leaf(1.0)
        y = x
        for _ in range(20_000 if compiled else 3_000):
            y = y * 1.0
        (g,) = autograd.grad(y.sum(), x, create_graph=True)
        return g.item()

    assert in_a_small_stack(work) == 1.0


def seconds_uncollected(work, n):
    """The same without the cyclic collector, whose passes over all that the tests hold are not the work's own time."""
    gc.collect()
    gc.disable()
    try:
        return seconds(work, n)
    finally:
        gc.enable()


def one_leaf_used_often(n):
    x = leaf(*[1.0] * 8)
    total = x * 0.0
    for _ in range(n):
        total = total + x
    total.sum().backward()
    assert x.grad.tolist() == [float(n)] * 8


def a_stack_of_many(n):
    x = leaf(1.0)
    rl.stack([x] * n).sum().backward()
    assert x.grad.item() == n


def a_stack_of_many_leaves(n):
    xs = [leaf(1.0) for _ in range(n)]
    rl.stack(xs).sum().backward()
    assert all(x.grad.item() == 1.0 for x in xs[:: n // 10])


@pytest.mark.parametrize("work", [one_leaf_used_often, a_stack_of_many, a_stack_of_many_leaves])
def test_time_is_linear(work, compiled):
    n = 100_000 if compiled else 20_000
    work(1000)
    # Quadratic time would be 64 times the time of an eighth; a graph that leaves the caches costs some more than 8.
    part = min(seconds_uncollected(work, n // 8) for _ in range(5))
    assert min(seconds_uncollected(work, n) for _ in range(3)) < 32 * part


# -- memory


def resident():
    """Bytes of memory that the process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size of a process is read from Linux' /proc")
def test_training_does_not_grow(compiled):
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, y = rl.randn(8, 4), rl.zeros(8, dtype=rl.int64)

    def steps(n):
        for _ in range(n):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

    count = 20_000 if compiled else 2_000
    steps(count // 10)
    grown = []
    # The allocator may take another arena once; what leaks grows every time.
    while len(grown) < 3 and (not grown or grown[-1] >= 2 * 2**20):
        gc.collect()
        size, objects = resident(), len(gc.get_objects())
        gc.disable()
        try:
            steps(count)
            assert len(gc.get_objects()) - objects < 50
        finally:
            gc.enable()
        grown.append(resident() - size)
    assert min(grown) < 2 * 2**20


def programs():
    """Graphs of several kinds, by what keeps them alive."""
    x = leaf(0.5, 1.5)
    y = x.exp() * x.tanh() + x.softmax(0)
    yield y.sum()
    z = x * 2
    z += x
    z[0] = 3.0
    z.t()
    yield z.sum()
    a, b = (x * x).unbind(0)
    yield a * b
    w = x.clone()
    w.register_hook(lambda g: g * 2)
    w.retain_grad()
    yield (w * w).sum()
    yield Same.apply(x).sum()
    yield nn.functional.cross_entropy(x.reshape(1, 2) * 1.0, rl.tensor([0]))


@pytest.mark.parametrize("run", [True, False], ids=["after backward", "never run"])
def test_reference_counts_alone_free_any_graph(run):
    for out in programs():  # what is made once and kept
        out.backward()
    del out
    gc.collect()
    gc.disable()
    try:
        for out in programs():
            node = weakref.ref(out.grad_fn)
            if run:
                out.backward()
            del out
            assert node() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_reference_counts_alone_free_a_graph_differentiated_in_part():
    def part():
        y = leaf(0.5, 1.5) * 2
        z = (y * y).sum()
        return autograd.grad(z, y, retain_graph=True), autograd.grad(z * 2, [y, z])

    part()
    gc.collect()
    gc.disable()
    try:
        part()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_create_graph_leaves_is_collected():
    def once():
        net = nn.Linear(3, 3)
        loss = net(rl.ones(2, 3)).tanh().sum()
        with pytest.warns(UserWarning, match="reference cycle"):
            loss.backward(create_graph=True)
        return weakref.ref(net.weight), weakref.ref(net.weight.grad.grad_fn)

    held = [once() for _ in range(100)]
    gc.collect()
    assert [reference() for pair in held for reference in pair] == [None] * 200
    assert gc.garbage == []


def test_a_hook_that_holds_its_own_tensor_is_collected():
    x = leaf(1.0)
    y = x * 2
    for t in (x, y):
        t.register_hook(lambda g, t=t: g * t.detach())
    y.sum().backward()
    held = weakref.ref(x), weakref.ref(y)
    del x, y, t
    gc.collect()
    assert [reference() for reference in held] == [None, None]


# -- models


def nested(depth):
    net = nn.Linear(1, 1)
    for _ in range(depth):
        net = nn.Sequential(net)
    return net


def copied_and_read(net):
    copied = copy.deepcopy(net)
    copied.load_state_dict(net.state_dict())
    return sum(1 for _ in copied.modules())


# What is done to a model of modules within modules, and how deep the model is: names grow with the depth.
NESTED = {
    "modules": (5000, lambda net: sum(1 for _ in net.modules())),
    "parameters": (5000, lambda net: len([*net.parameters()])),
    "train": (5000, lambda net: net.eval().train()),
    "apply": (5000, lambda net: net.apply(lambda module: None)),
    "to": (5000, lambda net: net.to(rl.float64).zero_grad()),
    "copy": (1500, copied_and_read),
    "repr": (600, lambda net: repr(net)),
}


@pytest.mark.parametrize("case", NESTED.values(), ids=NESTED)
def test_models_nested_deeper_than_python_calls(case):
    depth, work = case
    assert in_a_small_stack(lambda: work(nested(depth)) or True)


def test_a_module_inside_of_itself_is_visited_once():
    net = nn.Sequential(nn.Linear(1, 1))
    net.me = net
    assert repr(net).splitlines()[-2:] == ["  (me): Sequential(...)", ")"]
    called = []
    net.eval().apply(called.append)
    assert len(called) == 2
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    copied = copy.deepcopy(net)
    assert copied.me is copied


def test_a_method_of_a_modules_own_is_called_where_it_is():
    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(False)
            return self

        def __repr__(self):
            return "frozen\nmodule"

    net = nn.Sequential(nn.Sequential(Frozen(nn.Sequential(nn.ReLU()))), nn.ReLU())
    net.train()
    assert [module.training for module in net.modules()] == [True, True, False, False, False, True]
    assert "    (0): frozen\n    module\n" in repr(net)


# -- backward within backward


def nested_backward(depth):
    """A Function whose backward differentiates another of its kind, `depth` times."""

    class Deeper(autograd.Function):
        @staticmethod
        def forward(ctx, x, left):
            ctx.left = left
            return x * 1

        @staticmethod
        def backward(ctx, g):
            if ctx.left:
                with autograd.enable_grad():
                    x = leaf(1.0)
                    Deeper.apply(x, ctx.left - 1).backward()
                assert x.grad.item() == 1.0
            return g, None

    x = leaf(1.0)
    out = Deeper.apply(x, depth)
    out.backward()
    return x.grad.item()


def test_backward_within_backward_as_deep_as_python_allows(compiled):
    depth = 10_000 if compiled else 2_000
    # Whatever setrecursionlimit says, these let C call Python 1,500 times within itself, and no more.
    if sys.version_info[:2] in ((3, 12), (3, 13)):
        depth = 500
    stack, calls = threading.stack_size(2**29 - 2**20), sys.getrecursionlimit()
    results = []
    try:
        sys.setrecursionlimit(20 * depth)
        thread = threading.Thread(target=lambda: results.append(nested_backward(depth)))
        count = threading.active_count()
        thread.start()
        thread.join()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(calls)
    assert results == [1.0]
    assert threading.active_count() == count


def test_backward_too_deep_is_an_error_and_a_retry_works():
    with pytest.raises(RecursionError):
        nested_backward(10_000)
    assert rl.is_grad_enabled()
    assert nested_backward(5) == 1.0
