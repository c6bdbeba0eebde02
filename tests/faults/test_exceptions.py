"""What an exception in the middle of a backward leaves behind: no gradient changed, and a graph to try again."""

import os

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd, core
from rushlight.ops.declare import REGISTRY

from .beneath import Failure, fail_once, leaf, posix, printed


class Failing(autograd.Function):
    """Fails in its backward until it is told not to."""

    fails = True

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        if Failing.fails:
            raise Failure
        (x,) = ctx.saved_tensors
        return g * 2 + x * 0


def by_tensor_hook(x, y):
    y.register_hook(fail_once())


def by_leaf_hook(x, y):
    x.register_hook(fail_once())


def by_node_hook(x, y):
    y.grad_fn.register_hook(fail_once())


def by_node_prehook(x, y):
    y.grad_fn.register_prehook(fail_once())


@pytest.mark.parametrize("breaks", [by_tensor_hook, by_leaf_hook, by_node_hook, by_node_prehook])
@pytest.mark.parametrize("accumulated", [False, True], ids=["first gradient", "later gradient"])
def test_a_failing_hook_changes_nothing_and_a_retry_works(breaks, accumulated):
    x, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    if accumulated:
        (x * other).sum().backward()
    before = None if x.grad is None else (x.grad.tolist(), other.grad.tolist())
    y = x.exp()
    out = (y * other).sum()
    breaks(x, y)
    with pytest.raises(Failure):
        out.backward()
    assert before == (None if x.grad is None else (x.grad.tolist(), other.grad.tolist()))
    assert rl.is_grad_enabled()
    out.backward()
    start = np.zeros((2, 2)) if before is None else np.array(before)
    np.testing.assert_allclose(x.grad.numpy(), start[0] + np.exp([1, 2]) * [3, 4])
    np.testing.assert_allclose(other.grad.numpy(), start[1] + np.exp([1, 2]))


def test_a_failing_rule_changes_nothing_and_a_retry_works(monkeypatch):
    x = leaf(1.0, 2.0)
    x.grad = rl.ones(2, dtype=rl.float64)
    out = (Failing.apply(x) * x).sum()
    with pytest.raises(Failure):
        out.backward()
    assert x.grad.tolist() == [1.0, 1.0]
    monkeypatch.setattr(Failing, "fails", False)
    out.backward()
    assert x.grad.tolist() == [5.0, 9.0]


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (lambda: np.broadcast_to(np.zeros(1), 3), "refers to a single memory location"),
        (
            lambda: np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)),
            "refers to a single memory location",
        ),
        (lambda: np.frombuffer(bytes(24)), "read-only"),
    ],
)
def test_a_gradient_that_cannot_be_written_changes_no_other(memory, words):
    x, fixed, z = leaf(1.0, 1.0, 1.0), leaf(1.0, 1.0, 1.0), leaf(1.0, 1.0, 1.0)
    for t in (x, fixed, z):
        t.grad = rl.zeros(3, dtype=rl.float64)
    fixed.grad = core.wrap(memory())
    for out in (x + fixed + z, z + fixed + x):
        with pytest.raises((RuntimeError, ValueError), match=words):
            out.sum().backward()
        assert [t.grad.tolist() for t in (x, fixed, z)] == [[0.0] * 3] * 3


@pytest.mark.parametrize("dtype", [rl.float16, rl.float32, rl.complex64])
def test_gradients_that_overflow_do_so_silently(dtype):
    x, y = rl.ones(2, dtype=dtype, requires_grad=True), rl.ones(2, dtype=dtype, requires_grad=True)
    x.grad = rl.full((2,), float("inf"), dtype=dtype)
    autograd.backward([x, y], [rl.full((2,), -float("inf"), dtype=dtype)] * 2)
    assert x.grad.isnan().all()
    assert y.grad.real.tolist() == [-float("inf")] * 2


def test_a_gradient_of_another_shape_is_refused_not_overrun():
    x, other = leaf(1.0, 2.0), leaf(1.0)
    x.grad, other.grad = rl.zeros(2, dtype=rl.float64), rl.zeros(1, dtype=rl.float64)
    x.data = rl.zeros(1000, dtype=rl.float64)
    with pytest.raises((RuntimeError, ValueError)):
        (x * other).sum().backward()
    assert (x.grad.tolist(), other.grad.tolist()) == ([0.0, 0.0], [0.0])


