"""The machine that benchmarks run on: what it is, and how quick it is at reading and writing, and at matrix products."""

import functools
import os
import platform
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from . import THREADS

ROOT = Path(__file__).parent.parent


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def commit():
    """The commit of the working tree, with a + where files differ from it; None outside of git."""
    try:
        found, changed = (
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--untracked-files=no", "src"))
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found + "+" * bool(changed)


def described():
    import torch

    import rushlight

    return {
        "processor": processor(), "cores": os.cpu_count(), "threads": THREADS, "python": platform.python_version(),
        "numpy": np.__version__, "torch": torch.__version__, "rushlight": rushlight.__version__,
        "compiled": is_compiled(),
    }  # fmt: skip


def is_compiled():
    import rushlight.core

    return not rushlight.core.__file__.endswith(".py")


def best(seconds, times=5):
    return min(seconds() for _ in range(times))


@functools.cache
def memory_rate(elements):
    """Bytes a second that all threads together read and write, when each has its part of so many float32.

    The better of a copy and of a sum into one of its operands: a copy's result has to be read before it is written.
    """
    part = max(1, elements // THREADS)
    pairs = [(np.ones(part, np.float32), np.ones(part, np.float32)) for _ in range(THREADS)]
    repeats = max(1, 20_000_000 // elements)

    def copies(pair):
        for _ in range(repeats):
            np.copyto(*pair)

    def sums(pair):
        for _ in range(repeats):
            np.add(*pair, out=pair[0])

    with ThreadPoolExecutor(THREADS) as pool:

        def seconds(work):
            begun = time.perf_counter()
            list(pool.map(work, pairs))
            return time.perf_counter() - begun

        moved = 4 * part * THREADS * repeats
        return max(2 * moved / best(lambda: seconds(copies)), 3 * moved / best(lambda: seconds(sums)))


@functools.cache
def product_rate(side=1536):
    """Floating point operations a second in a product of two square float32 matrices, NumPy's or PyTorch's: the better."""
    import torch

    rates = []
    for x in (np.ones((side, side), np.float32), torch.ones(side, side)):

        def seconds(x=x):
            begun = time.perf_counter()
            x @ x
            return time.perf_counter() - begun

        rates.append(2 * side**3 / best(seconds))
    return max(rates)


def rates():
    """What the limits are computed from, in billions a second."""
    return {
        "product": product_rate() / 1e9,
        "memory": {f"{n:,}": memory_rate(n) / 1e9 for n in (1_000_000, 10_000_000)},
    }
