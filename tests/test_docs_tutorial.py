"""The tutorial: its notebooks are what its pages say, and run; quotes and translations that went stale are noticed."""

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from pages import module_in

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


notebooks, quotes, translations = [module_in(DOCS, name) for name in ("notebooks", "quotes", "translations")]
ENGLISH = sorted((DOCS / "notebooks" / "en").glob("*.ipynb"))


def test_notebooks_are_what_the_pages_say():
    assert notebooks.faults() == []
    written = set((DOCS / "notebooks").rglob("*.ipynb"))
    assert written == set(notebooks.texts()) and len(written) == 18


@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        program = compile("".join(cell["source"]), "cell", "exec")
        if "raises-exception" in cell["metadata"].get("tags", ()):
            with pytest.raises(Exception) as caught:
                exec(program, names)
            assert type(caught.value).__name__ == cell["outputs"][-1]["ename"].rpartition(".")[2]
        else:
            exec(program, names)


# In a process of its own: what talks to a kernel does not bear the forks of other tests.
EXECUTE = """
import sys, nbclient, nbformat
run = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(run, timeout=120, resources={"metadata": {"path": sys.argv[2]}}).execute()
nbformat.write(run, sys.argv[3])
"""


@pytest.mark.skipif(
    not (find_spec("nbclient") and find_spec("ipykernel")), reason="pip install nbclient ipykernel, for a real kernel"
)
@pytest.mark.parametrize("path", ENGLISH, ids=lambda p: p.stem)
def test_a_notebook_runs_in_a_kernel_and_shows_what_it_says(path, tmp_path):
    nbformat = import_module("nbformat")
    said = nbformat.read(path, as_version=4)
    nbformat.validate(said)
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, path, tmp_path, tmp_path / "run.ipynb"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    run = nbformat.read(tmp_path / "run.ipynb", as_version=4)
    assert [shown(cell) for cell in run.cells] == [shown(cell) for cell in said.cells]


def shown(cell):
    """What a cell shows, and the name of what it raises; a line of a cell counts as one of example.py."""
    found = []
    for output in cell.get("outputs", ()):
        kind = output.output_type
        text = output.ename if kind == "error" else output.text if kind == "stream" else output.data["text/plain"]
        text = text.rpartition(".")[2] if kind == "error" else re.sub(r"\S+\.py:", "example.py:", text)
        found.append(" ".join(text.split()))
    return found


QUOTED = "src/rushlight/ops/elementwise.py:mul"


@pytest.mark.parametrize(
    ("source", "text", "right"),
    [
        (QUOTED, "def mul(x, y):\n    return np.multiply(x, y)\n", True),
        (QUOTED, "def mul(x, y):\n    return np.add(x, y)\n", False),
        (QUOTED, "    return np.multiply(x, y)\n...\ndef mul(x, y):\n", False),
        ("src/rushlight/core.py:Node.nothing", "def nothing(self):\n", False),
        ("src/rushlight/nowhere.py:mul", "def mul(x, y):\n", False),
    ],
)
def test_wrong_quotes_are_noticed(tmp_path, source, text, right):
    page = tmp_path / "page.md"
    page.write_text(f"```py source={source}\n{text}```\n")
    assert (quotes.faults_of_quotes(page, ROOT) == []) == right


def test_a_translation_with_other_code_is_noticed(tmp_path):
    (tmp_path / "page.md").write_text("```python\n1 + 1\n```\n")
    translated = tmp_path / "page.zh.md"
    translated.write_text("```python\n1 + 1\n```\n")
    assert translations.faults_of_translation(translated) == []
    translated.write_text("```python\n1 + 2\n```\n")
    assert len(translations.faults_of_translation(translated)) == 1
    assert len(translations.faults_of_translation(tmp_path / "other.zh.md")) == 1
