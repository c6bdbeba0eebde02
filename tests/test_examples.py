"""The scripts of examples/ that import torch: they learn under `rushlight run`, and print PyTorch's losses.

Each is run as users run it, in a process of its own, in a form of a few seconds.
"""

import functools
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rushlight

EXAMPLES = Path(__file__).parent.parent / "examples"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rushlight.__file__).parent.parent)}
OURS, THEIRS = ("-m", "rushlight", "run"), ()

# The short forms. Two are chaotic, and parted by rounding within these few steps: they are held to double precision.
SHORT = {
    "mnist_mlp": ["--epochs", "3"],
    "mnist_cnn": ["--epochs", "2"],
    "char_lstm": ["--steps", "45", "--report", "15"],
    "small_gpt": ["--steps", "40", "--report", "10", "--letters", "40"],
    "vae": ["--epochs", "4"],
    "gan": ["--epochs", "2", "--double"],
    "dqn": ["--episodes", "100", "--report", "25", "--size", "4", "--double"],
    "super_resolution": ["--epochs", "3", "--pictures", "256", "--size", "24"],
    "neural_style": ["--steps", "2", "--size", "24", "--width", "24"],
}
# Sums of float32 are rounded in another order, about 1e-7 of each; as many steps as here make up to 1e-5 of it, and the
# scripts print five digits. An operation that is wrong changes a loss by far more than one part in two thousand.
RELATIVE = 5e-4
# What is counted may differ by one or two: of 360 digits, of 25 games.
COUNTED = {"accuracy": 0.006, "caught": 0.08}
# Those whose data are scikit-learn's digits.
DIGITS = {"mnist_mlp", "mnist_cnn", "vae", "gan"}


@functools.cache
def output(name, command, *arguments):
    """What a script prints, run once."""
    done = subprocess.run(
        [sys.executable, *command, str(EXAMPLES / f"{name}.py"), *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def short(name, command, directory):
    """The short form's output; what it saves goes to `directory`."""
    if name in DIGITS:
        pytest.importorskip("sklearn", reason="the script trains on the digits of scikit-learn")
    saved = ["--save", str(directory / f"{command[1:2]}.pt")] if name == "mnist_mlp" else []
    return output(name, command, *SHORT[name], *saved)


def reports(text):
    """Per line of progress, its numbers by name: {"epoch": 1.0, "loss": 1.94682, ...}."""
    lines = [line for line in text.splitlines() if re.match(r"(epoch|step|episode) ", line)]
    return [
        {name: float(number) for name, number in re.findall(r"([a-z-]+) ([-+.\de]+|nan|inf)", line)} for line in lines
    ]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return tmp_path_factory.mktemp("saved")


@pytest.mark.parametrize("name", SHORT)
def test_a_script_learns(name, saved):
    told = reports(short(name, OURS, saved))
    assert all(math.isfinite(number) for line in told for number in line.values())
    if name == "gan":
        # Neither loss has to fall, but the discriminator does better than by guessing.
        assert told[-1]["discriminator"] < 2 * math.log(2)
        return
    if name == "dqn":
        # The loss follows a moving target; what falls into the paddle by chance is a quarter.
        assert told[-1]["caught"] > 0.5
    assert told[-1]["loss"] < 0.9 * told[0]["loss"]


@pytest.mark.parity
@pytest.mark.parametrize("name", SHORT)
def test_a_script_prints_the_losses_of_pytorch(name, saved):
    pytest.importorskip("torch")
    ours, theirs = (reports(short(name, command, saved)) for command in (OURS, THEIRS))
    assert [line.keys() for line in ours] == [line.keys() for line in theirs]
    for one, other in zip(ours, theirs):
        for key in one:
            assert one[key] == pytest.approx(other[key], rel=RELATIVE, abs=COUNTED.get(key, 1e-5)), (key, one, other)


@pytest.mark.parity
def test_a_checkpoint_goes_on_in_the_other_library(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    for name, command in (("ours", OURS), ("theirs", THEIRS)):
        output("mnist_mlp", command, "--epochs", "1", "--save", str(tmp_path / name))
    losses = []
    for name, command in (("theirs", OURS), ("ours", THEIRS)):
        arguments = ["--epochs", "1", "--resume", str(tmp_path / name), "--save", str(tmp_path / "after")]
        told = reports(output("mnist_mlp", command, *arguments))
        assert [line["epoch"] for line in told] == [2]
        losses.append(told[0]["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=RELATIVE)


def test_scripts_know_nothing_of_us():
    for name in SHORT:
        assert "rushlight" not in (EXAMPLES / f"{name}.py").read_text(encoding="utf-8").lower()


def test_every_script_is_in_the_list():
    listed = set(re.findall(r"\[(\w+\.py)\]\(\1\)", (EXAMPLES / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in EXAMPLES.glob("*.py")}
