"""Every public name of PyTorch's autograd, func and checkpoint is there, or docs/differences.md says why not."""

import importlib
import re
from pathlib import Path

import pytest

MODULES = (
    "autograd", "autograd.anomaly_mode", "autograd.forward_ad", "autograd.function", "autograd.functional",
    "autograd.grad_mode", "autograd.gradcheck", "autograd.graph", "autograd.profiler", "autograd.variable", "func",
    "utils.checkpoint",
)  # fmt: skip
PAGE = Path(__file__).parent.parent / "docs" / "differences.md"


def explained():
    """What stands in code marks below "Not there"."""
    return set(re.findall(r"`([\w.]+)`", PAGE.read_text(encoding="utf-8").split("## Not there")[1]))


def module_of(library, name):
    try:
        return importlib.import_module(f"{library}.{name}")
    except ModuleNotFoundError:
        return None


@pytest.mark.parity
@pytest.mark.parametrize("name", MODULES)
def test_a_name_is_there_or_explained(name):
    pytest.importorskip("torch")
    theirs, ours = module_of("torch", name), module_of("rushlight", name)
    if ours is None:
        assert name in explained()
        return
    named = getattr(theirs, "__all__", None) or [n for n in vars(theirs) if not n.startswith("_")]
    missing = {n for n in named if not hasattr(ours, n)}
    assert missing <= explained()


@pytest.mark.parity
def test_what_is_said_to_be_missing_is():
    pytest.importorskip("torch")
    lines = PAGE.read_text(encoding="utf-8").split("## Not there")[1].split("\n- ")
    for line in lines:
        found = re.match(r"In `([\w.]+)`: (.*)", line, re.DOTALL)
        if found is None:
            continue
        ours = module_of("rushlight", found[1])
        for n in re.findall(r"`(\w+)`", found[2].split("`torch.")[0]):
            assert not hasattr(ours, n), n
