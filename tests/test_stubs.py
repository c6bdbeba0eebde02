"""The stubs, which say to type checkers and editors what is put in place while the package is imported."""

import ast
import importlib.util
from pathlib import Path

import pytest

import rushlight
from rushlight.missing import Missing

ROOT = Path(__file__).parent.parent
PACKAGE = Path(rushlight.__file__).parent


def names_in(path, inside=None):
    """The names that a stub states, of a class if one is named."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if inside:
        body = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == inside).body
    found = set()
    for node in body:
        if isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.AnnAssign):
            found.add(node.target.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found


def test_stubs_are_as_they_would_be_written_now():
    spec = importlib.util.spec_from_file_location("stubs", ROOT / "tools" / "stubs.py")
    if not Path(spec.origin).exists():
        pytest.skip("tools/ is not part of what is installed")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for path, text in tool.stubs().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run python tools/stubs.py"


def test_every_public_name_is_in_a_stub():
    stated = names_in(PACKAGE / "__init__.pyi")
    functions = {name for name in rushlight.__all__ if callable(getattr(rushlight, name))}
    assert functions - stated - {"Later", "offer", "watch_forks"} == set()
    assert stated >= {*rushlight.LAZY, "float32", "Tensor", "Size", "pi"}
    stated = names_in(PACKAGE / "tensor.pyi", "Tensor")
    methods = {name for name, value in vars(rushlight.Tensor).items() if not isinstance(value, Missing)}
    assert {name for name in methods if not name.startswith("_")} - stated == {"tangent_shown", "tracked_dtype"}


def test_type_checkers_are_told_to_read_the_package():
    # Without this file they take nothing from an installed package.
    assert (PACKAGE / "py.typed").exists()


def test_dir_names_what_can_be_had():
    assert {*rushlight.__all__, *rushlight.LAZY} <= set(dir(rushlight))
    assert {"relu", "cumsum", "backward", "T"} <= set(dir(rushlight.Tensor)) & set(dir(rushlight.ones(1)))


@pytest.mark.parametrize(
    "source, names",
    [
        ("import rushlight\nrushlight.", {"randn", "einsum", "float32", "nn", "no_grad"}),
        ("import rushlight\nrushlight.randn(2).", {"cumsum", "relu_", "backward", "grad"}),
        ("import rushlight\nrushlight.sort(rushlight.ones(2)).", {"values", "indices"}),
        ("import rushlight.nn.functional as F\nF.", {"relu", "cross_entropy"}),
    ],
)
def test_editors_complete_without_running_anything(source, names):
    jedi = pytest.importorskip("jedi")
    project = jedi.Project(ROOT, added_sys_path=[str(PACKAGE.parent)])
    assert names <= {each.name for each in jedi.Script(source, project=project).complete()}
