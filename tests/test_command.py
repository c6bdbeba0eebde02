"""`rushlight graph`, run as users run it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight

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
        (["--all", "train.py"], 2, "there is no option --all"),
        (["train.py", "--at", "3"], 1, "train.py called backward 2 times, not 3"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, arguments, status, said):
    (tmp_path / "train.py").write_text(TRAIN)
    done = command("graph", *arguments, cwd=tmp_path)
    assert done.returncode == status
    assert said in done.stderr
