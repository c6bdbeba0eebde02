"""What editors, notebooks and help() ask of the package: the names of each namespace, their signatures and first words."""

import inspect
from importlib import import_module

import pytest

import rushlight

NAMESPACES = """amp array_api array_api.fft array_api.linalg autograd autograd.forward_ad autograd.functional autograd.graph
autograd.profiler cpu cpu.amp cuda cuda.amp fft func linalg nn nn.attention nn.functional nn.grad nn.init nn.parallel nn.utils
nn.utils.parametrizations nn.utils.parametrize nn.utils.prune nn.utils.rnn nn.utils.stateless onnx optim optim.lr_scheduler
optim.swa_utils optimize profiler random serialization signal signal.windows special testing testing.strategies
utils utils.checkpoint utils.data utils.dlpack utils.tensorboard viz""".split()  # noqa: SIM905
# Compiled, as PyTorch's is: its docstring says what it takes.
UNSIGNED = {"linear"}


def offered(module):
    """{name: object} of what a namespace offers of Rushlight's own."""
    names = [name for name in getattr(module, "__all__", None) or dir(module) if not name.startswith("_")]
    # Without __all__ it is what a module defines; a package, what its files do.
    home = "rushlight" if hasattr(module, "__all__") or hasattr(module, "__path__") else module.__name__
    found = {name: getattr(module, name) for name in names}
    return {name: value for name, value in found.items() if (getattr(value, "__module__", "") or "").startswith(home)}


@pytest.mark.parametrize("place", ["", *NAMESPACES])
def test_a_namespace_lists_its_names_and_each_says_what_it_takes_and_does(place):
    module = import_module(f"rushlight.{place}".rstrip("."))
    assert set(getattr(module, "__all__", ())) <= set(dir(module))
    for name, value in offered(module).items():
        # The standard says what its functions do.
        if not place.startswith("array_api"):
            assert not callable(value) or inspect.getdoc(value), f"{place}.{name} has no docstring"
        plain = callable(value) and not (isinstance(value, type) and issubclass(value, BaseException))
        if plain and name not in UNSIGNED:
            inspect.signature(value)


@pytest.mark.parametrize("name", sorted(name for name in dir(rushlight.ones(1)) if not name.startswith("_")))
def test_a_tensor_has_each_name_it_lists(name):
    value = getattr(rushlight.Tensor, name)
    if callable(value):
        inspect.signature(value)


def test_a_tensor_lists_no_name_that_only_says_why_it_is_missing():
    listed = set(dir(rushlight.ones(1)))
    assert {"relu", "T", "grad", "backward"} <= listed
    assert not listed & {"to_sparse", "values", "q_scale"}
    with pytest.raises(AttributeError, match="tensors are dense"):
        rushlight.ones(1).to_sparse()


@pytest.mark.parametrize(
    "source, names",
    [
        ("rushlight.nn.functional.", {"cross_entropy", "max_pool2d"}),
        ("rushlight.opt", {"im", "imize"}),
        ("rushlight.optim.lr_sch", {"eduler"}),
        ("x.cum", {"sum", "prod"}),
        ("rushlight.viz.", {"summary", "graph"}),
    ],
)
def test_a_console_completes_what_lives(source, names):
    jedi = pytest.importorskip("jedi")
    found = jedi.Interpreter(source, [{"rushlight": rushlight, "x": rushlight.ones(1)}]).complete()
    assert names <= {each.complete if source[-1] != "." else each.name for each in found}
