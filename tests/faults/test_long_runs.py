"""Graphs of a million nodes and trainings of many steps: the memory they take, and the time beside PyTorch."""

import os
import time

import pytest

import rushlight as rl
from rushlight.kernels import load

from .beneath import printed

resident = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from Linux' /proc")

MEMORY = """
    import gc
    import rushlight as rl

    def mebibytes(field):
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024
"""

CHAIN = """
    import threading

    def work():
        x = rl.ones(2, requires_grad=True)
        y = x
        for _ in range(1_000_000):
            y = y + 0.5
        if {backward}:
            y.sum().backward()
            assert x.grad.tolist() == [1.0, 1.0]

    if {small}:
        threading.stack_size(256 * 1024)
        thread = threading.Thread(target=work)
        thread.start(), thread.join()
    else:
        work()
    print(mebibytes("VmHWM"))
"""


@resident
@pytest.mark.parametrize("backward, small", [(True, False), (False, False), (True, True)])
def test_a_chain_of_a_million_operations_takes_500_mebibytes_at_most(backward, small, compiled):
    if not compiled:
        pytest.skip("the bar is for compiled nodes; test_depth.py has shorter chains")
    (most,) = printed(MEMORY + CHAIN.format(backward=backward, small=small))
    assert float(most) < 500


TRAINING = """
    from rushlight import nn, optim

    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = optim.Adam(net.parameters(), lr=1e-3)
    x, target = rl.randn(16, 4), rl.randn(16, 1)

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), target).backward()
            optimizer.step()
        gc.collect()
        return mebibytes("VmRSS"), len(gc.get_objects())

    train({warm})
    before = train({warm})
    after = train({steps})
    print(after[0] - before[0], after[1] - before[1])
"""


@resident
def test_a_training_of_fifty_thousand_steps_does_not_grow(compiled):
    """At most 4 MiB, and no object more."""
    steps = 50_000 if compiled else 2_000
    (line,) = printed(MEMORY + TRAINING.format(warm=500, steps=steps))
    memory, objects = map(float, line.split())
    assert memory <= 4
    # What the interpreter itself keeps, such as a frame of a loop, comes and goes.
    assert abs(objects) <= 5


def chain(m, n):
    x = m.ones(2, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + 0.5
    y.sum().backward()


def leaf_used_often(m, n):
    x = m.ones(8, requires_grad=True)
    total = x * 0.0
    for _ in range(n):
        total = total + x
    total.sum().backward()


def stack(m, n):
    x = m.ones(3, requires_grad=True)
    m.stack([x] * n).sum().backward()


@pytest.mark.parity
@pytest.mark.parametrize("work, n", [(chain, 100_000), (leaf_used_often, 100_000), (stack, 20_000)])
def test_long_graphs_take_less_time_than_pytorch_s(work, n, compiled):
    torch = pytest.importorskip("torch")
    if not compiled or load("elementwise") is None:
        pytest.skip("the bar is for the compiled core and kernels")
    took = {rl: [], torch: []}
    # Of seven, since the collector of cycles comes in most of them and looks through all that PyTorch has loaded.
    for m in (rl, torch) * 7:
        start = time.perf_counter()
        work(m, n)
        took[m].append(time.perf_counter() - start)
    assert min(took[rl]) < min(took[torch])
