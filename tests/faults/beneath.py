"""What the tests of faults share: small stacks, processes of their own, threads that start at once, failures."""

import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import rushlight as rl
from rushlight import autograd

posix = pytest.mark.skipif(os.name != "posix", reason="signals and forks as POSIX has them")


def leaf(*values):
    return rl.tensor(values, dtype=rl.float64, requires_grad=True)


def in_a_small_stack(work):
    """What `work` returns in a thread whose stack is 256 KiB: recursion over a long chain would crash there."""
    results = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join(120)
    return results[0]


def seconds(work, n):
    start = time.perf_counter()
    work(n)
    return time.perf_counter() - start


def printed(program, *arguments, timeout=120):
    """The lines that a Python program prints in a process of its own, warnings being errors."""
    code = textwrap.dedent(program)
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert (done.returncode, done.stderr) == (0, ""), f"{done.returncode}: {done.stderr}"
    return done.stdout.splitlines()


def in_threads(count, work):
    """Run work(k) in `count` threads at once; what they raised."""
    raised, ready = [], threading.Barrier(count)

    def guarded(k):
        ready.wait()
        try:
            work(k)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return raised


class Same(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g


class Failure(Exception):
    pass


def fail_once():
    """A hook that raises Failure when it is first called."""
    done = []

    def hook(*_):
        if not done:
            done.append(True)
            raise Failure

    return hook
