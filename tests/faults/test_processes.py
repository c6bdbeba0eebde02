"""Forks at any moment, and the end of a process while threads compute."""

import os

import pytest

from .beneath import posix, printed


@posix
def test_a_forked_child_computes_and_differentiates():
    program = """
        import os, warnings
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        import rushlight as rl
        def step():
            x = rl.full((300, 300), 0.01, requires_grad=True)
            y = rl.randn(1_000_000).exp().sum()
            ((x @ x).tanh().sum() + y * 0).backward()
            return x.grad.sum().item()
        here = step()
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if abs(step() - here) < 1e-3 * abs(here) else 1)
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert printed(program) == ["0", "0", "0"]


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="threads are counted in Linux' /proc")
def test_importing_starts_no_thread():
    program = """
        import os
        import numpy
        before = len(os.listdir("/proc/self/task"))
        import rushlight
        import rushlight.nn, rushlight.optim
        print(len(os.listdir("/proc/self/task")) - before)
    """
    assert printed(program) == ["0"]
