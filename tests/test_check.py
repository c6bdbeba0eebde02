"""`rushlight check`: two streams beside each other, and a script under both libraries."""

import os

import numpy as np
import pytest

from rushlight.compat import command
from rushlight.compat.checking import processes
from rushlight.compat.checking.compare import Comparison, plain
from rushlight.compat.checking.entries import LIMIT, Entry, Values

END = Entry("end", "", None)


def call(name, *arrays, line=1, kind="call", names=None):
    values = [Values(np.asarray(a), np.asarray(a).dtype.name, n) for a, n in zip(arrays, names or [None] * len(arrays))]
    return Entry(kind, name, ("train.py", line, "main"), values)


def single(x):
    return np.asarray(x, dtype=np.float32)


# -- streams
def test_streams_that_agree():
    a = [call("exp", single([1.0, 2.0])), call("randperm", np.arange(3)), END]
    b = [call("exp", single([1.0, 2.0 + 1e-6])), call("randperm", np.arange(3)), END]
    comparison = Comparison(a, b)
    assert comparison.agrees
    assert comparison.report == "2 operations agree (float32 within rtol=0.0001, atol=1e-06)"


def test_the_first_difference_is_told_with_its_line():
    a = [
        call("exp", single([1.0])),
        call("mul_", single([[1.0, 2.0], [3.0, 8.0]]), line=7),
        call("log", single([9.0])),
        END,
    ]
    b = [
        call("exp", single([1.0])),
        call("mul_", single([[1.0, 2.5], [3.0, 4.0]]), line=7),
        call("log", single([0.0])),
        END,
    ]
    comparison = Comparison(a, b, rtol=1e-3)
    assert not comparison.agrees
    assert comparison.report.splitlines() == [
        "1 operation agrees within rtol=0.001",
        "mul_ differs, at train.py:7",
        "  Rushlight 8.0",
        "  PyTorch   4.0",
        "  at [1, 1] of [2, 2] float32; 2 of 4 compared differ by too much",
        "  largest difference 4, 8388608 ulp",
    ]


@pytest.mark.parametrize(
    "x, y, agree",
    [
        (single([1.0, 1e-9]), single([1.0, 5e-5]), True),  # Small beside the largest of the tensor.
        (single([1.0, 1e-9]), single([1.0, 5e-4]), False),
        (np.array([1.0]), np.array([1.0 + 1e-6]), False),
        (single([np.nan, np.inf]), single([np.nan, np.inf]), True),
        (single([np.nan]), single([0.0]), False),
        (single([np.inf]), single([-np.inf]), False),
        (single([np.inf]), single([3.0]), False),
        (np.array([2**60]), np.array([2**60 + 1]), False),
        (np.array([True]), np.array([False]), False),
        (np.array([1j]), np.array([1j + 1]), False),
        (np.zeros((0, 2)), np.zeros((0, 2)), True),
        (np.zeros((0, 2)), np.zeros((2, 0)), False),
        (single([1.0]), np.array([1.0]), False),
        (np.zeros(()), np.zeros(()), True),
    ],
)
def test_when_values_agree(x, y, agree):
    assert Comparison([call("f", x), END], [call("f", y), END]).agrees is agree


@pytest.mark.parametrize("place, agree", [(0, False), (1, True), (5, False)])
def test_large_tensors_are_sampled_and_summed_up(place, agree):
    x = np.zeros(2 * LIMIT)
    y = x.copy()
    y[place] = 1e-9 if agree else 5.0  # What stands between the sampled ones is seen in the largest.
    assert Values(x, "float64").sample.size == LIMIT
    assert Comparison([call("f", x), END], [call("f", y), END], atol=1e-6).agrees is agree


def test_what_one_side_alone_tells_of_is_counted():
    a = [call("zeros_", single([0.0])), call("exp", single([1.0]), line=2), END]
    b = [call("exp", single([1.0]), line=2), call("item_", single([1.0]), line=2), END]
    comparison = Comparison(a, b)
    assert comparison.agrees
    assert comparison.report.splitlines()[1:] == [
        "not compared, since only Rushlight tells of them: zeros_ (1)",
        "not compared, since only PyTorch tells of them: item_ (1)",
    ]


def test_other_names_of_one_operator():
    assert plain("__radd__") == plain("__iadd__") == plain("add") == plain("add_") == "add"
    assert plain("__rdiv__") == plain("__truediv__") == plain("div")
    assert plain("__invert__") == "invert" and plain("__mod__") == "remainder"


def test_ways_that_part():
    a = [call("exp", single([1.0]), line=n) for n in range(100)]
    b = [call("exp", single([1.0]), line=n) for n in range(200, 300)]
    report = Comparison([*a, END], [*b, END]).report
    assert "the ways part: Rushlight goes on with exp at train.py:0, PyTorch with exp at train.py:200" in report


def test_ctrl_c_tells_what_agreed_so_far():
    def stopped():
        yield call("exp", single([1.0]))
        raise KeyboardInterrupt

    comparison = Comparison([call("exp", single([1.0])), call("log", single([0.0]), line=2), END], stopped())
    assert not comparison.agrees
    assert comparison.report.startswith("1 operation agrees") and "stopped by Ctrl-C" in comparison.report


