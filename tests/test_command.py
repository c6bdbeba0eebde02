"""The `rushlight` command, run as users run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight
from rushlight.compat import command as own

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rushlight.__file__).parent.parent), "RUSHLIGHT_LANG": "en"}


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "rushlight", *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=cwd,
        timeout=100,
        check=False,
    )


# -- graph
TRAIN = """
import sys
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
for step in range(2):
    loss = (w * (step + 1)).sum() if step else w.prod()
    loss.backward()
print("done", sys.argv[1:])
"""


def test_the_graph_of_a_script_is_printed(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    done = command("graph", "train.py", "--", "--at", "7", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("done ['--at', '7']\n")
    assert "sum" in done.stdout and "mul" in done.stdout and "prod" not in done.stdout


@pytest.mark.parametrize("ending, begins", [("svg", "<svg"), ("html", "<!DOCTYPE html>"), ("txt", "loss")])
def test_the_graph_of_a_script_is_written(tmp_path, ending, begins):
    (tmp_path / "train.py").write_text(TRAIN)
    done = command("graph", "--at", "1", "train.py", "-o", f"g.{ending}", "more", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"g.{ending}: 1 operation, 1 leaf")
    text = (tmp_path / f"g.{ending}").read_text(encoding="utf-8")
    assert text.lower().startswith(begins.lower()) and "prod" in text


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        (["train.py", "-o", "g.png"], 2, "-o writes .svg, .html or .txt, not '.png'"),
        (["train.py", "--at"], 2, "--at needs a value"),
        (["train.py", "--at", "many"], 2, "'many'"),
        (["train.py", "--at", "0"], 2, "--at counts from 1"),
        (["train.py", "-o", "missing/g.svg"], 2, "there is no folder 'missing'"),
        (["--all", "train.py"], 2, "there is no option --all"),
        (["train.py", "--at", "3"], 1, "train.py called backward 2 times, not 3"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, arguments, status, said):
    (tmp_path / "train.py").write_text(TRAIN)
    done = command("graph", *arguments, cwd=tmp_path)
    assert done.returncode == status
    assert said in done.stderr


# -- all commands
@pytest.mark.parametrize(
    "arguments, said",
    [
        (["chek", "train.py"], "there is no command chek: did you mean `rushlight check`?"),
        (["train.py"], "there is no command train.py: did you mean `rushlight run train.py`?"),
        (["nothing like it"], "there is no command nothing like it\n"),
        (["run"], "no script is named"),
        (["run", "-m"], "no module is named"),
        (["check", "-m"], "no module is named"),
        (["check", "missing.py"], "can't open file 'missing.py'"),
        (["check", "folder"], "can't find '__main__' module in 'folder'"),
        (["check", "--rtoll", "1", "train.py"], "there is no option --rtoll"),
        (["check", "train.py", "--rtol", "small"], "--rtol: could not convert string to float: 'small'"),
        (["info", "more"], "info takes no arguments"),
        (["explain", "RL101", "RL102"], "explain takes one code"),
    ],
)
def test_a_command_line_that_says_nothing_that_can_be_done(tmp_path, monkeypatch, capsys, arguments, said):
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    assert own.main(arguments) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("rushlight: ") and said in error


@pytest.mark.parametrize("name", own.HELP)
def test_each_command_has_its_help(capsys, name):
    for arguments in ([name, "--help"], [name, "-h"], ["help", name]):
        assert own.main(arguments) == 0
        assert capsys.readouterr().out.startswith(f"usage: rushlight {name}")
    assert own.main([]) == 2
    assert f"rushlight {name}" in capsys.readouterr().err


def test_the_version(capsys):
    assert own.main(["--version"]) == 0
    assert capsys.readouterr().out == f"rushlight {rushlight.__version__}\n"


def test_a_traceback_begins_with_the_scripts_own_lines(tmp_path):
    (tmp_path / "train.py").write_text("def f():\n    1 / 0\n\nf()\n")
    done = command("run", "train.py", cwd=tmp_path)
    assert done.returncode == 1
    first, second, *_ = done.stderr.splitlines()
    assert first.startswith("Traceback") and second.endswith('train.py", line 4, in <module>')
    done = command("run", "-m", "pack.missing", cwd=tmp_path)
    assert done.returncode == 1 and "File" not in done.stderr and "No module named" in done.stderr


def test_a_module_is_drawn(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "values.py").write_text("import torch\nw = torch.ones(2, requires_grad=True)\n")
    (tmp_path / "pack" / "train.py").write_text(
        "import sys\nfrom .values import w\n(w * len(sys.argv)).sum().backward()\n"
    )
    done = command("graph", "--at", "1", "-m", "pack.train", "more", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mul" in done.stdout and "2" in done.stdout
    done = command("graph", "--at", "2", "-m", "pack.train", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "rushlight: pack.train called backward 1 time, not 2\n")
