"""Every allocation of a training step fails once: no crash, all gradients or none, nothing lost, and a retry works."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rushlight import core, kernels

PROGRAM = Path(__file__).with_name("no_memory.py")
COMPILED = not core.__file__.endswith(".py")

pytestmark = [
    pytest.mark.skipif(platform.python_implementation() != "CPython", reason="CPython's _testcapi makes them fail"),
    pytest.mark.skipif(not COMPILED, reason="uncompiled, most allocations are those of the interpreter's own frames"),
    # In ufunc.reduce, and where OpenBLAS finds none for a product.
    pytest.mark.skipif(kernels.load("elementwise") is None, reason="NumPy itself crashes without memory"),
]


# Blocks that a failure may cost: an array each time would be three. Where the interpreter finds no memory for the cell of
# a variable that a closure shares, it loses what the function was called with; views and hooks come by more of those.
COSTS = {"Training": 1.5, "Again": 1.5, "Views": 2.5, "Hooks": 6}


@pytest.mark.parametrize("work", COSTS)
def test_each_allocation_of_python_may_fail(work):
    pytest.importorskip("_testcapi", reason="this Python was built without its test modules")
    if sys.version_info[:2] == (3, 12):
        pytest.skip("Python 3.12 itself crashes where it finds no memory for a function")
    if sys.version_info >= (3, 13) and work == "Views":
        pytest.skip("later Pythons lose what more frames held")
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", PROGRAM, work, ""],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["complaints"] == []
    assert all(told["failed"].values())
    assert all(told["grown"][phase] < COSTS[work] * times for phase, times in told["failed"].items()), told


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="its malloc is told to ask the system each time")
def test_large_allocations_of_kernels_may_fail():
    asking = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    command = [sys.executable, PROGRAM.with_name("no_space.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **asking})
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["complaints"] == []
    assert all(told["failed"].values()), told
