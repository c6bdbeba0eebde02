"""Codes: each is given once and for good, is in the source, is raised by a program, and speaks two languages."""

import ast
import os
import re
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

import rushlight as rl
from rushlight import codes
from rushlight.compat import command

SOURCE = Path(rl.__file__).parent
PARTS = sorted((SOURCE / "codes").glob("*.py"))
GIVEN = Path(__file__).parent / "codes_given.txt"
CATALOGUE = codes.catalogue()

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
pages = import_module("codes_pages")
sys.path.remove(str(ROOT / "docs"))


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_LANG", "en")


# -- the catalogue
def test_codes_are_unique_and_in_order():
    keys = []
    for part in PARTS:
        for node in ast.walk(ast.parse(part.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys += [key.value for key in node.keys if isinstance(key, ast.Constant)]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(CATALOGUE)
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert len(CATALOGUE) >= 40


def test_codes_are_never_given_again():
    """Each code that was ever given still means the same; a new one is to be put into codes_given.txt."""
    given = dict(line.split(" ", 1) for line in GIVEN.read_text(encoding="utf-8").splitlines())
    assert {code: entry.title[0] for code, entry in CATALOGUE.items()} == given


def test_the_source_and_the_catalogue_have_the_same_codes():
    used = set()
    for path in SOURCE.rglob("*.py"):
        if path.parent.name != "codes":
            used |= set(re.findall(r"\bRL\d{3}\b", path.read_text(encoding="utf-8")))
    assert used == set(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_entry_is_complete_in_both_languages(code):
    entry = CATALOGUE[code]
    for english, chinese in (entry.title, entry.explanation, entry.remedy, entry.facts or ("-", "中")):
        assert english.isascii() and english.strip() == english
        assert re.search(r"[\u4e00-\u9fff]", chinese)
    if entry.facts is not None:
        assert set(re.findall(r"\{\w+\}", entry.facts[0])) == set(re.findall(r"\{\w+\}", entry.facts[1]))


# -- programs
@pytest.mark.parametrize("code", CATALOGUE)
def test_its_program_ends_in_the_code(code):
    assert pages.provoke(CATALOGUE[code].wrong)[0] == code


@pytest.mark.parametrize("code", CATALOGUE)
def test_the_program_beside_it_does_not(code):
    assert pages.provoke(CATALOGUE[code].right) == (None, None)


# The same code in further places, each with the beginning of the sentence.
ALSO = [
    ("RL101", "y = w * w; y.sum().backward(); y.grad_fn._saved_self", "Trying to backward through the graph a second"),
    ("RL106", "with torch.inference_mode():\n    part = (w * 1)[:1]\npart.add_(w[:1])", None),
    ("RL108", "torch.autograd.grad(torch.ones(()), w)", "element 0 of tensors does not require grad"),
    ("RL110", "(w * 2).backward(torch.ones(3))", "Mismatch in shape: grad_output[0]"),
    ("RL112", "torch.ones(2).long().requires_grad_()", "only Tensors of floating point"),
    ("RL117", "(w * 1).backward([1.0, 2.0])", None),
    ("RL123", "w.grad = [1.0, 2.0]", "assigned grad expected to be a Tensor or None"),
    ("RL125", "y = w.sum(); y.grad_fn.register_hook(lambda *a: 1); y.backward()", "expected tuple, but hook returned"),
    ("RL126", "w.register_hook(lambda g: g.double()); w.sum().backward()", "hook '<lambda>' has changed the type"),
    ("RL201", "torch.autograd.Function.apply(w)", "You must implement the forward function"),
    ("RL301", "(w * 1).add_(torch.ones(3))", "The size of tensor a (2) must match"),
    ("RL304", "nn.Linear(2, 1)(torch.ones(2, 2).double())", "mat1 and mat2 must have the same dtype"),
    ("RL307", "x = torch.ones(3); x[:2] = torch.ones(3)", "The expanded size of the tensor (2)"),
    ("RL309", "torch.ones(2)[5]", "index 5 is out of bounds for dimension 0 with size 2"),
    ("RL309", "torch.ones(2).gather(0, torch.tensor([2]))", "index 2 is out of bounds"),
    ("RL315", "torch.exp(torch.ones(2), out=torch.ones(2).long())", "result type Float can't be cast"),
    ("RL323", "torch.mean(torch.tensor([True]))", "mean(): could not infer output dtype"),
    ("RL330", "torch.linalg.cholesky(-torch.eye(2))", "linalg.cholesky: The factorization could not be"),
    ("RL335", "torch.nothing_of_the_kind", "module 'rushlight' has no attribute"),
    ("RL410", "F.binary_cross_entropy(torch.ones(2), torch.tensor([0, 1]))", "Found dtype Long but expected Float"),
    ("RL409", "F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 5]))", "Target 5 is out of bounds."),
    ("RL409", "F.cross_entropy(torch.zeros(2, 3).double(), torch.tensor([0, 5]))", "Target 5 is out of bounds."),
]


@pytest.mark.parametrize("code, program, sentence", ALSO, ids=lambda value: str(value)[:24])
def test_the_code_is_the_same_elsewhere(code, program, sentence):
    got, said = pages.provoke(f"w = torch.ones(2, requires_grad=True)\n{program}")
    assert got == code
    assert sentence is None or said.partition(": ")[2].startswith(sentence)


# -- what an exception says
def error_of(program):
    with pytest.raises(Exception) as caught:
        exec(program, {"torch": rl})
    return caught.value


def test_the_sentence_is_pytorchs_alone():
    error = error_of("torch.ones(2, 3) @ torch.ones(2, 3)")
    assert str(error) == "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"
    assert error.code == "RL302"
    assert error.__notes__[0].startswith("RL302: In a product of")
    assert error.__notes__[-1].startswith("Remedy: Print x.shape")


@pytest.mark.parity
@pytest.mark.parametrize("code", [code for code in CATALOGUE if code[2] in "12345"])
def test_the_sentence_begins_as_in_pytorch(code):
    """Where PyTorch refuses the program too, its sentence is ours up to names and numbers."""
    torch = pytest.importorskip("torch")
    if "debug()" in CATALOGUE[code].wrong or code in (
        "RL128",
        "RL329",
        "RL331",
        "RL332",
        "RL335",
        "RL505",
        "RL512",
        "RL513",
    ):
        pytest.skip("said otherwise on purpose, or differs between builds")
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    program = CATALOGUE[code].wrong.strip().replace("rushlight", "torch")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error" if code in ("RL122", "RL130", "RL408") else "ignore")
            exec(compile(program, "program.py", "exec"), names)
    except Exception as error:
        theirs = type(error).__name__, str(error)
    else:
        pytest.skip("PyTorch lets it pass")
    kind, _, ours = pages.provoke(CATALOGUE[code].wrong)[1].partition(": ")
    kind = kind.replace("SizeError", "RuntimeError")  # which is one, and a ValueError
    assert kind.replace("NotImplemented", "Runtime") == theirs[0].strip("_").replace("NotImplemented", "Runtime")
    assert words(ours)[:4] == words(theirs[1])[:4]


def words(sentence):
    return re.sub(r"\b(rushlight|torch)\.", "", sentence).replace("\t", "").split()


def test_what_was_tried_before_is_not_told():
    """An error within `except` shows a traceback of both, of which the first says nothing to users."""
    assert error_of("torch.cat(torch.ones(3), torch.ones(3))").__context__ is None


def test_the_remedy_names_the_package_as_the_program_does(monkeypatch):
    program = "torch.ones(2, requires_grad=True).add_(1)"
    assert "Write under rushlight.no_grad()," in error_of(program).__notes__[-1]
    monkeypatch.setattr(rl.spelling, "module", "torch")
    assert "Write under torch.no_grad()," in error_of(program).__notes__[-1]


# -- languages
CHINESE = "RL109: 只有单个数值才能省略初始梯度"


@pytest.mark.parametrize(
    "set_to, expected",
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"RUSHLIGHT_LANG": "zh", "LC_ALL": "C"}, "zh"),
        ({"RUSHLIGHT_LANG": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_locale(monkeypatch, set_to, expected):
    for name in ("RUSHLIGHT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert codes.language() == expected


def test_notes_are_chinese_and_the_sentence_is_not(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_LANG", "zh")
    error = error_of("(torch.ones(3, requires_grad=True) * 2).backward()")
    assert str(error) == "grad can be implicitly created only for scalar outputs"
    assert error.__notes__[0].startswith(CHINESE)
    assert error.__notes__[-1].startswith("解决办法：")


def test_facts_are_told_in_the_language(monkeypatch):
    monkeypatch.setenv("RUSHLIGHT_LANG", "zh")
    error = error_of("x = torch.ones(2, requires_grad=True)\ny = x.exp()\ny *= 2\ny.sum().backward()")
    assert "ExpBackward0 保存该值的位置：<string>:2" in error.__notes__[1]


def test_a_warning_has_it_behind_its_sentence():
    y = rl.ones(2, requires_grad=True) * 1
    with pytest.warns(UserWarning, match="^The .grad attribute of a Tensor that is not a leaf") as caught:
        _ = y.grad
    assert str(caught[0].message).splitlines()[1].startswith("RL122: Gradients are kept in leaves only")


# -- the command and the pages
def test_the_command_explains(capsys):
    assert command.main(["explain", "rl101"]) == 0
    assert capsys.readouterr().out == codes.explain("RL101") + "\n"
    assert command.main(["explain"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CATALOGUE)
    assert command.main(["explain", "RL999"]) == 1
    assert "no code 'RL999'" in capsys.readouterr().err


def test_an_explanation_in_chinese():
    text = codes.explain("RL109", lang="zh")
    assert text.startswith("RL109: 对多个元素的张量直接反向传播\n\n只有单个数值")
    assert "(x * 2).backward()" in text


def test_the_pages_are_up_to_date():
    assert pages.faults(ROOT / "docs") == []


def test_nothing_is_loaded_before_an_error():
    program = "import sys, rushlight; assert not [m for m in sys.modules if m.startswith('rushlight.codes')]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_warnings_name_the_line_of_the_program():
    x = rl.ones(2, requires_grad=True)
    with pytest.warns(UserWarning) as caught:
        _ = (x * 2).grad
        (x * 2).sum().backward(create_graph=True)
    here = test_warnings_name_the_line_of_the_program.__code__.co_firstlineno
    assert [(os.path.basename(w.filename), w.lineno - here) for w in caught] == [
        ("test_codes.py", 3),
        ("test_codes.py", 4),
    ]
    x.grad = None


def test_the_command_speaks_english_where_the_terminal_cannot_show_chinese():
    environment = {**os.environ, "RUSHLIGHT_LANG": "zh", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "explain", "RL101"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("RL101: The graph was freed")
