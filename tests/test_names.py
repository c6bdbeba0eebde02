"""Every public name of PyTorch's autograd, func and checkpoint is there, or docs/differences.md says why not."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight
from rushlight.functions import absent

MODULES = (
    "autograd", "autograd.anomaly_mode", "autograd.forward_ad", "autograd.function", "autograd.functional",
    "autograd.grad_mode", "autograd.gradcheck", "autograd.graph", "autograd.profiler", "autograd.variable", "func",
    "optim", "optim.lr_scheduler", "optim.optimizer", "optim.swa_utils", "utils", "utils.dlpack", "utils.hooks",
    "serialization", "utils.checkpoint",
)  # fmt: skip
# What modules without a list of their names have imported for themselves.
IMPORTED = ("copyreg", "torch", "weakref")
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
    named = [n for n in named if n not in IMPORTED]
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


# -- names that are not there

NAMESPACES = (
    "amp", "autograd", "backends", "cpu", "cuda", "cuda.amp", "fft", "func", "linalg", "nn", "nn.functional", "nn.init",
    "nn.utils", "optim", "profiler", "random", "signal", "special", "utils",
)  # fmt: skip


@pytest.mark.parametrize("path", ["rushlight", *[f"rushlight.{name}" for name in NAMESPACES]])
def test_a_module_says_that_it_lacks_a_name_and_which_one_is_near(path):
    module = importlib.import_module(path)
    known = next(name for name in sorted(dir(module), key=len, reverse=True) if name[0].islower())
    with pytest.raises(AttributeError) as caught:
        getattr(module, f"{known}_x")
    said = str(caught.value)
    assert said.startswith(f"module '{path}' has no attribute '{known}_x' (rushlight does not have it")
    assert said.endswith(f"); did you mean '{known}'?")
    with pytest.raises(AttributeError, match=f"module '{path}' has no attribute '_private_name'$"):
        module._private_name  # noqa: B018


@pytest.mark.parametrize(
    "module, name, meant",
    [
        (rushlight, "Linear", "rushlight.nn.Linear"),
        (rushlight, "Adam", "rushlight.optim.Adam"),
        (rushlight, "cross_entropy", "rushlight.nn.functional.cross_entropy"),
        (rushlight.nn, "relu", "rushlight.nn.functional.relu"),
        (rushlight.nn, "linear", "rushlight.nn.functional.linear"),
        (rushlight.nn, "no_grad", "rushlight.no_grad"),
        (rushlight.optim, "ADAM", "Adam"),
        (rushlight, "manualseed", "manual_seed"),
    ],
)
def test_a_name_of_another_module_is_found_there(module, name, meant):
    with pytest.raises(AttributeError, match=rf"did you mean '{re.escape(meant)}'\?"):
        getattr(module, name)


def test_a_misspelt_name_is_corrected_once():
    """Python appends what it finds near to an AttributeError that tells of its object."""
    done = subprocess.run(
        [sys.executable, "-c", "import rushlight\nrushlight.nn.Lineer"], capture_output=True, text=True, check=False
    )
    assert done.stderr.lower().count("did you mean") == 1


@pytest.mark.parametrize(
    "name, reason",
    [
        ("jit", "nothing is captured: Python runs"),
        ("sparse_coo_tensor", "tensors are dense here"),
        ("quantize_per_tensor", "there are no quantized tensors"),
        ("uint16", "there is no such dtype"),
        ("is_autocast_xla_enabled", "rushlight computes on the CPU, by NumPy"),
        ("distributed", "there is one process"),
        ("cudnn_convolution", "rushlight computes on the CPU, by NumPy"),
    ],
)
def test_there_is_a_reason_for_what_is_left_out(name, reason):
    assert not hasattr(rushlight, name)
    with pytest.raises(AttributeError) as caught:
        getattr(rushlight, name)
    assert f"has no attribute '{name}' (rushlight does not have it: {reason})" in str(caught.value)


@pytest.mark.parametrize("name", [*absent.INPLACE])
def test_a_tensor_says_why_it_lacks_a_name(name):
    x = rushlight.ones(2)
    for owner in (x, rushlight.Tensor):
        assert not hasattr(owner, name)
        with pytest.raises(AttributeError) as caught:
            getattr(owner, name)
        assert str(caught.value).startswith(f"'Tensor' object has no attribute '{name}' (rushlight does not have it")
    assert name not in dir(x)


def test_a_subclass_may_have_what_tensors_lack():
    class Marked(rushlight.Tensor):
        @property
        def values(self):
            return 3

    x = rushlight.ones(2).as_subclass(Marked)
    x.indices = 4
    assert (x.values, x.indices) == (3, 4)
    with pytest.raises(AttributeError, match="'Marked' object has no attribute 'coalesce'"):
        x.coalesce  # noqa: B018


@pytest.mark.parity
def test_what_tensors_are_said_to_lack_is_pytorch_s():
    torch = pytest.importorskip("torch")
    assert {name for name in absent.INPLACE if not hasattr(torch.Tensor, name)} == set()


@pytest.mark.parametrize("family", rushlight.LATER)
def test_what_is_imported_later_has_the_names_it_is_asked_by(family):
    module = importlib.import_module(f"rushlight.functions.{family}")
    functions, methods = (names.split() for names in rushlight.LATER[family])
    assert sorted(functions) == sorted(module.FUNCTIONS)
    assert sorted(methods) == sorted({*module.METHODS, *module.INPLACE})


def test_a_method_imported_later_is_an_ordinary_one():
    class Own(rushlight.Tensor):
        def det(self):
            return super().det() + 1

    x = rushlight.eye(2)
    assert x.det() == 1 and rushlight.Tensor.det(x) == 1 and x.as_subclass(Own).det() == 2


def test_a_star_gives_every_function():
    names = {}
    exec("from rushlight import *", names)
    assert {"sin", "det", "exp_", "i0_", "conv1d", "Tensor", "float32"} <= names.keys()
