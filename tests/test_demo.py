"""The demo of the README, in a short form: it learns, and its pictures are there."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the demo trains on the digits of scikit-learn")
pytest.importorskip("matplotlib", reason="the demo draws with matplotlib")
pytest.importorskip("tqdm", reason="the demo shows its progress with tqdm")

DEMO = Path(__file__).parent.parent / "examples" / "digits.py"


def test_the_demo_learns_and_draws(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("digits", DEMO)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    monkeypatch.setattr(demo, "EPOCHS", 6)
    monkeypatch.setattr(demo, "OUT", tmp_path / "out")
    demo.main()
    told = capsys.readouterr().out
    last = [line for line in told.splitlines() if line.startswith("epoch")][-1]
    # Six epochs of thirty reach about 97 %; a network that does not learn reads one digit in ten.
    assert float(last.split()[-1].rstrip("%")) > 90
    for picture in ("curves.png", "mistakes.png"):
        assert (tmp_path / "out" / picture).stat().st_size > 10_000
