"""The reference, the table of PyTorch's names and the site: all names are there, explained, and up to date."""

import doctest
import re
import warnings
from pathlib import Path

import pytest

import rushlight
from pages import module_in

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


reference, torch_names = module_in(DOCS, "reference"), module_in(DOCS, "torch_names")


def test_every_public_name_has_an_example_or_a_reason():
    assert reference.without_example() == []


def test_every_public_function_stands_on_a_page_with_words():
    text = "\n".join(reference.pages().values())
    for name, value in reference.public(rushlight):
        home = value.__module__
        if home.startswith("rushlight.functions."):
            assert f"`{name}`" in text, name
    assert not re.search(r" at 0x[0-9a-f]+", text)
    for name in ("rushlight.topk(input", "rushlight.nn.Conv2d(", "rushlight.optim.Adam(", "rushlight.autograd.grad("):
        assert name in text


def test_every_method_has_words():
    assert [name for name, value in reference.methods(rushlight.Tensor) if not reference.words(name, value)] == []


def test_what_is_told_of_is_there():
    known = {name for _, _, groups in reference.chapters() for entries in groups.values() for name, _ in entries}
    assert set(reference.EXAMPLES) <= known


@pytest.mark.parametrize("name", sorted(reference.EXAMPLES))
def test_example_of_the_reference(name):
    told = []
    test = doctest.DocTestParser().get_doctest(reference.EXAMPLES[name] + "\n", {"rushlight": rushlight}, name, None, 0)
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert "".join(told) == ""


# -- shapes and dtypes, found by calling
@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "sin",
            "Shapes of the example: `(2,)` → `(2,)`. Dtypes: `bool` to `int64` → `float32`; `float16` to `complex128` → the same.",
        ),
        (
            "topk",
            "Dtypes: `bool`, `complex64`, `complex128` raise RuntimeError; `uint8` to `int32`, `float16` to `float64` → the same",
        ),
        ("add", "Dtypes: `uint8` to `complex128` → the same."),  # Beside a number, which says what truth values become.
        ("cat", "`(2,)`, `(1,)` → `(3,)`"),
        ("gather", "`(2, 2)`, `(2, 2)` → `(2, 2)`.\n"),  # Its example holds integers, and so does its index.
        ("nn.LSTM", "`(5, 1, 4)`, `(1, 1, 4)`, `(1, 1, 4)`. Dtypes: `bool` to `int64` raise ValueError; `float16` to"),
        ("linalg.svd", "`complex64` → the same, `float32`, the same"),
    ],
)
def test_what_is_given_and_taken_is_measured(name, told):
    value = rushlight
    for part in name.split("."):
        value = getattr(value, part)
    assert told in reference.measured(value, reference.EXAMPLES.get(f"rushlight.{name}") or value.__doc__)


def test_what_is_used_as_another_has_its_shapes_and_leads_there():
    text = reference.entry("rushlight.nn.GELU", rushlight.nn.GELU, True)
    assert "[`nn.functional.gelu`](nn-functional.md#nnfunctionalgelu)" in text
    assert "There: shapes of the example: " in text
    assert "`(2,)`, `(2,)` → `()`" in reference.entry("rushlight.Tensor.vdot", rushlight.Tensor.vdot, False)


def test_measuring_does_not_repeat_what_has_effects(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value, text in (
        (rushlight.save, rushlight.save.__doc__),
        (rushlight.Tensor.exp_, "x.exp_()"),
        (len, ">>> len('')"),
    ):
        assert reference.measured(value, text) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Tensor.exp_", "it writes what `exp` computes into its input"),
        ("nn.AvgPool2d", "it is used as `nn.functional.avg_pool2d` is"),
        ("set_num_threads", "changes a setting of the whole process or thread, or tells it"),
    ],
)
def test_reasons(name, reason):
    value = rushlight
    for part in name.split("."):
        value = getattr(value, part)
    assert reference.reason(f"rushlight.{name}", value) == reason


def nothing():
    """It says nothing."""


def test_no_reason_is_found_where_there_is_none(monkeypatch):
    monkeypatch.setattr(rushlight, "frobnicate", nothing, raising=False)
    assert reference.reason("rushlight.frobnicate", nothing) == ""


def test_docstrings_become_pages():
    text = reference.described("First *line*, `a*b`.\n\nArgs:\n    x: one\n        more.\n    y: two.\n\n>>> 1 + 1\n2")
    assert text == "First \\*line\\*, `a*b`.\n\nArgs:\n\n- x: one more.\n- y: two.\n\n```pycon\n>>> 1 + 1\n2\n```\n"


# -- PyTorch's names
def test_page_of_names_is_up_to_date():
    assert torch_names.faults() == []


def test_missing_names_and_parameters_are_found():
    absent, differ = torch_names.compared("torch", [("exp", "-"), ("jit", "-"), ("vmap", "func,nowhere")])
    assert absent == {"jit": "nothing is captured: Python runs"}
    assert [name for name, *_ in differ] == ["vmap"]


@pytest.mark.parity
def test_stored_names_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    version, _ = torch_names.stored()
    if version != f"PyTorch {torch.__version__.partition('+')[0]}":
        pytest.skip(f"the names are those of {version}")
    assert torch_names.asked() == torch_names.NAMES.read_text(encoding="utf-8")


@pytest.mark.parity
def test_examples_of_the_reference_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    for name, example in reference.EXAMPLES.items():
        own = example.replace("rushlight", "torch")
        test = doctest.DocTestParser().get_doctest(own + "\n", {"torch": torch}, name, None, 0)
        told = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            doctest.DocTestRunner(verbose=False).run(test, out=told.append)
        assert "".join(told) == ""


# -- the site
def test_every_page_is_in_the_navigation():
    named = set(re.findall(r": ([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert {name for name in named if not name.startswith("project/")} == pages
