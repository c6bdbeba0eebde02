"""Ctrl-C, and whatever else a signal handler raises, in the middle of a backward."""

import gc
import random
import signal
import time

import pytest

import rushlight as rl

from .beneath import leaf, posix, seconds


class Alarm(Exception):
    pass


@pytest.fixture
def alarm():
    """Call with seconds: an exception comes then, as it would for Ctrl-C.

    The garbage collector rests, since Python drops what is raised within its callbacks, and Hypothesis has one.
    """

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    gc.collect()
    gc.disable()
    yield lambda after: signal.setitimer(signal.ITIMER_REAL, after)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    gc.enable()


@posix
@pytest.mark.parametrize("to", ["leaves", "inputs"])
def test_an_interrupt_arrives_while_backward_runs(to, compiled, alarm):
    x = leaf(1.0)
    y = x
    length = 400_000 if compiled else 50_000
    for _ in range(length):
        y = y + x
    waited = []
    # A machine that is busy elsewhere may be late itself, but not every time.
    while len(waited) < 6 and (not waited or waited[-1] > 0.05):
        after = 0.02 + 0.005 * len(waited)
        alarm(after)
        start = time.perf_counter()
        with pytest.raises(Alarm):
            y.backward(inputs=None if to == "leaves" else [x], retain_graph=True)
        waited.append(time.perf_counter() - start - after)
        assert x.grad is None
        assert rl.is_grad_enabled()
    assert min(waited) < 0.05
    y.backward()
    assert x.grad.item() == length + 1


@posix
def test_an_interrupt_at_any_moment_leaves_all_gradients_or_none(alarm):
    leaves = [leaf(float(i)) for i in range(50)]
    pick = random.Random(3)

    def forward():
        return rl.cat(leaves).exp().mul(0.0).add(1.0).sum() + sum(x.sum() for x in leaves)

    forward().backward()
    whole = seconds(lambda _: forward().backward(), 0)
    missed = 0
    for _ in range(150):
        for x in leaves:
            x.grad = None
        out = forward()
        try:
            try:
                alarm(pick.uniform(1e-6, whole))
                out.backward()
            finally:
                alarm(0)
        except Alarm:
            pass
        else:
            missed += 1
        assert rl.is_grad_enabled()
        done = {x.grad is not None for x in leaves}
        assert len(done) == 1
        if done == {False}:
            out.backward()
        assert [x.grad.item() for x in leaves] == [1.0] * 50
    assert missed < 150
