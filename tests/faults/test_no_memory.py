"""Every allocation of a training step fails once: no crash, all gradients or none, nothing lost, and a retry works."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rushlight import core

PROGRAM = Path(__file__).with_name("no_memory.py")
COMPILED = not core.__file__.endswith(".py")

pytestmark = [
    pytest.mark.skipif(platform.python_implementation() != "CPython", reason="CPython's _testcapi makes them fail"),
    pytest.mark.skipif(not COMPILED, reason="uncompiled, most allocations are those of the interpreter's own frames"),
]


@pytest.mark.parametrize("work", ["Training", "Again"])
def test_each_allocation_of_python_may_fail(work):
    pytest.importorskip("_testcapi", reason="this Python was built without its test modules")
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, PROGRAM, work, ""], capture_output=True, text=True, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["complaints"] == []
    assert all(told["failed"].values())
    # Of some failures the interpreter itself loses what it held for a call; of an array each time it would be more.
    assert told["blocks"][2] - told["blocks"][1] < 4 * sum(told["failed"].values())
