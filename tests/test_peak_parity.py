"""The peak memory of training steps is at most PyTorch's: a short form of two of benchmarks/peak.py."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

from rushlight.kernels import load

ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux' /proc"),
    pytest.mark.skipif(load("buffers") is None, reason="without kernels there are more temporaries"),
]


@pytest.mark.parametrize("words", ["elementwise chain", "linear and gelu"])
def test_the_peak_of_a_step_is_at_most_theirs(monkeypatch, words):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(ROOT))
    peak, steps = import_module("benchmarks.peak"), import_module("benchmarks.steps")
    name = next(name for name in steps.WORKLOADS if words in name)
    told = peak.compared(name, small=True, rounds=1)
    assert told["torch_mb"] > 5
    assert told["rushlight_mb"] <= told["torch_mb"] + peak.NOISE_MB, told
