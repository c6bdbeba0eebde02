"""The pages are true: their code runs, their links lead somewhere, and so do the examples in docstrings."""

import doctest
import inspect
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import rushlight
from rushlight import codes

ROOT = Path(__file__).parent.parent


def module_in(folder, name):
    """A module that is not installed, such as docs/build.py, with the modules beside it."""
    sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(folder))


build, links, snippets = [module_in(ROOT / "docs", name) for name in ("build", "links", "snippets")]


@pytest.mark.parametrize("page", build.pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_code_of_pages_runs(page):
    assert build.faults_of_page(page) == []


def test_links_of_pages_lead_somewhere():
    assert links.faults_of_links(build.pages(), ROOT) == []


@pytest.mark.skipif(not build.compiled(), reason="the page lists the kernels")
def test_page_of_operations_is_up_to_date():
    assert build.fault_of_operations() is None


# -- what the checks themselves notice
@pytest.mark.parametrize(
    "text",
    [
        "```python\n>>> 1 + 1\n3\n```\n",
        "```python\n1 / 0\n```\n",
        "```python\nprint(1)\n```\n```text\n2\n```\n",
        "```python\nx = 1\n```\n```text\nTraceback (most recent call last):\n  ...\nValueError\n```\n",
        "```console\n$ rushlight run nothing.py\nfine\n```\n",
    ],
)
def test_wrong_code_is_noticed(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    assert len(snippets.faults_of_code(page)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "```\n$ rushlight info\n```\n",
        "```sh\npip install .\n```\n",
        "```py\nx = 1\n```\n",
        '```py not-run=""\nx = 1\n```\n',
        "```console\n$ pip install .\n```\n",
        "```python\nx = 1\n```\nWords.\n```text\n1\n```\n",
        "Words:\n\n    x = 1\n",
    ],
)
def test_code_that_nobody_runs_is_noticed(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    assert len(snippets.faults_of_marks(page)) == 1
    page.write_text('```sh not-run="it installs"\npip install .\n```\n\n- A list\n  of two lines\n')
    assert snippets.faults_of_marks(page) == []


def test_code_that_needs_what_is_not_there_is_left_out(tmp_path):
    page = tmp_path / "page.md"
    # Made by the page itself, as as_torch() makes a torch: it does not count.
    page.write_text("```python\nimport sys\nsys.modules['nowhere'] = sys\n```\n```python needs=nowhere\n1 / 0\n```\n")
    assert snippets.faults_of_code(page) == []
    page.write_text("```python needs=numpy\n1 / 0\n```\n")
    assert len(snippets.faults_of_code(page)) == 1


def test_a_program_that_ends_in_another_code_is_noticed(monkeypatch):
    entry = codes.catalogue()["RL309"]
    swapped = entry._replace(wrong=entry.right, right=entry.wrong)
    monkeypatch.setattr(codes, "catalogue", lambda: {"RL309": swapped})
    assert build.codes_pages.faults_of_programs() == [
        "RL309: a program that shall end in RL309 ends in none",
        "RL309: a program that shall end in none ends in RL309",
    ]


@pytest.mark.parity
def test_code_beside_pytorch_runs():
    pytest.importorskip("torch")
    pages = [page for page in build.pages() if " needs=torch\n" in page.read_text(encoding="utf-8")]
    assert [page.name for page in pages] == ["from-pytorch.md"]
    assert snippets.faults_of_code(pages[0]) == []


@pytest.mark.parametrize("target", ["other.md", "#no-such-heading", "page.md#nor-this"])
def test_wrong_links_are_noticed(tmp_path, target):
    page = tmp_path / "page.md"
    page.write_text(f"# A Heading, of two words\n[here](#a-heading-of-two-words) and [there]({target})\n")
    assert links.faults_of_links([page], tmp_path) == [f"page.md: the link to {target} leads nowhere"]


# -- docstrings
def documented():
    """{name: (docstring, module)} of everything in the package that has an example."""
    found = {}
    for module in [rushlight, *filter(None, map(module_or_none, modules()))]:
        put(found, module.__name__, module.__doc__, module.__name__)
        for value in list(vars(module).values()):
            note(found, value)
    return found


def module_or_none(name):
    """A module; None for one that is made for a package which is not installed, and says so."""
    try:
        return import_module(name)
    except ImportError as error:
        if "which is not installed: pip install rushlight[" not in str(error):
            raise
        return None


def put(found, name, text, module):
    if text and ">>>" in text:
        found[name] = text, module


def modules():
    return sorted(m.name for m in walk_packages(rushlight.__path__, "rushlight.") if m.name != "rushlight.__main__")


def note(found, value):
    """Put the docstring of a function or class, and of the members of a class, into `found`."""
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return
    if not str(getattr(value, "__module__", "")).startswith("rushlight"):
        return
    name = f"{value.__module__}.{value.__qualname__}"
    put(found, name, value.__doc__, value.__module__)
    if inspect.isclass(value):
        for key, member in vars(value).items():
            if isinstance(member, property):
                put(found, f"{name}.{key}", member.__doc__, value.__module__)
            elif not inspect.isclass(member) or member.__qualname__.startswith(value.__qualname__ + "."):
                note(found, getattr(member, "__func__", member))


DOCUMENTED = documented()


def test_examples_are_found():
    assert {"rushlight.functions.arithmetic.add", "rushlight.tensor.Tensor"} <= set(DOCUMENTED)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_example_of_docstring(name):
    text, module = DOCUMENTED[name]
    names = {**vars(import_module(module)), "rushlight": rushlight}
    told = []
    doctest.DocTestRunner(verbose=False).run(
        doctest.DocTestParser().get_doctest(text, names, name, None, 0), out=told.append
    )
    assert "".join(told) == ""


# Operations whose rules refuse, with the reason that tests/test_cells.py gives.
REFUSED = {"floor_divide", "heaviside", "unique", "unique_consecutive", "unique_dim"}


def test_no_cell_of_operations_is_empty():
    rows = [line for line in build.operations_page().splitlines() if line.startswith("| `")]
    assert len(rows) > 300
    for line in rows:
        cells = [cell.strip() for cell in line[1:-1].split("|")]
        assert all(cells), line
        name, kind, ruled = cells[0].strip("`"), cells[1], cells[2]
        assert (ruled == "none") == kind.startswith("nondifferentiable"), line
        assert ruled != "refused" or name in REFUSED, line
