"""What is seen from outside of a process: import time and imports, the command, pickles, the size on disk."""

import importlib.util
import os
import platform
import re
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy
import pytest

import rushlight
from rushlight import kernels

PACKAGE = Path(rushlight.__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}


def python(*arguments, text=None, cwd=None):
    """A finished Python process."""
    return subprocess.run(
        [sys.executable, *arguments],
        input=text,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
        cwd=cwd,
    )


def printed(program):
    """The lines that a program prints, warnings being errors."""
    done = python("-W", "error", "-c", textwrap.dedent(program))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def script(tmp_path):
    """Write a script and run it: script(source, *arguments)."""

    def run(source, *arguments, command=("-m", "rushlight", "run")):
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(source))
        return python(*command, str(path), *arguments, cwd=tmp_path)

    return run


# -- import


def processor_seconds(code, cache):
    """What a process that runs `code` asks of the processor, whatever else the machine does."""
    # The thread that NumPy's OpenBLAS starts waits in a loop, and would be counted for as long as the process lives.
    own = {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONDONTWRITEBYTECODE": "", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**ENVIRONMENT, **own}
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], environment)
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the time of a child is asked of POSIX")
def test_import_costs_little_more_than_numpy(compiled, tmp_path):
    if not compiled:
        pytest.skip("the bar is for the compiled core")
    # Medians over interleaved rounds. A machine that does other work needs more rounds to show it, and one that is
    # slower at NumPy (0.1 s with the interpreter, where this was measured) is given as much more time.
    alone, together = [], []
    for count in range(25):
        alone.append(processor_seconds("import numpy", tmp_path))
        together.append(processor_seconds("import numpy, rushlight", tmp_path))
        more = statistics.median(together) - statistics.median(alone)
        if count > 5 and more < 0.060 * max(1.0, statistics.median(alone) / 0.1):
            return
    raise AssertionError(f"{more:.3f} s more with rushlight than {statistics.median(alone):.3f} s")


NEW_MODULES = """
    import sys, numpy
    before = set(sys.modules)
    import rushlight
    print(*sorted({name.split(".")[0] for name in set(sys.modules) - before} - {"rushlight"}))
    print(*sorted(set(sys.modules) - before))
"""


def test_import_loads_numpy_and_the_standard_library_only():
    top, every = (line.split() for line in printed(NEW_MODULES))
    foreign = {n for n in top if n not in sys.stdlib_module_names and n.lstrip("_").split("_")[0].lower() != "cython"}
    assert foreign == set()
    heavy = {
        "asyncio",
        "dataclasses",
        "importlib.resources",
        "inspect",
        "logging",
        "multiprocessing",
        "pathlib",
        "tempfile",
    }
    assert heavy.intersection(every) == set()
    assert {"rushlight.nn", "rushlight.optim", "rushlight.autograd.functional"}.isdisjoint(every)


def test_import_prints_and_changes_nothing():
    program = """
        import random, signal, sys, warnings
        import numpy
        def state():
            return (numpy.geterr(), numpy.get_printoptions(), len(warnings.filters), random.getstate(), sys.getrecursionlimit(),
                    sys.getswitchinterval(), signal.getsignal(signal.SIGINT), len(sys.meta_path), str(numpy.random.get_state()))
        before = state()
        import rushlight
        assert state() == before
    """
    assert printed(program) == []


# -- the command


def test_run_hands_a_script_its_name_and_arguments(script):
    source = """
        import sys
        import torch
        from torch import nn
        import torch.nn.functional as F
        import beside
        print(__name__, sys.argv[1:], __file__.endswith("script.py"), beside.value)
        x = torch.ones(2, requires_grad=True)
        F.relu(x * 3).sum().backward()
        print(x.grad, x.dtype, x.shape, nn.Linear(1, 2))
    """
    (script.__closure__[0].cell_contents / "beside.py").write_text("value = 7")
    done = script(source, "--epochs", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "__main__ ['--epochs', '3'] True 7",
        "tensor([3., 3.]) torch.float32 torch.Size([2]) Linear(in_features=1, out_features=2, bias=True)",
    ]


def test_an_error_of_a_script_shows_its_line(script):
    done = script("import torch\n\nx = torch.ones(2)\ny = x + torch.ones(3)\n")
    assert done.returncode == 1
    assert re.search(r'File ".*script\.py", line 4, in <module>\n    y = x \+ torch.ones\(3\)', done.stderr)
    assert "RuntimeError: The size of tensor a (2) must match the size of tensor b (3)" in done.stderr


def test_the_exit_status_of_a_script_is_the_commands(script):
    assert script("import sys; sys.exit(5)").returncode == 5
    assert script("raise SystemExit('no data')").stderr == "no data\n"


def test_a_syntax_error_names_the_script(script):
    done = script("x = (\n")
    assert done.returncode == 1
    assert "script.py" in done.stderr
    assert "SyntaxError" in done.stderr


def test_classes_of_a_script_are_pickled(script):
    source = """
        import pickle
        from torch import nn
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(2, 1)
        if __name__ == "__main__":
            print(pickle.loads(pickle.dumps(Net())))
    """
    assert script(source).stdout.startswith("Net(")


def test_modules_are_run_too(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "train.py").write_text("import sys, torch; print(torch.__name__, __package__, sys.argv[1:])")
    done = python("-m", "rushlight", "run", "-m", "pack.train", "a", cwd=tmp_path)
    assert done.stdout.split(maxsplit=1)[1:] == ["pack ['a']\n"], done.stderr


