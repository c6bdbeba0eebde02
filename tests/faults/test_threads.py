"""Many threads at once: forward, backward, hooks and modules, and loops that several threads share."""

import os
import sys
import time

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn

from . import crowd
from .beneath import Failure, fail_once, in_threads, leaf, printed


@pytest.fixture
def often_switching():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_threads_add_into_the_same_leaves_exactly(often_switching):
    small, large = leaf(0.0), rl.zeros(70_000, dtype=rl.float64, requires_grad=True)

    def work(k):
        for _ in range(25):
            (large * float(k) + small * 2.0).sum().backward()

    assert in_threads(8, work) == []
    assert small.grad.item() == 8 * 25 * 2.0 * 70_000
    assert set(large.grad.tolist()) == {25.0 * 28}


@pytest.mark.parametrize("waits", [True, False], ids=["at a hook", "freely"])
def test_one_of_four_threads_differentiates_a_graph(waits, often_switching):
    for _ in range(20):
        x = leaf(1.0, 2.0)
        y = x
        for _ in range(20):
            y = y * x.exp()
        if waits:
            y.register_hook(lambda g: time.sleep(0.001))
        out = y.sum()
        raised = in_threads(4, lambda k, out=out: out.backward())
        assert [type(error) for error in raised] == [RuntimeError] * 3
        assert all("backward through the graph a second time" in str(error) for error in raised)
        want = leaf(1.0, 2.0)
        (want.exp() ** 20 * want).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), want.grad.numpy(), rtol=1e-12)


def test_a_thread_that_fails_leaves_the_graph_to_the_others():
    x = leaf(1.0, 2.0)
    out = (x * x).sum()
    failing = out.grad_fn.register_prehook(fail_once())
    assert [type(error) for error in in_threads(1, lambda k: out.backward())] == [Failure]
    failing.remove()
    assert in_threads(1, lambda k: out.backward()) == []
    assert x.grad.tolist() == [2.0, 4.0]


def test_everything_at_once(often_switching):
    """Forward, backward, hooks, calls of one module, writes in place, draws and settings: no error, right results."""
    net = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    shared = rl.ones(8, dtype=rl.float64, requires_grad=True)
    given = rl.linspace(-1, 1, 40, dtype=rl.float64).reshape(5, 8)
    want = net(given).detach()
    called, threads, rounds = [], rl.get_num_threads(), 40

    def training(k):
        generator = rl.Generator().manual_seed(k)
        drawn = rl.rand(70_000, generator=generator)
        for i in range(rounds):
            out = net(given)
            assert rl.equal(out, want)
            handle = shared.register_hook(called.append)
            (shared * 2).sum().backward()
            handle.remove()
            out.sum().backward()
            own = rl.zeros(50, requires_grad=True) * 1
            own[i] += k
            own.sum().backward()
            assert own[i].item() == k
            with rl.no_grad():
                assert not (shared * 1).requires_grad
            assert rl.is_grad_enabled()
            rl.set_num_threads(1 + (k + i) % 4)
            generator.manual_seed(k)
            assert rl.equal(rl.rand(70_000, generator=generator), drawn)

    def reading():
        with rl.no_grad():
            for _ in range(rounds):
                assert not net(given).requires_grad
                assert rl.equal(net(given), want)

    try:
        assert in_threads(6, lambda k: reading() if k % 2 else training(k)) == []
    finally:
        rl.set_num_threads(threads)
    assert shared.grad.tolist() == [3 * rounds * 2.0] * 8
    assert len(called) >= 3 * rounds
    alone = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    alone.load_state_dict(net.state_dict())
    alone(given).sum().backward()
    for ours, theirs in zip(net.parameters(), alone.parameters()):
        np.testing.assert_allclose(ours.grad.numpy(), 3 * rounds * theirs.grad.numpy(), rtol=1e-10)


def test_a_crowd_at_everything_at_once():
    played, complaints = crowd.play(2, 4)
    assert complaints == []
    assert set(played.values()) == {max(played.values())}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="tells where threads may run, on Linux alone")
def test_threads_that_help_are_kept_off_the_processor_of_the_caller():
    program = """
        import os, time
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
        os.environ["OMP_NUM_THREADS"] = "2"
        import rushlight as rl
        x = rl.ones(1_000_000)
        before = set(os.listdir("/proc/self/task"))
        x.exp()
        for tid in set(os.listdir("/proc/self/task")) - before:
            time.sleep(0.01)
            x.exp()
            print(len(os.sched_getaffinity(int(tid))))
    """
    assert printed(program) in ([], ["1"])