@posix
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="the size of a process is read from Linux' /proc")
def test_memory_that_runs_out_changes_nothing():
    program = """
        import resource
        import rushlight as rl
        x = rl.ones(1000, requires_grad=True)
        out = x.expand(40_000, 1000) * 1.0  # its gradient takes 160 MB
        ones = rl.ones(()).expand(40_000, 1000)
        with open("/proc/self/statm") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, resource.RLIM_INFINITY))
        try:
            out.backward(ones)
        except rl.OutOfMemoryError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert x.grad is None
        out.backward(ones)
        print(x.grad[0].item())
    """
    said, retried = printed(program)
    assert said.startswith(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 160000000 bytes. Error code 12"
    )
    assert ": 0.149 GiB for a tensor of shape [40000, 1000], in the backward of mul (MulBackward0)" in said
    assert "which was recorded at <string>:5" in said
    assert retried == "40000.0"


def test_a_hook_that_runs_out_of_memory_speaks_for_itself():
    x = leaf(1.0)
    y = x * 2
    own = MemoryError("of the hook's own")

    def hook(g):
        raise own

    y.register_hook(hook)
    with pytest.raises(MemoryError) as raised:
        y.backward()
    assert raised.value is own
    assert raised.traceback[-1].name == "hook"
    assert x.grad is None


@pytest.mark.parametrize("kind", [ValueError, OverflowError, MemoryError])
@pytest.mark.parametrize("name", ["exp", "mul", "trace"])
def test_an_error_within_an_operation_keeps_its_cause(monkeypatch, name, kind):
    cause = KeyError("its cause")

    def fails(*arrays, **params):
        raise kind("of its own") from cause

    op = REGISTRY[name]
    monkeypatch.setattr(op, "kernel", None)
    monkeypatch.setattr(op, "fast", None)
    monkeypatch.setattr(op, "forward", fails)
    x = rl.ones(2, 2)
    with pytest.raises(kind, match="of its own") as raised:
        op(*[x] * op.arity)
    assert raised.value.__cause__ is cause


class OwnMemoryError(MemoryError):
    """Python uses objects of MemoryError itself again, with the __suppress_context__ that they had."""


def test_an_error_of_a_hook_keeps_what_it_came_from():
    y = leaf(1.0) * 2

    def hook(g):
        try:
            raise KeyError("first")
        finally:
            raise OwnMemoryError("then")

    y.register_hook(hook)
    with pytest.raises(OwnMemoryError, match="then") as raised:
        y.backward()
    assert isinstance(raised.value.__context__, KeyError)
    assert not raised.value.__suppress_context__


def test_memory_that_runs_out_in_a_hook_says_where():
    y = leaf(1.0) * 2
    y.register_hook(lambda g: g.new_empty(2**40))
    with pytest.raises(
        rl.OutOfMemoryError, match=r"you tried to allocate \d+ bytes\..*, in the backward of mul"
    ) as raised:
        y.backward()
    assert raised.traceback[-1].name == "allocate"


class TestMuchThatWasPassed:
    """What a stopped backward had passed beyond 8 MiB is not there any more; still no gradient has changed."""

    def stopped(self, megabytes, **options):
        """A leaf and its loss, whose backward something stopped when it had passed two thirds of what the graph kept."""
        x = rl.ones(megabytes * 2**18).requires_grad_()
        x.grad = x.detach().clone()
        y = x.sin()
        failing = y.register_hook(fail_once())
        loss = y.sin().sin().sum()
        with pytest.raises(Failure):
            loss.backward(**options)
        failing.remove()
        assert x.grad[0] == 1
        return x, loss

    def test_little_can_be_passed_again(self):
        x, loss = self.stopped(3)
        loss.backward()
        assert x.grad[0] != 1

    def test_much_is_refused_and_says_why(self):
        x, loss = self.stopped(5)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time") as caught:
                loss.backward()
            assert caught.value.code == "RL139"
            assert "Failure stopped the backward before this one when it had passed 10.0 MiB" in str(
                caught.value.__notes__
            )
        assert (x.grad == 1).all()

    def test_much_can_be_retained(self):
        x, loss = self.stopped(5, retain_graph=True)
        loss.backward()
        assert x.grad[0] != 1

    def test_a_pass_that_succeeded_is_told_from_one_that_was_stopped(self):
        x = rl.ones(5 * 2**18).requires_grad_()
        loss = x.sin().sin().sin().sum()
        loss.backward()
        with pytest.raises(RuntimeError) as caught:
            loss.backward()
        assert caught.value.code == "RL101"