@pytest.mark.parametrize(
    "ours, theirs, agrees, said",
    [
        ("ValueError: a", "ValueError: b", True, "the script ends in ValueError: a under both"),
        ("ValueError: a", "", False, "ends in ValueError: a under Rushlight, in no error under PyTorch"),
        ("", "KeyError: 1", False, "ends in no error under Rushlight, in KeyError: 1 under PyTorch"),
    ],
)
def test_how_scripts_end(ours, theirs, agrees, said):
    comparison = Comparison([Entry("end", ours, None)], [Entry("end", theirs, None)])
    assert comparison.agrees is agrees and said in comparison.report


def test_gradients_are_paired_by_name_and_by_shape():
    def gradients(*pairs):
        return call("backward", *[single(a) for _, a in pairs], kind="gradient", names=[n for n, _ in pairs])

    a = [gradients(("Net.a", [1.0]), ("Net.b", [2.0]), (None, [3.0, 3.0]), (None, [4.0, 4.0])), END]
    b = [gradients(("Net.b", [2.0]), (None, [4.0, 4.0]), (None, [3.0, 3.0]), ("Net.a", [1.0])), END]
    assert Comparison(a, b).agrees
    b[0].results[0].sample[0] = 1.0
    assert "a gradient of backward (Net.b) differs" in Comparison(a, b).report


# -- scripts
SCRIPT = """
import sys
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
x = torch.randn(5, 3)
w = torch.ones(3, requires_grad=True)
for step in range(2):
    loss = F.cross_entropy(model(x * w), torch.arange(5) % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
y = 2 - x.T @ x
y[0] += 1 / (1 + y[1].abs())
y = torch.func.vmap(torch.sin)(y)
z = F.dropout(x).to(torch.bfloat16).max(1).values
if "swerve" in sys.argv:
    y = y * (1.01 if torch.__name__ == "rushlight" else 1)
if "break" in sys.argv:
    y @ x
print("done", y.data.shape)
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return str(path)


@pytest.mark.parity
def test_a_script_under_both(script, capfd):
    pytest.importorskip("torch")
    assert command.main(["check", script]) == 0
    out, error = capfd.readouterr()
    done, told = out.splitlines()
    assert done == "done torch.Size([3, 3])" and not error
    # Four parameters, the random numbers, two steps of eight, and twelve afterwards or so.
    assert 20 < int(told.split()[0]) < 60 and told.endswith("operations agree (float32 within rtol=0.0001, atol=1e-06)")


@pytest.mark.parity
def test_a_script_that_differs(script, capfd):
    pytest.importorskip("torch")
    assert command.main(["check", script, "--rtol", "1e-3", "swerve"]) == 1
    out = capfd.readouterr().out
    assert f"mul differs, at {script}:21: y = y * (1.01" in out and "agree within rtol=0.001" in out


@pytest.mark.parity
def test_a_script_that_fails_under_both(script, capfd):
    pytest.importorskip("torch")
    assert command.main(["check", script, "break"]) == 0
    out, error = capfd.readouterr()
    assert "the script ends in RuntimeError: mat1 and mat2 shapes cannot be multiplied (3x3 and 5x3) under both" in out
    assert error.count("Traceback") == 1


def test_without_pytorch_calls_are_recorded_only(script, capfd, monkeypatch):
    monkeypatch.setattr(processes, "torch_is_here", lambda: False)
    assert command.main(["check", script]) == 0
    done, told = capfd.readouterr().out.splitlines()
    assert done.startswith("done") and told.endswith("operations recorded and none compared: PyTorch is not installed")
    assert int(told.split()[0]) > 20
    assert command.main(["check", script, "break"]) == 1
    assert "the script ends in RuntimeError: mat1 and mat2" in capfd.readouterr().out


def test_a_process_that_dies_ends_its_stream(tmp_path):
    path = tmp_path / "train.py"
    path.write_text("import os, torch\ntorch.ones(2)\nos._exit(3)\n")
    with processes.Side("rushlight", [str(path)]) as side:
        first, end = side.entries()
    assert (first.name, end.kind, end.name) == ("ones", "end", "exit status 3")
    path.write_text("1")
    with processes.Side("nothing", [str(path)]) as side:
        assert [each.kind for each in side.entries()] == ["end"]


def test_a_module_gets_its_arguments_and_what_is_piped_in(tmp_path, capfd, monkeypatch):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "train.py").write_text(
        "import sys, torch\nprint(torch.ones(int(input())).sum().item(), sys.argv[1:])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(processes, "torch_is_here", lambda: False)
    reads, writes = os.pipe()
    os.write(writes, b"3\n")
    os.close(writes)
    before = os.dup(0)
    os.dup2(reads, 0)
    try:
        assert command.main(["check", "-m", "pack.train", "more"]) == 0
    finally:
        os.dup2(before, 0)
        os.close(before)
        os.close(reads)
    assert capfd.readouterr().out.startswith("3.0 ['more']\n2 operations recorded")


def test_what_was_printed_is_out_before_the_end_is_told(tmp_path, capfd, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    path = tmp_path / "train.py"
    path.write_text("import torch, atexit, time\natexit.register(time.sleep, 5)\nprint(torch.ones(1).item())\n")
    with processes.Side("rushlight", [str(path)]) as side:
        assert [each.kind for each in side.entries()] == ["call", "end"]
    assert capfd.readouterr().out == "1.0\n"


def test_a_wrong_command_line(script, capsys):
    assert command.main(["check", script, "--rtol", "little"]) == 2
    assert "could not convert string to float: 'little'" in capsys.readouterr().err