def test_info_says_how_it_runs(compiled):
    first, *lines = python("-m", "rushlight", "info").stdout.splitlines()
    said = dict(line.split(": ", 1) for line in lines)
    assert first == f"rushlight {rushlight.__version__}, Python {sys.version.split()[0]}, NumPy {numpy.__version__}"
    assert said["core"].startswith("compiled" if compiled else "uncompiled, and slower")
    assert said["threads"] == f"{rushlight.get_num_threads()} share a long loop, {os.cpu_count()} processors"
    assert said["machine"].startswith(f"{platform.system()} {platform.machine()}, ")
    parallel = kernels.load("parallel")
    loops = ("for any ", "for x86-64-v3", "for x86-64-v4")[parallel.families() - 1] if parallel else "NumPy's"
    assert said["loops"].startswith(loops)
    assert said["kernels"].startswith("compiled, attention " if parallel else "none")
    assert "not importable" not in said["kernels"]
    assert said["oneDNN"] == (
        "asked for larger convolutions" if rushlight.backends.mkldnn.is_available() else "not used"
    )
    assert re.search(r"(^|, )scipy \d", said["beside it"]) or importlib.util.find_spec("scipy") is None
    assert said.keys() >= {"BLAS", "interpreter"}
    assert python("-m", "rushlight.info").stdout.splitlines() == [first, *lines]


def test_info_says_that_kernels_are_left_aside():
    environment = {**ENVIRONMENT, "RUSHLIGHT_PURE": "1"}
    command = [sys.executable, "-m", "rushlight.info"]
    lines = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.splitlines()
    assert "kernels: none, as RUSHLIGHT_PURE says; everything is computed with NumPy" in lines
    assert "loops: NumPy's" in lines


@pytest.mark.parametrize(
    "arguments", [[], ["run"], ["run", "-m"], ["walk"], ["run", "missing.py"], ["graph"], ["graph", "missing.py"]]
)
def test_a_wrong_command_line_is_explained(arguments):
    done = python("-m", "rushlight", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: rushlight" in done.stderr or "--help tells how it is called" in done.stderr


def test_help_goes_to_standard_output():
    done = python("-m", "rushlight", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rushlight run script.py" in done.stdout


# -- as_torch


def test_as_torch():
    program = """
        import sys
        import rushlight
        rushlight.as_torch()
        rushlight.as_torch()
        import torch
        import torch.nn as nn
        from torch.nn import functional as F
        from torch.optim import SGD
        assert torch is rushlight and nn is rushlight.nn and F is rushlight.nn.functional and SGD is rushlight.optim.SGD
        print(torch.float32, torch.zeros(1).size(), torch.device("cpu").type)
        try:
            import torch.no_such_module
        except ModuleNotFoundError as error:
            print(error)
        import importlib.util
        assert importlib.util.find_spec("numpy") is not None
    """
    assert printed(program) == ["torch.float32 torch.Size([1]) cpu", "No module named 'torch.no_such_module'"]


def test_as_torch_refuses_beside_another_torch():
    program = """
        import sys, types
        sys.modules["torch"] = types.ModuleType("torch")
        import rushlight
        try:
            rushlight.as_torch()
        except RuntimeError as error:
            print(error)
        print(rushlight.float32)
    """
    lines = printed(program)
    assert "the real torch is imported" in lines[0]
    assert lines[1] == "rushlight.float32"


# -- pickles


WRITE = """
    import pickle, sys
    import rushlight as rl
    from rushlight import nn, optim
    {begin}
    rl.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU())
    optimizer = optim.Adam(net.parameters())
    net(rl.randn(5, 3)).sum().backward()
    optimizer.step()
    x = rl.arange(6.0).reshape(2, 3).t().requires_grad_()
    x.note = "kept"
    everything = dict(
        net=net, optimizer=optimizer.state_dict(), x=x, dtype=rl.float16, size=rl.Size([2, 3]), device=rl.device("cpu"),
        flags=rl.tensor([True]), whole=rl.tensor([1, 2], dtype=rl.int16), z=rl.tensor(1 + 2j), empty=rl.zeros(0, 3),
    )
    print(pickle.dumps(everything, protocol={protocol}).hex())
    print(net.eval()(rl.ones(1, 3)).tolist())
"""
READ = """
    import pickle, sys
    import rushlight as rl
    got = pickle.loads(bytes.fromhex({data!r}))
    print(got["net"].eval()(rl.ones(1, 3)).tolist())
    x = got["x"]
    assert x.tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]] and x.requires_grad and x.is_leaf and x.note == "kept"
    (x * x).sum().backward()
    assert got["dtype"] is rl.float16 and got["size"] == rl.Size([2, 3]) and type(got["size"]) is rl.Size
    assert got["device"] == rl.device("cpu") and got["flags"].dtype is rl.bool and got["whole"].dtype is rl.int16
    assert got["z"].item() == 1 + 2j and got["empty"].shape == (0, 3)
    rl.optim.Adam(got["net"].parameters()).load_state_dict(got["optimizer"])
"""


@pytest.mark.parametrize("begin", ["pass", "rl.as_torch()"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_pickles_are_read_in_another_process(protocol, begin):
    data, written = printed(WRITE.format(protocol=protocol, begin=begin))
    assert printed(READ.format(data=data)) == [written]


# -- on disk


def test_the_package_is_small():
    # As it is installed: headers and Cython's sources stay behind.
    files = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".pyi", ".pxd", ".so", ".pyd", ".typed")]
    assert sum(path.stat().st_size for path in files) < 10_000_000
