"""A step of an optimizer that is interrupted, or that finds no memory, has changed all parameters and states, or none."""

import copy
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from rushlight import optim

from .beneath import Failure, posix
from .stepped import LAYOUTS, OPTIMIZERS, Stepped, same

TESTS = Path(__file__).parents[1]


def interrupted(work, after):
    """Whether an exception came into work() from a handler of a signal, so many seconds after it began."""

    def ring(*_):
        raise Failure

    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, after)
            work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Failure:
        return True
    finally:
        signal.signal(signal.SIGALRM, before)
    return False


@posix
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_interrupted_step_is_whole_or_not_begun(name, layout):
    trial = Stepped(OPTIMIZERS[name], layout)
    # The first step begins states, and interrupted often it comes to the same.
    other = Stepped(OPTIMIZERS[name], layout)
    other.optimizer.step()
    start = time.perf_counter()
    copy.deepcopy(other).optimizer.step()
    whole = time.perf_counter() - start
    one = other.values()
    came, before = 0, trial.params[0].detach().clone()
    for k in range(25):
        came += interrupted(trial.optimizer.step, (k + 1) / 25 * whole)
        done = [not np.array_equal(p.detach().numpy(), before.numpy()) for p in trial.params]
        assert len(set(done)) == 1
        if done[0]:
            assert same(trial.values(), one)
            trial = Stepped(OPTIMIZERS[name], layout)


@posix
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_closure_that_raises_leaves_lbfgs_where_it_began(search):
    x, calls, failing = rl.tensor([4.0, -3.0], requires_grad=True), [], []

    def closure():
        calls.append(x.tolist())
        optimizer.zero_grad()
        loss = ((x - 1) ** 4).sum()
        loss.backward()
        if len(calls) in failing:
            raise Failure
        return loss

    optimizer = optim.LBFGS([x], max_iter=4, line_search_fn=search)
    optimizer.step(closure)
    reached, state = x.tolist(), repr(optimizer.state_dict()["state"])
    for fails in (1, 2, 4):
        calls.clear()
        failing = [fails]
        with pytest.raises(Failure):
            optimizer.step(closure)
        assert x.tolist() == reached
        assert repr(optimizer.state_dict()["state"]) == state
    failing = []
    optimizer.step(closure)
    assert x.tolist() != reached


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_step_without_memory_is_not_begun(layout):
    testcapi = pytest.importorskip("_testcapi")
    if not hasattr(testcapi, "set_nomemory"):
        pytest.skip("this interpreter cannot fail allocations")
    if sys.version_info[:2] == (3, 12):
        pytest.skip("Python 3.12 itself crashes where it finds no memory for the frame of a generator")
    # In a process of its own: of a crash there its stack is told, and no other test is the worse for it.
    command = [sys.executable, "-X", "faulthandler", "-W", "error", "-m", "faults.no_memory_steps", layout]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.returncode}: {done.stderr}"
    told = json.loads(done.stdout)
    assert told["complaints"] == []
    assert min(told["failed"].values()) > 3
