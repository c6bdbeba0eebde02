"""A step of an optimizer that is interrupted, or that finds no memory, has changed all parameters and states, or none."""

import copy
import signal
import time

import numpy as np
import pytest

import rushlight as rl
from rushlight import optim

from .beneath import Failure, posix

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "SGD of momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5),
    "Adam": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1),
    "Rprop": lambda p: optim.Rprop(p, lr=0.1),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.1),
    "Muon": lambda p: optim.Muon(p, lr=0.1),
    "SparseAdam": lambda p: optim.SparseAdam(p, lr=0.1),
}
# Of which compiled loops take all, some, or none.
LAYOUTS = {
    "plain": lambda i: rl.ones(3, 2),
    "strided": lambda i: rl.ones(2, 3).t() if i % 2 else rl.ones(3, 2),
    "half": lambda i: rl.ones(3, 2, dtype=rl.float16),
}


class Stepped:
    """Parameters in two groups, and their optimizer."""

    def __init__(self, make, layout):
        self.params = [LAYOUTS[layout](i).requires_grad_() for i in range(8)]
        for i, p in enumerate(self.params):
            p.grad = rl.full_like(p, 0.25 + i).detach()
        self.optimizer = make([{"params": self.params[:5]}, {"params": self.params[5:]}])

    def values(self):
        """All numbers of the parameters and of the state, but for states that have only begun."""
        kept = [p.detach().numpy().copy() for p in self.params]
        for p in self.params:
            state = self.optimizer.state[p]
            kept.append([value.numpy().copy() if isinstance(value, rl.Tensor) else value for value in state.values()])
        return kept


def same(some, others):
    return all(
        same(a, b) if isinstance(a, list) else np.array_equal(a, b) and type(a) is type(b)
        for a, b in zip(some, others, strict=True)
    )


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
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "SparseAdam"])
def test_a_step_without_memory_is_not_begun(name, layout):
    testcapi = pytest.importorskip("_testcapi")
    if not hasattr(testcapi, "set_nomemory"):
        pytest.skip("this interpreter cannot fail allocations")
    other = Stepped(OPTIMIZERS[name], layout)
    untouched = [p.detach().clone() for p in other.params]
    other.optimizer.step()
    one, failed, n = other.values(), 0, 0
    trial = Stepped(OPTIMIZERS[name], layout)
    while n < 3000:
        error = None
        try:
            testcapi.set_nomemory(n, n + 1)
            trial.optimizer.step()
        except (MemoryError, SystemError) as caught:
            # NumPy and Python lose the word of what is amiss in some places.
            error = caught
        finally:
            testcapi.remove_mem_hooks()
        if error is None:
            break
        failed += 1
        n += 1 if n < 60 else 7
        for p, value in zip(trial.params, untouched):
            assert np.array_equal(p.detach().numpy(), value.numpy())
    assert failed > 3
    assert same(trial.values(), one)
