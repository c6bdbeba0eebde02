"""Imports only go down: a module may import from its own floor and from those below."""

import ast
import re
from pathlib import Path

import pytest

import rushlight

ROOT = Path(rushlight.__file__).parent
# The highest entry that a module's path begins with is its floor.
FLOORS = {
    "kernels": 0,
    "spelling": 1, "size": 1, "dtypes": 1, "device": 1, "bounds": 1, "allocation": 1, "generator": 1, "lines": 1,
    "uncompiled": 1, "missing": 1, "modes": 1, "casting": 1, "errors": 1, "hooks": 1, "pytree": 1, "watching": 1,
    "codes": 1, "operation": 1, "core": 1, "calls": 1, "saving": 1, "inplace": 1, "node": 1, "engine": 1,
    "ops": 2,
    "printing": 3, "tensor": 3, "binding": 3, "functions": 3, "autograd": 3, "func": 3, "linalg": 3, "profiler": 3,
    "special": 3,
    "fft": 3,
    "signal": 3,
    "nn": 4, "optim": 4,
    "amp": 5, "array_api": 5, "cpu": 5, "compat": 5, "cuda": 5, "einops": 5, "info": 5, "linting": 5, "memory": 5, "onnx": 5,
    "optimize": 5, "serialization": 5, "sklearn": 5, "testing": 5, "viz": 5, "backends": 5, "__main__": 5, "utils": 5,
    "random": 5, "forking": 5, "__init__": 5,
}  # fmt: skip
MODULES = sorted(ROOT.rglob("*.py"))


def floor(path):
    """The floor of a module, by the first part of its path within the package."""
    return FLOORS[path.relative_to(ROOT).with_suffix("").parts[0]]


def imported(path):
    """Paths of the modules of the package that a module imports when it is imported itself."""
    tree = ast.parse(path.read_text())
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
    package = path.parent
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level or id(node) in inside:
            continue
        base = package
        for _ in range(node.level - 1):
            base = base.parent
        base = base.joinpath(*(node.module or "").split("."))
        for name in node.names:
            for found in (
                base / f"{name.name}.py",
                base / name.name / "__init__.py",
                base.with_suffix(".py"),
                base / "__init__.py",
            ):
                if found.exists():
                    yield found
                    break


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    above = [
        str(other.relative_to(ROOT))
        for other in imported(path)
        if floor(other) > floor(path) and other != ROOT / "__init__.py"
    ]
    assert above == []


def test_the_page_of_the_house_has_every_module_on_its_floor():
    page = (Path(__file__).parent.parent / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", page, re.MULTILINE)
    told = {
        name.strip("/").removesuffix(".py"): int(row) for row, names in rows for name in re.findall("`(.+?)`", names)
    }
    there = {path.relative_to(ROOT).with_suffix("").parts[0] for path in MODULES}
    assert told == {name: FLOORS[name] for name in there}


def test_no_file_is_over_800_lines():
    long = {
        str(p.relative_to(ROOT)): n
        for p in ROOT.rglob("*.py*")
        if p.suffix in (".py", ".pyx") and (n := len(p.read_text().splitlines())) > 800
    }
    assert long == {}
