"""Training under faults of all kinds, for a few seconds; `make soak` does it for ten minutes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(
    not os.path.exists("/proc/self/statm"), reason="what is left of processes is read from Linux' /proc"
)
def test_training_under_faults_comes_to_the_same_weights():
    command = [sys.executable, "-W", "error", "-m", "faults.soak", "--seconds", "7", "--seed", "3"]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "steps; faults and how many of them raised" in done.stdout
